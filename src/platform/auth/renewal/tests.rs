//! In held time and without sockets: when a token is renewed, how often, and what callers get meanwhile.

use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use secrecy::SecretString;

use super::*;
use crate::platform::RetryAfter;

/// A token endpoint that takes a second for each answer and fails as often as it is told to.
struct Mint {
    asked: AtomicUsize,
    life: Duration,
    failures: StdMutex<Vec<TokenError>>,
}

impl Mint {
    fn new(life: u64) -> Arc<Self> {
        Arc::new(Self {
            asked: AtomicUsize::new(0),
            life: Duration::from_secs(life),
            failures: StdMutex::default(),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn fail_next(&self, error: TokenError) {
        self.failures.lock().unwrap().push(error);
    }
}

impl Fetch for Arc<Mint> {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, TokenError>> {
        Box::pin(async move {
            let asked = crate::machine::Since::now();
            let number = self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let Some(error) = self.failures.lock().unwrap().pop() {
                return Err(error);
            }
            Ok(Token::new(&SecretString::from(format!("t{number}")), asked, self.life, None).unwrap())
        })
    }
}

fn mint(life: u64) -> (Arc<Mint>, Tokens) {
    let mint = Mint::new(life);
    (Arc::clone(&mint), Tokens::new(mint))
}

fn text(token: &Token) -> String {
    token.authorization().to_str().unwrap().to_owned()
}

async fn given(tokens: &Tokens) -> String {
    text(&tokens.get().await.unwrap())
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Lets the tasks that were begun run until they wait for something.
async fn settle() {
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
}

fn throttled(seconds: u64) -> TokenError {
    TokenError::Throttled { retry_after: Some(RetryAfter::new(Duration::from_secs(seconds))) }
}

#[tokio::test(start_paused = true)]
async fn fifty_workers_share_one_request() {
    let (mint, tokens) = mint(600);
    assert_eq!(tokens.left(), None);
    let got = join_all((0..50).map(|_| given(&tokens))).await;
    assert!(got.iter().all(|one| one == "Bearer t0"));
    assert_eq!(mint.asked(), 1);
    assert_eq!(tokens.left(), Some(Duration::from_secs(599)));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_a_minute_before_its_end_while_all_go_on_with_the_old_one() {
    let (mint, tokens) = mint(600);
    given(&tokens).await;
    pass(538).await;
    assert_eq!(given(&tokens).await, "Bearer t0");
    settle().await;
    assert_eq!(mint.asked(), 1, "a second too early");
    pass(1).await;
    let before = Instant::now();
    let got = join_all((0..50).map(|_| given(&tokens))).await;
    assert!(got.iter().all(|one| one == "Bearer t0"));
    assert_eq!(Instant::now(), before, "nobody waits while the old one is valid");
    pass(2).await;
    assert_eq!(given(&tokens).await, "Bearer t1");
    assert_eq!(mint.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_short_lived_token_is_renewed_at_half_its_life() {
    for (life, good) in [(60, 30), (119, 59), (120, 60), (121, 61), (10, 5)] {
        let (mint, tokens) = mint(life);
        given(&tokens).await;
        pass(good - 2).await;
        given(&tokens).await;
        settle().await;
        assert_eq!(mint.asked(), 1, "life {life}");
        pass(2).await;
        given(&tokens).await;
        settle().await;
        assert_eq!(mint.asked(), 2, "life {life}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_ended_token_is_given_to_nobody() {
    let (mint, tokens) = mint(600);
    given(&tokens).await;
    pass(600).await;
    assert_eq!(tokens.left(), Some(Duration::ZERO));
    let got = join_all((0..50).map(|_| given(&tokens))).await;
    assert!(got.iter().all(|one| one == "Bearer t1"));
    assert_eq!(mint.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_for_all_who_held_it() {
    let (mint, tokens) = mint(600);
    let stale = tokens.get().await.unwrap();
    let renewals = join_all((0..50).map(|_| tokens.renew_after(&stale)));
    let others = join_all((0..50).map(|_| given(&tokens)));
    let (renewed, others) = tokio::join!(renewals, others);
    assert!(renewed.iter().all(|one| text(one.as_ref().unwrap()) == "Bearer t1"));
    assert!(others.iter().all(|one| one == "Bearer t1"), "nobody gets the refused one any more");
    // One who comes late, its answer having been on the way, gets what there is.
    assert_eq!(text(&tokens.renew_after(&stale).await.unwrap()), "Bearer t1");
    assert_eq!(mint.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_shared_with_those_who_waited_and_then_forgotten() {
    let (mint, tokens) = mint(600);
    mint.fail_next(throttled(9));
    let got = join_all((0..50).map(|_| tokens.get())).await;
    assert!(got.iter().all(|one| one.as_ref().unwrap_err() == &throttled(9)));
    assert_eq!(mint.asked(), 1);
    assert_eq!(given(&tokens).await, "Bearer t1");
}

#[tokio::test(start_paused = true)]
async fn an_early_renewal_that_fails_costs_nobody_anything_and_is_not_hammered() {
    let (mint, tokens) = mint(600);
    given(&tokens).await;
    pass(540).await;
    mint.fail_next(throttled(20));
    for _ in 0..15 {
        assert_eq!(given(&tokens).await, "Bearer t0");
        pass(1).await;
    }
    assert_eq!(mint.asked(), 2, "not before the platform's Retry-After");
    pass(10).await;
    assert_eq!(given(&tokens).await, "Bearer t0");
    pass(2).await;
    assert_eq!(given(&tokens).await, "Bearer t2");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_does_not_take_the_request_along() {
    let (mint, tokens) = mint(600);
    assert!(tokio::time::timeout(Duration::from_millis(10), tokens.get()).await.is_err());
    pass(2).await;
    let before = Instant::now();
    assert_eq!(given(&tokens).await, "Bearer t0");
    assert_eq!((Instant::now(), mint.asked()), (before, 1));
}

#[tokio::test(start_paused = true)]
async fn a_life_of_any_length_breaks_no_clock() {
    for life in [0, u64::MAX] {
        let (_, tokens) = mint(life);
        assert_eq!(given(&tokens).await, "Bearer t0");
    }
}

/// Breaks once, and is well again.
struct Fragile(AtomicUsize);

impl Fetch for Fragile {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, TokenError>> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "a key store's library gives up");
            let life = Duration::from_mins(10);
            Ok(Token::new(&SecretString::from("well"), crate::machine::Since::now(), life, None).unwrap())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_token_is_fetched_is_one_failure_and_no_more() {
    let tokens = Tokens::new(Fragile(AtomicUsize::new(0)));
    let got = join_all((0..5).map(|_| tokens.get())).await;
    assert!(got.iter().all(|one| matches!(one, Err(TokenError::Secret(_)))));
    assert_eq!(given(&tokens).await, "Bearer well");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ended_while_the_machine_slept_is_given_to_nobody() {
    let hold = crate::machine::hold(jiff::Timestamp::UNIX_EPOCH, crate::machine::nowhere());
    let (mint, tokens) = mint(3600);
    assert_eq!(given(&tokens).await, "Bearer t0");
    hold.set_clock(jiff::SignedDuration::from_hours(8));
    assert_eq!(tokens.left(), Some(Duration::ZERO));
    assert_eq!(given(&tokens).await, "Bearer t1");
    hold.set_clock(jiff::SignedDuration::from_hours(-2));
    assert_eq!(given(&tokens).await, "Bearer t1", "a clock that is set back ends none");
    assert_eq!(mint.asked(), 2);
}
