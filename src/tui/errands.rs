//! Looks things up in the journal, on threads that may block, and answers with messages. The board never waits for the
//! disk.

mod bench;
mod call;
mod listing;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::mpsc;

use self::bench::{Bench, mendings};
use super::message::{Found, Look, More, Tail, What};
use crate::journal::{Journal, JournalError, Reader, RunRow};
use crate::model::RunId;

/// The happenings that are read at the beginning: many, because what happened often is one row.
const HAPPENINGS: u32 = 2_000;

/// The most events that are read at once.
const EVENTS: u32 = 2_000;

/// The desk at which the journal is read. There is one seat: errands wait for one another, not for the board.
#[derive(Clone)]
pub(super) struct Errands {
    journal: Journal,
    /// Journals that hold runs as well: that of a run for practice lies beside the person's own.
    others: Vec<Journal>,
    run: Option<RunId>,
    seat: Arc<Mutex<Option<(Reader, RunRow)>>>,
    inbox: mpsc::Sender<What>,
    /// Goes up when what takes long is wanted no more.
    stops: Arc<AtomicU64>,
    bench: Bench,
}

impl Errands {
    /// A desk for a run of the journal; without one, only what is asked about all of them is answered.
    pub fn new(journal: Journal, run: Option<RunId>, inbox: mpsc::Sender<What>) -> Self {
        Self {
            journal,
            others: Vec::new(),
            run,
            seat: Arc::default(),
            inbox,
            stops: Arc::default(),
            bench: Bench::default(),
        }
    }

    /// What takes long is wanted no more.
    pub fn stop(&self) {
        self.stops.fetch_add(1, Ordering::Relaxed);
    }

    /// With another journal, for what is asked about all runs.
    pub fn and(mut self, other: Journal) -> Self {
        if other.data_folder() != self.journal.data_folder() {
            self.others.push(other);
        }
        self
    }

    /// Runs one errand; the answer comes to the inbox.
    pub fn run(&self, look: Look) {
        let errands = self.clone();
        let begun = self.stops.load(Ordering::Relaxed);
        if let Look::Change(errand) = look {
            return self.bench.clone().run(errands, *errand);
        }
        tokio::task::spawn_blocking(move || {
            // a board that was left needs no answer
            let _ = errands.inbox.blocking_send(errands.answer(&look, begun));
        });
    }

    fn answer(&self, look: &Look, begun: u64) -> What {
        match (self.look(look, begun), self.run) {
            (Ok(found @ Found::Runs(_)), _) | (Ok(found), None) => What::Found(found),
            (Ok(found), Some(run)) => What::FoundOf(run, found),
            (Err(error), _) => What::JournalTrouble(error.to_string()),
        }
    }

    /// Answers at once, for a test that has time and order in its own hand; none where nobody wants an answer any more.
    #[cfg(test)]
    pub fn answer_now(&self, look: Look) -> Option<What> {
        match look {
            Look::Change(errand) => self.bench.clone().answer_now(self, &errand),
            look => Some(self.answer(&look, self.stops.load(Ordering::Relaxed))),
        }
    }

    fn look(&self, look: &Look, begun: u64) -> Result<Found, JournalError> {
        if *look == Look::Runs {
            return self.runs().map(Found::Runs);
        }
        let Some(run) = self.run else { return Err(JournalError::NoRun("no run".to_owned())) };
        let stopped = || self.stops.load(Ordering::Relaxed) != begun;
        // what takes long has a seat of its own
        if matches!(look, Look::Write(..) | Look::Many(_)) {
            let reader = self.journal.reader()?;
            let run = reader.run(&run.to_string())?;
            return answer(&reader, &run, look, &stopped);
        }
        let mut seat = self.seat.lock().unwrap_or_else(PoisonError::into_inner);
        let (reader, run) = if let Some(seated) = seat.take() {
            seated
        } else {
            let reader = self.journal.reader()?;
            let run = reader.run(&run.to_string())?;
            (reader, run)
        };
        let answer = self.mend(&reader, &run, look).unwrap_or_else(|| answer(&reader, &run, look, &stopped));
        if answer.is_ok() {
            *seat = Some((reader, run));
        }
        answer
    }
}

impl Errands {
    /// All runs, the newest first.
    fn runs(&self) -> Result<Vec<RunRow>, JournalError> {
        let mut rows = Vec::new();
        for journal in std::iter::once(&self.journal).chain(&self.others) {
            rows.extend(aged(journal.reader()?.runs()?, |row| row.started_at));
        }
        rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }
}

/// Each of these, of which the newest stand first, with a moment that tells its place among others: a clock that was set
/// back makes none older than what was begun before it.
fn aged<T>(mut rows: Vec<T>, began: impl Fn(&T) -> Timestamp) -> Vec<(Timestamp, T)> {
    rows.reverse();
    let mut latest = Timestamp::MIN;
    let aged = rows.into_iter().map(|row| {
        latest = latest.max(began(&row));
        (latest, row)
    });
    let mut aged: Vec<_> = aged.collect();
    aged.reverse();
    aged
}

fn answer(
    reader: &Reader,
    run: &RunRow,
    look: &Look,
    stopped: &dyn Fn() -> bool,
) -> Result<Found, JournalError> {
    match look {
        Look::Happenings => {
            // first the number, then the events: what comes in between is read twice and shown once
            let last = reader.last_event(run)?;
            let mut events = reader.happenings(run, HAPPENINGS)?;
            events.reverse();
            Ok(Found::Events(events, Tail { last, more: More::No }))
        }
        Look::Events(after) => {
            let mut events = reader.events(run, *after, EVENTS)?;
            let more = if events.len() < EVENTS as usize { More::No } else { More::Maybe };
            let last = events.last().map_or(*after, |event| event.event);
            events.retain(|event| event.kind != "waiting" && event.kind != "item_failed");
            Ok(Found::Events(events, Tail { last, more }))
        }
        Look::Map => Ok(Found::Map(Box::new(reader.item_map(run)?))),
        Look::Row => Ok(Found::Row(Box::new(reader.run(&run.id.to_string())?))),
        Look::Page(wanted) => listing::page(reader, run, wanted).map(Found::Page),
        Look::Causes(edition, query) => listing::causes(reader, run, *edition, query).map(Found::Causes),
        Look::Marks(edition, query, marks) => {
            Ok(Found::Marks(*edition, listing::marks_out(reader, run, query, marks)?))
        }
        Look::Many(scope) => Ok(Found::Many(scope.clone(), Box::new(listing::many(reader, run, scope)?))),
        Look::Act(act) => Ok(Found::Act(*act, reader.act(run, *act)?.map(Box::new))),
        Look::Call(id) => Ok(Found::Call(*id, call::call(reader, run, *id)?)),
        Look::Write(query, path, format) => {
            Ok(Found::Written(listing::write(reader, run, query, (path, *format), stopped)))
        }
        Look::Mendings => mendings(reader, run).map(Found::Mendings),
        Look::Failure(_) | Look::ToEdit(_) | Look::Check(_) | Look::Change(_) => {
            Err(JournalError::Strange("this is not asked here".to_owned()))
        }
        // asked of all journals before this one is opened
        Look::Runs => Ok(Found::Runs(Vec::new())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_was_begun_last_stands_first_though_the_clock_was_set_back() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let aged = aged(vec![("last", 5), ("before", 9), ("first", 1)], |(_, began)| second(*began));
        let told: Vec<_> = aged.iter().map(|(at, (name, _))| (*name, *at)).collect();
        assert_eq!(told, [("last", second(9)), ("before", second(9)), ("first", second(1))]);
    }
}
