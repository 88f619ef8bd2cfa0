//! The sandbox from outside, over loopback, with a plain HTTP client.

mod exchange;
mod execute;
mod imports;

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::*;

const SET: &str = "7f3d2c1a-5b6e-4f70-8a91-b2c3d4e5f607";

struct Caller {
    sandbox: Sandbox,
    client: Client,
    genesys: String,
    cxone: String,
}

/// A well-mannered client of a sandbox with this scenario, both tokens in hand.
async fn caller(scenario: &str) -> Caller {
    caller_of(Scenario::parse("test", scenario).unwrap(), None).await
}

async fn caller_of(scenario: Scenario, seed: Option<u64>) -> Caller {
    rustls::crypto::ring::default_provider().install_default().ok();
    let sandbox = Sandbox::start(scenario, seed, 0).await.unwrap();
    let accept = [("accept", "application/json")]
        .map(|(name, value)| (name.parse::<reqwest::header::HeaderName>().unwrap(), value.parse().unwrap()));
    let client = Client::builder()
        .user_agent("trunkline/0.0.0-test")
        .default_headers(reqwest::header::HeaderMap::from_iter(accept))
        .retry(reqwest::retry::never())
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        // a call must not meet a connection that an earlier fault has just ended
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    let mut caller = Caller { sandbox, client, genesys: String::new(), cxone: String::new() };
    caller.genesys = caller.token("/oauth/token").await;
    caller.cxone = caller.token("/oauth2/token").await;
    caller
}

impl Caller {
    fn to(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.sandbox.url()))
    }

    async fn token(&self, path: &str) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
            ("scope", "contact:read contact:update"),
        ];
        let answer: Value =
            self.to(Method::POST, path).form(&form).send().await.unwrap().json().await.unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    fn chunk(&self, set: &str, key: &str, array: &str) -> RequestBuilder {
        let body =
            format!("--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{array}\r\n--b--\r\n");
        self.to(Method::POST, "/api/v2/analytics/dataactions/ingest")
            .bearer_auth(&self.genesys)
            .header("content-type", "multipart/form-data; boundary=b")
            .header("x-genesys-correlation-id", set)
            .header("idempotency-key", sha(key))
            .body(body)
    }

    fn put(&self, segment: &str, key: &str, body: String) -> RequestBuilder {
        self.to(Method::PUT, &format!("/api/v2/contacts/{segment}"))
            .bearer_auth(&self.cxone)
            .header("content-type", "application/json")
            .header("idempotency-key", sha(key))
            .body(body)
    }

    fn post(&self, path: &str, key: &str, body: &str) -> RequestBuilder {
        self.to(Method::POST, path)
            .bearer_auth(&self.genesys)
            .header("content-type", "application/json")
            .header("idempotency-key", sha(key))
            .body(body.to_owned())
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.to(Method::GET, path).bearer_auth(&self.cxone)
    }

    fn breaches(&self) -> Vec<String> {
        let ledger = self.sandbox.ledger();
        let breaches = ledger["breaches"].as_array().unwrap();
        assert_eq!(ledger["breach_count"], breaches.len());
        breaches.iter().map(|breach| breach["what"].as_str().unwrap().to_owned()).collect()
    }

    fn assert_one_breach(&self, about: &str) {
        let breaches = self.breaches();
        assert!(breaches.len() == 1 && breaches[0].contains(about), "{about}: {breaches:?}");
    }
}

fn sha(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let (high, low) = digest.split_at(16);
    let half = |bytes: &[u8]| u128::from_be_bytes(bytes.try_into().unwrap());
    format!("{:032x}{:032x}", half(high), half(low))
}

fn sale() -> String {
    outcome("Contacted", "Sale")
}

