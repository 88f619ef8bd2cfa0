//! All that was found, in one file that can be given to whoever helps: without what is nobody else's business.
//!
//! One text of JSON and no archive, so that a person reads it before it is sent. What must not be in it is kept out twice:
//! only what is named here is written, and every text of it is cleaned of names and places that are known
//! ([`redact`](mod@redact)).

mod redact;

use std::io::Write;

use serde_json::{Value, json};

use super::{Area, Finding, Subject};
use crate::config::{AuthMethod, SecretSource, StorePlace};
use crate::journal::{Cause, JournalError, Query, Reader, Repeats, RunRow, View, nameless};
use crate::machine;
use crate::model::Fault;
use crate::plain;
use crate::report::ReportError;
use crate::text::inert_json;
use redact::Redactor;

/// What stands at its top.
const ABOUT: [&str; 5] = [
    "A support bundle of trunkline: what `trunkline doctor` found, for whoever helps. Read it before you send it.",
    "In it: versions, settings, findings, and of runs their plans' numbers, counts, faults, and the causes of failures in words.",
    "Not in it: secrets and tokens, records and what stands in them, keys of items, answers of the platform as they came, names \
     of files, people, profiles and clients.",
    "What the platform said of an error is in it, without quoted texts, numbers, and every word that a failed record holds. Of \
     what it said when it refused a token or a permission, only known names are taken out.",
    "The hosts of Genesys Cloud's regions are named, since help needs them; every other host is `host-1`, `host-2` and so on.",
];

/// Keys of a plan's `[operation]` that hold a word of ours or a length of time, and so may be told.
const OWN_WORDS: [&str; 9] = [
    "kind",
    "after_failure",
    "correlation_window",
    "wrap",
    "key_scope",
    "result_ttl",
    "lock_lease",
    "poll_timeout",
    "isolate",
];

/// What goes into a bundle.
#[derive(Debug)]
pub struct Bundled<'a> {
    /// What was looked at.
    pub subject: &'a Subject<'a>,
    /// What was found.
    pub findings: &'a [Finding],
    /// The runs to tell of, and the journal that knows them.
    pub runs: Option<(&'a Reader, &'a [RunRow])>,
}

/// Writes a bundle.
///
/// # Errors
///
/// It could not be written, or the journal not be read.
pub fn write_bundle(out: &mut dyn Write, bundled: &Bundled<'_>) -> Result<(), ReportError> {
    let runs = bundled.runs.map_or(&[][..], |(_, runs)| runs);
    let redactor = Redactor::of(bundled.subject, runs);
    let mut told = Vec::new();
    if let Some((reader, runs)) = bundled.runs {
        for run in runs {
            told.push(of_run(reader, run)?);
        }
    }
    let mut bundle = json!({
        "configuration": configuration(bundled.subject),
        "findings": bundled.findings.iter().map(|one| of_finding(one, bundled.subject)).collect::<Vec<_>>(),
        "runs": told,
        "system": {
            "trunkline": env!("CARGO_PKG_VERSION"),
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
            "at": machine::now(),
        },
    });
    redactor.clean(&mut bundle);
    if let Value::Object(pieces) = &mut bundle {
        pieces.insert("about".to_owned(), json!(ABOUT));
    }
    let json = serde_json::to_string_pretty(&bundle).map_err(std::io::Error::from)?;
    Ok(writeln!(out, "{}", inert_json(&json))?)
}

/// What the platform or a dataset said stands with the run, where it is masked. What stands in a configuration that cannot
/// be read is known to nobody, and so is whether it may be told.
fn of_finding(finding: &Finding, subject: &Subject<'_>) -> Value {
    let is_quoting =
        finding.area == Area::Run && ["faults", "dataset"].iter().any(|what| finding.what.starts_with(what));
    let is_refused = finding.area == Area::Configuration && subject.config.is_err();
    let found = match () {
        () if is_refused => "it is refused; whoever made this sees why on the screen",
        () if is_quoting => "see `runs`",
        () => &finding.found,
    };
    json!({
        "area": finding.area,
        "what": finding.what,
        "state": finding.state,
        "found": found,
        "advice": finding.advice.as_ref().filter(|_| !is_refused),
    })
}

