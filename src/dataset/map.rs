//! `[operation.map]`: a new record made from each one.
//!
//! A key of a record is hashed from its bytes, on every machine and in every resume, so the same record must give the
//! same bytes for ever: fields come out sorted by name, without white space, and a value that is copied keeps every byte
//! that it had. Nothing is read into a number or a string on the way.

mod convert;
mod lookup;

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::rows::write_escaped;
use crate::model::Violation;
use crate::text::one_line;
use convert::As;
use lookup::{Found, Lookup, member};

/// Why a map in a plan cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// It has no field.
    #[error("`map` is empty: name the fields of the new record, or leave it out")]
    Empty,
    /// The right side is neither a string nor a table.
    #[error(
        "`map.{key}` must be a column, a JSON Pointer, or a table like {{ from = \"…\", as = \"integer\" }}"
    )]
    NotASource {
        /// The field.
        key: String,
    },
    /// The table has no `from`.
    #[error("`map.{key}` has no `from`: name the column or the JSON Pointer that it comes from, in quotes")]
    NoFrom {
        /// The field.
        key: String,
    },
    /// The table has a key that means nothing.
    #[error("`map.{key}` has an unknown key `{unknown}`; there are from, as")]
    UnknownKey {
        /// The field.
        key: String,
        /// The key in its table.
        unknown: String,
    },
    /// `as` is none of its words.
    #[error("`map.{key}` has as = `{word}`; there are integer, number, boolean, string")]
    UnknownAs {
        /// The field.
        key: String,
        /// What stands there.
        word: String,
    },
    /// The source is not a JSON Pointer, though it begins like one, or is empty.
    #[error("`map.{key}` comes from `{pointer}`, which is no JSON Pointer: {what}")]
    BadPointer {
        /// The field.
        key: String,
        /// What stands there.
        pointer: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// What stands in a record at a JSON Pointer (RFC 6901), as it is written; nothing where there is none, or two.
#[must_use]
pub fn value_at<'a>(record: &'a [u8], pointer: &str) -> Option<&'a str> {
    let mut value = std::str::from_utf8(record).ok()?.trim();
    for token in pointer.strip_prefix('/')?.split('/') {
        match member(value, &unescape(token)?) {
            Found::One(found) => value = found,
            Found::Missing | Found::Twice => return None,
        }
    }
    Some(value)
}

/// How a new record is made from each one.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Sorted by name.
    fields: Vec<Field>,
    /// The members of a record that are read, sorted.
    members: Vec<String>,
}

#[derive(Debug, Clone)]
struct Field {
    /// As a JSON Pointer into the new record.
    pointer: String,
    /// What stands before the value: `{"first":`, `,"second":`, …
    lead: Vec<u8>,
    /// The source as the plan has it.
    from: String,
    /// Which of the mapping's members it begins at.
    member: usize,
    /// The way from there on.
    way: Vec<String>,
    cast: Option<As>,
}

impl Mapping {
    /// Reads the table of a plan. Left: the new record's fields. Right: where each comes from; a text that begins with
    /// `/` is a JSON Pointer (RFC 6901), any other the name of a column or top-level member.
    ///
    /// # Errors
    /// Where an entry is not of that form; the error names its key.
    pub fn from_toml(table: &toml::Table) -> Result<Self, MapError> {
        let mut entries =
            table.iter().map(|(key, value)| Entry::read(key, value)).collect::<Result<Vec<_>, _>>()?;
        if entries.is_empty() {
            return Err(MapError::Empty);
        }
        entries.sort_by(|one, other| one.name.cmp(other.name));
        let mut members: Vec<String> = entries.iter().map(|entry| entry.member.clone()).collect();
        members.sort();
        members.dedup();
        let fields = entries.into_iter().enumerate().map(|(index, entry)| {
            let mut lead = vec![if index == 0 { b'{' } else { b',' }, b'"'];
            write_escaped(entry.name.as_bytes(), &mut lead);
            lead.extend_from_slice(b"\":");
            Field {
                pointer: format!("/{}", entry.name.replace('~', "~0").replace('/', "~1")),
                lead,
                from: entry.from,
                member: members.partition_point(|member| *member < entry.member),
                way: entry.way,
                cast: entry.cast,
            }
        });
        Ok(Self { fields: fields.collect(), members })
    }

