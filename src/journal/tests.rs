//! The journal against a real file: what adds up, what outlives a process, and what a full disk does.

use bytes::Bytes;

use rusqlite::Connection;

use super::*;
use crate::model::{FailureId, FailureState, Reason, RunState, Seq, Stage};

mod audit;
mod mending;
mod migration;
mod paging;

fn new_run(records: u64) -> NewRun {
    NewRun {
        id: RunId::begin(),
        operation: OperationKind::Outcomes,
        profile: "acme".to_owned(),
        platform: PlatformKind::Cxone,
        api_url: "https://api.example.com/".to_owned(),
        auth_url: "https://api.example.com/".to_owned(),
        client_id: "client".to_owned(),
        production: false,
        plan: String::new(),
        until_error: false,
        datasets: vec![NewDataset {
            path: "/data/outcomes.csv".to_owned(),
            format: "CSV (,)".to_owned(),
            bytes: 1,
            digest: Some("00".to_owned()),
            records: Some(records),
            first_position: 0,
            correlation_id: "c".to_owned(),
        }],
    }
}

fn stretch(first: u64, count: u64) -> Write {
    Write::Stretch { first_seq: first, dataset: 0, first, count, planned: first + count }
}

fn settle(seq: u64, end: End, origin: Origin) -> Write {
    Write::Settle(Box::new(Settled {
        seq,
        extent: Extent { dataset: 0, first: seq, span: 1, count: 1 },
        end,
        attempts: 1,
        unsure: 0,
        doubtful: false,
        status: Some(404),
        took_ms: None,
        name: Some(format!("contact-{seq}")),
        correlation_id: None,
        remote_id: None,
        origin,
    }))
}

fn delivered() -> End {
    End::Delivered { answer: Bytes::from_static(b"{}"), source: Source::Platform }
}

fn failed(message: &str) -> End {
    let reason = Reason {
        stage: Stage::Delivery,
        status: Some(404),
        code: Some("contact.not.found".to_owned()),
        message: message.to_owned(),
        violations: Vec::new(),
    };
    End::Failed { reason, record: Some(Bytes::from_static(b"{\"n\":1}")) }
}

fn adds_up(counts: &Counts) {
    for tally in [counts.item_tally(), counts.record_tally()] {
        if let Some(total) = tally.total {
            assert_eq!(tally.settled() + tally.pending, total, "{tally:?}");
        }
    }
}

#[tokio::test]
async fn counts_add_up_and_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let new = new_run(10);
    {
        let journal = Journal::open(folder.path()).unwrap();
        let (book, _lock) = journal.begin(&new).unwrap();
        journal.commit(&book, vec![stretch(0, 6)]).await;
        adds_up(&book.counts());
        let writes = vec![
            settle(0, delivered(), Origin::Planned),
            settle(2, failed("no contact 17"), Origin::Planned),
            settle(4, failed("no contact 18"), Origin::Planned),
        ];
        journal.commit(&book, writes).await;
        adds_up(&book.counts());
        assert_eq!(book.counts().item_tally().pending, 3);
    }
    let journal = Journal::open(folder.path()).unwrap();
    let reader = journal.reader().unwrap();
    let run = reader.run(&new.id.to_string()[..12]).unwrap();
    assert_eq!(run.state, RunState::Paused, "a run whose process is gone is paused");
    assert_eq!((run.records.delivered, run.records.failed, run.records.pending), (1, 2, 7));
    assert_eq!(run.items.total, None, "not all records stand in items yet");
    let open: Vec<u64> = reader.agenda(&run).unwrap().items.iter().map(|item| item.seq).collect();
    assert_eq!(open, [1, 3, 5]);
    let causes = reader.causes(&run, &Query::default()).unwrap();
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert_eq!((causes[0].items, causes[0].message.as_str()), (2, "no contact …"));
}

