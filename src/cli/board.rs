//! The dashboard: over a run that this process carries, or, as `trunkline` alone, over what the journal knows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::args::Watching;
use super::exit::{Exit, Stop};
use super::question::is_interactive;
use super::send::setup_of;
use super::{House, person};
use crate::config::Config;
use crate::engine::{self, Ending, Handle, Setup};
use crate::headless::{Signals, Told, summarise};
use crate::journal::{Journal, RunRow};
use crate::model::{RunState, Seq};
use crate::tui::{self, Board, Keeps, Left, Live, Resender, TuiError};

/// How long the engine may take when a person wants to leave at once.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Whether a run is watched on the board.
pub(super) fn is_wanted(watching: Watching) -> bool {
    !watching.headless && !watching.events && is_interactive()
}

/// `trunkline` alone.
pub(super) async fn open(house: &House) -> Result<Exit, Stop> {
    if !is_interactive() {
        return Err(Stop::refuse(
            "the dashboard needs a terminal, and there is none\n\
             hint: `trunkline runs` lists what there is, `trunkline --help` what can be done",
        ));
    }
    let config = house.config()?;
    let journal = Journal::open(&house.places.data_dir)?;
    let run = first_on_the_board(journal.reader()?.runs()?);
    let means = run.as_ref().map(|run| setup_of(&config, journal.clone(), run, None));
    let carrier = Arc::new(Carrier {
        means: match means {
            Some(Ok(setup)) => Ok(setup),
            Some(Err(stop)) => Err(stop.message.unwrap_or_default()),
            None => Err("there is no run on the board".to_owned()),
        },
        run: run.as_ref().map(|run| run.id.to_string()).unwrap_or_default(),
        current: Mutex::new(None),
    });
    let resender: Arc<dyn Resender> = Arc::new(Again(Arc::clone(&carrier)));
    let by = person(&config);
    let board = Board { live: None, journal, run, resender: Some(resender), by, keeps: Keeps::Journal };
    let left = tui::watch(board, &config.ui).await;
    let Some(handle) = carrier.current() else { return left.map(|_| Exit::Done).map_err(Stop::from) };
    conclude(&handle, left, Told::Words).await
}

/// The run that a person most likely wants to see: one that is being carried, else one to be mended, else the newest.
fn first_on_the_board(runs: Vec<RunRow>) -> Option<RunRow> {
    let rank = |run: &RunRow| match run {
        run if run.carrier.is_some() => 0,
        run if run.items.open() > 0 => 1,
        _ => 2,
    };
    // of equals the first, and the newest come first
    runs.into_iter().min_by_key(rank)
}

/// Shows a run that this process carries, until a person leaves it.
pub(super) async fn carry(handle: Handle, setup: Setup, config: &Config, told: Told) -> Result<Exit, Stop> {
    let row = handle.row()?;
    let journal = setup.journal.clone();
    let run = row.id.to_string();
    let carrier = Arc::new(Carrier { means: Ok(setup), run, current: Mutex::new(Some(handle.clone())) });
    let resender: Arc<dyn Resender> = Arc::new(Again(Arc::clone(&carrier)));
    let live: Arc<dyn Live> = Arc::new(handle.clone());
    let by = person(config);
    let keeps = if told == Told::Demo { Keeps::Nothing } else { Keeps::Journal };
    let board = Board { live: Some(live), journal, run: Some(row), resender: Some(resender), by, keeps };
    let left = tui::watch(board, &config.ui).await;
    conclude(&carrier.current().unwrap_or(handle), left, told).await
}

/// Waits for what is still draining, and says how it went where the board was.
async fn conclude(handle: &Handle, left: Result<Left, TuiError>, told: Told) -> Result<Exit, Stop> {
    let patience = match &left {
        Ok(Left::LeftAtOnce) => Some(AT_ONCE),
        // the board is gone, and nobody is left who could lead the run
        Err(_) => {
            let _ = handle.command(engine::Command::Drain);
            None
        }
        Ok(Left::Ended | Left::PausedAndLeft | Left::Hangup) => None,
    };
    // a new one: what came while the board was up was the board's
    let mut signals = Signals::listen()?;
    let ending = tokio::select! {
        ending = handle.ended() => ending,
        () = after(patience) => lost(),
        () = signals.next() => {
            let _ = handle.command(engine::Command::LeaveAtOnce);
            tokio::time::timeout(AT_ONCE, handle.ended()).await.unwrap_or_else(|_| lost())
        }
    };
    left?;
    summarise(handle, &ending, told)?;
    Ok(Exit::of(&ending))
}

/// An engine that does not answer is left as it is: the journal knows what it must, and the run shows as paused.
const fn lost() -> Ending {
    Ending { state: RunState::Paused, fault: None }
}

async fn after(patience: Option<Duration>) {
    match patience {
        Some(patience) => tokio::time::sleep(patience).await,
        None => std::future::pending().await,
    }
}

impl From<TuiError> for Stop {
    fn from(error: TuiError) -> Self {
        match error {
            TuiError::Terminal(_) => Self::refuse(error.to_string()),
            // whatever broke is told of at the end of the program, wherever it broke
            TuiError::Panicked => Self { exit: Exit::Broken, message: None },
        }
    }
}

/// Carries the run on the board anew, each time that failures of it are sent again after its end.
struct Carrier {
    /// What that takes, or why it can't be done.
    means: Result<Setup, String>,
    run: String,
    /// The latest carrying-out.
    current: Mutex<Option<Handle>>,
}

impl Carrier {
    fn current(&self) -> Option<Handle> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The board's way to a carrier.
struct Again(Arc<Carrier>);

impl Resender for Again {
    fn resend(&self, items: Vec<Seq>, by: String) -> BoxFuture<'static, Result<Arc<dyn Live>, String>> {
        let carrier = Arc::clone(&self.0);
        async move {
            let setup = carrier.means.clone()?;
            let row = setup.journal.reader().and_then(|reader| reader.run(&carrier.run));
            let row = row.map_err(|error| error.to_string())?;
            let handle = engine::retry(setup, &row, items, by).await.map_err(|error| error.to_string())?;
            *carrier.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle.clone());
            Ok(Arc::new(handle) as Arc<dyn Live>)
        }
        .boxed()
    }
}
