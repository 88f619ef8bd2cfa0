//! What a run stands on goes away under it: its host, its dataset.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::bench::{Bench, events, outcomes};

fn shown(bench: &Bench) -> Value {
    bench.ends(&["show", "last", "--format", "json"], 0).json()
}

#[test]
fn a_host_that_cannot_be_reached_is_a_fault_and_loses_nothing() {
    let bench = Bench::calm();
    bench.file("a.json", "[{\"n\":1}]");
    let url = bench.api_url();
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for base in [closed, url.replace("http:", "https:")] {
        let words = ["ingest", "a.json", "--profile", "env", "--events", "--set", "backoff.base=1ms"];
        let said = bench.child(&words).env("GENESYS_BASE_URL", &base).output().unwrap();
        assert_eq!(said.status.code(), Some(3), "{base}: {}", String::from_utf8_lossy(&said.stderr));
        let lines = events(std::str::from_utf8(&said.stdout).unwrap());
        let fault = lines.iter().find(|line| line["event"] == "fault").unwrap();
        assert_eq!(fault["kind"], "unreachable", "{fault}");
        assert_eq!(shown(&bench)["records"]["pending"], 1);
    }
}

#[test]
fn a_file_that_goes_while_it_is_read_is_a_fault_and_a_resume_goes_on_when_it_is_back() {
    let bench = Bench::like("[latency]\nmin = \"5ms\"\nmax = \"5ms\"\n");
    // larger than what is read at once, so that there is something left to be read
    let content = outcomes((0..90_000).map(|n| format!("contact-with-a-long-name-{n}")));
    let path = bench.file("o.csv", &content);
    let words = ["outcomes", "o.csv", "--profile", "env", "--events", "--rate", "0", "--workers", "64"];
    let child = bench.child(&words).stdout(Stdio::piped()).spawn().unwrap();
    bench.until("a few contacts", |ledger| ledger["outcomes"]["applied"].as_u64() >= Some(50));
    std::fs::rename(&path, Path::new(&path).with_extension("away")).unwrap();
    let said = child.wait_with_output().unwrap();
    assert_eq!(said.status.code(), Some(3));
    let lines = events(std::str::from_utf8(&said.stdout).unwrap());
    let fault = lines.iter().find(|line| line["event"] == "fault").unwrap();
    assert_eq!(fault["kind"], "dataset_changed", "{fault}");
    let run = shown(&bench);
    assert_eq!(run["state"], "faulted");
    let records = &run["records"];
    assert_eq!(records["delivered"].as_u64().unwrap() + records["pending"].as_u64().unwrap(), 90_000);
    bench.ends(&["resume", "last", "--headless"], 3);
    std::fs::rename(Path::new(&path).with_extension("away"), &path).unwrap();
    let mut child = bench
        .child(&["resume", "last", "--headless", "--set", "workers=64"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let before = records["delivered"].as_u64();
    bench.until("more contacts", |ledger| {
        ledger["outcomes"]["applied"].as_u64() > before.map(|count| count + 200)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    bench.assert_clean();
}
