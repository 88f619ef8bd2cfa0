//! Pages of failures in every order, counts, and causes.

use std::collections::HashSet;

use rusqlite::Connection;

use super::*;
use crate::model::Violation;

/// A run with many failures that differ in all that lists are sorted and filtered by, in one folder for a test.
fn many(folder: &Path, count: u64) -> (Journal, RunRow) {
    let journal = Journal::open(folder).unwrap();
    let (book, _lock) = journal.begin(&new_run(count)).unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let mut writes = vec![stretch(0, count), Write::PlannedAll { records: count }];
    for seq in 0..count {
        let (stage, status, code, message) = match random.u8(0..10) {
            0..=3 => {
                let id = random.u32(..);
                let message =
                    format!("contact \"{id:08x}-{seq}\" is not known to this tenant, and has 3 items");
                (Stage::Delivery, Some(404), Some("contact.not.found"), message)
            }
            4..=6 => {
                let value = ["No budjet", "n/a", "Refused - Price"][random.usize(..3)];
                let message = format!("\"{value}\" is not under Contacted: choose one of those that are");
                (Stage::Validation, None, Some("outcome.unknown"), message)
            }
            7 => (Stage::Delivery, None, None, "connection was reset".to_owned()),
            8 => (Stage::Delivery, Some(503), None, format!("try again in {} s", random.u8(1..3))),
            _ => (Stage::Delivery, Some(409), Some("contact.in.use"), "open with an agent".to_owned()),
        };
        let violations = vec![Violation::at("/a", "is wrong")];
        let code = code.map(str::to_owned);
        let reason = Reason { stage, status, code, message, violations };
        let record = Some(Bytes::from(format!("{{\"n\":{seq},\"filler\":\"{}\"}}", "x".repeat(600))));
        let end = if stage == Stage::Validation {
            End::Invalid { reason, record }
        } else {
            End::Failed { reason, record }
        };
        let Write::Settle(mut settled) = settle(seq, end, Origin::Planned) else { unreachable!() };
        settled.attempts = random.u32(0..5);
        settled.name = random.bool().then(|| format!("key-{}", random.u8(..)));
        settled.doubtful = status.is_none() && stage == Stage::Delivery;
        writes.push(Write::Settle(settled));
    }
    let any = |random: &mut fastrand::Rng| FailureId::from(random.u64(..count));
    let failures = (0..count / 10).map(|_| any(&mut random)).collect();
    let judgement = Judgement::Dismiss("Merged by hand".to_owned());
    writes.push(Write::Judge { failures, judgement, by: "sam".to_owned() });
    let records = (0..count / 10).map(|_| (any(&mut random), Some(Bytes::from_static(b"{}")))).collect();
    writes.push(Write::Edit { records, by: "sam".to_owned() });
    writes.push(Write::Rows { seq: 1, first: 1, rows: vec![row_reason(), row_reason()] });
    journal.commit_blocking(&book, writes);
    // as a night would have spread them
    let connection = Connection::open(file_in(folder)).unwrap();
    connection.execute("UPDATE failure SET last_at = last_at + (failure * 7919) % 97", []).unwrap();
    let run = journal.reader().unwrap().run("last").unwrap();
    (journal, run)
}

fn row_reason() -> Reason {
    Reason {
        stage: Stage::Result,
        status: None,
        code: None,
        message: "column 3 is empty".to_owned(),
        violations: Vec::new(),
    }
}

fn ids(rows: &[FailureRow]) -> Vec<FailureId> {
    rows.iter().map(|row| row.id).collect()
}

/// What a list is sorted by, as a person would do it with the rows.
fn order(sort: Sort, row: &FailureRow) -> (String, i64, FailureId) {
    let (text, number) = match sort {
        Sort::Place => (String::new(), 0),
        Sort::Key => (row.key.clone(), 0),
        Sort::Latest => (String::new(), -row.last_at.as_millisecond()),
        Sort::Answer => (String::new(), row.status.map_or(0, i64::from)),
        Sort::Tries => (String::new(), -i64::from(row.attempts)),
    };
    (text, number, row.id)
}

