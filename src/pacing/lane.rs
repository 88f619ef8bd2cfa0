//! The lane of a tenant: what every worker asks for leave before every call.
//!
//! Leave is granted in the poll that returns it, at the instant at which it returns: nothing is booked ahead, so a worker
//! that the scheduler wakes late starts late and no two starts can be pushed together. Whoever asks stands in a line
//! (first in, first out); only its head looks at the clock, so a thousand that wait cost one timer.
//!
//! What holds a call, in this order: a pause of its endpoint ([`gates`](super::gates)), the platform's own window
//! ([`window`](super::window)), and the token bucket ([`bucket`](super::bucket)) at the plan's rate or the one that was
//! learnt ([`learnt`](super::learnt)). Several lanes of one tenant, those of other processes too, may share all of that
//! but the window ([`shared`](super::shared)).

mod sharing;
mod state;

use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, sleep_until};

use self::state::State;
use super::gate::{Hold, LaneChange, Role};
use super::{Backoff, Fill, SharedPace, WindowHint};
use crate::model::{PaceFigures, Stage};

/// What a plan says of its pace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LaneSettings {
    /// Calls a second; `None`, like a number that is not above 0, is no limit of ours.
    pub rate: Option<f64>,
    /// Calls that may start at once after a silence, where there is a rate.
    pub burst: u32,
    /// Whether to learn from 429s and rate headers.
    pub adapt: bool,
    /// A Retry-After over this pauses the lane at the first 429.
    pub pool_pause_threshold: Duration,
    /// A Retry-After over this parks the run.
    pub retry_after_limit: Duration,
    /// How long nothing but 429s is borne.
    pub throttle_patience: Duration,
    /// The back-off of a paused lane that was given no Retry-After.
    pub backoff: Backoff,
}

/// How a call ended, as far as the lane is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneAnswer {
    /// A complete answer of any status but 429.
    Accepted,
    /// A 429.
    Throttled {
        /// What its Retry-After says, from now on.
        retry_after: Option<Duration>,
    },
    /// No connection, or no answer.
    Lost,
}

/// The pace of all calls of one operation to one tenant. A clone is another handle on the same lane.
#[derive(Debug, Clone)]
pub struct Lane {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: StdMutex<State>,
    /// Those who wait stand here, in their order; who holds it is the head of the line.
    line: Mutex<()>,
    /// Tells the head that what it waits for may have changed.
    changed: Notify,
}

/// Leave to start one call, now. It is handed back with the answer; dropped instead, it stands for a call that was
/// given up, and what it used stays used.
#[derive(Debug)]
#[must_use = "a leave that is dropped has used up its call"]
pub struct Leave {
    stage: Stage,
    role: Role,
    /// Gone once it is answered.
    lane: Option<Arc<Shared>>,
}

impl Lane {
    /// A lane at the plan's pace. `start` is what its bucket begins with; before `not_before`, which an earlier
    /// carrying-out was told, no call starts, and the first one after it probes.
    #[must_use]
    pub fn new(settings: LaneSettings, start: Fill, not_before: Option<Instant>, seed: u64) -> Self {
        Self::begin(settings, start, not_before, seed, None)
    }

    /// The same on a pace that other lanes of the tenant keep too: its bucket, its pauses and its learnt rate are theirs.
    /// Of `start` and what is known of their bucket, the fewer tokens count.
    #[must_use]
    pub fn shared(
        settings: LaneSettings,
        start: Fill,
        not_before: Option<Instant>,
        seed: u64,
        pace: Arc<dyn SharedPace>,
    ) -> Self {
        Self::begin(settings, start, not_before, seed, Some(pace))
    }

    fn begin(
        settings: LaneSettings,
        start: Fill,
        not_before: Option<Instant>,
        seed: u64,
        pace: Option<Arc<dyn SharedPace>>,
    ) -> Self {
        let state = State::new(settings, start, not_before, seed, pace, Instant::now());
        let shared = Shared { state: StdMutex::new(state), line: Mutex::new(()), changed: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Waits until a call of this stage may start, and returns at the instant at which it may.
    ///
    /// First come, first served. Cancel-safe: a future that is dropped before it is ready has used nothing up and only
    /// loses its place. One that is kept has to be polled on, or it holds up those behind it, as with every fair lock.
    /// Where nothing binds it returns without waiting.
    pub async fn leave(&self, stage: Stage) -> Leave {
        loop {
            if let Some((leave, ())) = self.leave_with(stage, || Some(())).await {
                return leave;
            }
        }
    }

    /// The same together with what the call needs, asked for at each instant at which it might start: what was there
    /// before a long wait may be there no more. `None` where it is not there; nothing is used up then, and the place is
    /// lost.
    pub async fn leave_with<T>(&self, stage: Stage, needs: impl Fn() -> Option<T>) -> Option<(Leave, T)> {
        let needed = needs()?;
        if let Some(role) = self.shared.state().start_or_queue(stage, Instant::now) {
            return Some((self.grant(stage, role), needed));
        }
        let _queued = Queued(&self.shared);
        let _head = self.shared.line.lock().await;
        loop {
            let needed = needs()?;
            let outcome = self.shared.state().start(stage, Instant::now);
            match outcome {
                Ok(role) => return Some((self.grant(stage, role), needed)),
                Err(Hold::ForProbe) => self.shared.changed.notified().await,
                Err(Hold::Until(due)) => tokio::select! {
                    biased;
                    () = sleep_until(due) => {}
                    () = self.shared.changed.notified() => {}
                },
            }
        }
    }

    /// Says how the call ended, and what its rate headers said. Returns what that changed for the whole lane.
    pub fn answered(
        &self,
        mut leave: Leave,
        answer: LaneAnswer,
        window: Option<WindowHint>,
    ) -> Option<LaneChange> {
        leave.lane = None;
        let change = self.shared.state().answered((leave.stage, leave.role), answer, window, Instant::now);
        self.shared.changed.notify_one();
        change
    }

    /// Sets the plan's rate while it runs: a person's word. What was learnt stays, in its bounds.
    pub fn set_rate(&self, rate: Option<f64>) {
        self.shared.state().set_rate(rate, Instant::now);
        self.shared.changed.notify_one();
    }

    /// How fast calls go now, and what holds them.
    #[must_use]
    pub fn figures(&self) -> PaceFigures {
        self.shared.state().figures(Instant::now)
    }

    /// Before when no call starts, where a Retry-After, a back-off or an empty window says so: what a later
    /// carrying-out has to keep, and the journal to know.
    #[must_use]
    pub fn not_before(&self) -> Option<Instant> {
        self.shared.state().not_before(Instant::now)
    }

    fn grant(&self, stage: Stage, role: Role) -> Leave {
        Leave { stage, role, lane: Some(Arc::clone(&self.shared)) }
    }
}

impl Shared {
    /// The state stays whole where a thread panics: no step of it can be left half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(lane) = self.lane.take() {
            lane.state().abandoned(self.stage, self.role);
            lane.changed.notify_one();
        }
    }
}

/// A place in the line, given up when dropped.
struct Queued<'a>(&'a Shared);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.state().unqueue();
    }
}

#[cfg(test)]
mod tests;
