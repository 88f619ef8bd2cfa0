//! The secrets and tokens of one platform's clients that this process knows, and what is done to texts that may repeat them.
//!
//! There is one of it for each token endpoint, for as long as the process lasts, whoever asks for tokens there and when: what
//! is said to one client may be of another.
//! Whatever comes back is looked through with what is known at that moment: an answer may repeat a token that came while
//! its call was under way, a token of some time ago, what came beside one, or the secret that was in its home before
//! somebody changed it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::zeroize::Zeroizing;

use super::conceal::{Sieve, conceal, conceal_in_text};

/// Tokens are known of so many answers: of the present one, and of three before it. What a platform repeats may be as old
/// as a key is kept.
const ANSWERS: usize = 4;
/// What came in answers that brought no token is known of so many of them.
const REFUSALS: usize = 3;
/// So many secrets of the client are known: the present one, and two before it.
const SECRETS: usize = 3;

/// One secret, or one answer's tokens: texts that come and go together.
pub(super) type Texts = Vec<Zeroizing<String>>;

/// What is known, by the endpoint from which tokens come.
static AT_ENDPOINTS: LazyLock<Mutex<HashMap<String, Arc<Known>>>> = LazyLock::new(Mutex::default);

/// What is known by now. It is the same for all who share it.
#[derive(Default)]
pub(super) struct Known(RwLock<Arc<Hidden>>);

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Known {
    /// What is known of an endpoint's clients, shared by all of this process that ask for tokens there, one after the other
    /// too.
    pub(super) fn at(endpoint: &str) -> Arc<Self> {
        let mut all = AT_ENDPOINTS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(endpoint.to_owned()).or_default())
    }

    /// Takes note of a client's secret, in each form in which it is sent.
    pub(super) fn secret(&self, client: &str, forms: Texts) {
        self.note(client, |kept| keep(&mut kept.secrets, forms, SECRETS));
    }

    /// Takes note of all tokens of one answer.
    pub(super) fn tokens(&self, client: &str, came: Texts) {
        self.note(client, |kept| keep(&mut kept.tokens, came, ANSWERS));
    }

    /// Takes note of all tokens of an answer of which none is used.
    pub(super) fn unused(&self, client: &str, came: Texts) {
        if !came.is_empty() {
            self.note(client, |kept| keep(&mut kept.unused, came, REFUSALS));
        }
    }

    fn note(&self, client: &str, note: impl FnOnce(&mut Kept)) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut of_clients = known.of_clients.clone();
        note(of_clients.entry(client.to_owned()).or_default());
        *known = Arc::new(Hidden::of(of_clients));
    }

    /// What is known at this moment.
    pub(super) fn now(&self) -> Arc<Hidden> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Adds what came last, and forgets what came before the latest so many.
fn keep(all: &mut VecDeque<Texts>, last: Texts, most: usize) {
    all.retain(|one| *one != last);
    all.push_back(last);
    while all.len() > most {
        all.pop_front();
    }
}

/// Of one client, of each kind what came last, the latest at the end.
#[derive(Clone, Default)]
struct Kept {
    secrets: VecDeque<Texts>,
    tokens: VecDeque<Texts>,
    unused: VecDeque<Texts>,
}

impl Kept {
    fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let all = self.secrets.iter().chain(&self.tokens).chain(&self.unused);
        all.flatten().map(|text| text.as_bytes())
    }
}

/// Texts that are shown nowhere.
pub(super) struct Hidden {
    of_clients: BTreeMap<String, Kept>,
    /// All of them in small letters.
    small: Vec<Zeroizing<Vec<u8>>>,
    /// Lets through what holds none of them.
    sieve: Sieve,
    /// The same for what was written in small letters.
    small_sieve: Sieve,
}

impl Default for Hidden {
    fn default() -> Self {
        Self::of(BTreeMap::new())
    }
}

impl Hidden {
    fn of(of_clients: BTreeMap<String, Kept>) -> Self {
        let all: Vec<_> = of_clients.values().flat_map(Kept::texts).collect();
        let sieve = Sieve::of(&all);
        let small: Vec<_> = all.iter().map(|text| Zeroizing::new(text.to_ascii_lowercase())).collect();
        let small_sieve = Sieve::of(&slices(&small));
        Self { of_clients, small, sieve, small_sieve }
    }

