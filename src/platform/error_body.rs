//! What the body of a refusal says, whatever it is.
//!
//! A platform has two shapes of its own, its token endpoint a third; a proxy before it sends a web page, and a
//! connection that breaks sends half of any of these. All of it is outside text: each line taken from it is made safe
//! here, once, and no body whatsoever makes this fail.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::text::one_line;

/// The most bytes of a message.
const MESSAGE_BYTES: usize = 2048;
/// The most characters of a code or of a field's name.
const CODE_LENGTH: usize = 200;
/// The most bytes of each entry's message: there may be as many entries as there were records.
const ENTRY_BYTES: usize = 512;
/// The most entries that are kept: no batch has more records. Those beyond are counted.
const ENTRIES: usize = 10_000;
/// How many objects `error` may be wrapped in. What is deeper is only text.
const WRAPPED: u8 = 4;

/// What a platform said of a call that it refused. All texts are single lines, safe to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformError {
    /// The platform's code for it, where it has one; else that of its first entry.
    pub code: Option<String>,
    /// What it said, or what its body is, at most 2 KiB.
    pub message: String,
    /// What it said of single records or fields.
    pub details: Vec<ErrorEntry>,
}

/// What a platform said of one record or field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorEntry {
    /// The code of it.
    pub code: Option<String>,
    /// What is wrong; empty where only the code tells.
    pub message: String,
    /// The place of the offending record in the request's array, from 0.
    pub index: Option<u64>,
    /// The offending field.
    pub field: Option<String>,
}

/// Reads any body that came with a status other than 2xx. It takes no more memory than a part of the body, whatever
/// stands in it.
#[must_use]
pub fn parse(status: u16, body: &[u8]) -> PlatformError {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    let value: &RawValue = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) if error.is_eof() && body.first().is_some_and(|byte| matches!(byte, b'{' | b'[')) => {
            let text = line(&beginning(body), MESSAGE_BYTES - 32);
            let message = format!("JSON that breaks off: {text}");
            return PlatformError { code: None, message, details: Vec::new() };
        }
        Err(_) => return from_text(status, body),
    };
    match body.first() {
        Some(b'{') => from_object(status, value, WRAPPED),
        Some(b'[') => match Entries::of(value, Index::Given) {
            entries if entries.objects > 0 => summed(status, None, None, entries),
            _ => from_text(status, body),
        },
        Some(b'"') => plain(status, &text(value).unwrap_or_default()),
        _ => from_text(status, body),
    }
}

/// What a list of errors says, or one that stands alone: its first entries that say anything, at most so many, each with
/// a message.
#[must_use]
pub fn said(errors: &RawValue, most: usize) -> Vec<ErrorEntry> {
    let mut said = Vec::new();
    let mut take = |element: &RawValue| {
        if said.len() < most && !matches!(element.get(), "null" | "{}" | "[]" | "\"\"") {
            let mut entry = entry(element, Index::Meaningless);
            if entry.message.is_empty() {
                let text = entry.code.clone().unwrap_or_else(|| element.get().to_owned());
                entry.message = line(&text, ENTRY_BYTES);
            }
            said.push(entry);
        }
    };
    if errors.get().starts_with('[') {
        // it was read before, and is an array
        drop(serde_json::Deserializer::from_str(errors.get()).deserialize_seq(Each(&mut take)));
    } else {
        take(errors);
    }
    said
}

/// Whether an entry's `index` is a record's place. In `errors` it is; in `details` the word has other meanings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Index {
    Given,
    Meaningless,
}

fn from_object(status: u16, value: &RawValue, wrapped: u8) -> PlatformError {
    let object = Known::of(value);
    // some gateways wrap it all
    if let Some(inner) = object.get("error").filter(|inner| wrapped > 0 && inner.get().starts_with('{')) {
        return from_object(status, inner, wrapped - 1);
    }
    let mut entries = Entries::default();
    for (name, index) in [("errors", Index::Given), ("details", Index::Meaningless)] {
        if let Some(array) = object.get(name) {
            entries.add(array, index);
        }
    }
    let (code, message) = match object.text(&["error"]) {
        // RFC 6749 §5.2; Genesys calls the description `description`.
        Some(code) => {
            (Some(code), object.text(&["error_description", "description", "errorDescription", "message"]))
        }
        None => (
            object.text(&["code", "errorCode"]),
            object.text(&["message", "errorMessage", "errorDescription", "description"]),
        ),
    };
    if code.is_none() && message.is_none() && entries.say_nothing() {
        let text = if object.members == 0 { String::new() } else { beginning(value.get().as_bytes()) };
        return PlatformError { details: entries.kept, ..plain(status, &text) };
    }
    summed(status, code, message, entries)
}

