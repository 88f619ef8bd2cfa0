//! A colleague's runs, in another folder. One window has one folder of runs from its start to its end, because a run
//! that it carries is written down there: so the form makes the command that opens another one.

use super::{About, Sheet, Stays};
use crate::tui::app::App;
use crate::tui::form::{Button, Field, Form, Note, Row};
use crate::tui::message::Effect;
use crate::tui::theme::Ink;

/// The form.
pub(in crate::tui) fn open(app: &App) -> Sheet {
    Sheet { form: Form::new("Open a folder", rows(""), app.frame), about: About::Folder }
}

fn rows(folder: &str) -> Vec<Row> {
    let command = if folder.is_empty() { "trunkline --data-dir FOLDER".to_owned() } else { command(folder) };
    let may = if folder.is_empty() { Err("type the folder first".to_owned()) } else { Ok(()) };
    vec![
        Row::Text(
            "A window shows the runs of one folder. To see a colleague's, leave this one and start trunkline with \
             theirs: their runs, their failures and all that happened are in it."
                .to_owned(),
            Ink::Plain,
        ),
        Row::gap(),
        Row::Field(Field::text("folder", "Folder", folder).wide(46)),
        Row::gap(),
        Row::Text(command, Ink::Strong),
        Row::gap(),
        Row::Buttons(vec![Button::new("copy", "Copy the command").may(may), Button::new("leave", "Leave")]),
    ]
}

/// The command, with the folder as a shell takes it.
fn command(folder: &str) -> String {
    let plain = |char: char| char.is_alphanumeric() || "-_./~".contains(char);
    let folder = if folder.chars().all(plain) {
        folder.to_owned()
    } else {
        format!("'{}'", folder.replace('\'', r"'\''"))
    };
    format!("trunkline --data-dir {folder}")
}

pub(super) fn changed(form: &mut Form) {
    let folder = form.value("folder").to_owned();
    let text = folder.trim();
    form.arrange(rows(text));
    let odd = text.chars().any(|char| char.is_control() || crate::text::is_deceptive(char));
    form.note(
        "folder",
        if odd { Note::Wrong("holds characters that can't be seen".to_owned()) } else { Note::None },
    );
}

pub(super) fn pressed(app: &mut App, form: &Form, id: &str, out: &mut Vec<Effect>) -> Stays {
    if id != "copy" {
        return Stays::Closed;
    }
    out.push(Effect::Copy(command(form.value("folder").trim())));
    app.says("The command was sent to your terminal; if it isn't there to be pasted, select it here.");
    Stays::Open
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_folder_of_any_name_is_one_word_to_a_shell() {
        assert_eq!(command("/srv/runs"), "trunkline --data-dir /srv/runs");
        assert_eq!(command("~/runs"), "trunkline --data-dir ~/runs");
        assert_eq!(command("/a b; rm -rf '$HOME'"), r"trunkline --data-dir '/a b; rm -rf '\''$HOME'\'''");
    }
}
