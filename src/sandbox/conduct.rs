//! What a caller must keep from one call to the next: a refused batch is not sent again as it was, and a job is not
//! asked after too often.
//!
//! A caller can only keep what it was told, so it is noted when an answer is handed over, and not when it is decided.

use axum::http::StatusCode;
use tokio::time::Instant;

use super::dice::mix;
use super::exchange::Body;
use super::imports::Document;
use super::quota::Family;
use super::reception::Platform;
use super::work::{Job, Look, Sending};

/// What is to be noted of a call when it is answered.
#[derive(Debug)]
pub(super) enum Errand {
    Nothing,
    Batch(Body),
    Submission { key: u128 },
    Poll { id: String },
    Fetch(Document),
}

impl Errand {
    /// What is left of it after an answer of that status.
    pub(super) fn of(self, status: StatusCode) -> Self {
        let tells = match self {
            Self::Batch(_) => matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY),
            _ => status.is_success(),
        };
        if tells { self } else { Self::Nothing }
    }
}

impl Platform {
    /// A call arrives whose form is right: was it to come, and now?
    pub(super) fn judge(&self, job: &Job, family: Family, bearer: u64, now: Instant) -> Errand {
        match job {
            Job::Send(Sending::Exchange(batch), _) => {
                if let Some(what) = &batch.breach {
                    self.ledger.breach(family, what);
                }
                if self.exchange.was_refused(batch.body(), bearer) {
                    self.ledger.breach(family, "a batch was sent again as it was after it had been refused");
                }
                Errand::Batch(batch.body())
            }
            Job::Send(Sending::Submit(_), key) => Errand::Submission { key: *key },
            Job::Look(Look::Import(id)) => {
                if let Some(what) = self.imports.arrive(id, bearer, now) {
                    self.ledger.breach(family, &what);
                }
                Errand::Poll { id: id.clone() }
            }
            Job::Look(Look::Result(Some(document))) => Errand::Fetch(*document),
            _ => Errand::Nothing,
        }
    }

    /// A call was answered, and its caller has the answer.
    pub(super) fn note(&self, errand: Errand, bearer: u64) {
        let now = Instant::now();
        match errand {
            Errand::Batch(body) => self.exchange.told(body, bearer),
            Errand::Submission { key } => self.imports.told_of_submission(key, bearer, now),
            Errand::Poll { id } => self.imports.told(&id, bearer, now),
            Errand::Fetch(document) => self.imports.fetched(document),
            Errand::Nothing => {}
        }
    }

    /// What a call's fate hangs on: each poll of a job has its own.
    pub(super) fn identity(&self, job: &Job, content: u64) -> u64 {
        match job {
            Job::Look(Look::Import(id)) => content ^ mix(self.imports.nth(id)),
            _ => content,
        }
    }
}
