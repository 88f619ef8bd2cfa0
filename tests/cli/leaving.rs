//! Leaving a run, coming back to it, and how the program ends.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;

use super::bench::{Bench, SECRET, events, files, interactions, outcomes};
use super::pty::Session;

/// Slow enough to be met in the middle.
const SLOW: &str = "[latency]\nmin = \"20ms\"\nmax = \"20ms\"\n";

fn signal(child: &Child, name: &str) {
    let sent =
        std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn an_interrupted_run_is_paused_and_a_resume_sends_each_record_once() {
    for name in ["INT", "TERM", "HUP"] {
        let bench = Bench::like(SLOW);
        bench.file("a.json", interactions(60));
        let words = ["ingest", "a.json", "--profile", "env", "--events", "--chunk-records", "1"];
        let child = bench.child(&words).stdout(Stdio::piped()).spawn().unwrap();
        bench.until("a few records", |ledger| ledger["ingest"]["records_applied"].as_u64() >= Some(5));
        signal(&child, name);
        let said = child.wait_with_output().unwrap();
        assert_eq!(said.status.code(), Some(130), "SIG{name}");
        let lines = events(std::str::from_utf8(&said.stdout).unwrap());
        assert_eq!(lines.last().unwrap()["event"], "run_finished", "SIG{name}");
        assert_eq!(lines.last().unwrap()["state"], "paused", "SIG{name}");
        assert!(bench.ledger()["ingest"]["records_applied"].as_u64() < Some(60));

        let said = bench.ends(&["resume", "last", "--events"], 0);
        assert_eq!(said.events()[0]["resumed"], true);
        assert_eq!(bench.ledger()["ingest"]["records_applied"], 60, "SIG{name}");
        bench.assert_clean();
    }
}

#[test]
fn a_second_interrupt_leaves_at_once() {
    let bench = Bench::like("[faults]\nslow = 1.0\nslow_for = \"30s\"\n");
    bench.file("a.json", interactions(3));
    let words = ["ingest", "a.json", "--profile", "env", "--events"];
    let mut child = bench.child(&words).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("\"requests\":1")), "a call is out");
    let begun = Instant::now();
    let status = loop {
        signal(&child, "INT");
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(8),
            "it waits for the call, or for the end of its draining"
        );
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(status.code(), Some(130));
    let last = lines.last().unwrap();
    assert!(last.contains("run_finished") && last.contains("\"paused\""), "{last}");
    assert_eq!(bench.ends(&["runs", "--format", "json"], 0).json()[0]["records"]["pending"], 3);
}

#[test]
fn a_killed_run_shows_paused_and_a_resume_sends_each_record_once() {
    let bench = Bench::like(SLOW);
    bench.file("o.csv", outcomes((0..60).map(|n| format!("c{n}"))));
    let words = ["outcomes", "o.csv", "--profile", "env", "--events", "--rate", "0", "--workers", "2"];
    let mut child = bench.child(&words).stdout(Stdio::null()).spawn().unwrap();
    bench.until("a few contacts", |ledger| ledger["outcomes"]["applied"].as_u64() >= Some(5));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(bench.ends(&["runs", "--format", "json"], 0).json()[0]["state"], "paused");
    bench.ends(&["resume", "last", "--events"], 0);
    assert_eq!(bench.ledger()["outcomes"]["applied"], 60);
    bench.assert_clean();
}

#[test]
fn a_refused_client_is_a_fault_and_nothing_is_lost() {
    let bench = Bench::calm();
    bench.file("a.json", interactions(4));
    let words = ["ingest", "a.json", "--profile", "env", "--events"];
    let said = bench.command(&words).env("GENESYS_CLIENT_SECRET", "wrong").output().unwrap();
    assert_eq!(said.status.code(), Some(3), "{}", String::from_utf8_lossy(&said.stderr));
    let lines = events(std::str::from_utf8(&said.stdout).unwrap());
    assert!(lines.iter().any(|event| event["kind"] == "client_refused"));
    bench.ends(&["resume", "last", "--events"], 0);
    assert_eq!(bench.ledger()["ingest"]["records_applied"], 4);
}

