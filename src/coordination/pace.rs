//! The pace that all processes of this machine keep with one tenant: a file of fixed size, one a tenant.
//!
//! A quota is the tenant's, so two runs at once have to keep one bucket, and a Retry-After that one was told binds the
//! other. Both have the data folder in common, so the record of [`pacing`](crate::pacing) is kept there, under a lock of
//! the operating system's on the open file: it ends with its process, however that ends. The lock is held for one read,
//! a decision and one write, some microseconds. Nothing of it is synced to the disk: a power cut ends every burst, and
//! a Retry-After that a run was told is in its journal too.
//!
//! The record has a checksum, which tells a damaged or foreign one, and, for a look without the lock, one that is just
//! being written. A record that cannot be understood is taken for a bucket whose burst was just used, never for a full
//! one.
//!
//! The clock is the machine's, because it is the one that all processes read and that outlives a restart. Where it was
//! set back, which the record's own time of writing tells, all waits stay as long as they were when it was written, less
//! the seconds for which this process knows it to stand.
//! Where it is set forward, it looks as if time had passed: at most the burst is given back once, and a pause is kept by
//! those who know of it, for they count it by themselves.

use std::fmt;
use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use crate::files::{self, Use};
use crate::machine;
use crate::pacing::{Busy, Level, Moment, Now, Record, SharedCap, SharedPace};

/// Why the pace of a tenant cannot be shared; without that no run begins.
#[derive(Debug, thiserror::Error)]
pub enum PaceError {
    /// The file, or its folder, cannot be made or opened.
    #[error("the file in which runs share the tenant's pace cannot be used: `{}`: {source}\nhint: check its rights, or name another data folder with --data-dir", crate::text::path(.path))]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file system has no locks.
    #[error("the file in which runs share the tenant's pace cannot be locked: `{}`: {source}\nhint: name a data folder on a disk of this machine with --data-dir", crate::text::path(.path))]
    Lock {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// How long a lock that another process has is waited for, on the spot. Longer than it is ever held by one that runs.
const PATIENCE: Duration = Duration::from_micros(200);
/// How often a look that met a writer is tried again.
const LOOKS: usize = 3;
/// A clock that was set back by less is not worth telling.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// The pace of one tenant, in a file.
pub struct FilePace {
    file: File,
    path: PathBuf,
    clock: Box<dyn Fn() -> Moment + Send + Sync>,
    /// When the record that stands was written, and since when this process knows it.
    known: Mutex<Option<(Moment, Instant)>>,
    /// Whether it was told that the file cannot be used.
    troubled: AtomicBool,
}

impl FilePace {
    /// Opens the pace that the client keeps with the API at this address, in the data folder; made where it is not there.
    ///
    /// # Errors
    ///
    /// The folder or the file cannot be written, or not be locked.
    pub fn open(data_folder: &Path, api: &Url, client_id: &str) -> Result<Self, PaceError> {
        Self::with_clock(data_folder, api, client_id, Box::new(machine_clock))
    }

    fn with_clock(
        data_folder: &Path,
        api: &Url,
        client_id: &str,
        clock: Box<dyn Fn() -> Moment + Send + Sync>,
    ) -> Result<Self, PaceError> {
        let folder = data_folder.join("pace");
        let path = folder.join(name(api, client_id));
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| PaceError::Folder { path, source }
        };
        files::hold_to_own_folder(&folder).map_err(failed(&folder))?;
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed(&folder))?;
        let file = files::open_own(&path, Use::Writing).map_err(failed(&path))?;
        match file.try_lock() {
            Ok(()) => file.unlock().map_err(failed(&path))?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => return Err(PaceError::Lock { path, source }),
        }
        Ok(Self { file, path, clock, known: Mutex::default(), troubled: AtomicBool::new(false) })
    }

    /// The instant first, as [`Now`] has it.
    fn now(&self) -> Now {
        Now { instant: Instant::now(), moment: (self.clock)() }
    }

    fn lock(&self) -> Result<Held<'_>, Busy> {
        let mut asked = None;
        loop {
            match self.file.try_lock() {
                Ok(()) => return Ok(Held(&self.file)),
                Err(TryLockError::Error(error)) => return Err(self.trouble("locked", &error)),
                Err(TryLockError::WouldBlock) => {
                    if asked.get_or_insert_with(std::time::Instant::now).elapsed() >= PATIENCE {
                        return Err(Busy);
                    }
                    // who has it may need this very processor
                    std::thread::yield_now();
                }
            }
        }
    }

    fn read(&self) -> io::Result<Found> {
        let mut bytes = [0; SIZE];
        Ok(match self.file.read_at(&mut bytes, 0)? {
            0 => Found::Nothing,
            SIZE => {
                decode(&bytes).map_or(Found::Damaged, |(written, record)| Found::Sound { written, record })
            }
            _ => Found::Damaged,
        })
    }

    /// For how long this process knows the record of that time of writing.
    fn stood(&self, written: Moment, now: Instant) -> Duration {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let since = known.filter(|(moment, _)| *moment == written).map_or(now, |(_, since)| since);
        *known = Some((written, since));
        now.saturating_duration_since(since)
    }

    /// No call starts while the file cannot be used. That is told once, not at each try.
    fn trouble(&self, what: &str, error: &io::Error) -> Busy {
        if !self.troubled.swap(true, Ordering::Relaxed) {
            let path = crate::text::path(&self.path);
            tracing::error!(%path, %error, "the shared pace cannot be {what}: no call starts until it can");
        }
        Busy
    }
}

