//! The filter language: one for the command line and the board.
//!
//! `status:404 code:contact.not.found stage:delivery price` — terms are separated by spaces and all must hold. A bare
//! word is looked for in the key, the code and the message, in any case; `"two words"` is one of them. `item:17` names an item;
//! several `item:` terms mean any of these.

use crate::model::{Seq, Stage};

/// Which failures are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The HTTP status.
    pub status: Option<u16>,
    /// The platform's code, whole.
    pub code: Option<String>,
    /// Where on its way it failed.
    pub stage: Option<Stage>,
    /// Any of these items; empty is all.
    pub items: Vec<Seq>,
    /// Words that must all stand in the key, the code or the message.
    pub words: Vec<String>,
}

/// A term that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter: `{term}` at character {at}: {why}")]
pub struct FilterError {
    /// The term.
    pub term: String,
    /// Where it begins, in characters from 1.
    pub at: usize,
    /// What is wrong with it.
    pub why: String,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// A term whose name or value is not known, with its place.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        for (at, term) in terms(text) {
            let refuse = |why: String| FilterError { term: crate::text::one_line(&term, 80), at, why };
            let Some((name, value)) = term.split_once(':').filter(|(name, _)| is_name(name)) else {
                filter.words.push(term.trim_matches('"').to_lowercase());
                continue;
            };
            let value = value.trim_matches('"');
            match name {
                "status" => {
                    let status =
                        value.parse().map_err(|_| refuse("a status is a number such as 404".to_owned()))?;
                    filter.status = Some(status);
                }
                "code" => filter.code = Some(value.to_owned()),
                "stage" => filter.stage = Some(value.parse().map_err(|error| refuse(format!("{error}")))?),
                "item" => {
                    let item = value.parse().map_err(|_| refuse("an item is a number".to_owned()))?;
                    filter.items.push(item);
                }
                _ => return Err(refuse("there are status:, code:, stage:, item: and bare words".to_owned())),
            }
        }
        Ok(filter)
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A word before a colon is a term's name only if it looks like one; `12:30` and `https://…` are text.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase())
        && name != "http"
        && name != "https"
}

/// The terms with the character at which each begins; quotes hold spaces together.
fn terms(text: &str) -> Vec<(usize, String)> {
    let mut terms = Vec::new();
    let mut term = String::new();
    let mut start = 0;
    let mut quoted = false;
    for (at, char) in text.chars().enumerate() {
        if char.is_whitespace() && !quoted {
            if !term.is_empty() {
                terms.push((start + 1, std::mem::take(&mut term)));
            }
            continue;
        }
        if term.is_empty() {
            start = at;
        }
        if char == '"' {
            quoted = !quoted;
        }
        term.push(char);
    }
    if !term.is_empty() {
        terms.push((start + 1, term));
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_and_words_are_told_apart() {
        let filter =
            Filter::parse(r#"status:404 code:contact.not.found stage:delivery "No budjet" 12:30 x"#).unwrap();
        assert_eq!(filter.status, Some(404));
        assert_eq!(filter.code.as_deref(), Some("contact.not.found"));
        assert_eq!(filter.stage, Some(Stage::Delivery));
        assert_eq!(filter.words, ["no budjet", "12:30", "x"]);
        assert!(Filter::parse("  ").unwrap().is_empty());
    }

    #[test]
    fn an_unknown_term_is_refused_at_its_place() {
        let refused = Filter::parse("status:404 colour:red").unwrap_err();
        assert_eq!((refused.at, refused.term.as_str()), (12, "colour:red"));
        assert!(Filter::parse("status:abc").unwrap_err().to_string().contains("a number such as 404"));
        assert!(
            Filter::parse("stage:moon").unwrap_err().to_string().contains("validation, preflight, delivery")
        );
    }
}
