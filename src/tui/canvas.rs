//! The only way in which text gets onto the board.
//!
//! Everything that is written here is made safe once more (control characters are dropped, characters that turn the
//! direction of writing are drawn as escapes) and is held to its columns, whatever its width. Nothing here can write
//! outside of its area, so no size of the terminal can make it panic.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthChar;

use super::spots::{Spot, Spots};
use super::theme::{Decoration, Ink, Look};
use crate::text::is_deceptive;

/// Characters of no width that may follow one another: enough for every script, too few to fill a cell with.
const MOST_MARKS: u32 = 4;

/// A part of the screen that can be written on, with its own origin.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    spots: &'a mut Spots,
    area: Rect,
    look: Look,
}

impl<'a> Canvas<'a> {
    pub fn new(buffer: &'a mut Buffer, spots: &'a mut Spots, look: Look) -> Self {
        let area = buffer.area;
        Self { buffer, spots, area, look }
    }

    /// The part of this one that lies in `area` (in the screen's coordinates).
    pub fn part(&mut self, area: Rect) -> Canvas<'_> {
        let area = area.intersection(self.area);
        Canvas { buffer: self.buffer, spots: self.spots, area, look: self.look }
    }

    /// The part that begins at a column and row of this canvas.
    pub fn part_at(&mut self, (x, y): (u16, u16), (width, height): (u16, u16)) -> Canvas<'_> {
        let (x, y) = (self.area.x.saturating_add(x), self.area.y.saturating_add(y));
        self.part(Rect::new(x, y, width, height))
    }

    /// Notes down that a part of this canvas can be pressed.
    pub fn spot(&mut self, (x, y): (u16, u16), (width, height): (u16, u16), spot: Spot) {
        let (x, y) = (self.area.x.saturating_add(x), self.area.y.saturating_add(y));
        self.spots.add(Rect::new(x, y, width, height).intersection(self.area), spot);
    }

    /// Whether pictures and things that move by themselves are left out.
    pub fn is_plain(&self) -> bool {
        self.look.decoration == Decoration::Plain
    }

    pub fn width(&self) -> u16 {
        self.area.width
    }

    pub fn height(&self) -> u16 {
        self.area.height
    }

    /// Writes a text; what does not fit is cut with `…`. Returns the column after it.
    pub fn write(&mut self, x: u16, y: u16, text: &str, ink: Ink) -> u16 {
        self.write_within(x, y, self.area.width.saturating_sub(x), text, ink)
    }

    /// Writes a text into a column of the given width.
    pub fn write_within(&mut self, x: u16, y: u16, width: u16, text: &str, ink: Ink) -> u16 {
        if y >= self.area.height || x >= self.area.width || width == 0 {
            return x.min(self.area.width);
        }
        let room = width.min(self.area.width - x);
        let text = fit(text, room, self.look);
        let style = self.look.style(ink);
        let (end, _) =
            self.buffer.set_stringn(self.area.x + x, self.area.y + y, &text, usize::from(room), style);
        end.saturating_sub(self.area.x)
    }

    /// Writes something that is only to be looked at: a bar, a frame. Where decoration is not wanted, it is left out.
    pub fn picture(&mut self, x: u16, y: u16, text: &str, ink: Ink) -> u16 {
        match self.look.decoration {
            Decoration::Full => self.write(x, y, text, ink),
            Decoration::Plain => x,
        }
    }

    /// Writes a text so that it ends before the column `right`.
    pub fn write_to(&mut self, right: u16, y: u16, text: &str, ink: Ink) {
        let width = width(text).min(right);
        self.write_within(right - width, y, width, text, ink);
    }

    /// Writes pieces one after the other. Returns the column after them.
    pub fn line(&mut self, x: u16, y: u16, pieces: &[(&str, Ink)]) -> u16 {
        pieces.iter().fold(x, |x, (text, ink)| self.write(x, y, text, *ink))
    }

    /// Fills the area with blanks, so that nothing shines through.
    pub fn clear(&mut self) {
        for y in self.area.top()..self.area.bottom() {
            // a wide character that reaches into the area is cut off before it
            if let Some(before) = self.area.left().checked_sub(1)
                && let Some(cell) = self.buffer.cell_mut((before, y))
                && width(cell.symbol()) > 1
            {
                cell.set_symbol(" ");
            }
            for x in self.area.left()..self.area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }

    /// Gives a whole row the look of an ink.
    pub fn tint(&mut self, y: u16, ink: Ink) {
        if y < self.area.height {
            let row = Rect { y: self.area.y + y, height: 1, ..self.area };
            self.buffer.set_style(row, self.look.style(ink));
        }
    }

    /// Draws a frame with a title and returns what is inside of it.
    pub fn frame(&mut self, title: &str, ink: Ink) -> Canvas<'_> {
        let Rect { width, height, .. } = self.area;
        if width < 2 || height < 2 {
            return self.inside();
        }
        let bar = "─".repeat(usize::from(width - 2));
        self.picture(0, 0, &format!("┌{bar}┐"), ink);
        self.picture(0, height - 1, &format!("└{bar}┘"), ink);
        for row in 1..height - 1 {
            self.picture(0, row, "│", ink);
            self.picture(width - 1, row, "│", ink);
        }
        if width > 6 {
            self.write_within(2, 0, width - 4, &format!(" {title} "), ink);
        }
        self.inside()
    }

    /// Writes into the lower line of the frame around this canvas.
    pub fn foot(&mut self, text: &str, ink: Ink) {
        let (width, height) = (self.area.width, self.area.height);
        if !text.is_empty() && width > 6 && height >= 2 {
            self.write_to(width - 2, height - 1, &format!(" {text} "), ink);
        }
    }

    /// What a frame around this canvas leaves free.
    pub fn inside(&mut self) -> Canvas<'_> {
        let Rect { x, y, width, height } = self.area;
        let area = if width < 2 || height < 2 {
            Rect::new(x, y, 0, 0)
        } else {
            Rect::new(x + 1, y + 1, width - 2, height - 2)
        };
        Canvas { buffer: self.buffer, spots: self.spots, area, look: self.look }
    }

    /// Where a column and row of this canvas lie on the screen; none where they lie outside.
    pub fn place(&self, x: u16, y: u16) -> Option<(u16, u16)> {
        (x < self.area.width && y < self.area.height).then_some((self.area.x + x, self.area.y + y))
    }
}