fn configuration(subject: &Subject<'_>) -> Value {
    let store = match subject.config.map(|config| &config.store) {
        Ok(StorePlace::Embedded) => "embedded",
        Ok(StorePlace::Redis { .. }) => "redis",
        Err(_) => "unknown",
    };
    let profiles: Vec<_> = subject
        .profiles()
        .map(|profile| {
            json!({
                "name": profile.name,
                "platform": profile.platform,
                "api_host": profile.api_url.host_str(),
                "auth_host": profile.auth_url.host_str(),
                "auth": match profile.auth {
                    AuthMethod::ClientCredentials { client_auth } => client_auth.word(),
                    AuthMethod::AccessKey => "access_key",
                },
                "production": profile.production,
                "read_only": profile.read_only,
                "own_certificates": profile.ca_file.is_some(),
                "secret_in": match &profile.secret {
                    SecretSource::Keyring => "keyring",
                    SecretSource::Env(_) => "env",
                    SecretSource::File(_) => "file",
                    SecretSource::Command(_) => "command",
                },
            })
        })
        .collect();
    json!({ "store": store, "profiles": profiles })
}

fn of_run(reader: &Reader, run: &RunRow) -> Result<Value, JournalError> {
    let causes = reader.causes(run, &Query { view: View::Open, ..Query::default() })?;
    let faults = reader.faults(run)?;
    let said = causes.iter().flat_map(|cause| [Some(cause.message.as_str()), cause.code.as_deref()]);
    let words = reader.repeats(run, said.flatten())?;
    let datasets: Vec<_> = (1..)
        .zip(&run.datasets)
        .map(|(number, dataset): (u32, _)| {
            json!({
                "number": number,
                "format": dataset.format,
                "bytes": dataset.bytes,
                "records": dataset.records,
                "planned": dataset.planned,
            })
        })
        .collect();
    Ok(json!({
        "run": run.id.to_string(),
        "operation": run.operation,
        "platform": run.platform,
        "profile": run.profile,
        "production": run.production,
        "state": run.state,
        "carried": run.carrier.is_some(),
        "clean": run.clean,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "took_ms": u64::try_from(run.took.as_millis()).unwrap_or(u64::MAX),
        "items": run.items,
        "records": run.records,
        "rows_failed": run.rows_failed,
        "from_store": run.from_store,
        "requests": run.requests,
        "retries": run.retries,
        "throttled": run.throttled,
        "troubles": run.troubles,
        "quota": run.quota,
        "datasets": datasets,
        "plan": plan(&run.plan),
        "faults": faults.iter().map(of_fault).collect::<Vec<_>>(),
        "causes": causes.iter().map(|cause| of_cause(cause, &words)).collect::<Vec<_>>(),
    }))
}

fn of_fault(fault: &Fault) -> Value {
    json!({
        "at": fault.at,
        "kind": fault.kind,
        "message": nameless(fault),
        "advice": fault.advice,
        "resumes_at": fault.resumes_at,
    })
}

/// Its message is masked already: quoted texts, numbers and words with digits are not in it.
fn of_cause(cause: &Cause, words: &Repeats) -> Value {
    json!({
        "stage": cause.stage,
        "status": cause.status,
        "code": cause.code.as_deref().map(|code| {
            if plain::knows_code(code) { code.to_owned() } else { words.without_in_code(code) }
        }),
        "message": words.without(&cause.message),
        "items": cause.items,
        "records": cause.records,
        "doubtful": cause.doubtful,
        "edited": cause.edited,
        "first_at": cause.first_at,
        "last_at": cause.last_at,
        "tries": [cause.tries.0, cause.tries.1],
    })
}

/// Of a plan its numbers, its switches, and the words that are ours.
fn plan(text: &str) -> Value {
    let Ok(table) = text.parse::<toml::Table>() else { return Value::Null };
    let section = |name: &str, tells: &dyn Fn(&str) -> bool| {
        let section = table.get(name).and_then(toml::Value::as_table);
        let pieces = section.into_iter().flatten().map(|(key, value)| {
            let told = match value {
                toml::Value::Integer(number) => json!(number),
                toml::Value::Float(number) => json!(number),
                toml::Value::Boolean(truth) => json!(truth),
                value if tells(key) => json!(value),
                toml::Value::Table(table) => json!(format!("… ({} keys)", table.len())),
                _ => json!("…"),
            };
            (key.clone(), told)
        });
        Value::Object(pieces.collect())
    };
    json!({
        "operation": section("operation", &|key| OWN_WORDS.contains(&key)),
        "delivery": section("delivery", &|_| true),
    })
}
