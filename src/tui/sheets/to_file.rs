//! Failures to a file: where, and in which format. A file that is there already is never written over.

use std::path::PathBuf;

use super::{About, Sheet, Stays};
use crate::journal::Query;
use crate::report::TableFormat;
use crate::tui::app::{App, Busy, Overlay};
use crate::tui::form::{Button, Choice, Field, Form, Note, Row};
use crate::tui::message::{Effect, Look};
use crate::tui::theme::Ink;

const PATH: &str = "path";
const FORMAT: &str = "format";
const LEAVE: &str = "leave";
const WRITE: &str = "write";

/// Which failures are written.
#[derive(Debug)]
pub(in crate::tui) struct ToFile {
    query: Query,
}

/// Puts the form over the board.
pub(in crate::tui) fn open(app: &mut App, query: Query) {
    let Some(figures) = app.figures() else { return };
    let name = format!("failures-{}.csv", figures.run.short());
    let rows = vec![
        Row::Text(words(app, &query), Ink::Plain),
        Row::gap(),
        Row::Field(Field::text(PATH, "File", name).wide(48)),
        Row::Field(Field::choice(FORMAT, "Format", Choice::among(formats(), "csv"))),
        Row::gap(),
        Row::Text(
            "The records stand in it, with all personal data that they hold. Only you can read the file."
                .to_owned(),
            Ink::Warn,
        ),
        Row::gap(),
        Row::Buttons(vec![Button::new(LEAVE, "Leave"), Button::new(WRITE, "Write it")]),
    ];
    let form = Form::new("Failures to a file", rows, app.frame);
    app.notice = None;
    app.overlays.push(Overlay::Sheet(Box::new(Sheet { form, about: About::ToFile(ToFile { query }) })));
}

fn formats() -> [(String, String, Result<(), String>); 2] {
    [
        ("csv".to_owned(), "CSV, for a spreadsheet".to_owned(), Ok(())),
        ("json".to_owned(), "JSON, for a program".to_owned(), Ok(())),
    ]
}

fn words(app: &App, query: &Query) -> String {
    if query.act.is_some() {
        return "All failures of this act, and what became of each.".to_owned();
    }
    let cause = if query.cause.is_some() { ", of one cause" } else { "" };
    let filter = match app.failures.filter.as_str() {
        "" => String::new(),
        filter => format!(", narrowed to {filter}"),
    };
    format!("The failures that are listed now, {}{cause}{filter}.", query.view)
}

/// Another format has another name, as long as the name says the old one.
pub(in crate::tui) fn changed(form: &mut Form, id: &str) {
    let (now, other) = if form.value(FORMAT) == "json" { (".json", ".csv") } else { (".csv", ".json") };
    let path = form.value(PATH).to_owned();
    if id == FORMAT
        && let Some(stem) = path.strip_suffix(other)
        && let Some(field) = form.field_mut(PATH)
    {
        field.set(&format!("{stem}{now}"));
    }
    form.note(PATH, Note::None);
}

impl ToFile {
    pub fn pressed(&self, app: &mut App, form: &mut Form, id: &str, out: &mut Vec<Effect>) -> Stays {
        if id != WRITE {
            return Stays::Closed;
        }
        let typed = form.value(PATH).trim().to_owned();
        if typed.is_empty() {
            form.note(PATH, Note::Wrong("a name for the file".to_owned()));
            app.warns("Not yet: the file needs a name.");
            return Stays::Open;
        }
        let format = if form.value(FORMAT) == "json" { TableFormat::Json } else { TableFormat::Csv };
        app.busy = Some(Busy { what: format!("Writing {typed}"), since: app.now.instant, far: None });
        out.push(Effect::Look(Look::Write(Box::new(self.query.clone()), PathBuf::from(typed), format)));
        Stays::Closed
    }
}
