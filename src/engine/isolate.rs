//! Refused batches: finding the records that the platform refuses, so that all others arrive.
//!
//! Where the answer names them, they are failed and the rest goes again as one batch. Where it names none, the batch is
//! halved, and its halves again, until the refused records stand alone: about 2·k·log₂ n + 1 calls for k of n. What
//! stands in the place of what is durable before any of it is sent, so a crash in the middle goes on there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::access::Brought;
use super::act::Fate;
use super::carry::Shared;
use super::family::Family;
use super::job::Job;
use super::split::Part;
use crate::journal::{End, Settled, Write};
use crate::model::{Reason, Stage};
use crate::operation::Item;
use crate::pacing::Certainty;
use crate::text::one_line;

/// The most that is kept of what an answer says of one record, in characters.
const LONGEST: usize = 2048;

/// What an answer says of a refused batch.
pub(super) struct Isolation {
    /// The refused records by their place in the batch, with the reasons; empty where it names none.
    refused: BTreeMap<usize, Reason>,
    status: Option<u16>,
    correlation_id: Option<String>,
}

impl Isolation {
    /// What the answer to an item's call says.
    pub(super) fn of(item: &Item, brought: &Brought) -> Self {
        let mut refused: BTreeMap<usize, Reason> = BTreeMap::new();
        for entry in &brought.error.details {
            let place = entry.index.and_then(|index| usize::try_from(index).ok());
            let Some(place) = place.filter(|place| *place < item.ends.len()) else { continue };
            let said = if entry.message.is_empty() { &brought.error.message } else { &entry.message };
            if let Some(reason) = refused.get_mut(&place) {
                // an answer may say as much of one record as it is long
                if reason.message.len() < LONGEST && reason.message != *said {
                    reason.message = one_line(&format!("{}; {said}", reason.message), LONGEST);
                }
                continue;
            }
            let code = entry.code.clone().or_else(|| brought.error.code.clone());
            let reason = Reason {
                stage: Stage::Delivery,
                status: brought.status,
                code,
                message: said.clone(),
                violations: Vec::new(),
            };
            refused.insert(place, reason);
        }
        Self { refused, status: brought.status, correlation_id: brought.correlation_id.clone() }
    }
}

impl Shared {
    /// Puts others in the place of a batch that was refused.
    pub(super) async fn isolate(&self, mut job: Job, isolation: Isolation) {
        job.family.get_or_insert_with(|| Arc::new(Family::of_one()));
        if isolation.refused.is_empty() {
            let all = job.item.ends.len();
            let first = all.div_ceil(2);
            let parts = self.parts(&job, &[(0..first).collect(), (first..all).collect()]);
            return self.put_in_place(job, parts, Vec::new()).await;
        }
        let Isolation { refused, status, correlation_id } = isolation;
        let mut groups: Vec<Vec<usize>> = refused.keys().map(|place| vec![*place]).collect();
        let singles = groups.len();
        let rest: Vec<usize> =
            (0..job.item.ends.len()).filter(|place| !refused.contains_key(place)).collect();
        if !rest.is_empty() {
            groups.push(rest);
        }
        let mut parts = self.parts(&job, &groups);
        let going = parts.split_off(singles);
        let mut settled = Vec::with_capacity(singles);
        let mut counts = None;
        if let Some(family) = &job.family {
            family.replaced_by(singles + going.len());
        }
        for (part, reason) in parts.iter().zip(refused.into_values()) {
            self.gauges.settled(1);
            let kind = (reason.status, reason.code.clone());
            counts = job.family.as_ref().and_then(|family| family.settled(Some(kind)));
            let record = Some(part.job.item.content());
            settled.push(Write::Settle(Box::new(Settled {
                seq: part.job.item.seq,
                extent: part.job.item.extent,
                end: End::Failed { reason, record },
                attempts: job.tries,
                unsure: job.unsure,
                doubtful: job.earlier == Certainty::Unsure,
                status,
                took_ms: job.took_ms(),
                correlation_id: correlation_id.clone(),
                name: part.job.item.name.clone(),
                remote_id: None,
                origin: job.origin,
            })));
        }
        let streak = match counts {
            Some(kind) => self.failed_alike(&job, &kind).await,
            None => None,
        };
        if let Some(act) = &job.act {
            act.replaced_by(singles + going.len());
        }
        settled.extend(self.act_goes_on(job.act.as_ref(), singles as u64, Fate::Failed));
        self.put_apart(job, parts, going, settled).await;
        if let Some(fault) = streak {
            self.stand(fault).await;
        }
    }

    pub(super) async fn put_in_place(&self, job: Job, parts: Vec<Part>, more: Vec<Write>) {
        if let Some(family) = &job.family {
            family.replaced_by(parts.len());
        }
        if let Some(act) = &job.act {
            act.replaced_by(parts.len());
        }
        self.put_apart(job, Vec::new(), parts, more).await;
    }
}
