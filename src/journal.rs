//! The durable record of every run: what was planned, what became of it, who did what.
//!
//! A SQLite file in WAL mode with `synchronous = FULL`, so that it outlives both `kill -9` and a power cut, and so that
//! support can open it with any SQLite tool. One thread writes, in group commits; whoever looks has a connection of
//! their own and never holds the writer up.
//!
//! What a crash can leave behind, and how it is told apart:
//!
//! - Which records an item holds is committed before its first call: as a row of its own, or as part of a *stretch* of
//!   items of one record each. Keys are computed from that alone, so they are the same after a crash.
//! - An item without an end in the journal, in a run that did not stop *cleanly*, may have been sent. A resume sends it
//!   again under the same key and marks it unsure; where the plan says `unsure = "fail"`, a `sending` row was
//!   committed before the call, and exactly those are handed to a person.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{ErrorCode, params};
use tokio::sync::{mpsc, oneshot, watch};

mod acts;
mod agenda;
mod apply;
mod audit;
mod book;
mod cause;
mod causes;
mod connections;
mod failing;
mod failures;
mod filter;
mod health;
mod lock;
mod map;
mod mending;
mod query;
mod read;
mod records;
mod repeats;
mod rows;
mod schema;
mod write;
mod writer;

#[cfg(test)]
mod tests;

pub use crate::database::Soundness;
pub use acts::{Act, ActKind, Hand, Outcome};
pub use agenda::{Agenda, OpenItem, RetryItem};
pub use book::{Book, Counts, Traffic};
pub(crate) use cause::{mask, nameless};
pub use causes::Cause;
pub use connections::Connections;
pub use failures::Contents;
pub use filter::{Filter, FilterError, What};
pub use health::{Health, RunHealth};
pub use lock::{Carrier, RunLock};
pub use query::{CauseId, Query, Sort, View};
pub use read::Reader;
pub use records::Values;
pub use repeats::Repeats;
pub use rows::{DatasetRow, EventRow, FailureRow, Kept, KeptCeiling, ResultRow, RunRow};
pub use write::{
    CUT_OFF, Cleanness, End, Extent, Judgement, NoCallBefore, Origin, Out, Settled, Source, Unstored,
    Waiting, Write,
};

use crate::database;
use crate::files;
use crate::machine;
use crate::model::{ItemMap, OperationKind, PlatformKind, RunId};
use writer::{Order, Receipt};

/// What can go wrong with the journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The folder or one of its files cannot be used.
    #[error("the data folder cannot be used: `{}`: {source}\nhint: check its rights, or name another one with --data-dir", crate::text::path(.path))]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file cannot be opened as a journal.
    #[error("the journal cannot be opened: `{}`: {source}{hint}", crate::text::path(.path), hint = hint(source))]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// What the file holds is not what was written.
    #[error("the journal `{}` is damaged: {what}\nhint: nothing was sent; put back a copy of the file from before, or keep it for whoever looks after it and name another folder with --data-dir", crate::text::path(.path))]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The file is another program's.
    #[error("`{}` is not a journal of trunkline: it holds other tables\nhint: name another folder with --data-dir", crate::text::path(.0))]
    Foreign(PathBuf),
    /// There were runs, and the file that knows of them is gone.
    #[error("the journal `{}` is gone or empty, but there were runs: `runs` beside it holds their folders\nhint: put the file back; or move `runs` away to begin anew, and what was sent before is known to nobody", crate::text::path(.0))]
    Gone(PathBuf),
    /// The file was written by a later version.
    #[error("the journal `{}` has version {version}, and this program knows versions up to {known}\nhint: use the newer trunkline that wrote it", crate::text::path(.path))]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its version.
        version: usize,
        /// Ours.
        known: usize,
    },
    /// A query failed.
    #[error("the journal could not be read or written: {0}{hint}", hint = hint(.0))]
    Sql(#[from] rusqlite::Error),
    /// No run has this id.
    #[error("there is no run `{0}`\nhint: `trunkline runs` lists them")]
    NoRun(String),
    /// Several runs begin like this.
    #[error("`{prefix}` is not unique: {found}\nhint: type more of the id")]
    Ambiguous {
        /// What was typed.
        prefix: String,
        /// The ids.
        found: String,
    },
    /// Another process has the run.
    #[error("run {run} is being carried out by {}\nhint: look at it with `trunkline show {run}`, or stop it there first", .carrier.0)]
    Carried {
        /// The run.
        run: String,
        /// Who has it.
        carrier: Carrier,
    },
    /// Something in the file is not what this program writes.
    #[error("the journal holds something that cannot be understood: {0}")]
    Strange(String),
}