fn outcome(category: &str, subcategory: &str) -> String {
    json!({"outcome": {"category": category, "subcategory": subcategory}}).to_string()
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

async fn code(request: RequestBuilder) -> (u16, String) {
    let answer = send(request).await;
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn all_three_ways_to_a_token_work_and_name_their_scopes() {
    let caller = caller("[token]\nscopes = [\"contact:read\"]").await;
    let key = json!({"accessKeyId": CLIENT_ID, "accessKeySecret": CLIENT_SECRET});
    let request = caller.to(Method::POST, "/authentication/v1/token/access-key").json(&key);
    let answer: Value = send(request).await.json().await.unwrap();
    assert_eq!((&answer["scope"], &answer["expires_in"]), (&json!("contact:read"), &json!(86400)));

    let basic = caller
        .to(Method::POST, "/oauth/token")
        .basic_auth(CLIENT_ID, Some(CLIENT_SECRET))
        .form(&[("grant_type", "client_credentials")]);
    let answer: Value = send(basic).await.json().await.unwrap();
    assert_eq!((&answer["token_type"], answer.get("scope")), (&json!("bearer"), None));

    let wrong = caller.to(Method::POST, "/oauth/token").basic_auth(CLIENT_ID, Some("wrong"));
    let answer = send(wrong.form(&[("grant_type", "client_credentials")])).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "invalid_client");
    assert_eq!(caller.breaches(), [""; 0]);
    assert_eq!(caller.sandbox.ledger()["token"]["issued"], 4);
}

#[tokio::test]
async fn token_requests_at_once_are_counted() {
    let caller = caller("[latency]\nmax = \"50ms\"").await;
    tokio::join!(caller.token("/oauth/token"), caller.token("/oauth/token"));
    let token = &caller.sandbox.ledger()["token"];
    assert_eq!((&token["token_requests"], &token["token_concurrent_max"]), (&json!(4), &json!(2)));
}

#[tokio::test]
async fn a_throttled_token_endpoint_says_so_in_both_ways() {
    rustls::crypto::ring::default_provider().install_default().ok();
    for (trait_, status, text) in [
        ("throttle_429", 429, "too.many.requests"),
        ("throttle_400", 400, "\"description\":\"rate limit exceeded"),
    ] {
        let scenario = Scenario::parse("test", &format!("[token]\n{trait_} = 1.0")).unwrap();
        let sandbox = Sandbox::start(scenario, None, 0).await.unwrap();
        let answer = send(Client::new().post(format!("{}/oauth/token", sandbox.url()))).await;
        assert_eq!(answer.status(), status);
        assert!(answer.text().await.unwrap().contains(text));
    }
}

#[tokio::test]
async fn a_call_needs_a_live_token_of_its_platform() {
    let caller = caller("").await;
    let bare = || caller.to(Method::GET, "/api/v2/contact/outcomes");
    assert_eq!(code(bare()).await, (401, "authentication.required".to_owned()));
    assert_eq!(code(bare().bearer_auth("x")).await, (401, "bad.credentials".to_owned()));
    caller.assert_one_breach("without `Authorization`");
    assert_eq!(code(bare().bearer_auth(&caller.genesys)).await.0, 401);
    assert_eq!(caller.breaches().len(), 2);
    assert_eq!(send(bare().bearer_auth(&caller.cxone)).await.status(), 200);
}

#[tokio::test]
async fn a_missing_scope_is_403_and_should_have_been_seen() {
    let no_update = caller("[token]\nscopes = [\"contact:read\"]").await;
    assert_eq!(code(no_update.put("c", "k", sale())).await, (403, "missing.scope".to_owned()));
    no_update.assert_one_breach("did not list the scope");

    let forbidden = caller("forbidden = [\"ingest\"]").await;
    assert_eq!(code(forbidden.chunk(SET, "k", "[{}]")).await.0, 403);
    assert_eq!(forbidden.breaches(), [""; 0], "nothing told the caller before");

    let all =
        caller_of(Scenario::parse("t", "forbidden = [\"execute\", \"exchange\", \"import\"]").unwrap(), None);
    let all = all.await;
    for path in ["integrations/dataactions/a/execute", "dataexchange/ingestion", "dataimport/imports"] {
        let refused = code(all.post(&format!("/api/v2/{path}"), "k", "{}")).await;
        assert_eq!(refused, (403, "missing.scope".to_owned()), "{path}");
    }
    let poll = all.to(Method::GET, "/api/v2/dataimport/imports/1").bearer_auth(&all.genesys);
    assert_eq!(code(poll).await.0, 403);
}

#[tokio::test]
async fn chunks_are_applied_once_in_order_byte_for_byte() {
    let caller = caller("").await;
    let first = send(caller.chunk(SET, "1", "[{\"a\": 1.0},{\"b\":\"ü\\u00fc\"}]")).await;
    assert!(matches!(first.status().as_u16(), 200 | 202));
    let first: Value = first.json().await.unwrap();
    assert_eq!(first, json!({"status": "accepted", "correlationId": SET, "records": 2}));
    send(caller.chunk(SET, "2", "[ {\"c\":[]}\n]")).await.error_for_status().unwrap();

    let again = send(caller.chunk(SET, "1", "[{\"a\": 1.0},{\"b\":\"ü\\u00fc\"}]")).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    assert_eq!(code(caller.chunk(SET, "1", "[{}]")).await, (422, "idempotency.key_reused".to_owned()));
    caller.assert_one_breach("another body");

    let ingest = &caller.sandbox.ledger()["ingest"];
    let digest = sha("{\"a\": 1.0}\n{\"b\":\"ü\\u00fc\"}\n{\"c\":[]}\n");
    assert_eq!(ingest["sets"][SET], json!({"records": 3, "chunks": 2, "digest": digest}));
    assert_eq!((&ingest["records_applied"], &ingest["replays"]), (&json!(3), &json!(1)));
    assert_eq!(ingest["effects"], json!({"distinct": 3, "twice_or_more": 0, "max": 1}));
}

#[tokio::test]
async fn the_same_record_under_another_key_is_seen_to_take_effect_twice() {
    let caller = caller("").await;
    send(caller.chunk(SET, "1", "[{\"a\":1}]")).await;
    send(caller.chunk("11111111-1111-4111-8111-111111111111", "2", "[{\"a\":1}]")).await;
    let effects = &caller.sandbox.ledger()["ingest"]["effects"];
    assert_eq!(effects, &json!({"distinct": 1, "twice_or_more": 1, "max": 2}));
}

#[tokio::test]
async fn a_chunk_in_the_wrong_form_is_refused_and_a_breach() {
    let caller = caller("").await;
    let good = || caller.chunk(SET, "k", "[{}]");
    let with = |name: &'static str, value: &str| {
        let mut request = good().build().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        RequestBuilder::from_parts(caller.client.clone(), request)
    };
    let without = |name: &'static str| {
        let mut request = good().build().unwrap();
        request.headers_mut().remove(name);
        RequestBuilder::from_parts(caller.client.clone(), request)
    };
    let bad = [
        (caller.chunk(SET, "k", "[]"), "without records"),
        (caller.chunk(SET, "k", "{}"), "not a JSON array"),
        (caller.chunk(SET, "k", "[{},]"), "not a JSON array"),
        (caller.chunk(SET, "k", "[{}] x"), "not a JSON array"),
        (caller.chunk(SET, "k", "[{},3]"), "scalar"),
        (with("content-type", "multipart/form-data; boundary=c"), "multipart"),
        (with("content-type", "application/json"), "multipart"),
        (without("x-genesys-correlation-id"), "no `X-Genesys"),
        (with("x-genesys-correlation-id", "7f3d2c1a-5b6e-1f70-8a91-b2c3d4e5f607"), "no UUID v4"),
        (with("x-genesys-correlation-id", "7f3d2c1a5b6e4f708a91b2c3d4e5f607"), "no UUID v4"),
        (without("idempotency-key"), "exactly one `Idempotency-Key`"),
        (good().query(&[("a", "b")]), "query"),
    ];
    for (count, (request, about)) in bad.into_iter().enumerate() {
        assert_eq!(code(request).await, (400, "bad.request".to_owned()), "{about}");
        let breaches = caller.breaches();
        assert!(breaches.len() == count + 1 && breaches[count].contains(about), "{about}: {breaches:?}");
    }
    assert_eq!(caller.sandbox.ledger()["ingest"]["records_applied"], 0);
    assert!(send(good()).await.status().is_success(), "none of them used the key up");
}

