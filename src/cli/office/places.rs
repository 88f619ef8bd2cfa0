//! Putting a secret into its place, and taking that back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::exit::Stop;
use crate::config::{
    Lasting, Profile, Secret, SecretError, SecretSource, delete_secret, store_secret, store_secret_file,
};
use crate::text::one_line;

/// The file for a secret that was given no other: beside the configuration.
pub(super) fn default_file(config_file: &Path, profile: &str) -> PathBuf {
    config_file.parent().unwrap_or(Path::new("")).join("secrets").join(profile)
}

/// Removes a file that was made for a secret; that there is none is no error.
pub(super) fn own_file(profile: &str, file: &Path) -> Result<(), SecretError> {
    match fs::remove_file(file) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(SecretError::File { profile: profile.to_owned(), path: file.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// A secret that was put into its place just now, or is there anyway.
#[derive(Debug)]
pub(super) struct Placed {
    /// How long it lasts there, where it was put there.
    pub lasting: Option<Lasting>,
    back: Back,
}

/// What takes it back.
#[derive(Debug)]
enum Back {
    Nothing,
    Keyring { profile: String, before: Option<Secret> },
    File { profile: String, path: PathBuf, before: Option<Secret> },
}

impl Placed {
    /// Puts a secret where the profile says: the one that was typed, or else the one that the profile had `before` in
    /// another place. Where neither is, it must be there already, or come from outside.
    pub(super) async fn put(
        before: Option<&Profile>,
        profile: &Profile,
        typed: Option<Secret>,
    ) -> Result<Self, Stop> {
        let (name, home) = (&profile.name, &profile.secret);
        let moved = |before: &Profile| {
            before.secret != *home || (before.name != *name && *home == SecretSource::Keyring)
        };
        match (home, typed) {
            (SecretSource::Env(variable), Some(_)) => Err(Stop::refuse(format!(
                "the secret of `{name}` is in the environment variable `{variable}`, which can't be set from here\n\
                 hint: leave, set it outside, and start trunkline again; a run that stands still goes on then"
            ))),
            (SecretSource::Command(words), Some(_)) => Err(Stop::refuse(format!(
                "the secret of `{name}` is told by the command `{}`\n\
                 hint: put the new one outside where that finds it, and try again; it is read anew each time",
                one_line(words.first().map_or("", String::as_str), 100)
            ))),
            (SecretSource::Env(_) | SecretSource::Command(_), None) => Ok(Self::untouched()),
            (SecretSource::Keyring, Some(secret)) => Self::into_keyring(name, &secret).await,
            (SecretSource::File(path), Some(secret)) => {
                let own = before.is_some_and(|before| before.secret == *home);
                if !own && path.try_exists().unwrap_or(true) {
                    return Err(Stop::refuse(format!(
                        "`{}` is there already, and is not written over\n\
                         hint: name another file, or type no secret where that file holds it",
                        one_line(&path.to_string_lossy(), 300)
                    )));
                }
                Self::into_file(name, path, &secret).await
            }
            (SecretSource::Keyring, None) => match before.filter(|before| moved(before)) {
                Some(before) => Self::into_keyring(name, &before.secret.read(&before.name).await?).await,
                None => home.read(name).await.map(|_| Self::untouched()).map_err(Stop::from),
            },
            (SecretSource::File(path), None) => match before.filter(|before| moved(before)) {
                Some(before) if !path.try_exists().unwrap_or(true) => {
                    Self::into_file(name, path, &before.secret.read(&before.name).await?).await
                }
                _ => match home.read(name).await {
                    // a file that is not there yet may come; one that others can read is a mistake already
                    Err(error @ SecretError::FileOpen { .. }) => Err(error.into()),
                    _ => Ok(Self::untouched()),
                },
            },
        }
    }

    const fn untouched() -> Self {
        Self { lasting: None, back: Back::Nothing }
    }

    async fn into_keyring(profile: &str, secret: &Secret) -> Result<Self, Stop> {
        let before = SecretSource::Keyring.read(profile).await.ok();
        let lasting = Some(store_secret(profile, secret).await?);
        Ok(Self { lasting, back: Back::Keyring { profile: profile.to_owned(), before } })
    }

    async fn into_file(profile: &str, path: &Path, secret: &Secret) -> Result<Self, Stop> {
        let before = SecretSource::File(path.to_owned()).read(profile).await.ok();
        store_secret_file(profile, path, secret)?;
        let back = Back::File { profile: profile.to_owned(), path: path.to_owned(), before };
        Ok(Self { lasting: Some(Lasting::UntilDeleted), back })
    }

    /// Makes everything as it was: the profile could not be written. What does not go is told in the log, since there is
    /// an error to be told already.
    pub(super) async fn take_back(self) {
        let done = match self.back {
            Back::Nothing => Ok(()),
            Back::Keyring { profile, before: Some(before) } => {
                store_secret(&profile, &before).await.map(drop)
            }
            Back::Keyring { profile, before: None } => delete_secret(&profile).await,
            Back::File { profile, path, before: Some(before) } => store_secret_file(&profile, &path, &before),
            Back::File { profile, path, before: None } => own_file(&profile, &path),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "a secret could not be put back");
        }
    }
}

/// Removes the secret of a profile from where it was, once that is no longer its place.
pub(super) async fn forget(before: &Profile, now: &Profile, config_file: &Path) {
    let done = match &before.secret {
        SecretSource::Keyring if now.secret != SecretSource::Keyring || now.name != before.name => {
            delete_secret(&before.name).await
        }
        SecretSource::File(file)
            if now.secret != before.secret && *file == default_file(config_file, &before.name) =>
        {
            own_file(&before.name, file)
        }
        _ => Ok(()),
    };
    if let Err(error) = done {
        tracing::warn!(%error, "a secret that is no longer needed could not be removed");
    }
}
