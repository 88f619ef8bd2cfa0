//! The whole engine on one thread, under a clock that is held, against a platform that fails in every way: what must
//! hold, holds after each of thousands of made-up days.
//!
//! Everything that is left to chance in a day is drawn from its seed, so a seed that fails fails again:
//! `SEED=4711 cargo test --test simulation`. `SEEDS=1000000` plays more of them, `FROM=…` others.
//!
//! ```text
//! case        what the day is like: dataset, plan, platform, network, disk, person
//! manners     what callers were told, and have to keep
//! place       where a day leaves its files
//! world       what lies between the program and the platform, and what took effect there
//! day         one seed from its first call to its last, through crashes
//! properties  what must hold
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod case;
mod day;
mod manners;
mod place;
mod properties;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Days of the normal tests.
const QUICK: u64 = 2_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn what_must_hold_holds_after_each_day() {
    let (from, count) = match number("SEED") {
        Some(seed) => (seed, 1),
        None => (number("FROM").unwrap_or(0), number("SEEDS").unwrap_or(QUICK)),
    };
    let next = AtomicU64::new(from);
    let broken = Mutex::new(Vec::new());
    let told = Mutex::new(day::Told::default());
    let begun = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count || broken.lock().unwrap().len() >= 10 {
                        return;
                    }
                    let played = catch_unwind(AssertUnwindSafe(|| day::play(seed)));
                    let (came, calls) =
                        played.unwrap_or_else(|panic| (Err(words_of(panic.as_ref())), Vec::new()));
                    if std::env::var_os("TRACE").is_some() {
                        println!("{}", calls.join("\n"));
                    }
                    match came {
                        Ok(one) => told.lock().unwrap().add(&one),
                        Err(what) => broken.lock().unwrap().push(format!("SEED={seed}: {what}")),
                    }
                }
            });
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "shown to people")]
    {
        println!("{count} days from {from} in {seconds:.1} s ({:.0} a second)", count as f64 / seconds);
        println!("{}", told.lock().unwrap());
    }
    let broken = broken.into_inner().unwrap();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_seed_makes_the_same_day_again() {
    let count = number("SEEDS").unwrap_or(40);
    for seed in 0..count {
        let (one, other) = (day::play(seed), day::play(seed));
        let differ = one.1.iter().zip(&other.1).find(|(one, other)| one != other);
        assert_eq!(differ, None, "SEED={seed}");
        assert_eq!(one.1.len(), other.1.len(), "SEED={seed}");
        assert_eq!(one.0.map(|told| told.trace), other.0.map(|told| told.trace), "SEED={seed}");
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}
