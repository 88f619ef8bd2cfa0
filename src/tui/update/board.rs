//! Keys on the board and in an opened failure.

use crate::engine::Command;
use crate::model::{Phase, Seq};
use crate::tui::actions::{self, Action};
use crate::tui::app::{App, Ceiling, Content, OpenFailure, Overlay, Pane, Pausing, Starting, Zoom};
use crate::tui::failures::Anchor;
use crate::tui::layout::{self, Class};
use crate::tui::message::Effect;
use crate::tui::{numbers, overlays, steps};

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
    if pane != app.focus {
        app.focus_before = app.focus;
        app.focus = pane;
    }
}

/// One step back: what lies over the board, the zoom, a pane that was opened over the others.
pub(super) fn back(app: &mut App) {
    if app.overlays.pop().is_some() {
        return;
    }
    if app.zoom == Zoom::On {
        app.zoom = Zoom::Off;
    } else if layout::class(app.size) == Class::Medium && app.focus == Pane::Workers {
        app.focus = if app.focus_before == Pane::Workers { Pane::Run } else { app.focus_before };
    }
}

pub(super) fn pause_or_go_on(app: &mut App, out: &mut Vec<Effect>) {
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

pub(super) fn ceiling(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    let now = actions::ceiling(app);
    let measured = app.figures().map_or(0.0, |figures| figures.pace.rate);
    let wish = match (action, now) {
        (Action::Slower, _) => Some(steps::slower(now, measured)),
        (_, Some(now)) => steps::faster(now),
        (_, None) => None,
    };
    app.asked.ceiling = Some(Ceiling::of(wish));
    match wish {
        Some(rate) => app.says(format!("Asked for at most {} calls a second.", numbers::rate(rate))),
        None => app.says("Asked for no ceiling of ours; the platform's answers set the pace."),
    }
    out.push(Effect::Command(Command::SetRate(wish)));
}

/// Moves in the list, or in the text that lies over it.
pub(super) fn scroll(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    let page = usize::from(layout::full_page(app.size).height.saturating_sub(2));
    let rows = match app.overlays.last() {
        Some(Overlay::Failure(open)) => overlays::rows_of_failure(app, open).len(),
        Some(Overlay::Help { .. }) => overlays::rows_of_help().len(),
        Some(Overlay::Question(_)) | None => return move_in_list(app, action, out),
    };
    let most = rows.saturating_sub(page);
    if let Some(Overlay::Failure(OpenFailure { scroll, .. }) | Overlay::Help { scroll }) =
        app.overlays.last_mut()
    {
        *scroll = match action {
            Action::Up => scroll.saturating_sub(1),
            Action::Down => *scroll + 1,
            Action::PageUp => scroll.saturating_sub(page.saturating_sub(1).max(1)),
            Action::PageDown => *scroll + page.saturating_sub(1).max(1),
            Action::Home => 0,
            _ => most,
        }
        .min(most);
    }
}

fn move_in_list(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    let page = isize::try_from(layout::failure_rows(app)).unwrap_or(1).max(1);
    let ask = match action {
        Action::Up => app.failures.step(-1),
        Action::Down => app.failures.step(1),
        Action::PageUp => app.failures.step(-page),
        Action::PageDown => app.failures.step(page),
        Action::Home => app.failures.jump(Anchor::Start),
        _ => app.failures.jump(Anchor::End),
    };
    out.extend(ask.map(Effect::ReadPage));
}

pub(super) fn open(app: &mut App, out: &mut Vec<Effect>) {
    let Some(id) = app.failures.current().map(|row| row.id) else { return };
    app.overlays.push(Overlay::Failure(OpenFailure { id, content: Content::Coming, scroll: 0 }));
    out.push(Effect::ReadFailure(id));
}

/// The next failure, or the one before, without closing the page.
pub(super) fn neighbour(app: &mut App, by: isize, out: &mut Vec<Effect>) {
    out.extend(app.failures.step(by).map(Effect::ReadPage));
    let Some(id) = app.failures.current().map(|row| row.id) else { return };
    if let Some(Overlay::Failure(open)) = app.overlays.last_mut()
        && open.id != id
    {
        *open = OpenFailure { id, content: Content::Coming, scroll: 0 };
        out.push(Effect::ReadFailure(id));
    }
}

/// Sends one failure again. It is the one that is opened, else the one under the cursor.
pub(super) fn resend_one(app: &mut App, out: &mut Vec<Effect>) {
    let id = match app.overlays.last() {
        Some(Overlay::Failure(open)) => Some(open.id),
        _ => app.failures.current().map(|row| row.id),
    };
    let Some(id) = id else { return };
    let key =
        app.failures.rows.iter().find(|row| row.id == id).map(|row| row.key.clone()).unwrap_or_default();
    app.failures.mark_asked(id);
    app.says(format!("Asked to send {key} again."));
    resend(app, vec![id.item], out);
}

/// Sends failures again: by the run that goes on, or by a new carrying-out of one that has ended.
pub(super) fn resend(app: &mut App, items: Vec<Seq>, out: &mut Vec<Effect>) {
    if app.is_live() {
        out.push(Effect::Command(Command::Retry { items, by: app.by.clone() }));
    } else {
        app.starting = Starting::Yes;
        out.push(Effect::Resend(items));
    }
}
