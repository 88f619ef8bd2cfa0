//! The canonical form of a JSON text (RFC 8785), in which an execution's key is made.
//!
//! One thing is otherwise than in the RFC: it reads every number as a double, which makes two integers beyond 2^53
//! one. The contract keeps an integer literal that is not exactly a double as it was written. So this walks over the
//! raw text, where the digits still are.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Deeper than any reader takes it.
const DEEPEST: u8 = 127;

/// The canonical form of `text`.
///
/// # Errors
/// Why it has none, in words: no JSON, a member name that comes twice, a number beyond any double.
pub(super) fn canonical(text: &[u8]) -> Result<String, &'static str> {
    let whole: &RawValue = serde_json::from_slice(text).map_err(|_| "no JSON text")?;
    let mut canonical = String::with_capacity(text.len());
    write(whole, &mut canonical, 0)?;
    Ok(canonical)
}

fn write(value: &RawValue, to: &mut String, depth: u8) -> Result<(), &'static str> {
    const BROKEN: &str = "a text that is no Unicode";
    if depth > DEEPEST {
        return Err("nested too deep");
    }
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let Members(mut members) = serde_json::from_str(text).map_err(|_| BROKEN)?;
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            let mut last: Option<&str> = None;
            to.push('{');
            for (name, value) in &members {
                if last == Some(name) {
                    return Err("a member name that comes twice");
                }
                if last.is_some() {
                    to.push(',');
                }
                last = Some(name);
                to.push_str(&plain(name)?);
                to.push(':');
                write(value, to, depth + 1)?;
            }
            to.push('}');
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| BROKEN)?;
            to.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    to.push(',');
                }
                write(element, to, depth + 1)?;
            }
            to.push(']');
        }
        Some(b'"') => to.push_str(&plain(&serde_json::from_str::<String>(text).map_err(|_| BROKEN)?)?),
        Some(b'-' | b'0'..=b'9') => to.push_str(&number(text)?),
        _ => to.push_str(text),
    }
    Ok(())
}

fn number(text: &str) -> Result<String, &'static str> {
    let double: f64 = text.parse().map_err(|_| "no number")?;
    if !double.is_finite() {
        return Err("a number beyond any double");
    }
    let is_integer = !text.contains(['.', 'e', 'E']);
    if is_integer && format!("{double:.0}") != text {
        return Ok(text.to_owned());
    }
    plain(&double)
}

fn plain(value: &impl serde::Serialize) -> Result<String, &'static str> {
    serde_json_canonicalizer::to_string(value).map_err(|_| "no canonical form")
}

/// An object's members as they come, also those whose names are alike.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        from.deserialize_map(All).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_has_one_form() {
        for (text, form) in [
            (" { \"b\" : [ 1.0 , true ] , \"a\" : \"\\u00fc\\n\" } ", r#"{"a":"ü\n","b":[1,true]}"#),
            ("{\"\u{10000}\":1,\"\u{e000}\":2}", "{\"\u{10000}\":1,\"\u{e000}\":2}"),
            (
                "[1e3,-0,0.000001,1E-7,100000000000000000000000]",
                "[1000,0,0.000001,1e-7,100000000000000000000000]",
            ),
            ("1e21", "1e+21"),
            ("null", "null"),
        ] {
            assert_eq!(canonical(text.as_bytes()).as_deref(), Ok(form), "{text}");
        }
    }

    #[test]
    fn an_integer_that_is_no_double_keeps_its_digits() {
        for (text, form) in [
            ("9007199254740993", "9007199254740993"),
            ("9007199254740992", "9007199254740992"),
            ("-9007199254740993", "-9007199254740993"),
            ("1000000000000000000000", "1e+21"),
            ("1000000000000000000001", "1000000000000000000001"),
            ("9007199254740993.0", "9007199254740992"),
        ] {
            assert_eq!(canonical(text.as_bytes()).as_deref(), Ok(form), "{text}");
        }
    }

    #[test]
    fn what_has_no_form_is_told() {
        for text in [
            "{\"a\":1,\"\\u0061\":2}".to_owned(),
            "[1e400]".to_owned(),
            "9".repeat(400),
            "\"\\ud800\"".to_owned(),
            "{} x".to_owned(),
            format!("{}{}", "[".repeat(1000), "]".repeat(1000)),
        ] {
            assert!(canonical(text.as_bytes()).is_err(), "{text}");
        }
    }
}
