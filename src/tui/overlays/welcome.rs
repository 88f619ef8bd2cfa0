//! The first thing that a person sees where nothing is set up: three ways to begin, and where was looked.

use std::path::Path;

use crate::tui::app::App;
use crate::tui::canvas::{self, Canvas};
use crate::tui::layout;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;
use crate::tui::update::welcome::WAYS;

/// Each way, in the words for it.
const WORDS: [(&str, &str); WAYS] = [
    ("Practise", "a tenant that lives in this window, with sample data. Nothing leaves this machine."),
    ("Set up", "a profile for your own Genesys Cloud or CXone tenant. You need: region, client id, secret."),
    ("Open a folder", "a colleague's runs and failures, in a folder that you were given."),
];

/// The columns of the names.
const NAMES: u16 = 17;

enum Line {
    Words(String),
    /// A line of a way: its number, its name in the first one, and words.
    Way(usize, &'static str, String),
    /// Where was looked: the first one says so.
    Looked(&'static str, String, &'static str),
}

pub(super) fn draw(app: &App, at: usize, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let wide = layout::full_page(app.size).width;
    let high = layout::full_page(app.size).height;
    let mut lines = lines(app, wide.saturating_sub(2));
    if lines.len() + 2 > usize::from(high) {
        // the ways are what matters: where there is no room, nothing stands between them
        lines.retain(|line| !matches!(line, Line::Words(text) if text.is_empty()));
    }
    if lines.iter().filter(|line| !matches!(line, Line::Looked(..))).count() + 2 > usize::from(high) {
        lines.retain(|line| !matches!(line, Line::Words(_)));
    }
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let mut page = canvas.part(layout::page(app.size, rows));
    page.clear();
    page.spot((0, 0), (u16::MAX, u16::MAX), Spot::Cover);
    page.frame("Welcome", Ink::FocusFrame);
    let mut inside = page.inside();
    let right = inside.width().saturating_sub(1);
    let mut stands = inside.place(1, 0);
    for (y, line) in (0..).zip(&lines) {
        match line {
            Line::Words(text) => drop(inside.write(1, y, text, Ink::Plain)),
            Line::Way(way, name, text) => {
                let first = !name.is_empty();
                let marked = *way == at;
                let ink = if marked { Ink::Cursor } else { Ink::Strong };
                if first && marked {
                    inside.write(1, y, "▸", Ink::Strong);
                    stands = inside.place(3, y);
                }
                inside.write_within(3, y, NAMES - 3, name, ink);
                inside.write_within(NAMES, y, right.saturating_sub(NAMES), text, Ink::Plain);
                inside.spot((1, y), (right, 1), Spot::Row(*way));
            }
            Line::Looked(head, what, found) => {
                inside.write(1, y, head, Ink::Dim);
                let room = right.saturating_sub(14 + canvas::width(found) + 2);
                inside.write_within(14, y, room, what, Ink::Dim);
                inside.write_to(right, y, found, Ink::Dim);
            }
        }
    }
    stands
}

fn lines(app: &App, wide: u16) -> Vec<Line> {
    let mut lines = vec![
        Line::Words("Nothing is set up yet. Three ways to begin:".to_owned()),
        Line::Words(String::new()),
    ];
    for (way, (name, text)) in WORDS.into_iter().enumerate() {
        let room = wide.saturating_sub(NAMES + 1);
        for (number, line) in canvas::wrap(text, room).into_iter().enumerate() {
            lines.push(Line::Way(way, if number == 0 { name } else { "" }, line));
        }
    }
    lines.push(Line::Words(String::new()));
    let Some(places) = &app.places else { return lines };
    let room = wide.saturating_sub(14 + 1 + 9 + 2);
    let (config, there) = &places.config;
    lines.push(Line::Looked(
        "Looked for",
        path(config, room),
        if *there { "no profile" } else { "not there" },
    ));
    let (data, _) = &places.data;
    lines.push(Line::Looked("", path(&data.join("journal.db"), room), "no runs"));
    let variables = if places.variables { "set" } else { "not set" };
    lines.push(Line::Looked("", "GENESYS_… and CXONE_… in the environment".to_owned(), variables));
    lines
}

/// A path within so many columns: what tells it from others stands at its end.
fn path(path: &Path, room: u16) -> String {
    let text = path.display().to_string();
    let mut rest = text.as_str();
    while canvas::width(rest) + 2 > room {
        let Some((_, after)) = rest.trim_start_matches('/').split_once('/') else { break };
        rest = after;
    }
    if rest.len() == text.len() { text } else { format!("…/{rest}") }
}
