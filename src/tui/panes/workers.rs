//! *4 Workers*: what each of them does.

use std::time::Duration;

use super::frame_ink;
use crate::model::Doing;
use crate::tui::app::{App, Pane};
use crate::tui::canvas::Canvas;
use crate::tui::numbers;
use crate::tui::theme::Ink;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let ink = frame_ink(app, Pane::Workers);
    let stands = canvas.place(3, 0);
    let workers = app.figures().map_or(&[][..], |figures| &figures.workers);
    let sending = app.calls_out();
    let title = if workers.is_empty() {
        "4 Workers".to_owned()
    } else {
        format!("4 Workers · {} of {} sending", numbers::count(sending), numbers::count_of(workers.len()))
    };
    let mut inside = canvas.frame(&title, ink);
    if workers.is_empty() {
        inside.write(1, 0, "Nobody is at work.", Ink::Plain);
        inside.write(1, 1, "Each worker has one call out at a time.", Ink::Dim);
        return stands;
    }
    let noun = app.figures().map_or("item", |figures| figures.operation.one_item());
    let wide = inside.width() >= 60;
    let rows = usize::from(inside.height());
    let hidden = workers.len().saturating_sub(rows);
    let shown = if hidden > 0 { rows.saturating_sub(1) } else { rows };
    if hidden == 0 {
        draw_jobs(app, &mut inside, workers.len());
    }
    for ((y, number), worker) in (0..).zip(1_u64..).zip(workers.iter().take(shown)) {
        inside.write_to(4, y, &number.to_string(), Ink::Dim);
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
        let right = inside.width().saturating_sub(1);
        inside.write_within(5, y, right.saturating_sub(5 + 9), &doing, ink);
        // whole seconds only: what is quicker is a blur, and would have to be drawn all the time
        let long = since
            .map(|since| app.now.instant.saturating_duration_since(since))
            .filter(|time| time.as_secs() > 0);
        if let Some(time) = long {
            inside.write_to(right, y, &numbers::clock(Duration::from_secs(time.as_secs())), Ink::Plain);
        }
    }
    if hidden > 0
        && let Ok(y) = u16::try_from(shown)
    {
        inside.write(
            1,
            y,
            &format!("and {} more; z shows them", numbers::count_of(workers.len() - shown)),
            Ink::Dim,
        );
    }
    stands
}

/// Remote jobs that are watched, below the workers: how far each is, and when it is looked at next.
fn draw_jobs(app: &App, inside: &mut Canvas<'_>, below: usize) {
    let Some(figures) = app.figures().filter(|figures| figures.jobs > 0) else { return };
    let rows = usize::from(inside.height()).saturating_sub(below);
    let Ok(first) = u16::try_from(below) else { return };
    let Some(room) = rows.checked_sub(1) else { return };
    let title = format!("{} jobs watched", numbers::count(figures.jobs));
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
