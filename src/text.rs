//! Text from outside, made safe to be shown; and numbers, written in one way wherever they are.
//!
//! Files, answers and file names are hostile until shown otherwise: an escape sequence in an error message must never
//! reach a terminal, a log or a cell of a table. Everything that is shown passes through here once, at the place where
//! it comes in; and what is written for a person once more on its way out, should one of those places be forgotten.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Makes one line of any text: control characters (C0, DEL, C1) and line ends become spaces, the characters that turn
/// the direction of writing or are invisible are written as `\u{…}`, and what is longer than `most` characters is cut
/// with `…`.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let mut line = String::with_capacity(text.len().min(most));
    let mut count = 0;
    let mut after_space = true;
    for char in text.chars() {
        let is_space = char.is_control() || char.is_whitespace();
        if is_space && after_space {
            continue;
        }
        let written_out = (!is_space && is_deceptive(char)).then(|| char.escape_unicode());
        count += written_out.as_ref().map_or(1, ExactSizeIterator::len);
        if count > most {
            line.push('…');
            break;
        }
        match written_out {
            Some(written_out) => line.extend(written_out),
            None => line.push(if is_space { ' ' } else { char }),
        }
        after_space = is_space;
    }
    while line.ends_with(' ') {
        line.pop();
    }
    line
}

/// A path as it is told: in one line, whatever stands in it.
#[must_use]
pub fn path(path: &std::path::Path) -> String {
    one_line(&path.to_string_lossy(), usize::MAX)
}

/// Makes any text safe to be shown as the lines that it has: line ends and spaces stay, everything else that a terminal
/// may obey or does not draw goes as in [`one_line`].
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    if text.chars().all(|char| char == '\n' || is_plain(char)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        if char == '\n' || is_plain(char) {
            safe.push(char);
        } else if is_deceptive(char) {
            safe.extend(char.escape_unicode());
        } else {
            safe.push(' ');
        }
    }
    Cow::Owned(safe)
}

/// JSON of the same value that may be written to a terminal: what that may obey or does not draw becomes JSON's own
/// escape, or, between values, a space. Line feeds between values stay.
#[must_use]
pub fn inert_json(json: &str) -> Cow<'_, str> {
    if json.chars().all(|char| char == '\n' || is_plain(char)) {
        return Cow::Borrowed(json);
    }
    let mut inert = String::with_capacity(json.len() + 64);
    for char in json.chars() {
        if char == '\n' || is_plain(char) {
            inert.push(char);
        } else if char < ' ' {
            // within a string JSON lets none of them stand as it is (RFC 8259, §7)
            inert.push(' ');
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                // writing to a string cannot fail
                let _ = write!(inert, "\\u{unit:04x}");
            }
        }
    }
    Cow::Owned(inert)
}

fn is_plain(char: char) -> bool {
    !char.is_control() && !is_deceptive(char)
}

/// A number with its digits in groups of three: `1,000,000`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Characters that are not drawn, or make others be drawn as something else than they are: what Unicode calls default
/// ignorable (direction marks, zero-width characters, fillers, variation selectors, tags), line and paragraph
/// separators, interlinear annotations, and the blank of Braille.
#[must_use]
pub const fn is_deceptive(char: char) -> bool {
    matches!(char,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_is_obeyed_or_unseen() {
        for text in crate::hostile::TEXTS.iter().chain([&crate::hostile::ALL]) {
            crate::hostile::assert_inert("one line", &one_line(text, 10_000));
            assert!(!one_line(text, 10_000).contains('\n'));
            crate::hostile::assert_inert("lines", &lines(text));
            let json = serde_json::to_string(text).unwrap();
            crate::hostile::assert_inert("json", &inert_json(&json));
        }
    }

    #[test]
    fn no_escape_sequence_survives() {
        assert_eq!(one_line("a\x1b[31mred\x07\r\nb\u{9b}2J", 99), "a [31mred b 2J");
        assert_eq!(one_line("  \n", 99), "");
    }

    #[test]
    fn deceptive_characters_are_written_out() {
        assert_eq!(one_line("invoice\u{202e}fdp.exe", 99), "invoice\\u{202e}fdp.exe");
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
        assert_eq!(one_line("abcdef", 3), "abc…");
        assert_eq!(one_line("abc", 3), "abc");
        let flood = "x".repeat(10_000_000);
        assert_eq!(one_line(&flood, 2048).chars().count(), 2049);
    }

    #[test]
    fn what_is_written_out_is_no_longer_than_a_line_may_be() {
        assert_eq!(one_line("ab\u{202e}\u{202e}c", 10), "ab\\u{202e}…");
        assert_eq!(one_line("ab\u{202e}c", 9), "ab…");
        assert_eq!(one_line("ab…", 2), "ab…", "a line that was cut stays as it is");
    }

    #[test]
    fn lines_stay_lines_and_nothing_in_them_is_obeyed() {
        let text = "error: `a`\n  hint: b";
        assert!(matches!(lines(text), Cow::Borrowed(same) if same == text));
        assert_eq!(lines("a\r\x1b[2Jb\u{9b}\n\u{202e}c\t"), "a  [2Jb \n\\u{202e}c ");
    }

    #[test]
    fn inert_json_is_the_same_value() {
        let json = "{\"a\u{9b}2J\":\r\n\"\u{7f}\u{202e}\u{e0041}é\"}";
        let inert = inert_json(json);
        assert_eq!(inert, "{\"a\\u009b2J\": \n\"\\u007f\\u202e\\udb40\\udc41é\"}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&inert), value(json));
    }
}
