//! The thread that tells of a run: it reads what happened from the journal and hands it to a voice.
//!
//! It may be blocked by its output for as long as that takes: what happens meanwhile is in the journal, and is read
//! from the last number on when the output takes lines again.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::engine::Ending;
use crate::journal::{EventRow, Reader, RunRow};
use crate::model::{Fault, FaultKind, Figures, Phase};

/// Where a run can be seen from.
pub(super) struct Sight {
    /// The run.
    pub run: RunRow,
    /// For the journal.
    pub reader: Reader,
}

/// Tells of a run in its own way.
pub(super) trait Voice: Send {
    /// The carrying-out begins.
    fn began(&mut self, sight: &Sight, figures: &Figures) -> io::Result<()>;

    /// These things happened, in this order.
    fn happened(&mut self, sight: &Sight, rows: &[EventRow]) -> io::Result<()>;

    /// So the run stands now. Returns the moment at which the voice wants to tell it, where that is not yet.
    fn stands(&mut self, figures: &Figures, now: Instant) -> io::Result<Option<Instant>>;

    /// The carrying-out is over.
    fn ended(&mut self, sight: &Sight, figures: &Figures, ending: &Ending) -> io::Result<()>;
}

/// Events read from the journal at once.
const PAGE: u32 = 500;

/// A teller at work.
pub(super) struct Teller {
    wake: Option<SyncSender<()>>,
    ending: Arc<OnceLock<Ending>>,
    done: oneshot::Receiver<()>,
}

impl Teller {
    /// Begins to tell what happens after the event `after`.
    pub(super) fn begin(
        sight: Sight,
        after: i64,
        figures: impl Fn() -> Figures + Send + 'static,
        mut voice: Box<dyn Voice>,
    ) -> io::Result<Self> {
        let (wake, wakes) = sync_channel(1);
        let ending = Arc::new(OnceLock::new());
        let (tell_done, done) = oneshot::channel();
        let how = Arc::clone(&ending);
        std::thread::Builder::new().name("teller".to_owned()).spawn(move || {
            let told = tell(&sight, after, &figures, voice.as_mut(), &wakes, &how);
            // a closed output stops no run: whoever read it has gone, and that is all
            if let Err(error) = told {
                tracing::info!(%error, "the output was closed");
            }
            let _ = tell_done.send(());
        })?;
        Ok(Self { wake: Some(wake), ending, done })
    }

    /// Something has changed.
    pub(super) fn wake(&self) {
        if let Some(wake) = &self.wake {
            match wake.try_send(()) {
                // one that was sent before and not taken yet says the same
                Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
            }
        }
    }

    /// The carrying-out is over; waits until all is told.
    pub(super) async fn end(&mut self, ending: Ending) {
        let _ = self.ending.set(ending);
        self.wake = None;
        let _ = (&mut self.done).await;
    }
}

fn tell(
    sight: &Sight,
    after: i64,
    figures: &impl Fn() -> Figures,
    voice: &mut dyn Voice,
    wakes: &Receiver<()>,
    ending: &OnceLock<Ending>,
) -> io::Result<()> {
    let mut told = after;
    let mut faults = Faults::default();
    voice.began(sight, &figures())?;
    let mut again: Option<Instant> = Some(Instant::now());
    loop {
        let woken = match again {
            Some(at) => wakes.recv_timeout(at.saturating_duration_since(Instant::now())),
            None => wakes.recv().map_err(RecvTimeoutError::from),
        };
        let now = figures();
        if now.last_event > told || woken == Err(RecvTimeoutError::Disconnected) {
            told = tell_events(sight, told, voice, &mut faults)?;
        }
        let standing = match &now.phase {
            Phase::Faulted(fault) if fault.kind == FaultKind::Disk => Some(fault),
            _ => None,
        };
        // of another kind, the journal tells in its place; at the end it can't any more
        let at_the_end = ending.get().and_then(|ending| ending.fault.as_ref());
        if let Some(row) = standing.or(at_the_end).and_then(|fault| faults.tell(fault)) {
            voice.happened(sight, &[row])?;
        }
        again = voice.stands(&now, Instant::now())?;
        if woken == Err(RecvTimeoutError::Disconnected) {
            // a watch that was dropped without an ending has nothing to say of it
            return ending.get().map_or(Ok(()), |ending| voice.ended(sight, &now, ending));
        }
    }
}

/// The fault that was told last. One that the journal cannot take, or that cannot be read there, is told as it stands.
#[derive(Default)]
struct Faults {
    told: Option<Timestamp>,
}

impl Faults {
    /// What to tell of a fault, unless that was done.
    fn tell(&mut self, fault: &Fault) -> Option<EventRow> {
        if self.told.replace(fault.at) == Some(fault.at) {
            return None;
        }
        Some(EventRow {
            event: 0,
            at: fault.at,
            kind: "fault".to_owned(),
            item: None,
            attempt: None,
            status: None,
            delay_ms: None,
            took_ms: None,
            reason: Some(fault.kind.word().to_owned()),
            text: serde_json::to_string(fault).ok(),
            was: None,
            act: None,
        })
    }

    /// Whether what the journal tells is news.
    fn are_new(&mut self, row: &EventRow) -> bool {
        let Some(fault) = row.fault() else { return true };
        self.told.replace(fault.at) != Some(fault.at)
    }
}

fn tell_events(sight: &Sight, mut told: i64, voice: &mut dyn Voice, faults: &mut Faults) -> io::Result<i64> {
    loop {
        let mut page = match sight.reader.events(&sight.run, told, PAGE) {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, "the events could not be read; they are read again at the next change");
                return Ok(told);
            }
        };
        let Some(last) = page.last() else { return Ok(told) };
        told = last.event;
        page.retain(|row| faults.are_new(row));
        voice.happened(sight, &page)?;
    }
}
