//! The dashboard of the program itself, over a run on the sandbox: every way of leaving puts the terminal back and
//! leaves the run so that it can be gone on with, each record sent once.

use portable_pty::CommandBuilder;
use rustix::process::Signal;

use super::bench::{Bench, interactions};
use super::pty::Session;

/// Slow enough to be met in the middle.
const SLOW: &str = "[latency]\nmin = \"20ms\"\nmax = \"20ms\"\n";

/// Slow enough for more pictures than a terminal's buffer holds.
const SLOWER: &str = "[latency]\nmin = \"80ms\"\nmax = \"80ms\"\n";

const RECORDS: usize = 60;
const SIZE: (u16, u16) = (100, 30);
const CTRL_C: &str = "\x03";
const CTRL_L: &str = "\x0c";
const CTRL_Z: &str = "\x1a";

/// The program in a terminal, by way of these words of a shell where there are some.
fn session(bench: &Bench, shell: &str, words: &[&str]) -> Session {
    let child = bench.child(words);
    let mut command = CommandBuilder::new("bash");
    command.args(["--norc", "-c", if shell.is_empty() { "exec \"$@\"" } else { shell }, "bash"]);
    command.arg(child.get_program());
    command.args(child.get_args());
    command.env_clear();
    for (name, value) in child.get_envs() {
        command.env(name, value.unwrap());
    }
    command.env("PATH", "/usr/bin:/bin");
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command.cwd(bench.folder.path());
    Session::start(command, SIZE)
}

fn applied(bench: &Bench) -> u64 {
    bench.ledger()["ingest"]["records_applied"].as_u64().unwrap_or(0)
}

fn goes_on(bench: &Bench) {
    bench.until("a few records", |ledger| ledger["ingest"]["records_applied"].as_u64() >= Some(5));
}

/// A run in the middle of its records.
fn under_way(bench: &Bench, shell: &str) -> Session {
    bench.file("a.json", interactions(RECORDS));
    let words = ["ingest", "a.json", "--profile", "env", "--yes", "--chunk-records", "1"];
    let session = session(bench, shell, &words);
    session.wait_for("running");
    goes_on(bench);
    session
}

/// Goes to an answer of a question, once that takes keys.
fn mark(session: &mut Session, answer: &str) {
    for _ in 0..5 {
        session.settle();
        if session.text().contains(&format!("▸( {answer} )")) {
            return;
        }
        session.type_in("\t");
    }
    panic!("`{answer}` was never marked:\n{}", session.text());
}

/// Nothing is lost, and nothing was done twice.
fn assert_resumable(bench: &Bench, way: &str) {
    let run = &bench.ends(&["runs", "--format", "json"], 0).json()[0];
    assert_eq!(run["state"], "paused", "{way}");
    assert!(applied(bench) < RECORDS as u64, "{way}: it was over before it was left");
    bench.ends(&["resume", "last", "--events"], 0);
    assert_eq!(applied(bench), RECORDS as u64, "{way}");
    bench.assert_clean();
}

