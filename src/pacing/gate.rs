//! The gate of a lane: open, or paused until an instant, after which one call probes.
//!
//! One 429 is an item's bad luck; two in a row, or one with a long Retry-After, say that the quota is spent, and then
//! every further call of the lane only makes it worse. So the lane as a whole pauses, and when the pause is over a
//! **single** call finds out whether the platform takes calls again. Were all to go at once, a platform that still
//! refuses would get as many calls as there are workers, again and again.
//!
//! A pause is ended by its time and its probe, and by nothing else: answers of calls that went out before it began are
//! older than what it knows. They may only make it longer. A pause never counts them as further refusals in a row
//! either, or fifty calls in flight would drive the back-off to its cap at once.

use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::lane::LaneSettings;
use super::{after, backoff};

/// A pause is only told of again where it became longer by so much.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// What an answer changed for the whole lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneChange {
    /// No call starts for so long; then one probes.
    Paused {
        /// From now on.
        delay: Duration,
        /// What it is for.
        why: PauseReason,
    },
    /// The platform takes calls again.
    Resumed,
    /// Paused until then, which is longer than the plan wants to wait: a fault that names the moment.
    Parked {
        /// When calls may start again.
        until: Instant,
    },
    /// Nothing but 429s for longer than the plan's patience: a fault. The patience begins anew with it.
    OutOfPatience,
}

/// Why a lane is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseReason {
    /// Two 429s, and no accepted answer between them.
    TwoInARow,
    /// A Retry-After over the plan's `pool_pause_threshold`.
    LongRetryAfter,
    /// The probe was answered 429 too.
    ProbeThrottled,
    /// The probe got no answer.
    ProbeLost,
    /// The rate headers say that no call of the window is left.
    WindowEmpty,
    /// Another run of this machine on the tenant was told to wait.
    OtherRun,
}

impl PauseReason {
    /// The word for it in events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TwoInARow => "two_in_a_row",
            Self::LongRetryAfter => "retry_after",
            Self::ProbeThrottled => "probe_throttled",
            Self::ProbeLost => "probe_lost",
            Self::WindowEmpty => "window_empty",
            Self::OtherRun => "other_run",
        }
    }
}

/// What a call is to the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// One of many.
    Plain,
    /// The one that finds out whether a pause is over, by its number: its answer may come when that pause is over in
    /// another way, and the next one's probe is out.
    Probe(u64),
}

/// What holds the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// Time.
    Until(Instant),
    /// The answer to the probe.
    ForProbe,
}

#[derive(Debug)]
pub(super) struct Gate {
    state: State,
    /// 429s in a row, those of calls that a pause overtook left out.
    in_a_row: u32,
    /// The number of the latest probe.
    probes: u64,
    /// Probes without an answer, in this pause.
    lost: u32,
    /// The latest end of a Retry-After among the 429s in a row.
    asked_for: Option<Instant>,
    /// The first 429 since the last accepted answer.
    refused_since: Option<Instant>,
}

#[derive(Debug)]
enum State {
    Open,
    Paused { since: Instant, until: Instant, probe: Probe, from: From },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    Due,
    Out(u64),
}

/// Whence a gate knows that it has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// Its own endpoint's answers.
    Here,
    /// Another's.
    Elsewhere,
}

impl Gate {
    /// Open, or paused where an earlier carrying-out was told to wait until then.
    pub(super) fn new(not_before: Option<Instant>, now: Instant) -> Self {
        let state = match not_before.filter(|until| *until > now) {
            Some(until) => State::Paused { since: now, until, probe: Probe::Due, from: From::Elsewhere },
            None => State::Open,
        };
        Self { state, in_a_row: 0, probes: 0, lost: 0, asked_for: None, refused_since: None }
    }

    /// What a call that starts now would be.
    pub(super) fn admits(&self, now: Instant) -> Result<Role, Hold> {
        match self.state {
            State::Open => Ok(Role::Plain),
            State::Paused { until, .. } if now < until => Err(Hold::Until(until)),
            State::Paused { probe: Probe::Out(_), .. } => Err(Hold::ForProbe),
            State::Paused { probe: Probe::Due, .. } => Ok(Role::Probe(self.probes.saturating_add(1))),
        }
    }

    /// A call starts.
    pub(super) const fn start(&mut self, role: Role) {
        if let (State::Paused { probe, .. }, Role::Probe(number)) = (&mut self.state, role) {
            *probe = Probe::Out(number);
            self.probes = number;
        }
    }

    /// What a call is to the pause of now: the probe of an earlier one is a call as any other.
    fn by_now(&self, role: Role) -> Role {
        match (&self.state, role) {
            (State::Paused { probe: Probe::Out(out), .. }, Role::Probe(number)) if *out == number => role,
            _ => Role::Plain,
        }
    }

    /// A complete answer that is no 429.
    pub(super) fn accepted(&mut self, role: Role, now: Instant) -> Option<LaneChange> {
        self.refused_since = None;
        let role = self.by_now(role);
        match (&mut self.state, role) {
            (State::Open, _) | (State::Paused { from: From::Elsewhere, .. }, Role::Plain) => {
                self.reset();
                None
            }
            (State::Paused { from: From::Here, .. }, Role::Plain) => None,
            // a straggler's Retry-After came in while the probe was out, and is not over
            (State::Paused { until, probe, .. }, Role::Probe(_)) if now < *until => {
                *probe = Probe::Due;
                None
            }
            (State::Paused { .. }, Role::Probe(_)) => {
                self.state = State::Open;
                self.reset();
                Some(LaneChange::Resumed)
            }
        }
    }

