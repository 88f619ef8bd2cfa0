//! What a tenant is like: how fast, how strict, how unreliable. A TOML file whose every key has a default and is
//! explained in `assets/scenarios/stormy.toml`.
//!
//! An unknown key is an error and never ignored: a test with a misspelt fault would pass without one.

mod jobs;

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

pub(super) use self::jobs::JobTraits;
use super::hash::shown;
use super::{CLIENT_ID, CLIENT_SECRET, SandboxError, duration};

const BUILT_IN: [(&str, &str); 5] = [
    ("calm", include_str!("../../assets/scenarios/calm.toml")),
    ("busy", include_str!("../../assets/scenarios/busy.toml")),
    ("stormy", include_str!("../../assets/scenarios/stormy.toml")),
    ("bare", include_str!("../../assets/scenarios/bare.toml")),
    ("practice", include_str!("../../assets/scenarios/practice.toml")),
];

/// The largest file of a scenario, in bytes.
const LARGEST: u64 = 1 << 20;

/// A simulated tenant's character.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    #[serde(skip)]
    pub(super) name: String,
    pub(super) about: String,
    pub(super) seed: u64,
    pub(super) max_body: u64,
    pub(super) forbidden: Vec<Operation>,
    pub(super) unknown_contacts: f64,
    pub(super) in_use: f64,
    #[serde(deserialize_with = "duration::read")]
    pub(super) in_use_for: Duration,
    #[serde(deserialize_with = "duration::read")]
    pub(super) key_life: Duration,
    pub(super) refused_actions: f64,
    pub(super) refused_records: f64,
    pub(super) refusals: Refusals,
    pub(super) lax: bool,
    pub(super) gzip: f64,
    pub(super) token: TokenTraits,
    pub(super) latency: Latency,
    pub(super) limit: Limits,
    pub(super) bucket: Option<BucketTraits>,
    pub(super) retry_after: RetryAfterTraits,
    pub(super) faults: Faults,
    pub(super) jobs: JobTraits,
}

/// What a scenario can forbid, whatever the token's scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Operation {
    Ingest,
    Execute,
    Exchange,
    Import,
    Outcomes,
}

