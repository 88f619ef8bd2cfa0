//! What holds when a platform, a store, a disk or a process fails at the worst moment.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use trunkline::config::StorePlace;
use trunkline::engine::{Command, Ending, Handle};
use trunkline::journal::{Contents, FailureRow, JournalError, Query, ResultRow, RunRow};
use trunkline::model::{FaultKind, Figures, OperationKind, Phase, RunState, Stage};

use super::support::fake::{Fake, plain, retry_after, within};
use super::support::redis::RedisServer;
use super::support::{fault_of, interactions};

const EXECUTE: &str = "/execute";
const IMPORTS: &str = "/imports";

async fn until(handle: &Handle, holds: impl Fn(&Figures) -> bool) {
    let mut changes = handle.changes();
    within(async {
        while !holds(&handle.figures()) {
            changes.changed().await.unwrap();
        }
    })
    .await;
}

async fn leave(handle: &Handle, command: Command) -> (RunRow, Ending) {
    assert!(handle.command(command));
    let ending = within(handle.ended()).await;
    (handle.row().unwrap(), ending)
}

fn failures(fake: &Fake, run: &RunRow) -> Vec<FailureRow> {
    fake.journal.reader().unwrap().failures(run, &Query::default(), None, 100, Contents::With).unwrap()
}

/// A gate that is closed until the test opens it.
fn gate() -> (watch::Sender<bool>, impl Fn() -> watch::Receiver<bool> + Clone) {
    let (open, gate) = watch::channel(false);
    (open, move || gate.clone())
}

