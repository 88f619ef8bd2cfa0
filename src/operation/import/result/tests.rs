use std::error::Error;
use std::io::Write;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

type Anything = Box<dyn Error>;

const PLAIN: &str = r#"{"imported": 150, "failed": 2, "duplicate": 5, "errors": [
    {"code": "E1", "message": "no such key", "rowNumber": 17}, {"code": "E2", "message": "too long", "rowNumber": 42}]}"#;

/// What a document, once it lies in a file, holds, and its rows.
fn document(text: impl AsRef<[u8]>) -> (Content, Vec<RowError>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_ref()).unwrap();
    read(&Source::File(file.path().to_owned()))
}

fn answer(text: &str) -> (Content, Vec<RowError>) {
    read(&Source::Answer(Bytes::copy_from_slice(text.as_bytes())))
}

fn read(source: &Source) -> (Content, Vec<RowError>) {
    let mut rows = Vec::new();
    let taken: Result<(), Anything> = source.rows(|row| {
        rows.push(row);
        Ok(())
    });
    taken.unwrap();
    let content = source.content().unwrap();
    match &content {
        Content::Result(summary) => assert_eq!(summary.rows, rows.len() as u64),
        Content::Other { reason, .. } => {
            assert!(rows.is_empty() && !reason.is_empty() && !reason.contains(char::is_control), "{reason}");
        }
    }
    (content, rows)
}

fn row(code: &str, message: &str, row: u64) -> RowError {
    RowError { code: Some(code.to_owned()), message: message.to_owned(), row: Some(row) }
}

