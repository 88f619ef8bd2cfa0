//! The one text that stands for all ways of writing a record, for keys that are made of records.
//!
//! It is RFC 8785's form (the JSON Canonicalization Scheme) with one exception. RFC 8785 reads every number as a double,
//! which makes one number of two large integers, and so one key of two customers. An integer literal (without fraction
//! and exponent) that is not exactly a double therefore stays as it was written; every other number has RFC 8785's form.
//!
//! What can be read in two ways has no such text, and nothing is guessed: a member name that stands twice in one object,
//! a number beyond every double (also one that is written as an integer), half of a surrogate pair.
//!
//! One seam is left, between the two rules: 2^63 is a double, whose form is `9223372036854776000`, and the integer that
//! is written so is none, and stays. Of such pairs each has one member that is at least 2^53.
//!
//! The text is only ever hashed. A record goes out as it stands in its dataset.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use super::grammar::{Fault, Flaw, Layout, Value as Checker, is_blank, plain_end};
use crate::model::Violation;
use crate::text::one_line;

#[cfg(test)]
mod tests;

/// The most levels of objects and arrays, as everywhere in a dataset.
const DEPTH: usize = 128;
/// The most characters of a pointer in a message.
const POINTER_LENGTH: usize = 256;
/// The first byte of UTF-8 that a character from U+E000 on begins with.
const FIRST_BEYOND_SURROGATES: u8 = 0xee;
/// Integers of so many digits are below 2^53, and so doubles.
const SURELY_EXACT: usize = 15;

/// Why a record has no canonical text. The messages are safe to be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoCanonicalForm {
    /// It is not one JSON value, or is nested too deep.
    #[error("the record cannot be read: {reason}")]
    NotJson {
        /// What is wrong, and at which byte.
        reason: String,
    },
    /// A member name stands more than once in one object.
    #[error("`{pointer}` stands more than once, so nobody knows which one counts; leave only one")]
    Twice {
        /// The member, as a JSON Pointer (RFC 6901).
        pointer: String,
    },
    /// A number is beyond every double.
    #[error("`{pointer}` is {number}, which is beyond what a number can be; write it as a text, or smaller")]
    Overflow {
        /// The number's place, as a JSON Pointer.
        pointer: String,
        /// The number, cut where it is long.
        number: String,
    },
    /// A text holds half of a surrogate pair.
    #[error("`{pointer}` holds half a character (a lone surrogate, as in `\\ud800`)")]
    LoneSurrogate {
        /// The text's place, as a JSON Pointer; of a member's name the object's.
        pointer: String,
    },
}

impl NoCanonicalForm {
    /// The same, as what is wrong with a record.
    #[must_use]
    pub fn violation(&self) -> Violation {
        let pointer = match self {
            Self::NotJson { .. } => String::new(),
            Self::Twice { pointer } | Self::Overflow { pointer, .. } | Self::LoneSurrogate { pointer } => {
                pointer.clone()
            }
        };
        Violation::at(pointer, self.to_string())
    }
}

/// Appends the canonical text of one JSON value. Takes time and memory in proportion to it.
///
/// # Errors
///
/// A [`NoCanonicalForm`] that says what is in the way and where. Nothing has been appended then.
pub fn canonical(record: &[u8], out: &mut Vec<u8>) -> Result<(), NoCanonicalForm> {
    let text = check(record)?;
    let before = out.len();
    out.reserve(record.len());
    let mut walk = Walk { text, at: 0, out, sorted: Vec::new() };
    let written = walk.value().map_err(Obstacle::shown);
    if written.is_err() {
        out.truncate(before);
    }
    written
}

