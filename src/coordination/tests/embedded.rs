//! What only the embedded store promises.

use rusqlite::Connection;
use tokio::time::Instant;

use super::*;

fn clock_of(place: &Place) -> &AtomicI64 {
    match place {
        Place::Embedded { clock, .. } => clock,
        Place::Redis(_) => panic!("it has a clock of its own"),
    }
}

fn file_of(place: &Place) -> PathBuf {
    match place {
        Place::Embedded { folder, .. } => folder.path().join("coordination.db"),
        Place::Redis(_) => panic!("it has no file"),
    }
}

fn rows(place: &Place) -> i64 {
    let connection = Connection::open(file_of(place)).unwrap();
    connection.query_row("SELECT count(*) FROM record", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_nobody_up_for_longer_than_a_lease() {
    let place = Place::embedded();
    let store = place.open("t");
    brief(&*store, "k", somebody(1)).await;
    clock_of(&place).fetch_sub(3_600_000_000, Ordering::SeqCst);
    let seen = place.now();
    assert_eq!(claim(&*store, "k", somebody(2)).await, Claim::Locked { left: LEASE });
    let asks = ("k", somebody(2), Mark::Respect);
    let (answer, after) = place.change(&*store, asks, seen, is_locked).await;
    assert!(granted(&answer).1);
    assert_eq!(after, LEASE);
}

#[tokio::test]
async fn what_is_over_its_time_is_removed_a_few_at_a_time() {
    let place = Place::embedded();
    let store = place.open("t");
    for item in 0..1100 {
        store.keep(&format!("k{item}"), 0, &result("x"), LEASE).await.unwrap();
    }
    assert_eq!(rows(&place), 1100);
    clock_of(&place).fetch_add(61_000_000, Ordering::SeqCst);
    store.status().await.unwrap();
    assert_eq!(rows(&place), 600, "not all at once, or everybody would wait");
    store.status().await.unwrap();
    store.status().await.unwrap();
    assert_eq!(rows(&place), 0);

    store.keep("k", 0, &result("x"), LEASE).await.unwrap();
    clock_of(&place).fetch_add(1_000_000, Ordering::SeqCst);
    assert_eq!(store.purge(Purge::Expired).await.unwrap(), 1);
    assert_eq!(rows(&place), 0);
}

#[tokio::test]
async fn it_outlives_the_process_and_its_fences_ascend() {
    let place = Place::embedded();
    let first = {
        let store = place.open("t");
        store.keep("done", 0, &result("x"), DAY).await.unwrap();
        fence(&*store, "k", somebody(1)).await
    };
    let store = place.open("t");
    assert_eq!(claim(&*store, "done", somebody(2)).await, Claim::Stored(result("x")));
    assert!(is_locked(&claim(&*store, "k", somebody(2)).await));
    assert!(fence(&*store, "k2", somebody(2)).await > first);
    drop(store);
    std::fs::remove_file(file_of(&place)).unwrap();
    assert!(fence(&*place.open("t"), "k", somebody(1)).await > first, "after the file was lost, too");
}

#[test]
fn many_can_open_it_at_once() {
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let begin = std::sync::Barrier::new(8);
        let opened = || {
            begin.wait();
            open(&StorePlace::Embedded, "t", folder.path()).map(drop).map_err(|error| error.to_string())
        };
        let all = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(opened)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(all.iter().all(Result::is_ok), "{all:?}");
    }
}

#[tokio::test]
async fn what_another_program_wrote_is_told_and_harms_no_other_key() {
    let place = Place::embedded();
    let store = place.open("t");
    fence(&*store, "strange", somebody(1)).await;
    Connection::open(file_of(&place)).unwrap().execute("UPDATE record SET kind = 'x\u{1b}[2J'", []).unwrap();
    let store = &*store;
    let both = tokio::join!(
        store.claim("strange", somebody(2), LEASE, Mark::Respect),
        store.claim("fine", somebody(2), LEASE, Mark::Respect)
    );
    let error = both.0.unwrap_err();
    assert!(matches!(&error, StoreError::Strange { .. }), "{error}");
    assert!(!error.to_string().contains('\u{1b}'));
    granted(&both.1.unwrap());
}

#[tokio::test]
async fn a_file_that_is_none_of_ours_is_refused_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("coordination.db");
    std::fs::write(&path, "not a database, but long enough to be taken for one".repeat(40)).unwrap();
    let refused = open(&StorePlace::Embedded, "t", folder.path()).map(drop).unwrap_err();
    assert!(refused.to_string().contains("coordination.db"), "{refused}");
    assert!(open(&StorePlace::Embedded, "t", &path).is_err(), "a file is no folder");

    let place = Place::embedded();
    drop(place.open("t"));
    Connection::open(file_of(&place)).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = open(&StorePlace::Embedded, "t", file_of(&place).parent().unwrap()).map(drop).unwrap_err();
    assert!(refused.to_string().contains("version 99"), "{refused}");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let store = open(&StorePlace::Embedded, "t", &data).unwrap();
    fence(&*store, "k", somebody(1)).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 2, "the database and its log: {files:?}");
    assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
}

#[tokio::test]
async fn the_real_clock_ends_leases_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&StorePlace::Embedded, "t", folder.path()).unwrap();
    let begun = Instant::now();
    brief(&*store, "k", somebody(1)).await;
    let asks = somebody(2);
    while is_locked(&claim(&*store, "k", asks).await) {
        assert!(begun.elapsed() < LIMIT);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(begun.elapsed() >= LEASE);
}
