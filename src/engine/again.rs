//! Failures that a person sends again: from the journal's rows to items that are ready.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::act::{self, Act};
use super::carry::{Shared, instant_of};
use super::faults;
use super::feeder::{Before, watch_again};
use super::gate::{Gate, Refused, UNMAPPABLE, refusal};
use super::job::{Job, Sent};
use super::schedule::Ahead;
use super::supervisor::Readers;
use crate::dataset;
use crate::journal::{JournalError, Origin, Reader, RetryItem, RunRow, Write};
use crate::machine;
use crate::model::{Fault, Place, Position, Reason, Seq, Violation};
use crate::operation::{Admitted, Draft};
use crate::pacing::Certainty;

/// The lot of failures that are sent again; datasets count from 0.
const RETRIES: u32 = u32::MAX;

/// Takes failures up, to be sent again.
pub(super) fn take_up(shared: &Arc<Shared>, items: Vec<Seq>, by: String, readers: &mut Readers) {
    readers.spawn(send_all_again(Arc::clone(shared), items, by));
}

async fn send_all_again(shared: Arc<Shared>, items: Vec<Seq>, by: String) -> Result<(), Fault> {
    if shared.schedule.is_closed() {
        return Ok(());
    }
    let taken = Arc::new(Mutex::new(Vec::new()));
    let take = Write::TakeUp { items, by: by.clone(), taken: Arc::clone(&taken) };
    shared.journal.commit(&shared.book, vec![take]).await;
    let taken = std::mem::take(&mut *taken.lock().unwrap_or_else(PoisonError::into_inner));
    if taken.is_empty() {
        let nothing = act::nothing_sent("none of these failures is open any more");
        shared.journal.commit(&shared.book, vec![nothing]).await;
        return Ok(());
    }
    let act = shared.begin_act(by, taken.len() as u64);
    let mut found = Rows::open(&shared, taken).await?;
    while let Some((seq, item)) = found.next().await? {
        let goes_on = match item {
            _ if act.is_stopped() => {
                as_before(&shared, &act, vec![seq]).await;
                break;
            }
            Some(item) => send_again(&shared, item, &act).await,
            None => {
                as_before(&shared, &act, vec![seq]).await;
                true
            }
        };
        if !goes_on {
            // the end of the carrying-out puts back what is left
            return Ok(());
        }
    }
    as_before(&shared, &act, found.left.collect()).await;
    Ok(())
}

/// The journal's rows of failures, one after the other.
struct Rows {
    at: Option<(Reader, RunRow)>,
    left: std::vec::IntoIter<Seq>,
}

impl Rows {
    async fn open(shared: &Arc<Shared>, items: Vec<Seq>) -> Result<Self, Fault> {
        let (journal, run) = (shared.journal.clone(), shared.run.to_string());
        let opened = machine::off_thread(move || {
            let reader = journal.reader()?;
            let run = reader.run(&run)?;
            Ok::<_, JournalError>((reader, run))
        });
        let at = opened.await.map_err(|error| broken(&error))?.map_err(|error| broken(&error))?;
        Ok(Self { at: Some(at), left: items.into_iter() })
    }

    /// The next, and what is kept of it.
    async fn next(&mut self) -> Result<Option<(Seq, Option<RetryItem>)>, Fault> {
        let Some(seq) = self.left.next() else { return Ok(None) };
        let Some((reader, run)) = self.at.take() else { return Ok(None) };
        let read = machine::off_thread(move || {
            let item = reader.retry_item(&run, seq);
            (item, (reader, run))
        });
        let (item, at) = read.await.map_err(|error| broken(&error))?;
        self.at = Some(at);
        Ok(Some((seq, item.map_err(|error| broken(&error))?)))
    }
}

fn broken(error: &dyn std::fmt::Display) -> Fault {
    faults::data_folder(&error.to_string())
}

/// What an act that has stopped has not sent is a failure again.
async fn as_before(shared: &Shared, act: &Arc<Act>, items: Vec<Seq>) {
    if items.is_empty() {
        return;
    }
    let count = items.len() as u64;
    let mut writes = vec![Write::GiveBack(items)];
    writes.extend(shared.act_goes_on(Some(act), count, act::Fate::AsBefore));
    shared.journal.commit(&shared.book, writes).await;
}

