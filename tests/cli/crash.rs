//! Pulling the plug: the program is killed at moments that nobody chose, and goes on each time.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::bench::{Bench, LIMIT, outcomes};

const STORM: &str = "[token]\nlife = \"5s\"\nthrottle_429 = 0.02\n[latency]\nmin = \"0ms\"\nmax = \"3ms\"\n\
    [retry_after]\nmin = \"1s\"\nmax = \"1s\"\n[faults]\nthrottle = 0.002\nerror_500 = 0.005\nerror_502 = 0.003\n\
    reset_before = 0.005\nreset_after = 0.005\ntruncate = 0.005\nhtml = 0.002\n";

const KILLS: u32 = 20;

/// Kills the run twenty times, after a while each time, and lets it end then, with all delivered.
fn run_under_kills(bench: &Bench, begin: &[&str], seed: u64) {
    kill_again_and_again(bench, begin, seed);
    bench.ends(&RESUME, 0);
}

/// The same for a run that ends with failures.
fn run_to_failures_under_kills(bench: &Bench, begin: &[&str], seed: u64) {
    kill_again_and_again(bench, begin, seed);
    let ended = bench.command(&RESUME).output().unwrap();
    assert!(matches!(ended.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&ended.stderr));
}

const RESUME: [&str; 5] = ["resume", "last", "--headless", "--set", "backoff.base=50ms"];

fn kill_again_and_again(bench: &Bench, begin: &[&str], seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut kills = 0;
    let mut words = begin;
    while kills < KILLS {
        let mut child = bench.child(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(random.u64(20..350)));
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        if ended.is_some_and(|status| matches!(status.code(), Some(0 | 1))) {
            // a fast machine was done before
            break;
        }
        assert!(
            ended.is_none_or(|status| status.code() == Some(2)),
            "seed {seed}: ended by itself: {ended:?}"
        );
        kills += 1;
        let known = bench.data_dir().join("journal.db").exists()
            && bench.command(&["show", "last"]).output().unwrap().status.success();
        if known {
            words = &RESUME;
        }
    }
    assert!(kills >= KILLS / 2, "seed {seed}: it was over after {kills} kills");
}

/// Nothing was done that the contract forbids; but an answer that came as the process was killed is not in the journal,
/// and nobody knows of the wait that it asked for.
#[track_caller]
fn assert_clean_but_for_unread_answers(bench: &Bench) {
    let ledger = bench.ledger();
    let breaches = ledger["breaches"].as_array().unwrap();
    let unread = |what: &Value| what.as_str().unwrap().contains("before its Retry-After was over");
    assert!(breaches.iter().all(|breach| unread(&breach["what"])), "{ledger:#}");
    assert!(ledger["breach_count"].as_u64() <= Some(u64::from(KILLS)), "{ledger:#}");
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
    assert_clean_but_for_unread_answers(&bench);
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
    assert_clean_but_for_unread_answers(&bench);
    let ledger = bench.ledger();
    assert_eq!(ledger["outcomes"]["effects"]["twice_or_more"], 0, "{ledger:#}");
    let run = shown(&bench);
    let settled = run["records"]["delivered"].as_u64().unwrap() + run["records"]["failed"].as_u64().unwrap();
    assert_eq!(settled, 20_000);
    assert!(ledger["outcomes"]["applied"].as_u64() >= run["records"]["delivered"].as_u64());
}

#[test]
fn executions_killed_twenty_times_take_effect_once_each() {
    let bench = Bench::like(STORM);
    let records: Vec<String> = (0..12_000).map(|n| format!("{{\"customer\":{n}}}")).collect();
    bench.file("c.ndjson", records.join("\n"));
    let words = [
        "execute",
        "c.ndjson",
        "--profile",
        "env",
        "--headless",
        "--action",
        "act",
        "--max-attempts",
        "20",
        "--set",
        "backoff.base=50ms",
    ];
    run_under_kills(&bench, &words, 13);
    assert_clean_but_for_unread_answers(&bench);
    let ledger = bench.ledger();
    assert_eq!(ledger["execute"]["effects"]["twice_or_more"], 0, "{ledger:#}");
    let run = shown(&bench);
    assert_eq!(
        (&run["records"]["delivered"], &run["records"]["pending"]),
        (&12_000.into(), &0.into()),
        "{run:#}"
    );
    assert_eq!(ledger["execute"]["effects"]["distinct"], 12_000);
}

