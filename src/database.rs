//! What our SQLite files have in common, the journal and the embedded store: whose they are, that they outlive a power
//! cut, and what is looked at before one of them is believed.
//!
//! SQLite keeps no checksums of its pages. What it can tell of a damaged file is whether its trees are whole; that is
//! looked at, for so long as a start may take, whenever a file is opened for writing. Values that nobody can tell from
//! others are held to by those who keep them. And it does not see that a file which it has open was removed or
//! replaced: what is written then is nowhere, so that is asked before each commit.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::files::{self, Use};

mod log;
mod rollback;
mod soundness;

pub use soundness::Soundness;
pub(crate) use soundness::{LOOK, find_damage, look_at, soundness, within};

/// The longest row or value that is read or written, in bytes: the largest record, its copy before an edit, and room. A file
/// that somebody else made may hold longer ones.
const LONGEST: i32 = 64 * 1024 * 1024;
/// The same at the first look: more than the longest SQL of ours.
const LONGEST_LOOK: i32 = 8192;
/// How long that may take.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// Makes a folder for its owner only. The names that lead to it are on the disk when this returns: a file in it that was
/// synced would be nowhere after a power cut without them.
///
/// # Errors
///
/// It cannot be made.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some(above) = above {
        make_folder(above)?;
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    sync_folder(above.unwrap_or(Path::new(".")))
}

/// Puts the names in a folder on the disk.
///
/// # Errors
///
/// The folder cannot be opened, or the disk fails.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    match std::fs::File::open(folder) {
        Ok(folder) => folder.sync_all(),
        // one that may be passed through and not be read: it is older than anything of ours
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes the file where it is not there. SQLite gives its side files the rights of the main one, so that is made first, for
/// its owner only.
///
/// # Errors
///
/// It cannot be made.
pub(crate) fn make_file(path: &Path) -> io::Result<()> {
    let mut file = files::open_own(path, Use::Writing)?;
    let (length, mut head) = (file.metadata()?.len(), [0; 18]);
    // SQLite takes what is shorter than its first page for nothing, and would write over it; where that page's size
    // stands tells its documentation ("Database File Format", 1.3)
    let is_whole = length == 0
        || (length >= 512 && {
            file.read_exact(&mut head)?;
            let [.., high, low] = head;
            let page = u64::from(u16::from_be_bytes([high, low]));
            head.starts_with(b"SQLite format 3\0") && length >= if page == 1 { 65_536 } else { page }
        });
    if is_whole {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged, or no SQLite file"))
    }
}

/// The most of a file that a connection holds, in KiB. More of it gains nothing, since the system holds the file anyway.
const PAGES_KIB: i64 = 1024;

/// Opens a file that is there, and waits so long for others. Neither it nor what SQLite keeps beside it is a link, or
/// anything whose opening could wait.
///
/// # Errors
///
/// It cannot be opened.
pub(crate) fn open(path: &Path, flags: OpenFlags, busy: Duration) -> rusqlite::Result<Connection> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let path = beside(path, end);
        let held = match end {
            "-journal" => rollback::hold_to_one_file(&path),
            _ => files::hold_to_own(&path),
        };
        held.map_err(|error| {
            let (kind, name) = (rusqlite::ffi::SQLITE_CANTOPEN, path.file_name().unwrap_or_default());
            let said = format!("`{}`: {error}", crate::text::one_line(&name.to_string_lossy(), 300));
            rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(kind), Some(said))
        })?;
    }
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut connection = Connection::open_with_flags(in_real_folder(path), flags)?;
    connection.busy_timeout(busy)?;
    first_look(&mut connection)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST)?;
    connection.pragma_update(None, "cache_size", -PAGES_KIB)?;
    // else a statement is planned anew whenever values are bound to it, in case they suggest another plan
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // our files have none of it, and somebody else's do nothing on their own
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(connection)
}

/// Has SQLite read what the file's tables are, before anybody knows whose they are. It reads statistics together with that,
/// if there are any, and somebody else's may be expressions without end: it gets little time, and nothing large to count in.
fn first_look(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_LOOK)?;
    // counted from the first step: before it, others may have had the file
    let mut begun = None;
    let is_over = move || begun.get_or_insert_with(std::time::Instant::now).elapsed() > FIRST_LOOK;
    connection.progress_handler(1, Some(is_over))?;
    let looked = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    connection.progress_handler(0, None::<fn() -> bool>)?;
    looked
}

/// Whether a file that could not be opened lies on a disk that cannot be written, and nothing beside it belongs to it:
/// SQLite wants to write even where somebody only looks.
pub(crate) fn is_still(path: &Path, error: &rusqlite::Error) -> bool {
    let refused = matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly));
    let is_there = files::open_own(path, Use::Reading).is_ok();
    let is_beside = |end| std::fs::symlink_metadata(beside(path, end)).is_ok();
    refused && is_there && !is_beside("-wal") && !is_beside("-journal")
}

/// The name under which SQLite takes such a file as it is (its documentation, "URI filenames").
pub(crate) fn still(path: &Path) -> PathBuf {
    const PLAIN: percent_encoding::AsciiSet = percent_encoding::NON_ALPHANUMERIC.remove(b'/');
    let path = in_real_folder(path);
    let path = path.to_string_lossy();
    format!("file:{}?immutable=1", percent_encoding::utf8_percent_encode(&path, &PLAIN)).into()
}

