//! A run that this process has, and nobody else: what a person decides of it without sending anything, at the command
//! line or on the board.
//!
//! The run is taken while it is changed, so that nobody carries it out at the same time.

use std::sync::Arc;

use bytes::Bytes;

use super::exit::Stop;
use crate::journal::{Book, Journal, Judgement, RunLock, RunRow, Trouble, Write};
use crate::model::{FailureId, RunState};

/// A run that this process has.
pub(super) struct Taken {
    journal: Journal,
    book: Arc<Book>,
    /// The run, as it was when it was taken.
    pub run: RunRow,
    _lock: RunLock,
}

impl Taken {
    /// Takes the run. Waits a moment where somebody else has it.
    pub(super) fn take(journal: Journal, run: &RunRow) -> Result<Self, Stop> {
        let (book, lock) = journal.take(run)?;
        // what somebody else did between the look and the lock
        let mut run = journal.reader()?.run(&run.id.to_string())?;
        if run.state == RunState::Running {
            // the lock that makes it look so is our own
            run.state = RunState::Paused;
        }
        Ok(Self { journal, book, run, _lock: lock })
    }

    async fn commit(&self, changes: Vec<Write>) -> Result<(), Stop> {
        self.journal.try_commit(&self.book, changes).await.map_err(|trouble| {
            // it is not to be written some day when nobody expects it any more
            self.book.close();
            let Trouble { message, advice, .. } = trouble;
            Stop::refuse(format!("the journal could not be written: {message}\nhint: {advice}"))
        })
    }

    /// Judges the failures, and returns the run's new state where that has changed by it.
    pub(super) async fn judge(
        &self,
        failures: Vec<FailureId>,
        judgement: Judgement,
        by: String,
    ) -> Result<Option<RunState>, Stop> {
        self.commit(vec![Write::Judge { failures, judgement, by }]).await?;
        let state = self.book.counts().judged(self.run.state);
        if state == self.run.state {
            return Ok(None);
        }
        self.commit(vec![Write::State(state)]).await?;
        Ok(Some(state))
    }

    /// Keeps records that a person has edited; none takes an edit back. Refuses where none of them is open any more.
    pub(super) async fn edit(
        &self,
        records: Vec<(FailureId, Option<Bytes>)>,
        by: String,
    ) -> Result<(), Stop> {
        self.commit(vec![Write::Edit { records: records.clone(), by }]).await?;
        let reader = self.journal.reader()?;
        for (id, new) in records {
            let row = reader.failure(&self.run, id)?;
            let stands =
                row.is_some_and(|row| new.map_or(!row.edited, |new| row.record.as_deref() == Some(&new)));
            if stands {
                return Ok(());
            }
        }
        Err(Stop::refuse("it is open no more: it was delivered or closed meanwhile"))
    }

    /// Refuses a run of which nothing is left that could be cancelled.
    pub(super) fn refuse_over(&self) -> Result<(), Stop> {
        if !self.run.state.is_over() {
            return Ok(());
        }
        Err(Stop::refuse(format!(
            "run {} is `{}` already: there is nothing to cancel",
            self.run.id.prefix(),
            self.run.state
        )))
    }

    /// Ends the run for good.
    pub(super) async fn cancel(&self, by: &str) -> Result<(), Stop> {
        self.commit(vec![Write::cancelled(by), Write::State(RunState::Cancelled)]).await
    }
}
