//! Text from outside, by every way by which it comes in, on every way out.

use super::bench::{Bench, Said};
use super::hostile::{ALL, TEXTS, assert_inert};
use super::mirror::{Mirror, answer, token};
use super::pty::Session;

/// What may stand in an argument or a file's name.
fn names() -> Vec<String> {
    TEXTS.iter().map(|text| text.replace('/', "∕")).collect()
}

#[track_caller]
fn assert_said_inert(words: &[&str], said: &Said) {
    assert_inert(&format!("standard output of {words:?}"), &said.out());
    assert_inert(&format!("standard error of {words:?}"), &said.err());
}

#[test]
fn no_argument_is_repeated_as_it_is() {
    let bench = Bench::calm();
    bench.file("a.json", "[{\"n\":1}]");
    bench.ends(&["ingest", "a.json", "--profile", "env"], 0);
    for text in [
        ALL.replace(['/', '\n'], " ").as_str(),
        "\x1b]0;pwned\x07\u{202e}\u{9b}2J\r",
        "--\u{9b}31m\x1b[2J\u{200b}",
    ] {
        let joined = |before: &str| format!("{before}{text}");
        let (path, flag, pair) = (joined("no/"), joined("--"), joined("workers="));
        for words in [
            &[text][..],
            &[&flag],
            &["show", &flag],
            &["show", text],
            &["ingest", text, "--profile", "env"],
            &["ingest", &path, "--profile", "env"],
            &["ingest", "a.json", "--profile", text],
            &["ingest", "a.json", "--profile", "env", "--set", text],
            &["ingest", "a.json", "--profile", "env", "--set", &pair],
            &["exchange", "a.json", "--profile", "env", "--schema", text],
            &["run", &path],
            &["check", text],
            &["sandbox", "--scenario", text],
            &["sandbox", "--scenario", &path],
            &["demo", "--operation", text],
            &["failures", "last", "--status", text],
            &["failures", "last", "--code", text],
            &["failures", "last", "--stage", text],
            &["failures", "last", "--item", text],
            &["failures", "last", "--format", text],
            &["failures", "last", "-o", &path],
            &["report", "last", "-o", &path],
            &["dismiss", "last", "--note", text],
            &["--config", &path, "runs"],
            &["--config", "/dev/null/\x1b[2J\u{9b}2J", "runs"],
            &["--data-dir", "/dev/null/\x1b[2J\u{9b}2J", "ingest", "a.json", "--profile", "env"],
            &["--data-dir", "/dev/null/\x1b[2J\u{9b}2J", "runs"],
            &[
                "profile",
                "add",
                text,
                "--platform",
                "genesys",
                "--client-id",
                "i",
                "--region",
                "r",
                "--secret-env",
                "A",
            ],
            &[
                "profile",
                "add",
                "p",
                "--platform",
                "genesys",
                "--client-id",
                "i",
                "--region",
                text,
                "--secret-env",
                "A",
            ],
            &[
                "profile",
                "add",
                "p",
                "--platform",
                "genesys",
                "--client-id",
                text,
                "--region",
                "r",
                "--secret-env",
                "A",
            ],
            &["profile", "add", "p", "--platform", text],
            &["profile", "test", text],
            &["profile", "remove", text],
            &["completions", text],
        ] {
            let said = Said(bench.command(words).output().unwrap());
            assert_said_inert(words, &said);
        }
    }
}

#[test]
fn no_file_of_a_persons_is_repeated_as_it_is() {
    let bench = Bench::calm();
    bench.file("a.json", "[{\"n\":1}]");
    let quoted: Vec<String> =
        [ALL, TEXTS[5]].iter().map(|text| toml::Value::from(*text).to_string()).collect();
    for text in &quoted {
        let raw = text.trim_matches(['"', '\'']);
        for config in [
            format!("{text} = 1"),
            format!("default_profile = {text}"),
            format!("[profiles.{text}]\nplatform = \"genesys\""),
            format!("[profiles.p]\nplatform = {text}"),
            format!("[profiles.p]\nplatform = \"genesys\"\nclient_id = \"i\"\nregion = {text}"),
            format!(
                "[profiles.p]\nplatform = \"genesys\"\nclient_id = \"i\"\nsecret = {{ command = [{text}] }}"
            ),
            format!("[ui.keys]\n{text} = \"F5\""),
            format!("[ui]\nname = {text}"),
            format!("a = {raw}"),
            raw.to_owned(),
        ] {
            bench.file("config.toml", config);
            for words in
                [&["profile", "list"][..], &["profile", "test", "p"], &["ingest", "a.json", "--profile", "p"]]
            {
                assert_said_inert(words, &Said(bench.command(words).output().unwrap()));
            }
        }
        bench.file("config.toml", "");
        for plan in [
            format!("{text} = 1"),
            format!("dataset = {text}\n[operation]\nkind = \"ingest\""),
            format!("dataset = \"a.json\"\n[operation]\nkind = {text}"),
            format!(
                "dataset = \"a.json\"\n[operation]\nkind = \"exchange\"\n[operation.map]\n{text} = {text}"
            ),
            format!("dataset = \"a.json\"\n[operation]\nkind = \"ingest\"\npath = {text}"),
            raw.to_owned(),
        ] {
            bench.file("p.toml", plan);
            let words = ["check", "p.toml", "--profile", "env"];
            assert_said_inert(&words, &Said(bench.command(&words).output().unwrap()));
        }
    }
    for text in [ALL, TEXTS[5], TEXTS[7]] {
        let json = serde_json::to_string(text).unwrap();
        for dataset in [
            text.to_owned(),
            format!("[{text}]"),
            format!("[{json}]"),
            format!("[{{{json}: {json}, {json}: 1}}]"),
            format!("a,{json}\n1,2,3\n"),
        ] {
            bench.file("d", dataset);
            for words in [
                &["check", "ingest", "d", "--profile", "env"][..],
                &["check", "exchange", "d", "--profile", "env"],
                &["check", "outcomes", "d", "--profile", "env"],
            ] {
                assert_said_inert(words, &Said(bench.command(words).output().unwrap()));
            }
        }
    }
}

