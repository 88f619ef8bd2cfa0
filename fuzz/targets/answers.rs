//! What platforms and the gateways before them say.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use trunkline::journal::Extent;
use trunkline::machine::{self, Came, Disk, Loss, World};
use trunkline::model::{OperationKind, Reason, RunId, Stage};
use trunkline::operation::{self, Draft, Operation, Progress, Step};
use trunkline::plain;
use trunkline::plan::Plan;
use trunkline::platform::{
    Answer, Fetch, Grant, HttpTransport, RateWindow, RetryAfter, SecretProvider, Target, TokenEndpoint,
    error_body,
};

use super::{folder, hostile, json, parts, steered};

const STATUSES: [u16; 16] = [200, 201, 204, 301, 400, 401, 403, 404, 408, 409, 422, 425, 429, 500, 502, 503];

fn status(steer: u8) -> u16 {
    STATUSES[usize::from(steer & 15)]
}

fn is_safe(reason: &Reason) {
    assert!(!reason.message.is_empty() && reason.message.len() <= 10_000);
    hostile::assert_inert("message", &reason.message);
    hostile::assert_inert("code", reason.code.as_deref().unwrap_or_default());
    reason.violations.iter().for_each(|one| hostile::assert_inert("violation", &one.reason));
}

/// A status, and the body that came with it: what a person is told of it is short, safe and never nothing.
pub fn refusal(input: &[u8]) {
    let (steer, body) = steered(input);
    let status = status(steer);
    let error = error_body::parse(status, body);
    assert!(!error.message.is_empty() && error.message.len() <= 2048);
    hostile::assert_inert("message", &error.message);
    assert!(!error.message.contains('\n'));
    let texts =
        error.details.iter().flat_map(|one| [Some(&one.message), one.code.as_ref(), one.field.as_ref()]);
    for text in texts.chain([error.code.as_ref()]).flatten() {
        hostile::assert_inert("detail", text);
        assert!(text.chars().count() <= 513 && !text.contains('\n'), "{text}");
    }
    for stage in Stage::ALL {
        for operation in OperationKind::ALL {
            let what = (Some(status), error.code.as_deref(), error.message.as_str());
            let mut kind = plain::Kind::at(Some(*operation), *stage, what);
            kind.doubtful = steer & 16 != 0;
            let _words = plain::failure(&kind);
            assert_eq!(kind.doubt().is_some(), kind.doubt_in_words().is_some());
            kind.doubt_in_words().iter().for_each(|words| assert!(!words.contains('{'), "{words}"));
        }
    }
}

/// Lines of headers. No answer makes us wait for longer than a year, or for less than it says.
pub fn headers(input: &[u8]) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    let year = Duration::from_hours(365 * 24);
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let read = RetryAfter::read(&headers, now);
    let mut longest = None;
    for value in headers.get_all("retry-after") {
        let Ok(value) = value.to_str() else { continue };
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            let seconds = value.parse::<u128>().unwrap_or(u128::MAX).min(year.as_secs().into());
            longest = longest.max(Some(Duration::from_secs(u64::try_from(seconds).unwrap())));
        }
    }
    assert!(read.map(RetryAfter::wait) >= longest, "as long as the seconds say: {read:?} {longest:?}");
    assert!(read.is_none_or(|read| read.wait() <= year));
    headers.append("retry-after", HeaderValue::from_static("in a while"));
    assert_eq!(RetryAfter::read(&headers, now), read, "garbage takes nothing away");
    if let Some(window) = RateWindow::read(&headers) {
        assert!(window.left() <= window.allowed && window.resets_in <= year);
    }
}

/// A secret with all that has other forms in a form, in Basic and in JSON.
const SECRET: &str = "s3cr\"t/+%\\ ü-9";

struct Vault;

impl SecretProvider for Vault {
    fn read(&self) -> BoxFuture<'_, Result<SecretString, String>> {
        Box::pin(async { Ok(SecretString::from(SECRET)) })
    }
}

/// Gives the same answer to whatever is asked.
#[derive(Default)]
struct Said(Mutex<(u16, HeaderMap, Bytes)>);

impl World for Said {
    fn disk(&self) -> Disk {
        Disk::Sound(Duration::ZERO)
    }

    fn exchange(&self, _: http::Request<Bytes>) -> BoxFuture<'static, Result<Came, Loss>> {
        let (status, headers, body) = self.0.lock().unwrap().clone();
        let mut answer = http::Response::new(body);
        *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
        *answer.headers_mut() = headers;
        Box::pin(async { Ok(Came { answer, cut: false }) })
    }
}

struct Tokens {
    runtime: tokio::runtime::Runtime,
    endpoints: [TokenEndpoint; 3],
    said: Arc<Said>,
}

impl Tokens {
    fn new() -> Self {
        let url = url::Url::parse("https://api.example.com").unwrap();
        let target = Target { api_url: url.clone(), auth_url: url, ca_file: None };
        let transport = HttpTransport::open(&target).unwrap();
        let grants = [Grant::genesys("an-id"), Grant::cxone("an-id"), Grant::access_key("an-id")];
        Self {
            runtime: tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap(),
            endpoints: grants.map(|grant| transport.token_endpoint(grant, Vault)),
            said: Arc::default(),
        }
    }
}

