//! What lies over the board and takes all keys: one failure, the help, a question. Esc takes the uppermost away.

mod failure;
mod help;
mod question;

use super::app::{App, Overlay};
use super::canvas::Canvas;
use super::theme::Ink;

pub(super) use failure::rows_of as rows_of_failure;
pub(super) use help::rows as rows_of_help;

/// Draws one. Returns where the real cursor stands.
pub(super) fn draw(app: &App, overlay: &Overlay, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    match overlay {
        Overlay::Failure(open) => failure::draw(app, open, canvas),
        Overlay::Help { scroll } => help::draw(app, *scroll, canvas),
        Overlay::Question(question) => question::draw(app, question, canvas),
    }
}

/// Rows of text that may be scrolled, from the first visible one on.
fn draw_rows(rows: &[(String, Ink)], scroll: usize, inside: &mut Canvas<'_>) {
    let height = usize::from(inside.height());
    let scroll = scroll.min(rows.len().saturating_sub(height));
    for (y, (text, ink)) in (0..).zip(rows.iter().skip(scroll).take(height)) {
        inside.write(1, y, text, *ink);
    }
}

/// Where a text of so many rows stands, for its frame: nothing if all of it is to be seen.
fn place_words(scroll: usize, rows: usize, height: usize) -> String {
    if rows <= height {
        return String::new();
    }
    let last = (scroll + height).min(rows);
    format!("lines {} to {last} of {rows}", scroll.min(rows.saturating_sub(height)) + 1)
}
