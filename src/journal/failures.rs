//! What can be asked of a run's failures: rows a page at a time, counts, and causes.

use std::fmt::Write as _;

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::apply::int;
use super::read::Reader;
use super::rows::{key_of, moment, natural, word};
use super::{Cause, FailureRow, Filter, JournalError, RunRow};
use crate::model::{FailureId, FailureState};

/// Whether rows bring the records of their failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// They do.
    With,
    /// They don't: quicker, where only the reasons are shown.
    Without,
}

impl Reader {
    /// Failures that the filter lets through and that are not delivered since, in the order of their items, from the
    /// one after `after` on. The rows of a result come after the item itself. Records come along only if asked for.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn failures(
        &self,
        run: &RunRow,
        filter: &Filter,
        after: Option<FailureId>,
        limit: u32,
        contents: Contents,
    ) -> Result<Vec<FailureRow>, JournalError> {
        let from = after.map_or([-1, 0], |id| [int(id.item), int(id.row)]);
        self.failure_rows(
            run,
            filter,
            "(f.item, f.row) > (?, ?) ORDER BY f.item, f.row",
            from,
            limit,
            contents,
        )
    }

    /// The last failures that stand before this one (or the last of all), in the order of their items: what `failures`
    /// is for going on, for going back.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn failures_before(
        &self,
        run: &RunRow,
        filter: &Filter,
        before: Option<FailureId>,
        limit: u32,
        contents: Contents,
    ) -> Result<Vec<FailureRow>, JournalError> {
        let to = before.map_or([i64::MAX, 0], |id| [int(id.item), int(id.row)]);
        let which = "(f.item, f.row) < (?, ?) ORDER BY f.item DESC, f.row DESC";
        let mut rows = self.failure_rows(run, filter, which, to, limit, contents)?;
        rows.reverse();
        Ok(rows)
    }

    fn failure_rows(
        &self,
        run: &RunRow,
        filter: &Filter,
        which: &str,
        from: [i64; 2],
        limit: u32,
        contents: Contents,
    ) -> Result<Vec<FailureRow>, JournalError> {
        let (condition, mut values) = condition(run, filter);
        let record = match contents {
            Contents::With => "f.record",
            Contents::Without => "NULL",
        };
        let sql = format!(
            "SELECT f.*, {record} AS content, i.first, i.count, i.name, i.attempts, i.unsure, i.correlation_id, i.remote_id,
                    d.path
             {condition} AND {which} LIMIT ?"
        );
        values.extend(from.map(Value::Integer));
        values.push(Value::Integer(i64::from(limit)));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| {
            let position = natural(row, "first")?;
            Ok(FailureRow {
                id: FailureId { item: natural(row, "item")?, row: natural(row, "row")? },
                position,
                count: natural(row, "count")?,
                key: key_of(row.get("name")?, &row.get::<_, String>("path")?, position),
                stage: word(row, "stage")?,
                status: row.get("status")?,
                code: row.get("code")?,
                message: row.get("message")?,
                violations: serde_json::from_str(&row.get::<_, String>("violations")?).unwrap_or_default(),
                attempts: row.get("attempts")?,
                unsure: row.get("unsure")?,
                doubtful: row.get::<_, i64>("doubtful")? != 0,
                correlation_id: row.get("correlation_id")?,
                remote_id: row.get("remote_id")?,
                first_at: moment(row, "first_at")?.unwrap_or_default(),
                last_at: moment(row, "last_at")?.unwrap_or_default(),
                state: word(row, "state")?,
                note: row.get("note")?,
                record: row.get("content")?,
            })
        })?;
        rows.collect::<Result<Vec<_>, _>>().map_err(Into::into)
    }

    /// One failure.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn failure(&self, run: &RunRow, id: FailureId) -> Result<Option<FailureRow>, JournalError> {
        let exactly = [int(id.item), int(id.row)];
        let which = "(f.item, f.row) = (?, ?)";
        Ok(self.failure_rows(run, &Filter::default(), which, exactly, 1, Contents::With)?.pop())
    }

    /// How many failures the filter lets through, and how many of them are open.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn count_failures(&self, run: &RunRow, filter: &Filter) -> Result<(u64, u64), JournalError> {
        let (condition, values) = condition(run, filter);
        let sql = format!(
            "SELECT count(*) AS n, coalesce(sum(f.state IN ('failed', 'invalid')), 0) AS open {condition}"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let counted = statement
            .query_row(params_from_iter(values), |row| Ok((natural(row, "n")?, natural(row, "open")?)))?;
        Ok(counted)
    }

    /// How many failures that the filter lets through stand before this one.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn count_failures_before(
        &self,
        run: &RunRow,
        filter: &Filter,
        id: FailureId,
    ) -> Result<u64, JournalError> {
        let (condition, mut values) = condition(run, filter);
        values.extend([int(id.item), int(id.row)].map(Value::Integer));
        let sql = format!("SELECT count(*) AS n {condition} AND (f.item, f.row) < (?, ?)");
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row(params_from_iter(values), |row| natural(row, "n"))?)
    }

    /// The failures that the filter lets through and that are in one of the states.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn failures_in(
        &self,
        run: &RunRow,
        filter: &Filter,
        states: &[FailureState],
    ) -> Result<Vec<FailureId>, JournalError> {
        let (condition, mut values) = condition(run, filter);
        let holes = vec!["?"; states.len()].join(", ");
        let sql = format!("SELECT f.item, f.row {condition} AND f.state IN ({holes}) ORDER BY f.item, f.row");
        values.extend(states.iter().map(|state| Value::Text(state.word().to_owned())));
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| {
            Ok(FailureId { item: natural(row, "item")?, row: natural(row, "row")? })
        })?;
        rows.collect::<Result<Vec<_>, _>>().map_err(Into::into)
    }

    /// The open failures by cause, the most frequent first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn causes(&self, run: &RunRow, filter: &Filter) -> Result<Vec<Cause>, JournalError> {
        let (condition, values) = condition(run, filter);
        let sql = format!(
            "SELECT f.stage, f.status, f.code, f.cause, count(*) AS n, min(f.item) AS item, i.name, d.path, i.first
             {condition} AND f.state IN ('failed', 'invalid')
             GROUP BY f.stage, f.status, f.code, f.cause ORDER BY n DESC, item"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| {
            Ok(Cause {
                stage: word(row, "stage")?,
                status: row.get("status")?,
                code: row.get("code")?,
                message: row.get("cause")?,
                items: natural(row, "n")?,
                example: key_of(row.get("name")?, &row.get::<_, String>("path")?, natural(row, "first")?),
            })
        })?;
        rows.collect::<Result<Vec<_>, _>>().map_err(Into::into)
    }
}

