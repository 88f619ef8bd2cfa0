//! How each write changes the tables and the counts.
//!
//! A write can be applied again after a failed commit (a full disk), so applying takes it by reference.

use std::sync::PoisonError;

use bytes::Bytes;
use rusqlite::{Transaction, params};

use super::write::{Cleanness, End, Extent, Judgement, Origin, Out, Settled, Source, Waiting, Write};
use super::{book::Counts, cause};
use crate::model::{FailureId, FailureState, ItemState, Reason, Seq};

/// The longest answer that is kept with a delivered item, in bytes.
const KEPT_ANSWER: usize = 64 * 1024;

/// Milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// SQLite's integers are signed; no count of ours comes near the sign.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Applies one write within the transaction. Returns the number of the last event that it wrote.
pub(super) fn apply(
    write: &Write,
    run: i64,
    tx: &Transaction<'_>,
    counts: &mut Counts,
) -> rusqlite::Result<Option<i64>> {
    match write {
        Write::Stretch { first_seq, dataset, first, count, planned } => {
            tx.prepare_cached(
                "INSERT INTO stretch (run, first_seq, dataset, first, count) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![run, int(*first_seq), dataset, int(*first), int(*count)])?;
            plan(tx, run, counts, *dataset, first_seq + count, *planned, (*count, *count))?;
        }
        Write::Chunk { seq, extent, planned } => {
            upsert_open(tx, run, *seq, extent, ItemState::Pending, 0, 0)?;
            plan(tx, run, counts, extent.dataset, seq + 1, *planned, (1, extent.count))?;
        }
        Write::PlannedAll { records } => {
            counts.planned_all = true;
            counts.records_total = Some(*records);
            tx.execute(
                "UPDATE run SET planned_all = 1, records_total = ?2 WHERE run = ?1",
                params![run, int(*records)],
            )?;
        }
        Write::StreamEnded { dataset, records, bytes } => {
            tx.execute(
                "UPDATE dataset SET records = ?3, bytes = ?4 WHERE run = ?1 AND dataset = ?2",
                params![run, dataset, int(*records), int(*bytes)],
            )?;
        }
        Write::Split { seq, extent, parts, unsure, was } => {
            split(tx, run, counts, *seq, extent, parts, *unsure, *was)?;
        }
        Write::Sending { seq, extent, attempts, unsure, out } => {
            let state = match out {
                Out::Maybe => ItemState::Sending,
                Out::No => ItemState::Pending,
            };
            upsert_open(tx, run, *seq, extent, state, *attempts, *unsure)?;
        }
        Write::Keep { seq, extent, attempts, unsure, remote_id } => {
            upsert_open(tx, run, *seq, extent, ItemState::Waiting, *attempts, *unsure)?;
            tx.prepare_cached(
                "UPDATE item SET remote_id = ?3, name = ?3, not_before = NULL WHERE run = ?1 AND seq = ?2",
            )?
            .execute(params![run, int(*seq), remote_id])?;
        }
        Write::Rows { seq, first, rows } => refuse_rows(tx, run, counts, *seq, *first, rows)?,
        Write::Stored(seq) => {
            tx.prepare_cached("UPDATE item SET unstored = NULL WHERE run = ?1 AND seq = ?2")?
                .execute(params![run, int(*seq)])?;
        }
        Write::Waiting(waiting) => return wait(tx, run, waiting).map(Some),
        Write::Settle(settled) => return settle(tx, run, counts, settled),
        Write::TakeUp { items, taken } => {
            let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.clear();
            take_up(tx, run, counts, items, &mut taken)?;
        }
        Write::PutBack => put_back(tx, run, counts)?,
        Write::Judge { failures, judgement, by } => {
            return judge(tx, run, counts, failures, judgement, by).map(Some);
        }
        Write::SizeLimit { largest_accepted, smallest_refused } => {
            tx.execute(
                "UPDATE run SET largest_accepted = ?2, smallest_refused = ?3 WHERE run = ?1",
                params![run, largest_accepted.map(int), smallest_refused.map(int)],
            )?;
        }
        Write::NotBefore(moment) => {
            tx.execute("UPDATE run SET not_before = ?2 WHERE run = ?1", params![run, moment])?;
        }
        Write::State(state) => {
            let ended = state.is_over().then(now_ms);
            tx.execute(
                "UPDATE run SET state = ?2, ended_at = ?3 WHERE run = ?1",
                params![run, state.word(), ended],
            )?;
            return event(tx, run, "state", None, None, None, None, Some(state.word()), None).map(Some);
        }
        Write::Clean(cleanness) => {
            tx.execute(
                "UPDATE run SET clean = ?2 WHERE run = ?1",
                params![run, i64::from(*cleanness == Cleanness::Clean)],
            )?;
        }
        Write::Fault(fault) => {
            let text = serde_json::to_string(fault).unwrap_or_default();
            return event(tx, run, "fault", None, None, None, None, Some(fault.kind.word()), Some(&text))
                .map(Some);
        }
        Write::Note { kind, delay_ms, reason, text } => {
            return event(tx, run, kind, None, None, None, *delay_ms, *reason, Some(text)).map(Some);
        }
    }
    Ok(None)
}

/// Keeps how far a dataset has been planned.
fn plan(
    tx: &Transaction<'_>,
    run: i64,
    counts: &mut Counts,
    dataset: u32,
    next_seq: Seq,
    planned: u64,
    (items, records): (u64, u64),
) -> rusqlite::Result<()> {
    counts.items_planned += items;
    counts.records_planned += records;
    tx.prepare_cached("UPDATE dataset SET planned = ?3 WHERE run = ?1 AND dataset = ?2 AND planned < ?3")?
        .execute(params![run, dataset, int(planned)])?;
    tx.prepare_cached("UPDATE run SET next_seq = max(next_seq, ?2) WHERE run = ?1")?
        .execute(params![run, int(next_seq)])?;
    Ok(())
}

fn upsert_open(
    tx: &Transaction<'_>,
    run: i64,
    seq: Seq,
    extent: &Extent,
    state: ItemState,
    attempts: u32,
    unsure: u32,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO item (run, seq, dataset, first, span, count, state, attempts, unsure)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (run, seq) DO UPDATE SET state = ?7, attempts = ?8, unsure = ?9",
    )?
    .execute(params![
        run,
        int(seq),
        extent.dataset,
        int(extent.first),
        int(extent.span),
        int(extent.count),
        state.word(),
        attempts,
        unsure
    ])?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "one row of the table `event`, column by column")]
