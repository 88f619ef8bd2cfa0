//! What the journal is asked about one failure: all that is known of it, and whether its record would be sent as a
//! person has edited it. It runs on threads that may block: a record may be large, and a check reads files.

use bytes::Bytes;

use super::record;
use super::value;
use crate::dataset::patch::{self, Field};
use crate::engine::{Checker, Known};
use crate::journal::{Contents, EventRow, FailureRow, Hand, JournalError, Query, Reader, RunRow};
use crate::model::{FailureId, FailureState, Place, Reason, Stage, Violation};

/// The most fields in a table of them.
const MOST_LINES: usize = 60;

/// The longest value in it, in characters.
const LONGEST: usize = 120;

/// The most tries that are listed.
const MOST_TRIES: u32 = 500;

/// One failure with all that is known of it, made ready to be shown.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The failure; its record has been taken out.
    pub row: FailureRow,
    /// The record, a line a line.
    pub record: Vec<String>,
    /// Its fields, refused ones first.
    pub fields: Vec<FieldLine>,
    /// How many more there are.
    pub more_fields: usize,
    /// What our own check says of the record as it is now.
    pub verdict: Verdict,
    /// Its tries, the oldest first.
    pub tries: Vec<EventRow>,
    /// Who did what, the oldest first.
    pub hands: Vec<Hand>,
    /// The file that it is of, the place of its first record there (from 0), and whether a line holds a record.
    pub file: Option<(String, u64, Lines)>,
}

/// Whether a file has a line a record, and a head line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// A line a record.
    Each,
    /// A line a record, after a head line.
    AfterHead,
    /// Lines tell nothing.
    Unknown,
}

/// A field of a record in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldLine {
    /// Its name, for a person to read.
    pub name: String,
    /// Its value in the file.
    pub in_file: String,
    /// Its value now, where a person has changed it.
    pub edited: Option<String>,
    /// What is known of it.
    pub mark: Mark,
}

/// What is known of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// It is refused.
    Bad,
    /// It was refused, and passes our own check now.
    WasBad,
    /// The platform has refused it, and it was changed since.
    Changed,
    /// It passes.
    Good,
    /// Nothing.
    Unknown,
}

/// What our own check says of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It would be sent.
    Passes,
    /// The same, as far as can be told without the platform's own list.
    PassesSoFar,
    /// It would not be sent.
    Refused(Box<Reason>),
    /// It can't be told, and why.
    Unknown(String),
}

impl Verdict {
    /// The places that it refuses.
    pub(super) fn violations(&self) -> &[Violation] {
        match self {
            Self::Refused(reason) => &reason.violations,
            _ => &[],
        }
    }

    /// Whether it would be sent, as far as can be told.
    pub(super) const fn passes(&self) -> bool {
        matches!(self, Self::Passes | Self::PassesSoFar)
    }
}

/// One failure with its record, to be edited.
#[derive(Debug, Clone)]
pub struct Editable {
    /// The failure; its record has been taken out.
    pub row: FailureRow,
    /// The record, or the array of them.
    pub record: Bytes,
    /// As it was before the first edit, where there was one.
    pub original: Option<Bytes>,
    /// Its fields, or why it can be edited as a whole only.
    pub fields: Result<Vec<Field>, String>,
    /// The fields of the original, where there is one.
    pub in_file: Option<Vec<Field>>,
    /// The platform's categories, each with what stands under it, where they are known.
    pub categories: Vec<(String, Vec<String>)>,
}

/// A record as a person wishes it to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its number: only the answer to the last one counts.
    pub number: u64,
    /// The failure.
    pub id: FailureId,
    /// The record to begin with.
    pub record: Bytes,
    /// New values (JSON) in it, by their pointers.
    pub changes: Vec<(String, Bytes)>,
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The record with the changes in it, or why they can't be put in.
    pub record: Result<Bytes, String>,
    /// Whether it would be sent.
    pub verdict: Verdict,
}

/// What people have done and not finished, and what they wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mendings {
    /// How many failures are edited and not sent since.
    pub edited: u64,
    /// The keys of the first of them.
    pub keys: Vec<String>,
    /// The last different notes with which failures were closed, the newest first.
    pub notes: Vec<String>,
}

