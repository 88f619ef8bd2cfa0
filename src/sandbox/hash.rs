//! Short fingerprints: the sandbox remembers a hash of what it has seen, never the content, so that a million
//! records cost a few bytes each.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// 128 bits of BLAKE3 over the parts, each closed by its length so that no two lists of parts look alike.
pub(super) fn wide(parts: &[&[u8]]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
        hasher.update(&(part.len() as u64).to_le_bytes());
    }
    let mut sixteen = [0; 16];
    hasher.finalize_xof().fill(&mut sixteen);
    u128::from_le_bytes(sixteen)
}

/// 64 bits of BLAKE3 over one record.
pub(super) fn narrow(bytes: &[u8]) -> u64 {
    fold(u128::from_le_bytes(first_sixteen(blake3::hash(bytes).as_bytes())))
}

/// A wide hash made narrow.
#[expect(clippy::cast_possible_truncation, reason = "half of a uniform hash is a uniform hash")]
pub(super) const fn fold(wide: u128) -> u64 {
    wide as u64
}

fn first_sixteen(hash: &[u8; 32]) -> [u8; 16] {
    hash.first_chunk().copied().unwrap_or_default()
}

/// FNV-1a, 64 bits, continued from `state`: a rolling hash that a test can compute in three lines.
pub(super) fn fnv1a(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Where FNV-1a begins.
pub(super) const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// A map whose keys are hashes already.
pub(super) type HashedMap<K, V> = HashMap<K, V, BuildHasherDefault<AsItIs>>;

/// Takes a key that is a uniform hash as it is.
#[derive(Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = fnv1a(self.0, bytes);
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
    fn write_u128(&mut self, key: u128) {
        self.0 = fold(key);
    }
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // writing to a string does not fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Locks; a thread that panicked while it held the lock left only counters behind, which are still worth reading.
pub(super) fn hold<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Text from a caller, made safe to be written into a breach: escaped and short.
pub(super) fn shown(text: &str) -> String {
    let mut safe: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        safe.push('…');
    }
    safe
}
