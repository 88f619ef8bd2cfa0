//! Carrying a call out: what befalls it, its idempotency key, its effect.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use tokio::time::{Instant, sleep};

use super::answer::{Answer, Delivery, Effect};
use super::course::Origin;
use super::dice::{Fate, Fault};
use super::exchange::Batch;
use super::execute::Execution;
use super::hash::{fold, wide};
use super::imports::{Document, Submission};
use super::ingest::Chunk;
use super::keys::{Claim, Keys, Verdict};
use super::outcomes::{Outcomes, Update};
use super::quota::Family;
use super::reception::Platform;

/// Apart from each other and from all other sources of chance.
const CHANCE_OF_JOBS: u64 = 3;
const CHANCE_OF_POLLS: u64 = 4;

/// What a call asks for, its form checked.
#[derive(Debug)]
pub(super) enum Job {
    /// Under a key.
    Send(Sending, u128),
    Look(Look),
}

/// A call that has an effect.
#[derive(Debug)]
pub(super) enum Sending {
    Ingest(Chunk),
    Execute(Execution),
    Exchange(Batch),
    Submit(Submission),
    Update(Update),
}

/// A call that has none.
#[derive(Debug)]
pub(super) enum Look {
    Hierarchy,
    Contact(String),
    Import(String),
    /// Where its path is one that results have.
    Result(Option<Document>),
}

impl Job {
    /// What no other call may be about while this one is out.
    pub(super) fn alone(&self) -> Option<u64> {
        let about = |kind: &[u8], what: &[u8]| Some(fold(wide(&[kind, what])));
        match self {
            Self::Send(Sending::Ingest(chunk), _) => about(b"set", chunk.set.as_bytes()),
            Self::Send(Sending::Update(update), _) => about(b"contact", update.contact.as_bytes()),
            Self::Look(Look::Import(id)) => about(b"import", id.as_bytes()),
            Self::Send(..) | Self::Look(_) => None,
        }
    }
}

impl Sending {
    const fn family(&self) -> Family {
        match self {
            Self::Ingest(_) => Family::Ingest,
            Self::Execute(_) => Family::Execute,
            Self::Exchange(_) => Family::Exchange,
            Self::Submit(_) => Family::ImportSubmit,
            Self::Update(_) => Family::ContactWrite,
        }
    }
}

impl Platform {
    /// Carries a call out, or lets it go wrong.
    pub(super) async fn befall(self: &Arc<Self>, job: Job, content: u64, mut fate: Fate) -> Answer {
        let whole = fate.before + fate.after;
        match fate.fault {
            Some(Fault::Throttle) => {
                pass(whole).await;
                fate.chance.throttled(&self.scenario.retry_after, None)
            }
            Some(Fault::Error(status, Effect::None)) => {
                pass(whole).await;
                failed(status)
            }
            Some(Fault::Page(status)) => {
                pass(whole).await;
                Answer::proxy_page(status)
            }
            Some(Fault::Reset(Effect::None)) => {
                pass(fate.before).await;
                Answer::reset(Effect::None)
            }
            fault => {
                let answer = self.carry_out(job, content, fate.before, fate.after).await;
                match fault {
                    // without an effect there is nothing that could be unsure
                    _ if !answer.status.is_success() => answer,
                    Some(Fault::Error(status, Effect::Done)) => failed(status),
                    Some(Fault::Reset(Effect::Done)) => Answer::reset(Effect::Done),
                    Some(Fault::Truncate) => answer.delivered(Delivery::Cut),
                    _ => answer,
                }
            }
        }
    }

