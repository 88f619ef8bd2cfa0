//! Profiles: how to reach one tenant.
//!
//! [`ProfileSettings`] is a profile as it is written, where much may be left out; [`Profile`] is what it means, with
//! every default and rule applied. The rest of the house sees only the latter.

use std::path::{Path, PathBuf};

use url::Url;

use super::document::{Broken, DocumentError, Keys, Node, Setting};
use super::region::{DEFAULT_DOMAIN, Region, parse_url};
use super::secret::SecretSource;
use super::setting::word_settings;
use crate::model::{PlatformKind, words};

words! {
    /// How a client shows who it is when it asks for a token.
    AuthKind, "a way to authenticate", {
        /// OAuth 2.0 client credentials (RFC 6749 §4.4).
        ClientCredentials = "client_credentials",
        /// An access key of CXone's own.
        AccessKey = "access_key",
    }
}

words! {
    /// Where client id and secret stand in a token request (RFC 6749 §2.3.1).
    ClientAuth, "a way to send client id and secret", {
        /// In the `Authorization` header.
        Basic = "basic",
        /// In the form.
        Form = "form",
    }
}

word_settings!(AuthKind, ClientAuth);

/// How tokens are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// OAuth 2.0 client credentials.
    ClientCredentials {
        /// Where client id and secret stand in the request.
        client_auth: ClientAuth,
    },
    /// An access key of CXone's own: the profile's `client_id` is the key's id.
    AccessKey,
}

/// One tenant, and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name in the configuration; `env` for the one made of environment variables.
    pub name: String,
    /// The platform.
    pub platform: PlatformKind,
    /// Where calls go.
    pub api_url: Url,
    /// Where tokens come from.
    pub auth_url: Url,
    /// The OAuth client's id, or the access key's.
    pub client_id: String,
    /// How tokens are asked for.
    pub auth: AuthMethod,
    /// The scope to ask for, where one is to be asked for.
    pub scope: Option<String>,
    /// Whether questions name it and take a typed number.
    pub production: bool,
    /// Whether nothing may be sent with it.
    pub read_only: bool,
    /// Where the client's secret is.
    pub secret: SecretSource,
    /// A file of certificates (PEM) to trust besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// The name of the profile that is made of environment variables.
pub(crate) const ENV: &str = "env";

/// The scope that a CXone client asks for where its profile names none.
const CXONE_SCOPE: &str = "contact:read contact:update";

/// A profile as it is written in the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileSettings {
    /// `platform`; must be given.
    pub platform: Option<PlatformKind>,
    /// `region`: a domain or an AWS name; Genesys Cloud only.
    pub region: Option<String>,
    /// `api_url`, instead of a region.
    pub api_url: Option<String>,
    /// `auth_url`, where it is not what `api_url` tells.
    pub auth_url: Option<String>,
    /// `client_id`; must be given.
    pub client_id: Option<String>,
    /// `auth`; client credentials where it is left out.
    pub auth: Option<AuthKind>,
    /// `client_auth`; the platform's own where it is left out.
    pub client_auth: Option<ClientAuth>,
    /// `scope`.
    pub scope: Option<String>,
    /// `production`; no where it is left out.
    pub production: Option<bool>,
    /// `read_only`; no where it is left out.
    pub read_only: Option<bool>,
    /// `secret`; the keyring where it is left out.
    pub secret: Option<SecretSource>,
    /// `ca_file`; relative to the configuration.
    pub ca_file: Option<String>,
}

impl ProfileSettings {
    pub(crate) fn keys(&mut self, keys: &mut Keys<'_>) -> Result<(), DocumentError> {
        keys.key("platform", &mut self.platform)?;
        keys.key("region", &mut self.region)?;
        keys.key("api_url", &mut self.api_url)?;
        keys.key("auth_url", &mut self.auth_url)?;
        keys.key("client_id", &mut self.client_id)?;
        keys.key("auth", &mut self.auth)?;
        keys.key("client_auth", &mut self.client_auth)?;
        keys.key("scope", &mut self.scope)?;
        keys.key("production", &mut self.production)?;
        keys.key("read_only", &mut self.read_only)?;
        keys.key("secret", &mut self.secret)?;
        keys.key("ca_file", &mut self.ca_file)
    }

    /// What the settings mean. Relative files are taken from `beside`, the configuration's directory.
    pub(crate) fn resolve(&self, name: &str, beside: &Path) -> Result<Profile, Broken> {
        let platform =
            self.platform.ok_or_else(|| Broken::new("platform", "is missing: `genesys` or `cxone`"))?;
        let client_id = self.client_id.clone().ok_or_else(|| {
            Broken::new("client_id", "is missing: the id of the OAuth client, or of the access key")
        })?;
        validate_client_id(&client_id)?;
        if self.ca_file.as_deref() == Some("") {
            return Err(Broken::new(
                "ca_file",
                "must name a file; leave it out for the system's certificates alone",
            ));
        }
        if matches!(&self.secret, Some(SecretSource::File(path)) if path.to_str().is_none()) {
            return Err(Broken::new(
                "secret",
                "must be in a file whose name is UTF-8: it is to stand in a TOML file",
            ));
        }
        let auth = self.auth_method(platform)?;
        let (api_url, auth_url) = self.urls(platform)?;
        Ok(Profile {
            name: name.to_owned(),
            platform,
            api_url,
            auth_url,
            client_id,
            scope: self.scope_of(platform, auth)?,
            auth,
            production: self.production.unwrap_or(false),
            read_only: self.read_only.unwrap_or(false),
            secret: self.secret.clone().unwrap_or(SecretSource::Keyring).beside(beside),
            ca_file: self.ca_file.as_ref().map(|file| beside.join(file)),
        })
    }

