use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::bench::Bench;
use super::*;
use crate::journal::{End, Query, Source};

fn failures(bench: &Bench, format: TableFormat) -> String {
    let mut out = Vec::new();
    let reader = bench.journal.reader().unwrap();
    write_failures(&mut out, &reader, &bench.row(), &Query::default(), format).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_spreadsheet_finds_no_formula() {
    for text in [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "\r=x",
        "=cmd|' /C calc'!A0",
        "＝1",
        "＋1",
        "－1",
        "＠a",
        "\n \u{3000}=1",
    ] {
        assert!(text_cell(text).starts_with('\''), "{text:?} became {:?}", text_cell(text));
        assert!(json_cell(text.as_bytes()).starts_with('\''), "{text:?}");
    }
    assert_eq!(text_cell("TXN-1"), "TXN-1");
    assert_eq!(json_cell(b"{\"a\":-1}"), "{\"a\":-1}");
}

#[test]
fn a_json_cell_is_one_line_with_the_same_meaning() {
    let record = "{\"a\":\r\n\t\"x\u{202e}y\u{e0001}\u{9b}\"}";
    let cell = json_cell(record.as_bytes());
    assert!(!cell.chars().any(char::is_control), "{cell:?}");
    let (before, after): (Value, Value) =
        (serde_json::from_str(record).unwrap(), serde_json::from_str(&cell).unwrap());
    assert_eq!(before, after);
}

#[test]
fn a_record_in_json_is_the_record_itself() {
    let bench = Bench::new();
    let record = r#"{"b":1.10,"a":12345678901234567890,"b":"é\u00e9"}"#;
    bench.fail(3, "5d1f", "unknown contact", record.as_bytes());
    bench.fail(4, "77aa", "cut", b"\"a;b;c");
    let json = failures(&bench, TableFormat::Json);
    assert!(json.contains(&format!("\"record\":{record}}}")), "{json}");
    let rows: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(rows[0]["violations"][0]["pointer"], "/a");
    assert_eq!(rows[0]["key"], "5d1f");
    assert_eq!(rows[1]["record"], "\"a;b;c", "what is no JSON is told as the text that it is");
}

#[test]
fn csv_and_json_have_the_same_columns() {
    let bench = Bench::new();
    bench.fail(0, "=evil()", "bad\n\"quoted\", text", br#"{"a":1}"#);
    let csv = failures(&bench, TableFormat::Csv);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let wanted = "run, item, position, key, stage, status, code, message, violations, attempts, correlation_id, \
                  remote_id, first_at, last_at, state, note, record";
    assert_eq!(header.join(", "), wanted);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(&rows[0][3], "'=evil()");
    assert_eq!(&rows[0][7], "bad \"quoted\", text");

    let json: Vec<serde_json::Map<String, Value>> =
        serde_json::from_str(&failures(&bench, TableFormat::Json)).unwrap();
    let keys: std::collections::BTreeSet<_> = json[0].keys().cloned().collect();
    assert_eq!(keys, header.into_iter().collect());
}

#[test]
fn pages_of_failures_join_without_a_gap_or_a_double() {
    let bench = Bench::new();
    for seq in 0..50 {
        bench.fail(seq, &format!("c{seq}"), "no", b"{}");
    }
    let rows: Vec<Value> = serde_json::from_str(&failures(&bench, TableFormat::Json)).unwrap();
    let items: Vec<u64> = rows.iter().map(|row| row["item"].as_u64().unwrap()).collect();
    assert_eq!(items, (0..50).collect::<Vec<_>>());
    assert_eq!(failures(&bench, TableFormat::Table).lines().count(), 51);
}

#[test]
fn an_empty_report_is_whole() {
    let bench = Bench::new();
    assert_eq!(failures(&bench, TableFormat::Json), "[]\n");
    assert_eq!(failures(&bench, TableFormat::Csv).lines().count(), 1);
    assert_eq!(failures(&bench, TableFormat::Table), "no failures\n");
}

#[test]
fn results_tell_every_delivered_item() {
    let bench = Bench::new();
    bench.settle(
        0,
        "5d1f",
        End::Delivered { answer: Bytes::from_static(br#"{"id": "5d1f"}"#), source: Source::Platform },
    );
    bench.settle(
        1,
        "77aa",
        End::Delivered { answer: Bytes::from_static(b"<html>"), source: Source::Platform },
    );
    bench.settle(2, "88bb", End::Delivered { answer: Bytes::new(), source: Source::Platform });
    bench.fail(3, "99cc", "no", b"{}");
    let reader = bench.journal.reader().unwrap();
    let mut out = Vec::new();
    write_results(&mut out, &reader, &bench.row(), ExportFormat::Json).unwrap();
    let rows: Vec<Value> = serde_json::from_slice(&out).unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["answer"]["id"], "5d1f");
    assert_eq!(rows[1]["answer"], "<html>");
    assert_eq!(rows[2]["answer"], Value::Null);
    assert_eq!((rows[0]["unsure"].as_u64(), rows[0]["from_store"].as_bool()), (Some(1), Some(false)));

    let mut out = Vec::new();
    write_results(&mut out, &reader, &bench.row(), ExportFormat::Csv).unwrap();
    let header = String::from_utf8(out).unwrap().lines().next().unwrap().to_owned();
    assert_eq!(
        header,
        "run,item,position,count,key,status,attempts,from_store,unsure,correlation_id,remote_id,at,answer"
    );
}

#[test]
fn a_run_in_json_has_every_key_of_the_contract() {
    let bench = Bench::new();
    let mut out = Vec::new();
    write_runs(&mut out, &[bench.row()], ListFormat::Json).unwrap();
    let runs: Vec<serde_json::Map<String, Value>> = serde_json::from_slice(&out).unwrap();
    let keys = "datasets ended_at items operation profile records requests retries rows_failed run started_at state throttled";
    assert_eq!(runs[0].keys().cloned().collect::<Vec<_>>().join(" "), keys);

    let row = bench.row();
    let paths =
        Paths { journal: std::path::Path::new("/d/journal.db"), folder: std::path::Path::new("/d/runs/x") };
    let report = RunReport { run: &row, cut_off: &[], faults: &[], paths };
    let mut out = Vec::new();
    write_run(&mut out, &report, ListFormat::Json).unwrap();
    let run: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(run["plan"]["operation"]["kind"], "outcomes");
    assert_eq!(run["paths"]["journal"], "/d/journal.db");
    assert_eq!(run["faults"], Value::Array(Vec::new()));
    assert_eq!(run["run"], bench.id.to_string());
}

#[cfg(unix)]
#[test]
fn a_report_file_is_private_and_never_goes_through_a_link() {
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    std::fs::write(&precious, "mine").unwrap();
    let link = folder.path().join("report.csv");
    symlink(&precious, &link).unwrap();
    let mut outlet = Outlet::open(Some(&link)).unwrap();
    outlet.write_all(b"rows").unwrap();
    outlet.finish().unwrap();
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "mine");
    assert_eq!(std::fs::read_to_string(&link).unwrap(), "rows");
    assert_eq!(std::fs::metadata(&link).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(Outlet::open(Some(folder.path())), Err(ReportError::NotAFile(_))));
    assert!(matches!(Outlet::open(Some(std::path::Path::new("/dev/null"))), Err(ReportError::NotAFile(_))));
    for (name, to) in [("null", "/dev/null"), ("folder", ".")] {
        let link = folder.path().join(name);
        symlink(to, &link).unwrap();
        assert!(matches!(Outlet::open(Some(&link)), Err(ReportError::NotAFile(_))), "{name}");
    }
    for systems in ["/dev/stdout", "/dev/stdin", "/dev/fd/1", "/proc/self/fd/1", "/proc/self/exe"] {
        let refused = Outlet::open(Some(std::path::Path::new(systems)));
        assert!(matches!(refused, Err(ReportError::NotAFile(_))), "{systems}: {refused:?}");
    }
}

#[test]
fn a_report_that_is_not_finished_leaves_the_old_one() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.csv");
    std::fs::write(&path, "old").unwrap();
    let mut outlet = Outlet::open(Some(&path)).unwrap();
    outlet.write_all(b"half").unwrap();
    drop(outlet);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn columns_stand_under_each_other_also_with_wide_characters() {
    const COLUMNS: &[Column] =
        &[Column("key", Align::Left), Column("n", Align::Right), Column("text", Align::Left)];
    let mut out = Vec::new();
    let mut table = Table::begin(&mut out, COLUMNS);
    table.row(vec!["山田".to_owned(), "1,000".to_owned(), "a".to_owned()]).unwrap();
    table.row(vec![String::new(), "7".to_owned(), "b".to_owned()]).unwrap();
    table.end().unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "key       n  text\n山田  1,000  a\n–         7  b\n");
}

#[test]
fn numbers_are_grouped_and_spans_have_units() {
    assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    assert_eq!(records_of(1, "record", "records"), "1 record");
    let spans =
        [Duration::ZERO, Duration::from_millis(40), Duration::from_secs(59), Duration::from_secs(3599)];
    assert_eq!(spans.map(span), ["0 s", "0.1 s", "59 s", "59:59 min"]);
    assert_eq!(span(Duration::from_secs(4361)), "1:12:41 h");
}
