//! Setting a run going: a new one, one that goes on, or failures that are sent again.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::carry::{Facts, Halt, Shared, State, instant_of};
use super::crew::Crew;
use super::feeder::{Feed, Source, SourceOrigin};
use super::gauges::Gauges;
use super::guard::Guard;
use super::handle::Handle;
use super::signal::Signal;
use super::supervisor::Supervisor;
use super::way::{Way, access, store, way};
use super::{Scanned, Setup, StartError, Winner, faults, scan, schedule};
use crate::dataset::map::Mapping;
use crate::journal::{
    Agenda, Book, CUT_OFF, JournalError, NewDataset, NewRun, OpenItem, Out, RunLock, RunRow, Write,
};
use crate::machine::{self, Since};
use crate::model::{Fault, ItemState, Phase, RunId, RunState, Seq};
use crate::operation::{self, Operation};
use crate::pacing::Fill;
use crate::plan::{Plan, Unsure};

/// Begins a new run.
///
/// # Errors
///
/// Where it cannot begin; nothing was sent then.
pub async fn begin(setup: Setup, scanned: Scanned) -> Result<Handle, StartError> {
    hold_to_profile(&setup)?;
    let setup = Setup { plan: setup.plan.rooted(), ..setup };
    let parts = Parts::of(&setup)?;
    let id = RunId::begin();
    let mut first_position = 0;
    let mut datasets = Vec::with_capacity(scanned.datasets.len());
    for dataset in &scanned.datasets {
        datasets.push(NewDataset {
            path: dataset.path.to_string_lossy().into_owned(),
            format: dataset.format.clone(),
            bytes: dataset.bytes,
            digest: dataset.digest.as_ref().map(ToString::to_string),
            records: dataset.records,
            first_position,
            correlation_id: machine::chance_id().to_string(),
        });
        first_position += dataset.records.unwrap_or(0);
    }
    let new = NewRun {
        id,
        operation: setup.plan.operation.kind(),
        profile: setup.profile.name.clone(),
        platform: setup.profile.platform,
        api_url: setup.profile.api_url.to_string(),
        auth_url: setup.profile.auth_url.to_string(),
        client_id: setup.profile.client_id.clone(),
        production: setup.profile.production,
        plan: setup.plan.to_toml(),
        until_error: setup.until_error,
        datasets,
    };
    let journal = setup.journal.clone();
    let begun = blocking(move || journal.begin(&new).map(|(book, lock)| (new, book, lock))).await?;
    let (new, book, lock) = begun;
    let folder = setup.journal.run_folder(id)?;
    let mut sources = VecDeque::with_capacity(scanned.datasets.len());
    let first = scanned.datasets.iter().filter_map(scan::ScannedDataset::cut_off);
    let first = first.map(|text| Write::Note { kind: CUT_OFF, delay_ms: None, reason: None, text }).collect();
    for (number, (scanned, new)) in (0..).zip(scanned.datasets.into_iter().zip(&new.datasets)) {
        let origin = match scanned.fingerprint {
            Some(fingerprint) => SourceOrigin::File { path: scanned.path, fingerprint },
            None => SourceOrigin::Stream { spool: scan::spool(&folder)? },
        };
        sources.push_back(Source {
            number,
            origin,
            first_position: new.first_position,
            planned: 0,
            open: Vec::new(),
            stop_at: scanned.records.filter(|_| scanned.broken.is_some()),
        });
    }
    let facts = facts(&setup, &new.datasets, machine::now());
    let run = Carried {
        id,
        book,
        lock,
        facts,
        next_seq: 0,
        limits: (None, None),
        not_before: None,
        fill: Fill::Full,
        first,
        ceiling_by: None,
    };
    let feed = Feed { sources, retries: Vec::new(), whole: true };
    Ok(carry_on(setup, run, feed, parts, HashMap::new()))
}

/// Goes on with a run where it stopped. The setup's plan is the run's own, with what was changed of its `[delivery]`.
///
/// # Errors
///
/// Where it cannot go on: another process has it, it is over, its profile leads elsewhere, or its dataset is not what it
/// was (a fault, which is written down).
pub async fn resume(setup: Setup, run: &RunRow) -> Result<Handle, StartError> {
    hold_to_profile(&setup)?;
    hold_to_run(&setup, run)?;
    if run.state.is_over() {
        return Err(StartError::Over { run: run.id, state: run.state });
    }
    again(setup, run, None).await
}

