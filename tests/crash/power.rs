//! Power cuts: what was not synced to the disk is gone, or there in parts.
//!
//! The journal says `synchronous = FULL`, and its promise is: what was committed is there after a power cut. So a run
//! never goes back behind what it has shown, what may be out is marked, and each effect takes place once.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use super::bench::{Bench, events};
use super::storm::{self, RESUME, Work, amount, assert_sound};

/// The exit code of a program whose power was cut.
const CUT: i32 = 99;

/// What stands between the program and its disk.
pub fn shim() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/power.c");
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("power-{}.so", std::process::id()));
        let done = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .args([&built, &source])
            .arg("-ldl")
            .status();
        assert!(done.unwrap().success(), "{} could not be compiled", source.display());
        built
    })
}

/// Runs the program until its power is cut at the n-th write or sync, and leaves its data folder as the disk has it.
fn cut(bench: &Bench, words: &[&str], input: Stdio, after: u32, seed: u64) -> Output {
    let left = bench.folder.path().join("left");
    let said = bench
        .child(words)
        .stdin(input)
        .env("LD_PRELOAD", shim())
        .env("DISK_ROOT", bench.data_dir())
        .env("DISK_LEFT", &left)
        .env("DISK_CUT_AFTER", after.to_string())
        .env("DISK_SEED", seed.to_string())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    if said.status.code() == Some(CUT) {
        std::fs::remove_dir_all(bench.data_dir()).unwrap();
        if left.exists() {
            std::fs::rename(left, bench.data_dir()).unwrap();
        }
    }
    said
}

/// The most that the program has told of a run's records as delivered.
fn told(said: &Output) -> u64 {
    let out = String::from_utf8_lossy(&said.stdout);
    // the last line may be cut off
    let whole = out.rfind('\n').map_or("", |end| &out[..end]);
    events(whole).iter().filter_map(|line| line["records"]["delivered"].as_u64()).max().unwrap_or(0)
}

fn cut_again_and_again(work: &Work, most: u32, seed: u64) {
    let bench = &work.bench;
    let mut random = fastrand::Rng::with_seed(seed);
    let (wanted, mut cuts) = (amount(6, 40), 0);
    let with_events = |words: &[&'static str]| {
        words.iter().map(|word| if *word == "--headless" { "--events" } else { word }).collect()
    };
    let (begin, resume): (Vec<_>, Vec<_>) = (with_events(&work.words), with_events(&RESUME));
    let mut known = false;
    for number in 0..wanted {
        let after = random.u32(1..most);
        let said = cut(bench, if known { &resume } else { &begin }, Stdio::null(), after, random.u64(..));
        let at = format!("seed {seed}, cut {number} after {after} writes");
        let err = String::from_utf8_lossy(&said.stderr).into_owned();
        match said.status.code() {
            Some(CUT) => cuts += 1,
            Some(0 | 1) => break,
            other => panic!("{at}: it ended by itself: {other:?} {err}"),
        }
        assert_sound(&bench.data_dir());
        let now = bench.command(&["show", "last", "--format", "json"]).output().unwrap();
        if now.status.success() {
            let run: serde_json::Value = serde_json::from_slice(&now.stdout).unwrap();
            let delivered = run["records"]["delivered"].as_u64().unwrap();
            assert!(
                delivered >= told(&said),
                "{at}: it told of {} records, and knows of {delivered}",
                told(&said)
            );
            known = true;
        } else {
            assert!(!known, "{at}: the run is forgotten: {}", String::from_utf8_lossy(&now.stderr));
            assert_eq!(bench.sent(), 0, "{at}: calls were made of which nothing is known");
        }
    }
    assert!(cuts >= wanted / 2, "seed {seed}: it was over after {cuts} power cuts");
    work.ends(cuts);
}

#[test]
fn an_ingest_survives_power_cuts_and_applies_every_record_once_and_in_order() {
    cut_again_and_again(&storm::ingest(amount(20_000, 60_000)), 700, 31);
}

#[test]
fn outcomes_survive_power_cuts_and_reach_every_contact_once() {
    cut_again_and_again(&storm::contacts(amount(3_000, 12_000)), 700, 32);
}

#[test]
fn executions_survive_power_cuts_and_take_effect_once_each() {
    cut_again_and_again(&storm::executions(amount(2_000, 8_000)), 900, 33);
}

#[test]
fn batches_survive_power_cuts_and_arrive_once() {
    cut_again_and_again(&storm::batches(amount(20_000, 60_000)), 700, 34);
}

#[test]
fn imports_survive_power_cuts_and_are_asked_for_once_or_are_a_persons_to_decide() {
    cut_again_and_again(&storm::imports(amount(60, 240)), 300, 35);
}

#[test]
fn what_was_sent_of_standard_input_is_kept_through_a_power_cut() {
    let mut random = fastrand::Rng::with_seed(36);
    for round in 0..amount(4, 30) {
        let bench = Bench::like("[latency]\nmin = \"0ms\"\nmax = \"4ms\"\n");
        let input = (0..20_000).map(storm::interaction).collect::<Vec<_>>().join("\n");
        let input = std::fs::File::open(bench.file("input.ndjson", input)).unwrap();
        let words = ["ingest", "-", "--profile", "env", "--events", "--chunk-records", "20"];
        let (after, seed) = (random.u32(100..600), random.u64(..));
        let at = format!("round {round}: cut after {after} writes, seed {seed}");
        let said = cut(&bench, &words, input.into(), after, seed);
        assert_eq!(said.status.code(), Some(CUT), "{at}: {}", String::from_utf8_lossy(&said.stderr));
        assert_sound(&bench.data_dir());
        // what was not read is missing, which is a fault; all that was put into a chunk is delivered as it was
        let ended = bench.command(&["resume", "last", "--headless"]).output().unwrap();
        let out = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(matches!(ended.status.code(), Some(0 | 3)), "{at}: {out}");
        let run = bench.ends(&["show", "last", "--format", "json"], 0).json();
        assert!(run["records"]["delivered"].as_u64() >= Some(told(&said)), "{at}: {run:#}");
        assert_eq!(run["records"]["failed"].as_u64(), Some(0), "{at}: {run:#}");
        let delivered = u32::try_from(run["records"]["delivered"].as_u64().unwrap()).unwrap();
        assert_eq!(bench.ledger()["ingest"]["records_applied"], delivered, "{at}: {out}");
        // the power may have gone before the first chunk
        if delivered > 0 {
            storm::assert_ingested(&bench, delivered);
        }
        bench.assert_clean();
    }
}
