//! Runs from end to end against the sandbox: what its ledger says must be what the journal says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fmt::Write as _;

mod support;

use support::{Tenant, contacts, interactions};
use trunkline::engine::{self, Command};
use trunkline::journal::{Contents, Judgement, Query, Write};
use trunkline::model::{FailureState, FaultKind, OperationKind, Phase, RunState};
use trunkline::plan::Plan;

#[tokio::test(flavor = "multi_thread")]
async fn an_ingest_applies_every_record_once_and_in_order() {
    let tenant = Tenant::start("bare").await;
    let records = interactions(5_000);
    let dataset = tenant.file("interactions.json", &records.array());
    let run = tenant.run(OperationKind::Ingest, &[&dataset], &[]).await;
    assert_eq!(run.state, RunState::Completed);
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!(ledger["ingest"]["records_applied"], 5_000);
    let sets = ledger["ingest"]["sets"].as_object().unwrap();
    assert_eq!(sets.len(), 1);
    assert_eq!(sets.values().next().unwrap()["digest"], records.digest());
    assert_eq!(run.records.delivered, 5_000);
    assert_eq!(run.items.delivered, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_reach_every_contact_once_through_a_storm() {
    let tenant = Tenant::start("stormy").await;
    let dataset = tenant.file("outcomes.csv", &contacts(1_500));
    let run = tenant
        .run(
            OperationKind::Outcomes,
            &[&dataset],
            &[("rate", "0"), ("backoff.base", "50ms"), ("backoff.cap", "500ms")],
        )
        .await;
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!(ledger["outcomes"]["effects"]["twice_or_more"], 0, "{ledger:#}");
    assert_eq!(run.records.pending, 0);
    assert_eq!(run.records.delivered + run.records.failed, 1_500);
    let applied = ledger["outcomes"]["applied"].as_u64().unwrap();
    assert!(applied >= run.records.delivered, "{applied} < {:?}", run.records);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingest_keeps_its_order_through_a_storm() {
    let tenant = Tenant::start("stormy").await;
    let records = interactions(20_000);
    let dataset = tenant.file("interactions.ndjson", &records.ndjson());
    let settings = [("chunk_records", "100"), ("backoff.base", "20ms"), ("backoff.cap", "200ms")];
    let run = tenant.run(OperationKind::Ingest, &[&dataset], &settings).await;
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!(run.state, RunState::Completed, "{:?}", run.items);
    let sets = ledger["ingest"]["sets"].as_object().unwrap();
    assert_eq!(sets.values().next().unwrap()["digest"], records.digest());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_refused_for_its_size_is_split_and_later_ones_are_cut_before_they_go() {
    let tenant = Tenant::scenario("max_body = 20000\n").await;
    let records = interactions(3_000);
    let dataset = tenant.file("interactions.json", &records.array());
    let run = tenant.run(OperationKind::Ingest, &[&dataset], &[]).await;
    let ledger = tenant.ledger();
    assert_eq!(run.state, RunState::Completed);
    let sets = ledger["ingest"]["sets"].as_object().unwrap();
    assert_eq!(sets.values().next().unwrap()["digest"], records.digest());
    assert!(run.smallest_refused.unwrap() > 20_000 && run.largest_accepted.unwrap() <= 20_000, "{run:?}");
    let refused = ledger["requests"]["ingest"]["413"].as_u64().unwrap_or_else(|| panic!("{ledger:#}"));
    assert!(refused <= 3, "{refused} bodies were refused: the first should have taught all others");
    assert_eq!(run.items.total, Some(run.items.delivered));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_hierarchy_does_not_know_is_invalid_and_the_rest_arrives() {
    let tenant = Tenant::start("bare").await;
    let csv = "contactId,category,subcategory\na,Contacted,Sale\nb,Contacted,Sail\nunknown-1,Contacted,Sale\nc,Contacted\n\
               a,Contacted,No budget\n";
    let dataset = tenant.file("outcomes.csv", csv.as_bytes());
    let run = tenant.run(OperationKind::Outcomes, &[&dataset], &[]).await;
    assert_eq!(run.state, RunState::CompletedWithFailures);
    assert_eq!((run.records.delivered, run.records.invalid, run.records.failed), (2, 2, 1));
    let reader = tenant.journal.reader().unwrap();
    let failures = reader.failures(&run, &Query::default(), None, 10, Contents::With).unwrap();
    let told: Vec<_> =
        failures.iter().map(|one| (one.position, one.key.as_str(), one.code.as_deref())).collect();
    assert_eq!(
        told,
        [
            (1, "b", Some("outcome.unknown")),
            (2, "unknown-1", Some("contact.not.found")),
            (3, "outcomes.csv:3", Some("csv.ragged")),
        ]
    );
    assert!(failures[0].message.contains("near: Sale"), "{}", failures[0].message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_run_goes_on_where_it_stopped() {
    let tenant = Tenant::start("calm").await;
    let dataset = tenant.file("outcomes.csv", &contacts(400));
    let settings = [("rate", "0")];
    let handle = tenant.begin(OperationKind::Outcomes, &[&dataset], &settings).await.unwrap();
    let mut changes = handle.changes();
    while handle.figures().records.delivered < 20 {
        changes.changed().await.unwrap();
    }
    assert!(handle.command(Command::Drain));
    let ending = handle.ended().await;
    assert_eq!(ending.state, RunState::Paused);
    let row = handle.row().unwrap();
    assert!(row.records.pending > 0 && row.clean, "{row:?}");
    let setup = tenant.setup(Plan::from_toml(&row.plan).unwrap());
    let ending = engine::resume(setup, &row).await.unwrap().ended().await;
    assert_eq!(ending.state, RunState::Completed);
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!(ledger["outcomes"]["applied"], 400);
    assert_eq!(ledger["outcomes"]["replays"], 0, "a run that stopped cleanly sends nothing again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_another_has_is_refused_by_name() {
    let tenant = Tenant::start("calm").await;
    let dataset = tenant.file("outcomes.csv", &contacts(200));
    let handle = tenant.begin(OperationKind::Outcomes, &[&dataset], &[]).await.unwrap();
    let row = handle.row().unwrap();
    assert_eq!(row.state, RunState::Running);
    let refused = engine::resume(tenant.setup(Plan::from_toml(&row.plan).unwrap()), &row).await.unwrap_err();
    assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");
    assert!(handle.command(Command::Drain));
    handle.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_sent_again_and_dismissed() {
    let tenant = Tenant::start("bare").await;
    let csv = "contactId,category,subcategory\na,Contacted,Sale\nunknown-1,Contacted,Sale\nunknown-2,Contacted,Sale\n";
    let dataset = tenant.file("outcomes.csv", csv.as_bytes());
    let run = tenant.run(OperationKind::Outcomes, &[&dataset], &[]).await;
    assert_eq!(run.records.failed, 2);
    let reader = tenant.journal.reader().unwrap();
    let items = reader.failures_in(&run, &Query::default(), &[FailureState::Failed]).unwrap();
    let setup = tenant.setup(Plan::from_toml(&run.plan).unwrap());
    let ending = engine::retry(setup, &run, items.iter().map(|id| id.item).collect(), "sam".to_owned())
        .await
        .unwrap()
        .ended()
        .await;
    assert_eq!(ending.state, RunState::CompletedWithFailures);
    let row = reader.run(&run.id.to_string()).unwrap();
    assert_eq!((row.records.failed, row.records.pending), (2, 0));
    let failures = reader.failures(&row, &Query::default(), None, 10, Contents::With).unwrap();
    assert_eq!(failures.iter().map(|one| one.attempts).collect::<Vec<_>>(), [2, 2]);
    let (book, lock) = tenant.journal.take(&row).unwrap();
    let judgement = Judgement::Dismiss("gone".to_owned());
    tenant
        .journal
        .commit(&book, vec![Write::Judge { failures: items, judgement, by: "sam".to_owned() }])
        .await;
    drop(lock);
    let row = reader.run("last").unwrap();
    assert_eq!((row.records.failed, row.records.dismissed), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_client_is_a_fault_before_anything_is_sent() {
    let tenant = Tenant::start("bare").await;
    let dataset = tenant.file("outcomes.csv", &contacts(20));
    let mut setup = tenant.setup(Tenant::plan(OperationKind::Outcomes, &[&dataset], &[]));
    setup.profile.client_id = "somebody".to_owned();
    let scanned = engine::scan(&setup.plan, false, |_, _| ()).await.unwrap();
    let handle = engine::begin(setup, scanned).await.unwrap();
    let mut changes = handle.changes();
    let fault = loop {
        if let Phase::Faulted(fault) = handle.figures().phase {
            break fault;
        }
        changes.changed().await.unwrap();
    };
    assert_eq!(fault.kind, FaultKind::ClientRefused);
    assert!(handle.command(Command::Drain));
    let ending = handle.ended().await;
    assert_eq!(ending.state, RunState::Faulted);
    assert_eq!(tenant.ledger()["outcomes"]["applied"], 0);
    assert_eq!(handle.row().unwrap().records.pending, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_equal_failures_in_a_row_stop_the_run_and_lose_nothing() {
    let tenant = Tenant::start("bare").await;
    let mut csv = "contactId,category,subcategory\n".to_owned();
    for number in 0..500 {
        writeln!(csv, "unknown-{number},Contacted,Sale").unwrap();
    }
    let dataset = tenant.file("outcomes.csv", csv.as_bytes());
    let handle = tenant.begin(OperationKind::Outcomes, &[&dataset], &[("rate", "0")]).await.unwrap();
    let mut changes = handle.changes();
    loop {
        if let Phase::Faulted(fault) = handle.figures().phase {
            assert_eq!(fault.kind, FaultKind::SameFailures);
            break;
        }
        changes.changed().await.unwrap();
    }
    assert!(handle.command(Command::Drain));
    handle.ended().await;
    let row = handle.row().unwrap();
    assert!((20..=30).contains(&row.records.failed), "{:?}", row.records);
    assert_eq!(row.records.failed + row.records.pending, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_that_changed_is_a_fault_of_its_resume() {
    let tenant = Tenant::start("calm").await;
    let dataset = tenant.file("outcomes.csv", &contacts(300));
    let handle = tenant.begin(OperationKind::Outcomes, &[&dataset], &[]).await.unwrap();
    let mut changes = handle.changes();
    while handle.figures().records.delivered < 5 {
        changes.changed().await.unwrap();
    }
    assert!(handle.command(Command::Drain));
    handle.ended().await;
    tenant.file("outcomes.csv", &contacts(299));
    let row = handle.row().unwrap();
    let refused = engine::resume(tenant.setup(Plan::from_toml(&row.plan).unwrap()), &row).await.unwrap_err();
    assert_eq!(refused.exit_code(), 3);
    let row = handle.row().unwrap();
    assert_eq!(row.state, RunState::Faulted);
    tenant.file("outcomes.csv", &contacts(300));
    let setup = tenant.setup(Plan::from_toml(&row.plan).unwrap());
    let ending = engine::resume(setup, &row).await.unwrap().ended().await;
    assert_eq!(ending.state, RunState::Completed);
    assert_eq!(tenant.ledger()["outcomes"]["applied"], 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_window_ever_holds_more_calls_than_the_bucket_allows() {
    let tenant =
        Tenant::scenario("[bucket]\nrate = 45\nburst = 20\nslack = 6\n[faults]\nerror_500 = 0.05\n").await;
    let dataset = tenant.file("outcomes.csv", &contacts(250));
    let settings = [("rate", "45"), ("burst", "20"), ("backoff.base", "20ms"), ("check_contacts", "true")];
    let run = tenant.run(OperationKind::Outcomes, &[&dataset], &settings).await;
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert!(ledger["worst_window_excess"].as_f64().unwrap() <= 6.0, "{ledger:#}");
    assert!(run.retries > 0, "the storm was to make some calls again");
    assert!(run.requests >= 501, "{}", run.requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_answers_only_429_sees_probes_and_not_a_storm() {
    let tenant =
        Tenant::scenario("[faults]\nthrottle = 1.0\n[retry_after]\nmin = \"1s\"\nmax = \"1s\"\n").await;
    let dataset = tenant.file("outcomes.csv", &contacts(1_000));
    let settings = [("rate", "0"), ("preflight", "false"), ("throttle_patience", "4s")];
    let handle = tenant.begin(OperationKind::Outcomes, &[&dataset], &settings).await.unwrap();
    let mut changes = handle.changes();
    loop {
        if let Phase::Faulted(fault) = handle.figures().phase {
            assert_eq!(fault.kind, FaultKind::Throttled);
            break;
        }
        changes.changed().await.unwrap();
    }
    let requests = handle.figures().requests;
    assert!(requests <= 10 + 6, "{requests} calls: ten that were out at once, then one probe a second");
    assert!(handle.command(Command::Drain));
    handle.ended().await;
    assert_eq!(handle.row().unwrap().records.pending, 1_000);
    assert_eq!(tenant.ledger()["breach_count"], 0, "{:#}", tenant.ledger());
}

#[tokio::test(flavor = "multi_thread")]
async fn datasets_go_side_by_side_each_in_its_own_set() {
    let tenant = Tenant::start("bare").await;
    let records = interactions(900);
    let parts: Vec<support::Records> =
        records.0.chunks(300).map(|part| support::Records(part.to_vec())).collect();
    let files = [
        tenant.file("a.json", &parts[0].array()),
        tenant.file("b.ndjson", &parts[1].ndjson()),
        tenant.file("c.json", &parts[2].array()),
    ];
    let run = tenant
        .run(OperationKind::Ingest, &files.each_ref(), &[("chunk_records", "50"), ("workers", "2")])
        .await;
    assert_eq!(run.state, RunState::Completed);
    assert_eq!(run.records.delivered, 900);
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    let sets = ledger["ingest"]["sets"].as_object().unwrap();
    for (part, dataset) in parts.iter().zip(&run.datasets) {
        assert_eq!(sets[&dataset.correlation_id]["digest"], part.digest());
    }
    assert_eq!(run.datasets[2].first_position, 600);
}
