//! How many instructions it takes to read a record, and to deliver one: as many on each run, whatever else the machine
//! does, and so a change of a few in a hundred is seen that no clock would show. Counted by callgrind, of valgrind.
//!
//! They are counted of the program as it is delivered, and are other ones where it is built otherwise.

use std::process::{Command, Stdio};

use super::data::{self, Layout};
use super::ours;
use super::rows::{Ground, NO_LIMITER, text};

/// A count that is kept.
pub struct Count {
    /// By which it is named on the command line.
    pub name: &'static str,
    what: &'static str,
    /// Instructions of one record.
    kept: u64,
    /// What a process takes that has so many records.
    measure: fn(&Ground, u64) -> u64,
    /// Records of the shorter and of the longer process: what both take to begin and to end is no part of it.
    records: [u64; 2],
}

/// All of them.
pub const ALL: [Count; 2] = [
    Count {
        name: "count-reading",
        what: "instructions to read a record of an array, checked, and to put it into a body",
        kept: READING,
        measure: |ground, count| {
            let file = data::interactions(ground.folder(), count, Layout::Array);
            let mut command = Command::new(std::env::current_exe().unwrap());
            counted(command.args(["limit", "split", text(&file)]))
        },
        records: [40_000, 80_000],
    },
    Count {
        name: "count-delivery",
        what: "instructions to deliver an outcome, with its commit, by one worker",
        kept: DELIVERY,
        measure: |ground, count| {
            let file = data::outcomes(ground.folder(), count);
            let folder = tempfile::tempdir_in(ground.folder()).unwrap();
            let words = [&["outcomes", text(&file), "--workers", "1"][..], &NO_LIMITER].concat();
            // one thread of each kind: who wakes whom would be left to chance
            counted(ours::command(&ground.url(), folder.path(), "", &words).env("TOKIO_WORKER_THREADS", "1"))
        },
        records: [1000, 2000],
    },
];

/// What was counted when this was last changed. Write down what is counted now, where a change is meant.
const READING: u64 = 1143;
const DELIVERY: u64 = 236_500;

impl Count {
    /// Counts it, and holds it to what is kept; the answer is its line.
    pub fn measured(&self, ground: &Ground) -> String {
        let [few, many] = self.records.map(|records| (self.measure)(ground, records));
        let counted = (many - few) / (self.records[1] - self.records[0]);
        let change = counted as f64 / self.kept as f64 - 1.0;
        assert!(
            change.abs() <= 0.03,
            "{}: {counted} are counted, and {} are kept in {}: {:+.1} %",
            self.name,
            self.kept,
            file!(),
            change * 100.0
        );
        format!("| {} | {} | {counted} | {} ± 3 % |", self.name, self.what, self.kept)
    }
}

/// The instructions that a process takes from its start to its end.
fn counted(command: &mut Command) -> u64 {
    let mut under = Command::new("valgrind");
    under.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    under.arg(command.get_program()).args(command.get_args()).env_clear();
    under.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    under.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    if let Some(folder) = command.get_current_dir() {
        under.current_dir(folder);
    }
    let ended = under.stdin(Stdio::null()).output().expect("valgrind has to be installed");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{under:?}: {said}");
    let (_, count) = said.rsplit_once("Collected :").expect("callgrind says what it counted");
    count.split_whitespace().next().and_then(|count| count.parse().ok()).expect("a number")
}
