//! *6 Failures*, a row each: what could not be delivered, and what is marked of it.

use super::frame_ink;
use crate::journal::{FailureRow, View};
use crate::model::FailureState;
use crate::tui::actions::Action;
use crate::tui::app::{App, Pane};
use crate::tui::canvas::{self, Canvas, width};
use crate::tui::spots::Spot;
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

/// The cursor's sign, and that of a mark.
const SIGNS: u16 = 2;

impl Columns {
    /// The key and the sentence are always there. The others go in this order: tries, answer, place, message.
    fn within(room: u16) -> Self {
        let room = room.saturating_sub(SIGNS);
        let (mut place, mut answer, mut tries, mut says) = (true, true, true, true);
        let fixed = |place: bool, answer: bool, tries: bool| {
            u16::from(place) * 12 + u16::from(answer) * 8 + u16::from(tries) * 7 + 28
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
        let key = if says { (spare * 2 / 5).clamp(16, 40) } else { spare };
        let mut x = SIGNS;
        let mut column = |there: bool, wide: u16, gap: u16| {
            let at = (x, wide.saturating_sub(gap));
            if there {
                x += wide;
            }
            there.then_some(at)
        };
        let place = column(place, 12, 2);
        let key = column(true, key, 1).unwrap_or_default();
        let happened = column(true, 28, 1).unwrap_or_default();
        let answer = column(answer, 8, 1);
        let tries = column(tries, 7, 2);
        let rest = (room + SIGNS).saturating_sub(x);
        Self { place, key, happened, answer, tries, says: says.then_some((x, rest)) }
    }
}

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let list = &app.failures;
    let ink = frame_ink(app, Pane::Failures);
    let fallback = canvas.place(3, 0);
    canvas.frame(&title(app), ink);
    if let Some(rank) = list.rank() {
        canvas.foot(&format!("{} of {}", numbers::count(rank + 1), numbers::count(list.total)), ink);
    }
    let mut inside = canvas.inside();
    if list.rows.is_empty() {
        empty(app, &mut inside);
        return foot(app, 0, &mut inside).or(fallback);
    }
    let columns = Columns::within(inside.width());
    head(&columns, &mut inside);
    let rows = usize::from(inside.height().saturating_sub(2));
    let mut stands = fallback;
    for (y, row) in (1..).zip(list.visible(rows)) {
        draw_row(app, row, y, &columns, &mut inside);
        inside.spot((0, y), (u16::MAX, 1), Spot::Failure(row.id));
        if list.cursor == Some(row.id) {
            stands = inside.place(0, y);
        }
    }
    foot(app, list.new_below(rows), &mut inside).or(stands)
}

/// The last line of the pane: the filter while it is typed, else how many have come in below. Returns where the real
/// cursor stands in it.
pub(super) fn foot(app: &App, new: u64, inside: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let y = inside.height().saturating_sub(1);
    let Some(line) = &app.failures.line else {
        if new > 0 {
            let text = format!("{} more came in below; End goes there", numbers::count(new));
            inside.write_to(inside.width().saturating_sub(1), y, &text, Ink::Warn);
        }
        return None;
    };
    let x = inside.write(1, y, "Filter ▸[ ", Ink::Strong);
    let room = (inside.width() / 2).max(20);
    let scroll = line.input().visual_scroll(usize::from(room));
    let shown: String = line.text().chars().skip(scroll).collect();
    let before: String = line.text().chars().take(line.input().cursor()).skip(scroll).collect();
    let wrong = line.wrong.as_ref().map(|wrong| wrong.at.saturating_sub(1).saturating_sub(scroll));
    let end = match wrong {
        // the place of what is not understood, and what comes after it
        Some(at) => {
            let good: String = shown.chars().take(at).collect();
            let bad: String = shown.chars().skip(at).collect();
            let x = inside.write_within(x, y, room, &good, Ink::Plain);
            inside.write_within(x, y, room.saturating_sub(width(&good)), &bad, Ink::Bad)
        }
        None => inside.write_within(x, y, room, &shown, Ink::Strong),
    };
    let after = inside.write(end, y, " ]  ", Ink::Strong);
    let told = match &line.wrong {
        Some(wrong) => format!("✗ {}", wrong.why),
        None if line.offers.is_empty() => "e.g. what:refused since:2h code:… or words".to_owned(),
        None => format!("Tab: {}", line.offers.join("  ")),
    };
    inside.write(after, y, &told, if line.wrong.is_some() { Ink::Bad } else { Ink::Dim });
    inside.place(x + width(&before).min(room), y)
}

