//! The settings of idempotent Data Action execution.

use std::time::Duration;

use super::delivery::{Delivery, rule};
use super::operation::{Datasets, Settings, validate_path};
use crate::config::document::{Broken, DocumentError, Keys};
use crate::config::setting::word_settings;
use crate::model::words;

words! {
    /// What the body of a call is made of.
    Wrap, "a way to wrap a record", {
        /// The record itself.
        None = "none",
        /// An object whose only member, `inputs`, is the record.
        Inputs = "inputs",
    }
}

words! {
    /// What makes two executions the same.
    KeyScope, "a scope of keys", {
        /// The same action with the same content, in whichever run.
        Content = "content",
        /// Nothing but being the same record of the same run.
        Run = "run",
    }
}

word_settings!(Wrap, KeyScope);

/// Idempotent execution: each record runs one Data Action, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execute {
    /// Where an action is executed, behind the profile's `api_url`; `{actionId}` stands for its id.
    pub path: String,
    /// The Data Action's id.
    pub action: String,
    /// What the body is made of.
    pub wrap: Wrap,
    /// What makes two executions the same.
    pub key_scope: KeyScope,
    /// Whether the key goes out as a quoted structured string.
    pub quote_keys: bool,
    /// How long a result stands for its execution.
    pub result_ttl: Duration,
    /// How long a lock outlives the process that holds it.
    pub lock_lease: Duration,
}

/// Stands in a path for the action's id.
const ACTION_ID: &str = "{actionId}";

impl Default for Execute {
    fn default() -> Self {
        Self {
            path: "/api/v2/integrations/dataactions/{actionId}/execute".to_owned(),
            action: String::new(),
            wrap: Wrap::None,
            key_scope: KeyScope::Content,
            quote_keys: false,
            result_ttl: Duration::from_hours(24),
            lock_lease: Duration::from_secs(30),
        }
    }
}

impl Settings for Execute {
    fn keys(&mut self, keys: &mut Keys<'_>) -> Result<(), DocumentError> {
        keys.key("path", &mut self.path)?;
        keys.key("action", &mut self.action)?;
        keys.key("wrap", &mut self.wrap)?;
        keys.key("key_scope", &mut self.key_scope)?;
        keys.key("quote_keys", &mut self.quote_keys)?;
        keys.key("result_ttl", &mut self.result_ttl)?;
        keys.key("lock_lease", &mut self.lock_lease)
    }

    fn validate(&self) -> Result<(), Broken> {
        validate_path("path", &self.path)?;
        rule(
            self.path.matches(ACTION_ID).count() <= 1,
            "path",
            "must hold `{actionId}` at most once, in the place of the action's id",
        )?;
        rule(
            !matches!(self.action.as_str(), "." | ".."),
            "action",
            "must be an id that can stand as one segment of a URL's path",
        )?;
        rule(!self.result_ttl.is_zero(), "result_ttl", "must be longer than nothing")?;
        rule(self.lock_lease >= Duration::from_secs(1), "lock_lease", "must be at least `1s`")
    }

    fn delivery(&self) -> Delivery {
        Delivery { workers: 8, max_attempts: 3, ..Delivery::default() }
    }

    fn datasets(&self) -> Datasets {
        Datasets::One
    }

    fn missing(&self) -> Option<&'static str> {
        self.action.is_empty().then_some(
            "`execute` needs the id of a Data Action\nhint: name it with --action ID, or as `action` in the plan's [operation]",
        )
    }
}