#[test]
fn every_way_of_leaving_puts_the_terminal_back_and_leaves_the_run_whole() {
    type Way = (&'static str, fn(&mut Session));
    let ways: [Way; 5] = [
        ("Ctrl-C twice", |session| {
            session.type_in(CTRL_C);
            session.wait_for("Leave run");
            session.type_in(CTRL_C);
        }),
        ("SIGTERM", |session| session.signal(Signal::TERM)),
        ("SIGINT", |session| session.signal(Signal::INT)),
        ("SIGHUP", |session| session.signal(Signal::HUP)),
        ("Ctrl-C three times", |session| {
            session.type_in(CTRL_C);
            session.wait_for("Leave run");
            session.type_in(CTRL_C);
            session.type_in(CTRL_C);
        }),
    ];
    for (name, leave) in ways {
        let bench = Bench::like(SLOW);
        let mut session = under_way(&bench, "");
        leave(&mut session);
        assert_eq!(session.wait_for_end(), 130, "{name}: {}", session.text());
        session.assert_restored();
        assert_resumable(&bench, name);
    }
}

#[test]
fn a_terminal_that_vanishes_pauses_the_run() {
    let bench = Bench::like(SLOW);
    let mut session = under_way(&bench, "");
    session.unplug();
    session.wait_for_end();
    assert_resumable(&bench, "the terminal vanished");
}

#[test]
fn a_suspended_board_sends_nothing_and_goes_on_after() {
    let bench = Bench::like(SLOW);
    let line = "set -m; \"$@\"; echo gave-the-terminal-back; read line; fg; echo the-end";
    let mut session = under_way(&bench, line);
    session.type_in(CTRL_Z);
    session.wait_for("gave-the-terminal-back");
    session.wait_until("the shell's screen", |screen| {
        !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    });
    let stopped = applied(&bench);
    assert!(stopped < RECORDS as u64);
    // what another process sees of it meanwhile takes longer than a call
    bench.ends(&["runs"], 0);
    assert_eq!(applied(&bench), stopped, "a process that is stopped sends nothing");
    session.type_in("go\r");
    session.wait_until("the board's screen", vt100::Screen::alternate_screen);
    bench.until("the end", |ledger| ledger["ingest"]["records_applied"] == RECORDS);
    session.wait_for("ended");
    session.type_in("q");
    session.wait_for("the-end");
    assert_eq!(session.wait_for_end(), 0);
    session.assert_restored();
    bench.assert_clean();
}

#[test]
fn a_paused_run_sends_nothing_until_it_goes_on() {
    let bench = Bench::like(SLOW);
    let mut session = under_way(&bench, "");
    session.type_in("p");
    session.wait_for("‖ paused");
    let stopped = applied(&bench);
    assert!(stopped < RECORDS as u64);
    // what another process sees of it meanwhile takes longer than a call
    bench.ends(&["runs"], 0);
    assert_eq!(applied(&bench), stopped);
    session.type_in("p");
    session.wait_for("ended");
    assert_eq!(applied(&bench), RECORDS as u64);
    session.type_in("q");
    assert_eq!(session.wait_for_end(), 0);
    session.assert_restored();
    bench.assert_clean();
}

#[test]
fn a_run_goes_on_while_its_terminal_takes_nothing() {
    let bench = Bench::like(SLOWER);
    let mut session = under_way(&bench, "");
    session.hold(true);
    bench.until("the end", |ledger| {
        // each time all of the screen, which is far more than a terminal's buffer holds
        session.type_in(CTRL_L);
        ledger["ingest"]["records_applied"] == RECORDS
    });
    session.hold(false);
    session.wait_for("ended");
    session.type_in("q");
    assert_eq!(session.wait_for_end(), 0);
    session.assert_restored();
    bench.assert_clean();
}

#[test]
fn a_terminal_that_takes_nothing_keeps_nobody_from_leaving() {
    let bench = Bench::like(SLOWER);
    let mut session = under_way(&bench, "");
    session.hold(true);
    let begun = applied(&bench);
    bench.until("more records", |ledger| {
        session.type_in(CTRL_L);
        ledger["ingest"]["records_applied"].as_u64() >= Some(begun + 20)
    });
    session.signal(Signal::TERM);
    // what it says at its end is read once it can be
    bench.until("the run let go", |_| {
        bench.ends(&["runs", "--format", "json"], 0).json()[0]["state"] == "paused"
    });
    session.hold(false);
    assert_eq!(session.wait_for_end(), 130, "{}", session.text());
    assert_resumable(&bench, "SIGTERM, and the terminal takes nothing");
}

#[test]
fn a_run_that_is_left_without_a_screen_comes_to_its_end() {
    let bench = Bench::like(SLOW);
    let mut session = under_way(&bench, "");
    session.type_in("q");
    session.wait_for("▸( Stay )");
    mark(&mut session, "Leave it running without a screen");
    session.type_in("\r");
    assert_eq!(session.wait_for_end(), 0, "{}", session.text());
    session.wait_for("goes on without a screen, in process");
    session.assert_restored();
    drop(session);
    bench.until("the end", |ledger| ledger["ingest"]["records_applied"] == RECORDS);
    bench.assert_clean();
}

#[test]
fn a_run_that_another_process_carries_is_looked_at_and_left_alone() {
    let bench = Bench::like(SLOWER);
    bench.file("a.json", interactions(RECORDS));
    let words = ["ingest", "a.json", "--profile", "env", "--headless", "--chunk-records", "1"];
    let mut child = bench.child(&words).stdout(std::process::Stdio::null()).spawn().unwrap();
    goes_on(&bench);
    let mut session = session(&bench, "", &[]);
    session.wait_for(&format!("Looking only: carried by sam, process {}", child.id()));
    session.type_in("p");
    session.wait_for("Not now: looking only");
    session.type_in("q");
    assert_eq!(session.wait_for_end(), 0);
    session.assert_restored();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(applied(&bench), RECORDS as u64);
    bench.assert_clean();
}
