//! Names and places that are known, taken out of whatever text they stand in.

use serde_json::Value;
use url::Url;

use crate::config::{SecretSource, StorePlace, regions};
use crate::doctor::{Subject, places, tenant};
use crate::journal::RunRow;
use crate::text::one_line;

/// The shortest name that is looked for: a shorter one stands in every other word.
const SHORTEST: usize = 2;

/// The shortest beginning of a name that is looked for where a message was cut off.
const SHORTEST_BEGINNING: usize = 8;

/// Paths that name nobody: of calls, and of every machine.
const COMMON_PATHS: [&str; 9] =
    ["//", "/api/", "/oauth", "/authentication/", "/dev/", "/proc/", "/etc/", "/usr/", "/bin/"];

/// The shortest word of a command that is looked for: shorter ones are switches, and stand in every sentence.
const SHORTEST_ARGUMENT: usize = 4;

/// What is taken out of every text, the longest first, and what is put in its place.
#[derive(Debug, Default)]
pub(super) struct Redactor(Vec<(String, String)>);

impl Redactor {
    /// Knows the names of a subject and of its runs.
    pub(super) fn of(subject: &Subject<'_>, runs: &[RunRow]) -> Self {
        let mut names = Names::default();
        for (path, shown) in places::known(subject) {
            names.put(&path.to_string_lossy(), shown);
        }
        for profile in subject.profiles() {
            names.client(&profile.name, &profile.client_id);
            names.url(&profile.api_url);
            names.url(&profile.auth_url);
            names.home_of_secret(&profile.secret);
            if let Some(path) = &profile.ca_file {
                names.put(&path.to_string_lossy(), "<certificates>");
                for (path, shown) in places::behind(path, "<certificates>") {
                    names.put(&path.to_string_lossy(), shown);
                }
            }
        }
        if let Ok(config) = subject.config {
            if let StorePlace::Redis { url, password } = &config.store {
                names.url(url);
                if let Some(source) = password {
                    names.home_of_secret(source);
                }
            }
            if let Some(name) = &config.ui.name {
                names.put(name, "<user>");
            }
        }
        for run in runs {
            names.client(&run.profile, &run.client_id);
            for url in [&run.api_url, &run.auth_url] {
                if let Ok(url) = Url::parse(url) {
                    names.url(&url);
                }
            }
            for (number, dataset) in
                (1..).zip(&run.datasets).filter(|(_, dataset): &(u32, _)| dataset.path != "-")
            {
                let shown = format!("<dataset {number}>");
                names.put(&dataset.path, &shown);
                if let Some(name) = std::path::Path::new(&dataset.path).file_name() {
                    names.put(&name.to_string_lossy(), &shown);
                }
            }
        }
        for url in tenant::proxies().filter_map(|(_, value)| tenant::proxy_url(&value)) {
            names.url(&url);
        }
        // where the keyring is: a path, or a host
        let bus = std::env::var("DBUS_SESSION_BUS_ADDRESS").unwrap_or_default();
        for part in bus.split([';', ',', '=']).filter(|part| part.contains(['/', '.'])) {
            names.put(part, "<bus>");
        }
        names.put(&crate::user::name(), "<user>");
        names.known.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Self(names.known)
    }

