//! Secrets, found in whatever came back, however it writes them.
//!
//! Who repeats what was sent to them writes it as their own format wants it: JSON may escape any character of it
//! (`\/`, `\u002B`, RFC 8259 §7), once or once more for JSON within JSON, a URL and a form encode it (`%2F`), a web page
//! has `&#x2F;`, and who writes for people cuts it short. Looking after each of our own parsers would miss what is kept as it came. So it is looked for once, in
//! the bytes and before anything reads them: both sides are brought to their plain form, without any escapes, and what
//! is found there is replaced where it stands. Whole escapes are replaced, so that JSON stays JSON.

use std::ops::Range;

use memchr::memmem;
use secrecy::zeroize::Zeroizing;

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
/// No name of a character in a page is longer, of those below.
const LONGEST_NAME: usize = 16;
/// What pages call the characters of ASCII, all of them (HTML's named character references).
const NAMES: [(&str, u8); 45] = [
    ("Tab", b'\t'),
    ("NewLine", b'\n'),
    ("excl", b'!'),
    ("quot", b'"'),
    ("QUOT", b'"'),
    ("num", b'#'),
    ("dollar", b'$'),
    ("percnt", b'%'),
    ("amp", b'&'),
    ("AMP", b'&'),
    ("apos", b'\''),
    ("lpar", b'('),
    ("rpar", b')'),
    ("ast", b'*'),
    ("midast", b'*'),
    ("plus", b'+'),
    ("comma", b','),
    ("period", b'.'),
    ("sol", b'/'),
    ("colon", b':'),
    ("semi", b';'),
    ("lt", b'<'),
    ("LT", b'<'),
    ("equals", b'='),
    ("gt", b'>'),
    ("GT", b'>'),
    ("quest", b'?'),
    ("commat", b'@'),
    ("lsqb", b'['),
    ("lbrack", b'['),
    ("bsol", b'\\'),
    ("rsqb", b']'),
    ("rbrack", b']'),
    ("Hat", b'^'),
    ("lowbar", b'_'),
    ("UnderBar", b'_'),
    ("grave", b'`'),
    ("DiacriticalGrave", b'`'),
    ("lcub", b'{'),
    ("lbrace", b'{'),
    ("verbar", b'|'),
    ("vert", b'|'),
    ("VerticalLine", b'|'),
    ("rcub", b'}'),
    ("rbrace", b'}'),
];
/// How often escapes are undone that were escaped themselves, each character of them.
const MOST_ROUNDS: usize = 4;

