//! The rows of the table: what is compared with what, and how much of the limit has to be reached.

use std::cell::Cell;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::data::{self, Layout};
use super::limits::seconds;
use super::ours;
use super::process::{Ended, run};
use super::redis::RedisServer;
use super::sink::Sink;
use super::terminal::until;

/// How much is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Enough to see that it works.
    Small,
    /// Enough to measure.
    Full,
}

impl Scale {
    /// So many, or few where only little is sent.
    pub fn of(self, full: u64) -> u64 {
        match self {
            Self::Small => (full / 1000).clamp(200, 2000),
            Self::Full => full,
        }
    }
}

/// Between two looks at how far a board is.
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);

/// What all rows stand on.
pub struct Ground {
    pub scale: Scale,
    folder: TempDir,
    sink: Sink,
    /// Of the bodies that the program has sent last.
    bytes: Cell<u64>,
}

impl Ground {
    pub fn new(scale: Scale) -> Self {
        Self { scale, folder: tempfile::tempdir().unwrap(), sink: Sink::start(), bytes: Cell::new(0) }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn url(&self) -> String {
        self.sink.url()
    }

    /// So many requests, and no others, have to have arrived by now; the answer is the bytes of their bodies.
    fn arrived(&self, arrives: u64, words: &[&str]) -> u64 {
        let count = self.sink.look();
        assert_eq!(count.sent, arrives, "{words:?}");
        count.bytes
    }

    /// Runs the program in a folder that is gone afterwards, and holds what arrived to what should have.
    pub fn program(&self, config: &str, words: &[&str], arrives: u64) -> Ended {
        self.sink.count();
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        let ended = ours::program(&self.sink.url(), folder.path(), config, words);
        self.bytes.set(self.arrived(arrives, words));
        ended
    }

    /// The same in a session of its own; the answer is the seconds from the first call to the last.
    fn headless(&self, words: &[&str], arrives: u64) -> f64 {
        self.sink.count();
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        ours::apart(&self.sink.url(), folder.path(), words);
        self.arrived(arrives, words);
        self.sink.count().seconds
    }

    /// The same with the board; the answer is the seconds from the first call to the last, and its most memory in bytes.
    fn board(&self, words: &[&str], arrives: u64) -> (f64, u64) {
        self.sink.count();
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        let board = ours::board(&self.sink.url(), folder.path(), words);
        // seldom: each look is work for the sink, which knows itself when the last call came
        until("the last call", || {
            std::thread::sleep(LOOK);
            (self.sink.look().sent >= arrives).then_some(())
        });
        let peak = board.peak();
        self.arrived(arrives, words);
        (self.sink.count().seconds, peak)
    }

    /// Runs another program, and holds what arrived to what should have.
    pub fn other(&self, command: &mut Command, arrives: u64) -> Ended {
        self.sink.count();
        let ended = run(command);
        self.arrived(arrives, &["another program"]);
        ended
    }

    /// The seconds of a limit that stands for itself, of which so much has to arrive.
    pub fn limit_alone(&self, words: &[&str], arrives: u64) -> f64 {
        self.sink.count();
        let seconds = seconds(words);
        self.arrived(arrives, words);
        seconds
    }

    /// The seconds of a limit, of which so much has to arrive: where anything does, the same bytes as of the program before.
    fn limit(&self, words: &[&str], arrives: u64) -> f64 {
        self.sink.count();
        let seconds = seconds(words);
        let bytes = self.arrived(arrives, words);
        if arrives > 0 {
            assert_eq!(bytes, self.bytes.get(), "{words:?} sends other bodies than the program");
        }
        seconds
    }

    /// The records of all executions.
    pub fn executions(&self) -> (u64, std::path::PathBuf) {
        self.interactions(50_000, Layout::Lines)
    }

    pub fn interactions(&self, full: u64, layout: Layout) -> (u64, std::path::PathBuf) {
        let count = self.scale.of(full);
        (count, data::interactions(self.folder.path(), count, layout))
    }
}

/// One measurement of both.
pub struct Pair {
    /// Records, or bytes of a reading.
    count: f64,
    /// Seconds.
    ours: f64,
    limit: f64,
    /// Bytes of ours, and of the limit; 0 where it is of no interest.
    peaks: [u64; 2],
}

impl Pair {
    fn of(count: u64, ours: &Ended, limit: f64) -> Self {
        Self { count: count as f64, ours: ours.took.as_secs_f64(), limit, peaks: [ours.peak, 0] }
    }

