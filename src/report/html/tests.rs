use bytes::Bytes;

use super::*;
use crate::hostile::ALL as HOSTILE;
use crate::journal::{Carrier, End, Judgement, Source, Write as Change};
use crate::model::{FailureId, FaultKind, Reason, Stage};
use crate::report::bench::Bench;
use crate::text::is_deceptive;

/// What a page may be made of.
const TAGS: [&str; 44] = [
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "h1", "h2",
    "h3", "p", "strong", "span", "b", "code", "bdi", "dl", "div", "dt", "dd", "table", "thead", "tbody",
    "tr", "th", "td", "ul", "li", "svg", "g", "rect", "path", "circle", "text", "a", "i", "em", "ol", "br",
    "hr", "small",
];

const ATTRIBUTES: [&str; 26] = [
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "scope",
    "role",
    "aria-label",
    "aria-hidden",
    "viewBox",
    "x",
    "y",
    "width",
    "height",
    "rx",
    "cx",
    "cy",
    "r",
    "d",
    "text-anchor",
    "title",
    "id",
    "fill",
    "stroke",
    "dir",
];

fn stance(examples: Examples) -> Stance {
    Stance { now: Timestamp::now(), zone: TimeZone::UTC, examples }
}

fn page(bench: &Bench, run: &RunRow, examples: Examples) -> String {
    let mut out = Vec::new();
    write_html(&mut out, &bench.journal.reader().unwrap(), run, &stance(examples)).unwrap();
    String::from_utf8(out).unwrap()
}

/// Holds a page to its form: only tags and attributes of ours, each closed where it was opened, and nothing loaded.
#[track_caller]
fn assert_sound(page: &str) {
    assert!(!page.chars().any(|char| is_deceptive(char) || char.is_control() && char != '\n'));
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    while let Some(at) = rest.find('<') {
        let (tag, after) = rest[at + 1..].split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        assert!(TAGS.contains(&name), "<{tag}>");
        let mut attributes = tag[name.len()..].trim_end_matches('/').trim();
        while let Some((name, value)) = attributes.split_once("=\"") {
            assert!(ATTRIBUTES.contains(&name.trim()), "<{tag}>");
            attributes = value.split_once('"').unwrap().1;
        }
        assert_eq!(attributes.trim(), "", "<{tag}>");
        if name == "style" {
            rest = rest.split_once("</style>").unwrap().1;
        } else if name != "meta" && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    for loads in ["url(", "@import", "javascript:"] {
        assert!(!STYLE.contains(loads));
    }
}

fn dismiss(bench: &Bench, item: u64, note: &str) {
    let judge = Change::Judge {
        failures: vec![FailureId::from(item)],
        judgement: Judgement::Dismiss(note.to_owned()),
        by: "sam".to_owned(),
    };
    bench.journal.commit_blocking(&bench.book, vec![judge]);
}

fn deliver(bench: &Bench, item: u64) {
    let end = End::Delivered { answer: Bytes::new(), source: Source::Platform };
    bench.settle(item, &format!("key-{item}"), end);
}

#[test]
fn a_hostile_run_is_text_and_nothing_else() {
    let bench = Bench::like(|new| {
        new.profile = HOSTILE.to_owned();
        new.api_url = format!("https://{HOSTILE}");
        new.datasets[0].path = format!("/data/{}.csv", HOSTILE.replace('/', ""));
        new.datasets[0].format = HOSTILE.to_owned();
        new.datasets[0].digest = Some(HOSTILE.to_owned());
    });
    bench.fail(0, HOSTILE, HOSTILE, HOSTILE.as_bytes());
    bench.fail(1, &format!("{HOSTILE}2"), &format!("\"{HOSTILE}\""), b"{}");
    bench.fail(2, "c", &format!("\"{HOSTILE}3\""), b"{}");
    bench.fail(3, "d", "no", b"{}");
    dismiss(&bench, 3, HOSTILE);
    let fault = Fault {
        at: Timestamp::now(),
        kind: FaultKind::Store,
        message: HOSTILE.to_owned(),
        advice: HOSTILE.to_owned(),
        resumes_at: None,
    };
    let note = |kind| Change::Note { kind, delay_ms: None, reason: None, text: HOSTILE.to_owned() };
    bench.journal.commit_blocking(
        &bench.book,
        vec![
            note(crate::journal::CUT_OFF),
            note("something new"),
            Change::Fault(fault),
            Change::State(RunState::Faulted),
        ],
    );
    let mut run = bench.row();
    run.carrier = Some(Carrier(HOSTILE.to_owned()));
    for examples in [Examples::Hidden, Examples::Shown] {
        let page = page(&bench, &run, examples);
        assert_sound(&page);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "it is told all the same");
        assert!(page.contains("\\u{202e}"));
    }
}