#[test]
fn batches_killed_twenty_times_arrive_without_the_refused_and_go_on_isolating_where_they_were() {
    let bench = Bench::like(&format!("refusals = \"unnamed\"\n{STORM}"));
    let record = |n: u32| {
        let id = if n % 1_000 == 3 { format!("refused-{n}") } else { format!("x-{n}") };
        format!(
            "{{\"external_id\":\"{id}\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"channel\":\"voice\",\"duration_seconds\":{n},\"customer_segment\":\"a\"}}"
        )
    };
    let records: Vec<String> = (0..60_000).map(record).collect();
    bench.file("x.ndjson", records.join("\n"));
    let words = [
        "exchange",
        "x.ndjson",
        "--profile",
        "env",
        "--headless",
        "--chunk-records",
        "25",
        "--set",
        "backoff.base=50ms",
    ];
    run_to_failures_under_kills(&bench, &words, 14);
    assert_clean_but_for_unread_answers(&bench);
    let ledger = bench.ledger();
    assert_eq!(ledger["exchange"]["effects"]["twice_or_more"], 0, "{ledger:#}");
    let run = shown(&bench);
    assert_eq!(
        (&run["records"]["delivered"], &run["records"]["failed"]),
        (&59_940.into(), &60.into()),
        "{run:#}"
    );
    assert_eq!(ledger["exchange"]["effects"]["distinct"], 59_940);
}

#[test]
fn two_hundred_imports_killed_twenty_times_are_asked_for_once_or_are_a_persons_to_decide() {
    let jobs = "[jobs]\nqueued_for = \"100ms\"\nruns_for = { min = \"5s\", max = \"9s\" }\nresult_url = 0.5\nforeign = 0.5\n";
    let bench = Bench::like(&format!("{STORM}{jobs}"));
    let request = |n: u32| {
        format!(
            "{{\"entity\":\"contact\",\"operation\":\"upsert\",\"sourceUrl\":\"https://files.example/{n}.csv\",\"targetUrl\":\"t\",\"keyFields\":[\"id\"]}}"
        )
    };
    let records: Vec<String> = (0..200).map(request).collect();
    bench.file("i.ndjson", records.join("\n"));
    let words = [
        "import",
        "i.ndjson",
        "--profile",
        "env",
        "--headless",
        "--max-open-jobs",
        "200",
        "--workers",
        "8",
        "--set",
        "backoff.base=50ms",
    ];
    run_to_failures_under_kills(&bench, &words, 15);
    assert_clean_but_for_unread_answers(&bench);
    let ledger = bench.ledger();
    assert_eq!(ledger["import"]["effects"]["twice_or_more"], 0, "{ledger:#}");
    assert_eq!(ledger["import"]["foreign"]["with_token"], 0, "{ledger:#}");
    let run = shown(&bench);
    assert_eq!(run["records"]["pending"], 0);
    let delivered = run["records"]["delivered"].as_u64().unwrap();
    let rows =
        bench.command(&["failures", "last", "--format", "json", "--stage", "delivery"]).output().unwrap();
    let unsure: Vec<Value> = serde_json::from_slice(&rows.stdout).unwrap();
    assert!(
        unsure.iter().all(|row| row["message"].as_str().unwrap().contains("may have been carried out")),
        "{unsure:?}"
    );
    assert_eq!(delivered + unsure.len() as u64, 200, "{run:#}");
}

#[test]
fn a_lock_of_a_killed_process_is_free_when_its_lease_ends_and_not_before() {
    let bench = Bench::like("[faults]\nslow = 1.0\nslow_for = \"60s\"\n");
    bench.file("c.ndjson", "{\"customer\":1}");
    let words = [
        "execute",
        "c.ndjson",
        "--profile",
        "env",
        "--headless",
        "--action",
        "act",
        "--set",
        "lock_lease=4s",
    ];
    let mut holder = bench.child(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let held = || String::from_utf8(bench.command(&["store", "status"]).output().unwrap().stdout).unwrap();
    let locks = |said: &str, what: &str| {
        said.lines()
            .find(|line| line.trim_start().starts_with(what))
            .and_then(|line| line.split_whitespace().nth(1)?.parse::<u32>().ok())
    };
    let begun = Instant::now();
    while locks(&held(), "locks") != Some(1) {
        assert!(begun.elapsed() < LIMIT, "{}", held());
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
    let killed = Instant::now();
    // its lease was renewed at most a third of it before
    let mut other = bench.child(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while bench.calls() < 2 {
        assert!(killed.elapsed() < LIMIT, "{:#}", bench.ledger());
        std::thread::sleep(Duration::from_millis(10));
    }
    let waited = killed.elapsed();
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(waited >= Duration::from_millis(2_500), "it was taken over after {waited:?}");
    assert!(waited < Duration::from_secs(20), "it was taken over after {waited:?}");
}

#[test]
fn two_processes_on_one_tenant_keep_one_bucket() {
    let bench = Bench::like("[bucket]\nrate = 45.0\nburst = 20.0\n");
    for name in ["a.csv", "b.csv"] {
        bench.file(name, outcomes((0..200).map(|n| format!("{name}-{n}"))));
    }
    let run = |name| {
        let words = ["outcomes", name, "--profile", "env", "--headless"];
        bench.child(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let begun = Instant::now();
    let ended = [run("a.csv"), run("b.csv")].map(|mut child| child.wait().unwrap().code());
    assert_eq!(ended, [Some(0), Some(0)]);
    bench.assert_clean();
    let ledger = bench.ledger();
    assert_eq!(ledger["outcomes"]["applied"], 400);
    // 402 calls at 45/s after a burst of 20
    assert!(begun.elapsed() >= Duration::from_secs(8), "{:?}", begun.elapsed());
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
