//! Carrying one item as far as it can go now: its calls, what their answers mean, and what is written of it.
//!
//! A worker asks for leave before every call, and waits for nothing but that and the answer: an item that has to wait
//! goes back to the schedule, and the worker takes the next one.

mod keys;
mod results;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant as StdInstant};

use tokio::time::Instant;

use super::access::Brought;
use super::carry::Shared;
use super::faults;
use super::gauges::Activity;
use super::isolate::Isolation;
use super::job::{Job, Sent, WaitsFor};
use crate::journal::{End, Origin, Out, Waiting, Write};
use crate::model::{Doing, Fault, Reason, Stage, WaitReason};
use crate::operation::{Call, Step, Terms};
use crate::pacing::{
    CallKind, Certainty, Counts, FreshToken, Leave, Outcome, Situation, UnsurePolicy, Verdict, decide,
};
use crate::plan::Unsure;
use crate::platform::Token;

/// How far an item came.
enum Came {
    /// To its end; with what was found on the way to it that stops the run.
    Settled(End, Option<String>, Option<Box<Fault>>),
    /// To a wait.
    Waits { delay: Duration, reason: WaitReason, message: String, then: Then },
    /// To the next look at its remote job.
    Watches(Duration),
    /// To a key that somebody else holds.
    Locked,
    /// Too large: others take its place.
    Split,
    /// Refused as a batch: others take its place.
    Isolate(Isolation),
    /// Not on: a pause, or the end of this carrying-out.
    Back,
    /// To a fault of the run.
    Fault(Box<Fault>),
}

/// How long an item whose key somebody else holds waits before it asks again: so much more each time.
const KEY_WAIT: Duration = Duration::from_millis(100);
/// The longest of these waits.
const LONGEST_KEY_WAIT: Duration = Duration::from_secs(1);

/// What an item's wait means for the run.
enum Then {
    GoOn,
    /// It is longer than the plan wants to wait.
    Park,
}

/// Works until the schedule is closed.
pub(super) async fn work(shared: Arc<Shared>, number: usize) {
    let mut worker = Worker { shared, number, was: Activity::Idle, out: None };
    loop {
        let job = tokio::select! {
            biased;
            () = worker.shared.crew.one_too_many(number) => {
                if worker.shared.gauges.retires(number) {
                    worker.shared.touch();
                    return;
                }
                continue;
            }
            job = worker.shared.schedule.take() => job,
        };
        let Some(job) = job else { return };
        worker.carry(job).await;
    }
}

struct Worker {
    shared: Arc<Shared>,
    number: usize,
    was: Activity,
    /// A call that was begun and of which the journal is not told yet.
    out: Option<Write>,
}

/// A worker that is stopped in the midst of a call leaves word of it, for the run's end to write.
impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.state().left_out.extend(self.out.take());
    }
}

impl Worker {
    fn turn(&mut self, doing: Doing, is: Activity) {
        self.shared.gauges.turn(self.number, doing, self.was);
        self.was = is;
        self.shared.touch();
    }

    async fn carry(&mut self, mut job: Job) {
        if job.is_stopped() {
            return self.give_back(job).await;
        }
        if job.under_way.is_none() {
            job.under_way = Some(self.shared.gauges.under_way(job.item.extent));
        }
        let now = Instant::now();
        if let Some(at) = job.not_before.take().filter(|at| *at > now) {
            self.shared.schedule.wait(job, at);
            return;
        }
        self.turn(held(&job), Activity::Held);
        let came = self.advance(&mut job).await;
        self.conclude(job, came).await;
        self.out = None;
        self.turn(Doing::Idle, Activity::Idle);
    }

    /// Takes the item's steps until it waits, or is at its end.
    async fn advance(&mut self, job: &mut Job) -> Came {
        if let Some(ended) = job.ended.take() {
            return Came::Settled(ended.0, ended.1, None);
        }
        if let Err(came) = self.unlock(job).await {
            return came;
        }
        if !self.has_place(job).await {
            return Came::Back;
        }
        if self.shared.too_large_now(job) {
            return Came::Split;
        }
        let mut last: Option<Brought> = None;
        loop {
            let answer = last.as_ref().and_then(|brought| brought.answer.as_ref());
            let step = self.shared.operation.next(&job.item, &mut job.progress, answer);
            match step {
                Step::Call(call) => match self.make(job, &call).await {
                    Ok(brought) => match self.judge(job, call.terms, &brought) {
                        Some(came) => return came,
                        None => last = Some(brought),
                    },
                    Err(came) => return came,
                },
                Step::Keep(id, wait) => {
                    self.keep_id(job, id).await;
                    self.out = None;
                    return Came::Watches(wait);
                }
                Step::Wait(wait) => return Came::Watches(wait),
                Step::Fetch(url) => return self.fetch(job, &url).await,
                Step::Delivered(delivered) => return self.delivered(job, last, delivered).await,
                Step::Failed(reason) => {
                    if reason.stage == Stage::Delivery {
                        // it was accepted, and nobody can say what came of it
                        job.earlier = Certainty::Unsure;
                    }
                    let correlation_id = last.and_then(|brought| brought.correlation_id);
                    return Came::Settled(failure(job, *reason), correlation_id, None);
                }
            }
        }
    }

