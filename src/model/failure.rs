//! What can go wrong with an item (a failure) and with a whole run (a fault).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::run::{Seq, words};

words! {
    /// Where on its way an item failed.
    Stage, "a stage", {
        /// The local check refused it: it was never sent.
        Validation = "validation",
        /// A look before the sending call refused it.
        Preflight = "preflight",
        /// The sending call itself.
        Delivery = "delivery",
        /// A remote job that the call started: it failed, or its end was not seen.
        Polling = "polling",
        /// The result of a remote job: it could not be had, or it refuses rows.
        Result = "result",
    }
}

/// Which failure: an item's own, or one of the rows that its result refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FailureId {
    /// The item.
    pub item: Seq,
    /// 0 is the item itself; the rows of its result count from 1.
    pub row: u64,
}

impl FailureId {
    /// The last that can stand before it; none before the first.
    #[must_use]
    pub const fn before(self) -> Option<Self> {
        match (self.item, self.row) {
            (0, 0) => None,
            (item, 0) => Some(Self { item: item - 1, row: u64::MAX }),
            (item, row) => Some(Self { item, row: row - 1 }),
        }
    }

    /// Whether it is the item itself, and not a row of its result.
    #[must_use]
    pub const fn is_item(self) -> bool {
        self.row == 0
    }
}

impl From<Seq> for FailureId {
    fn from(item: Seq) -> Self {
        Self { item, row: 0 }
    }
}

words! {
    /// Where a failure stands with the people who mend it.
    FailureState, "a failure's state", {
        /// Sent, or tried, in vain.
        Failed = "failed",
        /// Refused by the local check, never sent.
        Invalid = "invalid",
        /// Closed by a person.
        Dismissed = "dismissed",
        /// Sent again and accepted since.
        Delivered = "delivered",
    }
}

/// One thing that is wrong with a record, or with a row that a remote job has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong there, for a person to read.
    pub reason: String,
}

impl Violation {
    /// Something that is wrong in a record, where the JSON Pointer says.
    #[must_use]
    pub fn at(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: Place::Pointer(pointer.into()), reason: reason.into() }
    }

    /// Something that is wrong with a row that a remote job has read.
    #[must_use]
    pub fn in_row(row: u64, reason: impl Into<String>) -> Self {
        Self { place: Place::Row(row), reason: reason.into() }
    }
}

/// Where a violation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In the record: a JSON Pointer (RFC 6901).
    #[serde(rename = "pointer")]
    Pointer(String),
    /// In the file that a remote job has read: the row's number, as the platform tells it.
    #[serde(rename = "row")]
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pointer(pointer) if pointer.is_empty() => f.write_str("the record"),
            Self::Pointer(pointer) => f.write_str(pointer),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// Why an item could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Where on its way.
    pub stage: Stage,
    /// The HTTP status, where there was a complete answer.
    pub status: Option<u16>,
    /// The platform's own code for it, or one of ours: `outcome.unknown`, `record.too_large`.
    pub code: Option<String>,
    /// What the platform said, or what we found, safe to be shown.
    pub message: String,
    /// The places in the record, where they are known.
    pub violations: Vec<Violation>,
}

words! {
    /// What stops a whole run and is no item's doing.
    FaultKind, "a kind of fault", {
        /// The token endpoint, or the platform twice in a row, refused the client.
        ClientRefused = "client_refused",
        /// The token lacks a scope or permission that the operation needs.
        MissingScope = "missing_scope",
        /// No connection, after the retries.
        Unreachable = "unreachable",
        /// The dataset changed or went away since the run began.
        DatasetChanged = "dataset_changed",
        /// The dataset broke off or is malformed where it was still being read (standard input).
        DatasetBroken = "dataset_broken",
        /// What came through standard input is no dataset, or one without records.
        NoDataset = "no_dataset",
        /// The disk is full, or the journal cannot be written for another reason.
        Disk = "disk",
        /// Too many items in a row failed in one and the same way.
        SameFailures = "same_failures",
        /// A Retry-After beyond the plan's limit.
        Parked = "parked",
        /// Nothing but "slow down" for longer than the plan's patience.
        Throttled = "throttled",
        /// A chunk failed, and the plan says to stop there.
        ChunkFailed = "chunk_failed",
        /// The platform no longer keeps the set open.
        CorrelationWindow = "correlation_window",
        /// The store of locks and results can't be reached: nothing is executed unguarded.
        Store = "store",
        /// The preflight's answer could not be used.
        Preflight = "preflight",
    }
}

/// Why a whole run stands still. Nothing is lost by one: it goes on when a person has mended it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// When it was noticed.
    pub at: Timestamp,
    /// What kind of thing is wrong.
    pub kind: FaultKind,
    /// What is wrong, for a person to read.
    pub message: String,
    /// What a person can do about it.
    pub advice: String,
    /// When the run goes on by itself, where it does.
    pub resumes_at: Option<Timestamp>,
}

/// What comes between our own words in a fault's message and those of the platform.
const SAYS: &str = "; the platform says: ";

impl Fault {
    /// A message that also tells what the platform said, where it said something.
    #[must_use]
    pub fn message_with(ours: &str, said: &str) -> String {
        if said.is_empty() { ours.to_owned() } else { format!("{ours}{SAYS}{said}") }
    }

    /// Its message without what the platform said, which may repeat any record that was sent.
    #[must_use]
    pub fn own_words(&self) -> &str {
        self.message.split_once(SAYS).map_or(&self.message, |(ours, _)| ours)
    }
}
