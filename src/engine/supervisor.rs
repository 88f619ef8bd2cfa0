//! The task that watches over a run: phases, commands, faults, and the end.
//!
//! It alone changes the run's phase. Workers and readers tell it of faults; a person tells it what to do; and it ends
//! the carrying-out when all is settled, when somebody wants to leave, or when a fault can't be mended here.

mod commands;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::carry::{Halt, Shared, instant_of, no_call_before};
use super::feeder::{self, Feed};
use super::handle::{Command, Ending};
use super::worker;
use super::{course, faults};
use crate::journal::{Cleanness, RunLock, Trouble, Write};
use crate::model::{Fault, FaultKind, Phase, RunState};
use crate::plan::Unsure;

/// Tasks that plan items.
pub(super) type Readers = JoinSet<Result<(), Fault>>;

/// How long calls that are out may take to end when somebody wants to leave.
const DRAIN: Duration = Duration::from_secs(10);

/// How long readers may take to end then.
const READERS: Duration = Duration::from_secs(2);

/// Figures are told of no more often than this: nobody draws faster.
const TELL: Duration = Duration::from_millis(33);

/// How a phase of the supervisor's work came to its end.
enum Next {
    /// All is settled.
    Done,
    /// Somebody wants to leave, calls may end first.
    Drain,
    /// Somebody wants to leave now.
    Leave,
    /// A fault that cannot be mended while this process has the run.
    Fault(Box<Fault>),
}

/// Watches over a run until it is over for this process.
pub(super) struct Supervisor {
    pub(super) shared: Arc<Shared>,
    pub(super) feed: Feed,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) faults: mpsc::Receiver<Fault>,
    pub(super) ending: watch::Sender<Option<Ending>>,
    pub(super) lock: RunLock,
    /// Until when an earlier carrying-out was told to wait: a resume does, however long that is.
    pub(super) told_to_wait: Option<Instant>,
    /// The fault that stands, if one does.
    pub(super) standing: Option<Fault>,
    /// When that is over by itself. Told by the runtime's clock once and for all: whoever sets the other one makes no wait
    /// shorter or longer.
    pub(super) wakes: Option<Instant>,
    /// What a reader found; it ends the carrying-out when all that was read before is settled.
    pub(super) broken: Option<Fault>,
    /// Whether a person has paused the run, whatever else holds it.
    pub(super) wants_pause: bool,
    /// Whether the disk's trouble is known here.
    pub(super) disk_told: bool,
    /// Whether items are being sent: before, retries wait for what the operation has to look at.
    pub(super) prepared: bool,
    /// What is written before anything else.
    pub(super) first: Vec<Write>,
    /// The workers.
    pub(super) workers: JoinSet<()>,
    /// Who has cancelled the run, where somebody has.
    pub(super) cancelled: Option<String>,
}

impl Supervisor {
    /// Carries the run to an end, and says which.
    pub(super) async fn carry(mut self) {
        let shared = Arc::clone(&self.shared);
        course::begun(&shared);
        let teller = tokio::spawn(tell(Arc::clone(&shared)));
        let keeper = tokio::spawn(Arc::clone(&shared).renew_locks());
        let mut begin = std::mem::take(&mut self.first);
        begin.push(Write::State(RunState::Running));
        if self.feed.whole && shared.plan.delivery.unsure == Unsure::Retry {
            // otherwise there is a mark for each call that may be out
            begin.push(Write::Clean(Cleanness::Busy));
        }
        begin.extend(shared.waits_from_before());
        shared.journal.write(&shared.book, begin).await;
        shared.set_phase(Phase::Running);
        if let Some(fault) = shared.parks_from_before().filter(|_| self.told_to_wait.is_none()) {
            self.fault(fault).await;
        }
        let mut readers = JoinSet::new();
        let next = match self.prepare(&mut readers).await {
            Ok(()) => {
                self.prepared = true;
                for number in 0..usize::from(shared.crew.wanted()) {
                    self.workers.spawn(worker::work(Arc::clone(&shared), number));
                }
                self.watch(&mut readers).await
            }
            Err(next) => next,
        };
        let ending = self.end(next, readers).await;
        keeper.abort();
        // from here on another process may have the run
        shared.book.close();
        drop(self.lock);
        shared.gauges.nothing_under_way();
        shared.set_phase(Phase::Ended(ending.state));
        teller.abort();
        shared.changes.send_modify(|changes| *changes += 1);
        self.ending.send_replace(Some(ending));
    }

