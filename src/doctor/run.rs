//! One run: where it stands, what it waits for, what last went wrong, and whether its files are what they were.

use std::path::Path;

use super::{Area, Finding, PATIENCE, State, Subject};
use crate::engine;
use crate::journal::{DatasetRow, JournalError, Reader, RunRow};
use crate::machine;
use crate::model::{Fault, RunState};
use crate::report::{grouped, local_time, tally_line};
use crate::text::one_line;

const AREA: Area = Area::Run;

/// The last of its happenings among which trouble is looked for.
const LATEST: i64 = 200;

/// What the journal tells of it beside its row.
struct Told {
    faults: Vec<Fault>,
    not_before: Option<jiff::Timestamp>,
    trouble: Option<String>,
    causes: usize,
}

pub(super) async fn examine(run: &RunRow, subject: &Subject<'_>) -> Vec<Finding> {
    let (folder, row) = (subject.places.data_dir.clone(), run.clone());
    let told = match machine::off_thread(move || told(&folder, &row)).await {
        Ok(Ok(told)) => told,
        Ok(Err(error)) => return vec![Finding::of_error(AREA, "journal", &error.to_string())],
        Err(error) => {
            return vec![Finding::bad(AREA, "journal", format!("an internal error: {error}"), "tell us")];
        }
    };
    let mut findings = vec![state(run, &told)];
    findings.push(Finding::ok(AREA, "records", tally_line(&run.records)));
    findings.extend(faults(run, &told));
    findings.extend(told.not_before.filter(|at| *at > machine::now() && !run.state.is_over()).map(|at| {
        let found = format!("no call starts before {}: the platform has asked for that", local_time(at));
        Finding::look(AREA, "wait", found, "nothing: a resume waits until then")
    }));
    findings.extend(told.trouble.map(|trouble| Finding::ok(AREA, "last trouble", trouble)));
    for (number, dataset) in (1..).zip(&run.datasets) {
        findings.push(file(run, number, dataset).await);
    }
    findings
}

fn told(folder: &Path, run: &RunRow) -> Result<Told, JournalError> {
    let reader = Reader::open(folder)?;
    let last = reader.last_event(run)?;
    let latest = reader.events(run, last.saturating_sub(LATEST), u32::try_from(LATEST).unwrap_or(200))?;
    let trouble = latest.iter().rev().find(|event| event.kind == "waiting").map(|event| {
        let status = event.status.map_or_else(|| "no answer".to_owned(), |status| format!("status {status}"));
        let reason = event.reason.as_deref().unwrap_or("?");
        format!("{}: {status} ({reason})", local_time(event.at))
    });
    Ok(Told {
        faults: reader.faults(run)?,
        not_before: reader.no_call_before(run)?,
        trouble,
        causes: reader.causes(run, &crate::journal::Query::default())?.len(),
    })
}

fn state(run: &RunRow, told: &Told) -> Finding {
    let name = run.id.prefix();
    let open = run.records.open();
    match (run.state, &run.carrier) {
        (_, Some(carrier)) => Finding::ok(AREA, "state", format!("{}, carried by {}", run.state, carrier.0)),
        (RunState::Faulted, None) => {
            let advice = told.faults.last().map_or("resume it", |fault| &fault.advice);
            Finding::bad(
                AREA,
                "state",
                format!("a fault stands; {} records are pending", grouped(run.records.pending)),
                advice,
            )
        }
        (RunState::Paused | RunState::Running, None) => Finding::look(
            AREA,
            "state",
            format!("paused; {} records are pending", grouped(run.records.pending)),
            &format!("`trunkline resume {name}` goes on"),
        ),
        (RunState::CompletedWithFailures, None) => Finding::look(
            AREA,
            "state",
            format!("ended; {} records are open, for {} causes", grouped(open), told.causes),
            &format!("`trunkline failures {name} --by cause` tells why"),
        ),
        (state @ (RunState::Completed | RunState::Cancelled), None) => {
            Finding::ok(AREA, "state", state.word())
        }
    }
}

fn faults(run: &RunRow, told: &Told) -> Option<Finding> {
    let last = told.faults.last()?;
    let count = told.faults.len();
    let found = format!(
        "{}, the last {} ({}): {}",
        crate::report::records_of(count as u64, "fault", "faults"),
        local_time(last.at),
        last.kind,
        one_line(&last.message, 400)
    );
    let state = if run.state == RunState::Faulted { State::Bad } else { State::Ok };
    Some(Finding {
        advice: Some(last.advice.clone()).filter(|_| state == State::Bad),
        ..Finding::new(AREA, "faults", state, found)
    })
}

async fn file(run: &RunRow, number: u32, dataset: &DatasetRow) -> Finding {
    let what = format!("dataset {number}");
    if dataset.path == "-" {
        return Finding::unchecked(AREA, what, "standard input: what was read of it is in the run's folder");
    }
    let path = Path::new(&dataset.path);
    let shown = one_line(&dataset.path, 300);
    match tokio::time::timeout(PATIENCE, engine::same_as_before(path, dataset)).await {
        Ok(Ok(_)) => Finding::ok(AREA, what, format!("`{shown}` is as it was when the run began")),
        Ok(Err(fault)) if run.state.is_over() => {
            Finding::look(AREA, what, one_line(&fault.message, 400), "nothing: the run is over")
        }
        Ok(Err(fault)) => Finding::bad(AREA, what, one_line(&fault.message, 400), &fault.advice),
        Err(_) => Finding::unchecked(
            AREA,
            what,
            format!("`{shown}` is too large to be read in {} s", PATIENCE.as_secs()),
        ),
    }
}
