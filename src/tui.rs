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
mod changing;
mod clerks;
mod datasets;
mod editor;
mod errands;
mod failures;
mod files;
mod form;
mod happenings;
mod history;
mod input;
mod layout;
mod live;
mod log;
mod mending;
mod message;
mod narrow;
mod numbers;
mod office;
mod overlays;
mod painter;
mod panes;
mod record;
mod sheets;
mod shell;
mod signals;
mod spots;
mod steps;
mod terminal;
mod theme;
mod update;
mod value;
mod view;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use actions::KeysError;
pub use live::Live;
pub use office::{
    Earlier, Flight, Home, Kept, Office, Places, ProfileDraft, ProfileRow, Profiles, Progress, Reply,
    Started, Tested,
};
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
    /// What the board asks of the world beyond that run.
    pub office: Arc<dyn Office>,
    /// Who sits there, for the audit trail.
    pub by: String,
    /// What is left when the person has gone.
    pub keeps: Keeps,
}

/// Whether the board can be had with these keys: asked before anything is begun.
///
/// # Errors
///
/// `[ui.keys]` names an action or a key that is not known, or gives one key two meanings.
pub fn check_keys(ui: &Ui) -> Result<(), KeysError> {
    actions::Keymap::of_config(&ui.keys).map(drop)
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
    // it is long, and whoever waits for it need not carry it about
    Box::pin(shell::watch(board, ui)).await
}
