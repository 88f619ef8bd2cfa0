//! *1 Credentials*: the profiles, whether they work, and what they allow.
//!
//! In the narrow column each profile takes two lines, and the one under the cursor unfolds; where the pane has the whole
//! width, they are a table with all that is known of the one under the cursor below it.

use super::frame_ink;
use crate::tui::actions::Action;
use crate::tui::app::{App, Pane, Test};
use crate::tui::canvas::{self, Canvas};
use crate::tui::office::ProfileRow;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;
use crate::tui::{numbers, words};

/// From this width on, the profiles are a table.
const WIDE: u16 = 56;

/// What stands before the profile that the next new run begins with.
const CHOSEN: &str = "◆";

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let ink = frame_ink(app, Pane::Credentials);
    let fallback = canvas.place(3, 0);
    let rows = app.credentials.rows();
    canvas.frame("1 Credentials", ink);
    canvas.foot(&foot(app, canvas.width() > WIDE), ink);
    let mut inside = canvas.inside();
    let stands = if rows.is_empty() || app.credentials.trouble.is_some() {
        teach(app, &mut inside);
        None
    } else if inside.width() < WIDE {
        narrow(app, &mut inside)
    } else {
        wide(app, &mut inside)
    };
    stands.or(fallback)
}

/// What the mark means, and where the cursor is.
fn foot(app: &App, wide: bool) -> String {
    let rows = app.credentials.rows();
    let mut text = String::new();
    if app.credentials.next().is_some() {
        text = format!("{CHOSEN} {}", if wide { "the next new run begins with it" } else { "next run" });
    }
    let current = app.credentials.current().map(ProfileRow::id);
    if let Some(at) = rows.iter().position(|row| Some(row.id()) == current).filter(|_| rows.len() > 1) {
        let gap = if text.is_empty() { "" } else { " · " };
        text = format!("{text}{gap}{} of {}", numbers::count_of(at + 1), numbers::count_of(rows.len()));
    }
    text
}

/// Where there is no profile, what to do about it.
fn teach(app: &App, inside: &mut Canvas<'_>) {
    let key = |action| app.keymap.key(action);
    let lines = match (&app.credentials.known, &app.credentials.trouble) {
        (_, Some(why)) => vec![
            ("The configuration can't be read.".to_owned(), Ink::Bad),
            (why.clone(), Ink::Plain),
            (format!("Mend it, then {} reads it again.", key(Action::Test)), Ink::Strong),
        ],
        (None, None) => vec![("The profiles are being read…".to_owned(), Ink::Dim)],
        (Some(_), None) => vec![
            (format!("No profile yet: {} adds one.", key(Action::Add)), Ink::Strong),
            (
                "A profile says how to reach a tenant: its region, and a client with its secret.".to_owned(),
                Ink::Plain,
            ),
            (format!("{} practises without one.", key(Action::Practise)), Ink::Plain),
        ],
    };
    let room = inside.width().saturating_sub(2);
    let lines = lines
        .iter()
        .flat_map(|(text, ink)| canvas::wrap(text, room).into_iter().map(move |line| (line, *ink)));
    for (y, (line, ink)) in (0..).zip(lines) {
        inside.write(1, y, &line, ink);
    }
}

/// Whether the next new run begins with it.
fn is_next(app: &App, row: &ProfileRow) -> bool {
    app.credentials.next().is_some_and(|next| next.id() == row.id())
}

fn is_default(app: &App, row: &ProfileRow) -> bool {
    app.credentials.known.as_ref().is_some_and(|known| known.default.as_deref() == Some(row.name.as_str()))
}

/// What must not be overlooked of it.
fn mark(row: &ProfileRow) -> (&'static str, Ink) {
    match (row.production, row.read_only) {
        (true, false) => ("!! PRODUCTION", Ink::Production),
        (true, true) => ("!! PROD, looks", Ink::Production),
        (false, true) => ("looks only", Ink::Dim),
        (false, false) => ("", Ink::Plain),
    }
}

/// The cursor's sign and the name, with the mark of the next run. Returns whether the cursor is there.
fn head(app: &App, row: &ProfileRow, y: u16, name: u16, inside: &mut Canvas<'_>) -> bool {
    let on_it = app.credentials.current().is_some_and(|current| current.id() == row.id());
    if on_it {
        inside.write(0, y, "▸", Ink::Strong);
    }
    if is_next(app, row) {
        inside.write(1, y, CHOSEN, Ink::Good);
    }
    inside.write_within(3, y, name, &row.name, Ink::Strong);
    on_it
}

