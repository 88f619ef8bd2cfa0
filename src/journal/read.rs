//! What can be asked of the journal: runs, failures, events, results.
//!
//! Long answers come a page at a time, or row by row into a closure, so that a hundred thousand failures need no more
//! memory than ten.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params, params_from_iter};

use super::book::Counts;
use super::{Carrier, Filter, JournalError, connect, file_in, lock};
use crate::model::{
    FailureState, Fault, ItemState, OperationKind, PlatformKind, Position, RunId, RunState, Seq, Stage,
    Tally, Violation,
};

/// A connection for looking.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    folder: std::path::PathBuf,
}

/// One run.
#[derive(Debug, Clone)]
pub struct RunRow {
    pub(super) number: i64,
    /// Its id.
    pub id: RunId,
    /// What it does.
    pub operation: OperationKind,
    /// The profile's name.
    pub profile: String,
    /// The profile's platform.
    pub platform: PlatformKind,
    /// Where its calls go.
    pub api_url: String,
    /// Where its tokens come from.
    pub auth_url: String,
    /// The client that it runs as.
    pub client_id: String,
    /// Whether the profile is marked as production.
    pub production: bool,
    /// The plan, as TOML.
    pub plan: String,
    /// Whether a broken dataset is used up to its broken place.
    pub until_error: bool,
    /// Where it stands; a run whose process is gone is paused.
    pub state: RunState,
    /// Who carries it now.
    pub carrier: Option<Carrier>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, where it did.
    pub ended_at: Option<Timestamp>,
    /// Whether no call was out when its last process left.
    pub clean: bool,
    /// The first number that no item has.
    pub next_seq: Seq,
    /// Items by state.
    pub items: Tally,
    /// Records by state.
    pub records: Tally,
    /// Calls to the API.
    pub requests: u64,
    /// Those that repeated an item's call.
    pub retries: u64,
    /// Answers that were 429.
    pub throttled: u64,
    /// The largest body accepted below the smallest refused, in bytes.
    pub largest_accepted: Option<u64>,
    /// The smallest body that was refused for its size, in bytes.
    pub smallest_refused: Option<u64>,
    /// No call may start before this moment.
    pub not_before: Option<Timestamp>,
    /// Its datasets, in order.
    pub datasets: Vec<DatasetRow>,
}

/// One dataset of a run.
#[derive(Debug, Clone)]
pub struct DatasetRow {
    /// The file, absolute; `-` is standard input.
    pub path: String,
    /// Its format, for a person to read.
    pub format: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its digest; unknown while a stream has not been read to its end.
    pub digest: Option<String>,
    /// Its records; unknown while a stream has not been read to its end.
    pub records: Option<u64>,
    /// The position of its first record.
    pub first_position: Position,
    /// The correlation id under which its records go.
    pub correlation_id: String,
    /// Records, from its first, that stand in items.
    pub planned: u64,
}

/// One failure.
#[derive(Debug, Clone)]
pub struct FailureRow {
    /// The item.
    pub item: Seq,
    /// Its first record.
    pub position: Position,
    /// How many records it holds.
    pub count: u64,
    /// What a person knows it by: a contact id, else `FILE:position`.
    pub key: String,
    /// Where on its way it failed.
    pub stage: Stage,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The platform's code, or ours.
    pub code: Option<String>,
    /// What the platform said, or what we found.
    pub message: String,
    /// The places in the record.
    pub violations: Vec<Violation>,
    /// Tries.
    pub attempts: u32,
    /// How often it was sent again after an unsure answer.
    pub unsure: u32,
    /// Whether a call of it may have been carried out without our knowing.
    pub doubtful: bool,
    /// The platform's correlation id.
    pub correlation_id: Option<String>,
    /// When it first failed.
    pub first_at: Timestamp,
    /// When it last failed.
    pub last_at: Timestamp,
    /// Where it stands.
    pub state: FailureState,
    /// The note with which it was closed.
    pub note: Option<String>,
    /// The record, or the array of them, as it stood after `map`.
    pub record: Option<Vec<u8>>,
}

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
    /// How many items.
    pub items: u64,
    /// One of them, as an example.
    pub example: String,
}