/// Where these questions are answered.
pub(super) struct Desk<'a> {
    pub reader: &'a Reader,
    pub run: &'a RunRow,
    /// The check of the run's own plan, or why there is none.
    pub checker: Result<&'a Checker, &'a str>,
}

impl Desk<'_> {
    /// All that is known of a failure; none where it is none any more.
    pub fn detail(&self, id: FailureId) -> Result<Option<Box<Detail>>, JournalError> {
        let Some(mut row) = self.reader.failure(self.run, id)? else { return Ok(None) };
        let now = row.record.take().map(Bytes::from);
        let original = row.original.take().map(Bytes::from);
        let verdict = match &now {
            Some(now) if id.is_item() => self.check(&row, now),
            _ => Verdict::Unknown("there is no record".to_owned()),
        };
        let (fields, more_fields) = now.as_ref().map_or_else(
            || (Vec::new(), 0),
            |now| table(&row, now, original.as_ref().unwrap_or(now), &verdict),
        );
        Ok(Some(Box::new(Detail {
            record: now.map(|now| record::lines(&now)).unwrap_or_default(),
            fields,
            more_fields,
            verdict,
            tries: if id.is_item() {
                self.reader.item_events(self.run, id.item, MOST_TRIES)?
            } else {
                Vec::new()
            },
            hands: self.reader.hands(self.run, id)?,
            file: self.file(row.position),
            row,
        })))
    }

    /// A failure to be edited, or why it can't be.
    pub fn to_edit(&self, id: FailureId) -> Result<Result<Box<Editable>, String>, JournalError> {
        let Some(mut row) = self.reader.failure(self.run, id)? else {
            return Ok(Err("it was delivered since".to_owned()));
        };
        if let Err(why) = editable(&row) {
            return Ok(Err(why));
        }
        let Some(record) = row.record.take().map(Bytes::from) else {
            return Ok(Err("the journal does not hold its record".to_owned()));
        };
        let original = row.original.take().map(Bytes::from);
        Ok(Ok(Box::new(Editable {
            fields: patch::fields(&record).map_err(|error| first_line(&error.to_string())),
            in_file: original.as_ref().and_then(|original| patch::fields(original).ok()),
            categories: self.checker.map(Checker::categories).unwrap_or_default(),
            row,
            record,
            original,
        })))
    }

    /// Puts the changes in, and checks what comes of it.
    pub fn try_out(&self, wish: &Wish) -> Result<Tried, JournalError> {
        let changes: Vec<(&str, &[u8])> =
            wish.changes.iter().map(|(pointer, value)| (pointer.as_str(), value.as_ref())).collect();
        let record = if changes.is_empty() {
            Ok(wish.record.clone())
        } else {
            patch::replace(&wish.record, &changes).map(Bytes::from)
        };
        let verdict = match &record {
            Err(_) => Verdict::Unknown("the changes can't be put in".to_owned()),
            Ok(record) => {
                let all = Query::default();
                let row = self.reader.failures_from(self.run, &all, wish.id, 1, Contents::Without)?.pop();
                match row.filter(|row| row.id == wish.id) {
                    Some(row) => self.check(&row, record),
                    None => Verdict::Unknown("it is no failure any more".to_owned()),
                }
            }
        };
        Ok(Tried { record: record.map_err(|error| first_line(&error.to_string())), verdict })
    }

    /// What the check of the run says of a record.
    pub fn check(&self, row: &FailureRow, record: &Bytes) -> Verdict {
        match self.checker {
            Err(why) => Verdict::Unknown(why.to_owned()),
            Ok(checker) => match checker.check(row, record) {
                Err(reason) => Verdict::Refused(reason),
                Ok(()) if checker.known() == Known::No => Verdict::PassesSoFar,
                Ok(()) => Verdict::Passes,
            },
        }
    }

    fn file(&self, position: u64) -> Option<(String, u64, Lines)> {
        let dataset = self.run.datasets.iter().rev().find(|dataset| dataset.first_position <= position)?;
        let name = dataset.path.rsplit(['/', '\\']).next().unwrap_or(&dataset.path);
        let format = dataset.format.to_ascii_lowercase();
        let lines = if format.contains("csv") {
            Lines::AfterHead
        } else if format.contains("ndjson") || format.contains("jsonl") || format.contains("json lines") {
            Lines::Each
        } else {
            Lines::Unknown
        };
        Some((crate::text::one_line(name, 60), position - dataset.first_position, lines))
    }
}

