//! From datasets, and from failures that are sent again, to items that are durable and ready.
//!
//! A reader goes through its dataset once. First it comes past what an earlier carrying-out planned: what is settled
//! is passed over, what is open becomes the same items again, by position. From there on it plans new ones. Each is
//! committed before it is handed to the schedule, and no more is planned ahead than the schedule has room for.

use std::collections::VecDeque;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;

use super::again::take_up;
use super::carry::{Shared, instant_of};
use super::faults;
use super::grouping::{Batch, Grouper, Refused};
use super::job::{Job, Sent};
use super::schedule::Ahead;
use super::supervisor::Readers;
use crate::dataset::{DatasetError, Entry, Fingerprint, Limits, Reader};
use crate::journal::{End, Extent, OpenItem, Origin, Settled, Write};
use crate::model::{Fault, ItemState, Position, Reason, Seq, Stage};
use crate::operation::{Admitted, Draft, Grouping};
use crate::pacing::Certainty;
use crate::plan::Unsure;

/// Chunks of a dataset that may be planned and not yet taken up.
const CHUNKS_AHEAD: usize = 15;

/// What is to be fed.
pub(super) struct Feed {
    /// Datasets, in order.
    pub(super) sources: VecDeque<Source>,
    /// Failures that are sent again, and who wants it.
    pub(super) retries: Vec<(Vec<Seq>, String)>,
    /// Whether the datasets are gone through to their ends: a retry alone does not.
    pub(super) whole: bool,
}

/// One dataset.
pub(super) struct Source {
    pub(super) number: u32,
    pub(super) origin: SourceOrigin,
    pub(super) first_position: Position,
    /// Records from its first that an earlier carrying-out has planned.
    pub(super) planned: u64,
    /// What of it was planned and is open, by position.
    pub(super) open: Vec<OpenItem>,
    /// Records that may be used, where it breaks off after them and a person wants it so.
    pub(super) stop_at: Option<u64>,
}

/// Where a dataset's bytes come from.
pub(super) enum SourceOrigin {
    /// A file that was read to its end before.
    File { path: PathBuf, fingerprint: Fingerprint },
    /// Standard input, kept as it is read.
    Stream { spool: File },
    /// What an earlier carrying-out has kept of a stream that it did not see the end of.
    Spool { path: PathBuf },
}

/// Starts the readers. Each ends when its dataset is planned, or with what is wrong with it.
pub(super) fn spawn(shared: &Arc<Shared>, feed: &mut Feed, readers: &mut Readers) {
    for (items, by) in feed.retries.drain(..) {
        take_up(shared, items, by, readers);
    }
    if feed.whole {
        let sources = std::mem::take(&mut feed.sources);
        readers.spawn(read_all(Arc::clone(shared), sources));
    }
}

/// Reads all datasets, some side by side, and tells the journal when all records stand in items.
async fn read_all(shared: Arc<Shared>, mut sources: VecDeque<Source>) -> Result<(), Fault> {
    let mut crew = shared.crew.changes();
    let mut readers = JoinSet::new();
    let mut records = Some(0);
    let mut fault = None;
    // one that has failed leaves its place empty
    let mut failed = 0;
    loop {
        while records.is_some() && readers.len() + failed < shared.side_by_side() {
            let Some(source) = sources.pop_front() else { break };
            let shared = Arc::clone(&shared);
            readers.spawn_blocking(move || {
                shared.reading.fetch_add(1, Ordering::Relaxed);
                let read = read_one(&shared, &source);
                shared.reading.fetch_sub(1, Ordering::Relaxed);
                read
            });
        }
        // all of them, also after one has failed: none may plan on after this returns
        let read = tokio::select! {
            read = readers.join_next() => read,
            // as many as there are workers may have become more
            _ = crew.changed() => continue,
        };
        let Some(read) = read else { break };
        match read {
            Ok(Ok(Some(count))) => records = records.map(|records| records + count),
            Ok(Ok(None)) => records = None,
            Ok(Err(found)) => {
                failed += 1;
                fault.get_or_insert(found);
            }
            Err(error) => {
                tracing::error!(%error, "a reader broke");
                failed += 1;
                let message = "reading the dataset broke off: an internal error".to_owned();
                fault.get_or_insert(faults::dataset_broken(message));
            }
        }
    }
    if let Some(fault) = fault {
        return Err(fault);
    }
    let Some(records) = records else { return Ok(()) };
    shared.journal.commit(&shared.book, vec![Write::PlannedAll { records }]).await;
    shared.idle.notify_one();
    Ok(())
}

