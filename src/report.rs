//! What is told of runs: tables for people, CSV and JSON for programs, and a page to be handed on.
//!
//! Every report is a stream: a row is written as it is read from the journal, so that a million failures need no more
//! memory than ten. A report on standard output that nobody reads to its end (`| head`) ends quietly; one in a file is
//! there whole or not at all.

mod cell;
mod failures;
mod format;
mod html;
mod outlet;
mod results;
mod runs;
mod stream;
mod table;
mod words;

#[cfg(test)]
pub(crate) mod bench;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

pub use cell::{json_cell, text_cell};
pub use failures::{write_causes, write_failures};
pub use format::{ExportFormat, ListFormat, TableFormat, UnknownFormat};
pub use html::{Examples, Stance, write_html};
pub use outlet::{Outlet, Over};
pub use results::write_results;
pub(crate) use runs::tally_line;
pub use runs::{Paths, RunReport, write_run, write_runs};
pub use table::{Align, Column, Table};
pub use words::{grouped, local_time, pause_words, records_of, span};

use crate::journal::JournalError;

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Whoever reads it has gone: nothing is wrong with that.
    #[error("the output was closed")]
    Closed,
    /// It could not be written.
    #[error("the report could not be written{}: {source}", place(to.as_deref()))]
    Write {
        /// The file, where it is one.
        to: Option<PathBuf>,
        /// Why.
        source: io::Error,
    },
    /// The place of the file holds something that must not be replaced.
    #[error("the report cannot be written to `{}`: it is no regular file\nhint: name a file that is not there yet", crate::text::one_line(&.0.to_string_lossy(), 512))]
    NotAFile(PathBuf),
    /// The file is there already.
    #[error("there is a file `{}` already\nhint: name one that is not there yet", crate::text::one_line(&.0.to_string_lossy(), 512))]
    There(PathBuf),
}

fn place(to: Option<&std::path::Path>) -> String {
    to.map(|path| format!(" to `{}`", crate::text::one_line(&path.to_string_lossy(), 512)))
        .unwrap_or_default()
}

impl From<io::Error> for ReportError {
    fn from(source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Write { to: None, source }
        }
    }
}