fn event(
    tx: &Transaction<'_>,
    run: i64,
    kind: &str,
    item: Option<Seq>,
    attempt: Option<u32>,
    status: Option<u16>,
    delay_ms: Option<u64>,
    reason: Option<&str>,
    text: Option<&str>,
) -> rusqlite::Result<i64> {
    tx.prepare_cached(
        "INSERT INTO event (run, at, kind, item, attempt, status, delay_ms, reason, text)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        run,
        now_ms(),
        kind,
        item.map(int),
        attempt,
        status,
        delay_ms.map(int),
        reason,
        text
    ])?;
    Ok(tx.last_insert_rowid())
}

fn wait(tx: &Transaction<'_>, run: i64, waiting: &Waiting) -> rusqlite::Result<i64> {
    tx.prepare_cached(
        "INSERT INTO item (run, seq, dataset, first, span, count, state, attempts, unsure, status, not_before)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting', ?7, ?8, ?9, ?10)
         ON CONFLICT (run, seq) DO UPDATE
         SET state = 'waiting', attempts = ?7, unsure = ?8, status = ?9, not_before = ?10",
    )?
    .execute(params![
        run,
        int(waiting.seq),
        waiting.extent.dataset,
        int(waiting.extent.first),
        int(waiting.extent.span),
        int(waiting.extent.count),
        waiting.attempts,
        waiting.unsure,
        waiting.status,
        waiting.until
    ])?;
    event(
        tx,
        run,
        "waiting",
        Some(waiting.seq),
        Some(waiting.attempts),
        waiting.status,
        Some(waiting.delay_ms),
        Some(waiting.reason),
        Some(&waiting.message),
    )
}

