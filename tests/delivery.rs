//! Runs from end to end against the sandbox: what its ledger says must be what the journal says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use support::{Tenant, interactions};
use trunkline::model::{OperationKind, RunState};

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
