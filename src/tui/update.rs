//! What every message changes. Pure: it reads no clock, touches no file and gives no command; it says what is to be
//! done, and the shell does it.
//!
//! One room an area: what lies over the board has its own, each pane that has keys of its own, and what comes from the
//! run, the journal and the office.

mod board;
pub(super) mod credentials;
mod datasets;
pub(super) mod failures;
mod leave;
mod lists;
mod log;
pub(super) mod mend;
mod mouse;
mod news;
mod office;
pub(super) mod question;
mod runs;
pub(super) mod sheet;
pub(super) mod welcome;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::actions::{self, Action, Key};
use super::app::{App, Named, Overlay, Pane, fitting};
use super::layout;
use super::message::{Effect, Found, Look, Message, Request, What};
use super::sheets;
use super::sheets::Deferred;

/// The effects with which a board begins.
pub(super) fn begin(app: &mut App) -> Vec<Effect> {
    let mut effects = vec![Effect::Ask(Request::Profiles)];
    datasets::begin(app, &mut effects);
    if app.run.is_some() {
        begin_run(app, &mut effects);
    }
    effects
}

/// What is read of a run that has come onto the board.
fn begin_run(app: &mut App, out: &mut Vec<Effect>) {
    app.read_at = Some(app.now.instant);
    app.look_again();
    app.reading_events = super::app::Reading::Under;
    out.push(Effect::Look(Look::Happenings));
    if !app.is_live() {
        news::look_at_map(app, out);
    }
    failures::read_again(app, out);
    out.push(Effect::Look(Look::Mendings));
}

/// Takes one message in. Returns what is to be done about it.
pub(super) fn update(app: &mut App, message: Message) -> Vec<Effect> {
    app.now = message.at;
    let mut effects = Vec::new();
    let out = &mut effects;
    // a frame that came onto the screen changes nothing on it
    let shows = !matches!(message.what, What::Drawn(_));
    match message.what {
        What::Key(key) => press(app, &key, out),
        What::Paste(text) => paste(app, &text, out),
        What::Mouse(gesture) => mouse::take(app, gesture, out),
        What::Resize(width, height) => {
            if !is_readable(app) {
                app.shows_from = app.frame;
            }
            app.size = fitting((width, height));
        }
        What::Figures(figures) => news::figures(app, *figures, out),
        What::Found(found) => take_found(app, found, out),
        What::FoundOf(run, found) => {
            if app.figures().is_some_and(|shown| shown.run == run) {
                take_found(app, found, out);
            }
        }
        What::JournalTrouble(error) => news::journal_trouble(app, &error),
        What::Answer(answer) => office::answer(app, answer, out),
        What::Files(answer) => datasets::answer(app, answer, out),
        What::NotTaken(crate::engine::Command::Edit { .. }) => mend::not_taken(app, out),
        What::NotTaken(command) => news::not_taken(app, command),
        What::Edited(text) => sheet::edited(app, text, out),
        What::Drawn(frame) => drawn(app, frame),
        What::Continued => leave::continued(app, out),
        What::Terminate => leave::terminate(app, out),
        What::Hangup => leave::hangup(app, out),
        What::Clock => clock(app, out),
    }
    failures::settle(app, out);
    datasets::settle(app, &mut effects);
    app.dirty |= shows;
    effects
}

fn take_found(app: &mut App, found: Found, out: &mut Vec<Effect>) {
    match found {
        Found::Row(row) => news::row(app, &row, out),
        Found::Events(events, tail) => news::events(app, events, tail, out),
        Found::Page(page) => {
            failures::page(app, page, out);
        }
        Found::Causes(causes) => failures::causes(app, causes, out),
        Found::Marks(edition, marks) => failures::marks(app, edition, marks),
        Found::Many(scope, split) => failures::many(app, &scope, *split, out),
        Found::Act(act, what) => failures::act_found(app, act, what),
        Found::Call(id, call) => failures::call_found(app, id, call, out),
        Found::Written(written) => failures::written(app, written),
        Found::Failure(item, detail) => failures::detail(app, item, detail),
        Found::Runs(rows) => runs::take(app, rows),
        Found::Map(map) => news::map(app, *map),
        Found::ToEdit(id, editable) => sheets::edit::come(app, id, editable, out),
        Found::Checked(number, tried) => sheets::edit::checked(app, number, *tried, out),
        Found::Mendings(mendings) => mend::mendings(app, mendings, out),
        Found::Change(errand, news) => sheets::change::news(app, errand, *news, out),
    }
}

