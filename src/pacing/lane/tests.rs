use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use tokio::task::LocalSet;
use tokio::time::{advance, sleep, timeout};

use super::*;
use crate::pacing::PauseReason;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const ACCEPTED: LaneAnswer = LaneAnswer::Accepted;
const REFUSED: LaneAnswer = LaneAnswer::Throttled { retry_after: None };

const SETTINGS: LaneSettings = LaneSettings {
    rate: None,
    burst: 20,
    adapt: false,
    pool_pause_threshold: Duration::from_secs(30),
    retry_after_limit: Duration::from_mins(15),
    throttle_patience: Duration::from_mins(30),
    backoff: Backoff { base: SECOND, cap: Duration::from_secs(30) },
};

const fn refused(seconds: u64) -> LaneAnswer {
    LaneAnswer::Throttled { retry_after: Some(Duration::from_secs(seconds)) }
}

const fn hint(used: u64, allowed: u64, seconds: u64) -> WindowHint {
    WindowHint { used, allowed, resets_in: Duration::from_secs(seconds) }
}

fn lane(settings: LaneSettings) -> Lane {
    Lane::new(settings, Fill::Full, None, 7)
}

/// Whether no pause holds calls now, nor a probe that is out.
fn is_open(lane: &Lane) -> bool {
    lane.not_before().is_none() && lane.figures().pause.is_none_or(|pause| !pause.probing)
}

/// Whether a call could start at this very instant.
async fn starts_now(lane: &Lane) -> Option<Leave> {
    let leave = lane.leave(Stage::Delivery);
    tokio::pin!(leave);
    tokio::select! {
        biased;
        leave = &mut leave => Some(leave),
        () = std::future::ready(()) => None,
    }
}

/// Makes one call, answered so in the same instant.
async fn call(lane: &Lane, answer: LaneAnswer) -> Option<LaneChange> {
    call_at(lane, Stage::Delivery, answer).await
}

/// The same to another endpoint.
async fn call_at(lane: &Lane, stage: Stage, answer: LaneAnswer) -> Option<LaneChange> {
    let leave = lane.leave(stage).await;
    lane.answered(leave, answer, None)
}

/// How long the next leave takes; the call is given up.
async fn waits(lane: &Lane) -> Duration {
    let asked = Instant::now();
    drop(lane.leave(Stage::Delivery).await);
    asked.elapsed()
}

fn paused_for(change: Option<LaneChange>, because: PauseReason) -> Duration {
    match change {
        Some(LaneChange::Paused { delay, why }) if why == because => delay,
        other => panic!("no pause because of {because:?}: {other:?}"),
    }
}

fn within(wait: Duration, from: Duration, to: Duration) {
    assert!((from..=to).contains(&wait), "{wait:?} is not within {from:?} and {to:?}");
}

