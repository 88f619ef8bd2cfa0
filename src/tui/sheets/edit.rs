//! The form in which a person edits the record of one failure: a row a field, the refused ones first.
//!
//! Nothing is written anew that the person has not touched: the form holds what was typed, by the fields' places, and
//! the journal's desk puts just those bytes into the record and checks what comes of it. One check is under way at a
//! time; what is typed meanwhile is checked after it, and only the last answer counts.

mod rows;

pub(super) use rows::offered;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{About, Sheet, Stays};
use crate::dataset::patch::{self, Field};
use crate::journal::FailureRow;
use crate::model::{FailureId, Place};
use crate::text::one_line;
use crate::tui::actions::{self, Action};
use crate::tui::app::{Act, Afterwards, App, Question};
use crate::tui::form::{Form, Touched};
use crate::tui::mending::{self, Editable, Tried, Wish};
use crate::tui::message::{Effect, Look};
use crate::tui::record;
use crate::tui::theme::Ink;
use crate::tui::update::{mend, question, sheet as forms};
use crate::tui::value::{self, Spelling};

/// A record that is being edited.
#[derive(Debug)]
pub(in crate::tui) struct Edit {
    pub id: FailureId,
    /// None while it is being read.
    here: Option<Box<Here>>,
    /// The number of the last wish.
    number: u64,
    /// Whether one is being checked.
    checking: Checking,
    /// The answer to the last wish that has one.
    answer: Option<(u64, Tried)>,
    /// What is to be done as soon as the last wish has its answer.
    waits: Option<Afterwards>,
    /// What came back from the editor and is no JSON: it is not lost.
    draft: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checking {
    No,
    Yes,
}

/// A record that is there to be edited.
#[derive(Debug)]
struct Here {
    row: FailureRow,
    /// As the journal has it.
    record: Bytes,
    /// As it was before the first edit, where there was one.
    original: Option<Bytes>,
    /// What the typed values are put into: the record, or what came back from the editor.
    base: Bytes,
    /// The fields of the base, or why it can be edited as a whole only.
    fields: Result<Vec<Field>, String>,
    /// Where they are in the base, in the record, and in the original.
    places: Places,
    in_record: Places,
    in_file: Option<Places>,
    categories: Vec<(String, Vec<String>)>,
    /// What was typed, by pointer.
    typed: BTreeMap<String, String>,
    /// Fields whose text is to become a number.
    numbers: BTreeSet<String>,
    /// The record of several that is shown, from 0.
    at: u64,
}

/// Where values are, by their pointers.
type Places = HashMap<String, Range<usize>>;

fn places(fields: &[Field]) -> Places {
    fields.iter().map(|field| (field.pointer.clone(), field.raw.clone())).collect()
}

/// What is to be put into the base, or the fields that hold something that can't be.
type Changes = Result<Vec<(String, Bytes)>, BTreeMap<String, String>>;

/// Opens the form for a failure. One of which nobody knows whether it was carried out asks first.
pub(in crate::tui) fn open(app: &mut App, id: FailureId, out: &mut Vec<Effect>) {
    if let Err(why) = actions::mendable(app) {
        return app.warns(format!("Not now: {why}."));
    }
    let row = app.failure_row(id);
    if let Some(Err(why)) = row.map(mending::editable) {
        return app.warns(format!("Not now: {why}."));
    }
    if app.failures.was_asked(id) {
        return app.warns("Not now: it was asked to be sent again, and has not ended yet.");
    }
    let Some(doubt) = row.filter(|row| row.doubtful).map(|row| row.key.clone()) else {
        return begin(app, id, out);
    };
    let words = vec![
        (format!("Edit {doubt} all the same?"), Ink::Strong),
        (String::new(), Ink::Plain),
        (
            "Nobody knows whether the platform has carried it out already. Sent again as it is, it is known as \
             the same for a while; once it is edited it counts as something new, and may be done twice."
                .to_owned(),
            Ink::Warn,
        ),
    ];
    question::ask(app, Question::new(words, "Leave it", "Edit it", Act::OpenEdit(id)));
}

/// Opens the form: the person was asked, where there was something to ask.
pub(in crate::tui) fn begin(app: &mut App, id: FailureId, out: &mut Vec<Effect>) {
    let edit =
        Edit { id, here: None, number: 0, checking: Checking::No, answer: None, waits: None, draft: None };
    let mut form = Form { main: Some(rows::SEND), ..Form::new("Edit", Vec::new(), app.frame) };
    edit.arrange(&mut form, app);
    forms::open(app, Sheet { form, about: About::Edit(Box::new(edit)) });
    out.push(Effect::Look(Look::ToEdit(id)));
}

/// The record has been read.
pub(in crate::tui) fn come(
    app: &mut App,
    id: FailureId,
    editable: Result<Box<Editable>, String>,
    out: &mut Vec<Effect>,
) {
    forms::with_about(app, is(id), |app, sheet| {
        let About::Edit(edit) = &mut sheet.about else { return Stays::Open };
        match editable {
            Ok(editable) => edit.begin(*editable),
            Err(why) => {
                app.warns(format!("Not now: {why}."));
                return Stays::Closed;
            }
        }
        edit.wish(out);
        edit.arrange_anew(&mut sheet.form, app);
        Stays::Open
    });
}

/// A wish was checked.
pub(in crate::tui) fn checked(app: &mut App, number: u64, tried: Tried, out: &mut Vec<Effect>) {
    let any = |about: &About| matches!(about, About::Edit(_));
    forms::with_about(app, any, |app, sheet| {
        let About::Edit(edit) = &mut sheet.about else { return Stays::Open };
        edit.checking = Checking::No;
        edit.answer = Some((number, tried));
        if number < edit.number {
            edit.send(out);
        }
        edit.arrange(&mut sheet.form, app);
        match edit.waits.filter(|_| edit.verdict().is_some()) {
            Some(then) => edit.keep(app, then, out),
            None => Stays::Open,
        }
    });
}

fn is(id: FailureId) -> impl Fn(&About) -> bool {
    move |about| matches!(about, About::Edit(edit) if edit.id == id)
}

impl Edit {
    fn begin(&mut self, editable: Editable) {
        let Editable { row, record, original, fields, in_file, categories } = editable;
        let base = record.clone();
        let in_record = fields.as_ref().map(|fields| places(fields)).unwrap_or_default();
        let mut here = Here {
            row,
            record,
            original,
            base,
            fields,
            places: in_record.clone(),
            in_record,
            in_file: in_file.map(|fields| places(&fields)),
            categories,
            typed: BTreeMap::new(),
            numbers: BTreeSet::new(),
            at: 0,
        };
        here.at = here.refused_records().first().copied().unwrap_or(0);
        self.here = Some(Box::new(here));
    }

