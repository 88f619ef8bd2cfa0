//! What goes wrong with a call, decided by the seed.
//!
//! A call's fate hangs on the seed, on what the call is (its path and body) and on how often that very call was
//! struck before: not on the order in which calls happen to arrive. So two runs with ten workers each meet the same
//! faults at the same items, and a call that was struck once does not meet the same fate for ever.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use tokio::time::Instant;

use super::answer::{Answer, Effect};
use super::hash::{HashedMap, hold};
use super::scenario::{RetryAfterTraits, Scenario};

/// What befalls one call.
#[derive(Debug)]
pub(super) struct Fate {
    pub fault: Option<Fault>,
    /// Delay before the effect.
    pub before: Duration,
    /// Delay between the effect and the answer.
    pub after: Duration,
    /// For whatever else is left to chance in this call.
    pub chance: Chance,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Throttle,
    Error(StatusCode, Effect),
    Page(StatusCode),
    Reset(Effect),
    Truncate,
}

/// A stream of decisions that belong to one call.
#[derive(Debug)]
pub(super) struct Chance(fastrand::Rng);

/// The source of all chance.
#[derive(Debug)]
pub(super) struct Dice {
    seed: u64,
    faulty: bool,
    /// How often a call was struck; forgotten when it comes through.
    struck: Mutex<HashedMap<u64, u64>>,
}

impl Dice {
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Self {
        Self { seed, faulty: scenario.faults.sum() + scenario.faults.slow > 0.0, struck: Mutex::default() }
    }

    /// The fate of the call that `identity` stands for.
    pub(super) fn draw(&self, identity: u64, scenario: &Scenario) -> Fate {
        let before_this =
            if self.faulty { hold(&self.struck).get(&identity).copied().unwrap_or(0) } else { 0 };
        let mut chance = self.chance(identity, before_this);
        let fault = if self.faulty { strike(scenario, &mut chance) } else { None };
        let mut latency = latency(scenario, &mut chance);
        if self.faulty {
            if chance.falls(scenario.faults.slow) {
                latency += scenario.faults.slow_for;
            }
            let mut struck = hold(&self.struck);
            if fault.is_some() {
                struck.insert(identity, before_this + 1);
            } else {
                struck.remove(&identity);
            }
        }
        // timers count in milliseconds: two short sleeps would take twice as long as they should
        let before = match latency < Duration::from_millis(5) {
            true if chance.falls(0.5) => latency,
            true => Duration::ZERO,
            false => latency.mul_f64(0.5),
        };
        Fate { fault, before, after: latency.saturating_sub(before), chance }
    }

    /// Decisions for the `nth` event of a kind, apart from any call's fate.
    pub(super) fn chance(&self, kind: u64, nth: u64) -> Chance {
        let mixed = mix(self.seed ^ mix(kind ^ mix(nth)));
        Chance(fastrand::Rng::with_seed(mixed))
    }
}

impl Chance {
    /// True with the probability `share`.
    pub(super) fn falls(&mut self, share: f64) -> bool {
        share > 0.0 && self.0.f64() < share
    }

    /// A number from 0 to 1, for a choice among shares.
    pub(super) fn share(&mut self) -> f64 {
        self.0.f64()
    }

    /// A whole number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.usize(..end.max(1))
    }

    /// 128 bits, for ids and tokens.
    pub(super) fn id(&mut self) -> u128 {
        self.0.u128(..)
    }

    /// A time from `min` to `max`, each alike.
    pub(super) fn between(&mut self, min: Duration, max: Duration) -> Duration {
        min + max.saturating_sub(min).mul_f64(self.0.f64())
    }

    /// A 429 in the platform's shape. `left` is what remains of a rate window; without one the scenario decides.
    pub(super) fn throttled(&mut self, traits: &RetryAfterTraits, left: Option<Duration>) -> Answer {
        let answer = Answer::error(
            StatusCode::TOO_MANY_REQUESTS,
            "too.many.requests.retry.after",
            "Rate limit exceeded the maximum. Retry the request after the time that Retry-After gives.",
        );
        if left.is_none() && self.falls(traits.missing) {
            return answer;
        }
        let wait = left.unwrap_or_else(|| self.between(traits.min, traits.max));
        let now = Instant::now();
        if self.falls(traits.date) {
            let clock = SystemTime::from(crate::machine::now());
            let end = whole_second_after(clock + wait);
            let mut answer = answer.with("retry-after", httpdate::fmt_http_date(end));
            answer.not_before = Some(now + end.duration_since(clock).unwrap_or_default());
            return answer;
        }
        let seconds = whole_seconds(wait).max(1);
        let mut answer = answer.with("retry-after", seconds);
        answer.not_before = Some(now + Duration::from_secs(seconds));
        answer
    }
}

