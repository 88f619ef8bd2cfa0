//! The run that this process carries.

use std::time::Instant;

use crate::model::Figures;
use crate::tui::history::History;

/// The run that this process carries, or carried last.
#[derive(Debug)]
pub(in crate::tui) struct LiveRun {
    /// The last sample of it.
    pub figures: Figures,
    /// When that was taken.
    pub at: Instant,
    /// The samples so far.
    pub history: History,
}
