//! Executions: each content takes effect once, whoever comes first, and a stored result spares its call.

use std::fmt::Write as _;

use trunkline::config::StorePlace;
use trunkline::engine;
use trunkline::journal::Filter;
use trunkline::model::{FaultKind, OperationKind, RunState};

use super::support::redis::RedisServer;
use super::support::{Tenant, collect_results};

const SETTINGS: [(&str, &str); 3] = [("action", "act-1"), ("backoff.base", "10ms"), ("backoff.cap", "100ms")];

fn customers(count: usize) -> Vec<u8> {
    let mut lines = String::new();
    for number in 0..count {
        writeln!(lines, r#"{{"id":"c-{number}","tier":{}}}"#, number % 3).unwrap();
    }
    lines.into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_time_makes_no_call_and_brings_the_same_results() {
    let tenant = Tenant::start("bare").await;
    let dataset = tenant.file("c.ndjson", &customers(2_000));
    let first = tenant.run(OperationKind::Execute, &[&dataset], &SETTINGS).await;
    assert_eq!((first.state, first.requests, first.from_store), (RunState::Completed, 2_000, 0));
    let second = tenant.run(OperationKind::Execute, &[&dataset], &SETTINGS).await;
    assert_eq!((second.state, second.requests, second.from_store), (RunState::Completed, 0, 2_000));
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!(
        (&ledger["execute"]["applied"], &ledger["execute"]["content_keys"]),
        (&2_000.into(), &2_000.into())
    );
    assert_eq!(collect_results(&tenant, &first), collect_results(&tenant, &second));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_twice_in_one_dataset_is_one_execution() {
    let tenant = Tenant::start("calm").await;
    let dataset = tenant
        .file("c.ndjson", b"{\"a\":1,\"b\":2}\n{\"b\":2.0, \"a\":1}\n{\"a\":1,\"b\":3}\n{\"a\":1,\"b\":2}\n");
    let run = tenant.run(OperationKind::Execute, &[&dataset], &SETTINGS).await;
    assert_eq!((run.records.delivered, run.from_store, run.requests), (4, 2, 2));
    let own = [SETTINGS[0], ("key_scope", "run")];
    let run = tenant.run(OperationKind::Execute, &[&dataset], &own).await;
    assert_eq!((run.records.delivered, run.from_store, run.requests), (4, 0, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_record_fails_and_gives_its_key_back() {
    let tenant = Tenant::start("bare").await;
    let dataset = tenant.file("c.ndjson", b"{\"a\":1}\n{\"a\":2,\"refuse\":true}\n{\"a\":1,\"a\":2}\n");
    let run = tenant.run(OperationKind::Execute, &[&dataset], &SETTINGS).await;
    assert_eq!((run.records.delivered, run.records.failed, run.records.invalid), (1, 1, 1));
    let reader = tenant.journal.reader().unwrap();
    let open = reader.failures_in(
        &run,
        &Filter::parse("status:400").unwrap().into(),
        &[trunkline::model::FailureState::Failed],
    );
    let items: Vec<_> = open.unwrap().iter().map(|id| id.item).collect();
    let setup = tenant.setup(trunkline::plan::Plan::from_toml(&run.plan).unwrap());
    engine::retry(setup, &run, items, "sam".to_owned()).await.unwrap().ended().await;
    let run = reader.run("last").unwrap();
    assert_eq!(run.requests, 3, "a retry by hand reaches the platform");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_executes_each_content_once() {
    let tenant = Tenant::start("stormy").await;
    let dataset = tenant.file("c.ndjson", &customers(1_000));
    let settings = [SETTINGS[0], SETTINGS[1], SETTINGS[2], ("max_attempts", "12")];
    let run = tenant.run(OperationKind::Execute, &[&dataset], &settings).await;
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!(run.records.pending, 0);
    assert_eq!(ledger["execute"]["effects"]["twice_or_more"], 0, "{ledger:#}");
}

fn place(redis: &RedisServer) -> StorePlace {
    StorePlace::Redis { url: redis.url().parse().unwrap(), password: None }
}

async fn two_at_once(tenant: &Tenant, place: &StorePlace) {
    let dataset = tenant.file("c.ndjson", &customers(1_500));
    let begin = || async {
        let mut setup = tenant.setup(Tenant::plan(OperationKind::Execute, &[&dataset], &SETTINGS));
        setup.store = place.clone();
        let scanned = engine::scan(&setup.plan, false, |_, _| ()).await.unwrap();
        engine::begin(setup, scanned).await.unwrap()
    };
    let (one, other) = (begin().await, begin().await);
    let ended = (one.ended().await, other.ended().await);
    assert_eq!((ended.0.state, ended.1.state), (RunState::Completed, RunState::Completed), "{ended:?}");
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!(ledger["execute"]["effects"]["distinct"], 1_500, "{ledger:#}");
    assert_eq!(ledger["execute"]["effects"]["twice_or_more"], 0);
    let calls = one.row().unwrap().requests + other.row().unwrap().requests;
    assert_eq!(calls, 1_500, "nothing was called for twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_share_their_work_through_the_embedded_store() {
    two_at_once(&Tenant::start("bare").await, &StorePlace::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_share_their_work_through_redis() {
    let redis = RedisServer::start();
    two_at_once(&Tenant::start("bare").await, &place(&redis)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_executed_while_redis_is_gone_and_a_resume_finishes_after_it_is_back() {
    let mut redis = RedisServer::start();
    let tenant = Tenant::start("calm").await;
    let dataset = tenant.file("c.ndjson", &customers(400));
    let settings = [SETTINGS[0], ("lock_lease", "2s"), ("workers", "4")];
    let mut setup = tenant.setup(Tenant::plan(OperationKind::Execute, &[&dataset], &settings));
    setup.store = place(&redis);
    let scanned = engine::scan(&setup.plan, false, |_, _| ()).await.unwrap();
    let handle = engine::begin(setup.clone(), scanned).await.unwrap();
    let mut changes = handle.changes();
    while handle.figures().records.delivered < 40 {
        changes.changed().await.unwrap();
    }
    redis.kill();
    let fault = super::support::fault_of(&handle).await;
    assert_eq!(fault.kind, FaultKind::Store, "{fault:?}");
    assert!(handle.command(engine::Command::Drain));
    handle.ended().await;
    let before = tenant.ledger()["execute"]["applied"].as_u64().unwrap();
    let row = handle.row().unwrap();
    assert_eq!(row.state, RunState::Faulted);
    assert!(row.records.delivered <= before && before <= row.records.delivered + 4, "{before} {row:?}");
    redis.start_again();
    let ending = engine::resume(setup, &row).await.unwrap().ended().await;
    assert_eq!(ending.state, RunState::Completed, "{ending:?}");
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!(ledger["execute"]["effects"]["distinct"], 400);
    assert_eq!(ledger["execute"]["effects"]["twice_or_more"], 0, "{ledger:#}");
}
