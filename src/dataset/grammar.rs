//! The grammar of one JSON value (RFC 8259), checked byte by byte over text that comes in pieces.
//!
//! It builds nothing. All it keeps between two pieces is a state and the open containers, so a value may be cut anywhere
//! and be of any size. It is as strict as the RFC: it takes every number, however long, and escapes of lone surrogates,
//! because §7 and §6 do. Speed comes from the bodies of strings, which are most of a dataset, eight bytes a step, and from
//! [`shape`](super::shape) and [`whole`](super::whole), which are tried first on each value.
//!
//! The text is UTF-8 already; [`Text`](super::text::Text) sees to that.

use wide::u8x16;

use super::shape::Shapes;
use crate::text::is_deceptive;

/// Where the grammar is broken, and how.
#[derive(Debug)]
pub(super) struct Fault {
    /// The byte in the text that was looked at.
    pub(super) at: usize,
    pub(super) flaw: Flaw,
}

/// How the grammar is broken.
#[derive(Debug)]
pub(super) enum Flaw {
    /// As the text says.
    Syntax(String),
    /// The line ends, and the value that should stand on it goes on.
    LineEnd,
    /// It is one object that spans lines where an array should be.
    ObjectInsteadOfArray,
}

/// Whether a value may span lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Free,
    OneLine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Object,
    Array,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A value must begin.
    Value,
    /// Right after `[`.
    FirstElement,
    /// Right after `{`.
    FirstName,
    /// After a comma in an object.
    Name,
    Colon,
    /// After a value in a container.
    After,
    Text,
    Escape,
    /// So many hexadecimal digits are missing.
    Hex(u8),
    Minus,
    Zero,
    Digits,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
    Word,
    /// The value is over.
    Whole,
}

/// Which kind of string is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Name,
    Value,
}

/// The checker of one value after the other.
#[derive(Debug)]
pub(super) struct Value {
    state: State,
    role: Role,
    /// What of `true`, `false` or `null` is still to come.
    word: &'static [u8],
    open: Vec<Container>,
    depth: usize,
    layout: Layout,
    shapes: Shapes,
}

impl Value {
    pub(super) fn new(depth: usize, layout: Layout) -> Self {
        Self {
            state: State::Value,
            role: Role::Value,
            word: b"",
            open: Vec::new(),
            depth,
            layout,
            shapes: Shapes::new(),
        }
    }

    /// Gets ready for another value.
    pub(super) fn begin(&mut self) {
        self.state = State::Value;
        self.open.clear();
    }

    /// Goes on at a byte of the text. Says where the value ends (the byte after it), or `None` if it goes on in the next
    /// piece.
    pub(super) fn take(&mut self, text: &[u8], from: usize) -> Result<Option<usize>, Fault> {
        let mut at = from;
        if self.state == State::Value
            && self.open.is_empty()
            && let Some(end) = self.shapes.value_end(text, from, self.depth, self.layout)
        {
            self.state = State::Whole;
            return Ok(Some(end));
        }
        loop {
            let next = match self.state {
                State::Text => self.take_text(text, at)?,
                State::After => self.take_after(text, at)?,
                State::Name | State::FirstName => self.take_name(text, at)?,
                State::Colon => self.take_colon(text, at)?,
                State::Value | State::FirstElement => self.take_value(text, at)?,
                State::Escape | State::Hex(_) => self.take_escape(text, at)?,
                State::Word => self.take_word(text, at)?,
                State::Whole => return Ok(Some(at)),
                _ => self.take_number(text, at)?,
            };
            let Some(next) = next else { return Ok(None) };
            at = next;
        }
    }

    /// The text is over. Is the value whole with that (as a number is), or what is it in the middle of?
    pub(super) fn finish(&self) -> Result<(), String> {
        let what = match self.state {
            State::Zero | State::Digits | State::Fraction | State::ExponentDigits if self.open.is_empty() => {
                return Ok(());
            }
            State::Text | State::Escape | State::Hex(_) => "a string",
            State::Word => "a word",
            State::Minus | State::Point | State::Exponent | State::ExponentSign => "a number",
            _ => match self.open.last() {
                Some(Container::Object) => "an object",
                _ => "an array",
            },
        };
        Err(format!("the text ends in the middle of {what}: it is cut off"))
    }

    // Each of these takes what its state stands for and says where to go on, or `None` if it needs more text.

    #[inline]
    fn take_text(&mut self, text: &[u8], from: usize) -> Result<Option<usize>, Fault> {
        let at = plain_end(text, from);
        let Some(&byte) = text.get(at) else { return Ok(None) };
        match byte {
            b'"' if self.role == Role::Value => self.end_value(),
            b'"' if text.get(at + 1) == Some(&b':') => {
                self.state = State::Value;
                return Ok(Some(at + 2));
            }
            b'"' => self.state = State::Colon,
            b'\\' => self.state = State::Escape,
            _ => return Err(self.control_in_text(text, at)),
        }
        Ok(Some(at + 1))
    }

