//! What lets somebody in, on the way to a document: the token, and signatures in the addresses that were asked for.
//! Whoever is asked may repeat them, and nobody is shown them.

use url::Url;

use crate::platform::auth::{Token, conceal_in_text};
use crate::text::one_line;

/// The shortest value in a URL's query that may let somebody in.
const SHORTEST_SIGNATURE: usize = 16;
/// The most characters of a URL in a message.
const URL_LENGTH: usize = 200;

/// The token, and the signatures in all addresses until here.
pub(super) struct Credentials<'a> {
    token: &'a Token,
    signatures: Vec<String>,
}

impl<'a> Credentials<'a> {
    /// Those of the queries of the addresses that were asked for.
    pub(super) fn of(token: &'a Token, queries: &[String]) -> Self {
        let pairs = queries.iter().flat_map(|query| query.split('&'));
        let values = pairs.filter_map(|pair| pair.split_once('=').map(|(_, value)| value));
        // a shorter one is a word or a number
        let signatures = values.filter(|value| value.len() >= SHORTEST_SIGNATURE);
        let all = queries.iter().map(String::as_str).chain(signatures);
        // as they are, and as they stand in a host
        let signatures = all.flat_map(|text| [text.to_owned(), text.to_ascii_lowercase()]).collect();
        Self { token, signatures }
    }

    pub(super) fn token(&self) -> &Token {
        self.token
    }

    /// A text without the signatures. To be taken before it is cut: half of one is not recognised.
    pub(super) fn unsigned(&self, text: String) -> String {
        if self.signatures.is_empty() {
            return text;
        }
        let signatures: Vec<&[u8]> = self.signatures.iter().map(String::as_bytes).collect();
        conceal_in_text(text, &signatures)
    }

    /// The host of a URL for a message, with its port where it is not the usual one.
    pub(super) fn host(&self, url: &Url) -> String {
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        one_line(&self.unsigned(self.token.concealed_host(host)), 255)
    }

    /// A URL for a message: without its query, which may be a signature, and without the token, which a redirect may
    /// repeat.
    pub(super) fn shown(&self, url: &Url) -> String {
        // Both are in small letters here, whatever they were written in.
        let small = |part: &str| self.token.concealed_host(part.to_owned());
        let scheme = small(url.scheme());
        let Some(host) = url.host_str() else {
            // What follows is no path: it may be the document itself.
            return one_line(&format!("{scheme}:…"), URL_LENGTH);
        };
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let place = self.token.concealed_text(format!("{scheme}://{}{port}{}", small(host), url.path()));
        one_line(&self.unsigned(place), URL_LENGTH)
    }
}
