//! Where a profile's calls go, and the HTTP clients that may take them there.
//!
//! The checks stand before the first connection: a token sent once over plain HTTP, through a proxy in plain text or
//! to a host from a mistyped URL cannot be called back.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Certificate, Client, redirect, retry, tls};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::{Host, Url};

use crate::files::owner::{Distrust, hold_to_owner};
use crate::machine::Since;
use crate::text::one_line;

/// The longest that a connection may take to come about, its TLS handshake included.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest file of certificates, in bytes; a system's whole bundle has a few hundred thousand.
const LARGEST_CA_FILE: u64 = 16 << 20;

/// How long an unused connection is kept. Shorter than the idle timeouts of the usual load balancers (60 s), because
/// a request that meets the other side's closing is one of which nobody knows whether it arrived.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The two places of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `{api}`: where all calls go. A path in it stands before every call's own.
    pub api_url: Url,
    /// `{auth}`: where tokens come from.
    pub auth_url: Url,
    /// Certificates (PEM) that are trusted beside the system's own.
    pub ca_file: Option<PathBuf>,
}

/// Why no client can be made for a [`Target`].
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Neither `http` nor `https`.
    #[error("`{key}`: `{scheme}` is not a scheme that the platforms speak; write `https://…`")]
    Scheme {
        /// The setting.
        key: &'static str,
        /// What stands there.
        scheme: String,
    },
    /// Plain HTTP to another machine.
    #[error(
        "`{key}`: plain `http` would show the token to everybody on the way to `{host}`, so it is refused except to a loopback address; write `https://{host}`"
    )]
    PlainHttp {
        /// The setting.
        key: &'static str,
        /// Where it would go.
        host: String,
    },
    /// A user name or password stands in the URL.
    #[error("`{key}`: a user name or password has no place in the URL; leave out what stands before the `@`")]
    Credentials {
        /// The setting.
        key: &'static str,
    },
    /// A query or a fragment stands in the URL.
    #[error("`{key}`: the URL goes on after its path; leave out what follows the `?` or `#`")]
    Trailing {
        /// The setting.
        key: &'static str,
    },
    /// The certificates cannot be read.
    #[error("reading the CA certificates in `{path}`: {reason}")]
    CaFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Somebody else may change the certificates, and so say who is the platform.
    #[error(transparent)]
    Distrusted(#[from] Distrust),
    /// TLS cannot be set up on this machine.
    #[error(
        "setting up TLS: {reason}; install the system's CA certificates (often a package named `ca-certificates`) or name a CA file"
    )]
    Client {
        /// What is missing.
        reason: String,
    },
}

/// One checked origin: its client, and its URL as text for paths to be put behind.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    clients: Arc<Clients>,
    /// Scheme, host, port and path.
    base: Url,
    /// For messages: the host, and its port where it is not the usual one.
    host: String,
}

impl Origin {
    pub(super) fn client(&self) -> Client {
        self.clients.awake()
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Scheme, host, port and path.
    pub(super) fn base(&self) -> &str {
        self.base.as_str()
    }

    /// The URL of a path below this origin; `None` where the path would not go out exactly as it is written, or
    /// would lead elsewhere.
    ///
    /// A URL is normalised when it is parsed: `/contacts/..` would become `/`, and a call about one contact another
    /// call altogether.
    pub(super) fn join(&self, path: &str) -> Option<Url> {
        if !path.starts_with('/') || path.contains('#') {
            return None;
        }
        // beside what was parsed before, so that the host is not looked at for each call
        let within = self.base.path().trim_end_matches('/');
        let joined =
            if within.is_empty() { self.base.join(path) } else { self.base.join(&[within, path].concat()) };
        let place = self.base.as_str().trim_end_matches('/');
        joined.ok().filter(|url| url.as_str().strip_prefix(place) == Some(path))
    }
}

/// Checks both places and makes their clients: `{api}`'s, then `{auth}`'s. The certificates are for other places.
pub(super) fn open(target: &Target) -> Result<(Origin, Origin, Vec<Certificate>), TargetError> {
    super::ensure_crypto();
    check("api_url", &target.api_url)?;
    check("auth_url", &target.auth_url)?;
    let api_way = Way::to(&target.api_url);
    let auth_way = Way::to(&target.auth_url);
    hold_system_file()?;
    let roots = match &target.ca_file {
        Some(path) => read_certificates(path)?,
        None => Vec::new(),
    };
    let api = Arc::new(Clients::open(api_way, &roots)?);
    let auth =
        if api_way == auth_way { Arc::clone(&api) } else { Arc::new(Clients::open(auth_way, &roots)?) };
    Ok((origin(api, &target.api_url), origin(auth, &target.auth_url), roots))
}

fn origin(clients: Arc<Clients>, url: &Url) -> Origin {
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    Origin { clients, base: url.clone(), host: one_line(&host, 255) }
}

fn check(key: &'static str, url: &Url) -> Result<(), TargetError> {
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        "http" => {
            let host = one_line(url.host_str().unwrap_or_default(), 255);
            return Err(TargetError::PlainHttp { key, host });
        }
        other => return Err(TargetError::Scheme { key, scheme: one_line(other, 40) }),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(TargetError::Credentials { key });
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(TargetError::Trailing { key });
    }
    Ok(())
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a URL leads to this machine, also in the ways in which plain HTTP goes to none.
pub(super) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            let address = address.to_canonical();
            address.is_loopback() || address.is_unspecified()
        }
        None => false,
    }
}

