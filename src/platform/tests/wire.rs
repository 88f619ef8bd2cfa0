use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::join_all;
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::SecretString;
use tokio::net::TcpListener;

use super::server::{Reply, Server, answer, start_tls};
use crate::platform::{
    Answer, AnswerLoss, CallError, ConnectStage, HttpTransport, Payload, RateWindow, Request, Target, Token,
    Transport,
};

fn token() -> Token {
    Token::new(&SecretString::from("tok-123"), crate::machine::Since::now(), Duration::from_mins(10), None)
        .unwrap()
}

fn post(body: &'static str) -> Request {
    Request {
        method: Method::POST,
        path: "/api/v2/things".to_owned(),
        body: Some(Payload::json(body)),
        idempotency_key: None,
        correlation_id: None,
        timeout: Duration::from_secs(20),
    }
}

fn get() -> Request {
    Request { method: Method::GET, body: None, ..post("") }
}

fn certificate(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/platform/tests/tls").join(name)
}

async fn call_at(url: &str, ca_file: Option<PathBuf>, request: &Request) -> Result<Answer, CallError> {
    let target = Target { api_url: url.parse().unwrap(), auth_url: url.parse().unwrap(), ca_file };
    HttpTransport::open(&target).unwrap().call(request, &token()).await
}

async fn call(server: &Server, request: &Request) -> Result<Answer, CallError> {
    call_at(server.url.as_str(), None, request).await
}

