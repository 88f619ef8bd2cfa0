//! Putting records into items: what will be one call, and what is refused before it.
//!
//! A pure step between reading and sending, so that `check` foretells exactly what a run does.

use super::gate::{Checked, Refused};
use crate::model::Position;
use crate::operation::{Admitted, Grouping};

/// Records that are planned together: one chunk, or several items of one record each; and the records among them that
/// the local check refused, which are items of their own.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) records: Vec<(Position, Admitted)>,
    pub(super) refused: Vec<Refused>,
    /// Bytes of the records.
    pub(super) bytes: u64,
    /// Bytes that are kept of those that were refused.
    pub(super) kept: u64,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.refused.is_empty()
    }

    /// Its first and last position.
    pub(super) fn range(&self) -> Option<(Position, Position)> {
        let positions =
            || self.records.iter().map(|(at, _)| *at).chain(self.refused.iter().map(|one| one.position));
        Some((positions().min()?, positions().max()?))
    }
}

/// Puts records together.
pub(super) struct Grouper {
    grouping: Grouping,
    /// Records that are planned together where each is an item.
    together: usize,
    /// Bytes that a chunk may hold now: the plan's limit, or what a 413 has taught.
    limit: u64,
    batch: Batch,
}

impl Grouper {
    /// For items of one record, each planned alone, and chunks of any size, until it is told otherwise.
    pub(super) fn new(grouping: Grouping) -> Self {
        Self { grouping, together: 1, limit: u64::MAX, batch: Batch::default() }
    }

    /// From now on so many are planned together where each is an item.
    pub(super) fn put_together(&mut self, records: usize) {
        self.together = records.max(1);
    }

    /// From now on a chunk holds so many bytes at most.
    pub(super) fn limit_to(&mut self, bytes: u64) {
        self.limit = bytes;
    }

    /// Takes one record in; returns a batch that is complete without it.
    pub(super) fn push(&mut self, position: Position, checked: Checked) -> Option<Batch> {
        match checked {
            Ok(admitted) => {
                let bytes = admitted.record.len() as u64 + 1;
                let full = match self.grouping {
                    Grouping::Single => self.len() >= self.together || self.is_heavy(bytes),
                    Grouping::Chunks { records, frame, .. } => {
                        let held = self.batch.records.len() as u64;
                        held >= records
                            || (held > 0 && (self.batch.bytes + bytes + frame).saturating_sub(1) > self.limit)
                    }
                };
                let complete = full.then(|| std::mem::take(&mut self.batch));
                self.batch.bytes += bytes;
                self.batch.records.push((position, admitted));
                complete
            }
            Err(refused) => {
                let bytes = refused.weight();
                let full = self.len() >= self.together.max(MOST_REFUSED) || self.is_heavy(bytes);
                let complete = full.then(|| std::mem::take(&mut self.batch));
                self.batch.kept += bytes;
                self.batch.refused.push(*refused);
                complete
            }
        }
    }

    /// What is left at the end of a dataset.
    pub(super) fn finish(&mut self) -> Option<Batch> {
        let last = std::mem::take(&mut self.batch);
        (!last.is_empty()).then_some(last)
    }

    /// Whether what is held together is enough memory without so many bytes more.
    fn is_heavy(&self, more: u64) -> bool {
        !self.batch.is_empty() && self.batch.bytes + self.batch.kept + more > MOST_BYTES
    }

    fn len(&self) -> usize {
        match self.grouping {
            Grouping::Single => self.batch.records.len() + self.batch.refused.len(),
            Grouping::Chunks { .. } => self.batch.refused.len(),
        }
    }
}

/// Bytes of records that gather, beside a chunk that alone may have more.
const MOST_BYTES: u64 = 4_000_000;

/// Refused records that gather beside a chunk before it is closed for their sake.
const MOST_REFUSED: usize = 500;
