//! Draws the whole board from the state, and nothing but the state.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Keeps;
use super::actions::{self, Action, Hint};
use super::app::{App, Overlay, Pane, Tone};
use super::canvas::{Canvas, width};
use super::layout::{self, Class};
use super::spots::{Spot, Spots};
use super::theme::Ink;
use super::{numbers, overlays, panes, words};
use crate::model::{FaultKind, Phase, RunState};

/// What was drawn beside the cells.
pub(super) struct Drawing {
    /// Where the real cursor stands: on the row or the field that the keys act on.
    pub cursor: Option<(u16, u16)>,
    /// What can be pressed.
    pub spots: Spots,
}

/// Draws everything.
pub(super) fn draw(app: &App, buffer: &mut Buffer) -> Drawing {
    let mut spots = Spots::default();
    let cursor = draw_into(app, &mut Canvas::new(buffer, &mut spots, app.look));
    Drawing { cursor, spots }
}

fn draw_into(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    if layout::class(app.size) == Class::TooSmall {
        too_small(app, canvas);
        return None;
    }
    let (width, height) = app.size;
    let line = |y: u16| Rect::new(0, y, width, 1);
    header(app, &mut canvas.part(line(0)));
    tabs(app, &mut canvas.part(line(1)));
    gauge(app, &mut canvas.part(line(2)));
    let room = width.saturating_sub(2);
    let (why, ink) = words::why(app, room);
    canvas.part(line(3)).write_within(1, 0, room, &why, ink);
    let mut cursor = None;
    for (pane, area) in layout::panes(app) {
        let mut part = canvas.part(area);
        part.spot((0, 0), (area.width, area.height), Spot::Pane(pane));
        let stands = panes::draw(app, pane, &mut part);
        cursor = if pane == app.focus { stands } else { cursor };
    }
    notice(app, &mut canvas.part(line(height - 2)));
    hints(app, &mut canvas.part(line(height - 1)));
    // a page hides the ones under it; only questions and short lists leave them to be seen
    let page = app.overlays.iter().rposition(|overlay| !overlay.is_short()).unwrap_or(0);
    for overlay in app.overlays.iter().skip(page) {
        cursor = overlays::draw(app, overlay, canvas);
    }
    cursor
}

fn too_small(app: &App, canvas: &mut Canvas<'_>) {
    let (_, word, ink) = words::state(app);
    let key = |action| app.keymap.key(action);
    canvas.write(0, 0, "Please make the window larger:", Ink::Strong);
    canvas.write(0, 1, "60×16 at least.", Ink::Strong);
    canvas.write(0, 3, &word, ink);
    let keys = match app.overlays.last() {
        Some(Overlay::Question(question)) if question.is_leaving() => "A question is open. Ctrl-C leaves.",
        Some(_) => "Something is open; it needs room.",
        _ => &format!("{} pause or go on   {} leave", key(Action::PauseOrGoOn), key(Action::Leave)),
    };
    canvas.write(0, 4, keys, Ink::Dim);
    if let Some(notice) = &app.notice {
        canvas.write(0, 5, &notice.text, Ink::Warn);
    }
}

fn header(app: &App, canvas: &mut Canvas<'_>) {
    let (sign, word, ink) = words::state(app);
    let state = format!("{sign} {word} ");
    let right = canvas.width();
    let room = right.saturating_sub(width(&state) + 1);
    canvas.write_to(right, 0, &state, ink);
    let Some(run) = &app.run else {
        let x = canvas.write_within(1, 0, room.saturating_sub(1), "trunkline", Ink::Strong);
        canvas.write_within(
            x + 2,
            0,
            room.saturating_sub(x + 2),
            &format!("{} begins a run", app.keymap.key(Action::NewRun)),
            Ink::Dim,
        );
        return;
    };
    let figures = &run.figures;
    let mut x = 1;
    if figures.production {
        x = canvas.write_within(x, 0, room.saturating_sub(x), "!! PRODUCTION", Ink::Production) + 1;
    }
    x = canvas.write_within(x, 0, room.saturating_sub(x), &figures.profile, Ink::Strong);
    let token = figures.token_left.filter(|_| app.is_live()).map(|left| {
        format!(
            "token {}",
            numbers::left(left.saturating_sub(app.now.instant.saturating_duration_since(run.at)))
        )
    });
    let refused = matches!(&figures.phase, Phase::Faulted(fault) if fault.kind == FaultKind::ClientRefused);
    let token = if refused { Some("token refused".to_owned()) } else { token };
    let class = layout::class(app.size);
    let mut pieces = Vec::new();
    if class >= Class::Medium {
        pieces.push(figures.platform.word().to_owned());
    }
    if app.size.0 >= 80 {
        pieces.push(figures.host.clone());
    }
    pieces.extend(token);
    let long: u16 = pieces.iter().map(|piece| width(piece) + 3).sum();
    if x + long >= room {
        pieces.retain(|piece| *piece != figures.host);
    }
    // what does not fit goes: the host first, then the token
    for piece in pieces {
        let piece = format!(" · {piece}");
        if x + width(&piece) < room {
            x = canvas.write(x, 0, &piece, Ink::Plain);
        }
    }
}

