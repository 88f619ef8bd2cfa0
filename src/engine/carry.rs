//! Carrying a run: what all its tasks share, and the task that watches over them.
//!
//! The supervisor alone changes the run's phase. Workers and readers tell it of faults; a person tells it what to do;
//! and it ends the carrying-out when all is settled, when somebody wants to leave, or when a fault can't be mended here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::access::{Access, Brought};
use super::faults;
use super::feeder::{self, Feed};
use super::gauges::{Circumstances, Gauges};
use super::handle::{Command, Ending};
use super::job::{FailedAs, Job, Sent};
use super::schedule::Schedule;
use super::worker;
use crate::dataset::map::Mapping;
use crate::journal::{Book, Cleanness, Extent, Journal, Origin, RunLock, Write};
use crate::model::{
    Bottleneck, Fault, FaultKind, Figures, OperationKind, Phase, PlatformKind, Position, Reason, RunId,
    RunState, Wait,
};
use crate::operation::{Admitted, Call, Draft, Grouping, Item, Operation};
use crate::pacing::{CallKind, Leave, Outcome};
use crate::plan::{Operation as Settings, Plan, Unsure};
use crate::platform::{Request, Token};

/// How long calls that are out may take to end when somebody wants to leave.
const DRAIN: Duration = Duration::from_secs(10);

/// How long readers may take to end then.
const READERS: Duration = Duration::from_secs(2);

/// Figures are told of no more often than this: nobody draws faster.
const TELL: Duration = Duration::from_millis(33);

/// What workers are to do with what they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    /// Go on.
    Go,
    /// Put it back for now.
    Hold,
    /// Put it back; there is no more.
    Leave,
}

/// What never changes while a run is carried.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) operation: OperationKind,
    pub(super) profile: String,
    pub(super) platform: PlatformKind,
    pub(super) host: String,
    pub(super) production: bool,
    pub(super) datasets: Vec<String>,
    pub(super) correlation_ids: Vec<Arc<str>>,
    pub(super) started_at: Timestamp,
}

/// What all tasks of a run share.
pub(super) struct Shared {
    pub(super) run: RunId,
    pub(super) facts: Facts,
    pub(super) plan: Plan,
    pub(super) mapping: Option<Mapping>,
    pub(super) operation: Arc<dyn Operation>,
    pub(super) access: Access,
    pub(super) journal: Journal,
    pub(super) book: Arc<Book>,
    pub(super) schedule: Schedule,
    pub(super) gauges: Gauges,
    pub(super) halt: watch::Sender<Halt>,
    /// Places for items that may have been accepted and are not committed yet: of each dataset where chunks go, else of all.
    pub(super) uncommitted: Vec<Arc<Semaphore>>,
    pub(super) next_seq: AtomicU64,
    pub(super) changes: watch::Sender<u64>,
    pub(super) dirty: Notify,
    pub(super) idle: Notify,
    pub(super) reading: AtomicU64,
    pub(super) faults: mpsc::Sender<Fault>,
    pub(super) begun: Instant,
    /// How long it took, once it is over.
    pub(super) over: OnceLock<Duration>,
    pub(super) state: Mutex<State>,
}

/// What changes, and is small.
#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// Bytes: the largest body accepted below the smallest refused.
    pub(super) largest_accepted: Option<u64>,
    pub(super) smallest_refused: Option<u64>,
    /// Whether the journal does not know of these two yet.
    pub(super) limit_news: bool,
    pub(super) streak: Option<(FailedAs, u32)>,
    /// When a chunk of each dataset was last accepted.
    pub(super) accepted: HashMap<u32, Timestamp>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("run", &self.run).finish_non_exhaustive()
    }
}

/// Milliseconds since 1970 of an instant.
pub(super) fn epoch_ms(at: Instant) -> i64 {
    moment(at).as_millisecond()
}

/// The moment of an instant.
pub(super) fn moment(at: Instant) -> Timestamp {
    let now = Instant::now();
    let ahead = at.saturating_duration_since(now);
    let behind = now.saturating_duration_since(at);
    Timestamp::now()
        .saturating_add(jiff::SignedDuration::try_from(ahead).unwrap_or_default())
        .and_then(|at| at.saturating_sub(jiff::SignedDuration::try_from(behind).unwrap_or_default()))
        .unwrap_or_default()
}