    /// A field has another value.
    pub fn changed(&mut self, form: &mut Form, id: &str, app: &App, out: &mut Vec<Effect>) {
        let Some(here) = &mut self.here else { return };
        if id == rows::RECORD {
            here.at = form.value(id).parse().unwrap_or(here.at);
        } else if let Some(pointer) = id.strip_prefix(rows::FIELD) {
            here.typed.insert(pointer.to_owned(), form.value(id).to_owned());
            self.wish(out);
        } else if let Some(pointer) = id.strip_prefix(rows::NUMBER) {
            if form.is_ticked(id) {
                here.numbers.insert(pointer.to_owned());
            } else {
                here.numbers.remove(pointer);
            }
            self.wish(out);
        }
        self.arrange(form, app);
    }

    /// A button was pressed.
    pub fn pressed(&mut self, app: &mut App, form: &mut Form, id: &str, out: &mut Vec<Effect>) -> Stays {
        match id {
            rows::JSON => {
                if let Some(text) = self.as_json() {
                    out.push(Effect::Editor(text));
                }
                Stays::Open
            }
            rows::KEEP => self.keep_when_checked(app, form, Afterwards::Nothing, out),
            rows::SEND => self.keep_when_checked(app, form, Afterwards::Send, out),
            _ => Stays::Closed,
        }
    }