    /// Token, scopes and the operation's own look, each again until it succeeds or somebody leaves. A pause gives up what
    /// is under way of it: nothing of it has an effect on the platform.
    async fn prepare(&mut self, readers: &mut Readers) -> Result<(), Next> {
        let mut parked = None;
        loop {
            while self.standing.is_some() || self.wants_pause {
                if let Some(next) = self.one_thing(readers).await {
                    return Err(next);
                }
            }
            let shared = Arc::clone(&self.shared);
            let not_before = parked;
            let looked = async {
                if let Some(at) = not_before {
                    // also where a person lets it go on before
                    tokio::time::sleep_until(at).await;
                }
                // nothing is asked of the platform before the journal knows that the run has begun
                let begun = shared.journal.try_commit(&shared.book, Vec::new()).await;
                begun.map_err(|trouble| faults::disk(&trouble))?;
                shared.settle_with_store().await?;
                super::preflight::prepare(&shared.access, shared.operation.as_ref(), Some(&shared)).await
            };
            tokio::pin!(looked);
            let fault = loop {
                tokio::select! {
                    biased;
                    result = &mut looked => match result {
                        Ok(_) => return Ok(()),
                        Err(fault) => break Some(fault),
                    },
                    Some(command) = self.commands.recv() => {
                        if let Some(next) = self.obey(command, readers).await {
                            return Err(next);
                        }
                        if self.wants_pause {
                            break None;
                        }
                    }
                    Some(fault) = self.faults.recv() => break Some(fault),
                }
            };
            parked = fault.as_ref().and_then(parked_until).map(instant_at).or(parked);
            if let Some(fault) = fault
                && let Some(next) = self.fault(fault).await
            {
                return Err(next);
            }
        }
    }

    async fn watch(&mut self, readers: &mut Readers) -> Next {
        feeder::spawn(&self.shared, &mut self.feed, readers);
        loop {
            let settled = self.shared.schedule.open_items() == 0;
            if readers.is_empty() && settled && self.standing.is_none() && self.faults.is_empty() {
                return self.broken.take().map_or(Next::Done, |fault| Next::Fault(Box::new(fault)));
            }
            if let Some(next) = self.one_thing(readers).await {
                return next;
            }
        }
    }

    /// Waits for one thing to happen, and deals with it.
    async fn one_thing(&mut self, readers: &mut Readers) -> Option<Next> {
        let shared = Arc::clone(&self.shared);
        let mut trouble = shared.journal.trouble();
        let known = self.disk_told;
        let wakes = self.wakes.filter(|_| self.standing.is_some());
        let pausing = shared.state().phase == Phase::Pausing;
        tokio::select! {
            biased;
            Some(command) = self.commands.recv() => self.obey(command, readers).await,
            Some(fault) = self.faults.recv() => self.fault(fault).await,
            Some(read) = readers.join_next() => match read {
                Ok(Ok(())) => None,
                // what was read before is delivered first
                Ok(Err(fault)) => {
                    self.broken.get_or_insert(fault);
                    None
                }
                Err(error) => {
                    tracing::error!(%error, "a reader broke");
                    let message = "reading the dataset broke off: an internal error".to_owned();
                    self.broken.get_or_insert(faults::dataset_broken(message));
                    None
                }
            },
            changed = trouble_turns(&mut trouble, known) => {
                self.disk_told = changed.is_some();
                if let Some(error) = changed {
                    return self.fault(faults::disk(&error)).await;
                }
                if self.standing.as_ref().is_some_and(|fault| fault.kind == FaultKind::Disk) {
                    self.mended().await;
                }
                None
            }
            () = sleep_until(wakes) => {
                self.mended().await;
                None
            }
            () = settled(&shared, pausing) => None,
        }
    }

