//! The door between the board and a run. It is a trait so that the board can be tested against a run that a test holds
//! in its hand.

use tokio::sync::watch;

use crate::engine::{Command, Handle};
use crate::model::Figures;

/// A run that this process carries out.
pub trait Live: Send + Sync {
    /// The figures at this moment. Must not wait for the engine: it is called up to 30 times a second.
    fn figures(&self) -> Figures;

    /// Wakes when the figures have changed.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Gives a command; says whether it was taken. Must not wait.
    fn command(&self, command: Command) -> bool;
}

impl Live for Handle {
    fn figures(&self) -> Figures {
        Self::figures(self)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        Self::changes(self)
    }

    fn command(&self, command: Command) -> bool {
        Self::command(self, command)
    }
}
