//! Keys on the board, whichever pane has them.

use crate::engine::Command;
use crate::model::{Figures, Phase, RunId};
use crate::tui::actions::{self, Action};
use crate::tui::app::{Act, App, Ceiling, Mouse, Pane, Pausing, Question, Zoom};
use crate::tui::layout::{self, Class};
use crate::tui::message::Effect;
use crate::tui::theme::Ink;
use crate::tui::{numbers, steps, words};

use super::question;

pub(super) fn focus(app: &mut App, action: Action) {
    let place = Pane::ALL.iter().position(|pane| *pane == app.focus).unwrap_or(0);
    let count = Pane::ALL.len();
    let pane = match action {
        Action::Focus(pane) => pane,
        Action::FocusNext => Pane::ALL.get((place + 1) % count).copied().unwrap_or(app.focus),
        Action::FocusPrevious => Pane::ALL.get((place + count - 1) % count).copied().unwrap_or(app.focus),
        _ => {
            app.zoom = if app.zoom == Zoom::On { Zoom::Off } else { Zoom::On };
            return;
        }
    };
    to_pane(app, pane);
}

pub(super) fn to_pane(app: &mut App, pane: Pane) {
    if pane != app.focus {
        app.failures.singles.leave();
        app.focus_before = app.focus;
        app.focus = pane;
    }
}

/// One step back: what is waited for, the zoom, a filter, a pane that was opened over the others.
pub(super) fn back(app: &mut App, out: &mut Vec<Effect>) {
    if stop_waiting(app, out) {
        // that was the step
    } else if app.zoom == Zoom::On {
        app.zoom = Zoom::Off;
    } else if app.focus == Pane::Failures && super::failures::back(app, out) {
        // a filter, or the rows of a cause
    } else if app.focus == Pane::Datasets && super::datasets::back(app, out) {
        // the narrowing, or the count in the background
    } else if layout::class(app.size) == Class::Medium && !layout::stands(app.focus) {
        app.focus = if layout::stands(app.focus_before) { app.focus_before } else { Pane::Run };
    }
}

/// Stops waiting for what was asked. Says whether there was something.
pub(super) fn stop_waiting(app: &mut App, out: &mut Vec<Effect>) -> bool {
    let Some(busy) = app.busy.take() else { return false };
    app.failures.wanting.give_up();
    out.push(Effect::StopAsking);
    super::credentials::stopped(app);
    app.says(format!("Stopped: {}.", words::after_colon(&busy.what)));
    true
}

/// Goes on with a run whose fault was mended: the person was asked.
pub(super) fn go_on(app: &mut App, run: RunId, out: &mut Vec<Effect>) {
    if app.is_live() && app.figures().is_some_and(|figures| figures.run == run) {
        app.asked.pause = Some(Pausing::GoOn);
        out.push(Effect::Command(Command::GoOn));
    } else {
        super::office::resume(app, run, out);
    }
}

pub(super) fn pause_or_go_on(app: &mut App, out: &mut Vec<Effect>) {
    if !app.is_live() {
        return ask_to_go_on(app);
    }
    // what was asked for last counts, so that pressing twice is as if it had not been pressed
    let pausing = match (app.asked.pause, app.phase()) {
        (Some(Pausing::Pause), _) => true,
        (Some(Pausing::GoOn), _) => false,
        (None, phase) => matches!(phase, Some(Phase::Paused | Phase::Pausing | Phase::Faulted(_))),
    };
    let (wish, command) =
        if pausing { (Pausing::GoOn, Command::GoOn) } else { (Pausing::Pause, Command::Pause) };
    app.asked.pause = Some(wish);
    out.push(Effect::Command(command));
}

/// Asks whether to go on with the run on the board, which nobody carries.
pub(super) fn ask_to_go_on(app: &mut App) {
    if let Some(figures) = app.figures().cloned() {
        ask_to_go_on_with(app, &figures);
    }
}

/// Asks whether to go on with a run that nobody carries.
pub(super) fn ask_to_go_on_with(app: &mut App, figures: &Figures) {
    let pending = figures.records.pending;
    let words = vec![
        (
            format!("Go on with {} on {}?", figures.run.short(), words::tenant(figures)),
            if figures.production { Ink::Bad } else { Ink::Strong },
        ),
        (String::new(), Ink::Plain),
        (
            format!("{} of {} are still to go.", words::some(pending, "record"), words::datasets(figures)),
            Ink::Plain,
        ),
        ("What was delivered is not sent again.".to_owned(), Ink::Plain),
    ];
    let mut asked = Question::new(words, "Leave it", "Go on", Act::Resume(figures.run));
    if figures.production && pending > 0 {
        asked = asked.with_number(pending);
    }
    question::ask(app, asked);
}

