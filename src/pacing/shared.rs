//! What the lanes of one tenant have in common, wherever on the machine they are: one bucket, one pause, one learnt rate.
//!
//! A quota is the tenant's, and two runs at once are two processes. So a lane may stand on a [`SharedPace`]: a place
//! that holds one [`Record`], and lets one lane at a time read it, decide, and write it. Where that place is, pacing
//! does not know.
//!
//! The instants of two processes cannot be compared, so the record tells [`Moment`]s of a clock that all read, and each
//! reading comes as a [`Now`], a pair of both clocks. Whether there is a token is decided on that common clock alone,
//! read while the record is held; instants only say how long to sleep. So the bound of the bucket holds for all lanes
//! together as it does for one.
//!
//! The bucket is told by the moment at which it was, or would have been, *empty*, and the time that a token took then.
//! Lanes whose plans allow unlike bursts agree on that, and each caps the tokens since then at its own burst; were it
//! told by when it is full, a lane with a small burst would starve beside one with a large one.
//!
//! What the token endpoint says is the client's matter as much, and no lane's: how long it wants to be left alone stands in
//! the record too.
//!
//! The platform's window is not shared: it is a token's, and each process has its own token and its own headers.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::after;

/// A moment on the clock that all lanes of the machine read: nanoseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// So many nanoseconds after 1970 began.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The time from an earlier moment to this one; nothing, where that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// So much later.
    #[must_use]
    pub fn plus(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(nanos(wait)))
    }

    /// So much earlier, but never before 1970.
    #[must_use]
    pub fn minus(self, wait: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(wait)))
    }
}

/// One reading of both clocks. The instant is read first: then a process that is put to sleep between the two only
/// waits longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// As this process counts.
    pub instant: Instant,
    /// As all do.
    pub moment: Moment,
}

/// What lies further back has no bearing on anything, and may be before the process's clock began.
const PAST: Duration = Duration::from_mins(1);

impl Now {
    /// The instant of a moment; one that is over for long is told as a minute ago.
    #[must_use]
    pub fn instant_of(self, moment: Moment) -> Instant {
        if moment >= self.moment {
            return after(self.instant, moment.since(self.moment));
        }
        self.instant.checked_sub(self.moment.since(moment).min(PAST)).unwrap_or(self.instant)
    }

    /// The moment of an instant.
    #[must_use]
    pub fn moment_of(self, instant: Instant) -> Moment {
        self.moment
            .plus(instant.saturating_duration_since(self.instant))
            .minus(self.instant.saturating_duration_since(instant))
    }
}

/// What is known of the bucket that all lanes take from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    /// No lane has taken from it yet.
    #[default]
    Unused,
    /// What was known is lost: the burst may have been used a moment ago.
    Unknown,
    /// Tokens have come since it was empty.
    Used {
        /// When it was, or would have been, empty.
        empty_at: Moment,
        /// Nanoseconds that a token took, as the last lane to use it counted; at least 1.
        interval: u64,
    },
}

/// The rate that was learnt from 429s, in calls a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharedCap {
    /// What is to be regained; above 0.
    pub reference: f64,
    /// What calls are held to now; above 0.
    pub rate: f64,
    /// When the last tenth was regained.
    pub raised_at: Moment,
}

/// All that the lanes of one tenant share.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Record {
    /// The bucket.
    pub level: Level,
    /// No call before then. The default, like all that is over, is no pause.
    pub paused_until: Moment,
    /// The learnt rate, where there is one.
    pub cap: Option<SharedCap>,
    /// Until then the rate is not halved again.
    pub spared_until: Moment,
    /// No token is asked for before then. The default, like all that is over, is no wait.
    pub tokens_from: Moment,
}

impl Record {
    /// What takes the place of a record that cannot be read.
    #[must_use]
    pub fn lost() -> Self {
        Self { level: Level::Unknown, ..Self::default() }
    }

    /// The same, after the clock was set back by so much: waits stay as long as they were.
    #[must_use]
    pub fn set_back(self, by: Duration) -> Self {
        let level = match self.level {
            Level::Used { empty_at, interval } => Level::Used { empty_at: empty_at.minus(by), interval },
            other => other,
        };
        Self {
            level,
            paused_until: self.paused_until.minus(by),
            cap: self.cap.map(|cap| SharedCap { raised_at: cap.raised_at.minus(by), ..cap }),
            spared_until: self.spared_until.minus(by),
            tokens_from: self.tokens_from.minus(by),
        }
    }
}

/// The record cannot be had just now. Nothing was changed, and no call may start on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// Where the lanes of one tenant keep their record.
pub trait SharedPace: fmt::Debug + Send + Sync {
    /// The record as it stands, without holding it; `None` where only [`hold`](Self::hold) can tell.
    fn look(&self) -> Option<(Now, Record)>;

    /// Holds the record against every other lane while `step`, called at most once, reads it and may change it, and
    /// keeps the change. The clocks are read while it is held. It takes microseconds and waits for nothing longer.
    ///
    /// # Errors
    /// Another has it, or it cannot be kept: then whatever `step` decided is void.
    fn hold(&self, step: &mut dyn FnMut(Now, &mut Record)) -> Result<(), Busy>;
}

fn nanos(wait: Duration) -> u64 {
    u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)
}
