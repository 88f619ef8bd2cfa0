//! Everything but sending: what a run of this plan would do.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::gate::{Gate, Handfuls, Passed, Refused};
use super::grouping::Grouper;
use super::preflight::Looked;
use super::{Scanned, Setup, StartError, scan};
use crate::dataset::{self, Reader};
use crate::journal::{Extent, JournalError, mask};
use crate::machine;
use crate::model::{Place, Position, Reason, RunId};
use crate::operation::{self, Draft, Grouping, Operation};

/// How many causes are kept apart. Who has more of them has one: the wrong file.
const CAUSES: usize = 1000;

/// Bytes that are kept of causes and values in all. What comes when they are used up is counted, and not told.
const MOST_KEPT: usize = 4 << 20;

/// Records that are invalid for one and the same cause.
#[derive(Debug, Clone)]
pub struct InvalidCause {
    /// How many.
    pub records: u64,
    /// The first of them.
    pub position: Position,
    /// What is wrong with that one.
    pub reason: Reason,
    /// Them by what stands there, the first of all first; at most 50 of these.
    pub values: Vec<InvalidValue>,
}

/// Records of one cause in which the same stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidValue {
    /// How many.
    pub records: u64,
    /// What is wrong with them, for a person to read.
    pub message: String,
    /// Fields, and what stands in them as JSON; nothing where a field is not there. Neither is safe to be shown.
    pub fields: Vec<(String, Option<String>)>,
    /// Where the first of them are; at most five.
    pub spots: Vec<Spot>,
}

/// Where a record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Its dataset's file.
    pub file: PathBuf,
    /// The line at which it begins, from 1.
    pub line: u64,
    /// Which one it is in all datasets, from 0.
    pub position: Position,
}

/// How many different values of a cause are kept.
const ALIKE: usize = 50;

/// How many places of a value are kept.
const SPOTS: usize = 5;

/// The most of a value that is kept, in characters.
const LONGEST_VALUE: usize = 200;

/// How many fields of a value are kept.
const FIELDS: usize = 10;

/// How deep in a record a field's value is looked for: each level is a walk over what it holds.
const DEEPEST_FIELD: usize = 16;

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
    /// Calls that the platform's own window allows, where an answer told, now or in an earlier run.
    pub quota: Option<u64>,
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
    let Looked { scopes, calls, quota } = super::preflight::alone(&setup, operation.as_ref()).await?;
    let mapping = super::mapping(&setup.plan)?;
    let rate = setup.plan.delivery.rate;
    let needed = operation.kind().scopes().iter().map(|&scope| scope.to_owned()).collect();
    let wanted = Arc::new(());
    let is_wanted = Arc::downgrade(&wanted);
    let counted = machine::off_thread(move || -> Result<CheckReport, StartError> {
        let mut causes = Causes { kept: HashMap::new(), left: MOST_KEPT };
        let mut report = CheckReport { calls, scopes, needed, quota, ..CheckReport::default() };
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
            let gate = Gate::new(&operation, mapping.as_ref());
            let mut handfuls = if dataset.fingerprint.is_some() {
                Handfuls::of_file(gate)
            } else {
                Handfuls::one_by_one(gate)
            };
            let mut grouper = Grouper::new(operation.grouping());
            grouper.put_together(64);
            grouper.limit_to(bytes);
            let first = report.records;
            // of the records that are not in a batch yet
            let mut lines = Vec::new();
            let sound = dataset.records.filter(|_| dataset.broken.is_some());
            let mut entries =
                reader.take(sound.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX)));
            let mut at_end = false;
            loop {
                while let Some(Passed { position, line, checked }) = handfuls.next() {
                    if let Some(batch) = grouper.push(position, checked) {
                        report.take(&mut causes, batch, operation.as_ref(), (&dataset.path, &lines));
                        lines.clear();
                    }
                    lines.push((position, line));
                }
                if at_end {
                    break;
                }
                if is_wanted.strong_count() == 0 {
                    // nobody reads this
                    return Ok(report);
                }
                let Some(entry) = entries.next().transpose()? else {
                    at_end = true;
                    handfuls.end();
                    continue;
                };
                report.records += 1;
                handfuls.put(first + entry.position(), entry);
            }
            if let Some(batch) = grouper.finish() {
                report.take(&mut causes, batch, operation.as_ref(), (&dataset.path, &lines));
            }
        }
        report.causes = causes.kept.into_values().collect();
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

