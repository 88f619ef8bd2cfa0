//! What a lane knows, behind its lock, and the order in which it is asked.
//!
//! The clock is read under the lock (each method takes it as a function), or two workers could be served in another
//! order than that of their instants, and the bound of the bucket would not be one.

use std::sync::Arc;

use fastrand::Rng;
use tokio::time::Instant;

use super::sharing::{Sharing, Word};
use super::{LaneAnswer, LaneSettings};
use crate::model::{PaceFigures, PauseFigures, Stage};
use crate::pacing::bucket::{Bucket, Fill};
use crate::pacing::gate::{Hold, LaneChange, PauseReason, Role};
use crate::pacing::gates::Gates;
use crate::pacing::learnt::Learnt;
use crate::pacing::meter::Meter;
use crate::pacing::shared::SharedPace;
use crate::pacing::window::{Window, WindowChange, WindowHint};

#[derive(Debug)]
pub(super) struct State {
    pub(super) settings: LaneSettings,
    rng: Rng,
    pub(super) gates: Gates,
    window: Window,
    pub(super) bucket: Option<Bucket>,
    pub(super) learnt: Learnt,
    /// What is to be said to the learnt rate.
    pub(super) words: Vec<Word>,
    /// What is shared, where something is: then the bucket and the learnt rate here are what was last heard of them.
    pub(super) sharing: Option<Sharing>,
    meter: Meter,
    in_flight: u64,
    queued: usize,
}

impl State {
    pub(super) fn new(
        settings: LaneSettings,
        start: Fill,
        not_before: Option<Instant>,
        seed: u64,
        pace: Option<Arc<dyn SharedPace>>,
        now: Instant,
    ) -> Self {
        let settings = LaneSettings { rate: sound(settings.rate), ..settings };
        let bucket = settings.rate.map(|rate| Bucket::new(rate, settings.burst, start, now));
        Self {
            settings,
            rng: Rng::with_seed(seed),
            gates: Gates::new(not_before, now),
            window: Window::unknown(now),
            sharing: pace.map(|pace| Sharing::on(pace, bucket.clone())),
            bucket,
            learnt: Learnt::nothing(),
            words: Vec::new(),
            meter: Meter::new(now),
            in_flight: 0,
            queued: 0,
        }
    }

    /// Starts a call where nothing holds it and nobody was there before; else takes a place in the line.
    pub(super) fn start_or_queue(&mut self, stage: Stage, clock: fn() -> Instant) -> Option<Role> {
        let role = if self.queued == 0 { self.start(stage, clock).ok() } else { None };
        if role.is_none() {
            self.queued += 1;
        }
        role
    }

    pub(super) const fn unqueue(&mut self) {
        self.queued = self.queued.saturating_sub(1);
    }

    /// Starts a call, or says what holds it.
    pub(super) fn start(&mut self, stage: Stage, clock: fn() -> Instant) -> Result<Role, Hold> {
        let (role, now) = if self.sharing.is_some() {
            self.admit_shared(stage, clock)?
        } else {
            let now = clock();
            self.regain(now);
            (self.admit(stage, now)?, now)
        };
        self.gates.at_mut(stage).start(role);
        self.window.count(now);
        self.meter.count(now);
        self.in_flight += 1;
        Ok(role)
    }

    /// What a call that starts now would be, where nothing of this lane's own holds it.
    pub(super) fn holds(&self, stage: Stage, now: Instant) -> Result<Role, Hold> {
        let role = self.gates.at(stage).admits(now)?;
        match self.window.due(now).filter(|due| self.settings.adapt && *due > now) {
            Some(due) => Err(Hold::Until(due)),
            None => Ok(role),
        }
    }

    /// The same, with the token that it takes.
    pub(super) fn admit(&mut self, stage: Stage, now: Instant) -> Result<Role, Hold> {
        let role = self.holds(stage, now)?;
        let common = self.sharing.as_ref().and_then(Sharing::common);
        let buckets = self.bucket.iter().chain(common);
        if let Some(due) = buckets.map(|bucket| bucket.due(now)).max().filter(|due| *due > now) {
            // a tenth that is regained on the way makes the token due earlier
            let raise = self.learnt.raise_due().filter(|raise| *raise > now);
            return Err(Hold::Until(raise.map_or(due, |raise| due.min(raise))));
        }
        if let Some(bucket) = &mut self.bucket {
            // one is there, as was just seen
            let _ = bucket.take(now);
        }
        if let Some(sharing) = &mut self.sharing {
            sharing.take(now);
        }
        Ok(role)
    }

    pub(super) fn answered(
        &mut self,
        (stage, role): (Stage, Role),
        answer: LaneAnswer,
        hint: Option<WindowHint>,
        clock: fn() -> Instant,
    ) -> Option<LaneChange> {
        let now = clock();
        if self.sharing.is_none() {
            self.regain(now);
        }
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(hint) = hint {
            self.window.hear(hint, self.in_flight, now);
        }
        let before = self.paused_until();
        let gate = self.gates.at_mut(stage);
        let change = match answer {
            LaneAnswer::Accepted => gate.accepted(role, now),
            LaneAnswer::Lost => gate.lost(role, now, &self.settings, &mut self.rng),
            LaneAnswer::Throttled { retry_after } => {
                let change = gate.throttled(role, retry_after, now, &self.settings, &mut self.rng);
                if self.settings.adapt {
                    let begins = before.is_none() && self.paused_until().is_some();
                    let measured = begins.then(|| self.meter.pace(now));
                    let reference = self.settings.rate.or(measured);
                    self.words.push(Word::Cut { reference, retry_after, at: now });
                }
                change
            }
        };
        self.gates.spread(change, now);
        let after = self.paused_until();
        if before.is_some() && after.is_none() {
            self.words.push(Word::Restart { at: now });
        }
        if !self.words.is_empty() || after > before {
            // where the others cannot be told now, it is told before the next call starts
            let _ = self.together(clock, |_, _| ());
        }
        let overheard = self.overheard(now);
        if matches!(change, Some(LaneChange::OutOfPatience)) {
            return change;
        }
        if self.paused_until().is_some() {
            return change.filter(|change| *change != LaneChange::Resumed).or(overheard);
        }
        // an empty window goes on where the gate's pause ends
        self.window_change(now).or(change)
    }

