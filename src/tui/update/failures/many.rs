//! Acts on failures: a small letter acts on one, a capital on the marked ones or on the cause. Many are counted first,
//! then asked about; the act takes the failures of the moment in which it was asked for, and nothing that comes later.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::question;
use super::listing::row_meant;
use crate::engine::Command;
use crate::journal::{Filter, Judgement, Query, View};
use crate::model::{FailureId, Seq};
use crate::plain::{self, Repeat};
use crate::tui::actions;
use crate::tui::app::{Act, Afterwards, App, Busy, Question, Starting};
use crate::tui::failures::{MarkSet, Purpose, Scope, Split};
use crate::tui::message::{Effect, Look, Request};
use crate::tui::sheets;
use crate::tui::theme::Ink;
use crate::tui::update::mend;
use crate::tui::{numbers, words};

/// Sends one failure again. One of which nobody knows whether it was carried out, and whose repeat may be done twice,
/// is asked about.
pub(super) fn resend_one(app: &mut App, out: &mut Vec<Effect>) {
    let Some(row) = row_meant(app) else { return };
    let (id, key, production) =
        (row.id, row.key.clone(), app.figures().is_some_and(|shown| shown.production));
    let operation = app.figures().map(|figures| figures.operation);
    let until = words::repeat_until(operation, row.first_at);
    let twice = row.doubtful
        && row.remote_id.is_none()
        && (row.edited || until.is_some_and(|until| until <= app.now.wall));
    if twice {
        let Some(figures) = app.figures() else { return };
        let mut asked = vec![
            (
                format!("Send {key} again, on {}?", words::tenant(figures)),
                if production { Ink::Bad } else { Ink::Strong },
            ),
            (String::new(), Ink::Plain),
        ];
        asked.extend(words::doubt(row, operation).map(|doubt| (doubt, Ink::Plain)));
        asked.push((plain::repeat(Repeat::MayBeTwice), Ink::Warn));
        return question::ask(app, Question::new(asked, "Don't send", "Send", Act::Resend(vec![id.item])));
    }
    app.says(format!("Asked to send {key} again."));
    send_one(app, id, out);
}

/// Sends one failure again, and remembers to tell what becomes of it.
pub(in crate::tui::update) fn send_one(app: &mut App, id: FailureId, out: &mut Vec<Effect>) {
    if let Some(row) = app.failure_row(id).cloned() {
        app.failures.mark_asked(&row);
    }
    resend(app, vec![id.item], out);
}

/// The form for the record of one failure.
pub(super) fn edit_one(app: &mut App, out: &mut Vec<Effect>) {
    if let Some(id) = row_meant(app).map(|row| row.id) {
        sheets::edit::open(app, id, out);
    }
}

/// The form for the note with which one failure is closed.
pub(super) fn close_one(app: &mut App) {
    if let Some(id) = row_meant(app).map(|row| row.id) {
        sheets::note::open(app, vec![id], true);
    }
}

/// Opens one failure again, or takes its edit back. Neither sends anything, and both can be done anew: nothing is asked.
pub(super) fn undo_one(app: &mut App, out: &mut Vec<Effect>) {
    if let Some(id) = row_meant(app).map(|row| row.id) {
        mend::undo_one(app, id, out);
    }
}

/// Asks whether to send these again, which have just been changed.
pub(in crate::tui::update) fn ask_about(app: &mut App, ids: Vec<FailureId>, out: &mut Vec<Effect>) {
    let query = Query { view: View::Open, ..Query::default() };
    look(app, query, Some(Arc::new(ids.into_iter().collect())), Purpose::Resend, out);
}

/// The failures that an act on many means are counted first.
pub(super) fn count(app: &mut App, purpose: Purpose, out: &mut Vec<Effect>) {
    let list = &mut app.failures;
    let marked = match purpose {
        Purpose::Mark => None,
        _ => (!list.shows_causes()).then(|| list.marks.set()),
    };
    let view = match purpose {
        Purpose::Undo => View::All,
        Purpose::Mark => list.query.view,
        Purpose::Resend | Purpose::Change | Purpose::Close => View::Open,
    };
    let cause = list.causes.current().filter(|_| list.shows_causes()).map(crate::journal::Cause::id);
    let query = match (&marked, purpose) {
        // marks hold whatever is looked at
        (Some(_), _) => Query { view, ..Query::default() },
        (None, Purpose::Mark) => list.query_shown(),
        (None, _) => Query { view, cause, ..list.query_of_causes() },
    };
    look(app, query, marked, purpose, out);
}

