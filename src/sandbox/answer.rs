//! What goes back to the caller: a status, a body in the platform's own shapes, and whether it arrives whole.

use std::fmt::Display;
use std::io::Write as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::wire::Line;

/// How much of an answer arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Whole,
    /// Head and half of the body, then the connection ends.
    Cut,
    /// Nothing: the connection is reset. Says whether the call had its effect, for the ledger.
    Reset(Effect),
}

/// Whether a call that got no answer was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    Done,
}

/// An answer on its way.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub delivery: Delivery,
    /// Where it is a 429 that says so: the moment from which the caller may call again.
    pub not_before: Option<Instant>,
    content_type: &'static str,
    body: Bytes,
    /// Blanks that follow the body, to make it large.
    padding: u32,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    /// A JSON answer.
    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self::of(status, "application/json", body.to_string().into())
    }

    /// Any answer.
    pub(super) const fn of(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        let headers = Vec::new();
        let delivery = Delivery::Whole;
        Self { status, delivery, not_before: None, content_type, body, padding: 0, headers }
    }

    /// An error in the platform's shape.
    pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Self {
        let body = json!({
            "message": message, "code": code, "status": status.as_u16(),
            "contextId": "sandbox", "details": [], "errors": [],
        });
        Self::json(status, &body)
    }

    /// An error of the token endpoint (RFC 6749 §5.2).
    pub(super) fn oauth_error(status: StatusCode, error: &str, description: &str) -> Self {
        Self::json(status, &json!({"error": error, "error_description": description}))
    }

    /// A page that a proxy in front of the platform would send.
    pub(super) fn proxy_page(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{} {title}</title></head>\n<body><center><h1>{} {title}</h1>\
             </center><hr><center>edge-proxy</center></body></html>\n",
            status.as_u16(),
            status.as_u16(),
        );
        Self::of(status, "text/html; charset=utf-8", page.into())
    }

    /// No answer at all.
    pub(super) const fn reset(effect: Effect) -> Self {
        let mut answer = Self::of(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", Bytes::new());
        answer.delivery = Delivery::Reset(effect);
        answer
    }

    /// The same answer with a header more.
    pub(super) fn with(mut self, name: &'static str, value: impl Display) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.to_string()) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// The same answer, delivered otherwise.
    pub(super) const fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// The same answer, made `size` bytes long by blanks after it, where it is shorter.
    pub(super) fn padded(mut self, size: u32) -> Self {
        self.padding = size.saturating_sub(u32::try_from(self.body.len()).unwrap_or(u32::MAX));
        self
    }

    /// How the ledger counts it: a status, or what became of the connection.
    pub(super) fn ending(&self) -> Ending {
        match self.delivery {
            Delivery::Whole => Ending::Status(self.status.as_u16()),
            Delivery::Cut => Ending::Truncated,
            Delivery::Reset(Effect::None) => Ending::ResetBefore,
            Delivery::Reset(Effect::Done) => Ending::ResetAfter,
        }
    }

    /// The same answer, its body compressed.
    pub(super) fn gzipped(mut self) -> Self {
        if self.padding > 0 {
            return self;
        }
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        if encoder.write_all(&self.body).is_ok()
            && let Ok(packed) = encoder.finish()
        {
            self.body = packed.into();
            self.headers.push((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        }
        self
    }

    /// Hands it to the connection.
    pub(super) fn into_response(self, line: &Line) -> Response {
        let whole = self.body.len() as u64 + u64::from(self.padding);
        let body = match self.delivery {
            Delivery::Whole if self.padding > 0 => followed_by_blanks(self.body, self.padding),
            Delivery::Whole => Body::from(self.body),
            Delivery::Cut => cut_in_the_middle(&self.body),
            Delivery::Reset(_) => {
                line.reset();
                Body::empty()
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.reserve(self.headers.len() + 2);
        if whole > 0 {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        if self.delivery == Delivery::Cut || self.padding > 0 {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(whole));
        }
        headers.extend(self.headers);
        response
    }
}

impl Answer {
    /// The answer as a whole, however it is delivered.
    pub(super) fn into_bytes(self) -> axum::http::Response<Bytes> {
        let mut body = self.body.to_vec();
        body.resize(body.len() + self.padding as usize, b' ');
        let mut response = axum::http::Response::new(Bytes::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        response.headers_mut().extend(self.headers);
        response
    }
}

/// How a call ended, as the ledger counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    Status(u16),
    ResetBefore,
    ResetAfter,
    Truncated,
}

impl Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::ResetBefore => f.write_str("reset_before"),
            Self::ResetAfter => f.write_str("reset_after"),
            Self::Truncated => f.write_str("truncated"),
        }
    }
}

/// A body that is never in memory as a whole.
fn followed_by_blanks(body: Bytes, blanks: u32) -> Body {
    static BLANKS: [u8; 65_536] = [b' '; 65_536];
    Body::from_stream(stream::unfold((Some(body), blanks), |(body, left)| async move {
        if let Some(body) = body {
            return Some((Ok::<_, std::io::Error>(body), (None, left)));
        }
        let size = left.min(65_536);
        let blanks = BLANKS.get(..usize::try_from(size).ok()?).filter(|blanks| !blanks.is_empty())?;
        Some((Ok(Bytes::from_static(blanks)), (None, left - size)))
    }))
}

/// A body that gives its first half and then fails, so that the server closes the connection.
fn cut_in_the_middle(body: &Bytes) -> Body {
    let half = body.slice(..body.len() / 2);
    Body::from_stream(stream::unfold(Some(half), |half| async move {
        if let Some(half) = half {
            return Some((Ok(half), None));
        }
        // the first half is written out only while the second is waited for
        tokio::time::sleep(Duration::from_millis(2)).await;
        Some((Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted)), None))
    }))
}
