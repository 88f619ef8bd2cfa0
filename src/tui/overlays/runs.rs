//! All runs, the newest first.

use crate::journal::RunRow;
use crate::model::{Figures, RunId, RunState};
use crate::tui::actions::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, width};
use crate::tui::layout;
use crate::tui::narrow::Narrow;
use crate::tui::numbers;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;

/// All runs.
#[derive(Debug, Default)]
pub(in crate::tui) struct RunList {
    /// None until they have been read.
    pub rows: Option<Vec<RunRow>>,
    /// The run under the cursor.
    pub at: Option<RunId>,
    pub narrow: Narrow,
    pub sort: RunSort,
}

/// The order in which they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::tui) enum RunSort {
    #[default]
    Newest,
    /// Those with the most open failures first.
    Open,
    Profile,
    Dataset,
}

impl RunSort {
    pub const ALL: [(Self, char, &'static str); 4] = [
        (Self::Newest, 'n', "the newest first"),
        (Self::Open, 'o', "the most open failures first"),
        (Self::Profile, 'p', "by profile"),
        (Self::Dataset, 'd', "by dataset"),
    ];

    const fn words(self) -> &'static str {
        match self {
            Self::Newest => "newest first",
            Self::Open => "most open first",
            Self::Profile => "by profile",
            Self::Dataset => "by dataset",
        }
    }
}

impl RunList {
    /// The runs that are to be seen, in their order.
    pub fn shown(&self) -> Vec<&RunRow> {
        let mut rows: Vec<&RunRow> =
            self.rows.iter().flatten().filter(|row| self.narrow.takes(&sought(row))).collect();
        match self.sort {
            // as the journal gives them
            RunSort::Newest => {}
            RunSort::Open => rows.sort_by_key(|row| std::cmp::Reverse(open(row))),
            RunSort::Profile => rows.sort_by(|one, other| one.profile.cmp(&other.profile)),
            RunSort::Dataset => rows.sort_by_key(|row| datasets(row)),
        }
        rows
    }

    /// The place of the run under the cursor among those: the first, where it is not to be seen any more.
    pub fn row(&self, shown: &[&RunRow]) -> usize {
        self.at.and_then(|at| shown.iter().position(|row| row.id == at)).unwrap_or(0)
    }
}

/// What the line narrows by.
fn sought(row: &RunRow) -> String {
    format!("{} {} {} {} {}", row.id, row.profile, row.operation, datasets(row), state_words(row))
}

fn state_words(row: &RunRow) -> &'static str {
    match row.state {
        RunState::Running => "running",
        RunState::Paused => "paused",
        RunState::Faulted => "FAULT",
        RunState::Completed | RunState::CompletedWithFailures => "ended",
        RunState::Cancelled => "cancelled",
    }
}

fn datasets(row: &RunRow) -> String {
    let paths: Vec<String> = row.datasets.iter().map(|dataset| dataset.path.clone()).collect();
    crate::tui::words::names_of(&paths)
}

/// Failures of a run that are open, records and rows of results.
pub(in crate::tui) fn open(row: &RunRow) -> u64 {
    row.records.open() + row.rows_failed
}

/// A run's sign and state; what this process carries stands as its last sample has it.
fn state(app: &App, row: &RunRow) -> (&'static str, String, Ink) {
    let live = app.carried().is_some_and(|live| live.figures.run == row.id);
    match row.state {
        _ if live => ("▶", "here".to_owned(), Ink::Good),
        RunState::Running => ("▶", "elsewhere".to_owned(), Ink::Warn),
        RunState::Paused => ("‖", "paused".to_owned(), Ink::Warn),
        RunState::Faulted => ("✗", "FAULT".to_owned(), Ink::Bad),
        RunState::Cancelled => ("■", "cancelled".to_owned(), Ink::Plain),
        RunState::Completed | RunState::CompletedWithFailures => ("■", "ended".to_owned(), Ink::Plain),
    }
}

/// The columns, each with its place and width: run, state, profile, operation, dataset, delivered, open, when.
#[derive(Debug, Default)]
struct Columns {
    profile: Option<(u16, u16)>,
    operation: Option<(u16, u16)>,
    dataset: (u16, u16),
    delivered: Option<u16>,
    open: u16,
    when: u16,
}

const RUN: (u16, u16) = (2, 8);
const STATE: (u16, u16) = (11, 11);
const WHEN: u16 = 16;

impl Columns {
    /// Run, state, dataset, open and when are always there. The others go in this order: operation, delivered, profile.
    fn within(room: u16) -> Self {
        let least = STATE.0 + STATE.1 + 1 + 10 + 9 + WHEN + 2;
        let mut spare = room.saturating_sub(least);
        let mut wants = |wide: u16| {
            let there = spare >= wide;
            if there {
                spare -= wide;
            }
            there
        };
        let profile = wants(14);
        // a name that can be read is worth more than what the board shows of the run anyway
        wants(8);
        let (delivered, operation) = (wants(12), wants(10));
        let when = room.saturating_sub(WHEN + 1);
        let open = when.saturating_sub(2);
        let delivered_ends = open.saturating_sub(9);
        let mut x = STATE.0 + STATE.1 + 1;
        let mut column = |there: bool, wide: u16| {
            let at = (x, wide - 1);
            if there {
                x += wide;
            }
            there.then_some(at)
        };
        let profile = column(profile, 14);
        let operation = column(operation, 10);
        let ends = if delivered { delivered_ends.saturating_sub(12) } else { delivered_ends };
        let dataset = (x, ends.saturating_sub(x));
        Self { profile, operation, dataset, delivered: delivered.then_some(delivered_ends), open, when }
    }
}

