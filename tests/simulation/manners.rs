//! What a caller was told and has to keep: each Retry-After, the pauses of a lane, and the rate of its plan.
//!
//! Watched where the calls leave and the answers arrive, so that only what has arrived counts, and nothing that is on
//! its way. A process that dies takes along what came so late that it could not be written down.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{DATE, RETRY_AFTER};
use tokio::time::Instant;

/// What milliseconds round away.
const SLACK: Duration = Duration::from_millis(2);

/// Who has been told what.
#[derive(Debug, Default)]
pub struct Manners {
    /// A Retry-After over this holds all calls.
    threshold: Duration,
    /// How many processes each run has had.
    processes: BTreeMap<usize, u32>,
    /// Whose token is which.
    bearers: BTreeMap<String, usize>,
    /// Of an item, and of all tokens.
    items: BTreeMap<String, Vec<Wait>>,
    lanes: BTreeMap<(usize, &'static str), Lane>,
    all: Vec<Wait>,
    /// How far the clock on the wall has been set forward.
    set_forward: Duration,
    bucket: Option<Bucket>,
    pub breaches: Vec<String>,
}

/// Nothing goes before its end.
#[derive(Debug, Clone, Copy)]
struct Wait {
    told: Instant,
    until: Instant,
    /// How far the clock on the wall had been set forward until then.
    set_forward: Duration,
    run: usize,
    process: u32,
}

/// The calls that the plan's rate allows to all of the machine.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    at: Option<Instant>,
}

#[derive(Debug, Default)]
struct Lane {
    in_a_row: u32,
    longest: Option<Wait>,
    pauses: Vec<Wait>,
    probing: Probing,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Probing {
    #[default]
    No,
    Due,
    /// This call is.
    Out(u64),
}

/// A call on its way.
#[derive(Debug, Clone)]
pub struct Departure {
    number: u64,
    run: usize,
    family: &'static str,
    item: String,
}

impl Manners {
    /// A Retry-After over this holds all calls; at most so many start a second, and so many at once.
    pub fn over(threshold: Duration, rate: Option<(f64, f64)>) -> Self {
        let bucket = rate.map(|(rate, burst)| Bucket { rate, burst, tokens: burst, at: None });
        Self { threshold, bucket, ..Self::default() }
    }

    /// A person sets a run's rate. The highest that was ever allowed is the bound.
    pub fn rate_is_set(&mut self, rate: Option<f64>) {
        let bucket = self.bucket.take().zip(rate);
        self.bucket = bucket.map(|(bucket, rate)| Bucket { rate: bucket.rate.max(rate), ..bucket });
    }

    /// A process takes a run up.
    pub fn process_begins(&mut self, run: usize) {
        *self.processes.entry(run).or_default() += 1;
        for (_, lane) in self.lanes.iter_mut().filter(|((of, _), _)| *of == run) {
            *lane = Lane { pauses: std::mem::take(&mut lane.pauses), ..Lane::default() };
        }
    }

    /// The process of a run ends, and what it was told so shortly before may not be written down.
    pub fn forgets(&mut self, run: usize, unwritten: Duration) {
        let now = Instant::now();
        let known = |wait: &Wait| wait.run != run || wait.told + unwritten < now;
        self.items.values_mut().for_each(|waits| waits.retain(known));
        self.all.retain(known);
        self.lanes.values_mut().for_each(|lane| lane.pauses.retain(known));
    }

    /// A token was given to a run.
    pub fn is_of(&mut self, token: &str, run: usize) {
        self.bearers.insert(format!("Bearer {token}"), run);
    }

    /// The clock on the wall is set forward.
    pub fn is_set_forward(&mut self, by: Duration) {
        self.set_forward += by;
        // it looks as if time had passed
        if let Some(bucket) = &mut self.bucket {
            bucket.tokens += bucket.burst;
        }
    }

    /// A call leaves. Returns what it breaks, too.
    pub fn depart(
        &mut self,
        number: u64,
        request: &http::Request<Bytes>,
        by_hand: bool,
    ) -> (Departure, Option<String>) {
        let known = self.breaches.len();
        let family = family(request);
        let header =
            |name| request.headers().get(name).map_or("", |value| value.to_str().unwrap_or_default());
        let path = request.uri().path();
        let run = match family {
            "token" => usize::from(path.starts_with(super::world::SECOND)),
            _ => self.bearers.get(header("authorization")).copied().unwrap_or_default(),
        };
        let item = match family {
            "token" => family.to_owned(),
            _ => format!("{run} {} {path} {}", request.method(), header("idempotency-key")),
        };
        let process = self.processes.get(&run).copied().unwrap_or_default();
        if family != "token" && family != "foreign" && !self.bucket.as_mut().is_none_or(Bucket::gives) {
            self.breaches.push(format!("{family}: called beyond the rate of the plan ({item})"));
        }
        let mut early = |waits: &[Wait], what: &str| {
            for wait in waits {
                let by = wait.left(run, process, by_hand, self.set_forward);
                if let Some(by) = by.filter(|by| *by > SLACK) {
                    let told = if wait.run == run { process - wait.process } else { 0 };
                    self.breaches.push(format!(
                        "{family}: called {by:?} before {what} was over, told run {} {told} processes ago ({item})",
                        wait.run
                    ));
                }
            }
        };
        early(self.items.get(&item).map_or(&[], Vec::as_slice), "its own Retry-After");
        if family != "token" {
            early(&self.all, "a long Retry-After");
            for ((_, _), lane) in self.lanes.iter().filter(|((_, of), _)| *of == family) {
                early(&lane.pauses, "the Retry-After of two 429s in a row");
            }
            let lane = self.lanes.entry((run, family)).or_default();
            match lane.probing {
                Probing::Out(_) => {
                    self.breaches.push(format!("{family}: called while another call probes ({item})"));
                }
                Probing::Due => lane.probing = Probing::Out(number),
                Probing::No => {}
            }
        }
        (Departure { number, run, family, item }, self.breaches.get(known).cloned())
    }

