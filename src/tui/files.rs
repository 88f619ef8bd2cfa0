//! Looks at files, on threads that may block, and answers with messages.
//!
//! There are two lanes. What a person waits for (a folder, a file's first records) goes in one: of several errands of a
//! kind only the last is carried out, so that whoever types fast waits for one of them. Counting records, which may
//! take minutes, goes in the other, one file at a time, and stops within a buffer of the file when it is told to.

mod find;
mod list;
mod peek;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc;

use super::log;
use super::message::What;
use crate::dataset::{self, DatasetError, Limits};
use crate::text::one_line;

pub(super) use find::Found;
pub(super) use list::{FileKind, Listing};
pub(super) use peek::{FieldSeen, Peek};

/// How often it is told how far a count is.
const NEWS: Duration = Duration::from_millis(150);

/// The longest sentence about a file that goes wrong.
const LONGEST: usize = 600;

/// What is asked of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileErrand {
    /// Where this process stands, and where the person is at home.
    Begin,
    /// What is in a folder.
    List(PathBuf),
    /// How many records a file holds.
    Count(PathBuf),
    /// To stop counting.
    StopCounting,
    /// A file's first records.
    Peek(PathBuf),
    /// Which files these names and patterns are. They are absolute.
    Find(Vec<String>),
    /// The end of the log, unless it still has this size.
    Log(PathBuf, Option<u64>),
}

/// What the files answer.
#[derive(Debug)]
pub enum FileAnswer {
    /// Where this process stands, and where the person is at home.
    Begun {
        /// The folder of this process.
        folder: PathBuf,
        /// The person's own.
        home: Option<PathBuf>,
    },
    /// What is in a folder.
    Listed(PathBuf, Result<Vec<Listing>, String>),
    /// How far a count is: bytes read, of how many.
    CountGoes(PathBuf, u64, u64),
    /// How many records a file holds.
    Counted(PathBuf, Count),
    /// A file's first records.
    Peeked(PathBuf, Result<Box<Peek>, String>),
    /// Which files the names and patterns are.
    Found(Vec<String>, Result<Box<Found>, String>),
    /// The end of the log; none where it has not grown.
    Log(Result<Option<log::Tail>, String>),
}

/// What was counted in a file, and of which state of it that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The file as it was.
    pub stamp: Stamp,
    /// Its records, or why they can't be counted.
    pub records: Result<u64, String>,
}

/// What tells one state of a file from a later one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was changed last.
    pub modified: Option<SystemTime>,
}

impl Stamp {
    fn of(path: &Path) -> Self {
        std::fs::metadata(path).map(|known| Self::from(&known)).unwrap_or_default()
    }
}

impl From<&std::fs::Metadata> for Stamp {
    fn from(known: &std::fs::Metadata) -> Self {
        Self { bytes: known.len(), modified: known.modified().ok() }
    }
}

/// The desk at which files are looked at.
pub(super) struct Files {
    inbox: mpsc::Sender<What>,
    lists: Lane,
    peeks: Lane,
    finds: Lane,
    counts: Lane,
}

/// Errands of a kind. A new one makes the ones before it old; an old one is not begun, and stops where it can.
#[derive(Debug, Clone, Default)]
struct Lane(Arc<AtomicU64>);

impl Lane {
    /// A number for a new errand.
    fn ticket(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn is_old(&self, ticket: u64) -> bool {
        self.0.load(Ordering::Relaxed) != ticket
    }
}

impl Files {
    pub fn new(inbox: mpsc::Sender<What>) -> Self {
        let (lists, peeks, finds, counts) = Default::default();
        Self { inbox, lists, peeks, finds, counts }
    }

    /// Runs one errand; the answer comes to the inbox.
    pub fn run(&self, errand: FileErrand) {
        match errand {
            FileErrand::Begin => self.carry(&Lane::default(), begin),
            FileErrand::List(folder) => self.carry(&self.lists, move || {
                let listed = list::list(&folder);
                FileAnswer::Listed(folder, listed)
            }),
            FileErrand::Peek(path) => self.carry(&self.peeks, move || {
                let peeked = peek::peek(&path).map(Box::new);
                FileAnswer::Peeked(path, peeked)
            }),
            FileErrand::Find(patterns) => self.carry(&self.finds, move || {
                let found = find::find(&patterns).map(Box::new);
                FileAnswer::Found(patterns, found)
            }),
            FileErrand::StopCounting => drop(self.counts.ticket()),
            FileErrand::Count(path) => self.count(path),
            FileErrand::Log(path, known) => {
                self.carry(&Lane::default(), move || FileAnswer::Log(log::read(&path, known)));
            }
        }
    }

    fn carry(&self, lane: &Lane, work: impl FnOnce() -> FileAnswer + Send + 'static) {
        let (inbox, lane, ticket) = (self.inbox.clone(), lane.clone(), lane.ticket());
        tokio::task::spawn_blocking(move || {
            if !lane.is_old(ticket) {
                // a board that was left needs no answer
                let _ = inbox.blocking_send(What::Files(work()));
            }
        });
    }

    fn count(&self, path: PathBuf) {
        let (inbox, lane, ticket) = (self.inbox.clone(), self.counts.clone(), self.counts.ticket());
        tokio::task::spawn_blocking(move || {
            let stamp = Stamp::of(&path);
            let mut told = Instant::now();
            let mut goes = |read| {
                if told.elapsed() >= NEWS {
                    told = Instant::now();
                    // news that finds the inbox full is dropped: the next one says more
                    let _ =
                        inbox.try_send(What::Files(FileAnswer::CountGoes(path.clone(), read, stamp.bytes)));
                }
                // a board that is gone needs no count
                if lane.is_old(ticket) || inbox.is_closed() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            let records = match dataset::scan(&path, &Limits::default(), &mut goes) {
                Ok(scan) => match scan.broken {
                    None => Ok(scan.records),
                    Some(broken) => Err(one_line(&broken.to_string(), LONGEST)),
                },
                Err(DatasetError::Stopped { .. }) => return,
                Err(error) => Err(one_line(&error.to_string(), LONGEST)),
            };
            let _ = inbox.blocking_send(What::Files(FileAnswer::Counted(path, Count { stamp, records })));
        });
    }
}

fn begin() -> FileAnswer {
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    FileAnswer::Begun { folder, home: std::env::home_dir().filter(|home| home.is_absolute()) }
}

#[cfg(test)]
mod tests;
