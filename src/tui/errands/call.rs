//! The call that sends a failure, as a command for a shell: what an engineer or the platform's support tries by hand. The
//! token is never in it: the command takes it from a variable.

use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::journal::{JournalError, Reader, RunRow};
use crate::model::FailureId;
use crate::operation::{self, Admitted, Draft, Progress, Step};
use crate::plan::Plan;
use crate::platform::Request;
use crate::text::lines;

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
    let body = request.body.as_ref().map(|payload| std::str::from_utf8(&payload.bytes));
    let body = body.transpose().map_err(|_| "its body is no text".to_owned())?;
    // what a terminal may obey, or a shell's line editor, does not stand in it as it is
    let printed = body.filter(|body| *lines(body) != **body || body.contains('\n'));
    let begins =
        printed.map_or_else(String::new, |body| format!("printf {} |\n  ", quoted(&for_printf(body))));
    let mut parts = vec![
        format!("{begins}curl -X {} {}", request.method, quoted(&url)),
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
    }
    if let Some(body) = body {
        let body = if printed.is_some() { "@-".to_owned() } else { quoted(body) };
        parts.push(format!("--data-binary {body}"));
    }
    Ok(parts.join(" \\\n  "))
}

/// A text as what `printf` (POSIX) writes as that text, byte for byte, and which itself is plain ASCII where it would be
/// no plain text.
fn for_printf(text: &str) -> String {
    let mut format = String::with_capacity(text.len() + 64);
    for char in text.chars() {
        match char {
            '\\' => format.push_str("\\\\"),
            '%' => format.push_str("%%"),
            char if *lines(char.encode_utf8(&mut [0; 4])) == *char.encode_utf8(&mut [0; 4])
                && char != '\n' =>
            {
                format.push(char);
            }
            char => {
                for byte in char.encode_utf8(&mut [0; 4]).bytes() {
                    // writing to a string cannot fail
                    let _ = write!(format, "\\{byte:03o}");
                }
            }
        }
    }
    format
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_prints_each_text_again_and_nothing_of_it_is_obeyed_before() {
        for text in
            ["plain", "it's 100 %\\n", "a\r\nb\tc", "\u{7f}\u{7f}; x\u{9b}2J\u{202e}é\u{1b}[201~", "%s\\0"]
        {
            let command = format!("printf {}", quoted(&for_printf(text)));
            assert_eq!(lines(&command), command, "{command:?}");
            let printed = Command::new("sh").args(["-c", &command]).output().unwrap().stdout;
            assert_eq!(String::from_utf8(printed).unwrap(), text);
        }
    }
}
