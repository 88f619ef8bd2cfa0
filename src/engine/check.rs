//! Everything but sending: what a run of this plan would do.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use super::grouping::{Grouper, Refused};
use super::{Scanned, Setup, StartError, scan};
use crate::dataset::{self, Reader};
use crate::journal::{Extent, JournalError, mask};
use crate::model::{Position, Reason, RunId};
use crate::operation::{self, Draft, Grouping, Operation};

/// How many causes are kept apart. Who has more of them has one: the wrong file.
const CAUSES: usize = 1000;

/// Records that are invalid for one and the same cause.
#[derive(Debug, Clone)]
pub struct InvalidCause {
    /// How many.
    pub records: u64,
    /// The first of them.
    pub position: Position,
    /// What is wrong with that one.
    pub reason: Reason,
}

/// What a run would do.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// Records in all datasets.
    pub records: u64,
    /// Those that would not be sent.
    pub invalid: u64,
    /// What is wrong with them, the most frequent first.
    pub causes: Vec<InvalidCause>,
    /// Items that would be sent.
    pub items: u64,
    /// Calls that this takes, if none has to be made again.
    pub calls: u64,
    /// The largest body in bytes.
    pub largest_body: u64,
    /// How long it takes at the plan's rate, where it has one.
    pub at_plans_rate: Option<Duration>,
    /// The token's scopes, where its answer told them.
    pub scopes: Option<Vec<String>>,
    /// The scopes that the operation needs.
    pub needed: Vec<String>,
}

/// Reads and validates all records, gets a token, looks at scopes and at what the operation wants to know, and sends no
/// item. Dropped, it stops.
///
/// # Errors
///
/// A dataset, the profile or the platform's answers do not let a run begin.
pub async fn check(setup: Setup, scanned: Scanned) -> Result<CheckReport, StartError> {
    super::hold_to_platform(&setup)?;
    let operation = operation::of(&setup.plan)?;
    let (scopes, looks) = super::preflight::alone(&setup, operation.as_ref()).await?;
    let mapping = super::mapping(&setup.plan)?;
    let rate = setup.plan.delivery.rate;
    let needed = operation.kind().scopes().iter().map(|&scope| scope.to_owned()).collect();
    let wanted = Arc::new(());
    let is_wanted = Arc::downgrade(&wanted);
    let counted = tokio::task::spawn_blocking(move || -> Result<CheckReport, StartError> {
        let mut causes = Causes::new();
        let mut report = CheckReport { scopes, needed, calls: looks, ..CheckReport::default() };
        for dataset in &scanned.datasets {
            let limits = scan::limits(operation.grouping());
            let reader = match &dataset.fingerprint {
                Some(fingerprint) => Reader::open(&dataset.path, limits, Some(fingerprint))?,
                None => Reader::from_stream(Box::new(std::io::stdin()), None, limits)?,
            };
            let bytes = match operation.grouping() {
                Grouping::Single => u64::MAX,
                Grouping::Chunks { bytes, .. } => bytes,
            };
            let limit = move || bytes;
            let mut grouper = Grouper::new(operation.as_ref(), mapping.as_ref(), 64, &limit);
            let first = report.records;
            for entry in reader {
                if is_wanted.strong_count() == 0 {
                    // nobody reads this
                    return Ok(report);
                }
                if dataset.broken.is_some()
                    && dataset.records.is_some_and(|most| report.records - first >= most)
                {
                    break;
                }
                let entry = entry?;
                let local = match &entry {
                    dataset::Entry::Record(record) => record.position,
                    dataset::Entry::Unusable(unusable) => unusable.position,
                };
                report.records += 1;
                if let Some(batch) = grouper.push(first + local, entry) {
                    report.take(&mut causes, batch, operation.as_ref());
                }
            }
            if let Some(batch) = grouper.finish() {
                report.take(&mut causes, batch, operation.as_ref());
            }
        }
        report.causes = causes.into_values().collect();
        report.causes.sort_by_key(|cause| (Reverse(cause.records), cause.position));
        #[expect(clippy::cast_precision_loss, reason = "a time for people")]
        let calls = report.calls as f64;
        report.at_plans_rate = rate.and_then(|rate| Duration::try_from_secs_f64(calls / rate).ok());
        Ok(report)
    });
    let counted = counted.await;
    drop(wanted);
    counted.unwrap_or_else(|error| Err(JournalError::Strange(format!("an internal error: {error}")).into()))
}

/// By code, and by message with its values masked.
type Causes = HashMap<(Option<String>, String), InvalidCause>;

impl CheckReport {
    fn take(&mut self, causes: &mut Causes, batch: super::grouping::Batch, operation: &dyn Operation) {
        self.invalid += batch.refused.len() as u64;
        for Refused { position, reason, .. } in batch.refused {
            let alike = (reason.code.clone(), mask(&reason.message));
            let kept = causes.len();
            match causes.entry(alike) {
                Entry::Occupied(mut cause) => cause.get_mut().records += 1,
                Entry::Vacant(place) if kept < CAUSES => {
                    place.insert(InvalidCause { records: 1, position, reason });
                }
                Entry::Vacant(_) => {}
            }
        }
        let records = batch.records.into_iter().map(|(_, record)| record);
        match operation.grouping() {
            Grouping::Single => records.for_each(|record| self.count(operation, vec![record])),
            Grouping::Chunks { .. } => {
                let records: Vec<_> = records.collect();
                if !records.is_empty() {
                    self.count(operation, records);
                }
            }
        }
    }

    fn count(&mut self, operation: &dyn Operation, records: Vec<operation::Admitted>) {
        let count = records.len() as u64;
        let extent = Extent { dataset: 0, first: 0, span: count, count };
        let draft = Draft { seq: 0, extent, records, correlation_id: Arc::from(""), holes: Vec::new() };
        let item = operation.build(RunId::begin(), draft);
        self.items += 1;
        self.calls += operation.calls();
        self.largest_body = self.largest_body.max(item.body.len() as u64);
    }
}
