//! What terminals say where keys come in: their answers to what the board asks at its start, and those that come late.
//!
//! The board asks once, before it listens to keys: for the background's colour (OSC 11), for the width of a sign of ours
//! (a cursor position report, ECMA-48 CPR), and last for the terminal's kind (DA1), which every terminal answers and
//! which therefore ends the wait. A terminal that answers none of it costs a moment, once.
//!
//! An answer that comes later than that would be taken for keys: crossterm reads `ESC ]` as Alt and `]`, and what
//! follows as letters. So everything from there to the end of the string is dropped, while it comes without a pause.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

/// What is asked: the sign at the upper left and where the cursor is after it, the background, the kind.
pub(super) const ASK: &[u8] = "\x1b[H■\x1b[6n\x1b]11;?\x1b\\\x1b[c\x1b[H\x1b[2J".as_bytes();

/// What ends a bracketed paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// How long to wait for the answers.
pub(super) const PATIENCE: Duration = Duration::from_millis(150);

/// The longest pause within a string that a terminal sends.
const WITHIN: Duration = Duration::from_millis(100);

/// The most keys that are dropped for one string.
const MOST: usize = 4_096;

/// What a terminal told of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Whether its background is light, where it told.
    pub light: Option<bool>,
    /// How many columns our sign takes there, where it told.
    pub sign: Option<u16>,
    /// Whether it has answered the last question.
    pub done: bool,
    /// What a person typed or pasted meanwhile.
    pub typed: Vec<Event>,
    /// Whether they end in the middle of a string, or of a paste: what comes of it without a pause is nobody's key.
    pub open: bool,
}

/// Takes the answers, as far as they have come, apart.
pub(super) fn answers(bytes: &[u8]) -> Told {
    let mut told = Told::default();
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after) {
            (0x1b, [b']', string @ ..]) => {
                let Some((text, after)) = end_of_string(string) else {
                    told.open = true;
                    return told;
                };
                told.light = background(text).or(told.light);
                after
            }
            (0x1b, [b'[', b'2', b'0', b'0', b'~', pasted @ ..]) => {
                let Some(end) = pasted.windows(PASTE_END.len()).position(|part| part == PASTE_END) else {
                    told.open = true;
                    return told;
                };
                let (text, after) = pasted.split_at(end);
                told.typed.push(Event::Paste(String::from_utf8_lossy(text).into_owned()));
                after.get(PASTE_END.len()..).unwrap_or_default()
            }
            (0x1b, [b'[' | b'O', sequence @ ..]) => {
                let Some(end) = sequence.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
                    return told;
                };
                let (body, after) = sequence.split_at(end);
                match after.first() {
                    Some(b'R') => told.sign = column(body).or(told.sign),
                    Some(b'c') => told.done = true,
                    Some(last) => told.typed.extend(named(body, *last).map(typed)),
                    None => {}
                }
                after.get(1..).unwrap_or_default()
            }
            _ => {
                let (key, after) = one_key(rest);
                told.typed.extend(key.map(Event::Key));
                after
            }
        };
    }
    told
}

fn typed(code: KeyCode) -> Event {
    Event::Key(code.into())
}

/// The key of a control sequence, as ECMA-48 and the VT220 have it.
fn named(body: &[u8], last: u8) -> Option<KeyCode> {
    Some(match (body, last) {
        (_, b'A') => KeyCode::Up,
        (_, b'B') => KeyCode::Down,
        (_, b'C') => KeyCode::Right,
        (_, b'D') => KeyCode::Left,
        (_, b'H') | (b"1" | b"7", b'~') => KeyCode::Home,
        (_, b'F') | (b"4" | b"8", b'~') => KeyCode::End,
        (_, b'Z') => KeyCode::BackTab,
        (b"5", b'~') => KeyCode::PageUp,
        (b"6", b'~') => KeyCode::PageDown,
        _ => return None,
    })
}

