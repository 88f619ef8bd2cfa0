//! What an item has brought: an answer, the id of a remote job, or a result that lies elsewhere.

use super::super::access::Brought;
use super::super::faults;
use super::super::fetch::Fetched;
use super::super::gauges::Activity;
use super::super::job::Job;
use super::{Came, Worker, failure, held, of_run, sending};
use crate::journal::{End, Source, Write};
use crate::model::Stage;
use crate::operation::{Delivered, Terms};
use crate::pacing::{FreshToken, Verdict, decide};
use crate::text::one_line;

impl Worker {
    /// The last answer has delivered the item: what is kept of it.
    pub(super) async fn delivered(&self, job: &Job, last: Option<Brought>, delivered: Delivered) -> Came {
        let (answer, correlation_id) =
            last.map_or((None, None), |brought| (brought.answer, brought.correlation_id));
        // only what a remote job has brought has rows
        if job.progress.remote_id.is_some() {
            let rows = Write::last_rows(job.item.seq, 1, delivered.rows);
            self.shared.journal.write(&self.shared.book, rows).await;
        }
        let (source, error) = match (&self.shared.guard, &job.lease, &answer) {
            (Some(guard), Some(held), Some(answer)) => guard.keep(held, answer).await,
            _ => (Source::Platform, None),
        };
        let body = delivered.answer.or_else(|| answer.map(|answer| answer.kept())).unwrap_or_default();
        let fault = error.map(|error| Box::new(faults::store(&error)));
        Came::Settled(End::Delivered { answer: body, source }, correlation_id, fault)
    }

    /// Makes a remote job's id durable: from now on it is only looked at.
    pub(super) async fn keep_id(&self, job: &mut Job, id: String) {
        let shared = &self.shared;
        let keep = Write::Keep {
            seq: job.item.seq,
            extent: job.item.extent,
            attempts: job.tries,
            unsure: job.unsure,
            remote_id: id.clone(),
        };
        shared.journal.commit(&shared.book, vec![keep]).await;
        job.marked = false;
        job.item.name = Some(one_line(&id, 200));
        job.progress.remote_id = Some(id);
    }

    /// Fetches the result of a remote job, and reads it. Between two tries the job is looked at again, which counts for
    /// itself.
    pub(super) async fn fetch(&mut self, job: &mut Job, url: &str) -> Came {
        job.counted = job.fetch_tries;
        let came = self.try_to_fetch(job, url).await;
        job.fetch_tries = std::mem::take(&mut job.counted);
        came
    }

    async fn try_to_fetch(&mut self, job: &mut Job, url: &str) -> Came {
        let mut fresh = FreshToken::Untried;
        loop {
            let (leave, token) = match self.leave(Stage::Result).await {
                Ok(both) => both,
                Err(came) => return came,
            };
            job.counted += 1;
            self.turn(sending(job), Activity::Sending);
            let begun = std::time::Instant::now();
            let fetched = self.shared.fetch(job.item.seq, url, &token, leave).await;
            job.took = Some(begun.elapsed());
            self.turn(held(job), Activity::Held);
            let brought = match fetched {
                Fetched::Read(answer) => {
                    let end = End::Delivered { answer, source: Source::Platform };
                    return Came::Settled(end, None, None);
                }
                Fetched::Refused(reason) => return Came::Settled(failure(job, *reason), None, None),
                Fetched::Fault(fault) => return of_run(*fault),
                Fetched::Brought(brought) => *brought,
            };
            let situation = self.situation(job, Terms::FETCHES, &brought, fresh);
            if decide(brought.outcome, &situation) != Verdict::FreshToken {
                job.fresh_token = fresh;
                // an accepted answer without a document is none
                return self.judge(job, Terms::FETCHES, &brought).unwrap_or(Came::Back);
            }
            fresh = FreshToken::JustTried;
            job.counted = job.counted.saturating_sub(1);
            if let Err(came) = self.fresh(&token).await {
                return came;
            }
        }
    }
}