#[test]
fn a_run_that_another_process_has_is_left_alone() {
    let bench = Bench::like("[latency]\nmin = \"100ms\"\nmax = \"100ms\"\n");
    bench.file(
        "o.csv",
        outcomes((0..400).map(|n| if n == 0 { "unknown-0".to_owned() } else { format!("c{n}") })),
    );
    let words = ["outcomes", "o.csv", "--profile", "env", "--events", "--workers", "1"];
    let mut child = bench.child(&words).stdout(Stdio::null()).spawn().unwrap();
    bench.until("a few contacts", |ledger| ledger["outcomes"]["applied"].as_u64() >= Some(2));
    for words in [
        &["resume", "last"][..],
        &["retry", "last"],
        &["dismiss", "last", "--note", "x"],
        &["reopen", "last"],
        &["cancel", "last"],
    ] {
        let said = bench.ends(words, 2);
        let named = format!("sam, process {}", child.id());
        assert!(said.err().contains(&named), "{words:?}: {}", said.err());
    }
    assert_eq!(bench.ends(&["runs", "--format", "json"], 0).json()[0]["state"], "running");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_cancelled_run_stays_so() {
    let bench = Bench::like("forbidden = [\"ingest\"]\n");
    bench.file("a.json", interactions(4));
    bench.ends(&["ingest", "a.json", "--profile", "env"], 3);
    let said = bench.ends(&["cancel", "last"], 0);
    assert!(said.out().contains("4 records stay pending"), "{}", said.out());
    let run = bench.ends(&["show", "last", "--format", "json"], 0).json();
    assert_eq!((&run["state"], &run["records"]["pending"]), (&"cancelled".into(), &4.into()));
    assert!(bench.ends(&["resume", "last"], 2).err().contains("cancelled"));
    assert!(bench.ends(&["cancel", "last"], 2).err().contains("already"));
}

#[test]
fn a_resume_under_another_client_is_refused_and_names_both() {
    let bench = Bench::like("forbidden = [\"ingest\"]\n");
    bench.file("a.json", interactions(4));
    bench.ends(&["ingest", "a.json", "--profile", "env"], 3);
    let said = bench.command(&["resume", "last"]).env("GENESYS_CLIENT_ID", "other").output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    let err = String::from_utf8(said.stderr).unwrap();
    assert!(err.contains("`sandbox`") && err.contains("`other`"), "{err}");
}

#[test]
fn no_secret_stands_anywhere_afterwards() {
    let bench = Bench::like("[faults]\nerror_503 = 0.2\n");
    bench.file("a.json", interactions(50));
    let words =
        ["-vvv", "ingest", "a.json", "--profile", "env", "--chunk-records", "5", "--set", "backoff.base=5ms"];
    let said = bench.ends(&words, 0);
    assert!(!said.out().contains(SECRET) && !said.err().contains(SECRET));
    let all = files(&bench.data_dir());
    assert!(all.len() > 1);
    for file in all {
        let content = std::fs::read(&file).unwrap();
        let found = content.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!found, "the secret stands in {}", file.display());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", file.display());
        }
    }
}

#[test]
fn without_a_terminal_the_board_says_what_to_do_instead() {
    let bench = Bench::calm();
    let said = bench.ends(&[], 2);
    assert!(said.err().contains("hint: "), "{}", said.err());
}

#[test]
fn a_demo_runs_to_its_end_and_leaves_nothing_behind() {
    let bench = Bench::calm();
    let said = bench.ends(&["demo", "--scenario", "bare", "--events"], 0);
    assert_eq!(said.events().last().unwrap()["state"], "completed");
    assert!(!bench.data_dir().join("journal.db").exists(), "it is not in the person's own journal");

    bench.ends(&["demo", "--scenario", "bare", "--data-dir", "kept"], 0);
    let runs = bench.ends(&["runs", "--format", "json", "--data-dir", "kept"], 0).json();
    assert_eq!(runs[0]["records"]["delivered"], 5000);
}

