//! The figures of a run at one moment: what a viewer samples, as often as it likes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Fault, ItemMap, OperationKind, PlatformKind, RunId, RunState, Seq, Tally};

/// What the run is doing, with what was asked for and what is confirmed kept apart.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Reading the dataset to its end, before the first call.
    Checking {
        /// Bytes read so far.
        read: u64,
        /// Bytes there are, where that is known.
        of: Option<u64>,
    },
    /// Sending.
    Running,
    /// A pause was asked for; calls in flight are being finished.
    Pausing,
    /// Paused, nothing is in flight.
    Paused,
    /// Stands still until a person has mended it.
    Faulted(Fault),
    /// Leaving was asked for; calls in flight are being finished.
    Draining,
    /// This carrying-out is over; the run's state says how.
    Ended(RunState),
}

/// Why an item waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// The platform said "slow down" (429).
    RateLimited,
    /// The platform is in trouble (5xx, 408, 425).
    ServerError,
    /// No connection, or no complete answer.
    Network,
    /// Somebody else's call with the same key is in progress.
    InProgress,
}

impl WaitReason {
    /// The word for it in events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::Network => "network",
            Self::InProgress => "in_progress",
        }
    }
}

/// One item in a back-off.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// The item.
    pub item: Seq,
    /// When its wait began.
    pub since: Instant,
    /// When it may go again.
    pub until: Instant,
    /// How many tries it has behind it.
    pub attempts: u32,
    /// The status that made it wait, where there was an answer.
    pub status: Option<u16>,
    /// Why it waits.
    pub reason: WaitReason,
}

/// One remote job that is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct JobFigures {
    /// The item that started it.
    pub item: Seq,
    /// Its id on the platform.
    pub remote_id: String,
    /// How far it is, as the platform tells it.
    pub percent: Option<u8>,
    /// When it is looked at next.
    pub next_look: Instant,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Doing {
    /// Has nothing to do.
    Idle,
    /// Has an item and waits for leave to call.
    Held {
        /// The item.
        item: Seq,
        /// Since when.
        since: Instant,
    },
    /// Its call is out.
    Sending {
        /// The item.
        item: Seq,
        /// Which try this is, from 1.
        attempt: u32,
        /// Since when.
        since: Instant,
    },
}

/// One worker, by its place in the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorkerFigures {
    /// What it does.
    pub doing: Doing,
}

/// The platform's own window, as its rate headers tell it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowFigures {
    /// Calls used in this window, by us and by others.
    pub used: u64,
    /// Calls allowed in it.
    pub allowed: u64,
    /// When the window begins anew.
    pub resets_at: Instant,
    /// Calls of this window that were ours.
    pub ours: u64,
}

/// A pause of the whole lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PauseFigures {
    /// When it began.
    pub since: Instant,
    /// When calls may start again.
    pub until: Instant,
    /// Whether a single call is out now to see if the platform takes calls again.
    pub probing: bool,
}

/// How fast calls may go, and what holds them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PaceFigures {
    /// Calls a second over the last 5 s.
    pub rate: f64,
    /// The plan's, or the person's, most calls a second; `None` is no limit of ours.
    pub ceiling: Option<f64>,
    /// Who set that while the run went; `None` where it is the plan's.
    pub ceiling_by: Option<String>,
    /// What was learnt from the platform's answers, where that is lower.
    pub learnt: Option<f64>,
    /// Calls that could start at once, and the burst that is allowed, where there is a bucket.
    pub bucket: Option<(u32, u32)>,
    /// The platform's own window, where it tells.
    pub window: Option<WindowFigures>,
    /// A pause of the whole lane.
    pub pause: Option<PauseFigures>,
}

/// Failures that a person sends again, while that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActFigures {
    /// How many were taken up; a batch that had to be split counts as its parts.
    pub asked: u64,
    /// Delivered since.
    pub delivered: u64,
    /// Failed again, or refused by our own check.
    pub failed: u64,
    /// Neither yet.
    pub left: u64,
    /// Who sends them.
    pub by: String,
}

/// What keeps the run from being faster, as measured over the last seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bottleneck {
    /// Our own token bucket.
    Bucket,
    /// The rate learnt from the platform's answers, or its window.
    Platform,
    /// A pause of the whole lane.
    Pause,
    /// Items in back-off.
    Backoffs,
    /// The time that the platform takes for an answer: all workers are sending.
    Latency,
    /// One chunk of a dataset goes after the other.
    Order,
    /// The disk under the journal.
    Disk,
    /// Remote jobs that run on the platform: they are looked at from time to time.
    Jobs,
    /// Reading the dataset.
    Reading,
}

/// A run at one moment. Everything in it was true at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// The run.
    pub run: RunId,
    /// What it does.
    pub operation: OperationKind,
    /// The profile with which it began.
    pub profile: String,
    /// The platform of that profile.
    pub platform: PlatformKind,
    /// The host that its calls go to.
    pub host: String,
    /// Whether that profile is marked as production.
    pub production: bool,
    /// The datasets, as they were named.
    pub datasets: Vec<String>,
    /// When the run first began.
    pub started_at: Timestamp,
    /// How long it went, in all carryings-out of the run; what stood still of them is not in it.
    pub elapsed: Duration,
    /// What it is doing.
    pub phase: Phase,
    /// Items by state.
    pub items: Tally,
    /// Records by state.
    pub records: Tally,
    /// Calls made to the platform's API, in all carryings-out of the run.
    pub requests: u64,
    /// Those that repeated an item's call.
    pub retries: u64,
    /// The 429s among the answers.
    pub throttled: u64,
    /// Answers that were 5xx, and calls that got none.
    pub troubles: u64,
    /// Records settled a second, over the last 5 s.
    pub records_per_second: f64,
    /// Median time of one call.
    pub latency_p50: Option<Duration>,
    /// What 99 of 100 calls stay under.
    pub latency_p99: Option<Duration>,
    /// The workers that there are, in their order. One that is no longer wanted is here until its call has ended.
    pub workers: Vec<WorkerFigures>,
    /// How many there are to be.
    pub workers_asked: u16,
    /// Items in back-off now.
    pub waiting: u64,
    /// The longest of these waits, at most 64 of them, longest first.
    pub waits: Vec<Wait>,
    /// Remote jobs that are watched now.
    pub jobs: u64,
    /// The oldest of them, at most 64.
    pub watched: Vec<JobFigures>,
    /// Delivered items whose result was stored before: no call was made.
    pub from_store: u64,
    /// Rows that results of delivered items refuse, and that nobody has closed.
    pub rows_failed: u64,
    /// Where in the datasets the run stands.
    pub map: Arc<ItemMap>,
    /// Failures that are being sent again by hand: of several such acts the first that goes on.
    pub act: Option<ActFigures>,
    /// How fast calls may go.
    pub pace: PaceFigures,
    /// What binds, where something does.
    pub bottleneck: Option<Bottleneck>,
    /// Time left at the present pace; none while paused, throttled or faulted.
    pub eta: Option<Duration>,
    /// Time left of the token, where there is one.
    pub token_left: Option<Duration>,
    /// The number of the last event in the journal: a viewer reads from there.
    pub last_event: i64,
}
