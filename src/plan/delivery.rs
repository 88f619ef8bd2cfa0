//! The `[delivery]` part of a plan: how fast, how often and how patiently. Each operation has its own defaults.

use std::time::Duration;

use toml::Value;

use crate::config::document::{Broken, DocumentError, Keys, Node, Setting};
use crate::config::setting::{LONGEST, parse_duration, print_duration, word_settings};
use crate::model::words;

words! {
    /// What becomes of an item of which nobody knows whether the platform has carried it out.
    Unsure, "a way with unsure items", {
        /// It is sent again, under the same key, and that is counted.
        Retry = "retry",
        /// It fails, and a person decides.
        Fail = "fail",
    }
}

word_settings!(Unsure);

/// Exponential back-off with full jitter: the n-th wait is drawn from 0 to the smaller of `base · 2ⁿ` and `cap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// What the first wait is at most.
    pub base: Duration,
    /// What any wait is at most.
    pub cap: Duration,
}

/// How long one attempt may take, its body included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout {
    /// For any attempt.
    pub base: Duration,
    /// More for each 100 kB (100,000 bytes) of its body; zero for none. A plan writes it `30s + 1s/100kB`.
    pub per_100kb: Duration,
}

/// The most items in flight at once, in a plan and by what a person sets while a run goes.
pub const MOST_WORKERS: u16 = 1000;

/// The size that [`Timeout::per_100kb`] is for.
const STEP_BYTES: u64 = 100_000;

impl Timeout {
    /// For an attempt that sends `body_bytes`; a begun 100 kB counts in part.
    #[must_use]
    pub fn of(&self, body_bytes: u64) -> Duration {
        let nanos = self.per_100kb.as_nanos().saturating_mul(u128::from(body_bytes)) / u128::from(STEP_BYTES);
        self.base.saturating_add(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

impl From<Duration> for Timeout {
    fn from(base: Duration) -> Self {
        Self { base, per_100kb: Duration::ZERO }
    }
}

impl Setting for Timeout {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        let sum = node.value().as_str().and_then(|text| text.split_once('+'));
        let Some((base, more)) = sum else { return Duration::read(node).map(Self::from) };
        let per_100kb = more.trim().strip_suffix("/100kB").and_then(|more| parse_duration(more.trim()));
        match parse_duration(base.trim()).zip(per_100kb) {
            Some((base, per_100kb)) if base.max(per_100kb) <= LONGEST => Ok(Self { base, per_100kb }),
            Some(_) => Err(node.error("must be at most a year, `8760h`, in each of its parts")),
            None => Err(node
                .error("must be a duration such as `30s`, or one and more for the body, `30s + 1s/100kB`")),
        }
    }

    fn write(&self) -> Option<Value> {
        let base = print_duration(self.base);
        Some(Value::String(if self.per_100kb.is_zero() {
            base
        } else {
            format!("{base} + {}/100kB", print_duration(self.per_100kb))
        }))
    }
}

/// How a plan's items are delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Items in flight at once; for `ingest` datasets side by side.
    pub workers: u16,
    /// Calls a second; `None` is no limit but the platform's own. A plan writes that as 0.
    pub rate: Option<f64>,
    /// Calls that may start at once after a quiet time.
    pub burst: u32,
    /// Whether the rate is learnt from 429s and rate headers.
    pub adapt: bool,
    /// Attempts for one item, the first included; a 401, a 429 and a 409 in progress are none.
    pub max_attempts: u32,
    /// The waits between them.
    pub backoff: Backoff,
    /// How long one attempt may take.
    pub timeout: Timeout,
    /// A `Retry-After` over this pauses every worker.
    pub pool_pause_threshold: Duration,
    /// A `Retry-After` over this parks the run.
    pub retry_after_limit: Duration,
    /// How long nothing but 429s are borne.
    pub throttle_patience: Duration,
    /// What becomes of an unsure item.
    pub unsure: Unsure,
    /// Items in a row that fail alike before that is a fault; 0 is never.
    pub fault_after: u32,
}

impl Default for Delivery {
    /// What is common; each operation states where it differs.
    fn default() -> Self {
        Self {
            workers: 4,
            rate: None,
            burst: 20,
            adapt: true,
            max_attempts: 6,
            backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(30) },
            timeout: Timeout::from(Duration::from_secs(30)),
            pool_pause_threshold: Duration::from_secs(30),
            retry_after_limit: Duration::from_mins(15),
            throttle_patience: Duration::from_mins(30),
            unsure: Unsure::Retry,
            fault_after: 20,
        }
    }
}

