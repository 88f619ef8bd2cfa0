//! What people do with failures: edits that can be taken back, acts that can be found again.

use super::*;

/// A run whose items 0 to `failures` have failed, each with a record of its own.
struct Desk {
    _folder: tempfile::TempDir,
    journal: Journal,
    book: Arc<Book>,
    _lock: RunLock,
    run: RunRow,
    reader: Reader,
}

impl Desk {
    async fn with(failures: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let (book, lock) = journal.begin(&new_run(failures)).unwrap();
        let mut writes = vec![stretch(0, failures), Write::PlannedAll { records: failures }];
        writes.extend((0..failures).map(|seq| settle(seq, unknown(seq), Origin::Planned)));
        journal.commit(&book, writes).await;
        let reader = journal.reader().unwrap();
        let run = reader.run("last").unwrap();
        Self { _folder: folder, journal, book, _lock: lock, run, reader }
    }

    async fn commit(&self, write: Write) {
        self.journal.commit(&self.book, vec![write]).await;
        adds_up(&self.book.counts());
    }

    async fn edit(&self, item: Seq, record: Option<&'static str>) {
        let records = vec![(item.into(), record.map(|record| Bytes::from_static(record.as_bytes())))];
        self.commit(Write::Edit { records, by: "sam".to_owned() }).await;
    }

    async fn send(&self, items: Vec<Seq>) -> Vec<Seq> {
        let taken = Arc::<std::sync::Mutex<Vec<Seq>>>::default();
        self.commit(Write::TakeUp { items, by: "sam".to_owned(), taken: Arc::clone(&taken) }).await;
        std::mem::take(&mut *taken.lock().unwrap())
    }

    async fn judge(&self, failures: Vec<FailureId>, judgement: Judgement) {
        self.commit(Write::Judge { failures, judgement, by: "kim".to_owned() }).await;
    }

    fn row(&self, item: Seq) -> FailureRow {
        self.reader.failure(&self.run, item.into()).unwrap().unwrap()
    }

    fn record(&self, item: Seq) -> String {
        String::from_utf8(self.row(item).record.unwrap()).unwrap()
    }

    fn edited(&self) -> u64 {
        self.reader.edited(&self.run).unwrap()
    }

    /// The last act, found as the board does: by its event.
    fn last_act(&self) -> Act {
        let told = self.reader.happenings(&self.run, 1).unwrap().pop().unwrap();
        assert_eq!(told.kind, "act");
        self.reader.act(&self.run, told.act.unwrap()).unwrap().unwrap()
    }
}

fn record_of(seq: Seq) -> String {
    format!("{{\"n\":{seq}}}")
}

fn unknown(seq: Seq) -> End {
    let End::Failed { reason, .. } = failed(&format!("no contact {seq}")) else { unreachable!() };
    End::Failed { reason, record: Some(record_of(seq).into()) }
}

fn no_answer() -> End {
    let reason = Reason {
        stage: Stage::Delivery,
        status: None,
        code: None,
        message: "connection was reset".to_owned(),
        violations: Vec::new(),
    };
    End::Failed { reason, record: None }
}

#[tokio::test]
async fn an_edit_that_is_taken_back_leaves_the_bytes_as_they_were() {
    let desk = Desk::with(2).await;
    desk.edit(0, Some("{\"n\":\"one\"}")).await;
    desk.edit(0, Some("{\"n\":\"two\"}")).await;
    let row = desk.row(0);
    assert!(row.edited);
    assert_eq!(row.original.as_deref(), Some(record_of(0).as_bytes()), "the first one is kept, not the last");
    assert_eq!(desk.record(0), "{\"n\":\"two\"}");
    assert_eq!(desk.edited(), 1);
    desk.edit(0, None).await;
    let row = desk.row(0);
    assert_eq!((row.edited, row.original, desk.record(0)), (false, None, record_of(0)));
    assert_eq!(desk.edited(), 0);
    let hands = desk.reader.hands(&desk.run, 0.into()).unwrap();
    let kinds: Vec<_> = hands.iter().map(|hand| (hand.kind, hand.by.as_str())).collect();
    assert_eq!(kinds, [(ActKind::Edit, "sam"), (ActKind::Edit, "sam"), (ActKind::TakeBack, "sam")]);
    assert!(desk.reader.hands(&desk.run, 1.into()).unwrap().is_empty());
    let before = desk.reader.last_event(&desk.run).unwrap();
    desk.edit(0, None).await;
    desk.edit(1, Some("{\"n\":1}")).await;
    assert_eq!(desk.reader.last_event(&desk.run).unwrap(), before, "what changes nothing is no act");
}

