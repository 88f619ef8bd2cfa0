//! The first thing that a person sees where nothing is set up: three ways to begin.

use super::{credentials, lists, sheet};
use crate::tui::actions::Action;
use crate::tui::app::{App, Overlay};
use crate::tui::message::Effect;
use crate::tui::sheets::profile::AfterSaving;
use crate::tui::sheets::{folder, practise as practice};

/// How many ways there are.
pub(in crate::tui) const WAYS: usize = 3;

pub(super) fn open(app: &mut App) {
    app.overlays.push(Overlay::Welcome { at: 0 });
}

pub(super) fn perform(app: &mut App, action: Action, _out: &mut Vec<Effect>) {
    let Some(Overlay::Welcome { at }) = app.overlays.last_mut() else { return };
    match action {
        Action::Back => {
            app.overlays.pop();
            let key = |action| app.keymap.key(action);
            app.says(format!(
                "{} practises, {} in 1 adds a profile, {} begins a run; {} lists all keys.",
                key(Action::Practise),
                key(Action::Add),
                key(Action::NewRun),
                key(Action::Help)
            ));
        }
        Action::Open => {
            let at = *at;
            go(app, at);
        }
        _ => *at = lists::scrolled(*at, action, WAYS, WAYS - 1),
    }
}

/// A click on one of the ways: as if it had been marked and pressed.
pub(super) fn click(app: &mut App, row: usize) {
    if let Some(Overlay::Welcome { at }) = app.overlays.last_mut()
        && row < WAYS
    {
        *at = row;
        go(app, row);
    }
}

fn go(app: &mut App, way: usize) {
    match way {
        0 => practise(app),
        1 => credentials::add(app, AfterSaving::Datasets),
        _ => {
            let sheet = folder::open(app);
            sheet::open(app, sheet);
        }
    }
}

/// Asks which of the five operations to practise.
pub(super) fn practise(app: &mut App) {
    if let Some(busy) = &app.busy {
        let what = busy.what.clone();
        return app.warns(format!("Not now: {what} goes on still; Esc stops that."));
    }
    let sheet = practice::open(app);
    sheet::open(app, sheet);
}
