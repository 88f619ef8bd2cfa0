//! The line into which a filter is typed. What is shown changes only with Enter, and only where all of it is understood.

use crossterm::event::KeyCode;
use jiff::Zoned;
use tui_input::Input;

use crate::journal::{Filter, FilterError};
use crate::text::is_deceptive;
use crate::tui::actions::Key;
use crate::tui::form::{Taken, put, type_into};

/// The line.
#[derive(Debug, Clone, Default)]
pub(in crate::tui) struct FilterLine {
    input: Input,
    /// The term that is not understood.
    pub wrong: Option<FilterError>,
    /// What the term being typed may become.
    pub offers: Vec<String>,
}

/// What became of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum Typed {
    /// It is not for the line.
    NotMine,
    /// It was, and what is shown stays.
    Kept,
    /// A term is not understood, and why.
    Wrong(String),
    /// This filter is to be shown, and as it was typed.
    Apply(Box<Filter>, String),
    /// No filter any more.
    Clear,
}

impl FilterLine {
    /// A line that begins with a filter that holds already.
    pub fn new(text: &str) -> Self {
        Self { input: Input::new(text.to_owned()), ..Self::default() }
    }

    pub fn text(&self) -> &str {
        self.input.value()
    }

    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Takes a key; times of day are those of `now`.
    pub fn press(&mut self, key: Key, now: &Zoned) -> Typed {
        match key.code {
            KeyCode::Esc => return Typed::Clear,
            KeyCode::Enter => return self.enter(now),
            KeyCode::Tab => {
                self.complete();
                return Typed::Kept;
            }
            KeyCode::BackTab => return Typed::Kept,
            KeyCode::Up | KeyCode::Down => return Typed::NotMine,
            _ => {}
        }
        if type_into(&mut self.input, key, |char| !char.is_control()) == Taken::No {
            return Typed::NotMine;
        }
        self.changed();
        Typed::Kept
    }

    /// Takes what was pasted.
    pub fn paste(&mut self, text: &str) {
        put(&mut self.input, text.trim(), |char| !char.is_control() && !is_deceptive(char));
        self.changed();
    }

    fn changed(&mut self) {
        self.wrong = None;
        self.offers = if self.text().trim().is_empty() { Vec::new() } else { self.offered() };
    }

    fn offered(&self) -> Vec<String> {
        Filter::complete(self.text(), self.input.cursor())
    }

    fn enter(&mut self, now: &Zoned) -> Typed {
        match Filter::parse_at(self.text(), now) {
            Ok(filter) if filter.is_empty() => Typed::Clear,
            Ok(filter) => Typed::Apply(Box::new(filter), self.text().trim().to_owned()),
            Err(error) => {
                let why = format!("`{}` at {}: {}", error.term, error.at, error.why);
                self.wrong = Some(error);
                Typed::Wrong(why)
            }
        }
    }

    /// Puts in what all that is offered has in common; all of it where there is one.
    fn complete(&mut self) {
        let offers = self.offered();
        let Some((first, rest)) = offers.split_first() else { return };
        let mut common = first.clone();
        while !rest.iter().all(|offer| offer.starts_with(&common)) {
            common.pop();
        }
        if rest.is_empty() && !common.ends_with(':') {
            common.push(' ');
        }
        let cursor = self.input.cursor();
        let before: String = self.text().chars().take(cursor).collect();
        let after: String = self.text().chars().skip(cursor).collect();
        let begin = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let kept = before.get(..begin).unwrap_or_default();
        let typed = before.get(begin..).unwrap_or_default();
        if common.chars().count() < typed.chars().count() {
            self.offers = offers;
            return;
        }
        let place = kept.chars().count() + common.chars().count();
        self.input = Input::new(format!("{kept}{common}{after}")).with_cursor(place);
        self.wrong = None;
        self.offers = if rest.is_empty() { self.offered() } else { offers };
    }
}