    fn auth_method(&self, platform: PlatformKind) -> Result<AuthMethod, Broken> {
        match (self.auth.unwrap_or(AuthKind::ClientCredentials), platform, self.client_auth) {
            (AuthKind::AccessKey, PlatformKind::Genesys, _) => {
                Err(Broken::new("auth", "can't be `access_key`: only CXone has access keys"))
            }
            (AuthKind::AccessKey, _, Some(_)) => {
                Err(Broken::new("client_auth", "means nothing with `auth = \"access_key\"`; leave it out"))
            }
            (AuthKind::AccessKey, PlatformKind::Cxone, None) => Ok(AuthMethod::AccessKey),
            (AuthKind::ClientCredentials, _, Some(client_auth)) => {
                Ok(AuthMethod::ClientCredentials { client_auth })
            }
            (AuthKind::ClientCredentials, PlatformKind::Genesys, None) => {
                Ok(AuthMethod::ClientCredentials { client_auth: ClientAuth::Basic })
            }
            (AuthKind::ClientCredentials, PlatformKind::Cxone, None) => {
                Ok(AuthMethod::ClientCredentials { client_auth: ClientAuth::Form })
            }
        }
    }

    fn scope_of(&self, platform: PlatformKind, auth: AuthMethod) -> Result<Option<String>, Broken> {
        match (&self.scope, auth, platform) {
            (Some(_), AuthMethod::AccessKey, _) => {
                Err(Broken::new("scope", "means nothing with `auth = \"access_key\"`; leave it out"))
            }
            (Some(scope), ..) if !is_scope(scope) => {
                Err(Broken::new("scope", "must be names separated by single spaces (RFC 6749 §3.3)"))
            }
            (Some(scope), ..) => Ok(Some(scope.clone())),
            (None, AuthMethod::ClientCredentials { .. }, PlatformKind::Cxone) => {
                Ok(Some(CXONE_SCOPE.to_owned()))
            }
            (None, ..) => Ok(None),
        }
    }

    fn urls(&self, platform: PlatformKind) -> Result<(Url, Url), Broken> {
        let url = |key: &str, text: &str| parse_url(text).map_err(|rule| Broken::new(key, rule));
        match (&self.region, &self.api_url, &self.auth_url) {
            (Some(_), ..) if platform == PlatformKind::Cxone => {
                Err(Broken::new("region", "is for Genesys Cloud; give CXone's `api_url`"))
            }
            (Some(_) | None, None, None) if platform == PlatformKind::Genesys => {
                let name = self.region.as_deref().unwrap_or(DEFAULT_DOMAIN);
                let region = Region::find(name)
                    .map_err(|wrong| Broken::new("region", format!("is wrong: {wrong}")))?;
                region
                    .url("api")
                    .zip(region.url("login"))
                    .ok_or_else(|| Broken::new("region", "makes no address"))
            }
            (Some(_), ..) => Err(Broken::new(
                "region",
                "can't stand beside `api_url` or `auth_url`; give the one or the other",
            )),
            (None, None, None) => {
                Err(Broken::new("api_url", "is missing: CXone's differs from tenant to tenant"))
            }
            (None, None, Some(_)) => Err(Broken::new("auth_url", "needs an `api_url` beside it")),
            (None, Some(api_url), Some(auth_url)) => {
                Ok((url("api_url", api_url)?, url("auth_url", auth_url)?))
            }
            (None, Some(api_url), None) => {
                let api_url = url("api_url", api_url)?;
                let auth_url = match platform {
                    PlatformKind::Genesys => Region::auth_url_beside(&api_url),
                    PlatformKind::Cxone => api_url.clone(),
                };
                Ok((api_url, auth_url))
            }
        }
    }
}

impl Setting for ProfileSettings {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        let mut settings = Self::default();
        node.keys(|keys| settings.keys(keys))?;
        Ok(settings)
    }

    fn write(&self) -> Option<toml::Value> {
        let mut settings = self.clone();
        let written = Keys::write(|keys| settings.keys(keys)).ok()?;
        Some(toml::Value::Table(written.values.into_iter().collect()))
    }
}

/// A name is typed on command lines and is the user in the keyring: it is kept plain.
pub(crate) fn validate_name(name: &str) -> Result<(), Broken> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name == ENV {
        return Err(Broken::new(
            name,
            "can't be a profile's name here: it is the one that environment variables make",
        ));
    }
    if !name.starts_with(|first: char| first.is_ascii_alphanumeric())
        || !name.bytes().all(plain)
        || name.len() > 64
    {
        let rule = "can't be a profile's name: it must begin with a letter or digit, and hold at most 64 letters, \
                    digits, `-`, `_` and `.`";
        return Err(Broken::new(name, rule));
    }
    Ok(())
}

pub(crate) fn validate_client_id(client_id: &str) -> Result<(), Broken> {
    if client_id.is_empty() || client_id.chars().any(|char| char.is_control() || char.is_whitespace()) {
        return Err(Broken::new("client_id", "must not be empty and must hold no spaces"));
    }
    Ok(())
}

fn is_scope(scope: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
    scope.split(' ').all(|name| !name.is_empty() && name.bytes().all(token))
}