/// Reads one dataset to its end and returns how many records it has; `None` where the run came to its end first.
fn read_one(shared: &Arc<Shared>, source: &Source) -> Result<Option<u64>, Fault> {
    let limits = Limits { record_bytes: record_limit(shared), ..Limits::default() };
    let (reader, streamed, cut_off) = match source.origin {
        SourceOrigin::File { ref path, ref fingerprint } => {
            (Reader::open(path, limits, Some(fingerprint)), false, false)
        }
        SourceOrigin::Stream { ref spool } => {
            let spool = spool.try_clone().map_err(|error| faults::data_folder(&error.to_string()))?;
            (Reader::from_stream(Box::new(std::io::stdin()), Some(spool), limits), true, false)
        }
        SourceOrigin::Spool { ref path } => (Reader::open(path, limits, None), false, true),
    };
    let mut reader = reader.map_err(|error| fault_of(&error))?;
    let limit = || shared.byte_limit();
    let single = shared.operation.grouping() == Grouping::Single;
    let together = shared.together();
    let mut grouper = Grouper::new(shared.operation.as_ref(), shared.mapping.as_ref(), together, &limit);
    let mut open = source.open.iter().peekable();
    let mut piece: Vec<(Position, Admitted)> = Vec::new();
    let mut holes: Vec<Refused> = Vec::new();
    let mut count = 0;
    loop {
        if source.stop_at.is_some_and(|most| count >= most) {
            break;
        }
        let entry = match reader.next() {
            None => break,
            Some(Ok(entry)) => entry,
            Some(Err(error)) => {
                if let Some(batch) = grouper.finish() {
                    plan(shared, source, batch);
                }
                return Err(fault_of(&error));
            }
        };
        let local = match &entry {
            Entry::Record(record) => record.position,
            Entry::Unusable(unusable) => unusable.position,
        };
        count = local + 1;
        let position = source.first_position + local;
        if local >= source.planned {
            grouper.put_together(shared.together());
            let complete = grouper.push(position, entry);
            // a stream's record is not kept waiting for the next one
            let complete = if streamed && single { complete.or_else(|| grouper.finish()) } else { complete };
            if let Some(batch) = complete
                && !plan(shared, source, batch)
            {
                return Ok(None);
            }
            continue;
        }
        let Some(item) = open.peek().filter(|item| item.extent.first <= position) else { continue };
        let ends_here = position + 1 >= item.extent.first + item.extent.span;
        if item.holes.binary_search(&position).is_ok() && !ends_here {
            // another item holds it
            continue;
        }
        match grouper.check_again(position, entry) {
            Ok(admitted) => piece.push((position, admitted)),
            Err(refused) => holes.push(*refused),
        }
        if ends_here {
            let records = std::mem::take(&mut piece);
            let refused = std::mem::take(&mut holes);
            if !take_again(shared, source, item, records, refused) {
                return Ok(None);
            }
            open.next();
        }
    }
    if let Some(batch) = grouper.finish()
        && !plan(shared, source, batch)
    {
        return Ok(None);
    }
    if shared.schedule.is_closed() {
        return Ok(None);
    }
    if streamed {
        let (dataset, bytes) = (source.number, reader.raw_bytes_read());
        let ended = Write::StreamEnded { dataset, records: count, bytes };
        shared.journal.commit_blocking(&shared.book, vec![ended]);
    }
    if cut_off {
        return Err(faults::dataset_broken(
            "standard input was not read to its end before the process ended, and what was not read is missing"
                .to_owned(),
        ));
    }
    Ok(Some(count))
}

fn record_limit(shared: &Shared) -> usize {
    match shared.operation.grouping() {
        Grouping::Single => Limits::default().record_bytes,
        Grouping::Chunks { bytes, .. } => usize::try_from(bytes).unwrap_or(usize::MAX),
    }
}

fn fault_of(error: &DatasetError) -> Fault {
    match error {
        DatasetError::Malformed(_) => faults::dataset_broken(error.to_string()),
        DatasetError::Spool { .. } => faults::data_folder(&error.to_string()),
        _ => faults::dataset_changed(error.to_string()),
    }
}

