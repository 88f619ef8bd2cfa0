//! Where a plan is to be written.

use std::path::Path;

use super::{About, Sheet, Stays};
use crate::plan::Plan;
use crate::tui::app::{App, Overlay};
use crate::tui::form::{Button, Field, Form, Note, Row};
use crate::tui::message::{Answer, Effect, Request};
use crate::tui::theme::Ink;

/// A plan that is to be written down.
#[derive(Debug)]
pub(in crate::tui) struct SavePlan {
    plan: Box<Plan>,
}

/// Opens the form over whatever brought the plan.
pub(super) fn open(app: &mut App, plan: Plan) {
    let folder = app.datasets.words_of(&app.datasets.start);
    let name = format!("{}/{}.toml", folder.trim_end_matches('/'), plan.operation.kind());
    let rows = vec![
        Row::Text(
            "A plan holds these settings, and no secret. It can be changed in any editor, and begun with `trunkline run`."
                .to_owned(),
            Ink::Dim,
        ),
        Row::gap(),
        Row::Field(Field::text("path", "File", name).wide(60)),
        Row::gap(),
        Row::Buttons(vec![Button::new("leave", "Leave"), Button::new("save", "Save")]),
    ];
    let form = Form::new("Save as plan", rows, app.frame);
    let about = About::SavePlan(SavePlan { plan: Box::new(plan) });
    app.overlays.push(Overlay::Sheet(Box::new(Sheet { form, about })));
}

pub(super) fn changed(sheet: &mut Sheet) {
    let wrong = sheet.form.value("path").trim().is_empty();
    let note = if wrong { Note::Wrong("the name of a file".to_owned()) } else { Note::None };
    sheet.form.note("path", note);
}

/// A button was pressed.
pub(super) fn pressed(app: &App, sheet: &mut Sheet, id: &str, out: &mut Vec<Effect>) -> Stays {
    let Sheet { form, about: About::SavePlan(save) } = sheet else { return Stays::Closed };
    let typed = form.value("path").trim().to_owned();
    if id != "save" {
        return Stays::Closed;
    }
    if typed.is_empty() {
        form.note("path", Note::Wrong("the name of a file".to_owned()));
    } else {
        // a name here is no pattern
        let path = match typed.strip_prefix("~/").zip(app.datasets.home.as_ref()) {
            Some((rest, home)) => home.join(rest),
            None => app.datasets.start.join(&typed),
        };
        out.push(Effect::Ask(Request::SavePlan(save.plan.clone(), path)));
    }
    Stays::Open
}

/// The office answers. Says whether the form is done with.
pub(super) fn answer(app: &mut App, sheet: &mut Sheet, answer: Answer) -> Stays {
    let Answer::PlanSaved(saved) = answer else { return Stays::Open };
    match saved {
        Ok(path) => {
            say_saved(app, &path);
            Stays::Closed
        }
        Err(why) => {
            app.warns(format!("Nothing was written: {why}"));
            sheet.form.note("path", Note::Wrong(why));
            Stays::Open
        }
    }
}

/// A plan stands where it was to be.
pub(super) fn say_saved(app: &mut App, path: &Path) {
    let path = app.datasets.words_of(path);
    app.says(format!("Saved as {path}."));
}
