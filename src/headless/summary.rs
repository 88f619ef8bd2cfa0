//! What a person reads at the end: how it went, what failed and why, and what to type next.

use std::io::{self, Write};

use super::phrases::state;
use super::teller::Sight;
use crate::engine::Ending;
use crate::journal::{Cause, Filter};
use crate::model::{Figures, RunState};
use crate::report::{grouped, span, tally_line};
use crate::text::one_line;

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

/// Writes the summary.
pub(super) fn write_summary(
    out: &mut impl Write,
    sight: &Sight,
    figures: &Figures,
    ending: &Ending,
    hints: Hints,
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
    if let Some(fault) = &ending.fault {
        writeln!(out, "\nfault: {}\n  {}", one_line(&fault.message, 600), one_line(&fault.advice, 600))?;
    }
    if figures.items.open() > 0 {
        match sight.reader.causes(&sight.run, &Filter::default()) {
            Ok(causes) => write_causes(out, &causes)?,
            Err(error) => writeln!(out, "\nthe failures could not be read: {error}")?,
        }
    }
    match hints {
        Hints::Commands => write_commands(out, sight, figures, ending),
        Hints::Nothing => Ok(()),
    }
}

fn write_causes(out: &mut impl Write, causes: &[Cause]) -> io::Result<()> {
    writeln!(out, "\nfailures by cause")?;
    for cause in causes.iter().take(CAUSES) {
        let status = cause.status.map(|status| format!("{status} ")).unwrap_or_default();
        let code = cause.code.as_deref().map(|code| format!("{} ", one_line(code, 80))).unwrap_or_default();
        let (message, example) = (one_line(&cause.message, 120), one_line(&cause.example, 80));
        writeln!(out, "  {:>7}  {status}{code}{message} (e.g. {example})", grouped(cause.items))?;
    }
    if let Some(more) = causes.len().checked_sub(CAUSES).filter(|more| *more > 0) {
        writeln!(out, "  and {more} more causes")?;
    }
    Ok(())
}

fn write_commands(out: &mut impl Write, sight: &Sight, figures: &Figures, ending: &Ending) -> io::Result<()> {
    let run = sight.run.id.prefix();
    let mut commands = Vec::new();
    if matches!(ending.state, RunState::Paused | RunState::Faulted) {
        commands.push(("go on", format!("trunkline resume {run}")));
    }
    if figures.items.open() > 0 {
        commands.push(("look at the failures", format!("trunkline failures {run}")));
        if ending.state.is_over() {
            commands.push(("send them again", format!("trunkline retry {run}")));
            commands.push(("close them", format!("trunkline dismiss {run} --note TEXT")));
        }
    }
    if !commands.is_empty() {
        writeln!(out)?;
    }
    commands.iter().try_for_each(|(what, command)| writeln!(out, "{what:<21} {command}"))
}
