//! What stands in the form for one record.

use super::{Changes, Checking, Edit, Here};
use crate::model::{OperationKind, Place, Violation};
use crate::tui::app::App;
use crate::tui::form::{Button, Choice, Field, Form, Note, Row, Touched};
use crate::tui::mending::{self, Verdict, names};
use crate::tui::numbers;
use crate::tui::theme::Ink;
use crate::tui::value::{self, Spelling};

/// The names of fields begin with these, and end with the pointer.
pub(super) const FIELD: &str = "field:";
pub(super) const NUMBER: &str = "number:";
/// The list of records of an item of several.
pub(super) const RECORD: &str = "record";
/// Buttons.
pub(super) const JSON: &str = "json";
pub(super) const KEEP: &str = "keep";
pub(super) const SEND: &str = "send";

/// The most fields that a form has; what is beyond is edited as JSON.
const MOST_FIELDS: usize = 300;

/// The most records that are listed.
const MOST_RECORDS: u64 = 2_000;

/// The width of a value.
const WIDTH: u16 = 28;

impl Edit {
    /// The form as things stand; what was typed, and the keys, stay.
    pub(super) fn arrange(&self, form: &mut Form, app: &App) {
        let rows = self.rows(app);
        form.arrange(rows);
        self.head(form);
    }

    /// The form with all fields as they are in the record.
    pub(super) fn arrange_anew(&self, form: &mut Form, app: &App) {
        form.rows = self.rows(app);
        let first = form.stops().first().map(|stop| (*stop).to_owned()).unwrap_or_default();
        if !form.stops().contains(&form.focus.as_str()) || form.touched == Touched::No {
            form.focus = first;
        }
        self.head(form);
    }

    fn head(&self, form: &mut Form) {
        let Some(here) = &self.here else {
            "Edit".clone_into(&mut form.title);
            return;
        };
        form.title = format!("Edit {}", here.row.key);
        form.foot = match here.changes() {
            Err(wrong) => format!("{} to be mended", numbers::count_of(wrong.len())),
            Ok(_) if self.waits.is_some() => "it is being checked, then kept".to_owned(),
            Ok(changes) if changes.is_empty() && here.base == here.record => "nothing changed yet".to_owned(),
            Ok(changes) if changes.is_empty() => "changed as JSON".to_owned(),
            Ok(changes) => format!("{} changed", numbers::count_of(changes.len())),
        };
    }

    fn rows(&self, app: &App) -> Vec<Row> {
        let Some(here) = &self.here else {
            return vec![
                Row::words("The record is being read…", Ink::Dim),
                Row::gap(),
                Row::Buttons(vec![Button::new("leave", "Leave")]),
            ];
        };
        let mut rows = Vec::new();
        let changes = here.changes();
        let pointers = here.pointers();
        match &here.fields {
            Ok(_) => {
                if here.row.count > 1 {
                    rows.extend(Self::records(here));
                }
                let operation = app.figures().map(|figures| figures.operation);
                self.fields(here, operation, (&pointers, &changes), &mut rows);
            }
            Err(why) => rows.push(Row::Text(
                format!(
                    "This record can't be edited field by field: {why}. JSON opens all of it in your editor."
                ),
                Ink::Warn,
            )),
        }
        rows.push(Row::gap());
        rows.push(self.verdict_row(&pointers, &changes));
        let wrong = changes.as_ref().err();
        let mended = || match wrong.and_then(|wrong| wrong.iter().next()) {
            Some((pointer, why)) => Err(format!("{}: {why}", mending::name_of(pointer, here.row.count))),
            None => Ok(()),
        };
        rows.push(Row::Buttons(vec![
            Button::new("leave", "Leave"),
            Button::new(JSON, "JSON"),
            Button::new(KEEP, "Keep").may(mended()),
            Button::new(SEND, "Keep and send").may(mended().and_then(|()| self.sendable(app))),
        ]));
        rows
    }

    /// The list of an item's records: the refused ones first.
    fn records(here: &Here) -> [Row; 2] {
        let refused = here.refused_records();
        let count = numbers::count(here.row.count);
        let words = |number: u64, sign: &str| {
            format!("{sign}{} of {count}", numbers::count(number.saturating_add(1)))
        };
        let others = (0..here.row.count.min(MOST_RECORDS)).filter(|number| !refused.contains(number));
        let options = refused
            .iter()
            .map(|number| (number.to_string(), words(*number, "✗ "), Ok(())))
            .chain(others.map(|number| (number.to_string(), words(number, ""), Ok(()))));
        let list = Choice::among(options, &here.at.to_string());
        let says = if refused.is_empty() {
            "Enter lists them".to_owned()
        } else {
            format!("{} refused; Enter lists them", numbers::count_of(refused.len()))
        };
        [Row::Field(Field::choice(RECORD, "Record", list).wide(20).says(says)), Row::gap()]
    }

