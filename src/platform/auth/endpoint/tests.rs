//! What a token endpoint is sent, and what is made of its answers, over a real socket.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::platform::tests::server::{Reply, Seen, Server, answer};
use crate::platform::{AnswerLoss, CallError, HttpTransport, Target, Tokens};

/// Secrets in the order in which they are read.
struct Vault(Mutex<VecDeque<&'static str>>);

impl Vault {
    fn holding(secrets: impl IntoIterator<Item = &'static str>) -> Self {
        Self(Mutex::new(secrets.into_iter().collect()))
    }
}

impl SecretProvider for Vault {
    fn read(&self) -> BoxFuture<'_, Result<SecretString, String>> {
        let next = self.0.lock().unwrap().pop_front();
        Box::pin(
            async move { next.map(SecretString::from).ok_or_else(|| "the vault\u{1b} is shut".to_owned()) },
        )
    }
}

const GOOD: &str = r#"{"access_token": "tok-1", "token_type": "Bearer", "expires_in": 3600, "scope": "a b"}"#;

fn endpoint(server: &Server, grant: Grant, secret: &'static str) -> TokenEndpoint {
    let target = Target { api_url: server.url.clone(), auth_url: server.url.clone(), ca_file: None };
    HttpTransport::open(&target).unwrap().token_endpoint(grant, Vault::holding([secret]))
}

async fn asked(grant: Grant, secret: &'static str) -> Seen {
    let server = Server::start(|_| Reply::Send(answer(200, "", GOOD))).await;
    let token = endpoint(&server, grant, secret).fetch().await.unwrap();
    assert_eq!(token.authorization(), "Bearer tok-1");
    server.only()
}

async fn outcome(status: u16, headers: &'static str, body: &str) -> Result<Token, TokenError> {
    let bytes = answer(status, headers, body);
    let server = Server::start(move |_| Reply::Send(bytes.clone())).await;
    endpoint(&server, Grant::genesys("id"), "s3cret").fetch().await
}

async fn failure(status: u16, headers: &'static str, body: &str) -> TokenError {
    outcome(status, headers, body).await.unwrap_err()
}

/// How long the token of this answer lives, within the second that the test may take.
async fn life(body: &str) -> u64 {
    let token = outcome(200, "", body).await.unwrap();
    token.ends.left().as_secs() + 1
}

#[tokio::test]
async fn genesys_gets_basic_authentication_of_parts_that_were_form_encoded_first() {
    let seen = asked(Grant::genesys("id:ö@x"), "s e+c%r/et*-._~").await;
    assert_eq!(seen.line(), "POST /oauth/token HTTP/1.1");
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen.body, b"grant_type=client_credentials");
    let pair = seen.header("authorization").unwrap().strip_prefix("Basic ").unwrap();
    let pair = String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap();
    assert_eq!(pair, "id%3A%C3%B6%40x:s+e%2Bc%25r%2Fet*-._%7E");
}

#[tokio::test]
async fn cxone_gets_the_form_with_its_scope() {
    let seen = asked(Grant::cxone("id"), "a&b=c d").await;
    assert_eq!(seen.line(), "POST /oauth2/token HTTP/1.1");
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(
        String::from_utf8(seen.body).unwrap(),
        "grant_type=client_credentials&client_id=id&client_secret=a%26b%3Dc+d&scope=contact%3Aread+contact%3Aupdate"
    );
}

#[tokio::test]
async fn each_vendor_may_be_asked_in_the_others_way() {
    let form = Grant { client_auth: ClientAuth::Form, ..Grant::genesys("id") };
    let seen = asked(form, "s").await;
    assert_eq!(seen.body, b"grant_type=client_credentials&client_id=id&client_secret=s");
    let basic = Grant { client_auth: ClientAuth::Basic, ..Grant::cxone("id") };
    let seen = asked(basic, "s").await;
    assert_eq!(seen.body, b"grant_type=client_credentials&scope=contact%3Aread+contact%3Aupdate");
    assert_eq!(seen.header("authorization"), Some("Basic aWQ6cw=="));
}

