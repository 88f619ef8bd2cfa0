//! The whole board, from keys to the platform and back to the screen: what two people do with it in a day.

mod house;

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyCode;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::config::Secret;
use crate::engine::Command;
use crate::model::{Figures, Phase, RunState};
use crate::sandbox::CLIENT_SECRET;
use crate::tui::shell::Left;
use crate::tui::{Board, Live, Started};
use house::{House, Seat, has_ended, let_go, played, until};

/// Slow enough to be met in the middle.
const SLOW: &str = "[latency]\nmin = \"20ms\"\nmax = \"20ms\"\n";

fn many(count: usize) -> Vec<(String, &'static str)> {
    (0..count).map(|number| (format!("c{number}"), "Sale")).collect()
}

fn of<'r>(rows: &'r [(String, &'static str)]) -> Vec<(&'r str, &'r str)> {
    rows.iter().map(|(id, sub)| (id.as_str(), *sub)).collect()
}

#[test]
fn from_nothing_to_the_last_record() {
    played(async {
        let house = House::like("[limit.cxone]\nallowed = 15\nwindow = \"2s\"\n").await;
        let mut rows = many(50);
        rows.insert(7, ("mend-me".to_owned(), "No budjet"));
        let file = house.contacts(&of(&rows));
        let mut seat = house.board(None);

        seat.sees("Nothing is set up yet").await;
        seat.key(KeyCode::Down);
        seat.answers(KeyCode::Enter).await;
        seat.sees("Add a profile").await;
        seat.fill("acme");
        seat.chooses("Platform", "NICE CXone").await;
        seat.goes_to("API address").await;
        seat.fill(&house.sandbox.url());
        seat.goes_to("Client id").await;
        seat.fill(crate::sandbox::CLIENT_ID);
        seat.chooses("Secret kept in", "a file of yours only").await;
        seat.goes_to("Secret").await;
        if !seat.text().contains("▸Secret  ") {
            seat.key(KeyCode::Tab);
            seat.goes_to("Secret  ").await;
        }
        seat.fill(CLIENT_SECRET);
        seat.presses("Save").await;
        seat.sees("Saved acme").await;

        seat.press("n");
        seat.sees("New run · 1 of 2").await;
        seat.goes_to("Dataset").await;
        seat.fill(&file);
        seat.goes_to("Ceiling").await;
        seat.fill("0");
        seat.sees("51 records").await;
        seat.presses("Check what would happen").await;
        seat.sees("New run · 2 of 2").await;
        seat.sees("not valid").await;
        assert_eq!(house.applied(), 0, "nothing is sent before it is asked for");
        seat.presses("Start").await;

        seat.sees("said \"slow down\" (429)").await;
        seat.sees("■ ended").await;
        assert_eq!(house.applied(), 50);

        seat.press("6");
        seat.sees("1 of 1").await;
        seat.answers(KeyCode::Enter).await;
        seat.sees("Failure mend-me").await;
        seat.sees("What you can do").await;
        seat.press("e");
        seat.sees("Edit mend-me").await;
        seat.chooses("subcategory", "No budget").await;
        seat.presses("Keep and send").await;
        seat.sees("all delivered").await;
        assert_eq!(house.applied(), 51);
        assert_eq!(house.ledger()["breach_count"], 0, "{}", house.ledger());

        seat.key(KeyCode::Esc);
        seat.key(KeyCode::Esc);
        seat.settle().await;
        seat.settle().await;
        seat.press("q");
        assert_eq!(seat.left().await, Left::Ended);
    });
}

#[test]
fn who_practises_sees_a_run_and_leaves_nothing_behind() {
    played(async {
        let house = House::like("").await;
        let mut seat = house.board(None);
        seat.sees("Nothing is set up yet").await;
        seat.answers(KeyCode::Enter).await;
        seat.sees("Begins a run of sample data").await;
        seat.presses("Begin").await;
        seat.sees("running").await;
        seat.sees("sandbox").await;
        seat.press("q");
        seat.sees("thrown away").await;
        seat.sees("▸( Stay )").await;
        seat.presses("Pause and leave").await;
        assert_eq!(seat.left().await, Left::PausedAndLeft);
        assert_eq!(house.office().1.reader().unwrap().runs().unwrap().len(), 0);
    });
}

#[test]
fn a_refused_secret_is_mended_with_six_keys_beside_the_secret() {
    played(async {
        let house = House::like("").await;
        house.has_profile(false).await;
        let file = house.contacts(&[("a", "Sale"), ("b", "Sale"), ("c", "Sale")]);
        let mut seat = house.board(None);
        seat.sees("acme").await;
        seat.press("n");
        seat.sees("New run · 1 of 2").await;
        seat.goes_to("Dataset").await;
        seat.fill(&file);
        seat.sees("3 records").await;
        seat.presses("Check what would happen").await;
        seat.sees("New run · 2 of 2").await;
        house.office().0.replace_secret("acme".to_owned(), Secret::new("gone".to_owned())).await.unwrap();
        seat.presses("Start").await;
        seat.sees("FAULT").await;
        seat.sees("f new secret").await;

        let before = seat.pressed;
        seat.press("f");
        seat.sees("▸New secret").await;
        seat.fill(CLIENT_SECRET);
        seat.key(KeyCode::Enter);
        seat.answers(KeyCode::Enter).await;
        seat.sees("Go on with").await;
        seat.answers(KeyCode::Char('y')).await;
        let keys = seat.pressed - before;
        seat.sees("all delivered").await;
        assert!(keys <= 6, "{keys} keys");
        assert_eq!(house.applied(), 3);
    });
}

#[test]
fn the_morning_after_on_production() {
    played(async {
        let house = House::like("in_use = 1.0\nin_use_for = \"100ms\"\n").await;
        house.has_profile(true).await;
        // the fourth cause is a cell that is empty; what is mended goes to contacts that were met before
        let file = house.contacts(&[
            ("a", "Sale"),
            ("b", "Sale"),
            ("c", "Sale"),
            ("d", "Sale"),
            ("e", "Sale"),
            ("unknown-1", "Sale"),
            ("unknown-2", "Sale"),
            ("unknown-3", "Sale"),
            ("unknown-4", "Sale"),
            ("a", "No budjet"),
            ("b", "No budjet"),
            ("c", "No budjet"),
            ("", "Sale"),
            ("", "Sale"),
        ]);
        let (office, journal) = house.office();
        let night = House::begins(office.as_ref(), &file, &[("max_attempts", "1"), ("workers", "1")]).await;
        until(&night.live, "the end of the night", has_ended).await;
        let row = journal.reader().unwrap().run(&night.row.id.to_string()).unwrap();
        assert_eq!((row.state, row.items.open()), (RunState::CompletedWithFailures, 14), "{row:?}");
        assert_eq!(house.applied(), 0);
        drop((office, night));

        let mut seat = house.board(Some(row));
        seat.sees("PRODUCTION acme").await;
        seat.press("6g");
        seat.sees("4 causes · 14 open").await;

        // the most frequent one: sent again, as it is
        seat.press("R");
        seat.sees("type the number 5").await;
        seat.settle().await;
        seat.press("4");
        seat.key(KeyCode::Enter);
        seat.sees("Not yet").await;
        assert_eq!(house.applied(), 0, "a wrong number sends nothing");
        seat.key(KeyCode::Backspace);
        seat.press("5");
        seat.key(KeyCode::Enter);
        seat.sees("Sent again: 5   delivered 5").await;
        assert_eq!(house.applied(), 5);
        seat.presses("Close this").await;
        seat.sees("3 causes · 9 open").await;

        // unknown contacts: closed with a note
        seat.press("D");
        seat.sees("Close 4 failures").await;
        seat.fill("gone since spring");
        seat.presses("Close 4 failures").await;
        seat.sees("type the number 4").await;
        seat.settle().await;
        seat.press("4");
        seat.key(KeyCode::Enter);
        seat.sees("2 causes · 5 open").await;

        // a wrong value: changed in all of them, then sent
        seat.press("E");
        seat.sees("Change in all 3 of the cause").await;
        seat.chooses("No budjet", "No budget").await;
        seat.sees("3 change").await;
        seat.presses("Keep, and ask to send").await;
        seat.sees("type the number 3").await;
        seat.settle().await;
        seat.press("3");
        seat.key(KeyCode::Enter);
        seat.sees("Sent again: 3   delivered 3").await;
        assert_eq!(house.applied(), 8);
        seat.presses("Close this").await;
        seat.sees("1 cause · 2 open").await;

        seat.press("D");
        seat.sees("Close 2 failures").await;
        seat.fill("no contact");
        seat.presses("Close 2 failures").await;
        seat.sees("type the number 2").await;
        seat.settle().await;
        seat.press("2");
        seat.key(KeyCode::Enter);
        seat.sees("all delivered").await;
        assert_eq!(house.applied(), 8);
        assert_eq!(house.ledger()["breach_count"], 0, "{}", house.ledger());
        let (_, journal) = house.office();
        let run = journal.reader().unwrap().runs().unwrap().remove(0);
        assert_eq!((run.state, run.records.delivered, run.records.dismissed), (RunState::Completed, 8, 6));
    });
}

#[test]
fn who_leaves_a_run_without_a_screen_leaves_it_whole() {
    played(async {
        let house = House::like(SLOW).await;
        house.has_profile(false).await;
        let rows = many(60);
        let file = house.contacts(&of(&rows));
        let mut seat = house.board(None);
        seat.sees("acme").await;
        seat.press("n");
        seat.sees("New run · 1 of 2").await;
        seat.goes_to("Dataset").await;
        seat.fill(&file);
        seat.goes_to("Workers").await;
        seat.fill("1");
        seat.sees("60 records").await;
        seat.presses("Check what would happen").await;
        seat.sees("New run · 2 of 2").await;
        seat.presses("Start").await;
        seat.sees("running").await;
        seat.press("q");
        seat.sees("Leave it running without a screen").await;
        seat.presses("Leave it running without a screen").await;
        assert_eq!(seat.left().await, Left::Detached);
        let (office, journal) = house.office();
        let run = journal.reader().unwrap().runs().unwrap().remove(0);
        assert_eq!((run.state, run.carrier), (RunState::Paused, None), "whoever comes next can have it");
        let again = office.resume(run.id).await.unwrap();
        until(&again.live, "the end", has_ended).await;
        assert_eq!(house.applied(), 60);
        assert_eq!(house.ledger()["outcomes"]["repeated"], 0);
    });
}

#[test]
fn a_run_that_somebody_else_carries_is_only_looked_at() {
    played(async {
        let house = House::like(SLOW).await;
        house.has_profile(false).await;
        let mut rows = many(100);
        rows.insert(0, ("unknown-1".to_owned(), "Sale"));
        let file = house.contacts(&of(&rows));
        let (office, _) = house.office();
        let elsewhere = House::begins(office.as_ref(), &file, &[("workers", "1"), ("rate", "0")]).await;
        until(&elsewhere.live, "a failure", |figures| figures.records.failed == 1).await;
        // it waits for the one who looks
        assert!(elsewhere.live.command(Command::Pause));
        until(&elsewhere.live, "the pause", |figures| figures.phase == Phase::Paused).await;

        let (desk, journal) = house.office();
        let row = journal.reader().unwrap().run(&elsewhere.row.id.to_string()).unwrap();
        let mut seat = Seat::take(desk, journal, Some(row));
        seat.sees("Looking only: carried by").await;
        for key in ["p", "X", "<"] {
            seat.press(key);
            seat.sees("Not now: looking only").await;
            seat.settle().await;
        }
        seat.press("6");
        seat.sees("1 of 1").await;
        for key in ["r", "d", "e"] {
            seat.press(key);
            seat.sees("Not now: looking only").await;
            seat.settle().await;
        }
        assert!(elsewhere.live.command(Command::GoOn));
        until(&elsewhere.live, "the end", has_ended).await;
        drop((office, elsewhere));
        seat.until("the end, seen from here", |screen| {
            !screen.contains("Looking only") && screen.contains("ended")
        })
        .await;
        seat.press("q");
        assert_eq!(seat.left().await, Left::Ended);
        assert_eq!(house.applied(), 100);
    });
}

/// A run whose pausing breaks the board.
struct Brittle(Arc<dyn Live>);

impl Live for Brittle {
    fn figures(&self) -> Figures {
        self.0.figures()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes()
    }

    fn command(&self, command: Command) -> bool {
        assert_ne!(command, Command::Pause, "the board breaks");
        self.0.command(command)
    }
}

#[test]
fn a_run_whose_board_broke_is_gone_on_with_and_nothing_is_sent_twice() {
    played(async {
        let house = House::like(SLOW).await;
        house.has_profile(false).await;
        let rows = many(60);
        let file = house.contacts(&of(&rows));
        let (office, journal) = house.office();
        // as a process that ends with its board
        let process = tokio::task::spawn_blocking(move || {
            let runtime = Runtime::new().unwrap();
            let broken = runtime.block_on(async {
                let Started { live, row, keeps, journal } =
                    House::begins(office.as_ref(), &file, &[("workers", "2"), ("rate", "0")]).await;
                let by = "sam".to_owned();
                let brittle = Some(Arc::new(Brittle(Arc::clone(&live))) as Arc<dyn Live>);
                let mut seat =
                    Seat::before(Board { live: brittle, journal, run: Some(row), office, by, keeps });
                until(&live, "a few records", |figures| figures.records.delivered >= 5).await;
                seat.sees("running").await;
                seat.press("p");
                seat.ended().await.unwrap_err()
            });
            // as the program does at its end
            runtime.shutdown_timeout(Duration::from_millis(100));
            broken
        });
        assert!(process.await.unwrap().is_panic());
        let run = let_go(&journal).await;
        assert_eq!(run.state, RunState::Paused);
        assert!(house.applied() < 60);
        let again = house.office().0.resume(run.id).await.unwrap();
        until(&again.live, "the end", has_ended).await;
        assert_eq!(house.applied(), 60);
        assert_eq!(house.ledger()["breach_count"], 0, "{}", house.ledger());
    });
}
