//! The store for several machines: a Redis (6 or newer, one node).
//!
//! Each operation is one script, so it happens at once or not at all, at a moment of Redis's own clock. A key is one hash:
//! a lock, a mark or a result. Redis forgets results and marks when their time is over, and locks long after their lease is,
//! because an ended lease is news. All names of a tenant share a hash tag, so that they would share a slot of a cluster.
//!
//! ```text
//!  trunkline:{tenant}:fence          the last fence
//!  trunkline:{tenant}:key:<digest>   kind, and with `lock`: run, item, fence, lease, until, taken, mark
//!                                          with `unsure`: mark; with `result`: fence, status, headers, body, at
//! ```

mod link;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use redis::{Cmd, Script, ScriptInvocation, Value};
use url::Url;

use super::{
    Claim, Found, Holder, KEPT, Kept, Mark, Purge, Release, Status, Store, StoreError, StoredResult, micros,
    redact, tenant,
};
use crate::config::SecretSource;
use crate::machine::Expiry;
use link::{Link, Question};

/// The most keys that one script looks at, because everybody waits for a script.
const PAGE: usize = 200;

/// A handle to the store.
pub(super) struct Redis {
    link: Link,
    tenant: String,
    scripts: Scripts,
    /// Whether the key that was claimed last had a result.
    had_result: AtomicBool,
}

struct Scripts {
    claim: Script,
    renew: Script,
    keep: Script,
    release: Script,
    survey: Script,
    purge: Script,
}

impl Redis {
    pub(super) fn new(url: &Url, password: Option<SecretSource>, tenant: String) -> Self {
        let scripts = Scripts {
            claim: Script::new(include_str!("scripts/claim.lua")),
            renew: Script::new(include_str!("scripts/renew.lua")),
            keep: Script::new(include_str!("scripts/keep.lua")),
            release: Script::new(include_str!("scripts/release.lua")),
            survey: Script::new(include_str!("scripts/survey.lua")),
            purge: Script::new(include_str!("scripts/purge.lua")),
        };
        let link = Link::new(url.clone(), password, redact(url));
        Self { link, tenant, scripts, had_result: AtomicBool::new(false) }
    }

    /// Where it is, without user and password.
    pub(super) fn place(&self) -> &str {
        self.link.place()
    }

    /// What it answers to a command, as text: of a list the last.
    pub(super) async fn tell(&self, command: &Cmd) -> Result<Option<String>, StoreError> {
        let answer = self.link.ask(Question::Command(command)).await?;
        let told = match &answer {
            Value::Array(parts) => parts.last().and_then(text_of),
            one => text_of(one),
        };
        Ok(told.map(str::to_owned))
    }

    /// The same text without the password.
    pub(super) async fn shown(&self, told: &str) -> String {
        self.link.shown(told.to_owned()).await
    }

    fn record(&self, key: &str) -> String {
        format!("trunkline:{{{}}}:key:{}", self.tenant, tenant::record(key))
    }

    async fn run(&self, script: &ScriptInvocation<'_>) -> Result<Value, StoreError> {
        self.link.ask(Question::Script(script)).await
    }

    /// The result that a key's record holds, if it is one that can be read.
    async fn result(&self, record: &str) -> Result<Option<StoredResult>, StoreError> {
        let mut read = Cmd::with_capacity(7, record.len() + 64);
        read.arg("HMGET").arg(record).arg(&["kind", "status", "headers", "body", "at"]);
        let Value::Array(mut parts) = self.link.ask(Question::Command(&read)).await? else { return Ok(None) };
        let is_result = parts.first().and_then(text_of) == Some("result");
        Ok(if is_result { stored_in(parts.split_off(1)) } else { None })
    }

    fn strange(&self, what: &str) -> StoreError {
        StoreError::strange(self.link.place(), &what)
    }

    /// Runs the script over all records of the tenant, a page at a time.
    async fn sweep(
        &self,
        script: &Script,
        word: &str,
        mut each: impl FnMut(Value) -> Option<()>,
    ) -> Result<(), StoreError> {
        let pattern = format!("trunkline:{{{}}}:key:*", self.tenant);
        let mut cursor = "0".to_owned();
        // a scan may show a key twice
        let mut seen = HashSet::new();
        loop {
            let mut scan = Cmd::new();
            scan.arg("SCAN").arg(&cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1000);
            let (next, records) = page_of(self.link.ask(Question::Command(&scan)).await?)
                .ok_or_else(|| self.strange("an answer to SCAN"))?;
            let fresh: Vec<_> = records.into_iter().filter(|record| seen.insert(record.clone())).collect();
            for records in fresh.chunks(PAGE) {
                let mut invocation = script.arg(word);
                for record in records {
                    invocation.key(record);
                }
                each(self.run(&invocation).await?).ok_or_else(|| self.strange("an answer of a script"))?;
            }
            if next == "0" {
                return Ok(());
            }
            cursor = next;
        }
    }
}