/// The instant of a moment (milliseconds since 1970); one in the past is now.
pub(super) fn instant_of(ms: i64) -> Instant {
    let ahead = ms.saturating_sub(Timestamp::now().as_millisecond());
    Instant::now() + Duration::from_millis(u64::try_from(ahead).unwrap_or(0))
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that a viewer shows has changed.
    pub(super) fn touch(&self) {
        self.dirty.notify_one();
    }

    /// Hands a fault to the supervisor.
    pub(super) async fn stand(&self, fault: Fault) {
        // held at once, so that no further item runs into the same
        self.schedule.hold();
        self.halt.send_if_modified(|halt| {
            let going = *halt == Halt::Go;
            if going {
                *halt = Halt::Hold;
            }
            going
        });
        // the supervisor lives as long as any task of the run
        let _ = self.faults.send(fault).await;
    }

    /// Makes one call, for which there is leave: counted, timed, and what it changes told.
    pub(super) async fn call(&self, request: &Request, token: &Token, leave: Leave) -> Brought {
        let traffic = &self.book.traffic;
        traffic.requests.fetch_add(1, Ordering::Relaxed);
        let begun = std::time::Instant::now();
        let mut brought = self.access.call(request, token, leave).await;
        self.gauges.call(begun.elapsed());
        match brought.outcome {
            Outcome::Status(429) => traffic.throttled.fetch_add(1, Ordering::Relaxed),
            Outcome::Status(500..) | Outcome::NoConnection | Outcome::NoAnswer => {
                traffic.troubles.fetch_add(1, Ordering::Relaxed)
            }
            Outcome::Status(_) | Outcome::InProgress => 0,
        };
        if let Some(change) = brought.change.take() {
            self.tell(change).await;
        }
        brought
    }

    /// Places for items that may have been accepted and are not committed yet.
    pub(super) fn places(&self, job: &Job) -> Arc<Semaphore> {
        let of_dataset = self.uncommitted.get(job.item.extent.dataset as usize);
        // the first stands for all where items are single
        of_dataset.or(self.uncommitted.first()).cloned().unwrap_or_else(|| Arc::new(Semaphore::new(1)))
    }

    /// The most bytes that a body may have now.
    pub(super) fn byte_limit(&self) -> u64 {
        let Grouping::Chunks { bytes, .. } = self.operation.grouping() else { return u64::MAX };
        let state = self.state();
        match (state.smallest_refused, state.largest_accepted) {
            (Some(refused), Some(accepted)) if accepted < refused => bytes.min(accepted),
            (Some(refused), _) => bytes.min(refused.saturating_sub(1)),
            _ => bytes,
        }
    }

    /// Whether a chunk that was planned ahead, and never sent, is larger than what a 413 has taught since.
    pub(super) fn too_large_now(&self, job: &Job) -> bool {
        job.sent == Sent::Never && job.item.extent.count > 1 && job.item.body.len() as u64 > self.byte_limit()
    }

    /// A call was accepted: what that teaches of sizes, and of its set's life.
    pub(super) fn accepted(&self, job: &Job, call: &Call) {
        let chunked = matches!(self.operation.grouping(), Grouping::Chunks { .. });
        if !chunked || call.kind != CallKind::Sending {
            return;
        }
        let size = job.item.body.len() as u64;
        let mut state = self.state();
        state.accepted.insert(job.item.extent.dataset, Timestamp::now());
        if state.largest_accepted.is_none_or(|largest| largest < size) {
            state.largest_accepted = Some(size);
            state.limit_news = state.smallest_refused.is_some();
        }
    }

    /// What is to be written of sizes, where something new was learnt since a 413.
    pub(super) fn size_news(&self) -> Option<Write> {
        let mut state = self.state();
        std::mem::take(&mut state.limit_news).then_some(Write::SizeLimit {
            largest_accepted: state.largest_accepted,
            smallest_refused: state.smallest_refused,
        })
    }

    /// Whether the platform no longer keeps the set of this item open.
    pub(super) fn set_closed(&self, job: &Job) -> Option<Fault> {
        let Settings::Ingest(ingest) = &self.plan.operation else { return None };
        let window = ingest.correlation_window?;
        let dataset = job.item.extent.dataset;
        let last = *self.state().accepted.get(&dataset)?;
        let gone = Timestamp::now().duration_since(last).unsigned_abs();
        (gone > window).then(|| {
            let name = self.facts.datasets.get(dataset as usize).map_or("?", String::as_str);
            faults::correlation_window(name)
        })
    }

    /// Puts others in the place of an item that is too large: after a 413 two halves, else as many as it takes.
    pub(super) async fn split(&self, job: Job) {
        let refused = job.sent == Sent::Maybe;
        let size = job.item.body.len() as u64;
        if refused {
            let mut state = self.state();
            state.smallest_refused = Some(state.smallest_refused.map_or(size, |known| known.min(size)));
            if state.largest_accepted.is_some_and(|accepted| accepted >= size) {
                state.largest_accepted = None;
            }
            state.limit_news = true;
        }
        let records = job.item.records();
        let sizes = if refused { halves(&records) } else { pieces(&records, size, self.byte_limit()) };
        let first_seq = self.next_seq.fetch_add(sizes.len() as u64, Ordering::Relaxed);
        let mut places = Places::of(&job.item);
        let mut rest = records.into_iter();
        let mut parts = Vec::with_capacity(sizes.len());
        let mut jobs = Vec::with_capacity(sizes.len());
        for (seq, count) in (first_seq..).zip(sizes) {
            let (extent, holes) = places.next(count as u64);
            let records =
                rest.by_ref().take(count).map(|record| Admitted { record, body: None, name: None }).collect();
            let correlation_id = Arc::clone(&job.item.correlation_id);
            let draft = Draft { seq, extent, records, correlation_id, holes };
            let mut part = Job::new(self.operation.build(self.run, draft), job.lot);
            part.unsure = job.unsure;
            part.earlier = job.earlier;
            part.origin = job.origin;
            part.failed_before.clone_from(&job.failed_before);
            let kept = (job.origin == Origin::Failure).then(|| part.item.record.clone());
            parts.push((seq, extent, kept));
            jobs.push(part);
        }
        let mut writes = vec![Write::Split {
            seq: job.item.seq,
            extent: job.item.extent,
            parts,
            unsure: job.unsure,
            was: job.origin,
        }];
        writes.extend(self.size_news());
        self.journal.commit(&self.book, writes).await;
        self.schedule.replace(job.item.chain, jobs);
    }

    /// Counts a failure that an answer made; tells of a fault at the last of too many equal ones in a row.
    pub(super) fn streak(&self, job: &Job, reason: &Reason) -> Option<Fault> {
        let most = self.plan.delivery.fault_after;
        let kind = (reason.status, reason.code.clone());
        if most == 0 || job.failed_before.as_ref() == Some(&kind) {
            return None;
        }
        let mut state = self.state();
        let count = match &state.streak {
            Some((known, count)) if *known == kind => count + 1,
            _ => 1,
        };
        state.streak = (count < most).then(|| (kind.clone(), count));
        (count >= most).then(|| faults::same_failures(count, kind.0, kind.1.as_deref()))
    }

    pub(super) fn broke_streak(&self) {
        let mut state = self.state();
        if state.streak.is_some() {
            state.streak = None;
        }
    }

    /// An item was settled: perhaps it was the last.
    pub(super) fn settled_one(&self) {
        if self.schedule.open_items() == 0 {
            self.idle.notify_one();
        }
    }

    pub(super) fn figures(&self) -> Figures {
        let counts = self.book.counts();
        let (waiting, longest) = self.schedule.backoffs(64);
        let pace = self.access.lane.figures();
        let phase = self.state().phase.clone();
        let records = counts.record_tally();
        let per_second = self.gauges.records_per_second();
        let going = phase == Phase::Running;
        let learnt = pace.learnt.is_some() || pace.window.is_some_and(|window| window.used >= window.allowed);
        let chunked = matches!(self.operation.grouping(), Grouping::Chunks { .. });
        let idle = if waiting > 0 {
            Some(Bottleneck::Backoffs)
        } else if chunked && self.gauges.busy() > 0 {
            // more workers than datasets: each dataset keeps one of them
            Some(Bottleneck::Order)
        } else {
            (self.reading.load(Ordering::Relaxed) > 0).then_some(Bottleneck::Reading)
        };
        let around = Circumstances {
            pause: pace.pause.map(|_| Bottleneck::Pause),
            pace: if learnt { Bottleneck::Platform } else { Bottleneck::Bucket },
            answers: if chunked { Bottleneck::Order } else { Bottleneck::Latency },
            idle,
        };
        let latency = self.gauges.latency();
        #[expect(clippy::cast_precision_loss, reason = "a time left, for people")]
        let eta = (going && pace.pause.is_none() && pace.learnt.is_none() && per_second > 0.0)
            .then(|| Duration::try_from_secs_f64(records.pending as f64 / per_second).ok())
            .flatten();
        let traffic = &self.book.traffic;
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Figures {
            run: self.run,
            operation: self.facts.operation,
            profile: self.facts.profile.clone(),
            platform: self.facts.platform,
            host: self.facts.host.clone(),
            production: self.facts.production,
            datasets: self.facts.datasets.clone(),
            started_at: self.facts.started_at,
            elapsed: self.over.get().copied().unwrap_or_else(|| self.begun.elapsed()),
            bottleneck: if going { self.gauges.bottleneck(around) } else { None },
            phase,
            items: counts.item_tally(),
            records,
            requests: load(&traffic.requests),
            retries: load(&traffic.retries),
            throttled: load(&traffic.throttled),
            troubles: load(&traffic.troubles),
            records_per_second: per_second,
            latency_p50: latency.map(|both| both.0),
            latency_p99: latency.map(|both| both.1),
            workers: self.gauges.workers(),
            waiting,
            waits: longest
                .into_iter()
                .map(|one| Wait {
                    item: one.item,
                    since: one.since.into_std(),
                    until: one.until.into_std(),
                    attempts: one.attempts,
                    status: one.status,
                    reason: one.reason,
                })
                .collect(),
            pace,
            eta,
            token_left: self.access.tokens.left(),
            last_event: self.book.last_event(),
        }
    }

    fn set_phase(&self, phase: Phase) {
        self.state().phase = phase;
        self.touch();
    }
}