#[test]
fn pages_in_every_order_and_both_ways_are_the_whole_list() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, run) = many(folder.path(), 300);
    let reader = journal.reader().unwrap();
    let cause = reader.causes(&run, &Query::default()).unwrap()[0].id();
    for sort in Sort::ALL.iter().copied() {
        for (view, cause) in
            [(View::Open, None), (View::Closed, None), (View::All, None), (View::Open, Some(&cause))]
        {
            let query = Query { view, sort, cause: cause.cloned(), ..Query::default() };
            let whole = reader.failures(&run, &query, None, 10_000, Contents::Without).unwrap();
            assert!(whole.len() > 10, "{query:?}");
            let mut sorted = whole.clone();
            sorted.sort_by_key(|row| order(sort, row));
            let whole = ids(&whole);
            assert_eq!(whole, ids(&sorted), "{query:?}");
            assert_eq!(reader.count_failures(&run, &query).unwrap().0, whole.len() as u64);
            let mut down = Vec::new();
            while let page =
                reader.failures(&run, &query, down.last().copied(), 7, Contents::Without).unwrap()
                && !page.is_empty()
            {
                down.extend(ids(&page));
            }
            assert_eq!(down, whole, "{query:?}");
            let mut up: Vec<FailureId> = Vec::new();
            while let page =
                reader.failures_before(&run, &query, up.first().copied(), 7, Contents::Without).unwrap()
                && !page.is_empty()
            {
                up.splice(0..0, ids(&page));
            }
            assert_eq!(up, whole, "{query:?}");
            let middle = whole[whole.len() / 2];
            let before = reader.count_failures_before(&run, &query, middle).unwrap();
            assert_eq!(before, whole.len() as u64 / 2);
            let from = reader.failures_from(&run, &query, middle, 3, Contents::Without).unwrap();
            assert_eq!(ids(&from), whole[whole.len() / 2..][..3]);
            let states = [FailureState::Failed, FailureState::Invalid, FailureState::Dismissed];
            assert_eq!(reader.failures_in(&run, &query, &states).unwrap(), whole);
        }
    }
}

#[test]
fn a_page_begins_where_a_failure_would_stand_that_is_no_longer_among_them() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, run) = many(folder.path(), 200);
    let reader = journal.reader().unwrap();
    for sort in Sort::ALL.iter().copied() {
        let query = |view| Query { view, sort, ..Query::default() };
        let all = reader.failures(&run, &query(View::All), None, 10_000, Contents::Without).unwrap();
        for (at, gone) in all.iter().enumerate().filter(|(_, row)| row.state == FailureState::Dismissed) {
            let is_open = |row: &&FailureRow| row.state != FailureState::Dismissed;
            let next = all[at..].iter().find(is_open).map(|row| row.id);
            let found =
                reader.failures(&run, &query(View::Open), Some(gone.id), 1, Contents::Without).unwrap();
            assert_eq!(found.first().map(|row| row.id), next, "{sort}");
            let last = all[..at].iter().rfind(is_open).map(|row| row.id);
            let found = reader.failures_before(&run, &query(View::Open), Some(gone.id), 1, Contents::Without);
            assert_eq!(found.unwrap().first().map(|row| row.id), last, "{sort}");
        }
    }
}

/// Whether a person would say that a filter means a row.
type Meant = Box<dyn Fn(&FailureRow) -> bool>;

#[test]
fn a_filter_lets_through_what_its_words_mean() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, run) = many(folder.path(), 300);
    let reader = journal.reader().unwrap();
    let all = reader.failures(&run, &Query::default(), None, 10_000, Contents::Without).unwrap();
    let some = all[17].last_at.as_millisecond();
    let since = Filter { since: Some(all[17].last_at), ..Filter::default() };
    let until = Filter { until: Some(all[17].last_at), ..Filter::default() };
    let typed = |text| Filter::parse(text).unwrap();
    let is_open = |row: &FailureRow| row.state != FailureState::Dismissed;
    let cases: Vec<(Filter, Meant)> = vec![
        (typed("what:refused"), Box::new(|row| matches!(row.status, Some(404 | 409)))),
        (typed("what:unknown"), Box::new(|row| row.status == Some(404))),
        (typed("what:busy what:trouble"), Box::new(|row| matches!(row.status, Some(409 | 503)))),
        (typed("what:noanswer"), Box::new(|row| row.message == "connection was reset")),
        (typed("what:invalid"), Box::new(|row| row.stage == Stage::Validation)),
        (typed("what:edited"), Box::new(|row| row.edited)),
        (typed("what:closed"), Box::new(move |row| !is_open(row))),
        (typed("what:row"), Box::new(|row| !row.id.is_item())),
        (typed("note:HAND"), Box::new(move |row| !is_open(row))),
        (typed("tries:>2"), Box::new(|row| row.attempts > 2)),
        (typed("tries:<=1 status:404"), Box::new(|row| row.attempts <= 1 && row.status == Some(404))),
        (typed("budjet"), Box::new(|row| row.message.contains("budjet"))),
        (typed("KEY-1"), Box::new(|row| row.key.starts_with("key-1"))),
        (typed("outcomes.csv:1"), Box::new(|row| row.key.starts_with("outcomes.csv:1"))),
        (typed("code:contact.in.use"), Box::new(|row| row.code.as_deref() == Some("contact.in.use"))),
        (since, Box::new(move |row| row.last_at.as_millisecond() >= some)),
        (until, Box::new(move |row| row.last_at.as_millisecond() <= some)),
    ];
    for (filter, meant) in cases {
        let query = Query::from(filter);
        let found = reader.failures(&run, &query, None, 10_000, Contents::Without).unwrap();
        let expected: Vec<_> = all.iter().filter(|row| meant(row)).map(|row| row.id).collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{query:?}");
        assert_eq!(ids(&found), expected, "{query:?}");
        let open = found.iter().filter(|row| is_open(row)).count() as u64;
        assert_eq!(reader.count_failures(&run, &query).unwrap(), (expected.len() as u64, open), "{query:?}");
    }
}

