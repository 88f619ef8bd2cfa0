//! *New run*, the first of its two pages: what, where to, which files, and how. Nothing starts from here.
//!
//! The fields are the plan: each is read with the plan's own rules while it is typed, so that a form that says nothing
//! is a plan that would be taken.

mod rows;
mod settings;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{About, Sheet, Stays, flight, map, save_plan};
use crate::model::OperationKind;
use crate::plan::{Plan, PlanSetting};
use crate::text;
use crate::tui::app::{App, Busy, Overlay};
use crate::tui::files::{FileErrand, Found};
use crate::tui::form::Form;
use crate::tui::message::{Answer, Effect, Request};
use crate::tui::office::ProfileRow;

/// What stands between the names of several datasets.
const BETWEEN: &str = ", ";

/// The first page of a new run.
#[derive(Debug)]
pub(in crate::tui) struct NewRun {
    pub kind: OperationKind,
    /// All settings of the operation, with their defaults.
    defaults: Vec<PlanSetting>,
    /// What stands in their fields, where it is not the default.
    values: BTreeMap<String, String>,
    /// `[operation.map]`.
    pub map: Option<toml::Table>,
    unfolded: Unfolded,
    pub dataset: Dataset,
    check: Check,
    /// Why the last check did not come to its end.
    trouble: Option<String>,
    /// What is wrong with settings, by their keys.
    wrong: BTreeMap<String, String>,
}

/// Whether all settings are to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unfolded {
    No,
    Yes,
}

/// Whether a check goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    No,
    Under,
}

/// What is known of the datasets.
#[derive(Debug)]
pub(in crate::tui) enum Dataset {
    /// None is named.
    None,
    /// They are being looked for.
    Coming(Vec<String>),
    /// They are there.
    Here(Box<Found>),
    /// They can't be used.
    Refused(String),
}

/// Opens the form with these files.
pub(in crate::tui) fn open(app: &mut App, files: &[PathBuf], out: &mut Vec<Effect>) {
    if let Some(strange) = files.iter().find(|file| file.to_str().is_none()) {
        let name = text::one_line(&strange.to_string_lossy(), 80);
        return app.warns(format!(
            "Not now: the name `{name}` is not UTF-8, so that no plan can name it; rename it."
        ));
    }
    let platform = app.credentials.next().map(|profile| profile.platform);
    let fits = |kind: &OperationKind| platform.is_none_or(|platform| kind.platform() == platform);
    let kind = match app.datasets.last_kind.filter(&fits) {
        _ if files.len() > 1 => OperationKind::Ingest,
        Some(last) => last,
        None if platform.is_none() => OperationKind::Outcomes,
        None => OperationKind::ALL.iter().copied().find(fits).unwrap_or(OperationKind::Outcomes),
    };
    let mut new_run = NewRun {
        kind,
        defaults: Plan::new(kind).settings(),
        values: BTreeMap::new(),
        map: None,
        unfolded: Unfolded::No,
        dataset: Dataset::None,
        check: Check::No,
        trouble: None,
        wrong: BTreeMap::new(),
    };
    let rows = rows::of(app, &new_run, "");
    let mut form = Form { main: Some("check"), ..Form::new("New run · 1 of 2, settings", rows, app.frame) };
    if let Some(field) = form.field_mut("dataset") {
        field.set(&text_of(app, files));
    }
    look_for(app, &form, &mut new_run, out);
    refresh(app, &mut form, &mut new_run);
    let focus = if files.is_empty() { "dataset" } else { "what" };
    let form = form.focused(focus);
    app.notice = None;
    app.overlays.push(Overlay::Sheet(Box::new(Sheet { form, about: About::NewRun(Box::new(new_run)) })));
}

/// Files as they stand in the field.
fn text_of(app: &App, files: &[PathBuf]) -> String {
    let one = |file: &PathBuf| {
        let words = app.datasets.words_of(file);
        // what would be read as two names is written as a pattern that fits this one only
        if files.len() > 1 && words.contains(BETWEEN) {
            glob::Pattern::escape(&file.to_string_lossy()).replace(BETWEEN, "[,] ")
        } else {
            words
        }
    };
    files.iter().map(one).collect::<Vec<_>>().join(BETWEEN)
}

/// The names and patterns in the field, absolute.
fn patterns(app: &App, kind: OperationKind, text: &str) -> Vec<String> {
    let names: Vec<&str> =
        if kind == OperationKind::Ingest { text.split(BETWEEN).collect() } else { vec![text] };
    names
        .into_iter()
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| app.datasets.absolute(name))
        .collect()
}

