use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_full_bucket_gives_its_burst_at_once_and_then_its_rate() {
    let start = Instant::now();
    let mut bucket = Bucket::new(50.0, 20, Fill::Full, start);
    assert_eq!(bucket.tokens(start), 20);
    for _ in 0..20 {
        bucket.take(start).unwrap();
    }
    assert_eq!(bucket.tokens(start), 0);
    assert_eq!(bucket.take(start), Err(start + Duration::from_millis(20)));
    bucket.take(start + Duration::from_millis(20)).unwrap();
    assert_eq!(bucket.take(start + Duration::from_millis(39)), Err(start + Duration::from_millis(40)));
}

#[test]
fn an_empty_bucket_gives_its_first_token_after_one_interval() {
    let start = Instant::now();
    let mut bucket = Bucket::new(4.0, 20, Fill::Empty, start);
    assert_eq!(bucket.tokens(start), 0);
    assert_eq!(bucket.take(start), Err(start + SECOND / 4));
    assert_eq!(bucket.tokens(start + SECOND), 4);
    assert_eq!(bucket.tokens(start + 60 * SECOND), 20, "never more than the burst");
}

#[test]
fn a_change_of_rate_neither_gives_back_nor_takes_what_was_used() {
    let start = Instant::now();
    let mut bucket = Bucket::new(10.0, 10, Fill::Full, start);
    for _ in 0..6 {
        bucket.take(start).unwrap();
    }
    bucket.set_rate(1.0, start);
    assert_eq!(bucket.tokens(start), 4);
    assert_eq!(bucket.tokens(start + 2 * SECOND), 6);
    bucket.set_rate(100.0, start + 2 * SECOND);
    assert_eq!(bucket.tokens(start + 2 * SECOND), 6);
    assert_eq!(bucket.tokens(start + 2 * SECOND + SECOND / 50), 8);
}

#[test]
fn absurd_rates_and_bursts_neither_panic_nor_give_more() {
    let start = Instant::now();
    for rate in [0.0, -1.0, f64::NAN, f64::MIN_POSITIVE, f64::MAX, f64::INFINITY] {
        for burst in [0, 1, u32::MAX] {
            for fill in [Fill::Full, Fill::Empty] {
                let mut bucket = Bucket::new(rate, burst, fill, start);
                let _ = bucket.take(start);
                bucket.set_rate(1.0, start);
                bucket.set_rate(rate, start + SECOND);
                let _ = bucket.take(start + SECOND);
                assert!(bucket.tokens(start) <= burst.max(1));
            }
        }
    }
    for burst in [1, 20, 1000] {
        let mut none = Bucket::new(0.0, burst, Fill::Empty, start);
        assert!(none.take(start + 1_000_000 * SECOND).is_err());
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Somebody asks, so many nanoseconds later.
    Ask(u64),
    /// Somebody waits until a token is due, and wakes up so many nanoseconds too late.
    Wait(u64),
    /// The rate changes.
    Rate(f64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => prop_oneof![Just(0), 1..1_000_u64, 1_000..1_000_000_u64, 1_000_000..3_000_000_000_u64].prop_map(Step::Ask),
        6 => prop_oneof![3 => Just(0), 1 => 1..2_000_000_u64].prop_map(Step::Wait),
        1 => prop_oneof![0.05..5.0, 5.0..500.0, 500.0..200_000.0].prop_map(Step::Rate),
    ];
    prop::collection::vec(step, 1..250)
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred grants are exact in a double")]
fn exceeds(grants: usize, burst: u32, allowed: f64) -> bool {
    // a billionth of a token for the sum of the doubles
    grants as f64 > f64::from(burst) + allowed + 1e-9 * (1.0 + allowed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_window_ever_holds_more_than_burst_and_rate_allow(
        rate in prop_oneof![0.05..5.0, 5.0..500.0, 500.0..200_000.0], burst in 1..40_u32,
        full in any::<bool>(), steps in steps(),
    ) {
        let start = Instant::now();
        let fill = if full { Fill::Full } else { Fill::Empty };
        let mut bucket = Bucket::new(rate, burst, fill, start);
        // each grant with what the rate had allowed in all up to that instant
        let mut grants: Vec<f64> = Vec::new();
        let (mut now, mut rate, mut allowed) = (start, rate, 0.0);
        for step in steps {
            let before = now;
            match step {
                Step::Ask(later) => now += Duration::from_nanos(later),
                Step::Wait(late) => now = bucket.due(now) + Duration::from_nanos(late),
                Step::Rate(_) => {}
            }
            allowed += rate * (now - before).as_secs_f64();
            if let Step::Rate(new) = step {
                bucket.set_rate(new, now);
                rate = new;
            } else if bucket.take(now).is_ok() {
                grants.push(allowed);
                if fill == Fill::Empty {
                    prop_assert!(!exceeds(grants.len(), 0, allowed), "an empty bucket gave {}", grants.len());
                }
            } else {
                prop_assert!(matches!(step, Step::Ask(_)), "what is due is given");
            }
        }
        for first in 0..grants.len() {
            for last in first..grants.len() {
                prop_assert!(!exceeds(last - first + 1, burst, grants[last] - grants[first]));
            }
        }
    }

    #[test]
    fn a_window_of_one_rate_is_kept_to_the_last_token(rate in 0.5..10_000.0, burst in 1..40_u32) {
        let start = Instant::now();
        let mut bucket = Bucket::new(rate, burst, Fill::Full, start);
        let mut now = start;
        for _ in 0..burst + 200 {
            now = bucket.due(now);
            bucket.take(now).unwrap();
        }
        let ideal = 200.0 / rate;
        prop_assert!((now - start).as_secs_f64() <= ideal + 200e-9, "it is not slower than it need be either");
    }
}
