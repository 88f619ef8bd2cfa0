//! What a failing disk may do to a journal: it is found before anything more is sent.

use std::os::unix::fs::FileExt;

use super::*;

/// A run with a stretch, a chunk with a hole, a split one, and a failure; open at its end.
async fn run_of_all_shapes(folder: &Path) -> RunId {
    let new = new_run(30);
    let journal = Journal::open(folder).unwrap();
    let (book, _lock) = journal.begin(&new).unwrap();
    let extent = |first, span, count| Extent { dataset: 0, first, span, count };
    let chunk = |seq, extent: Extent| Write::Chunk { seq, extent, planned: extent.first + extent.span };
    let parts = vec![(8, extent(20, 5, 5), None), (9, extent(25, 5, 5), None)];
    let writes = vec![
        stretch(0, 6),
        settle(0, delivered(), Origin::Planned),
        settle(2, failed("no contact 17"), Origin::Planned),
        chunk(6, extent(6, 14, 13)),
        Write::Stretch { first_seq: 10, dataset: 0, first: 9, count: 1, planned: 20 },
        chunk(7, extent(20, 10, 10)),
        Write::Split { seq: 7, extent: extent(20, 10, 10), parts, unsure: 0, was: Origin::Planned },
        Write::PlannedAll { records: 30 },
    ];
    journal.commit(&book, writes).await;
    new.id
}

fn taken(folder: &Path, id: RunId) -> Result<(), JournalError> {
    let journal = Journal::open(folder)?;
    let run = journal.reader()?.run(&id.to_string())?;
    journal.take(&run).map(drop)
}

#[tokio::test]
async fn a_run_that_is_what_was_written_is_taken_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let id = run_of_all_shapes(folder.path()).await;
    for _ in 0..3 {
        taken(folder.path(), id).unwrap();
    }
}

#[tokio::test]
async fn what_decides_what_is_sent_is_not_believed_once_it_is_another() {
    for harm in [
        "UPDATE run SET plan = 'other'",
        "UPDATE run SET client_id = 'clienu'",
        "UPDATE run SET items_delivered = 2",
        "UPDATE run SET records_planned = 31",
        "UPDATE dataset SET correlation_id = 'd'",
        "UPDATE dataset SET digest = '01'",
        "UPDATE dataset SET planned = 31",
        "UPDATE stretch SET first = 1 WHERE first_seq = 0",
        "UPDATE stretch SET count = 5 WHERE first_seq = 0",
        "UPDATE item SET first = 3 WHERE seq = 2",
        "UPDATE item SET first = 21 WHERE seq = 8",
        "UPDATE item SET count = 6, span = 6 WHERE seq = 8",
        "UPDATE item SET state = 'delivereD' WHERE seq = 0",
        "UPDATE item SET state = 'pending' WHERE seq = 0",
        "UPDATE stretch SET count = 2 WHERE first_seq = 10; UPDATE dataset SET planned = 31;
         UPDATE run SET items_planned = items_planned + 1, records_planned = 31, next_seq = next_seq + 1",
        "DELETE FROM item WHERE seq = 9",
        "DELETE FROM stretch WHERE first_seq = 0",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let id = run_of_all_shapes(folder.path()).await;
        Connection::open(file_in(folder.path())).unwrap().execute_batch(harm).unwrap();
        let refused = taken(folder.path(), id);
        assert!(matches!(refused, Err(JournalError::Damaged { .. })), "{harm}: {refused:?}");
    }
}

#[tokio::test]
async fn what_nobody_had_the_time_to_look_at_is_looked_at_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let id = run_of_all_shapes(folder.path()).await;
    let file = Connection::open(file_in(folder.path())).unwrap();
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let page: u32 = file
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'failure_place'", [], |row| row.get(0))
        .unwrap();
    let raw = std::fs::File::options().write(true).open(file_in(folder.path())).unwrap();
    raw.write_all_at(&[0xff; 8], u64::from(page - 1) * 4096).unwrap();
    let journal = Journal::opened(Connections::to(folder.path()), Duration::ZERO).unwrap();
    let run = journal.reader().unwrap().run(&id.to_string()).unwrap();
    assert!(matches!(journal.take(&run), Err(JournalError::Damaged { .. })));
    assert!(matches!(journal.begin(&new_run(1)), Err(JournalError::Damaged { .. })));
}

#[tokio::test]
async fn a_record_that_is_not_the_one_that_was_kept_is_neither_sent_nor_edited() {
    for harm in [
        "UPDATE failure_record SET record = x'7b226e223a327d'",
        "UPDATE failure_record SET seal = zeroblob(16)",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let id = run_of_all_shapes(folder.path()).await;
        let reader = Reader::open(folder.path()).unwrap();
        let run = reader.run(&id.to_string()).unwrap();
        assert_eq!(reader.retry_item(&run, 2).unwrap().unwrap().record.as_deref(), Some(&b"{\"n\":1}"[..]));
        Connection::open(file_in(folder.path())).unwrap().execute_batch(harm).unwrap();
        assert!(reader.retry_item(&run, 2).unwrap_err().to_string().contains("item 2"));
        assert!(reader.each_record::<JournalError>(&run, &Query::default(), |_, _| Ok(())).is_err());
    }
}

#[tokio::test]
async fn an_edit_and_its_taking_back_keep_the_records_seal() {
    let folder = tempfile::tempdir().unwrap();
    let new = new_run(1);
    let journal = Journal::open(folder.path()).unwrap();
    let (book, _lock) = journal.begin(&new).unwrap();
    let writes = vec![stretch(0, 1), settle(0, failed("no"), Origin::Planned)];
    journal.commit(&book, writes).await;
    let reader = journal.reader().unwrap();
    let run = reader.run(&new.id.to_string()).unwrap();
    let kept = || reader.retry_item(&run, 0).unwrap().unwrap().record.unwrap();
    let id = FailureId { item: 0, row: 0 };
    for (record, there) in [
        (Some(&b"[1]"[..]), &b"[1]"[..]),
        (Some(b"[2]"), b"[2]"),
        (None, b"{\"n\":1}"),
        (Some(b"[3]"), b"[3]"),
    ] {
        let record = record.map(Bytes::from_static);
        journal.commit(&book, vec![Write::Edit { records: vec![(id, record)], by: "sam".to_owned() }]).await;
        assert_eq!(kept(), there);
    }
}

#[test]
fn an_empty_file_beside_the_folders_of_runs_is_no_new_journal() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("runs").join(RunId::begin().to_string())).unwrap();
    for empty in [false, true] {
        if empty {
            std::fs::write(file_in(folder.path()), "").unwrap();
        }
        assert!(matches!(Journal::open(folder.path()), Err(JournalError::Gone(_))));
        assert!(matches!(Reader::find(folder.path()), Err(JournalError::Gone(_))));
    }
}
