//! Hands out the records of a dataset, one after the other.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::cutter::{Content, Cutter, Piece, Turn};
use super::raw::{Fingerprint, Raw};
use super::rows::Table;
use super::sniff::find_format;
use super::text::Text;
use super::{Compression, DatasetError, Entry, Format, Limits, Place, Record, Unusable};

/// An iterator over the records of a dataset. It reads as it is asked, blocks while it reads, and ends after an error.
pub struct Reader {
    opened: Opened,
    limits: Limits,
    position: u64,
    progress: Progress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Going,
    Over,
}

impl Reader {
    /// Opens a file. With a fingerprint, which a [`Scan`](super::Scan) has, it must be the file that was scanned, and
    /// stay it: each time that more of it is read, the open file and what stands at its path are looked at.
    ///
    /// # Errors
    /// Where there is no such file, where it is not one that can be read, or no dataset by how it begins; with
    /// [`DatasetError::Changed`] where it is not what was expected.
    pub fn open(path: &Path, limits: Limits, expect: Option<&Fingerprint>) -> Result<Self, DatasetError> {
        Self::begin(Raw::open(path, expect)?, limits)
    }

    /// Reads a stream, such as standard input. Every byte of it is written to the spool file before any record that it
    /// belongs to is handed out; [`Reader::open`] can read the spool file again.
    ///
    /// # Errors
    /// Where the stream cannot be read, the spool cannot be written, or it begins like no dataset. It waits for as much
    /// of the stream as tells its format.
    pub fn from_stream(
        input: Box<dyn Read + Send>,
        spool: Option<File>,
        limits: Limits,
    ) -> Result<Self, DatasetError> {
        Self::begin(Raw::stream(input, spool)?, limits)
    }

    fn begin(raw: Raw, limits: Limits) -> Result<Self, DatasetError> {
        Ok(Self::of(Opened::new(Text::new(raw)?, &limits)?, limits))
    }

    pub(super) const fn of(opened: Opened, limits: Limits) -> Self {
        Self { opened, limits, position: 0, progress: Progress::Going }
    }

    /// What the text is.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.opened.format
    }

    /// How the file is compressed.
    #[must_use]
    pub const fn compression(&self) -> Compression {
        self.opened.compression
    }

    /// The names in the header, for CSV.
    #[must_use]
    pub fn columns(&self) -> Option<&[String]> {
        self.opened.table.as_ref().map(Table::columns)
    }

    /// The bytes of the file, or the stream, that were read so far; compressed ones, where it is compressed.
    #[must_use]
    pub fn raw_bytes_read(&self) -> u64 {
        self.opened.cutter.text().read()
    }

    /// How many records were handed out so far, unusable ones too; the position of the next one.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    fn entry(&mut self, piece: Piece) -> Entry {
        let position = self.position;
        self.position += 1;
        let Piece { place, content } = piece;
        let unusable =
            |code, reason, content| Entry::Unusable(Unusable { position, place, code, reason, content });
        let raw = match content {
            Content::Whole(bytes) => bytes,
            Content::TooLarge { length } => return unusable(TOO_LARGE, self.too_large(length), None),
        };
        let Some(table) = &mut self.opened.table else {
            if raw.first() == Some(&b'{') {
                return Entry::Record(Record { position, place, bytes: raw });
            }
            return unusable(NOT_AN_OBJECT, not_an_object(&raw), Some(raw));
        };
        match table.object(&raw) {
            Ok(bytes) if bytes.len() > self.limits.record_bytes => {
                let reason = self.too_large(super::place::count(bytes.len()));
                unusable(TOO_LARGE, reason, None)
            }
            Ok(bytes) => Entry::Record(Record { position, place, bytes }),
            Err(ragged) => {
                let Place { line, .. } = place;
                let reason = format!(
                    "the row on line {line} has {} where the header has {}",
                    counted(ragged.fields, "field"),
                    counted(ragged.columns, "column")
                );
                unusable(RAGGED, reason, table.list(&raw, self.limits.record_bytes))
            }
        }
    }

    fn too_large(&self, length: u64) -> String {
        format!("the record has {length} bytes, and {} is the most", self.limits.record_bytes)
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.progress == Progress::Going {
            match self.opened.cutter.turn() {
                Ok(Turn::Record(part)) => {
                    let piece = self.opened.cutter.hand_out(part);
                    return Some(Ok(self.entry(piece)));
                }
                Ok(Turn::Refilled) => {}
                Ok(Turn::End) => {
                    self.progress = Progress::Over;
                    if self.position == 0 {
                        return Some(Err(self.opened.no_records()));
                    }
                }
                Err(error) => {
                    self.progress = Progress::Over;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// A text whose format is known, standing before its first record.
pub(super) struct Opened {
    pub(super) cutter: Cutter,
    pub(super) format: Format,
    pub(super) compression: Compression,
    pub(super) table: Option<Table>,
}

impl Opened {
    pub(super) fn new(mut text: Text, limits: &Limits) -> Result<Self, DatasetError> {
        let format = find_format(&mut text)?;
        Self::with_format(text, format, limits)
    }

    pub(super) fn with_format(text: Text, format: Format, limits: &Limits) -> Result<Self, DatasetError> {
        let compression = text.compression();
        let mut cutter = Cutter::new(text, format, limits);
        let table = match format {
            Format::Csv { delimiter } => Some(read_header(&mut cutter, delimiter)?),
            Format::JsonArray | Format::Ndjson => None,
        };
        Ok(Self { cutter, format, compression, table })
    }

    /// The error for a sound text without any record.
    pub(super) fn no_records(&self) -> DatasetError {
        let what = match self.format {
            Format::JsonArray => "the array is empty",
            Format::Ndjson => "it has no line with a value",
            Format::Csv { .. } => "there is no row under the header",
        };
        DatasetError::NoRecords { path: self.cutter.text().path().to_owned(), what }
    }
}

/// The most bytes of a header. Its names stand in each record that is made of a row.
const HEADER_BYTES: usize = 256 << 10;

fn read_header(cutter: &mut Cutter, delimiter: u8) -> Result<Table, DatasetError> {
    let path = cutter.text().path().to_owned();
    let content = loop {
        match cutter.turn()? {
            Turn::Record(part) => break cutter.hand_out(part).content,
            Turn::Refilled => {}
            Turn::End => return Err(DatasetError::Empty { path }),
        }
    };
    let too_long = |length: u64| DatasetError::Header {
        path: path.clone(),
        what: format!("it has {length} bytes, and {HEADER_BYTES} are the most; is a quote missing in it?"),
    };
    match content {
        Content::Whole(header) if header.len() > HEADER_BYTES => {
            Err(too_long(super::place::count(header.len())))
        }
        Content::Whole(header) => {
            Table::new(&header, delimiter).map_err(|what| DatasetError::Header { path, what })
        }
        Content::TooLarge { length, .. } => Err(too_long(length)),
    }
}

/// The code of a record with more bytes than one may have.
pub const TOO_LARGE: &str = "record.too_large";

/// The code of a row with another number of fields than the header has.
pub const RAGGED: &str = "csv.ragged";

/// The code of a record that is another value.
pub const NOT_AN_OBJECT: &str = "record.not_an_object";

/// Says what a record is that is no object.
#[must_use]
pub fn not_an_object(record: &[u8]) -> String {
    let kind = match record.trim_ascii_start().first() {
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    };
    format!("the record is {kind} instead of an object")
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