/// Puts code, message and entries together; what the whole does not say, its first entry does.
fn summed(
    status: u16,
    code: Option<Cow<'_, str>>,
    message: Option<Cow<'_, str>>,
    entries: Entries,
) -> PlatformError {
    let Entries { kept: details, count, .. } = entries;
    let code = code
        .map(|text| one_line(&text, CODE_LENGTH))
        .or_else(|| details.iter().find_map(|one| one.code.clone()));
    let message = message.map(|text| line(&text, MESSAGE_BYTES)).filter(|text| !text.is_empty());
    let message = message.unwrap_or_else(|| {
        let Some(first) = details.iter().find(|one| !one.message.is_empty()) else {
            return code.clone().unwrap_or_else(|| nothing(status));
        };
        let place = first.index.map_or_else(String::new, |index| format!(" (index {index})"));
        match count - 1 {
            0 => format!("{}{place}", first.message),
            more => format!("{}{place}, and {more} more", first.message),
        }
    });
    PlatformError { code, message, details }
}

/// The members of an object that are known, the last of each name, unread.
#[derive(Default)]
struct Known<'a> {
    found: [Option<&'a RawValue>; NAMES.len()],
    /// Members of any name.
    members: usize,
}

/// What they are called.
const NAMES: [&str; 13] = [
    "error",
    "errors",
    "details",
    "code",
    "errorCode",
    "message",
    "errorMessage",
    "errorDescription",
    "error_description",
    "description",
    "index",
    "fieldName",
    "field",
];

impl<'a> Known<'a> {
    /// Nothing where the value is no object.
    fn of(value: &'a RawValue) -> Self {
        serde_json::Deserializer::from_str(value.get()).deserialize_map(Members).unwrap_or_default()
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let place = NAMES.iter().position(|known| *known == name)?;
        self.found.get(place).copied().flatten()
    }

    /// The first of these that is a text and not empty.
    fn text(&self, names: &[&str]) -> Option<Cow<'a, str>> {
        names.iter().find_map(|name| text(self.get(name)?).filter(|text| !text.is_empty()))
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Known<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Known<'de>, A::Error> {
        let mut known = Known::default();
        while let Some(Text(name)) = map.next_key()? {
            known.members += 1;
            match NAMES.iter().position(|known| *known == name).and_then(|at| known.found.get_mut(at)) {
                Some(place) => *place = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(known)
    }
}

/// A text that is borrowed where nothing in it is escaped.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(value.get()).ok().map(|text| text.0)
}

/// The entries of an array.
#[derive(Default)]
struct Entries {
    kept: Vec<ErrorEntry>,
    /// Those that say something, also the ones that are not kept.
    count: usize,
    /// Those of them that are objects.
    objects: usize,
}

impl Entries {
    fn of(array: &RawValue, index: Index) -> Self {
        let mut entries = Self::default();
        entries.add(array, index);
        entries
    }

    /// Nothing where the value is no array.
    fn add(&mut self, array: &RawValue, index: Index) {
        let mut take = |element: &RawValue| {
            let is_object = element.get().starts_with('{');
            if is_object || element.get().starts_with('"') {
                self.count += 1;
                self.objects += usize::from(is_object);
                if self.kept.len() < ENTRIES {
                    self.kept.push(entry(element, index));
                }
            }
        };
        // it was read before, so all that this can refuse is what is no array
        drop(serde_json::Deserializer::from_str(array.get()).deserialize_seq(Each(&mut take)));
    }

    fn say_nothing(&self) -> bool {
        self.kept.iter().all(|one| one.code.is_none() && one.message.is_empty())
    }
}

/// Hands over each element of an array, unread.
struct Each<'t>(&'t mut dyn FnMut(&RawValue));

impl<'de> Visitor<'de> for Each<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element::<&RawValue>()? {
            (self.0)(element);
        }
        Ok(())
    }
}

/// One entry: an object, or a text.
fn entry(value: &RawValue, index: Index) -> ErrorEntry {
    if let Some(text) = text(value) {
        return ErrorEntry { code: None, message: line(&text, ENTRY_BYTES), index: None, field: None };
    }
    let object = Known::of(value);
    let short = |names: &[&str]| object.text(names).map(|text| one_line(&text, CODE_LENGTH));
    let place = object.get("index").filter(|_| index == Index::Given);
    ErrorEntry {
        code: short(&["errorCode", "code"]),
        message: object
            .text(&["message", "errorMessage", "description"])
            .map_or_else(String::new, |text| line(&text, ENTRY_BYTES)),
        index: place.and_then(|place| place.get().parse().ok()),
        field: short(&["fieldName", "field"]),
    }
}

