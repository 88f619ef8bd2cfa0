//! Bad input is refused in words that help, and nothing of it is sent.

use super::bench::{Bench, interactions, outcomes};

#[track_caller]
fn refused(bench: &Bench, words: &[&str], message: &str) {
    let said = bench.ends(words, 2);
    let err = said.err();
    assert!(err.starts_with("error: "), "{words:?}: {err}");
    assert!(err.contains(message), "{words:?}: `{message}` is not in: {err}");
    assert_eq!(said.out(), "", "{words:?}");
    assert_eq!(bench.sent(), 0, "{words:?}: something was sent");
}

#[test]
fn a_bad_dataset_is_refused_before_anything_is_sent() {
    let bench = Bench::calm();
    let cases: &[(&str, &[u8], &str)] = &[
        ("empty.json", b"", "is empty"),
        ("blank.json", b" \n\n", "empty"),
        ("nothing.json", b"[]", "holds no record"),
        ("trailing.json", b"[{\"a\":1},]", "line 1, column 10 (byte 9)"),
        ("object.json", b"{\n  \"a\": 1\n}", "an object instead of an array"),
        ("scalar.json", b"42", "scalar"),
        ("truncated.json", b"[{\"a\":1},\n{\"b\":", "line 2"),
        ("latin.json", b"[{\"a\":\"\xff\"}]", "UTF-8"),
        ("latin.csv", b"a,b\n1,\xff\n", "UTF-8"),
        ("nul.json", b"[{\"a\":\0}]", "NUL"),
        ("header.csv", b"a,a\n1,2\n", "header"),
        ("lone.csv", b"a,b\n", "holds no record"),
        ("open.csv", b"a,b\n1,\"2\n", "malformed"),
        ("cut.json.gz", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x8b], "malformed"),
    ];
    for (name, content, message) in cases {
        bench.file(name, content);
        refused(&bench, &["ingest", name, "--profile", "env"], message);
    }
}

#[test]
fn a_place_that_is_no_file_is_refused() {
    let bench = Bench::calm();
    std::fs::create_dir(bench.folder.path().join("folder")).unwrap();
    refused(&bench, &["ingest", "folder", "--profile", "env"], "it is a directory");
    refused(&bench, &["ingest", "nowhere.json", "--profile", "env"], "no such file");
    refused(&bench, &["ingest", "*.ndjson", "--profile", "env"], "no file matches");
}

#[test]
fn missing_columns_are_named() {
    let bench = Bench::calm();
    bench.file("contacts.csv", "contactId,kategorie,subcategory\n1,Contacted,Sale\n");
    refused(&bench, &["outcomes", "contacts.csv", "--profile", "env"], "category");
    refused(&bench, &["outcomes", "contacts.csv", "--profile", "env"], "with its `outcome_map`");
}

#[test]
fn a_ragged_row_is_one_invalid_record_and_the_rest_is_sent() {
    let bench = Bench::calm();
    bench.file(
        "contacts.csv",
        "contactId,category,subcategory\nc1,Contacted,Sale\nc2,Contacted\nc3,Contacted,Sale\n",
    );
    let said = bench.ends(&["outcomes", "contacts.csv", "--profile", "env", "--events"], 1);
    let events = said.events();
    let last = events.last().unwrap();
    assert_eq!((&last["records"]["delivered"], &last["records"]["invalid"]), (&2.into(), &1.into()));
    assert_eq!(bench.ledger()["outcomes"]["applied"], 2);
    let failures = bench.ends(&["failures", "last", "--format", "json"], 0).out();
    assert!(failures.contains("\"record\":[\"c2\",\"Contacted\"]"), "{failures}");
    // what was not mended is not sent, and its reason stays
    let again = bench.ends(&["retry", "last", "--yes", "--headless"], 1).out();
    assert!(again.contains("1 was not sent and is as before"), "{again}");
    let failures = bench.ends(&["failures", "last", "--format", "json"], 0).out();
    assert!(failures.contains("csv.ragged") && failures.contains("has 2 fields"), "{failures}");
}

