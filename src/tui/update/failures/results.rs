//! What becomes of acts on many: shown when they are over, where they were begun in this window, and found again under
//! *What happened*.

use std::path::PathBuf;

use crate::journal::{Act, EventRow, Query, View};
use crate::tui::actions::Action;
use crate::tui::app::{App, Overlay, Pane};
use crate::tui::message::{Effect, Look};
use crate::tui::overlays::outcome::{Button, Outcome};
use crate::tui::sheets;

/// Asks for what became of an act, to be shown.
pub(super) fn open(app: &mut App, act: i64, out: &mut Vec<Effect>) {
    app.failures.acts.want(act);
    out.push(Effect::Look(Look::Act(act)));
}

/// Something happened in the run on the board.
pub(in crate::tui::update) fn happened(app: &mut App, event: &EventRow, out: &mut Vec<Effect>) {
    let ended = match (event.kind.as_str(), event.act) {
        ("act", Some(act)) if is_own_sending(app, event) => app.failures.acts.told(act),
        ("act_ended", _) => {
            read_opened(app, out);
            app.failures_changed();
            app.failures.acts.ended()
        }
        _ => None,
    };
    out.extend(ended.map(|act| Effect::Look(Look::Act(act))));
}

fn is_own_sending(app: &App, event: &EventRow) -> bool {
    event
        .text
        .as_deref()
        .and_then(|text| text.strip_prefix(app.by.as_str()))
        .is_some_and(|rest| rest.starts_with(": sends "))
}

/// The run on the board has ended: what was sent again is over with it.
pub(in crate::tui::update) fn run_ended(app: &mut App, out: &mut Vec<Effect>) {
    read_opened(app, out);
    // what was edited may have been sent by now, and whoever leaves is told of the rest
    if app.mendings.edited > 0 && app.after_edit.is_none() {
        out.push(Effect::Look(Look::Mendings));
    }
    let ended = app.failures.acts.ended();
    out.extend(ended.map(|act| Effect::Look(Look::Act(act))));
}

/// What was sent again from the page of a failure has its end there, too.
fn read_opened(app: &App, out: &mut Vec<Effect>) {
    let singles = app.failures.singles.waiting();
    out.extend(app.overlays.iter().filter_map(|overlay| match overlay {
        Overlay::Failure(open) if !singles.contains(&open.id) => Some(Effect::Look(Look::Failure(open.id))),
        _ => None,
    }));
    super::look_at_singles(app, out);
}

/// What became of an act.
pub(in crate::tui::update) fn act_found(app: &mut App, number: i64, act: Option<Box<Act>>) {
    let wanted = app.failures.acts.is_wanted(number);
    let Some(act) = act else {
        if wanted {
            app.warns("The journal of this run holds no such act.");
        }
        return;
    };
    // whoever types something now is not interrupted
    if !wanted && !app.overlays.is_empty() {
        return app.says("What was sent again has ended: 3 Run shows it, under What happened.");
    }
    let stopped = app
        .happenings
        .rows()
        .map(|row| &row.event)
        .find(|event| event.kind == "act_ended" && event.at >= act.at)
        .and_then(|event| event.text.clone());
    app.notice = None;
    let frame = app.frame;
    app.overlays.push(Overlay::Outcome(Outcome::new(act, stopped, frame)));
}

/// Keys in what became of an act.
pub(in crate::tui::update) fn in_outcome(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    let Some(Overlay::Outcome(outcome)) = app.overlays.last_mut() else { return };
    let count = outcome.buttons().len().max(1);
    match action {
        Action::NextPlace | Action::Down => outcome.at = (outcome.at + 1) % count,
        Action::PreviousPlace | Action::Up => outcome.at = (outcome.at + count - 1) % count,
        Action::Open if outcome.is_seen() => {
            let at = outcome.at;
            press_in_outcome(app, at, out);
        }
        Action::Back => drop(app.overlays.pop()),
        _ => {}
    }
}

/// A button of it was pressed.
pub(in crate::tui::update) fn press_in_outcome(app: &mut App, at: usize, out: &mut Vec<Effect>) {
    let Some(Overlay::Outcome(outcome)) = app.overlays.last() else { return };
    let Some((button, _)) = outcome.buttons().into_iter().nth(at) else { return };
    let act = outcome.act.act;
    let query = Query { act: Some(act), view: View::All, ..Query::default() };
    match button {
        Button::Close => drop(app.overlays.pop()),
        Button::Show => {
            app.overlays.clear();
            super::super::board::to_pane(app, Pane::Failures);
            app.failures.filter.clear();
            super::listing::list_rows(app, Query { view: View::Open, ..query }, out);
        }
        Button::Save => sheets::to_file::open(app, query),
    }
}

/// A file was written, or not.
pub(in crate::tui::update) fn written(app: &mut App, written: Result<PathBuf, String>) {
    app.busy = None;
    match written {
        Ok(path) => app.says(format!("Written: {}. Only you can read it.", path.display())),
        Err(why) => app.warns(format!("Nothing was written: {why}")),
    }
}
