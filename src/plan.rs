//! Plans: an operation, a profile, datasets and settings. A plan file and a command's flags make the same thing.
//!
//! ```text
//! delivery    [delivery]: how fast, how often, how patiently
//! operation   [operation]: the list of operations, and what the settings of each must tell
//! ingest, execute, exchange, import, outcomes       one file an operation
//! ```
//!
//! A plan that is kept with its run is written with every key, defaults too: a run goes on as it began, also under a
//! later version that has other defaults.

mod delivery;
mod exchange;
mod execute;
mod import;
mod ingest;
mod listed;
mod operation;
mod outcomes;

use std::io;
use std::path::{Path, PathBuf};

pub use delivery::{Backoff, Delivery, MOST_WORKERS, Timeout, Unsure};
pub use exchange::Exchange;
pub use execute::{Execute, KeyScope, Wrap};
pub use import::{Import, JobState};
pub use ingest::{AfterFailure, Ingest};
pub use listed::PlanSetting;
pub use operation::Operation;
pub use outcomes::Outcomes;

use crate::config::DocumentError;
use crate::config::document::{Broken, Document, Keys, Node, Setting, Source, Written, named, read_file};
use crate::config::nearest::hint;
use crate::model::OperationKind;
use crate::text::one_line;
use operation::Datasets;

/// Why a plan can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file can't be read.
    #[error("reading the plan `{}`: {source}", crate::text::path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The plan's directory can't stand before a dataset's name.
    #[error(
        "the plan `{}` is in a directory whose name is not UTF-8; its datasets can't be named from there",
        crate::text::path(path)
    )]
    Directory {
        /// The file.
        path: PathBuf,
    },
    /// Something in it is wrong.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

/// An operation, a profile, datasets and settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The profile; `None` where the configuration's default is meant.
    pub profile: Option<String>,
    /// The datasets, in order, or patterns of such; `-` is standard input.
    pub datasets: Vec<String>,
    /// What is carried out, and its settings.
    pub operation: Operation,
    /// `[operation.map]`: how a new record is made from each one, in the dataset's own terms.
    pub map: Option<toml::Table>,
    /// How it is delivered.
    pub delivery: Delivery,
}

impl Plan {
    /// A plan for that operation with its defaults, and no dataset yet.
    #[must_use]
    pub fn new(kind: OperationKind) -> Self {
        let operation = Operation::new(kind);
        let delivery = operation.settings().delivery();
        Self { profile: None, datasets: Vec::new(), operation, map: None, delivery }
    }

    /// Reads a plan file. Relative datasets are taken from the file's own directory.
    ///
    /// # Errors
    ///
    /// Where the file can't be read, or with the file, line and column of what is wrong in it.
    pub fn load(path: &Path) -> Result<Self, PlanError> {
        let (text, _) =
            read_file(path).map_err(|source| PlanError::Read { path: path.to_owned(), source })?;
        let plan = Self::read(&Document::parse(Source::file(path, &text), &text)?)?;
        let directory = path.parent().unwrap_or(Path::new(""));
        let mut plan =
            plan.seen_from(directory).map_err(|_| PlanError::Directory { path: path.to_owned() })?;
        for file in plan.operation.settings_mut().files() {
            *file = directory.join(&*file).to_string_lossy().into_owned();
        }
        Ok(plan)
    }

    /// Reads a plan that [`Self::to_toml`] wrote.
    ///
    /// # Errors
    ///
    /// With line and column of what is wrong in it.
    pub fn from_toml(text: &str) -> Result<Self, PlanError> {
        Ok(Self::read(&Document::parse(Source::file(Path::new("plan"), text), text)?)?)
    }

    /// Writes every key, so that [`Self::from_toml`] gives this plan again.
    #[must_use]
    pub fn to_toml(&self) -> String {
        self.written().values.into_iter().collect::<toml::Table>().to_string()
    }

