//! *5 Pace*: how fast calls may go, who says so, and what waits.

use std::time::Instant;

use super::run::is_measured;
use super::{chart, frame_ink};
use crate::model::{Doing, Figures, PauseFigures, Wait};
use crate::tui::app::{App, Pane};
use crate::tui::canvas::{self, Canvas, width};
use crate::tui::theme::Ink;
use crate::tui::{numbers, words};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let ink = frame_ink(app, Pane::Pace);
    let stands = canvas.place(3, 0);
    let mut inside = canvas.frame("5 Pace", ink);
    let Some(figures) = app.figures() else {
        inside.write(1, 0, "Nothing is being sent.", Ink::Plain);
        inside.write(1, 1, &words::next_step(app), Ink::Dim);
        return stands;
    };
    let mut y = 0;
    if let Some(pause) = figures.pace.pause.filter(|pause| pause.probing || pause.until > app.now.instant) {
        y = lane_pause(app.now.instant, &pause, &mut inside);
    }
    y = limits(app, figures, &mut inside, y);
    waits(app.now.instant, figures, &mut inside, y);
    stands
}

/// A pause of the whole lane stands over everything, as one large bar.
fn lane_pause(now: Instant, pause: &PauseFigures, inside: &mut Canvas<'_>) -> u16 {
    let left = pause.until.saturating_duration_since(now);
    let whole = pause.until.saturating_duration_since(pause.since);
    let words = if pause.probing {
        "PAUSE  one call is out to try".to_owned()
    } else {
        format!("PAUSE  no call for {}", numbers::left(left))
    };
    inside.write(1, 0, &words, Ink::Bad);
    let width = inside.width().saturating_sub(2);
    inside.picture(1, 1, &chart::bar(millis(left), millis(whole), width, '▓'), Ink::Warn);
    2
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn limits(app: &App, figures: &Figures, inside: &mut Canvas<'_>, mut y: u16) -> u16 {
    let pace = &figures.pace;
    // what another process was told, or one before this, is not known here
    let ceiling = if is_measured(app) { words::ceiling(app, figures) } else { "–".to_owned() };
    let now = if app.is_live() {
        format!("calls now {}/s", numbers::rate(pace.rate))
    } else {
        "calls now –".to_owned()
    };
    let x = if inside.width() < 38 { 17 } else { 19 };
    let end = inside.write(1, y, &now, Ink::Plain);
    let ceiling = format!("ceiling {ceiling}");
    if x + width(&ceiling) <= inside.width() && end < x {
        inside.write(x, y, &ceiling, Ink::Plain);
    } else {
        y += 1;
        inside.write(1, y, &ceiling, Ink::Plain);
    }
    y += 1;
    let learnt =
        pace.learnt.map_or_else(|| "learnt –".to_owned(), |rate| format!("learnt {}/s", numbers::rate(rate)));
    inside.write(1, y, &learnt, Ink::Plain);
    if let Some((there, burst)) = pace.bucket {
        let end = inside.write(x, y, "bucket ", Ink::Plain);
        let end = inside.picture(
            end,
            y,
            &format!("{} ", chart::bar(u64::from(there), u64::from(burst), 6, '▓')),
            Ink::Plain,
        );
        inside.write(end, y, &format!("{there}/{burst}"), Ink::Plain);
    }
    y += 1;
    if let Some(window) = pace.window {
        let left = window.resets_at.saturating_duration_since(app.now.instant);
        let bar = chart::bar(window.used, window.allowed, 7, '▓');
        let end = inside.write(1, y, "window ", Ink::Plain);
        let end = inside.picture(end, y, &format!("{bar} "), Ink::Plain);
        let text = format!(
            "{}/{} new in {}",
            numbers::count(window.used),
            numbers::count(window.allowed),
            numbers::left(left)
        );
        inside.write(end, y, &text, Ink::Plain);
        let others = window.used.saturating_sub(window.ours);
        if others > 0 {
            let text =
                format!("{} of the {} are not ours", numbers::count(others), numbers::count(window.used));
            inside.write(1, y + 1, &text, Ink::Warn);
            y += 1;
        }
        y += 1;
    }
    let mut x = 1;
    for (word, count) in
        [("429", figures.throttled), ("trouble", figures.troubles), ("again", figures.retries)]
    {
        let text = format!("{word} ×{}", numbers::count(count));
        if x > 1 && x + width(&text) > inside.width().saturating_sub(1) {
            (x, y) = (1, y + 1);
        }
        x = inside.write(x, y, &text, Ink::Plain) + 2;
    }
    y + 1
}

/// Every back-off as a bar that shrinks, the longest first.
fn waits(now: Instant, figures: &Figures, inside: &mut Canvas<'_>, y: u16) {
    let room = usize::from(inside.height().saturating_sub(y + 1));
    let width = inside.width();
    let mut y = y;
    let still: Vec<_> = figures.waits.iter().filter(|wait| wait.until > now).take(room).collect();
    let why = |wait: &Wait| format!("{} ×{}", words::wait(wait.reason, wait.status), wait.attempts);
    let whys = still.iter().map(|wait| canvas::width(&why(wait)) + 1).max().unwrap_or(0).max(10);
    for wait in &still {
        let left = wait.until.saturating_duration_since(now);
        let whole = wait.until.saturating_duration_since(wait.since);
        inside.write_within(1, y, 8, &numbers::count(wait.item), Ink::Plain);
        inside.write_within(10, y, whys, &why(wait), Ink::Plain);
        let bar = chart::bar(millis(left), millis(whole), width.saturating_sub(whys + 20).min(24), '▓');
        inside.picture(10 + whys, y, &bar, Ink::Warn);
        inside.write_to(width.saturating_sub(1), y, &numbers::left(left), Ink::Plain);
        y += 1;
    }
    let sending =
        figures.workers.iter().filter(|worker| matches!(worker.doing, Doing::Sending { .. })).count();
    let shown = u64::try_from(still.len()).unwrap_or(0);
    let mut last = Vec::new();
    if figures.waiting > shown {
        last.push(format!("{} more wait", numbers::count(figures.waiting - shown)));
    }
    if !figures.workers.is_empty() {
        let workers = numbers::count_of(figures.workers.len());
        last.push(format!("{} of {workers} workers sending", numbers::count_of(sending)));
    }
    inside.write(1, y, &last.join("   "), Ink::Dim);
}
