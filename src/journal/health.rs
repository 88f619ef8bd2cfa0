//! Whether a journal is sound: as a file, and in what it says of each run.
//!
//! It only looks: a file of an older version is not brought to this one, and what is wrong is not put right. A large file
//! takes long to be read, so every look ends at a time that the asker sets.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, params};

use super::rows::{counts_of, word};
use super::{Carrier, JournalError, file_in, lock, schema};
use crate::database::{self, Soundness};
use crate::model::{RunId, RunState};

/// How long to wait while another process commits.
const BUSY: Duration = Duration::from_secs(5);

/// What a look at a journal found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The file's version.
    pub version: usize,
    /// The version that this program writes.
    pub known: usize,
    /// Whether SQLite finds the file sound.
    pub file: Soundness,
    /// The runs, newest first; none where the file is of another version.
    pub runs: Vec<RunHealth>,
    /// Whether the time was enough for all of them.
    pub complete: bool,
}

/// What a journal says of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHealth {
    /// The run.
    pub id: RunId,
    /// Its state as it is written: one that is running and that nobody carries was killed.
    pub state: RunState,
    /// Who carries it now.
    pub carrier: Option<Carrier>,
    /// Why nobody can carry it: its lock is in the way.
    pub barred: Option<String>,
    /// What does not add up, a sentence each.
    pub discords: Vec<String>,
}

impl Health {
    /// Looks at the journal in the folder, for so long at the most; `None` where there is none yet.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or is none.
    pub fn of(folder: &Path, patience: Duration) -> Result<Option<Self>, JournalError> {
        let path = file_in(folder);
        if !path.try_exists().unwrap_or(true) {
            return Ok(None);
        }
        // none that is lent: an interrupt must not meet another's question
        let connection = database::open(&path, OpenFlags::SQLITE_OPEN_READ_ONLY, BUSY)
            .map_err(|source| JournalError::open(&path, source))?;
        let begun = Instant::now();
        // before anything of it is asked for; one whose schema cannot be read is told as damaged, below
        // one of a later version is told as such, too
        if let Err(error @ (JournalError::Foreign(_) | JournalError::Damaged { .. })) =
            schema::hold_to_ours(&connection, &path)
        {
            return Err(error);
        }
        let version = schema::version(&connection)?;
        // half of it for the file, so that something is left for what stands in it
        let file = database::soundness(&connection, patience / 2)?;
        let mut health = Self { version, known: schema::known(), file, runs: Vec::new(), complete: true };
        if version != health.known || matches!(health.file, Soundness::Damaged(_)) {
            return Ok(Some(health));
        }
        // one moment of the journal, also where a run goes on
        let tx = connection.unchecked_transaction()?;
        for (number, id, state) in runs(&tx)? {
            let left = patience.saturating_sub(begun.elapsed());
            let Some(discords) = database::within(&tx, left, |tx| discords(tx, number))? else {
                health.complete = false;
                break;
            };
            let (carrier, barred) = match lock::look(&folder.join("runs").join(id.to_string())) {
                Ok(carrier) => (carrier, None),
                Err(error) => (None, Some(error.to_string())),
            };
            health.runs.push(RunHealth { id, state, carrier, barred, discords });
        }
        Ok(Some(health))
    }
}

fn runs(connection: &Connection) -> rusqlite::Result<Vec<(i64, RunId, RunState)>> {
    let mut statement = connection.prepare("SELECT run, id, state FROM run ORDER BY run DESC")?;
    let rows = statement.query_map([], |row| Ok((row.get("run")?, word(row, "id")?, word(row, "state")?)))?;
    rows.collect()
}

/// What the counts of a run and its rows do not agree in.
fn discords(connection: &Connection, run: i64) -> rusqlite::Result<Vec<String>> {
    let counts = connection.query_row("SELECT * FROM run WHERE run = ?1", params![run], counts_of)?;
    let mut discords = Vec::new();
    let mut statement = connection
        .prepare_cached("SELECT count(*), coalesce(sum(count), 0) FROM item WHERE run = ?1 AND state = ?2")?;
    for (state, items, records) in [
        ("delivered", counts.items.delivered, counts.records.delivered),
        ("failed", counts.items.failed, counts.records.failed),
        ("invalid", counts.items.invalid, counts.records.invalid),
        ("dismissed", counts.items.dismissed, counts.records.dismissed),
    ] {
        let (found_items, found_records): (i64, i64) =
            statement.query_row(params![run, state], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let found = (found_items.cast_unsigned(), found_records.cast_unsigned());
        if found != (items, records) {
            discords.push(format!(
                "{state}: {items} items with {records} records are counted, and the rows have {} with {}",
                found.0, found.1
            ));
        }
    }
    let without: i64 = connection.query_row(
        "SELECT count(*) FROM item i WHERE i.run = ?1 AND i.state IN ('failed', 'invalid', 'dismissed')
             AND NOT EXISTS (SELECT 1 FROM failure f WHERE f.run = i.run AND f.item = i.seq AND f.row = 0)",
        params![run],
        |row| row.get(0),
    )?;
    if without > 0 {
        discords.push(format!("{without} items failed and have no reason"));
    }
    if counts.records.settled() > counts.records_planned {
        discords.push(format!(
            "{} records have an end, and {} were planned",
            counts.records.settled(),
            counts.records_planned
        ));
    }
    Ok(discords)
}
