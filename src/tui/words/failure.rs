//! Failures in plain words: what happened, and what a person can do. The words themselves are `crate::plain`'s.

use crate::journal::FailureRow;
use crate::model::OperationKind;
use crate::plain::{self, About, Best, Kind};

/// What happened to a failure, in a few words for the list.
pub(in crate::tui) fn in_short(row: &FailureRow, operation: Option<OperationKind>) -> &'static str {
    &plain::failure(&kind_of(row, operation)).short
}

/// What happened to a failure, as a sentence.
pub(in crate::tui) fn sentence_of(row: &FailureRow, operation: Option<OperationKind>) -> String {
    let kind = kind_of(row, operation);
    plain::failure(&kind).sentence(&kind)
}

/// What a person can do about a failure, as a sentence that goes on after a colon.
pub(in crate::tui) fn advice(row: &FailureRow, operation: Option<OperationKind>) -> String {
    let kind = kind_of(row, operation);
    super::after_colon(&plain::failure(&kind).todo(&kind))
}

/// Why nobody knows whether it was carried out, as a sentence; nothing where that is known.
pub(in crate::tui) fn doubt(row: &FailureRow, operation: Option<OperationKind>) -> Option<String> {
    kind_of(row, operation).doubt_in_words()
}

/// The best thing to do about a failure.
pub(in crate::tui) fn best_of(row: &FailureRow, operation: Option<OperationKind>) -> Best {
    plain::failure(&kind_of(row, operation)).advice
}

fn kind_of(row: &FailureRow, operation: Option<OperationKind>) -> Kind<'_> {
    let about = match &row.remote_id {
        _ if !row.id.is_item() => About::Row,
        Some(_) => About::Job,
        None => About::Item,
    };
    Kind {
        operation,
        about,
        state: row.state,
        stage: row.stage,
        status: row.status,
        code: row.code.as_deref(),
        message: &row.message,
        doubtful: row.doubtful,
        edited: row.edited,
        count: row.count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FailureId, Stage};
    use crate::tui::tests::fixtures::failure;

    const IMPORT: Option<OperationKind> = Some(OperationKind::Import);

    #[test]
    fn a_row_of_a_result_and_a_job_are_told_apart_from_what_was_sent() {
        let job = FailureRow {
            stage: Stage::Polling,
            status: None,
            code: Some("import.timed_out".to_owned()),
            remote_id: Some("job-7".to_owned()),
            ..failure(180)
        };
        assert_eq!(in_short(&job, IMPORT), "not at its end in time");
        assert!(advice(&job, IMPORT).starts_with("ask the platform again"));
        let id = FailureId { item: 180, row: 1 };
        let row = FailureRow { id, stage: Stage::Result, code: Some("VALUE_TOO_LONG".to_owned()), ..job };
        assert_eq!(in_short(&row, IMPORT), "row refused: value too long");
    }

    #[test]
    fn a_doubt_is_told_and_only_where_there_is_one() {
        let refused = failure(180);
        assert_eq!(doubt(&refused, None), None);
        let lost = FailureRow {
            status: None,
            code: Some("no.answer".to_owned()),
            message: "calling `h`: no complete answer within 30 s".to_owned(),
            doubtful: true,
            ..refused
        };
        assert!(doubt(&lost, None).unwrap().contains("in the time that is allowed"));
        assert_eq!(sentence_of(&lost, None), "No answer came. It may have arrived, or not.");
    }
}
