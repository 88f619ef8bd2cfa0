//! Edits of one JSON record that leave every byte alone that is not part of a changed value.
//!
//! A record goes to a platform as it stands in the file: a number of forty digits, the order of names and an odd escape
//! are the sender's, and an edit of one field must not touch them. So nothing is parsed into values and written anew;
//! the text is walked, and the bytes of the named values are replaced in it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde_json::value::RawValue;

/// The most fields that are listed: more of them are no form, but a document.
pub const MOST_FIELDS: usize = 10_000;

/// The most bytes that the pointers of all listed fields may have: each repeats the names of all that its field stands in.
const MOST_POINTERS: usize = 2 << 20;

/// How deep a record may be nested: as deep as the reader lets one be, within an array of records.
const DEEPEST: usize = 130;

/// Why a record cannot be looked into, or edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// It is no JSON, or what should be put into it is none.
    #[error("{what} is not JSON: {why}")]
    NotJson {
        /// Which.
        what: String,
        /// Where and why, as the parser says.
        why: String,
    },
    /// An object has one name twice: nobody can tell which is meant.
    #[error(
        "the record has `{0}` twice, so it cannot be told which is meant\nhint: edit the record as a whole"
    )]
    Twice(String),
    /// More fields than can be listed.
    #[error("the record has more than {MOST_FIELDS} fields\nhint: edit the record as a whole")]
    TooMany,
    /// Names so long that the fields cannot be listed.
    #[error(
        "the record has names too long to list each field with those that it stands in\nhint: edit the record as a whole"
    )]
    LongNames,
    /// It is nested too deeply.
    #[error("the record is nested more than {DEEPEST} levels deep")]
    TooDeep,
    /// There is no such value, and no object that could take it in.
    #[error("the record has no `{0}`")]
    Missing(String),
    /// Two changes are about one value, or about one within the other.
    #[error("`{0}` is changed twice")]
    Overlap(String),
}

/// One leaf of a record: a text, a number, a word, or an empty object or array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Where it is: a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// Its name in its object, or its number in its array; empty for a record that is a leaf itself.
    pub name: String,
    /// Its bytes in the record.
    pub raw: Range<usize>,
    /// In how many objects and arrays it stands.
    pub depth: usize,
}

/// The leaves of a record, in their order.
///
/// # Errors
///
/// It is no JSON, has a name twice in one object, or has too many fields, or too long names.
pub fn fields(record: &[u8]) -> Result<Vec<Field>, PatchError> {
    let (mut fields, mut pointers) = (Vec::new(), 0);
    walk(record, &mut |seen| {
        if !seen.is_leaf() {
            return Ok(());
        }
        if fields.len() == MOST_FIELDS {
            return Err(PatchError::TooMany);
        }
        pointers += seen.pointer.len();
        if pointers > MOST_POINTERS {
            return Err(PatchError::LongNames);
        }
        fields.push(Field {
            pointer: seen.pointer.to_owned(),
            name: seen.name.to_owned(),
            raw: seen.raw,
            depth: seen.depth,
        });
        Ok(())
    })?;
    Ok(fields)
}

