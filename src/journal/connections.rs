//! Connections to the journal's file, kept for the next who needs one.
//!
//! A new one reads the whole schema and knows no statement yet, which takes longer than most questions do; and the board
//! asks many times a second. So one that is given back is lent again, for as long as it leads to the file that lies there.

use std::fs;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{JournalError, file_in, schema};
use crate::database::{self, Soundness};
use crate::model::RunId;

/// How long to wait while another process commits.
const BUSY: Duration = Duration::from_secs(20);

/// Idle connections that are kept of each kind.
const MOST_IDLE: usize = 3;

/// The connections to one journal. A clone shares them.
#[derive(Debug, Clone)]
pub struct Connections {
    folder: Arc<Path>,
    idle: Arc<Mutex<Vec<Kept>>>,
    /// The file that was looked at, and found sound.
    sound: Arc<Mutex<Option<Identity>>>,
}

#[derive(Debug)]
struct Kept {
    connection: Connection,
    rights: Rights,
    file: Identity,
}

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    Read,
    Write,
}

/// Which file it is, whatever its name: its device and number.
type Identity = (u64, u64);

/// A connection that is given back when dropped.
#[derive(Debug)]
pub(super) struct Lent {
    kept: Option<Kept>,
    home: Connections,
}

impl Connections {
    /// Connections to the journal in the folder. None is made yet.
    #[must_use]
    pub fn to(folder: &Path) -> Self {
        Self { folder: folder.into(), idle: Arc::default(), sound: Arc::default() }
    }

    /// The folder that the journal lies in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One that only reads. A journal of an older version is brought to this one first.
    pub(super) fn reading(&self) -> Result<Lent, JournalError> {
        if let Some(kept) = self.kept(Rights::Read) {
            return Ok(kept);
        }
        let path = self.path();
        hold_to_runs(&self.folder, &path)?;
        let connection = match connect(&path, Rights::Read) {
            Err(JournalError::Open { source, .. }) if database::is_still(&path, &source) => {
                connect(&database::still(&path), Rights::Read)?
            }
            connected => connected?,
        };
        let version = schema::version(&connection).map_err(|source| JournalError::open(&path, source))?;
        if schema::is_old(version) {
            drop(self.writing()?);
        }
        self.lend(connection, Rights::Read)
    }

    /// One that writes.
    pub(super) fn writing(&self) -> Result<Lent, JournalError> {
        if let Some(kept) = self.kept(Rights::Write) {
            return Ok(kept);
        }
        let mut connection = connect(&self.path(), Rights::Write)?;
        schema::migrate(&mut connection, &self.path())?;
        self.lend(connection, Rights::Write)
    }

    /// One that writes to a file that is sound, as far as a look tells that takes no longer than this. The whole look is taken
    /// once: what happens to the file later shows where it is read.
    pub(super) fn writing_to_sound(&self, patience: Duration) -> Result<Lent, JournalError> {
        let path = self.path();
        let mut sound = self.sound.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sound.is_some() && *sound == identity(&path).ok();
        if !known {
            hold_to_log(&path)?;
        }
        let connection = self.writing()?;
        if !known {
            let looked = database::look_at(&connection, patience);
            let looked = looked.map_err(|source| JournalError::open(&path, source))?;
            let is_done = looked == Soundness::Sound || patience >= database::LOOK;
            if let Some(what) = looked.damage() {
                return Err(JournalError::Damaged { path, what });
            }
            if is_done {
                *sound = identity(&path).ok();
            }
        }
        Ok(connection)
    }

    fn path(&self) -> PathBuf {
        file_in(&self.folder)
    }

    fn lend(&self, connection: Connection, rights: Rights) -> Result<Lent, JournalError> {
        let path = self.path();
        let file = identity(&path).map_err(|source| JournalError::Folder { path, source })?;
        Ok(Lent { kept: Some(Kept { connection, rights, file }), home: self.clone() })
    }

