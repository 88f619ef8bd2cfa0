//! CSV.

use proptest::prelude::*;

use super::*;

const COMMA: Format = Format::Csv { delimiter: b',' };

fn rows(text: &str, buffer: usize) -> Told {
    read_as(COMMA, text.as_bytes(), buffer, Limits::default())
}

#[test]
fn rows_become_objects_of_strings_in_the_headers_order() {
    let text =
        "\u{feff}id,\"na\"\"me\",z\r\n1,\"Smith, \"\"J\"\"\\\",é\r\n\r\n2,\"two\nlines\",\"\"\n3,\t\u{1},x";
    let expected = [
        "{\"id\":\"1\",\"na\\\"me\":\"Smith, \\\"J\\\"\\\\\",\"z\":\"é\"}",
        "{\"id\":\"2\",\"na\\\"me\":\"two\\nlines\",\"z\":\"\"}",
        "{\"id\":\"3\",\"na\\\"me\":\"\\t\\u0001\",\"z\":\"x\"}",
    ];
    for buffer in BUFFERS {
        let told = rows(text, buffer);
        assert_eq!(told.records(), expected, "in buffers of {buffer}");
        assert!(told.error.is_none());
        for record in told.records() {
            serde_json::from_str::<serde_json::Value>(&record).unwrap();
        }
        let Entry::Record(last) = &told.entries[2] else { panic!() };
        assert_eq!((last.position, last.place.line, last.place.column), (2, 6, 1));
    }
}

#[test]
fn the_delimiter_is_found_outside_of_quotes() {
    let cases: &[(&str, u8)] = &[
        ("a,b\n1,2\n", b','),
        ("a;b\n1,5;2,5\n3,5;4,5\n", b';'),
        ("\"a,b\";c\n\"1,2,3\";4\n", b';'),
        ("a\tb,c\td\n1\t2\t3\n1\t2\t3\n", b'\t'),
        ("a|b|c\n1|2|3", b'|'),
        ("name\nSmith; John\n", b','),
        ("a,b;c\n1,2\n3,4\n", b','),
    ];
    for &(text, delimiter) in cases {
        let reader =
            Reader::from_stream(Box::new(Cursor::new(text.as_bytes().to_vec())), None, Limits::default())
                .unwrap();
        assert_eq!(reader.format(), Format::Csv { delimiter }, "{text}");
    }
}

#[test]
fn one_column_is_a_table_too() {
    let told = read(b"contact_id\nc-1\nc-2\n");
    assert_eq!(told.records(), ["{\"contact_id\":\"c-1\"}", "{\"contact_id\":\"c-2\"}"]);
}

#[test]
fn a_ragged_row_is_told_of_and_the_file_goes_on() {
    for buffer in BUFFERS {
        let told = rows("a,b\n1\n1,2\n\"x\ny\",2,3\n4,5\n", buffer);
        assert_eq!(
            told.records(),
            [
                "csv.ragged: [\"1\"]",
                "{\"a\":\"1\",\"b\":\"2\"}",
                r#"csv.ragged: ["x\ny","2","3"]"#,
                "{\"a\":\"4\",\"b\":\"5\"}"
            ]
        );
        let Entry::Unusable(unusable) = &told.entries[2] else { panic!() };
        assert_eq!(unusable.reason, "the row on line 4 has 3 fields where the header has 2 columns");
        assert_eq!((unusable.position, unusable.place), (2, place(4, 1, 10)));
    }
}

#[test]
fn a_quote_that_is_never_closed_is_a_file_cut_off() {
    for buffer in BUFFERS {
        let told = rows("a,b\n1,2\n3,\"4\n5,6\n", buffer);
        assert_eq!(told.entries.len(), 1);
        assert_eq!(told.malformed().place, place(3, 1, 8), "in buffers of {buffer}");
        assert!(told.malformed().what.contains("never closed"));
    }
}

