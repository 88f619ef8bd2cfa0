//! Data Action execution: one call, one effect, and what took effect by body and by action.
//!
//! A body with `"refuse": true` (itself, or under `inputs`) is refused by the action, and an action whose id begins
//! with `unknown` does not exist, whatever the scenario says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::answer::Answer;
use super::canonical::canonical;
use super::dice::point;
use super::effects::{Effects, Sum};
use super::hash::{fold, hex, hold, wide};
use super::keys::Keys;
use super::scenario::Scenario;
use super::token::media_type;

/// Sets what is refused here apart from other decisions by the same seed.
const SALT: u64 = 3;

/// All executions.
#[derive(Debug)]
pub(super) struct Executions {
    seed: u64,
    pub(super) keys: Arc<Keys>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_body: Effects,
    actions: BTreeMap<String, u64>,
    digest: Sum,
    content_keys: u64,
    other_keys: u64,
    refused: u64,
}

/// An execution whose form is right.
#[derive(Debug)]
pub(super) struct Execution {
    action: String,
    body: Bytes,
    /// Of action and body in canonical form.
    content: u128,
    /// Whether the key is the one that a content has in every run.
    key_is_content: bool,
    refuses: bool,
}

impl Execution {
    /// Checks an execution; `key` is the wide hash of its idempotency key.
    ///
    /// # Errors
    /// What is wrong, in words: a breach, answered with 400.
    pub(super) fn check(
        action: String,
        headers: &HeaderMap,
        body: &Bytes,
        key: u128,
    ) -> Result<Self, String> {
        if media_type(headers) != Some("application/json") {
            return Err("an execution must be sent as `application/json`".to_owned());
        }
        let form = canonical(body).map_err(|what| format!("a body that has no canonical form: {what}"))?;
        if !form.starts_with(['{', '[']) {
            return Err("a body that is a scalar and no record".to_owned());
        }
        let content_key = hex(&Sha256::digest(format!("{action}:{form}").as_bytes()));
        let read: Value = serde_json::from_str(&form).unwrap_or_default();
        let refuses = |at: &Value| at.get("refuse") == Some(&Value::Bool(true));
        Ok(Self {
            content: wide(&[action.as_bytes(), form.as_bytes()]),
            key_is_content: wide(&[content_key.as_bytes()]) == key,
            refuses: refuses(&read) || read.get("inputs").is_some_and(refuses),
            body: body.clone(),
            action,
        })
    }

    /// What a key stands for: bodies that mean the same are the same.
    pub(super) const fn content(&self) -> u64 {
        fold(self.content)
    }

    /// The answer to it: the same whenever it is given for a key.
    pub(super) fn done(&self, key: u128) -> Answer {
        let id = uuid::Builder::from_random_bytes((self.content ^ key).to_le_bytes()).into_uuid();
        let body = json!({
            "executionId": id.to_string(),
            "actionId": self.action,
            "result": {"status": "done", "reference": format!("{:016x}", self.content())},
        });
        Answer::json(StatusCode::OK, &body)
    }
}

impl Executions {
    pub(super) fn new(seed: u64, key_life: Duration) -> Self {
        Self { seed, keys: Arc::new(Keys::new(key_life)), state: Mutex::default() }
    }

    /// The effect, where there is one.
    ///
    /// # Errors
    /// The answer to an execution that can't be: an unknown action, or one that refuses this body.
    pub(super) fn apply(
        &self,
        execution: &Execution,
        key: u128,
        scenario: &Scenario,
    ) -> Result<Answer, Answer> {
        let mut state = hold(&self.state);
        let state = &mut *state;
        if execution.action.starts_with("unknown") {
            state.refused += 1;
            let message = "The data action does not exist.";
            return Err(Answer::error(StatusCode::NOT_FOUND, "action.not.found", message));
        }
        if execution.refuses || point(self.seed, SALT, execution.content()) < scenario.refused_actions {
            state.refused += 1;
            let message = "The data action refused its input.";
            return Err(Answer::error(StatusCode::BAD_REQUEST, "action.refused", message));
        }
        state.by_body.count(execution.content());
        state.digest.add(&execution.body);
        *state.actions.entry(execution.action.clone()).or_default() += 1;
        *(if execution.key_is_content { &mut state.content_keys } else { &mut state.other_keys }) += 1;
        Ok(execution.done(key))
    }

    pub(super) fn json(&self) -> Value {
        let (state, keys) = (hold(&self.state), self.keys.figures());
        json!({
            "applied": state.by_body.applied(),
            "replays": keys.replays,
            "refused": state.refused,
            "effects": state.by_body.json(),
            "effects_by_key": keys.json(),
            "content_keys": state.content_keys,
            "other_keys": state.other_keys,
            "digest": state.digest.hex(),
            "actions": state.actions,
        })
    }
}