#[tokio::test]
async fn what_is_sent_again_is_what_was_edited_and_is_no_longer_unsent() {
    let desk = Desk::with(3).await;
    for item in 0..3 {
        desk.edit(item, Some("{\"n\":\"new\"}")).await;
    }
    assert_eq!(desk.send(vec![0, 1, 2]).await, [0, 1, 2]);
    desk.edit(0, Some("{\"n\":\"too late\"}")).await;
    desk.edit(0, None).await;
    let sent = desk.reader.retry_item(&desk.run, 0).unwrap().unwrap();
    assert_eq!(sent.record.as_deref(), Some(&b"{\"n\":\"new\"}"[..]), "one under way is not edited");
    assert_eq!(desk.edited(), 3);
    desk.commit(settle(0, delivered(), Origin::Failure)).await;
    desk.commit(settle(1, no_answer(), Origin::Failure)).await;
    assert_eq!(desk.edited(), 1);
    let row = desk.row(1);
    assert_eq!((row.edited, row.original.as_deref()), (false, Some(record_of(1).as_bytes())));
    assert_eq!(desk.record(1), "{\"n\":\"new\"}");
    desk.commit(Write::PutBack).await;
    assert_eq!((desk.edited(), desk.row(2).edited), (1, true), "it was not sent after all");
}

#[tokio::test]
async fn what_is_closed_or_has_no_record_is_not_edited() {
    let desk = Desk::with(1).await;
    let rows = vec![Reason {
        stage: Stage::Result,
        status: None,
        code: None,
        message: "bad row".to_owned(),
        violations: Vec::new(),
    }];
    desk.commit(Write::Rows { seq: 0, first: 1, rows }).await;
    let row = FailureId { item: 0, row: 1 };
    let records = vec![(row, Some(Bytes::from_static(b"{}")))];
    desk.commit(Write::Edit { records, by: "sam".to_owned() }).await;
    desk.judge(vec![0.into()], Judgement::Dismiss("known".to_owned())).await;
    desk.edit(0, Some("{}")).await;
    assert_eq!((desk.record(0), desk.edited()), (record_of(0), 0));
    let row = desk.reader.failure(&desk.run, row).unwrap().unwrap();
    assert_eq!((row.key.as_str(), row.record), ("contact-0", None));
}

#[tokio::test]
async fn an_edit_that_comes_after_its_failure_was_taken_up_is_told_as_not_done() {
    let desk = Desk::with(2).await;
    desk.send(vec![0]).await;
    let before = desk.reader.last_event(&desk.run).unwrap();
    desk.edit(0, Some("{}")).await;
    let told = desk.reader.events(&desk.run, before, 9).unwrap();
    let [event] = told.as_slice() else { panic!("{told:?}") };
    assert!(event.text.as_deref().unwrap().starts_with("sam: nothing was changed"), "{event:?}");
    assert_eq!(desk.book.last_event(), event.event, "who looks for news finds it");
    desk.edit(1, Some("{}")).await;
    assert_eq!(desk.edited(), 1);
}

