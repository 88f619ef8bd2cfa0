//! How a lane stands on what all lanes of the tenant share ([`SharedPace`]).
//!
//! What is shared is heard, changed and told in one step, [`State::together`], while the record is held. A lane of its
//! own goes through the same step, and hears and tells nothing. What it learns from an answer waits as a [`Word`] until
//! it could be told: where the record cannot be had just then, the next step tells it, and no call starts before.
//!
//! A call takes a token from two buckets: the lane's own, which keeps its plan's rate whatever others do, and the common
//! one. Where all plans say the same, the own one never binds.
//!
//! A lane that nothing limits only looks at the record, for pauses, and holds it for nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::state::State;
use crate::model::Stage;
use crate::pacing::bucket::{Bucket, Fill};
use crate::pacing::gate::{Hold, LaneChange, PauseReason, Role};
use crate::pacing::learnt::Learnt;
use crate::pacing::shared::{Busy, Level, Now, Record, SharedPace};

/// When a record that could not be had is asked for again.
const AGAIN: Duration = Duration::from_millis(5);

/// The record of a lane that shares one, and what of this lane is not in it yet.
#[derive(Debug)]
pub(super) struct Sharing {
    pace: Arc<dyn SharedPace>,
    /// The common bucket at this lane's rate, as it was last heard of; there where the lane has one of its own.
    common: Option<Bucket>,
    /// Whether that was used here, or came into being, since it was last told.
    used: News,
    /// Whether a pause or a word is to be told before any call starts.
    standing: News,
    /// Whether a pause that was heard of is to be told to the run.
    heard: News,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    None,
    Some,
}

/// Something about the learnt rate that a lane has to say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Word {
    /// A 429: halve it. The reference is what to start from.
    Cut { reference: Option<f64>, retry_after: Option<Duration>, at: Instant },
    /// A pause is over.
    Restart { at: Instant },
    /// A person set the rate.
    Refer,
}

impl Sharing {
    /// A lane that just began: what its bucket and its gate begin with is told before any call starts.
    pub(super) const fn on(pace: Arc<dyn SharedPace>, common: Option<Bucket>) -> Self {
        Self { pace, common, used: News::Some, standing: News::Some, heard: News::None }
    }

    pub(super) const fn common(&self) -> Option<&Bucket> {
        self.common.as_ref()
    }

    /// Takes the token that is there.
    pub(super) fn take(&mut self, now: Instant) {
        if let Some(bucket) = &mut self.common {
            // whoever asks has looked whether one is there
            let _ = bucket.take(now);
            self.used = News::Some;
        }
    }

    /// Goes on at another rate. A bucket that comes into being begins empty.
    pub(super) fn retune(&mut self, rate: Option<f64>, burst: u32, now: Instant) {
        match (&mut self.common, rate) {
            (common, None) => *common = None,
            (Some(bucket), Some(rate)) => bucket.set_rate(rate, now),
            (none, Some(rate)) => {
                *none = Some(Bucket::new(rate, burst, Fill::Empty, now));
                self.used = News::Some;
            }
        }
    }

    fn hear(&mut self, level: Level, now: Now) {
        let Some(bucket) = &mut self.common else { return };
        match level {
            Level::Unused => {}
            Level::Unknown => {
                bucket.set_level(Duration::ZERO, 1, now.instant);
                self.used = News::Some;
            }
            Level::Used { empty_at, interval } => {
                let filling = now.moment.since(empty_at);
                match self.used {
                    News::None => bucket.set_level(filling, interval, now.instant),
                    News::Some => bucket.lower_level(filling, interval, now.instant),
                }
            }
        }
    }

    fn tell(&self, level: &mut Level, now: Now) {
        let Some(bucket) = &self.common else { return };
        let (filling, interval) = bucket.level(now.instant);
        let as_told = matches!(level, Level::Used { interval: told, .. } if *told == interval);
        if self.used == News::Some || !as_told {
            *level = Level::Used { empty_at: now.moment.minus(filling), interval };
        }
    }
}

