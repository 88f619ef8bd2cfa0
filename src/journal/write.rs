//! What can be written of a run.

use std::sync::{Arc, Mutex};

use bytes::Bytes;

use serde::{Deserialize, Serialize};

use crate::model::{FailureId, Fault, Position, Reason, RunState, Seq};

/// The kind of a note about what a run has not read of a dataset.
pub const CUT_OFF: &str = "cut_off";

/// One change of a run.
#[derive(Debug)]
pub enum Write {
    /// Items of one record each, planned together; those that the local check refused come as `Settle` beside it.
    Stretch {
        /// The first item; the others follow it without a gap.
        first_seq: Seq,
        /// The dataset.
        dataset: u32,
        /// The first record.
        first: Position,
        /// How many.
        count: u64,
        /// Records from the dataset's first that are planned now.
        planned: u64,
    },
    /// One item of several records.
    Chunk {
        /// The item.
        seq: Seq,
        /// Which records it holds.
        extent: Extent,
        /// Records from the dataset's first that are planned now.
        planned: u64,
    },
    /// Every record stands in an item now, and this many there were.
    PlannedAll {
        /// Records in all.
        records: u64,
    },
    /// A dataset that was streamed has come to its end.
    StreamEnded {
        /// The dataset.
        dataset: u32,
        /// Its records.
        records: u64,
        /// Its bytes.
        bytes: u64,
    },
    /// Others stand in an item's place now.
    Split {
        /// The item that is no more.
        seq: Seq,
        /// What it held.
        extent: Extent,
        /// The new ones. Their records come along where the item was a failure that is sent again.
        parts: Vec<(Seq, Extent, Option<Bytes>)>,
        /// Marks that the parts inherit.
        unsure: u32,
        /// The failure row it had, where it was being sent again by hand: each part gets its own.
        was: Origin,
    },
    /// An item's call is about to start, or will not after all.
    Sending {
        /// The item.
        seq: Seq,
        /// Which records it holds.
        extent: Extent,
        /// Tries so far.
        attempts: u32,
        /// How often it was sent again after an unsure answer.
        unsure: u32,
        /// Whether the call may be out from now on.
        out: Out,
    },
    /// An item has started a remote job, and is watched from now on.
    Keep {
        /// The item.
        seq: Seq,
        /// Which records it holds.
        extent: Extent,
        /// Tries so far.
        attempts: u32,
        /// How often it was sent again after an unsure answer.
        unsure: u32,
        /// The job's id.
        remote_id: String,
    },
    /// Rows that the result of an item refuses: those of a result that was read before and are other ones make way.
    Rows {
        /// The item.
        seq: Seq,
        /// The number of the first of them, from 1.
        first: u64,
        /// Why, one by one; none where the result has none from there on.
        rows: Vec<Reason>,
    },
    /// The store has taken an item's result.
    Stored(Seq),
    /// An item waits.
    Waiting(Box<Waiting>),
    /// An item is settled.
    Settle(Box<Settled>),
    /// Failures are to be sent again: they count as pending until that is over.
    TakeUp {
        /// Their items.
        items: Vec<Seq>,
        /// Who sends them.
        by: String,
        /// Those of them that were open, and are taken up now: what else was named is left as it is.
        taken: Arc<Mutex<Vec<Seq>>>,
    },
    /// What was taken up and has not been settled is a failure again, with its old reason.
    PutBack,
    /// The same of these items alone: others that were taken up go on.
    GiveBack(Vec<Seq>),
    /// A person has set the most calls a second, for this carrying-out and for resumes.
    Ceiling {
        /// Calls a second; `None` is no limit of ours.
        rate: Option<f64>,
        /// What it was before.
        was: Option<f64>,
        /// Who set it.
        by: String,
    },
    /// A person has set how many calls may be in flight, for this carrying-out and for resumes.
    Workers {
        /// So many, and what they work on.
        workers: u16,
        /// How many it were before.
        was: u16,
        /// What one of them does at a time, for a person to read: *call*, *dataset*.
        noun: &'static str,
        /// Who set it.
        by: String,
    },
    /// Failures are closed by a person, or opened again.
    Judge {
        /// Which.
        failures: Vec<FailureId>,
        /// What to do.
        judgement: Judgement,
        /// Who did it.
        by: String,
    },
    /// Records of open failures are changed by a person, before they are sent again. Nothing happens to one whose item
    /// is under way, to the row of a result, and to one whose record the journal does not hold.
    Edit {
        /// The new record, all of it; or none, to have the one back that stood there before the first edit.
        records: Vec<(FailureId, Option<Bytes>)>,
        /// Who did it.
        by: String,
    },
    /// The largest body accepted and the smallest refused, as far as known.
    SizeLimit {
        /// Bytes.
        largest_accepted: Option<u64>,
        /// Bytes.
        smallest_refused: Option<u64>,
    },
    /// Before when no call may start.
    NotBefore(Option<NoCallBefore>),
    /// The run's state.
    State(RunState),
    /// Whether no call can be out that the journal does not know of.
    Clean(Cleanness),
    /// A fault.
    Fault(Fault),
    /// Something worth telling that is no item's.
    Note {
        /// What kind of thing: `cut_off`, `pool_paused`, `pool_resumed`, `ceiling`, `act`, …
        kind: &'static str,
        /// How long it lasts, where that has a meaning.
        delay_ms: Option<u64>,
        /// A word for the reason, as in the events.
        reason: Option<&'static str>,
        /// For a person to read.
        text: String,
    },
}

