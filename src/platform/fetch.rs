//! Getting a document that an answer names by its URL: an import's result.
//!
//! The URL comes from outside and may lead anywhere, also through redirects. So each hop is held to the same rules
//! before anything is sent, and whether the token goes along is decided anew for each: it goes to `{api}`'s own origin
//! and nowhere else. Such URLs are often signed, so that to know one is to be let in: none is ever shown with its query.
//!
//! The document is written beside its place, as it comes in, and takes the place only when it is whole and on the disk.
//! Whatever else happens, also when nobody waits for it any longer, leaves nothing behind.

use std::fmt;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Certificate, Client, Method, Request, Response, StatusCode};
use tokio::time::{Instant, timeout};
use url::Url;

use super::auth::Token;
use super::call::{Answer, AnswerLoss, CallError};
use super::http::{conceal, correlation_id, read_body, send};
use super::rate::{RateWindow, RetryAfter};
use super::target::{Clients, Way, is_here, is_loopback};
use super::trouble::{self, Progress};
use crate::machine;

use self::credentials::Credentials;
use self::saving::save;

mod credentials;
mod saving;
#[cfg(test)]
mod tests;

/// How many redirects are followed.
const MOST_REDIRECTS: usize = 3;
/// The most bytes that are kept of a refusal's body.
const MOST_OF_REFUSAL: usize = 2048;

/// A document that is to be fetched.
#[derive(Clone, Copy)]
pub struct Download<'a> {
    /// Where it lies, as the platform wrote it. A path that begins with `/` is one at `{api}`'s origin.
    pub url: &'a str,
    /// The file that it becomes. What is there is replaced, and only by the whole document.
    pub into: &'a Path,
    /// The most bytes that it may have, decompressed; for imports [`Download::MOST`].
    pub most: u64,
    /// The longest that nothing may come, at any point. All of it may take twice as long, and a second more for each 8 KiB.
    pub patience: Duration,
}

impl Download<'_> {
    /// The most bytes of an import's result: 1 GiB.
    pub const MOST: u64 = 1 << 30;
}

/// Doesn't show the URL: whoever knows it may be let in.
impl fmt::Debug for Download<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("into", &self.into)
            .field("most", &self.most)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// A document that was fetched, and is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched {
    /// Its size, decompressed.
    pub bytes: u64,
    /// From the start to the moment at which it was safe.
    pub took: Duration,
    /// Who gave it.
    pub site: Site,
}

/// Who answered: what a status means depends on it. A 401 or 403 of another site than `{api}` says nothing about the
/// token, which it never saw, and a 429 nothing about the tenant's pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// `{api}`'s own origin; the token went along.
    Api,
    /// Any other.
    Elsewhere,
}

/// Why a document was not fetched. There is no file then. The messages are safe to be shown, and hold no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The rules forbid it, or there is no such document. Trying again changes nothing.
    #[error("{message}")]
    Refused {
        /// Which rule, and where.
        message: String,
    },
    /// A status that brings no document. Whether to try again is for the one decision table to say; no status of 2xx is
    /// among them.
    #[error("getting the result from `{host}`: it answered {}", .answer.status)]
    Status {
        /// The answer, with at most 2 KiB of its body. It has a rate window only where it is `{api}`'s.
        answer: Box<Answer>,
        /// Who gave it.
        site: Site,
        /// The host, and its port where it is not the usual one.
        host: String,
    },
    /// No connection, or a transfer that broke off or stood still. It can be tried again.
    #[error("{0}")]
    Call(#[from] CallError),
    /// The file cannot be written.
    #[error("writing the result to `{path}`: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
}

/// The ways to documents, wherever they lie. Connections are not shared with calls, which would wait behind a gigabyte.
#[derive(Debug)]
pub(super) struct Reach {
    api: Url,
    roots: Vec<Certificate>,
    network: OnceLock<Clients>,
    loopback: OnceLock<Clients>,
    loopback_tls: OnceLock<Clients>,
}

impl Reach {
    /// Documents that a platform at this place may name.
    pub(super) fn new(api: Url, roots: Vec<Certificate>) -> Self {
        let (network, loopback, loopback_tls) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { api, roots, network, loopback, loopback_tls }
    }

    pub(super) async fn fetch(&self, download: &Download<'_>, token: &Token) -> Result<Fetched, FetchError> {
        let started = Instant::now();
        let Arrival { mut response, site, host, queries } = self.arrive(download, token).await?;
        match response.status() {
            StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION => {
                let bytes = save(&mut response, download, &host).await?;
                Ok(Fetched { bytes, took: started.elapsed(), site })
            }
            status if status.is_success() => Err(refused(format!(
                "getting the result from `{host}`: it answered {}, which brings no document",
                status.as_u16()
            ))),
            _ => {
                let credentials = Credentials::of(token, &queries);
                let answer = refusal(&mut response, &credentials, site, download.patience, started).await;
                let answer = Box::new(answer);
                Err(FetchError::Status { answer, site, host })
            }
        }
    }

