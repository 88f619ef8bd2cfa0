//! How a form looks.

use super::{Button, Choice, Field, Form, Kind, Note, Row};
use crate::tui::canvas::{self, Canvas};
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;

/// The most rows of an open list.
const LIST: usize = 10;

/// Draws the form into its page. Returns where the real cursor stands.
pub(in crate::tui) fn draw(form: &Form, page: &mut Canvas<'_>) -> Option<(u16, u16)> {
    page.clear();
    page.frame(&form.title, Ink::FocusFrame);
    page.foot(&form.foot, Ink::FocusFrame);
    let mut inside = page.inside();
    let lines = lines(form, inside.width());
    let height = usize::from(inside.height());
    let focus = lines.iter().position(|line| line.holds(&form.focus)).unwrap_or(0);
    let top = top(focus, lines.len(), height)
        .saturating_add_signed(form.shift)
        .min(lines.len().saturating_sub(height));
    let labels = labels(form);
    if lines.len() > height {
        let between = if form.foot.is_empty() { "" } else { " · " };
        page.foot(&format!("{}{between}PgUp PgDn: the rest", form.foot), Ink::FocusFrame);
        inside = page.inside();
    }
    let mut stands = inside.place(1, 0);
    let mut list = None;
    for (y, line) in (0..).zip(lines.iter().skip(top).take(height)) {
        match line {
            Line::Words(pieces) => {
                let mut x = 1;
                for (text, ink) in pieces {
                    x = inside.write(x, y, text, *ink);
                }
            }
            Line::Note(text, ink) => drop(inside.write(labels + 5, y, text, *ink)),
            Line::Field(field) => {
                let focused = field.id == form.focus;
                let at = draw_field(field, focused, labels, y, &mut inside);
                if focused {
                    stands = at.or(stands);
                    if let Kind::Choice(choice) = &field.kind
                        && let Some(marked) = choice.open
                    {
                        list = Some((field.label.as_str(), choice, marked, (labels + 4, y)));
                    }
                }
            }
            Line::Buttons(buttons) => {
                if let Some(at) = draw_buttons(buttons, &form.focus, (beside(labels), y), &mut inside) {
                    stands = Some(at);
                }
            }
        }
    }
    if let Some((name, choice, marked, at)) = list {
        stands = draw_list(name, choice, marked, at, &mut inside).or(stands);
    }
    stands
}

/// How many rows the form needs.
pub(in crate::tui) fn rows(form: &Form, width: u16) -> u16 {
    u16::try_from(lines(form, width.saturating_sub(2)).len()).unwrap_or(u16::MAX).saturating_add(2)
}

enum Line<'f> {
    Words(Vec<(String, Ink)>),
    Field(&'f Field),
    /// Words that have no room beside their field.
    Note(String, Ink),
    Buttons(&'f [Button]),
}

impl Line<'_> {
    fn holds(&self, focus: &str) -> bool {
        match self {
            Self::Words(_) | Self::Note(..) => false,
            Self::Field(field) => field.id == focus,
            Self::Buttons(buttons) => buttons.iter().any(|button| button.id == focus),
        }
    }
}

fn lines(form: &Form, width: u16) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let labels = labels(form);
    for row in &form.rows {
        match row {
            Row::Words(pieces) => lines.push(Line::Words(pieces.clone())),
            Row::Text(text, ink) => lines.extend(
                canvas::wrap(text, width.saturating_sub(2))
                    .into_iter()
                    .map(|line| Line::Words(vec![(line, *ink)])),
            ),
            Row::Field(field) => {
                lines.push(Line::Field(field));
                if let Some((text, ink)) = note(field)
                    && !has_room_beside(field, &text, labels, width)
                {
                    let room = width.saturating_sub(labels + 6);
                    lines.extend(canvas::wrap(&text, room).into_iter().map(|line| Line::Note(line, ink)));
                }
            }
            Row::Buttons(buttons) => broken(buttons, width, beside(labels), &mut lines),
        }
    }
    lines
}

