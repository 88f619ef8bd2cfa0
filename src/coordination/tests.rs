//! Both stores, held to the same promises.

mod embedded;
mod promises;
mod redis;
#[path = "../../tests/support/redis.rs"]
mod redis_server;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use redis_server::RedisServer;
use tempfile::TempDir;

use super::embedded as embedded_store;
use super::*;

/// For what is to end in the test; nothing is asserted of the time before.
const LEASE: Duration = Duration::from_millis(300);
/// For what is to last, however slow the machine is.
const DAY: Duration = Duration::from_hours(24);

/// Longer than anything here takes on the busiest machine, so that only a broken store comes to it.
const LIMIT: Duration = Duration::from_mins(1);

/// Where a store is, and how its time passes.
enum Place {
    Embedded { folder: TempDir, clock: Arc<AtomicI64> },
    Redis(RedisServer),
}

impl Place {
    fn embedded() -> Self {
        let clock = Arc::new(AtomicI64::new(Timestamp::now().as_microsecond()));
        Self::Embedded { folder: tempfile::tempdir().unwrap(), clock }
    }

    fn redis() -> Self {
        Self::Redis(RedisServer::start())
    }

    /// A store as a process of its own would open it.
    fn open(&self, tenant: &str) -> Arc<dyn Store> {
        self.open_named(tenant::name(tenant))
    }

    /// The same, whosever keys are in it.
    fn open_whole(&self) -> Arc<dyn Store> {
        self.open_named(tenant::EVERY.to_owned())
    }

    fn open_named(&self, tenant: String) -> Arc<dyn Store> {
        match self {
            Self::Embedded { folder, clock } => {
                let clock = Arc::clone(clock);
                let clock: embedded_store::Clock = Arc::new(move || clock.load(Ordering::SeqCst));
                Arc::new(embedded_store::Embedded::open(folder.path(), tenant, clock).unwrap())
            }
            Self::Redis(server) => {
                let place = StorePlace::Redis { url: server.url().parse().unwrap(), password: None };
                open_named(&place, tenant, Path::new("")).unwrap()
            }
        }
    }

    /// A moment, to measure from: held time in the one place, real time in the other.
    fn now(&self) -> Duration {
        match self {
            Self::Embedded { clock, .. } => {
                Duration::from_micros(clock.load(Ordering::SeqCst).cast_unsigned())
            }
            Self::Redis(_) => std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap(),
        }
    }

    fn since(&self, begun: Duration) -> Duration {
        self.now().checked_sub(begun).unwrap()
    }

    /// Lets a little time pass before something is looked at again.
    async fn tick(&self) {
        match self {
            Self::Embedded { clock, .. } => drop(clock.fetch_add(1000, Ordering::SeqCst)),
            Self::Redis(_) => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }

    /// Claims until the answer is no more of the kind that `still` knows. Returns the other answer, and how long after
    /// `begun` it came.
    async fn change(
        &self,
        store: &dyn Store,
        asks: (&str, Holder, Mark),
        begun: Duration,
        still: impl Fn(&Claim) -> bool,
    ) -> (Claim, Duration) {
        loop {
            let claim = store.claim(asks.0, asks.1, DAY, asks.2).await.unwrap();
            let now = self.since(begun);
            if !still(&claim) {
                return (claim, now);
            }
            assert!(now < LIMIT, "{claim:?} for ever");
            self.tick().await;
        }
    }
}

/// Item `item` of a run of its own.
fn somebody(item: Seq) -> Holder {
    Holder { run: RunId::begin(), item }
}

fn result(body: &str) -> StoredResult {
    StoredResult {
        status: 201,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x".to_owned(), "\"é\n".to_owned()),
        ],
        body: Bytes::copy_from_slice(body.as_bytes()),
        at: Timestamp::from_microsecond(1_760_000_000_123_456).unwrap(),
    }
}

/// Claims for a day.
async fn claim(store: &dyn Store, key: &str, holder: Holder) -> Claim {
    store.claim(key, holder, DAY, Mark::Respect).await.unwrap()
}

/// The fence of a grant, and whether it was a take-over.
#[track_caller]
fn granted(claim: &Claim) -> (u64, bool) {
    match claim {
        Claim::Granted { lease, taken_over } => (lease.fence, *taken_over),
        other => panic!("not granted: {other:?}"),
    }
}

const fn is_locked(claim: &Claim) -> bool {
    matches!(claim, Claim::Locked { .. })
}

/// The fence of a grant for a day.
async fn fence(store: &dyn Store, key: &str, holder: Holder) -> u64 {
    let claim = claim(store, key, holder).await;
    granted(&claim).0
}

/// The fence of a grant that ends soon.
async fn brief(store: &dyn Store, key: &str, holder: Holder) -> u64 {
    let claim = store.claim(key, holder, LEASE, Mark::Respect).await.unwrap();
    granted(&claim).0
}
