//! The program is stopped for longer than its token, its timeouts and its leases last, and wakes up.

use std::process::{Child, Stdio};
use std::time::Duration;

use rusqlite::Connection;

use super::bench::Bench;
use super::redis::RedisServer;
use super::storm::{self, Work, amount};

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Longer than a token lives in the storm, and than any lease, timeout or back-off here.
fn nap() -> Duration {
    Duration::from_secs(u64::from(amount(8, 60)))
}

#[test]
fn a_run_that_slept_goes_on_with_a_new_token_and_does_nothing_twice() {
    let works: Vec<Work> = vec![
        storm::ingest(16_000),
        storm::contacts(5_000),
        storm::executions(4_000),
        storm::batches(16_000),
        storm::imports(60),
    ];
    let begin = |work: &Work| {
        let mut typed = work.words.clone();
        typed.extend(["--set", "timeout=2s"]);
        let child = work.bench.child(&typed).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        (child, typed)
    };
    let mut children: Vec<_> = works.iter().map(begin).collect();
    for work in &works {
        let since = std::time::Instant::now();
        while work.bench.calls() < 20 {
            assert!(since.elapsed() < super::bench::LIMIT, "{:#}", work.bench.ledger());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    for (child, _) in &children {
        signal(child, "STOP");
    }
    std::thread::sleep(nap());
    for (child, _) in &children {
        signal(child, "CONT");
    }
    for (child, words) in &mut children {
        let ended = child.wait().unwrap();
        assert!(matches!(ended.code(), Some(0 | 1)), "{words:?}: {ended:?}");
    }
    for work in &works {
        work.holds(0);
    }
}

/// Stops the process where it holds none of the files that all processes share: nobody could do anything then.
fn fall_asleep(bench: &Bench, child: &Child) {
    let is_free = |name: &str| {
        let connection = Connection::open(bench.data_dir().join(name)).unwrap();
        connection.busy_timeout(Duration::from_millis(50)).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok()
    };
    loop {
        signal(child, "STOP");
        if is_free("journal.db") && is_free("coordination.db") {
            return;
        }
        signal(child, "CONT");
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// One process sleeps on its locks, another takes them over, and the first one wakes up.
fn sleep_on_locks(bench: &Bench) {
    let records: Vec<String> = (0..300).map(|n| format!("{{\"customer\":{n}}}")).collect();
    bench.file("c.ndjson", records.join("\n"));
    let words = [
        "execute",
        "c.ndjson",
        "--profile",
        "env",
        "--headless",
        "--action",
        "act",
        "--set",
        "lock_lease=1s",
    ];
    let start = || bench.child(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ends_well = |child: Child| {
        let ended = child.wait_with_output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(ended.status.code(), Some(0), "{}{}", said(&ended.stdout), said(&ended.stderr));
    };
    let sleeper = start();
    bench.until("a few executions", |ledger| ledger["execute"]["effects"]["distinct"].as_u64() >= Some(20));
    fall_asleep(bench, &sleeper);
    ends_well(start());
    std::thread::sleep(nap().saturating_sub(Duration::from_secs(6)));
    signal(&sleeper, "CONT");
    ends_well(sleeper);
    let effects = &bench.ledger()["execute"]["effects"];
    assert_eq!((&effects["distinct"], &effects["twice_or_more"]), (&300.into(), &0.into()), "{effects:#}");
    bench.assert_clean();
    // what was out as the first one fell asleep may have been sent again, under its old key, and nothing else
    assert!(bench.calls() <= 300 + 8, "{:#}", bench.ledger());
    for run in bench.ends(&["runs", "--format", "json"], 0).json().as_array().unwrap() {
        assert_eq!(
            (&run["state"], &run["records"]["delivered"]),
            (&"completed".into(), &300.into()),
            "{run:#}"
        );
    }
}

const SLOW: &str = "[latency]\nmin = \"60ms\"\nmax = \"120ms\"\n";

#[test]
fn locks_that_were_slept_on_are_taken_over_and_that_is_noticed() {
    sleep_on_locks(&Bench::like(SLOW));
}

#[test]
fn locks_that_were_slept_on_are_taken_over_on_redis_and_that_is_noticed() {
    let redis = RedisServer::start();
    let bench = Bench::like(SLOW);
    bench.file("config.toml", format!("[store]\nurl = \"{}\"\n", redis.url()));
    sleep_on_locks(&bench);
}