/// The record with these values (JSON) in place of those at the pointers; every other byte stays. A name that its object
/// does not have yet is put behind its last.
///
/// # Errors
///
/// The record, or a new value, is no JSON, the record has a name twice in one object, or there is no object for a value.
pub fn replace(record: &[u8], changes: &[(&str, &[u8])]) -> Result<Vec<u8>, PatchError> {
    let mut open: HashMap<&str, &[u8]> = HashMap::with_capacity(changes.len());
    for (pointer, value) in changes {
        check(value, || format!("the new value of `{}`", shown(pointer)))?;
        if open.insert(pointer, value.trim_ascii()).is_some() {
            return Err(PatchError::Overlap(shown(pointer)));
        }
    }
    let parents: HashSet<&str> =
        open.keys().filter_map(|pointer| pointer.rsplit_once('/').map(|(parent, _)| parent)).collect();
    // most values are told apart by that alone: hashing megabytes of names for each of them would take minutes
    let lengths: HashSet<usize> = open.keys().chain(&parents).map(|pointer| pointer.len()).collect();
    let mut edits: Vec<(Range<usize>, &str, &[u8])> = Vec::with_capacity(changes.len());
    let mut ends: HashMap<String, End> = HashMap::new();
    walk(record, &mut |seen| {
        if !lengths.contains(&seen.pointer.len()) {
            return Ok(());
        }
        if let Kind::Object(end) = seen.kind
            && parents.contains(seen.pointer)
        {
            ends.insert(seen.pointer.to_owned(), end);
        }
        if let Some((pointer, value)) = open.remove_entry(seen.pointer) {
            edits.push((seen.raw, pointer, value));
        }
        Ok(())
    })?;
    edits.sort_unstable_by_key(|(range, ..)| range.start);
    let mut pairs = edits.iter().zip(edits.iter().skip(1));
    if let Some((_, (_, inner, _))) = pairs.find(|((one, ..), (next, ..))| next.start < one.end) {
        return Err(PatchError::Overlap(shown(inner)));
    }
    // in the order in which they were named
    let mut added: Vec<(usize, Vec<u8>)> = Vec::new();
    for (pointer, _) in changes {
        let Some(value) = open.get(pointer) else { continue };
        let place = pointer.rsplit_once('/').and_then(|(parent, name)| Some((ends.get_mut(parent)?, name)));
        let Some((end, name)) = place else { return Err(PatchError::Missing(shown(pointer))) };
        let mut member = Vec::with_capacity(name.len() + value.len() + 4);
        if !std::mem::replace(&mut end.is_empty, false) {
            member.push(b',');
        }
        member.extend_from_slice(serde_json::Value::from(unescaped(name)).to_string().as_bytes());
        member.push(b':');
        member.extend_from_slice(value);
        added.push((end.at, member));
    }
    let splices: Vec<(Range<usize>, &[u8])> = edits
        .into_iter()
        .map(|(range, _, value)| (range, value))
        .chain(added.iter().map(|(at, member)| (*at..*at, member.as_slice())))
        .collect();
    splice(record, splices)
}

/// Puts the pieces in. A value that is changed and a name put behind it end at the same byte: the value comes first.
fn splice(record: &[u8], mut splices: Vec<(Range<usize>, &[u8])>) -> Result<Vec<u8>, PatchError> {
    splices.sort_by_key(|(range, _)| (range.end, range.is_empty()));
    let more: usize = splices.iter().map(|(_, piece)| piece.len()).sum();
    let mut new = Vec::with_capacity(record.len() + more);
    let mut at = 0;
    for (range, piece) in splices {
        // a name that would be put into a value that is replaced as a whole
        let kept = record.get(at..range.start).ok_or_else(|| PatchError::Overlap(lossy(piece)))?;
        new.extend_from_slice(kept);
        new.extend_from_slice(piece);
        at = range.end;
    }
    new.extend_from_slice(record.get(at..).unwrap_or_default());
    Ok(new)
}

/// What stands at one pointer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The bytes of each value.
    pub values: Vec<Range<usize>>,
    /// How many records have no such value.
    pub missing: u64,
}

/// The value at a pointer; in an array of records, that of each of them.
///
/// # Errors
///
/// It is no JSON, or has a name twice in one object.
pub fn find(record: &[u8], pointer: &str) -> Result<Found, PatchError> {
    let is_array = record.trim_ascii_start().first() == Some(&b'[');
    let first = pointer.strip_prefix('/').map(|rest| rest.split('/').next().unwrap_or_default());
    let names_one =
        first.is_none_or(|first| !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit()));
    let in_each = is_array && !names_one;
    let mut found = Found::default();
    let mut records = u64::from(!in_each);
    walk(record, &mut |seen| {
        let within = if in_each {
            records += u64::from(seen.depth == 1);
            seen.pointer.strip_prefix('/').and_then(|rest| rest.find('/').and_then(|slash| rest.get(slash..)))
        } else {
            Some(seen.pointer)
        };
        if within == Some(pointer) {
            found.values.push(seen.raw);
        }
        Ok(())
    })?;
    found.missing = records.saturating_sub(found.values.len() as u64);
    Ok(found)
}

/// A value that was walked over. Containers come after what they hold.
struct Seen<'a> {
    pointer: &'a str,
    name: &'a str,
    raw: Range<usize>,
    depth: usize,
    kind: Kind,
}

impl Seen<'_> {
    const fn is_leaf(&self) -> bool {
        matches!(
            self.kind,
            Kind::Leaf | Kind::Array { is_empty: true } | Kind::Object(End { is_empty: true, .. })
        )
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Leaf,
    Array { is_empty: bool },
    Object(End),
}

/// Where another member of an object can be put.
#[derive(Clone, Copy)]
struct End {
    at: usize,
    is_empty: bool,
}

