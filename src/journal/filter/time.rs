//! Moments as people type them: a time of day, or how long ago.

use jiff::civil::Time;
use jiff::{SignedDuration, Span, Timestamp, Zoned};

const HOW: &str = "a moment is a time of day such as 14:30, or how long ago: 90s, 30m, 2h, 1d";

/// Reads `14:30`, `14:30:05`, `90s`, `30m`, `2h` or `1d`. A time of day is the last one that was: what is still to come
/// today was yesterday.
pub(super) fn moment(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    let found = if text.contains(':') { time_of_day(text, now) } else { ago(text, now) };
    found.ok_or_else(|| HOW.to_owned())
}

fn time_of_day(text: &str, now: &Zoned) -> Option<Timestamp> {
    let mut parts = text.split(':');
    let mut next = |last: i8| {
        let part = parts.next()?;
        let is_short = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i8>().ok().filter(|number| is_short && *number <= last)
    };
    let (hour, minute) = (next(23)?, next(59)?);
    let second = if text.matches(':').count() > 1 { next(59)? } else { 0 };
    if parts.next().is_some() {
        return None;
    }
    let time = Time::new(hour, minute, second, 0).ok()?;
    let today = now.with().time(time).build().ok()?;
    let meant = if today > *now { now.yesterday().ok()?.with().time(time).build().ok()? } else { today };
    Some(meant.timestamp())
}

fn ago(text: &str, now: &Zoned) -> Option<Timestamp> {
    let unit = text.chars().next_back()?;
    let number: i64 = text.get(..text.len() - unit.len_utf8())?.parse().ok().filter(|number| *number >= 0)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => return Some(now.checked_sub(Span::new().try_days(number).ok()?).ok()?.timestamp()),
        _ => return None,
    };
    now.timestamp().checked_sub(SignedDuration::from_secs(number.checked_mul(seconds)?)).ok()
}
