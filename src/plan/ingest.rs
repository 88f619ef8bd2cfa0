//! The settings of chunked dataset ingest.

use std::time::Duration;

use super::delivery::{Delivery, Timeout, rule};
use super::operation::{Datasets, Settings, validate_path};
use crate::config::document::{Broken, DocumentError, Keys};
use crate::config::setting::word_settings;
use crate::model::words;

words! {
    /// What becomes of a dataset when one of its chunks has failed for good.
    AfterFailure, "a way to go on after a failure", {
        /// The chunk is a failure, and the next one goes.
        Continue = "continue",
        /// The run is faulted there, and the chunk stays pending.
        Stop = "stop",
    }
}

word_settings!(AfterFailure);

/// Chunked dataset ingest: each dataset goes in chunks, strictly in order, under one correlation id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingest {
    /// Where chunks go, behind the profile's `api_url`.
    pub path: String,
    /// The most records in a chunk.
    pub chunk_records: u32,
    /// The most bytes in a chunk's whole body.
    pub chunk_bytes: u64,
    /// What becomes of a dataset when one of its chunks has failed for good.
    pub after_failure: AfterFailure,
    /// How long the platform keeps a set of chunks open; `None` where nothing is known of an end.
    pub correlation_window: Option<Duration>,
}

impl Default for Ingest {
    fn default() -> Self {
        Self {
            path: "/api/v2/analytics/dataactions/ingest".to_owned(),
            chunk_records: 500,
            chunk_bytes: 10_000_000,
            after_failure: AfterFailure::Continue,
            correlation_window: None,
        }
    }
}

impl Settings for Ingest {
    fn keys(&mut self, keys: &mut Keys<'_>) -> Result<(), DocumentError> {
        keys.key("path", &mut self.path)?;
        keys.key("chunk_records", &mut self.chunk_records)?;
        keys.key("chunk_bytes", &mut self.chunk_bytes)?;
        keys.key("after_failure", &mut self.after_failure)?;
        keys.key("correlation_window", &mut self.correlation_window)
    }

    fn validate(&self) -> Result<(), Broken> {
        validate_path("path", &self.path)?;
        self.validate_chunk_records()?;
        self.validate_chunk_bytes()?;
        self.validate_correlation_window()
    }

    /// A chunk of 10 MB gets 130 s, so that a slow line is no failure.
    fn delivery(&self) -> Delivery {
        Delivery {
            timeout: Timeout { base: Duration::from_secs(30), per_100kb: Duration::from_secs(1) },
            ..Delivery::default()
        }
    }

    fn datasets(&self) -> Datasets {
        Datasets::Several
    }
}

impl Ingest {
    fn validate_chunk_records(&self) -> Result<(), Broken> {
        rule(self.chunk_records >= 1, "chunk_records", "must be at least 1")
    }

    /// Whatever the platform takes is a person's to say; too small a chunk can't hold a body's own frame.
    fn validate_chunk_bytes(&self) -> Result<(), Broken> {
        rule(self.chunk_bytes >= 1000, "chunk_bytes", "must be at least 1000")
    }

    fn validate_correlation_window(&self) -> Result<(), Broken> {
        let given = self.correlation_window.is_none_or(|window| !window.is_zero());
        rule(given, "correlation_window", "must be longer than nothing; leave it out for no end")
    }
}
