//! `--events`: what a script can rely on.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use serde_json::Value;

use super::bench::{Bench, events, interactions, outcomes};

#[track_caller]
fn assert_sums(tally: &Value, records: Option<u64>) {
    let count = |key: &str| tally[key].as_u64().unwrap_or_else(|| panic!("`{key}` in {tally}"));
    let sum =
        ["delivered", "failed", "invalid", "dismissed", "pending"].iter().map(|key| count(key)).sum::<u64>();
    assert_eq!(tally.as_object().unwrap().len(), 6, "{tally}");
    match (tally["total"].as_u64(), records) {
        (Some(total), None) => assert_eq!(sum, total, "{tally}"),
        (total, Some(records)) => assert_eq!((sum, total), (records, Some(records)), "{tally}"),
        (None, None) => assert!(tally["total"].is_null(), "{tally}"),
    }
}

#[track_caller]
fn assert_lines(events: &[Value], records: u64) {
    assert_eq!(events.first().unwrap()["event"], "run_started");
    assert_eq!(events.last().unwrap()["event"], "run_finished");
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((count("run_started"), count("run_finished")), (1, 1));
    let run = &events.first().unwrap()["run"];
    for event in events {
        assert_eq!(&event["run"], run);
        let at = event["at"].as_str().unwrap();
        assert!(at.ends_with('Z') && at.parse::<jiff::Timestamp>().is_ok(), "{at}");
        if event.get("items").is_some() {
            assert_sums(&event["items"], None);
            assert_sums(&event["records"], Some(records));
        }
    }
}

#[test]
fn every_line_is_an_event_and_its_numbers_add_up() {
    let bench =
        Bench::like("[latency]\nmin = \"2ms\"\nmax = \"8ms\"\n[faults]\nerror_503 = 0.1\nthrottle = 0.05\n");
    let contacts = (0..200).map(|n| if n % 10 == 0 { format!("unknown-{n}") } else { format!("c{n}") });
    bench.file("o.csv", outcomes(contacts));
    let words =
        ["outcomes", "o.csv", "--profile", "env", "--events", "--rate", "0", "--set", "backoff.base=10ms"];
    let said = bench.ends(&words, 1);
    let events = said.events();
    assert_lines(&events, 200);
    let started = &events[0];
    assert_eq!((&started["operation"], &started["profile"]), (&"outcomes".into(), &"env".into()));
    assert_eq!(started["resumed"], false);
    assert!(started["datasets"][0].as_str().unwrap().ends_with("o.csv"));

    let failed: Vec<_> = events.iter().filter(|event| event["event"] == "item_failed").collect();
    assert_eq!(failed.len(), 20);
    for event in failed {
        assert_eq!((&event["stage"], &event["status"]), (&"delivery".into(), &404.into()));
        assert_eq!(event["code"], "contact.not.found");
        assert_eq!(event["records"][1], 1);
        assert!(event["attempts"].as_u64().unwrap() >= 1);
        assert!(!event["message"].as_str().unwrap().is_empty());
    }
    let waiting = events.iter().find(|event| event["event"] == "item_waiting").expect("some item waited");
    assert!(["rate_limited", "server_error"].contains(&waiting["reason"].as_str().unwrap()), "{waiting}");
    assert!(waiting["delay_ms"].is_u64() && waiting["attempt"].is_u64());

    let last = events.last().unwrap();
    assert_eq!(last["state"], "completed_with_failures");
    assert_eq!((&last["records"]["delivered"], &last["records"]["failed"]), (&180.into(), &20.into()));
    assert!(last["requests"].as_u64().unwrap() >= 200 && last["elapsed_ms"].is_u64());
    bench.assert_clean();
}

