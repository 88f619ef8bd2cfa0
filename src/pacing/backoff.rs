//! How long an item waits before it is sent again.
//!
//! *Full jitter*: uniform between nothing and an exponentially growing ceiling. Of the known variants it makes the
//! least work for a platform in trouble, because clients that failed together do not come back together
//! (M. Brooker, *Exponential Backoff And Jitter*, AWS Architecture Blog, 2015).
//!
//! A Retry-After is a floor, never a ceiling: RFC 9110 §10.2.3 says how long to wait *at least*. It gets a little
//! jitter on top, because all clients that were told *60* would otherwise return in the same instant.

use std::time::Duration;

use fastrand::Rng;

/// The most that is added to a Retry-After.
const MOST_SPREAD: Duration = Duration::from_secs(1);

/// A plan's back-off: exponential with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The ceiling of the first wait.
    pub base: Duration,
    /// What no ceiling exceeds.
    pub cap: Duration,
}

impl Backoff {
    /// How long to wait after the `attempt`th try in a row that failed (from 1); never shorter than `retry_after`.
    #[must_use]
    pub fn wait(&self, attempt: u32, retry_after: Option<Duration>, rng: &mut Rng) -> Duration {
        let own = delay(self.base, self.cap, attempt, rng);
        match retry_after {
            Some(floor) => own.max(no_sooner(floor, rng)),
            None => own,
        }
    }
}

/// A wait that is uniform in `0..=min(cap, base · 2^(attempt - 1))`. An attempt of 0 is taken for the first.
#[must_use]
pub fn delay(base: Duration, cap: Duration, attempt: u32, rng: &mut Rng) -> Duration {
    let doublings = attempt.saturating_sub(1);
    let ceiling = match 1_u32.checked_shl(doublings) {
        Some(factor) => base.checked_mul(factor).map_or(cap, |grown| grown.min(cap)),
        None if base.is_zero() => base,
        None => beyond_u32(base, doublings).min(cap),
    };
    uniform(ceiling, rng)
}

/// A wait of at least `retry_after`, plus up to a tenth of it, at most 1 s.
#[must_use]
pub fn no_sooner(retry_after: Duration, rng: &mut Rng) -> Duration {
    retry_after.saturating_add(uniform((retry_after / 10).min(MOST_SPREAD), rng))
}

/// `base · 2^doublings` for a base so small that 32 doublings may still be below a cap.
fn beyond_u32(base: Duration, doublings: u32) -> Duration {
    let nanos = base.as_nanos();
    if doublings >= nanos.leading_zeros() {
        return Duration::MAX;
    }
    u64::try_from(nanos << doublings).map_or(Duration::MAX, Duration::from_nanos)
}

fn uniform(most: Duration, rng: &mut Rng) -> Duration {
    Duration::from_nanos(rng.u64(..=u64::try_from(most.as_nanos()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_ceiling_doubles_up_to_the_cap_and_the_whole_range_below_it_is_used() {
        let mut rng = Rng::with_seed(1);
        for (attempt, ceiling) in
            [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (40, 30)]
        {
            let ceiling = Duration::from_secs(ceiling);
            let waits: Vec<_> = (0..2000).map(|_| delay(SECOND, 30 * SECOND, attempt, &mut rng)).collect();
            let mean = waits.iter().sum::<Duration>() / 2000;
            assert!(waits.iter().all(|wait| *wait <= ceiling), "attempt {attempt}");
            assert!(waits.iter().any(|wait| *wait > ceiling.mul_f64(0.95)), "attempt {attempt}");
            assert!(waits.iter().any(|wait| *wait < ceiling.mul_f64(0.05)), "attempt {attempt}");
            assert!(
                mean > ceiling.mul_f64(0.46) && mean < ceiling.mul_f64(0.54),
                "attempt {attempt}: {mean:?}"
            );
        }
    }

    #[test]
    fn the_same_seed_waits_the_same() {
        let waits = |seed| {
            let mut rng = Rng::with_seed(seed);
            [1, 2, 3].map(|attempt| delay(SECOND, 30 * SECOND, attempt, &mut rng))
        };
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
    }

    #[test]
    fn clients_told_the_same_retry_after_do_not_return_in_step() {
        let mut rng = Rng::with_seed(3);
        let backoff = Backoff { base: SECOND, cap: 30 * SECOND };
        let waits: Vec<_> = (0..100).map(|_| backoff.wait(1, Some(60 * SECOND), &mut rng)).collect();
        assert!(waits.iter().all(|wait| (60 * SECOND..=61 * SECOND).contains(wait)));
        assert!(waits.iter().max().unwrap().saturating_sub(*waits.iter().min().unwrap()) > SECOND / 2);
    }

    proptest! {
        #[test]
        fn no_attempt_overflows_and_no_wait_is_shorter_than_retry_after(
            base in any::<Duration>(), cap in any::<Duration>(), attempt in any::<u32>(),
            floor in proptest::option::of(any::<Duration>()), seed in any::<u64>(),
        ) {
            let mut rng = Rng::with_seed(seed);
            prop_assert!(delay(base, cap, attempt, &mut rng) <= cap);
            let wait = Backoff { base, cap }.wait(attempt, floor, &mut rng);
            let floor = floor.unwrap_or_default();
            prop_assert!(wait >= floor);
            prop_assert!(wait <= cap.max(floor.saturating_add((floor / 10).min(SECOND))));
        }
    }
}
