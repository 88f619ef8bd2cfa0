//! Numbers and moments as people read them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use crate::text::grouped;

/// A count with its noun: `1 record`, `1,000 records`.
#[must_use]
pub fn records_of(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A span of time: `0.4 s`, `12 s`, `3:05 min`, `1:12:41 h`.
#[must_use]
pub fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if !time.is_zero() => format!("{:.1} s", time.as_secs_f64().max(0.1)),
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02} h", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

/// Why no call starts for a while, by the journal's word for it.
#[must_use]
pub fn pause_words(reason: Option<&str>) -> &'static str {
    match reason {
        Some("window_empty") => "all calls of the platform's window are used",
        Some("probe_throttled") => "the platform still says \"slow down\" (429)",
        Some("probe_lost") => "no answer came to a first call",
        _ => "the platform said \"slow down\" (429)",
    }
}

/// A moment in the time of the person who looks: `2026-11-21 14:01:48`.
#[must_use]
pub fn local_time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
