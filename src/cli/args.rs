//! What may be typed. The words here are the program's help and its manual.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use super::exit::Stop;
use super::settings::{
    AnyKey, ChunkFlags, DeliveryFlags, ExchangeFlags, ExecuteFlags, ImportFlags, IngestFlags, OutcomesFlags,
};
use crate::journal::Filter;
use crate::model::{OperationKind, PlatformKind, Seq, Stage};
use crate::report::{ExportFormat, ListFormat, TableFormat};

const EXITS: &str = "\
Exit codes:
  0    all delivered
  1    the run ended, with failures or invalid records
  2    usage, configuration, plan or dataset is wrong; nothing was sent
  3    faulted: nothing is lost, `trunkline resume` goes on
  4    an internal error; the journal is intact
  130  interrupted: the run is paused, `trunkline resume` goes on";

/// Carries bulk operations to contact-centre platforms, durably, and lets people watch and mend them
///
/// Without a command it opens the dashboard.
#[derive(Debug, Parser)]
#[command(name = "trunkline", version, after_help = EXITS, max_term_width = 110)]
pub(super) struct CommandLine {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags that stand before or after any command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(super) struct Global {
    /// The configuration [env: `TRUNKLINE_CONFIG`]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where journal, results and logs are [env: `TRUNKLINE_DATA_DIR`]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Log more; may stand up to three times
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Log into this file instead of the data directory's
    #[arg(long, global = true, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// No colours (also with `NO_COLOR` set)
    #[arg(long, global = true)]
    pub no_color: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Send datasets in chunks (Genesys Cloud)
    Ingest(Box<IngestArgs>),
    /// Execute a Data Action for each record, once (Genesys Cloud)
    Execute(Box<ExecuteArgs>),
    /// Send records that pass a schema in batches (Genesys Cloud Data Exchange)
    Exchange(Box<ExchangeArgs>),
    /// Start import jobs and watch them to their ends (Genesys Cloud)
    Import(Box<ImportArgs>),
    /// Set the outcomes of contacts (NICE CXone)
    Outcomes(Box<OutcomesArgs>),
    /// Carry out a plan file
    Run(Box<RunArgs>),
    /// Read and validate everything, and send nothing
    Check(Box<CheckArgs>),
    /// Go on with a run where it stopped
    Resume(Box<ResumeArgs>),
    /// Send failures of a run again
    Retry(Box<RetryArgs>),
    /// Close failures by hand
    Dismiss(DismissArgs),
    /// Take a dismissal back
    Reopen(ReopenArgs),
    /// End a run for good: what is pending stays so
    Cancel {
        /// The run: an id, a unique beginning of one, or `last`
        run: String,
        /// Ask nothing
        #[arg(long)]
        yes: bool,
    },
    /// List all runs, newest first
    Runs {
        /// `table` or `json`
        #[arg(long, default_value = "table")]
        format: ListFormat,
    },
    /// Show one run: plan, figures, faults
    Show {
        /// The run: an id, a unique beginning of one, or `last`
        run: String,
        /// `table` or `json`
        #[arg(long, default_value = "table")]
        format: ListFormat,
    },
    /// List what a run could not deliver, with the reasons
    Failures(FailuresArgs),
    /// List what a run delivered, an item a row
    Results(ResultsArgs),
    /// Write one page with pictures about a run, to hand to others
    Report(ReportArgs),
    /// Look into, or empty, the store of locks and results
    #[command(subcommand)]
    Store(StoreCommand),
    /// Manage how tenants are reached
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Run the simulated platforms on loopback, to try things out
    Sandbox(SandboxArgs),
    /// Show a run of a sample dataset on a built-in sandbox: no set-up, no network
    Demo(DemoArgs),
    /// Say what is wrong with this installation, or with a run, and what to do
    Doctor(super::doctor::DoctorArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual, for `man -l -`
    Man,
}

/// How a run is watched.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(super) struct Watching {
    /// No dashboard: a progress bar on a terminal, plain lines otherwise
    #[arg(long)]
    pub headless: bool,
    /// One JSON object a line on standard output, and nothing else there
    #[arg(long)]
    pub events: bool,
    /// Leave at a fault (exit 3) instead of waiting for it to be mended
    #[arg(long)]
    pub detach_on_fault: bool,
}

/// What every sending command has.
#[derive(Debug, Clone, Args)]
pub(super) struct Sending {
    /// The profile to send with; `env` is made of environment variables
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    #[command(flatten)]
    pub watching: Watching,
    #[command(flatten)]
    pub any: AnyKey,
    /// Ask nothing before sending
    #[arg(long)]
    pub yes: bool,
    /// Send nothing: a command that would send is refused
    #[arg(long)]
    pub read_only: bool,
    /// Send what stands before a dataset's malformed place
    #[arg(long)]
    pub until_error: bool,
    #[command(flatten)]
    pub delivery: DeliveryFlags,
}

#[derive(Debug, Args)]
pub(super) struct IngestArgs {
    /// Files of records, or patterns of such; `-` is standard input
    #[arg(required = true, value_name = "DATASET")]
    pub datasets: Vec<String>,
    #[command(flatten)]
    pub sending: Sending,
    #[command(flatten)]
    pub chunks: ChunkFlags,
    #[command(flatten)]
    pub ingest: IngestFlags,
}

#[derive(Debug, Args)]
pub(super) struct ExecuteArgs {
    /// A file of records; `-` is standard input
    #[arg(value_name = "DATASET")]
    pub dataset: String,
    #[command(flatten)]
    pub sending: Sending,
    #[command(flatten)]
    pub execute: ExecuteFlags,
}

#[derive(Debug, Args)]
pub(super) struct ExchangeArgs {
    /// A file of records; `-` is standard input
    #[arg(value_name = "DATASET")]
    pub dataset: String,
    #[command(flatten)]
    pub sending: Sending,
    #[command(flatten)]
    pub chunks: ChunkFlags,
    #[command(flatten)]
    pub exchange: ExchangeFlags,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// A file of import requests; `-` is standard input
    #[arg(value_name = "DATASET")]
    pub dataset: String,
    #[command(flatten)]
    pub sending: Sending,
    #[command(flatten)]
    pub import: ImportFlags,
}

#[derive(Debug, Args)]
pub(super) struct OutcomesArgs {
    /// A file of records; `-` is standard input
    #[arg(value_name = "DATASET")]
    pub dataset: String,
    #[command(flatten)]
    pub sending: Sending,
    #[command(flatten)]
    pub outcomes: OutcomesFlags,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The plan file
    #[arg(value_name = "PLAN.toml")]
    pub plan: PathBuf,
    #[command(flatten)]
    pub sending: Sending,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// A plan file, or the name of an operation
    #[arg(value_name = "PLAN.toml|OPERATION")]
    pub what: String,
    /// The operation's datasets
    #[arg(value_name = "DATASET")]
    pub datasets: Vec<String>,
    /// The profile to check with; `env` is made of environment variables
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    #[command(flatten)]
    pub any: AnyKey,
    /// Use what stands before a dataset's malformed place
    #[arg(long)]
    pub until_error: bool,
    #[command(flatten)]
    pub delivery: DeliveryFlags,
    #[command(flatten)]
    pub chunks: ChunkFlags,
    #[command(flatten)]
    pub ingest: IngestFlags,
    #[command(flatten)]
    pub execute: ExecuteFlags,
    #[command(flatten)]
    pub exchange: ExchangeFlags,
    #[command(flatten)]
    pub import: ImportFlags,
    #[command(flatten)]
    pub outcomes: OutcomesFlags,
}

#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// The run: an id, a unique beginning of one, or `last`
    pub run: String,
    /// For a run that a dashboard hands over: nothing that ends with a terminal reaches it.
    #[arg(long, hide = true)]
    pub own_session: bool,
    #[command(flatten)]
    pub sending: Sending,
}