    /// Beside another program that does the same.
    pub fn beside(count: u64, ours: &Ended, other: &Ended) -> Self {
        let peaks = [ours.peak, other.peak];
        Self { peaks, ..Self::of(count, ours, other.took.as_secs_f64()) }
    }
}

/// A row.
pub struct Row {
    /// By which it is named on the command line.
    pub name: &'static str,
    pub what: &'static str,
    pub limit: &'static str,
    pub least: f64,
    /// Pairs that it takes at least, where it is measured.
    pub pairs: usize,
    pub measure: fn(&Ground) -> Pair,
}

impl Row {
    /// Measures it so often; the answer is its line.
    pub fn measured(&self, ground: &Ground, pairs: usize) -> String {
        let pairs = match ground.scale {
            Scale::Small => 1,
            Scale::Full => pairs.max(self.pairs),
        };
        let pairs: Vec<Pair> = (0..pairs).map(|_| (self.measure)(ground)).collect();
        let of = |value: fn(&Pair) -> f64| {
            let mut values: Vec<f64> = pairs.iter().map(value).collect();
            (median(&mut values), values[0], values[values.len() - 1])
        };
        let (ratio, least, most) = of(|pair| pair.limit / pair.ours);
        let (ours, limit) = (of(|pair| pair.count / pair.ours).0, of(|pair| pair.count / pair.limit).0);
        let peaks = [of(|pair| pair.peaks[0] as f64).2, of(|pair| pair.peaks[1] as f64).2];
        let peaks = peaks.into_iter().filter(|peak| *peak > 0.0);
        let peaks: Vec<String> = peaks.map(|peak| format!("{} MB", short(peak / 1e6))).collect();
        format!(
            "| {} | {} | {} /s | {}: {} /s | {ratio:.2} ({least:.2} to {most:.2}) | {} | {} |",
            self.name,
            self.what,
            short(ours),
            self.limit,
            short(limit),
            self.least,
            if peaks.is_empty() { "–".to_owned() } else { peaks.join("; ") },
        )
    }
}

/// The value in the middle; they are in their order afterwards.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub fn short(number: f64) -> String {
    match number {
        1e9.. => format!("{:.2} G", number / 1e9),
        1e6.. => format!("{:.2} M", number / 1e6),
        1e3.. => format!("{:.1} k", number / 1e3),
        _ => format!("{number:.1}"),
    }
}

