//! Reads a record for the validator, and notes the members that stand twice in one object: a map of values shows only
//! the last of them.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::text::one_line;

/// A record as the validator sees it.
pub(super) struct Record {
    pub(super) value: Value,
    /// JSON Pointers of the members that stand more than once.
    pub(super) twice: Vec<String>,
}

/// Reads one JSON value. The error is one for a person.
pub(super) fn record(text: &[u8]) -> Result<Record, String> {
    let mut ways = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Reading { twice: &mut ways }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| format!("the record cannot be read: {}", one_line(&error.to_string(), 256)))?;
    let twice =
        ways.iter().map(|way| way.iter().rev().map(|step| super::words::step(step)).collect()).collect();
    Ok(Record { value, twice })
}

/// The way to a member: its own name first, as the rest is learnt only on the way back.
type Way = Vec<String>;

struct Reading<'w> {
    twice: &'w mut Vec<Way>,
}

impl Reading<'_> {
    fn inner(&mut self) -> Reading<'_> {
        Reading { twice: self.twice }
    }

    /// Adds a step to the ways that were found below it.
    fn came_through(&mut self, before: usize, step: impl Fn() -> String) {
        for way in self.twice.iter_mut().skip(before) {
            way.push(step());
        }
    }
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
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        loop {
            let before = self.twice.len();
            let Some(element) = elements.next_element_seed(self.inner())? else {
                return Ok(Value::Array(array));
            };
            self.came_through(before, || array.len().to_string());
            array.push(element);
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let before = self.twice.len();
            let value = members.next_value_seed(self.inner())?;
            self.came_through(before, || name.clone());
            match object.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(mut taken) => {
                    self.twice.push(vec![taken.key().clone()]);
                    taken.insert(value);
                }
            }
        }
        Ok(Value::Object(object))
    }
}
