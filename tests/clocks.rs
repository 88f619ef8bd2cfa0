//! What holds when the clock on the wall is set, and when the machine sleeps: which is the same to a program whose own clock
//! stands still meanwhile. All of it in held time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::time::Instant;
use trunkline::config::StorePlace;
use trunkline::coordination::{Claim, Holder, Mark, StoredResult};
use trunkline::engine::{self, Command, Handle, Setup, Wins};
use trunkline::journal::Journal;
use trunkline::machine::{self, Came, Disk, Hold, Loss, World};
use trunkline::model::{FaultKind, OperationKind, Phase, RunId, RunState};
use trunkline::plan::Plan;

use support::{fault_of, interactions};

const SLEEP: SignedDuration = SignedDuration::from_hours(8);
const URL: &str = "http://127.0.0.1:1";

/// What the platform does with a call.
#[derive(Clone, Copy)]
enum Does {
    Accepts,
    /// Says that it should come later, in so many seconds.
    Defers(u32),
    /// Never answers.
    Hangs,
}

/// A platform that does one thing after the other, and accepts everything when it has done them all.
#[derive(Default)]
struct Platform {
    next: Mutex<VecDeque<Does>>,
    calls: Mutex<Vec<Instant>>,
}

impl Platform {
    fn calls(&self) -> Vec<Instant> {
        self.calls.lock().unwrap().clone()
    }

