//! The `[ui]` part of the configuration: how the dashboard looks and behaves.

use toml::de::DeValue;

use super::document::{Broken, DocumentError, Keys, Node, Setting};
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
    /// Keys of the dashboard that are other ones than its own.
    pub keys: KeyBindings,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            theme: Theme::Auto,
            name: None,
            bell: true,
            mouse: true,
            plain: false,
            glyphs: Glyphs::Auto,
            keys: KeyBindings::default(),
        }
    }
}

impl Ui {
    pub(crate) fn keys(&mut self, keys: &mut Keys<'_>) -> Result<(), DocumentError> {
        keys.key("theme", &mut self.theme)?;
        keys.key("name", &mut self.name)?;
        keys.key("bell", &mut self.bell)?;
        keys.key("mouse", &mut self.mouse)?;
        keys.key("plain", &mut self.plain)?;
        keys.key("glyphs", &mut self.glyphs)?;
        keys.key("keys", &mut self.keys)
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

/// The keys that a person has given to actions of the dashboard, in the order of their names. What the names and the
/// keys mean is known to the dashboard alone: it refuses what it does not know, and says where that stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyBindings(pub Vec<KeyBinding>);

/// The keys of one action.
#[derive(Debug, Clone)]
pub struct KeyBinding {
    /// The action's name; a dotted one may stand as a table in a table.
    pub action: String,
    /// Its keys: `p`, `F5`, `Ctrl-p`.
    pub keys: Vec<String>,
    /// Where it stands: file, line and column.
    pub place: String,
}

/// Two of the same meaning are equal, wherever they stand.
impl PartialEq for KeyBinding {
    fn eq(&self, other: &Self) -> bool {
        self.action == other.action && self.keys == other.keys
    }
}

impl Eq for KeyBinding {}

impl Setting for KeyBindings {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        let mut bindings = Vec::new();
        collect(node, "", &mut bindings)?;
        Ok(Self(bindings))
    }

    fn write(&self) -> Option<toml::Value> {
        let entries =
            self.0.iter().filter_map(|binding| Some((binding.action.clone(), binding.keys.write()?)));
        let table: toml::Table = entries.collect();
        (!table.is_empty()).then_some(toml::Value::Table(table))
    }
}

/// More than there are actions, by far, and more keys than one of them can need.
const MOST_BINDINGS: usize = 1000;
const MOST_KEYS: usize = 50;

/// Reads a table of actions, and those in it.
fn collect(node: &Node<'_>, above: &str, into: &mut Vec<KeyBinding>) -> Result<(), DocumentError> {
    let section = node.path();
    for entry in node.entries()? {
        let entry = entry.within(&section);
        let name = entry.name();
        let action = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
        let keys = match entry.value() {
            DeValue::Table(_) => {
                collect(&entry, &action, into)?;
                continue;
            }
            DeValue::String(key) => vec![key.to_string()],
            DeValue::Array(_) => Vec::<String>::read(&entry)?,
            _ => return Err(entry.mistyped("a key such as \"F5\", or a list of keys")),
        };
        if into.len() == MOST_BINDINGS {
            return Err(entry.error(&format!("is one too many: {MOST_BINDINGS} actions are the most")));
        }
        if keys.len() > MOST_KEYS {
            return Err(entry.error(&format!("has {} keys, and {MOST_KEYS} are the most", keys.len())));
        }
        into.push(KeyBinding { action, keys, place: entry.place() });
    }
    Ok(())
}
