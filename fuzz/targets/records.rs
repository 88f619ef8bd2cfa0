//! What is made of a record.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;
use trunkline::dataset::canonical;
use trunkline::dataset::map::Mapping;
use trunkline::dataset::patch as editing;
use trunkline::dataset::schema::Schema;
use trunkline::journal::Extent;
use trunkline::model::{OperationKind, RunId, Violation};
use trunkline::operation::{self, Draft, Operation};
use trunkline::plan::Plan;

use super::{folder, hostile, json, parts};

fn are_safe(violations: &[Violation]) {
    assert!(!violations.is_empty() && violations.len() <= 51, "{}", violations.len());
    for violation in violations {
        assert!(!violation.reason.is_empty());
        hostile::assert_inert("reason", &violation.reason);
    }
}

/// A schema, `%%`, a record.
pub fn schema(input: &[u8]) {
    thread_local! {
        static OURS: Schema = Schema::built_in("interaction").unwrap();
    }
    let (text, record) = parts(input);
    for record in [text, record] {
        OURS.with(|schema| schema.check(record)).unwrap_or_else(|violations| are_safe(&violations));
    }
    // its name is one that only this target has, so that a reference to the file beside it leads here
    let folder = folder().join("schemas");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("schema.json");
    std::fs::write(&path, text).unwrap();
    match Schema::named_or_file("schema.json", &folder) {
        Ok(schema) => schema.check(record).unwrap_or_else(|violations| are_safe(&violations)),
        Err(error) => hostile::assert_inert("schema", &error.to_string()),
    }
}

/// A plan's `[operation.map]`, `%%`, a record.
pub fn map(input: &[u8]) {
    let (text, record) = parts(input);
    let Some(table) = str::from_utf8(text).ok().and_then(|text| text.parse::<toml::Table>().ok()) else {
        return;
    };
    let mapping = match Mapping::from_toml(&table) {
        Ok(mapping) => mapping,
        Err(error) => return hostile::assert_inert("map", &error.to_string()),
    };
    match mapping.apply(record, 10_000_000) {
        Ok(made) => {
            assert_eq!(
                mapping.apply(record, 10_000_000).as_ref(),
                Ok(&made),
                "the same record makes the same one"
            );
            let object: Value =
                serde_json::from_slice(&made).unwrap_or_else(|error| panic!("{error}: {made:?}"));
            let names: BTreeSet<&String> = object.as_object().unwrap().keys().collect();
            assert_eq!(names, table.keys().collect());
            let Ok(before) = serde_json::from_slice::<std::collections::HashMap<String, &RawValue>>(record)
            else {
                return;
            };
            let after: std::collections::HashMap<String, &RawValue> = serde_json::from_slice(&made).unwrap();
            for (name, source) in &table {
                let Some(source) = source.as_str().filter(|source| !source.starts_with('/')) else {
                    continue;
                };
                assert_eq!(after[name].get(), before[source].get(), "a value that is copied keeps its bytes");
            }
        }
        Err(violations) => violations.iter().for_each(|one| hostile::assert_inert("reason", &one.reason)),
    }
}

/// A record, `%%`, a new value, `%%`, a pointer.
pub fn patch(input: &[u8]) {
    let (record, rest) = parts(input);
    let (value, pointer) = parts(rest);
    let pointer = String::from_utf8_lossy(pointer);
    let is_json = |text: &[u8]| serde_json::from_slice::<&RawValue>(text).is_ok();
    let fields = match editing::fields(record) {
        Ok(fields) => fields,
        Err(error) => {
            hostile::assert_inert("no fields", &error.to_string());
            return;
        }
    };
    for field in fields.iter().take(50) {
        let raw = &record[field.raw.clone()];
        assert!(is_json(raw), "a field is JSON");
        assert_eq!(
            editing::replace(record, &[(&field.pointer, raw)]).as_deref(),
            Ok(record),
            "nothing is changed"
        );
        if is_json(value) {
            let changed = editing::replace(record, &[(&field.pointer, value)]).unwrap();
            let around = [&record[..field.raw.start], value.trim_ascii(), &record[field.raw.end..]].concat();
            assert_eq!(changed, around, "every other byte stays");
        }
    }
    match editing::replace(record, &[(&pointer, value)]) {
        Ok(changed) => {
            let (Ok(changed), Ok(value)) =
                (serde_json::from_slice::<Value>(&changed), serde_json::from_slice::<Value>(value))
            else {
                // a number or a half of a pair that no value can hold
                assert!(is_json(&changed), "an edited record is JSON");
                return;
            };
            assert_eq!(changed.pointer(&pointer), Some(&value), "the value is where it was put");
        }
        Err(error) => hostile::assert_inert("no edit", &error.to_string()),
    }
    if let Ok(found) = editing::find(record, &pointer) {
        assert!(found.values.iter().all(|range| is_json(&record[range.clone()])));
    }
}

