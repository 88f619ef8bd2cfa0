//! Cells of tables and CSV files that can do no harm where they are opened.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a formula and carries
//! it out (OWASP, *CSV Injection*), and some take the full-width forms of these for the same: such a cell gets a leading
//! apostrophe, which spreadsheets show as text.

use std::borrow::Cow;

use crate::text::{inert_json, is_deceptive, one_line};

/// What begins a formula, also in full width.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// The longest text in a cell, in characters: twice what is kept of a platform's message.
const LONGEST: usize = 4096;

/// A text from outside as one line that is no formula.
#[must_use]
pub fn text_cell(text: &str) -> String {
    // what comes first in the raw text counts too: a reader may drop what it cannot show
    guard(one_line(text, LONGEST), text)
}

/// A JSON text, or what should have been one, on one line and with the same meaning: line ends between values become
/// spaces, and characters that are drawn as something else become JSON's own escapes.
#[must_use]
pub fn json_cell(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    guard(inert_json(&text).replace('\n', " "), &text)
}

fn guard(cell: String, raw: &str) -> String {
    // spaces before it save nobody: a reader may trim them
    let is_formula = |text: &str| text.starts_with(['\t', '\r']) || text.trim_start().starts_with(FORMULA);
    if is_formula(&cell) || is_formula(raw) { format!("'{cell}") } else { cell }
}

/// A text from outside, safe to be shown, for a place that is no spreadsheet.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    let plain =
        |char: char| !(char.is_control() || char.is_whitespace() && char != ' ' || is_deceptive(char));
    if text.len() <= LONGEST && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(one_line(text, LONGEST))
}