/// Does what is due.
fn clock(app: &mut App, out: &mut Vec<Effect>) {
    let now = app.now.instant;
    if app.reread_at.is_some_and(|at| at <= now) {
        app.reread_at = None;
        app.read_at = Some(now);
        failures::read_again(app, out);
        // what was edited may have been sent by now
        if app.mendings.edited > 0 && app.after_edit.is_none() {
            out.push(Effect::Look(Look::Mendings));
        }
    }
    if app.look_at.is_some_and(|at| at <= now) {
        app.look_again();
        out.push(Effect::Look(Look::Row));
    }
    log::clock(app, out);
    leave::clock(app, out);
    if app.carried().is_some() {
        out.push(Effect::Sample);
    }
}

/// A frame stands on the screen: what is in it can be answered from now on.
fn drawn(app: &mut App, frame: u64) {
    if !is_readable(app) || frame < app.shows_from {
        return;
    }
    match app.overlays.last_mut() {
        Some(Overlay::Question(question)) => question::drawn(question, frame),
        Some(Overlay::Sheet(sheet)) => sheet.form.drawn(frame),
        Some(Overlay::Outcome(outcome)) => outcome.drawn(frame),
        _ => {}
    }
}

fn press(app: &mut App, event: &KeyEvent, out: &mut Vec<Effect>) {
    // some terminals tell of keys let go, too
    if event.kind == KeyEventKind::Release {
        return;
    }
    // Alt and a letter is what Esc and a letter look like when they come together: the letter is dropped
    let esc = Key { code: KeyCode::Esc, control: actions::Control::Free };
    let key = if event.modifiers.contains(KeyModifiers::ALT) { Some(esc) } else { Key::of(event) };
    if let Some(key) = key {
        press_key(app, key, out);
    }
}

fn press_key(app: &mut App, key: Key, out: &mut Vec<Effect>) {
    let action = actions::find(app, key);
    let everywhere = matches!(action, Some(Action::Interrupt | Action::Redraw | Action::Suspend));
    if !everywhere && is_readable(app) && takes(app, key, out) {
        return;
    }
    let Some(action) = action else {
        if let KeyCode::Char(char) = key.code
            && char.is_alphabetic()
            && !char.is_ascii()
        {
            let key = app.keymap.key(Action::Here);
            app.warns(format!("The keys are Latin letters; `{key}` lists what they do, and the arrows, Tab, Enter and Esc work with every keyboard."));
        }
        return;
    };
    act(app, action, out);
}

/// Whether there is room enough to see what a key does.
fn is_readable(app: &App) -> bool {
    layout::class(app.size) != layout::Class::TooSmall
}

/// Whether what lies uppermost, or a line of text that is open, takes the key for itself.
fn takes(app: &mut App, key: Key, out: &mut Vec<Effect>) -> bool {
    match app.overlays.last() {
        Some(Overlay::Question(_)) => question::takes(app, key),
        Some(Overlay::Sheet(_)) => {
            sheet::press(app, key, out);
            true
        }
        Some(Overlay::Actions(_) | Overlay::Runs(_) | Overlay::Log(_) | Overlay::Menu(_)) => {
            lists::types(app, key, out)
        }
        Some(_) => false,
        None => match app.focus {
            Pane::Failures => failures::types(app, key, out),
            Pane::Datasets => datasets::types(app, key),
            _ => false,
        },
    }
}

