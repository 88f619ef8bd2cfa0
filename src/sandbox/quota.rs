//! Who may call when: rate windows, whether callers keep the Retry-After they were given, and the token bucket check.
//!
//! What is strict and what is not follows from what a caller can know. A single throttled item must keep its own
//! Retry-After, while others may go on. Only two 429s in a row tell of the whole lane; and since answers that are sent
//! close together may be read in another order, they count as *in a row* only where no other answer of that lane was
//! sent within [`GRACE`] of either, and only calls that arrive after it can have known.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::time::Instant;

use super::answer::{Answer, Delivery};
use super::dice::whole_seconds;
use super::hash::{HashedMap, hold};
use super::scenario::{BucketTraits, Limit, Scenario};

/// How long an answer may take to be known to all of a caller's workers.
const GRACE: Duration = Duration::from_millis(100);
/// What clocks and timers may be off.
const SLACK: Duration = Duration::from_millis(50);

/// Which platform a path belongs to; rate windows and buckets are a platform's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Vendor {
    Genesys,
    Cxone,
}

/// Paths that share a lane, and a line in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Family {
    Token,
    Ingest,
    Execute,
    Exchange,
    ImportSubmit,
    ImportPoll,
    ImportResult,
    /// The origin that results may lie at.
    Foreign,
    Hierarchy,
    ContactRead,
    ContactWrite,
    Other,
}

impl Family {
    /// The name in the ledger.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Ingest => "ingest",
            Self::Execute => "execute",
            Self::Exchange => "exchange",
            Self::ImportSubmit => "import_submit",
            Self::ImportPoll => "import_poll",
            Self::ImportResult => "import_result",
            Self::Foreign => "foreign",
            Self::Hierarchy => "hierarchy",
            Self::ContactRead => "contact_read",
            Self::ContactWrite => "contact_write",
            Self::Other => "other",
        }
    }
}

/// What an answer means for its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LaneAnswer {
    /// Any answer but a 429.
    Other,
    Throttled {
        not_before: Option<Instant>,
    },
    /// None arrived.
    Lost,
}

impl LaneAnswer {
    pub(super) fn of(answer: &Answer) -> Self {
        match (answer.delivery, answer.status) {
            (Delivery::Whole, StatusCode::TOO_MANY_REQUESTS) => {
                Self::Throttled { not_before: answer.not_before }
            }
            (Delivery::Whole, _) => Self::Other,
            _ => Self::Lost,
        }
    }
}

/// All that is counted by time.
#[derive(Debug)]
pub(super) struct Quota {
    genesys: Account,
    cxone: Account,
    lanes: Mutex<HashMap<Family, Lane>>,
    waiting: Mutex<HashedMap<u64, Instant>>,
}

#[derive(Debug)]
struct Account {
    limit: Option<Limit>,
    window: Mutex<Window>,
    bucket: Option<(f64, Mutex<Bucket>)>,
}

#[derive(Debug, Default)]
struct Window {
    ends: Option<Instant>,
    used: u64,
}

/// Where a call stands in its rate window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    pub used: u64,
    pub allowed: u64,
    pub left: Duration,
    pub headers_missing: f64,
}

impl Spent {
    pub(super) const fn is_over(&self) -> bool {
        self.used > self.allowed
    }

    /// Seconds left in the window, as the headers give them.
    pub(super) fn reset(&self) -> u64 {
        whole_seconds(self.left)
    }
}