#[tokio::test]
async fn a_call_without_manners_is_a_breach_and_still_answered() {
    let caller = caller("").await;
    let request = caller.get("/api/v2/contact/outcomes").header("user-agent", "curl/8");
    assert_eq!(send(request.header("content-encoding", "gzip")).await.status(), 200);
    let breaches = caller.breaches().join("\n");
    assert!(breaches.contains("User-Agent") && breaches.contains("compressed"), "{breaches}");
    let key = caller.put("c", "k", sale()).build().unwrap();
    let mut quoted = key.try_clone().unwrap();
    quoted.headers_mut().insert("idempotency-key", "\"k\"".parse().unwrap());
    assert!(caller.client.execute(quoted).await.unwrap().status().is_success());
    assert!(caller.breaches()[2].contains("no lower-case hex SHA-256"));
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let caller = caller("max_body = 200_000").await;
    let records = |count: usize| format!("[{}]", vec!["{\"a\":1}"; count].join(","));
    assert_eq!(code(caller.chunk(SET, "1", &records(30_000))).await.0, 413);
    assert!(send(caller.chunk(SET, "2", &records(20_000))).await.status().is_success());
    assert_eq!(caller.breaches(), [""; 0]);
    let body = send(caller.chunk(SET, "3", &records(3_000_000))).await;
    assert_eq!(body.status(), 413, "also where the body is far larger than any buffer");
}