impl Shared {
    /// How many items of one record each are planned together. Those that a crash catches between being planned and
    /// being settled count as unsure, so they are few.
    pub(super) fn together(&self) -> usize {
        usize::from(self.crew.wanted()).max(1)
    }

    /// How many datasets are read at once: where order does not matter, one comes after the other.
    fn side_by_side(&self) -> usize {
        if self.operation.keeps_order() { self.together() } else { 1 }
    }

    pub(super) fn correlation_id(&self, dataset: u32) -> Arc<str> {
        self.facts.correlation_ids.get(dataset as usize).cloned().unwrap_or_else(|| "".into())
    }

    /// The end of an item that the local check refuses. One that was sent before is failed: *invalid* is what was never
    /// sent.
    pub(super) fn refused(&self, seq: Seq, extent: Extent, refused: Refused, before: Before) -> Write {
        self.gauges.settled(extent.count);
        let Refused { reason, record, name, .. } = refused;
        let end = if before.attempts > 0 || before.doubtful {
            End::Failed { reason, record }
        } else {
            End::Invalid { reason, record }
        };
        Write::Settle(Box::new(Settled {
            seq,
            extent,
            end,
            attempts: before.attempts,
            unsure: before.unsure,
            doubtful: before.doubtful,
            status: None,
            took_ms: None,
            correlation_id: None,
            name,
            remote_id: None,
            origin: before.origin,
        }))
    }
}

/// What an item has behind it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    pub(super) attempts: u32,
    pub(super) unsure: u32,
    pub(super) doubtful: bool,
    pub(super) origin: Origin,
}

/// Makes items of a batch, writes them down, and hands them on. Returns whether there is anything to go on for.
fn plan(shared: &Arc<Shared>, source: &Source, batch: Batch) -> bool {
    let Some((first, last)) = batch.range() else { return true };
    let planned = last + 1 - source.first_position;
    let dataset = source.number;
    let correlation_id = shared.correlation_id(dataset);
    let mut writes = Vec::with_capacity(1 + batch.refused.len());
    let mut jobs = Vec::new();
    let refused = batch.refused.len();
    let ahead = match shared.operation.grouping() {
        Grouping::Single => {
            let count = last + 1 - first;
            let first_seq = shared.next_seq.fetch_add(count, Ordering::Relaxed);
            writes.push(Write::Stretch { first_seq, dataset, first, count, planned });
            for (position, record) in batch.records {
                let extent = Extent { dataset, first: position, span: 1, count: 1 };
                let seq = first_seq + (position - first);
                let records = vec![record];
                let correlation_id = Arc::clone(&correlation_id);
                let draft = Draft { seq, extent, records, correlation_id, holes: Vec::new() };
                jobs.push(Job::new(shared.operation.build(shared.run, draft), dataset));
            }
            for refused in batch.refused {
                let position = refused.position;
                let extent = Extent { dataset, first: position, span: 1, count: 1 };
                let seq = first_seq + (position - first);
                writes.push(shared.refused(seq, extent, refused, Before::default()));
            }
            Ahead { items: 3 * shared.together() }
        }
        Grouping::Chunks { .. } => {
            let chunk =
                batch.records.first().zip(batch.records.last()).map(|(first, last)| (first.0, last.0));
            if let Some((first, last)) = chunk {
                let extent =
                    Extent { dataset, first, span: last + 1 - first, count: batch.records.len() as u64 };
                let seq = shared.next_seq.fetch_add(1, Ordering::Relaxed);
                let holes = batch.refused.iter().map(|one| one.position);
                let holes = holes.filter(|at| (first..last).contains(at)).collect();
                let records = batch.records.into_iter().map(|(_, record)| record).collect();
                let draft = Draft { seq, extent, records, correlation_id, holes };
                jobs.push(Job::new(shared.operation.build(shared.run, draft), dataset));
                writes.push(Write::Chunk { seq, extent, planned });
            }
            for refused in batch.refused {
                let position = refused.position;
                let extent = Extent { dataset, first: position, span: 1, count: 1 };
                let seq = shared.next_seq.fetch_add(1, Ordering::Relaxed);
                writes.push(Write::Stretch { first_seq: seq, dataset, first: position, count: 1, planned });
                writes.push(shared.refused(seq, extent, refused, Before::default()));
            }
            Ahead { items: CHUNKS_AHEAD }
        }
    };
    let bytes = jobs.iter().map(|job| job.item.body.len() as u64).sum();
    if !shared.schedule.reserve(dataset, ahead, jobs.len() + refused, bytes) {
        return false;
    }
    let then = Arc::clone(shared);
    shared.journal.write_then(&shared.book, writes, move || {
        for job in jobs {
            then.schedule.push(job);
        }
        if refused > 0 {
            then.schedule.release(dataset, refused, 0);
            then.settled_one();
        }
    });
    true
}