/// Two halves by bytes, or by count where one record is most of it.
fn halves(records: &[bytes::Bytes]) -> Vec<usize> {
    let all: usize = records.iter().map(bytes::Bytes::len).sum();
    let mut held = 0;
    let mut first = 0;
    for record in records {
        if first > 0 && held + record.len() / 2 > all / 2 {
            break;
        }
        held += record.len();
        first += 1;
    }
    let first = first.clamp(1, records.len().saturating_sub(1).max(1));
    vec![first, records.len() - first]
}

/// As many pieces as keep each under the limit, in order; a record alone may be over it.
fn pieces(records: &[bytes::Bytes], size: u64, limit: u64) -> Vec<usize> {
    let content: u64 = records.iter().map(|record| record.len() as u64 + 1).sum();
    let frame = size.saturating_sub(content) + 1;
    let mut sizes = Vec::new();
    let mut count = 0;
    let mut bytes = frame;
    for record in records {
        let more = record.len() as u64 + 1;
        if count > 0 && bytes + more > limit {
            sizes.push(count);
            count = 0;
            bytes = frame;
        }
        count += 1;
        bytes += more;
    }
    sizes.push(count);
    sizes
}

/// Where the parts of an item stand: positions go up one by one, but for the holes.
struct Places<'a> {
    dataset: u32,
    next: Position,
    holes: &'a [Position],
}

