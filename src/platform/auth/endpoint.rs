//! The token endpoint: OAuth 2.0 client credentials (RFC 6749 §4.4) as the two vendors have them, and `CXone`'s own
//! access keys.
//!
//! Its answers are not ordinary ones: a success holds a secret, so no part of it is ever shown, and Genesys throttles
//! with a 400.

mod named;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::form_urlencoded;

use self::named::{MOST_TOKENS, holds_a_token, long, named_in, tokens_in};
use super::known::{Hidden, Known, Texts};
use super::{Fetch, Token, TokenError, secret_header, wipe};
use crate::machine::{self, Since};
use crate::platform::call::Payload;
use crate::platform::error_body::{self, PlatformError};
use crate::platform::http::{Incoming, Outgoing, exchange};
use crate::platform::rate::RetryAfter;
use crate::platform::target::Origin;
use crate::text::one_line;

/// The most bytes of a token's answer that are read.
const MOST: usize = 64 * 1024;
/// How long a token lives whose answer does not tell.
const UNTOLD_LIFE: Duration = Duration::from_mins(5);
/// How long one request for a token may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long reading the secret may take: long enough for a person to unlock a key store, and not for ever, since all
/// workers wait for it.
const SECRET_TIMEOUT: Duration = Duration::from_mins(1);

/// How a client's secret is read. It is asked anew for each token, so that a secret that was changed is found.
pub trait SecretProvider: Send + Sync {
    /// Reads it. The error says what was being read and what is wrong, safe to be shown.
    fn read(&self) -> BoxFuture<'_, Result<SecretString, String>>;
}

/// What a client asks with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The path below `{auth}`.
    pub token_path: String,
    /// The client's id, or the access key's.
    pub client_id: String,
    /// How the client says who it is.
    pub client_auth: ClientAuth,
    /// The scope that is asked for, where one is.
    pub scope: Option<String>,
}

/// How a client says who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// HTTP Basic, both parts form-encoded first (RFC 6749 §2.3.1).
    Basic,
    /// `client_id` and `client_secret` in the form.
    Form,
    /// `CXone`'s access key: id and secret as JSON.
    AccessKey,
}

impl Grant {
    /// Genesys Cloud's default: Basic, and no scope, since roles decide there.
    #[must_use]
    pub fn genesys(client_id: impl Into<String>) -> Self {
        Self {
            token_path: "/oauth/token".to_owned(),
            client_id: client_id.into(),
            client_auth: ClientAuth::Basic,
            scope: None,
        }
    }

    /// NICE `CXone`'s default: the form, with the scope for contacts.
    #[must_use]
    pub fn cxone(client_id: impl Into<String>) -> Self {
        Self {
            token_path: "/oauth2/token".to_owned(),
            client_id: client_id.into(),
            client_auth: ClientAuth::Form,
            scope: Some("contact:read contact:update".to_owned()),
        }
    }

    /// NICE `CXone`'s access keys.
    #[must_use]
    pub fn access_key(key_id: impl Into<String>) -> Self {
        Self {
            token_path: "/authentication/v1/token/access-key".to_owned(),
            client_id: key_id.into(),
            client_auth: ClientAuth::AccessKey,
            scope: None,
        }
    }

    /// The headers and the body of a request for a token.
    fn write(&self, secret: &SecretString) -> Result<(HeaderMap, Payload), TokenError> {
        let secret = secret.expose_secret();
        let mut headers = HeaderMap::new();
        if self.client_auth == ClientAuth::AccessKey {
            let key = AccessKey { access_key_id: &self.client_id, access_key_secret: secret };
            let mut body = Zeroizing::new(Vec::with_capacity(6 * (self.client_id.len() + secret.len()) + 64));
            serde_json::to_writer(&mut *body, &key)
                .map_err(|error| TokenError::Secret(format!("the access key cannot be written: {error}")))?;
            return Ok((headers, Payload::json(Bytes::from_owner(body))));
        }
        let scope = self.scope.as_deref().unwrap_or_default();
        // With room for all of it, so that growing leaves no copy of the secret behind.
        let room = 3 * (self.client_id.len() + secret.len() + scope.len()) + 96;
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(room));
        form.append_pair("grant_type", "client_credentials");
        match self.client_auth {
            ClientAuth::Form => {
                form.append_pair("client_id", &self.client_id).append_pair("client_secret", secret);
            }
            ClientAuth::Basic | ClientAuth::AccessKey => {
                headers.insert(AUTHORIZATION, basic(&self.client_id, secret)?);
            }
        }
        if !scope.is_empty() {
            form.append_pair("scope", scope);
        }
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        let bytes = Bytes::from_owner(Zeroizing::new(form.finish().into_bytes()));
        Ok((headers, Payload { content_type, bytes }))
    }
}