#[test]
fn a_word_is_found_where_it_stands_whatever_its_letters() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let (book, _lock) = journal.begin(&new_run(1)).unwrap();
    journal
        .commit_blocking(&book, vec![stretch(0, 1), settle(0, failed("GROẞE ÜBERGABE, İ"), Origin::Planned)]);
    let reader = journal.reader().unwrap();
    let run = reader.run("last").unwrap();
    for word in ["GROẞE", "groẞe", "ÜBERGABE", "Übergabe", "İ"] {
        let query = Query::from(Filter::parse(word).unwrap());
        let found = reader.failures(&run, &query, None, 10, Contents::Without).unwrap();
        assert_eq!(found.len(), 1, "{word}");
    }
}

#[test]
fn causes_tell_what_their_failures_have_in_common_and_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, run) = many(folder.path(), 2900);
    let reader = journal.reader().unwrap();
    let query = Query { view: View::Open, ..Query::default() };
    let open = reader.failures(&run, &query, None, 10_000, Contents::Without).unwrap();
    let causes = reader.causes(&run, &query).unwrap();
    assert!(causes.is_sorted_by(|one, next| one.items >= next.items));
    assert_eq!(causes.iter().map(|cause| cause.items).sum::<u64>(), open.len() as u64);
    for cause in &causes {
        let id = cause.id();
        let of_it: Vec<_> = open
            .iter()
            .filter(|row| {
                (row.stage, row.status, &row.code) == (id.stage, id.status, &id.code)
                    && mask(&row.message) == id.cause
            })
            .collect();
        assert_eq!(cause.items, of_it.len() as u64);
        assert_eq!(cause.sendable, of_it.iter().filter(|row| row.id.is_item()).count() as u64);
        assert_eq!(cause.doubtful, of_it.iter().filter(|row| row.doubtful).count() as u64);
        assert_eq!(Some(cause.first_at), of_it.iter().map(|row| row.first_at).min());
        assert_eq!(Some(cause.last_at), of_it.iter().map(|row| row.last_at).max());
        let tries = of_it.iter().map(|row| row.attempts);
        assert_eq!(Some(cause.tries), tries.clone().min().zip(tries.max()));
        assert_eq!(cause.example(), of_it[0].key);
        assert!(cause.examples.iter().collect::<HashSet<_>>().len() == cause.examples.len());
        let query = Query { cause: Some(id), ..query.clone() };
        assert_eq!(reader.count_failures(&run, &query).unwrap().0, cause.items);
    }
    let find = |code: &str| causes.iter().find(|cause| cause.code.as_deref() == Some(code)).unwrap();
    let outcomes = find("outcome.unknown");
    assert_eq!((outcomes.different, outcomes.values.len()), (3, 3));
    assert!(outcomes.values.iter().any(|(value, _)| value == "No budjet"));
    assert_eq!(outcomes.values.iter().map(|(_, count)| count).sum::<u64>(), outcomes.items);
    let contacts = find("contact.not.found");
    assert_eq!((contacts.different, contacts.values.len()), (Cause::MANY, 0), "ids are not listed");
    assert_eq!(find("contact.in.use").different, 0);
}