/// Which failures are meant.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which failures")]
pub(super) struct FilterFlags {
    /// Those with this HTTP status
    #[arg(long, value_name = "STATUS")]
    pub status: Option<u16>,
    /// Those with this code
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Those of this stage: validation, preflight, delivery, polling or result
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<Stage>,
    /// Those with these words in key, code or message; also `status:404`, `code:…`, `stage:…`, `item:17` among them
    #[arg(long = "match", value_name = "TEXT")]
    pub words: Option<String>,
    /// These items; may stand often
    #[arg(long = "item", value_name = "N")]
    pub items: Vec<Seq>,
}

impl FilterFlags {
    /// The filter that they make.
    pub(super) fn filter(&self) -> Result<Filter, Stop> {
        let mut filter = self.words.as_deref().map(Filter::parse).transpose()?.unwrap_or_default();
        filter.status = self.status.or(filter.status);
        filter.code = self.code.clone().or(filter.code);
        filter.stage = self.stage.or(filter.stage);
        filter.items.extend(&self.items);
        Ok(filter)
    }
}

#[derive(Debug, Args)]
pub(super) struct RetryArgs {
    /// The run: an id, a unique beginning of one, or `last`
    pub run: String,
    #[command(flatten)]
    pub filter: FilterFlags,
    #[command(flatten)]
    pub sending: Sending,
}

