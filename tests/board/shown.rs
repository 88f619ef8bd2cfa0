//! The board as a process of its own, on a run that this file plays.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use trunkline::config::Ui;
use trunkline::engine::Command;
use trunkline::journal::{End, Extent, Journal, NewDataset, NewRun, Origin, Settled, Write};
use trunkline::model::{
    Figures, OperationKind, PaceFigures, Phase, PlatformKind, Reason, RunId, RunState, Stage, Tally,
};
use trunkline::tui::{self, Board, Keeps, Live};

use super::nobody::Nobody;

/// The variable that says which kind of run is played.
pub const KIND: &str = "TRUNKLINE_TEST_BOARD";

const FAILURES: u64 = 5_000;

struct Played {
    kind: String,
    figures: Mutex<Figures>,
    changes: watch::Sender<u64>,
}

impl Live for Played {
    fn figures(&self) -> Figures {
        self.figures.lock().unwrap().clone()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn command(&self, command: Command) -> bool {
        let phase = match command {
            Command::Pause if self.kind == "panics" => panic!("the pause broke"),
            Command::Pause if self.kind == "panics elsewhere" => {
                std::thread::spawn(|| panic!("another thread broke"));
                return true;
            }
            Command::Pause => Phase::Paused,
            Command::GoOn => Phase::Running,
            Command::Drain if self.kind == "never drains" => Phase::Draining,
            Command::Drain | Command::LeaveAtOnce => Phase::Ended(RunState::Paused),
            Command::SetRate { rate, .. } => {
                self.figures.lock().unwrap().pace.ceiling = rate;
                self.changes.send_modify(|changes| *changes += 1);
                return true;
            }
            _ => return true,
        };
        self.figures.lock().unwrap().phase = phase;
        self.changes.send_modify(|changes| *changes += 1);
        true
    }
}

fn settled(item: u64) -> Write {
    let reason = Reason {
        stage: Stage::Delivery,
        status: Some(404),
        code: Some("contact.not.found".to_owned()),
        message: format!("contact contact-{item} was not found"),
        violations: Vec::new(),
    };
    let record = Bytes::from(format!("{{\"contactId\":\"contact-{item}\",\"category\":\"Sale\"}}"));
    Write::Settle(Box::new(Settled {
        seq: item,
        extent: Extent { dataset: 0, first: item, span: 1, count: 1 },
        end: End::Failed { reason, record: Some(record) },
        attempts: 1,
        unsure: 0,
        doubtful: false,
        status: Some(404),
        took_ms: None,
        name: Some(format!("contact-{item}")),
        correlation_id: None,
        remote_id: None,
        origin: Origin::Planned,
    }))
}

fn new_run() -> NewRun {
    NewRun {
        id: RunId::begin(),
        operation: OperationKind::Outcomes,
        profile: "practice".to_owned(),
        platform: PlatformKind::Cxone,
        api_url: "http://127.0.0.1:9".to_owned(),
        auth_url: "http://127.0.0.1:9".to_owned(),
        client_id: "client".to_owned(),
        production: false,
        plan: String::new(),
        until_error: false,
        datasets: vec![NewDataset {
            path: "/data/outcomes.csv".to_owned(),
            format: "CSV".to_owned(),
            bytes: 1,
            digest: None,
            records: Some(10_000),
            first_position: 0,
            correlation_id: "c".to_owned(),
        }],
    }
}

fn figures(run: RunId) -> Figures {
    let tally = Tally { total: Some(10_000), pending: 5_000, failed: FAILURES, ..Tally::default() };
    Figures {
        run,
        operation: OperationKind::Outcomes,
        profile: "practice".to_owned(),
        platform: PlatformKind::Cxone,
        host: "127.0.0.1".to_owned(),
        production: false,
        datasets: vec!["/data/outcomes.csv".to_owned()],
        started_at: jiff::Timestamp::now(),
        elapsed: Duration::from_secs(3),
        phase: Phase::Running,
        items: tally,
        records: tally,
        requests: FAILURES,
        retries: 0,
        throttled: 0,
        troubles: 0,
        records_per_second: 45.0,
        latency_p50: Some(Duration::from_millis(20)),
        latency_p99: Some(Duration::from_millis(90)),
        workers: Vec::new(),
        workers_asked: 0,
        map: Arc::default(),
        act: None,
        waiting: 0,
        waits: Vec::new(),
        jobs: 0,
        watched: Vec::new(),
        from_store: 0,
        rows_failed: 0,
        pace: PaceFigures { rate: 45.0, ceiling: Some(45.0), ..PaceFigures::default() },
        bottleneck: None,
        eta: None,
        token_left: None,
        last_event: 0,
    }
}

#[test]
#[ignore = "the board itself, which the other tests start in a terminal"]
fn the_board_itself() {
    let kind = std::env::var(KIND).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let left = runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let new = new_run();
        let (book, _lock) = journal.begin(&new).unwrap();
        let stretch = Write::Stretch { first_seq: 0, dataset: 0, first: 0, count: 10_000, planned: 10_000 };
        let writes = std::iter::once(stretch).chain((0..FAILURES).map(settled)).collect();
        journal.commit(&book, writes).await;
        let live =
            Arc::new(Played { kind, figures: Mutex::new(figures(new.id)), changes: watch::Sender::new(0) });
        let by = "sam".to_owned();
        let board = Board {
            live: Some(live),
            journal,
            run: None,
            office: Arc::new(Nobody),
            by,
            keeps: Keeps::Journal,
        };
        tui::watch(board, &Ui::default()).await
    });
    match left {
        Ok(left) => println!("left: {left:?}"),
        Err(error) => println!("{error}"),
    }
    // the terminal may be gone, and with it the place where a test program reports
    runtime.shutdown_timeout(Duration::from_millis(100));
    std::process::exit(0);
}
