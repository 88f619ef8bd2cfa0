//! In held time: what a call goes with when it had to wait.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::*;
use crate::machine::Since;
use crate::pacing::{Fill, LaneSettings};
use crate::platform::{Download, Fetch, FetchError, Fetched};

/// Gives out tokens that live so many seconds.
struct Mint {
    life: u64,
    asked: Arc<AtomicU64>,
}

impl Fetch for Mint {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, TokenError>> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        let (secret, life) = (SecretString::from(format!("t{number}")), Duration::from_secs(self.life));
        Box::pin(async move { Ok(Token::new(&secret, Since::now(), life, None).unwrap()) })
    }
}

/// Takes as long as a request may, and gives out nothing.
struct Drip;

impl Fetch for Drip {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, TokenError>> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            let message = "no complete answer within 30 s".to_owned();
            Err(TokenError::Trouble { status: 200, message, retry_after: None })
        })
    }
}

/// Where no call gets to.
struct Nowhere;

impl Transport for Nowhere {
    fn call<'a>(&'a self, _: &'a Request, _: &'a Token) -> BoxFuture<'a, Result<Answer, CallError>> {
        unreachable!("no call is made")
    }

    fn fetch<'a>(&'a self, _: &'a Download<'a>, _: &'a Token) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        unreachable!("no call is made")
    }
}

/// One call in ten seconds, with tokens of that life; and how many were asked for.
fn access(life: u64) -> (Arc<Access>, Arc<AtomicU64>) {
    let asked = Arc::<AtomicU64>::default();
    (access_with(Mint { life, asked: Arc::clone(&asked) }), asked)
}

fn access_with(tokens: impl Fetch) -> Arc<Access> {
    let delivery = Delivery::default();
    let settings = LaneSettings {
        rate: Some(0.1),
        burst: 1,
        adapt: false,
        pool_pause_threshold: delivery.pool_pause_threshold,
        retry_after_limit: delivery.retry_after_limit,
        throttle_patience: delivery.throttle_patience,
        backoff: Backoff { base: delivery.backoff.base, cap: delivery.backoff.cap },
    };
    let access = Access {
        transport: Arc::new(Nowhere),
        tokens: Tokens::new(tokens),
        lane: Lane::new(settings, Fill::Full, None, 1),
        delivery,
        rng: Mutex::new(fastrand::Rng::with_seed(1)),
        look_not_before: Mutex::default(),
    };
    Arc::new(access)
}

/// Six calls that all want to go at once; how many tokens they took, and after how many seconds the last went.
async fn six_calls(life: u64) -> (u64, u64) {
    let (access, asked) = access(life);
    let begun = Instant::now();
    let calls = (0..6).map(|_| {
        let access = Arc::clone(&access);
        tokio::spawn(async move {
            let (leave, token) = access.leave(Stage::Delivery).await.unwrap();
            let newest = access.tokens.valid().expect("it goes while its token is valid");
            assert!(Arc::ptr_eq(&token, &newest), "it goes with the newest");
            drop(leave);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    (asked.load(Ordering::SeqCst), begun.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waited_long_goes_with_a_token_that_is_valid_still() {
    assert_eq!(six_calls(3_600).await, (1, 50));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ended_while_calls_waited_is_renewed_once_for_all_of_them() {
    assert_eq!(six_calls(45).await, (2, 50));
}

#[tokio::test(start_paused = true)]
async fn calls_get_on_also_where_a_token_lives_shorter_than_they_wait() {
    assert_eq!(six_calls(5).await, (6, 50));
}

#[tokio::test(start_paused = true)]
async fn who_only_looks_hears_after_about_a_minute_that_no_token_comes() {
    let access = access_with(Drip);
    let begun = Instant::now();
    let fault = access.token_soon().await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(75), "{:?}", begun.elapsed());
    assert!(fault.message.contains("no complete answer within 30 s"), "{}", fault.message);
}
