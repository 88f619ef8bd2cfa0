use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn text(record: &str) -> String {
    let mut out = Vec::new();
    canonical(record.as_bytes(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn refusal(record: impl AsRef<[u8]>) -> NoCanonicalForm {
    let mut out = b"before".to_vec();
    let refusal = canonical(record.as_ref(), &mut out).unwrap_err();
    assert_eq!(out, b"before");
    refusal
}

#[test]
fn numbers_have_the_form_of_rfc_8785_appendix_b() {
    for (bits, expected) in [
        (0x0000_0000_0000_0000_u64, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] {
        assert_eq!(text(&format!("{:e}", f64::from_bits(bits))), expected, "{bits:x}");
    }
}

#[test]
fn the_examples_of_rfc_8785_come_out_as_it_says() {
    let mixed = r#"{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }"#;
    let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
    assert_eq!(text(mixed), expected);
    let sorted = r#"{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}"#;
    let expected = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
        \"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\
        \"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
    assert_eq!(text(sorted), expected);
}

#[test]
fn an_integer_that_is_no_double_stays_as_it_was_written() {
    for stays in [
        "9007199254740993",
        "-9007199254740993",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551617",
        // 10^23 and 10^24 lie between two doubles
        "100000000000000000000000",
        "1000000000000000000000000",
        "123456789012345678901234567890",
    ] {
        assert_eq!(text(stays), stays);
        assert_eq!(text(&format!("[{{\"a\": {stays} }}]")), format!("[{{\"a\":{stays}}}]"));
    }
}

#[test]
fn every_other_number_has_the_form_of_its_double() {
    for (written, form) in [
        ("-0", "0"),
        ("-0.0", "0"),
        ("0e5", "0"),
        ("1e-400", "0"),
        ("1.0", "1"),
        ("10e-1", "1"),
        ("999999999999999", "999999999999999"),
        ("9007199254740992", "9007199254740992"),
        ("9007199254740993.0", "9007199254740992"),
        ("9007199254740993e0", "9007199254740992"),
        // exactly 2^63, of which RFC 8785 writes the shortest digits that tell it from its neighbours
        ("9223372036854775808", "9223372036854776000"),
        ("1000000000000000000000", "1e+21"),
        ("10000000000000000000000", "1e+22"),
        ("1e24", "1e+24"),
        // 2^89, of 27 digits, and exactly a double
        ("618970019642690137449562112", "6.189700196426902e+26"),
    ] {
        assert_eq!(text(written), form, "{written}");
    }
}

#[test]
fn a_number_beyond_every_double_has_no_form() {
    let said = refusal(r#"{"a/b": [1, {"~": -1e400}]}"#);
    assert_eq!(said, NoCanonicalForm::Overflow { pointer: "/a~1b/1/~0".into(), number: "-1e400".into() });
    assert_eq!(said.violation().place.to_string(), "/a~1b/1/~0");
    let long = format!("{{\"n\": {}}}", "9".repeat(400));
    let said = refusal(&long).to_string();
    assert!(said.starts_with("`/n` is 9999") && said.len() < 160, "{said}");
}

#[test]
fn a_name_that_stands_twice_is_refused_however_it_is_written() {
    for (record, pointer) in [
        (r#"{"a": 1, "a": 1}"#, "/a"),
        (r#"{"a": 1, "b": 2, "\u0061": 3}"#, "/a"),
        (r#"[{}, {"x": {"": 1, "": 2}}]"#, "/1/x/"),
        (r#"{"\ud83d\ude00": 1, "😀": 2}"#, "/😀"),
    ] {
        assert_eq!(refusal(record), NoCanonicalForm::Twice { pointer: pointer.into() }, "{record}");
    }
    assert_eq!(text(r#"{"a": {"a": 1}, "A": 2}"#), r#"{"A":2,"a":{"a":1}}"#);
}

#[test]
fn half_a_character_is_refused_and_a_whole_one_is_written_out() {
    for (record, pointer) in [
        (r#"{"a": "\ud800"}"#, "/a"),
        (r#"{"a": ["x", "\udc00\ud800"]}"#, "/a/1"),
        (r#"{"in": {"\ud800": 1}}"#, "/in"),
    ] {
        assert_eq!(refusal(record), NoCanonicalForm::LoneSurrogate { pointer: pointer.into() });
    }
    assert_eq!(text(r#""\uD83D\uDE00 \u002F \/ \u007f \u2028""#), "\"😀 / / \u{7f} \u{2028}\"");
    assert_eq!(text(r#""\u0000\u001F\b\t\n\f\r\u0008""#), r#""\u0000\u001f\b\t\n\f\r\b""#);
}

#[test]
fn what_is_not_one_json_value_is_refused_in_words() {
    for (record, words) in [
        (&b"{\"a\": 1,}"[..], "comma"),
        (b"{} {}", "goes on after its end (at byte 3)"),
        (b"", "cut off"),
        (b"\xff", "UTF-8"),
        (b"01", "leading 0"),
        (b"{\"a\x1b[2J\": ", "unescaped"),
    ] {
        let said = refusal(record).to_string();
        assert!(said.starts_with("the record cannot be read: ") && said.contains(words), "{said}");
        assert!(!said.contains(char::is_control));
    }
}

#[test]
fn nesting_ends_at_128_levels() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(text(&nested(128)), nested(128));
    assert!(refusal(nested(129)).to_string().contains("deeper than 128"));
    assert!(refusal("[".repeat(1_000_000)).to_string().contains("deeper than 128"));
}

#[test]
fn a_pointer_in_a_message_is_safe_and_short() {
    let name = format!("\u{1b}[31m{}", "x".repeat(5000));
    let quoted = serde_json::to_string(&name).unwrap();
    let said = refusal(format!("{{{quoted}: 1e999}}")).to_string();
    assert!(said.len() < 500 && !said.contains(char::is_control), "{said}");
}

/// Values whose integers are all small, so that RFC 8785 says all there is to say.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1_i64 << 53)..(1_i64 << 53)).prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The same value written in another way: members in another order, blanks between tokens, letters as escapes.
fn rewritten(value: &Value, dice: &mut fastrand::Rng) -> String {
    let blank = |dice: &mut fastrand::Rng| [" ", "\n\t", "", "\r "][dice.usize(..4)];
    let string = |text: &str, dice: &mut fastrand::Rng| {
        let units = text.chars().map(|char| match dice.u8(..3) {
            0 => char
                .encode_utf16(&mut [0; 2])
                .iter()
                .fold(String::new(), |escapes, unit| format!("{escapes}\\u{unit:04X}")),
            _ => serde_json::to_string(&char).unwrap().trim_matches('"').replace("\\\\", "\\u005c"),
        });
        let inner: String =
            units.map(|unit: String| if unit == "\\" { "\\\"".to_owned() } else { unit }).collect();
        format!("\"{inner}\"")
    };
    let inner = match value {
        Value::String(text) => string(text, dice),
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(|one| rewritten(one, dice)).collect();
            format!("[{}]", elements.join(","))
        }
        Value::Object(members) => {
            let mut members: Vec<String> = members
                .iter()
                .map(|(name, one)| format!("{}{}:{}", string(name, dice), blank(dice), rewritten(one, dice)))
                .collect();
            dice.shuffle(&mut members);
            format!("{{{}}}", members.join(" , "))
        }
        other => other.to_string(),
    };
    format!("{}{inner}{}", blank(dice), blank(dice))
}

proptest! {
    #[test]
    fn the_order_of_members_blanks_and_escapes_make_no_difference(value in values(), seed in any::<u64>()) {
        let mut dice = fastrand::Rng::with_seed(seed);
        let written = rewritten(&value, &mut dice);
        prop_assert_eq!(&serde_json::from_str::<Value>(&written).unwrap(), &value);
        prop_assert_eq!(text(&written), text(&value.to_string()));
    }

    #[test]
    fn it_is_rfc_8785_where_integers_are_doubles(value in values()) {
        let theirs = serde_json_canonicalizer::to_string(&value).unwrap();
        prop_assert_eq!(text(&value.to_string()), theirs);
    }

    #[test]
    fn a_canonical_text_is_its_own(value in values(), digits in "-?[1-9][0-9]{0,40}") {
        let once = text(&format!("[{value}, {digits}]"));
        prop_assert_eq!(&text(&once), &once);
    }

    #[test]
    fn two_integers_that_are_no_doubles_never_become_one(one in any::<i64>(), apart in 1_u64..5000) {
        let other = i128::from(one) + i128::from(apart);
        let is_double = |text: &str| format!("{:.0}", text.parse::<f64>().unwrap()) == text;
        let (one, other) = (one.to_string(), other.to_string());
        prop_assume!(!is_double(&one) && !is_double(&other));
        prop_assert_ne!(text(&one), text(&other));
    }

    #[test]
    fn no_bytes_whatsoever_make_it_fail(record in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = canonical(&record, &mut Vec::new());
    }

    #[test]
    fn it_takes_what_a_json_reader_takes(record in "[\\[\\]{}:,\"ab\\\\u0dD8c0-9eE.+ -]{0,24}") {
        // Where names stand twice the reader takes the last one, and it knows no halves of characters at all.
        let read = serde_json::from_str::<Value>(&record).is_ok();
        let ours = canonical(record.as_bytes(), &mut Vec::new());
        match ours {
            Ok(()) => prop_assert!(read),
            Err(NoCanonicalForm::Twice { .. }) => {}
            Err(_) => prop_assert!(!read),
        }
    }
}