    #[inline]
    fn take_after(&mut self, text: &[u8], mut at: usize) -> Result<Option<usize>, Fault> {
        let Some(byte) = self.look(text, &mut at) else { return Ok(None) };
        match (byte, self.open.last()) {
            (b',', Some(Container::Object)) => self.state = State::Name,
            (b',', Some(Container::Array)) => self.state = State::Value,
            (b'}', Some(Container::Object)) | (b']', Some(Container::Array)) => self.leave(),
            (_, Some(Container::Object)) => return Err(self.unexpected("`,` or `}`", text, at)),
            (..) => return Err(self.unexpected("`,` or `]`", text, at)),
        }
        Ok(Some(at + 1))
    }

    #[inline]
    fn take_name(&mut self, text: &[u8], mut at: usize) -> Result<Option<usize>, Fault> {
        let Some(byte) = self.look(text, &mut at) else { return Ok(None) };
        match byte {
            b'"' => {
                self.role = Role::Name;
                self.state = State::Text;
            }
            b'}' if self.state == State::FirstName => self.leave(),
            b'}' => return Err(syntax(at, "a comma stands before this `}`".to_owned())),
            _ => return Err(self.unexpected("a member's name in double quotes", text, at)),
        }
        Ok(Some(at + 1))
    }

    #[inline]
    fn take_colon(&mut self, text: &[u8], mut at: usize) -> Result<Option<usize>, Fault> {
        let Some(byte) = self.look(text, &mut at) else { return Ok(None) };
        if byte != b':' {
            return Err(self.unexpected("`:` after a member's name", text, at));
        }
        self.state = State::Value;
        Ok(Some(at + 1))
    }

    #[inline]
    fn take_value(&mut self, text: &[u8], mut at: usize) -> Result<Option<usize>, Fault> {
        let Some(byte) = self.look(text, &mut at) else { return Ok(None) };
        match byte {
            b'"' => {
                self.role = Role::Value;
                self.state = State::Text;
            }
            b'{' => self.enter(Container::Object, at)?,
            b'[' => self.enter(Container::Array, at)?,
            b'1'..=b'9' => self.state = State::Digits,
            b'0' => self.state = State::Zero,
            b'-' => self.state = State::Minus,
            b't' => self.begin_word(b"rue"),
            b'f' => self.begin_word(b"alse"),
            b'n' => self.begin_word(b"ull"),
            b']' if self.state == State::FirstElement => self.leave(),
            b']' | b'}' => {
                return Err(syntax(at, format!("a value is missing before this `{}`", char::from(byte))));
            }
            _ => return Err(self.unexpected("a value", text, at)),
        }
        Ok(Some(at + 1))
    }

