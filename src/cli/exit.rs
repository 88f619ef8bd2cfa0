//! How the program ends: the exit codes that scripts rely on, and the errors that lead to them.

use std::process::ExitCode;

use crate::config::{ConfigError, SecretError};
use crate::coordination::StoreError;
use crate::engine::{Ending, StartError};
use crate::journal::{FilterError, JournalError};
use crate::model::{FaultKind, RunState, UnknownWord};
use crate::plan::PlanError;
use crate::platform::TargetError;
use crate::report::ReportError;
use crate::sandbox::SandboxError;
use crate::tui::KeysError;

/// An exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// All was delivered, or what was asked for was done.
    Done = 0,
    /// The run ended with failures or invalid records.
    Failures = 1,
    /// Usage, configuration, plan or dataset is wrong; nothing was sent.
    Refused = 2,
    /// A fault; a resume goes on.
    Faulted = 3,
    /// A mistake of ours; the journal is intact.
    Broken = 4,
    /// Interrupted; a resume goes on.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// How a carrying-out that ended like this ends the program.
    pub(super) fn of(ending: &Ending) -> Self {
        let kind = ending.fault.as_ref().map(|fault| fault.kind);
        match ending.state {
            RunState::Faulted if kind == Some(FaultKind::NoDataset) => Self::Refused,
            RunState::Completed => Self::Done,
            RunState::CompletedWithFailures => Self::Failures,
            RunState::Faulted => Self::Faulted,
            RunState::Paused | RunState::Cancelled => Self::Interrupted,
            // the engine has ended and says that it has not
            RunState::Running => Self::Broken,
        }
    }
}

/// Why the program stops before it has done what was asked for.
#[derive(Debug)]
pub(super) struct Stop {
    /// With which code.
    pub exit: Exit,
    /// What a person is told: lower case, a `hint:` line last; nothing where all has been said.
    pub message: Option<String>,
}

impl Stop {
    /// Something that was typed, or a file of the person's, is wrong.
    pub(super) fn refuse(message: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, message: Some(message.into()) }
    }

    /// What a person on the board is told.
    pub(super) fn sentence(self) -> String {
        self.message.unwrap_or_else(|| "it was interrupted".to_owned())
    }

    /// A person wanted to leave.
    pub(super) const fn interrupted() -> Self {
        Self { exit: Exit::Interrupted, message: None }
    }
}

macro_rules! refused {
    ($($error:ty),+) => { $(
        impl From<$error> for Stop {
            fn from(error: $error) -> Self {
                Self::refuse(error.to_string())
            }
        }
    )+ };
}
refused!(
    ConfigError,
    SecretError,
    JournalError,
    FilterError,
    KeysError,
    PlanError,
    SandboxError,
    StoreError,
    TargetError,
    UnknownWord,
    std::io::Error
);

impl From<StartError> for Stop {
    fn from(error: StartError) -> Self {
        let exit = match error.exit_code() {
            3 => Exit::Faulted,
            4 => Exit::Broken,
            _ => Exit::Refused,
        };
        Self { exit, message: Some(error.to_string()) }
    }
}

impl From<ReportError> for Stop {
    fn from(error: ReportError) -> Self {
        match error {
            // `| head` has read what it wanted
            ReportError::Closed => Self { exit: Exit::Done, message: None },
            other => Self::refuse(other.to_string()),
        }
    }
}
