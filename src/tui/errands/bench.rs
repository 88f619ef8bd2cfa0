//! Where records are mended: what is asked about one is answered in turn with everything else, and walks over many of
//! them have a reader of their own, because they take their time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Errands;
use crate::engine::{Checker, Known};
use crate::journal::{Contents, Filter, JournalError, Query, Reader, RunRow, View, What as Kind};
use crate::plan::Plan;
use crate::text::one_line;
use crate::tui::changing::{self, Errand, News};
use crate::tui::mending::{Desk, Mendings, first_line};
use crate::tui::message::{Found, Look, What};

/// How often a walk tells how far it is.
const TELLS: Duration = Duration::from_millis(100);

/// The keys of edited failures that are named.
const NAMED: u32 = 3;

/// The notes that are offered.
const NOTES: u32 = 12;

/// What mending needs beside the reader.
#[derive(Clone, Default)]
pub(super) struct Bench {
    /// The check of the run, once it was made; not while there is something that it could still learn.
    checker: Arc<Mutex<Option<Arc<Checker>>>>,
    /// The walk that is wanted.
    wanted: Arc<AtomicU64>,
}

impl Bench {
    fn checker(&self, errands: &Errands, run: &RunRow) -> Result<Arc<Checker>, String> {
        let mut kept = self.checker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(checker) = kept.as_ref().filter(|checker| checker.known() != Known::No) {
            return Ok(Arc::clone(checker));
        }
        let said = |error: &dyn std::fmt::Display| first_line(&error.to_string());
        let plan = Plan::from_toml(&run.plan).map_err(|error| said(&error))?;
        let folder = errands.journal.run_folder(run.id).map_err(|error| said(&error))?;
        let checker = Arc::new(Checker::of(&plan, &folder).map_err(|error| said(&error))?);
        *kept = Some(Arc::clone(&checker));
        Ok(checker)
    }

    /// Walks on a thread of its own; the one before it ends.
    pub fn run(self, errands: Errands, errand: Errand) {
        self.wanted.store(errand.number, Ordering::Relaxed);
        tokio::task::spawn_blocking(move || {
            let tell = |news: News| {
                // a board that was left needs no answer
                let found = Found::Change(errand.number, Box::new(news));
                let _ = errands.inbox.blocking_send(What::Found(found));
            };
            let mut told = Instant::now();
            let mut goes_on = |done: u64| {
                let wanted = self.wanted.load(Ordering::Relaxed) == errand.number;
                if wanted && told.elapsed() >= TELLS {
                    told = Instant::now();
                    tell(News::Far(done));
                }
                wanted
            };
            match self.walk(&errands, &errand, &mut goes_on) {
                Ok(Some(news)) => tell(news),
                Ok(None) => {}
                Err(error) => tell(News::Failed(first_line(&error.to_string()))),
            }
        });
    }

    /// Walks at once, for a test.
    #[cfg(test)]
    pub fn answer_now(&self, errands: &Errands, errand: &Errand) -> Option<What> {
        let news = match self.walk(errands, errand, &mut |_| true) {
            Ok(news) => news?,
            Err(error) => News::Failed(first_line(&error.to_string())),
        };
        Some(What::Found(Found::Change(errand.number, Box::new(news))))
    }

    fn walk(
        &self,
        errands: &Errands,
        errand: &Errand,
        goes_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Option<News>, JournalError> {
        let Some(run) = errands.run else { return Err(JournalError::NoRun("no run".to_owned())) };
        let reader = errands.journal.reader()?;
        let run = reader.run(&run.to_string())?;
        let checker = self.checker(errands, &run);
        let checker = checker.as_deref().map_err(String::as_str);
        changing::run(&Desk { reader: &reader, run: &run, checker }, &errand.task, goes_on)
    }
}

impl Errands {
    /// What is asked about one failure; none where it is something else.
    pub(super) fn mend(
        &self,
        reader: &Reader,
        run: &RunRow,
        look: &Look,
    ) -> Option<Result<Found, JournalError>> {
        if !matches!(look, Look::Failure(_) | Look::ToEdit(_) | Look::Check(_)) {
            return None;
        }
        let checker = self.bench.checker(self, run);
        let desk = Desk { reader, run, checker: checker.as_deref().map_err(String::as_str) };
        Some(match look {
            Look::Failure(id) => desk.detail(*id).map(|detail| Found::Failure(*id, detail)),
            Look::ToEdit(id) => desk.to_edit(*id).map(|editable| Found::ToEdit(*id, editable)),
            Look::Check(wish) => desk.try_out(wish).map(|tried| Found::Checked(wish.number, Box::new(tried))),
            _ => return None,
        })
    }
}

/// What people have edited and not sent, and the last notes with which they closed failures.
pub(super) fn mendings(reader: &Reader, run: &RunRow) -> Result<Mendings, JournalError> {
    let notes = reader.notes(NOTES)?;
    let edited = reader.edited(run)?;
    if edited == 0 {
        return Ok(Mendings { notes, ..Mendings::default() });
    }
    let filter = Filter { what: vec![Kind::Edited], ..Filter::default() };
    let query = Query { view: View::Open, ..Query::from(filter) };
    let rows = reader.failures(run, &query, None, NAMED, Contents::Without)?;
    Ok(Mendings { edited, keys: rows.into_iter().map(|row| one_line(&row.key, 40)).collect(), notes })
}
