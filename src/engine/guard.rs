//! Guarding keys: a result that is stored is not asked for again, and nobody executes what somebody else executes.
//!
//! The lock on a key is taken before the first attempt and renewed until the item is settled, back-offs included. Before
//! each call it is looked at once more: a lock that could not be renewed in time guards nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::time::{Instant, MissedTickBehavior};

use super::carry::Shared;
use super::faults;
use super::job::Job;
use crate::coordination::{Claim, Holder, Lease, Mark, Release, Store, StoreError, StoredResult};
use crate::journal::{Origin, Source, Unstored, Write};
use crate::machine::{self, Expiry};
use crate::model::Fault;
use crate::operation;
use crate::pacing::Certainty;
use crate::platform::Answer;

/// The store behind an operation's keys, and the locks that this process holds there.
pub(super) struct Guard {
    pub(super) terms: operation::Guard,
    store: Arc<dyn Store>,
    held: Mutex<BTreeMap<u64, Weak<Held>>>,
}

/// A lock on a key.
#[derive(Debug)]
pub(super) struct Held {
    /// Its name in the store.
    key: String,
    fence: u64,
    until: Mutex<Expiry>,
    /// So much of it must be left for a call to begin: two clocks never run alike.
    margin: Duration,
    /// Whether nobody knows what became of a call under it.
    doubtful: AtomicBool,
}

impl Held {
    fn until(&self) -> MutexGuard<'_, Expiry> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it still guards.
    pub(super) fn is_good(&self) -> bool {
        self.until().left() > self.margin
    }

    /// Whether a call under it is out, or nobody knows what became of one.
    pub(super) fn mark(&self, certainty: Certainty) {
        self.doubtful.store(certainty == Certainty::Unsure, Ordering::Release);
    }
}

/// What became of the wish to execute under a key.
pub(super) enum Admission {
    /// Nobody else does; whether somebody's lease had ended without a word.
    Granted(Arc<Held>, Certainty),
    /// The result is there.
    Stored(StoredResult),
    /// Somebody else does.
    Locked,
    /// Somebody has handed it to a person, because nobody knows what became of it.
    HandedOver,
}

