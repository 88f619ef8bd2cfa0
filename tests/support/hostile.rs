//! Texts that try to be obeyed, or to be taken for others, by whatever they are shown in: a terminal, a log, a spreadsheet,
//! a browser.

macro_rules! corpus {
    ($($text:literal),+ $(,)?) => {
        /// Each of them.
        pub const TEXTS: &[&str] = &[$($text),+];
        /// All of them in one.
        pub const ALL: &str = concat!($($text),+);
    };
}

corpus! {
    // a terminal's: title, clipboard, clear, colours, a hyperlink, a report that is typed back, 8-bit forms
    "\x1b]0;pwned\x07",
    "\x1b]52;c;cHduZWQ=\x1b\\",
    "\x1b[2J\x1b[1;1H\x1b[31m",
    "\x1b]8;;https://evil.test\x1b\\here\x1b]8;;\x1b\\",
    "\x1bP$q\"p\x1b\\\x1b[6n\x05",
    "\u{9b}2J\u{9d}0;pwned\u{9c}\u{90}q\u{9c}",
    "over\rwritten\x08\x08\x7f\x0b\x0c\u{85}",
    // what turns the direction of writing, is not drawn, or breaks a line
    "invoice\u{202e}fdp.exe\u{2066}\u{2069}\u{200f}\u{61c}",
    "ac\u{200b}me\u{200d}\u{2060}\u{feff}\u{ad}\u{34f}\u{3164}\u{115f}\u{180e}\u{fe0f}\u{e0041}\u{e0101}",
    "one\u{2028}two\u{2029}three\nfour",
    // a spreadsheet's
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "＝1+1",
    "\u{3000}＋1",
    "\",=1+1,\"",
    // a browser's
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</title></style></svg><svg onload=alert(1)>",
    "javascript:alert(1)",
    "&lt;script&gt;&#x3c;script>",
}

/// What none of the places above may get as it is, written down here once more: the program's own list is what is tested.
const NEVER: &[char] = &[
    '\u{ad}',
    '\u{34f}',
    '\u{61c}',
    '\u{115f}',
    '\u{180e}',
    '\u{200b}',
    '\u{200d}',
    '\u{200f}',
    '\u{2028}',
    '\u{2029}',
    '\u{202e}',
    '\u{2060}',
    '\u{2066}',
    '\u{2069}',
    '\u{3164}',
    '\u{fe0f}',
    '\u{feff}',
    '\u{e0041}',
    '\u{e0101}',
];

/// Holds a text, of as many lines as it likes, to having nothing in it that would be obeyed or not be seen.
#[track_caller]
pub fn assert_inert(what: &str, text: &str) {
    let wrong = |char: char| char.is_control() && char != '\n' || NEVER.contains(&char);
    if let Some(found) = text.chars().find(|char| wrong(*char)) {
        panic!("{what}: {found:?} in\n{text:?}");
    }
}