    fn fields(
        &self,
        here: &Here,
        operation: Option<OperationKind>,
        (pointers, changes): (&[String], &Changes),
        rows: &mut Vec<Row>,
    ) {
        let more = pointers.len().saturating_sub(MOST_FIELDS);
        for pointer in pointers.iter().take(MOST_FIELDS) {
            self.field(here, operation, (pointer, changes), rows);
        }
        if more > 0 {
            let more = numbers::count_of(more);
            rows.push(Row::words(format!(" … and {more} fields more: JSON opens all of it"), Ink::Dim));
        }
    }

    fn field(
        &self,
        here: &Here,
        operation: Option<OperationKind>,
        (pointer, changes): (&str, &Changes),
        rows: &mut Vec<Row>,
    ) {
        let old = here.raw(pointer);
        let spelled = value::spell(old);
        let name = here.name(pointer);
        if spelled.as_ == Spelling::Whole {
            let pieces = vec![
                (format!("{name}  "), Ink::Plain),
                (spelled.text, Ink::Dim),
                ("  (JSON only)".to_owned(), Ink::Dim),
            ];
            rows.push(Row::Words(pieces));
            return;
        }
        let id = format!("{FIELD}{pointer}");
        let text = here.text(pointer);
        let field = match (spelled.as_, here.options(operation, pointer)) {
            (Spelling::Text | Spelling::Absent | Spelling::Null, Some(options)) => {
                Field::choice(id, name, offered(options, &spelled.text, &text))
            }
            (Spelling::Truth, _) => Field::choice(id, name, Choice::of(["true", "false"], &text)),
            _ => Field::text(id, name, text),
        };
        let (note, beneath) = self.note(here, (pointer, changes), spelled.as_);
        rows.push(Row::Field(Field { note, ..field.wide(WIDTH) }));
        rows.extend(beneath.map(|(text, ink)| Row::Text(format!("   {text}"), ink)));
        if self.wants_number(here, pointer, spelled.as_) {
            let ticked = here.numbers.contains(pointer);
            let tick = Field::tick(format!("{NUMBER}{pointer}"), "  as a number", ticked);
            rows.push(Row::Field(tick.says("Space: it is no text, but a number")));
        }
        let file = here.in_file(pointer);
        if file.is_some() && file != here.wished(pointer, old).as_deref() {
            let file = value::shown(file, 200);
            rows.push(Row::words(format!("   in the file    {file}"), Ink::Dim));
        }
    }

    /// What stands beside a field, and what beneath it.
    fn note(
        &self,
        here: &Here,
        (pointer, changes): (&str, &Changes),
        as_: Spelling,
    ) -> (Note, Option<(String, Ink)>) {
        let wrong = |reason: &str| {
            let beneath = (reason.chars().count() > 20).then(|| (format!("✗ {reason}"), Ink::Bad));
            let beside = if beneath.is_some() { "see below" } else { reason };
            (Note::Wrong(beside.to_owned()), beneath)
        };
        if let Some(why) = changes.as_ref().err().and_then(|wrong| wrong.get(pointer)) {
            return wrong(why);
        }
        let is_changed = here.wished(pointer, here.raw(pointer)).as_deref() != here.raw_in_record(pointer);
        let was_bad = reason_of(&here.row.violations, pointer);
        let verdict = self.answer.as_ref().map(|(_, tried)| &tried.verdict);
        if let Some(reason) = verdict.and_then(|verdict| reason_of(verdict.violations(), pointer)) {
            return wrong(reason);
        }
        match (was_bad, is_changed) {
            (Some(reason), false) => wrong(reason),
            (Some(_), true) if verdict.is_some_and(Verdict::passes) => (Note::Good("was ✗".to_owned()), None),
            (None, true) if verdict.is_some_and(Verdict::passes) => (Note::Good("changed".to_owned()), None),
            (_, true) => (Note::Says("changed".to_owned()), None),
            (None, false) => {
                let says = match as_ {
                    Spelling::Escaped => "spelled as in JSON",
                    Spelling::Null => "nothing (null)",
                    Spelling::Absent => "not there",
                    // an empty note is one, too: it takes the place of the last one
                    _ => "",
                };
                (Note::Says(says.to_owned()), None)
            }
        }
    }

    /// Whether a text is refused because a number belongs there.
    fn wants_number(&self, here: &Here, pointer: &str, as_: Spelling) -> bool {
        let is_text = matches!(as_, Spelling::Text | Spelling::Escaped | Spelling::Absent | Spelling::Null);
        let told = |violations: &[Violation]| {
            reason_of(violations, pointer).is_some_and(|reason| {
                reason.contains("must be an integer") || reason.contains("must be a number")
            })
        };
        let verdict = self.answer.as_ref().map(|(_, tried)| &tried.verdict);
        let tells = told(&here.row.violations) || verdict.is_some_and(|verdict| told(verdict.violations()));
        is_text && (tells || here.numbers.contains(pointer))
    }

