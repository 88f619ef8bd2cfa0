//! Putting records into items: what will be one call, and what is refused before it.
//!
//! A pure step between reading and sending, so that `check` foretells exactly what a run does.

use std::sync::Arc;

use bytes::Bytes;

use crate::dataset::{self, Entry, Limits, map::Mapping};
use crate::model::{Position, Reason, Stage};
use crate::operation::{Admitted, Grouping, Operation};

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

/// A record that the local check refused.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) position: Position,
    pub(super) reason: Reason,
    /// What there is of it; nothing where it is too large to be kept.
    pub(super) record: Option<Bytes>,
    /// What a person knows it by.
    pub(super) name: Option<String>,
}

impl Refused {
    /// Bytes that it takes in memory, and in the journal.
    fn weight(&self) -> u64 {
        let record = self.record.as_ref().map_or(0, Bytes::len);
        let violations: usize = self.reason.violations.iter().map(|one| one.reason.len() + 64).sum();
        (record + self.reason.message.len() + violations) as u64
    }
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

/// Checks records and puts them together.
pub(super) struct Grouper {
    operation: Arc<dyn Operation>,
    mapping: Option<Arc<Mapping>>,
    grouping: Grouping,
    /// Records that are planned together where each is an item.
    together: usize,
    /// Bytes that a chunk may hold now: the plan's limit, or what a 413 has taught.
    limit: u64,
    batch: Batch,
}

impl Grouper {
    /// For items of one record, each planned alone, and chunks of any size, until it is told otherwise.
    pub(super) fn new(operation: &Arc<dyn Operation>, mapping: Option<&Arc<Mapping>>) -> Self {
        Self {
            operation: Arc::clone(operation),
            mapping: mapping.map(Arc::clone),
            grouping: operation.grouping(),
            together: 1,
            limit: u64::MAX,
            batch: Batch::default(),
        }
    }

    /// Checks what a dataset holds.
    pub(super) fn check(&self, position: Position, entry: Entry) -> Result<Admitted, Box<Refused>> {
        match entry {
            Entry::Record(record) => self.check_raw(position, &record.bytes),
            // of what cannot be read whole, only how it begins is known: that is no record to keep
            Entry::Unusable(bad) => Err(self.refuse(position, refusal(bad.code, bad.reason), None)),
        }
    }

    /// Takes what a dataset holds of an item that was planned before. A record of a chunk was checked then, and its body
    /// and key were made of it: what the schema says by now changes neither.
    pub(super) fn check_again(&self, position: Position, entry: Entry) -> Result<Admitted, Box<Refused>> {
        match (self.grouping, entry) {
            (Grouping::Chunks { .. }, Entry::Record(record)) => {
                self.mapped(position, &record.bytes).map(Admitted::plain)
            }
            (_, entry) => self.check(position, entry),
        }
    }

    /// Checks a record as it stands in its dataset.
    pub(super) fn check_raw(&self, position: Position, record: &Bytes) -> Result<Admitted, Box<Refused>> {
        self.check_mapped(position, &self.mapped(position, record)?)
    }

    fn mapped(&self, position: Position, record: &Bytes) -> Result<Bytes, Box<Refused>> {
        match self.mapping.as_ref().map(|mapping| mapping.apply(record, self.most())) {
            None => Ok(record.clone()),
            Some(Ok(mapped)) => Ok(mapped),
            Some(Err(violations)) => {
                let message = violations.iter().map(|one| one.reason.as_str()).collect::<Vec<_>>().join("; ");
                let reason = Reason { violations, ..refusal(UNMAPPABLE, message) };
                Err(self.refuse(position, reason, Some(record)))
            }
        }
    }

    /// Checks a record as it stands after `map`, or after an edit: what a dataset may not hold is not sent either.
    pub(super) fn check_mapped(&self, position: Position, record: &Bytes) -> Result<Admitted, Box<Refused>> {
        let (bytes, most) = (record.len() as u64, self.most() as u64);
        let too_large = match self.grouping {
            Grouping::Single => {
                (bytes > most).then(|| format!("the record has {bytes} bytes, and {most} is the most"))
            }
            Grouping::Chunks { frame, .. } => (bytes + frame > most).then(|| {
                let whole = bytes + frame;
                format!("the record alone makes a call of {whole} bytes, and one may have {most}")
            }),
        };
        if let Some(message) = too_large {
            return Err(self.refuse(position, refusal(dataset::TOO_LARGE, message), None));
        }
        if record.trim_ascii_start().first() != Some(&b'{') {
            let reason = refusal(dataset::NOT_AN_OBJECT, dataset::not_an_object(record));
            return Err(self.refuse(position, reason, Some(record)));
        }
        let admitted = self.operation.admit(record.clone());
        admitted.map_err(|reason| self.refuse(position, *reason, Some(record)))
    }

    /// Bytes that a record may have.
    pub(super) fn most(&self) -> usize {
        match self.grouping {
            Grouping::Single => Limits::default().record_bytes,
            Grouping::Chunks { bytes, .. } => usize::try_from(bytes).unwrap_or(usize::MAX),
        }
    }

    /// A copy of the record is kept: a slice would keep a reader's whole buffer alive.
    pub(super) fn refuse(&self, position: Position, reason: Reason, record: Option<&Bytes>) -> Box<Refused> {
        let name = record.and_then(|record| self.operation.name(record));
        Box::new(Refused {
            position,
            reason,
            record: record.map(|record| Bytes::copy_from_slice(record)),
            name,
        })
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
    pub(super) fn push(&mut self, position: Position, entry: Entry) -> Option<Batch> {
        match self.check(position, entry) {
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

/// The code of a record that `map` could not make a new one of; it is kept as it stands in the dataset.
pub(super) const UNMAPPABLE: &str = "record.unmappable";

/// Bytes of records that gather, beside a chunk that alone may have more.
const MOST_BYTES: u64 = 4_000_000;

/// Refused records that gather beside a chunk before it is closed for their sake.
const MOST_REFUSED: usize = 500;

pub(super) fn refusal(code: &str, message: String) -> Reason {
    Reason {
        stage: Stage::Validation,
        status: None,
        code: Some(code.to_owned()),
        message,
        violations: Vec::new(),
    }
}
