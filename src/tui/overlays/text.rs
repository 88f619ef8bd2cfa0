//! A text to be read: as long as it is, and scrolled.

use super::{draw_rows, place_words};
use crate::tui::app::App;
use crate::tui::canvas::{self, Canvas};
use crate::tui::layout;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;

/// A text to be read.
#[derive(Debug)]
pub(in crate::tui) struct TextPage {
    pub title: String,
    pub lines: Vec<(String, Ink)>,
    /// The first row to be seen.
    pub scroll: usize,
}

pub(super) fn draw(app: &App, text: &TextPage, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let rows = rows(app, text);
    let high = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(2);
    let mut page = canvas.part(layout::page(app.size, high));
    page.clear();
    page.spot((0, 0), (u16::MAX, u16::MAX), Spot::Cover);
    page.frame(&text.title, Ink::FocusFrame);
    let height = usize::from(page.height().saturating_sub(2));
    page.foot(&place_words(text.scroll, rows.len(), height), Ink::FocusFrame);
    let mut inside = page.inside();
    draw_rows(&rows, text.scroll, &mut inside);
    inside.place(1, 0)
}

/// All rows of the page: long lines are broken.
pub(in crate::tui) fn rows(app: &App, text: &TextPage) -> Vec<(String, Ink)> {
    let room = layout::full_page(app.size).width.saturating_sub(4);
    let wrapped = |(line, ink): &(String, Ink)| {
        let ink = *ink;
        canvas::wrap(line, room).into_iter().map(move |line| (line, ink))
    };
    text.lines.iter().flat_map(wrapped).collect()
}