#[test]
fn a_result_is_read_as_it_is_and_under_its_name() {
    let summary = Summary { imported: Some(150), failed: Some(2), duplicate: Some(5), rows: 2 };
    let rows = vec![row("E1", "no such key", 17), row("E2", "too long", 42)];
    let expected = (Content::Result(summary), rows);
    let wrapped =
        format!(r#"{{"id": "j-1", "errors": [{{"code": "not me"}}], "result": {PLAIN}, "more": [[{{}}]]}}"#);
    assert_eq!(document(PLAIN), expected);
    assert_eq!(document(format!("\u{feff}\n{PLAIN}\n")), expected);
    assert_eq!(document(&wrapped), expected);
    assert_eq!(answer(&wrapped), expected);
}

#[test]
fn an_answers_own_errors_are_not_its_results() {
    for text in [PLAIN, r#"{"errors": [{"code": "E1"}], "result": null}"#, r#"{"result": {"file": "x"}}"#] {
        assert!(matches!(answer(text).0, Content::Other { .. }), "{text}");
    }
}

#[test]
fn what_is_missing_is_not_there_and_numbers_may_stand_in_quotes() {
    let (content, rows) = document(
        r#"{"imported": "7", "failed": null, "errors": [{}, "plain", null, {"code": 404, "rowNumber": "3"}, {"message": "\u001b[31mred", "rowNumber": -1}]}"#,
    );
    let summary = Summary { imported: Some(7), failed: None, duplicate: None, rows: 5 };
    assert_eq!(content, Content::Result(summary));
    let silent = "the platform does not say what is wrong with it";
    let without = |message: &str| RowError { code: None, message: message.to_owned(), row: None };
    assert_eq!(
        rows,
        [without(silent), without("plain"), without(silent), row("404", "404", 3), without("[31mred")]
    );
}

#[test]
fn anything_else_is_kept_without_rows() {
    let deep = format!("{{\"errors\": [{}", "[".repeat(100_000));
    let half = PLAIN.get(..PLAIN.len() - 3).unwrap();
    for other in [
        "",
        "row,code\n1,E1\n",
        "[{\"errors\": []}]",
        "{}",
        "7",
        "null",
        "\"text\"",
        "<html>\x1b</html>",
        half,
        &deep,
        "\u{0}",
    ] {
        assert!(matches!(document(other).0, Content::Other { .. }), "{other}");
    }
    let twice = format!("{PLAIN} {PLAIN}");
    for other in
        [&twice, r#"{"imported": "many", "errors": {"E1": 3}}"#, r#"{"result": [1], "errors": "none"}"#]
    {
        assert!(matches!(document(other).0, Content::Other { .. }), "{other}");
    }
    assert!(matches!(document(b"\xff\xfe{").0, Content::Other { .. }));
    for (text, is_begun) in [(half, true), (&twice, true), ("<html>", false), ("{}", false), ("1,E1", false)]
    {
        let Content::Other { broken, .. } = document(text).0 else { panic!("{text}") };
        assert_eq!(broken, is_begun, "{text}");
    }
}

#[test]
fn no_more_than_a_row_is_ever_held() {
    let long = "x".repeat(2 << 20);
    for text in [
        format!("{{\"errors\": [{{\"message\": \"{long}\"}}]}}"),
        format!("{{\"{long}\": 1, \"imported\": 1}}"),
        format!("{{\"imported\": 1{}}}", "0".repeat(2 << 20)),
    ] {
        match document(&text).0 {
            Content::Other { reason, .. } => assert!(reason.contains("over 1 MiB"), "{reason}"),
            other @ Content::Result(_) => panic!("{other:?}"),
        }
    }
    // What is passed over may be of any size.
    let (content, _) = document(format!("{{\"log\": \"{long}\", \"imported\": 1, \"more\": [\"{long}\"]}}"));
    assert!(matches!(content, Content::Result(Summary { imported: Some(1), .. })), "{content:?}");
}

#[test]
fn what_is_passed_over_is_not_nested_without_end() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for text in [
        nested(2_000_000),
        "{\"a\":".repeat(100_000),
        format!("{{\"imported\": 1, \"x\": {}}}", nested(128)),
        format!("{{\"result\": {{\"x\": {}, \"imported\": 1}}}}", nested(127)),
    ] {
        match document(&text).0 {
            Content::Other { reason, .. } => assert!(reason.contains("deeper than 128"), "{reason}"),
            other @ Content::Result(_) => panic!("{other:?}"),
        }
    }
    let brackets = "[".repeat(1000);
    let fits = format!(
        "{{\"log\": \"{brackets}\\\"{brackets}\\\\\", \"x\": [{0}, {0}], \"imported\": 1}}",
        nested(126)
    );
    let (content, _) = document(fits);
    assert!(matches!(content, Content::Result(Summary { imported: Some(1), .. })), "{content:?}");
}

#[test]
fn a_message_is_short_however_long_it_was() {
    let (_, rows) = document(format!("{{\"errors\": [{{\"message\": \"{}\"}}]}}", "y".repeat(100_000)));
    assert_eq!(rows.first().unwrap().message.chars().count(), 513);
}

#[test]
fn whoever_takes_the_rows_may_end_it_with_an_error_of_their_own() {
    let source = Source::Answer(Bytes::from(format!("{{\"result\": {PLAIN}}}")));
    let mut taken = 0;
    let ended: Result<(), Anything> = source.rows(|_| {
        taken += 1;
        Err("the disk is full".into())
    });
    assert_eq!((ended.unwrap_err().to_string().as_str(), taken), ("the disk is full", 1));
}

#[test]
fn a_file_that_is_gone_is_named() {
    let error = Source::File("nowhere/result.json".into()).content().unwrap_err().to_string();
    assert!(error.starts_with("reading the result in `nowhere/result.json`: "), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_whatsoever_make_it_fail(flip in 0usize..220, with in any::<u8>(), cut in 0usize..220) {
        let mut text = format!("{{\"id\": 1, \"result\": {PLAIN}}}").into_bytes();
        if let Some(byte) = text.get_mut(flip) {
            *byte = with;
        }
        text.truncate(cut);
        read(&Source::Answer(text.into()));
    }
}