fn look(app: &mut App, query: Query, marked: Option<MarkSet>, purpose: Purpose, out: &mut Vec<Effect>) {
    let number = app.failures.wanting.begin(app.overlays.len());
    let what = "Counting the failures".to_owned();
    app.busy = Some(Busy { what, since: app.now.instant, far: None });
    out.push(Effect::Look(Look::Many(Box::new(Scope { query, marked, purpose, number }))));
}

/// They are counted: now it is asked.
pub(in crate::tui::update) fn many(app: &mut App, scope: &Scope, split: Split, out: &mut Vec<Effect>) {
    let Some(under) = app.failures.wanting.takes(scope.number) else { return };
    app.busy = None;
    if scope.purpose == Purpose::Mark {
        return mark_all(app, &split.ids);
    }
    // whoever has opened something else meanwhile is not interrupted
    if app.overlays.len() > under {
        return app.says("Nothing was asked: something else was opened meanwhile.");
    }
    // things may have changed while they were counted
    let may =
        if scope.purpose == Purpose::Resend { actions::resendable(app) } else { actions::mendable(app) };
    if let Err(reason) = may {
        return app.warns(format!("Not now: {reason}."));
    }
    match scope.purpose {
        Purpose::Resend => ask_to_resend(app, scope, &split),
        Purpose::Change => change(app, scope, &split, out),
        Purpose::Close if split.open.is_empty() => app.warns("Not now: none of them is open."),
        Purpose::Close => sheets::note::open(app, split.open, false),
        Purpose::Undo => ask_to_undo(app, scope, split),
        Purpose::Mark => {}
    }
}

fn mark_all(app: &mut App, ids: &[FailureId]) {
    if ids.is_empty() {
        return app.warns("Not now: there is nothing to mark.");
    }
    let count = numbers::count_of(ids.len());
    let narrowed = app.failures.is_narrowed();
    let marked = app.failures.marks.turn_all(ids);
    app.says(match (marked, narrowed) {
        (true, false) => format!("Marked all {count}."),
        (true, true) => format!("Marked {count}: all that is listed."),
        (false, _) => format!("Unmarked {count}."),
    });
}

/// What the marks are, for a question: how many, and how many of them nobody sees.
fn marks_in_words(app: &App, scope: &Scope) -> Option<String> {
    let marks = &app.failures.marks;
    // what has just been changed need not be marked
    scope.marked.as_ref().filter(|marked| **marked == marks.set())?;
    let marked = numbers::count(marks.len());
    Some(match marks.out_of_view() {
        Some(0) => format!("Marked {marked}, all in view."),
        Some(out) => format!("Marked {marked}; {} of them out of view.", numbers::count(out)),
        None => format!("Marked {marked}."),
    })
}

fn ask_to_resend(app: &mut App, scope: &Scope, split: &Split) {
    let items = split.sent();
    let number = u64::try_from(items.len()).unwrap_or(u64::MAX);
    if number == 0 {
        let why = words::not_sent(split).unwrap_or_else(|| "none of them is open any more".to_owned());
        return app.warns(format!("Not now: {why}."));
    }
    let Some(figures) = app.figures() else { return };
    let production = figures.production;
    let mut asked = vec![
        (
            format!("Send {} again, on {}?", words::some(number, "failure"), words::tenant(figures)),
            if production { Ink::Bad } else { Ink::Strong },
        ),
        (String::new(), Ink::Plain),
    ];
    let mut say = |text: String, ink| asked.push((text, ink));
    say(words::cost(app, number, split.rate), Ink::Plain);
    for doubt in words::doubts(app, split) {
        say(doubt, Ink::Warn);
    }
    if let Some(split) = words::split(split) {
        say(split, Ink::Plain);
    }
    if let Some(marks) = marks_in_words(app, scope) {
        say(marks, Ink::Plain);
    }
    if let Some(seldom) = words::seldom(split) {
        say(seldom, Ink::Plain);
    }
    if number > u64::from(split.stops_after) && split.stops_after > 0 {
        say(
            format!(
                "Stops by itself after {} equal refusals; the rest stay as they are.",
                numbers::count(u64::from(split.stops_after))
            ),
            Ink::Plain,
        );
    }
    let question = Question::new(asked, "Don't send", "Send", Act::Resend(items));
    question::ask(app, if production && number > 1 { question.with_number(number) } else { question });
}