/// Takes up an item that an earlier carrying-out has planned.
fn take_again(
    shared: &Arc<Shared>,
    source: &Source,
    open: &OpenItem,
    records: Vec<(Position, Admitted)>,
    holes: Vec<Refused>,
) -> bool {
    let extent = open.extent;
    // a remote job that is known was accepted: nothing of it is in doubt
    let was_out = open.state == ItemState::Sending && open.remote_id.is_none();
    if shared.schedule.is_closed() {
        return false;
    }
    if records.is_empty() {
        // what was valid then is not now: the platform's own categories have changed, perhaps
        let doubtful = was_out || open.unsure > 0;
        let before =
            Before { attempts: open.attempts, unsure: open.unsure, doubtful, origin: Origin::Planned };
        let refused = holes.into_iter().next_back();
        let writes =
            refused.map(|refused| shared.refused(open.seq, extent, refused, before)).into_iter().collect();
        shared.journal.commit_blocking(&shared.book, writes);
        return true;
    }
    let draft = Draft {
        seq: open.seq,
        extent,
        records: records.into_iter().map(|(_, record)| record).collect(),
        correlation_id: shared.correlation_id(extent.dataset),
        holes: {
            let mut all = open.holes.clone();
            all.extend(holes.into_iter().map(|refused| refused.position));
            all.sort_unstable();
            all.dedup();
            all
        },
    };
    let mut job = Job::new(shared.operation.build(shared.run, draft), source.number);
    job.tries = open.attempts;
    job.called = open.attempts > 0;
    job.unsure = open.unsure;
    if open.unsure > 0 {
        job.earlier = Certainty::Unsure;
    }
    if was_out || open.attempts > 0 {
        job.sent = Sent::Maybe;
    }
    if was_out {
        job.earlier = Certainty::Unsure;
        // where keys are guarded, the store may know what became of it
        job.was_out = shared.guard.is_some();
        if !job.was_out {
            if shared.plan.delivery.unsure == Unsure::Fail {
                match hand_over(shared, job) {
                    Some(kept) => job = kept,
                    None => return true,
                }
            }
            job.unsure += 1;
        }
    }
    job.not_before = open.not_before.map(instant_of);
    watch_again(&mut job, open.remote_id.clone());
    let bytes = job.item.body.len() as u64;
    if !shared.schedule.reserve(source.number, Ahead { items: CHUNKS_AHEAD }, 1, bytes) {
        return false;
    }
    shared.schedule.push(job);
    true
}

/// An item whose remote job is known is only looked at, and at once.
pub(super) fn watch_again(job: &mut Job, remote_id: Option<String>) {
    if let Some(id) = &remote_id {
        job.item.name = Some(crate::text::one_line(id, 200));
        job.progress.passed = Some(Stage::Delivery);
    }
    job.progress.remote_id = remote_id;
}

/// A call that was out when the process ended, where the plan wants a person to look at it. Where the plan
/// wants a failed chunk to be sent first in a resume, it goes on its way instead.
fn hand_over(shared: &Shared, job: Job) -> Option<Job> {
    let reason = Reason {
        stage: Stage::Delivery,
        status: None,
        code: Some(super::access::NO_ANSWER.to_owned()),
        message: "the process ended while its call was out: it may have been carried out, or not".to_owned(),
        violations: Vec::new(),
    };
    if shared.stops_at(&job, &reason).is_some() {
        return Some(job);
    }
    let settled = Settled {
        seq: job.item.seq,
        extent: job.item.extent,
        end: End::Failed { reason, record: Some(job.item.content()) },
        attempts: job.tries,
        unsure: job.unsure,
        doubtful: true,
        status: None,
        took_ms: None,
        correlation_id: None,
        name: job.item.name,
        remote_id: None,
        origin: job.origin,
    };
    shared.journal.commit_blocking(&shared.book, vec![Write::Settle(Box::new(settled))]);
    None
}
