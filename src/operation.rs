//! What each operation sends, and what an accepted call means for its item.
//!
//! An operation says which records it takes, how they are put into items, and which call comes next for an item. It
//! makes no call itself, and knows nothing of retries, rates, workers or screens: whatever is not an accepted answer is
//! decided by the one table in [`pacing`](crate::pacing).

mod exchange;
mod execute;
mod import;
mod ingest;
mod outcomes;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::dataset::schema::SchemaError;
use crate::journal::Extent;
use crate::model::{OperationKind, Position, Reason, RunId, Seq, Stage, Violation};
use crate::pacing::{BatchKind, CallKind, Unreachable};
use crate::plan;
use crate::platform::{Answer, Request};

pub use exchange::Exchange;
pub use execute::Execute;
pub use import::Import;
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
    /// The text that its key is made of, where that is not the body.
    pub identity: Option<Bytes>,
}

impl Admitted {
    /// A record that is sent as it stands.
    #[must_use]
    pub const fn plain(record: Bytes) -> Self {
        Self { record, body: None, name: None, identity: None }
    }
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

    /// What is kept with a failure: the record, or the array of several.
    #[must_use]
    pub fn content(&self) -> Bytes {
        match self.ends.as_slice() {
            [end] => self.record.slice(1.min(*end as usize)..*end as usize),
            _ => self.record.clone(),
        }
    }
}

/// How far an item has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The last call that was accepted.
    pub passed: Option<Stage>,
    /// The id of the remote job that it started; the journal has it.
    pub remote_id: Option<String>,
    /// How often that job was looked at without being at its end, since this process watches it.
    pub looks: u32,
    /// How long it was watched, since this process does so.
    pub watched: Duration,
    /// Whether the job has said *failed* and not why.
    pub unexplained: bool,
    /// Percent, as the platform tells it.
    pub percent: Option<u8>,
}

/// What an item needs next.
#[derive(Debug)]
pub enum Step {
    /// This call.
    Call(Call),
    /// To have this remote id written down, and nothing more for so long.
    Keep(String, Duration),
    /// Nothing for so long.
    Wait(Duration),
    /// The document at this URL, kept as a file: its result.
    Fetch(String),
    /// Nothing: it is delivered.
    Delivered(Delivered),
    /// Nothing: it has failed, though every call was accepted.
    Failed(Box<Reason>),
}

/// What an item that is delivered has brought.
#[derive(Debug, Default)]
pub struct Delivered {
    /// What is kept of it, where that is not the last answer's body.
    pub answer: Option<Bytes>,
    /// Rows that its result refuses.
    pub rows: Vec<Reason>,
}

/// One call of an item.
#[derive(Debug)]
pub struct Call {
    /// What goes out.
    pub request: Request,
    /// What it means to the item.
    pub terms: Terms,
}

/// What a call means to its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Where the item failed, if this is refused.
    pub stage: Stage,
    /// Whether it changes something on the platform.
    pub kind: CallKind,
    /// What is borne of it.
    pub patience: Patience,
}

impl Terms {
    /// Of a call that sends the item.
    pub const SENDS: Self =
        Self { stage: Stage::Delivery, kind: CallKind::Sending, patience: Patience::PLAN };

    /// Of getting a result that a remote job has left.
    pub const FETCHES: Self = Self {
        stage: Stage::Result,
        kind: CallKind::Reading,
        // it may lie on another host than the platform's
        patience: Patience { unreachable: Unreachable::Fails, ..Patience::PLAN },
    };
}

/// What is borne of a call that meets trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Attempts in a row, where that is not the plan's number.
    pub attempts: Option<u32>,
    /// The shortest wait between them.
    pub no_sooner: Duration,
    /// Whose trouble it is when there is no connection at the last.
    pub unreachable: Unreachable,
}

impl Patience {
    /// As much as the plan says.
    pub const PLAN: Self =
        Self { attempts: None, no_sooner: Duration::ZERO, unreachable: Unreachable::Faults };
}

/// How an item's key is guarded while it is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// How long a lock outlives the process that holds it.
    pub lease: Duration,
    /// How long a result stands for its execution.
    pub result_ttl: Duration,
    /// Where the calls go, if that is not the operation's own path: what was executed there was not executed here.
    pub elsewhere: Option<String>,
}

