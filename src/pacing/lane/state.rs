//! What a lane knows, behind its lock, and the order in which it is asked.
//!
//! The clock is read under the lock (each method takes it as a function), or two workers could be served in another
//! order than that of their instants, and the bound of the bucket would not be one.

use fastrand::Rng;
use tokio::time::Instant;

use super::{LaneAnswer, LaneSettings};
use crate::model::{PaceFigures, PauseFigures};
use crate::pacing::bucket::{Bucket, Fill};
use crate::pacing::gate::{Gate, Hold, LaneChange, PauseReason, Role};
use crate::pacing::learnt::Learnt;
use crate::pacing::meter::Meter;
use crate::pacing::window::{Window, WindowChange, WindowHint};

#[derive(Debug)]
pub(super) struct State {
    settings: LaneSettings,
    rng: Rng,
    gate: Gate,
    window: Window,
    bucket: Option<Bucket>,
    learnt: Learnt,
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
        now: Instant,
    ) -> Self {
        let settings = LaneSettings { rate: sound(settings.rate), ..settings };
        Self {
            settings,
            rng: Rng::with_seed(seed),
            gate: Gate::new(not_before, now),
            window: Window::unknown(now),
            bucket: settings.rate.map(|rate| Bucket::new(rate, settings.burst, start, now)),
            learnt: Learnt::nothing(),
            meter: Meter::new(now),
            in_flight: 0,
            queued: 0,
        }
    }

    /// Starts a call where nothing holds it and nobody was there before; else takes a place in the line.
    pub(super) fn start_or_queue(&mut self, clock: fn() -> Instant) -> Option<Role> {
        let role = if self.queued == 0 { self.start(clock).ok() } else { None };
        if role.is_none() {
            self.queued += 1;
        }
        role
    }

    pub(super) const fn unqueue(&mut self) {
        self.queued = self.queued.saturating_sub(1);
    }

    /// Starts a call, or says what holds it.
    pub(super) fn start(&mut self, clock: fn() -> Instant) -> Result<Role, Hold> {
        let now = clock();
        self.regain(now);
        let role = self.gate.admits(now)?;
        if let Some(due) = self.window.due(now).filter(|due| self.settings.adapt && *due > now) {
            return Err(Hold::Until(due));
        }
        if let Some(bucket) = &mut self.bucket {
            // a tenth that is regained on the way makes the token due earlier
            let raise = self.learnt.raise_due().filter(|raise| *raise > now);
            bucket.take(now).map_err(|due| Hold::Until(raise.map_or(due, |raise| due.min(raise))))?;
        }
        self.gate.start(role);
        self.window.count(now);
        self.meter.count(now);
        self.in_flight += 1;
        Ok(role)
    }

    pub(super) fn answered(
        &mut self,
        role: Role,
        answer: LaneAnswer,
        hint: Option<WindowHint>,
        clock: fn() -> Instant,
    ) -> Option<LaneChange> {
        let now = clock();
        self.regain(now);
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(hint) = hint {
            self.window.hear(hint, self.in_flight, now);
        }
        let was_paused = self.gate.pause_now().is_some();
        let change = match answer {
            LaneAnswer::Accepted => self.gate.accepted(role, now),
            LaneAnswer::Lost => self.gate.lost(role, now, &self.settings, &mut self.rng),
            LaneAnswer::Throttled { retry_after } => {
                let change = self.gate.throttled(role, retry_after, now, &self.settings, &mut self.rng);
                if self.settings.adapt {
                    let begins = !was_paused && self.gate.pause_now().is_some();
                    let measured = begins.then(|| self.meter.pace(now));
                    self.learnt.cut(self.settings.rate.or(measured), retry_after, now);
                    self.retune(now);
                }
                change
            }
        };
        if self.gate.pause_now().is_some() || change == Some(LaneChange::OutOfPatience) {
            return change;
        }
        if was_paused {
            self.learnt.restart(now);
        }
        // an empty window goes on where the gate's pause ends
        self.window_change(now).or(change)
    }

    pub(super) const fn abandoned(&mut self, role: Role) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.gate.abandoned(role);
    }

    pub(super) fn set_rate(&mut self, rate: Option<f64>, clock: fn() -> Instant) {
        let now = clock();
        self.regain(now);
        self.settings.rate = sound(rate);
        self.learnt.refer_to(self.settings.rate);
        self.retune(now);
    }

    pub(super) fn figures(&mut self, clock: fn() -> Instant) -> PaceFigures {
        let now = clock();
        self.regain(now);
        let pause = |since: Instant, until: Instant, probing| PauseFigures {
            since: since.into_std(),
            until: until.into_std(),
            probing,
        };
        let gate = self.gate.pause_now().map(|(since, until, probing)| pause(since, until, probing));
        let window = self.empty_window(now).map(|(since, until)| pause(since, until, false));
        PaceFigures {
            rate: self.meter.rate(now),
            ceiling: self.settings.rate,
            learnt: self.learnt.rate(),
            bucket: self.bucket.as_ref().map(|bucket| (bucket.tokens(now), bucket.burst())),
            window: self.window.figures(now),
            pause: gate.or(window),
        }
    }

    pub(super) fn not_before(&self, clock: fn() -> Instant) -> Option<Instant> {
        let now = clock();
        let gate = self.gate.pause_now().map(|(_, until, _)| until);
        gate.max(self.empty_window(now).map(|(_, until)| until)).filter(|until| *until > now)
    }

    pub(super) fn is_open(&self, clock: fn() -> Instant) -> bool {
        let now = clock();
        self.gate.admits(now).is_ok() && self.empty_window(now).is_none()
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

    /// Adds the tenths that came due while the lane was open, each at its own instant.
    fn regain(&mut self, now: Instant) {
        while self.gate.pause_now().is_none()
            && let Some(due) = self.learnt.raise_due().filter(|due| *due <= now)
        {
            self.learnt.raise(due);
            self.retune(due);
        }
    }

    /// Gives the bucket the rate that holds from now on. A bucket that comes into being begins empty: what was used
    /// before it was there was not counted.
    fn retune(&mut self, now: Instant) {
        let Some(rate) = self.learnt.rate().or(self.settings.rate) else {
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
