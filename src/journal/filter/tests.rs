//! What the filter language takes, what it refuses, and what it offers.

use super::*;

#[test]
fn terms_and_words_are_told_apart() {
    let filter =
        Filter::parse(r#"status:404 code:contact.not.found stage:delivery "No budjet" 12:30 x"#).unwrap();
    assert_eq!(filter.status, Some(404));
    assert_eq!(filter.code.as_deref(), Some("contact.not.found"));
    assert_eq!(filter.stage, Some(Stage::Delivery));
    assert_eq!(filter.words, ["no budjet", "12:30", "x"]);
    assert!(Filter::parse("  ").unwrap().is_empty());
}

#[test]
fn an_unknown_term_is_refused_at_its_place() {
    let refused = Filter::parse("status:404 colour:red").unwrap_err();
    assert_eq!((refused.at, refused.term.as_str()), (12, "colour:red"));
    assert!(Filter::parse("status:abc").unwrap_err().to_string().contains("a number such as 404"));
    let many = Filter::parse(&"a ".repeat(101)).unwrap_err();
    assert_eq!((many.at, many.why.as_str()), (201, "a filter has at most 100 words"));
    assert!(Filter::parse("stage:moon").unwrap_err().to_string().contains("validation, preflight, delivery"));
}

fn at(now: &str, text: &str) -> Filter {
    Filter::parse_at(text, &now.parse().unwrap()).unwrap()
}

#[test]
fn a_time_of_day_is_the_last_one_that_was() {
    let now = "2026-11-21T08:00:00+01:00[Europe/Berlin]";
    let moment = |text| at(now, text).since.unwrap().to_string();
    assert_eq!(moment("since:02:00"), "2026-11-21T01:00:00Z");
    assert_eq!(moment("since:22:30:05"), "2026-11-20T21:30:05Z", "not yet today: it was yesterday");
    assert_eq!(moment("since:30m"), "2026-11-21T06:30:00Z");
    assert_eq!(moment("since:1d"), "2026-11-20T07:00:00Z");
    assert_eq!(at(now, "until:07:59").until.unwrap().to_string(), "2026-11-21T06:59:00Z");
    // the night in which the clock goes forward has no 02:30
    assert!(at("2026-03-29T08:00:00+02:00[Europe/Berlin]", "since:02:30").since.is_some());
    for wrong in
        ["25:00", "1:2:3:4", "soon", "", "-5m", "m", "12:", "99999999999999999999s", "99999999d", "٣m", "1:é"]
    {
        let refused = Filter::parse(&format!("x since:{wrong}")).unwrap_err();
        assert_eq!(refused.at, 3, "{wrong}");
        assert!(refused.why.contains("14:30"), "{refused}");
    }
}

#[test]
fn words_that_people_know_are_understood() {
    let filter = Filter::parse(r#"what:refused what:busy tries:>3 tries:<=9 note:"By Hand""#).unwrap();
    assert_eq!(filter.what, [What::Refused, What::Busy]);
    assert_eq!(filter.tries, Some(4..=9));
    assert_eq!(filter.note.as_deref(), Some("by hand"));
    assert_eq!(Filter::parse("tries:2").unwrap().tries, Some(2..=2));
    for wrong in ["tries:<0", "tries:x", "tries:>4294967295", "item:-1"] {
        assert!(Filter::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_slip_is_answered_with_what_was_likely_meant() {
    let why = |text| Filter::parse(text).unwrap_err().why;
    assert!(why("stauts:404").contains("`status:`"));
    assert!(why("what:refsued").contains("`refused`"));
    assert!(why("colour:red").contains("what:, since:"), "nothing is near: all are named");
    assert!(why("what:moon").contains("noanswer"));
}

#[test]
fn the_term_at_the_cursor_is_completed() {
    assert_eq!(Filter::complete("price wh", 8), ["what:"]);
    assert_eq!(Filter::complete("what:u", 6), ["what:unknown"]);
    assert_eq!(Filter::complete("é st:x", 4), ["status:", "stage:"], "what stands after the cursor is left");
    assert_eq!(Filter::complete("stage:", 6).len(), Stage::ALL.len());
    assert_eq!(Filter::complete("", 0).len(), NAMES.len());
    assert_eq!(Filter::complete("status:404 ", 99).len(), NAMES.len());
    assert!(Filter::complete("note:\"a wh", 10).is_empty(), "within quotes a space ends no term");
    assert!(Filter::complete("what:busy", 9).is_empty());
    assert!(Filter::complete("https:", 6).is_empty());
}
