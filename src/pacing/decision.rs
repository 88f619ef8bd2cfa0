//! What an answer means for its item: one table, and no other place that reads a status.
//!
//! It is a pure function of the answer and of the item's situation, so that every row of it can be tested and none can
//! be decided twice in two ways. It says *what*, never *when* (that is [`Backoff`](super::Backoff)) and never *who
//! else* (that is [`Lane`](super::Lane)).
//!
//! Where it is in doubt it takes the side that loses nothing and does nothing twice: an answer that it does not know
//! ends the item for a person to look at, and is marked unsure where the platform may have done the thing.

use std::time::Duration;

use crate::model::WaitReason;

/// How long an item whose key is in progress elsewhere is waited for.
pub const IN_PROGRESS_PATIENCE: Duration = Duration::from_mins(10);

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A status arrived; whether its body was whole does not matter.
    Status(u16),
    /// 409 with the code `idempotency.in_progress`: another call with the same key is being carried out.
    InProgress,
    /// DNS, TCP or TLS failed: the call is known not to have arrived.
    NoConnection,
    /// A timeout, a reset or a cut before the status: nobody knows whether it arrived.
    NoAnswer,
}

/// Whether what the item sends can be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchKind {
    /// One thing that is accepted or refused as a whole.
    Single,
    /// Records of which some may be refused, and the rest sent again.
    Batch,
}

/// Whether a call changes something on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// It does: carried out twice, it may do the thing twice.
    Sending,
    /// It only looks.
    Reading,
}

/// What the plan says of an outcome that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsurePolicy {
    /// Send it again, under the same key.
    Retry,
    /// Hand it to a person.
    Fail,
}

/// Whether the platform may have carried out a call of which we have no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// What became of it is known.
    Sure,
    /// It may have been carried out.
    Unsure,
}

impl Certainty {
    const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Sure, Self::Sure) => Self::Sure,
            _ => Self::Unsure,
        }
    }
}

/// Whether this call went out with a token that was fetched because the item's call before it got a 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreshToken {
    /// It did not.
    Untried,
    /// It did: another 401 is no matter of an old token.
    JustTried,
}

/// Whether a wait uses up one of the item's attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// It does.
    Attempt,
    /// It does not: the call was never carried out, and a quota is the tenant's, not the item's.
    Nothing,
}

/// Where the item stands when the answer arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// Attempts that count, from 1, this one included; 401, 429 and 409 in progress are left out.
    pub attempts: u32,
    /// The most attempts that the plan allows.
    pub max_attempts: u32,
    /// Records in the item.
    pub records: u64,
    /// Whether they can be taken apart.
    pub batch: BatchKind,
    /// Whether the answer's `errors` name records by their index.
    pub named_indices: bool,
    /// Whether this call already was the one with a fresh token.
    pub fresh_token: FreshToken,
    /// Whether this call changes something.
    pub sends: CallKind,
    /// How long ago the first of the 409s in progress in a row was, this one not counted.
    pub in_progress_since: Option<Duration>,
    /// Whether an earlier call of this item may have been carried out; that mark never goes away.
    pub earlier: Certainty,
    /// The plan's word on unsure outcomes.
    pub unsure: UnsurePolicy,
    /// What it is when the last attempt finds no connection.
    pub unreachable: Unreachable,
}

/// What it is when the last attempt of a call finds no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// A fault: nothing of the run would fare better.
    Faults,
    /// The item's failure: the call looks at something that goes on without us, and was given its own patience.
    Fails,
}

/// What is to be done with the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The platform took it.
    Accepted,
    /// Send it again at once with a fresh token; that is no attempt.
    FreshToken,
    /// Wait, and send the same again.
    Wait {
        /// Why, in the words of events.
        reason: WaitReason,
        /// Whether that uses up an attempt.
        counts: Counts,
        /// Whether **this** call may have been carried out: the next one is then an unsure repetition.
        unsure: Certainty,
    },
    /// Too large: two items of half the records each, sent in order.
    Split,
    /// Refused as a batch: never sent again as it was; find the refused records and send the rest.
    Isolate,
    /// The item failed.
    Fail {
        /// Whether this call, or any before it, may have been carried out.
        unsure: Certainty,
    },
    /// May have been carried out, and the plan wants a person to look.
    Unsure,
    /// A fault of the run: the platform refuses the client. The item stays pending.
    FaultClientRefused,
    /// A fault of the run: a scope or permission is missing. The item stays pending.
    FaultMissingScope,
    /// A fault of the run: there is no connection, which is no item's doing. The item stays pending.
    FaultUnreachable,
}

