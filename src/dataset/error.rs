//! What can be wrong with a dataset as a whole. What is wrong with one record of it is an
//! [`Unusable`](super::Unusable), and no error.

use std::io;
use std::path::{Path, PathBuf};

use super::Place;
use crate::text::one_line;

/// The text breaks off, or its grammar is broken; what stands before that place is sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} is malformed at line {}, column {} (byte {}): {what}",
    shown(path), place.line, place.column, place.byte
)]
pub struct Malformed {
    /// The dataset; `-` is standard input.
    pub path: PathBuf,
    /// Where it breaks, in the decompressed text.
    pub place: Place,
    /// What is wrong there, safe to be shown.
    pub what: String,
}

/// Why a dataset, or a list of them, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// There is nothing at the path.
    #[error(
        "opening {}: there is no such file; check its name, and the directory that it is relative to",
        shown(path)
    )]
    Missing {
        /// The dataset.
        path: PathBuf,
    },
    /// The file system refuses it.
    #[error("opening {}: permission denied; make it readable for this user", shown(path))]
    Denied {
        /// The dataset.
        path: PathBuf,
    },
    /// The path is a directory.
    #[error(
        "opening {}: it is a directory; name a file in it, or a pattern such as `{}`",
        shown(path),
        shown_pattern(path)
    )]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// A pipe, a socket or a device, which cannot be read twice.
    #[error(
        "opening {}: it is no regular file, and a dataset is read twice; pipe it in and name it `-`",
        shown(path)
    )]
    NotAFile {
        /// What is not a file.
        path: PathBuf,
    },
    /// The operating system could not read it.
    #[error("reading {}: {source}", shown(path))]
    Read {
        /// The dataset.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// What was read of a stream could not be kept, so that nothing of it may be sent.
    #[error("keeping what was read of standard input in the run's folder: {source}; make room there")]
    Spool {
        /// What the operating system said.
        source: io::Error,
    },
    /// It is no longer the file that was checked.
    #[error(
        "reading {}: {what} since it was checked; put it back as it was, or begin a new run",
        shown(path)
    )]
    Changed {
        /// The dataset.
        path: PathBuf,
        /// What changed about it.
        what: &'static str,
    },
    /// Nothing stands in it.
    #[error("{} is empty", shown(path))]
    Empty {
        /// The dataset.
        path: PathBuf,
    },
    /// It is sound, but holds no record.
    #[error("{} holds no record: {what}", shown(path))]
    NoRecords {
        /// The dataset.
        path: PathBuf,
        /// What it holds instead.
        what: &'static str,
    },
    /// It is one number, string or word.
    #[error(
        "{} is a scalar instead of an array: a dataset is a JSON array of objects, NDJSON or CSV",
        shown(path)
    )]
    Scalar {
        /// The dataset.
        path: PathBuf,
    },
    /// It is one JSON object that spans lines.
    #[error(
        "{} is an object instead of an array: its first line is no whole value; put its records into `[` … `]`, or \
         write one object a line",
        shown(path)
    )]
    ObjectInsteadOfArray {
        /// The dataset.
        path: PathBuf,
    },
    /// It holds NUL bytes near its beginning.
    #[error(
        "{} holds NUL bytes, the first at line {}, column {} (byte {}): it is binary, or UTF-16; save it as UTF-8 text",
        shown(path), place.line, place.column, place.byte
    )]
    NulBytes {
        /// The dataset.
        path: PathBuf,
        /// Where the first stands.
        place: Place,
    },
    /// It is of some other format.
    #[error("{} is not JSON, NDJSON or CSV: {what}", shown(path))]
    NotADataset {
        /// The dataset.
        path: PathBuf,
        /// What it seems to be.
        what: &'static str,
    },
    /// Its CSV header cannot be used.
    #[error("the CSV header of {} cannot be used: {what}", shown(path))]
    Header {
        /// The dataset.
        path: PathBuf,
        /// What is wrong with which column, safe to be shown.
        what: String,
    },
    /// It breaks off, or its grammar is broken.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The caller asked for it.
    #[error("reading {} was stopped", shown(path))]
    Stopped {
        /// The dataset.
        path: PathBuf,
    },
    /// A pattern of file names is none.
    #[error("`{}` is no pattern of file names: {what}", one_line(pattern, 512))]
    Pattern {
        /// The pattern as it was written.
        pattern: String,
        /// What is wrong with it.
        what: String,
    },
    /// A pattern that no file fits.
    #[error("no file matches `{}` in {}", one_line(pattern, 512), shown(base))]
    NoMatch {
        /// The pattern as it was written.
        pattern: String,
        /// Where it was looked for.
        base: PathBuf,
    },
    /// The same file stands in the list more than once, so that its records would be sent more than once.
    #[error(
        "{} stands in the list twice (the second time as `{}`): each dataset is sent once",
        shown(path),
        one_line(pattern, 512)
    )]
    Twice {
        /// The file.
        path: PathBuf,
        /// The pattern that brought it in again.
        pattern: String,
    },
}

impl DatasetError {
    /// The error for what the operating system said of a path.
    pub(super) fn of_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing { path },
            io::ErrorKind::PermissionDenied => Self::Denied { path },
            io::ErrorKind::IsADirectory => Self::Directory { path },
            _ => Self::Read { path, source },
        }
    }
}

/// A dataset's name in a message.
fn shown(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        format!("`{}`", one_line(&path.to_string_lossy(), 512))
    }
}

fn shown_pattern(directory: &Path) -> String {
    one_line(&directory.join("*.json").to_string_lossy(), 512)
}