#[test]
fn a_row_over_the_limit_is_never_held() {
    let limits = Limits { record_bytes: 100, ..Limits::default() };
    let text = format!("a,b\n\"{}\",2\n3,4\n{},{}\n", "x\n".repeat(90), "\t".repeat(40), "\t".repeat(40));
    for buffer in BUFFERS {
        let told = read_as(COMMA, text.as_bytes(), buffer, limits);
        let codes: Vec<_> =
            told.records().iter().map(|record| record.chars().take(16).collect::<String>()).collect();
        assert_eq!(
            codes,
            ["record.too_large", "{\"a\":\"3\",\"b\":\"4\"", "record.too_large"],
            "in buffers of {buffer}"
        );
        assert!(told.error.is_none());
    }
}

#[test]
fn a_header_that_names_a_column_twice_or_not_at_all_is_refused() {
    let error = |text: &[u8]| read(text).error.unwrap().to_string();
    assert_eq!(
        error(b"id,name,id\n1,2,3\n"),
        "the CSV header of standard input cannot be used: columns 1 and 3 are both named `id`"
    );
    assert_eq!(
        error(b"id,,x\n1,2,3\n"),
        "the CSV header of standard input cannot be used: column 2 has no name"
    );
    let long = format!("id,{}\n", "n".repeat(1025));
    assert_eq!(
        error(long.as_bytes()),
        "the CSV header of standard input cannot be used: the name of column 2 has 1025 bytes, and 1024 are the most; is a quote missing in it?"
    );
    assert_eq!(error(b"id,name\n"), "standard input holds no record: there is no row under the header");
}

#[test]
fn what_is_no_text_in_a_row_is_refused_at_the_place() {
    for buffer in BUFFERS {
        let latin = read_as(COMMA, b"name,x\nAnn,1\nJos\xe9,2\n", buffer, Limits::default());
        assert_eq!(
            (latin.entries.len(), latin.malformed().place),
            (1, place(3, 4, 16)),
            "in buffers of {buffer}"
        );
        assert!(latin.malformed().what.contains("Windows-1252"));
        let nul = read_as(COMMA, b"name,x\nAnn,1\nB\0b,2\n", buffer, Limits::default());
        assert_eq!(
            (nul.entries.len(), nul.malformed().place),
            (1, place(3, 2, 14)),
            "in buffers of {buffer}"
        );
    }
}

fn oracle(text: &str) -> Vec<Vec<String>> {
    let mut reader =
        ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn rows_are_read_as_the_csv_crate_reads_them(body in "[ab\",\r\né\\\\]{0,60}", buffer in 1_usize..40) {
        let text = format!("h1,h2\n{body}");
        let told = rows(&text, buffer);
        let expected = oracle(&text);
        // the crate takes an open quote at the end for closed; we take the file for cut off
        let whole = if told.error.is_some() { told.entries.len() } else { expected.len() - 1 };
        prop_assert_eq!(told.entries.len(), whole);
        match &told.error {
            None => {}
            Some(DatasetError::NoRecords { .. }) => prop_assert_eq!(expected.len(), 1),
            Some(DatasetError::Malformed(malformed)) => {
                prop_assert!(malformed.what.contains("never closed"));
                prop_assert_eq!(told.entries.len() + 2, expected.len());
            }
            Some(other) => prop_assert!(false, "{:?}", other),
        }
        for (entry, row) in told.entries.iter().zip(&expected[1..]) {
            match entry {
                Entry::Record(record) => {
                    let object: std::collections::BTreeMap<String, String> = serde_json::from_slice(&record.bytes).unwrap();
                    prop_assert_eq!(&object.into_values().collect::<Vec<_>>(), row);
                }
                Entry::Unusable(unusable) => {
                    prop_assert_eq!(unusable.code, "csv.ragged");
                    let fields: Vec<String> = serde_json::from_slice(unusable.content.as_ref().unwrap()).unwrap();
                    prop_assert_eq!(&fields, row);
                    prop_assert_ne!(row.len(), 2);
                }
            }
        }
    }
}
