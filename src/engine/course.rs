//! What the log says of a run's course, told where it happens: a fault that stands for a moment only is told of too.

use super::carry::Shared;
use crate::model::{Fault, Phase};
use crate::text::one_line;

/// It begins to be carried out.
pub(super) fn begun(shared: &Shared) {
    let (run, facts) = (shared.run, &shared.facts);
    tracing::info!(%run, operation = %facts.operation, profile = %facts.profile, host = %facts.host, "the run is carried out");
}

/// It stands still, or ends.
pub(super) fn faulted(shared: &Shared, fault: &Fault) {
    tracing::warn!(run = %shared.run, kind = %fault.kind, "fault: {}", one_line(&fault.message, 600));
}

/// It comes from one phase into another.
pub(super) fn turned(shared: &Shared, before: &Phase, now: &Phase) {
    let run = shared.run;
    if matches!((before, now), (Phase::Faulted(_), Phase::Running)) {
        tracing::info!(%run, "the run goes on after the fault");
    }
    if let Phase::Ended(state) = now {
        let figures = shared.figures();
        let (calls, records) = (figures.requests, figures.records);
        tracing::info!(%run, %state, calls, delivered = records.delivered, open = records.open(),
            pending = records.pending, "the carrying-out is over");
    }
}
