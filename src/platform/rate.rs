//! What the headers of an answer say about pace: how long to wait, and how much of a window is left.
//!
//! Gateways add, change and drop these headers as they like. So each is read on its own and leniently in its form, and
//! strictly in its sense: what is not understood is not there, and nothing is ever guessed.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// The longest that any of these headers is believed: a year. Beyond it, sums of times would overflow.
const LONGEST: Duration = Duration::from_hours(365 * 24);

const USED: HeaderName = HeaderName::from_static("inin-ratelimit-count");
const ALLOWED: HeaderName = HeaderName::from_static("inin-ratelimit-allowed");
const RESET: HeaderName = HeaderName::from_static("inin-ratelimit-reset");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A `Retry-After` (RFC 9110 §10.2.3), as the time to wait from the moment of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RetryAfter(Duration);

impl RetryAfter {
    /// Reads it from an answer's headers. A date is taken relative to the answer's own `Date`, so that a clock of ours
    /// that goes wrong shortens no wait; without one, relative to `now`. Of several the longest counts.
    #[must_use]
    pub fn read(headers: &HeaderMap, now: SystemTime) -> Option<Self> {
        headers
            .get_all(RETRY_AFTER)
            .iter()
            .filter_map(|value| {
                let sent = || text(headers, &DATE).and_then(|date| httpdate::parse_http_date(date).ok());
                Self::parse_with(value.to_str().ok()?, || sent().unwrap_or(now))
            })
            .max()
    }

    /// Reads one value: delta-seconds, or an HTTP-date that is taken relative to `sent`. One in the past is zero; one
    /// beyond a year is a year; garbage is `None`.
    #[must_use]
    pub fn parse(value: &str, sent: SystemTime) -> Option<Self> {
        Self::parse_with(value, || sent)
    }

    fn parse_with(value: &str, sent: impl FnOnce() -> SystemTime) -> Option<Self> {
        let value = value.trim();
        if let Some(seconds) = whole_number(value) {
            return Some(Self::new(Duration::from_secs(seconds)));
        }
        let until = httpdate::parse_http_date(value).ok()?;
        Some(Self::new(until.duration_since(sent()).unwrap_or(Duration::ZERO)))
    }

    /// A wait of that length, or of a year where it is longer.
    #[must_use]
    pub fn new(wait: Duration) -> Self {
        Self(wait.min(LONGEST))
    }

    /// How long to wait.
    #[must_use]
    pub const fn wait(self) -> Duration {
        self.0
    }
}

/// The platform's rate window, as one answer tells it. It holds the calls of others, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateWindow {
    /// Calls used in this window.
    pub used: u64,
    /// Calls allowed in it.
    pub allowed: u64,
    /// How long it is, from the answer on, until the window begins anew.
    pub resets_in: Duration,
}