/// The key that is no sequence, and what comes after it.
fn one_key(bytes: &[u8]) -> (Option<KeyEvent>, &[u8]) {
    let Some((first, after)) = bytes.split_first() else { return (None, bytes) };
    let key = match first {
        // before the line discipline was told otherwise, it made line feeds of Enter
        b'\r' | b'\n' => KeyCode::Enter.into(),
        b'\t' => KeyCode::Tab.into(),
        0x7f => KeyCode::Backspace.into(),
        0x1b => KeyCode::Esc.into(),
        1..=26 => KeyEvent::new(KeyCode::Char(char::from(first - 1 + b'a')), KeyModifiers::CONTROL),
        _ => {
            let letter = (1..=4)
                .filter_map(|length| bytes.split_at_checked(length))
                .find_map(|(char, after)| Some((std::str::from_utf8(char).ok()?.chars().next()?, after)));
            return match letter {
                Some((char, after)) if !char.is_control() => (Some(KeyCode::Char(char).into()), after),
                _ => (None, after),
            };
        }
    };
    (Some(key), after)
}

/// The text of a string up to its end (BEL, or `ESC \`), and what comes after.
fn end_of_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| matches!(byte, 7 | 0x1b))?;
    let (text, after) = bytes.split_at(end);
    match after {
        [7, after @ ..] | [0x1b, b'\\', after @ ..] => Some((text, after)),
        _ => None,
    }
}

/// Whether `11;rgb:ffff/ffff/ffff` is light: by the weights of Rec. 601, above the half.
fn background(text: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(text).ok()?.strip_prefix("11;")?;
    let colours = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let mut parts = colours.split('/').map(|part| {
        let most = 16_u32.checked_pow(u32::try_from(part.len()).ok()?)?.checked_sub(1)?;
        u32::from_str_radix(part, 16).ok().map(|value| value * 1_000 / most.max(1))
    });
    let (red, green, blue) = (parts.next()??, parts.next()??, parts.next()??);
    Some(red * 299 + green * 587 + blue * 114 > 500_000)
}

/// The columns before the one of a report `1;2`.
fn column(body: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(body).ok()?;
    text.split_once(';')?.1.parse::<u16>().ok()?.checked_sub(1)
}

/// Drops strings that a terminal sends between keys.
#[derive(Debug, Default)]
pub(super) struct Strings {
    /// When the last part of one came, and how many have.
    inside: Option<(Instant, usize)>,
    /// Whether the last part was an Esc, which `\` ends the string after.
    escaped: bool,
}

impl Strings {
    /// One whose beginning came before anybody listened.
    pub fn begun(at: Instant) -> Self {
        Self { inside: Some((at, 0)), escaped: false }
    }

