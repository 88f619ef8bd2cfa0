//! The key stores of this machine.

use std::sync::Arc;

use keyring_core::api::CredentialPersistence;
use keyring_core::{CredentialStore, Entry, Error};
use secrecy::zeroize::Zeroizing;

use super::{Lasting, Trouble};
use crate::text::one_line;

const SERVICE: &str = "trunkline";

/// Whose entry stores are tried out with: no profile has this name.
const PROBE: &str = "[probe]";

#[cfg(target_os = "linux")]
const DESKTOP: &str = "the desktop's secret service";
#[cfg(target_os = "linux")]
const KERNEL: &str = "the kernel's key store";

/// The key stores of this machine in the order in which they are asked, and why others are not among them.
pub(super) struct Stores {
    pub(super) usable: Vec<(&'static str, Arc<CredentialStore>)>,
    pub(super) troubles: Vec<String>,
}

pub(super) fn probe() -> Result<Lasting, Trouble> {
    Stores::of_this_machine().probe()
}

pub(super) fn read(profile: &str) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    Stores::of_this_machine().read(profile)
}

pub(super) fn write(profile: &str, secret: &[u8]) -> Result<Lasting, Trouble> {
    Stores::of_this_machine().write(profile, secret)
}

pub(super) fn delete(profile: &str) -> Result<(), Trouble> {
    Stores::of_this_machine().delete(profile)
}

impl Stores {
    #[cfg(target_os = "linux")]
    fn of_this_machine() -> Self {
        let mut stores = Self { usable: Vec::new(), troubles: Vec::new() };
        match zbus_secret_service_keyring_store::Store::new() {
            Ok(store) => stores.usable.push((DESKTOP, store)),
            Err(error) => stores.troubles.push(in_words(DESKTOP, &error)),
        }
        match kernel() {
            Ok(store) => stores.usable.push((KERNEL, store)),
            Err(error) => stores.troubles.push(in_words(KERNEL, &error)),
        }
        stores
    }

    #[cfg(not(target_os = "linux"))]
    fn of_this_machine() -> Self {
        Self { usable: Vec::new(), troubles: vec!["this build knows none for this system".to_owned()] }
    }

    /// How long the first store keeps what it is given that takes anything: some can be read and not written.
    pub(super) fn probe(mut self) -> Result<Lasting, Trouble> {
        for (store, entry, lasting) in self.entries(PROBE) {
            match try_out(&entry) {
                Ok(()) => return Ok(lasting),
                Err(error) => self.troubles.push(in_words(store, &error)),
            }
        }
        Err(self.trouble(0))
    }

    /// The first store's secret that has one.
    pub(super) fn read(mut self, profile: &str) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let mut absent = 0;
        for (store, entry, _) in self.entries(profile) {
            match entry.get_secret() {
                Ok(secret) => return Ok(Zeroizing::new(secret)),
                Err(Error::NoEntry) => absent += 1,
                Err(error) => self.troubles.push(in_words(store, &error)),
            }
        }
        Err(self.trouble(absent))
    }

    /// Into the first store that takes it. A store that fails half-way must not keep the secret that it was said not to
    /// have taken, so each is tried out before it; nor may one that is asked earlier keep an old one, once a later store
    /// has the new one.
    pub(super) fn write(mut self, profile: &str, secret: &[u8]) -> Result<Lasting, Trouble> {
        let mut refused = Vec::new();
        for ((store, entry, lasting), (.., probe, _)) in
            self.entries(profile).into_iter().zip(self.entries(PROBE))
        {
            let before = entry.get_secret().map(Zeroizing::new);
            let was_absent = matches!(before, Err(Error::NoEntry));
            let taken = match before {
                Ok(_) => entry.set_secret(secret),
                Err(Error::NoEntry) => try_out(&probe).and_then(|()| entry.set_secret(secret)),
                Err(error) => Err(error),
            };
            let Err(error) = taken else {
                // what could not be asked can't be cleaned either
                for earlier in &refused {
                    let _: Result<(), Error> = Entry::delete_credential(earlier);
                }
                return Ok(lasting);
            };
            self.troubles.push(in_words(store, &error));
            if was_absent {
                // also of one that has failed half-way
                let _: Result<(), Error> = entry.delete_credential();
            }
            refused.push(entry);
        }
        Err(self.trouble(0))
    }

    /// Out of all of them.
    pub(super) fn delete(mut self, profile: &str) -> Result<(), Trouble> {
        let (mut deleted, mut absent) = (0, 0);
        for (store, entry, _) in self.entries(profile) {
            match entry.delete_credential() {
                Ok(()) => deleted += 1,
                Err(Error::NoEntry) => absent += 1,
                Err(error) => self.troubles.push(in_words(store, &error)),
            }
        }
        if deleted > 0 { Ok(()) } else { Err(self.trouble(absent)) }
    }

    fn entries(&mut self, profile: &str) -> Vec<(&'static str, Entry, Lasting)> {
        let mut entries = Vec::new();
        for (name, store) in &self.usable {
            let lasting = match store.persistence() {
                CredentialPersistence::UntilDelete => Lasting::UntilDeleted,
                _ => Lasting::UntilReboot,
            };
            match store.build(SERVICE, profile, None) {
                Ok(entry) => entries.push((*name, entry, lasting)),
                Err(error) => self.troubles.push(in_words(name, &error)),
            }
        }
        entries
    }

    fn trouble(self, absent: usize) -> Trouble {
        let troubles = self.troubles.join("; ");
        match (absent, troubles.is_empty()) {
            (0, _) => Trouble::Unusable(troubles),
            (_, true) => Trouble::NoEntry { more: String::new() },
            (_, false) => Trouble::NoEntry { more: format!(" (and not all of it can be used: {troubles})") },
        }
    }
}

/// The kernel's store. A thread without a session of its own, as cron and `su` start them, is put into one when an entry
/// is built for the first time: that entry stands in the session before, into which a secret can be put that nobody gets
/// out again. So it is let go.
#[cfg(target_os = "linux")]
fn kernel() -> Result<Arc<CredentialStore>, Error> {
    let store: Arc<CredentialStore> = linux_keyutils_keyring_store::Store::new()?;
    store.build(SERVICE, PROBE, None)?;
    Ok(store)
}

/// Whether a store takes anything, and lets it be taken out again, with what is no secret.
fn try_out(probe: &Entry) -> Result<(), Error> {
    let taken = probe.set_secret(b"trunkline was here");
    // also of one that has failed half-way; another process may have been faster
    let out = match probe.delete_credential() {
        Err(Error::NoEntry) => Ok(()),
        out => out,
    };
    taken.and(out)
}

/// Two of these errors hold what was read, and would show it when debugged; only their words are taken.
fn in_words(store: &str, error: &Error) -> String {
    match error {
        Error::BadEncoding(_) | Error::BadDataFormat(..) => format!("{store}: its entry can't be read"),
        Error::Ambiguous(_) => format!("{store}: it has several entries for this profile"),
        other => format!("{store}: {}", one_line(&other.to_string(), 200)),
    }
}

#[cfg(test)]
mod tests;
