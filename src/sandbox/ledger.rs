//! The ledger's own columns: breaches in plain words, and how calls ended.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::answer::Ending;
use super::hash::hold;
use super::quota::Family;

/// More breaches than these are counted, not kept.
const KEPT: usize = 1000;

/// What callers did, and did wrong.
#[derive(Debug)]
pub(super) struct Ledger {
    start: Instant,
    breaches: Mutex<Breaches>,
    endings: Mutex<BTreeMap<(Family, Ending), u64>>,
}

#[derive(Debug, Default)]
struct Breaches {
    first: Vec<(u64, String)>,
    count: u64,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), breaches: Mutex::default(), endings: Mutex::default() }
    }

    /// Writes down what a caller did wrong.
    pub(super) fn breach(&self, family: Family, what: &str) {
        let at_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(family = family.name(), what, "sandbox: breach");
        let mut breaches = hold(&self.breaches);
        breaches.count += 1;
        if breaches.first.len() < KEPT {
            breaches.first.push((at_ms, format!("{}: {what}", family.name())));
        }
    }

    /// Counts how a call ended.
    pub(super) fn ended(&self, family: Family, ending: Ending) {
        *hold(&self.endings).entry((family, ending)).or_default() += 1;
    }

    pub(super) fn breaches_json(&self) -> (Value, u64) {
        let breaches = hold(&self.breaches);
        let kept = breaches.first.iter().map(|(at, what)| json!({"at_ms": at, "what": what})).collect();
        (kept, breaches.count)
    }

    pub(super) fn requests_json(&self) -> Value {
        let mut families = Map::new();
        for ((family, ending), count) in hold(&self.endings).iter() {
            let family = families.entry(family.name()).or_insert_with(|| json!({}));
            if let Some(family) = family.as_object_mut() {
                family.insert(ending.to_string(), json!(count));
            }
        }
        Value::Object(families)
    }

    /// How many calls were answered 429.
    pub(super) fn throttled(&self) -> u64 {
        let is_throttled = |ending| ending == Ending::Status(429);
        hold(&self.endings)
            .iter()
            .filter(|((_, ending), _)| is_throttled(*ending))
            .map(|(_, count)| count)
            .sum()
    }
}