/// Sends failures of a run again, and nothing else of it.
///
/// # Errors
///
/// As [`resume`], but a run that has ended is no error unless it was cancelled.
pub async fn retry(setup: Setup, run: &RunRow, items: Vec<Seq>, by: String) -> Result<Handle, StartError> {
    hold_to_profile(&setup)?;
    hold_to_run(&setup, run)?;
    if run.state == RunState::Cancelled {
        return Err(StartError::Over { run: run.id, state: run.state });
    }
    again(setup, run, Some((items, by))).await
}

async fn again(
    mut setup: Setup,
    run: &RunRow,
    retry: Option<(Vec<Seq>, String)>,
) -> Result<Handle, StartError> {
    let parts = Parts::of(&setup)?;
    let (journal, row) = (setup.journal.clone(), run.clone());
    let over = |row: &RunRow| StartError::Over { run: row.id, state: row.state };
    let (run, book, lock, mut agenda, accepted) = blocking(move || {
        let (book, lock) = journal.take(&row)?;
        let reader = journal.reader()?;
        // what was read before the lock was ours may be old: another process may have carried it on since
        let mut row = reader.run(&row.id.to_string())?;
        let mut accepted = HashMap::new();
        for number in 0..u32::try_from(row.datasets.len()).unwrap_or(u32::MAX) {
            if let Some(at) = reader.last_accepted(&row, number)? {
                accepted.insert(number, Since::told(at));
            }
        }
        let agenda = reader.agenda(&row)?;
        row.not_before = reader.no_call_before(&row)?;
        Ok::<_, JournalError>((row, book, lock, agenda, accepted))
    })
    .await?;
    let whole = retry.is_none();
    if run.state == RunState::Cancelled || (whole && run.state.is_over()) {
        return Err(over(&run));
    }
    let run = &run;
    let ceiling_by = take_what_was_kept(&mut setup, run);
    let repeats = whole && setup.plan.delivery.unsure == Unsure::Retry && parts.guard.is_none();
    let doubtful = if run.clean { Vec::new() } else { may_be_out(&mut agenda, u32::from(repeats)) };
    let sources = if whole {
        match sources_again(&setup, run, agenda).await {
            Ok(sources) => sources,
            Err(fault) => {
                let writes = vec![Write::Fault(fault.clone()), Write::State(RunState::Faulted)];
                if let Err(trouble) = setup.journal.try_commit(&book, writes).await {
                    tracing::warn!(error = trouble.message, "the fault could not be written");
                }
                return Err(StartError::Fault(Box::new(fault)));
            }
        }
    } else {
        VecDeque::new()
    };
    let datasets: Vec<NewDataset> = run
        .datasets
        .iter()
        .map(|dataset| NewDataset {
            path: dataset.path.clone(),
            format: dataset.format.clone(),
            bytes: dataset.bytes,
            digest: dataset.digest.clone(),
            records: dataset.records,
            first_position: dataset.first_position,
            correlation_id: dataset.correlation_id.clone(),
        })
        .collect();
    let facts = facts(&setup, &datasets, run.started_at);
    let carried = Carried {
        id: run.id,
        book,
        lock,
        facts,
        next_seq: run.next_seq,
        limits: (run.largest_accepted, run.smallest_refused),
        not_before: run.not_before,
        fill: Fill::Empty,
        first: doubtful,
        ceiling_by,
    };
    let feed = Feed { sources, retries: retry.into_iter().collect(), whole };
    Ok(carry_on(setup, carried, feed, parts, accepted))
}

/// Puts what a person has set while the run went over its plan, but for what was typed just now. Returns who set the
/// ceiling, where that is not the plan's.
fn take_what_was_kept(setup: &mut Setup, run: &RunRow) -> Option<String> {
    let delivery = &mut setup.plan.delivery;
    if let Some(workers) = run.kept.workers.filter(|_| setup.wins.workers == Winner::Kept) {
        delivery.workers = workers.max(1);
    }
    let kept = run.kept.ceiling.as_ref().filter(|_| setup.wins.ceiling == Winner::Kept)?;
    delivery.rate = kept.rate;
    Some(kept.by.clone())
}

/// Marks all that was planned and has no end, in a run that did not stop cleanly: any of it may have been sent. Where it will
/// be sent again without asking anybody, that is counted now: another crash would take the count along.
fn may_be_out(agenda: &mut Agenda, repeats: u32) -> Vec<Write> {
    let mut marks = Vec::with_capacity(agenda.items.len());
    for item in &mut agenda.items {
        item.state = ItemState::Sending;
        // a remote job that is known was accepted, and is only looked at
        if item.remote_id.is_none() {
            item.unsure += repeats;
            let OpenItem { seq, extent, attempts, unsure, .. } = *item;
            marks.push(Write::Sending { seq, extent, attempts, unsure, out: Out::Maybe });
        }
    }
    marks
}

