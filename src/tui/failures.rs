//! The list of failures: a window of rows around the cursor, out of as many as there are.
//!
//! A row is known by its own number and never by its place, so that a list that moves while a run goes on cannot
//! put the cursor onto another contact just before `r` is pressed. A hundred thousand failures scroll like ten, because
//! only the rows around the cursor are held, and others are read from the journal before the cursor gets there.
//!
//! What is looked at is a query: a cause, a view, a filter, an order. Each has an edition number, and a page that comes
//! after the query has changed is dropped. Marks are kept by number, whatever is looked at.

mod acts;
mod causes;
mod filter_line;
mod marks;
mod singles;
mod split;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use crate::journal::{FailureRow, Filter, Query, Sort, View};
use crate::model::{FailureId, Seq};

pub(super) use acts::Acts;
pub(super) use causes::CauseList;
pub use causes::Causes;
pub(super) use filter_line::{FilterLine, Typed};
pub use marks::MarkSet;
pub(super) use marks::Marks;
pub(super) use singles::{Sender, Singles};
pub(super) use split::{Fate, fate};
pub use split::{Purpose, Scope, Split, Wanting};

/// Rows that are read on each side of the cursor.
pub(super) const SIDE: u32 = 256;

/// When the cursor comes this near to the end of what is held, more is read.
const NEAR: usize = 96;

/// More open failures than this are shown by cause first.
const FEW: u64 = 20;

/// Around what a page is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Anchor {
    /// The first failures.
    #[default]
    Start,
    /// The last ones.
    End,
    /// Those around one, which may be gone itself.
    Around(FailureId),
}

/// Whether the cursor goes elsewhere with it.
const fn is_jump(anchor: &Anchor) -> bool {
    matches!(anchor, Anchor::Start | Anchor::End)
}

/// A page that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which failures, and in which order.
    pub query: Query,
    /// The number of that query.
    pub edition: u64,
    /// Around what.
    pub anchor: Anchor,
}

/// A page of failures, read in one go.
#[derive(Debug, Default)]
pub struct Page {
    /// The number of the query that it answers.
    pub edition: u64,
    /// Around what it was read.
    pub anchor: Anchor,
    /// The rows in their order, without their records.
    pub rows: Vec<FailureRow>,
    /// How many of these rows stand before the failure around which they were read.
    pub at: usize,
    /// How many failures stand before the first of them.
    pub before: u64,
    /// All failures that the query means.
    pub total: u64,
    /// Those of them that no person has dealt with.
    pub open: u64,
    /// All failures of the run, but those that were delivered since.
    pub all: u64,
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

/// What the pane lists.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    /// A row a failure.
    #[default]
    Rows,
    /// The causes.
    Causes,
}

/// Who decided what the pane lists.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Decided {
    /// Nobody: many failures are shown by cause.
    #[default]
    ByNumber,
    /// The person.
    ByHand,
}

/// The list as it is shown.
#[derive(Debug)]
pub(super) struct FailureList {
    pub query: Query,
    pub edition: u64,
    pub rows: Vec<FailureRow>,
    pub before: u64,
    pub total: u64,
    pub open: u64,
    /// All failures of the run.
    pub all: u64,
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
    /// Whether the rows are those of another query than the one that was asked for last.
    stale: bool,
    pub marks: Marks,
    pub causes: CauseList,
    shows: Shows,
    decided: Decided,
    /// The filter as it was typed.
    pub filter: String,
    /// The line into which a filter is being typed.
    pub line: Option<FilterLine>,
    /// What is being counted for a question.
    pub wanting: Wanting,
    /// What was sent again from this window.
    pub acts: Acts,
    /// What was sent again one by one.
    pub singles: Singles,
}

impl Default for FailureList {
    fn default() -> Self {
        Self {
            query: Query { view: View::Open, ..Query::default() },
            edition: 0,
            rows: Vec::new(),
            before: 0,
            total: 0,
            open: 0,
            all: 0,
            cursor: None,
            top: None,
            below_seen: 0,
            reading: Reading::Nothing,
            owed: 0,
            asked_again: BTreeMap::new(),
            known: false,
            stale: false,
            marks: Marks::default(),
            causes: CauseList::default(),
            shows: Shows::Rows,
            decided: Decided::ByNumber,
            filter: String::new(),
            line: None,
            wanting: Wanting::default(),
            acts: Acts::default(),
            singles: Singles::default(),
        }
    }
}

