//! All colours and signs of the board, in one place.
//!
//! State is never told by colour alone: every state has a word and a sign too, so that `mono` and `NO_COLOR` lose
//! nothing. Colours are the sixteen that a person's terminal theme defines, because those fit its background.

use ratatui::style::{Color, Modifier, Style};

/// How the board looks and behaves, as the configuration and the environment have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ui {
    /// The colours.
    pub theme: Theme,
    /// The signs.
    pub glyphs: GlyphSet,
    /// Whether the bell rings at a fault and at the end.
    pub bell: Bell,
    /// Who sits there, for the audit trail.
    pub name: String,
}

/// The colours of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// No colours: bold, dim and reversed only.
    Mono,
}

/// What signs and lines are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlyphSet {
    /// Blocks, lines and arrows.
    Unicode,
    /// ASCII only.
    Ascii,
}

/// Whether the terminal's bell may ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bell {
    /// It rings once at a fault and once at the end.
    Rings,
    /// It does not.
    Silent,
}

/// What a piece of text is, which decides how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// Ordinary text.
    Plain,
    /// Less important.
    Dim,
    /// More important.
    Strong,
    /// Went well.
    Good,
    /// Waits, is slowed down.
    Warn,
    /// Went wrong.
    Bad,
    /// A key, in hints and help.
    Key,
    /// The frame of a pane.
    Frame,
    /// The frame of the pane that has the keys.
    FocusFrame,
    /// The row, button or field that the keys act on.
    Cursor,
    /// The mark of a production tenant.
    Production,
}

/// A theme and a set of signs, resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub theme: Theme,
    pub glyphs: GlyphSet,
}

impl Look {
    /// The style of an ink.
    pub fn style(self, ink: Ink) -> Style {
        let plain = Style::new();
        let shaped = match ink {
            Ink::Plain | Ink::Good | Ink::Warn => plain,
            Ink::Dim | Ink::Frame => plain.add_modifier(Modifier::DIM),
            Ink::Strong | Ink::Bad | Ink::Key | Ink::FocusFrame => plain.add_modifier(Modifier::BOLD),
            Ink::Cursor => plain.add_modifier(Modifier::REVERSED),
            Ink::Production => plain.add_modifier(Modifier::REVERSED | Modifier::BOLD),
        };
        let (good, warn, bad, key) = match self.theme {
            Theme::Mono => return shaped,
            Theme::Dark => (Color::Green, Color::Yellow, Color::LightRed, Color::Cyan),
            Theme::Light => (Color::Green, Color::Magenta, Color::Red, Color::Blue),
        };
        match ink {
            Ink::Good => shaped.fg(good),
            Ink::Warn => shaped.fg(warn),
            Ink::Bad | Ink::Production => shaped.fg(bad),
            Ink::Key | Ink::FocusFrame => shaped.fg(key),
            Ink::Plain | Ink::Dim | Ink::Strong | Ink::Frame | Ink::Cursor => shaped,
        }
    }

    /// A character as this set draws it. In ASCII every sign of ours has a twin; any other character is a `?`.
    pub fn glyph(self, char: char) -> char {
        if self.glyphs == GlyphSet::Unicode || char.is_ascii() {
            return char;
        }
        match char {
            '█' | '■' => '#',
            '▓' | '‖' => '=',
            '▇' => '%',
            '▆' => '*',
            '▅' => '+',
            '▄' => '=',
            '▃' => '-',
            '▂' => ':',
            '▁' | '·' | '░' => '.',
            '▸' | '▶' | '→' | '›' => '>',
            '←' | '‹' => '<',
            '◆' => '*',
            '✗' => '!',
            '✓' => 'v',
            '◐' | '…' => '~',
            '─' | '–' => '-',
            '│' => '|',
            '┌' | '┐' | '└' | '┘' => '+',
            '↑' => '^',
            '↓' => 'v',
            '×' => 'x',
            _ => '?',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Ink; 11] = [
        Ink::Plain,
        Ink::Dim,
        Ink::Strong,
        Ink::Good,
        Ink::Warn,
        Ink::Bad,
        Ink::Key,
        Ink::Frame,
        Ink::FocusFrame,
        Ink::Cursor,
        Ink::Production,
    ];

    #[test]
    fn mono_has_no_colour_and_still_tells_what_matters() {
        let look = Look { theme: Theme::Mono, glyphs: GlyphSet::Unicode };
        for ink in ALL {
            let style = look.style(ink);
            assert_eq!((style.fg, style.bg), (None, None), "{ink:?}");
        }
        assert_ne!(look.style(Ink::Cursor), look.style(Ink::Plain));
        assert_ne!(look.style(Ink::FocusFrame), look.style(Ink::Frame));
    }

    #[test]
    fn every_theme_shows_the_cursor_without_colour() {
        for theme in [Theme::Dark, Theme::Light, Theme::Mono] {
            let look = Look { theme, glyphs: GlyphSet::Unicode };
            assert!(look.style(Ink::Cursor).add_modifier.contains(Modifier::REVERSED));
        }
    }
}
