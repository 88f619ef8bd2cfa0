//! Where a day leaves its files: a folder in memory, one for each thread that plays.
//!
//! A day begins with an empty journal. Making one, and getting to know it, takes longer than the day itself: so the file is
//! emptied instead, and the connections to it are kept. A connection that is dropped in the middle of something is not.

use std::cell::OnceCell;
use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;

use rusqlite::Connection;
use tempfile::TempDir;
use trunkline::journal::{Connections, Journal};

thread_local! {
    static KEPT: OnceCell<Rc<Place>> = const { OnceCell::new() };
}

pub struct Place {
    folder: TempDir,
    pub connections: Connections,
    sweeper: Connection,
    /// What makes the journal as empty as a new one.
    empties: String,
}

impl Place {
    /// This thread's, made anew for a day.
    pub fn of_this_thread() -> Rc<Self> {
        let place = KEPT.with(|kept| Rc::clone(kept.get_or_init(|| Rc::new(Self::new()))));
        place.clear();
        place
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::tempdir_in(place).unwrap();
        let connections = Connections::to(folder.path());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async { drop(Journal::over(connections.clone()).unwrap()) });
        let sweeper = Connection::open(folder.path().join("journal.db")).unwrap();
        let mut empties = String::new();
        {
            let tables = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
            let mut statement = sweeper.prepare(tables).unwrap();
            let mut names = statement.query([]).unwrap();
            while let Some(row) = names.next().unwrap() {
                write!(empties, "DELETE FROM {};", row.get::<_, String>(0).unwrap()).unwrap();
            }
        }
        Self { folder, connections, sweeper, empties }
    }

    fn clear(&self) {
        self.sweeper.execute_batch(&format!("BEGIN IMMEDIATE; {} COMMIT;", self.empties)).unwrap();
        // what is left of the log from days before is not this day's
        self.sweeper.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        for entry in std::fs::read_dir(self.folder()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_string_lossy().starts_with("journal.db") {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                std::fs::remove_dir_all(entry.path()).unwrap();
            } else {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
    }
}
