//! What is measured while a run goes: who does what, how fast, how long a call takes, and what holds it up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::journal::Extent;
use crate::model::{Bottleneck, Doing, ItemMap, Mark, WorkerFigures};

/// Over how long rates are measured.
const WINDOW: Duration = Duration::from_secs(5);

/// How finely.
const SLOT: Duration = Duration::from_millis(250);

/// Slots in the window, and one that has just begun.
const SLOTS: usize = 21;

/// For how long what binds is told at the least: nobody can read what flickers.
const TOLD: Duration = Duration::from_secs(2);

/// How long a latency counts before newer ones take its place.
const LATENCY_AGE: Duration = Duration::from_mins(1);

/// The measures of one run.
#[derive(Debug)]
pub(super) struct Gauges {
    state: Mutex<State>,
    under_way: Arc<Mutex<ItemMap>>,
}

/// An item's mark that it is under way. It goes with the item, or with the commit of its end.
#[derive(Debug)]
pub(super) struct UnderWay {
    map: Arc<Mutex<ItemMap>>,
    extent: Extent,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Extent { first, span, count, .. } = self.extent;
        locked(&self.map).unmark(Mark::UnderWay, first, span, count);
    }
}

fn locked(map: &Mutex<ItemMap>) -> MutexGuard<'_, ItemMap> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
struct State {
    begun: Instant,
    /// By number; those that have gone leave a gap.
    workers: Vec<Option<(Doing, Instant)>>,
    asked: usize,
    /// How long workers did what, by slots of the window, each with its number since the beginning.
    spent: [(u32, Spent); SLOTS],
    /// What was told to bind, and since when.
    told: Option<(Option<Bottleneck>, Instant)>,
    settled: VecDeque<(Instant, u64)>,
    latency: [Option<Histogram<u32>>; 2],
    turned: Instant,
}

/// Seconds of all workers together.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    idle: f64,
    held: f64,
    sending: f64,
    disk: f64,
}

/// What an idle moment of a worker was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activity {
    Idle,
    Held,
    Sending,
    /// Waiting until the journal has written what came before.
    Disk,
}

/// What stands beside the measures when the bottleneck is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    pub(super) pause: Option<Bottleneck>,
    /// What binds where workers wait for leave: our bucket, or the platform.
    pub(super) pace: Bottleneck,
    /// What binds where workers wait for answers: the time they take, or that one chunk goes after the other.
    pub(super) answers: Bottleneck,
    /// What binds where workers have nothing to do.
    pub(super) idle: Option<Bottleneck>,
}

