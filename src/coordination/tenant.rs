//! Names: how tenants and keys stand in a store, and how a store's address is shown.
//!
//! Both may be any text, and some characters mean something to a Redis (`{}` in a key, `*` and `[` in a pattern), so neither
//! stands in a store as it is.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use url::Url;

/// Stands for all tenants in a pattern of a Redis, and in what is asked of a file; no tenant's name holds it.
pub(super) const EVERY: &str = "*";

/// The name under which a tenant stands in a store: some of its letters, for the eye, and a digest of it all.
pub(super) fn name(tenant: &str) -> String {
    let plain = |char: char| if char.is_ascii_alphanumeric() || char == '.' { char } else { '-' };
    let letters: String = tenant.chars().take(32).map(plain).collect();
    let digest = digest(tenant);
    format!("{letters}-{}", digest.get(..32).unwrap_or(&digest))
}

/// The name of a key's record. A digest, which keys mostly are, stands as it is, so that a person finds it.
pub(super) fn record(key: &str) -> String {
    let is_digest =
        key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    // no other name begins with an x, so no two keys have one name
    if is_digest { key.to_owned() } else { format!("x{}", digest(key)) }
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // writing into a string succeeds
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// An address as it may be shown: without user and password, and without what might hold one.
#[must_use]
pub fn redact(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    crate::text::one_line(&format!("{}://{host}{port}{}", url.scheme(), url.path()), 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_keys_and_no_two_tenants_share_a_name() {
        let digest_of_a = digest("a");
        let upper = digest_of_a.to_uppercase();
        let long = "k".repeat(1_000_000);
        let keys = ["", "a", "b", " ", "*", "a\0", "a:b", "{a}", &digest_of_a, &upper, &long];
        let records: std::collections::HashSet<_> = keys.iter().map(|key| record(key)).collect();
        assert_eq!(records.len(), keys.len());
        let tenants: std::collections::HashSet<_> = keys.iter().map(|key| name(key)).collect();
        assert_eq!(tenants.len(), keys.len());
    }

    #[test]
    fn a_name_holds_nothing_that_a_store_reads_as_more_than_a_letter() {
        let plain =
            |name: String| name.chars().all(|char| char.is_ascii_alphanumeric() || "-.".contains(char));
        for hostile in ["{x}:*[a-z]?", "a\r\nFLUSHALL\r\n", "é\u{202e}\0'\""] {
            assert!(plain(name(hostile)) && plain(record(hostile)));
        }
        assert!(name("api.mypurecloud.ie 0f3c").starts_with("api.mypurecloud.ie-0f3c-"));
    }

    #[test]
    fn an_address_is_shown_without_user_and_password() {
        let shown = |url: &str| redact(&url.parse().unwrap());
        assert_eq!(shown("rediss://sam:hunter2@redis.example:6380/2"), "rediss://redis.example:6380/2");
        assert_eq!(shown("redis://hunter2@r?password=hunter2#hunter2"), "redis://r");
    }
}
