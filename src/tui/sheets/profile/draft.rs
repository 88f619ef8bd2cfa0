//! What is in the fields, as a profile: what is wrong with it, and the draft that is tested and saved.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{ProfileSheet, Typed};
use crate::config::{ProfileSettings, Secret, SecretSource, validate_name};
use crate::model::PlatformKind;
use crate::tui::office::{Home, ProfileDraft, ProfileRow, Profiles};

/// The region that is none: an address instead.
pub(super) const OTHER: &str = "other";

/// The homes by the words that stand for them in the form.
const HOMES: [(Home, &str); 4] =
    [(Home::Keyring, "keyring"), (Home::File, "file"), (Home::Env, "env"), (Home::Command, "command")];

pub(super) fn word_of(home: Home) -> &'static str {
    HOMES.iter().find(|(known, _)| *known == home).map_or("keyring", |(_, word)| word)
}

/// What stands in the fields at first.
pub(super) fn values(was: Option<&ProfileRow>, known: &Profiles) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut put = |id: &str, text: String| drop(values.insert(id.to_owned(), text));
    let yes = |is: bool| (if is { "yes" } else { "no" }).to_owned();
    let Some(was) = was else {
        let works = known.homes.iter().find(|(_, may)| may.is_ok());
        put("platform", PlatformKind::Genesys.word().to_owned());
        put("region", known.regions.first().copied().unwrap_or(OTHER).to_owned());
        put("home", word_of(works.map_or(Home::Keyring, |(home, _)| *home)).to_owned());
        put("production", yes(true));
        put("read_only", yes(false));
        return values;
    };
    put("name", was.name.clone());
    put("platform", was.platform.word().to_owned());
    put("region", was.region.clone().unwrap_or_else(|| OTHER.to_owned()));
    put("api_url", without_slash(&was.api_url));
    if told_by(was.platform, &was.api_url).as_deref() != Some(was.auth_url.as_str()) {
        put("auth_url", without_slash(&was.auth_url));
    }
    put("client_id", was.client_id.clone());
    let (home, id, text) = match &was.secret {
        SecretSource::Keyring => ("keyring", "path", String::new()),
        SecretSource::File(path) => ("file", "path", path.display().to_string()),
        SecretSource::Env(name) => ("env", "variable", name.clone()),
        SecretSource::Command(words) => ("command", "command", joined(words)),
    };
    put("home", home.to_owned());
    put(id, text);
    put("production", yes(was.production));
    put("read_only", yes(was.read_only));
    values
}

fn without_slash(url: &str) -> String {
    url.strip_suffix('/').unwrap_or(url).to_owned()
}

/// Where tokens come from if only the API's address is given.
fn told_by(platform: PlatformKind, api_url: &str) -> Option<String> {
    resolved(platform, api_url, "").ok().map(|profile| profile.auth_url.to_string())
}

fn resolved(
    platform: PlatformKind,
    api_url: &str,
    auth_url: &str,
) -> Result<crate::config::Profile, (String, String)> {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let settings = ProfileSettings {
        platform: Some(platform),
        client_id: Some("id".to_owned()),
        api_url: given(api_url),
        auth_url: given(auth_url),
        ..ProfileSettings::default()
    };
    settings.resolve("draft", Path::new("")).map_err(|broken| (broken.key, broken.rule))
}

impl ProfileSheet {
    pub(super) fn home(&self) -> Home {
        let word = self.value("home");
        HOMES.iter().find(|(_, known)| *known == word).map_or(Home::Keyring, |(home, _)| *home)
    }

    /// Whether addresses are typed, because no region tells them.
    pub(super) fn has_addresses(&self) -> bool {
        self.platform() == PlatformKind::Cxone || self.value("region") == OTHER
    }