/// Sees to it that the record is one JSON value, so that what follows need not ask again at each byte.
fn check(record: &[u8]) -> Result<&str, NoCanonicalForm> {
    let refuse = |at: usize, what: &str| NoCanonicalForm::NotJson {
        reason: one_line(&format!("{what} (at byte {at})"), 256),
    };
    let text =
        str::from_utf8(record).map_err(|error| refuse(error.valid_up_to(), "this is no text in UTF-8"))?;
    let mut checker = Checker::new(DEPTH, Layout::Free);
    let end = checker.take(record, 0).map_err(|Fault { at, flaw }| match flaw {
        Flaw::Syntax(what) => refuse(at, &what),
        Flaw::LineEnd | Flaw::ObjectInsteadOfArray => refuse(at, "this is no JSON"),
    })?;
    let end = match end {
        Some(end) => end,
        None => checker.finish().map(|()| record.len()).map_err(|what| refuse(record.len(), &what))?,
    };
    match record.iter().skip(end).position(|&byte| !is_blank(byte)) {
        Some(more) => Err(refuse(end + more, "the record goes on after its end")),
        None => Ok(text),
    }
}

/// What is in the way, and the way to it: its innermost step first, as it is learnt only on the way back.
struct Obstacle<'a> {
    what: What<'a>,
    steps: Vec<String>,
}

enum What<'a> {
    Twice,
    Overflow(&'a str),
    LoneSurrogate,
    /// Our own writer refuses it.
    Unwritable,
}

impl<'a> Obstacle<'a> {
    fn new(what: What<'a>) -> Self {
        Self { what, steps: Vec::new() }
    }

    fn under(mut self, step: impl Into<String>) -> Self {
        self.steps.push(step.into());
        self
    }

