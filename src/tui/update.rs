//! What every message changes. Pure: it reads no clock, touches no file and gives no command; it says what is to be
//! done, and the shell does it.

mod board;
mod leave;
mod news;
pub(super) mod question;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::actions::{self, Action, Key};
use super::app::{App, Overlay};
use super::layout;
use super::message::{Effect, Message, What};

/// The effects with which a board begins.
pub(super) fn begin(app: &mut App) -> Vec<Effect> {
    if app.run.is_none() {
        return Vec::new();
    }
    app.read_at = Some(app.now.instant);
    app.look_again();
    let mut effects = vec![Effect::ReadHappenings];
    app.reading_events = super::app::Reading::Under;
    effects.extend(app.failures.ask_again().map(Effect::ReadPage));
    effects
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
        What::Paste(text) => question::paste(app, &text),
        What::Resize(width, height) => app.size = (width, height),
        What::Figures(figures) => news::figures(app, *figures, out),
        What::Row(row) => news::row(app, &row, out),
        What::Events(events, tail) => news::events(app, events, tail, out),
        What::Page(page) => out.extend(app.failures.take(page).map(Effect::ReadPage)),
        What::Failure(item, detail) => news::failure(app, item, detail),
        What::Open(items) => question::ask_to_resend(app, items),
        What::JournalTrouble(error) => news::journal_trouble(app, &error),
        What::NotTaken(command) => news::not_taken(app, command),
        What::Resent(started) => news::resent(app, started, out),
        What::Drawn(frame) => question::drawn(app, frame),
        What::Continued => leave::continued(app, out),
        What::Terminate => leave::terminate(app, out),
        What::Hangup => leave::hangup(app, out),
        What::Clock => clock(app, out),
    }
    app.failures.settle(layout::failure_rows(app));
    app.dirty |= shows;
    effects
}

/// Does what is due.
fn clock(app: &mut App, out: &mut Vec<Effect>) {
    let now = app.now.instant;
    if app.reread_at.is_some_and(|at| at <= now) {
        app.reread_at = None;
        app.read_at = Some(now);
        out.extend(app.failures.ask_again().map(Effect::ReadPage));
    }
    if app.look_at.is_some_and(|at| at <= now) {
        app.look_again();
        out.push(Effect::ReadRow);
    }
    leave::clock(app, out);
    if app.is_live() {
        out.push(Effect::Sample);
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
    if action != Some(Action::Interrupt) && question::takes(app, key) {
        return;
    }
    let Some(action) = action else {
        if let KeyCode::Char(char) = key.code
            && char.is_alphabetic()
            && !char.is_ascii()
        {
            app.warns("The keys are Latin letters; the arrows, Tab, Enter and Esc work with every keyboard.");
        }
        return;
    };
    app.notice = None;
    if let Err(reason) = actions::may(app, action) {
        app.warns(format!("Not now: {reason}."));
        return;
    }
    perform(app, action, out);
}

fn perform(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    match action {
        Action::Interrupt => leave::interrupt(app, out),
        Action::Leave => leave::leave(app),
        Action::Suspend => leave::suspend(app, out),
        Action::Redraw => out.push(Effect::Redraw),
        Action::Yes | Action::No | Action::NextPlace | Action::PreviousPlace | Action::Press => {
            question::answer(app, action, out);
        }
        Action::Help => app.overlays.push(Overlay::Help { scroll: 0 }),
        Action::FocusNext | Action::FocusPrevious | Action::Focus(_) | Action::Zoom => {
            board::focus(app, action);
        }
        Action::Back => board::back(app),
        Action::PauseOrGoOn => board::pause_or_go_on(app, out),
        Action::Slower | Action::Faster => board::ceiling(app, action, out),
        Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Home | Action::End => {
            board::scroll(app, action, out);
        }
        Action::Open => board::open(app, out),
        Action::NextFailure => board::neighbour(app, 1, out),
        Action::PreviousFailure => board::neighbour(app, -1, out),
        Action::ResendOne => board::resend_one(app, out),
        Action::ResendAll => {
            app.says("The open failures are being counted…");
            out.push(Effect::ListOpen);
        }
    }
}
