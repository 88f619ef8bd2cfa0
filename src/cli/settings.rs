//! Flags that are keys of a plan. What they may be is the plan's to say, so that a flag and a line in a file are held to
//! the same rules and refused in the same words.

use clap::Args;

use super::exit::Stop;
use crate::text::one_line;

/// Keys of `[delivery]`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Delivery")]
pub(super) struct DeliveryFlags {
    /// Items in flight at once; for ingest, datasets side by side
    #[arg(long, value_name = "N")]
    workers: Option<String>,
    /// Calls a second; 0 is no limit but the platform's own
    #[arg(long, value_name = "N")]
    rate: Option<String>,
    /// Calls that may start at once after a quiet time
    #[arg(long, value_name = "N")]
    burst: Option<String>,
    /// Whether to learn the rate from the platform's answers (true or false)
    #[arg(long, value_name = "BOOL")]
    adapt: Option<String>,
    /// Attempts for one item; waits that the platform asks for are none
    #[arg(long, value_name = "N")]
    max_attempts: Option<String>,
    /// Time that one attempt may take, such as 30s
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
    /// What to do where nobody knows whether a call was carried out: retry or fail
    #[arg(long, value_name = "WHAT")]
    unsure: Option<String>,
    /// Items in a row that fail alike before the run stops; 0 is never
    #[arg(long, value_name = "N")]
    fault_after: Option<String>,
}

/// Keys of `[operation]` that ingest and exchange have.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Operation")]
pub(super) struct ChunkFlags {
    /// The most records in a chunk, or a batch
    #[arg(long, value_name = "N")]
    chunk_records: Option<String>,
    /// The most bytes in its body
    #[arg(long, value_name = "N")]
    chunk_bytes: Option<String>,
}

/// Keys of `[operation]` that ingest has.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Operation")]
pub(super) struct IngestFlags {
    /// What follows a chunk that failed: continue or stop
    #[arg(long, value_name = "WHAT")]
    after_failure: Option<String>,
    /// How long the platform keeps a set of chunks open, such as 24h
    #[arg(long, value_name = "TIME")]
    correlation_window: Option<String>,
}

/// Keys of `[operation]` that execute has.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Operation")]
pub(super) struct ExecuteFlags {
    /// The Data Action's id
    #[arg(long, value_name = "ID")]
    action: Option<String>,
    /// What the body is: the record itself (none), or an object with it as `inputs` (inputs)
    #[arg(long, value_name = "WHAT")]
    wrap: Option<String>,
    /// What makes two executions the same: content, or run (the same record of the same run)
    #[arg(long, value_name = "WHAT")]
    key_scope: Option<String>,
    /// How long a stored result stands for its execution, such as 24h
    #[arg(long, value_name = "TIME")]
    result_ttl: Option<String>,
}

/// Keys of `[operation]` that exchange has.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Operation")]
pub(super) struct ExchangeFlags {
    /// The JSON Schema that records must pass: a file, or `interaction`, which is built in
    #[arg(long, value_name = "FILE")]
    schema: Option<String>,
    /// Whether a refused batch is taken apart, so that its good records arrive (true or false)
    #[arg(long, value_name = "BOOL")]
    isolate: Option<String>,
}

/// Keys of `[operation]` that import has.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Operation")]
pub(super) struct ImportFlags {
    /// How long one job is watched, such as 300s
    #[arg(long, value_name = "TIME")]
    poll_timeout: Option<String>,
    /// The most jobs that are started and not at their ends
    #[arg(long, value_name = "N")]
    max_open_jobs: Option<String>,
}

/// Keys of `[operation]` that outcomes has.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Operation")]
pub(super) struct OutcomesFlags {
    /// Whether to check records against the platform's hierarchy first (true or false)
    #[arg(long, value_name = "BOOL")]
    preflight: Option<String>,
    /// Whether to look a contact up before it is changed (true or false)
    #[arg(long, value_name = "BOOL")]
    check_contacts: Option<String>,
    /// The field that holds the dataset's own codes
    #[arg(long, value_name = "NAME")]
    outcome_field: Option<String>,
}

/// `--set`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct AnyKey {
    /// Any key of the plan.
    #[arg(
        long = "set",
        value_name = "KEY=VALUE",
        help = "Any key of the plan's [operation] or [delivery], such as backoff.base=1s; may stand often"
    )]
    set: Vec<String>,
}

type Pairs<'a> = Vec<(&'a str, &'a str)>;

fn given<'a, const N: usize>(
    flags: [(&'static str, &'a Option<String>); N],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    flags.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?)))
}

impl DeliveryFlags {
    pub(super) fn pairs(&self) -> Pairs<'_> {
        given([
            ("workers", &self.workers),
            ("rate", &self.rate),
            ("burst", &self.burst),
            ("adapt", &self.adapt),
            ("max_attempts", &self.max_attempts),
            ("timeout", &self.timeout),
            ("unsure", &self.unsure),
            ("fault_after", &self.fault_after),
        ])
        .collect()
    }
}

impl ChunkFlags {
    pub(super) fn pairs(&self) -> Pairs<'_> {
        given([("chunk_records", &self.chunk_records), ("chunk_bytes", &self.chunk_bytes)]).collect()
    }
}

impl ExecuteFlags {
    pub(super) fn pairs(&self) -> Pairs<'_> {
        given([
            ("action", &self.action),
            ("wrap", &self.wrap),
            ("key_scope", &self.key_scope),
            ("result_ttl", &self.result_ttl),
        ])
        .collect()
    }
}

impl ExchangeFlags {
    pub(super) fn pairs(&self) -> Pairs<'_> {
        given([("schema", &self.schema), ("isolate", &self.isolate)]).collect()
    }
}

impl ImportFlags {
    pub(super) fn pairs(&self) -> Pairs<'_> {
        given([("poll_timeout", &self.poll_timeout), ("max_open_jobs", &self.max_open_jobs)]).collect()
    }
}

impl IngestFlags {
    pub(super) fn pairs(&self) -> Pairs<'_> {
        given([("after_failure", &self.after_failure), ("correlation_window", &self.correlation_window)])
            .collect()
    }
}

impl OutcomesFlags {
    pub(super) fn pairs(&self) -> Pairs<'_> {
        given([
            ("preflight", &self.preflight),
            ("check_contacts", &self.check_contacts),
            ("outcome_field", &self.outcome_field),
        ])
        .collect()
    }
}

impl AnyKey {
    /// The keys with their values, in the order in which they were typed.
    pub(super) fn pairs(&self) -> Result<Pairs<'_>, Stop> {
        let pair = |text: &str| {
            Stop::refuse(format!(
                "`--set {}` is not KEY=VALUE\nhint: write it like `--set workers=10` or `--set backoff.base=1s`",
                one_line(text, 100)
            ))
        };
        self.set
            .iter()
            .map(|text| {
                let (key, value) = text.split_once('=').ok_or_else(|| pair(text))?;
                if key.trim().is_empty() { Err(pair(text)) } else { Ok((key.trim(), value.trim())) }
            })
            .collect()
    }
}
