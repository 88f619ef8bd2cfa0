//! The rows that the journal answers with, and how they are read from its columns.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Row;

use super::Carrier;
use super::apply::int;
use super::audit::seal;
use super::book::Counts;
use crate::model::{
    FailureId, FailureState, Fault, OperationKind, PlatformKind, Position, RunId, RunState, Seq, Stage,
    Tally, Violation,
};

/// One run.
#[derive(Debug, Clone)]
pub struct RunRow {
    pub(super) number: i64,
    /// Its id.
    pub id: RunId,
    /// What it does.
    pub operation: OperationKind,
    /// The profile's name.
    pub profile: String,
    /// The profile's platform.
    pub platform: PlatformKind,
    /// Where its calls go.
    pub api_url: String,
    /// Where its tokens come from.
    pub auth_url: String,
    /// The client that it runs as.
    pub client_id: String,
    /// Whether the profile is marked as production.
    pub production: bool,
    /// The plan, as TOML.
    pub plan: String,
    /// Whether a broken dataset is used up to its broken place.
    pub until_error: bool,
    /// Where it stands; a run whose process is gone is paused.
    pub state: RunState,
    /// Who carries it now.
    pub carrier: Option<Carrier>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, where it did.
    pub ended_at: Option<Timestamp>,
    /// Whether no call was out when its last process left.
    pub clean: bool,
    /// The first number that no item has.
    pub next_seq: Seq,
    /// Items by state.
    pub items: Tally,
    /// Records by state.
    pub records: Tally,
    /// Calls to the API.
    pub requests: u64,
    /// Those that repeated an item's call.
    pub retries: u64,
    /// Answers that were 429.
    pub throttled: u64,
    /// Answers that were 5xx, and calls that got none.
    pub troubles: u64,
    /// Calls that the platform's own window allows, as its headers told last.
    pub quota: Option<u64>,
    /// How long it went, in all its carryings-out.
    pub took: Duration,
    /// The largest body accepted below the smallest refused, in bytes.
    pub largest_accepted: Option<u64>,
    /// The smallest body that was refused for its size, in bytes.
    pub smallest_refused: Option<u64>,
    /// No call may start before this moment.
    pub not_before: Option<Timestamp>,
    /// Rows that results of delivered items refuse, and that nobody has closed.
    pub rows_failed: u64,
    /// Delivered items whose result was stored before.
    pub from_store: u64,
    /// Its datasets, in order.
    pub datasets: Vec<DatasetRow>,
    /// What a person has set while it went.
    pub kept: Kept,
}

/// What a person has set while a run went, over its plan, and a resume keeps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kept {
    /// The most calls a second.
    pub ceiling: Option<KeptCeiling>,
    /// Calls in flight; for `ingest` datasets side by side.
    pub workers: Option<u16>,
}

/// A ceiling that a person has set.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptCeiling {
    /// Calls a second; `None` is no limit of ours.
    pub rate: Option<f64>,
    /// Who set it.
    pub by: String,
}

/// One dataset of a run.
#[derive(Debug, Clone)]
pub struct DatasetRow {
    /// The file, absolute; `-` is standard input.
    pub path: String,
    /// Its format, for a person to read.
    pub format: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its digest; unknown while a stream has not been read to its end.
    pub digest: Option<String>,
    /// Its records; unknown while a stream has not been read to its end.
    pub records: Option<u64>,
    /// The position of its first record.
    pub first_position: Position,
    /// The correlation id under which its records go.
    pub correlation_id: String,
    /// Records, from its first, that stand in items.
    pub planned: u64,
}

/// One failure.
#[derive(Debug, Clone)]
pub struct FailureRow {
    /// Which.
    pub id: FailureId,
    /// Its first record.
    pub position: Position,
    /// How many records it holds.
    pub count: u64,
    /// What a person knows it by: a contact, external or job id, else `FILE:position`.
    pub key: String,
    /// Where on its way it failed.
    pub stage: Stage,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The platform's code, or ours.
    pub code: Option<String>,
    /// What the platform said, or what we found.
    pub message: String,
    /// The places in the record.
    pub violations: Vec<Violation>,
    /// Tries.
    pub attempts: u32,
    /// How often it was sent again after an unsure answer.
    pub unsure: u32,
    /// Whether a call of it may have been carried out without our knowing.
    pub doubtful: bool,
    /// The platform's correlation id.
    pub correlation_id: Option<String>,
    /// The remote job.
    pub remote_id: Option<String>,
    /// When it first failed.
    pub first_at: Timestamp,
    /// When it last failed.
    pub last_at: Timestamp,
    /// Where it stands.
    pub state: FailureState,
    /// The note with which it was closed.
    pub note: Option<String>,
    /// Whether a person has edited the record, and it was not sent since.
    pub edited: bool,
    /// The record, or the array of them, as it stood after `map`, or as a person has edited it.
    pub record: Option<Vec<u8>>,
    /// The record before the first edit, where there was one.
    pub original: Option<Vec<u8>>,
}

