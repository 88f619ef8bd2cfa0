//! Where in its datasets the run stands: a row of cells, each a stretch of records.
//!
//! A cell may hold thousands of records. Were it drawn by the worst of them, a run with two failures in a hundred would
//! be red from end to end, and nobody would see where something is wrong. So a cell is what most of it is, and failures
//! stand out where there are more of them than elsewhere; the legend says how many that is.

use std::collections::BTreeSet;

use crate::model::{Cell, CellState, Figures};
use crate::tui::canvas::{self, Canvas};
use crate::tui::theme::Ink;
use crate::tui::{numbers, words};

/// From this width on, there is room for whole words.
const WIDE: u16 = 70;

/// So many times the share of the whole run is more than elsewhere.
const MORE: u64 = 2;

/// Some neighbouring cells together.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    cell: Cell,
    records: u64,
}

impl Stretch {
    fn of(cells: &[Cell], records: u64) -> Self {
        let mut sum = Cell::default();
        for cell in cells {
            sum.delivered = sum.delivered.saturating_add(cell.delivered);
            sum.failed = sum.failed.saturating_add(cell.failed);
            sum.dismissed = sum.dismissed.saturating_add(cell.dismissed);
            sum.under_way = sum.under_way.saturating_add(cell.under_way);
        }
        Self { cell: sum, records }
    }

    const fn settled(&self) -> u64 {
        self.cell.delivered as u64 + self.cell.failed as u64 + self.cell.dismissed as u64
    }

    fn left(&self) -> u64 {
        self.records.saturating_sub(self.settled() + u64::from(self.cell.under_way))
    }
}

/// From which share on something stands out, in millionths of what is settled.
#[derive(Debug, Clone, Copy)]
struct Threshold(u64);

impl Threshold {
    const WHOLE: u64 = 1_000_000;

    /// More than usual; half of it stands out anyway.
    fn over(part: u64, settled: u64) -> Self {
        let share = u128::from(part) * u128::from(Self::WHOLE) / u128::from(settled.max(1));
        let share = u64::try_from(share).unwrap_or(Self::WHOLE);
        Self((share * MORE).min(Self::WHOLE / 2))
    }

    fn is_passed(self, part: u64, settled: u64) -> bool {
        u128::from(part) * u128::from(Self::WHOLE) > u128::from(settled) * u128::from(self.0)
    }

    /// As a share in words: `4 %`, `0.2 %`.
    fn in_words(self) -> String {
        if self.0 >= Self::WHOLE / 100 {
            numbers::whole_percent(self.0, Self::WHOLE)
        } else {
            numbers::percent(self.0, Self::WHOLE)
        }
    }
}

/// The cells as they are drawn.
struct Picture {
    cells: Vec<CellState>,
    /// What the signs mean, for those that there are.
    failed: String,
    closed: &'static str,
    delivered: &'static str,
    /// How many records a cell holds.
    held: u64,
}

/// Cuts the map into at most so many cells.
fn picture(figures: &Figures, columns: usize) -> Picture {
    let (cells, width, reach) = (figures.map.cells(), figures.map.width(), figures.map.records());
    let columns = cells.len().min(columns);
    let from = |column: usize| column * cells.len() / columns.max(1);
    let at = |place: usize| u64::try_from(place).unwrap_or(u64::MAX).saturating_mul(width).min(reach);
    let stretches: Vec<Stretch> = (0..columns)
        .map(|column| (from(column), from(column + 1)))
        .map(|(from, to)| Stretch::of(cells.get(from..to).unwrap_or_default(), at(to) - at(from)))
        .collect();
    let sum = |part: fn(&Stretch) -> u64| stretches.iter().map(part).sum::<u64>();
    let settled = sum(Stretch::settled);
    let failed = Threshold::over(sum(|one| one.cell.failed.into()), settled);
    let closed = Threshold::over(sum(|one| one.cell.dismissed.into()), settled);
    let states: Vec<CellState> = stretches.iter().map(|one| state(one, failed, closed)).collect();
    // where one failure stands out in every cell, there is no share to be told
    let any = |hides: fn(&Stretch) -> bool, state: CellState| {
        stretches.iter().zip(&states).any(|(one, is)| *is == state && hides(one))
    };
    let hidden =
        stretches.iter().zip(&states).any(|(one, is)| *is != CellState::Failed && one.cell.failed > 0);
    Picture {
        failed: if hidden { format!("over {} failed", failed.in_words()) } else { "some failed".to_owned() },
        closed: if any(|one| u64::from(one.cell.dismissed) * 2 <= one.records, CellState::Dismissed) {
            "some closed"
        } else {
            "closed"
        },
        delivered: if any(|one| u64::from(one.cell.delivered) < one.records, CellState::Delivered) {
            "most delivered"
        } else {
            "delivered"
        },
        held: if columns == cells.len() { width } else { reach.div_ceil(columns.max(1) as u64) },
        cells: states,
    }
}

