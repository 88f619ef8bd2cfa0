//! Links, pipes, sockets and devices where a file should be: none of them is written through, and none holds the program.

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::bench::{Bench, Said, files, interactions};

/// Waiting for the other end of a pipe is what is looked for here: whatever does it waits for ever.
const SOON: Duration = Duration::from_secs(20);

const PRECIOUS: &str = "precious\n";

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Runs it to its end; one that hangs has no exit code, and so a wrong one.
#[track_caller]
fn ends(bench: &Bench, words: &[&str], code: i32) -> Said {
    let said = Said(bench.command(words).timeout(SOON).output().unwrap());
    said.assert_code(code, words);
    said
}

/// The program came to some end by itself.
#[track_caller]
fn ends_somehow(bench: &Bench, words: &[&str]) -> Said {
    let said = Said(bench.command(words).timeout(SOON).output().unwrap());
    assert!(said.0.status.code().is_some(), "it hangs: {words:?}");
    said
}

/// A bench with a run that failed, and that run's folder.
fn with_a_run() -> (Bench, PathBuf) {
    let bench = Bench::calm();
    bench.file("two.csv", super::bench::outcomes(["c1", "unknown-1"].map(str::to_owned)));
    ends(&bench, &["outcomes", "two.csv", "--profile", "env"], 1);
    let runs = fs::read_dir(bench.data_dir().join("runs")).unwrap();
    let folder = runs.map(|entry| entry.unwrap().path()).next().unwrap();
    (bench, folder)
}

/// What acts on a run, or begins one: all that writes into the data folder.
const ACTS: [&[&str]; 5] = [
    &["dismiss", "last", "--note", "done"],
    &["retry", "last"],
    &["resume", "last"],
    &["cancel", "last", "--yes"],
    &["outcomes", "two.csv", "--profile", "env"],
];

#[test]
fn a_link_in_a_data_folder_of_somebody_elses_leads_nowhere() {
    let (bench, run) = with_a_run();
    let precious = bench.file("precious", PRECIOUS);
    let data = bench.data_dir();
    let pace = fs::read_dir(data.join("pace")).unwrap().next().unwrap().unwrap().path();
    let sets = ["", "-wal", "-shm", "-journal"];
    let databases = ["journal.db", "coordination.db"];
    let databases = databases.iter().flat_map(|name| sets.map(|end| data.join(format!("{name}{end}"))));
    let places = [run.join("lock"), pace, data.join("trunkline.log")].into_iter().chain(databases);
    for place in places {
        let kept = bench.folder.path().join("kept");
        let was_there = fs::rename(&place, &kept).is_ok();
        symlink(&precious, &place).unwrap();
        let mut refused = 0;
        for words in ACTS {
            let said = ends_somehow(&bench, &[words, &["-vvv"]].concat());
            refused += usize::from(said.err().contains("it is no regular file but a link"));
            assert_eq!(fs::read_to_string(&precious).unwrap(), PRECIOUS, "{} {words:?}", place.display());
        }
        // the store of locks is for executions only
        let is_used = !place.to_string_lossy().contains("coordination");
        assert!(!is_used || refused > 0, "{}", place.display());
        fs::remove_file(&place).unwrap();
        if was_there {
            fs::rename(&kept, &place).unwrap();
        }
    }
    ends(&bench, &["dismiss", "last", "--note", "done"], 0);
}

#[test]
fn a_store_of_locks_is_reached_through_no_link() {
    let bench = Bench::calm();
    let precious = bench.file("precious", PRECIOUS);
    bench.file("a.ndjson", "{\"a\":1}\n");
    let words = ["execute", "a.ndjson", "--action", "a", "--profile", "env"];
    fs::create_dir(bench.data_dir()).unwrap();
    for end in ["", "-wal", "-shm", "-journal"] {
        let place = bench.data_dir().join(format!("coordination.db{end}"));
        symlink(&precious, &place).unwrap();
        let said = ends_somehow(&bench, &words);
        assert!(said.err().contains("it is no regular file but a link"), "{end}: {}", said.err());
        assert_eq!(fs::read_to_string(&precious).unwrap(), PRECIOUS);
        fs::remove_file(&place).unwrap();
    }
    assert_eq!(bench.calls(), 0);
    ends_somehow(&bench, &words);
    assert!(bench.calls() > 0, "without links it is sent");
}

