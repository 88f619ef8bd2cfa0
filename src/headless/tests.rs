use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::events::{EventLines, write_standstill};
use super::lines::PlainLines;
use super::summary::Hints;
use super::teller::{Sight, Teller, Voice};
use super::*;
use crate::engine::Ending;
use crate::journal::Write as Change;
use crate::model::{
    Fault, FaultKind, Figures, OperationKind, PaceFigures, Phase, PlatformKind, RunState, Tally,
};
use crate::report::bench::Bench;

/// An output that a test can read while it is written, and close.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<(Vec<u8>, Option<io::ErrorKind>)>>);

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().0.clone()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut screen = self.0.lock().unwrap();
        if let Some(kind) = screen.1 {
            return Err(kind.into());
        }
        screen.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn figures(bench: &Bench) -> Figures {
    let counts = bench.book.counts();
    Figures {
        run: bench.id,
        operation: OperationKind::Outcomes,
        profile: "acme".to_owned(),
        platform: PlatformKind::Cxone,
        host: "na1.example".to_owned(),
        production: false,
        datasets: vec!["/data/a.csv".to_owned()],
        started_at: jiff::Timestamp::now(),
        elapsed: Duration::from_millis(1234),
        phase: Phase::Running,
        items: counts.item_tally(),
        records: counts.record_tally(),
        requests: 7,
        retries: 2,
        throttled: 1,
        troubles: 0,
        records_per_second: 0.0,
        latency_p50: None,
        latency_p99: None,
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
        pace: PaceFigures { rate: 1.239, ..PaceFigures::default() },
        bottleneck: None,
        eta: Some(Duration::from_millis(2900)),
        token_left: None,
        last_event: bench.book.last_event(),
    }
}

fn sight(bench: &Bench) -> Sight {
    Sight { run: bench.row(), reader: bench.journal.reader().unwrap() }
}

fn end(mut teller: Teller, state: RunState) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(teller.end(Ending { state, fault: None }));
}

fn fault() -> Fault {
    Fault {
        at: jiff::Timestamp::now(),
        kind: FaultKind::MissingScope,
        message: "the token lacks `contact:update`".to_owned(),
        advice: "give the client that scope".to_owned(),
        resumes_at: None,
    }
}

fn event_lines(bench: &Bench, screen: &Screen) -> EventLines<Screen> {
    EventLines::new(screen.clone(), bench.id, Origin::New, AtFault::Leave)
}

#[test]
fn progress_is_told_on_a_change_and_at_most_ten_times_a_second() {
    let (bench, screen) = (Bench::new(), Screen::default());
    let mut voice = event_lines(&bench, &screen);
    let begun = Instant::now();
    let after = |ms| begun + Duration::from_millis(ms);
    let mut now = figures(&bench);
    assert_eq!(voice.stands(&now, begun).unwrap(), None);
    assert_eq!(voice.stands(&now, after(500)).unwrap(), None, "nothing has changed");
    now.requests += 1;
    assert_eq!(voice.stands(&now, after(600)).unwrap(), None);
    now.requests += 1;
    assert_eq!(voice.stands(&now, after(650)).unwrap(), Some(after(700)), "it is told when it may be");
    assert_eq!(voice.stands(&now, after(700)).unwrap(), None);
    let lines = screen.lines();
    assert_eq!(lines.iter().map(|line| line["requests"].as_u64().unwrap()).collect::<Vec<_>>(), [7, 8, 9]);
    let at = lines[0]["at"].as_str().unwrap();
    assert_eq!(at.len(), "2026-11-21T12:31:07.000Z".len(), "{at}");
    assert_eq!((&lines[0]["rate"], &lines[0]["eta_s"]), (&1.24.into(), &2.into()));
    assert_eq!(lines[0]["records"]["total"], 100);
}