#[test]
fn the_policy_lets_in_the_style_of_the_page_and_nothing_else() {
    let bench = Bench::new();
    let page = page(&bench, &bench.row(), Examples::Hidden);
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style.as_bytes()));
    let policy = format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; style-src &#39;sha256-{hash}&#39;; \
         base-uri &#39;none&#39;; form-action &#39;none&#39;\">"
    );
    let at = page.find(&policy).expect("the policy");
    assert!(at < page.find("<title").unwrap(), "it stands before anything that it is to hold back");
    assert!(!page.contains(" style=") && !page.contains("href"), "an attribute of style would be refused");
}

#[test]
fn nobody_is_named_unless_that_is_asked_for() {
    let bench = Bench::like(|new| new.datasets[0].path = "/home/maria/contacts.csv".to_owned());
    bench.fail(0, "jane-doe-17", "\"Jane Doe\" is not there", br#"{"phone":"0170"}"#);
    bench.fail(1, "john-roe-18", "\"John Roe\" is not there", br#"{"phone":"0171"}"#);
    let chunk = Fault {
        at: Timestamp::now(),
        kind: FaultKind::ChunkFailed,
        message: Fault::message_with("a chunk failed", "Jane Doe is not there"),
        advice: String::new(),
        resumes_at: None,
    };
    bench.journal.commit_blocking(&bench.book, vec![Change::Fault(chunk)]);
    let run = bench.row();
    let hidden = page(&bench, &run, Examples::Hidden);
    for personal in ["jane-doe-17", "Jane", "John", "0170", "maria"] {
        assert!(!hidden.contains(personal), "{personal}");
    }
    assert!(hidden.contains("contacts.csv") && hidden.contains("… is not there"));
    assert!(hidden.contains("names no contact"));
    let shown = page(&bench, &run, Examples::Shown);
    assert!(shown.contains("jane-doe-17") && shown.contains("John Roe") && shown.contains("personal data"));
    assert!(!shown.contains("0170"), "no record is ever told");
    assert_sound(&hidden);
    assert_sound(&shown);
}

#[test]
fn nobody_is_named_by_what_the_platform_repeats_of_a_record() {
    let bench = Bench::new();
    let refuse = |item: u64, code: &str, message: &str, record: Option<&str>| {
        let reason = Reason {
            stage: if record.is_some() { Stage::Delivery } else { Stage::Result },
            status: Some(404),
            code: Some(code.to_owned()),
            message: message.to_owned(),
            violations: Vec::new(),
        };
        let record = record.map(|record| Bytes::copy_from_slice(record.as_bytes()));
        bench.settle(item, "c", End::Failed { reason, record });
    };
    refuse(
        0,
        "locked.Ada.Lovelace",
        "Contact Ada Lovelace <ada@lovelace.example> is locked by supervisor",
        Some(r#"{"name":"Ada Lovelace","mail":"ada@lovelace.example"}"#),
    );
    refuse(1, "bad.row", "Grace Hopper has no number", None);
    // a code that we know is no data, whatever stands in a record
    refuse(2, "contact.not.found", "gone", Some(r#"{"name":"Found"}"#));
    let same = Fault {
        at: Timestamp::now(),
        kind: FaultKind::SameFailures,
        message: Fault::message_with("50 items in a row failed: 404", "locked.Ada.Lovelace"),
        advice: String::new(),
        resumes_at: None,
    };
    let text = "Stopped after 2: all refused again for the same reason (404 locked.Ada.Lovelace)";
    let act = Change::Note { kind: "act_ended", delay_ms: None, reason: None, text: text.to_owned() };
    bench.journal.commit_blocking(&bench.book, vec![act, Change::Fault(same)]);
    let hidden = page(&bench, &bench.row(), Examples::Hidden);
    for personal in ["Ada", "Lovelace", "lovelace", "Grace", "Hopper"] {
        let at = hidden.find(personal).map(|at| &hidden[at.saturating_sub(60)..at + 20]);
        assert_eq!(at, None, "{personal}");
    }
    for told in [
        "answer 404 locked.…: Contact … &lt;…&gt; is locked by supervisor",
        "answer 404 bad.row: …",
        "answer 404 contact.not.found: gone",
        "same reason (404 locked.…)",
    ] {
        assert!(hidden.contains(told), "{told}: {hidden}");
    }
    let shown = page(&bench, &bench.row(), Examples::Shown);
    assert!(shown.contains("locked.Ada.Lovelace: Contact Ada Lovelace") && shown.contains("Grace Hopper"));
}

#[test]
fn a_page_tells_what_was_sent_where_and_what_is_left() {
    let bench = Bench::like(|new| {
        new.production = true;
        new.datasets[0].digest = Some("blake3:1234abcd".to_owned());
    });
    (0..90).for_each(|item| deliver(&bench, item));
    (90..97).for_each(|item| bench.fail(item, &format!("c{item}"), "The contact does not exist.", b"{}"));
    dismiss(&bench, 96, "moved to <another> tenant");
    bench.journal.commit_blocking(
        &bench.book,
        vec![
            Change::State(RunState::Running),
            Change::Note { kind: "pool_paused", delay_ms: Some(0), reason: None, text: "x".to_owned() },
            Change::State(RunState::Paused),
        ],
    );
    let run = bench.row();
    assert_eq!(run.state, RunState::Paused);
    let page = page(&bench, &run, Examples::Hidden);
    assert_sound(&page);
    for told in [
        "PRODUCTION</strong>",
        "marked as PRODUCTION",
        "na1.example",
        "blake3:1234abcd",
        ">a.csv<",
        ">100 records<",
        "90 delivered",
        "6 failed",
        "1 closed by a person",
        "3 still to come",
        "records 0 to 0: 1 delivered",
        "6 failures are open, of 1 cause",
        "answer 404 contact.not.found: The contact does not exist.",
        "1 failure was closed by hand",
        "moved to &lt;another&gt; tenant",
        "sam: closed 1 with the note",
        "The platform asked for 1 pause",
        "3 records of it wait to be sent",
        &format!("trunkline resume {}", run.id.prefix()),
        &format!("trunkline failures {}", run.id.prefix()),
    ] {
        assert!(page.contains(told), "`{told}` is not in:\n{page}");
    }
}

#[test]
fn a_run_of_which_all_is_done_leaves_nothing_to_do() {
    let bench = Bench::like(|new| new.datasets[0].records = Some(2));
    deliver(&bench, 0);
    deliver(&bench, 1);
    bench.journal.commit_blocking(&bench.book, vec![Change::State(RunState::Completed)]);
    let page = page(&bench, &bench.row(), Examples::Hidden);
    assert_sound(&page);
    assert!(page.contains("Nothing. All of it was delivered") && page.contains("No failure is open."));
    assert!(!page.contains("PRODUCTION</strong>") && !page.contains("What people have closed"));
}

#[test]
fn a_page_does_not_grow_with_its_run() {
    let bench = Bench::new();
    for item in 0..300 {
        // letters only: what holds a digit would be masked, and all were one cause
        let word: String = item.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
        bench.fail(item, &format!("c{item}"), &format!("reason {word}"), b"{}");
        dismiss_if(&bench, item % 2 == 0, item);
    }
    let page = page(&bench, &bench.row(), Examples::Shown);
    assert_sound(&page);
    assert!(page.contains("And 100 more causes."), "{page}");
    assert!(page.contains("150 failures were closed"));
    assert!(page.len() < 300_000, "{}", page.len());
}

fn dismiss_if(bench: &Bench, wanted: bool, item: u64) {
    if wanted {
        dismiss(bench, item, &format!("note {item}"));
    }
}

#[test]
fn a_killed_process_worked_until_the_last_that_is_known_of_it() {
    let bench = Bench::new();
    let mut run = bench.row();
    let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
    let event = |seconds, kind: &str, reason: Option<RunState>| EventRow {
        event: seconds,
        at: at(seconds),
        kind: kind.to_owned(),
        item: None,
        attempt: None,
        status: None,
        delay_ms: None,
        took_ms: None,
        reason: reason.map(|state| state.word().to_owned()),
        text: None,
        was: None,
        act: None,
    };
    let stance = Stance { now: at(9999), zone: TimeZone::UTC, examples: Examples::Hidden };
    let reader = bench.journal.reader().unwrap();
    (run.started_at, run.carrier) = (at(0), None);
    let mut facts = Facts::gather(&reader, &run, &stance).unwrap();
    facts.happenings = vec![
        event(1, "state", Some(RunState::Running)),
        event(60, "pool_paused", None),
        event(5000, "state", Some(RunState::Running)),
        event(5030, "state", Some(RunState::Paused)),
        event(6000, "state", Some(RunState::Running)),
    ];
    facts.last_delivered = Some(at(6010));
    let spans: Vec<(i64, i64)> = course::carried(&facts)
        .iter()
        .map(|stretch| (stretch.from / 1000 - 1_800_000_000, stretch.to / 1000 - 1_800_000_000))
        .collect();
    assert_eq!(spans, [(1, 60), (5000, 5030), (6000, 6010)]);
}
