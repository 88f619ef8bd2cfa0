use super::*;

const PATH: &str = "/api/v2/dataexchange/ingestion";

fn record(id: &str) -> String {
    format!(
        "{{\"external_id\":\"{id}\", \"timestamp\":\"2026-03-01T10:00:00Z\",\"channel\":\"voice\",\
         \"duration_seconds\":12,\"customer_segment\":\"gold\"}}"
    )
}

fn batch(ids: &[&str]) -> String {
    format!("[{}]", ids.iter().map(|id| record(id)).collect::<Vec<_>>().join(",\n"))
}

impl Caller {
    fn exchange(&self, key: &str, body: &str) -> RequestBuilder {
        self.post(PATH, key, body)
    }
}

#[tokio::test]
async fn a_batch_is_taken_once_and_as_a_whole() {
    let caller = caller("").await;
    let first = send(caller.exchange("1", &batch(&["a", "b"]))).await;
    assert!(matches!(first.status().as_u16(), 200 | 201));
    let first: Value = first.json().await.unwrap();
    assert_eq!(first["accepted"], 2);
    let again = send(caller.exchange("1", &batch(&["a", "b"]))).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    send(caller.exchange("2", &batch(&["b"]))).await.error_for_status().unwrap();
    assert_eq!(code(caller.exchange("1", &batch(&["c"]))).await.0, 422);
    caller.assert_one_breach("another body");

    let ledger = &caller.sandbox.ledger()["exchange"];
    assert_eq!((&ledger["batches_applied"], &ledger["records_applied"]), (&json!(2), &json!(3)));
    assert_eq!(ledger["effects"], json!({"distinct": 2, "twice_or_more": 1, "max": 2}));
    assert_eq!(ledger["effects_by_key"], json!({"distinct": 2, "twice_or_more": 0, "max": 1}));
    assert_eq!((&ledger["replays"], &ledger["refused"]), (&json!(1), &json!(0)));
    assert_eq!(ledger["largest_body"], batch(&["a", "b"]).len());
    let sum = ["b", "a", "b"]
        .iter()
        .fold(0_u64, |sum, id| sum.wrapping_add(hash::fnv1a(hash::FNV_START, record(id).as_bytes())));
    assert_eq!(ledger["digest"], format!("{sum:016x}"), "in any order");
}

#[tokio::test]
async fn a_refused_batch_names_its_records_and_has_no_effect() {
    let caller = caller("").await;
    let mut statuses = std::collections::BTreeSet::new();
    for round in 0..12 {
        let odd = record("z").replace("gold", "refused");
        let body = format!("[{},{},{odd}]", record(&format!("refused-{round}")), record("b"));
        let answer = send(caller.exchange(&format!("k{round}"), &body)).await;
        statuses.insert(answer.status().as_u16());
        let answer: Value = answer.json().await.unwrap();
        let named: Vec<&Value> =
            answer["errors"].as_array().unwrap().iter().map(|one| &one["index"]).collect();
        assert_eq!(named, [0, 2]);
        assert!(answer["errors"][0]["errorCode"].is_string() && answer["errors"][0]["message"].is_string());
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [400, 422]);
    let ledger = &caller.sandbox.ledger()["exchange"];
    assert_eq!((&ledger["refused"], &ledger["records_applied"]), (&json!(12), &json!(0)));
    assert_eq!(ledger["effects"]["distinct"], 0);
    assert_eq!(caller.breaches(), [""; 0]);
}

#[tokio::test]
async fn an_unnamed_refusal_says_only_that_it_is_one() {
    let caller = caller("refusals = \"unnamed\"\nrefused_records = 1.0").await;
    let answer = send(caller.exchange("1", &batch(&["a", "b"]))).await;
    assert_eq!(answer.status(), 422);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["message"]);
    assert_eq!(caller.breaches(), [""; 0]);
}

#[tokio::test]
async fn a_record_that_breaks_the_schema_should_not_have_been_sent() {
    let bad = record("a").replace("12", "-12");
    let body = format!("[{},{bad}]", record("b"));
    let strict = caller("").await;
    let answer: Value = send(strict.exchange("1", &body)).await.json().await.unwrap();
    assert_eq!(answer["errors"][0]["errorCode"], "SCHEMA_MISMATCH");
    assert_eq!(answer["errors"][0]["index"], 1);
    strict.assert_one_breach("index 1: duration_seconds");
    assert_eq!(strict.sandbox.ledger()["exchange"]["records_applied"], 0);

    let lax = caller("lax = true").await;
    send(lax.exchange("1", "[{\"x\":1},[2],{\"x\":1}]")).await.error_for_status().unwrap();
    assert_eq!(lax.breaches(), [""; 0]);
    let effects = &lax.sandbox.ledger()["exchange"]["effects"];
    assert_eq!(effects, &json!({"distinct": 2, "twice_or_more": 1, "max": 2}), "by bytes, without an id");
}

#[tokio::test]
async fn a_refused_batch_is_not_to_come_again_as_it_was() {
    let caller = caller("").await;
    let refused = batch(&["a", "refused-1"]);
    send(caller.exchange("1", &refused)).await;
    send(caller.exchange("2", &batch(&["a"]))).await.error_for_status().unwrap();
    send(caller.exchange("3", &batch(&["refused-1"]))).await;
    send(caller.exchange("3", &batch(&["refused-1"]))).await;
    assert_eq!(
        caller.breaches(),
        [""; 0],
        "its halves are other batches, and a single record may be tried by hand"
    );

    let resumed = Caller { genesys: caller.token("/oauth/token").await, ..caller };
    send(resumed.exchange("1", &refused)).await;
    assert_eq!(resumed.breaches(), [""; 0], "a process that was killed did not read the answer");
    send(resumed.exchange("1", &refused)).await;
    resumed.assert_one_breach("sent again as it was");
    send(resumed.exchange("9", &refused)).await;
    assert_eq!(resumed.breaches().len(), 2, "also under another key");
    assert_eq!(resumed.sandbox.ledger()["exchange"]["sent_again_as_refused"], 2);
}

#[tokio::test]
async fn a_batch_in_the_wrong_form_is_refused_and_a_breach() {
    let caller = caller("max_body = 2000").await;
    for body in ["", "{}", "[]", "[1]", "[{},]"] {
        assert_eq!(code(caller.exchange("k", body)).await, (400, "bad.request".to_owned()), "{body}");
    }
    let mut text = caller.exchange("k", &batch(&["a"])).build().unwrap();
    text.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(caller.client.execute(text).await.unwrap().status(), 400);
    let mut bare = caller.exchange("k", &batch(&["a"])).build().unwrap();
    bare.headers_mut().remove("idempotency-key");
    assert_eq!(caller.client.execute(bare).await.unwrap().status(), 400);
    assert_eq!(caller.breaches().len(), 7);
    assert_eq!(code(caller.exchange("k", &batch(&["a"; 20]))).await.0, 413);
    assert_eq!(caller.breaches().len(), 7);
    assert_eq!(caller.sandbox.ledger()["exchange"]["largest_body"], 0);
}

#[tokio::test]
async fn a_batch_whose_answer_is_lost_takes_effect_once() {
    let caller = caller("[faults]\nreset_after = 0.4\ntruncate = 0.2\nerror_504 = 0.2").await;
    for number in 0..20 {
        let id = format!("r-{number}");
        insist(|| caller.exchange(&id, &batch(&[&id, "x"][..1]))).await;
    }
    let effects = &caller.sandbox.ledger()["exchange"]["effects"];
    assert_eq!(effects, &json!({"distinct": 20, "twice_or_more": 0, "max": 1}));
}
