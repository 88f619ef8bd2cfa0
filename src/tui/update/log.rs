//! Keys in the log, and what is read of it: again and again while it lies over the board, so that it can be followed.

use std::time::Duration;

use super::lists;
use crate::tui::actions::{Action, Key};
use crate::tui::app::{App, Overlay};
use crate::tui::files::FileErrand;
use crate::tui::layout;
use crate::tui::log::Tail;
use crate::tui::message::Effect;
use crate::tui::overlays::log::LogView;
use crate::tui::overlays::menu::Copied;

/// How often it is looked at.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) fn open(app: &mut App, out: &mut Vec<Effect>) {
    let Some(path) = app.places.as_ref().map(|places| places.log.clone()) else {
        return app.warns("It is not known here where the log is.");
    };
    app.overlays.push(Overlay::Log(LogView::new(path.clone())));
    out.push(Effect::Files(FileErrand::Log(path, None)));
}

fn view(app: &mut App) -> Option<&mut LogView> {
    app.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Log(view) => Some(view),
        _ => None,
    })
}

pub(super) fn take(app: &mut App, read: Result<Option<Tail>, String>) {
    let again = app.now.instant.checked_add(AGAIN);
    let Some(view) = view(app) else { return };
    view.read_at = again;
    match read {
        Ok(Some(tail)) => view.read = Some(Ok(tail)),
        Ok(None) => {}
        Err(why) => view.read = Some(Err(why)),
    }
}

pub(super) fn clock(app: &mut App, out: &mut Vec<Effect>) {
    let now = app.now.instant;
    let Some(view) = view(app) else { return };
    if view.read_at.is_some_and(|at| at <= now) {
        view.read_at = None;
        let known = view.read.as_ref().and_then(|read| read.as_ref().ok()).map(|tail| tail.size);
        out.push(Effect::Files(FileErrand::Log(view.path.clone(), known)));
    }
}

/// Whether the line with which it is narrowed takes the key.
pub(super) fn types(view: &mut LogView, key: Key) -> bool {
    view.narrow.press(key)
}

pub(super) fn perform(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    let page = usize::from(layout::body(app.size).height.saturating_sub(2));
    let Some(view) = view(app) else { return };
    match action {
        Action::Back => {
            if !view.narrow.clear() {
                app.overlays.pop();
            }
        }
        Action::Filter => view.narrow.begin(),
        Action::View => view.level = view.level.next(),
        Action::CopyMenu => {
            let text = view.path.display().to_string();
            lists::copy(app, Copied { what: "the path of the log".to_owned(), text, holds: None }, out);
        }
        _ => {
            let shown = view.shown();
            let last = shown.len();
            let up_to = view.up_to(&shown).min(last);
            // the page stays full
            let to = lists::scrolled(up_to, action, page, last).max(page.min(last));
            let bottom = if to >= last { None } else { shown.get(to - 1).map(|line| line.at) };
            view.bottom = bottom;
        }
    }
}