async fn opened(mut gate: watch::Receiver<bool>) {
    gate.wait_for(|open| *open).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_chunk_is_sent_as_it_was_planned_though_the_schema_has_changed() {
    // the first answer never comes
    let fake = Fake::start(|asked| async move {
        if asked.path.contains("ingestion") && asked.before == 0 {
            std::future::pending::<()>().await;
        }
        asked.path.contains("ingestion").then(|| plain(200, "{}"))
    })
    .await;
    let schema = fake.file("schema.json", b"{\"type\":\"object\"}");
    let dataset = fake.file("i.ndjson", &interactions(10).ndjson());
    let settings = [("schema", schema.to_str().unwrap())];
    let handle = fake.begin(OperationKind::Exchange, &[&dataset], &settings).await;
    fake.until_asked("ingestion", 1).await;
    let (row, _) = leave(&handle, Command::LeaveAtOnce).await;
    let strict = "{\"type\":\"object\",\"properties\":{\"external_id\":{\"pattern\":\"[0-6]$\"}}}";
    fake.file("schema.json", strict.as_bytes());
    let ending = within(fake.resume(&row).await.ended()).await;
    assert_eq!(ending.state, RunState::Completed);
    let row = handle.row().unwrap();
    assert_eq!((row.records.delivered, row.records.invalid), (10, 0));
    let sent = fake.asked("ingestion");
    assert_eq!(sent.len(), 2);
    assert_eq!((&sent[0].body, &sent[0].key), (&sent[1].body, &sent[1].key));
}

/// A platform that executes once the gate is open.
async fn executor(gate: impl Fn() -> watch::Receiver<bool> + Clone + Send + Sync + 'static) -> Fake {
    Fake::start(move |asked| {
        let gate = gate();
        async move {
            if !asked.path.ends_with(EXECUTE) {
                return None;
            }
            opened(gate).await;
            Some(plain(200, "{\"ok\":true}"))
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_owes_the_store_a_result_is_not_completed_until_it_is_there() {
    let (open, gate) = gate();
    let mut redis = RedisServer::start();
    let mut fake = executor(gate).await;
    fake.store = StorePlace::Redis { url: redis.url().parse().unwrap(), password: None };
    let dataset = fake.file("c.ndjson", b"{\"a\":1}\n");
    let handle = fake.begin(OperationKind::Execute, &[&dataset], &[("action", "act")]).await;
    fake.until_asked(EXECUTE, 1).await;
    redis.kill();
    assert!(handle.command(Command::Drain));
    until(&handle, |figures| figures.phase == Phase::Draining).await;
    open.send_replace(true);
    let ending = within(handle.ended()).await;
    assert_eq!(ending.state, RunState::Faulted, "{ending:?}");
    assert_eq!(ending.fault.map(|fault| fault.kind), Some(FaultKind::Store));
    let row = handle.row().unwrap();
    assert_eq!((row.state, row.records.delivered), (RunState::Faulted, 1));
    let owed = |row: &RunRow| fake.journal.reader().unwrap().unstored(row).unwrap().len();
    assert_eq!(owed(&row), 1);
    redis.start_again();
    let ending = within(fake.resume(&row).await.ended()).await;
    assert_eq!((ending.state, owed(&row)), (RunState::Completed, 0));
    // whoever comes next finds it there
    let handle = fake.begin(OperationKind::Execute, &[&dataset], &[("action", "act")]).await;
    within(handle.ended()).await;
    assert_eq!((handle.row().unwrap().from_store, fake.asked(EXECUTE).len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_brings_the_store_what_it_owes_before_it_goes_on_whatever_stopped_it() {
    let (open, gate) = gate();
    let mut redis = RedisServer::start();
    let mut fake = Fake::start(move |asked| {
        let gate = gate();
        async move {
            if !asked.path.ends_with(EXECUTE) {
                return None;
            }
            if asked.body.ends_with(b"\"refuse\":true}") {
                return Some(plain(400, "{\"message\":\"no\"}"));
            }
            opened(gate).await;
            Some(plain(200, "{\"ok\":true}"))
        }
    })
    .await;
    fake.store = StorePlace::Redis { url: redis.url().parse().unwrap(), password: None };
    let dataset = fake.file("c.ndjson", b"{\"a\":1}\n{\"a\":2,\"refuse\":true}\n");
    let settings = [("action", "act"), ("fault_after", "1")];
    let handle = fake.begin(OperationKind::Execute, &[&dataset], &settings).await;
    assert_eq!(within(fault_of(&handle)).await.kind, FaultKind::SameFailures);
    fake.until_asked(EXECUTE, 2).await;
    redis.kill();
    open.send_replace(true);
    until(&handle, |figures| figures.records.delivered == 1).await;
    assert!(handle.command(Command::GoOn));
    let stands =
        |figures: &Figures| matches!(&figures.phase, Phase::Faulted(fault) if fault.kind == FaultKind::Store);
    until(&handle, |figures| stands(figures) || matches!(figures.phase, Phase::Ended(_))).await;
    assert!(stands(&handle.figures()), "{:?}", handle.figures().phase);
    redis.start_again();
    assert!(handle.command(Command::GoOn));
    assert_eq!(within(handle.ended()).await.state, RunState::CompletedWithFailures);
    assert!(fake.journal.reader().unwrap().unstored(&handle.row().unwrap()).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_cannot_be_fetched_is_tried_as_often_as_the_plan_says() {
    let fake = Fake::start(|asked| async move {
        Some(match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", path) if path.ends_with(IMPORTS) => plain(202, "{\"id\":\"j\",\"status\":\"queued\"}"),
            (_, "/result") => plain(503, "{\"message\":\"down\"}"),
            (_, path) if path.contains(IMPORTS) => {
                let url = format!("{}/result", asked.origin);
                plain(200, &format!("{{\"id\":\"j\",\"status\":\"completed\",\"resultUrl\":\"{url}\"}}"))
            }
            _ => return None,
        })
    })
    .await;
    let dataset = fake.file("i.ndjson", IMPORT);
    let settings = [("max_attempts", "3"), ("backoff.base", "1ms"), ("backoff.cap", "5ms")];
    let handle = fake.begin(OperationKind::Import, &[&dataset], &settings).await;
    let ending = within(handle.ended()).await;
    assert_eq!(ending.state, RunState::CompletedWithFailures);
    let failed = failures(&fake, &handle.row().unwrap());
    assert_eq!((failed.len(), failed[0].stage, failed[0].status), (1, Stage::Result, Some(503)));
    assert_eq!(fake.asked("/result").len(), 3);
    assert_eq!(fake.asked(IMPORTS).iter().filter(|one| one.method == "POST").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_looked_at_ever_more_seldom_also_where_the_platform_is_in_trouble() {
    let fake = Fake::start(|asked| async move {
        Some(match asked.method.as_str() {
            "POST" if asked.path.ends_with(IMPORTS) => plain(202, "{\"id\":\"j\",\"status\":\"queued\"}"),
            _ if asked.path.contains(IMPORTS) => plain(503, "{\"message\":\"down\"}"),
            _ => return None,
        })
    })
    .await;
    let dataset = fake.file("i.ndjson", IMPORT);
    let handle = fake.begin(OperationKind::Import, &[&dataset], &[]).await;
    // the second look: real time
    fake.until_asked("/j", 2).await;
    let (row, _) = leave(&handle, Command::Drain).await;
    let events = fake.journal.reader().unwrap().events(&row, 0, 1000).unwrap();
    let waits = events.iter().filter(|event| event.kind == "waiting").filter_map(|event| event.delay_ms);
    let waits: Vec<_> = waits.collect();
    assert!(matches!(waits[..], [4000..=4500, 8000..=8500]), "{waits:?}");
}

const IMPORT: &[u8] =
    b"{\"entity\":\"contact\",\"operation\":\"upsert\",\"sourceUrl\":\"https://x.example/1\",\"targetUrl\":\"https://x.example/2\",\"keyFields\":[\"id\"]}\n";

/// A platform whose first executions never answer.
async fn silent(times: usize) -> Fake {
    Fake::start(move |asked| async move {
        if asked.path.ends_with(EXECUTE) && asked.before < times {
            std::future::pending::<()>().await;
        }
        asked.path.ends_with(EXECUTE).then(|| plain(200, "{\"ok\":true}"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_at_once_leaves_no_more_in_doubt_than_was_out() {
    for (kind, place) in [(OperationKind::Exchange, "/ingestion"), (OperationKind::Execute, EXECUTE)] {
        let fake = Fake::start(move |asked| async move {
            let calls = asked.path.ends_with(place);
            if calls && asked.before < 2 {
                std::future::pending::<()>().await;
            }
            calls.then(|| plain(200, "{}"))
        })
        .await;
        let dataset = fake.file("a.json", &interactions(40).array());
        let of_kind = if kind == OperationKind::Execute { RETRY[0] } else { ("chunk_records", "1") };
        let handle = fake.begin(kind, &[&dataset], &[("workers", "2"), of_kind]).await;
        fake.until_asked(place, 2).await;
        let (run, _) = leave(&handle, Command::LeaveAtOnce).await;
        let handle = fake.resume(&run).await;
        assert_eq!(within(handle.ended()).await.state, RunState::Completed, "{kind:?}");
        let mut rows = Vec::new();
        let keep = |row: ResultRow| {
            rows.push((row.unsure, row.attempts));
            Ok::<_, JournalError>(())
        };
        fake.journal.reader().unwrap().each_result(&handle.row().unwrap(), keep).unwrap();
        rows.sort_unstable();
        assert_eq!((&rows[..38], &rows[38..]), (&[(0, 1); 38][..], &[(1, 2); 2][..]), "{kind:?}");
    }
}

const FAIL: [(&str, &str); 3] = [("action", "act"), ("lock_lease", "1s"), ("unsure", "fail")];
const RETRY: [(&str, &str); 2] = [("action", "act"), ("lock_lease", "1s")];

async fn cut_off(fake: &Fake, dataset: &Path, settings: &[(&str, &str)]) -> RunRow {
    let handle = fake.begin(OperationKind::Execute, &[dataset], settings).await;
    fake.until_asked(EXECUTE, 1).await;
    leave(&handle, Command::LeaveAtOnce).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_a_crash_cut_off_is_handed_over_with_its_mark() {
    let fake = silent(1).await;
    let dataset = fake.file("c.ndjson", b"{\"a\":1}\n");
    let row = cut_off(&fake, &dataset, &FAIL).await;
    let handle = fake.resume(&row).await;
    within(handle.ended()).await;
    let failed = failures(&fake, &handle.row().unwrap());
    assert_eq!((failed.len(), failed[0].doubtful, failed[0].stage), (1, true, Stage::Delivery));
    assert!(failed[0].message.contains("the process ended while its call was out"), "{failed:?}");
    // others who come to its key hand over, too, whatever they would do with a doubt of their own
    let other = fake.begin(OperationKind::Execute, &[&dataset], &RETRY).await;
    within(other.ended()).await;
    assert_eq!(other.row().unwrap().records.failed, 1);
    assert_eq!(fake.asked(EXECUTE).len(), 1, "nothing was executed again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_a_crash_cut_off_is_delivered_where_its_result_is_stored_by_now() {
    let fake = silent(1).await;
    let dataset = fake.file("c.ndjson", b"{\"a\":1}\n");
    let row = cut_off(&fake, &dataset, &FAIL).await;
    let other = fake.begin(OperationKind::Execute, &[&dataset], &RETRY).await;
    within(other.ended()).await;
    assert_eq!(other.row().unwrap().records.delivered, 1);
    let handle = fake.resume(&row).await;
    within(handle.ended()).await;
    let row = handle.row().unwrap();
    assert_eq!((row.state, row.records.delivered, row.from_store), (RunState::Completed, 1, 1));
    assert_eq!(fake.asked(EXECUTE).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_that_journal_and_lease_both_know_of_counts_once() {
    let fake = silent(2).await;
    let dataset = fake.file("c.ndjson", b"{\"a\":1}\n");
    let row = cut_off(&fake, &dataset, &RETRY).await;
    // another takes the lock over when it has ended, and is cut off, too
    let other = fake.begin(OperationKind::Execute, &[&dataset], &RETRY).await;
    fake.until_asked(EXECUTE, 2).await;
    leave(&other, Command::LeaveAtOnce).await;
    let handle = fake.resume(&row).await;
    within(handle.ended()).await;
    let mut unsure = Vec::new();
    let count = |one: trunkline::journal::ResultRow| -> Result<(), trunkline::journal::JournalError> {
        unsure.push(one.unsure);
        Ok(())
    };
    fake.journal.reader().unwrap().each_result(&handle.row().unwrap(), count).unwrap();
    assert_eq!(unsure, [1]);
    assert_eq!(fake.asked(EXECUTE).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doubt_of_a_lock_that_is_taken_over_is_on_the_disk_before_the_call_goes_again() {
    let fake = silent(2).await;
    let dataset = fake.file("c.ndjson", b"{\"a\":1}\n");
    let row = cut_off(&fake, &dataset, &RETRY).await;
    let handle = fake.resume(&row).await;
    fake.until_asked(EXECUTE, 2).await;
    // a crash now would leave this, and the next process counts on
    let journal = rusqlite::Connection::open(fake.folder.path().join("data/journal.db")).unwrap();
    let unsure: u32 = journal.query_row("SELECT max(unsure) FROM item", [], |row| row.get(0)).unwrap();
    assert_eq!(unsure, 1);
    leave(&handle, Command::LeaveAtOnce).await;
}

/// A run whose one call ends in a 502, which says nothing of its effect, while the store is away.
struct Unsure {
    fake: Fake,
    redis: RedisServer,
    dataset: PathBuf,
    handle: Handle,
}

async fn unsure_without_a_store() -> Unsure {
    let (open, gate) = gate();
    let mut redis = RedisServer::start();
    let mut fake = Fake::start(move |asked| {
        let gate = gate();
        async move {
            if !asked.path.ends_with(EXECUTE) {
                return None;
            }
            opened(gate).await;
            Some(plain(502, "{\"message\":\"bad gateway\"}"))
        }
    })
    .await;
    fake.store = StorePlace::Redis { url: redis.url().parse().unwrap(), password: None };
    let dataset = fake.file("c.ndjson", b"{\"a\":1}\n");
    let settings = [("action", "act"), ("unsure", "fail")];
    let handle = fake.begin(OperationKind::Execute, &[&dataset], &settings).await;
    fake.until_asked(EXECUTE, 1).await;
    redis.kill();
    open.send_replace(true);
    Unsure { fake, redis, dataset, handle }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_of_an_unsure_item_is_owed_until_the_store_has_it() {
    let Unsure { fake, mut redis, dataset, handle } = unsure_without_a_store().await;
    assert_eq!(within(fault_of(&handle)).await.kind, FaultKind::Store);
    assert_eq!(handle.row().unwrap().records.failed, 0, "its mark is not there");
    redis.start_again();
    assert!(handle.command(Command::GoOn));
    within(handle.ended()).await;
    let row = handle.row().unwrap();
    assert_eq!((row.state, row.records.failed), (RunState::CompletedWithFailures, 1));
    let other = fake.begin(OperationKind::Execute, &[&dataset], &[("action", "act")]).await;
    within(other.ended()).await;
    assert_eq!(other.row().unwrap().records.failed, 1);
    assert_eq!(fake.asked(EXECUTE).len(), 1, "nothing was executed again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsure_item_whose_mark_is_owed_stays_one_where_the_run_is_left() {
    let Unsure { fake, mut redis, handle, .. } = unsure_without_a_store().await;
    within(fault_of(&handle)).await;
    let (row, _) = leave(&handle, Command::Drain).await;
    assert_eq!((row.state, row.records.pending), (RunState::Faulted, 1));
    redis.start_again();
    within(fake.resume(&row).await.ended()).await;
    let row = handle.row().unwrap();
    assert_eq!((row.records.failed, row.records.pending), (1, 0));
    assert!(failures(&fake, &row)[0].doubtful);
    assert_eq!(fake.asked(EXECUTE).len(), 1, "nothing was executed again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_left_in_a_back_off_after_a_sure_answer_frees_its_keys() {
    let fake = Fake::start(|asked| async move {
        asked.path.ends_with(EXECUTE).then(|| match asked.before {
            0 => retry_after(503, 20),
            _ => plain(200, "{\"ok\":true}"),
        })
    })
    .await;
    let dataset = fake.file("c.ndjson", b"{\"a\":1}\n");
    let settings = [("action", "act"), ("lock_lease", "10m"), ("unsure", "fail")];
    let handle = fake.begin(OperationKind::Execute, &[&dataset], &settings).await;
    until(&handle, |figures| figures.waiting == 1).await;
    leave(&handle, Command::Drain).await;
    let other = fake.begin(OperationKind::Execute, &[&dataset], &settings).await;
    // far less than a lease
    within(other.ended()).await;
    let row = other.row().unwrap();
    assert_eq!((row.state, row.records.delivered), (RunState::Completed, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_halves_of_a_chunk_that_was_too_large_are_sent_as_they_are() {
    let fake = Fake::start(|asked| async move {
        asked.path.ends_with("/ingest").then(|| match asked.body.len() {
            ..60_000 => plain(200, "{}"),
            _ => plain(413, "{\"message\":\"too large\"}"),
        })
    })
    .await;
    let small = fake.file("a.ndjson", &interactions(1).ndjson());
    let large = fake.file("b.ndjson", &interactions(2_000).ndjson());
    let handle = fake.begin(OperationKind::Ingest, &[&small, &large], &[("workers", "1")]).await;
    within(handle.ended()).await;
    let row = handle.row().unwrap();
    assert_eq!((row.state, row.records.delivered), (RunState::Completed, 2_001));
    let sent: Vec<usize> = fake.asked("/ingest").iter().map(|one| one.body.len()).collect();
    // the small one, the refused one and its halves, and three others in at most three pieces each; until the first half
    // was accepted, as many were planned small as may be planned ahead
    assert!(sent.len() <= 13 + 15, "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_failed_is_written_down_before_the_next_one_goes() {
    const CHUNKS: usize = 40;
    let journal: Arc<OnceLock<PathBuf>> = Arc::default();
    let known = Arc::clone(&journal);
    let fake = Fake::start(move |asked| {
        let path = known.get().cloned();
        async move {
            let path = path.filter(|_| asked.path.ends_with("/ingest"))?;
            let journal = rusqlite::Connection::open(path).unwrap();
            let sql = "SELECT count(*) FROM item WHERE state = 'failed'";
            let failed: u32 = journal.query_row(sql, [], |row| row.get(0)).unwrap();
            // sent again after a crash, one that is missing would come after this one
            assert_eq!(failed as usize, asked.before);
            Some(plain(400, "{\"message\":\"no\"}"))
        }
    })
    .await;
    journal.set(fake.folder.path().join("data/journal.db")).unwrap();
    let dataset = fake.file("i.ndjson", &interactions(CHUNKS).ndjson());
    let settings = [("chunk_records", "1"), ("fault_after", "0")];
    let handle = fake.begin(OperationKind::Ingest, &[&dataset], &settings).await;
    within(handle.ended()).await;
    assert_eq!(fake.asked("/ingest").len(), CHUNKS);
    assert_eq!(failures(&fake, &handle.row().unwrap()).len(), CHUNKS);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_remote_job_keeps_its_place_through_a_fault() {
    let fake = Fake::start(|asked| async move {
        let job = |id: &str, status: &str| {
            let result = "{\"imported\":1,\"failed\":0,\"duplicate\":0,\"errors\":[]}";
            format!("{{\"id\":\"{id}\",\"status\":\"{status}\",\"errors\":[],\"result\":{result}}}")
        };
        Some(match (asked.method.as_str(), asked.path.rsplit('/').next()?, asked.before) {
            ("POST", "imports", before) => plain(202, &job(&format!("job-{before}"), "queued")),
            ("GET", "job-0", 0) => plain(403, "{\"message\":\"not now\"}"),
            ("GET", id, _) if asked.path.contains(IMPORTS) => plain(200, &job(id, "completed")),
            _ => return None,
        })
    })
    .await;
    let dataset = fake.file("i.ndjson", &[IMPORT, IMPORT].concat());
    let settings = [("max_open_jobs", "1"), ("workers", "2")];
    let handle = fake.begin(OperationKind::Import, &[&dataset], &settings).await;
    assert_eq!(within(fault_of(&handle)).await.kind, FaultKind::MissingScope);
    assert!(handle.command(Command::GoOn));
    within(handle.ended()).await;
    assert_eq!(handle.row().unwrap().records.delivered, 2);
    let order: Vec<String> = fake
        .asked(IMPORTS)
        .iter()
        .map(|one| format!("{} {}", one.method, one.path.rsplit('/').next().unwrap()))
        .collect();
    assert_eq!(order, ["POST imports", "GET job-0", "GET job-0", "POST imports", "GET job-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_what_is_looked_at_before_the_first_item() {
    let (open, gate) = gate();
    let fake = Fake::start(move |asked| {
        let gate = gate();
        async move {
            match (asked.method.as_str(), asked.path.as_str()) {
                ("GET", path) if path.ends_with("/contact/outcomes") => Some(if *gate.borrow() {
                    plain(200, HIERARCHY)
                } else {
                    plain(503, "{\"message\":\"maintenance\"}")
                }),
                ("PUT", _) => Some(plain(200, "{\"id\":\"c\"}")),
                _ => None,
            }
        }
    })
    .await;
    let dataset = fake.file("o.csv", b"contactId,category,subcategory\nc1,Contacted,Sale\n");
    let settings =
        [("rate", "0"), ("max_attempts", "1000000"), ("backoff.base", "5ms"), ("backoff.cap", "10ms")];
    let handle = fake.begin(OperationKind::Outcomes, &[&dataset], &settings).await;
    fake.until_asked("outcomes", 3).await;
    assert!(handle.command(Command::Pause));
    until(&handle, |figures| figures.phase == Phase::Paused).await;
    let before = fake.asked("outcomes").len();
    // real time: that nothing comes can only be seen by waiting
    tokio::time::sleep(Duration::from_millis(500)).await;
    let after = fake.asked("outcomes").len();
    // one may have been on its way
    assert!(after <= before + 1, "{before} calls, then {after}");
    open.send_replace(true);
    assert!(handle.command(Command::GoOn));
    assert_eq!(within(handle.ended()).await.state, RunState::Completed);
}

const HIERARCHY: &str =
    r#"{"entities":[{"id":"1","name":"Contacted","children":[{"id":"2","name":"Sale"}]}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_long_wait_that_is_asked_for_before_the_first_item_parks_the_run() {
    for at in ["/token", "/contact/outcomes"] {
        let fake =
            Fake::start(move |asked| async move { asked.path.ends_with(at).then(|| retry_after(503, 7200)) })
                .await;
        let dataset = fake.file("o.csv", b"contactId,category,subcategory\nc1,Contacted,Sale\n");
        let handle = fake.begin(OperationKind::Outcomes, &[&dataset], &[]).await;
        let fault = within(fault_of(&handle)).await;
        assert_eq!(fault.kind, FaultKind::Parked, "{at}");
        let wait = fault.resumes_at.unwrap().duration_since(fault.at);
        assert!((7_100..7_300).contains(&wait.as_secs()), "{at}: {wait}");
        let moment = fault.resumes_at.unwrap().strftime("before %Y-%m-%dT%H:%M:%SZ:").to_string();
        assert!(fault.advice.contains(&moment), "{at}: {}", fault.advice);
        let asked = fake.asked(at).len();
        assert_eq!(asked, 1, "{at}");
        // neither a person's word nor a resume is a call before that moment
        assert!(handle.command(Command::GoOn));
        until(&handle, |figures| figures.phase == Phase::Running).await;
        let (row, _) = leave(&handle, Command::Drain).await;
        assert_eq!(
            row.not_before.map(Timestamp::as_second),
            fault.resumes_at.map(Timestamp::as_second),
            "{at}"
        );
        let handle = fake.resume(&row).await;
        // real time: that nothing comes can only be seen by waiting
        tokio::time::sleep(Duration::from_millis(300)).await;
        leave(&handle, Command::LeaveAtOnce).await;
        assert_eq!(fake.asked(at).len(), 1, "{at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_kilobytes_is_sent_whole_and_not_listed_whole() {
    let fake = Fake::start(|asked| async move {
        match asked.path.as_str() {
            path if path.ends_with("/contact/outcomes") => Some(plain(200, HIERARCHY)),
            path if path.contains("/contacts/") => Some(plain(404, "{}")),
            _ => None,
        }
    })
    .await;
    let (long, short) = ("x".repeat(5_000), "y".repeat(1_000));
    let rows = format!("contactId,category,subcategory\n{long},Contacted,Sale\n{short},Contacted,Sale\n");
    let dataset = fake.file("o.csv", rows.as_bytes());
    let handle = fake.begin(OperationKind::Outcomes, &[&dataset], &[]).await;
    within(handle.ended()).await;
    let keys: Vec<String> = failures(&fake, &handle.row().unwrap()).into_iter().map(|row| row.key).collect();
    assert_eq!(keys[1], short);
    assert!(keys[0].len() < 300 && keys[0].ends_with('…'), "{keys:?}");
    assert_eq!(fake.asked(&long).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_cannot_be_written_is_tried_again_by_itself() {
    let (open, gate) = gate();
    let fake = Fake::start(move |asked| {
        let gate = gate();
        async move {
            Some(match (asked.method.as_str(), asked.path.as_str()) {
                ("POST", path) if path.ends_with(IMPORTS) => {
                    plain(202, "{\"id\":\"j\",\"status\":\"queued\"}")
                }
                (_, "/result") => plain(200, "{\"imported\":1,\"failed\":0,\"duplicate\":0,\"errors\":[]}"),
                (_, path) if path.contains(IMPORTS) => {
                    opened(gate).await;
                    let url = format!("{}/result", asked.origin);
                    plain(200, &format!("{{\"id\":\"j\",\"status\":\"completed\",\"resultUrl\":\"{url}\"}}"))
                }
                _ => return None,
            })
        }
    })
    .await;
    let dataset = fake.file("i.ndjson", IMPORT);
    let handle = fake.begin(OperationKind::Import, &[&dataset], &[]).await;
    // a file where the folder is to be
    let results = fake.journal.run_folder(handle.run()).unwrap().join("results");
    std::fs::write(&results, b"").unwrap();
    open.send_replace(true);
    let fault = within(fault_of(&handle)).await;
    assert_eq!(fault.kind, FaultKind::Disk);
    let again = fault.resumes_at.expect("nobody else would wake the run").duration_since(fault.at);
    assert!((1..=31).contains(&again.as_secs()), "{again}");
    std::fs::remove_file(&results).unwrap();
    // as at that moment
    assert!(handle.command(Command::GoOn));
    assert_eq!(within(handle.ended()).await.state, RunState::Completed);
}
