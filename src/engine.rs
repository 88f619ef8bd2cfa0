//! Carrying a plan out: reading, pacing, sending, and writing down what became of it.
//!
//! ```text
//! scan ──▶ begin │ resume │ retry ──▶ Handle: figures, commands, its end
//!                        │
//!                   Supervisor ── phases, faults, the end          (supervisor)
//!                    │       │
//!     readers ───────┘       └─────── workers                      (feeder, worker)
//!     plan items, durably             one item at a time, as far as it goes now
//!            └──▶ Schedule ──▶┘       order, back-offs, how much is planned ahead
//! ```
//!
//! The engine makes every call, and asks pacing for leave before each. What an operation is it knows only through the
//! trait; what a status means it asks the one decision table.

mod access;
mod carry;
mod check;
mod faults;
mod feeder;
mod gauges;
mod grouping;
mod handle;
mod job;
mod preflight;
mod scan;
mod schedule;
mod split;
mod supervisor;
mod worker;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::time::Instant;
use uuid::Uuid;

use crate::config::{AuthMethod, ClientAuth as ConfiguredAuth, Profile, SecretSource};
use crate::dataset::DatasetError;
use crate::dataset::map::{MapError, Mapping};
use crate::journal::{
    Agenda, Book, Journal, JournalError, NewDataset, NewRun, OpenItem, Out, RunLock, RunRow, Write,
};
use crate::model::{Fault, ItemState, OperationKind, Phase, RunId, RunState, Seq};
use crate::operation::{self, Grouping};
use crate::pacing::{Backoff, Fill, Lane, LaneSettings};
use crate::plan::Plan;
use crate::platform::{ClientAuth, Grant, HttpTransport, SecretProvider, Target, TargetError, Tokens};
use access::Access;
use carry::{Facts, Halt, Shared, State, instant_of};
use feeder::{Feed, Source, SourceOrigin};
use gauges::Gauges;
use supervisor::Supervisor;

pub use check::{CheckReport, check};
pub use handle::{Command, Ending, Handle};
pub use scan::{Scanned, ScannedDataset, scan};

/// What a run needs beside its datasets.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where it is written down.
    pub journal: Journal,
    /// What is to be done.
    pub plan: Plan,
    /// With which tenant.
    pub profile: Profile,
    /// Whether a broken dataset is used up to its broken place.
    pub until_error: bool,
}

/// Why a run does not begin, or does not go on. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The dataset cannot be used.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The dataset is malformed.
    #[error(
        "{0}\nhint: nothing was sent; mend the file, or send what stands before that place with --until-error"
    )]
    Broken(crate::dataset::Malformed),
    /// The dataset lacks what the operation needs.
    #[error(
        "{} has no column {wanted}; it has {found}\nhint: name the right ones in the plan's [operation.map]",
        crate::text::one_line(dataset, 200)
    )]
    Column {
        /// The dataset.
        dataset: String,
        /// What is needed.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// No dataset was named.
    #[error("no dataset is named\nhint: name a file, or `-` for standard input")]
    NoDataset,
    /// Standard input stands beside others.
    #[error("`-`, standard input, cannot stand beside other datasets")]
    StreamAmongOthers,
    /// The plan's map cannot be used.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The profile's addresses cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The profile only looks.
    #[error(
        "profile `{0}` is read-only: it sends nothing\nhint: remove `read_only = true` from it, or take another profile"
    )]
    ReadOnly(String),
    /// The profile is of the other platform.
    #[error(
        "profile `{profile}` is for {found}, and {operation} runs on {needed}\nhint: name another one with --profile"
    )]
    Platform {
        /// The profile.
        profile: String,
        /// Its platform.
        found: String,
        /// The operation.
        operation: OperationKind,
        /// The platform that it needs.
        needed: String,
    },
    /// The profile now leads elsewhere than the run began.
    #[error(
        "run {run} began with {began}, and profile `{profile}` now leads to {now}\nhint: a run keeps its hosts and its client; begin a new one, or set the profile back"
    )]
    Elsewhere {
        /// The run.
        run: RunId,
        /// The profile.
        profile: String,
        /// Where the run's calls went, and as whom.
        began: String,
        /// Where they would go now.
        now: String,
    },
    /// The run has ended for good.
    #[error(
        "run {run} is {state}: there is nothing to go on with\nhint: `trunkline failures {run}` shows what it could not deliver, and `trunkline retry {run}` sends that again"
    )]
    Over {
        /// The run.
        run: RunId,
        /// How it ended.
        state: RunState,
    },
    /// A fault was found before the run could go on. It is written down.
    #[error("{}\nhint: {}", .0.message, .0.advice)]
    Fault(Box<Fault>),
}

