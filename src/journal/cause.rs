//! What makes two failures the same to a person: the message with its values masked.

/// Masks what differs from record to record in a message: quoted texts, numbers, and words that hold a digit become
/// `…`. `contact "5d1f" has 3 open items` and `contact "77aa" has 4 open items` are one cause.
#[must_use]
pub(crate) fn mask(message: &str) -> String {
    let mut masked = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        let taken = if matches!(first, '"' | '`' | '“') {
            let close = if first == '“' { '”' } else { first };
            let inside = rest.get(first.len_utf8()..).unwrap_or_default();
            inside.find(close).map(|end| first.len_utf8() + end + close.len_utf8())
        } else if first.is_alphanumeric() {
            let end = rest
                .find(|char: char| !(char.is_alphanumeric() || matches!(char, '-' | '_' | '.' | ':')))
                .unwrap_or(rest.len());
            let word = rest.get(..end).unwrap_or_default();
            if word.contains(|char: char| char.is_ascii_digit()) {
                Some(word.trim_end_matches(['.', ':', '-']).len())
            } else {
                masked.push_str(word);
                rest = rest.get(end..).unwrap_or_default();
                continue;
            }
        } else {
            None
        };
        if let Some(length) = taken {
            masked.push('…');
            rest = rest.get(length..).unwrap_or_default();
        } else {
            masked.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn values_are_masked_and_words_stay() {
        assert_eq!(mask(r#""No budjet" is not under Contacted"#), "… is not under Contacted");
        assert_eq!(mask("contact 5d1f-88a0 has 3 items."), "contact … has … items.");
        assert_eq!(mask("took 4.5. Then “x” é"), "took …. Then … é");
        assert_eq!(mask("an \"open quote"), "an \"open quote");
        assert_eq!(mask(""), "");
    }
}