/// One delivered item.
#[derive(Debug, Clone)]
pub struct ResultRow {
    /// The item.
    pub item: Seq,
    /// Its first record.
    pub position: Position,
    /// How many records it holds.
    pub count: u64,
    /// What a person knows it by.
    pub key: String,
    /// The HTTP status.
    pub status: Option<u16>,
    /// Tries.
    pub attempts: u32,
    /// How often it was sent again after an unsure answer.
    pub unsure: u32,
    /// The platform's correlation id.
    pub correlation_id: Option<String>,
    /// When it was delivered.
    pub at: Option<Timestamp>,
    /// The platform's answer.
    pub answer: Option<Vec<u8>>,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Its number; they ascend.
    pub event: i64,
    /// When.
    pub at: Timestamp,
    /// What kind of thing: `waiting`, `item_failed`, `fault`, `pool_paused`, `state`, …
    pub kind: String,
    /// The item, where it is one's.
    pub item: Option<Seq>,
    /// Its tries so far.
    pub attempt: Option<u32>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// How long it lasts.
    pub delay_ms: Option<u64>,
    /// A word for the reason.
    pub reason: Option<String>,
    /// For a person to read, or JSON for a fault.
    pub text: Option<String>,
}

impl EventRow {
    /// The fault that it tells of, where it does.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        (self.kind == "fault").then(|| serde_json::from_str(self.text.as_deref()?).ok()).flatten()
    }
}

fn natural(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|number| u64::try_from(number).unwrap_or(0))
}

fn maybe_natural(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(column)?.and_then(|number| u64::try_from(number).ok()))
}

fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
}

fn word<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<T> {
    row.get::<_, String>(column)?.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

fn tally(row: &Row<'_>, prefix: &str) -> rusqlite::Result<Tally> {
    Ok(Tally {
        total: None,
        pending: 0,
        delivered: natural(row, &format!("{prefix}_delivered"))?,
        failed: natural(row, &format!("{prefix}_failed"))?,
        invalid: natural(row, &format!("{prefix}_invalid"))?,
        dismissed: natural(row, &format!("{prefix}_dismissed"))?,
    })
}

fn counts_of(row: &Row<'_>) -> rusqlite::Result<Counts> {
    Ok(Counts {
        items_planned: natural(row, "items_planned")?,
        records_planned: natural(row, "records_planned")?,
        records_total: maybe_natural(row, "records_total")?,
        planned_all: row.get::<_, i64>("planned_all")? != 0,
        items: tally(row, "items")?,
        records: tally(row, "records")?,
    })
}

/// A run's counts, its calls, and the number of its last event.
pub(super) fn counts(connection: &Connection, run: i64) -> rusqlite::Result<(Counts, [u64; 4], i64)> {
    let last: Option<i64> =
        connection
            .query_row("SELECT max(event) FROM event WHERE run = ?1", params![run], |row| row.get(0))?;
    connection.query_row("SELECT * FROM run WHERE run = ?1", params![run], |row| {
        let traffic = [
            natural(row, "requests")?,
            natural(row, "retries")?,
            natural(row, "throttled")?,
            natural(row, "troubles")?,
        ];
        Ok((counts_of(row)?, traffic, last.unwrap_or(0)))
    })
}

/// The file's own name, for a key that a person can find.
fn key_of(name: Option<String>, path: &str, position: Position) -> String {
    name.unwrap_or_else(|| {
        let file = Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy());
        format!("{}:{position}", crate::text::one_line(&file, 100))
    })
}

