//! Acts: what a person did to many failures at once, found again with what came of it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::apply::{Event, event, int, now_ms};
use super::query::CauseId;
use super::read::Reader;
use super::rows::{moment, natural, word};
use super::{JournalError, RunRow};
use crate::model::{FailureId, words};

words! {
    /// What a person did to failures.
    ActKind, "an act", {
        /// Sent them again.
        Send = "send",
        /// Closed them with a note.
        Close = "close",
        /// Opened closed ones again.
        Reopen = "reopen",
        /// Changed their records.
        Edit = "edit",
        /// Took such a change back.
        TakeBack = "take_back",
    }
}

/// What a person did to failures at once, and what has come of it so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its number, over all runs.
    pub act: i64,
    /// What was done.
    pub kind: ActKind,
    /// Who did it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The note with which they were closed.
    pub note: Option<String>,
    /// To how many. A batch that was split since then counts once.
    pub count: u64,
    /// What they are now.
    pub outcome: Outcome,
}

/// Where the failures of an act stand now: each is in one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Accepted since.
    pub delivered: u64,
    /// Failed again since, by how, the most frequent first.
    pub failed: Vec<(CauseId, u64)>,
    /// Being sent, or waiting for it.
    pub under_way: u64,
    /// Open as before the act: nothing has come of them since.
    pub as_before: u64,
    /// Closed.
    pub closed: u64,
    /// When the last of those was delivered or failed again, where one was.
    pub last_at: Option<Timestamp>,
}

impl Outcome {
    /// How many have failed again.
    #[must_use]
    pub fn failed_again(&self) -> u64 {
        self.failed.iter().map(|(_, count)| count).sum()
    }
}

/// What a person did to one failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    /// The act that it was a part of.
    pub act: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: ActKind,
    /// Who.
    pub by: String,
    /// The note with which it was closed.
    pub note: Option<String>,
}

/// An act while it is being done.
pub(super) struct Deed<'a> {
    kind: ActKind,
    by: &'a str,
    note: Option<&'a str>,
    /// The failures that it has changed, and when they had failed last.
    pub(super) touched: Vec<(FailureId, i64)>,
}

impl<'a> Deed<'a> {
    pub(super) const fn new(kind: ActKind, by: &'a str) -> Self {
        Self { kind, by, note: None, touched: Vec::new() }
    }

    pub(super) const fn with_note(mut self, note: &'a str) -> Self {
        self.note = Some(note);
        self
    }

