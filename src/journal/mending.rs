//! What people do with failures: send them again, close them, open them again, edit their records.
//!
//! Each is one act over many failures, and is written down with the change itself: who did it, when, and to which.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::acts::{ActKind, Deed};
use super::apply::{Event, event, int};
use super::audit::seal;
use super::book::Counts;
use super::rows::natural;
use super::write::{Extent, Judgement};
use crate::model::{FailureId, FailureState, Mark, Seq};
use crate::report::records_of;

pub(super) fn take_up(
    tx: &Connection,
    run: i64,
    counts: &mut Counts,
    items: &[Seq],
    by: &str,
    taken: &mut Vec<Seq>,
) -> rusqlite::Result<Option<i64>> {
    let mut look = tx.prepare_cached(
        "SELECT i.dataset, i.first, i.span, i.count, f.state, f.last_at FROM item i
         JOIN failure f ON f.run = i.run AND f.item = i.seq AND f.row = 0
         WHERE i.run = ?1 AND i.seq = ?2 AND i.state IN ('failed', 'invalid') AND f.kept = 1",
    )?;
    let mut take = tx.prepare_cached("UPDATE item SET state = 'pending' WHERE run = ?1 AND seq = ?2")?;
    let mut deed = Deed::new(ActKind::Send, by);
    for seq in items {
        let found = look.query_row(params![run, int(*seq)], |row| {
            Ok((extent(row)?, row.get::<_, String>("state")?, row.get("last_at")?))
        });
        let Some((extent, state, last_at)) = found.optional()? else { continue };
        let records = extent.count;
        counts.unmark(Mark::Failed, &extent);
        take.execute(params![run, int(*seq)])?;
        taken.push(*seq);
        deed.touched.push(((*seq).into(), last_at));
        if state == FailureState::Invalid.word() {
            counts.items.invalid = counts.items.invalid.saturating_sub(1);
            counts.records.invalid = counts.records.invalid.saturating_sub(records);
        } else {
            counts.items.failed = counts.items.failed.saturating_sub(1);
            counts.records.failed = counts.records.failed.saturating_sub(records);
        }
    }
    deed.write(tx, run, |count| format!("{by}: sends {} again", records_of(count, "failure", "failures")))
}

/// An item that is open and has a failure row was taken up for a retry that is over. One whose call was out counts as
/// unsure. The failure's own state says which it was.
pub(super) fn put_back(tx: &Connection, run: i64, counts: &mut Counts) -> rusqlite::Result<()> {
    put_back_where(tx, run, counts, "", None)
}

/// The same of these items alone.
pub(super) fn give_back(
    tx: &Connection,
    run: i64,
    counts: &mut Counts,
    items: &[Seq],
) -> rusqlite::Result<()> {
    for seq in items {
        put_back_where(tx, run, counts, "AND i.seq = ?2", Some(*seq))?;
    }
    Ok(())
}

fn put_back_where(
    tx: &Connection,
    run: i64,
    counts: &mut Counts,
    which: &str,
    item: Option<Seq>,
) -> rusqlite::Result<()> {
    let mut look = tx.prepare_cached(&format!(
        "SELECT i.seq, i.dataset, i.first, i.span, i.count, i.attempts, f.state FROM item i
         JOIN failure f ON f.run = i.run AND f.item = i.seq AND f.row = 0
         WHERE i.run = ?1 {which} AND i.state IN ('pending', 'sending', 'waiting') AND f.state IN ('failed', 'invalid')"
    ))?;
    let mut put = tx.prepare_cached(
        "UPDATE item SET unsure = unsure + (state = 'sending'), state = ?3 WHERE run = ?1 AND seq = ?2",
    )?;
    // calls that were made and came to nothing
    let mut tried = tx.prepare_cached(
        "UPDATE failure SET tries = ?3 WHERE run = ?1 AND item = ?2 AND row = 0 AND tries <> ?3",
    )?;
    let mut values = vec![run];
    values.extend(item.map(int));
    let mut rows = look.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let attempts: i64 = row.get("attempts")?;
        found.push((row.get::<_, i64>("seq")?, extent(row)?, attempts, row.get::<_, String>("state")?));
    }
    // what is looked through must not change meanwhile
    drop(rows);
    for (seq, extent, attempts, state) in found {
        if state == FailureState::Invalid.word() {
            counts.items.invalid += 1;
            counts.records.invalid += extent.count;
        } else {
            counts.items.failed += 1;
            counts.records.failed += extent.count;
        }
        counts.mark(Mark::Failed, &extent);
        put.execute(params![run, seq, state])?;
        tried.execute(params![run, seq, attempts])?;
    }
    Ok(())
}

