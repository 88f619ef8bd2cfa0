//! How each write changes the tables and the counts.
//!
//! A write can be applied again after a failed commit (a full disk), so applying takes it by reference.

use std::borrow::Cow;
use std::sync::PoisonError;

use bytes::Bytes;
use rusqlite::{Connection, params};

use super::book::Counts;
use super::failing::{delivered, fail, forget, part_of, refuse_rows};
use super::mending::{edit, give_back, judge, put_back, take_up};
use super::write::{Cleanness, End, Extent, Origin, Out, Settled, Source, Waiting, Write};
use crate::model::{FailureState, ItemState, Mark, Seq};

/// The longest answer that is kept with a delivered item, in bytes.
const KEPT_ANSWER: usize = 64 * 1024;

/// Milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    crate::machine::now().as_millisecond()
}

/// SQLite's integers are signed; no count of ours comes near the sign.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Applies one write within the transaction. Returns the number of the last event that it wrote.
pub(super) fn apply(
    write: &Write,
    run: i64,
    tx: &Connection,
    counts: &mut Counts,
) -> rusqlite::Result<Option<i64>> {
    match write {
        Write::Stretch { first_seq, dataset, first, count, planned } => {
            tx.prepare_cached(
                "INSERT INTO stretch (run, first_seq, dataset, first, count) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![run, int(*first_seq), dataset, int(*first), int(*count)])?;
            plan(tx, run, counts, *dataset, first_seq + count, *planned, (*count, *count))?;
            counts.cover(first + count);
        }
        Write::Chunk { seq, extent, planned } => {
            upsert_open(tx, run, *seq, extent, ItemState::Pending, 0, 0)?;
            plan(tx, run, counts, extent.dataset, seq + 1, *planned, (1, extent.count))?;
            counts.cover(extent.first + extent.span);
        }
        Write::PlannedAll { records } => {
            counts.planned_all = true;
            counts.records_total = Some(*records);
            counts.cover(*records);
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
                Out::Left if has_ended(tx, run, *seq)? => return Ok(None),
                Out::Maybe | Out::Left => ItemState::Sending,
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
        Write::TakeUp { items, by, taken } => {
            let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.clear();
            return take_up(tx, run, counts, items, by, &mut taken);
        }
        Write::PutBack => put_back(tx, run, counts)?,
        Write::GiveBack(items) => give_back(tx, run, counts, items)?,
        Write::Ceiling { .. } | Write::Workers { .. } | Write::Judge { .. } | Write::Edit { .. } => {
            return by_a_person(write, run, tx, counts);
        }
        Write::SizeLimit { .. } | Write::NotBefore(_) | Write::Clean(_) => learnt(write, run, tx)?,
        Write::State(state) => {
            let ended = state.is_over().then(now_ms);
            tx.execute(
                "UPDATE run SET state = ?2, ended_at = ?3 WHERE run = ?1",
                params![run, state.word(), ended],
            )?;
            let told = Event { kind: "state", reason: Some(state.word()), ..Event::default() };
            return event(tx, run, &told).map(Some);
        }
        Write::Fault(fault) => {
            let text = serde_json::to_string(fault).unwrap_or_default();
            let reason = Some(fault.kind.word());
            let told = Event { kind: "fault", reason, text: Some(&text), ..Event::default() };
            return event(tx, run, &told).map(Some);
        }
        Write::Note { kind, delay_ms, reason, text } => {
            let told =
                Event { kind, delay_ms: *delay_ms, reason: *reason, text: Some(text), ..Event::default() };
            return event(tx, run, &told).map(Some);
        }
    }
    Ok(None)
}

/// Keeps what a later carrying-out has to know of this one.
fn learnt(write: &Write, run: i64, tx: &Connection) -> rusqlite::Result<()> {
    match write {
        Write::SizeLimit { largest_accepted, smallest_refused } => {
            tx.execute(
                "UPDATE run SET largest_accepted = ?2, smallest_refused = ?3 WHERE run = ?1",
                params![run, largest_accepted.map(int), smallest_refused.map(int)],
            )?;
        }
        Write::NotBefore(moment) => {
            let (until, told) = moment.map(|moment| (moment.until, moment.told)).unzip();
            let sql = "UPDATE run SET not_before = ?2, not_before_told = ?3 WHERE run = ?1";
            tx.execute(sql, params![run, until, told])?;
        }
        Write::Clean(cleanness) => {
            tx.execute(
                "UPDATE run SET clean = ?2 WHERE run = ?1",
                params![run, i64::from(*cleanness == Cleanness::Clean)],
            )?;
        }
        _ => {}
    }
    Ok(())
}

/// Keeps how far a dataset has been planned.
fn plan(
    tx: &Connection,
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

fn has_ended(tx: &Connection, run: i64, seq: Seq) -> rusqlite::Result<bool> {
    tx.prepare_cached(
        "SELECT 1 FROM item WHERE run = ?1 AND seq = ?2 AND state NOT IN ('pending', 'sending', 'waiting')",
    )?
    .exists(params![run, int(seq)])
}

fn upsert_open(
    tx: &Connection,
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

/// What a person has decided.
fn by_a_person(
    write: &Write,
    run: i64,
    tx: &Connection,
    counts: &mut Counts,
) -> rusqlite::Result<Option<i64>> {
    match write {
        Write::Ceiling { rate, was, by } => ceiling(tx, run, *rate, *was, by).map(Some),
        Write::Workers { workers, was, noun, by } => {
            set_workers(tx, run, [*workers, *was], noun, by).map(Some)
        }
        Write::Judge { failures, judgement, by } => judge(tx, run, counts, failures, judgement, by),
        Write::Edit { records, by } => edit(tx, run, records, by),
        _ => Ok(None),
    }
}

/// One row of the table `event`.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) kind: &'a str,
    pub(super) item: Option<Seq>,
    pub(super) attempt: Option<u32>,
    pub(super) status: Option<u16>,
    pub(super) delay_ms: Option<u64>,
    pub(super) took_ms: Option<u64>,
    pub(super) reason: Option<&'a str>,
    pub(super) text: Option<&'a str>,
    pub(super) act: Option<i64>,
    pub(super) was: Option<&'a str>,
}

/// Writes an event down, and returns its number.
pub(super) fn event(tx: &Connection, run: i64, event: &Event<'_>) -> rusqlite::Result<i64> {
    tx.prepare_cached(
        "INSERT INTO event (run, at, kind, item, attempt, status, delay_ms, took_ms, reason, text, act, was)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        run,
        now_ms(),
        event.kind,
        event.item.map(int),
        event.attempt,
        event.status,
        event.delay_ms.map(int),
        event.took_ms.map(int),
        event.reason,
        event.text,
        event.act,
        event.was
    ])?;
    Ok(tx.last_insert_rowid())
}

/// An event that tells of what a person has set, with what that was before.
fn set(tx: &Connection, run: i64, kind: &'static str, text: &str, was: &str) -> rusqlite::Result<i64> {
    event(tx, run, &Event { kind, text: Some(text), was: Some(was), ..Event::default() })
}

fn ceiling(
    tx: &Connection,
    run: i64,
    rate: Option<f64>,
    was: Option<f64>,
    by: &str,
) -> rusqlite::Result<i64> {
    tx.execute(
        "UPDATE run SET ceiling = ?2, ceiling_by = ?3 WHERE run = ?1",
        params![run, rate.unwrap_or(0.0), by],
    )?;
    let words = |rate: Option<f64>, none: &str| {
        rate.map_or_else(|| none.to_owned(), |rate| format!("at most {rate} calls a second"))
    };
    let text = format!("{by}: {}", words(rate, "no limit of ours"));
    set(tx, run, "ceiling", &text, &words(was, "no limit"))
}

fn set_workers(
    tx: &Connection,
    run: i64,
    [workers, was]: [u16; 2],
    noun: &str,
    by: &str,
) -> rusqlite::Result<i64> {
    tx.execute("UPDATE run SET workers = ?2 WHERE run = ?1", params![run, workers])?;
    let words = |count: u16| format!("{count} {noun}{} at a time", if count == 1 { "" } else { "s" });
    set(tx, run, "workers", &format!("{by}: {}", words(workers)), &words(was))
}

fn wait(tx: &Connection, run: i64, waiting: &Waiting) -> rusqlite::Result<i64> {
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
    let told = Event {
        kind: "waiting",
        item: Some(waiting.seq),
        attempt: Some(waiting.attempts),
        status: waiting.status,
        delay_ms: Some(waiting.delay_ms),
        took_ms: waiting.took_ms,
        reason: Some(waiting.reason),
        text: Some(&waiting.message),
        ..Event::default()
    };
    event(tx, run, &told)
}

/// An answer as it is kept: one that is longer says so itself.
fn cut_to(answer: &[u8], most: usize) -> Cow<'_, [u8]> {
    match answer.get(..most) {
        Some(head) if answer.len() > most => {
            let whole = answer.len();
            let mark = format!(" … [cut off: {most} of {whole} bytes are kept]");
            Cow::Owned([head, mark.as_bytes()].concat())
        }
        _ => Cow::Borrowed(answer),
    }
}

fn settle(
    tx: &Connection,
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
    let kept = answer.map(|answer| cut_to(answer, most));
    // an item has a row before its end only where it was marked or has waited; one statement for both would open a table of its
    // own for each item, which costs more than all the rest
    let values = params![
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
    ];
    let inserted = tx
        .prepare_cached(
            "INSERT OR IGNORE INTO item (run, seq, dataset, first, span, count, state, attempts, unsure, status, name,
                                         correlation_id, at, answer, remote_id, from_store, unstored)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?
        .execute(values)?;
    if inserted == 0 {
        tx.prepare_cached(
            "UPDATE item SET state = ?7, attempts = ?8, unsure = ?9, status = ?10, name = ?11, correlation_id = ?12, at = ?13,
                 answer = ?14, remote_id = ?15, from_store = ?16, unstored = ?17, not_before = NULL
             WHERE run = ?1 AND seq = ?2",
        )?
        .execute(values)?;
    }
    let records = settled.extent.count;
    match &settled.end {
        End::Delivered { .. } => {
            counts.items.delivered += 1;
            counts.records.delivered += records;
            counts.mark(Mark::Delivered, &settled.extent);
            counts.from_store += u64::from(*source == Source::Store);
            delivered(tx, run, counts, settled, now)?;
            Ok(None)
        }
        End::Failed { reason, record } => {
            counts.items.failed += 1;
            counts.records.failed += records;
            counts.mark(Mark::Failed, &settled.extent);
            fail(tx, run, settled, FailureState::Failed, reason, record.as_ref(), now).map(Some)
        }
        End::Invalid { reason, record } => {
            counts.items.invalid += 1;
            counts.records.invalid += records;
            counts.mark(Mark::Failed, &settled.extent);
            fail(tx, run, settled, FailureState::Invalid, reason, record.as_ref(), now).map(Some)
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of one `Write::Split`")]
fn split(
    tx: &Connection,
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
            part_of(tx, run, seq, *part, extent, record.as_ref())?;
        }
        tx.prepare_cached("UPDATE run SET next_seq = max(next_seq, ?2) WHERE run = ?1")?
            .execute(params![run, int(part + 1)])?;
    }
    if was == Origin::Failure {
        forget(tx, run, seq)?;
    }
    counts.items_planned = (counts.items_planned + parts.len() as u64).saturating_sub(1);
    Ok(())
}
