//! All that is looked at before the first item goes: the token, its scopes, and what the operation wants to know.

use tokio::time::{Instant, sleep_until};

use super::access::Access;
use super::carry::{Shared, moment};
use super::{Setup, StartError, faults};
use crate::model::{Fault, Stage};
use crate::operation::{Operation, Preflight};
use crate::pacing::{
    BatchKind, CallKind, Certainty, Counts, FreshToken, Situation, Unreachable, UnsurePolicy, Verdict, decide,
};

/// Makes ready, or says what a person has to mend. With a run, its figures count the calls.
pub(super) async fn prepare(
    access: &Access,
    operation: &dyn Operation,
    run: Option<&Shared>,
) -> Result<Option<Vec<String>>, Fault> {
    let token = match run {
        Some(_) => access.token().await?,
        None => access.token_soon().await?,
    };
    let needed = operation.kind().scopes();
    if let Some(held) = &token.scopes
        && !needed.iter().all(|scope| held.iter().any(|one| one == scope))
    {
        return Err(faults::missing_scope(needed, Some(held), ""));
    }
    if let Some(preflight) = operation.preflight() {
        look(access, operation, &preflight, run).await?;
    }
    Ok(token.scopes.clone())
}

/// What is known before the first item.
pub(super) struct Looked {
    /// The token's scopes, where they were told.
    pub(super) scopes: Option<Vec<String>>,
    /// How many calls of a run this is.
    pub(super) calls: u64,
    /// Calls that the platform's own window allows, where an answer told.
    pub(super) quota: Option<u64>,
}

/// The same without a run.
pub(super) async fn alone(setup: &Setup, operation: &dyn Operation) -> Result<Looked, StartError> {
    let access = super::access(&setup.plan, super::way(setup)?, None, crate::pacing::Fill::Full);
    let scopes =
        prepare(&access, operation, None).await.map_err(|fault| StartError::Fault(Box::new(fault)))?;
    Ok(Looked {
        scopes,
        calls: u64::from(operation.preflight().is_some()),
        quota: access.lane.figures().window.map(|window| window.allowed),
    })
}

/// Makes the operation's own look, paced and tried again as every call is.
async fn look(
    access: &Access,
    operation: &dyn Operation,
    preflight: &Preflight,
    run: Option<&Shared>,
) -> Result<(), Fault> {
    let mut attempts = 0;
    let mut throttled = 0;
    let mut fresh_token = FreshToken::Untried;
    loop {
        // also where a pause, or a fault, gave up the look that was told to wait
        access.may_look().await;
        let (leave, token) = access.leave(Stage::Preflight).await?;
        let brought = match run {
            Some(run) => run.call(&preflight.request, &token, leave).await,
            None => access.call(&preflight.request, &token, leave).await,
        };
        attempts += 1;
        let situation = Situation {
            attempts,
            max_attempts: access.delivery.max_attempts,
            records: 1,
            batch: BatchKind::Single,
            named_indices: false,
            fresh_token,
            sends: CallKind::Reading,
            in_progress_since: None,
            earlier: Certainty::Sure,
            unsure: UnsurePolicy::Retry,
            unreachable: Unreachable::Faults,
        };
        let said = &brought.error.message;
        match decide(brought.outcome, &situation) {
            Verdict::Accepted => {
                let Some(answer) = brought.answer else { continue };
                if answer.cut {
                    let why = "the platform's answer is longer than is read (10 MB), and was cut off";
                    return Err(faults::preflight(preflight.what, why, ""));
                }
                operation.learn(&answer.body).map_err(|why| faults::preflight(preflight.what, &why, ""))?;
                if let Some(run) = run {
                    keep(run, &answer.body);
                }
                return Ok(());
            }
            Verdict::FreshToken => {
                attempts -= 1;
                fresh_token = FreshToken::JustTried;
                access.fresh_token(&token).await?;
            }
            Verdict::Wait { counts, .. } => {
                if counts == Counts::Nothing {
                    attempts -= 1;
                    throttled += 1;
                }
                let delay = access.back_off(attempts.max(throttled).max(1), brought.retry_after);
                let until = Instant::now() + delay;
                if brought.retry_after.is_some() {
                    access.look_waits(until);
                    if let Some(run) = run {
                        run.waits_until(until).await;
                    }
                }
                if access.is_too_long(brought.retry_after) {
                    return Err(faults::parked(moment(until)));
                }
                sleep_until(until).await;
            }
            Verdict::FaultMissingScope => {
                return Err(faults::missing_scope(operation.kind().scopes(), token.scopes.as_deref(), said));
            }
            Verdict::FaultClientRefused => return Err(faults::token_refused_twice(said)),
            Verdict::FaultUnreachable => return Err(brought.unreachable()),
            Verdict::Fail { .. } | Verdict::Unsure | Verdict::Split | Verdict::Isolate => {
                let status = brought.status.map_or_else(String::new, |status| format!("status {status}"));
                return Err(faults::preflight(preflight.what, &status, said));
            }
        }
    }
}

/// Keeps what was learnt, for checks of what a person edits. The run needs nothing of that.
fn keep(run: &Shared, learnt: &[u8]) {
    let folder = run.journal.run_folder(run.run).map_err(std::io::Error::other);
    if let Err(error) = folder.and_then(|folder| super::checker::keep(&folder, learnt)) {
        tracing::warn!(%error, "what the platform has told could not be kept");
    }
}
