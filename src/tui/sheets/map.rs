//! The form that writes `[operation.map]`: what each field of a new record is made from.

use super::{About, Sheet, Stays, new_run};
use crate::dataset::map::Mapping;
use crate::model::OperationKind;
use crate::tui::app::{App, Overlay};
use crate::tui::form::{Button, Choice, Field, Form, Note, Row};
use crate::tui::theme::Ink;
use new_run::{Dataset, NewRun};

/// The most fields that the form begins with.
const MOST: usize = 40;

/// What a value can be turned into.
const AS: [(&str, &str); 5] = [
    ("", "as it stands"),
    ("integer", "a whole number"),
    ("number", "a number"),
    ("boolean", "true or false"),
    ("string", "a text"),
];

/// The map of a new run.
#[derive(Debug)]
pub(in crate::tui) struct Map {
    /// The fields of the new record.
    targets: Vec<Target>,
    /// What they can be made from: columns, and JSON Pointers.
    sources: Vec<String>,
}

/// A field of the new record.
#[derive(Debug)]
struct Target {
    name: String,
    /// Where it comes from, as the plan writes it; empty where it is left out.
    from: String,
    /// What it is turned into; empty where it is not.
    turned: String,
}

/// Opens the form over that of the new run.
pub(super) fn open(app: &mut App, new_run: &NewRun) {
    let mut sources = Vec::new();
    if let Dataset::Here(found) = &new_run.dataset {
        sources.extend(found.first.fields.iter().map(|field| source_of(&field.name)));
        sources.extend(found.first.inner.iter().cloned());
    }
    let targets = match &new_run.map {
        Some(map) => map.iter().map(|(name, value)| Target::read(name, value)).collect(),
        None => guess(new_run.kind, &sources),
    };
    for target in &targets {
        if !target.from.is_empty() && !sources.contains(&target.from) {
            sources.push(target.from.clone());
        }
    }
    let map = Map { targets, sources };
    let form = Form::new("Map: what each field is made from", rows(&map), app.frame);
    app.overlays.push(Overlay::Sheet(Box::new(Sheet { form, about: About::Map(map) })));
}

impl Target {
    fn read(name: &str, value: &toml::Value) -> Self {
        let text = |key: &str| value.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        let from = value.as_str().map_or_else(|| text("from"), str::to_owned);
        Self { name: name.to_owned(), from, turned: if value.is_str() { String::new() } else { text("as") } }
    }

    fn written(&self) -> toml::Value {
        if self.turned.is_empty() {
            return toml::Value::String(self.from.clone());
        }
        let mut table = toml::Table::new();
        table.insert("from".to_owned(), toml::Value::String(self.from.clone()));
        table.insert("as".to_owned(), toml::Value::String(self.turned.clone()));
        toml::Value::Table(table)
    }
}

/// A column's name as a source: one that would be read as something else is written as a JSON Pointer.
fn source_of(column: &str) -> String {
    if column.is_empty() || column.starts_with('/') {
        return format!("/{}", column.replace('~', "~0").replace('/', "~1"));
    }
    column.to_owned()
}

/// The fields that the operation needs, or else those that are there, each from the column of its name.
fn guess(kind: OperationKind, sources: &[String]) -> Vec<Target> {
    let alike = |name: &str| {
        let plain = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
        sources.iter().find(|source| plain(source) == plain(name)).cloned().unwrap_or_default()
    };
    let names: Vec<String> = match kind {
        OperationKind::Outcomes => ["contactId", "category", "subcategory"].map(str::to_owned).to_vec(),
        _ => sources.iter().filter(|source| !source.starts_with('/')).take(MOST).cloned().collect(),
    };
    names.into_iter().map(|name| Target { from: alike(&name), name, turned: String::new() }).collect()
}

fn rows(map: &Map) -> Vec<Row> {
    let mut rows = vec![Row::Text(
        "Each record is sent as a new one, made of these fields and no others.".to_owned(),
        Ink::Dim,
    )];
    for target in &map.targets {
        let none = std::iter::once((String::new(), "left out".to_owned(), Ok(())));
        let sources = map.sources.iter().map(|source| (source.clone(), source.clone(), Ok(())));
        let from = Choice::among(none.chain(sources), &target.from);
        rows.push(Row::Field(
            Field::choice(format!("from/{}", target.name), target.name.clone(), from).wide(30),
        ));
        let turned = AS.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned(), Ok(())));
        let turned = Choice::among(turned, &target.turned);
        rows.push(Row::Field(Field::choice(format!("as/{}", target.name), "", turned).wide(14)));
    }
    rows.push(Row::Field(Field::text("new", "One more", "").wide(24).says("the name of a field")));
    rows.push(Row::Buttons(vec![Button::new("add", "Add it")]));
    rows.push(Row::gap());
    rows.push(Row::Buttons(vec![
        Button::new("leave", "Leave it as it was"),
        Button::new("none", "No map"),
        Button::new("keep", "Use this map"),
    ]));
    rows
}

/// Reads what was chosen.
fn read(form: &Form, map: &mut Map) {
    for target in &mut map.targets {
        form.value(&format!("from/{}", target.name)).clone_into(&mut target.from);
        form.value(&format!("as/{}", target.name)).clone_into(&mut target.turned);
    }
}

/// The map as a plan has it.
fn table(map: &Map) -> toml::Table {
    let taken = map.targets.iter().filter(|target| !target.from.is_empty());
    taken.map(|target| (target.name.clone(), target.written())).collect()
}

/// A button was pressed.
pub(super) fn pressed(app: &mut App, sheet: &mut Sheet, id: &str) -> Stays {
    let Sheet { form, about: About::Map(map) } = sheet else { return Stays::Closed };
    read(form, map);
    match id {
        "add" => {
            let name = form.value("new").trim().to_owned();
            if name.is_empty() || map.targets.iter().any(|target| target.name == name) {
                form.note("new", Note::Wrong("a name that is not there yet".to_owned()));
            } else {
                map.targets.push(Target { from: String::new(), turned: String::new(), name: name.clone() });
                if let Some(field) = form.field_mut("new") {
                    field.set("");
                }
                form.arrange(rows(map));
                form.focus = format!("from/{name}");
            }
            Stays::Open
        }
        "keep" => {
            let table = table(map);
            match Mapping::from_toml(&table) {
                Ok(_) => {
                    hand_over(app, Some(table));
                    Stays::Closed
                }
                Err(why) => {
                    app.warns(format!("Not yet: {why}."));
                    Stays::Open
                }
            }
        }
        "none" => {
            hand_over(app, None);
            Stays::Closed
        }
        _ => Stays::Closed,
    }
}

/// Gives the map to the form of the new run, which lies below.
fn hand_over(app: &mut App, map: Option<toml::Table>) {
    let mut map = Some(map);
    super::with(
        app,
        |about| matches!(about, About::NewRun(_)),
        |app, sheet| {
            if let Some(map) = map.take() {
                new_run::take_map(app, sheet, map);
            }
        },
    );
}
