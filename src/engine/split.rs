//! Items that are too large for the platform: what stands in their place.

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
        let first_seq = self.next_seq.fetch_add(sizes.len() as u64, Ordering::Relaxed);
        let mut places = Places::of(&job.item);
        let mut rest = records.into_iter();
        let mut parts = Vec::with_capacity(sizes.len());
        let mut jobs = Vec::with_capacity(sizes.len());
        for (seq, count) in (first_seq..).zip(sizes) {
            let (extent, holes) = places.next(count as u64);
            let records =
                rest.by_ref().take(count).map(|record| Admitted { record, body: None, name: None }).collect();
            let correlation_id = Arc::clone(&job.item.correlation_id);
            let draft = Draft { seq, extent, records, correlation_id, holes };
            let mut part = Job::new(self.operation.build(self.run, draft), job.lot);
            part.unsure = job.unsure;
            part.earlier = job.earlier;
            part.origin = job.origin;
            part.failed_before.clone_from(&job.failed_before);
            let kept = (job.origin == Origin::Failure).then(|| part.item.record.clone());
            parts.push((seq, extent, kept));
            jobs.push(part);
        }
        let mut writes = vec![Write::Split {
            seq: job.item.seq,
            extent: job.item.extent,
            parts,
            unsure: job.unsure,
            was: job.origin,
        }];
        writes.extend(self.size_news());
        self.journal.commit(&self.book, writes).await;
        self.schedule.replace(job.item.chain, jobs);
    }
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

/// Where the parts of an item stand: positions go up one by one, but for the holes.
struct Places<'a> {
    dataset: u32,
    next: Position,
    holes: &'a [Position],
}

impl<'a> Places<'a> {
    fn of(item: &'a Item) -> Self {
        Self { dataset: item.extent.dataset, next: item.extent.first, holes: &item.holes }
    }

    fn next(&mut self, count: u64) -> (Extent, Vec<Position>) {
        let mut held = 0;
        let mut first = None;
        let mut last = self.next;
        let mut holes = Vec::new();
        while held < count {
            if self.holes.contains(&self.next) {
                holes.push(self.next);
            } else {
                first.get_or_insert(self.next);
                last = self.next;
                held += 1;
            }
            self.next += 1;
        }
        let first = first.unwrap_or(last);
        holes.retain(|hole| *hole > first);
        (Extent { dataset: self.dataset, first, span: last + 1 - first, count }, holes)
    }
}
