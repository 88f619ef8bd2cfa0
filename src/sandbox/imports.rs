//! Import jobs: submitted once, asked after at the right pace, their results fetched from where they lie.
//!
//! A job moves by time alone: its course is decided when it is submitted, and an answer says how far it has come.

mod job;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use uuid::Uuid;

pub(super) use self::job::{Document, Origins};
use self::job::{Job, Retrieval, otherwise, path_of};
use super::answer::Answer;
use super::course::{Content, Course, End, Marks, Origin, Place};
use super::dice::Chance;
use super::effects::Effects;
use super::hash::{HashedMap, hold, narrow, wide};
use super::keys::Keys;
use super::patience::{Patience, Poll, Said};
use super::scenario::JobTraits;
use super::token::media_type;

/// All import jobs.
#[derive(Debug)]
pub(super) struct Imports {
    origins: Origins,
    pub(super) keys: Arc<Keys>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    jobs: HashMap<Uuid, Job>,
    by_key: HashedMap<u128, Uuid>,
    by_body: Effects,
    refused: u64,
    open: u64,
    most_open: u64,
    polls: u64,
    early_polls: u64,
    excused_polls: u64,
    unknown_polls: u64,
    completed: u64,
    failed: u64,
    redirects: u64,
    fetches: u64,
    knocks: u64,
    knocks_with_token: u64,
}

/// An import request whose form is right.
#[derive(Debug)]
pub(super) struct Submission {
    hash: u64,
    marks: (String, String),
}

impl Submission {
    /// Checks an import request: any object, since it is passed on as it is.
    ///
    /// # Errors
    /// What is wrong, in words: a breach, answered with 400.
    pub(super) fn check(headers: &HeaderMap, body: &Bytes) -> Result<Self, String> {
        if media_type(headers) != Some("application/json") {
            return Err("an import request must be sent as `application/json`".to_owned());
        }
        let request: Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| "an import request must be a JSON object".to_owned())?;
        let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { hash: narrow(body), marks: (text("entity"), text("sourceUrl")) })
    }

    /// Stands for the request's content.
    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }
}

impl Imports {
    pub(super) fn new(origins: Origins, key_life: Duration) -> Self {
        Self { origins, keys: Arc::new(Keys::new(key_life)), state: Mutex::default() }
    }

    /// The effect, where there is one: a job begins.
    ///
    /// # Errors
    /// The answer to a request that the platform refuses.
    pub(super) fn submit(
        &self,
        submission: &Submission,
        key: u128,
        traits: &JobTraits,
        chance: &mut Chance,
        now: Instant,
    ) -> Result<Answer, Answer> {
        let mut state = hold(&self.state);
        let state = &mut *state;
        let marks = Marks::of([&submission.marks.0, &submission.marks.1]);
        if marks.has("refuse") {
            state.refused += 1;
            let message = "The import request was refused.";
            return Err(Answer::error(StatusCode::BAD_REQUEST, "import.refused", message));
        }
        state.by_body.count(submission.hash);
        // a key has two jobs only where it came again after its life
        let nth = state.by_body.applied().to_le_bytes();
        let bits = wide(&[&key.to_le_bytes(), if state.by_key.contains_key(&key) { &nth } else { b"" }]);
        let id = uuid::Builder::from_random_bytes(bits.to_le_bytes()).into_uuid();
        let job = Job::new(now, Course::of(&marks, traits, chance), submission.hash);
        state.jobs.insert(id, job);
        state.by_key.insert(key, id);
        state.open += 1;
        state.most_open = state.most_open.max(state.open);
        Ok(queued(id))
    }

    /// The answer to the submission under this key, once more.
    pub(super) fn submitted(&self, key: u128) -> Answer {
        let id = hold(&self.state).by_key.get(&key).copied();
        id.map_or_else(not_found, queued)
    }

    /// A poll arrives; gives back what it did wrong.
    pub(super) fn arrive(&self, id: &str, bearer: u64, now: Instant) -> Option<String> {
        let mut state = hold(&self.state);
        let state = &mut *state;
        state.polls += 1;
        let Some(job) = Uuid::try_parse(id).ok().and_then(|id| state.jobs.get_mut(&id)) else {
            state.unknown_polls += 1;
            return Some("a job was asked after that was never submitted here".to_owned());
        };
        match job.patience.arrive(bearer, now) {
            Poll::InTime => None,
            Poll::Excused => {
                state.excused_polls += 1;
                None
            }
            Poll::Early(by) => {
                state.early_polls += 1;
                Some(format!("a job was asked after {:.1} s too early", by.as_secs_f64()))
            }
        }
    }

    /// How often this job was told of: so that each telling has a fate of its own.
    pub(super) fn nth(&self, id: &str) -> u64 {
        let state = hold(&self.state);
        Uuid::try_parse(id).ok().and_then(|id| state.jobs.get(&id)).map_or(0, |job| job.polls)
    }

    /// The answer to a submission was handed over.
    pub(super) fn told_of_submission(&self, key: u128, bearer: u64, now: Instant) {
        let mut state = hold(&self.state);
        let state = &mut *state;
        if let Some(job) = state.by_key.get(&key).and_then(|id| state.jobs.get_mut(id)) {
            job.patience = Patience::default();
            job.patience.answered(bearer, now, Said::Wait);
        }
    }

