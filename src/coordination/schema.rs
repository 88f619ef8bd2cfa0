//! The embedded store's tables, and how an older file becomes a newer one.
//!
//! People open this file with any SQLite tool, so kinds are words and every table is `STRICT`. Moments are microseconds
//! since 1970 (UTC).

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;
use crate::database::{self, Whose};

/// One step a version; a file of version *n* has gone through the first *n* of them.
const MIGRATIONS: &[&str] = &[r"
CREATE TABLE record (
    record    INTEGER PRIMARY KEY,
    tenant    TEXT    NOT NULL,
    key       TEXT    NOT NULL,
    -- lock, unsure or result
    kind      TEXT    NOT NULL,
    -- of the lock, or of who stored the result; 0 for neither
    fence     INTEGER NOT NULL,
    -- of a lock: whose, how long, until when, and 1 where it was taken over from another whose lease had ended
    run       TEXT,
    item      INTEGER,
    lease     INTEGER,
    until     INTEGER,
    taken     INTEGER,
    -- until when the key is marked as unsure; under a lock, too
    mark      INTEGER,
    -- of a result
    status    INTEGER,
    headers   TEXT,
    body      BLOB,
    at        INTEGER,
    -- from then on the row is as good as gone
    forget_at INTEGER NOT NULL,
    UNIQUE (tenant, key)
) STRICT;
CREATE INDEX record_forget ON record (forget_at);

-- the last fence that was given; it begins above all that a lost file can have given
CREATE TABLE fence (last INTEGER NOT NULL) STRICT;
INSERT INTO fence VALUES (CAST(unixepoch('subsec') * 1000000 AS INTEGER));
"];

/// The tables that a store of any version has.
const TABLES: [&str; 2] = ["record", "fence"];

/// Why the file is not used, where it is another's or was altered.
pub(super) fn strange(connection: &Connection) -> rusqlite::Result<Option<&'static str>> {
    Ok(match database::whose(connection, &TABLES, MIGRATIONS)? {
        Whose::Ours => None,
        Whose::Altered => Some("it is damaged: its tables are not as this program makes them"),
        Whose::Foreign => Some("it holds another program's tables"),
    })
}

/// Brings the file to this program's version. A file of a later version is refused, not guessed at.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed =
        |error: rusqlite::Error| StoreError::File { path: path.to_owned(), reason: error.to_string() };
    let version = version_of(connection).map_err(failed)?;
    if version > MIGRATIONS.len() {
        return Err(StoreError::Newer { path: path.to_owned(), version, known: MIGRATIONS.len() });
    }
    for (done, step) in MIGRATIONS.iter().enumerate().skip(version) {
        let migrated = (|| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // another process may have been faster between the look above and the lock
            if version_of(&transaction)? > done {
                return Ok(());
            }
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", i64::try_from(done + 1).unwrap_or(i64::MAX))?;
            transaction.commit()
        })();
        migrated.map_err(failed)?;
    }
    Ok(())
}

fn version_of(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}