impl FailureList {
    /// The page that is to be read around an anchor.
    pub fn wanted(&self, anchor: Anchor) -> Wanted {
        Wanted { query: self.query.clone(), edition: self.edition, anchor }
    }

    /// The query of what is listed.
    pub fn query_shown(&self) -> Query {
        if self.shows_causes() { self.query_of_causes() } else { self.query.clone() }
    }

    /// The rows are read when they are listed, and not now.
    pub fn rows_later(&mut self) {
        self.reading = Reading::Nothing;
    }

    /// The query of the causes: whatever the cause, the act and the order.
    pub fn query_of_causes(&self) -> Query {
        Query { cause: None, act: None, sort: Sort::Place, ..self.query.clone() }
    }

    /// Looks at other failures, or at the same in another order. Returns what is to be read for it.
    pub fn look_at(&mut self, query: Query) -> Option<Anchor> {
        // where the same failures stand in another order, or closed ones join them, the cursor stays on its own
        let same = Query { sort: self.query.sort, view: self.query.view, ..query.clone() } == self.query;
        if query != self.query {
            self.query = query;
            self.edition += 1;
            self.reading = Reading::Nothing;
            self.owed = 0;
            self.stale = self.known;
            self.marks.look_elsewhere();
            self.causes.look_elsewhere();
        }
        let anchor = if same { self.cursor.map_or(Anchor::Start, Anchor::Around) } else { Anchor::Start };
        self.ask(anchor)
    }

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

