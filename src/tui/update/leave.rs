//! Leaving, and being suspended. A run that goes on is never left without being asked for, and never without its calls
//! being finished, unless a person insists three times.

use std::time::Duration;

use super::question;
use crate::engine::Command;
use crate::model::{Phase, RunState};
use crate::tui::Keeps;
use crate::tui::actions::Action;
use crate::tui::app::{Act, App, Leaving, Overlay, PausedForIt, Pausing, Question, Suspending, Then, Why};
use crate::tui::message::Effect;
use crate::tui::shell::Left;
use crate::tui::theme::Ink;
use crate::tui::words;

/// How long after a full queue the run is told again to drain.
const AGAIN: Duration = Duration::from_millis(100);

/// `q`: asks, where a run goes on.
pub(super) fn leave(app: &mut App) {
    match app.leaving {
        Leaving::No if app.carried().is_some() => ask(app),
        Leaving::No if app.mendings.edited > 0 => ask_about_edits(app),
        Leaving::No => app.left = Some(Left::Ended),
        Leaving::Draining { .. } => app.says("The run is being left; Ctrl-C leaves at once."),
    }
}

fn ask(app: &mut App) {
    let Some(live) = app.carried() else { return };
    let pending = live.figures.records.pending;
    let calls = match app.calls_out() {
        0 => "No call is out now.".to_owned(),
        1 => "1 call is out now; it is finished and written down first.".to_owned(),
        out => format!("{} are out now; they are finished and written down first.", words::calls(out)),
    };
    let then = match app.keeps {
        Keeps::Journal => format!(
            "Paused, it has {} to go. Nothing is lost: {} goes on with it, or `trunkline resume {}`.",
            words::some(pending, "record"),
            app.keymap.key(Action::PauseOrGoOn),
            live.figures.run.prefix()
        ),
        Keeps::Nothing => format!("{}.", words::FOR_SHOW),
    };
    let words = vec![
        (format!("Leave run {}?", live.figures.run.short()), Ink::Strong),
        (String::new(), Ink::Plain),
        (calls, Ink::Plain),
        (then, Ink::Plain),
    ];
    let words = words.into_iter().chain(unsent(app)).collect();
    let mut asked = Question::new(words, "Stay", "Pause and leave", Act::Leave);
    if app.keeps == Keeps::Journal {
        asked = asked.or("Leave it running without a screen", Act::Detach);
    }
    question::ask(app, asked);
}

/// What is edited and was not sent, in a sentence with the first of them.
fn unsent(app: &App) -> Option<(String, Ink)> {
    let mendings = &app.mendings;
    let more = mendings.edited.saturating_sub(u64::try_from(mendings.keys.len()).unwrap_or(0));
    let more =
        if more > 0 { format!(" and {} more", crate::tui::numbers::count(more)) } else { String::new() };
    let are = if mendings.edited == 1 { "is" } else { "are" };
    (mendings.edited > 0).then(|| {
        let edited = words::some(mendings.edited, "failure");
        let keys = mendings.keys.join(", ");
        (format!("{edited} {are} edited and not sent yet: {keys}{more}. The edits are kept."), Ink::Warn)
    })
}

/// No run goes on, but there is something that was begun and not finished.
fn ask_about_edits(app: &mut App) {
    let mut words = vec![("Close the board?".to_owned(), Ink::Strong), (String::new(), Ink::Plain)];
    words.extend(unsent(app));
    question::ask(app, Question::new(words, "Stay", "Close it", Act::Leave));
}

/// Ctrl-C: asks; again: drains, pauses and leaves; again: leaves at once.
pub(super) fn interrupt(app: &mut App, out: &mut Vec<Effect>) {
    let asked = app.overlays.iter().any(is_leaving);
    match app.leaving {
        _ if app.carried().is_none() => app.left = Some(Left::Ended),
        Leaving::Draining { why, .. } => at_once(app, why, out),
        Leaving::No if asked => {
            app.overlays.clear();
            drain(app, out);
        }
        Leaving::No => {
            app.overlays.retain(|overlay| !matches!(overlay, Overlay::Question(_)));
            ask(app);
        }
    }
}

fn is_leaving(overlay: &Overlay) -> bool {
    matches!(overlay, Overlay::Question(question) if question.is_leaving())
}

