//! The wire itself: one attempt over reqwest, and what became of it.
//!
//! Bodies are handed over as one piece, without a copy, through a stream that notes the moment at which the
//! connection asks for it. That note is what makes a timeout tell: before it, the request cannot have arrived.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::stream;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use reqwest::{Body, Client, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::auth::{Grant, SecretProvider, Token, TokenEndpoint};
use super::call::{Answer, CallError, Payload, Request, Transport};
use super::fetch::{Download, FetchError, Fetched, Reach};
use super::rate::{RateWindow, RetryAfter};
use super::target::{self, Origin, Target, TargetError};
use super::trouble::{self, Progress};
use crate::machine::{self, Came, Loss, World};
use crate::text::one_line;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const GENESYS_CORRELATION_ID: HeaderName = HeaderName::from_static("x-genesys-correlation-id");
/// What vendors' support knows a call by: Genesys's name for it, then `CXone`'s.
const CORRELATION_IDS: [HeaderName; 2] =
    [HeaderName::from_static("inin-correlation-id"), HeaderName::from_static("x-request-id")];
/// From so many bytes on it takes a while to look through an answer, a millisecond and more.
const LARGE: usize = 16 << 10;
/// Such answers are looked through one at a time: each takes several times its bytes meanwhile.
static LOOKS_THROUGH: Semaphore = Semaphore::const_new(1);
/// A body's announced length is believed up to here when room is made for it.
const MOST_ROOM: u64 = 1_000_000;

/// Calls over HTTP to one tenant. One of it serves all workers: connections are pooled in it.
#[derive(Debug)]
pub struct HttpTransport {
    api: Origin,
    auth: Origin,
    reach: Reach,
}

impl HttpTransport {
    /// Checks where the calls would go, and makes ready; connects to nothing yet.
    ///
    /// # Errors
    ///
    /// A [`TargetError`] where a URL would put the token at risk, the CA file cannot be read, or TLS cannot be set up.
    pub fn open(target: &Target) -> Result<Self, TargetError> {
        let (api, auth, roots) = target::open(target)?;
        Ok(Self { api, auth, reach: Reach::new(target.api_url.clone(), roots) })
    }

    /// Where this tenant's tokens come from, for [`Tokens::new`](super::Tokens::new).
    #[must_use]
    pub fn token_endpoint(&self, grant: Grant, secret: impl SecretProvider + 'static) -> TokenEndpoint {
        TokenEndpoint::new(self.auth.clone(), grant, Box::new(secret))
    }

    async fn attempt(&self, request: &Request, token: &Token) -> Result<Answer, CallError> {
        let started = Instant::now();
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(AUTHORIZATION, token.authorization());
        insert(&mut headers, IDEMPOTENCY_KEY, request.idempotency_key.as_deref())?;
        insert(&mut headers, GENESYS_CORRELATION_ID, request.correlation_id.as_deref())?;
        let outgoing = Outgoing {
            method: request.method.clone(),
            path: &request.path,
            headers,
            body: request.body.clone(),
            timeout: request.timeout,
            most: Answer::MOST,
        };
        let mut incoming = exchange(&self.api, outgoing).await?;
        if let Some(error) = incoming.broken {
            return Err(error);
        }
        let took = started.elapsed();
        let body = conceal(token, &mut incoming.headers, incoming.body).await;
        Ok(Answer {
            status: incoming.status.as_u16(),
            retry_after: RetryAfter::read(&incoming.headers, machine::now().into()),
            window: RateWindow::read(&incoming.headers),
            correlation_id: correlation_id(&incoming.headers, |id| id),
            headers: incoming.headers,
            body,
            cut: incoming.cut,
            took,
        })
    }
}

impl Transport for HttpTransport {
    fn call<'a>(
        &'a self,
        request: &'a Request,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(self.attempt(request, token))
    }

    fn fetch<'a>(
        &'a self,
        download: &'a Download<'a>,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        Box::pin(self.reach.fetch(download, token))
    }
}

