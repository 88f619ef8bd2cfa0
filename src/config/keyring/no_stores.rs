//! Stands in for the key stores in a build without them.

use secrecy::zeroize::Zeroizing;

use super::{Lasting, Trouble};

fn none<T>() -> Result<T, Trouble> {
    Err(Trouble::Unusable("this build has none".to_owned()))
}

pub(super) fn probe() -> Result<Lasting, Trouble> {
    none()
}

pub(super) fn read(_: &str) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    none()
}

pub(super) fn write(_: &str, _: &[u8]) -> Result<Lasting, Trouble> {
    none()
}

pub(super) fn delete(_: &str) -> Result<(), Trouble> {
    none()
}
