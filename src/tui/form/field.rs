//! A field of a form: a line of text, a secret, one of several, or a tick.

use crossterm::event::KeyCode;
use secrecy::zeroize::Zeroizing;
use tui_input::{Input, InputRequest};

use crate::config::Secret;
use crate::text::is_deceptive;
use crate::tui::actions::{Control, Key};

/// The longest text that a field takes, in characters.
const LONGEST: usize = 4_000;

/// A field.
#[derive(Debug, Clone)]
pub(in crate::tui) struct Field {
    pub id: String,
    pub label: String,
    pub kind: Kind,
    /// What stands beside it.
    pub note: Note,
    /// How many columns it has for its value.
    pub width: u16,
}

/// What a field takes.
#[derive(Debug, Clone)]
pub(in crate::tui) enum Kind {
    /// A line of text.
    Text(Input),
    /// Digits only.
    Digits(Input),
    /// A text that is not shown.
    Secret(SecretText),
    /// One of several.
    Choice(Choice),
    /// Yes or no.
    Tick(bool),
}

/// The words beside a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum Note {
    /// None.
    None,
    /// What it is for.
    Says(String),
    /// It is as it should be.
    Good(String),
    /// What is wrong with it.
    Wrong(String),
}

/// One of several.
#[derive(Debug, Clone)]
pub(in crate::tui) struct Choice {
    /// What there is: the value, the words for it, and why it can't be taken where it can't.
    pub options: Vec<(String, String, Result<(), String>)>,
    /// Which of them is taken.
    pub at: usize,
    /// The one that is marked in the open list.
    pub open: Option<usize>,
    /// What was typed to find it.
    pub typed: String,
}

impl Choice {
    /// A choice among values that are their own words.
    pub fn of(values: impl IntoIterator<Item = impl Into<String>>, taken: &str) -> Self {
        Self::among(
            values.into_iter().map(|value| {
                let value = value.into();
                (value.clone(), value, Ok(()))
            }),
            taken,
        )
    }

    /// A choice among values with words.
    pub fn among(
        options: impl IntoIterator<Item = (String, String, Result<(), String>)>,
        taken: &str,
    ) -> Self {
        let options: Vec<_> = options.into_iter().collect();
        let at = options.iter().position(|(value, ..)| value == taken).unwrap_or(0);
        Self { options, at, open: None, typed: String::new() }
    }

    pub fn value(&self) -> &str {
        self.options.get(self.at).map_or("", |(value, ..)| value)
    }

    pub fn words(&self) -> &str {
        self.options.get(self.at).map_or("", |(_, words, _)| words)
    }

    fn show(&mut self) {
        self.open = Some(self.at);
        self.typed.clear();
    }

    /// Types a character more, where some option has what is typed then: at its beginning, at that of a word, or
    /// anywhere. Returns the first of these; of those that begin like a first character, the next one.
    fn seek(&mut self, char: char) -> Option<usize> {
        if self.typed.is_empty() && char == ' ' {
            return None;
        }
        let typed = format!("{}{}", self.typed, char.to_lowercase());
        let fits = |words: &str| {
            let words = words.to_lowercase();
            let at_a_word = words.contains(&format!(" {typed}"));
            words.find(&typed).map(|at| if at == 0 { 0 } else { 2 - u8::from(at_a_word) })
        };
        let from = self.open.unwrap_or(self.at) + usize::from(self.typed.is_empty());
        let count = self.options.len();
        let options = self.options.iter().enumerate().filter(|(_, (_, _, may))| may.is_ok());
        let found = options
            .filter_map(|(place, (_, words, _))| {
                Some((fits(words)?, (place + count - from % count) % count, place))
            })
            .min();
        let (.., place) = found?;
        self.typed = typed;
        Some(place)
    }

    fn take(&mut self, place: usize) -> Taken {
        match self.options.get(place) {
            Some((_, words, Err(why))) => Taken::Refused(format!("{words}: {why}")),
            Some(_) if place != self.at => {
                self.at = place;
                self.open = None;
                Taken::Changed
            }
            _ => {
                self.open = None;
                Taken::Yes
            }
        }
    }

    /// The next one that can be taken, round the end.
    fn turn(&mut self, by: isize) -> Taken {
        self.typed.clear();
        let count = self.options.len();
        let mut place = self.at;
        for _ in 1..count {
            place = (place + count).saturating_add_signed(by) % count;
            if self.options.get(place).is_some_and(|(_, _, may)| may.is_ok()) {
                return self.take(place);
            }
        }
        Taken::Yes
    }
}

/// A secret while it is typed. It is wiped when it is dropped, and never shown.
#[derive(Clone, Default)]
pub(in crate::tui) struct SecretText(Zeroizing<String>);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl SecretText {
    /// How long it is, in characters.
    pub fn len(&self) -> usize {
        self.0.chars().count()
    }

    /// The secret itself; none where nothing was typed.
    pub fn secret(&self) -> Option<Secret> {
        (!self.0.is_empty()).then(|| Secret::new((*self.0).clone()))
    }

