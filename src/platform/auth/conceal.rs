//! Secrets, found in whatever came back, however it writes them.
//!
//! Who repeats what was sent to them writes it as their own format wants it: JSON may escape any character of it
//! (`\/`, `\u002B`, RFC 8259 §7), once or once more for JSON within JSON, a URL and a form encode it (`%2F`), a web page
//! has `&#x2F;`, and who writes for people cuts it short. Looking after each of our own parsers would miss what is kept as it came. So it is looked for once, in
//! the bytes and before anything reads them: both sides are brought to their plain form, without any escapes, and what
//! is found there is replaced where it stands. Whole escapes are replaced, so that JSON stays JSON.

mod plain;
mod sieve;

use std::ops::Range;

use memchr::memmem;
use secrecy::zeroize::Zeroizing;

use plain::{Form, origins, plain};
pub(super) use sieve::Sieve;

/// The shortest text that is looked for in what came back, and the shortest beginning of one at its end.
const SHORTEST: usize = 6;
/// Of a text of so many bytes half is hidden, also: a shorter one's half is as short as a word.
const LONG: usize = 16;
/// The fewest signs of credentials that nobody knows.
const SHORTEST_CREDENTIALS: usize = 16;
/// What stands between a scheme and its credentials.
const BLANKS: [&[u8]; 4] = [b" ", b"+", b"%20", b"\\u0020"];
/// What stands in the place of a secret.
const MARK: &[u8] = "…".as_bytes();
/// Comparisons for each byte, of halves. Of bytes that take more, such as long rows of one letter, quarters are hidden.
const STEPS: usize = 16;
/// How often escapes are undone that were escaped themselves, each character of them.
const MOST_ROUNDS: usize = 4;

/// The bytes with `…` in the place of each of these texts, in whichever way it is escaped, of half of a long one, and of
/// the beginning of one where they end with it: they may have been cut off there. So it is with what stands behind `Bearer`
/// and `Basic`, which may be of a process before this one. `None` where none of them is in there. What is as short as a word
/// is no secret, and is left.
pub(super) fn conceal(bytes: &[u8], hidden: &[&[u8]]) -> Option<Vec<u8>> {
    let hidden = || hidden.iter().filter(|text| text.len() >= SHORTEST);
    let bare: Vec<_> = hidden().map(|text| bare(text)).filter(|text| text.len() >= SHORTEST).collect();
    // all of them in the same bytes: one may be a part of another
    let mut found = escaped_places(bytes, &bare, MOST_ROUNDS);
    for text in hidden() {
        found.extend(whole_places(bytes, text));
        // whose plain form may be too short for halves of it to be looked for
        if text.len() >= LONG {
            found.extend(places(bytes, text));
        }
    }
    let known = without(bytes, &apart(found));
    // last: of a known one these signs may be a part
    let before = known.as_deref().unwrap_or(bytes);
    without(before, &credentials(before)).or(known)
}

/// Where credentials stand behind the name of their scheme (RFC 9110 §11.4): as many signs as a token has, and no word.
fn credentials(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    // without their first letter, which is large or small
    for rest in ["earer", "asic"] {
        // what lies within signs that were looked at is part of them: of many in a row each would be followed to the end
        let mut done = 0;
        for at in memmem::find_iter(bytes, rest) {
            let (before, behind) = bytes.split_at(at);
            let behind = behind.get(rest.len()..).unwrap_or_default();
            if at >= done
                && before.last().is_some_and(|byte| byte.eq_ignore_ascii_case(&b'b'))
                && let Some(blank) = BLANKS.iter().find(|blank| behind.starts_with(blank))
            {
                let from = at + rest.len() + blank.len();
                done = from + signs_of_token(bytes.get(from..).unwrap_or_default());
                if bytes.get(from..done).is_some_and(is_no_word) {
                    places.push(from..done);
                }
            }
        }
    }
    apart(places)
}

