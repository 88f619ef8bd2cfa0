//! The key of an item that must not be executed twice: asking for it, and giving it back.

use std::sync::Arc;

use super::super::access::NO_ANSWER;
use super::super::faults;
use super::super::guard::Admission;
use super::super::job::Job;
use super::{Came, Worker, failure, mark, of_run};
use crate::coordination::{Holder, Release};
use crate::journal::{End, Out, Source};
use crate::model::{Fault, Reason, Stage};
use crate::pacing::Certainty;
use crate::plan::Unsure;

impl Worker {
    /// Asks for the right to execute the item, where its operation guards its keys.
    pub(super) async fn unlock(&mut self, job: &mut Job) -> Result<(), Came> {
        let shared = Arc::clone(&self.shared);
        let Some(guard) = &shared.guard else { return Ok(()) };
        if job.lease.as_ref().is_some_and(|held| held.is_good()) {
            return Ok(());
        }
        job.lease = None;
        let holder = Holder { run: shared.run, item: job.item.seq };
        let admission = guard.admit(holder, job).await.map_err(|error| of_run(faults::store(&error)))?;
        let nobody_knows = |what: &str| Reason {
            stage: Stage::Delivery,
            status: None,
            code: Some(NO_ANSWER.to_owned()),
            message: format!("no sure answer: {what}; it may have been carried out, or not"),
            violations: Vec::new(),
        };
        match admission {
            Admission::Granted(held, certainty) => {
                let was_out = std::mem::take(&mut job.was_out);
                if was_out || certainty == Certainty::Unsure {
                    held.mark(Certainty::Unsure);
                    job.lease = Some(held);
                    job.earlier = Certainty::Unsure;
                    if shared.plan.delivery.unsure == Unsure::Fail {
                        let reason = nobody_knows(if was_out {
                            "the process ended while its call was out"
                        } else {
                            "whoever executed the same before was gone before its end"
                        });
                        return Err(Came::Settled(failure(job, reason), None, None));
                    }
                    job.unsure += 1;
                    // another crash would take the count along
                    let doubt = mark(job, job.tries, Out::Maybe);
                    self.note(job, doubt).await;
                } else {
                    job.lease = Some(held);
                }
                Ok(())
            }
            Admission::Stored(result) => {
                job.last_status = Some(result.status);
                let end = End::Delivered { answer: result.body, source: Source::Store };
                Err(Came::Settled(end, None, None))
            }
            Admission::Locked => Err(Came::Locked),
            Admission::HandedOver => {
                job.earlier = Certainty::Unsure;
                let reason = nobody_knows("the same was handed to a person, because nobody knows its end");
                Err(Came::Settled(failure(job, reason), None, None))
            }
        }
    }

    /// An item that failed gives its key back, or leaves the mark that nobody knows. Returns what stops the run. The item
    /// keeps its lock where the mark could not be left: a lock that could not be given back ends by itself, and a mark that
    /// nobody has left is missing for ever.
    pub(super) async fn release(&self, job: &mut Job, end: &End) -> Option<Box<Fault>> {
        let held = job.lease.take();
        let (Some(guard), Some(held), End::Failed { .. }) = (&self.shared.guard, held, end) else {
            return None;
        };
        let how = match job.earlier {
            Certainty::Sure => Release::Free,
            Certainty::Unsure => Release::Unsure,
        };
        let error = guard.release(&held, how).await.err()?;
        if how == Release::Unsure {
            job.lease = Some(held);
        }
        Some(Box::new(faults::store(&error)))
    }
}