/// A platform whose every word is hostile, and one run of outcomes that it refuses in many ways.
fn hostile_run() -> Bench {
    let said = serde_json::to_string(ALL).unwrap();
    let mirror = Mirror::start(move |seen| {
        if seen.is("POST", "/token") {
            return token("t0ken");
        }
        if seen.is("GET", "/outcomes") {
            let body = format!(
                r#"{{"entities":[{{"id":{said},"name":{said},"children":[{{"id":{said},"name":{said}}}]}},
                {{"id":"1","name":"Contacted","children":[{{"id":"2","name":"Sale"}}]}}]}}"#
            );
            return answer(200, "", body);
        }
        let header = "inin-correlation-id: \u{9b}2J\u{202e}=cmd|' /C calc'!A0\r\n";
        let body = format!(
            r#"{{"code":{said},"message":{said},"errors":[{{"errorCode":{said},"message":{said},"fieldName":{said}}}]}}"#
        );
        match seen.head.len() % 3 {
            0 => answer(404, header, body),
            1 => answer(422, header, ALL),
            _ => answer(200, header, body),
        }
    });
    let bench = Bench::calm();
    let mut rows = csv::Writer::from_writer(Vec::new());
    rows.write_record(["contactId", "category", "subcategory"]).unwrap();
    for (number, text) in TEXTS.iter().chain([&ALL]).enumerate() {
        rows.write_record([text, &"Contacted", &"Sale"]).unwrap();
        rows.write_record([&"c1", text, text]).unwrap();
        rows.write_record([&*"x".repeat(number + 1), "Contacted", "Sale"]).unwrap();
    }
    let name = names().concat();
    // a file's name has room for 255 bytes
    let name: String = name.chars().filter(|char| *char != '\n').take(60).collect();
    bench.file(&name, rows.into_inner().unwrap());
    let words = [
        "outcomes",
        &name,
        "--profile",
        "env",
        "--events",
        "-vvv",
        "--log",
        "trunkline.log",
        "--set",
        "fault_after=0",
    ];
    let said = Said(bench.command(&words).env("CXONE_BASE_URL", &mirror.url).output().unwrap());
    said.assert_code(1, &words);
    assert_said_inert(&words, &said);
    bench
}

#[test]
fn what_a_hostile_platform_says_of_a_hostile_dataset_is_obeyed_nowhere() {
    let bench = hostile_run();
    for words in [
        &["failures", "last"][..],
        &["failures", "last", "--by", "cause"],
        &["failures", "last", "--format", "json"],
        &["failures", "last", "--by", "cause", "--format", "json"],
        &["results", "last", "--format", "json"],
        &["show", "last"],
        &["show", "last", "--format", "json"],
        &["runs"],
        &["runs", "--format", "json"],
    ] {
        assert_said_inert(words, &bench.ends(words, 0));
    }
    for words in [
        &["failures", "last", "--format", "csv"][..],
        &["failures", "last", "--by", "cause", "--format", "csv"],
        &["results", "last"],
    ] {
        let csv = bench.ends(words, 0).out().replace("\r\n", "\n");
        assert_inert(&format!("{words:?}"), &csv);
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert!(rows.len() > 1);
        for cell in rows.iter().flatten() {
            let first = cell.trim_start().chars().next().unwrap_or('a');
            assert!(!"=+-@＝＋－＠".contains(first), "{words:?}: {cell:?}");
            assert!(!cell.contains('\n'), "{words:?}: {cell:?}");
        }
    }
    for words in [&["dismiss", "last", "--note", ALL, "--yes"][..], &["failures", "last"]] {
        assert_said_inert(words, &bench.ends(words, 0));
    }
    bench.ends(&["report", "last", "--examples", "-o", "r.html"], 0);
    let page = std::fs::read_to_string(bench.folder.path().join("r.html")).unwrap();
    assert_inert("the page", &page);
    for markup in ["<script", "<img", "onerror=\"", "<svg onload", "</style><"] {
        assert!(!page.contains(markup), "{markup}");
    }
    let log = std::fs::read_to_string(bench.folder.path().join("trunkline.log")).unwrap();
    assert_inert("the log", &log);
}

