//! Contacts and what became of them: the hierarchy of outcomes, reading a contact, setting its outcome.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::Answer;
use super::dice::point;
use super::hash::{FNV_START, HashedMap, fnv1a, fold, hold, wide};
use super::keys::Keys;
use super::scenario::Scenario;
use super::token::media_type;

/// Category id and name, each with its subcategories' ids and names.
type Category = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What an outcome can be in this tenant.
pub(super) const HIERARCHY: [Category; 4] = [
    (
        "oc-100",
        "Contacted",
        &[
            ("oc-101", "Sale"),
            ("oc-102", "Price refused"),
            ("oc-103", "No budget"),
            ("oc-104", "No interest"),
            ("oc-105", "Callback"),
        ],
    ),
    (
        "oc-200",
        "Not contacted",
        &[("oc-201", "No answer"), ("oc-202", "Busy"), ("oc-203", "Voicemail"), ("oc-204", "Wrong number")],
    ),
    (
        "oc-300",
        "Do not contact",
        &[("oc-301", "Asked not to be called"), ("oc-302", "Legal hold"), ("oc-303", "Deceased")],
    ),
    (
        "oc-400",
        "Technical",
        &[("oc-401", "Line dropped"), ("oc-402", "Bad audio"), ("oc-403", "Agent logged out")],
    ),
];

/// All contacts that were touched.
#[derive(Debug)]
pub(super) struct Outcomes {
    seed: u64,
    pub(super) keys: Arc<Keys>,
    contacts: Mutex<Contacts>,
    /// From when on a contact that is open at an agent's desk is refused no longer.
    in_use: Mutex<HashedMap<u64, Instant>>,
}

#[derive(Debug, Default)]
struct Contacts {
    known: HashMap<Box<str>, Contact>,
    applied: u64,
    repeated: u64,
}

#[derive(Debug)]
struct Contact {
    count: u64,
    sequence: u64,
    last: Outcome,
    wall_ms: u64,
}

/// Places in [`HIERARCHY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outcome {
    category: usize,
    subcategory: usize,
}

impl Outcome {
    fn find(category: &str, subcategory: &str) -> Option<Self> {
        let is = |wanted: &str, id: &str, name: &str| wanted == id || wanted == name;
        let (at, (.., children)) =
            HIERARCHY.iter().enumerate().find(|(_, (id, name, _))| is(category, id, name))?;
        let below = children.iter().position(|(id, name)| is(subcategory, id, name))?;
        Some(Self { category: at, subcategory: below })
    }

    fn names(self) -> (&'static str, &'static str) {
        HIERARCHY
            .get(self.category)
            .and_then(|(_, name, children)| Some((*name, children.get(self.subcategory)?.1)))
            .unwrap_or_default()
    }

    fn json(self) -> Value {
        let (category, subcategory) = self.names();
        json!({"category": category, "subcategory": subcategory})
    }
}

/// A `PUT` that passed the checks of its form.
#[derive(Debug)]
pub(super) struct Update {
    pub contact: String,
    category: String,
    subcategory: String,
}

impl Update {
    /// Checks an update's body: `{"outcome": {"category", "subcategory"}}` and nothing else.
    ///
    /// # Errors
    /// What is wrong, in words: a breach, answered with 400.
    pub(super) fn check(contact: String, headers: &HeaderMap, body: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Whole<'a> {
            #[serde(borrow)]
            outcome: &'a RawValue,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Inner {
            category: String,
            subcategory: String,
        }
        if media_type(headers) != Some("application/json") {
            return Err("an outcome must be sent as `application/json`".to_owned());
        }
        let wrong = || "the body is not `{\"outcome\": {\"category\", \"subcategory\"}}`".to_owned();
        // an array would do for a struct otherwise
        let whole: Whole<'_> = Some(body)
            .filter(|body| body.trim_ascii_start().starts_with(b"{"))
            .and_then(|body| serde_json::from_slice(body).ok())
            .ok_or_else(wrong)?;
        let inner: Inner = Some(whole.outcome.get())
            .filter(|text| text.starts_with('{'))
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(wrong)?;
        Ok(Self { contact, category: inner.category, subcategory: inner.subcategory })
    }
}

impl Outcomes {
    pub(super) fn new(seed: u64, key_life: Duration) -> Self {
        let keys = Arc::new(Keys::new(key_life));
        Self { seed, keys, contacts: Mutex::default(), in_use: Mutex::default() }
    }

    pub(super) fn hierarchy() -> Answer {
        let entities: Vec<Value> = HIERARCHY
            .iter()
            .map(|(id, name, children)| {
                let children: Vec<Value> =
                    children.iter().map(|(id, name)| json!({"id": id, "name": name})).collect();
                json!({"id": id, "name": name, "children": children})
            })
            .collect();
        Answer::json(StatusCode::OK, &json!({"entities": entities}))
    }