/// One delivered item.
#[derive(Debug, Clone)]
pub struct ResultRow {
    /// The item.
    pub item: Seq,
    /// Its first record.
    pub position: Position,
    /// How many records it holds.
    pub count: u64,
    /// What a person knows it by.
    pub key: String,
    /// The HTTP status.
    pub status: Option<u16>,
    /// Tries.
    pub attempts: u32,
    /// Whether its result was stored before: no call was made.
    pub from_store: bool,
    /// How often it was sent again after an unsure answer.
    pub unsure: u32,
    /// The platform's correlation id.
    pub correlation_id: Option<String>,
    /// The remote job.
    pub remote_id: Option<String>,
    /// When it was delivered.
    pub at: Option<Timestamp>,
    /// The platform's answer.
    pub answer: Option<Vec<u8>>,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Its number; they ascend.
    pub event: i64,
    /// When.
    pub at: Timestamp,
    /// What kind of thing: `waiting`, `item_failed`, `fault`, `pool_paused`, `state`, …
    pub kind: String,
    /// The item, where it is one's.
    pub item: Option<Seq>,
    /// Its tries so far.
    pub attempt: Option<u32>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// How long it lasts.
    pub delay_ms: Option<u64>,
    /// How long the call took, where that is known.
    pub took_ms: Option<u64>,
    /// A word for the reason.
    pub reason: Option<String>,
    /// For a person to read, or JSON for a fault.
    pub text: Option<String>,
    /// What it was before, where something was set.
    pub was: Option<String>,
    /// The act on failures that it tells of.
    pub act: Option<i64>,
}

impl EventRow {
    /// The fault that it tells of, where it does.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        (self.kind == "fault").then(|| serde_json::from_str(self.text.as_deref()?).ok()).flatten()
    }
}

/// A count of ours has no sign: one that has is not what was written.
pub(super) fn not_negative(number: i64) -> rusqlite::Result<u64> {
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, number))
}

/// A record that was kept, held to the seal that it was kept with. Records of older versions have none.
pub(super) fn sealed(
    run: i64,
    item: u64,
    record: Option<Vec<u8>>,
    sealed: Option<Vec<u8>>,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let (Some(content), Some(sealed)) = (&record, sealed) else { return Ok(record) };
    if sealed == seal(run, int(item), content) {
        return Ok(record);
    }
    let what = format!("the journal is damaged: the record of item {item} is not the one that was kept");
    Err(rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, what.into()))
}

pub(super) fn natural(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    not_negative(row.get(column)?)
}

pub(super) fn maybe_natural(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<u64>> {
    row.get::<_, Option<i64>>(column)?.map(not_negative).transpose()
}

pub(super) fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
}

pub(super) fn word<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<T> {
    row.get::<_, String>(column)?.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

pub(super) fn tally(row: &Row<'_>, prefix: &str) -> rusqlite::Result<Tally> {
    Ok(Tally {
        total: None,
        pending: 0,
        delivered: natural(row, &format!("{prefix}_delivered"))?,
        failed: natural(row, &format!("{prefix}_failed"))?,
        invalid: natural(row, &format!("{prefix}_invalid"))?,
        dismissed: natural(row, &format!("{prefix}_dismissed"))?,
    })
}

/// A ceiling of 0 is none; where there is none in the row, nobody has set one.
pub(super) fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let by = row.get::<_, Option<String>>("ceiling_by")?.unwrap_or_default();
    let ceiling: Option<f64> = row.get("ceiling")?;
    let ceiling = ceiling.map(|rate| KeptCeiling { rate: (rate > 0.0).then_some(rate), by });
    Ok(Kept { ceiling, workers: row.get("workers")? })
}

pub(super) fn counts_of(row: &Row<'_>) -> rusqlite::Result<Counts> {
    Ok(Counts {
        items_planned: natural(row, "items_planned")?,
        records_planned: natural(row, "records_planned")?,
        records_total: maybe_natural(row, "records_total")?,
        planned_all: row.get::<_, i64>("planned_all")? != 0,
        items: tally(row, "items")?,
        records: tally(row, "records")?,
        rows_failed: natural(row, "rows_failed")?,
        from_store: natural(row, "from_store")?,
        map: Arc::default(),
    })
}

/// The file's own name, for a key that a person can find.
pub(super) fn key_of(name: Option<String>, path: &str, position: Position) -> String {
    name.unwrap_or_else(|| {
        let file = Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy());
        format!("{}:{position}", crate::text::one_line(&file, 100))
    })
}
