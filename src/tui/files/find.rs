//! Which files the names and patterns of a new run are, and what is in the first of them.

use std::path::{Path, PathBuf};

use super::peek::{Peek, peek};
use super::{LONGEST, Stamp};
use crate::dataset;
use crate::text::one_line;

/// The files that were found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Each, and how it was.
    pub files: Vec<(PathBuf, Stamp)>,
    /// The first records of the first.
    pub first: Peek,
}

pub(super) fn find(patterns: &[String]) -> Result<Found, String> {
    let sentence = |error: dataset::DatasetError| one_line(&error.to_string(), LONGEST);
    let paths = dataset::expand(patterns, Path::new("/")).map_err(sentence)?;
    let first = paths.first().ok_or_else(|| "no file is named".to_owned())?;
    let first = peek(first)?;
    Ok(Found { files: paths.into_iter().map(|path| (path.clone(), Stamp::of(&path))).collect(), first })
}
