//! One process a run: the lock that says who carries it.
//!
//! The lock is the operating system's own on an open file, so it ends with the process, however that ends. The file
//! also says who holds it, for the person who is told to wait.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write as _};
use std::path::Path;
use std::time::Duration;

use super::JournalError;
use crate::files::{self, Use};

/// Holds a run for this process. Dropped, the run is free.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// Who carries a run, as the lock's file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier(pub String);

/// A look at the lock by somebody else holds it for an instant: taking it tries again for this long.
const PATIENCE: Duration = Duration::from_millis(200);

fn open(folder: &Path) -> Result<File, JournalError> {
    let path = folder.join("lock");
    files::open_own(&path, Use::Writing).map_err(|source| JournalError::Folder { path, source })
}

fn said(file: &mut File) -> Carrier {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(512).read_to_string(&mut text));
    if read.is_err() || text.is_empty() {
        "another process".clone_into(&mut text);
    }
    Carrier(crate::text::one_line(&text, 200))
}

/// Takes the run whose folder this is.
pub(super) fn take(folder: &Path) -> Result<Result<RunLock, Carrier>, JournalError> {
    let mut file = open(folder)?;
    let failed = |source| JournalError::Folder { path: folder.join("lock"), source };
    let begun = std::time::Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE && !crate::machine::is_held() => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => return Ok(Err(said(&mut file))),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    let text = format!("{}, process {}", crate::user::name(), std::process::id());
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(text.as_bytes()))
        .map_err(failed)?;
    Ok(Ok(RunLock { _file: file }))
}

/// Who carries the run whose folder this is, if anybody does.
pub(super) fn carrier(folder: &Path) -> Option<Carrier> {
    look(folder).ok().flatten()
}

/// The same, or why a lock that is there cannot be taken by anybody.
pub(super) fn look(folder: &Path) -> std::io::Result<Option<Carrier>> {
    let mut file = match files::open_own(&folder.join("lock"), Use::Reading) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    Ok(match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(said(&mut file)),
        _ => None,
    })
}
