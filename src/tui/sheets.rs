//! The forms of the board, one file each: what stands in them, and what their buttons do.

pub(super) mod change;
pub(super) mod edit;
pub(super) mod fault;
pub(super) mod flight;
pub(super) mod folder;
pub(super) mod map;
pub(super) mod name;
pub(super) mod new_run;
pub(super) mod note;
pub(super) mod practise;
pub(super) mod profile;
pub(super) mod save_plan;
pub(super) mod to_file;

use super::actions::Action;
use super::app::{Act, App, Overlay};
use super::form::Form;
use super::message::{Answer, Effect};

/// A form, and what it is about.
#[derive(Debug)]
pub(super) struct Sheet {
    pub form: Form,
    pub about: About,
}

/// What a form is about.
#[derive(Debug)]
pub(super) enum About {
    /// Failures that go to a file.
    ToFile(to_file::ToFile),
    /// The record of a failure.
    Edit(Box<edit::Edit>),
    /// A value in many records.
    Change(Box<change::Change>),
    /// The note with which failures are closed.
    Closing(note::Closing),
    /// A profile that is added or changed.
    Profile(profile::ProfileSheet),
    /// A fault that is mended.
    Fault(fault::FaultSheet),
    /// The person's name, and what waits for it.
    Name(Deferred),
    /// A run for practice.
    Practise,
    /// Another folder of runs.
    Folder,
    /// The settings of a new run.
    NewRun(Box<new_run::NewRun>),
    /// What the fields of its records are made from.
    Map(map::Map),
    /// What a new run would do.
    Flight(Box<flight::Page>),
    /// Where its plan is to be written.
    SavePlan(save_plan::SavePlan),
}

/// What waits for the person's name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Deferred {
    /// A key's action.
    Action(Action),
    /// What an answer to a question does.
    Act(Act),
}

/// Whether a form stays after one of its buttons was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stays {
    Open,
    Closed,
}

/// A field of a form has another value now.
pub(super) fn changed(app: &mut App, sheet: &mut Sheet, id: &str, out: &mut Vec<Effect>) {
    match &mut sheet.about {
        About::Practise | About::Map(_) => {}
        About::ToFile(_) => to_file::changed(&mut sheet.form, id),
        About::Profile(about) => about.changed(&mut sheet.form, id),
        About::Fault(about) => about.changed(&mut sheet.form),
        About::Name(_) => name::changed(&mut sheet.form),
        About::Folder => folder::changed(&mut sheet.form),
        About::NewRun(_) => new_run::changed(app, sheet, id, out),
        About::Flight(_) => flight::changed(app, sheet),
        About::SavePlan(_) => save_plan::changed(sheet),
        About::Edit(edit) => edit.changed(&mut sheet.form, id, app, out),
        About::Change(change) => change.changed(app, &mut sheet.form, id, out),
        About::Closing(closing) => closing.changed(&mut sheet.form, id),
    }
}

/// A button of a form was pressed.
pub(super) fn pressed(app: &mut App, sheet: &mut Sheet, id: &'static str, out: &mut Vec<Effect>) -> Stays {
    match &mut sheet.about {
        About::ToFile(to_file) => to_file.pressed(app, &mut sheet.form, id, out),
        About::Edit(edit) => edit.pressed(app, &mut sheet.form, id, out),
        About::Change(change) => change.pressed(app, &mut sheet.form, id, out),
        About::Closing(closing) => closing.pressed(app, &mut sheet.form, id, out),
        About::Profile(about) => about.pressed(app, &mut sheet.form, id, out),
        About::Fault(about) => about.pressed(app, &mut sheet.form, id, out),
        About::Name(then) => name::pressed(app, &mut sheet.form, then, id, out),
        About::Practise => practise::pressed(app, &sheet.form, id, out),
        About::Folder => folder::pressed(app, &sheet.form, id, out),
        About::NewRun(_) => new_run::pressed(app, sheet, id, out),
        About::Map(_) => map::pressed(app, sheet, id),
        About::Flight(_) => flight::pressed(app, sheet, id, out),
        About::SavePlan(_) => save_plan::pressed(app, sheet, id, out),
    }
}

/// A form is being left without one of its buttons.
pub(super) fn left(app: &mut App, sheet: &mut Sheet, out: &mut Vec<Effect>) {
    if let About::Change(change) = &mut sheet.about {
        change::left(app, change, out);
    }
}

/// The person has stopped what they waited for.
pub(super) fn stopped(app: &mut App, sheet: &mut Sheet) {
    if let About::NewRun(_) = &sheet.about {
        new_run::stopped(app, sheet);
    }
}

/// The office answers while a form is open.
pub(super) fn answer(app: &mut App, sheet: &mut Sheet, answer: Answer, _out: &mut Vec<Effect>) -> Stays {
    match (&sheet.about, answer) {
        (About::SavePlan(_), answer) => return save_plan::answer(app, sheet, answer),
        (_, Answer::PlanSaved(Ok(path))) => save_plan::say_saved(app, &path),
        (_, Answer::PlanSaved(Err(why))) => app.warns(format!("Nothing was written: {why}")),
        (About::NewRun(_), answer) => new_run::answer(app, sheet, answer),
        _ => {}
    }
    Stays::Open
}

/// A run was not begun.
pub(super) fn refused(app: &mut App, sheet: &mut Sheet, why: &str) {
    if let About::Flight(_) = &sheet.about {
        flight::refused(app, sheet, why);
    }
}

/// A text came back from the person's editor.
pub(super) fn edited(app: &mut App, sheet: &mut Sheet, text: Vec<u8>, out: &mut Vec<Effect>) {
    if let About::Edit(edit) = &mut sheet.about {
        edit.edited(app, &mut sheet.form, text, out);
    }
}

/// Lends out the uppermost form that is about something, so that it and the rest of the state can be changed together.
pub(super) fn with(app: &mut App, about: impl Fn(&About) -> bool, change: impl FnOnce(&mut App, &mut Sheet)) {
    let is_it = |overlay: &Overlay| matches!(overlay, Overlay::Sheet(sheet) if about(&sheet.about));
    let Some(place) = app.overlays.iter().rposition(is_it) else { return };
    if let Overlay::Sheet(mut sheet) = app.overlays.remove(place) {
        change(app, &mut sheet);
        app.overlays.insert(place.min(app.overlays.len()), Overlay::Sheet(sheet));
    }
}
