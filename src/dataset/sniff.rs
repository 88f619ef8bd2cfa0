//! What a text is, found in how it begins. Names lie: exports come as `.txt`, as `.json` with a record a line, and as
//! `.csv` between semicolons.

use std::path::Path;

use super::filling::Broken;
use super::grammar::is_blank;
use super::place::Tracker;
use super::rows::{Rows, fields};
use super::split::Step;
use super::text::{Ends, Look, Text};
use super::{DatasetError, Format, Malformed};

/// How much of a text without any lines, or of nothing but white space, is looked at.
const MOST: usize = 64 << 10;
/// How many lines tell what the delimiter is.
const LINES: usize = 20;

/// In the order in which one is taken where several fit as well.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Finds the format of a text, without using any of it up.
pub(super) fn find_format(text: &mut Text) -> Result<Format, DatasetError> {
    let path = text.path().to_owned();
    let first = {
        let look = look(text, |seen| first_byte(seen).is_some() || seen.len() >= MOST)?;
        first_byte(look.bytes)
    };
    match first {
        Some(b'[') => return Ok(Format::JsonArray),
        Some(b'{') => return Ok(Format::Ndjson),
        _ => {}
    }
    let look = look(text, |seen| seen.len() >= MOST || memchr::memchr_iter(b'\n', seen).count() > LINES)?;
    if first.is_none() {
        return Err(match look.end {
            Some(Ends::NotUtf8(byte)) => not_a_dataset(&path, strange(byte)),
            Some(Ends::Broken) => return broken_at_once(text),
            Some(Ends::Whole) => DatasetError::Empty { path },
            None => not_a_dataset(&path, "it begins with nothing but white space"),
        });
    }
    refuse_other_things(&path, &look)?;
    Ok(Format::Csv { delimiter: find_delimiter(&look) })
}

fn look(text: &mut Text, enough: impl Fn(&[u8]) -> bool) -> Result<Look<'_>, DatasetError> {
    text.look(enough).map_err(|broken| match broken {
        Broken::Input(error) => error,
        // a look tells these in its answer
        Broken::Text(_) | Broken::NotUtf8(_) => DatasetError::Empty { path: "-".into() },
    })
}

fn first_byte(text: &[u8]) -> Option<u8> {
    text.iter().copied().find(|&byte| !is_blank(byte))
}

/// Decompression failed before there was any text.
fn broken_at_once(text: &mut Text) -> Result<Format, DatasetError> {
    let path = text.path().to_owned();
    let mut tracker = Tracker::new(text.skipped());
    loop {
        match text.next() {
            Ok(Some(chunk)) => tracker.leave(&chunk),
            Ok(None) => return Err(DatasetError::Empty { path }),
            Err(Broken::Input(error)) => return Err(error),
            Err(Broken::Text(what)) => return Err(Malformed { path, place: tracker.here(), what }.into()),
            Err(Broken::NotUtf8(byte)) => return Err(not_a_dataset(&path, strange(byte))),
        }
    }
}

const fn strange(byte: u8) -> &'static str {
    match byte {
        0xfe | 0xff => "it looks like UTF-16; save it as UTF-8",
        _ => "it begins with bytes that are no text",
    }
}

fn not_a_dataset(path: &Path, what: &'static str) -> DatasetError {
    DatasetError::NotADataset { path: path.to_owned(), what }
}

/// Refuses what would be taken for a CSV file of one odd column.
fn refuse_other_things(path: &Path, look: &Look<'_>) -> Result<(), DatasetError> {
    let path = path.to_owned();
    let text = look.bytes.trim_ascii();
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii();
    if text.starts_with(b"PK\x03\x04") {
        return Err(not_a_dataset(
            &path,
            "it is a ZIP archive or an Excel workbook; unpack it, or export it as CSV",
        ));
    }
    if let Some(at) = memchr::memchr(0, look.bytes) {
        return Err(DatasetError::NulBytes { path, place: look.place_of(at) });
    }
    if line.iter().any(|&byte| byte < b' ' && byte != b'\t') {
        return Err(not_a_dataset(&path, "its first line holds control characters"));
    }
    let whole = look.end == Some(Ends::Whole);
    if is_scalar(line, ScalarKind::NumberOrWord) || whole && is_scalar(text, ScalarKind::Any) {
        return Err(DatasetError::Scalar { path });
    }
    match line.first() {
        Some(b'<') => Err(not_a_dataset(&path, "it is XML or HTML")),
        Some(b']' | b'}') => Err(not_a_dataset(&path, "it begins with a closing bracket")),
        _ => Ok(()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ScalarKind {
    NumberOrWord,
    Any,
}

fn is_scalar(text: &[u8], kind: ScalarKind) -> bool {
    let fits = kind == ScalarKind::Any || text.first() != Some(&b'"');
    fits && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// The delimiter that cuts the most rows into as many fields as the header has, if those are several.
fn find_delimiter(look: &Look<'_>) -> u8 {
    let mut best = (0, 0);
    let mut found = b',';
    for delimiter in DELIMITERS {
        let mut counts = rows(look, delimiter).into_iter().map(|row| fields(row, delimiter).len());
        let columns = counts.next().unwrap_or_default();
        let agreeing = counts.filter(|&count| count == columns).count();
        if columns > 1 && (agreeing, columns) > best {
            best = (agreeing, columns);
            found = delimiter;
        }
    }
    found
}

/// The whole rows at the beginning.
fn rows<'a>(look: &Look<'a>, delimiter: u8) -> Vec<&'a [u8]> {
    let mut splitter = Rows::new(delimiter);
    let mut rows = Vec::new();
    let mut at = 0;
    while rows.len() <= LINES {
        match splitter.next(look.bytes, at) {
            Ok(Step::Record { part, resume }) => {
                rows.extend(look.bytes.get(part));
                at = resume;
            }
            Ok(Step::Rest { open }) => {
                if look.end.is_some() || rows.is_empty() {
                    rows.extend(open.and_then(|part| look.bytes.get(part)));
                }
                break;
            }
            Err(_) => break,
        }
    }
    rows
}