/// How many bytes there are of a token, or of base64, as it is or with its `/` and `+` escaped.
fn signs_of_token(bytes: &[u8]) -> usize {
    let mut length = 0;
    while let Some(rest) = bytes.get(length..) {
        length += match rest {
            [b'\\', b'/', ..] => 2,
            [b'\\', b'u', b'0', b'0', ..] if rest.len() >= 6 => 6,
            [b'%', one, two, ..] if one.is_ascii_hexdigit() && two.is_ascii_hexdigit() => 3,
            [b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=', ..] => 1,
            [byte, ..] if byte.is_ascii_alphanumeric() => 1,
            _ => break,
        };
    }
    length
}

/// Whether it is too long, and too mixed, for a word.
fn is_no_word(signs: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| signs.iter().any(kind);
    let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    signs.len() >= SHORTEST_CREDENTIALS && (is_mixed || has(u8::is_ascii_digit))
}

/// The same for a text, which is returned as it is where nothing of them is in there.
pub(crate) fn conceal_in_text(text: String, hidden: &[&[u8]]) -> String {
    conceal(text.as_bytes(), hidden).map_or(text, |shown| String::from_utf8_lossy(&shown).into_owned())
}

fn whole_places(bytes: &[u8], text: &[u8]) -> Vec<Range<usize>> {
    memmem::find_iter(bytes, text).map(|at| at..at + text.len()).collect()
}

/// Where the text stands in the bytes, or half of a long one, and its beginning at their end.
fn places(bytes: &[u8], text: &[u8]) -> Vec<Range<usize>> {
    let mut places = if text.len() < LONG { whole_places(bytes, text) } else { halves(bytes, text) };
    let free = places.last().map_or(0, |last| last.end);
    let longest = (bytes.len() - free).min(text.len() - 1);
    let begun = (SHORTEST..=longest)
        .rev()
        .find(|&length| text.get(..length).is_some_and(|beginning| bytes.ends_with(beginning)));
    places.extend(begun.map(|length| bytes.len() - length..bytes.len()));
    places
}

/// Where at least half of a long text stands in the bytes, whichever half.
fn halves(bytes: &[u8], text: &[u8]) -> Vec<Range<usize>> {
    // whatever is as long as half of it holds one of its quarters
    let quarter = text.len() / 4;
    let mut places: Vec<Range<usize>> = Vec::new();
    let mut steps = bytes.len().saturating_mul(STEPS);
    for (number, piece) in text.chunks_exact(quarter).enumerate() {
        let (before, behind) = text.split_at(number * quarter);
        let finder = memmem::Finder::new(piece);
        let mut from = 0;
        while let Some(at) = bytes.get(from..).and_then(|rest| finder.find(rest)).map(|at| from + at) {
            if steps == 0 {
                add(&mut places, at..at + quarter);
                from = at + quarter;
                continue;
            }
            let (left, right) = bytes.split_at(at);
            let pairs = left.iter().rev().zip(before.iter().rev());
            let start = at - pairs.take_while(|(one, other)| one == other).count();
            let pairs = right.iter().zip(behind);
            let end = at + pairs.take_while(|(one, other)| one == other).count();
            if end - start >= text.len() / 2 {
                add(&mut places, start..end);
            }
            steps = steps.saturating_sub(end - start);
            // in a row of one letter it may stand again behind the next
            from = at + 1;
        }
    }
    apart(places)
}

/// Adds a place, or widens the last one where they meet: rows of one letter have as many as letters.
fn add(places: &mut Vec<Range<usize>>, place: Range<usize>) {
    match places.last_mut() {
        Some(last) if last.start < place.end && place.start < last.end => {
            *last = last.start.min(place.start)..last.end.max(place.end);
        }
        _ => places.push(place),
    }
}

/// Places in their order, and in the place of those that meet the one that holds them.
fn apart(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_by_key(|place| place.start);
    places.dedup_by(|next, place| {
        let meets = next.start < place.end;
        if meets {
            place.end = place.end.max(next.end);
        }
        meets
    });
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

/// A secret without what would be taken for escapes in it, its spaces drawn together, and without those around it.
fn bare(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bare = Zeroizing::new(text.to_vec());
    // with something behind it, so that nothing of it breaks off
    bare.push(b' ');
    while let Some(plain) = plain(&bare, Form::Escaped) {
        bare = Zeroizing::new(plain);
    }
    let drawn = plain(&bare, Form::Spaced).map(Zeroizing::new);
    Zeroizing::new(drawn.as_ref().unwrap_or(&bare).trim_ascii().to_vec())
}

/// Where texts without escapes stand in the bytes, however often they were escaped, and however their spaces are written:
/// whoever makes one line of a message draws them together.
fn escaped_places(bytes: &[u8], texts: &[Zeroizing<Vec<u8>>], rounds: usize) -> Vec<Range<usize>> {
    if rounds > 0
        && let Some(plain) = plain(bytes, Form::Escaped)
    {
        return origins(bytes, Form::Escaped, &escaped_places(&plain, texts, rounds - 1));
    }
    let (spaced, solid): (Vec<_>, Vec<_>) = texts.iter().partition(|text| text.contains(&b' '));
    let all = |bytes: &[u8], texts: &[&Zeroizing<Vec<u8>>]| {
        apart(texts.iter().flat_map(|text| places(bytes, text)).collect())
    };
    let drawn = if spaced.is_empty() { None } else { plain(bytes, Form::Spaced) };
    let spaced = match drawn {
        Some(drawn) => origins(bytes, Form::Spaced, &all(&drawn, &spaced)),
        None => all(bytes, &spaced),
    };
    apart([all(bytes, &solid), spaced].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::plain::{LONGEST_NAME, NAMES};
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
            TOKEN.replace('/', "&sol;").replace('+', "&plus;").replace('=', "&equals;"),
            TOKEN.replace('/', "&#47").replace('+', "&#00000000000000000000000043;").replace('=', "&#x003D"),
            TOKEN.replace('/', "%u002F").replace('+', " ").replace('=', "\\x3d"),
            TOKEN.replace('/', "\\u{2f}").replace('+', "%2520").replace('=', "\\u{00003D}"),
            TOKEN.split("").filter(|char| !char.is_empty()).collect::<Vec<_>>().join("\0"),
        ] {
            let came = format!(r#"{{"a\n":"got \"{form}\" \\","b":["{form}{form}"]}}"#);
            let shown = concealed(&came, TOKEN);
            assert_eq!(shown, r#"{"a\n":"got \"…\" \\","b":["……"]}"#, "{form}");
        }
    }

    #[test]
    fn of_those_that_are_a_part_of_another_all_is_found() {
        let piece = &TOKEN[4..13];
        for hidden in [[piece, TOKEN], [TOKEN, piece]] {
            for form in [TOKEN.to_owned(), spelled_out(TOKEN), TOKEN.replace('+', "\\u002b"), percents(TOKEN)]
            {
                let came = format!("it was {form}, {piece}");
                let shown = conceal(came.as_bytes(), &hidden.map(str::as_bytes)).unwrap();
                assert_eq!(String::from_utf8(shown).unwrap(), "it was …, …", "{form}");
            }
        }
    }

    #[test]
    fn secrets_that_hold_escapes_themselves_are_found() {
        for secret in [
            "a\\b\\nc\\\\defg",
            "p%41ss%wört&amp;x",
            "per cent%2",
            "tab\tand\"quote\"",
            "🔒 key 🔑 é",
            "open  sesame",
        ] {
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
                let rest =
                    plain(shown.as_bytes(), Form::Escaped).unwrap_or_else(|| shown.clone().into_bytes());
                let rest = String::from_utf8(rest).unwrap();
                let rest = rest.strip_prefix("{\"message\":\"\"sent ").unwrap();
                assert!(rest.len() < SHORTEST || rest.starts_with('…'), "{form} to {end}: {shown}");
            }
        }
    }

    #[test]
    fn no_half_of_a_secret_is_shown_whoever_has_cut_it_where() {
        let text = |form: &str| format!("got '{form}...' at 3");
        let (half, long) = (TOKEN.len() / 2, TOKEN.len() - 1);
        for (from, length) in (0..=TOKEN.len() - half).flat_map(|from| [(from, half), (0, half + from)]) {
            for form in [&TOKEN[from..from + length], &percents(&TOKEN[from..from + length])] {
                assert_eq!(concealed(&text(form), TOKEN), "got '…...' at 3", "{form}");
            }
        }
        let twice = format!("{} {}", &TOKEN[..long], &TOKEN[1..]);
        assert_eq!(concealed(&text(&twice), TOKEN), "got '… …...' at 3");
        let rows = "q7xZkAAAAAAAm3Vb9LtRw2Yc";
        assert_eq!(concealed("got '7xZkAAAAAAAm3Vb9...'", rows), "got '…...'");
        // of these what a form writes for a space is no part of the plain form
        for secret in ["P0rw8p8ExYWAprR+", "UM5K++isONQqbC3M", "+P0rw8p8ExYWAprR", "P0rw8p8E%xY%YWAp"] {
            for (from, to) in (0..=8).flat_map(|from| (from + 8..=16).map(move |to| (from, to))) {
                let shown = concealed(&text(&secret[from..to]), secret);
                assert_eq!(shown, "got '…...' at 3", "{from} to {to} of {secret}");
                assert!(!Sieve::of(&[secret.as_bytes()]).lets_through(text(&secret[from..to]).as_bytes()));
            }
        }
        let begun = text(&TOKEN[..half - 1]);
        assert_eq!(concealed(&begun, TOKEN), begun, "by its beginning a person tells which one it was");
    }

    #[test]
    fn digits_at_the_end_are_no_escape_where_there_are_too_many_for_one() {
        let token = "a3f81c9d0be47726fd51aa90c2e6b1847d";
        let (first, rest) = token.split_at(1);
        for lead in ["&#x", "\\u{", "&#x000", "\\u{0", "%26%23x", "%5cu{"] {
            for form in [
                rest.to_owned(),
                percents(token),
                format!("{first}\\u00{:02x}{}", rest.as_bytes()[0], &rest[1..]),
            ] {
                let shown = concealed(&format!("sent {lead}{form}"), token);
                assert!(shown.ends_with('…') && !shown.contains("0be4"), "{lead}{form}: {shown}");
            }
        }
        assert_eq!(concealed("sent &#183654972083165", "83654972083165472098"), "sent &#1…");
        assert_eq!(concealed("sent &mnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz"), "sent &…");
    }

    #[test]
    fn long_rows_of_one_letter_end_soon_and_show_nothing() {
        let hidden = format!("x{}y", "A".repeat(60_000));
        let came = "A".repeat(1 << 20);
        let shown = concealed(&format!("({came})"), &hidden);
        assert!(shown.len() < hidden.len() / 2, "{} are left", shown.len());
    }

    #[test]
    fn credentials_of_another_process_are_not_shown_either() {
        for (came, shown) in [
            ("(Bearer AAprocone8f3KqPz61MnRt5)", "(Bearer …)"),
            (r#"{"a":"bearer\u0020AAproc\/one8f3KqPz61"}"#, r#"{"a":"bearer\u0020…"}"#),
            ("Basic aWQ6c2VjcmV0LXNlY3JldA==, bearer%20AAproc%2Fone8f3KqPz61", "Basic …, bearer%20…"),
            ("Bearer+bearer+basic+Bearer%20Basic%20AAproc1", "Bearer+…"),
            ("basic+bearer+AAprocone8f3KqPz61 bearer AAprocone8f3KqPz61", "basic+… bearer …"),
        ] {
            assert_eq!(concealed(came, TOKEN), shown, "{came}");
        }
        let odd = "abcDEF0123456789abcd|0123456789ABCDEFG";
        assert_eq!(concealed(&format!("Bearer {odd}"), odd), "Bearer …");
        for left in [
            "Bearer authentication_required",
            "Basic realm",
            "Bearer tok-123",
            "Basic \\",
            "the bearer",
            "earer A1",
        ] {
            assert_eq!(concealed(left, TOKEN), left);
        }
    }

    #[test]
    fn every_name_that_a_page_has_for_a_character_of_ascii_is_known() {
        for (name, char) in NAMES {
            let secret = format!("Zq8{}w2Vt9", char::from(char));
            let shown = concealed(&format!("no Zq8&{name};w2Vt9!"), &secret);
            assert_eq!(shown, "no …!", "{name}");
            assert!(name.len() <= LONGEST_NAME, "{name}");
        }
        assert_eq!(concealed("no Zq8&ltw2V&AMPt9!", "Zq8<w2V&t9"), "no …!");
    }

    #[test]
    fn spaces_that_are_drawn_together_make_no_secret() {
        for form in
            ["open sesame", "open  sesame", "open\r\n\t sesame", "open\u{2003}sesame", "open\\n \\tsesame"]
        {
            for secret in ["open sesame", "open  sesame", " open\tsesame"] {
                assert_eq!(concealed(&format!("a  b {form}\tc"), secret), "a  b …\tc", "{form}: {secret}");
            }
        }
        assert_eq!(concealed("opensesame \u{ff}", "open sesame"), "opensesame \u{ff}");
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
        fn no_half_is_left_of_a_secret_that_is_like_itself(
            secret in "[ab]{16,40}",
            from in 0..20_usize,
            more in 0..20_usize,
            before in "[ab]{0,20}",
            after in "[ab]{0,20}",
        ) {
            let half = secret.len() / 2;
            let from = from.min(secret.len() - half);
            let part = &secret[from..secret.len().min(from + half + more)];
            let shown = concealed(&format!("{before}{part}{after}"), &secret);
            prop_assert!(!shown.contains(part), "{}", shown);
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
