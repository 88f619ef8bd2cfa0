//! A schema's files: the one that a person named, and those that it leans on, which lie in its folder or below.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::{Retrieve, Uri};
use serde_json::Value;
use url::Url;

use super::{DRAFT, SchemaError};
use crate::text::one_line;

/// The most bytes of one file.
const MOST_BYTES: u64 = 1 << 20;

/// Reads a file that is no larger than a schema may be.
pub(super) fn read(path: &Path, shown: &str) -> Result<Vec<u8>, SchemaError> {
    crate::files::read(path, MOST_BYTES).map_err(|source| match source.kind() {
        io::ErrorKind::FileTooLarge => SchemaError::TooLarge { path: shown.to_owned() },
        _ => SchemaError::Read { path: shown.to_owned(), source },
    })
}

/// What a schema can say of one value at the most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Most {
    /// Members that it requires of one object.
    pub(super) required: usize,
    /// Rules that it holds one value to in one place: each of several forms tells why it does not fit.
    pub(super) rules: usize,
}

impl Most {
    pub(super) fn of(schema: &Value) -> Self {
        let mut most = Self::default();
        most.look_into(schema);
        most
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self { required: self.required.max(other.required), rules: self.rules.max(other.rules) }
    }

    /// Looks into a part of it, and says how many rules that holds one value to.
    fn look_into(&mut self, schema: &Value) -> usize {
        match schema {
            Value::Array(list) => list.iter().map(|part| self.look_into(part)).sum(),
            Value::Object(members) => {
                let mut rules = 1;
                for (name, part) in members {
                    let within = self.look_into(part);
                    rules += match name.as_str() {
                        "allOf" | "anyOf" | "oneOf" | "not" | "if" | "then" | "else" => within,
                        "patternProperties" | "dependentSchemas" => {
                            part.as_object().map_or(0, serde_json::Map::len)
                        }
                        _ => 0,
                    };
                    if name == "required" {
                        self.required = self.required.max(part.as_array().map_or(0, Vec::len));
                    }
                }
                self.rules = self.rules.max(rules);
                rules
            }
            _ => 0,
        }
    }
}

/// Parses a schema's text, and sees that it is written for our draft.
pub(super) fn parse(text: &[u8], shown: &str) -> Result<Value, SchemaError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let schema: Value = serde_json::from_slice(text).map_err(|error| SchemaError::NotJson {
        path: shown.to_owned(),
        reason: one_line(&error.to_string(), 256),
    })?;
    match schema.get("$schema") {
        None => Ok(schema),
        Some(Value::String(draft)) if draft.strip_suffix('#').unwrap_or(draft) == DRAFT => Ok(schema),
        Some(other) => {
            let found = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            Err(SchemaError::Draft { path: shown.to_owned(), found: one_line(&found, 255) })
        }
    }
}

/// Hands the validator the files of one folder and of those below it, and nothing else.
pub(super) struct Beside {
    /// Without symbolic links, so that nothing below it can lead out unseen.
    folder: PathBuf,
    /// What one of them can say at the most.
    most: Arc<Mutex<Most>>,
}

impl Beside {
    pub(super) fn new(folder: PathBuf, most: Arc<Mutex<Most>>) -> Self {
        Self { folder, most }
    }
}

impl Retrieve for Beside {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let path = Url::parse(uri.as_str()).ok().filter(|url| url.scheme() == "file");
        let path = path.and_then(|url| url.to_file_path().ok()).ok_or(
            "only files in the schema's own folder or below it are read, and nothing is fetched from elsewhere; \
             put a copy beside the schema, and mind that its `$id` is what a relative `$ref` starts from",
        )?;
        let real = path.canonicalize()?;
        if !real.starts_with(&self.folder) {
            return Err("it lies outside the schema's own folder; put a copy beside the schema".into());
        }
        let shown = super::shown(&real);
        let schema = parse(&read(&real, &shown)?, &shown)?;
        let mut most = self.most.lock().unwrap_or_else(PoisonError::into_inner);
        *most = most.or(Most::of(&schema));
        Ok(schema)
    }
}