    fn keep_when_checked(
        &mut self,
        app: &mut App,
        form: &mut Form,
        then: Afterwards,
        out: &mut Vec<Effect>,
    ) -> Stays {
        if self.verdict().is_some() {
            return self.keep(app, then, out);
        }
        self.waits = Some(then);
        self.arrange(form, app);
        Stays::Open
    }

    /// Keeps the record as it is wished, where that is another one than the journal has.
    fn keep(&mut self, app: &mut App, then: Afterwards, out: &mut Vec<Effect>) -> Stays {
        self.waits = None;
        let (Some(here), Some(tried)) = (&self.here, self.verdict()) else { return Stays::Open };
        let new = match &tried.record {
            Ok(new) => new,
            Err(why) => {
                app.warns(format!("Not yet: {why}."));
                return Stays::Open;
            }
        };
        if then == Afterwards::Send
            && let Err(why) = self.sendable(app)
        {
            app.warns(format!("Not yet: {why}."));
            return Stays::Open;
        }
        if *new == here.record {
            match then {
                Afterwards::Send => mend::send_one(app, self.id, out),
                _ => app.says("Nothing was changed."),
            }
            return Stays::Closed;
        }
        // one that is as it was in the file is no edit any more
        let same = here.original.as_ref() == Some(new);
        app.says(if same {
            format!("{} is as it was in the file again.", here.row.key)
        } else {
            format!("{} is edited. {} takes that back.", here.row.key, app.keymap.key(Action::UndoOne))
        });
        mend::edit(app, vec![(self.id, (!same).then(|| new.clone()))], then, out);
        Stays::Closed
    }