impl Guard {
    /// What an item's key is called in the store.
    #[must_use]
    pub fn name<'k>(&self, key: &'k str) -> Cow<'k, str> {
        match &self.elsewhere {
            Some(path) => Cow::Owned(format!("{key} {path}")),
            None => Cow::Borrowed(key),
        }
    }
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

    /// Which one it is.
    fn kind(&self) -> OperationKind;

    /// The look at the platform that comes before the first item.
    fn preflight(&self) -> Option<Preflight> {
        None
    }

    /// Takes in the body of the preflight's answer.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for a person to read.
    fn learn(&self, _answer: &[u8]) -> Result<(), String> {
        Ok(())
    }

    /// The categories that were learnt, each with what stands under it, as the platform has them.
    fn categories(&self) -> Vec<(String, Vec<String>)> {
        Vec::new()
    }

    /// The columns that a CSV must have, where there is no `map`: one of each group.
    fn columns(&self) -> Vec<Vec<String>> {
        Vec::new()
    }

    /// Whether [`admit`](Self::admit) reads a record, which takes longer than handing it to another core.
    fn looks_into_records(&self) -> bool {
        true
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

    /// Whether the items of a dataset go strictly one after the other.
    fn keeps_order(&self) -> bool {
        false
    }

    /// Whether an item may have to wait until another one is settled.
    fn waits_for_others(&self) -> bool {
        self.keeps_order()
    }

    /// Whether an item that is refused can be taken apart.
    fn batch(&self) -> BatchKind {
        BatchKind::Single
    }

    /// How keys are guarded, where results are stored and calls spared.
    fn guard(&self) -> Option<Guard> {
        None
    }

    /// The most items that may be begun and not be settled, where that is not the workers' number.
    fn most_open(&self) -> Option<u32> {
        None
    }

    /// Calls that an item takes, if none has to be made again.
    fn calls(&self) -> u64 {
        1
    }

    /// What the item needs next: first with no answer, then after each call that was accepted, with its answer; again
    /// with none after a wait.
    fn next(&self, item: &Item, progress: &mut Progress, answer: Option<&Answer>) -> Step;

    /// Reads a result that was fetched: hands on the rows that it refuses, one by one, and returns what is kept of it.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    fn read_result(&self, _file: &Path, _row: &mut dyn FnMut(Reason)) -> std::io::Result<Bytes> {
        Ok(Bytes::new())
    }
}

/// The operation that a plan asks for.
///
/// # Errors
///
/// A schema that it names cannot be used.
pub fn of(plan: &plan::Plan) -> Result<Arc<dyn Operation>, SchemaError> {
    let timeout = plan.delivery.timeout;
    Ok(match &plan.operation {
        plan::Operation::Ingest(settings) => Arc::new(Ingest::new(settings.clone(), timeout)),
        plan::Operation::Execute(settings) => Arc::new(Execute::new(settings.clone(), timeout)),
        plan::Operation::Exchange(settings) => Arc::new(Exchange::new(settings.clone(), timeout)?),
        plan::Operation::Import(settings) => Arc::new(Import::new(settings.clone(), timeout)),
        plan::Operation::Outcomes(settings) => Arc::new(Outcomes::new(settings.clone(), timeout)),
    })
}

/// Everything but RFC 3986's unreserved characters is encoded: an id is one path segment, whatever stands in it.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An id as one segment of a URL's path.
fn segment(id: &str) -> String {
    utf8_percent_encode(id, SEGMENT).to_string()
}

/// The records as a JSON array, each byte for byte, with the place within it at which each ends.
fn array(records: &[Admitted], into: &mut BytesMut) -> Vec<u32> {
    let begin = into.len();
    into.extend_from_slice(b"[");
    let mut ends = Vec::with_capacity(records.len());
    for (number, one) in records.iter().enumerate() {
        if number > 0 {
            into.extend_from_slice(b",");
        }
        into.extend_from_slice(&one.record);
        // a body is held to far less than 4 GiB by the plan's chunk_bytes
        ends.push(u32::try_from(into.len() - begin).unwrap_or(u32::MAX));
    }
    into.extend_from_slice(b"]");
    ends
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
    hex(hash)
}

fn hex(hash: Sha256) -> String {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    let mut digits = [0; 64];
    for ([high, low], byte) in digits.as_chunks_mut().0.iter_mut().zip(hash.finalize()) {
        (*high, *low) = (digit(byte >> 4), digit(byte & 0xf));
    }
    String::from_utf8_lossy(&digits).into_owned()
}

/// The record's place for a key.
fn place(position: Position) -> String {
    position.to_string()
}
