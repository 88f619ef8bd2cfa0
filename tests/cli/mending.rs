//! Failures: listed, sent again, closed, opened again.

use serde_json::Value;

use super::bench::{Bench, outcomes};

/// A run of five contacts, of which two are unknown and one row is invalid.
fn failed_run() -> Bench {
    let bench = Bench::calm();
    let mut rows = outcomes(["c1", "unknown-1", "c2", "unknown-2"].map(str::to_owned));
    rows.push_str("c3,Contacted,No budjet\n");
    bench.file("o.csv", rows);
    bench.ends(&["outcomes", "o.csv", "--profile", "env"], 1);
    bench
}

fn state(bench: &Bench) -> Value {
    bench.ends(&["show", "last", "--format", "json"], 0).json()["state"].clone()
}

#[test]
fn failures_are_listed_as_rows_and_by_cause() {
    let bench = failed_run();
    let rows = bench.ends(&["failures", "last", "--format", "json"], 0).json();
    let keys: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), 3);
    assert!(keys.contains(&"unknown-1"));
    let invalid = rows.as_array().unwrap().iter().find(|row| row["state"] == "invalid").unwrap();
    assert_eq!((&invalid["stage"], &invalid["attempts"]), (&"validation".into(), &0.into()));
    assert_eq!(invalid["record"]["subcategory"], "No budjet");

    let causes = bench.ends(&["failures", "last", "--by", "cause", "--format", "json"], 0).json();
    assert_eq!((&causes[0]["items"], &causes[0]["status"]), (&2.into(), &404.into()));

    let table = bench.ends(&["failures", "last", "--status", "404"], 0).out();
    assert_eq!(table.lines().count(), 3, "{table}");
    let none = bench.ends(&["failures", "last", "--match", "status:500"], 0).out();
    assert_eq!(none, "no failures match\n");
}

#[test]
fn a_report_goes_into_a_file_of_its_owners_only() {
    let bench = failed_run();
    let said = bench.ends(&["failures", "last", "--format", "csv", "-o", "failures.csv"], 0);
    assert_eq!(said.out(), "");
    let text = std::fs::read_to_string(bench.folder.path().join("failures.csv")).unwrap();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.starts_with("run,item,position,key,stage,status,code,message,violations,attempts,"));
    bench.ends(&["failures", "last", "-o", "/dev/null"], 2);
    let named = bench.ends(&["failures", "last", "--format", "csv", "-o", "/dev/stdout"], 0).out();
    assert_eq!(named, text, "that is standard output, and not a name to be taken from the system");
    bench.ends(&["failures", "last", "-o", "/dev/fd/1"], 2);
}

#[test]
fn no_list_or_page_is_written_over_what_a_run_is_made_of() {
    let bench = failed_run();
    let dataset = std::fs::read(bench.folder.path().join("o.csv")).unwrap();
    let journal = bench.data_dir().join("journal.db");
    std::os::unix::fs::symlink(bench.folder.path(), bench.folder.path().join("here")).unwrap();
    let (first, real) = (bench.folder.path().join("o.csv"), bench.folder.path().join("real.csv"));
    std::fs::rename(&first, &real).unwrap();
    std::os::unix::fs::symlink(bench.folder.path().join("second.csv"), &first).unwrap();
    std::os::unix::fs::symlink("real.csv", bench.folder.path().join("second.csv")).unwrap();
    let log = bench.data_dir().join("trunkline.log");
    let lock = std::fs::read_dir(bench.data_dir().join("runs")).unwrap().next().unwrap().unwrap().path();
    for (name, what) in [
        ("o.csv", "a dataset of the run"),
        ("here/o.csv", "a dataset of the run"),
        ("second.csv", "a dataset of the run"),
        ("real.csv", "a dataset of the run"),
        (log.to_str().unwrap(), "part of the data folder"),
        (journal.to_str().unwrap(), "part of the data folder"),
        (lock.join("lock").to_str().unwrap(), "part of the data folder"),
    ] {
        for words in [
            &["failures", "last", "-o"][..],
            &["results", "last", "-o"],
            &["report", "last", "--force", "-o"],
        ] {
            let said = bench.ends(&[words, &[name]].concat(), 2).err();
            assert!(said.contains(what) && said.contains("not written over"), "{words:?} {name}: {said}");
        }
    }
    assert_eq!(std::fs::read(bench.folder.path().join("o.csv")).unwrap(), dataset);
    assert_eq!(state(&bench), "completed_with_failures");
}