    pub(super) fn abandoned(&mut self, stage: Stage, role: Role) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.gates.at_mut(stage).abandoned(role);
    }

    pub(super) fn set_rate(&mut self, rate: Option<f64>, clock: fn() -> Instant) {
        if self.sharing.is_none() {
            self.regain(clock());
        }
        self.settings.rate = sound(rate);
        self.words.push(Word::Refer);
        // where the others cannot be told now, it is told before the next call starts
        let _ = self.together(clock, |_, _| ());
    }

    pub(super) fn figures(&mut self, clock: fn() -> Instant) -> PaceFigures {
        self.refresh(clock);
        let now = clock();
        let pause = |since: Instant, until: Instant, probing| PauseFigures {
            since: since.into_std(),
            until: until.into_std(),
            probing,
        };
        let gate = self.gates.pause_now().map(|(since, until, probing)| pause(since, until, probing));
        let window = self.empty_window(now).map(|(since, until)| pause(since, until, false));
        PaceFigures {
            rate: self.meter.rate(now),
            ceiling: self.settings.rate,
            ceiling_by: None,
            learnt: self.learnt.rate().filter(|learnt| self.settings.rate.is_none_or(|plan| *learnt < plan)),
            bucket: self.tokens(now),
            window: self.window.figures(now),
            pause: gate.or(window),
        }
    }

    pub(super) fn not_before(&mut self, clock: fn() -> Instant) -> Option<Instant> {
        self.refresh(clock);
        let now = clock();
        let gate = self.gates.pause_now().map(|(_, until, _)| until);
        gate.max(self.empty_window(now).map(|(_, until)| until)).filter(|until| *until > now)
    }

    /// Brings all up to now.
    fn refresh(&mut self, clock: fn() -> Instant) {
        if self.sharing.is_some() {
            self.listen(clock);
        } else {
            self.regain(clock());
        }
    }

    /// Tokens that are there for this lane, and the burst that its plan allows.
    fn tokens(&self, now: Instant) -> Option<(u32, u32)> {
        let own = self.bucket.as_ref()?;
        let common = self.sharing.as_ref().and_then(Sharing::common);
        let least = common.map_or(u32::MAX, |bucket| bucket.tokens(now)).min(own.tokens(now));
        Some((least, own.burst()))
    }

    fn paused_until(&self) -> Option<Instant> {
        self.gates.pause_now().map(|(_, until, _)| until)
    }

    /// The window, where it is empty and is believed.
    fn empty_window(&self, now: Instant) -> Option<(Instant, Instant)> {
        self.window.empty(now).filter(|_| self.settings.adapt)
    }

    fn window_change(&mut self, now: Instant) -> Option<LaneChange> {
        if !self.settings.adapt {
            return None;
        }
        Some(match self.window.announce(now)? {
            WindowChange::Refilled => LaneChange::Resumed,
            WindowChange::Emptied(until) => {
                let delay = until.saturating_duration_since(now);
                if delay > self.settings.retry_after_limit {
                    LaneChange::Parked { until }
                } else {
                    LaneChange::Paused { delay, why: PauseReason::WindowEmpty }
                }
            }
        })
    }

    /// Adds the tenths that came due while the lane was open, each at its own instant; but where others take from the bucket
    /// too, what they took since then is in it by now, and must not be counted at a rate that came before it.
    pub(super) fn regain(&mut self, now: Instant) {
        while self.gates.pause_now().is_none()
            && let Some(due) = self.learnt.raise_due().filter(|due| *due <= now)
        {
            self.learnt.raise(due);
            self.retune(if self.sharing.is_some() { now } else { due });
        }
    }

    /// Gives the bucket the rate that holds from now on. A bucket that comes into being begins empty: what was used
    /// before it was there was not counted.
    pub(super) fn retune(&mut self, now: Instant) {
        let learnt = self.learnt.rate();
        // what another lane learnt may lie above this plan's rate
        let rate = match (learnt, self.settings.rate) {
            (Some(learnt), Some(plan)) => Some(learnt.min(plan)),
            (learnt, plan) => learnt.or(plan),
        };
        if let Some(sharing) = &mut self.sharing {
            sharing.retune(rate, self.settings.burst, now);
        }
        let Some(rate) = rate else {
            self.bucket = None;
            return;
        };
        match &mut self.bucket {
            Some(bucket) => bucket.set_rate(rate, now),
            none => *none = Some(Bucket::new(rate, self.settings.burst, Fill::Empty, now)),
        }
    }
}

fn sound(rate: Option<f64>) -> Option<f64> {
    rate.filter(|rate| rate.is_finite() && *rate > 0.0)
}
