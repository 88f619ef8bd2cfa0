//! CSV (RFC 4180): where a row ends, what its fields are, and the JSON object that is made of it.
//!
//! Rows are cut first and read after. A CSV reader that does both at once has to hold a row until it ends, and a quote
//! that is never closed makes the rest of a file one row; this one passes over it like any other record that is too
//! large. It takes what the `csv` crate takes, as a test holds it to: `\n`, `\r` and `\r\n` end a row, blank lines are
//! none, a quote opens a field only at its beginning, and what follows a closing quote belongs to the field.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr3};

use super::grammar::{Fault, plain_end, syntax};
use super::split::{Finish, Step};
use crate::text::one_line;

const QUOTE: u8 = b'"';

/// Splits rows.
#[derive(Debug)]
pub(super) struct Rows {
    delimiter: u8,
    row: Row,
    /// The first NUL byte of this piece, where there is one.
    nul: Option<usize>,
}

/// Where in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Between,
    /// A quote that comes now would open a field.
    FieldStart,
    Plain,
    Quoted,
    /// Right after a quote in a quoted field: it closes it, unless another one follows.
    Closed,
}

impl Rows {
    pub(super) const fn new(delimiter: u8) -> Self {
        Self { delimiter, row: Row::Between, nul: None }
    }

    pub(super) fn next(&mut self, text: &[u8], from: usize) -> Result<Step, Fault> {
        if from == 0 {
            self.nul = memchr(0, text);
        }
        let whole = text;
        let text = self.nul.and_then(|nul| whole.get(..nul)).unwrap_or(whole);
        match (self.cut(text, from), self.nul) {
            (Step::Rest { .. }, Some(nul)) => {
                Err(syntax(nul, "a NUL byte stands in the text: is it binary?".to_owned()))
            }
            (step, _) => Ok(step),
        }
    }

    fn cut(&mut self, text: &[u8], from: usize) -> Step {
        let mut at = from;
        let mut begun = from;
        loop {
            let rest = text.get(at..).unwrap_or_default();
            let Some(&byte) = rest.first() else {
                let open = (self.row != Row::Between).then_some(begun..text.len());
                return Step::Rest { open };
            };
            match self.row {
                Row::Between if matches!(byte, b'\r' | b'\n') => at += 1,
                Row::Between => {
                    begun = at;
                    self.row = Row::FieldStart;
                }
                Row::FieldStart | Row::Closed if byte == QUOTE => {
                    at += 1;
                    self.row = Row::Quoted;
                }
                Row::FieldStart | Row::Closed => self.row = Row::Plain,
                Row::Plain => {
                    let Some(found) = memchr3(QUOTE, b'\n', b'\r', rest) else {
                        at = text.len();
                        self.row =
                            if rest.last() == Some(&self.delimiter) { Row::FieldStart } else { Row::Plain };
                        continue;
                    };
                    let before = rest.get(..found).and_then(<[u8]>::last);
                    at += found;
                    if text.get(at) != Some(&QUOTE) {
                        self.row = Row::Between;
                        return Step::Record { part: begun..at, resume: at + 1 };
                    }
                    self.row = if before == Some(&self.delimiter) { Row::Quoted } else { Row::Plain };
                    at += 1;
                }
                Row::Quoted => match memchr(QUOTE, rest) {
                    Some(found) => {
                        at += found + 1;
                        self.row = Row::Closed;
                    }
                    None => at = text.len(),
                },
            }
        }
    }

    pub(super) fn finish(&mut self) -> Result<Finish, String> {
        match std::mem::replace(&mut self.row, Row::Between) {
            Row::Between => Ok(Finish::End),
            Row::Quoted => Err("a quote in the row that begins here is never closed: the text is cut off, or a quote is missing".to_owned()),
            _ => Ok(Finish::Record),
        }
    }
}

/// Tells the content of the field that begins here, run by run, and where it ends: at a delimiter, or with the row.
fn read_field(row: &[u8], from: usize, delimiter: u8, mut tell: impl FnMut(&[u8])) -> usize {
    let mut at = from;
    if row.get(at) == Some(&QUOTE) {
        at += 1;
        loop {
            let rest = row.get(at..).unwrap_or_default();
            let length = memchr(QUOTE, rest).unwrap_or(rest.len());
            tell(rest.get(..length).unwrap_or_default());
            at += length + 1;
            if row.get(at) != Some(&QUOTE) {
                break;
            }
            tell(b"\"");
            at += 1;
        }
    }
    let rest = row.get(at..).unwrap_or_default();
    let length = memchr(delimiter, rest).unwrap_or(rest.len());
    tell(rest.get(..length).unwrap_or_default());
    (at + length).min(row.len())
}

