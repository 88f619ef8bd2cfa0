//! Failures, a row each, or by cause.

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use super::cell::{json_cell, shown, text_cell};
use super::stream::{Content, CsvRows, JsonArray, or_empty};
use super::words::grouped;
use super::{Align, Column, ReportError, Table, TableFormat};
use crate::journal::{Cause, Contents, FailureRow, Query, Reader, RunRow};
use crate::model::{FailureState, Position, Seq, Stage, Violation};
use crate::text::one_line;

/// The most characters of a key in a table: a longer one would make all rows as wide.
const WIDEST_KEY: usize = 80;

/// The columns of CSV and JSON. Programs rely on them and on their order.
const COLUMNS: [&str; 17] = [
    "run",
    "item",
    "position",
    "key",
    "stage",
    "status",
    "code",
    "message",
    "violations",
    "attempts",
    "correlation_id",
    "remote_id",
    "first_at",
    "last_at",
    "state",
    "note",
    "record",
];

const CAUSE_COLUMNS: [&str; 6] = ["items", "stage", "status", "code", "message", "example"];

/// Rows read from the journal at once, at most.
const PAGE: u32 = 1000;

#[derive(Serialize)]
struct FailureJson<'a> {
    run: &'a str,
    item: Seq,
    position: Position,
    key: &'a str,
    stage: Stage,
    status: Option<u16>,
    code: Option<&'a str>,
    message: &'a str,
    violations: &'a [Violation],
    attempts: u32,
    correlation_id: Option<&'a str>,
    remote_id: Option<&'a str>,
    first_at: Timestamp,
    last_at: Timestamp,
    state: FailureState,
    note: Option<&'a str>,
    record: Option<Content<'a>>,
}

/// Writes the failures that the query means, in its order.
///
/// # Errors
///
/// The journal could not be read, or the report not be written.
pub fn write_failures(
    out: &mut dyn Write,
    reader: &Reader,
    run: &RunRow,
    query: &Query,
    format: TableFormat,
) -> Result<(), ReportError> {
    match format {
        TableFormat::Table => {
            let mut table = Table::begin(out, TABLE);
            let mut rows = 0_u64;
            each(reader, run, query, Contents::Without, |row| {
                rows += 1;
                Ok(table.row(table_row(row))?)
            })?;
            if rows > 0 {
                return Ok(table.end()?);
            }
            Ok(writeln!(out, "no failures{}", if query.filter.is_empty() { "" } else { " match" })?)
        }
        TableFormat::Csv => {
            let id = run.id.to_string();
            let mut rows = CsvRows::begin(out, &COLUMNS)?;
            each(reader, run, query, Contents::With, |row| rows.row(csv_row(&id, row)))?;
            rows.end()
        }
        TableFormat::Json => {
            let id = run.id.to_string();
            let mut array = JsonArray::begin(out)?;
            each(reader, run, query, Contents::With, |row| write_json(&mut array, &id, row))?;
            array.end()
        }
    }
}

/// Reads page by page, so that memory holds one page.
pub(super) fn each(
    reader: &Reader,
    run: &RunRow,
    query: &Query,
    contents: Contents,
    mut take: impl FnMut(&FailureRow) -> Result<(), ReportError>,
) -> Result<(), ReportError> {
    let mut after = None;
    loop {
        let page = reader.failures(run, query, after, PAGE, contents)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        page.iter().try_for_each(&mut take)?;
    }
}

const TABLE: &[Column] = &[
    Column("item", Align::Right),
    Column("position", Align::Right),
    Column("key", Align::Left),
    Column("state", Align::Left),
    Column("stage", Align::Left),
    Column("status", Align::Right),
    Column("code", Align::Left),
    Column("tries", Align::Right),
    Column("message", Align::Left),
];

fn table_row(row: &FailureRow) -> Vec<String> {
    let mut message = shown(&row.message).into_owned();
    for violation in row.violations.iter().filter(|one| !row.message.contains(&one.reason)) {
        message.extend(["; ", &shown(&violation.place.to_string()), " ", &shown(&violation.reason)]);
    }
    if let Some(note) = &row.note {
        message.extend([" (note: ", &shown(note), ")"]);
    }
    vec![
        row.id.item.to_string(),
        row.position.to_string(),
        one_line(&row.key, WIDEST_KEY),
        row.state.word().to_owned(),
        row.stage.word().to_owned(),
        or_empty(row.status),
        or_empty(row.code.as_deref().map(shown)),
        row.attempts.to_string(),
        message,
    ]
}

