//! What is said before an act on many: what it does to which, what it costs, and what a repeat would do.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{calls, some};
use crate::journal::{Cause, FailureRow};
use crate::model::{Figures, OperationKind, Stage};
use crate::plain::{self, Repeat};
use crate::tui::actions::{self, Action};
use crate::tui::app::{App, Overlay, Pane};
use crate::tui::canvas::width;
use crate::tui::failures::Split;
use crate::tui::numbers;

/// How long the platform knows the call of an outcome as the same.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Until when a repeat of something that first failed then is harmless; none where the platform tells no end of it.
pub(in crate::tui) fn repeat_until(
    operation: Option<OperationKind>,
    first_at: Timestamp,
) -> Option<Timestamp> {
    (operation == Some(OperationKind::Outcomes)).then(|| first_at.checked_add(KEPT).unwrap_or(first_at))
}

/// A moment for a person: of today by its time, of another day by its date, too.
pub(in crate::tui) fn moment(app: &App, at: Timestamp) -> String {
    let day = |at: Timestamp| at.to_zoned(app.zone.clone()).date();
    if day(at) == day(app.now.wall) {
        format!("today {}", numbers::minute_of_day(at, &app.zone))
    } else {
        at.to_zoned(app.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }
}

/// What a repeat of something that first failed then does.
pub(in crate::tui) fn repeat_in_words(app: &App, first_at: Timestamp) -> String {
    let operation = app.figures().map(|figures| figures.operation);
    match repeat_until(operation, first_at) {
        None => plain::repeat(Repeat::Harmless),
        Some(until) if until <= app.now.wall => plain::repeat(Repeat::MayBeTwice),
        Some(until) => plain::repeat(Repeat::HarmlessUntil(&moment(app, until))),
    }
}

/// What it costs to send so many items: calls, and time at the pace that holds. `planned` is the ceiling of the plan.
pub(in crate::tui) fn cost(app: &App, number: u64, planned: Option<f64>) -> String {
    let calls = calls(number);
    let pace = app.figures().map(|figures| figures.pace.clone()).unwrap_or_default();
    let ceiling = actions::ceiling(app).or(planned.filter(|_| !app.is_live()));
    let rate = match (ceiling, pace.learnt) {
        (Some(ceiling), Some(learnt)) => Some(ceiling.min(learnt)),
        (ceiling, learnt) => ceiling.or(learnt),
    };
    match rate.filter(|rate| *rate > 0.0) {
        Some(rate) => {
            let tenths = (rate * 10.0).max(1.0);
            let time = Duration::from_secs(number).mul_f64((10.0 / tenths).min(1000.0));
            let long = match time.as_secs() {
                0 => "less than a second".to_owned(),
                _ => format!("about {}", numbers::span(time)),
            };
            format!("{calls}, {long} at {} a second.", numbers::rate(rate))
        }
        None => format!("{calls}, as fast as the platform takes them."),
    }
}

fn are(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// What can't be sent, and why; nothing where all can.
fn left_out(split: &Split) -> Vec<String> {
    let mut left = Vec::new();
    if split.invalid > 0 {
        left.push(format!("{} must be changed first", numbers::count(split.invalid)));
    }
    if split.rows > 0 {
        let rows = some(split.rows, "row");
        left.push(format!(
            "{rows} of a delivered import can't be sent by {}",
            if split.rows == 1 { "itself" } else { "themselves" }
        ));
    }
    left
}

/// Why none of them can be sent; nothing where none is open.
pub(in crate::tui) fn not_sent(split: &Split) -> Option<String> {
    let left = left_out(split);
    (!left.is_empty()).then(|| left.join("; "))
}

/// What becomes of which, where it is not the same for all.
pub(in crate::tui) fn split(split: &Split) -> Option<String> {
    let mut parts = Vec::new();
    let again = split.again.len() as u64;
    let jobs = split.jobs.len() as u64;
    let left = left_out(split);
    if jobs == 0 && left.is_empty() {
        return None;
    }
    if again > 0 {
        parts.push(format!("{} {} sent again", numbers::count(again), are(again)));
    }
    if jobs > 0 {
        parts
            .push(format!("of {} the platform is asked again, and none is started twice", some(jobs, "job")));
    }
    parts.extend(left);
    Some(format!("{}.", parts.join("; ")))
}

/// What was refused for its content is refused again.
pub(in crate::tui) fn seldom(split: &Split) -> Option<String> {
    let again = split.again.len() as u64;
    match (split.seldom, split.all_were) {
        (0, _) => None,
        (seldom, Some(all)) if seldom == again && seldom > 1 => {
            Some(format!("All were answered \"{all}\". Sending the same again seldom helps."))
        }
        (seldom, _) if seldom == again => {
            Some("It was refused for what is in it. Sending the same again seldom helps.".to_owned())
        }
        (seldom, _) => Some(format!(
            "{} of them were refused for what is in them: sending the same again seldom helps.",
            numbers::count(seldom)
        )),
    }
}

/// What is not known of them, and what a repeat would do.
pub(in crate::tui) fn doubts(app: &App, split: &Split) -> Vec<String> {
    let Some(since) = split.unsure_since else { return Vec::new() };
    let unsure = numbers::count(split.unsure);
    let mut doubts = vec![format!(
        "{unsure} of them may have been carried out without an answer. {}",
        repeat_in_words(app, since)
    )];
    if split.unsure_edited > 0 {
        doubts.push(format!(
            "{} of these were edited: to the platform they are new, and may be done twice.",
            numbers::count(split.unsure_edited)
        ));
    }
    doubts
}

fn head(figures: &Figures) -> Vec<String> {
    vec![
        format!("Platform: {}, {}", figures.platform, figures.host),
        format!("Operation: {}, run {}", figures.operation, figures.run),
    ]
}

fn answer(stage: Stage, status: Option<u16>, code: Option<&str>) -> String {
    let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    code.map_or_else(
        || format!("Answer: {status} ({stage})"),
        |code| format!("Answer: {status} {code} ({stage})"),
    )
}

/// What the platform's support needs to find a call. What the record holds is not among it.
pub(in crate::tui) fn for_the_vendor(row: &FailureRow, figures: &Figures) -> String {
    let mut lines = head(figures);
    lines.push(answer(row.stage, row.status, row.code.as_deref()));
    lines.push(format!("Correlation id: {}", row.correlation_id.as_deref().unwrap_or("none was told")));
    if let Some(job) = &row.remote_id {
        lines.push(format!("Job: {job}"));
    }
    lines.push(format!("First: {}, last: {} (UTC), tries: {}", row.first_at, row.last_at, row.attempts));
    lines.push(format!("Message: {}", crate::journal::mask(&row.message)));
    lines.iter().map(|line| crate::text::one_line(line, 500)).collect::<Vec<_>>().join("\n")
}

/// The same for all of a cause.
pub(in crate::tui) fn cause_for_the_vendor(cause: &Cause, figures: &Figures) -> String {
    let mut lines = head(figures);
    lines.push(answer(cause.stage, cause.status, cause.code.as_deref()));
    lines.push(format!("How many: {}", numbers::count(cause.items)));
    lines.push(format!("First: {}, last: {} (UTC)", cause.first_at, cause.last_at));
    lines.push(format!("Message: {}", cause.message));
    lines.iter().map(|line| crate::text::one_line(line, 500)).collect::<Vec<_>>().join("\n")
}

/// The line below *6 Failures*, and below a page of one: what became of what was sent again one by one, then what the
/// capital letters would act on.
pub(in crate::tui) fn on_failures(app: &App, room: u16) -> Option<String> {
    let here = match app.overlays.last() {
        None => app.focus == Pane::Failures,
        Some(over) => matches!(over, Overlay::Failure(_)),
    };
    let came = app.failures.singles.told();
    let Some(last) = came.last().filter(|_| here) else { return on_marks(app) };
    let came = came.iter().find(|way| width(way) <= room).unwrap_or(last);
    let both = on_marks(app).map(|marks| format!("{came}  {marks}")).filter(|both| width(both) <= room);
    Some(both.unwrap_or_else(|| came.clone()))
}

/// What the capital letters would act on.
fn on_marks(app: &App) -> Option<String> {
    if app.focus != Pane::Failures || !app.overlays.is_empty() {
        return None;
    }
    let list = &app.failures;
    if list.shows_causes() {
        let cause = list.causes.current()?;
        return Some(match cause.items {
            1 => "Capitals act on the one of the cause, and ask first.".to_owned(),
            many => {
                format!("Capitals act on all {} of the cause, and ask first.", numbers::count(many))
            }
        });
    }
    (!list.marks.is_empty()).then(|| {
        let key = |action| app.keymap.key(action);
        format!(
            "Marked {}.  {} sends the marked ones again, {} closes them.",
            numbers::count(list.marks.len()),
            key(Action::ResendMany),
            key(Action::CloseMany)
        )
    })
}
