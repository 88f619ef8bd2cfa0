//! What all tasks of a run share, and the small questions that they ask of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::time::Instant;

use super::access::{Access, Brought};
use super::act::Act;
use super::crew::Crew;
use super::gauges::{Circumstances, Gauges};
use super::guard::Guard;
use super::job::{FailedAs, Job, Sent};
use super::schedule::Schedule;
use super::signal::Signal;
use super::{course, faults};
use crate::dataset::map::Mapping;
use crate::journal::{Book, Journal, NoCallBefore, Write};
use crate::machine::{self, Since};
use crate::model::{Bottleneck, Fault, Figures, JobFigures, OperationKind, Phase, PlatformKind, RunId, Wait};
use crate::operation::{Grouping, Operation, Terms};
use crate::pacing::{CallKind, Leave, Outcome};
use crate::plan::{Operation as Settings, Plan, Unsure};
use crate::platform::{Request, Token};

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
    pub(super) mapping: Option<Arc<Mapping>>,
    pub(super) operation: Arc<dyn Operation>,
    /// What stands behind its keys, where they are guarded.
    pub(super) guard: Option<Guard>,
    pub(super) access: Access,
    pub(super) journal: Journal,
    pub(super) book: Arc<Book>,
    pub(super) schedule: Schedule,
    pub(super) gauges: Gauges,
    pub(super) crew: Crew,
    pub(super) halt: Signal<Halt>,
    /// Places for items that may have been accepted and are not committed yet: of each dataset where chunks go, else of all.
    pub(super) uncommitted: Vec<Arc<Semaphore>>,
    pub(super) next_seq: AtomicU64,
    pub(super) changes: watch::Sender<u64>,
    pub(super) dirty: Notify,
    pub(super) idle: Notify,
    pub(super) reading: AtomicU64,
    pub(super) faults: mpsc::Sender<Fault>,
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
    pub(super) accepted: HashMap<u32, Since>,
    /// Failures that are being sent again.
    pub(super) acts: Vec<Arc<Act>>,
    /// Who has set the ceiling; nobody where it is the plan's.
    pub(super) ceiling_by: Option<String>,
    /// Marks of calls whose workers were stopped in the midst of them.
    pub(super) left_out: Vec<Write>,
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

/// What is written down of a moment before which no call may start.
pub(super) fn no_call_before(until: Option<Instant>) -> Write {
    Write::NotBefore(
        until.map(|until| NoCallBefore { until: epoch_ms(until), told: machine::now().as_millisecond() }),
    )
}

/// The moment of an instant.
pub(super) fn moment(at: Instant) -> Timestamp {
    let now = Instant::now();
    let ahead = at.saturating_duration_since(now);
    let behind = now.saturating_duration_since(at);
    machine::now()
        .saturating_add(jiff::SignedDuration::try_from(ahead).unwrap_or_default())
        .and_then(|at| at.saturating_sub(jiff::SignedDuration::try_from(behind).unwrap_or_default()))
        .unwrap_or_default()
}