#[test]
fn a_folder_within_the_data_folder_is_no_link_to_one_of_ours() {
    let (bench, run) = with_a_run();
    let elsewhere = bench.folder.path().join("elsewhere");
    fs::create_dir_all(elsewhere.join(run.file_name().unwrap())).unwrap();
    fs::write(elsewhere.join("lock"), PRECIOUS).unwrap();
    fs::write(elsewhere.join(run.file_name().unwrap()).join("lock"), PRECIOUS).unwrap();
    let before = files(&elsewhere);
    let data = bench.data_dir();
    for place in [run.clone(), data.join("runs"), data.join("pace")] {
        let kept = bench.folder.path().join("kept");
        fs::rename(&place, &kept).unwrap();
        symlink(&elsewhere, &place).unwrap();
        for words in ACTS {
            ends_somehow(&bench, words);
        }
        assert_eq!(files(&elsewhere), before, "{}", place.display());
        for path in &before {
            assert_eq!(fs::read_to_string(path).unwrap(), PRECIOUS, "{}", path.display());
        }
        fs::remove_file(&place).unwrap();
        fs::rename(&kept, &place).unwrap();
    }
    // the data folder itself is a person's own, and may be anywhere
    let moved = bench.folder.path().join("moved");
    fs::rename(&data, &moved).unwrap();
    symlink(&moved, &data).unwrap();
    ends(&bench, &["runs"], 0);
    ends(&bench, &["dismiss", "last", "--note", "done"], 0);
}

