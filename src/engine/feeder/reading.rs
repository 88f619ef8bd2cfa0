//! One dataset, read a step at a time: what it holds of items that were planned before, and new ones.
//!
//! A step is done where it may block, and builds its items there; what it found is written down and handed on elsewhere.

use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Before, Source, SourceOrigin, watch_again};
use crate::dataset::{DatasetError, Entry, Limits, Reader};
use crate::engine::carry::{Shared, instant_of};
use crate::engine::gate::{Gate, Handfuls, Passed, Refused};
use crate::engine::grouping::{Batch, Grouper};
use crate::engine::job::{Job, Sent};
use crate::engine::schedule::Ahead;
use crate::engine::{access, faults};
use crate::journal::{End, Extent, OpenItem, Origin, Settled, Write};
use crate::model::{Fault, ItemState, Position, Reason, Stage};
use crate::operation::{Admitted, Draft, Grouping};
use crate::pacing::Certainty;
use crate::plan::Unsure;

/// Chunks of a dataset that may be planned and not yet taken up.
const CHUNKS_AHEAD: usize = 15;

/// One dataset that is read, on whichever thread may block.
pub(super) struct Reading {
    shared: Arc<Shared>,
    dataset: u32,
    first_position: Position,
    /// Records from its first that an earlier carrying-out has planned, and what of them is open.
    planned: u64,
    open: Peekable<std::vec::IntoIter<OpenItem>>,
    stop_at: Option<u64>,
    reader: Reader,
    /// Where its bytes come from.
    kind: Kind,
    handfuls: Handfuls,
    grouper: Grouper,
    /// What is read of the open item.
    piece: Vec<(Position, Admitted)>,
    holes: Vec<Refused>,
    /// Records read.
    count: u64,
    /// What is wrong with it, told when all before that is planned.
    fault: Option<Fault>,
    at_end: bool,
}

/// What a dataset's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Stream,
    /// Kept of a stream that was not read to its end.
    CutOff,
}

/// What was read.
pub(super) enum Step {
    /// New items.
    Planned(Planned),
    /// An item that an earlier carrying-out has planned.
    Again(Box<Again>),
    /// All of it.
    Read,
}

impl Reading {
    pub(super) fn open(shared: Arc<Shared>, source: Source) -> Result<Self, Fault> {
        let gate = Gate::new(&shared.operation, shared.mapping.as_ref());
        let limits = Limits { record_bytes: gate.most(), ..Limits::default() };
        let (reader, kind) = match source.origin {
            SourceOrigin::File { ref path, ref fingerprint } => {
                (Reader::open(path, limits, Some(fingerprint)), Kind::File)
            }
            SourceOrigin::Stream { spool } => {
                (Reader::from_stream(Box::new(std::io::stdin()), Some(spool), limits), Kind::Stream)
            }
            SourceOrigin::Spool { ref path } => (Reader::open(path, limits, None), Kind::CutOff),
        };
        // a stream's record is not kept waiting for the next one; where each has a call of its own, that binds
        let one_by_one = kind == Kind::Stream || shared.operation.grouping() == Grouping::Single;
        let handfuls = if one_by_one { Handfuls::one_by_one(gate) } else { Handfuls::of_file(gate) };
        Ok(Self {
            dataset: source.number,
            first_position: source.first_position,
            planned: source.planned,
            open: source.open.into_iter().peekable(),
            stop_at: source.stop_at,
            reader: reader.map_err(|error| fault_of(&error, kind))?,
            kind,
            handfuls,
            grouper: Grouper::new(shared.operation.grouping()),
            piece: Vec::new(),
            holes: Vec::new(),
            count: 0,
            fault: None,
            at_end: false,
            shared,
        })
    }

    /// Reads on until there is something to hand on.
    pub(super) fn step(&mut self) -> Result<Step, Fault> {
        loop {
            if let Some(planned) = self.next_planned() {
                return Ok(Step::Planned(planned));
            }
            if self.at_end {
                break;
            }
            if let Some(again) = self.read_one() {
                return Ok(Step::Again(Box::new(again)));
            }
        }
        if let Some(planned) = self.grouper.finish().and_then(|batch| self.plan(batch)) {
            return Ok(Step::Planned(planned));
        }
        self.fault.take().map_or(Ok(Step::Read), Err)
    }

