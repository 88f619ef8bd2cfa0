//! One pass over a result's document, member by member, holding no more than one row of it.

use std::cell::Cell;
use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{CODE_LENGTH, MESSAGE_LENGTH, ROW_BYTES, RowError, Summary};
use crate::text::one_line;

/// What a pass found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pass {
    top: Found,
    under_result: Found,
}

impl Pass {
    pub(super) fn holds(&self, place: Section) -> bool {
        self.at(place).known > 0
    }

    pub(super) fn summary(&self, place: Section) -> Summary {
        self.at(place).summary
    }

    const fn at(&self, place: Section) -> &Found {
        match place {
            Section::Top => &self.top,
            Section::UnderResult => &self.under_result,
        }
    }
}

/// A place at which a result may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// The document is the result.
    Top,
    /// The document has it under `result`.
    UnderResult,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    summary: Summary,
    /// Members of a result that stand there.
    known: usize,
}

/// Takes a row and says whether to go on.
type Take<'t> = &'t mut dyn FnMut(Section, RowError) -> bool;

/// Reads a document to its end. `left` is what may still be read until it is set anew.
pub(super) fn run(text: impl Read, left: &Cell<u64>, take: Take<'_>) -> serde_json::Result<Pass> {
    let mut deserializer = serde_json::Deserializer::from_reader(text);
    let mut under_result = Found::default();
    let seed = Members { place: Section::Top, left, take, under_result: Some(&mut under_result) };
    let top = seed.deserialize(&mut deserializer)?;
    left.set(u64::MAX);
    deserializer.end()?;
    Ok(Pass { top, under_result })
}

/// An object whose members may be a result's.
struct Members<'s> {
    place: Section,
    left: &'s Cell<u64>,
    take: Take<'s>,
    /// Where to note what stands under `result`, where that can be.
    under_result: Option<&'s mut Found>,
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Found, A::Error> {
        let mut found = Found::default();
        loop {
            self.left.set(ROW_BYTES);
            let Some(name) = members.next_key::<String>()? else { break };
            match (name.as_str(), &mut self.under_result) {
                ("imported" | "failed" | "duplicate", _) => {
                    let number = number(&members.next_value::<Value>()?);
                    found.known += usize::from(number.is_some());
                    match name.as_str() {
                        "imported" => found.summary.imported = number,
                        "failed" => found.summary.failed = number,
                        _ => found.summary.duplicate = number,
                    }
                }
                ("errors", _) => {
                    let rows = Rows { place: self.place, left: self.left, take: &mut *self.take };
                    if let Some(rows) = members.next_value_seed(rows)? {
                        found.known += 1;
                        found.summary.rows += rows;
                    }
                }
                ("result", Some(inner)) => {
                    let (left, take) = (self.left, &mut *self.take);
                    let seed = Members { place: Section::UnderResult, left, take, under_result: None };
                    **inner = members.next_value_seed(seed)?;
                }
                _ => {
                    self.left.set(u64::MAX);
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Found, A::Error> {
        self.left.set(u64::MAX);
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Found::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Found, E> {
        Ok(Found::default())
    }
}

/// The entries of `errors`; how many there are, or `None` where it is no array.
struct Rows<'s> {
    place: Section,
    left: &'s Cell<u64>,
    take: Take<'s>,
}

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut rows = 0;
        loop {
            self.left.set(ROW_BYTES);
            let Some(entry) = entries.next_element::<Value>()? else { return Ok(Some(rows)) };
            rows += 1;
            if !(self.take)(self.place, row(&entry)) {
                return Err(A::Error::custom("no more rows are taken"));
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

fn row(entry: &Value) -> RowError {
    let text = |key: &str, most| match entry.get(key) {
        Some(Value::String(text)) => Some(one_line(text, most)).filter(|text| !text.is_empty()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let code = text("code", CODE_LENGTH);
    let message = match entry {
        Value::String(text) => Some(one_line(text, MESSAGE_LENGTH)).filter(|text| !text.is_empty()),
        _ => text("message", MESSAGE_LENGTH),
    };
    let message = message
        .or_else(|| code.clone())
        .unwrap_or_else(|| "the platform does not say what is wrong with it".to_owned());
    RowError { code, message, row: entry.get("rowNumber").and_then(number) }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
