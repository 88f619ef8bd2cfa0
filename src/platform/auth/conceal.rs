//! Secrets, found in whatever came back, however it writes them.
//!
//! Who repeats what was sent to them writes it as their own format wants it: JSON may escape any character of it
//! (`\/`, `\u002B`, RFC 8259 §7), once or once more for JSON within JSON, a URL and a form encode it (`%2F`), a web page
//! has `&#x2F;`. Looking after each of our own parsers would miss what is kept as it came. So it is looked for once, in
//! the bytes and before anything reads them: both sides are brought to their plain form, without any escapes, and what
//! is found there is replaced where it stands. Whole escapes are replaced, so that JSON stays JSON.

use std::ops::Range;

use memchr::{memchr3, memmem};
use secrecy::zeroize::Zeroizing;

/// The shortest text that is looked for in what came back, and the shortest beginning of one at its end.
const SHORTEST: usize = 6;
/// What stands in the place of a secret.
const MARK: &[u8] = "…".as_bytes();
/// The longest character reference that is read, from behind its `&`: `#x10ffff;`, and some zeros.
const LONGEST_REFERENCE: usize = 16;
/// How often escapes are undone that were escaped themselves, each character of them.
const MOST_ROUNDS: usize = 4;

/// The bytes with `…` in the place of each of these texts, in whichever way it is escaped, and of the beginning of one
/// where they end with it: they may have been cut off there. `None` where none of them is in there. What is as short
/// as a word is no secret, and is left.
pub(super) fn conceal(bytes: &[u8], hidden: &[&[u8]]) -> Option<Vec<u8>> {
    let mut concealed: Option<Vec<u8>> = None;
    for text in hidden.iter().filter(|text| text.len() >= SHORTEST) {
        let before = concealed.as_deref().unwrap_or(bytes);
        if let Some(after) = without(before, &places(before, text)) {
            concealed = Some(after);
        }
        let text = bare(text);
        if text.len() >= SHORTEST {
            let before = concealed.as_deref().unwrap_or(bytes);
            let after = without(before, &escaped_places(before, &text, MOST_ROUNDS));
            concealed = after.or(concealed);
        }
    }
    concealed
}

/// Where the text stands in the bytes, and its beginning at their end.
fn places(bytes: &[u8], text: &[u8]) -> Vec<Range<usize>> {
    let mut places: Vec<_> = memmem::find_iter(bytes, text).map(|at| at..at + text.len()).collect();
    let free = places.last().map_or(0, |last| last.end);
    let longest = (bytes.len() - free).min(text.len() - 1);
    let begun = (SHORTEST..=longest)
        .rev()
        .find(|&length| text.get(..length).is_some_and(|beginning| bytes.ends_with(beginning)));
    places.extend(begun.map(|length| bytes.len() - length..bytes.len()));
    places
}

/// The bytes with the mark in these places; `None` where there are none.
fn without(bytes: &[u8], places: &[Range<usize>]) -> Option<Vec<u8>> {
    let end = places.last()?.end;
    let mut after = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for place in places {
        after.extend_from_slice(bytes.get(from..place.start).unwrap_or_default());
        after.extend_from_slice(MARK);
        from = place.end;
    }
    after.extend_from_slice(bytes.get(end..).unwrap_or_default());
    Some(after)
}

/// A secret without what would be taken for escapes in it.
fn bare(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bare = Zeroizing::new(text.to_vec());
    // with something behind it, so that nothing of it breaks off
    bare.push(b' ');
    while let Some(plain) = plain(&bare) {
        bare = Zeroizing::new(plain);
    }
    bare.pop();
    bare
}

/// Where a text without escapes stands in the bytes, however often it was escaped.
fn escaped_places(bytes: &[u8], text: &[u8], rounds: usize) -> Vec<Range<usize>> {
    match plain(bytes) {
        Some(plain) if rounds > 0 => origins(bytes, &escaped_places(&plain, text, rounds - 1)),
        _ => places(bytes, text),
    }
}