/// What becomes of a POST to a server that does this.
async fn outcome(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<Answer, CallError> {
    let server = Server::start(move |_| reply()).await;
    call(&server, &post("{}")).await
}

fn loss(outcome: &Result<Answer, CallError>) -> Option<AnswerLoss> {
    match outcome {
        Err(CallError::NoAnswer { kind, .. }) => Some(*kind),
        _ => None,
    }
}

fn stage(outcome: &Result<Answer, CallError>) -> Option<ConnectStage> {
    match outcome {
        Err(CallError::NoConnection { kind, .. }) => Some(*kind),
        _ => None,
    }
}

#[tokio::test]
async fn a_call_says_what_the_contract_asks_for() {
    let server = Server::start(|_| Reply::Send(answer(202, "", "ok"))).await;
    let request = Request {
        method: Method::PUT,
        path: "/api/v2/contacts/a%2Fb?x=%20y".to_owned(),
        body: Some(Payload {
            content_type: HeaderValue::from_static("multipart/form-data; boundary=b"),
            bytes: Bytes::from_static(b"{\"a\": 1}"),
        }),
        idempotency_key: Some("key-1".to_owned()),
        correlation_id: Some("corr-1".to_owned()),
        ..get()
    };
    let answer = call(&server, &request).await.unwrap();
    assert_eq!((answer.status, &answer.body[..], answer.cut), (202, &b"ok"[..], false));
    let seen = server.only();
    assert_eq!(seen.line(), "PUT /api/v2/contacts/a%2Fb?x=%20y HTTP/1.1");
    assert_eq!(seen.body, b"{\"a\": 1}");
    for (name, value) in [
        ("authorization", "Bearer tok-123"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip"),
        ("content-type", "multipart/form-data; boundary=b"),
        ("content-length", "8"),
        ("idempotency-key", "key-1"),
        ("x-genesys-correlation-id", "corr-1"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    assert!(seen.header("user-agent").unwrap().starts_with("trunkline/"));
    assert_eq!(seen.header("transfer-encoding"), None);
}

#[tokio::test]
async fn what_was_not_asked_for_is_not_sent() {
    let server = Server::start(|_| Reply::Send(answer(200, "", ""))).await;
    call(&server, &get()).await.unwrap();
    for name in ["content-type", "content-length", "idempotency-key", "x-genesys-correlation-id", "referer"] {
        assert_eq!(server.only().header(name), None, "{name}");
    }
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = Server::start(|_| Reply::Send(answer(200, "", "ok"))).await;
    let target = Target { api_url: server.url.clone(), auth_url: server.url.clone(), ca_file: None };
    let transport = HttpTransport::open(&target).unwrap();
    for _ in 0..3 {
        transport.call(&post("{}"), &token()).await.unwrap();
    }
    assert_eq!((server.seen().len(), server.connections()), (3, 1));
    assert!(server.seen().iter().all(|seen| seen.body == b"{}"));
}

#[tokio::test]
async fn what_the_headers_say_comes_with_the_answer() {
    let headers = "inin-correlation-id: c\x1b-1\r\nretry-after: 7\r\ninin-ratelimit-count: 10\r\n\
                   inin-ratelimit-allowed: 300\r\ninin-ratelimit-reset: 20\r\n";
    let clean = headers.replace('\x1b', "");
    let told = outcome(move || Reply::Send(answer(429, &clean, "{}"))).await.unwrap();
    assert_eq!(told.correlation_id.as_deref(), Some("c-1"));
    assert_eq!(told.retry_after.unwrap().wait(), Duration::from_secs(7));
    assert_eq!(told.window, Some(RateWindow { used: 10, allowed: 300, resets_in: Duration::from_secs(20) }));
    let cxone = outcome(|| Reply::Send(answer(200, "x-request-id: r-1\r\n", ""))).await.unwrap();
    assert_eq!((cxone.correlation_id.as_deref(), cxone.retry_after, cxone.window), (Some("r-1"), None, None));
}

#[tokio::test]
async fn compressed_answers_are_read() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"{\"id\": 1}").unwrap();
    let packed = gzip.finish().unwrap();
    let half = packed[..packed.len() / 2].to_vec();
    let whole =
        outcome(move || Reply::Send(answer(200, "content-encoding: gzip\r\n", &packed))).await.unwrap();
    assert_eq!(&whole.body[..], b"{\"id\": 1}");
    let broken = outcome(move || Reply::Send(answer(200, "content-encoding: gzip\r\n", &half))).await;
    assert_eq!(loss(&broken), Some(AnswerLoss::Truncated), "{broken:?}");
}

#[tokio::test]
async fn of_an_answer_that_nobody_can_unpack_it_is_said_so() {
    for (coding, known) in [
        ("br", "br"),
        ("GZIP", "gzip"),
        ("x-gzip", "x-gzip"),
        ("gzip, gzip", "gzip"),
        ("tok-123, zstd", "zstd"),
        ("gzip;q=1", "gzip"),
        ("\"gzip\"", "gzip"),
        ("dcb", "dcb"),
    ] {
        let header = format!("content-encoding: {coding}\r\n");
        let told = outcome(move || Reply::Send(answer(200, &header, "tok-123"))).await.unwrap();
        let sentence = format!("[the answer is packed as `{known}` in a way that was not asked for]");
        assert_eq!((&told.body[..], told.cut), (sentence.as_bytes(), false));
    }
    for coding in ["identity", "Identity", "", "utf-8"] {
        let header = format!("content-encoding: {coding}\r\n");
        let plain = outcome(move || Reply::Send(answer(200, &header, "as it is"))).await;
        assert_eq!(plain.unwrap().body, "as it is");
    }
}

#[tokio::test]
async fn nobody_there_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let refused = call_at(&format!("http://{address}"), None, &post("{}")).await;
    assert_eq!(stage(&refused), Some(ConnectStage::Tcp));
    assert_eq!(refused.unwrap_err().to_string(), format!("connecting to `{address}`: connection refused"));
}

#[tokio::test]
async fn tls_to_a_plain_port_is_no_connection() {
    for first in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b""] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // Reading what came first makes the end an orderly one.
            std::io::Read::read(&mut stream, &mut [0; 4096]).unwrap();
            stream.write_all(first).unwrap();
        });
        let url = format!("https://localhost:{port}");
        let outcome = call_at(&url, Some(certificate("ca.pem")), &post("{}")).await;
        assert_eq!(stage(&outcome), Some(ConnectStage::Tls), "{outcome:?}");
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn a_certificate_is_trusted_only_from_a_known_issuer_and_for_its_own_host() {
    let ask = async |host: &str, ca: &str| {
        let url = format!("https://{host}:{}", start_tls());
        call_at(&url, Some(certificate(ca)), &post("{}")).await
    };
    assert_eq!(&ask("localhost", "ca.pem").await.unwrap().body[..], b"secret");
    for (host, ca, words) in [
        ("localhost", "stranger.pem", "certificate not trusted: this machine does not know its issuer"),
        ("127.0.0.1", "ca.pem", "certificate not trusted: it is for another host"),
    ] {
        let outcome = ask(host, ca).await;
        assert_eq!(stage(&outcome), Some(ConnectStage::Tls), "{outcome:?}");
        let said = outcome.unwrap_err().to_string();
        assert!(said.ends_with(words), "{said}");
    }
}

