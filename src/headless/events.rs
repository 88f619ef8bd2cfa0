//! One JSON object a line, for programs: the contract of `--events`.
//!
//! Lines and keys are added over time, never taken away. The first line is `run_started`, the last `run_finished`,
//! whatever happens between them.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::phrases::PROMPT;
use super::teller::{Sight, Voice};
use super::watch::{AtFault, Origin};
use crate::engine::Ending;
use crate::journal::{Contents, EventRow, FailureRow, Filter, RunRow};
use crate::model::{Fault, FaultKind, Figures, OperationKind, Position, RunId, RunState, Seq, Stage, Tally};
use crate::text::{inert_json, lines, one_line};

/// The least time between two `progress` lines.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Tells of a run in event lines.
pub(super) struct EventLines<W> {
    out: W,
    run: RunId,
    origin: Origin,
    at_fault: AtFault,
    last: Option<(Instant, Progress)>,
}

#[derive(Serialize)]
struct Line<'a, T> {
    event: &'a str,
    #[serde(serialize_with = "to_the_millisecond")]
    at: Timestamp,
    run: RunId,
    #[serde(flatten)]
    body: T,
}

/// Always with three decimals, so that moments are equally long and sort as texts.
fn to_the_millisecond<S: serde::Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{at:.3}"))
}

#[derive(Serialize)]
struct Started<'a> {
    operation: OperationKind,
    profile: &'a str,
    datasets: &'a [String],
    resumed: bool,
}

#[derive(Serialize, Clone, PartialEq)]
struct Progress {
    items: Tally,
    records: Tally,
    requests: u64,
    retries: u64,
    throttled: u64,
    rate: f64,
    waiting: u64,
    eta_s: Option<u64>,
}

#[derive(Serialize)]
struct Waiting<'a> {
    item: Option<Seq>,
    attempt: Option<u32>,
    status: Option<u16>,
    delay_ms: Option<u64>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Pool<'a> {
    delay_ms: Option<u64>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Failed<'a> {
    item: Option<Seq>,
    records: Option<(Position, u64)>,
    stage: Option<Stage>,
    status: Option<u16>,
    code: Option<&'a str>,
    message: &'a str,
    attempts: u32,
    correlation_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Faulted<'a> {
    kind: FaultKind,
    message: &'a str,
    advice: &'a str,
}

#[derive(Serialize)]
struct Finished {
    state: RunState,
    items: Tally,
    records: Tally,
    requests: u64,
    retries: u64,
    throttled: u64,
    elapsed_ms: u64,
}

impl<W: Write + Send> EventLines<W> {
    pub(super) fn new(out: W, run: RunId, origin: Origin, at_fault: AtFault) -> Self {
        Self { out, run, origin, at_fault, last: None }
    }

    fn line<T: Serialize>(&mut self, event: &str, at: Timestamp, body: T) -> io::Result<()> {
        let json = serde_json::to_string(&Line { event, at, run: self.run, body })?;
        self.out.write_all(inert_json(&json).as_bytes())?;
        self.out.write_all(b"\n")
    }

    fn row(&mut self, row: &EventRow, failures: &HashMap<Seq, FailureRow>) -> io::Result<()> {
        let reason = row.reason.as_deref();
        match row.kind.as_str() {
            "waiting" => {
                let EventRow { item, attempt, status, delay_ms, .. } = *row;
                self.line("item_waiting", row.at, Waiting { item, attempt, status, delay_ms, reason })
            }
            kind @ ("pool_paused" | "pool_resumed") => {
                self.line(kind, row.at, Pool { delay_ms: row.delay_ms, reason })
            }
            "item_failed" => {
                let failure = row.item.and_then(|item| failures.get(&item));
                self.line("item_failed", row.at, failed(row, failure))
            }
            "fault" => row.fault().map_or(Ok(()), |fault| self.fault(&fault)),
            // the state comes with the last line, and the rest is for people
            _ => Ok(()),
        }
    }

    fn fault(&mut self, fault: &Fault) -> io::Result<()> {
        let Fault { at, kind, message, advice, .. } = fault;
        self.line("fault", *at, Faulted { kind: *kind, message, advice })?;
        if self.at_fault == AtFault::Wait {
            // standard output is for lines only
            let _ = writeln!(io::stderr(), "fault: {}\n{}\n{PROMPT}", lines(message), lines(advice));
        }
        Ok(())
    }
}

