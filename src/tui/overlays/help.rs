//! The keys, from the one table that they are read from. Those that hold where the help was asked for come first.

use super::{draw_rows, place_words};
use crate::tui::actions::{self, Context, TABLE};
use crate::tui::app::App;
use crate::tui::canvas::{self, Canvas};
use crate::tui::layout;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;

/// The column in which the words begin.
const WORDS: usize = 15;

pub(super) fn draw(app: &App, scroll: usize, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let mut page = canvas.part(layout::full_page(app.size));
    page.clear();
    page.spot((0, 0), (u16::MAX, u16::MAX), Spot::Cover);
    page.frame("Help", Ink::FocusFrame);
    let rows = rows(app);
    let height = usize::from(page.height().saturating_sub(2));
    page.foot(&place_words(scroll, rows.len(), height), Ink::FocusFrame);
    let mut inside = page.inside();
    draw_rows(&rows, scroll, &mut inside);
    inside.place(1, 0)
}

/// All rows of the page.
pub(in crate::tui) fn rows(app: &App) -> Vec<(String, Ink)> {
    let nearest = actions::contexts_of_help(app);
    let others = Context::ALL.into_iter().filter(|context| !nearest.contains(context));
    let room = layout::full_page(app.size).width.saturating_sub(4);
    let mut rows = Vec::new();
    for context in nearest.iter().copied().chain(others) {
        if !rows.is_empty() {
            rows.push((String::new(), Ink::Plain));
        }
        let here = if nearest.first() == Some(&context) { ", where you are" } else { "" };
        rows.push((format!("{}{here}", context.name()), Ink::Strong));
        for entry in TABLE.iter().filter(|entry| entry.context == context) {
            let keys = app.keymap.of(entry).iter().map(|key| key.name()).collect::<Vec<_>>().join("  ");
            // the arrows are one column wide and three bytes long
            let gap = (WORDS - 2).saturating_sub(usize::from(canvas::width(&keys))).max(1);
            let row = format!("  {keys}{}{}", " ".repeat(gap), entry.words);
            let mut lines = canvas::wrap(&row, room).into_iter();
            rows.extend(lines.next().map(|line| (line, Ink::Plain)));
            let under = " ".repeat(WORDS);
            rows.extend(lines.map(|line| (format!("{under}{line}"), Ink::Plain)));
        }
    }
    rows
}
