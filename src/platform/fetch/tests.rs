use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use secrecy::SecretString;
use tempfile::TempDir;

use super::*;
use crate::platform::tests::server::{Reply, Seen, Server, answer, start_tls};
use crate::platform::{HttpTransport, Target, Transport};

/// A place for one result.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("result.json")
    }

    /// What lies in the folder.
    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn token() -> Token {
    Token::new(&SecretString::from("tok-123"), crate::machine::Since::now(), Duration::from_mins(10), None)
        .unwrap()
}

fn target(api: &str) -> Target {
    Target { api_url: api.parse().unwrap(), auth_url: api.parse().unwrap(), ca_file: None }
}

async fn fetch_at(api: &str, place: &Place, url: &str, most: u64) -> Result<Fetched, FetchError> {
    let transport = HttpTransport::open(&target(api)).unwrap();
    let into = place.path();
    let download = Download { url, into: &into, most, patience: Duration::from_secs(20) };
    transport.fetch(&download, &token()).await
}

/// Fetches from a server that is `{api}` itself.
async fn outcome(
    reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Result<Fetched, FetchError>, Place) {
    let server = Server::start(reply).await;
    let place = Place::new();
    let url = server.url.join("result?sig=secret").unwrap();
    (fetch_at(server.url.as_str(), &place, url.as_str(), 1000).await, place)
}

fn redirect(to: &str) -> Reply {
    Reply::Send(answer(302, &format!("location: {to}\r\n"), "moved"))
}

