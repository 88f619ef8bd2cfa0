//! The office behind the board: what a person there asks for beyond the run that is shown, done with the configuration,
//! the journal and the engine of this process.
//!
//! ```text
//! profiles     the configuration's profiles; `profile` shares it
//! places       where their secrets are put
//! checks       everything but sending, and the run that follows it
//! runs         runs that stand still: resume, retry, judge, cancel
//! practise     a run on a sandbox of this process; `demo` shares it
//! ```
//!
//! Nothing of the configuration is kept: it is read anew for each request, so that a secret or a profile that was
//! mended a moment ago is the one that is used. What is kept are the runs that were begun here, so that whoever leaves
//! the board can see them to their ends.

mod checks;
mod places;
mod practise;
mod profiles;
mod runs;

#[cfg(test)]
pub(super) mod tests;

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;

use super::House;
use super::exit::Stop;
use crate::config::Secret;
use crate::engine::{Handle, Setup};
use crate::journal::{Journal, JournalError, Judgement};
use crate::model::{FailureId, OperationKind, Phase, PlatformKind, RunId, Seq};
use crate::plan::Plan;
use crate::tui::{
    Flight, Keeps, Kept, Office, Places, ProfileDraft, Profiles, Progress, Reply, Started, Tested,
};
use checks::Checked;
pub(super) use practise::Ground;
pub(super) use profiles::{NOT_FOR_GOOD, home_in_words, keep, named, of_variables, remove, resolve, test};

/// How long a carrying-out that has come to its end may take to let go of its run.
const LETTING_GO: Duration = Duration::from_secs(1);

/// The office of this process. Clones are the same one.
#[derive(Clone)]
pub(super) struct Desk {
    room: Arc<Room>,
}

struct Room {
    house: House,
    /// As they were found before anything was made.
    places: Places,
    /// This person's journal, once it was needed.
    journal: Mutex<Option<Journal>>,
    checks: AtomicU64,
    checked: Mutex<Option<Checked>>,
    /// What was begun here, the latest last.
    carried: Mutex<Vec<Carried>>,
    /// Held while a run is being begun: one window carries one run.
    beginning: tokio::sync::Mutex<()>,
    /// They last as long as the office does: somebody may want to look at a run that has ended there.
    grounds: Mutex<Vec<Ground>>,
}

/// A run that was begun, or gone on with, by this process.
#[derive(Clone)]
pub(super) struct Carried {
    /// The run.
    pub handle: Handle,
    /// With what.
    pub setup: Setup,
    tenant: Tenant,
}

/// Where a run's profile comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tenant {
    /// From the configuration, which may have changed since.
    Configured,
    /// It was made with its sandbox.
    Sandbox,
}

impl Carried {
    /// With a profile of the configuration.
    pub(super) const fn configured(handle: Handle, setup: Setup) -> Self {
        Self { handle, setup, tenant: Tenant::Configured }
    }

    /// With a sandbox's.
    pub(super) const fn on_a_sandbox(handle: Handle, setup: Setup) -> Self {
        Self { handle, setup, tenant: Tenant::Sandbox }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what blocks on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Stop> + Send + 'static,
) -> Result<T, Stop> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(JournalError::Strange(format!("an internal error: {error}")).into()),
    }
}

/// The right to begin a run: nobody else does meanwhile, and none goes on here.
struct Turn<'d> {
    desk: &'d Desk,
    _beginning: tokio::sync::MutexGuard<'d, ()>,
}

impl Turn<'_> {
    /// Keeps a run that has begun.
    fn begun(self, carried: Carried) -> Result<Started, Stop> {
        let row = carried.handle.row();
        let started = |row| Started {
            live: Arc::new(carried.handle.clone()),
            journal: carried.setup.journal.clone(),
            row,
            keeps: self.desk.keeps(&carried),
        };
        let started = row.map(started);
        // also where its row cannot be read: it goes on, and somebody has to see it to its end
        lock(&self.desk.room.carried).push(carried);
        Ok(started?)
    }
}

impl Desk {
    /// An office for the house.
    pub(super) fn open(house: &House) -> Self {
        let room = Room {
            places: found(house),
            house: house.clone(),
            journal: Mutex::default(),
            checks: AtomicU64::new(0),
            checked: Mutex::default(),
            carried: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
            grounds: Mutex::default(),
        };
        Self { room: Arc::new(room) }
    }

    /// An office that has a run already.
    pub(super) fn with(house: &House, carried: Carried) -> Self {
        let desk = Self::open(house);
        let journal = &carried.setup.journal;
        if journal.data_folder() == house.places.data_dir {
            *lock(&desk.room.journal) = Some(journal.clone());
        }
        lock(&desk.room.carried).push(carried);
        desk
    }

    /// This person's journal.
    pub(super) fn journal(&self) -> Result<Journal, Stop> {
        let mut journal = lock(&self.room.journal);
        if let Some(journal) = &*journal {
            return Ok(journal.clone());
        }
        Ok(journal.insert(Journal::open_to_look(&self.room.house.places.data_dir)?).clone())
    }

