//! What tells in one pass that no secret can stand in bytes: so it is with nearly all that comes back, and with each of its
//! headers.

use secrecy::zeroize::Zeroizing;

use super::plain::Form;
use super::{LONG, SHORTEST, bare};

/// Bytes that a head has: as many as the shortest quarter of a text of which half is hidden.
const HEAD: usize = LONG / 4;
/// What stands in the schemes of credentials, behind their first letter.
const SCHEMES: [[u8; HEAD]; 2] = [*b"eare", *b"asic"];

/// The first bytes of all that is looked for: whatever hides something begins with one of them, or holds escapes.
pub(in crate::platform::auth) struct Sieve {
    /// They ascend.
    heads: Zeroizing<Vec<u32>>,
    /// A bit for each of 4,096 sums of a head. What has none of them is not looked for.
    sums: Zeroizing<[u64; 64]>,
    /// Whether a text has spaces, which others write otherwise.
    has_spaces: bool,
}

impl Sieve {
    /// For these texts, as [`conceal`](super::conceal) takes them.
    pub(in crate::platform::auth) fn of(hidden: &[&[u8]]) -> Self {
        let mut heads = Zeroizing::new(SCHEMES.map(u32::from_le_bytes).to_vec());
        let mut has_spaces = false;
        for text in hidden.iter().filter(|text| text.len() >= SHORTEST) {
            let bare = bare(text);
            has_spaces |= bare.contains(&b' ');
            for form in [text, bare.as_slice()].into_iter().filter(|form| form.len() >= SHORTEST) {
                let piece = if form.len() < LONG { form.len() } else { form.len() / 4 };
                heads.extend(form.chunks_exact(piece).filter_map(head));
            }
        }
        heads.sort_unstable();
        let mut sums = Zeroizing::new([0; 64]);
        for head in heads.iter() {
            let (word, bit) = sum(*head);
            if let Some(word) = sums.get_mut(word) {
                *word |= bit;
            }
        }
        Self { heads, sums, has_spaces }
    }

    /// Whether nothing of the texts stands in the bytes. Where it says no it may be mistaken.
    pub(in crate::platform::auth) fn lets_through(&self, bytes: &[u8]) -> bool {
        // to the end, without a way out: so many bytes are looked at in one go
        let has = |form: Form| bytes.iter().fold(false, |found, byte| found | form.is_special(*byte));
        if has(Form::Escaped) || (self.has_spaces && has(Form::Spaced)) {
            return false;
        }
        !bytes.windows(HEAD).filter_map(head).any(|head| self.knows(head))
    }

    fn knows(&self, head: u32) -> bool {
        let (word, bit) = sum(head);
        self.sums.get(word).is_some_and(|sums| sums & bit != 0) && self.heads.binary_search(&head).is_ok()
    }
}

/// The number that a text begins with.
fn head(text: &[u8]) -> Option<u32> {
    text.first_chunk().map(|head: &[u8; HEAD]| u32::from_le_bytes(*head))
}

/// Where the bit of a head's sum is.
const fn sum(head: u32) -> (usize, u64) {
    let sum = head.wrapping_mul(0x9e37_79b1) >> 20;
    ((sum >> 6) as usize, 1 << (sum & 63))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::conceal;
    use super::*;

    proptest! {
        #[test]
        fn what_it_lets_through_hides_nothing(
            before in "[a-d \\\\%]{0,9}",
            secret in "[a-d -]{0,40}",
            from in 0..40_usize,
            length in 0..40_usize,
            after in "[a-d ]{0,9}",
            name in prop::sample::select(vec!["", "Bearer 0aB0aB0aB0aB0aB0aB", "basic%200aB0aB0aB0aB0aB0aB"]),
        ) {
            let part = secret.get(from.min(secret.len())..).unwrap();
            let part = part.get(..length.min(part.len())).unwrap();
            let came = format!("{before}{part}{after}{name}");
            let hidden = [secret.as_bytes()];
            if Sieve::of(&hidden).lets_through(came.as_bytes()) {
                prop_assert!(conceal(came.as_bytes(), &hidden).is_none(), "{came}");
            }
        }
    }

    #[test]
    fn usual_answers_pass_and_what_hides_something_does_not() {
        let sieve = Sieve::of(&[b"tok-AAAA-bbbb-SECRET-zz99", b"short-1", b"open sesame", b""]);
        for came in
            ["application/json", "nginx", "{\"id\":\"7\",\"status\":\"done\"}", "", "to", "Bearish bases"]
        {
            assert!(Sieve::of(&[b"tok-AAAA-bbbb-SECRET-zz99"]).lets_through(came.as_bytes()), "{came}");
        }
        for came in ["x bbbb-SECRET-z", "a short-1", "open\tsesame", "50%", "bearer x", "it ends with tok-AA"]
        {
            assert!(!sieve.lets_through(came.as_bytes()), "{came}");
        }
    }
}
