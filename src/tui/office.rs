//! What the board asks of the world beyond the run that it shows: profiles, checks, and runs to be begun or gone on with.
//!
//! It is a trait so that the board knows neither the configuration's file nor the network, and so that it can be tested
//! against an office that a test holds in its hand. Every answer may take as long as it takes: the board goes on drawing
//! meanwhile. Errors are sentences for the person who asked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::Keeps;
use super::live::Live;
use crate::config::{Secret, SecretSource};
use crate::engine::CheckReport;
use crate::journal::{Journal, Judgement, RunRow};
use crate::model::{FailureId, OperationKind, PlatformKind, RunId, Seq};
use crate::plan::Plan;

/// An answer of the office, or why there is none.
pub type Reply<T> = BoxFuture<'static, Result<T, String>>;

/// The office behind the board.
pub trait Office: Send + Sync {
    /// The profiles as the configuration has them now, and where a secret can be kept on this machine.
    fn profiles(&self) -> Reply<Profiles>;

    /// Gets a token for a profile, and nothing else. The platform tells the two of the name `env` apart.
    fn test(&self, profile: String, platform: PlatformKind) -> Reply<Tested>;

    /// Gets a token for a profile that is not saved yet, with the secret that was typed or else with the one that is in
    /// its place already. Of the profile of the name `was` it has what a draft does not show.
    fn test_draft(&self, draft: ProfileDraft, was: Option<String>) -> Reply<Tested>;

    /// Writes a profile into the configuration, over the one of the name `was` where there is one, and keeps its secret
    /// where the draft brings one. A file without a name is one of our own, beside the configuration.
    fn save(&self, draft: ProfileDraft, was: Option<String>) -> Reply<Profiles>;

    /// Takes a profile out of the configuration. The answer is what is left.
    fn remove(&self, profile: String) -> Reply<Profiles>;

    /// Puts a new secret in the place of an old one, where the profile's place for it can be written.
    fn replace_secret(&self, profile: String, secret: Secret) -> Reply<Kept>;

    /// Does everything but sending, and keeps what it found until the run is begun or something else is checked.
    /// `progress` is told bytes read, and of how many. An answer that is dropped stops the reading.
    fn check(&self, plan: Plan, progress: Progress) -> Reply<Flight>;

    /// Begins the run that was checked last, if that has this number.
    fn begin(&self, flight: u64) -> Reply<Started>;

    /// Writes a plan into a file that is not there yet. The answer is where it is now.
    fn save_plan(&self, plan: Plan, path: PathBuf) -> Reply<PathBuf>;

    /// Goes on with a run where it stopped.
    fn resume(&self, run: RunId) -> Reply<Started>;

    /// Sends failures of a run that nobody carries again, and nothing else of it.
    fn retry(&self, run: RunId, items: Vec<Seq>, by: String) -> Reply<Started>;

    /// Closes or reopens failures of a run that nobody carries.
    fn judge(&self, run: RunId, failures: Vec<FailureId>, judgement: Judgement, by: String) -> Reply<()>;

    /// Keeps records that a person has edited, in a run that nobody carries; none takes the edits back.
    fn edit(&self, run: RunId, records: Vec<(FailureId, Option<Bytes>)>, by: String) -> Reply<()>;

    /// Cancels a run that nobody carries, for good.
    fn cancel(&self, run: RunId, by: String) -> Reply<()>;

    /// Writes a page with pictures about a run into the current folder, under a name that is not there yet. The answer
    /// is where it is now.
    fn report(&self, run: RunId) -> Reply<PathBuf>;

    /// Begins a run of sample data on a platform that lives in this process, and goes with it.
    fn practise(&self, operation: OperationKind) -> Reply<Started>;

    /// Where the configuration, the journal and the log are, and what was found there.
    fn places(&self) -> Places;

    /// The variables of the environment that hold secrets, whether or not they are set: those that are known to us, and
    /// those that the configuration names now.
    fn secret_variables(&self) -> Vec<String>;
}

/// Is told how far something is: so much of so much.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Where things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The configuration, and whether it is there.
    pub config: (PathBuf, bool),
    /// The data folder, and whether a journal is there.
    pub data: (PathBuf, bool),
    /// The log.
    pub log: PathBuf,
    /// Whether the variables of one of the platforms are set, so that the profile `env` can be used.
    pub variables: bool,
}

