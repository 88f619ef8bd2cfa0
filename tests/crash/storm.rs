//! The five operations under a stormy platform, each with what must be true of it in the end, whatever crashed meanwhile.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::bench::{Bench, outcomes};

const STORM: &str = "[token]\nlife = \"5s\"\nthrottle_429 = 0.02\n[latency]\nmin = \"0ms\"\nmax = \"3ms\"\n\
    [retry_after]\nmin = \"1s\"\nmax = \"1s\"\n[faults]\nthrottle = 0.002\nerror_500 = 0.005\nerror_502 = 0.003\n\
    reset_before = 0.005\nreset_after = 0.005\ntruncate = 0.005\nhtml = 0.002\n";

/// A few, or many where that is asked for.
pub fn amount(few: u32, many: u32) -> u32 {
    if std::env::var_os("TRUNKLINE_CRASHES").is_some_and(|asked| asked == "many") { many } else { few }
}

/// Goes on with a run that was crashed.
pub const RESUME: [&str; 5] = ["resume", "last", "--headless", "--set", "backoff.base=50ms"];

/// A run on a platform of its own.
pub struct Work {
    pub bench: Bench,
    /// What begins it.
    pub words: Vec<&'static str>,
    /// Holds the whole to what must be true in the end.
    check: fn(&Bench, &Value, u32),
    records: u32,
}

