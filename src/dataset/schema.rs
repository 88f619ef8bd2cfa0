//! The check of a record against a JSON Schema (draft 2020-12, formats asserted), in words for the people who mend it.
//!
//! This module alone knows the validator: its interface changes often, and its messages are made for programmers and
//! repeat whole records. Ours name the place, the rule and the beginning of what stands there.
//!
//! A schema comes out of a file of a person's own and may lean on files beside it and below. It can't lead elsewhere: no
//! check of a dataset makes a call, or reads what lies outside that folder.
//!
//! The validator sees numbers as 64-bit integers, or as doubles where they are larger. So limits on an integer of more
//! than 19 digits are compared with the nearest double; what is sent is the record as it stands, in any case. A member
//! that stands twice is a violation of its own, because the validator sees only its last one, and the platform may take
//! the first.

mod file;
mod read;
#[cfg(test)]
mod tests;
mod words;

use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ReferencingError, ValidationError, Validator};
use serde_json::Value;
use url::Url;

use crate::model::Violation;
use crate::text::one_line;

/// The one schema that Trunkline brings along.
const INTERACTION: (&str, &str) = ("interaction", include_str!("../../assets/schemas/interaction.json"));
/// The one draft that is taken.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// The most violations that are told of one record.
const MOST: usize = 50;
/// Violations are looked for where one of each value, and of each member that may be missing, by each rule of one place,
/// takes no more than that, in bytes. The validator holds all of them at once, each with the whole way to its value, and
/// copies values where it tells why none of several forms fits.
const ALL_UP_TO: usize = 32 << 20;
/// A record of more levels is checked on a stack of its own: a schema may take many steps for each of them, and the
/// validator calls itself for each.
const DEEP: usize = 24;
const STACK: usize = 32 << 20;
/// How often a pattern may go back and try again. Only patterns with lookaround or references to groups ever do.
const BACKTRACKS: usize = 100_000;
/// The most bytes of a compiled pattern.
const PATTERN_SIZE: usize = 10 << 20;

/// A compiled schema. One of it serves all threads; cloning it copies next to nothing.
#[derive(Debug, Clone)]
pub struct Schema {
    name: String,
    validator: Validator,
    most: file::Most,
}

/// Why there is no [`Schema`]. The messages are safe to be shown.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Neither a built-in schema nor a file.
    #[error(
        "`{name}`: there is no such file, and the only built-in schema is `{}`; name that one or the path of a JSON Schema",
        INTERACTION.0
    )]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The file cannot be read.
    #[error("reading the schema `{path}`: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The file is larger than a schema may be.
    #[error(
        "reading the schema `{path}`: it is over 1 MiB; split it into files beside it, or name the right one"
    )]
    TooLarge {
        /// The file.
        path: String,
    },
    /// The file is not JSON.
    #[error("reading the schema `{path}`: it is no JSON: {reason}")]
    NotJson {
        /// The file.
        path: String,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// It is written for another draft.
    #[error(
        "reading the schema `{path}`: its `$schema` is `{found}`, and only draft 2020-12 is taken; write `{DRAFT}`, or leave it out"
    )]
    Draft {
        /// The file.
        path: String,
        /// What stands there.
        found: String,
    },
    /// A `$ref` leads to something that is not there, or must not be read.
    #[error("the schema `{path}` refers to `{reference}`: {reason}")]
    Reference {
        /// The file.
        path: String,
        /// Where the `$ref` leads.
        reference: String,
        /// Why it is not taken.
        reason: String,
    },
    /// It is no schema, or says what cannot be checked.
    #[error("the schema `{path}` is not sound{}: {reason}", .pointer.as_ref().map_or_else(String::new, |at| format!(" at `{at}`")))]
    Unsound {
        /// The file.
        path: String,
        /// Where in it, as a JSON Pointer; `None` for the whole.
        pointer: Option<String>,
        /// What is wrong there.
        reason: String,
    },
}

impl Schema {
    /// The schema that Trunkline brings along under this name. There is one: `interaction`.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Unknown`] for any other name.
    pub fn built_in(name: &str) -> Result<Self, SchemaError> {
        if name != INTERACTION.0 {
            return Err(SchemaError::Unknown { name: one_line(name, 255) });
        }
        let schema = file::parse(INTERACTION.1.as_bytes(), name)?;
        Self::compile(name, &schema, jsonschema::options().offline(), &Mutex::default())
    }

    /// The schema in a file of at most 1 MiB, with what it refers to in files beside it and below. Reads files, and so
    /// may block.
    ///
    /// # Errors
    ///
    /// A [`SchemaError`] that names the file.
    pub fn load(path: &Path) -> Result<Self, SchemaError> {
        let shown = shown(path);
        let schema = file::parse(&file::read(path, &shown)?, &shown)?;
        let unreadable = |source| SchemaError::Read { path: shown.clone(), source };
        let real = path.canonicalize().map_err(unreadable)?;
        let base =
            Url::from_file_path(&real).map_err(|()| unreadable(io::ErrorKind::InvalidFilename.into()))?;
        let folder = real.parent().unwrap_or(&real).to_owned();
        let beside = Arc::default();
        let options = jsonschema::options()
            .with_base_uri(base.as_str())
            .with_retriever(file::Beside::new(folder, Arc::clone(&beside)));
        Self::compile(&shown, &schema, options, &beside)
    }

