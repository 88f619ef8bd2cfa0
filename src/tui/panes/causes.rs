//! *6 Failures* by cause: how many, what happened in plain words, and the best thing to do.

use super::frame_ink;
use crate::journal::Cause;
use crate::model::OperationKind;
use crate::tui::actions::Action;
use crate::tui::app::{App, Pane};
use crate::tui::canvas::{self, Canvas, width};
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;
use crate::tui::{numbers, words};

/// The column before which the numbers end, and the one at which the words begin.
const NUMBERS: u16 = 12;
const WORDS: u16 = 14;

/// From so many columns on the best thing to do stands beside the sentence, and else below it.
const WIDE: u16 = 76;

/// The most columns of sentences: what a person reads at a glance.
const MOST: u16 = 96;

/// The room for the sentence.
fn room_for_sentence(best: &str, wide: u16) -> u16 {
    let right = wide.saturating_sub(1);
    if wide < WIDE { right.saturating_sub(WORDS) } else { right.saturating_sub(WORDS + width(best) + 2) }
}

/// What happened, in as many lines as it needs: whole sentences, and no more than two lines of them.
fn sentence(cause: &Cause, operation: Option<OperationKind>, wide: u16) -> (Vec<String>, &'static str) {
    let (sentence, best) = words::cause_sentence(cause, operation);
    let room = room_for_sentence(best, wide);
    // what does not go into two lines goes by whole sentences
    let within = words::sentences_within(&sentence, (room * 2).saturating_sub(8).min(MOST));
    (canvas::wrap(within, room), best)
}

/// The lines that a cause takes, where there are so many columns.
pub(in crate::tui) fn lines_of(cause: &Cause, operation: Option<OperationKind>, wide: u16) -> usize {
    let below = usize::from(wide < WIDE);
    let (sentence, _) = sentence(cause, operation, wide);
    sentence.len() + 1 + usize::from(words::has_examples(cause, operation)) + below
}

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let list = &app.failures.causes;
    let ink = frame_ink(app, Pane::Failures);
    let fallback = canvas.place(3, 0);
    canvas.frame(&title(app), ink);
    if let Some(place) = list.place() {
        let of = format!("{} of {}", numbers::count_of(place + 1), numbers::count_of(list.list.len()));
        canvas.foot(&of, ink);
    }
    let mut inside = canvas.inside();
    if list.list.is_empty() {
        let words = if list.known { nothing(app) } else { "The causes are being read…".to_owned() };
        inside.write(1, 0, &words, Ink::Plain);
        return super::failures::foot(app, 0, &mut inside).or(fallback);
    }
    let wide = inside.width() >= WIDE;
    inside.write_to(NUMBERS, 0, noun(app), Ink::Dim);
    inside.write(WORDS, 0, "what happened", Ink::Dim);
    if wide {
        let right = inside.width().saturating_sub(1);
        inside.write_to(right, 0, "best thing to do", Ink::Dim);
    }
    let bottom = inside.height().saturating_sub(1);
    let operation = app.figures().map(|figures| figures.operation);
    // a line of air below the head, where all of them leave room for it
    let gap = u16::from(list.gap);
    let takes = |cause: &Cause| u16::try_from(lines_of(cause, operation, inside.width())).unwrap_or(u16::MAX);
    let all: u16 = list.list.iter().map(|cause| takes(cause) + gap).fold(0, u16::saturating_add);
    let mut y = if list.top == 0 && all.saturating_add(2) <= bottom + gap { 2 } else { 1 };
    let mut cursor = fallback;
    for (place, cause) in list.list.iter().enumerate().skip(list.top) {
        if y >= bottom {
            break;
        }
        let here = list.place() == Some(place);
        let used = draw_cause(app, cause, y, &mut inside);
        inside.spot((0, y), (u16::MAX, used), Spot::Row(place));
        if here {
            inside.write(0, y, "▸", Ink::Strong);
            if app.focus == Pane::Failures && app.overlays.is_empty() {
                inside.tint(y, Ink::Cursor);
            }
            cursor = inside.place(0, y);
        }
        y += used + gap;
    }
    super::failures::foot(app, 0, &mut inside).or(cursor)
}

fn title(app: &App) -> String {
    let list = &app.failures;
    let mut title = "6 Failures by cause".to_owned();
    let causes = list.causes.list.len() as u64;
    if causes > 0 {
        let count: u64 = list.causes.list.iter().map(|cause| cause.items).sum();
        let view = if list.query.view == crate::journal::View::Closed { "closed" } else { "open" };
        title = format!("{title} · {} · {} {view}", words::some(causes, "cause"), numbers::count(count));
    }
    title + &super::failures::title_tail(app)
}

/// What is listed where there is no cause.
fn nothing(app: &App) -> String {
    let list = &app.failures;
    if list.filter.is_empty() {
        format!("No failures here. {} shows others, closed ones for example.", app.keymap.key(Action::View))
    } else {
        "The filter lets none through. Esc clears it.".to_owned()
    }
}

fn noun(app: &App) -> &'static str {
    let single = app.failures.causes.list.iter().all(|cause| cause.items == cause.records);
    match app.figures().map(|figures| figures.operation) {
        Some(OperationKind::Outcomes) => "contacts",
        Some(OperationKind::Import) => "imports",
        _ if single => "records",
        _ => "failures",
    }
}

/// Draws one from a line on. Returns how many it took.
fn draw_cause(app: &App, cause: &Cause, y: u16, inside: &mut Canvas<'_>) -> u16 {
    let operation = app.figures().map(|figures| figures.operation);
    let told = words::cause(app, cause);
    let right = inside.width().saturating_sub(1);
    let (lines, best) = sentence(cause, operation, inside.width());
    inside.write_to(NUMBERS, y, &numbers::count(cause.items), Ink::Strong);
    let mut below = y;
    for line in &lines {
        inside.write_within(WORDS, below, room_for_sentence(best, inside.width()), line, Ink::Strong);
        below += 1;
    }
    let room = right.saturating_sub(WORDS);
    if inside.width() >= WIDE {
        inside.write_to(right, y, best, Ink::Plain);
    } else {
        inside.write_within(WORDS, below, room, &format!("→ {best}"), Ink::Plain);
        below += 1;
    }
    inside.write_within(WORDS, below, room, &within(&told.detail, " · ", room), Ink::Dim);
    below += 1;
    if !told.examples.is_empty() {
        let examples = within(&told.examples, told.between, room.saturating_sub(5));
        inside.write_within(WORDS, below, room, &format!("e.g. {examples}"), Ink::Dim);
        below += 1;
    }
    below - y
}

/// As many of the pieces as there is room for; at least the first.
fn within(pieces: &[String], between: &str, room: u16) -> String {
    let mut many = pieces.len();
    loop {
        let text = pieces.get(..many).unwrap_or_default().join(between);
        if many <= 1 || width(&text) <= room {
            return text;
        }
        many -= 1;
    }
}
