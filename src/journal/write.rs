//! What can be written, and how each of it changes the tables and the counts.
//!
//! A write can be applied again after a failed commit (a full disk), so applying takes it by reference.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rusqlite::{Transaction, params};

use super::{book::Counts, cause};
use crate::model::{FailureState, Fault, ItemState, Position, Reason, RunState, Seq};

/// One change of a run.
#[derive(Debug)]
pub enum Write {
    /// Items of one record each, planned together; those that the local check refused come as `Settle` beside it.
    Stretch {
        /// The first item; the others follow it without a gap.
        first_seq: Seq,
        /// The dataset.
        dataset: u32,
        /// The first record.
        first: Position,
        /// How many.
        count: u64,
        /// Records from the dataset's first that are planned now.
        planned: u64,
    },
    /// One item of several records.
    Chunk {
        /// The item.
        seq: Seq,
        /// Which records it holds.
        extent: Extent,
        /// Records from the dataset's first that are planned now.
        planned: u64,
    },
    /// Every record stands in an item now, and this many there were.
    PlannedAll {
        /// Records in all.
        records: u64,
    },
    /// A dataset that was streamed has come to its end.
    StreamEnded {
        /// The dataset.
        dataset: u32,
        /// Its records.
        records: u64,
        /// Its bytes.
        bytes: u64,
    },
    /// Others stand in an item's place now.
    Split {
        /// The item that is no more.
        seq: Seq,
        /// What it held.
        extent: Extent,
        /// The new ones. Their records come along where the item was a failure that is sent again.
        parts: Vec<(Seq, Extent, Option<Bytes>)>,
        /// Marks that the parts inherit.
        unsure: u32,
        /// The failure row it had, where it was being sent again by hand: each part gets its own.
        was: Origin,
    },
    /// An item's call is about to start, or will not after all.
    Sending {
        /// The item.
        seq: Seq,
        /// Which records it holds.
        extent: Extent,
        /// Tries so far.
        attempts: u32,
        /// How often it was sent again after an unsure answer.
        unsure: u32,
        /// Whether the call may be out from now on.
        out: Out,
    },
    /// An item waits.
    Waiting(Box<Waiting>),
    /// An item is settled.
    Settle(Box<Settled>),
    /// Failures are to be sent again: they count as pending until that is over.
    TakeUp {
        /// Their items.
        items: Vec<Seq>,
        /// Those of them that were open, and are taken up now: what else was named is left as it is.
        taken: Arc<Mutex<Vec<Seq>>>,
    },
    /// What was taken up and has not been settled is a failure again, with its old reason.
    PutBack,
    /// Failures are closed by a person, or opened again.
    Judge {
        /// Their items.
        items: Vec<Seq>,
        /// What to do.
        judgement: Judgement,
        /// Who did it.
        by: String,
    },
    /// The largest body accepted and the smallest refused, as far as known.
    SizeLimit {
        /// Bytes.
        largest_accepted: Option<u64>,
        /// Bytes.
        smallest_refused: Option<u64>,
    },
    /// No call may start before this moment (milliseconds since 1970).
    NotBefore(Option<i64>),
    /// The run's state.
    State(RunState),
    /// Whether no call can be out that the journal does not know of.
    Clean(Cleanness),
    /// A fault.
    Fault(Fault),
    /// Something worth telling that is no item's.
    Note {
        /// What kind of thing: `pool_paused`, `pool_resumed`, `ceiling`, `act`, …
        kind: &'static str,
        /// How long it lasts, where that has a meaning.
        delay_ms: Option<u64>,
        /// A word for the reason, as in the events.
        reason: Option<&'static str>,
        /// For a person to read.
        text: String,
    },
}

/// Which records an item holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The dataset.
    pub dataset: u32,
    /// The first record.
    pub first: Position,
    /// Positions from the first to the last.
    pub span: u64,
    /// How many of them it holds.
    pub count: u64,
}

/// Whether a call may be out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out {
    /// It may.
    Maybe,
    /// It is not.
    No,
}

/// Whether the journal knows of every call that may be out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanness {
    /// It does.
    Clean,
    /// Calls are being made.
    Busy,
}

/// What a person decides of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Close it, with a note.
    Dismiss(String),
    /// Take that back.
    Reopen,
}

/// What an item was before it was settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Origin {
    /// Planned from a dataset.
    #[default]
    Planned,
    /// A failure that a person sent again.
    Failure,
}

/// An item in a back-off.
#[derive(Debug)]
pub struct Waiting {
    /// The item.
    pub seq: Seq,
    /// Which records it holds.
    pub extent: Extent,
    /// Tries so far.
    pub attempts: u32,
    /// How often it was sent again after an unsure answer.
    pub unsure: u32,
    /// The status that made it wait.
    pub status: Option<u16>,
    /// A word for the reason, as in the events.
    pub reason: &'static str,
    /// How long.
    pub delay_ms: u64,
    /// Until when (milliseconds since 1970).
    pub until: i64,
    /// What the platform said, or what happened.
    pub message: String,
    /// What it was before.
    pub origin: Origin,
}

/// An item's end.
#[derive(Debug)]
pub struct Settled {
    /// The item.
    pub seq: Seq,
    /// Which records it holds.
    pub extent: Extent,
    /// How it ended.
    pub end: End,
    /// Tries in all.
    pub attempts: u32,
    /// How often it was sent again after an unsure answer.
    pub unsure: u32,
    /// Whether a call of it may have been carried out without our knowing: a failure keeps that.
    pub doubtful: bool,
    /// The last status.
    pub status: Option<u16>,
    /// What a person knows it by, where that is not its place in the file.
    pub name: Option<String>,
    /// The platform's correlation id of the last answer, or the one that we sent.
    pub correlation_id: Option<String>,
    /// What it was before.
    pub origin: Origin,
}

