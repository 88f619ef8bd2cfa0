//! One act of sending failures again: who does it, how far it is, and how it ended.
//!
//! Too many equal failures in a row end an act and fault nothing: what it has not sent is then a failure again, as it
//! was. So an act counts for itself, beside others and beside the run that it happens in.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::carry::Shared;
use super::job::{FailedAs, Job};
use crate::journal::Write;
use crate::model::{ActFigures, Seq};
use crate::pacing::Certainty;
use crate::report::grouped;

/// Failures that are sent again.
#[derive(Debug)]
pub(super) struct Act {
    by: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    asked: u64,
    delivered: u64,
    failed: u64,
    /// Failures again, as they were: they were not sent.
    as_before: u64,
    streak: Option<(FailedAs, u32)>,
    stopped_by: Option<FailedAs>,
}

/// How an item of an act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Delivered,
    Failed,
    /// It was not, and is as it was.
    AsBefore,
}

impl Fate {
    pub(super) const fn of(delivered: bool) -> Self {
        if delivered { Self::Delivered } else { Self::Failed }
    }
}

impl Act {
    pub(super) fn new(by: String, asked: u64) -> Self {
        Self { by, state: Mutex::new(State { asked, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn figures(&self) -> ActFigures {
        let state = self.state();
        ActFigures {
            asked: state.asked,
            delivered: state.delivered,
            failed: state.failed,
            left: state.left(),
            by: self.by.clone(),
        }
    }

    /// Whether too many have failed alike: nothing more of it is sent.
    pub(super) fn is_stopped(&self) -> bool {
        self.state().stopped_by.is_some()
    }

    /// Others stand in the place of one of its items.
    pub(super) fn replaced_by(&self, parts: usize) {
        let mut state = self.state();
        state.asked = (state.asked + parts as u64).saturating_sub(1);
    }

    /// Some of its items came to an end. Returns whether they were the last.
    pub(super) fn ended(&self, items: u64, how: Fate) -> bool {
        let mut state = self.state();
        match how {
            Fate::Delivered => {
                state.delivered += items;
                state.streak = None;
            }
            Fate::Failed => state.failed += items,
            Fate::AsBefore => state.as_before += items,
        }
        items > 0 && state.left() == 0
    }

    /// Counts a failure that an answer made. Returns whether it is the one that ends the act.
    fn failed_as(&self, kind: &FailedAs, most: u32) -> bool {
        let mut state = self.state();
        let count = match &state.streak {
            Some((known, count)) if known == kind => count + 1,
            _ => 1,
        };
        state.streak = Some((kind.clone(), count));
        let stops = count >= most && state.stopped_by.is_none();
        if stops {
            state.stopped_by = Some(kind.clone());
        }
        stops
    }

    /// How it ended, for a person to read. What has no end of its own was not sent.
    fn told(&self) -> String {
        let state = self.state();
        let State { asked, delivered, failed, as_before, .. } = *state;
        let kept = match as_before + state.left() {
            0 => String::new(),
            1 => " 1 was not sent and is as before.".to_owned(),
            kept => format!(" {} were not sent and are as before.", grouped(kept)),
        };
        let sent = format!("delivered {}, refused again {}", grouped(delivered), grouped(failed));
        let Some((status, code)) = &state.stopped_by else {
            return if kept.is_empty() {
                format!("Sent again: {}; {sent}, not sent 0.", grouped(asked))
            } else {
                format!("Not all were sent: {sent}.{kept}")
            };
        };
        let mut reason = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        if let Some(code) = code {
            // writing to a String cannot fail
            let _ = write!(reason, " {}", crate::text::one_line(code, 80));
        }
        if delivered == 0 {
            let count = grouped(failed);
            return format!("Stopped after {count}: all refused again for the same reason ({reason}).{kept}");
        }
        let count = grouped(delivered + failed);
        format!("Stopped after {count}: the last were refused for the same reason ({reason}); {sent}.{kept}")
    }
}

impl State {
    const fn left(&self) -> u64 {
        self.asked.saturating_sub(self.delivered + self.failed + self.as_before)
    }
}

/// What is written of an act of which nothing was sent.
pub(super) fn nothing_sent(why: &str) -> Write {
    ended(format!("Nothing was sent: {why}."))
}

fn ended(text: String) -> Write {
    Write::Note { kind: "act_ended", delay_ms: None, reason: None, text }
}

impl Shared {
    /// Begins an act on failures that were taken up.
    pub(super) fn begin_act(&self, by: String, items: u64) -> Arc<Act> {
        let act = Arc::new(Act::new(by, items));
        self.state().acts.push(Arc::clone(&act));
        self.touch();
        act
    }

    /// Some items of an act came to an end: what is written of that, where it was the act's own.
    pub(super) fn act_goes_on(&self, act: Option<&Arc<Act>>, items: u64, how: Fate) -> Option<Write> {
        let act = act.filter(|act| act.ended(items, how))?;
        let mut state = self.state();
        let known = state.acts.len();
        state.acts.retain(|one| !Arc::ptr_eq(one, act));
        // one that the end of the carrying-out has ended is told already
        (state.acts.len() < known).then(|| ended(act.told()))
    }

    /// All acts are over, whatever they have not sent.
    pub(super) fn end_acts(&self) -> Vec<Write> {
        let acts = std::mem::take(&mut self.state().acts);
        acts.iter().map(|act| ended(act.told())).collect()
    }

    /// A failure that an answer made, in an act: where it is the last of too many equal ones, nothing more of the act is
    /// sent.
    pub(super) async fn counts_in_act(&self, act: &Arc<Act>, kind: &FailedAs) {
        let most = self.plan.delivery.fault_after;
        if most == 0 || !act.failed_as(kind, most) {
            return;
        }
        let is_its = |job: &Job| job.is_stopped() && job.act.as_ref().is_some_and(|of| Arc::ptr_eq(of, act));
        let jobs = self.schedule.take_out(is_its);
        self.give_back(jobs).await;
        self.settled_one();
    }

    /// Items of an act that has ended are failures again, as they were. The schedule has them no more.
    pub(super) async fn give_back(&self, jobs: Vec<Job>) {
        let mut writes = vec![Write::GiveBack(jobs.iter().map(|job| job.item.seq).collect::<Vec<Seq>>())];
        for job in jobs {
            if let (Some(guard), Some(held)) = (&self.guard, &job.lease) {
                let how = match job.earlier {
                    Certainty::Sure => crate::coordination::Release::Free,
                    Certainty::Unsure => crate::coordination::Release::Unsure,
                };
                if let Err(error) = guard.release(held, how).await {
                    self.stand(super::faults::store(&error)).await;
                }
            }
            writes.extend(self.act_goes_on(job.act.as_ref(), 1, Fate::AsBefore));
        }
        self.journal.write(&self.book, writes).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16) -> FailedAs {
        (Some(status), Some("contact.in.use".to_owned()))
    }

    #[test]
    fn an_act_that_was_sent_to_its_end_tells_what_came_of_it() {
        let act = Act::new("sam".to_owned(), 2580);
        assert!(!act.ended(2471, Fate::Delivered));
        assert_eq!(act.figures().left, 109);
        assert!(act.ended(109, Fate::Failed));
        assert_eq!(act.told(), "Sent again: 2,580; delivered 2,471, refused again 109, not sent 0.");
    }

    #[test]
    fn too_many_equal_refusals_in_a_row_stop_it_once_and_the_reason_is_told() {
        let act = Act::new("sam".to_owned(), 4210);
        for _ in 0..19 {
            assert!(!act.failed_as(&kind(409), 20));
        }
        assert!(act.failed_as(&kind(409), 20) && !act.failed_as(&kind(409), 20));
        act.ended(20, Fate::Failed);
        assert!(act.ended(4190, Fate::AsBefore));
        assert_eq!(
            act.told(),
            "Stopped after 20: all refused again for the same reason (409 contact.in.use). 4,190 were not sent and are as before."
        );
    }

    #[test]
    fn another_reason_or_a_delivery_begins_the_count_anew() {
        let act = Act::new("sam".to_owned(), 9);
        assert!(!act.failed_as(&kind(409), 2) && !act.failed_as(&kind(404), 2));
        act.ended(1, Fate::Delivered);
        assert!(!act.failed_as(&kind(404), 2) && act.failed_as(&kind(404), 2));
        let told = act.told();
        assert!(
            told.starts_with("Stopped after 1: the last were refused for the same reason (404"),
            "{told}"
        );
    }

    #[test]
    fn one_that_is_cut_off_tells_what_was_not_sent() {
        let act = Act::new("sam".to_owned(), 3);
        act.ended(1, Fate::Delivered);
        act.ended(1, Fate::Failed);
        assert_eq!(
            act.told(),
            "Not all were sent: delivered 1, refused again 1. 1 was not sent and is as before."
        );
    }
}
