//! What was not delivered, by cause and in plain words, and what people have closed with which notes.

use std::collections::BTreeMap;

use super::markup::Html;
use super::{Examples, Facts, pictures};
use crate::journal::{Cause, Contents, Filter, Query, Reader, RunRow, View};
use crate::model::Stage;
use crate::plain::{self, FailureWords, Kind};
use crate::report::ReportError;
use crate::report::failures::each;
use crate::report::words::{grouped, records_of};

/// The most causes that are told.
pub(super) const CAUSES: usize = 50;

/// The most different notes that are counted apart.
const NOTES: usize = 200;

/// What people have closed.
#[derive(Debug, Default)]
pub(super) struct Closed {
    /// Failures by their notes.
    notes: BTreeMap<String, u64>,
    /// Those with still other notes.
    others: u64,
}

impl Closed {
    pub(super) fn gather(reader: &Reader, run: &RunRow) -> Result<Self, ReportError> {
        let query = Query { view: View::Closed, ..Filter::default().into() };
        let mut closed = Self::default();
        each(reader, run, &query, Contents::Without, |row| {
            let note = row.note.as_deref().unwrap_or_default();
            if let Some(count) = closed.notes.get_mut(note) {
                *count += 1;
            } else if closed.notes.len() < NOTES {
                closed.notes.insert(note.to_owned(), 1);
            } else {
                closed.others += 1;
            }
            Ok(())
        })?;
        Ok(closed)
    }

    /// What people have written.
    pub(super) fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.keys().map(String::as_str)
    }

    fn all(&self) -> u64 {
        self.notes.values().sum::<u64>() + self.others
    }
}

pub(super) fn open_section(html: &mut Html, facts: &Facts<'_>) {
    html.section("What was not delivered");
    if facts.causes.is_empty() {
        html.element("p", &[], "No failure is open.");
        html.close("section");
        return;
    }
    let items: u64 = facts.causes.iter().map(|cause| cause.items).sum();
    let records: u64 = facts.causes.iter().map(|cause| cause.records).sum();
    let mut said = format!(
        "{} open, of {}",
        records_of(items, "failure is", "failures are"),
        records_of(facts.causes.len() as u64, "cause", "causes")
    );
    if records != items {
        said = format!("{said}, with {}", records_of(records, "record", "records"));
    }
    html.element("p", &[], &format!("{said}."));
    html.table(&[">how many", "what happened", "best thing to do"]);
    let most = facts.causes.first().map_or(0, |cause| cause.items);
    for cause in facts.causes.iter().take(CAUSES) {
        row(html, facts, cause, most);
    }
    html.end_table();
    if let Some(more) = facts.causes.len().checked_sub(CAUSES).filter(|more| *more > 0) {
        html.element("p", &[], &format!("And {}.", records_of(more as u64, "more cause", "more causes")));
    }
    html.close("section");
}

fn row(html: &mut Html, facts: &Facts<'_>, cause: &Cause, most: u64) {
    let kind = cause.kind(Some(facts.run.operation));
    let words = plain::failure(&kind);
    html.open("tr", &[]);
    html.open("td", &[("class", &"number")]);
    html.text(&grouped(cause.items));
    pictures::share(html, cause.items, most);
    html.close("td");
    html.open("td", &[]);
    html.element("b", &[], &words.sentence(&kind));
    if let Some(doubt) = in_doubt(cause, &kind) {
        html.element("p", &[], &doubt);
    }
    html.open("p", &[("class", &"quiet")]);
    html.outside(&answer(facts, cause));
    html.close("p");
    html.element("p", &[("class", &"quiet")], &when(facts, cause));
    if facts.stance.examples == Examples::Shown {
        examples(html, cause);
    }
    html.close("td");
    html.open("td", &[]);
    best(html, words, &kind);
    html.close("td");
    html.close("tr");
}

fn best(html: &mut Html, words: &FailureWords, kind: &Kind<'_>) {
    html.element("b", &[], &words.best);
    html.element("p", &[], &words.todo(kind));
}

/// What is not known of so many of them.
fn in_doubt(cause: &Cause, kind: &Kind<'_>) -> Option<String> {
    let doubt = Kind { count: cause.doubtful, ..*kind }.doubt_in_words()?;
    Some(if cause.doubtful == cause.items {
        doubt
    } else {
        format!("Of {} of them: {doubt}", grouped(cause.doubtful))
    })
}

/// The machine's own words, in which what differs from record to record is masked, and what repeats a record not told.
fn answer(facts: &Facts<'_>, cause: &Cause) -> String {
    let mut parts = Vec::new();
    match cause.status {
        _ if cause.stage == Stage::Validation => parts.push("our own check".to_owned()),
        Some(status) => parts.push(format!("answer {status}")),
        None => parts.push("no answer".to_owned()),
    }
    parts.extend(cause.code.as_deref().map(|code| {
        if plain::knows_code(code) { code.to_owned() } else { facts.repeats.without_in_code(code) }
    }));
    // of a row of a result nobody here has the record that it may repeat
    let is_known = cause.stage == Stage::Validation || cause.sendable == cause.items;
    let message = match facts.stance.examples {
        Examples::Hidden if !is_known => "…".to_owned(),
        Examples::Hidden | Examples::Shown => facts.repeats.without(&cause.message),
    };
    format!("{}: {message}", parts.join(" "))
}

fn when(facts: &Facts<'_>, cause: &Cause) -> String {
    let [since, until] = [cause.first_at, cause.last_at].map(|at| facts.stance.moment(at));
    let at = if since == until { format!("at {since}") } else { format!("{since} to {until}") };
    let tries = match cause.tries {
        (0, 0) => "never sent".to_owned(),
        (1, 1) => "tried once each".to_owned(),
        (least, most) if least == most => format!("tried {least} times each"),
        (least, most) => format!("tried {least} to {most} times"),
    };
    format!("{at}, {tries}")
}

/// Keys, and what differs: personal data.
fn examples(html: &mut Html, cause: &Cause) {
    html.open("p", &[("class", &"quiet")]);
    html.text("For example: ");
    for (place, key) in cause.examples.iter().enumerate() {
        if place > 0 {
            html.text(", ");
        }
        html.outside(key);
    }
    html.close("p");
    if cause.values.is_empty() {
        return;
    }
    html.open("p", &[("class", &"quiet")]);
    html.text("What differs: ");
    for (place, (value, count)) in cause.values.iter().enumerate() {
        if place > 0 {
            html.text(", ");
        }
        html.outside(value);
        html.text(&format!(" ({})", grouped(*count)));
    }
    html.close("p");
}

pub(super) fn closed_section(html: &mut Html, facts: &Facts<'_>) {
    let all = facts.closed.all();
    if all == 0 {
        return;
    }
    html.section("What people have closed");
    html.element(
        "p",
        &[],
        &format!("{} closed by hand and not sent.", records_of(all, "failure was", "failures were")),
    );
    html.table(&[">how many", "note"]);
    let mut notes: Vec<(&String, &u64)> = facts.closed.notes.iter().collect();
    notes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (note, count) in notes {
        html.open("tr", &[]);
        html.number(&grouped(*count));
        html.open("td", &[]);
        if note.is_empty() {
            html.text("without a note");
        } else {
            html.outside(&facts.repeats.without(note));
        }
        html.close("td");
        html.close("tr");
    }
    if facts.closed.others > 0 {
        html.open("tr", &[]);
        html.number(&grouped(facts.closed.others));
        html.cell("with other notes");
        html.close("tr");
    }
    html.end_table();
    html.close("section");
}
