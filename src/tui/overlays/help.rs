//! The keys, from the one table that they are read from.

use super::{draw_rows, place_words};
use crate::tui::actions::{Context, TABLE};
use crate::tui::app::App;
use crate::tui::canvas::{self, Canvas};
use crate::tui::layout;
use crate::tui::theme::Ink;

pub(super) fn draw(app: &App, scroll: usize, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let mut page = canvas.part(layout::full_page(app.size));
    page.clear();
    page.frame("Help", Ink::FocusFrame);
    let rows = rows();
    let height = usize::from(page.height().saturating_sub(2));
    page.foot(&place_words(scroll, rows.len(), height), Ink::FocusFrame);
    let mut inside = page.inside();
    draw_rows(&rows, scroll, &mut inside);
    inside.place(1, 0)
}

/// All rows of the page.
pub(in crate::tui) fn rows() -> Vec<(String, Ink)> {
    let mut rows = Vec::new();
    for context in Context::ALL {
        if !rows.is_empty() {
            rows.push((String::new(), Ink::Plain));
        }
        rows.push((context.name().to_owned(), Ink::Strong));
        for entry in TABLE.iter().filter(|entry| entry.context == context) {
            let keys = entry.keys.iter().map(|key| key.name()).collect::<Vec<_>>().join("  ");
            // the arrows are one column wide and three bytes long
            let gap = 13_usize.saturating_sub(usize::from(canvas::width(&keys)));
            rows.push((format!("  {keys}{}{}", " ".repeat(gap), entry.words), Ink::Plain));
        }
    }
    rows
}