/// The names of the panes, as long as there is room for all of them.
fn tab_names(app: &App, room: u16) -> [(Pane, String); 6] {
    let open = app.figures().map_or(0, |figures| figures.items.open() + figures.rows_failed);
    let names = |name: fn(Pane) -> &'static str| {
        Pane::ALL.map(|pane| match pane {
            Pane::Failures if open > 0 => (pane, format!("{} {}", name(pane), numbers::count(open))),
            _ => (pane, name(pane).to_owned()),
        })
    };
    let fits = |names: &[(Pane, String)]| names.iter().map(|(_, name)| width(name) + 2).sum::<u16>() < room;
    let full = names(Pane::name);
    if fits(&full) { full } else { names(Pane::short_name) }
}

fn tabs(app: &App, canvas: &mut Canvas<'_>) {
    let mut x = 1;
    for (pane, name) in tab_names(app, canvas.width()) {
        let end = if pane == app.focus {
            canvas.write(x, 0, &format!("[{name}]"), Ink::Cursor)
        } else {
            canvas.write(x, 0, &format!(" {name} "), Ink::Plain)
        };
        canvas.spot((x, 0), (end.saturating_sub(x), 1), Spot::Pane(pane));
        x = end;
    }
    if let Some(figures) = app.figures() {
        let id = format!("{} ", figures.run.short());
        if x + width(&id) < canvas.width() {
            canvas.write_to(canvas.width(), 0, &id, Ink::Dim);
        }
    }
}

/// The gauge counts records, because a person knows how many those are.
fn gauge(app: &App, canvas: &mut Canvas<'_>) {
    let Some(figures) = app.figures() else { return };
    let wide = canvas.width();
    let records = figures.records;
    let settled = records.settled();
    let over = matches!(figures.phase, Phase::Ended(RunState::Completed | RunState::CompletedWithFailures));
    let words = if over {
        format!(
            "{} delivered · {} open · {} closed",
            numbers::count(records.delivered),
            numbers::count(records.open()),
            numbers::count(records.dismissed)
        )
    } else {
        match (records.total, wide >= 80) {
            (Some(total), true) => format!(
                "{}  {} of {}",
                numbers::percent(settled, total),
                numbers::count(settled),
                words::some(total, "record")
            ),
            (Some(total), false) => {
                format!("{}  {}", numbers::percent(settled, total), words::some(settled, "record"))
            }
            (None, _) => format!("{} so far", words::some(settled, "record")),
        }
    };
    let running = figures.phase == Phase::Running;
    let after = match figures.eta {
        Some(eta) if running && !over => format!("  {} left", numbers::span(eta)),
        _ if matches!(figures.phase, Phase::Faulted(_)) => ", stopped".to_owned(),
        _ => String::new(),
    };
    let words = format!("{words}{after}");
    let bar = wide.saturating_sub(width(&words) + 6).min(wide / 2);
    let mut x = 1;
    if bar >= 8 {
        let whole = records.total.unwrap_or(0);
        let full = numbers::cells(settled, whole, bar);
        let end = canvas.picture(x, 0, &"█".repeat(usize::from(full)), Ink::Good);
        let end = canvas.picture(end, 0, &"░".repeat(usize::from(bar - full)), Ink::Dim);
        x = if end > x { end + 3 } else { x };
    }
    canvas.write(x, 0, &words, Ink::Plain);
}

fn notice(app: &App, canvas: &mut Canvas<'_>) {
    let wide = canvas.width().saturating_sub(2);
    if let Some(notice) = &app.notice {
        let ink = match notice.tone {
            Tone::Says => Ink::Plain,
            Tone::Warns => Ink::Warn,
        };
        canvas.write_within(1, 0, wide, &notice.text, ink);
    } else if let Some(busy) = &app.busy {
        canvas.write_within(1, 0, wide, &words::busy(app, busy), Ink::Plain);
    } else if let Some(words) = words::on_failures(app, wide) {
        canvas.write_within(1, 0, wide, &words, Ink::Plain);
    } else if app.is_live() {
        let words = match app.keeps {
            Keeps::Journal if wide < 60 => "This run lives here; closing the window pauses it.",
            Keeps::Journal => "This run lives in this window. Closing the window pauses it.",
            Keeps::Nothing => words::FOR_SHOW,
        };
        canvas.write_within(1, 0, wide, words, Ink::Dim);
    }
}

/// The hints go from the right when there is no room; the last ones, `.` and `?`, stay.
fn hints(app: &App, canvas: &mut Canvas<'_>) {
    let mut hints = actions::hints(app);
    let long = |hint: &Hint| width(&hint.key) + width(&hint.words) + 3;
    let stays = |hint: &Hint| matches!(hint.action, Action::Here | Action::Help);
    let last = hints.iter().position(stays).unwrap_or(hints.len().saturating_sub(1));
    let last = hints.split_off(last.min(hints.len()));
    let end = (canvas.width() + 1).saturating_sub(last.iter().map(long).sum::<u16>());
    let mut x = 1;
    hints.retain({
        let mut at = x;
        let mut full = false;
        move |hint| {
            full |= at + long(hint) > end;
            at += long(hint);
            !full
        }
    });
    for Hint { key, words, action } in hints.into_iter().chain(last) {
        let after = canvas.line(x, 0, &[(&key, Ink::Key), (" ", Ink::Plain), (&words, Ink::Plain)]);
        canvas.spot((x, 0), (after.saturating_sub(x), 1), Spot::Hint(action));
        x = after + 2;
    }
}
