//! Secrets in what a token endpoint answers, known by the names that they have there.
//!
//! An answer that is read as JSON tells names from values; of one that is none (a form, XML, a line, a page) what stands right
//! behind such a name counts.

use std::fmt;

use memchr::memmem;
use secrecy::zeroize::Zeroizing;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::platform::auth::known::Texts;

/// What is in the names of members of a token's answer that hold secrets.
const SECRET_NAMES: [&str; 6] = ["token", "secret", "assertion", "credential", "password", "jwt"];
/// The shortest text of them that is one.
const SHORTEST: usize = 6;
/// From so many characters on a text of an answer that cannot be read may be a token.
const LIKE_A_TOKEN: usize = 12;
/// The most such texts of one answer; each is looked for in all that comes back.
pub(super) const MOST_TOKENS: usize = 16;

/// The texts of an answer that are secrets by their names, wherever they stand in it: the token, and what comes beside it
/// and is never used.
pub(super) fn tokens_in(answer: &[u8]) -> Texts {
    let mut texts = Texts::new();
    let mut reading = serde_json::Deserializer::from_slice(answer);
    let read = Gather { is_secret: false, texts: &mut texts }.deserialize(&mut reading);
    if read.and_then(|()| reading.end()).is_err() {
        // a name in Latin-1 or a number beyond all others: names cannot be told from values, and all that may be one counts
        texts.extend(quoted(answer).filter(|text| text.len() >= LIKE_A_TOKEN).map(Zeroizing::new));
    }
    texts
}

/// Whatever stands between two quotes, has no blanks in it, and is no member's name.
fn quoted(answer: &[u8]) -> impl Iterator<Item = String> {
    let pieces = || answer.split(|byte| *byte == b'"').skip(1);
    // also of one that is cut off
    let behind = pieces().skip(1).map(<[u8]>::trim_ascii_start).chain([&[][..]]);
    let values = pieces().zip(behind).filter(|(_, behind)| !behind.starts_with(b":"));
    let solid = values.filter(|(piece, _)| !piece.iter().any(u8::is_ascii_whitespace));
    solid.map(|(piece, _)| String::from_utf8_lossy(piece).into_owned())
}

/// The texts that stand right behind the name of a secret, in whatever an answer is written: `token=…`, `<token>…`, `"token": "…"`.
fn named(answer: &[u8]) -> impl Iterator<Item = Zeroizing<String>> {
    let signs = answer.iter().enumerate().filter(|(_, byte)| matches!(byte, b'=' | b':' | b'>'));
    signs.filter_map(|(at, _)| {
        let (before, behind) = (trim_end(answer.get(..at)?), trim_start(answer.get(at + 1..)?));
        let begins = before.iter().rposition(|byte| !is_of_a_name(*byte)).map_or(0, |at| at + 1);
        let name = String::from_utf8_lossy(before.get(begins..)?);
        let value = || behind.get(..value_length(behind)).filter(|value| value.len() >= LIKE_A_TOKEN);
        let value = if names_a_secret(&name) { value() } else { None };
        value.map(|value| Zeroizing::new(String::from_utf8_lossy(value).into_owned()))
    })
}

/// How long a value is that begins here, with the escapes in it.
fn value_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some([byte, rest @ ..]) = text.get(at..) {
        at += match byte {
            b'\\' => {
                let more = rest.iter().take_while(|byte| **byte == b'\\').count();
                match rest.get(more) {
                    // of a quote that is escaped, as often as it may be
                    None | Some(b'"' | b'\'') => break,
                    Some(_) => 2 + more,
                }
            }
            b'&' => {
                let name =
                    rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#').count();
                if rest.get(name) != Some(&b';') {
                    break;
                }
                2 + name
            }
            b'<' | b',' | b';' | b'}' | b')' => break,
            byte if is_between(*byte) => break,
            _ => 1,
        };
    }
    at.min(text.len())
}

const fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Whether it may stand between a name, a sign and a value.
const fn is_between(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\')
}

fn trim_start(text: &[u8]) -> &[u8] {
    let begins = text.iter().position(|byte| !is_between(*byte)).unwrap_or(text.len());
    text.get(begins..).unwrap_or_default()
}

fn trim_end(text: &[u8]) -> &[u8] {
    let ends = text.iter().rposition(|byte| !is_between(*byte)).map_or(0, |at| at + 1);
    text.get(..ends).unwrap_or_default()
}

/// Takes the texts out of a value that stand below such a name, each time it stands there; or all of them, where that is
/// so already.
struct Gather<'t> {
    is_secret: bool,
    texts: &'t mut Texts,
}

impl<'de> DeserializeSeed<'de> for Gather<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Gather<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if self.is_secret && text.len() >= SHORTEST && !text.contains(char::is_whitespace) {
            self.texts.push(Zeroizing::new(text.to_owned()));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { is_secret, texts } = self;
        while list.next_element_seed(Gather { is_secret, texts: &mut *texts })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { is_secret, texts } = self;
        while let Some(name) = members.next_key::<String>()? {
            let is_secret = is_secret || names_a_secret(&name);
            members.next_value_seed(Gather { is_secret, texts: &mut *texts })?;
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}

fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name != "token_type" && SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// Whether an answer brings a token all the same, which nobody knows yet: then none of it is shown.
pub(super) fn holds_a_token(body: &[u8]) -> bool {
    let names = ["access_token", "refresh_token", "id_token", "accessToken", "refreshToken", "idToken"];
    // `invalid_token` is what refusals say
    let begins =
        |at: usize| !at.checked_sub(1).and_then(|at| body.get(at)).is_some_and(u8::is_ascii_alphabetic);
    names.iter().any(|name| memmem::find_iter(body, name.as_bytes()).any(begins))
}

/// All texts that are secrets by their names in an answer of which none is used, and no more than one more than are hidden.
pub(super) fn named_in(body: &[u8]) -> Texts {
    let mut texts = tokens_in(body);
    texts.extend(named(body).take(MOST_TOKENS + 1));
    texts.truncate(MOST_TOKENS + 1);
    texts
}

/// Those that are no words, which other answers hold by chance (`"token_format": "opaque"`).
pub(super) fn long(mut texts: Texts) -> Texts {
    texts.retain(|text| text.len() >= LIKE_A_TOKEN);
    texts
}
