//! Pacing: when may a call start, what does its answer mean for the item, and how long is the wait.
//!
//! A rate limit is the tenant's, not an item's and not a worker's. So the waiting is done in one place, the [`Lane`] of
//! a tenant and endpoint, which every worker asks for leave before **every** call: a retry, a preflight and a poll too.
//! What an answer means for its item is a table, [`decide`]; how long the item waits is [`Backoff`].
//!
//! ```text
//!  item ──▶ Lane::leave ──▶ call ──▶ Lane::answered ──▶ (pause, probe, learn)
//!               ▲                └──▶ decide ──▶ Accepted │ Wait │ Split │ Isolate │ Fail │ …
//!               └── Backoff::wait ◀──────────────────────────┘
//! ```
//!
//! Nothing here knows a client, a journal or a screen. Time is tokio's clock, which tests hold; chance comes from a
//! seeded generator.

mod backoff;
mod decision;

pub use backoff::{Backoff, delay, no_sooner};
pub use decision::{
    BatchKind, CallKind, Certainty, Counts, FreshToken, IN_PROGRESS_PATIENCE, Outcome, Situation,
    UnsurePolicy, Verdict, decide,
};
