//! Reads a record for the validator, and notes the members that stand twice in one object: a map of values shows only
//! the last of them.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use super::file::Most;
use crate::text::one_line;

/// The most memory that a record may take as the validator sees it, in bytes. A text takes about as much as in the
/// record, but an object of one short member takes a hundred times as much.
const MOST_MEMORY: usize = 64 << 20;
/// What a value takes beside what hangs on it.
const OF_VALUE: usize = size_of::<Value>();
/// What a violation takes as the validator tells it, beside the way to its value.
const OF_VIOLATION: usize = 512;
/// What an object takes for up to eleven members: the map of the standard library is a tree of nodes of that size.
const OF_OBJECT: usize = 11 * (OF_VALUE + size_of::<String>()) + 16;

/// A record as the validator sees it.
pub(super) struct Record {
    pub(super) value: Value,
    /// JSON Pointers of the first members that stand more than once, and how many more there are.
    pub(super) twice: (Vec<String>, usize),
    /// About the memory that it takes to tell one violation of each value, and one of each member that may be missing, in
    /// bytes: each has the whole way to the value, and some a copy of it.
    pub(super) violations: usize,
    /// How many levels it has.
    pub(super) depth: usize,
}

/// Reads one JSON value, of which the schema can say so much at the most. The error is one for a person.
pub(super) fn record(text: &[u8], most: Most) -> Result<Record, String> {
    let mut seen = Seen { twice: Vec::new(), more: 0, left: MOST_MEMORY, most, violations: 0, depth: 0 };
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Reading { seen: &mut seen, way: 0, level: 0 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| format!("the record cannot be read: {}", one_line(&error.to_string(), 256)))?;
    let pointer = |way: &Way| way.iter().rev().map(|step| super::words::step(step)).collect();
    let twice = (seen.twice.iter().map(pointer).collect(), seen.more);
    Ok(Record { value, twice, violations: seen.violations, depth: seen.depth })
}

/// The way to a member: its own name first, as the rest is learnt only on the way back.
type Way = Vec<String>;

/// What was seen of the record so far.
struct Seen {
    /// The first members that stand twice, as many as are told, and how many more there were.
    twice: Vec<Way>,
    more: usize,
    /// Bytes that the rest may take.
    left: usize,
    most: Most,
    violations: usize,
    depth: usize,
}

struct Reading<'w> {
    seen: &'w mut Seen,
    /// Bytes of the way to this value, and its steps.
    way: usize,
    level: usize,
}

impl Reading<'_> {
    /// Weighs so many violations at the end of a way, by each rule.
    fn weigh(&mut self, violations: usize, way: usize) {
        self.add(violations.saturating_mul(OF_VIOLATION + way));
    }

    /// The same for copies of a value.
    fn add(&mut self, bytes: usize) {
        let bytes = bytes.saturating_mul(self.seen.most.rules.max(1));
        self.seen.violations = self.seen.violations.saturating_add(bytes);
    }

    /// For a value within this one, by a step of so many bytes.
    fn inner(&mut self, step: usize) -> Reading<'_> {
        let way = self.way + 1 + step;
        self.weigh(1, way);
        self.seen.depth = self.seen.depth.max(self.level + 1);
        Reading { seen: self.seen, way, level: self.level + 1 }
    }

    fn takes<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        self.seen.left = self.seen.left.checked_sub(bytes).ok_or_else(|| {
            E::custom(
                "it holds too many values to be checked against a schema: split it into several records",
            )
        })?;
        Ok(())
    }

    /// Adds a step to the ways that were found below it, or as much of it as a person is shown of a way.
    fn came_through(&mut self, before: usize, step: &str) {
        for way in self.seen.twice.iter_mut().skip(before) {
            way.push(shown(step));
        }
    }

    fn stands_twice(&mut self, name: &str) {
        if self.seen.twice.len() < super::MOST {
            self.seen.twice.push(vec![shown(name)]);
        } else {
            self.seen.more += 1;
        }
    }
}

/// A step with one character more than are shown of a whole way.
fn shown(step: &str) -> String {
    step.chars().take(super::words::POINTER_LENGTH + 1).collect()
}

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: Error>(mut self, value: String) -> Result<Value, E> {
        self.takes(value.len())?;
        self.add(value.len());
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        let left = self.seen.left;
        loop {
            let before = self.seen.twice.len();
            let Some(element) = elements.next_element_seed(self.inner(1))? else {
                self.add(left - self.seen.left);
                return Ok(Value::Array(array));
            };
            // an array that grows is moved into one of twice its size
            self.takes(2 * OF_VALUE)?;
            if before < self.seen.twice.len() {
                self.came_through(before, &array.len().to_string());
            }
            array.push(element);
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        let left = self.seen.left;
        while let Some(name) = members.next_key::<String>()? {
            self.takes(name.len() + if object.len().is_multiple_of(6) { OF_OBJECT } else { 0 })?;
            let before = self.seen.twice.len();
            let value = members.next_value_seed(self.inner(name.len()))?;
            self.came_through(before, &name);
            match object.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(mut taken) => {
                    taken.insert(value);
                    let name = taken.key().clone();
                    self.stands_twice(&name);
                }
            }
        }
        self.add(left - self.seen.left);
        // each that is missing is one; those that are there are weighed as values
        self.weigh(self.seen.most.required.saturating_sub(object.len()), self.way);
        Ok(Value::Object(object))
    }
}
