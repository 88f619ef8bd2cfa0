//! Bars, and the map of the datasets. What a colour tells, a sign or a number beside it tells, too.

use std::fmt::Write as _;

use super::markup::Html;
use crate::model::{CellState, ItemMap, Tally};
use crate::report::words::grouped;

/// The width of all pictures, in their own units.
pub(super) const WIDTH: u32 = 960;

/// What is there at all is seen: the least width of a part of a bar.
const LEAST: f64 = 3.0;

/// A sign on a filled square, so that its state is told without its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    None,
    Cross,
    Stripe,
    Dot,
    Bar,
}

impl Sign {
    /// Draws it over a square whose upper left corner and side are these.
    fn draw(self, html: &mut Html, (x, y): (f64, f64), side: f64) {
        let (near, far) = (side * 0.25, side * 0.75);
        let path = match self {
            Self::None => return,
            Self::Cross => format!(
                "M{} {}L{} {}M{} {}L{} {}",
                x + near,
                y + near,
                x + far,
                y + far,
                x + far,
                y + near,
                x + near,
                y + far
            ),
            Self::Stripe => format!("M{} {}L{} {}", x + near, y + far, x + far, y + near),
            Self::Dot => {
                let middle = side / 2.0;
                let (x, y, radius) = (x + middle, y + middle, side / 6.0);
                return html.shape("circle", &[("cx", &x), ("cy", &y), ("r", &radius), ("class", &"mark")]);
            }
            Self::Bar => format!("M{} {}H{}", x + near, y + side / 2.0, x + far),
        };
        html.shape("path", &[("d", &path), ("class", &"mark")]);
    }
}

/// A state as pictures show it: its class, its sign, its word.
type Look = (&'static str, Sign, &'static str);

const DELIVERED: Look = ("delivered", Sign::None, "delivered");
const FAILED: Look = ("failed", Sign::Cross, "failed");
const INVALID: Look = ("invalid", Sign::Bar, "invalid");
const CLOSED: Look = ("dismissed", Sign::Stripe, "closed by a person");
const PENDING: Look = ("to-come", Sign::None, "still to come");

const fn look(state: CellState) -> Look {
    match state {
        CellState::Failed => ("failed", Sign::Cross, "some failed, or are invalid"),
        CellState::UnderWay => ("under-way", Sign::Dot, "some are under way"),
        CellState::ToCome => ("to-come", Sign::None, "some are still to come"),
        CellState::Dismissed => ("dismissed", Sign::Stripe, "all settled, some closed by a person"),
        CellState::Delivered => ("delivered", Sign::None, "all delivered"),
    }
}

fn legend(html: &mut Html, rows: impl Iterator<Item = (Look, String)>) {
    html.open("ul", &[("class", &"legend")]);
    for ((class, sign, _), words) in rows {
        html.open("li", &[]);
        html.open("svg", &[("viewBox", &"0 0 14 14"), ("aria-hidden", &"true")]);
        html.shape("rect", &[("width", &14), ("height", &14), ("class", &class)]);
        sign.draw(html, (0.0, 0.0), 14.0);
        html.close("svg");
        html.text(&words);
        html.close("li");
    }
    html.close("ul");
}

/// A share of a whole as a length; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "a picture needs three digits")]
pub(super) fn length(part: u64, whole: u64, room: f64) -> f64 {
    if whole == 0 { 0.0 } else { room * (part as f64 / whole as f64).min(1.0) }
}

/// To a tenth, as it stands in an attribute.
pub(super) fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// How many are in each state: a bar, and the numbers below it.
pub(super) fn tally(html: &mut Html, noun: &str, tally: &Tally) {
    let parts = [
        (DELIVERED, tally.delivered),
        (FAILED, tally.failed),
        (INVALID, tally.invalid),
        (CLOSED, tally.dismissed),
        (PENDING, tally.pending),
    ];
    let all = tally.settled().saturating_add(tally.pending);
    let total = match tally.total {
        Some(total) => format!("{} {noun}", grouped(total)),
        None => format!("{} {noun} so far", grouped(all)),
    };
    let told: Vec<String> = parts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|((.., word), n)| format!("{} {word}", grouped(*n)))
        .collect();
    html.element("h3", &[], &total);
    html.picture((WIDTH, 32), &format!("{total}: {}", told.join(", ")));
    html.shape("rect", &[("width", &WIDTH), ("height", &32), ("class", &"ground")]);
    let there = parts.iter().filter(|(_, count)| *count > 0);
    let small = there.clone().filter(|(_, count)| length(*count, all, f64::from(WIDTH)) < LEAST).count();
    // the small ones are widened, and the others give way
    let room = f64::from(WIDTH) - LEAST * f64::from(u32::try_from(small).unwrap_or(0));
    let mut x = 0.0;
    for ((class, sign, word), count) in there {
        let wide = length(*count, all, room).max(LEAST);
        html.open("g", &[]);
        html.element("title", &[], &format!("{} {word}", grouped(*count)));
        html.shape(
            "rect",
            &[
                ("x", &tenth(x)),
                ("width", &tenth(wide)),
                ("height", &32),
                ("class", &format!("{class} part")),
            ],
        );
        if wide >= 20.0 {
            sign.draw(html, (tenth(x + 2.0), 8.0), 16.0);
        }
        html.close("g");
        x += wide;
    }
    html.close("svg");
    let named = |(look, count): &(Look, u64)| (*look, format!("{} {}", grouped(*count), look.2));
    legend(html, parts.iter().filter(|(look, count)| *count > 0 || *look == DELIVERED).map(named));
}