/// Takes out of an answer what it must not show; the answer is its body.
pub(super) async fn conceal(token: &Token, headers: &mut HeaderMap, body: Bytes) -> Bytes {
    let length = body.len() + headers.values().map(HeaderValue::len).sum::<usize>();
    let hides = |bytes: &[u8]| !token.lets_through(bytes);
    let takes_a_while =
        length >= LARGE && (hides(&body) || headers.values().any(|value| hides(value.as_bytes())));
    let all = || {
        token.conceal_in(headers);
        token.concealed(body)
    };
    if takes_a_while {
        let _turn = LOOKS_THROUGH.acquire().await;
        machine::at_length(all)
    } else {
        all()
    }
}

/// What goes out, to whichever origin.
pub(super) struct Outgoing<'a> {
    pub method: reqwest::Method,
    pub path: &'a str,
    pub headers: HeaderMap,
    pub body: Option<Payload>,
    pub timeout: Duration,
    /// The most bytes of the answer's body that are kept.
    pub most: usize,
}

/// What came back.
pub(super) struct Incoming {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub cut: bool,
    /// Why it is none, where it is a success whose body broke off.
    pub broken: Option<CallError>,
}

/// One exchange with one origin. All calls are sent from here; [`fetch`](super::fetch) alone sends elsewhere.
pub(super) async fn exchange(origin: &Origin, outgoing: Outgoing<'_>) -> Result<Incoming, CallError> {
    let Outgoing { method, path, headers, body, timeout, most } = outgoing;
    let host = origin.host();
    let Some(url) = origin.join(path) else {
        let path = one_line(path, 200);
        return Err(CallError::Unsendable {
            message: format!("calling `{host}`: `{path}` is not a path that can be sent as it is written"),
        });
    };
    let mut request = reqwest::Request::new(method, url);
    *request.headers_mut() = headers;
    *request.timeout_mut() = Some(timeout);
    let begun = body.and_then(|payload| attach(&mut request, payload));
    let progress = || match &begun {
        Some(begun) if !begun.load(Ordering::Acquire) => Progress::NotBegun,
        _ => Progress::MayHaveLeft,
    };
    let mut response = send(&origin.client(), request)
        .await
        .map_err(|lost| trouble::before_status(&lost, host, progress(), timeout))?;
    let status = response.status();
    let (body, ending) = read_body(&mut response, most).await;
    let broken = match &ending {
        // A refusal is one even where its explanation broke off; a success that broke off is none.
        Ending::Broken(error) if status.is_success() => Some(trouble::inside_body(error, host, timeout)),
        _ => None,
    };
    let headers = std::mem::take(response.headers_mut());
    Ok(Incoming { status, headers, body, cut: ending.is_cut(), broken })
}

/// Why a request has brought no status.
pub(super) enum Lost {
    /// In the client's own words.
    Told(reqwest::Error),
    /// In a simulation's.
    Held(Loss),
}

/// Sends one request over the network, or to the simulation that holds it.
pub(super) async fn send(client: &Client, request: reqwest::Request) -> Result<Response, Lost> {
    match machine::world() {
        None => client.execute(request).await.map_err(Lost::Told),
        Some(world) => send_held(world.as_ref(), request).await.map_err(Lost::Held),
    }
}

async fn send_held(world: &dyn World, request: reqwest::Request) -> Result<Response, Loss> {
    let patience = request.timeout().copied().unwrap_or(Duration::MAX);
    let mut held = http::Request::new(Bytes::copy_from_slice(
        request.body().and_then(Body::as_bytes).unwrap_or_default(),
    ));
    *held.method_mut() = request.method().clone();
    *held.uri_mut() = request.url().as_str().parse().map_err(|_| Loss::Unreachable)?;
    *held.headers_mut() = target::usual_headers();
    held.headers_mut().extend(request.headers().clone());
    let exchange = tokio::time::timeout(patience, world.exchange(held));
    let Came { answer, cut } = exchange.await.map_err(|_| Loss::Late)??;
    let (parts, bytes) = answer.into_parts();
    let rest = cut.then(|| Err(io::Error::from(io::ErrorKind::ConnectionReset)));
    let body = Body::wrap_stream(stream::iter(std::iter::once(Ok(bytes)).chain(rest)));
    Ok(http::Response::from_parts(parts, body).into())
}