/// What a person can do about it.
fn hint(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "\nhint: `journal.db` in the data folder is damaged; put back a copy of it from before, or name another folder with --data-dir"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "\nhint: another program has `journal.db` in the data folder open (a SQLite tool, a backup): let it end, then try again"
        }
        Some(ErrorCode::DiskFull) => {
            "\nhint: make room on the disk that holds the data folder, then try again"
        }
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied,
        ) => {
            "\nhint: see whether the disk that holds the data folder is full or cannot be written, and check the folder's rights; or name another one with --data-dir"
        }
        _ => "\nhint: `journal.db` does not hold what this program writes; `trunkline doctor` looks closer",
    }
}

/// Why the last commit failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong.
    pub message: String,
    /// What a person can do about it.
    pub advice: &'static str,
    /// Whether the next commit succeeds once that is done.
    pub heals: bool,
}

const DAMAGED: &str = "`journal.db` does not hold what was written: leave the run, put back a copy from before, and see what `trunkline doctor` says of it";

impl From<&rusqlite::Error> for Trouble {
    fn from(error: &rusqlite::Error) -> Self {
        let advice = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another program has `journal.db` in the data folder open: let it end"
            }
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => {
                "make room on the disk that holds the data folder"
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                "let the disk and the files of the data folder be written"
            }
            _ => DAMAGED,
        };
        Self { message: error.to_string(), advice, heals: advice != DAMAGED }
    }
}

impl JournalError {
    fn open(path: &Path, source: rusqlite::Error) -> Self {
        Self::Open { path: path.to_owned(), source }
    }
}

/// A new run, as it is first written.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// What it does.
    pub operation: OperationKind,
    /// The profile's name.
    pub profile: String,
    /// The profile's platform.
    pub platform: PlatformKind,
    /// Where its calls go; a resume under another is refused.
    pub api_url: String,
    /// Where its tokens come from.
    pub auth_url: String,
    /// The client that it runs as.
    pub client_id: String,
    /// Whether the profile is marked as production.
    pub production: bool,
    /// The plan, as TOML.
    pub plan: String,
    /// Whether a broken dataset is used up to its broken place.
    pub until_error: bool,
    /// Its datasets, in order.
    pub datasets: Vec<NewDataset>,
}

/// A dataset of a new run.
#[derive(Debug, Clone)]
pub struct NewDataset {
    /// The file, absolute; `-` is standard input.
    pub path: String,
    /// The format found, for a person to read.
    pub format: String,
    /// The file's size; 0 while a stream is read.
    pub bytes: u64,
    /// The file's digest; unknown while a stream is read.
    pub digest: Option<String>,
    /// Its records; unknown while a stream is read.
    pub records: Option<u64>,
    /// The position of its first record.
    pub first_position: u64,
    /// The correlation id under which its records go, for this run and its resumes only.
    pub correlation_id: String,
}

/// A handle to the journal; clones share the writer.
#[derive(Debug, Clone)]
pub struct Journal {
    connections: Connections,
    orders: mpsc::Sender<Order>,
    trouble: watch::Receiver<Option<Trouble>>,
}

/// How long a person waits for the look at the file before the first frame.
const GLANCE: Duration = Duration::from_millis(10);
/// Orders that wait for the writer: enough to fill a commit while one is under way.
const QUEUE: usize = 4096;

