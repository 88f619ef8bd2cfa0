//! Walks over a real journal.

use super::*;
use crate::journal::{
    End, Extent, Filter, Journal, NewDataset, NewRun, Origin, Reader, RunLock, RunRow, Settled, Write,
};
use crate::model::{OperationKind, PlatformKind, Reason, RunId, Stage, Violation};
use crate::plan::Plan;
use crate::tui::mending::{Mark, Wish};

const TOLD: &str = r#"{"entities":[{"id":"c1","name":"Contacted","children":[{"id":"s1","name":"Sale"},
    {"id":"s2","name":"No budget"}]},{"id":"c2","name":"Not reached","children":[{"id":"s3","name":"Busy"}]}]}"#;

/// A journal with invalid outcomes, and what is needed to look into it.
struct Bench {
    journal: Journal,
    book: Arc<crate::journal::Book>,
    id: RunId,
    checker: Checker,
    _lock: RunLock,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn with(records: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let plan = Plan::new(OperationKind::Outcomes);
        let id = RunId::begin();
        let new = NewRun {
            id,
            operation: OperationKind::Outcomes,
            profile: "acme".to_owned(),
            platform: PlatformKind::Cxone,
            api_url: "https://api.example.com/".to_owned(),
            auth_url: "https://api.example.com/".to_owned(),
            client_id: "client".to_owned(),
            production: false,
            plan: plan.to_toml(),
            until_error: false,
            datasets: vec![NewDataset {
                path: "/data/dispositions.csv".to_owned(),
                format: "CSV (,)".to_owned(),
                bytes: 1,
                digest: Some("00".to_owned()),
                records: Some(records.len() as u64),
                first_position: 0,
                correlation_id: "c".to_owned(),
            }],
        };
        let (book, lock) = journal.begin(&new).unwrap();
        let count = records.len() as u64;
        let mut writes = vec![Write::Stretch { first_seq: 0, dataset: 0, first: 0, count, planned: count }];
        writes.extend((0..).zip(records).map(|(seq, record)| invalid(seq, record)));
        journal.commit(&book, writes).await;
        let run_folder = journal.run_folder(id).unwrap();
        std::fs::write(run_folder.join("learnt"), TOLD).unwrap();
        let checker = Checker::of(&plan, &run_folder).unwrap();
        Self { journal, book, id, checker, _lock: lock, _folder: folder }
    }

