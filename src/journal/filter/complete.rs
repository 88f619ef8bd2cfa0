//! What can be offered while a filter is being typed.

use super::{Filter, NAMES, What, is_name};
use crate::model::Stage;

impl Filter {
    /// What the term that ends at the cursor (in characters) may become, whole: each takes the place of what was typed of
    /// it since the last space. Nothing for a bare word and for values that cannot be guessed.
    #[must_use]
    pub fn complete(text: &str, cursor: usize) -> Vec<String> {
        let end = text.char_indices().nth(cursor).map_or(text.len(), |(at, _)| at);
        let typed = text.get(..end).unwrap_or_default();
        let (mut begin, mut quoted) = (0, false);
        for (at, char) in typed.char_indices() {
            if char == '"' {
                quoted = !quoted;
            } else if char.is_whitespace() && !quoted {
                begin = at + char.len_utf8();
            }
        }
        let term = typed.get(begin..).unwrap_or_default();
        let Some((name, value)) = term.split_once(':') else {
            let names = NAMES.iter().filter(|name| name.starts_with(term));
            return names.map(|name| format!("{name}:")).collect();
        };
        if !is_name(name) {
            return Vec::new();
        }
        let words: Vec<&str> = match name {
            "what" => What::ALL.iter().map(|what| what.word()).collect(),
            "stage" => Stage::ALL.iter().map(|stage| stage.word()).collect(),
            "since" | "until" => vec!["10m", "1h", "8h", "1d"],
            "tries" => vec![">1", ">3"],
            _ => Vec::new(),
        };
        let fits = words.into_iter().filter(|word| word.starts_with(value) && *word != value);
        fits.map(|word| format!("{name}:{word}")).collect()
    }
}