#[tokio::test]
async fn an_act_tells_what_has_come_of_it() {
    let desk = Desk::with(6).await;
    assert_eq!(desk.send(vec![0, 1, 2, 3, 4, 99]).await, [0, 1, 2, 3, 4]);
    let act = desk.last_act();
    assert_eq!((act.kind, act.by.as_str(), act.count, act.outcome.under_way), (ActKind::Send, "sam", 5, 5));
    let told = desk.reader.happenings(&desk.run, 1).unwrap().pop().unwrap();
    assert_eq!(told.text.as_deref(), Some("sam: sends 5 failures again"));
    desk.commit(settle(0, delivered(), Origin::Failure)).await;
    desk.commit(settle(1, unknown(1), Origin::Failure)).await;
    desk.commit(settle(2, no_answer(), Origin::Failure)).await;
    desk.commit(settle(3, unknown(3), Origin::Failure)).await;
    let outcome = |act: &Act| desk.reader.act(&desk.run, act.act).unwrap().unwrap().outcome;
    let now = outcome(&act);
    assert_eq!(
        (now.delivered, now.failed_again(), now.under_way, now.as_before, now.closed),
        (1, 3, 1, 0, 0)
    );
    let causes: Vec<_> =
        now.failed.iter().map(|(id, count)| (id.cause.as_str(), id.status, *count)).collect();
    assert_eq!(causes, [("no contact …", Some(404), 2), ("connection was reset", None, 1)]);
    desk.commit(Write::PutBack).await;
    let now = outcome(&act);
    assert_eq!((now.under_way, now.as_before), (0, 1), "what was not sent is as before");
    desk.judge(vec![1.into(), 5.into()], Judgement::Dismiss("merged by hand".to_owned())).await;
    let now = outcome(&act);
    assert_eq!((now.delivered, now.failed_again(), now.as_before, now.closed), (1, 2, 1, 1));
    let closing = desk.last_act();
    assert_eq!((closing.kind, closing.note.as_deref()), (ActKind::Close, Some("merged by hand")));
    assert_eq!((closing.count, closing.outcome.closed), (2, 2));
    let of_act = |view, act| {
        let query = Query { view, act: Some(act), ..Query::default() };
        let rows = desk.reader.failures(&desk.run, &query, None, 10, Contents::Without).unwrap();
        assert_eq!(desk.reader.count_failures(&desk.run, &query).unwrap().0, rows.len() as u64);
        rows.iter().map(|row| row.id.item).collect::<Vec<_>>()
    };
    assert_eq!(of_act(View::All, act.act), [0, 1, 2, 3, 4], "also what was delivered");
    assert_eq!(of_act(View::Open, act.act), [2, 3, 4]);
    assert_eq!(of_act(View::Closed, closing.act), [1, 5]);
    assert!(desk.reader.act(&desk.run, 99).unwrap().is_none());
}

#[tokio::test]
async fn the_parts_of_a_batch_carry_on_what_was_done_to_it() {
    let desk = Desk::with(0).await;
    let whole = Extent { dataset: 0, first: 1, span: 2, count: 2 };
    let Write::Settle(mut settled) = settle(0, unknown(0), Origin::Planned) else { unreachable!() };
    settled.extent = whole;
    let chunk = Write::Chunk { seq: 0, extent: whole, planned: 2 };
    desk.journal
        .commit(&desk.book, vec![chunk, Write::PlannedAll { records: 2 }, Write::Settle(settled)])
        .await;
    desk.edit(0, Some("[1,2]")).await;
    desk.send(vec![0]).await;
    let act = desk.last_act();
    let extent = |first| Extent { dataset: 0, first, span: 1, count: 1 };
    let parts =
        [(1, "1"), (2, "2")].map(|(seq, record)| (seq, extent(seq), Some(Bytes::from(record)))).to_vec();
    let split = Write::Split { seq: 0, extent: whole, parts, unsure: 0, was: Origin::Failure };
    desk.commit(split).await;
    desk.commit(settle(1, unknown(1), Origin::Failure)).await;
    desk.commit(Write::PutBack).await;
    let now = desk.reader.act(&desk.run, act.act).unwrap().unwrap();
    assert_eq!((now.count, now.outcome.failed_again(), now.outcome.as_before), (1, 1, 1));
    assert_eq!((desk.row(2).key.as_str(), desk.record(2).as_str()), ("outcomes.csv:2", "2"));
    assert_eq!(desk.reader.hands(&desk.run, 2.into()).unwrap().len(), 2);
    assert!(desk.reader.failure(&desk.run, 0.into()).unwrap().is_none());
}

