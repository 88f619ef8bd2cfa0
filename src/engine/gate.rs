//! What a record must be to be sent: the check of it, as it stands in its dataset, after `map`, or after an edit.
//!
//! It asks nobody and keeps nothing, so several records can be checked at once, in any order.

mod handfuls;

use std::sync::Arc;

use bytes::Bytes;

use crate::dataset::{self, Entry, Limits, map::Mapping};
use crate::model::{Place, Position, Reason, Stage, Violation};
use crate::operation::{Admitted, Grouping, Operation};

pub(super) use handfuls::{Handfuls, Passed};

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
    pub(super) fn weight(&self) -> u64 {
        let record = self.record.as_ref().map_or(0, Bytes::len);
        let weight = |one: &Violation| {
            let place = match &one.place {
                Place::Pointer(pointer) => pointer.len(),
                Place::Row(_) => 0,
            };
            place + one.reason.len() + 64
        };
        let violations: usize = self.reason.violations.iter().map(weight).sum();
        (record + self.reason.message.len() + violations) as u64
    }
}

/// What a record becomes.
pub(super) type Checked = Result<Admitted, Box<Refused>>;

/// Checks records.
#[derive(Clone)]
pub(super) struct Gate {
    operation: Arc<dyn Operation>,
    mapping: Option<Arc<Mapping>>,
    grouping: Grouping,
}

impl Gate {
    pub(super) fn new(operation: &Arc<dyn Operation>, mapping: Option<&Arc<Mapping>>) -> Self {
        Self {
            operation: Arc::clone(operation),
            mapping: mapping.map(Arc::clone),
            grouping: operation.grouping(),
        }
    }

    /// Whether a check takes longer than handing the record to another core.
    fn takes_long(&self) -> bool {
        self.mapping.is_some() || self.operation.looks_into_records()
    }

    /// Checks what a dataset holds.
    pub(super) fn check(&self, position: Position, entry: Entry) -> Checked {
        match entry {
            Entry::Record(record) => self.check_raw(position, &record.bytes),
            Entry::Unusable(bad) => {
                Err(self.refuse(position, refusal(bad.code, bad.reason), bad.content.as_ref()))
            }
        }
    }

    /// Takes what a dataset holds of an item that was planned before. A record of a chunk was checked then, and its body
    /// and key were made of it: what the schema says by now changes neither.
    pub(super) fn check_again(&self, position: Position, entry: Entry) -> Checked {
        match (self.grouping, entry) {
            (Grouping::Chunks { .. }, Entry::Record(record)) => {
                self.mapped(position, &record.bytes).map(Admitted::plain)
            }
            (_, entry) => self.check(position, entry),
        }
    }

    /// Checks a record as it stands in its dataset.
    pub(super) fn check_raw(&self, position: Position, record: &Bytes) -> Checked {
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
    pub(super) fn check_mapped(&self, position: Position, record: &Bytes) -> Checked {
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
}

/// The code of a record that `map` could not make a new one of; it is kept as it stands in the dataset.
pub(super) const UNMAPPABLE: &str = "record.unmappable";

pub(super) fn refusal(code: &str, message: String) -> Reason {
    Reason {
        stage: Stage::Validation,
        status: None,
        code: Some(code.to_owned()),
        message,
        violations: Vec::new(),
    }
}