fn basic(client_id: &str, secret: &str) -> Result<HeaderValue, TokenError> {
    secret_header(&[b"Basic ", basic_pair(client_id, secret).as_bytes()])
        .ok_or_else(|| TokenError::Secret("the client's id and secret cannot stand in a header".to_owned()))
}

fn basic_pair(client_id: &str, secret: &str) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{}:{}", *form_encoded(client_id), *form_encoded(secret)));
    Zeroizing::new(STANDARD.encode(pair.as_bytes()))
}

fn form_encoded(text: &str) -> Zeroizing<String> {
    let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
    encoded.extend(form_urlencoded::byte_serialize(text.as_bytes()));
    encoded
}

/// A client's secret in the forms in which it is sent, but for escapes: itself, its pair with the client's id, and what of
/// that tells it.
fn forms(client_id: &str, secret: &str) -> Texts {
    let mut pair = basic_pair(client_id, secret);
    // its end is often left out
    let length = pair.trim_end_matches('=').len();
    pair.truncate(length);
    // four letters for each three bytes; less than half of the pair may be all of the secret
    let before = 4 * (form_encoded(client_id).len() + 1) / 3;
    let of_secret = Zeroizing::new(pair.get(before..).unwrap_or_default().to_owned());
    vec![Zeroizing::new(secret.to_owned()), pair, of_secret]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccessKey<'a> {
    access_key_id: &'a str,
    access_key_secret: &'a str,
}

/// Where a profile's tokens come from.
pub struct TokenEndpoint {
    origin: Origin,
    grant: Grant,
    secret: Box<dyn SecretProvider>,
    known: Arc<Known>,
}

impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoint")
            .field("grant", &self.grant)
            .field("secret", &"…")
            .finish_non_exhaustive()
    }
}

impl Fetch for TokenEndpoint {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, TokenError>> {
        Box::pin(self.ask())
    }
}

impl TokenEndpoint {
    pub(in crate::platform) fn new(origin: Origin, grant: Grant, secret: Box<dyn SecretProvider>) -> Self {
        let known = Known::at(origin.base());
        Self { origin, grant, secret, known }
    }

    async fn ask(&self) -> Result<Token, TokenError> {
        let secret = tokio::time::timeout(SECRET_TIMEOUT, self.secret.read())
            .await
            .map_err(|_| {
                TokenError::Secret("the client's secret could not be read within a minute".to_owned())
            })?
            .map_err(|reason| TokenError::Secret(one_line(&reason, 500)))?;
        if secret.expose_secret().is_empty() {
            return Err(TokenError::Secret(
                "the client's secret is empty; set it anew for this profile".to_owned(),
            ));
        }
        let client = &self.grant.client_id;
        // who hands out tokens and who takes them may be one, and write down both
        self.known.secret(client, forms(client, secret.expose_secret()));
        let (headers, body) = self.grant.write(&secret)?;
        let outgoing = Outgoing {
            method: Method::POST,
            path: &self.grant.token_path,
            headers,
            body: Some(body),
            timeout: TIMEOUT,
            most: MOST,
        };
        // Its life is counted from before the request: a token must not be believed in longer than it lives.
        let asked = Since::now();
        let incoming = exchange(&self.origin, outgoing).await?;
        let keep_unused = || self.known.unused(client, long(named_in(&incoming.body)));
        let token = if let Some(error) = &incoming.broken {
            keep_unused();
            Err(error.clone().into())
        } else if incoming.status.is_success() {
            accept(&incoming, asked, &self.known, client).inspect_err(|_| keep_unused())
        } else {
            keep_unused();
            Err(refuse(&incoming, &self.known.now()))
        };
        wipe(incoming.body);
        token
    }
}

