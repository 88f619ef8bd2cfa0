//! From datasets, and from failures that are sent again, to items that are durable and ready.
//!
//! A reader goes through its dataset once. First it comes past what an earlier carrying-out planned: what is settled
//! is passed over, what is open becomes the same items again, by position. From there on it plans new ones. Each is
//! committed before it is handed to the schedule, and no more is planned ahead than the schedule has room for.

mod reading;

use std::collections::VecDeque;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;

use reading::{Reading, Step};

use super::again::take_up;
use super::carry::Shared;
use super::faults;
use super::gate::Refused;
use super::job::Job;
use super::supervisor::Readers;
use crate::dataset::Fingerprint;
use crate::journal::{End, Extent, OpenItem, Origin, Settled, Write};
use crate::machine;
use crate::model::{Fault, Position, Seq, Stage};

/// What is to be fed.
pub(super) struct Feed {
    /// Datasets, in order.
    pub(super) sources: VecDeque<Source>,
    /// Failures that are sent again, and who wants it.
    pub(super) retries: Vec<(Vec<Seq>, String)>,
    /// Whether the datasets are gone through to their ends: a retry alone does not.
    pub(super) whole: bool,
}

/// One dataset.
pub(super) struct Source {
    pub(super) number: u32,
    pub(super) origin: SourceOrigin,
    pub(super) first_position: Position,
    /// Records from its first that an earlier carrying-out has planned.
    pub(super) planned: u64,
    /// What of it was planned and is open, by position.
    pub(super) open: Vec<OpenItem>,
    /// Records that may be used, where it breaks off after them and a person wants it so.
    pub(super) stop_at: Option<u64>,
}

/// Where a dataset's bytes come from.
pub(super) enum SourceOrigin {
    /// A file that was read to its end before.
    File { path: PathBuf, fingerprint: Fingerprint },
    /// Standard input, kept as it is read.
    Stream { spool: File },
    /// What an earlier carrying-out has kept of a stream that it did not see the end of.
    Spool { path: PathBuf },
}

/// Starts the readers. Each ends when its dataset is planned, or with what is wrong with it.
pub(super) fn spawn(shared: &Arc<Shared>, feed: &mut Feed, readers: &mut Readers) {
    for (items, by) in feed.retries.drain(..) {
        take_up(shared, items, by, readers);
    }
    if feed.whole {
        let sources = std::mem::take(&mut feed.sources);
        readers.spawn(read_all(Arc::clone(shared), sources));
    }
}

/// Reads all datasets, some side by side, and tells the journal when all records stand in items.
async fn read_all(shared: Arc<Shared>, mut sources: VecDeque<Source>) -> Result<(), Fault> {
    let mut readers = JoinSet::new();
    let mut records = Some(0);
    let mut fault = None;
    // one that has failed leaves its place empty
    let mut failed = 0;
    loop {
        let wanted = shared.crew.wanted();
        while records.is_some() && readers.len() + failed < shared.side_by_side() {
            let Some(source) = sources.pop_front() else { break };
            let shared = Arc::clone(&shared);
            readers.spawn(async move {
                shared.reading.fetch_add(1, Ordering::Relaxed);
                let read = read_one(&shared, source).await;
                shared.reading.fetch_sub(1, Ordering::Relaxed);
                read
            });
        }
        // all of them, also after one has failed: none may plan on after this returns
        let read = tokio::select! {
            biased;
            read = readers.join_next() => read,
            // as many as there are workers may have become more
            () = shared.crew.other_than(wanted) => continue,
        };
        let Some(read) = read else { break };
        match read {
            Ok(Ok(Some(count))) => records = records.map(|records| records + count),
            Ok(Ok(None)) => records = None,
            Ok(Err(found)) => {
                failed += 1;
                fault.get_or_insert(found);
            }
            Err(error) => {
                failed += 1;
                fault.get_or_insert(broke(&error));
            }
        }
    }
    if let Some(fault) = fault {
        return Err(fault);
    }
    let Some(records) = records else { return Ok(()) };
    shared.journal.commit(&shared.book, vec![Write::PlannedAll { records }]).await;
    shared.idle.notify_one();
    Ok(())
}

/// Reads one dataset to its end and returns how many records it has; `None` where the run came to its end first.
async fn read_one(shared: &Arc<Shared>, source: Source) -> Result<Option<u64>, Fault> {
    let with = Arc::clone(shared);
    let mut reading =
        machine::off_thread(move || Reading::open(with, source)).await.map_err(|error| broke(&error))??;
    loop {
        let read = machine::off_thread(move || {
            let step = reading.step();
            (reading, step)
        });
        let step;
        (reading, step) = read.await.map_err(|error| broke(&error))?;
        let goes_on = match step? {
            Step::Planned(planned) => planned.hand_on(shared).await,
            Step::Again(again) => again.hand_on(shared).await,
            Step::Read => break,
        };
        if !goes_on {
            return Ok(None);
        }
    }
    if shared.schedule.is_closed() {
        return Ok(None);
    }
    reading.ended(shared).await.map(Some)
}

fn broke(error: &tokio::task::JoinError) -> Fault {
    tracing::error!(%error, "a reader broke");
    faults::dataset_broken("reading the dataset broke off: an internal error".to_owned())
}

impl Shared {
    /// How many items of one record each are planned together. Those that a crash catches between being planned and
    /// being settled count as unsure, so they are few.
    pub(super) fn together(&self) -> usize {
        usize::from(self.crew.wanted()).max(1)
    }

    /// How many datasets are read at once: where order does not matter, one comes after the other.
    fn side_by_side(&self) -> usize {
        if self.operation.keeps_order() { self.together() } else { 1 }
    }

    pub(super) fn correlation_id(&self, dataset: u32) -> Arc<str> {
        self.facts.correlation_ids.get(dataset as usize).cloned().unwrap_or_else(|| "".into())
    }

    /// The end of an item that the local check refuses. One that was sent before is failed: *invalid* is what was never
    /// sent.
    pub(super) fn refused(&self, seq: Seq, extent: Extent, refused: Refused, before: Before) -> Write {
        self.gauges.settled(extent.count);
        let Refused { reason, record, name, .. } = refused;
        let end = if before.attempts > 0 || before.doubtful {
            End::Failed { reason, record }
        } else {
            End::Invalid { reason, record }
        };
        Write::Settle(Box::new(Settled {
            seq,
            extent,
            end,
            attempts: before.attempts,
            unsure: before.unsure,
            doubtful: before.doubtful,
            status: None,
            took_ms: None,
            correlation_id: None,
            name,
            remote_id: None,
            origin: before.origin,
        }))
    }
}

/// What an item has behind it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    pub(super) attempts: u32,
    pub(super) unsure: u32,
    pub(super) doubtful: bool,
    pub(super) origin: Origin,
}

/// An item whose remote job is known is only looked at, and at once.
pub(super) fn watch_again(job: &mut Job, remote_id: Option<String>) {
    if let Some(id) = &remote_id {
        job.item.name = Some(crate::text::one_line(id, 200));
        job.progress.passed = Some(Stage::Delivery);
    }
    job.progress.remote_id = remote_id;
}