    /// Holds the plan to every rule. [`Self::load`] and [`Self::set`] have done so; what a program changes by itself, it
    /// has to ask for.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), PlanError> {
        let nowhere = Document::parse(Source::unplaced("the plan"), "")?;
        Ok(self.hold_to_rules(&nowhere)?)
    }

    /// The same plan, wherever it is read: files that it names are absolute.
    #[must_use]
    pub fn rooted(mut self) -> Self {
        for file in self.operation.settings_mut().files() {
            if let Ok(path) = std::path::absolute(&*file) {
                *file = path.to_string_lossy().into_owned();
            }
        }
        self
    }

    /// The same plan, its relative datasets taken from that directory.
    ///
    /// # Errors
    ///
    /// Where the directory's name is not UTF-8.
    pub fn seen_from(mut self, directory: &Path) -> Result<Self, PlanError> {
        let name = directory.to_str().ok_or_else(|| PlanError::Directory { path: directory.to_owned() })?;
        for dataset in &mut self.datasets {
            *dataset = taken_from(name, dataset);
        }
        Ok(self)
    }

    /// What must be said before anything can be sent, and is not said yet: a sentence with a hint.
    #[must_use]
    pub fn missing(&self) -> Option<&'static str> {
        self.operation.settings().missing()
    }

    /// Sets one key of `[operation]` or `[delivery]`, dotted where it is nested. `value` is TOML, or else a string.
    ///
    /// # Errors
    ///
    /// Where there is no such key, or the value breaks a rule; the plan is then as it was.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), PlanError> {
        self.set_all(&[(key, value)])
    }

    /// Sets several keys at once: rules are held to when all are set, so that their order means nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::set`].
    pub fn set_all(&mut self, settings: &[(&str, &str)]) -> Result<(), PlanError> {
        Ok(self.change(settings, Reach::Plan)?)
    }

    /// As [`Self::set_all`], for a run that has begun: only keys of `[delivery]`.
    ///
    /// # Errors
    ///
    /// As [`Self::set`], and for any other key.
    pub fn set_delivery_all(&mut self, settings: &[(&str, &str)]) -> Result<(), PlanError> {
        Ok(self.change(settings, Reach::Delivery)?)
    }

    /// As [`Self::set`], for a run that has begun: only keys of `[delivery]`.
    ///
    /// # Errors
    ///
    /// As [`Self::set`], and for any other key.
    pub fn set_delivery(&mut self, key: &str, value: &str) -> Result<(), PlanError> {
        self.set_delivery_all(&[(key, value)])
    }

    fn read(document: &Document<'_>) -> Result<Self, DocumentError> {
        let mut plan = Self::new(OperationKind::Ingest);
        document.read(|keys| plan.keys(keys))?;
        plan.hold_to_rules(document)?;
        Ok(plan)
    }

    /// All keys of a plan. The kind comes before what depends on it.
    fn keys(&mut self, keys: &mut Keys<'_>) -> Result<(), DocumentError> {
        keys.key("profile", &mut self.profile)?;
        let mut datasets = WrittenDatasets(std::mem::take(&mut self.datasets));
        keys.key("dataset", &mut datasets)?;
        self.datasets = datasets.0;
        keys.section("operation", |keys| {
            let mut kind = self.operation.kind();
            keys.required("kind", "it says which operation the plan is for", &mut kind)?;
            if kind != self.operation.kind() {
                self.operation = Operation::new(kind);
                self.delivery = self.operation.settings().delivery();
            }
            self.operation.settings_mut().keys(keys)?;
            keys.key("map", &mut self.map)
        })?;
        keys.section("delivery", |keys| self.delivery.keys(keys))
    }

    fn written(&self) -> Written {
        let mut plan = self.clone();
        // writing has nothing that could fail: errors come from documents that are read
        Keys::write(|keys| plan.keys(keys)).unwrap_or_default()
    }

    fn hold_to_rules(&self, document: &Document<'_>) -> Result<(), DocumentError> {
        let settings = self.operation.settings();
        self.validate_datasets(settings.datasets()).map_err(|broken| document.broken(&[], &broken))?;
        settings.validate().map_err(|broken| document.broken(&["operation"], &broken))?;
        self.delivery.validate().map_err(|broken| document.broken(&["delivery"], &broken))
    }

    fn validate_datasets(&self, most: Datasets) -> Result<(), Broken> {
        delivery::rule(self.datasets.iter().all(|name| !name.is_empty()), "dataset", "must not be empty")?;
        let few = most == Datasets::Several || self.datasets.len() < 2;
        delivery::rule(
            few,
            "dataset",
            &format!("must be one file: `{}` takes no more", self.operation.kind()),
        )
    }

    fn change(&mut self, settings: &[(&str, &str)], reach: Reach) -> Result<(), DocumentError> {
        let mut origin = "--set".to_owned();
        if let [(key, _)] = settings {
            origin = format!("--set {key}");
        }
        let Written { values, known, aliases } = self.written();
        let mut table: toml::Table = values.into_iter().collect();
        for (key, value) in settings {
            let refuse = |message: String| Source::unplaced(&format!("--set {key}")).error(None, message);
            let path = toml_edit::Key::parse(key)
                .map_err(|_| refuse("it must look like `workers=10` or `backoff.base=1s`".to_owned()))?;
            let mut steps: Vec<&str> = path.iter().map(toml_edit::Key::get).collect();
            let section = section_of(&steps, &known, reach).map_err(refuse)?;
            if let Some(first) = steps.first_mut()
                && let Some((_, name)) = aliases.iter().find(|(alias, _)| alias == first)
            {
                *first = name;
            }
            let value =
                value.parse::<toml::Value>().unwrap_or_else(|_| toml::Value::String((*value).to_owned()));
            insert(&mut table, section, &steps, value).map_err(refuse)?;
        }
        let text = table.to_string();
        *self = Self::read(&Document::parse(Source::unplaced(&origin), &text)?)?;
        Ok(())
    }
}