/// Has the files looked for that stand in the field.
fn look_for(app: &mut App, form: &Form, new_run: &mut NewRun, out: &mut Vec<Effect>) {
    let text = form.value("dataset").trim();
    let patterns = patterns(app, new_run.kind, text);
    new_run.dataset = if patterns.is_empty() {
        Dataset::None
    } else if text == "-" {
        Dataset::Refused("standard input can't be read from here; use `trunkline run` for that".to_owned())
    } else {
        out.push(Effect::Files(FileErrand::Find(patterns.clone())));
        Dataset::Coming(patterns)
    };
}

/// The files answer: these are the files, or there are none.
pub(in crate::tui) fn found(
    app: &mut App,
    sheet: &mut Sheet,
    patterns: &[String],
    found: Result<Box<Found>, String>,
) {
    let Sheet { form, about: About::NewRun(new_run) } = sheet else { return };
    if !matches!(&new_run.dataset, Dataset::Coming(wanted) if wanted == patterns) {
        return;
    }
    new_run.dataset = match found {
        Err(why) => Dataset::Refused(why),
        Ok(found) if found.files.len() > 1 && new_run.kind != OperationKind::Ingest => {
            Dataset::Refused(format!(
                "{} takes one file, and {} fit; only ingest takes several",
                new_run.kind,
                found.files.len()
            ))
        }
        Ok(found) => {
            let files: Vec<PathBuf> = found.files.iter().map(|(path, _)| path.clone()).collect();
            let uncounted =
                found.files.iter().filter(|(path, stamp)| app.datasets.counted(path, *stamp).is_none());
            app.datasets.wanted = uncounted.map(|(path, _)| path.clone()).collect();
            if !app.datasets.wanted.is_empty() {
                // what counts in the background makes way
                app.datasets.counting = None;
            }
            app.datasets.last = files;
            Dataset::Here(found)
        }
    };
    refresh(app, form, new_run);
}

/// The records of a file have been counted.
pub(in crate::tui) fn counted(app: &App, sheet: &mut Sheet) {
    let Sheet { form, about: About::NewRun(new_run) } = sheet else { return };
    refresh(app, form, new_run);
}

/// The profile that is chosen.
fn profile<'a>(app: &'a App, form: &Form, kind: OperationKind) -> Option<&'a ProfileRow> {
    let chosen = form.value(&rows::profile_id(kind));
    app.credentials.rows().iter().find(|row| row.platform == kind.platform() && row.name == chosen)
}

/// The plan as it stands in the fields, for as far as they are right.
fn plan(app: &App, form: &Form, new_run: &NewRun) -> (Plan, BTreeMap<String, String>) {
    let (mut plan, wrong) = settings::plan_of(new_run.kind, &new_run.defaults, &new_run.values);
    plan.profile = profile(app, form, new_run.kind).map(|profile| profile.name.clone());
    plan.datasets = patterns(app, new_run.kind, form.value("dataset").trim());
    plan.map.clone_from(&new_run.map);
    if let crate::plan::Operation::Exchange(exchange) = &mut plan.operation {
        let built_in = crate::plan::Exchange::default().schema;
        if exchange.schema != built_in && !Path::new(&exchange.schema).is_absolute() {
            exchange.schema = app.datasets.absolute(&exchange.schema);
        }
    }
    (plan, wrong)
}

/// Reads the fields, and puts beside them what is to be said of them.
fn refresh(app: &App, form: &mut Form, new_run: &mut NewRun) {
    for setting in &new_run.defaults {
        let Some(field) = form.field(&rows::id(new_run.kind, &setting.key)) else { continue };
        let typed = match (&setting.value, field.value()) {
            (Some(toml::Value::Boolean(_)), "yes") => "true".to_owned(),
            (Some(toml::Value::Boolean(_)), _) => "false".to_owned(),
            (_, typed) => typed.to_owned(),
        };
        if typed == settings::text_of(setting.value.as_ref()) {
            new_run.values.remove(&setting.key);
        } else {
            new_run.values.insert(setting.key.clone(), typed);
        }
    }
    let (plan, wrong) = plan(app, form, new_run);
    new_run.wrong = wrong;
    let missing = missing(app, form, new_run, &plan);
    let mut rows = rows::of(app, new_run, form.value(&rows::profile_id(new_run.kind)));
    rows::allow(&mut rows, new_run.wrong.is_empty(), &missing);
    form.arrange(rows);
    rows::note(app, form, new_run);
    let labels: Vec<String> = form.wrong().iter().map(|field| field.label.clone()).collect();
    form.foot = match (labels.as_slice(), missing.as_slice()) {
        ([], []) => String::new(),
        ([], missing) => format!("to be filled in: {}", missing.join(BETWEEN)),
        (wrong, _) => format!("{} to be mended: {}", wrong.len(), wrong.join(BETWEEN)),
    };
}

