//! What lies over the board and takes all keys. Esc takes the uppermost away.

pub(super) mod actions;
mod copied;
mod failure;
mod help;
pub(super) mod log;
pub(super) mod menu;
pub(super) mod outcome;
pub(super) mod preview;
mod question;
pub(super) mod runs;
pub(super) mod text;
mod welcome;

use super::app::{App, Overlay};
use super::canvas::Canvas;
use super::form;
use super::layout;
use super::sheets::Sheet;
use super::spots::Spot;
use super::theme::Ink;

pub(super) use actions::items as items_of_actions;
pub(super) use failure::{rows_of as rows_of_failure, rows_shown as rows_of_failure_shown};
pub(super) use help::rows as rows_of_help;

/// Draws one. Returns where the real cursor stands.
pub(super) fn draw(app: &App, overlay: &Overlay, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    match overlay {
        Overlay::Failure(open) => failure::draw(app, open, canvas),
        Overlay::Outcome(outcome) => outcome::draw(app, outcome, canvas),
        Overlay::Sheet(sheet) => draw_sheet(app, sheet, canvas),
        Overlay::Welcome { at } => welcome::draw(app, *at, canvas),
        Overlay::Preview(preview) => preview::draw(app, preview, canvas),
        Overlay::Text(text) => text::draw(app, text, canvas),
        Overlay::Actions(list) => actions::draw(app, list, canvas),
        Overlay::Runs(list) => runs::draw(app, list, canvas),
        Overlay::Log(view) => log::draw(app, view, canvas),
        Overlay::Menu(menu) => menu::draw(app, menu, canvas),
        Overlay::Copied(copied) => copied::draw(app, copied, canvas),
        Overlay::Help { scroll } => help::draw(app, *scroll, canvas),
        Overlay::Question(question) => question::draw(app, question, canvas),
    }
}

/// A form lies over the board, as high as it has to be.
fn draw_sheet(app: &App, sheet: &Sheet, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let wide = layout::full_page(app.size).width;
    let mut page = canvas.part(layout::page(app.size, form::rows(&sheet.form, wide)));
    page.spot((0, 0), (u16::MAX, u16::MAX), Spot::Cover);
    form::draw(&sheet.form, &mut page)
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