/// The bytes with their escapes undone once; `None` where there are none.
fn plain(bytes: &[u8]) -> Option<Vec<u8>> {
    memchr3(b'\\', b'%', b'&', bytes)?;
    let mut plain = Vec::with_capacity(bytes.len());
    each_piece(bytes, |piece, _| plain.extend_from_slice(piece));
    (plain.len() != bytes.len()).then_some(plain)
}

/// The places in the bytes from which these places of their plain form come.
fn origins(bytes: &[u8], places: &[Range<usize>]) -> Vec<Range<usize>> {
    let ends = places.iter().flat_map(|place| [(place.start, End::First), (place.end - 1, End::Last)]);
    let mut ends = ends.peekable();
    let mut found = Vec::with_capacity(2 * places.len());
    let mut done = 0;
    each_piece(bytes, |piece, from| {
        let next = done + piece.len();
        while let Some((at, end)) = ends.next_if(|(at, _)| *at < next) {
            // no escape is as short as what it stands for
            let is_escape = piece.len() != from.len();
            found.push(match end {
                End::First if is_escape => from.start,
                End::Last if is_escape => from.end,
                End::First => from.start + (at - done),
                End::Last => from.start + (at - done) + 1,
            });
        }
        done = next;
    });
    let (pairs, _) = found.as_chunks();
    pairs.iter().map(|&[start, end]| start..end).collect()
}

/// The two ends of a place.
#[derive(Clone, Copy)]
enum End {
    First,
    Last,
}

/// Gives the plain form piece by piece, each with the place that it comes from: a stretch without escapes, or one escape.
/// An escape that the end breaks off is left out.
fn each_piece(bytes: &[u8], mut take: impl FnMut(&[u8], Range<usize>)) {
    let mut from = 0;
    while let Some(rest) = bytes.get(from..).filter(|rest| !rest.is_empty()) {
        let length = match memchr3(b'\\', b'%', b'&', rest).unwrap_or(rest.len()) {
            0 => {
                let Some((unit, length)) = unescaped(rest) else { return };
                match unit {
                    Unit::Byte(byte) => take(&[byte], from..from + length),
                    Unit::Char(char) => {
                        take(char.encode_utf8(&mut [0; 4]).as_bytes(), from..from + length);
                    }
                }
                length
            }
            length => {
                take(rest.get(..length).unwrap_or_default(), from..from + length);
                length
            }
        };
        from += length;
    }
}

/// What an escape stands for.
#[derive(Clone, Copy)]
enum Unit {
    Byte(u8),
    Char(char),
}

/// What follows a character that may begin an escape.
enum Read {
    /// An escape, and as many bytes.
    Escape(Unit, usize),
    /// None.
    Other,
    /// One that breaks off.
    BrokenOff,
}

/// What the first character stands for together with what follows it, and how many bytes that takes up; `None` where an
/// escape breaks off.
fn unescaped(bytes: &[u8]) -> Option<(Unit, usize)> {
    let (&first, rest) = bytes.split_first()?;
    let read = match first {
        b'\\' => json(rest),
        b'%' => url(rest),
        b'&' => page(rest),
        _ => Read::Other,
    };
    match read {
        Read::Escape(unit, more) => Some((unit, 1 + more)),
        Read::Other => Some((Unit::Byte(first), 1)),
        Read::BrokenOff => None,
    }
}

