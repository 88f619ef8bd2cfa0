//! What can be asked of a run's failures: rows a page at a time, and counts.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use super::apply::int;
use super::query::{Query, Sort, View, place};
use super::read::Reader;
use super::rows::{moment, natural, sealed, word};
use super::{FailureRow, JournalError, RunRow};
use crate::model::{FailureId, FailureState};

/// Whether rows bring the records of their failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// They do. A page of them ends early where it holds enough: only an empty one is the last.
    With,
    /// They don't: quicker, where only the reasons are shown.
    Without,
}

/// Bytes of a page with its records, after which it ends: one record may have 10 MB, and its first form as much.
const ENOUGH: usize = 8_000_000;

/// On which side of a failure a page lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    After,
    FromItOn,
    Before,
}

impl Side {
    const fn sign(self) -> &'static str {
        match self {
            Self::After => ">",
            Self::FromItOn => ">=",
            Self::Before => "<",
        }
    }
}

impl Reader {
    /// The failures that the query means and that stand after this one in its order (or the first of all).
    ///
    /// The one named need not be among them: a page begins where it would stand. One that the journal does not know, as
    /// after a batch was split, has a place only in the order of places; in the others a page begins anew.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn failures(
        &self,
        run: &RunRow,
        query: &Query,
        after: Option<FailureId>,
        limit: u32,
        contents: Contents,
    ) -> Result<Vec<FailureRow>, JournalError> {
        self.page(run, query, after, Side::After, limit, contents)
    }

    /// As `failures`, from this one on.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn failures_from(
        &self,
        run: &RunRow,
        query: &Query,
        from: FailureId,
        limit: u32,
        contents: Contents,
    ) -> Result<Vec<FailureRow>, JournalError> {
        self.page(run, query, Some(from), Side::FromItOn, limit, contents)
    }

    /// The last failures that stand before this one (or the last of all), in the query's order: what `failures` is for
    /// going on, for going back.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn failures_before(
        &self,
        run: &RunRow,
        query: &Query,
        before: Option<FailureId>,
        limit: u32,
        contents: Contents,
    ) -> Result<Vec<FailureRow>, JournalError> {
        let mut rows = self.page(run, query, before, Side::Before, limit, contents)?;
        rows.reverse();
        Ok(rows)
    }

    fn page(
        &self,
        run: &RunRow,
        query: &Query,
        place: Option<FailureId>,
        side: Side,
        limit: u32,
        contents: Contents,
    ) -> Result<Vec<FailureRow>, JournalError> {
        let mut sql = query.sql(run.number);
        let place = place.map(|id| self.place_in(run, query.sort, id)).transpose()?.flatten();
        if let Some(place) = &place {
            sql.beside(query.sort, side.sign(), place.clone());
        }
        let order = query.sort.order_by(if side == Side::Before { "DESC" } else { "ASC" });
        sql.text.push_str(&order);
        sql.text.push_str(" LIMIT ?");
        sql.values.push(Value::Integer(i64::from(limit)));
        let index = if query.sort == Sort::Place { query.place_index() } else { "" };
        // an index that is damaged may find what does not stand there: such pages would have no end
        let beside = place.map(|place| (query.sort, side, place));
        self.rows(&format!("{index} {}", sql.text), &order, sql.values, beside, contents)
    }

    /// Where a failure stands in an order, whether or not a query means it.
    fn place_in(&self, run: &RunRow, sort: Sort, id: FailureId) -> Result<Option<Vec<Value>>, JournalError> {
        let Some(column) = sort.column() else { return Ok(Some(place(id))) };
        let sql = format!("SELECT {column} FROM failure WHERE run = ?1 AND item = ?2 AND row = ?3");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let first: Option<Value> = statement
            .query_row(params![run.number, int(id.item), int(id.row)], |row| row.get(0))
            .optional()?;
        Ok(first.map(|first| std::iter::once(first).chain(place(id)).collect()))
    }

    /// The rows of some failures: those are found in an index first, and looked at only then.
    fn rows(
        &self,
        which: &str,
        order: &str,
        mut values: Vec<Value>,
        beside: Option<(Sort, Side, Vec<Value>)>,
        contents: Contents,
    ) -> Result<Vec<FailureRow>, JournalError> {
        let mut there = "1".to_owned();
        if let Some((sort, side, place)) = beside {
            there = sort.compared(side.sign(), place.len());
            values.splice(0..0, place);
        }
        // records come one by one: SQLite would hold those of a whole page to put it into its order
        let sql = format!(
            "SELECT {there} AS there, f.*, i.first, i.count, i.attempts, i.unsure, i.correlation_id, i.remote_id
             FROM (SELECT f.failure FROM failure f {which}) p
                  CROSS JOIN failure f ON f.failure = p.failure
                  CROSS JOIN item i ON i.run = f.run AND i.seq = f.item {order}"
        );
        // of one moment, whatever others write meanwhile
        let _look = self.connection.unchecked_transaction()?;
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut kept = self
            .connection
            .prepare_cached("SELECT record, original, seal FROM failure_record WHERE failure = ?1")?;
        let mut rows = statement.query(params_from_iter(values))?;
        let (mut found, mut held) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            if !row.get::<_, bool>("there")? {
                return Err(self.damaged("its failures are not in their order"));
            }
            let mut failure = failure_row(row)?;
            if contents == Contents::With
                && let Some(kept) = kept.query(params![row.get::<_, i64>("failure")?])?.next()?
            {
                failure.record = sealed(row.get("run")?, failure.id.item, kept.get(0)?, kept.get(2)?)?;
                failure.original = kept.get(1)?;
            }
            held += weight(&failure);
            found.push(failure);
            if contents == Contents::With && held >= ENOUGH {
                break;
            }
        }
        Ok(found)
    }

    /// One failure.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn failure(&self, run: &RunRow, id: FailureId) -> Result<Option<FailureRow>, JournalError> {
        let mut sql = Query::default().sql(run.number);
        sql.beside(Sort::Place, "=", place(id));
        Ok(self.rows(&sql.text, "", sql.values, None, Contents::With)?.pop())
    }

    /// How many failures the query means, and how many of them are open.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn count_failures(&self, run: &RunRow, query: &Query) -> Result<(u64, u64), JournalError> {
        let sql = query.sql(run.number);
        let open = match query.view {
            View::Open => "count(*)",
            View::Closed => "0",
            View::All => "coalesce(sum(f.state IN ('failed', 'invalid')), 0)",
        };
        let text = format!(
            "SELECT count(*) AS n, {open} AS open FROM failure f {} {}",
            query.place_index(),
            sql.text
        );
        let mut statement = self.connection.prepare_cached(&text)?;
        let counted = statement
            .query_row(params_from_iter(sql.values), |row| Ok((natural(row, "n")?, natural(row, "open")?)))?;
        Ok(counted)
    }

    /// How many failures that the query means stand before this one in its order; none before one that the journal does
    /// not know, where that has no place.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn count_failures_before(
        &self,
        run: &RunRow,
        query: &Query,
        id: FailureId,
    ) -> Result<u64, JournalError> {
        let mut sql = query.sql(run.number);
        let Some(place) = self.place_in(run, query.sort, id)? else { return Ok(0) };
        sql.beside(query.sort, "<", place);
        let text = format!("SELECT count(*) AS n FROM failure f {}", sql.text);
        let mut statement = self.connection.prepare_cached(&text)?;
        Ok(statement.query_row(params_from_iter(sql.values), |row| natural(row, "n"))?)
    }

    /// The failures that the query means and that are in one of the states, in its order.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn failures_in(
        &self,
        run: &RunRow,
        query: &Query,
        states: &[FailureState],
    ) -> Result<Vec<FailureId>, JournalError> {
        let mut sql = query.sql(run.number);
        let holes = vec!["?"; states.len()].join(", ");
        let values = states.iter().map(|state| Value::Text(state.word().to_owned()));
        sql.and(&format!("f.state IN ({holes})"), values);
        sql.order(query.sort, "ASC");
        let mut statement =
            self.connection.prepare_cached(&format!("SELECT f.item, f.row FROM failure f {}", sql.text))?;
        let rows = statement.query_map(params_from_iter(sql.values), |row| {
            Ok(FailureId { item: natural(row, "item")?, row: natural(row, "row")? })
        })?;
        rows.collect::<Result<Vec<_>, _>>().map_err(Into::into)
    }
}

/// Bytes that a failure takes, about.
fn weight(row: &FailureRow) -> usize {
    let contents = [&row.record, &row.original].into_iter().flatten().map(Vec::len).sum::<usize>();
    let violations = row.violations.iter().map(|one| one.reason.len() + 64).sum::<usize>();
    contents + violations + row.key.len() + row.message.len()
}

/// A failure, without its record.
fn failure_row(row: &Row<'_>) -> rusqlite::Result<FailureRow> {
    Ok(FailureRow {
        id: FailureId { item: natural(row, "item")?, row: natural(row, "row")? },
        position: natural(row, "first")?,
        count: natural(row, "count")?,
        key: row.get("key")?,
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
        edited: row.get::<_, i64>("edited")? != 0,
        record: None,
        original: None,
    })
}
