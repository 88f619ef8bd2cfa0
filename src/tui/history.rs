//! What the last samples were, for the small charts: how many records a second, and how many answers said "slow down".
//!
//! Its size is fixed. It begins with a bucket a second; when it is full, neighbours are folded together and a bucket
//! covers twice the time, up to about a minute. So a run of ten seconds and one of ten hours both fill their chart.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::numbers;

const MOST: usize = 120;
const NARROWEST: Duration = Duration::from_secs(1);
const WIDEST: Duration = Duration::from_secs(64);

/// How far back *now* reaches for the share of "slow down" answers.
const PRESENT: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    rate: f64,
    samples: u32,
    requests: u64,
    throttled: u64,
}

impl Bucket {
    fn fold(self, other: Self) -> Self {
        Self {
            rate: self.rate + other.rate,
            samples: self.samples + other.samples,
            requests: self.requests + other.requests,
            throttled: self.throttled + other.throttled,
        }
    }
}

/// The samples of one run.
#[derive(Debug, Default)]
pub(super) struct History {
    start: Option<Instant>,
    width: Duration,
    buckets: VecDeque<Bucket>,
    counted: Option<(u64, u64)>,
}

impl History {
    /// Adds a sample: records a second, and the calls and 429s so far.
    pub fn add(&mut self, at: Instant, rate: f64, requests: u64, throttled: u64) {
        let start = *self.start.get_or_insert(at);
        if self.width.is_zero() {
            self.width = NARROWEST;
        }
        let Some(place) = self.make_room(start, at) else { return };
        while self.buckets.len() <= place {
            self.buckets.push_back(Bucket::default());
        }
        let (requests_before, throttled_before) =
            self.counted.replace((requests, throttled)).unwrap_or((requests, throttled));
        if let Some(bucket) = self.buckets.get_mut(place) {
            bucket.rate += rate;
            bucket.samples += 1;
            bucket.requests += requests.saturating_sub(requests_before);
            bucket.throttled += throttled.saturating_sub(throttled_before);
        }
    }

    /// The bucket in which the moment lies, after older ones were folded or dropped for it.
    fn make_room(&mut self, mut start: Instant, at: Instant) -> Option<usize> {
        loop {
            let since = at.saturating_duration_since(start);
            let place = usize::try_from(since.as_nanos() / self.width.as_nanos().max(1)).ok()?;
            if place < MOST {
                return Some(place);
            }
            if self.width < WIDEST {
                let mut old = std::mem::take(&mut self.buckets).into_iter();
                while let Some(first) = old.next() {
                    self.buckets.push_back(first.fold(old.next().unwrap_or_default()));
                }
                self.width *= 2;
            } else if place >= 2 * MOST {
                self.buckets.clear();
                start = at;
            } else {
                self.buckets.pop_front();
                start += self.width;
            }
            self.start = Some(start);
        }
    }

    fn last(&self, most: usize) -> impl Iterator<Item = &Bucket> {
        self.buckets.iter().skip(self.buckets.len().saturating_sub(most))
    }

    /// All buckets, as many of them folded into one as is needed for `most` to be enough.
    fn folded(&self, most: usize) -> Vec<Bucket> {
        if most == 0 {
            return Vec::new();
        }
        let fold = self.buckets.len().div_ceil(most).max(1);
        let buckets: Vec<Bucket> = self.buckets.iter().copied().collect();
        // from the newest on, so that the newest column always covers a whole fold
        let mut folded: Vec<Bucket> = buckets
            .rchunks(fold)
            .map(|chunk| chunk.iter().copied().fold(Bucket::default(), Bucket::fold))
            .collect();
        folded.reverse();
        folded
    }

    /// Records a second, oldest first, at most so many columns.
    pub fn rates(&self, most: usize) -> Vec<f64> {
        let rate =
            |bucket: &Bucket| if bucket.samples == 0 { 0.0 } else { bucket.rate / f64::from(bucket.samples) };
        self.folded(most).iter().map(rate).collect()
    }

    /// The share of "slow down" answers, oldest first, at most so many columns.
    pub fn slow_downs(&self, most: usize) -> Vec<f64> {
        self.folded(most).iter().map(|bucket| numbers::share(bucket.throttled, bucket.requests)).collect()
    }

    /// How far back they reach.
    pub fn reach(&self) -> Duration {
        self.width * u32::try_from(self.buckets.len()).unwrap_or(u32::MAX)
    }

    /// 429s and answers of the last minute.
    pub fn slow_downs_now(&self) -> (u64, u64) {
        let width = self.width.max(NARROWEST).as_secs();
        let most = usize::try_from(PRESENT.as_secs().div_ceil(width)).unwrap_or(1);
        self.last(most).fold((0, 0), |(slow, all), bucket| (slow + bucket.throttled, all + bucket.requests))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_small_and_reaches_far_back() {
        let mut history = History::default();
        let start = Instant::now();
        for second in 0..36_000_u64 {
            history.add(start + Duration::from_secs(second), 10.0, second * 10, second);
        }
        assert!(history.buckets.len() <= MOST);
        assert!(history.reach() > Duration::from_hours(1), "{:?}", history.reach());
        assert!(history.rates(MOST).iter().all(|rate| (rate - 10.0).abs() < 1e-9));
        assert!(history.slow_downs(50).iter().skip(1).all(|share| (share - 0.1).abs() < 0.01));
    }

    #[test]
    fn a_pause_is_seen_as_a_gap_and_a_long_one_begins_anew() {
        let mut history = History::default();
        let start = Instant::now();
        history.add(start, 8.0, 0, 0);
        history.add(start + Duration::from_secs(3), 4.0, 10, 5);
        assert_eq!(history.rates(9), [8.0, 0.0, 0.0, 4.0]);
        assert_eq!(history.slow_downs_now(), (5, 10));
        history.add(start + Duration::from_hours(240), 1.0, 20, 5);
        assert!(history.buckets.len() <= MOST);
        assert_eq!(history.rates(1), [1.0]);
    }
}