/// Behind a `\`. As many as there are in a row count as one: whoever escapes what is escaped doubles them. One before any
/// other character than `u` stands for that.
fn json(rest: &[u8]) -> Read {
    let row = row_of_slashes(rest);
    let Some((&first, digits)) = rest.get(row..).and_then(<[u8]>::split_first) else {
        return Read::BrokenOff;
    };
    if first != b'u' {
        return Read::Escape(Unit::Byte(first), row + 1);
    }
    let Some(code) = hexadecimal(digits, 4) else {
        let breaks_off = digits.len() < 4 && digits.iter().all(u8::is_ascii_hexdigit);
        return if breaks_off { Read::BrokenOff } else { Read::Escape(Unit::Byte(first), row + 1) };
    };
    let length = row + 5;
    if let Some(char) = char::from_u32(code) {
        return Read::Escape(unit(char), length);
    }
    // half of a surrogate pair
    let digits = digits.get(4..).unwrap_or_default();
    let row = row_of_slashes(digits);
    let low = digits.get(row..).and_then(|rest| hexadecimal(rest.strip_prefix(b"u")?, 4));
    let char = low.filter(|_| row > 0).and_then(|low| {
        let units = [u16::try_from(code).ok()?, u16::try_from(low).ok()?];
        char::decode_utf16(units).next()?.ok()
    });
    match char {
        Some(char) => Read::Escape(Unit::Char(char), length + row + 5),
        None => Read::Escape(Unit::Char(char::REPLACEMENT_CHARACTER), length),
    }
}

fn row_of_slashes(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte == b'\\').count()
}

/// Behind a `%`.
fn url(rest: &[u8]) -> Read {
    match hexadecimal(rest, 2).and_then(|byte| u8::try_from(byte).ok()) {
        Some(byte) => Read::Escape(Unit::Byte(byte), 2),
        None if rest.len() < 2 && rest.iter().all(u8::is_ascii_hexdigit) => Read::BrokenOff,
        None => Read::Other,
    }
}

/// Behind a `&`.
fn page(rest: &[u8]) -> Read {
    let name = rest.iter().take(LONGEST_REFERENCE);
    let length = name.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#').count();
    if length == rest.len() {
        return Read::BrokenOff;
    }
    let name = rest.get(..length).filter(|_| rest.get(length) == Some(&b';'));
    let char = match name.and_then(|name| str::from_utf8(name).ok()) {
        Some("amp") => Some('&'),
        Some("lt") => Some('<'),
        Some("gt") => Some('>'),
        Some("quot") => Some('"'),
        Some("apos") => Some('\''),
        Some(name) => name.strip_prefix('#').and_then(|number| {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }),
        None => None,
    };
    char.map_or(Read::Other, |char| Read::Escape(unit(char), length + 1))
}

fn unit(char: char) -> Unit {
    match u8::try_from(char) {
        Ok(byte) if byte.is_ascii() => Unit::Byte(byte),
        _ => Unit::Char(char),
    }
}

