//! Data Exchange: a batch of records is taken as a whole, or refused as a whole and has no effect at all.
//!
//! Two kinds of records are refused. One that breaks the interaction schema should never have been sent: its batch is
//! a breach too (but in a `lax` scenario, where plans have schemas of their own). And some the platform alone knows to
//! be wrong: those of `"customer_segment": "refused"`, those whose `external_id` begins with `refused-`, and a share by
//! scenario.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::dice::point;
use super::effects::{Effects, Sum};
use super::hash::{HashedMap, hold, narrow};
use super::interaction;
use super::keys::Keys;
use super::records::records;
use super::scenario::{Refusals, Scenario};
use super::token::media_type;

/// Sets what is refused here apart from other decisions by the same seed.
const SALT: u64 = 4;

/// All batches.
#[derive(Debug)]
pub(super) struct Exchange {
    seed: u64,
    pub(super) keys: Arc<Keys>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    records: Effects,
    digest: Sum,
    batches: u64,
    largest: usize,
    refused: u64,
    resent: u64,
    /// Bodies whose refusal was told, and the token under which.
    told: HashedMap<u64, u64>,
}

/// A batch whose form is right.
#[derive(Debug)]
pub(super) struct Batch {
    body: Bytes,
    hash: u64,
    records: Vec<(Range<usize>, u64)>,
    refused: Vec<Refused>,
    /// Where a record breaks the schema.
    pub(super) breach: Option<String>,
}

#[derive(Debug)]
struct Refused {
    index: usize,
    code: &'static str,
    message: &'static str,
}

/// A body as it is remembered after its refusal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body {
    hash: u64,
    records: usize,
}

impl Batch {
    pub(super) fn body(&self) -> Body {
        Body { hash: self.hash, records: self.records.len() }
    }

    /// The answer to it: the same whenever it is given for a key.
    pub(super) fn accepted(&self, key: u128) -> Answer {
        let status = if self.hash.is_multiple_of(2) { StatusCode::OK } else { StatusCode::CREATED };
        let id = uuid::Builder::from_random_bytes((key ^ u128::from(self.hash)).to_le_bytes()).into_uuid();
        let body = json!({"status": "accepted", "batchId": id.to_string(), "accepted": self.records.len()});
        Answer::json(status, &body)
    }

    fn refusal(&self, refusals: Refusals) -> Answer {
        let message = "Some records of the batch were refused; none was taken.";
        if refusals == Refusals::Unnamed {
            return Answer::json(StatusCode::UNPROCESSABLE_ENTITY, &json!({"message": message}));
        }
        let status = if self.hash.is_multiple_of(2) {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::BAD_REQUEST
        };
        let errors: Vec<Value> = self
            .refused
            .iter()
            .map(|one| json!({"errorCode": one.code, "message": one.message, "index": one.index}))
            .collect();
        let body = json!({
            "message": message, "code": "records.refused", "status": status.as_u16(), "errors": errors,
        });
        Answer::json(status, &body)
    }
}

impl Exchange {
    pub(super) fn new(seed: u64, key_life: Duration) -> Self {
        Self { seed, keys: Arc::new(Keys::new(key_life)), state: Mutex::default() }
    }

    /// Checks a batch: its form, then each record.
    ///
    /// # Errors
    /// What is wrong with the form, in words: a breach, answered with 400.
    pub(super) fn check(
        &self,
        headers: &HeaderMap,
        body: &Bytes,
        scenario: &Scenario,
    ) -> Result<Batch, String> {
        if media_type(headers) != Some("application/json") {
            return Err("a batch must be sent as `application/json`".to_owned());
        }
        let ranges = records(body, "the body")?;
        let mut batch = Batch {
            body: body.clone(),
            hash: narrow(body),
            records: Vec::with_capacity(ranges.len()),
            refused: Vec::new(),
            breach: None,
        };
        for (index, range) in ranges.into_iter().enumerate() {
            let text = body.get(range.clone()).unwrap_or_default();
            let record: Option<Map<String, Value>> = serde_json::from_slice(text).ok();
            let member = |name: &str| record.as_ref().and_then(|record| record.get(name)?.as_str());
            let id = member("external_id").map_or_else(|| narrow(text), |id| narrow(id.as_bytes()));
            batch.records.push((range, id));
            let broken = match &record {
                _ if scenario.lax => None,
                Some(record) => interaction::wrong(record),
                None => Some("a record must be an object"),
            };
            if let Some(message) = broken {
                batch.refused.push(Refused { index, code: "SCHEMA_MISMATCH", message });
                batch.breach.get_or_insert_with(|| {
                    format!("a record that breaks the schema was sent: index {index}: {message}")
                });
            } else if member("customer_segment") == Some("refused")
                || member("external_id").is_some_and(|id| id.starts_with("refused-"))
                || point(self.seed, SALT, id) < scenario.refused_records
            {
                let message = "the record is not acceptable to this tenant";
                batch.refused.push(Refused { index, code: "RECORD_REFUSED", message });
            }
        }
        Ok(batch)
    }

    /// The effect, where there is one: every record of the batch is taken.
    ///
    /// # Errors
    /// The answer to a batch that holds a record that is refused.
    pub(super) fn apply(&self, batch: &Batch, key: u128, scenario: &Scenario) -> Result<Answer, Answer> {
        let mut state = hold(&self.state);
        let state = &mut *state;
        if !batch.refused.is_empty() {
            state.refused += 1;
            return Err(batch.refusal(scenario.refusals));
        }
        state.batches += 1;
        state.largest = state.largest.max(batch.body.len());
        for (range, id) in &batch.records {
            state.records.count(*id);
            state.digest.add(batch.body.get(range.clone()).unwrap_or_default());
        }
        Ok(batch.accepted(key))
    }

    /// A batch arrives: was its caller told that it is refused as it is?
    ///
    /// A single record is an item of its own, which a person may send again. And a caller with another token may be a
    /// process that never read the answer.
    pub(super) fn was_refused(&self, body: Body, bearer: u64) -> bool {
        let mut state = hold(&self.state);
        let again = body.records > 1 && state.told.get(&body.hash) == Some(&bearer);
        state.resent += u64::from(again);
        again
    }

    /// A refusal was handed over.
    pub(super) fn told(&self, body: Body, bearer: u64) {
        hold(&self.state).told.insert(body.hash, bearer);
    }

    pub(super) fn json(&self) -> Value {
        let (state, keys) = (hold(&self.state), self.keys.figures());
        json!({
            "batches_applied": state.batches,
            "records_applied": state.records.applied(),
            "replays": keys.replays,
            "refused": state.refused,
            "sent_again_as_refused": state.resent,
            "effects": state.records.json(),
            "effects_by_key": keys.json(),
            "digest": state.digest.hex(),
            "largest_body": state.largest,
        })
    }
}
