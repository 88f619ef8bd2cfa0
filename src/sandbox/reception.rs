//! One call from its arrival to its answer.
//!
//! The order is a platform's own: who are you, have you calls left, is this in the form it must have, has it been
//! done before; and only then the effect. What goes wrong by the scenario's will is put in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{ACCEPT_ENCODING, AUTHORIZATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::{Answer, Effect};
use super::body::{Gathered, HungUp, gather};
use super::dice::{Chance, Dice};
use super::exchange::Exchange;
use super::execute::Executions;
use super::flights::{Flights, Overlap};
use super::hash::{fold, narrow, wide};
use super::imports::{Imports, Origins};
use super::ingest::Ingest;
use super::ledger::Ledger;
use super::outcomes::Outcomes;
use super::quota::{Family, LaneAnswer, Quota, Spent, Vendor};
use super::route::{Api, Route};
use super::scenario::Scenario;
use super::token::{TokenPath, Tokens, missing_scope};
use super::work::pass;

/// Sources of chance that belong to no call's fate.
const CHANCE_OF_CALLS: u64 = 1;
const CHANCE_OF_TOKENS: u64 = 2;

/// A simulated tenant, on both platforms.
#[derive(Debug)]
pub(super) struct Platform {
    pub(super) scenario: Scenario,
    seed: u64,
    pub(super) dice: Dice,
    pub(super) ledger: Ledger,
    tokens: Tokens,
    quota: Quota,
    flights: Arc<Flights>,
    pub(super) ingest: Ingest,
    pub(super) executions: Executions,
    pub(super) exchange: Exchange,
    pub(super) imports: Imports,
    pub(super) outcomes: Outcomes,
    calls: AtomicU64,
}

/// Receives every request.
pub(super) async fn receive(
    State(platform): State<Arc<Platform>>,
    ConnectInfo(line): ConnectInfo<super::wire::Line>,
    request: Request,
) -> Response {
    let now = Instant::now();
    let (head, body) = request.into_parts();
    let route = Route::of(&head.method, head.uri.path());
    let (family, answer) = match route {
        Route::Ledger => return Answer::json(StatusCode::OK, &platform.ledger_json()).into_response(&line),
        Route::Contacts => {
            let lines = platform.outcomes.contacts_ndjson();
            let answer = Answer::of(StatusCode::OK, "application/x-ndjson", lines.into());
            return answer.into_response(&line);
        }
        Route::Token(path) => {
            platform.check_manners(Family::Token, &head.headers);
            (Family::Token, platform.token(path, &head.headers, body, now).await)
        }
        Route::Api(api) => {
            platform.check_manners(api.family, &head.headers);
            (api.family, platform.call(api, &head, body, now).await)
        }
        Route::WrongMethod(family) => {
            platform.ledger.breach(family, &format!("the method {} on this path", head.method));
            let message = "HTTP method not allowed on this resource.";
            (family, Answer::error(StatusCode::METHOD_NOT_ALLOWED, "method.not.allowed", message))
        }
        Route::Nowhere => {
            let message = "The requested resource does not exist.";
            (Family::Other, Answer::error(StatusCode::NOT_FOUND, "not.found", message))
        }
    };
    platform.ledger.ended(family, answer.ending());
    answer.into_response(&line)
}

impl Platform {
    pub(super) fn new(scenario: Scenario, seed: Option<u64>, origins: Origins) -> Self {
        let (seed, key_life) = (seed.unwrap_or(scenario.seed), scenario.key_life);
        Self {
            seed,
            dice: Dice::new(&scenario, seed),
            ledger: Ledger::new(),
            tokens: Tokens::new(scenario.token.clone()),
            quota: Quota::new(&scenario),
            flights: Arc::default(),
            ingest: Ingest::new(key_life),
            executions: Executions::new(seed, key_life),
            exchange: Exchange::new(seed, key_life),
            imports: Imports::new(origins, key_life),
            outcomes: Outcomes::new(seed, key_life),
            calls: AtomicU64::new(0),
            scenario,
        }
    }

    pub(super) fn ledger_json(&self) -> Value {
        let (breaches, count) = self.ledger.breaches_json();
        json!({
            "scenario": self.scenario.name(),
            "seed": self.seed,
            "breaches": breaches,
            "breach_count": count,
            "requests": self.ledger.requests_json(),
            "ingest": self.ingest.json(),
            "execute": self.executions.json(),
            "exchange": self.exchange.json(),
            "import": self.imports.json(),
            "outcomes": self.outcomes.json(),
            "token": self.tokens.json(),
            "worst_window_excess": self.quota.worst_excess(),
            "throttled": self.ledger.throttled(),
        })
    }

