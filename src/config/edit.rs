//! Adding, changing and removing profiles in a configuration that a person wrote: comments, order and spacing stay.
//!
//! What is to be written is read first, as if it were there already, so that no command can leave a configuration
//! behind that the next one refuses. The file is replaced in one step: a crash leaves the old one or the new one.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use toml_edit::{DocumentMut, Item, Key, RawString, Table, TableLike, Value};

use super::document::{Broken, Keys};
use super::profile::{ProfileSettings, validate_name};
use super::{Config, ConfigError, written_profiles};
use crate::files::owner::hold_place;
use crate::text::one_line;

/// Adds a profile to the configuration at `path`, and makes that where there is none (file 0600, directories 0700).
///
/// # Errors
///
/// Where the name is taken, a setting is wrong, or the file can't be read or written; it is then as it was.
pub fn add_profile(path: &Path, name: &str, settings: &ProfileSettings) -> Result<(), ConfigError> {
    hold_to_rules(name, settings)?;
    let (mut document, config) = open(path)?;
    if config.profiles.contains_key(name) {
        return Err(ConfigError::ProfileExists { name: name.to_owned() });
    }

    let mut table = Table::new();
    for (key, value) in values(settings)? {
        table.insert(&key, Item::Value(editable(path, &value)?));
    }
    let profiles = document.entry("profiles").or_insert_with(|| {
        let mut profiles = Table::new();
        profiles.set_implicit(true);
        Item::Table(profiles)
    });
    let profile = if profiles.is_inline_table() {
        Item::Value(table.into_inline_table().into())
    } else {
        Item::Table(table)
    };
    profiles.as_table_like_mut().ok_or_else(|| not_editable(path))?.insert(name, profile);
    replace(path, &document.to_string())
}

/// Changes the profile `was` of the configuration at `path`, and its name where `name` is another one. Comments, order and
/// whatever is the same in both stay as they are written; what the settings leave out is removed. A default profile
/// stays the default under its new name.
///
/// # Errors
///
/// Where there is no such profile, the new name is taken, a setting is wrong, or the file can't be read or written; it
/// is then as it was.
pub fn change_profile(
    path: &Path,
    was: &str,
    name: &str,
    settings: &ProfileSettings,
) -> Result<(), ConfigError> {
    hold_to_rules(name, settings)?;
    let (mut document, config) = open(path)?;
    let before = written_profiles(path)?.remove(was).ok_or_else(|| config.unknown_profile(was))?;
    if name != was && config.profiles.contains_key(name) {
        return Err(ConfigError::ProfileExists { name: name.to_owned() });
    }
    let (before, after) = (values(&before)?, values(settings)?);
    let profiles = document.get_mut("profiles").ok_or_else(|| not_editable(path))?;
    if name != was {
        rename(profiles, was, name).ok_or_else(|| not_editable(path))?;
    }
    let profile = profiles.get_mut(name).and_then(Item::as_table_like_mut);
    let profile = profile.ok_or_else(|| not_editable(path))?;
    for (key, _) in before.iter().filter(|(key, _)| !after.iter().any(|(kept, _)| kept == key)) {
        profile.remove(key);
    }
    for (key, value) in after.iter().filter(|setting| !before.contains(setting)) {
        put(profile, key, editable(path, value)?);
    }
    if config.default_profile.as_deref() == Some(was) {
        put(document.as_table_mut(), "default_profile", name.into());
    }
    replace(path, &document.to_string())
}

fn hold_to_rules(name: &str, settings: &ProfileSettings) -> Result<(), ConfigError> {
    let broken = |broken: Broken| ConfigError::NewProfile {
        name: one_line(name, 64),
        key: one_line(&broken.key, 64),
        rule: broken.rule,
    };
    validate_name(name).map_err(broken)?;
    settings.resolve(name, Path::new("")).map(drop).map_err(broken)
}

fn values(settings: &ProfileSettings) -> Result<Vec<(String, toml::Value)>, ConfigError> {
    let mut settings = settings.clone();
    Ok(Keys::write(|keys| settings.keys(keys))?.values)
}

fn editable(path: &Path, value: &toml::Value) -> Result<Value, ConfigError> {
    value.to_string().parse().map_err(|_| not_editable(path))
}

/// Puts a value in the place of another, with the comments that stand there.
fn put(table: &mut dyn TableLike, key: &str, value: Value) {
    if let Some(Item::Value(there)) = table.get_mut(key) {
        let decor = there.decor().clone();
        *there = value;
        *there.decor_mut() = decor;
    } else {
        table.insert(key, Item::Value(value));
    }
}

