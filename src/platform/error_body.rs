//! What the body of a refusal says, whatever it is.
//!
//! A platform has two shapes of its own, its token endpoint a third; a proxy before it sends a web page, and a
//! connection that breaks sends half of any of these. All of it is outside text: each line taken from it is made safe
//! here, once, and no body whatsoever makes this fail.

use serde_json::{Map, Value};

use crate::text::one_line;

/// The most bytes of a message.
const MESSAGE_BYTES: usize = 2048;
/// The most characters of a code or of a field's name.
const CODE_LENGTH: usize = 200;
/// The most bytes of each entry's message: there may be as many entries as there were records.
const ENTRY_BYTES: usize = 512;

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

/// Reads any body that came with a status other than 2xx.
#[must_use]
pub fn parse(status: u16, body: &[u8]) -> PlatformError {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(object)) => from_object(status, &object),
        Ok(Value::Array(entries)) if entries.iter().any(Value::is_object) => {
            summed(status, None, None, entries.iter().filter_map(|one| entry(one, Index::Given)).collect())
        }
        Ok(Value::String(text)) => plain(status, &text),
        Err(error) if error.is_eof() && body.first().is_some_and(|byte| matches!(byte, b'{' | b'[')) => {
            let text = line(&beginning(body), MESSAGE_BYTES - 32);
            PlatformError {
                code: None,
                message: format!("JSON that breaks off: {text}"),
                details: Vec::new(),
            }
        }
        Ok(_) | Err(_) => from_text(status, body),
    }
}

/// Whether an entry's `index` is a record's place. In `errors` it is; in `details` the word has other meanings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Index {
    Given,
    Meaningless,
}

fn from_object(status: u16, object: &Map<String, Value>) -> PlatformError {
    // Some gateways wrap it all. The parser bounds how deep this can go.
    if let Some(Value::Object(wrapped)) = object.get("error") {
        return from_object(status, wrapped);
    }
    let entries = |key, index| {
        object
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(move |one| entry(one, index))
    };
    let details: Vec<ErrorEntry> =
        entries("errors", Index::Given).chain(entries("details", Index::Meaningless)).collect();
    let (code, message) = match first_text(object, &["error"]) {
        // RFC 6749 §5.2; Genesys calls the description `description`.
        Some(code) => (
            Some(code),
            first_text(object, &["error_description", "description", "errorDescription", "message"]),
        ),
        None => (
            first_text(object, &["code", "errorCode"]),
            first_text(object, &["message", "errorMessage", "errorDescription", "description"]),
        ),
    };
    if code.is_none() && message.is_none() && details_say_nothing(&details) {
        let text = if object.is_empty() { String::new() } else { Value::Object(object.clone()).to_string() };
        return PlatformError { details, ..plain(status, &text) };
    }
    summed(status, code, message, details)
}

fn details_say_nothing(details: &[ErrorEntry]) -> bool {
    details.iter().all(|one| one.code.is_none() && one.message.is_empty())
}

/// Puts code, message and entries together; what the whole does not say, its first entry does.
fn summed(status: u16, code: Option<&str>, message: Option<&str>, details: Vec<ErrorEntry>) -> PlatformError {
    let code = code
        .map(|text| one_line(text, CODE_LENGTH))
        .or_else(|| details.iter().find_map(|one| one.code.clone()));
    let message = message.map(|text| line(text, MESSAGE_BYTES)).filter(|text| !text.is_empty());
    let message = message.unwrap_or_else(|| {
        let Some(first) = details.iter().find(|one| !one.message.is_empty()) else {
            return code.clone().unwrap_or_else(|| nothing(status));
        };
        let place = first.index.map_or_else(String::new, |index| format!(" (index {index})"));
        match details.len() - 1 {
            0 => format!("{}{place}", first.message),
            more => format!("{}{place}, and {more} more", first.message),
        }
    });
    PlatformError { code, message, details }
}

fn entry(value: &Value, index: Index) -> Option<ErrorEntry> {
    if let Value::String(text) = value {
        return Some(ErrorEntry { code: None, message: line(text, ENTRY_BYTES), index: None, field: None });
    }
    let object = value.as_object()?;
    let short = |keys: &[&str]| first_text(object, keys).map(|text| one_line(text, CODE_LENGTH));
    Some(ErrorEntry {
        code: short(&["errorCode", "code"]),
        message: first_text(object, &["message", "errorMessage", "description"])
            .map_or_else(String::new, |text| line(text, ENTRY_BYTES)),
        index: object.get("index").filter(|_| index == Index::Given).and_then(Value::as_u64),
        field: short(&["fieldName", "field"]),
    })
}

fn first_text<'a>(object: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| object.get(*key)?.as_str().filter(|text| !text.is_empty()))
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
            (500, r#"{"odd": 1}"#, r#"{"odd":1}"#),
            (500, r#"{"message": 5, "code": null}"#, r#"{"code":null,"message":5}"#),
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
    fn json_nested_to_any_depth_is_only_text() {
        let deep = "[".repeat(1_000_000);
        assert!(parse(400, deep.as_bytes()).message.contains("[[["));
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
