//! The task that watches over a run: phases, commands, faults, and the end.
//!
//! It alone changes the run's phase. Workers and readers tell it of faults; a person tells it what to do; and it ends
//! the carrying-out when all is settled, when somebody wants to leave, or when a fault can't be mended here.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::again;
use super::carry::{Halt, Shared, instant_of};
use super::faults;
use super::feeder::{self, Feed};
use super::handle::{Command, Ending};
use super::worker;
use crate::journal::{Cleanness, RunLock, Write};
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
    /// The fault that stands, if one does.
    pub(super) standing: Option<Fault>,
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
    /// How many items go at once.
    pub(super) workers: usize,
}

impl Supervisor {
    /// Carries the run to an end, and says which.
    pub(super) async fn carry(mut self) {
        let shared = Arc::clone(&self.shared);
        let teller = tokio::spawn(tell(Arc::clone(&shared)));
        let keeper = tokio::spawn(Arc::clone(&shared).renew_locks());
        let mut begin = std::mem::take(&mut self.first);
        begin.push(Write::State(RunState::Running));
        if self.feed.whole && shared.plan.delivery.unsure == Unsure::Retry {
            // otherwise there is a mark for each call that may be out
            begin.push(Write::Clean(Cleanness::Busy));
        }
        shared.journal.commit(&shared.book, begin).await;
        shared.set_phase(Phase::Running);
        let mut tasks = JoinSet::new();
        let mut readers = JoinSet::new();
        let next = match self.prepare(&mut readers).await {
            Ok(()) => {
                for number in 0..self.workers {
                    tasks.spawn(worker::work(Arc::clone(&shared), number));
                }
                self.prepared = true;
                self.watch(&mut readers).await
            }
            Err(next) => next,
        };
        let ending = self.end(next, tasks, readers).await;
        keeper.abort();
        // from here on another process may have the run
        shared.book.close();
        drop(self.lock);
        // nothing but this sets it
        let _ = shared.over.set(shared.begun.elapsed());
        shared.set_phase(Phase::Ended(ending.state));
        teller.abort();
        shared.changes.send_modify(|changes| *changes += 1);
        self.ending.send_replace(Some(ending));
    }

