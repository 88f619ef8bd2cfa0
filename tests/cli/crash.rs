//! Pulling the plug: the program is killed at moments that nobody chose, and goes on each time.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::bench::{Bench, outcomes};

const STORM: &str = "[token]\nlife = \"5s\"\nthrottle_429 = 0.02\n[latency]\nmin = \"0ms\"\nmax = \"3ms\"\n\
    [retry_after]\nmin = \"1s\"\nmax = \"1s\"\n[faults]\nthrottle = 0.002\nerror_500 = 0.005\nerror_502 = 0.003\n\
    reset_before = 0.005\nreset_after = 0.005\ntruncate = 0.005\nhtml = 0.002\n";

const KILLS: u32 = 20;

/// Kills the run twenty times, after a while each time, and lets it end then.
fn run_under_kills(bench: &Bench, begin: &[&str], seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let resume = ["resume", "last", "--headless", "--set", "backoff.base=50ms"];
    let mut kills = 0;
    let mut words = begin;
    while kills < KILLS {
        let mut child = bench.child(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(random.u64(20..350)));
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(
            ended.is_none_or(|status| status.code() == Some(2)),
            "seed {seed}: ended by itself: {ended:?}"
        );
        kills += 1;
        let known = bench.data_dir().join("journal.db").exists()
            && bench.command(&["show", "last"]).output().unwrap().status.success();
        if known {
            words = &resume;
        }
    }
    bench.ends(&resume, 0);
}

fn shown(bench: &Bench) -> Value {
    bench.ends(&["show", "last", "--format", "json"], 0).json()
}

#[test]
fn an_ingest_killed_twenty_times_applies_every_record_once_and_in_order() {
    let bench = Bench::like(STORM);
    let records: Vec<String> =
        (0..60_000).map(|n| format!("{{\"external_id\":\"TXN-{n}\",\"n\":{n}}}")).collect();
    bench.file("a.json", format!("[{}]", records.join(",\n")));
    let words = [
        "ingest",
        "a.json",
        "--profile",
        "env",
        "--headless",
        "--chunk-records",
        "20",
        "--set",
        "backoff.base=50ms",
    ];
    run_under_kills(&bench, &words, 11);
    bench.assert_clean();
    let ledger = bench.ledger();
    let mut hash = Sha256::new();
    for record in &records {
        hash.update(record);
        hash.update("\n");
    }
    let digest: Vec<String> = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let sets = ledger["ingest"]["sets"].as_object().unwrap();
    let whole: Vec<_> = sets.values().filter(|set| set["digest"] == digest.concat()).collect();
    assert_eq!(whole.len(), 1, "{ledger:#}");
    let run = shown(&bench);
    assert_eq!(run["records"]["delivered"], 60_000);
    assert_eq!(run["records"]["pending"], 0);
}

#[test]
fn outcomes_killed_twenty_times_reach_every_contact_once() {
    let bench = Bench::like(STORM);
    bench.file("o.csv", outcomes((0..20_000).map(|n| format!("c{n}"))));
    let words =
        ["outcomes", "o.csv", "--profile", "env", "--headless", "--rate", "0", "--set", "backoff.base=50ms"];
    run_under_kills(&bench, &words, 12);
    bench.assert_clean();
    let ledger = bench.ledger();
    assert_eq!(ledger["outcomes"]["effects"]["twice_or_more"], 0, "{ledger:#}");
    let run = shown(&bench);
    let settled = run["records"]["delivered"].as_u64().unwrap() + run["records"]["failed"].as_u64().unwrap();
    assert_eq!(settled, 20_000);
    assert!(ledger["outcomes"]["applied"].as_u64() >= run["records"]["delivered"].as_u64());
}

/// A limit on the size of files stands for a disk that is full: the journal and its log hit it in the same way.
fn with_little_room(bench: &Bench, blocks: u32, words: &[&str]) -> std::process::Output {
    let mut shell = std::process::Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let real = bench.child(words);
    shell.arg("-c").arg(script).arg("sh").arg(real.get_program()).args(words);
    shell.env_clear().envs(real.get_envs().filter_map(|(key, value)| Some((key, value?))));
    shell.current_dir(bench.folder.path()).output().unwrap()
}

#[test]
fn a_full_disk_is_a_fault_and_the_run_goes_on_when_there_is_room() {
    let bench = Bench::calm();
    bench.file("o.csv", outcomes((0..4_000).map(|n| format!("c{n}"))));
    let words = ["outcomes", "o.csv", "--profile", "env", "--events", "--rate", "0"];
    // 512-byte blocks or kilobytes, by the shell: room to begin in either, and none for four thousand contacts
    let said = with_little_room(&bench, 500, &words);
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert_eq!(said.status.code(), Some(3), "{text}\n{}", String::from_utf8_lossy(&said.stderr));
    let applied = bench.ledger()["outcomes"]["applied"].as_u64().unwrap();
    assert!(applied > 0 && applied < 4_000, "{applied}");
    bench.ends(&["resume", "last", "--headless"], 0);
    assert_eq!(bench.ledger()["outcomes"]["applied"], 4_000);
    bench.assert_clean();
    assert_eq!(shown(&bench)["records"]["delivered"], 4_000);
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
        let lines = super::bench::events(std::str::from_utf8(&said.stdout).unwrap());
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
    let lines = super::bench::events(std::str::from_utf8(&said.stdout).unwrap());
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
