//! Questions: asked once, the harmless answer first, and answered only by keys that came after they could be read.

use crossterm::event::KeyCode;

use super::{board, failures, leave, office, sheet};
use crate::tui::actions::{Action, Control, Key};
use crate::tui::app::{Act, App, Overlay, Place, Proof, Question, Seen};
use crate::tui::message::{Effect, Request};
use crate::tui::sheets::{self, Deferred};

/// The longest number that can be typed.
const LONGEST: usize = 10;

/// Puts a question over the board. No question is put over another.
pub(in crate::tui) fn ask(app: &mut App, question: Question) {
    if app.overlays.iter().any(|overlay| matches!(overlay, Overlay::Question(_))) {
        return;
    }
    app.notice = None;
    let frame = app.frame;
    app.overlays.push(Overlay::Question(Question { frame, seen: Seen::NotYet, ..question }));
}

/// A frame stands on the screen now.
pub(super) fn drawn(question: &mut Question, frame: u64) {
    if frame >= question.frame {
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
    let Proof::Number { typed, .. } = &mut question.proof else { return false };
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

/// A paste goes into the field, and never answers anything by itself. Says whether there was one.
pub(super) fn paste(question: &mut Question, text: &str) -> bool {
    let Question { proof: Proof::Number { typed, .. }, seen: Seen::Yes, marked, .. } = question else {
        return false;
    };
    *marked = Place::Field;
    typed.extend(text.chars().filter(char::is_ascii_digit).take(LONGEST));
    typed.truncate(LONGEST);
    true
}

pub(super) fn answer(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    let Some(question) = current(app) else { return };
    match (action, question.marked) {
        (Action::No, _) | (Action::Press, Place::Answer(0)) => dont(app),
        (Action::Yes, _) => go(app, 1, out),
        (Action::Press, Place::Answer(number)) => go(app, number, out),
        (Action::Press, Place::Field) => {
            // who has typed the number has thought about it: Enter does it
            if question.proof.is_given() {
                go(app, 1, out);
            } else {
                say_the_number(app);
            }
        }
        (Action::NextPlace, marked) => question.marked = beside(question, marked, 1),
        (Action::PreviousPlace, marked) => question.marked = beside(question, marked, -1),
        _ => {}
    }
}

/// A click on an answer: as if it had been marked and pressed.
pub(super) fn click(app: &mut App, number: usize, out: &mut Vec<Effect>) {
    if let Some(question) = current(app)
        && question.seen == Seen::Yes
        && number < question.answers.len()
    {
        question.marked = Place::Answer(number);
        answer(app, Action::Press, out);
    }
}

/// The place so many further on; after the last comes the first.
fn beside(question: &Question, marked: Place, by: isize) -> Place {
    let field = matches!(question.proof, Proof::Number { .. }).then_some(Place::Field);
    let places: Vec<Place> =
        field.into_iter().chain((0..question.answers.len()).map(Place::Answer)).collect();
    let place = places.iter().position(|place| *place == marked).unwrap_or(0);
    let next = (place + places.len()).saturating_add_signed(by) % places.len().max(1);
    places.get(next).copied().unwrap_or(marked)
}

fn say_the_number(app: &mut App) {
    if let Some(Question { proof: Proof::Number { wanted, .. }, .. }) = current(app) {
        let wanted = wanted.clone();
        app.warns(format!("Not yet: type the number {wanted} first."));
    }
}

fn dont(app: &mut App) {
    if let Some(Overlay::Question(question)) = app.overlays.pop()
        && let Some(said) =
            question.answers.get(1).and_then(|answer| answer.act.as_ref()).and_then(left_undone)
    {
        app.says(said);
    }
}

/// What did not happen.
const fn left_undone(act: &Act) -> Option<&'static str> {
    match act {
        Act::Resend(_) => Some("Nothing was sent."),
        Act::Judge(..) | Act::Undo(..) => Some("Nothing was changed."),
        _ => None,
    }
}

fn go(app: &mut App, number: usize, out: &mut Vec<Effect>) {
    let Some(question) = current(app) else { return };
    if !question.proof.is_given() {
        return say_the_number(app);
    }
    let Some(Overlay::Question(mut question)) = app.overlays.pop() else { return };
    if number >= question.answers.len() {
        return;
    }
    let Some(act) = question.answers.swap_remove(number).act else { return };
    if act.is_signed() {
        sheet::named_first(app, Deferred::Act(act), out);
    } else {
        carry_out(app, act, out);
    }
}

/// Does what an answer does.
pub(super) fn carry_out(app: &mut App, act: Act, out: &mut Vec<Effect>) {
    match act {
        Act::Leave => leave::drain(app, out),
        Act::Detach => leave::detach(app, out),
        Act::Resend(items) => failures::resend_many(app, items, out),
        Act::Judge(ids, judgement) => failures::judge(app, ids, judgement, out),
        Act::Undo(closed, edited) => failures::undo(app, closed, edited, out),
        Act::OpenEdit(id) => sheets::edit::begin(app, id, out),
        Act::Ceiling(rate) => board::set_ceiling(app, rate, out),
        Act::Cancel => office::cancel(app, out),
        Act::Resume(run) => office::resume(app, run, out),
        Act::GoOn(run) => board::go_on(app, run, out),
        Act::Remove(name) => out.push(Effect::Ask(Request::Remove(name))),
        Act::DropForm => sheet::drop_form(app),
    }
}
