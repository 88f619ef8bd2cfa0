//! Whole runs of the program against the limits of the machine, measured in the same minutes: one table with ratios.
//!
//! `cargo bench --bench whole` prints it; `-- --small` goes through all of it with little data, so that it can't rot;
//! `-- --pairs 5 ingest` takes one row, more often. `docs/performance.md` says how each figure comes about.
//!
//! Ours and the limit take turns, each as a process of its own, against a sink in a third process that answers at once and
//! counts what arrives. None is pinned: on two cores they share both, ours and the limit alike.
//!
//! ```text
//! rows      what is compared with what: the table
//! figures   what stands beside it: memory, an idle board, the start
//! counts    instructions, held to what is kept of them
//! peers     scripts that do the same
//! ours      the program's own runs
//! terminal  the program with its board
//! limits    what the machine can do: plain loops without a journal, a pace or a board
//! sink      the server that both send to
//! process   a process, its time and its peak of memory
//! data      what is sent
//! runs      runs in a journal
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a table for people"
)]

mod counts;
#[path = "../support/data.rs"]
mod data;
mod figures;
mod limits;
mod ours;
mod peers;
mod process;
#[path = "../../tests/support/redis.rs"]
#[expect(dead_code, reason = "tests do more to it")]
mod redis;
mod rows;
#[path = "../support/runs.rs"]
mod runs;
mod sink;
mod terminal;

use rows::Scale;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["sink"] => sink::serve(),
        ["limit", name, rest @ ..] => limits::run(name, rest),
        words => table(words),
    }
}

fn table(words: &[&str]) {
    let is_small = words.contains(&"--small");
    let given = words.iter().position(|word| *word == "--pairs").map(|at| at + 1);
    let pairs = match given.map(|at| words.get(at).and_then(|count| count.parse().ok())) {
        Some(Some(pairs)) => pairs,
        Some(None) => panic!("--pairs takes a number"),
        None => 1,
    };
    let named: Vec<&str> = words
        .iter()
        .enumerate()
        .filter(|(at, word)| Some(*at) != given && !word.starts_with("--"))
        .map(|(_, word)| *word)
        .collect();
    let scale = if is_small { Scale::Small } else { Scale::Full };
    let is_wanted = |name: &str| named.is_empty() || named.contains(&name);
    // by name alone: they need valgrind
    let counts: Vec<_> = counts::ALL.iter().filter(|count| named.contains(&count.name)).collect();
    // by name alone, too: they need other languages
    let peers = peers::ALL.iter().filter(|row| named.contains(&row.name));
    let rows: Vec<_> = rows::ALL.iter().filter(|row| is_wanted(row.name)).chain(peers).collect();
    let figures: Vec<_> = figures::ALL.iter().filter(|figure| is_wanted(figure.name)).collect();
    if rows.is_empty() && figures.is_empty() && counts.is_empty() {
        let all = rows::ALL.iter().map(|row| row.name).chain(figures::ALL.iter().map(|figure| figure.name));
        let all = all.chain(peers::ALL.iter().map(|row| row.name));
        let all = all.chain(counts::ALL.iter().map(|count| count.name));
        panic!("there are these: {}", all.collect::<Vec<_>>().join(", "));
    }
    let ground = rows::Ground::new(scale);
    if !rows.is_empty() {
        println!("| row | what | ours | the limit | ratio (least to most) | at least | peak |");
        println!("|---|---|---|---|---|---|---|");
    }
    for row in rows {
        println!("{}", row.measured(&ground, pairs));
    }
    if !figures.is_empty() {
        println!("\n| figure | what | measured | at most |");
        println!("|---|---|---|---|");
    }
    for figure in figures {
        println!("{}", figure.measured(&ground));
    }
    if !counts.is_empty() {
        println!("\n| count | what | counted | kept |");
        println!("|---|---|---|---|");
    }
    for count in counts {
        println!("{}", count.measured(&ground));
    }
}
