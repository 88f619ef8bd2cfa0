//! *3 Run*: how far it is, how fast, and what happened.

use super::{chart, frame_ink, item_map};
use crate::model::Figures;
use crate::tui::actions::Action;
use crate::tui::app::{App, Carried, Pane};
use crate::tui::canvas::{self, Canvas};
use crate::tui::happenings::{Happening, times};
use crate::tui::history::History;
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
        empty(app, &mut inside);
        return stands;
    };
    let mut lines = 0;
    // where there is room, the counts, the charts and what happened stand apart
    let roomy = inside.height() >= 16;
    if let Some(fault) = words::fault_of(app) {
        for (text, ink) in words::fault(app, &fault) {
            if text.is_empty() && !roomy {
                continue;
            }
            for line in canvas::wrap(&text, inside.width().saturating_sub(2)) {
                inside.write(1, lines, &line, ink);
                lines += 1;
            }
        }
        lines += 1;
    }
    lines = counts(app, figures, &mut inside, lines);
    lines = act(app, figures, &mut inside, lines);
    lines = item_map::draw(figures, &mut inside, lines);
    lines += u16::from(roomy);
    // what happened last is to be read whole; where there is no room, a measure gives way to it
    let last = if words::fault_of(app).is_some() { 0 } else { lines_of_last(app, inside.width()) };
    let rows = inside.height().saturating_sub(lines + last);
    lines = speed(app, figures, &mut inside, lines, usize::from(rows));
    lines += u16::from(roomy);
    happened(app, &mut inside, lines).or(stands)
}

