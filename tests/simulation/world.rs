//! What lies between the program and the platform: a network that loses calls, a disk that is slow or full, and a book
//! of what took effect, kept by watching the calls and not by asking either side.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use futures_util::future::BoxFuture;
use trunkline::machine::{self, Came, Disk, Loss, World};
use trunkline::sandbox::{Inside, Scenario, Told};

use super::case::Case;
use super::manners::{Departure, Manners};

pub const OWN: &str = "http://127.0.0.1:1";
/// What stands before the path by which the second run asks for tokens, so that the two can be told apart.
pub const SECOND: &str = "/second";
pub const FOREIGN: &str = "http://127.0.0.1:2";

/// The world of one day.
pub struct Day {
    case: Case,
    pub platform: Inside,
    rng: Mutex<Rng>,
    pub effects: Mutex<Effects>,
    /// Nothing is lost any more, and the disk is sound.
    calm: AtomicBool,
    /// A person has sent failures again: the order of a set is theirs from here on.
    pub sent_again: AtomicBool,
    /// A person has edited a record.
    pub edited: AtomicBool,
    tokens_out: [AtomicU32; 2],
    pub most_tokens_out: AtomicU32,
    pub calls: AtomicU64,
    /// How many have begun.
    processes: AtomicU32,
    full_until: AtomicU64,
    pub manners: Mutex<Manners>,
    /// A line for each call.
    pub trace: Mutex<Vec<String>>,
}

/// What took effect, as the calls and answers tell.
#[derive(Debug, Default)]
pub struct Effects {
    /// How often each record did.
    pub of: BTreeMap<u64, u32>,
    /// How often a call with it was accepted, whether or not that was a repetition.
    pub accepted: BTreeMap<u64, u32>,
    /// The chunks of each set, in the order in which they did.
    pub sets: BTreeMap<String, Vec<Chunk>>,
}

/// A chunk that took effect.
#[derive(Debug)]
pub struct Chunk {
    /// Which of the day's processes sent it.
    pub process: u32,
    pub records: Vec<u64>,
}

impl Day {
    pub fn new(case: &Case) -> Arc<Self> {
        let scenario = Scenario::parse("day", &case.platform).unwrap();
        Arc::new(Self {
            platform: Inside::new(scenario, None, OWN.to_owned(), FOREIGN.to_owned()),
            rng: Mutex::new(Rng::with_seed(case.seed)),
            effects: Mutex::default(),
            calm: AtomicBool::new(false),
            sent_again: AtomicBool::new(false),
            edited: AtomicBool::new(false),
            tokens_out: Default::default(),
            most_tokens_out: AtomicU32::new(0),
            calls: AtomicU64::new(0),
            processes: AtomicU32::new(0),
            full_until: AtomicU64::new(0),
            manners: Mutex::new(Manners::over(case.pause_threshold(), case.pace())),
            trace: Mutex::default(),
            case: case.clone(),
        })
    }

    pub fn chance<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.rng.lock().unwrap())
    }

    /// A process takes a run up.
    pub fn process_begins(&self, run: usize) {
        // what the last one had out is gone with it
        self.tokens_out[run].store(0, Ordering::Relaxed);
        self.tell(format_args!("{run} begins"));
        self.processes.fetch_add(1, Ordering::Relaxed);
        self.manners.lock().unwrap().process_begins(run);
    }

    /// The process of a run ends so that what came last may not be written down.
    pub fn forgets(&self, run: usize) {
        let disk = self.case.disk;
        let slow = if disk.slow > 0.0 { disk.slowest * 4 } else { Duration::from_millis(1) };
        let full = if disk.full > 0.0 { Duration::from_secs(12) } else { Duration::ZERO };
        self.manners.lock().unwrap().forgets(run, slow + full);
    }

    pub fn calm(&self) {
        self.calm.store(true, Ordering::Relaxed);
    }

    /// Says what happens, with the time.
    pub fn tell(&self, what: std::fmt::Arguments<'_>) {
        self.trace.lock().unwrap().push(format!("{} {what}", machine::now()));
    }

    fn falls(&self, share: f64) -> bool {
        !self.calm.load(Ordering::Relaxed) && share > 0.0 && self.chance(Rng::f64) < share
    }

    fn note(&self, request: &Seen, answer: &http::Response<Bytes>) {
        if !request.sends || !answer.status().is_success() {
            return;
        }
        let mut effects = self.effects.lock().unwrap();
        for record in &request.records {
            *effects.accepted.entry(*record).or_default() += 1;
        }
        if answer.headers().contains_key("idempotent-replayed") {
            return;
        }
        for record in &request.records {
            *effects.of.entry(*record).or_default() += 1;
        }
        if let Some(set) = request.set.as_ref().filter(|_| !self.sent_again.load(Ordering::Relaxed)) {
            let chunks = effects.sets.entry(set.clone()).or_default();
            // one whose answer was lost may come again before the next does
            if chunks.last().is_none_or(|chunk| chunk.records != request.records) {
                let process = self.processes.load(Ordering::Relaxed);
                chunks.push(Chunk { process, records: request.records.clone() });
            }
        }
    }
}

/// What a call is about.
struct Seen {
    sends: bool,
    records: Vec<u64>,
    set: Option<String>,
}

impl Seen {
    fn of(request: &http::Request<Bytes>) -> Self {
        let key = request.headers().contains_key("idempotency-key");
        let mut records = records_in(request.uri().path().as_bytes());
        records.extend(records_in(request.body()));
        let set = request.headers().get("x-genesys-correlation-id");
        let set = set.and_then(|set| set.to_str().ok()).map(str::to_owned);
        Self { sends: key, records, set }
    }
}