#[tokio::test]
async fn overlapping_calls_for_one_thing_are_a_breach() {
    let caller = caller("[latency]\nmin = \"80ms\"\nmax = \"80ms\"").await;
    let other = "11111111-1111-4111-8111-111111111111";
    tokio::join!(
        send(caller.chunk(SET, "1", "[{\"a\":1}]")),
        send(caller.chunk(other, "2", "[{\"a\":2}]")),
        send(caller.put("c-1", "3", sale())),
        send(caller.put("c-2", "4", sale())),
    );
    assert_eq!(caller.breaches(), [""; 0], "different sets and contacts may go side by side");
    tokio::join!(send(caller.chunk(SET, "5", "[{\"a\":3}]")), send(caller.chunk(SET, "6", "[{\"a\":4}]")));
    caller.assert_one_breach("two chunks");
    tokio::join!(send(caller.put("c-1", "7", sale())), send(caller.put("c-1", "8", sale())));
    assert!(caller.breaches()[1].contains("two updates"));
}

#[tokio::test]
async fn a_second_call_under_a_key_in_progress_is_told_so() {
    let caller = caller("[latency]\nmin = \"80ms\"\nmax = \"80ms\"").await;
    let both = tokio::join!(code(caller.put("c", "k", sale())), code(caller.put("c", "k", sale())));
    let mut statuses = [both.0.0, both.1.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(caller.sandbox.ledger()["outcomes"]["applied"], 1);
}

#[tokio::test]
async fn a_rate_window_shows_itself_and_shuts() {
    let text =
        "[limit]\ngenesys = { allowed = 2, window = \"60s\" }\ncxone = { allowed = 1, window = \"60s\" }";
    let caller = caller(text).await;
    let header =
        |answer: &Response, name: &str| -> u64 { answer.headers()[name].to_str().unwrap().parse().unwrap() };
    for used in 1..=2 {
        let answer = send(caller.chunk(SET, &used.to_string(), &format!("[[{used}]]"))).await;
        assert!(answer.status().is_success());
        assert_eq!(header(&answer, "inin-ratelimit-count"), used);
        assert_eq!(header(&answer, "inin-ratelimit-allowed"), 2);
        assert!((58..=60).contains(&header(&answer, "inin-ratelimit-reset")));
    }
    let over = send(caller.chunk(SET, "3", "[[3]]")).await;
    assert_eq!(over.status(), 429);
    assert!((58..=60).contains(&header(&over, "retry-after")));
    assert_eq!(caller.breaches(), [""; 0]);
    assert_eq!(send(caller.chunk(SET, "3", "[[3]]")).await.status(), 429);
    caller.assert_one_breach("before its Retry-After");

    assert_eq!(send(caller.get("/api/v2/contacts/a")).await.status(), 200);
    let over = send(caller.get("/api/v2/contacts/a")).await;
    assert_eq!((over.status().as_u16(), over.headers().contains_key("inin-ratelimit-count")), (429, false));
    assert_eq!(caller.sandbox.ledger()["throttled"], 3);
}

#[tokio::test]
async fn retry_after_comes_in_all_its_forms() {
    let caller = caller("[faults]\nthrottle = 1.0\n[retry_after]\ndate = 0.5\nmissing = 0.3").await;
    let (mut seconds, mut dates, mut missing) = (0, 0, 0);
    for id in 0..60 {
        let answer = send(caller.get(&format!("/api/v2/contacts/c-{id}"))).await;
        assert_eq!(answer.status(), 429);
        match answer.headers().get("retry-after").map(|value| value.to_str().unwrap()) {
            None => missing += 1,
            Some(value) if value.parse::<u64>().is_ok_and(|wait| (1..=2).contains(&wait)) => seconds += 1,
            Some(value) => {
                httpdate::parse_http_date(value).unwrap();
                dates += 1;
            }
        }
    }
    assert!(seconds > 5 && dates > 5 && missing > 5, "{seconds} {dates} {missing}");
}

#[tokio::test]
async fn outcomes_are_set_by_name_or_id_and_read_back() {
    let caller = caller("").await;
    let hierarchy: Value = send(caller.get("/api/v2/contact/outcomes")).await.json().await.unwrap();
    assert_eq!(hierarchy["entities"][0]["children"][0], json!({"id": "oc-101", "name": "Sale"}));
    let answer: Value = send(caller.put("c-1", "1", sale())).await.json().await.unwrap();
    assert_eq!((&answer["id"], &answer["outcome"]["subcategory"]), (&json!("c-1"), &json!("Sale")));
    assert!(answer["updatedDate"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    let replay = send(caller.put("c-1", "1", sale())).await;
    assert_eq!(replay.headers()["idempotent-replayed"], "true");
    assert_eq!(replay.json::<Value>().await.unwrap(), answer, "the first answer, its date too");

    send(caller.put("c-1", "2", outcome("oc-200", "Busy"))).await.error_for_status().unwrap();
    let read: Value = send(caller.get("/api/v2/contacts/c-1")).await.json().await.unwrap();
    assert_eq!(read["outcome"], json!({"category": "Not contacted", "subcategory": "Busy"}));
    let refused = caller.put("c-1", "3", outcome("Contacted", "Busy"));
    assert_eq!(code(refused).await, (400, "outcome.unknown".to_owned()));
    let unknown = caller.put("unknown-7", "4", sale());
    assert_eq!(code(unknown).await, (404, "contact.not.found".to_owned()));
    assert_eq!(code(caller.get("/api/v2/contacts/unknown-7")).await.0, 404);

    send(caller.put("m%C3%BCller%2F1%3F", "5", sale())).await.error_for_status().unwrap();
    let lines = send(caller.to(Method::GET, "/sandbox/ledger/contacts")).await.text().await.unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["id"], &lines[0]["count"]), (&json!("c-1"), &json!(2)));
    assert_eq!(lines[0]["last"], json!({"category": "Not contacted", "subcategory": "Busy"}));
    let names = b"Contacted/Sale\nNot contacted/Busy\n";
    assert_eq!(lines[0]["sequence"], format!("{:016x}", hash::fnv1a(hash::FNV_START, names)));
    assert_eq!(lines[1]["id"], "müller/1?");
    assert_eq!(caller.breaches(), [""; 0]);
    let ledger: Value = send(caller.to(Method::GET, "/sandbox/ledger")).await.json().await.unwrap();
    assert_eq!(ledger, caller.sandbox.ledger());
    assert_eq!(ledger["outcomes"]["distinct_contacts"], 2);
    assert_eq!(ledger["outcomes"]["effects"], json!({"distinct": 3, "twice_or_more": 0, "max": 1}));
}

#[tokio::test]
async fn an_update_in_the_wrong_form_is_refused_and_a_breach() {
    let caller = caller("").await;
    let plain = caller.put("c", "k", sale()).header("content-type", "text/plain").build().unwrap();
    let kinds: Vec<_> = plain.headers().get_all("content-type").iter().collect();
    assert_eq!(kinds[0], "application/json");
    let bodies = [
        "",
        "[[\"Contacted\",\"Sale\"]]",
        "{\"outcome\":[\"Contacted\",\"Sale\"]}",
        "{\"outcome\":{\"category\":\"Contacted\"}}",
        "{\"outcome\":{\"category\":\"Contacted\",\"subcategory\":\"Sale\",\"note\":\"\"}}",
        "{\"outcome\":{\"category\":\"Contacted\",\"subcategory\":\"Sale\"},\"id\":\"c\"}",
        "{\"outcome\":{\"category\":\"a\",\"category\":\"Contacted\",\"subcategory\":\"Sale\"}}",
        "{\"outcome\":{\"category\":\"Contacted\",\"subcategory\":\"Sale\"}} x",
    ];
    for (count, body) in bodies.into_iter().enumerate() {
        assert_eq!(code(caller.put("c", &count.to_string(), body.to_owned())).await.0, 400, "{body}");
    }
    for (count, segment) in ["a/b", "a%2", "%FF", "a?b"].into_iter().enumerate() {
        assert_eq!(code(caller.put(segment, &format!("s{count}"), sale())).await.0, 400, "{segment}");
    }
    assert_eq!(caller.breaches().len(), bodies.len() + 4);
    assert_eq!(caller.sandbox.ledger()["outcomes"]["applied"], 0);
}

#[tokio::test]
async fn a_share_of_contacts_is_unknown_or_in_use_and_always_the_same_ones() {
    let scenario = "unknown_contacts = 0.2\nin_use = 0.2\nin_use_for = \"1h\"";
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let caller = caller_of(Scenario::parse("test", scenario).unwrap(), Some(seed)).await;
        let mut statuses = Vec::new();
        for id in 0..100 {
            statuses.push(code(caller.put(&format!("c-{id}"), &id.to_string(), sale())).await.0);
        }
        for status in [200, 404, 409] {
            assert!(statuses.iter().filter(|one| **one == status).count() > 8, "{statuses:?}");
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn a_contact_in_use_is_free_in_the_end() {
    let caller = caller("in_use = 1.0\nin_use_for = \"0s\"").await;
    assert_eq!(send(caller.put("c", "k", sale())).await.status(), 200);
}

/// Sends until it is accepted; says how each try ended.
async fn insist(make: impl Fn() -> RequestBuilder) -> Vec<String> {
    let mut tries = Vec::new();
    let begun = std::time::Instant::now();
    while tries.last().is_none_or(|last| last != "ok") {
        tries.push(match make().send().await {
            Err(error) => format!("{error:?}"),
            Ok(answer) if !answer.status().is_success() => answer.status().as_u16().to_string(),
            Ok(answer) => answer.bytes().await.map_or_else(|_| "cut".to_owned(), |_| "ok".to_owned()),
        });
        assert!(begun.elapsed() < Duration::from_secs(30), "{tries:?}");
    }
    tries
}

#[tokio::test]
async fn a_reset_after_the_effect_has_it_exactly_once() {
    let caller = caller("[faults]\nreset_after = 0.7").await;
    let mut resets = 0;
    for id in 0..20 {
        let tries = insist(|| caller.put(&format!("c-{id}"), &id.to_string(), sale())).await;
        assert!(tries.iter().all(|one| one == "ok" || one.contains("ConnectionReset")), "{tries:?}");
        resets += tries.len() - 1;
    }
    assert!(resets > 10);
    let ledger = caller.sandbox.ledger();
    assert_eq!(ledger["outcomes"]["applied"], 20);
    assert_eq!(ledger["outcomes"]["replays"], resets);
    assert_eq!(ledger["requests"]["contact_write"], json!({"200": 20, "reset_after": resets}));
    assert_eq!(caller.breaches(), [""; 0]);
}

#[tokio::test]
async fn a_reset_before_the_effect_has_none() {
    let caller = caller("[faults]\nreset_before = 0.7").await;
    let tries = insist(|| caller.chunk(SET, "1", "[{\"a\":1},{\"a\":2}]")).await;
    let more = insist(|| caller.chunk(SET, "2", "[{\"a\":3}]")).await;
    let resets = tries.len() + more.len() - 2;
    assert!(resets > 0, "the seed gives some");
    let ledger = caller.sandbox.ledger();
    assert_eq!((&ledger["ingest"]["records_applied"], &ledger["ingest"]["replays"]), (&json!(3), &json!(0)));
    assert_eq!(ledger["requests"]["ingest"]["reset_before"], resets);
}

#[tokio::test]
async fn a_cut_answer_breaks_off_after_the_effect() {
    let caller = caller("[faults]\ntruncate = 0.7").await;
    let mut cuts = 0;
    for id in 0..10 {
        let tries = insist(|| caller.put(&format!("c-{id}"), &id.to_string(), sale())).await;
        assert!(tries.iter().all(|one| one == "ok" || one == "cut"), "{tries:?}");
        cuts += tries.len() - 1;
    }
    assert!(cuts > 5);
    let ledger = caller.sandbox.ledger();
    assert_eq!((&ledger["outcomes"]["applied"], &ledger["outcomes"]["replays"]), (&json!(10), &json!(cuts)));
}

#[tokio::test]
async fn a_gateway_error_may_hide_an_effect_and_a_page_is_html() {
    let hides = caller("[faults]\nerror_504 = 1.0\ngateway_effect = 1.0").await;
    assert_eq!(code(hides.put("c", "k", sale())).await, (504, "request.timeout".to_owned()));
    assert_eq!(hides.sandbox.ledger()["outcomes"]["applied"], 1);

    let page = caller("[faults]\nhtml = 1.0").await;
    let answer = send(page.put("c", "k", sale())).await;
    assert!(matches!(answer.status().as_u16(), 502 | 503));
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert_eq!(page.sandbox.ledger()["outcomes"]["applied"], 0);
}

#[tokio::test]
async fn the_same_seed_strikes_the_same_items_whatever_the_order() {
    let scenario = || {
        Scenario::parse(
            "test",
            "[faults]\nerror_500 = 0.2\nerror_503 = 0.2\nreset_before = 0.1\ntruncate = 0.2",
        )
        .unwrap()
    };
    let mut runs: Vec<BTreeMap<usize, Vec<String>>> = Vec::new();
    for (seed, order) in
        [(5, (0..40).collect::<Vec<_>>()), (5, (0..40).rev().collect()), (6, (0..40).collect())]
    {
        let caller = caller_of(scenario(), Some(seed)).await;
        let mut tries = BTreeMap::new();
        for id in order {
            let mut ends = insist(|| caller.put(&format!("c-{id}"), &id.to_string(), sale())).await;
            ends.iter_mut()
                .filter(|end| end.contains("ConnectionReset"))
                .for_each(|end| *end = "reset".to_owned());
            tries.insert(id, ends);
        }
        runs.push(tries);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn elsewhere_is_404_in_the_platforms_words() {
    let caller = caller("").await;
    assert_eq!(code(caller.get("/api/v2/nowhere")).await, (404, "not.found".to_owned()));
    assert_eq!(
        code(caller.to(Method::DELETE, "/api/v2/contacts/c")).await,
        (405, "method.not.allowed".to_owned())
    );
}

#[tokio::test]
async fn answers_are_compressed_where_the_scenario_says_so() {
    let caller = caller("gzip = 1.0").await;
    let answer = send(caller.get("/api/v2/contact/outcomes").header("accept-encoding", "identity")).await;
    assert!(!answer.headers().contains_key("content-encoding"));
    let plain = Client::builder().no_gzip().build().unwrap();
    let request = plain.get(format!("{}/api/v2/contact/outcomes", caller.sandbox.url()));
    let answer = send(request.bearer_auth(&caller.cxone).header("accept-encoding", "gzip")).await;
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let packed = answer.bytes().await.unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut text).unwrap();
    assert!(serde_json::from_str::<Value>(&text).unwrap()["entities"].is_array());
}

#[tokio::test]
async fn a_stopped_sandbox_frees_its_port_and_ends_its_connections() {
    let sandbox = Sandbox::start(Scenario::named("bare").unwrap(), None, 0).await.unwrap();
    let url = sandbox.url();
    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    let mut open = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // an answer shows that the connection was taken in
    tokio::io::AsyncWriteExt::write_all(&mut open, b"GET /sandbox/ledger HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut byte = [0; 1];
    tokio::io::AsyncReadExt::read_exact(&mut open, &mut byte).await.unwrap();
    sandbox.stop().await;
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(
        Duration::from_secs(5),
        tokio::io::AsyncReadExt::read_to_end(&mut open, &mut rest),
    );
    drop(ended.await.expect("the connection ends"));
    let again = Sandbox::start(Scenario::named("bare").unwrap(), None, port).await.unwrap();
    assert_eq!(again.url(), url);
    let taken = Sandbox::start(Scenario::named("bare").unwrap(), None, port).await.unwrap_err();
    assert!(taken.to_string().contains(&port.to_string()));
}

#[test]
fn built_in_scenarios_are_sound() {
    for name in Scenario::names() {
        let scenario = Scenario::named(name).unwrap();
        assert!(!scenario.about().is_empty(), "{name}");
        assert_eq!(scenario.name(), *name);
    }
    let error = Scenario::named("clam\x1b[2J").unwrap_err().to_string();
    assert!(error.contains("calm, busy, stormy, bare") && !error.contains('\x1b'), "{error}");
}

#[test]
fn a_scenario_with_a_mistake_names_key_and_line() {
    let error = |text: &str| Scenario::parse("s.toml", text).unwrap_err().to_string();
    for (text, line, about) in [
        ("seed = 1\n\nsede = 2", 3, "sede"),
        ("seed = 1\n[faults]\nreset = 0.1", 3, "reset"),
        ("[limit]\ngenesys = { allowed = 1, window = \"soon\" }", 2, "soon"),
        ("about = \"date = 1\"\n[retry_after]\ndate = 1.5", 3, "`date`"),
        ("[faults]\nthrottle = 0.6\nhtml = 0.6", 2, "`throttle`"),
        ("[token]\nlife = \"0s\"", 2, "`life`"),
        ("[limit]\ncxone = { allowed = 0, window = \"1s\" }", 2, "`allowed`"),
        ("[jobs]\nstalled = 0.5\nfailed = 0.6", 2, "`stalled`"),
        ("[jobs]\nruns_for = { min = \"2s\", max = \"1s\" }", 2, "`min`"),
        ("refusals = \"some\"", 1, "some"),
        ("refused_records = 2.0", 1, "`refused_records`"),
        ("x = ", 1, "line 1"),
    ] {
        let error = error(text);
        assert!(
            error.contains(&format!("`s.toml`, line {line}:")) && error.contains(about),
            "{text}: {error}"
        );
    }
    let path = std::path::Path::new("/nowhere/at/all.toml");
    assert!(Scenario::load(path).unwrap_err().to_string().contains("/nowhere/at/all.toml"));
}

#[tokio::test]
async fn a_caller_that_hangs_up_may_call_again_and_the_platform_goes_on() {
    let caller = caller("[latency]\nmin = \"200ms\"\nmax = \"200ms\"").await;
    let hang_up = |request: RequestBuilder| tokio::time::timeout(Duration::from_millis(50), request.send());
    assert!(hang_up(caller.put("c", "1", sale())).await.is_err());
    let tries = insist(|| caller.put("c", "1", sale())).await;
    assert!(tries.iter().all(|one| one == "ok" || one == "409"), "{tries:?}");
    assert_eq!(caller.sandbox.ledger()["outcomes"]["applied"], 1);

    assert!(hang_up(caller.put("c", "2", sale())).await.is_err());
    send(caller.put("c", "3", outcome("Technical", "Bad audio"))).await.error_for_status().unwrap();
    assert_eq!(caller.breaches(), [""; 0], "a call that was given up is not in flight");
}
