//! The fast way through a JSON value that stands whole in the text, which all but one in a buffer do.
//!
//! [`Value`](super::grammar::Value) can stop at any byte, and pays for it with a state that it stores and looks up for
//! each token. Here the place in the code is the state. Whatever is not plain — the text ends, the grammar is broken,
//! the nesting is deep — makes it give up without a word; the value is then taken from its beginning by the other one,
//! which knows how to wait and what to say. So this one must never accept what that one refuses.

use super::grammar::{Layout, plain_end};

/// How deep it follows: the open containers are the bits of one word.
const DEEPEST: usize = 63;

/// The end (the byte after it) of the value that begins here, if that could be found out.
pub(super) fn value_end(text: &[u8], from: usize, depth: usize, layout: Layout) -> Option<usize> {
    let deepest = depth.min(DEEPEST);
    let mut at = from;
    let mut open = Open { bits: 0, count: 0 };
    loop {
        match look(text, &mut at, layout)? {
            b'"' => at = string_end(text, at + 1)?,
            b'{' => {
                open.enter(Open::OBJECT, deepest)?;
                at += 1;
                if look(text, &mut at, layout)? != b'}' {
                    at = name_end(text, at, layout)?;
                    continue;
                }
                at += 1;
                open.leave();
            }
            b'[' => {
                open.enter(Open::ARRAY, deepest)?;
                at += 1;
                if look(text, &mut at, layout)? != b']' {
                    continue;
                }
                at += 1;
                open.leave();
            }
            b'-' | b'0'..=b'9' => at = number_end(text, at)?,
            b't' => at = word_end(text, at, b"true")?,
            b'f' => at = word_end(text, at, b"false")?,
            b'n' => at = word_end(text, at, b"null")?,
            _ => return None,
        }
        loop {
            if open.count == 0 {
                return Some(at);
            }
            let byte = look(text, &mut at, layout)?;
            at += 1;
            match (byte, open.bits & 1) {
                (b',', Open::OBJECT) => {
                    at = name_end(text, at, layout)?;
                    break;
                }
                (b',', _) => break,
                (b'}', Open::OBJECT) | (b']', Open::ARRAY) => open.leave(),
                _ => return None,
            }
        }
    }
}

/// The open containers, the innermost in the lowest bit.
struct Open {
    bits: u64,
    count: usize,
}

impl Open {
    const ARRAY: u64 = 0;
    const OBJECT: u64 = 1;

    #[inline]
    const fn enter(&mut self, container: u64, deepest: usize) -> Option<()> {
        if self.count >= deepest {
            return None;
        }
        self.bits = self.bits << 1 | container;
        self.count += 1;
        Some(())
    }

    #[inline]
    const fn leave(&mut self) {
        self.bits >>= 1;
        self.count -= 1;
    }
}

/// The next byte that is no white space.
#[inline]
pub(super) fn look(text: &[u8], at: &mut usize, layout: Layout) -> Option<u8> {
    loop {
        let byte = *text.get(*at)?;
        match byte {
            b' ' | b'\t' | b'\r' => *at += 1,
            b'\n' if layout == Layout::Free => *at += 1,
            _ => return Some(byte),
        }
    }
}

/// Takes a member's name and the colon after it.
#[inline]
pub(super) fn name_end(text: &[u8], from: usize, layout: Layout) -> Option<usize> {
    let mut at = from;
    if look(text, &mut at, layout)? != b'"' {
        return None;
    }
    at = string_end(text, at + 1)?;
    (look(text, &mut at, layout)? == b':').then_some(at + 1)
}

/// Takes the inside of a string and the quote that closes it.
#[inline]
pub(super) fn string_end(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at = plain_end(text, at);
        match *text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at = escape_end(text, at + 1)?,
            _ => return None,
        }
    }
}

fn escape_end(text: &[u8], at: usize) -> Option<usize> {
    match *text.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => text.get(at + 1..at + 5)?.iter().all(u8::is_ascii_hexdigit).then_some(at + 5),
        _ => None,
    }
}

#[inline]
fn word_end(text: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    text.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Takes a number that something follows which may follow a number.
#[inline]
fn number_end(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    if *text.get(at)? == b'-' {
        at += 1;
    }
    at = if *text.get(at)? == b'0' { at + 1 } else { digits_end(text, at)? };
    if *text.get(at)? == b'.' {
        at = digits_end(text, at + 1)?;
    }
    if matches!(*text.get(at)?, b'e' | b'E') {
        at += 1;
        if matches!(*text.get(at)?, b'+' | b'-') {
            at += 1;
        }
        at = digits_end(text, at)?;
    }
    matches!(*text.get(at)?, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t').then_some(at)
}

/// Takes one digit or more.
#[inline]
fn digits_end(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while text.get(at)?.is_ascii_digit() {
        at += 1;
    }
    (at > from).then_some(at)
}
