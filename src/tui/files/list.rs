//! What is in a folder.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::path::Path;

use super::{LONGEST, Stamp};
use crate::text::one_line;

/// What stands in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Its name there.
    pub name: OsString,
    /// What it is.
    pub kind: FileKind,
    /// Its size, and when it was changed.
    pub stamp: Stamp,
}

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A folder.
    Folder,
    /// A file whose name is that of a dataset.
    Dataset,
    /// Any other file; what is in it may be a dataset all the same.
    Other,
    /// No file: a pipe, a socket, a device, or a link to nothing.
    Strange,
}

/// The ends of names that datasets have.
const ENDS: [&str; 8] = ["json", "ndjson", "jsonl", "csv", "tsv", "gz", "zst", "zstd"];

/// What is in a folder, hidden names left out: folders first, then datasets, then the rest.
pub(super) fn list(folder: &Path) -> Result<Vec<Listing>, String> {
    let refuse = |error: std::io::Error| one_line(&error.to_string(), LONGEST);
    let mut listed = Vec::new();
    for entry in fs::read_dir(folder).map_err(refuse)? {
        let entry = entry.map_err(refuse)?;
        let name = entry.file_name();
        if name.as_encoded_bytes().first() == Some(&b'.') {
            continue;
        }
        // what a link leads to counts
        let known = fs::metadata(entry.path());
        let kind = known.as_ref().map_or(FileKind::Strange, |known| kind(&name, known));
        let stamp = known.as_ref().map(Stamp::from).unwrap_or_default();
        listed.push(Listing { name, kind, stamp });
    }
    listed.sort_by_cached_key(|one| (one.kind, one.name.to_string_lossy().to_lowercase(), one.name.clone()));
    Ok(listed)
}

fn kind(name: &OsString, known: &Metadata) -> FileKind {
    if known.is_dir() {
        return FileKind::Folder;
    }
    if !known.is_file() {
        return FileKind::Strange;
    }
    let end = Path::new(name).extension().map(|end| end.to_string_lossy().to_lowercase());
    if end.is_some_and(|end| ENDS.contains(&end.as_str())) { FileKind::Dataset } else { FileKind::Other }
}
