use std::fs;

use serde_json::json;

use super::*;

fn schema(schema: &Value) -> Schema {
    built(schema).unwrap()
}

fn built(schema: &Value) -> Result<Schema, SchemaError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.json");
    fs::write(&path, schema.to_string()).unwrap();
    Schema::load(&path)
}

fn pointer(violation: &Violation) -> &str {
    match &violation.place {
        crate::model::Place::Pointer(pointer) => pointer,
        crate::model::Place::Row(_) => panic!("a record has no rows"),
    }
}

/// The violations of a record as `pointer: reason`.
fn told(schema: &Schema, record: &str) -> Vec<String> {
    let violations = schema.check(record.as_bytes()).err().unwrap_or_default();
    for violation in &violations {
        assert!(violation.reason.chars().count() <= 401 && !violation.reason.contains(char::is_control));
        assert!(pointer(violation).chars().count() <= 257 && !pointer(violation).contains(char::is_control));
    }
    violations.iter().map(|one| format!("{}: {}", pointer(one), one.reason)).collect()
}

fn interaction() -> Value {
    json!({
        "external_id": "x-1", "timestamp": "2024-02-29T23:59:59.123+02:00", "channel": "voice",
        "duration_seconds": 0, "customer_segment": "gold"
    })
}

fn with(name: &str, value: Value) -> String {
    let mut record = interaction();
    record[name] = value;
    record.to_string()
}

#[test]
fn an_interaction_passes_also_with_more_than_is_asked_for() {
    let schema = Schema::built_in("interaction").unwrap();
    assert_eq!(schema.name(), "interaction");
    assert!(schema.check(interaction().to_string().as_bytes()).is_ok());
    assert!(schema.check(with("agent", json!({"id": 7})).as_bytes()).is_ok());
    assert!(schema.check(with("duration_seconds", json!(u64::MAX)).as_bytes()).is_ok());
}

#[test]
fn each_member_of_an_interaction_is_needed() {
    let schema = Schema::built_in("interaction").unwrap();
    for name in ["external_id", "timestamp", "channel", "duration_seconds", "customer_segment"] {
        let mut record = interaction();
        record.as_object_mut().unwrap().remove(name);
        assert_eq!(told(&schema, &record.to_string()), [format!("/{name}: `{name}` is missing")]);
    }
    assert_eq!(told(&schema, "{}").len(), 5);
}

#[test]
fn no_text_of_an_interaction_is_empty_or_something_else() {
    let schema = Schema::built_in("interaction").unwrap();
    for name in ["external_id", "channel", "customer_segment"] {
        let empty = told(&schema, &with(name, json!("")));
        assert_eq!(empty, [format!("/{name}: `{name}` must not be empty")]);
        for (other, shown) in [
            (json!(12), "the number 12"),
            (json!(null), "null"),
            (json!(["a"]), "an array"),
            (json!({}), "an object"),
        ] {
            let said = told(&schema, &with(name, other));
            assert_eq!(said, [format!("/{name}: `{name}` must be a text, and is {shown}")]);
        }
    }
}

#[test]
fn a_timestamp_is_a_whole_date_and_time_with_an_offset() {
    let schema = Schema::built_in("interaction").unwrap();
    for fine in
        ["2024-01-01T00:00:00Z", "2024-01-01t00:00:00z", "1999-12-31T23:59:60Z", "2024-01-01T00:00:00-00:00"]
    {
        assert!(schema.check(with("timestamp", json!(fine)).as_bytes()).is_ok(), "{fine}");
    }
    for bad in [
        "2024-01-01",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-01T00:00:00+25:00",
        " 2024-01-01T00:00:00Z",
        "1704067200",
    ] {
        let said = told(&schema, &with("timestamp", json!(bad)));
        assert_eq!(said.len(), 1, "{bad}: {said:?}");
        assert!(
            said[0].starts_with("/timestamp: `timestamp` must be a date and time with an offset"),
            "{said:?}"
        );
        assert!(said[0].ends_with(&format!("\"{}\"", bad.trim())), "{said:?}");
    }
}

#[test]
fn a_duration_is_an_integer_from_zero_on() {
    let schema = Schema::built_in("interaction").unwrap();
    let said = |value| {
        told(
            &schema,
            &interaction()
                .to_string()
                .replace("\"duration_seconds\":0", &format!("\"duration_seconds\":{value}")),
        )
    };
    for fine in ["0", "1.0", "1e3", "-0.0", "86400"] {
        assert_eq!(said(fine), [""; 0], "{fine}");
    }
    for (bad, words) in [
        ("-1", "must be at least 0, and is the number -1"),
        ("1.5", "must be an integer, and is the number 1.5"),
        ("\"12\"", "must be an integer, and is the text \"12\""),
        ("true", "must be an integer, and is true"),
    ] {
        assert_eq!(said(bad), [format!("/duration_seconds: `duration_seconds` {words}")]);
    }
}

