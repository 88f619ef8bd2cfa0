//! What becomes of an import job: how long it takes, how it ends, where its result lies.
//!
//! Decided when it is submitted, by the scenario's shares and the seed. Or by the request itself, where its `entity` or
//! `sourceUrl` has one of these *marks* in it (in any letter case); marks that fit together may be combined:
//!
//! | mark | the job |
//! | --- | --- |
//! | `refuse` | is not taken: 400 `import.refused` |
//! | `stall` | never ends |
//! | `fail` | fails, with errors |
//! | `late` | fails; the first answer that says so has no errors yet, those from 2 s later on do |
//! | `empty` | fails, and never says why |
//! | `inline` | completes, its result in the answer |
//! | `fetch` | completes, its result behind a `resultUrl` of this origin |
//! | `foreign` | … of another origin |
//! | `redirect` | … behind one to three redirects (with `foreign`: from this origin to the other one) |
//! | `maze` | … behind four redirects, one too many |
//! | `gone` | … that is answered 404 at the first fetch |
//! | `binary` | … that is no JSON |
//! | `insecure` | completes with a `resultUrl` that is plain `http` to a host that is not loopback |
//! | `rows` | completes with errors in rows of its result |

use std::time::Duration;

use super::dice::Chance;
use super::scenario::JobTraits;

/// A job's way through time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Course {
    pub queued_for: Duration,
    pub queued_word: &'static str,
    /// None where it never ends.
    pub runs_for: Option<Duration>,
    pub end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Failed(Explained),
    Completed { rows: u32, place: Place },
}

/// When a failure's errors are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Explained {
    AtOnce,
    Late,
    Never,
}

/// Where a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Inline,
    /// Under a URL, after this many redirects.
    Url(Origin, u8, Content),
    /// Under a URL that nobody may follow.
    Insecure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Own,
    Foreign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Json,
    /// JSON that is not there at the first fetch.
    LateJson,
    Binary,
}

/// What a request's marks say.
pub(super) struct Marks(String);

impl Marks {
    /// Reads the marks in these texts.
    pub(super) fn of(texts: [&str; 2]) -> Self {
        Self(texts.join("\n").to_lowercase())
    }

    pub(super) fn has(&self, mark: &str) -> bool {
        self.0.contains(mark)
    }

    fn end(&self, chance: &mut Chance) -> Option<End> {
        if self.has("fail") || self.has("late") || self.has("empty") {
            let explained = match (self.has("late"), self.has("empty")) {
                (true, _) => Explained::Late,
                (false, true) => Explained::Never,
                (false, false) => Explained::AtOnce,
            };
            return Some(End::Failed(explained));
        }
        let rows = if self.has("rows") { rows(chance) } else { 0 };
        let place = if self.has("insecure") {
            Place::Insecure
        } else if ["fetch", "foreign", "redirect", "maze", "gone", "binary"].iter().any(|mark| self.has(mark))
        {
            let origin = if self.has("foreign") { Origin::Foreign } else { Origin::Own };
            let content = match (self.has("gone"), self.has("binary")) {
                (true, _) => Content::LateJson,
                (false, true) => Content::Binary,
                (false, false) => Content::Json,
            };
            let hops = match (self.has("maze"), self.has("redirect")) {
                (true, _) => 4,
                (false, true) => hops(chance),
                (false, false) => 0,
            };
            Place::Url(origin, hops, content)
        } else if rows > 0 || self.has("inline") {
            Place::Inline
        } else {
            return None;
        };
        Some(End::Completed { rows, place })
    }
}

impl Course {
    /// The course of a job with these marks in a tenant of these traits.
    pub(super) fn of(marks: &Marks, traits: &JobTraits, chance: &mut Chance) -> Self {
        let queued_word = if chance.falls(traits.other_words) { "PREPARING" } else { "queued" };
        let runs_for = chance.between(traits.runs_for.min, traits.runs_for.max);
        let marked = marks.end(chance);
        let never_ends = marks.has("stall");
        let kind = chance.share();
        let stalls = never_ends || (marked.is_none() && kind < traits.stalled);
        let fails = kind < traits.stalled + traits.failed;
        let end =
            marked.unwrap_or_else(|| if fails { failed(traits, chance) } else { completed(traits, chance) });
        Self { queued_for: traits.queued_for, queued_word, runs_for: (!stalls).then_some(runs_for), end }
    }

