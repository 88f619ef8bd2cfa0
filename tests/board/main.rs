//! The dashboard on a real terminal: what is seen, and that the terminal is as before in every way of leaving.
//!
//! The board runs in a process of its own, which is this test program started once more.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds something else than it expects has to say so"
)]

#[path = "../../src/tui/tests/nobody.rs"]
mod nobody;
#[path = "../pty/mod.rs"]
#[expect(dead_code, reason = "the program's tests use the rest")]
mod pty;
mod shown;

use portable_pty::CommandBuilder;
use rustix::process::Signal;
// what the office names as its neighbours
use trunkline::{config, journal, model, plan, tui};

use pty::Session;

const ENTER: &str = "\r";
const ESC: &str = "\x1b";
const TAB: &str = "\t";
const CTRL_C: &str = "\x03";
const CTRL_L: &str = "\x0c";
const CTRL_Z: &str = "\x1a";

/// This program again, as the board.
fn command(kind: &str) -> CommandBuilder {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "shown::the_board_itself", "--ignored", "--nocapture"]);
    command.env(shown::KIND, kind);
    command.env("LANG", "C.UTF-8");
    command.env("TERM", "xterm-256color");
    command.env_remove("LC_ALL");
    command.env_remove("NO_COLOR");
    // a panic's text is to fit onto the screen
    command.env("RUST_BACKTRACE", "0");
    command
}

fn board(kind: &str, size: (u16, u16)) -> Session {
    let session = Session::start(command(kind), size);
    session.wait_for("▶ running");
    session.wait_for("[3 Run]");
    session
}

/// So many failures are listed by cause at first.
fn list_rows(session: &mut Session) {
    session.wait_for("6 Failures by cause");
    session.type_in("g");
    session.wait_for("1 of 5,000");
}

#[test]
fn a_person_looks_around_pauses_and_leaves() {
    let mut session = board("calm", (100, 30));
    session
        .wait_until("the board's own screen", |screen| screen.alternate_screen() && screen.bracketed_paste());
    session.type_in("6");
    session.wait_for("[6 Failures 5,000]");
    list_rows(&mut session);
    session.type_in("jjj");
    session.wait_for("4 of 5,000");
    session.type_in("\x1b[F");
    session.wait_for("5,000 of 5,000");
    session.type_in(ENTER);
    session.wait_for("The platform does not know this contact.");
    session.type_in("\x1b[C");
    session.wait_for("\"contactId\": \"contact-4999\"");
    session.type_in(ESC);
    session.wait_until("the list", |screen| !screen.contents().contains("Failure contact"));
    session.type_in("p");
    session.wait_for("paused");
    session.type_in("<");
    session.wait_for("ceiling 20/s");
    session.type_in("q");
    session.wait_for("Leave run ");
    session.wait_for("▸( Stay )");
    session.settle();
    session.type_in(TAB);
    session.type_in(ENTER);
    assert_eq!(session.wait_for_end(), 0);
    session.wait_for("left: PausedAndLeft");
    session.assert_restored();
}

#[test]
fn the_list_scrolls_through_all_its_pages_and_back() {
    let mut session = board("calm", (80, 24));
    session.type_in("6");
    list_rows(&mut session);
    for screen in 1..=60 {
        session.type_in("\x1b[6~");
        session.wait_for(&format!("{} of 5,000", 1 + screen * 14));
    }
    session.wait_for("contact-840");
    for _ in 0..60 {
        session.type_in("\x1b[5~");
    }
    session.wait_for(" 1 of 5,000");
}

#[test]
fn a_resize_keeps_the_place_and_a_key_beside_it_is_not_lost() {
    let mut session = board("calm", (140, 40));
    session.type_in("6");
    list_rows(&mut session);
    session.type_in("jjjjj");
    session.wait_for("6 of 5,000");
    for size in [(80, 24), (60, 16), (120, 36), (100, 30)] {
        session.resize(size);
        session.type_in("j");
    }
    session.wait_for("10 of 5,000");
    session.resize((40, 10));
    session.wait_for("Please make the window larger");
    session.resize((100, 30));
    session.wait_for("10 of 5,000");
    session.type_in(CTRL_L);
    session.wait_for("10 of 5,000");
}

