//! The dashboard: what a person sees of a run, and the keys with which they steer it.
//!
//! The screen, from 100×30 on:
//!
//! ```text
//!  header     whose calls go where, and what the run is doing
//!  tabs       the panes; the one in brackets has the keys
//!  strip      how far it is, and why it is not faster        (two lines, never away)
//! ┌ 3 Run ──────────────┐┌ 5 Pace ─────┐
//! │                     │├ 4 Workers ──┤                     (4 from 120×36 on, else it opens over the others)
//! └─────────────────────┘└─────────────┘
//! ┌ 6 Failures ────────────────────────┐
//! └────────────────────────────────────┘
//!  notice     what became of the last key
//!  hints      the keys of the pane in focus
//! ```
//!
//! Everything goes one way, so that each part can be tested without a terminal:
//!
//! ```text
//!  terminal input ─┐
//!  figures ────────┼─▶ Message ─▶ update(&mut App, Message) ─▶ Vec<Effect> ─▶ tasks, which answer with Messages
//!  journal, clock ─┘                     │ pure
//!                                        ▼
//!                        view(&App) ─▶ a buffer ─▶ the painter's thread ─▶ the terminal
//! ```
//!
//! The engine never waits for any of it: figures are sampled, commands go over a short queue that is never waited for,
//! and a terminal that takes no more bytes stops the painter's thread and nothing else.

mod actions;
mod app;
mod canvas;
mod errands;
mod failures;
mod history;
mod layout;
mod live;
mod message;
mod numbers;
mod overlays;
mod painter;
mod panes;
mod record;
mod shell;
mod signals;
mod steps;
mod terminal;
mod theme;
mod update;
mod view;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use live::{Live, Resender};
pub use shell::{Left, TuiError};

use crate::config::Ui;
use crate::journal::{Journal, RunRow};

/// What becomes of the journal behind a board when it is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keeps {
    /// It stays: a run that is not over can be gone on with.
    #[default]
    Journal,
    /// It is thrown away: the run is for show.
    Nothing,
}

/// What is on the board.
pub struct Board {
    /// The run that this process carries out, where it does.
    pub live: Option<Arc<dyn Live>>,
    /// Where it is written down.
    pub journal: Journal,
    /// The run to look at where none is carried out here; without one, too, the board is empty.
    pub run: Option<RunRow>,
    /// Starts a new carrying-out of that run, when failures are sent again after its end.
    pub resender: Option<Arc<dyn Resender>>,
    /// Who sits there, for the audit trail.
    pub by: String,
    /// What is left when the person has gone.
    pub keeps: Keeps,
}

/// Shows the board until the person leaves.
///
/// When this returns, the terminal is as it was before; a live run that was left goes on draining until its handle
/// says that it has ended.
///
/// # Errors
///
/// There is no terminal, or something panicked while the board was shown.
pub async fn watch(board: Board, ui: &Ui) -> Result<Left, TuiError> {
    shell::watch(board, ui).await
}
