//! The mouse: a click focuses, selects and presses; the wheel scrolls.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{act, board, perform, question, sheet};
use crate::tui::actions::Action;
use crate::tui::app::{App, Overlay, Pane};
use crate::tui::layout::{self, Class};
use crate::tui::message::{Effect, Gesture};
use crate::tui::spots::{Spot, Spots};
use crate::tui::view;

/// Rows that one turn of the wheel moves.
const TURN: usize = 3;

pub(super) fn take(app: &mut App, gesture: Gesture, out: &mut Vec<Effect>) {
    if layout::class(app.size) == Class::TooSmall {
        return;
    }
    let (x, y) = match gesture {
        Gesture::Press(x, y) | Gesture::Wheel(x, y, _) => (x, y),
    };
    let Some(spot) = spots(app).at(x, y).cloned() else { return };
    match gesture {
        Gesture::Press(..) => press(app, spot, out),
        Gesture::Wheel(_, _, by) => wheel(app, &spot, by, out),
    }
}

/// What can be pressed now: the board is drawn once more, for nobody to see.
fn spots(app: &App) -> Spots {
    let (width, height) = app.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    view::draw(app, &mut buffer).spots
}

fn press(app: &mut App, spot: Spot, out: &mut Vec<Effect>) {
    match spot {
        Spot::Hint(action) => act(app, action, out),
        Spot::Pane(pane) if app.overlays.is_empty() => board::to_pane(app, pane),
        Spot::Failure(id) if app.overlays.is_empty() => {
            board::to_pane(app, Pane::Failures);
            // a second click on the same row opens it
            if app.failures.cursor == Some(id) {
                act(app, Action::Open, out);
            } else {
                app.failures.put_cursor(id);
            }
        }
        Spot::Profile(id) if app.overlays.is_empty() => super::credentials::click(app, id),
        Spot::File(name) if app.overlays.is_empty() => super::datasets::click(app, name, out),
        Spot::Row(number) => match app.overlays.last() {
            Some(Overlay::Question(_)) => question::click(app, number, out),
            _ => super::lists::click(app, number, out),
        },
        Spot::Field(id) => sheet::click(app, &id, out),
        Spot::Option(value) => sheet::choose(app, &value, out),
        Spot::Page(number) => super::failures::to_page(app, number),
        Spot::Cover | Spot::Pane(_) | Spot::Failure(_) | Spot::Profile(_) | Spot::File(_) => {}
    }
}

fn wheel(app: &mut App, spot: &Spot, by: i8, out: &mut Vec<Effect>) {
    let pane = match spot {
        Spot::Pane(pane) => Some(*pane),
        Spot::Failure(_) | Spot::Row(_) => Some(Pane::Failures),
        Spot::File(_) => Some(Pane::Datasets),
        Spot::Profile(_) => Some(Pane::Credentials),
        _ => None,
    };
    if let Some(pane) = pane.filter(|_| app.overlays.is_empty()) {
        board::to_pane(app, pane);
    }
    if matches!(app.overlays.last(), Some(Overlay::Question(_) | Overlay::Sheet(_))) {
        return;
    }
    let action = if by < 0 { Action::Up } else { Action::Down };
    for _ in 0..TURN {
        perform(app, action, out);
    }
}
