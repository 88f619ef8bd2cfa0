//! The two doors between the board and the engine. They are traits so that the board can be tested against a run that
//! a test holds in its hand.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::model::{Figures, Seq};

/// What a person can tell a run that is being carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Start no new call; finish those that are out.
    Pause,
    /// Go on after a pause or a fault.
    GoOn,
    /// The most calls a second from now on; `None` takes our own limit away.
    SetRate(Option<f64>),
    /// Send these failures again.
    Retry {
        /// Their items.
        items: Vec<Seq>,
        /// Who wants it.
        by: String,
    },
    /// Finish the calls that are out, write everything down, and end; the run is paused then.
    Drain,
    /// End now. What is out counts as unsure.
    LeaveAtOnce,
}

/// A run that this process carries out.
pub trait Live: Send + Sync {
    /// The figures at this moment. Must not wait for the engine: it is called up to 30 times a second.
    fn figures(&self) -> Figures;

    /// Wakes when the figures have changed.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Gives a command; says whether it was taken. Must not wait.
    fn command(&self, command: Command) -> bool;
}

/// Starts a new carrying-out of the run on the board, for failures that are sent again after its end.
pub trait Resender: Send + Sync {
    /// Starts it. The error is a sentence for the person who asked.
    fn resend(&self, items: Vec<Seq>, by: String) -> BoxFuture<'static, Result<Arc<dyn Live>, String>>;
}
