//! Pulling the plug: the program is killed at moments that nobody chose, and goes on each time.

use std::process::Stdio;
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;
use rustix::process::Signal;

use super::bench::{Bench, LIMIT, outcomes};
use super::pty::Session;
use super::storm::{self, RESUME, Work, amount, assert_sound};

/// How a kill is led up to.
#[derive(Clone, Copy)]
enum Lead {
    /// It comes out of nothing, after so many milliseconds at most.
    None(u64),
    /// The program was told to leave, and is doing so.
    Leaving,
}

/// Kills the run again and again, after a while each time, and lets it end then.
fn kill_again_and_again(work: &Work, lead: Lead, seed: u64) {
    let bench = &work.bench;
    let mut random = fastrand::Rng::with_seed(seed);
    let (wanted, mut kills) = (amount(20, 40), 0);
    let mut words: &[&str] = &work.words;
    while kills < wanted {
        let mut child = bench.child(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let most = if let Lead::None(most) = lead { most } else { 250 };
        std::thread::sleep(Duration::from_millis(random.u64(most / 20..most)));
        if matches!(lead, Lead::Leaving) {
            signal(&child, "TERM");
            std::thread::sleep(Duration::from_millis(random.u64(0..20)));
        }
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        if ended.is_some_and(|status| matches!(status.code(), Some(0 | 1))) {
            // a fast machine was done before
            break;
        }
        // a signal that came before anybody listened ends it like that, and 130 says that it has left in time
        let left = |code: Option<i32>| {
            code == Some(2) || (matches!(lead, Lead::Leaving) && matches!(code, None | Some(130)))
        };
        assert!(ended.is_none_or(|status| left(status.code())), "seed {seed}: ended by itself: {ended:?}");
        assert_sound(&bench.data_dir());
        kills += 1;
        let known = words != RESUME
            && bench.data_dir().join("journal.db").exists()
            && bench.command(&["show", "last"]).output().unwrap().status.success();
        if known {
            words = &RESUME;
        }
    }
    assert!(kills >= wanted / 2, "seed {seed}: it was over after {kills} kills");
    work.ends(kills);
}

fn signal(child: &std::process::Child, name: &str) {
    let sent = std::process::Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn an_ingest_killed_again_and_again_applies_every_record_once_and_in_order() {
    kill_again_and_again(&storm::ingest(amount(60_000, 160_000)), Lead::None(350), 11);
}

#[test]
fn outcomes_killed_again_and_again_reach_every_contact_once() {
    kill_again_and_again(&storm::contacts(amount(20_000, 60_000)), Lead::None(350), 12);
}

#[test]
fn executions_killed_again_and_again_take_effect_once_each() {
    kill_again_and_again(&storm::executions(amount(12_000, 40_000)), Lead::None(350), 13);
}

#[test]
fn batches_killed_again_and_again_arrive_without_the_refused_and_go_on_isolating_where_they_were() {
    kill_again_and_again(&storm::batches(amount(60_000, 160_000)), Lead::None(350), 14);
}

#[test]
fn imports_killed_again_and_again_are_asked_for_once_or_are_a_persons_to_decide() {
    kill_again_and_again(&storm::imports(200), Lead::None(350), 15);
}

#[test]
fn a_run_killed_as_it_starts_has_begun_or_has_not() {
    kill_again_and_again(&storm::contacts(2_000), Lead::None(60), 16);
}

#[test]
fn a_run_killed_as_it_leaves_goes_on_where_it_was() {
    kill_again_and_again(&storm::executions(amount(8_000, 16_000)), Lead::Leaving, 17);
}

#[test]
fn a_retry_killed_again_and_again_sends_no_failure_twice_and_forgets_none() {
    let bench = Bench::like(
        "refused_records = 0.0\nrefusals = \"unnamed\"\n[latency]\nmin = \"2ms\"\nmax = \"9ms\"\n",
    );
    let contacts = 3_000_u32;
    bench.file("o.csv", outcomes((0..contacts).map(|n| format!("unknown-{n}"))));
    let words =
        ["outcomes", "o.csv", "--profile", "env", "--headless", "--rate", "0", "--set", "fault_after=0"];
    bench.ends(&words, 1);
    let retry = ["retry", "last", "--headless", "--yes", "--set", "fault_after=0"];
    let mut random = fastrand::Rng::with_seed(18);
    for _ in 0..amount(10, 40) {
        let mut child = bench.child(&retry).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(random.u64(20..400)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_sound(&bench.data_dir());
    }
    bench.ends(&retry, 1);
    let run = bench.ends(&["show", "last", "--format", "json"], 0).json();
    assert_eq!(
        (&run["records"]["failed"], &run["records"]["pending"]),
        (&contacts.into(), &0.into()),
        "{run:#}"
    );
    let rows = bench.command(&["failures", "last", "--format", "json"]).output().unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&rows.stdout).unwrap();
    assert_eq!(u32::try_from(rows.len()).unwrap(), contacts);
    assert!(rows.iter().all(|row| row["status"] == 404 && row["record"].is_object()), "{:#}", rows[0]);
    bench.assert_clean();
}

#[test]
fn a_run_whose_board_is_killed_goes_on_without_it() {
    let work = storm::contacts(amount(3_000, 9_000));
    let words: Vec<&str> = work.words.iter().copied().filter(|word| *word != "--headless").collect();
    let mut random = fastrand::Rng::with_seed(19);
    let kills = amount(5, 20);
    for number in 0..kills {
        let resume = ["resume", "last", "--yes"];
        let plain = work.bench.child(if number == 0 { &words } else { &resume });
        let mut command = CommandBuilder::new(plain.get_program());
        command.args(plain.get_args());
        if number == 0 {
            command.arg("--yes");
        }
        command.env_clear();
        for (name, value) in plain.get_envs() {
            command.env(name, value.unwrap());
        }
        command.env("TERM", "xterm-256color");
        command.cwd(work.bench.folder.path());
        let before = work.bench.ledger()["outcomes"]["applied"].as_u64();
        let mut session = Session::start(command, (100, 30));
        work.bench.until("a few contacts", |ledger| ledger["outcomes"]["applied"].as_u64() > before);
        std::thread::sleep(Duration::from_millis(random.u64(0..100)));
        session.signal(Signal::KILL);
        session.wait_for_end();
        assert_sound(&work.bench.data_dir());
    }
    work.ends(kills);
}

#[test]
fn a_lock_of_a_killed_process_is_free_when_its_lease_ends_and_not_before() {
    let bench = Bench::like("[faults]\nslow = 1.0\nslow_for = \"60s\"\n");
    bench.file("c.ndjson", "{\"customer\":1}");
    let words = [
        "execute",
        "c.ndjson",
        "--profile",
        "env",
        "--headless",
        "--action",
        "act",
        "--set",
        "lock_lease=4s",
    ];
    let mut holder = bench.child(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let held = || String::from_utf8(bench.command(&["store", "status"]).output().unwrap().stdout).unwrap();
    let locks = |said: &str, what: &str| {
        said.lines()
            .find(|line| line.trim_start().starts_with(what))
            .and_then(|line| line.split_whitespace().nth(1)?.parse::<u32>().ok())
    };
    let begun = Instant::now();
    while locks(&held(), "locks") != Some(1) {
        assert!(begun.elapsed() < LIMIT, "{}", held());
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
    let killed = Instant::now();
    // its lease was renewed at most a third of it before
    let mut other = bench.child(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while bench.calls() < 2 {
        assert!(killed.elapsed() < LIMIT, "{:#}", bench.ledger());
        std::thread::sleep(Duration::from_millis(10));
    }
    let waited = killed.elapsed();
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(waited >= Duration::from_millis(2_500), "it was taken over after {waited:?}");
    assert!(waited < Duration::from_secs(20), "it was taken over after {waited:?}");
}

#[test]
fn two_processes_that_share_a_bucket_keep_it_through_kills_of_both() {
    let bench = Bench::like("[bucket]\nrate = 45.0\nburst = 20.0\n");
    let names = ["a.csv", "b.csv"];
    for name in names {
        bench.file(name, outcomes((0..150).map(|n| format!("{name}-{n}"))));
    }
    let start =
        |words: &[&str]| bench.child(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut pair = names.map(|name| start(&["outcomes", name, "--profile", "env", "--headless"]));
    let mut random = fastrand::Rng::with_seed(20);
    // both must be known before the first kill, or there is nothing to resume
    let known = || bench.command(&["runs", "--format", "json"]).output().unwrap().stdout;
    let begun = Instant::now();
    let ids = loop {
        let runs: serde_json::Value = serde_json::from_slice(&known()).unwrap_or_default();
        if let Some([one, two]) = runs.as_array().map(Vec::as_slice) {
            break [one, two].map(|run| run["run"].as_str().unwrap().to_owned());
        }
        assert!(begun.elapsed() < LIMIT);
    };
    for _ in 0..amount(4, 20) {
        std::thread::sleep(Duration::from_millis(random.u64(100..600)));
        for child in &mut pair {
            child.kill().unwrap();
        }
        for child in &mut pair {
            child.wait().unwrap();
        }
        assert_sound(&bench.data_dir());
        pair = [&ids[0], &ids[1]].map(|id| start(&["resume", id, "--headless"]));
    }
    for child in &mut pair {
        // exit code 2 says that it was over before
        assert!(matches!(child.wait().unwrap().code(), Some(0 | 2)));
    }
    bench.assert_clean();
    assert_eq!(bench.ledger()["outcomes"]["applied"], 300);
}

#[test]
fn two_processes_on_one_tenant_keep_one_bucket() {
    let bench = Bench::like("[bucket]\nrate = 45.0\nburst = 20.0\n");
    for name in ["a.csv", "b.csv"] {
        bench.file(name, outcomes((0..200).map(|n| format!("{name}-{n}"))));
    }
    let run = |name| {
        let words = ["outcomes", name, "--profile", "env", "--headless"];
        bench.child(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let begun = Instant::now();
    let ended = [run("a.csv"), run("b.csv")].map(|mut child| child.wait().unwrap().code());
    assert_eq!(ended, [Some(0), Some(0)]);
    bench.assert_clean();
    let ledger = bench.ledger();
    assert_eq!(ledger["outcomes"]["applied"], 400);
    // 402 calls at 45/s after a burst of 20
    assert!(begun.elapsed() >= Duration::from_secs(8), "{:?}", begun.elapsed());
}