impl Reader {
    /// Opens the journal in the folder for looking.
    ///
    /// # Errors
    ///
    /// There is none, or it cannot be opened.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let connection = connect(&file_in(folder), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(Self { connection, folder: folder.to_owned() })
    }

    /// All runs, newest first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn runs(&self) -> Result<Vec<RunRow>, JournalError> {
        let mut statement = self.connection.prepare("SELECT * FROM run ORDER BY run DESC")?;
        let rows = statement.query_map([], |row| self.run_row(row))?;
        rows.collect::<Result<Vec<_>, _>>().map_err(Into::into)
    }

    /// The run that a person means: an id, a unique prefix of one, or `last`.
    ///
    /// # Errors
    ///
    /// There is none, or several begin like this.
    pub fn run(&self, meant: &str) -> Result<RunRow, JournalError> {
        let one = |number: i64| {
            let row = self
                .connection
                .query_row("SELECT * FROM run WHERE run = ?1", params![number], |row| self.run_row(row));
            row.map_err(JournalError::from)
        };
        if meant == "last" {
            let newest: Option<i64> =
                self.connection.query_row("SELECT max(run) FROM run", [], |row| row.get(0))?;
            return newest.map_or_else(|| Err(JournalError::NoRun(meant.to_owned())), one);
        }
        let wanted = meant.to_ascii_lowercase();
        if wanted.is_empty() || !wanted.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            return Err(JournalError::NoRun(crate::text::one_line(meant, 60)));
        }
        let mut statement = self
            .connection
            .prepare("SELECT run, id FROM run WHERE substr(id, 1, length(?1)) = ?1 LIMIT 5")?;
        let found = statement
            .query_map(params![wanted], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        match found.as_slice() {
            [] => Err(JournalError::NoRun(wanted)),
            [(number, _)] => one(*number),
            several => Err(JournalError::Ambiguous {
                prefix: wanted,
                found: several.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    fn run_row(&self, row: &Row<'_>) -> rusqlite::Result<RunRow> {
        let number: i64 = row.get("run")?;
        let id: RunId = word(row, "id")?;
        let counts = counts_of(row)?;
        let carrier = lock::carrier(&self.folder.join("runs").join(id.to_string()));
        let state = match word(row, "state")? {
            RunState::Running if carrier.is_none() => RunState::Paused,
            state => state,
        };
        Ok(RunRow {
            number,
            id,
            operation: word(row, "operation")?,
            profile: row.get("profile")?,
            platform: word(row, "platform")?,
            api_url: row.get("api_url")?,
            auth_url: row.get("auth_url")?,
            client_id: row.get("client_id")?,
            production: row.get::<_, i64>("production")? != 0,
            plan: row.get("plan")?,
            until_error: row.get::<_, i64>("until_error")? != 0,
            state,
            carrier,
            started_at: moment(row, "started_at")?.unwrap_or_default(),
            ended_at: moment(row, "ended_at")?,
            clean: row.get::<_, i64>("clean")? != 0,
            next_seq: natural(row, "next_seq")?,
            items: counts.item_tally(),
            records: counts.record_tally(),
            requests: natural(row, "requests")?,
            retries: natural(row, "retries")?,
            throttled: natural(row, "throttled")?,
            largest_accepted: maybe_natural(row, "largest_accepted")?,
            smallest_refused: maybe_natural(row, "smallest_refused")?,
            not_before: moment(row, "not_before")?,
            datasets: self.datasets(number)?,
        })
    }

    fn datasets(&self, run: i64) -> rusqlite::Result<Vec<DatasetRow>> {
        let mut statement =
            self.connection.prepare_cached("SELECT * FROM dataset WHERE run = ?1 ORDER BY dataset")?;
        let rows = statement.query_map(params![run], |row| {
            Ok(DatasetRow {
                path: row.get("path")?,
                format: row.get("format")?,
                bytes: natural(row, "bytes")?,
                digest: row.get("digest")?,
                records: maybe_natural(row, "records")?,
                first_position: natural(row, "first_position")?,
                correlation_id: row.get("correlation_id")?,
                planned: natural(row, "planned")?,
            })
        })?;
        rows.collect()
    }

    /// Failures that the filter lets through and that are not delivered since, in the order of their items, from the
    /// one after `after` on. Their records come along only if asked for.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn failures(
        &self,
        run: &RunRow,
        filter: &Filter,
        after: Option<Seq>,
        limit: u32,
        contents: Contents,
    ) -> Result<Vec<FailureRow>, JournalError> {
        let from = after.map_or(-1, super::write::int);
        self.failure_rows(run, filter, "f.item > ? ORDER BY f.item", from, limit, contents)
    }

    /// The last failures that stand before the item (or the last of all), in the order of their items: what `failures`
    /// is for going on, for going back.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn failures_before(
        &self,
        run: &RunRow,
        filter: &Filter,
        before: Option<Seq>,
        limit: u32,
        contents: Contents,
    ) -> Result<Vec<FailureRow>, JournalError> {
        let to = before.map_or(i64::MAX, super::write::int);
        let mut rows =
            self.failure_rows(run, filter, "f.item < ? ORDER BY f.item DESC", to, limit, contents)?;
        rows.reverse();
        Ok(rows)
    }

    fn failure_rows(
        &self,
        run: &RunRow,
        filter: &Filter,
        which: &str,
        from: i64,
        limit: u32,
        contents: Contents,
    ) -> Result<Vec<FailureRow>, JournalError> {
        let (condition, mut values) = condition(run, filter);
        let record = match contents {
            Contents::With => "f.record",
            Contents::Without => "NULL",
        };
        let sql = format!(
            "SELECT f.*, {record} AS content, i.first, i.count, i.name, i.attempts, i.unsure, i.correlation_id, d.path
             {condition} AND {which} LIMIT ?"
        );
        values.push(Value::Integer(from));
        values.push(Value::Integer(i64::from(limit)));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| {
            let position = natural(row, "first")?;
            Ok(FailureRow {
                item: natural(row, "item")?,
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
                first_at: moment(row, "first_at")?.unwrap_or_default(),
                last_at: moment(row, "last_at")?.unwrap_or_default(),
                state: word(row, "state")?,
                note: row.get("note")?,
                record: row.get("content")?,
            })
        })?;
        rows.collect::<Result<Vec<_>, _>>().map_err(Into::into)
    }

    /// One failure, by its item.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn failure(&self, run: &RunRow, item: Seq) -> Result<Option<FailureRow>, JournalError> {
        let filter = Filter { items: vec![item], ..Filter::default() };
        Ok(self.failures(run, &filter, None, 1, Contents::With)?.pop())
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

    /// How many failures that the filter lets through stand before the item.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn count_failures_before(
        &self,
        run: &RunRow,
        filter: &Filter,
        item: Seq,
    ) -> Result<u64, JournalError> {
        let (condition, mut values) = condition(run, filter);
        values.push(Value::Integer(super::write::int(item)));
        let sql = format!("SELECT count(*) AS n {condition} AND f.item < ?");
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row(params_from_iter(values), |row| natural(row, "n"))?)
    }

    /// The items of the failures that the filter lets through and that are in one of the states.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn items_of_failures(
        &self,
        run: &RunRow,
        filter: &Filter,
        states: &[FailureState],
    ) -> Result<Vec<Seq>, JournalError> {
        let (condition, mut values) = condition(run, filter);
        let holes = vec!["?"; states.len()].join(", ");
        let sql = format!("SELECT f.item {condition} AND f.state IN ({holes}) ORDER BY f.item");
        values.extend(states.iter().map(|state| Value::Text(state.word().to_owned())));
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| natural(row, "item"))?;
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

    /// The number of the run's last event; 0 before the first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn last_event(&self, run: &RunRow) -> Result<i64, JournalError> {
        let sql = "SELECT coalesce(max(event), 0) FROM event WHERE run = ?1";
        Ok(self.connection.query_row(sql, params![run.number], |row| row.get(0))?)
    }

    /// What happened in a run after the event of this number, oldest first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn events(&self, run: &RunRow, after: i64, limit: u32) -> Result<Vec<EventRow>, JournalError> {
        self.event_rows("run = ?1 AND event > ?2 ORDER BY event LIMIT ?3", params![run.number, after, limit])
    }

    /// The last events of a run that are worth telling a person, newest first: no single waits and failures.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn happenings(&self, run: &RunRow, limit: u32) -> Result<Vec<EventRow>, JournalError> {
        self.event_rows(
            "run = ?1 AND kind NOT IN ('waiting', 'item_failed') ORDER BY event DESC LIMIT ?2",
            params![run.number, limit],
        )
    }

    /// What happened to one item, oldest first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn item_events(&self, run: &RunRow, item: Seq, limit: u32) -> Result<Vec<EventRow>, JournalError> {
        self.event_rows(
            "run = ?1 AND item = ?2 ORDER BY event LIMIT ?3",
            params![run.number, super::write::int(item), limit],
        )
    }

    /// The faults of a run, oldest first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn faults(&self, run: &RunRow) -> Result<Vec<Fault>, JournalError> {
        let rows = self.event_rows("run = ?1 AND kind = 'fault' ORDER BY event", params![run.number])?;
        Ok(rows.iter().filter_map(EventRow::fault).collect())
    }

    fn event_rows(&self, which: &str, values: impl rusqlite::Params) -> Result<Vec<EventRow>, JournalError> {
        let mut statement = self.connection.prepare_cached(&format!("SELECT * FROM event WHERE {which}"))?;
        let rows = statement.query_map(values, |row| {
            Ok(EventRow {
                event: row.get("event")?,
                at: moment(row, "at")?.unwrap_or_default(),
                kind: row.get("kind")?,
                item: maybe_natural(row, "item")?,
                attempt: row.get("attempt")?,
                status: row.get("status")?,
                delay_ms: maybe_natural(row, "delay_ms")?,
                reason: row.get("reason")?,
                text: row.get("text")?,
            })
        })?;
        rows.collect::<Result<Vec<_>, _>>().map_err(Into::into)
    }

    /// Hands every delivered item to the closure, in the order of their numbers, until it breaks.
    ///
    /// # Errors
    ///
    /// The journal cannot be read, or what the closure returned.
    pub fn each_result<E: From<JournalError>>(
        &self,
        run: &RunRow,
        mut each: impl FnMut(ResultRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT i.*, d.path FROM item i JOIN dataset d ON d.run = i.run AND d.dataset = i.dataset
                   WHERE i.run = ?1 AND i.state = ?2 ORDER BY i.seq";
        let mut statement = self.connection.prepare(sql).map_err(JournalError::from)?;
        let mut rows =
            statement.query(params![run.number, ItemState::Delivered.word()]).map_err(JournalError::from)?;
        while let Some(row) = rows.next().map_err(JournalError::from)? {
            each(result_row(row).map_err(JournalError::from)?)?;
        }
        Ok(())
    }

    /// When an item of the dataset was last accepted.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn last_accepted(&self, run: &RunRow, dataset: u32) -> Result<Option<Timestamp>, JournalError> {
        let at = self
            .connection
            .query_row(
                "SELECT max(at) AS at FROM item WHERE run = ?1 AND dataset = ?2 AND state = 'delivered'",
                params![run.number, dataset],
                |row| moment(row, "at"),
            )
            .optional()?;
        Ok(at.flatten())
    }
}

/// Whether rows bring the records of their failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// They do.
    With,
    /// They don't: quicker, where only the reasons are shown.
    Without,
}

fn result_row(row: &Row<'_>) -> rusqlite::Result<ResultRow> {
    let position = natural(row, "first")?;
    Ok(ResultRow {
        item: natural(row, "seq")?,
        position,
        count: natural(row, "count")?,
        key: key_of(row.get("name")?, &row.get::<_, String>("path")?, position),
        status: row.get("status")?,
        attempts: row.get("attempts")?,
        unsure: row.get("unsure")?,
        correlation_id: row.get("correlation_id")?,
        at: moment(row, "at")?,
        answer: row.get("answer")?,
    })
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
        values.extend(filter.items.iter().map(|item| Value::Integer(super::write::int(*item))));
    }
    for word in &filter.words {
        sql.push_str(" AND instr(lower(coalesce(i.name, d.path || ':' || i.first) || ' ' || coalesce(f.code, '') || ' ' || f.message), ?) > 0");
        values.push(Value::Text(word.clone()));
    }
    (sql, values)
}