/// What was found so far.
struct Causes {
    /// By code, and by message with its values masked.
    kept: HashMap<(Option<String>, String), InvalidCause>,
    /// Bytes that more of them may take.
    left: usize,
}

impl Causes {
    /// Keeps a record that the local check refused.
    fn keep(&mut self, refused: &Refused, spot: impl FnOnce() -> Spot) {
        let alike = (refused.reason.code.clone(), mask(&refused.reason.message));
        let count = self.kept.len();
        let cause = match self.kept.entry(alike) {
            Entry::Occupied(cause) => cause.into_mut(),
            Entry::Vacant(place) => {
                let weight = weight(&refused.reason);
                if count == CAUSES || weight > self.left {
                    return;
                }
                self.left -= weight;
                let (position, reason) = (refused.position, refused.reason.clone());
                place.insert(InvalidCause { records: 0, position, reason, values: Vec::new() })
            }
        };
        cause.records += 1;
        cause.keep(refused, spot, &mut self.left);
    }
}

/// Bytes that a cause takes: its message twice, once with its values masked.
fn weight(reason: &Reason) -> usize {
    let violations: usize = reason.violations.iter().map(|one| one.reason.len() + 1024).sum();
    2 * reason.message.len() + violations
}

impl InvalidCause {
    fn keep(&mut self, refused: &Refused, spot: impl FnOnce() -> Spot, left: &mut usize) {
        let message = &refused.reason.message;
        let fields = fields(refused);
        let same = |value: &InvalidValue| value.message == *message && value.fields == fields;
        if let Some(at) = self.values.iter().position(same) {
            let Some(value) = self.values.get_mut(at) else { return };
            value.records += 1;
            if value.spots.len() < SPOTS {
                value.spots.push(spot());
            }
        } else if self.values.len() < ALIKE {
            let of_fields = |(name, value): &(String, Option<String>)| {
                name.len() + value.as_ref().map_or(0, String::len) + size_of::<(String, Option<String>)>()
            };
            let weight = message.len() + fields.iter().map(of_fields).sum::<usize>();
            let Some(rest) = left.checked_sub(weight) else { return };
            *left = rest;
            let (message, spots) = (message.clone(), vec![spot()]);
            self.values.push(InvalidValue { records: 1, message, fields, spots });
        }
    }
}

/// The fields that are wrong in a record, and what stands in them.
fn fields(refused: &Refused) -> Vec<(String, Option<String>)> {
    let places = refused.reason.violations.iter().filter_map(|violation| match &violation.place {
        Place::Pointer(pointer) if !pointer.is_empty() => Some(pointer),
        Place::Pointer(_) | Place::Row(_) => None,
    });
    let value = |pointer: &String| {
        let is_near = pointer.matches('/').count() <= DEEPEST_FIELD;
        let text = dataset::map::value_at(refused.record.as_deref().filter(|_| is_near)?, pointer)?;
        Some(text.chars().take(LONGEST_VALUE).collect())
    };
    places.take(FIELDS).map(|pointer| (pointer.clone(), value(pointer))).collect()
}

impl CheckReport {
    fn take(
        &mut self,
        causes: &mut Causes,
        batch: super::grouping::Batch,
        operation: &dyn Operation,
        (file, lines): (&Path, &[(Position, u64)]),
    ) {
        self.invalid += batch.refused.len() as u64;
        for refused in batch.refused {
            let position = refused.position;
            let line = lines.binary_search_by_key(&position, |(at, _)| *at).ok();
            let line = line.and_then(|at| lines.get(at)).map_or(0, |(_, line)| *line);
            causes.keep(&refused, || Spot { file: file.to_owned(), line, position });
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