/// What is still to be filled in, by its label.
fn missing(app: &App, form: &Form, new_run: &NewRun, plan: &Plan) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if profile(app, form, new_run.kind).is_none() {
        missing.push("Profile");
    }
    if matches!(new_run.dataset, Dataset::None) {
        missing.push("Dataset");
    }
    if plan.missing().is_some() {
        missing.push("Data Action");
    }
    missing
}

/// A field has another value now.
pub(super) fn changed(app: &mut App, sheet: &mut Sheet, id: &str, out: &mut Vec<Effect>) {
    let Sheet { form, about: About::NewRun(new_run) } = sheet else { return };
    if stop(app, new_run, out) {
        app.says("The check was stopped: a setting is another one now.");
    }
    new_run.trouble = None;
    match id {
        "what" => {
            let kind = form.value("what").parse().unwrap_or(new_run.kind);
            to_kind(app, form, new_run, kind);
            look_for(app, form, new_run, out);
        }
        "dataset" => look_for(app, form, new_run, out),
        _ => {}
    }
    refresh(app, form, new_run);
}

/// Another operation: settings that both have stay as they were typed.
fn to_kind(app: &mut App, form: &mut Form, new_run: &mut NewRun, kind: OperationKind) {
    app.datasets.last_kind = Some(kind);
    new_run.kind = kind;
    new_run.defaults = Plan::new(kind).settings();
    new_run.map = None;
    let shared: Vec<&str> =
        new_run.defaults.iter().filter(|one| one.of_delivery).map(|one| one.key.as_str()).collect();
    new_run.values.retain(|key, _| shared.contains(&key.as_str()));
    let rows = rows::of(app, new_run, "");
    form.arrange(rows);
}

/// A button was pressed.
pub(super) fn pressed(app: &mut App, sheet: &mut Sheet, id: &str, out: &mut Vec<Effect>) -> Stays {
    let Sheet { form, about: About::NewRun(new_run) } = sheet else { return Stays::Closed };
    match id {
        "more" => {
            new_run.unfolded = if new_run.unfolded == Unfolded::Yes { Unfolded::No } else { Unfolded::Yes };
            refresh(app, form, new_run);
        }
        "map" => map::open(app, new_run),
        "save" => {
            let (plan, _) = plan(app, form, new_run);
            save_plan::open(app, plan);
        }
        "check" => {
            new_run.trouble = None;
            let (plan, _) = plan(app, form, new_run);
            let what = match plan.datasets.as_slice() {
                [one] => one.rsplit('/').next().unwrap_or(one).to_owned(),
                several => format!("{} files", several.len()),
            };
            let what = format!("Checking {}", text::one_line(&what, 40));
            app.busy = Some(Busy { what, since: app.now.instant, far: None });
            new_run.check = Check::Under;
            refresh(app, form, new_run);
            out.push(Effect::Ask(Request::Check(Box::new(plan))));
        }
        _ => {
            stop(app, new_run, out);
            return Stays::Closed;
        }
    }
    Stays::Open
}

/// Stops the check that goes on. Says whether there was one.
fn stop(app: &mut App, new_run: &mut NewRun, out: &mut Vec<Effect>) -> bool {
    let goes = new_run.check == Check::Under;
    if goes {
        new_run.check = Check::No;
        app.busy = None;
        out.push(Effect::StopAsking);
    }
    goes
}

/// The person has stopped what they waited for.
pub(super) fn stopped(app: &App, sheet: &mut Sheet) {
    let Sheet { form, about: About::NewRun(new_run) } = sheet else { return };
    new_run.check = Check::No;
    refresh(app, form, new_run);
}

/// Another map was made, or none.
pub(super) fn take_map(app: &App, sheet: &mut Sheet, map: Option<toml::Table>) {
    let Sheet { form, about: About::NewRun(new_run) } = sheet else { return };
    new_run.map = map;
    form.touched = crate::tui::form::Touched::Yes;
    refresh(app, form, new_run);
}

/// The office answers.
pub(super) fn answer(app: &mut App, sheet: &mut Sheet, answer: Answer) {
    let Sheet { form, about: About::NewRun(new_run) } = sheet else { return };
    match answer {
        Answer::CheckGoes(read, of) if new_run.check == Check::Under => {
            if let Some(busy) = &mut app.busy {
                busy.far = Some((read, of));
            }
        }
        Answer::Checked(checked) if new_run.check == Check::Under => {
            new_run.check = Check::No;
            app.busy = None;
            match checked {
                Ok(checked) => flight::open(app, *checked),
                Err(why) => {
                    app.warns(format!("The check did not come to its end: {why}"));
                    new_run.trouble = Some(why);
                }
            }
            refresh(app, form, new_run);
        }
        _ => {}
    }
}
