//! *6 Failures*: what could not be delivered, a row an item.

use super::frame_ink;
use crate::journal::FailureRow;
use crate::model::FailureState;
use crate::tui::app::{App, Pane};
use crate::tui::canvas::{Canvas, width};
use crate::tui::theme::Ink;
use crate::tui::{numbers, words};

/// The columns that there is room for, each with its place and width.
struct Columns {
    place: Option<(u16, u16)>,
    key: (u16, u16),
    happened: (u16, u16),
    answer: Option<(u16, u16)>,
    tries: Option<(u16, u16)>,
    says: Option<(u16, u16)>,
}

impl Columns {
    /// The key and the sentence are always there. The others go in this order: tries, answer, place, message.
    fn within(room: u16) -> Self {
        let room = room.saturating_sub(3);
        let (mut place, mut answer, mut tries, mut says) = (true, true, true, true);
        let fixed = |place: bool, answer: bool, tries: bool| {
            u16::from(place) * 13 + u16::from(answer) * 7 + u16::from(tries) * 7 + 28
        };
        let least = |says: bool| 14 + u16::from(says) * 16;
        if fixed(place, answer, tries) + least(says) > room {
            tries = false;
        }
        if fixed(place, answer, tries) + least(says) > room {
            answer = false;
        }
        if fixed(place, answer, tries) + least(says) > room {
            place = false;
        }
        if fixed(place, answer, tries) + least(says) > room {
            says = false;
        }
        let spare = room.saturating_sub(fixed(place, answer, tries));
        let key = if says { (spare / 3).clamp(14, 40) } else { spare };
        let mut x = 3;
        let mut column = |there: bool, wide: u16| {
            let at = (x, wide.saturating_sub(1));
            if there {
                x += wide;
            }
            there.then_some(at)
        };
        let place = column(place, 13);
        let key = column(true, key).unwrap_or_default();
        let happened = column(true, 28).unwrap_or_default();
        let answer = column(answer, 7);
        let tries = column(tries, 7);
        let rest = (room + 3).saturating_sub(x);
        Self { place, key, happened, answer, tries, says: says.then_some((x, rest)) }
    }
}

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let list = &app.failures;
    let title = if list.total == 0 {
        "6 Failures".to_owned()
    } else {
        format!("6 Failures · {} open of {}", numbers::count(list.open), numbers::count(list.total))
    };
    let ink = frame_ink(app, Pane::Failures);
    let fallback = canvas.place(3, 0);
    canvas.frame(&title, ink);
    if let Some(rank) = list.rank() {
        canvas.foot(&format!("{} of {}", numbers::count(rank + 1), numbers::count(list.total)), ink);
    }
    let mut inside = canvas.inside();
    if list.rows.is_empty() {
        empty(app, &mut inside);
        return fallback;
    }
    let columns = Columns::within(inside.width());
    head(&columns, &mut inside);
    let rows = usize::from(inside.height().saturating_sub(2));
    let mut stands = fallback;
    for (y, row) in (1..).zip(list.visible(rows)) {
        draw_row(app, row, y, &columns, &mut inside);
        if list.cursor == Some(row.id) {
            stands = inside.place(0, y);
        }
    }
    let new = list.new_below(rows);
    if new > 0 {
        let text = format!("{} more came in below; End goes there", numbers::count(new));
        let y = inside.height().saturating_sub(1);
        inside.write_to(inside.width().saturating_sub(1), y, &text, Ink::Warn);
    }
    stands
}

fn empty(app: &App, inside: &mut Canvas<'_>) {
    let lines: &[&str] = if !app.failures.known && app.run.is_some() {
        &["The failures are being read…"]
    } else {
        &[
            "No failures.",
            "What the platform refuses, or our own check finds, is listed here with the reason.",
        ]
    };
    for (y, line) in (0..).zip(lines) {
        inside.write(1, y, line, if y == 0 { Ink::Plain } else { Ink::Dim });
    }
}

fn head(columns: &Columns, inside: &mut Canvas<'_>) {
    let mut name = |column: Option<(u16, u16)>, name: &str, right: bool| {
        if let Some((x, wide)) = column {
            let x = if right { x + wide.saturating_sub(width(name) + 1) } else { x };
            inside.write_within(x, 0, wide, name, Ink::Dim);
        }
    };
    name(columns.place, "place", true);
    name(Some(columns.key), "key", false);
    name(Some(columns.happened), "what happened", false);
    name(columns.answer, "answer", false);
    name(columns.tries, "tries", false);
    name(columns.says, "the platform says", false);
}

fn draw_row(app: &App, row: &FailureRow, y: u16, columns: &Columns, inside: &mut Canvas<'_>) {
    let list = &app.failures;
    let on_it = list.cursor == Some(row.id);
    let asked = list.was_asked(row.id);
    let what = if asked {
        "asked to be sent again"
    } else {
        words::in_short(row, app.figures().map(|figures| figures.operation))
    };
    let ink = match row.state {
        _ if asked => Ink::Warn,
        FailureState::Failed | FailureState::Invalid => Ink::Plain,
        FailureState::Dismissed | FailureState::Delivered => Ink::Dim,
    };
    if let Some((x, wide)) = columns.place {
        inside.write_to(x + wide.saturating_sub(1), y, &numbers::count(row.position), Ink::Plain);
    }
    let (x, wide) = columns.key;
    inside.write_within(x, y, wide, &row.key, Ink::Strong);
    let (x, wide) = columns.happened;
    inside.write_within(x, y, wide, what, ink);
    if let Some((x, wide)) = columns.answer {
        let status = row.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
        inside.write_to(x + wide, y, &status, Ink::Plain);
    }
    if let Some((x, wide)) = columns.tries {
        inside.write_to(x + wide.saturating_sub(1), y, &numbers::count(u64::from(row.attempts)), Ink::Plain);
    }
    if let Some((x, wide)) = columns.says {
        inside.write_within(x, y, wide, &row.message, Ink::Plain);
    }
    if on_it {
        inside.write(0, y, "▸", Ink::Strong);
        if app.focus == Pane::Failures && app.overlays.is_empty() {
            inside.tint(y, Ink::Cursor);
        }
    }
}
