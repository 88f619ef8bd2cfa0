//! Guesses what a person meant who mistyped a name.

/// `; did you mean …?` with the candidate that is nearest to `word`, or `None` where none is near enough for the guess
/// to be of use. A nested key is found by its last part, too.
pub(crate) fn hint<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    let word = word.to_lowercase();
    let bearable = 1.max(word.chars().count() / 3);
    candidates
        .into_iter()
        .map(|candidate| {
            let whole = strsim::osa_distance(&word, &candidate.to_lowercase());
            let last = candidate.rsplit('.').next().unwrap_or(candidate);
            (whole.min(strsim::osa_distance(&word, &last.to_lowercase())), candidate)
        })
        .filter(|(distance, _)| *distance <= bearable)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let known = ["region", "read_only", "workers", "backoff.base"];
        assert_eq!(hint("regoin", known).unwrap(), "; did you mean `region`?");
        assert_eq!(hint("Workers", known).unwrap(), "; did you mean `workers`?");
        assert_eq!(hint("base", known).unwrap(), "; did you mean `backoff.base`?");
        assert_eq!(hint("colour", known), None);
    }
}
