//! The failures of a run by cause: how many, since when, and what differs among them.
//!
//! One pass over the failures groups them here rather than in SQL, because what differs among the messages of a cause
//! has to be looked at anyway.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Row, params_from_iter};

use super::cause::values;
use super::query::{CauseId, Query};
use super::read::Reader;
use super::{JournalError, RunRow};
use crate::model::{OperationKind, Stage};
use crate::plain::{About, Kind};

/// Failures that are the same to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Where on their way they failed.
    pub stage: Stage,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The platform's code, or ours.
    pub code: Option<String>,
    /// The message, its values masked.
    pub message: String,
    /// How many failures: items, and rows of results.
    pub items: u64,
    /// The records of those items. A row of a result counts as one.
    pub records: u64,
    /// How many can be sent again: items whose record the journal holds.
    pub sendable: u64,
    /// How many may have been carried out without our knowing.
    pub doubtful: u64,
    /// How many a person has edited that were not sent since.
    pub edited: u64,
    /// When the first of them first failed.
    pub first_at: Timestamp,
    /// When the last of them last failed.
    pub last_at: Timestamp,
    /// The fewest and the most tries of one.
    pub tries: (u32, u32),
    /// What a person knows the first of them by: up to three, in the order of places.
    pub examples: Vec<String>,
    /// What differs among their messages.
    pub values: Vec<(String, u64)>,
    /// How many different values there are: 0 where the messages do not differ, and no more than `MANY` are counted.
    pub different: u64,
}

impl Cause {
    /// What makes them the same.
    #[must_use]
    pub fn id(&self) -> CauseId {
        CauseId {
            stage: self.stage,
            status: self.status,
            code: self.code.clone(),
            cause: self.message.clone(),
        }
    }

    /// By what the words for them are chosen.
    #[must_use]
    pub fn kind(&self, operation: Option<OperationKind>) -> Kind<'_> {
        let told = (self.status, self.code.as_deref(), self.message.as_str());
        let kind = Kind::at(operation, self.stage, told);
        // an import whose result could not be had is no row of it
        let is_job = self.stage == Stage::Result && self.sendable > 0;
        let about = if is_job { About::Job } else { kind.about };
        Kind { about, doubtful: self.doubtful > 0, count: self.items, ..kind }
    }

    /// What a person knows the first of them by.
    #[must_use]
    pub fn example(&self) -> &str {
        self.examples.first().map_or("", String::as_str)
    }

    /// The most different values that are counted. What differs more is an id, and nobody reads a list of those.
    pub const MANY: u64 = 1000;

    /// What stands for the causes that are more than anybody reads.
    pub const FURTHER: &str = "further causes: narrow the list down, or settle others first, to see them";
}

/// The most causes that are told apart. A platform whose every message is another one has as many as failures.
const CAUSES: usize = 1000;

/// The most bytes of values that differ, over all causes.
const VALUES: usize = 16 * 1024 * 1024;

/// How many examples, and how many values, a cause names.
const NAMED: usize = 3;

/// The columns, in the order of `Column`: names would be looked up anew for each of a hundred thousand rows.
const COLUMNS: &str = "f.stage, f.status, f.code, f.cause, f.row, f.key, f.records, f.tries, f.message, f.first_at, f.last_at, \
                       f.doubtful, f.kept, f.state <> 'dismissed', f.edited";

/// Where a column stands; the first four tell the cause.
mod column {
    pub(super) const CAUSE: std::ops::Range<usize> = 0..4;
    pub(super) const ROW: usize = 4;
    pub(super) const KEY: usize = 5;
    pub(super) const RECORDS: usize = 6;
    pub(super) const TRIES: usize = 7;
    pub(super) const MESSAGE: usize = 8;
    pub(super) const FIRST_AT: usize = 9;
    pub(super) const LAST_AT: usize = 10;
    pub(super) const DOUBTFUL: usize = 11;
    pub(super) const KEPT: usize = 12;
    pub(super) const STANDS: usize = 13;
    pub(super) const EDITED: usize = 14;
}

impl Reader {
    /// The open failures that the query means by cause, the most frequent first. With `View::Closed` the closed ones.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn causes(&self, run: &RunRow, query: &Query) -> Result<Vec<Cause>, JournalError> {
        let sql = match query.view {
            super::View::Closed => query.sql(run.number),
            super::View::Open | super::View::All => query.open_sql(run.number),
        };
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM failure f {} ORDER BY f.item, f.row",
            sql.text
        ))?;
        let mut rows = statement.query(params_from_iter(sql.values))?;
        let mut groups = Groups { known: HashMap::new(), found: Vec::new(), room: VALUES, name: Vec::new() };
        while let Some(row) = rows.next()? {
            groups.add(row)?;
        }
        Ok(groups.causes())
    }
}

/// The causes found so far, in the order in which they were; behind the last that is told apart, one for all others.
struct Groups {
    known: HashMap<Vec<u8>, usize>,
    found: Vec<(Cause, Differing)>,
    /// The bytes of values that may still be held.
    room: usize,
    /// What tells the row's cause, put together here.
    name: Vec<u8>,
}

