//! A token bucket, as the *generic cell rate algorithm* has it (GCRA, virtual scheduling form: ITU-T I.371, ATM Forum
//! Traffic Management 4.0 §4.4.2).
//!
//! One instant is all its state: when the bucket will be full again (the *theoretical arrival time*, here `full_at`).
//! A grant at `t` is due as soon as `full_at − t ≤ (burst − 1) · T` with `T = 1 / rate`, and moves it to
//! `max(full_at, t) + T`. From a grant at `t₁` to the `n`th at `tₙ`, `full_at` before the last has grown to at least
//! `t₁ + (n − 1) · T`, so `n ≤ burst + rate · (tₙ − t₁)`: that is the bound, for every window, and it holds because `t`
//! is the instant at which leave is granted and not one that was booked ahead: a late wake-up cannot bunch grants up.
//!
//! A change of rate keeps the bucket's *level* (missing tokens, `(full_at − now) / T`) and so the bound becomes
//! `burst + ∫ rate dt`. All rounding is to a later instant.

use std::time::Duration;

use tokio::time::Instant;

use super::{FAR, after};

/// The longest that a bucket takes to be full, in nanoseconds: a hundred years. A rate below that is taken for it, so that no
/// sum leaves the range in which it is exact.
const LONGEST: u64 = FAR.as_secs() * 1_000_000_000;

/// How many tokens a bucket begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// The whole burst: nobody has used the quota lately.
    Full,
    /// None: another process may have used the burst a moment ago.
    Empty,
}

/// A token bucket in which every call costs one token.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Nanoseconds a token, rounded up.
    interval: u64,
    burst: u32,
    full_at: Instant,
}

impl Bucket {
    /// A bucket of `burst` tokens (at least one) that regains `rate` of them a second. A rate that is no positive
    /// number is the lowest there is: the burst in a hundred years.
    #[must_use]
    pub fn new(rate: f64, burst: u32, fill: Fill, now: Instant) -> Self {
        let burst = burst.max(1);
        let interval = interval_of(rate, burst);
        let full_at = match fill {
            Fill::Full => now,
            Fill::Empty => after(now, Duration::from_nanos(interval).saturating_mul(burst)),
        };
        Self { interval, burst, full_at }
    }

    /// The first instant from `now` on at which a token is there: `now` itself, where one is.
    #[must_use]
    pub fn due(&self, now: Instant) -> Instant {
        let tolerance = Duration::from_nanos(self.interval).saturating_mul(self.burst - 1);
        after(now, self.full_at.saturating_duration_since(now).saturating_sub(tolerance))
    }

    /// Takes a token.
    ///
    /// # Errors
    /// The instant at which one will be there, where there is none now.
    pub fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let due = self.due(now);
        if due > now {
            return Err(due);
        }
        self.full_at = after(self.full_at.max(now), Duration::from_nanos(self.interval));
        Ok(())
    }

    /// Goes on with another rate. What was used stays used.
    pub fn set_rate(&mut self, rate: f64, now: Instant) {
        let interval = interval_of(rate, self.burst);
        let missing = self.full_at.saturating_duration_since(now).as_nanos();
        let missing = missing.saturating_mul(interval.into()).div_ceil(self.interval.into());
        self.full_at = after(now, Duration::from_nanos(u64::try_from(missing).unwrap_or(u64::MAX)));
        self.interval = interval;
    }

    /// How long tokens have been coming in since it was, or would have been, empty, and the time that each takes.
    pub(super) fn level(&self, now: Instant) -> (Duration, u64) {
        let whole = Duration::from_nanos(self.interval).saturating_mul(self.burst);
        (whole.saturating_sub(self.full_at.saturating_duration_since(now)), self.interval)
    }

    /// Takes over the level of a bucket that others use too: tokens came in for so long, each in so many nanoseconds.
    pub(super) fn set_level(&mut self, filling: Duration, interval: u64, now: Instant) {
        let whole = u128::from(self.interval) * u128::from(self.burst);
        // rounded down: to fewer tokens
        let tokens = filling.as_nanos().saturating_mul(self.interval.into()) / u128::from(interval.max(1));
        let missing = whole.saturating_sub(tokens);
        self.full_at = after(now, Duration::from_nanos(u64::try_from(missing).unwrap_or(u64::MAX)));
    }

    /// The same, where what was used here is not in that level yet: the fewer tokens count.
    pub(super) fn lower_level(&mut self, filling: Duration, interval: u64, now: Instant) {
        let full_at = self.full_at;
        self.set_level(filling, interval, now);
        self.full_at = self.full_at.max(full_at);
    }

    /// Whole tokens that are there now.
    #[must_use]
    pub fn tokens(&self, now: Instant) -> u32 {
        let missing = self.full_at.saturating_duration_since(now).as_nanos().div_ceil(self.interval.into());
        self.burst.saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    /// The most tokens that it holds.
    #[must_use]
    pub const fn burst(&self) -> u32 {
        self.burst
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float is cut off at the ends of the integer's range, and both ends are then clamped"
)]
fn interval_of(rate: f64, burst: u32) -> u64 {
    let longest = LONGEST / u64::from(burst);
    if rate > 0.0 { ((1e9 / rate).ceil() as u64).clamp(1, longest) } else { longest }
}

#[cfg(test)]
mod tests;