    /// Reads a contact.
    pub(super) fn read(&self, contact: &str, scenario: &Scenario) -> Answer {
        if self.is_unknown(contact, scenario) {
            return not_found();
        }
        let contacts = hold(&self.contacts);
        let known = contacts.known.get(contact);
        let body = json!({
            "id": contact,
            "outcome": known.map(|contact| contact.last.json()),
            "updatedDate": known.map(|contact| date(contact.wall_ms)),
        });
        Answer::json(StatusCode::OK, &body)
    }

    /// The effect, where there is one: the contact has a new outcome.
    ///
    /// # Errors
    /// The answer to an update that can't be: an unknown outcome or contact, a contact in use.
    pub(super) fn apply(
        &self,
        update: &Update,
        scenario: &Scenario,
        now: Instant,
        wall_ms: u64,
    ) -> Result<Answer, Answer> {
        if self.is_unknown(&update.contact, scenario) {
            return Err(not_found());
        }
        let outcome = Outcome::find(&update.category, &update.subcategory).ok_or_else(|| {
            let message = "The category or subcategory is not in the hierarchy of outcomes.";
            Answer::error(StatusCode::BAD_REQUEST, "outcome.unknown", message)
        })?;
        if self.is_in_use(&update.contact, scenario, now) {
            let message = "The contact is open at an agent's desk.";
            return Err(Answer::error(StatusCode::CONFLICT, "contact.in.use", message));
        }
        let mut contacts = hold(&self.contacts);
        contacts.applied += 1;
        let (category, subcategory) = outcome.names();
        let step = |state| {
            [category, "/", subcategory, "\n"].iter().fold(state, |state, part| fnv1a(state, part.as_bytes()))
        };
        if let Some(contact) = contacts.known.get_mut(update.contact.as_str()) {
            let again = contact.last == outcome;
            contact.count += 1;
            contact.sequence = step(contact.sequence);
            contact.last = outcome;
            contact.wall_ms = wall_ms;
            contacts.repeated += u64::from(again);
        } else {
            let contact = Contact { count: 1, sequence: step(FNV_START), last: outcome, wall_ms };
            contacts.known.insert(update.contact.as_str().into(), contact);
        }
        Ok(Self::updated(update, wall_ms))
    }

    /// The answer to an update that took effect at `wall_ms`.
    pub(super) fn updated(update: &Update, wall_ms: u64) -> Answer {
        let body = json!({
            "id": update.contact,
            "outcome": {"category": update.category, "subcategory": update.subcategory},
            "updatedDate": date(wall_ms),
        });
        Answer::json(StatusCode::OK, &body)
    }

    fn share(&self, contact: &str, salt: u64) -> (u64, f64) {
        let hash = fold(wide(&[contact.as_bytes()]));
        (hash, point(self.seed, salt, hash))
    }

    fn is_unknown(&self, contact: &str, scenario: &Scenario) -> bool {
        contact.starts_with("unknown-") || self.share(contact, 1).1 < scenario.unknown_contacts
    }

    fn is_in_use(&self, contact: &str, scenario: &Scenario, now: Instant) -> bool {
        let (hash, point) = self.share(contact, 2);
        point < scenario.in_use
            && now < *hold(&self.in_use).entry(hash).or_insert_with(|| now + scenario.in_use_for)
    }

    pub(super) fn json(&self) -> Value {
        let (contacts, keys) = (hold(&self.contacts), self.keys.figures());
        json!({
            "applied": contacts.applied,
            "replays": keys.replays,
            "distinct_contacts": contacts.known.len(),
            "repeated": contacts.repeated,
            "effects": keys.json(),
        })
    }

    /// One line a contact, by id: how many outcomes it was given, FNV-1a over their names, and the last.
    pub(super) fn contacts_ndjson(&self) -> String {
        let contacts = hold(&self.contacts);
        let mut sorted: Vec<_> = contacts.known.iter().collect();
        sorted.sort_unstable_by_key(|(id, _)| *id);
        let mut lines = String::new();
        for (id, contact) in sorted {
            let sequence = format!("{:016x}", contact.sequence);
            let line =
                json!({"id": id, "count": contact.count, "sequence": sequence, "last": contact.last.json()});
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
        lines
    }
}

fn not_found() -> Answer {
    Answer::error(StatusCode::NOT_FOUND, "contact.not.found", "The contact does not exist.")
}

fn date(wall_ms: u64) -> String {
    let time = i64::try_from(wall_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
