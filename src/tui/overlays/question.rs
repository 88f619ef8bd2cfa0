//! A question, with its harmless answer marked first.

use crate::tui::app::{App, Place, Proof, Question};
use crate::tui::canvas::{self, Canvas};
use crate::tui::layout;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;

pub(super) fn draw(app: &App, question: &Question, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let room = layout::full_page(app.size).width.saturating_sub(4);
    let text: Vec<(String, Ink)> = question
        .words
        .iter()
        .flat_map(|(text, ink)| canvas::wrap(text, room).into_iter().map(move |line| (line, *ink)))
        .collect();
    let with_field = question.proof != Proof::Button;
    let rows_of = |text: &[(String, Ink)]| {
        u16::try_from(text.len()).unwrap_or(u16::MAX).saturating_add(if with_field { 5 } else { 4 })
    };
    let mut text = text;
    let area = layout::question(app.size, rows_of(&text));
    if rows_of(&text) > area.height {
        // air goes before words do
        text.retain(|(line, _)| !line.is_empty());
    }
    let mut page = canvas.part(area);
    page.clear();
    page.spot((0, 0), (u16::MAX, u16::MAX), Spot::Cover);
    page.frame("A question", Ink::FocusFrame);
    page.foot("Esc: don't", Ink::FocusFrame);
    let mut inside = page.inside();
    let mut stands = inside.place(1, 0);
    let mut y = 0;
    // the buttons are more important than the words: those are cut first where there is no room
    let keep = inside.height().saturating_sub(if with_field { 2 } else { 1 });
    for (line, ink) in text.iter().take(usize::from(keep)) {
        inside.write(1, y, line, *ink);
        y += 1;
    }
    y = (y + 1).min(keep);
    if let Proof::Number { wanted, typed } = &question.proof {
        let marked = question.marked == Place::Field;
        let x = inside.write(1, y, &format!("To go on, type the number {wanted}: "), Ink::Plain);
        let field = format!("{}[{typed:<10}]", if marked { "▸" } else { " " });
        inside.write(x, y, &field, if marked { Ink::Strong } else { Ink::Plain });
        if marked {
            let typed = u16::try_from(typed.len()).unwrap_or(0).min(10);
            stands = inside.place(x + 2 + typed, y);
        }
        y += 1;
    }
    answers(question, y, &mut inside).or(stands)
}

/// The answers, at the right. Returns where the marked one stands.
fn answers(question: &Question, y: u16, inside: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let given = question.proof.is_given();
    let words: Vec<String> = question
        .answers
        .iter()
        .enumerate()
        .map(|(number, answer)| {
            let sign = if question.marked == Place::Answer(number) { "▸" } else { " " };
            format!("{sign}( {} )", answer.words)
        })
        .collect();
    let wide: u16 = words.iter().map(|words| canvas::width(words) + 2).sum();
    let mut x = inside.width().saturating_sub(wide);
    let mut stands = None;
    for (number, words) in words.iter().enumerate() {
        let marked = question.marked == Place::Answer(number);
        let ink = match (marked, given || number == 0) {
            (_, false) => Ink::Dim,
            (true, true) => Ink::Cursor,
            (false, true) => Ink::Plain,
        };
        if marked {
            stands = inside.place(x, y);
        }
        let end = inside.write(x, y, words, ink);
        inside.spot((x, y), (end.saturating_sub(x), 1), Spot::Row(number));
        x = end + 2;
    }
    stands
}
