//! Who may call: the token endpoints of both platforms, access keys, and the tokens that are alive.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::Answer;
use super::dice::Chance;
use super::quota::Vendor;
use super::scenario::{RetryAfterTraits, TokenTraits};

/// The three ways to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenPath {
    Genesys,
    Cxone,
    AccessKey,
}

impl TokenPath {
    const fn vendor(self) -> Vendor {
        match self {
            Self::Genesys => Vendor::Genesys,
            Self::Cxone | Self::AccessKey => Vendor::Cxone,
        }
    }
}

/// All tokens, and what became of the requests for them.
#[derive(Debug)]
pub(super) struct Tokens {
    traits: TokenTraits,
    alive: RwLock<HashMap<String, Token>>,
    requests: AtomicU64,
    out: AtomicU64,
    most_out: AtomicU64,
    issued: AtomicU64,
    throttled: AtomicU64,
    refused: AtomicU64,
    revoked: AtomicU64,
    expired_used: AtomicU64,
}

#[derive(Debug, Clone)]
struct Token {
    vendor: Vendor,
    given: Instant,
    ends: Instant,
    scopes: Option<Vec<String>>,
}

/// A request for a token that is being worked on.
pub(super) struct Asking<'a> {
    tokens: &'a Tokens,
    pub nth: u64,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.tokens.out.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a call may not go on.
#[derive(Debug)]
pub(super) struct Refusal {
    pub answer: Answer,
    /// Where it is the caller's fault.
    pub breach: Option<&'static str>,
}

impl Refusal {
    fn new(code: &str, message: &str, breach: Option<&'static str>) -> Self {
        Self { answer: Answer::error(StatusCode::UNAUTHORIZED, code, message), breach }
    }
}

impl Tokens {
    pub(super) fn new(traits: TokenTraits) -> Self {
        Self {
            traits,
            alive: RwLock::default(),
            requests: AtomicU64::new(0),
            out: AtomicU64::new(0),
            most_out: AtomicU64::new(0),
            issued: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            revoked: AtomicU64::new(0),
            expired_used: AtomicU64::new(0),
        }
    }