    /// Token, scopes and the operation's own look, each again until it succeeds or somebody leaves.
    async fn prepare(&mut self, readers: &mut Readers) -> Result<(), Next> {
        loop {
            let shared = Arc::clone(&self.shared);
            let looked = async {
                shared.settle_with_store().await?;
                super::preflight::prepare(&shared.access, shared.operation.as_ref(), Some(&shared)).await
            };
            tokio::pin!(looked);
            let fault = loop {
                tokio::select! {
                    result = &mut looked => match result {
                        Ok(_) => return Ok(()),
                        Err(fault) => break fault,
                    },
                    Some(command) = self.commands.recv() => {
                        if let Some(next) = self.obey(command, readers).await {
                            return Err(next);
                        }
                    }
                    Some(fault) = self.faults.recv() => break fault,
                }
            };
            if let Some(next) = self.fault(fault).await {
                return Err(next);
            }
            while self.standing.is_some() {
                if let Some(next) = self.one_thing(readers).await {
                    return Err(next);
                }
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
        let wakes = self.standing.as_ref().and_then(|fault| fault.resumes_at);
        let pausing = shared.state().phase == Phase::Pausing;
        tokio::select! {
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

    /// Carries a command out.
    async fn obey(&mut self, command: Command, readers: &mut Readers) -> Option<Next> {
        let shared = Arc::clone(&self.shared);
        match command {
            Command::Pause => {
                self.wants_pause = true;
                if self.standing.is_none() {
                    self.pause().await;
                }
            }
            Command::GoOn => {
                self.wants_pause = false;
                self.go_on().await;
            }
            Command::SetRate(rate) => {
                shared.access.lane.set_rate(rate);
                let text = rate.map_or_else(
                    || "no ceiling of ours from now on".to_owned(),
                    |rate| format!("at most {rate} calls a second from now on"),
                );
                self.note("ceiling", &text).await;
                shared.touch();
            }
            Command::Retry { items, by } => {
                if self.prepared {
                    again::take_up(&shared, items, by, readers);
                } else {
                    self.feed.retries.push((items, by));
                }
            }
            Command::Drain => return Some(Next::Drain),
            Command::LeaveAtOnce => return Some(Next::Leave),
        }
        None
    }

    async fn note(&self, kind: &'static str, text: &str) {
        let note = Write::Note { kind, delay_ms: None, reason: None, text: text.to_owned() };
        self.shared.journal.write(&self.shared.book, vec![note]).await;
    }

    async fn pause(&self) {
        let shared = &self.shared;
        shared.schedule.hold();
        shared.halt.send_replace(Halt::Hold);
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
        if stood.as_ref().is_some_and(|fault| fault.kind == FaultKind::Store)
            && let Err(fault) = shared.settle_with_store().await
        {
            // it stands as it stood
            self.standing = Some(fault.clone());
            shared.set_phase(Phase::Faulted(fault));
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
        shared.halt.send_replace(Halt::Go);
        shared.schedule.open();
    }

    /// The run stands still. What was told while a fault stands already is of the same making.
    async fn fault(&mut self, fault: Fault) -> Option<Next> {
        if self.standing.is_some() {
            return None;
        }
        // where failures are sent again and nothing else, too many equal ones end that, and fault nothing
        if !self.feed.whole && fault.kind == FaultKind::SameFailures {
            self.note("retry_stopped", &fault.message).await;
            return Some(Next::Drain);
        }
        let shared = &self.shared;
        shared.schedule.hold();
        shared.halt.send_replace(Halt::Hold);
        let writes = vec![Write::Fault(fault.clone()), Write::State(RunState::Faulted)];
        // not waited for: the fault may be that nothing can be written
        shared.journal.write(&shared.book, writes).await;
        self.standing = Some(fault.clone());
        shared.set_phase(Phase::Faulted(fault));
        None
    }

    /// Lets calls end, writes everything down, and says how it ended.
    async fn end(&mut self, next: Next, mut tasks: JoinSet<()>, mut readers: Readers) -> Ending {
        let shared = &self.shared;
        if !matches!(next, Next::Done) {
            shared.set_phase(Phase::Draining);
        }
        shared.schedule.close();
        shared.halt.send_replace(Halt::Leave);
        let patience = if matches!(next, Next::Leave) { Duration::ZERO } else { DRAIN };
        let in_time = tokio::time::timeout(patience, async {
            while let Some(ended) = tasks.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a worker broke");
                }
            }
        });
        // what is still out then is not known: the run is left as it would be by a crash
        let known = in_time.await.is_ok();
        tasks.abort_all();
        while tasks.join_next().await.is_some() {}
        // readers end at the closed schedule; one that hangs in standard input writes nothing any more
        let _ = tokio::time::timeout(READERS, async { while readers.join_next().await.is_some() {} }).await;
        if let Some(guard) = &shared.guard {
            guard.release_all().await;
        }
        let told = matches!(next, Next::Fault(_)) || self.standing.is_none();
        let fault = match next {
            Next::Fault(fault) => Some(*fault),
            _ => self.standing.take().or_else(|| self.broken.take()),
        };
        let mut writes = vec![Write::PutBack];
        if let Some(fault) = fault.as_ref().filter(|_| told) {
            writes.push(Write::Fault(fault.clone()));
        }
        if known {
            writes.push(Write::Clean(Cleanness::Clean));
        }
        self.write_at_the_end(writes).await;
        let counts = self.shared.book.counts();
        let (items, records) = (counts.item_tally(), counts.record_tally());
        let all = counts.planned_all && items.pending == 0 && records.pending == 0;
        let state = match &fault {
            Some(_) => RunState::Faulted,
            None if !all => RunState::Paused,
            None if !counts.has_open() => RunState::Completed,
            None => RunState::CompletedWithFailures,
        };
        self.write_at_the_end(vec![Write::State(state)]).await;
        Ending { state, fault }
    }

    /// A full disk must not keep anybody from leaving: what it could not take is done again by a resume.
    async fn write_at_the_end(&self, writes: Vec<Write>) {
        let shared = &self.shared;
        let mut trouble = shared.journal.trouble();
        tokio::select! {
            () = shared.journal.commit(&shared.book, writes) => {}
            _ = trouble_turns(&mut trouble, false) => {}
        }
    }
}

/// Returns when something was settled that may end a wait: the last item, or the last call before a pause.
async fn settled(shared: &Shared, pausing: bool) {
    if pausing {
        let mut commits = shared.book.commits();
        while shared.schedule.taken() > 0 {
            tokio::select! {
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
async fn trouble_turns(trouble: &mut watch::Receiver<Option<String>>, known: bool) -> Option<String> {
    let turned = trouble.wait_for(|trouble| trouble.is_some() != known).await.map(|found| found.clone());
    match turned {
        Ok(found) => found,
        // the writer outlives every handle
        Err(_) => std::future::pending().await,
    }
}

async fn sleep_until(moment: Option<Timestamp>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(instant_of(moment.as_millisecond())).await,
        None => std::future::pending().await,
    }
}

/// Tells viewers that figures have changed, at most so often as one can draw.
async fn tell(shared: Arc<Shared>) {
    let mut commits = shared.book.commits();
    loop {
        tokio::select! {
            () = shared.dirty.notified() => {}
            changed = commits.changed() => if changed.is_err() { return },
        }
        shared.changes.send_modify(|changes| *changes += 1);
        tokio::time::sleep(TELL).await;
    }
}