    fn take_escape(&mut self, text: &[u8], at: usize) -> Result<Option<usize>, Fault> {
        let Some(&byte) = text.get(at) else { return Ok(None) };
        self.state = match (self.state, byte) {
            (State::Hex(1), _) if byte.is_ascii_hexdigit() => State::Text,
            (State::Hex(missing), _) if byte.is_ascii_hexdigit() => State::Hex(missing - 1),
            (State::Hex(_), _) => {
                return Err(self.unexpected("four hexadecimal digits after `\\u`", text, at));
            }
            (_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => State::Text,
            (_, b'u') => State::Hex(4),
            _ => return Err(self.unexpected("one of `\"\\/bfnrtu` after a backslash in a string", text, at)),
        };
        Ok(Some(at + 1))
    }

    #[inline]
    fn take_word(&mut self, text: &[u8], mut at: usize) -> Result<Option<usize>, Fault> {
        while let Some((&expected, rest)) = self.word.split_first() {
            let Some(&byte) = text.get(at) else { return Ok(None) };
            if byte != expected {
                return Err(self.unexpected("`true`, `false` or `null`", text, at));
            }
            at += 1;
            self.word = rest;
        }
        self.end_value();
        Ok(Some(at))
    }

    #[inline]
    fn take_number(&mut self, text: &[u8], from: usize) -> Result<Option<usize>, Fault> {
        let mut at = from;
        loop {
            if matches!(self.state, State::Digits | State::Fraction | State::ExponentDigits) {
                at = digits_end(text, at);
            }
            let Some(&byte) = text.get(at) else { return Ok(None) };
            match self.number(byte) {
                Number::Goes => at += 1,
                Number::Lacks(expected) => return Err(self.unexpected(expected, text, at)),
                Number::Ends => {
                    if !(is_blank(byte) || matches!(byte, b',' | b']' | b'}')) {
                        return Err(self.unexpected("the end of a number", text, at));
                    }
                    self.end_value();
                    return Ok(Some(at));
                }
            }
        }
    }

    #[inline]
    fn end_value(&mut self) {
        self.state = if self.open.is_empty() { State::Whole } else { State::After };
    }

    #[inline]
    fn leave(&mut self) {
        self.open.pop();
        self.end_value();
    }

    /// The next byte that is no white space. A line end is none where a value must not span lines.
    #[inline]
    fn look(&self, text: &[u8], at: &mut usize) -> Option<u8> {
        loop {
            let byte = *text.get(*at)?;
            match byte {
                b' ' | b'\t' | b'\r' => *at += 1,
                b'\n' if self.layout == Layout::Free => *at += 1,
                _ => return Some(byte),
            }
        }
    }

    fn enter(&mut self, container: Container, at: usize) -> Result<(), Fault> {
        if self.open.len() >= self.depth {
            return Err(syntax(at, format!("a record is nested deeper than {}", self.depth)));
        }
        self.open.push(container);
        self.state = if container == Container::Object { State::FirstName } else { State::FirstElement };
        Ok(())
    }

    fn begin_word(&mut self, rest: &'static [u8]) {
        self.word = rest;
        self.state = State::Word;
    }

    /// Takes a byte into a number, if it belongs there.
    fn number(&mut self, byte: u8) -> Number {
        let state = match (self.state, byte) {
            (State::Minus, b'0') => State::Zero,
            (State::Minus, b'1'..=b'9') => State::Digits,
            (State::Minus, _) => return Number::Lacks("a digit after `-`"),
            (State::Zero, b'0'..=b'9') => return Number::Lacks("no digit after a leading 0"),
            (State::Zero | State::Digits, b'.') => State::Point,
            (State::Zero | State::Digits | State::Fraction, b'e' | b'E') => State::Exponent,
            (State::Point, b'0'..=b'9') => State::Fraction,
            (State::Point, _) => return Number::Lacks("a digit after the decimal point"),
            (State::Exponent, b'+' | b'-') => State::ExponentSign,
            (State::Exponent | State::ExponentSign, b'0'..=b'9') => State::ExponentDigits,
            (State::Exponent | State::ExponentSign, _) => return Number::Lacks("a digit in the exponent"),
            _ => return Number::Ends,
        };
        self.state = state;
        Number::Goes
    }

    fn control_in_text(&self, text: &[u8], at: usize) -> Fault {
        if self.layout == Layout::OneLine && text.get(at) == Some(&b'\n') {
            return Fault { at, flaw: Flaw::LineEnd };
        }
        syntax(
            at,
            format!("{} stands unescaped in a string (is a quote missing before it?)", found(text, at)),
        )
    }

    fn unexpected(&self, expected: &str, text: &[u8], at: usize) -> Fault {
        if self.layout == Layout::OneLine && text.get(at) == Some(&b'\n') {
            return Fault { at, flaw: Flaw::LineEnd };
        }
        unexpected(expected, text, at)
    }
}

enum Number {
    Goes,
    Ends,
    /// Something must stand here that doesn't.
    Lacks(&'static str),
}

/// A fault that says what should stand here and what does.
pub(super) fn unexpected(expected: &str, text: &[u8], at: usize) -> Fault {
    syntax(at, format!("expected {expected}, found {}", found(text, at)))
}

/// A fault with its own words.
pub(super) fn syntax(at: usize, what: String) -> Fault {
    Fault { at, flaw: Flaw::Syntax(what) }
}

/// Whether a byte may stand between two tokens (RFC 8259 §2).
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The end of a run of bytes that stand for themselves in a string: before a quote, a backslash, a control character or
/// the end of the text.
#[inline]
pub(super) fn plain_end(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(sixteen) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let bytes = u8x16::new(*sixteen);
        let is_quote = bytes.simd_eq(u8x16::splat(b'"'));
        let is_backslash = bytes.simd_eq(u8x16::splat(b'\\'));
        let is_control = bytes.simd_eq(bytes.min(u8x16::splat(0x1f)));
        let marks = (is_quote | is_backslash | is_control).to_bitmask();
        if marks != 0 {
            return at + marks.trailing_zeros() as usize;
        }
        at += 16;
    }
    while text.get(at).is_some_and(|&byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        at += 1;
    }
    at
}

#[inline]
fn digits_end(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// The character at a place, for a message.
fn found(text: &[u8], at: usize) -> String {
    let rest = text.get(at..).unwrap_or_default();
    let char = rest.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
    match char {
        Some('\0') => "a NUL byte (is the file UTF-16?)".to_owned(),
        Some('\n') => "the end of the line".to_owned(),
        Some('`') => "a backtick".to_owned(),
        Some(char) if char.is_control() || char.is_whitespace() || is_deceptive(char) => {
            format!("the character U+{:04X}", u32::from(char))
        }
        Some(char) => format!("`{char}`"),
        None => "a broken character".to_owned(),
    }
}
