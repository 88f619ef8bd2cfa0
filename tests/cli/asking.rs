//! What is asked before something is done that cannot be taken back, and what happens where nobody can be asked.

use portable_pty::CommandBuilder;

use super::bench::{Bench, interactions, outcomes};
use super::pty::Session;

/// A tenant with real data, which is the sandbox.
fn production(bench: &Bench) {
    let profile = |name: &str, platform: &str, variable: &str| {
        format!(
            "[profiles.{name}]\nplatform = \"{platform}\"\napi_url = \"{}\"\nclient_id = \"sandbox\"\n\
             production = true\nsecret = {{ env = \"{variable}_CLIENT_SECRET\" }}\n",
            bench.api_url()
        )
    };
    bench.file("config.toml", profile("acme", "genesys", "GENESYS") + &profile("support", "cxone", "CXONE"));
}

/// The program on a terminal, its standard output in a file.
fn on_a_terminal(bench: &Bench, words: &[&str]) -> Session {
    let child = bench.child(words);
    let mut shell = CommandBuilder::new("sh");
    shell.args(["-c", "exec \"$@\" > out.txt", "sh"]);
    shell.arg(child.get_program());
    shell.args(child.get_args());
    shell.env_clear();
    for (name, value) in child.get_envs() {
        shell.env(name, value.unwrap());
    }
    shell.env("PATH", "/usr/bin:/bin");
    shell.env("TERM", "xterm-256color");
    shell.cwd(bench.folder.path());
    Session::start(shell, (100, 30))
}

#[test]
fn production_is_not_sent_to_where_nobody_can_be_asked() {
    let bench = Bench::calm();
    production(&bench);
    bench.file("a.json", interactions(3));
    let words = ["ingest", "a.json", "--profile", "acme"];
    let said = bench.ends(&words, 2);
    let wanted = "error: nothing was sent: `acme` is production and nobody can be asked\nhint: give --yes\n";
    assert_eq!(said.err(), wanted);
    assert_eq!(bench.sent(), 0);
    bench.ends(&[&words[..], &["--yes"]].concat(), 0);
    assert_eq!(bench.ledger()["ingest"]["records_applied"], 3);

    bench.file("o.csv", outcomes(["unknown-1".to_owned()]));
    bench.ends(&["outcomes", "o.csv", "--profile", "support", "--yes"], 1);
    let before = bench.sent();
    assert!(bench.ends(&["retry", "last"], 2).err().contains("give --yes"));
    assert_eq!(bench.sent(), before);
    bench.ends(&["retry", "last", "--yes"], 1);
}

#[test]
fn production_is_not_gone_on_with_where_nobody_can_be_asked() {
    let bench = Bench::like("forbidden = [\"ingest\"]\n");
    production(&bench);
    bench.file("a.json", interactions(3));
    bench.ends(&["ingest", "a.json", "--profile", "acme", "--yes"], 3);
    assert!(bench.ends(&["resume", "last"], 2).err().contains("give --yes"));
    bench.ends(&["resume", "last", "--yes"], 3);
}

#[test]
fn the_question_comes_also_where_standard_output_is_no_terminal() {
    let bench = Bench::calm();
    production(&bench);
    bench.file("a.json", interactions(3));
    let words = ["ingest", "a.json", "--profile", "acme"];
    let mut session = on_a_terminal(&bench, &words);
    session.wait_for("send 3 records of");
    session.wait_for("to PRODUCTION acme (127.0.0.1)?");
    session.wait_for("type the number 3:");
    session.type_in("y\r");
    assert_eq!(session.wait_for_end(), 2);
    session.wait_for("nothing was done");
    assert_eq!(bench.sent(), 0);

    let mut session = on_a_terminal(&bench, &words);
    session.wait_for("type the number 3:");
    session.type_in("3\r");
    assert_eq!(session.wait_for_end(), 0);
    assert_eq!(bench.ledger()["ingest"]["records_applied"], 3);
}

#[test]
fn a_person_is_asked_before_a_run_is_cancelled() {
    let bench = Bench::like("forbidden = [\"ingest\"]\n");
    bench.file("a.json", interactions(4));
    bench.ends(&["ingest", "a.json", "--profile", "env"], 3);
    let mut session = on_a_terminal(&bench, &["cancel", "last"]);
    session.wait_for("4 records that are pending");
    session.wait_for("[y/N]");
    session.type_in("\r");
    assert_eq!(session.wait_for_end(), 2);
    assert_eq!(bench.ends(&["show", "last", "--format", "json"], 0).json()["state"], "faulted");

    let mut session = on_a_terminal(&bench, &["cancel", "last", "--yes"]);
    assert_eq!(session.wait_for_end(), 0);
    assert_eq!(bench.ends(&["show", "last", "--format", "json"], 0).json()["state"], "cancelled");
}

