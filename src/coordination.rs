//! Locks and stored results: what lets the same thing be executed once, by whichever run and machine comes first.
//!
//! ```text
//!            ┌── a result is stored ─────────────▶ Stored    no call is made
//!  claim ────┼── free, one's own, or ended ──────▶ Granted   a lease with a fence; then renew … renew, and one of
//!            ├── somebody else's lease runs ─────▶ Locked      keep     the answer is stored, the lock is gone
//!            └── nobody knows what became of it ─▶ Unsure      release  free again, or marked unsure
//! ```
//!
//! Two stores do this behind one trait: a SQLite file in the data folder, for the processes of one machine, and a Redis,
//! for several. Both hold to the same promises, and one suite of tests holds both to them:
//!
//! - A lease is measured by the store's own clock. One that has ended stays to be seen, because its holder may have
//!   called the platform and not lived to tell: who takes it over is told so.
//! - Each grant has a *fence*, a number higher than all before it. What comes with an older fence than the lock's frees
//!   nothing. Two kinds of news are no less true for being late, though: that a call succeeded is stored unless a result
//!   is there, and that nobody knows what became of one is marked unless a result is there.
//! - A mark of *unsure* ends with its time, a result, or a purge. Whoever goes past it by hand holds the lock above it, and
//!   finds it again where that call, too, brings no result.
//! - Every operation may be repeated. So a lost answer is asked for again, and means the same.
//!
//! Moments in both stores are microseconds since 1970 (UTC), so that no rounding ends a lease early.

mod embedded;
mod examine;
mod pace;
mod redis;
mod schema;
mod tenant;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::config::{SecretError, StorePlace};
use crate::machine::Expiry;
use crate::model::{RunId, Seq};
use crate::text::one_line;

pub use examine::{Examined, RedisTraits, examine};
pub use pace::{FilePace, PaceError};
pub use tenant::redact;

/// How long a lease that has ended stays to be seen, where nobody takes it over.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// Who asks: a run, and which of its items. It is the same over resumes, so a resume takes over its own run's locks at
/// once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Holder {
    /// The run.
    pub run: RunId,
    /// Its item.
    pub item: Seq,
}

/// The right to execute under one key until a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The key.
    pub key: String,
    /// The number of this grant, higher than that of any before it in this store.
    pub fence: u64,
    /// When it ends, as this process counts: from before the request for it went out, so never later than the store
    /// has it, but for how differently two clocks run.
    pub until: Expiry,
}

/// What a claim of a key comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The key was free, or this holder's own.
    Granted {
        /// The right to execute.
        lease: Lease,
        /// Another holder's lease had ended without a word, so the thing may have been executed: this counts as unsure. It
        /// is told again whenever this holder claims the key anew.
        taken_over: bool,
    },
    /// It was executed, and this came of it: no call is to be made.
    Stored(StoredResult),
    /// Somebody else may be executing it.
    Locked {
        /// For so long yet at the most, unless they renew it.
        left: Duration,
    },
    /// It was handed to a person as unsure: whoever comes to the key hands over, too.
    Unsure,
}

/// What a claim does where the key is marked as unsure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It gets [`Claim::Unsure`].
    Respect,
    /// It goes past: a person decided to send it again.
    Ignore,
}

/// The answer of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResult {
    /// The HTTP status.
    pub status: u16,
    /// Its headers; what must not be kept (`Authorization`, cookies) is left out by who stores it.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Bytes,
    /// When it came, to the microsecond.
    pub at: Timestamp,
}

/// Whose result is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// This one.
    Stored,
    /// Another's, which was there before: this one is not.
    AnotherWas,
}

/// How a lock ends without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// The call had no effect for sure: the key is as it was before the claim.
    Free,
    /// Nobody knows: the key is marked.
    Unsure,
}

/// What to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge {
    /// What is over its time; a store does this by itself, now and then.
    Expired,
    /// Every stored result: the same things can be executed again.
    Results,
    /// Everything: results, unsure marks, and locks, also those of runs that are at work now.
    All,
}

/// What a store holds for one tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Where it is: a file, or an address without user and password.
    pub place: String,
    /// Locks whose leases run.
    pub locks: u64,
    /// Locks whose leases ended without a word.
    pub ended: u64,
    /// Keys that are marked as unsure.
    pub unsure: u64,
    /// Stored results.
    pub results: u64,
    /// The size of stored results, bodies and headers.
    pub bytes: u64,
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It gives no answer. What was asked may have been done; it can be asked again.
    #[error(
        "the store of locks and results, `{place}`, gives no answer: {reason}\nhint: nothing is executed without it; see that it runs and can be reached from here, then resume"
    )]
    Unreachable {
        /// Where it is.
        place: String,
        /// What happened.
        reason: String,
    },
    /// It answers, and refuses.
    #[error(
        "the store of locks and results, `{place}`, refuses to work: {reason}\nhint: see to the user and `password` in [store], and to the server's own settings; it must be a Redis 6 or newer, no replica and no cluster"
    )]
    Refused {
        /// Where it is.
        place: String,
        /// What it says.
        reason: String,
    },
    /// It holds what this program doesn't write.
    #[error(
        "the store of locks and results, `{place}`, holds something that cannot be understood: {reason}\nhint: a newer trunkline may have written it; else remove it with `trunkline store purge`"
    )]
    Strange {
        /// Where it is.
        place: String,
        /// What.
        reason: String,
    },
    /// Its password can't be read.
    #[error(transparent)]
    Password(#[from] SecretError),
    /// The data folder, or the file in it, can't be used.
    #[error(
        "locks and results cannot be kept in `{}`: {reason}\nhint: check its rights and the disk; if the file is damaged, keep a copy and remove it while no run is at work",
        crate::text::path(path)
    )]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file was written by a later version.
    #[error(
        "the store of locks and results `{}` has version {version}, and this program knows versions up to {known}\nhint: use the newer trunkline that wrote it",
        crate::text::path(path)
    )]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its version.
        version: usize,
        /// Ours.
        known: usize,
    },
}

