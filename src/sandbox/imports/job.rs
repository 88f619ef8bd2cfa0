//! One import job: what there is to say of it at any moment, and the documents that lie under its result's URL.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::super::course::{Course, End, Explained, Origin, Place};
use super::super::dice::Chance;
use super::super::patience::{Patience, Said};
use super::super::scenario::JobTraits;

/// How long after its first mention a failure's late errors are known.
const LATE: Duration = Duration::from_secs(2);

/// Where results lie.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Origins {
    /// `http://127.0.0.1:PORT` of the platform.
    pub own: String,
    /// The same of the origin that no token belongs to.
    pub foreign: String,
}

impl Origins {
    pub(super) fn of(&self, origin: Origin) -> &str {
        match origin {
            Origin::Own => &self.own,
            Origin::Foreign => &self.foreign,
        }
    }
}

#[derive(Debug)]
pub(super) struct Job {
    submitted: Instant,
    pub course: Course,
    /// For whatever a result says: the same for the same request.
    hash: u64,
    pub patience: Patience,
    pub polls: u64,
    pub said: Said,
    failed_since: Option<Instant>,
    pub result: Retrieval,
}

/// What became of a result that is to be fetched.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retrieval {
    #[default]
    Untold,
    /// A `resultUrl` was given.
    Told,
    /// It was asked for, and was not there.
    Missed,
    Fetched,
}

impl Job {
    pub(super) fn new(submitted: Instant, course: Course, hash: u64) -> Self {
        Self {
            submitted,
            course,
            hash,
            patience: Patience::default(),
            polls: 0,
            said: Said::Wait,
            failed_since: None,
            result: Retrieval::Untold,
        }
    }

    /// What lies under the URL of its result.
    pub(super) fn document(&self, id: Uuid, rows: u32) -> Value {
        let result = self.outcome(rows);
        if self.hash.is_multiple_of(2) { result } else { json!({"id": id, "result": result}) }
    }

    /// Puts into `body` what there is to say; gives the status word and the progress in percent.
    pub(super) fn tell<'a>(
        &mut self,
        traits: &'a JobTraits,
        origins: &Origins,
        id: Uuid,
        now: Instant,
        body: &mut Value,
    ) -> (&'a str, u64) {
        let passed = now.saturating_duration_since(self.submitted);
        if passed < self.course.queued_for {
            return (self.course.queued_word, 0);
        }
        let Some(takes) = self.course.takes().filter(|takes| passed >= *takes) else {
            return ("in-progress", self.progress(passed));
        };
        tracing::trace!(%id, ?takes, "sandbox: a job is over");
        match self.course.end {
            End::Failed(explained) => {
                let since = *self.failed_since.get_or_insert(now);
                let known = match explained {
                    Explained::AtOnce => true,
                    Explained::Late => now.saturating_duration_since(since) >= LATE,
                    Explained::Never => false,
                };
                self.said = if known { Said::Final } else { Said::Unexplained };
                if known && let Some(errors) = body.get_mut("errors") {
                    let message = "The source file could not be read.";
                    *errors = json!([{"code": "SOURCE_UNREADABLE", "message": message}]);
                }
                (&traits.failed_word, self.progress(passed))
            }
            End::Completed { rows, place } => {
                self.said = Said::Final;
                let (name, value) = match place {
                    Place::Inline => ("result", self.outcome(rows)),
                    Place::Url(home, hops, _) => {
                        if self.result == Retrieval::Untold {
                            self.result = Retrieval::Told;
                        }
                        let first = Document { id, hops };
                        // a chain of redirects begins here, wherever it ends
                        let at = if hops > 0 { Origin::Own } else { home };
                        ("resultUrl", format!("{}{}", origins.of(at), path_of(first, at)).into())
                    }
                    Place::Insecure => ("resultUrl", format!("http://results.invalid/files/{id}").into()),
                };
                if let Some(body) = body.as_object_mut() {
                    body.insert(name.to_owned(), value);
                }
                (&traits.completed_word, 100)
            }
        }
    }

    /// From 1 to 99, ever closer to its end.
    fn progress(&self, passed: Duration) -> u64 {
        let whole = self.course.takes().unwrap_or(passed * 2).max(Duration::from_millis(1));
        let percent = passed.as_millis() * 100 / whole.as_millis().max(1);
        u64::try_from(percent).unwrap_or(99).clamp(1, 99)
    }

    fn outcome(&self, rows: u32) -> Value {
        const CODES: [(&str, &str); 3] = [
            ("INVALID_EMAIL", "the e-mail address is not one"),
            ("MISSING_KEY_FIELD", "a key field has no value"),
            ("VALUE_TOO_LONG", "a value is longer than its field"),
        ];
        let errors: Vec<Value> = (0..rows)
            .map(|row| {
                let (code, message) = CODES.get(row as usize % 3).copied().unwrap_or_default();
                json!({"code": code, "message": message, "rowNumber": 3 + row * 7})
            })
            .collect();
        json!({
            "imported": 50 + self.hash % 200, "failed": rows, "duplicate": (self.hash >> 8) % 6,
            "errors": errors,
        })
    }
}

/// What a path below a job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) struct Document {
    pub id: Uuid,
    pub(super) hops: u8,
}

impl Document {
    /// Reads `{id}/result` and `{id}/result/{hops}`, which is what stands below the jobs of this origin.
    pub(in crate::sandbox) fn own(path: &str) -> Option<Self> {
        let (id, hops) = path.split_once("/result")?;
        Self::of(id, hops)
    }

    /// Reads `/files/{id}` and `/files/{id}/{hops}`, the other origin's paths.
    pub(in crate::sandbox) fn foreign(path: &str) -> Option<Self> {
        let path = path.strip_prefix("/files/")?;
        let end = path.find('/').unwrap_or(path.len());
        let (id, hops) = path.split_at_checked(end)?;
        Self::of(id, hops)
    }

    fn of(id: &str, hops: &str) -> Option<Self> {
        let hops = if hops.is_empty() { 0 } else { hops.strip_prefix('/')?.parse().ok()? };
        Some(Self { id: Uuid::try_parse(id).ok()?, hops })
    }
}

pub(super) fn path_of(document: Document, at: Origin) -> String {
    let id = document.id;
    let hops = if document.hops == 0 { String::new() } else { format!("/{}", document.hops) };
    match at {
        Origin::Own => format!("/api/v2/dataimport/imports/{id}/result{hops}"),
        Origin::Foreign => format!("/files/{id}{hops}"),
    }
}

/// The same word as another programmer would have written it.
pub(super) fn otherwise(word: &str, chance: &mut Chance) -> String {
    if chance.falls(0.5) {
        return word.to_uppercase();
    }
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
