//! The line with which a list is narrowed: `/` opens it, what is typed narrows at once, Enter keeps it, Esc clears it.

use crossterm::event::KeyCode;
use tui_input::Input;

use super::actions::Key;
use super::canvas::{Canvas, width};
use super::form::{Taken, put, type_into};
use super::theme::Ink;
use crate::text::is_deceptive;

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub(super) struct Narrow {
    typed: Input,
    typing: Typing,
}

/// Whether the line takes the keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Typing {
    #[default]
    No,
    Yes,
}

impl Narrow {
    /// A line that is open from the start.
    pub fn open() -> Self {
        Self { typed: Input::default(), typing: Typing::Yes }
    }

    /// The line takes the keys from now on.
    pub fn begin(&mut self) {
        self.typing = Typing::Yes;
    }

    pub fn is_typing(&self) -> bool {
        self.typing == Typing::Yes
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        self.typed.value()
    }

    /// Clears it. Says whether there was anything.
    pub fn clear(&mut self) -> bool {
        let was = self.is_typing() || !self.text().is_empty();
        *self = Self::default();
        was
    }

    /// Whether it takes the key. Keys that move in the list are never its own.
    pub fn press(&mut self, key: Key) -> bool {
        if !self.is_typing() {
            return false;
        }
        match key.code {
            KeyCode::Enter => self.typing = Typing::No,
            KeyCode::Esc => *self = Self::default(),
            KeyCode::Home | KeyCode::End => return false,
            _ => return type_into(&mut self.typed, key, |char| !char.is_control()) != Taken::No,
        }
        true
    }

    /// Whether it takes what was pasted.
    pub fn paste(&mut self, text: &str) -> bool {
        if self.is_typing() {
            put(&mut self.typed, text.trim(), |char| !char.is_control() && !is_deceptive(char));
        }
        self.is_typing()
    }

    /// Whether every word that was typed stands in the text, in any case.
    pub fn takes(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.text().to_lowercase().split_whitespace().all(|word| text.contains(word))
    }

    /// Draws it in the row; returns where the real cursor stands while it takes the keys.
    pub fn draw(&self, label: &str, y: u16, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
        let ink = if self.is_typing() { Ink::Strong } else { Ink::Plain };
        let x = canvas.write(1, y, label, Ink::Dim);
        let room = canvas.width().saturating_sub(x + 5);
        let skip = self.typed.visual_scroll(usize::from(room.saturating_sub(1)));
        let shown: String = self.text().chars().skip(skip).collect();
        let before: String = self.text().chars().take(self.typed.cursor()).skip(skip).collect();
        let end = canvas.write(x, y, if self.is_typing() { "▸[ " } else { " [ " }, ink);
        let closes = canvas.write_within(end, y, room, &shown, ink).max(end);
        canvas.write(closes, y, " ]", ink);
        self.is_typing().then(|| canvas.place(end + width(&before).min(room), y)).flatten()
    }
}
