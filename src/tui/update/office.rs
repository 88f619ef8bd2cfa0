//! What the office answers.

use crate::engine::Command;
use crate::model::RunId;
use crate::tui::app::{App, Carried, LiveRun, Overlay, Shown, Starting};
use crate::tui::failures::FailureList;
use crate::tui::history::History;
use crate::tui::message::{Answer, Begun, Effect, Request};

use super::sheet;

pub(super) fn answer(app: &mut App, answer: Answer, out: &mut Vec<Effect>) {
    match answer {
        Answer::Profiles(..)
        | Answer::Tested(..)
        | Answer::Saved(..)
        | Answer::Removed(..)
        | Answer::SecretReplaced(..) => super::credentials::answer(app, answer, out),
        Answer::Started(Ok(begun)) => started(app, begun, out),
        Answer::Started(Err(reason)) => {
            app.starting = Starting::No;
            app.busy = None;
            app.failures.forget_all_asked();
            sheet::refused(app, &reason);
            app.warns(format!("Nothing was sent: {reason}"));
        }
        Answer::Edited(result) => super::mend::kept(app, result, out),
        Answer::Judged(Ok(())) | Answer::Cancelled(Ok(())) => {
            super::mend::changed(app, out);
            app.failures_changed();
            out.push(Effect::Look(crate::tui::message::Look::Row));
        }
        Answer::Judged(Err(why)) | Answer::Cancelled(Err(why)) => {
            app.warns(format!("Nothing was changed: {why}"));
        }
        Answer::Reported(Ok(path)) => {
            let path = app.datasets.words_of(&path);
            app.says(format!("The report is written: {path}"));
        }
        Answer::Reported(Err(why)) => app.warns(format!("No report was written: {why}")),
        other => sheet::answer(app, other, out),
    }
}

/// A run is being carried out by this process from now on, and stands on the board.
fn started(app: &mut App, begun: Begun, out: &mut Vec<Effect>) {
    app.starting = Starting::No;
    app.busy = None;
    let Begun { figures, keeps } = begun;
    let same = app.figures().is_some_and(|shown| shown.run == figures.run);
    app.keeps = keeps;
    let at = app.now.instant;
    app.live = Some(LiveRun { figures: (*figures).clone(), at, history: History::default() });
    app.run = Some(Shown { figures: *figures, at, carried: Carried::Here });
    app.asked = crate::tui::app::Asked::default();
    if same {
        super::news::read_events(app, out);
        return;
    }
    forget_run(app);
    app.overlays
        .retain(|overlay| !matches!(overlay, Overlay::Sheet(_) | Overlay::Welcome { .. } | Overlay::Runs(_)));
    app.datasets.marks.clear();
    super::board::to_pane(app, crate::tui::app::Pane::Run);
    super::begin_run(app, out);
}

/// What was known of the run that was on the board before.
pub(super) fn forget_run(app: &mut App) {
    app.failures = FailureList::default();
    app.mendings = crate::tui::mending::Mendings::default();
    app.after_edit = None;
    app.happenings.clear();
    app.last_event = None;
    app.reread_at = None;
    app.read_at = None;
    app.look_at = None;
}

/// Goes on with a run that nobody carries: the person was asked.
pub(super) fn resume(app: &mut App, run: RunId, out: &mut Vec<Effect>) {
    if let Err(reason) = crate::tui::actions::startable(app) {
        app.warns(format!("Not now: {reason}."));
        return;
    }
    app.starting = Starting::Yes;
    out.push(Effect::Ask(Request::Resume(run)));
}

/// Has a page about the run on the board written.
pub(super) fn report(app: &App, out: &mut Vec<Effect>) {
    if let Some(figures) = app.figures() {
        out.push(Effect::Ask(Request::Report(figures.run)));
    }
}

/// Cancels the run on the board for good: the person was asked.
pub(super) fn cancel(app: &mut App, out: &mut Vec<Effect>) {
    if app.is_live() {
        out.push(Effect::Command(Command::Cancel { by: app.by.clone() }));
    } else {
        out.push(Effect::Ask(Request::Cancel));
    }
}
