//! Carrying a plan out: reading, pacing, sending, and writing down what became of it.
//!
//! ```text
//! scan ──▶ begin │ resume │ retry ──▶ Handle: figures, commands, its end
//!                        │
//!                   Supervisor ── phases, faults, the end          (supervisor)
//!                    │       │
//!     readers ───────┘       └─────── workers                      (feeder, worker)
//!     plan items, durably             one item at a time, as far as it goes now
//!            └──▶ Schedule ──▶┘       order, back-offs, how much is planned ahead
//!
//! what a record meets:  its check, on several cores                (gate)
//!                       others that go in the same call            (grouping)
//! what a worker meets:  a key that must not be executed twice      (guard, worker/keys)
//!                       a refused or too large batch               (isolate, split, family)
//!                       a result that lies elsewhere               (fetch, worker/results)
//!                       an end, or a changed pace                  (settle)
//! ```
//!
//! The engine makes every call, and asks pacing for leave before each. What an operation is it knows only through the
//! trait; what a status means it asks the one decision table.

mod access;
mod act;
mod again;
mod carry;
mod check;
mod checker;
mod course;
mod crew;
mod family;
mod faults;
mod feeder;
mod fetch;
mod gate;
mod gauges;
mod grouping;
mod guard;
mod handle;
mod isolate;
mod job;
mod patience;
mod preflight;
mod scan;
mod schedule;
mod settle;
mod signal;
mod split;
mod start;
mod supervisor;
mod way;
mod worker;

use crate::config::{Profile, StorePlace};
use crate::coordination::{PaceError, StoreError};
use crate::dataset::DatasetError;
use crate::dataset::map::MapError;
use crate::dataset::schema::SchemaError;
use crate::journal::{Journal, JournalError};
use crate::model::{Fault, OperationKind, RunId, RunState};
use crate::plan::Plan;
use crate::platform::TargetError;
use start::{hold_to_platform, mapping};
use way::{access, way};

pub use check::{CheckReport, InvalidCause, InvalidValue, Spot, check};
pub use checker::{Checker, Known};
pub use handle::{Command, Ending, Handle};
pub(crate) use scan::same_as_before;
pub use scan::{Scanned, ScannedDataset, scan};
pub use start::{begin, resume, retry};
pub use way::{store, wire, wire_with};

/// What a run needs beside its datasets.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where it is written down.
    pub journal: Journal,
    /// What is to be done.
    pub plan: Plan,
    /// With which tenant.
    pub profile: Profile,
    /// Whether a broken dataset is used up to its broken place.
    pub until_error: bool,
    /// Where locks and stored results are.
    pub store: StorePlace,
    /// What of `plan` a run that goes on takes before what was set while it went.
    pub wins: Wins,
}

/// What of a plan's `[delivery]` a person has typed for a run that goes on: it wins over what was set while it went,
/// and that over the plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wins {
    /// The most calls a second.
    pub ceiling: Winner,
    /// Calls in flight.
    pub workers: Winner,
}

/// Which of two words counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Winner {
    /// What was set while the run went, where something was.
    #[default]
    Kept,
    /// What the plan says: it was typed just now.
    Plan,
}

/// Why a run does not begin, or does not go on. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The dataset cannot be used.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The dataset is malformed.
    #[error(
        "{0}\nhint: nothing was sent; mend the file, or send what stands before that place with --until-error"
    )]
    Broken(crate::dataset::Malformed),
    /// The dataset lacks what the operation needs.
    #[error(
        "{} has no column {wanted}; it has {found}\nhint: name the right ones in the plan's [operation.map]{}",
        crate::text::one_line(dataset, 200),
        if *operation == OperationKind::Outcomes { ", or map the dataset's own codes with its `outcome_map`" } else { "" }
    )]
    Column {
        /// What is to be done with it.
        operation: OperationKind,
        /// The dataset.
        dataset: String,
        /// What is needed.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// The plan lacks what the operation cannot do without.
    #[error("{0}")]
    Incomplete(&'static str),
    /// The plan's schema cannot be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The store of locks and results cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No dataset was named.
    #[error("no dataset is named\nhint: name a file, or `-` for standard input")]
    NoDataset,
    /// Standard input stands beside others.
    #[error("`-`, standard input, cannot stand beside other datasets")]
    StreamAmongOthers,
    /// The plan's map cannot be used.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The profile's addresses cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The tenant's pace cannot be shared with other runs.
    #[error(transparent)]
    Pace(#[from] PaceError),
    /// The profile only looks.
    #[error(
        "profile `{0}` is read-only: it sends nothing\nhint: remove `read_only = true` from it, or take another profile"
    )]
    ReadOnly(String),
    /// The profile is of the other platform.
    #[error(
        "profile `{profile}` is for {found}, and {operation} runs on {needed}\nhint: name another one with --profile"
    )]
    Platform {
        /// The profile.
        profile: String,
        /// Its platform.
        found: String,
        /// The operation.
        operation: OperationKind,
        /// The platform that it needs.
        needed: String,
    },
    /// The profile now leads elsewhere than the run began.
    #[error(
        "run {run} began with {began}, and profile `{profile}` now leads to {now}\nhint: a run keeps its hosts and its client; begin a new one, or set the profile back"
    )]
    Elsewhere {
        /// The run.
        run: RunId,
        /// The profile.
        profile: String,
        /// Where the run's calls went, and as whom.
        began: String,
        /// Where they would go now.
        now: String,
    },
    /// The run has ended for good.
    #[error(
        "run {run} is {state}: there is nothing to go on with\nhint: `trunkline failures {run}` shows what it could not deliver; {}",
        again(*run, *state)
    )]
    Over {
        /// The run.
        run: RunId,
        /// How it ended.
        state: RunState,
    },
    /// A fault was found before the run could go on. It is written down.
    #[error("{}\nhint: {}", .0.message, .0.advice)]
    Fault(Box<Fault>),
}

/// How what is left of a run that is over can be sent after all.
fn again(run: RunId, state: RunState) -> String {
    if state == RunState::Cancelled {
        "to be cancelled is final: begin a new run with what is left".to_owned()
    } else {
        format!("`trunkline retry {run}` sends that again")
    }
}

impl StartError {
    /// The exit code that goes with it.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Fault(_) => 3,
            _ => 2,
        }
    }
}