pub(super) fn draw(app: &App, list: &RunList, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let mut page = canvas.part(layout::body(app.size));
    page.clear();
    page.spot((0, 0), (u16::MAX, u16::MAX), Spot::Cover);
    let shown = list.shown();
    let all = list.rows.as_ref().map_or(0, Vec::len);
    let title = if shown.len() == all {
        format!("Runs · {} · {}", numbers::count_of(all), list.sort.words())
    } else {
        format!("Runs · {} of {} · {}", shown.len(), numbers::count_of(all), list.sort.words())
    };
    page.frame(&title, Ink::FocusFrame);
    let row = list.row(&shown);
    if !shown.is_empty() {
        let place = format!("{} of {}", numbers::count_of(row + 1), numbers::count_of(shown.len()));
        page.foot(&place, Ink::FocusFrame);
    }
    let mut inside = page.inside();
    let with_line = list.narrow.is_typing() || !list.narrow.text().is_empty();
    let bottom = inside.height().saturating_sub(u16::from(with_line));
    let field = if with_line { list.narrow.draw("narrow", bottom, &mut inside) } else { None };
    if shown.is_empty() {
        empty(app, list, &mut inside);
        return field.or_else(|| inside.place(0, 0));
    }
    let columns = Columns::within(inside.width());
    head(&columns, &mut inside);
    let height = usize::from(bottom.saturating_sub(1)).max(1);
    let first = (row + 1).saturating_sub(height);
    let mut stands = field;
    for (y, (number, run)) in (1..).zip(shown.iter().enumerate().skip(first).take(height)) {
        draw_row(app, run, y, &columns, &mut inside);
        inside.spot((0, y), (u16::MAX, 1), Spot::Row(number));
        if number == row {
            inside.write(0, y, "▸", Ink::Strong);
            inside.tint(y, Ink::Cursor);
            stands = stands.or_else(|| inside.place(0, y));
        }
    }
    stands
}

fn empty(app: &App, list: &RunList, inside: &mut Canvas<'_>) {
    let begins = format!(
        "Every run that is begun here stands in this list from then on; {} begins one.",
        app.keymap.key(Action::NewRun)
    );
    let lines: [&str; 2] = match &list.rows {
        None => ["The runs are being read…", ""],
        Some(rows) if rows.is_empty() => ["There is no run yet.", &begins],
        Some(_) => {
            ["No run holds these words.", "They are sought in id, profile, operation, dataset and state."]
        }
    };
    for (y, line) in (0..).zip(lines) {
        inside.write(1, y, line, if y == 0 { Ink::Plain } else { Ink::Dim });
    }
}

fn head(columns: &Columns, inside: &mut Canvas<'_>) {
    inside.write(RUN.0, 0, "run", Ink::Dim);
    inside.write(STATE.0, 0, "state", Ink::Dim);
    if let Some((x, _)) = columns.profile {
        inside.write(x, 0, "profile", Ink::Dim);
    }
    if let Some((x, _)) = columns.operation {
        inside.write(x, 0, "what", Ink::Dim);
    }
    inside.write_within(columns.dataset.0, 0, columns.dataset.1, "dataset", Ink::Dim);
    if let Some(ends) = columns.delivered {
        inside.write_to(ends, 0, "delivered", Ink::Dim);
    }
    inside.write_to(columns.open, 0, "open", Ink::Dim);
    inside.write(columns.when, 0, "began", Ink::Dim);
}

fn draw_row(app: &App, row: &RunRow, y: u16, columns: &Columns, inside: &mut Canvas<'_>) {
    let live: Option<&Figures> =
        app.live.as_ref().map(|live| &live.figures).filter(|figures| figures.run == row.id);
    let (delivered, open) = live.map_or_else(
        || (row.records.delivered, open(row)),
        |figures| (figures.records.delivered, figures.records.open() + figures.rows_failed),
    );
    inside.write_within(RUN.0, y, RUN.1, &row.id.short(), Ink::Strong);
    let (sign, word, ink) = state(app, row);
    inside.write_within(STATE.0, y, STATE.1, &format!("{sign} {word}"), ink);
    if let Some((x, wide)) = columns.profile {
        let mark = if row.production { "!! " } else { "" };
        let x = inside.write_within(x, y, wide, mark, Ink::Bad);
        inside.write_within(x, y, wide.saturating_sub(width(mark)), &row.profile, Ink::Plain);
    }
    if let Some((x, wide)) = columns.operation {
        inside.write_within(x, y, wide, row.operation.word(), Ink::Plain);
    }
    inside.write_within(columns.dataset.0, y, columns.dataset.1, &datasets(row), Ink::Plain);
    if let Some(ends) = columns.delivered {
        inside.write_to(ends, y, &numbers::count(delivered), Ink::Plain);
    }
    let ink = if open == 0 { Ink::Plain } else { Ink::Bad };
    inside.write_to(columns.open, y, &numbers::count(open), ink);
    let when = numbers::day_and_minute(row.started_at, app.now.wall, &app.zone);
    inside.write_within(columns.when, y, WHEN, &when, Ink::Plain);
}
