//! Files of older versions: nothing of them is lost on the way to this one.

use rusqlite::Connection;

use super::*;

/// What the program of version 2 has left: a failure of each state, a row of a result, and an item without a name.
fn of_version_2(folder: &Path) {
    let connection = Connection::open(file_in(folder)).unwrap();
    for step in schema::migrations().iter().take(2) {
        connection.execute_batch(step).unwrap();
    }
    connection.pragma_update(None, "user_version", 2).unwrap();
    connection
        .execute_batch(
            "INSERT INTO run (run, id, operation, profile, platform, api_url, auth_url, client_id, production, plan,
                              until_error, state, started_at, items_failed, items_planned, records_total)
                 VALUES (1, '0198c2f3-0000-7000-8000-000000000000', 'outcomes', 'acme', 'cxone', 'https://a', 'https://a', 'c',
                         0, '', 0, 'completed_with_failures', 1, 2, 3, 3);
             INSERT INTO dataset (run, dataset, path, format, bytes, first_position, correlation_id)
                 VALUES (1, 0, '/data/a dir/out.csv', 'CSV', 1, 0, 'c'), (1, 1, '-', 'CSV', 1, 0, 'c');
             INSERT INTO item (run, seq, dataset, first, span, count, state, attempts, name) VALUES
                 (1, 0, 0, 17, 2, 2, 'failed', 3, NULL), (1, 1, 1, 18, 1, 1, 'dismissed', 0, NULL),
                 (1, 2, 0, 20, 1, 1, 'delivered', 1, 'job-1');
             INSERT INTO failure (failure, run, item, row, stage, status, code, message, cause, violations, first_at, last_at,
                                  doubtful, state, before, note, record) VALUES
                 (5, 1, 0, 0, 'delivery', 404, 'x', 'no 17', 'no …', '[]', 10, 20, 1, 'failed', NULL, NULL, x'7b7d'),
                 (6, 1, 1, 0, 'validation', NULL, NULL, 'm', 'm', '[]', 10, 20, 0, 'dismissed', 'invalid', 'known', NULL),
                 (9, 1, 2, 4, 'result', NULL, NULL, 'm', 'm', '[]', 10, 20, 0, 'failed', NULL, NULL, NULL);
             INSERT INTO event (run, at, kind, reason) VALUES (1, 1000, 'state', 'running'), (1, 4000, 'state', 'paused'),
                 (1, 9000, 'state', 'running'), (1, 10000, 'state', 'running'), (1, 11500, 'state', 'completed_with_failures');
             INSERT INTO event (run, at, kind, text) VALUES (1, 1, 'act', 'sam: closed 1 with the note: known');",
        )
        .unwrap();
    // nobody's own is as long, and whoever takes each of its letters by itself takes minutes
    let path = format!("/{}/a dir/out.csv", ('a'..='z').cycle().take(300_000).collect::<String>());
    connection.execute("UPDATE dataset SET path = ?1 WHERE dataset = 0", [path]).unwrap();
}

#[tokio::test]
async fn a_file_of_version_2_keeps_its_failures() {
    let folder = tempfile::tempdir().unwrap();
    of_version_2(folder.path());
    let journal = Journal::open(folder.path()).unwrap();
    let reader = journal.reader().unwrap();
    let run = reader.run("last").unwrap();
    let rows = reader.failures(&run, &Query::default(), None, 10, Contents::With).unwrap();
    let told: Vec<_> =
        rows.iter().map(|row| (row.id.item, row.id.row, row.key.as_str(), row.attempts)).collect();
    assert_eq!(told, [(0, 0, "out.csv:17", 3), (1, 0, "-:18", 0), (2, 4, "job-1", 1)]);
    assert_eq!(rows[0].record.as_deref(), Some(&b"{}"[..]));
    assert!(rows[0].doubtful && rows[0].original.is_none() && !rows[0].edited);
    assert_eq!((rows[1].state, rows[1].note.as_deref()), (FailureState::Dismissed, Some("known")));
    let causes = reader.causes(&run, &Query::default()).unwrap();
    assert_eq!((causes[0].records, causes[0].sendable), (2, 1));
    let told = reader.happenings(&run, 1).unwrap();
    assert_eq!((told[0].act, told[0].took_ms), (None, None));
    assert_eq!(
        (run.took, run.quota),
        (Duration::from_millis(4500), None),
        "what was killed has no end there"
    );
    // and it can be gone on with
    let (book, _lock) = journal.take(&run).unwrap();
    let taken = Arc::default();
    let send = Write::TakeUp { items: vec![0, 1], by: "sam".to_owned(), taken: Arc::clone(&taken) };
    let reopen =
        Write::Judge { failures: vec![1.into()], judgement: Judgement::Reopen, by: "sam".to_owned() };
    journal.commit(&book, vec![send, reopen]).await;
    assert_eq!(*taken.lock().unwrap(), [0]);
    assert_eq!(reader.failure(&run, 1.into()).unwrap().unwrap().state, FailureState::Invalid);
}

#[test]
fn a_file_of_an_older_version_can_be_looked_at_before_anything_is_written_to_it() {
    let folder = tempfile::tempdir().unwrap();
    of_version_2(folder.path());
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(reader.runs().unwrap().len(), 1);
}
