//! Rollback journals that name another file.
//!
//! SQLite opens the file that is named at a journal's end, a *super-journal*, wherever it lies, reads it whole, and deletes
//! it when it has rolled back. Our transactions are of one file each, so none of ours names one; somebody else's could.
//!
//! The format is that of SQLite's documentation, "The Rollback Journal".

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::files::{self, Use};

/// What a journal that names another ends with, as it begins.
const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Holds the journal at this place, if there is one, to naming no other file.
///
/// # Errors
///
/// It names one, is no regular file, or cannot be read.
pub(super) fn hold_to_one_file(journal: &Path) -> io::Result<()> {
    let mut file = match files::open_own(journal, Use::Reading) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut end = [0; MAGIC.len()];
    if let Some(before) = file.metadata()?.len().checked_sub(end.len() as u64) {
        file.seek(SeekFrom::Start(before))?;
        file.read_exact(&mut end)?;
    }
    if end == MAGIC {
        let what =
            "it names another file, which none of ours does: remove it, and look at what else came with it";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(())
}
