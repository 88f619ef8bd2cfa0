//! Files: what they are, whether they stay what they were, and which ones a list means.

use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, SystemTime};

use super::*;

const ARRAY: &[u8] = b"[{\"id\":1},\n{\"id\":2},\n{\"id\":3}]\n";

#[test]
fn the_format_is_found_by_content_and_not_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let cases: &[(&[u8], Format)] = &[
        (ARRAY, Format::JsonArray),
        (b"\xef\xbb\xbf \n[{}]", Format::JsonArray),
        (b"{\"a\":1}\n{\"a\":2}\n", Format::Ndjson),
        (b"\xef\xbb\xbfa;b\n1;2\n", Format::Csv { delimiter: b';' }),
    ];
    for (content, format) in cases {
        let path = written(directory.path(), "data.xyz", content);
        let scan = scan_file(&path).unwrap();
        assert_eq!(scan.format, *format);
        assert!(scan.broken.is_none());
        let entries: Vec<_> = Reader::open(&path, Limits::default(), Some(&scan.fingerprint))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(entries.len() as u64, scan.records);
    }
}

#[test]
fn what_is_no_dataset_is_refused_as_what_it_is() {
    let refused = |content: &[u8]| read(content).error.unwrap().to_string();
    for scalar in ["42", "\"x\"", "true\n", " null ", "-1.5e3", "1\n2\n3\n"] {
        assert!(refused(scalar.as_bytes()).contains("is a scalar instead of an array"), "{scalar}");
    }
    assert_eq!(refused(b""), "standard input is empty");
    assert_eq!(refused(b"\xef\xbb\xbf \n\t"), "standard input is empty");
    assert_eq!(refused(b"[ ]"), "standard input holds no record: the array is empty");
    assert!(refused(b"a,b\n1,\0\n").contains("NUL bytes, the first at line 2, column 3 (byte 6)"));
    assert!(
        refused(b"PK\x03\x04rest of it")
            .contains("is not JSON, NDJSON or CSV: it is a ZIP archive or an Excel workbook")
    );
    assert!(refused(b"\x7fELF\x02\x01\x01,abc\n").contains("is not JSON, NDJSON or CSV"));
    assert!(refused(b"\x89PNG\r\n").contains("is not JSON, NDJSON or CSV"));
    assert!(refused(b"\xff\xfe[\0{\0").contains("UTF-16"));
    assert!(refused(b"[\0{\0}\0]\0").contains("UTF-16"));
    assert!(refused(" ".repeat(3_000_000).as_bytes()).contains("nothing but white space"));
    assert!(refused(b"<html>\n<p>no</p>\n").contains("XML or HTML"));
}

#[test]
fn what_cannot_be_opened_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("no\u{1b}such.json");
    let error = scan_file(&missing).unwrap_err();
    assert!(matches!(error, DatasetError::Missing { .. }));
    assert!(error.to_string().contains("no such.json`") && !error.to_string().contains('\u{1b}'), "{error}");
    assert!(matches!(scan_file(directory.path()).unwrap_err(), DatasetError::Directory { .. }));
    assert!(matches!(
        Reader::open(directory.path(), Limits::default(), None).err().unwrap(),
        DatasetError::Directory { .. }
    ));
    #[cfg(unix)]
    assert!(matches!(scan_file(Path::new("/dev/null")).unwrap_err(), DatasetError::NotAFile { .. }));
}

#[test]
fn a_large_file_is_read_on_a_thread_of_its_own_and_is_the_same() {
    let directory = tempfile::tempdir().unwrap();
    // hard to compress, and of characters of several bytes, so that buffers end within one
    let mut chance = fastrand::Rng::with_seed(7);
    let mut word = || (0..60).map(|_| chance.char('à'..'🔒')).collect::<String>();
    let lines: Vec<_> = (0..35_000).map(|id| format!("{{\"id\":{id},\"n\":\"{}\"}}\n", word())).collect();
    let (first, second) = (lines[..20_000].concat(), lines[20_000..].concat());
    let whole = [first.as_bytes(), second.as_bytes()].concat();
    let broken = [first.as_bytes(), b"{\"id\":x}\n", second.as_bytes()].concat();
    let no_text = [first.as_bytes(), b"{\"id\":\"\xff\"}\n", second.as_bytes()].concat();
    for (name, content) in [("whole", whole), ("broken", broken), ("no text", no_text)] {
        for bytes in [super::streams::gzip(&content), content] {
            assert!(bytes.len() > 4 << 20, "{name}: {}", bytes.len());
            let path = written(directory.path(), name, &bytes);
            let (scan, here) = (scan_file(&path).unwrap(), read(&bytes));
            assert_eq!(scan.records, here.entries.len() as u64, "{name}");
            assert_eq!(scan.digest.to_string(), blake3::hash(&bytes).to_hex().to_string(), "{name}");
            assert_eq!(scan.bytes, bytes.len() as u64, "{name}");
            let ahead = collect(Reader::open(&path, Limits::default(), Some(&scan.fingerprint)));
            assert!(ahead.records() == here.records(), "{name}");
            assert_eq!(ahead.error.is_some(), name != "whole");
            if let Some(broken) = scan.broken {
                assert_eq!(broken.place, ahead.malformed().place, "{name}");
                assert_eq!(broken.place, here.malformed().place, "{name}");
            }
        }
    }
}