fn tint(app: &App, y: u16, inside: &mut Canvas<'_>) {
    if app.focus == Pane::Credentials && app.overlays.is_empty() {
        inside.tint(y, Ink::Cursor);
    }
}

fn narrow(app: &App, inside: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let current = app.credentials.current().map(ProfileRow::id);
    let rows = app.credentials.rows();
    let heights: Vec<usize> = rows
        .iter()
        .map(|row| if Some(row.id()) == current { unfolded(app, row).len() + 2 } else { 2 })
        .collect();
    let at = rows.iter().position(|row| Some(row.id()) == current).unwrap_or(0);
    // from the cursor back, as many as there is room for
    let room = usize::from(inside.height());
    let mut first = at;
    let mut used = heights.get(at).copied().unwrap_or(0);
    while let Some(before) = first.checked_sub(1).and_then(|before| heights.get(before))
        && used + before <= room
    {
        used += before;
        first -= 1;
    }
    let mut stands = None;
    let mut y = 0;
    let right = inside.width().saturating_sub(1);
    for row in rows.iter().skip(first) {
        if y >= inside.height() {
            break;
        }
        let (text, ink) = mark(row);
        let name = right.saturating_sub(3 + canvas::width(text) + u16::from(!text.is_empty()));
        let on_it = head(app, row, y, name, inside);
        inside.write_to(right, y, text, ink);
        let (state, ink) = words::profile_state(app, row);
        let end = inside.write(3, y + 1, row.platform.word(), Ink::Plain);
        inside.line(end, y + 1, &[(" · ", Ink::Dim), (&state, ink)]);
        let mut high = 2;
        if on_it {
            tint(app, y, inside);
            stands = inside.place(0, y);
            for (text, ink) in unfolded(app, row) {
                inside.write(3, y + high, &text, ink);
                high += 1;
            }
        }
        inside.spot((0, y), (inside.width(), high), Spot::Profile(row.id()));
        y += high;
    }
    stands
}

/// What the narrow form tells of the profile under the cursor only.
fn unfolded(app: &App, row: &ProfileRow) -> Vec<(String, Ink)> {
    let mut lines = vec![(row.region.clone().unwrap_or_else(|| row.host.clone()), Ink::Plain)];
    if let Some(Test::Refused { why, .. }) = app.credentials.test_of(row) {
        lines.push((words::refusal(why), Ink::Bad));
    }
    if is_default(app, row) {
        lines.push(("the default".to_owned(), Ink::Dim));
    }
    lines
}

/// The columns of the table: name, mark, platform, place and state.
struct Columns {
    name: u16,
    mark: u16,
    platform: u16,
    place: Option<u16>,
    state: u16,
}

impl Columns {
    fn within(wide: u16) -> Self {
        let place = (wide >= 76).then_some(22);
        let fixed = 3 + 15 + 9 + place.unwrap_or(0) + 15;
        let name = wide.saturating_sub(fixed).clamp(8, 40);
        let mark = 3 + name;
        let platform = mark + 15;
        let state = platform + 9 + place.unwrap_or(0);
        Self { name: name - 1, mark, platform, place: place.map(|_| platform + 9), state }
    }
}

fn wide(app: &App, inside: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let rows = app.credentials.rows();
    let height = usize::from(inside.height());
    let told = app.credentials.current().map_or_else(Vec::new, |row| details(app, row));
    let room = inside.width().saturating_sub(2);
    let told: Vec<(String, Ink)> = told
        .into_iter()
        .flat_map(|(text, ink)| canvas::wrap(&text, room).into_iter().map(move |line| (line, ink)))
        .collect();
    // the list has at least a third; what is told of one profile has what is left
    let with_head = usize::from(height >= 12);
    let least = (height / 3).max(2).saturating_sub(with_head);
    let shown = rows.len().min(height.saturating_sub(told.len() + 1 + with_head).max(least)).max(1);
    let at = app.credentials.current().map(ProfileRow::id);
    let at = rows.iter().position(|row| Some(row.id()) == at).unwrap_or(0);
    let first = (at + 1).saturating_sub(shown);
    let columns = Columns::within(inside.width());
    let mut y = 0;
    if with_head == 1 {
        inside.write(3, 0, "profile", Ink::Dim);
        inside.write(columns.platform, 0, "platform", Ink::Dim);
        if let Some(x) = columns.place {
            inside.write(x, 0, "region or host", Ink::Dim);
        }
        inside.write(columns.state, 0, "state", Ink::Dim);
        y = 1;
    }
    let mut stands = None;
    for row in rows.iter().skip(first).take(shown) {
        if draw_row(app, row, y, &columns, inside) {
            tint(app, y, inside);
            stands = inside.place(0, y);
        }
        y += 1;
    }
    if y > 0 && usize::from(y) + told.len() < height {
        y += 1;
    }
    for (text, ink) in told {
        inside.write(1, y, &text, ink);
        y += 1;
    }
    stands
}