/// Cells of the map in a row.
const ROW: usize = 48;

/// The side of a cell, its gap included.
const CELL: u32 = WIDTH / 48;

/// Where in its datasets a run stands: a square for so many records, in their order.
pub(super) fn map(html: &mut Html, map: &ItemMap) {
    let cells = map.cells();
    if cells.is_empty() {
        html.element("p", &[], "No record has been read yet.");
        return;
    }
    let rows = u32::try_from(cells.len().div_ceil(ROW)).unwrap_or(1);
    let each = match map.width() {
        1 => "one record".to_owned(),
        width => format!("{} records", grouped(width)),
    };
    let shows = format!("Where in the datasets the run stands, a square for {each}");
    html.picture((WIDTH, rows * CELL), &shows);
    let side = f64::from(CELL) - 2.0;
    let mut x = 0.0;
    let mut y = 0.0;
    let mut first = 0_u64;
    let mut met = Vec::new();
    for (place, (cell, state)) in cells.iter().zip(map.states()).enumerate() {
        if place > 0 && place % ROW == 0 {
            (x, y) = (0.0, y + f64::from(CELL));
        }
        let last = first.saturating_add(map.width()).min(map.records()).saturating_sub(1);
        let (class, sign, _) = look(state);
        let mut title = format!("records {} to {}:", grouped(first), grouped(last));
        for (count, word) in [
            (cell.delivered, "delivered"),
            (cell.failed, "failed or invalid"),
            (cell.dismissed, "closed"),
            (cell.under_way, "under way"),
        ] {
            if count > 0 {
                // writing to a string cannot fail
                let _ = write!(title, " {} {word}", grouped(u64::from(count)));
            }
        }
        if title.ends_with(':') {
            title.push_str(" still to come");
        }
        html.open("g", &[]);
        html.element("title", &[], &title);
        html.shape(
            "rect",
            &[("x", &x), ("y", &y), ("width", &side), ("height", &side), ("rx", &2), ("class", &class)],
        );
        sign.draw(html, (x, y), side);
        html.close("g");
        if !met.contains(&state) {
            met.push(state);
        }
        x += f64::from(CELL);
        first = first.saturating_add(map.width());
    }
    html.close("svg");
    met.sort();
    legend(html, met.into_iter().rev().map(look).map(|look| (look, look.2.to_owned())));
    html.element(
        "p",
        &[("class", &"quiet")],
        &format!("A square stands for {each}, in the order of the datasets. It shows the worst of them."),
    );
}

/// Bars below each other, the first of which is the whole: words, numbers, and how they are filled.
pub(super) fn calls(html: &mut Html, rows: &[(&'static str, u64, &'static str)]) {
    let whole = rows.first().map_or(0, |(_, count, _)| *count);
    let told: Vec<String> =
        rows.iter().map(|(words, count, _)| format!("{} {words}", grouped(*count))).collect();
    let height = 28 * u32::try_from(rows.len()).unwrap_or(1);
    html.picture((WIDTH, height), &told.join(", "));
    let mut y = 0;
    for (words, count, class) in rows {
        html.element("text", &[("x", &0), ("y", &(y + 17))], words);
        html.shape(
            "rect",
            &[("x", &220), ("y", &(y + 4)), ("width", &620), ("height", &18), ("class", &"ground")],
        );
        let wide = length(*count, whole, 620.0);
        let wide = if *count > 0 { wide.max(LEAST) } else { 0.0 };
        html.shape(
            "rect",
            &[("x", &220), ("y", &(y + 4)), ("width", &tenth(wide)), ("height", &18), ("class", class)],
        );
        html.element("text", &[("x", &WIDTH), ("y", &(y + 17)), ("text-anchor", &"end")], &grouped(*count));
        y += 28;
    }
    html.close("svg");
}

/// A small bar in a row of a table: a part of the most.
pub(super) fn share(html: &mut Html, count: u64, most: u64) {
    html.open("svg", &[("viewBox", &"0 0 100 6"), ("aria-hidden", &"true")]);
    html.shape("rect", &[("width", &100), ("height", &6), ("class", &"ground")]);
    let wide = tenth(length(count, most, 100.0).max(1.0));
    html.shape("rect", &[("width", &wide), ("height", &6), ("class", &"failed")]);
    html.close("svg");
}
