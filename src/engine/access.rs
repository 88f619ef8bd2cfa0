//! What it takes to make a call: a token, leave, and the way to the platform.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::carry::moment;
use super::faults;
use crate::model::{Fault, Stage};
use crate::pacing::{Backoff, Lane, LaneAnswer, LaneChange, Leave, Outcome, WindowHint};
use crate::plan::Delivery;
use crate::platform::{
    Answer, CallError, PlatformError, Request, RetryAfter, Token, TokenError, Tokens, Transport, error_body,
};

/// How long a token is tried for again where somebody waits who only looks: a minute with a first try that takes its
/// longest, and the last.
const SOON: Duration = Duration::from_secs(30);

/// The way to one tenant at its pace.
pub(super) struct Access {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) tokens: Tokens,
    pub(super) lane: Lane,
    pub(super) delivery: Delivery,
    pub(super) rng: Mutex<fastrand::Rng>,
    /// Before when the operation's own look is not made again: the platform said so.
    pub(super) look_not_before: Mutex<Option<Instant>>,
}

/// What one call brought, in the words of the decision table.
pub(super) struct Brought {
    pub(super) outcome: Outcome,
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<Duration>,
    /// What the platform said, where it did not accept.
    pub(super) error: PlatformError,
    pub(super) answer: Option<Answer>,
    pub(super) correlation_id: Option<String>,
    /// What it changed for the lane.
    pub(super) change: Option<LaneChange>,
}

impl Brought {
    /// That nobody was reached, or nobody who could answer.
    pub(super) fn unreachable(&self) -> Fault {
        let said = &self.error.message;
        match self.status {
            Some(status) => faults::unreachable(&format!("the platform answers with status {status}"), said),
            None => faults::unreachable(said, ""),
        }
    }
}

impl Access {
    /// Makes one call, for which there is leave, and tells the lane of its answer.
    pub(super) async fn call(&self, request: &Request, token: &Token, leave: Leave) -> Brought {
        self.hear(self.transport.call(request, token).await, Some(leave))
    }

    /// Reads what a call has brought, and tells the lane, where it was one of its own.
    pub(super) fn hear(&self, result: Result<Answer, CallError>, leave: Option<Leave>) -> Brought {
        let mut brought = read(result);
        let Some(leave) = leave else { return brought };
        let answer = match brought.outcome {
            Outcome::Status(429) => LaneAnswer::Throttled { retry_after: brought.retry_after },
            Outcome::Status(_) | Outcome::InProgress => LaneAnswer::Accepted,
            Outcome::NoConnection | Outcome::NoAnswer => LaneAnswer::Lost,
        };
        let window = brought.answer.as_ref().and_then(|answer| answer.window).map(|window| WindowHint {
            used: window.used,
            allowed: window.allowed,
            resets_in: window.resets_in,
        });
        brought.change = self.lane.answered(leave, answer, window);
        brought
    }

    /// How long to wait after so many tries.
    pub(super) fn back_off(&self, attempt: u32, retry_after: Option<Duration>) -> Duration {
        let plan = self.delivery.backoff;
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        Backoff { base: plan.base, cap: plan.cap }.wait(attempt, retry_after, &mut rng)
    }

    /// Whether a Retry-After asks for more than the plan waits for in silence: it parks the run.
    pub(super) fn is_too_long(&self, retry_after: Option<Duration>) -> bool {
        retry_after.is_some_and(|wait| wait > self.delivery.retry_after_limit)
    }

    /// Returns when the operation's own look may be made.
    pub(super) async fn may_look(&self) {
        let not_before = *self.look_not_before.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = not_before {
            tokio::time::sleep_until(at).await;
        }
    }

    /// The platform wants the operation's own look no sooner than then.
    pub(super) fn look_waits(&self, until: Instant) {
        let mut not_before = self.look_not_before.lock().unwrap_or_else(PoisonError::into_inner);
        *not_before = not_before.max(Some(until));
    }

    /// Leave for a call, and a token that is valid now that there is leave: the wait for it may have been a long one.
    pub(super) async fn leave(&self, stage: Stage) -> Result<(Leave, Arc<Token>), Fault> {
        loop {
            // asked for between leave and call, it would bend the pace
            self.token().await?;
            if let Some(both) = self.lane.leave_with(stage, || self.tokens.valid()).await {
                return Ok(both);
            }
        }
    }

