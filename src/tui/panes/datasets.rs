//! *2 Datasets*: the folder, a row a file, and a line about the one under the cursor.

use jiff::Timestamp;

use super::frame_ink;
use crate::tui::app::{App, Pane};
use crate::tui::canvas::{self, Canvas};
use crate::tui::datasets::{Line, Listed, Row, UP};
use crate::tui::files::FileKind;
use crate::tui::layout::DATASET_COLUMNS;
use crate::tui::numbers;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;

/// From this width on, it is shown when a file was changed.
const CHANGED: u16 = 74;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let datasets = &app.datasets;
    let ink = frame_ink(app, Pane::Datasets);
    let mut stands = canvas.place(3, 0);
    let marked = match datasets.marks.len() {
        0 => String::new(),
        marked => format!(" · {} marked", numbers::count_of(marked)),
    };
    canvas.frame(&format!("2 Datasets{marked}"), ink);
    canvas.foot(&foot(app), ink);
    let wide = canvas.width() >= DATASET_COLUMNS;
    let mut inside = canvas.inside();
    let right = inside.width().saturating_sub(1);
    if !datasets.folder.as_os_str().is_empty() {
        let folder = datasets.words_of(&datasets.folder);
        inside.write(1, 0, &its_end(&folder, right.saturating_sub(1)), Ink::Dim);
    }
    let mut y = 1;
    if wide {
        inside.write(2, y, "name", Ink::Dim);
        let columns = Columns::within(inside.width());
        inside.write_to(columns.records, y, "records", Ink::Dim);
        inside.write_to(columns.bytes, y, "size", Ink::Dim);
        if let Some(changed) = columns.changed {
            inside.write_to(changed, y, "changed", Ink::Dim);
        }
        y += 1;
    }
    let last = inside.height().saturating_sub(1);
    let height = usize::from(last.saturating_sub(y));
    for row in datasets.visible(height) {
        let on_it = datasets.cursor.as_deref() == Some(&*row.name);
        draw_row(app, row, y, &mut inside);
        if on_it {
            inside.write(0, y, "▸", Ink::Strong);
            if app.focus == Pane::Datasets && app.overlays.is_empty() {
                inside.tint(y, Ink::Cursor);
            }
            stands = inside.place(0, y).or(stands);
        }
        y += 1;
    }
    if datasets.count() == 0 {
        for (line, ink) in empty(app) {
            for line in canvas::wrap(&line, right.saturating_sub(1)) {
                if y < last {
                    inside.write(1, y, &line, ink);
                    y += 1;
                }
            }
        }
    }
    below(app, last, &mut inside).or(stands)
}

/// Where the columns end.
struct Columns {
    records: u16,
    bytes: u16,
    changed: Option<u16>,
}

impl Columns {
    fn within(width: u16) -> Self {
        let right = width.saturating_sub(1);
        let changed = (width >= CHANGED).then_some(right);
        let bytes = if changed.is_some() { right.saturating_sub(19) } else { right };
        Self { records: bytes.saturating_sub(12), bytes, changed }
    }
}

fn draw_row(app: &App, row: &Row, y: u16, inside: &mut Canvas<'_>) {
    let path = app.datasets.path_of(&row.name);
    if app.datasets.marks.contains(&path) {
        inside.write(1, y, "◆", Ink::Good);
    }
    let (ink, name) = match row.kind {
        FileKind::Folder if row.name == UP => (Ink::Dim, "../".to_owned()),
        FileKind::Folder => (Ink::Strong, format!("{}/", row.words)),
        FileKind::Dataset => (Ink::Plain, row.words.clone()),
        FileKind::Other | FileKind::Strange => (Ink::Dim, row.words.clone()),
    };
    let is_file = matches!(row.kind, FileKind::Dataset | FileKind::Other);
    let bytes = if is_file { numbers::bytes(row.stamp.bytes) } else { String::new() };
    let right = inside.width().saturating_sub(1);
    if inside.width() + 2 < DATASET_COLUMNS {
        let room = right.saturating_sub(canvas::width(&bytes) + 3);
        inside.write_within(2, y, room, &name, ink);
        inside.write_to(right, y, &bytes, Ink::Dim);
    } else {
        let columns = Columns::within(inside.width());
        inside.write_within(2, y, columns.records.saturating_sub(2 + 12), &name, ink);
        inside.write_to(columns.bytes, y, &bytes, Ink::Dim);
        let (records, records_ink) = records(app, row, &path);
        inside.write_to(columns.records, y, &records, records_ink);
        let changed = row.stamp.modified.and_then(|at| Timestamp::try_from(at).ok());
        if let (Some(end), Some(at), true) = (columns.changed, changed, is_file) {
            let at = numbers::date_and_time(at, &app.zone);
            inside.write_to(end, y, at.get(..16).unwrap_or(&at), Ink::Dim);
        }
    }
    inside.spot((0, y), (right + 1, 1), Spot::File(row.name.clone()));
}

