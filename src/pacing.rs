//! Pacing: when may a call start, what does its answer mean for the item, and how long is the wait.
//!
//! A rate limit is the tenant's, not an item's and not a worker's. So the waiting is done in one place, the [`Lane`] of
//! a tenant, which every worker asks for leave before **every** call: a retry, a preflight and a poll too.
//! What an answer means for its item is a table, [`decide`]; how long the item waits is [`Backoff`].
//!
//! ```text
//!  item ──▶ Lane::leave ──▶ call ──▶ Lane::answered ──▶ (pause, probe, learn)
//!               ▲                └──▶ decide ──▶ Accepted │ Wait │ Split │ Isolate │ Fail │ …
//!               └── Backoff::wait ◀──────────────────────────┘
//! ```
//!
//! Where several processes of a machine use one tenant, their lanes stand on one [`SharedPace`].
//!
//! Nothing here knows a client, a journal or a screen. Time is tokio's clock, which tests hold; chance comes from a
//! seeded generator.

mod backoff;
mod bucket;
mod decision;
mod gate;
mod gates;
mod lane;
mod learnt;
mod meter;
mod shared;
mod window;

use std::time::Duration;

use tokio::time::Instant;

pub use backoff::{Backoff, delay, no_sooner};
pub use bucket::{Bucket, Fill};
pub use decision::{
    BatchKind, CallKind, Certainty, Counts, FreshToken, IN_PROGRESS_PATIENCE, Outcome, Situation,
    Unreachable, UnsurePolicy, Verdict, decide,
};
pub use gate::{LaneChange, PauseReason};
pub use lane::{Lane, LaneAnswer, LaneSettings, Leave};
pub use shared::{Busy, Level, Moment, Now, Record, SharedCap, SharedPace};
pub use window::WindowHint;

/// So far off that it is never reached, and near enough for every platform's clock.
const FAR: Duration = Duration::from_hours(100 * 365 * 24);

/// `start + wait`, where a wait beyond what the clock can hold ends [`FAR`] off instead of in a panic.
fn after(start: Instant, wait: Duration) -> Instant {
    start.checked_add(wait.min(FAR)).unwrap_or(start)
}
