//! Runs that are stopped, gone on with and mended: each record is counted once, whatever comes in between.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::fmt::Write as _;
use std::time::Duration;

use support::{Tenant, contacts, interactions};
use trunkline::engine::{self, Command, Handle, Setup};
use trunkline::journal::{JournalError, Query, RunRow};
use trunkline::model::{FailureState, Fault, FaultKind, OperationKind, Phase, RunState};
use trunkline::plan::Plan;

fn setup(tenant: &Tenant, row: &RunRow) -> Setup {
    tenant.setup(Plan::from_toml(&row.plan).unwrap())
}

async fn until_delivered(handle: &Handle, count: u64) {
    let mut changes = handle.changes();
    while handle.figures().records.delivered < count {
        changes.changed().await.unwrap();
    }
}

async fn until_fault(handle: &Handle) -> Fault {
    let mut changes = handle.changes();
    loop {
        match handle.figures().phase {
            Phase::Faulted(fault) => return fault,
            Phase::Ended(state) => panic!("ended without a fault: {state}"),
            _ => {}
        }
        changes.changed().await.unwrap();
    }
}

async fn until_phase(handle: &Handle, phase: &Phase) {
    let mut changes = handle.changes();
    while handle.figures().phase != *phase {
        changes.changed().await.unwrap();
    }
}

async fn leave(handle: &Handle, command: Command) -> RunRow {
    assert!(handle.command(command));
    handle.ended().await;
    handle.row().unwrap()
}