    /// How long it takes from its submission to its end.
    pub(super) fn takes(&self) -> Option<Duration> {
        Some(self.queued_for + self.runs_for?)
    }
}

fn failed(traits: &JobTraits, chance: &mut Chance) -> End {
    let point = chance.share();
    End::Failed(if point < traits.late_errors {
        Explained::Late
    } else if point < traits.late_errors + traits.failed_empty {
        Explained::Never
    } else {
        Explained::AtOnce
    })
}

fn completed(traits: &JobTraits, chance: &mut Chance) -> End {
    let rows = if chance.falls(traits.row_errors) { rows(chance) } else { 0 };
    if !chance.falls(traits.result_url) {
        return End::Completed { rows, place: Place::Inline };
    }
    let origin = if chance.falls(traits.foreign) { Origin::Foreign } else { Origin::Own };
    let hops = if chance.falls(traits.redirects) { hops(chance) } else { 0 };
    End::Completed { rows, place: Place::Url(origin, hops, Content::Json) }
}

fn rows(chance: &mut Chance) -> u32 {
    u32::try_from(chance.below(5)).unwrap_or_default() + 1
}

fn hops(chance: &mut Chance) -> u8 {
    u8::try_from(chance.below(3)).unwrap_or_default() + 1
}

#[cfg(test)]
mod tests {
    use super::super::dice::Dice;
    use super::super::scenario::Scenario;
    use super::*;

    fn course(text: &str, scenario: &str, nth: u64) -> Course {
        let scenario = Scenario::parse("t", scenario).unwrap();
        let mut chance = Dice::new(&scenario, 1).chance(0, nth);
        Course::of(&Marks::of(["contacts", text]), &scenario.jobs, &mut chance)
    }

    #[test]
    fn marks_decide_whatever_the_shares_are() {
        let unlucky = "[jobs]\nstalled = 1.0";
        let url =
            |origin, hops, content| End::Completed { rows: 0, place: Place::Url(origin, hops, content) };
        for (mark, end) in [
            ("fail", End::Failed(Explained::AtOnce)),
            ("LATE", End::Failed(Explained::Late)),
            ("fail-empty", End::Failed(Explained::Never)),
            ("inline", End::Completed { rows: 0, place: Place::Inline }),
            ("fetch", url(Origin::Own, 0, Content::Json)),
            ("foreign", url(Origin::Foreign, 0, Content::Json)),
            ("foreign-maze", url(Origin::Foreign, 4, Content::Json)),
            ("gone", url(Origin::Own, 0, Content::LateJson)),
            ("binary", url(Origin::Own, 0, Content::Binary)),
            ("insecure", End::Completed { rows: 0, place: Place::Insecure }),
        ] {
            let course = course(mark, unlucky, 0);
            assert_eq!(course.end, end, "{mark}");
            assert!(course.runs_for.is_some(), "{mark}");
        }
        assert_eq!(course("stall", "", 0).takes(), None);
        assert_eq!(course("x", unlucky, 0).takes(), None);
        let End::Completed { rows, place: Place::Inline } = course("rows", "", 0).end else {
            panic!("inline")
        };
        assert!((1..=5).contains(&rows));
    }

    #[test]
    fn shares_come_as_often_as_the_scenario_says() {
        let text = "[jobs]\nfailed = 0.5\nlate_errors = 0.5\nresult_url = 0.5\nredirects = 1.0";
        let courses: Vec<Course> = (0..400).map(|nth| course("x", text, nth)).collect();
        let count = |is: &dyn Fn(&End) -> bool| courses.iter().filter(|course| is(&course.end)).count();
        assert!((150..250).contains(&count(&|end| matches!(end, End::Failed(_)))));
        assert!((60..140).contains(&count(&|end| *end == End::Failed(Explained::Late))));
        let one_to_three =
            |end: &End| matches!(end, End::Completed { place: Place::Url(Origin::Own, 1..=3, _), .. });
        assert!((60..140).contains(&count(&one_to_three)));
    }
}
