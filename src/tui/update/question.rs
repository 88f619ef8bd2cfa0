//! Questions: asked once, the harmless answer first, and answered only by keys that came after they could be read.

use crossterm::event::KeyCode;

use super::{board, leave};
use crate::model::Seq;
use crate::tui::actions::{self, Action, Control, Key};
use crate::tui::app::{App, Asks, Overlay, Place, Proof, Question, Seen};
use crate::tui::message::Effect;
use crate::tui::words;

/// The longest number that can be typed.
const LONGEST: usize = 10;

pub(super) fn ask(app: &mut App, asks: Asks, proof: Proof) {
    let marked = if proof == Proof::Button { Place::Dont } else { Place::Field };
    let frame = app.frame;
    app.overlays.push(Overlay::Question(Question { asks, proof, marked, frame, seen: Seen::NotYet }));
}

/// The items are those of this moment: an act takes what the question names, and nothing that comes later.
pub(super) fn ask_to_resend(app: &mut App, items: Vec<Seq>) {
    app.notice = None;
    if items.is_empty() {
        app.warns("Not now: there is no open failure to send again.");
        return;
    }
    // things may have changed while they were counted, and no question is put over another
    if let Err(reason) = actions::may(app, Action::ResendAll) {
        app.warns(format!("Not now: {reason}."));
        return;
    }
    if app.overlays.iter().any(|overlay| matches!(overlay, Overlay::Question(_))) {
        return;
    }
    let production = app.figures().is_some_and(|figures| figures.production);
    let proof = if production { Proof::Number(String::new()) } else { Proof::Button };
    ask(app, Asks::Resend(items), proof);
}

/// The number that has to be typed.
pub(in crate::tui) fn wanted_number(question: &Question) -> String {
    match &question.asks {
        Asks::Leave => String::new(),
        Asks::Resend(items) => items.len().to_string(),
    }
}

/// Whether the button may be pressed.
pub(in crate::tui) fn proof_given(question: &Question) -> bool {
    match &question.proof {
        Proof::Button => true,
        Proof::Number(typed) => *typed == wanted_number(question),
    }
}

/// A frame stands on the screen now.
pub(super) fn drawn(app: &mut App, frame: u64) {
    if let Some(Overlay::Question(question)) = app.overlays.last_mut()
        && frame >= question.frame
    {
        question.seen = Seen::Yes;
    }
}

fn current(app: &mut App) -> Option<&mut Question> {
    match app.overlays.last_mut() {
        Some(Overlay::Question(question)) => Some(question),
        _ => None,
    }
}

/// Whether the question takes the key for itself: one that came too early, or one for its field.
pub(super) fn takes(app: &mut App, key: Key) -> bool {
    let Some(question) = current(app) else { return false };
    if question.seen == Seen::NotYet {
        return true;
    }
    let Proof::Number(typed) = &mut question.proof else { return false };
    match (key.code, key.control) {
        (KeyCode::Char(digit), Control::Free) if digit.is_ascii_digit() => {
            question.marked = Place::Field;
            if typed.len() < LONGEST {
                typed.push(digit);
            }
            true
        }
        (KeyCode::Backspace, _) => {
            question.marked = Place::Field;
            typed.pop();
            true
        }
        (KeyCode::Char('u'), Control::Held) => {
            typed.clear();
            true
        }
        _ => false,
    }
}

/// A paste goes into a field, and never answers anything by itself.
pub(super) fn paste(app: &mut App, text: &str) {
    if let Some(Question { proof: Proof::Number(typed), seen: Seen::Yes, marked, .. }) = current(app) {
        *marked = Place::Field;
        typed.extend(text.chars().filter(char::is_ascii_digit).take(LONGEST));
        typed.truncate(LONGEST);
        return;
    }
    app.warns("What was pasted is dropped: there is no field here to put it into.");
}

pub(super) fn answer(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    let Some(question) = current(app) else { return };
    match (action, question.marked) {
        (Action::No, _) | (Action::Press, Place::Dont) => dont(app),
        (Action::Yes, _) | (Action::Press, Place::Do) => go(app, out),
        (Action::Press, Place::Field) => {
            if proof_given(question) {
                question.marked = Place::Do;
            } else {
                say_the_number(app);
            }
        }
        (Action::NextPlace, marked) => question.marked = beside(marked, &question.proof, 1),
        (Action::PreviousPlace, marked) => question.marked = beside(marked, &question.proof, -1),
        _ => {}
    }
}

/// The place so many further on; after the last comes the first.
fn beside(marked: Place, proof: &Proof, by: isize) -> Place {
    let places: &[Place] = match proof {
        Proof::Button => &[Place::Dont, Place::Do],
        Proof::Number(_) => &[Place::Field, Place::Dont, Place::Do],
    };
    let place = places.iter().position(|place| *place == marked).unwrap_or(0);
    let next = (place + places.len()).saturating_add_signed(by) % places.len();
    places.get(next).copied().unwrap_or(marked)
}

fn say_the_number(app: &mut App) {
    let Some(question) = current(app) else { return };
    let wanted = wanted_number(question);
    app.warns(format!("Not yet: type the number {wanted} first."));
}

fn dont(app: &mut App) {
    if let Some(Overlay::Question(question)) = app.overlays.pop()
        && let Asks::Resend(_) = question.asks
    {
        app.says("Nothing was sent.");
    }
}

fn go(app: &mut App, out: &mut Vec<Effect>) {
    let Some(question) = current(app) else { return };
    if !proof_given(question) {
        say_the_number(app);
        return;
    }
    let Some(Overlay::Question(question)) = app.overlays.pop() else { return };
    match question.asks {
        Asks::Leave => leave::drain(app, out),
        Asks::Resend(items) => {
            // the board may have been left alone for an hour since it asked
            if let Err(reason) = actions::may(app, Action::ResendAll) {
                app.warns(format!("Not now: {reason}. Nothing was sent."));
                return;
            }
            let number = u64::try_from(items.len()).unwrap_or(u64::MAX);
            app.says(format!("Asked to send {} again.", words::some(number, "failure")));
            app.failures.mark_all_asked(&items);
            board::resend(app, items, out);
        }
    }
}
