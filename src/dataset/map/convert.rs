//! `as = "…"`: turns a value into another kind where that says the same, digit for digit, and refuses it otherwise.
//!
//! Texts of digits are never read into a machine number: an id of thirty digits comes out as it went in.

use super::write_escaped;

/// What a value is turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    Integer,
    Number,
    Boolean,
    String,
}

impl As {
    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "integer" => Some(Self::Integer),
            "number" => Some(Self::Number),
            "boolean" => Some(Self::Boolean),
            "string" => Some(Self::String),
            _ => None,
        }
    }
}

/// The most digits that an exponent may stand for when it is written out: `1e400000000` would be a large record.
const MOST_DIGITS: usize = 400;

/// Writes a JSON value as another kind. The error completes a sentence that begins with the value's name.
pub(super) fn write(value: &str, cast: As, out: &mut Vec<u8>) -> Result<(), String> {
    let text: String;
    let inner = match value.as_bytes().first() {
        Some(b'"') if cast == As::String => {
            out.extend_from_slice(value.as_bytes());
            return Ok(());
        }
        Some(b'"') => {
            text = serde_json::from_str(value)
                .map_err(|_| "holds half a character (a lone surrogate)".to_owned())?;
            text.trim()
        }
        Some(b'{') => return Err("is an object".to_owned()),
        Some(b'[') => return Err("is an array".to_owned()),
        Some(b'n') => return Err("is null".to_owned()),
        _ => value,
    };
    match cast {
        As::String => {
            out.push(b'"');
            write_escaped(inner.as_bytes(), out);
            out.push(b'"');
            return Ok(());
        }
        As::Boolean => {
            let word = ["true", "false"].into_iter().find(|word| word.eq_ignore_ascii_case(inner));
            out.extend_from_slice(word.ok_or_else(|| refusal(value, "neither true nor false"))?.as_bytes());
        }
        As::Number => {
            Number::read(inner).ok_or_else(|| refusal(value, "no number"))?;
            out.extend_from_slice(inner.as_bytes());
        }
        As::Integer => {
            let integer = Number::read(inner).and_then(|number| number.integer(inner));
            out.extend_from_slice(integer.ok_or_else(|| refusal(value, "no integer"))?.as_bytes());
        }
    }
    Ok(())
}

fn refusal(value: &str, what: &str) -> String {
    format!("is {}, which is {what}", crate::text::one_line(value, 64))
}

/// The parts of a JSON number (RFC 8259 §6).
struct Number<'a> {
    sign: &'a str,
    whole: &'a str,
    fraction: &'a str,
    exponent: &'a str,
}

impl<'a> Number<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (sign, rest) = text.split_at(usize::from(text.starts_with('-')));
        let (rest, exponent) = match rest.split_once(['e', 'E']) {
            Some((rest, exponent)) => (rest, Some(exponent)),
            None => (rest, None),
        };
        let (whole, fraction) = match rest.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (rest, None),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let sound = digits(whole)
            && (whole == "0" || !whole.starts_with('0'))
            && fraction.is_none_or(digits)
            && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
        sound.then(|| Self {
            sign,
            whole,
            fraction: fraction.unwrap_or_default(),
            exponent: exponent.unwrap_or_default(),
        })
    }

    /// The same as an integer without fraction or exponent, if it is one.
    fn integer(&self, text: &str) -> Option<String> {
        if self.fraction.is_empty() && self.exponent.is_empty() {
            return Some(text.to_owned());
        }
        let digits = format!("{}{}", self.whole, self.fraction);
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Some("0".to_owned());
        }
        let exponent = if self.exponent.is_empty() { 0 } else { self.exponent.parse::<i64>().ok()? };
        let shift = exponent.checked_sub(i64::try_from(self.fraction.len()).ok()?)?;
        let steps = usize::try_from(shift.unsigned_abs()).ok()?;
        let shifted = if shift >= 0 {
            if steps > MOST_DIGITS {
                return None;
            }
            format!("{significant}{}", "0".repeat(steps))
        } else {
            let keep = significant.len().checked_sub(steps)?;
            let (kept, dropped) = significant.split_at(keep);
            if kept.is_empty() || dropped.bytes().any(|byte| byte != b'0') {
                return None;
            }
            kept.to_owned()
        };
        Some(format!("{}{shifted}", self.sign))
    }
}
