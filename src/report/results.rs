//! What was delivered, an item a row.

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use super::cell::{json_cell, shown, text_cell};
use super::stream::{Content, CsvRows, JsonArray, or_empty};
use super::{ExportFormat, ReportError};
use crate::journal::{Reader, ResultRow, RunRow};
use crate::model::{Position, Seq};

/// The columns of CSV and JSON. Programs rely on them and on their order.
const COLUMNS: [&str; 13] = [
    "run",
    "item",
    "position",
    "count",
    "key",
    "status",
    "attempts",
    "from_store",
    "unsure",
    "correlation_id",
    "remote_id",
    "at",
    "answer",
];

#[derive(Serialize)]
struct ResultJson<'a> {
    run: &'a str,
    item: Seq,
    position: Position,
    count: u64,
    key: &'a str,
    status: Option<u16>,
    attempts: u32,
    from_store: bool,
    unsure: u32,
    correlation_id: Option<&'a str>,
    remote_id: Option<&'a str>,
    at: Option<Timestamp>,
    answer: Option<Content<'a>>,
}

/// Writes every delivered item, in the order of their numbers.
///
/// # Errors
///
/// The journal could not be read, or the report not be written.
pub fn write_results(
    out: &mut dyn Write,
    reader: &Reader,
    run: &RunRow,
    format: ExportFormat,
) -> Result<(), ReportError> {
    let id = run.id.to_string();
    match format {
        ExportFormat::Csv => {
            let mut rows = CsvRows::begin(out, &COLUMNS)?;
            reader.each_result::<ReportError>(run, |row| rows.row(csv_row(&id, &row)))?;
            rows.end()
        }
        ExportFormat::Json => {
            let mut array = JsonArray::begin(out)?;
            reader.each_result::<ReportError>(run, |row| write_json(&mut array, &id, &row))?;
            array.end()
        }
    }
}

fn csv_row(run: &str, row: &ResultRow) -> [String; 13] {
    [
        run.to_owned(),
        row.item.to_string(),
        row.position.to_string(),
        row.count.to_string(),
        text_cell(&row.key),
        or_empty(row.status),
        row.attempts.to_string(),
        row.from_store.to_string(),
        row.unsure.to_string(),
        or_empty(row.correlation_id.as_deref().map(text_cell)),
        or_empty(row.remote_id.as_deref().map(text_cell)),
        or_empty(row.at),
        or_empty(row.answer.as_deref().map(json_cell)),
    ]
}

fn write_json(array: &mut JsonArray<'_>, run: &str, row: &ResultRow) -> Result<(), ReportError> {
    let correlation_id = row.correlation_id.as_deref().map(shown);
    let remote_id = row.remote_id.as_deref().map(shown);
    array.row(&ResultJson {
        run,
        item: row.item,
        position: row.position,
        count: row.count,
        key: &shown(&row.key),
        status: row.status,
        attempts: row.attempts,
        from_store: row.from_store,
        unsure: row.unsure,
        correlation_id: correlation_id.as_deref(),
        remote_id: remote_id.as_deref(),
        at: row.at,
        answer: Content::of(row.answer.as_deref()),
    })
}
