//! A short list to choose from: what to copy, how to sort, what to show. Each row may have a letter of its own.

use super::runs::RunSort;
use crate::journal::{Sort, View};
use crate::model::FailureId;
use crate::tui::app::App;
use crate::tui::canvas::{self, Canvas};
use crate::tui::layout;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;

/// A short list to choose from.
#[derive(Debug, Clone)]
pub(in crate::tui) struct Menu {
    pub title: String,
    pub rows: Vec<MenuRow>,
    /// The row that Enter takes.
    pub at: usize,
}

/// A row of it.
#[derive(Debug, Clone)]
pub(in crate::tui) struct MenuRow {
    /// The letter that takes it at once.
    pub key: Option<char>,
    pub words: String,
    /// What more there is to be said, dim: *as it is now*, an example.
    pub note: String,
    pub act: MenuAct,
}

/// What a row does; it brings all that it takes with it. `update/lists.rs` carries it out.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tui) enum MenuAct {
    /// Copy this text.
    Copy(Copied),
    /// Copy the call of a failure, once it is known.
    CopyCall(FailureId),
    /// List failures in this order.
    Sort(Sort),
    /// List these failures.
    View(View),
    /// Sort the list of runs.
    SortRuns(RunSort),
}

/// A text that goes to the terminal's clipboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) struct Copied {
    /// What it is: `the key`.
    pub what: String,
    pub text: String,
    /// Personal data in it, for a person to know: `the contact's id`; nothing where there is none.
    pub holds: Option<String>,
}

impl Menu {
    pub fn new(title: impl Into<String>, rows: Vec<MenuRow>) -> Self {
        Self { title: title.into(), rows, at: 0 }
    }

    /// The row that the letter takes.
    pub fn of_key(&self, key: char) -> Option<usize> {
        self.rows.iter().position(|row| row.key == Some(key))
    }
}

impl MenuRow {
    pub fn new(key: char, words: impl Into<String>, act: MenuAct) -> Self {
        Self { key: Some(key), words: words.into(), note: String::new(), act }
    }

    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }
}

pub(super) fn draw(app: &App, menu: &Menu, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let rows = u16::try_from(menu.rows.len()).unwrap_or(u16::MAX).saturating_add(2);
    let mut page = canvas.part(layout::page(app.size, rows));
    page.clear();
    page.spot((0, 0), (u16::MAX, u16::MAX), Spot::Cover);
    page.frame(&menu.title, Ink::FocusFrame);
    page.foot("Enter or the letter takes it, Esc: none", Ink::FocusFrame);
    let mut inside = page.inside();
    let height = usize::from(inside.height()).max(1);
    let first = (menu.at + 1).saturating_sub(height);
    let mut stands = inside.place(0, 0);
    let widest = menu.rows.iter().map(|row| canvas::width(&row.words)).max().unwrap_or(0);
    for (y, (number, row)) in (0..).zip(menu.rows.iter().enumerate().skip(first).take(height)) {
        let key = row.key.map_or_else(|| " ".to_owned(), String::from);
        let ink = if number == menu.at { Ink::Strong } else { Ink::Plain };
        let x = inside.line(2, y, &[(&key, Ink::Key), ("  ", ink)]);
        inside.write(x, y, &row.words, ink);
        inside.write(x + widest + 3, y, &row.note, Ink::Dim);
        inside.spot((0, y), (u16::MAX, 1), Spot::Row(number));
        if number == menu.at {
            inside.write(0, y, "▸", Ink::Strong);
            inside.tint(y, Ink::Cursor);
            stands = inside.place(0, y);
        }
    }
    stands
}
