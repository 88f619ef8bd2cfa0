//! Which item goes next.
//!
//! Items of one chain (the chunks of a dataset, the rows of a contact) go one after the other; chains go side by side.
//! An item in a back-off gives up its worker but keeps its chain; its deadline stands in a queue by time.
//!
//! How much is planned ahead is bounded here, too, in items and in bytes: by what was *planned* and is not yet taken
//! up, and by what was taken up and is not settled.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::job::{Job, WaitsFor};
use crate::model::Seq;

/// The most items that are planned and not settled: back-offs of a storm fill it, and then no new ones are read.
const MOST_OPEN: usize = 4096;

/// The most bytes of bodies that wait in one lot; one body may always wait.
const MOST_BYTES: u64 = 2_000_000;

/// What a lot (a dataset, or the failures that are sent again) may have planned ahead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ahead {
    /// Items.
    pub(super) items: usize,
}

/// The items between being planned and being settled.
#[derive(Debug)]
pub(super) struct Schedule {
    state: Mutex<State>,
    /// The most items that may be taken up and not be settled, whatever they wait for.
    most_begun: usize,
    /// Tells workers that an item may have become ready.
    ready: Notify,
    /// Tells readers that there may be room.
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    chains: BTreeMap<u64, Chain>,
    ready: VecDeque<u64>,
    waiting: BinaryHeap<Reverse<Due>>,
    lots: HashMap<u32, Lot>,
    open: usize,
    taken: usize,
    begun: usize,
    gate: Gate,
}

#[derive(Debug, Default)]
struct Chain {
    queue: VecDeque<Job>,
    busy: bool,
}

#[derive(Debug, Default)]
struct Lot {
    items: usize,
    bytes: u64,
}

/// Whether items are handed out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Gate {
    #[default]
    Open,
    /// Not now.
    Held,
    /// Not any more.
    Closed,
}

#[derive(Debug)]
struct Due {
    at: Instant,
    since: Instant,
    job: Job,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.job.item.seq).cmp(&(other.at, other.job.item.seq))
    }
}

/// An item in a back-off, for a viewer.
pub(super) struct Backoff {
    pub(super) item: Seq,
    pub(super) since: Instant,
    pub(super) until: Instant,
    pub(super) attempts: u32,
    pub(super) status: Option<u16>,
    pub(super) reason: crate::model::WaitReason,
}

/// An item that waits for the next look at its remote job, for a viewer.
pub(super) struct Watched {
    pub(super) item: Seq,
    pub(super) remote_id: String,
    pub(super) percent: Option<u8>,
    pub(super) until: Instant,
}