    fn texts(&self) -> Vec<&[u8]> {
        self.of_clients.values().flat_map(Kept::texts).collect()
    }

    /// Whether one quick look tells that nothing of them is in there.
    pub(super) fn lets_through(&self, bytes: &[u8]) -> bool {
        self.sieve.lets_through(bytes)
    }

    /// The bytes without them; `None` where nothing of them is in there.
    pub(super) fn conceal(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.lets_through(bytes) { None } else { conceal(bytes, &self.texts()) }
    }

    /// The same for bytes that are shared.
    pub(super) fn concealed(&self, came: Bytes) -> Bytes {
        self.conceal(&came).map_or(came, Bytes::from)
    }

    /// The same, and these texts hidden with them.
    pub(super) fn concealed_with(&self, came: &Bytes, also: &[&[u8]]) -> Bytes {
        let all = [&self.texts(), also].concat();
        conceal(came, &all).map_or_else(|| came.clone(), Bytes::from)
    }

    /// The same for a text.
    pub(super) fn concealed_text(&self, came: String) -> String {
        conceal_in_text(came, &self.texts())
    }

    /// The same for a host, a scheme, or a header's name, which whoever read it has written in small letters.
    pub(super) fn concealed_host(&self, host: String) -> String {
        conceal_in_text(host, &slices(&self.small))
    }

    /// The same for headers; one that is named so is left out.
    pub(super) fn conceal_in(&self, headers: &mut HeaderMap) {
        let named_so: Vec<HeaderName> = headers
            .keys()
            .filter(|name| !self.small_sieve.lets_through(name.as_str().as_bytes()))
            .filter(|name| self.concealed_host(name.to_string()) != name.as_str())
            .cloned()
            .collect();
        for name in named_so {
            headers.remove(name);
        }
        for value in headers.values_mut() {
            if let Some(shown) = self.conceal(value.as_bytes()) {
                *value = HeaderValue::from_maybe_shared(Bytes::from(shown))
                    .unwrap_or(HeaderValue::from_static(""));
            }
        }
    }
}

fn slices(texts: &[Zeroizing<Vec<u8>>]) -> Vec<&[u8]> {
    texts.iter().map(|text| text.as_slice()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Texts {
        vec![Zeroizing::new(text.to_owned())]
    }

    fn shown(known: &Known, came: &str) -> String {
        known.now().concealed_text(came.to_owned())
    }

    #[test]
    fn the_latest_are_known_and_what_is_long_gone_is_not() {
        let known = Known::default();
        for number in 0..6 {
            known.tokens("client", text(&format!("token-{number}")));
        }
        for number in 0..9 {
            known.unused("client", text(&format!("unused-{number}")));
            known.unused("client", Texts::new());
        }
        for number in [0, 1, 2, 2, 3, 3] {
            known.secret("client", text(&format!("secret-{number}")));
        }
        assert_eq!(
            shown(&known, "token-1 token-2 token-3 token-4 token-5 secret-0 secret-1 secret-2 secret-3"),
            "token-1 … … … … secret-0 … … …"
        );
        assert_eq!(
            shown(&known, "unused-5 unused-6 unused-7 unused-8"),
            "unused-5 … … …",
            "they take no token's place"
        );
    }

    #[test]
    fn they_are_known_to_who_asks_next_though_nobody_held_them_meanwhile_and_nowhere_else() {
        let endpoint = "https://login.known.example";
        Known::at(endpoint).tokens("client", text("token-1"));
        assert_eq!(shown(&Known::at(endpoint), "a token-1"), "a …");
        assert_eq!(shown(&Known::at("https://login.other.example"), "a token-1"), "a token-1");
    }

    #[test]
    fn each_client_has_its_own_latest_and_all_of_them_are_hidden() {
        let known = Known::default();
        known.tokens("another", text("of-another"));
        for number in 0..6 {
            known.tokens("client", text(&format!("token-{number}")));
        }
        assert_eq!(shown(&known, "of-another token-5"), "… …");
    }

    #[test]
    fn what_is_learnt_later_counts_for_all_who_share_it() {
        let known = Arc::new(Known::default());
        let other = Arc::clone(&known);
        assert_eq!(shown(&other, "a token-1"), "a token-1");
        known.tokens("client", text("token-1"));
        assert_eq!(shown(&other, "a token-1"), "a …");
        assert_eq!(format!("{other:?}"), "…");
    }
}
