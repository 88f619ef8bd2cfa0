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
mod steps;
mod terminal;
mod theme;
mod update;
mod view;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use live::{Command, Live, Resender};
pub use shell::{Left, TuiError};
pub use theme::{Bell, GlyphSet, Theme, Ui};

use crate::journal::{Journal, RunRow};

/// Shows a run until the person leaves.
///
/// With `live`, the run that this process carries out; otherwise `run` as the journal has it, or an empty board.
/// `resender` starts a new carrying-out of the run on the board when failures are sent again after its end.
///
/// When this returns, the terminal is as it was before; a live run that was left goes on draining until its handle
/// says that it has ended.
///
/// # Errors
///
/// There is no terminal, or something panicked while the board was shown.
pub async fn watch(
    live: Option<Arc<dyn Live>>,
    journal: Journal,
    run: Option<RunRow>,
    resender: Option<Arc<dyn Resender>>,
    ui: &Ui,
) -> Result<Left, TuiError> {
    shell::watch(live, journal, run, resender, ui).await
}
