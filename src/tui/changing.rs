//! Changing one value in many failures: what values there are, what would come of new ones, and the records with the new
//! ones in them.
//!
//! A hundred thousand records are walked on a thread of their own, a page at a time, so that neither the board nor what
//! it reads meanwhile waits. A walk ends as soon as another is asked for. What is kept in the end are the failures that
//! were counted: the ids are taken when the outcome is shown, and each is looked at once more before it is changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::mending::{self, Desk, Verdict};
use super::value;
use crate::dataset::patch;
use crate::engine::Checker;
use crate::journal::{Contents, FailureRow, JournalError, Query, Sort, View};
use crate::model::{FailureId, Place};

/// Failures that are read at once.
const PAGE: u32 = 500;

/// Failures whose fields are looked at in order to name what can be changed.
const SAMPLE: u32 = 500;

/// The most fields that are named.
const MOST_FIELDS: usize = 200;

/// The most different values that are counted, and the most bytes of them.
const COUNTED: usize = 10_000;
const COUNTED_BYTES: usize = 16 << 20;

/// The most different values that are shown.
pub(super) const MOST_VALUES: usize = 200;

/// The examples that are shown.
const EXAMPLES: usize = 5;

/// The most records, and bytes of them, that are written at once.
const GROUP: usize = 1_000;
const GROUP_BYTES: usize = 32 << 20;

/// Something to be done for a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Errand {
    /// Its number: the one before it ends.
    pub number: u64,
    /// What.
    pub task: Task,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Name the fields of these failures.
    Fields(Query),
    /// Count the values of the field.
    Values(Query, Target),
    /// See what would come of new values.
    Try(Query, Target, NewForOld),
    /// Make the records of some of these failures, from the first on.
    Make(Arc<Vec<FailureId>>, usize, Target, NewForOld),
    /// Nothing: what is under way ends.
    Stop,
}

/// The field that is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Where it is in a record: a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// The field beside it by which its values are told apart: the category of a subcategory.
    pub beside: Option<String>,
}

/// A value that is there, as JSON, with that of the field beside it; none where it is not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Old {
    /// The field beside it.
    pub beside: Option<Vec<u8>>,
    /// The value.
    pub value: Option<Vec<u8>>,
}

impl Old {
    fn bytes(&self) -> usize {
        [&self.beside, &self.value].into_iter().flatten().map(Vec::len).sum()
    }
}

/// New values, as JSON, for old ones.
pub type NewForOld = Arc<BTreeMap<Old, Vec<u8>>>;

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// So many failures were looked at.
    Far(u64),
    /// The fields.
    Fields(Fields),
    /// The values.
    Values(Counted),
    /// What would come of the new ones.
    Tried(Outlook),
    /// Records with the new values, and how many of the failures that were named have been gone through by now.
    Made(Vec<(FailureId, Option<Bytes>)>, usize),
    /// It can't be done, and why.
    Failed(String),
}

/// The fields of many failures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// Each with how many of the failures that were looked at name it; those that are named most first.
    pub fields: Vec<(String, u64)>,
    /// The platform's categories, where they are known.
    pub categories: Vec<(String, Vec<String>)>,
}

/// The values of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// The most frequent first.
    pub values: Vec<(Old, u64)>,
    /// How many more different ones there are, at least.
    pub more: u64,
    /// Failures whose record can't be looked into.
    pub unreadable: u64,
}

/// What would come of new values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Those that change, and pass the check.
    pub passing: Vec<FailureId>,
    /// Those that change, and would be refused all the same.
    pub refused: u64,
    /// The first of those, and why.
    pub why: Option<(String, String)>,
    /// Those that stay.
    pub stays: u64,
    /// Those that pass and that may have been carried out already.
    pub doubtful: u64,
    /// Whether the check knows the platform's own list, where it needs one.
    pub so_far: bool,
    /// Some of them: key, before, after.
    pub examples: Vec<(String, String, String)>,
}