    /// A token, after as many tries as it takes and the plan allows.
    pub(super) async fn token(&self) -> Result<Arc<Token>, Fault> {
        match self.tokens.get().await {
            Ok(token) => Ok(token),
            Err(error) => self.token_after(error, self.delivery.throttle_patience).await,
        }
    }

    /// The same where somebody waits for it who only looks.
    pub(super) async fn token_soon(&self) -> Result<Arc<Token>, Fault> {
        match self.tokens.get().await {
            Ok(token) => Ok(token),
            Err(error) => self.token_after(error, SOON.min(self.delivery.throttle_patience)).await,
        }
    }

    /// A token other than this one, which the platform refused.
    pub(super) async fn fresh_token(&self, stale: &Token) -> Result<Arc<Token>, Fault> {
        match self.tokens.renew_after(stale).await {
            Ok(token) => Ok(token),
            Err(error) => self.token_after(error, self.delivery.throttle_patience).await,
        }
    }

    async fn token_after(&self, first: TokenError, patience: Duration) -> Result<Arc<Token>, Fault> {
        let mut error = first;
        let mut counted = 0;
        let begun = Instant::now();
        for attempt in 1.. {
            let fault = match &error {
                TokenError::Refused { .. } | TokenError::Secret(_) => {
                    return Err(faults::client_refused(&error.own_words(), error.said()));
                }
                TokenError::Throttled { .. } => faults::throttled(),
                TokenError::Trouble { .. } | TokenError::Call(_) => {
                    counted += 1;
                    faults::unreachable(&error.own_words(), error.said())
                }
            };
            let retry_after = error.retry_after().map(RetryAfter::wait);
            let at = Instant::now() + self.back_off(attempt, retry_after);
            if self.is_too_long(retry_after) {
                return Err(faults::parked(moment(at)));
            }
            let impatient = begun.elapsed() >= patience;
            if counted >= self.delivery.max_attempts || impatient {
                return Err(fault);
            }
            tokio::time::sleep_until(at).await;
            match self.tokens.get().await {
                Ok(token) => return Ok(token),
                Err(again) => error = again,
            }
        }
        Err(faults::unreachable(&error.own_words(), error.said()))
    }
}

/// The code of ours for a call that may have been carried out, for all we know.
pub(super) const NO_ANSWER: &str = "no.answer";

fn read(result: Result<Answer, CallError>) -> Brought {
    match result {
        Ok(answer) => {
            let accepted = (200..300).contains(&answer.status);
            let error = if accepted {
                PlatformError { code: None, message: String::new(), details: Vec::new() }
            } else {
                said(&answer)
            };
            let in_progress =
                answer.status == 409 && error.code.as_deref() == Some("idempotency.in_progress");
            Brought {
                outcome: if in_progress { Outcome::InProgress } else { Outcome::Status(answer.status) },
                status: Some(answer.status),
                retry_after: answer.retry_after.map(RetryAfter::wait),
                correlation_id: answer.correlation_id.clone(),
                error,
                answer: Some(answer),
                change: None,
            }
        }
        Err(error) => {
            let (outcome, code) = match &error {
                CallError::NoConnection { .. } => (Outcome::NoConnection, "no.connection"),
                CallError::NoAnswer { .. } => (Outcome::NoAnswer, NO_ANSWER),
                // it was not sent, and never can be: the item fails, as with a request that the platform refuses
                CallError::Unsendable { .. } => (Outcome::Status(400), "unsendable"),
            };
            let message = error.to_string();
            let error = PlatformError { code: Some(code.to_owned()), message, details: Vec::new() };
            let (status, retry_after, answer, correlation_id) = (None, None, None, None);
            Brought { outcome, status, retry_after, error, answer, correlation_id, change: None }
        }
    }
}

/// What a refusal says, and that its end is missing where it is.
fn said(answer: &Answer) -> PlatformError {
    let mut error = error_body::parse(answer.status, &answer.body);
    if answer.cut {
        let why = if answer.body.len() < Answer::MOST { "broke off, or is long" } else { "is over 10 MB" };
        let told = format!(" (the end of this answer is missing: it {why})");
        error.message.push_str(&told);
    }
    error
}

#[cfg(test)]
mod tests;