#[test]
fn what_is_no_object_is_kept_as_it_is() {
    let bench = Bench::calm();
    let values = [r#"[1,"keep me"]"#, r#""a text""#, "5e0", "true"];
    bench.file("values.json", format!("[{}]", values.join(",")));
    for operation in ["ingest", "exchange"] {
        bench.ends(&[operation, "values.json", "--profile", "env", "--headless"], 1);
        let failures = bench.ends(&["failures", "last", "--format", "json"], 0).out();
        for value in values {
            assert!(failures.contains(&format!("\"record\":{value}")), "{operation}: {value}: {failures}");
        }
        // and checked again, without being sent
        bench.ends(&["retry", "last", "--yes", "--headless"], 1);
    }
    assert_eq!(bench.ledger()["ingest"]["records_applied"], 0);
}

#[test]
fn a_stream_that_is_no_dataset_is_refused_and_nothing_is_sent() {
    let bench = Bench::calm();
    for (input, message) in [
        ("", "standard input is empty"),
        ("42\n", "is a scalar"),
        ("[]", "holds no record"),
        ("a,b\n", "no row under the header"),
        ("a,b\n1,\0\n", "line 2, column 3 (byte 6)"),
        ("{\n\"a\":1}\n", "is an object instead of an array"),
    ] {
        let words = ["ingest", "-", "--profile", "env", "--events"];
        let said = bench.command(&words).write_stdin(input).output().unwrap();
        assert_eq!(said.status.code(), Some(2), "{input}");
        let out = String::from_utf8_lossy(&said.stdout);
        assert!(out.contains("\"kind\":\"no_dataset\"") && out.contains(message), "{input}: {out}");
    }
    assert_eq!(bench.ledger()["ingest"]["records_applied"], 0);
}

#[test]
fn a_bad_plan_is_refused_with_its_line() {
    let bench = Bench::calm();
    bench.file("a.json", interactions(1));
    let plan = |lines: &str| format!("profile = \"env\"\ndataset = \"a.json\"\n{lines}");
    let cases = [
        ("[operation]\nkind = \"ingets\"\n", "ingest"),
        ("[operation]\nkind = 7\n", "plan.toml:4"),
        ("[operation]\nkind = \"ingest\"\nchunk_record = 5\n", "chunk_records"),
        ("[operation]\nkind = \"ingest\"\n[delivery]\nworkers = \"many\"\n", "workers"),
        ("[operation]\nkind = \"ingest\"\n[delivery]\nworkers = 0\n", "workers"),
        ("[operation\n", "plan.toml:3"),
    ];
    for (lines, message) in cases {
        bench.file("plan.toml", plan(lines));
        refused(&bench, &["run", "plan.toml"], message);
    }
    refused(&bench, &["run", "nowhere.toml"], "nowhere.toml");
}

#[test]
fn bad_flags_are_refused() {
    let bench = Bench::calm();
    bench.file("a.json", interactions(1));
    bench.file("o.csv", outcomes(["c".to_owned()]));
    refused(&bench, &["ingest", "a.json", "--profile", "env", "--workers", "none"], "workers");
    refused(
        &bench,
        &["ingest", "a.json", "--profile", "env", "--set", "wrokers=3"],
        "did you mean `workers`",
    );
    refused(&bench, &["ingest", "a.json", "--profile", "env", "--set", "workers"], "KEY=VALUE");
    refused(&bench, &["ingest", "a.json", "--profile", "acme"], "no profile is named `acme`");
    refused(&bench, &["ingest", "a.json"], "no profile was named");
    refused(&bench, &["ingest"], "DATASET");
    refused(&bench, &["outcomes", "o.csv", "o.csv", "--profile", "env"], "unexpected");
    refused(&bench, &["frobnicate"], "frobnicate");
    let homes = ["profile", "add", "a", "--secret-file", "a.json", "--secret-stdin"];
    refused(&bench, &homes, "cannot be used with");
    refused(&bench, &["check", "ingets", "a.json", "--profile", "env"], "is not an operation");
    refused(&bench, &["check", "ingest"], "names no dataset");
    refused(&bench, &["show", "last"], "there is no run `last`");
    refused(&bench, &["runs", "--format", "xml"], "is not a format of this report");
}

#[test]
fn a_mistake_in_the_configuration_is_told_with_its_line_and_no_secret() {
    let bench = Bench::calm();
    bench.file("a.json", interactions(1));
    bench.file(
        "config.toml",
        "[profiles.acme]\nplatform = \"genesys\"\nclient_id = \"id\"\nsecret = \"hunter2\"\n",
    );
    let said = bench.ends(&["ingest", "a.json", "--profile", "acme"], 2);
    assert!(said.err().contains("config.toml:4"), "{}", said.err());
    assert!(!said.err().contains("hunter2"));
    // a mistake in it keeps nobody from looking
    bench.ends(&["runs"], 0);
}

#[test]
fn what_stands_before_a_malformed_place_is_sent_when_that_is_asked_for() {
    let bench = Bench::calm();
    bench.file("a.json", "[{\"a\":1},{\"a\":2},{\"a\":");
    bench.ends(&["ingest", "a.json", "--profile", "env"], 2);
    assert_eq!(bench.sent(), 0);
    let said = bench.ends(&["ingest", "a.json", "--profile", "env", "--until-error"], 0);
    assert_eq!(bench.ledger()["ingest"]["records_applied"], 2);
    let unread = "`a.json`: stopped at line 1, column 23: the rest was not read";
    assert!(said.out().contains(unread), "{}", said.out());
    assert!(bench.ends(&["show", "last"], 0).out().contains(unread));
}

#[test]
fn records_in_an_object_of_their_own_are_warned_of() {
    let bench = Bench::calm();
    let warning = "warning: `";
    bench.file("a.json", "{\"total\":2,\"entities\":[{\"a\":1},{\"a\":2}]}");
    let said = bench.ends(&["check", "ingest", "a.json", "--profile", "env"], 0).err();
    assert!(
        said.contains(warning) && said.contains("an array `entities`: did you mean its elements?"),
        "{said}"
    );
    bench.file("b.json", "{\"a\":1,\"tags\":[\"x\"]}");
    let said = bench.ends(&["check", "ingest", "b.json", "--profile", "env"], 0).err();
    assert!(!said.contains(warning), "{said}");
}

#[test]
fn nothing_is_sent_where_only_looking_is_allowed() {
    let bench = Bench::calm();
    bench.file("a.json", interactions(3));
    refused(&bench, &["ingest", "a.json", "--profile", "env", "--read-only"], "`--read-only` was given");
    bench.file(
        "config.toml",
        "[profiles.look]\nplatform = \"genesys\"\nclient_id = \"id\"\nread_only = true\nsecret = { env = \"X\" }\n",
    );
    refused(&bench, &["ingest", "a.json", "--profile", "look"], "`read_only`");
}

#[test]
fn hostile_names_and_contents_bring_no_escape_sequence_onto_the_screen() {
    let bench = Bench::calm();
    let name = "a\u{1b}[31m\u{202e}.json";
    bench.file(name, "[{\"a\u{1b}[2J\":}]");
    let said = bench.ends(&["ingest", name, "--profile", "env"], 2);
    let err = said.err();
    assert!(!err.contains('\u{1b}') && !err.contains('\u{202e}'), "{err:?}");
}
