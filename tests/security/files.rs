//! What others on this machine may read, and what a file in the way of another can have done.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::bench::{Bench, files, outcomes};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(folders(&path));
        }
    }
    found
}

/// The program under a umask that takes nothing from anybody.
fn open_handed(bench: &Bench, words: &[&str]) -> Command {
    let real = bench.child(words);
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(real.get_program()).args(words);
    shell.env_clear().envs(real.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(bench.folder.path());
    shell
}

#[test]
fn nothing_of_a_run_is_open_to_others_whatever_the_umask() {
    let bench = Bench::like("[latency]\nmin = \"10ms\"\nmax = \"10ms\"\n[jobs]\nresult_url = 1.0\n");
    bench.file("o.csv", outcomes((0..500).map(|number| format!("c{number}"))));
    bench.file("two.csv", outcomes(["c1", "unknown-1"].map(str::to_owned)));
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples");
    for name in ["imports.ndjson", "customers.ndjson"] {
        fs::copy(samples.join(name), bench.folder.path().join(name)).unwrap();
    }
    let env = ["--profile", "env", "--headless", "-vvv"];
    for words in [
        &["outcomes", "two.csv"][..],
        &["import", "imports.ndjson"],
        &["execute", "customers.ndjson", "--action", "a"],
    ] {
        let words = [words, &env].concat();
        assert_eq!(open_handed(&bench, &words).output().unwrap().status.code(), Some(1), "{words:?}");
    }
    for words in [
        &["failures", "last", "-o", "out.csv", "--format", "csv"][..],
        &["results", "last", "-o", "out.json", "--format", "json"],
        &["report", "last", "-o", "out.html"],
        &["ingest", "--log", "logs/deep/out.log", "-vvv", "none.json", "--profile", "env"],
        &[
            "profile",
            "add",
            "p",
            "--platform",
            "genesys",
            "--region",
            "mypurecloud.ie",
            "--client-id",
            "i",
            "--secret-env",
            "A",
        ],
    ] {
        open_handed(&bench, words).output().unwrap();
    }
    for name in ["out.csv", "out.json", "out.html", "config.toml"] {
        assert_eq!(mode(&bench.folder.path().join(name)), 0o600, "{name}");
    }
    // killed, with its spool and its write-ahead log
    let input = fs::File::open(bench.folder.path().join("o.csv")).unwrap();
    let words = [&["outcomes", "-"][..], &env].concat();
    let mut child = open_handed(&bench, &words).stdin(input).stdout(Stdio::null()).spawn().unwrap();
    bench.until("some contacts", |ledger| ledger["outcomes"]["applied"].as_u64() >= Some(20));
    child.kill().unwrap();
    child.wait().unwrap();

    let data = bench.data_dir();
    let found = files(&data);
    for part in ["journal.db", "journal.db-wal", "coordination.db", "trunkline.log", "results/", "stdin"] {
        let is = |path: &PathBuf| path.to_string_lossy().contains(part);
        assert!(found.iter().any(is), "{part} is not among {found:?}");
    }
    for path in found {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    for folder in folders(&data) {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
    }
}

#[test]
fn a_file_that_is_in_the_way_is_neither_followed_nor_lost() {
    let bench = Bench::calm();
    bench.file("two.csv", outcomes(["c1", "unknown-1"].map(str::to_owned)));
    bench.ends(&["outcomes", "two.csv", "--profile", "env"], 1);
    let folder = bench.folder.path();
    let precious = bench.file("precious", "precious");
    for (name, make) in [
        ("file", Box::new(|path: &Path| fs::write(path, "precious").unwrap()) as Box<dyn Fn(&Path)>),
        ("link", Box::new(|path: &Path| symlink("precious", path).unwrap())),
        ("dangling", Box::new(|path: &Path| symlink("nothing-yet", path).unwrap())),
        ("folder", Box::new(|path: &Path| fs::create_dir(path).unwrap())),
        (
            "pipe",
            Box::new(|path: &Path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success())),
        ),
    ] {
        let path = folder.join(name);
        make(&path);
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        let said = bench.ends(&["report", "last", "-o", name], 2).err();
        assert!(said.contains(&format!("`{name}` ")) || said.contains(&format!("`{name}`:")), "{said}");
        assert_eq!(fs::symlink_metadata(&path).unwrap().file_type(), kind);
        if kind.is_dir() || name == "pipe" {
            for words in [&["failures", "last"][..], &["results", "last"], &["report", "last", "--force"]] {
                bench.ends(&[words, &["-o", name]].concat(), 2);
                assert_eq!(fs::symlink_metadata(&path).unwrap().file_type(), kind, "{words:?}");
            }
        } else {
            // what was asked for is done to the name, and not to what it leads to
            bench.ends(&["results", "last", "-o", name], 0);
            assert!(fs::symlink_metadata(&path).unwrap().is_file());
            assert_eq!(mode(&path), 0o600);
        }
    }
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(!folder.join("nothing-yet").exists());
    for place in ["/dev/full", "/dev/null", "/proc/self/mem", "nowhere/out", "", ".", ".."] {
        bench.ends(&["results", "last", "-o", place], 2);
    }
    let left = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.filter(|name| name.to_string_lossy().starts_with(".trunkline")).count(), 0);
}

#[test]
fn a_file_with_other_names_keeps_what_it_holds_under_them() {
    let bench = Bench::calm();
    bench.file("a.json", "[{\"n\":1}]");
    bench.ends(&["ingest", "a.json", "--profile", "env"], 0);
    let path = bench.file("out.csv", "before");
    fs::hard_link(&path, bench.folder.path().join("other")).unwrap();
    bench.ends(&["results", "last", "-o", "out.csv"], 0);
    assert_eq!(fs::read_to_string(bench.folder.path().join("other")).unwrap(), "before");
    assert_eq!(fs::metadata(&path).unwrap().nlink(), 1);
}

#[test]
fn a_configuration_that_everybody_may_change_starts_nothing() {
    let bench = Bench::calm();
    bench.file("a.json", "[{\"n\":1}]");
    let ran = bench.folder.path().join("ran");
    let config = format!(
        "[profiles.p]\nplatform = \"genesys\"\nclient_id = \"i\"\napi_url = \"{}\"\nsecret = {{ command = [\"touch\", \"{}\"] }}\n",
        bench.api_url(),
        ran.display()
    );
    let path = bench.file("config.toml", config);
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    for words in
        [&["ingest", "a.json", "--profile", "p"][..], &["profile", "test", "p"], &["profile", "remove", "p"]]
    {
        let said = bench.ends(words, 2).err();
        assert!(said.contains("chmod o-w"), "{said}");
    }
    assert!(!ran.exists());
}
