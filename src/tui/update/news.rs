//! What the run and the journal have to tell.

use super::leave;
use crate::engine::Command;
use crate::journal::{EventRow, RunRow};
use crate::model::{FailureId, Figures, Phase, RunState};
use crate::tui::app::{
    App, Carried, Ceiling, Content, Overlay, Pausing, Reading, Shown, Starting, carried_by, figures_of,
};
use crate::tui::message::{Detail, Effect, More, Tail};
use crate::tui::theme::Bell;

/// A sample of the live run.
pub(super) fn figures(app: &mut App, figures: Figures, out: &mut Vec<Effect>) {
    let before =
        app.run.as_ref().filter(|run| run.carried == Carried::Here).map(|run| run.figures.phase.clone());
    // a sample of a run that has ended here comes once: what follows is the journal's
    app.history.add(app.now.instant, figures.records_per_second, figures.requests, figures.throttled);
    confirm(app, &figures);
    take(app, figures, Carried::Here, out);
    let Some(phase) = app.phase().cloned() else { return };
    leave::phase_is(app, &phase, out);
    if before.as_ref() == Some(&phase) {
        return;
    }
    match &phase {
        Phase::Faulted(_) => ring(app, out),
        Phase::Ended(state) => {
            if before.is_some() {
                ring(app, out);
                tell_the_end(app, *state);
            }
            app.asked = crate::tui::app::Asked::default();
            leave::run_ended(app, *state);
        }
        _ => {}
    }
}

fn ring(app: &App, out: &mut Vec<Effect>) {
    if app.bell == Bell::Rings {
        out.push(Effect::Ring);
    }
}

fn tell_the_end(app: &mut App, state: RunState) {
    let words = match state {
        RunState::Completed => "The run has ended: all was delivered or closed. q closes the board.",
        RunState::CompletedWithFailures => {
            "The run has ended with failures. 6, then R, sends them all again; q closes the board."
        }
        RunState::Cancelled => "The run was cancelled. q closes the board.",
        RunState::Paused | RunState::Faulted | RunState::Running => {
            "The run stands still now. q closes the board."
        }
    };
    app.says(words);
}

/// What was asked for and has come to be is no wish any more.
fn confirm(app: &mut App, figures: &Figures) {
    app.asked.pause = match (app.asked.pause, &figures.phase) {
        (Some(Pausing::Pause), Phase::Running | Phase::Checking { .. } | Phase::Pausing) => {
            Some(Pausing::Pause)
        }
        (Some(Pausing::GoOn), Phase::Paused | Phase::Pausing | Phase::Faulted(_)) => Some(Pausing::GoOn),
        _ => None,
    };
    // a fault that was there when going on was asked for may come back as a new one: that is an answer, too
    if let (Some(Pausing::GoOn), Phase::Faulted(fault), Some(Phase::Faulted(old))) =
        (app.asked.pause, &figures.phase, app.phase())
        && fault.at != old.at
    {
        app.asked.pause = None;
    }
    if app.asked.ceiling == Some(Ceiling::of(figures.pace.ceiling)) {
        app.asked.ceiling = None;
    }
}

/// The run on the board as the journal has it.
pub(super) fn row(app: &mut App, row: &RunRow, out: &mut Vec<Effect>) {
    if app.run.as_ref().is_some_and(|run| run.carried == Carried::Here) {
        return;
    }
    take(app, figures_of(row), carried_by(row), out);
    app.look_again();
    read_events(app, out);
}

/// Puts figures on the board, and has read what they say is new.
fn take(app: &mut App, figures: Figures, carried: Carried, out: &mut Vec<Effect>) {
    let counts = |figures: &Figures| (figures.items.failed, figures.items.invalid, figures.items.dismissed);
    let old = app.figures();
    let failures_moved = old.is_none_or(|old| counts(old) != counts(&figures));
    let events_moved = app.last_event.is_some_and(|last| figures.last_event > last);
    app.run = Some(Shown { figures, at: app.now.instant, carried });
    if failures_moved {
        app.failures_changed();
    }
    if events_moved {
        read_events(app, out);
    }
}

fn read_events(app: &mut App, out: &mut Vec<Effect>) {
    if let (Reading::Nothing, Some(last)) = (app.reading_events, app.last_event) {
        app.reading_events = Reading::Under;
        out.push(Effect::ReadEvents(last));
    }
}

/// Events of the journal, oldest first.
pub(super) fn events(app: &mut App, events: Vec<EventRow>, tail: Tail, out: &mut Vec<Effect>) {
    app.reading_events = Reading::Nothing;
    for event in events {
        if app.happenings.front().is_none_or(|newest| newest.event < event.event) {
            app.keep_happening(event);
        }
    }
    let before = app.last_event;
    app.last_event = Some(before.map_or(tail.last, |last| last.max(tail.last)));
    let behind = app.figures().is_some_and(|figures| app.last_event < Some(figures.last_event));
    // only a look that found something is worth another one at once; else the next sample asks for it
    if tail.more == More::Maybe || (behind && app.last_event > before) {
        read_events(app, out);
    }
}

/// An opened failure, with its record.
pub(super) fn failure(app: &mut App, id: FailureId, detail: Option<Box<Detail>>) {
    for overlay in &mut app.overlays {
        if let Overlay::Failure(open) = overlay
            && open.id == id
        {
            open.content = detail.map_or(Content::Gone, Content::Here);
            return;
        }
    }
}

pub(super) fn journal_trouble(app: &mut App, error: &str) {
    app.failures.gave_up();
    app.reading_events = Reading::Nothing;
    app.warns(error.lines().next().unwrap_or(error));
}

/// The run's queue was full.
pub(super) fn not_taken(app: &mut App, command: Command) {
    match command {
        Command::Drain => return leave::drain_not_taken(app),
        Command::Pause | Command::GoOn => app.asked.pause = None,
        Command::SetRate(_) => app.asked.ceiling = None,
        Command::Retry { items, .. } => app.failures.forget_asked(&items),
        Command::LeaveAtOnce => return,
    }
    app.warns("The run is busy and did not take that; please press the key again.");
}

/// A new carrying-out has begun, or could not.
pub(super) fn resent(app: &mut App, started: Result<(), String>, out: &mut Vec<Effect>) {
    app.starting = Starting::No;
    match started {
        Ok(()) => read_events(app, out),
        Err(reason) => {
            app.failures.forget_all_asked();
            app.warns(format!("Nothing was sent again: {reason}"));
        }
    }
}