/// The numbers of the records that stand in a text, in its order.
pub fn records_in(text: &[u8]) -> Vec<u64> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(2).position(|two| two == b"R-") {
        rest = &rest[at + 2..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 && rest.get(digits) == Some(&b'-') {
            found.push(std::str::from_utf8(&rest[..digits]).unwrap().parse().unwrap());
        }
    }
    found
}

/// The held part is `Arc<Day>`, so that calls outlive the process that made them.
pub struct Held(pub Arc<Day>);

impl World for Held {
    fn disk(&self) -> Disk {
        let day = &self.0;
        let traits = day.case.disk;
        let left = day.full_until.load(Ordering::Relaxed);
        if left > 0 && !day.calm.load(Ordering::Relaxed) {
            day.full_until.store(left - 1, Ordering::Relaxed);
            return Disk::Full;
        }
        if day.falls(traits.full) {
            day.full_until.store(day.chance(|rng| rng.u64(0..5)), Ordering::Relaxed);
            return Disk::Full;
        }
        let slow = day.falls(traits.slow);
        Disk::Sound(if slow { day.chance(|rng| traits.slowest.mul_f64(rng.f64())) } else { Duration::ZERO })
    }

    fn exchange(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Came, Loss>> {
        let day = Arc::clone(&self.0);
        Box::pin(async move {
            let number = day.calls.fetch_add(1, Ordering::Relaxed);
            assert!(number < 20_000, "more than 20,000 calls");
            let by_hand = day.sent_again.load(Ordering::Relaxed);
            let (call, breach) = day.manners.lock().unwrap().depart(number, &request, by_hand);
            if let Some(breach) = breach {
                day.tell(format_args!("(c) {breach}"));
            }
            let mut way_back = WayBack { day: &day, call, answered: false };
            day.tell(format_args!("{} > {} {}", way_back.call.run(), request.method(), request.uri().path()));
            let _out =
                request.uri().path().ends_with("/token").then(|| TokenCall::begin(&day, way_back.call.run()));
            let network = day.case.network;
            let way = |day: &Day| day.chance(|rng| network.longest.mul_f64(rng.f64() * rng.f64()));
            let (there, back) = (way(&day), way(&day));
            if day.falls(network.unreachable) {
                return Err(Loss::Unreachable);
            }
            pass(there).await;
            if day.falls(network.lost_before) {
                return Err(Loss::Reset);
            }
            if day.falls(network.storm) {
                pass(back).await;
                let mut answer = http::Response::new(Bytes::from_static(b"<html>busy</html>"));
                *answer.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
                way_back.arrived(&answer);
                return Ok(Came { answer, cut: false });
            }
            let seen = Seen::of(&request);
            let (told, reply) = day.platform.call(as_sent_to_one(request)).await;
            let (mut answer, cut) = match told {
                Told::Whole(answer) => (answer, false),
                Told::Cut(answer) => (answer, true),
                Told::Reset => return Err(Loss::Reset),
            };
            day.note(&seen, &answer);
            if let Ok(date) = httpdate::fmt_http_date(machine::now().into()).parse() {
                answer.headers_mut().insert(http::header::DATE, date);
            }
            if day.falls(network.late) {
                pass(Duration::from_hours(1)).await;
            }
            if day.falls(network.lost_after) {
                return Err(Loss::Reset);
            }
            pass(back).await;
            let cut = cut || day.falls(network.cut);
            if !cut {
                reply.arrived();
            }
            way_back.arrived(&answer);
            if let Some(token) = token(&answer) {
                day.manners.lock().unwrap().is_of(&token, way_back.call.run());
            }
            let answer = if cut { answer.map(|body| body.slice(..body.len() / 2)) } else { answer };
            Ok(Came { answer, cut })
        })
    }
}

/// The call without what tells the second run's from the first's.
fn as_sent_to_one(mut request: http::Request<Bytes>) -> http::Request<Bytes> {
    let plain = request.uri().to_string().replacen(SECOND, "", 1);
    *request.uri_mut() = plain.parse().unwrap();
    request
}

/// The token that an answer brings.
fn token(answer: &http::Response<Bytes>) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(answer.body()).ok()?;
    body.get("access_token")?.as_str().map(str::to_owned)
}

/// A call whose answer is awaited.
struct WayBack<'a> {
    day: &'a Day,
    call: Departure,
    answered: bool,
}

impl WayBack<'_> {
    fn arrived(&mut self, answer: &http::Response<Bytes>) {
        self.answered = true;
        let wait = answer.headers().get("retry-after");
        self.day.tell(format_args!("{} < {} {wait:?}", self.call.run(), answer.status()));
        self.day.manners.lock().unwrap().arrived(&self.call, answer);
    }
}

impl Drop for WayBack<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.day.manners.lock().unwrap().lost(&self.call);
        }
    }
}

async fn pass(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// A token that is being asked for.
struct TokenCall<'a>(&'a Day, usize);

impl<'a> TokenCall<'a> {
    fn begin(day: &'a Day, run: usize) -> Self {
        let out = day.tokens_out[run].fetch_add(1, Ordering::Relaxed) + 1;
        day.most_tokens_out.fetch_max(out, Ordering::Relaxed);
        Self(day, run)
    }
}

impl Drop for TokenCall<'_> {
    fn drop(&mut self) {
        self.0.tokens_out[self.1].fetch_sub(1, Ordering::Relaxed);
    }
}