    /// A request for a token has arrived.
    pub(super) fn ask(&self) -> Asking<'_> {
        let nth = self.requests.fetch_add(1, Ordering::Relaxed);
        let out = self.out.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_out.fetch_max(out, Ordering::Relaxed);
        Asking { tokens: self, nth }
    }

    /// Answers a request for a token.
    ///
    /// # Errors
    /// What the request did wrong in the contract's eyes, with the answer that it gets for it.
    pub(super) fn grant(
        &self,
        path: TokenPath,
        headers: &HeaderMap,
        body: &[u8],
        chance: &mut Chance,
        throttling: &RetryAfterTraits,
    ) -> Result<Answer, (String, Answer)> {
        if chance.falls(self.traits.throttle_429) {
            self.throttled.fetch_add(1, Ordering::Relaxed);
            return Ok(chance.throttled(throttling, None));
        }
        if chance.falls(self.traits.throttle_400) {
            self.throttled.fetch_add(1, Ordering::Relaxed);
            let description = "rate limit exceeded: too many token requests, try again later";
            let error = json!({"error": "invalid_request", "description": description});
            return Ok(Answer::json(StatusCode::BAD_REQUEST, &error));
        }
        if chance.falls(self.traits.error_503) {
            let message = "The authentication service is not available.";
            return Ok(Answer::error(StatusCode::SERVICE_UNAVAILABLE, "service.unavailable", message));
        }
        let asked = match path {
            TokenPath::AccessKey => access_key(headers, body),
            TokenPath::Genesys | TokenPath::Cxone => client_credentials(headers, body),
        };
        let asked = asked.map_err(|wrong| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            let answer = Answer::oauth_error(StatusCode::BAD_REQUEST, wrong.error, &wrong.what);
            (wrong.what, answer)
        })?;
        if asked.id != self.traits.client_id || asked.secret != self.traits.client_secret {
            // a wrong secret is a person's mistake, not a breach
            self.refused.fetch_add(1, Ordering::Relaxed);
            let description = "the client is not known, or its secret is wrong";
            return Ok(Answer::oauth_error(StatusCode::UNAUTHORIZED, "invalid_client", description)
                .with("www-authenticate", "Basic realm=\"sandbox\""));
        }
        let scopes = match path {
            TokenPath::Genesys => None,
            TokenPath::AccessKey => Some(self.traits.scopes.clone()),
            TokenPath::Cxone => {
                let Some(wanted) = asked.scope else {
                    let what = "a CXone token was asked for without a `scope`".to_owned();
                    let answer =
                        Answer::oauth_error(StatusCode::BAD_REQUEST, "invalid_scope", "a scope is needed");
                    return Err((what, answer));
                };
                let wanted: Vec<&str> = wanted.split(' ').collect();
                Some(
                    self.traits
                        .scopes
                        .iter()
                        .filter(|scope| wanted.contains(&scope.as_str()))
                        .cloned()
                        .collect(),
                )
            }
        };
        Ok(self.issue(path.vendor(), scopes, chance))
    }

    fn issue(&self, vendor: Vendor, scopes: Option<Vec<String>>, chance: &mut Chance) -> Answer {
        self.issued.fetch_add(1, Ordering::Relaxed);
        let text = format!("sb{:032x}", chance.id());
        let life = Duration::from_secs(self.traits.life.as_secs());
        let mut body = json!({"access_token": text, "token_type": "bearer", "expires_in": life.as_secs()});
        if let (Some(scopes), Some(body)) = (&scopes, body.as_object_mut()) {
            body.insert("scope".to_owned(), scopes.join(" ").into());
        }
        let given = Instant::now();
        let mut alive = self.alive.write().unwrap_or_else(PoisonError::into_inner);
        // an ended token is told from an unknown one for a minute
        alive.retain(|_, token| given < token.ends + Duration::from_mins(1));
        alive.insert(text, Token { vendor, given, ends: given + life, scopes });
        Answer::json(StatusCode::OK, &body).with("cache-control", "no-store")
    }

    /// Lets a call in that bears a live token of the right platform and, where tokens list scopes, with `scope`.
    ///
    /// # Errors
    /// The 401 or 403 that it gets instead.
    pub(super) fn admit(
        &self,
        headers: &HeaderMap,
        vendor: Vendor,
        scope: &str,
        chance: &mut Chance,
        now: Instant,
    ) -> Result<(), Refusal> {
        let missing = |breach| {
            Refusal::new("authentication.required", "No authentication bearer token specified.", Some(breach))
        };
        let bad = |message, breach| Refusal::new("bad.credentials", message, breach);
        let header = headers.get(AUTHORIZATION).ok_or_else(|| missing("a call without `Authorization`"))?;
        if headers.get_all(AUTHORIZATION).iter().count() > 1 {
            return Err(missing("a call with more than one `Authorization`"));
        }
        let bearer = header.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        let bearer = bearer.ok_or_else(|| missing("a call whose `Authorization` is not `Bearer <token>`"))?;
        let alive = self.alive.read().unwrap_or_else(PoisonError::into_inner);
        // a token of a sandbox that stood here before is no breach: the platform was restarted, the caller was not
        let token = alive.get(bearer).ok_or_else(|| bad("Invalid login credentials.", None))?;
        if token.vendor != vendor {
            return Err(bad("Invalid login credentials.", Some("a token of the other platform was sent")));
        }
        if now >= token.ends {
            self.expired_used.fetch_add(1, Ordering::Relaxed);
            return Err(bad("The access token has expired.", None));
        }
        if let Some(scopes) = &token.scopes
            && !scopes.iter().any(|had| had == scope)
        {
            return Err(Refusal {
                answer: missing_scope(scope),
                breach: Some("sent, although the token's answer did not list the scope that it needs"),
            });
        }
        // a token as new as this may be the one that a caller just got for a 401: two in a row would be a fault
        let settled = now.saturating_duration_since(token.given) >= Duration::from_secs(1);
        if settled && chance.falls(self.traits.revoke) {
            let bearer = bearer.to_owned();
            drop(alive);
            self.revoked.fetch_add(1, Ordering::Relaxed);
            self.alive.write().unwrap_or_else(PoisonError::into_inner).remove(&bearer);
            return Err(bad("The access token was revoked.", None));
        }
        Ok(())
    }

    pub(super) fn json(&self) -> Value {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "token_requests": of(&self.requests), "token_concurrent_max": of(&self.most_out),
            "issued": of(&self.issued), "throttled": of(&self.throttled), "refused": of(&self.refused),
            "revoked": of(&self.revoked), "expired_used": of(&self.expired_used),
        })
    }
}

