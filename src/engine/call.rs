//! One call, as every task of a run makes it: with leave, counted, and its answer told to the lane.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::carry::Shared;
use crate::pacing::{LaneAnswer, Leave, Outcome, WindowHint};
use crate::platform::{Answer, CallError, PlatformError, Request, RetryAfter, Token, error_body};

/// What one call brought, in the words of the decision table.
pub(super) struct Brought {
    pub(super) outcome: Outcome,
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<Duration>,
    /// What the platform said, where it did not accept.
    pub(super) error: PlatformError,
    pub(super) answer: Option<Answer>,
    pub(super) correlation_id: Option<String>,
}

impl Shared {
    /// Makes one call, for which there is leave.
    pub(super) async fn call(&self, request: &Request, token: &Token, leave: Leave) -> Brought {
        let traffic = &self.book.traffic;
        traffic.requests.fetch_add(1, Relaxed);
        let begun = std::time::Instant::now();
        let brought = read(self.transport.call(request, token).await);
        self.gauges.call(begun.elapsed());
        let answer = match brought.outcome {
            Outcome::Status(429) => {
                traffic.throttled.fetch_add(1, Relaxed);
                LaneAnswer::Throttled { retry_after: brought.retry_after }
            }
            Outcome::Status(500..) => {
                traffic.troubles.fetch_add(1, Relaxed);
                LaneAnswer::Accepted
            }
            Outcome::Status(_) | Outcome::InProgress => LaneAnswer::Accepted,
            Outcome::NoConnection | Outcome::NoAnswer => {
                traffic.troubles.fetch_add(1, Relaxed);
                LaneAnswer::Lost
            }
        };
        let window = brought.answer.as_ref().and_then(|answer| answer.window).map(|window| WindowHint {
            used: window.used,
            allowed: window.allowed,
            resets_in: window.resets_in,
        });
        if let Some(change) = self.lane.answered(leave, answer, window) {
            self.tell(change).await;
        }
        brought
    }
}

fn read(result: Result<Answer, CallError>) -> Brought {
    match result {
        Ok(answer) => {
            let accepted = (200..300).contains(&answer.status);
            let error = if accepted {
                PlatformError { code: None, message: String::new(), details: Vec::new() }
            } else {
                error_body::parse(answer.status, &answer.body)
            };
            let in_progress = answer.status == 409 && error.code.as_deref() == Some("idempotency.in_progress");
            Brought {
                outcome: if in_progress { Outcome::InProgress } else { Outcome::Status(answer.status) },
                status: Some(answer.status),
                retry_after: answer.retry_after.map(RetryAfter::wait),
                correlation_id: answer.correlation_id.clone(),
                error,
                answer: Some(answer),
            }
        }
        Err(error) => {
            let (outcome, code) = match &error {
                CallError::NoConnection { .. } => (Outcome::NoConnection, "no.connection"),
                CallError::NoAnswer { .. } => (Outcome::NoAnswer, "no.answer"),
                // it was not sent, and never can be: the item fails, as with a request that the platform refuses
                CallError::Unsendable { .. } => (Outcome::Status(400), "unsendable"),
            };
            let message = error.to_string();
            let error = PlatformError { code: Some(code.to_owned()), message, details: Vec::new() };
            Brought { outcome, status: None, retry_after: None, error, answer: None, correlation_id: None }
        }
    }
}
