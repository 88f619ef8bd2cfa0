//! What a tenant's import jobs are like.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::sandbox) struct JobTraits {
    #[serde(deserialize_with = "duration::read")]
    pub queued_for: Duration,
    pub runs_for: Span,
    pub stalled: f64,
    pub failed: f64,
    pub late_errors: f64,
    pub failed_empty: f64,
    pub result_url: f64,
    pub foreign: f64,
    pub redirects: f64,
    pub row_errors: f64,
    pub result_bytes: u32,
    pub capitals: f64,
    pub other_words: f64,
    pub completed_word: String,
    pub failed_word: String,
}

/// From the shortest to the longest.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::sandbox) struct Span {
    #[serde(deserialize_with = "duration::read")]
    pub min: Duration,
    #[serde(deserialize_with = "duration::read")]
    pub max: Duration,
}

impl Default for JobTraits {
    fn default() -> Self {
        Self {
            queued_for: Duration::ZERO,
            runs_for: Span::default(),
            stalled: 0.0,
            failed: 0.0,
            late_errors: 0.0,
            failed_empty: 0.0,
            result_url: 0.0,
            foreign: 0.0,
            redirects: 0.0,
            row_errors: 0.0,
            result_bytes: 0,
            capitals: 0.0,
            other_words: 0.0,
            completed_word: "completed".to_owned(),
            failed_word: "failed".to_owned(),
        }
    }
}

impl JobTraits {
    /// Every share; each entry's must lie between 0 and 1.
    pub(super) const fn shares(&self) -> [(&'static str, f64); 10] {
        [
            ("stalled", self.stalled + self.failed),
            ("failed", self.failed),
            ("late_errors", self.late_errors + self.failed_empty),
            ("failed_empty", self.failed_empty),
            ("result_url", self.result_url),
            ("foreign", self.foreign),
            ("redirects", self.redirects),
            ("row_errors", self.row_errors),
            ("capitals", self.capitals),
            ("other_words", self.other_words),
        ]
    }
}
