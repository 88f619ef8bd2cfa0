//! Import jobs: asked for once, watched to their ends, and their results brought home.

use std::fmt::Write as _;

use trunkline::engine::{self, Command};
use trunkline::journal::{Contents, Query};
use trunkline::model::{FailureState, OperationKind, RunState, Stage};
use trunkline::plan::Plan;

use super::support::{Tenant, collect_results};

/// One import request for each fate.
fn requests(fates: &[&str]) -> Vec<u8> {
    let mut lines = String::new();
    for (number, fate) in fates.iter().enumerate() {
        writeln!(
            lines,
            r#"{{"entity":"contact-{number}","operation":"upsert","sourceUrl":"https://files.example/{fate}-{number}.csv","targetUrl":"t","keyFields":["id"]}}"#
        )
        .unwrap();
    }
    lines.into_bytes()
}

const SWIFT: &str = "[jobs]\nqueued_for = \"100ms\"\nruns_for = [\"100ms\", \"1500ms\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn each_job_comes_to_the_end_that_the_platform_gives_it() {
    let tenant = Tenant::scenario(SWIFT).await;
    let fates = ["inline", "rows", "foreign", "redirect", "fail", "late", "empty", "inline"];
    let dataset = tenant.file("i.ndjson", &requests(&fates));
    let run = tenant.run(OperationKind::Import, &[&dataset], &[]).await;
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!(run.state, RunState::CompletedWithFailures);
    assert_eq!((run.records.delivered, run.records.failed), (5, 3), "{ledger:#}");
    assert!(run.rows_failed > 0);
    assert_eq!(ledger["import"]["foreign"]["with_token"], 0, "{ledger:#}");
    assert!(ledger["import"]["foreign"]["knocks"].as_u64().unwrap() > 0, "{ledger:#}");
    let reader = tenant.journal.reader().unwrap();
    let failures = reader.failures(&run, &Query::default(), None, 100, Contents::With).unwrap();
    let rows: Vec<_> = failures.iter().filter(|one| !one.id.is_item()).collect();
    assert_eq!(rows.len() as u64, run.rows_failed);
    assert!(rows.iter().all(|row| row.stage == Stage::Result && row.record.is_none() && row.position == 1));
    assert!(rows[0].violations[0].place.to_string().starts_with("row "), "{:?}", rows[0]);
    let failed: Vec<_> = failures.iter().filter(|one| one.id.is_item()).collect();
    assert!(
        failed.iter().all(|one| one.stage == Stage::Polling && one.remote_id.as_deref() == Some(&one.key))
    );
    let late = failed.iter().find(|one| one.position == 5).unwrap();
    assert!(
        late.message.len() > "the job failed: ".len() && !late.message.contains("does not say"),
        "{}",
        late.message
    );
    let empty = failed.iter().find(|one| one.position == 6).unwrap();
    assert!(empty.message.contains("does not say why"), "{}", empty.message);
    assert!(
        collect_results(&tenant, &run)
            .iter()
            .all(|(_, answer)| answer.as_ref().is_some_and(|one| !one.is_empty()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_timed_out_is_asked_after_again_by_hand_and_never_submitted_again() {
    let tenant = Tenant::scenario("[jobs]\nqueued_for = \"100ms\"\nruns_for = [\"6s\", \"6s\"]\n").await;
    let dataset = tenant.file("i.ndjson", &requests(&["inline"]));
    let run = tenant.run(OperationKind::Import, &[&dataset], &[("poll_timeout", "3s")]).await;
    assert_eq!(run.records.failed, 1);
    let reader = tenant.journal.reader().unwrap();
    let open = reader.failures_in(&run, &Query::default(), &[FailureState::Failed]).unwrap();
    let failure = reader.failure(&run, open[0]).unwrap().unwrap();
    assert_eq!((failure.stage, failure.code.as_deref()), (Stage::Polling, Some("import.timed_out")));
    let mut plan = Plan::from_toml(&run.plan).unwrap();
    plan.set("poll_timeout", "60s").unwrap();
    let handle = engine::retry(tenant.setup(plan), &run, vec![open[0].item], "sam".to_owned()).await.unwrap();
    assert_eq!(handle.ended().await.state, RunState::Completed);
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!(ledger["import"]["jobs"], 1, "{ledger:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_jobs_are_open_at_once_than_the_plan_says() {
    let tenant = Tenant::scenario(SWIFT).await;
    let dataset = tenant.file("i.ndjson", &requests(&["inline"; 12]));
    let handle = tenant
        .begin(OperationKind::Import, &[&dataset], &[("max_open_jobs", "3"), ("workers", "8")])
        .await
        .unwrap();
    let mut changes = handle.changes();
    let mut most = 0;
    loop {
        let figures = handle.figures();
        most = most.max(figures.jobs);
        if matches!(figures.phase, trunkline::model::Phase::Ended(_)) {
            break;
        }
        changes.changed().await.unwrap();
    }
    assert_eq!(handle.ended().await.state, RunState::Completed);
    let ledger = tenant.ledger();
    assert_eq!((most, &ledger["import"]["open_max"]), (3, &3.into()), "{ledger:#}");
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_left_while_jobs_are_open_goes_on_watching_the_same_ones() {
    let tenant = Tenant::scenario("[jobs]\nqueued_for = \"100ms\"\nruns_for = [\"3s\", \"3s\"]\n").await;
    let dataset = tenant.file("i.ndjson", &requests(&["inline"; 6]));
    let handle = tenant.begin(OperationKind::Import, &[&dataset], &[]).await.unwrap();
    let mut changes = handle.changes();
    while handle.figures().jobs < 6 {
        changes.changed().await.unwrap();
    }
    assert!(handle.command(Command::Drain));
    assert_eq!(handle.ended().await.state, RunState::Paused);
    let row = handle.row().unwrap();
    let setup = tenant.setup(Plan::from_toml(&row.plan).unwrap());
    let ending = engine::resume(setup, &row).await.unwrap().ended().await;
    assert_eq!(ending.state, RunState::Completed, "{ending:?}");
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!(ledger["import"]["jobs"], 6, "{ledger:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_submits_each_job_once_or_hands_it_to_a_person() {
    let tenant = Tenant::start("stormy").await;
    let dataset = tenant.file("i.ndjson", &requests(&["inline"; 60]));
    let settings =
        [("max_open_jobs", "60"), ("workers", "8"), ("backoff.base", "50ms"), ("backoff.cap", "500ms")];
    let run = tenant.run(OperationKind::Import, &[&dataset], &settings).await;
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!(run.records.pending, 0);
    assert_eq!(ledger["import"]["effects"]["twice_or_more"], 0, "{ledger:#}");
    let reader = tenant.journal.reader().unwrap();
    let failures = reader.failures(&run, &Query::default(), None, 100, Contents::With).unwrap();
    let unsure = failures.iter().filter(|one| one.stage == Stage::Delivery && one.doubtful).count() as u64;
    assert!(ledger["import"]["jobs"].as_u64().unwrap() <= run.records.total.unwrap(), "{ledger:#}");
    // each that is not known to be there is a person's to decide
    assert!(ledger["import"]["jobs"].as_u64().unwrap() + unsure >= 60, "{unsure} unsure, {ledger:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_cannot_be_had_fails_at_that_stage_and_a_retry_fetches_it_and_submits_nothing() {
    let tenant = Tenant::scenario(SWIFT).await;
    let dataset = tenant.file("i.ndjson", &requests(&["gone", "maze", "insecure", "binary"]));
    let run = tenant.run(OperationKind::Import, &[&dataset], &[]).await;
    assert_eq!((run.records.delivered, run.records.failed), (1, 3));
    let reader = tenant.journal.reader().unwrap();
    let failures = reader.failures(&run, &Query::default(), None, 10, Contents::With).unwrap();
    assert!(failures.iter().all(|one| one.stage == Stage::Result && one.remote_id.is_some()), "{failures:?}");
    let said: Vec<_> = failures.iter().map(|one| one.message.as_str()).collect();
    assert!(said[1].contains("redirects") && said[2].contains("https"), "{said:?}");
    let items = failures.iter().map(|one| one.id.item).collect();
    let setup = tenant.setup(Plan::from_toml(&run.plan).unwrap());
    engine::retry(setup, &run, items, "sam".to_owned()).await.unwrap().ended().await;
    let run = reader.run("last").unwrap();
    assert_eq!((run.records.delivered, run.records.failed), (2, 2), "the one that was gone is there now");
    let ledger = tenant.ledger();
    assert_eq!((&ledger["import"]["jobs"], &ledger["breach_count"]), (&4.into(), &0.into()), "{ledger:#}");
}