#[tokio::test]
async fn a_retry_that_is_cut_off_leaves_failures_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let new = new_run(3);
    {
        let journal = Journal::open(folder.path()).unwrap();
        let (book, _lock) = journal.begin(&new).unwrap();
        let writes = vec![
            stretch(0, 3),
            Write::PlannedAll { records: 3 },
            settle(0, failed("gone"), Origin::Planned),
            settle(1, failed("gone"), Origin::Planned),
            settle(2, delivered(), Origin::Planned),
        ];
        journal.commit(&book, writes).await;
        let extent = Extent { dataset: 0, first: 1, span: 1, count: 1 };
        let out = Write::Sending { seq: 1, extent, attempts: 2, unsure: 0, out: Out::Maybe };
        journal
            .commit(
                &book,
                vec![Write::TakeUp { items: vec![0, 1], by: "sam".to_owned(), taken: Arc::default() }, out],
            )
            .await;
        assert_eq!(book.counts().item_tally().pending, 2);
        adds_up(&book.counts());
    }
    let journal = Journal::open(folder.path()).unwrap();
    let reader = journal.reader().unwrap();
    let run = reader.run("last").unwrap();
    let (book, _lock) = journal.take(&run).unwrap();
    assert_eq!((book.counts().items.failed, book.counts().item_tally().pending), (2, 0));
    let failures = reader.failures(&run, &Query::default(), None, 10, Contents::Without).unwrap();
    assert_eq!(failures.iter().map(|one| one.unsure).collect::<Vec<_>>(), [0, 1], "only one call was out");
    assert!(failures.iter().all(|one| one.state == FailureState::Failed && one.message == "gone"));
}

#[tokio::test]
async fn a_dismissal_can_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let (book, _lock) = journal.begin(&new_run(1)).unwrap();
    let invalid = Reason {
        stage: Stage::Validation,
        status: None,
        code: None,
        message: "x".to_owned(),
        violations: Vec::new(),
    };
    let end = End::Invalid { reason: invalid, record: None };
    journal
        .commit(&book, vec![stretch(0, 1), Write::PlannedAll { records: 1 }, settle(0, end, Origin::Planned)])
        .await;
    let judge = |judgement| Write::Judge { failures: vec![0.into()], judgement, by: "sam".to_owned() };
    journal.commit(&book, vec![judge(Judgement::Dismiss("a test row".to_owned()))]).await;
    adds_up(&book.counts());
    assert_eq!((book.counts().items.dismissed, book.counts().items.invalid), (1, 0));
    journal.commit(&book, vec![judge(Judgement::Reopen), judge(Judgement::Reopen)]).await;
    adds_up(&book.counts());
    assert_eq!((book.counts().items.dismissed, book.counts().items.invalid), (0, 1));
}

#[tokio::test]
async fn a_file_of_a_later_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Journal::open(folder.path()).unwrap());
    let path = file_in(folder.path());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = Journal::open(folder.path()).unwrap_err();
    assert!(refused.to_string().contains("version 99"), "{refused}");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", -1).unwrap();
    let refused = Journal::open(folder.path()).unwrap_err();
    assert!(refused.to_string().contains("not as this program makes them"), "{refused}");
}

#[test]
fn what_is_no_journal_is_refused_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(file_in(folder.path()), "not a database, but long enough to be taken for one".repeat(40))
        .unwrap();
    let refused = Journal::open(folder.path()).unwrap_err();
    assert!(refused.to_string().contains("journal.db"), "{refused}");
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let journal = Journal::open(&data).unwrap();
    let (_book, _lock) = journal.begin(&new_run(1)).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
}

#[tokio::test]
async fn what_a_person_sets_is_kept_with_who_it_was_and_what_was_before() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let (book, _lock) = journal.begin(&new_run(1)).unwrap();
    let reader = journal.reader().unwrap();
    assert_eq!(reader.run("last").unwrap().kept, Kept::default(), "nobody has set anything");
    let by = || "sam".to_owned();
    let writes = vec![
        Write::Ceiling { rate: Some(4.0), was: None, by: by() },
        Write::Workers { workers: 6, was: 1, noun: "call", by: by() },
    ];
    journal.commit(&book, writes).await;
    let run = reader.run("last").unwrap();
    let ceiling = Some(KeptCeiling { rate: Some(4.0), by: by() });
    assert_eq!(run.kept, Kept { ceiling, workers: Some(6) });
    journal.commit(&book, vec![Write::Ceiling { rate: None, was: Some(4.0), by: by() }]).await;
    let ceiling = reader.run("last").unwrap().kept.ceiling;
    assert_eq!(ceiling, Some(KeptCeiling { rate: None, by: by() }), "no limit is not the same as none set");
    let told: Vec<_> =
        reader.events(&run, 0, 9).unwrap().into_iter().map(|one| (one.text, one.was)).collect();
    let words = |text: &str, was: &str| (Some(text.to_owned()), Some(was.to_owned()));
    let expected = [
        words("sam: at most 4 calls a second", "no limit"),
        words("sam: 6 calls at a time", "1 call at a time"),
        words("sam: no limit of ours", "at most 4 calls a second"),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_event_tells_how_long_its_call_took() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let (book, _lock) = journal.begin(&new_run(1)).unwrap();
    let Write::Settle(mut settled) = settle(0, failed("gone"), Origin::Planned) else { panic!() };
    settled.took_ms = Some(1234);
    let waiting = Waiting {
        seq: 0,
        extent: settled.extent,
        attempts: 1,
        unsure: 0,
        status: Some(503),
        reason: "server_error",
        delay_ms: 10,
        until: 0,
        message: "busy".to_owned(),
        took_ms: Some(77),
        origin: Origin::Planned,
    };
    journal
        .commit(&book, vec![stretch(0, 1), Write::Waiting(Box::new(waiting)), Write::Settle(settled)])
        .await;
    let reader = journal.reader().unwrap();
    let events = reader.item_events(&reader.run("last").unwrap(), 0, 9).unwrap();
    assert_eq!(events.iter().map(|one| one.took_ms).collect::<Vec<_>>(), [Some(77), Some(1234)]);
}