fn draw_row(app: &App, row: &ProfileRow, y: u16, columns: &Columns, inside: &mut Canvas<'_>) -> bool {
    let on_it = head(app, row, y, columns.name, inside);
    let (text, ink) = mark(row);
    inside.write_within(columns.mark, y, 14, text, ink);
    inside.write_within(columns.platform, y, 8, row.platform.word(), Ink::Plain);
    if let Some(x) = columns.place {
        inside.write_within(x, y, 21, row.region.as_deref().unwrap_or(&row.host), Ink::Plain);
    }
    let (state, ink) = words::profile_state(app, row);
    inside.write(columns.state, y, &state, ink);
    inside.spot((0, y), (inside.width(), 1), Spot::Profile(row.id()));
    on_it
}

/// All that is known of one profile, the most telling first.
fn details(app: &App, row: &ProfileRow) -> Vec<(String, Ink)> {
    let mut lines = Vec::new();
    match app.credentials.test_of(row) {
        None => lines
            .push(("Not tested in this window: t gets a token, and nothing else.".to_owned(), Ink::Plain)),
        Some(Test::Under) => lines.push(("It is being tested. Esc stops that.".to_owned(), Ink::Plain)),
        Some(Test::Refused { why, at }) => {
            lines.push((format!("Refused at {}: {}", clock(app, *at), words::refusal(why)), Ink::Bad));
        }
        Some(Test::Passed { tested, at }) => {
            lines.push((format!("Tested at {}: {}.", clock(app, *at), words::took(tested)), Ink::Good));
            lines.extend(words::may_do(tested));
            match tested.scopes.as_deref() {
                None => lines.push(("The platform does not tell the token's scopes.".to_owned(), Ink::Dim)),
                Some([]) => lines.push(("The token has no scopes.".to_owned(), Ink::Warn)),
                Some(scopes) => lines.push((format!("Scopes: {}", scopes.join(" ")), Ink::Plain)),
            }
        }
    }
    if !row.unfinished.is_empty() {
        lines.push((format!("Runs that are not over: {}", row.unfinished.join(", ")), Ink::Plain));
    }
    let mut marks = Vec::new();
    if is_next(app, row) {
        marks.push("the next new run begins with it");
    }
    if is_default(app, row) {
        marks.push("it is the default");
    }
    if row.read_only {
        marks.push("nothing is ever sent with it");
    }
    if !row.configured {
        marks.push("it is made of variables of the environment");
    }
    if let [first, rest @ ..] = marks.as_slice() {
        let mut text = words::capital(first);
        for more in rest {
            text.push_str("; ");
            text.push_str(more);
        }
        lines.push((format!("{text}."), Ink::Plain));
    }
    lines.push((
        format!("Client {}, secret in: {}", row.client_id, words::home(&row.name, &row.secret)),
        Ink::Dim,
    ));
    let tokens =
        if row.auth_url == row.api_url { String::new() } else { format!(", tokens from {}", row.auth_url) };
    lines.push((format!("Calls to {}{tokens}", row.api_url), Ink::Dim));
    lines
}

/// A moment of the steady clock, on the one on the wall.
fn clock(app: &App, at: std::time::Instant) -> String {
    let ago = app.now.instant.saturating_duration_since(at);
    let at = jiff::SignedDuration::try_from(ago).ok().and_then(|ago| app.now.wall.checked_sub(ago).ok());
    numbers::minute_of_day(at.unwrap_or(app.now.wall), &app.zone)
}