/// Buttons on as many lines as they need.
fn broken<'f>(mut buttons: &'f [Button], width: u16, indent: u16, lines: &mut Vec<Line<'f>>) {
    while !buttons.is_empty() {
        let mut at = indent;
        let fits = |button: &&Button| {
            at += wide(button) + 2;
            at <= width + 1
        };
        let count = buttons.iter().take_while(fits).count().max(1);
        let (line, rest) = buttons.split_at(count.min(buttons.len()));
        lines.push(Line::Buttons(line));
        buttons = rest;
    }
}

/// The first line to be seen, so that the one with the keys is, with some of what stands around it.
fn top(focus: usize, lines: usize, height: usize) -> usize {
    if lines <= height {
        return 0;
    }
    focus.saturating_sub(height / 2).min(lines - height)
}

fn labels(form: &Form) -> u16 {
    form.fields().map(|field| canvas::width(&field.label)).max().unwrap_or(0).min(form.labels)
}

fn draw_field(
    field: &Field,
    focused: bool,
    labels: u16,
    y: u16,
    inside: &mut Canvas<'_>,
) -> Option<(u16, u16)> {
    if focused {
        inside.write(0, y, "▸", Ink::Strong);
    }
    inside.write_within(1, y, labels, &field.label, if focused { Ink::Strong } else { Ink::Plain });
    let x = labels + 3;
    let right = inside.width().saturating_sub(1);
    let room = field.width.min(right.saturating_sub(x + 4));
    let ink = if focused { Ink::Cursor } else { Ink::Plain };
    let mut stands = inside.place(x + 2, y);
    let end = match &field.kind {
        Kind::Text(input) | Kind::Digits(input) => {
            let (shown, at) = scrolled(input.value(), input.cursor(), room);
            let end = boxed(("[ ", " ]"), &shown, room, (x, y), ink, inside);
            stands = inside.place(x + 2 + at, y);
            end
        }
        Kind::Secret(text) => {
            let dots = "*".repeat(text.len().min(usize::from(room)));
            let end = boxed(("[ ", " ]"), &dots, room, (x, y), ink, inside);
            stands = inside.place(x + 2 + canvas::width(&dots).min(room), y);
            end
        }
        Kind::Choice(choice) => boxed(("< ", " >"), choice.words(), room, (x, y), ink, inside),
        Kind::Tick(ticked) => {
            let sign = if *ticked { "x" } else { " " };
            inside.line(x, y, &[("[ ", Ink::Plain), (sign, ink), (" ]", Ink::Plain)])
        }
    };
    inside.spot((x, y), (end.saturating_sub(x), 1), Spot::Field(field.id.clone()));
    if let Some((text, ink)) =
        note(field).filter(|(text, _)| has_room_beside(field, text, labels, inside.width()))
    {
        inside.write(end + 2, y, &text, ink);
    }
    stands
}

/// The words beside a field.
fn note(field: &Field) -> Option<(String, Ink)> {
    match &field.note {
        Note::None => None,
        Note::Says(text) if text.is_empty() => None,
        Note::Good(text) if text.is_empty() => Some(("✓".to_owned(), Ink::Good)),
        Note::Says(text) => Some((text.clone(), Ink::Dim)),
        Note::Good(text) => Some((format!("✓ {text}"), Ink::Good)),
        Note::Wrong(text) => Some((format!("✗ {text}"), Ink::Bad)),
    }
}

/// Whether they have room beside it; else they stand below.
fn has_room_beside(field: &Field, note: &str, labels: u16, width: u16) -> bool {
    let x = labels + 3;
    let right = width.saturating_sub(1);
    let room = field.width.min(right.saturating_sub(x + 4));
    let end = match &field.kind {
        Kind::Tick(_) => x + 5,
        _ => x + 4 + room,
    };
    end + 2 + canvas::width(note) <= right
}