/// A status, and what the token endpoint says with it. An endpoint that repeats the secret shows it to nobody.
pub fn token(input: &[u8]) {
    thread_local! {
        static TOKENS: RefCell<Tokens> = RefCell::new(Tokens::new());
    }
    let (steer, body) = steered(input);
    TOKENS.with_borrow(|tokens| {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("7"));
        *tokens.said.0.lock().unwrap() = (status(steer), headers, Bytes::copy_from_slice(body));
        let said: Arc<dyn World> = tokens.said.clone();
        let answer = tokens.runtime.block_on(async {
            let _held = machine::hold("2026-11-21T12:00:00Z".parse().unwrap(), said);
            tokens.endpoints[usize::from(steer >> 4) % 3].fetch().await
        });
        match answer {
            Ok(token) => {
                assert!((200..300).contains(&status(steer)));
                token.scopes.iter().flatten().for_each(|scope| hostile::assert_inert("scope", scope));
                assert_eq!(format!("{token:?}"), "…");
            }
            Err(error) => {
                let told = [error.to_string(), format!("{error:?}")].concat();
                assert!(!told.contains(SECRET), "{told}");
                hostile::assert_inert("no token", &error.to_string());
            }
        }
    });
}

fn answer(status: u16, body: &[u8]) -> Answer {
    Answer {
        status,
        body: Bytes::copy_from_slice(body),
        cut: false,
        retry_after: None,
        window: None,
        headers: HeaderMap::new(),
        correlation_id: None,
        took: Duration::ZERO,
    }
}

/// What an import is told: when its job is accepted, `%%`, when it is looked at; and both as files of a result.
pub fn import(input: &[u8]) {
    thread_local! {
        static IMPORT: Arc<dyn Operation> = operation::of(&Plan::new(OperationKind::Import)).unwrap();
    }
    let operation = IMPORT.with(Clone::clone);
    let (accepted, looked) = parts(input);
    let run: RunId = "018f0000-0000-7000-8000-000000000000".parse().unwrap();
    let records = vec![operation.admit(Bytes::from_static(b"{}")).unwrap()];
    let extent = Extent { dataset: 0, first: 0, span: 1, count: 1 };
    let draft = Draft { seq: 0, extent, records, correlation_id: "".into(), holes: Vec::new() };
    let item = operation.build(run, draft);

    let mut progress = Progress::default();
    match operation.next(&item, &mut progress, Some(&answer(202, accepted))) {
        Step::Keep(id, _) => progress.remote_id = Some(id),
        Step::Failed(reason) => {
            is_safe(&reason);
            progress.remote_id = Some("j-1".to_owned());
        }
        other => panic!("{other:?}"),
    }
    let Step::Call(call) = operation.next(&item, &mut progress, None) else { panic!("a look") };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte);
    assert!(call.request.path.bytes().all(plain), "an id is a segment: {}", call.request.path);
    let slashes = call.request.path.matches('/').count();
    let usual = Plan::new(OperationKind::Import);
    let trunkline::plan::Operation::Import(usual) = usual.operation else { unreachable!() };
    assert_eq!(slashes, usual.poll_path().matches('/').count());
    match operation.next(&item, &mut progress, Some(&answer(200, looked))) {
        Step::Failed(reason) => is_safe(&reason),
        Step::Delivered(delivered) => {
            delivered.rows.iter().for_each(is_safe);
            let kept = delivered.answer.unwrap();
            assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&kept).is_ok(), "a result is JSON");
        }
        Step::Fetch(url) => assert!(!url.is_empty()),
        Step::Wait(wait) => assert!(wait <= Duration::from_secs(31)),
        other => panic!("{other:?}"),
    }
    assert!(progress.percent.is_none_or(|percent| percent <= 100));

    for document in [accepted, looked] {
        let path = folder().join("result");
        std::fs::File::create(&path).unwrap().write_all(document).unwrap();
        let (mut rows, mut unreadable) = (0_u64, 0_u64);
        let kept = operation.read_result(&path, &mut |row| {
            rows += 1;
            unreadable += u64::from(row.code.as_deref() == Some("result.unreadable"));
            is_safe(&row);
        });
        let kept: serde_json::Value = serde_json::from_slice(&kept.unwrap()).unwrap();
        if kept.get("note").is_some() {
            let is_begun = document.trim_ascii_start().starts_with(b"{");
            assert!(
                rows == unreadable && rows <= u64::from(is_begun),
                "what is no result has no rows of its own"
            );
        }
    }
}

/// The platform's categories, `%%`, a record of an outcome.
pub fn outcomes(input: &[u8]) {
    let (categories, record) = parts(input);
    let operation = operation::of(&Plan::new(OperationKind::Outcomes)).unwrap();
    if let Err(reason) = operation.learn(categories) {
        hostile::assert_inert("categories", &reason);
    }
    hostile::assert_inert("name", &operation.name(record).unwrap_or_default());
    match operation.admit(Bytes::copy_from_slice(record)) {
        Ok(_) => {
            let json::Node::Object(members) = json::read(str::from_utf8(record).unwrap()) else {
                panic!("an object")
            };
            for field in ["contactId", "category", "subcategory"] {
                let field: Vec<u16> = field.encode_utf16().collect();
                assert!(
                    members.iter().filter(|(name, _)| *name == field).count() < 2,
                    "nobody knows which one counts"
                );
            }
        }
        Err(reason) => is_safe(&reason),
    }
}
