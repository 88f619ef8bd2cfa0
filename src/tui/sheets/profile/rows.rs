//! How the form of a profile looks: its fields, the words beside them, and its buttons.

use super::draft::{OTHER, word_of};
use super::{ProfileSheet, Stage, Typed};
use crate::model::PlatformKind;
use crate::text::one_line;
use crate::tui::form::{Button, Choice, Field, Note, Row};
use crate::tui::office::Home;
use crate::tui::theme::Ink;
use crate::tui::words;

/// The columns of a name, and of an address.
const SHORT: u16 = 28;
const LONG: u16 = 44;

impl ProfileSheet {
    /// The fields that are shown, in their order.
    fn shown_fields(&self) -> Vec<&'static str> {
        let mut ids = vec!["name", "platform"];
        if self.platform() == PlatformKind::Genesys {
            ids.push("region");
        }
        if self.has_addresses() {
            ids.extend(["api_url", "auth_url"]);
        }
        ids.extend(["client_id", "home"]);
        ids.extend(match self.home() {
            Home::Keyring => &["secret"][..],
            Home::File => &["path", "secret"],
            Home::Env => &["variable"],
            Home::Command => &["command"],
        });
        ids.extend(["production", "read_only"]);
        ids
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> =
            self.shown_fields().into_iter().map(|id| Row::Field(self.field(id))).collect();
        rows.push(Row::gap());
        let said = self.said();
        if !said.is_empty() {
            rows.extend(said);
            rows.push(Row::gap());
        }
        rows.push(self.buttons());
        rows
    }

    fn field(&self, id: &'static str) -> Field {
        let text = self.kept.get(id).cloned().unwrap_or_default();
        match id {
            "platform" => {
                let words = [(PlatformKind::Genesys, "Genesys Cloud"), (PlatformKind::Cxone, "NICE CXone")];
                let options = words.map(|(kind, words)| (kind.word().to_owned(), words.to_owned(), Ok(())));
                Field::choice(id, label(id), Choice::among(options, &text)).wide(SHORT)
            }
            "region" => Field::choice(id, label(id), self.region_choice(&text)).wide(SHORT),
            "home" => Field::choice(id, label(id), self.home_choice(&text)).wide(SHORT),
            "secret" => Field::secret(id, label(id)).wide(SHORT),
            "production" | "read_only" => Field::tick(id, label(id), text == "yes"),
            "name" => Field::text(id, label(id), text).wide(SHORT),
            _ => Field::text(id, label(id), text).wide(LONG),
        }
    }

    fn region_choice(&self, taken: &str) -> Choice {
        // one that was written by another of its names is offered as it was written
        let own = (taken != OTHER && !self.regions.contains(&taken)).then_some(taken);
        let known = self.regions.iter().copied().chain(own);
        let options = known.map(|region| (region.to_owned(), region.to_owned(), Ok(())));
        let other = (OTHER.to_owned(), "other: type its address".to_owned(), Ok(()));
        Choice::among(options.chain([other]), taken)
    }

    fn home_choice(&self, taken: &str) -> Choice {
        let options = self.homes.iter().map(|(home, may)| {
            let words = match home {
                Home::Keyring => "the system's keyring",
                Home::File => "a file of yours only",
                Home::Env => "an environment variable",
                Home::Command => "a command that tells it",
            };
            // in the list, the reason stands beside what can't be taken
            let words = match may {
                Err(why) if word_of(*home) != taken => format!("{words}: {}", one_line(why, 200)),
                _ => words.to_owned(),
            };
            (word_of(*home).to_owned(), words, may.clone())
        });
        Choice::among(options, taken)
    }

    /// The words beside each field.
    pub(super) fn notes(&self) -> Vec<(&'static str, Note)> {
        let note = |id: &'static str| match self.problem(id) {
            Some(problem) if self.is_blank(id) && !self.touched.contains(id) => Note::Says(problem),
            Some(problem) => Note::Wrong(problem),
            None => self.hint(id).map_or(Note::None, |hint| Note::Says(hint.to_owned())),
        };
        self.shown_fields().into_iter().map(|id| (id, note(id))).collect()
    }

    fn is_blank(&self, id: &str) -> bool {
        if id == "secret" { self.secret == Typed::No } else { self.value(id).is_empty() }
    }

    fn hint(&self, id: &str) -> Option<&'static str> {
        let blank = self.is_blank(id);
        match id {
            "auth_url" if blank => Some("empty: found from the API address"),
            "secret" if blank && self.was.is_some() => Some("empty: the one that is kept stays"),
            "secret" if blank => Some("empty: the file holds it already"),
            "path" if blank => Some("empty: a file of our own, beside the configuration"),
            "variable" => Some("its name; it is set outside"),
            "command" => Some("what it prints is the secret"),
            "production" => Some("questions name it, and take a typed number"),
            "read_only" => Some("nothing is ever sent with it"),
            _ => None,
        }
    }

    /// What is wrong and was touched, for the frame.
    pub(super) fn foot(&self) -> String {
        let wrong: Vec<&str> = self
            .notes()
            .into_iter()
            .filter(|(_, note)| matches!(note, Note::Wrong(_)))
            .map(|(id, _)| label(id))
            .collect();
        if wrong.is_empty() {
            String::new()
        } else {
            format!("{} to be mended: {}", wrong.len(), wrong.join(", "))
        }
    }

    /// Why it was not saved, or else what the last test showed.
    fn said(&self) -> Vec<Row> {
        if let Some((_, why)) = self.unsaved.as_ref().filter(|(edition, _)| *edition == self.edition) {
            return vec![Row::Text(format!("✗ It was not saved: {why}"), Ink::Bad)];
        }
        if let Some(tested) = self.passed() {
            let had = format!("✓ It works: {}.", words::took(tested));
            let lines = words::may_do(tested).into_iter().map(|(text, ink)| Row::Text(text, ink));
            return std::iter::once(Row::words(had, Ink::Good)).chain(lines).collect();
        }
        match self.refused() {
            Some(why) => vec![
                Row::Text(format!("✗ {}", words::refusal(why)), Ink::Bad),
                Row::words("Mend it and test again, or save it as it is.", Ink::Dim),
            ],
            None => Vec::new(),
        }
    }

    fn buttons(&self) -> Row {
        let wrong = self.shown_fields().into_iter().find_map(|id| Some((label(id), self.problem(id)?)));
        let may = match (wrong, self.stage) {
            (_, Stage::Testing { .. }) => Err("it is being tested; Esc stops that".to_owned()),
            (_, Stage::Saving) => Err("it is being saved".to_owned()),
            (Some((label, problem)), _) => Err(format!("{}: {problem}", label.to_lowercase())),
            (None, Stage::Nothing) => Ok(()),
        };
        let mut buttons =
            vec![Button::new("test", "Test").may(may.clone()), Button::new("save", "Save").may(may.clone())];
        if self.refused().is_some() {
            buttons.push(Button::new("anyway", "Save all the same").may(may));
        }
        buttons.push(Button::new("leave", "Leave"));
        Row::Buttons(buttons)
    }
}

fn label(id: &str) -> &'static str {
    match id {
        "name" => "Name",
        "platform" => "Platform",
        "region" => "Region",
        "api_url" => "API address",
        "auth_url" => "Token address",
        "client_id" => "Client id",
        "home" => "Secret kept in",
        "secret" => "Secret",
        "path" => "File",
        "variable" => "Variable",
        "command" => "Command",
        "production" => "Production",
        _ => "Read only",
    }
}