/// Tells in event lines of a run that could not go on at all: lines have a first and a last also then.
///
/// # Errors
///
/// They could not be written.
pub fn write_standstill(out: impl Write + Send, run: &RunRow, fault: &Fault) -> io::Result<()> {
    let mut lines = EventLines::new(out, run.id, Origin::Resumed, AtFault::Leave);
    let datasets: Vec<String> = run.datasets.iter().map(|dataset| one_line(&dataset.path, 500)).collect();
    let (operation, profile) = (run.operation, run.profile.as_str());
    lines.line("run_started", now(), Started { operation, profile, datasets: &datasets, resumed: true })?;
    lines.fault(fault)?;
    let RunRow { state, items, records, requests, retries, throttled, took, .. } = *run;
    let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let finished = Finished { state, items, records, requests, retries, throttled, elapsed_ms };
    lines.line("run_finished", now(), finished)?;
    lines.out.flush()
}

/// What the event says is true of its own moment; the failure's row adds what an event does not hold.
fn failed<'a>(row: &'a EventRow, failure: Option<&'a FailureRow>) -> Failed<'a> {
    Failed {
        item: row.item,
        records: failure.map(|failure| (failure.position, failure.count)),
        stage: row
            .reason
            .as_deref()
            .and_then(|stage| stage.parse().ok())
            .or(failure.map(|failure| failure.stage)),
        status: row.status,
        code: failure.and_then(|failure| failure.code.as_deref()),
        message: row.text.as_deref().unwrap_or_default(),
        attempts: row.attempt.unwrap_or(0),
        correlation_id: failure.and_then(|failure| failure.correlation_id.as_deref()),
    }
}

/// A moment as exact as those in the journal.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

impl<W: Write + Send> Voice for EventLines<W> {
    fn began(&mut self, _: &Sight, figures: &Figures) -> io::Result<()> {
        let started = Started {
            operation: figures.operation,
            profile: &figures.profile,
            datasets: &figures.datasets,
            resumed: self.origin == Origin::Resumed,
        };
        self.line("run_started", now(), started)?;
        self.out.flush()
    }

    fn happened(&mut self, sight: &Sight, rows: &[EventRow]) -> io::Result<()> {
        let items: Vec<Seq> =
            rows.iter().filter(|row| row.kind == "item_failed").filter_map(|row| row.item).collect();
        let mut failures = HashMap::with_capacity(items.len());
        if !items.is_empty() {
            let limit = u32::try_from(items.len()).unwrap_or(u32::MAX);
            let query = Filter { items, ..Filter::default() }.into();
            match sight.reader.failures(&sight.run, &query, None, limit, Contents::Without) {
                Ok(found) => failures.extend(found.into_iter().map(|failure| (failure.id.item, failure))),
                Err(error) => {
                    tracing::warn!(%error, "failures could not be read; their events come without codes");
                }
            }
        }
        rows.iter().try_for_each(|row| self.row(row, &failures))?;
        self.out.flush()
    }

    fn stands(&mut self, figures: &Figures, now_instant: Instant) -> io::Result<Option<Instant>> {
        let progress = Progress {
            items: figures.items,
            records: figures.records,
            requests: figures.requests,
            retries: figures.retries,
            throttled: figures.throttled,
            rate: (figures.pace.rate.max(0.0) * 100.0).round() / 100.0 + 0.0,
            waiting: figures.waiting,
            eta_s: figures.eta.map(|eta| eta.as_secs()),
        };
        if let Some((at, last)) = &self.last {
            if *last == progress {
                return Ok(None);
            }
            let due = *at + PROGRESS_EVERY;
            if due > now_instant {
                return Ok(Some(due));
            }
        }
        self.last = Some((now_instant, progress.clone()));
        self.line("progress", now(), progress)?;
        self.out.flush()?;
        Ok(None)
    }

    fn ended(&mut self, _: &Sight, figures: &Figures, ending: &Ending) -> io::Result<()> {
        let finished = Finished {
            state: ending.state,
            items: figures.items,
            records: figures.records,
            requests: figures.requests,
            retries: figures.retries,
            throttled: figures.throttled,
            elapsed_ms: u64::try_from(figures.elapsed.as_millis()).unwrap_or(u64::MAX),
        };
        self.line("run_finished", now(), finished)?;
        self.out.flush()
    }
}
