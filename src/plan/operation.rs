//! What a plan carries out. A new operation is one struct of settings in a file of its own, and one row below.

use super::delivery::{Delivery, rule};
use super::exchange::Exchange;
use super::execute::Execute;
use super::import::Import;
use super::ingest::Ingest;
use super::outcomes::Outcomes;
use crate::config::document::{Broken, DocumentError, Keys};
use crate::model::OperationKind;

/// How many datasets an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Datasets {
    One,
    Several,
}

/// What the settings of an operation tell the plan. Their `Default` is the operation's own.
pub(super) trait Settings {
    /// Names every key of `[operation]` that is this operation's own.
    fn keys(&mut self, keys: &mut Keys<'_>) -> Result<(), DocumentError>;

    /// The first rule that a setting breaks.
    fn validate(&self) -> Result<(), Broken>;

    /// How this operation is delivered, where a plan doesn't say.
    fn delivery(&self) -> Delivery;

    /// How many datasets it takes.
    fn datasets(&self) -> Datasets;

    /// What a plan must say before anything can be sent, and does not say yet.
    fn missing(&self) -> Option<&'static str> {
        None
    }

    /// Files that it names: a plan file's are taken from where that file stands.
    fn files(&mut self) -> Vec<&mut String> {
        Vec::new()
    }
}

macro_rules! operations {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        /// An operation and its settings.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Operation { $($(#[$meta])* $name($name)),+ }

        impl Operation {
            /// The operation of that kind, with its defaults.
            #[must_use]
            pub fn new(kind: OperationKind) -> Self {
                match kind { $(OperationKind::$name => Self::$name($name::default())),+ }
            }

            /// Which one it is.
            #[must_use]
            pub const fn kind(&self) -> OperationKind {
                match self { $(Self::$name(_) => OperationKind::$name),+ }
            }

            pub(super) fn settings(&self) -> &dyn Settings {
                match self { $(Self::$name(settings) => settings),+ }
            }

            pub(super) fn settings_mut(&mut self) -> &mut dyn Settings {
                match self { $(Self::$name(settings) => settings),+ }
            }
        }
    };
}

operations! {
    /// Chunked dataset ingest (Genesys Cloud).
    Ingest,
    /// Idempotent Data Action execution (Genesys Cloud).
    Execute,
    /// Validated batch ingestion (Genesys Cloud).
    Exchange,
    /// Long-running import jobs (Genesys Cloud).
    Import,
    /// Contact outcomes (NICE CXone).
    Outcomes,
}

/// A path goes behind the profile's `api_url`. One that begins with `//` or holds `\` would name another host there, and
/// that host would get the token.
pub(super) fn validate_path(key: &str, path: &str) -> Result<(), Broken> {
    let strange = |char: char| char.is_control() || char.is_whitespace() || matches!(char, '\\' | '#' | '?');
    rule(path.starts_with('/'), key, "must begin with `/`")?;
    rule(!path.starts_with("//"), key, "must not begin with `//`: that would name another host")?;
    rule(!path.contains(strange), key, "must hold no space, `\\`, `?` or `#`")
}