impl Work {
    fn new(
        (keys, tables): (&str, &str),
        records: u32,
        words: &[&'static str],
        check: fn(&Bench, &Value, u32),
        content: &str,
    ) -> Self {
        let bench = Bench::like(&format!("{keys}{STORM}{tables}"));
        bench.file(words[1], content);
        let rest = ["--profile", "env", "--headless", "--set", "backoff.base=50ms"];
        Self { bench, words: [words, &rest].concat(), check, records }
    }

    /// Lets the run end, and holds everything to what must be true then. An answer that came as the process crashed is not
    /// in the journal, and nobody knows of the wait that it asked for: so many breaches of that are forgiven.
    #[track_caller]
    pub fn ends(&self, crashes: u32) -> Value {
        let known = self.bench.command(&["show", "last"]).output().unwrap().status.success();
        let words: &[&str] = if known { &RESUME } else { &self.words };
        let ended = self.bench.command(words).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(
            matches!(ended.status.code(), Some(0 | 1)) || said.contains("is over"),
            "{:?} {said}\n{}",
            ended.status,
            String::from_utf8_lossy(&ended.stdout)
        );
        self.holds(crashes)
    }

    /// Holds a run that has ended to what must be true then.
    #[track_caller]
    pub fn holds(&self, crashes: u32) -> Value {
        assert_sound(&self.bench.data_dir());
        let ledger = self.bench.ledger();
        let unread = |what: &Value| what.as_str().unwrap().contains("before its Retry-After was over");
        let breaches = ledger["breaches"].as_array().unwrap();
        assert!(breaches.iter().all(|breach| unread(&breach["what"])), "{ledger:#}");
        assert!(ledger["breach_count"].as_u64() <= Some(u64::from(crashes)), "{ledger:#}");
        let run = self.bench.ends(&["show", "last", "--format", "json"], 0).json();
        assert_eq!(run["records"]["pending"], 0, "{run:#}");
        (self.check)(&self.bench, &run, self.records);
        run
    }
}

/// Chunks arrive once each, in order.
pub fn ingest(records: u32) -> Work {
    Work::new(("", ""), records, &["ingest", "a.json", "--chunk-records", "20"], check_ingest, &{
        let records: Vec<String> = (0..records).map(interaction).collect();
        format!("[{}]", records.join(",\n"))
    })
}

pub fn interaction(n: u32) -> String {
    format!("{{\"external_id\":\"TXN-{n}\",\"n\":{n}}}")
}

fn check_ingest(bench: &Bench, run: &Value, records: u32) {
    assert_ingested(bench, records);
    assert_eq!(run["records"]["delivered"], records, "{run:#}");
}

/// The first so many interactions were applied, each once and in their order.
#[track_caller]
pub fn assert_ingested(bench: &Bench, records: u32) {
    let ledger = bench.ledger();
    let mut hash = Sha256::new();
    for n in 0..records {
        hash.update(interaction(n));
        hash.update("\n");
    }
    let digest: Vec<_> = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let sets = ledger["ingest"]["sets"].as_object().unwrap();
    assert_eq!(sets.values().filter(|set| set["digest"] == digest.concat()).count(), 1, "{ledger:#}");
}

/// Contacts are reached once each.
pub fn contacts(records: u32) -> Work {
    let content = outcomes((0..records).map(|n| format!("c{n}")));
    // two refusals in a row would teach it a pace at which so many contacts take minutes
    let words = ["outcomes", "o.csv", "--rate", "0", "--adapt", "false"];
    Work::new(("", ""), records, &words, check_outcomes, &content)
}

fn check_outcomes(bench: &Bench, run: &Value, records: u32) {
    let ledger = bench.ledger();
    assert_eq!(ledger["outcomes"]["effects"]["twice_or_more"], 0, "{ledger:#}");
    let [delivered, failed] = ["delivered", "failed"].map(|state| run["records"][state].as_u64().unwrap());
    assert_eq!(delivered + failed, u64::from(records), "{run:#}");
    assert!(ledger["outcomes"]["applied"].as_u64() >= Some(delivered), "{ledger:#}");
}

/// Executions take effect once each.
pub fn executions(records: u32) -> Work {
    let content: Vec<String> = (0..records).map(|n| format!("{{\"customer\":{n}}}")).collect();
    let words = ["execute", "c.ndjson", "--action", "act", "--max-attempts", "20"];
    Work::new(("", ""), records, &words, check_executions, &content.join("\n"))
}

fn check_executions(bench: &Bench, run: &Value, records: u32) {
    let effects = &bench.ledger()["execute"]["effects"];
    assert_eq!(effects["twice_or_more"], 0, "{effects:#}");
    assert_eq!(effects["distinct"], records, "{effects:#}");
    assert_eq!(run["records"]["delivered"], records, "{run:#}");
}

/// Batches arrive once, but for one refused record in each thousand.
pub fn batches(records: u32) -> Work {
    let record = |n: u32| {
        let id = if n % 1_000 == 3 { format!("refused-{n}") } else { format!("x-{n}") };
        format!(
            "{{\"external_id\":\"{id}\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"channel\":\"voice\",\"duration_seconds\":{n},\"customer_segment\":\"a\"}}"
        )
    };
    let content: Vec<String> = (0..records).map(record).collect();
    let words = ["exchange", "x.ndjson", "--chunk-records", "25"];
    Work::new(("refusals = \"unnamed\"\n", ""), records, &words, check_batches, &content.join("\n"))
}

fn check_batches(bench: &Bench, run: &Value, records: u32) {
    let effects = &bench.ledger()["exchange"]["effects"];
    let refused = records / 1_000;
    assert_eq!(effects["twice_or_more"], 0, "{effects:#}");
    assert_eq!(effects["distinct"], records - refused, "{effects:#}");
    let settled = (&run["records"]["delivered"], &run["records"]["failed"]);
    assert_eq!(settled, (&(records - refused).into(), &refused.into()), "{run:#}");
}

/// Import jobs are asked for once, or are a person's to decide.
pub fn imports(records: u32) -> Work {
    let jobs = "[jobs]\nqueued_for = \"100ms\"\nruns_for = { min = \"5s\", max = \"9s\" }\nresult_url = 0.5\nforeign = 0.5\n";
    let request = |n: u32| {
        format!(
            "{{\"entity\":\"contact\",\"operation\":\"upsert\",\"sourceUrl\":\"https://files.example/{n}.csv\",\"targetUrl\":\"t\",\"keyFields\":[\"id\"]}}"
        )
    };
    let content: Vec<String> = (0..records).map(request).collect();
    let words = ["import", "i.ndjson", "--max-open-jobs", "200", "--workers", "8"];
    Work::new(("", jobs), records, &words, check_imports, &content.join("\n"))
}

fn check_imports(bench: &Bench, run: &Value, records: u32) {
    let ledger = bench.ledger();
    assert_eq!(ledger["import"]["effects"]["twice_or_more"], 0, "{ledger:#}");
    assert_eq!(ledger["import"]["foreign"]["with_token"], 0, "{ledger:#}");
    let rows =
        bench.command(&["failures", "last", "--format", "json", "--stage", "delivery"]).output().unwrap();
    let unsure: Vec<Value> = serde_json::from_slice(&rows.stdout).unwrap();
    assert!(
        unsure.iter().all(|row| row["message"].as_str().unwrap().contains("may have been carried out")),
        "{unsure:?}"
    );
    let delivered = run["records"]["delivered"].as_u64().unwrap();
    assert_eq!(delivered + unsure.len() as u64, u64::from(records), "{run:#}");
}

/// The journal as a crash has left it opens, is whole, and its counts are those of its rows. A copy is looked at: the look
/// must not put right what the program has to.
#[track_caller]
pub fn assert_sound(data: &Path) {
    for name in ["journal.db", "coordination.db"] {
        let copy = tempfile::tempdir().unwrap();
        for tail in ["", "-wal"] {
            let file = format!("{name}{tail}");
            if data.join(&file).exists() {
                std::fs::copy(data.join(&file), copy.path().join(&file)).unwrap();
            }
        }
        let path = copy.path().join(name);
        if path.metadata().is_ok_and(|file| file.len() > 0) {
            let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
            let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(found, "ok", "{name}");
            if name == "journal.db" {
                assert_counts(&connection);
            }
        }
    }
}

#[track_caller]
fn assert_counts(connection: &Connection) {
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'run'", [], |row| row.get(0))
        .unwrap();
    if tables == 0 {
        // it was crashed before it had made them
        return;
    }
    for state in ["delivered", "failed", "invalid", "dismissed"] {
        let wrong: i64 = connection
            .query_row(
                &format!(
                    "SELECT count(*) FROM run r WHERE (items_{state}, records_{state}) <>
                         (SELECT count(*), coalesce(sum(count), 0) FROM item i WHERE i.run = r.run AND state = '{state}')"
                ),
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(wrong, 0, "the counts of what is {state} are not those of the rows");
    }
}
