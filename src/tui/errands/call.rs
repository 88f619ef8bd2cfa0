//! The call that sends a failure, as a command for a shell: what an engineer or the platform's support tries by hand. The
//! token is never in it: the command takes it from a variable.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::journal::{JournalError, Reader, RunRow};
use crate::model::FailureId;
use crate::operation::{self, Admitted, Draft, Progress, Step};
use crate::plan::Plan;
use crate::platform::Request;

/// The largest body that is copied: no terminal takes more for pasting.
const LARGEST: usize = 60_000;

/// The call, or why there is none.
pub(super) fn call(
    reader: &Reader,
    run: &RunRow,
    id: FailureId,
) -> Result<Result<String, String>, JournalError> {
    if !id.is_item() {
        return Ok(Err("a row of an import's result has no call of its own".to_owned()));
    }
    let Some(item) = reader.retry_item(run, id.item)? else {
        return Ok(Err("it is no failure any more".to_owned()));
    };
    let Some(record) = item.record.map(Bytes::from) else {
        return Ok(Err("the journal does not hold its record".to_owned()));
    };
    if record.len() > LARGEST {
        return Ok(Err("its record is too large for a terminal to take".to_owned()));
    }
    let made = Plan::from_toml(&run.plan).ok().and_then(|plan| operation::of(&plan).ok());
    let Some(operation) = made else {
        return Ok(Err("the plan of the run can't be read any more".to_owned()));
    };
    let records = if item.extent.count > 1 { elements(&record) } else { vec![record] };
    let admitted: Result<Vec<Admitted>, _> = records.into_iter().map(|one| operation.admit(one)).collect();
    let Ok(records) = admitted else {
        return Ok(Err("our own check refuses it: there is no call".to_owned()));
    };
    let dataset = usize::try_from(item.extent.dataset).ok().and_then(|number| run.datasets.get(number));
    let correlation_id: Arc<str> = Arc::from(dataset.map_or("", |dataset| dataset.correlation_id.as_str()));
    let draft = Draft { seq: item.seq, extent: item.extent, records, correlation_id, holes: item.holes };
    let item = operation.build(run.id, draft);
    match operation.next(&item, &mut Progress::default(), None) {
        Step::Call(call) => Ok(in_words(run, &call.request)),
        _ => Ok(Err("it begins with no call".to_owned())),
    }
}

fn elements(record: &Bytes) -> Vec<Bytes> {
    serde_json::from_slice::<Vec<&RawValue>>(record).map_or_else(
        |_| vec![record.clone()],
        |all| all.into_iter().map(|one| record.slice_ref(one.get().as_bytes())).collect(),
    )
}

fn in_words(run: &RunRow, request: &Request) -> Result<String, String> {
    let url = format!("{}{}", run.api_url.trim_end_matches('/'), request.path);
    let mut parts = vec![
        format!("curl -X {} {}", request.method, quoted(&url)),
        "-H \"Authorization: Bearer $TOKEN\"".to_owned(),
    ];
    if let Some(key) = &request.idempotency_key {
        parts.push(format!("-H {}", quoted(&format!("Idempotency-Key: {key}"))));
    }
    if let Some(id) = &request.correlation_id {
        parts.push(format!("-H {}", quoted(&format!("X-Genesys-Correlation-Id: {id}"))));
    }
    if let Some(payload) = &request.body {
        let kind = payload.content_type.to_str().unwrap_or("application/octet-stream");
        parts.push(format!("-H {}", quoted(&format!("Content-Type: {kind}"))));
        let body = std::str::from_utf8(&payload.bytes).map_err(|_| "its body is no text".to_owned())?;
        parts.push(format!("--data-binary {}", quoted(body)));
    }
    Ok(parts.join(" \\\n  "))
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