/// Hands one failure on. Returns whether there is anything to go on for.
async fn send_again(shared: &Arc<Shared>, item: RetryItem, act: &Arc<Act>) -> bool {
    if shared.schedule.is_closed() {
        return false;
    }
    let Some(record) = item.record.map(Bytes::from) else {
        as_before(shared, act, vec![item.seq]).await;
        return true;
    };
    if is_ragged_still(item.last.1.as_deref(), &record) {
        // the list of its fields would be refused as no object, which says less
        as_before(shared, act, vec![item.seq]).await;
        return true;
    }
    let gate = Gate::new(&shared.operation, shared.mapping.as_ref());
    let extent = item.extent;
    let records = match checked(&gate, extent.first, extent.count, item.last.1.as_deref(), &record) {
        Ok(records) => records,
        Err(refused) => {
            let before = Before {
                attempts: item.attempts,
                unsure: item.unsure,
                doubtful: item.doubtful,
                origin: Origin::Failure,
            };
            let mut writes = vec![shared.refused(item.seq, extent, *refused, before)];
            writes.extend(shared.act_goes_on(Some(act), 1, act::Fate::Failed));
            shared.journal.commit(&shared.book, writes).await;
            return true;
        }
    };
    let draft = Draft {
        seq: item.seq,
        extent,
        records,
        correlation_id: shared.correlation_id(item.extent.dataset),
        holes: item.holes,
    };
    let mut job = Job::new(shared.operation.build(shared.run, draft), RETRIES);
    job.not_before = item.not_before.map(instant_of);
    job.tries = item.attempts;
    job.called = item.attempts > 0;
    job.unsure = item.unsure + u32::from(item.doubtful);
    job.earlier = if item.doubtful || item.unsure > 0 { Certainty::Unsure } else { Certainty::Sure };
    job.origin = Origin::Failure;
    job.sent = Sent::Maybe;
    job.failed_before = Some(item.last);
    job.act = Some(Arc::clone(act));
    watch_again(&mut job, item.remote_id);
    let bytes = job.item.body.len() as u64;
    if !shared.schedule.reserve(RETRIES, Ahead { items: 3 * shared.together() }, 1, bytes).await {
        return false;
    }
    shared.schedule.push(job);
    true
}

/// Whether this is what a row of a CSV file with too few or too many fields was kept as: their list.
fn is_ragged_still(code: Option<&str>, record: &[u8]) -> bool {
    code == Some(dataset::RAGGED) && record.trim_ascii_start().first() == Some(&b'[')
}

/// What a failure's record makes when it is sent again: the record, or the elements of an array of as many as the item
/// holds. A person may have edited it, so all of it is checked.
pub(super) fn checked(
    gate: &Gate,
    first: Position,
    count: u64,
    code: Option<&str>,
    record: &Bytes,
) -> Result<Vec<Admitted>, Box<Refused>> {
    if count <= 1 {
        // what could not be mapped was kept as it stands in the dataset
        let checked = match code {
            Some(UNMAPPABLE) => gate.check_raw(first, record),
            _ => gate.check_mapped(first, record),
        };
        return checked.map(|admitted| vec![admitted]);
    }
    let refuse = |message: String, violations| {
        let reason = Reason { violations, ..refusal(NO_BATCH, message) };
        gate.refuse(first, reason, Some(record))
    };
    let elements = serde_json::from_slice::<Vec<&RawValue>>(record)
        .map_err(|_| refuse("the records of the batch are no JSON array any more".to_owned(), Vec::new()))?;
    if elements.len() as u64 != count {
        let message = format!("the batch holds {} records, and it is one of {count}", elements.len());
        return Err(refuse(message, Vec::new()));
    }
    let mut admitted = Vec::with_capacity(elements.len());
    let mut violations = Vec::new();
    for (place, element) in elements.into_iter().enumerate() {
        match gate.check_mapped(first, &record.slice_ref(element.get().as_bytes())) {
            Ok(one) => admitted.push(one),
            Err(refused) => violations.extend(within(place, refused.reason)),
        }
    }
    if violations.is_empty() {
        return Ok(admitted);
    }
    let message = violations.iter().map(|one| one.reason.as_str()).collect::<Vec<_>>().join("; ");
    Err(refuse(crate::text::one_line(&message, 2000), violations))
}

/// The code of a batch that can't be sent as it was edited.
const NO_BATCH: &str = "batch.invalid";

/// What is wrong with one record of a batch, in the batch's own terms.
fn within(place: usize, reason: Reason) -> Vec<Violation> {
    if reason.violations.is_empty() {
        return vec![Violation::at(format!("/{place}"), reason.message)];
    }
    let mut violations = reason.violations;
    for violation in &mut violations {
        if let Place::Pointer(pointer) = &mut violation.place {
            *pointer = format!("/{place}{pointer}");
        }
    }
    violations
}
