//! The embedded store: a SQLite file in the data folder, shared by the processes of one machine.
//!
//! One thread carries orders out, in group commits: whatever came in while a commit was under way shares the next one,
//! and nobody is answered before the commit that holds their answer. SQLite's own lock keeps processes apart.
//!
//! What a power cut must not take back, a result or an unsure mark, is synced to the disk before it is answered. Leases
//! are not: they need to outlive a process, and no process outlives the machine.

mod ledger;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};

use super::{
    Claim, Holder, Kept, Mark, Purge, Release, Status, Store, StoreError, StoredResult, schema, tenant,
};
use crate::database::{self, Anchor, Group};
use crate::machine::{self, Expiry};
use ledger::Ledger;

/// Tells the machine's time, in microseconds since 1970.
pub(super) type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The clock of all processes of this machine. It may be set back or forth; [`Ledger`] guards against the former, and the
/// latter ends leases early, which who takes them over is told like any other end.
pub(super) fn wall_clock() -> Clock {
    Arc::new(|| machine::now().as_microsecond())
}

/// The file in the data folder.
pub(super) const FILE: &str = "coordination.db";

/// How long to wait while other processes commit.
pub(super) const BUSY: Duration = Duration::from_secs(10);

/// Orders that wait for the thread: enough to fill a commit while one is under way.
const QUEUE: usize = 1024;

/// The most orders in one commit: it bounds how long other processes wait.
const MOST: usize = 512;

/// How often rows that are over their time are removed, in microseconds, and how many at once: few, because everybody
/// waits meanwhile.
const TIDY_EVERY: i64 = 60_000_000;
const TIDY_MOST: u32 = 500;

/// A handle to the store.
pub(super) struct Embedded {
    place: String,
    orders: mpsc::Sender<Order>,
}

impl Embedded {
    /// Opens the store in the folder, making both where they are not there, and starts its thread, which ends with the
    /// handle.
    pub(super) fn open(folder: &Path, tenant: String, clock: Clock) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        let connection = connect(folder, &path)?;
        let place = crate::text::path(&path);
        let (orders, queue) = mpsc::channel(QUEUE);
        let desk = Desk {
            connection,
            anchor: Anchor::of(&path),
            tenant,
            clock,
            place: place.clone(),
            outlives: None,
            tidy_at: i64::MIN,
        };
        machine::serve("coordination", desk.work(queue))
            .map_err(|error| StoreError::File { path, reason: format!("no thread for it: {error}") })?;
        Ok(Self { place, orders })
    }

    async fn order<T: Send + 'static>(
        &self,
        outlives: Outlives,
        ask: impl Fn(&Ledger<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (told, answer) = oneshot::channel();
        let job = Box::new(Job { ask, answer: None, told });
        let gone = || StoreError::unreachable(&self.place, &"its thread is gone");
        self.orders.send(Order { outlives, job }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Store for Embedded {
    fn claim<'a>(
        &'a self,
        key: &'a str,
        holder: Holder,
        lease: Duration,
        mark: Mark,
    ) -> BoxFuture<'a, Result<Claim, StoreError>> {
        Box::pin(async move {
            let until = Expiry::after(lease);
            let record = tenant::record(key);
            let found = self
                .order(Outlives::Process, move |ledger| ledger.claim(&record, holder, lease, mark))
                .await?;
            Ok(found.told(key, until))
        })
    }

    fn renew<'a>(
        &'a self,
        leases: &'a [(String, u64)],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Vec<Option<Expiry>>, StoreError>> {
        Box::pin(async move {
            let until = Expiry::after(lease);
            let records: Vec<_> = leases.iter().map(|(key, fence)| (tenant::record(key), *fence)).collect();
            let renew = move |ledger: &Ledger<'_>| {
                records.iter().map(|(record, fence)| ledger.renew(record, *fence, lease)).collect()
            };
            let renewed: Vec<bool> = self.order(Outlives::Process, renew).await?;
            Ok(renewed.into_iter().map(|ours| ours.then_some(until)).collect())
        })
    }

    fn keep<'a>(
        &'a self,
        key: &'a str,
        fence: u64,
        result: &'a StoredResult,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Kept, StoreError>> {
        Box::pin(async move {
            let (record, result) = (tenant::record(key), result.clone());
            self.order(Outlives::PowerCut, move |ledger| ledger.keep(&record, fence, &result, ttl)).await
        })
    }

    fn release<'a>(
        &'a self,
        key: &'a str,
        fence: u64,
        how: Release,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let record = tenant::record(key);
            match how {
                Release::Free => {
                    self.order(Outlives::Process, move |ledger| ledger.free(&record, fence)).await
                }
                Release::Unsure => {
                    self.order(Outlives::PowerCut, move |ledger| ledger.mark(&record, fence, ttl)).await
                }
            }
        })
    }

    fn status(&self) -> BoxFuture<'_, Result<Status, StoreError>> {
        Box::pin(async move {
            let place = self.place.clone();
            self.order(Outlives::Process, move |ledger| ledger.status(&place)).await
        })
    }

    fn purge(&self, what: Purge) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let mut purged = 0;
            // in pieces, so that leases are renewed in between
            loop {
                let piece =
                    self.order(Outlives::PowerCut, move |ledger| ledger.purge(what, TIDY_MOST)).await?;
                purged += piece;
                if piece < u64::from(TIDY_MOST) {
                    return Ok(purged);
                }
            }
        })
    }
}