    /// Cleans every text of a document.
    pub(super) fn clean(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.cleaned(text),
            Value::Array(list) => list.iter_mut().for_each(|one| self.clean(one)),
            Value::Object(pieces) => pieces.values_mut().for_each(|one| self.clean(one)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn cleaned(&self, text: &str) -> String {
        let known = self.0.iter().fold(text.to_owned(), |text, (name, shown)| {
            put_for_beginning(put_for(&text, name, shown), name, shown)
        });
        without_paths(&known)
    }
}

/// Names as they are found, each with what is shown of it.
#[derive(Default)]
struct Names {
    known: Vec<(String, String)>,
    clients: usize,
    hosts: usize,
}

impl Names {
    fn put(&mut self, name: &str, shown: &str) {
        // as it is, and as it is told: blanks and what is not drawn look otherwise there
        for name in [name.to_owned(), one_line(name, usize::MAX)] {
            if name.len() >= SHORTEST && !self.known.iter().any(|(known, _)| *known == name) {
                self.known.push((name, shown.to_owned()));
            }
        }
    }

    fn home_of_secret(&mut self, source: &SecretSource) {
        match source {
            SecretSource::File(path) => self.put(&path.to_string_lossy(), "<secret file>"),
            // where somebody has put the secret itself
            SecretSource::Env(name) => self.put(name, "<variable>"),
            SecretSource::Command(words) => {
                for word in words.iter().filter(|word| word.len() >= SHORTEST_ARGUMENT) {
                    self.put(word, "<command>");
                }
            }
            SecretSource::Keyring => {}
        }
    }

    fn client(&mut self, profile: &str, client_id: &str) {
        self.clients += 1;
        // the word for the one that variables make names nobody
        if profile != "env" {
            self.put(profile, &format!("profile-{}", self.clients));
        }
        self.put(client_id, &format!("client-{}", self.clients));
    }

    fn url(&mut self, url: &Url) {
        let Some(host) = url.host_str() else { return };
        if url.path() != "/" {
            self.put(url.path(), "/<path>");
        }
        let is_region = regions().any(|domain| host == domain || host.ends_with(&format!(".{domain}")));
        if is_region || matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            return;
        }
        self.hosts += 1;
        self.put(host, &format!("host-{}", self.hosts));
    }
}

/// Puts a text in the place of a name, where that stands alone and is no part of a longer word.
fn put_for(text: &str, name: &str, shown: &str) -> String {
    let is_part = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(name) {
        let touches = |edge: Option<char>, beside: Option<char>| is_part(edge) && is_part(beside);
        let inside = touches(name.chars().next(), before.chars().next_back())
            || touches(name.chars().next_back(), after.chars().next());
        cleaned.push_str(before);
        cleaned.push_str(if inside { name } else { shown });
        rest = after;
    }
    cleaned.push_str(rest);
    cleaned
}

/// Puts `<a path>` in the place of paths that nobody knew of: a system's message may name any. Those of calls, and those that
/// are the same on every machine, stay.
fn without_paths(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('/') {
        let (before, from) = rest.split_at(at);
        let end = from.find(is_beside_path).unwrap_or(from.len());
        let (path, after) = from.split_at(end);
        let begins =
            before.chars().next_back().or_else(|| cleaned.chars().next_back()).is_none_or(is_beside_path);
        let is_common = path == "/" || COMMON_PATHS.iter().any(|common| path.starts_with(common));
        cleaned.push_str(before);
        cleaned.push_str(if begins && !is_common { "<a path>" } else { path });
        rest = after;
    }
    cleaned.push_str(rest);
    cleaned
}

/// What stands before a path in a sentence, and behind it.
fn is_beside_path(char: char) -> bool {
    char.is_whitespace() || matches!(char, '`' | '"' | '\'' | '(' | ')' | '=' | ':' | ',' | ';' | '…')
}

/// Puts the same in the place of a name's beginning where a message was cut off behind it.
fn put_for_beginning(text: String, name: &str, shown: &str) -> String {
    let Some(at) = text.find('…') else { return text };
    let (before, rest) = text.split_at(at);
    let begun = name.char_indices().map(|(end, _)| end).rev().take_while(|end| *end >= SHORTEST_BEGINNING);
    let before = begun
        .filter_map(|end| before.strip_suffix(name.get(..end)?))
        .map(|kept| [kept, shown].concat())
        .next()
        .unwrap_or_else(|| before.to_owned());
    let (mark, rest) = rest.split_at('…'.len_utf8());
    [&before, mark, &put_for_beginning(rest.to_owned(), name, shown)].concat()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_is_taken_out_wherever_it_stands_alone() {
        let known = vec![
            ("/home/sam/data".to_owned(), "<data folder>".to_owned()),
            ("/home/sam".to_owned(), "~".to_owned()),
            ("sam".to_owned(), "<user>".to_owned()),
        ];
        let redactor = Redactor(known);
        let mut value =
            json!({"a": ["`/home/sam/data/journal.db` of sam, the same Sam"], "b": 7, "c": "sam"});
        redactor.clean(&mut value);
        assert_eq!(
            value,
            json!({"a": ["`<data folder>/journal.db` of <user>, the same Sam"], "b": 7, "c": "<user>"})
        );
    }

    #[test]
    fn a_long_name_is_taken_out_where_a_message_is_cut_off_within_it() {
        let redactor = Redactor(vec![
            (format!("/opt/annelise-kramer/{}", "x".repeat(300)), "<command>".to_owned()),
            (format!("annelise-kramer.{}.example", "y".repeat(50)), "host-1".to_owned()),
        ]);
        for (text, cleaned) in [
            ("`/opt/annelise-kramer/xxxxxx…` did not start", "`<command>…` did not start"),
            ("/opt/annelise-kr…", "<command>…"),
            (
                "https://annelise-kramer.yyyyy… and https://annelise-kramer.y…",
                "https://host-1… and https://host-1…",
            ),
            ("so … and on annelis…", "so … and on annelis…"),
        ] {
            assert_eq!(redactor.cleaned(text), cleaned);
        }
    }

    #[test]
    fn a_path_that_nobody_knew_of_is_taken_out_and_what_every_machine_has_stays() {
        let redactor = Redactor::default();
        for (text, cleaned) in [
            (
                "failed to connect to `unix:path=/srv/annelise/bus`",
                "failed to connect to `unix:path=<a path>`",
            ),
            ("/home/annelise: not a folder", "<a path>: not a folder"),
            (
                "`<data folder>/runs/x` and /dev/null, 3/4 of it",
                "`<data folder>/runs/x` and /dev/null, 3/4 of it",
            ),
            (
                "GET https://api.mypurecloud.ie/x, /api/v2/contacts/1",
                "GET https://api.mypurecloud.ie/x, /api/v2/contacts/1",
            ),
            ("trunkline/0.1 (/opt/annelise) at 1 / 2", "trunkline/0.1 (<a path>) at 1 / 2"),
        ] {
            assert_eq!(redactor.cleaned(text), cleaned);
        }
    }
}
