//! What an interaction must be before it may be sent to the data exchange: the contract's schema, by hand.

use serde_json::{Map, Value};

/// What is wrong with a record, in words; nothing where it is right.
pub(super) fn wrong(record: &Map<String, Value>) -> Option<&'static str> {
    let text = |name: &str| record.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    for (name, what) in [
        ("external_id", "external_id must be a string that is not empty"),
        ("timestamp", "timestamp must be a string that is not empty"),
        ("channel", "channel must be a string that is not empty"),
        ("customer_segment", "customer_segment must be a string that is not empty"),
    ] {
        if text(name).is_none() {
            return Some(what);
        }
    }
    if !text("timestamp").is_some_and(is_date_time) {
        return Some("timestamp must be a date-time (RFC 3339)");
    }
    // JSON Schema takes 12.0 for an integer
    let seconds = record.get("duration_seconds").and_then(Value::as_f64);
    if !seconds.is_some_and(|seconds| seconds >= 0.0 && seconds.fract() == 0.0) {
        return Some("duration_seconds must be an integer of 0 or more");
    }
    None
}

/// RFC 3339 §5.6, with the days that a month has and leap seconds where they can be (§5.7).
fn is_date_time(text: &str) -> bool {
    parse(text.as_bytes()).is_some()
}

fn parse(text: &[u8]) -> Option<()> {
    let mut rest = text;
    let year = digits(&mut rest, 4)?;
    let month = after(&mut rest, b"-")?;
    let day = after(&mut rest, b"-")?;
    let hour = after(&mut rest, b"Tt")?;
    let minute = after(&mut rest, b":")?;
    let second = after(&mut rest, b":")?;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let end = fraction.iter().position(|byte| !byte.is_ascii_digit())?;
        rest = fraction.get(end..).filter(|_| end > 0)?;
    }
    let offset = match rest {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), ..] => {
            let ahead = if *sign == b'+' { 1 } else { -1 };
            let (hours, minutes) = (after(&mut rest, b"+-")?, after(&mut rest, b":")?);
            if hours > 23 || minutes > 59 || !rest.is_empty() {
                return None;
            }
            ahead * (hours * 60 + minutes)
        }
        _ => return None,
    };
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    let at_midnight = (hour * 60 + minute - offset).rem_euclid(24 * 60) == 23 * 60 + 59;
    let fits = (1..=days).contains(&day) && hour < 24 && minute < 60;
    (fits && (second < 60 || (second == 60 && at_midnight))).then_some(())
}

fn digits(rest: &mut &[u8], count: usize) -> Option<i32> {
    let (number, after) = rest.split_at_checked(count)?;
    *rest = after;
    number.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i32::from(byte - b'0')))
}

/// Two digits after one of `marks`.
fn after(rest: &mut &[u8], marks: &[u8]) -> Option<i32> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    if marks.contains(first) { digits(rest, 2) } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn date_times_are_those_of_rfc_3339() {
        for good in [
            "2026-03-01T10:00:00Z",
            "2024-02-29t23:59:59.123456789z",
            "1990-12-31T23:59:60Z",
            "1990-12-31T15:59:60-08:00",
            "1937-01-01T12:00:27.87+00:20",
        ] {
            assert!(is_date_time(good), "{good}");
        }
        for bad in [
            "2026-03-01 10:00:00Z",
            "2026-03-01T10:00:00",
            "2026-3-1T10:00:00Z",
            "2025-02-29T10:00:00Z",
            "2026-13-01T10:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T10:00:60Z",
            "2026-03-01T10:00:00.Z",
            "2026-03-01T10:00:00+0100",
            "2026-03-01T10:00:00+24:00",
            "2026-03-01T10:00:00Zz",
            "",
        ] {
            assert!(!is_date_time(bad), "{bad}");
        }
    }

    #[test]
    fn every_rule_of_the_schema_is_held() {
        let good = json!({
            "external_id": "a", "timestamp": "2026-03-01T10:00:00Z", "channel": "voice",
            "duration_seconds": 0, "customer_segment": "gold", "more": [],
        });
        let with = |name: &str, value: Value| {
            let mut record = good.as_object().unwrap().clone();
            record.insert(name.to_owned(), value);
            wrong(&record)
        };
        assert_eq!(with("duration_seconds", json!(12.0)), None);
        for name in ["external_id", "timestamp", "channel", "customer_segment"] {
            for value in [json!(""), json!(1), Value::Null] {
                assert!(with(name, value).is_some_and(|what| what.starts_with(name)), "{name}");
            }
        }
        for value in [json!(-1), json!(1.5), json!("1"), Value::Null] {
            assert!(with("duration_seconds", value).is_some());
        }
        assert!(with("timestamp", json!("yesterday")).is_some());
        let mut without = good.as_object().unwrap().clone();
        without.remove("channel");
        assert!(wrong(&without).is_some());
    }
}