/// How a refused batch tells of its records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Refusals {
    /// By their places in the batch.
    #[default]
    Named,
    /// Not at all.
    Unnamed,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TokenTraits {
    pub client_id: String,
    pub client_secret: String,
    #[serde(deserialize_with = "duration::read")]
    pub life: Duration,
    pub scopes: Vec<String>,
    pub throttle_429: f64,
    pub throttle_400: f64,
    pub error_503: f64,
    pub revoke: f64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Latency {
    #[serde(deserialize_with = "duration::read")]
    pub min: Duration,
    #[serde(deserialize_with = "duration::read")]
    pub max: Duration,
    pub tail: f64,
    #[serde(deserialize_with = "duration::read")]
    pub tail_max: Duration,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    pub genesys: Option<Limit>,
    pub cxone: Option<Limit>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    pub allowed: u64,
    #[serde(deserialize_with = "duration::read")]
    pub window: Duration,
    #[serde(default)]
    pub headers_missing: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BucketTraits {
    pub rate: f64,
    pub burst: f64,
    #[serde(default = "slack")]
    pub slack: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RetryAfterTraits {
    #[serde(deserialize_with = "duration::read")]
    pub min: Duration,
    #[serde(deserialize_with = "duration::read")]
    pub max: Duration,
    pub date: f64,
    pub missing: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Faults {
    pub throttle: f64,
    pub error_500: f64,
    pub error_502: f64,
    pub error_503: f64,
    pub error_504: f64,
    pub gateway_effect: f64,
    pub html: f64,
    pub reset_before: f64,
    pub reset_after: f64,
    pub truncate: f64,
    pub slow: f64,
    #[serde(deserialize_with = "duration::read")]
    pub slow_for: Duration,
}

const fn slack() -> f64 {
    6.0
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            name: String::new(),
            about: String::new(),
            seed: 1,
            max_body: 10_000_000,
            forbidden: Vec::new(),
            unknown_contacts: 0.0,
            in_use: 0.0,
            in_use_for: Duration::from_secs(20),
            key_life: Duration::from_hours(24),
            refused_actions: 0.0,
            refused_records: 0.0,
            refusals: Refusals::Named,
            lax: false,
            gzip: 0.0,
            token: TokenTraits::default(),
            latency: Latency::default(),
            limit: Limits::default(),
            bucket: None,
            retry_after: RetryAfterTraits::default(),
            faults: Faults::default(),
            jobs: JobTraits::default(),
        }
    }
}

impl Default for TokenTraits {
    fn default() -> Self {
        Self {
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            life: Duration::from_hours(24),
            scopes: ["contact:read", "contact:update"].map(str::to_owned).to_vec(),
            throttle_429: 0.0,
            throttle_400: 0.0,
            error_503: 0.0,
            revoke: 0.0,
        }
    }
}

impl Default for RetryAfterTraits {
    fn default() -> Self {
        Self { min: Duration::from_secs(1), max: Duration::from_secs(2), date: 0.0, missing: 0.0 }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            throttle: 0.0,
            error_500: 0.0,
            error_502: 0.0,
            error_503: 0.0,
            error_504: 0.0,
            gateway_effect: 0.5,
            html: 0.0,
            reset_before: 0.0,
            reset_after: 0.0,
            truncate: 0.0,
            slow: 0.0,
            slow_for: Duration::from_secs(3),
        }
    }
}

impl Scenario {
    /// The names of the built-in scenarios.
    #[must_use]
    pub const fn names() -> &'static [&'static str] {
        &["calm", "busy", "stormy", "bare"]
    }

    /// A built-in scenario.
    ///
    /// # Errors
    /// [`SandboxError::NoSuchScenario`], with the names that there are.
    pub fn named(name: &str) -> Result<Self, SandboxError> {
        let (name, text) = BUILT_IN.iter().find(|(known, _)| *known == name).ok_or_else(|| {
            SandboxError::NoSuchScenario { name: shown(name), known: Self::names().join(", ") }
        })?;
        Self::parse(name, text)
    }

    /// A scenario from a file.
    ///
    /// # Errors
    /// [`SandboxError::Unreadable`]; [`SandboxError::BadScenario`] with the line of what is wrong.
    pub fn load(path: &Path) -> Result<Self, SandboxError> {
        let unreadable = |source| SandboxError::Unreadable { path: path.to_owned(), source };
        let bytes = crate::files::read(path, LARGEST).map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => {
                unreadable(io::Error::other("it is over 1 MiB, and so no scenario"))
            }
            _ => unreadable(error),
        })?;
        let text =
            String::from_utf8(bytes).map_err(|_| unreadable(io::Error::other("it is not UTF-8 text")))?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// A scenario from TOML text; `name` stands in messages and in the ledger.
    ///
    /// # Errors
    /// [`SandboxError::BadScenario`] with the line of what is wrong.
    pub fn parse(name: &str, text: &str) -> Result<Self, SandboxError> {
        let bad = |line, message| SandboxError::BadScenario { name: shown(name), line, message };
        let mut scenario: Self = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map_or(0, |span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
            bad(line, shown_whole(error.message()))
        })?;
        name.clone_into(&mut scenario.name);
        scenario
            .validate()
            .map_err(|(key, message)| bad(line_of(text, key), format!("`{key}` {message}")))?;
        Ok(scenario)
    }

    /// The scenario's name, or the file it came from.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One sentence on what this tenant is like.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        let (faults, token) = (&self.faults, &self.token);
        let shares = [
            ("unknown_contacts", self.unknown_contacts),
            ("in_use", self.in_use),
            ("refused_actions", self.refused_actions),
            ("refused_records", self.refused_records),
            ("gzip", self.gzip),
            ("throttle_429", token.throttle_429),
            ("throttle_400", token.throttle_400),
            ("error_503", token.error_503),
            ("revoke", token.revoke),
            ("tail", self.latency.tail),
            ("date", self.retry_after.date),
            ("missing", self.retry_after.missing),
            ("gateway_effect", faults.gateway_effect),
            ("slow", faults.slow),
            ("throttle", faults.sum()),
        ];
        for (key, share) in shares.into_iter().chain(faults.each()).chain(self.jobs.shares()) {
            if !(0.0..=1.0).contains(&share) {
                return Err((key, "is a share: it and its like must add up to 0 to 1"));
            }
        }
        for limit in self.limit.genesys.iter().chain(&self.limit.cxone) {
            if limit.allowed == 0 {
                return Err(("allowed", "must be 1 or more"));
            }
            if limit.window.is_zero() {
                return Err(("window", "must be longer than nothing"));
            }
            if !(0.0..=1.0).contains(&limit.headers_missing) {
                return Err(("headers_missing", "is a share from 0 to 1"));
            }
        }
        if let Some(bucket) = &self.bucket
            && !(bucket.rate > 0.0 && bucket.burst >= 1.0 && bucket.slack >= 0.0)
        {
            return Err(("rate", "needs to be above 0, `burst` 1 or more and `slack` 0 or more"));
        }
        let (latency, retry_after, runs_for) = (&self.latency, &self.retry_after, &self.jobs.runs_for);
        if latency.min > latency.max || retry_after.min > retry_after.max || runs_for.min > runs_for.max {
            return Err(("min", "must not be above its `max`"));
        }
        if token.life < Duration::from_secs(1) {
            return Err(("life", "must be 1s or more: the answer gives it in whole seconds"));
        }
        Ok(())
    }
}

impl Faults {
    /// The faults of which a call meets at most one, each with its share.
    pub(super) const fn each(&self) -> [(&'static str, f64); 9] {
        [
            ("throttle", self.throttle),
            ("error_500", self.error_500),
            ("error_502", self.error_502),
            ("error_503", self.error_503),
            ("error_504", self.error_504),
            ("html", self.html),
            ("reset_before", self.reset_before),
            ("reset_after", self.reset_after),
            ("truncate", self.truncate),
        ]
    }

    /// How likely it is that any of them happens.
    pub(super) fn sum(&self) -> f64 {
        self.each().iter().map(|(_, share)| share).sum()
    }
}

/// A message of the TOML reader on one line, with whatever it quotes made harmless.
fn shown_whole(message: &str) -> String {
    message.lines().map(shown_line).collect::<Vec<_>>().join(" ")
}

fn shown_line(line: &str) -> String {
    line.chars().filter(|char| !char.is_control()).take(400).collect()
}

/// The line at which a key is given a value, for a message about that value; 0 where it is given none.
fn line_of(text: &str, key: &str) -> usize {
    let gives = |line: &str| {
        line.match_indices(key).any(|(at, _)| {
            let (before, rest) = line.split_at(at);
            let whole = !before.ends_with(|char: char| char.is_ascii_alphanumeric() || char == '_');
            let value = rest.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='));
            whole && value && !before.contains(['#', '"'])
        })
    };
    text.lines().position(gives).map_or(0, |index| index + 1)
}