#[test]
fn each_kind_of_event_has_its_keys() {
    let (bench, screen) = (Bench::new(), Screen::default());
    bench.fail(4, "5d1f", "unknown contact", b"{}");
    bench.journal.commit_blocking(
        &bench.book,
        vec![
            Change::Note {
                kind: "pool_paused",
                delay_ms: Some(3000),
                reason: Some("rate_limited"),
                text: "slow down".to_owned(),
            },
            Change::Fault(fault()),
            Change::State(RunState::Faulted),
        ],
    );
    let sight = sight(&bench);
    let rows = sight.reader.events(&sight.run, 0, 100).unwrap();
    event_lines(&bench, &screen).happened(&sight, &rows).unwrap();
    let lines = screen.lines();
    let told: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(told, ["item_failed", "pool_paused", "fault"]);
    let failed = &lines[0];
    assert_eq!((&failed["item"], &failed["status"]), (&4.into(), &404.into()));
    assert_eq!(failed["records"], serde_json::json!([4, 1]));
    assert_eq!((&failed["stage"], &failed["code"]), (&"delivery".into(), &"contact.not.found".into()));
    assert_eq!((&failed["message"], &failed["attempts"]), (&"unknown contact".into(), &2.into()));
    assert_eq!(failed["correlation_id"], "corr");
    assert_eq!((&lines[1]["delay_ms"], &lines[1]["reason"]), (&3000.into(), &"rate_limited".into()));
    assert_eq!(
        (&lines[2]["kind"], &lines[2]["advice"]),
        (&"missing_scope".into(), &"give the client that scope".into())
    );
}

#[test]
fn what_was_written_before_the_teller_looked_is_told_once_and_in_order() {
    let (bench, screen) = (Bench::new(), Screen::default());
    for seq in 0..1200 {
        bench.fail(seq, &format!("c{seq}"), "no", b"{}");
    }
    let at_end = figures(&bench);
    let voice = Box::new(event_lines(&bench, &screen));
    let first = sight(&bench).reader.events(&bench.row(), 0, 200).unwrap().last().unwrap().event;
    let teller = Teller::begin(sight(&bench), first, move || at_end.clone(), voice).unwrap();
    teller.wake();
    end(teller, RunState::CompletedWithFailures);
    let lines = screen.lines();
    assert_eq!(lines[0]["event"], "run_started");
    assert_eq!(lines.last().unwrap()["event"], "run_finished");
    let items: Vec<u64> = lines.iter().filter_map(|line| line["item"].as_u64()).collect();
    assert_eq!(items, (200..1200).collect::<Vec<_>>());
}

#[test]
fn a_fault_is_told_once_whether_the_journal_has_it_or_not() {
    for written in [true, false] {
        let (bench, screen) = (Bench::new(), Screen::default());
        let fault = fault();
        if written {
            bench.journal.commit_blocking(&bench.book, vec![Change::Fault(fault.clone())]);
        }
        let at_end = figures(&bench);
        let voice = Box::new(event_lines(&bench, &screen));
        let mut teller = Teller::begin(sight(&bench), 0, move || at_end.clone(), voice).unwrap();
        teller.wake();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(teller.end(Ending { state: RunState::Faulted, fault: Some(fault) }));
        let told: Vec<_> = screen.lines().iter().map(|line| line["event"].clone()).collect();
        assert_eq!(told.iter().filter(|event| *event == "fault").count(), 1, "{written}: {told:?}");
        assert_eq!(told.last().unwrap(), "run_finished");
    }
}

#[test]
fn a_closed_output_ends_the_teller_and_nothing_else() {
    let (bench, screen) = (Bench::new(), Screen::default());
    screen.0.lock().unwrap().1 = Some(io::ErrorKind::BrokenPipe);
    let at_end = figures(&bench);
    let teller =
        Teller::begin(sight(&bench), 0, move || at_end.clone(), Box::new(event_lines(&bench, &screen)))
            .unwrap();
    teller.wake();
    end(teller, RunState::Completed);
    assert_eq!(screen.text(), "");
}

#[test]
fn a_run_that_cannot_go_on_has_a_first_and_a_last_line() {
    let (bench, screen) = (Bench::new(), Screen::default());
    write_standstill(screen.clone(), &bench.row(), &fault()).unwrap();
    let told: Vec<String> =
        screen.lines().iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, ["run_started", "fault", "run_finished"]);
}

