//! Numbers as people read them: digits grouped, always with a unit, times as `mm:ss`, `h:mm:ss` or in words.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `1,234,567`.
pub(super) fn count(number: u64) -> String {
    crate::report::grouped(number)
}

/// A length as a count.
pub(super) fn count_of(length: usize) -> String {
    count(u64::try_from(length).unwrap_or(u64::MAX))
}

/// A number a second, without its unit: `0.3`, `4.0`, `45`, `12,345`.
pub(super) fn rate(number: f64) -> String {
    if !number.is_finite() || number <= 0.0 {
        return "0".to_owned();
    }
    if number < 9.95 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}").parse().map_or_else(|_| "many".to_owned(), count)
    }
}

/// A share in per cent with one decimal: `62.4 %`. It says 100 only when all is done.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0.0 %".to_owned();
    }
    let tenths = u128::from(part) * 1000 / u128::from(whole);
    let tenths = if part < whole { tenths.min(999) } else { 1000 };
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// A share in whole per cent: `31 %`.
pub(super) fn whole_percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    format!("{} %", u128::from(part) * 100 / u128::from(whole))
}

/// How many of `width` cells a share fills; all of them only when all is done, at least one when anything is.
pub(super) fn cells(part: u64, whole: u64, width: u16) -> u16 {
    if whole == 0 || part == 0 || width == 0 {
        return 0;
    }
    if part >= whole {
        return width;
    }
    let cells = u128::from(part) * u128::from(width) / u128::from(whole);
    u16::try_from(cells).unwrap_or(width).clamp(1, width.saturating_sub(1).max(1))
}

/// A share between 0 and 1.
#[expect(clippy::cast_precision_loss, reason = "a share is shown with two digits")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A clock that runs: `03:41`, `1:12:41`.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{}:{minutes:02}:{seconds:02}", count(hours))
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// A time in words: `182 ms`, `1.2 s`, `12 s`, `42 min`, `1 h 13 min`, `3 d 4 h`.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..10 => format!("{}.{} s", seconds, time.subsec_millis() / 100),
        10..120 => format!("{seconds} s"),
        120..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", count(seconds / 86_400), seconds / 3600 % 24),
    }
}

/// Time left, rounded up so that nothing is said to be over before it is: `9.2 s`, `12 s`, `42 min`.
pub(super) fn left(time: Duration) -> String {
    let tenths = time.as_nanos().div_ceil(100_000_000);
    if tenths < 100 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let seconds = if seconds > 120 { seconds.div_ceil(60) * 60 } else { seconds };
    span(Duration::from_secs(seconds))
}

/// When the text of `left` next changes for something that ends at `until`; none when it is over.
pub(super) fn next_of_left(now: Instant, until: Instant) -> Option<Instant> {
    let time = until.checked_duration_since(now).filter(|time| !time.is_zero())?;
    let step = if time <= Duration::from_secs(10) {
        Duration::from_millis(100)
    } else if time <= Duration::from_mins(2) {
        Duration::from_secs(1)
    } else {
        Duration::from_mins(1)
    };
    let into = time.as_nanos() % step.as_nanos();
    let wait = if into == 0 { step } else { Duration::from_nanos(u64::try_from(into).unwrap_or(u64::MAX)) };
    now.checked_add(wait)
}

/// Time left of a token, rounded up: whole minutes until its last one, then seconds.
pub(super) fn token(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    if seconds > 60 {
        span(Duration::from_secs(seconds.div_ceil(60).max(2) * 60))
    } else {
        format!("{seconds} s")
    }
}

/// When the text of `token` next changes for one that ends at `until`; none when it has.
pub(super) fn next_of_token(now: Instant, until: Instant) -> Option<Instant> {
    let time = until.checked_duration_since(now).filter(|time| !time.is_zero())?;
    let step = Duration::from_secs(if time > Duration::from_mins(1) { 60 } else { 1 });
    let into = time.as_nanos() % step.as_nanos();
    let wait = if into == 0 { step } else { Duration::from_nanos(u64::try_from(into).unwrap_or(u64::MAX)) };
    now.checked_add(wait)
}