    fn kept(&self, rights: Rights) -> Option<Lent> {
        let there = identity(&self.path()).ok();
        let mut idle = self.idle();
        idle.retain(|kept| Some(kept.file) == there);
        let at = idle.iter().position(|kept| kept.rights == rights)?;
        let kept = Some(idle.swap_remove(at));
        drop(idle);
        Some(Lent { kept, home: self.clone() })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Lent {
    type Target = Connection;

    #[expect(clippy::expect_used, reason = "it is taken out only when this is dropped")]
    fn deref(&self) -> &Connection {
        &self.kept.as_ref().expect("a connection that is lent").connection
    }
}

impl DerefMut for Lent {
    #[expect(clippy::expect_used, reason = "it is taken out only when this is dropped")]
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.kept.as_mut().expect("a connection that is lent").connection
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(kept) = self.kept.take() else { return };
        let mut idle = self.home.idle();
        let alike = idle.iter().filter(|one| one.rights == kept.rights).count();
        // one that somebody left in the middle of something is of no use to the next
        if alike < MOST_IDLE && kept.connection.is_autocommit() {
            idle.push(kept);
        }
    }
}

fn identity(path: &Path) -> std::io::Result<Identity> {
    fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

/// A journal that is empty beside the folders of runs has lost them.
pub(super) fn hold_to_runs(folder: &Path, path: &Path) -> Result<(), JournalError> {
    let mut runs = std::fs::read_dir(folder.join("runs")).into_iter().flatten().flatten();
    let were_runs = runs.any(|entry| entry.file_name().to_string_lossy().parse::<RunId>().is_ok());
    // asked after that: another process may just have made both
    let is_empty = path.metadata().map_or(true, |file| file.len() == 0);
    if were_runs && is_empty { Err(JournalError::Gone(path.to_owned())) } else { Ok(()) }
}

/// What was committed and is not in the file yet has to be in its log.
pub(super) fn hold_to_log(path: &Path) -> Result<(), JournalError> {
    match database::has_lost_commits(path) {
        Ok(false) => Ok(()),
        Ok(true) => Err(JournalError::Damaged {
            path: path.to_owned(),
            what: "its log, the file beside it whose name ends in `-wal`, has lost what was committed"
                .to_owned(),
        }),
        Err(source) => Err(JournalError::Folder { path: path.to_owned(), source }),
    }
}

fn connect(path: &Path, rights: Rights) -> Result<Connection, JournalError> {
    let failed = |source| JournalError::open(path, source);
    let flags = match rights {
        Rights::Read => OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
        Rights::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let connection = database::open(path, flags, BUSY).map_err(failed)?;
    schema::hold_to_ours(&connection, path)?;
    if rights == Rights::Write {
        let begin = || {
            database::begin_log(&connection, BUSY)?;
            connection.pragma_update(None, "synchronous", "full")
        };
        begin().map_err(failed)?;
    }
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::make_file;

    fn runs(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM run", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_connection_to_a_file_that_lies_there_no_more_is_not_lent_again() {
        let folder = tempfile::tempdir().unwrap();
        let connections = Connections::to(folder.path());
        make_file(&connections.path()).unwrap();
        drop(connections.writing().unwrap());
        drop(connections.reading().unwrap());
        assert_eq!(connections.idle().len(), 2);
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(folder.path().join(format!("journal.db{end}")));
        }
        assert!(connections.reading().is_err(), "there is nothing to be read");
        make_file(&connections.path()).unwrap();
        assert_eq!(runs(&connections.writing().unwrap()), 0, "the new one is known");
    }

    #[test]
    fn a_connection_in_the_middle_of_something_is_not_lent_again() {
        let folder = tempfile::tempdir().unwrap();
        let connections = Connections::to(folder.path());
        make_file(&connections.path()).unwrap();
        let one = connections.writing().unwrap();
        one.execute_batch("BEGIN IMMEDIATE").unwrap();
        drop(one);
        let other = connections.writing().unwrap();
        other.execute_batch("BEGIN IMMEDIATE; COMMIT").unwrap();
    }
}
