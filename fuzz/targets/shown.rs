//! What people see, and what they look for in it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::Value;
use serde_json::value::RawValue;
use trunkline::journal::{Contents, Filter, Query, RunRow};
use trunkline::report::{
    Examples, ExportFormat, ListFormat, Stance, TableFormat, json_cell, text_cell, write_failures,
    write_html, write_results, write_runs,
};
use trunkline::text::{inert_json, lines, one_line};

use super::{hostile, journal, parts, steered};

/// Any text, with the longest that a line of it may be as its first byte.
pub fn text(input: &[u8]) {
    let (most, input) = steered(input);
    let text = String::from_utf8_lossy(input);
    let most = usize::from(most);
    let line = one_line(&text, most);
    hostile::assert_inert("a line", &line);
    assert!(!line.contains('\n'));
    assert!(line.chars().count() <= most + 1, "{} characters of {most}: {line}", line.chars().count());
    assert_eq!(one_line(&line, most), line, "once is enough");

    let many = lines(&text);
    hostile::assert_inert("lines", &many);
    assert_eq!(many.matches('\n').count(), text.matches('\n').count());
    assert!(matches!(lines(&many), Cow::Borrowed(same) if same == many), "once is enough");

    if let Ok(value) = serde_json::from_slice::<Value>(input) {
        let json = inert_json(&text);
        hostile::assert_inert("json", &json);
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value, "the same value");
    }
}

const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Cells: never a formula, and read again as they were written.
pub fn cells(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let cells = [text_cell(&text), json_cell(input)];
    for cell in &cells {
        hostile::assert_inert("a cell", cell);
        assert!(!cell.contains('\n') && !cell.trim_start().starts_with(FORMULA), "{cell}");
    }
    let shown = one_line(&text, 4096);
    assert!(cells[0] == shown || cells[0] == format!("'{shown}"), "only an apostrophe is put before it");
    if let Ok(value) = serde_json::from_slice::<Value>(input) {
        let json = cells[1].strip_prefix('\'').unwrap_or(&cells[1]);
        assert_eq!(serde_json::from_str::<Value>(json).unwrap(), value, "the same value");
    }
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(&cells).unwrap();
    let written = csv.into_inner().unwrap();
    let mut read = csv::ReaderBuilder::new().has_headers(false).from_reader(written.as_slice());
    assert_eq!(read.records().next().unwrap().unwrap().iter().collect::<Vec<_>>(), cells);
}

fn page(run: &RunRow, looked: &journal::Looked) -> String {
    let stance = Stance {
        now: "2026-11-21T12:00:00Z".parse().unwrap(),
        zone: TimeZone::UTC,
        examples: Examples::Shown,
    };
    let mut page = Vec::new();
    write_html(&mut page, &looked.reader, run, &stance).unwrap();
    String::from_utf8(page).unwrap()
}

/// A page's tags and the names of their attributes, without any text.
fn skeleton(page: &str) -> String {
    let mut skeleton = String::new();
    let (mut tag, mut quoted) = (false, false);
    // the style is the program's own, and no other may come before it
    let (head, body) = page.split_once("</style>").unwrap();
    assert_eq!(head.matches("<style").count(), 1);
    for char in body.chars() {
        match char {
            '<' => (tag, quoted) = (true, false),
            '"' if tag => quoted = !quoted,
            _ => {}
        }
        if tag && !quoted {
            skeleton.push(char);
        }
        if char == '>' && !quoted {
            tag = false;
        }
    }
    skeleton
}