type Visit<'v> = dyn FnMut(Seen<'_>) -> Result<(), PatchError> + 'v;

/// Walks over all values of a record.
fn walk(record: &[u8], visit: &mut Visit<'_>) -> Result<(), PatchError> {
    check(record, || "the record".to_owned())?;
    let mut walker = Walker { text: record, at: 0, pointer: String::new() };
    walker.value("", 0, visit)
}

/// The grammar is serde's business: the walk below relies on it.
fn check(text: &[u8], what: impl Fn() -> String) -> Result<(), PatchError> {
    serde_json::from_slice::<&RawValue>(text)
        .map(drop)
        .map_err(|error| PatchError::NotJson { what: what(), why: error.to_string() })
}

/// A walk over text that is JSON: it is only looked where things begin and end.
struct Walker<'a> {
    text: &'a [u8],
    at: usize,
    pointer: String,
}

impl<'a> Walker<'a> {
    fn value(&mut self, name: &str, depth: usize, visit: &mut Visit<'_>) -> Result<(), PatchError> {
        if depth > DEEPEST {
            return Err(PatchError::TooDeep);
        }
        self.space();
        let start = self.at;
        let kind = match self.look() {
            b'{' => Kind::Object(self.object(depth, visit)?),
            b'[' => Kind::Array { is_empty: self.array(depth, visit)? },
            b'"' => {
                self.string();
                Kind::Leaf
            }
            _ => {
                self.pass(|byte| !matches!(byte, b',' | b']' | b'}') && !is_space(byte));
                Kind::Leaf
            }
        };
        visit(Seen { pointer: &self.pointer, name, raw: start..self.at, depth, kind })
    }

    fn object(&mut self, depth: usize, visit: &mut Visit<'_>) -> Result<End, PatchError> {
        self.at += 1;
        let mut end = End { at: self.at, is_empty: true };
        let mut names = HashSet::new();
        loop {
            self.space();
            match self.look() {
                b'"' => {}
                b',' => {
                    self.at += 1;
                    continue;
                }
                _ => break,
            }
            let name = name_of(self.string());
            self.space();
            self.at += 1;
            let parent = self.enter(&name);
            if !names.insert(name.clone()) {
                return Err(PatchError::Twice(shown(&self.pointer)));
            }
            self.value(&name, depth + 1, visit)?;
            self.pointer.truncate(parent);
            end = End { at: self.at, is_empty: false };
        }
        self.at += 1;
        Ok(end)
    }

    fn array(&mut self, depth: usize, visit: &mut Visit<'_>) -> Result<bool, PatchError> {
        self.at += 1;
        let mut number = 0_usize;
        loop {
            self.space();
            match self.look() {
                b']' | 0 => break,
                b',' => {
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            let name = number.to_string();
            let parent = self.enter(&name);
            self.value(&name, depth + 1, visit)?;
            self.pointer.truncate(parent);
            number += 1;
        }
        self.at += 1;
        Ok(number == 0)
    }

    /// Adds a name to the pointer, and returns how long that was.
    fn enter(&mut self, name: &str) -> usize {
        let parent = self.pointer.len();
        self.pointer.push('/');
        for char in name.chars() {
            match char {
                '~' => self.pointer.push_str("~0"),
                '/' => self.pointer.push_str("~1"),
                char => self.pointer.push(char),
            }
        }
        parent
    }

    /// Passes a string, and returns it with its quotes.
    fn string(&mut self) -> &'a [u8] {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            match memchr::memchr2(b'"', b'\\', rest) {
                Some(next) if rest.get(next) == Some(&b'\\') => self.at += next + 2,
                Some(next) => {
                    self.at += next + 1;
                    break;
                }
                None => {
                    self.at = self.text.len();
                    break;
                }
            }
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn space(&mut self) {
        self.pass(is_space);
    }

    fn pass(&mut self, while_it: impl Fn(u8) -> bool) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| !while_it(*byte)).unwrap_or(rest.len());
    }

    /// The next byte; 0 at the end, which stands nowhere in JSON.
    fn look(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// A name as it is meant. One with the escape of half a character means nothing, and is taken as it is written.
fn name_of(raw: &[u8]) -> String {
    serde_json::from_slice(raw)
        .unwrap_or_else(|_| lossy(raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default()))
}

fn unescaped(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

fn lossy(text: &[u8]) -> String {
    shown(&String::from_utf8_lossy(text))
}

fn shown(text: &str) -> String {
    crate::text::one_line(text, 200)
}

#[cfg(test)]
mod tests;