/// Whether a failure's record can be edited at all, and if not, why.
pub(super) fn editable(row: &FailureRow) -> Result<(), String> {
    if !row.id.is_item() {
        return Err(
            "it is a row of a delivered import: mend it at its source, and import that anew".to_owned()
        );
    }
    match row.state {
        FailureState::Dismissed => Err(format!("{} was closed by a person; open it again first", row.key)),
        FailureState::Delivered => Err(format!("{} was delivered since", row.key)),
        FailureState::Failed | FailureState::Invalid if row.remote_id.is_some() => {
            Err("the platform has this import as a job already; it can only be asked about it".to_owned())
        }
        FailureState::Failed | FailureState::Invalid => Ok(()),
    }
}

pub(super) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// A field's name for a person: in an item of several records, with the record's number before it.
pub(super) fn name_of(pointer: &str, count: u64) -> String {
    let plain = pointer.strip_prefix('/').unwrap_or(pointer);
    let unescaped = |name: &str| name.replace("~1", "/").replace("~0", "~");
    if count > 1
        && let Some((number, rest)) = plain.split_once('/')
        && let Ok(number) = number.parse::<u64>()
    {
        return format!("{}: {}", super::numbers::count(number.saturating_add(1)), unescaped(rest));
    }
    if plain.is_empty() { "the record".to_owned() } else { unescaped(plain) }
}

/// Whether one of the violations is about the value at the pointer.
pub(super) fn names(violations: &[Violation], pointer: &str) -> bool {
    violations.iter().any(|one| matches!(&one.place, Place::Pointer(place) if place == pointer))
}

/// The fields of a record as a table, refused ones first, and how many there are beyond it.
fn table(row: &FailureRow, now: &[u8], file: &[u8], verdict: &Verdict) -> (Vec<FieldLine>, usize) {
    let (Ok(fields), Ok(before)) = (patch::fields(now), patch::fields(file)) else {
        return (Vec::new(), 0);
    };
    let mut in_file: std::collections::HashMap<&str, &[u8]> = before
        .iter()
        .filter_map(|field| Some((field.pointer.as_str(), file.get(field.raw.clone())?)))
        .collect();
    let mut lines = Vec::new();
    let mut line = |pointer: &str, was: Option<&[u8]>, is: Option<&[u8]>| {
        let edited = (was != is).then(|| value::shown(is, LONGEST));
        let was_bad = names(&row.violations, pointer);
        let mark = match verdict {
            _ if names(verdict.violations(), pointer) => Mark::Bad,
            _ if was_bad && edited.is_none() => Mark::Bad,
            Verdict::Unknown(_) if was_bad => Mark::Changed,
            Verdict::Unknown(_) => Mark::Unknown,
            _ if was_bad && row.stage == Stage::Validation => Mark::WasBad,
            _ if was_bad => Mark::Changed,
            _ => Mark::Good,
        };
        let name = name_of(pointer, row.count);
        lines.push(FieldLine { name, in_file: value::shown(was, LONGEST), edited, mark });
    };
    for field in &fields {
        line(&field.pointer, in_file.remove(field.pointer.as_str()), now.get(field.raw.clone()));
    }
    for field in before.iter().filter(|field| in_file.contains_key(field.pointer.as_str())) {
        line(&field.pointer, file.get(field.raw.clone()), None);
    }
    let places = row.violations.iter().chain(verdict.violations());
    let mut missing: Vec<&str> = places
        .filter_map(|one| match &one.place {
            Place::Pointer(pointer) if pointer.len() > 1 => Some(pointer.as_str()),
            _ => None,
        })
        .filter(|pointer| !fields.iter().chain(&before).any(|field| field.pointer.starts_with(pointer)))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    for pointer in missing {
        line(pointer, None, None);
    }
    lines.sort_by_key(|line| (line.mark > Mark::Changed) && line.edited.is_none());
    if row.count > 1 {
        // of a batch, what is as it should be is too much to be told
        lines.retain(|line| line.mark <= Mark::Changed || line.edited.is_some());
    }
    let more = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    (lines, more)
}