fn open_failures(tenant: &Tenant, run: &RunRow) -> Vec<u64> {
    let states = [FailureState::Failed, FailureState::Invalid];
    tenant
        .journal
        .reader()
        .unwrap()
        .failures_in(run, &Query::default(), &states)
        .unwrap()
        .iter()
        .map(|id| id.item)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_that_looked_before_another_went_on_sends_nothing_again() {
    for kind in [OperationKind::Outcomes, OperationKind::Ingest] {
        let tenant = Tenant::start("calm").await;
        let (dataset, settings) = match kind {
            OperationKind::Ingest => {
                (tenant.file("a.ndjson", &interactions(2_000).ndjson()), ("chunk_records", "50"))
            }
            _ => (tenant.file("outcomes.csv", &contacts(300)), ("rate", "0")),
        };
        let handle = tenant.begin(kind, &[&dataset], &[settings]).await.unwrap();
        until_delivered(&handle, 60).await;
        let stale = leave(&handle, Command::Drain).await;
        engine::resume(setup(&tenant, &stale), &stale).await.unwrap().ended().await;
        let done = handle.row().unwrap();
        assert_eq!(done.state, RunState::Completed);
        let refused = engine::resume(setup(&tenant, &stale), &stale).await.unwrap_err();
        assert!(refused.to_string().contains("is completed"), "{refused}");
        assert_eq!(handle.row().unwrap().requests, done.requests);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_is_sent_again_twice_at_once_goes_once_and_counts_once() {
    let tenant = Tenant::start("calm").await;
    let csv = "contactId,category,subcategory\na,Contacted,Sale\nunknown-1,Contacted,Sale\nunknown-2,Contacted,Sale\n";
    let dataset = tenant.file("outcomes.csv", csv.as_bytes());
    let run = tenant.run(OperationKind::Outcomes, &[&dataset], &[("preflight", "false")]).await;
    let items = open_failures(&tenant, &run);
    assert_eq!(items.len(), 2);
    let handle = engine::retry(setup(&tenant, &run), &run, items.clone(), "sam".to_owned()).await.unwrap();
    assert!(handle.command(Command::Retry { items, by: "sam".to_owned() }));
    handle.ended().await;
    let row = handle.row().unwrap();
    assert_eq!((row.items.failed, row.items.delivered, row.items.pending), (2, 1, 0));
    assert_eq!(row.requests, run.requests + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_missing_scope_stopped_stays_pending_where_unsure_is_for_a_person() {
    let tenant =
        Tenant::scenario("forbidden = [\"outcomes\"]\n[latency]\nmin = \"20ms\"\nmax = \"30ms\"\n").await;
    let dataset = tenant.file("outcomes.csv", &contacts(100));
    let settings = [("unsure", "fail"), ("preflight", "false")];
    let handle = tenant.begin(OperationKind::Outcomes, &[&dataset], &settings).await.unwrap();
    assert_eq!(until_fault(&handle).await.kind, FaultKind::MissingScope);
    let row = leave(&handle, Command::Drain).await;
    assert_eq!((row.records.pending, row.records.failed), (100, 0));
    let handle = engine::resume(setup(&tenant, &row), &row).await.unwrap();
    until_fault(&handle).await;
    let row = leave(&handle, Command::Drain).await;
    assert_eq!((row.records.pending, row.records.failed), (100, 0), "an answered call is no unsure one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_outlives_a_resume_that_sent_nothing() {
    for between in [false, true] {
        let tenant = Tenant::scenario("[latency]\nmin = \"300ms\"\nmax = \"400ms\"\n").await;
        let dataset = tenant.file("outcomes.csv", &contacts(60));
        let handle = tenant.begin(OperationKind::Outcomes, &[&dataset], &[("rate", "0")]).await.unwrap();
        until_delivered(&handle, 10).await;
        let mut changes = handle.changes();
        while handle.figures().workers.iter().all(|worker| worker.doing == trunkline::model::Doing::Idle) {
            changes.changed().await.unwrap();
        }
        let mut row = leave(&handle, Command::LeaveAtOnce).await;
        if between {
            let handle = engine::resume(setup(&tenant, &row), &row).await.unwrap();
            row = leave(&handle, Command::Drain).await;
        }
        engine::resume(setup(&tenant, &row), &row).await.unwrap().ended().await;
        let mut marks = 0;
        let count = |one: trunkline::journal::ResultRow| -> Result<(), JournalError> {
            marks += u64::from(one.unsure);
            Ok(())
        };
        tenant.journal.reader().unwrap().each_result(&row, count).unwrap();
        let replays = tenant.ledger()["outcomes"]["replays"].as_u64().unwrap();
        let told = format!("{marks} marks for {replays} repetitions (a resume in between: {between})");
        // of ten workers
        assert!((replays..=10).contains(&marks) && replays > 0, "{told}");
        assert_eq!(handle.row().unwrap().records.delivered, 60);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_is_left_leaves_each_failure_counted_once() {
    let tenant = Tenant::start("bare").await;
    let mut csv = "contactId,category,subcategory\n".to_owned();
    for number in 0..1_000 {
        writeln!(csv, "c{number},Contacted,Sail").unwrap();
    }
    let dataset = tenant.file("outcomes.csv", csv.as_bytes());
    let run = tenant.run(OperationKind::Outcomes, &[&dataset], &[]).await;
    assert_eq!(run.items.invalid, 1_000);
    let items = open_failures(&tenant, &run);
    let handle = engine::retry(setup(&tenant, &run), &run, items, "sam".to_owned()).await.unwrap();
    let mut changes = handle.changes();
    while handle.figures().items.pending == 0 {
        changes.changed().await.unwrap();
    }
    let row = leave(&handle, Command::Drain).await;
    assert_eq!((row.items.invalid, row.items.pending), (1_000, 0));
    // whoever takes the run next finds the same
    let (book, _lock) = tenant.journal.take(&row).unwrap();
    assert_eq!((book.counts().items.invalid, book.counts().items.failed), (1_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_could_not_be_mapped_is_never_sent_as_it_stood() {
    let tenant = Tenant::start("bare").await;
    let records = "{\"id\":\"1\",\"secs\":\"5\",\"private\":\"x\"}\n{\"id\":\"2\",\"secs\":\"five\",\"private\":\"x\"}\n";
    let dataset = tenant.file("a.ndjson", records.as_bytes());
    let text = Tenant::plan(OperationKind::Ingest, &[&dataset], &[]).to_toml();
    let text = text + "\n[operation.map]\nid = \"/id\"\nsecs = { from = \"/secs\", as = \"integer\" }\n";
    let setup_of = tenant.setup(Plan::from_toml(&text).unwrap());
    let scanned = engine::scan(&setup_of.plan, false, |_, _| ()).await.unwrap();
    let handle = engine::begin(setup_of, scanned).await.unwrap();
    handle.ended().await;
    let run = handle.row().unwrap();
    assert_eq!((run.records.delivered, run.records.invalid), (1, 1));
    let items = open_failures(&tenant, &run);
    engine::retry(setup(&tenant, &run), &run, items, "sam".to_owned()).await.unwrap().ended().await;
    let run = handle.row().unwrap();
    assert_eq!((run.records.delivered, run.records.invalid), (1, 1), "still invalid");
    assert_eq!(tenant.ledger()["ingest"]["records_applied"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_is_kept_open_by_single_records_is_not_taken_for_closed() {
    let tenant = Tenant::scenario("[latency]\nmin = \"40ms\"\nmax = \"45ms\"\n").await;
    let dataset = tenant.file("a.ndjson", &interactions(60).ndjson());
    let settings = [("chunk_records", "1"), ("correlation_window", "1s")];
    let handle = tenant.begin(OperationKind::Ingest, &[&dataset], &settings).await.unwrap();
    until_delivered(&handle, 5).await;
    let row = leave(&handle, Command::Drain).await;
    let handle = engine::resume(setup(&tenant, &row), &row).await.unwrap();
    let mut changes = handle.changes();
    let ended = loop {
        match handle.figures().phase {
            Phase::Ended(state) => break state,
            Phase::Faulted(fault) => panic!("{fault:?}"),
            _ => changes.changed().await.unwrap(),
        }
    };
    assert_eq!(ended, RunState::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_is_closed_is_a_fault_and_sends_nothing() {
    let tenant = Tenant::scenario("[latency]\nmin = \"20ms\"\nmax = \"25ms\"\n").await;
    let dataset = tenant.file("a.ndjson", &interactions(60).ndjson());
    let settings = [("chunk_records", "1"), ("correlation_window", "500ms")];
    let handle = tenant.begin(OperationKind::Ingest, &[&dataset], &settings).await.unwrap();
    until_delivered(&handle, 1).await;
    assert!(handle.command(Command::Pause));
    until_phase(&handle, &Phase::Paused).await;
    let before = handle.figures().requests;
    // real time: the platform's clock is what closes a set
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(handle.command(Command::GoOn));
    assert_eq!(until_fault(&handle).await.kind, FaultKind::CorrelationWindow);
    let row = leave(&handle, Command::Drain).await;
    assert_eq!(row.records.delivered + row.records.pending, 60);
    assert_eq!(row.requests, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_by_a_person_outlives_a_fault_that_ends_by_itself() {
    let scenario =
        "[faults]\nthrottle = 1.0\n[retry_after]\nmin = \"2s\"\nmax = \"2s\"\ndate = 0.0\nmissing = 0.0\n";
    let tenant = Tenant::scenario(scenario).await;
    let dataset = tenant.file("outcomes.csv", &contacts(5));
    let settings = [("preflight", "false"), ("retry_after_limit", "1s"), ("rate", "0"), ("workers", "1")];
    let handle = tenant.begin(OperationKind::Outcomes, &[&dataset], &settings).await.unwrap();
    let fault = until_fault(&handle).await;
    assert_eq!(fault.kind, FaultKind::Parked);
    assert!(handle.command(Command::Pause));
    until_phase(&handle, &Phase::Paused).await;
    assert_eq!(handle.figures().requests, 1);
    leave(&handle, Command::Drain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_run_is_parked_by_the_long_pause_that_another_was_told_of() {
    let scenario =
        "[faults]\nthrottle = 1.0\n[retry_after]\nmin = \"2m\"\nmax = \"2m\"\ndate = 0.0\nmissing = 0.0\n";
    let tenant = Tenant::scenario(scenario).await;
    let dataset = tenant.file("outcomes.csv", &contacts(5));
    let settings = [("preflight", "false"), ("retry_after_limit", "1m"), ("workers", "1")];
    let first = tenant.begin(OperationKind::Outcomes, &[&dataset], &settings).await.unwrap();
    let told = until_fault(&first).await;
    leave(&first, Command::Drain).await;
    // it neither waits for minutes without a word nor asks the platform once more
    let other = tenant.begin(OperationKind::Outcomes, &[&dataset], &settings).await.unwrap();
    let fault = until_fault(&other).await;
    assert_eq!((told.kind, fault.kind), (FaultKind::Parked, FaultKind::Parked));
    let apart = fault.resumes_at.unwrap().duration_since(told.resumes_at.unwrap()).abs();
    assert!(apart < jiff::SignedDuration::from_secs(30), "{told:?} {fault:?}");
    assert_eq!(leave(&other, Command::Drain).await.requests, 0);
    // one who bears as much waits
    let patient = [("preflight", "false"), ("retry_after_limit", "1h")];
    let patient = tenant.begin(OperationKind::Outcomes, &[&dataset], &patient).await.unwrap();
    until(&patient, |figures| figures.pace.pause.is_some()).await;
    assert_eq!(patient.figures().phase, Phase::Running);
    assert_eq!(leave(&patient, Command::Drain).await.requests, 0);
}

/// Contacts whose subcategory the platform does not have, before those that are right.
fn misspelt(wrong: usize, right: usize) -> Vec<u8> {
    let mut csv = "contactId,category,subcategory\n".to_owned();
    for number in 0..wrong {
        writeln!(csv, "wrong-{number},Contacted,Sail").unwrap();
    }
    for number in 0..right {
        writeln!(csv, "right-{number},Contacted,Sale").unwrap();
    }
    csv.into_bytes()
}

fn told(tenant: &Tenant, run: &RunRow, kind: &str) -> Vec<String> {
    let events = tenant.journal.reader().unwrap().events(run, 0, 100_000).unwrap();
    events.into_iter().filter(|one| one.kind == kind).filter_map(|one| one.text).collect()
}

async fn until(handle: &Handle, holds: impl Fn(&trunkline::model::Figures) -> bool) {
    let mut changes = handle.changes();
    while !holds(&handle.figures()) {
        changes.changed().await.unwrap();
    }
}

/// The map of a run that is over, and the journal's: they must agree.
fn map_of(tenant: &Tenant, handle: &Handle) -> trunkline::model::ItemMap {
    let mut read = tenant.journal.reader().unwrap().item_map(&handle.row().unwrap()).unwrap();
    read.clear(trunkline::model::Mark::UnderWay);
    assert_eq!(*handle.figures().map, read);
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_equal_refusals_end_a_retry_and_leave_the_rest_as_it_was() {
    let tenant = Tenant::start("bare").await;
    let dataset = tenant.file("outcomes.csv", &misspelt(200, 3));
    let run = tenant.run(OperationKind::Outcomes, &[&dataset], &[]).await;
    assert_eq!((run.items.invalid, run.items.delivered), (200, 3));
    let mut setup = setup(&tenant, &run);
    setup.plan.set_all(&[("preflight", "false"), ("fault_after", "5"), ("workers", "1")]).unwrap();
    let items = open_failures(&tenant, &run);
    let handle = engine::retry(setup, &run, items, "sam".to_owned()).await.unwrap();
    let ending = handle.ended().await;
    assert_eq!((ending.state, ending.fault), (RunState::CompletedWithFailures, None));
    let row = handle.row().unwrap();
    assert_eq!((row.items.failed, row.items.invalid, row.items.pending), (5, 195, 0));
    assert_eq!(row.requests, run.requests + 5);
    assert_eq!(
        told(&tenant, &row, "act_ended"),
        [
            "Stopped after 5: all refused again for the same reason (400 outcome.unknown). 195 were not sent and are as before."
        ]
    );
    assert_eq!(handle.figures().act, None);
    map_of(&tenant, &handle);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_within_a_run_that_goes_on_stops_alone() {
    let tenant = Tenant::scenario("[latency]\nmin = \"15ms\"\nmax = \"20ms\"\n").await;
    let dataset = tenant.file("outcomes.csv", &misspelt(100, 400));
    let handle = tenant.begin(OperationKind::Outcomes, &[&dataset], &[("rate", "0")]).await.unwrap();
    until_delivered(&handle, 10).await;
    let row = leave(&handle, Command::Drain).await;
    assert_eq!(row.items.invalid, 100);
    let mut setup = setup(&tenant, &row);
    setup.plan.set_all(&[("preflight", "false"), ("fault_after", "5"), ("workers", "2")]).unwrap();
    let items = open_failures(&tenant, &row);
    let handle = engine::resume(setup, &row).await.unwrap();
    assert!(handle.command(Command::Retry { items, by: "sam".to_owned() }));
    until(&handle, |figures| figures.act.as_ref().is_some_and(|act| act.by == "sam" && act.asked == 100))
        .await;
    let ending = handle.ended().await;
    assert_eq!((ending.state, ending.fault), (RunState::CompletedWithFailures, None));
    let row = handle.row().unwrap();
    assert_eq!((row.records.delivered, row.records.pending), (400, 0));
    // the call that was out beside the fifth ends too
    assert!((5..=7).contains(&row.items.failed), "{:?}", row.items);
    assert_eq!(row.items.failed + row.items.invalid, 100);
    let ended = told(&tenant, &row, "act_ended");
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert!(ended[0].contains("for the same reason (400 outcome.unknown)"), "{ended:?}");
    assert!(tenant.journal.reader().unwrap().faults(&row).unwrap().is_empty());
    map_of(&tenant, &handle);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_is_left_says_what_it_has_not_sent() {
    let tenant = Tenant::scenario("[latency]\nmin = \"40ms\"\nmax = \"50ms\"\n").await;
    let mut csv = "contactId,category,subcategory\n".to_owned();
    for number in 0..60 {
        writeln!(csv, "unknown-{number},Contacted,Sale").unwrap();
    }
    let dataset = tenant.file("outcomes.csv", csv.as_bytes());
    let settings = [("rate", "0"), ("fault_after", "0")];
    let run = tenant.run(OperationKind::Outcomes, &[&dataset], &settings).await;
    let items = open_failures(&tenant, &run);
    let mut setup = setup(&tenant, &run);
    setup.plan.set("workers", "1").unwrap();
    let handle = engine::retry(setup, &run, items, "sam".to_owned()).await.unwrap();
    until(&handle, |figures| figures.act.as_ref().is_some_and(|act| act.failed > 2)).await;
    let row = leave(&handle, Command::Drain).await;
    assert_eq!((row.items.failed, row.items.pending), (60, 0));
    let ended = told(&tenant, &row, "act_ended");
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert!(ended[0].starts_with("Not all were sent: delivered 0, refused again "), "{ended:?}");
    assert!(ended[0].ends_with(" were not sent and are as before."), "{ended:?}");
    map_of(&tenant, &handle);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_come_and_go_while_a_run_goes_and_a_resume_keeps_their_number() {
    let tenant = Tenant::scenario("[latency]\nmin = \"30ms\"\nmax = \"60ms\"\n").await;
    let dataset = tenant.file("outcomes.csv", &contacts(600));
    let settings = [("rate", "0"), ("workers", "1")];
    let handle = tenant.begin(OperationKind::Outcomes, &[&dataset], &settings).await.unwrap();
    let sending = |figures: &trunkline::model::Figures| {
        let is_sending = |one: &&trunkline::model::WorkerFigures| {
            matches!(one.doing, trunkline::model::Doing::Sending { .. })
        };
        figures.workers.iter().filter(is_sending).count()
    };
    until_delivered(&handle, 2).await;
    assert_eq!(handle.figures().workers.len(), 1);
    assert!(handle.command(Command::SetWorkers { workers: 8, by: "sam".to_owned() }));
    until(&handle, |figures| figures.workers_asked == 8 && sending(figures) == 8).await;
    assert!(handle.command(Command::SetWorkers { workers: 3, by: "sam".to_owned() }));
    until(&handle, |figures| figures.workers_asked == 3 && figures.workers.len() == 3).await;
    until(&handle, |figures| sending(figures) == 3).await;
    // more than there may be
    assert!(handle.command(Command::SetWorkers { workers: 100, by: "max".to_owned() }));
    until(&handle, |figures| figures.workers.len() == 100).await;
    assert!(handle.command(Command::SetWorkers { workers: 2, by: "sam".to_owned() }));
    let rate = Command::SetRate { rate: Some(500.0), by: "sam".to_owned() };
    assert!(handle.command(rate));
    until(&handle, |figures| figures.workers.len() == 2 && figures.pace.ceiling == Some(500.0)).await;
    let row = leave(&handle, Command::Drain).await;
    assert!(row.records.pending > 0, "{:?}", row.records);
    map_of(&tenant, &handle);
    let handle = engine::resume(setup(&tenant, &row), &row).await.unwrap();
    let figures = handle.figures();
    assert_eq!((figures.workers.len(), figures.pace.ceiling), (2, Some(500.0)));
    assert_eq!(figures.pace.ceiling_by.as_deref(), Some("sam"));
    leave(&handle, Command::Drain).await;
    // what is typed wins
    let mut setup = setup(&tenant, &row);
    setup.plan.set_delivery_all(&[("rate", "0"), ("workers", "5")]).unwrap();
    setup.wins = engine::Wins { ceiling: engine::Winner::Plan, workers: engine::Winner::Plan };
    let handle = engine::resume(setup, &row).await.unwrap();
    let figures = handle.figures();
    assert_eq!((figures.workers.len(), figures.pace.ceiling, figures.pace.ceiling_by), (5, None, None));
    handle.ended().await;
    let row = handle.row().unwrap();
    assert_eq!((row.state, row.records.delivered), (RunState::Completed, 600));
    assert_eq!(tenant.ledger()["outcomes"]["effects"]["twice_or_more"], 0);
    assert_eq!(
        told(&tenant, &row, "workers"),
        [
            "sam: 8 calls at a time",
            "sam: 3 calls at a time",
            "max: 100 calls at a time",
            "sam: 2 calls at a time"
        ]
    );
    map_of(&tenant, &handle);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_workers_take_up_more_datasets_and_fewer_take_up_no_further_one() {
    let tenant = Tenant::scenario("[latency]\nmin = \"20ms\"\nmax = \"25ms\"\n").await;
    let datasets: Vec<_> =
        (0..6).map(|number| tenant.file(&format!("{number}.ndjson"), &interactions(40).ndjson())).collect();
    let paths: Vec<&std::path::Path> = datasets.iter().map(std::path::PathBuf::as_path).collect();
    let settings = [("chunk_records", "1"), ("workers", "1")];
    let handle = tenant.begin(OperationKind::Ingest, &paths, &settings).await.unwrap();
    until_delivered(&handle, 3).await;
    assert!(handle.command(Command::SetWorkers { workers: 4, by: "sam".to_owned() }));
    let out = |figures: &trunkline::model::Figures| {
        figures.workers.iter().filter(|one| one.doing != trunkline::model::Doing::Idle).count()
    };
    until(&handle, |figures| out(figures) == 4).await;
    assert!(handle.command(Command::SetWorkers { workers: 1, by: "sam".to_owned() }));
    until(&handle, |figures| figures.workers.len() == 1).await;
    handle.ended().await;
    let row = handle.row().unwrap();
    assert_eq!((row.state, row.records.delivered), (RunState::Completed, 240));
    assert_eq!(tenant.ledger()["breach_count"], 0, "chunks of a dataset go in their order");
    assert_eq!(told(&tenant, &row, "workers")[0], "sam: 4 datasets at a time");
    assert!(map_of(&tenant, &handle).states().all(|state| state == trunkline::model::CellState::Delivered));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_while_a_run_goes_is_closed_when_it_ends() {
    let tenant = Tenant::scenario("[latency]\nmin = \"15ms\"\nmax = \"20ms\"\n").await;
    let dataset = tenant.file("outcomes.csv", &misspelt(4, 200));
    let handle = tenant.begin(OperationKind::Outcomes, &[&dataset], &[("rate", "0")]).await.unwrap();
    until(&handle, |figures| figures.records.invalid == 4).await;
    let run = handle.row().unwrap();
    let failures = open_failures(&tenant, &run).into_iter().map(Into::into).collect();
    let judgement = trunkline::journal::Judgement::Dismiss("test rows".to_owned());
    assert!(handle.command(Command::Judge { failures, judgement, by: "sam".to_owned() }));
    until(&handle, |figures| figures.records.dismissed == 4).await;
    assert_eq!(handle.ended().await.state, RunState::Completed);
    let closed: u32 = map_of(&tenant, &handle).cells().iter().map(|cell| cell.dismissed).sum();
    assert_eq!(closed, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_while_the_last_calls_end_is_done() {
    let tenant = Tenant::scenario("[latency]\nmin = \"300ms\"\nmax = \"310ms\"\n").await;
    let dataset = tenant.file("outcomes.csv", &misspelt(3, 30));
    let handle = tenant.begin(OperationKind::Outcomes, &[&dataset], &[("rate", "0")]).await.unwrap();
    until(&handle, |figures| figures.records.invalid == 3).await;
    until_delivered(&handle, 1).await;
    let failures = open_failures(&tenant, &handle.row().unwrap()).into_iter().map(Into::into).collect();
    assert!(handle.command(Command::Drain));
    let judgement = trunkline::journal::Judgement::Dismiss("test rows".to_owned());
    assert!(handle.command(Command::Judge { failures, judgement, by: "sam".to_owned() }));
    assert!(handle.command(Command::SetRate { rate: None, by: "sam".to_owned() }));
    handle.ended().await;
    let row = handle.row().unwrap();
    assert_eq!((row.records.dismissed, row.records.invalid), (3, 0));
    assert!(row.kept.ceiling.is_some_and(|kept| kept.rate.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_finishes_its_calls_and_stays_so() {
    let tenant = Tenant::scenario("[latency]\nmin = \"50ms\"\nmax = \"60ms\"\n").await;
    let dataset = tenant.file("outcomes.csv", &contacts(300));
    let handle = tenant.begin(OperationKind::Outcomes, &[&dataset], &[("rate", "0")]).await.unwrap();
    until_delivered(&handle, 10).await;
    let row = leave(&handle, Command::Cancel { by: "sam".to_owned() }).await;
    assert_eq!(row.state, RunState::Cancelled);
    assert!(row.clean && row.ended_at.is_some() && row.records.pending > 0);
    assert_eq!(tenant.ledger()["outcomes"]["applied"], row.records.delivered, "no call was left alone");
    assert_eq!(told(&tenant, &row, "act"), ["sam: cancelled the run"]);
    assert!(
        engine::resume(setup(&tenant, &row), &row).await.unwrap_err().to_string().contains("is cancelled")
    );
    map_of(&tenant, &handle);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failures_tries_tell_how_long_each_took_and_a_check_needs_no_network() {
    let tenant = Tenant::scenario("[latency]\nmin = \"30ms\"\nmax = \"40ms\"\n").await;
    let csv = "contactId,category,subcategory\nunknown-1,Contacted,Sale\n";
    let dataset = tenant.file("outcomes.csv", csv.as_bytes());
    let run = tenant.run(OperationKind::Outcomes, &[&dataset], &[]).await;
    let reader = tenant.journal.reader().unwrap();
    let events = reader.item_events(&run, 0, 10).unwrap();
    let took = events.last().unwrap().took_ms.unwrap();
    assert!((25..10_000).contains(&took), "{took} ms");
    let folder = tenant.journal.run_folder(run.id).unwrap();
    let checker = engine::Checker::of(&Plan::from_toml(&run.plan).unwrap(), &folder).unwrap();
    assert_eq!(checker.known(), engine::Known::Yes);
    assert!(checker.categories().iter().any(|(name, _)| name == "Contacted"));
    let failure = reader.failure(&run, 0.into()).unwrap().unwrap();
    let edited = |subcategory: &str| {
        format!("{{\"contactId\":\"1\",\"category\":\"Contacted\",\"subcategory\":\"{subcategory}\"}}").into()
    };
    assert!(checker.check(&failure, &edited("Sale")).is_ok());
    assert!(checker.check(&failure, &edited("Sail")).is_err());
}
