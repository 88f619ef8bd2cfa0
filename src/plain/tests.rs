use std::collections::BTreeSet;
use std::path::Path;

use unicode_width::UnicodeWidthStr;

use super::book::{Book, TEXT, book};
use super::*;

/// The statuses of which the platforms' contract speaks, and some of each class that it sums up.
const STATUSES: [Option<u16>; 30] = [
    None,
    Some(101),
    Some(203),
    Some(206),
    Some(301),
    Some(302),
    Some(307),
    Some(400),
    Some(401),
    Some(402),
    Some(403),
    Some(404),
    Some(405),
    Some(408),
    Some(409),
    Some(410),
    Some(413),
    Some(418),
    Some(422),
    Some(425),
    Some(429),
    Some(500),
    Some(501),
    Some(502),
    Some(503),
    Some(504),
    Some(505),
    Some(520),
    Some(600),
    Some(999),
];

const FAILED: Kind<'static> = Kind {
    operation: Some(OperationKind::Outcomes),
    about: About::Item,
    state: FailureState::Failed,
    stage: Stage::Delivery,
    status: None,
    code: None,
    message: "",
    doubtful: false,
    edited: false,
    count: 1,
};

fn answered(status: u16, code: &'static str) -> Kind<'static> {
    Kind { status: Some(status), code: Some(code), ..FAILED }
}

/// What it is about, where it failed there.
fn abouts(stage: Stage) -> &'static [About] {
    match stage {
        Stage::Validation | Stage::Preflight | Stage::Delivery => &[About::Item],
        Stage::Polling => &[About::Job],
        Stage::Result => &[About::Job, About::Row],
    }
}

/// Every status × stage × operation, with each of these codes.
fn kinds<'a>(codes: &[Option<&'a str>]) -> Vec<Kind<'a>> {
    let mut kinds = Vec::new();
    for operation in OperationKind::ALL {
        for stage in Stage::ALL {
            for about in abouts(*stage) {
                for status in STATUSES {
                    for code in codes {
                        for doubtful in [false, true] {
                            let operation = Some(*operation);
                            let (about, stage, code) = (*about, *stage, *code);
                            kinds.push(Kind { operation, about, stage, status, code, doubtful, ..FAILED });
                        }
                    }
                }
            }
        }
    }
    kinds
}

fn known_codes() -> BTreeSet<&'static str> {
    let conditions = book().failure.iter().flat_map(|words| &words.when);
    conditions.flat_map(super::condition::Condition::codes).map(String::as_str).collect()
}