    /// No answer came of it.
    pub fn lost(&mut self, call: &Departure) {
        let lane = self.lanes.entry((call.run, call.family)).or_default();
        if lane.probing == Probing::Out(call.number) {
            lane.probing = Probing::Due;
        }
    }

    /// Its answer arrives.
    pub fn arrived(&mut self, call: &Departure, answer: &http::Response<Bytes>) {
        let process = self.processes.get(&call.run).copied().unwrap_or_default();
        let now = Instant::now();
        let wait = wait(answer).map(|time| {
            let set_forward = self.set_forward;
            (time, Wait { told: now, until: now + time, set_forward, run: call.run, process })
        });
        let tell = |waits: &mut Vec<Wait>, wait: Wait| {
            waits.retain(|wait| wait.until > now);
            waits.push(wait);
        };
        if let Some((_, wait)) = wait {
            tell(self.items.entry(call.item.clone()).or_default(), wait);
        }
        if call.family == "token" {
            return;
        }
        let lane = self.lanes.entry((call.run, call.family)).or_default();
        if answer.status() != http::StatusCode::TOO_MANY_REQUESTS {
            *lane = Lane { pauses: std::mem::take(&mut lane.pauses), ..Lane::default() };
            return;
        }
        lane.in_a_row += 1;
        if lane.probing == Probing::Out(call.number) {
            lane.probing = Probing::Due;
        }
        if let Some((time, wait)) = wait {
            lane.longest = lane.longest.filter(|one| one.until > wait.until).or(Some(wait));
            if time > self.threshold {
                tell(&mut self.all, wait);
            }
        }
        if lane.in_a_row >= 2 {
            if let Some(longest) = lane.longest {
                tell(&mut lane.pauses, Wait { told: now, ..longest });
            }
            if lane.probing == Probing::No {
                lane.probing = Probing::Due;
            }
        }
    }
}

impl Departure {
    /// The run whose call it is.
    pub fn run(&self) -> usize {
        self.run
    }
}

impl Bucket {
    /// Takes a token, where one is there.
    fn gives(&mut self) -> bool {
        let now = Instant::now();
        let come = self.at.replace(now).map_or(0.0, |at| (now - at).as_secs_f64() * self.rate);
        self.tokens = (self.tokens + come).min(self.tokens.max(self.burst));
        let there = self.tokens > 1.0 - 1e-3;
        self.tokens -= 1.0;
        there
    }
}

impl Wait {
    /// How much of it is left. A process that was told knows it by its own clock; others, and a retry by hand, have it
    /// from what is written, by the wall's: so long as that is set forward, it ends too early, and none can tell.
    fn left(&self, run: usize, process: u32, by_hand: bool, set_forward: Duration) -> Option<Duration> {
        let now = Instant::now();
        let left = self.until.checked_duration_since(now)?;
        // another run reads it when it has been written down, and that is not before its caller had its turn
        if self.run != run && self.told == now {
            return None;
        }
        if self.run == run && self.process == process && !by_hand {
            return Some(left);
        }
        left.checked_sub(set_forward.saturating_sub(self.set_forward))
    }
}

/// What its Retry-After says, a date taken relative to its own.
fn wait(answer: &http::Response<Bytes>) -> Option<Duration> {
    let text = |name| answer.headers().get(name)?.to_str().ok();
    let told = text(RETRY_AFTER)?;
    if let Ok(seconds) = told.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let sent =
        text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(SystemTime::UNIX_EPOCH);
    httpdate::parse_http_date(told).ok()?.duration_since(sent).ok()
}

/// The endpoint.
fn family(request: &http::Request<Bytes>) -> &'static str {
    let path = request.uri().path();
    let sends = request.method() != http::Method::GET;
    match path {
        _ if path.ends_with("/token") => "token",
        _ if path.ends_with("/dataactions/ingest") => "ingest",
        _ if path.ends_with("/execute") => "execute",
        _ if path.contains("/dataexchange/") => "exchange",
        _ if path.contains("/contact/outcomes") => "hierarchy",
        _ if sends && path.contains("/contacts/") => "contact_write",
        _ if request.uri().to_string().starts_with(super::world::FOREIGN) => "foreign",
        _ if sends => "import_submit",
        _ if path.contains("/result") => "import_result",
        _ => "import_poll",
    }
}
