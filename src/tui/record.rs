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
}
