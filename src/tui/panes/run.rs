//! *3 Run*: how far it is, how fast, and what happened.

use super::{chart, frame_ink};
use crate::model::{Figures, Phase};
use crate::tui::app::{App, Carried, Pane};
use crate::tui::canvas::{self, Canvas};
use crate::tui::theme::Ink;
use crate::tui::{numbers, words};

/// From this width on, there is room for whole words.
const WIDE: u16 = 70;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let ink = frame_ink(app, Pane::Run);
    let stands = canvas.place(3, 0);
    let title =
        app.figures().map_or_else(|| "3 Run".to_owned(), |figures| format!("3 Run {}", figures.run.short()));
    let mut inside = canvas.frame(&title, ink);
    let Some(figures) = app.figures() else {
        empty(&mut inside);
        return stands;
    };
    let mut lines = 0;
    if let Phase::Faulted(fault) = &figures.phase {
        for (text, ink) in words::fault(app, fault) {
            for line in canvas::wrap(&text, inside.width().saturating_sub(2)) {
                inside.write(1, lines, &line, ink);
                lines += 1;
            }
        }
        lines += 1;
    }
    // where there is room, the counts, the charts and what happened stand apart
    let roomy = inside.height() >= 16;
    lines = counts(app, figures, &mut inside, lines);
    lines += u16::from(roomy);
    lines = speed(app, figures, &mut inside, lines);
    lines += u16::from(roomy);
    happened(app, &mut inside, lines);
    stands
}

fn empty(inside: &mut Canvas<'_>) {
    let lines = [
        "No run is on the board.",
        "",
        "`trunkline demo` shows one against a platform that lives in this machine.",
        "`trunkline ingest FILE` or `trunkline outcomes FILE` begins one.",
    ];
    let room = inside.width().saturating_sub(2);
    for (y, line) in (0..).zip(lines.iter().flat_map(|line| canvas::wrap(line, room))) {
        inside.write(1, y, &line, Ink::Plain);
    }
}

/// Whether another process carries the run: its pace is known there and not here.
pub(super) fn is_elsewhere(app: &App) -> bool {
    app.run.as_ref().is_some_and(|run| matches!(run.carried, Carried::Elsewhere(_)))
}

fn counts(app: &App, figures: &Figures, inside: &mut Canvas<'_>, mut y: u16) -> u16 {
    let records = figures.records;
    let ink = |number: u64, ink: Ink| if number == 0 { Ink::Plain } else { ink };
    let right = inside.width().saturating_sub(1);
    let pieces = [
        ("delivered", records.delivered, ink(records.delivered, Ink::Good)),
        ("failed", records.failed, ink(records.failed, Ink::Bad)),
        ("invalid", records.invalid, ink(records.invalid, Ink::Bad)),
        ("closed", records.dismissed, Ink::Plain),
        ("to go", records.pending, Ink::Plain),
    ];
    let mut x = 1;
    for (word, number, ink) in pieces {
        if word == "closed" && number == 0 {
            continue;
        }
        let number = numbers::count(number);
        let long = canvas::width(word) + canvas::width(&number) + 1;
        if x > 1 && x + long > right.saturating_sub(8) {
            y += 1;
            x = 1;
        }
        x = inside.line(x, y, &[(word, Ink::Plain), (" ", Ink::Plain), (&number, ink)]) + 3;
    }
    if x + 8 <= right + 3 {
        inside.write_to(right, y, "records", Ink::Dim);
    }
    y += 1;
    let sending = figures
        .workers
        .iter()
        .filter(|worker| matches!(worker.doing, crate::model::Doing::Sending { .. }))
        .count();
    let of = match figures.items.total {
        Some(total) => format!("of {} {}", numbers::count(total), words::items(figures)),
        None => format!(
            "of {} {} read so far",
            numbers::count(figures.items.settled() + figures.items.pending),
            words::items(figures)
        ),
    };
    // what another process has out is not written down anywhere
    let text = if is_elsewhere(app) {
        format!("sending –   waiting –   {of}")
    } else {
        format!("sending {}   waiting {}   {of}", numbers::count_of(sending), numbers::count(figures.waiting))
    };
    inside.write(1, y, &text, Ink::Plain);
    y + 1
}

fn speed(app: &App, figures: &Figures, inside: &mut Canvas<'_>, y: u16) -> u16 {
    let wide = inside.width() >= WIDE;
    let (records, slow, one) = if wide {
        ("records a second", "answers \"slow down\"", "one call")
    } else {
        ("records/s", "slow down", "one call")
    };
    let value_ends = if wide { 25 } else { 16 };
    let chart_begins = value_ends + 2;
    let room = inside.width().saturating_sub(chart_begins + 13);
    let most = usize::from(room);
    let reach = chart::reach(app.history.reach());
    let (throttled, all) = app.history.slow_downs_now();
    let share = if all == 0 { "–".to_owned() } else { numbers::whole_percent(throttled, all) };
    let rows = [
        (
            records,
            if is_elsewhere(app) { "–".to_owned() } else { numbers::rate(figures.records_per_second) },
            chart::columns(&app.history.rates(most)),
            Ink::Good,
        ),
        (slow, share, chart::shares(&app.history.slow_downs(most)), Ink::Warn),
    ];
    let mut y = y;
    for (name, value, columns, ink) in rows {
        inside.write(1, y, name, Ink::Plain);
        inside.write_to(value_ends, y, &value, Ink::Strong);
        let end = inside.picture(chart_begins, y, &columns, ink);
        if end > chart_begins {
            inside.write(end + 2, y, &reach, Ink::Dim);
        }
        y += 1;
    }
    let call = match (figures.latency_p50, figures.latency_p99) {
        (Some(half), Some(most)) if wide => {
            format!("half within {}, 99 of 100 within {}", numbers::span(half), numbers::span(most))
        }
        (Some(half), Some(most)) => format!("p50 {}   p99 {}", numbers::span(half), numbers::span(most)),
        _ if is_elsewhere(app) => "–".to_owned(),
        _ => "not measured yet".to_owned(),
    };
    inside.write(1, y, one, Ink::Plain);
    inside.write(if wide { 22 } else { 13 }, y, &call, Ink::Plain);
    y + 1
}

fn happened(app: &App, inside: &mut Canvas<'_>, mut y: u16) {
    let right = inside.width().saturating_sub(1);
    if inside.height().saturating_sub(y) >= 3 {
        inside.write(1, y, "What happened", Ink::Strong);
        inside.write_to(
            right,
            y,
            &format!("local time, {}", numbers::zone_name(app.now.wall, &app.zone)),
            Ink::Dim,
        );
        y += 1;
    }
    for event in app.happenings.iter().take(usize::from(inside.height().saturating_sub(y))) {
        let at = numbers::time_of_day(event.at, &app.zone);
        let (text, ink) = words::happening(event);
        let x = inside.write(1, y, &at, Ink::Dim);
        inside.write_within(x + 2, y, right.saturating_sub(x + 2), &text, ink);
        y += 1;
    }
}
