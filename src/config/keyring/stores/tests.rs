use std::any::Any;
use std::collections::HashMap;
use std::sync::Mutex;

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, Result, mock};

use super::*;

fn stores(usable: &[Arc<CredentialStore>]) -> Stores {
    Stores { usable: usable.iter().map(|store| ("a store", store.clone())).collect(), troubles: Vec::new() }
}

fn mock_store() -> Arc<CredentialStore> {
    mock::Store::new().unwrap()
}

fn fail_next(store: &Arc<CredentialStore>, error: Error) {
    let entry = store.build(SERVICE, "acme", None).unwrap();
    entry.as_any().downcast_ref::<mock::Cred>().unwrap().set_error(error);
}

#[test]
fn what_is_stored_is_read_until_it_is_deleted() {
    let all = [mock_store(), mock_store()];
    assert_eq!(stores(&all).read("acme").unwrap_err(), Trouble::NoEntry { more: String::new() });
    stores(&all).write("acme", b"old").unwrap();
    stores(&all).write("acme", b"hunter2").unwrap();
    assert_eq!(*stores(&all).read("acme").unwrap(), b"hunter2");
    assert!(matches!(stores(&all).read("other"), Err(Trouble::NoEntry { .. })));
    stores(&all).delete("acme").unwrap();
    assert!(matches!(stores(&all).read("acme"), Err(Trouble::NoEntry { .. })));
}

#[test]
fn where_one_store_fails_the_next_is_used() {
    let all = [mock_store(), mock_store()];
    fail_next(&all[0], Error::NoStorageAccess("locked".into()));
    stores(&all).write("acme", b"hunter2").unwrap();
    assert_eq!(*stores(&all[1..]).read("acme").unwrap(), b"hunter2");
    fail_next(&all[0], Error::NoStorageAccess("locked".into()));
    assert_eq!(*stores(&all).read("acme").unwrap(), b"hunter2");
}

#[test]
fn a_store_that_can_not_be_asked_is_no_store_without_the_secret() {
    let all = [mock_store()];
    fail_next(&all[0], Error::NoStorageAccess("locked".into()));
    let Err(Trouble::Unusable(reason)) = stores(&all).read("acme") else { panic!("it was asked") };
    assert!(reason.starts_with("a store: ") && reason.contains("locked"), "{reason}");
    assert!(matches!(stores(&[]).write("acme", b"x"), Err(Trouble::Unusable(_))));
    let both = [mock_store(), mock_store()];
    fail_next(&both[0], Error::NoStorageAccess("locked".into()));
    let Err(Trouble::NoEntry { more }) = stores(&both).read("acme") else { panic!("it holds none") };
    assert!(more.contains("locked"), "{more}");
}

#[test]
fn a_probe_leaves_nothing_behind() {
    let all = [mock_store()];
    stores(&all).probe().unwrap();
    assert!(matches!(stores(&all).read("[probe]"), Err(Trouble::NoEntry { .. })));
}

#[test]
fn no_error_holds_what_was_read() {
    for error in
        [Error::BadEncoding(b"hunter2".to_vec()), Error::BadDataFormat(b"hunter2".to_vec(), "hunter2".into())]
    {
        let all = [mock_store()];
        fail_next(&all[0], error);
        let trouble = stores(&all).read("acme").unwrap_err();
        assert!(!format!("{trouble:?} {}", trouble.clone().of("acme")).contains("hunter2"));
    }
}

#[test]
fn without_a_keyring_the_other_homes_are_named() {
    let refused = stores(&[]).read("acme").unwrap_err().of("acme").to_string();
    for home in ["{ env = ", "{ file = ", "{ command = "] {
        assert!(refused.contains(home), "{refused}");
    }
}

/// A store that takes a secret and then says that it did not, as the kernel's does where it may not be linked. Of the
/// session of somebody else it gives nothing back, either.
#[derive(Debug, Clone, Default)]
struct HalfWay {
    held: Arc<Mutex<Option<Vec<u8>>>>,
    lets_nothing_out: bool,
}

