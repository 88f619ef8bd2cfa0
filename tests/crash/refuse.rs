//! A disk that refuses what is written: full, read-only, broken. From the start, in the middle, and for a while.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use portable_pty::CommandBuilder;

use super::bench::{Bench, LIMIT, files, outcomes};
use super::power::shim;
use super::pty::Session;
use super::storm::assert_sound;

const FULL: i32 = 28;
const READ_ONLY: i32 = 30;
const BROKEN: i32 = 5;

/// The program over a disk that refuses what goes below the folder while [`refuse`] says so.
fn child(bench: &Bench, words: &[&str], folder: &Path, error: i32) -> Command {
    let mut command = bench.child(words);
    command.env("LD_PRELOAD", shim()).env("DISK_ROOT", folder).env("DISK_ERROR", error.to_string());
    command.env("DISK_SWITCH", bench.folder.path().join("refuse"));
    command
}

fn refuse(bench: &Bench, refused: bool) {
    let switch = bench.folder.path().join("refuse");
    if refused { std::fs::write(switch, "").unwrap() } else { std::fs::remove_file(switch).unwrap() }
}

#[track_caller]
fn said(output: &Output, code: i32) -> String {
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{}\n{err}", String::from_utf8_lossy(&output.stdout));
    err
}

const OUTCOMES: [&str; 7] = ["outcomes", "o.csv", "--profile", "env", "--headless", "--rate", "0"];
const EXECUTE: [&str; 7] = ["execute", "c.ndjson", "--profile", "env", "--headless", "--action", "act"];

fn bench(records: u32) -> Bench {
    let bench = Bench::like("[latency]\nmin = \"5ms\"\nmax = \"10ms\"\n");
    bench.file("o.csv", outcomes((0..records).map(|n| format!("c{n}"))));
    let records: Vec<String> = (0..records).map(|n| format!("{{\"customer\":{n}}}")).collect();
    bench.file("c.ndjson", records.join("\n"));
    bench
}

#[test]
fn a_disk_that_refuses_from_the_start_is_named_and_nothing_is_sent() {
    for error in [FULL, READ_ONLY, BROKEN] {
        for words in [OUTCOMES, EXECUTE] {
            let bench = bench(5);
            refuse(&bench, true);
            let err = said(&child(&bench, &words, &bench.data_dir(), error).output().unwrap(), 2);
            assert!(err.contains("hint: ") && err.contains("data"), "{error}: {err}");
            assert_eq!(bench.sent(), 0);
            refuse(&bench, false);
            said(&child(&bench, &words, &bench.data_dir(), error).output().unwrap(), 0);
        }
    }
}

#[test]
fn a_disk_that_refuses_for_a_while_stops_the_run_for_that_while() {
    for error in [FULL, READ_ONLY, BROKEN] {
        let bench = bench(1_000);
        let words = ["outcomes", "o.csv", "--profile", "env", "--headless", "--yes", "--rate", "0"];
        let plain = child(&bench, &words, &bench.data_dir(), error);
        let mut command = CommandBuilder::new(plain.get_program());
        command.args(plain.get_args());
        command.env_clear();
        for (name, value) in plain.get_envs() {
            command.env(name, value.unwrap());
        }
        command.env("TERM", "xterm-256color");
        command.cwd(bench.folder.path());
        let mut session = Session::start(command, (200, 30));
        let applied = || bench.ledger()["outcomes"]["applied"].as_u64().unwrap();
        bench.until("a few contacts", |ledger| ledger["outcomes"]["applied"].as_u64() >= Some(50));
        refuse(&bench, true);
        session.wait_for("cannot be written");
        assert_sound(&bench.data_dir());
        let known = bench.ends(&["show", "last", "--format", "json"], 0).json();
        // as many as there are workers may have been accepted and not be written down
        let delivered = known["records"]["delivered"].as_u64().unwrap();
        assert!(applied() <= delivered + 10, "{error}: {} were applied, {delivered} are known", applied());
        refuse(&bench, false);
        assert_eq!(session.wait_for_end(), 0, "{error}: {}", session.text());
        assert_eq!(applied(), 1_000);
        bench.assert_clean();
    }
}

#[test]
fn executions_over_a_disk_that_fills_up_are_a_fault_and_a_resume_finishes_them() {
    let bench = bench(400);
    let run = child(&bench, &EXECUTE, &bench.data_dir(), FULL)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    bench.until("a few executions", |ledger| ledger["execute"]["effects"]["distinct"].as_u64() >= Some(40));
    refuse(&bench, true);
    let ended = run.wait_with_output().unwrap();
    said(&ended, 3);
    let out = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(out.contains("fault") && out.contains("go on"), "{out}");
    refuse(&bench, false);
    bench.ends(&["resume", "last", "--headless"], 0);
    let effects = &bench.ledger()["execute"]["effects"];
    assert_eq!((&effects["distinct"], &effects["twice_or_more"]), (&400.into(), &0.into()), "{effects:#}");
}

