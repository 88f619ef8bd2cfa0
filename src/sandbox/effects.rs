//! How often each thing took effect: what "done once" is judged by.

use serde_json::{Value, json};

use super::hash::{FNV_START, HashedMap, fnv1a};
use super::keys::KeyFigures;

/// Counts effects by a hash of what they are about.
#[derive(Debug, Default)]
pub(super) struct Effects {
    times: HashedMap<u64, u32>,
    applied: u64,
    twice_or_more: u64,
    most: u32,
}

impl Effects {
    /// The thing with this hash took effect.
    pub(super) fn count(&mut self, hash: u64) {
        let times = self.times.entry(hash).or_default();
        *times += 1;
        self.applied += 1;
        self.most = self.most.max(*times);
        self.twice_or_more += u64::from(*times == 2);
    }

    /// All effects, repeated ones too.
    pub(super) const fn applied(&self) -> u64 {
        self.applied
    }

    pub(super) fn json(&self) -> Value {
        of(self.times.len(), self.twice_or_more, self.most)
    }
}

impl KeyFigures {
    /// How often idempotency keys had effects.
    pub(super) fn json(&self) -> Value {
        of(self.distinct, self.twice_or_more, self.most)
    }
}

fn of(distinct: usize, twice_or_more: u64, most: u32) -> Value {
    json!({"distinct": distinct, "twice_or_more": twice_or_more, "max": most})
}

/// A fingerprint of many texts in any order: the sum, modulo 2^64, of the FNV-1a of each.
#[derive(Debug, Default)]
pub(super) struct Sum(u64);

impl Sum {
    pub(super) fn add(&mut self, text: &[u8]) {
        self.0 = self.0.wrapping_add(fnv1a(FNV_START, text));
    }

    /// Sixteen hex digits.
    pub(super) fn hex(&self) -> String {
        format!("{:016x}", self.0)
    }
}
