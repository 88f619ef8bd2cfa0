//! Records that take little room, and of which a schema has much to say: memory and stack have their bounds, whatever it is.

use super::bench::Bench;
use super::bombs::{MOST_MEMORY, watched};

#[test]
fn a_record_may_be_as_deep_as_any_and_the_schema_take_many_steps_a_level() {
    let bench = Bench::calm();
    let steps: Vec<String> = (0..20)
        .map(|step| {
            format!(r##""{step}":{{"oneOf":[{{"type":"null"}},{{"$ref":"#/$defs/{}"}}]}}"##, step + 1)
        })
        .collect();
    let last = r##""20":{"type":["object","string"],"additionalProperties":{"$ref":"#/$defs/0"}}"##;
    bench.file("s.json", format!(r##"{{"$ref":"#/$defs/0","$defs":{{{},{last}}}}}"##, steps.join(",")));
    let deep = format!("{}1{}", "{\"a\":".repeat(120), "}".repeat(120));
    bench.file("a.json", format!("[{{\"a\":\"x\"}},{deep}]"));
    let words = ["check", "exchange", "a.json", "--schema", "s.json", "--profile", "env"];
    let told = bench.ends(&words, 1).out();
    assert!(told.contains("2, 1 of them invalid"), "{told}");
}

#[test]
fn what_is_wrong_with_a_record_takes_no_more_than_a_few_megabytes_to_say() {
    let bench = Bench::calm();
    // each of many values is told with the way to it, and that begins with a long name
    let (name, many) = ("n".repeat(100_000), "\"\":1,".repeat(50_000));
    bench.file("twice.json", format!("[{{\"{name}\":{{{many}\"\":1}}}}]"));
    let many: Vec<String> = (0..20_000).map(|number| format!("\"{number}\":1")).collect();
    bench.file("wrong.json", format!("[{{\"{name}\":{{{}}}}}]", many.join(",")));
    let map = r#"{"additionalProperties":{"additionalProperties":{"type":"string"}}}"#;
    bench.file("map.schema", map);
    bench.file("none.schema", format!(r#"{{"anyOf":[{{"type":"null"}},{map}]}}"#));
    // an object lacks hundreds of members, and there are nearly as many of them as are looked through
    let required: Vec<String> = (0..300).map(|number| format!("\"a{number}\"")).collect();
    let required =
        format!(r#"{{"additionalProperties":{{"items":{{"required":[{}]}}}}}}"#, required.join(","));
    bench.file("items.schema", required);
    let name = "n".repeat(4000);
    bench.file("items.json", format!("[{{\"{name}\":[{}{{}}]}}]", "{},".repeat(780)));
    // a text fits none of many, and each of those says so
    let codes: Vec<_> = (0..250).map(|code| format!("{{\"const\":\"c{code}\"}}")).collect();
    let codes = format!(r#"{{"additionalProperties":{{"items":{{"oneOf":[{}]}}}}}}"#, codes.join(","));
    bench.file("codes.schema", codes);
    bench.file("codes.json", format!("[{{\"a\":[{}\"\"]}}]", "\"\",".repeat(3000)));
    // each level fits none of two forms, and is told with a copy of it
    let tree = r##"{"anyOf":[{"type":"string"},{"type":"array","items":{"$ref":"#/$defs/tree"}}]}"##;
    let tree = format!(r##"{{"additionalProperties":{{"$ref":"#/$defs/tree"}},"$defs":{{"tree":{tree}}}}}"##);
    bench.file("tree.schema", tree);
    let wrong = format!("{}7,\"{}\"{}", "[".repeat(100), "x".repeat(1_000_000), "]".repeat(100));
    bench.file("tree.json", format!("[{{\"a\":{wrong}}}]"));
    let schemas = [
        ("twice.json", "interaction"),
        ("wrong.json", "map.schema"),
        ("wrong.json", "none.schema"),
        ("items.json", "items.schema"),
        ("codes.json", "codes.schema"),
        ("tree.json", "tree.schema"),
    ];
    for (file, schema) in schemas {
        let words = ["check", "exchange", file, "--schema", schema, "--profile", "env"];
        let ended = watched(&bench, &words, &[]);
        assert_eq!(ended.code, Some(1), "{file}: {}", ended.said);
        ended.assert_flat(file);
    }
}

#[test]
fn what_a_check_has_found_takes_no_more_than_a_few_megabytes_in_all() {
    let bench = Bench::calm();
    // many causes, each with many fields of long names; and a deep one in which each level stands twice
    let name = "\u{1F600}".repeat(249);
    let letter = |number: u32| char::from_u32(u32::from(b'a') + number % 26).unwrap();
    let record = |number: u32| {
        let (cause, value) = (number / 50, char::from_u32(0x1f600 + number % 50).unwrap());
        let words =
            (0..5).map(|word| [letter(cause / 26), letter(cause), letter(word)].iter().collect::<String>());
        let twice: Vec<String> = words.map(|word| format!("\"{0}\":1,\"{0}\":1,", word.repeat(20))).collect();
        format!("{{\"{name}{value}\":{{{}{}\"a\":1}}}}", twice.concat(), "\"a\":1,".repeat(46))
    };
    let many: Vec<String> = (0..2500).map(record).collect();
    bench.file("causes.json", format!("[{}]", many.join(",")));
    let deep = (0..100).fold("1".to_owned(), |inner, _| format!("{{\"a\":0,\"a\":{inner}}}"));
    let padded = format!("{{\"b\":\"{}\",\"c\":{deep}}}", "x".repeat(9_000_000));
    bench.file("deep.json", format!("[{padded}]"));
    for file in ["causes.json", "deep.json"] {
        let words = ["check", "exchange", file, "--profile", "env"];
        let ended = watched(&bench, &words, &[]);
        assert_eq!(ended.code, Some(1), "{file}: {}", ended.said);
        assert!(ended.memory < MOST_MEMORY, "{file}: {} MB", ended.memory >> 20);
    }
}
