//! The configuration: whether it can be read, and where each of its values comes from.

use super::{Area, Finding, Subject};
use crate::config::{Profile, SecretSource, StorePlace, written_profiles};
use crate::coordination::redact;
use crate::text::one_line;

const AREA: Area = Area::Configuration;

pub(super) fn examine(subject: &Subject<'_>) -> Vec<Finding> {
    let path = one_line(&subject.places.config_file.to_string_lossy(), 300);
    let [named_by, _] = subject.named_by;
    let config = match subject.config {
        Ok(config) => config,
        Err(error) => {
            let mut finding = Finding::of_error(AREA, "file", error);
            finding.advice.get_or_insert_with(|| {
                "mend that place; config.example.toml shows every key, and nothing else works until then"
                    .to_owned()
            });
            return vec![finding];
        }
    };
    let there = subject.places.config_file.try_exists().unwrap_or(true);
    let mut findings = vec![if there {
        Finding::ok(AREA, "file", format!("`{path}` ({named_by}) is understood, every key of it"))
    } else if subject.of_variables.is_empty() {
        Finding::look(
            AREA,
            "file",
            format!("there is none at `{path}` ({named_by})"),
            "`trunkline profile add NAME` makes it",
        )
    } else {
        Finding::ok(AREA, "file", format!("there is none at `{path}` ({named_by}); variables make a profile"))
    }];
    findings.push(match &config.default_profile {
        Some(name) => Finding::ok(AREA, "default profile", format!("`{name}`, by `default_profile`")),
        None if config.profiles.is_empty() => {
            Finding::ok(AREA, "default profile", "none: there are no profiles in the file")
        }
        None => Finding::look(
            AREA,
            "default profile",
            "none: every command needs --profile",
            "name one with `default_profile` in the configuration",
        ),
    });
    let written = written_profiles(&subject.places.config_file).unwrap_or_default();
    for profile in config.profiles.values() {
        let settings = written.get(&profile.name).cloned().unwrap_or_default();
        let by = match (&settings.region, &settings.api_url, &settings.auth_url) {
            (Some(_), ..) => "by its `region`",
            (None, Some(_), Some(_)) => "by its `api_url` and `auth_url`",
            (None, Some(_), None) => "by its `api_url`",
            (None, None, _) => "the platform's own, since it names none",
        };
        let home = if settings.secret.is_some() { "by its `secret`" } else { "since it names none" };
        findings.push(told(profile, by, home));
    }
    for profile in subject.of_variables {
        findings.push(told(profile, "by variables", "by variables"));
    }
    let store = match &config.store {
        StorePlace::Embedded => "a file in the data folder, since `[store]` names none".to_owned(),
        StorePlace::Redis { url, .. } => format!("`{}`, by `[store]`", redact(url)),
    };
    findings.push(Finding::ok(AREA, "store", store));
    findings
}

fn told(profile: &Profile, by: &str, home: &str) -> Finding {
    let what = format!("profile {}", profile.name);
    let production = if profile.production { ", production" } else { "" };
    let read_only = if profile.read_only { ", read-only" } else { "" };
    let found = format!(
        "{}{production}{read_only}; calls go to `{}`, tokens come from `{}` ({by}); its secret is in {} ({home})",
        profile.platform,
        one_line(profile.api_url.as_str(), 200),
        one_line(profile.auth_url.as_str(), 200),
        secret_home(&profile.secret)
    );
    Finding::ok(AREA, what, found)
}

/// Where a secret is, in words.
pub(super) fn secret_home(source: &SecretSource) -> String {
    match source {
        SecretSource::Keyring => "the keyring".to_owned(),
        SecretSource::Env(name) => format!("the variable `{name}`"),
        SecretSource::File(path) => format!("the file `{}`", one_line(&path.to_string_lossy(), 300)),
        SecretSource::Command(words) => {
            format!("the hands of the command `{}`", one_line(words.first().map_or("", String::as_str), 100))
        }
    }
}
