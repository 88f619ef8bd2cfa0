//! The journal's tables, and how an older file becomes a newer one.
//!
//! People open this file with any SQLite tool, so states are words, moments are milliseconds since 1970 (UTC), and
//! every table is `STRICT`. Primary keys ascend, because random ones cost ten times as much to insert.

use std::path::Path;

use rusqlite::Connection;

use super::JournalError;
use crate::database::{self, Whose};

/// One step a version; a file of version *n* has gone through the first *n* of them.
const MIGRATIONS: &[&str] = &[
    r"
CREATE TABLE run (
    run               INTEGER PRIMARY KEY,
    id                TEXT    NOT NULL UNIQUE,
    operation         TEXT    NOT NULL,
    profile           TEXT    NOT NULL,
    platform          TEXT    NOT NULL,
    api_url           TEXT    NOT NULL,
    auth_url          TEXT    NOT NULL,
    client_id         TEXT    NOT NULL,
    production        INTEGER NOT NULL,
    plan              TEXT    NOT NULL,
    until_error       INTEGER NOT NULL,
    state             TEXT    NOT NULL,
    started_at        INTEGER NOT NULL,
    ended_at          INTEGER,
    -- 1 where no call can be out that the journal does not know of
    clean             INTEGER NOT NULL DEFAULT 1,
    -- items and records that have been planned; planned_all says that no more will come
    next_seq          INTEGER NOT NULL DEFAULT 0,
    planned_all       INTEGER NOT NULL DEFAULT 0,
    items_planned     INTEGER NOT NULL DEFAULT 0,
    items_delivered   INTEGER NOT NULL DEFAULT 0,
    items_failed      INTEGER NOT NULL DEFAULT 0,
    items_invalid     INTEGER NOT NULL DEFAULT 0,
    items_dismissed   INTEGER NOT NULL DEFAULT 0,
    records_total     INTEGER,
    records_planned   INTEGER NOT NULL DEFAULT 0,
    records_delivered INTEGER NOT NULL DEFAULT 0,
    records_failed    INTEGER NOT NULL DEFAULT 0,
    records_invalid   INTEGER NOT NULL DEFAULT 0,
    records_dismissed INTEGER NOT NULL DEFAULT 0,
    requests          INTEGER NOT NULL DEFAULT 0,
    retries           INTEGER NOT NULL DEFAULT 0,
    throttled         INTEGER NOT NULL DEFAULT 0,
    troubles          INTEGER NOT NULL DEFAULT 0,
    -- what a 413 has taught: bodies between the two were neither accepted nor refused yet
    largest_accepted  INTEGER,
    smallest_refused  INTEGER,
    -- no call may start before this moment
    not_before        INTEGER
) STRICT;

CREATE TABLE dataset (
    run            INTEGER NOT NULL,
    dataset        INTEGER NOT NULL,
    path           TEXT    NOT NULL,
    format         TEXT    NOT NULL,
    bytes          INTEGER NOT NULL,
    digest         TEXT,
    -- NULL while a stream has not been read to its end
    records        INTEGER,
    first_position INTEGER NOT NULL,
    correlation_id TEXT    NOT NULL,
    -- records, from the dataset's first, that have been put into items
    planned        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run, dataset)
) STRICT, WITHOUT ROWID;