#[test]
fn every_violation_is_told_and_not_only_the_first() {
    let schema = Schema::built_in("interaction").unwrap();
    let said = told(
        &schema,
        r#"{"external_id": "", "timestamp": "now", "duration_seconds": -1.5, "customer_segment": "a"}"#,
    );
    let pointers: Vec<&str> = said.iter().map(|one| one.split(':').next().unwrap()).collect();
    for pointer in ["/external_id", "/timestamp", "/channel"] {
        assert_eq!(pointers.iter().filter(|one| **one == pointer).count(), 1, "{said:?}");
    }
    assert_eq!(pointers.iter().filter(|one| **one == "/duration_seconds").count(), 2, "{said:?}");
}

#[test]
fn what_is_no_record_is_one_violation_of_the_whole() {
    let schema = Schema::built_in("interaction").unwrap();
    assert_eq!(told(&schema, "[1]"), [": the record must be an object, and is an array"]);
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(200), "]".repeat(200));
    for bad in ["{", "{} {}", "", r#"{"a": "\ud800"}"#, r#"{"a": 1e400}"#, &deep, &"[".repeat(1_000_000)] {
        let said = told(&schema, bad);
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with(": the record cannot be read: "), "{said:?}");
    }
    assert!(schema.check(b"\xff").is_err());
}