impl StoreError {
    fn unreachable(place: &str, reason: &dyn fmt::Display) -> Self {
        Self::Unreachable { place: place.to_owned(), reason: one_line(&reason.to_string(), 300) }
    }

    fn refused(place: &str, reason: &dyn fmt::Display) -> Self {
        Self::Refused { place: place.to_owned(), reason: one_line(&reason.to_string(), 300) }
    }

    fn strange(place: &str, reason: &dyn fmt::Display) -> Self {
        Self::Strange { place: place.to_owned(), reason: one_line(&reason.to_string(), 300) }
    }
}

/// Where locks and results of one tenant are. An operation whose future is dropped may have been carried out all the same.
pub trait Store: Send + Sync {
    /// Asks for the right to execute under a key for `lease`.
    ///
    /// # Errors
    ///
    /// The store gives no answer, refuses, or holds something strange; this is so for all operations.
    fn claim<'a>(
        &'a self,
        key: &'a str,
        holder: Holder,
        lease: Duration,
        mark: Mark,
    ) -> BoxFuture<'a, Result<Claim, StoreError>>;

    /// Makes leases, named by key and fence, last for `lease` from now. For each of them: when it ends now, as this process
    /// counts; `None` where it is this holder's no more, because another took it over, or a result is stored, or it was
    /// purged. One that has ended and that nobody took over is renewed.
    ///
    /// # Errors
    ///
    /// As for [`claim`](Self::claim); some of the leases may have been renewed.
    fn renew<'a>(
        &'a self,
        leases: &'a [(String, u64)],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Vec<Option<Expiry>>, StoreError>>;

    /// Stores the answer of an execution for `ttl` and frees the lock, in one step. Where the lock is no more that of
    /// `fence` (0 is nobody's), the answer is stored all the same, unless one is there: it tells what happened.
    ///
    /// # Errors
    ///
    /// As for [`claim`](Self::claim).
    fn keep<'a>(
        &'a self,
        key: &'a str,
        fence: u64,
        result: &'a StoredResult,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Kept, StoreError>>;

    /// Ends a lock without a result. [`Release::Free`] with another fence than the lock's changes nothing.
    /// [`Release::Unsure`] marks the key for `ttl` whoever has the lock, and leaves the lock of another as it is; where a
    /// result is stored it changes nothing.
    ///
    /// # Errors
    ///
    /// As for [`claim`](Self::claim).
    fn release<'a>(
        &'a self,
        key: &'a str,
        fence: u64,
        how: Release,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Counts what is there for this tenant, or for all. With a Redis it looks through all its keys.
    ///
    /// # Errors
    ///
    /// As for [`claim`](Self::claim).
    fn status(&self) -> BoxFuture<'_, Result<Status, StoreError>>;

    /// Removes what is there for this tenant, or for all, and says how many keys that were.
    ///
    /// # Errors
    ///
    /// As for [`claim`](Self::claim); a part may have been removed.
    fn purge(&self, what: Purge) -> BoxFuture<'_, Result<u64, StoreError>>;
}

/// Opens the store that the configuration names, for one tenant: keys of two tenants never meet. `tenant` is the API's host
/// and the client's id; it reaches the store as a digest with a few of its letters before it.
///
/// A Redis is not called yet, and its password not read: the first operation does that, so that one that can't be reached
/// is told where a run can pause for it, and is there again once it can be.
///
/// # Errors
///
/// The file in the data folder can't be used.
pub fn open(place: &StorePlace, tenant: &str, data_dir: &Path) -> Result<Arc<dyn Store>, StoreError> {
    open_named(place, tenant::name(tenant), data_dir)
}

/// Opens the store that the configuration names, whosever keys are in it: for `status` and `purge`. A key that is claimed
/// here is no tenant's.
///
/// # Errors
///
/// As for [`open`].
pub fn open_whole(place: &StorePlace, data_dir: &Path) -> Result<Arc<dyn Store>, StoreError> {
    open_named(place, tenant::EVERY.to_owned(), data_dir)
}

fn open_named(place: &StorePlace, tenant: String, data_dir: &Path) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match place {
        StorePlace::Embedded => Arc::new(embedded::Embedded::open(data_dir, tenant, embedded::wall_clock())?),
        StorePlace::Redis { url, password } => Arc::new(redis::Redis::new(url, password.clone(), tenant)),
    })
}

/// What a claim found in a store, before it is put into the words of the process that asked.
#[derive(Debug)]
enum Found {
    Granted { fence: u64, taken_over: bool },
    Stored(StoredResult),
    Locked { left: Duration },
    Unsure,
}

impl Found {
    fn told(self, key: &str, until: Expiry) -> Claim {
        match self {
            Self::Granted { fence, taken_over } => {
                Claim::Granted { lease: Lease { key: key.to_owned(), fence, until }, taken_over }
            }
            Self::Stored(result) => Claim::Stored(result),
            Self::Locked { left } => Claim::Locked { left },
            Self::Unsure => Claim::Unsure,
        }
    }
}

/// Microseconds, as the stores count. A century is for ever: with it, sums of moments stay exact in a double, which is
/// what numbers are in a Redis's scripts.
fn micros(duration: Duration) -> i64 {
    const CENTURY: i64 = 100 * 366 * 24 * 3600 * 1_000_000;
    i64::try_from(duration.as_micros()).unwrap_or(CENTURY).min(CENTURY)
}