    async fn pause(&self) {
        let shared = &self.shared;
        shared.schedule.hold();
        shared.halt.set(Halt::Hold);
        shared.set_phase(Phase::Pausing);
        shared.journal.write(&shared.book, vec![Write::State(RunState::Paused)]).await;
    }

    /// A fault is over by itself: the run goes on, unless a person has paused it meanwhile.
    async fn mended(&mut self) {
        if !self.wants_pause {
            return self.go_on().await;
        }
        self.standing = None;
        while self.faults.try_recv().is_ok() {}
        self.pause().await;
    }

    async fn go_on(&mut self) {
        let shared = Arc::clone(&self.shared);
        let stood = self.standing.take();
        // whatever stood: a fault of the store may have been told while another one did
        if let Err(fault) = shared.settle_with_store().await {
            if stood.is_some_and(|stood| stood.kind == fault.kind) {
                // it stands as it stood
                self.stands(fault);
            } else {
                self.fault(fault).await;
            }
            return;
        }
        let stood = stood.is_some();
        if stood {
            shared.state().streak = None;
            // what else was told while it stood was of the same making
            while self.faults.try_recv().is_ok() {}
        }
        let phase = shared.state().phase.clone();
        if stood || matches!(phase, Phase::Pausing | Phase::Paused) {
            shared.journal.write(&shared.book, vec![Write::State(RunState::Running)]).await;
        }
        shared.set_phase(Phase::Running);
        shared.halt.set(Halt::Go);
        shared.schedule.open();
    }

    /// The run stands still. What was told while a fault stands already is of the same making.
    async fn fault(&mut self, fault: Fault) -> Option<Next> {
        if self.standing.is_some() {
            return None;
        }
        let shared = &self.shared;
        shared.schedule.hold();
        shared.halt.set(Halt::Hold);
        let mut writes = Vec::with_capacity(3);
        if let Some(until) = parked_until(&fault) {
            writes.push(no_call_before(shared.access.lane.not_before().max(Some(instant_at(until)))));
        }
        course::faulted(shared, &fault);
        writes.extend([Write::Fault(fault.clone()), Write::State(RunState::Faulted)]);
        // not waited for: the fault may be that nothing can be written
        shared.journal.write(&shared.book, writes).await;
        self.stands(fault);
        None
    }

    fn stands(&mut self, fault: Fault) {
        self.wakes = fault.resumes_at.map(instant_at);
        self.standing = Some(fault.clone());
        self.shared.set_phase(Phase::Faulted(fault));
    }