#[test]
fn a_large_file_that_changes_while_it_is_read_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let content = "{\"a\":1}\n".repeat(1 << 20);
    let path = written(directory.path(), "a", content.as_bytes());
    let scan = scan_file(&path).unwrap();
    let mut reader = Reader::open(&path, Limits::default(), Some(&scan.fingerprint)).unwrap();
    reader.next().unwrap().unwrap();
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"a\":2}\n").unwrap();
    let error = reader.find_map(Result::err).unwrap();
    assert!(matches!(error, DatasetError::Changed { .. }), "{error}");
}

#[test]
fn a_scan_knows_the_file_by_its_digest_even_where_it_breaks() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), "a", ARRAY);
    let whole = scan_file(&path).unwrap();
    assert_eq!((whole.records, whole.bytes), (3, ARRAY.len() as u64));
    assert_eq!(whole.digest.to_string(), blake3::hash(ARRAY).to_hex().to_string());
    assert_eq!(whole.digest.to_string().parse::<Digest>().unwrap(), whole.digest);

    let mut text = b"[{\"id\":1},\n{\"id\":2}\n{".to_vec();
    text.resize(3_000_000, b'x');
    let path = written(directory.path(), "b", &text);
    let broken = scan_file(&path).unwrap();
    assert_eq!((broken.records, broken.bytes), (2, 3_000_000));
    assert_eq!(broken.broken.as_ref().unwrap().place, place(3, 1, 20));
    assert_eq!(broken.digest.to_string(), blake3::hash(&text).to_hex().to_string());
    let told = collect(Reader::open(&path, Limits::default(), Some(&broken.fingerprint)));
    assert_eq!(told.entries.len(), 2);
    assert_eq!(Some(told.malformed()), broken.broken.as_ref());
}

#[test]
fn a_scan_tells_how_far_it_is_and_stops_when_told_to() {
    let directory = tempfile::tempdir().unwrap();
    let text = format!("[{}{{}}]", "{\"id\":\"0123456789\"},".repeat(200_000));
    let path = written(directory.path(), "a", text.as_bytes());
    let mut told = Vec::new();
    let scanned = scan(&path, &Limits::default(), &mut |read| {
        told.push(read);
        ControlFlow::Continue(())
    });
    assert_eq!(scanned.unwrap().records, 200_001);
    assert!(told.len() > 3 && told.is_sorted() && told.last() == Some(&(text.len() as u64)), "{told:?}");
    let stopped = scan(&path, &Limits::default(), &mut |_| ControlFlow::Break(()));
    assert!(matches!(stopped.unwrap_err(), DatasetError::Stopped { .. }));
}

#[test]
fn a_file_that_changed_since_it_was_scanned_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), "a", ARRAY);
    let seen = scan_file(&path).unwrap().fingerprint;
    let changed = |what: &str| {
        let error = Reader::open(&path, Limits::default(), Some(&seen)).err().unwrap();
        assert!(
            matches!(&error, DatasetError::Changed { .. }) && error.to_string().contains(what),
            "{error}"
        );
    };
    let touched = fs::File::options().write(true).open(&path).unwrap();
    // the same bytes over, and its time set back
    touched.set_modified(seen.modified.unwrap()).unwrap();
    changed("it was written to, or its name, owner or rights changed");
    touched.set_modified(SystemTime::now() + Duration::from_secs(5)).unwrap();
    changed("it was written to");
    fs::File::options().append(true).open(&path).unwrap().write_all(b" ").unwrap();
    changed("its size changed");
    let other = written(directory.path(), "b", ARRAY);
    fs::rename(other, &path).unwrap();
    changed("it was replaced");
}

