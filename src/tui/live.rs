//! The two doors between the board and the engine. They are traits so that the board can be tested against a run that
//! a test holds in its hand.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::engine::{Command, Handle};
use crate::model::{Figures, Seq};

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

/// Starts a new carrying-out of the run on the board, for failures that are sent again after its end.
pub trait Resender: Send + Sync {
    /// Starts it. The error is a sentence for the person who asked.
    fn resend(&self, items: Vec<Seq>, by: String) -> BoxFuture<'static, Result<Arc<dyn Live>, String>>;
}
