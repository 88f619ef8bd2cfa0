//! Chunked dataset ingest: one chunk checked, and applied to its set.
//!
//! Of a record nothing is kept but a hash and how often it took effect; of a set, a running SHA-256 over its records
//! in the order in which they were applied, so that a test can compare it with the dataset: each record's exact
//! bytes, then a line feed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::{Uuid, Variant, Version};

use super::answer::Answer;
use super::hash::{HashedMap, hold, narrow, shown};
use super::multipart;

/// All sets, and what took effect.
#[derive(Debug, Default)]
pub(super) struct Ingest {
    sets: Mutex<HashMap<Uuid, Arc<Mutex<Set>>>>,
    effects: Mutex<Effects>,
}

#[derive(Debug, Default)]
struct Set {
    records: u64,
    chunks: u64,
    digest: Sha256,
}

#[derive(Debug, Default)]
struct Effects {
    records: HashedMap<u64, u32>,
    applied: u64,
    twice_or_more: u64,
    most: u32,
}

/// A chunk that passed every check.
#[derive(Debug)]
pub(super) struct Chunk {
    pub set: Uuid,
    body: Bytes,
    /// Where each record ends and begins in the body, and its hash.
    records: Vec<(usize, usize, u64)>,
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
        let records = records(&array)?;
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
    /// The effect: the chunk's records join its set, in order.
    pub(super) fn apply(&self, chunk: &Chunk) {
        let set = Arc::clone(hold(&self.sets).entry(chunk.set).or_default());
        let mut set = hold(&set);
        set.chunks += 1;
        set.records += chunk.records.len() as u64;
        for (start, end, _) in &chunk.records {
            set.digest.update(chunk.body.get(*start..*end).unwrap_or_default());
            set.digest.update(b"\n");
        }
        let mut effects = hold(&self.effects);
        let effects = &mut *effects;
        effects.applied += chunk.records.len() as u64;
        for (.., hash) in &chunk.records {
            let times = effects.records.entry(*hash).or_default();
            *times += 1;
            effects.most = effects.most.max(*times);
            effects.twice_or_more += u64::from(*times == 2);
        }
    }

    pub(super) fn json(&self, replays: u64) -> Value {
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
            "records_applied": effects.applied,
            "sets": sets,
            "replays": replays,
            "effects": {
                "distinct": effects.records.len(),
                "twice_or_more": effects.twice_or_more,
                "max": effects.most,
            },
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

/// The records of a JSON array, each where it stands.
fn records(array: &[u8]) -> Result<Vec<(usize, usize, u64)>, String> {
    if !array.trim_ascii_start().starts_with(b"[") {
        return Err("`data` is not a JSON array".to_owned());
    }
    let values: Vec<&RawValue> = serde_json::from_slice(array)
        .map_err(|error| format!("`data` is not a JSON array: {}", shown(&error.to_string())))?;
    if values.is_empty() {
        return Err("`data` is an array without records".to_owned());
    }
    let origin = array.as_ptr().addr();
    let mut records = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let text = value.get();
        if !text.starts_with(['{', '[']) {
            return Err(format!("element {index} of `data` is a scalar and no record"));
        }
        let start = text.as_ptr().addr() - origin;
        records.push((start, start + text.len(), narrow(text.as_bytes())));
    }
    Ok(records)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // writing to a string does not fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}
