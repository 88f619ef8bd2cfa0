use std::sync::atomic::{AtomicUsize, Ordering};

use secrecy::SecretString;

use super::*;
use crate::pacing::{Moment, Now, Record};

const ANY: Duration = Duration::MAX;

/// Says "too often" once, and gives a token then.
#[derive(Default)]
struct Endpoint {
    asked: AtomicUsize,
}

impl Fetch for Endpoint {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, TokenError>> {
        async {
            if self.asked.fetch_add(1, Ordering::Relaxed) == 0 {
                let retry_after = Some(RetryAfter::new(Duration::from_hours(1)));
                return Err(TokenError::Throttled { retry_after });
            }
            let life = Duration::from_mins(1);
            Ok(Token::new(&SecretString::from("t"), crate::machine::Since::now(), life, None).unwrap())
        }
        .boxed()
    }
}

/// What processes share, on a clock that is held.
#[derive(Debug)]
struct Place(Instant, Mutex<Record>);

impl Place {
    fn now(&self) -> Now {
        let instant = Instant::now();
        Now { instant, moment: Moment::from_nanos(1).plus(instant - self.0) }
    }
}

impl SharedPace for Place {
    fn look(&self) -> Option<(Now, Record)> {
        Some((self.now(), *self.1.lock().unwrap()))
    }

    fn hold(&self, step: &mut dyn FnMut(Now, &mut Record)) -> Result<(), Busy> {
        step(self.now(), &mut self.1.lock().unwrap());
        Ok(())
    }
}

fn place() -> Arc<Place> {
    Arc::new(Place(Instant::now(), Mutex::default()))
}

#[tokio::test(start_paused = true)]
async fn the_endpoint_is_left_alone_for_as_long_as_it_said() {
    let tokens = Patient::new(Endpoint::default(), place(), ANY);
    let begun = Instant::now();
    assert!(tokens.fetch().await.is_err());
    assert!(tokens.fetch().await.is_ok());
    assert!(begun.elapsed() >= Duration::from_hours(1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn another_process_of_the_machine_leaves_it_alone_too() {
    let place = place();
    let one = Patient::new(Endpoint::default(), Arc::clone(&place) as Arc<dyn SharedPace>, ANY);
    assert!(one.fetch().await.is_err());
    let other = Patient::new(Endpoint::default(), place, ANY);
    assert!(tokio::time::timeout(Duration::from_mins(59), other.fetch()).await.is_err());
    assert_eq!(other.endpoint.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_longer_than_the_plan_bears_is_told_at_once() {
    let tokens = Patient::new(Endpoint::default(), place(), Duration::from_mins(15));
    assert!(tokens.fetch().await.is_err());
    tokio::time::advance(Duration::from_mins(20)).await;
    let begun = Instant::now();
    let told = tokens.fetch().await.unwrap_err();
    assert_eq!(told.retry_after().map(RetryAfter::wait), Some(Duration::from_mins(40)));
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(tokens.endpoint.asked.load(Ordering::Relaxed), 1);
}