/// How an item ended.
#[derive(Debug)]
pub enum End {
    /// Accepted.
    Delivered {
        /// The platform's answer.
        answer: Bytes,
    },
    /// Given up on.
    Failed {
        /// Why.
        reason: Reason,
        /// The record, or the array of them.
        record: Option<Bytes>,
    },
    /// Refused by the local check.
    Invalid {
        /// Why.
        reason: Reason,
        /// The record.
        record: Option<Bytes>,
    },
}

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
        Write::Waiting(waiting) => return wait(tx, run, waiting).map(Some),
        Write::Settle(settled) => return settle(tx, run, counts, settled),
        Write::TakeUp { items, taken } => {
            let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.clear();
            take_up(tx, run, counts, items, &mut taken)?;
        }
        Write::PutBack => put_back(tx, run, counts)?,
        Write::Judge { items, judgement, by } => {
            return judge(tx, run, counts, items, judgement, by).map(Some);
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
    let (state, answer) = match &settled.end {
        End::Delivered { answer } => (ItemState::Delivered, Some(answer)),
        End::Failed { .. } => (ItemState::Failed, None),
        End::Invalid { .. } => (ItemState::Invalid, None),
    };
    let now = now_ms();
    let kept = answer.and_then(|answer| answer.get(..answer.len().min(KEPT_ANSWER)));
    tx.prepare_cached(
        "INSERT INTO item (run, seq, dataset, first, span, count, state, attempts, unsure, status, name,
                           correlation_id, at, answer)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (run, seq) DO UPDATE
         SET state = ?7, attempts = ?8, unsure = ?9, status = ?10, name = ?11, correlation_id = ?12, at = ?13,
             answer = ?14, not_before = NULL",
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
        kept
    ])?;
    let records = settled.extent.count;
    match &settled.end {
        End::Delivered { .. } => {
            counts.items.delivered += 1;
            counts.records.delivered += records;
            if settled.origin == Origin::Failure {
                tx.prepare_cached(
                    "UPDATE failure SET state = 'delivered', last_at = ?3 WHERE run = ?1 AND item = ?2",
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
         ON CONFLICT (run, item) DO UPDATE
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
                        ?4 FROM failure WHERE run = ?1 AND item = ?2",
                params![run, int(seq), int(*part), record.as_ref().map(AsRef::<[u8]>::as_ref)],
            )?;
        }
        tx.prepare_cached("UPDATE run SET next_seq = max(next_seq, ?2) WHERE run = ?1")?
            .execute(params![run, int(part + 1)])?;
    }
    if was == Origin::Failure {
        tx.execute("DELETE FROM failure WHERE run = ?1 AND item = ?2", params![run, int(seq)])?;
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
        "SELECT i.count, f.state FROM item i JOIN failure f ON f.run = i.run AND f.item = i.seq
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
    let open = "SELECT i.count, f.state FROM item i JOIN failure f ON f.run = i.run AND f.item = i.seq
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
             state = (SELECT f.state FROM failure f WHERE f.run = item.run AND f.item = item.seq)
         WHERE run = ?1 AND state IN ('pending', 'sending', 'waiting')
           AND EXISTS (SELECT 1 FROM failure f WHERE f.run = item.run AND f.item = item.seq
                       AND f.state IN ('failed', 'invalid'))",
        params![run],
    )?;
    Ok(())
}

fn judge(
    tx: &Transaction<'_>,
    run: i64,
    counts: &mut Counts,
    items: &[Seq],
    judgement: &Judgement,
    by: &str,
) -> rusqlite::Result<i64> {
    let mut judged = 0_u64;
    for seq in items {
        let row = tx.query_row(
            "SELECT i.count, f.state, f.before FROM item i JOIN failure f ON f.run = i.run AND f.item = i.seq
             WHERE i.run = ?1 AND i.seq = ?2 AND i.state IN ('failed', 'invalid', 'dismissed')",
            params![run, int(*seq)],
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
        for (name, sign) in [(state.as_str(), -1_i64), (to.as_str(), 1)] {
            let (items, of_records) = match name {
                "dismissed" => (&mut counts.items.dismissed, &mut counts.records.dismissed),
                "invalid" => (&mut counts.items.invalid, &mut counts.records.invalid),
                _ => (&mut counts.items.failed, &mut counts.records.failed),
            };
            *items = items.saturating_add_signed(sign);
            *of_records = of_records.saturating_add_signed(sign * int(records));
        }
        tx.prepare_cached("UPDATE item SET state = ?3 WHERE run = ?1 AND seq = ?2")?.execute(params![
            run,
            int(*seq),
            to
        ])?;
        tx.prepare_cached(
            "UPDATE failure SET state = ?3, note = ?4, before = ?5 WHERE run = ?1 AND item = ?2",
        )?
        .execute(params![run, int(*seq), to, note, keep])?;
        judged += 1;
    }
    let text = match judgement {
        Judgement::Dismiss(note) => format!("{by}: closed {judged} with the note: {note}"),
        Judgement::Reopen => format!("{by}: reopened {judged}"),
    };
    event(tx, run, "act", None, None, None, None, None, Some(&text))
}
