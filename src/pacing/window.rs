//! The platform's own window, as its rate headers tell it: calls used, calls allowed, seconds left.
//!
//! It is believed before anything is learnt from refusals, because it also sees the calls of programs that are not
//! ours. While more than a fifth of the calls is left it binds nothing; the last fifth is spread evenly over the time
//! left; with none left there is nothing to do but to wait for the reset.
//!
//! A header is as old as its answer: calls that went out since are added to what it says was used, and of two answers
//! from one window the one that saw more calls is the later.

use std::time::Duration;

use tokio::time::Instant;

use super::{FAR, after};
use crate::model::WindowFigures;

/// Headers tell whole seconds, and answers take their time: instants this close are one reset.
const SAME_RESET: Duration = Duration::from_secs(2);
/// A window longer than this is a moment (seconds since 1970) taken for a span, and is not believed.
const LONGEST: Duration = Duration::from_hours(31 * 24);

/// What the rate headers of one answer say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowHint {
    /// Calls used in the window, whoever made them.
    pub used: u64,
    /// Calls allowed in it.
    pub allowed: u64,
    /// Time left of it.
    pub resets_in: Duration,
}

/// The window as far as it is known.
#[derive(Debug)]
pub(super) struct Window {
    seen: Option<Seen>,
    /// Calls of ours since the last reset that we know of.
    ours: u64,
    last_start: Instant,
    /// The end of the empty window that was told of last, until its end is told of too.
    announced: Option<Instant>,
}

#[derive(Debug)]
struct Seen {
    allowed: u64,
    /// The most that a header said was used.
    told: u64,
    /// That, and the calls that went out since.
    used: u64,
    resets_at: Instant,
    /// The reset as the window's first header told it: all headers of the window lie close to it.
    anchor: Instant,
    /// Since when the headers say that no call is left.
    empty_since: Option<Instant>,
}

/// What an empty window does to the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WindowChange {
    /// No call is left until then.
    Emptied(Instant),
    /// There are calls again.
    Refilled,
}

impl Window {
    pub(super) const fn unknown(now: Instant) -> Self {
        Self { seen: None, ours: 0, last_start: now, announced: None }
    }

    /// A call starts now.
    pub(super) fn count(&mut self, now: Instant) {
        if self.seen.take_if(|seen| seen.resets_at <= now).is_some() {
            self.ours = 0;
        }
        self.ours += 1;
        self.last_start = now;
        if let Some(seen) = &mut self.seen {
            seen.used = seen.used.saturating_add(1);
        }
    }

    /// An answer brought headers; so many calls are still out.
    pub(super) fn hear(&mut self, hint: WindowHint, in_flight: u64, now: Instant) {
        if hint.allowed == 0 || hint.resets_in.is_zero() || hint.resets_in > LONGEST {
            return;
        }
        let resets_at = after(now, hint.resets_in);
        let used = hint.used.saturating_add(in_flight);
        let fresh = Seen {
            allowed: hint.allowed,
            told: hint.used,
            used,
            resets_at,
            anchor: resets_at,
            empty_since: None,
        };
        let seen = match &mut self.seen {
            Some(seen) if seen.resets_at > now && apart(seen.anchor, resets_at) <= SAME_RESET => {
                seen.resets_at = seen.resets_at.max(resets_at);
                if hint.used >= seen.told {
                    (seen.told, seen.used, seen.allowed) = (hint.used, used, hint.allowed);
                }
                seen
            }
            Some(other) => {
                self.ours = in_flight.saturating_add(1);
                *other = fresh;
                other
            }
            none => none.insert(fresh),
        };
        seen.empty_since = (seen.told >= seen.allowed).then(|| seen.empty_since.unwrap_or(now));
    }

    /// When the next call may start, where the window binds now.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let seen = self.seen.as_ref().filter(|seen| seen.resets_at > now)?;
        let left = seen.allowed.saturating_sub(seen.used);
        if left == 0 {
            return Some(seen.resets_at);
        }
        if left.saturating_mul(5) > seen.allowed {
            return None;
        }
        // the calls left cut the time left, from the last start to the reset, into equal parts
        let span = seen.resets_at.saturating_duration_since(self.last_start);
        let parts = u32::try_from(left.saturating_add(1)).unwrap_or(u32::MAX);
        Some(after(self.last_start, (span / parts).min(FAR)))
    }

    /// Since when the platform has said that no call is left, and when the window begins anew.
    pub(super) fn empty(&self, now: Instant) -> Option<(Instant, Instant)> {
        let seen = self.seen.as_ref().filter(|seen| seen.resets_at > now)?;
        seen.empty_since.map(|since| (since, seen.resets_at))
    }

    /// What is new about an empty window, told once.
    pub(super) fn announce(&mut self, now: Instant) -> Option<WindowChange> {
        match (self.announced, self.empty(now)) {
            (Some(until), Some(_)) if now < until => None,
            (_, Some((_, until))) => {
                self.announced = Some(until);
                Some(WindowChange::Emptied(until))
            }
            (told, None) => {
                self.announced = None;
                told.map(|_| WindowChange::Refilled)
            }
        }
    }

    pub(super) fn figures(&self, now: Instant) -> Option<WindowFigures> {
        let seen = self.seen.as_ref().filter(|seen| seen.resets_at > now)?;
        Some(WindowFigures {
            used: seen.used,
            allowed: seen.allowed,
            resets_at: seen.resets_at.into_std(),
            ours: self.ours.min(seen.used),
        })
    }
}

fn apart(one: Instant, other: Instant) -> Duration {
    one.max(other) - one.min(other)
}
