//! The failures that a person has marked: by number, over filters, pages and orders. Nothing but the person, or an act
//! on them, takes a mark away.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::FailureId;

/// Marked failures, cheap to hand to whoever counts them.
pub type MarkSet = Arc<BTreeSet<FailureId>>;

/// The marks.
#[derive(Debug, Default)]
pub(in crate::tui) struct Marks {
    all: MarkSet,
    out: Out,
}

/// How many marked failures are not among those that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Out {
    Known(u64),
    Unknown,
    /// They are being counted.
    Asked,
}

impl Default for Out {
    fn default() -> Self {
        Self::Known(0)
    }
}

impl Marks {
    pub fn len(&self) -> u64 {
        u64::try_from(self.all.len()).unwrap_or(u64::MAX)
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn has(&self, id: FailureId) -> bool {
        self.all.contains(&id)
    }

    /// All of them.
    pub fn set(&self) -> MarkSet {
        Arc::clone(&self.all)
    }

    /// How many are out of view, once that is known.
    pub const fn out_of_view(&self) -> Option<u64> {
        match self.out {
            Out::Known(out) => Some(out),
            Out::Unknown | Out::Asked => None,
        }
    }

    /// Marks a failure that is looked at, or unmarks it. Says whether it is marked now.
    pub fn turn(&mut self, id: FailureId) -> bool {
        let all = Arc::make_mut(&mut self.all);
        if all.remove(&id) {
            return false;
        }
        all.insert(id)
    }

    /// Marks all of these, which are looked at; unmarks them where all of them were marked. Says whether they are now.
    pub fn turn_all(&mut self, ids: &[FailureId]) -> bool {
        let all = Arc::make_mut(&mut self.all);
        if ids.iter().all(|id| all.contains(id)) {
            for id in ids {
                all.remove(id);
            }
            return false;
        }
        all.extend(ids);
        true
    }

    /// Takes the marks of these away: an act has been done on them.
    pub fn done(&mut self, done: impl Fn(FailureId) -> bool) {
        if self.all.iter().any(|id| done(*id)) {
            Arc::make_mut(&mut self.all).retain(|id| !done(*id));
            if self.out != Out::Known(0) {
                self.look_elsewhere();
            }
        }
    }

    /// Other failures are looked at.
    pub fn look_elsewhere(&mut self) {
        self.out = if self.all.is_empty() { Out::Known(0) } else { Out::Unknown };
    }

    /// These are all that is looked at.
    pub fn seen_among(&mut self, ids: impl Iterator<Item = FailureId>) {
        let seen = ids.filter(|id| self.all.contains(id)).count();
        self.out = Out::Known(self.len().saturating_sub(u64::try_from(seen).unwrap_or(u64::MAX)));
    }

    /// The marks, where it has to be counted how many of them are out of view.
    pub fn count_out_of_view(&mut self) -> Option<MarkSet> {
        (self.out == Out::Unknown).then(|| {
            self.out = Out::Asked;
            self.set()
        })
    }

    /// So many are out of view.
    pub fn counted(&mut self, out: u64) {
        if self.out == Out::Asked {
            self.out = Out::Known(out.min(self.len()));
        }
    }
}
