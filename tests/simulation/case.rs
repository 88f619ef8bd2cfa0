//! What a day is like. All of it is drawn from the seed, before the day begins.

use std::fmt::Write as _;
use std::time::Duration;

use fastrand::Rng;
use trunkline::model::OperationKind;

/// One day.
#[derive(Debug, Clone)]
pub struct Case {
    pub seed: u64,
    pub kind: OperationKind,
    /// Records of each dataset.
    pub datasets: Vec<usize>,
    pub settings: Vec<(String, String)>,
    /// The platform, as a scenario.
    pub platform: String,
    pub network: Network,
    pub disk: DiskTraits,
    /// How often the plug is pulled at most.
    pub crashes: u32,
    /// How often a person does something at most.
    pub acts: u32,
    /// How often the clock on the wall is set at most.
    pub clock_jumps: u32,
    /// Runs of the same plan on the same records, side by side.
    pub runs: usize,
}

/// What befalls a call on its way: shares of all calls.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    pub unreachable: f64,
    pub lost_before: f64,
    pub lost_after: f64,
    pub cut: f64,
    pub late: f64,
    pub storm: f64,
    pub longest: Duration,
}

/// How the disk behaves.
#[derive(Debug, Clone, Copy)]
pub struct DiskTraits {
    pub slow: f64,
    pub slowest: Duration,
    pub full: f64,
}

impl DiskTraits {
    /// Whether anything is ever wrong with it.
    pub fn is_troubled(&self) -> bool {
        self.slow > 0.0 || self.full > 0.0
    }
}

const KINDS: [OperationKind; 5] = [
    OperationKind::Ingest,
    OperationKind::Execute,
    OperationKind::Exchange,
    OperationKind::Import,
    OperationKind::Outcomes,
];

fn one_of<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(..all.len())]
}

impl Case {
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x5eed_0000_0000);
        let rng = &mut rng;
        let kind = one_of(rng, &KINDS);
        let most = one_of(rng, &[1, 3, 12, 40]);
        let sets = if kind == OperationKind::Ingest { rng.usize(1..=3) } else { 1 };
        let datasets = (0..sets).map(|_| rng.usize(1..=most)).collect();
        let bad = one_of(rng, &[0.0, 0.02, 0.1, 0.3]);
        let share = |rng: &mut Rng, part: f64| if rng.bool() { 0.0 } else { bad * part * rng.f64() };
        let network = Network {
            unreachable: share(rng, 1.0),
            lost_before: share(rng, 1.0),
            lost_after: share(rng, 1.0),
            cut: share(rng, 1.0),
            late: share(rng, 0.3),
            storm: share(rng, 0.5),
            longest: Duration::from_millis(one_of(rng, &[0, 5, 200, 3_000])),
        };
        let disk = DiskTraits {
            slow: one_of(rng, &[0.0, 0.0, 0.05, 0.5]),
            slowest: Duration::from_millis(one_of(rng, &[5, 100, 2_000])),
            full: one_of(rng, &[0.0, 0.0, 0.0, 0.02]),
        };
        let mut case = Self {
            seed,
            kind,
            datasets,
            settings: Vec::new(),
            platform: platform(rng, kind, bad),
            network,
            disk,
            crashes: one_of(rng, &[0, 0, 1, 3]),
            acts: one_of(rng, &[0, 0, 2, 6]),
            clock_jumps: one_of(rng, &[0, 0, 0, 2]),
            runs: 1,
        };
        case.settle(rng);
        case.runs = one_of(rng, &[1, 1, 1, 2]);
        case
    }

    fn settle(&mut self, rng: &mut Rng) {
        let settings = &mut self.settings;
        let mut set = |key: &str, value: String| settings.push((key.to_owned(), value));
        set("workers", one_of(rng, &[1, 2, 4, 10]).to_string());
        set("max_attempts", one_of(rng, &[1, 3, 8]).to_string());
        set("backoff.base", format!("{}ms", one_of(rng, &[1, 100, 1_000])));
        set("unsure", one_of(rng, &["retry", "retry", "fail"]).to_owned());
        set("timeout", format!("{}s", one_of(rng, &[2, 10, 30])));
        set("fault_after", one_of(rng, &[0, 3, 20]).to_string());
        // a run that ends itself at each of the platform's windows, and can do next to nothing in one, says so for ever
        let has_window = self.platform.contains("[limit]");
        let starves = self.platform.contains("allowed = 3, window = \"1m\"")
            || (has_window && self.kind == OperationKind::Import);
        let limits = if starves { ["1m", "1m", "10m"] } else { ["2s", "1m", "10m"] };
        set("retry_after_limit", one_of(rng, &limits).to_owned());
        set("rate", one_of(rng, &["0", "0.5", "5", "45"]).to_owned());
        set("burst", one_of(rng, &[1, 3, 20]).to_string());
        match self.kind {
            OperationKind::Ingest | OperationKind::Exchange => {
                set("chunk_records", one_of(rng, &[1, 2, 5, 50]).to_string());
            }
            OperationKind::Execute => set("action", "act".to_owned()),
            OperationKind::Import => {
                set("poll_timeout", "10m".to_owned());
                set("max_open_jobs", one_of(rng, &[1, 3, 50]).to_string());
            }
            OperationKind::Outcomes => {}
        }
    }

    /// A dataset, with its name. Each record says its number, and nothing else says one like it.
    pub fn dataset(&self, number: usize) -> (String, Vec<u8>) {
        let first: usize = self.datasets[..number].iter().sum();
        let records = first..first + self.datasets[number];
        let mut rng = Rng::with_seed(self.seed ^ number as u64);
        let mut text = String::new();
        if self.kind == OperationKind::Outcomes {
            text.push_str("contactId,category,subcategory\n");
        }
        for record in records {
            let odd = rng.u32(..12);
            let line = match self.kind {
                OperationKind::Ingest => format!("{{\"external_id\":\"R-{record}-\"}}"),
                OperationKind::Execute if odd == 0 => format!("{{\"id\":\"R-{record}-\",\"refuse\":true}}"),
                OperationKind::Execute => format!("{{\"id\":\"R-{record}-\"}}"),
                OperationKind::Exchange => {
                    let id = if odd == 0 { "refused-" } else { "" };
                    let channel = if odd == 1 { "pigeon" } else { "voice" };
                    format!(
                        "{{\"external_id\":\"{id}R-{record}-\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"channel\":\"{channel}\",\
                         \"duration_seconds\":5,\"customer_segment\":\"a\"}}"
                    )
                }
                OperationKind::Import => {
                    let mark = ["inline", "fetch", "rows", "foreign", "fail", "late"][rng.usize(..6)];
                    format!(
                        "{{\"entity\":\"contact\",\"operation\":\"upsert\",\"sourceUrl\":\"https://f.example/R-{record}-{mark}.csv\",\
                         \"targetUrl\":\"t\",\"keyFields\":[\"id\"]}}"
                    )
                }
                OperationKind::Outcomes => {
                    let id = if odd == 0 { "unknown-" } else { "" };
                    let sub = if odd == 1 { "Sail" } else { "Sale" };
                    format!("{id}R-{record}-,Contacted,{sub}")
                }
            };
            // writing to a String cannot fail
            let _ = writeln!(text, "{line}");
        }
        let end = if self.kind == OperationKind::Outcomes { "csv" } else { "ndjson" };
        (format!("d{number}.{end}"), text.into_bytes())
    }

    /// Whether the platform soon forgets the keys of what it has done.
    pub fn keys_are_forgotten(&self) -> bool {
        !self.platform.contains("key_life = \"24h\"")
    }

    /// A Retry-After over this holds all calls of a run.
    pub fn pause_threshold(&self) -> Duration {
        let limit = self.settings.iter().find(|(key, _)| key == "retry_after_limit");
        let short = limit.is_some_and(|(_, limit)| limit == "2s");
        Duration::from_secs(if short { 2 } else { 30 })
    }

    /// Calls a second that the plan allows, and calls at once.
    pub fn pace(&self) -> Option<(f64, f64)> {
        let number = |name: &str| {
            let (_, value) = self.settings.iter().find(|(key, _)| key == name)?;
            value.parse().ok()
        };
        Some((number("rate").filter(|rate| *rate > 0.0)?, number("burst")?))
    }

    pub fn records(&self) -> usize {
        self.datasets.iter().sum()
    }
}