/// The 403 of a client that may not do this.
pub(super) fn missing_scope(scope: &str) -> Answer {
    let message = format!("Unable to perform the requested action. You are missing the scope `{scope}`.");
    Answer::error(StatusCode::FORBIDDEN, "missing.scope", &message)
}

struct Asked {
    id: String,
    secret: String,
    scope: Option<String>,
}

struct Wrong {
    error: &'static str,
    what: String,
}

impl Wrong {
    fn request(what: impl Into<String>) -> Self {
        Self { error: "invalid_request", what: what.into() }
    }
}

/// RFC 6749 §4.4.2, with the client's authentication of §2.3.1: either way, but not both.
fn client_credentials(headers: &HeaderMap, body: &[u8]) -> Result<Asked, Wrong> {
    if media_type(headers) != Some("application/x-www-form-urlencoded") {
        return Err(Wrong::request("a token request must be `application/x-www-form-urlencoded`"));
    }
    let body = str::from_utf8(body).map_err(|_| Wrong::request("a token request that is not UTF-8"))?;
    let mut form = HashMap::new();
    for pair in body.split('&') {
        let (name, value) = pair.split_once('=').ok_or_else(|| Wrong::request("a form field without `=`"))?;
        let (Some(name), Some(value)) = (form_decoded(name), form_decoded(value)) else {
            return Err(Wrong::request("a token request with a broken percent-encoding"));
        };
        if form.insert(name, value).is_some() {
            return Err(Wrong::request("a token request that repeats a field (RFC 6749 §3.2)"));
        }
    }
    match form.remove("grant_type").as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            let what = "`grant_type` must be `client_credentials`".to_owned();
            return Err(Wrong { error: "unsupported_grant_type", what });
        }
        None => return Err(Wrong::request("a token request without `grant_type`")),
    }
    let scope = form.remove("scope").filter(|scope| !scope.is_empty());
    let in_form = (form.remove("client_id"), form.remove("client_secret"));
    match (headers.get(AUTHORIZATION), in_form) {
        (Some(header), (None, None)) => {
            let basic = header.to_str().ok().and_then(|value| value.strip_prefix("Basic "));
            let (id, secret) = basic.and_then(basic_parts).ok_or_else(|| {
                Wrong::request("HTTP Basic that is not base64 of two form-encoded parts (RFC 6749 §2.3.1)")
            })?;
            Ok(Asked { id, secret, scope })
        }
        (None, (Some(id), Some(secret))) => Ok(Asked { id, secret, scope }),
        (Some(_), _) => Err(Wrong::request("the client authenticated itself in two ways (RFC 6749 §2.3)")),
        (None, _) => Err(Wrong::request("a token request without client authentication")),
    }
}

fn access_key(headers: &HeaderMap, body: &[u8]) -> Result<Asked, Wrong> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Key {
        access_key_id: String,
        access_key_secret: String,
    }
    if media_type(headers) != Some("application/json") {
        return Err(Wrong::request("an access key must be sent as `application/json`"));
    }
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Wrong::request("an access key must be a JSON object"));
    }
    let key: Key = serde_json::from_slice(body).map_err(|_| {
        Wrong::request("an access key must be `{\"accessKeyId\", \"accessKeySecret\"}` and nothing else")
    })?;
    Ok(Asked { id: key.access_key_id, secret: key.access_key_secret, scope: None })
}

fn basic_parts(encoded: &str) -> Option<(String, String)> {
    let pair = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

/// `application/x-www-form-urlencoded`, strictly: what had to be encoded and was not is refused.
fn form_decoded(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~*+%".contains(&byte);
    if !text.bytes().all(plain) {
        return None;
    }
    percent_decoded(&text.replace('+', " "))
}

/// Percent-decoding that refuses a `%` without two hex digits and what is not UTF-8.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
        let (high, low) = (digit()?, digit()?);
        decoded.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(decoded).ok()
}

/// The media type without its parameters, where it is in lower case as everyone writes it.
pub(super) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

#[cfg(test)]
#[path = "tests/token.rs"]
mod tests;
