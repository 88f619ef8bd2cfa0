//! Failures that a person sends again: from the journal's rows to items that are ready.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::carry::{Shared, instant_of};
use super::faults;
use super::feeder::{Before, watch_again};
use super::grouping::{Grouper, UNMAPPABLE};
use super::job::{Job, Sent};
use super::schedule::Ahead;
use super::supervisor::Readers;
use crate::journal::{Origin, RetryItem, Write};
use crate::model::Seq;
use crate::operation::{Admitted, Draft};
use crate::pacing::Certainty;

/// The lot of failures that are sent again; datasets count from 0.
const RETRIES: u32 = u32::MAX;

/// Takes failures up, to be sent again.
pub(super) fn take_up(shared: &Arc<Shared>, items: Vec<Seq>, by: String, readers: &mut Readers) {
    let shared = Arc::clone(shared);
    readers.spawn_blocking(move || {
        let note = Write::Note {
            kind: "act",
            delay_ms: None,
            reason: None,
            text: format!(
                "{by}: sends {} again",
                crate::report::records_of(items.len() as u64, "failure", "failures")
            ),
        };
        if shared.schedule.is_closed() {
            return Ok(());
        }
        let taken = Arc::new(Mutex::new(Vec::new()));
        let take = Write::TakeUp { items, taken: Arc::clone(&taken) };
        shared.journal.commit_blocking(&shared.book, vec![take, note]);
        let taken = std::mem::take(&mut *taken.lock().unwrap_or_else(PoisonError::into_inner));
        let broken = |error: &dyn std::fmt::Display| faults::disk(&error.to_string());
        let reader = shared.journal.reader().map_err(|error| broken(&error))?;
        let run = reader.run(&shared.run.to_string()).map_err(|error| broken(&error))?;
        for seq in taken {
            let item = reader.retry_item(&run, seq).map_err(|error| broken(&error))?;
            if let Some(item) = item
                && !send_again(&shared, item)
            {
                break;
            }
        }
        Ok(())
    });
}

/// Hands one failure on. Returns whether there is anything to go on for.
fn send_again(shared: &Arc<Shared>, item: RetryItem) -> bool {
    if shared.schedule.is_closed() {
        return false;
    }
    let Some(record) = item.record.map(Bytes::from) else { return true };
    let records = if item.extent.count > 1 {
        elements(&record)
    } else {
        let no_limit = || u64::MAX;
        let grouper = Grouper::new(shared.operation.as_ref(), shared.mapping.as_ref(), 1, &no_limit);
        // what could not be mapped was kept as it stands in the dataset
        let unmapped = item.last.1.as_deref() == Some(UNMAPPABLE);
        let checked = if unmapped {
            grouper.check_raw(item.extent.first, &record)
        } else {
            grouper.check_mapped(item.extent.first, &record)
        };
        match checked {
            Ok(admitted) => vec![admitted],
            Err(refused) => {
                let before = Before {
                    attempts: item.attempts,
                    unsure: item.unsure,
                    doubtful: item.doubtful,
                    origin: Origin::Failure,
                };
                let end = shared.refused(item.seq, item.extent, *refused, before);
                shared.journal.commit_blocking(&shared.book, vec![end]);
                return true;
            }
        }
    };
    let draft = Draft {
        seq: item.seq,
        extent: item.extent,
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
    watch_again(&mut job, item.remote_id);
    let bytes = job.item.body.len() as u64;
    if !shared.schedule.reserve(RETRIES, Ahead { items: 3 * shared.together() }, 1, bytes) {
        return false;
    }
    shared.schedule.push(job);
    true
}

/// The elements of an array that this program wrote.
fn elements(record: &Bytes) -> Vec<Admitted> {
    match serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(record) {
        Ok(elements) => {
            elements.into_iter().map(|one| Admitted::plain(record.slice_ref(one.get().as_bytes()))).collect()
        }
        Err(_) => vec![Admitted::plain(record.clone())],
    }
}