#[test]
fn an_interrupted_standard_input_says_what_was_taken_and_what_a_resume_cannot_do() {
    let bench = Bench::calm();
    let words = ["ingest", "-", "--profile", "env", "--chunk-records", "1"];
    let mut child = bench.child(&words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let records = (0..2000).map(|n| format!("{{\"n\":{n}}}\n")).collect::<Vec<_>>().concat();
    input.write_all(records.as_bytes()).unwrap();
    bench.until("a few records", |ledger| ledger["ingest"]["records_applied"].as_u64() >= Some(5));
    signal(&child, "INT");
    let said = child.wait_with_output().unwrap();
    drop(input);
    assert_eq!(said.status.code(), Some(130));
    let out = String::from_utf8(said.stdout).unwrap();
    assert!(out.contains("standard input was not read to its end: "), "{out}");
    assert!(out.contains("taken") && out.contains("trunkline resume"), "{out}");

    let said = bench.ends(&["resume", "last"], 3);
    let out = said.out();
    assert!(out.contains("what came before that place is delivered"), "{out}");
    assert!(!out.contains("trunkline resume"), "it cannot help: {out}");
    assert!(out.contains("trunkline cancel"), "{out}");
}

#[test]
fn a_run_in_a_session_of_its_own_outlives_the_terminal_that_it_was_started_from() {
    let bench = Bench::like(SLOW);
    bench.file("a.json", interactions(60));
    let words = ["ingest", "a.json", "--profile", "env", "--events", "--chunk-records", "1"];
    let child = bench.child(&words).stdout(Stdio::null()).spawn().unwrap();
    bench.until("a few records", |ledger| ledger["ingest"]["records_applied"].as_u64() >= Some(5));
    signal(&child, "INT");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    let run = bench.ends(&["runs", "--format", "json"], 0).json()[0]["run"].as_str().unwrap().to_owned();
    let before = bench.ledger()["ingest"]["records_applied"].as_u64().unwrap();
    assert!(before < 60);

    let child = bench.child(&["resume", &run, "--headless", "--yes", "--own-session"]);
    let mut shell = CommandBuilder::new("sh");
    shell.args(["-c", "\"$@\" < /dev/null > /dev/null 2>&1 & echo it-is-on-its-way; read line", "sh"]);
    shell.arg(child.get_program());
    shell.args(child.get_args());
    shell.env_clear();
    for (name, value) in child.get_envs() {
        shell.env(name, value.unwrap());
    }
    shell.env("PATH", "/usr/bin:/bin");
    shell.cwd(bench.folder.path());
    let mut session = Session::start(shell, (100, 30));
    session.wait_for("it-is-on-its-way");
    bench.until("that it goes on", |ledger| ledger["ingest"]["records_applied"].as_u64() > Some(before));
    session.unplug();
    drop(session);
    bench.until("the end", |ledger| ledger["ingest"]["records_applied"] == 60);
    let begun = Instant::now();
    while bench.ends(&["show", &run, "--format", "json"], 0).json()["state"] != "completed" {
        assert!(begun.elapsed() < super::bench::LIMIT, "it never came to its end");
    }
    bench.assert_clean();
}

#[test]
fn who_leaves_while_a_list_is_written_leaves_no_half_of_it() {
    let bench = Bench::calm();
    bench.file("o.csv", outcomes((0..500).map(|number| format!("c{number}"))));
    bench.ends(&["outcomes", "o.csv", "--profile", "env"], 0);
    let journal = rusqlite::Connection::open(bench.data_dir().join("journal.db")).unwrap();
    journal.execute("UPDATE item SET answer = CAST(hex(zeroblob(32000)) AS BLOB)", []).unwrap();
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(bench.folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let before = names();
    let child = bench.child(&["results", "last", "-o", "list.csv"]).spawn().unwrap();
    let begun = Instant::now();
    while names().len() == before.len() {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing is written");
    }
    signal(&child, "INT");
    let said = child.wait_with_output().unwrap();
    assert_eq!(said.status.code(), Some(130));
    assert_eq!(names().len(), before.len(), "{:?}", names());
    bench.ends(&["results", "last", "-o", "list.csv"], 0);
}