    /// Takes a place before the first call: what is accepted, and what may be, is never more than what may be uncommitted.
    /// What the store has needs none. Returns whether there is one.
    async fn has_place(&mut self, job: &mut Job) -> bool {
        if job.permit.is_none() {
            self.turn(held(job), Activity::Disk);
            let places = self.shared.places(job);
            job.permit = tokio::select! {
                biased;
                permit = places.acquire_owned() => permit.ok(),
                () = self.shared.halted() => None,
            };
            self.turn(held(job), Activity::Held);
        }
        job.permit.is_some()
    }

    /// Makes one call, and a second one where the first met an old token.
    async fn make(&mut self, job: &mut Job, call: &Call) -> Result<Brought, Came> {
        let mut fresh = FreshToken::Untried;
        // a fault of it comes before the mark
        self.token().await?;
        loop {
            let (brought, token) = self.send(job, call).await?;
            let situation = self.situation(job, call.terms, &brought, fresh);
            if decide(brought.outcome, &situation) != Verdict::FreshToken {
                job.fresh_token = fresh;
                return Ok(brought);
            }
            fresh = FreshToken::JustTried;
            job.counted = job.counted.saturating_sub(1);
            self.fresh(&token).await?;
        }
    }

    /// Returns with what came the token that it was sent with.
    async fn send(&mut self, job: &mut Job, call: &Call) -> Result<(Brought, Arc<Token>), Came> {
        let sends = call.terms.kind == CallKind::Sending;
        let marks = self.shared.plan.delivery.unsure == Unsure::Fail || job.origin == Origin::Failure;
        if sends && marks {
            job.marked = true;
            let mark = mark(job, job.tries + 1, Out::Maybe);
            self.shared.journal.commit(&self.shared.book, vec![mark]).await;
        }
        // the leave comes last: whatever stood between it and the call would bend the pace
        let (leave, token) = self.leave(call.terms.stage).await?;
        // asked after the wait for leave: that may have been a long one
        if let Some(fault) = self.shared.set_closed(job) {
            return Err(of_run(fault));
        }
        if job.lease.as_ref().is_some_and(|held| !held.is_good()) {
            return Err(Came::Locked);
        }
        if sends {
            if let Some(held) = &job.lease {
                held.mark(Certainty::Unsure);
            }
            self.shared.book.traffic.retries.fetch_add(u64::from(job.called), Relaxed);
            job.tries += 1;
            job.sent = Sent::Maybe;
            job.called = true;
            self.out = Some(Write::Sending {
                seq: job.item.seq,
                extent: job.item.extent,
                attempts: job.tries,
                // that it will be sent again is counted where it is known to have been out
                unsure: job.unsure + u32::from(self.shared.sends_again_what_is_out()),
                out: Out::Left,
            });
        }
        job.counted += 1;
        self.turn(sending(job), Activity::Sending);
        let begun = StdInstant::now();
        let brought = self.shared.call(&call.request, &token, leave).await;
        job.took = Some(begun.elapsed());
        self.turn(held(job), Activity::Held);
        Ok((brought, token))
    }

    fn situation(&self, job: &Job, terms: Terms, brought: &Brought, fresh: FreshToken) -> Situation {
        let delivery = &self.shared.plan.delivery;
        Situation {
            attempts: job.counted,
            max_attempts: terms.patience.attempts.unwrap_or(delivery.max_attempts),
            records: job.item.extent.count,
            batch: self.shared.operation.batch(),
            named_indices: brought.error.details.iter().any(|entry| entry.index.is_some()),
            fresh_token: fresh,
            sends: terms.kind,
            in_progress_since: job.in_progress_since.map(|since| since.elapsed()),
            earlier: job.earlier,
            unsure: match delivery.unsure {
                Unsure::Retry => UnsurePolicy::Retry,
                Unsure::Fail => UnsurePolicy::Fail,
            },
            unreachable: terms.patience.unreachable,
        }
    }

