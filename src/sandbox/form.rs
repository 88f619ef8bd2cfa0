//! Whether a call has the form that it must have: its manners, its key, its path, its body.

use axum::body::Bytes;
use axum::http::header::{ACCEPT, CONTENT_ENCODING, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use super::execute::Execution;
use super::hash::{shown, wide};
use super::imports::{Document, Submission};
use super::ingest::Chunk;
use super::outcomes::Update;
use super::quota::Family;
use super::reception::Platform;
use super::route::Api;
use super::token::percent_decoded;
use super::work::{Job, Look, Sending};

impl Platform {
    /// What the contract wants of every call.
    pub(super) fn check_manners(&self, family: Family, headers: &HeaderMap) {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        // a result may be of any kind
        if text(ACCEPT) != Some("application/json") && family != Family::ImportResult {
            self.ledger.breach(family, "a call without `Accept: application/json`");
        }
        let version = text(USER_AGENT).and_then(|agent| agent.strip_prefix("trunkline/"));
        if !version.is_some_and(|version| version.starts_with(|char: char| char.is_ascii_digit())) {
            self.ledger.breach(family, "a call whose `User-Agent` is not `trunkline/<version>`");
        }
        if headers.contains_key(CONTENT_ENCODING) {
            self.ledger.breach(family, "a request with a compressed body");
        }
    }

    /// Whether a call has the form that it must have.
    pub(super) fn check(&self, api: Api<'_>, head: &Parts, body: &Bytes) -> Result<Job, String> {
        if head.uri.query().is_some() {
            return Err("a query where none belongs (a `?` in an id is to be percent-encoded)".to_owned());
        }
        let headers = &head.headers;
        let key = || self.key(api.family, headers);
        let contact = || one_segment(api.segment, "a contact id");
        let (key, sending) = match api.family {
            Family::Ingest => (key()?, Sending::Ingest(Chunk::check(headers, body)?)),
            Family::Execute => {
                let (key, action) = (key()?, one_segment(api.segment, "an action id")?);
                (key, Sending::Execute(Execution::check(action, headers, body, key)?))
            }
            Family::Exchange => {
                (key()?, Sending::Exchange(self.exchange.check(headers, body, &self.scenario)?))
            }
            Family::ImportSubmit => (key()?, Sending::Submit(Submission::check(headers, body)?)),
            Family::ContactWrite => (key()?, Sending::Update(Update::check(contact()?, headers, body)?)),
            Family::ContactRead => return Ok(Job::Look(Look::Contact(contact()?))),
            Family::ImportPoll => return Ok(Job::Look(Look::Import(api.segment.to_owned()))),
            Family::ImportResult => return Ok(Job::Look(Look::Result(Document::own(api.segment)))),
            Family::Hierarchy | Family::Foreign | Family::Token | Family::Other => {
                return Ok(Job::Look(Look::Hierarchy));
            }
        };
        Ok(Job::Send(sending, key))
    }

    /// The idempotency key of a sending call; one that is there but is no SHA-256 is a breach, and still a key.
    fn key(&self, family: Family, headers: &HeaderMap) -> Result<u128, String> {
        let mut given = headers.get_all("idempotency-key").iter();
        let (Some(key), None) = (given.next(), given.next()) else {
            return Err("a sending call must have exactly one `Idempotency-Key`".to_owned());
        };
        let mut text = key.as_bytes();
        if family == Family::Execute {
            // a structured string, as the IETF draft has it
            let inside = text.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
            text = inside.unwrap_or(text);
        }
        let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        if text.len() != 64 || !text.iter().all(is_hex) {
            let shown = shown(&String::from_utf8_lossy(key.as_bytes()));
            let what = format!("an `Idempotency-Key` that is no lower-case hex SHA-256: `{shown}`");
            self.ledger.breach(family, &what);
        }
        Ok(wide(&[text]))
    }
}

/// The one path segment that names something, decoded.
fn one_segment(segment: &str, what: &str) -> Result<String, String> {
    if segment.is_empty() || segment.contains('/') {
        return Err(format!("{what} must be exactly one path segment"));
    }
    percent_decoded(segment)
        .filter(|id| !id.is_empty())
        .ok_or_else(|| format!("{what} whose percent-encoding is broken or not UTF-8"))
}