impl Store for Redis {
    fn claim<'a>(
        &'a self,
        key: &'a str,
        holder: Holder,
        lease: Duration,
        mark: Mark,
    ) -> BoxFuture<'a, Result<Claim, StoreError>> {
        Box::pin(async move {
            let until = Expiry::after(lease);
            let record = self.record(key);
            // then this one may have one, too, and to read it is half the work of a script
            if self.had_result.load(Ordering::Relaxed)
                && let Some(result) = self.result(&record).await?
            {
                return Ok(Found::Stored(result).told(key, until));
            }
            let mut script = self.scripts.claim.key(record);
            script.key(format!("trunkline:{{{}}}:fence", self.tenant));
            script.arg(holder.run.to_string()).arg(holder.item).arg(micros(lease));
            script.arg(match mark {
                Mark::Respect => "respect",
                Mark::Ignore => "ignore",
            });
            script.arg(micros(KEPT));
            match found_in(self.run(&script).await?) {
                Ok(found) => {
                    self.had_result.store(matches!(found, Found::Stored(_)), Ordering::Relaxed);
                    Ok(found.told(key, until))
                }
                Err(what) => Err(self.strange(&self.shown(&what).await)),
            }
        })
    }

    fn renew<'a>(
        &'a self,
        leases: &'a [(String, u64)],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Vec<Option<Expiry>>, StoreError>> {
        Box::pin(async move {
            let mut renewed = Vec::with_capacity(leases.len());
            for page in leases.chunks(PAGE) {
                let until = Expiry::after(lease);
                let mut script = self.scripts.renew.arg(micros(lease));
                script.arg(micros(KEPT));
                for (key, fence) in page {
                    script.key(self.record(key)).arg(*fence);
                }
                let told = numbers(&self.run(&script).await?)
                    .filter(|told| told.len() == page.len())
                    .ok_or_else(|| self.strange("an answer to a renewal"))?;
                renewed.extend(told.into_iter().map(|ours| (ours == 1).then_some(until)));
            }
            Ok(renewed)
        })
    }

    fn keep<'a>(
        &'a self,
        key: &'a str,
        fence: u64,
        result: &'a StoredResult,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Kept, StoreError>> {
        Box::pin(async move {
            let headers =
                serde_json::to_string(&result.headers).map_err(|error| self.strange(&error.to_string()))?;
            let mut script = self.scripts.keep.key(self.record(key));
            script.arg(fence).arg(result.status).arg(headers).arg(&result.body[..]);
            script.arg(result.at.as_microsecond()).arg(micros(ttl));
            match text_of(&self.run(&script).await?) {
                Some("stored") => Ok(Kept::Stored),
                Some("another") => Ok(Kept::AnotherWas),
                _ => Err(self.strange("an answer to a result")),
            }
        })
    }

    fn release<'a>(
        &'a self,
        key: &'a str,
        fence: u64,
        how: Release,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let how = match how {
                Release::Free => "free",
                Release::Unsure => "unsure",
            };
            let mut script = self.scripts.release.key(self.record(key));
            script.arg(fence).arg(how).arg(micros(ttl));
            self.run(&script).await.map(drop)
        })
    }

    fn status(&self) -> BoxFuture<'_, Result<Status, StoreError>> {
        Box::pin(async move {
            let mut status = Status { place: self.link.place().to_owned(), ..Status::default() };
            let count = |counted: Value| {
                let [locks, ended, unsure, results, bytes] = numbers(&counted)?.try_into().ok()?;
                status.locks += locks;
                status.ended += ended;
                status.unsure += unsure;
                status.results += results;
                status.bytes += bytes;
                Some(())
            };
            self.sweep(&self.scripts.survey, "", count).await?;
            Ok(status)
        })
    }

    fn purge(&self, what: Purge) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let word = match what {
                // a Redis forgets them by itself, at their time
                Purge::Expired => return Ok(0),
                Purge::Results => "results",
                Purge::All => "all",
            };
            let mut purged = 0;
            let count = |piece: Value| {
                purged += number_of(&piece)?;
                Some(())
            };
            self.sweep(&self.scripts.purge, word, count).await?;
            Ok(purged)
        })
    }
}

/// Reads the answer to a claim, or says what is strange about it.
fn found_in(answer: Value) -> Result<Found, String> {
    let strange = || "an answer to a claim".to_owned();
    let Value::Array(parts) = answer else { return Err(strange()) };
    let mut parts = parts.into_iter();
    let word = parts.next();
    let rest: Vec<_> = parts.collect();
    match (word.as_ref().and_then(text_of), rest.as_slice()) {
        (Some("granted"), [fence, taken]) => {
            let fence = number_of(fence).ok_or_else(strange)?;
            Ok(Found::Granted { fence, taken_over: text_of(taken) == Some("1") })
        }
        (Some("locked"), [left]) => {
            Ok(Found::Locked { left: Duration::from_micros(number_of(left).ok_or_else(strange)?) })
        }
        (Some("unsure"), []) => Ok(Found::Unsure),
        (Some("stored"), [_, _, _, _]) => {
            stored_in(rest).map(Found::Stored).ok_or_else(|| "a stored result".to_owned())
        }
        (Some("strange"), [what]) => Err(text_of(what).unwrap_or("a record").to_owned()),
        _ => Err(strange()),
    }
}

fn stored_in(parts: Vec<Value>) -> Option<StoredResult> {
    let [status, headers, body, at] = <[Value; 4]>::try_from(parts).ok()?;
    let Value::BulkString(body) = body else { return None };
    Some(StoredResult {
        status: number_of(&status)?.try_into().ok()?,
        headers: serde_json::from_str(text_of(&headers)?).ok()?,
        body: Bytes::from(body),
        at: Timestamp::from_microsecond(text_of(&at)?.parse().ok()?).ok()?,
    })
}

/// Reads an answer to `SCAN`: where to go on, and what was found.
fn page_of(answer: Value) -> Option<(String, Vec<Vec<u8>>)> {
    let Value::Array(parts) = answer else { return None };
    let [cursor, Value::Array(records)] = <[Value; 2]>::try_from(parts).ok()? else { return None };
    let bytes = |record| if let Value::BulkString(bytes) = record { Some(bytes) } else { None };
    Some((text_of(&cursor)?.to_owned(), records.into_iter().map(bytes).collect::<Option<_>>()?))
}

fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

fn number_of(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        other => text_of(other)?.parse().ok(),
    }
}

fn numbers(value: &Value) -> Option<Vec<u64>> {
    let Value::Array(parts) = value else { return None };
    parts.iter().map(number_of).collect()
}