impl Guard {
    pub(super) fn new(terms: operation::Guard, store: Arc<dyn Store>) -> Self {
        Self { terms, store, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<u64, Weak<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the right to execute an item.
    pub(super) async fn admit(&self, holder: Holder, job: &Job) -> Result<Admission, StoreError> {
        let mark = match job.origin {
            // a person has seen the mark, and sends it all the same
            Origin::Failure => Mark::Ignore,
            Origin::Planned => Mark::Respect,
        };
        let key = self.terms.name(&job.item.key);
        Ok(match self.store.claim(&key, holder, self.terms.lease, mark).await? {
            Claim::Granted { lease: Lease { key, fence, until }, taken_over } => {
                let held = Arc::new(Held {
                    key,
                    fence,
                    until: Mutex::new(until),
                    margin: self.terms.lease / 10,
                    doubtful: AtomicBool::new(taken_over),
                });
                self.held().insert(fence, Arc::downgrade(&held));
                let certainty = if taken_over { Certainty::Unsure } else { Certainty::Sure };
                Admission::Granted(held, certainty)
            }
            Claim::Stored(result) => Admission::Stored(result),
            Claim::Locked { .. } => Admission::Locked,
            Claim::Unsure => Admission::HandedOver,
        })
    }

    /// Stores a result and frees its key. Where that cannot be done now, what the journal has to keep until it can.
    pub(super) async fn keep(&self, held: &Held, answer: &Answer) -> (Source, Option<StoreError>) {
        let result = StoredResult {
            status: answer.status,
            headers: harmless(&answer.headers),
            body: answer.kept(),
            at: machine::now(),
        };
        match self.store.keep(&held.key, held.fence, &result, self.terms.result_ttl).await {
            Ok(_) => (Source::Platform, None),
            Err(error) => {
                let StoredResult { status, headers, at, .. } = result;
                let unstored = Unstored { key: held.key.clone(), fence: held.fence, status, headers, at };
                (Source::Unstored(unstored), Some(error))
            }
        }
    }

    /// Frees the key of an item that was not executed, or leaves the mark that nobody knows.
    pub(super) async fn release(&self, held: &Held, how: Release) -> Result<(), StoreError> {
        self.store.release(&held.key, held.fence, how, self.terms.result_ttl).await
    }

    /// Frees what this process still holds and has no doubts about; the rest ends with its lease.
    pub(super) async fn release_all(&self) {
        let held: Vec<Arc<Held>> = self.held().values().filter_map(Weak::upgrade).collect();
        for held in held.iter().filter(|held| !held.doubtful.load(Ordering::Acquire)) {
            if let Err(error) = self.release(held, Release::Free).await {
                tracing::info!(%error, "a lock could not be freed: it ends by itself");
                return;
            }
        }
    }

    /// Renews what is held. Returns why it could not.
    async fn renew(&self) -> Result<(), StoreError> {
        let held: Vec<Arc<Held>> = {
            let mut all = self.held();
            all.retain(|_, held| held.strong_count() > 0);
            all.values().filter_map(Weak::upgrade).collect()
        };
        if held.is_empty() {
            return Ok(());
        }
        let leases: Vec<(String, u64)> = held.iter().map(|held| (held.key.clone(), held.fence)).collect();
        let renewed = self.store.renew(&leases, self.terms.lease).await?;
        for (held, until) in held.iter().zip(renewed) {
            *held.until() = until.unwrap_or_else(|| Expiry::after(Duration::ZERO));
        }
        Ok(())
    }
}

/// Headers that may be kept: none that let somebody in, by their names.
fn harmless(headers: &HeaderMap) -> Vec<(String, String)> {
    const SECRET: [&str; 10] =
        ["assertion", "auth", "cookie", "credential", "jwt", "key", "password", "secret", "session", "token"];
    headers
        .iter()
        .filter(|(name, _)| !SECRET.iter().any(|part| name.as_str().contains(part)))
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}

impl Shared {
    /// Renews locks at each third of their lease, for as long as the run is carried.
    pub(super) async fn renew_locks(self: Arc<Self>) {
        let Some(guard) = &self.guard else { return };
        let mut ticks = tokio::time::interval(guard.terms.lease / 3);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = guard.renew().await {
                self.stand(faults::store(&error)).await;
            }
        }
    }

    /// Brings the store what the journal has kept for it. Nothing else is executed before that is done.
    pub(super) async fn settle_with_store(&self) -> Result<(), Fault> {
        self.settle_with_store_within(Duration::MAX).await
    }

    /// The same for one who waits so long for the store and no longer.
    pub(super) async fn settle_with_store_within(&self, patience: Duration) -> Result<(), Fault> {
        let Some(guard) = &self.guard else { return Ok(()) };
        let (journal, run) = (self.journal.clone(), self.run);
        let owed = machine::off_thread(move || {
            let reader = journal.reader()?;
            reader.unstored(&reader.run(&run.to_string())?)
        });
        let owed = match owed.await {
            Ok(Ok(owed)) => owed,
            Ok(Err(error)) => return Err(faults::disk_for_now(&error.to_string())),
            Err(error) => return Err(faults::disk_for_now(&error.to_string())),
        };
        let begun = Instant::now();
        for (seq, unstored, body) in owed {
            if begun.elapsed() >= patience {
                return Err(faults::still_owed());
            }
            let Unstored { key, fence, status, headers, at } = unstored;
            let result = StoredResult { status, headers, body: body.into(), at };
            let kept = guard.store.keep(&key, fence, &result, guard.terms.result_ttl).await;
            kept.map_err(|error| faults::store(&error))?;
            self.journal.commit(&self.book, vec![Write::Stored(seq)]).await;
        }
        Ok(())
    }
}
