use tokio::time::Instant;

use super::super::imports::{Imports, Origins, Submission};
use super::*;

const PATH: &str = "/api/v2/dataimport/imports";

fn request(mark: &str) -> String {
    json!({
        "entity": "Contact", "operation": "UPSERT", "sourceUrl": format!("https://files.example.com/{mark}.csv"),
        "targetUrl": "https://crm.example.com/contacts", "keyFields": ["externalId"],
    })
    .to_string()
}

impl Caller {
    fn import(&self, key: &str, body: &str) -> RequestBuilder {
        self.post(PATH, key, body)
    }

    /// With the token, from a whole URL.
    fn read(&self, url: &str) -> RequestBuilder {
        self.client.get(url).bearer_auth(&self.genesys)
    }

    /// Submits a job and reads it once.
    async fn one(&self, mark: &str) -> (String, Value) {
        let job = json_of(self.import(mark, &request(mark))).await;
        let id = job["id"].as_str().unwrap().to_owned();
        let state = json_of(self.poll(&id)).await;
        assert_eq!(state["id"], *id);
        (id, state)
    }

    fn poll(&self, id: &str) -> RequestBuilder {
        self.read(&format!("{}{PATH}/{id}", self.sandbox.url()))
    }

    fn imports(&self) -> Value {
        self.sandbox.ledger()["import"].clone()
    }
}

async fn json_of(request: RequestBuilder) -> Value {
    send(request).await.error_for_status().unwrap().json().await.unwrap()
}

fn location(answer: &Response) -> String {
    assert!(answer.status().is_redirection(), "{answer:?}");
    let location = answer.headers()["location"].to_str().unwrap();
    answer.url().join(location).unwrap().into()
}

