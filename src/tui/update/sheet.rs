//! Forms: opened, typed into, answered.

use crossterm::event::KeyCode;

use super::question;
use crate::tui::actions::Key;
use crate::tui::app::{Act, App, Named, Overlay, Question};
use crate::tui::form::{Told, Touched};
use crate::tui::message::{Answer, Effect};
use crate::tui::sheets::{self, About, Deferred, Sheet, Stays, new_run};
use crate::tui::theme::Ink;

/// Puts a form over the board.
pub(in crate::tui) fn open(app: &mut App, sheet: Sheet) {
    app.notice = None;
    app.overlays.push(Overlay::Sheet(Box::new(sheet)));
}

/// A new run, with the files that are marked, or that the last one was to be sent.
pub(super) fn open_new_run(app: &mut App, out: &mut Vec<Effect>) {
    let marks = &app.datasets.marks;
    let files = if marks.is_empty() { app.datasets.last.clone() } else { marks.clone() };
    new_run::open(app, &files, out);
}

/// Lends out the first page of a new run, where it is open.
pub(super) fn with_new_run(app: &mut App, change: impl FnOnce(&mut App, &mut Sheet)) {
    sheets::with(app, |about| matches!(about, About::NewRun(_)), change);
}

/// Opens exactly what is at fault.
pub(super) fn open_fault(app: &mut App, _out: &mut Vec<Effect>) {
    if let Some(sheet) = sheets::fault::open(app) {
        open(app, sheet);
    }
}

/// Asks for the person's name before the first thing that is written down with it; where it is known, does that at once.
pub(super) fn named_first(app: &mut App, then: Deferred, out: &mut Vec<Effect>) {
    match app.named {
        Named::Yes => go_on_with(app, then, out),
        Named::No => {
            let sheet = sheets::name::open(app, then);
            open(app, sheet);
        }
    }
}

/// Does what waited for the person's name.
pub(in crate::tui) fn go_on_with(app: &mut App, then: Deferred, out: &mut Vec<Effect>) {
    match then {
        Deferred::Action(action) => super::act(app, action, out),
        Deferred::Act(act) => question::carry_out(app, act, out),
    }
}

pub(super) fn press(app: &mut App, key: Key, out: &mut Vec<Effect>) {
    let waits = key.code == KeyCode::Esc && app.busy.is_some();
    if waits && (sheets::change::stop(app, out) || super::board::stop_waiting(app, out)) {
        return with_sheet(app, sheets::stopped);
    }
    let Some(Overlay::Sheet(sheet)) = app.overlays.last_mut() else { return };
    let told = sheet.form.press(key);
    take(app, told, out);
}

pub(super) fn paste(app: &mut App, text: &str, out: &mut Vec<Effect>) {
    let Some(Overlay::Sheet(sheet)) = app.overlays.last_mut() else { return };
    let told = sheet.form.paste(text);
    take(app, told, out);
}

pub(super) fn click(app: &mut App, id: &str, out: &mut Vec<Effect>) {
    let Some(Overlay::Sheet(sheet)) = app.overlays.last_mut() else { return };
    let told = sheet.form.click(id);
    take(app, told, out);
}

/// A click on an entry of the open list.
pub(super) fn choose(app: &mut App, value: &str, out: &mut Vec<Effect>) {
    let Some(Overlay::Sheet(sheet)) = app.overlays.last_mut() else { return };
    let told = sheet.form.choose(value);
    take(app, told, out);
}

/// What became of a key in a form.
fn take(app: &mut App, told: Told, out: &mut Vec<Effect>) {
    app.notice = None;
    match told {
        Told::Nothing => {}
        Told::Refused(why) => app.warns(format!("Not yet: {why}.")),
        Told::Leave | Told::Pressed("leave") => leave(app, out),
        Told::Changed(id) => with_sheet(app, |app, sheet| sheets::changed(app, sheet, &id, out)),
        Told::Pressed(id) => pressed(app, id, out),
    }
}

