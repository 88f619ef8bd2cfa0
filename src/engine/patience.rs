//! The token endpoint is asked no sooner than it said, to whichever process of this machine it said so.
//!
//! It stands between all who want a token and the endpoint, so early renewals keep it too; and it keeps what it was told
//! where the tenant's pace is kept, so that a resume and a second run keep it as they keep the lane's pauses.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep, sleep_until};

use crate::pacing::{Busy, SharedPace};
use crate::platform::{Fetch, RetryAfter, Token, TokenError};

/// When a record that could not be had is asked for again, and how often at most: what is told in vain is kept here all
/// the same.
const AGAIN: Duration = Duration::from_millis(5);
const TRIES: u32 = 20;

/// A token endpoint, and the patience that it asked for.
pub(super) struct Patient<F> {
    endpoint: F,
    pace: Arc<dyn SharedPace>,
    /// A longer wait is told and not waited for: a person has to know of it.
    longest: Duration,
    /// What it said to this process, as this process counts.
    told: Mutex<Option<Instant>>,
}

impl<F: Fetch> Fetch for Patient<F> {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, TokenError>> {
        async {
            while let Some(at) = self.not_before() {
                let left = at.saturating_duration_since(Instant::now());
                if left > self.longest {
                    return Err(TokenError::Throttled { retry_after: Some(RetryAfter::new(left)) });
                }
                sleep_until(at).await;
            }
            let fetched = self.endpoint.fetch().await;
            if let Some(wait) = fetched.as_ref().err().and_then(TokenError::retry_after) {
                self.tell(wait.wait()).await;
            }
            fetched
        }
        .boxed()
    }
}

impl<F> Patient<F> {
    pub(super) fn new(endpoint: F, pace: Arc<dyn SharedPace>, longest: Duration) -> Self {
        Self { endpoint, pace, longest, told: Mutex::default() }
    }

    /// When it may be asked, where that is not now.
    fn not_before(&self) -> Option<Instant> {
        let mut heard = None;
        if let Some((now, record)) = self.pace.look() {
            heard = Some(now.instant_of(record.tokens_from));
        } else {
            // where nobody can tell, what was told here stands
            let _ = self.pace.hold(&mut |now, record| heard = Some(now.instant_of(record.tokens_from)));
        }
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        heard.max(told).filter(|at| *at > Instant::now())
    }

    async fn tell(&self, wait: Duration) {
        let from = Instant::now() + wait;
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            *told = told.max(Some(from));
        }
        for _ in 0..TRIES {
            let told = self.pace.hold(&mut |now, record| {
                record.tokens_from = record.tokens_from.max(now.moment_of(from));
            });
            match told {
                Ok(()) => return,
                Err(Busy) => sleep(AGAIN).await,
            }
        }
    }
}

#[cfg(test)]
mod tests;
