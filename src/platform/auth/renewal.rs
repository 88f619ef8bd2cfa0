//! One token for all workers, renewed by exactly one of them.
//!
//! The hot path is a read lock and a clone of an `Arc`. A token that is due but valid goes on being used while one
//! task renews it in the background; only when there is none that is valid do callers wait, all for the same request.
//! That request is a task of its own: a caller that goes away (a pause, Ctrl-C) does not take it along.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::Instant;

use super::{Token, TokenError};

/// How long an early renewal is left alone after it failed, where the platform does not say. The old token is still
/// valid then, so nobody waits for it.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Something that can get a new token.
pub trait Fetch: Send + Sync + 'static {
    /// Gets one. Called by one task at a time.
    fn fetch(&self) -> BoxFuture<'_, Result<Token, TokenError>>;
}

type Outcome = Result<Arc<Token>, TokenError>;
type Renewal = Shared<BoxFuture<'static, Outcome>>;

/// The token of one profile.
pub struct Tokens {
    inner: Arc<Inner>,
}

struct Inner {
    fetch: Box<dyn Fetch>,
    current: RwLock<Option<Arc<Token>>>,
    desk: Mutex<Desk>,
}

/// Where renewals are begun. Whoever holds it may begin one.
#[derive(Default)]
struct Desk {
    /// The latest; over once it has an outcome.
    latest: Option<Renewal>,
    /// No renewal of a valid token is begun before this moment.
    early_after: Option<Instant>,
}

impl Tokens {
    /// Tokens from that source. The first is asked for when the first is wanted.
    #[must_use]
    pub fn new(fetch: impl Fetch) -> Self {
        let inner = Inner { fetch: Box::new(fetch), current: RwLock::default(), desk: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// A valid token: at once where there is one, else when the platform has given one.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] where there is none. All who waited for that request get the same; it is not kept, so that
    /// the next call asks anew.
    pub async fn get(&self) -> Result<Arc<Token>, TokenError> {
        if let Some(token) = self.valid() {
            return Ok(token);
        }
        let renewal = {
            let mut desk = self.inner.desk();
            // A renewal may have ended since the look above.
            if let Some(token) = self.inner.held().filter(|token| !token.ends.is_over()) {
                return Ok(token);
            }
            self.inner.join(&mut desk)
        };
        renewal.await
    }

    /// The token that is valid now, where there is one. One that is due is renewed meanwhile.
    #[must_use]
    pub fn valid(&self) -> Option<Arc<Token>> {
        let token = self.inner.held().filter(|token| !token.ends.is_over())?;
        if token.due.is_over() {
            self.renew_early(Instant::now());
        }
        Some(token)
    }

    /// Another token than that one, which the platform no longer takes: the one that has come since, or a new one.
    /// Nobody is given the stale one any more.
    ///
    /// # Errors
    ///
    /// As [`Tokens::get`].
    pub async fn renew_after(&self, stale: &Token) -> Result<Arc<Token>, TokenError> {
        let renewal = {
            let mut desk = self.inner.desk();
            match self.inner.held() {
                Some(token) if std::ptr::eq(&raw const *token, stale) => self.inner.hold(None),
                Some(token) if !token.ends.is_over() => return Ok(token),
                _ => {}
            }
            self.inner.join(&mut desk)
        };
        renewal.await
    }

    /// How long the present token still lives; `None` where there is none.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let token = self.inner.held()?;
        Some(token.ends.left())
    }

    fn renew_early(&self, now: Instant) {
        let mut desk = self.inner.desk();
        let wait = desk.early_after.is_some_and(|moment| now < moment);
        let renewed = self.inner.held().is_some_and(|token| !token.due.is_over());
        if !wait && !renewed {
            // It is carried on by its own task; nobody here waits for it.
            drop(self.inner.join(&mut desk));
        }
    }
}

impl Inner {
    fn held(&self) -> Option<Arc<Token>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, token: Option<Arc<Token>>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = token;
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The renewal that is on its way, or a new one.
    fn join(self: &Arc<Self>, desk: &mut Desk) -> Renewal {
        if let Some(latest) = desk.latest.as_ref().filter(|one| one.peek().is_none()) {
            return latest.clone();
        }
        let renewal = Arc::clone(self).renew().boxed().shared();
        desk.latest = Some(renewal.clone());
        tokio::spawn(renewal.clone());
        renewal
    }

    async fn renew(self: Arc<Self>) -> Outcome {
        // A panic (of a key store's library, say) would otherwise be every waiter's, now and ever after.
        let outcome = AssertUnwindSafe(self.fetch.fetch())
            .catch_unwind()
            .await
            .unwrap_or_else(|_| {
                Err(TokenError::Secret("asking for one broke off inside this program".to_owned()))
            })
            .map(Arc::new);
        let early_after = match &outcome {
            Ok(token) => {
                let seconds = token.ends.left().as_secs();
                tracing::info!(seconds, "a token was got");
                self.hold(Some(Arc::clone(token)));
                None
            }
            Err(error) => {
                tracing::info!(%error, "no token was got");
                let pause = error.retry_after().map_or(AFTER_FAILURE, |told| told.wait().max(AFTER_FAILURE));
                Some(Instant::now() + pause)
            }
        };
        self.desk().early_after = early_after;
        outcome
    }
}

#[cfg(test)]
mod tests;
