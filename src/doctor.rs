//! What is wrong with an installation or with a run, and what a person can do about it.
//!
//! ```text
//! configuration   the file, where each value comes from      store    where locks and results are, and whether they last
//! places          folders: rights, room, kind of disk        tenant   each profile: its secret, a token, the API, the clocks
//! journal         the file, and what it says of its runs     run      one run: what it waits for, its files
//! surroundings    terminal, limits of the process            bundle   all of it in a file that can be given away
//! ```
//!
//! It looks and mends nothing, and each look stands for itself: what one of them cannot do keeps none of the others from being
//! done. No look lasts longer than a person waits, however large a file or slow a host is; what was not finished says so.
//! A secret is read to see that it is there, and is neither kept nor told.

mod bundle;
mod configuration;
mod journal;
mod places;
mod run;
mod store;
mod surroundings;
mod tenant;

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;

use crate::config::{Config, Places, Profile};
use crate::journal::RunRow;
use crate::model::words;

pub use bundle::{Bundled, write_bundle};

/// How long a file is read at the most, to see whether it is sound.
const PATIENCE: Duration = Duration::from_secs(20);

words! {
    /// What a look came to.
    State, "a state of a look", {
        /// Nothing is wrong.
        Ok = "ok",
        /// It works, and a person should know of it.
        Look = "look",
        /// It does not work.
        Bad = "bad",
        /// Nobody has looked.
        NotChecked = "not_checked",
    }
}

words! {
    /// What was looked at.
    Area, "an area", {
        /// The configuration's file and values.
        Configuration = "configuration",
        /// Files and folders.
        Places = "places",
        /// The record of all runs.
        Journal = "journal",
        /// The store of locks and results.
        Store = "store",
        /// A way to a tenant.
        Profile = "profile",
        /// The terminal.
        Terminal = "terminal",
        /// What the system allows this process.
        Limits = "limits",
        /// One run.
        Run = "run",
    }
}

/// One look, and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub area: Area,
    /// Which piece of it.
    pub what: String,
    /// What it came to.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do about it, where there is something to do.
    pub advice: Option<String>,
}

impl Finding {
    fn new(area: Area, what: impl Into<String>, state: State, found: impl Into<String>) -> Self {
        Self { area, what: what.into(), state, found: found.into(), advice: None }
    }

    fn ok(area: Area, what: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(area, what, State::Ok, found)
    }

    fn look(area: Area, what: impl Into<String>, found: impl Into<String>, advice: &str) -> Self {
        Self { advice: Some(advice.to_owned()), ..Self::new(area, what, State::Look, found) }
    }

    fn bad(area: Area, what: impl Into<String>, found: impl Into<String>, advice: &str) -> Self {
        Self { advice: Some(advice.to_owned()), ..Self::new(area, what, State::Bad, found) }
    }

    fn unchecked(area: Area, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(area, what, State::NotChecked, why)
    }

    /// From an error's words: what stands behind `hint: ` is what to do.
    fn of_error(area: Area, what: impl Into<String>, error: &str) -> Self {
        let (found, hint) = error.split_once("\nhint: ").unwrap_or((error, ""));
        let found = crate::text::one_line(found, 600);
        let advice = (!hint.is_empty()).then(|| crate::text::one_line(hint, 400));
        Self { advice, ..Self::new(area, what, State::Bad, found) }
    }
}

/// What is to be looked at.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Where this person's things are.
    pub places: &'a Places,
    /// What named the two of them: a flag, a variable, or the system's own place.
    pub named_by: [&'a str; 2],
    /// Where the log goes.
    pub log: &'a Path,
    /// The configuration, or what is wrong with it.
    pub config: Result<&'a Config, &'a str>,
    /// The profiles that environment variables make.
    pub of_variables: &'a [Profile],
    /// The run that is asked about.
    pub run: Option<&'a RunRow>,
    /// Whether anybody may be called.
    pub calls: Calls,
}

impl Subject<'_> {
    /// All profiles.
    fn profiles(&self) -> impl Iterator<Item = &Profile> {
        let configured = self.config.iter().flat_map(|config| config.profiles.values());
        configured.chain(self.of_variables)
    }
}

/// Whether anybody may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// Tenants and the shared store.
    Allowed,
    /// Nobody: a command that tells a secret is not run either, because it may.
    None,
}

/// Looks at everything.
pub async fn examine(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = configuration::examine(subject);
    findings.extend(places::examine(subject));
    findings.extend(journal::examine(&subject.places.data_dir).await);
    findings.extend(store::examine(subject).await);
    let tenants = subject.profiles().map(|profile| tenant::examine(profile, subject.calls));
    findings.extend(join_all(tenants).await.into_iter().flatten());
    findings.extend(surroundings::examine(subject));
    if let Some(run) = subject.run {
        findings.extend(run::examine(run, subject).await);
    }
    findings
}

/// Whether anything is bad.
#[must_use]
pub fn is_bad(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.state == State::Bad)
}