/// Which keys may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Plan,
    Delivery,
}

/// The section that a key belongs to, or why it can't be set.
fn section_of(steps: &[&str], known: &[String], reach: Reach) -> Result<&'static str, String> {
    let first = steps.first().copied().unwrap_or_default();
    let within = |section: &str| {
        let keys = known.iter().filter_map(|key| key.strip_prefix(section)?.strip_prefix('.'));
        keys.filter(|key| *key != "kind").map(str::to_owned).collect::<Vec<_>>()
    };
    let (operation, delivery) = (within("operation"), within("delivery"));
    let has = |keys: &[String]| keys.iter().any(|key| key.split('.').next() == Some(first));
    match reach {
        _ if has(&delivery) => Ok("delivery"),
        Reach::Plan if has(&operation) => Ok("operation"),
        Reach::Plan if first == "kind" => {
            Err("the operation is what the plan is for; write a plan of the other kind".to_owned())
        }
        Reach::Delivery if has(&operation) || first == "kind" => {
            Err("it is of [operation], and a run that has begun takes new values only for [delivery]"
                .to_owned())
        }
        Reach::Plan | Reach::Delivery => {
            let reachable = operation.iter().filter(|_| reach == Reach::Plan).chain(&delivery);
            let hint = hint(&steps.join("."), reachable.map(String::as_str)).unwrap_or_default();
            let sections = if reach == Reach::Plan { "[operation] or [delivery]" } else { "[delivery]" };
            Err(format!("unknown key {} of {sections}{hint}", named("", &steps.join("."))))
        }
    }
}

fn insert(table: &mut toml::Table, section: &str, steps: &[&str], value: toml::Value) -> Result<(), String> {
    let mut inner = table;
    let Some((last, between)) = steps.split_last() else { return Ok(()) };
    for step in std::iter::once(&section).chain(between) {
        let entry = inner.entry((*step).to_owned()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        inner = entry.as_table_mut().ok_or_else(|| {
            format!("`{}` is a single value and has no `{}`", one_line(step, 60), one_line(last, 60))
        })?;
    }
    inner.insert((*last).to_owned(), value);
    Ok(())
}

/// Datasets as a plan writes them: one as a string, several as a list.
struct WrittenDatasets(Vec<String>);

impl Setting for WrittenDatasets {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        if let Some(name) = node.value().as_str() {
            return Ok(Self(vec![name.to_owned()]));
        }
        match Vec::read(node) {
            Ok(names) if Vec::is_empty(&names) => Err(node.error("must name a file")),
            Ok(names) => Ok(Self(names)),
            Err(_) => Err(node.mistyped("a string or a list of strings")),
        }
    }

    fn write(&self) -> Option<toml::Value> {
        match self.0.as_slice() {
            [] => None,
            [one] => one.write(),
            _ => self.0.write(),
        }
    }
}

/// A dataset's name, or a pattern of such, as seen from where the plan stands.
fn taken_from(directory: &str, dataset: &str) -> String {
    if dataset == "-" || directory.is_empty() || Path::new(dataset).is_absolute() {
        return dataset.to_owned();
    }
    // only the person's own part is a pattern
    let is_pattern = dataset.contains(['*', '?', '[']);
    let directory = if is_pattern { glob::Pattern::escape(directory) } else { directory.to_owned() };
    Path::new(&directory).join(dataset).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
