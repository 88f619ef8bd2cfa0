//! Runs: all of them in a list, or one with its plan and its faults.

use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::cell::shown;
use super::stream::JsonArray;
use super::words::{grouped, local_time};
use super::{Align, Column, ListFormat, ReportError, Table};
use crate::journal::RunRow;
use crate::model::{Fault, FaultKind, OperationKind, RunState, Tally};
use crate::text::inert_json;

/// A run as programs read it.
#[derive(Debug, Serialize)]
struct RunJson<'a> {
    run: String,
    state: RunState,
    operation: OperationKind,
    profile: &'a str,
    datasets: Vec<&'a str>,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    items: Tally,
    records: Tally,
    requests: u64,
    retries: u64,
    throttled: u64,
    rows_failed: u64,
}

impl<'a> RunJson<'a> {
    fn of(run: &'a RunRow) -> Self {
        Self {
            run: run.id.to_string(),
            state: run.state,
            operation: run.operation,
            profile: &run.profile,
            datasets: run.datasets.iter().map(|dataset| dataset.path.as_str()).collect(),
            started_at: run.started_at,
            ended_at: run.ended_at,
            items: run.items,
            records: run.records,
            requests: run.requests,
            retries: run.retries,
            throttled: run.throttled,
            rows_failed: run.rows_failed,
        }
    }
}

/// Where a run's files are.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Paths<'a> {
    /// The journal.
    pub journal: &'a Path,
    /// The folder that is the run's own.
    pub folder: &'a Path,
}

/// All there is to tell of one run.
#[derive(Debug, Clone, Copy)]
pub struct RunReport<'a> {
    /// The run.
    pub run: &'a RunRow,
    /// What it has not read of its datasets, a sentence each.
    pub cut_off: &'a [String],
    /// Its faults, oldest first.
    pub faults: &'a [Fault],
    /// Where its files are.
    pub paths: Paths<'a>,
}

#[derive(Serialize)]
struct FaultJson<'a> {
    at: Timestamp,
    kind: FaultKind,
    message: &'a str,
    advice: &'a str,
}

#[derive(Serialize)]
struct ShowJson<'a> {
    #[serde(flatten)]
    run: RunJson<'a>,
    plan: Value,
    faults: Vec<FaultJson<'a>>,
    paths: Paths<'a>,
}

const COLUMNS: &[Column] = &[
    Column("run", Align::Left),
    Column("state", Align::Left),
    Column("operation", Align::Left),
    Column("profile", Align::Left),
    Column("began", Align::Left),
    Column("records", Align::Right),
    Column("delivered", Align::Right),
    Column("open", Align::Right),
    Column("pending", Align::Right),
    Column("dataset", Align::Left),
];

/// Writes the list of runs.
///
/// # Errors
///
/// It could not be written.
pub fn write_runs(out: &mut dyn Write, runs: &[RunRow], format: ListFormat) -> Result<(), ReportError> {
    match format {
        ListFormat::Json => {
            let mut array = JsonArray::begin(out)?;
            runs.iter().try_for_each(|run| array.row(&RunJson::of(run)))?;
            array.end()
        }
        ListFormat::Table if runs.is_empty() => Ok(writeln!(out, "there are no runs yet")?),
        ListFormat::Table => {
            let mut table = Table::begin(out, COLUMNS);
            for run in runs {
                table.row(vec![
                    run.id.prefix(),
                    run.state.word().to_owned(),
                    run.operation.word().to_owned(),
                    shown(&run.profile).into_owned(),
                    local_time(run.started_at),
                    run.records.total.map_or_else(String::new, grouped),
                    grouped(run.records.delivered),
                    grouped(run.records.open()),
                    grouped(run.records.pending),
                    datasets_in_short(run),
                ])?;
            }
            Ok(table.end()?)
        }
    }
}

fn datasets_in_short(run: &RunRow) -> String {
    let name = |path: &str| {
        let file = Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy());
        if path == "-" { "standard input".to_owned() } else { shown(&file).into_owned() }
    };
    match run.datasets.as_slice() {
        [] => String::new(),
        [one] => name(&one.path),
        [first, rest @ ..] => format!("{} and {} more", name(&first.path), rest.len()),
    }
}

