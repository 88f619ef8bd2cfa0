//! What can be asked of the journal: runs, failures, events, results.
//!
//! Long answers come a page at a time, or row by row into a closure, so that a hundred thousand failures need no more
//! memory than ten.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::audit::audit;
use super::book::Counts;
use super::connections::{self, Lent};
use super::map::item_map;
use super::rows::{
    DatasetRow, EventRow, ResultRow, RunRow, counts_of, kept, key_of, maybe_natural, moment, natural, word,
};
use super::{CUT_OFF, Connections, JournalError, Unstored, file_in, lock};
use crate::database;
use crate::model::{Fault, ItemState, Mark, RunId, RunState, Seq};

/// The indices in which lists of failures are found.
const LISTS: [&str; 6] = [
    "failure_place",
    "failure_key",
    "failure_answer",
    "failure_latest",
    "failure_most_tries",
    "failure_cause",
];

/// A connection for looking.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Lent,
    folder: std::path::PathBuf,
}

/// A run's counts, its calls, how long it took, and the number of its last event.
pub(super) fn counts(
    connection: &Connection,
    run: i64,
) -> rusqlite::Result<(Counts, [u64; 5], Duration, i64)> {
    let last: Option<i64> =
        connection
            .query_row("SELECT max(event) FROM event WHERE run = ?1", params![run], |row| row.get(0))?;
    let mut map = item_map(connection, run)?;
    // what was under way is not any more: nobody carries it
    map.clear(Mark::UnderWay);
    connection.query_row("SELECT * FROM run WHERE run = ?1", params![run], |row| {
        let traffic = [
            natural(row, "requests")?,
            natural(row, "retries")?,
            natural(row, "throttled")?,
            natural(row, "troubles")?,
            maybe_natural(row, "quota")?.unwrap_or(0),
        ];
        let counts = Counts { map: Arc::new(map), ..counts_of(row)? };
        let took = Duration::from_millis(natural(row, "took_ms")?);
        Ok((counts, traffic, took, last.unwrap_or(0)))
    })
}

impl Reader {
    /// Opens the journal in the folder for looking; `None` where there is none yet.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or is gone and there were runs.
    pub fn find(folder: &Path) -> Result<Option<Self>, JournalError> {
        if file_in(folder).try_exists().unwrap_or(true) {
            connections::hold_to_log(&file_in(folder))?;
            return Self::open(folder).map(Some);
        }
        connections::hold_to_runs(folder, &file_in(folder)).map(|()| None)
    }

