//! Everything but sending: what a run of this plan would do.

use std::sync::Arc;
use std::time::Duration;

use super::grouping::Grouper;
use super::{Scanned, Setup, StartError, scan};
use crate::dataset::{Entry, Reader};
use crate::journal::{Extent, JournalError};
use crate::model::{Position, Reason, RunId};
use crate::operation::{self, Draft, Grouping, Operation};

/// How many invalid records are told one by one.
const EXAMPLES: usize = 20;

/// What a run would do.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// Records in all datasets.
    pub records: u64,
    /// Those that would not be sent.
    pub invalid: u64,
    /// The first of them, with their places and reasons.
    pub invalid_examples: Vec<(Position, Reason)>,
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
/// item.
///
/// # Errors
///
/// A dataset, the profile or the platform's answers do not let a run begin.
pub async fn check(setup: Setup, scanned: Scanned) -> Result<CheckReport, StartError> {
    super::hold_to_platform(&setup)?;
    let operation = operation::of(&setup.plan);
    let (scopes, looks) = super::preflight::alone(&setup, operation.as_ref()).await?;
    let mapping = super::mapping(&setup.plan)?;
    let rate = setup.plan.delivery.rate;
    let needed = operation.scopes().iter().map(|&scope| scope.to_owned()).collect();
    let counted = tokio::task::spawn_blocking(move || -> Result<CheckReport, StartError> {
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
                if dataset.broken && dataset.records.is_some_and(|most| report.records - first >= most) {
                    break;
                }
                let entry = entry?;
                let local = match &entry {
                    Entry::Record(record) => record.position,
                    Entry::Unusable(unusable) => unusable.position,
                };
                report.records += 1;
                if let Some(batch) = grouper.push(first + local, entry) {
                    report.take(batch, operation.as_ref());
                }
            }
            if let Some(batch) = grouper.finish() {
                report.take(batch, operation.as_ref());
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a time for people")]
        let calls = report.calls as f64;
        report.at_plans_rate = rate.and_then(|rate| Duration::try_from_secs_f64(calls / rate).ok());
        Ok(report)
    });
    counted
        .await
        .unwrap_or_else(|error| Err(JournalError::Strange(format!("an internal error: {error}")).into()))
}

impl CheckReport {
    fn take(&mut self, batch: super::grouping::Batch, operation: &dyn Operation) {
        self.invalid += batch.refused.len() as u64;
        for refused in batch.refused {
            if self.invalid_examples.len() < EXAMPLES {
                self.invalid_examples.push((refused.position, refused.reason));
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