    /// With room from the start, so that growing leaves no copy behind.
    fn put(&mut self, text: &str) {
        if self.0.capacity() < LONGEST * 4 {
            let mut roomy = Zeroizing::new(String::with_capacity(LONGEST * 4));
            roomy.push_str(&self.0);
            self.0 = roomy;
        }
        let room = LONGEST.saturating_sub(self.len());
        self.0.extend(text.chars().take(room));
    }
}

/// What became of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum Taken {
    /// It is not for the field.
    No,
    /// It was, and its value is as it was.
    Yes,
    /// Its value is another one.
    Changed,
    /// Why it was not taken.
    Refused(String),
}

impl Field {
    pub fn text(id: impl Into<String>, label: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(id, label, Kind::Text(Input::new(value.into())))
    }

    pub fn digits(id: impl Into<String>, label: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(id, label, Kind::Digits(Input::new(value.into())))
    }

    pub fn secret(id: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(id, label, Kind::Secret(SecretText::default()))
    }

    pub fn choice(id: impl Into<String>, label: impl Into<String>, choice: Choice) -> Self {
        Self::new(id, label, Kind::Choice(choice))
    }

    pub fn tick(id: impl Into<String>, label: impl Into<String>, ticked: bool) -> Self {
        Self::new(id, label, Kind::Tick(ticked))
    }

    fn new(id: impl Into<String>, label: impl Into<String>, kind: Kind) -> Self {
        Self { id: id.into(), label: label.into(), kind, note: Note::None, width: 28 }
    }

    pub fn wide(self, width: u16) -> Self {
        Self { width, ..self }
    }

    pub fn says(self, text: impl Into<String>) -> Self {
        Self { note: Note::Says(text.into()), ..self }
    }

    /// Its value as text. A secret has none: it is taken by `secret`.
    pub fn value(&self) -> &str {
        match &self.kind {
            Kind::Text(input) | Kind::Digits(input) => input.value(),
            Kind::Choice(choice) => choice.value(),
            Kind::Tick(true) => "yes",
            Kind::Tick(false) => "no",
            Kind::Secret(_) => "",
        }
    }

    /// The secret in it.
    pub fn typed_secret(&self) -> Option<Secret> {
        match &self.kind {
            Kind::Secret(text) => text.secret(),
            _ => None,
        }
    }

    /// Puts a value into it, as if the person had.
    pub fn set(&mut self, value: &str) {
        match &mut self.kind {
            Kind::Text(input) | Kind::Digits(input) => *input = Input::new(value.to_owned()),
            Kind::Choice(choice) => {
                if let Some(at) = choice.options.iter().position(|(known, ..)| known == value) {
                    choice.at = at;
                }
            }
            Kind::Tick(ticked) => *ticked = value == "yes",
            Kind::Secret(_) => {}
        }
    }

    /// Takes over what was typed into the field that was here before.
    pub(super) fn keep(&mut self, was: Self) {
        match (&mut self.kind, was.kind) {
            (Kind::Text(now), Kind::Text(then)) | (Kind::Digits(now), Kind::Digits(then)) => *now = then,
            (Kind::Secret(now), Kind::Secret(then)) => *now = then,
            (Kind::Tick(now), Kind::Tick(then)) => *now = then,
            (Kind::Choice(now), Kind::Choice(then)) => {
                if let Some(at) = now.options.iter().position(|(value, ..)| value == then.value()) {
                    now.at = at;
                    now.open = then.open.filter(|open| *open < now.options.len());
                    now.typed = then.typed;
                }
            }
            _ => {}
        }
        if self.note == Note::None {
            self.note = was.note;
        }
    }

    /// Closes an open list.
    pub(super) fn close(&mut self) {
        if let Kind::Choice(choice) = &mut self.kind {
            choice.open = None;
            choice.typed.clear();
        }
    }

    pub(super) fn click(&mut self) -> Taken {
        match &mut self.kind {
            Kind::Tick(ticked) => {
                *ticked = !*ticked;
                Taken::Changed
            }
            Kind::Choice(choice) => {
                match choice.open {
                    Some(_) => choice.open = None,
                    None => choice.show(),
                }
                Taken::Yes
            }
            _ => Taken::Yes,
        }
    }

    /// Takes the entry of a list that has this value.
    pub(super) fn choose(&mut self, value: &str) -> Taken {
        let Kind::Choice(choice) = &mut self.kind else { return Taken::No };
        match choice.options.iter().position(|(known, ..)| known == value) {
            Some(place) => choice.take(place),
            None => Taken::No,
        }
    }

    pub(super) fn press(&mut self, key: Key) -> Taken {
        match &mut self.kind {
            Kind::Text(input) => type_into(input, key, |char| !char.is_control()),
            Kind::Digits(input) => type_into(input, key, |char| char.is_ascii_digit()),
            Kind::Secret(text) => type_secret(text, key),
            Kind::Choice(choice) => choose(choice, key),
            Kind::Tick(ticked) => match key.code {
                KeyCode::Char(' ') | KeyCode::Left | KeyCode::Right => {
                    *ticked = !*ticked;
                    Taken::Changed
                }
                _ => Taken::No,
            },
        }
    }