#[tokio::test]
async fn a_timeout_before_the_body_could_go_out_is_no_connection() {
    // Takes the connection and never says a word of TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let request = Request { timeout: Duration::from_millis(200), ..post("{}") };
    let outcome = call_at(&url, Some(certificate("ca.pem")), &request).await;
    assert_eq!(stage(&outcome), Some(ConnectStage::Tcp), "{outcome:?}");
    assert!(outcome.unwrap_err().to_string().ends_with("no connection within 0.2 s"));
}

#[tokio::test]
async fn a_timeout_after_the_request_is_no_answer_at_whatever_point_it_comes() {
    let heads = [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"];
    let bodies = [Some(Payload::json("{}")), Some(Payload::json("")), None];
    let cases = heads.iter().flat_map(|head| bodies.iter().map(move |body| (*head, body.clone())));
    join_all(cases.map(async |(head, body)| {
        let server = Server::start(move |_| Reply::Hang(head.to_vec())).await;
        let request = Request { timeout: Duration::from_millis(300), body, ..post("") };
        let outcome = call(&server, &request).await;
        assert_eq!(loss(&outcome), Some(AnswerLoss::Timeout), "{outcome:?}");
        server.only();
    }))
    .await;
}

#[tokio::test]
async fn a_connection_that_ends_after_the_request_is_no_answer() {
    for reset in [|| Reply::Reset(Vec::new()), || Reply::Close(Vec::new())] {
        let outcome = outcome(reset).await;
        assert_eq!(loss(&outcome), Some(AnswerLoss::Reset), "{outcome:?}");
    }
    let half = outcome(|| Reply::Close(b"HTTP/1.1 20".to_vec())).await;
    assert_eq!(loss(&half), Some(AnswerLoss::Reset), "{half:?}");
}

#[tokio::test]
async fn a_request_is_sent_once_whatever_becomes_of_it() {
    let server = Server::start(|_| Reply::Reset(Vec::new())).await;
    assert!(call(&server, &post("{}")).await.is_err());
    server.only();
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_no_answer() {
    let outcome = outcome(|| Reply::Close(b"220 mail.test ESMTP ready\r\n".to_vec())).await;
    assert_eq!(loss(&outcome), Some(AnswerLoss::Truncated), "{outcome:?}");
}

#[tokio::test]
async fn a_success_that_breaks_off_is_no_answer() {
    for status in [200, 202] {
        for end in [Reply::Close, Reply::Reset] {
            let bytes = format!("HTTP/1.1 {status} OK\r\ncontent-length: 100\r\n\r\n{{\"id\":");
            let outcome = outcome(move || end(bytes.clone().into_bytes())).await;
            assert_eq!(loss(&outcome), Some(AnswerLoss::Truncated), "{outcome:?}");
        }
    }
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    assert_eq!(loss(&outcome(|| Reply::Close(chunked.to_vec())).await), Some(AnswerLoss::Truncated));
}

#[tokio::test]
async fn a_refusal_that_breaks_off_is_an_answer() {
    for status in [500, 429, 400] {
        let bytes =
            format!("HTTP/1.1 {status} X\r\ncontent-length: 100\r\nretry-after: 3\r\n\r\n{{\"message\":");
        let answer = outcome(move || Reply::Close(bytes.clone().into_bytes())).await.unwrap();
        assert_eq!((answer.status, &answer.body[..], answer.cut), (status, &b"{\"message\":"[..], true));
        assert_eq!(answer.retry_after.unwrap().wait(), Duration::from_secs(3));
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_the_token_goes_nowhere_else() {
    let elsewhere = Server::start(|_| Reply::Send(answer(200, "", ""))).await;
    let location = format!("location: {}steal\r\n", elsewhere.url);
    for status in [301, 302, 303, 307, 308] {
        let location = location.clone();
        let answer = outcome(move || Reply::Send(answer(status, &location, ""))).await.unwrap();
        assert_eq!(answer.status, status);
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_ten_megabytes() {
    let long = outcome(|| Reply::Send(answer(200, "", vec![b'x'; 20_000_000]))).await.unwrap();
    assert_eq!((long.body.len(), long.cut), (10_000_000, true));
    let fits = outcome(|| Reply::Send(answer(200, "", vec![b'x'; 10_000_000]))).await.unwrap();
    assert_eq!((fits.body.len(), fits.cut), (10_000_000, false));
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    bomb.write_all(&vec![0; 20_000_000]).unwrap();
    let bomb = bomb.finish().unwrap();
    let bomb = outcome(move || Reply::Send(answer(200, "content-encoding: gzip\r\n", &bomb))).await.unwrap();
    assert_eq!((bomb.body.len(), bomb.cut), (10_000_000, true));
}

#[tokio::test]
async fn an_answer_that_drips_for_ever_ends() {
    for head in ["HTTP/1.1 200 OK\r\nx: ", "HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n"] {
        let server = Server::start(move |_| Reply::Drip(head.as_bytes().to_vec())).await;
        let request = Request { timeout: Duration::from_millis(300), ..post("{}") };
        assert_eq!(loss(&call(&server, &request).await), Some(AnswerLoss::Timeout), "{head:?}");
    }
}

#[tokio::test]
async fn an_answer_of_endless_headers_is_none() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(200_000));
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(2_000_000));
    for head in [many, long] {
        let ended = outcome(move || Reply::Send(head.clone().into_bytes())).await;
        assert!(matches!(ended, Err(CallError::NoAnswer { .. })), "{ended:?}");
        assert!(ended.unwrap_err().to_string().len() < 300);
    }
}

#[tokio::test]
async fn a_platform_that_repeats_the_token_brings_it_into_no_answer() {
    for status in [200, 400] {
        let said = r#"{"message":"Bearer tok-123 may not tok\u002d123"}"#;
        let headers = "x-request-id: for tok%2D123\r\nx-echo: tok-123\r\nTok-123: 1\r\nx-Tok-123-y: 1\r\n";
        let answer = outcome(move || Reply::Send(answer(status, headers, said))).await.unwrap();
        assert_eq!(answer.body, "{\"message\":\"Bearer … may not …\"}");
        assert_eq!(answer.correlation_id.as_deref(), Some("for …"));
        let headers = format!("{:?}", answer.headers);
        assert!(!headers.contains("tok"), "{headers}");
    }
}

#[tokio::test]
async fn headers_that_take_long_to_look_through_hide_a_token_as_well() {
    let flood = format!("x-echo: {}%25252541 tok-123\r\n", "&".repeat(60_000));
    let answer = outcome(move || Reply::Send(answer(404, &flood, "tok-123"))).await.unwrap();
    assert!(answer.headers["x-echo"].as_bytes().ends_with(" …".as_bytes()));
    assert_eq!(answer.body, "…");
}

#[tokio::test]
async fn no_part_of_a_repeated_token_is_left_where_an_answer_is_cut() {
    for form in ["tok-123", "tok\\u002d123"] {
        let mut body = vec![b'x'; Answer::MOST - form.len() + 1];
        body.extend_from_slice(form.as_bytes());
        let answer = outcome(move || Reply::Send(answer(400, "", &body))).await.unwrap();
        assert!(answer.cut && answer.body.ends_with("x…".as_bytes()), "{form}");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_written_is_not_sent() {
    let server = Server::start(|_| Reply::Send(answer(200, "", ""))).await;
    for request in [
        Request { path: "/api/v2/contacts/..".to_owned(), ..get() },
        Request { path: "//\u{1b}[2J".to_owned(), ..get() },
        Request { idempotency_key: Some("a\r\nb".to_owned()), ..get() },
        Request { correlation_id: Some("a\nb".to_owned()), ..get() },
    ] {
        let error = call(&server, &request).await.unwrap_err();
        assert!(matches!(error, CallError::Unsendable { .. }), "{error:?}");
        assert!(!error.to_string().contains(char::is_control));
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_path_in_the_api_url_stands_before_every_calls_own() {
    let server = Server::start(|_| Reply::Send(answer(200, "", ""))).await;
    call_at(server.url.join("gateway/").unwrap().as_str(), None, &get()).await.unwrap();
    assert_eq!(server.only().line(), "GET /gateway/api/v2/things HTTP/1.1");
}

#[test]
fn nothing_of_a_body_or_a_token_is_in_a_debug_text() {
    let request = Request { body: Some(Payload::json("customer")), ..get() };
    let answer = Answer {
        status: 200,
        headers: reqwest::header::HeaderMap::new(),
        body: Bytes::from_static(b"customer"),
        cut: false,
        retry_after: None,
        window: None,
        correlation_id: None,
        took: Duration::ZERO,
    };
    let shown = format!("{request:?} {answer:?} {:?} {:?}", token(), token().authorization());
    assert!(!shown.contains("customer") && !shown.contains("tok-123"), "{shown}");
}