fn from_text(status: u16, body: &[u8]) -> PlatformError {
    let text = beginning(body);
    if let Some(page) = web_page(&text) {
        return PlatformError { code: None, message: page, details: Vec::new() };
    }
    plain(status, &text)
}

fn plain(status: u16, text: &str) -> PlatformError {
    let message = line(text, MESSAGE_BYTES);
    let message = if message.is_empty() { nothing(status) } else { message };
    PlatformError { code: None, message, details: Vec::new() }
}

fn nothing(status: u16) -> String {
    let name = reqwest::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    match name {
        Some(name) => format!("{name}, and the answer does not say more"),
        None => "the answer does not say why".to_owned(),
    }
}

/// What a web page is about, where the text is one.
fn web_page(text: &str) -> Option<String> {
    let lower = text.trim_start().to_ascii_lowercase();
    if !(lower.starts_with("<!doctype html") || lower.starts_with("<html") || lower.contains("<title")) {
        return None;
    }
    // Lower case is ASCII only, so places in one text are places in the other, less what was trimmed before both.
    let trimmed = text.trim_start();
    let title = lower.find("<title").and_then(|at| {
        let opened = at + lower.get(at..)?.find('>')? + 1;
        let closed = lower.get(opened..)?.find('<').map_or(lower.len(), |length| opened + length);
        trimmed.get(opened..closed).map(|title| line(title, 200)).filter(|title| !title.is_empty())
    });
    Some(title.map_or_else(|| "a web page".to_owned(), |title| format!("a web page: {title}")))
}

/// As much of a body as a message can hold, as text.
fn beginning(body: &[u8]) -> String {
    // A page's title may stand some way down.
    String::from_utf8_lossy(body.get(..4 * MESSAGE_BYTES).unwrap_or(body)).into_owned()
}