/// A moment before which no call of a run may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoCallBefore {
    /// That moment, in milliseconds since 1970.
    pub until: i64,
    /// When it was told, in the same.
    pub told: i64,
}

impl Write {
    /// The last rows that an item's result refuses, and that there are none behind them.
    #[must_use]
    pub fn last_rows(seq: Seq, first: u64, rows: Vec<Reason>) -> Vec<Self> {
        let behind = first + rows.len() as u64;
        let end = Self::Rows { seq, first: behind, rows: Vec::new() };
        if rows.is_empty() { vec![end] } else { vec![Self::Rows { seq, first, rows }, end] }
    }

    /// That a person has ended a run for good.
    #[must_use]
    pub fn cancelled(by: &str) -> Self {
        Self::Note { kind: "act", delay_ms: None, reason: None, text: format!("{by}: cancelled the run") }
    }
}

/// Which records an item holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The dataset.
    pub dataset: u32,
    /// The first record.
    pub first: Position,
    /// Positions from the first to the last.
    pub span: u64,
    /// How many of them it holds.
    pub count: u64,
}

/// Whether a call may be out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out {
    /// It may.
    Maybe,
    /// It was when its worker was stopped, unless the item has come to an end all the same.
    Left,
    /// It is not.
    No,
}

/// Whether the journal knows of every call that may be out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanness {
    /// It does.
    Clean,
    /// Calls are being made.
    Busy,
}

/// What a person decides of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Close it, with a note.
    Dismiss(String),
    /// Take that back.
    Reopen,
}

/// What an item was before it was settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Origin {
    /// Planned from a dataset.
    #[default]
    Planned,
    /// A failure that a person sent again.
    Failure,
}

/// An item in a back-off.
#[derive(Debug)]
pub struct Waiting {
    /// The item.
    pub seq: Seq,
    /// Which records it holds.
    pub extent: Extent,
    /// Tries so far.
    pub attempts: u32,
    /// How often it was sent again after an unsure answer.
    pub unsure: u32,
    /// The status that made it wait.
    pub status: Option<u16>,
    /// A word for the reason, as in the events.
    pub reason: &'static str,
    /// How long.
    pub delay_ms: u64,
    /// Until when (milliseconds since 1970).
    pub until: i64,
    /// How long the call took that made it wait, where that is known.
    pub took_ms: Option<u64>,
    /// What the platform said, or what happened.
    pub message: String,
    /// What it was before.
    pub origin: Origin,
}

/// An item's end.
#[derive(Debug)]
pub struct Settled {
    /// The item.
    pub seq: Seq,
    /// Which records it holds.
    pub extent: Extent,
    /// How it ended.
    pub end: End,
    /// Tries in all.
    pub attempts: u32,
    /// How often it was sent again after an unsure answer.
    pub unsure: u32,
    /// Whether a call of it may have been carried out without our knowing: a failure keeps that.
    pub doubtful: bool,
    /// The last status.
    pub status: Option<u16>,
    /// How long the last call took, where that is known.
    pub took_ms: Option<u64>,
    /// What a person knows it by, where that is not its place in the file.
    pub name: Option<String>,
    /// The remote job that it started.
    pub remote_id: Option<String>,
    /// The platform's correlation id of the last answer, or the one that we sent.
    pub correlation_id: Option<String>,
    /// What it was before.
    pub origin: Origin,
}

/// Where a delivered item's answer came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// From the platform.
    Platform,
    /// From the store of results: no call was made.
    Store,
    /// From the platform, and the store has not taken it yet. Nothing else is executed before it has.
    Unstored(Unstored),
}

/// What the store needs to know of a result beside the answer that the journal keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unstored {
    /// The key.
    pub key: String,
    /// The fencing token of its lock.
    pub fence: u64,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// When it came.
    pub at: jiff::Timestamp,
}

/// How an item ended.
#[derive(Debug)]
pub enum End {
    /// Accepted.
    Delivered {
        /// The platform's answer.
        answer: Bytes,
        /// Where it came from.
        source: Source,
    },
    /// Given up on.
    Failed {
        /// Why.
        reason: Reason,
        /// The record, or the array of them.
        record: Option<Bytes>,
    },
    /// Refused by the local check.
    Invalid {
        /// Why.
        reason: Reason,
        /// The record.
        record: Option<Bytes>,
    },
}
