//! One call from its arrival to its answer.
//!
//! The order is a platform's own: who are you, have you calls left, is this in the form it must have, has it been
//! done before; and only then the effect. What goes wrong by the scenario's will is put in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::Response;
use bytes::BytesMut;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::answer::{Answer, Delivery, Effect};
use super::dice::{Chance, Dice, Fate, Fault};
use super::flights::{Flights, Overlap};
use super::hash::{fold, shown, wide};
use super::ingest::{Chunk, Ingest};
use super::keys::{Claim, Keys, Verdict};
use super::ledger::Ledger;
use super::outcomes::{Outcomes, Update, contact_id};
use super::quota::{Family, LaneAnswer, Quota, Spent, Vendor};
use super::scenario::{Operation, Scenario};
use super::token::{TokenPath, Tokens, missing_scope};

/// Sources of chance that belong to no call's fate.
const CHANCE_OF_CALLS: u64 = 1;
const CHANCE_OF_TOKENS: u64 = 2;

/// A simulated tenant, on both platforms.
#[derive(Debug)]
pub(super) struct Platform {
    scenario: Scenario,
    seed: u64,
    dice: Dice,
    ledger: Ledger,
    tokens: Tokens,
    quota: Quota,
    flights: Arc<Flights>,
    ingest: Ingest,
    ingest_keys: Arc<Keys>,
    outcomes: Outcomes,
    outcome_keys: Arc<Keys>,
    calls: AtomicU64,
}

/// What a path and method ask for.
enum Route<'a> {
    Token(TokenPath),
    Api(Api<'a>),
    Ledger,
    Contacts,
    WrongMethod(Family),
    Nowhere,
}

/// A call to `{api}`.
#[derive(Clone, Copy)]
struct Api<'a> {
    family: Family,
    /// The contact's segment of the path, as it came.
    segment: &'a str,
}

impl Api<'_> {
    const fn vendor(self) -> Vendor {
        match self.family {
            Family::Ingest => Vendor::Genesys,
            _ => Vendor::Cxone,
        }
    }

    const fn operation(self) -> Operation {
        match self.family {
            Family::Ingest => Operation::Ingest,
            _ => Operation::Outcomes,
        }
    }

    const fn scope(self) -> &'static str {
        match self.family {
            Family::Ingest => "analytics:datatransfer:write",
            Family::ContactWrite => "contact:update",
            _ => "contact:read",
        }
    }
}

impl<'a> Route<'a> {
    fn of(method: &Method, path: &'a str) -> Self {
        let by =
            |wanted: &Method, family, route| if method == wanted { route } else { Self::WrongMethod(family) };
        let token = |path| by(&Method::POST, Family::Token, Route::Token(path));
        let api = |family, segment| Route::Api(Api { family, segment });
        match path {
            "/oauth/token" => token(TokenPath::Genesys),
            "/oauth2/token" => token(TokenPath::Cxone),
            "/authentication/v1/token/access-key" => token(TokenPath::AccessKey),
            "/api/v2/analytics/dataactions/ingest" => {
                by(&Method::POST, Family::Ingest, api(Family::Ingest, ""))
            }
            "/api/v2/contact/outcomes" => by(&Method::GET, Family::Hierarchy, api(Family::Hierarchy, "")),
            "/sandbox/ledger" => by(&Method::GET, Family::Other, Route::Ledger),
            "/sandbox/ledger/contacts" => by(&Method::GET, Family::Other, Route::Contacts),
            _ => match path.strip_prefix("/api/v2/contacts/") {
                Some(segment) if method == Method::GET => api(Family::ContactRead, segment),
                Some(segment) => by(&Method::PUT, Family::ContactWrite, api(Family::ContactWrite, segment)),
                None => Route::Nowhere,
            },
        }
    }
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
            (Family::Token, platform.token(path, &head.headers, body).await)
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
    pub(super) fn new(scenario: Scenario, seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or(scenario.seed);
        Self {
            seed,
            dice: Dice::new(&scenario, seed),
            ledger: Ledger::new(),
            tokens: Tokens::new(scenario.token.clone()),
            quota: Quota::new(&scenario),
            flights: Arc::default(),
            ingest: Ingest::default(),
            ingest_keys: Arc::new(Keys::new(scenario.key_life)),
            outcomes: Outcomes::new(seed),
            outcome_keys: Arc::new(Keys::new(scenario.key_life)),
            calls: AtomicU64::new(0),
            scenario,
        }
    }

    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn ledger_json(&self) -> Value {
        let (breaches, count) = self.ledger.breaches_json();
        json!({
            "scenario": self.scenario.name(),
            "seed": self.seed,
            "breaches": breaches,
            "breach_count": count,
            "requests": self.ledger.requests_json(),
            "ingest": self.ingest.json(self.ingest_keys.figures().replays),
            "outcomes": self.outcomes.json(self.outcome_keys.figures()),
            "token": self.tokens.json(),
            "worst_window_excess": self.quota.worst_excess(),
            "throttled": self.ledger.throttled(),
        })
    }

