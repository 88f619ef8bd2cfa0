//! The records of open failures, one after the other: none is held longer than it is looked at.

use std::collections::HashMap;

use rusqlite::params_from_iter;

use super::query::Query;
use super::read::Reader;
use super::rows::{natural, sealed};
use super::{JournalError, RunRow};
use crate::dataset::patch;
use crate::model::FailureId;

/// The values of one field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// The different values, as JSON, each with the number of records that have it; the most frequent first.
    pub distinct: Vec<(String, u64)>,
    /// How many different ones there are beyond those; at least so many, where there are more than 10,000.
    pub more: u64,
    /// Records that have no such field.
    pub missing: u64,
    /// Failures whose record cannot be read as JSON, or has one name twice.
    pub unreadable: u64,
}

/// The most different values that are counted one by one, however few are asked for.
const COUNTED: usize = 10_000;

impl Reader {
    /// Hands the record of each open failure that the query means to the closure, in its order, until it breaks. Rows of
    /// results have none.
    ///
    /// # Errors
    ///
    /// The journal cannot be read, or what the closure returned.
    pub fn each_record<E: From<JournalError>>(
        &self,
        run: &RunRow,
        query: &Query,
        mut each: impl FnMut(FailureId, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut sql = query.open_sql(run.number);
        sql.order(query.sort, "ASC");
        let text = format!(
            "SELECT f.item, f.row, r.record, r.seal FROM failure f CROSS JOIN failure_record r ON r.failure = f.failure {}",
            sql.text
        );
        let sql_error = JournalError::from;
        let mut statement = self.connection.prepare_cached(&text).map_err(sql_error)?;
        let mut rows = statement.query(params_from_iter(sql.values)).map_err(sql_error)?;
        while let Some(row) = rows.next().map_err(sql_error)? {
            let item = natural(row, "item").map_err(sql_error)?;
            let id = FailureId { item, row: natural(row, "row").map_err(sql_error)? };
            let kept = row
                .get("record")
                .and_then(|record| sealed(run.number, item, Some(record), row.get("seal")?))
                .map_err(sql_error)?;
            each(id, &kept.unwrap_or_default())?;
        }
        Ok(())
    }

    /// The values of one field (a JSON Pointer, RFC 6901) in the records of the open failures that the query means, at
    /// most so many different ones. In an item of several records the pointer is looked for in each of them.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn values(
        &self,
        run: &RunRow,
        query: &Query,
        pointer: &str,
        most: usize,
    ) -> Result<Values, JournalError> {
        let mut told = Values::default();
        let mut known: HashMap<Vec<u8>, u64> = HashMap::new();
        self.each_record(run, query, |_, record| {
            let Ok(found) = patch::find(record, pointer) else {
                told.unreadable += 1;
                return Ok::<(), JournalError>(());
            };
            told.missing += found.missing;
            for value in found.values.into_iter().filter_map(|value| record.get(value)) {
                if let Some(count) = known.get_mut(value) {
                    *count += 1;
                } else if known.len() < COUNTED.max(most) {
                    known.insert(value.to_vec(), 1);
                } else {
                    told.more += 1;
                }
            }
            Ok(())
        })?;
        let mut distinct: Vec<(String, u64)> = known
            .into_iter()
            .map(|(value, count)| (String::from_utf8_lossy(&value).into_owned(), count))
            .collect();
        distinct.sort_by(|(one, ones), (other, others)| others.cmp(ones).then_with(|| one.cmp(other)));
        let shown = distinct.len().min(most);
        // one that comes often counts once
        told.more = told.more.min(1) + (distinct.len() - shown) as u64;
        distinct.truncate(most);
        told.distinct = distinct;
        Ok(told)
    }
}