fn refusal(outcome: Result<Fetched, FetchError>) -> String {
    match outcome {
        Err(FetchError::Refused { message }) => {
            assert!(!message.contains("secret") && !message.contains(char::is_control), "{message}");
            message
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_document_becomes_a_file_for_its_owner_only() {
    let (fetched, place) = outcome(|_| Reply::Send(answer(200, "", "{\"imported\": 1}"))).await;
    assert_eq!(fetched.unwrap().bytes, 15);
    assert_eq!(place.files(), ["result.json"]);
    assert_eq!(std::fs::read(place.path()).unwrap(), b"{\"imported\": 1}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_new_document_replaces_the_old_one_and_what_a_killed_process_left() {
    let server = Server::start(|_| Reply::Send(answer(200, "", "new"))).await;
    let place = Place::new();
    std::fs::write(place.path(), "older and longer").unwrap();
    std::fs::write(place.folder.path().join("result.json.part"), "half of a").unwrap();
    fetch_at(server.url.as_str(), &place, server.url.as_str(), 1000).await.unwrap();
    assert_eq!(
        (place.files(), std::fs::read(place.path()).unwrap()),
        (vec!["result.json".to_owned()], b"new".to_vec())
    );
}

#[tokio::test]
async fn the_token_goes_to_the_apis_own_origin_and_nowhere_else() {
    let api = Server::start(|_| Reply::Send(answer(200, "", "own"))).await;
    let elsewhere = Server::start(|_| Reply::Send(answer(200, "", "signed"))).await;
    let place = Place::new();
    for url in [&api.url, &elsewhere.url] {
        let url = url.join("result?sig=secret%20x").unwrap();
        fetch_at(api.url.as_str(), &place, url.as_str(), 1000).await.unwrap();
    }
    assert_eq!(api.only().header("authorization"), Some("Bearer tok-123"));
    assert_eq!(elsewhere.only().line(), "GET /result?sig=secret%20x HTTP/1.1");
    for (seen, whose, accepts) in
        [(api.only(), "api", "application/json"), (elsewhere.only(), "elsewhere", "*/*")]
    {
        assert_eq!(seen.header("accept"), Some(accepts), "{whose}");
        for name in ["idempotency-key", "x-genesys-correlation-id", "cookie", "referer", "content-type"] {
            assert_eq!(seen.header(name), None, "{whose}: {name}");
        }
    }
    assert_eq!(elsewhere.only().header("authorization"), None);
}

#[tokio::test]
async fn a_path_alone_is_one_at_the_api() {
    let api = Server::start(|_| Reply::Send(answer(200, "", "own"))).await;
    let place = Place::new();
    fetch_at(api.url.join("gateway").unwrap().as_str(), &place, "/results/1?a=b", 1000).await.unwrap();
    assert_eq!(api.only().line(), "GET /results/1?a=b HTTP/1.1");
    assert_eq!(api.only().header("authorization"), Some("Bearer tok-123"));
}

#[tokio::test]
async fn the_token_is_decided_anew_for_each_redirect() {
    let elsewhere = Server::start(|seen| {
        let back =
            seen.header("x-none").unwrap_or(seen.line().split_once("back=").map_or("", |(_, rest)| rest));
        redirect(back.split(' ').next().unwrap())
    })
    .await;
    let away = elsewhere.url.clone();
    let api = Server::start(move |seen| match seen.line() {
        "GET /first HTTP/1.1" => {
            let host = seen.header("host").unwrap();
            redirect(&format!("{away}?back=http://{host}/last"))
        }
        _ => Reply::Send(answer(200, "", "there")),
    })
    .await;
    let place = Place::new();
    fetch_at(api.url.as_str(), &place, api.url.join("first").unwrap().as_str(), 1000).await.unwrap();
    assert_eq!(elsewhere.only().header("authorization"), None);
    let seen = api.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|one| one.header("authorization") == Some("Bearer tok-123")), "{seen:?}");
    assert!(seen.iter().all(|one| one.header("referer").is_none()), "{seen:?}");
}

#[tokio::test]
async fn three_redirects_are_followed_and_a_fourth_is_not() {
    // `/4` redirects to `3`, and so on, down to the document at `/0`.
    let chain = |seen: &Seen| match seen.line().trim_start_matches("GET /a/").chars().next().unwrap() {
        '0' => Reply::Send(answer(200, "", "end")),
        left => redirect(&(left.to_digit(10).unwrap() - 1).to_string()),
    };
    let server = Server::start(chain).await;
    let place = Place::new();
    let ask = async |path: &str| {
        fetch_at(server.url.as_str(), &place, server.url.join(path).unwrap().as_str(), 1000).await
    };
    assert_eq!(ask("a/3?sig=secret").await.unwrap().bytes, 3);
    std::fs::remove_file(place.path()).unwrap();
    let said = refusal(ask("a/4?sig=secret").await);
    assert!(said.ends_with("/a/4` lies behind more than 3 redirects"), "{said}");
    assert_eq!((place.files().len(), server.seen().len()), (0, 4 + 4));
}

#[tokio::test]
async fn every_kind_of_redirect_is_a_get_and_others_are_none() {
    for status in [301, 302, 303, 307, 308] {
        let (fetched, _) = outcome(move |seen| match seen.line() {
            "GET /there HTTP/1.1" => Reply::Send(answer(200, "", "x")),
            _ => Reply::Send(answer(status, "location: /there\r\n", "")),
        })
        .await;
        assert!(fetched.is_ok(), "{status}: {fetched:?}");
    }
    let (fetched, _) = outcome(|_| Reply::Send(answer(304, "location: /there\r\n", ""))).await;
    assert!(matches!(fetched, Err(FetchError::Status { .. })), "{fetched:?}");
    for location in ["", "location: http://[\r\n", "location: \u{e9}\u{0}\r\n"] {
        let location = location.replace('\0', "");
        let (fetched, _) = outcome(move |seen| match seen.line() {
            "GET /result?sig=secret HTTP/1.1" => Reply::Send(answer(302, &location, "")),
            _ => Reply::Send(answer(404, "", "")),
        })
        .await;
        assert!(fetched.is_err());
    }
}

#[tokio::test]
async fn a_token_in_the_host_or_scheme_of_a_redirect_is_not_shown_in_small_letters_either() {
    for (to, shown) in [
        ("http://Tok-A8f3Kq.localhost:1/x", "….localhost:1"),
        ("Tok-A8f3Kq:x", "`…:…`, which is not https"),
        ("Tok-A8f3Kq://files.test/x", "`…://files.test/x`, which is not https"),
    ] {
        let server = Server::start(move |_| redirect(to)).await;
        let transport = HttpTransport::open(&target(server.url.as_str())).unwrap();
        let (url, into) = (server.url.join("result").unwrap(), Place::new().path());
        let download =
            Download { url: url.as_str(), into: &into, most: 10, patience: Duration::from_secs(20) };
        let text = SecretString::from("Tok-A8f3Kq");
        let token = Token::new(&text, crate::machine::Since::now(), Duration::from_mins(10), None).unwrap();
        let error = transport.fetch(&download, &token).await.unwrap_err();
        let told = format!("{error:?}");
        assert!(told.contains(shown) && !told.to_lowercase().contains("a8f3"), "{told}");
    }
}

#[tokio::test]
async fn a_redirect_takes_no_token_elsewhere_in_its_address() {
    for to in ["login?access_token=tok-123", "login?t=tok%2D123", "%74ok-123/x"] {
        let elsewhere = Server::start(|_| Reply::Send(answer(200, "", "{}"))).await;
        let there = elsewhere.url.join(to).unwrap();
        let (fetched, place) = outcome(move |_| redirect(there.as_str())).await;
        let said = refusal(fetched);
        assert!(said.contains("with the token in it") && !said.contains("123"), "{said}");
        assert_eq!((elsewhere.seen().len(), place.files().len()), (0, 0));
    }
}

#[tokio::test]
async fn each_hop_is_held_to_the_rules() {
    for (to, words) in [
        (
            "http://files.test/x?sig=secret",
            "redirects the result to `http://files.test/x`, which is not https",
        ),
        ("ftp://files.test/x", "which is not https"),
        ("file:///etc/passwd", "which is not https"),
        ("https://sam:secret@files.test/x", "with a user name or password in it"),
    ] {
        let (fetched, place) = outcome(move |_| redirect(to)).await;
        let said = refusal(fetched);
        assert!(said.contains(words), "{said}");
        assert!(place.files().is_empty());
    }
}

#[tokio::test]
async fn a_platform_elsewhere_names_nothing_on_this_machine_and_nothing_in_plain_text() {
    let place = Place::new();
    for (url, words) in [
        (
            "http://api.example.test/x?sig=secret",
            "names a result at `http://api.example.test/x`, which is not https",
        ),
        ("http://127.0.0.1:1/x", "not https"),
        ("https://127.0.0.1:1/x", "on this very machine"),
        ("https://localhost:1/x", "on this very machine"),
        ("https://sub.localhost./x", "on this very machine"),
        ("https://[::1]:1/x", "on this very machine"),
        ("https://[::ffff:127.0.0.1]:1/x", "on this very machine"),
        ("https://0.0.0.0/x", "on this very machine"),
        ("https://user@api.example.test/x", "user name or password"),
        ("https:///?secret", "no URL"),
        ("secret.json", "no URL"),
        ("", "no URL"),
        ("data:text/plain,secret", "not https"),
    ] {
        let said = refusal(fetch_at("https://api.example.test", &place, url, 1000).await);
        assert!(said.contains(words), "{url}: {said}");
    }
    let said = refusal(fetch_at("http://127.0.0.1:9", &place, "http://10.0.0.1/x", 1000).await);
    assert!(said.contains("not https"), "{said}");
    assert!(place.files().is_empty());
}

#[tokio::test]
async fn a_platform_on_this_machine_may_name_results_on_it_with_tls() {
    let port = start_tls();
    let place = Place::new();
    let ca = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/platform/tests/tls/ca.pem");
    let transport =
        HttpTransport::open(&Target { ca_file: Some(ca), ..target("http://127.0.0.1:9") }).unwrap();
    let (into, url) = (place.path(), format!("https://localhost:{port}/x"));
    let download = Download { url: &url, into: &into, most: 1000, patience: Duration::from_secs(20) };
    assert_eq!(transport.fetch(&download, &token()).await.unwrap().bytes, 6);
    assert_eq!(std::fs::read(&into).unwrap(), b"secret");
}

#[tokio::test]
async fn a_document_is_at_most_as_large_as_was_said() {
    let fits = outcome(|_| Reply::Send(answer(200, "", vec![b'x'; 1000]))).await;
    assert_eq!(fits.0.unwrap().bytes, 1000);
    let chunked = |size: usize| {
        let head = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{size:x}\r\n");
        [head.as_bytes(), &vec![b'x'; size], b"\r\n0\r\n\r\n"].concat()
    };
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![0; 1_000_000]).unwrap();
    let bomb = bomb.finish().unwrap();
    for bytes in
        [answer(200, "", vec![b'x'; 1001]), chunked(1001), answer(200, "content-encoding: gzip\r\n", bomb)]
    {
        let (fetched, place) = outcome(move |_| Reply::Send(bytes.clone())).await;
        let said = refusal(fetched);
        assert!(said.contains("larger than 1000 bytes"), "{said}");
        assert!(place.files().is_empty());
    }
}

#[tokio::test]
async fn compressed_documents_are_unpacked_and_half_of_one_is_none() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"{\"id\": 1}").unwrap();
    let packed = gzip.finish().unwrap();
    let half = packed[..packed.len() / 2].to_vec();
    let (fetched, place) =
        outcome(move |_| Reply::Send(answer(200, "content-encoding: gzip\r\n", &packed))).await;
    assert_eq!(fetched.unwrap().bytes, 9);
    assert_eq!(std::fs::read(place.path()).unwrap(), b"{\"id\": 1}");
    let (fetched, place) =
        outcome(move |_| Reply::Send(answer(200, "content-encoding: gzip\r\n", &half))).await;
    assert!(matches!(fetched, Err(FetchError::Call(CallError::NoAnswer { .. }))), "{fetched:?}");
    assert!(place.files().is_empty());
}