impl SharedPace for FilePace {
    fn look(&self) -> Option<(Now, Record)> {
        for _ in 0..LOOKS {
            let found = self.read().ok()?;
            let now = self.now();
            match found {
                Found::Nothing => return Some((now, Record::default())),
                Found::Sound { written, record } => return (written <= now.moment).then_some((now, record)),
                // half written, or damaged: only who holds it can tell
                Found::Damaged => {}
            }
        }
        None
    }

    fn hold(&self, step: &mut dyn FnMut(Now, &mut Record)) -> Result<(), Busy> {
        let _held = self.lock()?;
        let found = self.read().map_err(|error| self.trouble("read", &error))?;
        let now = self.now();
        let (stands, mut record) = match found {
            Found::Nothing => (None, Record::default()),
            Found::Damaged => {
                let path = crate::text::path(&self.path);
                tracing::warn!(%path, "the shared pace is damaged: it is taken for one whose burst was just used");
                (None, Record::lost())
            }
            Found::Sound { written, record } if written > now.moment => {
                let by = written.since(now.moment);
                if by >= WORTH_TELLING {
                    tracing::warn!(
                        ?by,
                        "the clock was set back: waits of the shared pace stay as long as they were"
                    );
                }
                // whole seconds: no wait gets shorter than it was by what two clocks differ in
                let stood = Duration::from_secs(self.stood(written, now.instant).as_secs());
                (None, record.set_back(by + stood))
            }
            Found::Sound { written, record } => {
                self.stood(written, now.instant);
                (Some(record), record)
            }
        };
        step(now, &mut record);
        if stands != Some(record) {
            let bytes = encode(now.moment, &record);
            self.file.write_all_at(&bytes, 0).map_err(|error| self.trouble("written", &error))?;
            self.stood(now.moment, now.instant);
        }
        if self.troubled.load(Ordering::Relaxed) {
            self.troubled.store(false, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl fmt::Debug for FilePace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilePace").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The lock, given back when dropped.
struct Held<'a>(&'a File);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // it cannot fail on a file whose lock was taken; and the lock ends with the file
        let _ = self.0.unlock();
    }
}

/// What stands in the file.
enum Found {
    Nothing,
    Sound { written: Moment, record: Record },
    Damaged,
}

/// The name of a tenant's file: a client's calls go by its id and the host and port of the API.
fn name(api: &Url, client_id: &str) -> String {
    let host = api.host_str().unwrap_or_default();
    let port = api.port_or_known_default().unwrap_or_default();
    let hash = blake3::hash(format!("{host}\0{port}\0{client_id}").as_bytes()).to_hex();
    hash.chars().take(32).collect()
}

fn machine_clock() -> Moment {
    Moment::from_nanos(u64::try_from(machine::now().as_nanosecond()).unwrap_or(0))
}

/// Stands before every record; its last byte is the version.
const MAGIC: u64 = u64::from_be_bytes(*b"tlpace\0\x02");
const WORDS: usize = 12;
const SIZE: usize = WORDS * 8;

const UNUSED: u64 = 0;
const UNKNOWN: u64 = 1;
const USED: u64 = 2;

/// Twelve words of eight bytes, little-endian; the last is the checksum of those before it.
fn encode(written: Moment, record: &Record) -> [u8; SIZE] {
    let (level, empty_at, interval) = match record.level {
        Level::Unused => (UNUSED, 0, 0),
        Level::Unknown => (UNKNOWN, 0, 0),
        Level::Used { empty_at, interval } => (USED, empty_at.nanos(), interval),
    };
    let (reference, rate, raised_at) = record
        .cap
        .map_or((0, 0, 0), |cap| (cap.reference.to_bits(), cap.rate.to_bits(), cap.raised_at.nanos()));
    let words = [
        MAGIC,
        written.nanos(),
        level,
        empty_at,
        interval,
        record.paused_until.nanos(),
        record.spared_until.nanos(),
        reference,
        rate,
        raised_at,
        record.tokens_from.nanos(),
    ];
    let mut bytes = [0; SIZE];
    let (body, sum) = bytes.split_at_mut(SIZE - 8);
    for (place, word) in body.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    sum.copy_from_slice(&checksum(body).to_le_bytes());
    bytes
}

/// When it was written, and what; nothing where that is not a record of ours.
fn decode(bytes: &[u8; SIZE]) -> Option<(Moment, Record)> {
    let (body, _) = bytes.split_at(SIZE - 8);
    let (words, _) = bytes.as_chunks::<8>();
    let [
        magic,
        written,
        level,
        empty_at,
        interval,
        paused_until,
        spared_until,
        reference,
        rate,
        raised_at,
        tokens_from,
        sum,
    ] = *words
    else {
        return None;
    };
    let word = u64::from_le_bytes;
    let moment = |bytes| Moment::from_nanos(word(bytes));
    if word(magic) != MAGIC || word(sum) != checksum(body) {
        return None;
    }
    let level = match (word(level), word(interval)) {
        (UNUSED, _) => Level::Unused,
        (UNKNOWN, _) => Level::Unknown,
        (USED, interval @ 1..) => Level::Used { empty_at: moment(empty_at), interval },
        _ => return None,
    };
    let sound = |bytes| Some(f64::from_bits(word(bytes))).filter(|rate| rate.is_finite() && *rate > 0.0);
    let cap = match (word(reference), word(rate)) {
        (0, 0) => None,
        _ => {
            Some(SharedCap { reference: sound(reference)?, rate: sound(rate)?, raised_at: moment(raised_at) })
        }
    };
    let record = Record {
        level,
        paused_until: moment(paused_until),
        cap,
        spared_until: moment(spared_until),
        tokens_from: moment(tokens_from),
    };
    Some((moment(written), record))
}

fn checksum(body: &[u8]) -> u64 {
    let hash = blake3::hash(body);
    hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests;
