//! Which files a list of names and patterns means.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern, glob_with};

use super::DatasetError;

/// As a shell does it: `*` passes over hidden files and stops at a directory's end.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The files that names and patterns (`*`, `?`, `[…]`, `**`) stand for, in the order of the list and sorted by name
/// within a pattern. Relative ones stand below `base`. `-` passes through. A file whose name happens to look like a
/// pattern is that file. A pattern takes files only; a directory has to be named to be refused.
///
/// # Errors
/// For a pattern that is none, one that no file fits, a directory that cannot be looked into, and a file that is
/// there twice, under whatever name.
pub fn expand(patterns: &[String], base: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let mut paths = Vec::new();
    let mut known: HashMap<PathBuf, PathBuf> = HashMap::new();
    for pattern in patterns {
        for path in matches(pattern, base)? {
            // links and `..` resolved, so that no file comes in twice under two names
            let real = if path == Path::new("-") {
                path.clone()
            } else {
                std::fs::canonicalize(&path).map_err(|source| nowhere(&path, source))?
            };
            if let Some(first) = known.insert(real, path.clone()) {
                return Err(DatasetError::Twice { path: first, pattern: pattern.clone() });
            }
            paths.push(path);
        }
    }
    Ok(paths)
}

/// Why a path leads to no name: what a shell makes of `<(…)` is a pipe that has none, and yet is there.
fn nowhere(path: &Path, source: io::Error) -> DatasetError {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => DatasetError::NotAFile { path: path.to_owned() },
        _ => DatasetError::of_io(path, source),
    }
}

fn matches(pattern: &str, base: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    if pattern == "-" {
        return Ok(vec![PathBuf::from(pattern)]);
    }
    let plain = base.join(pattern);
    if plain.exists() || !pattern.contains(['*', '?', '[']) {
        return Ok(vec![plain]);
    }
    let refuse = |what: String| DatasetError::Pattern { pattern: pattern.to_owned(), what };
    // the base is a name, whatever characters it has
    let base_text = base
        .to_str()
        .ok_or_else(|| refuse("the directory it is relative to has a name that is not UTF-8".to_owned()))?;
    let below = Path::new(&Pattern::escape(base_text)).join(pattern);
    let found = glob_with(&below.to_string_lossy(), OPTIONS).map_err(|error| refuse(error.to_string()))?;
    let mut paths = Vec::new();
    for path in found {
        let path = path.map_err(|error| {
            let directory = error.path().to_owned();
            DatasetError::of_io(&directory, error.into())
        })?;
        if !path.is_dir() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(DatasetError::NoMatch { pattern: pattern.to_owned(), base: base.to_owned() });
    }
    paths.sort();
    Ok(paths)
}