    fn shown(self) -> NoCanonicalForm {
        let mut pointer = String::new();
        for step in self.steps.iter().rev() {
            pointer.push('/');
            pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
        let pointer = one_line(&pointer, POINTER_LENGTH);
        match self.what {
            What::Twice => NoCanonicalForm::Twice { pointer },
            What::Overflow(number) => NoCanonicalForm::Overflow { pointer, number: one_line(number, 40) },
            What::LoneSurrogate => NoCanonicalForm::LoneSurrogate { pointer },
            What::Unwritable => {
                NoCanonicalForm::NotJson { reason: format!("`{pointer}` has no canonical form") }
            }
        }
    }
}

/// A walk through a text that is known to be one JSON value, which writes what it comes past. Whatever is not there is
/// read as nothing.
struct Walk<'a, 'o> {
    text: &'a str,
    at: usize,
    out: &'o mut Vec<u8>,
    /// Where an object's members are put in order.
    sorted: Vec<u8>,
}

impl<'a> Walk<'a, '_> {
    fn value(&mut self) -> Result<(), Obstacle<'a>> {
        match self.look() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => {
                let token = self.run(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
                match number(token)? {
                    Number::Verbatim => self.verbatim(token),
                    Number::Double(double) => self.form(&double)?,
                }
                Ok(())
            }
            _ => {
                let word = self.run(|byte| byte.is_ascii_lowercase());
                self.verbatim(word);
                Ok(())
            }
        }
    }

    fn array(&mut self) -> Result<(), Obstacle<'a>> {
        self.at += 1;
        self.out.push(b'[');
        let mut count = 0_usize;
        loop {
            match self.look() {
                Some(b',') => self.at += 1,
                Some(b']') | None => break,
                Some(_) => {
                    if count > 0 {
                        self.out.push(b',');
                    }
                    self.value().map_err(|inner| inner.under(count.to_string()))?;
                    count += 1;
                }
            }
        }
        self.at += 1;
        self.out.push(b']');
        Ok(())
    }

    fn object(&mut self) -> Result<(), Obstacle<'a>> {
        self.at += 1;
        self.out.push(b'{');
        let begun = self.out.len();
        let mut members = Vec::new();
        loop {
            match self.look() {
                Some(b',' | b':') => self.at += 1,
                Some(b'}') | None => break,
                Some(_) => {
                    if !members.is_empty() {
                        self.out.push(b',');
                    }
                    let from = self.out.len();
                    let name = self.string()?;
                    self.out.push(b':');
                    self.look();
                    self.at += 1;
                    self.value().map_err(|inner| inner.under(name.as_ref()))?;
                    members.push(Member { name, written: from..self.out.len() });
                }
            }
        }
        self.at += 1;
        if !members.is_sorted_by(|one, next| one.order(next).is_lt()) {
            members.sort_unstable_by(Member::order);
            self.put_in_order(begun, &members)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Writes an object's members again, from its begin on, in this order.
    fn put_in_order(&mut self, begun: usize, members: &[Member<'a>]) -> Result<(), Obstacle<'a>> {
        let twice = members.iter().zip(members.iter().skip(1)).find(|(one, next)| one.name == next.name);
        if let Some((member, _)) = twice {
            return Err(Obstacle::new(What::Twice).under(member.name.as_ref()));
        }
        self.sorted.clear();
        for member in members {
            if !self.sorted.is_empty() {
                self.sorted.push(b',');
            }
            self.sorted.extend_from_slice(self.out.get(member.written.clone()).unwrap_or_default());
        }
        self.out.truncate(begun);
        self.out.extend_from_slice(&self.sorted);
        Ok(())
    }

    /// Writes the string that begins here, and returns what it says.
    fn string(&mut self) -> Result<Cow<'a, str>, Obstacle<'a>> {
        let from = self.at;
        let is_plain = self.pass_string();
        let token = self.text.get(from..self.at).unwrap_or_default();
        if is_plain {
            self.verbatim(token);
            return Ok(Cow::Borrowed(token.get(1..token.len().saturating_sub(1)).unwrap_or_default()));
        }
        let said: String = serde_json::from_str(token).map_err(|_| Obstacle::new(What::LoneSurrogate))?;
        self.form(&said)?;
        Ok(Cow::Owned(said))
    }

    /// A word, a text without escapes or a number that stays as it stands.
    fn verbatim(&mut self, token: &str) {
        self.out.extend_from_slice(token.as_bytes());
    }

    /// What has a form of its own.
    fn form(&mut self, value: &impl serde::Serialize) -> Result<(), Obstacle<'a>> {
        let written = serde_json_canonicalizer::to_writer(value, &mut *self.out);
        written.map_err(|_| Obstacle::new(What::Unwritable))
    }

    /// The next byte that is no white space.
    fn look(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !is_blank(byte) {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Goes behind the string that begins here. Says whether there are no escapes in it.
    fn pass_string(&mut self) -> bool {
        let mut is_plain = true;
        self.at += 1;
        loop {
            self.at = plain_end(self.text.as_bytes(), self.at);
            match self.text.as_bytes().get(self.at) {
                Some(b'\\') => {
                    is_plain = false;
                    self.at += 2;
                }
                Some(_) => {
                    self.at += 1;
                    return is_plain;
                }
                None => return is_plain,
            }
        }
    }

    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let from = self.at;
        while self.text.as_bytes().get(self.at).is_some_and(|&byte| belongs(byte)) {
            self.at += 1;
        }
        self.text.get(from..self.at).unwrap_or_default()
    }
}

/// How a number is written.
enum Number {
    Verbatim,
    Double(f64),
}

fn number(token: &str) -> Result<Number, Obstacle<'_>> {
    let is_integer = !token.contains(['.', 'e', 'E']);
    if is_integer && token.len() <= SURELY_EXACT && token != "-0" {
        return Ok(Number::Verbatim);
    }
    match token.parse::<f64>() {
        Ok(double) if double.is_finite() => {
            // Written without a fraction a double has all its digits.
            let stays = is_integer && format!("{double:.0}") != token;
            Ok(if stays { Number::Verbatim } else { Number::Double(double) })
        }
        _ => Err(Obstacle::new(What::Overflow(token))),
    }
}

/// A member of an object, and where it is written.
struct Member<'a> {
    name: Cow<'a, str>,
    written: Range<usize>,
}

impl Member<'_> {
    /// RFC 8785 §3.2.3: by UTF-16 code units, in which the characters beyond U+FFFF come before U+E000.
    /// Where none of those is at the first difference, the bytes' order is the same.
    fn order(&self, other: &Self) -> Ordering {
        let (one, two) = (self.name.as_bytes(), other.name.as_bytes());
        match one.iter().zip(two).find(|(one, two)| one != two) {
            None => one.len().cmp(&two.len()),
            Some((one, two)) if *one.max(two) < FIRST_BEYOND_SURROGATES => one.cmp(two),
            Some(_) => self.name.encode_utf16().cmp(other.name.encode_utf16()),
        }
    }
}
