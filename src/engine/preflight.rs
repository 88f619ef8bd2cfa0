//! All that is looked at before the first item goes: the token, its scopes, and what the operation wants to know.

use tokio::time::sleep;

use super::carry::Shared;
use super::faults;
use crate::model::Fault;
use crate::operation::Preflight;
use crate::pacing::{BatchKind, CallKind, Certainty, FreshToken, Situation, UnsurePolicy, Verdict, decide};

/// Makes ready, or says what a person has to mend.
pub(super) async fn prepare(shared: &Shared) -> Result<(), Fault> {
    let token = match shared.tokens.get().await {
        Ok(token) => token,
        Err(error) => shared.token_after(error).await?,
    };
    let needed = shared.operation.scopes();
    if let Some(held) = &token.scopes
        && !needed.iter().all(|scope| held.iter().any(|one| one == scope))
    {
        return Err(faults::missing_scope(needed, Some(held), ""));
    }
    match shared.operation.preflight() {
        Some(preflight) => look(shared, &preflight).await,
        None => Ok(()),
    }
}

/// Makes the operation's own look, paced and tried again as every call is.
async fn look(shared: &Shared, preflight: &Preflight) -> Result<(), Fault> {
    let mut attempts = 0;
    let mut throttled = 0;
    let mut fresh_token = FreshToken::Untried;
    let mut stale = None;
    loop {
        let renewed = match stale.take() {
            Some(stale) => shared.tokens.renew_after(&*stale).await,
            None => shared.tokens.get().await,
        };
        let token = match renewed {
            Ok(token) => token,
            Err(error) => shared.token_after(error).await?,
        };
        let leave = shared.lane.leave().await;
        let brought = shared.call(&preflight.request, &token, leave).await;
        attempts += 1;
        let situation = Situation {
            attempts,
            max_attempts: shared.plan.delivery.max_attempts,
            records: 1,
            batch: BatchKind::Single,
            named_indices: false,
            fresh_token,
            sends: CallKind::Reading,
            in_progress_since: None,
            earlier: Certainty::Sure,
            unsure: UnsurePolicy::Retry,
        };
        let said = &brought.error.message;
        match decide(brought.outcome, &situation) {
            Verdict::Accepted => {
                let Some(answer) = brought.answer else { continue };
                return shared.operation.learn(&answer).map_err(|why| faults::preflight(preflight.what, &why));
            }
            Verdict::FreshToken => {
                attempts -= 1;
                fresh_token = FreshToken::JustTried;
                stale = Some(token);
            }
            Verdict::Wait { counts, .. } => {
                if counts == crate::pacing::Counts::Nothing {
                    attempts -= 1;
                    throttled += 1;
                }
                sleep(shared.back_off(attempts.max(throttled).max(1), brought.retry_after)).await;
            }
            Verdict::FaultMissingScope => {
                return Err(faults::missing_scope(shared.operation.scopes(), token.scopes.as_deref(), said));
            }
            Verdict::FaultClientRefused => return Err(faults::client_refused(said.clone())),
            Verdict::FaultUnreachable => return Err(faults::unreachable(said.clone())),
            Verdict::Fail { .. } | Verdict::Unsure | Verdict::Split | Verdict::Isolate => {
                let status = brought.status.map_or_else(String::new, |status| format!("status {status}: "));
                return Err(faults::preflight(preflight.what, &format!("{status}{said}")));
            }
        }
    }
}
