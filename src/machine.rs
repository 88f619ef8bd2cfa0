//! What the program takes of the machine beneath it, beside files: the time of day, threads for what blocks, the disk's
//! speed, and the network.
//!
//! All of it stands here so that a simulation can [hold] it: then everything runs on the one thread that does so, the
//! time of day follows the runtime's own clock, which may be paused, chance is `fastrand`'s, which may be seeded, the disk is as slow or as full as the simulation
//! wants it, and calls go to it instead of a socket. Nothing else in the program knows of simulations.

mod cores;
mod since;

use std::cell::RefCell;
use std::io;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinError;
use tokio::time::Instant;
use uuid::{Builder, Uuid};

pub(crate) use cores::{Work, cores};
pub use since::{Expiry, Since};

thread_local! {
    static HELD: RefCell<Option<Rc<Held>>> = const { RefCell::new(None) };
}

struct Held {
    epoch: RefCell<(Timestamp, Instant)>,
    world: Arc<dyn World>,
}

/// What a simulation puts in the place of disk and network.
pub trait World: Send + Sync {
    /// How the disk takes the next commit.
    fn disk(&self) -> Disk;

    /// What becomes of a call.
    fn exchange(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Came, Loss>>;
}

/// An answer that came.
#[derive(Debug, Clone)]
pub struct Came {
    /// The answer.
    pub answer: http::Response<Bytes>,
    /// Whether the body breaks off at its end.
    pub cut: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nobody took the connection.
    Unreachable,
    /// The connection ended before the answer began.
    Reset,
    /// Nothing came in time.
    Late,
}

/// How the disk takes the next commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// It writes.
    Sound(Duration),
    /// It writes nothing.
    Full,
}

/// Holds the machine for this thread, until it is dropped.
#[derive(Debug)]
pub struct Hold {
    // the machine is given back where it was taken
    of_this_thread: PhantomData<*const ()>,
}

/// Holds the machine for this thread. The time of day is that one now, and goes on with the runtime's clock. Call it inside
/// the runtime that is simulated.
#[must_use]
pub fn hold(now: Timestamp, world: Arc<dyn World>) -> Hold {
    let held = Held { epoch: RefCell::new((now, Instant::now())), world };
    HELD.with_borrow_mut(|place| *place = Some(Rc::new(held)));
    Hold { of_this_thread: PhantomData }
}

impl Hold {
    /// Sets the clock on the wall forward, or back. The runtime's own does not move.
    pub fn set_clock(&self, by: SignedDuration) {
        if let Some(held) = held() {
            let mut epoch = held.epoch.borrow_mut();
            epoch.0 = epoch.0.saturating_add(by).unwrap_or(epoch.0);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        HELD.with_borrow_mut(|place| *place = None);
    }
}

fn held() -> Option<Rc<Held>> {
    HELD.with_borrow(Clone::clone)
}

/// Whether a clock's time has a date, and an id can be made of it: a machine without a battery may begin anywhere.
pub(crate) fn is_dated(time: SystemTime) -> bool {
    time >= SystemTime::UNIX_EPOCH && Timestamp::try_from(time).is_ok()
}

/// The time of day.
#[must_use]
pub fn now() -> Timestamp {
    held().map_or_else(Timestamp::now, |held| {
        let (then, at) = *held.epoch.borrow();
        let gone = SignedDuration::try_from(at.elapsed()).unwrap_or_default();
        then.saturating_add(gone).unwrap_or(then)
    })
}

/// An id that nothing else has: the time of day, and chance (a UUID v7).
#[must_use]
pub(crate) fn timely_id() -> Uuid {
    if !is_held() {
        return Uuid::now_v7();
    }
    let ms = u64::try_from(now().as_millisecond()).unwrap_or(0);
    let chance: [u8; 10] = std::array::from_fn(|_| fastrand::u8(..));
    Builder::from_unix_timestamp_millis(ms, &chance).into_uuid()
}

/// An id that nothing else has: chance alone (a UUID v4).
#[must_use]
pub(crate) fn chance_id() -> Uuid {
    if !is_held() {
        return Uuid::new_v4();
    }
    Builder::from_random_bytes(fastrand::u128(..).to_le_bytes()).into_uuid()
}

/// Whether a simulation holds the machine: then nobody may wait for another thread.
pub(crate) fn is_held() -> bool {
    held().is_some()
}

/// How the disk takes the next commit; nothing is known of that but in a simulation.
pub(crate) fn disk() -> Disk {
    held().map_or(Disk::Sound(Duration::ZERO), |held| held.world.disk())
}

/// The world that a simulation holds in the place of the real one.
pub(crate) fn world() -> Option<Arc<dyn World>> {
    held().map(|held| Arc::clone(&held.world))
}

/// Does what blocks on a thread that may.
///
/// # Errors
///
/// The work panicked, or the runtime is shutting down.
pub(crate) fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> BoxFuture<'static, Result<T, JoinError>> {
    // what the work holds would stand in the future of everybody who waits for it
    Box::pin(async move {
        if is_held() {
            // others get their turn here, as they would on a machine with threads
            tokio::task::yield_now().await;
            return Ok(work());
        }
        tokio::task::spawn_blocking(work).await
    })
}

/// Does what takes long where it stands, with what it borrows; other tasks of this thread go on elsewhere meanwhile.
pub(crate) fn at_length<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// Starts a task that blocks at times, on a thread of its own, for as long as it lasts.
///
/// # Errors
///
/// The system gives no thread.
pub(crate) fn serve(name: &str, task: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    if is_held() {
        drop(tokio::spawn(task));
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    std::thread::Builder::new().name(name.to_owned()).spawn(move || runtime.block_on(task)).map(drop)
}

/// A world in which nobody takes a call, for tests that set the clock and call nobody.
#[cfg(test)]
pub(crate) fn nowhere() -> Arc<dyn World> {
    struct Nowhere;
    impl World for Nowhere {
        fn disk(&self) -> Disk {
            Disk::Sound(Duration::ZERO)
        }

        fn exchange(&self, _: http::Request<Bytes>) -> BoxFuture<'static, Result<Came, Loss>> {
            Box::pin(async { Err(Loss::Unreachable) })
        }
    }
    Arc::new(Nowhere)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stands_before_all_dates_or_after_them_is_told_from_one_that_is_wrong() {
        let at = |days: u64| SystemTime::UNIX_EPOCH + Duration::from_hours(24 * days);
        assert!(is_dated(at(0)) && is_dated(SystemTime::now()) && is_dated(at(365 * 7900)));
        assert!(!is_dated(SystemTime::UNIX_EPOCH - Duration::from_nanos(1)));
        assert!(!is_dated(at(366 * 8100)));
    }
}