impl State {
    /// Takes a step on what is known here and to all, keeps what it changes, and tells it.
    pub(super) fn together<T>(
        &mut self,
        clock: fn() -> Instant,
        step: impl FnOnce(&mut Self, Instant) -> T,
    ) -> Result<T, Busy> {
        let Some(pace) = self.sharing.as_ref().map(|sharing| Arc::clone(&sharing.pace)) else {
            let now = clock();
            self.speak(now);
            self.regain(now);
            self.words.clear();
            return Ok(step(self, now));
        };
        let mut step = Some(step);
        let mut done = None;
        let held = pace.hold(&mut |now, record| {
            self.hear(record, now);
            let heard = self.learnt.clone();
            self.speak(now.instant);
            self.regain(now.instant);
            done = step.take().map(|step| step(self, now.instant));
            if self.learnt != heard {
                self.learnt.tell(record, now);
            }
            self.tell(record, now);
        });
        let done = held.and(done.ok_or(Busy));
        if let Some(sharing) = &mut self.sharing {
            if done.is_ok() {
                self.words.clear();
                (sharing.used, sharing.standing) = (News::None, News::None);
            } else {
                sharing.standing = News::Some;
            }
        }
        done
    }

    /// Asks for leave where others share the pace.
    pub(super) fn admit_shared(
        &mut self,
        stage: Stage,
        clock: fn() -> Instant,
    ) -> Result<(Role, Instant), Hold> {
        if !self.owes() {
            // what holds this lane by itself needs no look at the others
            self.holds(stage, clock())?;
            if self.bucket.is_none()
                && let Some((now, record)) = self.look().filter(|(_, record)| !self.is_bound_by(record))
            {
                self.hear_pause(&record, now);
                return self.holds(stage, now.instant).map(|role| (role, now.instant));
            }
        }
        let asked = self.together(clock, |lane, now| lane.admit(stage, now).map(|role| (role, now)));
        asked.unwrap_or_else(|Busy| Err(Hold::Until(clock() + AGAIN)))
    }

    /// Hears what the other lanes did, where there are any.
    pub(super) fn listen(&mut self, clock: fn() -> Instant) {
        match self.look().filter(|(_, record)| !self.owes() && !self.is_bound_by(record)) {
            Some((now, record)) => self.hear(&record, now),
            // where it cannot be had, what was heard last stands
            None => drop(self.together(clock, |_, _| ())),
        }
    }

    /// A pause that was heard of from another lane and not told yet.
    pub(super) fn overheard(&mut self, now: Instant) -> Option<LaneChange> {
        let sharing = self.sharing.as_mut().filter(|sharing| sharing.heard == News::Some)?;
        sharing.heard = News::None;
        let (_, until, _) = self.gates.pause_now().filter(|(_, until, _)| *until > now)?;
        let delay = until.saturating_duration_since(now);
        Some(if delay > self.settings.retry_after_limit {
            LaneChange::Parked { until }
        } else {
            LaneChange::Paused { delay, why: PauseReason::OtherRun }
        })
    }

    fn look(&self) -> Option<(Now, Record)> {
        self.sharing.as_ref().and_then(|sharing| sharing.pace.look())
    }

    /// Whether something is to be told before any call starts.
    fn owes(&self) -> bool {
        let standing = self.sharing.as_ref().is_some_and(|sharing| sharing.standing == News::Some);
        standing || !self.words.is_empty()
    }

    /// Whether a rate that others learnt binds this lane too.
    const fn is_bound_by(&self, record: &Record) -> bool {
        self.settings.adapt && record.cap.is_some()
    }

    fn hear(&mut self, record: &Record, now: Now) {
        self.hear_pause(record, now);
        if self.settings.adapt {
            self.learnt = Learnt::heard(record, now);
        }
        self.retune(now.instant);
        if let Some(sharing) = &mut self.sharing {
            sharing.hear(record.level, now);
        }
    }

    fn hear_pause(&mut self, record: &Record, now: Now) {
        if record.paused_until > now.moment
            && self.gates.overhear(now.instant_of(record.paused_until), now.instant)
            && let Some(sharing) = &mut self.sharing
        {
            sharing.heard = News::Some;
        }
    }

    fn tell(&self, record: &mut Record, now: Now) {
        if let Some((_, until, _)) = self.gates.pause_now().filter(|(_, until, _)| *until > now.instant) {
            record.paused_until = record.paused_until.max(now.moment_of(until));
        }
        if let Some(sharing) = &self.sharing {
            sharing.tell(&mut record.level, now);
        }
    }

    /// Brings what is to be said to what is known.
    fn speak(&mut self, now: Instant) {
        for word in &self.words {
            match *word {
                Word::Cut { reference, retry_after, at } => self.learnt.cut(reference, retry_after, at),
                Word::Restart { at } => self.learnt.restart(at),
                Word::Refer => self.learnt.refer_to(self.settings.rate),
            }
        }
        if !self.words.is_empty() {
            self.retune(now);
        }
    }
}

#[cfg(test)]
mod tests;
