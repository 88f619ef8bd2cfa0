//! Files that were damaged, lost or taken for others: it is found and said, or it harms nothing. Nothing is sent that is not
//! what was meant to be sent, and nothing breaks with a panic.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rusqlite::Connection;
use trunkline::journal::{Contents, Journal, JournalError, OpenItem, Query, Reader, RetryItem, RunRow};

use super::bench::{Bench, files, outcomes};
use super::storm::amount;

const WORDS: [&str; 9] =
    ["outcomes", "o.csv", "--profile", "env", "--headless", "--rate", "0", "--set", "fault_after=0"];

/// A run in the middle, killed, with failures and delivered contacts.
fn half_done() -> Bench {
    let bench = Bench::like("[latency]\nmin = \"2ms\"\nmax = \"6ms\"\n");
    let contact = |n: u32| if n.is_multiple_of(3) { format!("unknown-{n}") } else { format!("c{n}") };
    bench.file("o.csv", outcomes((0..3_000).map(contact)));
    let mut run = bench.child(&WORDS).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    bench.until("some contacts", |ledger| ledger["outcomes"]["applied"].as_u64() >= Some(300));
    run.kill().unwrap();
    run.wait().unwrap();
    bench
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in files(from) {
        let new = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(new.parent().unwrap()).unwrap();
        std::fs::copy(file, new).unwrap();
    }
}

/// All that decides what is sent of a run.
#[derive(Debug, PartialEq)]
struct Meant {
    plan: String,
    place: [String; 3],
    datasets: Vec<(String, Option<String>, u64, String, u64)>,
    open: Vec<(u64, u64, u64, u64, Vec<u64>)>,
}

fn meant(run: &RunRow, open: Vec<OpenItem>) -> Meant {
    Meant {
        plan: run.plan.clone(),
        place: [run.api_url.clone(), run.auth_url.clone(), run.client_id.clone()],
        datasets: (run.datasets.iter())
            .map(|one| {
                (
                    one.path.clone(),
                    one.digest.clone(),
                    one.first_position,
                    one.correlation_id.clone(),
                    one.planned,
                )
            })
            .collect(),
        open: (open.into_iter())
            .map(|item| (item.seq, item.extent.first, item.extent.span, item.extent.count, item.holes))
            .collect(),
    }
}

/// Takes the run as a resume does, and reads all of it.
fn take(folder: &Path) -> Result<(Meant, Vec<RetryItem>), JournalError> {
    let reader = Reader::open(folder)?;
    let row = reader.run("last")?;
    // what a person looks at may be wrong, and must not break
    let _ = reader.runs();
    let _ = reader.causes(&row, &Query::default());
    let _ = reader.failures(&row, &Query::default(), None, 10_000, Contents::With);
    let _ = reader.events(&row, 0, 10_000);
    let _ = reader.item_map(&row);
    let _ = reader.each_result::<JournalError>(&row, |_| Ok(()));
    let journal = Journal::open(folder)?;
    let (_book, _lock) = journal.take(&row)?;
    let row = journal.reader()?.run(&row.id.to_string())?;
    let agenda = reader.agenda(&row)?;
    let mut kept = Vec::new();
    for seq in 0..row.next_seq.min(10_000) {
        // one that cannot be read is a fault of the retry, and is not sent
        if let Ok(Some(item)) = reader.retry_item(&row, seq) {
            kept.push(item);
        }
    }
    Ok((meant(&row, agenda.items), kept))
}