/// One safe line of at most so many bytes.
fn line(text: &str, most: usize) -> String {
    let mut line = one_line(text, most);
    if line.len() > most {
        const MARK: &str = "…";
        let mut end = most - MARK.len();
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
        line.push_str(MARK);
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(status: u16, body: &str) -> (Option<String>, String) {
        let error = parse(status, body.as_bytes());
        (error.code, error.message)
    }

    #[test]
    fn the_platforms_own_shape_is_read() {
        let error = parse(
            429,
            br#"{"message": "Rate limit exceeded the maximum.", "code": "too.many.requests.retry.after",
                "status": 429, "contextId": "4e1c", "details": [{"errorCode": "E1", "fieldName": "name", "index": 3}],
                "errors": []}"#,
        );
        assert_eq!(error.code.as_deref(), Some("too.many.requests.retry.after"));
        assert_eq!(error.message, "Rate limit exceeded the maximum.");
        let detail = ErrorEntry {
            code: Some("E1".into()),
            message: String::new(),
            index: None,
            field: Some("name".into()),
        };
        assert_eq!(error.details, [detail]);
    }

    #[test]
    fn a_batchs_errors_name_the_places_of_their_records() {
        let error = parse(
            422,
            br#"{"errors": [{"errorCode": "SCHEMA_MISMATCH", "message": "duration_seconds must be an integer", "index": 17},
                {"errorCode": "OTHER", "message": "no", "index": 0}, {"message": "negative", "index": -1}, 7, null]}"#,
        );
        assert_eq!(error.code.as_deref(), Some("SCHEMA_MISMATCH"));
        assert_eq!(error.message, "duration_seconds must be an integer (index 17), and 2 more");
        assert_eq!(error.details.iter().map(|one| one.index).collect::<Vec<_>>(), [Some(17), Some(0), None]);
    }

    #[test]
    fn oauth_errors_are_read_in_both_spellings() {
        for key in ["error_description", "description"] {
            let body = format!(r#"{{"error": "invalid_request", "{key}": "rate limit exceeded; wait"}}"#);
            assert_eq!(
                told(400, &body),
                (Some("invalid_request".into()), "rate limit exceeded; wait".into())
            );
        }
        assert_eq!(
            told(401, r#"{"error": "invalid_client"}"#),
            (Some("invalid_client".into()), "invalid_client".into())
        );
    }

    #[test]
    fn other_bodies_say_what_they_are() {
        for (status, body, message) in [
            (502, "<html>\n<head><title>502 Bad\nGateway</title></head>", "a web page: 502 Bad Gateway"),
            (502, "\u{feff} <!DOCTYPE HTML><TITLE lang=en>Ört</TITLE>", "a web page: Ört"),
            (502, "<!doctype html><p>x", "a web page"),
            (502, "<html><title>cut of", "a web page: cut of"),
            (503, "", "Service Unavailable, and the answer does not say more"),
            (599, " \n", "the answer does not say why"),
            (500, "{}", "Internal Server Error, and the answer does not say more"),
            (500, "upstream\x1b[31m down\r\n", "upstream [31m down"),
            (500, "\"just text\"", "just text"),
            (500, "17", "17"),
            (500, "\u{feff}\n{\"message\": \"marked\"} ", "marked"),
            (500, r#"{"odd": 1}"#, r#"{"odd": 1}"#),
            (500, r#"{"message": 5, "code": null}"#, r#"{"message": 5, "code": null}"#),
            (500, r#"{"message": "half of i"#, r#"JSON that breaks off: {"message": "half of i"#),
            (400, r#"["first", {"message": "second", "index": 4}]"#, "first, and 1 more"),
            (400, r#"{"errors": ["a", "b"]}"#, "a, and 1 more"),
            (500, r#"{"error": {"message": "wrapped"}}"#, "wrapped"),
            (500, r#"{"message": "", "errorMessage": "second best"}"#, "second best"),
        ] {
            assert_eq!(told(status, body), (None, message.to_owned()), "{body}");
        }
    }

    #[test]
    fn a_message_is_at_most_two_kibibytes_and_says_that_it_was_cut() {
        for body in
            ["ö".repeat(9000), format!("{{\"message\": \"{}\"}}", "漢".repeat(9000)), "x".repeat(2048)]
        {
            let message = parse(500, body.as_bytes()).message;
            assert!(message.len() <= 2048, "{}", message.len());
            assert_eq!(message.ends_with('…'), body.len() > 2048);
        }
    }

    #[test]
    fn of_more_entries_than_a_batch_has_records_the_first_are_kept_and_all_are_counted() {
        let body = format!(r#"{{"errors": [{}"last"]}}"#, r#"{"message": "no", "index": 3},"#.repeat(12_000));
        let error = parse(422, body.as_bytes());
        assert_eq!(error.message, "no (index 3), and 12000 more");
        assert_eq!(error.details.len(), 10_000);
    }

    #[test]
    fn of_a_list_of_errors_the_first_that_say_anything_are_told() {
        let list = r#"[null, {}, {"code": "C"}, "text", {"message": "m", "errorCode": "E"}, {"odd": 1}, 7]"#;
        let value = serde_json::from_str::<&RawValue>(list).unwrap();
        let told: Vec<_> = said(value, 4).into_iter().map(|one| (one.code, one.message)).collect();
        let expected = [(Some("C"), "C"), (None, "text"), (Some("E"), "m"), (None, r#"{"odd": 1}"#)];
        assert_eq!(told, expected.map(|(code, text)| (code.map(str::to_owned), text.to_owned())));
        assert_eq!(said(serde_json::from_str("[]").unwrap(), 4), []);
        assert_eq!(said(serde_json::from_str(r#"{"message": "alone"}"#).unwrap(), 4)[0].message, "alone");
    }

    #[test]
    fn json_nested_to_any_depth_is_only_text() {
        let deep = "[".repeat(1_000_000);
        assert!(parse(400, deep.as_bytes()).message.contains("[[["));
        let wrapped = format!("{}1{}", "{\"error\":".repeat(100_000), "}".repeat(100_000));
        assert!(parse(400, wrapped.as_bytes()).message.starts_with("{\"error\":{"));
    }

    proptest! {
        #[test]
        fn no_bytes_whatsoever_make_it_fail(status in any::<u16>(), body in prop::collection::vec(any::<u8>(), 0..600)) {
            let error = parse(status, &body);
            prop_assert!(!error.message.is_empty() && error.message.len() <= 2048);
            prop_assert!(!error.message.chars().any(char::is_control));
        }

        #[test]
        fn no_half_of_an_answer_makes_it_fail(cut in 0usize..200, flip in 0usize..200, with in any::<u8>()) {
            let mut body = br#"<html>{"errors":[{"errorCode":"A\u0007","message":"\ud83d\ude00 m","index":18446744073709551615,"fieldName":"f"}],"code":"c"}"#.to_vec();
            let start = flip % 7;
            if let Some(byte) = body.get_mut(flip) {
                *byte = with;
            }
            body.truncate(cut);
            let error = parse(422, body.get(start..).unwrap_or_default());
            prop_assert!(!error.message.is_empty() && error.message.len() <= 2048);
            let texts = error.details.iter().flat_map(|one| [Some(&one.message), one.code.as_ref(), one.field.as_ref()]);
            prop_assert!(!texts.flatten().any(|text| text.contains(char::is_control)));
        }
    }
}