/// Which records an item holds, from the columns `dataset`, `first`, `span` and `count`.
fn extent(row: &Row<'_>) -> rusqlite::Result<Extent> {
    Ok(Extent {
        dataset: row.get("dataset")?,
        first: natural(row, "first")?,
        span: natural(row, "span")?,
        count: natural(row, "count")?,
    })
}

pub(super) fn judge(
    tx: &Connection,
    run: i64,
    counts: &mut Counts,
    failures: &[FailureId],
    judgement: &Judgement,
    by: &str,
) -> rusqlite::Result<Option<i64>> {
    let mut deed = match judgement {
        Judgement::Dismiss(note) => Deed::new(ActKind::Close, by).with_note(note),
        Judgement::Reopen => Deed::new(ActKind::Reopen, by),
    };
    let mut look = tx.prepare_cached(
        "SELECT i.dataset, i.first, i.span, i.count, f.state, f.before, f.last_at FROM item i
         JOIN failure f ON f.run = i.run AND f.item = i.seq
         WHERE i.run = ?1 AND i.seq = ?2 AND f.row = ?3
           AND (f.row > 0 OR i.state IN ('failed', 'invalid', 'dismissed'))",
    )?;
    for id in failures {
        let found = look
            .query_row(params![run, int(id.item), int(id.row)], |row| {
                let words: (String, Option<String>) = (row.get("state")?, row.get("before")?);
                Ok((extent(row)?, words.0, words.1, row.get("last_at")?))
            })
            .optional()?;
        let Some((extent, state, before, last_at)) = found else { continue };
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
            count_judgement(counts, [(state.as_str(), -1), (to.as_str(), 1)], extent.count);
            counts.unmark(mark_of(&state), &extent);
            counts.mark(mark_of(&to), &extent);
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
        deed.touched.push((*id, last_at));
    }
    deed.write(tx, run, |count| match judgement {
        Judgement::Dismiss(note) => format!("{by}: closed {count} with the note: {note}"),
        Judgement::Reopen => format!("{by}: reopened {count}"),
    })
}

pub(super) fn edit(
    tx: &Connection,
    run: i64,
    records: &[(FailureId, Option<Bytes>)],
    by: &str,
) -> rusqlite::Result<Option<i64>> {
    let mut look = tx.prepare_cached(
        "SELECT f.failure, f.last_at FROM failure f JOIN item i ON i.run = f.run AND i.seq = f.item
         WHERE f.run = ?1 AND f.item = ?2 AND f.row = ?3 AND f.row = 0 AND f.kept = 1
           AND f.state IN ('failed', 'invalid') AND i.state IN ('failed', 'invalid')",
    )?;
    let mut change = tx.prepare_cached(
        "UPDATE failure_record SET original = coalesce(original, record), record = ?2,
             original_seal = iif(original IS NULL, seal, original_seal), seal = ?3
         WHERE failure = ?1 AND record <> ?2",
    )?;
    let mut restore = tx.prepare_cached(
        "UPDATE failure_record SET record = original, original = NULL, seal = original_seal, original_seal = NULL
         WHERE failure = ?1 AND original IS NOT NULL",
    )?;
    let mut mark = tx.prepare_cached("UPDATE failure SET edited = ?2 WHERE failure = ?1")?;
    let mut late = false;
    let mut edits = Deed::new(ActKind::Edit, by);
    let mut returns = Deed::new(ActKind::TakeBack, by);
    for (id, new) in records {
        let found = look
            .query_row(params![run, int(id.item), int(id.row)], |row| {
                Ok((row.get::<_, i64>(0)?, row.get(1)?))
            })
            .optional()?;
        let Some((failure, last_at)) = found else {
            late = true;
            continue;
        };
        let (changed, deed) = match new {
            Some(new) => {
                (change.execute(params![failure, new.as_ref(), seal(run, int(id.item), new)])?, &mut edits)
            }
            None => (restore.execute(params![failure])?, &mut returns),
        };
        if changed > 0 {
            mark.execute(params![failure, i64::from(new.is_some())])?;
            deed.touched.push((*id, last_at));
        }
    }
    if late && edits.touched.is_empty() && returns.touched.is_empty() {
        let text = format!("{by}: nothing was changed; what was meant is being sent, or open no more");
        return event(tx, run, &Event { kind: "act", text: Some(&text), ..Event::default() }).map(Some);
    }
    let failures = |count| records_of(count, "failure", "failures");
    let edited = edits.write(tx, run, |count| format!("{by}: edited {}, not sent yet", failures(count)))?;
    let returned =
        returns.write(tx, run, |count| format!("{by}: took the edit of {} back", failures(count)))?;
    Ok(returned.or(edited))
}

fn mark_of(state: &str) -> Mark {
    if state == FailureState::Dismissed.word() { Mark::Dismissed } else { Mark::Failed }
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