impl CredentialApi for HalfWay {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        *self.held.lock().unwrap() = Some(secret.to_vec());
        Err(Error::NoStorageAccess("not linked".into()))
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.held.lock().unwrap().clone().filter(|_| !self.lets_nothing_out).ok_or(Error::NoEntry)
    }

    fn delete_credential(&self) -> Result<()> {
        if self.lets_nothing_out {
            return Err(Error::NoStorageAccess("not possessed".into()));
        }
        self.held.lock().unwrap().take().map(drop).ok_or(Error::NoEntry)
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl CredentialStoreApi for HalfWay {
    fn vendor(&self) -> String {
        String::new()
    }

    fn id(&self) -> String {
        String::new()
    }

    fn build(&self, _: &str, _: &str, _: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        Ok(Entry::new_with_credential(Arc::new(self.clone())))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[test]
fn a_store_that_fails_half_way_keeps_nothing() {
    let half_way = HalfWay::default();
    let store: Arc<CredentialStore> = Arc::new(half_way.clone());
    assert!(matches!(
        stores(std::slice::from_ref(&store)).write("acme", b"hunter2"),
        Err(Trouble::Unusable(_))
    ));
    assert_eq!(*half_way.held.lock().unwrap(), None);

    let Err(Trouble::Unusable(why)) = stores(std::slice::from_ref(&store)).probe() else {
        panic!("nothing can be kept there")
    };
    assert!(why.contains("not linked"), "{why}");
    assert_eq!(*half_way.held.lock().unwrap(), None);

    // one that held a secret already is left alone, until a later store has the new one, which it would hide
    *half_way.held.lock().unwrap() = Some(b"old".to_vec());
    let all = [store, mock_store()];
    stores(&all[..1]).write("acme", b"hunter2").unwrap_err();
    assert!(half_way.held.lock().unwrap().is_some());
    stores(&all).write("acme", b"hunter2").unwrap();
    assert_eq!(*half_way.held.lock().unwrap(), None);
    assert_eq!(*stores(&all).read("acme").unwrap(), b"hunter2");
}

#[test]
fn a_store_that_would_keep_a_secret_is_not_given_it() {
    let store = HalfWay { lets_nothing_out: true, ..HalfWay::default() };
    let all: [Arc<CredentialStore>; 1] = [Arc::new(store.clone())];
    assert!(matches!(stores(&all).write("acme", b"hunter2"), Err(Trouble::Unusable(_))));
    assert_eq!(store.held.lock().unwrap().as_deref(), Some(&b"trunkline was here"[..]));
    let later = [all[0].clone(), mock_store()];
    stores(&later).write("acme", b"hunter2").unwrap();
    assert_ne!(store.held.lock().unwrap().as_deref(), Some(&b"hunter2"[..]));
    assert_eq!(*stores(&later).read("acme").unwrap(), b"hunter2");
}

/// Done on a thread of its own, as each call is: the kernel counts sessions by thread.
#[cfg(target_os = "linux")]
fn of_the_kernel<T: Send + 'static>(ask: impl FnOnce(Stores) -> T + Send + 'static) -> T {
    let ask = || {
        let usable = kernel().map(|store| (KERNEL, store));
        let troubles = usable.as_ref().err().map(|error| in_words(KERNEL, error));
        ask(Stores { usable: usable.into_iter().collect(), troubles: troubles.into_iter().collect() })
    };
    std::thread::spawn(ask).join().unwrap()
}

/// Also where nobody has begun a session, as under cron.
#[test]
#[cfg(target_os = "linux")]
fn the_kernel_gives_back_what_it_takes_and_keeps_nothing_that_it_does_not() {
    let profile = format!("test-{}", std::process::id());
    let named = |ask: fn(Stores, &str) -> std::result::Result<(), Trouble>| {
        let profile = profile.clone();
        of_the_kernel(move |stores| ask(stores, &profile))
    };
    let held = || {
        let keys = std::fs::read_to_string("/proc/keys").unwrap_or_default();
        // the second word has an `i` where the key is let go and not yet cleared away
        keys.lines().any(|key| {
            let is_let_go = key.split_whitespace().nth(1).is_none_or(|flags| flags.contains('i'));
            key.contains(&profile) && !is_let_go
        })
    };
    match named(|stores, profile| stores.write(profile, b"hunter2").map(drop)) {
        Ok(()) => {
            named(|stores, profile| stores.read(profile).map(|secret| assert_eq!(*secret, b"hunter2")))
                .unwrap();
            named(Stores::delete).unwrap();
            assert!(matches!(named(Stores::delete), Err(Trouble::NoEntry { .. })));
        }
        // a kernel without key stores, or a cell that keeps them from its processes
        Err(trouble) => assert!(matches!(trouble, Trouble::Unusable(_)), "{trouble:?}"),
    }
    assert!(!held());
}
