//! What stands in the first page of a new run.

use std::time::Duration;

use super::{BETWEEN, Check, Dataset, NewRun, Unfolded, settings, words as named};
use crate::dataset::map::Mapping;
use crate::model::OperationKind;
use crate::operation::{self, Operation as _};
use crate::plan::{Operation, PlanSetting};
use crate::tui::app::{App, Test};
use crate::tui::canvas;
use crate::tui::files::Found;
use crate::tui::form::{Button, Choice, Field, Form, Note, Row};
use crate::tui::layout;
use crate::tui::numbers;
use crate::tui::office::ProfileRow;
use crate::tui::theme::Ink;
use crate::tui::words;

/// The most fields that are named where nothing says which are needed.
const NAMED: usize = 6;

/// The name of the field for the profile. Each platform has its own, so that a choice is not carried to the other.
pub(super) fn profile_id(kind: OperationKind) -> String {
    format!("profile/{}", kind.platform())
}

/// The name of a setting's field. Each operation has its own, because defaults differ.
pub(super) fn id(kind: OperationKind, key: &str) -> String {
    format!("{kind}/{key}")
}

/// All rows.
pub(super) fn of(app: &App, new_run: &NewRun, profile: &str) -> Vec<Row> {
    let kind = new_run.kind;
    let first = named::first(kind);
    let setting = |key: &&str| new_run.defaults.iter().find(|setting| setting.key == **key);
    let mut shown: Vec<&PlanSetting> = first.iter().filter_map(setting).collect();
    let rest: Vec<&PlanSetting> =
        new_run.defaults.iter().filter(|setting| !first.contains(&setting.key.as_str())).collect();
    let changed = rest.iter().filter(|setting| new_run.values.contains_key(&setting.key)).count();
    let hidden = rest.len();
    let own = shown.iter().take_while(|setting| !setting.of_delivery).count();
    if new_run.unfolded == Unfolded::Yes {
        shown.extend(rest);
    }
    let labels = shown.iter().map(|setting| canvas::width(label(setting))).max().unwrap_or(0).max(9);
    let aside = Aside { indent: usize::from(labels) + 2, width: layout::full_page(app.size).width };

    let mut rows = vec![Row::Field(what(kind)), Row::Field(profiles(app, kind, profile))];
    rows.push(Row::Field(Field::text("dataset", "Dataset", "").wide(42)));
    let (told, ink) = dataset(app, new_run);
    rows.extend(aside.text("", &told, ink));
    let mut shown = shown.into_iter().map(|setting| Row::Field(field(new_run, setting)));
    rows.extend(shown.by_ref().take(own));
    let (told, ink) = columns(new_run);
    rows.extend(aside.text("Columns", &told, ink));
    rows.push(Row::Buttons(vec![Button::new("map", "map …")]));
    rows.push(Row::gap());
    rows.extend(shown);
    let more = match (new_run.unfolded, changed) {
        (Unfolded::Yes, _) => "fewer settings".to_owned(),
        (Unfolded::No, 0) => format!("more settings … {hidden} at their defaults"),
        (Unfolded::No, _) => {
            format!("more settings … {} at their defaults, {changed} not", hidden - changed)
        }
    };
    rows.push(Row::Buttons(vec![Button::new("more", more)]));
    rows.push(Row::gap());
    if let Some(trouble) = &new_run.trouble {
        rows.extend(aside.text("", &format!("✗ {trouble}"), Ink::Bad));
    }
    rows.push(Row::Buttons(vec![
        Button::new("leave", "Leave"),
        Button::new("save", "Save as plan"),
        Button::new("check", "Check what would happen").may(match new_run.check {
            Check::No => Ok(()),
            Check::Under => Err("it is being checked; Esc stops it".to_owned()),
        }),
    ]));
    rows
}

/// Words beside or below fields, in the column of their values.
struct Aside {
    indent: usize,
    width: u16,
}

impl Aside {
    fn text(&self, label: &str, text: &str, ink: Ink) -> Vec<Row> {
        let room = self.width.saturating_sub(4 + u16::try_from(self.indent).unwrap_or(0));
        let lines = canvas::wrap(text, room).into_iter().enumerate();
        let line = |(number, line): (usize, String)| {
            let label = if number == 0 { label } else { "" };
            Row::Words(vec![(format!("{label:<indent$}", indent = self.indent), Ink::Plain), (line, ink)])
        };
        lines.map(line).collect()
    }
}

