//! The keys of a person: those of the table, and in their place what `[ui.keys]` names. It is held to the same rules as
//! the table: no key means two things at once, and a capital letter only ever stands for what asks first.

use std::collections::BTreeMap;

use crossterm::event::KeyCode;

use super::{Action, Control, Entry, Key, LIVE_TOGETHER, TABLE};
use crate::config::{KeyBinding, KeyBindings};
use crate::text::one_line;

/// The keys that differ from the table's, by the names of their actions.
#[derive(Debug, Clone, Default)]
pub(in crate::tui) struct Keymap {
    own: BTreeMap<&'static str, Vec<Key>>,
}

/// What is wrong in `[ui.keys]`, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct KeysError {
    place: String,
    what: String,
}

impl Keymap {
    /// The keys of the table, with those that a person has named.
    ///
    /// # Errors
    ///
    /// A name or a key is not known, or a key would mean two things at once.
    pub fn of_config(bindings: &KeyBindings) -> Result<Self, KeysError> {
        let mut keymap = Self::default();
        for binding in &bindings.0 {
            let said = |what: String| KeysError { place: binding.place.clone(), what };
            let entry = named(binding).map_err(said)?;
            let keys: Result<Vec<Key>, String> = binding.keys.iter().map(|text| key(text)).collect();
            let keys = keys.map_err(said)?;
            if keys.is_empty() {
                return Err(said(format!("`{}` in [ui.keys] has no key; name at least one", entry.name)));
            }
            for key in &keys {
                let capital = matches!(key.code, KeyCode::Char(char) if char.is_ascii_uppercase());
                if capital && !entry.words.contains("asks") {
                    return Err(said(format!(
                        "`{}` in [ui.keys] can't have the capital `{}`: a capital stands for what asks first",
                        entry.name,
                        key.name()
                    )));
                }
            }
            keymap.own.insert(entry.name, keys);
        }
        for binding in &bindings.0 {
            keymap.hold_apart(binding)?;
        }
        Ok(keymap)
    }

    /// The keys of an action.
    pub fn of<'k>(&'k self, entry: &'k Entry) -> &'k [Key] {
        self.own.get(entry.name).filter(|_| !entry.name.is_empty()).map_or(entry.keys, Vec::as_slice)
    }

    /// The first key of an action, for a sentence that names it.
    pub fn key(&self, action: Action) -> String {
        let entry = TABLE.iter().find(|entry| entry.action == action);
        entry.and_then(|entry| self.of(entry).first()).map_or_else(String::new, |key| key.name())
    }

    /// Whether every key of a binding means one thing wherever it lives.
    fn hold_apart(&self, binding: &KeyBinding) -> Result<(), KeysError> {
        let mine = TABLE.iter().filter(|entry| entry.name == binding.action);
        for entry in mine {
            for together in LIVE_TOGETHER.iter().filter(|set| set.contains(&entry.context)) {
                let others = TABLE.iter().filter(|other| together.contains(&other.context));
                for other in others.filter(|other| !std::ptr::eq(*other, entry)) {
                    if let Some(key) = self.of(entry).iter().find(|key| self.of(other).contains(key)) {
                        let what = format!(
                            "`{}` in [ui.keys]: the key `{}` is taken, {}, for: {}",
                            entry.name,
                            key.name(),
                            other.context.name(),
                            other.words
                        );
                        return Err(KeysError { place: binding.place.clone(), what });
                    }
                }
            }
        }
        Ok(())
    }
}

fn named(binding: &KeyBinding) -> Result<&'static Entry, String> {
    // what an action is called in several places is told once
    let is_first =
        |place: usize, name: &str| TABLE.iter().position(|other| other.name == name) == Some(place);
    let all = TABLE.iter().map(|entry| entry.name).enumerate();
    let names = || {
        all.clone().filter(|(place, name)| !name.is_empty() && is_first(*place, name)).map(|(_, name)| name)
    };
    TABLE.iter().find(|entry| !entry.name.is_empty() && entry.name == binding.action).ok_or_else(|| {
        let hint = crate::config::nearest_name(&binding.action, names()).unwrap_or_else(|| {
            let all: Vec<&str> = names().collect();
            format!("; there are {}", all.join(", "))
        });
        format!("unknown action `{}` in [ui.keys]{hint}", one_line(&binding.action, 60))
    })
}

