//! The note with which failures are closed. It is needed: who looks at a closed failure in half a year reads nothing else.

use super::{About, Sheet, Stays};
use crate::journal::Judgement;
use crate::model::FailureId;
use crate::tui::actions::{self, Action};
use crate::tui::app::{Act, App, Question};
use crate::tui::form::{Button, Choice, Field, Form, Note, Row, Touched};
use crate::tui::message::Effect;
use crate::tui::theme::Ink;
use crate::tui::update::{failures, question, sheet as forms};
use crate::tui::words;

/// The fields.
const NOTE: &str = "note";
const EARLIER: &str = "earlier";
/// The button.
const CLOSE: &str = "close";

/// The longest note, in characters.
const LONGEST: usize = 500;

/// Failures that are about to be closed.
#[derive(Debug)]
pub(in crate::tui) struct Closing {
    ids: Vec<FailureId>,
    /// What becomes of them, with the keys for it.
    after: String,
    /// The last notes, the newest first.
    earlier: Vec<String>,
}

/// Asks for the note with which these are closed: those of this moment, and none that come later. `one` says that it is
/// the one under the cursor, which needs no further question.
pub(in crate::tui) fn open(app: &mut App, ids: Vec<FailureId>, one: bool) {
    if let Err(why) = actions::mendable(app) {
        return app.warns(format!("Not now: {why}."));
    }
    if ids.is_empty() {
        return app.warns("Not now: there is no open failure to close.");
    }
    let number = u64::try_from(ids.len()).unwrap_or(u64::MAX);
    let key = ids.first().and_then(|id| app.failures.rows.iter().find(|row| row.id == *id));
    let title = match key.filter(|_| one) {
        Some(row) => format!("Close {}", row.key),
        None => format!("Close {}", words::some(number, "failure")),
    };
    let key = |action| app.keymap.key(action);
    let after = format!(
        "It leaves the list. {} shows what is closed, {} opens it again. Say why:",
        key(Action::View),
        key(Action::UndoOne)
    );
    let closing = Closing { ids, after, earlier: app.mendings.notes.clone() };
    let form = Form { main: Some(CLOSE), ..Form::new(title, closing.rows(""), app.frame) };
    forms::open(app, Sheet { form, about: About::Closing(closing) });
}

/// They are being closed: the form has done its work.
pub(in crate::tui) fn done(app: &mut App) {
    forms::with_about(app, is, |_, _| Stays::Closed);
}

fn is(about: &About) -> bool {
    matches!(about, About::Closing(_))
}

impl Closing {
    fn rows(&self, note: &str) -> Vec<Row> {
        let why = if note.trim().is_empty() { Err("it needs a note".to_owned()) } else { Ok(()) };
        let mut field = Field::text(NOTE, "Note", note).wide(52);
        field.note = Note::Says(String::new());
        let mut rows = vec![Row::Text(self.after.clone(), Ink::Dim), Row::Field(field)];
        if !self.earlier.is_empty() {
            let nothing = (String::new(), "(one of the last notes)".to_owned(), Ok(()));
            let earlier = self.earlier.iter().map(|one| (one.clone(), one.clone(), Ok(())));
            let list = Choice::among(std::iter::once(nothing).chain(earlier), note);
            rows.push(Row::Field(Field::choice(EARLIER, "Or", list).wide(52)));
        }
        rows.push(Row::gap());
        let number = u64::try_from(self.ids.len()).unwrap_or(u64::MAX);
        let close = if number == 1 {
            "Close it".to_owned()
        } else {
            format!("Close {}", words::some(number, "failure"))
        };
        rows.push(Row::Buttons(vec![Button::new(CLOSE, close).may(why), Button::new("leave", "Leave")]));
        rows
    }

    pub fn changed(&self, form: &mut Form, id: &str) {
        if id == EARLIER {
            let chosen = form.value(EARLIER).to_owned();
            if !chosen.is_empty()
                && let Some(field) = form.field_mut(NOTE)
            {
                field.set(&chosen);
            }
        }
        let note = form.value(NOTE).to_owned();
        form.arrange(self.rows(&note));
    }

    pub fn pressed(&self, app: &mut App, form: &mut Form, id: &str, out: &mut Vec<Effect>) -> Stays {
        if id != CLOSE {
            return Stays::Closed;
        }
        let note = crate::text::one_line(form.value(NOTE).trim(), LONGEST);
        let judgement = Judgement::Dismiss(note.clone());
        let number = u64::try_from(self.ids.len()).unwrap_or(u64::MAX);
        let production = app.figures().is_some_and(|figures| figures.production);
        if !production || number == 1 {
            failures::judge(app, self.ids.clone(), judgement, out);
            return Stays::Closed;
        }
        let tenant = app.figures().map(words::tenant).unwrap_or_default();
        let asked = vec![
            (format!("Close {} of {tenant}?", words::some(number, "failure")), Ink::Bad),
            (String::new(), Ink::Plain),
            (format!("With the note: {note}"), Ink::Plain),
            ("Nothing is sent. Closed ones can be opened again.".to_owned(), Ink::Plain),
        ];
        let act = Act::Judge(self.ids.clone(), judgement);
        question::ask(app, Question::new(asked, "Don't close", "Close", act).with_number(number));
        // the note is in the question; should it be declined, the form is still there
        form.touched = Touched::Yes;
        Stays::Open
    }
}