impl Groups {
    fn add(&mut self, row: &Row<'_>) -> Result<(), JournalError> {
        let strange = |error: rusqlite::types::FromSqlError| JournalError::Strange(error.to_string());
        self.name.clear();
        for column in column::CAUSE {
            match row.get_ref(column)? {
                ValueRef::Text(text) => self.name.extend_from_slice(text),
                ValueRef::Integer(number) => self.name.extend_from_slice(&number.to_be_bytes()),
                _ => self.name.push(1),
            }
            self.name.push(0);
        }
        let number = if let Some(number) = self.known.get(&self.name) {
            *number
        } else if self.known.len() == CAUSES {
            if self.found.len() == CAUSES {
                let message = Cause::FURTHER.to_owned();
                let further = Cause { status: None, code: None, message, ..begin(row)? };
                self.found.push((further, Differing::default()));
            }
            CAUSES
        } else {
            self.found.push((begin(row)?, Differing::default()));
            self.known.insert(self.name.clone(), self.found.len() - 1);
            self.found.len() - 1
        };
        let Some((cause, differing)) = self.found.get_mut(number) else { return Ok(()) };
        let is_item = row.get::<_, i64>(column::ROW)? == 0;
        let records = u64::try_from(row.get::<_, i64>(column::RECORDS)?).unwrap_or(0);
        cause.items += 1;
        cause.records += if is_item { records } else { 1 };
        cause.sendable += u64::from(is_item && row.get(column::KEPT)? && row.get(column::STANDS)?);
        cause.doubtful += u64::from(row.get::<_, bool>(column::DOUBTFUL)?);
        cause.edited += u64::from(row.get(column::EDITED)? && row.get(column::STANDS)?);
        cause.first_at = cause.first_at.min(at(row, column::FIRST_AT)?);
        cause.last_at = cause.last_at.max(at(row, column::LAST_AT)?);
        let tries = row.get(column::TRIES)?;
        cause.tries = (cause.tries.0.min(tries), cause.tries.1.max(tries));
        if cause.examples.len() < NAMED {
            let key = row.get_ref(column::KEY)?.as_str().map_err(strange)?;
            if !cause.examples.iter().any(|known| known == key) {
                cause.examples.push(key.to_owned());
            }
        }
        if number < CAUSES {
            differing.add(row.get_ref(column::MESSAGE)?.as_str().map_err(strange)?, &mut self.room);
        }
        Ok(())
    }

    fn causes(self) -> Vec<Cause> {
        let mut causes: Vec<Cause> = self
            .found
            .into_iter()
            .map(|(mut cause, differing)| {
                (cause.values, cause.different) = differing.told();
                cause
            })
            .collect();
        // stable: among equals the one that comes first in the run; what stands for all others comes last
        let apart = causes.len().min(CAUSES);
        if let Some(apart) = causes.get_mut(..apart) {
            apart.sort_by_key(|cause| std::cmp::Reverse(cause.items));
        }
        causes
    }
}

fn begin(row: &Row<'_>) -> rusqlite::Result<Cause> {
    let CauseId { stage, status, code, cause } = CauseId::read(row)?;
    Ok(Cause {
        stage,
        status,
        code,
        message: cause,
        items: 0,
        records: 0,
        sendable: 0,
        doubtful: 0,
        edited: 0,
        first_at: Timestamp::MAX,
        last_at: Timestamp::MIN,
        tries: (u32::MAX, 0),
        examples: Vec::new(),
        values: Vec::new(),
        different: 0,
    })
}

fn at(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Ok(Timestamp::from_millisecond(row.get(column)?).unwrap_or_default())
}

/// What differs among the messages of one cause: the values at each masked place.
#[derive(Default)]
struct Differing {
    places: Vec<Place>,
}

/// The different values at one masked place; none any more once there are too many.
type Place = Option<HashMap<String, u64>>;

impl Differing {
    fn add(&mut self, message: &str, room: &mut usize) {
        if !self.places.is_empty() && self.places.iter().all(Option::is_none) {
            return;
        }
        for (number, value) in values(message).enumerate() {
            if self.places.len() <= number {
                self.places.push(Some(HashMap::new()));
            }
            let Some(place) = self.places.get_mut(number) else { return };
            let Some(known) = place else { continue };
            if let Some(count) = known.get_mut(value) {
                *count += 1;
            } else if known.len() as u64 == Cause::MANY || value.len() > *room {
                *place = None;
            } else {
                *room -= value.len();
                known.insert(value.to_owned(), 1);
            }
        }
    }

    /// The most frequent values and how many there are, of the place that differs least: the others tell records apart
    /// rather than reasons.
    fn told(self) -> (Vec<(String, u64)>, u64) {
        let is_many = self.places.iter().any(Option::is_none);
        let differing = self.places.into_iter().flatten().filter(|known| known.len() > 1);
        let Some(known) = differing.min_by_key(HashMap::len) else {
            return (Vec::new(), if is_many { Cause::MANY } else { 0 });
        };
        let different = known.len() as u64;
        let mut values: Vec<_> = known.into_iter().collect();
        values.sort_by(|(one, ones), (other, others)| others.cmp(ones).then_with(|| one.cmp(other)));
        values.truncate(NAMED);
        (values, different)
    }
}