    /// Opens the journal in the folder for looking. One of an older version is brought to this one first.
    ///
    /// # Errors
    ///
    /// There is none, or it cannot be opened.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        Self::over(&Connections::to(folder))
    }

    /// The same, on connections that may have been used before.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn over(connections: &Connections) -> Result<Self, JournalError> {
        Ok(Self { connection: connections.reading()?, folder: connections.folder().to_owned() })
    }

    /// All runs, newest first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn runs(&self) -> Result<Vec<RunRow>, JournalError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM run ORDER BY run DESC")?;
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
            let mut statement = self.connection.prepare_cached("SELECT * FROM run WHERE run = ?1")?;
            let row = statement.query_row(params![number], |row| self.run_row(row));
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
            .prepare_cached("SELECT run, id FROM run WHERE substr(id, 1, length(?1)) = ?1 LIMIT 5")?;
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
            troubles: natural(row, "troubles")?,
            quota: maybe_natural(row, "quota")?,
            took: Duration::from_millis(natural(row, "took_ms")?),
            largest_accepted: maybe_natural(row, "largest_accepted")?,
            smallest_refused: maybe_natural(row, "smallest_refused")?,
            not_before: moment(row, "not_before")?,
            rows_failed: counts.rows_failed,
            from_store: counts.from_store,
            datasets: self.datasets(number)?,
            kept: kept(row)?,
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

    /// Records of one of the run's datasets that it has delivered; datasets count from 0.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn delivered_of(&self, run: &RunRow, dataset: u32) -> Result<u64, JournalError> {
        let sql = "SELECT coalesce(sum(count), 0) AS records FROM item
                   WHERE run = ?1 AND dataset = ?2 AND state = 'delivered'";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(params![run.number, dataset], |row| natural(row, "records"))?)
    }

    /// The number of the run's last event; 0 before the first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn last_event(&self, run: &RunRow) -> Result<i64, JournalError> {
        let sql = "SELECT coalesce(max(event), 0) FROM event WHERE run = ?1";
        Ok(self.connection.prepare_cached(sql)?.query_row(params![run.number], |row| row.get(0))?)
    }

    /// What happened in a run after the event of this number, oldest first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read, or is damaged: a page that did not come after the one before would have no end.
    pub fn events(&self, run: &RunRow, after: i64, limit: u32) -> Result<Vec<EventRow>, JournalError> {
        let rows = self.event_rows(
            "run = ?1 AND event > ?2 ORDER BY event LIMIT ?3",
            params![run.number, after, limit],
        )?;
        if rows.first().is_some_and(|row| row.event <= after) || !rows.is_sorted_by_key(|row| row.event) {
            return Err(self.damaged("its events are not in their order"));
        }
        Ok(rows)
    }

    /// Holds a run to what was written of it, as is done before any more of it is sent: for those who hand on what the
    /// journal says.
    ///
    /// # Errors
    ///
    /// What the journal holds of the run is not what was written, or it cannot be read.
    pub fn vouch(&self, run: &RunRow) -> Result<(), JournalError> {
        if let Some(what) = database::find_damage(&self.connection)? {
            return Err(self.damaged(&what));
        }
        audit(&self.connection, run.number, &file_in(&self.folder))?;
        // a list is found in an index: of a large file that look has not seen them all
        let count = |by: &str| -> rusqlite::Result<u64> {
            let sql = format!("SELECT count(*) AS n FROM failure {by} WHERE run = ?1");
            self.connection.prepare_cached(&sql)?.query_row(params![run.number], |row| natural(row, "n"))
        };
        let all = count("NOT INDEXED")?;
        for index in LISTS {
            if count(&format!("INDEXED BY {index}"))? != all {
                return Err(self.damaged("an index of its failures has not all of them"));
            }
        }
        Ok(())
    }

    /// What was read is not what was written.
    pub(super) fn damaged(&self, what: &str) -> JournalError {
        JournalError::Damaged { path: file_in(&self.folder), what: what.to_owned() }
    }

    /// What a run has not read of its datasets, a sentence each.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn cut_off(&self, run: &RunRow) -> Result<Vec<String>, JournalError> {
        // they are written before anything else
        let first = self.events(run, 0, u32::try_from(run.datasets.len()).unwrap_or(u32::MAX))?;
        Ok(first.into_iter().filter(|event| event.kind == CUT_OFF).filter_map(|event| event.text).collect())
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
            params![run.number, super::apply::int(item), limit],
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
                took_ms: maybe_natural(row, "took_ms")?,
                reason: row.get("reason")?,
                text: row.get("text")?,
                was: row.get("was")?,
                act: row.get("act")?,
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
        let mut statement = self.connection.prepare_cached(sql).map_err(JournalError::from)?;
        let mut rows =
            statement.query(params![run.number, ItemState::Delivered.word()]).map_err(JournalError::from)?;
        while let Some(row) = rows.next().map_err(JournalError::from)? {
            each(result_row(row).map_err(JournalError::from)?)?;
        }
        Ok(())
    }

    /// Results that the store has not taken, with their answers.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn unstored(&self, run: &RunRow) -> Result<Vec<(Seq, Unstored, Vec<u8>)>, JournalError> {
        let sql =
            "SELECT seq, unstored, answer FROM item WHERE run = ?1 AND unstored IS NOT NULL ORDER BY seq";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![run.number], |row| {
            Ok((
                natural(row, "seq")?,
                row.get::<_, String>("unstored")?,
                row.get::<_, Option<Vec<u8>>>("answer")?,
            ))
        })?;
        rows.map(|row| {
            let (seq, told, answer) = row?;
            let unstored = serde_json::from_str(&told)
                .map_err(|error| JournalError::Strange(format!("item {seq}: {error}")))?;
            Ok((seq, unstored, answer.unwrap_or_default()))
        })
        .collect()
    }

    /// When an item of the dataset was last accepted.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn last_accepted(&self, run: &RunRow, dataset: u32) -> Result<Option<Timestamp>, JournalError> {
        let at = self
            .connection
            .prepare_cached(
                "SELECT max(at) AS at FROM item WHERE run = ?1 AND dataset = ?2 AND state = 'delivered'",
            )?
            .query_row(params![run.number, dataset], |row| moment(row, "at"))
            .optional()?;
        Ok(at.flatten())
    }
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
        from_store: row.get::<_, i64>("from_store")? != 0,
        unsure: row.get("unsure")?,
        correlation_id: row.get("correlation_id")?,
        remote_id: row.get("remote_id")?,
        at: moment(row, "at")?,
        answer: row.get("answer")?,
    })
}
