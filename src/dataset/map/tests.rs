use proptest::prelude::*;

use super::*;

const MOST: usize = 1000;

fn mapping(text: &str) -> Mapping {
    Mapping::from_toml(&text.parse().unwrap()).unwrap()
}

fn refused(text: &str) -> String {
    Mapping::from_toml(&text.parse().unwrap()).unwrap_err().to_string()
}

fn made(mapping: &Mapping, record: &str) -> String {
    String::from_utf8(mapping.apply(record.as_bytes(), MOST).unwrap().to_vec()).unwrap()
}

fn reasons(mapping: &Mapping, record: &str) -> Vec<String> {
    let violations = mapping.apply(record.as_bytes(), MOST).unwrap_err();
    violations.iter().map(|violation| format!("{} {}", violation.place, violation.reason)).collect()
}

#[test]
fn values_are_copied_byte_for_byte_into_fields_sorted_by_name() {
    let map = mapping(
        r#"
        z = "id"
        "a/~b" = "/conversation/id"
        e = "/list/1/x"
        "\"q" = "/~1odd~0"
        "#,
    );
    let record = r#"{ "id": 123456789012345678901234567890.10 , "conversation":{"id":"\u00e9\ud800 é"},
        "list":[0, {"x": [1 , 2] }], "/odd~": { "b":1,"a":2 }, "unused":[[]]}"#;
    assert_eq!(
        made(&map, record),
        r#"{"\"q":{ "b":1,"a":2 },"a/~b":"\u00e9\ud800 é","e":[1 , 2],"z":123456789012345678901234567890.10}"#
    );
    assert_eq!(map.columns_needed(), ["/odd~", "conversation", "id", "list"]);
}

