//! Chunked dataset ingest: one chunk checked, and applied to its set.
//!
//! Of a record nothing is kept but a hash and how often it took effect; of a set, a running SHA-256 over its records
//! in the order in which they were applied, so that a test can compare it with the dataset: each record's exact
//! bytes, then a line feed.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::{Uuid, Variant, Version};

use super::answer::Answer;
use super::effects::Effects;
use super::hash::{hex, hold, narrow, shown};
use super::keys::Keys;
use super::multipart;
use super::records::records;

/// All sets, and what took effect.
#[derive(Debug)]
pub(super) struct Ingest {
    pub(super) keys: Arc<Keys>,
    sets: Mutex<HashMap<Uuid, Arc<Mutex<Set>>>>,
    effects: Mutex<Effects>,
}

#[derive(Debug, Default)]
struct Set {
    records: u64,
    chunks: u64,
    digest: Sha256,
}

/// A chunk that passed every check.
#[derive(Debug)]
pub(super) struct Chunk {
    pub set: Uuid,
    body: Bytes,
    /// Where each record is in the body, and its hash.
    records: Vec<(Range<usize>, u64)>,
}

impl Chunk {
    /// Checks a chunk's headers and body.
    ///
    /// # Errors
    /// What is wrong, in words: a breach, answered with 400.
    pub(super) fn check(headers: &HeaderMap, body: &Bytes) -> Result<Self, String> {
        let set = correlation_id(headers)?;
        let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let range = multipart::only_field(kind, body, "data").map_err(|what| format!("multipart: {what}"))?;
        let array = body.slice(range);
        let records = records(&array, "`data`")?
            .into_iter()
            .map(|range| {
                let hash = narrow(array.get(range.clone()).unwrap_or_default());
                (range, hash)
            })
            .collect();
        Ok(Self { set, body: array, records })
    }

    /// The answer to it: the same whenever it is given.
    pub(super) fn accepted(&self) -> Answer {
        let status = if self.set.as_u128().is_multiple_of(2) { StatusCode::ACCEPTED } else { StatusCode::OK };
        let body = json!({
            "status": "accepted", "correlationId": self.set.to_string(), "records": self.records.len(),
        });
        Answer::json(status, &body)
    }
}

impl Ingest {
    pub(super) fn new(key_life: Duration) -> Self {
        let (sets, effects) = (Mutex::default(), Mutex::default());
        Self { keys: Arc::new(Keys::new(key_life)), sets, effects }
    }

    /// The effect: the chunk's records join its set, in order.
    pub(super) fn apply(&self, chunk: &Chunk) {
        let set = Arc::clone(hold(&self.sets).entry(chunk.set).or_default());
        let mut set = hold(&set);
        set.chunks += 1;
        set.records += chunk.records.len() as u64;
        for (range, _) in &chunk.records {
            set.digest.update(chunk.body.get(range.clone()).unwrap_or_default());
            set.digest.update(b"\n");
        }
        let mut effects = hold(&self.effects);
        chunk.records.iter().for_each(|(_, hash)| effects.count(*hash));
    }

    pub(super) fn json(&self) -> Value {
        let sets: BTreeMap<String, Value> = hold(&self.sets)
            .iter()
            .map(|(id, set)| {
                let set = hold(set);
                let digest = hex(&set.digest.clone().finalize());
                (id.to_string(), json!({"records": set.records, "chunks": set.chunks, "digest": digest}))
            })
            .collect();
        let effects = hold(&self.effects);
        json!({
            "records_applied": effects.applied(),
            "sets": sets,
            "replays": self.keys.figures().replays,
            "effects": effects.json(),
        })
    }
}

/// `X-Genesys-Correlation-Id`: one UUID v4 (RFC 9562 §5.4), written with hyphens.
fn correlation_id(headers: &HeaderMap) -> Result<Uuid, String> {
    let mut given = headers.get_all("x-genesys-correlation-id").iter();
    let Some(id) = given.next() else { return Err("no `X-Genesys-Correlation-Id`".to_owned()) };
    if given.next().is_some() {
        return Err("more than one `X-Genesys-Correlation-Id`".to_owned());
    }
    let text = id.to_str().unwrap_or_default();
    let uuid = Uuid::try_parse(text).ok().filter(|uuid| {
        text.len() == 36
            && uuid.get_version() == Some(Version::Random)
            && uuid.get_variant() == Variant::RFC4122
    });
    uuid.ok_or_else(|| format!("`X-Genesys-Correlation-Id` is no UUID v4: `{}`", shown(text)))
}