/// Gives a profile another name where it stands.
fn rename(profiles: &mut Item, was: &str, name: &str) -> Option<()> {
    let renamed = |key: &Key| {
        Key::new(name).with_leaf_decor(key.leaf_decor().clone()).with_dotted_decor(key.dotted_decor().clone())
    };
    match profiles {
        Item::Table(profiles) => {
            let (key, profile) = profiles.remove_entry(was)?;
            profiles.insert_formatted(&renamed(&key), profile);
        }
        Item::Value(Value::InlineTable(profiles)) => {
            let (key, profile) = profiles.remove_entry(was)?;
            profiles.insert_formatted(&renamed(&key), profile);
        }
        _ => return None,
    }
    Some(())
}

/// Removes a profile from the configuration at `path`, with the comment right above it; where it was the default
/// profile, there is none afterwards. Its secret in the keyring is not touched.
///
/// # Errors
///
/// Where there is no such profile, or the file can't be read or written; it is then as it was.
pub fn remove_profile(path: &Path, name: &str) -> Result<(), ConfigError> {
    let (mut document, config) = open(path)?;
    if !config.profiles.contains_key(name) {
        return Err(config.unknown_profile(name));
    }
    let mut head = String::new();
    if config.default_profile.as_deref() == Some(name) {
        head =
            document.key("default_profile").map(|key| text_of(key.leaf_decor().prefix())).unwrap_or_default();
        document.remove("default_profile");
    }
    let profiles = document.get_mut("profiles").and_then(Item::as_table_like_mut);
    if let Some(Item::Table(removed)) = profiles.and_then(|profiles| profiles.remove(name)) {
        let above = text_of(removed.decor().prefix());
        // what is separated by an empty line speaks of more than this profile
        let kept = above.rfind("\n\n").and_then(|end| above.get(..=end)).unwrap_or_default();
        put_before_next(&mut document, &removed, kept);
    }
    replace(path, &format!("{head}{document}"))
}

fn text_of(raw: Option<&RawString>) -> String {
    raw.and_then(RawString::as_str).unwrap_or_default().to_owned()
}

/// Puts comments that stood above a table where the next one begins, or at the end.
fn put_before_next(document: &mut DocumentMut, removed: &Table, comments: &str) {
    if comments.trim().is_empty() {
        return;
    }
    let after = removed.position().unwrap_or(isize::MAX);
    if let Some(next) = next_position(document.as_table(), after)
        && let Some(table) = table_at(document.as_table_mut(), next)
    {
        let prefix = format!("{comments}{}", text_of(table.decor().prefix()));
        table.decor_mut().set_prefix(prefix);
    } else {
        let trailing = format!("{comments}{}", text_of(Some(document.trailing())));
        document.set_trailing(trailing);
    }
}

fn next_position(table: &Table, after: isize) -> Option<isize> {
    let inner = table.iter().filter_map(|(_, item)| item.as_table());
    let own = table.position().filter(|position| *position > after && !table.is_implicit());
    inner.filter_map(|inner| next_position(inner, after)).chain(own).min()
}

fn table_at(table: &mut Table, position: isize) -> Option<&mut Table> {
    if table.position() == Some(position) && !table.is_implicit() {
        return Some(table);
    }
    table.iter_mut().filter_map(|(_, item)| item.as_table_mut()).find_map(|inner| table_at(inner, position))
}

fn open(path: &Path) -> Result<(DocumentMut, Config), ConfigError> {
    let text = super::read_text(path)?;
    let config = Config::from_text(path, &text)?;
    // its own error would repeat the line, and a line may hold anything
    let document = text.parse::<DocumentMut>().map_err(|_| not_editable(path))?;
    Ok((document, config))
}

fn not_editable(path: &Path) -> ConfigError {
    let source = io::Error::other("it can be read, but not changed in its present form; change it by hand");
    ConfigError::Write { path: path.to_owned(), source }
}

fn replace(path: &Path, text: &str) -> Result<(), ConfigError> {
    Config::from_text(path, text)?;
    hold_place(path)?;
    write_private(path, text.as_bytes())
        .map_err(|source| ConfigError::Write { path: path.to_owned(), source })
}

/// Replaces a file in one step; what it is a link to, where it is a link.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = match fs::canonicalize(path) {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(path)?,
        Err(error) => return Err(error),
    };
    crate::files::hold_to_own(&path)?;
    let directory = path.parent().ok_or_else(|| io::Error::other("it has no directory"))?;
    make_private_directory(directory)?;
    // made 0600 from the start
    let mut file = tempfile::Builder::new().prefix(".config-").suffix(".toml").tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    sync_directory(directory)
}

fn make_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Makes the new name last through a power cut.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
const fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