fn change(app: &mut App, scope: &Scope, split: &Split, out: &mut Vec<Effect>) {
    let count = u64::try_from(split.changeable.len()).unwrap_or(u64::MAX);
    if count == 0 {
        return app.warns("Not now: none of them has a record that can be changed.");
    }
    let query = if scope.marked.is_none() {
        scope.query.clone()
    } else {
        let items = split.changeable.iter().map(|id| id.item).collect();
        Query { filter: Filter { items, ..Filter::default() }, ..scope.query.clone() }
    };
    sheets::change::open(app, query, count, out);
}

fn ask_to_undo(app: &mut App, scope: &Scope, split: Split) {
    let (closed, edited) = (split.closed, split.edited);
    let count = |ids: &[FailureId]| numbers::count_of(ids.len());
    let asked = match (closed.is_empty(), edited.is_empty()) {
        (true, true) => {
            return app.warns("Not now: none of them is closed, and none is edited and not sent.");
        }
        (false, true) => format!("Open {} closed ones again?", count(&closed)),
        (true, false) => format!("Take the edits of {} back?", count(&edited)),
        (false, false) => {
            format!(
                "Open {} closed ones again, and take the edits of {} back?",
                count(&closed),
                count(&edited)
            )
        }
    };
    let mut asked = vec![(asked, Ink::Strong), (String::new(), Ink::Plain)];
    asked.extend(marks_in_words(app, scope).map(|marks| (marks, Ink::Plain)));
    asked.push(("Nothing is sent by this.".to_owned(), Ink::Plain));
    question::ask(app, Question::new(asked, "Leave them", "Do it", Act::Undo(closed, edited)));
}

/// Failures are opened again, and edits taken back: the person was asked.
pub(in crate::tui::update) fn undo(
    app: &mut App,
    closed: Vec<FailureId>,
    edited: Vec<FailureId>,
    out: &mut Vec<Effect>,
) {
    if let Err(reason) = actions::mendable(app) {
        return app.warns(format!("Not now: {reason}. Nothing was changed."));
    }
    app.says(format!(
        "Asked to undo it for {}.",
        words::some((closed.len() + edited.len()) as u64, "failure")
    ));
    let all: HashSet<FailureId> = closed.iter().chain(&edited).copied().collect();
    app.failures.marks.done(|id| all.contains(&id));
    if !closed.is_empty() {
        super::judge(app, closed, Judgement::Reopen, out);
    }
    if !edited.is_empty() {
        let records = edited.into_iter().map(|id| (id, None)).collect();
        super::edit(app, records, Afterwards::Nothing, out);
    }
}

/// Failures are sent again: the person was asked.
pub(in crate::tui::update) fn resend_many(app: &mut App, items: Vec<Seq>, out: &mut Vec<Effect>) {
    // the board may have been left alone for an hour since it asked
    if let Err(reason) = actions::resendable(app) {
        return app.warns(format!("Not now: {reason}. Nothing was sent."));
    }
    let number = u64::try_from(items.len()).unwrap_or(u64::MAX);
    app.says(format!("Asked to send {} again.", words::some(number, "failure")));
    if let [one] = items.as_slice() {
        app.failures.marks.done(|id| id == FailureId::from(*one));
        return send_one(app, (*one).into(), out);
    }
    app.failures.mark_all_asked(&items);
    app.failures.marks.done(|id| id.is_item() && items.binary_search(&id.item).is_ok());
    app.failures.acts.asked();
    resend(app, items, out);
}

/// Sends failures again: by the run that goes on, or by a new carrying-out of one that has ended.
fn resend(app: &mut App, items: Vec<Seq>, out: &mut Vec<Effect>) {
    if app.is_live() {
        out.push(Effect::Command(Command::Retry { items, by: app.by.clone() }));
    } else {
        app.starting = Starting::Yes;
        out.push(Effect::Ask(Request::Retry(items)));
    }
}
