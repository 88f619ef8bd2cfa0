//! The settings of validated batch ingestion.

use super::delivery::{Delivery, rule};
use super::operation::{Datasets, Settings, validate_path};
use crate::config::document::{Broken, DocumentError, Keys};

/// Validated batch ingestion: records that pass a JSON Schema go in batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Where batches go, behind the profile's `api_url`.
    pub path: String,
    /// The most records in a batch.
    pub chunk_records: u32,
    /// The most bytes in a batch's body.
    pub chunk_bytes: u64,
    /// What a record must pass: the name of a built-in schema, or a file.
    pub schema: String,
    /// Whether a refused batch is taken apart, so that its good records arrive.
    pub isolate: bool,
}

impl Default for Exchange {
    fn default() -> Self {
        Self {
            path: "/api/v2/dataexchange/ingestion".to_owned(),
            chunk_records: 500,
            chunk_bytes: 10_000_000,
            schema: "interaction".to_owned(),
            isolate: true,
        }
    }
}

impl Settings for Exchange {
    fn keys(&mut self, keys: &mut Keys<'_>) -> Result<(), DocumentError> {
        keys.key("path", &mut self.path)?;
        keys.key("chunk_records", &mut self.chunk_records)?;
        keys.key("chunk_bytes", &mut self.chunk_bytes)?;
        keys.key("schema", &mut self.schema)?;
        keys.key("isolate", &mut self.isolate)
    }

    fn validate(&self) -> Result<(), Broken> {
        validate_path("path", &self.path)?;
        rule(self.chunk_records >= 1, "chunk_records", "must be at least 1")?;
        rule(self.chunk_bytes >= 1000, "chunk_bytes", "must be at least 1000")?;
        rule(!self.schema.is_empty(), "schema", "must name a schema or a file")
    }

    fn delivery(&self) -> Delivery {
        Delivery { workers: 5, ..Delivery::default() }
    }

    fn datasets(&self) -> Datasets {
        Datasets::One
    }

    fn files(&mut self) -> Vec<&mut String> {
        if self.schema == Self::default().schema { Vec::new() } else { vec![&mut self.schema] }
    }
}
