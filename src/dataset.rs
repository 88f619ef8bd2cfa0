//! Datasets: files of records, read in one pass and in constant memory, whatever their size.
//!
//! A dataset is a JSON array, NDJSON or CSV, plain or compressed with gzip or zstd; its form is found in its content,
//! never in its name. A record goes to a platform byte for byte as it stands in the file, so nothing here parses one
//! into values: the text is *cut* into records, and its grammar is checked while it is cut.
//!
//! ```text
//!  Raw ──▶ Unpacked ──▶ Filling ────▶ Text ──▶ Splitter ──▶ Cutter ───▶ Reader: records, with their places
//!  counts   gzip, zstd   whole                  array,       slices of    └───▶ scan: count, digest, where it breaks
//!  hashes                characters,            lines,       one buffer
//!  watches               256 KiB each           rows
//!  └── of a large file on a thread of its own ──┘
//! ```
//!
//! [`scan()`] reads a file to its end before anything is sent; [`Reader`] then hands out its records. Both run the same
//! splitter over the same text, so they can't disagree on what a record is. [`map::Mapping`] makes new records of old.

pub mod canonical;
mod cutter;
mod error;
mod expand;
mod filling;
mod grammar;
pub mod map;
pub mod patch;
mod place;
mod raw;
mod reader;
mod rows;
mod scan;
pub mod schema;
mod shape;
mod sniff;
mod split;
mod text;
mod unpacked;
mod whole;

#[cfg(test)]
mod tests;

use bytes::Bytes;

pub use error::{DatasetError, Malformed};
pub use expand::expand;
pub use raw::{Digest, Fingerprint, NotADigest};
pub use reader::{NOT_AN_OBJECT, RAGGED, Reader, TOO_LARGE, not_an_object};
pub use scan::{Scan, scan};

/// What the text of a dataset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON array (RFC 8259); its elements are the records.
    JsonArray,
    /// One JSON value a line.
    Ndjson,
    /// Rows under a header (RFC 4180).
    Csv {
        /// What stands between two fields: `,`, `;`, a tab or `|`.
        delimiter: u8,
    },
}

/// How a dataset's file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip (RFC 1952), of one member or several joined ones.
    Gzip,
    /// zstd (RFC 8878), of one frame or several.
    Zstd,
}

/// A place in the decompressed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1. Lines end with a line feed.
    pub line: u64,
    /// The column in characters, from 1. A byte order mark is none.
    pub column: u64,
    /// The byte, from 0. A byte order mark counts.
    pub byte: u64,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which one it is in this dataset, from 0. Unusable ones count, too.
    pub position: u64,
    /// Where it begins.
    pub place: Place,
    /// One JSON object, exactly as it stands; for CSV the object of strings made of the row.
    ///
    /// Mostly a slice of a 1 MiB buffer, which lives as long as any of its records: who keeps a record for long copies
    /// it.
    pub bytes: Bytes,
}

/// One record that cannot be used, though the dataset goes on after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Which one it is in this dataset, from 0.
    pub position: u64,
    /// Where it begins.
    pub place: Place,
    /// `record.too_large`, `record.not_an_object` or `csv.ragged`.
    pub code: &'static str,
    /// What is wrong, for a person to read.
    pub reason: String,
    /// All of it, as JSON: the value itself, or the fields of a row of CSV, as a list; none where it is too large.
    pub content: Option<Bytes>,
}

/// What a [`Reader`] hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A record to be sent.
    Record(Record),
    /// A record that cannot be.
    Unusable(Unusable),
}

impl Entry {
    /// Which one it is, from 0.
    #[must_use]
    pub const fn position(&self) -> u64 {
        match self {
            Self::Record(record) => record.position,
            Self::Unusable(unusable) => unusable.position,
        }
    }
}

/// How much one record may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of one record; a larger one is passed over, and never held. For CSV the row and the object made of
    /// it are both held to it.
    pub record_bytes: usize,
    /// The most levels of objects and arrays within one record, itself the first. A deeper one is malformed.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { record_bytes: 10_000_000, depth: 128 }
    }
}