    /// What the check says of all of it.
    fn verdict_row(&self, listed: &[String], changes: &Changes) -> Row {
        let Some((number, tried)) = &self.answer else {
            return Row::words("It is being checked…", Ink::Dim);
        };
        if changes.is_err() {
            return Row::words("It is checked when every field can be read.", Ink::Dim);
        }
        if *number < self.number && self.checking == Checking::Yes && self.waits.is_some() {
            return Row::words("It is being checked…", Ink::Dim);
        }
        match (&tried.record, &tried.verdict) {
            (Err(why), _) => Row::Text(format!("✗ {why}"), Ink::Bad),
            (_, Verdict::Passes) => Row::words("✓ It passes our own check.", Ink::Good),
            (_, Verdict::PassesSoFar) => Row::Text(
                "✓ It passes our own check; what the platform's own list holds is not known here.".to_owned(),
                Ink::Good,
            ),
            (_, Verdict::Unknown(why)) => Row::Text(format!("It can't be checked here: {why}."), Ink::Warn),
            (_, Verdict::Refused(reason)) => {
                // what stands beneath its field need not be said twice
                let told = !reason.violations.is_empty()
                    && reason
                        .violations
                        .iter()
                        .all(|one| matches!(&one.place, Place::Pointer(pointer) if listed.contains(pointer)));
                if told {
                    Row::words("✗ Our own check refuses it.", Ink::Bad)
                } else {
                    Row::Text(format!("✗ {}", reason.message), Ink::Bad)
                }
            }
        }
    }
}

impl Here {
    /// The fields of the record that is shown: those that the failure names first, also where they are not there.
    fn pointers(&self) -> Vec<String> {
        let Ok(fields) = &self.fields else { return Vec::new() };
        let prefix = if self.row.count > 1 { format!("/{}", self.at) } else { String::new() };
        let within = |pointer: &str| {
            pointer.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut pointers: Vec<String> =
            fields.iter().map(|field| &field.pointer).filter(|pointer| within(pointer)).cloned().collect();
        pointers.sort_by_key(|pointer| !names(&self.row.violations, pointer));
        let place = pointers.partition_point(|pointer| names(&self.row.violations, pointer));
        let mut missing: Vec<String> = self
            .row
            .violations
            .iter()
            .filter_map(|one| match &one.place {
                Place::Pointer(pointer) if within(pointer) => Some(pointer.clone()),
                _ => None,
            })
            .filter(|pointer| {
                // a name of the record itself, and nothing that stands there in parts
                let name = pointer.strip_prefix(&prefix).unwrap_or_default();
                let stands = fields.iter().any(|field| field.pointer.starts_with(pointer.as_str()));
                name.matches('/').count() == 1 && !stands
            })
            .collect();
        missing.dedup();
        pointers.splice(place..place, missing);
        pointers
    }

    fn name(&self, pointer: &str) -> String {
        let name = mending::name_of(pointer, self.row.count);
        match name.split_once(": ") {
            Some((_, name)) if self.row.count > 1 => name.to_owned(),
            _ => name,
        }
    }

    /// The value in the file, before any edit.
    fn in_file(&self, pointer: &str) -> Option<&[u8]> {
        match (&self.original, &self.in_file) {
            (Some(original), Some(places)) => original.get(places.get(pointer)?.clone()),
            _ => self.raw_in_record(pointer),
        }
    }

    fn raw_in_record(&self, pointer: &str) -> Option<&[u8]> {
        self.record.get(self.in_record.get(pointer)?.clone())
    }

    /// The value as it is wished.
    fn wished(&self, pointer: &str, old: Option<&[u8]>) -> Option<Vec<u8>> {
        match self.new_value(pointer, old) {
            Ok(Some(new)) => Some(new),
            _ => old.map(<[u8]>::to_vec),
        }
    }

    /// What can be chosen for a field, where the platform has a list: categories, and what stands under the one chosen.
    fn options(&self, operation: Option<OperationKind>, pointer: &str) -> Option<Vec<String>> {
        if operation != Some(OperationKind::Outcomes) || self.categories.is_empty() {
            return None;
        }
        match pointer {
            "/category" => Some(self.categories.iter().map(|(name, _)| name.clone()).collect()),
            "/subcategory" => {
                let category = self.text("/category");
                let under = self.categories.iter().filter(|(name, _)| *name == category);
                Some(under.flat_map(|(_, under)| under.iter().cloned()).collect())
            }
            _ => None,
        }
    }
}

/// A list of what can be chosen. What stands in the record is among it, also where the platform does not have it.
pub(in crate::tui::sheets) fn offered(options: Vec<String>, stands: &str, taken: &str) -> Choice {
    let mut all: Vec<(String, String, Result<(), String>)> = Vec::with_capacity(options.len() + 2);
    for value in [stands, taken] {
        let known =
            options.iter().any(|option| option == value) || all.iter().any(|(known, ..)| known == value);
        if !known {
            let words = if value.is_empty() { "(nothing)" } else { value };
            all.push((value.to_owned(), words.to_owned(), Ok(())));
        }
    }
    for option in options {
        if !all.iter().any(|(known, ..)| *known == option) {
            all.push((option.clone(), option, Ok(())));
        }
    }
    Choice::among(all, taken)
}

fn reason_of<'v>(violations: &'v [Violation], pointer: &str) -> Option<&'v str> {
    violations
        .iter()
        .find(|one| matches!(&one.place, Place::Pointer(place) if place == pointer))
        .map(|one| one.reason.as_str())
}
