//! Keys in *2 Datasets*, and what the files answer.

use std::ffi::OsString;
use std::path::PathBuf;

use crossterm::event::KeyCode;
use tui_input::InputRequest;

use super::sheet;
use crate::tui::actions::{self, Action, Control, Key};
use crate::tui::app::{App, Overlay, Pane};
use crate::tui::datasets::{Counting, CountsGo, Line, LookedAt, Narrow, UP};
use crate::tui::files::{FileAnswer, FileErrand, FileKind};
use crate::tui::layout;
use crate::tui::message::Effect;
use crate::tui::overlays::preview::{Preview, Shows};
use crate::tui::sheets::new_run;

/// The longest text with which names are narrowed, in characters.
const LONGEST: usize = 200;

pub(super) fn begin(_app: &mut App, out: &mut Vec<Effect>) {
    out.push(Effect::Files(FileErrand::Begin));
}

pub(super) fn perform(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    let page = layout::dataset_rows(app).saturating_sub(1).max(1);
    let at = app.datasets.at().unwrap_or(0);
    match action {
        Action::Up => app.datasets.go(at.saturating_sub(1)),
        Action::Down => app.datasets.go(at + 1),
        Action::PageUp => app.datasets.go(at.saturating_sub(page)),
        Action::PageDown => app.datasets.go(at + page),
        Action::Home => app.datasets.go(0),
        Action::End => app.datasets.go(usize::MAX),
        Action::Open => open(app, out),
        Action::Parent => parent(app, out),
        Action::Mark => mark(app),
        Action::LookInside => look_inside(app, out),
        Action::Narrow => app.datasets.narrow.line = Line::Open,
        _ => {}
    }
}

/// Opens the folder under the cursor, or a new run with the file, or with all that are marked.
fn open(app: &mut App, out: &mut Vec<Effect>) {
    let Some(row) = app.datasets.current() else { return };
    if row.name == UP {
        return parent(app, out);
    }
    let path = app.datasets.path_of(&row.name);
    if row.kind == FileKind::Folder {
        return enter(app, path, None, out);
    }
    let files = if app.datasets.marks.is_empty() { vec![path] } else { app.datasets.marks.clone() };
    new_run::open(app, &files, out);
}

fn parent(app: &mut App, out: &mut Vec<Effect>) {
    let Some(parent) = app.datasets.folder.parent().map(ToOwned::to_owned) else { return };
    let from = app.datasets.folder.file_name().map(ToOwned::to_owned);
    enter(app, parent, from, out);
}

fn enter(app: &mut App, folder: PathBuf, name: Option<OsString>, out: &mut Vec<Effect>) {
    stop(app, out);
    app.datasets.enter(folder.clone(), name);
    out.push(Effect::Files(FileErrand::List(folder)));
}

fn mark(app: &mut App) {
    let Some(row) = app.datasets.current() else { return };
    let path = app.datasets.path_of(&row.name);
    app.datasets.mark(path);
    let at = app.datasets.at().unwrap_or(0);
    app.datasets.go(at + 1);
}

fn look_inside(app: &mut App, out: &mut Vec<Effect>) {
    let Some(row) = app.datasets.current() else { return };
    let path = app.datasets.path_of(&row.name);
    app.overlays.push(Overlay::Preview(Preview::of(path.clone())));
    out.push(Effect::Files(FileErrand::Peek(path)));
}

/// A click: the cursor goes there; a second one opens it.
pub(super) fn click(app: &mut App, name: OsString, out: &mut Vec<Effect>) {
    super::board::to_pane(app, Pane::Datasets);
    if app.datasets.cursor.as_ref() == Some(&name) {
        super::act(app, Action::Open, out);
    } else {
        app.datasets.cursor = Some(name);
    }
}

/// One step back: the narrowing, then the count. Says whether there was one.
pub(super) fn back(app: &mut App, out: &mut Vec<Effect>) -> bool {
    if !app.datasets.narrow.text.value().is_empty() {
        app.datasets.narrow = Narrow::default();
        app.datasets.narrow();
        return true;
    }
    if app.datasets.counting.is_some() {
        stop(app, out);
        app.datasets.counts_go = CountsGo::Stopped;
        app.says("Stopped counting in this folder.");
        return true;
    }
    false
}

/// Stops the count that goes on.
fn stop(app: &mut App, out: &mut Vec<Effect>) {
    if app.datasets.counting.take().is_some() {
        out.push(Effect::Files(FileErrand::StopCounting));
    }
}