#[tokio::test(start_paused = true)]
async fn where_nothing_binds_a_call_starts_at_once() {
    let lane = lane(SETTINGS);
    let before = Instant::now();
    for _ in 0..10_000 {
        assert_eq!(call(&lane, ACCEPTED).await, None);
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert!(is_open(&lane));
    assert_eq!(lane.not_before(), None);
}

#[tokio::test(start_paused = true)]
async fn one_429_holds_no_other_call() {
    let lane = lane(SETTINGS);
    assert_eq!(call(&lane, refused(30)).await, None);
    assert_eq!(call(&lane, ACCEPTED).await, None);
    assert_eq!(call(&lane, refused(30)).await, None, "an accepted answer came in between");
    assert!(starts_now(&lane).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn two_429s_in_a_row_pause_the_lane_until_the_later_retry_after() {
    for (first, second) in [(20, 5), (5, 20)] {
        let lane = lane(SETTINGS);
        call(&lane, refused(first)).await;
        let delay = paused_for(call(&lane, refused(second)).await, PauseReason::TwoInARow);
        within(delay, 20 * SECOND, 21 * SECOND);
        assert_eq!(lane.not_before(), Some(Instant::now() + delay));
        assert!(!is_open(&lane));
        within(waits(&lane).await, delay, delay + Duration::from_millis(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_between_two_429s_does_not_part_them() {
    let lane = lane(SETTINGS);
    call(&lane, refused(9)).await;
    call(&lane, LaneAnswer::Lost).await;
    paused_for(call(&lane, refused(9)).await, PauseReason::TwoInARow);
}

#[tokio::test(start_paused = true)]
async fn without_a_retry_after_the_pause_is_a_back_off_that_grows() {
    let lane = lane(LaneSettings { throttle_patience: Duration::MAX, ..SETTINGS });
    call(&lane, REFUSED).await;
    let mut delays = vec![paused_for(call(&lane, REFUSED).await, PauseReason::TwoInARow)];
    for _ in 0..200 {
        delays.push(paused_for(call(&lane, REFUSED).await, PauseReason::ProbeThrottled));
    }
    for (delay, ceiling) in delays.iter().zip([2, 4, 8, 16, 30]) {
        assert!(*delay <= ceiling * SECOND);
    }
    let capped = delays.split_off(10);
    assert!(capped.iter().all(|delay| *delay <= 30 * SECOND));
    assert!(capped.iter().any(|delay| *delay > 25 * SECOND), "the cap is reached");
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_one_call_probes_and_the_others_follow_when_it_is_accepted() {
    let lane = lane(SETTINGS);
    call(&lane, refused(9)).await;
    call(&lane, refused(9)).await;
    let probe = lane.leave(Stage::Delivery).await;
    assert!(lane.figures().pause.unwrap().probing);
    assert!(
        timeout(MINUTE, lane.leave(Stage::Delivery)).await.is_err(),
        "nobody starts while the probe is out"
    );
    assert_eq!(lane.answered(probe, ACCEPTED, None), Some(LaneChange::Resumed));
    assert_eq!(lane.figures().pause, None);
    let mut out = Vec::new();
    for _ in 0..50 {
        out.push(starts_now(&lane).await.expect("the others follow"));
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_woken_by_the_probes_answer() {
    let lane = lane(SETTINGS);
    call(&lane, refused(9)).await;
    call(&lane, refused(9)).await;
    let probe = lane.leave(Stage::Delivery).await;
    let asked = Instant::now();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            tokio::spawn({
                let lane = lane.clone();
                async move { drop(lane.leave(Stage::Delivery).await) }
            })
        })
        .collect();
    sleep(3 * SECOND).await;
    lane.answered(probe, ACCEPTED, None);
    for task in waiting {
        task.await.unwrap();
    }
    assert_eq!(asked.elapsed(), 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_probe_answered_429_pauses_again() {
    let lane = lane(SETTINGS);
    call(&lane, refused(9)).await;
    call(&lane, refused(9)).await;
    let delay = paused_for(call(&lane, refused(12)).await, PauseReason::ProbeThrottled);
    within(delay, 12 * SECOND, 13_200 * SECOND / 1000);
    within(waits(&lane).await, delay, delay + Duration::from_millis(1));
    assert!(lane.figures().pause.is_some(), "a probe that was given up ends no pause");
}

#[tokio::test(start_paused = true)]
async fn a_lost_probe_lets_the_next_one_probe_after_a_back_off() {
    let lane = lane(SETTINGS);
    call(&lane, refused(9)).await;
    call(&lane, refused(9)).await;
    let delay = paused_for(call(&lane, LaneAnswer::Lost).await, PauseReason::ProbeLost);
    assert!(delay > Duration::ZERO && delay <= 4 * SECOND);
    let asked = Instant::now();
    assert_eq!(call(&lane, ACCEPTED).await, Some(LaneChange::Resumed));
    within(asked.elapsed(), delay, delay + Duration::from_millis(1));
}

#[tokio::test(start_paused = true)]
async fn probes_that_get_lost_come_ever_more_rarely() {
    let lane = lane(SETTINGS);
    call(&lane, refused(9)).await;
    call(&lane, refused(9)).await;
    let mut longest = Duration::ZERO;
    for _ in 0..100 {
        longest = longest.max(paused_for(call(&lane, LaneAnswer::Lost).await, PauseReason::ProbeLost));
    }
    within(longest, 25 * SECOND, 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_given_up_does_not_wedge_the_lane() {
    let lane = lane(SETTINGS);
    call(&lane, refused(9)).await;
    call(&lane, refused(9)).await;
    let probe = lane.leave(Stage::Delivery).await;
    let next = tokio::spawn({
        let lane = lane.clone();
        async move { lane.leave(Stage::Delivery).await }
    });
    sleep(SECOND).await;
    drop(probe);
    let probe = timeout(SECOND, next).await.unwrap().unwrap();
    assert!(lane.figures().pause.unwrap().probing);
    assert_eq!(lane.answered(probe, ACCEPTED, None), Some(LaneChange::Resumed));
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_over_the_threshold_pauses_at_the_first_429() {
    let lane = lane(SETTINGS);
    assert_eq!(call(&lane, refused(30)).await, None, "the threshold itself does not");
    call(&lane, ACCEPTED).await;
    let delay = paused_for(call(&lane, refused(31)).await, PauseReason::LongRetryAfter);
    within(delay, 31 * SECOND, 32 * SECOND);
    assert!(starts_now(&lane).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn answers_of_calls_that_were_out_may_only_make_a_pause_longer() {
    let lane = lane(SETTINGS);
    let mut out = Vec::new();
    for _ in 0..8 {
        out.push(lane.leave(Stage::Delivery).await);
    }
    let mut answer = |answer| lane.answered(out.pop().unwrap(), answer, None);
    answer(refused(10));
    let first = paused_for(answer(refused(10)), PauseReason::TwoInARow);
    assert_eq!(answer(refused(2)), None);
    assert_eq!(answer(REFUSED), None);
    assert_eq!(answer(ACCEPTED), None);
    assert_eq!(answer(LaneAnswer::Lost), None);
    assert_eq!(lane.not_before(), Some(Instant::now() + first));
    let longer = paused_for(answer(refused(25)), PauseReason::LongRetryAfter);
    within(longer, 25 * SECOND, 26 * SECOND);
    let probe = lane.leave(Stage::Delivery).await;
    answer(refused(25));
    assert_eq!(lane.answered(probe, ACCEPTED, None), None, "the later Retry-After is not over yet");
    within(waits(&lane).await, 25 * SECOND, 26 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_do_not_drive_the_back_off_up() {
    let lane = lane(SETTINGS);
    let mut out = Vec::new();
    for _ in 0..50 {
        out.push(lane.leave(Stage::Delivery).await);
    }
    for leave in out {
        lane.answered(leave, REFUSED, None);
    }
    for ceiling in [4, 8, 16] {
        let delay = paused_for(call(&lane, REFUSED).await, PauseReason::ProbeThrottled);
        assert!(delay <= ceiling * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_over_the_limit_parks_the_lane_until_then() {
    let lane = lane(SETTINGS);
    let Some(LaneChange::Parked { until }) = call(&lane, refused(4 * 3600)).await else { panic!() };
    within(until - Instant::now(), 4 * 60 * MINUTE, 4 * 60 * MINUTE + SECOND);
    assert_eq!(lane.not_before(), Some(until));
    within(waits(&lane).await, 4 * 60 * MINUTE, 4 * 60 * MINUTE + 2 * SECOND);
    let absurd = LaneAnswer::Throttled { retry_after: Some(Duration::MAX) };
    assert!(matches!(call(&lane, absurd).await, Some(LaneChange::Parked { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_is_over_the_limit_parks_whatever_the_threshold_is() {
    let lane = lane(LaneSettings { pool_pause_threshold: 60 * MINUTE, ..SETTINGS });
    assert!(matches!(call(&lane, refused(16 * 60)).await, Some(LaneChange::Parked { .. })));
    assert!(!is_open(&lane));
}

#[tokio::test(start_paused = true)]
async fn one_pause_is_told_of_once_however_many_calls_were_out() {
    let lane = lane(SETTINGS);
    let mut out = Vec::new();
    for _ in 0..50 {
        out.push(lane.leave(Stage::Delivery).await);
    }
    let told = out.into_iter().filter_map(|leave| lane.answered(leave, refused(60), None)).count();
    assert_eq!(told, 1);
}

#[tokio::test(start_paused = true)]
async fn a_resume_keeps_the_retry_after_that_was_committed_and_probes_first() {
    let before = Instant::now();
    let lane = Lane::new(SETTINGS, Fill::Empty, Some(before + 90 * SECOND), 7);
    assert_eq!(lane.not_before(), Some(before + 90 * SECOND));
    let probe = lane.leave(Stage::Delivery).await;
    assert_eq!(before.elapsed(), 90 * SECOND);
    assert!(starts_now(&lane).await.is_none());
    assert_eq!(lane.answered(probe, ACCEPTED, None), Some(LaneChange::Resumed));
    advance(SECOND).await;
    let lane = Lane::new(SETTINGS, Fill::Empty, Some(before), 7);
    assert!(is_open(&lane), "one that is over holds nobody");
}

#[tokio::test(start_paused = true)]
async fn nothing_but_429s_for_the_plans_patience_is_a_fault() {
    let lane = lane(SETTINGS);
    let began = Instant::now();
    loop {
        let change = call(&lane, refused(20)).await;
        if change == Some(LaneChange::OutOfPatience) {
            break;
        }
    }
    within(began.elapsed(), 30 * MINUTE, 31 * MINUTE);
    let change = call(&lane, refused(20)).await;
    paused_for(change, PauseReason::ProbeThrottled);
    call(&lane, ACCEPTED).await;
    let began = Instant::now();
    while call(&lane, refused(20)).await != Some(LaneChange::OutOfPatience) {}
    within(began.elapsed(), 30 * MINUTE, 31 * MINUTE);
}

#[tokio::test(start_paused = true)]
async fn an_accepted_call_gives_new_patience() {
    let lane = lane(SETTINGS);
    let began = Instant::now();
    while began.elapsed() < 3 * 60 * MINUTE {
        for answer in [refused(20), refused(20), refused(20), ACCEPTED] {
            assert_ne!(call(&lane, answer).await, Some(LaneChange::OutOfPatience));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn leave_is_given_first_come_first_served_and_a_place_given_up_is_closed() {
    let lane = lane(LaneSettings { rate: Some(10.0), burst: 1, ..SETTINGS });
    let order = Rc::new(RefCell::new(Vec::new()));
    let local = LocalSet::new();
    for number in 0..30 {
        let (lane, order) = (lane.clone(), Rc::clone(&order));
        local.spawn_local(async move {
            if number % 3 == 1 {
                assert!(timeout(5 * SECOND / 1000, lane.leave(Stage::Delivery)).await.is_err());
            } else {
                lane.answered(lane.leave(Stage::Delivery).await, ACCEPTED, None);
                order.borrow_mut().push((number, Instant::now()));
            }
        });
    }
    local.await;
    let order = order.borrow();
    assert_eq!(
        order.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        (0..30).filter(|n| n % 3 != 1).collect::<Vec<_>>()
    );
    for pair in order.windows(2) {
        assert_eq!(pair[1].1 - pair[0].1, SECOND / 10, "those who left used nothing up");
    }
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_does_not_overtake_the_line() {
    let lane = lane(LaneSettings { rate: Some(1.0), burst: 1, ..SETTINGS });
    call(&lane, ACCEPTED).await;
    let waiting = tokio::spawn({
        let lane = lane.clone();
        async move { lane.leave(Stage::Delivery).await }
    });
    tokio::task::yield_now().await;
    advance(SECOND).await;
    assert!(starts_now(&lane).await.is_none(), "the token is for the one who waits");
    drop(waiting.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_rate_wakes_those_who_wait() {
    let lane = lane(LaneSettings { rate: Some(0.001), burst: 1, ..SETTINGS });
    call(&lane, ACCEPTED).await;
    for rate in [Some(1.0), None] {
        let asked = Instant::now();
        let waiting = tokio::spawn({
            let lane = lane.clone();
            async move { lane.leave(Stage::Delivery).await }
        });
        sleep(SECOND / 10).await;
        assert!(!waiting.is_finished());
        lane.set_rate(rate);
        drop(waiting.await.unwrap());
        assert!(asked.elapsed() <= 2 * SECOND, "{:?}", asked.elapsed());
        lane.set_rate(Some(0.001));
    }
    assert_eq!(lane.figures().ceiling, Some(0.001));
}

#[tokio::test(start_paused = true)]
async fn an_empty_start_gives_no_burst() {
    let lane = Lane::new(LaneSettings { rate: Some(45.0), ..SETTINGS }, Fill::Empty, None, 7);
    assert!(starts_now(&lane).await.is_none());
    let began = Instant::now();
    for _ in 0..45 {
        call(&lane, ACCEPTED).await;
    }
    within(began.elapsed(), SECOND, SECOND + 2 * SECOND / 1000);
    assert_eq!(lane.figures().bucket, Some((0, 20)));
}

const ADAPTING: LaneSettings = LaneSettings { rate: Some(40.0), adapt: true, ..SETTINGS };

#[tokio::test(start_paused = true)]
async fn a_429_halves_the_rate_and_each_second_without_one_regains_a_tenth() {
    let lane = lane(ADAPTING);
    assert_eq!(lane.figures().learnt, None);
    call(&lane, refused(1)).await;
    call(&lane, ACCEPTED).await;
    let mut learnt = Vec::new();
    for _ in 0..6 {
        learnt.push(lane.figures().learnt.map(f64::round));
        advance(SECOND).await;
    }
    assert_eq!(learnt, [Some(20.0), Some(24.0), Some(28.0), Some(32.0), Some(36.0), None]);
    assert_eq!(lane.figures().ceiling, Some(40.0));
}

#[tokio::test(start_paused = true)]
async fn the_learnt_rate_is_what_calls_are_held_to() {
    let lane = lane(LaneSettings { burst: 1, ..ADAPTING });
    call(&lane, ACCEPTED).await;
    call(&lane, refused(1)).await;
    assert_eq!(waits(&lane).await, SECOND / 20);
    let plain = super::Lane::new(LaneSettings { adapt: false, burst: 1, ..ADAPTING }, Fill::Full, None, 7);
    call(&plain, refused(1)).await;
    assert_eq!(waits(&plain).await, SECOND / 40, "a plan that does not adapt learns nothing");
}

#[tokio::test(start_paused = true)]
async fn the_learnt_rate_survives_a_pause() {
    let lane = lane(ADAPTING);
    call(&lane, refused(20)).await;
    call(&lane, refused(20)).await;
    call(&lane, ACCEPTED).await;
    assert_eq!(lane.figures().learnt, Some(20.0), "a second in a pause is no second without a 429");
}

#[tokio::test(start_paused = true)]
async fn without_a_rate_the_measured_one_is_the_cap_from_the_first_pause_until_it_is_regained() {
    let lane = lane(LaneSettings { rate: None, ..ADAPTING });
    for _ in 0..1000 {
        sleep(SECOND / 50).await;
        call(&lane, ACCEPTED).await;
    }
    call(&lane, refused(2)).await;
    assert_eq!(lane.figures().learnt, None, "no pause, no cap");
    call(&lane, refused(2)).await;
    let learnt = lane.figures().learnt.unwrap();
    assert!((24.0..=25.5).contains(&learnt), "half of some 50 a second: {learnt}");
    call(&lane, ACCEPTED).await;
    advance(4 * SECOND).await;
    assert!(lane.figures().learnt.is_some());
    advance(SECOND).await;
    assert_eq!(lane.figures().learnt, None);
    assert_eq!(lane.figures().bucket, None, "and no limit of ours is left");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_learnt_from_the_pace_of_probes() {
    let lane = lane(LaneSettings { rate: None, ..ADAPTING });
    let slow = lane.leave(Stage::Delivery).await;
    advance(20 * SECOND).await;
    paused_for(lane.answered(slow, refused(31), None), PauseReason::LongRetryAfter);
    paused_for(call(&lane, refused(5)).await, PauseReason::ProbeThrottled);
    assert_eq!(call(&lane, ACCEPTED).await, Some(LaneChange::Resumed));
    assert_eq!(lane.figures().learnt, None);
}

#[tokio::test(start_paused = true)]
async fn a_regained_tenth_wakes_who_waits_at_the_lower_rate() {
    let lane = lane(LaneSettings { rate: Some(0.5), burst: 1, ..ADAPTING });
    for _ in 0..4 {
        call(&lane, refused(1)).await;
        call(&lane, ACCEPTED).await;
    }
    let learnt = lane.figures().learnt.unwrap();
    assert!(learnt < 0.4, "{learnt}");
    let waited = waits(&lane).await;
    assert!(waited < Duration::from_secs_f64(1.0 / learnt), "{waited:?}");
    assert!(waited >= 2 * SECOND, "never faster than the plan: {waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_window_with_more_than_a_fifth_left_binds_nothing() {
    let lane = lane(LaneSettings { rate: None, ..ADAPTING });
    let leave = lane.leave(Stage::Delivery).await;
    lane.answered(leave, ACCEPTED, Some(hint(139, 300, 30)));
    let before = Instant::now();
    for _ in 0..101 {
        drop(lane.leave(Stage::Delivery).await);
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert!(starts_now(&lane).await.is_none(), "a fifth is left: {:?}", lane.figures().window);
}

#[tokio::test(start_paused = true)]
async fn the_last_fifth_of_a_window_is_spread_over_the_time_left() {
    let lane = lane(LaneSettings { rate: None, ..ADAPTING });
    let leave = lane.leave(Stage::Delivery).await;
    lane.answered(leave, ACCEPTED, Some(hint(240, 300, 30)));
    let began = Instant::now();
    let mut starts = Vec::new();
    for _ in 0..60 {
        drop(lane.leave(Stage::Delivery).await);
        starts.push(began.elapsed());
    }
    assert!(*starts.last().unwrap() < 30 * SECOND, "all of them fit in");
    for pair in starts.windows(2) {
        within(pair[1].saturating_sub(pair[0]), Duration::from_millis(480), Duration::from_millis(500));
    }
    assert_eq!(lane.figures().window.unwrap().used, 300);
    drop(lane.leave(Stage::Delivery).await);
    assert_eq!(began.elapsed(), 30 * SECOND, "with none left it waits for the reset");
}

#[tokio::test(start_paused = true)]
async fn an_empty_window_pauses_the_lane_until_its_reset() {
    let lane = lane(LaneSettings { rate: None, ..ADAPTING });
    let first = lane.leave(Stage::Delivery).await;
    let second = lane.leave(Stage::Delivery).await;
    let change = lane.answered(first, ACCEPTED, Some(hint(300, 300, 12)));
    assert_eq!(paused_for(change, PauseReason::WindowEmpty), 12 * SECOND);
    assert_eq!(lane.answered(second, ACCEPTED, Some(hint(300, 300, 12))), None, "told once");
    assert_eq!(lane.not_before(), Some(Instant::now() + 12 * SECOND));
    assert!(!is_open(&lane) && lane.figures().pause.is_some());
    let asked = Instant::now();
    assert_eq!(call(&lane, ACCEPTED).await, Some(LaneChange::Resumed));
    assert_eq!(asked.elapsed(), 12 * SECOND);
    assert_eq!(call(&lane, ACCEPTED).await, None);
    let leave = lane.leave(Stage::Delivery).await;
    let change = lane.answered(leave, ACCEPTED, Some(hint(300, 300, 7200)));
    assert!(matches!(change, Some(LaneChange::Parked { .. })), "a daily quota is no pause: {change:?}");
}

#[tokio::test(start_paused = true)]
async fn calls_of_others_are_seen_in_the_window() {
    let lane = lane(LaneSettings { rate: None, ..ADAPTING });
    let leave = lane.leave(Stage::Delivery).await;
    lane.answered(leave, ACCEPTED, Some(hint(10, 300, 60)));
    advance(10 * SECOND).await;
    let leave = lane.leave(Stage::Delivery).await;
    lane.answered(leave, ACCEPTED, Some(hint(290, 300, 50)));
    let window = lane.figures().window.unwrap();
    assert_eq!((window.used, window.allowed, window.ours), (290, 300, 2));
    within(waits(&lane).await, 4 * SECOND, 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_late_header_of_the_same_window_gives_nothing_back() {
    let lane = lane(LaneSettings { rate: None, ..ADAPTING });
    let (slow, quick) = (lane.leave(Stage::Delivery).await, lane.leave(Stage::Delivery).await);
    lane.answered(quick, ACCEPTED, Some(hint(300, 300, 60)));
    lane.answered(slow, ACCEPTED, Some(hint(120, 300, 60)));
    assert!(starts_now(&lane).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_out_are_counted_against_the_window() {
    let lane = lane(LaneSettings { rate: None, ..ADAPTING });
    let mut out = Vec::new();
    for _ in 0..10 {
        out.push(lane.leave(Stage::Delivery).await);
    }
    lane.answered(out.pop().unwrap(), ACCEPTED, Some(hint(75, 100, 60)));
    assert_eq!(lane.figures().window.unwrap().used, 84);
    assert!(starts_now(&lane).await.is_none(), "less than a fifth is left");
    lane.answered(out.pop().unwrap(), ACCEPTED, Some(hint(76, 100, 60)));
    assert_eq!(lane.figures().window.unwrap().used, 84, "what was out is in the header now");
}

#[tokio::test(start_paused = true)]
async fn a_new_window_is_believed_before_the_old_one_was_to_end() {
    let lane = lane(LaneSettings { rate: None, ..ADAPTING });
    let (first, second) = (lane.leave(Stage::Delivery).await, lane.leave(Stage::Delivery).await);
    lane.answered(first, ACCEPTED, Some(hint(290, 300, 60)));
    assert!(starts_now(&lane).await.is_none());
    advance(3 * SECOND).await;
    lane.answered(second, ACCEPTED, Some(hint(100, 300, 60)));
    assert!(starts_now(&lane).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_pause_and_an_empty_window_are_told_of_as_one() {
    let lane = lane(LaneSettings { rate: None, ..ADAPTING });
    let (first, second, third) = (
        lane.leave(Stage::Delivery).await,
        lane.leave(Stage::Delivery).await,
        lane.leave(Stage::Delivery).await,
    );
    let change = lane.answered(first, ACCEPTED, Some(hint(300, 300, 12)));
    paused_for(change, PauseReason::WindowEmpty);
    lane.answered(second, refused(20), None);
    paused_for(lane.answered(third, refused(20), None), PauseReason::TwoInARow);
    assert_eq!(call(&lane, ACCEPTED).await, Some(LaneChange::Resumed));
    assert_eq!(call(&lane, ACCEPTED).await, None, "resumed once");
    call(&lane, refused(20)).await;
    call(&lane, refused(20)).await;
    let probe = lane.leave(Stage::Delivery).await;
    let change = lane.answered(probe, ACCEPTED, Some(hint(300, 300, 12)));
    paused_for(change, PauseReason::WindowEmpty);
}

#[tokio::test(start_paused = true)]
async fn stale_and_senseless_headers_bind_nothing() {
    let lane = lane(LaneSettings { rate: None, ..ADAPTING });
    for hint in [hint(300, 300, 0), hint(0, 0, 60), hint(9, 9, 1_700_000_000), hint(u64::MAX, 0, u64::MAX)] {
        let leave = lane.leave(Stage::Delivery).await;
        assert_eq!(lane.answered(leave, ACCEPTED, Some(hint)), None);
        assert!(starts_now(&lane).await.is_some());
    }
    let leave = lane.leave(Stage::Delivery).await;
    lane.answered(leave, ACCEPTED, Some(hint(u64::MAX, 300, 5)));
    advance(5 * SECOND).await;
    assert!(starts_now(&lane).await.is_some());
    assert_eq!(lane.figures().window, None);
    let blind = Lane::new(SETTINGS, Fill::Full, None, 7);
    let leave = blind.leave(Stage::Delivery).await;
    assert_eq!(blind.answered(leave, ACCEPTED, Some(hint(300, 300, 60))), None);
    assert!(starts_now(&blind).await.is_some(), "a plan that does not adapt shows them and goes on");
    assert_eq!(blind.figures().window.unwrap().used, 301);
}

/// A platform that answers nothing but 429, half a second after each call, against `tasks` that never tire. Returns
/// the instants at which calls started.
async fn storm(
    settings: LaneSettings,
    retry_after: Option<u64>,
    tasks: usize,
    lasting: Duration,
) -> Vec<Instant> {
    let lane = lane(settings);
    let starts = Rc::new(RefCell::new(Vec::new()));
    let local = LocalSet::new();
    for _ in 0..tasks {
        let (lane, starts) = (lane.clone(), Rc::clone(&starts));
        local.spawn_local(async move {
            loop {
                let leave = lane.leave(Stage::Delivery).await;
                starts.borrow_mut().push(Instant::now());
                sleep(SECOND / 2).await;
                let answer = LaneAnswer::Throttled { retry_after: retry_after.map(Duration::from_secs) };
                lane.answered(leave, answer, None);
            }
        });
    }
    let _ = timeout(lasting, local).await;
    starts.take()
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_only_says_slow_down_gets_probes_and_no_storm() {
    let starts = storm(SETTINGS, None, 50, 60 * MINUTE).await;
    let probes = starts.len() - 50;
    assert!((120..=400).contains(&probes), "one in some 15 s: {probes}");

    let starts = storm(SETTINGS, Some(20), 50, 60 * MINUTE).await;
    let probes = starts.len() - 50;
    assert!((160..=176).contains(&probes), "one in 20 to 22 s: {probes}");

    let starts = storm(SETTINGS, Some(0), 50, 60 * MINUTE).await;
    assert!(starts.len() - 50 <= 400, "\"at once\" from one that never takes a call is no leave to storm it");

    let starts = storm(LaneSettings { rate: Some(45.0), ..ADAPTING }, Some(5), 50, 60 * MINUTE).await;
    assert!(starts.len() <= 50 + 3600 / 5);
}

#[tokio::test(start_paused = true)]
async fn no_call_starts_before_a_retry_after_is_over() {
    for seconds in [1, 7, 45, 600] {
        let starts = storm(SETTINGS, Some(seconds), 50, 60 * MINUTE).await;
        // all fifty went out before the first answer, and whoever got that one may go again: it was but one 429. From
        // then on each start follows an answer, half a second after the start before
        for pair in starts[50..].windows(2) {
            assert!(pair[1] - pair[0] >= Duration::from_secs(seconds) + SECOND / 2);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn retries_429s_and_changes_of_rate_never_break_the_bound(
        rate in 5.0..200.0, burst in 1..30_u32, tasks in 1..20_usize, seed in any::<u64>(), adapt in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let starts = runtime.block_on(async {
            let lane = Lane::new(LaneSettings { rate: Some(rate), burst, adapt, ..SETTINGS }, Fill::Full, None, seed);
            let starts = Rc::new(RefCell::new(Vec::new()));
            let local = LocalSet::new();
            for task in 0..tasks {
                let (lane, starts) = (lane.clone(), Rc::clone(&starts));
                let mut rng = fastrand::Rng::with_seed(seed.wrapping_add(task as u64));
                local.spawn_local(async move {
                    loop {
                        let leave = lane.leave(Stage::Delivery).await;
                        starts.borrow_mut().push(Instant::now());
                        sleep(Duration::from_micros(rng.u64(0..300_000))).await;
                        match rng.u8(0..20) {
                            0 => drop(leave),
                            1 => drop(lane.answered(leave, LaneAnswer::Lost, None)),
                            2 => drop(lane.answered(leave, refused(rng.u64(0..3)), None)),
                            3 => drop(lane.answered(leave, REFUSED, None)),
                            4 => {
                                lane.answered(leave, ACCEPTED, None);
                                // a person plays with the rate, never above the one that is checked
                                lane.set_rate(Some(rate * rng.f64().max(0.1)));
                                sleep(Duration::from_millis(rng.u64(0..50))).await;
                                lane.set_rate(Some(rate));
                            }
                            _ => drop(lane.answered(leave, ACCEPTED, None)),
                        }
                    }
                });
            }
            let _ = timeout(20 * SECOND, local).await;
            starts.take()
        });
        prop_assert!(!starts.is_empty());
        // the bound by every window that ends at a start, as a bucket that leaks: the same in one pass
        let (mut level, mut last) = (0.0_f64, starts[0]);
        for start in starts {
            level = (level - rate * (start - last).as_secs_f64()).max(0.0) + 1.0;
            last = start;
            prop_assert!(level <= f64::from(burst) + 1e-6, "{level} tokens of {burst}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_accepted_poll_says_nothing_of_submissions_that_are_refused() {
    let lane = lane(SETTINGS);
    assert_eq!(call(&lane, refused(20)).await, None);
    assert_eq!(call_at(&lane, Stage::Polling, ACCEPTED).await, None);
    let delay = paused_for(call(&lane, refused(20)).await, PauseReason::TwoInARow);
    within(delay, 20 * SECOND, 21 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_one_endpoint_holds_the_others_and_each_probes_for_itself() {
    let lane = lane(SETTINGS);
    call(&lane, refused(20)).await;
    let delay = paused_for(call(&lane, refused(20)).await, PauseReason::TwoInARow);
    let begun = Instant::now();
    let poll = lane.leave(Stage::Polling).await;
    within(begun.elapsed(), delay, delay + Duration::from_millis(1));
    assert_eq!(lane.answered(poll, ACCEPTED, None), None, "submissions are still to be tried");
    let probe = lane.leave(Stage::Delivery).await;
    assert!(starts_now(&lane).await.is_none(), "one submission finds out for all");
    assert_eq!(lane.answered(probe, ACCEPTED, None), Some(LaneChange::Resumed));
    assert!(starts_now(&lane).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_was_only_told_to_wait_goes_on_when_anothers_probe_is_accepted() {
    let lane = lane(SETTINGS);
    call_at(&lane, Stage::Preflight, refused(20)).await;
    paused_for(call_at(&lane, Stage::Preflight, refused(20)).await, PauseReason::TwoInARow);
    assert_eq!(call_at(&lane, Stage::Preflight, ACCEPTED).await, Some(LaneChange::Resumed));
    let one = starts_now(&lane).await;
    let other = starts_now(&lane).await;
    assert!(one.is_some() && other.is_some(), "it needs no probe of its own");
    assert_eq!(lane.figures().pause, None);
}

#[tokio::test(start_paused = true)]
async fn a_probe_of_an_earlier_pause_says_nothing_about_the_present_one() {
    let lane = lane(SETTINGS);
    for _ in 0..2 {
        call_at(&lane, Stage::Preflight, refused(20)).await;
    }
    let earlier = lane.leave(Stage::Delivery).await;
    assert_eq!(call_at(&lane, Stage::Preflight, ACCEPTED).await, Some(LaneChange::Resumed));
    call(&lane, refused(20)).await;
    paused_for(call(&lane, refused(20)).await, PauseReason::TwoInARow);
    let probe = lane.leave(Stage::Delivery).await;
    assert_eq!(lane.answered(earlier, ACCEPTED, None), None, "it went out before that pause");
    assert!(starts_now(&lane).await.is_none(), "the probe is still out");
    assert_eq!(lane.answered(probe, ACCEPTED, None), Some(LaneChange::Resumed));
}

#[tokio::test(start_paused = true)]
async fn refusals_during_another_endpoints_pause_count_as_ever() {
    let lane = lane(SETTINGS);
    let submission = lane.leave(Stage::Delivery).await;
    for _ in 0..2 {
        call_at(&lane, Stage::Polling, refused(5)).await;
    }
    assert_eq!(lane.answered(submission, refused(20), None), None, "it is the first of submissions");
    assert_eq!(call_at(&lane, Stage::Polling, ACCEPTED).await, Some(LaneChange::Resumed));
    let delay = paused_for(call(&lane, refused(20)).await, PauseReason::TwoInARow);
    within(delay, 20 * SECOND, 21 * SECOND);
}