#[tokio::test]
async fn an_access_key_goes_as_json() {
    let seen = asked(Grant::access_key("key"), "a\"b").await;
    assert_eq!(seen.line(), "POST /authentication/v1/token/access-key HTTP/1.1");
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(String::from_utf8(seen.body).unwrap(), r#"{"accessKeyId":"key","accessKeySecret":"a\"b"}"#);
}

#[tokio::test]
async fn expires_in_is_believed_and_five_minutes_without_it() {
    assert_eq!(life(GOOD).await, 3600);
    assert_eq!(life(r#"{"access_token": "t", "expires_in": "172800"}"#).await, 172_800);
    assert_eq!(life(r#"{"access_token": "t", "expires_in": 900.5}"#).await, 901);
    for untold in ["", r#", "expires_in": null"#, r#", "expires_in": -1"#, r#", "expires_in": "soon""#] {
        assert_eq!(life(&format!(r#"{{"access_token": "t"{untold}}}"#)).await, 300, "{untold}");
    }
    outcome(200, "", r#"{"access_token": "t", "expires_in": 1e300}"#).await.unwrap();
}

#[tokio::test]
async fn scopes_are_told_where_the_answer_tells_them() {
    assert_eq!(outcome(200, "", GOOD).await.unwrap().scopes, Some(vec!["a".to_owned(), "b".to_owned()]));
    for untold in ["", r#", "scope": """#, r#", "scope": null"#, r#", "scope": {}"#] {
        let token = outcome(200, "", &format!(r#"{{"access_token": "t"{untold}}}"#)).await.unwrap();
        assert_eq!(token.scopes, None, "{untold}");
    }
}

#[tokio::test]
async fn scopes_that_repeat_a_secret_show_none() {
    let pair = STANDARD.encode("id:s3cret");
    for scope in [
        serde_json::json!("a s3cret tok/456 b"),
        serde_json::json!(["a", "tok/456", format!("Basic {pair}")]),
        serde_json::json!(format!("a {}tok/456", "x".repeat(196))),
    ] {
        let body = serde_json::json!({ "access_token": "tok/456", "scope": scope }).to_string();
        let token = outcome(200, "", &body.replace('/', "\\/")).await.unwrap();
        let told = token.scopes.unwrap().join(" ");
        assert!(told.starts_with("a ") && told.contains('…'), "{told}");
        assert!(!["s3cret", "tok", &pair].iter().any(|text| told.contains(text)), "{told}");
    }
}

#[tokio::test]
async fn a_refused_client_hears_the_platforms_words() {
    for key in ["error_description", "description"] {
        let body = format!(r#"{{"error": "invalid_client", "{key}": "unknown client"}}"#);
        let error = failure(401, "", &body).await;
        let refused = TokenError::Refused {
            status: 401,
            error: Some("invalid_client".to_owned()),
            description: "unknown client".to_owned(),
        };
        assert_eq!(error, refused);
        assert_eq!(
            error.to_string(),
            "getting a token: the platform refused the client with status 401 (`invalid_client`): unknown client; \
             check the profile's client id, secret and region"
        );
    }
}

#[tokio::test]
async fn genesyss_way_of_throttling_is_no_refusal() {
    let body = r#"{"error": "invalid_request", "description": "Rate limit exceeded; try later"}"#;
    for (status, body) in [(400, body), (429, "")] {
        let error = failure(status, "retry-after: 30\r\n", body).await;
        assert!(matches!(error, TokenError::Throttled { .. }), "{error:?}");
        assert_eq!(error.retry_after().unwrap().wait(), Duration::from_secs(30));
    }
    for (status, body) in [
        (401, body),
        (400, r#"{"error": "invalid_grant", "description": "rate limit exceeded"}"#),
        (400, r#"{"error": "invalid_request", "description": "the rate limit exceeded"}"#),
    ] {
        assert!(matches!(failure(status, "", body).await, TokenError::Refused { .. }), "{status} {body}");
    }
}

#[tokio::test]
async fn trouble_is_no_refusal_either() {
    for status in [408, 425, 500, 503] {
        let error = failure(status, "retry-after: 4\r\n", "<title>Oops</title>").await;
        assert_eq!(error.to_string(), format!("getting a token: status {status}: a web page: Oops"));
        assert_eq!(error.retry_after().unwrap().wait(), Duration::from_secs(4));
    }
}

#[tokio::test]
async fn a_success_without_a_usable_token_is_trouble_and_shows_nothing_of_itself() {
    for body in [
        "",
        "<html>login</html>",
        r#"{"access_token": "leak"#,
        r#"{"access_token": ""}"#,
        r#"{"access_token": 5, "x": "leak"}"#,
        r#"{"access_token": "leak\r\nX: y"}"#,
        r#"{"access_token": "leak leak"}"#,
        r#"{"access_token": "leak", "token_type": "mac"}"#,
        r#"{"token": "leak"}"#,
    ] {
        let error = failure(200, "", body).await;
        assert!(matches!(error, TokenError::Trouble { status: 200, .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("leak"), "{error}");
    }
}

#[tokio::test]
async fn an_endpoint_that_repeats_the_secret_brings_it_onto_no_screen() {
    for status in [400, 500] {
        let error =
            failure(status, "", r#"{"error": "s3cret", "error_description": "bad secret s3cret"}"#).await;
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn a_token_that_comes_with_a_refusal_is_not_shown() {
    for (status, body) in [
        (400, r#"{"access_token": "tok-A8f3kqPz", "expires_in": 60}"#),
        (503, r#"{"message": "late: {\"refreshToken\":\"tok-A8f3kqPz\"}"}"#),
        (401, "id_token=tok-A8f3kqPz"),
        (400, r#"{"status":"pending","session_token":"tok-A8f3kqPz"}"#),
        (401, r#"{"jwt":"tok-A8f3kqPz","state":"LOCKED"}"#),
        (400, r#"{"AccessToken":"tok-A8f3kqPz"}"#),
        (400, r#"{"access\u005ftoken":"tok-A8f3kqPz"}"#),
        (400, r#"{"session_token":"tok-A8f3kqPz","x":1e999}"#),
        (400, r#"{"session_token":"tok-A8f3kqPz"#),
        (400, "error=pending&session_token=tok-A8f3kqPz"),
        (401, "<error><Token>tok-A8f3kqPz</Token></error>"),
        (401, "state: locked\r\njwt : tok-A8f3kqPz\r\n"),
        (400, "{'session-token': 'tok-A8f3kqPz'}"),
        (400, r#"{"error_description":"{\"session_token\":\"tok-A8f3kqPz\"}"}"#),
        (400, r#"{"error_description":"{\"session_token\":\"tok\\u002B12\\/345A8f3\"}"}"#),
        (400, r"session_token=tok\/12345-A8f3&next=x"),
        (401, "session_token=tok&#x2F;12345-A8f3&amp;next=x"),
    ] {
        let error = failure(status, "", body).await;
        let told = format!("{error} {error:?}");
        assert!(told.contains(&status.to_string()) && !told.contains("A8f3"), "{told}");
    }
}

#[tokio::test]
async fn what_a_refusal_says_of_secrets_in_words_is_shown() {
    let said = "invalid_token: the client secret is wrong; secret=none, token_type=bearer-of-some-kind";
    let body = format!("{{\"error\":\"invalid_client\",\"error_description\":\"{said}\"}}");
    let error = failure(401, "", &body).await;
    assert!(error.to_string().contains(said), "{error}");
}

/// Brings `secret-token-0` and so on, and then refuses, repeating the last four of them.
async fn brought(count: usize) -> (Vec<Token>, TokenError) {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_: &Seen| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        Reply::Send(if number < count {
            let scope = format!("a secret-token-{} refreshing-{number}", number.saturating_sub(1));
            let body = serde_json::json!({
                "access_token": format!("secret-token-{number}"),
                "refresh_token": format!("refreshing-{number}"),
                "idToken": format!("identity-of-{number}"),
                "scope": scope,
            });
            answer(200, "", body.to_string())
        } else {
            let last =
                [1, 2, 3, 4].map(|before| format!("secret-token-{0} and refreshing-{0}", count - before));
            answer(401, "", serde_json::json!({ "error_description": last.join(" and ") }).to_string())
        })
    })
    .await;
    let target = Target { api_url: server.url.clone(), auth_url: server.url.clone(), ca_file: None };
    let vault = Vault::holding(vec!["s3cret"; count + 1]);
    let endpoint = HttpTransport::open(&target).unwrap().token_endpoint(Grant::genesys("id"), vault);
    let mut tokens = Vec::new();
    for _ in 0..count {
        tokens.push(endpoint.fetch().await.unwrap());
    }
    (tokens, endpoint.fetch().await.unwrap_err())
}

#[tokio::test]
async fn the_tokens_before_the_present_one_are_shown_nowhere() {
    let (tokens, refused) = brought(6).await;
    assert!(refused.to_string().contains(&["…"; 8].join(" and ")), "{refused}");
    let scopes = tokens[5].scopes.as_deref().unwrap();
    assert_eq!(scopes, ["a", "…", "…"]);
    let came = Bytes::from_static(b"secret-token-5, secret-token-4, secret-token-2 and another-token");
    assert_eq!(tokens[5].concealed(came), "…, …, … and another-token");
    assert_eq!(tokens[5].concealed(Bytes::from_static(b"refreshing-5 and identity-of-4")), "… and …");
}

#[tokio::test]
async fn what_a_call_brings_shows_no_token_that_came_while_it_was_under_way() {
    let (tokens, _) = brought(6).await;
    let came = Bytes::from_static(b"the present one is secret-token-5, refreshing-5");
    assert_eq!(tokens[4].concealed(came), "the present one is …, …");
}

#[tokio::test]
async fn a_token_that_somebody_else_of_this_process_was_given_is_not_shown_either() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_: &Seen| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        Reply::Send(answer(200, "", format!(r#"{{"access_token": "secret-token-{number}"}}"#)))
    })
    .await;
    let carries = endpoint(&server, Grant::genesys("id"), "s3cret");
    let token = carries.fetch().await.unwrap();
    endpoint(&server, Grant::genesys("id"), "s3cret").fetch().await.unwrap();
    endpoint(&server, Grant::genesys("another"), "s3cret").fetch().await.unwrap();
    let came = Bytes::from_static(b"secret-token-0 secret-token-1 secret-token-2");
    assert_eq!(token.concealed(came), "… … …");
}

#[tokio::test]
async fn the_secrets_before_the_present_one_are_shown_nowhere() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_: &Seen| {
        Reply::Send(match asked.fetch_add(1, Ordering::SeqCst) {
            0 | 2 => answer(200, "", GOOD),
            _ => answer(401, "", r#"{"error_description": "first-S3cret was replaced by second-S3cret"}"#),
        })
    })
    .await;
    let target = Target { api_url: server.url.clone(), auth_url: server.url.clone(), ca_file: None };
    let vault = Vault::holding(["first-S3cret", "second-S3cret", "third-S3cret"]);
    let endpoint = HttpTransport::open(&target).unwrap().token_endpoint(Grant::genesys("id"), vault);
    endpoint.fetch().await.unwrap();
    let refused = endpoint.fetch().await.unwrap_err().to_string();
    assert!(refused.contains("… was replaced by …"), "{refused}");
    let token = endpoint.fetch().await.unwrap();
    let came = Bytes::from_static(b"of first-S3cret, second-S3cret and third-S3cret");
    assert_eq!(token.concealed(came), "of …, … and …");
}

#[tokio::test]
async fn what_is_named_a_secret_is_one_wherever_it_stands_in_a_tokens_answer() {
    let beside = serde_json::json!({
        "access_token": "tok-1-of-them",
        "session": { "refresh_token": "refreshing-1", "id": "session-1" },
        "refreshTokens": ["refreshing-2", { "value": "refreshing-3" }],
        "device_secret": "of-the-device", "csrf_token": "csrf-of-them", "id_token": "identity-of-1", "x_token": "other-of-them",
        "token_type": "bearer",
    });
    let token = outcome(200, "", &beside.to_string()).await.unwrap();
    for secret in [
        "tok-1-of-them",
        "refreshing-1",
        "refreshing-2",
        "refreshing-3",
        "of-the-device",
        "csrf-of-them",
        "identity-of-1",
        "other-of-them",
    ] {
        assert_eq!(token.concealed(Bytes::from(format!("<{secret}>"))), "<…>", "{secret}");
    }
    assert_eq!(token.concealed(Bytes::from_static(b"session-1 bearer")), "session-1 bearer");

    let twice =
        r#"{"access_token":"tok-1","x":{"refresh_token":"refreshing-1","refresh_token":"refreshing-2"}}"#;
    let token = outcome(200, "", twice).await.unwrap();
    assert_eq!(token.concealed(Bytes::from_static(b"refreshing-1 refreshing-2")), "… …");

    // what cannot be read as it should keeps nobody from the token, and shows none
    let deep = format!("\"x\":{}{}", "[".repeat(200), "]".repeat(200));
    let odd: [&[u8]; 4] =
        [b"\"name\":\"M\xfcller AG\"", br#""name":"Acme \ud83d""#, br#""x":1e999"#, deep.as_bytes()];
    for odd in odd {
        let body = [br#"{"access_token":"tok-1","y":{"refresh_token":"refreshing-1"},"#, odd, b"}"].concat();
        let bytes = answer(200, "", body);
        let server = Server::start(move |_| Reply::Send(bytes.clone())).await;
        let token = endpoint(&server, Grant::genesys("id"), "s3cret").fetch().await;
        let shown = token.map(|token| token.concealed(Bytes::from_static(b"no refresh_token refreshing-1")));
        assert_eq!(shown.unwrap(), "no refresh_token …", "{}", String::from_utf8_lossy(odd));
    }

    let many: Vec<_> = (0..70).map(|number| format!("token-number-{number}")).collect();
    let many = serde_json::json!({ "access_token": "tok-1", "refresh_tokens": many });
    assert!(failure(200, "", &many.to_string()).await.to_string().contains("more tokens"));
}

#[tokio::test]
async fn what_came_in_an_answer_that_brought_no_token_is_not_shown_later_either() {
    let broken_off = |body: &str| {
        let whole = answer(200, "", format!("{body}       "));
        Reply::Close(whole.get(..whole.len() - 7).unwrap().to_owned())
    };
    let first = [
        Reply::Send(answer(200, "", r#"{"access_token":"tok-A8f3kqPz","token_type":"mac"}"#)),
        Reply::Send(answer(200, "", r#"{"access_token":"tok-A8f3kqPz","access_token":"tok-A8f3kqPz"}"#)),
        Reply::Send(answer(503, "", r#"{"session_token":"tok-A8f3kqPz"}"#)),
        broken_off(r#"{"access_token":"tok-A8f3kqPz"}"#),
    ];
    for first in first {
        let asked = AtomicUsize::new(0);
        let server = Server::start(move |_: &Seen| {
            let is_first = asked.fetch_add(1, Ordering::SeqCst) == 0;
            let again = r#"{"error":"invalid_request","error_description":"grant tok-A8f3kqPz is issued"}"#;
            if is_first { first.clone() } else { Reply::Send(answer(400, "", again)) }
        })
        .await;
        let target = Target { api_url: server.url.clone(), auth_url: server.url.clone(), ca_file: None };
        let vault = Vault::holding(["s3cret", "s3cret"]);
        let endpoint = HttpTransport::open(&target).unwrap().token_endpoint(Grant::genesys("id"), vault);
        endpoint.fetch().await.unwrap_err();
        let told = endpoint.fetch().await.unwrap_err().to_string();
        assert!(told.contains("grant … is issued"), "{told}");
    }
    // a word that stands under such a name is a word
    let worded = r#"{"access_token":"tok-1-of-them","token_format":"opaque"}"#;
    let token = outcome(200, "", worded).await.unwrap();
    assert_eq!(token.concealed(Bytes::from_static(b"an opaque one")), "an opaque one");
}

#[tokio::test]
async fn a_secret_that_is_escaped_where_a_text_is_cut_shows_no_part() {
    const SECRET: &str = "hunter2/S3CR3T/+x";
    for (filling, key) in [(200, "error"), (2048, "error_description")] {
        // each place of the cut within it
        for left in 6..SECRET.len() {
            let server = Server::start(move |_: &Seen| {
                let text = format!("{}{SECRET}ZZZ", "Q".repeat(filling - left));
                let mut body = serde_json::json!({ "error": "no", "error_description": "no" });
                body[key] = text.into();
                let body = body.to_string().replace('/', "\\/").replace('+', "\\u002b");
                Reply::Send(answer(401, "", body))
            })
            .await;
            let error = endpoint(&server, Grant::genesys("id"), SECRET).fetch().await.unwrap_err();
            let told = format!("{error} {error:?}");
            assert!(told.contains("QQQ…") && !told.contains("hunter"), "{key} {left}: {told}");
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_repeats_the_request_shows_the_secret_in_none_of_its_forms() {
    const SECRET: &str = "correct/horse+battery\"staple";
    let forms = ["correct/horse", "correct%2Fhorse", "aWQ6Y29ycmVjdC", "aWQ6Y29ycmVjdCUyRmhvcnNl", "battery"];
    for grant in [Grant::genesys("id"), Grant::cxone("id"), Grant::access_key("id")] {
        // the longest text first, so that the secret stands where the message is cut off
        for filling in [0, 2035] {
            let server = Server::start(move |seen: &Seen| {
                let sent =
                    format!("{}{}\n{}", "x".repeat(filling), seen.head, String::from_utf8_lossy(&seen.body));
                Reply::Send(answer(401, "", serde_json::json!({ "error_description": sent }).to_string()))
            })
            .await;
            let error = endpoint(&server, grant.clone(), SECRET).fetch().await.unwrap_err();
            let told = format!("{error} {error:?}");
            for form in forms {
                assert!(!told.contains(form), "{form}: {told}");
            }
        }
    }
}

#[tokio::test]
async fn the_end_of_what_was_sent_does_not_tell_the_secret() {
    const ID: &str = "9f1c2d3e-4b5a-6978-8a9b-0c1d2e3f4a5b";
    const SECRET: &str = "Zq8Lw2Vt9Xk4Rm7PZq8Lw2Vt9Xk4Rm7PZq8Lw2Vt9Xk";
    for (id, secret) in [(ID, SECRET), (ID, &SECRET[..16]), (&ID[..35], SECRET), (&ID[..34], SECRET)] {
        let server = Server::start(move |seen: &Seen| {
            let sent = seen.header("authorization").unwrap();
            let end = &sent[sent.len() - (4 * secret.len() / 3 + 2)..];
            let body = serde_json::json!({ "error_description": format!("bad ...{end}!") });
            Reply::Send(answer(400, "", body.to_string()))
        })
        .await;
        let error = endpoint(&server, Grant::genesys(id), secret).fetch().await.unwrap_err();
        let told = error.to_string();
        let (_, end) = told.split_once("bad ...").unwrap();
        let (end, _) = end.split_once('!').unwrap();
        assert!(end.len() < "…".len() + 6 && end.contains('…'), "{told}");
    }
}

#[tokio::test]
async fn a_redirect_gets_no_secret() {
    let elsewhere = Server::start(|_| Reply::Send(answer(200, "", GOOD))).await;
    let there = answer(307, &format!("location: {}\r\n", elsewhere.url), "");
    let server = Server::start(move |_| Reply::Send(there.clone())).await;
    let error = endpoint(&server, Grant::cxone("id"), "s").fetch().await.unwrap_err();
    assert!(matches!(error, TokenError::Refused { status: 307, .. }), "{error:?}");
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let body = format!("{{\"access_token\": \"t\", \"x\": \"{}\"}}", "x".repeat(100_000));
    assert!(matches!(failure(200, "", &body).await, TokenError::Trouble { .. }));
}

#[tokio::test]
async fn a_cut_answer_is_told_as_one() {
    let server =
        Server::start(|_| Reply::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec())).await;
    let error = endpoint(&server, Grant::genesys("id"), "s").fetch().await.unwrap_err();
    let lost = matches!(error, TokenError::Call(CallError::NoAnswer { kind: AnswerLoss::Truncated, .. }));
    assert!(lost, "{error:?}");
}

#[tokio::test]
async fn the_secret_is_read_anew_for_each_token() {
    let server = Server::start(|seen| {
        let fresh = seen.body.ends_with(b"client_secret=new");
        Reply::Send(if fresh {
            answer(200, "", GOOD)
        } else {
            answer(401, "", r#"{"error": "invalid_client"}"#)
        })
    })
    .await;
    let target = Target { api_url: server.url.clone(), auth_url: server.url.clone(), ca_file: None };
    let grant = Grant { client_auth: ClientAuth::Form, ..Grant::genesys("id") };
    let vault = Vault::holding(["old", "new", ""]);
    let endpoint = HttpTransport::open(&target).unwrap().token_endpoint(grant, vault);
    let tokens = Tokens::new(endpoint);
    assert!(matches!(tokens.get().await, Err(TokenError::Refused { .. })));
    let token = tokens.get().await.unwrap();
    // An empty secret, and one that cannot be read, are not sent.
    for words in ["is empty", "the vault is shut"] {
        let error = tokens.renew_after(&token).await.unwrap_err();
        assert!(matches!(&error, TokenError::Secret(said) if said.contains(words)), "{error:?}");
    }
    assert_eq!(server.seen().len(), 2);
}

fn nowhere() -> Target {
    let url: url::Url = "http://localhost:9".parse().unwrap();
    Target { api_url: url.clone(), auth_url: url, ca_file: None }
}

/// A key store that waits for somebody who does not come.
struct Locked;

impl SecretProvider for Locked {
    fn read(&self) -> BoxFuture<'_, Result<SecretString, String>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_does_not_come_is_not_waited_for_for_ever() {
    let endpoint = HttpTransport::open(&nowhere()).unwrap().token_endpoint(Grant::genesys("id"), Locked);
    let began = Instant::now();
    assert!(matches!(endpoint.fetch().await, Err(TokenError::Secret(_))));
    assert_eq!(began.elapsed(), Duration::from_mins(1));
}

#[test]
fn an_endpoint_shows_no_secret() {
    let target = nowhere();
    let endpoint = HttpTransport::open(&target)
        .unwrap()
        .token_endpoint(Grant::genesys("id"), Vault::holding(["s3cret"]));
    let shown = format!("{endpoint:?}");
    assert!(shown.contains("id") && !shown.contains("s3cret"), "{shown}");
}

#[tokio::test]
async fn a_token_is_hidden_whole_where_an_answer_names_a_piece_of_it_first() {
    const TOKEN: &str = "Zx81Kq0Lm3PwAb4D.Qr5Tv7Yb9n2c";
    let brings = format!(r#"{{"token_id":"Zx81Kq0Lm3PwAb4D","access_token":"{TOKEN}"}}"#);
    let refuses =
        format!(r#"{{"token_id":"Zx81Kq0Lm3PwAb4D","error":"no","error_description":"it has {TOKEN}"}}"#);
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_: &Seen| {
        let is_first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        Reply::Send(if is_first { answer(200, "", &brings) } else { answer(400, "", &refuses) })
    })
    .await;
    let target = Target { api_url: server.url.clone(), auth_url: server.url.clone(), ca_file: None };
    let vault = Vault::holding(["s3cret", "s3cret"]);
    let endpoint = HttpTransport::open(&target).unwrap().token_endpoint(Grant::genesys("id"), vault);
    let token = endpoint.fetch().await.unwrap();
    assert_eq!(token.concealed(format!("no {TOKEN} here").into()), "no … here");
    let told = endpoint.fetch().await.unwrap_err().to_string();
    assert!(told.contains("it has …") && !told.contains("Qr5"), "{told}");
}
