//! Durations as a scenario writes them: `250ms`, `3s`, `15m`, `24h`, `1m 30s`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// Reads a duration; for `#[serde(deserialize_with)]`.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    parse(&text).ok_or_else(|| {
        de::Error::custom(format!(
            "`{}` is no duration; write it like `250ms`, `3s`, `15m` or `1m 30s`",
            super::hash::shown(&text)
        ))
    })
}

fn parse(text: &str) -> Option<Duration> {
    let mut total = None;
    for part in text.split_whitespace() {
        let unit_at = part.find(|char: char| !char.is_ascii_digit())?;
        let (number, unit) = part.split_at_checked(unit_at)?;
        let number: u64 = number.parse().ok()?;
        let each = match unit {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            _ => return None,
        };
        total = Some(total.unwrap_or(Duration::ZERO).checked_add(each)?);
    }
    // longer than any timer holds, and than anyone waits
    total.filter(|total| *total <= Duration::from_hours(24 * 365))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse("1m 30s"), Some(Duration::from_secs(90)));
        for wrong in ["", "3", "s", "-1s", "1.5s", "3 s", "99999999999999999999h", "9999999999h"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
