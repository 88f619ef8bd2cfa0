//! The person's name, asked for before the first thing that is written down with it.

use super::{About, Deferred, Sheet, Stays};
use crate::text::one_line;
use crate::tui::app::{App, Named};
use crate::tui::form::{Button, Field, Form, Note, Row};
use crate::tui::message::Effect;
use crate::tui::theme::Ink;
use crate::tui::update;

/// The longest name, as the configuration takes it.
const LONGEST: usize = 64;

/// The form, with the guess filled in.
pub(in crate::tui) fn open(app: &App, then: Deferred) -> Sheet {
    let rows = vec![
        Row::Text(
            "Sending again, changing, closing and cancelling are written down with who did it, for all who look \
             at the run later."
                .to_owned(),
            Ink::Plain,
        ),
        Row::gap(),
        Row::Field(Field::text("name", "Your name", app.by.clone())),
        Row::gap(),
        Row::words("Asked once in each window; `[ui] name` in the configuration keeps it.", Ink::Dim),
        Row::gap(),
        buttons(&app.by),
    ];
    Sheet { form: Form::new("Who are you?", rows, app.frame), about: About::Name(then) }
}

fn buttons(name: &str) -> Row {
    Row::Buttons(vec![
        Button::new("go", "Go on").may(problem(name).map_or(Ok(()), Err)),
        Button::new("leave", "Leave"),
    ])
}

fn problem(name: &str) -> Option<String> {
    let name = name.trim();
    (name.is_empty() || one_line(name, LONGEST) != name)
        .then(|| format!("a name of at most {LONGEST} visible characters is needed"))
}

pub(super) fn changed(form: &mut Form) {
    let name = form.value("name").to_owned();
    form.note("name", problem(&name).map_or(Note::None, Note::Wrong));
    if let Some(row) = form.rows.last_mut() {
        *row = buttons(&name);
    }
}

pub(super) fn pressed(
    app: &mut App,
    form: &mut Form,
    then: &mut Deferred,
    id: &str,
    out: &mut Vec<Effect>,
) -> Stays {
    if id == "go" {
        form.value("name").trim().clone_into(&mut app.by);
        app.named = Named::Yes;
        update::sheet::go_on_with(app, then.clone(), out);
    }
    Stays::Closed
}