#[test]
fn a_source_that_is_missing_or_ambiguous_is_a_violation_that_names_it() {
    let map = mapping("a = 'x'\n'b/c' = '/y/0'\nd = '/y/z'");
    assert_eq!(
        reasons(&map, r#"{"y":{"z":1}}"#),
        ["/a `x` is not in the record", "/b~1c `/y/0` is not in the record"]
    );
    assert_eq!(
        reasons(&map, r#"{"x":1,"x":2,"y":{"0":1,"z":1,"z":1}}"#),
        ["/a `x` is in the record more than once", "/d `/y/z` is in the record more than once"]
    );
    assert_eq!(reasons(&map, r#"{"x":1,"y":[7]}"#), ["/d `/y/z` is not in the record"]);
    assert_eq!(reasons(&map, "[1]"), ["the record the record is no object"]);
    assert_eq!(mapping("a = '/y/01'").apply(br#"{"y":[1,2]}"#, MOST).unwrap_err().len(), 1);
}

#[test]
fn as_turns_values_into_another_kind_digit_for_digit() {
    let convert = |word: &str, value: &str| {
        let map = mapping(&format!("f = {{ from = 'v', as = '{word}' }}"));
        map.apply(format!("{{\"v\":{value}}}").as_bytes(), MOST)
            .map(|record| {
                String::from_utf8(record.to_vec())
                    .unwrap()
                    .trim_start_matches("{\"f\":")
                    .trim_end_matches('}')
                    .to_owned()
            })
            .map_err(|violations| violations[0].reason.clone())
    };
    for (word, value, expected) in [
        ("integer", "\"42\"", "42"),
        ("integer", "\" 7 \"", "7"),
        ("integer", "123456789012345678901234567890", "123456789012345678901234567890"),
        ("integer", "42.0", "42"),
        ("integer", "-1.5e1", "-15"),
        ("integer", "1e3", "1000"),
        ("integer", "1200e-2", "12"),
        ("integer", "0.00e9", "0"),
        ("number", "\"1.50\"", "1.50"),
        ("number", "1e400", "1e400"),
        ("boolean", "\" TRUE\"", "true"),
        ("boolean", "false", "false"),
        ("string", "1.50", "\"1.50\""),
        ("string", "true", "\"true\""),
        ("string", "\"a\\u00e9 \"", "\"a\\u00e9 \""),
    ] {
        assert_eq!(convert(word, value).as_deref(), Ok(expected), "{value} as {word}");
    }
    for (word, value, expected) in [
        ("integer", "\"4.5\"", "`v` is \"4.5\", which is no integer"),
        ("integer", "12e-2", "`v` is 12e-2, which is no integer"),
        ("integer", "1e999999999", "`v` is 1e999999999, which is no integer"),
        ("integer", "\"007\"", "`v` is \"007\", which is no integer"),
        ("integer", "\"\"", "`v` is \"\", which is no integer"),
        ("integer", "true", "`v` is true, which is no integer"),
        ("number", "\"1,5\"", "`v` is \"1,5\", which is no number"),
        ("number", "\"0x1F\"", "`v` is \"0x1F\", which is no number"),
        ("number", "\"inf\"", "`v` is \"inf\", which is no number"),
        ("boolean", "1", "`v` is 1, which is neither true nor false"),
        ("string", "null", "`v` is null"),
        ("integer", "[1]", "`v` is an array"),
        ("integer", "{}", "`v` is an object"),
    ] {
        assert_eq!(convert(word, value).unwrap_err(), expected, "{value} as {word}");
    }
}

#[test]
fn errors_in_a_map_name_the_key() {
    assert_eq!(refused(""), "`map` is empty: name the fields of the new record, or leave it out");
    assert_eq!(
        refused("a = 5"),
        "`map.a` must be a column, a JSON Pointer, or a table like { from = \"…\", as = \"integer\" }"
    );
    assert_eq!(
        refused("a = { as = 'integer' }"),
        "`map.a` has no `from`: name the column or the JSON Pointer that it comes from, in quotes"
    );
    assert_eq!(
        refused("a = { from = 'b', to = 'c' }"),
        "`map.a` has an unknown key `to`; there are from, as"
    );
    assert_eq!(
        refused("a = { from = 'b', as = 'int' }"),
        "`map.a` has as = `int`; there are integer, number, boolean, string"
    );
    assert_eq!(
        refused("a = '/b~2'"),
        "`map.a` comes from `/b~2`, which is no JSON Pointer: after `~` comes 0 or 1"
    );
    assert_eq!(refused("a = ''"), "`map.a` comes from ``, which is no JSON Pointer: it is empty");
}

proptest! {
    #![proptest_config(crate::dataset::tests::seeded())]

    #[test]
    fn any_record_is_mapped_to_sound_json_or_to_violations(value in "[ -~é]{0,20}", number in any::<i64>()) {
        let map = mapping("i = { from = 'n', as = 'string' }\nj = { from = '/s', as = 'integer' }\nk = 's'");
        let record = serde_json::json!({"s": value, "n": number}).to_string();
        match map.apply(record.as_bytes(), MOST) {
            Ok(made) => {
                let made: serde_json::Value = serde_json::from_slice(&made).unwrap();
                prop_assert_eq!(&made["i"], &serde_json::Value::from(number.to_string()));
                prop_assert_eq!(&made["k"], &serde_json::Value::from(value));
                prop_assert!(made["j"].is_number());
            }
            Err(violations) => prop_assert_eq!(violations[0].place.to_string(), "/j"),
        }
    }
}

#[test]
fn a_value_that_is_named_often_makes_no_record_of_gigabytes() {
    let names: Vec<String> = (0..1000).map(|name| format!("k{name} = 'a'")).collect();
    let map = mapping(&names.join("\n"));
    let record = format!("{{\"a\":\"{}\"}}", "x".repeat(400));
    assert_eq!(
        reasons(&map, &record),
        ["/k10 the new record would have more than 1000 bytes, which is the most"]
    );
    assert_eq!(mapping("a = 'a'").apply(record.as_bytes(), MOST).unwrap().len(), record.len());
}