    /// Writes it down with its event, and returns the number of that. An act that has changed nothing is none.
    pub(super) fn write(
        self,
        tx: &Connection,
        run: i64,
        sentence: impl FnOnce(u64) -> String,
    ) -> rusqlite::Result<Option<i64>> {
        if self.touched.is_empty() {
            return Ok(None);
        }
        let count = self.touched.len() as u64;
        tx.prepare_cached(
            "INSERT INTO act (run, at, kind, by, note, count) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![run, now_ms(), self.kind.word(), self.by, self.note, int(count)])?;
        let act = tx.last_insert_rowid();
        let mut insert = tx.prepare_cached(
            "INSERT OR IGNORE INTO act_item (act, run, item, row, last_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for (id, last_at) in &self.touched {
            insert.execute(params![act, run, int(id.item), int(id.row), last_at])?;
        }
        let text = sentence(count);
        let told = Event { kind: "act", text: Some(&text), act: Some(act), ..Event::default() };
        let event = event(tx, run, &told)?;
        tx.prepare_cached("UPDATE act SET event = ?2 WHERE act = ?1")?.execute(params![act, event])?;
        Ok(Some(event))
    }
}

impl Reader {
    /// What people did to one failure, oldest first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn hands(&self, run: &RunRow, id: FailureId) -> Result<Vec<Hand>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT a.* FROM act_item t JOIN act a ON a.act = t.act
             WHERE t.run = ?1 AND t.item = ?2 AND t.row = ?3 ORDER BY a.act",
        )?;
        let rows = statement.query_map(params![run.number, int(id.item), int(id.row)], |row| {
            Ok(Hand {
                act: row.get("act")?,
                at: moment(row, "at")?.unwrap_or_default(),
                kind: word(row, "kind")?,
                by: row.get("by")?,
                note: row.get("note")?,
            })
        })?;
        rows.collect::<Result<Vec<_>, _>>().map_err(Into::into)
    }

    /// An act of the run by its number, with what has come of it so far.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn act(&self, run: &RunRow, act: i64) -> Result<Option<Act>, JournalError> {
        let mut statement =
            self.connection.prepare_cached("SELECT * FROM act WHERE run = ?1 AND act = ?2")?;
        let found = statement.query_row(params![run.number, act], |row| {
            Ok(Act {
                act,
                kind: word(row, "kind")?,
                by: row.get("by")?,
                at: moment(row, "at")?.unwrap_or_default(),
                note: row.get("note")?,
                count: natural(row, "count")?,
                outcome: Outcome::default(),
            })
        });
        let Some(mut found) = found.optional()? else { return Ok(None) };
        found.outcome = self.outcome(act)?;
        Ok(Some(found))
    }

    fn outcome(&self, act: i64) -> Result<Outcome, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "WITH now AS (
                 SELECT CASE WHEN f.state = 'delivered' THEN 'delivered'
                             WHEN f.state = 'dismissed' THEN 'closed'
                             WHEN f.row = 0 AND i.state IN ('pending', 'sending', 'waiting') THEN 'under_way'
                             WHEN f.last_at > t.last_at THEN 'failed'
                             ELSE 'as_before' END AS came,
                        iif(f.last_at > t.last_at, f.last_at, NULL) AS at, f.stage, f.status, f.code, f.cause
                 FROM act_item t CROSS JOIN failure f ON f.run = t.run AND f.item = t.item AND f.row = t.row
                                 CROSS JOIN item i ON i.run = f.run AND i.seq = f.item
                 WHERE t.act = ?1)
             SELECT came, iif(came = 'failed', stage, NULL) AS stage, iif(came = 'failed', status, NULL) AS status,
                    iif(came = 'failed', code, NULL) AS code, iif(came = 'failed', cause, NULL) AS cause,
                    count(*) AS n, max(at) AS last_at
             FROM now GROUP BY 1, 2, 3, 4, 5 ORDER BY n DESC, cause",
        )?;
        let mut outcome = Outcome::default();
        let mut rows = statement.query(params![act])?;
        while let Some(row) = rows.next()? {
            let count = natural(row, "n")?;
            outcome.last_at = outcome.last_at.max(moment(row, "last_at")?);
            match row.get::<_, String>("came")?.as_str() {
                "delivered" => outcome.delivered = count,
                "closed" => outcome.closed = count,
                "under_way" => outcome.under_way = count,
                "as_before" => outcome.as_before = count,
                _ => outcome.failed.push((CauseId::read(row)?, count)),
            }
        }
        Ok(outcome)
    }

    /// The last different notes with which failures were closed, in any run, newest first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn notes(&self, limit: u32) -> Result<Vec<String>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT note FROM act WHERE kind = 'close' AND note IS NOT NULL GROUP BY note ORDER BY max(act) DESC LIMIT ?1",
        )?;
        let rows = statement.query_map(params![limit], |row| row.get(0))?;
        rows.collect::<Result<Vec<_>, _>>().map_err(Into::into)
    }

    /// How many open failures of the run have an edited record that was not sent since.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn edited(&self, run: &RunRow) -> Result<u64, JournalError> {
        let sql = "SELECT count(*) AS n FROM failure WHERE run = ?1 AND edited = 1 AND state IN ('failed', 'invalid')";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(params![run.number], |row| natural(row, "n"))?)
    }
}