/// A key, `%%`, a code, `%%`, a message, `%%`, a record: read back from each report as they are shown.
pub fn reports(input: &[u8]) {
    let (key, rest) = parts(input);
    let (code, rest) = parts(rest);
    let (message, record) = parts(rest);
    // what is kept of a message and a code has passed through here
    let [code, message] = [code, message].map(|text| one_line(&String::from_utf8_lossy(text), 2000));
    let key = String::from_utf8_lossy(key);
    let shown = |text: &str| one_line(text, 4096);
    journal::with(|looked| {
        looked.tell(&key, &code, &message, record);
        let mut run = looked.run.clone();
        run.profile = key.clone().into_owned();
        run.datasets[0].path.clone_from(&message);

        let report = |format| {
            let mut out = Vec::new();
            write_failures(&mut out, &looked.reader, &run, &Query::default(), format).unwrap();
            String::from_utf8(out).unwrap()
        };
        let json = report(TableFormat::Json);
        hostile::assert_inert("json", &json);
        // a record stands in it as it was sent, with numbers that are none elsewhere
        let read: Vec<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(&json).unwrap();
        for (name, text) in [("key", &*key), ("code", &code), ("message", &message)] {
            let back: String = serde_json::from_str(read[0][name].get()).unwrap();
            hostile::assert_inert(name, &back);
            assert!(back == text || back == shown(text), "{name}: {back}");
        }
        let csv = report(TableFormat::Csv);
        let mut rows = csv::Reader::from_reader(csv.as_bytes());
        let row = rows.records().next().unwrap().unwrap();
        assert_eq!([&row[3], &row[6], &row[7]], [text_cell(&key), text_cell(&code), text_cell(&message)]);
        assert_eq!(row[16], json_cell(record));
        let table = report(TableFormat::Table);
        hostile::assert_inert("table", &table);
        assert_eq!(table.lines().count(), 2, "a row a failure");

        let mut out = Vec::new();
        write_results(&mut out, &looked.reader, &run, ExportFormat::Json).unwrap();
        serde_json::from_slice::<Value>(&out).unwrap();
        let runs = [run.clone()];
        let mut out = Vec::new();
        write_runs(&mut out, &runs, ListFormat::Json).unwrap();
        serde_json::from_slice::<Value>(&out).unwrap();
        let mut out = Vec::new();
        write_runs(&mut out, &runs, ListFormat::Table).unwrap();
        hostile::assert_inert("runs", str::from_utf8(&out).unwrap());

        let hostile_page = page(&run, looked);
        hostile::assert_inert("page", &hostile_page);
        let plain = |text: &str| "x".repeat(text.trim().chars().count().min(1));
        looked.tell(&plain(&shown(&key)), &plain(&code), &plain(&message), b"{}");
        "x".clone_into(&mut run.profile);
        "x".clone_into(&mut run.datasets[0].path);
        assert_eq!(skeleton(&hostile_page), skeleton(&page(&run, looked)), "no text is markup");
    });
}

/// A filter, `%%`, a message. A filter is refused at its place or finds what it says; what is looked for as it stands
/// in a message is found.
pub fn filter(input: &[u8]) {
    let (text, message) = parts(input);
    let text = String::from_utf8_lossy(text);
    let is_closed = text.matches('"').count().is_multiple_of(2);
    let message = one_line(&String::from_utf8_lossy(message), 2000);
    let now: jiff::Zoned = "2026-11-21T08:00:00+01:00[Europe/Berlin]".parse().unwrap();
    let characters = text.chars().count();
    for cursor in [0, characters / 2, characters, characters + 1] {
        for offered in Filter::complete(&text, cursor) {
            assert!(offered.contains(':') && !offered.contains(' '), "{offered}");
        }
    }
    journal::with(|looked| {
        looked.tell("x", "x", &message, b"{}");
        let find = |filter: &Filter| {
            let query = Query::from(filter.clone());
            let found = looked.reader.failures(&looked.run, &query, None, 10, Contents::Without).unwrap();
            let (all, open) = looked.reader.count_failures(&looked.run, &query).unwrap();
            assert_eq!((all, open), (found.len() as u64, found.len() as u64), "{filter:?}");
            assert_eq!(looked.count(), 1, "a filter changes nothing");
            !found.is_empty()
        };
        match Filter::parse_at(&text, &now) {
            Ok(filter) => {
                let spaced = Filter::parse_at(&format!(" \t{text} "), &now);
                assert!(
                    !is_closed || spaced.as_ref() == Ok(&filter),
                    "space around it means nothing: {spaced:?}"
                );
                assert!(!filter.is_empty() || find(&filter), "what lets everything through finds it");
                find(&filter);
            }
            Err(error) => {
                assert!((1..=characters).contains(&error.at), "{error}");
                hostile::assert_inert("filter", &error.to_string());
            }
        }
        if !message.is_empty() && !message.contains('"') {
            let quoted = Filter::parse_at(&format!("\"{message}\""), &now).unwrap();
            assert!(find(&quoted), "`{message}` is looked for as it stands");
        }
    });
}