pub(super) fn ask_to_cancel(app: &mut App) {
    let Some(figures) = app.figures() else { return };
    let pending = figures.records.pending;
    let words = vec![
        (format!("Cancel run {} for good?", figures.run.short()), Ink::Bad),
        (String::new(), Ink::Plain),
        (
            format!(
                "{} of {} stay unsent. What was delivered stays delivered. This can't be undone.",
                words::some(pending, "record"),
                words::datasets(figures)
            ),
            Ink::Plain,
        ),
    ];
    let mut asked = Question::new(words, "Don't cancel", "Cancel the run", Act::Cancel);
    if figures.production && pending > 0 {
        asked = asked.with_number(pending);
    }
    question::ask(app, asked);
}

pub(super) fn mend_fault(app: &mut App, out: &mut Vec<Effect>) {
    super::sheet::open_fault(app, out);
}

pub(super) fn ceiling(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    let now = actions::ceiling(app);
    let measured = app.figures().map_or(0.0, |figures| figures.pace.rate);
    let wish = match (action, now) {
        (Action::Slower, _) => Some(steps::slower(now, measured)),
        (_, Some(now)) => steps::faster(now),
        (_, None) => None,
    };
    let known = app.figures().and_then(words::known_limit);
    match known.filter(|known| action == Action::Faster && wish.is_none_or(|wish| wish > *known)) {
        Some(known) => ask_for_more(app, wish, known),
        None => set_ceiling(app, wish, out),
    }
}

/// Asks whether to go above what the platform is known to take.
fn ask_for_more(app: &mut App, wish: Option<f64>, known: f64) {
    let Some(figures) = app.figures() else { return };
    let now = actions::ceiling(app);
    let (asked, answer) = match wish {
        Some(rate) => {
            let rate = numbers::rate(rate);
            (format!("Allow {rate} calls a second to {}?", words::tenant(figures)), format!("Allow {rate}"))
        }
        None => (format!("Set no limit for {}?", words::tenant(figures)), "No limit".to_owned()),
    };
    let words = vec![
        (asked, Ink::Strong),
        (String::new(), Ink::Plain),
        (
            format!(
                "It is known to take about {} calls a second, from everybody together.",
                numbers::rate(known)
            ),
            Ink::Plain,
        ),
        ("What is above that is answered \"slow down\", and everybody waits.".to_owned(), Ink::Plain),
    ];
    let stay = now.map_or_else(|| "Leave it".to_owned(), |now| format!("Stay at {}", numbers::rate(now)));
    question::ask(app, Question::new(words, &stay, &answer, Act::Ceiling(wish)));
}

/// Asks the run for another ceiling.
pub(super) fn set_ceiling(app: &mut App, wish: Option<f64>, out: &mut Vec<Effect>) {
    app.asked.ceiling = Some(Ceiling::of(wish));
    match wish {
        Some(rate) => app.says(format!("Asked for at most {} calls a second.", numbers::rate(rate))),
        None => app.says("Asked for no ceiling of ours; the platform's answers set the pace."),
    }
    out.push(Effect::Command(Command::SetRate { rate: wish, by: app.by.clone() }));
}

/// Asks the run for a worker more, or one fewer.
pub(super) fn workers(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    let Some(figures) = app.figures() else { return };
    let (now, noun) = (app.asked.workers.unwrap_or(figures.workers_asked), words::worker_noun(figures));
    let workers = if action == Action::MoreWorkers { now.saturating_add(1) } else { now.saturating_sub(1) };
    app.asked.workers = Some(workers);
    app.says(format!("Asked for {} at a time.", words::some(u64::from(workers), noun)));
    out.push(Effect::Command(Command::SetWorkers { workers, by: app.by.clone() }));
}

/// The mouse is taken, or left to the terminal.
pub(super) fn mouse(app: &mut App, out: &mut Vec<Effect>) {
    app.mouse = if app.mouse == Mouse::On { Mouse::Off } else { Mouse::On };
    let key = app.keymap.key(Action::Mouse);
    app.says(match app.mouse {
        Mouse::On => format!("The mouse presses and scrolls here. {key} gives it back to the terminal."),
        Mouse::Off => format!("The mouse is the terminal's: it selects text. {key} takes it again."),
    });
    out.push(Effect::Mouse(app.mouse));
}

/// What happened can be looked through; the other panes without a list have nothing to move.
pub(super) fn scroll(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    if app.focus != Pane::Run {
        return;
    }
    if action == Action::Open {
        if let Some(act) = app.happenings.current().and_then(|event| event.act) {
            super::failures::open_act(app, act, out);
        }
    } else {
        let page = usize::from(layout::body(app.size).height / 2);
        let last = app.happenings.len().saturating_sub(1);
        let to = super::lists::scrolled(app.happenings.at(), action, page, last);
        app.happenings.put(to);
    }
}