/// The contents of all fields of a row.
pub(super) fn fields(row: &[u8], delimiter: u8) -> Vec<Vec<u8>> {
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let mut field = Vec::new();
        at = read_field(row, at, delimiter, |run| field.extend_from_slice(run));
        fields.push(field);
        if at >= row.len() {
            return fields;
        }
        at += 1;
    }
}

/// A header, and the writer of the objects that stand under it.
#[derive(Debug)]
pub(super) struct Table {
    delimiter: u8,
    columns: Vec<String>,
    /// What stands before each field's text: `{"first":"`, `","second":"`, …
    leads: Vec<Vec<u8>>,
    /// The object that is being written. It is copied once it is whole: many small writes into memory that is handed out
    /// in pieces cost more than that.
    object: Vec<u8>,
    out: BytesMut,
}

/// A row with more or fewer fields than the header has columns.
#[derive(Debug)]
pub(super) struct Ragged {
    pub(super) fields: usize,
    pub(super) columns: usize,
}

/// The most bytes of a column's name, which stands in each record.
const NAME_BYTES: usize = 1 << 10;
/// How much is set aside for objects at once.
const BLOCK: usize = 256 << 10;

impl Table {
    /// Reads the header. The error names the column that is wrong.
    pub(super) fn new(header: &[u8], delimiter: u8) -> Result<Self, String> {
        let mut columns: Vec<String> = Vec::new();
        let mut leads = Vec::new();
        let mut known = HashMap::new();
        for (index, field) in fields(header, delimiter).into_iter().enumerate() {
            let name = String::from_utf8_lossy(&field).into_owned();
            if name.trim().is_empty() {
                return Err(format!("column {} has no name", index + 1));
            }
            if field.len() > NAME_BYTES {
                let (column, length) = (index + 1, field.len());
                return Err(format!(
                    "the name of column {column} has {length} bytes, and {NAME_BYTES} are the most; is a quote missing in it?"
                ));
            }
            if let Some(first) = known.insert(name.clone(), index + 1) {
                return Err(format!(
                    "columns {first} and {} are both named `{}`",
                    index + 1,
                    one_line(&name, 128)
                ));
            }
            let mut lead = if index == 0 { b"{\"".to_vec() } else { b"\",\"".to_vec() };
            write_escaped(&field, &mut lead);
            lead.extend_from_slice(b"\":\"");
            leads.push(lead);
            columns.push(name);
        }
        Ok(Self { delimiter, columns, leads, object: Vec::new(), out: BytesMut::new() })
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The fields of a row as a JSON array of strings, where it has at most so many bytes.
    pub(super) fn list(&self, row: &[u8], most: usize) -> Option<Bytes> {
        let mut list = vec![b'['];
        let mut at = 0;
        loop {
            list.push(QUOTE);
            at = read_field(row, at, self.delimiter, |run| write_escaped(run, &mut list));
            list.push(QUOTE);
            if at >= row.len() || list.len() > most {
                break;
            }
            list.push(b',');
            at += 1;
        }
        list.push(b']');
        (list.len() <= most).then(|| list.into())
    }

    /// The object of a row: a string a column, in the header's order.
    pub(super) fn object(&mut self, row: &[u8]) -> Result<Bytes, Ragged> {
        let object = &mut self.object;
        object.clear();
        let mut leads = self.leads.iter();
        let mut at = 0;
        let mut count = 0;
        loop {
            count += 1;
            if let Some(lead) = leads.next() {
                object.extend_from_slice(lead);
                at = read_field(row, at, self.delimiter, |run| write_escaped(run, object));
            } else {
                at = read_field(row, at, self.delimiter, |_| ());
            }
            if at >= row.len() {
                break;
            }
            at += 1;
        }
        if count != self.columns.len() {
            return Err(Ragged { fields: count, columns: self.columns.len() });
        }
        object.extend_from_slice(b"\"}");
        if self.out.capacity() < object.len() {
            self.out = BytesMut::with_capacity(BLOCK.max(object.len()));
        }
        self.out.extend_from_slice(object);
        Ok(self.out.split().freeze())
    }
}

/// Writes a text as the inside of a JSON string (RFC 8259 §7), escaping what must be and nothing else.
pub(super) fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut at = 0;
    loop {
        let end = plain_end(text, at);
        out.extend_from_slice(text.get(at..end).unwrap_or_default());
        let Some(&byte) = text.get(end) else { return };
        match byte {
            QUOTE => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                for nibble in [byte >> 4, byte & 15] {
                    out.push(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'));
                }
            }
        }
        at = end + 1;
    }
}
