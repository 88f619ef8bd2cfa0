//! What a run is made of, and how its records and items are counted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A record's place in its run: it counts from 0 and runs on through several datasets in their order.
pub type Position = u64;

/// An item's number within its run. Numbers ascend in the order in which items were planned.
pub type Seq = u64;

/// One carrying-out of a plan. A UUID v7, so that ids sort by the moment at which their runs began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(Uuid);

impl RunId {
    /// The id of a run that begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self(crate::machine::timely_id())
    }

    /// The first eight digits, which is what a person reads. Runs that began within a minute of each other share them.
    #[must_use]
    pub fn short(self) -> String {
        self.first(8)
    }

    /// The beginning that tells it from others, for a command to type: the millisecond at which it began (RFC 9562 §5.7).
    #[must_use]
    pub fn prefix(self) -> String {
        self.first(13)
    }

    fn first(self, characters: usize) -> String {
        let mut text = self.to_string();
        text.truncate(characters);
        text
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for RunId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// A word that is not one of those that may stand in its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not {what}; there are {known}")]
pub struct UnknownWord {
    /// The word as it was written, safe to be shown.
    pub word: String,
    /// What it should have been, with its article: *an operation*.
    pub what: &'static str,
    /// The words that may stand there, for a person to read.
    pub known: String,
}

/// Makes an enum of words: its text form, its parser and serde agree on one spelling.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident, $what:literal, { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every one of them, in the order in which they are told.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it, as it stands in plans, events and tables.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|one| one.word() == word).ok_or_else(|| $crate::model::UnknownWord {
                    word: $crate::text::one_line(word, 40),
                    what: $what,
                    known: Self::ALL.iter().map(|one| one.word()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What a run does with each record.
    OperationKind, "an operation", {
        /// Chunked dataset ingest (Genesys Cloud).
        Ingest = "ingest",
        /// Idempotent Data Action execution (Genesys Cloud).
        Execute = "execute",
        /// Validated batch ingestion, Data Exchange (Genesys Cloud).
        Exchange = "exchange",
        /// Long-running import jobs (Genesys Cloud).
        Import = "import",
        /// Contact outcomes (NICE CXone).
        Outcomes = "outcomes",
    }
}

impl OperationKind {
    /// The platform that offers it.
    #[must_use]
    pub const fn platform(self) -> PlatformKind {
        match self {
            Self::Ingest | Self::Execute | Self::Exchange | Self::Import => PlatformKind::Genesys,
            Self::Outcomes => PlatformKind::Cxone,
        }
    }

    /// The scopes that a token must have for it, where the platform tells them.
    #[must_use]
    pub const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Ingest => &["analytics:datatransfer:write"],
            Self::Execute => &["dataaction:execute"],
            Self::Exchange => &["dataexchange:ingest"],
            Self::Import => &["dataimport:import", "dataimport:read"],
            Self::Outcomes => &["contact:read", "contact:update"],
        }
    }

    /// What one item of it is called: *chunk*, *job*, *contact*.
    #[must_use]
    pub const fn one_item(self) -> &'static str {
        match self {
            Self::Ingest => "chunk",
            Self::Execute => "action",
            Self::Exchange => "batch",
            Self::Import => "job",
            Self::Outcomes => "contact",
        }
    }

    /// What its items are called: *chunks*, *jobs*, *contacts*.
    #[must_use]
    pub const fn item_noun(self) -> &'static str {
        match self {
            Self::Ingest => "chunks",
            Self::Execute => "actions",
            Self::Exchange => "batches",
            Self::Import => "jobs",
            Self::Outcomes => "contacts",
        }
    }
}

words! {
    /// The two vendors whose platforms the operations run against.
    PlatformKind, "a platform", {
        /// Genesys Cloud.
        Genesys = "genesys",
        /// NICE CXone.
        Cxone = "cxone",
    }
}

words! {
    /// Where an item stands. Each item is in exactly one of these at every moment.
    ItemState, "an item's state", {
        /// Planned, not out.
        Pending = "pending",
        /// Its call is out, or may be.
        Sending = "sending",
        /// A back-off runs.
        Waiting = "waiting",
        /// Accepted by the platform, and the journal has it.
        Delivered = "delivered",
        /// Could not be delivered.
        Failed = "failed",
        /// Refused by the local check, never sent.
        Invalid = "invalid",
        /// Closed by a person, with a note.
        Dismissed = "dismissed",
    }
}

words! {
    /// Where a run stands.
    RunState, "a run's state", {
        /// A process carries it out now.
        Running = "running",
        /// Stopped by a person, or its process is gone; `resume` goes on.
        Paused = "paused",
        /// Paused by a fault, which a person has to mend.
        Faulted = "faulted",
        /// All was delivered or dismissed.
        Completed = "completed",
        /// Ended, with failures or invalid records left.
        CompletedWithFailures = "completed_with_failures",
        /// Ended for good by a person; what was pending stays so.
        Cancelled = "cancelled",
    }
}

impl RunState {
    /// Whether nothing is left to be sent by a resume.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::CompletedWithFailures | Self::Cancelled)
    }
}

/// How many items, or records, are in each state. `delivered + failed + invalid + dismissed + pending` is the total,
/// at every moment; one that is being sent or waits for a back-off counts as pending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All of them; `None` while the number is not known yet.
    pub total: Option<u64>,
    /// Not settled yet.
    pub pending: u64,
    /// Accepted by the platform.
    pub delivered: u64,
    /// Given up on, open for a person.
    pub failed: u64,
    /// Refused by the local check, open for a person.
    pub invalid: u64,
    /// Closed by a person.
    pub dismissed: u64,
}

impl Tally {
    /// Those that need nothing more from the run.
    #[must_use]
    pub const fn settled(&self) -> u64 {
        self.delivered + self.failed + self.invalid + self.dismissed
    }

    /// The failures that a person has not dealt with.
    #[must_use]
    pub const fn open(&self) -> u64 {
        self.failed + self.invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for kind in OperationKind::ALL {
            assert_eq!(kind.word().parse::<OperationKind>().unwrap(), *kind);
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{kind}\""));
        }
        let refused = "ingets".parse::<OperationKind>().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "`ingets` is not an operation; there are ingest, execute, exchange, import, outcomes"
        );
    }

    #[test]
    fn a_word_that_is_none_is_told_in_safe_words() {
        let refused = "\x1b[2J\u{202e}".repeat(99).parse::<OperationKind>().unwrap_err().to_string();
        crate::hostile::assert_inert("no word", &refused);
        assert!(refused.chars().count() < 120, "{refused}");
    }

    #[test]
    fn a_later_run_sorts_after_an_earlier_one() {
        let first = RunId::begin();
        let second = RunId::begin();
        assert!(first < second);
        assert_eq!(first.to_string().parse::<RunId>().unwrap(), first);
    }
}