#[test]
fn results_are_fetched_into_no_folder_of_anybodys_choice() {
    let bench = Bench::like("[jobs]\nresult_url = 1.0\n");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples/imports.ndjson");
    fs::copy(sample, bench.folder.path().join("imports.ndjson")).unwrap();
    let words = ["import", "imports.ndjson", "--profile", "env", "--headless"];
    let mut child = bench.child(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let fetched = |path: &PathBuf| path.to_string_lossy().contains("/results/");
    let begun = Instant::now();
    while !bench.data_dir().exists() || !files_of(&bench.data_dir()).iter().any(fetched) {
        assert!(begun.elapsed() < SOON, "no result ever came");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let runs = fs::read_dir(bench.data_dir().join("runs")).unwrap();
    let results = runs.map(|entry| entry.unwrap().path().join("results")).next().unwrap();
    let elsewhere = bench.folder.path().join("elsewhere");
    fs::rename(&results, bench.folder.path().join("kept")).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, &results).unwrap();
    let said = ends(&bench, &["resume", "last", "--headless"], 3);
    let said = said.out() + &said.err();
    assert!(said.contains("results`: it is no folder but a link"), "{said}");
    assert_eq!(files(&elsewhere).len(), 0);
    // what it was is put back, and it goes on
    fs::remove_file(&results).unwrap();
    fs::rename(bench.folder.path().join("kept"), &results).unwrap();
    ends(&bench, &["resume", "last", "--headless"], 1);
}

#[test]
fn what_is_resumed_of_standard_input_is_no_other_file() {
    let bench = Bench::like("[latency]\nmin = \"10ms\"\nmax = \"10ms\"\n");
    let contacts = |named: char| super::bench::outcomes((0..500).map(move |n| format!("{named}{n}")));
    let (input, other) = (bench.file("o.csv", contacts('c')), bench.file("other.csv", contacts('x')));
    let words = ["outcomes", "-", "--profile", "env", "--headless"];
    let mut child = bench.child(&words);
    child.stdin(fs::File::open(input).unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child.spawn().unwrap();
    bench.until("some contacts", |ledger| ledger["outcomes"]["applied"].as_u64() >= Some(20));
    child.kill().unwrap();
    child.wait().unwrap();
    let runs = fs::read_dir(bench.data_dir().join("runs")).unwrap();
    let spool = runs.map(|entry| entry.unwrap().path().join("stdin")).next().unwrap();
    let kept = bench.folder.path().join("kept");
    fs::rename(&spool, &kept).unwrap();
    symlink(other, &spool).unwrap();
    let said = ends(&bench, &["resume", "last", "--headless"], 3);
    let said = said.out() + &said.err();
    assert!(said.contains("stdin`: it is no regular file but a link"), "{said}");
    fs::remove_file(&spool).unwrap();
    fs::rename(&kept, &spool).unwrap();
    ends_somehow(&bench, &["resume", "last", "--headless"]);
    let applied = bench.ledger()["outcomes"]["applied"].as_u64().unwrap();
    assert!((20..=500).contains(&applied), "{applied}");
}

/// Every file below a folder in which files come and go.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_of(&path) } else { vec![path] }).collect()
}

#[test]
fn a_pipe_in_the_data_folder_holds_nobody() {
    let (bench, run) = with_a_run();
    let data = bench.data_dir();
    let pace = fs::read_dir(data.join("pace")).unwrap().next().unwrap().unwrap().path();
    let databases =
        ["journal.db", "journal.db-wal", "journal.db-shm", "journal.db-journal", "coordination.db"];
    let databases = databases.map(|name| data.join(name));
    let places = [run.join("lock"), run.join("learnt"), pace, data.join("trunkline.log")];
    for place in places.into_iter().chain(databases) {
        let kept = bench.folder.path().join("kept");
        let was_there = fs::rename(&place, &kept).is_ok();
        pipe(&place);
        for words in [
            &["runs"][..],
            &["show", "last"],
            &["failures", "last"],
            &["results", "last"],
            &["report", "last", "-o", "page.html", "--force"],
            &["doctor", "last", "--offline"],
            &["store", "status"],
        ] {
            ends_somehow(&bench, &[words, &["-vvv"]].concat());
        }
        for words in ACTS {
            ends_somehow(&bench, &[words, &["-vvv"]].concat());
        }
        assert!(fs::symlink_metadata(&place).unwrap().file_type().is_fifo(), "{}", place.display());
        fs::remove_file(&place).unwrap();
        if was_there {
            fs::rename(&kept, &place).unwrap();
        }
    }
    ends(&bench, &["runs"], 0);
}

#[test]
fn a_lock_that_is_none_is_named_with_what_to_do() {
    let (bench, run) = with_a_run();
    let lock = run.join("lock");
    fs::remove_file(&lock).unwrap();
    symlink(bench.file("precious", PRECIOUS), &lock).unwrap();
    let said = ends(&bench, &["dismiss", "last", "--note", "done"], 2).err();
    let shown = lock.to_string_lossy().into_owned();
    assert!(said.contains(&shown) && said.contains("take it away"), "{said}");
    let said = ends(&bench, &["doctor", "--offline"], 1).out();
    assert!(said.contains("its lock cannot be taken: "), "{said}");
}

#[test]
fn whatever_is_read_whole_is_a_regular_file_or_refused_at_once() {
    let bench = Bench::calm();
    bench.file("a.json", interactions(1));
    let folder = bench.folder.path();
    pipe(&folder.join("pipe"));
    drop(UnixListener::bind(folder.join("socket")).unwrap());
    fs::create_dir(folder.join("folder")).unwrap();
    for (name, what) in
        [("pipe", "a pipe"), ("socket", "a socket"), ("folder", "a folder"), ("/dev/zero", "a device")]
    {
        for words in [
            &["check", name, "--profile", "env"][..],
            &["run", name, "--profile", "env"],
            &["check", "exchange", "a.json", "--schema", name, "--profile", "env"],
            &["exchange", "a.json", "--schema", name, "--profile", "env"],
            &["--config", name, "profile", "list"],
            &["--config", name, "ingest", "a.json", "--profile", "env"],
            &["sandbox", "--scenario", name],
        ] {
            let said = ends(&bench, words, 2).err();
            assert!(said.contains(&format!("it is no regular file but {what}")), "{words:?}: {said}");
            assert!(said.contains(&format!("{name}`")), "{words:?}: {said}");
        }
        let doctor = ends(&bench, &["--config", name, "doctor", "--offline"], 1).out();
        assert!(doctor.contains(&format!("it is no regular file but {what}")), "{doctor}");
    }
    assert_eq!(bench.sent(), 0);
}

#[test]
fn a_secret_and_certificates_are_in_regular_files() {
    let bench = Bench::calm();
    bench.file("a.json", interactions(1));
    pipe(&bench.folder.path().join("pipe"));
    let profile = "platform = \"genesys\"\nclient_id = \"i\"\napi_url = \"https://127.0.0.1:1\"\n";
    bench.file(
        "config.toml",
        format!(
            "[profiles.s]\n{profile}secret = {{ file = \"pipe\" }}\n\
             [profiles.c]\n{profile}ca_file = \"pipe\"\nsecret = {{ env = \"GENESYS_CLIENT_SECRET\" }}\n"
        ),
    );
    for name in ["s", "c"] {
        for words in [&["profile", "test", name][..], &["ingest", "a.json", "--profile", name]] {
            let said = ends_somehow(&bench, words);
            assert_ne!(said.0.status.code(), Some(0));
            let said = said.out() + &said.err();
            assert!(said.contains("it is no regular file but a pipe"), "{words:?}: {said}");
        }
    }
    let doctor = ends(&bench, &["doctor"], 1).out();
    for line in ["s: secret", "c: addresses"] {
        let line = doctor.lines().find(|told| told.contains(line)).unwrap_or_default();
        assert!(line.contains("it is no regular file but a pipe"), "{doctor}");
    }
}

#[test]
fn a_dataset_that_is_no_file_is_to_be_piped_in() {
    let bench = Bench::calm();
    bench.file("a.json", interactions(3));
    pipe(&bench.folder.path().join("pipe"));
    drop(UnixListener::bind(bench.folder.path().join("socket")).unwrap());
    for name in ["pipe", "socket", "/dev/zero"] {
        for words in
            [&["ingest", name, "--profile", "env"][..], &["check", "ingest", name, "--profile", "env"]]
        {
            let said = ends(&bench, words, 2).err();
            assert!(
                said.contains("it is no regular file") && said.contains("name it `-`"),
                "{words:?}: {said}"
            );
        }
    }
    // what a shell makes of `<(cat a.json)`
    for words in ["ingest", "check ingest"] {
        let real = bench.child(&[]);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "cat a.json | \"$0\" \"$@\" /dev/fd/0 --profile env"])
            .arg(real.get_program())
            .args(words.split(' '))
            .env_clear()
            .envs(real.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(bench.folder.path())
            .stdin(Stdio::null());
        let said = Said(assert_cmd::Command::from_std(shell).timeout(SOON).output().unwrap());
        said.assert_code(2, &[words]);
        assert!(said.err().contains("name it `-`"), "{words}: {}", said.err());
    }
    assert_eq!(bench.sent(), 0);
}

