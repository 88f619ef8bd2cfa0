use jiff::Timestamp;

use super::*;
use crate::model::{FailureState, OperationKind, Stage};

const TOLD: &str = r#"{"entities":[{"id":"c1","name":"Contacted","children":[{"id":"s1","name":"Sale"},
    {"id":"s2","name":"\u001b[31mNo\u202e"}]},{"id":"c2","name":"Not reached","children":[]}]}"#;

fn failure(count: u64, code: &str) -> FailureRow {
    FailureRow {
        id: 3.into(),
        position: 3,
        count,
        key: "1".to_owned(),
        stage: Stage::Validation,
        status: None,
        code: Some(code.to_owned()),
        message: String::new(),
        violations: Vec::new(),
        attempts: 0,
        unsure: 0,
        doubtful: false,
        correlation_id: None,
        remote_id: None,
        first_at: Timestamp::default(),
        last_at: Timestamp::default(),
        state: FailureState::Invalid,
        note: None,
        record: None,
        original: None,
        edited: false,
    }
}

fn check(checker: &Checker, count: u64, code: &str, record: &str) -> Result<(), Box<Reason>> {
    checker.check(&failure(count, code), &Bytes::copy_from_slice(record.as_bytes()))
}

fn outcome(subcategory: &str) -> String {
    format!(r#"{{"contactId":"1","category":"Contacted","subcategory":"{subcategory}"}}"#)
}

#[test]
fn a_record_is_checked_against_what_the_run_has_learnt_without_the_network() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path(), TOLD.as_bytes()).unwrap();
    let checker = Checker::of(&Plan::new(OperationKind::Outcomes), folder.path()).unwrap();
    assert_eq!(checker.known(), Known::Yes);
    assert_eq!(check(&checker, 1, "outcome.unknown", &outcome("Sale")), Ok(()));
    let refused = check(&checker, 1, "outcome.unknown", &outcome("Sail")).unwrap_err();
    assert_eq!(refused.message, "\"Sail\" is not under \"Contacted\"; near: Sale");
    let categories = [("Contacted".to_owned(), vec!["Sale".to_owned()]), ("Not reached".to_owned(), vec![])];
    assert_eq!(checker.categories(), categories, "what can't be shown as it is can't be chosen");
}

#[test]
fn what_is_not_known_is_said_and_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::new(OperationKind::Outcomes);
    for kept in [None, Some(b"{\"entities\":[".to_vec()), Some(vec![b' '; MOST + 1])] {
        if let Some(kept) = &kept {
            std::fs::write(folder.path().join(LEARNT), kept).unwrap();
        }
        let checker = Checker::of(&plan, folder.path()).unwrap();
        assert_eq!((checker.known(), checker.categories()), (Known::No, Vec::new()));
        assert_eq!(check(&checker, 1, "outcome.unknown", &outcome("Sail")), Ok(()));
        assert!(check(&checker, 1, "outcome.unknown", "{\"contactId\":\"1\"}").is_err());
    }
    let ingest = Checker::of(&Plan::new(OperationKind::Ingest), folder.path()).unwrap();
    assert_eq!(ingest.known(), Known::NotNeeded);
}

#[test]
fn what_is_too_much_is_not_kept_and_nothing_older_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path(), TOLD.as_bytes()).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path().join(LEARNT)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    keep(folder.path(), &vec![b' '; MOST + 1]).unwrap();
    keep(folder.path(), &vec![b' '; MOST + 1]).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn each_record_of_a_batch_is_checked_and_their_number_stays() {
    let folder = tempfile::tempdir().unwrap();
    let checker = Checker::of(&Plan::new(OperationKind::Exchange), folder.path()).unwrap();
    let good = r#"{"external_id":"a","timestamp":"2026-03-01T10:00:00Z","channel":"voice","duration_seconds":1,"customer_segment":"x"}"#;
    let bad = good.replace("\"duration_seconds\":1", "\"duration_seconds\":-1");
    assert_eq!(check(&checker, 2, "", &format!("[{good},{good}]")), Ok(()));
    let refused = check(&checker, 2, "", &format!("[{good}, {bad}]")).unwrap_err();
    assert_eq!(refused.violations[0].place.to_string(), "/1/duration_seconds");
    let refused = check(&checker, 2, "", &format!("[{good}]")).unwrap_err();
    assert_eq!(refused.message, "the batch holds 1 records, and it is one of 2");
    assert!(check(&checker, 2, "", good).is_err());
}

#[test]
fn what_could_not_be_mapped_goes_through_the_map_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let text = Plan::new(OperationKind::Ingest).to_toml();
    let plan = format!("{text}\n[operation.map]\nsecs = {{ from = \"/Seconds\", as = \"integer\" }}\n");
    let checker = Checker::of(&Plan::from_toml(&plan).unwrap(), folder.path()).unwrap();
    assert_eq!(check(&checker, 1, "record.unmappable", "{\"Seconds\":\"5\"}"), Ok(()));
    assert!(check(&checker, 1, "record.unmappable", "{\"Seconds\":\"five\"}").is_err());
    assert_eq!(check(&checker, 1, "chunk.refused", "{\"secs\":5}"), Ok(()));
}

#[test]
fn an_edited_record_may_be_no_more_than_one_of_a_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = Plan::new(OperationKind::Execute).to_toml();
    plan = plan.replace("action = \"\"", "action = \"act\"");
    let execute = Checker::of(&Plan::from_toml(&plan).unwrap(), folder.path()).unwrap();
    assert_eq!(check(&execute, 1, "", "{\"a\":1}"), Ok(()));
    for (record, said) in
        [("5", "a number"), (" [{\"a\":1}]", "an array"), ("null", "null"), ("\"x\"", "a string")]
    {
        let refused = check(&execute, 1, "", record).unwrap_err();
        assert_eq!(refused.message, format!("the record is {said} instead of an object"));
    }
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(10_000_000));
    let refused = check(&execute, 1, "", &large).unwrap_err();
    assert_eq!(refused.message, "the record has 10000008 bytes, and 10000000 is the most");
}
