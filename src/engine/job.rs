//! An item on its way, with what has happened to it so far.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::act::Act;
use super::family::Family;
use super::gauges::UnderWay;
use super::guard::Held;
use crate::journal::{End, Origin};
use crate::model::WaitReason;
use crate::operation::{Item, Progress};
use crate::pacing::{Certainty, FreshToken};

/// An item on its way.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) item: Item,
    /// Whose room it takes: its dataset's, or that of the failures that are sent again.
    pub(super) lot: u32,
    /// All its sending calls.
    pub(super) tries: u32,
    /// Those of this carrying-out that count against `max_attempts`.
    pub(super) counted: u32,
    /// How often its result could not be fetched: looks at its job that come in between are no tries of that.
    pub(super) fetch_tries: u32,
    /// 429s and 409s in progress in a row: they lengthen the back-off and use up no attempt.
    pub(super) throttled: u32,
    /// Whether a call of it was made in this carrying-out or before.
    pub(super) called: bool,
    /// Whether its last call was the one with a fresh token.
    pub(super) fresh_token: FreshToken,
    /// It may not go before this moment: a wait that an earlier carrying-out began.
    pub(super) not_before: Option<Instant>,
    /// Whether the journal has a mark that its call may be out.
    pub(super) marked: bool,
    /// Its place among those that may be accepted and not be committed yet.
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// How often it was sent again after an unsure answer.
    pub(super) unsure: u32,
    /// Whether any call of it may have been carried out without our knowing.
    pub(super) earlier: Certainty,
    /// How far it has come.
    pub(super) progress: Progress,
    pub(super) origin: Origin,
    /// Whether it was ever sent with these boundaries.
    pub(super) sent: Sent,
    /// Since when its key is in progress elsewhere.
    pub(super) in_progress_since: Option<Instant>,
    pub(super) last_status: Option<u16>,
    pub(super) waits_for: WaitsFor,
    /// How it failed before a person sent it again.
    pub(super) failed_before: Option<FailedAs>,
    /// How often it has met its key in somebody else's hands.
    pub(super) asked_for_key: u32,
    /// Whether its call was out when a process ended, and its key has not been asked for since: what the store knows of
    /// it comes first.
    pub(super) was_out: bool,
    /// The lock on its key, where it needs one.
    pub(super) lease: Option<Arc<Held>>,
    /// How it ended, with what the platform calls it, where the mark that nobody knows is still owed to the store.
    pub(super) ended: Option<Box<(End, Option<String>)>>,
    /// The batch that it is a part of, where that was refused.
    pub(super) family: Option<Arc<Family>>,
    /// The act in which a person sends it again.
    pub(super) act: Option<Arc<Act>>,
    /// Its mark on the map, from its being taken up on.
    pub(super) under_way: Option<UnderWay>,
    /// How long its last call took.
    pub(super) took: Option<Duration>,
}

/// What an item waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitsFor {
    /// The end of a back-off.
    BackOff(WaitReason),
    /// The next look at its remote job.
    Look,
}

/// How an item failed: its status and code.
pub(super) type FailedAs = (Option<u16>, Option<String>);

/// Whether a chunk keeps its boundaries: one that was sent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Never,
    Maybe,
}

impl Job {
    /// Whether its act has stopped, and it with it: not where the act has begun a remote job for it, or looked at one, nor
    /// where it has come to its end.
    pub(super) fn is_stopped(&self) -> bool {
        let watched = self.progress.remote_id.is_some() && self.took.is_some();
        !watched && self.ended.is_none() && self.act.as_ref().is_some_and(|act| act.is_stopped())
    }

    /// How long its last call took, in milliseconds.
    pub(super) fn took_ms(&self) -> Option<u64> {
        self.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
    }

    /// An item that was just planned.
    pub(super) fn new(item: Item, lot: u32) -> Self {
        Self {
            item,
            lot,
            tries: 0,
            counted: 0,
            fetch_tries: 0,
            throttled: 0,
            called: false,
            fresh_token: FreshToken::Untried,
            not_before: None,
            marked: false,
            permit: None,
            unsure: 0,
            earlier: Certainty::Sure,
            progress: Progress::default(),
            origin: Origin::Planned,
            sent: Sent::Never,
            in_progress_since: None,
            last_status: None,
            waits_for: WaitsFor::BackOff(WaitReason::Network),
            failed_before: None,
            asked_for_key: 0,
            was_out: false,
            lease: None,
            ended: None,
            family: None,
            act: None,
            under_way: None,
            took: None,
        }
    }
}
