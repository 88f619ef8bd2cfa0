use proptest::prelude::*;

use super::*;

fn at(start: Instant, ms: u64) -> Instant {
    start + Duration::from_millis(ms)
}

fn throttled(until: Instant) -> LaneAnswer {
    LaneAnswer::Throttled { not_before: Some(until) }
}

/// A lane that was answered 429 twice in a row, at 0 and 10 ms, the later Retry-After being over at 2 s.
fn paused() -> (Lane, Instant) {
    let (mut lane, start) = (Lane::default(), Instant::now());
    assert_eq!(lane.arrive(start), None);
    lane.answered(throttled(at(start, 2000)), start);
    lane.answered(throttled(at(start, 1000)), at(start, 10));
    (lane, start)
}

#[test]
fn two_429s_in_a_row_hold_the_lane_until_the_later_retry_after() {
    let (mut lane, start) = paused();
    assert_eq!(lane.arrive(at(start, 100)), None, "could not have known yet");
    assert_eq!(lane.arrive(at(start, 500)), Some(Early::Paused(Duration::from_millis(1500))));
    assert_eq!(lane.arrive(at(start, 1940)), Some(Early::Paused(Duration::from_millis(60))));
    assert_eq!(lane.arrive(at(start, 1960)), None, "within what a timer may be off");
}

#[test]
fn one_429_binds_nobody_else() {
    let (mut lane, start) = (Lane::default(), Instant::now());
    lane.answered(throttled(at(start, 2000)), start);
    assert_eq!(lane.arrive(at(start, 500)), None);
    lane.answered(LaneAnswer::Other, at(start, 600));
    lane.answered(throttled(at(start, 2000)), at(start, 900));
    assert_eq!(lane.arrive(at(start, 1500)), None, "an accepted answer came between");
}

#[test]
fn answers_that_may_have_been_read_in_another_order_prove_nothing() {
    let (mut lane, start) = (Lane::default(), Instant::now());
    lane.answered(throttled(at(start, 2000)), start);
    lane.answered(throttled(at(start, 2000)), at(start, 10));
    lane.answered(LaneAnswer::Other, at(start, 40));
    assert_eq!(lane.arrive(at(start, 500)), None);
}

#[test]
fn after_a_pause_one_call_probes() {
    let (mut lane, start) = paused();
    assert_eq!(lane.arrive(at(start, 2000)), None, "the probe");
    assert_eq!(lane.arrive(at(start, 2010)), Some(Early::ProbeOut));
    lane.answered(LaneAnswer::Lost, at(start, 2020));
    assert_eq!(lane.arrive(at(start, 2030)), None, "a lost probe lets the next one probe");
    lane.answered(LaneAnswer::Other, at(start, 2040));
    assert_eq!(lane.arrive(at(start, 2050)), None);
    assert_eq!(lane.arrive(at(start, 2051)), None, "an accepted probe lets all follow");
}

#[test]
fn a_probe_answered_429_holds_the_lane_again() {
    let (mut lane, start) = paused();
    assert_eq!(lane.arrive(at(start, 2000)), None);
    lane.answered(throttled(at(start, 5000)), at(start, 2010));
    assert_eq!(lane.arrive(at(start, 3000)), Some(Early::Paused(Duration::from_secs(2))));
    assert_eq!(lane.arrive(at(start, 5000)), None);
}

#[test]
fn an_acceptance_during_the_pause_may_stand_for_the_probe_but_does_not_shorten_it() {
    let (mut lane, start) = paused();
    lane.answered(LaneAnswer::Other, at(start, 1000));
    assert!(matches!(lane.arrive(at(start, 1500)), Some(Early::Paused(_))));
    assert_eq!(lane.arrive(at(start, 2000)), None);
    assert_eq!(lane.arrive(at(start, 2001)), None);
}

#[test]
fn an_item_must_keep_its_own_retry_after() {
    let quota = Quota::new(&Scenario::default());
    let start = Instant::now();
    quota.answered(Family::Ingest, Some(5), throttled(at(start, 1000)), start);
    assert_eq!(quota.item_arrives(6, at(start, 10)), None);
    assert_eq!(quota.item_arrives(5, at(start, 200)), Some(Duration::from_millis(800)));
    quota.answered(Family::Ingest, Some(5), throttled(at(start, 1000)), start);
    assert_eq!(quota.item_arrives(5, at(start, 1000)), None);
}

#[test]
fn a_window_counts_and_opens_again() {
    let text = "[limit]\ngenesys = { allowed = 2, window = \"3s\" }";
    let quota = Quota::new(&Scenario::parse("t", text).unwrap());
    let start = Instant::now();
    let spend = |ms| quota.spend(Vendor::Genesys, at(start, ms)).unwrap();
    assert_eq!((spend(0).used, spend(1).used), (1, 2));
    let over = spend(500);
    assert!(over.is_over());
    assert_eq!((over.left, over.reset()), (Duration::from_millis(2500), 3));
    assert!(!spend(3000).is_over());
    assert!(quota.spend(Vendor::Cxone, start).is_none(), "each platform has its own");
}

proptest! {
    #[test]
    fn the_bucket_check_is_the_worst_of_all_windows(gaps in prop::collection::vec(0_u64..400_000, 1..60)) {
        let traits = BucketTraits { rate: 45.0, burst: 3.0, slack: f64::INFINITY };
        let start = Instant::now();
        let mut bucket = Bucket::new(&traits, start);
        let mut micros = 0;
        let times: Vec<u64> = gaps.iter().map(|gap| { micros += gap; micros }).collect();
        for time in &times {
            bucket.count(start + Duration::from_micros(*time), traits.slack);
        }
        let mut worst = f64::NEG_INFINITY;
        for (first, from) in times.iter().enumerate() {
            let mut calls = 0.0;
            for to in &times[first..] {
                calls += 1.0;
                let seconds = Duration::from_micros(to - from).as_secs_f64();
                worst = worst.max(calls - traits.burst - traits.rate * seconds);
            }
        }
        prop_assert!((bucket.worst.unwrap() - worst).abs() < 1e-6);
    }
}

#[test]
fn exceeding_the_bucket_is_told_when_it_gets_a_call_worse() {
    let text = "[bucket]\nrate = 10.0\nburst = 2.0\nslack = 1.0";
    let quota = Quota::new(&Scenario::parse("t", text).unwrap());
    let now = Instant::now();
    let told: Vec<bool> =
        (0..6).map(|_| !quota.arrive(Some(Vendor::Cxone), Family::ContactWrite, now).is_empty()).collect();
    assert_eq!(told, [false, false, false, true, true, true]);
    assert!((quota.worst_excess().unwrap() - 4.0).abs() < 1e-3);
}
