//! One way to read, and to write, every TOML document that a person types: the configuration and the plan.
//!
//! A settings struct lists its keys once, through [`Keys`]. That one list reads them, writes them back and knows their
//! names, so that a key can't be read under one name and suggested under another. The walk goes over the parsed
//! document with its spans instead of through serde, because a person is owed the exact line of every mistake, and
//! serde loses it in tagged and optional parts.
//!
//! A message here repeats names of keys and words that should have been one of a short list, and no other value: it
//! may be a secret in the wrong place.

use std::fmt;
use std::fs::Metadata;
use std::io;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::hint;
use crate::files;
use crate::text::one_line;

/// The largest document, in bytes: what is larger was written by nobody, and a parser takes many times its room.
const LARGEST: u64 = 1 << 20;

/// Reads a document's text, and what stands of its file in the file system.
///
/// # Errors
///
/// It can't be read, is no regular file or no text, or is far too large for anything that a person typed.
pub(crate) fn read_file(path: &Path) -> io::Result<(String, Metadata)> {
    let file = files::open(path)?;
    let metadata = file.metadata()?;
    let bytes = files::whole(&file, LARGEST).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => io::Error::other("it is over 1 MiB, and so nothing that was typed"),
        _ => error,
    })?;
    let text = String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))?;
    Ok((text, metadata))
}

/// What is wrong in a document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentError {
    origin: String,
    place: Option<(usize, usize)>,
    message: String,
}

impl DocumentError {
    /// Line and column, both from 1, the column in characters; `None` where nothing stands in the document to point
    /// at, such as for a key that is missing.
    #[must_use]
    pub const fn place(&self) -> Option<(usize, usize)> {
        self.place
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.origin, self.message),
            None => write!(f, "{}: {}", self.origin, self.message),
        }
    }
}

impl std::error::Error for DocumentError {}

/// A setting that breaks a rule: the key under which it stands in its section, dotted where it is nested, and what it
/// must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) key: String,
    pub(crate) rule: String,
}

impl Broken {
    pub(crate) fn new(key: &str, rule: impl Into<String>) -> Self {
        Self { key: key.to_owned(), rule: rule.into() }
    }
}

/// Where a document's text came from, and the text, so that a place in it can be told.
#[derive(Debug)]
pub(crate) struct Source<'t> {
    origin: String,
    text: Option<&'t str>,
}

impl<'t> Source<'t> {
    /// A file that a person wrote.
    pub(crate) fn file(path: &Path, text: &'t str) -> Self {
        Self { origin: one_line(&path.to_string_lossy(), 300), text: Some(text) }
    }

    /// Something whose lines mean nothing to a person, such as `--set workers`.
    pub(crate) fn unplaced(origin: &str) -> Self {
        Self { origin: one_line(origin, 100), text: None }
    }

    pub(crate) fn error(&self, span: Option<Range<usize>>, message: impl Into<String>) -> DocumentError {
        let place = self.text.zip(span).map(|(text, span)| place(text, span.start));
        DocumentError { origin: self.origin.clone(), place, message: message.into() }
    }
}

fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// A parsed document.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    source: Source<'t>,
    root: DeTable<'t>,
}

impl<'t> Document<'t> {
    pub(crate) fn parse(source: Source<'t>, text: &'t str) -> Result<Self, DocumentError> {
        match DeTable::parse(text) {
            Ok(root) => Ok(Self { source, root: root.into_inner() }),
            Err(error) => Err(source.error(error.span(), error.message())),
        }
    }

    /// Reads the whole document: what `visit` does not name is refused.
    pub(crate) fn read(
        &self,
        visit: impl FnOnce(&mut Keys<'_>) -> Result<(), DocumentError>,
    ) -> Result<(), DocumentError> {
        read_table(&self.source, &self.root, String::new(), visit).map(drop)
    }

    /// The error for a setting that was read and breaks a rule, pointing at its value.
    pub(crate) fn broken(&self, section: &[&str], broken: &Broken) -> DocumentError {
        let mut span = None;
        let mut table = Some(&self.root);
        for step in section.iter().copied().chain(broken.key.split('.')) {
            let Some(value) = table.and_then(|table| table.get(step)) else { break };
            span = Some(value.span());
            table = value.get_ref().as_table();
        }
        self.source.error(span, format!("{} {}", named(&section.join("."), &broken.key), broken.rule))
    }
}

/// Names a key to a person.
pub(crate) fn named(section: &str, key: &str) -> String {
    let key = one_line(key, 60);
    if section.is_empty() { format!("`{key}`") } else { format!("`{key}` in [{}]", one_line(section, 80)) }
}

/// A value that can stand in a document. `read` and `write` are each other's inverse.
pub(crate) trait Setting: Sized {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError>;