    /// Lets calls end, writes everything down, and says how it ended.
    async fn end(&mut self, next: Next, mut readers: Readers) -> Ending {
        let shared = Arc::clone(&self.shared);
        let mut tasks = std::mem::take(&mut self.workers);
        if !matches!(next, Next::Done) {
            shared.set_phase(Phase::Draining);
        }
        shared.schedule.close();
        shared.halt.set(Halt::Leave);
        let patience = if matches!(next, Next::Leave) { Duration::ZERO } else { DRAIN };
        let in_time = tokio::time::timeout(patience, async {
            while let Some(ended) = tasks.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a worker broke");
                }
            }
        });
        let _ = in_time.await;
        tasks.abort_all();
        while tasks.join_next().await.is_some() {}
        // readers end at the closed schedule; one that hangs in standard input writes nothing any more
        let _ = tokio::time::timeout(READERS, async { while readers.join_next().await.is_some() {} }).await;
        if let Some(guard) = &shared.guard {
            guard.release_all().await;
        }
        let asked = self.asked_at_the_end();
        let told = matches!(next, Next::Fault(_)) || self.standing.is_none();
        let fault = match next {
            Next::Fault(fault) => Some(*fault),
            _ => self.standing.take().or_else(|| self.broken.take()),
        };
        // one who ends the run for good needs nothing mended
        let fault = fault.filter(|_| self.cancelled.is_none());
        let mut writes = vec![Write::PutBack];
        writes.extend(shared.end_acts());
        writes.extend(asked);
        if let Some(fault) = fault.as_ref().filter(|_| told) {
            course::faulted(&shared, fault);
            writes.push(Write::Fault(fault.clone()));
        }
        // what may still be out is known now, unlike after a crash
        writes.append(&mut shared.state().left_out);
        writes.push(Write::Clean(Cleanness::Clean));
        self.write_at_the_end(writes).await;
        let owed = self.settle_at_the_end(patience).await;
        // what is written last is what viewers are told
        shared.book.stands();
        let mut state = shared.book.counts().ended();
        let mut last = Vec::with_capacity(3);
        // one that is cancelled with items pending is over, whatever it owes
        let owed = owed.filter(|_| self.cancelled.is_none() || state != RunState::Paused);
        let fault = fault.or_else(|| {
            let owed = owed?;
            course::faulted(&shared, &owed);
            last.push(Write::Fault(owed.clone()));
            Some(owed)
        });
        if fault.is_some() {
            state = RunState::Faulted;
        } else if let Some(by) = self.cancelled.take().filter(|_| state == RunState::Paused) {
            state = RunState::Cancelled;
            last.push(Write::cancelled(&by));
        }
        last.push(Write::State(state));
        self.write_at_the_end(last).await;
        Ending { state, fault }
    }

    /// A result that is still owed to the store keeps the run from being over: nothing would ever bring it there. Returns
    /// why it is owed; who wants to leave at once does not wait for the store.
    async fn settle_at_the_end(&self, patience: Duration) -> Option<Fault> {
        let shared = &self.shared;
        let mut trouble = shared.journal.trouble();
        tokio::select! {
            biased;
            settled = shared.settle_with_store_within(patience) => settled.err(),
            error = trouble_turns(&mut trouble, false) => error.map(|error| faults::disk(&error)),
        }
    }

    /// A full disk must not keep anybody from leaving: what it could not take is done again by a resume.
    async fn write_at_the_end(&self, writes: Vec<Write>) {
        let shared = &self.shared;
        if let Err(trouble) = shared.journal.try_commit(&shared.book, writes).await {
            tracing::warn!(error = trouble.message, "the end of the run could not be written");
        }
    }
}

/// Returns when something was settled that may end a wait: the last item, or the last call before a pause.
async fn settled(shared: &Shared, pausing: bool) {
    if pausing {
        let mut commits = shared.book.commits();
        while shared.schedule.taken() > 0 {
            tokio::select! {
                biased;
                _ = commits.changed() => {}
                () = tokio::time::sleep(TELL) => {}
            }
        }
        shared.set_phase(Phase::Paused);
        return;
    }
    shared.idle.notified().await;
}

/// Returns when the disk's trouble begins, with what it is, or ends.
async fn trouble_turns(trouble: &mut watch::Receiver<Option<Trouble>>, known: bool) -> Option<Trouble> {
    let turned = trouble.wait_for(|trouble| trouble.is_some() != known).await.map(|found| found.clone());
    match turned {
        Ok(found) => found,
        // the writer outlives every handle
        Err(_) => std::future::pending().await,
    }
}

/// The moment before which the platform wants to hear nothing of the run.
fn parked_until(fault: &Fault) -> Option<Timestamp> {
    fault.resumes_at.filter(|_| fault.kind == FaultKind::Parked)
}

fn instant_at(moment: Timestamp) -> Instant {
    instant_of(moment.as_millisecond())
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Tells viewers that figures have changed, at most so often as one can draw.
async fn tell(shared: Arc<Shared>) {
    let mut commits = shared.book.commits();
    loop {
        tokio::select! {
            biased;
            () = shared.dirty.notified() => {}
            changed = commits.changed() => if changed.is_err() { return },
        }
        shared.changes.send_modify(|changes| *changes += 1);
        tokio::time::sleep(TELL).await;
    }
}
