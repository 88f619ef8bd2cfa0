//! The keyring as a home for secrets: the desktop's secret service where one answers, else the kernel's key store.
//!
//! A secret is the entry of service `trunkline` whose user is the profile's name, so that the desktop's own tools can
//! find it. Key stores may ask a person to unlock them, and their clients block: each call has a thread of its own,
//! which nothing waits for after a minute, so that a locked store can't hang the program, nor its end.

#[cfg(not(feature = "keyring"))]
#[path = "keyring/no_stores.rs"]
mod stores;
#[cfg(feature = "keyring")]
mod stores;

use std::time::Duration;

use secrecy::zeroize::Zeroizing;

use super::secret::{Secret, SecretError};

/// How long a key store may take; long enough for a person to type its password.
const LIMIT: Duration = Duration::from_mins(1);

/// How long one may take that is only tried, while a person waits for a list.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// How long a stored secret lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// Until it is deleted.
    UntilDeleted,
    /// Until the machine starts anew, or even less: it is in the kernel's memory.
    UntilReboot,
}

/// Why a key store did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    /// It works, and holds no such entry.
    #[cfg_attr(
        not(feature = "keyring"),
        expect(dead_code, reason = "a build without key stores finds none that works")
    )]
    NoEntry { more: String },
    /// None works.
    Unusable(String),
}

impl Trouble {
    fn of(self, profile: &str) -> SecretError {
        let profile = profile.to_owned();
        match self {
            Self::NoEntry { more } => SecretError::NotInKeyring { profile, more },
            Self::Unusable(reason) => SecretError::NoKeyring { profile, reason },
        }
    }
}

/// Puts the secret of the profile named `profile` into the keyring, over one that is there, and says how long it lasts.
///
/// # Errors
///
/// Where no key store works here.
pub async fn store_secret(profile: &str, secret: &Secret) -> Result<Lasting, SecretError> {
    let bytes = Zeroizing::new(secret.expose().as_bytes().to_vec());
    let name = profile.to_owned();
    on_own_thread(move || stores::write(&name, &bytes)).await.map_err(|trouble| trouble.of(profile))
}

/// Takes the secret of the profile named `profile` out of the keyring; that there is none is no error.
///
/// # Errors
///
/// Where no key store works here.
pub async fn delete_secret(profile: &str) -> Result<(), SecretError> {
    let name = profile.to_owned();
    match on_own_thread(move || stores::delete(&name)).await {
        Ok(()) | Err(Trouble::NoEntry { .. }) => Ok(()),
        Err(trouble) => Err(trouble.of(profile)),
    }
}

/// Says whether a key store takes secrets here, and how long it keeps them: an entry is written and deleted.
///
/// # Errors
///
/// Why there is none.
pub async fn probe_keyring() -> Result<Lasting, SecretError> {
    let asked = tokio::time::timeout(PROBE_LIMIT, on_own_thread(stores::probe));
    let answer = asked.await.unwrap_or_else(|_| Err(Trouble::Unusable("it gives no answer".to_owned())));
    answer.map_err(|trouble| match trouble {
        Trouble::NoEntry { more: reason } | Trouble::Unusable(reason) => SecretError::NoStore { reason },
    })
}

pub(super) async fn read_secret(profile: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let name = profile.to_owned();
    on_own_thread(move || stores::read(&name)).await.map_err(|trouble| trouble.of(profile))
}

async fn on_own_thread<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("keyring".to_owned())
        .spawn(move || drop(tell.send(ask())))
        .map_err(|error| Trouble::Unusable(format!("no thread for it: {error}")))?;
    match tokio::time::timeout(LIMIT, told).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Trouble::Unusable("its client broke down".to_owned())),
        Err(_) => Err(Trouble::Unusable("it gave no answer for a minute; is it locked?".to_owned())),
    }
}
