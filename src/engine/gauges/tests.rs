use super::*;

const AROUND: Circumstances =
    Circumstances { pause: None, pace: Bottleneck::Bucket, answers: Bottleneck::Latency, idle: None };

fn gauges(workers: usize) -> (Gauges, Instant) {
    let gauges = Gauges::new(workers, None);
    let begun = gauges.state().begun;
    (gauges, begun)
}

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// All workers did this from one moment to another.
fn all_did(gauges: &Gauges, from: Instant, now: Instant, what: Activity) {
    let mut state = gauges.state();
    for worker in 0..state.workers.len() {
        state.workers[worker] = Some((Doing::Idle, now));
        state.spend(from, now, what);
    }
}

#[test]
fn what_is_told_to_bind_stands_for_two_seconds_whatever_flickers() {
    let (gauges, begun) = gauges(4);
    let mut told = Vec::new();
    let mut at = begun;
    for half in 0..60_u32 {
        let what = if half % 2 == 0 { Activity::Held } else { Activity::Sending };
        // each longer than all before it that still counts
        let next = at + millis(300 + u64::from(half));
        all_did(&gauges, at, next, what);
        at = next;
        let around =
            if half % 2 == 0 { AROUND } else { Circumstances { pace: Bottleneck::Platform, ..AROUND } };
        told.push((at, gauges.state().tells(at, around)));
    }
    let turns: Vec<Instant> =
        told.windows(2).filter(|two| two[0].1 != two[1].1).map(|two| two[1].0).collect();
    assert!(turns.len() > 2, "it follows what binds: {told:?}");
    assert!(turns.windows(2).all(|two| two[1] - two[0] >= TOLD), "{turns:?}");
}

#[test]
fn what_is_told_with_a_number_is_not_told_once_there_is_nothing_to_count() {
    let (gauges, begun) = gauges(1);
    let now = begun + millis(1000);
    all_did(&gauges, begun, now, Activity::Idle);
    let waiting = Circumstances { idle: Some(Bottleneck::Backoffs), ..AROUND };
    assert_eq!(gauges.state().tells(now, waiting), Some(Bottleneck::Backoffs));
    assert_eq!(gauges.state().tells(now + millis(10), AROUND), None);
}

#[test]
fn time_counts_for_as_long_as_rates_are_measured_over() {
    let (gauges, begun) = gauges(1);
    let spent = |at| gauges.state().spent(at);
    all_did(&gauges, begun, begun + millis(9000), Activity::Sending);
    let now = begun + millis(9000);
    assert!((spent(now).sending - 5.0).abs() < 0.3, "{:?}", spent(now));
    all_did(&gauges, now, now + millis(3000), Activity::Held);
    let now = now + millis(3000);
    let (held, sending) = (spent(now).held, spent(now).sending);
    assert!((held - 3.0).abs() < 0.01 && (sending - 2.0).abs() < 0.3, "{held} {sending}");
    assert!(spent(now + millis(6000)).held < 0.01);
}