    async fn carry_out(
        self: &Arc<Self>,
        job: Job,
        content: u64,
        before: Duration,
        after: Duration,
    ) -> Answer {
        let (sending, key) = match job {
            Job::Send(sending, key) => (sending, key),
            Job::Look(look) => {
                pass(before).await;
                let answer = self.look(&look);
                pass(after).await;
                return answer;
            }
        };
        let body = match &sending {
            // a key is made of what a body means
            Sending::Execute(execution) => execution.content(),
            _ => content,
        };
        match self.keys_of(&sending).begin(key, body, Instant::now()) {
            Verdict::New(claim) if before.is_zero() && after.is_zero() => {
                self.take_effect(&sending, key, claim)
            }
            Verdict::New(claim) => {
                let platform = Arc::clone(self);
                // a platform that has begun goes on when its caller hangs up
                let work = tokio::spawn(async move {
                    pass(before).await;
                    let answer = platform.take_effect(&sending, key, claim);
                    pass(after).await;
                    answer
                });
                work.await.unwrap_or_else(|_| failed(StatusCode::INTERNAL_SERVER_ERROR))
            }
            Verdict::Replay { wall_ms } => {
                pass(before + after).await;
                self.again(&sending, key, wall_ms).with("idempotent-replayed", true)
            }
            Verdict::Reused => {
                self.ledger.breach(sending.family(), "an `Idempotency-Key` was used for another body");
                let message = "The idempotency key was used for another request.";
                Answer::error(StatusCode::UNPROCESSABLE_ENTITY, "idempotency.key_reused", message)
            }
            Verdict::InProgress => {
                let message = "The first request with this idempotency key is in progress.";
                Answer::error(StatusCode::CONFLICT, "idempotency.in_progress", message)
            }
        }
    }

    fn keys_of(&self, sending: &Sending) -> &Arc<Keys> {
        match sending {
            Sending::Ingest(_) => &self.ingest.keys,
            Sending::Execute(_) => &self.executions.keys,
            Sending::Exchange(_) => &self.exchange.keys,
            Sending::Submit(_) => &self.imports.keys,
            Sending::Update(_) => &self.outcomes.keys,
        }
    }

    fn look(&self, look: &Look) -> Answer {
        let jobs = &self.scenario.jobs;
        match look {
            Look::Hierarchy => Outcomes::hierarchy(),
            Look::Contact(contact) => self.outcomes.read(contact, &self.scenario),
            Look::Import(id) => {
                let nth = fold(wide(&[id.as_bytes(), &self.imports.nth(id).to_le_bytes()]));
                let mut chance = self.dice.chance(CHANCE_OF_POLLS, nth);
                self.imports.poll(id, jobs, &mut chance, Instant::now())
            }
            Look::Result(document) => self.imports.document(*document, Origin::Own, jobs.result_bytes),
        }
    }

    /// The one place where something happens: the effect, its key and the ledger in one step.
    fn take_effect(&self, sending: &Sending, key: u128, claim: Claim) -> Answer {
        let (now, wall_ms) = (Instant::now(), wall_ms());
        let done = match sending {
            Sending::Ingest(chunk) => {
                self.ingest.apply(chunk);
                Ok(chunk.accepted())
            }
            Sending::Execute(execution) => self.executions.apply(execution, key, &self.scenario),
            Sending::Exchange(batch) => self.exchange.apply(batch, key, &self.scenario),
            Sending::Submit(submission) => {
                let mut chance = self.dice.chance(CHANCE_OF_JOBS, submission.hash());
                self.imports.submit(submission, key, &self.scenario.jobs, &mut chance, now)
            }
            Sending::Update(update) => self.outcomes.apply(update, &self.scenario, now, wall_ms),
        };
        match done {
            Ok(answer) => {
                claim.settle(now, wall_ms);
                answer
            }
            Err(refusal) => refusal,
        }
    }

    /// The first answer once more.
    fn again(&self, sending: &Sending, key: u128, wall_ms: u64) -> Answer {
        match sending {
            Sending::Ingest(chunk) => chunk.accepted(),
            Sending::Execute(execution) => execution.done(key),
            Sending::Exchange(batch) => batch.accepted(key),
            Sending::Submit(_) => self.imports.submitted(key),
            Sending::Update(update) => Outcomes::updated(update, wall_ms),
        }
    }
}

/// Lets time pass; nothing at all where there is none to pass.
pub(super) async fn pass(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

fn wall_ms() -> u64 {
    let since =
        SystemTime::from(crate::machine::now()).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn failed(status: StatusCode) -> Answer {
    let code = match status {
        StatusCode::SERVICE_UNAVAILABLE => "service.unavailable",
        StatusCode::GATEWAY_TIMEOUT => "request.timeout",
        StatusCode::BAD_GATEWAY => "bad.gateway",
        _ => "internal.server.error",
    };
    let message = format!("The request failed: {}.", status.canonical_reason().unwrap_or("server error"));
    Answer::error(status, code, &message)
}
