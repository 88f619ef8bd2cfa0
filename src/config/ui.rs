//! The `[ui]` part of the configuration: how the dashboard looks and behaves.

use super::document::{Broken, DocumentError, Keys};
use super::setting::word_settings;
use crate::model::words;
use crate::text::one_line;

words! {
    /// The dashboard's colours.
    Theme, "a theme", {
        /// What suits the terminal's background.
        Auto = "auto",
        /// For dark backgrounds.
        Dark = "dark",
        /// For light backgrounds.
        Light = "light",
        /// No colours.
        Mono = "mono",
    }
}

words! {
    /// The characters that pictures are drawn with.
    Glyphs, "a set of glyphs", {
        /// What the terminal's locale allows.
        Auto = "auto",
        /// Nothing beyond ASCII.
        Ascii = "ascii",
    }
}

word_settings!(Theme, Glyphs);

/// How the dashboard looks and behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ui {
    /// Its colours; `auto` where none are named.
    pub theme: Theme,
    /// Who sits at it, for the audit trail.
    pub name: Option<String>,
    /// Whether the terminal's bell rings when a run wants a person. On by default.
    pub bell: bool,
    /// Whether the mouse is listened to. On by default.
    pub mouse: bool,
    /// Whether it is kept free of animation and decoration. Off by default.
    pub plain: bool,
    /// What pictures are drawn with; `auto` where nothing is named.
    pub glyphs: Glyphs,
}

impl Default for Ui {
    fn default() -> Self {
        Self { theme: Theme::Auto, name: None, bell: true, mouse: true, plain: false, glyphs: Glyphs::Auto }
    }
}

impl Ui {
    pub(crate) fn keys(&mut self, keys: &mut Keys<'_>) -> Result<(), DocumentError> {
        keys.key("theme", &mut self.theme)?;
        keys.key("name", &mut self.name)?;
        keys.key("bell", &mut self.bell)?;
        keys.key("mouse", &mut self.mouse)?;
        keys.key("plain", &mut self.plain)?;
        keys.key("glyphs", &mut self.glyphs)
    }

    pub(crate) fn validate(&self) -> Result<(), Broken> {
        match &self.name {
            Some(name) if name.is_empty() || one_line(name, 64) != *name => {
                Err(Broken::new("name", "must be one line of at most 64 visible characters"))
            }
            _ => Ok(()),
        }
    }
}