    /// The run that was begun last, once none is being begun any more.
    pub(super) async fn last(&self) -> Option<Carried> {
        // who leaves at once does not wait for a platform that does not answer
        let settled = tokio::time::timeout(LETTING_GO, self.room.beginning.lock()).await;
        drop(settled);
        lock(&self.room.carried).last().cloned()
    }

    /// What becomes of a run when the board is left.
    pub(super) fn keeps(&self, carried: &Carried) -> Keeps {
        let kept = carried.setup.journal.data_folder() == self.room.house.places.data_dir;
        if kept { Keeps::Journal } else { Keeps::Nothing }
    }

    fn keep_ground(&self, ground: Ground) {
        lock(&self.room.grounds).push(ground);
    }

    /// Waits until a run may be begun here.
    async fn turn(&self) -> Result<Turn<'_>, Stop> {
        let beginning = self.room.beginning.lock().await;
        let last = lock(&self.room.carried).last().map(|carried| carried.handle.clone());
        if let Some(last) = last {
            let over = matches!(last.figures().phase, Phase::Ended(_));
            let patience = if over { LETTING_GO } else { Duration::ZERO };
            if tokio::time::timeout(patience, last.ended()).await.is_err() {
                return Err(Stop::refuse(format!(
                    "run {} goes on in this window, and a window carries one run at a time\n\
                     hint: pause and leave it, or wait for its end",
                    last.run().prefix()
                )));
            }
        }
        Ok(Turn { desk: self, _beginning: beginning })
    }
}

fn found(house: &House) -> Places {
    let is_there = |path: &PathBuf| path.try_exists().unwrap_or(true);
    let (config, data) = (house.places.config_file.clone(), house.places.data_dir.clone());
    let journal = data.join("journal.db");
    Places {
        config: (config.clone(), is_there(&config)),
        data: (data, is_there(&journal)),
        log: house.log.clone(),
        variables: !profiles::of_variables(&crate::config::Config::default()).is_empty(),
    }
}

/// An answer that is worked out by a clone of the office.
macro_rules! reply {
    ($desk:ident = $self:ident, $work:expr) => {{
        let $desk = $self.clone();
        async move { $work.await.map_err(|stop: Stop| stop.sentence()) }.boxed()
    }};
}

impl Office for Desk {
    fn profiles(&self) -> Reply<Profiles> {
        reply!(desk = self, profiles::shown(&desk, None))
    }

    fn test(&self, profile: String, platform: PlatformKind) -> Reply<Tested> {
        reply!(desk = self, profiles::test_named(&desk, &profile, platform))
    }

    fn test_draft(&self, draft: ProfileDraft, was: Option<String>) -> Reply<Tested> {
        reply!(desk = self, profiles::test_draft(&desk, draft, was))
    }

    fn save(&self, draft: ProfileDraft, was: Option<String>) -> Reply<Profiles> {
        reply!(desk = self, profiles::save(&desk, draft, was))
    }

    fn remove(&self, profile: String) -> Reply<Profiles> {
        reply!(desk = self, profiles::remove_shown(&desk, &profile))
    }

    fn replace_secret(&self, profile: String, secret: Secret) -> Reply<Kept> {
        reply!(desk = self, profiles::replace_secret(&desk, &profile, secret))
    }

    fn check(&self, plan: Plan, progress: Progress) -> Reply<Flight> {
        reply!(desk = self, checks::check(&desk, plan, progress))
    }

    fn begin(&self, flight: u64) -> Reply<Started> {
        reply!(desk = self, checks::begin(&desk, flight))
    }

    fn save_plan(&self, plan: Plan, path: PathBuf) -> Reply<PathBuf> {
        async move { blocking(move || checks::save_plan(plan, &path)).await.map_err(Stop::sentence) }.boxed()
    }

    fn resume(&self, run: RunId) -> Reply<Started> {
        reply!(desk = self, runs::resume(&desk, run))
    }

    fn retry(&self, run: RunId, items: Vec<Seq>, by: String) -> Reply<Started> {
        reply!(desk = self, runs::retry(&desk, run, items, by))
    }

    fn judge(&self, run: RunId, failures: Vec<FailureId>, judgement: Judgement, by: String) -> Reply<()> {
        reply!(desk = self, runs::judge(&desk, run, failures, judgement, by))
    }

    fn edit(&self, run: RunId, records: Vec<(FailureId, Option<Bytes>)>, by: String) -> Reply<()> {
        reply!(desk = self, runs::edit(&desk, run, records, by))
    }

    fn cancel(&self, run: RunId, by: String) -> Reply<()> {
        reply!(desk = self, runs::cancel(&desk, run, by))
    }

    fn report(&self, run: RunId) -> Reply<PathBuf> {
        reply!(desk = self, runs::report(&desk, run))
    }

    fn practise(&self, operation: OperationKind) -> Reply<Started> {
        reply!(desk = self, practise::practise(&desk, operation))
    }

    fn places(&self) -> Places {
        self.room.places.clone()
    }

    fn secret_variables(&self) -> Vec<String> {
        self.room.house.config().unwrap_or_default().secret_variables()
    }
}
