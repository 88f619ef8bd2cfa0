use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// The answers to an errand, until one that is no news of a count.
async fn answer(errand: FileErrand) -> FileAnswer {
    let (inbox, mut answers) = mpsc::channel(64);
    Files::new(inbox).run(errand);
    loop {
        match answers.recv().await {
            Some(What::Files(FileAnswer::CountGoes(..))) => {}
            Some(What::Files(answer)) => return answer,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_folder_shows_folders_then_datasets_then_the_rest_and_nothing_hidden() {
    let folder =
        folder(&[("b.csv", b"a\n1\n"), ("A.JSON.gz", b""), ("notes.txt", b"x"), (".secret.csv", b"a\n")]);
    fs::create_dir(folder.path().join("zz")).unwrap();
    let FileAnswer::Listed(_, Ok(listed)) = answer(FileErrand::List(folder.path().to_owned())).await else {
        panic!()
    };
    let names: Vec<_> = listed.iter().map(|one| (one.name.to_str().unwrap(), one.kind)).collect();
    assert_eq!(
        names,
        [
            ("zz", FileKind::Folder),
            ("A.JSON.gz", FileKind::Dataset),
            ("b.csv", FileKind::Dataset),
            ("notes.txt", FileKind::Other)
        ]
    );
    assert_eq!(listed[2].stamp.bytes, 4);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told_in_words() {
    let gone = PathBuf::from("/nowhere/at/all");
    let FileAnswer::Listed(path, Err(why)) = answer(FileErrand::List(gone.clone())).await else { panic!() };
    assert!(path == gone && !why.is_empty());
}

#[tokio::test]
async fn records_are_counted_to_the_end() {
    let folder = folder(&[("a.ndjson", b"{\"a\":1}\n{\"a\":2}\n[3]\n"), ("b.json", b"[{\"a\":1},{\"a\"")]);
    let FileAnswer::Counted(_, count) = answer(FileErrand::Count(folder.path().join("a.ndjson"))).await
    else {
        panic!()
    };
    assert_eq!((count.records, count.stamp.bytes), (Ok(3), 20));
    let FileAnswer::Counted(_, count) = answer(FileErrand::Count(folder.path().join("b.json"))).await else {
        panic!()
    };
    assert!(count.records.unwrap_err().contains("malformed"));
}

#[tokio::test]
async fn a_count_that_was_stopped_answers_nothing() {
    let folder = folder(&[("big.ndjson", &b"{\"a\":1}\n".repeat(400_000)), ("a.csv", b"a\n1\n")]);
    let (inbox, mut answers) = mpsc::channel(64);
    let files = Files::new(inbox);
    files.run(FileErrand::Count(folder.path().join("big.ndjson")));
    files.run(FileErrand::StopCounting);
    files.run(FileErrand::Count(folder.path().join("a.csv")));
    loop {
        match answers.recv().await {
            Some(What::Files(FileAnswer::CountGoes(..))) => {}
            Some(What::Files(FileAnswer::Counted(path, count))) => {
                assert!(path.ends_with("a.csv") && count.records == Ok(1));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    drop(files);
    assert!(answers.recv().await.is_none(), "the stopped count went on");
}

fn peeked(content: &[u8]) -> Peek {
    let folder = folder(&[("x", content)]);
    peek::peek(&folder.path().join("x")).unwrap()
}

#[test]
fn the_first_records_tell_fields_types_and_how_often_they_are_there() {
    let peek =
        peeked(br#"[{"id":"a","n":1,"deep":{"x":{"y":true},"/~":2}},{"id":null,"list":[1]},7,{"n":2.5}]"#);
    assert_eq!(peek.format, "a JSON array");
    let fields: Vec<_> =
        peek.fields.iter().map(|field| (field.name.as_str(), field.types.join(","), field.records)).collect();
    assert_eq!(
        fields,
        [
            ("id", "string,null".to_owned(), 2),
            ("n", "number".to_owned(), 2),
            ("deep", "object".to_owned(), 1),
            ("list", "array".to_owned(), 1)
        ]
    );
    assert_eq!(peek.inner, ["/deep/x/y", "/deep/~1~0"]);
    assert_eq!(peek.unusable.len(), 1);
    assert_eq!(peek.rows[0][0].as_deref(), Some("a"));
    assert_eq!(peek.rows[3][0], None);
    assert!(!peek.more && peek.broken.is_none());
}

#[test]
fn no_more_than_the_first_records_are_read_and_a_broken_place_is_told() {
    let mut text = b"id;name\n".to_vec();
    text.extend(b"1;x\n".repeat(60));
    let peek = peeked(&text);
    assert_eq!((peek.rows.len(), peek.more, peek.format.as_str()), (50, true, "CSV between `;`"));
    let peek = peeked(b"{\"a\":1}\n{\"a\":}\n");
    assert_eq!(peek.rows.len(), 1);
    assert!(peek.broken.unwrap().contains("line 2"));
}

#[test]
fn hostile_values_are_one_short_line() {
    let long = "x".repeat(5000);
    let peek = peeked(format!("{{\"a\":\"\\u001b[31m\\n\u{202e}\",\"b\":\"{long}\"}}\n").as_bytes());
    assert_eq!(peek.rows[0][0].as_deref(), Some("[31m \\u{202e}"));
    assert!(peek.rows[0][1].as_ref().unwrap().chars().count() <= 121);
}

#[test]
fn patterns_name_all_files_that_fit_them() {
    let folder = folder(&[("a.csv", b"id\n1\n"), ("b.csv", b"id\n2\n"), ("c.json", b"[]")]);
    let pattern = |name: &str| vec![folder.path().join(name).to_str().unwrap().to_owned()];
    let found = find::find(&pattern("*.csv")).unwrap();
    assert_eq!(found.files.len(), 2);
    assert_eq!(found.first.fields[0].name, "id");
    assert!(find::find(&pattern("*.xml")).unwrap_err().contains("no file matches"));
    assert!(find::find(&pattern("d.csv")).unwrap_err().contains("no such file"));
    assert!(find::find(&[Path::new("/").display().to_string()]).unwrap_err().contains("directory"));
}

#[test]
fn names_that_would_fill_the_memory_are_not_listed() {
    let long = "n".repeat(2_000_000);
    let members: Vec<String> = (0..MEMBERS).map(|n| format!("\"{n}\":1")).collect();
    let members = members.join(",");
    let record = format!("{{\"{long}\":{{{members}}},\"a\":{{\"{long}\":1,\"b\":{{\"c\":1}}}}}}");
    let peek = peeked(record.as_bytes());
    assert_eq!(peek.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["a"]);
    assert_eq!((peek.inner, peek.rows.len()), (vec!["/a/b/c".to_owned()], 1));
}

const MEMBERS: usize = 600;
