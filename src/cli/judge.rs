//! `dismiss`, `reopen`, `cancel`: what a person decides of failures and of a run, without sending anything.
//!
//! The run is taken while it is changed, so that nobody carries it out at the same time.

use std::io::{self, Write};

use super::args::{DismissArgs, FilterFlags, ReopenArgs};
use super::exit::{Exit, Stop};
use super::question::{self, Asking, Sendoff, can_ask};
use super::taken::Taken;
use super::{House, person};
use crate::headless::Signals;
use crate::journal::{Journal, Judgement, Query, RunRow};
use crate::model::FailureState;
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
    let filter: Query = flags.filter()?.into();
    let reader = house.reader_of(run)?;
    let by = person(&house.config()?);
    let taken = Taken::take(Journal::open(&house.places.data_dir)?, &reader.run(run)?)?;
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
    let state = taken.judge(failures, judgement, by).await?;
    let told = records_of(count, "failure", "failures");
    let state = state.map(|state| format!("; the run is now `{state}`")).unwrap_or_default();
    say(&format!("{told} of run {} {done}{state}", taken.run.id.prefix()))?;
    Ok(Exit::Done)
}

pub(super) async fn cancel(house: &House, run: &str, asking: Asking) -> Result<Exit, Stop> {
    let reader = house.reader_of(run)?;
    let by = person(&house.config()?);
    let taken = Taken::take(Journal::open(&house.places.data_dir)?, &reader.run(run)?)?;
    taken.refuse_over()?;
    let name = taken.run.id.prefix();
    let pending = taken.run.records.pending;
    let left = records_of(pending, "record that is pending", "records that are pending");
    ask(&taken.run, format!("cancel run {name} for good, with {left}, on"), pending, asking).await?;
    taken.cancel(&by).await?;
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
