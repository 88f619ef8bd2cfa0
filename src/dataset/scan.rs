//! Reads a file to its end before anything is sent: is it sound, how many records does it hold, and which file is it?

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use super::cutter::Turn;
use super::raw::Raw;
use super::reader::Opened;
use super::rows::Table;
use super::text::Text;
use super::{Compression, DatasetError, Digest, Fingerprint, Format, Limits, Malformed};

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// What its text is.
    pub format: Format,
    /// How it is compressed.
    pub compression: Compression,
    /// How many records there are, unusable ones too; the whole ones before the place where it breaks, if it does.
    pub records: u64,
    /// The file's size in bytes.
    pub bytes: u64,
    /// The digest of the file's raw bytes, all of them, also of those after a place where it breaks.
    pub digest: Digest,
    /// The names in the header, for CSV.
    pub columns: Option<Vec<String>>,
    /// What tells later whether this is still the same file.
    pub fingerprint: Fingerprint,
    /// Where it breaks, if it does. What stands before can be read; whoever wants all of it takes this for an error.
    pub broken: Option<Malformed>,
}

/// Reads a file to its end. Tells the raw bytes read so far each time that more were read, and stops when told to.
///
/// # Errors
/// Where it cannot be read, changes while it is read, or is no dataset; where it is sound and holds no record; with
/// [`DatasetError::Stopped`] where it was told to stop. A malformed place is no error here, but in [`Scan::broken`],
/// except in a CSV header, without which there are no records.
pub fn scan(
    path: &Path,
    limits: &Limits,
    on_progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Scan, DatasetError> {
    let (raw, fingerprint) = Raw::open_hashing(path)?;
    let opened = Opened::new(Text::new(raw)?, limits)?;
    count_records(opened, fingerprint, on_progress)
}

pub(super) fn count_records(
    mut opened: Opened,
    fingerprint: Fingerprint,
    on_progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Scan, DatasetError> {
    let cutter = &mut opened.cutter;
    let mut records = 0;
    let broken = loop {
        match cutter.turn() {
            Ok(Turn::Record(part)) => {
                cutter.pass_over(part);
                records += 1;
            }
            Ok(Turn::Refilled) => tell(cutter.text().path(), cutter.text().read(), on_progress)?,
            Ok(Turn::End) => break None,
            Err(DatasetError::Malformed(malformed)) => break Some(malformed),
            Err(error) => return Err(error),
        }
    };
    let no_records = (records == 0 && broken.is_none()).then(|| opened.no_records());
    let mut raw = opened.cutter.into_raw()?;
    read_out(&mut raw, on_progress)?;
    if let Some(error) = no_records {
        return Err(error);
    }
    let Some(digest) = raw.digest() else {
        return Err(DatasetError::Stopped { path: raw.path().to_owned() });
    };
    Ok(Scan {
        format: opened.format,
        compression: opened.compression,
        records,
        bytes: raw.count(),
        digest,
        columns: opened.table.as_ref().map(|table| Table::columns(table).to_vec()),
        fingerprint,
        broken,
    })
}

/// Reads what is left of the file, for its digest.
fn read_out(raw: &mut Raw, on_progress: &mut dyn FnMut(u64) -> ControlFlow<()>) -> Result<(), DatasetError> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        match raw.read(&mut buffer).map_err(|error| unwrap_io(raw.path(), error))? {
            0 => return Ok(()),
            _ => tell(raw.path(), raw.count(), on_progress)?,
        }
    }
}

fn unwrap_io(path: &Path, error: io::Error) -> DatasetError {
    error.downcast::<DatasetError>().unwrap_or_else(|source| DatasetError::of_io(path, source))
}

fn tell(
    path: &Path,
    read: u64,
    on_progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<(), DatasetError> {
    match on_progress(read) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(DatasetError::Stopped { path: path.to_owned() }),
    }
}