    /// A call comes in on its lane.
    fn enter(&self, vendor: Option<Vendor>, family: Family, now: Instant) -> Visit<'_> {
        for wrong in self.quota.arrive(vendor, family, now) {
            self.ledger.breach(family, &wrong);
        }
        Visit { platform: self, family, item: None, lane: LaneAnswer::Lost }
    }

    async fn token(&self, path: TokenPath, headers: &HeaderMap, body: Body, now: Instant) -> Answer {
        let mut visit = self.enter(None, Family::Token, now);
        let asking = self.tokens.ask();
        let mut chance = self.dice.chance(CHANCE_OF_TOKENS, asking.nth);
        let body = match gather(body, 65_536).await {
            Ok(Gathered::Whole(body)) => body,
            Ok(Gathered::TooLarge) => {
                self.ledger.breach(Family::Token, "a token request of more than 64 KiB");
                return too_large();
            }
            Err(HungUp) => return Answer::reset(Effect::None),
        };
        pass(self.scenario.latency.max).await;
        let throttling = &self.scenario.retry_after;
        let answer = self.tokens.grant(path, headers, &body, &mut chance, throttling);
        let answer = answer.unwrap_or_else(|(what, answer)| {
            self.ledger.breach(Family::Token, &what);
            answer
        });
        visit.lane = LaneAnswer::of(&answer);
        answer
    }

    async fn call(self: &Arc<Self>, api: Api<'_>, head: &Parts, body: Body, now: Instant) -> Answer {
        let mut visit = self.enter(Some(api.vendor()), api.family, now);
        let Ok(body) = gather(body, self.scenario.max_body).await else {
            return Answer::reset(Effect::None);
        };
        let key = head.headers.get("idempotency-key").map_or(&b""[..], |key| key.as_bytes());
        let item = fold(wide(&[head.method.as_str().as_bytes(), head.uri.path().as_bytes(), key]));
        visit.item = Some(item);
        if let Some(early) = self.quota.item_arrives(item, now) {
            let what =
                format!("an item called again {:.1} s before its Retry-After was over", early.as_secs_f64());
            self.ledger.breach(api.family, &what);
        }
        let mut chance = self.dice.chance(CHANCE_OF_CALLS, self.calls.fetch_add(1, Ordering::Relaxed));
        let (answer, spent) = match self.admit(api, head, &mut chance, now) {
            Err(answer) => (answer, None),
            Ok(Some(spent)) if spent.is_over() => {
                (chance.throttled(&self.scenario.retry_after, Some(spent.left)), Some(spent))
            }
            Ok(spent) => (self.admitted(api, head, body, now).await, spent),
        };
        visit.lane = LaneAnswer::of(&answer);
        self.dress(answer, api, spent, &head.headers, &mut chance)
    }

    /// Token, scope and rate window.
    fn admit(
        &self,
        api: Api<'_>,
        head: &Parts,
        chance: &mut Chance,
        now: Instant,
    ) -> Result<Option<Spent>, Answer> {
        let admitted = self.tokens.admit(&head.headers, api.vendor(), api.scope(), chance, now);
        if let Err(refusal) = admitted {
            if let Some(breach) = refusal.breach {
                self.ledger.breach(api.family, breach);
            }
            return Err(refusal.answer);
        }
        if self.scenario.forbidden.contains(&api.operation()) {
            return Err(missing_scope(api.scope()));
        }
        Ok(self.quota.spend(api.vendor(), now))
    }

    /// A call that may be made: its form, then its fate.
    async fn admitted(self: &Arc<Self>, api: Api<'_>, head: &Parts, body: Gathered, now: Instant) -> Answer {
        let body = match body {
            Gathered::Whole(body) => body,
            Gathered::TooLarge => return too_large(),
        };
        let job = match self.check(api, head, &body) {
            Ok(job) => job,
            Err(what) => {
                self.ledger.breach(api.family, &what);
                return Answer::error(StatusCode::BAD_REQUEST, "bad.request", &what);
            }
        };
        let bearer = head.headers.get(AUTHORIZATION).map_or(0, |token| narrow(token.as_bytes()));
        let errand = self.judge(&job, api.family, bearer, now);
        let content = fold(wide(&[head.uri.path().as_bytes(), &body]));
        let fate = self.dice.draw(self.identity(&job, content), &self.scenario);
        let flight = job.alone().map(|about| self.flights.start(about));
        let answer = self.befall(job, content, fate).await;
        self.note(errand, bearer, &answer);
        if let Some(flight) = flight
            && flight.land() == Overlap::Found
        {
            self.ledger.breach(
                api.family,
                match api.family {
                    Family::Ingest => "two chunks of one correlation id were in flight at once",
                    Family::ImportPoll => "one job was asked after by two calls at once",
                    _ => "two updates of one contact were in flight at once",
                },
            );
        }
        answer
    }

    /// The headers that a platform adds to every answer.
    fn dress(
        &self,
        answer: Answer,
        api: Api<'_>,
        spent: Option<Spent>,
        headers: &HeaderMap,
        chance: &mut Chance,
    ) -> Answer {
        let id = uuid::Builder::from_random_bytes(chance.id().to_le_bytes()).into_uuid();
        let mut answer = match api.vendor() {
            Vendor::Genesys => answer.with("inin-correlation-id", id),
            Vendor::Cxone => answer.with("x-request-id", id),
        };
        if let (Vendor::Genesys, Some(spent)) = (api.vendor(), spent) {
            let left_out = chance.falls(spent.headers_missing).then(|| chance.below(3));
            let all = [
                ("inin-ratelimit-count", spent.used.min(spent.allowed)),
                ("inin-ratelimit-allowed", spent.allowed),
                ("inin-ratelimit-reset", spent.reset()),
            ];
            for (index, (name, value)) in all.into_iter().enumerate() {
                if left_out != Some(index) {
                    answer = answer.with(name, value);
                }
            }
        }
        let takes_gzip = || {
            headers
                .get(ACCEPT_ENCODING)
                .and_then(|value| value.to_str().ok())
                .is_some_and(|v| v.contains("gzip"))
        };
        if chance.falls(self.scenario.gzip) && takes_gzip() { answer.gzipped() } else { answer }
    }
}

/// A call on its lane; tells the lane what became of it, also where the caller hung up.
struct Visit<'a> {
    platform: &'a Platform,
    family: Family,
    item: Option<u64>,
    lane: LaneAnswer,
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.platform.quota.answered(self.family, self.item, self.lane, Instant::now());
    }
}

fn too_large() -> Answer {
    let message = "The request is over the size limit.";
    Answer::error(StatusCode::PAYLOAD_TOO_LARGE, "request.entity.too.large", message)
}