#[tokio::test]
async fn a_job_is_submitted_once_under_its_key() {
    let caller = caller("").await;
    let submit = || caller.import("1", &request("inline"));
    let first = send(submit()).await;
    assert_eq!(first.status(), 201);
    let first: Value = first.json().await.unwrap();
    assert_eq!(
        (&first["status"], &first["progress"], &first["errors"]),
        (&json!("queued"), &json!(0), &json!([]))
    );
    let again = send(submit()).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    assert_eq!(caller.imports()["effects"], json!({"distinct": 1, "twice_or_more": 0, "max": 1}));

    let other = json_of(caller.import("2", &request("inline"))).await;
    assert_ne!(other["id"], first["id"], "another key is another job");
    let ledger = caller.imports();
    assert_eq!((&ledger["jobs"], &ledger["replays"], &ledger["open_max"]), (&json!(2), &json!(1), &json!(2)));
    assert_eq!(ledger["effects"], json!({"distinct": 1, "twice_or_more": 1, "max": 2}));
    assert_eq!(ledger["effects_by_key"], json!({"distinct": 2, "twice_or_more": 0, "max": 1}));

    let state = json_of(caller.poll(first["id"].as_str().unwrap())).await;
    assert_eq!((&state["status"], &state["progress"]), (&json!("completed"), &json!(100)));
    assert_eq!((&state["result"]["failed"], &state["result"]["errors"]), (&json!(0), &json!([])));
    assert!(state["result"]["imported"].is_u64() && state["result"]["duplicate"].is_u64());
    let ledger = caller.imports();
    assert_eq!(
        (&ledger["completed"], &ledger["open"], &ledger["never_fetched"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(caller.breaches(), [""; 0]);
}

#[tokio::test]
async fn an_import_in_the_wrong_form_is_refused_and_a_breach() {
    let caller = caller("").await;
    for body in ["", "[]", "3", "{} {}"] {
        assert_eq!(code(caller.import("k", body)).await, (400, "bad.request".to_owned()), "{body}");
    }
    let mut bare = caller.import("k", "{}").build().unwrap();
    bare.headers_mut().remove("idempotency-key");
    assert_eq!(caller.client.execute(bare).await.unwrap().status(), 400);
    assert_eq!(caller.breaches().len(), 5);
    let refused = code(caller.import("k", &request("refuse"))).await;
    assert_eq!(refused, (400, "import.refused".to_owned()));
    json_of(caller.import("k", "{}")).await;
    assert_eq!(code(caller.import("k", &request("inline"))).await.0, 422);
    assert_eq!((caller.breaches().len(), &caller.imports()["refused"]), (6, &json!(1)));
}

#[tokio::test]
async fn a_job_that_is_asked_after_too_often_or_not_known_is_a_breach() {
    let caller = caller("[jobs]\nruns_for = { min = \"1m\", max = \"1m\" }").await;
    let (id, state) = caller.one("a").await;
    assert_eq!((&state["status"], &state["errors"]), (&json!("in-progress"), &json!([])));
    assert_eq!(caller.breaches(), [""; 0], "it could have been paused");
    json_of(caller.poll(&id)).await;
    caller.assert_one_breach("too early");
    assert_eq!(
        code(caller.poll("7f3d2c1a-5b6e-4f70-8a91-b2c3d4e5f607")).await,
        (404, "import.not.found".to_owned())
    );
    assert!(caller.breaches()[1].contains("never submitted here"));
    let ledger = caller.imports();
    let figures =
        ["polls", "early_polls", "excused_polls", "unknown_polls"].map(|name| ledger[name].as_u64());
    assert_eq!(figures, [Some(3), Some(1), Some(1), Some(1)]);
}

#[tokio::test]
async fn two_polls_of_one_job_at_once_are_a_breach() {
    let caller = caller("[latency]\nmin = \"80ms\"\nmax = \"80ms\"").await;
    let job = json_of(caller.import("1", "{}")).await;
    let id = job["id"].as_str().unwrap();
    tokio::join!(send(caller.poll(id)), send(caller.poll(id)));
    caller.assert_one_breach("by two calls at once");
}

#[tokio::test]
async fn a_result_at_home_wants_the_token() {
    let caller = caller("").await;
    let (_, state) = caller.one("rows-fetch").await;
    let url = state["resultUrl"].as_str().unwrap();
    assert!(url.starts_with(&caller.sandbox.url()) && state.get("result").is_none(), "{state}");
    assert_eq!(caller.imports()["never_fetched"], 1);
    assert_eq!(caller.client.get(url).send().await.unwrap().status(), 401);
    caller.assert_one_breach("without `Authorization`");
    let document = json_of(caller.read(url)).await;
    let result = document.get("result").unwrap_or(&document);
    let rows = result["errors"].as_array().unwrap();
    assert_eq!(result["failed"], rows.len());
    assert!(rows[0]["code"].is_string() && rows[0]["message"].is_string() && rows[0]["rowNumber"].is_u64());
    let ledger = caller.imports();
    assert_eq!((&ledger["fetches"], &ledger["never_fetched"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn a_result_elsewhere_must_not_see_the_token() {
    let caller = caller("").await;
    let (_, state) = caller.one("foreign").await;
    let url = state["resultUrl"].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && !url.starts_with(&caller.sandbox.url()), "{url}");
    json_of(caller.client.get(url)).await;
    assert_eq!(caller.breaches(), [""; 0]);
    json_of(caller.read(url)).await;
    caller.assert_one_breach("the bearer token was sent to another origin");
    let ledger = caller.imports();
    assert_eq!(ledger["foreign"], json!({"knocks": 2, "with_token": 1, "without_token": 1}));
    assert_eq!((&ledger["fetches"], &ledger["never_fetched"]), (&json!(2), &json!(0)));
    assert_eq!(caller.sandbox.ledger()["requests"]["foreign"], json!({"200": 2}));
}

#[tokio::test]
async fn redirects_lead_on_and_may_lead_away() {
    let caller = caller("").await;
    for (mark, least, most) in [("redirect", 1, 3), ("foreign-redirect", 1, 3), ("maze", 4, 4)] {
        let (_, state) = caller.one(mark).await;
        let mut url = state["resultUrl"].as_str().unwrap().to_owned();
        let mut hops = 0;
        loop {
            let home = url.starts_with(&caller.sandbox.url());
            let request = if home { caller.read(&url) } else { caller.client.get(&url) };
            let answer = send(request).await;
            if answer.status() == 200 {
                assert_eq!(home, !mark.contains("foreign"), "{url}");
                break;
            }
            assert!(hops > 0 || home, "a chain begins at home");
            url = location(&answer);
            hops += 1;
        }
        assert!((least..=most).contains(&hops), "{mark}: {hops}");
    }
    assert_eq!(caller.breaches(), [""; 0]);
    assert_eq!((&caller.imports()["fetches"], &caller.imports()["never_fetched"]), (&json!(3), &json!(0)));
}

#[tokio::test]
async fn results_come_in_odd_ways() {
    let caller = caller("[jobs]\nresult_bytes = 300_000").await;
    let (_, gone) = caller.one("gone").await;
    let url = gone["resultUrl"].as_str().unwrap();
    assert_eq!(code(caller.read(url)).await, (404, "result.not.found".to_owned()));
    assert_eq!(caller.imports()["never_fetched"], 1);
    let whole = send(caller.read(url)).await;
    assert_eq!(whole.content_length(), Some(300_000));
    let whole = whole.bytes().await.unwrap();
    assert_eq!(whole.len(), 300_000);
    assert!(serde_json::from_slice::<Value>(&whole).unwrap().is_object());

    let (_, binary) = caller.one("binary").await;
    let answer = send(caller.read(binary["resultUrl"].as_str().unwrap())).await;
    assert_eq!(answer.headers()["content-type"], "application/octet-stream");
    assert!(serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).is_err());

    let (_, insecure) = caller.one("insecure").await;
    assert!(insecure["resultUrl"].as_str().unwrap().starts_with("http://results.invalid/"));
    let untold = json_of(caller.import("9", &request("fetch"))).await;
    let guessed = format!("{}{PATH}/{}/result", caller.sandbox.url(), untold["id"].as_str().unwrap());
    assert_eq!(code(caller.read(&guessed)).await.0, 404, "no answer told of it");
    assert_eq!(caller.breaches(), [""; 0]);
}

#[tokio::test]
async fn a_platform_may_have_words_of_its_own() {
    let caller = caller("[jobs]\ncompleted_word = \"FULFILLED\"\nfailed_word = \"EXPIRED\"").await;
    assert_eq!(caller.one("inline").await.1["status"], "FULFILLED");
    let (_, failed) = caller.one("fail").await;
    assert_eq!(
        (&failed["status"], &failed["errors"][0]["code"]),
        (&json!("EXPIRED"), &json!("SOURCE_UNREADABLE"))
    );
    let loud = super::caller("[jobs]\ncapitals = 1.0\nother_words = 1.0\nqueued_for = \"1m\"").await;
    assert_eq!(loud.one("x").await.1["status"], "PREPARING");
    let loud = super::caller("[jobs]\ncapitals = 1.0").await;
    let status = loud.one("inline").await.1["status"].as_str().unwrap().to_owned();
    assert!(["COMPLETED", "Completed"].contains(&status.as_str()), "{status}");
}

#[tokio::test]
async fn a_submission_whose_answer_is_lost_is_one_job() {
    let caller = caller("[faults]\nreset_after = 0.4\nerror_502 = 0.2\ntruncate = 0.2").await;
    for number in 0..15 {
        let body = request(&number.to_string());
        insist(|| caller.import(&number.to_string(), &body)).await;
    }
    let ledger = caller.imports();
    assert_eq!((&ledger["jobs"], &ledger["effects"]["max"]), (&json!(15), &json!(1)));
    assert_eq!(caller.breaches(), [""; 0]);
}

/// A job in held time: what an answer says so long after its submission.
struct Held {
    imports: Imports,
    scenario: Scenario,
    start: Instant,
    id: String,
}

impl Held {
    async fn job(mark: &str, scenario: &str) -> Self {
        let scenario = Scenario::parse("t", scenario).unwrap();
        let origins = Origins { own: "http://own".to_owned(), foreign: "http://foreign".to_owned() };
        let imports = Imports::new(origins, scenario.key_life);
        let headers = std::iter::once(("content-type".parse().unwrap(), "application/json".parse().unwrap()));
        let body = axum::body::Bytes::from(request(mark));
        let submission = Submission::check(&headers.collect(), &body).unwrap();
        let mut chance = dice::Dice::new(&scenario, 1).chance(0, 0);
        let start = Instant::now();
        let answer = imports.submit(&submission, 1, &scenario.jobs, &mut chance, start).unwrap();
        let id = body_of(answer).await["id"].as_str().unwrap().to_owned();
        Self { imports, scenario, start, id }
    }

    async fn says(&self, after: f64) -> (String, u64, usize) {
        let mut chance = dice::Dice::new(&self.scenario, 1).chance(0, 0);
        let now = self.start + Duration::from_secs_f64(after);
        let answer = self.imports.poll(&self.id, &self.scenario.jobs, &mut chance, now);
        let body = body_of(answer).await;
        let errors = body["errors"].as_array().unwrap().len();
        (body["status"].as_str().unwrap().to_owned(), body["progress"].as_u64().unwrap(), errors)
    }
}

async fn body_of(answer: answer::Answer) -> Value {
    let body = answer.into_response(&wire::Line::default()).into_body();
    serde_json::from_slice(&axum::body::to_bytes(body, 9999).await.unwrap()).unwrap()
}

const TIMES: &str = "[jobs]\nqueued_for = \"5s\"\nruns_for = { min = \"10s\", max = \"10s\" }";

fn said(status: &str, progress: u64, errors: usize) -> (String, u64, usize) {
    (status.to_owned(), progress, errors)
}

#[tokio::test(start_paused = true)]
async fn a_job_waits_runs_and_ends_with_time() {
    let job = Held::job("inline", TIMES).await;
    assert_eq!(job.says(0.0).await, said("queued", 0, 0));
    assert_eq!(job.says(4.9).await, said("queued", 0, 0));
    assert_eq!(job.says(6.0).await, said("in-progress", 40, 0));
    assert_eq!(job.says(14.9).await, said("in-progress", 99, 0));
    assert_eq!(job.says(15.0).await, said("completed", 100, 0));
    let stalled = Held::job("stall", TIMES).await;
    assert_eq!(stalled.says(86_400.0).await, said("in-progress", 50, 0));
    let other = Held::job("x", &format!("{TIMES}\nother_words = 1.0")).await;
    assert_eq!(other.says(0.0).await, said("PREPARING", 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failure_may_say_why_at_once_or_later_or_never() {
    assert_eq!(Held::job("fail", TIMES).await.says(20.0).await, said("failed", 99, 1));
    let late = Held::job("late", TIMES).await;
    assert_eq!(late.says(20.0).await, said("failed", 99, 0));
    assert_eq!(late.says(21.9).await, said("failed", 99, 0));
    assert_eq!(late.says(22.0).await, said("failed", 99, 1));
    let empty = Held::job("empty", TIMES).await;
    assert_eq!(empty.says(20.0).await, said("failed", 99, 0));
    assert_eq!(empty.says(2000.0).await, said("failed", 99, 0));
}