fn state(one: &Stretch, failed: Threshold, closed: Threshold) -> CellState {
    let settled = one.settled();
    if failed.is_passed(one.cell.failed.into(), settled) {
        CellState::Failed
    } else if one.cell.under_way > 0 {
        CellState::UnderWay
    } else if one.left() * 2 > one.records || settled == 0 {
        CellState::ToCome
    } else if closed.is_passed(one.cell.dismissed.into(), settled) {
        CellState::Dismissed
    } else {
        CellState::Delivered
    }
}

/// Draws the cells, and what they mean below. Returns the line after that.
pub(super) fn draw(figures: &Figures, inside: &mut Canvas<'_>, y: u16) -> u16 {
    let room = usize::from(inside.width().saturating_sub(2)).max(1);
    if figures.map.cells().is_empty() || inside.is_plain() {
        return y;
    }
    let picture = picture(figures, room);
    let mut x = 1;
    for run in picture.cells.chunk_by(|one, other| one == other) {
        let Some((sign, ink)) = run.first().map(|state| sign(*state)) else { continue };
        x = inside.picture(x, y, &sign.to_string().repeat(run.len()), ink);
    }
    legend(&picture, y + 1, inside);
    y + 2
}

/// How a cell is drawn.
const fn sign(state: CellState) -> (char, Ink) {
    match state {
        CellState::Failed => ('▣', Ink::Bad),
        CellState::UnderWay => ('◐', Ink::Warn),
        CellState::ToCome => ('·', Ink::Dim),
        CellState::Dismissed => ('□', Ink::Plain),
        CellState::Delivered => ('■', Ink::Good),
    }
}

/// What the signs mean, and how many records a cell holds.
fn legend(picture: &Picture, y: u16, inside: &mut Canvas<'_>) {
    let right = inside.width().saturating_sub(1);
    let there: BTreeSet<CellState> = picture.cells.iter().copied().collect();
    let mut x = 1;
    // as a run goes on; that some were closed is told only where it is so
    let order = [
        (CellState::Delivered, picture.delivered),
        (CellState::Failed, picture.failed.as_str()),
        (CellState::Dismissed, picture.closed),
        (CellState::UnderWay, "under way"),
        (CellState::ToCome, "to come"),
    ];
    for (state, words) in order {
        if state == CellState::Dismissed && !there.contains(&state) {
            continue;
        }
        let (sign, ink) = sign(state);
        if x + 2 + canvas::width(words) > right {
            break;
        }
        let sign = sign.to_string();
        x = inside.line(x, y, &[(&sign, ink), (" ", ink), (words, Ink::Dim)]) + 1;
        if inside.width() >= WIDE {
            x += 2;
        }
    }
    let long = format!("{} a cell", words::some(picture.held, "record"));
    let short = format!("{} a cell", numbers::count(picture.held));
    let fits = |text: &str| x + canvas::width(text) <= right + 1;
    if let Some(text) = [long, short].iter().find(|text| fits(text)) {
        // one cell apart from the signs, if need be at the cost of the margin
        let signs = if inside.width() >= WIDE { x.saturating_sub(2) } else { x };
        inside.write_to(right.max(signs + canvas::width(text)), y, text, Ink::Dim);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{ItemMap, Mark};
    use crate::tui::tests::fixtures;

    /// A map over so many records with these marks.
    fn map(records: u64, marks: &[(Mark, u64, u64)]) -> Figures {
        let mut map = ItemMap::over(Some(records));
        for (mark, first, count) in marks {
            map.mark(*mark, *first, *count, *count);
        }
        Figures { map: Arc::new(map), ..fixtures::figures() }
    }

    #[test]
    fn failures_everywhere_leave_the_map_by_what_most_of_it_is() {
        // two in a hundred, all over it, and one place with a hundred times as many
        let marks: Vec<_> = (0..1000)
            .map(|hundred| (hundred * 100, if hundred == 500 { 100 } else { 2 }))
            .flat_map(|(first, failed)| {
                [(Mark::Failed, first, failed), (Mark::Delivered, first + failed, 100 - failed)]
            })
            .collect();
        let drawn = picture(&map(100_000, &marks), 50);
        let failed = drawn.cells.iter().filter(|state| **state == CellState::Failed).count();
        assert!(
            (1..=2).contains(&failed),
            "only the place where there are more than elsewhere: {:?}",
            drawn.cells
        );
        assert_eq!((drawn.failed.as_str(), drawn.delivered), ("over 4 % failed", "most delivered"));
    }

    #[test]
    fn a_single_failure_among_many_records_is_seen() {
        let drawn =
            picture(&map(1_000_000, &[(Mark::Delivered, 0, 999_999), (Mark::Failed, 999_999, 1)]), 80);
        assert_eq!(drawn.cells.last(), Some(&CellState::Failed));
        assert_eq!((drawn.failed.as_str(), drawn.delivered), ("some failed", "delivered"));
    }

    #[test]
    fn what_fails_for_the_most_part_is_drawn_so() {
        let drawn = picture(&map(8_000, &[(Mark::Delivered, 0, 3_000), (Mark::Failed, 3_000, 5_000)]), 80);
        let failed = drawn.cells.iter().filter(|state| **state == CellState::Failed).count();
        assert!((48..=51).contains(&failed), "{failed}");
    }
}
