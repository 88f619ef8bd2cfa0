//! How failures come about and how they end by themselves: an item's own, and the rows of its result.
//!
//! A record may have megabytes, so it stands in a table of its own, and what lists are sorted by stands with the failure:
//! who lists, counts or searches a hundred thousand of them reads neither records nor items.

use bytes::Bytes;
use rusqlite::{Connection, params};

use super::apply::{Event, event, int, now_ms};
use super::audit::seal;
use super::book::Counts;
use super::cause;
use super::rows::key_of;
use super::write::{Extent, Settled};
use crate::model::{FailureState, Position, Reason, Seq};

pub(super) fn fail(
    tx: &Connection,
    run: i64,
    settled: &Settled,
    state: FailureState,
    reason: &Reason,
    record: Option<&Bytes>,
    now: i64,
) -> rusqlite::Result<i64> {
    let violations = serde_json::to_string(&reason.violations).unwrap_or_else(|_| "[]".to_owned());
    let key = key(tx, run, settled.name.as_deref(), settled.extent.dataset, settled.extent.first)?;
    // a failure is always later than the one before it, whatever the clock does: acts tell by that what came of them
    let failure: i64 = tx
        .prepare_cached(
            "INSERT INTO failure (run, item, key, records, tries, stage, status, code, message, violations, first_at, last_at,
                                  state, cause, doubtful, kept)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (run, item, row) DO UPDATE
             SET key = ?3, records = ?4, tries = ?5, stage = ?6, status = ?7, code = ?8, message = ?9, violations = ?10,
                 last_at = max(?11, last_at + 1), state = ?12, cause = ?13, doubtful = ?14, kept = max(kept, ?15),
                 edited = 0
             RETURNING failure",
        )?
        .query_row(
            params![
                run,
                int(settled.seq),
                key,
                int(settled.extent.count),
                settled.attempts,
                reason.stage.word(),
                reason.status,
                reason.code,
                reason.message,
                violations,
                now,
                state.word(),
                cause::mask(&reason.message),
                i64::from(settled.doubtful),
                i64::from(record.is_some())
            ],
            |row| row.get(0),
        )?;
    keep(tx, (run, settled.seq), failure, record)?;
    let told = Event {
        kind: "item_failed",
        item: Some(settled.seq),
        attempt: Some(settled.attempts),
        status: reason.status,
        took_ms: settled.took_ms,
        reason: Some(reason.stage.word()),
        text: Some(&reason.message),
        ..Event::default()
    };
    event(tx, run, &told)
}

/// Keeps the record of a failure. One from before an edit stays beside it.
fn keep(
    tx: &Connection,
    (run, item): (i64, Seq),
    failure: i64,
    record: Option<&Bytes>,
) -> rusqlite::Result<()> {
    if let Some(record) = record {
        tx.prepare_cached(
            "INSERT INTO failure_record (failure, record, seal) VALUES (?1, ?2, ?3)
             ON CONFLICT (failure) DO UPDATE SET record = ?2, seal = ?3 WHERE record <> ?2",
        )?
        .execute(params![failure, record.as_ref(), seal(run, int(item), record)])?;
    }
    Ok(())
}

/// What a person knows an item by.
fn key(
    tx: &Connection,
    run: i64,
    name: Option<&str>,
    dataset: u32,
    first: Position,
) -> rusqlite::Result<String> {
    if let Some(name) = name {
        return Ok(name.to_owned());
    }
    let path: String = tx
        .prepare_cached("SELECT path FROM dataset WHERE run = ?1 AND dataset = ?2")?
        .query_row(params![run, dataset], |row| row.get(0))?;
    Ok(key_of(None, &path, first))
}

/// What the failures of an item are once it was delivered: its own is over, and the rows of its result go by its name.
pub(super) fn delivered(
    tx: &Connection,
    run: i64,
    counts: &Counts,
    settled: &Settled,
    now: i64,
) -> rusqlite::Result<()> {
    if settled.origin == super::Origin::Failure {
        tx.prepare_cached(
            "UPDATE failure SET state = 'delivered', last_at = max(?3, last_at + 1), tries = ?4, edited = 0
             WHERE run = ?1 AND item = ?2 AND row = 0",
        )?
        .execute(params![run, int(settled.seq), now, settled.attempts])?;
    }
    if counts.rows_failed > 0 {
        let name = settled.name.as_deref();
        let key = key(tx, run, name, settled.extent.dataset, settled.extent.first)?;
        tx.prepare_cached(
            "UPDATE failure SET key = ?3, tries = ?4 WHERE run = ?1 AND item = ?2 AND row > 0",
        )?
        .execute(params![run, int(settled.seq), key, settled.attempts])?;
    }
    Ok(())
}

/// A part of a failure that is being sent again: if it is not sent before the retry stops, it is a failure again, with
/// the reason of the whole. What people did to the whole, they did to it.
pub(super) fn part_of(
    tx: &Connection,
    run: i64,
    whole: Seq,
    part: Seq,
    extent: &Extent,
    record: Option<&Bytes>,
) -> rusqlite::Result<()> {
    let key = key(tx, run, None, extent.dataset, extent.first)?;
    let added = tx.execute(
        "INSERT INTO failure (run, item, key, records, tries, stage, status, code, message, violations, first_at, last_at,
                              state, cause, doubtful, kept, edited)
         SELECT run, ?3, ?4, ?5, 0, stage, status, code, message, violations, first_at, last_at, state, cause, doubtful,
                ?6, edited
         FROM failure WHERE run = ?1 AND item = ?2 AND row = 0",
        params![run, int(whole), int(part), key, int(extent.count), i64::from(record.is_some())],
    )?;
    if added > 0 {
        keep(tx, (run, part), tx.last_insert_rowid(), record)?;
        tx.execute(
            "INSERT INTO act_item (act, run, item, row, last_at)
             SELECT act, run, ?3, row, last_at FROM act_item WHERE run = ?1 AND item = ?2 AND row = 0",
            params![run, int(whole), int(part)],
        )?;
    }
    Ok(())
}

