//! A dataset's first records: a table that scrolls both ways, with the types of its fields.

use std::path::PathBuf;

use crate::tui::actions::Action;
use crate::tui::app::App;
use crate::tui::canvas::{self, Canvas};
use crate::tui::files::{FieldSeen, Peek};
use crate::tui::layout;
use crate::tui::numbers;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;

/// The widest and the narrowest column.
const WIDEST: u16 = 32;
const NARROWEST: u16 = 4;

/// The width of the records' numbers.
const NUMBERS: u16 = 5;

/// A dataset's first records.
#[derive(Debug)]
pub(in crate::tui) struct Preview {
    pub path: PathBuf,
    pub shows: Shows,
    /// The first record to be seen.
    row: usize,
    /// The first field to be seen.
    field: usize,
}

/// What is known of them.
#[derive(Debug)]
pub(in crate::tui) enum Shows {
    /// They are being read.
    Coming,
    /// They are here.
    Here(Box<Peek>),
    /// They can't be read, with the reason.
    Refused(String),
}

impl Preview {
    pub fn of(path: PathBuf) -> Self {
        Self { path, shows: Shows::Coming, row: 0, field: 0 }
    }

    /// Moves the table; `page` is how many records are to be seen.
    pub fn scroll(&mut self, action: Action, page: usize) {
        let Shows::Here(peek) = &self.shows else { return };
        let most = peek.rows.len().saturating_sub(page);
        let step = page.saturating_sub(1).max(1);
        self.row = match action {
            Action::Up => self.row.saturating_sub(1),
            Action::Down => self.row + 1,
            Action::PageUp => self.row.saturating_sub(step),
            Action::PageDown => self.row + step,
            Action::Home => 0,
            Action::End => most,
            _ => self.row,
        }
        .min(most);
        self.field = match action {
            Action::NextPage => (self.field + 1).min(peek.fields.len().saturating_sub(1)),
            Action::PreviousPage => self.field.saturating_sub(1),
            _ => self.field,
        };
    }
}

pub(super) fn draw(app: &App, preview: &Preview, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let mut page = canvas.part(layout::preview(app.size));
    page.clear();
    page.spot((0, 0), (u16::MAX, u16::MAX), Spot::Cover);
    let name = preview.path.file_name().unwrap_or_default().to_string_lossy();
    page.frame(&format!("Inside {name}"), Ink::FocusFrame);
    let stands = page.inside().place(1, 0);
    match &preview.shows {
        Shows::Coming => {
            page.inside().write(1, 0, "The first records are being read…", Ink::Plain);
        }
        Shows::Refused(why) => {
            let mut inside = page.inside();
            inside.write(1, 0, "This file can't be sent as it is:", Ink::Bad);
            let room = inside.width().saturating_sub(2);
            for (y, line) in (2..).zip(canvas::wrap(why, room)) {
                inside.write(1, y, &line, Ink::Plain);
            }
        }
        Shows::Here(peek) => {
            about(app, preview, peek, &mut page.inside());
            let foot = table(preview, peek, &mut page.inside());
            page.foot(&foot, Ink::FocusFrame);
        }
    }
    stands
}

/// Two lines about the file.
fn about(app: &App, preview: &Preview, peek: &Peek, inside: &mut Canvas<'_>) {
    let packed = peek.compression.map(|packed| format!(", packed with {packed}")).unwrap_or_default();
    let stamp = app.datasets.current().map(|row| row.stamp).unwrap_or_default();
    let counted = match app.datasets.counted(&preview.path, stamp) {
        Some(Ok(records)) => format!(" · {} records", numbers::count(*records)),
        _ => String::new(),
    };
    let words = format!("{}{packed} · {}{counted}", peek.format, numbers::bytes(peek.bytes));
    inside.write(1, 0, &words, Ink::Strong);
    let read = numbers::count_of(peek.rows.len());
    let (sign, words, ink) = match (&peek.broken, peek.unusable.first()) {
        (Some(broken), _) => ("✗", broken.clone(), Ink::Bad),
        (None, Some((at, why))) => {
            let more = peek.unusable.len() - 1;
            let more = if more > 0 { format!(", and {more} more like it") } else { String::new() };
            ("✗", format!("record {} can't be sent: {why}{more}", at + 1), Ink::Bad)
        }
        (None, None) if peek.more => {
            ("✓", format!("no malformed place in the first {read} records"), Ink::Good)
        }
        (None, None) => ("✓", format!("no malformed place in all of its {read} records"), Ink::Good),
    };
    let x = inside.write(1, 1, sign, ink);
    inside.write(x + 1, 1, &words, ink);
}

/// The records, from the first that is to be seen on. Returns which of them and of their fields are.
fn table(preview: &Preview, peek: &Peek, inside: &mut Canvas<'_>) -> String {
    const HEAD: u16 = 2;
    let mut x = 1 + NUMBERS + 1;
    let right = inside.width();
    let height = usize::from(inside.height().saturating_sub(HEAD + 3));
    let mut last = preview.field;
    inside.write(1, HEAD + 2, "in", Ink::Dim);
    for (place, field) in peek.fields.iter().enumerate().skip(preview.field) {
        let types = field.types.join(", ");
        let wide = width_of(peek, place, field, &types);
        // a column that is cut to a stump says nothing
        if place > preview.field && x + wide.min(10) > right {
            break;
        }
        last = place + 1;
        inside.write_within(x, HEAD, wide, &field.name, Ink::Strong);
        inside.write_within(x, HEAD + 1, wide, if types.is_empty() { "–" } else { &types }, Ink::Dim);
        inside.write_within(x, HEAD + 2, wide, &often(peek, field), Ink::Dim);
        for (y, row) in (HEAD + 3..).zip(peek.rows.iter().skip(preview.row).take(height)) {
            match row.get(place) {
                Some(Some(value)) => inside.write_within(x, y, wide, value, Ink::Plain),
                _ => inside.write_within(x, y, wide, "·", Ink::Dim),
            };
        }
        x += wide + 2;
    }
    for (y, number) in (HEAD + 3..).zip((preview.row..peek.rows.len()).take(height)) {
        let broken = peek.unusable.iter().any(|(at, _)| *at == number);
        inside.write_to(
            1 + NUMBERS,
            y,
            &numbers::count_of(number + 1),
            if broken { Ink::Bad } else { Ink::Dim },
        );
        if broken {
            inside.write(0, y, "✗", Ink::Bad);
        }
    }
    let to = (preview.row + height).min(peek.rows.len());
    let (rows, fields) = (peek.rows.len(), peek.fields.len());
    let from = (preview.row + 1).min(rows);
    let of_more = if peek.more { "the first " } else { "" };
    format!(
        "records {from} to {to} of {of_more}{rows}, fields {} to {last} of {fields}",
        (preview.field + 1).min(fields)
    )
}

/// How often a field is there.
fn often(peek: &Peek, field: &FieldSeen) -> String {
    let usable = peek.rows.len() - peek.unusable.len();
    if field.records == usable { "all".to_owned() } else { format!("{} of {usable}", field.records) }
}

fn width_of(peek: &Peek, place: usize, field: &FieldSeen, types: &str) -> u16 {
    let values = peek.rows.iter().filter_map(|row| row.get(place)?.as_deref()).map(canvas::width).max();
    canvas::width(&field.name)
        .max(canvas::width(types))
        .max(canvas::width(&often(peek, field)))
        .max(values.unwrap_or(0))
        .clamp(NARROWEST, WIDEST)
}
