//! A disk that is full, read-only, or in somebody else's hands: a fault that says so, and nothing is sent that is not
//! written down.

use super::bench::{Bench, outcomes};

/// A limit on the size of files stands for a disk that is full: the journal and its log hit it in the same way.
fn with_little_room(bench: &Bench, blocks: u32, words: &[&str]) -> std::process::Output {
    let mut shell = std::process::Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let real = bench.child(words);
    shell.arg("-c").arg(script).arg("sh").arg(real.get_program()).args(words);
    shell.env_clear().envs(real.get_envs().filter_map(|(key, value)| Some((key, value?))));
    shell.current_dir(bench.folder.path()).output().unwrap()
}

#[test]
fn a_full_disk_is_a_fault_and_the_run_goes_on_when_there_is_room() {
    let bench = Bench::calm();
    bench.file("o.csv", outcomes((0..4_000).map(|n| format!("c{n}"))));
    let words = ["outcomes", "o.csv", "--profile", "env", "--events", "--rate", "0"];
    // 512-byte blocks or kilobytes, by the shell: room to begin in either, and none for four thousand contacts
    let said = with_little_room(&bench, 500, &words);
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert_eq!(said.status.code(), Some(3), "{text}\n{}", String::from_utf8_lossy(&said.stderr));
    let applied = bench.ledger()["outcomes"]["applied"].as_u64().unwrap();
    assert!(applied > 0 && applied < 4_000, "{applied}");
    bench.ends(&["resume", "last", "--headless"], 0);
    assert_eq!(bench.ledger()["outcomes"]["applied"], 4_000);
    bench.assert_clean();
    assert_eq!(bench.ends(&["show", "last", "--format", "json"], 0).json()["records"]["delivered"], 4_000);
}
