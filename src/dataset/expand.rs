//! Which files a list of names and patterns means.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::DatasetError;
use crate::text::one_line;

/// As a shell does it: `*` passes over hidden files and stops at a directory's end.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The most `**` in a pattern, those that follow each other being one.
const MOST_DEEP: usize = 4;

/// The files that names and patterns (`*`, `?`, `[…]`, `**`) stand for, in the order of the list and sorted by name
/// within a pattern. Relative ones stand below `base`. `-` passes through. A file whose name happens to look like a
/// pattern is that file. A pattern takes files only; a directory has to be named to be refused.
///
/// # Errors
/// For a pattern that is none, one that no file fits, a directory that cannot be looked into or holds a name that is not
/// UTF-8, and a file that is there twice, under whatever name.
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
    Pattern::new(pattern).map_err(|error| refuse(error.to_string()))?;
    let (from, pattern_below) = match pattern.strip_prefix('/') {
        Some(below) => (Path::new("/"), below),
        None => (base, pattern),
    };
    let parts: Vec<&str> = pattern_below.split('/').filter(|part| !part.is_empty()).collect();
    // each of them looks through all that the ones before it have found
    if parts.chunk_by(|one, next| one == next).filter(|alike| alike.first() == Some(&"**")).count()
        > MOST_DEEP
    {
        return Err(refuse(format!("it has more than {MOST_DEEP} `**`: name the folders between them")));
    }
    let mut walk = Walk { paths: BTreeSet::new(), unreadable: None };
    walk.below(from, &parts)?;
    if let Some(folder) = walk.unreadable {
        let folder = one_line(&folder.to_string_lossy(), 300);
        return Err(refuse(format!(
            "`{folder}` holds a name that is not UTF-8, so nobody can tell whether it is meant: rename that file"
        )));
    }
    if walk.paths.is_empty() {
        return Err(DatasetError::NoMatch { pattern: pattern.to_owned(), base: base.to_owned() });
    }
    Ok(walk.paths.into_iter().collect())
}

/// The files that were found, in the order of their names.
struct Walk {
    paths: BTreeSet<PathBuf>,
    /// A folder with a name that no pattern can be held to.
    unreadable: Option<PathBuf>,
}

impl Walk {
    /// Looks for what the parts of a pattern mean below a folder.
    fn below(&mut self, folder: &Path, parts: &[&str]) -> Result<(), DatasetError> {
        let Some((first, rest)) = parts.split_first() else { return Ok(()) };
        if *first == "**" {
            // any folders, or none: several in a row mean no more than one
            let next = rest.iter().position(|part| *part != "**");
            let rest = next.and_then(|at| rest.get(at..)).unwrap_or(&["*"]);
            self.below(folder, rest)?;
            let parts: Vec<&str> = std::iter::once(first).chain(rest).copied().collect();
            return self.each(folder, |walk, path, name| {
                // a link to a folder above would have no end
                let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
                if is_folder && !name.starts_with('.') { walk.below(&path, &parts) } else { Ok(()) }
            });
        }
        if !first.contains(['*', '?', '[']) {
            let path = folder.join(first);
            return self.take(path, rest);
        }
        let Ok(pattern) = Pattern::new(first) else { return Ok(()) };
        self.each(
            folder,
            |walk, path, name| {
                if pattern.matches_with(name, OPTIONS) { walk.take(path, rest) } else { Ok(()) }
            },
        )
    }

    fn take(&mut self, path: PathBuf, rest: &[&str]) -> Result<(), DatasetError> {
        match (path.is_dir(), rest.is_empty()) {
            (true, false) => self.below(&path, rest),
            (false, true) if path.symlink_metadata().is_ok() => {
                self.paths.insert(path);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Goes through the names in a folder.
    fn each(
        &mut self,
        folder: &Path,
        mut take: impl FnMut(&mut Self, PathBuf, &str) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        let failed = |source| DatasetError::of_io(folder, source);
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            match entry.file_name().to_str() {
                Some(name) => take(self, entry.path(), name)?,
                None => self.unreadable = Some(folder.to_owned()),
            }
        }
        Ok(())
    }
}