/// A colleague's folder is opened to be looked at: what stands in it is theirs.
#[test]
fn a_journal_that_somebody_else_wrote_is_obeyed_nowhere() {
    let bench = Bench::calm();
    bench.file("two.csv", super::bench::outcomes(["c1", "unknown-1"].map(str::to_owned)));
    bench.ends(&["outcomes", "two.csv", "--profile", "env"], 1);
    let path = bench.data_dir().join("journal.db");
    let before = super::bombs::whole(&path);
    let json = serde_json::to_string(&[ALL]).unwrap();
    let mut changed = 0;
    for (table, column) in super::bombs::columns(&path) {
        for text in [ALL, &json] {
            {
                let journal = rusqlite::Connection::open(&path).unwrap();
                // a column may refuse what it is not made for
                changed += journal.execute(&format!("UPDATE {table} SET {column} = ?1"), [text]).unwrap_or(0);
            }
            for words in [
                &["show", "last"][..],
                &["show", "last", "--format", "json"],
                &["runs"],
                &["failures", "last"],
                &["failures", "last", "--format", "json"],
            ] {
                assert_said_inert(words, &Said(bench.command(words).output().unwrap()));
            }
            for side in ["journal.db-wal", "journal.db-shm"] {
                let _ = std::fs::remove_file(bench.data_dir().join(side));
            }
            std::fs::write(&path, &before).unwrap();
        }
    }
    assert!(changed > 20, "{changed}");
}

#[test]
fn the_board_draws_none_of_it() {
    let bench = hostile_run();
    let child = bench.child(&[]);
    let mut command = portable_pty::CommandBuilder::new(child.get_program());
    command.env_clear();
    for (name, value) in child.get_envs() {
        command.env(name, value.unwrap());
    }
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command.cwd(bench.folder.path());
    let mut session = Session::start(command, (140, 40));
    session.wait_for("[6 Failures");
    for keys in ["g", "jj", "\r", "\x1b[C", "\x1b[C"] {
        session.type_in(keys);
        session.settle();
    }
    session.signal(rustix::process::Signal::TERM);
    session.wait_for_end();
    let written = String::from_utf8(session.written()).unwrap();
    // sequences of its own it may write; these are nobody's but the corpus's
    for theirs in [
        "pwned\x07",
        "\x1b]52",
        "\x1b]8;",
        "\x1bP$q",
        "\u{9b}",
        "\u{9d}",
        "\u{90}",
        "\u{202e}",
        "\u{200b}",
        "\u{feff}",
        "\u{e0041}",
        "\x08",
        "\x05",
    ] {
        assert!(!written.contains(theirs), "{theirs:?}");
    }
}

#[test]
fn the_log_holds_no_path_as_it_is() {
    let bench = Bench::calm();
    bench.file("a.json", "[{\"n\":1}]");
    let folder = "da\x1b]0;pwned\x07\u{202e}\u{200b}\u{9b}2J\n2026-11-22T10:00:00Z ERROR somebody else's";
    let folder = bench.folder.path().join(folder);
    let place = folder.to_str().unwrap();
    let words = ["ingest", "a.json", "--profile", "env", "--headless", "-vvv", "--data-dir", place];
    bench.ends(&words, 0);
    for pace in std::fs::read_dir(folder.join("pace")).unwrap() {
        std::fs::write(pace.unwrap().path(), "\x1b[2J").unwrap();
    }
    bench.ends(&words, 0);
    let log = std::fs::read_to_string(folder.join("trunkline.log")).unwrap();
    assert!(log.contains("the shared pace is damaged"), "{log}");
    assert_inert("the log", &log);
    assert!(!log.contains("\n2026-11-22T10:00:00Z ERROR somebody"), "{log}");
}

#[test]
fn no_path_begins_a_line_of_its_own_in_a_message() {
    let bench = Bench::calm();
    let name = "x\nhint: run somebody else's program\n";
    let folder = bench.folder.path().join(name);
    std::fs::create_dir_all(folder.join("journal.db")).unwrap();
    let (folder, absent) = (folder.to_str().unwrap(), format!("{name}.json"));
    bench.file("a.json", "[{\"n\":1}]");
    for words in [
        &["run", &absent][..],
        &["check", &absent],
        &["--config", folder, "profile", "list"],
        &["--data-dir", folder, "runs"],
        &["--data-dir", folder, "ingest", "a.json", "--profile", "env"],
        &["ingest", &absent, "--profile", "env"],
        &["sandbox", "--scenario", &absent],
        &["exchange", "a.json", "--profile", "env", "--schema", &absent],
    ] {
        let said = bench.ends(words, 2);
        let told = said.err();
        assert!(!told.lines().any(|line| line.starts_with("hint: run")), "{words:?}: {told}");
        assert!(told.contains("somebody else"), "{words:?}: {told}");
    }
}
