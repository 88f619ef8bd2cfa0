//! Text from outside, made safe to be shown; and numbers, written in one way wherever they are.
//!
//! Files, answers and file names are hostile until shown otherwise: an escape sequence in an error message must never
//! reach a terminal, a log or a cell of a table. Everything that is shown passes through here once, at the place where
//! it comes in.

/// Makes one line of any text: control characters (C0, DEL, C1) and line ends become spaces, the characters that turn
/// the direction of writing or are invisible are written as `\u{…}`, and what is longer than `most` characters is cut
/// with `…`.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let mut line = String::with_capacity(text.len().min(most));
    let mut count = 0;
    let mut after_space = true;
    for char in text.chars() {
        if count >= most {
            line.push('…');
            break;
        }
        if char.is_control() || char.is_whitespace() {
            if !after_space {
                line.push(' ');
                count += 1;
                after_space = true;
            }
        } else if is_deceptive(char) {
            line.push_str(&char.escape_unicode().to_string());
            count += 8;
            after_space = false;
        } else {
            line.push(char);
            count += 1;
            after_space = false;
        }
    }
    while line.ends_with(' ') {
        line.pop();
    }
    line
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

/// Characters that are drawn as something else than they are: direction marks, zero-width characters, the byte order
/// mark, interlinear annotations and tags.
#[must_use]
pub const fn is_deceptive(char: char) -> bool {
    matches!(char,
        '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
