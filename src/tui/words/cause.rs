//! A cause in plain words: what happened to so many, the best thing to do, and what tells it from others.

use super::many::{moment, repeat_until};
use crate::journal::{Cause, CauseId};
use crate::model::{OperationKind, Stage};
use crate::plain::{self, Best, Kind};
use crate::tui::app::App;
use crate::tui::numbers;

/// What a cause is called.
pub(in crate::tui) struct CauseWords {
    /// How it was answered, and when or how often: the first is the most telling.
    pub detail: Vec<String>,
    /// What differs, or whom it hit; none where that says nothing.
    pub examples: Vec<String>,
    /// What stands between the examples.
    pub between: &'static str,
}

/// A few words for a cause that is known by its number only: at most 27 columns, and the answer.
pub(in crate::tui) fn cause_in_short(id: &CauseId, operation: Option<OperationKind>) -> String {
    let kind = Kind::at(operation, id.stage, (id.status, id.code.as_deref(), &id.cause));
    let short = &plain::failure(&kind).short;
    id.status.map_or_else(|| short.clone(), |status| format!("{short} ({status})"))
}

/// Whether examples of the cause tell a person something.
fn wants_examples(best: Best) -> bool {
    matches!(best, Best::Change | Best::Close | Best::AskEngineer)
}

/// Whether a cause has a line of examples.
pub(in crate::tui) fn has_examples(cause: &Cause, operation: Option<OperationKind>) -> bool {
    let words = plain::failure(&cause.kind(operation));
    shows_values(cause) || (wants_examples(words.advice) && !cause.examples.is_empty())
}

/// What happened, and the best thing to do, in at most 18 columns.
pub(in crate::tui) fn cause_sentence(
    cause: &Cause,
    operation: Option<OperationKind>,
) -> (String, &'static str) {
    let kind = cause.kind(operation);
    let words = plain::failure(&kind);
    (words.sentence(&kind), &words.best)
}

/// Values that are few enough to be read.
fn shows_values(cause: &Cause) -> bool {
    !cause.values.is_empty() && cause.different < Cause::MANY && cause.different * 2 <= cause.items
}

/// The words below a cause.
pub(in crate::tui) fn cause(app: &App, cause: &Cause) -> CauseWords {
    let operation = app.figures().map(|figures| figures.operation);
    let (examples, between) = if shows_values(cause) {
        let value = |(value, count): &(String, u64)| format!("\"{value}\" {}", numbers::count(*count));
        (cause.values.iter().map(value).collect(), "   ")
    } else if has_examples(cause, operation) {
        (cause.examples.clone(), ", ")
    } else {
        (Vec::new(), "")
    };
    CauseWords { detail: detail(app, cause), examples, between }
}

fn detail(app: &App, cause: &Cause) -> Vec<String> {
    let mut parts = Vec::new();
    let own = cause.stage == Stage::Validation;
    if cause.edited > 0 {
        parts.push(format!("{} edited, not sent yet", numbers::count(cause.edited)));
    }
    match (cause.status, cause.code.as_deref()) {
        _ if own => parts.push("never sent: our own check found it".to_owned()),
        (Some(status), Some(code)) => parts.push(format!("{status} {code}")),
        (Some(status), None) => parts.push(status.to_string()),
        (None, _) => parts.push(tries(cause)),
    }
    let operation = app.figures().map(|figures| figures.operation);
    let until = repeat_until(operation, cause.first_at);
    parts.push(match (cause.doubtful, until) {
        _ if shows_values(cause) => format!("{} different values", numbers::count(cause.different)),
        (1.., Some(until)) if until > app.now.wall => {
            format!("a repeat is harmless until {}", moment(app, until))
        }
        (1.., Some(_)) => "a repeat may be done twice".to_owned(),
        (1.., None) => "a repeat is harmless".to_owned(),
        _ if own => found(app, cause).replace("last tried", "found"),
        _ if cause.status.is_some() && cause.tries.0 > 1 => "answered so each time".to_owned(),
        _ => found(app, cause),
    });
    parts
}

fn tries(cause: &Cause) -> String {
    match cause.tries {
        (0, 0) => "not tried".to_owned(),
        (1, 1) => "tried once each".to_owned(),
        (least, most) if least == most => format!("tried {least} times each"),
        (least, most) => format!("tried {least} to {most} times"),
    }
}

/// When they last failed.
fn found(app: &App, cause: &Cause) -> String {
    let minute = |at| numbers::minute_of_day(at, &app.zone);
    let day = |at: jiff::Timestamp| at.to_zoned(app.zone.clone()).date();
    let (first, last) = (cause.first_at, cause.last_at);
    let today = day(last) == day(app.now.wall);
    match (today, minute(first) == minute(last)) {
        (false, _) => format!("last {}", moment(app, last)),
        (true, true) => format!("at {}", minute(last)),
        (true, false) if day(first) == day(last) => {
            format!("last tried {} to {}", minute(first), minute(last))
        }
        (true, false) => format!("last at {}", minute(last)),
    }
}