/// Switches to WAL mode, which the file then keeps. SQLite doesn't wait for others here, as it does everywhere else: two
/// processes that make the file at once get in each other's way.
///
/// # Errors
///
/// Somebody else had the file for longer than that, or it cannot be written.
pub(crate) fn begin_log(connection: &Connection, busy: Duration) -> rusqlite::Result<()> {
    let begun = std::time::Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && begun.elapsed() < busy =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// A transaction, whose own statements are prepared once and not for each commit. What is not committed is taken back.
pub(crate) struct Group<'c>(&'c Connection);

impl<'c> Group<'c> {
    /// Begins it, as one that writes.
    pub(crate) fn begin(connection: &'c Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self(connection))
    }

    /// Commits it.
    pub(crate) fn commit(self) -> rusqlite::Result<()> {
        self.0.prepare_cached("COMMIT")?.execute([]).map(drop)
    }
}

impl Deref for Group<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        // some errors have ended it already
        if !self.0.is_autocommit() {
            let _ = self.0.execute_batch("ROLLBACK");
        }
    }
}

/// What a file's schema is made of, each object as its kind, its name, its table and the SQL that made it.
type Objects = BTreeSet<[String; 4]>;

/// Whose a file is, by its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Ours, or nobody's yet.
    Ours,
    /// It has our tables, and they are not as we make them.
    Altered,
    /// Another program's.
    Foreign,
}

/// Whose the file is: ours holds nothing, or exactly what so many of these steps make as it says of itself. The expression of
/// a column, a view in a table's place or a trigger on one would else do as it likes wherever we read or write. Of a later
/// version no more is known than these tables.
///
/// # Errors
///
/// It cannot be read; it may be no SQLite file at all.
pub(crate) fn whose(
    connection: &Connection,
    tables: &[&str],
    steps: &'static [&'static str],
) -> rusqlite::Result<Whose> {
    // one look at both: another process may be bringing it to a newer version
    let look = connection.unchecked_transaction()?;
    let found = objects(&look)?;
    if found.is_empty() {
        return Ok(Whose::Ours);
    }
    if !tables.iter().all(|table| found.iter().any(|[_, name, ..]| name == table)) {
        return Ok(Whose::Foreign);
    }
    let version: i64 = look.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let Ok(version) = usize::try_from(version) else { return Ok(Whose::Altered) };
    match steps.get(..version) {
        Some(steps) if found != *made_by(steps)? => Ok(Whose::Altered),
        _ => Ok(Whose::Ours),
    }
}

fn objects(connection: &Connection) -> rusqlite::Result<Objects> {
    // statistics of its own are kept by SQLite, where somebody has asked for them; anything else may bear such a name
    let mut statement = connection.prepare(
        "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema WHERE coalesce(sql, '') NOT IN
             ('CREATE TABLE sqlite_stat1(tbl,idx,stat)', 'CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)')",
    )?;
    let found = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
    found.collect()
}

/// What the steps make of an empty file.
fn made_by(steps: &'static [&'static str]) -> rusqlite::Result<Arc<Objects>> {
    static KNOWN: Mutex<BTreeMap<(usize, usize), Arc<Objects>>> = Mutex::new(BTreeMap::new());
    // they are constants: where they lie tells which they are
    let name = (steps.as_ptr().addr(), steps.len());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(objects) = known.get(&name) {
        return Ok(Arc::clone(objects));
    }
    let empty = Connection::open_in_memory()?;
    for step in steps {
        empty.execute_batch(step)?;
    }
    let objects = Arc::new(objects(&empty)?);
    known.insert(name, Arc::clone(&objects));
    Ok(objects)
}

/// Whether what was committed to the file's log is gone from it.
///
/// # Errors
///
/// The log cannot be read.
pub(crate) fn has_lost_commits(path: &Path) -> io::Result<bool> {
    let log = log_of(path);
    log::is_damaged(&log).map_err(|error| {
        let name = crate::text::one_line(&log.file_name().unwrap_or_default().to_string_lossy(), 300);
        io::Error::new(error.kind(), format!("its log, `{name}` beside it: {error}"))
    })
}

/// A file and its write-ahead log as they were when they were opened.
#[derive(Debug)]
pub(crate) struct Anchor {
    path: PathBuf,
    file: Option<u64>,
    log: Option<u64>,
}

impl Anchor {
    /// Of a file that was just opened.
    pub(crate) fn of(path: &Path) -> Self {
        let mut anchor = Self { path: path.to_owned(), file: number(path), log: None };
        anchor.log = number(&log_of(path));
        anchor
    }

    /// What is not where it was.
    pub(crate) fn moved(&mut self) -> Option<PathBuf> {
        if number(&self.path) != self.file {
            return Some(self.path.clone());
        }
        let path = log_of(&self.path);
        let log = number(&path);
        if self.log.is_none() {
            // it is made with the first write
            self.log = log;
        }
        (log != self.log).then_some(path)
    }
}

fn log_of(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push(end);
    path.into()
}

/// The same file, in a folder that is reached through no link: SQLite, told to follow none, follows none of those that lead
/// to a person's folder either.
fn in_real_folder(path: &Path) -> PathBuf {
    let folder = path.parent().map(std::fs::canonicalize);
    match (folder, path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// What tells a file from another of its name.
#[cfg(unix)]
fn number(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|found| found.ino())
}

#[cfg(not(unix))]
fn number(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|_| 0)
}
