//! A record made ready to be read: one member a line, indented.
//!
//! It works on the text itself and not on a parsed value: members keep their order, numbers the way they were written,
//! and something that is no JSON at all is shown as it is. Only the beginning of a large one is shown.

/// The most lines that are shown of a record.
const MOST_LINES: usize = 2_000;

/// The most bytes that are looked at.
const MOST_BYTES: usize = 256 * 1024;

/// The longest line; what is longer goes on in the next one.
const LONGEST: usize = 4_000;

/// The record a line a line. The last line says what was left out, where something was.
pub(super) fn lines(record: &[u8]) -> Vec<String> {
    let seen = record.get(..MOST_BYTES).unwrap_or(record);
    let text = String::from_utf8_lossy(seen);
    let mut page = Page::default();
    let mut in_string = false;
    let mut escaped = false;
    for char in text.chars() {
        if page.is_full() {
            break;
        }
        if in_string {
            page.line.push(char);
            in_string = escaped || char != '"';
            escaped = !escaped && char == '\\';
            if page.line.len() > LONGEST {
                page.end_line();
            }
            continue;
        }
        match char {
            '"' => {
                page.begin();
                page.line.push(char);
                in_string = true;
            }
            '{' | '[' => {
                page.begin();
                page.line.push(char);
                page.depth += 1;
                page.opened = true;
            }
            '}' | ']' => page.close(char),
            ',' => {
                page.line.push(char);
                page.end_line();
            }
            ':' => page.line.push_str(": "),
            ' ' | '\t' | '\r' | '\n' => {}
            other => {
                page.begin();
                page.line.push(other);
                if page.line.len() > LONGEST {
                    page.end_line();
                }
            }
        }
    }
    let cut = page.is_full() || seen.len() < record.len();
    page.end_line();
    page.lines.truncate(MOST_LINES);
    if cut {
        let size = super::numbers::bytes(u64::try_from(record.len()).unwrap_or(u64::MAX));
        page.lines.push(format!("… the rest is not shown; the record has {size}"));
    }
    page.lines
}

/// JSON with a member a line, for a person to edit: nothing but the space between its parts is touched.
pub(super) fn spread(json: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(json.len().saturating_mul(2));
    let mut depth = 0_usize;
    let mut parts = Parts(json).peekable();
    while let Some(part) = parts.next() {
        let line = |text: &mut Vec<u8>, depth: usize| {
            text.push(b'\n');
            text.extend(std::iter::repeat_n(b' ', depth.min(30) * 2));
        };
        let closes = parts.peek().is_some_and(|next| matches!(next, [b'}' | b']']));
        text.extend_from_slice(part);
        match part {
            [b'{' | b'['] => {
                depth += 1;
                if !closes {
                    line(&mut text, depth);
                }
            }
            [b','] => line(&mut text, depth),
            [b':'] => text.push(b' '),
            _ => {}
        }
        if closes {
            depth = depth.saturating_sub(1);
            if !matches!(part, [b'{' | b'[']) {
                line(&mut text, depth);
            }
        }
    }
    text.push(b'\n');
    text
}

/// JSON without space between its parts: on one line, so that it can stand in a file of a record a line.
pub(super) fn gather(json: &[u8]) -> Vec<u8> {
    Parts(json).fold(Vec::with_capacity(json.len()), |mut text, part| {
        text.extend_from_slice(part);
        text
    })
}

/// The parts of a JSON text, without the space between them.
struct Parts<'a>(&'a [u8]);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.trim_ascii_start();
        let long = match rest.first()? {
            b'"' => {
                let mut escaped = false;
                let end = rest.iter().skip(1).position(|byte| {
                    let ends = *byte == b'"' && !escaped;
                    escaped = *byte == b'\\' && !escaped;
                    ends
                });
                end.map_or(rest.len(), |end| end + 2)
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ => {
                let ends = |byte: &u8| {
                    byte.is_ascii_whitespace()
                        || matches!(byte, b'"' | b'{' | b'}' | b'[' | b']' | b',' | b':')
                };
                rest.iter().position(ends).unwrap_or(rest.len())
            }
        };
        let (part, rest) = rest.split_at_checked(long)?;
        self.0 = rest;
        Some(part)
    }
}

#[derive(Default)]
struct Page {
    lines: Vec<String>,
    line: String,
    depth: usize,
    opened: bool,
}

impl Page {
    fn is_full(&self) -> bool {
        self.lines.len() > MOST_LINES
    }

    /// Before a token: a line of its own after an opening bracket, and the indent.
    fn begin(&mut self) {
        if std::mem::take(&mut self.opened) {
            self.end_line();
        }
        if self.line.is_empty() {
            self.line.extend(std::iter::repeat_n(' ', self.depth.min(30) * 2));
        }
    }

    fn close(&mut self, bracket: char) {
        self.depth = self.depth.saturating_sub(1);
        if !std::mem::take(&mut self.opened) {
            self.end_line();
            self.begin();
        }
        self.line.push(bracket);
    }

    fn end_line(&mut self) {
        if !self.line.is_empty() {
            self.lines.push(std::mem::take(&mut self.line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_numbers_their_digits() {
        let shown = lines(br#"{"b":9007199254740993,"a":[1.50,{}],"t":"x, {y}: \"z\""}"#);
        assert_eq!(
            shown,
            [
                "{",
                "  \"b\": 9007199254740993,",
                "  \"a\": [",
                "    1.50,",
                "    {}",
                "  ],",
                "  \"t\": \"x, {y}: \\\"z\\\"\"",
                "}"
            ]
        );
    }

    #[test]
    fn what_is_no_json_is_shown_all_the_same() {
        assert_eq!(lines(b""), Vec::<String>::new());
        assert_eq!(lines(b"]]]}"), ["]", "]", "]", "}"]);
        assert!(lines(b"\xff\xfe{").join("").contains('\u{fffd}'));
        assert_eq!(lines(br#"{"open"#), ["{", "  \"open"]);
    }

    #[test]
    fn a_large_one_is_cut_and_says_so() {
        let deep = lines(&b"[".repeat(5_000_000));
        assert!(deep.len() <= MOST_LINES + 1);
        assert!(deep.last().unwrap().contains("5.0 MB"));
        let long = lines(format!("\"{}\"", "y".repeat(3_000_000)).as_bytes());
        assert!(long.iter().all(|line| line.len() <= LONGEST + 4));
    }

    #[test]
    fn what_is_spread_out_for_an_editor_is_gathered_to_the_same_again() {
        let record = br#"{"b":1e400,"a":[1.50,{},[ ]],"t":"x, {y}: \"z\" \\","n":null}"#;
        let spread = spread(record);
        assert_eq!(
            String::from_utf8(spread.clone()).unwrap(),
            "{\n  \"b\": 1e400,\n  \"a\": [\n    1.50,\n    {},\n    []\n  ],\n  \"t\": \"x, {y}: \\\"z\\\" \\\\\",\n  \"n\": null\n}\n"
        );
        assert_eq!(gather(&spread), gather(record));
        assert_eq!(gather(b" [ 1 , \"a b\" ]\n"), br#"[1,"a b"]"#);
        for odd in [&b""[..], b"\"open", b"]]}", b"\xff\xfe{", b"tru e"] {
            gather(&super::spread(odd));
        }
    }
}
