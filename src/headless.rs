//! A run without the dashboard: a progress bar, plain lines, or one JSON object a line.
//!
//! ```text
//!  engine ──changes──▶ watch ──wake──▶ teller (own thread) ──▶ Voice: events │ lines │ bar ──▶ the output
//!                        ▲                 ▲
//!              signals, Enter        the journal's events, from the last number on
//! ```
//!
//! What is told comes out of the journal and the figures, never out of a queue: however slow its reader is, nothing is
//! lost and nothing grows. The output is written by a thread of its own, so that neither a blocked nor a closed one
//! stops a run.

mod bar;
mod events;
mod lines;
mod phrases;
mod signals;
mod summary;
mod teller;
mod watch;

#[cfg(test)]
mod tests;

pub use events::write_standstill;
pub use signals::Signals;
pub use watch::{AtFault, Broken, Origin, Told, summarise, watch};
