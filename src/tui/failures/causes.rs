//! The causes of the failures: the cursor stays on its cause, whatever the counts do to their order.

use crate::journal::{Cause, CauseId};

/// The causes of the failures that a query means, read in one go.
#[derive(Debug, Default)]
pub struct Causes {
    /// The number of the query that they answer.
    pub edition: u64,
    /// The most frequent first.
    pub list: Vec<Cause>,
    /// All failures of the run, but those that were delivered since.
    pub all: u64,
    /// Those of them that no person has dealt with.
    pub open: u64,
}

/// Whether they are being read, and whether they are to be read once more.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Reading {
    #[default]
    Nothing,
    Under,
    UnderAndAgain,
}

/// The causes as they are shown.
#[derive(Debug, Default)]
pub(in crate::tui) struct CauseList {
    pub list: Vec<Cause>,
    /// The cause under the cursor.
    pub cursor: Option<CauseId>,
    /// The place of the first visible one.
    pub top: usize,
    /// Whether a line is left free between two of them.
    pub gap: bool,
    /// Whether they have ever come.
    pub known: bool,
    reading: Reading,
}

impl CauseList {
    /// Whether they are to be read now; where they are being read, they are read once more after that.
    pub fn ask(&mut self) -> bool {
        let now = self.reading == Reading::Nothing;
        self.reading = if now { Reading::Under } else { Reading::UnderAndAgain };
        now
    }

    /// Other failures are looked at: what is being read is not what is wanted.
    pub fn look_elsewhere(&mut self) {
        self.reading = Reading::Nothing;
    }

    pub fn gave_up(&mut self) {
        self.reading = Reading::Nothing;
    }

    /// Takes them in. Says whether they are to be read again. A cause that is settled hands the cursor to the first one
    /// left, wherever it stood: it has moved down the list while it was.
    pub fn take(&mut self, list: Vec<Cause>) -> bool {
        self.list = list;
        self.known = true;
        if self.place().is_none() {
            self.cursor = self.list.first().map(Cause::id);
        }
        let again = self.reading == Reading::UnderAndAgain;
        self.reading = if again { Reading::Under } else { Reading::Nothing };
        again
    }

    /// The place of the cursor.
    pub fn place(&self) -> Option<usize> {
        let cursor = self.cursor.as_ref()?;
        self.list.iter().position(|cause| is(cause, cursor))
    }

    /// The cause under the cursor.
    pub fn current(&self) -> Option<&Cause> {
        self.list.get(self.place()?)
    }

    /// Moves the cursor to a place; the last one where it lies beyond.
    pub fn put_cursor(&mut self, place: usize) {
        let place = place.min(self.list.len().saturating_sub(1));
        if let Some(cause) = self.list.get(place) {
            self.cursor = Some(cause.id());
        }
    }

    /// Keeps the cursor in sight, where a cause takes so many lines and there are so many.
    pub fn settle(&mut self, lines: usize, takes: impl Fn(&Cause) -> usize) {
        let cursor = self.place().unwrap_or(0);
        let heights: Vec<usize> = self.list.iter().map(takes).collect();
        // the last one needs no gap below
        let needs = |from: usize, to: usize, gap: usize| -> usize {
            let some = heights.get(from..=to).unwrap_or_default();
            some.iter().map(|height| height + gap).sum::<usize>().saturating_sub(gap)
        };
        let last = heights.len().saturating_sub(1);
        // where all of them are to be seen only without gaps, they have none
        self.gap = needs(0, last, 1) <= lines || (needs(0, last, 0) > lines && lines > 12);
        let gap = usize::from(self.gap);
        let mut top = self.top.min(cursor);
        while top < cursor && needs(top, cursor, gap) > lines {
            top += 1;
        }
        // no empty lines at the end while there are causes above to fill them
        while top > 0 && needs(top - 1, last, gap) <= lines {
            top -= 1;
        }
        self.top = top;
    }
}

fn is(cause: &Cause, id: &CauseId) -> bool {
    cause.stage == id.stage && cause.status == id.status && cause.code == id.code && cause.message == id.cause
}