#[tokio::test]
async fn only_what_is_given_back_is_a_failure_again() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let (book, _lock) = journal.begin(&new_run(3)).unwrap();
    let mut writes = vec![stretch(0, 3), Write::PlannedAll { records: 3 }];
    writes.extend((0..3).map(|seq| settle(seq, failed("gone"), Origin::Planned)));
    writes.push(Write::TakeUp { items: vec![0, 1], by: "sam".to_owned(), taken: Arc::default() });
    writes.push(Write::GiveBack(vec![1, 2]));
    journal.commit(&book, writes).await;
    assert_eq!((book.counts().items.failed, book.counts().item_tally().pending), (2, 1));
    adds_up(&book.counts());
}

#[test]
fn the_state_of_a_run_that_has_ended_follows_its_counts_and_any_other_stays() {
    let mut counts =
        Counts { planned_all: true, records_total: Some(1), items_planned: 1, ..Counts::default() };
    assert_eq!(counts.ended(), RunState::Paused);
    (counts.items.failed, counts.records.failed) = (1, 1);
    assert_eq!(counts.ended(), RunState::CompletedWithFailures);
    assert_eq!(counts.judged(RunState::Completed), RunState::CompletedWithFailures);
    counts.items = crate::model::Tally { dismissed: 1, ..Default::default() };
    counts.records = counts.items;
    assert_eq!(
        (counts.ended(), counts.judged(RunState::CompletedWithFailures)),
        (RunState::Completed, RunState::Completed)
    );
    for state in [RunState::Paused, RunState::Faulted, RunState::Cancelled, RunState::Running] {
        assert_eq!(counts.judged(state), state);
    }
    counts.rows_failed = 1;
    assert_eq!(counts.ended(), RunState::CompletedWithFailures, "a row of a result is open");
}

/// Waits until the run's clock reads more than this.
fn goes_on(book: &Book, from: Duration) -> Duration {
    book.goes();
    while book.took() <= from + Duration::from_millis(3) {
        std::thread::yield_now();
    }
    book.took()
}

#[tokio::test]
async fn each_carrying_out_adds_to_the_time_that_a_run_took() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let new = new_run(3);
    let row = || journal.reader().unwrap().run(&new.id.to_string()).unwrap();
    let (book, lock) = journal.begin(&new).unwrap();
    let first = goes_on(&book, Duration::ZERO);
    book.stands();
    let stood = book.took();
    assert!(stood >= first);
    journal.commit(&book, vec![Write::State(RunState::Completed)]).await;
    assert_eq!(row().took.as_millis(), stood.as_millis());
    drop(lock);

    // another one, which is killed after its last commit
    let (book, lock) = journal.take(&row()).unwrap();
    let before = row().took;
    assert_eq!(book.took(), before, "it stands until it goes");
    let known = goes_on(&book, before);
    journal.commit(&book, vec![Write::State(RunState::Running)]).await;
    drop((book, lock));
    assert!(row().took.as_millis() >= known.as_millis() && known > before, "{:?} {known:?}", row().took);

    // a person's act on a run that stands still takes none of its time
    let was = row().took;
    let (book, _lock) = journal.take(&row()).unwrap();
    journal.commit(&book, vec![Write::State(RunState::Completed)]).await;
    assert_eq!(row().took, was);
}
