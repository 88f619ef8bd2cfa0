//! Failures in plain words: what happened, and what a person can do.

use crate::journal::FailureRow;
use crate::model::{FailureState, OperationKind, Stage, Violation};
use crate::tui::numbers;

/// What happened to a failure, in a few words for the list.
pub(in crate::tui) fn in_short(row: &FailureRow, operation: Option<OperationKind>) -> &'static str {
    match row.state {
        FailureState::Dismissed => return "closed by a person",
        FailureState::Delivered => return "delivered since",
        FailureState::Failed | FailureState::Invalid => {}
    }
    if row.state == FailureState::Invalid || row.stage == Stage::Validation {
        return match row.code.as_deref() {
            Some("outcome.unknown") => "not sent: no such outcome",
            Some("record.too_large") => "not sent: too large",
            Some("schema.violated") => "not sent: breaks the schema",
            _ => "not sent: our check said no",
        };
    }
    match (row.stage, row.code.as_deref()) {
        (Stage::Polling, Some("import.timed_out")) => return "not at its end in time",
        (Stage::Polling, _) if row.status.is_none() => return "the job failed",
        (Stage::Polling, _) => return "the job cannot be watched",
        (Stage::Result, _) if !row.id.is_item() => return "a row was not imported",
        (Stage::Result, _) => return "no result to be had",
        _ => {}
    }
    let contact = operation == Some(OperationKind::Outcomes);
    match row.status {
        None | Some(502 | 504) => "no answer: may have arrived",
        Some(400 | 422) => "refused: something is wrong",
        Some(401 | 403) => "refused: not allowed",
        Some(404) if contact => "refused: unknown contact",
        Some(404) => "refused: not known there",
        Some(409) if contact => "refused: contact in use",
        Some(409) => "refused: in use",
        Some(410) => "refused: gone",
        Some(413) => "refused: too large",
        Some(429) => "told to slow down",
        Some(500..=599) => "the platform was in trouble",
        Some(300..=399) => "sent elsewhere: not followed",
        Some(_) => "refused",
    }
}

/// What happened to a failure, as a sentence.
pub(in crate::tui) fn sentence_of(row: &FailureRow, operation: Option<OperationKind>) -> String {
    let contact = operation == Some(OperationKind::Outcomes);
    let (thing, them) = if contact {
        ("contact", "this contact".to_owned())
    } else if row.count == 1 {
        ("record", "this record".to_owned())
    } else {
        ("records", format!("these {} records", numbers::count(row.count)))
    };
    if row.state == FailureState::Invalid || row.stage == Stage::Validation {
        return match row.code.as_deref() {
            Some("outcome.unknown") => {
                "The platform has no such outcome. Our own check found it before the call; it was not sent."
                    .to_owned()
            }
            Some("record.too_large") => {
                "It is larger than the platform takes. Our own check found it; it was not sent.".to_owned()
            }
            Some("schema.violated") => {
                "It does not pass the plan's schema. Our own check found it; it was not sent.".to_owned()
            }
            _ => "Our own check refused it before the call; it was not sent.".to_owned(),
        };
    }
    match (row.stage, row.code.as_deref()) {
        (Stage::Polling, Some("import.timed_out")) => {
            return "The import was started, and had not come to its end when we stopped looking.".to_owned();
        }
        (Stage::Polling, _) if row.status.is_none() => {
            return "The import was started, and the platform says that it failed.".to_owned();
        }
        (Stage::Polling, _) => return "The import was started, and we could not see its end.".to_owned(),
        (Stage::Result, _) if !row.id.is_item() => {
            return "The import is done, and this row of its file was not taken.".to_owned();
        }
        (Stage::Result, _) => {
            return "The import is done, and what it came to could not be fetched.".to_owned();
        }
        _ => {}
    }
    match row.status {
        None | Some(502 | 504) => "No answer came. It may have arrived, or not.".to_owned(),
        Some(400 | 422) => format!("The platform refused {them}: something in it is wrong."),
        Some(401 | 403) => "The platform did not allow it.".to_owned(),
        Some(404) => format!("The platform does not know {them}."),
        Some(409) if contact => "The contact was in use, for example still open with an agent.".to_owned(),
        Some(409) => "Somebody else was changing it at that moment.".to_owned(),
        Some(410) => format!("The platform says that the {thing} is gone for good."),
        Some(413) => "It is larger than the platform takes.".to_owned(),
        Some(429) => "The platform said \"slow down\".".to_owned(),
        Some(500..=599) => "The platform was in trouble, each time.".to_owned(),
        Some(300..=399) => "The platform pointed to another address; that is never followed.".to_owned(),
        Some(_) => format!("The platform refused {them}."),
    }
}

/// What a person can do about a failure.
pub(in crate::tui) fn advice(row: &FailureRow) -> &'static str {
    match row.state {
        FailureState::Dismissed => return "nothing: a person closed it",
        FailureState::Delivered => return "nothing: it was delivered since",
        FailureState::Invalid => {
            return "mend it where it comes from; r checks it again and sends it if it passes";
        }
        FailureState::Failed => {}
    }
    if !row.id.is_item() {
        return "mend the row in the file that was imported, and import it anew; then close this";
    }
    if row.remote_id.is_some() {
        return "ask the platform again (r): the job is looked at, and never started twice";
    }
    match row.status {
        None | Some(502 | 504) => "send it again (r): it goes under the same key, so that it is done once",
        Some(409 | 429 | 500 | 503) => "send it again (r), a little later",
        Some(404 | 410) => "find out whether it still exists there; sending the same again seldom helps",
        Some(400 | 413 | 422) => "mend it where it comes from; sending the same again seldom helps",
        Some(401 | 403) => "ask who keeps the platform's permissions, then send it again (r)",
        Some(_) => "ask an engineer, or send it again (r)",
    }
}

/// The places in a record where something is wrong.
pub(in crate::tui) fn violation(violation: &Violation) -> String {
    format!("✗ {}: {}", violation.place, violation.reason)
}
