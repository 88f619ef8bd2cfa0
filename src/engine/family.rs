//! A refused batch and what was made of it: together they count as one failure, or as none.
//!
//! A batch of five hundred with ten refused records is one thing that went wrong, and where the other records were
//! delivered it is no sign that all is wrong. So its parts are counted when the last of them is settled.

use std::sync::{Mutex, PoisonError};

use super::job::FailedAs;

/// The parts of one refused batch.
#[derive(Debug)]
pub(super) struct Family {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    open: usize,
    delivered: bool,
    failed: Option<FailedAs>,
}

impl Family {
    /// Of one batch that stands for all of it yet.
    pub(super) fn of_one() -> Self {
        Self { state: Mutex::new(State { open: 1, delivered: false, failed: None }) }
    }

    /// So many stand in the place of one of them now.
    pub(super) fn replaced_by(&self, parts: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.open = (state.open + parts).saturating_sub(1);
    }

    /// One of them is settled: with a failure, or delivered. Returns the failure to be counted once the last is.
    pub(super) fn settled(&self, failed: Option<FailedAs>) -> Option<FailedAs> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.open = state.open.saturating_sub(1);
        match failed {
            Some(failed) => {
                state.failed.get_or_insert(failed);
            }
            None => state.delivered = true,
        }
        if state.open == 0 && !state.delivered { state.failed.take() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: FailedAs = (Some(422), None);

    #[test]
    fn a_batch_that_is_refused_as_a_whole_counts_once() {
        let family = Family::of_one();
        family.replaced_by(3);
        assert_eq!([(); 3].map(|()| family.settled(Some(REFUSED))), [None, None, Some(REFUSED)]);
    }

    #[test]
    fn one_of_which_a_part_was_delivered_does_not_count() {
        let family = Family::of_one();
        family.replaced_by(2);
        assert_eq!(family.settled(None), None);
        family.replaced_by(2);
        assert_eq!([(); 2].map(|()| family.settled(Some(REFUSED))), [None, None]);
    }
}
