//! JSON arrays and NDJSON.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

fn array(text: &str, buffer: usize) -> Told {
    read_as(Format::JsonArray, text.as_bytes(), buffer, Limits::default())
}

fn lines(text: &str, buffer: usize) -> Told {
    read_as(Format::Ndjson, text.as_bytes(), buffer, Limits::default())
}

const SAMPLE: &str = "[ {\"id\": 1, \"é\":\"ü\\u00e9\\\"\\\\\"},\n{\"n\":[-0.50e+3,0,[],{}],\"t\":true,\"f\":false,\"x\":null} \n,\t{}]\n ";

#[test]
fn records_go_out_byte_for_byte() {
    let odd = [
        r#"{"a":123456789012345678901234567890.10e-400,"a":1,"b" : "\ud800"}"#,
        r#"{ "z":1,"a":2 }"#,
        "{\"line\":\n\t[1 , 2]}",
    ];
    let text = format!("\n [{}\n,\r\n{} ,{}]", odd[0], odd[1], odd[2]);
    for buffer in BUFFERS {
        let told = array(&text, buffer);
        assert_eq!(told.records(), odd, "in buffers of {buffer}");
        assert!(told.error.is_none());
    }
}

#[test]
fn a_record_knows_its_place_and_position() {
    for buffer in BUFFERS {
        let told = array("\u{feff}[{\"é\":\"日本\"} , {},\n  {}]", buffer);
        let places = told.entries.iter().map(|entry| match entry {
            Entry::Record(record) => (record.position, record.place),
            Entry::Unusable(unusable) => panic!("{unusable:?}"),
        });
        let expected = [(0, place(1, 2, 4)), (1, place(1, 15, 22)), (2, place(2, 3, 28))];
        assert_eq!(places.collect::<Vec<_>>(), expected, "in buffers of {buffer}");
    }
}

#[test]
fn broken_arrays_are_refused_at_the_place() {
    let cases: &[(&str, usize, Place, &str)] = &[
        ("[{\"a\":1},]", 1, place(1, 10, 9), "a comma stands before this `]`"),
        ("[{\"a\":1} {\"a\":2}]", 1, place(1, 10, 9), "expected `,` or `]` after a record, found `{`"),
        ("[{\"a\":1},\n{\"b\" 2}]", 1, place(2, 6, 15), "expected `:` after a member's name, found `2`"),
        ("[{\"é\":1,}]", 0, place(1, 9, 9), "a comma stands before this `}`"),
        ("[{\"a\":1}] x", 1, place(1, 11, 10), "expected nothing after the array's end, found `x`"),
        ("[{\"a\":1}", 1, place(1, 9, 8), "the text ends before the array's closing `]`: it is cut off"),
        (
            "[{\"a\":1},\n{\"b\":\"é",
            1,
            place(2, 8, 18),
            "the text ends in the middle of a string: it is cut off",
        ),
        ("[{\"a\":01}]", 0, place(1, 8, 7), "expected no digit after a leading 0, found `1`"),
        ("[{\"a\":1.}]", 0, place(1, 9, 8), "expected a digit after the decimal point, found `}`"),
        ("[{\"a\":1e}]", 0, place(1, 9, 8), "expected a digit in the exponent, found `}`"),
        ("[{\"a\":-}]", 0, place(1, 8, 7), "expected a digit after `-`, found `}`"),
        ("[{\"a\":+1}]", 0, place(1, 7, 6), "expected a value, found `+`"),
        ("[{\"a\":NaN}]", 0, place(1, 7, 6), "expected a value, found `N`"),
        ("[{\"a\":nul}]", 0, place(1, 10, 9), "expected `true`, `false` or `null`, found `}`"),
        ("[{\"a\":12x}]", 0, place(1, 9, 8), "expected the end of a number, found `x`"),
        ("[{'a':1}]", 0, place(1, 3, 2), "expected a member's name in double quotes, found `'`"),
        ("[{\"a\":[1,]}]", 0, place(1, 10, 9), "a value is missing before this `]`"),
        ("[{\"a\":}]", 0, place(1, 7, 6), "a value is missing before this `}`"),
        ("[{\"a\":[1}]", 0, place(1, 9, 8), "expected `,` or `]`, found `}`"),
        ("[{\"a\":1]]", 0, place(1, 8, 7), "expected `,` or `}`, found `]`"),
        (
            "[{\"a\":\"\\x\"}]",
            0,
            place(1, 9, 8),
            "expected one of `\"\\/bfnrtu` after a backslash in a string, found `x`",
        ),
        (
            "[{\"a\":\"\\u12g4\"}]",
            0,
            place(1, 12, 11),
            "expected four hexadecimal digits after `\\u`, found `g`",
        ),
        (
            "[{\"a\":\"b\n\"}]",
            0,
            place(1, 9, 8),
            "the end of the line stands unescaped in a string (is a quote missing before it?)",
        ),
        (
            "[{\"a\":\"\u{1b}[2J\"}]",
            0,
            place(1, 8, 7),
            "the character U+001B stands unescaped in a string (is a quote missing before it?)",
        ),
        ("[{} // no\n]", 1, place(1, 5, 4), "expected `,` or `]` after a record, found `/`"),
        ("[,{}]", 0, place(1, 2, 1), "expected a value, found `,`"),
    ];
    for &(text, whole, place, what) in cases {
        for buffer in BUFFERS {
            let told = array(text, buffer);
            let malformed = told.malformed();
            assert_eq!(
                (told.entries.len(), malformed.place, malformed.what.as_str()),
                (whole, place, what),
                "{text} in {buffer}"
            );
        }
    }
    assert_eq!(
        array("[{},\n{]", 64).error.unwrap().to_string(),
        "standard input is malformed at line 2, column 2 (byte 6): expected a member's name in double quotes, found `]`"
    );
}

