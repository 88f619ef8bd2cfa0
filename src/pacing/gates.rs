//! The gates of a lane, one for each endpoint that its operation calls.
//!
//! Two 429s in a row mean that an endpoint takes no more calls, and an accepted call to another endpoint in between says
//! nothing of that: an import's polls go on while its submissions are refused. So each endpoint is counted, paused and
//! probed for itself. The quota is the tenant's all the same: a pause of one holds the others until its end.

use tokio::time::Instant;

use super::gate::{Gate, LaneChange};
use crate::model::Stage;

/// The gates of all endpoints. An endpoint goes by the stage at which an item calls it.
#[derive(Debug)]
pub(super) struct Gates {
    preflight: Gate,
    delivery: Gate,
    polling: Gate,
    result: Gate,
}

impl Gates {
    /// Open, or paused where an earlier carrying-out was told to wait until then.
    pub(super) fn new(not_before: Option<Instant>, now: Instant) -> Self {
        let gate = || Gate::new(not_before, now);
        Self { preflight: gate(), delivery: gate(), polling: gate(), result: gate() }
    }

    pub(super) const fn at(&self, stage: Stage) -> &Gate {
        match stage {
            Stage::Preflight => &self.preflight,
            Stage::Validation | Stage::Delivery => &self.delivery,
            Stage::Polling => &self.polling,
            Stage::Result => &self.result,
        }
    }

    pub(super) const fn at_mut(&mut self, stage: Stage) -> &mut Gate {
        match stage {
            Stage::Preflight => &mut self.preflight,
            Stage::Validation | Stage::Delivery => &mut self.delivery,
            Stage::Polling => &mut self.polling,
            Stage::Result => &mut self.result,
        }
    }

    /// Has the others keep to what an answer changed for one: its pause holds them too, and where it found the platform
    /// to take calls again, those that were only told to wait need not find out.
    pub(super) fn spread(&mut self, change: Option<LaneChange>, now: Instant) {
        if let Some((_, until, _)) = self.pause_now().filter(|(_, until, _)| *until > now) {
            self.overhear(until, now);
        }
        if change == Some(LaneChange::Resumed) {
            self.each_mut().into_iter().for_each(|gate| gate.follow(now));
        }
    }

    /// Calls to the tenant are paused until then, which lies ahead. Returns whether that is worth telling.
    pub(super) fn overhear(&mut self, told: Instant, now: Instant) -> bool {
        let known = self.pause_now();
        let mut news = false;
        for gate in self.each_mut() {
            news |= gate.overhear(told, now);
        }
        news && known.is_none_or(|(_, until, _)| Gate::is_worth_telling(until, told))
    }

    /// The longest pause, where there is one: when it began, when it ends, and whether its probe is out.
    pub(super) fn pause_now(&self) -> Option<(Instant, Instant, bool)> {
        let all = [&self.preflight, &self.delivery, &self.polling, &self.result];
        all.into_iter().filter_map(Gate::pause_now).max_by_key(|(_, until, probing)| (*until, *probing))
    }

    const fn each_mut(&mut self) -> [&mut Gate; 4] {
        [&mut self.preflight, &mut self.delivery, &mut self.polling, &mut self.result]
    }
}