impl Gauges {
    pub(super) fn new(workers: usize, records: Option<u64>) -> Self {
        let now = Instant::now();
        let state = State {
            begun: now,
            workers: vec![Some((Doing::Idle, now)); workers],
            asked: workers,
            spent: [(0, Spent::default()); SLOTS],
            told: None,
            settled: VecDeque::new(),
            latency: [histogram(), histogram()],
            turned: now,
        };
        Self { state: Mutex::new(state), under_way: Arc::new(Mutex::new(ItemMap::over(records))) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many workers are wanted from now on. Returns the numbers of those that are to be started.
    pub(super) fn ask_for(&self, workers: usize) -> Vec<usize> {
        let now = Instant::now();
        let mut state = self.state();
        state.asked = workers;
        if state.workers.len() < workers {
            state.workers.resize(workers, None);
        }
        let places = state.workers.iter_mut().enumerate().take(workers);
        places
            .filter(|(_, place)| place.is_none())
            .map(|(number, place)| {
                *place = Some((Doing::Idle, now));
                number
            })
            .collect()
    }

    /// Whether the worker, which has nothing in hand, is one too many and goes.
    pub(super) fn retires(&self, worker: usize) -> bool {
        let mut state = self.state();
        if worker < state.asked {
            return false;
        }
        if let Some(place) = state.workers.get_mut(worker) {
            *place = None;
        }
        while state.workers.last().is_some_and(Option::is_none) {
            state.workers.pop();
        }
        true
    }

    /// There is none beyond these: none has begun.
    pub(super) fn nobody_beyond(&self, workers: usize) {
        self.state().workers.truncate(workers);
    }

    /// Marks an item's records as under way.
    pub(super) fn under_way(&self, extent: Extent) -> UnderWay {
        locked(&self.under_way).mark(Mark::UnderWay, extent.first, extent.span, extent.count);
        UnderWay { map: Arc::clone(&self.under_way), extent }
    }

    /// Nothing is under way any more: what was is put down.
    pub(super) fn nothing_under_way(&self) {
        locked(&self.under_way).clear(Mark::UnderWay);
    }

    /// What is settled, with what is under way over it.
    pub(super) fn map(&self, mut settled: Arc<ItemMap>) -> Arc<ItemMap> {
        Arc::make_mut(&mut settled).overlay(&locked(&self.under_way));
        settled
    }

    /// A worker does something else now.
    pub(super) fn turn(&self, worker: usize, doing: Doing, was: Activity) {
        let now = Instant::now();
        let mut state = self.state();
        let Some(Some(place)) = state.workers.get_mut(worker) else { return };
        let since = std::mem::replace(place, (doing, now)).1;
        state.spend(since, now, was);
    }

    /// A call came to its end.
    pub(super) fn call(&self, took: Duration) {
        let now = Instant::now();
        let mut state = self.state();
        if now.saturating_duration_since(state.turned) > LATENCY_AGE {
            state.turned = now;
            state.latency.swap(0, 1);
            if let [Some(newest), _] = &mut state.latency {
                newest.reset();
            }
        }
        if let [Some(newest), _] = &mut state.latency {
            newest.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// Records were settled.
    pub(super) fn settled(&self, records: u64) {
        let now = Instant::now();
        let mut state = self.state();
        match state.settled.back_mut() {
            Some((at, count)) if now.saturating_duration_since(*at) < SLOT => *count += records,
            _ => state.settled.push_back((now, records)),
        }
        while state.settled.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW + SLOT)
        {
            state.settled.pop_front();
        }
    }

    /// Records settled a second, over the last seconds.
    pub(super) fn records_per_second(&self) -> f64 {
        let now = Instant::now();
        let state = self.state();
        let recent: u64 = state
            .settled
            .iter()
            .filter(|(at, _)| now.saturating_duration_since(*at) <= WINDOW)
            .map(|(_, count)| count)
            .sum();
        let over = now.saturating_duration_since(state.begun).min(WINDOW).max(SLOT);
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let recent = recent as f64;
        recent / over.as_secs_f64()
    }

    /// The median of a call's time, and what 99 of 100 stay under.
    pub(super) fn latency(&self) -> Option<(Duration, Duration)> {
        let state = self.state();
        let mut both = histogram()?;
        for one in state.latency.iter().flatten() {
            both.add(one).ok()?;
        }
        let micros = |quantile| Duration::from_micros(both.value_at_quantile(quantile));
        (!both.is_empty()).then(|| (micros(0.5), micros(0.99)))
    }

    /// Workers that have an item.
    pub(super) fn busy(&self) -> usize {
        self.state().workers.iter().flatten().filter(|(doing, _)| *doing != Doing::Idle).count()
    }

    pub(super) fn workers(&self) -> Vec<WorkerFigures> {
        self.state().workers.iter().flatten().map(|(doing, _)| WorkerFigures { doing: *doing }).collect()
    }

    /// What the workers' time went into most, and why.
    pub(super) fn bottleneck(&self, around: Circumstances) -> Option<Bottleneck> {
        if around.pause.is_some() {
            return around.pause;
        }
        self.state().tells(Instant::now(), around)
    }
}

impl State {
    fn slot(&self, at: Instant) -> u32 {
        let slot = at.saturating_duration_since(self.begun).as_nanos() / SLOT.as_nanos();
        u32::try_from(slot).unwrap_or(u32::MAX)
    }

    /// What a worker did from then to now goes into the slots in which it did it, so far back as the window reaches.
    fn spend(&mut self, from: Instant, now: Instant, what: Activity) {
        let (newest, mut from) = (self.slot(now), from.max(now.checked_sub(WINDOW).unwrap_or(self.begun)));
        for number in self.slot(from)..=newest {
            let end = self.begun.checked_add(SLOT * number.saturating_add(1)).unwrap_or(now).min(now);
            let spent = end.saturating_duration_since(from).as_secs_f64();
            from = end;
            let Some(slot) = self.spent.get_mut(number as usize % SLOTS) else { continue };
            if slot.0 != number {
                *slot = (number, Spent::default());
            }
            slot.1.add(what, spent);
        }
    }

    /// How long workers did what in the window.
    fn spent(&self, now: Instant) -> Spent {
        let begins = now.checked_sub(WINDOW).unwrap_or(self.begun);
        let oldest = self.slot(begins);
        let mut all = Spent::default();
        for (_, slot) in self.spent.iter().filter(|(number, _)| *number >= oldest) {
            all.idle += slot.idle;
            all.held += slot.held;
            all.sending += slot.sending;
            all.disk += slot.disk;
        }
        for (doing, since) in self.workers.iter().flatten() {
            let lasts = now.saturating_duration_since((*since).max(begins)).as_secs_f64();
            let what = match doing {
                Doing::Idle => Activity::Idle,
                Doing::Held { .. } => Activity::Held,
                Doing::Sending { .. } => Activity::Sending,
            };
            all.add(what, lasts);
        }
        all
    }

    /// What is told to bind: what does, unless something else was told a moment ago and is still possible.
    fn tells(&mut self, now: Instant, around: Circumstances) -> Option<Bottleneck> {
        let binds = self.binds(now, around);
        if let Some((told, since)) = self.told
            && told != binds
        {
            // these two are told with a number, which may be 0 by now
            let over = matches!(told, Some(Bottleneck::Backoffs | Bottleneck::Jobs)) && around.idle != told;
            if !over && now.saturating_duration_since(since) < TOLD {
                return told;
            }
        } else if self.told.is_some() || binds.is_none() {
            return binds;
        }
        self.told = Some((binds, now));
        binds
    }

    fn binds(&self, now: Instant, around: Circumstances) -> Option<Bottleneck> {
        let spent = self.spent(now);
        let all = spent.idle + spent.held + spent.sending + spent.disk;
        if all < 0.5 {
            return None;
        }
        let most = spent.held.max(spent.sending).max(spent.disk);
        if spent.idle > most {
            return around.idle;
        }
        Some(if spent.held >= most {
            around.pace
        } else if spent.disk >= most {
            Bottleneck::Disk
        } else {
            around.answers
        })
    }
}

impl Spent {
    fn add(&mut self, what: Activity, seconds: f64) {
        match what {
            Activity::Idle => self.idle += seconds,
            Activity::Held => self.held += seconds,
            Activity::Sending => self.sending += seconds,
            Activity::Disk => self.disk += seconds,
        }
    }
}

/// From a microsecond to an hour, to two digits.
fn histogram() -> Option<Histogram<u32>> {
    Histogram::new_with_bounds(1, 3_600_000_000, 2).ok()
}

#[cfg(test)]
mod tests;