fn title(app: &App) -> String {
    let list = &app.failures;
    let operation = app.figures().map(|figures| figures.operation);
    let mut title = "6 Failures".to_owned();
    if let Some(cause) = &list.query.cause {
        title = format!("{title} · {}", words::cause_in_short(cause, operation));
    }
    if list.query.act.is_some() {
        title = format!("{title} · of one act");
    }
    let (open, of) = (numbers::count(list.open), numbers::count(list.all.max(list.total)));
    match list.query.view {
        _ if list.all.max(list.total) == 0 => {}
        View::Closed => title = format!("{title} · {} closed of {of}", numbers::count(list.total)),
        View::Open | View::All => title = format!("{title} · {open} open of {of}"),
    }
    title + &title_tail(app)
}

/// The edits that wait to be sent, the marks and the filter, for the title.
pub(super) fn title_tail(app: &App) -> String {
    let list = &app.failures;
    let marked = (!list.marks.is_empty()).then(|| {
        let marked = numbers::count(list.marks.len());
        match list.marks.out_of_view() {
            Some(0) => format!(" · marked {marked}, all in view"),
            Some(out) => format!(" · marked {marked}, {} out of view", numbers::count(out)),
            None => format!(" · marked {marked}"),
        }
    });
    let edited = app.mendings.edited;
    let edited = (edited > 0).then(|| format!(" · {} edited", numbers::count(edited)));
    let filter = (!list.filter.is_empty()).then(|| format!(" · filter {}", list.filter));
    edited.into_iter().chain(marked).chain(filter).collect()
}

fn empty(app: &App, inside: &mut Canvas<'_>) {
    let list = &app.failures;
    let view = app.keymap.key(Action::View);
    let (first, then) = if !list.known && app.run.is_some() {
        ("The failures are being read…", String::new())
    } else if !list.filter.is_empty() {
        let key = app.keymap.key(Action::Filter);
        ("The filter lets none through.", format!("Esc clears it; {key} changes it."))
    } else if list.is_narrowed() {
        ("None of them is left here.", format!("Esc goes back to the causes; {view} shows closed ones, too."))
    } else if list.all > 0 {
        ("None of this kind.", format!("{view} shows the others: open, closed, or all."))
    } else {
        let what = "What the platform refuses, or our own check finds, is listed here with the reason.";
        ("No failures.", format!("{what}\n{}", words::next_step(app)))
    };
    inside.write(1, 0, first, Ink::Plain);
    let room = inside.width().saturating_sub(2);
    for (y, line) in (1..).zip(then.lines().flat_map(|line| canvas::wrap(line, room))) {
        inside.write(1, y, &line, Ink::Dim);
    }
}

fn head(columns: &Columns, inside: &mut Canvas<'_>) {
    let mut name = |column: Option<(u16, u16)>, name: &str, right: bool| {
        if let Some((x, wide)) = column {
            let x = if right { x + wide.saturating_sub(width(name)) } else { x };
            inside.write_within(x, 0, wide, name, Ink::Dim);
        }
    };
    name(columns.place, "place", true);
    name(Some(columns.key), "key", false);
    name(Some(columns.happened), "what happened", false);
    name(columns.answer, "answer", true);
    name(columns.tries, "tries", true);
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
        inside.write_to(x + wide, y, &numbers::count(row.position), Ink::Plain);
    }
    let (x, wide) = columns.key;
    inside.write_within(x, y, wide, &row.key, Ink::Strong);
    let (x, wide) = columns.happened;
    inside.write_within(x, y, wide, what, ink);
    if let Some((x, wide)) = columns.answer {
        // right under the last letter of its name
        let status = row.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
        inside.write_to(x + wide, y, &status, Ink::Plain);
    }
    if let Some((x, wide)) = columns.tries {
        inside.write_to(x + wide, y, &numbers::count(u64::from(row.attempts)), Ink::Plain);
    }
    if let Some((x, wide)) = columns.says {
        inside.write_within(x, y, wide, &row.message, Ink::Plain);
    }
    if list.marks.has(row.id) {
        inside.write(1, y, "◆", Ink::Strong);
    }
    if on_it {
        inside.write(0, y, "▸", Ink::Strong);
        if app.focus == Pane::Failures && app.overlays.is_empty() {
            inside.tint(y, Ink::Cursor);
        }
    }
}