#[test]
fn the_log_goes_into_a_regular_file_and_through_no_link() {
    let (bench, _) = with_a_run();
    let folder = bench.folder.path();
    let precious = bench.file("precious", PRECIOUS);
    symlink(&precious, folder.join("link.log")).unwrap();
    symlink("nothing-yet", folder.join("dangling.log")).unwrap();
    pipe(&folder.join("pipe.log"));
    for (name, what) in [
        ("link.log", "a link"),
        ("dangling.log", "a link"),
        ("pipe.log", "a pipe"),
        ("/dev/zero", "a device"),
    ] {
        for words in [&["runs"][..], &["outcomes", "two.csv", "--profile", "env"]] {
            let said = ends(&bench, &[words, &["-vvv", "--log", name]].concat(), 2).err();
            let expected =
                format!("the log cannot be written to `{name}`: it is no regular file but {what}\nhint: ");
            assert!(said.contains(&expected), "{said}");
        }
        let doctor = ends(&bench, &["doctor", "--offline", "--log", name], 1).out();
        assert!(doctor.contains(&format!("it is no regular file but {what}")), "{doctor}");
    }
    assert_eq!(fs::read_to_string(&precious).unwrap(), PRECIOUS);
    assert!(!folder.join("nothing-yet").exists());
    let dataset = fs::read_to_string(folder.join("two.csv")).unwrap();
    fs::write(folder.join("config.toml"), "# mine\n").unwrap();
    for name in ["two.csv", "config.toml", "precious", "data/journal.db"] {
        let said = ends(&bench, &["outcomes", "two.csv", "--profile", "env", "-vvv", "--log", name], 2).err();
        assert!(
            said.contains(&format!("`{name}`: it holds something else than a log of trunkline")),
            "{said}"
        );
        ends(&bench, &["doctor", "--offline", "-vvv", "--log", name], 1);
    }
    assert_eq!(fs::read_to_string(folder.join("two.csv")).unwrap(), dataset);
    assert_eq!(fs::read_to_string(folder.join("config.toml")).unwrap(), "# mine\n");
    assert_eq!(fs::read_to_string(&precious).unwrap(), PRECIOUS);
    ends(&bench, &["outcomes", "two.csv", "--profile", "env", "-vvv", "--log", "own.log"], 1);
    let length = fs::metadata(folder.join("own.log")).unwrap().len();
    ends(&bench, &["outcomes", "two.csv", "--profile", "env", "-vvv", "--log", "own.log"], 1);
    assert!(length > 0 && fs::metadata(folder.join("own.log")).unwrap().len() > length, "it is gone on with");
}