impl<'a> Places<'a> {
    fn of(item: &'a Item) -> Self {
        Self { dataset: item.extent.dataset, next: item.extent.first, holes: &item.holes }
    }

    fn next(&mut self, count: u64) -> (Extent, Vec<Position>) {
        let mut held = 0;
        let mut first = None;
        let mut last = self.next;
        let mut holes = Vec::new();
        while held < count {
            if self.holes.contains(&self.next) {
                holes.push(self.next);
            } else {
                first.get_or_insert(self.next);
                last = self.next;
                held += 1;
            }
            self.next += 1;
        }
        let first = first.unwrap_or(last);
        holes.retain(|hole| *hole > first);
        (Extent { dataset: self.dataset, first, span: last + 1 - first, count }, holes)
    }
}

/// Tasks that plan items.
pub(super) type Readers = JoinSet<Result<(), Fault>>;

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
            let looked = super::preflight::prepare(&shared.access, shared.operation.as_ref(), Some(&shared));
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
            if readers.is_empty() && self.standing.is_none() && self.shared.schedule.open_items() == 0 {
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
                    feeder::take_up(&shared, items, by, readers);
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
        let shared = &self.shared;
        let stood = self.standing.take().is_some();
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
            None if items.open() == 0 => RunState::Completed,
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
