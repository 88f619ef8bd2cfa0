//! Carrying a call out: what befalls it, its idempotency key, its effect.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use tokio::time::{Instant, sleep};

use super::answer::{Answer, Delivery, Effect};
use super::dice::{Fate, Fault};
use super::hash::{fold, wide};
use super::ingest::Chunk;
use super::keys::{Claim, Verdict};
use super::outcomes::{Outcomes, Update};
use super::quota::Family;
use super::reception::Platform;

/// What a call asks to be done, its form checked.
pub(super) enum Job {
    Ingest(Chunk, u128),
    Update(Update, u128),
    Read(String),
    Hierarchy,
}

impl Job {
    /// What no other call may be about while this one is out.
    pub(super) fn alone(&self) -> Option<u64> {
        match self {
            Self::Ingest(chunk, _) => Some(fold(wide(&[b"set", chunk.set.as_bytes()]))),
            Self::Update(update, _) => Some(fold(wide(&[b"contact", update.contact.as_bytes()]))),
            Self::Read(_) | Self::Hierarchy => None,
        }
    }

    const fn family(&self) -> Family {
        match self {
            Self::Ingest(..) => Family::Ingest,
            Self::Update(..) => Family::ContactWrite,
            Self::Read(_) => Family::ContactRead,
            Self::Hierarchy => Family::Hierarchy,
        }
    }

    /// The first answer once more.
    fn again(&self, wall_ms: u64) -> Answer {
        match self {
            Self::Ingest(chunk, _) => chunk.accepted(),
            Self::Update(update, _) => Outcomes::updated(update, wall_ms),
            Self::Read(_) | Self::Hierarchy => Outcomes::hierarchy(),
        }
    }
}

impl Platform {
    /// Carries a call out, or lets it go wrong.
    pub(super) async fn befall(self: &Arc<Self>, job: Job, identity: u64, mut fate: Fate) -> Answer {
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
                let answer = self.carry_out(job, identity, fate.before, fate.after).await;
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
        identity: u64,
        before: Duration,
        after: Duration,
    ) -> Answer {
        let begun = match &job {
            Job::Ingest(_, key) => self.ingest_keys.begin(*key, identity, Instant::now()),
            Job::Update(_, key) => self.outcome_keys.begin(*key, identity, Instant::now()),
            Job::Read(_) | Job::Hierarchy => {
                pass(before + after).await;
                return self.look(&job);
            }
        };
        match begun {
            Verdict::New(claim) if before.is_zero() && after.is_zero() => self.take_effect(&job, claim),
            Verdict::New(claim) => {
                let platform = Arc::clone(self);
                // a platform that has begun goes on when its caller hangs up
                let work = tokio::spawn(async move {
                    pass(before).await;
                    let answer = platform.take_effect(&job, claim);
                    pass(after).await;
                    answer
                });
                work.await.unwrap_or_else(|_| failed(StatusCode::INTERNAL_SERVER_ERROR))
            }
            Verdict::Replay { wall_ms } => {
                pass(before + after).await;
                job.again(wall_ms).with("idempotent-replayed", true)
            }
            Verdict::Reused => {
                self.ledger.breach(job.family(), "an `Idempotency-Key` was used for another body");
                let message = "The idempotency key was used for another request.";
                Answer::error(StatusCode::UNPROCESSABLE_ENTITY, "idempotency.key_reused", message)
            }
            Verdict::InProgress => {
                let message = "The first request with this idempotency key is in progress.";
                Answer::error(StatusCode::CONFLICT, "idempotency.in_progress", message)
            }
        }
    }

    fn look(&self, job: &Job) -> Answer {
        match job {
            Job::Read(contact) => self.outcomes.read(contact, &self.scenario),
            _ => Outcomes::hierarchy(),
        }
    }

    /// The one place where something happens: the effect, its key and the ledger in one step.
    fn take_effect(&self, job: &Job, claim: Claim) -> Answer {
        let (now, wall_ms) = (Instant::now(), wall_ms());
        match job {
            Job::Ingest(chunk, _) => {
                self.ingest.apply(chunk);
                claim.settle(now, wall_ms);
                chunk.accepted()
            }
            Job::Update(update, _) => match self.outcomes.apply(update, &self.scenario, now, wall_ms) {
                Ok(answer) => {
                    claim.settle(now, wall_ms);
                    answer
                }
                Err(refusal) => refusal,
            },
            Job::Read(_) | Job::Hierarchy => self.look(job),
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
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
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