#[test]
fn what_is_no_utf8_is_refused_at_the_place_with_a_hint() {
    for buffer in BUFFERS {
        let told = read_as(
            Format::JsonArray,
            b"[{\"a\":\"\xc3\xa9\"},\n {\"n\":\"Jos\xe9\"}]",
            buffer,
            Limits::default(),
        );
        assert_eq!(told.entries.len(), 1);
        assert_eq!(told.malformed().place, place(2, 11, 23), "in buffers of {buffer}");
        assert!(told.malformed().what.contains("0xE9 is not UTF-8"), "{}", told.malformed().what);
        for overlong in
            [b"[\"\xc0\x80\"]".as_slice(), b"[\"\xed\xa0\x80\"]", b"[\"\xf4\x90\x80\x80\"]", b"[\"\x80\"]"]
        {
            assert_eq!(
                read_as(Format::JsonArray, overlong, buffer, Limits::default()).malformed().place,
                place(1, 3, 2)
            );
        }
    }
}

#[test]
fn nesting_is_held_to_its_limit() {
    let nested = |depth: usize| format!("[{{\"a\":{}{}}}]", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert!(array(&nested(128), 7).error.is_none());
    let told = array(&nested(129), 7);
    assert_eq!(told.malformed().what, "a record is nested deeper than 128");
    assert_eq!(told.malformed().place, place(1, 134, 133));
}

#[test]
fn a_record_over_the_limit_is_passed_over_and_told_of() {
    let limits = Limits { record_bytes: 3000, ..Limits::default() };
    let big = format!("{{\"x\":\"{}\"}}", "é".repeat(2000));
    let text = format!("[{{\"a\":1}},\n{big},{{\"b\":2}}]");
    for buffer in BUFFERS {
        let told = read_as(Format::JsonArray, text.as_bytes(), buffer, limits);
        assert!(told.error.is_none());
        assert_eq!(told.entries.len(), 3);
        let Entry::Unusable(unusable) = &told.entries[1] else { panic!("{:?}", told.entries[1]) };
        assert_eq!(
            (unusable.position, unusable.place, unusable.code),
            (1, place(2, 1, 10), "record.too_large")
        );
        assert_eq!(unusable.reason, "the record has 4008 bytes, and 3000 is the most");
        assert_eq!(unusable.content, None, "in buffers of {buffer}");
        assert!(matches!(&told.entries[2], Entry::Record(record) if record.position == 2));
    }
    let told = read_as(Format::JsonArray, format!("[{}", &big[..3900]).as_bytes(), 64, limits);
    assert_eq!(told.malformed().what, "the text ends in the middle of a string: it is cut off");
}

#[test]
fn a_record_that_is_no_object_is_told_of() {
    let told = array("[{},1,\"x\",[{}],null,true]", 3);
    assert_eq!(
        told.records()[1..],
        [
            "record.not_an_object: 1",
            "record.not_an_object: \"x\"",
            "record.not_an_object: [{}]",
            "record.not_an_object: null",
            "record.not_an_object: true",
        ]
    );
    let Entry::Unusable(unusable) = &told.entries[3] else { panic!() };
    assert_eq!(unusable.reason, "the record is an array instead of an object");
}

#[test]
fn ndjson_has_a_value_a_line() {
    for buffer in BUFFERS {
        let told = lines("\n{\"a\": 1} \r\n \t\r\n\n7\n  {\"b\":\"\\n\"}", buffer);
        assert_eq!(
            told.records(),
            ["{\"a\": 1}", "record.not_an_object: 7", "{\"b\":\"\\n\"}"],
            "in buffers of {buffer}"
        );
        assert!(told.error.is_none());
        let Entry::Record(last) = &told.entries[2] else { panic!() };
        assert_eq!((last.position, last.place), (2, place(6, 3, 21)));
        assert_eq!(lines("{}\n12", buffer).records(), ["{}", "record.not_an_object: 12"]);
    }
}

#[test]
fn broken_lines_are_refused_at_the_place() {
    let cases: &[(&str, usize, Place, &str)] = &[
        (
            "{}\n{\"a\":\n1}",
            1,
            place(2, 6, 8),
            "the line ends in the middle of its value: NDJSON has one whole value a line",
        ),
        (
            "{}\n{\"a\":\"x\ny\"}",
            1,
            place(2, 8, 10),
            "the line ends in the middle of its value: NDJSON has one whole value a line",
        ),
        ("{}\n{} {}", 1, place(2, 4, 6), "expected the end of the line after its value, found `{`"),
        ("{},\n{}", 0, place(1, 3, 2), "expected the end of the line after its value, found `,`"),
        ("{}\n{\"a\":tru", 1, place(2, 9, 11), "the text ends in the middle of a word: it is cut off"),
        ("{}\n-", 1, place(2, 2, 4), "the text ends in the middle of a number: it is cut off"),
        ("{\"a\":1]", 0, place(1, 7, 6), "expected `,` or `}`, found `]`"),
    ];
    for &(text, whole, place, what) in cases {
        for buffer in BUFFERS {
            let told = lines(text, buffer);
            let malformed = told.malformed();
            assert_eq!(
                (told.entries.len(), malformed.place, malformed.what.as_str()),
                (whole, place, what),
                "{text} in {buffer}"
            );
        }
    }
}

#[test]
fn an_object_that_spans_lines_is_refused_as_what_it_is() {
    for text in ["{\n \"a\": 1\n}", "{\"a\":\n1}", "{\"a\":\"x\n\"}", "  {\"records\": [\n{}\n]}"] {
        let error = read(text.as_bytes()).error.unwrap();
        assert!(matches!(error, DatasetError::ObjectInsteadOfArray { .. }), "{text}: {error:?}");
        assert!(error.to_string().contains("an object instead of an array"));
    }
}

#[test]
fn a_cut_at_any_byte_never_passes() {
    for buffer in [1, 3, 1 << 20] {
        let all = array(SAMPLE, buffer).records();
        assert_eq!(all.len(), 3);
        let end = SAMPLE.trim_end().len();
        for cut in 0..end {
            let told = read_as(Format::JsonArray, &SAMPLE.as_bytes()[..cut], buffer, Limits::default());
            assert!(matches!(told.error, Some(DatasetError::Malformed(_))), "cut at {cut}");
            assert_eq!(told.records(), all[..told.entries.len()]);
            let whole = all
                .iter()
                .filter(|record| SAMPLE.rfind(record.as_str()).unwrap() + record.len() <= cut)
                .count();
            assert_eq!(told.entries.len(), whole, "cut at {cut}");
        }
        let text = all.join("\n");
        for cut in 0..text.len() {
            let told = read_as(Format::Ndjson, &text.as_bytes()[..cut], buffer, Limits::default());
            let begun = &text.as_bytes()[..cut];
            let tail = begun.rsplit(|&byte| byte == b'\n').next().unwrap();
            let is_whole = tail.is_empty() || serde_json::from_slice::<&RawValue>(tail).is_ok();
            assert_eq!(matches!(told.error, Some(DatasetError::Malformed(_))), !is_whole, "cut at {cut}");
            assert_eq!(told.records(), all[..told.entries.len()]);
        }
    }
}

fn blank() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 1 => Just(" "), 1 => Just("\n\t"), 1 => Just("\r\n  ")]
}