fn settle(
    tx: &Transaction<'_>,
    run: i64,
    counts: &mut Counts,
    settled: &Settled,
) -> rusqlite::Result<Option<i64>> {
    let (state, answer, source) = match &settled.end {
        End::Delivered { answer, source } => (ItemState::Delivered, Some(answer), source),
        End::Failed { .. } => (ItemState::Failed, None, &Source::Platform),
        End::Invalid { .. } => (ItemState::Invalid, None, &Source::Platform),
    };
    let now = now_ms();
    let (unstored, most) = match source {
        // the store is owed all of it
        Source::Unstored(unstored) => (serde_json::to_string(unstored).ok(), usize::MAX),
        Source::Platform | Source::Store => (None, KEPT_ANSWER),
    };
    let kept = answer.and_then(|answer| answer.get(..answer.len().min(most)));
    tx.prepare_cached(
        "INSERT INTO item (run, seq, dataset, first, span, count, state, attempts, unsure, status, name,
                           correlation_id, at, answer, remote_id, from_store, unstored)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
         ON CONFLICT (run, seq) DO UPDATE
         SET state = ?7, attempts = ?8, unsure = ?9, status = ?10, name = ?11, correlation_id = ?12, at = ?13,
             answer = ?14, remote_id = ?15, from_store = ?16, unstored = ?17, not_before = NULL",
    )?
    .execute(params![
        run,
        int(settled.seq),
        settled.extent.dataset,
        int(settled.extent.first),
        int(settled.extent.span),
        int(settled.extent.count),
        state.word(),
        settled.attempts,
        settled.unsure,
        settled.status,
        settled.name,
        settled.correlation_id,
        now,
        kept,
        settled.remote_id,
        i64::from(*source == Source::Store),
        unstored
    ])?;
    let records = settled.extent.count;
    match &settled.end {
        End::Delivered { .. } => {
            counts.items.delivered += 1;
            counts.records.delivered += records;
            counts.from_store += u64::from(*source == Source::Store);
            if settled.origin == Origin::Failure {
                tx.prepare_cached(
                    "UPDATE failure SET state = 'delivered', last_at = ?3 WHERE run = ?1 AND item = ?2 AND row = 0",
                )?
                .execute(params![run, int(settled.seq), now])?;
            }
            Ok(None)
        }
        End::Failed { reason, record } => {
            counts.items.failed += 1;
            counts.records.failed += records;
            fail(tx, run, settled, FailureState::Failed, reason, record.as_ref(), now).map(Some)
        }
        End::Invalid { reason, record } => {
            counts.items.invalid += 1;
            counts.records.invalid += records;
            fail(tx, run, settled, FailureState::Invalid, reason, record.as_ref(), now).map(Some)
        }
    }
}

fn fail(
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

#[expect(clippy::too_many_arguments, reason = "the parts of one `Write::Split`")]
fn split(
    tx: &Transaction<'_>,
    run: i64,
    counts: &mut Counts,
    seq: Seq,
    extent: &Extent,
    parts: &[(Seq, Extent, Option<Bytes>)],
    unsure: u32,
    was: Origin,
) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO item (run, seq, dataset, first, span, count, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'split')
         ON CONFLICT (run, seq) DO UPDATE SET state = 'split', not_before = NULL",
        params![run, int(seq), extent.dataset, int(extent.first), int(extent.span), int(extent.count)],
    )?;
    for (part, extent, record) in parts {
        upsert_open(tx, run, *part, extent, ItemState::Pending, 0, unsure)?;
        if was == Origin::Failure {
            // a part that is not sent before the retry stops is a failure again, with the reason of the whole
            tx.execute(
                "INSERT INTO failure (run, item, stage, status, code, message, violations, first_at, last_at, state, cause,
                                      doubtful, record)
                 SELECT run, ?3, stage, status, code, message, violations, first_at, last_at, state, cause, doubtful,
                        ?4 FROM failure WHERE run = ?1 AND item = ?2 AND row = 0",
                params![run, int(seq), int(*part), record.as_ref().map(AsRef::<[u8]>::as_ref)],
            )?;
        }
        tx.prepare_cached("UPDATE run SET next_seq = max(next_seq, ?2) WHERE run = ?1")?
            .execute(params![run, int(part + 1)])?;
    }
    if was == Origin::Failure {
        tx.execute("DELETE FROM failure WHERE run = ?1 AND item = ?2 AND row = 0", params![run, int(seq)])?;
    }
    counts.items_planned = (counts.items_planned + parts.len() as u64).saturating_sub(1);
    Ok(())
}

fn take_up(
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
fn put_back(tx: &Transaction<'_>, run: i64, counts: &mut Counts) -> rusqlite::Result<()> {
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
fn refuse_rows(
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

fn judge(
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
