//! All colours and signs of the board, in one place.
//!
//! State is never told by colour alone: every state has a word and a sign too, so that `mono` and `NO_COLOR` lose
//! nothing. Colours are the sixteen that a person's terminal theme defines, because those fit its background.

use ratatui::style::{Color, Modifier, Style};

use super::input::Told;
use crate::config::{self, Ui};

/// The colours of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Theme {
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// No colours: bold, dim and reversed only.
    Mono,
}

/// What signs and lines are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GlyphSet {
    /// Blocks, lines and arrows.
    Unicode,
    /// ASCII only.
    Ascii,
}

/// Whether the terminal's bell may ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bell {
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

/// Whether there are frames, bars and things that move by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoration {
    /// There are.
    Full,
    /// Words and numbers only, which change only when something has happened: for screen readers.
    Plain,
}

/// A theme, a set of signs and the decoration, resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub theme: Theme,
    pub glyphs: GlyphSet,
    pub decoration: Decoration,
}

impl Look {
    /// Monochrome, with all signs: what widths are measured with.
    pub const MONO: Self =
        Self { theme: Theme::Mono, glyphs: GlyphSet::Unicode, decoration: Decoration::Full };

    /// What the configuration wants, and where it leaves that open, what the environment suggests.
    ///
    /// `NO_COLOR` (<https://no-color.org>) takes colours away whatever else is said. `COLORFGBG`, where a terminal sets
    /// it, ends with the number of its background.
    pub fn resolve(ui: &Ui, variable: impl Fn(&str) -> Option<String>) -> Self {
        let told = |name: &str| variable(name).filter(|value| !value.is_empty());
        let theme = match ui.theme {
            _ if told("NO_COLOR").is_some() => Theme::Mono,
            config::Theme::Mono => Theme::Mono,
            config::Theme::Dark => Theme::Dark,
            config::Theme::Light => Theme::Light,
            config::Theme::Auto if told("TERM").is_some_and(|term| term == "dumb") => Theme::Mono,
            config::Theme::Auto => {
                let light = told("COLORFGBG")
                    .is_some_and(|colours| matches!(colours.rsplit(';').next(), Some("7" | "15")));
                if light { Theme::Light } else { Theme::Dark }
            }
        };
        let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(told).is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let glyphs = match ui.glyphs {
            config::Glyphs::Auto if utf8 => GlyphSet::Unicode,
            config::Glyphs::Auto | config::Glyphs::Ascii => GlyphSet::Ascii,
        };
        let decoration = if ui.plain { Decoration::Plain } else { Decoration::Full };
        Self { theme, glyphs, decoration }
    }

    /// With what the terminal told of itself, where the configuration leaves that open: its background, and that our
    /// signs take two columns there, which would put every column out of place.
    pub fn told(mut self, ui: &Ui, told: &Told) -> Self {
        if ui.theme == config::Theme::Auto && self.theme != Theme::Mono {
            match told.light {
                Some(true) => self.theme = Theme::Light,
                Some(false) => self.theme = Theme::Dark,
                None => {}
            }
        }
        if told.sign.is_some_and(|columns| columns > 1) {
            self.glyphs = GlyphSet::Ascii;
        }
        self
    }

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
            '▓' | '‖' | '▄' => '=',
            '▇' => '%',
            '▆' | '◆' => '*',
            '▅' | '✓' | '┌' | '┐' | '└' | '┘' => '+',
            '▃' | '─' | '–' => '-',
            '□' => 'o',
            '▂' => ':',
            '▁' | '·' | '░' => '.',
            '▸' | '▶' | '→' => '>',
            '←' => '<',
            '✗' | '▣' => '!',
            '…' | '◐' => '~',
            '│' => '|',
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
        let look = Look::MONO;
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
            let look = Look { theme, ..Look::MONO };
            assert!(look.style(Ink::Cursor).add_modifier.contains(Modifier::REVERSED));
        }
    }

    #[test]
    fn what_is_left_open_is_taken_from_the_environment() {
        let look = |ui: &Ui, environment: &[(&str, &str)]| {
            let environment: Vec<(String, String)> =
                environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Look::resolve(ui, move |name| {
                environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
            })
        };
        let auto = Ui::default();
        let utf8 = ("LANG", "de_DE.UTF-8");
        assert_eq!(look(&auto, &[utf8]).theme, Theme::Dark);
        assert_eq!(look(&auto, &[("COLORFGBG", "0;15")]).theme, Theme::Light);
        assert_eq!(look(&auto, &[("TERM", "dumb")]).theme, Theme::Mono);
        assert_eq!(look(&auto, &[utf8]).glyphs, GlyphSet::Unicode);
        assert_eq!(look(&auto, &[("LC_ALL", "C"), utf8]).glyphs, GlyphSet::Ascii);
        assert_eq!(look(&auto, &[("LC_ALL", ""), utf8]).glyphs, GlyphSet::Unicode);
        let light = Told { light: Some(true), sign: Some(2), ..Told::default() };
        let told = look(&auto, &[utf8]).told(&auto, &light);
        assert_eq!((told.theme, told.glyphs), (Theme::Light, GlyphSet::Ascii));
        assert_eq!(look(&auto, &[("NO_COLOR", "1")]).told(&auto, &light).theme, Theme::Mono);
        let wanted = Ui { theme: config::Theme::Dark, ..Ui::default() };
        assert_eq!(look(&wanted, &[utf8]).told(&wanted, &light).theme, Theme::Dark);
        let dark = Ui { theme: config::Theme::Dark, glyphs: config::Glyphs::Ascii, ..Ui::default() };
        assert_eq!(look(&dark, &[("NO_COLOR", "1"), utf8]).theme, Theme::Mono);
        assert_eq!(
            look(&dark, &[("COLORFGBG", "0;15"), utf8]),
            Look { theme: Theme::Dark, glyphs: GlyphSet::Ascii, ..Look::MONO }
        );
    }
}