/// Gives the request its body, and returns the note of whether a connection has asked for it. An empty body is never
/// asked for, so there is no note of it.
fn attach(request: &mut reqwest::Request, payload: Payload) -> Option<Arc<AtomicBool>> {
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, payload.content_type);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(payload.bytes.len()));
    if payload.bytes.is_empty() {
        return None;
    }
    if machine::world().is_some() {
        *request.body_mut() = Some(payload.bytes.into());
        return None;
    }
    let begun = Arc::new(AtomicBool::new(false));
    let note = Arc::clone(&begun);
    let piece = async move {
        note.store(true, Ordering::Release);
        Ok::<_, Infallible>(payload.bytes)
    };
    *request.body_mut() = Some(Body::wrap_stream(stream::once(piece)));
    Some(begun)
}

pub(super) enum Ending {
    Whole,
    TooLong,
    Broken(reqwest::Error),
}

impl Ending {
    /// Whether there was more than was read.
    pub(super) const fn is_cut(&self) -> bool {
        !matches!(self, Self::Whole)
    }
}

/// How a body may be packed: what IANA knows as content codings (RFC 9110 §8.4.1), and what is used beside. What else stands
/// in that place, such as `utf-8`, packs nothing.
const CODINGS: [&str; 18] = [
    "aes128gcm",
    "br",
    "bzip2",
    "compress",
    "dcb",
    "dcz",
    "deflate",
    "exi",
    "gzip",
    "lz4",
    "lzma",
    "pack200-gzip",
    "snappy",
    "x-bzip2",
    "x-compress",
    "x-gzip",
    "xz",
    "zstd",
];

/// Says of a body that is packed, and that the client has not unpacked, how it is: nobody could look into it.
pub(super) fn packed(headers: &HeaderMap) -> Option<String> {
    let told = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    // with what nobody may write behind it, or around it
    let bare = |told: &'_ [u8]| {
        let name = told.split(|byte| *byte == b';').next().unwrap_or_default();
        name.iter().filter(|byte| !matches!(byte, b'"' | b' ' | b'\t')).copied().collect::<Vec<_>>()
    };
    let told: Vec<_> = told.map(bare).collect();
    let coding =
        CODINGS.iter().find(|coding| told.iter().any(|told| told.eq_ignore_ascii_case(coding.as_bytes())))?;
    Some(format!("packed as `{coding}` in a way that was not asked for"))
}

/// Reads a body up to `most` bytes. One that comes in a single piece, as nearly all do, is not copied; in the place of one
/// that is still packed stands a sentence that says so.
pub(super) async fn read_body(response: &mut Response, most: usize) -> (Bytes, Ending) {
    if let Some(how) = packed(response.headers()) {
        return (format!("[the answer is {how}]").into(), Ending::Whole);
    }
    let announced = response.content_length().unwrap_or(0).min(MOST_ROOM);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let held = first.len() + rest.len();
        let ending = match response.chunk().await {
            Ok(Some(mut piece)) => {
                let room = most - held;
                let too_long = piece.len() > room;
                piece.truncate(room);
                if held == 0 {
                    first = piece;
                } else {
                    if rest.is_empty() {
                        rest.reserve(usize::try_from(announced).unwrap_or(0).max(held + piece.len()));
                        rest.extend_from_slice(&std::mem::take(&mut first));
                    }
                    rest.extend_from_slice(&piece);
                }
                if !too_long {
                    continue;
                }
                Ending::TooLong
            }
            Ok(None) => Ending::Whole,
            Err(error) => Ending::Broken(error),
        };
        return (if rest.is_empty() { first } else { rest.freeze() }, ending);
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<&str>) -> Result<(), CallError> {
    if let Some(text) = value {
        let value = HeaderValue::from_str(text).map_err(|_| CallError::Unsendable {
            message: format!("`{}` is not a value that the header `{name}` can have", one_line(text, 200)),
        })?;
        headers.insert(name, value);
    }
    Ok(())
}

/// What an answer is known by to those who gave it, as `shown` shows it, before it is cut.
pub(super) fn correlation_id(headers: &HeaderMap, shown: impl Fn(String) -> String) -> Option<String> {
    CORRELATION_IDS.iter().find_map(|name| {
        let text = String::from_utf8_lossy(headers.get(name)?.as_bytes());
        let text = one_line(&shown(text.into_owned()), 128);
        (!text.is_empty()).then_some(text)
    })
}