/// `FROM … WHERE …` of the failures that a filter lets through, with its values.
fn condition(run: &RunRow, filter: &Filter) -> (String, Vec<Value>) {
    let mut sql = "FROM failure f JOIN item i ON i.run = f.run AND i.seq = f.item
                   JOIN dataset d ON d.run = i.run AND d.dataset = i.dataset
                   WHERE f.run = ? AND f.state <> 'delivered'"
        .to_owned();
    let mut values = vec![Value::Integer(run.number)];
    if let Some(status) = filter.status {
        sql.push_str(" AND f.status = ?");
        values.push(Value::Integer(i64::from(status)));
    }
    if let Some(code) = &filter.code {
        sql.push_str(" AND f.code = ?");
        values.push(Value::Text(code.clone()));
    }
    if let Some(stage) = filter.stage {
        sql.push_str(" AND f.stage = ?");
        values.push(Value::Text(stage.word().to_owned()));
    }
    if !filter.items.is_empty() {
        let holes = vec!["?"; filter.items.len()].join(", ");
        // writing to a String cannot fail
        let _ = write!(sql, " AND f.item IN ({holes})");
        values.extend(filter.items.iter().map(|item| Value::Integer(int(*item))));
    }
    for word in &filter.words {
        sql.push_str(" AND instr(lower(coalesce(i.name, d.path || ':' || i.first) || ' ' || coalesce(f.code, '') || ' ' || f.message), ?) > 0");
        values.push(Value::Text(word.clone()));
    }
    (sql, values)
}
