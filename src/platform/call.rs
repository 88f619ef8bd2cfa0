//! The words of one call: what goes out, what comes back, and what can come instead.
//!
//! They are plain data, so that an operation can make a request and read an answer without a socket, and a simulation
//! can stand in for the wire.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};

use super::{Download, FetchError, Fetched, RateWindow, RetryAfter, Token};

/// One attempt, ready to be sent. Cloning it copies no body.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query below `{api}`, percent-encoded already, beginning with `/`. It goes out exactly as it stands.
    pub path: String,
    /// The body, where there is one.
    pub body: Option<Payload>,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// The `X-Genesys-Correlation-Id` header.
    pub correlation_id: Option<String>,
    /// From the first packet of a connection to the last byte of the answer.
    pub timeout: Duration,
}

/// A body and its type.
#[derive(Clone)]
pub struct Payload {
    /// The `Content-Type` header.
    pub content_type: HeaderValue,
    /// The body itself.
    pub bytes: Bytes,
}

impl Payload {
    /// A body of `application/json`.
    #[must_use]
    pub fn json(bytes: impl Into<Bytes>) -> Self {
        Self { content_type: HeaderValue::from_static("application/json"), bytes: bytes.into() }
    }
}

/// Says how much there is and not what: bodies hold customers' data.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of {:?}", self.bytes.len(), self.content_type)
    }
}

/// What stands at the end of a body that was cut.
const CUT_OFF: &str = " … [cut off: the answer is over 10 MB]";

/// A complete status line and headers, and as much of the body as there was.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, decompressed; at most [`Answer::MOST`] bytes of it.
    pub body: Bytes,
    /// Whether `body` is less than what the platform sent: it was too long, or (only with a status other than 2xx)
    /// it broke off.
    pub cut: bool,
    /// How long the platform wants us to wait.
    pub retry_after: Option<RetryAfter>,
    /// The platform's rate window, where its headers tell all of it.
    pub window: Option<RateWindow>,
    /// All headers, as they came.
    pub headers: HeaderMap,
    /// What the vendor's support knows the call by, safe to be shown.
    pub correlation_id: Option<String>,
    /// From the start of the attempt to the last byte of the body.
    pub took: Duration,
}

impl Answer {
    /// The most bytes of a body that are kept.
    pub const MOST: usize = 10_000_000;

    /// The body as it is kept: it says itself that it was cut.
    #[must_use]
    pub fn kept(&self) -> Bytes {
        if self.cut { [&self.body[..], CUT_OFF.as_bytes()].concat().into() } else { self.body.clone() }
    }
}

/// Says how long the body is and not what it holds; headers can hold what lets somebody in.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("cut", &self.cut)
            .field("retry_after", &self.retry_after)
            .field("window", &self.window)
            .field("correlation_id", &self.correlation_id)
            .field("took", &self.took)
            .finish_non_exhaustive()
    }
}

/// Why there is no [`Answer`]. The messages are safe to be shown; they name the host and never a path or a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The request is known not to have arrived: nothing was carried out.
    #[error("{message}")]
    NoConnection {
        /// What happened, to which host.
        message: String,
        /// How far it came.
        kind: ConnectStage,
    },
    /// The request went out, or may have: the platform may have carried it out.
    #[error("{message}")]
    NoAnswer {
        /// What happened, to which host.
        message: String,
        /// How the answer was lost.
        kind: AnswerLoss,
    },
    /// The request cannot be written down as HTTP. It was not sent, and sending it again will not help.
    #[error("{message}")]
    Unsendable {
        /// What is wrong with it.
        message: String,
    },
}

/// How far a connection came that did not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectStage {
    /// The host's name has no address.
    Dns,
    /// Nobody took the connection, a proxy refused it, or it was not there in time.
    Tcp,
    /// The two sides could not agree, or the certificate is not trusted.
    Tls,
}

/// How an answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerLoss {
    /// It was not there in time.
    Timeout,
    /// The connection ended before the answer began.
    Reset,
    /// A success began and could not be read to its end, or what came is not HTTP.
    Truncated,
}

/// Something that carries a call to the platform.
pub trait Transport: Send + Sync {
    /// Makes one attempt: no retries, no redirects, no second token.
    ///
    /// # Errors
    ///
    /// A [`CallError`] where there is no complete answer.
    fn call<'a>(&'a self, request: &'a Request, token: &'a Token)
    -> BoxFuture<'a, Result<Answer, CallError>>;

    /// Gets a document that an answer named by its URL, into a file, through up to three redirects. The token goes along
    /// to `{api}`'s own origin only. One attempt, that does nothing on the platform and can be made again.
    ///
    /// # Errors
    ///
    /// A [`FetchError`]; there is no file then.
    fn fetch<'a>(
        &'a self,
        download: &'a Download<'a>,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Fetched, FetchError>>;
}