    /// A 429.
    pub(super) fn throttled(
        &mut self,
        role: Role,
        retry_after: Option<Duration>,
        now: Instant,
        settings: &LaneSettings,
        rng: &mut Rng,
    ) -> Option<LaneChange> {
        let refused_since = *self.refused_since.get_or_insert(now);
        let asked = retry_after.map(|wait| after(now, backoff::no_sooner(wait, rng)));
        self.asked_for = self.asked_for.max(asked);

        let limit = settings.retry_after_limit;
        let role = self.by_now(role);
        let change = match (&mut self.state, role) {
            // a pause that is another endpoint's overtakes none of this one's calls: they count as ever
            (State::Open, _) | (State::Paused { from: From::Elsewhere, .. }, Role::Plain) => {
                self.in_a_row = self.in_a_row.saturating_add(1);
                if retry_after.is_some_and(|wait| wait > settings.pool_pause_threshold.min(limit)) {
                    Some(self.pause(PauseReason::LongRetryAfter, now, settings, rng))
                } else if self.in_a_row >= 2 {
                    Some(self.pause(PauseReason::TwoInARow, now, settings, rng))
                } else {
                    None
                }
            }
            (State::Paused { .. }, Role::Probe(_)) => {
                self.in_a_row = self.in_a_row.saturating_add(1);
                Some(self.pause(PauseReason::ProbeThrottled, now, settings, rng))
            }
            (State::Paused { until, .. }, Role::Plain) => {
                let before = *until;
                *until = before.max(self.asked_for.unwrap_or(before));
                let why = PauseReason::LongRetryAfter;
                Self::is_worth_telling(before, *until)
                    .then(|| LaneChange::Paused { delay: until.saturating_duration_since(now), why })
            }
        };
        let change = match change {
            Some(LaneChange::Paused { delay, .. }) if retry_after.is_some_and(|wait| wait > limit) => {
                Some(LaneChange::Parked { until: after(now, delay) })
            }
            other => other,
        };
        let worn_out = now.saturating_duration_since(refused_since) >= settings.throttle_patience;
        if worn_out && !matches!(change, Some(LaneChange::Parked { .. })) {
            self.refused_since = Some(now);
            return Some(LaneChange::OutOfPatience);
        }
        change
    }

    /// Another gate, or another lane of the tenant, is paused until then, which lies ahead. Returns whether that is worth telling.
    pub(super) fn overhear(&mut self, told: Instant, now: Instant) -> bool {
        match &mut self.state {
            State::Open => {
                self.state =
                    State::Paused { since: now, until: told, probe: Probe::Due, from: From::Elsewhere };
                true
            }
            State::Paused { until, .. } => {
                let before = *until;
                *until = before.max(told);
                Self::is_worth_telling(before, told)
            }
        }
    }

    /// Whether a pause until then is told of, where one until before is known.
    pub(super) fn is_worth_telling(before: Instant, then: Instant) -> bool {
        then.saturating_duration_since(before) >= WORTH_TELLING
    }

    /// Another endpoint's probe was accepted: a pause that is over, and that this gate was only told of, needs none.
    pub(super) fn follow(&mut self, now: Instant) {
        if let State::Paused { until, from: From::Elsewhere, .. } = self.state
            && until <= now
        {
            self.state = State::Open;
        }
    }

    /// No answer came.
    pub(super) fn lost(
        &mut self,
        role: Role,
        now: Instant,
        settings: &LaneSettings,
        rng: &mut Rng,
    ) -> Option<LaneChange> {
        if self.by_now(role) == Role::Plain {
            return None;
        }
        self.lost = self.lost.saturating_add(1);
        Some(self.pause(PauseReason::ProbeLost, now, settings, rng))
    }

    /// The call was given up, perhaps before it went out: if it was the probe, the next call is one.
    pub(super) fn abandoned(&mut self, role: Role) {
        let role = self.by_now(role);
        if let (State::Paused { probe, .. }, Role::Probe(_)) = (&mut self.state, role) {
            *probe = Probe::Due;
        }
    }

    /// The pause, where there is one: when it began, when it ends, and whether its probe is out.
    pub(super) const fn pause_now(&self) -> Option<(Instant, Instant, bool)> {
        match self.state {
            State::Open => None,
            State::Paused { since, until, probe, .. } => Some((since, until, matches!(probe, Probe::Out(_)))),
        }
    }

    /// Pauses until the latest Retry-After of the 429s in a row, or else for a back-off.
    fn pause(
        &mut self,
        why: PauseReason,
        now: Instant,
        settings: &LaneSettings,
        rng: &mut Rng,
    ) -> LaneChange {
        // one that is over by now, as "at once" is, was no answer to when the platform takes calls: it just refused one
        let asked_for = self.asked_for.filter(|until| *until > now);
        let setbacks = self.in_a_row.saturating_add(self.lost);
        let end = asked_for.unwrap_or_else(|| after(now, settings.backoff.wait(setbacks, None, rng)));
        let (since, until, probe) = match self.state {
            State::Open => (now, end, Probe::Due),
            State::Paused { since, until, probe, .. } => {
                // one that was only told of becomes its own, and the probe of that may be out
                let is_back = matches!(why, PauseReason::ProbeThrottled | PauseReason::ProbeLost);
                (since, until.max(end), if is_back { Probe::Due } else { probe })
            }
        };
        self.state = State::Paused { since, until, probe, from: From::Here };
        LaneChange::Paused { delay: until.saturating_duration_since(now), why }
    }

    const fn reset(&mut self) {
        self.in_a_row = 0;
        self.lost = 0;
        self.asked_for = None;
    }
}