/// Rounded up: a caller who waits as long as it is told must find the window open.
pub(super) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

fn whole_second_after(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(whole_seconds(since))
}

fn latency(scenario: &Scenario, chance: &mut Chance) -> Duration {
    let latency = &scenario.latency;
    if chance.falls(latency.tail) {
        let far = chance.0.f64();
        return latency.min + latency.tail_max.saturating_sub(latency.min).mul_f64(far * far * far);
    }
    if latency.max.is_zero() { Duration::ZERO } else { chance.between(latency.min, latency.max) }
}

fn strike(scenario: &Scenario, chance: &mut Chance) -> Option<Fault> {
    let mut point = chance.0.f64();
    let (name, _) = scenario.faults.each().into_iter().find(|(_, share)| {
        point -= share;
        point < 0.0
    })?;
    let gateway = if chance.falls(scenario.faults.gateway_effect) { Effect::Done } else { Effect::None };
    Some(match name {
        "throttle" => Fault::Throttle,
        "error_500" => Fault::Error(StatusCode::INTERNAL_SERVER_ERROR, Effect::None),
        "error_502" => Fault::Error(StatusCode::BAD_GATEWAY, gateway),
        "error_503" => Fault::Error(StatusCode::SERVICE_UNAVAILABLE, Effect::None),
        "error_504" => Fault::Error(StatusCode::GATEWAY_TIMEOUT, gateway),
        "html" if chance.falls(0.5) => Fault::Page(StatusCode::BAD_GATEWAY),
        "html" => Fault::Page(StatusCode::SERVICE_UNAVAILABLE),
        "reset_before" => Fault::Reset(Effect::None),
        "reset_after" => Fault::Reset(Effect::Done),
        _ => Fault::Truncate,
    })
}

/// Where the thing with this hash stands between 0 and 1: below `share` for that share of all things. `salt` sets
/// decisions of different kinds apart.
pub(super) fn point(seed: u64, salt: u64, hash: u64) -> f64 {
    // 53 bits are what a double holds exactly
    #[expect(clippy::cast_precision_loss, reason = "53 bits lose nothing")]
    let point = (mix(hash ^ mix(seed ^ salt)) >> 11) as f64 / (1_u64 << 53) as f64;
    point
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood 2014): near inputs give unrelated outputs.
pub(super) const fn mix(input: u64) -> u64 {
    let mut z = input.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(seed: u64, order: impl Iterator<Item = u64>) -> Vec<(u64, Option<Fault>, Duration)> {
        let scenario = Scenario::named("stormy").unwrap();
        let dice = Dice::new(&scenario, seed);
        let mut fates: Vec<_> = order
            .map(|call| {
                let fate = dice.draw(call, &scenario);
                (call, fate.fault, fate.before + fate.after)
            })
            .collect();
        fates.sort_by_key(|(call, ..)| *call);
        fates
    }

    #[test]
    fn a_seed_decides_whatever_the_order_of_the_calls() {
        let there = fates(9, (0..3000).map(mix));
        assert_eq!(there, fates(9, (0..3000).rev().map(mix)));
        assert_ne!(there, fates(10, (0..3000).map(mix)));
    }

    #[test]
    fn faults_come_as_often_as_the_scenario_says() {
        let scenario = Scenario::named("stormy").unwrap();
        let struck: f64 =
            fates(1, (0..100_000).map(mix)).iter().map(|(_, fault, _)| f64::from(fault.is_some())).sum();
        let expected = 100_000.0 * scenario.faults.sum();
        assert!((struck - expected).abs() < 5.0 * expected.sqrt(), "{struck} of {expected}");
    }

    #[test]
    fn a_struck_call_comes_through_in_the_end() {
        let scenario = Scenario::parse("t", "[faults]\nreset_before = 0.9").unwrap();
        let dice = Dice::new(&scenario, 1);
        let tries = (0..1000).position(|_| dice.draw(5, &scenario).fault.is_none());
        assert!(tries.is_some_and(|tries| tries > 0));
    }

    #[test]
    fn a_date_is_never_earlier_than_the_wait() {
        let traits = RetryAfterTraits { date: 1.0, ..RetryAfterTraits::default() };
        let mut chance = Chance(fastrand::Rng::with_seed(1));
        let wait = Duration::from_millis(2345);
        let answer = chance.throttled(&traits, Some(wait));
        let until = answer.not_before.unwrap();
        assert!(until >= Instant::now() + Duration::from_secs(2));
        assert!(until <= Instant::now() + wait + Duration::from_secs(1));
    }
}