#[tokio::test]
async fn a_document_that_is_packed_as_nobody_asked_is_none() {
    let (fetched, place) = outcome(|_| Reply::Send(answer(200, "content-encoding: br\r\n", "tok-123"))).await;
    let said = refusal(fetched);
    assert!(said.contains("is packed as `br` in a way that was not asked for"), "{said}");
    assert!(place.files().is_empty());
}

#[tokio::test]
async fn a_transfer_that_breaks_off_leaves_nothing_and_can_be_tried_again() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"imported\":";
    for end in [Reply::Close, Reply::Reset] {
        let (fetched, place) = outcome(move |_| end(half.to_vec())).await;
        let broke = matches!(
            &fetched,
            Err(FetchError::Call(CallError::NoAnswer { kind: AnswerLoss::Truncated, .. }))
        );
        assert!(broke, "{fetched:?}");
        assert!(!fetched.unwrap_err().to_string().contains("secret"));
        assert!(place.files().is_empty());
    }
}

#[tokio::test]
async fn a_transfer_that_stands_still_ends() {
    for head in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"] {
        let server = Server::start(move |_| Reply::Hang(head.as_bytes().to_vec())).await;
        let transport = HttpTransport::open(&target(server.url.as_str())).unwrap();
        let place = Place::new();
        let into = place.path();
        let patience = Duration::from_millis(300);
        let download = Download { url: server.url.as_str(), into: &into, most: 1000, patience };
        let fetched = transport.fetch(&download, &token()).await;
        let still =
            matches!(&fetched, Err(FetchError::Call(CallError::NoAnswer { kind: AnswerLoss::Timeout, .. })));
        assert!(still, "{fetched:?}");
        assert!(fetched.unwrap_err().to_string().ends_with("nothing came for 0.3 s"));
        assert!(place.files().is_empty());
    }
}