impl RateWindow {
    /// Reads it from an answer's headers: from Genesys's own `inin-ratelimit-*`, else from the IETF draft's
    /// `RateLimit` and `RateLimit-Policy`, in the form of draft 7 or of draft 8 and later. `None` unless all three
    /// figures are known.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        Self::read_genesys(headers).or_else(|| Self::read_ietf(headers))
    }

    /// Calls left in this window.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.allowed.saturating_sub(self.used)
    }

    fn new(used: u64, allowed: u64, resets_in: u64) -> Self {
        Self { used, allowed, resets_in: Duration::from_secs(resets_in).min(LONGEST) }
    }

    fn read_genesys(headers: &HeaderMap) -> Option<Self> {
        let figure = |name| whole_number(text(headers, name)?);
        Some(Self::new(figure(&USED)?, figure(&ALLOWED)?, figure(&RESET)?))
    }

    fn read_ietf(headers: &HeaderMap) -> Option<Self> {
        let limit = text(headers, &RATE_LIMIT)?;
        let policy = text(headers, &RATE_LIMIT_POLICY).unwrap_or_default();
        Self::from_dictionary(limit).or_else(|| Self::from_items(limit, policy))
    }

    /// Draft 7: `limit=100, remaining=50, reset=30`.
    fn from_dictionary(limit: &str) -> Option<Self> {
        let figure = |name| split(limit, ',').find_map(|member| pair(member, name));
        let allowed = figure("limit")?;
        Some(Self::new(allowed.saturating_sub(figure("remaining")?), allowed, figure("reset")?))
    }

    /// Draft 8 and later: `"default";r=50;t=30`, with the quota in the policy of the same name:
    /// `"default";q=100;w=60`. Of several the one with the least left counts.
    fn from_items(limit: &str, policy: &str) -> Option<Self> {
        let window = |item| {
            let allowed =
                split(policy, ',').find(|one| name(one) == name(item)).and_then(|one| figure(one, "q"))?;
            Some(Self::new(allowed.saturating_sub(figure(item, "r")?), allowed, figure(item, "t")?))
        };
        split(limit, ',').filter_map(window).min_by_key(|one| (one.left(), std::cmp::Reverse(one.resets_in)))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The name of a structured field's item, with its quotes off.
fn name(item: &str) -> &str {
    split(item, ';').next().unwrap_or_default().trim_matches('"')
}

/// A parameter of a structured field's item.
fn figure(item: &str, parameter: &str) -> Option<u64> {
    split(item, ';').skip(1).find_map(|one| pair(one, parameter))
}

/// The number of `name=number`.
fn pair(text: &str, name: &str) -> Option<u64> {
    let (key, value) = split(text, ';').next()?.split_once('=')?;
    if key.trim().eq_ignore_ascii_case(name) { whole_number(value.trim()) } else { None }
}

/// Digits and nothing else; more than fit are the most that fit.
fn whole_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// The trimmed parts of a structured field (RFC 9651) between separators that stand in no quoted string.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |char| {
        if escaped {
            escaped = false;
            return false;
        }
        match char {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        char == separator && !quoted
    })
    .map(str::trim)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in list {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn window(list: &[(&'static str, &str)]) -> Option<(u64, u64, u64)> {
        RateWindow::read(&headers(list)).map(|one| (one.used, one.allowed, one.resets_in.as_secs()))
    }

    const NOON: &str = "Sun, 06 Nov 1994 12:00:00 GMT";

    #[test]
    fn every_form_of_retry_after_is_read() {
        let sent = httpdate::parse_http_date(NOON).unwrap();
        let year = LONGEST.as_secs();
        for (value, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("007", Some(7)),
            ("Sun, 06 Nov 1994 12:00:30 GMT", Some(30)),
            ("Sunday, 06-Nov-94 12:01:00 GMT", Some(60)),
            ("Sun Nov  6 12:00:05 1994", Some(5)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("99999999999999999999999999", Some(year)),
            ("4000000000", Some(year)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(year)),
            ("", None),
            ("soon", None),
            ("-5", None),
            ("+5", None),
            ("1.5", None),
            ("5 s", None),
            ("5, 6", None),
            ("Sun, 06 Nov", None),
            ("1994-11-06T12:00:30Z", None),
        ] {
            let read = RetryAfter::parse(value, sent).map(|one| one.wait().as_secs());
            assert_eq!(read, seconds, "{value}");
        }
    }

    #[test]
    fn a_date_is_held_against_the_answers_own_clock() {
        let ours = httpdate::parse_http_date("Sun, 06 Nov 1994 12:00:50 GMT").unwrap();
        let after = ("retry-after", "Sun, 06 Nov 1994 12:01:00 GMT");
        let wait = |list: &[_]| RetryAfter::read(&headers(list), ours).unwrap().wait().as_secs();
        assert_eq!(wait(&[after, ("date", NOON)]), 60);
        assert_eq!(wait(&[after]), 10);
        assert_eq!(wait(&[after, ("date", "yesterday")]), 10);
    }

    #[test]
    fn of_two_retry_afters_the_longer_counts_and_garbage_takes_nothing_away() {
        let read =
            |list: &[_]| RetryAfter::read(&headers(list), SystemTime::now()).map(|one| one.wait().as_secs());
        assert_eq!(read(&[("retry-after", "3"), ("retry-after", "9"), ("retry-after", "x")]), Some(9));
        assert_eq!(read(&[("retry-after", "x")]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn genesys_counts_what_is_used_and_the_seconds_left() {
        let used = ("inin-ratelimit-count", "299");
        let allowed = ("inin-ratelimit-allowed", "300");
        let reset = ("inin-ratelimit-reset", "61");
        assert_eq!(window(&[used, allowed, reset]), Some((299, 300, 61)));
        assert_eq!(window(&[used, allowed]), None);
        assert_eq!(window(&[allowed, reset]), None);
        assert_eq!(window(&[used, reset]), None);
        assert_eq!(window(&[("inin-ratelimit-count", "-1"), allowed, reset]), None);
        assert_eq!(window(&[("inin-ratelimit-count", "305"), allowed, reset]), Some((305, 300, 61)));
        let over = RateWindow::read(&headers(&[("inin-ratelimit-count", "305"), allowed, reset])).unwrap();
        assert_eq!(over.left(), 0);
    }

    #[test]
    fn both_drafts_of_ratelimit_are_read() {
        let limit = |value| ("ratelimit", value);
        let policy = |value| ("ratelimit-policy", value);
        assert_eq!(window(&[limit("limit=100, remaining=50, reset=30")]), Some((50, 100, 30)));
        assert_eq!(
            window(&[limit("Limit=100,Remaining=0,Reset=5"), policy("100;w=60")]),
            Some((100, 100, 5))
        );
        assert_eq!(window(&[limit("limit=100, remaining=50")]), None);
        assert_eq!(
            window(&[limit("\"default\";r=50;t=30"), policy("\"default\";q=100;w=60")]),
            Some((50, 100, 30))
        );
        assert_eq!(window(&[limit("default; r=50; t=30"), policy("default; q=100")]), Some((50, 100, 30)));
        assert_eq!(window(&[limit("\"a\";r=50;t=30"), policy("\"b\";q=100")]), None);
        assert_eq!(window(&[limit("\"default\";r=50;t=30")]), None);
        assert_eq!(window(&[limit("\"default\";r=50"), policy("\"default\";q=100;w=60")]), None);
    }

    #[test]
    fn of_several_windows_the_tightest_counts() {
        let read = window(&[
            ("ratelimit", "\"day, all;r=1\";r=900;t=3600, \"minute\";r=3;t=20"),
            ("ratelimit-policy", "\"minute\";q=60;w=60, \"day, all;r=1\";q=1000;w=86400"),
        ]);
        assert_eq!(read, Some((57, 60, 20)));
    }

    #[test]
    fn genesyss_own_headers_come_first_and_a_gateways_fill_the_gap() {
        let ietf = ("ratelimit", "limit=10, remaining=1, reset=2");
        let own =
            [("inin-ratelimit-count", "1"), ("inin-ratelimit-allowed", "300"), ("inin-ratelimit-reset", "9")];
        assert_eq!(window(&[own[0], own[1], own[2], ietf]), Some((1, 300, 9)));
        assert_eq!(window(&[own[0], own[1], ietf]), Some((9, 10, 2)));
    }

    #[test]
    fn a_window_that_never_resets_cannot_overflow_a_clock() {
        let read = window(&[(
            "ratelimit",
            "limit=99999999999999999999999, remaining=1, reset=99999999999999999999999",
        )]);
        assert_eq!(read, Some((u64::MAX - 1, u64::MAX, LONGEST.as_secs())));
    }
}