/// Does an errand. `goes_on` says whether it is still wanted, and is told how far it is.
pub(super) fn run(
    desk: &Desk<'_>,
    task: &Task,
    goes_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<News>, JournalError> {
    match task {
        Task::Stop => Ok(None),
        Task::Fields(query) => fields(desk, &of_open(query)).map(|fields| Some(News::Fields(fields))),
        Task::Values(query, target) => Ok(count(desk, &of_open(query), target, goes_on)?.map(News::Values)),
        Task::Try(query, target, to) => {
            Ok(try_out(desk, &of_open(query), target, to, goes_on)?.map(News::Tried))
        }
        Task::Make(ids, from, target, to) => make(desk, ids, *from, target, to).map(Some),
    }
}

/// Those that can still be changed, in an order that a change does not move.
fn of_open(query: &Query) -> Query {
    Query { view: View::Open, sort: Sort::Place, ..query.clone() }
}

fn fields(desk: &Desk<'_>, query: &Query) -> Result<Fields, JournalError> {
    let mut known: Vec<String> = Vec::new();
    let mut named: HashMap<String, u64> = HashMap::new();
    for row in desk.reader.failures(desk.run, query, None, SAMPLE, Contents::With)? {
        let several = row.count > 1;
        let plain = |pointer: &str| if several { within(pointer).to_owned() } else { pointer.to_owned() };
        for violation in &row.violations {
            if let Place::Pointer(pointer) = &violation.place {
                *named.entry(plain(pointer)).or_default() += 1;
            }
        }
        let Some(Ok(fields)) = row.record.as_deref().map(patch::fields) else { continue };
        for field in fields {
            let pointer = plain(&field.pointer);
            if !pointer.is_empty() && known.len() < MOST_FIELDS && !known.contains(&pointer) {
                known.push(pointer);
            }
        }
    }
    for pointer in named.keys().filter(|pointer| pointer.len() > 1) {
        // one that is not there can be put in
        let holds = known.iter().any(|known| known.starts_with(pointer.as_str()));
        if !holds && pointer.matches('/').count() == 1 {
            known.push(pointer.clone());
        }
    }
    let mut fields: Vec<(String, u64)> = known
        .into_iter()
        .map(|pointer| {
            let count = named.get(&pointer).copied().unwrap_or(0);
            (pointer, count)
        })
        .collect();
    fields.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Ok(Fields { fields, categories: desk.checker.map(Checker::categories).unwrap_or_default() })
}

/// The pointer within the record of a batch.
fn within(pointer: &str) -> &str {
    pointer
        .strip_prefix('/')
        .and_then(|rest| rest.find('/').and_then(|slash| rest.get(slash..)))
        .unwrap_or_default()
}

/// Walks over the failures with their records until it breaks; false where it was not wanted any more.
fn walk(
    desk: &Desk<'_>,
    query: &Query,
    goes_on: &mut dyn FnMut(u64) -> bool,
    mut each: impl FnMut(FailureRow, &Bytes),
) -> Result<bool, JournalError> {
    let (mut after, mut done) = (None, 0_u64);
    loop {
        if !goes_on(done) {
            return Ok(false);
        }
        let page = desk.reader.failures(desk.run, query, after, PAGE, Contents::With)?;
        let Some(last) = page.last().map(|row| row.id) else { return Ok(true) };
        after = Some(last);
        done += u64::try_from(page.len()).unwrap_or(0);
        for mut row in page {
            if mending::editable(&row).is_ok()
                && let Some(record) = row.record.take().map(Bytes::from)
            {
                each(row, &record);
            }
        }
    }
}

fn count(
    desk: &Desk<'_>,
    query: &Query,
    target: &Target,
    goes_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<Counted>, JournalError> {
    let (mut counts, mut bytes): (HashMap<Old, u64>, _) = (HashMap::new(), 0);
    let mut told = Counted::default();
    let all = walk(desk, query, goes_on, |row, record| {
        let looked = each_record(&row, record, &mut |one| {
            let old = target.look(one)?;
            if let Some(count) = counts.get_mut(&old) {
                *count += 1;
            } else if counts.len() < COUNTED && bytes + old.bytes() <= COUNTED_BYTES {
                bytes += old.bytes();
                counts.insert(old, 1);
            } else {
                told.more = 1;
            }
            Some(())
        });
        if looked.is_none() {
            told.unreadable += 1;
        }
    })?;
    let mut values: Vec<(Old, u64)> = counts.into_iter().collect();
    values.sort_by(|(one, ones), (other, others)| others.cmp(ones).then_with(|| one.cmp(other)));
    told.more += u64::try_from(values.len().saturating_sub(MOST_VALUES)).unwrap_or(0);
    values.truncate(MOST_VALUES);
    told.values = values;
    Ok(all.then_some(told))
}

/// Each record of an item. None where it can't be read, or the closure says so.
fn each_record<'r>(
    row: &FailureRow,
    record: &'r [u8],
    each: &mut dyn FnMut(&'r [u8]) -> Option<()>,
) -> Option<()> {
    if row.count <= 1 {
        return each(record);
    }
    let elements = serde_json::from_slice::<Vec<&'r RawValue>>(record).ok()?;
    elements.into_iter().try_for_each(|element| each(element.get().as_bytes()))
}

impl Target {
    /// What stands there in one record; none where that can't be told.
    fn look(&self, record: &[u8]) -> Option<Old> {
        let value = |pointer: &str| -> Option<Option<Vec<u8>>> {
            // an array that is a record has no fields
            let found = patch::find(record, pointer).ok()?;
            match found.values.as_slice() {
                [] => Some(None),
                [one] => Some(record.get(one.clone()).map(<[u8]>::to_vec)),
                _ => None,
            }
        };
        let beside = self.beside.as_deref().map_or(Some(None), value)?;
        Some(Old { beside, value: value(&self.pointer)? })
    }

    /// One record with its new value; none where it stays.
    fn change_one(&self, record: &[u8], to: &BTreeMap<Old, Vec<u8>>) -> Option<Vec<u8>> {
        let old = self.look(record)?;
        let new = to.get(&old).filter(|new| Some(*new) != old.value.as_ref())?;
        patch::replace(record, &[(self.pointer.as_str(), new.as_slice())]).ok()
    }

    /// The record of an item with its new values; none where all of it stays. Nothing else in it is touched.
    fn change(&self, row: &FailureRow, record: &Bytes, to: &BTreeMap<Old, Vec<u8>>) -> Option<Bytes> {
        if row.count <= 1 {
            return self.change_one(record, to).map(Bytes::from);
        }
        let mut new: Vec<u8> = Vec::with_capacity(record.len() + 64);
        let mut at = 0;
        each_record(row, record, &mut |one| {
            if let Some(changed) = self.change_one(one, to) {
                let place = (one.as_ptr().addr()).checked_sub(record.as_ptr().addr())?;
                new.extend_from_slice(record.get(at..place)?);
                new.extend_from_slice(&changed);
                at = place + one.len();
            }
            Some(())
        })?;
        if at == 0 {
            return None;
        }
        new.extend_from_slice(record.get(at..)?);
        Some(new.into())
    }

    /// What stands there, for a person to read.
    fn words(&self, row: &FailureRow, record: &[u8]) -> String {
        let mut words = String::new();
        each_record(row, record, &mut |one| {
            let old = self.look(one)?;
            let value = value::shown(old.value.as_deref(), 60);
            words = match &old.beside {
                Some(beside) => format!("{} / {value}", value::shown(Some(beside), 60)),
                None => value,
            };
            // of a batch, the first says enough
            None
        });
        words
    }
}

fn try_out(
    desk: &Desk<'_>,
    query: &Query,
    target: &Target,
    to: &BTreeMap<Old, Vec<u8>>,
    goes_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<Outlook>, JournalError> {
    let mut outlook = Outlook::default();
    let all = walk(desk, query, goes_on, |row, record| {
        let Some(new) = target.change(&row, record, to) else {
            outlook.stays += 1;
            return;
        };
        if outlook.examples.len() < EXAMPLES {
            let (before, after) = (target.words(&row, record), target.words(&row, &new));
            outlook.examples.push((row.key.clone(), before, after));
        }
        match desk.check(&row, &new) {
            Verdict::Refused(reason) => {
                outlook.refused += 1;
                outlook.why.get_or_insert_with(|| (row.key.clone(), reason.message.clone()));
            }
            verdict => {
                outlook.so_far |= verdict != Verdict::Passes;
                outlook.doubtful += u64::from(row.doubtful);
                outlook.passing.push(row.id);
            }
        }
    })?;
    Ok(all.then_some(outlook))
}

/// The records of the next group. Each is looked at once more: it may have been sent, or edited, meanwhile.
fn make(
    desk: &Desk<'_>,
    ids: &[FailureId],
    from: usize,
    target: &Target,
    to: &BTreeMap<Old, Vec<u8>>,
) -> Result<News, JournalError> {
    let (mut records, mut bytes, mut done) = (Vec::new(), 0_usize, from);
    for id in ids.iter().skip(from).take(GROUP) {
        if bytes > GROUP_BYTES {
            break;
        }
        done += 1;
        let Some(mut row) = desk.reader.failure(desk.run, *id)? else { continue };
        let Some(record) = row.record.take().map(Bytes::from) else { continue };
        if mending::editable(&row).is_err() {
            continue;
        }
        let Some(new) = target.change(&row, &record, to) else { continue };
        bytes += new.len();
        // one that is as it was in the file is no edit any more
        let same = row.original.as_deref() == Some(new.as_ref());
        records.push((*id, (!same).then_some(new)));
    }
    Ok(News::Made(records, done))
}

#[cfg(test)]
mod tests;