#[tokio::test]
async fn a_transfer_that_drips_for_ever_ends() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n";
    let server = Server::start(|_| Reply::Drip(head.to_vec())).await;
    let transport = HttpTransport::open(&target(server.url.as_str())).unwrap();
    let (place, patience) = (Place::new(), Duration::from_millis(500));
    let into = place.path();
    let download = Download { url: server.url.as_str(), into: &into, most: 100_000, patience };
    let ended = tokio::time::timeout(Duration::from_secs(20), transport.fetch(&download, &token())).await;
    let said = ended.expect("it goes on").unwrap_err().to_string();
    assert!(said.ends_with("it comes at less than 8 KiB a second"), "{said}");
    assert!(place.files().is_empty());
}

fn admitted(reach: &Reach, text: &str) -> Option<Site> {
    let token = token();
    let credentials = Credentials::of(&token, &[]);
    reach.parse(text).and_then(|url| reach.admit(&url, &Named::Platform, &credentials)).ok()
}

/// What an attacker who chooses the URL, or a part of it, would gain: the token, or a call from this machine to itself.
#[test]
fn the_token_goes_to_the_very_origin_of_the_api_however_it_is_written() {
    let reach = Reach::new("https://api.example.test/gate/".parse().unwrap(), Vec::new());
    let site = |text: &str| admitted(&reach, text);
    for own in [
        "https://api.example.test/x",
        "https://API.Example.TEST/x",
        "HTTPS://api.example.test/x",
        "https://api.example.test:443/x",
        "https:api.example.test/x",
        "https:\\\\api.example.test\\x",
        "https://api.example%2Etest/x",
        "https://ap\ti.example.test/x",
        "/x",
        "/x?u=https://evil.test",
    ] {
        assert_eq!(site(own), Some(Site::Api), "{own}");
    }
    for elsewhere in [
        "https://api.example.test./x",
        "https://api.example.test:8443/x",
        "https://api.example.test:80/x",
        "https://example.test/x",
        "https://x.api.example.test/x",
        "https://api.example.test.evil.test/x",
        "https://evil.test/api.example.test",
        "https://evil.test\\@api.example.test/x",
        "https://evil.test#@api.example.test/x",
        "https://evil.test?@api.example.test/x",
        "https://api-example.test/x",
        "https://ap\u{456}.example.test/x",
        "https://[2001:db8::1]/x",
        "//evil.test/x",
        "/\\evil.test/x",
        "/\t/evil.test/x",
    ] {
        assert_eq!(site(elsewhere), Some(Site::Elsewhere), "{elsewhere}");
    }
    for refused in [
        "http://api.example.test/x",
        "http://api.example.test:443/x",
        "https://api.example.test@evil.test/x",
        "https://:secret@api.example.test/x",
        "https://api.example.test%40evil.test/x",
        "https://127.1/x",
        "https://0x7f000001/x",
        "https://2130706433/x",
        "https://[::]/x",
        "https://LOCALHOST/x",
        "https://loc\u{ad}alhost/x",
        "https://①②⑦.0.0.1/x",
        "blob:https://api.example.test/x",
        "javascript:alert(1)",
        "file://api.example.test/etc/passwd",
        "https://",
        "https://api.example.test:99999/x",
    ] {
        assert_eq!(site(refused), None, "{refused}");
    }
    // a platform on this machine is its own port, and no other
    let reach = Reach::new("http://127.0.0.1:8080".parse().unwrap(), Vec::new());
    let site = |text: &str| admitted(&reach, text);
    assert_eq!(site("http://127.1:8080/x"), Some(Site::Api));
    for other in [
        "http://127.0.0.1:8081/x",
        "http://localhost:8080/x",
        "http://[::1]:8080/x",
        "https://127.0.0.1:8080/x",
    ] {
        assert_eq!(site(other), Some(Site::Elsewhere), "{other}");
    }
    assert_eq!(site("http://[::ffff:127.0.0.1]:8080/x"), None);
}

