//! The configuration: where it is, the profiles in it, and where their secrets are.
//!
//! ```text
//! places       where the file is               document   TOML with the line of every mistake; plans are read with it, too
//! profile      how to reach a tenant           setting    how plain values stand in a document
//! region       Genesys Cloud's regions         secret     the four homes of a secret
//! environment  the profile `env`               keyring    one of them
//! edit         a person's file, changed        ui         how the dashboard looks
//! store        where locks and results are
//! ```
//!
//! The whole file is checked when it is loaded, also the profiles that are not used: a mistake is told when it was made,
//! not on the day on which that profile is needed.

pub(crate) mod document;
mod edit;
mod environment;
mod error;
mod keyring;
pub(crate) mod nearest;
mod places;
mod profile;
mod region;
mod secret;
pub(crate) mod setting;
mod store;
mod ui;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

pub use document::DocumentError;
pub use edit::{add_profile, change_profile, remove_profile};
pub use environment::env_profile;
pub use error::ConfigError;
pub use keyring::{Lasting, delete_secret, probe_keyring, store_secret};
pub(crate) use nearest::hint as nearest_name;
pub use places::Places;
pub use profile::{AuthKind, AuthMethod, ClientAuth, Profile, ProfileSettings};
pub(crate) use region::Region;
pub use region::regions;
pub use secret::{Secret, SecretError, SecretSource, store_secret_file};
pub use store::StorePlace;
pub use ui::{Glyphs, KeyBinding, KeyBindings, Theme, Ui};

use crate::files::owner::hold_to_owner;
use crate::model::PlatformKind;
use crate::text::one_line;
use document::{Broken, Document, Keys, Source};
use nearest::hint;
use profile::ENV;
pub(crate) use profile::validate_name;
use store::StoreSettings;

/// What a person configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The profile that is used where none is named.
    pub default_profile: Option<String>,
    /// The profiles, by name.
    pub profiles: BTreeMap<String, Profile>,
    /// Where locks and stored results are.
    pub store: StorePlace,
    /// How the dashboard looks and behaves.
    pub ui: Ui,
}

/// The file's keys, before they are given their meaning.
#[derive(Default)]
struct Settings {
    default_profile: Option<String>,
    profiles: BTreeMap<String, ProfileSettings>,
    store: StoreSettings,
    ui: Ui,
}

impl Settings {
    fn keys(&mut self, keys: &mut Keys<'_>) -> Result<(), DocumentError> {
        keys.key("default_profile", &mut self.default_profile)?;
        keys.key("profiles", &mut self.profiles)?;
        keys.section("store", |keys| self.store.keys(keys))?;
        keys.section("ui", |keys| self.ui.keys(keys))
    }
}

impl Config {
    /// Reads the configuration at `path`. Where there is none, it is empty.
    ///
    /// # Errors
    ///
    /// Where the file can't be read, or with the file, line and column of what is wrong in it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::from_text(path, &read_text(path)?)
    }

    fn from_text(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let document = Document::parse(Source::file(path, text), text)?;
        let mut settings = Settings::default();
        document.read(|keys| settings.keys(keys))?;
        let beside = path.parent().unwrap_or(Path::new(""));
        let mut profiles = BTreeMap::new();
        for (name, settings) in &settings.profiles {
            validate_name(name).map_err(|broken| document.broken(&["profiles"], &broken))?;
            let profile = settings
                .resolve(name, beside)
                .map_err(|broken| document.broken(&["profiles", name], &broken))?;
            profiles.insert(name.clone(), profile);
        }
        let store = settings.store.resolve(beside).map_err(|broken| document.broken(&["store"], &broken))?;
        settings.ui.validate().map_err(|broken| document.broken(&["ui"], &broken))?;
        let config = Self { default_profile: settings.default_profile, profiles, store, ui: settings.ui };
        config.validate_default().map_err(|broken| document.broken(&[], &broken))?;
        Ok(config)
    }

    fn validate_default(&self) -> Result<(), Broken> {
        match &self.default_profile {
            Some(name) if name != ENV && !self.profiles.contains_key(name) => {
                let hint = self.hint(name);
                Err(Broken::new(
                    "default_profile",
                    format!("names no profile: `{}`{hint}", one_line(name, 64)),
                ))
            }
            _ => Ok(()),
        }
    }

    /// The profile of that name, or else the default one, for an operation of `platform`. `env` is made of environment
    /// variables.
    ///
    /// # Errors
    ///
    /// Where there is no such profile, or it is of the other platform.
    pub fn profile(&self, name: Option<&str>, platform: PlatformKind) -> Result<Profile, ConfigError> {
        self.profile_with(name, platform, &|variable| std::env::var(variable).ok())
    }

    fn profile_with(
        &self,
        name: Option<&str>,
        platform: PlatformKind,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Profile, ConfigError> {
        let name = name
            .or(self.default_profile.as_deref())
            .ok_or_else(|| ConfigError::NoProfile { known: self.known_profiles() })?;
        if name == ENV {
            return env_profile(platform, lookup);
        }
        let profile = self.profiles.get(name).ok_or_else(|| self.unknown_profile(name))?;
        if profile.platform != platform {
            let (name, of) = (profile.name.clone(), profile.platform);
            return Err(ConfigError::OtherPlatform { name, platform: of, needed: platform });
        }
        Ok(profile.clone())
    }

    /// The variables of the environment that hold secrets: the profiles', the shared store's, and those of the profile `env`.
    pub(crate) fn secret_variables(&self) -> Vec<String> {
        let of_store = match &self.store {
            StorePlace::Redis { password, .. } => password.as_ref(),
            StorePlace::Embedded => None,
        };
        let sources = self.profiles.values().map(|profile| &profile.secret).chain(of_store);
        let named = sources.filter_map(SecretSource::variable);
        named.chain(environment::SECRETS).map(str::to_owned).collect()
    }

    pub(crate) fn unknown_profile(&self, name: &str) -> ConfigError {
        ConfigError::UnknownProfile {
            name: one_line(name, 64),
            hint: self.hint(name),
            known: self.known_profiles(),
        }
    }

    fn hint(&self, name: &str) -> String {
        hint(name, self.profiles.keys().map(String::as_str)).unwrap_or_default()
    }

    fn known_profiles(&self) -> String {
        if self.profiles.is_empty() {
            return "there are none yet: add one with `trunkline profile add NAME`, or use `--profile env`"
                .to_owned();
        }
        let names: Vec<String> = self.profiles.keys().map(|name| format!("`{name}`")).collect();
        format!("there are {} and `{ENV}`", names.join(", "))
    }
}

/// The profiles of the configuration at `path` as they are written there, by name.
///
/// # Errors
///
/// Where the file can't be read, or with the file, line and column of what is wrong in it.
pub fn written_profiles(path: &Path) -> Result<BTreeMap<String, ProfileSettings>, ConfigError> {
    let text = read_text(path)?;
    let mut settings = Settings::default();
    Document::parse(Source::file(path, &text), &text)?.read(|keys| settings.keys(keys))?;
    Ok(settings.profiles)
}

fn read_text(path: &Path) -> Result<String, ConfigError> {
    match document::read_file(path) {
        Ok((text, metadata)) => {
            hold_to_owner(path, &metadata)?;
            Ok(text)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(ConfigError::Read { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests;
