//! `dismiss`, `reopen`, `cancel`: what a person decides of failures and of a run, without sending anything.
//!
//! The run is taken while it is changed, so that nobody carries it out at the same time.

use std::io::{self, Write};
use std::sync::Arc;

use super::args::{DismissArgs, FilterFlags, ReopenArgs};
use super::exit::{Exit, Stop};
use super::{House, person};
use crate::journal::{Book, Journal, Judgement, RunLock, RunRow, Write as Change};
use crate::model::{FailureState, RunState, Seq};
use crate::report::records_of;
use crate::text::one_line;

/// The longest note, in characters.
const LONGEST_NOTE: usize = 2000;

pub(super) async fn dismiss(house: &House, args: DismissArgs) -> Result<Exit, Stop> {
    let note = one_line(&args.note, LONGEST_NOTE);
    if note.is_empty() {
        return Err(Stop::refuse(
            "the note is empty\nhint: say why the failures are closed, as `--note \"merged by hand\"`",
        ));
    }
    judge(house, &args.run, &args.filter, Judgement::Dismiss(note)).await
}

pub(super) async fn reopen(house: &House, args: ReopenArgs) -> Result<Exit, Stop> {
    judge(house, &args.run, &args.filter, Judgement::Reopen).await
}

async fn judge(house: &House, run: &str, flags: &FilterFlags, judgement: Judgement) -> Result<Exit, Stop> {
    let filter = flags.filter()?;
    let reader = house.reader_of(run)?;
    let by = person(&house.config()?);
    let taken = Taken::take(house, &reader.run(run)?)?;
    let (states, done): (&[FailureState], _) = match &judgement {
        Judgement::Dismiss(_) => (&[FailureState::Failed, FailureState::Invalid], "closed"),
        Judgement::Reopen => (&[FailureState::Dismissed], "reopened"),
    };
    // only now, that nobody else can change them
    let items = reader.items_of_failures(&taken.run, &filter, states)?;
    if items.is_empty() {
        say(&format!("no failure of run {} matches: nothing was {done}", taken.run.id.prefix()))?;
        return Ok(Exit::Done);
    }
    let count = items.len() as u64;
    let state = taken.judge(items, judgement, by).await;
    let failures = records_of(count, "failure", "failures");
    let state = state.map(|state| format!("; the run is now `{state}`")).unwrap_or_default();
    say(&format!("{failures} of run {} {done}{state}", taken.run.id.prefix()))?;
    Ok(Exit::Done)
}

pub(super) async fn cancel(house: &House, run: &str) -> Result<Exit, Stop> {
    let reader = house.reader_of(run)?;
    let by = person(&house.config()?);
    let taken = Taken::take(house, &reader.run(run)?)?;
    let name = taken.run.id.prefix();
    if taken.run.state.is_over() {
        return Err(Stop::refuse(format!(
            "run {name} is `{}` already: there is nothing to cancel",
            taken.run.state
        )));
    }
    let note =
        Change::Note { kind: "act", delay_ms: None, reason: None, text: format!("{by}: cancelled the run") };
    taken.commit(vec![note, Change::State(RunState::Cancelled)]).await;
    let pending = records_of(taken.run.records.pending, "record stays", "records stay");
    say(&format!("run {name} is cancelled; {pending} pending"))?;
    Ok(Exit::Done)
}

fn say(line: &str) -> Result<(), Stop> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// A run that this process has, and nobody else.
struct Taken {
    journal: Journal,
    book: Arc<Book>,
    run: RunRow,
    _lock: RunLock,
}

impl Taken {
    fn take(house: &House, run: &RunRow) -> Result<Self, Stop> {
        let journal = Journal::open(&house.places.data_dir)?;
        let (book, lock) = journal.take(run)?;
        // what somebody else did between the look and the lock
        let mut run = journal.reader()?.run(&run.id.to_string())?;
        if run.state == RunState::Running {
            // the lock that makes it look so is our own
            run.state = RunState::Paused;
        }
        Ok(Self { journal, book, run, _lock: lock })
    }

    async fn commit(&self, changes: Vec<Change>) {
        self.journal.commit(&self.book, changes).await;
    }

    /// Judges the failures, and returns the run's new state where that has changed by it.
    async fn judge(&self, items: Vec<Seq>, judgement: Judgement, by: String) -> Option<RunState> {
        self.commit(vec![Change::Judge { items, judgement, by }]).await;
        let open = self.book.counts().items.open();
        let state = match self.run.state {
            RunState::CompletedWithFailures if open == 0 => RunState::Completed,
            RunState::Completed if open > 0 => RunState::CompletedWithFailures,
            _ => return None,
        };
        self.commit(vec![Change::State(state)]).await;
        Some(state)
    }
}
