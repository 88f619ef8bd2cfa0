//! Finds members of an object without reading their values: what is found is the text of the value, as it stands.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::text::one_line;

/// What became of one name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found<'a> {
    Missing,
    One(&'a str),
    /// The object has it more than once. RFC 8259 §4 leaves open which one counts, so none does.
    Twice,
}

/// What was found in one object.
#[derive(Debug)]
pub(super) struct Lookup<'a>(Vec<Found<'a>>);

impl<'a> Lookup<'a> {
    /// Looks for all of these names, which are sorted, in one pass.
    pub(super) fn in_object<N: AsRef<str>>(object: &'a [u8], names: &[N]) -> Result<Self, String> {
        if object.trim_ascii_start().first() != Some(&b'{') {
            return Err("the record is no object".to_owned());
        }
        let mut deserializer = serde_json::Deserializer::from_slice(object);
        let found =
            deserializer.deserialize_map(Members(names)).and_then(|found| deserializer.end().map(|()| found));
        found
            .map(Self)
            .map_err(|error| format!("the record cannot be read: {}", one_line(&error.to_string(), 256)))
    }

    pub(super) fn get(&self, index: usize) -> Found<'a> {
        self.0.get(index).copied().unwrap_or(Found::Missing)
    }
}

/// One step of a JSON Pointer (RFC 6901 §4): a member of an object, or an element of an array.
pub(super) fn member<'a>(value: &'a str, token: &str) -> Found<'a> {
    match value.as_bytes().first() {
        Some(b'{') => {
            Lookup::in_object(value.as_bytes(), &[token]).map_or(Found::Missing, |found| found.get(0))
        }
        Some(b'[') => {
            let is_index =
                token == "0" || !token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit());
            let index = if is_index { token.parse::<usize>().ok() } else { None };
            let elements: Vec<&RawValue> = serde_json::from_str(value).unwrap_or_default();
            index
                .and_then(|index| elements.get(index))
                .map_or(Found::Missing, |element| Found::One(element.get()))
        }
        _ => Found::Missing,
    }
}

struct Members<'n, N>(&'n [N]);

impl<'de, N: AsRef<str>> Visitor<'de> for Members<'_, N> {
    type Value = Vec<Found<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = vec![Found::Missing; self.0.len()];
        while let Some(index) = map.next_key_seed(Name(self.0))? {
            let Some(slot) = index.and_then(|index| found.get_mut(index)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value::<&RawValue>()?.get();
            *slot = if matches!(slot, Found::Missing) { Found::One(value) } else { Found::Twice };
        }
        Ok(found)
    }
}

/// Which of the names a member's name is.
struct Name<'n, N>(&'n [N]);

impl<'de, N: AsRef<str>> DeserializeSeed<'de> for Name<'_, N> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<N: AsRef<str>> Visitor<'_> for Name<'_, N> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.binary_search_by(|known| known.as_ref().cmp(name)).ok())
    }
}