/// A rate as a plan writes it: no limit is 0.
struct WrittenRate(Option<f64>);

impl Setting for WrittenRate {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        let rate = f64::read(node)?;
        Ok(Self((rate != 0.0).then_some(rate)))
    }

    fn write(&self) -> Option<Value> {
        self.0.map_or(Some(Value::Integer(0)), |rate| rate.write())
    }
}

impl Delivery {
    pub(super) fn keys(&mut self, keys: &mut Keys<'_>) -> Result<(), DocumentError> {
        keys.key("workers", &mut self.workers)?;
        let mut rate = WrittenRate(self.rate);
        keys.key("rate", &mut rate)?;
        self.rate = rate.0;
        keys.key("burst", &mut self.burst)?;
        keys.key("adapt", &mut self.adapt)?;
        keys.key("max_attempts", &mut self.max_attempts)?;
        keys.section("backoff", |keys| {
            keys.key("base", &mut self.backoff.base)?;
            keys.key("cap", &mut self.backoff.cap)
        })?;
        keys.key("timeout", &mut self.timeout)?;
        keys.key("pool_pause_threshold", &mut self.pool_pause_threshold)?;
        keys.key("retry_after_limit", &mut self.retry_after_limit)?;
        keys.key("throttle_patience", &mut self.throttle_patience)?;
        keys.key("unsure", &mut self.unsure)?;
        keys.key("fault_after", &mut self.fault_after)
    }

    pub(super) fn validate(&self) -> Result<(), Broken> {
        self.validate_workers()?;
        self.validate_rate()?;
        self.validate_burst()?;
        self.validate_max_attempts()?;
        self.validate_backoff()?;
        self.validate_timeout()?;
        self.validate_throttle_patience()
    }

    fn validate_workers(&self) -> Result<(), Broken> {
        rule((1..=MOST_WORKERS).contains(&self.workers), "workers", "must be from 1 to 1000")
    }

    fn validate_rate(&self) -> Result<(), Broken> {
        let sane = self.rate.is_none_or(|rate| rate.is_finite() && (0.001..=1_000_000.0).contains(&rate));
        rule(sane, "rate", "must be 0, for no limit, or from 0.001 to 1000000 calls a second")
    }

    fn validate_burst(&self) -> Result<(), Broken> {
        rule(self.burst >= 1, "burst", "must be at least 1")
    }

    fn validate_max_attempts(&self) -> Result<(), Broken> {
        rule(self.max_attempts >= 1, "max_attempts", "must be at least 1: the first attempt counts")
    }

    fn validate_backoff(&self) -> Result<(), Broken> {
        rule(!self.backoff.base.is_zero(), "backoff.base", "must be longer than nothing")?;
        rule(self.backoff.base <= self.backoff.cap, "backoff.base", "must not be longer than `backoff.cap`")
    }

    fn validate_timeout(&self) -> Result<(), Broken> {
        rule(!self.timeout.base.is_zero(), "timeout", "must be longer than nothing")
    }

    fn validate_throttle_patience(&self) -> Result<(), Broken> {
        rule(!self.throttle_patience.is_zero(), "throttle_patience", "must be longer than nothing")
    }
}

/// What holds, or else the rule that is broken.
pub(super) fn rule(holds: bool, key: &str, rule: &str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken::new(key, rule)) }
}
