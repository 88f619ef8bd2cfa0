//! Edits of records: what changes, and that nothing else does.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn put(record: &str, changes: &[(&str, &str)]) -> Result<String, PatchError> {
    let changes: Vec<_> = changes.iter().map(|(pointer, value)| (*pointer, value.as_bytes())).collect();
    replace(record.as_bytes(), &changes).map(|new| String::from_utf8(new).unwrap())
}

fn listed(record: &str) -> Vec<(String, String, usize)> {
    let fields = fields(record.as_bytes()).unwrap();
    fields.into_iter().map(|field| (field.pointer, record[field.raw].to_owned(), field.depth)).collect()
}

#[test]
fn the_leaves_are_listed_in_their_order() {
    let record =
        r#" {"id" : 10000000000000000000000000001, "a/b":{"~":"x\"}", "e":{ }, "l":[true,[ ]]}, "é":null}"#;
    let told: Vec<_> = listed(record);
    let told: Vec<_> = told.iter().map(|(at, raw, depth)| (at.as_str(), raw.as_str(), *depth)).collect();
    assert_eq!(
        told,
        [
            ("/id", "10000000000000000000000000001", 1),
            ("/a~1b/~0", r#""x\"}""#, 2),
            ("/a~1b/e", "{ }", 2),
            ("/a~1b/l/0", "true", 3),
            ("/a~1b/l/1", "[ ]", 3),
            ("/é", "null", 1),
        ]
    );
    assert_eq!(listed("7"), [(String::new(), "7".to_owned(), 0)]);
    assert_eq!(fields(br#"{"a":{"b":1}}"#).unwrap()[0].name, "b");
}

#[test]
fn only_the_bytes_of_the_named_values_change() {
    let record = r#"{ "n":1e2 ,"s" : "a\u0062", "big":10000000000000000000000000001 }"#;
    assert_eq!(
        put(record, &[("/s", r#""x""#), ("/n", " 7 ")]).unwrap(),
        r#"{ "n":7 ,"s" : "x", "big":10000000000000000000000000001 }"#
    );
    assert_eq!(put(r#"[{"a":1}, {"a":2}]"#, &[("/1/a", "null")]).unwrap(), r#"[{"a":1}, {"a":null}]"#);
    assert_eq!(put(record, &[]).unwrap(), record);
}

#[test]
fn a_missing_name_is_put_behind_the_last() {
    assert_eq!(
        put(r#"{"a":1 }"#, &[("/b~1\"", "2"), ("/a", "3"), ("/c", "4")]).unwrap(),
        r#"{"a":3,"b/\"":2,"c":4 }"#
    );
    assert_eq!(put("{ }", &[("/b", "2"), ("/c", "[]")]).unwrap(), r#"{"b":2,"c":[] }"#);
    assert_eq!(
        put(r#"[{"a":1},{}]"#, &[("/1/b", "2"), ("/0/b", "2")]).unwrap(),
        r#"[{"a":1,"b":2},{"b":2}]"#
    );
    for (record, pointer) in
        [("[]", "/0"), ("5", "/a"), (r#"{"a":1}"#, "/a/b"), (r#"{"a":1}"#, "a"), ("{}", "/x/y")]
    {
        assert_eq!(put(record, &[(pointer, "1")]), Err(PatchError::Missing(pointer.to_owned())), "{record}");
    }
}

#[test]
fn what_cannot_be_done_rightly_is_refused_with_a_sentence() {
    let twice = r#"{"a":1,"b":{"x":1,"\u0078":2}}"#;
    assert_eq!(put(twice, &[("/a", "2")]), Err(PatchError::Twice("/b/x".to_owned())));
    assert!(fields(twice.as_bytes()).unwrap_err().to_string().contains("`/b/x` twice"));
    assert!(
        put("{}", &[("/a", "nope")]).unwrap_err().to_string().contains("the new value of `/a` is not JSON")
    );
    assert!(put("{}", &[("/a", "1 2")]).is_err());
    assert!(put("{", &[]).unwrap_err().to_string().contains("the record is not JSON"));
    let nested = r#"{"a":{"b":1}}"#;
    for pair in [["/a", "/a/b"], ["/a/b", "/a"], ["/a", "/a"], ["/a", "/a/c"], ["", "/a"]] {
        let refused = put(nested, &[(pair[0], "{}"), (pair[1], "{}")]);
        assert!(matches!(refused, Err(PatchError::Overlap(_))), "{pair:?}: {refused:?}");
    }
    let deep = format!("{}1{}", "[".repeat(2000), "]".repeat(2000));
    assert_eq!(fields(deep.as_bytes()), Err(PatchError::TooDeep));
    let many = format!("[{}]", vec!["1"; MOST_FIELDS + 1].join(","));
    assert_eq!(fields(many.as_bytes()), Err(PatchError::TooMany));
    // a name repeated in the pointer of each field below it: gigabytes, for a record of some megabytes
    let members: Vec<String> = (0..MOST_FIELDS).map(|n| format!("\"{n}\":1")).collect();
    let long = format!("{{\"{}\":{{{}}}}}", "n".repeat(100_000), members.join(","));
    assert_eq!(fields(long.as_bytes()), Err(PatchError::LongNames));
    let pointer = format!("/{}/7", "n".repeat(100_000));
    assert!(put(&long, &[(&pointer, "2")]).unwrap().contains("\"7\":2"), "it can be mended all the same");
}

#[test]
fn a_value_is_found_in_each_record_of_an_item() {
    let find = |record: &str, pointer| {
        let Found { values, missing } = find(record.as_bytes(), pointer).unwrap();
        (values.into_iter().map(|raw| raw.start).collect::<Vec<_>>(), missing)
    };
    let several = r#"[{"a":1},{"b":{"a":3}},{"a":2}]"#;
    assert_eq!(find(several, "/a"), (vec![6, 28], 1));
    assert_eq!(find(several, "/2/a"), (vec![28], 0));
    assert_eq!(find(r#"{"a":1}"#, "/a"), (vec![5], 0));
    assert_eq!(find(r#"{"a":1}"#, "/b"), (vec![], 1));
}

/// How many leaves a parser finds.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(inside) if !inside.is_empty() => inside.iter().map(count).sum(),
        Value::Object(inside) if !inside.is_empty() => inside.values().map(count).sum(),
        _ => 1,
    }
}

/// Any JSON with its white space: names are different within an object.
fn json() -> impl Strategy<Value = String> {
    let space = "[ \t\r\n]{0,2}";
    let text = r#""([a-z~/é… \{\}\[\],:]|\\"|\\\\|\\u00e9|\\ud83d\\ude00|\\n){0,6}""#;
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        text
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let padded =
            (space, inner, space).prop_map(|(before, value, after)| format!("{before}{value}{after}"));
        prop_oneof![
            (prop::collection::vec(padded.clone(), 0..5), space).prop_map(|(values, empty)| {
                format!("[{}]", if values.is_empty() { empty } else { values.join(",") })
            }),
            (prop::collection::btree_map("[a-c~/é]{0,3}", (space, padded), 0..5), space).prop_map(
                |(members, empty)| {
                    let member = |(name, (space, value))| format!("{space}\"{name}\"{space}:{value}");
                    let members: Vec<String> = members.into_iter().map(member).collect();
                    format!("{{{}}}", if members.is_empty() { empty } else { members.join(",") })
                }
            ),
        ]
    })
}

proptest! {
    #[test]
    fn every_leaf_can_be_replaced_and_nothing_else_is_touched(
        record in json(), new in json(), picks in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let leaves = fields(record.as_bytes()).unwrap();
        let picked: std::collections::BTreeSet<usize> = picks.iter().map(|pick| pick.index(leaves.len())).collect();
        let changes: Vec<_> = picked.iter().map(|at| (leaves[*at].pointer.as_str(), new.as_bytes())).collect();
        let changed = String::from_utf8(replace(record.as_bytes(), &changes).unwrap()).unwrap();
        // every byte outside of the leaves is where it was
        let (mut expected, mut at) = (String::new(), 0);
        for picked in &picked {
            let raw = leaves[*picked].raw.clone();
            expected.push_str(&record[at..raw.start]);
            expected.push_str(new.trim());
            at = raw.end;
        }
        expected.push_str(&record[at..]);
        prop_assert_eq!(&changed, &expected);
        // and it means what a parser says
        let mut meant: Value = serde_json::from_str(&record).unwrap();
        for (pointer, _) in &changes {
            *meant.pointer_mut(pointer).unwrap() = serde_json::from_str(&new).unwrap();
        }
        prop_assert_eq!(serde_json::from_str::<Value>(&changed).unwrap(), meant);
    }

    #[test]
    fn the_leaves_are_those_that_a_parser_finds(record in json()) {
        let parsed: Value = serde_json::from_str(&record).unwrap();
        let leaves = fields(record.as_bytes()).unwrap();
        for field in &leaves {
            let value: Value = serde_json::from_str(&record[field.raw.clone()]).unwrap();
            prop_assert_eq!(parsed.pointer(&field.pointer), Some(&value));
        }
        prop_assert_eq!(leaves.len(), count(&parsed));
    }

    #[test]
    fn no_bytes_make_it_panic(record in prop::collection::vec(any::<u8>(), 0..60), pointer in "[/a0~]{0,4}") {
        let _ = (fields(&record), replace(&record, &[(&pointer, b"1")]), find(&record, &pointer));
    }
}
