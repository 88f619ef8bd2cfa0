//! The list of failures: a window of rows around the cursor, out of as many as there are.
//!
//! A row is known by its own number and never by its place, so that a list that moves while a run goes on cannot
//! put the cursor onto another contact just before `r` is pressed. A hundred thousand failures scroll like ten, because
//! only the rows around the cursor are held, and others are read from the journal before the cursor gets there.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::journal::FailureRow;
use crate::model::{FailureId, Seq};

/// Rows that are read on each side of the cursor.
pub(super) const SIDE: u32 = 256;

/// When the cursor comes this near to the end of what is held, more is read.
const NEAR: usize = 96;

/// Around what a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The first failures.
    Start,
    /// The last ones.
    End,
    /// Those around one, which may be gone itself.
    Around(FailureId),
}

/// A page of failures, read in one go.
#[derive(Debug)]
pub struct Page {
    /// Around what it was read.
    pub anchor: Anchor,
    /// The rows, by item, without their records.
    pub rows: Vec<FailureRow>,
    /// How many failures stand before the first of them.
    pub before: u64,
    /// All failures.
    pub total: u64,
    /// Those of them that no person has dealt with.
    pub open: u64,
}

/// Whether a page is being read now, and what is to be read after it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Reading {
    #[default]
    Nothing,
    Under {
        now: Anchor,
        then: Option<Anchor>,
    },
}

/// The list as it is shown.
#[derive(Debug, Default)]
pub(super) struct FailureList {
    pub rows: Vec<FailureRow>,
    pub before: u64,
    pub total: u64,
    pub open: u64,
    /// The failure under the cursor.
    pub cursor: Option<FailureId>,
    /// The failure in the first visible row.
    pub top: Option<FailureId>,
    /// How many stood below the cursor when it was last moved.
    below_seen: u64,
    reading: Reading,
    /// Rows that the cursor was moved by and could not go yet, because they are still being read.
    owed: isize,
    /// Failures that were asked to be sent again from here, with the moment of their last failure at that time.
    asked_again: BTreeMap<FailureId, Timestamp>,
    /// Whether a page has ever come.
    pub known: bool,
}

impl FailureList {
    /// Asks for a page; none where one is being read, which is then followed by this one.
    pub fn ask(&mut self, anchor: Anchor) -> Option<Anchor> {
        match &mut self.reading {
            Reading::Under { then, .. } => {
                *then = Some(anchor);
                None
            }
            Reading::Nothing => {
                self.reading = Reading::Under { now: anchor, then: None };
                Some(anchor)
            }
        }
    }

    /// Asks for what is shown now, as it is by now.
    pub fn ask_again(&mut self) -> Option<Anchor> {
        self.ask(self.cursor.map_or(Anchor::Start, Anchor::Around))
    }

    /// Takes a page in. Returns what is to be read next.
    pub fn take(&mut self, page: Page) -> Option<Anchor> {
        let next = match std::mem::take(&mut self.reading) {
            Reading::Under { then, .. } => then,
            Reading::Nothing => None,
        };
        if let Some(next) = next {
            self.reading = Reading::Under { now: next, then: None };
        }
        let first_ever = !self.known;
        self.known = true;
        self.rows = page.rows;
        self.before = page.before;
        self.total = page.total;
        self.open = page.open;
        self.asked_again.retain(|id, failed_at| {
            // a row outside of the window says nothing; one in it does: it failed again, or is gone
            match self.rows.binary_search_by_key(id, |row| row.id) {
                Ok(place) => self.rows.get(place).is_some_and(|row| row.last_at == *failed_at),
                Err(place) => place == 0 || place == self.rows.len(),
            }
        });
        match page.anchor {
            Anchor::Start => {
                self.cursor = self.rows.first().map(|row| row.id);
                self.top = self.cursor;
                self.note_below();
            }
            Anchor::End => {
                self.cursor = self.rows.last().map(|row| row.id);
                self.note_below();
            }
            Anchor::Around(_) => {
                let place = self.place(self.cursor);
                self.cursor = place.and_then(|place| self.rows.get(place)).map(|row| row.id);
            }
        }
        if first_ever {
            self.note_below();
        }
        match (next, std::mem::take(&mut self.owed)) {
            (None, 0) => None,
            (None, owed) => self.step(owed),
            (Some(next), owed) => {
                // what was wanted meanwhile goes on from here, if it is no jump
                if next == Anchor::Start || next == Anchor::End {
                    self.owed = owed;
                    return Some(next);
                }
                self.step(owed);
                Some(self.cursor.map_or(next, Anchor::Around))
            }
        }
    }

    /// Whether the cursor is on its way to a row that is still being read: what is under it is not what was meant.
    pub fn is_moving(&self) -> bool {
        self.owed != 0 || self.jumps()
    }

    fn jumps(&self) -> bool {
        let jump = |anchor: &Anchor| matches!(anchor, Anchor::Start | Anchor::End);
        match &self.reading {
            Reading::Nothing => false,
            Reading::Under { now, then } => self.known && (jump(now) || then.as_ref().is_some_and(jump)),
        }
    }