/// A value between two signs. Returns the column after it.
fn boxed(
    (open, close): (&str, &str),
    text: &str,
    room: u16,
    (x, y): (u16, u16),
    ink: Ink,
    inside: &mut Canvas<'_>,
) -> u16 {
    let begin = inside.write(x, y, open, Ink::Plain);
    inside.write_within(begin, y, room, &" ".repeat(usize::from(room)), ink);
    inside.write_within(begin, y, room, text, ink);
    inside.write(begin + room, y, close, Ink::Plain)
}

/// The part of a text that is seen around the cursor, and the column of the cursor in it.
fn scrolled(text: &str, cursor: usize, room: u16) -> (String, u16) {
    let before: String = text.chars().take(cursor).collect();
    let room = room.max(1);
    if canvas::width(&before) < room {
        return (text.to_owned(), canvas::width(&before));
    }
    // from the cursor back, as much as there is room for
    let mut skip = 0;
    while canvas::width(before.get(skip..).unwrap_or("")) >= room {
        skip += before.get(skip..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
    }
    let seen = before.get(skip..).unwrap_or("");
    (text.get(skip..).unwrap_or("").to_owned(), canvas::width(seen))
}

/// The column of buttons: that of the fields, where there are any.
const fn beside(labels: u16) -> u16 {
    if labels == 0 { 1 } else { labels + 2 }
}

fn wide(button: &Button) -> u16 {
    canvas::width(&button.words) + 5
}

fn draw_buttons(
    buttons: &[Button],
    focus: &str,
    (mut x, y): (u16, u16),
    inside: &mut Canvas<'_>,
) -> Option<(u16, u16)> {
    let mut stands = None;
    for button in buttons {
        let focused = button.id == focus;
        let words = format!("{}( {} )", if focused { "▸" } else { " " }, button.words);
        let ink = match (&button.may, focused) {
            (_, true) => Ink::Cursor,
            (Ok(()), false) => Ink::Plain,
            (Err(_), false) => Ink::Dim,
        };
        if focused {
            stands = inside.place(x, y);
        }
        let end = inside.write(x, y, &words, ink);
        inside.spot((x, y), (end.saturating_sub(x), 1), Spot::Field(button.id.to_owned()));
        x = end + 2;
    }
    stands
}

/// The open list lies over what stands below the field, or above it where there is more room.
fn draw_list(
    name: &str,
    choice: &Choice,
    marked: usize,
    (x, y): (u16, u16),
    inside: &mut Canvas<'_>,
) -> Option<(u16, u16)> {
    let below = usize::from(inside.height().saturating_sub(y + 1));
    let above = usize::from(y);
    let (room, down) = if below >= above { (below, true) } else { (above, false) };
    let rows = choice.options.len().min(LIST).min(room.saturating_sub(2)).max(1);
    // of a name with columns, what is before them
    let name = name.trim().split("  ").next().unwrap_or_default();
    let name = if choice.typed.is_empty() { name } else { &choice.typed };
    let widest = choice.options.iter().map(|(_, words, _)| canvas::width(words)).max().unwrap_or(8);
    let widest = widest.max(canvas::width(name) + 2);
    let width = (widest + 4).clamp(12, inside.width().saturating_sub(x + 1).max(12));
    let high = u16::try_from(rows).unwrap_or(1) + 2;
    let top = if down { y + 1 } else { y.saturating_sub(high) };
    let mut list = inside.part_at((x, top), (width, high));
    list.clear();
    list.frame(name, Ink::FocusFrame);
    let first = marked.saturating_sub(rows / 2).min(choice.options.len().saturating_sub(rows));
    let mut rows_inside = list.inside();
    let mut stands = None;
    for (y, (place, (value, words, may))) in
        (0..).zip(choice.options.iter().enumerate().skip(first).take(rows))
    {
        let ink = if may.is_err() { Ink::Dim } else { Ink::Plain };
        let words = if words.is_empty() { "(nothing)" } else { words };
        rows_inside.write(1, y, words, ink);
        rows_inside.spot((0, y), (width, 1), Spot::Option(value.clone()));
        if place == marked {
            rows_inside.tint(y, Ink::Cursor);
            stands = rows_inside.place(1, y);
        }
    }
    stands
}