    /// Whether the record as it is wished may be sent.
    fn sendable(&self, app: &App) -> Result<(), String> {
        actions::resendable(app)?;
        match self.verdict().map(|tried| &tried.verdict) {
            Some(mending::Verdict::Refused(_)) => {
                Err("our own check still refuses it; Keep keeps it all the same".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The answer to the last wish, once it is there.
    fn verdict(&self) -> Option<&Tried> {
        self.answer.as_ref().filter(|(number, _)| *number == self.number).map(|(_, tried)| tried)
    }

    /// Something else is wished; it is checked where it can be read.
    fn wish(&mut self, out: &mut Vec<Effect>) {
        self.number += 1;
        self.waits = None;
        if self.checking == Checking::No {
            self.send(out);
        }
    }

    fn send(&mut self, out: &mut Vec<Effect>) {
        let Some(here) = &self.here else { return };
        let Ok(changes) = here.changes() else { return };
        self.checking = Checking::Yes;
        let record = here.base.clone();
        let wish = Wish { number: self.number, id: self.id, record, changes };
        out.push(Effect::Look(Look::Check(Box::new(wish))));
    }

    /// The record as a text for the editor.
    fn as_json(&self) -> Option<Vec<u8>> {
        if let Some(draft) = &self.draft {
            return Some(draft.clone());
        }
        let here = self.here.as_ref()?;
        let changed = self.verdict().and_then(|tried| tried.record.as_ref().ok());
        let record = changed.unwrap_or(&here.base);
        let is_json = serde_json::from_slice::<&RawValue>(record).is_ok();
        Some(if is_json { record::spread(record) } else { record.to_vec() })
    }

    /// A text came back from the editor.
    pub fn edited(&mut self, app: &mut App, form: &mut Form, text: Vec<u8>, out: &mut Vec<Effect>) {
        let now = self.verdict().and_then(|tried| tried.record.clone().ok());
        let Some(here) = &mut self.here else { return };
        if let Err(error) = serde_json::from_slice::<&RawValue>(&text) {
            let why = one_line(&error.to_string(), 120);
            self.draft = Some(text);
            app.warns(format!("That is no JSON: {why}. Nothing was changed; JSON opens it again."));
            return;
        }
        self.draft = None;
        let now = now.unwrap_or_else(|| here.base.clone());
        here.take_whole(&now, &text);
        form.touched = Touched::Yes;
        self.wish(out);
        self.arrange_anew(form, app);
    }
}

impl Here {
    /// The values that are to be put into the base; or the fields that hold something that can't be.
    fn changes(&self) -> Changes {
        let mut changes = Vec::new();
        let mut wrong = BTreeMap::new();
        let touched: BTreeSet<&String> = self.typed.keys().chain(&self.numbers).collect();
        for pointer in touched {
            let old = self.raw(pointer);
            match self.new_value(pointer, old) {
                Ok(Some(new)) if Some(new.as_slice()) != old => changes.push((pointer.clone(), new.into())),
                Ok(_) => {}
                Err(why) => {
                    wrong.insert(pointer.clone(), why);
                }
            }
        }
        if wrong.is_empty() { Ok(changes) } else { Err(wrong) }
    }

    /// What stands at a pointer after what was typed; none where that is what stood there.
    fn new_value(&self, pointer: &str, old: Option<&[u8]>) -> Result<Option<Vec<u8>>, String> {
        let spelled = value::spell(old);
        let typed = self.typed.get(pointer).unwrap_or(&spelled.text);
        if self.numbers.contains(pointer) {
            return value::read(Spelling::Number, typed).map(Some);
        }
        if *typed == spelled.text {
            return Ok(None);
        }
        value::read(spelled.as_, typed).map(Some)
    }

    /// The bytes of a field in the base.
    fn raw(&self, pointer: &str) -> Option<&[u8]> {
        self.base.get(self.places.get(pointer)?.clone())
    }

    /// Its text as it is wished now.
    fn text(&self, pointer: &str) -> String {
        self.typed.get(pointer).cloned().unwrap_or_else(|| value::spell(self.raw(pointer)).text)
    }

    /// Takes what came back from the editor. Where nothing but values differs, nothing but their bytes is changed.
    fn take_whole(&mut self, now: &[u8], text: &[u8]) {
        let new = Bytes::from(record::gather(text));
        let patched = || {
            let (old_fields, new_fields) = (patch::fields(now).ok()?, patch::fields(&new).ok()?);
            let same = old_fields.len() == new_fields.len()
                && old_fields.iter().zip(&new_fields).all(|(one, other)| one.pointer == other.pointer);
            let changes: Vec<(&str, &[u8])> = old_fields
                .iter()
                .zip(&new_fields)
                .filter_map(|(one, other)| {
                    let (was, is) = (now.get(one.raw.clone())?, new.get(other.raw.clone())?);
                    (record::gather(was) != is).then_some((other.pointer.as_str(), is))
                })
                .collect();
            same.then(|| patch::replace(now, &changes).ok()).flatten()
        };
        self.base = patched().map_or_else(|| new.clone(), Bytes::from);
        self.fields = patch::fields(&self.base).map_err(|error| mending::first_line(&error.to_string()));
        self.places = self.fields.as_ref().map(|fields| places(fields)).unwrap_or_default();
        self.typed.clear();
        self.numbers.clear();
    }

    /// The records of several that are refused, in their order.
    fn refused_records(&self) -> Vec<u64> {
        let mut refused: Vec<u64> = self
            .row
            .violations
            .iter()
            .filter_map(|one| match &one.place {
                Place::Pointer(pointer) => pointer.strip_prefix('/')?.split('/').next()?.parse().ok(),
                Place::Row(_) => None,
            })
            .filter(|number| *number < self.row.count)
            .collect();
        refused.sort_unstable();
        refused.dedup();
        refused
    }
}