    /// Takes records that were checked, until they make something new.
    fn next_planned(&mut self) -> Option<Planned> {
        let single = self.shared.operation.grouping() == Grouping::Single;
        while let Some(Passed { position, checked, .. }) = self.handfuls.next() {
            self.grouper.put_together(self.shared.together());
            self.grouper.limit_to(self.shared.byte_limit());
            let complete = self.grouper.push(position, checked);
            // a stream's record is not kept waiting for the next one
            let at_once = self.kind == Kind::Stream && single;
            let complete = if at_once { complete.or_else(|| self.grouper.finish()) } else { complete };
            if let Some(planned) = complete.and_then(|batch| self.plan(batch)) {
                return Some(planned);
            }
        }
        None
    }

    /// Reads the next record, to be checked; returns the item that was planned before whose last one it is.
    fn read_one(&mut self) -> Option<Again> {
        let is_enough = self.stop_at.is_some_and(|most| self.count >= most);
        let next = if is_enough { None } else { self.reader.next() };
        let entry = match next {
            Some(Ok(entry)) => entry,
            end => {
                self.fault = end.and_then(Result::err).map(|error| fault_of(&error, self.kind));
                self.at_end = true;
                self.handfuls.end();
                return None;
            }
        };
        let local = entry.position();
        self.count = local + 1;
        let position = self.first_position + local;
        if local < self.planned {
            return self.again(position, entry);
        }
        self.handfuls.put(position, entry);
        None
    }

    /// Takes a record of what was planned before; returns the item whose last one it is.
    fn again(&mut self, position: Position, entry: Entry) -> Option<Again> {
        let item = self.open.peek().filter(|item| item.extent.first <= position)?;
        let ends_here = position + 1 >= item.extent.first + item.extent.span;
        if item.holes.binary_search(&position).is_ok() && !ends_here {
            // another item holds it
            return None;
        }
        match self.handfuls.gate().check_again(position, entry) {
            Ok(admitted) => self.piece.push((position, admitted)),
            Err(refused) => self.holes.push(*refused),
        }
        let item = self.open.next_if(|_| ends_here)?;
        let records = std::mem::take(&mut self.piece);
        let refused = std::mem::take(&mut self.holes);
        Some(Again::of(&self.shared, self.dataset, item, records, refused))
    }

    /// Tells that a stream has ended, and returns how many records there are.
    pub(super) async fn ended(self, shared: &Shared) -> Result<u64, Fault> {
        match self.kind {
            Kind::File => {}
            Kind::Stream => {
                let (dataset, bytes) = (self.dataset, self.reader.raw_bytes_read());
                let ended = Write::StreamEnded { dataset, records: self.count, bytes };
                shared.journal.commit(&shared.book, vec![ended]).await;
            }
            Kind::CutOff => {
                return Err(faults::dataset_broken(
                    "standard input was not read to its end before the process ended, and what was not read is missing"
                        .to_owned(),
                ));
            }
        }
        Ok(self.count)
    }

    /// Makes items of a batch.
    fn plan(&self, batch: Batch) -> Option<Planned> {
        let shared = &self.shared;
        let (first, last) = batch.range()?;
        let planned = last + 1 - self.first_position;
        let dataset = self.dataset;
        let correlation_id = shared.correlation_id(dataset);
        let mut writes = Vec::with_capacity(1 + batch.refused.len());
        let mut jobs = Vec::new();
        let (refused, kept) = (batch.refused.len(), batch.kept);
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
                    writes.push(Write::Stretch {
                        first_seq: seq,
                        dataset,
                        first: position,
                        count: 1,
                        planned,
                    });
                    writes.push(shared.refused(seq, extent, refused, Before::default()));
                }
                Ahead { items: CHUNKS_AHEAD }
            }
        };
        Some(Planned { dataset, ahead, writes, jobs, refused, kept })
    }
}

/// New items, not written down yet.
pub(super) struct Planned {
    dataset: u32,
    ahead: Ahead,
    writes: Vec<Write>,
    jobs: Vec<Job>,
    /// Items that will not be sent.
    refused: usize,
    /// Bytes that are kept of them.
    kept: u64,
}

impl Planned {
    /// Writes them down, and hands them on. Returns whether there is anything to go on for.
    pub(super) async fn hand_on(self, shared: &Arc<Shared>) -> bool {
        let Self { dataset, ahead, writes, jobs, refused, kept } = self;
        let bytes: u64 = jobs.iter().map(|job| job.item.body.len() as u64).sum();
        if !shared.schedule.reserve(dataset, ahead, jobs.len() + refused, bytes + kept).await {
            return false;
        }
        let then = Arc::clone(shared);
        let push = move || {
            for job in jobs {
                then.schedule.push(job);
            }
            if refused > 0 {
                then.schedule.release(dataset, refused, kept);
                then.settled_one();
            }
        };
        shared.journal.write_then(&shared.book, writes, push).await;
        true
    }
}

