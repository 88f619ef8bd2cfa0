//! Keys in what lies over the board and has no acts of its own on a run: lists to choose from, and pages to read.

use crossterm::event::KeyCode;

use super::{act, board, log, runs};
use crate::tui::actions::{Action, Control, Key};
use crate::tui::app::{App, Overlay};
use crate::tui::layout;
use crate::tui::message::Effect;
use crate::tui::overlays;
use crate::tui::overlays::actions::{ActionList, Scope};
use crate::tui::overlays::menu::{Copied, Menu, MenuAct};
use crate::tui::overlays::text::TextPage;

/// All commands, to be searched.
pub(super) fn open_commands(app: &mut App) {
    app.overlays.push(Overlay::Actions(ActionList::new(Scope::Everywhere)));
}

/// What can be done here.
pub(super) fn open_here(app: &mut App) {
    app.overlays.push(Overlay::Actions(ActionList::new(Scope::Here)));
}

/// Puts a short list over the board.
pub(super) fn open_menu(app: &mut App, menu: Menu) {
    app.notice = None;
    app.overlays.push(Overlay::Menu(menu));
}

/// Hands a text to the terminal, and shows it.
pub(super) fn copy(app: &mut App, copied: Copied, out: &mut Vec<Effect>) {
    out.push(Effect::Copy(copied.text.clone()));
    app.overlays.push(Overlay::Copied(copied));
}

pub(super) fn perform(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    if matches!(app.overlays.last(), Some(Overlay::Welcome { .. })) {
        return super::welcome::perform(app, action, out);
    }
    if action == Action::Back {
        app.overlays.pop();
        return;
    }
    let page = usize::from(layout::full_page(app.size).height.saturating_sub(2));
    match app.overlays.last() {
        Some(Overlay::Help { .. }) => {
            let most = overlays::rows_of_help(app).len().saturating_sub(page);
            if let Some(Overlay::Help { scroll }) = app.overlays.last_mut() {
                *scroll = scrolled(*scroll, action, page, most);
            }
        }
        Some(Overlay::Text(text)) => {
            let most = overlays::text::rows(app, text).len().saturating_sub(page);
            if let Some(Overlay::Text(TextPage { scroll, .. })) = app.overlays.last_mut() {
                *scroll = scrolled(*scroll, action, page, most);
            }
        }
        Some(Overlay::Menu(menu)) => {
            let at = menu.at;
            if action == Action::Open {
                take_row(app, at, out);
            } else if let Some(Overlay::Menu(menu)) = app.overlays.last_mut() {
                menu.at = scrolled(menu.at, action, page, menu.rows.len().saturating_sub(1));
            }
        }
        Some(Overlay::Actions(_)) => in_actions(app, action, page, out),
        _ => {}
    }
}

fn in_actions(app: &mut App, action: Action, page: usize, out: &mut Vec<Effect>) {
    let Some(Overlay::Actions(list)) = app.overlays.last() else { return };
    let items = overlays::items_of_actions(app, list);
    let row = list.row(&items);
    if action == Action::Open {
        return do_item(app, row, out);
    }
    let row = scrolled(row, action, page, items.len().saturating_sub(1));
    let at = items.get(row).map(|item| item.place);
    if let Some(Overlay::Actions(list)) = app.overlays.last_mut() {
        list.at = at;
    }
}

/// Does what a row of the list of commands says, or says why it can't be done.
fn do_item(app: &mut App, row: usize, out: &mut Vec<Effect>) {
    let Some(Overlay::Actions(list)) = app.overlays.last() else { return };
    let Some(item) = overlays::items_of_actions(app, list).into_iter().nth(row) else { return };
    if let Err(why) = item.may {
        return app.warns(format!("Not now: {why}."));
    }
    app.overlays.pop();
    if let Some(pane) = item.pane {
        board::to_pane(app, pane);
    }
    act(app, item.entry.action, out);
}

/// A click on a row of a list.
pub(super) fn click(app: &mut App, row: usize, out: &mut Vec<Effect>) {
    match app.overlays.last() {
        Some(Overlay::Welcome { .. }) => super::welcome::click(app, row),
        Some(Overlay::Menu(_)) => take_row(app, row, out),
        Some(Overlay::Outcome(_)) => super::failures::press_in_outcome(app, row, out),
        Some(Overlay::Actions(_)) => do_item(app, row, out),
        Some(Overlay::Runs(_)) => runs::click(app, row, out),
        None if app.failures.shows_causes() => super::failures::click_cause(app, row, out),
        _ => {}
    }
}

/// Does what a row of the short list says.
fn take_row(app: &mut App, row: usize, out: &mut Vec<Effect>) {
    let Some(Overlay::Menu(menu)) = app.overlays.last() else { return };
    let Some(act) = menu.rows.get(row).map(|row| row.act.clone()) else { return };
    app.overlays.pop();
    match act {
        MenuAct::Copy(copied) => copy(app, copied, out),
        MenuAct::CopyCall(id) => super::failures::copy_call(app, id, out),
        MenuAct::Sort(sort) => super::failures::sort(app, sort, out),
        MenuAct::View(view) => super::failures::view(app, view, out),
        MenuAct::SortRuns(sort) => runs::sort(app, sort),
    }
}

/// Where a text is after a key, of so many rows to a page, and so many that it can be scrolled at the most.
pub(super) fn scrolled(scroll: usize, action: Action, page: usize, most: usize) -> usize {
    let page = page.saturating_sub(1).max(1);
    match action {
        Action::Up => scroll.saturating_sub(1),
        Action::Down => scroll + 1,
        Action::PageUp => scroll.saturating_sub(page),
        Action::PageDown => scroll + page,
        Action::Home => 0,
        Action::End => most,
        _ => scroll,
    }
    .min(most)
}

/// Whether the line with which a list is narrowed, or a row's own letter, takes the key.
pub(super) fn types(app: &mut App, key: Key, out: &mut Vec<Effect>) -> bool {
    match app.overlays.last_mut() {
        Some(Overlay::Menu(menu)) => {
            let KeyCode::Char(char) = key.code else { return false };
            let Some(row) = menu.of_key(char).filter(|_| key.control == Control::Free) else { return false };
            take_row(app, row, out);
            true
        }
        // its line is open from the first to the last: Enter does, and Esc leaves
        Some(Overlay::Actions(list)) if !matches!(key.code, KeyCode::Enter | KeyCode::Esc) => {
            list.narrow.press(key)
        }
        Some(Overlay::Runs(list)) => list.narrow.press(key),
        Some(Overlay::Log(view)) => log::types(view, key),
        _ => false,
    }
}

/// Whether that line takes what was pasted.
pub(super) fn paste(app: &mut App, text: &str) -> bool {
    match app.overlays.last_mut() {
        Some(Overlay::Actions(list)) => list.narrow.paste(text),
        Some(Overlay::Runs(list)) => list.narrow.paste(text),
        Some(Overlay::Log(view)) => view.narrow.paste(text),
        _ => false,
    }
}
