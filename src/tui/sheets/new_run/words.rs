//! What the settings of a plan are called in the form, and what they are for.

use crate::model::OperationKind;

/// The label of a setting and what it is for; none for a setting that nobody has named yet.
pub(super) fn of(key: &str) -> Option<(&'static str, &'static str)> {
    Some(match key {
        "workers" => ("Workers", "calls at a time, 1 to 1000"),
        "rate" => ("Ceiling", "calls a second, 0 for none"),
        "burst" => ("Burst", "calls that may start at once"),
        "adapt" => ("Learn the pace", "slower at \"slow down\", faster later"),
        "max_attempts" => ("Tries", "for each, \"slow down\" not counted"),
        "backoff.base" => ("First wait", "between two tries, at most"),
        "backoff.cap" => ("Longest wait", "between two tries"),
        "timeout" => ("Time for a call", "30s, or 30s + 1s/100kB"),
        "pool_pause_threshold" => ("Pool pause", "a longer wait stops all workers"),
        "retry_after_limit" => ("Park the run", "where the platform asks for more"),
        "throttle_patience" => ("Patience", "so long nothing but \"slow down\""),
        "unsure" => ("No answer", "it may have arrived, or not"),
        "fault_after" => ("Fault after", "failures alike in a row, 0 never"),
        "path" => ("Path", "where calls go on the platform"),
        "chunk_records" => ("Records a batch", "at most"),
        "chunk_bytes" => ("Bytes a batch", "at most"),
        "after_failure" => ("After a failure", "what becomes of the rest"),
        "correlation_window" => ("Kept open for", "by the platform; empty: no end"),
        "action" => ("Data Action", "its id"),
        "wrap" => ("Body", "what the platform is sent"),
        "key_scope" => ("Done before", "what counts as the same"),
        "quote_keys" => ("Quote keys", "in the Idempotency-Key header"),
        "result_ttl" => ("Result stands", "for so long it is not done again"),
        "lock_lease" => ("Lock outlives", "a process that was killed"),
        "schema" => ("Schema", "`interaction`, or a file"),
        "isolate" => ("Take apart", "refused batches; the good ones go"),
        "poll_path" => ("Path of a job", "empty: the path, then the id"),
        "poll_timeout" => ("Watch a job", "for so long at most"),
        "max_open_jobs" => ("Open jobs", "at most"),
        "job_states" => ("Job states", "{ DONE = \"completed\" }"),
        "contact_path" => ("Contact path", "{contactId} stands for the id"),
        "hierarchy_path" => ("Outcomes path", "where the tenant's outcomes are"),
        "preflight" => ("Check outcomes", "against the tenant's, before"),
        "check_contacts" => ("Look up first", "each contact; a call more"),
        "outcome_map" => ("Outcome map", "{ A1 = [\"Contacted\", \"No budget\"] }"),
        "outcome_field" => ("Outcome field", "holds the code of the map"),
        _ => return None,
    })
}

/// The words that a setting may have, each as the plan writes it and as a person reads it.
pub(super) fn options(key: &str) -> Option<&'static [(&'static str, &'static str)]> {
    Some(match key {
        "unsure" => &[("retry", "send again"), ("fail", "ask a person")],
        "after_failure" => &[("continue", "the rest goes"), ("stop", "stop there")],
        "wrap" => &[("none", "the record"), ("inputs", "within inputs")],
        "key_scope" => &[("content", "same content"), ("run", "same run's record")],
        _ => return None,
    })
}

/// What an operation does.
pub(super) const fn what(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Ingest => "sends records in chunks, in order (Genesys)",
        OperationKind::Execute => "runs a Data Action for each record (Genesys)",
        OperationKind::Exchange => "sends checked records in batches (Genesys)",
        OperationKind::Import => "starts an import job for each record (Genesys)",
        OperationKind::Outcomes => "sets the outcome of each contact (CXone)",
    }
}

/// The settings that are seen before the others are unfolded, in their order.
pub(super) const fn first(kind: OperationKind) -> &'static [&'static str] {
    match kind {
        OperationKind::Execute => &["action", "workers", "rate", "burst", "max_attempts", "unsure"],
        OperationKind::Exchange => &["schema", "workers", "rate", "burst", "max_attempts", "unsure"],
        _ => &["workers", "rate", "burst", "max_attempts", "unsure"],
    }
}

/// How many columns the value of a setting has.
pub(super) fn width(key: &str) -> u16 {
    match key {
        "workers" | "rate" | "burst" | "max_attempts" | "fault_after" | "max_open_jobs" | "chunk_records" => {
            5
        }
        "backoff.base"
        | "backoff.cap"
        | "pool_pause_threshold"
        | "retry_after_limit"
        | "throttle_patience"
        | "correlation_window"
        | "result_ttl"
        | "lock_lease"
        | "poll_timeout" => 8,
        "chunk_bytes" => 10,
        "unsure" | "after_failure" | "wrap" => 14,
        "key_scope" => 18,
        "timeout" => 16,
        "outcome_field" => 20,
        "action" | "schema" => 24,
        _ => 28,
    }
}