/// A JSON string, with every kind of escape and character in it.
fn string() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[ -!#-\\[\\]-~]{0,12}",
        1 => Just("é日𝄞".to_owned()),
        1 => prop::sample::select(vec!["\\\"", "\\\\", "\\/", "\\b\\f\\n\\r\\t", "\\u00e9", "\\uD834\\uDD1E", "\\ud800"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..5).prop_map(|parts| format!("\"{}\"", parts.concat()))
}

fn value() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,8})?([eE][+-]?[0-9]{1,3})?";
    let leaf = prop_oneof![
        prop::sample::select(vec!["true", "false", "null"]).prop_map(str::to_owned),
        number.prop_map(|number| number),
        string(),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let element = (blank(), inner.clone(), blank()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
        let member = (blank(), string(), blank(), blank(), inner, blank())
            .prop_map(|(a, name, b, c, value, d)| format!("{a}{name}{b}:{c}{value}{d}"));
        prop_oneof![
            prop::collection::vec(element, 0..5).prop_map(|elements| format!("[{}]", elements.join(","))),
            prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

/// A JSON array, and the values in it.
fn document() -> impl Strategy<Value = (String, Vec<String>)> {
    prop::collection::vec((blank(), value(), blank()), 1..6).prop_map(|elements| {
        let text =
            elements.iter().map(|(a, value, b)| format!("{a}{value}{b}")).collect::<Vec<_>>().join(",");
        (format!("[{text}]"), elements.into_iter().map(|(_, value, _)| value).collect())
    })
}

/// What stands for a record, whether it is an object or not.
fn bytes(entry: &Entry) -> &[u8] {
    match entry {
        Entry::Record(record) => &record.bytes,
        Entry::Unusable(unusable) => unusable.content.as_deref().unwrap_or_default(),
    }
}

/// Small ones cut values anywhere, large ones hold them whole: these are two ways through the code.
fn buffer() -> impl Strategy<Value = usize> {
    prop_oneof![1_usize..80, Just(1 << 20)]
}

#[derive(Debug, Clone)]
enum Mutation {
    Delete,
    Insert(u8),
    Replace(u8),
}

fn mutation() -> impl Strategy<Value = (prop::sample::Index, Mutation)> {
    let byte = || prop_oneof![prop::sample::select(b"[]{},:\"\\ \n0-.eEtfnu\x00\x1f".to_vec()), any::<u8>()];
    (
        any::<prop::sample::Index>(),
        prop_oneof![
            Just(Mutation::Delete),
            byte().prop_map(Mutation::Insert),
            byte().prop_map(Mutation::Replace)
        ],
    )
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn any_array_is_cut_into_its_values((text, values) in document(), buffer in buffer()) {
        let told = read_as(Format::JsonArray, text.as_bytes(), buffer, Limits::default());
        prop_assert!(told.error.is_none(), "{:?}", told.error);
        let cut: Vec<_> = told.entries.iter().map(bytes).collect();
        prop_assert_eq!(cut, values.iter().map(String::as_bytes).collect::<Vec<_>>());
    }

    /// serde_json reads raw values by the same grammar. It doesn't check that text which it passes over is UTF-8, so that
    /// is asked for here; and when it reads into a `String` it refuses escapes of lone surrogates, which raw values keep.
    #[test]
    fn broken_and_sound_arrays_are_told_apart_as_serde_json_does(
        (text, _) in document(), mutations in prop::collection::vec(mutation(), 1..4), buffer in buffer(),
    ) {
        let mut text = text.into_bytes();
        for (index, mutation) in mutations {
            let at = index.index(text.len().max(1));
            match mutation {
                Mutation::Delete if at < text.len() => { text.remove(at); }
                Mutation::Delete => {}
                Mutation::Insert(byte) => text.insert(at, byte),
                Mutation::Replace(byte) => if let Some(old) = text.get_mut(at) { *old = byte },
            }
        }
        let theirs = std::str::from_utf8(&text).ok().and_then(|text| serde_json::from_str::<Vec<&RawValue>>(text).ok());
        let told = read_as(Format::JsonArray, &text, buffer, Limits::default());
        match theirs {
            Some(values) if values.is_empty() => {
                let is_refused = matches!(told.error, Some(DatasetError::NoRecords { .. }));
                prop_assert!(is_refused);
            }
            Some(values) => {
                prop_assert!(told.error.is_none(), "{:?}", told.error);
                let cut: Vec<_> = told.entries.iter().map(bytes).collect();
                prop_assert_eq!(cut, values.iter().map(|value| value.get().as_bytes()).collect::<Vec<_>>());
            }
            None => prop_assert!(matches!(told.error, Some(DatasetError::Malformed(_))), "{:?}", told.error),
        }
    }

    #[test]
    fn any_lines_are_cut_into_their_values(values in prop::collection::vec(value(), 1..6), buffer in buffer()) {
        let values: Vec<_> = values.iter().map(|value| value.replace(['\n', '\r'], " ")).collect();
        let told = read_as(Format::Ndjson, values.join(" \r\n").as_bytes(), buffer, Limits::default());
        prop_assert!(told.error.is_none(), "{:?}", told.error);
        let cut: Vec<_> = told.entries.iter().map(bytes).collect();
        prop_assert_eq!(cut, values.iter().map(String::as_bytes).collect::<Vec<_>>());
    }
}
