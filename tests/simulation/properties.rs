//! What must hold, whatever the day was like.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use trunkline::engine::Handle;
use trunkline::journal::{Contents, JournalError, Query, Reader, RunRow, View};
use trunkline::model::{FailureState, OperationKind, Stage, Tally};

use super::case::Case;
use super::world::{Chunk, Day};

/// While a run goes: each record is in one state, and what is said to be delivered has arrived.
pub fn at_any_moment(case: &Case, day: &Day, handle: &Handle) -> Result<(), String> {
    let figures = handle.figures();
    in_one_state(case, &figures.records)?;
    let arrived = arrived(day);
    let delivered = figures.records.delivered;
    if delivered > arrived {
        return Err(format!("(h) {delivered} records are said to be delivered, and {arrived} have arrived"));
    }
    Ok(())
}

fn arrived(day: &Day) -> u64 {
    day.effects.lock().unwrap().of.len() as u64
}

fn in_one_state(case: &Case, tally: &Tally) -> Result<(), String> {
    let Tally { total, pending, delivered, failed, invalid, dismissed, .. } = *tally;
    let sum = pending + delivered + failed + invalid + dismissed;
    if total != Some(case.records() as u64) || sum != case.records() as u64 {
        return Err(format!("(a) {tally:?} are not {} records", case.records()));
    }
    Ok(())
}

/// After a process has gone, however that was: the journal as the disk left it.
pub fn after_a_process(case: &Case, day: &Day, reader: &Reader) -> Result<(), String> {
    let tokens = day.most_tokens_out.load(Ordering::Relaxed);
    if tokens > 1 {
        return Err(format!("(f) {tokens} tokens were asked for at once"));
    }
    for row in reader.runs().map_err(|error| error.to_string())? {
        stands(case, day, reader, &row)?;
    }
    Ok(())
}

fn stands(case: &Case, day: &Day, reader: &Reader, row: &RunRow) -> Result<Rows, String> {
    let rows = rows(reader, row)?;
    let effects = day.effects.lock().unwrap();
    for (record, state) in &rows.states {
        if *state == State::Delivered && !effects.of.contains_key(record) {
            return Err(format!("(h) record {record} is delivered, and has not arrived"));
        }
    }
    in_one_state(case, &row.records)?;
    let tally = row.records;
    // those that were being sent again when the process was killed are failures to the eye, and count as pending
    let counted = tally.failed + tally.invalid + tally.dismissed;
    if tally.delivered != rows.delivered || rows.failed < counted || rows.failed - counted > tally.pending {
        let Rows { delivered, failed, .. } = rows;
        return Err(format!(
            "(a) the counts are {tally:?}, the rows {delivered} delivered, {failed} failures"
        ));
    }
    Ok(rows)
}

/// When nothing is left to be done.
pub fn at_the_end(case: &Case, day: &Day, reader: &Reader) -> Result<(), String> {
    let rows = reader.runs().map_err(|error| error.to_string())?;
    if rows.len() != case.runs {
        return Err(format!("(g) there are {} runs, and {} were begun", rows.len(), case.runs));
    }
    let mut unsure = BTreeMap::new();
    for row in &rows {
        let stands = stands(case, day, reader, row)?;
        if row.records.pending > 0 {
            return Err(format!("(a) it is over, and {} records are pending", row.records.pending));
        }
        if stands.states.len() != case.records() {
            return Err(format!(
                "(a) {} records have an end, and there are {}",
                stands.states.len(),
                case.records()
            ));
        }
        let effects = day.effects.lock().unwrap();
        let arrived = stands.without.iter().find(|record| effects.of.contains_key(*record));
        if let Some(record) = arrived.filter(|_| case.runs == 1) {
            return Err(format!("(h) record {record} has failed for certain, and has arrived"));
        }
        unsure_marks(reader, row, &mut unsure)?;
    }
    let ledger = day.platform.ledger();
    for breach in ledger["breaches"].as_array().into_iter().flatten() {
        let what = breach["what"].as_str().unwrap_or_default();
        // what is told to callers is watched where they are told
        if !what.contains("Retry-After") && !what.contains("probes") {
            return Err(format!("(c) {what}"));
        }
    }
    if let Some(breach) = day.manners.lock().unwrap().breaches.first() {
        return Err(format!("(c) {breach}"));
    }
    // content that has a key of its own takes effect once, whoever sends it
    let times_meant = if case.kind == OperationKind::Execute { 1 } else { u32::try_from(case.runs).unwrap() };
    let effects = day.effects.lock().unwrap();
    for (record, times) in &effects.of {
        let marks = unsure.get(record).copied().unwrap_or(0);
        // one that a person has edited is another body, with another key
        let are_new = case.keys_are_forgotten() || day.edited.load(Ordering::Relaxed);
        let allowed = times_meant + if are_new { marks } else { 0 };
        if *times > allowed {
            return Err(format!("(b) record {record} took effect {times} times, and {allowed} are allowed"));
        }
        let submits = effects.accepted.get(record).copied().unwrap_or(0);
        if case.kind == OperationKind::Import && submits > times_meant + marks {
            return Err(format!(
                "(e) import {record} was submitted and accepted {submits} times, with {marks} doubts"
            ));
        }
    }
    if case.kind == OperationKind::Ingest {
        for (set, chunks) in &effects.sets {
            if !are_in_order(chunks, case.keys_are_forgotten()) {
                return Err(format!("(d) the records of set {set} came as {chunks:?}"));
            }
        }
    }
    Ok(())
}