fn label(setting: &PlanSetting) -> &str {
    named::of(&setting.key).map_or(setting.key.as_str(), |(label, _)| label)
}

fn what(kind: OperationKind) -> Field {
    let kinds = OperationKind::ALL.iter().map(|kind| kind.word());
    Field::choice("what", "What", Choice::of(kinds, kind.word())).wide(10).says(named::what(kind))
}

/// The profiles of the operation's platform.
fn profiles(app: &App, kind: OperationKind, taken: &str) -> Field {
    let rows = app.credentials.rows().iter().filter(|row| row.platform == kind.platform());
    let names: Vec<&str> = rows.map(|row| row.name.as_str()).collect();
    let next = app.credentials.next().map_or("", |profile| profile.name.as_str());
    let taken = if names.contains(&taken) { taken } else { next };
    let wide = names.iter().map(|name| canvas::width(name)).max().unwrap_or(0).clamp(10, 24);
    let choice = if names.is_empty() {
        Choice::among([(String::new(), "none yet".to_owned(), Ok(()))], "")
    } else {
        Choice::of(names, taken)
    };
    Field::choice(profile_id(kind), "Profile", choice).wide(wide)
}

/// The field of a setting, with what stands in it.
fn field(new_run: &NewRun, setting: &PlanSetting) -> Field {
    let id = id(new_run.kind, &setting.key);
    let default = settings::text_of(setting.value.as_ref());
    let text = new_run.values.get(&setting.key).unwrap_or(&default);
    let label = label(setting);
    let field = if let Some(options) = named::options(&setting.key) {
        let options = options.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned(), Ok(())));
        Field::choice(id, label, Choice::among(options, text))
    } else if matches!(setting.value, Some(toml::Value::Boolean(_))) {
        Field::tick(id, label, text == "true")
    } else {
        Field::text(id, label, text.clone())
    };
    field.wide(named::width(&setting.key))
}

/// Puts words beside the fields: what they are for, or what is wrong with them.
pub(super) fn note(app: &App, form: &mut Form, new_run: &NewRun) {
    let kind = new_run.kind;
    for setting in &new_run.defaults {
        let note = match new_run.wrong.get(&setting.key) {
            Some(why) => Note::Wrong(why.clone()),
            None => named::of(&setting.key).map_or(Note::None, |(_, says)| Note::Says(says.to_owned())),
        };
        form.note(&id(kind, &setting.key), note);
    }
    form.note("what", Note::Says(named::what(kind).to_owned()));
    form.note(
        "dataset",
        match &new_run.dataset {
            // why stands below, where there is room for it
            Dataset::Refused(_) => Note::Wrong("can't be used".to_owned()),
            Dataset::Here(found) => match records(app, found) {
                Ok(words) => Note::Says(words),
                Err(_) => Note::Wrong("can't be used".to_owned()),
            },
            Dataset::None | Dataset::Coming(_) => Note::None,
        },
    );
    let profile = super::profile(app, form, kind);
    let note = match profile {
        Some(profile) => Note::Says(about(app, profile)),
        None if app.credentials.known.is_none() => Note::Says("the profiles are being read…".to_owned()),
        None => Note::Wrong(format!("none for {} yet; 1 Credentials adds one", kind.platform())),
    };
    form.note(&profile_id(kind), note);
}

/// Says of buttons that can't be pressed yet why.
pub(super) fn allow(rows: &mut [Row], right: bool, missing: &[&str]) {
    let mend = || Err("some fields have to be mended first; the lower line names them".to_owned());
    let buttons = rows.iter_mut().filter_map(|row| match row {
        Row::Buttons(buttons) => Some(buttons),
        _ => None,
    });
    for button in buttons.flatten() {
        match button.id {
            "check" if button.may.is_err() => {}
            "more" | "save" | "check" if !right => button.may = mend(),
            "check" if !missing.is_empty() => {
                button.may = Err(format!("{} has to be filled in first", missing.join(BETWEEN)));
            }
            _ => {}
        }
    }
}

