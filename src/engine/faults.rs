//! The faults of a run, in words: what is wrong, and what a person can do about it.

use jiff::Timestamp;

use crate::journal::Trouble;
use crate::machine;
use crate::model::{Fault, FaultKind};
use crate::plain;

pub(super) fn fault(kind: FaultKind, message: String, advice: &str) -> Fault {
    Fault { at: machine::now(), kind, message, advice: advice.to_owned(), resumes_at: None }
}

pub(super) fn client_refused(message: &str, said: &str) -> Fault {
    fault(
        FaultKind::ClientRefused,
        Fault::message_with(message, said),
        "check the profile's client id, secret and region (`trunkline profile test`), then go on",
    )
}

pub(super) fn token_refused_twice(said: &str) -> Fault {
    client_refused("the platform refused two fresh tokens in a row", said)
}

pub(super) fn missing_scope(needed: &[&str], held: Option<&[String]>, said: &str) -> Fault {
    let needed = needed.join(" ");
    let held = match held {
        Some([]) => "the token has none".to_owned(),
        Some(held) => format!("the token has `{}`", crate::text::one_line(&held.join(" "), 500)),
        None => "the token's answer names no scopes: roles decide".to_owned(),
    };
    fault(
        FaultKind::MissingScope,
        Fault::message_with(&format!("the operation needs `{needed}`; {held}"), said),
        "let an administrator give the client this scope or a role with this permission, then go on",
    )
}

pub(super) fn unreachable(message: &str, said: &str) -> Fault {
    fault(
        FaultKind::Unreachable,
        Fault::message_with(message, said),
        "check the network and the profile's URLs; nothing is lost, go on when the host can be reached",
    )
}

pub(super) fn dataset_changed(message: String) -> Fault {
    fault(
        FaultKind::DatasetChanged,
        message,
        "put the file back as it was and resume, or begin a new run with the file as it is now",
    )
}

pub(super) fn no_dataset(message: String) -> Fault {
    fault(
        FaultKind::NoDataset,
        message,
        "nothing was sent; begin a new run with a JSON array, NDJSON or CSV that holds records",
    )
}

pub(super) fn dataset_broken(message: String) -> Fault {
    fault(
        FaultKind::DatasetBroken,
        message,
        "what came before that place is delivered; begin a new run with what is missing",
    )
}

pub(super) fn disk(trouble: &Trouble) -> Fault {
    let goes_on = if trouble.heals { "; the run goes on by itself then" } else { "" };
    fault(
        FaultKind::Disk,
        format!("the journal cannot be written: {}", crate::text::one_line(&trouble.message, 300)),
        &format!("{}{goes_on}", trouble.advice),
    )
}

/// How long after a disk's trouble that the journal does not share it is tried again.
const DISK_AGAIN: std::time::Duration = std::time::Duration::from_secs(30);

/// The disk fails for something other than the journal. Nothing tells when that is over, so it is tried again.
pub(super) fn disk_for_now(message: &str) -> Fault {
    let advice =
        "make room on the disk that holds the data folder; the run tries again by itself every 30 seconds";
    let again = machine::now().saturating_add(DISK_AGAIN).unwrap_or(Timestamp::MAX);
    Fault { resumes_at: Some(again), ..data_folder_with(message, advice) }
}

/// The disk fails so that this carrying-out comes to its end.
pub(super) fn data_folder(message: &str) -> Fault {
    data_folder_with(message, "make room on the disk that holds the data folder, or mend it, then go on")
}

fn data_folder_with(message: &str, advice: &str) -> Fault {
    let message = crate::text::one_line(message, 300);
    fault(FaultKind::Disk, format!("the data folder cannot be used: {message}"), advice)
}

pub(super) fn same_failures(count: u32, status: Option<u16>, code: Option<&str>) -> Fault {
    let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let message = format!("{count} items in a row failed in the same way: {status}");
    let message = match code {
        Some(code) if plain::knows_code(code) => format!("{message} {code}"),
        code => Fault::message_with(&message, code.unwrap_or_default()),
    };
    fault(
        FaultKind::SameFailures,
        message,
        "look at the failures; where they are right, go on, otherwise mend the plan and begin a new run",
    )
}

pub(super) fn parked(until: Timestamp) -> Fault {
    let mut fault = fault(
        FaultKind::Parked,
        "the platform asks for a pause that is longer than the plan's retry_after_limit".to_owned(),
        // an event has no other place for the moment
        &format!(
            "nothing is called before {}: a run that is still open goes on by itself then, and a resume waits for it",
            until.strftime("%Y-%m-%dT%H:%M:%SZ")
        ),
    );
    fault.resumes_at = Some(until);
    fault
}

pub(super) fn throttled() -> Fault {
    fault(
        FaultKind::Throttled,
        "the platform has said nothing but \"slow down\" for longer than the plan's throttle_patience"
            .to_owned(),
        "something else uses up the tenant's quota: find it, or go on later",
    )
}

pub(super) fn chunk_failed(reason: &str) -> Fault {
    fault(
        FaultKind::ChunkFailed,
        Fault::message_with("a chunk failed, and the plan says after_failure = \"stop\"", reason),
        "a resume begins with that chunk; to leave it behind, resume a run whose plan says \"continue\"",
    )
}

pub(super) fn correlation_window(dataset: &str) -> Fault {
    fault(
        FaultKind::CorrelationWindow,
        format!(
            "the platform no longer keeps the set of `{dataset}` open: its last chunk is longer ago than the plan's correlation_window"
        ),
        "cancel this run and begin a new one, which opens a new set",
    )
}

pub(super) fn store(error: &crate::coordination::StoreError) -> Fault {
    fault(
        FaultKind::Store,
        error.to_string().lines().next().unwrap_or_default().to_owned(),
        "bring it back (`trunkline store status` tells where it is), then go on; nothing is executed unguarded",
    )
}

pub(super) fn still_owed() -> Fault {
    fault(
        FaultKind::Store,
        "the run was left before all results were in the store of locks and results".to_owned(),
        "go on with the run: it brings them there first",
    )
}

pub(super) fn preflight(what: &str, why: &str, said: &str) -> Fault {
    fault(
        FaultKind::Preflight,
        Fault::message_with(&format!("{what} could not be used: {why}"), said),
        "check the path in the plan, or turn the look off with `preflight = false`",
    )
}