    /// Whether the event belongs to such a string, and is nobody's key.
    pub fn takes(&mut self, event: &Event, at: Instant) -> bool {
        let Event::Key(key) = event else { return false };
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let Some((last, count)) = self.inside else {
            if alt && key.code == KeyCode::Char(']') {
                *self = Self::begun(at);
                return true;
            }
            return false;
        };
        if at.saturating_duration_since(last) > WITHIN || count >= MOST {
            *self = Self::default();
            return self.takes(event, at);
        }
        let bell = key.code == KeyCode::Char('g') && key.modifiers.contains(KeyModifiers::CONTROL);
        let ended = key.code == KeyCode::Char('\\') && (alt || self.escaped);
        if bell || ended {
            *self = Self::default();
        } else {
            self.escaped = key.code == KeyCode::Esc;
            self.inside = Some((at, count + 1));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_tells_its_background_and_the_width_of_a_sign() {
        let told = answers(b"\x1b[1;2R\x1b]11;rgb:ffff/ffff/e0e0\x1b\\\x1b[?62;22c");
        assert_eq!((told.light, told.sign, told.done), (Some(true), Some(1), true));
        let told = answers(b"q\x1b[1;3R\x1b]11;rgb:1e/1e/2e\x07\x1b[?1;2c\x03");
        assert_eq!((told.light, told.sign, told.done), (Some(false), Some(2), true));
        assert_eq!(told.typed.len(), 2);
    }

    #[test]
    fn what_is_typed_before_anybody_listens_is_not_lost() {
        let told =
            answers("6\x1b[B\x1b]11;rgb:0/0/0\x07\x1bOA\r\t\x1b[5~я\x7f\x1b[?62;22c\x1a\x1b".as_bytes());
        let keys = [
            KeyCode::Char('6'),
            KeyCode::Down,
            KeyCode::Up,
            KeyCode::Enter,
            KeyCode::Tab,
            KeyCode::PageUp,
            KeyCode::Char('я'),
            KeyCode::Backspace,
            KeyCode::Char('z'),
            KeyCode::Esc,
        ];
        let codes: Vec<KeyCode> =
            told.typed.iter().filter_map(Event::as_key_event).map(|key| key.code).collect();
        assert_eq!(codes, keys);
    }

    #[test]
    fn what_is_pasted_before_anybody_listens_is_no_keys() {
        let told = answers(b"\x1b[200~pq\r\x1b[201~6");
        let six = Event::Key(KeyCode::Char('6').into());
        assert_eq!(told.typed, [Event::Paste("pq\r".to_owned()), six]);
        let told = answers(b"\x1b[200~pq\r");
        assert!(told.open && told.typed.is_empty(), "{told:?}");
    }

    #[test]
    fn nonsense_tells_nothing() {
        for bytes in [
            &b"\x1b]11;rgb:zz/1/2\x07"[..],
            b"\x1b]11;rgb:/1/2\x07",
            b"\x1b]11;rgb:fffffffff/1/2\x07",
            b"\x1b]11;rgb:ff\x07",
            b"\x1b[;R",
            b"\x1b[1;0R",
            b"\x1b[1;99999R",
            b"\x1b",
            b"\xff\xfe",
        ] {
            let told = answers(bytes);
            assert_eq!((told.light, told.sign, told.done), (None, None, false), "{bytes:?}");
        }
        assert!(answers(b"\x1b]11;rgb:ff").open);
    }

    fn events(text: &str) -> Vec<Event> {
        let mut events = Vec::new();
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            // as crossterm reads them
            let (code, modifiers) = match char {
                '\x1b' => match chars.next() {
                    Some(char) => (KeyCode::Char(char), KeyModifiers::ALT),
                    None => (KeyCode::Esc, KeyModifiers::NONE),
                },
                '\x07' => (KeyCode::Char('g'), KeyModifiers::CONTROL),
                char => (KeyCode::Char(char), KeyModifiers::NONE),
            };
            events.push(Event::Key(KeyEvent::new(code, modifiers)));
        }
        events
    }

    #[test]
    fn a_string_that_comes_late_is_swallowed_whole_and_the_key_after_it_is_not() {
        let at = Instant::now();
        for string in ["\x1b]11;rgb:0000/0000/0000\x1b\\", "\x1b]52;c;qqqq\x07"] {
            let mut strings = Strings::default();
            assert!(events(string).iter().all(|event| strings.takes(event, at)), "{string:?}");
            assert!(!strings.takes(&Event::Key(KeyCode::Char('q').into()), at));
        }
    }

    #[test]
    fn a_string_without_an_end_takes_no_key_that_a_person_presses_later() {
        let at = Instant::now();
        let mut strings = Strings::default();
        assert!(events("\x1b]11;rgb").iter().all(|event| strings.takes(event, at)));
        assert!(!strings.takes(&Event::Key(KeyCode::Char('q').into()), at + Duration::from_secs(1)));
        // a stream of them is not endless
        let mut strings = Strings::begun(at);
        let key = Event::Key(KeyCode::Char('x').into());
        assert!((0..=MOST + 1).any(|_| !strings.takes(&key, at)));
    }
}
