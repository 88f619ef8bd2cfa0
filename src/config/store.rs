//! The `[store]` part of the configuration: where locks and stored results are.

use std::path::Path;

use url::Url;

use super::document::{Broken, DocumentError, Keys};
use super::secret::SecretSource;

/// Where locks and stored results are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StorePlace {
    /// In a file of the data folder: for the processes of this machine.
    #[default]
    Embedded,
    /// In a Redis, for several machines.
    Redis {
        /// Its address: `redis://` or `rediss://` (TLS), a host, at most a user, a port and a database's number. It holds
        /// no password.
        url: Url,
        /// Where its password is, where it has one.
        password: Option<SecretSource>,
    },
}

/// The section as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StoreSettings {
    url: Option<String>,
    password: Option<SecretSource>,
}

impl StoreSettings {
    pub(crate) fn keys(&mut self, keys: &mut Keys<'_>) -> Result<(), DocumentError> {
        keys.key("url", &mut self.url)?;
        keys.key("password", &mut self.password)
    }

    /// What the section means. A relative file is taken from `beside`, the configuration's directory.
    pub(crate) fn resolve(&self, beside: &Path) -> Result<StorePlace, Broken> {
        match (&self.url, &self.password) {
            (None, None) => Ok(StorePlace::Embedded),
            (None, Some(_)) => Err(Broken::new("password", "needs a `url` beside it")),
            (Some(url), password) => Ok(StorePlace::Redis {
                url: parse_url(url).map_err(|rule| Broken::new("url", rule))?,
                password: password.clone().map(|source| source.beside(beside)),
            }),
        }
    }
}

/// Reads the address of a Redis. What is said of a wrong one repeats nothing of it: there may be a password in it.
fn parse_url(text: &str) -> Result<Url, String> {
    let example = "an address such as `redis://127.0.0.1:6379/0`";
    let url = Url::parse(text.trim()).map_err(|error| format!("must be {example} ({error})"))?;
    if url.password().is_some() {
        return Err("must hold no password; say where it is instead, with `password = { env = \"NAME\" }`, \
                    `{ file = \"PATH\" }` or `{ command = [\"PROGRAM\"] }` beside it"
            .to_owned());
    }
    if !matches!(url.scheme(), "redis" | "rediss") {
        return Err("must begin with `redis://`, or `rediss://` for TLS".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("must name a host".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must end before any `?` or `#`".to_owned());
    }
    match url.path().trim_start_matches('/') {
        "" => Ok(url),
        database if database.bytes().all(|byte| byte.is_ascii_digit()) && database.len() < 6 => Ok(url),
        _ => Err(format!("must end in nothing but a database's number, as {example} does")),
    }
}