    /// What the contract wants of every call.
    fn check_manners(&self, family: Family, headers: &HeaderMap) {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if text(ACCEPT) != Some("application/json") {
            self.ledger.breach(family, "a call without `Accept: application/json`");
        }
        let version = text(USER_AGENT).and_then(|agent| agent.strip_prefix("trunkline/"));
        if !version.is_some_and(|version| version.starts_with(|char: char| char.is_ascii_digit())) {
            self.ledger.breach(family, "a call whose `User-Agent` is not `trunkline/<version>`");
        }
        if headers.contains_key(CONTENT_ENCODING) {
            self.ledger.breach(family, "a request with a compressed body");
        }
    }

    async fn token(&self, path: TokenPath, headers: &HeaderMap, body: Body) -> Answer {
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
        let latency = self.scenario.latency.max;
        if !latency.is_zero() {
            sleep(latency).await;
        }
        let throttling = &self.scenario.retry_after;
        self.tokens.grant(path, headers, &body, &mut chance, throttling).unwrap_or_else(|(what, answer)| {
            self.ledger.breach(Family::Token, &what);
            answer
        })
    }

    async fn call(self: &Arc<Self>, api: Api<'_>, head: &Parts, body: Body, now: Instant) -> Answer {
        for wrong in self.quota.arrive(api.vendor(), api.family, now) {
            self.ledger.breach(api.family, &wrong);
        }
        let mut visit = Visit { platform: self, family: api.family, item: 0, lane: LaneAnswer::Lost };
        let Ok(body) = gather(body, self.scenario.max_body).await else {
            return Answer::reset(Effect::None);
        };
        let key = head.headers.get("idempotency-key").map_or(&b""[..], |key| key.as_bytes());
        visit.item = fold(wide(&[head.method.as_str().as_bytes(), head.uri.path().as_bytes(), key]));
        if let Some(early) = self.quota.item_arrives(visit.item, now) {
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
            Ok(spent) => (self.admitted(api, head, body).await, spent),
        };
        visit.lane = match (answer.delivery, answer.status) {
            (Delivery::Whole, StatusCode::TOO_MANY_REQUESTS) => {
                LaneAnswer::Throttled { not_before: answer.not_before }
            }
            (Delivery::Whole, _) => LaneAnswer::Other,
            _ => LaneAnswer::Lost,
        };
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
    async fn admitted(self: &Arc<Self>, api: Api<'_>, head: &Parts, body: Gathered) -> Answer {
        let body = match body {
            Gathered::Whole(body) => body,
            Gathered::TooLarge => return too_large(),
        };
        let identity = fold(wide(&[head.uri.path().as_bytes(), &body]));
        let job = match self.check(api, head, &body) {
            Ok(job) => job,
            Err(what) => {
                self.ledger.breach(api.family, &what);
                return Answer::error(StatusCode::BAD_REQUEST, "bad.request", &what);
            }
        };
        let fate = self.dice.draw(identity, &self.scenario);
        let flight = job.alone().map(|about| self.flights.start(about));
        let answer = self.befall(job, identity, fate).await;
        if let Some(flight) = flight
            && flight.land() == Overlap::Found
        {
            self.ledger.breach(
                api.family,
                match api.family {
                    Family::Ingest => "two chunks of one correlation id were in flight at once",
                    _ => "two updates of one contact were in flight at once",
                },
            );
        }
        answer
    }

    /// Whether a call has the form that it must have.
    fn check(&self, api: Api<'_>, head: &Parts, body: &Bytes) -> Result<Job, String> {
        if head.uri.query().is_some() {
            return Err("a query where none belongs (a `?` in an id is to be percent-encoded)".to_owned());
        }
        let contact = || contact_id(api.segment);
        let headers = &head.headers;
        match api.family {
            Family::Ingest => {
                let key = self.key(api.family, headers)?;
                Ok(Job::Ingest(Chunk::check(headers, body)?, key))
            }
            Family::ContactWrite => {
                let key = self.key(api.family, headers)?;
                Ok(Job::Update(Update::check(contact()?, headers, body)?, key))
            }
            Family::ContactRead => Ok(Job::Read(contact()?)),
            Family::Hierarchy | Family::Token | Family::Other => Ok(Job::Hierarchy),
        }
    }

    /// The idempotency key of a sending call; one that is there but is no SHA-256 is a breach, and still a key.
    fn key(&self, family: Family, headers: &HeaderMap) -> Result<u128, String> {
        let mut given = headers.get_all("idempotency-key").iter();
        let (Some(key), None) = (given.next(), given.next()) else {
            return Err("a sending call must have exactly one `Idempotency-Key`".to_owned());
        };
        let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        if key.len() != 64 || !key.as_bytes().iter().all(is_hex) {
            let shown = shown(&String::from_utf8_lossy(key.as_bytes()));
            let what = format!("an `Idempotency-Key` that is no lower-case hex SHA-256: `{shown}`");
            self.ledger.breach(family, &what);
        }
        Ok(wide(&[key.as_bytes()]))
    }

    async fn befall(self: &Arc<Self>, job: Job, identity: u64, mut fate: Fate) -> Answer {
        let whole = fate.before + fate.after;
        match fate.fault {
            Some(Fault::Throttle) => {
                pass(whole).await;
                fate.chance.throttled(&self.scenario.retry_after, None)
            }
            Some(Fault::Error(status, Effect::None)) => {
                pass(whole).await;
                failed(status)
            }
            Some(Fault::Page(status)) => {
                pass(whole).await;
                Answer::proxy_page(status)
            }
            Some(Fault::Reset(Effect::None)) => {
                pass(fate.before).await;
                Answer::reset(Effect::None)
            }
            fault => {
                let answer = self.carry_out(job, identity, fate.before, fate.after).await;
                match fault {
                    // without an effect there is nothing that could be unsure
                    _ if !answer.status.is_success() => answer,
                    Some(Fault::Error(status, Effect::Done)) => failed(status),
                    Some(Fault::Reset(Effect::Done)) => Answer::reset(Effect::Done),
                    Some(Fault::Truncate) => answer.delivered(Delivery::Cut),
                    _ => answer,
                }
            }
        }
    }

    async fn carry_out(
        self: &Arc<Self>,
        job: Job,
        identity: u64,
        before: Duration,
        after: Duration,
    ) -> Answer {
        let begun = match &job {
            Job::Ingest(_, key) => self.ingest_keys.begin(*key, identity, Instant::now()),
            Job::Update(_, key) => self.outcome_keys.begin(*key, identity, Instant::now()),
            Job::Read(_) | Job::Hierarchy => {
                pass(before + after).await;
                return self.look(&job);
            }
        };
        match begun {
            Verdict::New(claim) if before.is_zero() && after.is_zero() => self.take_effect(&job, claim),
            Verdict::New(claim) => {
                let platform = Arc::clone(self);
                // a platform that has begun goes on when its caller hangs up
                let work = tokio::spawn(async move {
                    pass(before).await;
                    let answer = platform.take_effect(&job, claim);
                    pass(after).await;
                    answer
                });
                work.await.unwrap_or_else(|_| failed(StatusCode::INTERNAL_SERVER_ERROR))
            }
            Verdict::Replay { wall_ms } => {
                pass(before + after).await;
                job.again(wall_ms).with("idempotent-replayed", true)
            }
            Verdict::Reused => {
                self.ledger.breach(job.family(), "an `Idempotency-Key` was used for another body");
                let message = "The idempotency key was used for another request.";
                Answer::error(StatusCode::UNPROCESSABLE_ENTITY, "idempotency.key_reused", message)
            }
            Verdict::InProgress => {
                let message = "The first request with this idempotency key is in progress.";
                Answer::error(StatusCode::CONFLICT, "idempotency.in_progress", message)
            }
        }
    }

    fn look(&self, job: &Job) -> Answer {
        match job {
            Job::Read(contact) => self.outcomes.read(contact, &self.scenario),
            _ => Outcomes::hierarchy(),
        }
    }

    /// The one place where something happens: the effect, its key and the ledger in one step.
    fn take_effect(&self, job: &Job, claim: Claim) -> Answer {
        let (now, wall_ms) = (Instant::now(), wall_ms());
        match job {
            Job::Ingest(chunk, _) => {
                self.ingest.apply(chunk);
                claim.settle(now, wall_ms);
                chunk.accepted()
            }
            Job::Update(update, _) => match self.outcomes.apply(update, &self.scenario, now, wall_ms) {
                Ok(answer) => {
                    claim.settle(now, wall_ms);
                    answer
                }
                Err(refusal) => refusal,
            },
            Job::Read(_) | Job::Hierarchy => self.look(job),
        }
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

/// What a call asks to be done, its form checked.
enum Job {
    Ingest(Chunk, u128),
    Update(Update, u128),
    Read(String),
    Hierarchy,
}

impl Job {
    /// What no other call may be about while this one is out.
    fn alone(&self) -> Option<u64> {
        match self {
            Self::Ingest(chunk, _) => Some(fold(wide(&[b"set", chunk.set.as_bytes()]))),
            Self::Update(update, _) => Some(fold(wide(&[b"contact", update.contact.as_bytes()]))),
            Self::Read(_) | Self::Hierarchy => None,
        }
    }

    const fn family(&self) -> Family {
        match self {
            Self::Ingest(..) => Family::Ingest,
            Self::Update(..) => Family::ContactWrite,
            Self::Read(_) => Family::ContactRead,
            Self::Hierarchy => Family::Hierarchy,
        }
    }

    /// The first answer once more.
    fn again(&self, wall_ms: u64) -> Answer {
        match self {
            Self::Ingest(chunk, _) => chunk.accepted(),
            Self::Update(update, _) => Outcomes::updated(update, wall_ms),
            Self::Read(_) | Self::Hierarchy => Outcomes::hierarchy(),
        }
    }
}

/// A call on its lane; tells the lane what became of it, also where the caller hung up.
struct Visit<'a> {
    platform: &'a Platform,
    family: Family,
    item: u64,
    lane: LaneAnswer,
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.platform.quota.answered(self.family, self.item, self.lane, Instant::now());
    }
}

enum Gathered {
    Whole(Bytes),
    TooLarge,
}

/// The caller ended the connection before its request was whole.
struct HungUp;

/// Reads a body of up to `most` bytes. A larger one is read to its end and thrown away: a caller who is still sending
/// would not see the answer.
async fn gather(body: Body, most: u64) -> Result<Gathered, HungUp> {
    let mut pieces = body.into_data_stream();
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    let mut size = 0_u64;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| HungUp)?;
        size += piece.len() as u64;
        if size > most {
            (first, rest) = (Bytes::new(), BytesMut::new());
            // nobody means well who sends so much more
            if size > most.saturating_mul(32).max(1 << 30) {
                return Err(HungUp);
            }
        } else if first.is_empty() {
            first = piece;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&piece);
        }
    }
    if size > most {
        return Ok(Gathered::TooLarge);
    }
    Ok(Gathered::Whole(if rest.is_empty() { first } else { rest.freeze() }))
}

async fn pass(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn too_large() -> Answer {
    let message = "The request is over the size limit.";
    Answer::error(StatusCode::PAYLOAD_TOO_LARGE, "request.entity.too.large", message)
}

fn failed(status: StatusCode) -> Answer {
    let code = match status {
        StatusCode::SERVICE_UNAVAILABLE => "service.unavailable",
        StatusCode::GATEWAY_TIMEOUT => "request.timeout",
        StatusCode::BAD_GATEWAY => "bad.gateway",
        _ => "internal.server.error",
    };
    let message = format!("The request failed: {}.", status.canonical_reason().unwrap_or("server error"));
    Answer::error(status, code, &message)
}