/// The datasets of a run that goes on: each must be what it was.
async fn sources_again(setup: &Setup, run: &RunRow, agenda: Agenda) -> Result<VecDeque<Source>, Fault> {
    let mut open: HashMap<u32, Vec<_>> = HashMap::new();
    for item in agenda.items {
        open.entry(item.extent.dataset).or_default().push(item);
    }
    let folder = setup.journal.run_folder(run.id).map_err(|error| faults::data_folder(&error.to_string()))?;
    let mut sources = VecDeque::with_capacity(run.datasets.len());
    for (number, dataset) in (0..).zip(&run.datasets) {
        let origin = if dataset.path == "-" {
            let path = folder.join(scan::SPOOL);
            crate::files::hold_to_own(&path).map_err(|error| {
                let shown = crate::text::one_line(&path.to_string_lossy(), 300);
                faults::dataset_changed(format!("what was read of standard input, `{shown}`: {error}"))
            })?;
            match dataset.records {
                Some(_) => {
                    let fingerprint = scan::fingerprint(&path).await?;
                    SourceOrigin::File { path, fingerprint }
                }
                None => SourceOrigin::Spool { path },
            }
        } else {
            let path = PathBuf::from(&dataset.path);
            let fingerprint = scan::same_as_before(&path, dataset).await?;
            SourceOrigin::File { path, fingerprint }
        };
        sources.push_back(Source {
            number,
            origin,
            first_position: dataset.first_position,
            planned: dataset.planned,
            open: open.remove(&number).unwrap_or_default(),
            stop_at: dataset.records.filter(|_| run.until_error),
        });
    }
    Ok(sources)
}

/// A run that this process has taken.
struct Carried {
    id: RunId,
    book: Arc<Book>,
    lock: RunLock,
    facts: Facts,
    next_seq: Seq,
    limits: (Option<u64>, Option<u64>),
    not_before: Option<Timestamp>,
    fill: Fill,
    /// What is to be written before anything else: what is known of the datasets, or marks of calls that may have been
    /// out when a process ended.
    first: Vec<Write>,
    ceiling_by: Option<String>,
}

/// Chunks of one dataset that may have been accepted and not be committed yet.
const CHUNKS_UNCOMMITTED: usize = 16;

/// What a run is carried with, made ready before anything is written.
struct Parts {
    mapping: Option<Arc<Mapping>>,
    way: Way,
    operation: Arc<dyn Operation>,
    guard: Option<Guard>,
}

impl Parts {
    fn of(setup: &Setup) -> Result<Self, StartError> {
        let operation = operation::of(&setup.plan)?;
        let guard = match operation.guard() {
            Some(terms) => {
                Some(Guard::new(terms, store(&setup.store, &setup.profile, setup.journal.data_folder())?))
            }
            None => None,
        };
        Ok(Self { mapping: mapping(&setup.plan)?, way: way(setup)?, operation, guard })
    }
}

/// Puts the parts of a run together, and sets it going.
fn carry_on(setup: Setup, run: Carried, feed: Feed, parts: Parts, accepted: HashMap<u32, Since>) -> Handle {
    let not_before = run.not_before.map(|at| instant_of(at.as_millisecond()));
    let Parts { mapping, way, operation, guard } = parts;
    let access = access(&setup.plan, way, not_before, run.fill);
    let workers = setup.plan.delivery.workers;
    // a chunk's predecessor may be accepted and not yet committed; so may as many single items as there are workers
    let uncommitted = if operation.keeps_order() {
        run.facts.datasets.iter().map(|_| Arc::new(Semaphore::new(CHUNKS_UNCOMMITTED))).collect()
    } else {
        vec![Arc::new(Semaphore::new(usize::from(workers)))]
    };
    let crew = Crew::new(workers, uncommitted.first().filter(|_| !operation.keeps_order()));
    let records = run.book.counts().records_total;
    let most_begun = operation.most_open().map_or(usize::MAX, |most| most as usize);
    let (orders, commands) = mpsc::channel(16);
    let (told, faults) = mpsc::channel(64);
    let (ending, ended) = watch::channel(None);
    let shared = Arc::new(Shared {
        run: run.id,
        facts: run.facts,
        mapping,
        operation,
        guard,
        access,
        journal: setup.journal.clone(),
        book: run.book,
        schedule: schedule::Schedule::new(most_begun),
        gauges: Gauges::new(usize::from(workers), records),
        crew,
        halt: Signal::new(Halt::Go),
        uncommitted,
        next_seq: AtomicU64::new(run.next_seq),
        changes: watch::Sender::new(0),
        dirty: Notify::new(),
        idle: Notify::new(),
        reading: AtomicU64::new(0),
        faults: told,
        state: Mutex::new(State {
            phase: Phase::Running,
            largest_accepted: run.limits.0,
            smallest_refused: run.limits.1,
            limit_news: false,
            streak: None,
            accepted,
            acts: Vec::new(),
            ceiling_by: run.ceiling_by,
            left_out: Vec::new(),
        }),
        plan: setup.plan,
    });
    let supervisor = Supervisor {
        shared: Arc::clone(&shared),
        feed,
        commands,
        faults,
        ending,
        lock: run.lock,
        told_to_wait: not_before,
        standing: None,
        wakes: None,
        broken: None,
        wants_pause: false,
        disk_told: false,
        prepared: false,
        first: run.first,
        workers: JoinSet::new(),
        cancelled: None,
    };
    tokio::spawn(supervisor.carry());
    Handle { shared, journal: setup.journal, commands: orders, ending: ended }
}