/// The instant of a moment (milliseconds since 1970); one in the past is now.
pub(super) fn instant_of(ms: i64) -> Instant {
    let ahead = ms.saturating_sub(machine::now().as_millisecond());
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
        self.hold();
        // the supervisor lives as long as any task of the run
        let _ = self.faults.send(fault).await;
    }

    /// Holds items and workers at once, so that no further one runs into the same fault, which is told in a moment.
    fn hold(&self) {
        self.schedule.hold();
        self.halt.turn(Halt::Go, Halt::Hold);
    }

    /// Returns when workers are to put back what they have.
    pub(super) async fn halted(&self) {
        self.halt.wait_for(|halt| halt != Halt::Go).await;
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
        if let Some(window) = brought.answer.as_ref().and_then(|answer| answer.window) {
            traffic.quota.store(window.allowed, Ordering::Relaxed);
        }
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

    /// Whether a call that was out when it was left is sent again without asking anybody, be it a person or the store.
    pub(super) fn sends_again_what_is_out(&self) -> bool {
        self.plan.delivery.unsure == Unsure::Retry && self.guard.is_none()
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
    pub(super) fn accepted(&self, job: &Job, terms: Terms) {
        let chunked = matches!(self.operation.grouping(), Grouping::Chunks { .. });
        if !chunked || terms.kind != CallKind::Sending {
            return;
        }
        let size = job.item.body.len() as u64;
        let mut state = self.state();
        state.accepted.insert(job.item.extent.dataset, Since::now());
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
        (last.gone() > window).then(|| {
            let name = self.facts.datasets.get(dataset as usize).map_or("?", String::as_str);
            faults::correlation_window(name)
        })
    }

    /// Counts a failure that an answer made. The last of too many equal ones in a row ends its act, or is a fault.
    pub(super) async fn failed_alike(&self, job: &Job, kind: &FailedAs) -> Option<Fault> {
        if job.failed_before.as_ref() == Some(kind) {
            return None;
        }
        if let Some(act) = &job.act {
            self.counts_in_act(act, kind).await;
            return None;
        }
        let most = self.plan.delivery.fault_after;
        if most == 0 {
            return None;
        }
        let mut state = self.state();
        let count = match &state.streak {
            Some((known, count)) if known == kind => count + 1,
            _ => 1,
        };
        state.streak = (count < most).then(|| (kind.clone(), count));
        drop(state);
        (count >= most).then(|| {
            // this failure is written down first, which takes a while on a slow disk
            self.hold();
            faults::same_failures(count, kind.0, kind.1.as_deref())
        })
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
        let (jobs, oldest) = self.schedule.watched(64);
        let mut pace = self.access.lane.figures();
        let (phase, act) = {
            let state = self.state();
            pace.ceiling_by.clone_from(&state.ceiling_by);
            (state.phase.clone(), state.acts.first().map(|act| act.figures()))
        };
        let records = counts.record_tally();
        let per_second = self.gauges.records_per_second();
        let going = phase == Phase::Running;
        let learnt = pace.learnt.is_some() || pace.window.is_some_and(|window| window.used >= window.allowed);
        let ordered = self.operation.keeps_order();
        let idle = if waiting > 0 {
            Some(Bottleneck::Backoffs)
        } else if jobs > 0 {
            Some(Bottleneck::Jobs)
        } else if ordered && self.gauges.busy() > 0 {
            // more workers than datasets: each dataset keeps one of them
            Some(Bottleneck::Order)
        } else {
            (self.reading.load(Ordering::Relaxed) > 0).then_some(Bottleneck::Reading)
        };
        let around = Circumstances {
            pause: pace.pause.map(|_| Bottleneck::Pause),
            pace: if learnt { Bottleneck::Platform } else { Bottleneck::Bucket },
            answers: if ordered { Bottleneck::Order } else { Bottleneck::Latency },
            idle,
        };
        let latency = self.gauges.latency();
        #[expect(clippy::cast_precision_loss, reason = "a time left, for people")]
        let eta = (going
            && records.total.is_some()
            && pace.pause.is_none()
            && pace.learnt.is_none()
            && per_second > 0.0)
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
            elapsed: self.book.took(),
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
            workers_asked: self.crew.wanted(),
            map: self.gauges.map(Arc::clone(&counts.map)),
            act,
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
            jobs,
            watched: oldest
                .into_iter()
                .map(|one| JobFigures {
                    item: one.item,
                    remote_id: one.remote_id,
                    percent: one.percent,
                    next_look: one.until.into_std(),
                })
                .collect(),
            from_store: counts.from_store,
            rows_failed: counts.rows_failed,
            pace,
            eta,
            token_left: self.access.tokens.left(),
            last_event: self.book.last_event(),
        }
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        match &phase {
            Phase::Checking { .. } | Phase::Running | Phase::Pausing | Phase::Draining => self.book.goes(),
            Phase::Paused | Phase::Faulted(_) | Phase::Ended(_) => self.book.stands(),
        }
        let before = self.state().phase.clone();
        course::turned(self, &before, &phase);
        self.state().phase = phase;
        self.touch();
    }
}
