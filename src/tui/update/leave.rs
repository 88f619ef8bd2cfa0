//! Leaving, and being suspended. A run that goes on is never left without being asked for, and never without its calls
//! being finished, unless a person insists three times.

use std::time::Duration;

use super::question;
use crate::engine::Command;
use crate::model::{Phase, RunState};
use crate::tui::app::{App, Asks, Leaving, Overlay, PausedForIt, Pausing, Proof, Suspending, Why};
use crate::tui::message::Effect;
use crate::tui::shell::Left;
use crate::tui::words;

/// How long after a full queue the run is told again to drain.
const AGAIN: Duration = Duration::from_millis(100);

/// `q`: asks, where a run goes on.
pub(super) fn leave(app: &mut App) {
    match app.leaving {
        Leaving::No if app.is_live() => question::ask(app, Asks::Leave, Proof::Button),
        Leaving::No => app.left = Some(Left::Ended),
        Leaving::Draining { .. } => app.says("The run is being left; Ctrl-C leaves at once."),
    }
}

/// Ctrl-C: asks; again: drains, pauses and leaves; again: leaves at once.
pub(super) fn interrupt(app: &mut App, out: &mut Vec<Effect>) {
    let asked = app
        .overlays
        .iter()
        .any(|overlay| matches!(overlay, Overlay::Question(question) if question.asks == Asks::Leave));
    match app.leaving {
        _ if !app.is_live() => app.left = Some(Left::Ended),
        Leaving::Draining { why, .. } => at_once(app, why, out),
        Leaving::No if asked => {
            app.overlays.clear();
            drain(app, out);
        }
        Leaving::No => {
            app.overlays.retain(|overlay| !matches!(overlay, Overlay::Question(_)));
            question::ask(app, Asks::Leave, Proof::Button);
        }
    }
}

/// Finishes the calls that are out, and leaves when that is confirmed.
pub(super) fn drain(app: &mut App, out: &mut Vec<Effect>) {
    begin_draining(app, Why::Wanted, out);
}

fn begin_draining(app: &mut App, why: Why, out: &mut Vec<Effect>) {
    if !app.is_live() {
        app.left = Some(if why == Why::Hangup { Left::Hangup } else { Left::Ended });
        return;
    }
    app.overlays.clear();
    app.leaving = Leaving::Draining { since: app.now.instant, why, again_at: None };
    app.says(format!(
        "Leaving: {} being finished. Ctrl-C leaves at once.",
        words::calls_are(app.calls_out())
    ));
    out.push(Effect::Command(Command::Drain));
}

fn at_once(app: &mut App, why: Why, out: &mut Vec<Effect>) {
    out.push(Effect::Command(Command::LeaveAtOnce));
    app.left = Some(if why == Why::Hangup { Left::Hangup } else { Left::LeftAtOnce });
}

/// The process is asked to end: as the second Ctrl-C; once more: as the third.
pub(super) fn terminate(app: &mut App, out: &mut Vec<Effect>) {
    match app.leaving {
        Leaving::No if app.is_live() => begin_draining(app, Why::Wanted, out),
        Leaving::No => app.left = Some(Left::PausedAndLeft),
        Leaving::Draining { why, .. } => at_once(app, why, out),
    }
}

/// The terminal is gone: nobody can be asked.
pub(super) fn hangup(app: &mut App, out: &mut Vec<Effect>) {
    match app.leaving {
        Leaving::No => begin_draining(app, Why::Hangup, out),
        Leaving::Draining { since, again_at, .. } => {
            app.leaving = Leaving::Draining { since, why: Why::Hangup, again_at };
        }
    }
}

/// The run did not take the command to drain: it is told again.
pub(super) fn drain_not_taken(app: &mut App) {
    if let Leaving::Draining { since, why, .. } = app.leaving {
        app.leaving = Leaving::Draining { since, why, again_at: app.now.instant.checked_add(AGAIN) };
    }
}

pub(super) fn clock(app: &mut App, out: &mut Vec<Effect>) {
    if let Leaving::Draining { since, why, again_at: Some(at) } = app.leaving
        && at <= app.now.instant
    {
        app.leaving = Leaving::Draining { since, why, again_at: None };
        out.push(Effect::Command(Command::Drain));
    }
}

/// The run has ended: where it was being left, the board closes.
pub(super) fn run_ended(app: &mut App, state: RunState) {
    let asked_to_leave =
        |overlay: &Overlay| matches!(overlay, Overlay::Question(question) if question.asks == Asks::Leave);
    match app.leaving {
        Leaving::Draining { why: Why::Hangup, .. } => app.left = Some(Left::Hangup),
        Leaving::Draining { why: Why::Wanted, .. } => {
            app.left = Some(if state.is_over() { Left::Ended } else { Left::PausedAndLeft });
        }
        Leaving::No => {
            if app.overlays.iter().any(asked_to_leave) {
                app.overlays.retain(|overlay| !asked_to_leave(overlay));
            }
        }
    }
}

/// Ctrl-Z: finishes the calls that are out, then suspends; again: at once.
pub(super) fn suspend(app: &mut App, out: &mut Vec<Effect>) {
    let running = app.is_live() && matches!(app.phase(), Some(Phase::Running));
    match app.suspending {
        Suspending::No | Suspending::Stopped { .. } if running => {
            app.suspending = Suspending::Draining;
            app.asked.pause = Some(Pausing::Pause);
            app.says(format!(
                "Suspending: {} being finished first. Ctrl-Z suspends at once.",
                words::calls_are(app.calls_out())
            ));
            out.push(Effect::Command(Command::Pause));
        }
        Suspending::Draining => stop(app, PausedForIt::Yes, out),
        Suspending::No | Suspending::Stopped { .. } => stop(app, PausedForIt::No, out),
    }
}

fn stop(app: &mut App, paused: PausedForIt, out: &mut Vec<Effect>) {
    app.notice = None;
    app.suspending = Suspending::Stopped { paused };
    out.push(Effect::Suspend);
}

/// The run's phase has come to be known: where it was paused in order to suspend, that is done now.
pub(super) fn phase_is(app: &mut App, phase: &Phase, out: &mut Vec<Effect>) {
    if app.suspending == Suspending::Draining {
        match phase {
            Phase::Paused => stop(app, PausedForIt::Yes, out),
            Phase::Faulted(_) | Phase::Ended(_) => stop(app, PausedForIt::No, out),
            _ => {}
        }
    }
}

/// The process goes on after it was stopped.
pub(super) fn continued(app: &mut App, out: &mut Vec<Effect>) {
    if app.suspending == (Suspending::Stopped { paused: PausedForIt::Yes }) && app.is_live() {
        app.asked.pause = Some(Pausing::GoOn);
        app.says("Going on.");
        out.push(Effect::Command(Command::GoOn));
    }
    app.suspending = Suspending::No;
}
