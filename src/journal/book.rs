//! A run's counts as the journal has committed them, shared with whoever looks.
//!
//! The writer alone changes them, after each commit: what is read here is never ahead of the disk.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::write::Extent;
use crate::model::{ItemMap, Mark, RunState, Tally};

/// Counts of items and records by state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Items planned so far, less those that were split.
    pub items_planned: u64,
    /// Records that stand in a planned item.
    pub records_planned: u64,
    /// Records there are, once that is known.
    pub records_total: Option<u64>,
    /// Whether no more items will be planned but by splits.
    pub planned_all: bool,
    /// Rows that results of delivered items refuse, and that nobody has closed.
    pub rows_failed: u64,
    /// Delivered items whose result was stored before.
    pub from_store: u64,
    /// Items by settled state; its `total` and `pending` are not used.
    pub items: Tally,
    /// Records by settled state; its `total` and `pending` are not used.
    pub records: Tally,
    /// Where the settled records stand.
    pub map: Arc<ItemMap>,
}

impl Counts {
    /// The items' tally as the contract has it: the total is unknown until all have been planned.
    #[must_use]
    pub fn item_tally(&self) -> Tally {
        Tally {
            total: self.planned_all.then_some(self.items_planned),
            pending: self.items_planned.saturating_sub(self.items.settled()),
            ..self.items
        }
    }

    /// Whether a person has something to look at: an item that was not delivered, or a row of a result.
    #[must_use]
    pub const fn has_open(&self) -> bool {
        self.items.open() + self.rows_failed > 0
    }

    /// The state in which a carrying-out ends that nothing else has stopped: what is left decides.
    #[must_use]
    pub fn ended(&self) -> RunState {
        let all = self.planned_all && self.item_tally().pending == 0 && self.record_tally().pending == 0;
        match (all, self.has_open()) {
            (false, _) => RunState::Paused,
            (true, false) => RunState::Completed,
            (true, true) => RunState::CompletedWithFailures,
        }
    }

    /// The state of a run of which failures were closed or opened again: where it has ended, that follows the counts.
    #[must_use]
    pub fn judged(&self, state: RunState) -> RunState {
        match state {
            RunState::Completed | RunState::CompletedWithFailures if self.has_open() => {
                RunState::CompletedWithFailures
            }
            RunState::Completed | RunState::CompletedWithFailures => RunState::Completed,
            other => other,
        }
    }

    pub(super) fn mark(&mut self, mark: Mark, extent: &Extent) {
        Arc::make_mut(&mut self.map).mark(mark, extent.first, extent.span, extent.count);
    }

    pub(super) fn unmark(&mut self, mark: Mark, extent: &Extent) {
        Arc::make_mut(&mut self.map).unmark(mark, extent.first, extent.span, extent.count);
    }

    pub(super) fn cover(&mut self, records: u64) {
        if self.map.records() < records {
            Arc::make_mut(&mut self.map).cover(records);
        }
    }

    /// The records' tally: the total is known from the start, but for a stream.
    #[must_use]
    pub fn record_tally(&self) -> Tally {
        let known = self.records_total.unwrap_or(self.records_planned);
        Tally {
            total: self.records_total,
            pending: known.saturating_sub(self.records.settled()),
            ..self.records
        }
    }
}

/// Calls made for a run. They are counted as they are made, and written along with each commit.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Calls to the API.
    pub requests: AtomicU64,
    /// Those that repeated an item's call.
    pub retries: AtomicU64,
    /// Answers that were 429.
    pub throttled: AtomicU64,
    /// Answers that were 5xx, and calls that got none.
    pub troubles: AtomicU64,
    /// Calls that the platform's own window allows, as its headers told last; 0 where they never did.
    pub quota: AtomicU64,
}

/// How long a run goes, from carrying-out to carrying-out.
#[derive(Debug, Clone, Copy)]
struct Clock {
    /// What is over of it.
    took: Duration,
    /// Since when it goes now.
    since: Option<Instant>,
}

impl Clock {
    fn reads(&self) -> Duration {
        self.took + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// What is committed of one run.
#[derive(Debug)]
pub struct Book {
    /// The run's number in the journal.
    pub(crate) run: i64,
    counts: Mutex<Counts>,
    /// Calls made.
    pub traffic: Traffic,
    clock: Mutex<Clock>,
    last_event: AtomicI64,
    commits: watch::Sender<u64>,
    closed: AtomicBool,
}

impl Book {
    pub(super) fn new(run: i64, counts: Counts, traffic: [u64; 5], took: Duration, last_event: i64) -> Self {
        let [requests, retries, throttled, troubles, quota] = traffic.map(AtomicU64::new);
        Self {
            run,
            counts: Mutex::new(counts),
            traffic: Traffic { requests, retries, throttled, troubles, quota },
            clock: Mutex::new(Clock { took, since: None }),
            last_event: AtomicI64::new(last_event),
            commits: watch::Sender::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// How long the run went, in all its carryings-out. It is written along with each commit, so that a crash takes
    /// back no more than what was counted since the last.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).reads()
    }

    /// The run goes from now on, where it did not.
    pub(crate) fn goes(&self) {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).since.get_or_insert_with(Instant::now);
    }

    /// The run stands still from now on.
    pub(crate) fn stands(&self) {
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        *clock = Clock { took: clock.reads(), since: None };
    }

    /// The counts at the last commit.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of the last committed event of this run.
    #[must_use]
    pub fn last_event(&self) -> i64 {
        self.last_event.load(Ordering::Acquire)
    }

    /// Wakes at each commit that touched this run.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    /// Nothing more is written of the run: another process may have it from now on, and these counts grow old.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn publish(&self, counts: Counts, last_event: Option<i64>) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
        if let Some(event) = last_event {
            self.last_event.store(event, Ordering::Release);
        }
        self.commits.send_modify(|commits| *commits += 1);
    }
}