pub const NO_LIMITER: [&str; 2] = ["--rate", "0"];

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// All rows, in the order of the table.
pub const ALL: [Row; 9] = [
    Row {
        name: "ingest",
        what: "ingest, 500 records a chunk",
        limit: "reqwest, the same bodies one after another",
        least: 0.65,
        pairs: 3,
        measure: |ground| {
            let (count, file) = ground.interactions(1_000_000, Layout::Array);
            let chunks = count.div_ceil(500);
            let ours = ground.program("", &[&["ingest", text(&file)][..], &NO_LIMITER].concat(), chunks);
            Pair::of(count, &ours, ground.limit(&["bodies", &ground.sink.url(), text(&file)], chunks))
        },
    },
    Row {
        name: "outcomes",
        what: "outcomes, 10 workers",
        limit: "reqwest, 10 at a time, ready-made",
        least: 0.85,
        pairs: 3,
        measure: |ground| {
            let count = ground.scale.of(200_000);
            let file = data::outcomes(ground.folder.path(), count);
            let ours = ground.program("", &[&["outcomes", text(&file)][..], &NO_LIMITER].concat(), count);
            Pair::of(count, &ours, ground.limit(&["puts", &ground.sink.url(), &count.to_string()], count))
        },
    },
    Row {
        name: "exchange",
        what: "exchange, 5 in flight",
        limit: "the schema crate alone, all cores",
        least: 0.6,
        pairs: 3,
        measure: |ground| {
            let (count, file) = ground.interactions(200_000, Layout::Array);
            let words = [&["exchange", text(&file)][..], &NO_LIMITER].concat();
            let ours = ground.program("", &words, count.div_ceil(500));
            Pair::of(count, &ours, ground.limit(&["schema", text(&file)], 0))
        },
    },
    Row {
        name: "execute-cold",
        what: "execute, cold, Redis, 10 in flight",
        limit: "reqwest, 10 at a time, ready-made",
        least: 0.45,
        pairs: 3,
        measure: |ground| {
            let redis = RedisServer::start();
            let (count, ours) = execute(ground, &store(&redis), true);
            Pair::of(count, &ours, ground.limit(&["posts", &ground.sink.url(), &count.to_string()], count))
        },
    },
    Row {
        name: "execute-stored",
        what: "execute, all stored, Redis, 10 in flight",
        limit: "GET with the same client, 10 at a time",
        least: 0.5,
        pairs: 3,
        measure: |ground| {
            let redis = RedisServer::start();
            execute(ground, &store(&redis), true);
            let (count, ours) = execute(ground, &store(&redis), false);
            Pair::of(count, &ours, ground.limit(&["gets", &redis.url(), &count.to_string()], 0))
        },
    },
    Row {
        name: "execute-embedded",
        what: "execute, cold, embedded store, 10 in flight",
        limit: "the same on Redis",
        least: 1.0,
        pairs: 3,
        measure: |ground| {
            let redis = RedisServer::start();
            let (_, limit) = execute(ground, &store(&redis), true);
            let (count, ours) = execute(ground, "", true);
            Pair::of(count, &ours, limit.took.as_secs_f64())
        },
    },
    Row {
        name: "array",
        what: "splitting a JSON array of 1.5 GB, bodies built",
        limit: "read in 1 MiB pieces",
        least: 0.4,
        pairs: 3,
        measure: |ground| reading(ground, Layout::Array),
    },
    Row {
        name: "lines",
        what: "the same in NDJSON",
        limit: "read in 1 MiB pieces",
        least: 0.6,
        pairs: 3,
        measure: |ground| reading(ground, Layout::Lines),
    },
    Row {
        name: "board",
        what: "outcomes, 10 workers, with the board",
        limit: "the same headless",
        least: 0.97,
        pairs: 10,
        measure: |ground| {
            let count = ground.scale.of(200_000);
            let file = data::outcomes(ground.folder.path(), count);
            let words = [&["outcomes", text(&file)][..], &NO_LIMITER].concat();
            let limit = ground.headless(&words, count);
            let (ours, peak) = ground.board(&[&words[..], &["--profile", "env", "--yes"]].concat(), count);
            Pair { count: count as f64, ours, limit, peaks: [peak, 0] }
        },
    },
];

/// The configuration for executions over it.
pub fn store(redis: &RedisServer) -> String {
    format!("[store]\nurl = \"{}\"\n", redis.url())
}

/// Executes 50,000 records, each of which has to be sent, or none.
pub fn execute(ground: &Ground, config: &str, is_cold: bool) -> (u64, Ended) {
    let (count, file) = ground.executions();
    let words = [&["execute", text(&file), "--action", "bench", "--workers", "10"][..], &NO_LIMITER].concat();
    (count, ground.program(config, &words, if is_cold { count } else { 0 }))
}

fn reading(ground: &Ground, layout: Layout) -> Pair {
    let (_, file) = ground.interactions(10_000_000, layout);
    let bytes = file.metadata().unwrap().len() as f64;
    // once, so that it is in memory
    seconds(&["read", text(&file)]);
    let (limit, ours) = (seconds(&["read", text(&file)]), seconds(&["split", text(&file)]));
    Pair { count: bytes, ours, limit, peaks: [0, 0] }
}