impl Quota {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let account = |limit: Option<&Limit>| Account {
            limit: limit.cloned(),
            window: Mutex::default(),
            bucket: scenario
                .bucket
                .as_ref()
                .map(|traits| (traits.slack, Mutex::new(Bucket::new(traits, Instant::now())))),
        };
        Self {
            genesys: account(scenario.limit.genesys.as_ref()),
            cxone: account(scenario.limit.cxone.as_ref()),
            lanes: Mutex::default(),
            waiting: Mutex::default(),
        }
    }

    const fn account(&self, vendor: Vendor) -> &Account {
        match vendor {
            Vendor::Genesys => &self.genesys,
            Vendor::Cxone => &self.cxone,
        }
    }

    /// A call arrives; gives back what it did wrong by arriving now.
    /// A call for a token comes without a vendor: it takes nothing from any bucket.
    pub(super) fn arrive(&self, vendor: Option<Vendor>, family: Family, now: Instant) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Some((slack, bucket)) = vendor.and_then(|vendor| self.account(vendor).bucket.as_ref())
            && let Some(excess) = hold(bucket).count(now, *slack)
        {
            wrong.push(format!(
                "the token bucket was exceeded: {excess:.1} calls more than burst + rate·t in one window"
            ));
        }
        if let Some(early) = hold(&self.lanes).entry(family).or_default().arrive(now) {
            wrong.push(match early {
                Early::Paused(by) => format!(
                    "called {:.1} s before the Retry-After of two 429s in a row was over",
                    by.as_secs_f64()
                ),
                Early::ProbeOut => {
                    "a second call while the one that probes after two 429s in a row is out".to_owned()
                }
            });
        }
        wrong
    }

    /// A call for the item `item` arrives: how much too early, if it was given a Retry-After.
    pub(super) fn item_arrives(&self, item: u64, now: Instant) -> Option<Duration> {
        let mut waiting = hold(&self.waiting);
        if waiting.is_empty() {
            return None;
        }
        let until = waiting.remove(&item)?;
        until.checked_duration_since(now).filter(|early| *early > SLACK)
    }

    /// Takes one call from the vendor's rate window, where it has one.
    pub(super) fn spend(&self, vendor: Vendor, now: Instant) -> Option<Spent> {
        let account = self.account(vendor);
        let limit = account.limit.as_ref()?;
        let mut window = hold(&account.window);
        let ends = match window.ends {
            Some(ends) if ends > now => ends,
            _ => {
                window.used = 0;
                *window.ends.insert(now + limit.window)
            }
        };
        window.used += 1;
        Some(Spent {
            used: window.used,
            allowed: limit.allowed,
            left: ends.saturating_duration_since(now),
            headers_missing: limit.headers_missing,
        })
    }

    /// A call was answered, or not.
    pub(super) fn answered(&self, family: Family, item: Option<u64>, answer: LaneAnswer, now: Instant) {
        hold(&self.lanes).entry(family).or_default().answered(answer, now);
        if let (Some(item), LaneAnswer::Throttled { not_before: Some(until) }) = (item, answer) {
            hold(&self.waiting).insert(item, until);
        }
    }

    /// The most calls by which any window exceeded the bucket; none where no bucket is checked or nothing came.
    pub(super) fn worst_excess(&self) -> Option<f64> {
        let worst = |account: &Account| account.bucket.as_ref().and_then(|(_, bucket)| hold(bucket).worst);
        [worst(&self.genesys), worst(&self.cxone)].into_iter().flatten().reduce(f64::max)
    }
}

/// The history of one lane, as far as it binds the calls to come.
#[derive(Debug, Default)]
struct Lane {
    in_row: u32,
    /// The latest Retry-After among the 429s in this row.
    longest: Option<Instant>,
    last_other: Option<Instant>,
    pauses: Vec<Pause>,
    probing: Probing,
}

/// No call that arrives from `from` on may come before `until`.
#[derive(Debug, Clone, Copy)]
struct Pause {
    from: Instant,
    until: Instant,
    then: Then,
}