#[test]
fn a_member_that_stands_twice_is_a_violation_even_where_both_pass() {
    let schema = schema(&json!({}));
    let said = told(&schema, r#"{"a": [0, {"b/c": 1, "\u0062/c": 2}], "a": 3, "d": {"d": 4}}"#);
    assert_eq!(
        said,
        [
            "/a/1/b~1c: `b/c` stands more than once, so nobody knows which one counts",
            "/a: `a` stands more than once, so nobody knows which one counts"
        ]
    );
}

#[test]
fn a_flood_of_violations_is_cut_and_counted() {
    let schema = schema(&json!({"items": {"type": "string"}}));
    let said = told(&schema, &json!(vec![1; 300]).to_string());
    assert_eq!(said.len(), 51);
    assert_eq!(said[0], "/0: `/0` must be a text, and is the number 1");
    assert_eq!(said[50], ": there are 250 more violations");
    let large = format!("[{}1]", "1,".repeat(600_000));
    assert_eq!(
        told(&schema, &large),
        [": the record does not keep to the schema; where is not looked for in so large a one"]
    );
    assert_eq!(told(&schema, &large.replace('1', "\"\"")), [""; 0]);
    // an object can lack as many members as the schema requires, and many of them as many times that
    let names: Vec<String> = (0..100).map(|number| format!("a{number}")).collect();
    let lacking = self::schema(&json!({"items": {"required": names}}));
    assert_eq!(told(&lacking, "[{}]").len(), 51);
    assert_eq!(
        told(&lacking, &format!("[{}{{}}]", "{},".repeat(1000))),
        [": the record does not keep to the schema; where is not looked for in so large a one"]
    );
    // a long text alone is told of, with what else is wrong
    let long = json!(["x".repeat(500_000), 7]).to_string();
    assert_eq!(told(&schema, &long), ["/1: `/1` must be a text, and is the number 7"]);
}

#[test]
fn only_the_beginning_of_a_value_is_repeated_and_made_safe() {
    let schema = schema(
        &json!({"properties": {"a": {"const": 1}, "b": {"pattern": "^x"}}, "additionalProperties": false}),
    );
    let long = "\u{1b}[31m".repeat(5000);
    let record = json!({"a": long, "b": long, long.as_str(): 1}).to_string();
    for said in told(&schema, &record) {
        assert!(said.len() < 700, "{said}");
    }
    assert_eq!(told(&schema, &record).len(), 3);
}

#[test]
fn every_rule_has_its_words() {
    for (rule, record, expected) in [
        (
            json!({"type": ["integer", "null"]}),
            json!("x"),
            "the record must be null or an integer, and is the text \"x\"",
        ),
        (json!({"minLength": 3}), json!("ö"), "the record must have at least 3 characters, and has 1"),
        (json!({"maxLength": 1}), json!("öö"), "the record must have at most 1 characters, and has 2"),
        (json!({"minItems": 1}), json!([]), "the record must not be empty"),
        (json!({"minItems": 2}), json!([1]), "the record must have at least 2 elements, and has 1"),
        (json!({"maxItems": 1}), json!([1, 2]), "the record must have at most 1 elements, and has 2"),
        (json!({"minProperties": 2}), json!({}), "the record must have at least 2 members, and has 0"),
        (json!({"maxProperties": 0}), json!({"a": 1}), "the record must have at most 0 members, and has 1"),
        (json!({"maximum": 5}), json!(6), "the record must be at most 5, and is the number 6"),
        (json!({"exclusiveMinimum": 5}), json!(5), "the record must be more than 5, and is the number 5"),
        (json!({"exclusiveMaximum": 5}), json!(5), "the record must be less than 5, and is the number 5"),
        (json!({"multipleOf": 5}), json!(7), "the record must be a multiple of 5, and is the number 7"),
        (json!({"const": "a"}), json!(""), "the record must be \"a\", and is empty"),
        (
            json!({"enum": ["a", 1, null]}),
            json!("b"),
            "the record must be one of \"a\", 1, null, and is the text \"b\"",
        ),
        (
            json!({"format": "email"}),
            json!("sam"),
            "the record must be an e-mail address, and is the text \"sam\"",
        ),
        (
            json!({"format": "ipv4"}),
            json!("1.2"),
            "the record must be of the format `ipv4`, and is the text \"1.2\"",
        ),
        (
            json!({"pattern": "^\\d+$"}),
            json!("b"),
            "the record must match the pattern `^\\d+$`, and is the text \"b\"",
        ),
        (json!({"uniqueItems": true}), json!([1, 1]), "the record must not have one element twice"),
        (
            json!({"prefixItems": [true], "unevaluatedItems": false}),
            json!([1, 2]),
            "the record has 1 elements that are not allowed",
        ),
        (
            json!({"contains": {"type": "null"}}),
            json!([1]),
            "the record must contain elements of the form that the schema names (`contains`)",
        ),
        (json!({"not": {}}), json!(1), "the record is of a form that is not allowed (`not`): the number 1"),
        (
            json!({"anyOf": [{"type": "string"}, {"minimum": 5}]}),
            json!(1),
            "the record fits none of the 2 allowed forms: the record must be a text, and is the number 1; or the record must be at least 5, and is the number 1",
        ),
        (
            json!({"oneOf": [{}, true]}),
            json!(1),
            "the record fits more than one of the forms of which it must fit one (`oneOf`)",
        ),
        (
            json!({"propertyNames": {"maxLength": 2}}),
            json!({"long": 1}),
            "the record has a member whose name is not allowed: `long` must have at most 2 characters, and has 4",
        ),
    ] {
        assert_eq!(told(&schema(&rule), &record.to_string()), [format!(": {expected}")], "{rule}");
    }
    let extra = schema(&json!({"properties": {"a": {}, "c": false}, "unevaluatedProperties": false}));
    assert_eq!(
        told(&extra, r#"{"b": 1, "c": 2}"#),
        ["/c: `c` is not allowed", "/b: `b` is not allowed here"]
    );
    let closed = schema(&json!({"prefixItems": [true], "items": false}));
    assert_eq!(told(&closed, "[1, 2]"), ["/1: `/1` is not allowed"]);
    let dependent = schema(&json!({"dependentRequired": {"a": ["b"]}}));
    assert_eq!(told(&dependent, r#"{"a": 1}"#), ["/b: `b` is missing"]);
}

#[test]
fn a_pattern_that_goes_back_for_ever_ends_as_a_violation() {
    let schema = schema(&json!({"pattern": "^(?=(a+)+$)b"}));
    let said = told(&schema, &json!(format!("{}!", "a".repeat(5000))).to_string());
    assert_eq!(said.len(), 1);
}

#[test]
fn a_name_that_is_neither_built_in_nor_a_file_says_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let said = Schema::named_or_file("interactions", folder.path()).unwrap_err().to_string();
    assert!(
        said.starts_with("`interactions`: there is no such file") && said.contains("`interaction`"),
        "{said}"
    );
    assert!(matches!(Schema::built_in("other"), Err(SchemaError::Unknown { .. })));
    fs::write(folder.path().join("mine.json"), "{\"type\": \"array\"}").unwrap();
    assert!(Schema::named_or_file("mine.json", folder.path()).unwrap().check(b"[]").is_ok());
    assert_eq!(Schema::named_or_file("interaction", folder.path()).unwrap().name(), "interaction");
    let said = Schema::named_or_file(".", folder.path()).unwrap_err().to_string();
    assert!(said.starts_with("reading the schema "), "{said}");
}

#[test]
fn a_schema_of_another_draft_is_refused_and_says_which_one_is_taken() {
    for other in [
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
        "https://example.com/own",
    ] {
        let said = built(&json!({"$schema": other})).unwrap_err().to_string();
        assert!(said.contains(&format!("`{other}`")) && said.contains("2020-12"), "{said}");
    }
    assert!(matches!(built(&json!({"$schema": 7})), Err(SchemaError::Draft { .. })));
    for ours in [json!({"$schema": DRAFT}), json!({"$schema": format!("{DRAFT}#")}), json!({}), json!(true)] {
        assert!(built(&ours).is_ok(), "{ours}");
    }
}

#[test]
fn a_file_that_is_no_schema_says_where_it_is_wrong() {
    for (bad, words) in [
        (json!({"properties": {"a": {"type": "text"}}}), "not sound at `/properties/a/type`"),
        (json!({"required": "a"}), "not sound at `/required`"),
        (json!({"pattern": "("}), "not sound"),
        (json!({"format": "datetime"}), "Unknown format: 'datetime'"),
        (json!({"$ref": "#/$defs/none"}), "/$defs/none"),
        (json!([]), "not sound"),
        (json!("x"), "not sound"),
    ] {
        let said = built(&bad).unwrap_err().to_string();
        assert!(said.starts_with("the schema `") && said.contains(words), "{bad}: {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.json");
    fs::write(&path, "{\"a\":\n}").unwrap();
    assert!(Schema::load(&path).unwrap_err().to_string().contains("line 2"));
    fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
    assert!(Schema::load(&path).unwrap_err().to_string().contains("over 1 MiB"));
    fs::write(&path, "[".repeat(100_000)).unwrap();
    assert!(matches!(Schema::load(&path), Err(SchemaError::NotJson { .. })));
    fs::write(&path, "\u{feff}{\"type\": \"null\"}").unwrap();
    assert!(Schema::load(&path).unwrap().check(b"null").is_ok());
}

#[test]
fn a_schema_leans_on_itself_and_on_files_beside_and_below_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("parts of it")).unwrap();
    fs::write(folder.path().join("parts of it/id.json"), r#"{"$ref": "../main.json#/$defs/text"}"#).unwrap();
    let main = json!({
        "properties": {"id": {"$ref": "parts%20of%20it/id.json"}, "more": {"$ref": "#"}},
        "$defs": {"text": {"type": "string"}}
    });
    let path = folder.path().join("main.json");
    fs::write(&path, main.to_string()).unwrap();
    let schema = Schema::load(&path).unwrap();
    assert_eq!(
        told(&schema, r#"{"more": {"id": 1}}"#),
        ["/more/id: `id` must be a text, and is the number 1"]
    );
}

#[test]
fn a_schema_leads_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("outside.json"), "{}").unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    std::os::unix::fs::symlink("../outside.json", folder.path().join("in/link.json")).unwrap();
    fs::write(folder.path().join("in/old.json"), r#"{"$schema": "http://json-schema.org/draft-04/schema#"}"#)
        .unwrap();
    let path = folder.path().join("in/main.json");
    for (reference, words) in [
        ("http://127.0.0.1:9/x.json", "nothing is fetched"),
        ("https://example.com/x.json", "nothing is fetched"),
        ("ftp://example.com/x", "nothing is fetched"),
        ("//example.com/x", "nothing is fetched"),
        ("../outside.json", "outside the schema's own folder"),
        ("%2e%2e/outside.json", "outside the schema's own folder"),
        ("link.json", "outside the schema's own folder"),
        ("file:///etc/passwd", "outside the schema's own folder"),
        ("none.json", "No such file"),
        ("old.json", "only draft 2020-12"),
    ] {
        fs::write(&path, json!({"$ref": reference}).to_string()).unwrap();
        let said = Schema::load(&path).unwrap_err().to_string();
        assert!(said.contains("refers to `") && said.contains(words), "{reference}: {said}");
    }
}

#[test]
fn a_schema_that_leans_only_on_itself_does_not_end_the_program() {
    for circle in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#"}]}}}),
    ] {
        let schema = schema(&circle);
        assert!(schema.check(b"{}").is_ok(), "{circle}");
    }
}

#[test]
fn what_would_be_a_thousand_times_as_much_memory_is_not_read() {
    let schema = Schema::built_in("interaction").unwrap();
    let many = format!("{{\"a\":[{}0]}}", "{\"\":0},".repeat(300_000));
    let violations = schema.check(many.as_bytes()).unwrap_err();
    assert!(violations[0].reason.contains("too many values"), "{}", violations[0].reason);
    assert_eq!(violations.len(), 1);
    // one large text is no trouble
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(9_000_000));
    assert!(schema.check(long.as_bytes()).unwrap_err().iter().all(|one| !one.reason.contains("too many")));
}