/// A record. Held against a second implementation of RFC 8785, but for integers that are no doubles.
pub fn canonical(record: &[u8]) {
    let mut text = b"before".to_vec();
    let made = canonical::canonical(record, &mut text);
    let sound = str::from_utf8(record)
        .ok()
        .filter(|_| serde_json::from_slice::<serde::de::IgnoredAny>(record).is_ok());
    let node = sound.map(json::read).filter(|node| json::depth(node) <= 128);
    let expected = node.as_ref().and_then(|node| {
        let mut expected = "before".to_owned();
        json::canonical(node, &mut expected).map(|()| expected)
    });
    match made {
        Ok(()) => assert_eq!(Some(String::from_utf8(text.clone()).unwrap()), expected),
        Err(error) => {
            hostile::assert_inert("no canonical form", &error.to_string());
            assert_eq!((text.as_slice(), expected), (&b"before"[..], None), "{error}");
            return;
        }
    }
    let mut other = String::new();
    json::otherwise(node.as_ref().unwrap(), &mut other);
    let mut again = b"before".to_vec();
    canonical::canonical(other.as_bytes(), &mut again).expect("the same value");
    assert_eq!(text, again, "order, space and escapes make no difference");
    let mut twice = Vec::new();
    canonical::canonical(&text[6..], &mut twice).expect("a canonical text");
    if !has_large_integer(node.as_ref().unwrap()) {
        assert_eq!(text[6..], twice, "a canonical text is its own");
    }
}

/// The seam that the program's own words name: a double of at least 2^53 may be written as an integer that is none.
fn has_large_integer(node: &json::Node) -> bool {
    match node {
        json::Node::Number(number) => {
            number.parse::<f64>().is_ok_and(|double| double.abs() >= 9_007_199_254_740_992.0)
        }
        json::Node::Array(elements) => elements.iter().any(has_large_integer),
        json::Node::Object(members) => members.iter().any(|(_, value)| has_large_integer(value)),
        json::Node::Word(_) | json::Node::Text(_) => false,
    }
}

/// Two records with `%%` between them: their keys are equal if and only if their canonical texts are.
pub fn key(input: &[u8]) {
    thread_local! {
        static EXECUTE: std::sync::Arc<dyn Operation> = {
            let mut plan = Plan::new(OperationKind::Execute);
            plan.set("action", "a-1").unwrap();
            operation::of(&plan).unwrap()
        };
    }
    let (one, other) = parts(input);
    let key = |record: &[u8], position: u64| {
        EXECUTE.with(|operation| {
            let records = vec![operation.admit(Bytes::copy_from_slice(record)).ok()?];
            let run: RunId = "018f0000-0000-7000-8000-000000000000".parse().unwrap();
            let extent = Extent { dataset: 0, first: position, span: 1, count: 1 };
            let draft =
                Draft { seq: position, extent, records, correlation_id: "".into(), holes: Vec::new() };
            let item = operation.build(run, draft);
            assert_eq!(item.body, record, "it goes out as it stands");
            assert!(item.key.len() == 64 && item.key.bytes().all(|byte| byte.is_ascii_hexdigit()));
            Some(item.key)
        })
    };
    let text = |record: &[u8]| {
        let mut text = Vec::new();
        canonical::canonical(record, &mut text).ok().map(|()| text)
    };
    let (first, second) = (key(one, 1), key(other, 2));
    assert_eq!((first.is_some(), second.is_some()), (text(one).is_some(), text(other).is_some()));
    if let (Some(first), Some(second)) = (&first, &second) {
        assert_eq!(first == second, text(one) == text(other), "keys are equal where the texts are");
    }
    if let Some(first) = first {
        let mut written = String::new();
        json::otherwise(&json::read(str::from_utf8(one).unwrap()), &mut written);
        assert_eq!(key(written.as_bytes(), 3), Some(first), "however it is written");
    }
}
