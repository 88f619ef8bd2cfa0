//! The plain form of bytes, without any escapes or with their spaces drawn together, and where each piece of it comes from.

use std::ops::Range;

/// No name of a character in a page is longer, of those below.
pub(super) const LONGEST_NAME: usize = 16;
/// What pages call the characters of ASCII, all of them (HTML's named character references).
pub(super) const NAMES: [(&str, u8); 45] = [
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
/// Those of them that are read without a `;` behind them, too.
const OLD_NAMES: [&str; 8] = ["amp", "lt", "gt", "quot", "AMP", "LT", "GT", "QUOT"];
/// Whether a byte may be an escape's first, or is none that a person sees.
const fn is_special(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | b'+' | 0)
}

/// In which way bytes are not plain.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// They hold escapes.
    Escaped,
    /// They hold spaces of any kind, and any number in a row.
    Spaced,
}

impl Form {
    /// Whether this byte may be the first of a piece that stands for something else.
    pub(super) const fn is_special(self, byte: u8) -> bool {
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
pub(super) fn plain(bytes: &[u8], form: Form) -> Option<Vec<u8>> {
    bytes.iter().position(|byte| form.is_special(*byte))?;
    let mut plain = Vec::with_capacity(bytes.len());
    each_piece(bytes, form, |piece, _| plain.extend_from_slice(piece));
    (plain != bytes).then_some(plain)
}

/// The places in the bytes from which these places of their plain form come.
pub(super) fn origins(bytes: &[u8], form: Form, places: &[Range<usize>]) -> Vec<Range<usize>> {
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
        if length == inside.len() && may_be_a_character(inside, 16) {
            return Read::BrokenOff;
        }
        if let Some(char) = code(inside.get(..length).unwrap_or_default(), 16).and_then(char::from_u32)
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
        if length == digits.len() && may_be_a_character(digits, radix) {
            return Read::BrokenOff;
        }
        let char = code(digits.get(..length).unwrap_or_default(), radix).and_then(char::from_u32);
        let end = usize::from(digits.get(length) == Some(&b';'));
        let behind = rest.len() - digits.len() + length + end;
        return char.map_or(Read::Other, |char| Read::Escape(unit(char), behind));
    }
    let name = rest.iter().take(LONGEST_NAME).take_while(|byte| byte.is_ascii_alphabetic());
    let length = name.count();
    let name = rest.get(..length).unwrap_or_default();
    if length == rest.len() && NAMES.iter().any(|(known, _)| known.as_bytes().starts_with(name)) {
        return Read::BrokenOff;
    }
    if rest.get(length) == Some(&b';')
        && let Some(char) = named(name)
    {
        return Read::Escape(Unit::Byte(char), length + 1);
    }
    let old = OLD_NAMES.iter().find(|old| name.starts_with(old.as_bytes()));
    let read = old.and_then(|old| Some(Read::Escape(Unit::Byte(named(old.as_bytes())?), old.len())));
    read.unwrap_or(Read::Other)
}

/// What a page calls so.
fn named(name: &[u8]) -> Option<u8> {
    NAMES.iter().find_map(|(known, char)| (known.as_bytes() == name).then_some(*char))
}

fn unit(char: char) -> Unit {
    match u8::try_from(char) {
        Ok(byte) if byte.is_ascii() => Unit::Byte(byte),
        _ => Unit::Char(char),
    }
}

/// The number that these digits write, where it is not beyond every character's.
fn code(digits: &[u8], radix: u32) -> Option<u32> {
    let code = u32::from_str_radix(str::from_utf8(digits).ok()?, radix).ok()?;
    (code <= u32::from(char::MAX)).then_some(code)
}

/// Whether more digits behind these may make a character's number of them.
fn may_be_a_character(digits: &[u8], radix: u32) -> bool {
    digits.is_empty() || code(digits, radix).is_some()
}

/// The number that so many digits write.
fn hexadecimal(bytes: &[u8], digits: usize) -> Option<u32> {
    let digits = bytes.get(..digits)?;
    digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
}
