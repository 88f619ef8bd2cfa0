//! What becomes of a whole run when an item is settled, or when an answer changes its pace.

use tokio::time::Instant;

use super::act::Fate;
use super::carry::{Shared, no_call_before};
use super::faults;
use super::job::Job;
use crate::journal::{End, Origin, Settled, Write};
use crate::model::{Fault, Reason, Stage};
use crate::pacing::{Certainty, LaneChange, PauseReason};
use crate::plan::{AfterFailure, Operation as Settings};
use crate::text::one_line;

/// The longest name of an item that the journal keeps as it is, in bytes: a page of failures holds a thousand of them.
const LONGEST_NAME: usize = 1000;

fn known_by(name: String) -> String {
    if name.len() <= LONGEST_NAME { name } else { one_line(&name, 200) }
}

impl Shared {
    /// Tells the journal, and the supervisor, what an answer changed for the lane.
    pub(super) async fn tell(&self, change: LaneChange) {
        let mut writes = Vec::with_capacity(2);
        match change {
            LaneChange::Paused { delay, why } => {
                writes.push(no_call_before(self.access.lane.not_before()));
                writes.push(Write::Note {
                    kind: "pool_paused",
                    delay_ms: Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
                    reason: Some(why.word()),
                    text: "the platform said \"slow down\"; no call starts before the wait is over"
                        .to_owned(),
                });
            }
            LaneChange::Resumed => {
                writes.push(Write::NotBefore(None));
                writes.push(Write::Note {
                    kind: "pool_resumed",
                    delay_ms: None,
                    reason: None,
                    text: "the platform takes calls again".to_owned(),
                });
            }
            LaneChange::Parked { until } => {
                writes.push(no_call_before(Some(until)));
                self.journal.commit(&self.book, writes).await;
                self.stand(faults::parked(super::carry::moment(until))).await;
                return;
            }
            LaneChange::OutOfPatience => {
                writes.push(no_call_before(self.access.lane.not_before()));
                self.journal.commit(&self.book, writes).await;
                self.stand(faults::throttled()).await;
                return;
            }
        }
        self.journal.write(&self.book, writes).await;
    }

    /// Tells of a pause that an earlier carrying-out, or another run, was told of: this one begins by waiting.
    pub(super) fn waits_from_before(&self) -> Option<Write> {
        let left = self.access.lane.not_before()?.saturating_duration_since(Instant::now());
        Some(Write::Note {
            kind: "pool_paused",
            delay_ms: Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
            reason: Some(PauseReason::OtherRun.word()),
            text: "the platform said \"slow down\" before; no call starts before that wait is over"
                .to_owned(),
        })
    }

    /// The fault that such a pause is where it is longer than the plan bears.
    pub(super) fn parks_from_before(&self) -> Option<Fault> {
        let until = self.access.lane.not_before()?;
        let left = until.saturating_duration_since(Instant::now());
        (left > self.plan.delivery.retry_after_limit).then(|| faults::parked(super::carry::moment(until)))
    }

    /// Keeps for a later carrying-out that no call starts before then, nor before what the lane waits for by itself.
    pub(super) async fn waits_until(&self, until: Instant) {
        let until = self.access.lane.not_before().max(Some(until));
        self.journal.commit(&self.book, vec![no_call_before(until)]).await;
    }

    /// Writes an item's end, and lets its chain go on.
    pub(super) async fn settle(&self, mut job: Job, end: End, correlation_id: Option<String>) {
        let records = job.item.extent.count;
        self.gauges.settled(records);
        let delivered = matches!(end, End::Delivered { .. });
        let failed = match &end {
            End::Failed { reason, .. } => Some((reason.status, reason.code.clone())),
            End::Delivered { .. } | End::Invalid { .. } => None,
        };
        let counts = match &job.family {
            Some(family) => family.settled(failed),
            None => failed,
        };
        let streak = match counts {
            Some(kind) => self.failed_alike(&job, &kind).await,
            None => None,
        };
        let chain = job.item.chain;
        let held = (job.permit.take(), job.under_way.take());
        let act_ended = self.act_goes_on(job.act.as_ref(), 1, Fate::of(delivered));
        let in_an_act = job.act.is_some();
        let took_ms = job.took_ms();
        let settled = Settled {
            seq: job.item.seq,
            extent: job.item.extent,
            end,
            attempts: job.tries,
            unsure: job.unsure,
            doubtful: job.earlier == Certainty::Unsure,
            status: job.last_status,
            took_ms,
            correlation_id,
            name: job.item.name.map(known_by),
            remote_id: job.progress.remote_id,
            origin: job.origin,
        };
        let mut writes = vec![Write::Settle(Box::new(settled))];
        writes.extend(self.size_news());
        writes.extend(act_ended);
        if !delivered && self.operation.waits_for_others() {
            // sent again after a crash, it would come after those that go now
            self.journal.commit(&self.book, writes).await;
            drop(held);
        } else {
            self.journal.write_holding(&self.book, writes, held).await;
        }
        if delivered && !in_an_act {
            self.broke_streak();
        }
        self.schedule.settle(chain);
        self.settled_one();
        if let Some(fault) = streak {
            self.stand(fault).await;
        }
    }

    /// Whether a failure stops the whole run: the plan may say so of a chunk.
    pub(super) fn stops_at(&self, job: &Job, reason: &Reason) -> Option<Fault> {
        match &self.plan.operation {
            Settings::Ingest(ingest)
                if ingest.after_failure == AfterFailure::Stop
                    && job.origin == Origin::Planned
                    && reason.stage != Stage::Validation =>
            {
                Some(faults::chunk_failed(&reason.message))
            }
            _ => None,
        }
    }
}