/// Takes away the failure of an item that is no more: its parts have theirs.
pub(super) fn forget(tx: &Connection, run: i64, seq: Seq) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM failure_record WHERE failure IN
             (SELECT failure FROM failure WHERE run = ?1 AND item = ?2 AND row = 0)",
        "DELETE FROM failure WHERE run = ?1 AND item = ?2 AND row = 0",
        "DELETE FROM act_item WHERE run = ?1 AND item = ?2 AND row = 0",
    ] {
        tx.execute(sql, params![run, int(seq)])?;
    }
    Ok(())
}

/// The rows of a result, from one on; none says that there are none from there on. A result that is read once more, as by
/// a resume, may be another one: a row that it refuses for the same reason stays as it is, what people did to it too.
pub(super) fn refuse_rows(
    tx: &Connection,
    run: i64,
    counts: &mut Counts,
    seq: Seq,
    first: u64,
    rows: &[Reason],
) -> rusqlite::Result<()> {
    if rows.is_empty() {
        counts.rows_failed -= take_away(tx, run, seq, int(first)..=i64::MAX)?.min(counts.rows_failed);
        return Ok(());
    }
    let now = now_ms();
    let (key, records, tries) = of_item(tx, run, seq)?;
    let known: i64 = tx
        .prepare_cached("SELECT coalesce(max(row), 0) FROM failure WHERE run = ?1 AND item = ?2")?
        .query_row(params![run, int(seq)], |row| row.get(0))?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO failure (run, item, row, key, records, tries, stage, status, code, message, violations, first_at,
                              last_at, state, cause, doubtful)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, 'failed', ?13, 0)",
    )?;
    for (row, reason) in (int(first)..).zip(rows) {
        let violations = serde_json::to_string(&reason.violations).unwrap_or_else(|_| "[]".to_owned());
        if row <= known {
            if is_refused_so(tx, (run, seq, row), reason, &violations)? {
                continue;
            }
            counts.rows_failed -= take_away(tx, run, seq, row..=row)?.min(counts.rows_failed);
        }
        insert.execute(params![
            run,
            int(seq),
            row,
            key,
            records,
            tries,
            reason.stage.word(),
            reason.status,
            reason.code,
            reason.message,
            violations,
            now,
            cause::mask(&reason.message)
        ])?;
        counts.rows_failed += 1;
    }
    Ok(())
}

/// Whether a row of a result is known to be refused for this very reason.
fn is_refused_so(
    tx: &Connection,
    (run, seq, row): (i64, Seq, i64),
    reason: &Reason,
    violations: &str,
) -> rusqlite::Result<bool> {
    tx.prepare_cached(
        "SELECT 1 FROM failure WHERE run = ?1 AND item = ?2 AND row = ?3 AND stage = ?4 AND status IS ?5 AND code IS ?6
                                 AND message = ?7 AND violations = ?8",
    )?
    .exists(params![
        run,
        int(seq),
        row,
        reason.stage.word(),
        reason.status,
        reason.code,
        reason.message,
        violations
    ])
}

/// Takes away what was known of some rows of a result. The answer is how many of them were open.
fn take_away(
    tx: &Connection,
    run: i64,
    seq: Seq,
    rows: std::ops::RangeInclusive<i64>,
) -> rusqlite::Result<u64> {
    let (first, last) = (rows.start(), rows.end());
    tx.prepare_cached("DELETE FROM act_item WHERE run = ?1 AND item = ?2 AND row BETWEEN ?3 AND ?4")?
        .execute(params![run, int(seq), first, last])?;
    let mut statement = tx.prepare_cached(
        "DELETE FROM failure WHERE run = ?1 AND item = ?2 AND row BETWEEN ?3 AND ?4 RETURNING state = 'failed'",
    )?;
    let mut gone = statement.query(params![run, int(seq), first, last])?;
    let mut open = 0;
    while let Some(row) = gone.next()? {
        open += u64::from(row.get::<_, bool>(0)?);
    }
    Ok(open)
}

/// The key, records and tries of an item that has a row: one that was sent to a remote job has.
fn of_item(tx: &Connection, run: i64, seq: Seq) -> rusqlite::Result<(String, i64, i64)> {
    let mut look = tx.prepare_cached(
        "SELECT i.name, d.path, i.first, i.count, i.attempts FROM item i
             JOIN dataset d ON d.run = i.run AND d.dataset = i.dataset WHERE i.run = ?1 AND i.seq = ?2",
    )?;
    let mut rows = look.query(params![run, int(seq)])?;
    let Some(row) = rows.next()? else { return Ok((format!("item {seq}"), 1, 0)) };
    let first = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
    Ok((key_of(row.get(0)?, &row.get::<_, String>(1)?, first), row.get(3)?, row.get(4)?))
}
