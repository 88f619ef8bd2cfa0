//! Calls a second over the last 5 s: a ring of counters, a tenth of a second each.
//!
//! Constant memory and constant work however many calls there are. What is told lags by at most one counter.

use std::time::Duration;

use tokio::time::Instant;

const SLOT: Duration = Duration::from_millis(100);
const SLOTS: usize = 50;
const SPAN: f64 = 5.0;

/// Counts calls as they start.
#[derive(Debug)]
pub(super) struct Meter {
    began: Instant,
    /// The first call of all, from which on a rate can be told.
    first: Option<Instant>,
    /// The number of the slot that was counted into last, from `began` on.
    newest: u128,
    slots: [u32; SLOTS],
}

impl Meter {
    pub(super) const fn new(now: Instant) -> Self {
        Self { began: now, first: None, newest: 0, slots: [0; SLOTS] }
    }

    /// Counts a call that starts now.
    pub(super) fn count(&mut self, now: Instant) {
        self.first.get_or_insert(now);
        let slot = self.slot(now);
        // slots that nobody counted into since hold what was there 5 s before
        let skipped = slot.saturating_sub(self.newest);
        let newest = self.newest;
        for ahead in 1..=skipped.min(SLOTS as u128) {
            if let Some(count) = self.at(newest + ahead) {
                *count = 0;
            }
        }
        self.newest = self.newest.max(slot);
        if let Some(count) = self.at(slot) {
            *count = count.saturating_add(1);
        }
    }

    /// Calls a second over the last 5 s.
    pub(super) fn rate(&self, now: Instant) -> f64 {
        self.calls(now) / SPAN
    }

    /// The same, where fewer than 5 s have passed since the first call over these (but at least one): what a run's
    /// first seconds say of its pace.
    pub(super) fn pace(&self, now: Instant) -> f64 {
        let since = self.first.map_or(SPAN, |first| now.saturating_duration_since(first).as_secs_f64());
        self.calls(now) / since.clamp(1.0, SPAN)
    }

    fn calls(&self, now: Instant) -> f64 {
        let age = self.slot(now).saturating_sub(self.newest);
        let fresh = (SLOTS as u128).saturating_sub(age);
        let counted = (0..fresh).filter_map(|back| self.newest.checked_sub(back));
        counted.filter_map(|slot| self.slots.get(index(slot))).map(|count| f64::from(*count)).sum()
    }

    fn slot(&self, now: Instant) -> u128 {
        now.saturating_duration_since(self.began).as_nanos() / SLOT.as_nanos()
    }

    fn at(&mut self, slot: u128) -> Option<&mut u32> {
        self.slots.get_mut(index(slot))
    }
}

fn index(slot: u128) -> usize {
    usize::try_from(slot % SLOTS as u128).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn a_steady_rate_is_told_as_it_is_and_forgotten_after_5_s() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        let mut now = start;
        for _ in 0..1000 {
            now += Duration::from_millis(20);
            meter.count(now);
        }
        assert!(close(meter.rate(now), 49.2), "the newest slot has just begun: {}", meter.rate(now));
        assert!(meter.rate(now + Duration::from_secs(3)) < 20.0);
        assert!(close(meter.rate(now + Duration::from_secs(5)), 0.0));
        meter.count(now + Duration::from_mins(1));
        assert!(close(meter.rate(now + Duration::from_mins(1)), 0.2), "what is older is gone");
    }

    #[test]
    fn the_pace_of_the_first_seconds_is_not_watered_down() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        assert!(close(meter.pace(start), 0.0));
        let now = start + Duration::from_secs(90);
        for call in 0..40 {
            meter.count(now + Duration::from_millis(call * 50));
        }
        assert!(close(meter.rate(now + Duration::from_secs(2)), 8.0));
        assert!(close(meter.pace(now + Duration::from_secs(2)), 20.0));
    }
}