/// The bytes with `…` in the place of each of these texts, in whichever way it is escaped, of half of a long one, and of
/// the beginning of one where they end with it: they may have been cut off there. So it is with what stands behind `Bearer`
/// and `Basic`, which may be of a process before this one. `None` where none of them is in there. What is as short as a word
/// is no secret, and is left.
pub(super) fn conceal(bytes: &[u8], hidden: &[&[u8]]) -> Option<Vec<u8>> {
    let mut concealed = without(bytes, &credentials(bytes));
    for text in hidden.iter().filter(|text| text.len() >= SHORTEST) {
        let before = concealed.as_deref().unwrap_or(bytes);
        if let Some(after) = without(before, &whole_places(before, text)) {
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

/// Where credentials stand behind the name of their scheme (RFC 9110 §11.4): as many signs as a token has, and no word.
fn credentials(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    // without their first letter, which is large or small
    for rest in ["earer", "asic"] {
        for at in memmem::find_iter(bytes, rest) {
            let (before, behind) = bytes.split_at(at);
            let behind = behind.get(rest.len()..).unwrap_or_default();
            if before.last().is_some_and(|byte| byte.eq_ignore_ascii_case(&b'b'))
                && let Some(blank) = BLANKS.iter().find(|blank| behind.starts_with(blank))
            {
                let signs = behind.get(blank.len()..).unwrap_or_default();
                let length = signs_of_token(signs);
                let from = at + rest.len() + blank.len();
                if signs.get(..length).is_some_and(is_no_word) {
                    places.push(from..from + length);
                }
            }
        }
    }
    places.sort_by_key(|place| place.start);
    places
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
    for (number, piece) in text.chunks_exact(quarter).enumerate() {
        let (before, behind) = text.split_at(number * quarter);
        for at in memmem::find_iter(bytes, piece) {
            let (left, right) = bytes.split_at(at);
            let pairs = left.iter().rev().zip(before.iter().rev());
            let start = at - pairs.take_while(|(one, other)| one == other).count();
            let pairs = right.iter().zip(behind);
            let end = at + pairs.take_while(|(one, other)| one == other).count();
            if end - start >= text.len() / 2 {
                places.push(start..end);
            }
        }
    }
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

/// Whether a byte may be an escape's first, or is none that a person sees.
const fn is_special(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | b'+' | 0)
}

/// Where a text without escapes stands in the bytes, however often it was escaped, and however its spaces are written:
/// whoever makes one line of a message draws them together.
fn escaped_places(bytes: &[u8], text: &[u8], rounds: usize) -> Vec<Range<usize>> {
    if rounds > 0
        && let Some(plain) = plain(bytes, Form::Escaped)
    {
        return origins(bytes, Form::Escaped, &escaped_places(&plain, text, rounds - 1));
    }
    let drawn = text.contains(&b' ').then(|| plain(bytes, Form::Spaced)).flatten();
    match drawn {
        Some(drawn) => origins(bytes, Form::Spaced, &places(&drawn, text)),
        None => places(bytes, text),
    }
}

/// In which way bytes are not plain.
#[derive(Clone, Copy)]
enum Form {
    /// They hold escapes.
    Escaped,
    /// They hold spaces of any kind, and any number in a row.
    Spaced,
}

impl Form {
    /// Whether this byte may be the first of a piece that stands for something else.
    const fn is_special(self, byte: u8) -> bool {
        match self {
            Self::Escaped => is_special(byte),
            // what is beyond ASCII has some, too
            Self::Spaced => byte <= b' ' || byte >= 0x7f,
        }
    }

    /// What the first character stands for together with what follows it, and how many bytes that takes up; `None` where
    /// it breaks off.
    fn read(self, bytes: &[u8]) -> Option<(Unit, usize)> {
        match self {
            Self::Escaped => unescaped(bytes),
            Self::Spaced => Some(match row_of_spaces(bytes) {
                0 => (Unit::Byte(*bytes.first()?), 1),
                row => (Unit::Byte(b' '), row),
            }),
        }
    }
}

/// How many bytes of spaces, and of controls, which become some, the bytes begin with.
fn row_of_spaces(bytes: &[u8]) -> usize {
    let mut row = 0;
    while let Some(char) = first_char(bytes.get(row..).unwrap_or_default())
        && (char.is_whitespace() || char.is_control())
    {
        row += char.len_utf8();
    }
    row
}

fn first_char(bytes: &[u8]) -> Option<char> {
    let head = bytes.get(..bytes.len().min(4))?;
    head.utf8_chunks().next()?.valid().chars().next()
}

/// The bytes in their plain form; `None` where they are in it.
fn plain(bytes: &[u8], form: Form) -> Option<Vec<u8>> {
    bytes.iter().position(|byte| form.is_special(*byte))?;
    let mut plain = Vec::with_capacity(bytes.len());
    each_piece(bytes, form, |piece, _| plain.extend_from_slice(piece));
    (plain != bytes).then_some(plain)
}

/// The places in the bytes from which these places of their plain form come.
fn origins(bytes: &[u8], form: Form, places: &[Range<usize>]) -> Vec<Range<usize>> {
    let ends = places.iter().flat_map(|place| [(place.start, End::First), (place.end - 1, End::Last)]);
    let mut ends = ends.peekable();
    let mut found = Vec::with_capacity(2 * places.len());
    let mut done = 0;
    each_piece(bytes, form, |piece, from| {
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

/// Gives the plain form piece by piece, each with the place that it comes from: a stretch that is plain, or one escape.
/// An escape that the end breaks off is left out.
fn each_piece(bytes: &[u8], form: Form, mut take: impl FnMut(&[u8], Range<usize>)) {
    let mut from = 0;
    while let Some(rest) = bytes.get(from..).filter(|rest| !rest.is_empty()) {
        let length = match rest.iter().position(|byte| form.is_special(*byte)).unwrap_or(rest.len()) {
            0 => {
                let Some((unit, length)) = form.read(rest) else { return };
                match unit {
                    Unit::Nothing => take(&[], from..from + length),
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
    /// Of UTF-16, where a byte would do.
    Nothing,
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
        // a form's space, and what somebody has read as one
        b'+' => Read::Escape(Unit::Byte(b' '), 0),
        0 => Read::Escape(Unit::Nothing, 0),
        _ => Read::Other,
    };
    match read {
        Read::Escape(unit, more) => Some((unit, 1 + more)),
        Read::Other => Some((Unit::Byte(first), 1)),
        Read::BrokenOff => None,
    }
}

/// Behind a `\`. As many as there are in a row count as one: whoever escapes what is escaped doubles them. One before a
/// character that means nothing behind it stands for that.
fn json(rest: &[u8]) -> Read {
    let row = row_of_slashes(rest);
    let Some((&first, digits)) = rest.get(row..).and_then(<[u8]>::split_first) else {
        return Read::BrokenOff;
    };
    if first == b'x' {
        return match url(digits) {
            Read::Escape(unit, more) => Read::Escape(unit, row + 1 + more),
            Read::Other => Read::Escape(Unit::Byte(first), row + 1),
            Read::BrokenOff => Read::BrokenOff,
        };
    }
    let meant = match first {
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'f' => 0x0c,
        b'r' => b'\r',
        other => other,
    };
    if first != b'u' {
        return Read::Escape(Unit::Byte(meant), row + 1);
    }
    if let Some(inside) = digits.strip_prefix(b"{") {
        let length = inside.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if length == inside.len() {
            return Read::BrokenOff;
        }
        if let Some(char) = hexadecimal(inside, length.min(7)).and_then(char::from_u32)
            && inside.get(length) == Some(&b'}')
        {
            return Read::Escape(unit(char), row + length + 3);
        }
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

/// Behind a `%`: two digits, or those of JavaScript's `escape`.
fn url(rest: &[u8]) -> Read {
    if let Some(digits) = rest.strip_prefix(b"u") {
        return match hexadecimal(digits, 4).and_then(char::from_u32) {
            Some(char) => Read::Escape(unit(char), 5),
            None if digits.len() < 4 && digits.iter().all(u8::is_ascii_hexdigit) => Read::BrokenOff,
            None => Read::Other,
        };
    }
    match hexadecimal(rest, 2).and_then(|byte| u8::try_from(byte).ok()) {
        Some(byte) => Read::Escape(Unit::Byte(byte), 2),
        None if rest.len() < 2 && rest.iter().all(u8::is_ascii_hexdigit) => Read::BrokenOff,
        None => Read::Other,
    }
}

/// Behind a `&`. A number needs no `;` behind it: pages are read without one, too.
fn page(rest: &[u8]) -> Read {
    if let Some(number) = rest.strip_prefix(b"#") {
        let digits = number.strip_prefix(b"x").or_else(|| number.strip_prefix(b"X"));
        let (digits, radix) = digits.map_or((number, 10), |digits| (digits, 16));
        let length = digits.iter().take_while(|byte| char::from(**byte).is_digit(radix)).count();
        if length == digits.len() {
            return Read::BrokenOff;
        }
        let code = str::from_utf8(digits.get(..length).unwrap_or_default()).ok();
        let char = code.and_then(|code| char::from_u32(u32::from_str_radix(code, radix).ok()?));
        let end = usize::from(digits.get(length) == Some(&b';'));
        let behind = rest.len() - digits.len() + length + end;
        return char.map_or(Read::Other, |char| Read::Escape(unit(char), behind));
    }
    let name = rest.iter().take(LONGEST_NAME).take_while(|byte| byte.is_ascii_alphabetic());
    let length = name.count();
    if length == rest.len() {
        return Read::BrokenOff;
    }
    let name = rest.get(..length).filter(|_| rest.get(length) == Some(&b';'));
    if let Some((_, char)) = NAMES.iter().find(|(known, _)| Some(known.as_bytes()) == name) {
        return Read::Escape(Unit::Byte(*char), length + 1);
    }
    // the oldest of them are read without a `;`, too
    let old = |known: &str| ["amp", "lt", "gt", "quot", "AMP", "LT", "GT", "QUOT"].contains(&known);
    let known = NAMES.iter().find(|(known, _)| old(known) && rest.starts_with(known.as_bytes()));
    known.map_or(Read::Other, |(known, char)| Read::Escape(Unit::Byte(*char), known.len()))
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
        let begun = text(&TOKEN[..half - 1]);
        assert_eq!(concealed(&begun, TOKEN), begun, "by its beginning a person tells which one it was");
    }

    #[test]
    fn credentials_of_another_process_are_not_shown_either() {
        for (came, shown) in [
            ("(Bearer AAprocone8f3KqPz61MnRt5)", "(Bearer …)"),
            (r#"{"a":"bearer\u0020AAproc\/one8f3KqPz61"}"#, r#"{"a":"bearer\u0020…"}"#),
            ("Basic aWQ6c2VjcmV0LXNlY3JldA==, bearer%20AAproc%2Fone8f3KqPz61", "Basic …, bearer%20…"),
        ] {
            assert_eq!(concealed(came, TOKEN), shown, "{came}");
        }
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
