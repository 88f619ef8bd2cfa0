//! Scripts that do the same, as they are usually written: how far ahead of them we are, and with how much memory.

use std::path::Path;
use std::process::Command;

use super::data::{self, Layout};
use super::redis::RedisServer;
use super::rows::{Ground, NO_LIMITER, Pair, Row, execute, store, text};

/// All of them: by name alone, as they need Go or Python, and packages of theirs (`docs/performance.md`). The limit
/// is the script, and the second peak is its own.
pub const ALL: [Row; 7] = [
    Row {
        name: "peer-ingest",
        what: "ingest, 500 records a chunk",
        limit: "a script in Go",
        least: 3.0,
        pairs: 3,
        measure: |ground| {
            let (count, file) = ground.interactions(1_000_000, Layout::Array);
            let words = [&["ingest", text(&file)][..], &NO_LIMITER].concat();
            compare(ground, &words, (count, count.div_ceil(500)), &mut go(ground, "ingest", &file))
        },
    },
    Row {
        name: "peer-outcomes",
        what: "outcomes, 10 workers",
        limit: "a script in Go",
        least: 1.7,
        pairs: 3,
        measure: |ground| {
            let count = ground.scale.of(200_000);
            let file = data::outcomes(ground.folder(), count);
            let words = [&["outcomes", text(&file)][..], &NO_LIMITER].concat();
            compare(ground, &words, (count, count), &mut go(ground, "outcomes", &file))
        },
    },
    Row {
        name: "peer-execute-cold",
        what: "execute, cold, Redis, 10 in flight",
        limit: "a script in Go",
        least: 3.0,
        pairs: 3,
        measure: |ground| executions(ground, State::Cold, 10),
    },
    Row {
        name: "peer-execute-stored",
        what: "execute, all stored, Redis, 10 in flight",
        limit: "a script in Go",
        least: 2.5,
        pairs: 3,
        measure: |ground| executions(ground, State::Stored, 10),
    },
    Row {
        name: "peer-execute-cold-one",
        what: "execute, cold, Redis, 10 in flight",
        limit: "a script in Go, one at a time",
        least: 3.0,
        pairs: 3,
        measure: |ground| executions(ground, State::Cold, 1),
    },
    Row {
        name: "peer-execute-stored-one",
        what: "execute, all stored, Redis, 10 in flight",
        limit: "a script in Go, one at a time",
        least: 2.5,
        pairs: 3,
        measure: |ground| executions(ground, State::Stored, 1),
    },
    Row {
        name: "peer-exchange",
        what: "exchange, 5 in flight",
        limit: "a script in Python",
        least: 8.0,
        pairs: 3,
        measure: |ground| {
            let (count, file) = ground.interactions(200_000, Layout::Array);
            let words = [&["exchange", text(&file)][..], &NO_LIMITER].concat();
            let mut script = Command::new("python3");
            script.arg(source("exchange.py")).arg(ground.url()).arg(&file);
            compare(ground, &words, (count, count.div_ceil(500)), &mut script)
        },
    },
];

/// What Redis has of the executions before they are measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Cold,
    Stored,
}

/// The script with so many workers; each side has a Redis of its own.
fn executions(ground: &Ground, state: State, workers: usize) -> Pair {
    let redis = RedisServer::start();
    let config = store(&redis);
    let (count, mut ours) = execute(ground, &config, true);
    if state == State::Stored {
        (_, ours) = execute(ground, &config, false);
    }
    let redis = RedisServer::start();
    let (_, file) = ground.executions();
    let mut script = go(ground, "execute", &file);
    script.arg(redis.url()).arg(workers.to_string());
    let mut other = ground.other(&mut script, count);
    if state == State::Stored {
        other = ground.other(&mut script, 0);
    }
    Pair::beside(count, &ours, &other)
}

fn compare(ground: &Ground, words: &[&str], (count, calls): (u64, u64), script: &mut Command) -> Pair {
    let ours = ground.program("", words, calls);
    Pair::beside(count, &ours, &ground.other(script, calls))
}

/// A script in Go, built.
fn go(ground: &Ground, name: &str, file: &Path) -> Command {
    let program = ground.folder().join(name);
    if !program.exists() {
        let built = Command::new("go")
            // where Debian puts the packages that it has of Go's
            .envs([("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode")])
            .arg("build")
            .arg("-o")
            .arg(&program)
            .arg(source(&format!("{name}.go")))
            .status();
        assert!(built.expect("go has to be installed").success());
    }
    let mut command = Command::new(program);
    command.arg(ground.url()).arg(file);
    command
}

fn source(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(name)
}
