//! Idempotency keys: the same key and body get the first answer again, another body is refused, and a second call
//! while the first is under way is told so.
//!
//! A key is taken when work on its call begins and *settled* in the same step in which the effect takes place. A call
//! that has no effect gives its key back, so that it can be sent again.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::hash::{HashedMap, hold};

/// All keys seen within their life.
#[derive(Debug)]
pub(super) struct Keys {
    life: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: HashedMap<u128, Known>,
    twice_or_more: u64,
    most: u32,
    replays: u64,
}

#[derive(Debug)]
struct Known {
    body: u64,
    effects: u32,
    stage: Stage,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    InProgress,
    Settled {
        at: Instant,
        /// When the effect took place, in milliseconds since 1970: what the first answer said.
        wall_ms: u64,
    },
    Free,
}

/// What a key says about a call.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Go on; settle the claim with the effect.
    New(Claim),
    /// Answer as then, without an effect.
    Replay { wall_ms: u64 },
    /// Refuse: the key was used for another body.
    Reused,
    /// Refuse: the first call is not done yet.
    InProgress,
}

/// The right to have an effect under a key; gives the key back when dropped unsettled.
#[derive(Debug)]
pub(super) struct Claim {
    keys: Arc<Keys>,
    key: u128,
}

/// How often keys had effects, for the ledger.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyFigures {
    pub distinct: usize,
    pub twice_or_more: u64,
    pub most: u32,
    pub replays: u64,
}

impl Keys {
    pub(super) fn new(life: Duration) -> Self {
        Self { life, state: Mutex::default() }
    }

    /// A call under `key` with this body is about to be carried out.
    pub(super) fn begin(self: &Arc<Self>, key: u128, body: u64, now: Instant) -> Verdict {
        let mut state = hold(&self.state);
        match state.keys.entry(key) {
            Entry::Vacant(slot) => {
                slot.insert(Known { body, effects: 0, stage: Stage::InProgress });
            }
            Entry::Occupied(mut slot) => {
                let known = slot.get_mut();
                let expired = match known.stage {
                    Stage::Free => true,
                    Stage::Settled { at, .. } => now.saturating_duration_since(at) >= self.life,
                    Stage::InProgress => false,
                };
                if expired {
                    known.body = body;
                    known.stage = Stage::InProgress;
                } else if known.body != body {
                    return Verdict::Reused;
                } else if let Stage::Settled { wall_ms, .. } = known.stage {
                    state.replays += 1;
                    return Verdict::Replay { wall_ms };
                } else {
                    return Verdict::InProgress;
                }
            }
        }
        Verdict::New(Claim { keys: Arc::clone(self), key })
    }

    pub(super) fn figures(&self) -> KeyFigures {
        let state = hold(&self.state);
        let distinct = state.keys.values().filter(|known| known.effects > 0).count();
        KeyFigures { distinct, twice_or_more: state.twice_or_more, most: state.most, replays: state.replays }
    }
}

impl Claim {
    /// The effect has taken place.
    pub(super) fn settle(self, now: Instant, wall_ms: u64) {
        let mut guard = hold(&self.keys.state);
        let state = &mut *guard;
        if let Some(known) = state.keys.get_mut(&self.key) {
            known.stage = Stage::Settled { at: now, wall_ms };
            known.effects += 1;
            state.most = state.most.max(known.effects);
            state.twice_or_more += u64::from(known.effects == 2);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = hold(&self.keys.state);
        if let Entry::Occupied(mut slot) = state.keys.entry(self.key)
            && matches!(slot.get().stage, Stage::InProgress)
        {
            if slot.get().effects == 0 {
                slot.remove();
            } else {
                slot.get_mut().stage = Stage::Free;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_has_one_effect_within_its_life() {
        let life = Duration::from_hours(24);
        let keys = Arc::new(Keys::new(life));
        let start = Instant::now();
        let Verdict::New(claim) = keys.begin(1, 10, start) else { panic!("a new key is new") };
        assert!(matches!(keys.begin(1, 10, start), Verdict::InProgress));
        claim.settle(start, 77);
        assert!(matches!(keys.begin(1, 10, start), Verdict::Replay { wall_ms: 77 }));
        assert!(matches!(keys.begin(1, 11, start), Verdict::Reused));
        let later = start + life;
        let Verdict::New(claim) = keys.begin(1, 11, later) else { panic!("an ended key is new") };
        claim.settle(later, 78);
        assert_eq!((keys.figures().most, keys.figures().twice_or_more), (2, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_effect_gives_its_key_back() {
        let keys = Arc::new(Keys::new(Duration::from_secs(1)));
        drop(keys.begin(1, 10, Instant::now()));
        assert!(matches!(keys.begin(1, 11, Instant::now()), Verdict::New(_)));
        assert_eq!(keys.figures().distinct, 0);
    }
}