/// Puts what the log holds into the journal itself.
fn into_the_file(journal: &Path) {
    let connection = Connection::open(journal).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

fn flip(path: &Path, random: &mut fastrand::Rng) -> String {
    let mut bytes = std::fs::read(path).unwrap();
    let mut told = Vec::new();
    for _ in 0..random.usize(1..4) {
        // the head of a file, and of its pages, holds what all else hangs on
        // SQLite says of each value in a row what it is: this byte says that it is a 1, and becomes that of a 0
        let ones: Vec<usize> = memchr::memchr_iter(9, &bytes).collect();
        if let Some(at) = random.choice(ones).filter(|_| random.u8(0..5) == 0) {
            bytes[at] ^= 1;
            told.push(at);
            continue;
        }
        let at = match random.u8(0..4) {
            0 => random.usize(0..100.min(bytes.len())),
            1 => (random.usize(0..bytes.len()) / 4096 * 4096 + random.usize(0..40)).min(bytes.len() - 1),
            _ => random.usize(0..bytes.len()),
        };
        bytes[at] ^= 1 << random.u8(0..8);
        told.push(at);
    }
    std::fs::write(path, bytes).unwrap();
    format!("{} at {told:?}", path.file_name().unwrap().to_string_lossy())
}

#[test]
fn flipped_bits_are_found_or_change_nothing_that_is_sent() {
    let bench = half_done();
    // all of it into the file itself: the log has checksums of its own
    let whole = tempfile::tempdir().unwrap();
    copy(&bench.data_dir(), whole.path());
    into_the_file(&whole.path().join("journal.db"));
    let sound = tempfile::tempdir().unwrap();
    copy(whole.path(), sound.path());
    let (meant, kept) = take(sound.path()).unwrap();
    assert!(!meant.open.is_empty() && !kept.is_empty(), "{meant:?}");
    let mut random = fastrand::Rng::with_seed(61);
    let (mut found, rounds) = (0, amount(200, 4_000));
    for round in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        copy(whole.path(), folder.path());
        let what = flip(&folder.path().join("journal.db"), &mut random);
        match take(folder.path()) {
            Ok((now, records)) => {
                assert_eq!(now, meant, "round {round}: {what}");
                for item in records {
                    // a row that is found no more cannot be chosen for a retry; one that is, is what it was
                    let was = kept.iter().find(|was| was.seq == item.seq).unwrap();
                    assert_eq!(
                        (&item.record, item.extent),
                        (&was.record, was.extent),
                        "round {round}: {what}"
                    );
                }
            }
            Err(error) => {
                found += 1;
                let said = error.to_string();
                assert!(!said.contains("internal error"), "round {round}: {what}: {said}");
            }
        }
    }
    assert!(found > rounds / 20, "{found} of {rounds} were found");
}

#[test]
fn a_damaged_log_is_used_up_to_the_damage_and_never_beyond() {
    let bench = half_done();
    let mut random = fastrand::Rng::with_seed(62);
    for round in 0..amount(60, 1_000) {
        for name in ["journal.db-wal", "journal.db-shm"] {
            let folder = tempfile::tempdir().unwrap();
            copy(&bench.data_dir(), folder.path());
            let path = folder.path().join(name);
            let what = if round % 10 == 0 {
                let length = path.metadata().unwrap().len();
                std::fs::File::options()
                    .write(true)
                    .open(&path)
                    .unwrap()
                    .set_len(random.u64(0..length))
                    .unwrap();
                format!("{name} cut off")
            } else {
                flip(&path, &mut random)
            };
            match take(folder.path()) {
                Ok(_) => super::storm::assert_sound(folder.path()),
                Err(JournalError::NoRun(_)) => {}
                Err(error) => {
                    assert!(!error.to_string().contains("internal"), "round {round}: {what}: {error}");
                }
            }
        }
    }
}

/// Something done to a file.
type Harm<'a> = &'a dyn Fn(&Path);

