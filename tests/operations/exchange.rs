//! Batches: what is wrong stays here, what the platform refuses is found, and all the rest arrives once.

use trunkline::journal::{Contents, Filter, Query};
use trunkline::model::{FaultKind, OperationKind, RunState, Stage};

use super::support::{Records, Tenant, interactions};

const QUICK: [(&str, &str); 2] = [("backoff.base", "10ms"), ("backoff.cap", "100ms")];

/// Interactions of which some are wrong here, and some only the platform refuses.
fn mixed(count: usize, invalid_each: usize, refused_each: usize) -> (Records, usize, usize) {
    let mut records = interactions(count);
    let (mut invalid, mut refused) = (0, 0);
    for (number, record) in records.0.iter_mut().enumerate() {
        if number % invalid_each == 7 {
            *record = record.replace("\"channel\":", "\"canal\":");
            invalid += 1;
        } else if number % refused_each == 11 {
            *record = record.replace("TXN-", "refused-");
            refused += 1;
        }
    }
    (records, invalid, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn named_refusals_cost_a_call_a_batch_and_every_good_record_arrives_once() {
    let tenant = Tenant::scenario("refusals = \"named\"\n").await;
    let (records, invalid, refused) = mixed(20_000, 100, 1_000);
    let dataset = tenant.file("i.json", &records.array());
    let run = tenant.run(OperationKind::Exchange, &[&dataset], &QUICK).await;
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!(run.state, RunState::CompletedWithFailures);
    assert_eq!((run.records.invalid, run.records.failed), (invalid as u64, refused as u64));
    assert_eq!(run.records.delivered, (20_000 - invalid - refused) as u64);
    let exchange = &ledger["exchange"];
    assert_eq!(exchange["effects"]["distinct"], run.records.delivered, "{ledger:#}");
    assert_eq!(exchange["effects"]["twice_or_more"], 0);
    // 40 batches, half of them refused once
    assert!(run.requests <= 40 + refused as u64, "{} calls", run.requests);
    assert_eq!(run.items.total, Some(run.items.delivered + run.items.failed + run.items.invalid));
}

#[tokio::test(flavor = "multi_thread")]
async fn unnamed_refusals_are_halved_down_to_the_records_that_are_refused() {
    let tenant = Tenant::scenario("refusals = \"unnamed\"\n").await;
    let (records, invalid, refused) = mixed(10_000, 100, 1_000);
    let dataset = tenant.file("i.ndjson", &records.ndjson());
    let run = tenant.run(OperationKind::Exchange, &[&dataset], &QUICK).await;
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!((run.records.invalid, run.records.failed), (invalid as u64, refused as u64));
    assert_eq!(ledger["exchange"]["effects"]["distinct"], (10_000 - invalid - refused) as u64, "{ledger:#}");
    assert_eq!(ledger["exchange"]["effects"]["twice_or_more"], 0);
    // about 2·k·log₂ n + 1 for each batch with k refused records of n
    let bound = 20 + refused as u64 * 2 * 9;
    assert!(run.requests <= bound, "{} calls, and {bound} are allowed", run.requests);
    let reader = tenant.journal.reader().unwrap();
    let filter = Filter { stage: Some(Stage::Delivery), ..Filter::default() }.into();
    let failures = reader.failures(&run, &filter, None, 100, Contents::With).unwrap();
    assert_eq!(failures.len(), refused);
    for failure in &failures {
        assert!(failure.key.starts_with("refused-") && failure.count == 1, "{failure:?}");
        let record = String::from_utf8(failure.record.clone().unwrap()).unwrap();
        assert_eq!(
            record,
            records.0[usize::try_from(failure.position).unwrap()],
            "the record itself is kept"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_violation_is_told_with_its_place_and_nothing_of_the_record_is_sent() {
    let tenant = Tenant::start("bare").await;
    let mut records = interactions(3);
    records.0[1] = records.0[1].replace("\"duration_seconds\":31", "\"duration_seconds\":\"31\"");
    let dataset = tenant.file("i.json", &records.array());
    let run = tenant.run(OperationKind::Exchange, &[&dataset], &[]).await;
    let reader = tenant.journal.reader().unwrap();
    let failure = reader.failures(&run, &Query::default(), None, 10, Contents::With).unwrap().pop().unwrap();
    assert_eq!(
        (failure.stage, failure.code.as_deref(), failure.position),
        (Stage::Validation, Some("schema.violated"), 1)
    );
    assert_eq!(failure.violations[0].place.to_string(), "/duration_seconds");
    assert_eq!(failure.key, "TXN-0000001");
    assert_eq!(tenant.ledger()["exchange"]["records_applied"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_not_to_be_isolated_fails_as_a_whole() {
    let tenant = Tenant::scenario("refusals = \"named\"\n").await;
    let (records, ..) = mixed(100, 1_000, 100);
    let dataset = tenant.file("i.json", &records.array());
    let settings = [("isolate", "false"), ("chunk_records", "50")];
    let run = tenant.run(OperationKind::Exchange, &[&dataset], &settings).await;
    // one breaks the schema, and one of the first fifty others is refused
    assert_eq!((run.records.delivered, run.records.invalid, run.records.failed), (49, 1, 50));
    assert_eq!(run.requests, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_are_refused_as_a_whole_count_once_each() {
    let tenant = Tenant::scenario("refusals = \"named\"\n").await;
    let mut records = interactions(400);
    for record in &mut records.0 {
        *record = record.replace("TXN-", "refused-");
    }
    let dataset = tenant.file("i.json", &records.array());
    let settings = [("chunk_records", "10"), ("fault_after", "3"), ("workers", "1")];
    let run = tenant.run_to_fault(OperationKind::Exchange, &[&dataset], &settings).await;
    assert_eq!(run.1.unwrap().kind, FaultKind::SameFailures);
    assert_eq!(run.0.records.failed, 30, "three batches of ten, and not three records");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_loses_nothing_and_doubles_nothing() {
    let tenant = Tenant::start("stormy").await;
    let (records, invalid, _) = mixed(5_000, 100, 100_000);
    let dataset = tenant.file("i.json", &records.array());
    let settings = [QUICK[0], QUICK[1], ("chunk_records", "50")];
    let run = tenant.run(OperationKind::Exchange, &[&dataset], &settings).await;
    let ledger = tenant.ledger();
    assert_eq!(ledger["breach_count"], 0, "{ledger:#}");
    assert_eq!((run.records.pending, run.records.invalid), (0, invalid as u64));
    assert_eq!(ledger["exchange"]["effects"]["twice_or_more"], 0, "{ledger:#}");
    assert!(ledger["exchange"]["effects"]["distinct"].as_u64().unwrap() >= run.records.delivered);
}