/// How many columns a text takes on the board.
pub(super) fn width(text: &str) -> u16 {
    u16::try_from(Spelling::new(text, Look::MONO).map(|(_, width)| usize::from(width)).sum::<usize>())
        .unwrap_or(u16::MAX)
}

/// A text that takes at most so many columns.
fn fit(text: &str, room: u16, look: Look) -> String {
    let mut fitted = String::new();
    // where to cut if the text turns out too long: the last place that leaves a column for the sign
    let (mut cut, mut at) = (0, 0_u16);
    for (char, width) in Spelling::new(text, look) {
        if at + width > room {
            fitted.truncate(cut);
            if room > 0 {
                fitted.push(look.glyph('…'));
            }
            return fitted;
        }
        fitted.push(char);
        at += width;
        if at < room {
            cut = fitted.len();
        }
    }
    fitted
}

/// A text in exactly so many columns, of which the last is empty; what does not fit is cut with `…`.
pub(super) fn pad(text: &str, columns: u16) -> String {
    let room = columns.saturating_sub(1);
    let mut padded = if width(text) <= room { text.to_owned() } else { fit(text, room, Look::MONO) };
    let spare = usize::from(columns.saturating_sub(width(&padded)));
    padded.extend(std::iter::repeat_n(' ', spare));
    padded
}

/// Breaks a text into lines of at most so many columns, between words where it can.
pub(super) fn wrap(text: &str, room: u16) -> Vec<String> {
    let room = room.max(2);
    let mut lines = Vec::new();
    let (mut line, mut at) = (String::new(), 0_u16);
    let mut space: Option<usize> = None;
    for (char, wide) in Spelling::new(text, Look::MONO) {
        if at + wide > room {
            let rest = match space.take() {
                Some(place) => {
                    let rest = line.split_off(place);
                    rest.trim_start().to_owned()
                }
                None => String::new(),
            };
            lines.push(std::mem::replace(&mut line, rest));
            at = width(&line);
            if char == ' ' && line.is_empty() {
                continue;
            }
        }
        if char == ' ' && !line.trim().is_empty() {
            space = Some(line.len());
        }
        line.push(char);
        at += wide;
    }
    lines.push(line);
    lines
}

/// The characters of a text as the board draws them, with the columns that each takes.
struct Spelling<'a> {
    rest: std::str::Chars<'a>,
    escape: Option<std::char::EscapeUnicode>,
    marks: u32,
    look: Look,
}