    /// `None` where the key is left out.
    fn write(&self) -> Option<toml::Value>;
}

/// A value as it stands in a document.
pub(crate) struct Node<'d> {
    source: &'d Source<'d>,
    section: &'d str,
    name: &'d str,
    value: &'d Spanned<DeValue<'d>>,
}

impl<'d> Node<'d> {
    pub(crate) fn value(&self) -> &'d DeValue<'d> {
        self.value.get_ref()
    }

    /// Where this value stands, for a person: file, line and column.
    pub(crate) fn place(&self) -> String {
        let error = self.source.error(Some(self.value.span()), "");
        error.to_string().trim_end_matches([':', ' ']).to_owned()
    }

    /// An error at this value: the key's name, then `rule`, such as *must be …*.
    pub(crate) fn error(&self, rule: &str) -> DocumentError {
        self.source.error(Some(self.value.span()), format!("{} {rule}", named(self.section, self.name)))
    }

    /// An error for a value of the wrong type.
    pub(crate) fn mistyped(&self, wanted: &str) -> DocumentError {
        self.error(&format!("must be {wanted}, not {}", type_in_words(self.value())))
    }

    /// The members of a list, each to be read by itself.
    pub(crate) fn members(&self, wanted: &str) -> Result<Vec<Node<'d>>, DocumentError> {
        let list = self.value().as_array().ok_or_else(|| self.mistyped(wanted))?;
        Ok(list.iter().map(|value| Node { value, ..*self }).collect())
    }

    /// The entries of a table whose keys are anyone's choice.
    pub(crate) fn entries(&self) -> Result<Vec<Node<'_>>, DocumentError> {
        let table = self.value().as_table().ok_or_else(|| self.mistyped("a table"))?;
        Ok(table.iter().map(|(name, value)| Node { name: name.get_ref(), value, ..*self }).collect())
    }

    pub(crate) fn name(&self) -> &'d str {
        self.name
    }

    /// Reads a table whose keys are ours.
    pub(crate) fn keys(
        &self,
        visit: impl FnOnce(&mut Keys<'_>) -> Result<(), DocumentError>,
    ) -> Result<Vec<String>, DocumentError> {
        let table = self.value().as_table().ok_or_else(|| self.mistyped("a table"))?;
        read_table(self.source, table, self.path(), visit)
    }

    /// The name of the table that this node is.
    pub(crate) fn path(&self) -> String {
        joined(self.section, self.name)
    }

    /// The same value, told as standing in `section`.
    pub(crate) fn within<'n>(&'n self, section: &'n str) -> Node<'n> {
        Node { section, ..*self }
    }
}

fn joined(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

const fn type_in_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn read_table(
    source: &Source<'_>,
    table: &DeTable<'_>,
    section: String,
    visit: impl FnOnce(&mut Keys<'_>) -> Result<(), DocumentError>,
) -> Result<Vec<String>, DocumentError> {
    let mut keys =
        Keys { section, known: Vec::new(), aliases: Vec::new(), way: Way::Reading { source, table } };
    visit(&mut keys)?;
    keys.refuse_unknown()?;
    Ok(keys.known)
}

/// The keys of one table: named once, read or written.
pub(crate) struct Keys<'d> {
    section: String,
    known: Vec<String>,
    aliases: Vec<(&'static str, &'static str)>,
    way: Way<'d>,
}

enum Way<'d> {
    Reading { source: &'d Source<'d>, table: &'d DeTable<'d> },
    Writing(Vec<(String, toml::Value)>),
}

/// What a settings struct is as a table: its values in the order in which it names its keys, and all the names.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) values: Vec<(String, toml::Value)>,
    /// Dotted where they are nested; those without a value, too.
    pub(crate) known: Vec<String>,
    /// Second names of keys, and the first ones.
    pub(crate) aliases: Vec<(&'static str, &'static str)>,
}

