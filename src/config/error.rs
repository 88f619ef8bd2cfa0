//! What can be wrong with the configuration, and what a person can do about it.

use std::io;
use std::path::PathBuf;

use super::document::DocumentError;
use crate::files::owner::Distrust;

/// Why the configuration, or a profile of it, can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No home directory, and no place named.
    #[error("no home directory was found; name the places with `--config FILE` and `--data-dir DIR`")]
    NoHome,
    /// A file that can't be read.
    #[error("reading `{}`: {source}", crate::text::path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that somebody else may change.
    #[error(transparent)]
    Distrusted(#[from] Distrust),
    /// A file that can't be written.
    #[error("writing `{}`: {source}; it is as it was", crate::text::path(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something in the file is wrong.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// No such profile.
    #[error("no profile is named `{name}`; {known}{hint}")]
    UnknownProfile {
        /// The name that was asked for.
        name: String,
        /// The nearest one, as a question, or nothing.
        hint: String,
        /// Those that there are, or how to add one.
        known: String,
    },
    /// No profile was named, and there is no default.
    #[error(
        "no profile was named: give `--profile NAME`, or set `default_profile` in the configuration; {known}"
    )]
    NoProfile {
        /// Those that there are, or how to add one.
        known: String,
    },
    /// The profile is of the other platform.
    #[error(
        "profile `{name}` is of platform `{platform}`, and this operation needs one of `{needed}`; name another with `--profile NAME`"
    )]
    OtherPlatform {
        /// The profile.
        name: String,
        /// Its platform.
        platform: crate::model::PlatformKind,
        /// The operation's.
        needed: crate::model::PlatformKind,
    },
    /// The profile `env` lacks a variable.
    #[error("profile `env`: the environment variable `{variable}` is not set, or empty; it needs {needed}")]
    NoVariable {
        /// The variable.
        variable: &'static str,
        /// All of them.
        needed: &'static str,
    },
    /// A variable of the profile `env` is wrong.
    #[error("profile `env`: the environment variable `{variable}` {rule}")]
    Variable {
        /// The variable.
        variable: &'static str,
        /// What it must be.
        rule: String,
    },
    /// A profile to be added breaks a rule.
    #[error("profile `{name}`: `{key}` {rule}")]
    NewProfile {
        /// The profile.
        name: String,
        /// The key.
        key: String,
        /// What it must be.
        rule: String,
    },
    /// A profile of that name is there already.
    #[error(
        "there is a profile `{name}` already; choose another name, or remove it first with `trunkline profile remove {name}`"
    )]
    ProfileExists {
        /// The name.
        name: String,
    },
}
