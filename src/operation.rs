//! What each operation sends, and what an accepted call means for its item.
//!
//! An operation says which records it takes, how they are put into items, and which call comes next for an item. It
//! makes no call itself, and knows nothing of retries, rates, workers or screens: whatever is not an accepted answer is
//! decided by the one table in [`pacing`](crate::pacing).

mod ingest;
mod outcomes;

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::journal::Extent;
use crate::model::{Position, Reason, RunId, Seq, Stage, Violation};
use crate::pacing::CallKind;
use crate::plan;
use crate::platform::{Answer, Request};

pub use ingest::Ingest;
pub use outcomes::Outcomes;

/// How records become items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// Each record is an item; several items are planned together.
    Single,
    /// Several records are one item, up to either limit.
    Chunks {
        /// The most records.
        records: u64,
        /// The most bytes of the whole body.
        bytes: u64,
        /// Bytes of a body beside its records and the commas between them.
        frame: u64,
    },
}

/// A record that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The record, as it stands after `map`.
    pub record: Bytes,
    /// The body of its call, where that is not the record itself.
    pub body: Option<Bytes>,
    /// What a person knows it by, where that is not its place in the file.
    pub name: Option<String>,
}

/// What an item is to be made of.
#[derive(Debug)]
pub struct Draft {
    /// The item.
    pub seq: Seq,
    /// Which records it holds.
    pub extent: Extent,
    /// They themselves: exactly one where items are single.
    pub records: Vec<Admitted>,
    /// The correlation id of their dataset.
    pub correlation_id: Arc<str>,
    /// Positions between the first and the last record that it does not hold.
    pub holes: Vec<Position>,
}

/// What one call, or a few in a row, deliver.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its number.
    pub seq: Seq,
    /// Which records it holds.
    pub extent: Extent,
    /// The body of its sending call.
    pub body: Bytes,
    /// The record, or the array of them: what is kept with a failure.
    pub record: Bytes,
    /// Where each record ends within `record`, where there are several in an array.
    pub ends: Vec<u32>,
    /// The `Idempotency-Key`: the same through retries, resumes and machines.
    pub key: String,
    /// The correlation id of its dataset.
    pub correlation_id: Arc<str>,
    /// What a person knows it by, where that is not its place in the file.
    pub name: Option<String>,
    /// Items of one chain go one after the other.
    pub chain: u64,
    /// Positions between the first and the last record that it does not hold.
    pub holes: Vec<Position>,
}

impl Item {
    /// The records of an item that holds an array of them. They share the item's memory.
    #[must_use]
    pub fn records(&self) -> Vec<Bytes> {
        let mut begin = 1_usize;
        let mut records = Vec::with_capacity(self.ends.len());
        for end in &self.ends {
            let end = *end as usize;
            records.push(self.record.slice(begin.min(end)..end));
            begin = end + 1;
        }
        records
    }
}

/// What an item needs next.
#[derive(Debug)]
pub enum Step {
    /// This call.
    Call(Call),
    /// Nothing: the last answer has delivered it.
    Delivered,
}

/// One call of an item.
#[derive(Debug)]
pub struct Call {
    /// What goes out.
    pub request: Request,
    /// Where the item failed, if this is refused.
    pub stage: Stage,
    /// Whether it changes something on the platform.
    pub kind: CallKind,
}

/// A look at the platform before the first item.
#[derive(Debug)]
pub struct Preflight {
    /// The call.
    pub request: Request,
    /// What it is for, as an object of a sentence: *the outcome hierarchy*.
    pub what: &'static str,
}

/// The trait that all operations share.
pub trait Operation: Send + Sync {
    /// How records become items.
    fn grouping(&self) -> Grouping;

    /// The scopes that a token must have, where its answer tells them.
    fn scopes(&self) -> &'static [&'static str];

    /// The look at the platform that comes before the first item.
    fn preflight(&self) -> Option<Preflight> {
        None
    }

    /// Takes in the preflight's answer.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for a person to read.
    fn learn(&self, _answer: &Answer) -> Result<(), String> {
        Ok(())
    }

    /// The columns that a CSV must have, where there is no `map`: one of each group.
    fn columns(&self) -> Vec<Vec<String>> {
        Vec::new()
    }

    /// Whether a record may be sent, and how.
    ///
    /// # Errors
    ///
    /// Why it is invalid.
    fn admit(&self, record: Bytes) -> Result<Admitted, Box<Reason>>;

    /// What a person knows a record by that is refused, where that is not its place in the file.
    fn name(&self, _record: &[u8]) -> Option<String> {
        None
    }

    /// Makes an item. The same draft makes the same item, byte for byte, for ever.
    fn build(&self, run: RunId, draft: Draft) -> Item;

    /// Calls that an item takes, if none has to be made again.
    fn calls(&self) -> u64 {
        1
    }

    /// What the item needs next: first with no call behind it, then after each that was accepted, with its stage.
    fn next(&self, item: &Item, passed: Option<Stage>) -> Step;
}

/// The operation that a plan asks for.
#[must_use]
pub fn of(plan: &plan::Plan) -> Arc<dyn Operation> {
    match &plan.operation {
        plan::Operation::Ingest(settings) => Arc::new(Ingest::new(settings.clone(), plan.delivery.timeout)),
        plan::Operation::Outcomes(settings) => {
            Arc::new(Outcomes::new(settings.clone(), plan.delivery.timeout))
        }
    }
}

/// Why the local check refuses a record.
fn invalid(code: &str, message: String, violations: Vec<Violation>) -> Reason {
    Reason { stage: Stage::Validation, status: None, code: Some(code.to_owned()), message, violations }
}

/// Lower-case hex SHA-256 of a run, places in it, and a body: the key of an item that has none of its own.
fn key_of(run: RunId, places: &[&str], body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(run.to_string());
    for place in places {
        hash.update(b":");
        hash.update(place);
    }
    hash.update(b":");
    hash.update(body);
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // writing to a String cannot fail
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The record's place for a key.
fn place(position: Position) -> String {
    position.to_string()
}