#[tokio::test]
async fn the_last_different_notes_are_offered() {
    let desk = Desk::with(4).await;
    for (item, note) in [(0, "known"), (1, "merged by hand"), (2, "known")] {
        desk.judge(vec![item.into()], Judgement::Dismiss(note.to_owned())).await;
    }
    assert_eq!(desk.reader.notes(5).unwrap(), ["known", "merged by hand"]);
    assert_eq!(desk.reader.notes(1).unwrap(), ["known"]);
}

#[tokio::test]
async fn the_values_of_a_field_are_counted() {
    let desk = Desk::with(6).await;
    for (item, record) in [
        (0, r#"{"s":"No budjet"}"#),
        (1, r#"[{"s":"n/a"},{"s":"No budjet"},{"t":1}]"#),
        (2, r#"{"s":"No budjet"}"#),
        (3, "{broken"),
        (5, r#"{"s":"closed"}"#),
    ] {
        desk.edit(item, Some(record)).await;
    }
    desk.judge(vec![5.into()], Judgement::Dismiss("x".to_owned())).await;
    let values = desk.reader.values(&desk.run, &Query::default(), "/s", 1).unwrap();
    assert_eq!(values.distinct, [(r#""No budjet""#.to_owned(), 3)]);
    assert_eq!((values.more, values.missing, values.unreadable), (1, 2, 1));
    let mut seen = Vec::new();
    let each = |id: FailureId, record: &[u8]| {
        seen.push((id.item, record.to_vec()));
        Ok::<(), JournalError>(())
    };
    desk.reader.each_record(&desk.run, &Query::default(), each).unwrap();
    assert_eq!(seen.len(), 5);
    assert_eq!(seen[4], (4, record_of(4).into_bytes()));
}

#[tokio::test]
async fn a_cause_tells_how_many_of_it_are_edited_and_not_sent() {
    let desk = Desk::with(3).await;
    desk.edit(1, Some("{}")).await;
    let edited =
        || desk.reader.causes(&desk.run, &Query::default()).unwrap().iter().map(|cause| cause.edited).sum();
    let before: u64 = edited();
    desk.edit(1, None).await;
    let after: u64 = edited();
    assert_eq!((before, after), (1, 0));
}

#[tokio::test]
async fn more_failures_can_be_named_than_a_statement_takes_values() {
    let desk = Desk::with(3).await;
    let items = (1..100_000).collect();
    let query = Query::from(Filter { items, ..Filter::default() });
    assert_eq!(desk.reader.count_failures(&desk.run, &query).unwrap().0, 2);
}

#[tokio::test]
async fn rows_of_a_result_that_is_read_once_more_are_those_of_the_last_reading() {
    let desk = Desk::with(1).await;
    let told = |texts: &[&str]| -> Vec<Reason> {
        let reason = |message: &&str| Reason {
            stage: Stage::Result,
            status: None,
            code: None,
            message: (*message).to_owned(),
            violations: Vec::new(),
        };
        texts.iter().map(reason).collect()
    };
    let read = async |rows: &[&str]| {
        desk.journal.commit(&desk.book, Write::last_rows(0, 1, told(rows))).await;
    };
    let rows = || -> Vec<(String, FailureState)> {
        (1..9)
            .filter_map(|row| desk.reader.failure(&desk.run, FailureId { item: 0, row }).unwrap())
            .map(|row| (row.message, row.state))
            .collect()
    };
    let open = |text: &str| (text.to_owned(), FailureState::Failed);
    let closed = |text: &str| (text.to_owned(), FailureState::Dismissed);
    read(&["no a", "no b", "no c", "no d"]).await;
    let second_and_third = [2, 3].map(|row| FailureId { item: 0, row }).to_vec();
    desk.judge(second_and_third, Judgement::Dismiss("known".to_owned())).await;
    assert_eq!(desk.book.counts().rows_failed, 2);

    read(&["no a", "no b", "no c at all"]).await;
    assert_eq!(
        rows(),
        [open("no a"), closed("no b"), open("no c at all")],
        "what was closed stays so, if it is the same"
    );
    assert_eq!(desk.book.counts().rows_failed, 2);
    read(&[]).await;
    assert_eq!((rows().len(), desk.book.counts().rows_failed), (0, 0));
}