#[test]
fn a_file_that_changes_while_it_is_read_ends_the_reading() {
    let directory = tempfile::tempdir().unwrap();
    let text = format!("[{}{{}}]", "{\"id\":\"0123456789\"},".repeat(200_000));
    for (change, what) in [("append", "its size changed"), ("remove", "it was removed or renamed")] {
        let path = written(directory.path(), "a", text.as_bytes());
        let seen = scan_file(&path).unwrap().fingerprint;
        let mut reader = Reader::open(&path, Limits::default(), Some(&seen)).unwrap();
        assert!(matches!(reader.next(), Some(Ok(Entry::Record(_)))));
        match change {
            "append" => fs::File::options().append(true).open(&path).unwrap().write_all(b" ").unwrap(),
            _ => fs::remove_file(&path).unwrap(),
        }
        let told = collect(Ok(reader));
        assert!(told.entries.len() < 100_000);
        assert!(told.error.as_ref().unwrap().to_string().contains(what), "{:?}", told.error);
    }
}

#[test]
fn a_list_means_the_files_it_names_in_its_order_and_sorted_within_a_pattern() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().join("odd[base]");
    fs::create_dir_all(base.join("sub.json")).unwrap();
    for name in ["b.json", "a.json", ".hidden.json", "c.csv", "x[1].json"] {
        written(&base, name, b"[]");
    }
    let names = |patterns: &[&str]| {
        let patterns: Vec<_> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        expand(&patterns, &base).map(|paths| {
            let name =
                |path: &PathBuf| path.strip_prefix(&base).unwrap_or(path).to_string_lossy().into_owned();
            paths.iter().map(name).collect::<Vec<_>>()
        })
    };
    assert_eq!(names(&["c.csv", "*.json", "-"]).unwrap(), ["c.csv", "a.json", "b.json", "x[1].json", "-"]);
    assert_eq!(names(&["x[1].json"]).unwrap(), ["x[1].json"]);
    assert!(names(&["*.parquet"]).unwrap_err().to_string().contains("no file matches `*.parquet`"));
    assert!(matches!(names(&["gone.json"]).unwrap_err(), DatasetError::Missing { .. }));
    assert!(
        matches!(names(&["a.json", "./[ab].json"]).unwrap_err(), DatasetError::Twice { pattern, .. } if pattern == "./[ab].json")
    );
    assert!(matches!(names(&["-", "-"]).unwrap_err(), DatasetError::Twice { .. }));
    assert!(matches!(names(&["a[.json"]).unwrap_err(), DatasetError::Pattern { .. }));

    for name in ["deep/d.json", "deep/er/e.json", "deep/.er/f.json", ".hidden/g.json"] {
        fs::create_dir_all(base.join(name).parent().unwrap()).unwrap();
        written(&base, name, b"[]");
    }
    std::os::unix::fs::symlink("..", base.join("deep/up")).unwrap();
    let all = ["a.json", "b.json", "deep/d.json", "deep/er/e.json", "x[1].json"];
    for pattern in [
        "**/*.json",
        "**/**/**/*.json",
        &format!("{}/**/?*.json", glob::Pattern::escape(base.to_str().unwrap())),
    ] {
        assert_eq!(names(&[pattern]).unwrap(), all, "{pattern}");
    }
    assert_eq!(names(&["deep/**"]).unwrap(), ["deep/d.json", "deep/er/e.json"]);
    assert_eq!(names(&["*/*.json", ".h*/*"]).unwrap(), ["deep/d.json", ".hidden/g.json"]);
    assert_eq!(names(&["**/er/*"]).unwrap(), ["deep/er/e.json"]);
    assert!(matches!(names(&[&"**/a*/".repeat(9)]).unwrap_err(), DatasetError::Pattern { .. }));

    // whether a pattern means that is known to nobody
    let odd = std::ffi::OsStr::from_bytes(b"\xff.json");
    fs::write(base.join("deep").join(odd), "[]").unwrap();
    let refused = names(&["**/*.json"]).unwrap_err();
    assert!(refused.to_string().contains("deep` holds a name that is not UTF-8"), "{refused}");
    assert_eq!(names(&["*.json"]).unwrap(), ["a.json", "b.json", "x[1].json"]);
}