#[test]
fn results_tell_what_was_delivered() {
    let bench = failed_run();
    let rows = bench.ends(&["results", "last", "--format", "json"], 0).json();
    assert_eq!(rows.as_array().unwrap().len(), 2);
    assert_eq!((&rows[0]["key"], &rows[0]["status"]), (&"c1".into(), &200.into()));
    assert_eq!(rows[0]["answer"]["id"], "c1");
    assert_eq!(bench.ends(&["results", "last"], 0).out().lines().count(), 3);
}

#[test]
fn a_retry_sends_only_what_it_was_asked_to() {
    let bench = failed_run();
    let said = bench.ends(&["retry", "last", "--match", "unknown-2", "--events"], 1);
    let events = said.events();
    assert_eq!((&events[0]["event"], &events[0]["resumed"]), (&"run_started".into(), &true.into()));
    let failed: Vec<_> = events.iter().filter(|event| event["event"] == "item_failed").collect();
    assert_eq!(failed.len(), 1, "what happened before is not told again");
    let last = events.last().unwrap();
    assert_eq!((&last["records"]["delivered"], &last["records"]["failed"]), (&2.into(), &2.into()));

    let said = bench.ends(&["retry", "last", "--status", "500"], 0);
    assert!(said.err().contains("nothing was sent"), "{}", said.err());
}

#[test]
fn a_retry_says_of_an_invalid_item_why_it_was_not_sent() {
    let bench = failed_run();
    let said = bench.ends(&["retry", "last", "--item", "4"], 1);
    assert!(said.err().contains("item 4 is invalid as it stands"), "{}", said.err());
    let said = bench.ends(&["retry", "last", "--status", "404"], 1);
    assert!(!said.err().contains("invalid"), "{}", said.err());
    bench.ends(&["dismiss", "last", "--item", "4", "--note", "x"], 0);
    let said = bench.ends(&["retry", "last", "--item", "4"], 0);
    assert!(said.err().contains("1 that does is dismissed"), "{}", said.err());
}

#[test]
fn closing_every_failure_completes_the_run_and_opening_one_takes_that_back() {
    let bench = failed_run();
    let said = bench.ends(&["dismiss", "last", "--status", "404", "--note", "merged by hand"], 0);
    assert!(said.out().starts_with("2 failures"), "{}", said.out());
    assert_eq!(state(&bench), "completed_with_failures");
    let said = bench.ends(&["dismiss", "last", "--note", "not worth it"], 0);
    assert!(said.out().contains("`completed`"), "{}", said.out());
    assert_eq!(state(&bench), "completed");
    let run = bench.ends(&["show", "last", "--format", "json"], 0).json();
    assert_eq!((&run["records"]["dismissed"], &run["records"]["failed"]), (&3.into(), &0.into()));

    let row = &bench.ends(&["failures", "last", "--format", "json"], 0).json()[0];
    assert_eq!((&row["state"], &row["note"]), (&"dismissed".into(), &"merged by hand".into()));

    bench.ends(&["reopen", "last", "--stage", "validation"], 0);
    assert_eq!(state(&bench), "completed_with_failures");
    let open = bench.ends(&["failures", "last", "--stage", "validation", "--format", "json"], 0).json();
    assert_eq!(open[0]["state"], "invalid", "it is what it was before");

    let said = bench.ends(&["dismiss", "last", "--code", "nothing.like.it", "--note", "x"], 0);
    assert!(said.out().contains("nothing was closed"), "{}", said.out());
    bench.ends(&["dismiss", "last", "--note", "  "], 2);
}

#[test]
fn a_resume_of_a_run_that_is_over_sends_nothing() {
    let bench = failed_run();
    let before = bench.sent();
    let said = bench.ends(&["resume", "last"], 1);
    assert!(said.err().contains("trunkline retry"), "{}", said.err());
    assert_eq!(bench.sent(), before);
}
