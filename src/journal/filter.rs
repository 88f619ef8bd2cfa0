//! The filter language: one for the command line and the board.
//!
//! `what:refused since:02:00 code:contact.not.found price` — terms are separated by spaces and all must hold. A bare
//! word is looked for in the key, the code and the message, in any case; `"two words"` is one of them. Several `item:`
//! terms mean any of these, and so do several `what:`.
//!
//! Case is that of A to Z, as in SQLite: were more of it changed here than there, a word with `Ü` in it would not be found
//! where it stands exactly so.

use std::ops::RangeInclusive;

use jiff::{Timestamp, Zoned};

use crate::model::{Seq, Stage, words};

mod complete;
mod time;

#[cfg(test)]
mod tests;

words! {
    /// What happened to a failure, or where it stands, in words that people know.
    What, "a word for what happened", {
        /// The platform has refused it.
        Refused = "refused",
        /// The platform does not know what it is about (404, 410).
        Unknown = "unknown",
        /// What it is about was in use (409).
        Busy = "busy",
        /// No answer came: it may have arrived.
        NoAnswer = "noanswer",
        /// The platform was in trouble (5xx).
        Trouble = "trouble",
        /// Our own check has refused it.
        Invalid = "invalid",
        /// A person has edited it, and it was not sent since.
        Edited = "edited",
        /// A person has closed it.
        Closed = "closed",
        /// It is a row of an import's result.
        Row = "row",
    }
}

/// Which failures are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The HTTP status.
    pub status: Option<u16>,
    /// The platform's code, whole.
    pub code: Option<String>,
    /// Where on its way it failed.
    pub stage: Option<Stage>,
    /// Any of these; empty is all.
    pub what: Vec<What>,
    /// It failed last at this moment or later.
    pub since: Option<Timestamp>,
    /// It failed last at this moment or earlier.
    pub until: Option<Timestamp>,
    /// So many tries.
    pub tries: Option<RangeInclusive<u32>>,
    /// What must stand in the note with which it was closed, in lower case.
    pub note: Option<String>,
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

/// The most words that must all stand there: each is a condition of its own.
const MOST_WORDS: usize = 100;

/// The terms that have a name, in the order in which they are offered.
const NAMES: [&str; 9] = ["what", "since", "until", "status", "code", "stage", "tries", "note", "item"];

impl Filter {
    /// Reads a filter; times of day are those of this machine's clock.
    ///
    /// # Errors
    ///
    /// A term whose name or value is not known, with its place.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Self::parse_at(text, &Zoned::now())
    }

    /// As `parse`, at this moment: times of day are those of its zone, and mean the last time that the clock has shown
    /// them.
    ///
    /// # Errors
    ///
    /// A term whose name or value is not known, with its place.
    pub fn parse_at(text: &str, now: &Zoned) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        for (at, term) in terms(text) {
            let Some((name, value)) = term.split_once(':').filter(|(name, _)| is_name(name)) else {
                if filter.words.len() == MOST_WORDS {
                    let why = format!("a filter has at most {MOST_WORDS} words");
                    return Err(FilterError { term: crate::text::one_line(&term, 80), at, why });
                }
                filter.words.push(term.trim_matches('"').to_ascii_lowercase());
                continue;
            };
            filter.take(name, value.trim_matches('"'), now).map_err(|why| FilterError {
                term: crate::text::one_line(&term, 80),
                at,
                why,
            })?;
        }
        Ok(filter)
    }

    /// Takes one term in, or says what is wrong with it.
    fn take(&mut self, name: &str, value: &str, now: &Zoned) -> Result<(), String> {
        match name {
            "status" => {
                self.status = Some(value.parse().map_err(|_| "a status is a number such as 404")?);
            }
            "code" => self.code = Some(value.to_owned()),
            "stage" => self.stage = Some(value.parse().map_err(|error| format!("{error}"))?),
            "what" => {
                let what = value.parse().map_err(|error| {
                    let words = What::ALL.iter().map(|what| what.word());
                    nearest(value, words).map_or_else(
                        || format!("{error}"),
                        |near| format!("there is no such word; `{near}` is near"),
                    )
                })?;
                self.what.push(what);
            }
            "since" => self.since = Some(time::moment(value, now)?),
            "until" => self.until = Some(time::moment(value, now)?),
            "tries" => {
                let range = tries(value).ok_or("tries are a number, or `>3`, `>=3`, `<3`, `<=3`")?;
                self.tries = Some(match self.tries.take() {
                    Some(known) => *known.start().max(range.start())..=*known.end().min(range.end()),
                    None => range,
                });
            }
            "note" => self.note = Some(value.to_ascii_lowercase()),
            "item" => self.items.push(value.parse().map_err(|_| "an item is a number")?),
            _ => {
                let names = || NAMES.map(|name| format!("{name}:")).join(", ");
                return Err(nearest(name, NAMES.into_iter()).map_or_else(
                    || format!("there are {} and bare words", names()),
                    |near| format!("there is no such term; `{near}:` is near"),
                ));
            }
        }
        Ok(())
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `3`, `>3`, `>=3`, `<3`, `<=3`.
fn tries(value: &str) -> Option<RangeInclusive<u32>> {
    let number = |text: &str| text.parse::<u32>().ok();
    Some(if let Some(least) = value.strip_prefix(">=") {
        number(least)?..=u32::MAX
    } else if let Some(below) = value.strip_prefix('>') {
        number(below)?.checked_add(1)?..=u32::MAX
    } else if let Some(most) = value.strip_prefix("<=") {
        0..=number(most)?
    } else if let Some(above) = value.strip_prefix('<') {
        0..=number(above)?.checked_sub(1)?
    } else {
        let exactly = number(value)?;
        exactly..=exactly
    })
}

/// The known word that is so near that it was likely meant.
fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|word| (strsim::damerau_levenshtein(typed, word), word))
        .filter(|(distance, word)| *distance <= word.len().div_ceil(3))
        .min()
        .map(|(_, word)| word)
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
