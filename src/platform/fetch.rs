//! Getting a document that an answer names by its URL: an import's result.
//!
//! The URL comes from outside and may lead anywhere, also through redirects. So each hop is held to the same rules
//! before anything is sent, and whether the token goes along is decided anew for each: it goes to `{api}`'s own origin
//! and nowhere else. Such URLs are often signed, so that to know one is to be let in: none is ever shown with its query.
//!
//! The document is written beside its place, as it comes in, and takes the place only when it is whole and on the disk.
//! Whatever else happens, also when nobody waits for it any longer, leaves nothing behind.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Certificate, Client, Method, Request, Response, StatusCode};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::auth::{Token, conceal_in_text};
use super::call::{Answer, AnswerLoss, CallError};
use super::http::{conceal, correlation_id, packed, read_body, send};
use super::rate::{RateWindow, RetryAfter};
use super::target::{Clients, Way, is_here, is_loopback};
use super::trouble::{self, Progress};
use crate::machine;
use crate::text::one_line;

#[cfg(test)]
mod tests;

/// The shortest value in a URL's query that may let somebody in.
const SHORTEST_SIGNATURE: usize = 16;

/// How many redirects are followed.
const MOST_REDIRECTS: usize = 3;
/// The most bytes that are kept of a refusal's body.
const MOST_OF_REFUSAL: usize = 2048;
/// The most characters of a URL in a message.
const URL_LENGTH: usize = 200;
/// A document that comes more slowly, on the average, is given up: one that drips for ever would never end. In bytes a
/// second; a gigabyte may so take a day and a half.
const SLOWEST: u64 = 8 << 10;
/// So much is gathered for one write.
const WRITE_SIZE: usize = 256 << 10;

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
                let hidden = Hidden { token, signatures: Signatures::of(&queries) };
                let answer = refusal(&mut response, &hidden, site, download.patience, started).await;
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
            let hidden = Hidden { token, signatures: Signatures::of(&queries) };
            let site = self.admit(&url, &named, &hidden)?;
            let host = one_line(&hidden.signatures.hide(token.concealed_host(host(&url))), 255);
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
            let hidden = Hidden { token, signatures: Signatures::of(&queries) };
            self.parse(download.url).map_or_else(|_| String::new(), |url| shown(&url, &hidden))
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
    fn admit(&self, url: &Url, named: &Named, hidden: &Hidden<'_>) -> Result<Site, FetchError> {
        let refuse = |what: &str| {
            let place = shown(url, hidden);
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
        let token = hidden.token;
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

/// A URL for a message: without its query, which may be a signature, and without the token, which a redirect may repeat.
fn shown(url: &Url, hidden: &Hidden<'_>) -> String {
    let Hidden { token, signatures } = hidden;
    // Both are in small letters here, whatever they were written in.
    let small = |part: &str| token.concealed_host(part.to_owned());
    let scheme = small(url.scheme());
    let Some(host) = url.host_str() else {
        // What follows is no path: it may be the document itself.
        return one_line(&format!("{scheme}:…"), URL_LENGTH);
    };
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let place = token.concealed_text(format!("{scheme}://{}{port}{}", small(host), url.path()));
    // before it is cut
    one_line(&signatures.hide(place), URL_LENGTH)
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn refused(message: String) -> FetchError {
    FetchError::Refused { message }
}

fn still(host: &str, patience: Duration) -> CallError {
    let message = format!("getting the result from `{host}`: nothing came for {} s", patience.as_secs_f64());
    CallError::NoAnswer { message, kind: AnswerLoss::Timeout }
}

fn dripping(host: &str) -> CallError {
    let message =
        format!("getting the result from `{host}`: it comes at less than {} KiB a second", SLOWEST >> 10);
    CallError::NoAnswer { message, kind: AnswerLoss::Timeout }
}

/// What a status other than a success says.
async fn refusal(
    response: &mut Response,
    hidden: &Hidden<'_>,
    site: Site,
    patience: Duration,
    started: Instant,
) -> Answer {
    let (body, cut) = match timeout(patience, read_body(response, MOST_OF_REFUSAL)).await {
        Ok((body, ending)) => (body, ending.is_cut()),
        Err(_) => (Bytes::new(), true),
    };
    let mut headers = std::mem::take(response.headers_mut());
    let body = conceal(hidden.token, &mut headers, body).await;
    let shown = |text: String| hidden.signatures.hide(text);
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

/// What a site may repeat, and nobody is shown.
struct Hidden<'a> {
    token: &'a Token,
    signatures: Signatures,
}

/// What lets somebody in, of the addresses that were asked for: whoever is asked may repeat it.
struct Signatures(Vec<String>);

impl Signatures {
    fn of(queries: &[String]) -> Self {
        let pairs = queries.iter().flat_map(|query| query.split('&'));
        let values = pairs.filter_map(|pair| pair.split_once('=').map(|(_, value)| value));
        // a shorter one is a word or a number
        let signatures = values.filter(|value| value.len() >= SHORTEST_SIGNATURE);
        let all = queries.iter().map(String::as_str).chain(signatures);
        // as they are, and as they stand in a host
        Self(all.flat_map(|text| [text.to_owned(), text.to_ascii_lowercase()]).collect())
    }

    fn hide(&self, text: String) -> String {
        if self.0.is_empty() {
            return text;
        }
        let hidden: Vec<&[u8]> = self.0.iter().map(String::as_bytes).collect();
        conceal_in_text(text, &hidden)
    }
}

/// Writes the document to its file, and returns its size.
async fn save(response: &mut Response, download: &Download<'_>, host: &str) -> Result<u64, FetchError> {
    let Download { into, most, patience, .. } = *download;
    let too_large =
        || refused(format!("the result at `{host}` is larger than {most} bytes; it was not kept"));
    let unwritable = |error: io::Error| FetchError::File {
        path: one_line(&into.to_string_lossy(), 255),
        reason: error.to_string(),
    };
    if response.content_length().is_some_and(|announced| announced > most) {
        return Err(too_large());
    }
    if let Some(how) = packed(response.headers()) {
        return Err(refused(format!("the result at `{host}` is {how}; it was not kept")));
    }
    let (part, file) = Part::create(into).map_err(unwritable)?;
    let (file, mut held) = (Arc::new(file), Vec::new());
    let (begun, mut bytes) = (Instant::now(), 0);
    loop {
        let due = begun + 2 * patience + Duration::from_secs(bytes / SLOWEST);
        let piece = timeout(patience, timeout_at(due, response.chunk())).await;
        let piece = piece.map_err(|_| still(host, patience))?.map_err(|_| dripping(host))?;
        let Some(piece) = piece.map_err(|error| trouble::inside_body(&error, host, patience))? else { break };
        bytes += piece.len() as u64;
        if bytes > most {
            return Err(too_large());
        }
        held.extend_from_slice(&piece);
        if held.len() >= WRITE_SIZE {
            held = append(&file, held).await.map_err(unwritable)?;
        }
    }
    append(&file, held).await.map_err(unwritable)?;
    let into = into.to_owned();
    let kept = machine::off_thread(move || {
        file.sync_all()?;
        part.keep(&into)
    });
    kept.await.map_err(io::Error::from).and_then(|kept| kept).map_err(unwritable)?;
    Ok(bytes)
}

/// Writes a piece, and gives its memory back.
async fn append(file: &Arc<File>, mut piece: Vec<u8>) -> io::Result<Vec<u8>> {
    let file = Arc::clone(file);
    let written = machine::off_thread(move || {
        file.as_ref().write_all(&piece)?;
        piece.clear();
        Ok(piece)
    });
    written.await?
}

/// A file that is not whole yet. It goes away with this, unless it is kept.
struct Part {
    path: PathBuf,
}

impl Part {
    /// A new file beside the one that it is to become, for its owner only. One that a killed process left there goes.
    fn create(into: &Path) -> io::Result<(Self, File)> {
        let mut path = into.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        Ok((Self { path }, file))
    }

    /// Gives the file its place, for good: also after a power loss it is there.
    fn keep(self, into: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, into)?;
        #[cfg(unix)]
        {
            let folder = into.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Gone where it was kept. Where it cannot be removed the next attempt tries again, and says why.
        let _ = std::fs::remove_file(&self.path);
    }
}
