//! The panes of the board, one file each. A pane draws itself from the state into the place that it is given, and says
//! where the real cursor would stand if it had the keys.

mod causes;
mod chart;
mod credentials;
mod datasets;
mod failures;
mod item_map;
mod pace;
mod run;
mod workers;

use super::app::{App, Pane};
use super::canvas::Canvas;
use super::theme::Ink;

pub(super) use causes::lines_of as lines_of_cause;

pub(super) fn draw(app: &App, pane: Pane, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    match pane {
        Pane::Credentials => credentials::draw(app, canvas),
        Pane::Datasets => datasets::draw(app, canvas),
        Pane::Run => run::draw(app, canvas),
        Pane::Workers => workers::draw(app, canvas),
        Pane::Pace => pace::draw(app, canvas),
        Pane::Failures if app.failures.shows_causes() => causes::draw(app, canvas),
        Pane::Failures => failures::draw(app, canvas),
    }
}

/// The look of a pane's frame.
fn frame_ink(app: &App, pane: Pane) -> Ink {
    if app.focus == pane && app.overlays.is_empty() { Ink::FocusFrame } else { Ink::Frame }
}
