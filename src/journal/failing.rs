//! How failures come about and what becomes of them: an item's own, the rows of its result, and what people do with both.

use bytes::Bytes;
use rusqlite::{Transaction, params};

use super::apply::{event, int, now_ms};
use super::book::Counts;
use super::cause;
use super::write::{Judgement, Settled};
use crate::model::{FailureId, FailureState, Reason, Seq};

pub(super) fn fail(
    tx: &Transaction<'_>,
    run: i64,
    settled: &Settled,
    state: FailureState,
    reason: &Reason,
    record: Option<&Bytes>,
    now: i64,
) -> rusqlite::Result<i64> {
    let violations = serde_json::to_string(&reason.violations).unwrap_or_else(|_| "[]".to_owned());
    tx.prepare_cached(
        "INSERT INTO failure (run, item, stage, status, code, message, violations, first_at, last_at, state, record, cause, doubtful)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (run, item, row) DO UPDATE
         SET stage = ?3, status = ?4, code = ?5, message = ?6, violations = ?7, last_at = ?8, state = ?9,
             record = coalesce(?10, record), cause = ?11, doubtful = ?12",
    )?
    .execute(params![
        run,
        int(settled.seq),
        reason.stage.word(),
        reason.status,
        reason.code,
        reason.message,
        violations,
        now,
        state.word(),
        record.map(AsRef::<[u8]>::as_ref),
        cause::mask(&reason.message),
        i64::from(settled.doubtful)
    ])?;
    event(
        tx,
        run,
        "item_failed",
        Some(settled.seq),
        Some(settled.attempts),
        reason.status,
        None,
        Some(reason.stage.word()),
        Some(&reason.message),
    )
}

pub(super) fn take_up(
    tx: &Transaction<'_>,
    run: i64,
    counts: &mut Counts,
    items: &[Seq],
    taken: &mut Vec<Seq>,
) -> rusqlite::Result<()> {
    let mut look = tx.prepare_cached(
        "SELECT i.count, f.state FROM item i JOIN failure f ON f.run = i.run AND f.item = i.seq AND f.row = 0
         WHERE i.run = ?1 AND i.seq = ?2 AND i.state IN ('failed', 'invalid') AND f.record IS NOT NULL",
    )?;
    let mut take = tx.prepare_cached("UPDATE item SET state = 'pending' WHERE run = ?1 AND seq = ?2")?;
    for seq in items {
        let found = look
            .query_row(params![run, int(*seq)], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)));
        let (records, state) = match found {
            Ok((records, state)) => (u64::try_from(records).unwrap_or(0), state),
            Err(rusqlite::Error::QueryReturnedNoRows) => continue,
            Err(error) => return Err(error),
        };
        take.execute(params![run, int(*seq)])?;
        taken.push(*seq);
        if state == FailureState::Invalid.word() {
            counts.items.invalid = counts.items.invalid.saturating_sub(1);
            counts.records.invalid = counts.records.invalid.saturating_sub(records);
        } else {
            counts.items.failed = counts.items.failed.saturating_sub(1);
            counts.records.failed = counts.records.failed.saturating_sub(records);
        }
    }
    Ok(())
}

/// An item that is open and has a failure row was taken up for a retry that is over. One whose call was out counts as
/// unsure. The failure's own state says which it was.
pub(super) fn put_back(tx: &Transaction<'_>, run: i64, counts: &mut Counts) -> rusqlite::Result<()> {
    let open = "SELECT i.count, f.state FROM item i JOIN failure f ON f.run = i.run AND f.item = i.seq AND f.row = 0
                WHERE i.run = ?1 AND i.state IN ('pending', 'sending', 'waiting') AND f.state IN ('failed', 'invalid')";
    let mut look = tx.prepare(open)?;
    let mut rows = look.query(params![run])?;
    while let Some(row) = rows.next()? {
        let records = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
        if row.get::<_, String>(1)? == FailureState::Invalid.word() {
            counts.items.invalid += 1;
            counts.records.invalid += records;
        } else {
            counts.items.failed += 1;
            counts.records.failed += records;
        }
    }
    drop(rows);
    tx.execute(
        "UPDATE item SET unsure = unsure + (state = 'sending'), 
             state = (SELECT f.state FROM failure f WHERE f.run = item.run AND f.item = item.seq AND f.row = 0)
         WHERE run = ?1 AND state IN ('pending', 'sending', 'waiting')
           AND EXISTS (SELECT 1 FROM failure f WHERE f.run = item.run AND f.item = item.seq AND f.row = 0
                       AND f.state IN ('failed', 'invalid'))",
        params![run],
    )?;
    Ok(())
}

