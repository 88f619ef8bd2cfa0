//! What happened in the run on the board, the newest first. What happens again and again is one row with a count, so
//! that it does not push out what happened once.

use std::collections::VecDeque;

use crate::journal::EventRow;

/// How many rows are kept.
const KEPT: usize = 200;

/// What happened.
#[derive(Debug, Default)]
pub(super) struct Happenings {
    rows: VecDeque<Happening>,
    /// The number of the newest event that was taken in.
    newest: Option<i64>,
    /// The row under the cursor, by its event; the newest one where nobody has scrolled.
    cursor: Option<i64>,
}

/// A row of it.
#[derive(Debug, Clone)]
pub(super) struct Happening {
    /// The last time that it happened.
    pub event: EventRow,
    /// How many times that was.
    pub times: u64,
}

impl Happenings {
    /// Whether an event is newer than those that are here: what is read twice is taken once.
    pub fn is_news(&self, event: &EventRow) -> bool {
        self.newest.is_none_or(|newest| newest < event.event)
    }

    /// Takes an event in, if it is news.
    pub fn keep(&mut self, event: EventRow) {
        if !self.is_news(&event) {
            return;
        }
        self.newest = Some(event.event);
        let again = self
            .rows
            .iter()
            .take_while(|row| is_weather(&row.event) && is_weather(&event))
            .position(|row| is_same(&row.event, &event))
            .or_else(|| self.rows.front().filter(|row| is_same(&row.event, &event)).map(|_| 0));
        let before = again.and_then(|place| self.rows.remove(place)).map_or(0, |row| row.times);
        self.rows.push_front(Happening { event, times: before + 1 });
        self.rows.truncate(KEPT);
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn rows(&self) -> impl Iterator<Item = &Happening> {
        self.rows.iter()
    }

    /// The place of the row under the cursor; where that happened again since, of what happened next before it.
    pub fn at(&self) -> usize {
        let last = self.rows.len().saturating_sub(1);
        self.cursor.map_or(0, |cursor| {
            self.rows.iter().position(|row| row.event.event <= cursor).unwrap_or(last).min(last)
        })
    }

    /// What happened there.
    pub fn current(&self) -> Option<&EventRow> {
        self.rows.get(self.at()).map(|row| &row.event)
    }

    /// Puts the cursor on a row. On the newest it stays on whatever is the newest.
    pub fn put(&mut self, place: usize) {
        self.cursor = if place == 0 { None } else { self.rows.get(place).map(|row| row.event.event) };
    }
}

/// What comes and goes by itself, in turn.
fn is_weather(event: &EventRow) -> bool {
    matches!(event.kind.as_str(), "pool_paused" | "pool_resumed")
}

fn is_same(one: &EventRow, other: &EventRow) -> bool {
    let same = one.kind == other.kind && one.reason == other.reason;
    // how long a pause lasts, as its text tells, makes no other thing of it
    same && (is_weather(one)
        || (one.text == other.text && one.item == other.item && one.was == other.was && one.act == other.act))
}

/// `2nd time`, `42nd time`.
pub(super) fn times(number: u64) -> String {
    let end = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{}{end} time", super::numbers::count(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::tests::fixtures::happening;

    fn after(all: &[(&str, Option<&str>)]) -> Happenings {
        let mut happenings = Happenings::default();
        for (number, (kind, text)) in (1..).zip(all) {
            happenings.keep(happening(number, "12:00:00", kind, None, *text));
        }
        happenings
    }

    fn shown(happenings: &Happenings) -> Vec<(&str, u64)> {
        happenings.rows().map(|row| (row.event.kind.as_str(), row.times)).collect()
    }

    #[test]
    fn what_comes_and_goes_is_one_row_each_with_a_count() {
        let (paused, resumed) = (("pool_paused", None), ("pool_resumed", None));
        let happenings = after(&[("state", None), paused, resumed, paused, resumed, paused]);
        assert_eq!(shown(&happenings), [("pool_paused", 3), ("pool_resumed", 2), ("state", 1)]);
        let apart = after(&[paused, ("ceiling", Some("sam: 4")), paused]);
        assert_eq!(shown(&apart).len(), 3, "what happened between is not hidden");
    }

    #[test]
    fn acts_of_people_are_never_folded_unless_they_are_the_same() {
        let happenings = after(&[("act", Some("sam: a")), ("act", Some("sam: b")), ("act", Some("sam: b"))]);
        assert_eq!(shown(&happenings), [("act", 2), ("act", 1)]);
    }

    #[test]
    fn an_event_that_is_read_twice_is_taken_once_and_the_cursor_stays_on_its_row() {
        let mut happenings = after(&[("a", None), ("b", None), ("c", None)]);
        happenings.put(1);
        happenings.keep(happening(3, "12:00:00", "c", None, None));
        happenings.keep(happening(4, "12:00:00", "d", None, None));
        assert_eq!((happenings.len(), happenings.at()), (4, 2));
        happenings.put(0);
        happenings.keep(happening(5, "12:00:00", "e", None, None));
        assert_eq!(happenings.at(), 0);
    }

    #[test]
    fn times_are_counted_as_people_do() {
        assert_eq!(
            [1, 2, 3, 11, 42, 113].map(times).join(" "),
            "1st time 2nd time 3rd time 11th time 42nd time 113th time"
        );
    }
}