/// What the commit of an order has to outlive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outlives {
    /// The process that asked.
    Process,
    /// A power cut.
    PowerCut,
}

impl Outlives {
    /// SQLite's word for it, in WAL mode.
    const fn synchronous(self) -> &'static str {
        match self {
            Self::Process => "normal",
            Self::PowerCut => "full",
        }
    }
}

struct Order {
    outlives: Outlives,
    job: Box<dyn Work>,
}

/// Something to be done in a transaction, again where that failed, and told when it is committed.
trait Work: Send {
    fn carry_out(&mut self, ledger: &Ledger<'_>) -> rusqlite::Result<()>;
    fn tell(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Job<T, Ask> {
    ask: Ask,
    answer: Option<T>,
    told: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, Ask: Fn(&Ledger<'_>) -> rusqlite::Result<T> + Send> Work for Job<T, Ask> {
    fn carry_out(&mut self, ledger: &Ledger<'_>) -> rusqlite::Result<()> {
        self.answer = Some((self.ask)(ledger)?);
        Ok(())
    }

    fn tell(self: Box<Self>, committed: Result<(), StoreError>) {
        // who asked may have gone; that changes nothing of what is written
        match (committed, self.answer) {
            (Err(error), _) => drop(self.told.send(Err(error))),
            (Ok(()), Some(answer)) => drop(self.told.send(Ok(answer))),
            (Ok(()), None) => {}
        }
    }
}

/// Why a commit failed: all that were to share it, or perhaps one of them alone.
enum Trouble {
    Shared(rusqlite::Error),
    Own(rusqlite::Error),
    /// The file is not where it was: others would not see what is written to it.
    Moved,
}

/// The thread that carries orders out.
struct Desk {
    connection: Connection,
    anchor: Anchor,
    tenant: String,
    clock: Clock,
    place: String,
    outlives: Option<Outlives>,
    tidy_at: i64,
}

impl Desk {
    async fn work(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut batch = Vec::with_capacity(MOST);
        while orders.recv_many(&mut batch, MOST).await > 0 {
            match self.commit(&mut batch) {
                Ok(()) => batch.drain(..).for_each(|order| order.job.tell(Ok(()))),
                Err(Trouble::Own(_)) if batch.len() > 1 => {
                    for order in batch.drain(..) {
                        let mut alone = [order];
                        let committed = self.commit(&mut alone).map_err(|trouble| self.told(&trouble));
                        let [order] = alone;
                        order.job.tell(committed);
                    }
                }
                Err(trouble) => {
                    batch.drain(..).for_each(|order| order.job.tell(Err(self.told(&trouble))));
                }
            }
        }
    }

    /// Commits all of them, or none.
    fn commit(&mut self, batch: &mut [Order]) -> Result<(), Trouble> {
        if self.anchor.moved().is_some() {
            return Err(Trouble::Moved);
        }
        let needed = batch.iter().map(|order| order.outlives).max();
        if let Some(outlives) = needed.filter(|_| needed != self.outlives) {
            let word = outlives.synchronous();
            self.connection.pragma_update(None, "synchronous", word).map_err(Trouble::Shared)?;
            self.outlives = needed;
        }
        let group = Group::begin(&self.connection).map_err(Trouble::Shared)?;
        let ledger = Ledger::new(&group, &self.tenant, (self.clock)());
        for order in &mut *batch {
            order.job.carry_out(&ledger).map_err(Trouble::Own)?;
        }
        let now = ledger.now();
        if now >= self.tidy_at {
            let tidied = ledger.tidy(TIDY_MOST).map_err(Trouble::Shared)?;
            self.tidy_at = if tidied < u64::from(TIDY_MOST) { now + TIDY_EVERY } else { now };
        }
        group.commit().map_err(Trouble::Shared)
    }

    fn told(&self, trouble: &Trouble) -> StoreError {
        let (Trouble::Shared(error) | Trouble::Own(error)) = trouble else {
            return StoreError::unreachable(&self.place, &"its file was removed or replaced, put it back");
        };
        tracing::error!(%error, place = self.place, "the store of locks and results could not be used");
        match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => StoreError::strange(&self.place, error),
            _ => StoreError::unreachable(&self.place, error),
        }
    }
}

fn connect(folder: &Path, path: &Path) -> Result<Connection, StoreError> {
    let unusable = |reason: String| StoreError::File { path: path.to_owned(), reason };
    database::make_folder(folder).map_err(|error| unusable(error.to_string()))?;
    database::make_file(path).map_err(|error| unusable(error.to_string()))?;
    if database::has_lost_commits(path).map_err(|error| unusable(error.to_string()))? {
        return Err(unusable("its log, the file beside it, is damaged".to_owned()));
    }
    let open = || -> rusqlite::Result<_> {
        let connection = database::open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, BUSY)?;
        if let Some(strange) = schema::strange(&connection)? {
            return Ok((connection, Some(strange.to_owned())));
        }
        database::begin_log(&connection, BUSY)?;
        connection.set_prepared_statement_cache_capacity(32);
        let damage = database::find_damage(&connection)?.map(|what| format!("it is damaged: {what}"));
        Ok((connection, damage))
    };
    let (mut connection, wrong) = open().map_err(|error| unusable(error.to_string()))?;
    if let Some(wrong) = wrong {
        return Err(unusable(wrong));
    }
    schema::migrate(&mut connection, path)?;
    Ok(connection)
}