#[test]
fn progress_comes_at_most_ten_times_a_second() {
    let bench = Bench::like("[latency]\nmin = \"5ms\"\nmax = \"5ms\"\n");
    bench.file("o.csv", outcomes((0..300).map(|n| format!("c{n}"))));
    let words = ["outcomes", "o.csv", "--profile", "env", "--events", "--rate", "0", "--workers", "2"];
    let said = bench.ends(&words, 0);
    let at: Vec<i64> = said
        .events()
        .iter()
        .filter(|event| event["event"] == "progress")
        .map(|event| event["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond())
        .collect();
    assert!(at.len() > 2, "it told of progress");
    for pair in at.windows(2) {
        assert!(pair[1] - pair[0] >= 95, "{at:?}");
    }
}

#[test]
fn a_fault_is_told_and_the_last_line_still_comes() {
    let bench = Bench::like("forbidden = [\"ingest\"]\n");
    bench.file("a.json", interactions(10));
    let said = bench.ends(&["ingest", "a.json", "--profile", "env", "--events"], 3);
    let events = said.events();
    assert_lines(&events, 10);
    let fault = events.iter().find(|event| event["event"] == "fault").expect("a fault");
    assert_eq!(fault["kind"], "missing_scope");
    assert!(!fault["advice"].as_str().unwrap().is_empty());
    assert_eq!(events.last().unwrap()["state"], "faulted");
    assert_eq!(events.last().unwrap()["records"]["pending"], 10);
}

#[test]
fn a_resume_that_cannot_go_on_is_told_in_lines_too() {
    let bench = Bench::like("forbidden = [\"ingest\"]\n");
    bench.file("a.json", interactions(10));
    bench.ends(&["ingest", "a.json", "--profile", "env", "--events"], 3);
    bench.file("a.json", interactions(11));
    let said = bench.ends(&["resume", "last", "--events"], 3);
    let events = said.events();
    assert_lines(&events, 10);
    assert_eq!(events[0]["resumed"], true);
    assert_eq!(events[1]["kind"], "dataset_changed");
    assert_eq!(events[2]["state"], "faulted");
}

#[test]
fn a_closed_output_stops_no_run() {
    let bench = Bench::like("[latency]\nmin = \"5ms\"\nmax = \"5ms\"\n");
    bench.file("a.json", interactions(200));
    let words = ["ingest", "a.json", "--profile", "env", "--events", "--chunk-records", "2"];
    let mut child = bench.child(&words).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("run_started"));
    // the reader is gone now, as after `| head -1`
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(bench.ledger()["ingest"]["records_applied"], 200);
    bench.assert_clean();
}

#[test]
fn a_blocked_output_stops_no_run_and_loses_no_line() {
    let bench = Bench::calm();
    bench.file("o.csv", outcomes((0..2000).map(|n| format!("unknown-{n}"))));
    let words = ["outcomes", "o.csv", "--profile", "env", "--events", "--rate", "0", "--fault-after", "0"];
    let mut child = bench.child(&words).stdout(Stdio::piped()).spawn().unwrap();
    // far more lines than a pipe holds, and nobody reads one before the platform has seen the last call
    bench.until("2,000 calls", |ledger| {
        let families = ledger["requests"].as_object().unwrap();
        families.values().filter_map(|family| family["404"].as_u64()).sum::<u64>() == 2000
    });
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let events = events(&text);
    assert_lines(&events, 2000);
    let failed: std::collections::BTreeSet<u64> = events
        .iter()
        .filter(|event| event["event"] == "item_failed")
        .map(|event| event["item"].as_u64().unwrap())
        .collect();
    assert_eq!(failed.len(), 2000);
}

#[test]
fn a_stream_is_read_while_it_is_sent() {
    let bench = Bench::calm();
    let words = ["ingest", "-", "--profile", "env", "--events"];
    let said = bench.command(&words).write_stdin(interactions(1200)).output().unwrap();
    assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    let events = events(std::str::from_utf8(&said.stdout).unwrap());
    assert_eq!(events.last().unwrap()["records"]["delivered"], 1200);
    assert_eq!(bench.ledger()["ingest"]["records_applied"], 1200);
}