/// An item that an earlier carrying-out has planned.
pub(super) enum Again {
    /// It is sent.
    Job(Job),
    /// It was being sent when a process ended, and nobody can be asked what became of it.
    InDoubt(Job),
    /// It was valid then, and is not now: the platform's own categories have changed, perhaps.
    Refused(Vec<Write>),
}

impl Again {
    fn of(
        shared: &Shared,
        dataset: u32,
        open: OpenItem,
        records: Vec<(Position, Admitted)>,
        refused: Vec<Refused>,
    ) -> Self {
        let extent = open.extent;
        // a remote job that is known was accepted: nothing of it is in doubt
        let was_out = open.state == ItemState::Sending && open.remote_id.is_none();
        if records.is_empty() {
            let doubtful = was_out || open.unsure > 0;
            let before =
                Before { attempts: open.attempts, unsure: open.unsure, doubtful, origin: Origin::Planned };
            let refused = refused.into_iter().next_back();
            let write = refused.map(|refused| shared.refused(open.seq, extent, refused, before));
            return Self::Refused(write.into_iter().collect());
        }
        let mut holes = open.holes;
        holes.extend(refused.into_iter().map(|refused| refused.position));
        holes.sort_unstable();
        holes.dedup();
        let draft = Draft {
            seq: open.seq,
            extent,
            records: records.into_iter().map(|(_, record)| record).collect(),
            correlation_id: shared.correlation_id(extent.dataset),
            holes,
        };
        let mut job = Job::new(shared.operation.build(shared.run, draft), dataset);
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
        }
        job.not_before = open.not_before.map(instant_of);
        watch_again(&mut job, open.remote_id);
        if was_out && shared.guard.is_none() { Self::InDoubt(job) } else { Self::Job(job) }
    }

    /// Hands it on. Returns whether there is anything to go on for.
    pub(super) async fn hand_on(self, shared: &Arc<Shared>) -> bool {
        if shared.schedule.is_closed() {
            return false;
        }
        let job = match self {
            Self::Job(job) => job,
            Self::InDoubt(job) => {
                let kept = match shared.plan.delivery.unsure {
                    Unsure::Fail => hand_over(shared, job).await.map(|job| (job.unsure + 1, job)),
                    // it was counted when the run was taken up, this time or an earlier one
                    Unsure::Retry => Some((job.unsure.max(1), job)),
                };
                let Some((unsure, mut job)) = kept else { return true };
                job.unsure = unsure;
                job
            }
            Self::Refused(writes) => {
                shared.journal.commit(&shared.book, writes).await;
                return true;
            }
        };
        let bytes = job.item.body.len() as u64;
        if !shared.schedule.reserve(job.lot, Ahead { items: CHUNKS_AHEAD }, 1, bytes).await {
            return false;
        }
        shared.schedule.push(job);
        true
    }
}

fn fault_of(error: &DatasetError, kind: Kind) -> Fault {
    match (error, kind) {
        (DatasetError::Malformed(_), _) | (DatasetError::Read { .. }, Kind::Stream) => {
            faults::dataset_broken(error.to_string())
        }
        (DatasetError::Spool { .. }, _) => faults::data_folder(&error.to_string()),
        // nobody has looked at a stream before
        (
            DatasetError::Empty { .. }
            | DatasetError::NoRecords { .. }
            | DatasetError::Scalar { .. }
            | DatasetError::ObjectInsteadOfArray { .. }
            | DatasetError::NulBytes { .. }
            | DatasetError::NotADataset { .. }
            | DatasetError::Header { .. },
            Kind::Stream | Kind::CutOff,
        ) => faults::no_dataset(error.to_string()),
        _ => faults::dataset_changed(error.to_string()),
    }
}

/// A call that was out when the process ended, where the plan wants a person to look at it. Where the plan
/// wants a failed chunk to be sent first in a resume, it goes on its way instead.
async fn hand_over(shared: &Shared, job: Job) -> Option<Job> {
    let reason = Reason {
        stage: Stage::Delivery,
        status: None,
        code: Some(access::NO_ANSWER.to_owned()),
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
    shared.journal.commit(&shared.book, vec![Write::Settle(Box::new(settled))]).await;
    None
}
