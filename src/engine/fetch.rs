//! Getting the result of a remote job: into a file of the run's folder, and its rows into the journal.

use std::path::PathBuf;

use bytes::Bytes;

use super::access::Brought;
use super::carry::Shared;
use super::faults;
use crate::journal::Write;
use crate::machine;
use crate::model::{Fault, Reason, Seq, Stage};
use crate::pacing::Leave;
use crate::platform::{Download, FetchError, Site, Token};

/// Rows that are written at once: a result may refuse a million.
const ROWS_AT_ONCE: usize = 500;

/// What became of getting a result.
pub(super) enum Fetched {
    /// It is here, and this is kept of it.
    Read(Bytes),
    /// It can't be had, and trying again changes nothing.
    Refused(Box<Reason>),
    /// It can't be kept here.
    Fault(Box<Fault>),
    /// An answer, or none, for the decision table.
    Brought(Box<Brought>),
}

impl Shared {
    /// Gets an item's result from where the platform says it is. Leave is needed where that is the platform itself.
    pub(super) async fn fetch(&self, item: Seq, url: &str, token: &Token, leave: Leave) -> Fetched {
        let folder = match self.results_folder() {
            Ok(folder) => folder,
            Err(error) => return Fetched::Fault(Box::new(faults::disk_for_now(&error.to_string()))),
        };
        let into = folder.join(item.to_string());
        let patience = self.plan.delivery.timeout.base;
        let download = Download { url, into: &into, most: Download::MOST, patience };
        let traffic = &self.book.traffic.requests;
        match self.access.transport.fetch(&download, token).await {
            Ok(fetched) => {
                if fetched.site == Site::Api {
                    traffic.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
                drop(leave);
                self.read_result(item, into).await
            }
            Err(FetchError::Refused { message }) => refused(message),
            Err(FetchError::File { path, reason }) => {
                Fetched::Fault(Box::new(faults::disk_for_now(&format!("writing `{path}`: {reason}"))))
            }
            Err(FetchError::Call(error)) => Fetched::Brought(Box::new(self.access.hear(Err(error), None))),
            Err(FetchError::Status { answer, site: Site::Api, .. }) => {
                traffic.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let mut brought = self.access.hear(Ok(*answer), Some(leave));
                if let Some(change) = brought.change.take() {
                    self.tell(change).await;
                }
                Fetched::Brought(Box::new(brought))
            }
            Err(FetchError::Status { answer, site: Site::Elsewhere, host }) => match answer.status {
                // another site has never seen the token, and knows nothing of our scopes
                status @ (401 | 403) => {
                    refused(format!("getting the result from `{host}`: it answered {status}"))
                }
                _ => Fetched::Brought(Box::new(self.access.hear(Ok(*answer), None))),
            },
        }
    }

    fn results_folder(&self) -> std::io::Result<PathBuf> {
        let folder = self.journal.run_folder(self.run).map_err(std::io::Error::other)?.join("results");
        crate::files::hold_to_own_folder(&folder).map_err(|error| {
            let shown = crate::text::one_line(&folder.to_string_lossy(), 300);
            std::io::Error::new(error.kind(), format!("`{shown}`: {error}"))
        })?;
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder)?;
        Ok(folder)
    }

    /// Reads a result that is here, a few rows at a time.
    async fn read_result(&self, item: Seq, file: PathBuf) -> Fetched {
        let operation = std::sync::Arc::clone(&self.operation);
        let (journal, book) = (self.journal.clone(), std::sync::Arc::clone(&self.book));
        let read = machine::off_thread(move || {
            let mut rows = Vec::new();
            let mut first = 1;
            let kept = operation.read_result(&file, &mut |reason| {
                rows.push(reason);
                if rows.len() >= ROWS_AT_ONCE {
                    let rows = std::mem::take(&mut rows);
                    let count = rows.len() as u64;
                    journal.commit_blocking(&book, vec![Write::Rows { seq: item, first, rows }]);
                    first += count;
                }
            });
            if kept.is_ok() {
                journal.commit_blocking(&book, Write::last_rows(item, first, rows));
            }
            kept
        });
        match read.await {
            Ok(Ok(kept)) => Fetched::Read(kept),
            Ok(Err(error)) => Fetched::Fault(Box::new(faults::disk_for_now(&error.to_string()))),
            Err(error) => {
                tracing::error!(%error, "reading a result broke");
                refused("reading the result broke off: an internal error".to_owned())
            }
        }
    }
}

fn refused(message: String) -> Fetched {
    Fetched::Refused(Box::new(Reason {
        stage: Stage::Result,
        status: None,
        code: Some("result.refused".to_owned()),
        message,
        violations: Vec::new(),
    }))
}
