//! A profile: its secret, a token, what that allows, whether the API can be reached, and how far the clocks are apart.

use std::time::{Duration, SystemTime};

use http::Method;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::configuration::secret_home;
use super::{Area, Calls, Finding};
use crate::config::{Profile, SecretSource};
use crate::engine;
use crate::machine;
use crate::model::OperationKind;
use crate::platform::{Answer, CallError, ConnectStage, Request, Token, TokenError, Transport};
use crate::report::span;
use crate::text::one_line;

const AREA: Area = Area::Profile;

/// How long a secret, and then a token, is waited for: a person may have to unlock a key store.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long an answer of the API is waited for.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Clocks that differ by more are told of.
const SKEW: SignedDuration = SignedDuration::from_secs(30);

pub(super) async fn examine(profile: &Profile, calls: Calls) -> Vec<Finding> {
    let what = |piece: &str| format!("{}: {piece}", profile.name);
    let mut findings = vec![secret(profile, calls, what("secret")).await];
    if calls == Calls::None {
        let why = "nobody is called (--offline)";
        findings.extend(["token", "API", "clock"].map(|piece| Finding::unchecked(AREA, what(piece), why)));
        return findings;
    }
    findings.extend(proxy(profile, what("proxy")));
    let (transport, tokens) = match engine::wire(profile) {
        Ok(wire) => wire,
        Err(error) => {
            findings.push(Finding::of_error(AREA, what("addresses"), &error.to_string()));
            return findings;
        }
    };
    let token = match tokio::time::timeout(PATIENCE, tokens.get()).await {
        Ok(Ok(token)) => token,
        Ok(Err(error)) => {
            findings.push(no_token(what("token"), &error));
            let why = "there is no token to call it with";
            findings.extend(["API", "clock"].map(|piece| Finding::unchecked(AREA, what(piece), why)));
            return findings;
        }
        Err(_) => {
            let found = format!("none came within {} s", PATIENCE.as_secs());
            findings.push(Finding::bad(AREA, what("token"), found, REACH));
            return findings;
        }
    };
    let life = tokens.left().map(|left| format!(" for {}", span(left))).unwrap_or_default();
    let from = one_line(profile.auth_url.host_str().unwrap_or_default(), 200);
    findings.push(Finding::ok(AREA, what("token"), format!("there is one{life}, from `{from}`")));
    findings.push(rights(profile, &token, what("rights")));
    let begun = machine::now();
    let request = Request {
        method: Method::GET,
        path: "/".to_owned(),
        body: None,
        idempotency_key: None,
        correlation_id: None,
        timeout: TIMEOUT,
    };
    match transport.call(&request, &token).await {
        Ok(answer) => {
            findings.push(reached(profile, &answer, what("API")));
            findings.push(clock(&answer, begun, what("clock")));
        }
        Err(error) => {
            findings.push(not_reached(what("API"), &error));
            findings.push(Finding::unchecked(
                AREA,
                what("clock"),
                "no answer has told what time it is there",
            ));
        }
    }
    findings
}

const REACH: &str =
    "see to the network and the profile's addresses; behind a proxy, to `HTTPS_PROXY` and `NO_PROXY`";

async fn secret(profile: &Profile, calls: Calls, what: String) -> Finding {
    let home = secret_home(&profile.secret);
    if let (Calls::None, SecretSource::Command(_)) = (calls, &profile.secret) {
        return Finding::unchecked(AREA, what, format!("it is in {home}, which is not run (--offline)"));
    }
    match tokio::time::timeout(PATIENCE, profile.secret.read(&profile.name)).await {
        Ok(Ok(_)) => Finding::ok(AREA, what, format!("it is in {home}")),
        Ok(Err(error)) => {
            let mut finding = Finding::of_error(AREA, what, &error.to_string());
            finding.advice.get_or_insert_with(|| {
                format!("put it there, or name another home with `secret` in profile `{}`", profile.name)
            });
            finding
        }
        Err(_) => Finding::bad(
            AREA,
            what,
            format!("{home} has not told it within {} s", PATIENCE.as_secs()),
            "unlock the key store, or keep the secret elsewhere",
        ),
    }
}

