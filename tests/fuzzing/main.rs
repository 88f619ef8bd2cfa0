//! The fuzzer's targets without the fuzzer: each committed input is played again, and some that nobody has written are
//! made of them. So what was found once stays mended, and no target rots where nobody fuzzes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[macro_use]
#[path = "../../fuzz/targets/mod.rs"]
mod targets;

use std::panic::catch_unwind;
use std::path::Path;
use std::{env, fs};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// How many inputs are made of the committed ones.
const MADE: u32 = 200;

/// What makes the difference in one format or another.
const TOKENS: &[&str] = &[
    "\n%%\n",
    "\"",
    "'",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    ";",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\u{feff}",
    "-",
    "0",
    "1e999",
    "9007199254740993",
    "99999999999999999999",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "=",
    "<b>",
    "&",
    "\u{202e}",
    "\u{1b}[2J",
    "\u{9b}",
    "Ü",
    "İ",
    "ß",
    "…",
    "..",
    "/",
    "~1",
    "%",
    "_",
    "#",
    "[[",
    "# c\n",
];

/// A change of an input, at a place that is a part of its length.
#[derive(Debug, Clone)]
enum Change {
    Put(&'static str),
    Cut(u8),
    Double(u8),
    Byte(u8),
}

fn change() -> impl Strategy<Value = (u16, Change)> {
    let how = prop_oneof![
        4 => prop::sample::select(TOKENS).prop_map(Change::Put),
        1 => prop::sample::select(targets::hostile::TEXTS).prop_map(Change::Put),
        2 => (1_u8..40).prop_map(Change::Cut),
        1 => (1_u8..80).prop_map(Change::Double),
        2 => any::<u8>().prop_map(Change::Byte),
    ];
    (any::<u16>(), how)
}

fn changed(seed: &[u8], changes: &[(u16, Change)]) -> Vec<u8> {
    let mut input = seed.to_vec();
    for (place, change) in changes {
        let at = input.len() * usize::from(*place) / usize::from(u16::MAX);
        let end = |length: u8| (at + usize::from(length)).min(input.len());
        match change {
            Change::Put(token) => drop(input.splice(at..at, token.bytes())),
            Change::Cut(length) => drop(input.drain(at..end(*length))),
            Change::Double(length) => {
                let part = input[at..end(*length)].to_vec();
                input.splice(at..at, part);
            }
            Change::Byte(byte) if at < input.len() => input[at] = *byte,
            Change::Byte(byte) => input.push(*byte),
        }
    }
    input
}

fn committed(name: &str) -> Vec<(String, Vec<u8>)> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let mut inputs = Vec::new();
    for folder in ["seeds", "regressions"] {
        let Ok(entries) = fs::read_dir(fuzz.join(folder).join(name)) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            inputs.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    inputs.sort();
    assert!(!inputs.is_empty(), "no seed of {name}");
    inputs
}

fn hold(name: &str) {
    let (_, target) = targets::TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let committed = committed(name);
    for (path, input) in &committed {
        let held = catch_unwind(|| target(input));
        assert!(held.is_ok(), "with {path}");
    }
    let seeds: Vec<Vec<u8>> = committed.into_iter().map(|(_, input)| input).collect();
    let cases = env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(MADE);
    // the same inputs each time: a normal test that fails fails again
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let inputs = (prop::sample::select(seeds), prop::collection::vec(change(), 1..6))
        .prop_map(|(seed, changes)| changed(&seed, &changes));
    let result = TestRunner::new_with_rng(config, rng).run(&inputs, |input| {
        target(&input);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

macro_rules! tests {
    ($($room:ident::$name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            hold(stringify!($name));
        })+
    };
}
for_each_target!(tests);