/// The number that so many digits write.
fn hexadecimal(bytes: &[u8], digits: usize) -> Option<u32> {
    let digits = bytes.get(..digits)?;
    digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "tok-AAAA/bbbb+SECRET=zz99";

    fn concealed(came: &str, hidden: &str) -> String {
        let after = conceal(came.as_bytes(), &[hidden.as_bytes()]);
        after.map_or_else(|| came.to_owned(), |after| String::from_utf8(after).unwrap())
    }

    /// Each character as an escape of JSON.
    fn spelled_out(text: &str) -> String {
        text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat()
    }

    fn references(text: &str) -> String {
        text.chars().map(|char| format!("&#x{:x};", u32::from(char))).collect::<Vec<_>>().concat()
    }

    fn percents(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_secret_is_found_in_every_way_of_escaping_it() {
        let json = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let slashed = TOKEN.replace('/', "\\/").replace('+', "\\u002B").replace('=', "\\u003d");
        for form in [
            TOKEN.to_owned(),
            TOKEN.replace('/', "\\/"),
            slashed.clone(),
            json(&slashed),
            json(&json(&slashed)),
            spelled_out(TOKEN),
            spelled_out(TOKEN).to_uppercase().replace("\\U", "\\u"),
            json(&spelled_out(TOKEN)),
            spelled_out(&slashed),
            TOKEN.replace('/', "%2F").replace('+', "%2b"),
            percents(TOKEN),
            percents(&percents(TOKEN)),
            TOKEN.replace('/', "&#x2F;").replace('+', "&#43;").replace('=', "&#x3D;"),
            references(TOKEN),
            references(TOKEN).replace('&', "&amp;"),
            json(&percents(&slashed)),
        ] {
            let came = format!(r#"{{"a\n":"got \"{form}\" \\","b":["{form}{form}"]}}"#);
            let shown = concealed(&came, TOKEN);
            assert_eq!(shown, r#"{"a\n":"got \"…\" \\","b":["……"]}"#, "{form}");
        }
    }

    #[test]
    fn secrets_that_hold_escapes_themselves_are_found() {
        for secret in
            ["a\\b\\nc\\\\defg", "p%41ss%wört&amp;x", "per cent%2", "tab\tand\"quote\"", "🔒 key 🔑 é"]
        {
            for form in [secret.to_owned(), spelled_out(secret), percents(secret), references(secret)] {
                let shown = concealed(&format!("[\"{form}\"]"), secret);
                assert!(shown.starts_with("[\"…") && shown.len() < 12, "{secret}: {form}: {shown}");
            }
        }
    }

    #[test]
    fn what_is_cut_off_within_a_secret_shows_no_part_of_it_that_counts() {
        let slashed = TOKEN.replace('/', "\\/").replace('+', "\\u002B");
        for form in [TOKEN, &slashed, &spelled_out(TOKEN), &percents(TOKEN), &references(TOKEN)] {
            let came = format!("{{\"message\":\"\\\"sent {form}");
            let from = came.len() - form.len();
            for end in from..came.len() {
                let shown = concealed(&came[..end], TOKEN);
                let rest = plain(shown.as_bytes()).unwrap_or_else(|| shown.clone().into_bytes());
                let rest = String::from_utf8(rest).unwrap();
                let rest = rest.strip_prefix("{\"message\":\"\"sent ").unwrap();
                assert!(rest.len() < SHORTEST || rest.starts_with('…'), "{form} to {end}: {shown}");
            }
        }
    }

    #[test]
    fn other_texts_stay_byte_by_byte() {
        for text in
            ["", "\\", "%", "&", "\\u", "\\u00", "%2", "&#", "a\\u0041%zz&nbsp;\\ud800\\ud83d\\ude00 tok-"]
        {
            assert!(conceal(text.as_bytes(), &[TOKEN.as_bytes(), b"a", b""]).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_whatsoever_make_it_fail(
            bytes in prop::collection::vec(prop::sample::select(b"\\u0%d8&#x;ae/\xff".to_vec()), 0..60),
            text in prop::collection::vec(prop::sample::select(b"\\u0%d8&#x;ae/\xff".to_vec()), 0..12),
        ) {
            let after = conceal(&bytes, &[&text]);
            if text.len() >= SHORTEST {
                let left = after.as_deref().unwrap_or(&bytes);
                prop_assert!(memmem::find(left, &text).is_none());
            }
        }

        #[test]
        fn json_stays_json(
            before in "[a\\\\\"\n/%&é🔒]{0,8}",
            after in "[a\\\\\"\n/%&é🔒]{0,8}",
            ways in prop::collection::vec(0..4u8, TOKEN.len()),
        ) {
            let form: String = TOKEN.chars().zip(ways).map(|(char, way)| match way {
                0 => spelled_out(&char.to_string()),
                1 if !char.is_ascii_alphanumeric() => format!("%{:02x}", u32::from(char)),
                2 if char == '/' => "\\/".to_owned(),
                _ => char.to_string(),
            }).collect();
            let quoted = |text: &str| serde_json::to_string(text).unwrap();
            let json = format!("[{},\"{form}\",{}]", quoted(&before), quoted(&after));
            let shown = concealed(&json, TOKEN);
            let value: serde_json::Value = serde_json::from_str(&shown).unwrap();
            prop_assert_eq!(value, serde_json::json!([before, "…", after]));
        }
    }
}