#[test]
fn a_configuration_in_a_folder_of_everybodys_starts_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::calm();
    bench.file("a.json", interactions(1));
    let open = bench.folder.path().join("open");
    fs::create_dir(&open).unwrap();
    let ran = bench.folder.path().join("ran");
    let config = format!(
        "[profiles.p]\nplatform = \"genesys\"\nclient_id = \"i\"\napi_url = \"{}\"\nsecret = {{ command = [\"touch\", \"{}\"] }}\n",
        bench.api_url(),
        ran.display()
    );
    bench.file("open/config.toml", config);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    for words in
        [&["ingest", "a.json", "--profile", "p"][..], &["profile", "test", "p"], &["profile", "remove", "p"]]
    {
        let said = ends(&bench, &[words, &["--config", "open/config.toml"]].concat(), 2).err();
        assert!(said.contains("everybody may put another file in the place of"), "{said}");
        assert!(said.contains("chmod o-w"), "{said}");
    }
    let doctor = ends(&bench, &["doctor", "--config", "open/config.toml"], 1).out();
    assert!(doctor.contains("configuration's rights: everybody may put another file"), "{doctor}");
    assert!(!ran.exists());
    // people are kept from each other's files there
    fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).unwrap();
    ends_somehow(&bench, &["profile", "test", "p", "--config", "open/config.toml"]);
    assert!(ran.exists());
}

#[test]
fn nothing_replaces_a_device_or_a_pipe_that_is_named_as_the_configuration() {
    let bench = Bench::calm();
    pipe(&bench.folder.path().join("pipe"));
    let words =
        "profile add p --platform genesys --region mypurecloud.ie --client-id i --secret-env A --config pipe";
    ends(&bench, &words.split(' ').collect::<Vec<_>>(), 2);
    assert!(fs::symlink_metadata(bench.folder.path().join("pipe")).unwrap().file_type().is_fifo());
}

#[test]
fn a_pipe_that_the_environment_names_for_certificates_holds_nobody() {
    let bench = Bench::calm();
    let path = bench.folder.path().join("certificates");
    pipe(&path);
    let words = ["profile", "test", "env"];
    let mut command = bench.command(&words);
    command.env("SSL_CERT_FILE", &path).env("GENESYS_BASE_URL", "https://localhost:1");
    let said = Said(command.timeout(SOON).output().unwrap());
    said.assert_code(2, &words);
    assert!(said.err().contains("`SSL_CERT_FILE` names it"), "{}", said.err());
}

/// A rollback journal that would have SQLite open another file, read it, and delete it.
fn naming(database: &Path, other: &Path) -> Vec<u8> {
    const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    const PAGE: u32 = 4096;
    let pages = u32::try_from(fs::metadata(database).unwrap().len()).unwrap() / PAGE;
    let mut journal = MAGIC.to_vec();
    for word in [0, 0, pages, 512, PAGE] {
        journal.extend(word.to_be_bytes());
    }
    journal.resize(512, 0);
    let name = other.to_str().unwrap().as_bytes();
    let sum: u32 = name.iter().map(|byte| u32::from(*byte)).sum();
    journal.extend((0x4000_0000 / PAGE + 1).to_be_bytes());
    journal.extend(name);
    journal.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
    journal.extend(sum.to_be_bytes());
    journal.extend(MAGIC);
    journal
}

#[test]
fn a_rollback_journal_leads_to_no_other_file() {
    let (bench, _) = with_a_run();
    bench.file("a.json", interactions(3));
    ends(&bench, &["execute", "a.json", "--action", "a", "--profile", "env"], 0);
    for name in ["journal.db", "coordination.db"] {
        let database = bench.data_dir().join(name);
        let connection = rusqlite::Connection::open(&database).unwrap();
        connection.pragma_update(None, "wal_checkpoint", "truncate").unwrap();
        connection.close().unwrap();
        for (what, make) in [("file", None), ("pipe", Some(pipe as fn(&Path)))] {
            let other = bench.folder.path().join(what);
            match make {
                Some(make) => make(&other),
                None => fs::write(&other, PRECIOUS).unwrap(),
            }
            let journal = database.with_extension("db-journal");
            fs::write(&journal, naming(&database, &other)).unwrap();
            let words: &[&[&str]] = match name {
                "journal.db" => &[&["runs"], &["doctor", "--offline"], &["dismiss", "last", "--note", "x"]],
                _ => &[&["store", "status"], &["doctor", "--offline"]],
            };
            for words in words {
                let said = ends_somehow(&bench, words);
                let told = [said.out(), said.err()].concat();
                assert!(told.contains("names another file"), "{name} {what} {words:?}: {told}");
            }
            assert!(other.exists() && journal.exists(), "{name} {what}");
            fs::remove_file(&journal).unwrap();
            fs::remove_file(&other).unwrap();
        }
    }
    ends(&bench, &["runs"], 0);
}