    /// What the answer means; nothing where the item goes on to its next call.
    fn judge(&self, job: &mut Job, terms: Terms, brought: &Brought) -> Option<Came> {
        let situation = self.situation(job, terms, brought, job.fresh_token);
        let verdict = decide(brought.outcome, &situation);
        job.last_status = brought.status;
        if brought.outcome != Outcome::InProgress {
            job.in_progress_since = None;
        }
        let said = &brought.error;
        Some(match verdict {
            Verdict::Accepted => {
                job.progress.passed = Some(terms.stage);
                job.counted = 0;
                self.shared.accepted(job, terms);
                return None;
            }
            Verdict::Wait { reason, counts, unsure } => {
                if counts == Counts::Nothing {
                    job.counted = job.counted.saturating_sub(1);
                    job.throttled += 1;
                } else {
                    job.throttled = 0;
                }
                if unsure == Certainty::Unsure {
                    job.unsure += 1;
                    job.earlier = Certainty::Unsure;
                }
                if reason == WaitReason::InProgress {
                    job.in_progress_since.get_or_insert_with(Instant::now);
                }
                let step = job.counted.max(job.throttled).max(1);
                let back_off = self.shared.access.back_off(step, brought.retry_after);
                let delay = back_off.max(terms.patience.no_sooner);
                if terms.stage == Stage::Polling {
                    job.progress.watched += delay;
                    job.progress.looks = job.progress.looks.saturating_add(1);
                }
                // a 429 speaks for the whole lane, which parks by itself
                let parks =
                    reason != WaitReason::RateLimited && self.shared.access.is_too_long(brought.retry_after);
                Came::Waits {
                    delay,
                    reason,
                    message: said.message.clone(),
                    then: if parks { Then::Park } else { Then::GoOn },
                }
            }
            Verdict::Split => Came::Split,
            Verdict::Isolate => Came::Isolate(Isolation::of(&job.item, brought)),
            Verdict::Fail { unsure } => self.failed(job, terms, brought, unsure),
            Verdict::Unsure => self.failed(job, terms, brought, Certainty::Unsure),
            Verdict::FaultClientRefused | Verdict::FreshToken => {
                Came::Fault(Box::new(faults::token_refused_twice(&said.message)))
            }
            Verdict::FaultMissingScope => {
                let needed = self.shared.operation.kind().scopes();
                Came::Fault(Box::new(faults::missing_scope(needed, None, &said.message)))
            }
            Verdict::FaultUnreachable => Came::Fault(Box::new(brought.unreachable())),
        })
    }

    fn failed(&self, job: &mut Job, terms: Terms, brought: &Brought, unsure: Certainty) -> Came {
        let said = &brought.error;
        let mut message = said.message.clone();
        if unsure == Certainty::Unsure {
            job.earlier = Certainty::Unsure;
            let said = if message.is_empty() { String::new() } else { format!(" ({message})") };
            message = format!("no sure answer: it may have been carried out, or not{said}");
        }
        let reason = Reason {
            stage: terms.stage,
            status: brought.status,
            code: said.code.clone(),
            message,
            violations: Vec::new(),
        };
        if let Some(fault) = self.shared.stops_at(job, &reason) {
            // it will be sent again, by a resume or when a person lets the run go on
            job.unsure += u32::from(unsure == Certainty::Unsure);
            return Came::Fault(Box::new(fault));
        }
        Came::Settled(failure(job, reason), brought.correlation_id.clone(), None)
    }