#[derive(Debug, Args)]
pub(super) struct DismissArgs {
    /// The run: an id, a unique beginning of one, or `last`
    pub run: String,
    #[command(flatten)]
    pub filter: FilterFlags,
    /// Why they are closed; it stays with them
    #[arg(long, value_name = "TEXT")]
    pub note: String,
    /// Ask nothing
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReopenArgs {
    /// The run: an id, a unique beginning of one, or `last`
    pub run: String,
    #[command(flatten)]
    pub filter: FilterFlags,
}

/// What failures are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Grouping {
    /// By stage, status, code and message
    Cause,
}

#[derive(Debug, Args)]
pub(super) struct FailuresArgs {
    /// The run: an id, a unique beginning of one, or `last`
    pub run: String,
    /// Put together those that are open and failed alike
    #[arg(long, value_name = "WHAT")]
    pub by: Option<Grouping>,
    /// `table`, `csv` or `json`
    #[arg(long, default_value = "table")]
    pub format: TableFormat,
    /// Write into this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub filter: FilterFlags,
}

#[derive(Debug, Args)]
pub(super) struct ResultsArgs {
    /// The run: an id, a unique beginning of one, or `last`
    pub run: String,
    /// `csv` or `json`
    #[arg(long, default_value = "csv")]
    pub format: ExportFormat,
    /// Write into this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The run: an id, a unique beginning of one, or `last`
    pub run: String,
    /// The page, HTML, which is not there yet; `-` is standard output
    #[arg(short, long, value_name = "FILE.html")]
    pub output: PathBuf,
    /// Write over the file, where there is one
    #[arg(long)]
    pub force: bool,
    /// Name up to three of each cause and what differs among them: personal data
    #[arg(long)]
    pub examples: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Show where it is and what it holds
    Status {
        /// Only of this profile's tenant
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
    },
    /// Remove the results that it holds: the same records can be executed again then
    Purge {
        /// Only of this profile's tenant
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
        /// Only what is over its time
        #[arg(long)]
        expired: bool,
        /// Locks too, also those of runs that are at work now
        #[arg(long, conflicts_with = "expired")]
        locks: bool,
        /// Ask nothing
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ProfileCommand {
    /// List the profiles
    List,
    /// Add a profile; on a terminal it asks for what is missing
    Add(Box<ProfileAddArgs>),
    /// Get a token, and show what it allows
    Test {
        /// The profile; `env` is made of environment variables
        name: String,
        /// The platform of the profile `env`
        #[arg(long, value_name = "PLATFORM")]
        platform: Option<PlatformKind>,
    },
    /// Remove a profile, and its secret from the keyring
    Remove {
        /// The profile
        name: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct ProfileAddArgs {
    /// Its name
    pub name: String,
    /// genesys or cxone
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Option<PlatformKind>,
    /// Genesys Cloud's region: a domain such as mypurecloud.ie, or an AWS name such as eu-west-1
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Where calls go, instead of a region
    #[arg(long, value_name = "URL")]
    pub api_url: Option<String>,
    /// Where tokens come from, where it is not what the other URL tells
    #[arg(long, value_name = "URL")]
    pub auth_url: Option<String>,
    /// The OAuth client's id, or the access key's
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// The environment variable that holds the secret
    #[arg(long, value_name = "NAME", group = "secret")]
    pub secret_env: Option<String>,
    /// The file that holds the secret; nobody else may read it
    #[arg(long, value_name = "FILE", group = "secret")]
    pub secret_file: Option<PathBuf>,
    /// The program that tells the secret, and its arguments: all that follows
    #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true, group = "secret")]
    pub secret_command: Option<Vec<String>>,
    /// Keep the secret in the keyring; it is asked for without being shown
    #[arg(long, group = "secret")]
    pub keyring: bool,
    /// Read the secret for the keyring from standard input
    #[arg(long, requires = "keyring", conflicts_with_all = ["secret_env", "secret_file", "secret_command"])]
    pub secret_stdin: bool,
    /// Real data: questions name it and take a typed number
    #[arg(long)]
    pub production: bool,
}

#[derive(Debug, Args)]
pub(super) struct SandboxArgs {
    /// The port on 127.0.0.1; any free one where it is left out
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub port: u16,
    /// What the tenant is like: calm, busy, stormy, bare, or a TOML file
    #[arg(long, value_name = "FILE|NAME", default_value = "calm")]
    pub scenario: String,
    /// Replaces the scenario's seed: the same seed makes the same trouble
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// What to show: ingest, execute, exchange, import or outcomes
    #[arg(long, value_name = "NAME", default_value = "ingest")]
    pub operation: OperationKind,
    /// What the tenant is like: calm, busy, stormy, bare, or a TOML file
    #[arg(long, value_name = "FILE|NAME", default_value = "busy")]
    pub scenario: String,
    #[command(flatten)]
    pub watching: Watching,
}