/// Says what an answer means for the item.
///
/// | outcome | verdict |
/// | --- | --- |
/// | 200, 201, 202, 204 | accepted |
/// | any other 2xx | fails, unsure where it was sent: something was done, but not what was asked for |
/// | 1xx, 3xx | fails; redirects are not followed |
/// | 401 | a fresh token, once in a row; then the client is refused |
/// | 403 | a scope is missing |
/// | 408, 425, 5xx but 501 and 505, statuses beyond 599 (RFC 9110 §15) | waits, up to `max_attempts`, then fails |
/// | 409 in progress | waits, uses no attempt; fails as unsure after [`IN_PROGRESS_PATIENCE`] |
/// | 413 | split; a single record fails |
/// | 422, or 400 with named indices, on a batch of several | isolated |
/// | 429 | waits, uses no attempt |
/// | 501, 505, any other 4xx | fails |
/// | no connection | waits, up to `max_attempts`, then the host is unreachable (or, where it says so, the item fails) |
/// | no answer | waits, up to `max_attempts`, then fails |
///
/// 502, 504 and no answer at all to a sending call are *unsure*: they wait, or go to a person, as the plan says.
/// Splitting and isolating are answers to a sending call only: what a look is refused says nothing of the records.
#[must_use]
pub fn decide(outcome: Outcome, situation: &Situation) -> Verdict {
    let failed = Verdict::Fail { unsure: situation.earlier };
    match outcome {
        Outcome::InProgress => await_other_call(situation),
        Outcome::NoConnection if is_last(situation) && situation.unreachable == Unreachable::Faults => {
            Verdict::FaultUnreachable
        }
        Outcome::NoConnection => try_again(WaitReason::Network, Certainty::Sure, situation),
        Outcome::NoAnswer => try_again(WaitReason::Network, of_sending(situation), situation),
        Outcome::Status(status) => match status {
            200 | 201 | 202 | 204 => Verdict::Accepted,
            203..=299 => Verdict::Fail { unsure: of_sending(situation).or(situation.earlier) },
            401 if situation.fresh_token == FreshToken::Untried => Verdict::FreshToken,
            401 => Verdict::FaultClientRefused,
            403 => Verdict::FaultMissingScope,
            429 => {
                let unsure = Certainty::Sure;
                Verdict::Wait { reason: WaitReason::RateLimited, counts: Counts::Nothing, unsure }
            }
            413 if holds_several(situation) => Verdict::Split,
            422 if can_be_isolated(situation) => Verdict::Isolate,
            400 if situation.named_indices && can_be_isolated(situation) => Verdict::Isolate,
            502 | 504 => try_again(WaitReason::ServerError, of_sending(situation), situation),
            501 | 505 => failed,
            408 | 425 | 500.. => try_again(WaitReason::ServerError, Certainty::Sure, situation),
            _ => failed,
        },
    }
}

fn try_again(reason: WaitReason, unsure: Certainty, situation: &Situation) -> Verdict {
    if unsure == Certainty::Unsure && situation.unsure == UnsurePolicy::Fail {
        Verdict::Unsure
    } else if is_last(situation) {
        Verdict::Fail { unsure: unsure.or(situation.earlier) }
    } else {
        Verdict::Wait { reason, counts: Counts::Attempt, unsure }
    }
}

fn await_other_call(situation: &Situation) -> Verdict {
    if situation.in_progress_since.is_some_and(|waited| waited >= IN_PROGRESS_PATIENCE) {
        return Verdict::Fail { unsure: Certainty::Unsure };
    }
    Verdict::Wait { reason: WaitReason::InProgress, counts: Counts::Nothing, unsure: Certainty::Sure }
}

/// What is not known of a call is only of weight where the call changes something.
const fn of_sending(situation: &Situation) -> Certainty {
    match situation.sends {
        CallKind::Sending => Certainty::Unsure,
        CallKind::Reading => Certainty::Sure,
    }
}

const fn is_last(situation: &Situation) -> bool {
    situation.attempts >= situation.max_attempts
}

fn holds_several(situation: &Situation) -> bool {
    situation.sends == CallKind::Sending && situation.records > 1
}

fn can_be_isolated(situation: &Situation) -> bool {
    situation.batch == BatchKind::Batch && holds_several(situation)
}

#[cfg(test)]
mod tests;
