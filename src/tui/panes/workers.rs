//! *4 Workers*: what each of them does.

use std::time::Duration;

use super::frame_ink;
use crate::model::{Doing, WorkerFigures};
use crate::tui::actions::Action;
use crate::tui::app::{App, Pane, Zoom};
use crate::tui::canvas::{Canvas, width};
use crate::tui::theme::Ink;
use crate::tui::{numbers, words};

/// The width from which on workers stand side by side.
const COLUMN: u16 = 34;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let ink = frame_ink(app, Pane::Workers);
    let stands = canvas.place(3, 0);
    let workers = app.figures().map_or(&[][..], |figures| &figures.workers);
    canvas.frame(&title(app), ink);
    canvas.foot(&asked(app), ink);
    let mut inside = canvas.inside();
    if workers.is_empty() {
        nobody(app, &mut inside);
        return stands;
    }
    let rows = usize::from(inside.height());
    // many of them stand side by side, where there is room
    let columns = usize::from(inside.width() / COLUMN).max(1).min(workers.len().div_ceil(rows.max(1)));
    let columns = columns.max(1);
    let room = rows * columns;
    let shown = if workers.len() > room { room.saturating_sub(1) } else { workers.len() };
    let wide = inside.width() / u16::try_from(columns).unwrap_or(1);
    if columns == 1 && shown == workers.len() {
        draw_jobs(app, &mut inside, workers.len());
    }
    for (place, worker) in workers.iter().enumerate().take(shown) {
        let x = u16::try_from(place / rows.max(1)).unwrap_or(0).saturating_mul(wide);
        let y = u16::try_from(place % rows.max(1)).unwrap_or(u16::MAX);
        draw_worker(app, place + 1, worker, &mut inside.part_at((x, y), (wide, 1)));
    }
    if shown < workers.len() {
        let x = inside.width() - wide;
        let hidden = workers.len() - shown;
        let key = app.keymap.key(Action::Zoom);
        let more = if app.zoom == Zoom::On { String::new() } else { format!("; {key} shows them") };
        let text = format!("and {} more{more}", numbers::count_of(hidden));
        inside.write(x + 1, inside.height().saturating_sub(1), &text, Ink::Dim);
    }
    stands
}

/// How many are sending, of how many.
fn title(app: &App) -> String {
    let Some(figures) = app.figures().filter(|figures| !figures.workers.is_empty()) else {
        return "4 Workers".to_owned();
    };
    let sending =
        figures.workers.iter().filter(|worker| matches!(worker.doing, Doing::Sending { .. })).count();
    let there = figures.workers.len();
    format!("4 Workers · {} of {} sending", numbers::count_of(sending), numbers::count_of(there))
}

/// How many there are to be, where that is another number than there are.
fn asked(app: &App) -> String {
    let Some(figures) = app.figures().filter(|figures| !figures.workers.is_empty()) else {
        return String::new();
    };
    let asked = app.asked.workers.unwrap_or(figures.workers_asked);
    if usize::from(asked) == figures.workers.len() { String::new() } else { format!("asked for {asked}") }
}

fn nobody(app: &App, inside: &mut Canvas<'_>) {
    let lines = if super::run::is_elsewhere(app) {
        vec!["Its workers are in another process.", "What they do is not written down anywhere."]
    } else {
        vec!["Nobody is at work.", "Each worker has one call out at a time."]
    };
    let next = words::next_step(app);
    for (y, line) in (0..).zip(lines.into_iter().chain([next.as_str()])) {
        inside.write(1, y, line, if y == 0 { Ink::Plain } else { Ink::Dim });
    }
}

fn draw_worker(app: &App, number: usize, worker: &WorkerFigures, line: &mut Canvas<'_>) {
    let noun = app.figures().map_or("item", |figures| figures.operation.one_item());
    let wide = line.width() >= 60;
    line.write_to(4, 0, &number.to_string(), Ink::Dim);
    let (doing, since, ink) = match worker.doing {
        Doing::Idle => ("idle".to_owned(), None, Ink::Dim),
        Doing::Held { item, since } => {
            let why = if wide { "waits for leave to call" } else { "waits" };
            (format!("{noun} {}  {why}", numbers::count(item)), Some(since), Ink::Warn)
        }
        Doing::Sending { item, attempt, since } => {
            let again = match attempt {
                ..=1 => String::new(),
                _ if wide => format!(", try {attempt}"),
                _ => format!(" ×{attempt}"),
            };
            (format!("{noun} {}  sending{again}", numbers::count(item)), Some(since), Ink::Good)
        }
    };
    let right = line.width().saturating_sub(1);
    // whole seconds only: what is quicker is a blur, and would have to be drawn all the time
    let long = since
        .map(|since| app.now.instant.saturating_duration_since(since))
        .filter(|time| time.as_secs() > 0 && !line.is_plain());
    let long = long.map_or_else(String::new, |time| numbers::clock(Duration::from_secs(time.as_secs())));
    let room = right.saturating_sub(5 + width(&long) + u16::from(!long.is_empty()));
    line.write_within(5, 0, room, &doing, ink);
    line.write_to(right, 0, &long, Ink::Plain);
}

/// Remote jobs that are watched, below the workers: how far each is, and when it is looked at next.
fn draw_jobs(app: &App, inside: &mut Canvas<'_>, below: usize) {
    let Some(figures) = app.figures().filter(|figures| figures.jobs > 0) else { return };
    let rows = usize::from(inside.height()).saturating_sub(below);
    let Ok(first) = u16::try_from(below) else { return };
    let Some(room) = rows.checked_sub(1) else { return };
    let title = format!("{} watched", words::some(figures.jobs, "job"));
    inside.write(1, first, &title, Ink::Plain);
    let right = inside.width().saturating_sub(1);
    for (y, job) in (first + 1..).zip(figures.watched.iter().take(room)) {
        let percent = job.percent.map_or_else(|| "  –".to_owned(), |percent| format!("{percent:>3}"));
        inside.write_to(6, y, &format!("{percent} %"), Ink::Good);
        inside.write_within(8, y, right.saturating_sub(8 + 7), &job.remote_id, Ink::Plain);
        let left = job.next_look.saturating_duration_since(app.now.instant);
        inside.write_to(right, y, &numbers::clock(Duration::from_secs(left.as_secs())), Ink::Dim);
    }
}