fn empty(app: &App, inside: &mut Canvas<'_>) {
    let begins = format!(
        "{} begins a new one: what, where to, which files. Nothing is sent before it was checked and asked for.",
        app.keymap.key(Action::NewRun)
    );
    let lines = [
        "No run is on the board.",
        "",
        &begins,
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

/// Whether the pace is measured here, now or until its end: a row of the journal tells nothing of it.
pub(super) fn is_measured(app: &App) -> bool {
    app.run.as_ref().is_some_and(|run| run.carried == Carried::Here)
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

/// Failures that a person sends again, while that goes on.
fn act(app: &App, figures: &Figures, inside: &mut Canvas<'_>, y: u16) -> u16 {
    let Some(act) = &figures.act else { return y };
    let who = if act.by == app.by { "you send".to_owned() } else { format!("{} sends", act.by) };
    let text = format!(
        "{who} {} again: delivered {}, refused again {}, to go {}",
        numbers::count(act.asked),
        numbers::count(act.delivered),
        numbers::count(act.failed),
        numbers::count(act.left)
    );
    inside.write_within(1, y, inside.width().saturating_sub(2), &text, Ink::Strong);
    y + 1
}

/// How fast it goes, in at most so many rows.
fn speed(app: &App, figures: &Figures, inside: &mut Canvas<'_>, y: u16, most_rows: usize) -> u16 {
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
    let none = History::default();
    let history = app.history().unwrap_or(&none);
    let reach = chart::reach(history.reach());
    let (throttled, all) = history.slow_downs_now();
    let share = if all == 0 { "–".to_owned() } else { numbers::whole_percent(throttled, all) };
    let rows = [
        (
            records,
            if app.is_live() { numbers::rate(figures.records_per_second) } else { "–".to_owned() },
            chart::columns(&history.rates(most)),
            Ink::Good,
        ),
        (slow, share, chart::shares(&history.slow_downs(most)), Ink::Warn),
    ];
    let mut y = y;
    for (name, value, columns, ink) in rows.into_iter().take(most_rows) {
        inside.write(1, y, name, Ink::Plain);
        inside.write_to(value_ends, y, &value, Ink::Strong);
        let end = inside.picture(chart_begins, y, &columns, ink);
        if end > chart_begins {
            inside.write(end + 2, y, &reach, Ink::Dim);
        }
        y += 1;
    }
    if most_rows < 3 {
        return y;
    }
    let call = match (figures.latency_p50, figures.latency_p99) {
        (Some(half), Some(most)) if wide => {
            format!("half within {}, 99 of 100 within {}", numbers::span(half), numbers::span(most))
        }
        (Some(half), Some(most)) => format!("p50 {}   p99 {}", numbers::span(half), numbers::span(most)),
        _ if app.is_live() => "not measured yet".to_owned(),
        _ => "–".to_owned(),
    };
    inside.write(1, y, one, Ink::Plain);
    inside.write(if wide { 22 } else { 13 }, y, &call, Ink::Plain);
    y + 1
}

/// The column at which what happened begins.
const HAPPENED: u16 = 11;

/// What stands beside something that happened.
fn aside(row: &Happening) -> String {
    if row.times > 1 {
        times(row.times)
    } else {
        row.event.was.as_ref().map_or_else(String::new, |was| format!("was {was}"))
    }
}

/// Something that happened, in as many lines as it needs.
fn whole(row: &Happening, wide: u16) -> Vec<String> {
    let room = wide.saturating_sub(HAPPENED + 1);
    let (text, _) = words::happening(&row.event);
    let beside = canvas::width(&aside(row)) + 2;
    if row.times > 1 && canvas::width(&text) + beside > room {
        return canvas::wrap(&text, room.saturating_sub(beside));
    }
    canvas::wrap(&text, room)
}

/// The lines that the newest of what happened needs.
fn lines_of_last(app: &App, wide: u16) -> u16 {
    let newest = app.happenings.rows().next().map_or(0, |row| whole(row, wide).len());
    u16::try_from(newest).unwrap_or(u16::MAX)
}

/// What happened, the newest first; where the pane has the keys, with a cursor to look back. The one under the cursor,
/// which is the newest where nobody looks back, is told whole. Returns where the cursor stands.
fn happened(app: &App, inside: &mut Canvas<'_>, mut y: u16) -> Option<(u16, u16)> {
    let right = inside.width().saturating_sub(1);
    let here = app.focus == Pane::Run && app.overlays.is_empty();
    let at = app.happenings.at();
    let long = app.happenings.rows().nth(at).map_or(1, |row| whole(row, inside.width()).len());
    if usize::from(inside.height().saturating_sub(y)) > long.max(2) {
        inside.write(1, y, "What happened", Ink::Strong);
        inside.write_to(
            right,
            y,
            &format!("local time, {}", numbers::zone_name(app.now.wall, &app.zone)),
            Ink::Dim,
        );
        y += 1;
    }
    let height = usize::from(inside.height().saturating_sub(y));
    let first = (at + long).saturating_sub(height).min(at);
    let mut stands = None;
    for (place, row) in app.happenings.rows().enumerate().skip(first).take(height) {
        if y >= inside.height() {
            break;
        }
        let when = numbers::time_of_day(row.event.at, &app.zone);
        let (text, ink) = words::happening(&row.event);
        inside.write(1, y, &when, Ink::Dim);
        if here && place == at {
            stands = inside.place(0, y);
            if at > 0 {
                inside.write(0, y, "▸", Ink::Strong);
            }
        }
        let aside = aside(row);
        // what happened is worth more than what it was before
        let fits = HAPPENED + canvas::width(&text) + canvas::width(&aside) + 2 <= right || row.times > 1;
        let aside = if fits { aside.as_str() } else { "" };
        inside.write_to(right, y, aside, Ink::Dim);
        if place == at {
            for line in whole(row, inside.width()) {
                inside.write(HAPPENED, y, &line, ink);
                y += 1;
            }
        } else {
            let room = right.saturating_sub(HAPPENED + canvas::width(aside) + u16::from(!aside.is_empty()));
            inside.write_within(HAPPENED, y, room, &text, ink);
            y += 1;
        }
    }
    stands
}