    /// Goes where the document lies, through redirects.
    async fn arrive(&self, download: &Download<'_>, token: &Token) -> Result<Arrival, FetchError> {
        let mut url = self.parse(download.url)?;
        let mut named = Named::Platform;
        let mut queries = Vec::new();
        for _ in 0..=MOST_REDIRECTS {
            queries.extend(url.query().map(str::to_owned));
            let credentials = Credentials::of(token, &queries);
            let site = self.admit(&url, &named, &credentials)?;
            let host = credentials.host(&url);
            let mut request = Request::new(Method::GET, url.clone());
            // elsewhere the signature of an address may be about a plain download
            let accept = if site == Site::Api { "application/json" } else { "*/*" };
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
            if site == Site::Api {
                request.headers_mut().insert(AUTHORIZATION, token.authorization());
            }
            let sent = timeout(download.patience, send(&self.client(&url)?, request)).await;
            let response = sent.map_err(|_| still(&host, download.patience))?.map_err(|error| {
                trouble::before_status(&error, &host, Progress::MayHaveLeft, download.patience)
            })?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(Arrival { response, site, host, queries });
            }
            let location = response.headers().get(LOCATION);
            let location = location.and_then(|location| str::from_utf8(location.as_bytes()).ok());
            let next = location.and_then(|location| url.join(location).ok());
            url = next.ok_or_else(|| {
                refused(format!("`{host}` redirects the result to no place that can be read"))
            })?;
            named = Named::Redirect { by: host };
        }
        Err(refused(format!("the result at `{}` lies behind more than {MOST_REDIRECTS} redirects", {
            let credentials = Credentials::of(token, &queries);
            self.parse(download.url).map_or_else(|_| String::new(), |url| credentials.shown(&url))
        })))
    }

    fn parse(&self, text: &str) -> Result<Url, FetchError> {
        let url = if text.starts_with('/') { self.api.join(text) } else { Url::parse(text) };
        // Not repeated: nobody knows what is secret in it.
        url.map_err(|error| {
            refused(format!("the platform names a result at no URL that can be read ({error})"))
        })
    }

    /// Holds a hop to the rules, and says whose it is.
    fn admit(&self, url: &Url, named: &Named, credentials: &Credentials<'_>) -> Result<Site, FetchError> {
        let refuse = |what: &str| {
            let place = credentials.shown(url);
            Err(refused(match named {
                Named::Platform => {
                    format!("the platform names a result at `{place}`, {what}; it was not fetched")
                }
                Named::Redirect { by } => {
                    format!("`{by}` redirects the result to `{place}`, {what}; it was not fetched")
                }
            }))
        };
        let api_is_here = is_loopback(&self.api);
        match url.scheme() {
            "https" if is_here(url) && !api_is_here => {
                return refuse("on this very machine, where the platform is not");
            }
            "https" => {}
            "http" if is_loopback(url) && api_is_here => {}
            _ => return refuse("which is not https"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("with a user name or password in it");
        }
        if url.origin() == self.api.origin() {
            return Ok(Site::Api);
        }
        let token = credentials.token();
        let holds_the_token = token.concealed_text(url.to_string()) != url.as_str()
            || url.host_str().is_some_and(|host| token.concealed_host(host.to_owned()) != host);
        if holds_the_token { refuse("with the token in it") } else { Ok(Site::Elsewhere) }
    }

    fn client(&self, url: &Url) -> Result<Client, FetchError> {
        let way = Way::to(url);
        let place = match way {
            Way::Network => &self.network,
            Way::Loopback => &self.loopback,
            Way::LoopbackTls => &self.loopback_tls,
        };
        if let Some(clients) = place.get() {
            return Ok(clients.awake());
        }
        let made = Clients::open(way, &self.roots)
            .map_err(|error| refused(format!("getting the result: {error}")))?;
        Ok(place.get_or_init(|| made).awake())
    }
}

/// The end of the redirects.
struct Arrival {
    response: Response,
    site: Site,
    host: String,
    /// Of each URL on the way there.
    queries: Vec<String>,
}

/// Who named a URL.
enum Named {
    Platform,
    Redirect { by: String },
}

fn refused(message: String) -> FetchError {
    FetchError::Refused { message }
}

fn still(host: &str, patience: Duration) -> CallError {
    let message = format!("getting the result from `{host}`: nothing came for {} s", patience.as_secs_f64());
    CallError::NoAnswer { message, kind: AnswerLoss::Timeout }
}

/// What a status other than a success says.
async fn refusal(
    response: &mut Response,
    credentials: &Credentials<'_>,
    site: Site,
    patience: Duration,
    started: Instant,
) -> Answer {
    let (body, cut) = match timeout(patience, read_body(response, MOST_OF_REFUSAL)).await {
        Ok((body, ending)) => (body, ending.is_cut()),
        Err(_) => (Bytes::new(), true),
    };
    let mut headers = std::mem::take(response.headers_mut());
    let body = conceal(credentials.token(), &mut headers, body).await;
    let shown = |text: String| credentials.unsigned(text);
    Answer {
        status: response.status().as_u16(),
        body: shown(String::from_utf8_lossy(&body).into_owned()).into(),
        cut,
        retry_after: RetryAfter::read(&headers, machine::now().into()),
        window: if site == Site::Api { RateWindow::read(&headers) } else { None },
        correlation_id: correlation_id(&headers, shown),
        // of what was fetched nobody keeps them
        headers: HeaderMap::new(),
        took: started.elapsed(),
    }
}