#[test]
fn a_person_is_asked_before_several_failures_are_closed() {
    let bench = Bench::calm();
    bench.file("o.csv", outcomes(["unknown-1", "unknown-2", "unknown-3"].map(str::to_owned)));
    bench.ends(&["outcomes", "o.csv", "--profile", "env"], 1);
    let mut session = on_a_terminal(&bench, &["dismiss", "last", "--item", "0", "--note", "x"]);
    assert_eq!(session.wait_for_end(), 0, "one is what was meant");
    let mut session = on_a_terminal(&bench, &["dismiss", "last", "--note", "x"]);
    session.wait_for("close 2 failures");
    session.type_in("n\r");
    assert_eq!(session.wait_for_end(), 2);
    let run = bench.ends(&["show", "last", "--format", "json"], 0).json();
    assert_eq!(run["records"]["dismissed"], 1);
}

#[test]
fn what_is_neither_yes_nor_no_makes_no_profile_production() {
    let bench = Bench::calm();
    let words =
        ["profile", "add", "a", "--platform", "genesys", "--region", "mypurecloud.ie", "--client-id", "id"];
    let mut session = on_a_terminal(&bench, &[&words[..], &["--secret-env", "X"]].concat());
    session.wait_for("is this production");
    session.type_in("hunter2\r");
    session.wait_for("neither y nor n");
    session.type_in("n\r");
    assert_eq!(session.wait_for_end(), 0);
    let config = std::fs::read_to_string(bench.folder.path().join("config.toml")).unwrap();
    assert!(config.contains("production = false") && !config.contains("hunter2"), "{config}");
}

#[test]
fn a_secret_that_is_typed_a_question_too_early_is_neither_repeated_nor_kept() {
    const SECRET: &str = "hunter2-S3CR3T";
    let answers = ["genesys", "mypurecloud.ie", "id", "n"];
    let asked = ["platform", "region", "client id", "is this production"];
    for (early, home) in [(0, ""), (1, ""), (4, ""), (5, "env"), (5, "file")] {
        let bench = Bench::calm();
        let mut session = on_a_terminal(&bench, &["profile", "add", "a"]);
        for (question, answer) in asked.iter().zip(answers).take(early) {
            session.wait_for(question);
            session.type_in(&format!("{answer}\r"));
        }
        if !home.is_empty() {
            session.wait_for("home of the secret");
            session.type_in(&format!("{home}\r"));
        }
        let question = match home {
            "env" => "variable's name",
            "file" => "file's path",
            _ => asked.get(early).unwrap_or(&"home of the secret"),
        };
        session.wait_for(question);
        session.type_in(&format!("{SECRET}\r"));
        assert_eq!(session.wait_for_end(), 2, "{question}: {}", session.text());
        let told = session.text();
        assert!(told.contains("what was typed is"), "{question}: {told}");
        // the terminal itself shows what is typed, once
        assert_eq!(told.matches(SECRET).count(), 1, "{question}: {told}");
        assert!(!bench.folder.path().join("config.toml").exists(), "{question}");
    }
}

#[test]
fn who_leaves_instead_of_typing_a_secret_finds_a_terminal_that_shows_what_is_typed() {
    let bench = Bench::calm();
    let words =
        ["profile", "add", "a", "--platform", "genesys", "--region", "mypurecloud.ie", "--client-id", "id"];
    let mut session = on_a_terminal(&bench, &[&words[..], &["--production", "--keyring"]].concat());
    session.wait_for("it is not shown");
    session.type_in("half a sec\x03");
    assert_eq!(session.wait_for_end(), 130, "{}", session.text());
    session.assert_restored();
    assert!(!session.text().contains("half") && !bench.folder.path().join("config.toml").exists());
}

#[test]
fn locks_are_not_removed_where_nobody_can_be_asked() {
    let bench = Bench::calm();
    let said = bench.ends(&["store", "purge", "--locks"], 2).err();
    assert!(said.contains("nothing was removed") && said.contains("give --yes"), "{said}");
    bench.ends(&["store", "purge", "--locks", "--yes"], 0);
    bench.ends(&["store", "purge"], 0);
}
