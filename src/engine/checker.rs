//! Checking a record that a person has edited, as the run would before it sends it.
//!
//! That needs no network, and no process that carries the run: what a run has learnt from its platform before its first
//! item is kept in the run's folder, and read from there.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::StartError;
use super::again::checked;
use super::gate::Gate;
use super::start::mapping;
use crate::dataset::map::Mapping;
use crate::files::{self, Use};
use crate::journal::FailureRow;
use crate::model::Reason;
use crate::operation::{self, Operation};
use crate::plan::Plan;

/// What a run has learnt, in its folder.
const LEARNT: &str = "learnt";

/// The most bytes of it that are kept.
const MOST: usize = 4_000_000;

/// The most names of each kind that can be chosen from.
const MOST_NAMES: usize = 1000;

/// The longest name that can be chosen, in characters.
const LONGEST_NAME: usize = 200;

/// Whether the check knows what the run would learn from its platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It does, as it was when the run last began.
    Yes,
    /// It does not: what passes here may be refused when it is sent.
    No,
    /// The run learns nothing.
    NotNeeded,
}

/// Checks edited records as a run would.
pub struct Checker {
    operation: Arc<dyn Operation>,
    mapping: Option<Arc<Mapping>>,
    known: Known,
}

impl std::fmt::Debug for Checker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checker").field("known", &self.known).finish_non_exhaustive()
    }
}

impl Checker {
    /// For a run of this plan, with what is kept in its folder. Reads files.
    ///
    /// # Errors
    ///
    /// The plan's schema or its map cannot be used.
    pub fn of(plan: &Plan, run_folder: &Path) -> Result<Self, StartError> {
        let operation = operation::of(plan)?;
        let known = if operation.preflight().is_none() {
            Known::NotNeeded
        } else if read(run_folder).is_some_and(|learnt| operation.learn(&learnt).is_ok()) {
            Known::Yes
        } else {
            Known::No
        };
        Ok(Self { operation, mapping: mapping(plan)?, known })
    }

    /// Whether it knows what the run would learn from its platform.
    #[must_use]
    pub const fn known(&self) -> Known {
        self.known
    }

    /// Checks what is to be sent in the place of a failure's record: the record, or the array of as many as it held.
    ///
    /// # Errors
    ///
    /// Why it would not be sent, with each place that is wrong.
    pub fn check(&self, failure: &FailureRow, record: &Bytes) -> Result<(), Box<Reason>> {
        let gate = Gate::new(&self.operation, self.mapping.as_ref());
        checked(&gate, failure.position, failure.count, failure.code.as_deref(), record)
            .map(drop)
            .map_err(|refused| Box::new(refused.reason))
    }

    /// The platform's categories, each with what stands under it: what can be chosen, in the platform's order. Names
    /// that can't be shown as they are don't stand in it.
    #[must_use]
    pub fn categories(&self) -> Vec<(String, Vec<String>)> {
        let shown = |name: &String| crate::text::one_line(name, LONGEST_NAME) == *name;
        let mut categories = self.operation.categories();
        categories.retain(|(name, _)| shown(name));
        categories.truncate(MOST_NAMES);
        for (_, under) in &mut categories {
            under.retain(shown);
            under.truncate(MOST_NAMES);
        }
        categories
    }
}

/// Keeps what a run has learnt, for its owner only. What is too much to be kept is left out, and so is what was kept
/// before: it is not true any more.
pub(super) fn keep(run_folder: &Path, learnt: &[u8]) -> io::Result<()> {
    let path = run_folder.join(LEARNT);
    if learnt.len() > MOST {
        return match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let mut file = tempfile::Builder::new().prefix(LEARNT).tempfile_in(run_folder)?;
    file.write_all(learnt)?;
    file.persist(&path).map(drop).map_err(|error| error.error)
}

fn read(run_folder: &Path) -> Option<Vec<u8>> {
    let file = files::open_own(&run_folder.join(LEARNT), Use::Reading).ok()?;
    files::whole(&file, MOST as u64).ok()
}

#[cfg(test)]
mod tests;
