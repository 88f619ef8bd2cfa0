use super::*;

const ACTION: &str = "custom_-_1";

impl Caller {
    fn execute(&self, action: &str, key: &str, body: &str) -> RequestBuilder {
        self.post(&format!("/api/v2/integrations/dataactions/{action}/execute"), key, body)
    }

    /// Under the key that this content has in every run; `form` is its canonical form.
    fn execute_content(&self, form: &str, body: &str) -> RequestBuilder {
        self.execute(ACTION, &format!("{ACTION}:{form}"), body)
    }
}

async fn json_of(request: RequestBuilder) -> Value {
    send(request).await.error_for_status().unwrap().json().await.unwrap()
}

#[tokio::test]
async fn an_execution_takes_effect_once_under_its_key() {
    let caller = caller("").await;
    let (form, body) = (r#"{"a":1,"b":2}"#, r#"{"b": 2, "a": 1.0}"#);
    let first = json_of(caller.execute_content(form, body)).await;
    assert_eq!(first["actionId"], ACTION);
    let again = send(caller.execute_content(form, body)).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    assert_eq!(json_of(caller.execute_content(form, form)).await, first, "it means the same");

    let mut quoted = caller.execute_content(form, body).build().unwrap();
    let key = format!("\"{}\"", quoted.headers()["idempotency-key"].to_str().unwrap());
    quoted.headers_mut().insert("idempotency-key", key.parse().unwrap());
    let quoted = caller.client.execute(quoted).await.unwrap();
    assert_eq!(quoted.json::<Value>().await.unwrap(), first, "quotes are not part of a key");
    assert_eq!(caller.breaches(), [""; 0]);

    let reused = code(caller.execute_content(form, "{}")).await;
    assert_eq!(reused, (422, "idempotency.key_reused".to_owned()));
    caller.assert_one_breach("another body");
    let ledger = &caller.sandbox.ledger()["execute"];
    let once = json!({"distinct": 1, "twice_or_more": 0, "max": 1});
    assert_eq!((&ledger["effects"], &ledger["effects_by_key"]), (&once, &once));
    assert_eq!((&ledger["applied"], &ledger["replays"]), (&json!(1), &json!(3)));
    assert_eq!((&ledger["content_keys"], &ledger["other_keys"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn what_took_effect_is_told_by_body_by_key_and_by_action() {
    let caller = caller("").await;
    let big = r#"{"n":9007199254740993}"#;
    send(caller.execute_content(big, big)).await.error_for_status().unwrap();
    send(caller.execute(ACTION, "run-1", big)).await.error_for_status().unwrap();
    send(caller.execute("b%2F%C3%BC", "run-2", big)).await.error_for_status().unwrap();
    let ledger = &caller.sandbox.ledger()["execute"];
    assert_eq!(ledger["effects"], json!({"distinct": 2, "twice_or_more": 1, "max": 2}));
    assert_eq!(ledger["effects_by_key"], json!({"distinct": 3, "twice_or_more": 0, "max": 1}));
    assert_eq!((&ledger["content_keys"], &ledger["other_keys"]), (&json!(1), &json!(2)));
    assert_eq!(ledger["actions"], json!({ACTION: 2, "b/ü": 1}));
    let sum = hash::fnv1a(hash::FNV_START, big.as_bytes()).wrapping_mul(3);
    assert_eq!(ledger["digest"], format!("{sum:016x}"));
}

#[tokio::test]
async fn what_an_action_refuses_has_no_effect_and_leaves_its_key_free() {
    let caller = caller("").await;
    for body in [r#"{"refuse":true}"#, r#"{"inputs":{"refuse":true}}"#] {
        assert_eq!(code(caller.execute(ACTION, "k", body)).await, (400, "action.refused".to_owned()));
    }
    let unknown = code(caller.execute("unknown-1", "k", "{}")).await;
    assert_eq!(unknown, (404, "action.not.found".to_owned()));
    send(caller.execute(ACTION, "k", r#"{"refuse":false}"#)).await.error_for_status().unwrap();
    let ledger = &caller.sandbox.ledger()["execute"];
    assert_eq!((&ledger["refused"], &ledger["applied"]), (&json!(3), &json!(1)));
    assert_eq!(caller.breaches(), [""; 0]);

    let some = super::caller("refused_actions = 0.3").await;
    let mut refused = Vec::new();
    for body in (0..40).chain(0..40).map(|number| format!("{{\"a\":{number}}}")) {
        let status = send(some.execute(ACTION, &body, &body)).await.status();
        refused.push(status == StatusCode::BAD_REQUEST);
    }
    let (first, second) = refused.split_at(40);
    assert_eq!(first, second, "a body is refused for good");
    assert!((5..20).contains(&first.iter().filter(|refused| **refused).count()), "{first:?}");
}

#[tokio::test]
async fn an_execution_in_the_wrong_form_is_refused_and_a_breach() {
    let caller = caller("").await;
    let mut bare = caller.execute(ACTION, "k", "{}").build().unwrap();
    bare.headers_mut().remove("idempotency-key");
    assert_eq!(caller.client.execute(bare).await.unwrap().status(), 400);
    let mut text = caller.execute(ACTION, "k", "{}").build().unwrap();
    text.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(caller.client.execute(text).await.unwrap().status(), 400);
    for body in ["", "3", "{\"a\":1,\"a\":1}", "{\"a\":1e999}", "{} {}"] {
        assert_eq!(code(caller.execute(ACTION, "k", body)).await, (400, "bad.request".to_owned()), "{body}");
    }
    for action in ["", "a/b", "%FF"] {
        assert_eq!(code(caller.execute(action, "k", "{}")).await.0, 400, "{action}");
    }
    assert_eq!(caller.breaches().len(), 10);
    let mut odd = caller.execute(ACTION, "k", "{}").build().unwrap();
    odd.headers_mut().insert("idempotency-key", "\"abc\"".parse().unwrap());
    assert!(caller.client.execute(odd).await.unwrap().status().is_success());
    assert!(caller.breaches()[10].contains("no lower-case hex SHA-256"));
    assert_eq!(caller.sandbox.ledger()["execute"]["applied"], 1);
}

#[tokio::test]
async fn executions_meet_the_same_faults_and_limits_as_all_calls() {
    let slow = caller("[latency]\nmin = \"80ms\"\nmax = \"80ms\"").await;
    let one = || code(slow.execute(ACTION, "k", "{}"));
    let (first, second) = tokio::join!(one(), one());
    assert!(first.0.max(second.0) == 409 && first.0.min(second.0) == 200, "{first:?} {second:?}");
    assert_eq!(first.1 + &second.1, "idempotency.in_progress");

    let resets = caller("[faults]\nreset_after = 0.5").await;
    for number in 0..20 {
        let body = format!("{{\"a\":{number}}}");
        insist(|| resets.execute(ACTION, &body, &body)).await;
    }
    let ledger = resets.sandbox.ledger();
    assert_eq!(ledger["execute"]["effects"], json!({"distinct": 20, "twice_or_more": 0, "max": 1}));
    assert_eq!(ledger["execute"]["replays"], ledger["requests"]["execute"]["reset_after"]);

    let limited = caller("[limit]\ngenesys = { allowed = 1, window = \"60s\" }").await;
    assert_eq!(send(limited.execute(ACTION, "k", "{}")).await.headers()["inin-ratelimit-allowed"], "1");
    assert_eq!(send(limited.execute(ACTION, "l", "{}")).await.status(), 429);
}
