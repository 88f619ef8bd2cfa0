//! What a person reads at the end: how it went, what failed and why, and what to type next.

use std::io::{self, Write};

use super::phrases::state;
use super::teller::Sight;
use crate::engine::Ending;
use crate::journal::{Cause, Query};
use crate::model::{FaultKind, Figures, RunState};
use crate::report::{grouped, records_of, span, tally_line};
use crate::text::{lines, one_line};

/// The most causes that are told.
const CAUSES: usize = 10;

/// What the summary advises to type next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hints {
    /// The commands that go on with the run.
    Commands,
    /// Nothing: the run's journal is gone when the program ends.
    Nothing,
}

/// Whether the fault at the end was told when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Faults {
    /// It stands some lines above.
    Told,
    /// Only the board showed it.
    Untold,
}

/// Writes the summary.
pub(super) fn write_summary(
    out: &mut impl Write,
    sight: &Sight,
    figures: &Figures,
    ending: &Ending,
    (hints, faults): (Hints, Faults),
) -> io::Result<()> {
    writeln!(out, "\nrun {} {} after {}", sight.run.id, state(ending.state), span(figures.elapsed))?;
    writeln!(out, "  records  {}", tally_line(&figures.records))?;
    writeln!(out, "  {:<8} {}", figures.operation.item_noun(), tally_line(&figures.items))?;
    let mut calls = vec![grouped(figures.requests)];
    for (count, words) in
        [(figures.retries, "of them repeated"), (figures.throttled, "answered \"slow down\" (429)")]
    {
        if count > 0 {
            calls.push(format!("{} {words}", grouped(count)));
        }
    }
    writeln!(out, "  {:<8} {}", "calls", calls.join(", "))?;
    if figures.from_store > 0 {
        writeln!(
            out,
            "  {:<8} {} whose result was stored: no call was made",
            "store",
            grouped(figures.from_store)
        )?;
    }
    if figures.rows_failed > 0 {
        writeln!(
            out,
            "  {:<8} {} refused by the results of delivered jobs",
            "rows",
            grouped(figures.rows_failed)
        )?;
    }
    for said in sight.reader.cut_off(&sight.run).unwrap_or_default() {
        writeln!(out, "\n{}", one_line(&said, 600))?;
    }
    if let Some(said) = unread(sight, figures, ending) {
        writeln!(out, "\n{said}")?;
    }
    if let Some(fault) = ending.fault.as_ref().filter(|_| faults == Faults::Untold) {
        writeln!(out, "\nfault: {}\n  {}", one_line(&fault.message, 600), one_line(&fault.advice, 600))?;
    }
    if figures.items.open() + figures.rows_failed > 0 {
        match sight.reader.causes(&sight.run, &Query::default()) {
            Ok(causes) => write_causes(out, &causes)?,
            Err(error) => writeln!(out, "\nthe failures could not be read: {}", lines(&error.to_string()))?,
        }
    }
    match hints {
        Hints::Commands => write_commands(out, sight, figures, ending),
        Hints::Nothing => Ok(()),
    }
}

/// What there is to say of a standard input that the run left before its end: nothing can read it once more.
fn unread(sight: &Sight, figures: &Figures, ending: &Ending) -> Option<String> {
    if ending.state != RunState::Paused {
        return None;
    }
    // the row of the beginning knows no end of anything
    let run = sight.reader.run(&sight.run.id.to_string()).ok()?;
    let is_open = run.datasets.iter().any(|dataset| dataset.path == "-" && dataset.records.is_none());
    let taken = figures.records.settled() + figures.records.pending;
    let were = if taken == 1 { "was" } else { "were" };
    is_open.then(|| {
        format!(
            "standard input was not read to its end: {} {were} taken\n\
             a resume sends what was taken; what is missing has to be sent by a new run",
            records_of(taken, "record", "records")
        )
    })
}

fn write_causes(out: &mut impl Write, causes: &[Cause]) -> io::Result<()> {
    writeln!(out, "\nfailures by cause")?;
    for cause in causes.iter().take(CAUSES) {
        let status = cause.status.map(|status| format!("{status} ")).unwrap_or_default();
        let code = cause.code.as_deref().map(|code| format!("{} ", one_line(code, 80))).unwrap_or_default();
        let (message, example) = (one_line(&cause.message, 120), one_line(cause.example(), 80));
        writeln!(out, "  {:>7}  {status}{code}{message} (e.g. {example})", grouped(cause.items))?;
    }
    if let Some(more) = causes.len().checked_sub(CAUSES).filter(|more| *more > 0) {
        writeln!(out, "  and {}", records_of(more as u64, "more cause", "more causes"))?;
    }
    Ok(())
}

/// Whether a resume could only meet the same fault: all that could be read is settled, and the rest never can be.
fn is_spent(figures: &Figures, ending: &Ending) -> bool {
    let kind = ending.fault.as_ref().map(|fault| fault.kind);
    matches!(kind, Some(FaultKind::DatasetBroken | FaultKind::NoDataset)) && figures.records.pending == 0
}

fn write_commands(out: &mut impl Write, sight: &Sight, figures: &Figures, ending: &Ending) -> io::Result<()> {
    let run = sight.run.id.prefix();
    let mut commands = Vec::new();
    if matches!(ending.state, RunState::Paused | RunState::Faulted) {
        if is_spent(figures, ending) {
            commands.push(("close the run", format!("trunkline cancel {run}")));
        } else {
            commands.push(("go on", format!("trunkline resume {run}")));
        }
    }
    if figures.items.open() + figures.rows_failed > 0 {
        commands.push(("look at the failures", format!("trunkline failures {run}")));
        // what our own check refused is refused again, and rows of a result are never sent by themselves
        if ending.state.is_over() && figures.items.failed > 0 {
            commands.push(("send them again", format!("trunkline retry {run}")));
        }
        if ending.state.is_over() {
            commands.push(("close them", format!("trunkline dismiss {run} --note TEXT")));
        }
    }
    if !commands.is_empty() {
        writeln!(out)?;
    }
    commands.iter().try_for_each(|(what, command)| writeln!(out, "{what:<21} {command}"))
}