/// The records of a file, in a cell.
fn records(app: &App, row: &Row, path: &std::path::Path) -> (String, Ink) {
    if row.kind != FileKind::Dataset && row.kind != FileKind::Other {
        return (String::new(), Ink::Dim);
    }
    match app.datasets.counted(path, row.stamp) {
        Some(Ok(records)) => (numbers::count(*records), Ink::Plain),
        Some(Err(_)) => ("✗ unusable".to_owned(), Ink::Bad),
        None => match app.datasets.counting.as_ref().filter(|counting| counting.path == path) {
            Some(counting) => (counts(counting.far), Ink::Dim),
            None => (String::new(), Ink::Dim),
        },
    }
}

fn counts((read, of): (u64, u64)) -> String {
    if of == 0 { "counting".to_owned() } else { numbers::whole_percent(read.min(of), of) }
}

/// What stands in the frame's lower line: how far the count is, or where the cursor is.
fn foot(app: &App) -> String {
    let datasets = &app.datasets;
    if let Some(counting) = &datasets.counting
        && app.focus == Pane::Datasets
        && app.overlays.is_empty()
    {
        return format!("counting {}, Esc stops", counts(counting.far))
            .replace("counting counting", "counting");
    }
    let up = usize::from(datasets.at().is_some()) + datasets.at().unwrap_or(0);
    match datasets.count() {
        0 => String::new(),
        count => {
            let at = up.saturating_sub(usize::from(datasets.folder.parent().is_some() && !is_narrowed(app)));
            format!("{} of {}", numbers::count_of(at.max(1)), numbers::count_of(count))
        }
    }
}

fn is_narrowed(app: &App) -> bool {
    !app.datasets.narrow.text.value().is_empty()
}

/// The lowest line: the text with which names are narrowed, or words about the row under the cursor.
fn below(app: &App, y: u16, inside: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let datasets = &app.datasets;
    let right = inside.width().saturating_sub(1);
    let open = datasets.narrow.line == Line::Open;
    if open || is_narrowed(app) {
        let x = inside.write(1, y, "/ ", Ink::Key);
        let text = datasets.narrow.text.value();
        let before: String = text.chars().take(datasets.narrow.text.cursor()).collect();
        let room = right.saturating_sub(x + 1);
        // what is typed is seen, whatever came before
        let shown = if canvas::width(text) > room { its_end(text, room) } else { text.to_owned() };
        inside.write_within(x, y, room, &shown, if open { Ink::Strong } else { Ink::Plain });
        let hint = if open { "Enter keeps it, Esc shows all" } else { "Esc shows all" };
        if canvas::width(text) + canvas::width(hint) + 4 < room {
            inside.write_to(right, y, hint, Ink::Dim);
        }
        return if open { inside.place(x + canvas::width(&before).min(room), y) } else { None };
    }
    let (words, ink) = about(app);
    inside.write_within(1, y, right.saturating_sub(1), &words, ink);
    None
}

/// Words about the row under the cursor.
fn about(app: &App) -> (String, Ink) {
    let Some(row) = app.datasets.current() else { return (String::new(), Ink::Dim) };
    let path = app.datasets.path_of(&row.name);
    let words = match row.kind {
        FileKind::Folder if row.name == UP => "the folder above".to_owned(),
        FileKind::Folder => "a folder; Enter opens it".to_owned(),
        FileKind::Strange => "no file that can be read".to_owned(),
        FileKind::Dataset | FileKind::Other => match app.datasets.counted(&path, row.stamp) {
            Some(Ok(1)) => "1 record".to_owned(),
            Some(Ok(records)) => format!("{} records", numbers::count(*records)),
            Some(Err(why)) => return (format!("✗ {why}"), Ink::Bad),
            None if is_being_counted(app, &path) => "being counted".to_owned(),
            None if row.kind == FileKind::Other => "v looks what is in it".to_owned(),
            None => "not counted yet".to_owned(),
        },
    };
    (words, Ink::Dim)
}

fn is_being_counted(app: &App, path: &std::path::Path) -> bool {
    app.datasets.counting.as_ref().is_some_and(|counting| counting.path == path)
}

/// What an empty list says.
fn empty(app: &App) -> Vec<(String, Ink)> {
    let datasets = &app.datasets;
    match &datasets.listed {
        Listed::Coming => vec![("The folder is being read…".to_owned(), Ink::Plain)],
        Listed::Refused(why) => vec![
            ("This folder can't be read:".to_owned(), Ink::Warn),
            (why.clone(), Ink::Plain),
            ("Backspace goes up.".to_owned(), Ink::Dim),
        ],
        Listed::Here if is_narrowed(app) => vec![
            (format!("No name holds `{}`.", datasets.narrow.text.value()), Ink::Plain),
            ("Esc shows all.".to_owned(), Ink::Dim),
        ],
        Listed::Here => vec![
            ("Nothing to send here.".to_owned(), Ink::Plain),
            ("Datasets are JSON, NDJSON or CSV files, also as .gz or .zst.".to_owned(), Ink::Dim),
            ("Backspace goes to the folder above.".to_owned(), Ink::Dim),
        ],
    }
}

/// A text that is cut at its beginning where there is no room.
fn its_end(text: &str, room: u16) -> String {
    if canvas::width(text) <= room {
        return text.to_owned();
    }
    let mut rest = text;
    while canvas::width(rest) + 1 > room {
        let Some(first) = rest.chars().next() else { break };
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    format!("…{rest}")
}