/// Holds the file that the environment names in place of the system's certificates to being one: a library reads it, and
/// would wait for a pipe for ever.
fn hold_system_file() -> Result<(), TargetError> {
    let Some(path) = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from).filter(|path| path.exists()) else {
        return Ok(());
    };
    crate::files::open(&path).map(drop).map_err(|error| TargetError::CaFile {
        path: one_line(&path.to_string_lossy(), 255),
        reason: format!("{error}; `SSL_CERT_FILE` names it"),
    })
}

fn read_certificates(path: &Path) -> Result<Vec<Certificate>, TargetError> {
    let refuse =
        |reason: String| TargetError::CaFile { path: one_line(&path.to_string_lossy(), 255), reason };
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::FileTooLarge => refuse("it is over 16 MiB; name a file of certificates".to_owned()),
        _ => refuse(error.to_string()),
    };
    let file = crate::files::open(path).map_err(unreadable)?;
    hold_to_owner(path, &file.metadata().map_err(unreadable)?)?;
    let pem = crate::files::whole(&file, LARGEST_CA_FILE).map_err(unreadable)?;
    let found = CertificateDer::pem_slice_iter(&pem)
        .map(|der| {
            let der = der.map_err(|error| format!("not a certificate in PEM form ({error:?})"))?;
            // Refused here, where the file can be named, and not when the client is made of it.
            RootCertStore::empty().add(der.clone()).map_err(|error| error.to_string())?;
            Certificate::from_der(&der).map_err(|error| super::trouble::root_cause(&error))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|reason| refuse(one_line(&reason, 300)))?;
    if found.is_empty() {
        return Err(refuse("there is no certificate in PEM form in it".to_owned()));
    }
    Ok(found)
}

/// The client of one way, and another in its place when the machine has slept.
///
/// Kept connections are dead after a sleep, and their age is counted by the clock that stands still meanwhile. A call sent
/// over one of them would be one of which nobody knows whether it arrived.
#[derive(Debug)]
pub(super) struct Clients {
    way: Way,
    roots: Vec<Certificate>,
    kept: Mutex<(Client, Since)>,
}

impl Clients {
    pub(super) fn open(way: Way, roots: &[Certificate]) -> Result<Self, TargetError> {
        let kept = Mutex::new((way.client(roots)?, Since::now()));
        Ok(Self { way, roots: roots.to_vec(), kept })
    }

    pub(super) fn awake(&self) -> Client {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (client, since) = &mut *kept;
        if since.slept() >= IDLE_TIMEOUT {
            // where none can be made, the call itself tells why
            if let Ok(fresh) = self.way.client(&self.roots) {
                *client = fresh;
            }
            *since = Since::now();
        }
        client.clone()
    }
}

/// What every request says.
pub(super) fn usual_headers() -> HeaderMap {
    let agent = HeaderValue::from_static(concat!("trunkline/", env!("CARGO_PKG_VERSION")));
    HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json")), (USER_AGENT, agent)])
}

/// The ways to reach an origin that need different clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Over the network, with TLS, through a proxy where the system names one.
    Network,
    /// On this machine, with TLS.
    LoopbackTls,
    /// On this machine, in plain text.
    Loopback,
}

impl Way {
    pub(super) fn to(url: &Url) -> Self {
        match (is_here(url), url.scheme()) {
            (true, "http") => Self::Loopback,
            (true, _) => Self::LoopbackTls,
            (false, _) => Self::Network,
        }
    }

