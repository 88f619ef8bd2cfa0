//! One JSON value as a person reads and types it.
//!
//! A value that nobody touches is never written anew, so what a line of text can't show may be shown in another way: a
//! text with characters that can't be drawn, or that draw as something else, is spelled with JSON's own escapes, and is
//! read back in that spelling. A number stays a number, digit for digit.

use std::fmt::Write as _;

use serde_json::value::RawValue;

use crate::text::is_deceptive;

/// The longest value that a line of a form takes, in bytes.
const LONGEST: usize = 2_000;

/// How a value stands in a line of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// A text, as it is.
    Text,
    /// A text with JSON's escapes, because it holds what can't be drawn.
    Escaped,
    /// A number, as it is written.
    Number,
    /// `true` or `false`.
    Truth,
    /// `null`: nothing. What is typed in its place is a text.
    Null,
    /// It is not there. What is typed is a text.
    Absent,
    /// An empty object or array, or too long for a line: it can be changed as JSON only.
    Whole,
}

/// A value as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spelled {
    pub as_: Spelling,
    pub text: String,
}

/// How a value is shown: its bytes in the record, or none where it is not there.
pub(super) fn spell(raw: Option<&[u8]>) -> Spelled {
    let Some(raw) = raw else { return Spelled { as_: Spelling::Absent, text: String::new() } };
    let cut = |raw: &[u8]| {
        let seen = raw.get(..80).unwrap_or(raw);
        let more = if seen.len() < raw.len() {
            format!("… {}", super::numbers::bytes(u64::try_from(raw.len()).unwrap_or(u64::MAX)))
        } else {
            String::new()
        };
        format!("{}{more}", printable(&String::from_utf8_lossy(seen)))
    };
    if raw.len() > LONGEST {
        return Spelled { as_: Spelling::Whole, text: cut(raw) };
    }
    let written = String::from_utf8_lossy(raw);
    let (as_, text) = match raw.first() {
        Some(b'"') => match serde_json::from_slice::<String>(raw) {
            Ok(text) if !text.chars().any(undrawable) => (Spelling::Text, text),
            _ => {
                let inner = written.get(1..written.len().saturating_sub(1)).unwrap_or_default();
                (Spelling::Escaped, printable(inner))
            }
        },
        Some(b'-' | b'0'..=b'9') => (Spelling::Number, written.into_owned()),
        Some(b't' | b'f') => (Spelling::Truth, written.into_owned()),
        Some(b'n') => (Spelling::Null, String::new()),
        _ => (Spelling::Whole, cut(raw)),
    };
    Spelled { as_, text }
}

/// A value for a person to read, in so many characters.
pub(super) fn shown(raw: Option<&[u8]>, most: usize) -> String {
    let spelled = spell(raw);
    let text = match spelled.as_ {
        Spelling::Absent => "(not there)".to_owned(),
        Spelling::Null => "(nothing)".to_owned(),
        Spelling::Text if spelled.text.is_empty() => "(empty)".to_owned(),
        _ => spelled.text,
    };
    match text.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}

/// What was typed, as JSON.
///
/// # Errors
///
/// Why it is none of its kind.
pub(super) fn read(as_: Spelling, typed: &str) -> Result<Vec<u8>, String> {
    let json = |text: String| serde_json::from_str::<&RawValue>(&text).is_ok().then_some(text.into_bytes());
    match as_ {
        Spelling::Text | Spelling::Null | Spelling::Absent => Ok(quoted(typed)),
        Spelling::Escaped => json(format!("\"{typed}\""))
            .ok_or_else(|| "this text is written as in JSON: `\\n`, `\\u202e`, `\\\"`, `\\\\`".to_owned()),
        Spelling::Number => {
            let typed = typed.trim();
            let begins = typed.starts_with(|char: char| char == '-' || char.is_ascii_digit());
            json(typed.to_owned())
                .filter(|_| begins)
                .ok_or_else(|| "a number goes here, written as 12, -3 or 1.5".to_owned())
        }
        Spelling::Truth if matches!(typed, "true" | "false") => Ok(typed.as_bytes().to_vec()),
        Spelling::Truth => Err("`true` or `false` goes here".to_owned()),
        Spelling::Whole => Err("this can be changed as JSON only".to_owned()),
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}

fn undrawable(char: char) -> bool {
    char.is_control() || is_deceptive(char)
}

/// What can't be drawn, as JSON writes it.
fn printable(text: &str) -> String {
    let mut spelled = String::with_capacity(text.len());
    for char in text.chars() {
        if undrawable(char) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                // writing to a String cannot fail
                let _ = write!(spelled, "\\u{unit:04x}");
            }
        } else {
            spelled.push(char);
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both(raw: &str) -> (Spelling, String) {
        let spelled = spell(Some(raw.as_bytes()));
        (spelled.as_, spelled.text)
    }

    #[test]
    fn what_can_t_be_drawn_is_spelled_out_and_read_back() {
        assert_eq!(both("\"a\u{202e}b\""), (Spelling::Escaped, "a\\u202eb".to_owned()));
        assert_eq!(read(Spelling::Escaped, "a\\u202ebc").unwrap(), b"\"a\\u202ebc\"");
        assert_eq!(both(r#""two\nlines""#), (Spelling::Escaped, r"two\nlines".to_owned()));
        assert_eq!(both(r#""half \ud800""#), (Spelling::Escaped, r"half \ud800".to_owned()));
        assert!(read(Spelling::Escaped, "a \" b").is_err());
        assert_eq!(both(r#""c:\\dir""#), (Spelling::Text, r"c:\dir".to_owned()));
        assert_eq!(read(Spelling::Text, r"c:\dir").unwrap(), br#""c:\\dir""#);
    }

    #[test]
    fn numbers_stay_numbers_digit_for_digit() {
        assert_eq!(both("1e400"), (Spelling::Number, "1e400".to_owned()));
        assert_eq!(read(Spelling::Number, "9007199254740993").unwrap(), b"9007199254740993");
        for none in ["", "007", "1.", "twelve", "\"1\"", "null", "+1", "1,5", "[1]", "1 2"] {
            assert!(read(Spelling::Number, none).is_err(), "{none}");
        }
    }

    #[test]
    fn what_a_line_can_t_take_is_named_with_its_size() {
        let long = format!("\"{}\"", "y".repeat(10_000_000));
        let spelled = spell(Some(long.as_bytes()));
        assert_eq!(spelled.as_, Spelling::Whole);
        assert!(spelled.text.ends_with("10.0 MB") && spelled.text.len() < 200, "{}", spelled.text);
        assert_eq!(both("{ }").0, Spelling::Whole);
        assert_eq!(shown(None, 40), "(not there)");
        assert_eq!(shown(Some(b"\"abcdef\""), 3), "abc…");
    }

    proptest! {
        #[test]
        fn a_text_that_is_typed_as_it_is_shown_means_the_same(text in any::<String>()) {
            let raw = quoted(&text);
            let spelled = spell(Some(&raw));
            prop_assert!(!spelled.text.chars().any(undrawable));
            let again = read(spelled.as_, &spelled.text).unwrap();
            prop_assert_eq!(serde_json::from_slice::<String>(&again).unwrap(), text);
        }
    }
}