/// When the text of a clock that stands at `shown` now next changes.
pub(super) fn next_of_clock(now: Instant, shown: Duration) -> Option<Instant> {
    now.checked_add(
        Duration::from_secs(1).saturating_sub(Duration::from_nanos(u64::from(shown.subsec_nanos()))),
    )
}

/// A size: `96 bytes`, `18.4 MB`.
pub(super) fn bytes(size: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)];
    for (unit, step) in UNITS {
        if size >= step {
            let tenths = u128::from(size) * 10 / u128::from(step);
            return format!(
                "{}.{} {unit}",
                count(u64::try_from(tenths / 10).unwrap_or(u64::MAX)),
                tenths % 10
            );
        }
    }
    format!("{size} bytes")
}

/// A moment of today, local: `14:01:48`.
pub(super) fn time_of_day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// A moment to the minute, local: `14:01`.
pub(super) fn minute_of_day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

/// A moment of any day, local: `2026-11-21 14:01:48`.
pub(super) fn date_and_time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A moment to the minute, with its day: `today 14:01`, `yesterday 23:59`, `2026-11-09 14:01`.
pub(super) fn day_and_minute(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let minute = at.strftime("%H:%M");
    match at.date() {
        day if day == now.date() => format!("today {minute}"),
        day if now.date().yesterday().is_ok_and(|before| before == day) => format!("yesterday {minute}"),
        _ => at.strftime("%Y-%m-%d %H:%M").to_string(),
    }
}

/// What local time is called here now: `CET`.
pub(super) fn zone_name(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [rate(0.0), rate(0.31), rate(9.94), rate(9.96), rate(12_345.6), rate(f64::NAN)],
            ["0", "0.3", "9.9", "10", "12,346", "0"]
        );
        assert_eq!([bytes(96), bytes(1000), bytes(18_400_000)], ["96 bytes", "1.0 kB", "18.4 MB"]);
    }

    #[test]
    fn a_hundred_per_cent_is_said_only_of_what_is_done() {
        assert_eq!(percent(624_000, 1_000_000), "62.4 %");
        assert_eq!(percent(999_999, 1_000_000), "99.9 %");
        assert_eq!(percent(1_000_000, 1_000_000), "100.0 %");
        assert_eq!(percent(0, 0), "0.0 %");
        assert_eq!(cells(999_999, 1_000_000, 10), 9);
        assert_eq!(cells(1, 1_000_000, 10), 1);
        assert_eq!(cells(u64::MAX, u64::MAX, u16::MAX), u16::MAX);
        assert_eq!(cells(1, 2, 1), 1);
    }

    #[test]
    fn times_are_clocks_or_words() {
        let seconds = Duration::from_secs;
        assert_eq!([clock(seconds(221)), clock(seconds(4361))], ["03:41", "1:12:41"]);
        assert_eq!(
            [
                Duration::from_millis(182),
                Duration::from_millis(1250),
                seconds(94),
                seconds(2520),
                seconds(4380),
                seconds(273_600)
            ]
            .map(span),
            ["182 ms", "1.2 s", "94 s", "42 min", "1 h 13 min", "3 d 4 h"]
        );
    }

    #[test]
    fn a_countdown_changes_exactly_when_it_says_so() {
        let now = Instant::now();
        for ms in [
            1_u64, 99, 100, 101, 9_950, 10_000, 10_001, 12_345, 119_999, 120_000, 120_001, 125_000, 4_000_000,
        ] {
            let until = now + Duration::from_millis(ms);
            let shown = left(until - now);
            let next = next_of_left(now, until).unwrap();
            assert!(next > now);
            let just_before = next.checked_sub(Duration::from_nanos(1)).unwrap();
            assert_eq!(
                left(until.saturating_duration_since(just_before)),
                shown,
                "{ms} ms changes too early"
            );
        }
        assert_eq!(next_of_left(now, now), None);
    }
}