impl Keys<'_> {
    /// Writes what `visit` names.
    pub(crate) fn write(
        visit: impl FnOnce(&mut Keys<'_>) -> Result<(), DocumentError>,
    ) -> Result<Written, DocumentError> {
        let mut keys = Keys {
            section: String::new(),
            known: Vec::new(),
            aliases: Vec::new(),
            way: Way::Writing(Vec::new()),
        };
        visit(&mut keys)?;
        let values = match keys.way {
            Way::Writing(values) => values,
            Way::Reading { .. } => Vec::new(),
        };
        Ok(Written { values, known: keys.known, aliases: keys.aliases })
    }

    /// A key. Where it doesn't stand in the document, `slot` keeps what it holds.
    pub(crate) fn key<T: Setting>(&mut self, name: &str, slot: &mut T) -> Result<(), DocumentError> {
        self.known.push(name.to_owned());
        match &mut self.way {
            Way::Reading { source, table } => {
                if let Some(value) = table.get(name) {
                    *slot = T::read(&Node { source, section: &self.section, name, value })?;
                }
            }
            Way::Writing(values) => values.extend(slot.write().map(|value| (name.to_owned(), value))),
        }
        Ok(())
    }

    /// A key that must stand in the document; `wanted` says what it is.
    pub(crate) fn required<T: Setting>(
        &mut self,
        name: &str,
        wanted: &str,
        slot: &mut T,
    ) -> Result<(), DocumentError> {
        if let Way::Reading { source, table } = &self.way
            && !table.contains_key(name)
        {
            if let Some((near, _)) = table.iter().find(|(key, _)| hint(key.get_ref(), [name]).is_some()) {
                return Err(self.unknown(source, near, &[name.to_owned()]));
            }
            let message = format!("{} is missing: {wanted}", named(&self.section, name));
            return Err(source.error(None, message));
        }
        self.key(name, slot)
    }

    /// A second name under which a key may stand as well; written under its first.
    pub(crate) fn alias<T: Setting>(
        &mut self,
        alias: &'static str,
        name: &'static str,
        slot: &mut T,
    ) -> Result<(), DocumentError> {
        self.aliases.push((alias, name));
        if let Way::Reading { source, table } = &self.way {
            if let (Some((key, _)), true) = (table.get_key_value(alias), table.contains_key(name)) {
                let message =
                    format!("{} is `{name}` by another name; give one of them", named(&self.section, alias));
                return Err(source.error(Some(key.span()), message));
            }
            return self.key(alias, slot);
        }
        self.known.push(alias.to_owned());
        Ok(())
    }

    /// A table in this one.
    pub(crate) fn section(
        &mut self,
        name: &str,
        visit: impl FnOnce(&mut Keys<'_>) -> Result<(), DocumentError>,
    ) -> Result<(), DocumentError> {
        let inner = match &mut self.way {
            Way::Reading { source, table } => {
                if let Some(value) = table.get(name) {
                    Node { source, section: &self.section, name, value }.keys(visit)?
                } else {
                    read_table(source, &DeTable::new(), joined(&self.section, name), visit)?
                }
            }
            Way::Writing(values) => {
                let inner = Keys::write(visit)?;
                let table = inner.values.into_iter().collect::<toml::Table>();
                values.push((name.to_owned(), toml::Value::Table(table)));
                self.aliases.extend(inner.aliases);
                inner.known
            }
        };
        self.known.extend(inner.iter().map(|key| joined(name, key)));
        Ok(())
    }

    fn refuse_unknown(&self) -> Result<(), DocumentError> {
        let Way::Reading { source, table } = &self.way else { return Ok(()) };
        let firsts: Vec<String> =
            self.known.iter().map(|key| key.split('.').next().unwrap_or(key).to_owned()).collect();
        let strange = table.keys().filter(|key| !firsts.iter().any(|known| known == key.get_ref()));
        match strange.min_by_key(|key| key.span().start) {
            Some(key) => Err(self.unknown(source, key, &firsts)),
            None => Ok(()),
        }
    }

    fn unknown(
        &self,
        source: &Source<'_>,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        known: &[String],
    ) -> DocumentError {
        let hint = hint(key.get_ref(), known.iter().map(String::as_str));
        let message = if hint.is_none() && names_a_secret(key.get_ref()) {
            format!("{}: {NO_SECRET_HERE}", named(&self.section, key.get_ref()))
        } else {
            format!("unknown key {}{}", named(&self.section, key.get_ref()), hint.unwrap_or_default())
        };
        source.error(Some(key.span()), message)
    }
}

/// What is said where a secret, or what looks like one, stands in a document.
pub(crate) const NO_SECRET_HERE: &str = "a secret never stands in this file; say where it is instead, with `secret = \
     { keyring = true }`, `{ env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ command = [\"PROGRAM\", \"ARGUMENT\"] }` \
     in the profile, or in the same way with `password` in [store]";

fn names_a_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["secret", "passw", "token", "api_key", "private_key", "credential"].iter().any(|part| key.contains(part))
}
