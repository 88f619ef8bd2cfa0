//! Whether SQLite finds a file sound, as far as it can be read in the time that there is: a large file takes minutes.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use crate::machine;
use crate::text::one_line;

/// How long work may be held up by the look at a large file.
pub(crate) const LOOK: Duration = Duration::from_millis(700);

/// The most that is told of what is wrong.
const MOST: usize = 5;

/// Whether SQLite finds a file sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Soundness {
    /// Every page and every index.
    Sound,
    /// As far as it was read before the time was over.
    SoundSoFar,
    /// Not: in SQLite's own words.
    Damaged(Vec<String>),
}

impl Soundness {
    /// What is wrong, where something is.
    pub(crate) fn damage(self) -> Option<String> {
        match self {
            Self::Sound | Self::SoundSoFar => None,
            Self::Damaged(lines) => lines.into_iter().next(),
        }
    }
}

/// Asks SQLite whether the file is sound, first for its pages and then for its indices too.
///
/// # Errors
///
/// The file cannot be read.
pub(crate) fn soundness(connection: &Connection, patience: Duration) -> rusqlite::Result<Soundness> {
    let begun = Instant::now();
    for check in ["quick_check", "integrity_check"] {
        match look(connection, check, patience.saturating_sub(begun.elapsed()))? {
            Soundness::Sound => {}
            other => return Ok(other),
        }
    }
    Ok(Soundness::Sound)
}

/// What is wrong with the file's trees, as far as a look finds it that takes no longer than this.
///
/// # Errors
///
/// It cannot be read.
pub(crate) fn look_at(connection: &Connection, patience: Duration) -> rusqlite::Result<Soundness> {
    look(connection, "quick_check", patience)
}

/// What is wrong with the file's trees, as far as a look finds it that holds up no start.
///
/// # Errors
///
/// It cannot be read.
pub(crate) fn find_damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    Ok(look_at(connection, LOOK)?.damage())
}

fn look(connection: &Connection, check: &str, patience: Duration) -> rusqlite::Result<Soundness> {
    let told = within(connection, patience, |connection| {
        let mut statement = connection.prepare_cached(&format!("PRAGMA {check}({MOST})"))?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
        lines.collect::<rusqlite::Result<Vec<_>>>()
    });
    match told {
        Ok(None) => Ok(Soundness::SoundSoFar),
        Ok(Some(lines)) if lines == ["ok"] => Ok(Soundness::Sound),
        Ok(Some(lines)) => {
            Ok(Soundness::Damaged(lines.iter().take(MOST).map(|line| one_line(line, 200)).collect()))
        }
        Err(error) if is_damage(&error) => Ok(Soundness::Damaged(vec![one_line(&error.to_string(), 200)])),
        Err(error) => Err(error),
    }
}

/// Asks for so long at the most; `None` where that was not enough.
///
/// # Errors
///
/// What the question fails with.
pub(crate) fn within<T>(
    connection: &Connection,
    patience: Duration,
    ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    if machine::is_held() {
        return ask(connection).map(Some);
    }
    if patience.is_zero() {
        return Ok(None);
    }
    let handle = connection.get_interrupt_handle();
    let (done, over) = mpsc::channel::<()>();
    let asked = thread::scope(|scope| {
        scope.spawn(move || {
            if over.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
        let asked = ask(connection);
        drop(done);
        asked
    });
    match asked {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(None),
        asked => asked.map(Some),
    }
}

/// Whether an error says that the file is damaged.
fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}
