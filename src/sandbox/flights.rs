//! Calls that must not overlap: the chunks of one set, the updates of one contact.
//!
//! A call counts as *out* from its arrival until its answer is handed over. A caller that hangs up (a time-out, a
//! killed process) has settled its call in its own eyes, and may send the next while this side still works on the
//! first; so an overlap is a breach only once the earlier call was answered with its caller still there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::hash::hold;

/// All calls that are out, by what they are about.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    out: HashMap<u64, Vec<(u64, Overlap)>>,
    next: u64,
}

/// Whether another call for the same thing arrived while one was out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    None,
    Found,
}

/// One call that is out; dropped where its caller hung up.
#[derive(Debug)]
pub(super) struct Flight {
    flights: Arc<Flights>,
    about: u64,
    id: u64,
}

impl Flights {
    /// A call about `about` has arrived.
    pub(super) fn start(self: &Arc<Self>, about: u64) -> Flight {
        let mut state = hold(&self.0);
        let id = state.next;
        state.next += 1;
        let out = state.out.entry(about).or_default();
        for (_, overlap) in out.iter_mut() {
            *overlap = Overlap::Found;
        }
        out.push((id, Overlap::None));
        Flight { flights: Arc::clone(self), about, id }
    }
}

impl Flight {
    /// It is being answered: was another one sent meanwhile?
    pub(super) fn land(self) -> Overlap {
        self.leave()
    }

    fn leave(&self) -> Overlap {
        let mut state = hold(&self.flights.0);
        let Some(out) = state.out.get_mut(&self.about) else { return Overlap::None };
        let found = out.iter().find(|(id, _)| *id == self.id).map_or(Overlap::None, |(_, overlap)| *overlap);
        out.retain(|(id, _)| *id != self.id);
        if out.is_empty() {
            state.out.remove(&self.about);
        }
        found
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_counts_once_and_only_with_the_first_caller_still_there() {
        let flights = Arc::new(Flights::default());
        let (first, second) = (flights.start(1), flights.start(1));
        let other = flights.start(2);
        assert_eq!(first.land(), Overlap::Found);
        assert_eq!(second.land(), Overlap::None);
        assert_eq!(other.land(), Overlap::None);

        let hung_up = flights.start(1);
        let next = flights.start(1);
        drop(hung_up);
        assert_eq!(next.land(), Overlap::None);
        assert!(hold(&flights.0).out.is_empty());
    }
}
