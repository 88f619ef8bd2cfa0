//! The first records of a file: its format, its fields with their types, and the first place that is malformed.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::LONGEST;
use crate::dataset::{Compression, DatasetError, Entry, Format, Limits, Reader};
use crate::text::one_line;

/// How many records are read.
const RECORDS: usize = 50;

/// The longest value that is kept, in characters.
const VALUE: usize = 120;

/// The most fields that are told apart. Who has more of them scrolls no table.
const FIELDS: usize = 500;

/// The longest name of a field that is told apart, and the longest pointer, in bytes: each stands in memory many times.
const LONGEST_NAME: usize = 1024;

/// How far below a record's own members fields are named, for those who map them.
const DEPTH: usize = 4;

/// The first records of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peek {
    /// The format, in words.
    pub format: String,
    /// How the file is compressed, in words.
    pub compression: Option<&'static str>,
    /// Bytes in the file.
    pub bytes: u64,
    /// The fields, in the order in which they were met.
    pub fields: Vec<FieldSeen>,
    /// Fields within fields, as JSON Pointers (RFC 6901).
    pub inner: Vec<String>,
    /// The records: a value a field, none where it is not there. Records that can't be used have no values.
    pub rows: Vec<Vec<Option<String>>>,
    /// Records that can't be used, by their place among the rows, with the reason.
    pub unusable: Vec<(usize, String)>,
    /// The first malformed place, where one was met.
    pub broken: Option<String>,
    /// Whether there is more than was read.
    pub more: bool,
}

/// A field of the first records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSeen {
    /// Its name.
    pub name: String,
    /// The types of its values, the first met first.
    pub types: Vec<&'static str>,
    /// In how many of the records it is.
    pub records: usize,
}

/// A record's members in their order, each as it stands there.
struct Members<'r>(Vec<(String, &'r RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

/// Reads the first records of a file.
pub(super) fn peek(path: &Path) -> Result<Peek, String> {
    let sentence = |error: &DatasetError| one_line(&error.to_string(), LONGEST);
    let reader = Reader::open(path, Limits::default(), None).map_err(|error| sentence(&error))?;
    let mut peek = Peek {
        format: format(reader.format()),
        compression: match reader.compression() {
            Compression::None => None,
            Compression::Gzip => Some("gzip"),
            Compression::Zstd => Some("zstd"),
        },
        bytes: std::fs::metadata(path).map(|known| known.len()).unwrap_or_default(),
        fields: Vec::new(),
        inner: Vec::new(),
        rows: Vec::new(),
        unusable: Vec::new(),
        broken: None,
        more: false,
    };
    let mut places = HashMap::new();
    for column in reader.columns().unwrap_or_default() {
        peek.field(&mut places, column);
    }
    for entry in reader {
        if peek.rows.len() >= RECORDS {
            peek.more = true;
            break;
        }
        match entry {
            Ok(Entry::Record(record)) => peek.take(&mut places, &record.bytes),
            Ok(Entry::Unusable(unusable)) => {
                peek.unusable.push((peek.rows.len(), one_line(&unusable.reason, LONGEST)));
                peek.rows.push(Vec::new());
            }
            Err(DatasetError::Malformed(malformed)) => {
                peek.broken = Some(one_line(&malformed.to_string(), LONGEST));
                break;
            }
            Err(error) => return Err(sentence(&error)),
        }
    }
    Ok(peek)
}

impl Peek {
    /// The place of a field; none where there are too many.
    fn field(&mut self, places: &mut HashMap<String, usize>, name: &str) -> Option<usize> {
        if let Some(place) = places.get(name) {
            return Some(*place);
        }
        let place = self.fields.len();
        if place >= FIELDS || name.len() > LONGEST_NAME {
            return None;
        }
        places.insert(name.to_owned(), place);
        self.fields.push(FieldSeen { name: name.to_owned(), types: Vec::new(), records: 0 });
        Some(place)
    }

    fn take(&mut self, places: &mut HashMap<String, usize>, record: &[u8]) {
        let Ok(Members(members)) = serde_json::from_slice(record) else {
            self.unusable.push((self.rows.len(), "its fields can't be shown".to_owned()));
            self.rows.push(Vec::new());
            return;
        };
        let mut row = vec![None; self.fields.len()];
        for (name, value) in members {
            let Some(place) = self.field(places, &name) else { continue };
            let kind = kind(value.get());
            if matches!(kind, "object" | "array") {
                self.name_inner(&format!("/{}", escaped(&name)), value.get(), 1);
            }
            if row.len() <= place {
                row.resize(place + 1, None);
            }
            let met = row.get(place).is_some_and(Option::is_some);
            if let Some(field) = self.fields.get_mut(place) {
                field.records += usize::from(!met);
                if !field.types.contains(&kind) {
                    field.types.push(kind);
                }
            }
            if let Some(cell) = row.get_mut(place) {
                *cell = Some(shown(value.get()));
            }
        }
        self.rows.push(row);
    }

    fn name_inner(&mut self, way: &str, value: &str, depth: usize) {
        if depth >= DEPTH {
            return;
        }
        let Ok(Members(members)) = serde_json::from_str(value) else { return };
        for (name, value) in members {
            if self.inner.len() >= FIELDS {
                return;
            }
            if way.len() + name.len() > LONGEST_NAME {
                continue;
            }
            let way = format!("{way}/{}", escaped(&name));
            if kind(value.get()) == "object" {
                self.name_inner(&way, value.get(), depth + 1);
            } else if !self.inner.contains(&way) {
                self.inner.push(way);
            }
        }
    }
}

/// A name as a step of a JSON Pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn kind(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'"') => "string",
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b't' | b'f') => "bool",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// A value on one line: a string without its quotes, anything else as it stands.
fn shown(value: &str) -> String {
    // what is far too long is cut before it is read
    let plain = if value.len() < 1 << 20 { serde_json::from_str::<String>(value).ok() } else { None };
    one_line(plain.as_deref().unwrap_or(value), VALUE)
}

fn format(format: Format) -> String {
    match format {
        Format::JsonArray => "a JSON array".to_owned(),
        Format::Ndjson => "NDJSON, a record a line".to_owned(),
        Format::Csv { delimiter: b',' } => "CSV".to_owned(),
        Format::Csv { delimiter: b'\t' } => "CSV between tabs".to_owned(),
        Format::Csv { delimiter } => format!("CSV between `{}`", char::from(delimiter)),
    }
}
