//! Runs that are stopped, gone on with and mended: each record is counted once, whatever comes in between.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::fmt::Write as _;
use std::time::Duration;

use support::{Tenant, contacts, interactions};
use trunkline::engine::{self, Command, Handle, Setup};
use trunkline::journal::{Filter, JournalError, RunRow};
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
        .failures_in(run, &Filter::default(), &states)
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
        assert!(!row.clean, "calls were out");
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
        assert!(marks >= replays, "{marks} marks for {replays} repetitions (a resume in between: {between})");
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