impl<'a> Spelling<'a> {
    fn new(text: &'a str, look: Look) -> Self {
        // a mark at the very beginning has nothing to sit on, and is dropped
        Self { rest: text.chars(), escape: None, marks: MOST_MARKS, look }
    }
}

impl Iterator for Spelling<'_> {
    type Item = (char, u16);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(char) = self.escape.as_mut().and_then(Iterator::next) {
                return Some((char, 1));
            }
            let char = self.rest.next()?;
            if is_deceptive(char) {
                self.escape = Some(char.escape_unicode());
                self.marks = 0;
                continue;
            }
            // terminals disagree about the width of what these follow
            if matches!(char, '\u{fe00}'..='\u{fe0f}') {
                continue;
            }
            let char = if char.is_control() { ' ' } else { self.look.glyph(char) };
            let width = u16::try_from(char.width().unwrap_or(0)).unwrap_or(1);
            if width == 0 {
                self.marks += 1;
                if self.marks > MOST_MARKS {
                    continue;
                }
            } else {
                self.marks = 0;
            }
            return Some((char, width));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::theme::GlyphSet;
    use super::*;

    const LOOK: Look = Look::MONO;

    fn row(buffer: &Buffer, y: u16) -> String {
        (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect()
    }

    #[test]
    fn no_escape_sequence_and_no_bidi_control_reaches_a_cell() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 1));
        Canvas::new(&mut buffer, &mut Spots::default(), LOOK).write(
            0,
            0,
            "a\x1b[31mb\u{9b}2J\u{202e}c\r\nd",
            Ink::Plain,
        );
        assert_eq!(row(&buffer, 0).trim_end(), "a [31mb 2J\\u{202e}c  d");
    }

    #[test]
    fn wide_and_combining_characters_keep_the_columns() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        let mut spots = Spots::default();
        let mut canvas = Canvas::new(&mut buffer, &mut spots, LOOK);
        canvas.write_within(0, 0, 7, "山田花子", Ink::Plain);
        canvas.write(8, 0, "|", Ink::Plain);
        let zalgo = format!("\u{301}e{}x", "\u{301}".repeat(5000));
        canvas.write_within(0, 1, 7, &zalgo, Ink::Plain);
        assert_eq!(buffer[(8, 0)].symbol(), "|");
        assert_eq!(buffer[(6, 0)].symbol(), "…");
        assert!(buffer[(0, 1)].symbol().chars().count() <= 5);
        assert_eq!(buffer[(1, 1)].symbol(), "x");
        assert_eq!(width("山田x"), 5);
    }

    #[test]
    fn what_does_not_fit_is_cut_and_says_so() {
        assert_eq!(fit("abcdef", 4, LOOK), "abc…");
        assert_eq!(fit("abcd", 4, LOOK), "abcd");
        assert_eq!(fit("山田", 3, LOOK), "山…");
        assert_eq!(fit("山田", 1, LOOK), "…");
        assert_eq!(fit("x", 0, LOOK), "");
    }

    #[test]
    fn long_texts_break_between_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("    indented text", 12), ["    indented", "text"]);
        assert!(wrap(&"山".repeat(40), 7).iter().all(|line| width(line) <= 7));
    }

    #[test]
    fn ascii_is_ascii() {
        let look = Look { glyphs: GlyphSet::Ascii, ..LOOK };
        let mut buffer = Buffer::empty(Rect::new(0, 0, 30, 3));
        Canvas::new(&mut buffer, &mut Spots::default(), look).frame("6 Failures · 山 …", Ink::Frame);
        for y in 0..3 {
            assert!(row(&buffer, y).is_ascii(), "{}", row(&buffer, y));
        }
    }

    #[test]
    fn writing_outside_is_no_writing() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 3, 2));
        let mut spots = Spots::default();
        let mut canvas = Canvas::new(&mut buffer, &mut spots, LOOK);
        canvas.write(9, 9, "x", Ink::Plain);
        canvas.write_to(200, 0, "far away", Ink::Plain);
        canvas.part(Rect::new(2, 1, 50, 50)).frame("t", Ink::Frame).write(0, 0, "x", Ink::Plain);
        canvas.part(Rect::new(50, 50, 5, 5)).clear();
        assert_eq!(canvas.place(3, 0), None);
    }
}