impl Journal {
    /// Opens the journal in the folder, making both where they are not there, and starts its writer.
    ///
    /// # Errors
    ///
    /// The folder or the file cannot be used, or the file is of a later version.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        Self::over(Connections::to(folder))
    }

    /// The same for a person who looks at it first: a large file is looked at for damage before something is written to it.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_to_look(folder: &Path) -> Result<Self, JournalError> {
        Self::opened(Connections::to(folder), GLANCE)
    }

    /// The same as [`open`](Self::open), on connections that may have been used before.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn over(connections: Connections) -> Result<Self, JournalError> {
        Self::opened(connections, database::LOOK)
    }

    fn opened(connections: Connections, patience: Duration) -> Result<Self, JournalError> {
        let folder = connections.folder();
        make_folder(folder)?;
        let path = file_in(folder);
        connections::hold_to_runs(folder, &path)?;
        database::make_file(&path).map_err(|source| match source.kind() {
            ErrorKind::InvalidData => JournalError::Damaged { path: path.clone(), what: source.to_string() },
            _ => JournalError::Folder { path: path.clone(), source },
        })?;
        let connection = connections.writing_to_sound(patience)?;
        let (orders, queue) = mpsc::channel(QUEUE);
        let (told, trouble) = watch::channel(None);
        machine::serve("journal", writer::run(connection, queue, told, path))
            .map_err(|source| JournalError::Folder { path: folder.to_owned(), source })?;
        Ok(Self { connections, orders, trouble })
    }

    /// Writes a new run down and takes it for this process.
    ///
    /// # Errors
    ///
    /// The journal or the run's folder cannot be written.
    pub fn begin(&self, new: &NewRun) -> Result<(Arc<Book>, RunLock), JournalError> {
        let lock = match lock::take(&self.run_folder(new.id)?)? {
            Ok(lock) => lock,
            Err(carrier) => return Err(JournalError::Carried { run: new.id.to_string(), carrier }),
        };
        let mut connection = self.connections.writing_to_sound(database::LOOK)?;
        let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let total = new.datasets.iter().map(|dataset| dataset.records).sum::<Option<u64>>();
        tx.execute(
            "INSERT INTO run (id, operation, profile, platform, api_url, auth_url, client_id, production, plan,
                              until_error, state, started_at, clean, records_total)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'running', ?11, 1, ?12)",
            params![
                new.id.to_string(),
                new.operation.word(),
                new.profile,
                new.platform.word(),
                new.api_url,
                new.auth_url,
                new.client_id,
                i64::from(new.production),
                new.plan,
                i64::from(new.until_error),
                apply::now_ms(),
                total.map(apply::int)
            ],
        )?;
        let run = tx.last_insert_rowid();
        for (number, dataset) in new.datasets.iter().enumerate() {
            tx.execute(
                "INSERT INTO dataset (run, dataset, path, format, bytes, digest, records, first_position, correlation_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    run,
                    apply::int(number as u64),
                    dataset.path,
                    dataset.format,
                    apply::int(dataset.bytes),
                    dataset.digest,
                    dataset.records.map(apply::int),
                    apply::int(dataset.first_position),
                    dataset.correlation_id
                ],
            )?;
        }
        tx.execute("UPDATE run SET seal = ?2 WHERE run = ?1", params![run, audit::seal_of_run(&tx, run)?])?;
        tx.commit()?;
        let map = Arc::new(ItemMap::over(total));
        let counts = Counts { records_total: total, map, ..Counts::default() };
        Ok((Arc::new(Book::new(run, counts, [0; 5], Duration::ZERO, 0)), lock))
    }

    /// Takes a run that was begun before, and puts right what a crash left: failures that were being sent again are
    /// failures again.
    ///
    /// # Errors
    ///
    /// Another process has it, what the journal holds of it is not what was written, or the journal cannot be read or
    /// written.
    pub fn take(&self, run: &RunRow) -> Result<(Arc<Book>, RunLock), JournalError> {
        let lock = match lock::take(&self.run_folder(run.id)?)? {
            Ok(lock) => lock,
            Err(carrier) => return Err(JournalError::Carried { run: run.id.to_string(), carrier }),
        };
        let mut connection = self.connections.writing_to_sound(database::LOOK)?;
        audit::audit(&connection, run.number, &file_in(self.data_folder()))?;
        let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let (mut counts, traffic, took, last_event) = read::counts(&tx, run.number)?;
        apply::apply(&Write::PutBack, run.number, &tx, &mut counts)?;
        let book = Book::new(run.number, counts, traffic, took, last_event);
        writer::save(&tx, run.number, &book, &book.counts())?;
        tx.commit()?;
        Ok((Arc::new(book), lock))
    }

    /// Hands writes in, to be committed together soon. Waits only while the writer's queue is full.
    pub async fn write(&self, book: &Arc<Book>, writes: Vec<Write>) {
        self.order(book, writes, Receipt::None).await;
    }

    /// Hands writes in; what is held for them is dropped when they are committed.
    pub async fn write_holding(&self, book: &Arc<Book>, writes: Vec<Write>, held: impl Send + 'static) {
        self.order(book, writes, Receipt::Freed(Box::new(held))).await;
    }

    /// Hands writes in and waits until they are committed. While the disk is full, that is until it no longer is.
    pub async fn commit(&self, book: &Arc<Book>, writes: Vec<Write>) {
        let (told, done) = oneshot::channel();
        self.order(book, writes, Receipt::Told(told)).await;
        // the writer ends only with the process: then nobody is left to be told
        let _ = done.await;
    }

    /// The same for who does not wait for a disk: gives up once it refuses, with what is wrong. What was handed in may
    /// still be written, unless the book is closed.
    ///
    /// # Errors
    ///
    /// The last commit failed.
    pub async fn try_commit(&self, book: &Arc<Book>, writes: Vec<Write>) -> Result<(), Trouble> {
        let mut trouble = self.trouble();
        tokio::select! {
            biased;
            () = self.commit(book, writes) => Ok(()),
            Ok(found) = trouble.wait_for(Option::is_some) => found.clone().map_or(Ok(()), Err),
        }
    }

    /// Hands writes in; `then` is called by the writer once they are committed.
    pub async fn write_then(
        &self,
        book: &Arc<Book>,
        writes: Vec<Write>,
        then: impl FnOnce() + Send + 'static,
    ) {
        self.order(book, writes, Receipt::Then(Box::new(then))).await;
    }

    /// As `commit`, from a thread that may block. One that may not, in a simulation, does not wait.
    pub fn commit_blocking(&self, book: &Arc<Book>, writes: Vec<Write>) {
        let (told, done) = oneshot::channel();
        let order = Order { book: Arc::clone(book), writes, receipt: Receipt::Told(told) };
        if machine::is_held() {
            let _ = self.orders.try_send(order);
        } else if self.orders.blocking_send(order).is_ok() {
            let _ = done.blocking_recv();
        }
    }

    async fn order(&self, book: &Arc<Book>, writes: Vec<Write>, receipt: Receipt) {
        // the writer outlives every handle, so its queue is open
        let _ = self.orders.send(Order { book: Arc::clone(book), writes, receipt }).await;
    }

    /// Why the last commit failed, where it did; it is tried again until it succeeds.
    #[must_use]
    pub fn trouble(&self) -> watch::Receiver<Option<Trouble>> {
        self.trouble.clone()
    }

    /// A connection for looking.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub fn reader(&self) -> Result<Reader, JournalError> {
        Reader::over(&self.connections)
    }

    /// The data folder: what processes of this machine share lies there too.
    #[must_use]
    pub fn data_folder(&self) -> &Path {
        self.connections.folder()
    }

    /// The folder that is the run's own; made where it is not there.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn run_folder(&self, run: RunId) -> Result<PathBuf, JournalError> {
        let runs = self.data_folder().join("runs");
        let folder = runs.join(run.to_string());
        for within in [&runs, &folder] {
            files::hold_to_own_folder(within)
                .map_err(|source| JournalError::Folder { path: within.clone(), source })?;
        }
        make_folder(&folder)?;
        Ok(folder)
    }
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("journal.db")
}

fn make_folder(folder: &Path) -> Result<(), JournalError> {
    database::make_folder(folder).map_err(|source| JournalError::Folder { path: folder.to_owned(), source })
}
