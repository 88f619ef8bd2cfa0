//! Who is meant by a record: told to nobody else, whatever the platform says of it and whatever comes of that.

use crate::bench::{Bench, Said};
use crate::mirror::{Mirror, answer, token};

const RECORD: &str =
    r#"{"first":"Zoe","last":"Kowalczyk","mail":"zoe.kowal@example.com","phone":"+44 20 7946 0018"}"#;
const SAID: &str = r#"{"message":"no contact Zoe Kowalczyk (zoe.kowal@example.com, +44 20 7946 0018)","code":"Kowalczyk.bad"}"#;
const PERSONAL: [&str; 4] = ["zoe", "kowal", "7946", "0018"];

/// A run that stopped, and why; the record that the platform speaks of may be no failure at all.
#[track_caller]
fn assert_names_nobody(what: &str, kind: &str, status: u16, at_token: bool, words: &[&str]) {
    let mirror = Mirror::start(move |seen| match (seen.is("POST", "/token"), at_token) {
        (true, false) => token("a-token-of-no-interest"),
        (true, true) => {
            answer(status, "", format!(r#"{{"error":"Kowalczyk","error_description":{SAID:?}}}"#))
        }
        (false, _) => answer(status, "content-type: application/json\r\n", SAID),
    });
    let bench = Bench::calm();
    bench.file("a.json", format!("[{RECORD},{RECORD}]"));
    bench.file("c.csv", "contact_id,category,subcategory\nZoe Kowalczyk,a,b\n");
    let run =
        |words: &[&str]| Said(bench.command(words).env("GENESYS_BASE_URL", &mirror.url).output().unwrap());
    let said = run(words);
    assert!(said.0.status.code().is_some_and(|code| code != 0), "{what}: {:?}", said.0);
    let told = String::from_utf8(run(&["show", "last", "--format", "json"]).0.stdout).unwrap();
    assert!(told.contains(&format!("\"{kind}\"")), "{what}: {told}");
    assert!(
        told.to_lowercase().contains("kowalczyk"),
        "{what}: who looks at the run is told what was said: {told}"
    );
    run(&["report", "last", "-o", "r.html"]).assert_code(0, &[what]);
    run(&["doctor", "last", "--offline", "--bundle", "b.json"]);
    for file in ["r.html", "b.json"] {
        let text = std::fs::read_to_string(bench.folder.path().join(file)).unwrap().to_lowercase();
        for personal in PERSONAL {
            let at = text.find(personal).map(|at| &text[at.saturating_sub(80)..at + 20]);
            assert_eq!(at, None, "{what}: {file}");
        }
    }
}

#[test]
fn a_report_and_a_bundle_name_nobody_of_whom_the_platform_spoke_when_it_stopped_a_run() {
    const EXECUTE: [&str; 8] =
        ["execute", "a.json", "--action", "a", "--profile", "env", "--headless", "--detach-on-fault"];
    assert_names_nobody("no permission", "missing_scope", 403, false, &EXECUTE);
    assert_names_nobody("two fresh tokens", "client_refused", 401, false, &EXECUTE);
    assert_names_nobody("no token", "client_refused", 401, true, &EXECUTE);
    assert_names_nobody(
        "a token's trouble",
        "unreachable",
        503,
        true,
        &[&EXECUTE[..], &["--set", "max_attempts=1"]].concat(),
    );
    let same = [&EXECUTE[..], &["--set", "fault_after=2"]].concat();
    assert_names_nobody("the same again", "same_failures", 422, false, &same);
    let ingest = [
        "ingest",
        "a.json",
        "--profile",
        "env",
        "--headless",
        "--detach-on-fault",
        "--set",
        "after_failure=stop",
    ];
    assert_names_nobody("a chunk", "chunk_failed", 422, false, &ingest);
}

#[test]
fn a_report_names_nobody_of_whom_a_person_has_noted_something_or_who_is_named_in_escapes() {
    let mirror = Mirror::start(|seen| {
        if seen.is("POST", "/token") {
            return token("a-token-of-no-interest");
        }
        let number = String::from_utf8_lossy(&seen.body).matches("\"n\":1").count();
        let said = ["M%C3%BCller is unknown", "no contact M\\\\u00fcller, tel. 0049-30-12345"][number];
        answer(
            422,
            "content-type: application/json\r\n",
            format!(r#"{{"message":"{said}","code":"{said}"}}"#),
        )
    });
    let bench = Bench::calm();
    let record = |number: u32| format!(r#"{{"n":{number},"who":"Jo Müller","phone":"+493012345"}}"#);
    bench.file("a.json", format!("[{},{}]", record(0), record(1)));
    let run =
        |words: &[&str]| Said(bench.command(words).env("GENESYS_BASE_URL", &mirror.url).output().unwrap());
    run(&["execute", "a.json", "--action", "a", "--profile", "env"]).assert_code(1, &["execute"]);
    run(&["report", "last", "-o", "open.html"]).assert_code(0, &["report"]);
    run(&["dismiss", "last", "--note", "called Jo Müller", "--yes"]).assert_code(0, &["dismiss"]);
    run(&["report", "last", "-o", "closed.html"]).assert_code(0, &["report"]);
    run(&["doctor", "last", "--offline", "--bundle", "b.json"]);
    for file in ["open.html", "closed.html", "b.json"] {
        let text = std::fs::read_to_string(bench.folder.path().join(file)).unwrap();
        for personal in ["ller", "C3%BC", "00fc", "12345", "0049"] {
            let at = text.find(personal).map(|at| text[..at].chars().rev().take(80).collect::<String>());
            assert_eq!(at, None, "{file}: {personal}");
        }
    }
    let closed = std::fs::read_to_string(bench.folder.path().join("closed.html")).unwrap();
    assert!(closed.contains("called"), "what names nobody is told");
}
