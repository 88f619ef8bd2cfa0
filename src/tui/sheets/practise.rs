//! A run for practice: which of the five operations, and off it goes. Nothing of it leaves this machine.

use super::{About, Sheet, Stays};
use crate::model::OperationKind;
use crate::tui::app::{App, Busy};
use crate::tui::form::{Button, Choice, Field, Form, Row};
use crate::tui::message::{Effect, Request};
use crate::tui::theme::Ink;

/// The form.
pub(in crate::tui) fn open(app: &App) -> Sheet {
    let words = |kind: OperationKind| match kind {
        OperationKind::Outcomes => "outcomes: set what became of contacts (CXone)",
        OperationKind::Exchange => "exchange: records in checked batches (Genesys)",
        OperationKind::Ingest => "ingest: a file in chunks (Genesys)",
        OperationKind::Execute => "execute: a data action a record (Genesys)",
        OperationKind::Import => "import: long jobs of the platform (Genesys)",
    };
    // what a support colleague meets first comes first
    let first = OperationKind::Outcomes;
    let kinds = [
        first,
        OperationKind::Exchange,
        OperationKind::Ingest,
        OperationKind::Execute,
        OperationKind::Import,
    ];
    let kinds = kinds.into_iter();
    let kinds = kinds.map(|kind| (kind.word().to_owned(), words(kind).to_owned(), Ok(())));
    let rows = vec![
        Row::Text(
            "Begins a run of sample data on a tenant that lives in this window. Other programs use up its quota, it \
             has bad minutes, and some records fail: all there is to see. Nothing leaves this machine, and all of it \
             is thrown away when you leave."
                .to_owned(),
            Ink::Plain,
        ),
        Row::gap(),
        Row::Field(Field::choice("what", "What", Choice::among(kinds, first.word())).wide(46)),
        Row::gap(),
        Row::Buttons(vec![Button::new("begin", "Begin"), Button::new("leave", "Leave")]),
    ];
    Sheet { form: Form::new("Practise", rows, app.frame).focused("begin"), about: About::Practise }
}

pub(super) fn pressed(app: &mut App, form: &Form, id: &str, out: &mut Vec<Effect>) -> Stays {
    if id != "begin" {
        return Stays::Closed;
    }
    // things may have changed while the form was open
    if let Err(reason) = crate::tui::actions::startable(app) {
        app.warns(format!("Not now: {reason}."));
        return Stays::Open;
    }
    let Ok(kind) = form.value("what").parse::<OperationKind>() else { return Stays::Open };
    app.busy =
        Some(Busy { what: "Starting a run for practice".to_owned(), since: app.now.instant, far: None });
    out.push(Effect::Ask(Request::Practise(kind)));
    Stays::Closed
}