    /// Jumps to the first or the last failure. Returns what is to be read for it.
    pub fn jump(&mut self, anchor: Anchor) -> Option<Anchor> {
        self.owed = 0;
        self.ask(anchor)
    }

    /// A page could not be read.
    pub fn gave_up(&mut self) {
        self.reading = Reading::Nothing;
        self.owed = 0;
    }

    /// The place of a failure in the rows held, or of the one after it; the last one where it lies beyond.
    fn place(&self, id: Option<FailureId>) -> Option<usize> {
        let last = self.rows.len().checked_sub(1)?;
        let id = id?;
        Some(self.rows.partition_point(|row| row.id < id).min(last))
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&FailureRow> {
        self.rows.get(self.place(self.cursor)?).filter(|row| Some(row.id) == self.cursor)
    }

    /// How many failures stand before the cursor.
    pub fn rank(&self) -> Option<u64> {
        Some(self.before + u64::try_from(self.place(self.cursor)?).ok()?)
    }

    fn below(&self) -> u64 {
        self.rank().map_or(0, |rank| self.total.saturating_sub(rank + 1))
    }

    fn note_below(&mut self) {
        self.below_seen = self.below();
    }

    /// How many came in below the cursor since it was last moved and are out of sight: those in one of so many visible
    /// rows need no word.
    pub fn new_below(&self, height: usize) -> u64 {
        let shown = self.place(self.top).unwrap_or(0).saturating_add(self.visible(height).len());
        let hidden = self.total.saturating_sub(self.before).saturating_sub(shown as u64);
        self.below().saturating_sub(self.below_seen).min(hidden)
    }

    /// Moves the cursor by rows. Returns what is to be read for it.
    pub fn step(&mut self, rows: isize) -> Option<Anchor> {
        if self.reading != Reading::Nothing && (!self.known || self.jumps()) {
            self.owed = self.owed.saturating_add(rows);
            return None;
        }
        let last = self.rows.len().checked_sub(1)?;
        let from = self.place(self.cursor)?;
        let place = from.saturating_add_signed(rows).min(last);
        let went = place.cast_signed() - from.cast_signed();
        self.cursor = self.rows.get(place).map(|row| row.id);
        self.note_below();
        let more_before = self.before > 0 && place < NEAR;
        let held = self.before + u64::try_from(self.rows.len()).unwrap_or(0);
        let more_after = held < self.total && last - place < NEAR;
        let more_that_way = if rows < 0 { self.before > 0 } else { held < self.total };
        if more_that_way {
            self.owed = self.owed.saturating_add(rows - went);
        }
        if more_before || more_after { self.ask_again() } else { None }
    }

    /// Keeps the cursor within `height` visible rows, moving what is seen as little as possible.
    pub fn settle(&mut self, height: usize) {
        let Some(cursor) = self.place(self.cursor) else {
            self.top = None;
            return;
        };
        let height = height.max(1);
        let top = self.place(self.top).unwrap_or(0);
        let top = top.min(cursor).max((cursor + 1).saturating_sub(height));
        // no empty rows at the end while there are failures above to fill them
        let top = top.min(self.rows.len().saturating_sub(height));
        self.top = self.rows.get(top).map(|row| row.id);
    }

    /// The visible rows.
    pub fn visible(&self, height: usize) -> &[FailureRow] {
        let top = self.place(self.top).unwrap_or(0);
        let end = top.saturating_add(height).min(self.rows.len());
        self.rows.get(top..end).unwrap_or_default()
    }

    /// Remembers that a failure was asked to be sent again.
    pub fn mark_asked(&mut self, id: FailureId) {
        if let Some(row) = self.rows.iter().find(|row| row.id == id) {
            self.asked_again.insert(id, row.last_at);
        }
    }

    /// The same for many, of which only those that are held here can be marked.
    pub fn mark_all_asked(&mut self, items: &[Seq]) {
        let asked =
            self.rows.iter().filter(|row| row.id.is_item() && items.binary_search(&row.id.item).is_ok());
        self.asked_again.extend(asked.map(|row| (row.id, row.last_at)));
    }

    /// Takes that back: the command was not taken.
    pub fn forget_asked(&mut self, items: &[Seq]) {
        for item in items {
            self.asked_again.remove(&FailureId::from(*item));
        }
    }

    /// Takes all of it back: nothing was sent.
    pub fn forget_all_asked(&mut self) {
        self.asked_again.clear();
    }

    /// Whether it was asked to be sent again and has not ended since.
    pub fn was_asked(&self, id: FailureId) -> bool {
        self.asked_again.contains_key(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixtures::failure;
    use super::*;

    fn id(item: Seq) -> FailureId {
        item.into()
    }

    fn around(item: Seq) -> Anchor {
        Anchor::Around(id(item))
    }

    fn page(anchor: Anchor, items: &[Seq], before: u64, total: u64) -> Page {
        Page { anchor, rows: items.iter().map(|item| failure(*item)).collect(), before, total, open: total }
    }

    fn items(rows: &[FailureRow]) -> Vec<Seq> {
        rows.iter().map(|row| row.id.item).collect()
    }

    #[test]
    fn the_cursor_stays_on_its_failure_while_the_list_moves() {
        let mut list = FailureList::default();
        list.take(page(Anchor::Start, &[10, 20, 30], 0, 3));
        list.step(1);
        list.take(page(around(20), &[5, 10, 15, 20, 30, 40], 0, 6));
        assert_eq!(list.current().unwrap().id.item, 20);
        assert_eq!(list.rank(), Some(3));
        assert_eq!(list.new_below(4), 1);
        assert_eq!(list.new_below(5), 0, "the last row is in sight");
    }

    #[test]
    fn a_failure_that_is_gone_hands_the_cursor_to_the_next_one() {
        let mut list = FailureList::default();
        list.take(page(Anchor::Start, &[10, 20, 30], 0, 3));
        list.step(1);
        list.take(page(around(20), &[10, 30], 0, 2));
        assert_eq!(list.cursor, Some(id(30)));
        list.take(page(around(30), &[10], 0, 1));
        assert_eq!(list.cursor, Some(id(10)));
        list.take(page(around(10), &[], 0, 0));
        assert_eq!((list.cursor, list.current().is_none(), list.step(1)), (None, true, None));
        list.settle(5);
        assert!(list.visible(5).is_empty());
    }

    #[test]
    fn more_is_read_before_the_cursor_reaches_the_end_and_once_only() {
        let held: Vec<Seq> = (1000..1512).collect();
        let mut list = FailureList::default();
        list.ask(around(1256));
        list.cursor = Some(id(1256));
        list.take(page(around(1256), &held, 1000, 100_000));
        assert_eq!(list.step(100), None);
        assert_eq!(list.step(100), Some(around(1456)));
        assert_eq!(list.step(10), None, "one page at a time");
        let next: Vec<Seq> = (1200..1712).collect();
        assert_eq!(list.take(page(around(1456), &next, 1200, 100_000)), Some(around(1466)));
        assert_eq!(list.cursor, Some(id(1466)));
    }

    #[test]
    fn keys_that_are_faster_than_the_journal_are_not_lost() {
        let mut list = FailureList::default();
        list.ask(Anchor::Start);
        list.step(1);
        list.step(1);
        assert!(list.is_moving());
        let first: Vec<Seq> = (0..512).collect();
        assert_eq!(list.take(page(Anchor::Start, &first, 0, 100_000)), None);
        assert_eq!((list.cursor, list.is_moving()), (Some(id(2)), false));
        assert_eq!(list.step(500), Some(around(502)));
        list.step(500);
        assert_eq!(
            (list.cursor, list.is_moving()),
            (Some(id(511)), true),
            "it stands at the end of what is held"
        );
        let next: Vec<Seq> = (246..758).collect();
        let again = list.take(page(around(502), &next, 246, 100_000));
        assert_eq!(again, Some(around(757)));
        let next: Vec<Seq> = (501..1013).collect();
        list.take(page(around(757), &next, 501, 100_000));
        assert_eq!((list.cursor, list.is_moving()), (Some(id(1002)), false));
    }

    #[test]
    fn a_jump_is_where_later_keys_go_on_from() {
        let mut list = FailureList::default();
        let held: Vec<Seq> = (0..20).collect();
        list.take(page(Anchor::Start, &held, 0, 20));
        assert_eq!(list.jump(Anchor::End), Some(Anchor::End));
        list.step(-1);
        assert!(list.is_moving());
        list.take(page(Anchor::End, &held, 0, 20));
        assert_eq!((list.cursor, list.is_moving()), (Some(id(18)), false));
    }

    #[test]
    fn what_is_seen_moves_as_little_as_possible() {
        let held: Vec<Seq> = (0..50).collect();
        let mut list = FailureList::default();
        list.take(page(Anchor::Start, &held, 0, 50));
        list.settle(10);
        list.step(9);
        list.settle(10);
        assert_eq!(list.top, Some(id(0)));
        list.step(1);
        list.settle(10);
        assert_eq!(list.top, Some(id(1)));
        list.step(-3);
        list.settle(10);
        assert_eq!(list.top, Some(id(1)));
        assert_eq!(items(list.visible(10)), (1..11).collect::<Vec<_>>());
        list.settle(3);
        assert!(list.visible(3).iter().any(|row| Some(row.id) == list.cursor));
        list.settle(0);
        assert!(list.visible(0).is_empty());
    }

    #[test]
    fn one_that_was_asked_to_be_sent_again_is_marked_until_it_ends() {
        let mut list = FailureList::default();
        list.take(page(Anchor::Start, &[1, 2, 3], 0, 3));
        list.mark_asked(id(2));
        list.take(page(around(1), &[1, 2, 3], 0, 3));
        assert!(list.was_asked(id(2)));
        list.take(page(around(1), &[1, 3], 0, 2));
        assert!(!list.was_asked(id(2)));
        list.mark_asked(id(3));
        let mut again = page(around(1), &[1, 3], 0, 2);
        again.rows[1].last_at += jiff::SignedDuration::from_secs(9);
        list.take(again);
        assert!(!list.was_asked(id(3)));
    }
}