impl StartError {
    /// The exit code that goes with it.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Fault(_) => 3,
            _ => 2,
        }
    }
}

/// Begins a new run.
///
/// # Errors
///
/// Where it cannot begin; nothing was sent then.
pub async fn begin(setup: Setup, scanned: Scanned) -> Result<Handle, StartError> {
    hold_to_profile(&setup)?;
    let mapping = mapping(&setup.plan)?;
    let wire = wire(&setup.profile)?;
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
            correlation_id: Uuid::new_v4().to_string(),
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
            stop_at: scanned.records.filter(|_| scanned.broken),
        });
    }
    let facts = facts(&setup, &new.datasets, Timestamp::now());
    let run = Carried {
        id,
        book,
        lock,
        facts,
        next_seq: 0,
        limits: (None, None),
        not_before: None,
        fill: Fill::Full,
        doubtful: Vec::new(),
    };
    let side_by_side = side_by_side(&setup.plan);
    let feed = Feed { sources, side_by_side, retries: Vec::new(), whole: true };
    Ok(carry_on(setup, run, feed, mapping, wire, HashMap::new()))
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

async fn again(setup: Setup, run: &RunRow, retry: Option<(Vec<Seq>, String)>) -> Result<Handle, StartError> {
    let mapping = mapping(&setup.plan)?;
    let wire = wire(&setup.profile)?;
    let (journal, row) = (setup.journal.clone(), run.clone());
    let over = |row: &RunRow| StartError::Over { run: row.id, state: row.state };
    let (run, book, lock, agenda, accepted) = blocking(move || {
        let (book, lock) = journal.take(&row)?;
        let reader = journal.reader()?;
        // what was read before the lock was ours may be old: another process may have carried it on since
        let row = reader.run(&row.id.to_string())?;
        let mut accepted = HashMap::new();
        for number in 0..u32::try_from(row.datasets.len()).unwrap_or(u32::MAX) {
            if let Some(at) = reader.last_accepted(&row, number)? {
                accepted.insert(number, at);
            }
        }
        let agenda = reader.agenda(&row)?;
        Ok::<_, JournalError>((row, book, lock, agenda, accepted))
    })
    .await?;
    let whole = retry.is_none();
    if run.state == RunState::Cancelled || (whole && run.state.is_over()) {
        return Err(over(&run));
    }
    let run = &run;
    let doubtful = if run.clean { Vec::new() } else { may_be_out(&agenda) };
    let sources = if whole {
        match sources_again(&setup, run, agenda).await {
            Ok(sources) => sources,
            Err(fault) => {
                let writes = vec![Write::Fault(fault.clone()), Write::State(RunState::Faulted)];
                setup.journal.commit(&book, writes).await;
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
        doubtful,
    };
    let feed = Feed {
        sources,
        side_by_side: side_by_side(&setup.plan),
        retries: retry.into_iter().collect(),
        whole,
    };
    Ok(carry_on(setup, carried, feed, mapping, wire, accepted))
}

/// Marks all that was planned and has no end, in a run that did not stop cleanly: any of it may have been sent.
fn may_be_out(agenda: &Agenda) -> Vec<Write> {
    let mark = |item: &OpenItem| Write::Sending {
        seq: item.seq,
        extent: item.extent,
        attempts: item.attempts,
        unsure: item.unsure,
        out: Out::Maybe,
    };
    agenda.items.iter().map(mark).collect()
}

/// The datasets of a run that goes on: each must be what it was.
async fn sources_again(setup: &Setup, run: &RunRow, agenda: Agenda) -> Result<VecDeque<Source>, Fault> {
    let mut open: HashMap<u32, Vec<_>> = HashMap::new();
    for mut item in agenda.items {
        if !run.clean {
            item.state = ItemState::Sending;
        }
        open.entry(item.extent.dataset).or_default().push(item);
    }
    let folder = setup.journal.run_folder(run.id).map_err(|error| faults::disk(&error.to_string()))?;
    let mut sources = VecDeque::with_capacity(run.datasets.len());
    for (number, dataset) in (0..).zip(&run.datasets) {
        let origin = if dataset.path == "-" {
            let path = folder.join(scan::SPOOL);
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
    /// What is to be written before anything else: marks of calls that may have been out when a process ended.
    doubtful: Vec<Write>,
}

/// Chunks of one dataset that may have been accepted and not be committed yet.
const CHUNKS_UNCOMMITTED: usize = 16;

/// Puts the parts of a run together, and sets it going.
fn carry_on(
    setup: Setup,
    run: Carried,
    feed: Feed,
    mapping: Option<Mapping>,
    wire: (HttpTransport, Tokens),
    accepted: HashMap<u32, Timestamp>,
) -> Handle {
    let not_before = run.not_before.map(|at| instant_of(at.as_millisecond()));
    let access = access(&setup.plan, wire, not_before, run.fill);
    let operation = operation::of(&setup.plan);
    let workers = usize::from(setup.plan.delivery.workers);
    // a chunk's predecessor may be accepted and not yet committed; so may as many single items as there are workers
    let uncommitted = match operation.grouping() {
        Grouping::Single => vec![Arc::new(Semaphore::new(workers))],
        Grouping::Chunks { .. } => {
            run.facts.datasets.iter().map(|_| Arc::new(Semaphore::new(CHUNKS_UNCOMMITTED))).collect()
        }
    };
    let (orders, commands) = mpsc::channel(16);
    let (told, faults) = mpsc::channel(64);
    let (ending, ended) = watch::channel(None);
    let shared = Arc::new(Shared {
        run: run.id,
        facts: run.facts,
        mapping,
        operation,
        access,
        journal: setup.journal.clone(),
        book: run.book,
        schedule: schedule::Schedule::default(),
        gauges: Gauges::new(workers),
        halt: watch::Sender::new(Halt::Go),
        uncommitted,
        next_seq: AtomicU64::new(run.next_seq),
        changes: watch::Sender::new(0),
        dirty: Notify::new(),
        idle: Notify::new(),
        reading: AtomicU64::new(0),
        faults: told,
        begun: Instant::now(),
        over: std::sync::OnceLock::new(),
        state: std::sync::Mutex::new(State {
            phase: Phase::Running,
            largest_accepted: run.limits.0,
            smallest_refused: run.limits.1,
            limit_news: false,
            streak: None,
            accepted,
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
        standing: None,
        broken: None,
        wants_pause: false,
        disk_told: false,
        prepared: false,
        first: run.doubtful,
        workers,
    };
    tokio::spawn(supervisor.carry());
    Handle { shared, journal: setup.journal, commands: orders, ending: ended }
}

/// The way to a tenant at a plan's pace.
fn access(
    plan: &Plan,
    (transport, tokens): (HttpTransport, Tokens),
    not_before: Option<Instant>,
    fill: Fill,
) -> Access {
    let delivery = plan.delivery.clone();
    let mut rng = fastrand::Rng::new();
    let settings = LaneSettings {
        rate: delivery.rate,
        burst: delivery.burst,
        adapt: delivery.adapt,
        pool_pause_threshold: delivery.pool_pause_threshold,
        retry_after_limit: delivery.retry_after_limit,
        throttle_patience: delivery.throttle_patience,
        backoff: Backoff { base: delivery.backoff.base, cap: delivery.backoff.cap },
    };
    let lane = Lane::new(settings, fill, not_before, rng.u64(..));
    Access { transport: Arc::new(transport), tokens, lane, delivery, rng: std::sync::Mutex::new(rng) }
}

fn side_by_side(plan: &Plan) -> usize {
    match operation::of(plan).grouping() {
        // single items come from one dataset after the other
        Grouping::Single => 1,
        Grouping::Chunks { .. } => usize::from(plan.delivery.workers),
    }
}

fn mapping(plan: &Plan) -> Result<Option<Mapping>, StartError> {
    Ok(plan.map.as_ref().map(Mapping::from_toml).transpose()?)
}

fn facts(setup: &Setup, datasets: &[NewDataset], started_at: Timestamp) -> Facts {
    Facts {
        operation: setup.plan.operation.kind(),
        profile: setup.profile.name.clone(),
        platform: setup.profile.platform,
        host: setup.profile.api_url.host_str().unwrap_or("?").to_owned(),
        production: setup.profile.production,
        datasets: datasets.iter().map(|dataset| crate::text::one_line(&dataset.path, 500)).collect(),
        correlation_ids: datasets.iter().map(|dataset| Arc::from(dataset.correlation_id.as_str())).collect(),
        started_at,
    }
}

fn hold_to_profile(setup: &Setup) -> Result<(), StartError> {
    let profile = &setup.profile;
    if profile.read_only {
        return Err(StartError::ReadOnly(profile.name.clone()));
    }
    hold_to_platform(setup)
}

fn hold_to_platform(setup: &Setup) -> Result<(), StartError> {
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

fn hold_to_run(setup: &Setup, run: &RunRow) -> Result<(), StartError> {
    let profile = &setup.profile;
    let now = (profile.api_url.as_str(), profile.auth_url.as_str(), profile.client_id.as_str());
    let then = (run.api_url.as_str(), run.auth_url.as_str(), run.client_id.as_str());
    if now == then {
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

/// The way to a profile's tenant: its calls, and its tokens.
///
/// # Errors
///
/// The profile's addresses or certificates cannot be used.
pub fn wire(profile: &Profile) -> Result<(HttpTransport, Tokens), TargetError> {
    let target = Target {
        api_url: profile.api_url.clone(),
        auth_url: profile.auth_url.clone(),
        ca_file: profile.ca_file.clone(),
    };
    let transport = HttpTransport::open(&target)?;
    let base = match (profile.auth, profile.platform) {
        (AuthMethod::AccessKey, _) => Grant::access_key(&profile.client_id),
        (_, crate::model::PlatformKind::Genesys) => Grant::genesys(&profile.client_id),
        (_, crate::model::PlatformKind::Cxone) => Grant::cxone(&profile.client_id),
    };
    let client_auth = match profile.auth {
        AuthMethod::AccessKey => ClientAuth::AccessKey,
        AuthMethod::ClientCredentials { client_auth: ConfiguredAuth::Basic } => ClientAuth::Basic,
        AuthMethod::ClientCredentials { client_auth: ConfiguredAuth::Form } => ClientAuth::Form,
    };
    let grant = Grant { client_auth, scope: profile.scope.clone(), ..base };
    let secret = ProfileSecret { source: profile.secret.clone(), profile: profile.name.clone() };
    let tokens = Tokens::new(transport.token_endpoint(grant, secret));
    Ok((transport, tokens))
}

/// A profile's secret, read anew for each token.
struct ProfileSecret {
    source: SecretSource,
    profile: String,
}

impl SecretProvider for ProfileSecret {
    fn read(&self) -> BoxFuture<'_, Result<SecretString, String>> {
        async {
            match self.source.read(&self.profile).await {
                Ok(secret) => Ok(secret.into_inner()),
                Err(error) => Err(error.to_string()),
            }
        }
        .boxed()
    }
}

/// Does what blocks on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(JournalError::Strange(format!("an internal error: {error}"))),
    }
}
