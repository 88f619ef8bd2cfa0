//! Where in its datasets a run stands: a fixed number of cells over the records' positions.
//!
//! A run may have ten records or a hundred million; what is kept, copied and drawn of it is always the same few
//! kilobytes. A cell's width is a power of two, so that a map which turns out too narrow (a stream's end is not known)
//! folds each two neighbours into one, and is then what it had been with the greater width from the start.
//!
//! An item of several records is spread over the cells by its place alone. Where it has holes, which are other items'
//! records, its own are taken to lie evenly: counts of a cell may be off by a few there, and their sum never is.

use std::fmt;

use super::Position;

/// The number of cells.
const CELLS: usize = 240;

/// How many of a cell's records are in which state. What is in none of these is to come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cell {
    /// Accepted by the platform.
    pub delivered: u32,
    /// Failed or invalid, and open for a person.
    pub failed: u32,
    /// Closed by a person.
    pub dismissed: u32,
    /// In a call, or between two of them.
    pub under_way: u32,
}

/// What a record is marked as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Accepted by the platform.
    Delivered,
    /// Failed or invalid, and open for a person.
    Failed,
    /// Closed by a person.
    Dismissed,
    /// In a call, or between two of them.
    UnderWay,
}

/// The worst that is true of a cell, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellState {
    /// Some of it failed, or is invalid.
    Failed,
    /// Some of it is under way.
    UnderWay,
    /// Some of it is still to come.
    ToCome,
    /// All of it is settled, and a person has closed some.
    Dismissed,
    /// All of it is delivered.
    Delivered,
}

impl Cell {
    const fn count(&mut self, mark: Mark) -> &mut u32 {
        match mark {
            Mark::Delivered => &mut self.delivered,
            Mark::Failed => &mut self.failed,
            Mark::Dismissed => &mut self.dismissed,
            Mark::UnderWay => &mut self.under_way,
        }
    }

    /// The worst that is true of it, where it holds so many records.
    #[must_use]
    pub fn state(&self, records: u64) -> CellState {
        let settled = u64::from(self.delivered) + u64::from(self.dismissed);
        match self {
            Self { failed: 1.., .. } => CellState::Failed,
            Self { under_way: 1.., .. } => CellState::UnderWay,
            _ if settled < records => CellState::ToCome,
            Self { dismissed: 1.., .. } => CellState::Dismissed,
            _ => CellState::Delivered,
        }
    }

    const fn and(self, other: Self) -> Self {
        Self {
            delivered: self.delivered.saturating_add(other.delivered),
            failed: self.failed.saturating_add(other.failed),
            dismissed: self.dismissed.saturating_add(other.dismissed),
            under_way: self.under_way.saturating_add(other.under_way),
        }
    }
}

/// Where in its datasets a run stands.
#[derive(Clone, PartialEq, Eq)]
pub struct ItemMap {
    width: u64,
    reach: u64,
    cells: [Cell; CELLS],
}

impl Default for ItemMap {
    fn default() -> Self {
        Self { width: 1, reach: 0, cells: [Cell::default(); CELLS] }
    }
}

impl fmt::Debug for ItemMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.cells().iter().enumerate().filter(|(_, cell)| **cell != Cell::default());
        f.debug_struct("ItemMap")
            .field("width", &self.width)
            .field("reach", &self.reach)
            .field("cells", &used.collect::<Vec<_>>())
            .finish()
    }
}

impl ItemMap {
    /// An empty one over so many records, as far as that is known.
    #[must_use]
    pub fn over(records: Option<u64>) -> Self {
        let mut map = Self::default();
        map.cover(records.unwrap_or(0));
        map
    }

    /// How many records a cell holds; the last one may hold fewer.
    #[must_use]
    pub const fn width(&self) -> u64 {
        self.width
    }