fn platform(rng: &mut Rng, kind: OperationKind, bad: f64) -> String {
    let mut toml = format!("seed = {}\n", rng.u32(..));
    if kind == OperationKind::Outcomes {
        let _ = writeln!(toml, "in_use = {}\nin_use_for = \"30s\"", one_of(rng, &[0.0, 0.1]));
    }
    let _ = writeln!(toml, "key_life = \"{}\"", one_of(rng, &["24h", "24h", "30s", "0s"]));
    let _ = writeln!(toml, "max_body = {}", one_of(rng, &[10_000_000, 10_000_000, 1_000, 400]));
    let _ = writeln!(toml, "refusals = \"{}\"", one_of(rng, &["named", "unnamed"]));
    let _ = writeln!(
        toml,
        "[token]\nlife = \"{}\"\nthrottle_429 = {t}\nthrottle_400 = {t}\nerror_503 = {t}\nrevoke = {}",
        one_of(rng, &["5s", "10m", "24h"]),
        bad * 0.1 * rng.f64(),
        t = bad * rng.f64(),
    );
    if rng.bool() {
        let limit = format!(
            "{{ allowed = {}, window = \"{}\", headers_missing = {} }}",
            one_of(rng, &[3, 10, 50]),
            one_of(rng, &["1s", "10s", "1m"]),
            one_of(rng, &[0.0, 0.3]),
        );
        let _ = writeln!(toml, "[limit]\ngenesys = {limit}\ncxone = {limit}");
    }
    let _ = writeln!(
        toml,
        "[retry_after]\nmin = \"1s\"\nmax = \"{}\"\ndate = {}\nmissing = {}",
        one_of(rng, &["2s", "30s", "5m"]),
        one_of(rng, &[0.0, 0.5]),
        one_of(rng, &[0.0, 0.3]),
    );
    let _ = writeln!(
        toml,
        "[faults]\ngateway_effect = 0.0\nthrottle = {}\nerror_500 = {}\nerror_502 = {}\nhtml = {}\n",
        bad * 0.5 * rng.f64(),
        bad * 0.5 * rng.f64(),
        bad * 0.5 * rng.f64(),
        bad * 0.2 * rng.f64(),
    );
    let _ = writeln!(toml, "[jobs]\nqueued_for = \"1s\"\nruns_for = {{ min = \"0ms\", max = \"20s\" }}");
    toml
}