/// A profile in few words.
fn about(app: &App, profile: &ProfileRow) -> String {
    let production = if profile.production { "!! PRODUCTION · " } else { "" };
    let read_only = if profile.read_only { " · read-only" } else { "" };
    let tested = match app.credentials.tests.get(&profile.name) {
        Some(Test::Passed { at, .. }) => {
            let ago = app.now.instant.saturating_duration_since(*at);
            if ago < Duration::from_mins(1) {
                "tested just now".to_owned()
            } else {
                format!("tested {} ago", numbers::span(ago))
            }
        }
        Some(Test::Refused { .. }) => "refused at its last test".to_owned(),
        Some(Test::Under) => "being tested".to_owned(),
        None => "not tested yet".to_owned(),
    };
    format!("{production}{}{read_only} · {tested}", profile.platform)
}

/// The line below the dataset.
fn dataset(app: &App, new_run: &NewRun) -> (String, Ink) {
    match &new_run.dataset {
        Dataset::None => ("a file, also with ~ and *; 2 Datasets lists them".to_owned(), Ink::Dim),
        Dataset::Coming(_) => ("being looked for…".to_owned(), Ink::Dim),
        Dataset::Refused(why) => (format!("✗ {why}"), Ink::Bad),
        Dataset::Here(found) => match records(app, found) {
            Ok(_) => {
                let bytes = found.files.iter().map(|(_, stamp)| stamp.bytes).sum();
                let files = match found.files.len() {
                    1 => String::new(),
                    files => format!("{} files, ", numbers::count_of(files)),
                };
                (format!("{files}{}, {}", found.first.format, numbers::bytes(bytes)), Ink::Dim)
            }
            Err(why) => (format!("✗ {why}"), Ink::Bad),
        },
    }
}

/// The records of the files that were found, or why they can't be sent.
fn records(app: &App, found: &Found) -> Result<String, String> {
    if let Some(broken) = &found.first.broken {
        return Err(broken.clone());
    }
    let mut records = Some(0_u64);
    for (path, stamp) in &found.files {
        match app.datasets.counted(path, *stamp) {
            Some(Ok(more)) => records = records.map(|records| records.saturating_add(*more)),
            Some(Err(why)) => return Err(why.clone()),
            None => records = None,
        }
    }
    Ok(records.map_or_else(|| "counting records…".to_owned(), |records| words::some(records, "record")))
}

/// The line about columns: those that are needed, and whether they are there.
fn columns(new_run: &NewRun) -> (String, Ink) {
    let Dataset::Here(found) = &new_run.dataset else {
        return ("are known once the dataset is".to_owned(), Ink::Dim);
    };
    let has = |name: &str| found.first.fields.iter().any(|field| field.name == name);
    let wanted = wanted(new_run);
    if wanted.is_empty() {
        let names: Vec<&str> = found.first.fields.iter().map(|field| field.name.as_str()).collect();
        let more = names.len().saturating_sub(NAMED);
        let first = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(BETWEEN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        return (format!("{first}{more} found; sent as they stand"), Ink::Plain);
    }
    let is_there = |group: &&Vec<String>| group.iter().any(|name| has(name));
    let name = |group: &Vec<String>| {
        group.iter().find(|name| has(name)).or_else(|| group.first()).cloned().unwrap_or_default()
    };
    let names =
        |groups: &[&Vec<String>]| groups.iter().map(|group| name(group)).collect::<Vec<_>>().join(BETWEEN);
    let (there, gone): (Vec<_>, Vec<_>) = wanted.iter().partition(is_there);
    let mapped = if new_run.map.is_some() { ", for the map" } else { "" };
    if gone.is_empty() {
        return (format!("{} found{mapped}", names(&there)), Ink::Plain);
    }
    (format!("! {} not found{mapped}; map … says what stands for it", names(&gone)), Ink::Warn)
}

/// The columns that are needed: one of each group.
fn wanted(new_run: &NewRun) -> Vec<Vec<String>> {
    if let Some(map) = &new_run.map {
        let Ok(mapping) = Mapping::from_toml(map) else { return Vec::new() };
        return mapping.columns_needed().iter().map(|name| vec![name.clone()]).collect();
    }
    let (plan, _) = settings::plan_of(new_run.kind, &new_run.defaults, &new_run.values);
    match plan.operation {
        Operation::Outcomes(outcomes) => operation::Outcomes::new(outcomes, plan.delivery.timeout).columns(),
        _ => Vec::new(),
    }
}