#[test]
fn plain_lines_sum_up_what_comes_in_numbers() {
    let (bench, screen) = (Bench::new(), Screen::default());
    for seq in 0..3 {
        bench.fail(seq, &format!("c{seq}"), "contact \"x\" is unknown", b"{}");
    }
    let sight = sight(&bench);
    let mut voice = PlainLines::new(screen.clone(), Hints::Commands);
    let mut now = figures(&bench);
    let begun = Instant::now();
    voice.began(&sight, &now).unwrap();
    let due = voice.stands(&now, begun).unwrap().expect("not at once");
    voice.happened(&sight, &sight.reader.events(&sight.run, 0, 100).unwrap()).unwrap();
    voice.stands(&now, due).unwrap();
    assert!(screen.text().contains("3 of 100 records, 3 failed"), "{}", screen.text());
    assert!(screen.text().contains("since the last line 3 failures"), "{}", screen.text());

    now.phase = Phase::Draining;
    voice.stands(&now, due).unwrap();
    assert!(screen.text().contains("Ctrl-C again leaves at once"));
    voice.ended(&sight, &now, &Ending { state: RunState::Paused, fault: Some(fault()) }).unwrap();
    let text = screen.text();
    for part in ["paused after 1 s", "3 failed, 97 pending", "404 contact.not.found", "trunkline resume"] {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[test]
fn a_fault_is_told_once_and_nobody_is_said_to_have_pressed_a_key() {
    let (bench, screen) = (Bench::new(), Screen::default());
    let stands = || Change::State(RunState::Faulted);
    bench.journal.commit_blocking(&bench.book, vec![Change::Fault(fault()), stands(), stands()]);
    let sight = sight(&bench);
    let mut voice = PlainLines::new(screen.clone(), Hints::Commands);
    let mut now = figures(&bench);
    voice.happened(&sight, &sight.reader.events(&sight.run, 0, 100).unwrap()).unwrap();
    now.phase = Phase::Faulted(fault());
    voice.stands(&now, Instant::now()).unwrap();
    now.phase = Phase::Draining;
    voice.stands(&now, Instant::now()).unwrap();
    voice.ended(&sight, &now, &Ending { state: RunState::Faulted, fault: Some(fault()) }).unwrap();
    let text = screen.text();
    assert_eq!(text.matches("the token lacks").count(), 1, "{text}");
    // and once more in the summary's first line
    assert_eq!(text.matches("stopped by a fault").count(), 2, "{text}");
    assert!(text.contains("give the client that scope") && !text.contains("Ctrl-C"), "{text}");
}

#[test]
fn nobody_is_told_to_send_again_what_was_never_sent() {
    let (bench, screen) = (Bench::new(), Screen::default());
    let mut voice = PlainLines::new(screen.clone(), Hints::Commands);
    let mut now = figures(&bench);
    let ended = Ending { state: RunState::CompletedWithFailures, fault: None };
    now.items.invalid = 2;
    voice.ended(&sight(&bench), &now, &ended).unwrap();
    assert!(screen.text().contains("trunkline dismiss") && !screen.text().contains("trunkline retry"));
    now.items.failed = 1;
    voice.ended(&sight(&bench), &now, &ended).unwrap();
    assert!(screen.text().contains("trunkline retry"), "{}", screen.text());
}

#[test]
fn a_pause_is_told_with_its_own_reason() {
    let (bench, screen) = (Bench::new(), Screen::default());
    let pause = Change::Note {
        kind: "pool_paused",
        delay_ms: Some(3000),
        reason: Some("window_empty"),
        text: "the platform said \"slow down\"".to_owned(),
    };
    bench.journal.commit_blocking(&bench.book, vec![pause]);
    let sight = sight(&bench);
    let mut voice = PlainLines::new(screen.clone(), Hints::Commands);
    voice.happened(&sight, &sight.reader.events(&sight.run, 0, 100).unwrap()).unwrap();
    let text = screen.text();
    assert!(text.contains("all calls wait 3 s: all calls of the platform's window are used"), "{text}");
    assert!(!text.contains("slow down"), "{text}");
}

#[test]
fn a_rate_of_nothing_has_no_sign() {
    let bench = Bench::new();
    let mut now = figures(&bench);
    now.pace.rate = -0.0;
    let told = super::phrases::progress(&now, super::phrases::Wanted::ByPerson);
    assert!(told.contains(", 0.0 calls/s"), "{told}");
}

#[test]
fn a_tally_in_words_adds_up_and_leaves_nothing_out() {
    let tally =
        Tally { total: Some(1_500), pending: 1_000, delivered: 400, failed: 50, invalid: 30, dismissed: 20 };
    let words = "1,500 in all: 400 delivered, 50 failed, 30 invalid, 20 dismissed, 1,000 pending";
    assert_eq!(crate::report::tally_line(&tally), words);
}
