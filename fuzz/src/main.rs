//! The targets, each steered by libFuzzer: `TARGET=dataset cargo run -- corpus/dataset`. `fuzz/run` does all of them.
//!
//! One binary holds them all: the program is large, and to link it twenty times takes longer than to fuzz.
#![no_main]

#[path = "../targets/mod.rs"]
mod targets;

use std::sync::OnceLock;

static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();

fn chosen() -> fn(&[u8]) {
    let name = std::env::var("TARGET").unwrap_or_default();
    let known = || targets::TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let found = targets::TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("TARGET=`{name}`: there are {}", known())).1
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| TARGET.get_or_init(chosen)(input));
