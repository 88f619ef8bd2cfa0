//! Taking an item apart: what stands in the place of one that is too large, or that was refused.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::carry::Shared;
use super::job::{Job, Sent};
use crate::journal::{Extent, Origin, Write};
use crate::model::Position;
use crate::operation::{Admitted, Draft, Item};

impl Shared {
    /// Puts others in the place of an item that is too large: after a 413 two halves, else as many as it takes.
    pub(super) async fn split(&self, job: Job) {
        let refused = job.sent == Sent::Maybe;
        let size = job.item.body.len() as u64;
        if refused {
            let mut state = self.state();
            state.smallest_refused = Some(state.smallest_refused.map_or(size, |known| known.min(size)));
            if state.largest_accepted.is_some_and(|accepted| accepted >= size) {
                state.largest_accepted = None;
            }
            state.limit_news = true;
        }
        let records = job.item.records();
        let sizes = if refused { halves(&records) } else { pieces(&records, size, self.byte_limit()) };
        let mut next = 0;
        let groups: Vec<Vec<usize>> = sizes
            .into_iter()
            .map(|count| {
                next += count;
                (next - count..next).collect()
            })
            .collect();
        let mut parts = self.parts(&job, &groups);
        if refused {
            // each half is sent: only its own answer tells whether it is too large
            for part in &mut parts {
                part.job.sent = Sent::Maybe;
            }
        }
        let more = self.size_news().into_iter().collect();
        self.put_in_place(job, parts, more).await;
    }

    /// What an item's records make, put together anew: each group holds places within the item, in order.
    pub(super) fn parts(&self, job: &Job, groups: &[Vec<usize>]) -> Vec<Part> {
        let records = job.item.records();
        let positions = positions(&job.item);
        let first_seq = self.next_seq.fetch_add(groups.len() as u64, Ordering::Relaxed);
        let mut parts = Vec::with_capacity(groups.len());
        for (seq, group) in (first_seq..).zip(groups) {
            let held: Vec<Position> =
                group.iter().filter_map(|place| positions.get(*place).copied()).collect();
            let (Some(first), Some(last)) = (held.first().copied(), held.last().copied()) else { continue };
            let extent = Extent {
                dataset: job.item.extent.dataset,
                first,
                span: last + 1 - first,
                count: held.len() as u64,
            };
            let holes = (first..last).filter(|at| held.binary_search(at).is_err()).collect();
            let records =
                group.iter().filter_map(|place| records.get(*place).cloned()).map(Admitted::plain).collect();
            let correlation_id = Arc::clone(&job.item.correlation_id);
            let draft = Draft { seq, extent, records, correlation_id, holes };
            let mut part = Job::new(self.operation.build(self.run, draft), job.lot);
            // what was one item goes one after the other
            part.item.chain = job.item.chain;
            part.unsure = job.unsure;
            part.earlier = job.earlier;
            part.origin = job.origin;
            part.failed_before.clone_from(&job.failed_before);
            part.family.clone_from(&job.family);
            part.act.clone_from(&job.act);
            let kept = (job.origin == Origin::Failure).then(|| part.item.content());
            parts.push(Part { job: part, kept });
        }
        parts
    }

    /// Writes down what stands in an item's place, and hands on what of it is to be sent.
    pub(super) async fn put_apart(&self, job: Job, ended: Vec<Part>, going: Vec<Part>, more: Vec<Write>) {
        let parts = ended.iter().chain(&going);
        let parts = parts.map(|part| (part.job.item.seq, part.job.item.extent, part.kept.clone())).collect();
        let split = Write::Split {
            seq: job.item.seq,
            extent: job.item.extent,
            parts,
            unsure: job.unsure,
            was: job.origin,
        };
        let mut writes = vec![split];
        writes.extend(more);
        self.journal.commit(&self.book, writes).await;
        self.schedule.replace(job.item.chain, going.into_iter().map(|part| part.job).collect());
        self.settled_one();
    }
}

/// What stands in the place of another item.
pub(super) struct Part {
    pub(super) job: Job,
    /// What is kept of it with the failure that it was.
    kept: Option<bytes::Bytes>,
}

/// The positions of an item's records: they go up one by one, but for the holes.
fn positions(item: &Item) -> Vec<Position> {
    let extent = item.extent;
    (extent.first..extent.first + extent.span).filter(|at| !item.holes.contains(at)).collect()
}

/// Two halves by bytes, or by count where one record is most of it.
fn halves(records: &[bytes::Bytes]) -> Vec<usize> {
    let all: usize = records.iter().map(bytes::Bytes::len).sum();
    let mut held = 0;
    let mut first = 0;
    for record in records {
        if first > 0 && held + record.len() / 2 > all / 2 {
            break;
        }
        held += record.len();
        first += 1;
    }
    let first = first.clamp(1, records.len().saturating_sub(1).max(1));
    vec![first, records.len() - first]
}

/// As many pieces as keep each under the limit, in order; a record alone may be over it.
fn pieces(records: &[bytes::Bytes], size: u64, limit: u64) -> Vec<usize> {
    let content: u64 = records.iter().map(|record| record.len() as u64 + 1).sum();
    let frame = size.saturating_sub(content) + 1;
    let mut sizes = Vec::new();
    let mut count = 0;
    let mut bytes = frame;
    for record in records {
        let more = record.len() as u64 + 1;
        if count > 0 && bytes + more > limit {
            sizes.push(count);
            count = 0;
            bytes = frame;
        }
        count += 1;
        bytes += more;
    }
    sizes.push(count);
    sizes
}