#[test]
fn a_journal_that_is_none_is_refused_by_name_and_nothing_is_sent() {
    let bench = half_done();
    let journal = bench.data_dir().join("journal.db");
    into_the_file(&journal);
    let sound = std::fs::read(&journal).unwrap();
    let foreign = |path: &Path| {
        std::fs::remove_file(path).unwrap();
        let other = Connection::open(path).unwrap();
        other.execute_batch("CREATE TABLE bookmarks (url TEXT); PRAGMA user_version = 3").unwrap();
    };
    let newer =
        |path: &Path| Connection::open(path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let kinds: [(&str, Harm<'_>); 8] = [
        ("empty", &|path| std::fs::write(path, "").unwrap()),
        ("gone", &|path| std::fs::remove_file(path).unwrap()),
        ("a text", &|path| std::fs::write(path, "contactId,category\n".repeat(500)).unwrap()),
        ("another program's", &foreign),
        ("of a newer version", &newer),
        ("cut off in its first page", &|path| std::fs::write(path, &sound[..100]).unwrap()),
        ("cut off in its middle", &|path| std::fs::write(path, &sound[..sound.len() / 2 + 17]).unwrap()),
        ("without its head", &|path| std::fs::write(path, [&[0; 32], &sound[32..]].concat()).unwrap()),
    ];
    for (what, harm) in kinds {
        std::fs::write(&journal, &sound).unwrap();
        harm(&journal);
        let before = bench.sent();
        for words in [
            &["runs"][..],
            &["show", "last"],
            &["resume", "last", "--headless"],
            &["retry", "last", "--yes"],
            &WORDS,
        ] {
            let said = bench.command(words).output().unwrap();
            let err = String::from_utf8_lossy(&said.stderr).into_owned();
            let looks = what == "cut off in its middle" && ["runs", "show"].contains(&words[0]);
            let refused =
                said.status.code() == Some(2) && err.contains("journal.db") && err.contains("hint: ");
            // half of it may be all that a look needs
            assert!(
                refused || (looks && said.status.code() == Some(0)),
                "{what}: {words:?}: {:?} {err}",
                said.status
            );
        }
        assert_eq!(bench.sent(), before, "{what}");
        for tail in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(bench.data_dir().join(format!("journal.db{tail}")));
        }
    }
    std::fs::write(&journal, &sound).unwrap();
    bench.ends(&["resume", "last", "--headless", "--set", "fault_after=0"], 1);
    assert_eq!(bench.ledger()["outcomes"]["effects"]["distinct"], 2_000);
    assert_eq!(bench.ledger()["outcomes"]["effects"]["twice_or_more"], 0);
}

#[test]
fn a_journal_whose_schema_is_damaged_is_refused_at_once_and_goes_on_once_that_is_mended() {
    let bench = half_done();
    // as one damaged bit in its schema does
    let journal = Connection::open(bench.data_dir().join("journal.db")).unwrap();
    journal.execute_batch("ALTER TABLE event RENAME COLUMN act TO ect").unwrap();
    drop(journal);
    let before = bench.ledger();
    for words in [
        &["resume", "last", "--yes", "--headless", "--detach-on-fault"][..],
        &["dismiss", "last", "--note", "n", "--yes"],
        &["cancel", "last", "--yes"],
    ] {
        let told = bench.ends(words, 2).err();
        assert!(told.contains("is damaged: its tables are not as this program makes them"), "{told}");
    }
    assert_eq!(bench.ledger(), before, "nothing is sent of which nothing can be written");
    let journal = Connection::open(bench.data_dir().join("journal.db")).unwrap();
    journal.execute_batch("ALTER TABLE event RENAME COLUMN ect TO act").unwrap();
    drop(journal);
    bench.ends(&["resume", "last", "--yes", "--headless"], 1);
}

#[test]
fn a_journal_that_is_taken_away_under_a_run_stops_it_and_it_goes_on_when_that_is_back() {
    let bench = Bench::like("[latency]\nmin = \"5ms\"\nmax = \"9ms\"\n");
    bench.file("o.csv", outcomes((0..2_000).map(|n| format!("c{n}"))));
    let journal = bench.data_dir().join("journal.db");
    let away = bench.folder.path().join("away.db");
    let run = bench.child(&WORDS).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    bench.until("some contacts", |ledger| ledger["outcomes"]["applied"].as_u64() >= Some(200));
    std::fs::rename(&journal, &away).unwrap();
    std::fs::write(&journal, "").unwrap();
    let ended = run.wait_with_output().unwrap();
    let out = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(ended.status.code(), Some(3), "{out}");
    assert!(out.contains("was removed or replaced"), "{out}");
    let applied = bench.ledger()["outcomes"]["applied"].as_u64().unwrap();
    assert!(applied < 2_000);
    bench.ends(&["resume", "last"], 2);
    std::fs::rename(&away, &journal).unwrap();
    bench.ends(&["resume", "last", "--headless"], 0);
    assert_eq!(bench.ledger()["outcomes"]["applied"], 2_000);
    bench.assert_clean();
}

#[test]
fn a_journal_that_is_written_over_under_a_run_breaks_nothing_else() {
    for length in [0, 5_000, 100_000] {
        let bench = Bench::like("[latency]\nmin = \"5ms\"\nmax = \"9ms\"\n");
        bench.file("o.csv", outcomes((0..1_500).map(|n| format!("c{n}"))));
        let run = bench.child(&WORDS).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        bench.until("some contacts", |ledger| ledger["outcomes"]["applied"].as_u64() >= Some(200));
        std::fs::write(bench.data_dir().join("journal.db"), vec![b'x'; length]).unwrap();
        let ended = run.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(matches!(ended.status.code(), Some(0 | 3)), "{:?} {err}", ended.status);
        assert!(!err.contains("panicked"), "{err}");
        bench.assert_clean();
        let looked = bench.command(&["show", "last"]).output().unwrap();
        assert!(matches!(looked.status.code(), Some(0 | 2)), "{looked:?}");
    }
}

#[test]
fn a_journal_that_another_program_holds_keeps_a_run_waiting_and_loses_nothing() {
    let bench = Bench::like("[latency]\nmin = \"2ms\"\nmax = \"4ms\"\n");
    bench.file("o.csv", outcomes((0..1_500).map(|n| format!("c{n}"))));
    let mut first = bench.child(&WORDS).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    bench.until("some contacts", |ledger| ledger["outcomes"]["applied"].as_u64() >= Some(200));
    let other = Connection::open(bench.data_dir().join("journal.db")).unwrap();
    other.busy_timeout(Duration::from_secs(20)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    bench.file("p.csv", outcomes((0..1_500).map(|n| format!("d{n}"))));
    let second = [&["outcomes", "p.csv"], &WORDS[2..]].concat();
    let second = bench.child(&second).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // longer than the program waits, where there is time for that
    let patience = 20;
    std::thread::sleep(Duration::from_secs(u64::from(amount(2, patience + 6))));
    let known: i64 = other.query_row("SELECT max(records_delivered) FROM run", [], |row| row.get(0)).unwrap();
    let applied = bench.ledger()["outcomes"]["applied"].as_u64().unwrap();
    // as many as there are workers, and what a commit under way had taken
    assert!(applied <= u64::try_from(known).unwrap() + 20, "{applied} were applied, {known} are known");
    other.execute_batch("COMMIT").unwrap();
    let second = second.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&second.stderr).into_owned();
    let code = first.wait().unwrap().code();
    if amount(0, 1) == 0 {
        assert_eq!((code, second.status.code()), (Some(0), Some(0)), "{err}");
    } else {
        assert_eq!((code, second.status.code()), (Some(3), Some(2)), "{err}");
        assert!(err.contains("locked") && err.contains("hint: another program"), "{err}");
        bench.ends(&["resume", "last", "--headless"], 0);
    }
    bench.assert_clean();
}

#[test]
fn a_damaged_pace_is_taken_for_one_that_was_just_used() {
    let bench = Bench::like("[bucket]\nrate = 45.0\nburst = 20.0\n");
    bench.file("o.csv", outcomes((0..30).map(|n| format!("c{n}"))));
    let words = ["outcomes", "o.csv", "--profile", "env", "--headless"];
    let mut random = fastrand::Rng::with_seed(63);
    bench.ends(&words, 0);
    for _ in 0..amount(6, 40) {
        for file in files(&bench.data_dir().join("pace")) {
            match random.u8(0..4) {
                0 => std::fs::write(&file, "{").unwrap(),
                1 => std::fs::write(&file, vec![random.u8(..); random.usize(1..300)]).unwrap(),
                _ => drop(flip(&file, &mut random)),
            }
        }
        bench.ends(&words, 0);
    }
    bench.assert_clean();
}

#[test]
fn a_damaged_store_of_locks_and_results_is_found_or_harms_nothing() {
    let bench = Bench::calm();
    let records: Vec<String> = (0..60).map(|n| format!("{{\"customer\":{n}}}")).collect();
    bench.file("c.ndjson", records.join("\n"));
    let words =
        ["execute", "c.ndjson", "--profile", "env", "--headless", "--action", "act", "--detach-on-fault"];
    bench.ends(&words, 0);
    let store = bench.data_dir().join("coordination.db");
    into_the_file(&store);
    let sound = std::fs::read(&store).unwrap();
    let mut random = fastrand::Rng::with_seed(64);
    for round in 0..amount(20, 300) {
        std::fs::write(&store, &sound).unwrap();
        let what = match round {
            0 => {
                std::fs::write(&store, "not a store ".repeat(if random.bool() { 1 } else { 100 })).unwrap();
                "a text".to_owned()
            }
            1 => {
                std::fs::write(&store, &sound[..sound.len() / 2]).unwrap();
                "cut off".to_owned()
            }
            _ => flip(&store, &mut random),
        };
        let said = bench.command(&words).output().unwrap();
        let err = String::from_utf8_lossy(&said.stderr).into_owned();
        let out = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(
            matches!(said.status.code(), Some(0 | 2 | 3)),
            "round {round}: {what}: {:?} {err} {out}",
            said.status
        );
        assert!(
            round > 1 || (said.status.code() == Some(2) && err.contains("coordination.db")),
            "{what}: {err}"
        );
        for tail in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(bench.data_dir().join(format!("coordination.db{tail}")));
        }
    }
    assert_eq!(bench.ledger()["execute"]["effects"]["twice_or_more"], 0);
    bench.assert_clean();
}
