//! What makes two failures the same to a person: the message with its values masked.

use crate::model::{Fault, FaultKind};

/// What comes before the nearest names that our own check knows.
const NEAR: &str = "; near: ";

/// A piece of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    /// The same in every message of the cause.
    Words(&'a str),
    /// What differs from record to record, without its quotes.
    Value(&'a str),
}

/// The pieces of a message, in order.
struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Pieces<'a> {
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.rest.chars().next()?;
        if matches!(first, '"' | '`' | '“') {
            let close = if first == '“' { '”' } else { first };
            let inside = self.rest.get(first.len_utf8()..).unwrap_or_default();
            if let Some(end) = inside.find(close) {
                self.take(first.len_utf8() + end + close.len_utf8());
                return Some(Piece::Value(inside.get(..end).unwrap_or_default()));
            }
        } else if first.is_alphanumeric() {
            let is_inside = |char: char| char.is_alphanumeric() || matches!(char, '-' | '_' | '.' | ':');
            let end = self.rest.find(|char| !is_inside(char)).unwrap_or(self.rest.len());
            let word = self.rest.get(..end).unwrap_or_default();
            if word.bytes().any(|byte| byte.is_ascii_digit()) {
                return Some(Piece::Value(self.take(word.trim_end_matches(['.', ':', '-']).len())));
            }
            return Some(Piece::Words(self.take(end)));
        }
        Some(Piece::Words(self.take(first.len_utf8())))
    }
}

/// Masks what differs from record to record in a message: quoted texts, numbers, and words that hold a digit become
/// `…`. `contact "5d1f" has 3 open items` and `contact "77aa" has 4 open items` are one cause.
#[must_use]
pub(crate) fn mask(message: &str) -> String {
    // what our own check suggests goes with the value
    let message = message.split_once(NEAR).map_or(message, |(before, _)| before);
    let mut masked = String::with_capacity(message.len());
    for piece in (Pieces { rest: message }) {
        match piece {
            Piece::Words(words) => masked.push_str(words),
            Piece::Value(_) => masked.push('…'),
        }
    }
    masked
}

/// A fault's message as it may be handed to others: without what the platform said, without what a file holds, and without
/// the file, command or variable that a secret was looked for in.
#[must_use]
pub(crate) fn nameless(fault: &Fault) -> String {
    match fault.kind {
        FaultKind::DatasetChanged
        | FaultKind::DatasetBroken
        | FaultKind::NoDataset
        | FaultKind::Disk
        | FaultKind::CorrelationWindow => mask(fault.own_words()),
        FaultKind::ClientRefused | FaultKind::Store | FaultKind::Preflight => {
            without_names(fault.own_words())
        }
        FaultKind::MissingScope
        | FaultKind::Unreachable
        | FaultKind::SameFailures
        | FaultKind::Parked
        | FaultKind::Throttled
        | FaultKind::ChunkFailed => fault.own_words().to_owned(),
    }
}

/// A sentence of ours without what it names: that stands between back-ticks.
fn without_names(sentence: &str) -> String {
    let pieces = sentence.split('`').enumerate();
    pieces.map(|(number, piece)| if number % 2 == 0 { piece } else { "…" }).collect()
}

/// What `mask` masks in a message, in order and without quotes.
pub(super) fn values(message: &str) -> impl Iterator<Item = &str> {
    Pieces { rest: message }.filter_map(|piece| match piece {
        Piece::Value(value) => Some(value),
        Piece::Words(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::{mask, values, without_names};

    #[test]
    fn what_a_sentence_names_is_not_told() {
        let said = "secret of profile `acme`: reading `/home/sam/secret`: No such file (os error 2)";
        assert_eq!(without_names(said), "secret of profile …: reading …: No such file (os error 2)");
        assert_eq!(without_names("nothing"), "nothing");
    }

    #[test]
    fn values_are_masked_and_words_stay() {
        assert_eq!(mask(r#""No budjet" is not under Contacted"#), "… is not under Contacted");
        assert_eq!(mask("contact 5d1f-88a0 has 3 items."), "contact … has … items.");
        assert_eq!(mask("took 4.5. Then “x” é"), "took …. Then … é");
        assert_eq!(mask("an \"open quote"), "an \"open quote");
        assert_eq!(mask(""), "");
        assert_eq!(mask(r#""No budjet" is not under "Contacted"; near: No budget"#), "… is not under …");
    }

    #[test]
    fn what_is_masked_can_be_told() {
        let told = |message| values(message).collect::<Vec<_>>();
        assert_eq!(told(r#""No budjet" is not under Contacted"#), ["No budjet"]);
        assert_eq!(told("contact 5d1f-88a0 has 3 items."), ["5d1f-88a0", "3"]);
        assert_eq!(told("took 4.5. Then “x” é \"open"), ["4.5", "x"]);
        assert!(told("connection was reset").is_empty());
    }
}