/// A button was pressed: the form is taken off while it is done, and comes back unless that closed it.
fn pressed(app: &mut App, id: &'static str, out: &mut Vec<Effect>) {
    let Some(Overlay::Sheet(mut sheet)) = app.overlays.pop() else { return };
    let place = app.overlays.len();
    if sheets::pressed(app, &mut sheet, id, out) == sheets::Stays::Open {
        app.overlays.insert(place.min(app.overlays.len()), Overlay::Sheet(sheet));
    }
}

/// Lends the uppermost form out, so that it and the rest of the state can be changed together.
pub(super) fn with_sheet(app: &mut App, change: impl FnOnce(&mut App, &mut Sheet)) {
    let Some(place) = app.overlays.iter().rposition(|overlay| matches!(overlay, Overlay::Sheet(_))) else {
        return;
    };
    if let Overlay::Sheet(mut sheet) = app.overlays.remove(place) {
        change(app, &mut sheet);
        app.overlays.insert(place.min(app.overlays.len()), Overlay::Sheet(sheet));
    }
}

/// Lends out the uppermost form that is about this, wherever it lies. It stays, unless that closed it.
pub(in crate::tui) fn with_about(
    app: &mut App,
    is: impl Fn(&About) -> bool,
    change: impl FnOnce(&mut App, &mut Sheet) -> Stays,
) {
    let place =
        app.overlays.iter().rposition(|overlay| matches!(overlay, Overlay::Sheet(sheet) if is(&sheet.about)));
    let Some(place) = place else { return };
    if let Overlay::Sheet(mut sheet) = app.overlays.remove(place)
        && change(app, &mut sheet) == Stays::Open
    {
        app.overlays.insert(place.min(app.overlays.len()), Overlay::Sheet(sheet));
    }
}

/// Esc: asks where something was typed.
fn leave(app: &mut App, out: &mut Vec<Effect>) {
    if super::board::stop_waiting(app, out) {
        return with_sheet(app, sheets::stopped);
    }
    let Some(Overlay::Sheet(sheet)) = app.overlays.last() else { return };
    if sheet.form.touched == Touched::No || matches!(sheet.about, About::Flight(_)) {
        with_sheet(app, |app, sheet| sheets::left(app, sheet, out));
        app.overlays.pop();
        return;
    }
    let words = vec![
        ("Leave this form?".to_owned(), Ink::Strong),
        (String::new(), Ink::Plain),
        ("What was typed into it is lost.".to_owned(), Ink::Plain),
    ];
    question::ask(app, Question::new(words, "Stay", "Leave", Act::DropForm));
}

/// The form under the question goes.
pub(super) fn drop_form(app: &mut App) {
    if let Some(place) = app.overlays.iter().rposition(|overlay| matches!(overlay, Overlay::Sheet(_))) {
        app.overlays.remove(place);
    }
}

/// What the office answers to a form.
pub(super) fn answer(app: &mut App, answer: Answer, out: &mut Vec<Effect>) {
    let mut answer = Some(answer);
    let mut stays = sheets::Stays::Open;
    with_sheet(app, |app, sheet| {
        if let Some(answer) = answer.take() {
            stays = sheets::answer(app, sheet, answer, out);
        }
    });
    if stays == sheets::Stays::Closed {
        drop_form(app);
    }
}

/// A run was not begun, with the reason.
pub(super) fn refused(app: &mut App, why: &str) {
    with_sheet(app, |app, sheet| sheets::refused(app, sheet, why));
}

/// A text came back from the person's editor.
pub(super) fn edited(app: &mut App, text: Result<Option<Vec<u8>>, String>, out: &mut Vec<Effect>) {
    match text {
        Ok(Some(text)) => with_sheet(app, |app, sheet| sheets::edited(app, sheet, text, out)),
        Ok(None) => app.says("Nothing was changed in the editor."),
        Err(why) => app.warns(why),
    }
}
