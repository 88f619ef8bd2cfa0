//! The shared words of the house: what a run, an item, a failure and a fault are.
//!
//! These are the words of the command line, the events and the board too. Nothing here does I/O, and nothing here
//! knows how any of it is stored, sent or drawn.

mod failure;
mod figures;
mod map;
mod run;

pub use failure::{FailureId, FailureState, Fault, FaultKind, Place, Reason, Stage, Violation};
pub use figures::{
    ActFigures, Bottleneck, Doing, Figures, JobFigures, PaceFigures, PauseFigures, Phase, Wait, WaitReason,
    WindowFigures, WorkerFigures,
};
pub use map::{Cell, CellState, ItemMap, Mark};
pub(crate) use run::words;
pub use run::{ItemState, OperationKind, PlatformKind, Position, RunId, RunState, Seq, Tally, UnknownWord};