/// Who may call when a pause is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Probe,
    /// Another call, out since before the pause, was accepted meanwhile: a caller may take that for the probe's answer.
    All,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Probing {
    #[default]
    No,
    /// A pause binds; the first call after it is the probe.
    Due,
    Out,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Early {
    Paused(Duration),
    ProbeOut,
}

impl Lane {
    fn arrive(&mut self, now: Instant) -> Option<Early> {
        if self.pauses.is_empty() && self.probing == Probing::No {
            return None;
        }
        let to_probe = |pause: &Pause| pause.from <= now && pause.then == Then::Probe;
        if self.probing == Probing::No && self.pauses.iter().any(to_probe) {
            self.probing = Probing::Due;
        }
        let binding = self.pauses.iter().filter(|pause| pause.from <= now).map(|pause| pause.until).max();
        let early = binding.and_then(|until| until.checked_duration_since(now)).filter(|by| *by > SLACK);
        self.pauses.retain(|pause| pause.until > now);
        if let Some(by) = early {
            return Some(Early::Paused(by));
        }
        match self.probing {
            Probing::Due if binding.is_some() || self.pauses.is_empty() => {
                self.probing = Probing::Out;
                None
            }
            Probing::Out => Some(Early::ProbeOut),
            _ => None,
        }
    }

    fn answered(&mut self, answer: LaneAnswer, now: Instant) {
        let LaneAnswer::Throttled { not_before } = answer else {
            // a caller may read this answer before or after a 429 that was sent close to it
            self.pauses.retain(|pause| pause.from <= now);
            if answer == LaneAnswer::Other {
                self.pauses.iter_mut().for_each(|pause| pause.then = Then::All);
            }
            self.in_row = 0;
            self.longest = None;
            self.last_other = Some(now);
            self.probing = match (answer, self.probing) {
                (LaneAnswer::Lost, Probing::Out) => Probing::Due,
                (LaneAnswer::Lost, probing) => probing,
                _ => Probing::No,
            };
            return;
        };
        if self.probing == Probing::Out {
            self.probing = Probing::Due;
        }
        if self.last_other.is_some_and(|other| now.saturating_duration_since(other) < GRACE) {
            return;
        }
        self.in_row += 1;
        self.longest = self.longest.max(not_before);
        if self.in_row >= 2
            && let Some(until) = self.longest.filter(|until| *until > now)
            && self.pauses.iter().all(|pause| pause.until < until)
        {
            self.pauses.push(Pause { from: now + GRACE, until, then: Then::Probe });
        }
    }
}

/// Counts calls against `burst + rate·t` over every window of time at once.
///
/// The calls in the window from call i to call j, less what may come in it, are `(j−i+1) − burst − rate·(t_j−t_i)`.
/// For the latest j its maximum over all i is `j+1 − burst − rate·t_j + max(rate·t_i − i)`, and that last maximum only
/// grows. So one number stands for all arrival times, and the answer is exact.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    burst: f64,
    start: Instant,
    last: Duration,
    calls: f64,
    lead: f64,
    worst: Option<f64>,
    told: f64,
}

impl Bucket {
    const fn new(traits: &BucketTraits, start: Instant) -> Self {
        let (last, lead) = (Duration::ZERO, f64::NEG_INFINITY);
        Self { rate: traits.rate, burst: traits.burst, start, last, calls: 0.0, lead, worst: None, told: 0.0 }
    }

    /// Counts a call; gives the excess where it is over `slack` and a whole call worse than told before.
    fn count(&mut self, now: Instant, slack: f64) -> Option<f64> {
        // two callers may read the clock in one order and get here in the other
        self.last = self.last.max(now.saturating_duration_since(self.start));
        let filled = self.rate * self.last.as_secs_f64();
        self.lead = self.lead.max(filled - self.calls);
        self.calls += 1.0;
        let excess = self.calls - self.burst - filled + self.lead;
        self.worst = Some(self.worst.map_or(excess, |worst| worst.max(excess)));
        if excess > slack && excess >= self.told + 1.0 {
            self.told = excess;
            return Some(excess);
        }
        None
    }
}

#[cfg(test)]
#[path = "tests/quota.rs"]
mod tests;