/// Changes a table and leaves an index of it as it was, as damage might.
fn behind_the_back_of(folder: &Path, indexes: &[&str], change: &str) {
    let connect = || {
        let connection = Connection::open(file_in(folder)).unwrap();
        connection.execute_batch("PRAGMA writable_schema = ON").unwrap();
        connection
    };
    let mut hidden = Vec::new();
    for index in indexes {
        let connection = connect();
        let sql = "DELETE FROM sqlite_schema WHERE name = ?1 RETURNING name, tbl_name, rootpage, sql";
        hidden.push(
            connection
                .query_row(sql, [index], |row| {
                    Ok((
                        row.get::<_, String>(0)?,
                        row.get::<_, String>(1)?,
                        row.get::<_, i64>(2)?,
                        row.get::<_, String>(3)?,
                    ))
                })
                .unwrap(),
        );
    }
    assert_eq!(connect().execute(change, []).unwrap(), 1);
    for index in hidden {
        connect().execute("INSERT INTO sqlite_schema VALUES ('index', ?1, ?2, ?3, ?4)", index).unwrap();
    }
}

#[test]
fn pages_of_a_damaged_list_are_refused_and_have_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, run) = many(folder.path(), 60);
    drop(journal);
    let indexes = ["failure_place", "failure_key", "failure_latest", "failure_answer", "failure_most_tries"];
    let change =
        "UPDATE failure SET item = 0, row = 9, key = '', status = NULL, last_at = last_at * 2, tries = 99
                  WHERE item = (SELECT max(item) FROM failure WHERE status = 503)";
    behind_the_back_of(folder.path(), &indexes, change);
    let connection = Connection::open(file_in(folder.path())).unwrap();
    let lost = "PRAGMA writable_schema = ON;
                UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'failure_place')
                WHERE name = 'event_run'";
    connection.execute_batch(lost).unwrap();

    let reader = Reader::open(folder.path()).unwrap();
    for sort in Sort::ALL.iter().copied() {
        let query = Query { sort, ..Query::default() };
        let mut place = None;
        let ended = (0..200).find_map(|_| match reader.failures(&run, &query, place, 7, Contents::Without) {
            Ok(page) => {
                place = page.last().map(|row| row.id).or(place);
                page.is_empty().then_some(Ok(()))
            }
            Err(error) => Some(Err(error)),
        });
        assert!(matches!(ended, Some(Err(JournalError::Damaged { .. }))), "{sort}: {ended:?}");
    }
    assert!(matches!(reader.events(&run, 0, 7), Err(JournalError::Damaged { .. })));
}

#[test]
fn causes_that_nobody_could_read_are_one_and_none_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let (book, _lock) = journal.begin(&new_run(1300)).unwrap();
    let word =
        |seq: u64| seq.to_string().bytes().map(|digit| char::from(b'a' + digit - b'0')).collect::<String>();
    let mut writes = vec![stretch(0, 1300), Write::PlannedAll { records: 1300 }];
    writes
        .extend((0..1300).map(|seq| settle(seq, failed(&format!("no {} here", word(seq))), Origin::Planned)));
    journal.commit_blocking(&book, writes);
    let reader = journal.reader().unwrap();
    let run = reader.run("last").unwrap();
    let causes = reader.causes(&run, &Query::default()).unwrap();
    assert_eq!(causes.len(), 1001);
    assert_eq!(causes.iter().map(|cause| cause.items).sum::<u64>(), 1300);
    let last = causes.last().unwrap();
    assert_eq!((last.message.as_str(), last.items), (Cause::FURTHER, 300));
}

#[test]
fn a_page_of_large_records_ends_early_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let (book, _lock) = journal.begin(&new_run(6)).unwrap();
    let record = || Some(Bytes::from(format!("{{\"filler\":\"{}\"}}", "x".repeat(3_000_000))));
    let failed = |seq| settle(seq, End::Failed { reason: row_reason(), record: record() }, Origin::Planned);
    let writes =
        [stretch(0, 6), Write::PlannedAll { records: 6 }].into_iter().chain((0..6).map(failed)).collect();
    journal.commit_blocking(&book, writes);
    let reader = journal.reader().unwrap();
    let run = reader.run("last").unwrap();
    let page = |after| {
        let page = reader.failures(&run, &Query::default(), after, 500, Contents::With).unwrap();
        page.iter().map(|row| row.id.item).collect::<Vec<_>>()
    };
    assert_eq!(
        (page(None), page(Some(2.into())), page(Some(5.into()))),
        (vec![0, 1, 2], vec![3, 4, 5], vec![])
    );
    let light = reader.failures(&run, &Query::default(), None, 500, Contents::Without).unwrap();
    assert_eq!(light.len(), 6);
}
