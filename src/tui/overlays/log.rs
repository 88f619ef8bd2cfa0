//! The log: its last lines, the newest at the bottom, followed while nobody scrolls.

use std::path::PathBuf;
use std::time::Instant;

use crate::tui::app::App;
use crate::tui::canvas::{self, Canvas};
use crate::tui::layout;
use crate::tui::log::{Cut, Level, Line, Tail};
use crate::tui::narrow::Narrow;
use crate::tui::numbers;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;

/// The log.
#[derive(Debug)]
pub(in crate::tui) struct LogView {
    pub path: PathBuf,
    /// None until it has been read.
    pub read: Option<Result<Tail, String>>,
    /// Lines below this are left out.
    pub level: Level,
    pub narrow: Narrow,
    /// The line at the bottom, by where it begins; the newest one where it is followed.
    pub bottom: Option<u64>,
    /// When it is read again; none while it is being read.
    pub read_at: Option<Instant>,
}

impl LogView {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            read: None,
            level: Level::default(),
            narrow: Narrow::default(),
            bottom: None,
            read_at: None,
        }
    }

    /// The lines that are to be seen, the oldest first.
    pub fn shown(&self) -> Vec<&Line> {
        let Some(Ok(tail)) = &self.read else { return Vec::new() };
        tail.lines.iter().filter(|line| line.level >= self.level && self.narrow.takes(&line.text)).collect()
    }

    /// How many of those stand up to the bottom of the page.
    pub fn up_to(&self, shown: &[&Line]) -> usize {
        self.bottom.map_or(shown.len(), |bottom| shown.partition_point(|line| line.at <= bottom))
    }
}

pub(super) fn draw(app: &App, view: &LogView, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let mut page = canvas.part(layout::body(app.size));
    page.clear();
    page.spot((0, 0), (u16::MAX, u16::MAX), Spot::Cover);
    let shown = view.shown();
    let up_to = view.up_to(&shown);
    page.frame(&format!("Log · {}", view.level.words()), Ink::FocusFrame);
    let foot = match view.bottom {
        None => "following".to_owned(),
        Some(_) => {
            format!("line {} of {}; End follows", numbers::count_of(up_to), numbers::count_of(shown.len()))
        }
    };
    page.foot(&foot, Ink::FocusFrame);
    let mut inside = page.inside();
    let narrowed = view.narrow.is_typing() || !view.narrow.text().is_empty();
    let last = inside.height().saturating_sub(u16::from(narrowed));
    let field = if narrowed { view.narrow.draw("narrow", last, &mut inside) } else { None };
    if shown.is_empty() {
        empty(view, &mut inside);
        return field.or_else(|| inside.place(0, 0));
    }
    let rows = rows(view, &shown, up_to, inside.width().saturating_sub(2), usize::from(last));
    let mut at = None;
    for (y, (text, ink)) in (0..).zip(&rows) {
        inside.write(1, y, text, *ink);
        at = inside.place(0, y);
    }
    field.or(at)
}

/// The rows of the page, from its bottom upwards: only what is to be seen is broken into lines.
fn rows(view: &LogView, shown: &[&Line], up_to: usize, room: u16, height: usize) -> Vec<(String, Ink)> {
    let mut rows: Vec<(String, Ink)> = Vec::new();
    for line in shown.iter().take(up_to).rev() {
        if rows.len() >= height {
            break;
        }
        let ink = ink_of(line.level);
        rows.extend(canvas::wrap(&line.text, room).into_iter().rev().map(|text| (text, ink)));
    }
    let cut = matches!(&view.read, Some(Ok(Tail { cut: Cut::Yes, .. })));
    if cut && rows.len() < height {
        rows.push(("Only the end of it is shown here; c copies its path.".to_owned(), Ink::Dim));
    }
    rows.truncate(height);
    rows.reverse();
    rows
}

const fn ink_of(level: Level) -> Ink {
    match level {
        Level::Error => Ink::Bad,
        Level::Warn => Ink::Warn,
        Level::Info => Ink::Plain,
        Level::Debug => Ink::Dim,
    }
}

fn empty(view: &LogView, inside: &mut Canvas<'_>) {
    let path = view.path.display().to_string();
    let lines = match &view.read {
        None => vec!["The log is being read…".to_owned()],
        Some(Err(why)) => vec!["The log can't be read.".to_owned(), why.clone()],
        Some(Ok(tail)) if tail.lines.is_empty() => vec![
            "Nothing was logged yet.".to_owned(),
            format!("What goes wrong here is written into {path}; `-v` has more written."),
        ],
        Some(Ok(_)) => {
            vec!["No line is like that.".to_owned(), "v changes the level, / the words.".to_owned()]
        }
    };
    let room = inside.width().saturating_sub(2);
    for (y, line) in (0..).zip(lines.iter().flat_map(|line| canvas::wrap(line, room))) {
        inside.write(1, y, &line, if y == 0 { Ink::Plain } else { Ink::Dim });
    }
}