#[test]
fn three_times_ctrl_c_leaves_a_run_that_does_not_drain() {
    let mut session = board("never drains", (100, 30));
    session.type_in(CTRL_C);
    session.wait_for("Leave run ");
    session.type_in(CTRL_C);
    session.wait_for("leaving…");
    session.type_in(CTRL_C);
    assert_eq!(session.wait_for_end(), 0);
    session.wait_for("left: LeftAtOnce");
    session.assert_restored();
}

#[test]
fn signals_drain_the_run_and_put_the_terminal_back() {
    for (signal, left) in
        [(Signal::TERM, "PausedAndLeft"), (Signal::INT, "PausedAndLeft"), (Signal::HUP, "Hangup")]
    {
        let mut session = board("calm", (100, 30));
        session.signal(signal);
        assert_eq!(session.wait_for_end(), 0);
        session.wait_for(&format!("left: {left}"));
        session.assert_restored();
    }
}

#[test]
fn a_panic_puts_the_terminal_back_before_its_text_is_printed() {
    let mut session = board("panics", (100, 30));
    session.type_in("p");
    assert_ne!(session.wait_for_end(), 0);
    session.wait_for("the pause broke");
    session.assert_restored();
}

#[test]
fn a_panic_of_another_thread_closes_the_board() {
    let mut session = board("panics elsewhere", (100, 30));
    session.type_in("p");
    session.wait_for("another thread broke");
    session.wait_for("closed by an internal error");
    session.wait_for_end();
    session.assert_restored();
}

#[test]
fn a_terminal_that_goes_away_drains_the_run_and_ends_the_program() {
    let mut session = board("calm", (100, 30));
    session.unplug();
    session.wait_for_end();
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_comes_back_redrawn() {
    let mut shell = CommandBuilder::new("bash");
    let board = command("calm");
    let line = "set -m; \"$@\"; echo gave-the-terminal-back; read line; fg; echo the-end";
    shell.args(["--norc", "-c", line, "bash"]);
    for word in board.get_argv() {
        shell.arg(word);
    }
    for (name, value) in board.iter_full_env_as_str() {
        shell.env(name, value);
    }
    let mut session = Session::start(shell, (100, 30));
    session.wait_for("running");
    session.type_in(CTRL_Z);
    session.wait_for("gave-the-terminal-back");
    session.wait_until("the shell's screen", |screen| !screen.alternate_screen() && !screen.hide_cursor());
    session.type_in("go\r");
    session.wait_until("the board's screen", vt100::Screen::alternate_screen);
    session.wait_for("running");
    session.type_in(CTRL_C);
    session.wait_for("Leave run ");
    session.type_in(CTRL_C);
    session.wait_for("the-end");
    assert_eq!(session.wait_for_end(), 0);
    session.assert_restored();
}

#[test]
fn keys_that_were_typed_before_the_first_frame_are_not_lost_and_answer_nothing() {
    for (typed, seen) in [("6", "[6 Failures 5,000]"), ("6\x1b[Z", "[5 Pace]"), (TAB, "[4 Workers]")] {
        let mut session = Session::start(command("calm"), (100, 30));
        session.type_in(typed);
        session.wait_for(seen);
    }

    let mut session = Session::start(command("calm"), (100, 30));
    session.type_in("qy\t\r");
    session.wait_for("▸( Stay )");
    session.settle();
    session.wait_for("▸( Stay )");
    session.type_in(ESC);
    session.wait_until("the question gone", |screen| !screen.contents().contains("( Stay )"));
    session.wait_for("▶ running");
}

#[test]
fn what_a_terminal_says_between_keys_is_nobodys_key() {
    let mut session = board("calm", (100, 30));
    session.type_in("\x1b]11;rgb:ffff/ffff/e0e0\x1b\\6");
    session.wait_for("[6 Failures 5,000]");
    session.type_in("\x1b]52;c;cXFx\x073");
    session.wait_for("[3 Run]");
    let text = session.text();
    assert!(!text.contains("Not now") && text.contains("running") && !text.contains("Leave run"), "{text}");
}

#[test]
fn what_is_pasted_onto_the_board_presses_no_key() {
    let mut session = board("calm", (100, 30));
    // the last that is said without being asked for
    session.wait_for("nobody is here");
    session.type_in("\x1b[200~p6q\r\x1b[201~");
    session.wait_for("What was pasted is dropped");
    session.type_in("?");
    session.wait_for("in 3 Run, where you are");
    session.type_in(ESC);
    session.wait_for("[3 Run]");
    assert!(session.text().contains("running"), "{}", session.text());
}