impl Schedule {
    /// With nothing in it.
    pub(super) fn new(most_begun: usize) -> Self {
        Self {
            state: Mutex::default(),
            most_begun: most_begun.max(1),
            ready: Notify::new(),
            room: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until so many items and bytes of a lot may be planned, and counts them as planned. Returns whether there
    /// is anything to plan for: not once the schedule is closed.
    pub(super) async fn reserve(&self, lot: u32, ahead: Ahead, items: usize, bytes: u64) -> bool {
        loop {
            // told of from here on: what comes between the look and the wait is not missed
            let room = self.room.notified();
            {
                let mut state = self.state();
                if state.gate == Gate::Closed {
                    return false;
                }
                let open = state.open;
                let one = state.lots.entry(lot).or_default();
                let fits =
                    one.items == 0 || (one.items + items <= ahead.items && one.bytes + bytes <= MOST_BYTES);
                if fits && (open == 0 || open + items <= MOST_OPEN) {
                    one.items += items;
                    one.bytes += bytes;
                    state.open += items;
                    return true;
                }
            }
            room.await;
        }
    }

    /// Gives back what was reserved and will not be pushed.
    pub(super) fn release(&self, lot: u32, items: usize, bytes: u64) {
        let mut state = self.state();
        state.left(lot, items, bytes);
        state.open = state.open.saturating_sub(items);
        drop(state);
        self.room.notify_waiters();
    }

    /// Takes in an item that was reserved for and is durable now.
    pub(super) fn push(&self, job: Job) {
        let mut state = self.state();
        let id = job.item.chain;
        let chain = state.chains.entry(id).or_default();
        chain.queue.push_back(job);
        if !chain.busy && chain.queue.len() == 1 {
            state.ready.push_back(id);
        }
        drop(state);
        self.ready.notify_one();
    }

    /// The next item for a worker. Waits for one; `None` once the schedule is closed.
    pub(super) async fn take(&self) -> Option<Job> {
        loop {
            let told = self.ready.notified();
            let next = {
                let mut state = self.state();
                match state.gate {
                    Gate::Closed => return None,
                    Gate::Held => None,
                    Gate::Open => {
                        if let Some(job) = state.next(Instant::now(), self.most_begun) {
                            let more = !state.ready.is_empty();
                            drop(state);
                            self.room.notify_waiters();
                            if more {
                                // one told worker tells the next: a wake-up meant for two is not lost
                                self.ready.notify_one();
                            }
                            return Some(job);
                        }
                        state.waiting.peek().map(|Reverse(due)| due.at)
                    }
                }
            };
            match next {
                Some(at) => tokio::select! {
                    biased;
                    () = told => {}
                    () = tokio::time::sleep_until(at) => {}
                },
                None => told.await,
            }
        }
    }

    /// The item is settled: its chain goes on.
    pub(super) fn settle(&self, chain: u64) {
        let mut state = self.state();
        state.open = state.open.saturating_sub(1);
        state.taken = state.taken.saturating_sub(1);
        state.begun = state.begun.saturating_sub(1);
        let more = state.free(chain) || !state.ready.is_empty();
        drop(state);
        self.room.notify_waiters();
        if more {
            self.ready.notify_one();
        }
    }

    /// Others stand in the item's place: they go first in its chain.
    pub(super) fn replace(&self, chain: u64, parts: Vec<Job>) {
        let mut state = self.state();
        state.taken = state.taken.saturating_sub(1);
        state.begun = state.begun.saturating_sub(1);
        state.open = (state.open + parts.len()).saturating_sub(1);
        for job in parts.into_iter().rev() {
            state.arrived(job.lot, job.item.body.len() as u64);
            state.chains.entry(chain).or_default().queue.push_front(job);
        }
        state.free(chain);
        drop(state);
        self.ready.notify_waiters();
    }

    /// The item waits, and keeps its chain.
    pub(super) fn wait(&self, job: Job, at: Instant) {
        let mut state = self.state();
        state.taken = state.taken.saturating_sub(1);
        state.waiting.push(Reverse(Due { at, since: Instant::now(), job }));
        drop(state);
        // a worker that sleeps for a later deadline has to look again
        self.ready.notify_waiters();
    }

    /// The item could not be worked on now: it is the next of its chain again.
    pub(super) fn put_back(&self, job: Job) {
        let mut state = self.state();
        state.taken = state.taken.saturating_sub(1);
        state.begun = state.begun.saturating_sub(1);
        let id = job.item.chain;
        state.arrived(job.lot, job.item.body.len() as u64);
        state.chains.entry(id).or_default().queue.push_front(job);
        state.free(id);
        drop(state);
        self.ready.notify_waiters();
    }

    /// Takes items out that no worker has, whether they are ready or wait: they are the schedule's no more.
    pub(super) fn take_out(&self, which: impl Fn(&Job) -> bool) -> Vec<Job> {
        let mut state = self.state();
        let (out, stay): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.waiting).into_iter().partition(|Reverse(due)| which(&due.job));
        state.waiting = stay.into();
        let mut taken: Vec<Job> = out.into_iter().map(|Reverse(due)| due.job).collect();
        for job in &taken {
            state.begun = state.begun.saturating_sub(1);
            state.free(job.item.chain);
        }
        let mut queued = Vec::new();
        for chain in state.chains.values_mut() {
            let (out, stay): (VecDeque<_>, VecDeque<_>) =
                std::mem::take(&mut chain.queue).into_iter().partition(&which);
            chain.queue = stay;
            queued.extend(out);
        }
        // what is ready of a chain that is gone is passed over
        state.chains.retain(|_, chain| chain.busy || !chain.queue.is_empty());
        for job in &queued {
            state.left(job.lot, 1, job.item.body.len() as u64);
        }
        taken.extend(queued);
        state.open = state.open.saturating_sub(taken.len());
        drop(state);
        self.room.notify_waiters();
        self.ready.notify_waiters();
        taken
    }

    /// Hands nothing out until `open` is called.
    pub(super) fn hold(&self) {
        let mut state = self.state();
        if state.gate == Gate::Open {
            state.gate = Gate::Held;
        }
    }

    /// Hands items out again.
    pub(super) fn open(&self) {
        let mut state = self.state();
        if state.gate == Gate::Held {
            state.gate = Gate::Open;
        }
        drop(state);
        self.ready.notify_waiters();
    }

    /// Hands nothing out any more; readers and workers come to their end.
    pub(super) fn close(&self) {
        self.state().gate = Gate::Closed;
        self.room.notify_waiters();
        self.ready.notify_waiters();
    }

    /// Whether nothing is handed out any more.
    pub(super) fn is_closed(&self) -> bool {
        self.state().gate == Gate::Closed
    }

    /// Items that were planned and are not settled.
    pub(super) fn open_items(&self) -> usize {
        self.state().open
    }

    /// Items that a worker has.
    pub(super) fn taken(&self) -> usize {
        self.state().taken
    }

    /// How many remote jobs are watched, and the oldest of them.
    pub(super) fn watched(&self, most: usize) -> (u64, Vec<Watched>) {
        let state = self.state();
        let is_look = |due: &&Due| due.job.waits_for == WaitsFor::Look;
        let mut all: Vec<&Due> = state.waiting.iter().map(|Reverse(due)| due).filter(is_look).collect();
        all.sort_by_key(|due| due.job.item.seq);
        let oldest = all.iter().take(most).map(|due| Watched {
            item: due.job.item.seq,
            remote_id: due.job.progress.remote_id.clone().unwrap_or_default(),
            percent: due.job.progress.percent,
            until: due.at,
        });
        (all.len() as u64, oldest.collect())
    }

    /// How many wait for a back-off, and the longest of these waits.
    pub(super) fn backoffs(&self, most: usize) -> (u64, Vec<Backoff>) {
        let state = self.state();
        let reason = |due: &Due| match due.job.waits_for {
            WaitsFor::BackOff(reason) => Some(reason),
            WaitsFor::Look => None,
        };
        let mut all: Vec<(&Due, _)> =
            state.waiting.iter().filter_map(|Reverse(due)| Some((due, reason(due)?))).collect();
        all.sort_by_key(|(due, _)| Reverse(due.at));
        let longest = all
            .iter()
            .take(most)
            .map(|(due, reason)| Backoff {
                item: due.job.item.seq,
                since: due.since,
                until: due.at,
                attempts: due.job.tries,
                status: due.job.last_status,
                reason: *reason,
            })
            .collect();
        (all.len() as u64, longest)
    }
}

impl State {
    fn next(&mut self, now: Instant, most_begun: usize) -> Option<Job> {
        if self.waiting.peek().is_some_and(|Reverse(due)| due.at <= now)
            && let Some(Reverse(due)) = self.waiting.pop()
        {
            self.taken += 1;
            return Some(due.job);
        }
        while self.begun < most_begun
            && let Some(id) = self.ready.pop_front()
        {
            let Some(chain) = self.chains.get_mut(&id) else { continue };
            if chain.busy {
                continue;
            }
            let Some(job) = chain.queue.pop_front() else { continue };
            chain.busy = true;
            self.left(job.lot, 1, job.item.body.len() as u64);
            self.taken += 1;
            self.begun += 1;
            return Some(job);
        }
        None
    }

    /// The chain's item is gone. Returns whether its next one is ready now.
    fn free(&mut self, id: u64) -> bool {
        let Some(chain) = self.chains.get_mut(&id) else { return false };
        chain.busy = false;
        if chain.queue.is_empty() {
            self.chains.remove(&id);
            return false;
        }
        self.ready.push_back(id);
        true
    }

    fn arrived(&mut self, lot: u32, bytes: u64) {
        let one = self.lots.entry(lot).or_default();
        one.items += 1;
        one.bytes += bytes;
    }

    fn left(&mut self, lot: u32, items: usize, bytes: u64) {
        if let Some(one) = self.lots.get_mut(&lot) {
            one.items = one.items.saturating_sub(items);
            one.bytes = one.bytes.saturating_sub(bytes);
        }
    }
}
