//! Looks things up in the journal, on threads that may block, and answers with messages. The board never waits for the
//! disk.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::failures::{Anchor, Page, SIDE};
use super::message::{Detail, Effect, More, Tail, What};
use super::record;
use crate::journal::{Contents, Filter, Journal, JournalError, Reader, RunRow};
use crate::model::{FailureId, FailureState, RunId};

/// The happenings that are read at the beginning.
const HAPPENINGS: u32 = 50;

/// The most events that are read at once.
const EVENTS: u32 = 2_000;

/// The desk at which the journal is read. There is one seat: errands wait for one another, not for the board.
#[derive(Clone)]
pub(super) struct Errands {
    journal: Journal,
    run: RunId,
    seat: Arc<Mutex<Option<(Reader, RunRow)>>>,
    inbox: mpsc::Sender<What>,
}

impl Errands {
    pub fn new(journal: Journal, run: RunId, inbox: mpsc::Sender<What>) -> Self {
        Self { journal, run, seat: Arc::default(), inbox }
    }

    /// Runs one errand; the answer comes to the inbox.
    pub fn run(&self, effect: Effect) {
        let errands = self.clone();
        tokio::task::spawn_blocking(move || {
            let answer =
                errands.look(&effect).unwrap_or_else(|error| What::JournalTrouble(error.to_string()));
            // a board that was left needs no answer
            let _ = errands.inbox.blocking_send(answer);
        });
    }

    fn look(&self, effect: &Effect) -> Result<What, JournalError> {
        let mut seat = self.seat.lock().unwrap_or_else(PoisonError::into_inner);
        let (reader, run) = if let Some(seated) = seat.take() {
            seated
        } else {
            let reader = self.journal.reader()?;
            let run = reader.run(&self.run.to_string())?;
            (reader, run)
        };
        let answer = answer(&reader, &run, effect);
        if answer.is_ok() {
            *seat = Some((reader, run));
        }
        answer
    }
}

fn answer(reader: &Reader, run: &RunRow, effect: &Effect) -> Result<What, JournalError> {
    match effect {
        Effect::ReadHappenings => {
            // first the number, then the events: what comes in between is read twice and shown once
            let last = reader.last_event(run)?;
            let mut events = reader.happenings(run, HAPPENINGS)?;
            events.reverse();
            Ok(What::Events(events, Tail { last, more: More::No }))
        }
        Effect::ReadEvents(after) => {
            let mut events = reader.events(run, *after, EVENTS)?;
            let more = if events.len() < EVENTS as usize { More::No } else { More::Maybe };
            let last = events.last().map_or(*after, |event| event.event);
            events.retain(|event| event.kind != "waiting" && event.kind != "item_failed");
            Ok(What::Events(events, Tail { last, more }))
        }
        Effect::ReadFailure(id) => {
            let detail = reader.failure(run, *id)?.map(|mut row| {
                let record = row.record.take().map(|record| record::lines(&record)).unwrap_or_default();
                Box::new(Detail { row, record })
            });
            Ok(What::Failure(*id, detail))
        }
        Effect::ListOpen => {
            let open = [FailureState::Failed, FailureState::Invalid];
            let open = reader.failures_in(run, &Filter::default(), &open)?;
            Ok(What::Open(open.into_iter().filter(|id| id.is_item()).map(|id| id.item).collect()))
        }
        Effect::ReadRow => Ok(What::Row(Box::new(reader.run(&run.id.to_string())?))),
        Effect::ReadPage(anchor) => page(reader, run, *anchor).map(What::Page),
        Effect::Command(_)
        | Effect::Sample
        | Effect::Resend(_)
        | Effect::Ring
        | Effect::Redraw
        | Effect::Suspend => Err(JournalError::Strange("an errand that is none".to_owned())),
    }
}

fn page(reader: &Reader, run: &RunRow, anchor: Anchor) -> Result<Page, JournalError> {
    let all = Filter::default();
    let without = Contents::Without;
    let long = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    let (rows, before) = match anchor {
        Anchor::Start => (reader.failures(run, &all, None, SIDE * 2, without)?, Some(0)),
        Anchor::End => (reader.failures_before(run, &all, None, SIDE * 2, without)?, None),
        Anchor::Around(id) => around(reader, run, id)?,
    };
    let (total, open) = reader.count_failures(run, &all)?;
    let before = before.unwrap_or_else(|| total.saturating_sub(long(rows.len())));
    Ok(Page { anchor, total: total.max(before + long(rows.len())), open, rows, before })
}

type Rows = (Vec<crate::journal::FailureRow>, Option<u64>);

fn around(reader: &Reader, run: &RunRow, id: FailureId) -> Result<Rows, JournalError> {
    let all = Filter::default();
    let mut rows = reader.failures_before(run, &all, Some(id), SIDE, Contents::Without)?;
    let above = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let before = reader.count_failures_before(run, &all, id)?.saturating_sub(above);
    rows.extend(reader.failures(run, &all, id.before(), SIDE, Contents::Without)?);
    Ok((rows, Some(before)))
}