/// The proxy that calls to this tenant go through, as the environment names one.
fn proxy(profile: &Profile, what: String) -> Option<Finding> {
    let local = matches!(profile.api_url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let (name, value) = proxies().next().filter(|_| !local)?;
    let Some(url) = proxy_url(&value) else {
        let found = format!("`{name}` names something that is no address");
        return Some(Finding::look(AREA, what, found, "name it as `http://HOST:PORT`"));
    };
    // user and password stand before the host
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let host = one_line(url.host_str().unwrap_or_default(), 200);
    Some(Finding::ok(AREA, what, format!("`{name}` names `{host}{port}`; `NO_PROXY` makes exceptions")))
}

/// The variables that name a proxy, the one that counts first.
pub(super) fn proxies() -> impl Iterator<Item = (&'static str, String)> {
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let told = |name| Some((name, std::env::var(name).ok().filter(|value| !value.is_empty())?));
    names.into_iter().filter_map(told)
}

/// A proxy's address, whose scheme may be left out.
pub(super) fn proxy_url(value: &str) -> Option<Url> {
    let value = value.trim();
    let whole = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    Url::parse(&whole).ok().filter(Url::has_host)
}

fn no_token(what: String, error: &TokenError) -> Finding {
    let advice = match error {
        TokenError::Refused { .. } => {
            "get the client's id and its secret anew from who keeps them, and look whether the region is the tenant's"
        }
        TokenError::Secret(_) => "mend the secret's home first",
        TokenError::Throttled { .. } => {
            "wait some minutes: something asks this tenant for tokens again and again"
        }
        TokenError::Trouble { .. } => {
            "try again in a while; if it stays so, the vendor's status page tells more"
        }
        TokenError::Call(error) => advice_for(error),
    };
    Finding::bad(AREA, what, one_line(&error.to_string(), 600), advice)
}

fn advice_for(error: &CallError) -> &'static str {
    match error {
        CallError::NoConnection { kind: ConnectStage::Dns, .. } => {
            "the name is unknown here: look at the profile's region or addresses, and whether this machine has a network"
        }
        CallError::NoConnection { kind: ConnectStage::Tls, .. } => {
            "something between here and there shows another certificate (`ca_file` names one to trust), or this machine's \
             clock is far off"
        }
        _ => REACH,
    }
}

fn rights(profile: &Profile, token: &Token, what: String) -> Finding {
    let Some(held) = &token.scopes else {
        let untold =
            "the platform does not tell its scopes: whether roles allow an operation shows at its first call";
        return Finding::ok(AREA, what, untold);
    };
    let of_platform = OperationKind::ALL.iter().filter(|kind| kind.platform() == profile.platform);
    let (mut allowed, mut missing) = (Vec::new(), Vec::new());
    for kind in of_platform {
        let lacks: Vec<&str> =
            kind.scopes().iter().copied().filter(|scope| !held.iter().any(|one| one == scope)).collect();
        if lacks.is_empty() {
            allowed.push(kind.word());
        } else {
            missing.push(format!("{kind} lacks `{}`", lacks.join("` `")));
        }
    }
    if missing.is_empty() {
        return Finding::ok(AREA, what, format!("allowed: {}", allowed.join(", ")));
    }
    let found = if allowed.is_empty() {
        "allowed: nothing".to_owned()
    } else {
        format!("allowed: {}", allowed.join(", "))
    };
    Finding::look(
        AREA,
        what,
        format!("{found}; {}", missing.join(", ")),
        "where such an operation is needed, let an administrator give the client this scope",
    )
}

fn reached(profile: &Profile, answer: &Answer, what: String) -> Finding {
    let host = one_line(profile.api_url.host_str().unwrap_or_default(), 200);
    let over =
        if profile.api_url.scheme() == "https" { "over TLS" } else { "in plain text, on this machine" };
    let found =
        format!("`{host}` answers {over} in {} ms (status {})", answer.took.as_millis(), answer.status);
    if answer.status >= 500 {
        return Finding::look(AREA, what, found, "the vendor's status page tells whether it is in trouble");
    }
    Finding::ok(AREA, what, found)
}

fn not_reached(what: String, error: &CallError) -> Finding {
    Finding::bad(AREA, what, one_line(&error.to_string(), 600), advice_for(error))
}

/// How far our clock is from the platform's: the answer was made between the call and its coming.
fn clock(answer: &Answer, begun: Timestamp, what: String) -> Finding {
    let date = answer.headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
    let theirs: Option<SystemTime> = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let Some(theirs) = theirs.and_then(|theirs| Timestamp::try_from(theirs).ok()) else {
        return Finding::unchecked(AREA, what, "the answer does not tell what time it is there");
    };
    let middle =
        begun.saturating_add(SignedDuration::try_from(answer.took / 2).unwrap_or_default()).unwrap_or(begun);
    let ahead = middle.duration_since(theirs);
    if ahead.abs() <= SKEW {
        return Finding::ok(AREA, what, "it agrees with the platform's");
    }
    let far = span(ahead.unsigned_abs());
    let way = if ahead.is_positive() { "ahead of" } else { "behind" };
    Finding::look(
        AREA,
        what,
        format!("this machine's clock is {far} {way} the platform's"),
        "set it (`timedatectl set-ntp true`): waits are right all the same, but moments in reports are not",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_named_without_who_uses_it() {
        let host = |value| proxy_url(value).and_then(|url| url.host_str().map(str::to_owned));
        assert_eq!(host("http://sam:hunter2@corp.example:3128").as_deref(), Some("corp.example"));
        assert_eq!(host("corp.example:3128").as_deref(), Some("corp.example"));
        assert_eq!(host("http://"), None);
    }
}