fn csv_row(run: &str, row: &FailureRow) -> [String; 17] {
    let violations = serde_json::to_vec(&row.violations).unwrap_or_default();
    [
        run.to_owned(),
        row.id.item.to_string(),
        row.position.to_string(),
        text_cell(&row.key),
        row.stage.word().to_owned(),
        or_empty(row.status),
        or_empty(row.code.as_deref().map(text_cell)),
        text_cell(&row.message),
        json_cell(&violations),
        row.attempts.to_string(),
        or_empty(row.correlation_id.as_deref().map(text_cell)),
        or_empty(row.remote_id.as_deref().map(text_cell)),
        row.first_at.to_string(),
        row.last_at.to_string(),
        row.state.word().to_owned(),
        or_empty(row.note.as_deref().map(text_cell)),
        or_empty(row.record.as_deref().map(json_cell)),
    ]
}

fn write_json(array: &mut JsonArray<'_>, run: &str, row: &FailureRow) -> Result<(), ReportError> {
    let code = row.code.as_deref().map(shown);
    let correlation_id = row.correlation_id.as_deref().map(shown);
    let remote_id = row.remote_id.as_deref().map(shown);
    let note = row.note.as_deref().map(shown);
    array.row(&FailureJson {
        run,
        item: row.id.item,
        position: row.position,
        key: &shown(&row.key),
        stage: row.stage,
        status: row.status,
        code: code.as_deref(),
        message: &shown(&row.message),
        violations: &row.violations,
        attempts: row.attempts,
        correlation_id: correlation_id.as_deref(),
        remote_id: remote_id.as_deref(),
        first_at: row.first_at,
        last_at: row.last_at,
        state: row.state,
        note: note.as_deref(),
        record: Content::of(row.record.as_deref()),
    })
}

const CAUSES: &[Column] = &[
    Column("items", Align::Right),
    Column("stage", Align::Left),
    Column("status", Align::Right),
    Column("code", Align::Left),
    Column("example", Align::Left),
    Column("message", Align::Left),
];

#[derive(Serialize)]
struct CauseJson<'a> {
    items: u64,
    stage: Stage,
    status: Option<u16>,
    code: Option<&'a str>,
    message: &'a str,
    example: &'a str,
}

/// Writes the open failures by cause, the most frequent first.
///
/// # Errors
///
/// It could not be written.
pub fn write_causes(out: &mut dyn Write, causes: &[Cause], format: TableFormat) -> Result<(), ReportError> {
    match format {
        TableFormat::Table if causes.is_empty() => Ok(writeln!(out, "no open failures")?),
        TableFormat::Table => {
            let mut table = Table::begin(out, CAUSES);
            for cause in causes {
                table.row(vec![
                    grouped(cause.items),
                    cause.stage.word().to_owned(),
                    or_empty(cause.status),
                    or_empty(cause.code.as_deref().map(shown)),
                    shown(cause.example()).into_owned(),
                    shown(&cause.message).into_owned(),
                ])?;
            }
            Ok(table.end()?)
        }
        TableFormat::Csv => {
            let mut rows = CsvRows::begin(out, &CAUSE_COLUMNS)?;
            for cause in causes {
                rows.row([
                    cause.items.to_string(),
                    cause.stage.word().to_owned(),
                    or_empty(cause.status),
                    or_empty(cause.code.as_deref().map(text_cell)),
                    text_cell(&cause.message),
                    text_cell(cause.example()),
                ])?;
            }
            rows.end()
        }
        TableFormat::Json => {
            let mut array = JsonArray::begin(out)?;
            for cause in causes {
                let code = cause.code.as_deref().map(shown);
                array.row(&CauseJson {
                    items: cause.items,
                    stage: cause.stage,
                    status: cause.status,
                    code: code.as_deref(),
                    message: &shown(&cause.message),
                    example: &shown(cause.example()),
                })?;
            }
            array.end()
        }
    }
}