    async fn until_called(&self, times: usize) {
        while self.calls().len() < times {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

struct Held(Arc<Platform>);

impl World for Held {
    fn disk(&self) -> Disk {
        Disk::Sound(Duration::ZERO)
    }

    fn exchange(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Came, Loss>> {
        let came = |answer: http::Response<&'static str>| {
            Ok(Came { answer: answer.map(|body| Bytes::from_static(body.as_bytes())), cut: false })
        };
        if request.uri().path().ends_with("/token") {
            let token = r#"{"access_token":"t","token_type":"bearer","expires_in":86400}"#;
            return Box::pin(async move { came(http::Response::new(token)) });
        }
        self.0.calls.lock().unwrap().push(Instant::now());
        let does = self.0.next.lock().unwrap().pop_front().unwrap_or(Does::Accepts);
        Box::pin(async move {
            let answer = http::Response::builder();
            came(match does {
                Does::Accepts => answer.body("{\"ok\":true}").unwrap(),
                Does::Defers(seconds) => {
                    answer.status(429).header("retry-after", seconds).body("{}").unwrap()
                }
                Does::Hangs => std::future::pending().await,
            })
        })
    }
}

/// A machine whose clock can be set, with a platform and a folder.
struct Desk {
    hold: Hold,
    platform: Arc<Platform>,
    folder: TempDir,
    journal: Journal,
}

impl Desk {
    fn new(does: &[Does]) -> Self {
        let platform =
            Arc::new(Platform { next: Mutex::new(does.iter().copied().collect()), ..Platform::default() });
        let noon = Timestamp::from_second(1_790_000_000).unwrap();
        let hold = machine::hold(noon, Arc::new(Held(Arc::clone(&platform))));
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("data")).unwrap();
        Self { hold, platform, folder, journal }
    }

    fn setup(&self, plan: Plan) -> Setup {
        let profile = support::profile(URL, plan.operation.kind(), self.folder.path());
        let journal = self.journal.clone();
        Setup {
            journal,
            plan,
            profile,
            until_error: false,
            store: StorePlace::Embedded,
            wins: Wins::default(),
        }
    }

    async fn begin(&self, kind: OperationKind, dataset: &[u8], settings: &[(&str, &str)]) -> Handle {
        let path = self.folder.path().join("d.ndjson");
        std::fs::write(&path, dataset).unwrap();
        let setup = self.setup(support::Tenant::plan(kind, &[path.as_path()], settings));
        let scanned = engine::scan(&setup.plan, false, |_, _| ()).await.unwrap();
        engine::begin(setup, scanned).await.unwrap()
    }

    fn data(&self) -> &Path {
        self.journal.data_folder()
    }
}

async fn completed(handle: &Handle) {
    // held time passes by itself, and a fault that stands for ever fails instead of hanging
    let ending = tokio::time::timeout(Duration::from_hours(48), handle.ended()).await;
    let ending = ending.unwrap_or_else(|_| panic!("it never ends: {:?}", handle.figures().phase));
    assert_eq!(ending.state, RunState::Completed, "{ending:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_out_when_the_machine_slept_ends_by_its_timeout() {
    let desk = Desk::new(&[Does::Hangs]);
    let handle = desk.begin(OperationKind::Exchange, &interactions(1).ndjson(), &[("timeout", "20s")]).await;
    desk.platform.until_called(1).await;
    desk.hold.set_clock(SLEEP);
    completed(&handle).await;
    let calls = desk.platform.calls();
    let apart = calls[1] - calls[0];
    assert!(apart >= Duration::from_secs(20) && apart < Duration::from_secs(22), "{apart:?}");
    let took = handle.row().unwrap().took;
    assert!(took < Duration::from_mins(1), "the sleep is no part of the work: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ended_in_a_sleep_guards_nothing_any_more() {
    let desk = Desk::new(&[Does::Defers(2)]);
    let handle = desk.begin(OperationKind::Execute, b"{\"a\":1}\n", &[("action", "act")]).await;
    desk.platform.until_called(1).await;
    desk.hold.set_clock(SLEEP);
    // whoever wakes first finds that the lease has ended, takes it over, and executes
    let profile = support::profile(URL, OperationKind::Execute, desk.folder.path());
    let store = engine::store(&StorePlace::Embedded, &profile, desk.data()).unwrap();
    let key = trunkline_key("act", "{\"a\":1}");
    let other = Holder { run: RunId::begin(), item: 0 };
    let claim = store.claim(&key, other, Duration::from_secs(30), Mark::Respect).await.unwrap();
    let Claim::Granted { lease, taken_over: true } = claim else { panic!("{claim:?}") };
    tokio::time::sleep(Duration::from_secs(5)).await;
    let result = StoredResult {
        status: 200,
        headers: Vec::new(),
        body: Bytes::from_static(b"{\"by\":\"the other\"}"),
        at: machine::now(),
    };
    store.keep(&key, lease.fence, &result, Duration::from_hours(24)).await.unwrap();
    completed(&handle).await;
    assert_eq!(desk.platform.calls().len(), 1, "it is executed by the other alone");
    assert_eq!(handle.row().unwrap().from_store, 1);
}

fn trunkline_key(action: &str, body: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{action}:{body}"));
    digest.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_closes_no_set() {
    let desk = Desk::new(&[Does::Accepts, Does::Defers(10)]);
    let settings = [("chunk_records", "1"), ("correlation_window", "1h")];
    let handle = desk.begin(OperationKind::Ingest, &interactions(2).ndjson(), &settings).await;
    desk.platform.until_called(2).await;
    desk.hold.set_clock(SignedDuration::from_hours(-2));
    completed(&handle).await;
}

#[tokio::test(start_paused = true)]
async fn a_set_is_taken_for_closed_after_a_sleep_that_was_longer_than_it_stays_open() {
    let desk = Desk::new(&[Does::Accepts, Does::Defers(10)]);
    let settings = [("chunk_records", "1"), ("correlation_window", "1h")];
    let handle = desk.begin(OperationKind::Ingest, &interactions(2).ndjson(), &settings).await;
    desk.platform.until_called(2).await;
    desk.hold.set_clock(SLEEP);
    assert_eq!(fault_of(&handle).await.kind, FaultKind::CorrelationWindow);
}

/// A run that was told to come again in so many seconds, and whose clock is set meanwhile: how long it waited.
async fn waited(seconds: u32, by: SignedDuration) -> Duration {
    let desk = Desk::new(&[Does::Defers(seconds)]);
    let handle = desk.begin(OperationKind::Exchange, &interactions(1).ndjson(), &[]).await;
    desk.platform.until_called(1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    desk.hold.set_clock(by);
    // whatever makes it look at its waits anew
    for rate in [40.0, 45.0] {
        assert!(handle.command(Command::SetRate { rate: Some(rate), by: "sam".to_owned() }));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    completed(&handle).await;
    let calls = desk.platform.calls();
    calls[1] - calls[0]
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_as_long_as_it_says_whoever_sets_the_clock() {
    for seconds in [10, 60, 1200] {
        let told = Duration::from_secs(seconds.into());
        for hours in [-2, 2, 8] {
            let waited = waited(seconds, SignedDuration::from_hours(hours)).await;
            assert!(waited >= told, "{seconds} s, {hours} h: {waited:?}");
            assert!(
                waited < told.mul_f64(1.25) + Duration::from_secs(2),
                "{seconds} s, {hours} h: {waited:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_waits_no_longer_than_was_told_though_the_clock_was_set_back() {
    for seconds in [10, 60, 1200] {
        let desk = Desk::new(&[Does::Defers(seconds)]);
        let handle = desk.begin(OperationKind::Exchange, &interactions(1).ndjson(), &[]).await;
        desk.platform.until_called(1).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(handle.command(Command::Drain));
        handle.ended().await;
        let row = handle.row().unwrap();
        desk.hold.set_clock(SignedDuration::from_hours(-2));
        let setup = desk.setup(Plan::from_toml(&row.plan).unwrap());
        completed(&engine::resume(setup, &row).await.unwrap()).await;
        let calls = desk.platform.calls();
        let (waited, told) = (calls[1] - calls[0], Duration::from_secs(seconds.into()));
        assert!(waited >= told, "{seconds} s: {waited:?}");
        assert!(waited < told.mul_f64(1.25) + Duration::from_secs(4), "{seconds} s: {waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_waits_as_long_as_the_first_look_was_told_though_the_clock_was_set_back_before() {
    let desk = Desk::new(&[Does::Defers(60)]);
    let contact = b"{\"contactId\":\"1\",\"category\":\"A\",\"subcategory\":\"B\"}\n";
    let handle = desk.begin(OperationKind::Outcomes, contact, &[]).await;
    desk.hold.set_clock(SignedDuration::from_hours(-2));
    assert_eq!(desk.platform.calls(), [], "nothing was told before");
    desk.platform.until_called(1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(handle.command(Command::LeaveAtOnce));
    handle.ended().await;
    let row = handle.row().unwrap();
    let setup = desk.setup(Plan::from_toml(&row.plan).unwrap());
    let handle = engine::resume(setup, &row).await.unwrap();
    desk.platform.until_called(2).await;
    let calls = desk.platform.calls();
    let waited = calls[1] - calls[0];
    assert!(waited >= Duration::from_mins(1) && waited < Duration::from_secs(80), "{waited:?}");
    // the wait is told of when it is told, and when a carrying-out begins with the rest of it
    let journal = rusqlite::Connection::open(desk.data().join("journal.db")).unwrap();
    let mut told = journal.prepare("SELECT delay_ms FROM event WHERE kind = 'pool_paused'").unwrap();
    let told: Vec<u32> = told.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(told.len() == 2 && told[1] < told[0] && told[1] > 55_000, "{told:?}");
    assert!(handle.command(Command::LeaveAtOnce));
    handle.ended().await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_is_over_by_itself_is_so_at_its_time_though_the_clock_was_set() {
    let desk = Desk::new(&[Does::Defers(1200)]);
    let handle = desk.begin(OperationKind::Exchange, &interactions(1).ndjson(), &[]).await;
    let begun = Instant::now();
    assert_eq!(fault_of(&handle).await.kind, FaultKind::Parked);
    desk.hold.set_clock(SignedDuration::from_hours(2));
    assert!(handle.command(Command::SetRate { rate: Some(40.0), by: "sam".to_owned() }));
    tokio::time::sleep(Duration::from_mins(19)).await;
    assert!(matches!(handle.figures().phase, Phase::Faulted(_)), "it stands until then");
    desk.hold.set_clock(SignedDuration::from_hours(-4));
    completed(&handle).await;
    assert!(begun.elapsed() < Duration::from_mins(26), "{:?}", begun.elapsed());
}
