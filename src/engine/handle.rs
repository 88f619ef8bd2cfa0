//! The handle by which a viewer reaches a run: figures to look at, commands to give, and its end to wait for.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::carry::Shared;
use crate::journal::{Journal, JournalError, Judgement, RunRow};
use crate::model::{FailureId, Fault, Figures, RunId, RunState, Seq};

/// What a person can tell a run that is being carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Start no new call; finish those that are out.
    Pause,
    /// Go on after a pause or a fault.
    GoOn,
    /// The most calls a second from now on; `None` takes our own limit away. A resume keeps it.
    SetRate {
        /// Calls a second.
        rate: Option<f64>,
        /// Who wants it.
        by: String,
    },
    /// How many calls may be in flight from now on, for `ingest` datasets side by side: 1 to 1,000 as in a plan, what lies outside is
    /// brought to the nearer end. Of too many those in flight end first. A resume keeps it.
    SetWorkers {
        /// So many.
        workers: u16,
        /// Who wants it.
        by: String,
    },
    /// Send these failures again.
    Retry {
        /// Their items.
        items: Vec<Seq>,
        /// Who wants it.
        by: String,
    },
    /// Close failures, or open them again. Those that are being sent again are left as they are.
    Judge {
        /// Which.
        failures: Vec<FailureId>,
        /// What to do.
        judgement: Judgement,
        /// Who decides.
        by: String,
    },
    /// Keep these records in the place of those that failed; with none, take an edit back.
    Edit {
        /// Which, and what they are now.
        records: Vec<(FailureId, Option<bytes::Bytes>)>,
        /// Who edits.
        by: String,
    },
    /// Begin no further item, finish the calls that are out (10 s at the most), and end for good: what is pending stays
    /// so. A run of which nothing is pending ends as its counts say.
    Cancel {
        /// Who wants it.
        by: String,
    },
    /// Finish the calls that are out (10 s at the most), write everything down, and end; the run is paused then.
    Drain,
    /// End now. What is out counts as unsure.
    LeaveAtOnce,
}

/// How a carrying-out ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// The run's state now.
    pub state: RunState,
    /// The fault that made it leave, where one did.
    pub fault: Option<Fault>,
}

/// A run that this process carries out.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(super) shared: Arc<Shared>,
    pub(super) journal: Journal,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) ending: watch::Receiver<Option<Ending>>,
}

impl Handle {
    /// The run.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.shared.run
    }

    /// The run's row in the journal, as it is now.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn row(&self) -> Result<RunRow, JournalError> {
        self.journal.reader()?.run(&self.shared.run.to_string())
    }

    /// The journal that it is written to.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The figures at this moment. Cheap enough for 30 times a second; never waits for the engine.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.shared.figures()
    }

    /// Wakes when figures have changed. A viewer that looks only then, and not more often than it can draw, is never
    /// behind and never busy for nothing.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Gives a command. It is carried out soon; the figures' phase shows when it is confirmed.
    ///
    /// Returns whether it was taken: the queue is short, and a command to a run that has ended is not.
    #[must_use]
    pub fn command(&self, command: Command) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// Waits until this carrying-out is over and everything is written.
    pub async fn ended(&self) -> Ending {
        let mut ending = self.ending.clone();
        match ending.wait_for(Option::is_some).await {
            Ok(ending) => ending.clone(),
            Err(_) => None,
        }
        .unwrap_or(Ending { state: RunState::Paused, fault: None })
    }
}
