//! Every try of a failure: when, what the platform said, how long the call took, and what was waited after it.

use std::time::Duration;

use super::{Lines, moment};
use crate::journal::EventRow;
use crate::model::{FailureState, Stage};
use crate::plain::{self, About, Kind};
use crate::tui::app::App;
use crate::tui::message::Detail;
use crate::tui::numbers;
use crate::tui::theme::Ink;

pub(super) fn tell(app: &App, detail: &Detail, lines: &mut Lines) {
    let row = &detail.row;
    if !row.id.is_item() {
        return lines.say("A row of a delivered import has no tries of its own.", Ink::Dim);
    }
    if row.attempts == 0 {
        lines.say("It was never sent: there is nothing to tell of.", Ink::Plain);
    } else {
        let unsure = match row.unsure {
            0 => String::new(),
            1 => ", once after an answer that left it open whether it was done".to_owned(),
            times => format!(", {times} times after an answer that left it open whether it was done"),
        };
        let tries = if row.attempts == 1 {
            "once".to_owned()
        } else {
            format!("{} times", numbers::count(u64::from(row.attempts)))
        };
        lines.say(&format!("Tried {tries}{unsure}."), Ink::Plain);
    }
    lines.gap();
    if detail.tries.is_empty() {
        if row.attempts > 0 {
            lines.say("The journal holds no more of it.", Ink::Dim);
        }
        return;
    }
    for event in &detail.tries {
        one(app, event, lines);
    }
}

fn one(app: &App, event: &EventRow, lines: &mut Lines) {
    let is_end = event.kind == "item_failed";
    let stage = event.reason.as_deref().filter(|_| is_end).and_then(|word| word.parse::<Stage>().ok());
    let stage = stage.unwrap_or(Stage::Delivery);
    let kind = Kind {
        operation: app.figures().map(|figures| figures.operation),
        about: About::Item,
        state: FailureState::Failed,
        stage,
        status: event.status,
        code: None,
        message: "",
        doubtful: false,
        edited: false,
        count: 1,
    };
    let what = match event.status {
        Some(status) => format!("{} ({status})", plain::failure(&kind).short),
        None if stage == Stage::Validation => "refused by our own check".to_owned(),
        None => "no answer".to_owned(),
    };
    let took = event.took_ms.map_or_else(String::new, |ms| format!(" after {}", span(ms)));
    let after = match (is_end, event.delay_ms) {
        (true, _) => "; it ended there".to_owned(),
        (false, Some(ms)) => format!("; then {} were waited", span(ms)),
        (false, None) => String::new(),
    };
    let when = moment(app, event.at);
    let number = event
        .attempt
        .filter(|attempt| *attempt > 0)
        .map_or_else(String::new, |attempt| format!("try {attempt}: "));
    lines.say(&format!("{when}  {number}{what}{took}{after}"), if is_end { Ink::Strong } else { Ink::Plain });
    if let Some(text) = event.text.as_deref().filter(|text| !text.is_empty()) {
        lines.say(&format!("    {text}"), Ink::Dim);
    }
}

fn span(ms: u64) -> String {
    numbers::span(Duration::from_millis(ms))
}
