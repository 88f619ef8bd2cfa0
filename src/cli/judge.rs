//! `dismiss`, `reopen`, `cancel`: what a person decides of failures and of a run, without sending anything.
//!
//! The run is taken while it is changed, so that nobody carries it out at the same time.

use std::io::{self, Write};
use std::sync::Arc;

use super::args::{DismissArgs, FilterFlags, ReopenArgs};
use super::exit::{Exit, Stop};
use super::question::{self, Asking, Sendoff, can_ask};
use super::{House, person};
use crate::headless::Signals;
use crate::journal::{Book, Journal, Judgement, RunLock, RunRow, Write as Change};
use crate::model::{FailureId, FailureState, RunState};
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
    judge(house, &args.run, &args.filter, Judgement::Dismiss(note), Asking::unless(args.yes)).await
}

pub(super) async fn reopen(house: &House, args: ReopenArgs) -> Result<Exit, Stop> {
    // what it does, `dismiss` undoes
    judge(house, &args.run, &args.filter, Judgement::Reopen, Asking::Unwanted).await
}

async fn judge(
    house: &House,
    run: &str,
    flags: &FilterFlags,
    judgement: Judgement,
    asking: Asking,
) -> Result<Exit, Stop> {
    let filter = flags.filter()?;
    let reader = house.reader_of(run)?;
    let by = person(&house.config()?);
    let taken = Taken::take(house, &reader.run(run)?)?;
    let (states, done): (&[FailureState], _) = match &judgement {
        Judgement::Dismiss(_) => (&[FailureState::Failed, FailureState::Invalid], "closed"),
        Judgement::Reopen => (&[FailureState::Dismissed], "reopened"),
    };
    // only now, that nobody else can change them
    let failures = reader.failures_in(&taken.run, &filter, states)?;
    if failures.is_empty() {
        say(&format!("no failure of run {} matches: nothing was {done}", taken.run.id.prefix()))?;
        return Ok(Exit::Done);
    }
    let count = failures.len() as u64;
    if count > 1 {
        let what =
            format!("close {} of run {} on", records_of(count, "failure", "failures"), taken.run.id.prefix());
        ask(&taken.run, what, count, asking).await?;
    }
    let state = taken.judge(failures, judgement, by).await;
    let told = records_of(count, "failure", "failures");
    let state = state.map(|state| format!("; the run is now `{state}`")).unwrap_or_default();
    say(&format!("{told} of run {} {done}{state}", taken.run.id.prefix()))?;
    Ok(Exit::Done)
}

pub(super) async fn cancel(house: &House, run: &str, asking: Asking) -> Result<Exit, Stop> {
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
    let pending = taken.run.records.pending;
    let left = records_of(pending, "record that is pending", "records that are pending");
    ask(&taken.run, format!("cancel run {name} for good, with {left}, on"), pending, asking).await?;
    let note =
        Change::Note { kind: "act", delay_ms: None, reason: None, text: format!("{by}: cancelled the run") };
    taken.commit(vec![note, Change::State(RunState::Cancelled)]).await;
    let pending = records_of(pending, "record stays", "records stay");
    say(&format!("run {name} is cancelled; {pending} pending"))?;
    Ok(Exit::Done)
}

/// Asks a person, where there is one: nothing is sent by it, so a program that is no person goes on.
async fn ask(run: &RunRow, what: String, count: u64, asking: Asking) -> Result<(), Stop> {
    if asking == Asking::Unwanted || !can_ask() {
        return Ok(());
    }
    let mut signals = Signals::listen()?;
    let host = run.api_url.split("://").last().unwrap_or("?").trim_end_matches('/');
    let sendoff =
        Sendoff { what, count: Some(count), profile: &run.profile, host, production: run.production };
    question::ask(&sendoff, &mut signals).await
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
    async fn judge(&self, failures: Vec<FailureId>, judgement: Judgement, by: String) -> Option<RunState> {
        self.commit(vec![Change::Judge { failures, judgement, by }]).await;
        let counts = self.book.counts();
        let state = match self.run.state {
            RunState::CompletedWithFailures if !counts.has_open() => RunState::Completed,
            RunState::Completed if counts.has_open() => RunState::CompletedWithFailures,
            _ => return None,
        };
        self.commit(vec![Change::State(state)]).await;
        Some(state)
    }
}
