//! Tokens: how one is asked for, how long it serves, and that it shows itself to nobody.
//!
//! This and `config` are the only homes of a secret. What holds one prints as `…`, marks its header as sensitive, and
//! wipes its memory when the last of its copies goes.

mod conceal;
mod endpoint;
mod known;
mod renewal;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::zeroize::{Zeroize, Zeroizing};
use secrecy::{ExposeSecret, SecretString};

pub(crate) use conceal::conceal_in_text;
pub use endpoint::{ClientAuth, Grant, SecretProvider, TokenEndpoint};
use known::Known;
pub use renewal::{Fetch, Tokens};

use super::call::CallError;
use super::rate::RetryAfter;
use crate::machine::{Expiry, Since};

/// What stands before a token in its header.
const BEARER: &[u8] = b"Bearer ";
/// How long before its end a token is renewed; one that lives shorter than twice this, at half its life.
const MARGIN: Duration = Duration::from_mins(1);
/// What is believed of a token's life at least, so that a mistaken zero does not mean a new token for each call.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);
/// What is believed of a token's life at most, so that no clock overflows.
const LONGEST_LIFE: Duration = Duration::from_hours(365 * 24);

/// A bearer token. Its text can be sent and nothing else.
pub struct Token {
    authorization: HeaderValue,
    /// The token itself, and whatever else its tenant's answers must not show.
    known: Arc<Known>,
    /// What the token may do, where its answer told.
    pub scopes: Option<Vec<String>>,
    due: Expiry,
    ends: Expiry,
}

impl Token {
    /// A token that was asked for at that moment and lives that long from then on. `None` where its text cannot stand
    /// in a header, and so is no token.
    #[must_use]
    pub fn new(
        text: &SecretString,
        asked: Since,
        life: Duration,
        scopes: Option<Vec<String>>,
    ) -> Option<Self> {
        let known = Arc::new(Known::default());
        known.tokens("", vec![Zeroizing::new(text.expose_secret().to_owned())]);
        Self::known_to(known, text, asked, life, scopes)
    }

    /// The same for one that is known already.
    fn known_to(
        known: Arc<Known>,
        text: &SecretString,
        asked: Since,
        life: Duration,
        scopes: Option<Vec<String>>,
    ) -> Option<Self> {
        let text = text.expose_secret();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let life = life.clamp(SHORTEST_LIFE, LONGEST_LIFE);
        // Half a life that is shorter than two margins is the longer of the two.
        let good = life.saturating_sub(MARGIN).max(life / 2);
        Some(Self {
            authorization: secret_header(&[BEARER, text.as_bytes()])?,
            known,
            scopes,
            due: Expiry::of(asked, good),
            ends: Expiry::of(asked, life),
        })
    }

    /// The `Authorization` header, which shares the token's memory.
    pub(super) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }

    /// What came back, without tokens and secrets, where somebody on the way repeats what was sent: it is kept and shown.
    pub(super) fn concealed(&self, came: Bytes) -> Bytes {
        self.known.now().concealed(came)
    }

    /// The same for a text.
    pub(super) fn concealed_text(&self, came: String) -> String {
        self.known.now().concealed_text(came)
    }

    /// The same for a host, a scheme, or a header's name, which whoever read it has written in small letters.
    pub(super) fn concealed_host(&self, host: String) -> String {
        self.known.now().concealed_host(host)
    }

    /// The same for headers; one that is named so is left out.
    pub(super) fn conceal_in(&self, headers: &mut HeaderMap) {
        self.known.now().conceal_in(headers);
    }

    /// Whether one quick look tells that nothing of it is in there.
    pub(super) fn lets_through(&self, bytes: &[u8]) -> bool {
        self.known.now().lets_through(bytes)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A header whose text is not shown, and is wiped with the last of its copies.
fn secret_header(parts: &[&[u8]]) -> Option<HeaderValue> {
    let mut text = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    for part in parts {
        text.extend_from_slice(part);
    }
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Wipes bytes that nobody else holds.
fn wipe(bytes: Bytes) {
    if let Ok(mut bytes) = bytes.try_into_mut() {
        bytes.as_mut().zeroize();
    }
}

/// Why there is no token. The texts are safe to be shown. Whether to try again is the caller's decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token endpoint refused the client; trying again changes nothing.
    #[error(
        "getting a token: the platform refused the client with status {status}{}: {description}; check the profile's client id, secret and region",
        .error.as_ref().map_or_else(String::new, |code| format!(" (`{code}`)"))
    )]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error's code (RFC 6749 §5.2), where there is one.
        error: Option<String>,
        /// What the platform said.
        description: String,
    },
    /// The token endpoint is asked too often: a 429, or Genesys's 400 of the same meaning.
    #[error("getting a token: the platform says that it is asked for tokens too often")]
    Throttled {
        /// How long the platform wants us to wait.
        retry_after: Option<RetryAfter>,
    },
    /// The token endpoint is in trouble (408, 425, 5xx), or its success holds no token.
    #[error("getting a token: status {status}: {message}")]
    Trouble {
        /// The HTTP status.
        status: u16,
        /// What the platform said, or what is wrong with its answer.
        message: String,
        /// How long the platform wants us to wait.
        retry_after: Option<RetryAfter>,
    },
    /// No connection, or no complete answer.
    #[error("getting a token: {0}")]
    Call(#[from] CallError),
    /// The client's secret could not be read, or cannot be used.
    #[error("getting a token: {0}")]
    Secret(String),
}

/// The codes of errors that a token endpoint may name (RFC 6749 §5.2); any other is the platform's own text.
const ERROR_CODES: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

impl TokenError {
    /// What happened, without what the platform said of it.
    #[must_use]
    pub fn own_words(&self) -> String {
        match self {
            Self::Refused { status, error, .. } => {
                let code = error.as_deref().filter(|code| ERROR_CODES.contains(code));
                let code = code.map_or_else(String::new, |code| format!(" (`{code}`)"));
                format!("getting a token: the platform refused the client with status {status}{code}")
            }
            Self::Trouble { status, .. } => format!("getting a token: status {status}"),
            Self::Throttled { .. } | Self::Call(_) | Self::Secret(_) => self.to_string(),
        }
    }

    /// What the platform said, if anything.
    #[must_use]
    pub fn said(&self) -> &str {
        match self {
            Self::Refused { description: said, .. } | Self::Trouble { message: said, .. } => said,
            Self::Throttled { .. } | Self::Call(_) | Self::Secret(_) => "",
        }
    }

    /// How long the platform wants us to wait, where it said so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<RetryAfter> {
        match self {
            Self::Throttled { retry_after } | Self::Trouble { retry_after, .. } => *retry_after,
            Self::Refused { .. } | Self::Call(_) | Self::Secret(_) => None,
        }
    }
}