    /// The columns or top-level members that records must have, sorted.
    #[must_use]
    pub fn columns_needed(&self) -> &[String] {
        &self.members
    }

    /// Makes the new record of one, of so many bytes at most: a map may name one value many times.
    ///
    /// # Errors
    /// All that is wrong, with the new record's fields as pointers: a source that is not there or is there twice, and a
    /// value that cannot be turned into what `as` says without changing its meaning.
    pub fn apply(&self, record: &[u8], most: usize) -> Result<Bytes, Vec<Violation>> {
        let found = Lookup::in_object(record, &self.members)
            .map_err(|reason| vec![Violation::at(String::new(), reason)])?;
        let mut out = Vec::with_capacity(record.len() + 64);
        let mut violations = Vec::new();
        for field in &self.fields {
            out.extend_from_slice(&field.lead);
            let written = field.find(&found).and_then(|value| match field.cast {
                None => {
                    out.extend_from_slice(value.as_bytes());
                    Ok(())
                }
                Some(cast) => convert::write(value, cast, &mut out)
                    .map_err(|what| format!("`{}` {what}", one_line(&field.from, 128))),
            });
            if let Err(reason) = written {
                violations.push(Violation::at(field.pointer.clone(), reason));
            }
            if out.len() > most {
                let reason = format!("the new record would have more than {most} bytes, which is the most");
                return Err(vec![Violation::at(field.pointer.clone(), reason)]);
            }
        }
        out.push(b'}');
        if violations.is_empty() { Ok(Bytes::from(out)) } else { Err(violations) }
    }
}

impl Field {
    fn find<'a>(&self, found: &Lookup<'a>) -> Result<&'a str, String> {
        let from = || one_line(&self.from, 128);
        let missing = || format!("`{}` is not in the record", from());
        let twice = || format!("`{}` is in the record more than once", from());
        let mut value = match found.get(self.member) {
            Found::One(value) => value,
            Found::Missing => return Err(missing()),
            Found::Twice => return Err(twice()),
        };
        for token in &self.way {
            value = match member(value, token) {
                Found::One(value) => value,
                Found::Missing => return Err(missing()),
                Found::Twice => return Err(twice()),
            };
        }
        Ok(value)
    }
}

/// One line of the table.
struct Entry<'a> {
    name: &'a str,
    from: String,
    member: String,
    way: Vec<String>,
    cast: Option<As>,
}

impl<'a> Entry<'a> {
    fn read(name: &'a str, value: &toml::Value) -> Result<Self, MapError> {
        let key = || one_line(name, 128);
        let (from, cast) = match value {
            toml::Value::String(from) => (from, None),
            toml::Value::Table(table) => {
                if let Some(unknown) = table.keys().find(|key| !matches!(key.as_str(), "from" | "as")) {
                    return Err(MapError::UnknownKey { key: key(), unknown: one_line(unknown, 128) });
                }
                let from = table
                    .get("from")
                    .and_then(toml::Value::as_str)
                    .ok_or_else(|| MapError::NoFrom { key: key() })?;
                let cast = table.get("as").map(|word| {
                    let found = word.as_str().and_then(As::from_word);
                    found.ok_or_else(|| MapError::UnknownAs { key: key(), word: one_line(&shown(word), 128) })
                });
                (&from.to_owned(), cast.transpose()?)
            }
            _ => return Err(MapError::NotASource { key: key() }),
        };
        let bad = |what| MapError::BadPointer { key: key(), pointer: one_line(from, 128), what };
        let mut way = match from.strip_prefix('/') {
            _ if from.is_empty() => return Err(bad("it is empty")),
            None => vec![from.clone()],
            Some(tokens) => tokens
                .split('/')
                .map(unescape)
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| bad("after `~` comes 0 or 1"))?,
        };
        let rest = way.split_off(1);
        Ok(Self { name, from: from.clone(), member: way.concat(), way: rest, cast })
    }
}

/// Reads a token of a JSON Pointer (RFC 6901 §4).
fn unescape(token: &str) -> Option<String> {
    let sound = token.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    sound.then(|| token.replace("~1", "/").replace("~0", "~"))
}

fn shown(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
