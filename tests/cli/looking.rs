//! What is shown of runs and profiles, and what is printed for shells and for `man`.

use super::bench::{Bench, interactions, outcomes};

#[test]
fn runs_are_listed_newest_first_with_every_key() {
    let bench = Bench::calm();
    assert_eq!(bench.ends(&["runs", "--format", "json"], 0).out(), "[]\n");
    assert_eq!(bench.ends(&["runs"], 0).out(), "there are no runs yet\n");
    bench.file("a.json", interactions(3));
    bench.file("o.csv", outcomes(["c1".to_owned()]));
    bench.ends(&["ingest", "a.json", "--profile", "env"], 0);
    bench.ends(&["outcomes", "o.csv", "--profile", "env"], 0);
    let runs = bench.ends(&["runs", "--format", "json"], 0).json();
    let operations: Vec<_> =
        runs.as_array().unwrap().iter().map(|run| run["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["outcomes", "ingest"]);
    assert_eq!(runs[1]["records"]["delivered"], 3);
    assert_eq!((&runs[1]["state"], &runs[1]["rows_failed"]), (&"completed".into(), &0.into()));
    assert!(runs[1]["ended_at"].is_string());
    let table = bench.ends(&["runs"], 0).out();
    assert_eq!(table.lines().count(), 3, "{table}");
    // what the table shows of an id is enough to name its run
    let prefix = table.lines().nth(2).unwrap().split_whitespace().next().unwrap();
    let run = bench.ends(&["show", prefix, "--format", "json"], 0).json();
    assert_eq!(run["run"], runs[1]["run"]);
    assert_eq!(run["plan"]["operation"]["kind"], "ingest");
    assert!(run["paths"].is_object() && run["faults"].as_array().unwrap().is_empty());
    assert!(bench.ends(&["show", prefix], 0).out().contains("3 delivered"));
}

#[test]
fn a_plain_run_ends_with_a_summary_and_the_commands_to_type_next() {
    let bench = Bench::calm();
    bench.file("o.csv", outcomes(["c1", "unknown-1"].map(str::to_owned)));
    let said = bench.ends(&["outcomes", "o.csv", "--profile", "env"], 1);
    let out = said.out();
    assert!(out.contains("2 in all: 1 delivered, 1 failed"), "{out}");
    assert!(out.contains("404 contact.not.found"), "{out}");
    let command = out.lines().find_map(|line| line.split_once("trunkline failures ")).expect("a command").1;
    assert_eq!(
        bench.ends(&["failures", command.trim(), "--format", "json"], 0).json().as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_check_sends_nothing_and_says_what_a_run_would_do() {
    let bench = Bench::calm();
    bench.file("o.csv", format!("{}c9,Contacted,Nonsense\n", outcomes(["c1".to_owned()])));
    let said = bench.ends(&["check", "outcomes", "o.csv", "--profile", "env"], 1);
    assert!(said.out().contains("1 of them invalid"), "{}", said.out());
    assert!(said.out().contains("Nonsense"), "{}", said.out());
    assert_eq!(bench.ledger()["outcomes"]["applied"], 0);
    bench.file("a.json", interactions(1000));
    bench.file(
        "plan.toml",
        "profile = \"env\"\ndataset = \"a.json\"\n[operation]\nkind = \"ingest\"\nchunk_records = 100\n",
    );
    let said = bench.ends(&["check", "plan.toml"], 0);
    assert!(said.out().contains("1,000"), "{}", said.out());
    assert_eq!(bench.ledger()["ingest"]["records_applied"], 0);
    assert_eq!(bench.ends(&["runs", "--format", "json"], 0).out(), "[]\n", "a check is no run");
}

#[test]
fn profiles_are_added_tested_and_removed() {
    let bench = Bench::calm();
    let api = bench.api_url();
    let add = ["profile", "add", "acme", "--platform", "cxone", "--api-url", &api, "--client-id", "sandbox"];
    let said = bench.ends(&[&add[..], &["--secret-env", "CXONE_CLIENT_SECRET", "--production"]].concat(), 0);
    assert!(said.out().contains("profile `acme` was added"), "{}", said.out());
    let list = bench.ends(&["profile", "list"], 0).out();
    assert!(
        list.contains("acme") && list.contains("variable CXONE_CLIENT_SECRET") && list.contains("production")
    );

    let said = bench.ends(&["profile", "test", "acme"], 0);
    assert!(
        said.out().contains("contact:read contact:update") && said.out().contains("outcomes: allowed"),
        "{}",
        said.out()
    );
    let said =
        bench.command(&["profile", "test", "acme"]).env("CXONE_CLIENT_SECRET", "wrong").output().unwrap();
    assert_eq!(said.status.code(), Some(3));
    let said = bench.command(&["profile", "test", "acme"]).env("CXONE_CLIENT_SECRET", "").output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    bench.ends(&["profile", "test", "env"], 0);

    let said = bench.ends(&[&add[..], &["--secret-env", "X"]].concat(), 2);
    assert!(said.err().contains("there is a profile `acme` already"), "{}", said.err());
    let said = bench.ends(&["profile", "add", "other", "--platform", "cxone", "--api-url", &api], 2);
    assert!(said.err().contains("--client-id"), "{}", said.err());
    bench.ends(&["profile", "remove", "acme"], 0);
    bench.ends(&["profile", "remove", "acme"], 2);
    assert!(bench.ends(&["profile", "list"], 0).out().contains("no profiles yet"));
}

#[test]
fn shells_and_man_get_their_pages() {
    let bench = Bench::calm();
    for shell in ["bash", "zsh", "fish"] {
        assert!(bench.ends(&["completions", shell], 0).out().contains("outcomes"));
    }
    let man = bench.ends(&["man"], 0).out();
    assert!(man.starts_with(".ie") || man.starts_with(".TH"), "{}", &man[..80]);
    assert!(man.contains("trunkline\\-retry") && man.contains("\\-\\-chunk\\-records"));
    assert!(bench.ends(&["--help"], 0).out().contains("130"));
    assert!(bench.ends(&["--version"], 0).out().starts_with("trunkline "));
}