    /// Writes down how far the item came, and hands it on.
    async fn conclude(&mut self, mut job: Job, came: Came) {
        let shared = Arc::clone(&self.shared);
        match came {
            Came::Settled(end, correlation_id, fault) => {
                let unreleased = self.release(&mut job, &end).await;
                // told first: the run must not end as if nothing were owed
                if let Some(fault) = unreleased.or(fault) {
                    shared.stand(*fault).await;
                }
                if job.lease.is_some() {
                    job.ended = Some(Box::new((end, correlation_id)));
                    return self.put_back(job).await;
                }
                shared.settle(job, end, correlation_id).await;
            }
            Came::Watches(delay) => {
                job.permit = None;
                job.waits_for = WaitsFor::Look;
                shared.schedule.wait(job, Instant::now() + delay);
            }
            Came::Locked => {
                job.permit = None;
                job.waits_for = WaitsFor::BackOff(WaitReason::InProgress);
                job.asked_for_key += 1;
                let delay = KEY_WAIT.saturating_mul(job.asked_for_key).min(LONGEST_KEY_WAIT);
                shared.schedule.wait(job, Instant::now() + delay);
            }
            Came::Waits { delay, reason, message, then } => {
                job.permit = None;
                job.marked = false;
                if job.earlier == Certainty::Sure
                    && let Some(held) = &job.lease
                {
                    held.mark(Certainty::Sure);
                }
                let until = Instant::now() + delay;
                job.waits_for = WaitsFor::BackOff(reason);
                let waiting = Waiting {
                    seq: job.item.seq,
                    extent: job.item.extent,
                    attempts: job.tries,
                    unsure: job.unsure,
                    status: job.last_status,
                    reason: reason.word(),
                    delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
                    until: super::carry::epoch_ms(until),
                    message,
                    took_ms: job.took_ms(),
                    origin: job.origin,
                };
                // written first: a short wait may be over, and the item settled, before the next line
                self.note(&job, Write::Waiting(Box::new(waiting))).await;
                shared.schedule.wait(job, until);
                if matches!(then, Then::Park) {
                    shared.waits_until(until).await;
                    shared.stand(faults::parked(super::carry::moment(until))).await;
                }
            }
            Came::Split => {
                job.permit = None;
                shared.split(job).await;
            }
            Came::Isolate(isolation) => {
                job.permit = None;
                shared.isolate(job, isolation).await;
            }
            Came::Back => self.put_back(job).await,
            Came::Fault(fault) => {
                // it stays pending, and its tries so far don't count against it when the fault is mended
                job.counted = 0;
                job.fetch_tries = 0;
                // held first, so that nobody takes it up in between
                shared.stand(*fault).await;
                self.put_back(job).await;
            }
        }
    }

    /// The item is the next of its chain again. What its calls came to is known, and the journal is told so.
    async fn put_back(&self, mut job: Job) {
        job.permit = None;
        if job.earlier == Certainty::Sure
            && let Some(held) = &job.lease
        {
            held.mark(Certainty::Sure);
        }
        // what was out before stays so in the journal until its key is asked for
        if (job.marked || job.called) && !job.was_out {
            // an end that is still owed is none yet: a resume must not take it for a sure one
            job.marked = job.ended.is_some();
            let out = if job.marked { Out::Maybe } else { Out::No };
            let write = mark(&job, job.tries, out);
            self.note(&job, write).await;
        }
        if job.progress.remote_id.is_some() {
            // its remote job is open whoever looks at it, and keeps its place among those that may be
            job.waits_for = WaitsFor::Look;
            return self.shared.schedule.wait(job, Instant::now());
        }
        job.under_way = None;
        self.shared.schedule.put_back(job);
    }

    /// Writes down how far an item came that goes on. Where it may have taken effect, that is on the disk before it is
    /// sent again and may do so once more: after a crash, too, its doubts are to be all of them.
    async fn note(&self, job: &Job, write: Write) {
        let shared = &self.shared;
        match job.earlier {
            Certainty::Unsure => shared.journal.commit(&shared.book, vec![write]).await,
            Certainty::Sure => shared.journal.write(&shared.book, vec![write]).await,
        }
    }

    /// The act that it belongs to has stopped.
    async fn give_back(&self, job: Job) {
        let chain = job.item.chain;
        self.shared.give_back(vec![job]).await;
        self.shared.schedule.settle(chain);
        self.shared.settled_one();
    }

    async fn leave(&self, stage: Stage) -> Result<(Leave, Arc<Token>), Came> {
        tokio::select! {
            biased;
            () = self.shared.halted() => Err(Came::Back),
            leave = self.shared.access.leave(stage) => leave.map_err(of_run),
        }
    }

    async fn fresh(&mut self, stale: &Token) -> Result<Arc<Token>, Came> {
        tokio::select! {
            biased;
            token = self.shared.access.fresh_token(stale) => token.map_err(of_run),
            () = self.shared.halted() => Err(Came::Back),
        }
    }

    async fn token(&mut self) -> Result<Arc<Token>, Came> {
        tokio::select! {
            biased;
            token = self.shared.access.token() => token.map_err(of_run),
            () = self.shared.halted() => Err(Came::Back),
        }
    }
}

fn sending(job: &Job) -> Doing {
    Doing::Sending { item: job.item.seq, attempt: job.tries.max(1), since: StdInstant::now() }
}

fn held(job: &Job) -> Doing {
    Doing::Held { item: job.item.seq, since: StdInstant::now() }
}

fn failure(job: &Job, reason: Reason) -> End {
    End::Failed { reason, record: Some(job.item.content()) }
}

fn of_run(fault: Fault) -> Came {
    Came::Fault(Box::new(fault))
}

/// The mark that an item's call may be out, or is not.
fn mark(job: &Job, attempts: u32, out: Out) -> Write {
    Write::Sending { seq: job.item.seq, extent: job.item.extent, attempts, unsure: job.unsure, out }
}