    /// The answer to a poll was handed over.
    pub(super) fn told(&self, id: &str, bearer: u64, now: Instant) {
        let mut state = hold(&self.state);
        if let Some(job) = Uuid::try_parse(id).ok().and_then(|id| state.jobs.get_mut(&id)) {
            let said = job.said;
            job.patience.answered(bearer, now, said);
        }
    }

    /// A document was handed over.
    pub(super) fn fetched(&self, document: Document) {
        let mut state = hold(&self.state);
        state.fetches += 1;
        if let Some(job) = state.jobs.get_mut(&document.id) {
            job.result = Retrieval::Fetched;
        }
    }

    /// Says how far a job has come.
    pub(super) fn poll(&self, id: &str, traits: &JobTraits, chance: &mut Chance, now: Instant) -> Answer {
        let mut state = hold(&self.state);
        let state = &mut *state;
        let Some((id, job)) = Uuid::try_parse(id).ok().and_then(|id| Some((id, state.jobs.get_mut(&id)?)))
        else {
            return not_found();
        };
        job.polls += 1;
        let was_over = job.said != Said::Wait;
        let mut body = json!({"id": id.to_string(), "errors": []});
        let (word, progress) = job.tell(traits, &self.origins, id, now, &mut body);
        if !was_over && job.said != Said::Wait {
            state.open -= 1;
            match job.course.end {
                End::Failed(_) => state.failed += 1,
                End::Completed { .. } => state.completed += 1,
            }
        }
        if let Some(body) = body.as_object_mut() {
            let word = if chance.falls(traits.capitals) { otherwise(word, chance) } else { word.to_owned() };
            body.insert("status".to_owned(), word.into());
            body.insert("progress".to_owned(), progress.into());
        }
        Answer::json(StatusCode::OK, &body)
    }

    /// A document, or the way to it, for whoever asks `at` this origin.
    pub(super) fn document(&self, asked: Option<Document>, at: Origin, padded_to: u32) -> Answer {
        let mut state = hold(&self.state);
        let state = &mut *state;
        let Some((asked, job)) = asked.and_then(|asked| Some((asked, state.jobs.get_mut(&asked.id)?))) else {
            return no_document();
        };
        let End::Completed { rows, place: Place::Url(home, hops, content) } = job.course.end else {
            return no_document();
        };
        if job.result == Retrieval::Untold || asked.hops > hops || (asked.hops == 0 && at != home) {
            return no_document();
        }
        if asked.hops > 0 {
            state.redirects += 1;
            return self.redirect(asked, at, home);
        }
        if content == Content::LateJson && job.result == Retrieval::Told {
            job.result = Retrieval::Missed;
            return no_document();
        }
        if content == Content::Binary {
            let bytes = Bytes::from_static(b"PK\x03\x04\x00no JSON\xff\xfe");
            return Answer::of(StatusCode::OK, "application/octet-stream", bytes).padded(padded_to);
        }
        Answer::json(StatusCode::OK, &job.document(asked.id, rows)).padded(padded_to)
    }

    fn redirect(&self, asked: Document, at: Origin, home: Origin) -> Answer {
        let (status, next) =
            (302 + u16::from(asked.hops % 2) * 5, Document { hops: asked.hops - 1, ..asked });
        let path = path_of(next, home);
        // within an origin, a location is often given without it (RFC 9110 §10.2.2)
        let location = if at == home { path } else { format!("{}{path}", self.origins.of(home)) };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
        Answer::of(status, "text/plain", Bytes::new()).with("location", location)
    }

    /// The other origin was called; gives back whether with a token.
    pub(super) fn knock(&self, with_token: bool) {
        let mut state = hold(&self.state);
        state.knocks += 1;
        state.knocks_with_token += u64::from(with_token);
    }

    pub(super) fn json(&self) -> Value {
        let (state, keys) = (hold(&self.state), self.keys.figures());
        let unfetched = state
            .jobs
            .values()
            .filter(|job| matches!(job.result, Retrieval::Told | Retrieval::Missed))
            .count();
        json!({
            "jobs": state.jobs.len(),
            "replays": keys.replays,
            "refused": state.refused,
            "effects": state.by_body.json(),
            "effects_by_key": keys.json(),
            "open": state.open,
            "open_max": state.most_open,
            "completed": state.completed,
            "failed": state.failed,
            "polls": state.polls,
            "early_polls": state.early_polls,
            "excused_polls": state.excused_polls,
            "unknown_polls": state.unknown_polls,
            "fetches": state.fetches,
            "redirects": state.redirects,
            "never_fetched": unfetched,
            "foreign": {
                "knocks": state.knocks,
                "with_token": state.knocks_with_token,
                "without_token": state.knocks - state.knocks_with_token,
            },
        })
    }
}

fn queued(id: Uuid) -> Answer {
    let body = json!({"id": id.to_string(), "status": "queued", "progress": 0, "errors": []});
    Answer::json(StatusCode::CREATED, &body)
}

fn not_found() -> Answer {
    Answer::error(StatusCode::NOT_FOUND, "import.not.found", "The import job does not exist.")
}

fn no_document() -> Answer {
    Answer::error(StatusCode::NOT_FOUND, "result.not.found", "There is no such result.")
}