#[tokio::test]
async fn a_fetch_that_nobody_waits_for_any_longer_leaves_nothing() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
    let server = Server::start(move |_| Reply::Hang(half.to_vec())).await;
    let place = Place::new();
    {
        let fetching = fetch_at(server.url.as_str(), &place, server.url.as_str(), 1000);
        tokio::pin!(fetching);
        while place.files().is_empty() {
            tokio::select! {
                biased;
                ended = &mut fetching => panic!("{ended:?}"),
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
        }
        assert_eq!(place.files(), ["result.json.part"]);
    }
    assert!(place.files().is_empty());
}

#[tokio::test]
async fn a_refusal_says_what_the_one_decision_needs() {
    let headers = "retry-after: 7\r\ninin-correlation-id: c-1\r\ninin-ratelimit-count: 10\r\n\
                   inin-ratelimit-allowed: 300\r\ninin-ratelimit-reset: 20\r\n";
    let reply = move |_: &Seen| Reply::Send(answer(429, headers, "x".repeat(5000)));
    let (api, elsewhere) = (Server::start(reply).await, Server::start(reply).await);
    let place = Place::new();
    for (server, whose) in [(&api, Site::Api), (&elsewhere, Site::Elsewhere)] {
        match fetch_at(api.url.as_str(), &place, server.url.join("x?secret").unwrap().as_str(), 1000).await {
            Err(error @ FetchError::Status { .. }) => {
                assert!(error.to_string().ends_with("it answered 429"), "{error}");
                let FetchError::Status { answer, site, .. } = error else { unreachable!() };
                assert_eq!((answer.status, answer.body.len(), answer.cut), (429, 2048, true));
                assert_eq!(answer.retry_after.unwrap().wait(), Duration::from_secs(7));
                assert_eq!(answer.correlation_id.as_deref(), Some("c-1"));
                assert_eq!((site, answer.window.is_some()), (whose, whose == Site::Api));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(place.files().is_empty());
}

#[tokio::test]
async fn a_site_that_repeats_the_token_brings_it_into_no_refusal() {
    // the cut goes through what is repeated
    let server = Server::start(|_| {
        let headers = "x-request-id: tok\\u002d123\r\n";
        Reply::Send(answer(403, headers, format!("tok-123 {} tok\\u002D123", "x".repeat(2048 - 8 - 12))))
    })
    .await;
    match fetch_at(server.url.as_str(), &Place::new(), server.url.as_str(), 1000).await {
        Err(FetchError::Status { answer, .. }) => {
            let body = String::from_utf8_lossy(&answer.body);
            assert!(answer.cut && body.starts_with("… x") && body.ends_with("x …"), "{body}");
            assert_eq!(answer.correlation_id.as_deref(), Some("…"));
        }
        other => panic!("{other:?}"),
    }
    let (outcome, _) =
        outcome(|_| redirect(&format!("ftp://tok-123.test/{}/tok%2D123", "x".repeat(160)))).await;
    let message = refusal(outcome);
    assert!(!message.contains("tok"), "{message}");
}

#[tokio::test]
async fn a_site_that_repeats_the_address_brings_no_signature_of_it_into_its_refusal() {
    let server = Server::start(|seen| {
        let said = format!("no {} with SiGnAtUrE%2B0123456789 of results", seen.line());
        if seen.line().contains("first") {
            return redirect("/second?sig=SiGnAtUrE%2B0123456789&page=results");
        }
        Reply::Send(answer(403, "x-request-id: sig=SiGnAtUrE%2B0123456789\r\n", said))
    })
    .await;
    let asked = server.url.join("first?key=fIrSt").unwrap();
    match fetch_at(server.url.as_str(), &Place::new(), asked.as_str(), 1000).await {
        Err(FetchError::Status { answer, .. }) => {
            assert_eq!(answer.body, "no GET /second?… HTTP/1.1 with … of results");
            assert_eq!(answer.correlation_id.as_deref(), Some("…"), "half of the query is hidden with it");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn no_part_of_a_signature_is_shown_where_a_text_is_cut() {
    let signature = "SiGnAtUrE".repeat(9);
    let (said, host) = (format!("{}{signature}", "x".repeat(100)), "a.".repeat(110));
    let there = format!("https://{host}{}.test/", &signature[..40]);
    for reply in [
        answer(404, &format!("x-request-id: {said}\r\n"), ""),
        answer(302, &format!("location: {there}\r\n"), ""),
    ] {
        let server = Server::start(move |_| Reply::Send(reply.clone())).await;
        let asked = server.url.join(&format!("res?sig={signature}&part={}", &signature[..40])).unwrap();
        let told = fetch_at(server.url.as_str(), &Place::new(), asked.as_str(), 1000).await.unwrap_err();
        assert!(!format!("{told} {told:?}").to_lowercase().contains("signature"), "{told:?}");
    }
}

#[tokio::test]
async fn a_redirect_that_repeats_the_address_shows_no_signature_of_it() {
    for to in [
        "ftp://h.test/login/SiGnAtUrE0123456789",
        "ftp://h.test/%2Fres%3Fsig%3DSiGnAtUrE0123456789",
        "ftp://SiGnAtUrE0123456789.h.test/x",
        "http://SiGnAtUrE0123456789.h.test/x",
    ] {
        let server = Server::start(move |_| redirect(to)).await;
        let asked = server.url.join("res?sig=SiGnAtUrE0123456789").unwrap();
        let told = refusal(fetch_at(server.url.as_str(), &Place::new(), asked.as_str(), 1000).await);
        assert!(told.contains("h.test") && !told.to_lowercase().contains("0123456789"), "{told}");
    }
}

#[tokio::test]
async fn a_success_without_a_document_is_none() {
    for status in [202, 204, 206] {
        let (fetched, place) = outcome(move |_| Reply::Send(answer(status, "", ""))).await;
        assert!(refusal(fetched).contains("brings no document"));
        assert!(place.files().is_empty());
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_named() {
    let server = Server::start(|_| Reply::Send(answer(200, "", "x"))).await;
    let transport = HttpTransport::open(&target(server.url.as_str())).unwrap();
    let place = Place::new();
    let into = place.folder.path().join("gone/result.json");
    let download =
        Download { url: server.url.as_str(), into: &into, most: 1000, patience: Duration::from_secs(20) };
    let error = transport.fetch(&download, &token()).await.unwrap_err();
    assert!(matches!(error, FetchError::File { .. }), "{error:?}");
    assert!(error.to_string().contains("gone/result.json`: No such file"), "{error}");
}

#[test]
fn a_url_is_not_in_a_debug_text() {
    let download = Download {
        url: "https://files.test/?secret",
        into: Path::new("x"),
        most: Download::MOST,
        patience: Duration::from_secs(1),
    };
    assert!(!format!("{download:?}").contains("secret"));
}