    fn look<T>(&self, look: impl FnOnce(&Desk<'_>) -> T) -> T {
        let reader: Reader = self.journal.reader().unwrap();
        let run: RunRow = reader.run(&self.id.to_string()).unwrap();
        look(&Desk { reader: &reader, run: &run, checker: Ok(&self.checker) })
    }

    async fn keep(&self, records: Vec<(FailureId, Option<Bytes>)>) {
        self.journal.commit(&self.book, vec![Write::Edit { records, by: "sam".to_owned() }]).await;
    }
}

fn invalid(seq: u64, record: &str) -> Write {
    let reason = Reason {
        stage: Stage::Validation,
        status: None,
        code: Some("outcome.unknown".to_owned()),
        message: "\"No budjet\" is not under \"Contacted\"".to_owned(),
        violations: vec![Violation::at("/subcategory", "it is not under it")],
    };
    Write::Settle(Box::new(Settled {
        seq,
        extent: Extent { dataset: 0, first: seq, span: 1, count: 1 },
        end: End::Invalid { reason, record: Some(Bytes::copy_from_slice(record.as_bytes())) },
        attempts: 0,
        unsure: 0,
        doubtful: false,
        status: None,
        took_ms: None,
        name: Some(format!("contact-{seq}")),
        correlation_id: None,
        remote_id: None,
        origin: Origin::Planned,
    }))
}

fn outcome(contact: u64, category: &str, subcategory: &str) -> String {
    format!(r#"{{"contactId":"{contact}",  "category":"{category}","subcategory":"{subcategory}" }}"#)
}

fn old(category: &str, subcategory: &str) -> Old {
    let json = |text: &str| Some(format!("\"{text}\"").into_bytes());
    Old { beside: json(category), value: json(subcategory) }
}

fn target() -> Target {
    Target { pointer: "/subcategory".to_owned(), beside: Some("/category".to_owned()) }
}

fn all() -> Query {
    Query::from(Filter::default())
}

fn done(desk: &Desk<'_>, task: &Task) -> News {
    run(desk, task, &mut |_| true).unwrap().unwrap()
}

#[tokio::test]
async fn values_are_counted_with_their_categories_and_refused_fields_come_first() {
    let records = [
        outcome(1, "Contacted", "No budjet"),
        outcome(2, "Contacted", "No budjet"),
        outcome(3, "Not reached", "No budjet"),
        "{\"contactId\":\"4\",\"category\":\"Contacted\",\"category\":\"twice\"}".to_owned(),
    ];
    let bench = Bench::with(&records.each_ref().map(String::as_str)).await;
    bench.look(|desk| {
        let News::Fields(fields) = done(desk, &Task::Fields(all())) else { panic!() };
        assert_eq!(fields.fields[0], ("/subcategory".to_owned(), 4));
        assert_eq!(fields.categories.len(), 2);
        let News::Values(counted) = done(desk, &Task::Values(all(), target())) else { panic!() };
        let values = [(old("Contacted", "No budjet"), 2), (old("Not reached", "No budjet"), 1)];
        assert_eq!((counted.values.as_slice(), counted.unreadable), (values.as_slice(), 1));
    });
}

#[tokio::test]
async fn values_that_would_fill_the_memory_are_not_counted_each() {
    let long = |mark: &str| outcome(1, "Contacted", &format!("{mark}{}", "x".repeat(9_000_000)));
    let records = [outcome(1, "Contacted", "Sail"), long("a"), long("b"), long("a"), long("c")];
    let bench = Bench::with(&records.each_ref().map(String::as_str)).await;
    bench.look(|desk| {
        let News::Values(counted) = done(desk, &Task::Values(all(), target())) else { panic!() };
        let counts: Vec<u64> = counted.values.iter().map(|(_, count)| *count).collect();
        assert_eq!(
            (counts, counted.more),
            (vec![2, 1], 1),
            "both of `a`, the short one, and that there are more"
        );
    });
}

#[tokio::test]
async fn what_is_kept_is_what_was_counted_and_nothing_else_of_a_record_is_touched() {
    let records = [
        outcome(1, "Contacted", "No budjet"),
        outcome(2, "Contacted", "n/a"),
        outcome(3, "Contacted", "No budjet"),
        outcome(4, "Contacted", "odd"),
    ];
    let bench = Bench::with(&records.each_ref().map(String::as_str)).await;
    let to: NewForOld = Arc::new(BTreeMap::from([
        (old("Contacted", "No budjet"), b"\"No budget\"".to_vec()),
        (old("Contacted", "odd"), b"\"odder\"".to_vec()),
    ]));
    let passing = bench.look(|desk| {
        let News::Tried(outlook) = done(desk, &Task::Try(all(), target(), Arc::clone(&to))) else { panic!() };
        assert_eq!(outlook.passing, [FailureId::from(0), FailureId::from(2)]);
        assert_eq!((outlook.stays, outlook.refused, outlook.so_far), (1, 1, false));
        assert_eq!(outlook.why.unwrap().0, "contact-3");
        let example = ["contact-0", "Contacted / No budjet", "Contacted / No budget"].map(str::to_owned);
        assert_eq!(outlook.examples[0], example.into());
        outlook.passing
    });
    // one of them is edited by somebody else meanwhile
    let other = outcome(3, "Not reached", "Busy");
    bench.keep(vec![(2.into(), Some(other.clone().into()))]).await;
    let made = bench.look(|desk| done(desk, &Task::Make(Arc::new(passing), 0, target(), Arc::clone(&to))));
    let News::Made(made, 2) = made else { panic!("{made:?}") };
    let new = records[0].replace("No budjet", "No budget");
    assert_eq!(made, [(FailureId::from(0), Some(Bytes::from(new.clone())))]);
    bench.keep(made).await;
    bench.look(|desk| {
        let detail = desk.detail(0.into()).unwrap().unwrap();
        assert!(detail.row.edited && detail.verdict == Verdict::Passes);
        assert_eq!(
            (detail.fields[0].mark, detail.fields[0].edited.as_deref()),
            (Mark::WasBad, Some("No budget"))
        );
        assert_eq!(detail.hands.len(), 1);
        let editable = desk.to_edit(0.into()).unwrap().unwrap();
        assert_eq!(
            (editable.record, editable.original.unwrap()),
            (Bytes::from(new), Bytes::from(records[0].clone()))
        );
    });
}

#[tokio::test]
async fn a_value_that_is_not_there_can_be_put_in_and_a_way_back_is_no_edit() {
    let bench = Bench::with(&["{\"contactId\":\"1\",\"category\":\"Contacted\"}"]).await;
    let missing = Old { value: None, ..old("Contacted", "") };
    let to: NewForOld = Arc::new(BTreeMap::from([(missing.clone(), b"\"Sale\"".to_vec())]));
    let task = Task::Make(Arc::new(vec![0.into()]), 0, target(), to);
    let News::Made(made, _) = bench.look(|desk| done(desk, &task)) else { panic!() };
    let new = "{\"contactId\":\"1\",\"category\":\"Contacted\",\"subcategory\":\"Sale\"}";
    assert_eq!(made, [(0.into(), Some(Bytes::from_static(new.as_bytes())))]);
    let other = new.replace("Sale", "No budget");
    bench.keep(vec![(0.into(), Some(new.into()))]).await;
    bench.keep(vec![(0.into(), Some(other.into()))]).await;
    bench.look(|desk| {
        let wish = Wish {
            number: 7,
            id: 0.into(),
            record: Bytes::from_static(new.as_bytes()),
            changes: vec![("/subcategory".to_owned(), Bytes::from_static(b"\"Sail\""))],
        };
        let tried = desk.try_out(&wish).unwrap();
        assert!(matches!(tried.verdict, Verdict::Refused(_)), "{tried:?}");
        let gone = Wish { changes: vec![("/a/b".to_owned(), Bytes::from_static(b"1"))], ..wish };
        assert!(desk.try_out(&gone).unwrap().record.is_err());
    });
}

#[tokio::test]
async fn a_walk_ends_when_it_is_not_wanted_any_more() {
    let records: Vec<String> = (0..1200).map(|number| outcome(number, "Contacted", "n/a")).collect();
    let bench = Bench::with(&records.iter().map(String::as_str).collect::<Vec<_>>()).await;
    bench.look(|desk| {
        let mut told = Vec::new();
        let news = run(desk, &Task::Values(all(), target()), &mut |done| {
            told.push(done);
            told.len() < 2
        });
        assert_eq!((news.unwrap(), told), (None, vec![0, 500]));
    });
}