    /// Whether its calls stay on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let url = if self.has_addresses() { url::Url::parse(self.value("api_url")).ok() } else { None };
        match url.as_ref().and_then(url::Url::host) {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// What is wrong with a field, if anything.
    pub(super) fn problem(&self, id: &str) -> Option<String> {
        let text = self.value(id);
        let needed = || text.is_empty().then(|| "is needed".to_owned());
        match id {
            "name" => needed().or_else(|| self.name_problem(text)),
            "api_url" => needed().or_else(|| self.address_problem(id)),
            "auth_url" => self.address_problem(id),
            "client_id" => needed().or_else(|| {
                let odd = text.chars().any(|char| char.is_control() || char.is_whitespace());
                odd.then(|| "must hold no spaces".to_owned())
            }),
            "home" => self
                .homes
                .iter()
                .find(|(home, _)| *home == self.home())
                .and_then(|(_, may)| may.clone().err()),
            "secret" => self.needs_secret().then(|| "is needed".to_owned()),
            "variable" => needed().or_else(|| {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                let fine = text.bytes().all(plain) && !text.starts_with(|first: char| first.is_ascii_digit());
                (!fine).then(|| "must be letters, digits and `_`".to_owned())
            }),
            "command" => needed()
                .or_else(|| split(text).is_none().then(|| "a quotation mark is not closed".to_owned())),
            _ => None,
        }
    }

    fn name_problem(&self, name: &str) -> Option<String> {
        if self.taken.iter().any(|taken| taken == name) {
            return Some("is another profile's".to_owned());
        }
        let broken = validate_name(name).err()?;
        let rule = broken.rule.split_once(": it ").map_or(broken.rule.as_str(), |(_, rule)| rule);
        Some(rule.to_owned())
    }

    fn address_problem(&self, id: &str) -> Option<String> {
        let api_url = self.value("api_url");
        let api_url = if id == "auth_url" && !api_url.is_empty() { "https://localhost" } else { api_url };
        let auth_url = if id == "auth_url" { self.value("auth_url") } else { "" };
        if id == "auth_url" && auth_url.is_empty() {
            return None;
        }
        let (key, rule) = resolved(self.platform(), api_url, auth_url).err()?;
        (key == id).then_some(rule)
    }

    /// Whether there is no secret unless one is typed.
    fn needs_secret(&self) -> bool {
        self.secret == Typed::No
            && self.was.is_none()
            && match self.home() {
                Home::Keyring => true,
                // a file that is named may hold it already
                Home::File => self.value("path").is_empty(),
                Home::Env | Home::Command => false,
            }
    }
}

/// The draft. What the form does not show of a profile stays as it was.
pub(super) fn draft(sheet: &ProfileSheet, secret: Option<Secret>) -> ProfileDraft {
    let addresses = sheet.has_addresses();
    let given =
        |id: &str| Some(sheet.value(id)).filter(|text| !text.is_empty() && addresses).map(str::to_owned);
    let (home, secret) = match sheet.home() {
        Home::Keyring => (SecretSource::Keyring, secret),
        Home::File => (SecretSource::File(PathBuf::from(sheet.value("path"))), secret),
        Home::Env => (SecretSource::Env(sheet.value("variable").to_owned()), None),
        Home::Command => (SecretSource::Command(split(sheet.value("command")).unwrap_or_default()), None),
    };
    ProfileDraft {
        name: sheet.name(),
        platform: sheet.platform(),
        region: (!addresses).then(|| sheet.value("region").to_owned()),
        api_url: given("api_url"),
        auth_url: given("auth_url"),
        client_id: sheet.value("client_id").to_owned(),
        production: sheet.value("production") == "yes",
        read_only: sheet.value("read_only") == "yes",
        home,
        secret,
    }
}

/// A command as its words: separated by spaces, unless these stand in quotation marks. None where such a mark is not
/// closed. There is no shell.
fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for char in text.chars() {
        match (quote, char) {
            (Some(open), _) if char == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// Words as a person would type them.
fn joined(words: &[String]) -> String {
    let quoted = |word: &String| match word {
        word if word.contains('"') => format!("'{word}'"),
        word if word.is_empty() || word.contains([' ', '\'']) => format!("\"{word}\""),
        word => word.clone(),
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_the_same_after_it_was_shown_and_typed() {
        let command = ["pass", "show", "work/acme prod", "it's", "say \"x\"", ""].map(str::to_owned);
        assert_eq!(split(&joined(&command)).unwrap(), command);
        assert_eq!(split("a  b"), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(split("a 'b"), None);
    }
}
