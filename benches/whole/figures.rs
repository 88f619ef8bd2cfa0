//! Figures that stand beside the table: how memory grows, what a board that shows nothing new costs, and how soon it is there.

use std::fmt::Write as _;
use std::time::Duration;

use trunkline::journal::{Journal, Write};
use trunkline::model::RunState;

use super::data::{self, Layout};
use super::ours;
use super::process::{Ended, spent_by};
use super::rows::{Ground, NO_LIMITER, Scale, median, short, text};
use super::runs;

/// A figure: what is measured, and what it may be at most.
pub struct Figure {
    /// By which it is named on the command line.
    pub name: &'static str,
    what: &'static str,
    most: &'static str,
    measure: fn(&Ground) -> String,
}

/// All of them, in the order of their table.
pub const ALL: [Figure; 6] = [
    Figure {
        name: "growth-ingest",
        what: "ingest: most memory with 1M and with 10M records",
        most: "1.1×",
        measure: |ground| {
            growth(ground, |count| {
                let file = data::interactions(ground.folder(), count, Layout::Array);
                ground.program("", &[&["ingest", text(&file)][..], &NO_LIMITER].concat(), count.div_ceil(500))
            })
        },
    },
    Figure {
        name: "growth-outcomes",
        what: "outcomes: most memory with 200k and with 2M contacts",
        most: "1.1×",
        measure: |ground| {
            growth(ground, |count| {
                let count = count.div_ceil(5);
                let file = data::outcomes(ground.folder(), count);
                ground.program("", &[&["outcomes", text(&file)][..], &NO_LIMITER].concat(), count)
            })
        },
    },
    Figure {
        name: "clients",
        what: "ready-made outcomes, 10 at a time, by others than a `reqwest` client for all: calls of each for one of its",
        most: "–",
        measure: |ground| {
            let count = ground.scale.of(200_000);
            let (url, number) = (ground.url(), count.to_string());
            let mut took = [const { Vec::new() }; 3];
            for _ in 0..TIMES {
                for (took, way) in took.iter_mut().zip(["puts", "puts-apart", "puts-hyper"]) {
                    took.push(ground.limit_alone(&[way, &url, &number], count));
                }
            }
            let [shared, apart, hyper] = took.each_mut().map(|took| median(took));
            format!(
                "{:.2} with a client each, {:.2} with a connection of hyper's each",
                shared / apart,
                shared / hyper
            )
        },
    },
    Figure {
        name: "start",
        what: "the first frame, with a journal of 100 runs and 10M items",
        most: "50 ms",
        measure: |ground| {
            let folder = full_journal(ground);
            let start = || milliseconds(ours::board(&ground.url(), folder.path(), &[]).first_frame());
            spread("ms", (0..TIMES).map(|_| start()).collect())
        },
    },
    Figure {
        name: "idle",
        what: "a board that nothing happens on",
        most: "0.5 % of a core, nothing written",
        measure: |ground| {
            let folder = full_journal(ground);
            let board = ours::board(&ground.url(), folder.path(), &[]);
            board.first_frame();
            // what it reads when it begins
            std::thread::sleep(SETTLING);
            let (spent, written) = (spent_by(board.process()), board.written());
            let looked = match ground.scale {
                Scale::Small => Duration::from_secs(1),
                Scale::Full => Duration::from_secs(30),
            };
            std::thread::sleep(looked);
            let share = spent_by(board.process()).saturating_sub(spent).as_secs_f64() / looked.as_secs_f64();
            let written = board.written() - written;
            format!("{:.2} %, {written} bytes written in {} s", share * 100.0, looked.as_secs())
        },
    },
    Figure {
        name: "help",
        what: "`trunkline --help`",
        most: "10 ms",
        measure: |_| {
            let help = || milliseconds(ours::alone(&["--help"]).took);
            spread("ms", (0..TIMES).map(|_| help()).collect())
        },
    },
];

/// Starts that are looked at.
const TIMES: usize = 9;

/// Runs of the full journal.
const RUNS: usize = 100;

/// How long a board may read when it begins.
const SETTLING: Duration = Duration::from_secs(2);

impl Figure {
    /// Measures it; the answer is its line.
    pub fn measured(&self, ground: &Ground) -> String {
        format!("| {} | {} | {} | {} |", self.name, self.what, (self.measure)(ground), self.most)
    }
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

fn spread(unit: &str, mut values: Vec<f64>) -> String {
    let median = median(&mut values);
    format!("{median:.1} {unit} ({:.1} to {:.1})", values[0], values[values.len() - 1])
}

/// The most memory with so many records, and with ten times as many, whose course is drawn.
fn growth(ground: &Ground, run: impl Fn(u64) -> Ended) -> String {
    let count = ground.scale.of(1_000_000);
    let (few, many) = (run(count), run(count * 10));
    eprintln!("{}", drawn(&many));
    let mega = |ended: &Ended| format!("{} MB", short(ended.peak as f64 / 1e6));
    format!("{:.2}× ({}, {})", many.peak as f64 / few.peak as f64, mega(&few), mega(&many))
}

/// The course of a run's memory: a column for each sixtieth of its time, a line for each 4 MB.
fn drawn(ended: &Ended) -> String {
    const COLUMNS: usize = 60;
    const STEP: u64 = 4_000_000;
    let course = &ended.course;
    let columns: Vec<u64> = (0..COLUMNS)
        .map(|column| {
            let (from, to) = (column * course.len() / COLUMNS, (column + 1) * course.len() / COLUMNS);
            course[from.min(course.len() - 1)..to.max(from + 1).min(course.len())]
                .iter()
                .copied()
                .max()
                .unwrap_or(0)
        })
        .collect();
    let lines = ended.peak.div_ceil(STEP).max(1);
    let mut picture = String::new();
    for line in (0..lines).rev() {
        let bar = |held: &u64| {
            if *held > line * STEP + STEP / 2 {
                '█'
            } else if *held > line * STEP {
                '▄'
            } else {
                ' '
            }
        };
        let row: String = columns.iter().map(bar).collect();
        writeln!(picture, "{:>4} MB │{}", (line + 1) * STEP / 1_000_000, row.trim_end()).unwrap();
    }
    let seconds = format!("{:.0} s", ended.took.as_secs_f64());
    write!(picture, "        └{}\n         0 s{seconds:>57}", "─".repeat(COLUMNS)).unwrap();
    picture
}

/// A data folder whose journal holds a hundred runs that are over, with a hundred thousand items each.
fn full_journal(ground: &Ground) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(ground.folder()).unwrap();
    let items = ground.scale.of(100_000);
    let template = ground.folder().join("full-journal");
    if !template.exists() {
        let journal = Journal::open(&template).unwrap();
        (0..RUNS).for_each(|_| run_that_is_over(&journal, items));
    }
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    // one file of a gigabyte, for all who look at it: none of them changes it
    let whole = rusqlite::Connection::open(template.join("journal.db")).unwrap();
    whole.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    std::fs::copy(template.join("journal.db"), data.join("journal.db")).unwrap();
    folder
}

fn run_that_is_over(journal: &Journal, items: u64) {
    let (new, planned) = runs::of_outcomes(items);
    let (book, _lock) = journal.begin(&new).unwrap();
    journal.commit_blocking(&book, planned);
    let seqs: Vec<u64> = (0..items).collect();
    for group in seqs.chunks(1000) {
        journal.commit_blocking(&book, group.iter().map(|seq| runs::delivered(*seq)).collect());
    }
    journal.commit_blocking(&book, vec![Write::State(RunState::Completed)]);
}
