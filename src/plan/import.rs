//! The settings of long-running import jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::delivery::{Delivery, Unsure, rule};
use super::operation::{Datasets, Settings, validate_path};
use crate::config::document::{Broken, DocumentError, Keys};
use crate::config::setting::word_settings;
use crate::model::words;

words! {
    /// Where a remote job stands.
    JobState, "a job's state", {
        /// It has not begun.
        Queued = "queued",
        /// It runs.
        InProgress = "in-progress",
        /// It is at its end, and has a result.
        Completed = "completed",
        /// It is at its end, and has none.
        Failed = "failed",
    }
}

word_settings!(JobState);

/// Import jobs: each record asks for one, which is then watched to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Where jobs are asked for, behind the profile's `api_url`.
    pub path: String,
    /// Where one job is; `{id}` stands for its id. `None` is `path` and `/{id}`.
    pub poll_path: Option<String>,
    /// How long one job is watched while the run does so.
    pub poll_timeout: Duration,
    /// The most jobs that are asked for and not at their end.
    pub max_open_jobs: u32,
    /// What a tenant's own words for a job's state mean.
    pub job_states: BTreeMap<String, JobState>,
}

/// Stands in a path for a job's id.
const ID: &str = "{id}";

impl Import {
    /// Where one job is, `{id}` standing for its id.
    #[must_use]
    pub fn poll_path(&self) -> String {
        self.poll_path.clone().unwrap_or_else(|| format!("{}/{ID}", self.path.trim_end_matches('/')))
    }
}

impl Default for Import {
    fn default() -> Self {
        Self {
            path: "/api/v2/dataimport/imports".to_owned(),
            poll_path: None,
            poll_timeout: Duration::from_mins(5),
            max_open_jobs: 50,
            job_states: BTreeMap::new(),
        }
    }
}

impl Settings for Import {
    fn keys(&mut self, keys: &mut Keys<'_>) -> Result<(), DocumentError> {
        keys.key("path", &mut self.path)?;
        keys.key("poll_path", &mut self.poll_path)?;
        keys.key("poll_timeout", &mut self.poll_timeout)?;
        keys.key("max_open_jobs", &mut self.max_open_jobs)?;
        keys.key("job_states", &mut self.job_states)
    }

    fn validate(&self) -> Result<(), Broken> {
        validate_path("path", &self.path)?;
        if let Some(path) = &self.poll_path {
            validate_path("poll_path", path)?;
            rule(
                path.matches(ID).count() == 1,
                "poll_path",
                "must hold `{id}` once, in the place of the job's id",
            )?;
        }
        rule(!self.poll_timeout.is_zero(), "poll_timeout", "must be longer than nothing")?;
        rule(self.max_open_jobs >= 1, "max_open_jobs", "must be at least 1")
    }

    /// A job that may have been asked for is never asked for again without a person's word.
    fn delivery(&self) -> Delivery {
        Delivery { workers: 4, unsure: Unsure::Fail, ..Delivery::default() }
    }

    fn datasets(&self) -> Datasets {
        Datasets::One
    }
}