/// Each source file of ours that is no test, without the tests at its end.
fn sources(under: &str) -> Vec<String> {
    fn gather(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if name.starts_with("tests") {
                continue;
            }
            if path.is_dir() {
                gather(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
                let told = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.push(told.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    let mut found = Vec::new();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(under), &mut found);
    assert!(!found.is_empty());
    found
}

/// Whether a literal is spelled as codes are: `contact.not.found`, `SCHEMA_MISMATCH`.
fn looks_like_a_code(literal: &str) -> bool {
    const FILES: [&str; 8] = ["json", "csv", "toml", "pem", "ndjson", "db", "part", "lua"];
    const SETTINGS: [&str; 2] = ["backoff", "workers"];
    let made_of = |separator: char, letter: fn(&char) -> bool| {
        let parts: Vec<&str> = literal.split(separator).collect();
        let all = |part: &&str| !part.is_empty() && part.chars().all(|char| letter(&char) || char == '_');
        (parts.len() > 1 && parts.iter().all(all)).then_some(parts)
    };
    match made_of('.', char::is_ascii_lowercase) {
        Some(parts) => !FILES.contains(parts.last().unwrap()) && !SETTINGS.contains(parts.first().unwrap()),
        None => made_of('_', char::is_ascii_uppercase).is_some(),
    }
}

/// All sentences that a person reads, and where they stand.
fn sentences() -> Vec<(String, String)> {
    let book = book();
    let mut all = Vec::new();
    for words in &book.failure {
        for text in [&words.one, &words.many, &words.todo] {
            all.push((words.short.clone(), text.clone()));
        }
    }
    for (doubt, words) in &book.doubt {
        all.extend([&words.one, &words.many].map(|text| (doubt.to_string(), text.clone())));
    }
    for (kind, words) in &book.fault {
        all.extend([&words.means, &words.todo].map(|text| (kind.to_string(), text.clone())));
    }
    let repeat = book.repeat();
    let repeats = [&repeat.harmless, &repeat.harmless_until, &repeat.twice];
    all.extend(repeats.map(|text| ("repeat".to_owned(), text.clone())));
    all
}

#[test]
fn the_file_can_be_read() {
    Book::read(TEXT).unwrap();
}

#[test]
fn a_broken_file_leaves_a_general_sentence_and_no_panic() {
    assert!(Book::read("[[failure]]\nwhen = [{ status = \"6yy\" }]").is_err());
    assert!(Book::read(&TEXT.replacen("short =", "shrot =", 1)).is_err());
    assert!(Book::read(&TEXT.replacen("stage =", "stages =", 1)).is_err());
    let book = Book::general();
    let kind = Kind { status: Some(404), ..FAILED };
    assert!(book.is_at_a_loss(&kind));
    assert_eq!(book.failure(&kind).advice, Best::AskEngineer);
    assert_eq!(book.things(kind.operation, kind.about).many, "records");
    assert!(!book.fault(FaultKind::Disk).means.is_empty());
    assert!(!book.doubt(Doubt::Timeout).one.is_empty());
}

#[test]
fn everything_that_can_go_wrong_has_words_of_its_own() {
    for kind in kinds(&[None, Some("unheard.of")]) {
        assert!(!book().is_at_a_loss(&kind), "{kind:?}");
    }
    for state in FailureState::ALL {
        assert!(!book().is_at_a_loss(&Kind { state: *state, ..FAILED }), "{state}");
    }
}

#[test]
fn a_failure_of_which_nothing_more_is_known_still_has_words() {
    for kind in kinds(&[None]) {
        assert!(!book().is_at_a_loss(&Kind { operation: None, ..kind }), "{kind:?}");
    }
}

#[test]
fn every_code_that_we_or_the_sandbox_give_has_words() {
    let known = known_codes();
    let mut seen = BTreeSet::from(["unsendable".to_owned()]);
    for room in ["operation", "engine", "dataset", "sandbox"] {
        for source in sources(room) {
            let literals = source.lines().flat_map(|line| line.split('"').skip(1).step_by(2));
            seen.extend(literals.filter(|text| looks_like_a_code(text)).map(str::to_owned));
        }
    }
    for code in ["contact.not.found", "no.answer", "import.timed_out", "csv.ragged", "SCHEMA_MISMATCH"] {
        assert!(seen.contains(code), "the sources are read in a wrong way: {code} was not found");
    }
    let unknown: Vec<_> = seen.iter().filter(|code| !known.contains(code.as_str())).collect();
    assert!(unknown.is_empty(), "assets/words.toml has no words for {unknown:?}");
}

#[test]
fn of_two_entries_that_hold_one_always_tells_more() {
    let mut codes: Vec<Option<&str>> = known_codes().into_iter().map(Some).collect();
    codes.push(None);
    let mut kinds = kinds(&codes);
    for state in FailureState::ALL {
        for edited in [false, true] {
            for about in About::ALL {
                for doubtful in [false, true] {
                    kinds.push(Kind { state: *state, edited, about: *about, doubtful, ..FAILED });
                }
            }
        }
    }
    for kind in kinds {
        let mut told: Vec<_> = book().failure.iter().filter_map(|words| words.tells(&kind)).collect();
        let most = told.iter().copied().max().unwrap();
        told.retain(|one| *one == most);
        assert_eq!(told.len(), 1, "{kind:?}");
    }
}

#[test]
fn every_entry_is_the_best_one_for_something() {
    let mut codes: Vec<Option<&str>> = known_codes().into_iter().map(Some).collect();
    codes.push(None);
    let mut kinds = kinds(&codes);
    for state in FailureState::ALL {
        for about in [About::Item, About::Job] {
            for doubtful in [false, true] {
                kinds.push(Kind { state: *state, edited: true, about, doubtful, ..FAILED });
            }
        }
    }
    let used: BTreeSet<_> = kinds.iter().map(|kind| std::ptr::from_ref(failure(kind))).collect();
    for words in &book().failure {
        assert!(used.contains(&std::ptr::from_ref(words)), "nothing ever meets {:?}", words.when);
    }
}

#[test]
fn every_fault_and_every_doubt_has_words() {
    for kind in FaultKind::ALL {
        assert!(book().fault.contains_key(kind), "{kind}");
    }
    for doubt in Doubt::ALL {
        assert!(book().doubt.contains_key(doubt), "{doubt}");
    }
}

#[test]
fn short_words_fit_their_columns() {
    for words in &book().failure {
        assert!(words.short.width() <= 27, "{}", words.short);
        assert!(words.best.width() <= 18, "{}", words.best);
    }
    for words in book().fault.values() {
        assert!(words.short.width() <= 28, "{}", words.short);
    }
}

#[test]
fn sentences_are_whole() {
    for (place, text) in sentences() {
        assert!(text.starts_with(|char: char| char.is_ascii_uppercase()), "{place}: {text}");
        assert!(text.ends_with('.') && text.is_ascii() && !text.contains("  "), "{place}: {text}");
    }
}

#[test]
fn nothing_is_told_in_the_language_of_machines() {
    // each stands for all words that begin with it
    const MACHINE: [&str; 36] = [
        "api",
        "async",
        "auth",
        "backoff",
        "boolean",
        "byte",
        "canonical",
        "client",
        "config",
        "correlation",
        "dns",
        "endpoint",
        "gateway",
        "header",
        "http",
        "idempot",
        "integer",
        "json",
        "lease",
        "lock",
        "null",
        "oauth",
        "parse",
        "payload",
        "pointer",
        "poll",
        "proxy",
        "queue",
        "request",
        "retr",
        "schema",
        "scope",
        "server",
        "status",
        "timeout",
        "token",
    ];
    const MACHINE_WHOLE: [&str; 5] = ["get", "id", "put", "tls", "url"];
    let said = |word: &str| {
        // "get" and "put" are said by everybody; what is meant is told by capitals
        MACHINE.iter().any(|one| word.to_lowercase().starts_with(one))
            || MACHINE_WHOLE.iter().any(|one| word == one.to_uppercase() || word == *one && one.len() == 2)
    };
    let shorts = book().failure.iter().flat_map(|words| [&words.short, &words.best]);
    let faults = book().fault.values().map(|words| &words.short);
    let shorts = shorts.chain(faults).map(|short| (short.clone(), short.clone()));
    for (place, text) in sentences().into_iter().chain(shorts) {
        for word in text.split(|char: char| !char.is_ascii_alphanumeric()) {
            assert!(!said(word), "{place}: `{word}` in: {text}");
            assert!(!word.chars().any(|char| char.is_ascii_digit()), "{place}: {text}");
        }
        assert!(!text.contains('`'), "{place}: {text}");
    }
}

#[test]
fn advice_names_no_key_of_the_board() {
    let todos = book().failure.iter().map(|words| &words.todo);
    for todo in todos.chain(book().fault.values().map(|words| &words.todo)) {
        for word in todo.split(|char: char| !char.is_alphanumeric() && char != '\'') {
            let lower = word.to_lowercase();
            assert!(word.len() != 1 || lower == "a", "{todo}");
            assert!(!["press", "key", "keys", "enter", "esc", "ctrl"].contains(&lower.as_str()), "{todo}");
        }
    }
}

#[test]
fn only_known_places_are_left_open() {
    for (place, text) in sentences() {
        let known: &[&str] = match place.as_str() {
            "repeat" => &["time"],
            _ if FaultKind::ALL.iter().any(|kind| kind.word() == place) => &[],
            _ => &["thing", "things", "count"],
        };
        for open in text.split('{').skip(1) {
            let name = open.split('}').next().unwrap();
            assert!(known.contains(&name), "{place}: {text}");
        }
        assert_eq!(text.matches('{').count(), text.matches('}').count(), "{place}: {text}");
    }
    for words in &book().failure {
        assert!(!words.short.contains('{') && !words.best.contains('{'), "{}", words.short);
        assert!(!words.one.contains("{things}") && !words.many.contains("{thing}"), "{}", words.one);
    }
}

#[test]
fn a_sentence_speaks_of_what_the_run_carries_and_of_how_many() {
    let unknown = answered(404, "contact.not.found");
    assert_eq!(failure(&unknown).sentence(&unknown), "The platform does not know this contact.");
    let unknown = Kind { count: 4210, ..unknown };
    assert_eq!(failure(&unknown).sentence(&unknown), "The platform does not know these contacts.");
    assert_eq!(failure(&unknown).best, "close, or ask");
    let refused = Kind { operation: Some(OperationKind::Exchange), count: 2, ..answered(422, "x") };
    assert_eq!(
        failure(&refused).sentence(&refused),
        "The platform refused these records: something in them is wrong."
    );
    let refused = Kind { operation: None, count: 1, ..refused };
    assert!(failure(&refused).sentence(&refused).contains("this record"));
    assert_eq!(
        Kind { count: 4210, ..FAILED }.fill("{count} {things}, a {thing}"),
        "4,210 contacts, a contact"
    );
}

#[test]
fn no_sentence_is_shown_with_a_place_left_open() {
    for kind in kinds(&[None]) {
        for count in [1, 500] {
            let kind = Kind { count, ..kind };
            let words = failure(&kind);
            let told = [words.sentence(&kind), words.todo(&kind), kind.doubt_in_words().unwrap_or_default()];
            assert!(!told.concat().contains(['{', '}']), "{told:?}");
        }
    }
}

#[test]
fn where_code_and_status_contradict_each_other_the_status_is_believed() {
    let trouble = answered(503, "SCHEMA_MISMATCH");
    assert_eq!(failure(&trouble).short, failure(&Kind { code: None, ..trouble }).short);
    for code in ["no.answer", "SCHEMA_MISMATCH", "contact.in.use"] {
        assert_eq!(failure(&answered(404, code)).short, "refused: unknown contact");
    }
}

#[test]
fn what_people_have_done_tells_more_than_what_the_platform_said() {
    let unknown = answered(404, "contact.not.found");
    let closed = Kind { state: FailureState::Dismissed, edited: true, ..unknown };
    assert_eq!(failure(&closed).advice, Best::Nothing);
    let edited = Kind { edited: true, ..unknown };
    assert_eq!(failure(&edited).short, "edited, not sent yet");
    assert_eq!(failure(&edited).advice, Best::SendAgain);
    // an edited one is new to the platform: what it was before may have been done
    assert_eq!(failure(&Kind { doubtful: true, ..edited }).advice, Best::AskEngineer);
}

#[test]
fn a_job_that_was_started_is_never_advised_to_be_sent() {
    let mut codes: Vec<Option<&str>> = known_codes().into_iter().map(Some).collect();
    codes.push(None);
    for kind in kinds(&codes).into_iter().filter(|kind| kind.about != About::Item) {
        let advice = failure(&kind).advice;
        let asks = [Best::AskPlatform, Best::AskEngineer, Best::Close].contains(&advice);
        assert!(asks && (kind.about == About::Job || advice != Best::AskPlatform), "{kind:?}: {advice}");
    }
    let edited = Kind { edited: true, about: About::Job, ..FAILED };
    assert_eq!(failure(&edited).advice, Best::AskPlatform);
}

#[test]
fn only_what_has_a_job_is_asked_for() {
    for kind in kinds(&[None]).into_iter().filter(|kind| kind.about == About::Item) {
        assert_ne!(failure(&kind).advice, Best::AskPlatform, "{kind:?}");
    }
}

#[test]
fn an_import_that_may_have_started_is_looked_for_before_it_is_sent() {
    for (status, code) in [(None, Some("no.answer")), (Some(502), None), (Some(504), Some("request.timeout"))]
    {
        let operation = Some(OperationKind::Import);
        let kind = Kind { operation, status, code, doubtful: true, ..FAILED };
        assert_eq!(failure(&kind).advice, Best::AskEngineer, "{kind:?}");
    }
}

#[test]
fn what_was_never_sent_is_not_said_to_have_arrived() {
    for kind in kinds(&[None, Some("no.answer"), Some("request.timeout")]) {
        if [Stage::Validation, Stage::Preflight].contains(&kind.stage) {
            let words = failure(&kind);
            assert!(words.short.starts_with("not sent"), "{kind:?}: {}", words.short);
            assert!(
                words.many.contains("not sent") || words.many.contains("nothing was sent"),
                "{}",
                words.many
            );
        }
    }
    let invalid = Kind { state: FailureState::Invalid, ..FAILED };
    assert_eq!(failure(&invalid).advice, Best::Change);
}

#[test]
fn our_own_messages_tell_the_kind_of_doubt() {
    let lost = |message| Kind { code: Some("no.answer"), message, doubtful: true, ..FAILED }.doubt();
    let timeout =
        "no sure answer: it may have been carried out, or not (calling `h`: no complete answer within 30 s)";
    assert_eq!(lost(timeout), Some(Doubt::Timeout));
    assert_eq!(lost("calling `h`: the connection ended before the answer (x)"), Some(Doubt::Reset));
    assert_eq!(lost("calling `h`: the answer broke off (x)"), Some(Doubt::CutAnswer));
    assert_eq!(lost("the process ended while its call was out: it may"), Some(Doubt::Crash));
    assert_eq!(lost("connection was reset"), Some(Doubt::NoAnswer));
    let said: Vec<String> = ["platform", "engine"].into_iter().flat_map(sources).collect();
    for (doubt, words) in &book().doubt {
        for phrase in &words.said {
            let told = said.iter().any(|source| source.contains(phrase.as_str()));
            assert!(told, "nothing of ours says `{phrase}` any more: {doubt} is not known by it");
        }
    }
}

#[test]
fn what_the_platform_says_never_tells_the_kind_of_doubt() {
    let message = "the process ended while its call was out";
    let doubt = |status| Kind { status: Some(status), message, doubtful: true, ..FAILED }.doubt();
    assert_eq!(doubt(502), Some(Doubt::BadGateway));
    assert_eq!(doubt(504), Some(Doubt::GatewayTimeout));
    assert_eq!(doubt(206), Some(Doubt::OddAnswer));
    assert_eq!(doubt(404), Some(Doubt::Earlier));
    let waits = Kind { doubtful: true, ..answered(409, "idempotency.in_progress") };
    assert_eq!(waits.doubt(), Some(Doubt::InProgress));
    assert_eq!(Kind { doubtful: false, ..waits }.doubt_in_words(), None);
    let job = Kind { stage: Stage::Polling, about: About::Job, doubtful: true, ..FAILED };
    assert_eq!(job.doubt(), Some(Doubt::Earlier));
}

#[test]
fn a_repeat_tells_until_when_it_is_harmless() {
    assert!(repeat(Repeat::HarmlessUntil("today 14:20")).contains("harmless until today 14:20:"));
    assert_eq!(repeat(Repeat::MayBeTwice), "A repeat may be done twice.");
    assert!(repeat(Repeat::Harmless).contains("harmless"));
}