/// Does what an action says, if it may be done now.
pub(super) fn act(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    app.notice = None;
    if let Err(reason) = actions::may(app, action) {
        app.warns(format!("Not now: {reason}."));
        return;
    }
    if action.is_signed() && app.named == Named::No {
        return sheet::named_first(app, Deferred::Action(action), out);
    }
    perform(app, action, out);
}

fn perform(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    match action {
        Action::Interrupt => return leave::interrupt(app, out),
        Action::Suspend => return leave::suspend(app, out),
        Action::Redraw => return out.push(Effect::Redraw),
        Action::Help => return app.overlays.push(Overlay::Help { scroll: 0 }),
        // what is waited for is the uppermost, also where a page lies over the board
        Action::Back
            if app.overlays.last().is_some_and(|over| !matches!(over, Overlay::Sheet(_)))
                && board::stop_waiting(app, out) =>
        {
            return;
        }
        _ => {}
    }
    match app.overlays.last() {
        None => on_the_board(app, action, out),
        Some(Overlay::Question(_)) => question::answer(app, action, out),
        Some(Overlay::Failure(_)) => failures::in_one(app, action, out),
        Some(Overlay::Outcome(_)) => failures::in_outcome(app, action, out),
        Some(Overlay::Runs(_)) => runs::perform(app, action, out),
        Some(Overlay::Preview(_)) => datasets::in_preview(app, action, out),
        Some(Overlay::Log(_)) => log::perform(app, action, out),
        // its keys are its own; this comes of the mouse
        Some(Overlay::Sheet(_)) if action == Action::FormMain => {
            let key = Key { code: KeyCode::Char('s'), control: actions::Control::Held };
            sheet::press(app, key, out);
        }
        Some(Overlay::Sheet(_)) => {}
        Some(_) => lists::perform(app, action, out),
    }
}

fn on_the_board(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    match action {
        Action::Leave => leave::leave(app),
        Action::FocusNext | Action::FocusPrevious | Action::Focus(_) | Action::Zoom => {
            board::focus(app, action);
        }
        Action::Back => board::back(app, out),
        Action::PauseOrGoOn => board::pause_or_go_on(app, out),
        Action::MendFault => board::mend_fault(app, out),
        Action::Slower | Action::Faster => board::ceiling(app, action, out),
        Action::MoreWorkers | Action::FewerWorkers => board::workers(app, action, out),
        Action::Cancel => board::ask_to_cancel(app),
        Action::Report => office::report(app, out),
        Action::Mouse => board::mouse(app, out),
        Action::NewRun => sheet::open_new_run(app, out),
        Action::Practise => welcome::practise(app),
        Action::BackToLive => runs::back_to_live(app, out),
        Action::Runs => runs::open(app, out),
        Action::Log => log::open(app, out),
        Action::Commands => lists::open_commands(app),
        Action::Here => lists::open_here(app),
        _ => match app.focus {
            Pane::Credentials => credentials::perform(app, action, out),
            Pane::Datasets => datasets::perform(app, action, out),
            Pane::Failures => failures::perform(app, action, out),
            Pane::Run | Pane::Workers | Pane::Pace => board::scroll(app, action, out),
        },
    }
}

/// A paste goes into a field, and never answers anything by itself.
fn paste(app: &mut App, text: &str, out: &mut Vec<Effect>) {
    let taken = match app.overlays.last_mut() {
        Some(Overlay::Question(question)) => question::paste(question, text),
        Some(Overlay::Sheet(_)) => return sheet::paste(app, text, out),
        Some(_) => lists::paste(app, text),
        None => match app.focus {
            Pane::Failures => failures::paste(app, text),
            Pane::Datasets => datasets::paste(app, text),
            _ => false,
        },
    };
    if !taken {
        app.warns("What was pasted is dropped: there is no field here to put it into.");
    }
}