-- Items of one record each that were planned together: item first_seq + n is the record at first + n.
-- One that has no row in `item` is pending.
CREATE TABLE stretch (
    run       INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    dataset   INTEGER NOT NULL,
    first     INTEGER NOT NULL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (run, first_seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE item (
    run            INTEGER NOT NULL,
    seq            INTEGER NOT NULL,
    dataset        INTEGER NOT NULL,
    first          INTEGER NOT NULL,
    -- positions from the first record to the last, and how many of them the item holds
    span           INTEGER NOT NULL,
    count          INTEGER NOT NULL,
    -- an item's state, or `split` where others stand in its place
    state          TEXT    NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 0,
    unsure         INTEGER NOT NULL DEFAULT 0,
    status         INTEGER,
    name           TEXT,
    correlation_id TEXT,
    remote_id      TEXT,
    at             INTEGER,
    not_before     INTEGER,
    answer         BLOB,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX item_open ON item (run, dataset, first) WHERE state IN ('pending', 'sending', 'waiting');

CREATE TABLE failure (
    failure    INTEGER PRIMARY KEY,
    run        INTEGER NOT NULL,
    item       INTEGER NOT NULL,
    stage      TEXT    NOT NULL,
    status     INTEGER,
    code       TEXT,
    message    TEXT    NOT NULL,
    -- the message with its values masked: what makes two failures the same to a person
    cause      TEXT    NOT NULL,
    violations TEXT    NOT NULL,
    first_at   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    -- 1 where a call of it may have been carried out without our knowing
    doubtful   INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    -- what it was before a person dismissed it
    before     TEXT,
    note       TEXT,
    record     BLOB,
    UNIQUE (run, item)
) STRICT;

CREATE TABLE event (
    event    INTEGER PRIMARY KEY,
    run      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    item     INTEGER,
    attempt  INTEGER,
    status   INTEGER,
    delay_ms INTEGER,
    reason   TEXT,
    text     TEXT
) STRICT;
CREATE INDEX event_run ON event (run, event);
CREATE INDEX event_item ON event (run, item) WHERE item IS NOT NULL;
",
    r"
-- rows that a remote job's result refuses and nobody has closed, and results that came from the store
ALTER TABLE run ADD COLUMN rows_failed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN from_store INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN from_store INTEGER NOT NULL DEFAULT 0;
-- what the store of results has not taken yet, as JSON: its key and headers
ALTER TABLE item ADD COLUMN unstored TEXT;
CREATE INDEX item_unstored ON item (run, seq) WHERE unstored IS NOT NULL;

-- an item can have more failures than its own: the rows that its result refuses
CREATE TABLE failure_with_rows (
    failure    INTEGER PRIMARY KEY,
    run        INTEGER NOT NULL,
    item       INTEGER NOT NULL,
    -- 0 is the item itself; the rows of its result count from 1
    row        INTEGER NOT NULL DEFAULT 0,
    stage      TEXT    NOT NULL,
    status     INTEGER,
    code       TEXT,
    message    TEXT    NOT NULL,
    -- the message with its values masked: what makes two failures the same to a person
    cause      TEXT    NOT NULL,
    violations TEXT    NOT NULL,
    first_at   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    -- 1 where a call of it may have been carried out without our knowing
    doubtful   INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    -- what it was before a person dismissed it
    before     TEXT,
    note       TEXT,
    record     BLOB,
    UNIQUE (run, item, row)
) STRICT;
INSERT INTO failure_with_rows (failure, run, item, stage, status, code, message, cause, violations, first_at, last_at,
                               doubtful, state, before, note, record)
    SELECT failure, run, item, stage, status, code, message, cause, violations, first_at, last_at, doubtful, state,
           before, note, record FROM failure;
DROP TABLE failure;
ALTER TABLE failure_with_rows RENAME TO failure;
",
    r"
-- what a person has set while the run went, and a resume keeps: NULL is as planned, a ceiling of 0 is none
ALTER TABLE run ADD COLUMN ceiling    REAL;
ALTER TABLE run ADD COLUMN ceiling_by TEXT;
ALTER TABLE run ADD COLUMN workers    INTEGER;
-- what was set before
ALTER TABLE event ADD COLUMN was TEXT;

-- what a person did to failures at once; a run's events say that it was done
CREATE TABLE act (
    act   INTEGER PRIMARY KEY,
    run   INTEGER NOT NULL,
    event INTEGER,
    at    INTEGER NOT NULL,
    -- send, close, reopen, edit or take_back
    kind  TEXT    NOT NULL,
    by    TEXT    NOT NULL,
    note  TEXT,
    count INTEGER NOT NULL
) STRICT;
CREATE TABLE act_item (
    act     INTEGER NOT NULL,
    run     INTEGER NOT NULL,
    item    INTEGER NOT NULL,
    row     INTEGER NOT NULL,
    -- when it had failed last: a later failure came of this act
    last_at INTEGER NOT NULL,
    PRIMARY KEY (act, item, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX act_item_failure ON act_item (run, item, row);

ALTER TABLE event ADD COLUMN act INTEGER;
-- how long the call took
ALTER TABLE event ADD COLUMN took_ms INTEGER;

-- the records of failures, apart from them: who lists, counts or searches failures reads none of these
CREATE TABLE failure_record (
    failure  INTEGER PRIMARY KEY,
    record   BLOB NOT NULL,
    -- what it was before a person edited it
    original BLOB
) STRICT;
INSERT INTO failure_record (failure, record) SELECT failure, record FROM failure WHERE record IS NOT NULL;

CREATE TABLE failure_listed (
    failure    INTEGER PRIMARY KEY,
    run        INTEGER NOT NULL,
    item       INTEGER NOT NULL,
    -- 0 is the item itself; the rows of its result count from 1
    row        INTEGER NOT NULL DEFAULT 0,
    -- what a person knows it by, and the records and tries of its item
    key        TEXT    NOT NULL,
    records    INTEGER NOT NULL,
    tries      INTEGER NOT NULL,
    stage      TEXT    NOT NULL,
    status     INTEGER,
    code       TEXT,
    message    TEXT    NOT NULL,
    -- the message with its values masked: what makes two failures the same to a person
    cause      TEXT    NOT NULL,
    violations TEXT    NOT NULL,
    first_at   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    -- 1 where a call of it may have been carried out without our knowing
    doubtful   INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    -- what it was before a person dismissed it
    before     TEXT,
    note       TEXT,
    -- 1 where failure_record has its record
    kept       INTEGER NOT NULL DEFAULT 0,
    -- 1 where a person has edited the record and it was not sent since
    edited     INTEGER NOT NULL DEFAULT 0,
    -- what lists are sorted by: all ascend, so that one comparison of rows finds the next page
    answer     INTEGER AS (coalesce(status, 0)) VIRTUAL,
    latest     INTEGER AS (-last_at) VIRTUAL,
    most_tries INTEGER AS (-tries) VIRTUAL,
    UNIQUE (run, item, row)
) STRICT;
-- materialised, or the whole of a path is read for each of its failures
WITH named AS MATERIALIZED (SELECT run, dataset, substr(path, -256) AS file FROM dataset)
INSERT INTO failure_listed (failure, run, item, row, key, records, tries, stage, status, code, message, cause, violations,
                            first_at, last_at, doubtful, state, before, note, kept)
    SELECT f.failure, f.run, f.item, f.row,
           -- the second is the file's own name: the path's end, as long as a name may be, without all up to its last slash
           coalesce(i.name, replace(d.file, rtrim(d.file, replace(d.file, '/', '')), '') || ':' || i.first, f.item),
           coalesce(i.count, 1), coalesce(i.attempts, 0), f.stage, f.status, f.code, f.message, f.cause, f.violations,
           f.first_at, f.last_at, f.doubtful, f.state, f.before, f.note, f.record IS NOT NULL
    FROM failure f LEFT JOIN item i ON i.run = f.run AND i.seq = f.item
                   LEFT JOIN named d ON d.run = i.run AND d.dataset = i.dataset;
DROP TABLE failure;
ALTER TABLE failure_listed RENAME TO failure;
-- the columns after `row` are what filters ask for most: a page is found, and a count made, within an index
CREATE INDEX failure_place ON failure (run, item, row, state, status, stage, edited, code, last_at, tries);
CREATE INDEX failure_key ON failure (run, key, item, row, state, status, stage, edited);
CREATE INDEX failure_answer ON failure (run, answer, item, row, state, status, stage, edited);
CREATE INDEX failure_latest ON failure (run, latest, item, row, state, status, stage, edited);
CREATE INDEX failure_most_tries ON failure (run, most_tries, item, row, state, status, stage, edited);
CREATE INDEX failure_cause ON failure (run, cause, item, row, state);
CREATE INDEX failure_edited ON failure (run, state) WHERE edited = 1;
",
    r"
-- how long the run went, in all its carryings-out; what stood still of them is not in it
ALTER TABLE run ADD COLUMN took_ms INTEGER NOT NULL DEFAULT 0;
-- calls that the platform's own window allows, as its headers told last
ALTER TABLE run ADD COLUMN quota INTEGER;
-- of older runs, what their events tell: a carrying-out that was killed has no end there
UPDATE run SET took_ms = coalesce((
    SELECT sum(till - at) FROM (
        SELECT at, reason, lead(at) OVER course AS till, lead(reason) OVER course AS next
        FROM event WHERE event.run = run.run AND kind = 'state' WINDOW course AS (ORDER BY event))
    WHERE reason = 'running' AND next <> 'running' AND till > at), 0);
",
    r"
-- digests of what is sent: of a run's plan and datasets, and of the records that are kept; older ones have none
ALTER TABLE run ADD COLUMN seal BLOB;
ALTER TABLE failure_record ADD COLUMN seal BLOB;
ALTER TABLE failure_record ADD COLUMN original_seal BLOB;
",
    r"
-- when it was told that no call may start before not_before: that wait is never longer than it was then
ALTER TABLE run ADD COLUMN not_before_told INTEGER;
",
    r"
-- nothing is looked for in it: who wants the open items of a run goes through all of them, whatever an index leaves out
DROP INDEX item_open;
",
];

/// The version that a file has.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection
        .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        .map(|version| usize::try_from(version).unwrap_or(usize::MAX))
}

/// The version that this program writes.
pub(super) const fn known() -> usize {
    MIGRATIONS.len()
}

/// Whether a file of this version lacks what this program reads.
pub(super) const fn is_old(version: usize) -> bool {
    version < MIGRATIONS.len()
}

/// The tables that a journal of any version has.
const TABLES: [&str; 6] = ["run", "dataset", "stretch", "item", "failure", "event"];

/// Refuses a file of another program, one whose tables are not as we make them, and one of a later version: none of them is
/// guessed at, and none is changed.
pub(super) fn hold_to_ours(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let failed = |source| JournalError::open(path, source);
    match database::whose(connection, &TABLES, MIGRATIONS).map_err(failed)? {
        Whose::Ours => {}
        Whose::Altered => {
            let what = "its tables are not as this program makes them".to_owned();
            return Err(JournalError::Damaged { path: path.to_owned(), what });
        }
        Whose::Foreign => return Err(JournalError::Foreign(path.to_owned())),
    }
    let version = version(connection).map_err(failed)?;
    if version > MIGRATIONS.len() {
        return Err(JournalError::Newer { path: path.to_owned(), version, known: MIGRATIONS.len() });
    }
    Ok(())
}

/// Brings the file to this program's version.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), JournalError> {
    let version = version(connection).map_err(|source| JournalError::open(path, source))?;
    for (done, step) in MIGRATIONS.iter().enumerate().skip(version) {
        let migrated = (|| {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            // another process may have been faster between the look above and the lock
            let now: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            if usize::try_from(now).is_ok_and(|now| now > done) {
                return Ok(());
            }
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", i64::try_from(done + 1).unwrap_or(i64::MAX))?;
            transaction.commit()
        })();
        migrated.map_err(|source| JournalError::open(path, source))?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) fn migrations() -> &'static [&'static str] {
    MIGRATIONS
}