/// Finishes the calls that are out, and leaves when that is confirmed.
pub(super) fn drain(app: &mut App, out: &mut Vec<Effect>) {
    begin_draining(app, Why::Wanted, Then::Paused, out);
}

/// The same, and the run goes on in a process without a screen.
pub(super) fn detach(app: &mut App, out: &mut Vec<Effect>) {
    begin_draining(app, Why::Wanted, Then::Detached, out);
}

fn begin_draining(app: &mut App, why: Why, then: Then, out: &mut Vec<Effect>) {
    if app.carried().is_none() {
        app.left = Some(if why == Why::Hangup { Left::Hangup } else { Left::Ended });
        return;
    }
    app.overlays.clear();
    app.leaving = Leaving::Draining { since: app.now.instant, why, then, again_at: None };
    app.says(format!("Leaving: {}. Ctrl-C leaves at once.", words::being_finished(app.calls_out())));
    out.push(Effect::Command(Command::Drain));
}

fn at_once(app: &mut App, why: Why, out: &mut Vec<Effect>) {
    out.push(Effect::Command(Command::LeaveAtOnce));
    app.left = Some(if why == Why::Hangup { Left::Hangup } else { Left::LeftAtOnce });
}

/// The process is asked to end: as the second Ctrl-C; once more: as the third.
pub(super) fn terminate(app: &mut App, out: &mut Vec<Effect>) {
    match app.leaving {
        Leaving::No if app.carried().is_some() => begin_draining(app, Why::Wanted, Then::Paused, out),
        Leaving::No => app.left = Some(Left::PausedAndLeft),
        Leaving::Draining { why, .. } => at_once(app, why, out),
    }
}

/// The terminal is gone: nobody can be asked.
pub(super) fn hangup(app: &mut App, out: &mut Vec<Effect>) {
    match app.leaving {
        Leaving::No => begin_draining(app, Why::Hangup, Then::Paused, out),
        Leaving::Draining { since, again_at, .. } => {
            app.leaving = Leaving::Draining { since, why: Why::Hangup, then: Then::Paused, again_at };
        }
    }
}

/// The run did not take the command to drain: it is told again.
pub(super) fn drain_not_taken(app: &mut App) {
    if let Leaving::Draining { since, why, then, .. } = app.leaving {
        app.leaving = Leaving::Draining { since, why, then, again_at: app.now.instant.checked_add(AGAIN) };
    }
}

pub(super) fn clock(app: &mut App, out: &mut Vec<Effect>) {
    if let Leaving::Draining { since, why, then, again_at: Some(at) } = app.leaving
        && at <= app.now.instant
    {
        app.leaving = Leaving::Draining { since, why, then, again_at: None };
        out.push(Effect::Command(Command::Drain));
    }
}

/// The run has ended: where it was being left, the board closes.
pub(super) fn run_ended(app: &mut App, state: RunState) {
    match app.leaving {
        Leaving::Draining { why: Why::Hangup, .. } => app.left = Some(Left::Hangup),
        Leaving::Draining { why: Why::Wanted, then, .. } => {
            app.left = Some(match then {
                _ if state.is_over() => Left::Ended,
                Then::Paused => Left::PausedAndLeft,
                Then::Detached => Left::Detached,
            });
        }
        Leaving::No => app.overlays.retain(|overlay| !is_leaving(overlay)),
    }
}

/// Ctrl-Z: finishes the calls that are out, then suspends; again: at once.
pub(super) fn suspend(app: &mut App, out: &mut Vec<Effect>) {
    let running = app.carried().is_some_and(|live| live.figures.phase == Phase::Running);
    match app.suspending {
        Suspending::No | Suspending::Stopped { .. } if running => {
            app.suspending = Suspending::Draining;
            app.asked.pause = Some(Pausing::Pause);
            app.says(format!(
                "Suspending: {} first. Ctrl-Z suspends at once.",
                words::being_finished(app.calls_out())
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
    if app.suspending == (Suspending::Stopped { paused: PausedForIt::Yes }) && app.carried().is_some() {
        app.asked.pause = Some(Pausing::GoOn);
        app.says("Going on.");
        out.push(Effect::Command(Command::GoOn));
    }
    app.suspending = Suspending::No;
}
