//! Acts on failures, and what follows them: by the run that this window carries, or else through the office.

use bytes::Bytes;

use super::failures;
use crate::engine::Command;
use crate::journal::Judgement;
use crate::model::{FailureId, FailureState, Seq};
use crate::tui::actions;
use crate::tui::app::{Afterwards, App, Overlay};
use crate::tui::mending::Mendings;
use crate::tui::message::{Effect, Look, Request};
use crate::tui::sheets;

/// Whether an edit is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Written {
    /// It was handed to the run, which does what it is told in turn.
    Handed,
    /// The office was asked, and answers.
    Asked,
}

/// Hands edited records on.
pub(in crate::tui) fn write(
    app: &mut App,
    records: Vec<(FailureId, Option<Bytes>)>,
    out: &mut Vec<Effect>,
) -> Written {
    if app.is_live() {
        out.push(Effect::Command(Command::Edit { records, by: app.by.clone() }));
        Written::Handed
    } else {
        out.push(Effect::Ask(Request::Edit(records)));
        Written::Asked
    }
}

/// Keeps edited records; none takes an edit back. Then does what is to follow.
pub(in crate::tui) fn edit(
    app: &mut App,
    records: Vec<(FailureId, Option<Bytes>)>,
    then: Afterwards,
    out: &mut Vec<Effect>,
) {
    let items = records.iter().filter(|(id, _)| id.is_item()).map(|(id, _)| id.item).collect();
    match write(app, records, out) {
        // a run that was too busy says so before the journal answers, and nothing follows then
        Written::Handed => out.push(Effect::Look(Look::Mendings)),
        Written::Asked => {}
    }
    app.after_edit = Some((then, items));
}

/// Closes failures, or opens them again.
pub(super) fn judge(app: &mut App, ids: Vec<FailureId>, judgement: Judgement, out: &mut Vec<Effect>) {
    if app.is_live() {
        out.push(Effect::Command(Command::Judge { failures: ids, judgement, by: app.by.clone() }));
    } else {
        out.push(Effect::Ask(Request::Judge(ids, judgement)));
    }
}

/// The office has kept edits, or says why not.
pub(super) fn kept(app: &mut App, result: Result<(), String>, out: &mut Vec<Effect>) {
    if !sheets::change::kept(app, &result, out) {
        let after = app.after_edit.take();
        match result {
            Ok(()) => {
                if let Some((then, items)) = after {
                    follow(app, then, items, out);
                }
            }
            Err(why) => return app.warns(format!("Nothing was changed: {why}")),
        }
    }
    changed(app, out);
    out.push(Effect::Look(Look::Row));
}

/// What is edited was read anew. What was handed to a run before that has been taken by it: it takes its commands in
/// turn, so what follows comes after.
pub(super) fn mendings(app: &mut App, mendings: Mendings, out: &mut Vec<Effect>) {
    app.mendings = mendings;
    if app.is_live()
        && let Some((then, items)) = app.after_edit.take()
    {
        follow(app, then, items, out);
        app.failures_changed();
    }
}

/// The run was too busy for an edit: nothing of it was kept, and nothing follows.
pub(super) fn not_taken(app: &mut App, out: &mut Vec<Effect>) {
    app.after_edit = None;
    app.warns("The run is busy and did not take that; nothing was changed. Please do it again.");
    sheets::change::not_taken(app, out);
}

fn follow(app: &mut App, then: Afterwards, items: Vec<Seq>, out: &mut Vec<Effect>) {
    match then {
        Afterwards::Nothing => {}
        Afterwards::AskToSend => ask_to_send(app, items.into_iter().map(FailureId::from).collect(), out),
        Afterwards::Send => {
            if let Some(item) = items.first() {
                send_one(app, (*item).into(), out);
            }
        }
    }
}

/// Sends one failure again: the person has just said so.
pub(in crate::tui) fn send_one(app: &mut App, id: FailureId, out: &mut Vec<Effect>) {
    if let Err(why) = actions::resendable(app) {
        return app.warns(format!("It is kept, and was not sent: {why}."));
    }
    app.says("Kept, and asked to send it.");
    failures::resend_one(app, id, out);
}

/// Asks whether to send those that have just been changed.
pub(in crate::tui) fn ask_to_send(app: &mut App, ids: Vec<FailureId>, out: &mut Vec<Effect>) {
    failures::ask_about(app, ids, out);
}

/// Takes back what was done to one failure: an edit, or that it was closed.
pub(super) fn undo_one(app: &mut App, id: FailureId, out: &mut Vec<Effect>) {
    if let Err(why) = actions::mendable(app) {
        return app.warns(format!("Not now: {why}."));
    }
    let Some(row) = app.failure_row(id) else { return };
    let (state, edited, key) = (row.state, row.edited, row.key.clone());
    match state {
        FailureState::Dismissed => {
            app.says(format!("{key} is open again."));
            judge(app, vec![id], Judgement::Reopen, out);
        }
        FailureState::Failed | FailureState::Invalid if edited => {
            app.says(format!("{key} is as it was in the file again."));
            edit(app, vec![(id, None)], Afterwards::Nothing, out);
        }
        _ => app.warns(format!("Not now: {key} is neither edited nor closed.")),
    }
}

/// Something was done to failures: what is shown of them is read again.
pub(super) fn changed(app: &mut App, out: &mut Vec<Effect>) {
    app.failures_changed();
    out.push(Effect::Look(Look::Mendings));
    for overlay in &app.overlays {
        if let Overlay::Failure(open) = overlay {
            out.push(Effect::Look(Look::Failure(open.id)));
        }
    }
}
