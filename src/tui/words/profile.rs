//! Profiles on the board: where a secret is, what a token allows, and whether there is one.

use std::time::Duration;

use crate::config::SecretSource;
use crate::tui::app::{App, Test};
use crate::tui::numbers;
use crate::tui::office::{ProfileRow, Tested};
use crate::tui::theme::{Decoration, Ink};

/// Where the secret of the profile of this name is. A command's arguments may tell more than a board should.
pub(in crate::tui) fn home(profile: &str, source: &SecretSource) -> String {
    match source {
        SecretSource::Keyring => format!("keyring, entry trunkline/{profile}"),
        SecretSource::Env(name) => format!("environment variable {name}"),
        SecretSource::File(path) => format!("file {}", path.display()),
        SecretSource::Command(words) => format!("command {}", words.first().map_or("", String::as_str)),
    }
}

/// A client's id, short enough to be told from another one by a person.
pub(in crate::tui) fn client(id: &str) -> String {
    let count = id.chars().count();
    if count <= 12 {
        return id.to_owned();
    }
    let first: String = id.chars().take(4).collect();
    let last: String = id.chars().skip(count - 2).collect();
    format!("{first}…{last}")
}

/// What became of a profile's test, in few words.
pub(in crate::tui) fn profile_state(app: &App, row: &ProfileRow) -> (String, Ink) {
    match app.credentials.test_of(row) {
        None => ("untested".to_owned(), Ink::Dim),
        Some(Test::Under) => ("testing…".to_owned(), Ink::Warn),
        Some(Test::Refused { .. }) => ("✗ refused".to_owned(), Ink::Bad),
        Some(test @ Test::Passed { .. }) => match test.ends() {
            None => ("✓ token held".to_owned(), Ink::Good),
            Some(ends) => {
                let left = ends.saturating_duration_since(app.now.instant);
                if left.is_zero() {
                    ("token ended".to_owned(), Ink::Dim)
                } else if app.look.decoration == Decoration::Plain {
                    let at = jiff::SignedDuration::try_from(left)
                        .ok()
                        .and_then(|left| app.now.wall.checked_add(left).ok());
                    let at = at.map_or_else(String::new, |at| {
                        format!(" until {}", numbers::minute_of_day(at, &app.zone))
                    });
                    (format!("✓{at}"), Ink::Good)
                } else {
                    (format!("✓ token {}", numbers::token(left)), Ink::Good)
                }
            }
        },
    }
}

/// What a test showed, as a sentence: how long the token lives.
pub(in crate::tui) fn took(tested: &Tested) -> String {
    match tested.left {
        Some(left) => format!("a token came, good for {}", numbers::token(left.max(Duration::from_secs(1)))),
        None => "a token came".to_owned(),
    }
}

/// Why a test was refused, without the words of the machine that stand before it.
pub(in crate::tui) fn refusal(why: &str) -> String {
    let why = why.rsplit_once("getting a token: ").map_or(why, |(_, why)| why);
    crate::text::one_line(why, 600)
}

/// What a token allows, and what is missing for the rest.
pub(in crate::tui) fn may_do(tested: &Tested) -> Vec<(String, Ink)> {
    let allowed: Vec<&str> = tested
        .operations
        .iter()
        .filter(|(_, missing)| missing.is_empty())
        .map(|(kind, _)| kind.word())
        .collect();
    let mut lines = Vec::new();
    if !allowed.is_empty() {
        let known = if tested.scopes.is_some() { "" } else { ", as far as it tells; its roles decide" };
        lines.push((format!("✓ allows {}{known}", allowed.join(", ")), Ink::Good));
    }
    for (kind, missing) in tested.operations.iter().filter(|(_, missing)| !missing.is_empty()) {
        lines.push((format!("✗ not {kind}: it lacks {}", missing.join(" ")), Ink::Warn));
    }
    lines
}

/// What becomes of a secret when its profile is removed.
pub(in crate::tui) fn removal(profile: &str, source: &SecretSource) -> String {
    match source {
        SecretSource::Keyring => "Its secret is taken out of the keyring, too.".to_owned(),
        SecretSource::File(path) => {
            format!("Its secret is in {}; that file goes, too, where it was made for it.", path.display())
        }
        SecretSource::Env(_) | SecretSource::Command(_) => {
            format!("Its secret stays where it is: {}.", home(profile, source))
        }
    }
}