#[test]
fn a_report_that_finds_no_room_says_so_and_leaves_no_half_of_it() {
    let bench = bench(200);
    bench.file("o.csv", outcomes((0..200).map(|n| format!("unknown-{n}"))));
    bench.ends(&[&OUTCOMES[..], &["--set", "fault_after=0"]].concat(), 1);
    let folder = bench.folder.path().join("out");
    std::fs::create_dir(&folder).unwrap();
    refuse(&bench, true);
    for (what, file) in [("report", "out/r.html"), ("failures", "out/f.csv"), ("results", "out/r.csv")] {
        let err = said(&child(&bench, &[what, "last", "-o", file], &folder, FULL).output().unwrap(), 2);
        assert!(err.contains(file) && err.contains("No space left"), "{err}");
        assert!(files(&folder).is_empty(), "{what}: {:?}", files(&folder));
    }
    refuse(&bench, false);
    said(&child(&bench, &["report", "last", "-o", "out/r.html"], &folder, FULL).output().unwrap(), 0);
}

#[test]
fn a_log_that_finds_no_room_holds_nothing_up() {
    let bench = bench(20);
    refuse(&bench, true);
    let folder = bench.folder.path().join("logs");
    let words = [&["-vvv", "--log", "logs/l.log"], &OUTCOMES[..]].concat();
    said(&child(&bench, &words, &folder, FULL).output().unwrap(), 0);
    assert_eq!(bench.ledger()["outcomes"]["applied"], 20);
}

#[test]
fn a_pace_that_cannot_be_written_starts_no_call_and_is_no_silent_standstill() {
    let bench = bench(20);
    refuse(&bench, true);
    let err = said(&child(&bench, &OUTCOMES, &bench.data_dir().join("pace"), FULL).output().unwrap(), 2);
    assert!(err.contains("pace") && err.contains("No space left"), "{err}");
    assert_eq!(bench.sent(), 0);
}

#[test]
fn a_journal_on_a_read_only_disk_can_be_looked_at_and_nothing_is_sent_by_it() {
    let bench = bench(300);
    bench.file("o.csv", outcomes((0..200).map(|n| format!("unknown-{n}"))));
    bench.ends(&[&OUTCOMES[..], &["--set", "fault_after=0"]].concat(), 1);
    let before = bench.ledger();
    refuse(&bench, true);
    for words in [
        &["runs", "--format", "json"][..],
        &["show", "last", "--format", "json"],
        &["failures", "last", "--format", "csv"],
        &["results", "last"],
    ] {
        let seen = child(&bench, words, &bench.data_dir(), READ_ONLY).output().unwrap();
        said(&seen, 0);
        assert_eq!(seen.stdout, bench.ends(words, 0).0.stdout, "{words:?}");
    }
    for words in [&["retry", "last", "--yes"][..], &["dismiss", "last", "--note", "x"], &OUTCOMES] {
        let err = said(&child(&bench, words, &bench.data_dir(), READ_ONLY).output().unwrap(), 2);
        assert!(err.contains("hint: "), "{words:?}: {err}");
    }
    assert_eq!(bench.ledger()["requests"], before["requests"]);
}

#[test]
fn a_run_that_was_killed_can_be_looked_at_on_a_read_only_disk_or_says_why_not() {
    let bench = bench(2_000);
    let mut run = bench.child(&OUTCOMES).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    bench.until("a few contacts", |ledger| ledger["outcomes"]["applied"].as_u64() >= Some(50));
    run.kill().unwrap();
    run.wait().unwrap();
    refuse(&bench, true);
    let looked = child(&bench, &["show", "last"], &bench.data_dir(), READ_ONLY).output().unwrap();
    let err = String::from_utf8_lossy(&looked.stderr).into_owned();
    // what is still in the log needs SQLite's side files: where those are there, they do
    let why = err.contains("hint: ") && err.contains("journal.db");
    assert!(looked.status.success() || (looked.status.code() == Some(2) && why), "{err}");
    refuse(&bench, false);
    assert_sound(&bench.data_dir());
    let begun = std::time::Instant::now();
    bench.ends(&["resume", "last", "--headless"], 0);
    assert!(begun.elapsed() < LIMIT);
    assert_eq!(bench.ledger()["outcomes"]["applied"], 2_000);
}