pub(super) fn mapping(plan: &Plan) -> Result<Option<Arc<Mapping>>, StartError> {
    Ok(plan.map.as_ref().map(Mapping::from_toml).transpose()?.map(Arc::new))
}

fn facts(setup: &Setup, datasets: &[NewDataset], started_at: Timestamp) -> Facts {
    Facts {
        operation: setup.plan.operation.kind(),
        profile: setup.profile.name.clone(),
        platform: setup.profile.platform,
        host: host(&setup.profile.api_url),
        production: setup.profile.production,
        datasets: datasets.iter().map(|dataset| crate::text::one_line(&dataset.path, 500)).collect(),
        correlation_ids: datasets.iter().map(|dataset| Arc::from(dataset.correlation_id.as_str())).collect(),
        started_at,
    }
}

/// The host of an address, with its port where that is not the usual one.
fn host(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or("?");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn hold_to_profile(setup: &Setup) -> Result<(), StartError> {
    let profile = &setup.profile;
    if profile.read_only {
        return Err(StartError::ReadOnly(profile.name.clone()));
    }
    hold_to_platform(setup)
}

pub(super) fn hold_to_platform(setup: &Setup) -> Result<(), StartError> {
    let operation = setup.plan.operation.kind();
    if setup.profile.platform == operation.platform() {
        return Ok(());
    }
    Err(StartError::Platform {
        profile: setup.profile.name.clone(),
        found: setup.profile.platform.to_string(),
        operation,
        needed: operation.platform().to_string(),
    })
}

fn bare(address: &str) -> &str {
    address.trim_end_matches('/')
}

fn hold_to_run(setup: &Setup, run: &RunRow) -> Result<(), StartError> {
    let profile = &setup.profile;
    let now = (profile.api_url.as_str(), profile.auth_url.as_str(), profile.client_id.as_str());
    let then = (run.api_url.as_str(), run.auth_url.as_str(), run.client_id.as_str());
    // versions before this one kept an address with the slash that it was written with
    let place = |(api, auth, client)| (bare(api), bare(auth), client);
    if place(now) == place(then) {
        return Ok(());
    }
    let told = |(api, auth, client): (&str, &str, &str)| {
        crate::text::one_line(&format!("`{api}` (tokens from `{auth}`) as client `{client}`"), 500)
    };
    Err(StartError::Elsewhere {
        run: run.id,
        profile: profile.name.clone(),
        began: told(then),
        now: told(now),
    })
}

/// Does what blocks on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    match machine::off_thread(work).await {
        Ok(done) => done,
        Err(error) => Err(JournalError::Strange(format!("an internal error: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Extent;

    #[test]
    fn each_crash_counts_what_it_makes_doubtful_before_anything_is_sent_again() {
        let item = |seq, unsure, remote_id| OpenItem {
            seq,
            extent: Extent { dataset: 0, first: seq, span: 1, count: 1 },
            state: ItemState::Pending,
            attempts: 1,
            unsure,
            not_before: None,
            remote_id,
            holes: Vec::new(),
        };
        let mut agenda =
            Agenda { items: vec![item(0, 0, None), item(1, 2, None), item(2, 0, Some("job".to_owned()))] };
        let marks = may_be_out(&mut agenda, 1);
        let marked: Vec<_> = marks
            .iter()
            .map(|mark| match mark {
                Write::Sending { seq, unsure, out: Out::Maybe, .. } => (*seq, *unsure),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(marked, [(0, 1), (1, 3)], "a job that is known was accepted");
        let counts: Vec<_> = agenda.items.iter().map(|item| item.unsure).collect();
        assert_eq!(counts, [1, 3, 0], "what is sent goes on from what is written");
    }
}
