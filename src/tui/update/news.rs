//! What the run and the journal have to tell.

use std::sync::Arc;
use std::time::Duration;

use super::leave;
use crate::engine::Command;
use crate::journal::{EventRow, RunRow};
use crate::model::{Figures, ItemMap, Phase, RunState, Tally};
use crate::tui::app::{App, Carried, Ceiling, LiveRun, Pausing, Reading, Shown, carried_by, figures_of};
use crate::tui::message::{Effect, Look, More, Tail};
use crate::tui::theme::Bell;

/// How often it is asked where a run stands that another process carries.
const MAP: Duration = Duration::from_secs(5);

/// A sample of the run that this process carries, whichever is on the board.
pub(super) fn figures(app: &mut App, figures: Figures, out: &mut Vec<Effect>) {
    let at = app.now.instant;
    let before = app.live.as_ref().filter(|live| live.figures.run == figures.run);
    let before = before.map(|live| live.figures.phase.clone());
    let mut history =
        app.live.take().map(|live| live.history).filter(|_| before.is_some()).unwrap_or_default();
    history.add(at, figures.records_per_second, figures.requests, figures.throttled);
    let phase = figures.phase.clone();
    let shown = app.figures().is_none_or(|shown| shown.run == figures.run);
    if shown {
        confirm(app, &figures);
        take(app, figures.clone(), Carried::Here, out);
    }
    app.live = Some(LiveRun { figures, at, history });
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
            super::failures::run_ended(app, out);
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
            "The run has ended with failures: 6 shows them. q closes the board."
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
    if app.asked.workers == Some(figures.workers_asked) {
        app.asked.workers = None;
    }
    if app.asked.ceiling == Some(Ceiling::of(figures.pace.ceiling)) {
        app.asked.ceiling = None;
    }
}

/// The run on the board as the journal has it.
pub(super) fn row(app: &mut App, row: &RunRow, out: &mut Vec<Effect>) {
    let other = app.figures().is_some_and(|shown| shown.run != row.id);
    if other || app.is_live() {
        return;
    }
    let mut figures = figures_of(row);
    if let Some(old) = app.figures().filter(|old| old.map.records() > 0) {
        figures.map = Arc::clone(&old.map);
    }
    let moved = app.figures().is_none_or(|old| old.records != figures.records);
    take(app, figures, carried_by(row), out);
    app.map_is_old |= moved;
    let due = app.map_at.is_none_or(|at| app.now.instant.saturating_duration_since(at) >= MAP);
    // a run that nobody carries any more is not looked at again
    if app.map_is_old && (due || row.carrier.is_none()) {
        look_at_map(app, out);
    }
    app.look_again();
    read_events(app, out);
}

/// Has the journal asked where the run stands: it is a question about all of its items.
pub(super) fn look_at_map(app: &mut App, out: &mut Vec<Effect>) {
    app.map_at = Some(app.now.instant);
    app.map_is_old = false;
    out.push(Effect::Look(Look::Map));
}

/// Where the run on the board stands, where no sample tells it.
pub(super) fn map(app: &mut App, map: ItemMap) {
    if !app.is_live()
        && let Some(shown) = &mut app.run
    {
        shown.figures.map = Arc::new(map);
    }
}

/// Puts figures on the board, and has read what they say is new.
fn take(app: &mut App, figures: Figures, carried: Carried, out: &mut Vec<Effect>) {
    // what is sent again leaves the tally as its act begins, and the list one by one
    let counts = |figures: &Figures| {
        let Tally { failed, invalid, dismissed, .. } = figures.items;
        (failed, invalid, dismissed, figures.act.as_ref().map(|act| act.left))
    };
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

pub(super) fn read_events(app: &mut App, out: &mut Vec<Effect>) {
    if let (Reading::Nothing, Some(last)) = (app.reading_events, app.last_event) {
        app.reading_events = Reading::Under;
        out.push(Effect::Look(Look::Events(last)));
    }
}

/// Events of the journal, oldest first.
pub(super) fn events(app: &mut App, events: Vec<EventRow>, tail: Tail, out: &mut Vec<Effect>) {
    app.reading_events = Reading::Nothing;
    if events.iter().any(|event| event.kind == "act") {
        super::mend::changed(app, out);
    }
    // the last sample of an act may come before its last failure is written down
    if events.iter().any(|event| event.kind == "act_ended") {
        app.failures_changed();
    }
    for event in events {
        if app.happenings.is_news(&event) {
            super::failures::happened(app, &event, out);
            app.happenings.keep(event);
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
        Command::SetRate { .. } => app.asked.ceiling = None,
        Command::Retry { items, .. } => app.failures.forget_asked(&items),
        Command::LeaveAtOnce => return,
        Command::SetWorkers { .. } => app.asked.workers = None,
        // nothing is shown of these before they are done
        Command::Judge { .. } | Command::Edit { .. } | Command::Cancel { .. } => {}
    }
    app.warns("The run is busy and did not take that; please press the key again.");
}
