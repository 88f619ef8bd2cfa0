//! A rate that is learnt from 429s: additive increase, multiplicative decrease.
//!
//! Halve at a refusal, add a fixed share for each second without one. Of the linear controls it is the one that brings
//! several clients of one quota to equal shares (D.-M. Chiu and R. Jain, *Analysis of the Increase and Decrease
//! Algorithms for Congestion Avoidance in Computer Networks*, 1989), and the tenant's quota is shared with programs
//! that are not ours.
//!
//! The share is a tenth of a *reference*: the plan's rate, or, where the plan has none, the rate measured when the lane
//! was first paused. When the reference is regained the cap is gone. A second counts only where calls could start in it: one
//! that the lane spent in a pause teaches nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::shared::{Moment, Now, Record, SharedCap};

const SECOND: Duration = Duration::from_secs(1);

/// What was learnt, where something was.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Learnt {
    cap: Option<Cap>,
    /// No second halving for one and the same throttling.
    spared_until: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq)]
struct Cap {
    reference: f64,
    rate: f64,
    raised_at: Instant,
}

impl Learnt {
    pub(super) const fn nothing() -> Self {
        Self { cap: None, spared_until: None }
    }

    /// What the lanes of the tenant have learnt together.
    pub(super) fn heard(record: &Record, now: Now) -> Self {
        let cap = record.cap.map(|cap| Cap {
            reference: cap.reference,
            rate: cap.rate.max(cap.reference / 10.0),
            // whoever paused may be gone, and its pause still is no time without a 429; nobody raises ahead of time
            raised_at: now.instant_of(cap.raised_at.min(now.moment).max(record.paused_until)),
        });
        let spared = Some(record.spared_until).filter(|until| *until > now.moment);
        Self { cap, spared_until: spared.map(|until| now.instant_of(until)) }
    }

    /// Tells it to the other lanes.
    pub(super) fn tell(&self, record: &mut Record, now: Now) {
        record.cap = self.cap.as_ref().map(|cap| SharedCap {
            reference: cap.reference,
            rate: cap.rate,
            raised_at: now.moment_of(cap.raised_at),
        });
        record.spared_until = self.spared_until.map_or(Moment::default(), |until| now.moment_of(until));
    }

    /// The cap, where there is one.
    pub(super) fn rate(&self) -> Option<f64> {
        self.cap.as_ref().map(|cap| cap.rate)
    }

    /// Halves the rate, at most once in max(Retry-After, 1 s), and never below a tenth of the reference. `reference` is what
    /// to start from where nothing is learnt yet; with none, nothing is.
    pub(super) fn cut(&mut self, reference: Option<f64>, retry_after: Option<Duration>, now: Instant) {
        self.restart(now);
        if self.spared_until.is_some_and(|until| now < until) {
            return;
        }
        if self.cap.is_none() {
            self.cap = reference.filter(|reference| *reference > 0.0).map(|reference| Cap {
                reference,
                rate: reference,
                raised_at: now,
            });
        }
        if let Some(cap) = &mut self.cap {
            cap.rate = (cap.rate / 2.0).max(cap.reference / 10.0);
            self.spared_until = Some(super::after(now, retry_after.unwrap_or_default().max(SECOND)));
        }
    }

    /// When the next tenth is due.
    pub(super) fn raise_due(&self) -> Option<Instant> {
        self.cap.as_ref().map(|cap| cap.raised_at + SECOND)
    }

    /// Adds a tenth at the instant at which it was due, and forgets the cap where its reference is regained.
    pub(super) fn raise(&mut self, due: Instant) {
        if let Some(cap) = &mut self.cap {
            cap.raised_at = due;
            cap.rate += cap.reference / 10.0;
            // ten tenths make a hair less than one
            if cap.rate >= cap.reference * (1.0 - 1e-9) {
                self.cap = None;
            }
        }
    }

    /// Seconds without a 429 are counted from now on.
    pub(super) const fn restart(&mut self, now: Instant) {
        if let Some(cap) = &mut self.cap {
            cap.raised_at = now;
        }
    }

    /// A person's new rate is the reference from now on; without one, the old stays until it is regained.
    pub(super) fn refer_to(&mut self, plan: Option<f64>) {
        let Some(plan) = plan else { return };
        if let Some(cap) = &mut self.cap {
            cap.reference = plan;
            cap.rate = cap.rate.max(plan / 10.0);
            if cap.rate >= plan {
                self.cap = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(learnt: &mut Learnt, seconds: usize) -> Vec<Option<f64>> {
        let mut raise = || {
            let due = learnt.raise_due()?;
            learnt.raise(due);
            learnt.rate().map(|rate| (rate * 1e6).round() / 1e6)
        };
        (0..seconds).map(|_| raise()).collect()
    }

    #[test]
    fn each_second_without_a_429_adds_a_tenth_until_all_is_regained() {
        let now = Instant::now();
        let mut learnt = Learnt::nothing();
        learnt.cut(Some(45.0), None, now);
        assert_eq!(learnt.rate(), Some(22.5));
        assert_eq!(rates(&mut learnt, 6), [Some(27.0), Some(31.5), Some(36.0), Some(40.5), None, None]);
    }

    #[test]
    fn it_is_halved_at_most_once_in_a_retry_after_or_a_second() {
        let now = Instant::now();
        let mut learnt = Learnt::nothing();
        let at = |millis| now + Duration::from_millis(millis);
        learnt.cut(Some(40.0), Some(Duration::from_secs(5)), now);
        learnt.cut(Some(40.0), Some(Duration::from_secs(5)), at(4_999));
        assert_eq!(learnt.rate(), Some(20.0));
        learnt.cut(Some(40.0), None, at(5_000));
        learnt.cut(Some(40.0), None, at(5_999));
        assert_eq!(learnt.rate(), Some(10.0));
        assert_eq!(learnt.raise_due(), Some(at(6_999)), "a spared 429 still is one");
    }

    #[test]
    fn it_never_falls_below_a_tenth() {
        let now = Instant::now();
        let mut learnt = Learnt::nothing();
        for second in 0..100 {
            learnt.cut(Some(45.0), None, now + Duration::from_secs(second));
        }
        assert_eq!(learnt.rate(), Some(4.5));
        assert_eq!(rates(&mut learnt, 9).iter().filter(|rate| rate.is_some()).count(), 8);
    }

    #[test]
    fn a_record_that_says_what_no_lane_would_holds_nobody_up_for_long() {
        let now = Now { instant: Instant::now(), moment: Moment::default().plus(Duration::from_hours(1)) };
        let raised_at = now.moment.plus(Duration::from_hours(1_000_000));
        let cap = Some(SharedCap { reference: 45.0, rate: 5e-324, raised_at });
        let mut learnt = Learnt::heard(&Record { cap, ..Record::default() }, now);
        assert_eq!((learnt.rate(), learnt.raise_due()), (Some(4.5), Some(now.instant + SECOND)));
        assert_eq!(rates(&mut learnt, 9).last(), Some(&None));
    }

    #[test]
    fn a_persons_rate_becomes_the_reference() {
        let now = Instant::now();
        let mut learnt = Learnt::nothing();
        learnt.cut(Some(40.0), None, now);
        learnt.refer_to(Some(100.0));
        assert_eq!(rates(&mut learnt, 1), [Some(30.0)]);
        learnt.refer_to(None);
        assert_eq!(learnt.rate(), Some(30.0));
        learnt.refer_to(Some(25.0));
        assert_eq!(learnt.rate(), None, "a lower rate of a person's own needs no cap");
    }
}