/// Reads a key: a character, `Space`, `F1` to `F12`, `Insert`, `Delete`, or `Ctrl-` and a letter.
fn key(text: &str) -> Result<Key, String> {
    const THERE_ARE: &str =
        "there are characters, `Space`, `Insert`, `Delete`, `F1` to `F12`, and `Ctrl-` with a letter";
    let shown = one_line(text, 30);
    let free = |code| Ok(Key { code, control: Control::Free });
    let mut chars = text.chars();
    if let (Some(char), None) = (chars.next(), chars.next()) {
        if char.is_ascii_graphic() {
            return free(KeyCode::Char(char));
        }
        return Err(format!("`{shown}` in [ui.keys] is not a key of every keyboard; {THERE_ARE}"));
    }
    if let Some(letter) = text.strip_prefix("Ctrl-").or_else(|| text.strip_prefix("ctrl-")) {
        return match letter.as_bytes() {
            [letter] if matches!(letter.to_ascii_lowercase(), b'h' | b'i' | b'j' | b'm') => Err(format!(
                "`{shown}` in [ui.keys] can't be told from Backspace, Tab or Enter by a terminal; name another one"
            )),
            [letter] if letter.is_ascii_alphabetic() => Ok(Key {
                code: KeyCode::Char(char::from(letter.to_ascii_lowercase())),
                control: Control::Held,
            }),
            _ => Err(format!("`{shown}` in [ui.keys] is not a key; {THERE_ARE}")),
        };
    }
    match text {
        "Space" => free(KeyCode::Char(' ')),
        "Insert" => free(KeyCode::Insert),
        "Delete" => free(KeyCode::Delete),
        "Enter" | "Esc" | "Tab" | "Shift-Tab" | "Backspace" | "Up" | "Down" | "Left" | "Right" | "PgUp"
        | "PgDn" | "Home" | "End" => {
            Err(format!("`{shown}` in [ui.keys] means the same everywhere and stays so"))
        }
        _ => match text.strip_prefix('F').and_then(|number| number.parse::<u8>().ok()) {
            Some(number @ 1..=12) => free(KeyCode::F(number)),
            _ => Err(format!("`{shown}` in [ui.keys] is not a key; {THERE_ARE}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bindings(all: &[(&str, &[&str])]) -> KeyBindings {
        let binding = |(action, keys): &(&str, &[&str])| KeyBinding {
            action: (*action).to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            place: format!("config.toml:7:1 {action}"),
        };
        KeyBindings(all.iter().map(binding).collect())
    }

    fn refused(all: &[(&str, &[&str])]) -> String {
        Keymap::of_config(&bindings(all)).unwrap_err().to_string()
    }

    #[test]
    fn a_named_key_takes_the_place_of_the_tables() {
        let keymap = Keymap::of_config(&bindings(&[("pause", &["F5", "Ctrl-p"])])).unwrap();
        assert_eq!(keymap.key(Action::PauseOrGoOn), "F5");
        // the key that became free can be given away
        let keymap = Keymap::of_config(&bindings(&[("history", &["p"]), ("pause", &["h"])])).unwrap();
        assert_eq!([keymap.key(Action::Runs), keymap.key(Action::PauseOrGoOn)], ["p", "h"]);
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_place() {
        assert_eq!(
            refused(&[("pauze", &["F5"])]),
            "config.toml:7:1 pauze: unknown action `pauze` in [ui.keys]; did you mean `pause`?"
        );
        assert!(refused(&[("pause", &["F13"])]).contains("`F13` in [ui.keys] is not a key"));
        assert!(refused(&[("pause", &["Enter"])]).contains("means the same everywhere"));
        assert!(refused(&[("pause", &["Ctrl-m"])]).contains("can't be told from"));
        assert!(refused(&[("pause", &["ж"])]).contains("not a key of every keyboard"));
        assert!(refused(&[("pause", &[])]).contains("has no key"));
    }

    #[test]
    fn no_key_means_two_things_where_both_live() {
        let double = refused(&[("pause", &["z"])]);
        assert!(double.contains("the key `z` is taken, on the board, in any pane"), "{double}");
        let pane = refused(&[("pause", &["d"])]);
        assert!(pane.contains("in 6 Failures"), "a pane's key lives together with the board's: {pane}");
        assert!(refused(&[("pause", &["Ctrl-c"])]).contains("everywhere"));
        // two panes never live together
        assert!(Keymap::of_config(&bindings(&[("credentials.test", &["v"])])).is_ok());
    }

    #[test]
    fn a_capital_stands_for_what_asks() {
        assert!(refused(&[("pause", &["P"])]).contains("a capital stands for what asks first"));
        assert!(Keymap::of_config(&bindings(&[("failures.send_marked", &["S"])])).is_ok());
    }
}