    pub(super) fn paste(&mut self, text: &str) -> Taken {
        // what comes at both sides of a copied line is the copying's, not the text's
        let text = text.trim_matches(['\r', '\n']);
        match &mut self.kind {
            Kind::Text(input) => put(input, text, |char| !char.is_control() && !is_deceptive(char)),
            Kind::Digits(input) => put(input, text, |char| char.is_ascii_digit()),
            Kind::Secret(secret) => secret.put(text),
            Kind::Choice(_) | Kind::Tick(_) => return Taken::No,
        }
        Taken::Changed
    }
}

/// Puts a pasted text into a line.
pub(in crate::tui) fn put(input: &mut Input, text: &str, takes: impl Fn(char) -> bool) {
    let room = LONGEST.saturating_sub(input.value().chars().count());
    for char in text.chars().filter(|char| takes(*char)).take(room) {
        input.handle(InputRequest::InsertChar(char));
    }
}

/// Types a key into a line of text.
pub(in crate::tui) fn type_into(input: &mut Input, key: Key, takes: impl Fn(char) -> bool) -> Taken {
    let request = match (key.code, key.control) {
        (KeyCode::Char(char), Control::Free) => {
            if !takes(char) {
                return Taken::Refused("only digits go into this field".to_owned());
            }
            if input.value().chars().count() >= LONGEST {
                return Taken::Refused("this field is full".to_owned());
            }
            InputRequest::InsertChar(char)
        }
        (KeyCode::Char('u'), Control::Held) => InputRequest::DeleteLine,
        (KeyCode::Char('w'), Control::Held) => InputRequest::DeletePrevWord,
        (KeyCode::Char('a'), Control::Held) | (KeyCode::Home, _) => InputRequest::GoToStart,
        (KeyCode::Char('e'), Control::Held) | (KeyCode::End, _) => InputRequest::GoToEnd,
        (KeyCode::Backspace, _) => InputRequest::DeletePrevChar,
        (KeyCode::Delete, _) => InputRequest::DeleteNextChar,
        (KeyCode::Left, Control::Free) => InputRequest::GoToPrevChar,
        (KeyCode::Right, Control::Free) => InputRequest::GoToNextChar,
        (KeyCode::Left, Control::Held) => InputRequest::GoToPrevWord,
        (KeyCode::Right, Control::Held) => InputRequest::GoToNextWord,
        _ => return Taken::No,
    };
    match input.handle(request) {
        Some(changed) if changed.value => Taken::Changed,
        _ => Taken::Yes,
    }
}

fn type_secret(text: &mut SecretText, key: Key) -> Taken {
    match (key.code, key.control) {
        (KeyCode::Char(char), Control::Free) => text.put(char.encode_utf8(&mut [0; 4])),
        (KeyCode::Backspace, _) => drop(text.0.pop()),
        (KeyCode::Char('u' | 'w'), Control::Held) => *text = SecretText::default(),
        (KeyCode::Left | KeyCode::Right | KeyCode::Home | KeyCode::End, _) => return Taken::Yes,
        _ => return Taken::No,
    }
    Taken::Changed
}

fn choose(choice: &mut Choice, key: Key) -> Taken {
    let last = choice.options.len().saturating_sub(1);
    let Some(marked) = choice.open else {
        return match key.code {
            KeyCode::Enter => {
                choice.show();
                Taken::Yes
            }
            KeyCode::Left => choice.turn(-1),
            KeyCode::Right => choice.turn(1),
            KeyCode::Char(char) if key.control == Control::Free => match choice.seek(char) {
                Some(place) => choice.take(place),
                None if char == ' ' => choice.turn(1),
                None => Taken::Yes,
            },
            _ => Taken::No,
        };
    };
    match key.code {
        KeyCode::Enter => return choice.take(marked),
        KeyCode::Tab | KeyCode::BackTab => {
            choice.open = None;
            return Taken::No;
        }
        KeyCode::Char(char) if key.control == Control::Free => match choice.seek(char) {
            Some(place) => choice.open = Some(place),
            // a blank may stand in a name
            None if char == ' ' => return choice.take(marked),
            None => {}
        },
        KeyCode::Backspace => drop(choice.typed.pop()),
        KeyCode::Esc => {
            choice.open = None;
            choice.typed.clear();
        }
        _ => {
            choice.typed.clear();
            match key.code {
                KeyCode::Up => choice.open = Some(marked.saturating_sub(1)),
                KeyCode::Down => choice.open = Some((marked + 1).min(last)),
                KeyCode::PageUp => choice.open = Some(marked.saturating_sub(8)),
                KeyCode::PageDown => choice.open = Some((marked + 8).min(last)),
                KeyCode::Home => choice.open = Some(0),
                KeyCode::End => choice.open = Some(last),
                _ => {}
            }
        }
    }
    Taken::Yes
}
