//! One failure: what happened in plain words, what can be done, and all that is known of it.

use super::{draw_rows, place_words};
use crate::journal::FailureRow;
use crate::model::FailureState;
use crate::tui::app::{App, Content, OpenFailure};
use crate::tui::canvas::{self, Canvas};
use crate::tui::layout;
use crate::tui::message::Detail;
use crate::tui::theme::Ink;
use crate::tui::{numbers, words};

/// The width of the first column.
const NAMES: usize = 11;

pub(super) fn draw(app: &App, open: &OpenFailure, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let mut page = canvas.part(layout::full_page(app.size));
    page.clear();
    let title = match &open.content {
        Content::Here(detail) => {
            format!(
                "Failure {} · {}",
                detail.row.key,
                words::in_short(&detail.row, app.figures().map(|figures| figures.operation))
            )
        }
        Content::Coming | Content::Gone => "Failure".to_owned(),
    };
    page.frame(&title, Ink::FocusFrame);
    let rows = rows_of(app, open);
    let height = usize::from(page.height().saturating_sub(2));
    page.foot(&place_words(open.scroll, rows.len(), height), Ink::FocusFrame);
    let mut inside = page.inside();
    draw_rows(&rows, open.scroll, &mut inside);
    inside.place(1, 0)
}

/// All rows of the page, wrapped to its width.
pub(in crate::tui) fn rows_of(app: &App, open: &OpenFailure) -> Vec<(String, Ink)> {
    let room = layout::full_page(app.size).width.saturating_sub(4);
    let mut rows = Rows { rows: Vec::new(), room };
    match &open.content {
        Content::Coming => rows.say("It is being read…", Ink::Dim),
        Content::Gone => rows.say("It is no failure any more: it was delivered since.", Ink::Good),
        Content::Here(detail) => rows.tell(app, detail),
    }
    rows.rows
}

struct Rows {
    rows: Vec<(String, Ink)>,
    room: u16,
}

impl Rows {
    fn say(&mut self, text: &str, ink: Ink) {
        self.rows.extend(canvas::wrap(text, self.room).into_iter().map(|line| (line, ink)));
    }

    fn gap(&mut self) {
        self.rows.push((String::new(), Ink::Plain));
    }

    /// A name and what it says, in two columns.
    fn field(&mut self, name: &str, text: &str) {
        let room = self.room.saturating_sub(u16::try_from(NAMES).unwrap_or(0)).max(8);
        for (number, line) in canvas::wrap(text, room).into_iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            self.rows.push((format!("{name:<NAMES$}{line}"), Ink::Plain));
        }
    }

    fn tell(&mut self, app: &App, detail: &Detail) {
        let row = &detail.row;
        self.say(&words::sentence_of(row, app.figures().map(|figures| figures.operation)), Ink::Strong);
        self.gap();
        self.say(&format!("What you can do: {}.", words::advice(row)), Ink::Plain);
        if row.doubtful {
            self.say(
                "One of its calls may have been carried out without an answer to tell us so.",
                Ink::Warn,
            );
        }
        if app.failures.was_asked(row.id) {
            self.say("It was asked to be sent again, and has not ended yet.", Ink::Warn);
        }
        self.gap();
        self.reason(row);
        self.history(app, row);
        if !row.violations.is_empty() {
            self.gap();
            for violation in &row.violations {
                self.say(&words::violation(violation), Ink::Bad);
            }
        }
        self.gap();
        if detail.record.is_empty() {
            self.say("The journal does not hold its record.", Ink::Dim);
        } else {
            let noun = if row.count == 1 { "The record" } else { "The records" };
            self.say(&format!("{noun}, as sent or as it would have been sent"), Ink::Dim);
            for line in &detail.record {
                self.say(line, Ink::Plain);
            }
        }
    }

    fn reason(&mut self, row: &FailureRow) {
        let from = if row.state == FailureState::Invalid { "Our check" } else { "Platform" };
        self.field(from, &row.message);
        let answer = match (row.status, &row.code) {
            (Some(status), Some(code)) => format!("{status} {code}"),
            (Some(status), None) => status.to_string(),
            (None, Some(code)) => format!("none; {code}"),
            (None, None) => "none".to_owned(),
        };
        self.field("Answer", &answer);
        let vendor = row.correlation_id.as_ref().map_or_else(
            || "no correlation id".to_owned(),
            |id| format!("correlation id {id} (for the platform's support)"),
        );
        self.field("Vendor", &vendor);
    }

    fn history(&mut self, app: &App, row: &FailureRow) {
        let tries = match row.attempts {
            0 => "none: it was never sent".to_owned(),
            1 => "1".to_owned(),
            many => numbers::count(u64::from(many)),
        };
        let unsure = match row.unsure {
            0 => String::new(),
            times => format!(", {} after an unsure answer", words::some(u64::from(times), "time")),
        };
        self.field("Tries", &format!("{tries}{unsure}"));
        let place = if row.count == 1 {
            format!("record at position {}, counted from 0", numbers::count(row.position))
        } else {
            format!(
                "{} records from position {} on, counted from 0",
                numbers::count(row.count),
                numbers::count(row.position)
            )
        };
        self.field("Place", &place);
        let first = numbers::date_and_time(row.first_at, &app.zone);
        let last = numbers::date_and_time(row.last_at, &app.zone);
        let when = if first == last { first } else { format!("{first}, last {last}") };
        self.field("When", &format!("{when} (local)"));
        if let Some(note) = &row.note {
            self.field("Note", note);
        }
    }
}
