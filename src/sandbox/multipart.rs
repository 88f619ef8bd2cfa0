//! Reads a `multipart/form-data` body (RFC 7578, RFC 2046 §5.1) that must hold exactly one form field.
//!
//! A general reader would forgive: preambles, parts without names, bare line feeds, a missing end. This one forgives
//! nothing, since what one platform forgives, the next refuses.

use std::ops::Range;

use memchr::memmem;

/// Finds the content of the one field `name`; gives its range in the body.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn only_field(content_type: &str, body: &[u8], name: &str) -> Result<Range<usize>, String> {
    let boundary = boundary(content_type)?;
    let opening = format!("--{boundary}\r\n");
    if !body.starts_with(opening.as_bytes()) {
        return Err("the body does not begin with its boundary".to_owned());
    }
    let closing = format!("\r\n--{boundary}--");
    let ended = body.strip_suffix(b"\r\n").unwrap_or(body);
    if !ended.ends_with(closing.as_bytes()) {
        return Err("the body does not end with its closing boundary".to_owned());
    }
    let part = opening.len()..ended.len() - closing.len();
    let inside = body.get(part.clone()).ok_or("the body is nothing but boundaries")?;
    let headers_end = memmem::find(inside, b"\r\n\r\n").ok_or("the part's headers have no end")?;
    let (headers, content) = inside.split_at_checked(headers_end).unwrap_or_default();
    let headers = str::from_utf8(headers).map_err(|_| "the part's headers are not UTF-8".to_owned())?;
    check_headers(headers, name)?;
    let between = format!("\r\n--{boundary}");
    if memmem::find(content, between.as_bytes()).is_some() {
        return Err("more than one part, or the boundary occurs in the content".to_owned());
    }
    Ok(part.start + headers_end + 4..part.end)
}

fn boundary(content_type: &str) -> Result<&str, String> {
    let mut parts = content_type.split(';').map(str::trim);
    if parts.next() != Some("multipart/form-data") {
        return Err("the content type is not `multipart/form-data`".to_owned());
    }
    let given = parts.find_map(|part| part.strip_prefix("boundary=")).ok_or("no boundary is given")?;
    let quoted = given.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let boundary = quoted.unwrap_or(given);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    if boundary.is_empty() || boundary.len() > 70 || !boundary.bytes().all(allowed) {
        return Err("the boundary is not one to 70 allowed characters (RFC 2046 §5.1.1)".to_owned());
    }
    Ok(boundary)
}

fn check_headers(headers: &str, name: &str) -> Result<(), String> {
    let mut named = false;
    for line in headers.split("\r\n") {
        let (header, value) = line.split_once(':').ok_or("a part's header without a colon")?;
        let value = value.trim();
        match header.to_ascii_lowercase().as_str() {
            "content-disposition" if named => return Err("the part has two dispositions".to_owned()),
            "content-disposition" => {
                named = true;
                if value.contains("filename") {
                    return Err("the part has a file name: a form field is wanted, not a file".to_owned());
                }
                if value != format!("form-data; name=\"{name}\"") {
                    return Err(format!("the part is not the form field `{name}`"));
                }
            }
            "content-type" => {
                let plain = value
                    .split(';')
                    .next()
                    .is_some_and(|kind| matches!(kind.trim(), "application/json" | "text/plain"));
                if !plain {
                    return Err("the part is neither JSON nor text".to_owned());
                }
            }
            _ => return Err("the part has a header that form fields do not have (RFC 7578 §4.8)".to_owned()),
        }
    }
    if named { Ok(()) } else { Err("the part has no content disposition".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=XX";

    fn field(body: &str) -> Result<&str, String> {
        only_field(KIND, body.as_bytes(), "data").map(|range| &body[range])
    }

    #[test]
    fn one_field_is_found_byte_for_byte() {
        let head = "--XX\r\nContent-Disposition: form-data; name=\"data\"\r\n";
        assert_eq!(field(&format!("{head}\r\n[ 1,\r\n2]\n\r\n--XX--\r\n")), Ok("[ 1,\r\n2]\n"));
        assert_eq!(field(&format!("{head}Content-Type: application/json\r\n\r\n[]\r\n--XX--")), Ok("[]"));
        assert_eq!(field(&format!("{head}\r\n\r\n--XX--")), Ok(""));
        let quoted = only_field("multipart/form-data; boundary=\"a:b\"", b"--a:b\r\n", "data");
        assert!(quoted.unwrap_err().contains("closing"));
    }

    #[test]
    fn whatever_else_is_refused() {
        let good = "--XX\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n[1]\r\n--XX--\r\n";
        assert!(field(good).is_ok());
        for (from, to) in [
            ("--XX\r\nC", "preamble\r\n--XX\r\nC"),
            ("--XX--\r\n", "--XX--\r\nepilogue"),
            ("--XX--\r\n", "--XX\r\n"),
            ("\r\n\r\n", "\n\n"),
            ("\"data\"", "\"file\""),
            ("\"data\"", "\"data\"; filename=\"x.json\""),
            ("[1]", "[1]\r\n--XX\r\nContent-Disposition: form-data; name=\"more\"\r\n\r\n[2]"),
            ("\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
            ("\r\n\r\n", "\r\nContent-Type: image/png\r\n\r\n"),
            ("Content-Disposition: form-data; name=\"data\"", "Content-Type: text/plain"),
            ("[1]\r\n--XX--\r\n", "[1]"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good);
            assert!(field(&bad).is_err(), "{bad:?}");
        }
        for kind in ["application/json", "multipart/form-data", "multipart/form-data; boundary=a b"] {
            assert!(only_field(kind, good.as_bytes(), "data").is_err(), "{kind}");
        }
        assert!(only_field("multipart/form-data; boundary=X", b"--X\r\n\r\n--X--", "data").is_err());
    }
}
