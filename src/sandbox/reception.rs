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

use super::answer::{Answer, Delivery, Effect};
use super::body::{Gathered, HungUp, gather};
use super::conduct::Errand;
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
    let (answer, receipt) = platform.answer(request).await;
    receipt.arrived();
    answer.into_response(&line)
}

impl Platform {
    /// Answers a request. What its caller must know from then on it must know only once the answer has arrived.
    pub(super) async fn answer(self: &Arc<Self>, request: Request) -> (Answer, Receipt) {
        let now = Instant::now();
        let (head, body) = request.into_parts();
        let route = Route::of(&head.method, head.uri.path());
        let (family, (answer, receipt)) = match route {
            Route::Ledger => return (Answer::json(StatusCode::OK, &self.ledger_json()), Receipt::none()),
            Route::Contacts => {
                let lines = self.outcomes.contacts_ndjson();
                return (Answer::of(StatusCode::OK, "application/x-ndjson", lines.into()), Receipt::none());
            }
            Route::Token(path) => {
                self.check_manners(Family::Token, &head.headers);
                (Family::Token, self.token(path, &head.headers, body, now).await)
            }
            Route::Api(api) => {
                self.check_manners(api.family, &head.headers);
                (api.family, self.call(api, &head, body, now).await)
            }
            Route::WrongMethod(family) => {
                self.ledger.breach(family, &format!("the method {} on this path", head.method));
                let message = "HTTP method not allowed on this resource.";
                let answer = Answer::error(StatusCode::METHOD_NOT_ALLOWED, "method.not.allowed", message);
                (family, (answer, Receipt::none()))
            }
            Route::Nowhere => {
                let message = "The requested resource does not exist.";
                let answer = Answer::error(StatusCode::NOT_FOUND, "not.found", message);
                (Family::Other, (answer, Receipt::none()))
            }
        };
        self.ledger.ended(family, answer.ending());
        (answer, receipt)
    }

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
    fn enter(self: &Arc<Self>, vendor: Option<Vendor>, family: Family, now: Instant) -> Visit {
        for wrong in self.quota.arrive(vendor, family, now) {
            self.ledger.breach(family, &wrong);
        }
        Visit { platform: Arc::clone(self), family, item: None, lane: LaneAnswer::Lost }
    }

    async fn token(
        self: &Arc<Self>,
        path: TokenPath,
        headers: &HeaderMap,
        body: Body,
        now: Instant,
    ) -> (Answer, Receipt) {
        let visit = self.enter(None, Family::Token, now);
        let asking = self.tokens.ask();
        let mut chance = self.dice.chance(CHANCE_OF_TOKENS, asking.nth);
        let body = match gather(body, 65_536).await {
            Ok(Gathered::Whole(body)) => body,
            Ok(Gathered::TooLarge) => {
                self.ledger.breach(Family::Token, "a token request of more than 64 KiB");
                return (too_large(), Receipt::none());
            }
            Err(HungUp) => return (Answer::reset(Effect::None), Receipt::none()),
        };
        pass(self.scenario.latency.max).await;
        let throttling = &self.scenario.retry_after;
        let answer = self.tokens.grant(path, headers, &body, &mut chance, throttling);
        let answer = answer.unwrap_or_else(|(what, answer)| {
            self.ledger.breach(Family::Token, &what);
            answer
        });
        let lane = LaneAnswer::of(&answer);
        (answer, Receipt(Some(Heard { visit, lane, errand: Errand::Nothing, bearer: 0 })))
    }

    async fn call(
        self: &Arc<Self>,
        api: Api<'_>,
        head: &Parts,
        body: Body,
        now: Instant,
    ) -> (Answer, Receipt) {
        let mut visit = self.enter(Some(api.vendor()), api.family, now);
        let Ok(body) = gather(body, self.scenario.max_body).await else {
            return (Answer::reset(Effect::None), Receipt::none());
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
        let mut errand = Errand::Nothing;
        let (answer, spent) = match self.admit(api, head, &mut chance, now) {
            Err(answer) => (answer, None),
            Ok(Some(spent)) if spent.is_over() => {
                (chance.throttled(&self.scenario.retry_after, Some(spent.left)), Some(spent))
            }
            Ok(spent) => {
                let answer;
                (answer, errand) = self.admitted(api, head, body, now).await;
                (answer, spent)
            }
        };
        let lane = LaneAnswer::of(&answer);
        // a caller is told by the status alone that its batch is refused, and by a whole body of all else
        let errand =
            if answer.delivery == Delivery::Whole { errand.of(answer.status) } else { Errand::Nothing };
        let answer = self.dress(answer, api, spent, &head.headers, &mut chance);
        (answer, Receipt(Some(Heard { visit, lane, errand, bearer: bearer(&head.headers) })))
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
    async fn admitted(
        self: &Arc<Self>,
        api: Api<'_>,
        head: &Parts,
        body: Gathered,
        now: Instant,
    ) -> (Answer, Errand) {
        let body = match body {
            Gathered::Whole(body) => body,
            Gathered::TooLarge => return (too_large(), Errand::Nothing),
        };
        let job = match self.check(api, head, &body) {
            Ok(job) => job,
            Err(what) => {
                self.ledger.breach(api.family, &what);
                return (Answer::error(StatusCode::BAD_REQUEST, "bad.request", &what), Errand::Nothing);
            }
        };
        let errand = self.judge(&job, api.family, bearer(&head.headers), now);
        let content = fold(wide(&[head.uri.path().as_bytes(), &body]));
        let fate = self.dice.draw(self.identity(&job, content), &self.scenario);
        let flight = job.alone().map(|about| self.flights.start(about));
        let answer = self.befall(job, content, fate).await;
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
        (answer, errand)
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
#[derive(Debug)]
struct Visit {
    platform: Arc<Platform>,
    family: Family,
    item: Option<u64>,
    lane: LaneAnswer,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.platform.quota.answered(self.family, self.item, self.lane, Instant::now());
    }
}

/// An answer on its way. Dropped, it has not arrived.
#[derive(Debug)]
pub(super) struct Receipt(Option<Heard>);

#[derive(Debug)]
struct Heard {
    visit: Visit,
    lane: LaneAnswer,
    errand: Errand,
    bearer: u64,
}

impl Receipt {
    /// For an answer that says nothing that its caller has to keep.
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// The answer has arrived, now.
    pub(super) fn arrived(self) {
        if let Some(Heard { mut visit, lane, errand, bearer }) = self.0 {
            visit.lane = lane;
            visit.platform.note(errand, bearer);
        }
    }
}

fn bearer(headers: &HeaderMap) -> u64 {
    headers.get(AUTHORIZATION).map_or(0, |token| narrow(token.as_bytes()))
}

fn too_large() -> Answer {
    let message = "The request is over the size limit.";
    Answer::error(StatusCode::PAYLOAD_TOO_LARGE, "request.entity.too.large", message)
}