/// Writes all there is to tell of one run.
///
/// # Errors
///
/// It could not be written.
pub fn write_run(out: &mut dyn Write, report: &RunReport<'_>, format: ListFormat) -> Result<(), ReportError> {
    match format {
        ListFormat::Json => {
            let show = ShowJson {
                run: RunJson::of(report.run),
                plan: plan_json(&report.run.plan),
                faults: report.faults.iter().map(fault_json).collect(),
                paths: report.paths,
            };
            let json = serde_json::to_string_pretty(&show).map_err(std::io::Error::from)?;
            Ok(writeln!(out, "{}", inert_json(&json))?)
        }
        ListFormat::Table => write_page(out, report),
    }
}

fn fault_json(fault: &Fault) -> FaultJson<'_> {
    FaultJson { at: fault.at, kind: fault.kind, message: &fault.message, advice: &fault.advice }
}

/// The plan as it was kept is our own text; one that a later version wrote in another way is shown as the text it is.
fn plan_json(plan: &str) -> Value {
    plan.parse::<toml::Table>().map_or_else(|_| Value::from(plan), |table| table_json(&table))
}

fn table_json(table: &toml::Table) -> Value {
    Value::Object(table.iter().map(|(key, value)| (key.clone(), value_json(value))).collect::<Map<_, _>>())
}

fn value_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(truth) => Value::from(*truth),
        toml::Value::Datetime(moment) => Value::from(moment.to_string()),
        toml::Value::Array(list) => list.iter().map(value_json).collect(),
        toml::Value::Table(table) => table_json(table),
    }
}

fn write_page(out: &mut dyn Write, report: &RunReport<'_>) -> Result<(), ReportError> {
    let run = report.run;
    let mut line = |name: &str, text: &str| writeln!(out, "{name:<12}{}", shown(text));
    line("run", &run.id.to_string())?;
    let carrier =
        run.carrier.as_ref().map(|carrier| format!(", carried by {}", carrier.0)).unwrap_or_default();
    line("state", &format!("{}{carrier}", run.state))?;
    line("operation", run.operation.word())?;
    let production = if run.production { " (production)" } else { "" };
    line("profile", &format!("{}{production}", run.profile))?;
    line("host", &run.api_url)?;
    line("began", &local_time(run.started_at))?;
    if let Some(ended) = run.ended_at {
        line("ended", &local_time(ended))?;
    }
    line("took", &super::span(run.took))?;
    for dataset in &run.datasets {
        let records = dataset.records.map_or_else(
            || "not read to its end".to_owned(),
            |records| super::records_of(records, "record", "records"),
        );
        let path = if dataset.path == "-" { "standard input" } else { &dataset.path };
        line("dataset", &format!("{path}: {}, {records}, {} bytes", dataset.format, grouped(dataset.bytes)))?;
    }
    for unread in report.cut_off {
        line("", unread)?;
    }
    line(run.operation.item_noun(), &tally_line(&run.items))?;
    line("records", &tally_line(&run.records))?;
    let calls = format!(
        "{}, {} of them repeated, {} answered \"slow down\" (429)",
        super::records_of(run.requests, "call", "calls"),
        grouped(run.retries),
        grouped(run.throttled)
    );
    line("calls", &calls)?;
    line("journal", &report.paths.journal.to_string_lossy())?;
    line("folder", &report.paths.folder.to_string_lossy())?;
    for fault in report.faults {
        line("fault", &format!("{} {}: {}", local_time(fault.at), fault.kind, fault.message))?;
        line("", &fault.advice)?;
    }
    writeln!(out, "\nplan")?;
    for text in run.plan.lines() {
        writeln!(out, "    {}", shown(text))?;
    }
    Ok(())
}

/// One tally in a sentence whose numbers add up.
pub(crate) fn tally_line(tally: &Tally) -> String {
    let total = tally.total.map(|total| format!("{} in all: ", grouped(total))).unwrap_or_default();
    let mut parts = vec![format!("{} delivered", grouped(tally.delivered))];
    for (count, word) in [
        (tally.failed, "failed"),
        (tally.invalid, "invalid"),
        (tally.dismissed, "dismissed"),
        (tally.pending, "pending"),
    ] {
        if count > 0 {
            parts.push(format!("{} {word}", grouped(count)));
        }
    }
    format!("{total}{}", parts.join(", "))
}
