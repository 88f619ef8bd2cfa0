//! How long something is ago that others count, too: a token's life, a lease, a set that the platform keeps open.
//!
//! The runtime's clock stands still while the machine sleeps, and the clock on the wall may be set. So each is read, and
//! the one that says *more* is believed: after a sleep, and after a clock was set forward, a token or a lease is asked for
//! once more than there was need. Were the other believed, a call would go out under a lease that somebody else has by now.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// A moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    instant: Instant,
    wall: Timestamp,
}

impl Since {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        Self::told(super::now())
    }

    /// A moment that an earlier process wrote down, which had a runtime's clock of its own.
    #[must_use]
    pub fn told(wall: Timestamp) -> Self {
        Self { instant: Instant::now(), wall }
    }

    /// How long ago it is, at the least.
    #[must_use]
    pub fn gone(self) -> Duration {
        self.on_wall().max(self.instant.elapsed())
    }

    /// For how long the machine has slept since then; a clock that was set forward looks the same.
    #[must_use]
    pub fn slept(self) -> Duration {
        self.on_wall().saturating_sub(self.instant.elapsed())
    }

    fn on_wall(self) -> Duration {
        // where the clock was set back, it tells nothing
        Duration::try_from(super::now().duration_since(self.wall)).unwrap_or_default()
    }
}

/// The end of something that lasts so long from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    since: Since,
    length: Duration,
}

impl Expiry {
    /// So long from that moment on.
    #[must_use]
    pub const fn of(since: Since, length: Duration) -> Self {
        Self { since, length }
    }

    /// So long from now on.
    #[must_use]
    pub fn after(length: Duration) -> Self {
        Self::of(Since::now(), length)
    }

    /// How long it lasts yet.
    #[must_use]
    pub fn left(self) -> Duration {
        self.length.saturating_sub(self.since.gone())
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.left().is_zero()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::machine::{hold, nowhere};

    const LIFE: Duration = Duration::from_hours(1);

    #[tokio::test(start_paused = true)]
    async fn what_lasts_an_hour_is_over_when_the_machine_has_slept_for_eight() {
        let hold = hold(Timestamp::UNIX_EPOCH, nowhere());
        let expiry = Expiry::after(LIFE);
        hold.set_clock(SignedDuration::from_hours(8));
        assert!(expiry.is_over());
        assert!(!Expiry::after(LIFE).is_over(), "what begins after the sleep does not end with it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_back_makes_nothing_last_longer() {
        let hold = hold(Timestamp::UNIX_EPOCH, nowhere());
        let (since, expiry) = (Since::now(), Expiry::after(LIFE));
        hold.set_clock(SignedDuration::from_hours(-2));
        tokio::time::advance(LIFE / 4).await;
        assert_eq!((since.gone(), since.slept(), expiry.left()), (LIFE / 4, Duration::ZERO, LIFE / 4 * 3));
        tokio::time::advance(LIFE).await;
        assert!(expiry.is_over());
    }
}