    /// How many records it covers: all of the run's, or those of a stream that were read so far.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.reach
    }

    /// The cells that cover them, in the records' order: at most 240.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        let used = usize::try_from(self.reach.div_ceil(self.width)).unwrap_or(CELLS);
        self.cells.get(..used).unwrap_or(&self.cells)
    }

    /// The worst state of each of these cells.
    pub fn states(&self) -> impl Iterator<Item = CellState> + '_ {
        (0_u64..).zip(self.cells()).map(|(place, cell)| {
            let before = place.saturating_mul(self.width);
            cell.state(self.width.min(self.reach.saturating_sub(before)))
        })
    }

    /// Makes it cover so many records.
    pub fn cover(&mut self, records: u64) {
        self.reach = self.reach.max(records);
        while self.width.saturating_mul(CELLS as u64) < self.reach {
            self.fold();
        }
    }

    /// Marks an item's records: so many of those from the first on that lie in its span.
    pub fn mark(&mut self, mark: Mark, first: Position, span: u64, count: u64) {
        self.cover(first.saturating_add(span));
        self.each_share(first, span, count, |cell, share| {
            let marked = cell.count(mark);
            *marked = marked.saturating_add(share);
        });
    }

    /// Takes such a mark back.
    pub fn unmark(&mut self, mark: Mark, first: Position, span: u64, count: u64) {
        self.each_share(first, span, count, |cell, share| {
            let marked = cell.count(mark);
            *marked = marked.saturating_sub(share);
        });
    }

    /// Takes all marks of this kind back.
    pub fn clear(&mut self, mark: Mark) {
        for cell in &mut self.cells {
            *cell.count(mark) = 0;
        }
    }

    /// Adds all marks of another one.
    pub fn overlay(&mut self, other: &Self) {
        let mut other = other.clone();
        other.cover(self.reach);
        self.cover(other.reach);
        // both reach as far now, and have come to the same width
        for (cell, more) in self.cells.iter_mut().zip(other.cells) {
            *cell = cell.and(more);
        }
    }

    fn fold(&mut self) {
        let folded = self.cells;
        let pairs = folded.chunks(2).map(|pair| pair.iter().copied().fold(Cell::default(), Cell::and));
        let empty = std::iter::repeat_n(Cell::default(), CELLS);
        for (cell, new) in self.cells.iter_mut().zip(pairs.chain(empty)) {
            *cell = new;
        }
        self.width = self.width.saturating_mul(2);
    }

    /// What of an item lies in each cell. What lies before a cell's end depends on that end alone, and so it stays the
    /// same when cells are folded.
    fn each_share(&mut self, first: Position, span: u64, count: u64, mut each: impl FnMut(&mut Cell, u32)) {
        if span == 0 {
            return;
        }
        let width = self.width;
        let end = first.saturating_add(span);
        let mut before = 0;
        let begin = usize::try_from(first / width).unwrap_or(usize::MAX);
        for (place, cell) in self.cells.iter_mut().enumerate().skip(begin) {
            let ends = (place as u64 + 1).saturating_mul(width).min(end);
            let part = u128::from(ends - first) * u128::from(count) / u128::from(span);
            let upto = u64::try_from(part).unwrap_or(u64::MAX);
            each(cell, u32::try_from(upto - before).unwrap_or(u32::MAX));
            before = upto;
            if ends == end {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(map: &ItemMap, of: impl Fn(&Cell) -> u32) -> u64 {
        map.cells().iter().map(|cell| u64::from(of(cell))).sum()
    }

    #[test]
    fn a_map_that_grew_is_the_map_it_had_been_with_that_width_from_the_start() {
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..200 {
            let total = rng.u64(1..200_000);
            let (mut grown, mut known) = (ItemMap::over(None), ItemMap::over(Some(total)));
            let mut first = 0;
            let mut records = 0;
            while first < total {
                let span = rng.u64(1..=(total - first).min(900));
                let count = rng.u64(1..=span);
                for map in [&mut grown, &mut known] {
                    map.mark(Mark::Delivered, first, span, count);
                }
                records += count;
                first += span;
            }
            assert_eq!(grown, known);
            assert_eq!(sum(&grown, |cell| cell.delivered), records);
            assert!(grown.cells().len() <= CELLS && grown.width() * CELLS as u64 >= total);
        }
    }

    #[test]
    fn a_mark_that_is_taken_back_leaves_nothing_also_after_a_fold() {
        let mut map = ItemMap::over(None);
        map.mark(Mark::UnderWay, 100, 77, 70);
        map.cover(1_000_000);
        map.unmark(Mark::UnderWay, 100, 77, 70);
        assert_eq!(map, ItemMap::over(Some(1_000_000)));
    }

    #[test]
    fn the_worst_of_a_cell_is_told() {
        let mut map = ItemMap::over(Some(480 * 2));
        assert_eq!(map.width(), 4);
        map.mark(Mark::Delivered, 0, 12, 12);
        map.mark(Mark::Dismissed, 12, 4, 4);
        map.mark(Mark::UnderWay, 16, 1, 1);
        map.mark(Mark::Delivered, 20, 3, 3);
        map.unmark(Mark::Delivered, 5, 1, 1);
        map.mark(Mark::Failed, 5, 1, 1);
        let worst: Vec<_> = map.states().take(6).collect();
        let [failed, under_way, to_come, closed, delivered] = [
            CellState::Failed,
            CellState::UnderWay,
            CellState::ToCome,
            CellState::Dismissed,
            CellState::Delivered,
        ];
        assert_eq!(worst, [delivered, failed, delivered, closed, under_way, to_come]);
    }

    #[test]
    fn a_last_cell_that_holds_fewer_records_is_delivered_when_these_are() {
        let mut map = ItemMap::over(Some(241));
        map.mark(Mark::Delivered, 0, 241, 241);
        assert_eq!(map.cells().len(), 121);
        assert!(map.states().all(|state| state == CellState::Delivered));
    }

    #[test]
    fn one_laid_over_another_adds_its_marks_whatever_their_widths() {
        let mut wide = ItemMap::over(Some(10_000));
        wide.mark(Mark::Delivered, 0, 500, 500);
        let mut narrow = ItemMap::over(None);
        narrow.mark(Mark::UnderWay, 3, 1, 1);
        let mut either = wide.clone();
        either.overlay(&narrow);
        narrow.overlay(&wide);
        assert_eq!(either, narrow);
        assert_eq!(
            (sum(&either, |cell| cell.delivered), either.cells().first().unwrap().under_way),
            (500, 1)
        );
    }

    #[test]
    fn what_no_record_can_have_does_no_harm() {
        let mut map = ItemMap::over(Some(u64::MAX));
        map.mark(Mark::Failed, u64::MAX - 1, u64::MAX, u64::MAX);
        map.mark(Mark::Failed, 0, 0, 7);
        map.unmark(Mark::Failed, u64::MAX, 1, 1);
        assert!(std::mem::size_of::<ItemMap>() < 10_000);
    }
}