    /// Takes a page in; one of an older query is dropped. Returns what is to be read next.
    pub fn take(&mut self, page: Page) -> Option<Anchor> {
        // a jump that was given up on moves nothing any more
        let late = self.cursor.is_some() && is_jump(&page.anchor) && !self.waits_for(page.anchor);
        if page.edition != self.edition || late {
            return None;
        }
        let next = match std::mem::take(&mut self.reading) {
            Reading::Under { then, .. } => then,
            Reading::Nothing => None,
        };
        if let Some(next) = next {
            self.reading = Reading::Under { now: next, then: None };
        }
        let first_ever = !self.known;
        self.known = true;
        self.stale = false;
        let old = std::mem::replace(&mut self.rows, page.rows);
        self.before = page.before;
        self.total = page.total;
        self.open = page.open;
        self.all = page.all.max(page.total);
        self.forget_answered();
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
            Anchor::Around(_) => self.cursor = self.stands_in_for(&old, page.at),
        }
        if self.place(self.top).is_none() {
            self.top = self.cursor;
        }
        if first_ever {
            self.note_below();
        }
        if self.holds_all() {
            self.marks.seen_among(self.rows.iter().map(|row| row.id));
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

    /// What was asked to be sent again and has come to something is asked no more.
    fn forget_answered(&mut self) {
        let place_order = self.query.sort == Sort::Place;
        let ends = self.rows.first().map(|row| row.id).zip(self.rows.last().map(|row| row.id));
        let rows = &self.rows;
        self.asked_again.retain(|id, failed_at| match rows.iter().find(|row| row.id == *id) {
            Some(row) => row.last_at == *failed_at,
            // a row outside of the window says nothing; one that is missing in it is gone
            None => !(place_order && ends.is_some_and(|(first, last)| first < *id && *id < last)),
        });
    }

    /// The failure that has the cursor from now on: the same, where it is still there, else the next one of those that
    /// stood below it.
    fn stands_in_for(&self, old: &[FailureRow], at: usize) -> Option<FailureId> {
        let cursor = self.cursor?;
        let now: HashSet<FailureId> = self.rows.iter().map(|row| row.id).collect();
        if now.contains(&cursor) {
            return Some(cursor);
        }
        let was = old.iter().position(|row| row.id == cursor);
        let below = was.and_then(|was| old.iter().skip(was).find(|row| now.contains(&row.id)));
        if let Some(row) = below {
            return Some(row.id);
        }
        let last = self.rows.len().checked_sub(1)?;
        self.rows.get(at.min(last)).map(|row| row.id)
    }

    /// Whether the cursor is on its way to a row that is still being read: what is under it is not what was meant.
    pub fn is_moving(&self) -> bool {
        self.owed != 0 || self.stale || self.jumps()
    }

    fn jumps(&self) -> bool {
        match &self.reading {
            Reading::Nothing => false,
            Reading::Under { now, then } => {
                self.known && (is_jump(now) || then.as_ref().is_some_and(is_jump))
            }
        }
    }

    /// Whether a page around this is being read.
    fn waits_for(&self, anchor: Anchor) -> bool {
        matches!(self.reading, Reading::Under { now, .. } if now == anchor)
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
        self.causes.gave_up();
        self.wanting.give_up();
    }

    /// The place of a failure in the rows held.
    fn place(&self, id: Option<FailureId>) -> Option<usize> {
        let id = id?;
        self.rows.iter().position(|row| row.id == id)
    }

    /// Whether all failures that the query means are held.
    fn holds_all(&self) -> bool {
        self.known && self.before == 0 && u64::try_from(self.rows.len()).is_ok_and(|held| held >= self.total)
    }

    /// Whether causes are listed, and not rows.
    pub fn shows_causes(&self) -> bool {
        self.shows == Shows::Causes
    }

    /// Lists causes, or rows: the person wants it.
    pub fn show(&mut self, shows: Shows) {
        self.shows = shows;
        self.decided = Decided::ByHand;
    }

    /// Many failures are listed by cause, where nobody has decided otherwise. Says whether that changes what is listed.
    pub fn show_by_number(&mut self) -> bool {
        let many = self.known && self.open > FEW && self.query.cause.is_none() && self.query.act.is_none();
        let turns = self.decided == Decided::ByNumber && self.shows == Shows::Rows && many;
        if turns {
            self.shows = Shows::Causes;
        }
        turns
    }

    /// Whether something hides failures that the view would show.
    pub fn is_narrowed(&self) -> bool {
        self.query.cause.is_some() || self.query.act.is_some() || self.query.filter != Filter::default()
    }

    /// Puts the cursor on a row that is to be seen.
    pub fn put_cursor(&mut self, id: FailureId) {
        if self.rows.iter().any(|row| row.id == id) {
            self.cursor = Some(id);
            self.note_below();
        }
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&FailureRow> {
        self.rows.get(self.place(self.cursor)?)
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
        if self.reading != Reading::Nothing && (!self.known || self.stale || self.jumps()) {
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
        let top = self.place(self.top).unwrap_or(cursor);
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
    pub fn mark_asked(&mut self, row: &FailureRow) {
        self.asked_again.insert(row.id, row.last_at);
        self.singles.begin(row);
    }

    /// One that was sent again, as it is now; none where it was delivered. It is asked no more where it has come to
    /// something, or nobody sends it any more.
    pub fn forget_ended(&mut self, id: FailureId, row: Option<&FailureRow>, sender: Sender) {
        let ended = |at: &Timestamp| row.is_none_or(|row| row.last_at != *at) || sender == Sender::Gone;
        if self.asked_again.get(&id).is_some_and(ended) {
            self.asked_again.remove(&id);
        }
    }

    /// The same for many, of which only those that are held here can be marked.
    pub fn mark_all_asked(&mut self, items: &[Seq]) {
        let items: HashSet<Seq> = items.iter().copied().collect();
        let asked = self.rows.iter().filter(|row| row.id.is_item() && items.contains(&row.id.item));
        self.asked_again.extend(asked.map(|row| (row.id, row.last_at)));
    }

    /// Takes that back: the command was not taken.
    pub fn forget_asked(&mut self, items: &[Seq]) {
        for item in items {
            self.asked_again.remove(&FailureId::from(*item));
        }
        self.singles.forget(|id| items.contains(&id.item));
        self.acts.forget();
    }

    /// Takes all of it back: nothing was sent.
    pub fn forget_all_asked(&mut self) {
        self.asked_again.clear();
        self.singles.forget(|_| true);
        self.acts.forget();
    }

    /// Whether it was asked to be sent again and has not ended since.
    pub fn was_asked(&self, id: FailureId) -> bool {
        self.asked_again.contains_key(&id)
    }
}