/// Chunks of a set that may have been accepted and not yet be written down.
const MOST_UNWRITTEN: usize = 16;

/// Whether the chunks of a set came in the order of their records. Those that were accepted, and were not written down
/// before the process ended, are sent again by the next: where the platform forgets keys they take effect again.
fn are_in_order(chunks: &[Chunk], keys_are_forgotten: bool) -> bool {
    (1..chunks.len()).all(|at| {
        let (before, next) = (&chunks[..at], &chunks[at]);
        let again = before.iter().rev().take_while(|one| one.records.last() >= next.records.first());
        // several processes may have sent them, and none of them written it down
        let again: BTreeSet<_> = again.map(|one| one.records.first()).collect();
        let last = before.last().map(|last| last.process);
        again.is_empty()
            || (keys_are_forgotten && last != Some(next.process) && again.len() <= MOST_UNWRITTEN)
    })
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Delivered,
    Failure,
}

/// What the rows of a run say.
#[derive(Debug, Default)]
struct Rows {
    /// Of each record that has come to an end: where it stands. None stands in two places.
    states: BTreeMap<u64, State>,
    delivered: u64,
    failed: u64,
    /// Records of which it is said for certain that they took no effect.
    without: Vec<u64>,
}

fn rows(reader: &Reader, row: &RunRow) -> Result<Rows, String> {
    let mut found = Rows::default();
    let mut delivered = Vec::new();
    reader
        .each_result::<JournalError>(row, |result| {
            delivered.push((result.item, result.count));
            Ok(())
        })
        .map_err(|error| error.to_string())?;
    for (item, count) in delivered {
        found.delivered += count;
        found.put(reader, row, (item, count), State::Delivered)?;
    }
    for failure in failures(reader, row)? {
        if failure.id.row > 0 || failure.state == FailureState::Delivered {
            continue;
        }
        found.failed += failure.count;
        let all = found.put(reader, row, (failure.id.item, failure.count), State::Failure)?;
        // one that began a job when it was sent again, and was stopped, has its old reason still, and names the job
        let sure = !failure.doubtful && failure.unsure == 0 && failure.remote_id.is_none();
        if sure && failure.stage == Stage::Delivery {
            found.without.extend(all);
        }
    }
    Ok(found)
}

impl Rows {
    fn put(
        &mut self,
        reader: &Reader,
        row: &RunRow,
        (item, count): (u64, u64),
        state: State,
    ) -> Result<Vec<u64>, String> {
        let all = reader.positions(row, item).map_err(|error| error.to_string())?;
        if all.len() as u64 != count {
            return Err(format!("(a) item {item} holds {count} records, and these are {all:?}"));
        }
        for record in &all {
            if let Some(before) = self.states.insert(*record, state) {
                return Err(format!("(a) record {record} is {before:?} and {state:?}"));
            }
        }
        Ok(all)
    }
}

fn failures(reader: &Reader, row: &RunRow) -> Result<Vec<trunkline::journal::FailureRow>, String> {
    let query = Query { view: View::All, ..Query::default() };
    reader.failures(row, &query, None, u32::MAX, Contents::Without).map_err(|error| error.to_string())
}

/// How often each record may have taken effect without our knowing.
fn unsure_marks(reader: &Reader, row: &RunRow, marks: &mut BTreeMap<u64, u32>) -> Result<(), String> {
    let mut items = Vec::new();
    reader
        .each_result::<JournalError>(row, |result| {
            items.push((result.item, result.unsure));
            Ok(())
        })
        .map_err(|error| error.to_string())?;
    for failure in failures(reader, row)?
        .into_iter()
        .filter(|failure| failure.id.row == 0 && failure.state != FailureState::Delivered)
    {
        items.push((failure.id.item, failure.unsure + u32::from(failure.doubtful)));
    }
    for (item, unsure) in items.into_iter().filter(|(_, unsure)| *unsure > 0) {
        for record in reader.positions(row, item).map_err(|error| error.to_string())? {
            *marks.entry(record).or_insert(0) += unsure;
        }
    }
    Ok(())
}