    fn client(self, roots: &[Certificate]) -> Result<Client, TargetError> {
        let builder = Client::builder()
            .default_headers(usual_headers())
            // Every attempt is the engine's to count and to pace: the client makes none by itself.
            .retry(retry::never())
            .redirect(redirect::Policy::none())
            .referer(false)
            .gzip(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(1024)
            .tcp_nodelay(true)
            // A dead HTTP/2 connection would otherwise swallow every worker's calls until each timed out.
            .http2_keep_alive_interval(Duration::from_secs(15))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .tls_version_min(tls::Version::TLS_1_2);
        // whatever a resolver says of that name (RFC 6761 §6.3)
        let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        let builder = builder.resolve_to_addrs("localhost", &loopback.map(|address| (address, 0).into()));
        let builder = match self {
            Self::Network => builder.tls_certs_merge(roots.iter().cloned()),
            // The proxy's loopback is another machine's.
            Self::LoopbackTls => builder.no_proxy().tls_certs_merge(roots.iter().cloned()),
            // Needs no certificates, and so works on a machine that has none.
            Self::Loopback => builder.no_proxy().tls_certs_only([]),
        };
        builder.build().map_err(|error| TargetError::Client { reason: super::trouble::root_cause(&error) })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn target(api: &str) -> Target {
        Target {
            api_url: api.parse().unwrap(),
            auth_url: "http://127.0.0.1:9".parse().unwrap(),
            ca_file: None,
        }
    }

    fn refusal(api: &str) -> String {
        open(&target(api)).unwrap_err().to_string()
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        for fine in
            ["http://127.0.0.1:1", "http://127.8.8.8", "http://[::1]:8080", "http://localhost/gateway"]
        {
            assert!(open(&target(fine)).is_ok(), "{fine}");
        }
        for bad in
            ["http://api.mypurecloud.com", "http://10.0.0.1", "http://localhost.evil.test", "http://0.0.0.0"]
        {
            assert!(refusal(bad).contains("plain `http`"), "{bad}: {}", refusal(bad));
        }
    }

    #[test]
    fn what_is_on_this_machine_is_asked_of_no_proxy() {
        for here in ["localhost.", "x.localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "[::1]", "127.1"] {
            assert_eq!(Way::to(&format!("https://{here}:9/").parse().unwrap()), Way::LoopbackTls, "{here}");
        }
        assert_eq!(Way::to(&"https://localhost.test".parse().unwrap()), Way::Network);
    }

    #[test]
    fn urls_that_hold_more_than_a_place_are_refused_without_being_repeated() {
        let said = refusal("http://sam:hunter2@localhost/");
        assert!(said.contains("user name") && !said.contains("hunter2"), "{said}");
        assert!(refusal("http://localhost/?a=b").contains("after its path"));
        assert!(refusal("http://localhost/#x").contains("after its path"));
        assert!(refusal("ftp://localhost/").contains("`ftp`"));
    }

    #[test]
    fn a_ca_file_that_is_none_is_named_and_says_what_is_wrong() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refusal = |path: PathBuf| {
            let with = Target { ca_file: Some(path), ..target("https://localhost") };
            match open(&with).unwrap_err() {
                TargetError::CaFile { reason, .. } => reason,
                other => panic!("{other}"),
            }
        };
        for (content, words) in [
            ("", "no certificate"),
            ("hello", "no certificate"),
            ("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "not a certificate in PEM form"),
            ("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n", "BadEncoding"),
        ] {
            std::fs::write(file.path(), content).unwrap();
            let said = refusal(file.path().to_owned());
            assert!(said.contains(words), "{content}: {said}");
        }
        assert!(refusal(file.path().join("nowhere")).contains("os error"));
    }

    #[test]
    fn a_ca_file_that_everybody_may_write_is_not_trusted() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o666)).unwrap();
        let with = Target { ca_file: Some(file.path().to_owned()), ..target("https://localhost") };
        let said = open(&with).unwrap_err().to_string();
        assert!(said.contains("everybody may write") && said.contains("chmod o-w"), "{said}");
    }

    #[test]
    fn a_path_goes_out_as_it_is_written_or_not_at_all() {
        let (api, ..) = open(&target("http://localhost:1/gate/")).unwrap();
        let joined = |path| api.join(path).map(|url| url.to_string());
        assert_eq!(joined("/api/v2/x%2Fy?a=1%202").unwrap(), "http://localhost:1/gate/api/v2/x%2Fy?a=1%202");
        assert_eq!(joined("//evil.test/").unwrap(), "http://localhost:1/gate//evil.test/");
        for bad in [
            "",
            "x",
            "@evil.test/",
            "/a/../b",
            "/contacts/..",
            "/a/%2e%2E/b",
            "/a b",
            "/a\tb",
            "/a#b",
            "/\\x",
            "/é",
        ] {
            assert_eq!(joined(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_path_cannot_lead_to_another_host() {
        let (api, ..) = open(&target("http://localhost:1")).unwrap();
        for path in ["//evil.test/", "/@evil.test/", "/\u{9}/evil.test", "/:80@evil.test/"] {
            if let Some(url) = api.join(path) {
                assert_eq!(url.host_str(), Some("localhost"), "{path}");
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_was_kept_through_a_sleep_is_not_used_again() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let accepted = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                    }
                });
            }
        });
        let hold = crate::machine::hold(jiff::Timestamp::UNIX_EPOCH, crate::machine::nowhere());
        let (api, ..) = open(&target(&url)).unwrap();
        let call = async || {
            let answer = api.client().get(&url).send().await.unwrap();
            answer.bytes().await.unwrap();
            accepted.load(std::sync::atomic::Ordering::SeqCst)
        };
        assert_eq!((call().await, call().await), (1, 1));
        hold.set_clock(jiff::SignedDuration::from_hours(-2));
        assert_eq!(call().await, 1, "a clock that is set back is no sleep");
        hold.set_clock(jiff::SignedDuration::from_hours(10));
        assert_eq!((call().await, call().await), (2, 2));
    }
}
