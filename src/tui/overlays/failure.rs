//! One failure, on four pages: what happened and what can be done, its record, its tries, and who did what.

mod hands;
mod reason;
mod tries;

use crate::model::FailureState;
use crate::tui::app::{App, Content, OpenFailure, Page};
use crate::tui::canvas::{self, Canvas};
use crate::tui::layout;
use crate::tui::message::Detail;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;
use crate::tui::{numbers, words};

/// A line of a page, in pieces.
pub(in crate::tui) type Line = Vec<(String, Ink)>;

/// The lines above a page's own: the pages, and an empty one.
const ABOVE: u16 = 2;

pub(super) fn draw(app: &App, open: &OpenFailure, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let mut page = canvas.part(layout::full_page(app.size));
    page.clear();
    page.spot((0, 0), (u16::MAX, u16::MAX), Spot::Cover);
    page.frame(&title(app, open), Ink::FocusFrame);
    let rows = rows_of(app, open);
    let height = rows_shown(app);
    page.foot(&foot(app, open, rows.len(), height), Ink::FocusFrame);
    let mut inside = page.inside();
    tabs(open, &mut inside);
    let scroll = open.scroll.min(rows.len().saturating_sub(height));
    for (y, line) in (ABOVE..).zip(rows.iter().skip(scroll).take(height)) {
        let mut x = 1;
        for (text, ink) in line {
            x = inside.write(x, y, text, *ink);
        }
    }
    inside.place(1, 0)
}

/// How many rows of a page are to be seen.
pub(in crate::tui) fn rows_shown(app: &App) -> usize {
    usize::from(layout::full_page(app.size).height.saturating_sub(2 + ABOVE))
}

fn title(app: &App, open: &OpenFailure) -> String {
    let row = match &open.content {
        Content::Here(detail) => &detail.row,
        Content::Coming => return format!("Failure {}", open.key),
        Content::Gone => return format!("Failure {} · delivered", open.key),
    };
    let what = if app.failures.was_asked(row.id) {
        "asked to be sent again"
    } else if row.state == FailureState::Delivered {
        "delivered"
    } else {
        words::in_short(row, app.figures().map(|figures| figures.operation))
    };
    format!("Failure {} · {what}", row.key)
}

/// Where the page stands, and where the failure does in its list.
fn foot(app: &App, open: &OpenFailure, rows: usize, height: usize) -> String {
    let place = super::place_words(open.scroll, rows, height);
    let list = &app.failures;
    let rank = list.rank().filter(|_| list.cursor == Some(open.id));
    let within = if list.query.cause.is_some() { " in this cause" } else { "" };
    let stands =
        rank.map(|rank| format!("{} of {}{within}", numbers::count(rank + 1), numbers::count(list.total)));
    let words: Vec<String> =
        [Some(place).filter(|place| !place.is_empty()), stands].into_iter().flatten().collect();
    words.join(" · ")
}

fn tabs(open: &OpenFailure, inside: &mut Canvas<'_>) {
    let mut x = 1;
    for (number, page) in Page::ALL.into_iter().enumerate() {
        let name = match (page, &open.content) {
            (Page::Reason, _) => "Reason".to_owned(),
            (Page::Record, _) => "Record".to_owned(),
            (Page::Tries, Content::Here(detail)) => format!("Tries {}", detail.row.attempts),
            (Page::Tries, _) => "Tries".to_owned(),
            (Page::Hands, Content::Here(detail)) => format!("Hands {}", detail.hands.len()),
            (Page::Hands, _) => "Hands".to_owned(),
        };
        let end = if page == open.page {
            inside.write(x, 0, &format!("[{name}]"), Ink::Cursor)
        } else {
            inside.write(x, 0, &format!(" {name} "), Ink::Plain)
        };
        inside.spot((x, 0), (end.saturating_sub(x), 1), Spot::Page(number));
        x = end + 1;
    }
}

/// All rows of the page that is open, in its width.
pub(in crate::tui) fn rows_of(app: &App, open: &OpenFailure) -> Vec<Line> {
    let room = layout::full_page(app.size).width.saturating_sub(4);
    let mut lines = Lines { lines: Vec::new(), room };
    match &open.content {
        Content::Coming => lines.say("It is being read…", Ink::Dim),
        Content::Gone => lines.say("It is no failure any more: it was delivered since.", Ink::Good),
        Content::Here(detail) => match open.page {
            Page::Reason => reason::tell(app, detail, &mut lines),
            Page::Record => record(detail, &mut lines),
            Page::Tries => tries::tell(app, detail, &mut lines),
            Page::Hands => hands::tell(app, detail, &mut lines),
        },
    }
    lines.lines
}

/// The record, as stored.
fn record(detail: &Detail, lines: &mut Lines) {
    if detail.record.is_empty() {
        let why = if detail.row.id.is_item() {
            "The journal does not hold its record."
        } else {
            "A row of a delivered import: its record stands in the file that was imported."
        };
        return lines.say(why, Ink::Dim);
    }
    let noun = if detail.row.count == 1 { "The record" } else { "The records" };
    let how = match detail.row.state {
        FailureState::Delivered => "as it was delivered",
        _ if detail.row.edited => "edited, not sent yet",
        _ => "as sent, or as it would have been sent",
    };
    lines.say(&format!("{noun}, {how}:"), Ink::Dim);
    for line in &detail.record {
        lines.say(line, Ink::Plain);
    }
}

/// Lines that are made.
struct Lines {
    lines: Vec<Line>,
    room: u16,
}

impl Lines {
    /// A text, broken into as many lines as it needs.
    fn say(&mut self, text: &str, ink: Ink) {
        self.lines.extend(canvas::wrap(text, self.room).into_iter().map(|line| vec![(line, ink)]));
    }

    fn gap(&mut self) {
        self.lines.push(Vec::new());
    }

    /// A name and what it says, in two columns.
    fn field(&mut self, name: &str, text: &str, ink: Ink) {
        const NAMES: u16 = 11;
        let room = self.room.saturating_sub(NAMES).max(8);
        for (number, line) in canvas::wrap(text, room).into_iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            self.lines.push(vec![(canvas::pad(name, NAMES), Ink::Dim), (line, ink)]);
        }
    }
}

/// A moment for a person: the time alone where it was today.
fn moment(app: &App, at: jiff::Timestamp) -> String {
    let date = |at: jiff::Timestamp| at.to_zoned(app.zone.clone()).date();
    if date(at) == date(app.now.wall) {
        format!("today {}", numbers::time_of_day(at, &app.zone))
    } else {
        numbers::date_and_time(at, &app.zone)
    }
}