    /// A plan's word for a schema: the name of a built-in one, else a path, which is taken from `folder` where it is
    /// relative. A file that is called as a built-in schema is can be named with `./` before it.
    ///
    /// # Errors
    ///
    /// A [`SchemaError`] that names the schema.
    pub fn named_or_file(text: &str, folder: &Path) -> Result<Self, SchemaError> {
        if text == INTERACTION.0 {
            return Self::built_in(text);
        }
        match Self::load(&folder.join(text)) {
            Err(SchemaError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(SchemaError::Unknown { name: one_line(text, 255) })
            }
            other => other,
        }
    }

    /// What the schema is called: the built-in one's name, or the file's path. Safe to be shown.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `beside` tells in the end what the files can say that it leans on.
    fn compile(
        name: &str,
        schema: &Value,
        options: jsonschema::ValidationOptions<'_>,
        beside: &Mutex<file::Most>,
    ) -> Result<Self, SchemaError> {
        let patterns = PatternOptions::fancy_regex().backtrack_limit(BACKTRACKS).size_limit(PATTERN_SIZE);
        let validator = options
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            // A format that nobody checks would let through what the schema's author meant to keep out.
            .should_ignore_unknown_formats(false)
            .with_pattern_options(patterns)
            .build(schema)
            .map_err(|error| unsound(name, &error))?;
        let beside = *beside.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Self { name: name.to_owned(), validator, most: file::Most::of(schema).or(beside) })
    }

    /// Checks one record.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, with places in it; at most 50 violations, and one more that says how many there are
    /// beyond. A missing member is pointed to where it should stand. Of a record of megabytes, or of thousands of values,
    /// it is only told that it does not keep to the schema. What is no JSON, is nested over 127 levels deep or holds a
    /// number beyond every double is one violation of the whole. All texts are single lines, safe to be shown.
    pub fn check(&self, record: &[u8]) -> Result<(), Vec<Violation>> {
        let record =
            read::record(record, self.most).map_err(|reason| vec![Violation::at(String::new(), reason)])?;
        if record.depth <= DEEP {
            return self.judge(&record);
        }
        std::thread::scope(|scope| {
            let on_large_stack = std::thread::Builder::new().stack_size(STACK);
            let judged = on_large_stack.spawn_scoped(scope, || self.judge(&record));
            judged.map(std::thread::ScopedJoinHandle::join).map_or_else(
                |error| Err(vec![Violation::at(String::new(), format!("it could not be checked: {error}"))]),
                |judged| judged.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            )
        })
    }

    fn judge(&self, record: &read::Record) -> Result<(), Vec<Violation>> {
        let read::Record { value, twice: (twice, more), violations, .. } = record;
        let is_valid = self.validator.is_valid(value);
        if twice.is_empty() && is_valid {
            return Ok(());
        }
        let mut told = Told { beyond: *more, ..Told::default() };
        for pointer in twice {
            let subject = words::subject(pointer);
            told.add(pointer, format!("{subject} stands more than once, so nobody knows which one counts"));
        }
        if !is_valid && *violations > ALL_UP_TO {
            let reason = "the record does not keep to the schema; where is not looked for in so large a one";
            told.add("", reason.to_owned());
        } else if !is_valid {
            for error in self.validator.iter_errors(value) {
                words::tell(&error, &mut |pointer, reason| told.add(pointer, reason));
            }
        }
        told.finish()
    }
}

/// The violations of one record, as they come in.
#[derive(Default)]
struct Told {
    violations: Vec<Violation>,
    beyond: usize,
}

impl Told {
    fn add(&mut self, pointer: &str, reason: String) {
        if self.violations.len() == MOST {
            self.beyond += 1;
            return;
        }
        self.violations.push(Violation::at(one_line(pointer, words::POINTER_LENGTH), reason));
    }

    fn finish(mut self) -> Result<(), Vec<Violation>> {
        if self.beyond > 0 {
            let reason = format!("there are {} more violations", self.beyond);
            self.violations.push(Violation::at(String::new(), reason));
        }
        if self.violations.is_empty() { Ok(()) } else { Err(self.violations) }
    }
}

/// What keeps a schema from being compiled.
fn unsound(path: &str, error: &ValidationError<'_>) -> SchemaError {
    let path = path.to_owned();
    if let ValidationErrorKind::Referencing(ReferencingError::Unretrievable { uri, source }) = error.kind() {
        let reason = one_line(&source.to_string(), words::REASON_LENGTH);
        return SchemaError::Reference { path, reference: one_line(uri, 255), reason };
    }
    let pointer = error.instance_path().as_str();
    let pointer = (!pointer.is_empty()).then(|| one_line(pointer, words::POINTER_LENGTH));
    let reason: Cow<'_, str> = match error.kind() {
        ValidationErrorKind::Referencing(error) => error.to_string().into(),
        ValidationErrorKind::Custom { message, .. } => message.into(),
        _ => {
            let mut first = None;
            words::tell(error, &mut |_, reason| {
                first.get_or_insert(reason);
            });
            first.unwrap_or_default().into()
        }
    };
    SchemaError::Unsound { path, pointer, reason: one_line(&reason, words::REASON_LENGTH) }
}

fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy(), 255)
}