/// The rows of a result. A resume that reads the result once more finds them there.
pub(super) fn refuse_rows(
    tx: &Transaction<'_>,
    run: i64,
    counts: &mut Counts,
    seq: Seq,
    first: u64,
    rows: &[Reason],
) -> rusqlite::Result<()> {
    let now = now_ms();
    let mut insert = tx.prepare_cached(
        "INSERT INTO failure (run, item, row, stage, status, code, message, violations, first_at, last_at, state, cause,
                              doubtful)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, 'failed', ?10, 0) ON CONFLICT (run, item, row) DO NOTHING",
    )?;
    for (row, reason) in (first..).zip(rows) {
        let violations = serde_json::to_string(&reason.violations).unwrap_or_else(|_| "[]".to_owned());
        let added = insert.execute(params![
            run,
            int(seq),
            int(row),
            reason.stage.word(),
            reason.status,
            reason.code,
            reason.message,
            violations,
            now,
            cause::mask(&reason.message)
        ])?;
        counts.rows_failed += added as u64;
    }
    Ok(())
}

pub(super) fn judge(
    tx: &Transaction<'_>,
    run: i64,
    counts: &mut Counts,
    failures: &[FailureId],
    judgement: &Judgement,
    by: &str,
) -> rusqlite::Result<i64> {
    let mut judged = 0_u64;
    for id in failures {
        let row = tx.query_row(
            "SELECT i.count, f.state, f.before FROM item i JOIN failure f ON f.run = i.run AND f.item = i.seq
             WHERE i.run = ?1 AND i.seq = ?2 AND f.row = ?3
               AND (f.row > 0 OR i.state IN ('failed', 'invalid', 'dismissed'))",
            params![run, int(id.item), int(id.row)],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?)),
        );
        let (records, state, before) = match row {
            Ok((records, state, before)) => (u64::try_from(records).unwrap_or(0), state, before),
            Err(rusqlite::Error::QueryReturnedNoRows) => continue,
            Err(error) => return Err(error),
        };
        let (to, note, keep) = match judgement {
            Judgement::Dismiss(note) if state == "failed" || state == "invalid" => {
                ("dismissed".to_owned(), Some(note.as_str()), Some(state.as_str()))
            }
            Judgement::Reopen if state == "dismissed" => {
                (before.unwrap_or_else(|| FailureState::Failed.word().to_owned()), None, None)
            }
            _ => continue,
        };
        if id.is_item() {
            count_judgement(counts, [(state.as_str(), -1), (to.as_str(), 1)], records);
            tx.prepare_cached("UPDATE item SET state = ?3 WHERE run = ?1 AND seq = ?2")?.execute(params![
                run,
                int(id.item),
                to
            ])?;
        } else {
            let sign = if to == "dismissed" { -1 } else { 1 };
            counts.rows_failed = counts.rows_failed.saturating_add_signed(sign);
        }
        tx.prepare_cached(
            "UPDATE failure SET state = ?4, note = ?5, before = ?6 WHERE run = ?1 AND item = ?2 AND row = ?3",
        )?
        .execute(params![run, int(id.item), int(id.row), to, note, keep])?;
        judged += 1;
    }
    let text = match judgement {
        Judgement::Dismiss(note) => format!("{by}: closed {judged} with the note: {note}"),
        Judgement::Reopen => format!("{by}: reopened {judged}"),
    };
    event(tx, run, "act", None, None, None, None, None, Some(&text))
}

/// Moves an item, and its records, from one state's count to another's.
fn count_judgement(counts: &mut Counts, moves: [(&str, i64); 2], records: u64) {
    for (name, sign) in moves {
        let (items, of_records) = match name {
            "dismissed" => (&mut counts.items.dismissed, &mut counts.records.dismissed),
            "invalid" => (&mut counts.items.invalid, &mut counts.records.invalid),
            _ => (&mut counts.items.failed, &mut counts.records.failed),
        };
        *items = items.saturating_add_signed(sign);
        *of_records = of_records.saturating_add_signed(sign * int(records));
    }
}