/// Keys in a preview.
pub(super) fn in_preview(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    let rows = layout::preview_rows(app.size);
    let Some(Overlay::Preview(preview)) = app.overlays.last_mut() else { return };
    match action {
        Action::Back => drop(app.overlays.pop()),
        Action::Open => {
            let path = preview.path.clone();
            if let Err(why) = actions::startable(app) {
                return app.warns(format!("Not now: {why}."));
            }
            app.overlays.pop();
            new_run::open(app, &[path], out);
        }
        _ => preview.scroll(action, rows),
    }
}

/// Whether the line with which names are narrowed takes the key.
pub(super) fn types(app: &mut App, key: Key) -> bool {
    let datasets = &mut app.datasets;
    if datasets.narrow.line == Line::Closed {
        return false;
    }
    let text = &mut datasets.narrow.text;
    match (key.code, key.control) {
        (KeyCode::Char(char), Control::Free) if text.value().chars().count() < LONGEST => {
            text.handle(InputRequest::InsertChar(char));
        }
        (KeyCode::Char('u'), Control::Held) => *text = tui_input::Input::default(),
        (KeyCode::Char('w'), Control::Held) => drop(text.handle(InputRequest::DeletePrevWord)),
        (KeyCode::Backspace, _) => drop(text.handle(InputRequest::DeletePrevChar)),
        (KeyCode::Left, _) => drop(text.handle(InputRequest::GoToPrevChar)),
        (KeyCode::Right, _) => drop(text.handle(InputRequest::GoToNextChar)),
        (KeyCode::Enter | KeyCode::Tab, _) => datasets.narrow.line = Line::Closed,
        (KeyCode::Esc, _) => datasets.narrow = Narrow::default(),
        (KeyCode::Char(_), _) => {}
        _ => return false,
    }
    datasets.narrow();
    true
}

/// Whether that line takes what was pasted.
pub(super) fn paste(app: &mut App, text: &str) -> bool {
    let datasets = &mut app.datasets;
    if datasets.narrow.line == Line::Closed {
        return false;
    }
    for char in text.chars().filter(|char| !char.is_control()).take(LONGEST) {
        datasets.narrow.text.handle(InputRequest::InsertChar(char));
    }
    datasets.narrow();
    true
}

pub(super) fn answer(app: &mut App, answer: FileAnswer, out: &mut Vec<Effect>) {
    match answer {
        FileAnswer::Log(read) => super::log::take(app, read),
        FileAnswer::Begun { folder, home } => {
            app.datasets.start.clone_from(&folder);
            app.datasets.home = home;
            enter(app, folder, None, out);
        }
        FileAnswer::Listed(folder, listed) if folder == app.datasets.folder => app.datasets.take(listed),
        // a folder that was left meanwhile
        FileAnswer::Listed(..) => {}
        FileAnswer::CountGoes(path, read, of) => {
            if let Some(counting) = app.datasets.counting.as_mut().filter(|counting| counting.path == path) {
                counting.far = (read, of);
            }
        }
        FileAnswer::Counted(path, count) => {
            app.datasets.keep_count(path, count);
            sheet::with_new_run(app, |app, sheet| new_run::counted(app, sheet));
        }
        FileAnswer::Peeked(path, peeked) => {
            if let Some(Overlay::Preview(preview)) = app.overlays.last_mut()
                && preview.path == path
            {
                preview.shows = match peeked {
                    Ok(peek) => Shows::Here(peek),
                    Err(why) => Shows::Refused(why),
                };
            }
        }
        FileAnswer::Found(patterns, found) => {
            sheet::with_new_run(app, |app, sheet| new_run::found(app, sheet, &patterns, found));
        }
    }
}

/// After every message: the cursor is to be seen, a folder that is looked at again is read again, and the next file is
/// counted.
pub(super) fn settle(app: &mut App, out: &mut Vec<Effect>) {
    let height = layout::dataset_rows(app);
    app.datasets.settle(height);
    let here = app.focus == Pane::Datasets;
    if here && app.datasets.looked_at == LookedAt::No && !app.datasets.folder.as_os_str().is_empty() {
        app.datasets.looked_at = LookedAt::Yes;
        out.push(Effect::Files(FileErrand::List(app.datasets.folder.clone())));
    } else if !here {
        app.datasets.looked_at = LookedAt::No;
    }
    if app.datasets.counting.is_none()
        && let Some(path) = app.datasets.next_to_count()
    {
        app.datasets.counting = Some(Counting { path: path.clone(), far: (0, 0) });
        out.push(Effect::Files(FileErrand::Count(path)));
    }
}