#[derive(Deserialize)]
struct TokenAnswer<'a> {
    // Borrowed where it can be, so that there is one copy less to wipe.
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    token_type: Option<Cow<'a, str>>,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    scope: Value,
}

/// Reads a success. No part of it is ever repeated in an error, and of its scopes no secret; what is one is known from
/// now on.
fn accept(incoming: &Incoming, asked: Since, known: &Arc<Known>, client: &str) -> Result<Token, TokenError> {
    let trouble = |message: &str| TokenError::Trouble {
        status: incoming.status.as_u16(),
        message: message.to_owned(),
        retry_after: None,
    };
    if incoming.cut {
        return Err(trouble(
            "the answer is over 64 KiB, which no token's is; check the profile's region or URL",
        ));
    }
    let answer: TokenAnswer<'_> = serde_json::from_slice(&incoming.body).map_err(|_| {
        trouble("the answer is not JSON with an `access_token`; check the profile's region or URL")
    })?;
    let kind = answer.token_type.as_deref().unwrap_or("bearer");
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(trouble("the answer holds a token of another type than `bearer`"));
    }
    let mut tokens = long(tokens_in(&incoming.body));
    if !tokens.iter().any(|token| **token == *answer.access_token) {
        tokens.push(Zeroizing::new(answer.access_token.clone().into_owned()));
    }
    if tokens.len() > MOST_TOKENS {
        return Err(trouble(
            "the answer holds more tokens and secrets than any does, and could not hide them all",
        ));
    }
    known.tokens(client, tokens);
    let text = SecretString::from(answer.access_token.into_owned());
    let life = life(&answer.expires_in).unwrap_or(UNTOLD_LIFE);
    let scopes = scopes(&answer.scope, &known.now());
    let token = Token::known_to(Arc::clone(known), &text, asked, life, scopes);
    token.ok_or_else(|| trouble("the answer's `access_token` is not one"))
}

/// `expires_in`: seconds, as a number or, from some gateways, as text.
fn life(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    // More than a `Duration` holds is still a long life, not an untold one.
    (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// `scope`: words between spaces (RFC 6749 §3.3), or an array of them. An empty one tells nothing.
fn scopes(value: &Value, hidden: &Hidden) -> Option<Vec<String>> {
    let told = |text: &str| {
        let words = hidden.concealed_text(text.to_owned());
        words.split_whitespace().map(|word| one_line(word, 200)).collect::<Vec<_>>()
    };
    let words: Vec<String> = match value {
        Value::String(text) => told(text),
        Value::Array(list) => list.iter().filter_map(Value::as_str).flat_map(told).collect(),
        _ => return None,
    };
    (!words.is_empty()).then_some(words)
}

/// What may be shown of a refusal.
fn shown_of(body: &Bytes, hidden: &Hidden) -> Bytes {
    let came = named_in(body);
    if holds_a_token(body) || came.len() > MOST_TOKENS {
        return Bytes::new();
    }
    let came: Vec<&[u8]> = came.iter().map(|text| text.as_bytes()).collect();
    hidden.concealed_with(body, &came)
}

fn refuse(incoming: &Incoming, hidden: &Hidden) -> TokenError {
    let status = incoming.status.as_u16();
    // before a part of it is cut off
    let body = shown_of(&incoming.body, hidden);
    let PlatformError { code, message, .. } = error_body::parse(status, &body);
    let retry_after = RetryAfter::read(&incoming.headers, machine::now().into());
    let asked_too_often = status == 400
        && code.as_deref() == Some("invalid_request")
        && message.to_ascii_lowercase().starts_with("rate limit exceeded");
    match status {
        429 => TokenError::Throttled { retry_after },
        _ if asked_too_often => TokenError::Throttled { retry_after },
        408 | 425 | 500.. => TokenError::Trouble { status, message, retry_after },
        300..400 => TokenError::Refused {
            status,
            error: None,
            description: "it redirects elsewhere, where no secret is sent".to_owned(),
        },
        _ => TokenError::Refused { status, error: code, description: message },
    }
}

#[cfg(test)]
mod tests;