/// The profiles.
#[derive(Debug, Clone, Default)]
pub struct Profiles {
    /// In the order of the configuration; `env` comes last, where it can be used.
    pub all: Vec<ProfileRow>,
    /// The name of the default one.
    pub default: Option<String>,
    /// Places for a secret, and why one of them does not work on this machine.
    pub homes: Vec<(Home, Result<(), String>)>,
    /// The regions of Genesys Cloud, by domain.
    pub regions: Vec<&'static str>,
    /// What there is to be said of what was just done: a secret that does not last, or one that could not be removed.
    pub said: Option<String>,
}

/// How long a secret that was put somewhere stays there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Until somebody removes it.
    ForGood,
    /// Until this machine starts anew.
    UntilReboot,
}

/// One profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRow {
    /// Its name.
    pub name: String,
    /// Its platform.
    pub platform: PlatformKind,
    /// The host of its API.
    pub host: String,
    /// What a person wrote: a region, where there is one.
    pub region: Option<String>,
    /// Where its calls go.
    pub api_url: String,
    /// Where its tokens come from.
    pub auth_url: String,
    /// The client.
    pub client_id: String,
    /// Whether it is marked as production.
    pub production: bool,
    /// Whether it only looks.
    pub read_only: bool,
    /// Where its secret is.
    pub secret: SecretSource,
    /// Whether it stands in the configuration, and not in the environment.
    pub configured: bool,
    /// Runs under it that are not over.
    pub unfinished: Vec<String>,
}

impl ProfileRow {
    /// What tells it from all others: its name, and for `env`, of which there can be two, the platform with it.
    #[must_use]
    pub fn id(&self) -> String {
        profile_id(&self.name, self.platform)
    }
}

/// What tells a profile from all others. No profile of a configuration is named `env`, or has a space in its name.
pub(in crate::tui) fn profile_id(name: &str, platform: PlatformKind) -> String {
    if name == "env" { format!("{name} {platform}") } else { name.to_owned() }
}

/// A kind of place for a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// The key store of the system.
    Keyring,
    /// A file of this person's only.
    File,
    /// A variable of the environment.
    Env,
    /// A command that prints it.
    Command,
}

/// A profile as a person has filled it in.
#[derive(Debug, Clone)]
pub struct ProfileDraft {
    /// Its name.
    pub name: String,
    /// Its platform.
    pub platform: PlatformKind,
    /// A region, or else a URL.
    pub region: Option<String>,
    /// Where its calls go.
    pub api_url: Option<String>,
    /// Where its tokens come from, where it is not as the API's address says.
    pub auth_url: Option<String>,
    /// The client.
    pub client_id: String,
    /// Whether it is production.
    pub production: bool,
    /// Whether it only looks.
    pub read_only: bool,
    /// Where its secret is, or is to be.
    pub home: SecretSource,
    /// The secret, where one was typed.
    pub secret: Option<Secret>,
}

/// What a token showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// How long it lives.
    pub left: Option<Duration>,
    /// Its scopes, where the platform tells them.
    pub scopes: Option<Vec<String>>,
    /// The operations of the platform, and for each the scopes that are missing.
    pub operations: Vec<(OperationKind, Vec<String>)>,
}

/// What a run would do.
#[derive(Debug, Clone)]
pub struct Flight {
    /// Its number: a later check has another one.
    pub number: u64,
    /// The plan that was checked, with its profile.
    pub plan: Plan,
    /// The profile.
    pub profile: ProfileRow,
    /// What was counted.
    pub report: CheckReport,
    /// Bytes in all datasets, or in the one that is broken.
    pub bytes: u64,
    /// The first broken place, where there is one: nothing can be sent then, and nothing was counted.
    pub broken: Option<String>,
    /// Earlier runs of the same content, operation and tenant, the newest first.
    pub before: Vec<Earlier>,
    /// How long the check took.
    pub took: Duration,
}

/// A run that has sent some of the same content before.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// The run.
    pub run: RunRow,
    /// Records of the same content that it delivered.
    pub delivered: u64,
    /// The files of which it has sent the content, beside others or without some; none where it sent all, and no more.
    pub files: Vec<String>,
}

/// A run that is being carried out from now on.
pub struct Started {
    /// The run.
    pub live: Arc<dyn Live>,
    /// Where it is written down.
    pub journal: Journal,
    /// Its row there.
    pub row: RunRow,
    /// What is left of it when the board is left.
    pub keeps: Keeps,
}
