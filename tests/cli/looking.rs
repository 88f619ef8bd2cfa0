//! What is shown of runs and profiles, and what is printed for shells and for `man`.

use super::bench::{Bench, interactions, outcomes};

#[test]
fn runs_are_listed_newest_first_with_every_key() {
    let bench = Bench::calm();
    assert_eq!(bench.ends(&["runs", "--format", "json"], 0).out(), "[]\n");
    assert_eq!(bench.ends(&["runs"], 0).out(), "there are no runs yet\n");
    bench.file("a.json", interactions(3));
    bench.file("o.csv", outcomes(["c1".to_owned()]));
    bench.ends(&["ingest", "a.json", "--profile", "env"], 0);
    bench.ends(&["outcomes", "o.csv", "--profile", "env"], 0);
    let runs = bench.ends(&["runs", "--format", "json"], 0).json();
    let operations: Vec<_> =
        runs.as_array().unwrap().iter().map(|run| run["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["outcomes", "ingest"]);
    assert_eq!(runs[1]["records"]["delivered"], 3);
    assert_eq!((&runs[1]["state"], &runs[1]["rows_failed"]), (&"completed".into(), &0.into()));
    assert!(runs[1]["ended_at"].is_string());
    let table = bench.ends(&["runs"], 0).out();
    assert_eq!(table.lines().count(), 3, "{table}");
    // what the table shows of an id is enough to name its run
    let prefix = table.lines().nth(2).unwrap().split_whitespace().next().unwrap();
    let run = bench.ends(&["show", prefix, "--format", "json"], 0).json();
    assert_eq!(run["run"], runs[1]["run"]);
    assert_eq!(run["plan"]["operation"]["kind"], "ingest");
    assert!(run["paths"].is_object() && run["faults"].as_array().unwrap().is_empty());
    assert!(bench.ends(&["show", prefix], 0).out().contains("3 delivered"));
}

#[cfg(unix)]
#[test]
fn a_report_is_one_private_page_that_replaces_nothing_unasked() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::calm();
    bench.file("o.csv", outcomes(["c1", "unknown-77"].map(str::to_owned)));
    assert!(bench.ends(&["report", "last", "-o", "r.html"], 2).err().contains("there is no journal"));
    bench.ends(&["outcomes", "o.csv", "--profile", "env"], 1);
    let said = bench.ends(&["report", "last", "-o", "r.html"], 0);
    assert_eq!(said.out(), "");
    let path = bench.folder.path().join("r.html");
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "{page}");
    assert!(page.contains("1 failed") && !page.contains("unknown-77"));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    std::fs::write(&path, "mine").unwrap();
    let said = bench.ends(&["report", "last", "-o", "r.html"], 2);
    assert!(said.err().contains("`r.html` already") && said.err().contains("--force"), "{}", said.err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    bench.ends(&["report", "last", "-o", "r.html", "--force", "--examples"], 0);
    assert!(std::fs::read_to_string(&path).unwrap().contains("unknown-77"));
    assert!(bench.ends(&["report", "last", "-o", "-"], 0).out().starts_with("<!DOCTYPE html>"));
    bench.ends(&["report", "last"], 2);
    assert!(bench.ends(&["report", "ffffffff", "-o", "x.html"], 2).err().contains("there is no run"));
    assert!(!bench.folder.path().join("x.html").exists());
}

#[test]
fn a_plain_run_ends_with_a_summary_and_the_commands_to_type_next() {
    let bench = Bench::calm();
    bench.file("o.csv", outcomes(["c1", "unknown-1"].map(str::to_owned)));
    let said = bench.ends(&["outcomes", "o.csv", "--profile", "env"], 1);
    let out = said.out();
    assert!(out.contains("2 in all: 1 delivered, 1 failed"), "{out}");
    assert!(out.contains("404 contact.not.found"), "{out}");
    let command = out.lines().find_map(|line| line.split_once("trunkline failures ")).expect("a command").1;
    assert_eq!(
        bench.ends(&["failures", command.trim(), "--format", "json"], 0).json().as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_check_sends_nothing_and_says_what_a_run_would_do() {
    let bench = Bench::calm();
    bench.file("o.csv", format!("{}c9,Contacted,Nonsense\n", outcomes(["c1".to_owned()])));
    let said = bench.ends(&["check", "outcomes", "o.csv", "--profile", "env"], 1);
    assert!(said.out().contains("1 of them invalid"), "{}", said.out());
    assert!(said.out().contains("Nonsense"), "{}", said.out());
    assert_eq!(bench.ledger()["outcomes"]["applied"], 0);
    let rows = (0..30).map(|n| format!("c{n},Contacted,Nonsense {n}\n")).collect::<Vec<_>>().concat();
    bench.file("alike.csv", format!("{}{rows}c,,Sale\n", outcomes(["c1".to_owned()])));
    let said = bench.ends(&["check", "outcomes", "alike.csv", "--profile", "env"], 1).out();
    assert!(
        said.contains("30 records are invalid alike, record 1 the first: outcome.unknown \"Nonsense 0\""),
        "{said}"
    );
    assert!(said.contains("record 31 is invalid: record.incomplete `category` is empty"), "{said}");
    assert!(!said.contains("Nonsense 7"), "{said}");
    bench.file("a.json", interactions(1000));
    bench.file(
        "plan.toml",
        "profile = \"env\"\ndataset = \"a.json\"\n[operation]\nkind = \"ingest\"\nchunk_records = 100\n",
    );
    let said = bench.ends(&["check", "plan.toml"], 0);
    assert!(said.out().contains("1,000"), "{}", said.out());
    assert_eq!(bench.ledger()["ingest"]["records_applied"], 0);
    assert_eq!(bench.ends(&["runs", "--format", "json"], 0).out(), "[]\n", "a check is no run");
}

#[test]
fn a_check_that_cannot_be_made_is_refused_and_no_fault() {
    let bench = Bench::calm();
    bench.file("a.json", interactions(1));
    bench.file("o.csv", outcomes(["c1".to_owned()]));
    let home = |home: &str| {
        format!(
            "[profiles.acme]\nplatform = \"genesys\"\napi_url = \"{}\"\nclient_id = \"sandbox\"\nsecret = {{ {home} }}\n",
            bench.api_url()
        )
    };
    bench.file("config.toml", home("env = \"NOT_SET\""));
    let said = bench.ends(&["check", "ingest", "a.json", "--profile", "acme"], 2);
    assert!(said.err().contains("`NOT_SET` is not set"), "{}", said.err());
    bench.file("config.toml", home("env = \"USER\""));
    bench.ends(&["check", "ingest", "a.json", "--profile", "acme"], 2);
    let said = bench.ends(&["check", "outcomes", "o.csv", "o.csv", "--profile", "env"], 2);
    assert!(said.err().contains("`outcomes` takes one dataset, and 2 are named"), "{}", said.err());
}

#[test]
fn a_configuration_that_was_named_has_to_be_there() {
    let bench = Bench::calm();
    for words in [&["runs"][..], &["profile", "list"], &["profile", "test", "env"]] {
        let said = bench.ends(&[words, &["--config", "nosuch.toml"]].concat(), 2);
        assert!(said.err().contains("nosuch.toml") && said.err().contains("no such file"), "{}", said.err());
    }
    let add =
        ["profile", "add", "a", "--platform", "genesys", "--region", "mypurecloud.ie", "--client-id", "id"];
    bench.ends(&[&add[..], &["--secret-env", "X", "--config", "new.toml"]].concat(), 0);
    assert!(bench.ends(&["profile", "list", "--config", "new.toml"], 0).out().contains("variable X"));
}

#[test]
fn the_profile_of_the_variables_is_listed_where_they_are_set() {
    let bench = Bench::calm();
    let list = bench.ends(&["profile", "list"], 0).out();
    assert!(list.contains("no profiles yet"), "{list}");
    assert!(list.contains("variable GENESYS_CLIENT_SECRET") && list.contains("variable CXONE_CLIENT_SECRET"));
    let mut alone = bench.command(&["profile", "list"]);
    for variable in ["GENESYS_CLIENT_ID", "CXONE_CLIENT_ID"] {
        alone.env_remove(variable);
    }
    assert_eq!(String::from_utf8(alone.output().unwrap().stdout).unwrap().lines().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_can_read_is_refused_when_its_profile_is_added() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::calm();
    let path = bench.file("secret", "hunter2");
    let add =
        ["profile", "add", "a", "--platform", "genesys", "--region", "mypurecloud.ie", "--client-id", "id"];
    let words = [&add[..], &["--secret-file", "secret"]].concat();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = bench.ends(&words, 2);
    assert!(said.err().contains("chmod 600"), "{}", said.err());
    assert!(!bench.folder.path().join("config.toml").exists());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    bench.ends(&words, 0);
}

#[test]
fn a_log_tells_the_course_of_a_run_where_it_is_asked_for() {
    let bench = Bench::like("forbidden = [\"ingest\"]\n");
    bench.file("a.json", interactions(1));
    bench.ends(&["ingest", "a.json", "--profile", "env", "--log", "x.log", "-v"], 3);
    let log = std::fs::read_to_string(bench.folder.path().join("x.log")).unwrap();
    for part in ["the run is carried out", "a token was got", "fault: ", "the carrying-out is over"] {
        assert!(log.contains(part), "`{part}` is not in: {log}");
    }
}

#[test]
fn profiles_are_added_tested_and_removed() {
    let bench = Bench::calm();
    let api = bench.api_url();
    let add = ["profile", "add", "acme", "--platform", "cxone", "--api-url", &api, "--client-id", "sandbox"];
    let said = bench.ends(&[&add[..], &["--secret-env", "CXONE_CLIENT_SECRET", "--production"]].concat(), 0);
    assert!(said.out().contains("profile `acme` was added"), "{}", said.out());
    let list = bench.ends(&["profile", "list"], 0).out();
    assert!(
        list.contains("acme") && list.contains("variable CXONE_CLIENT_SECRET") && list.contains("production")
    );

    let said = bench.ends(&["profile", "test", "acme"], 0);
    assert!(
        said.out().contains("contact:read contact:update") && said.out().contains("outcomes: allowed"),
        "{}",
        said.out()
    );
    let said =
        bench.command(&["profile", "test", "acme"]).env("CXONE_CLIENT_SECRET", "wrong").output().unwrap();
    assert_eq!(said.status.code(), Some(3));
    let said = bench.command(&["profile", "test", "acme"]).env("CXONE_CLIENT_SECRET", "").output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    bench.ends(&["profile", "test", "env"], 0);

    let said = bench.ends(&[&add[..], &["--secret-env", "X"]].concat(), 2);
    assert!(said.err().contains("there is a profile `acme` already"), "{}", said.err());
    let said = bench.ends(&["profile", "add", "other", "--platform", "cxone", "--api-url", &api], 2);
    assert!(said.err().contains("--client-id"), "{}", said.err());
    bench.ends(&["profile", "remove", "acme"], 0);
    bench.ends(&["profile", "remove", "acme"], 2);
    assert!(bench.ends(&["profile", "list"], 0).out().contains("no profiles yet"));
}

#[test]
fn shells_and_man_get_their_pages() {
    let bench = Bench::calm();
    for shell in ["bash", "zsh", "fish"] {
        assert!(bench.ends(&["completions", shell], 0).out().contains("outcomes"));
    }
    let man = bench.ends(&["man"], 0).out();
    assert!(man.starts_with(".ie") || man.starts_with(".TH"), "{}", &man[..80]);
    assert!(man.contains("trunkline\\-retry") && man.contains("\\-\\-chunk\\-records"));
    assert!(bench.ends(&["--help"], 0).out().contains("130"));
    assert!(bench.ends(&["--version"], 0).out().starts_with("trunkline "));
}

#[test]
fn lists_of_a_run_that_is_not_what_was_written_are_refused() {
    let bench = Bench::calm();
    bench.file("o.csv", outcomes(["c1", "c2", "unknown-77"].map(str::to_owned)));
    bench.ends(&["outcomes", "o.csv", "--profile", "env"], 1);
    let journal = rusqlite::Connection::open(bench.data_dir().join("journal.db")).unwrap();
    // a list would be found in this, and have fewer
    let lost = "PRAGMA writable_schema = ON;
                UPDATE sqlite_schema SET sql = sql || ' WHERE item > 5' WHERE name = 'failure_place'";
    journal.execute_batch(lost).unwrap();
    drop(journal);
    let journal = rusqlite::Connection::open(bench.data_dir().join("journal.db")).unwrap();
    let back = "REINDEX failure_place; PRAGMA writable_schema = ON;
                UPDATE sqlite_schema SET sql = replace(sql, ' WHERE item > 5', '') WHERE name = 'failure_place'";
    journal.execute_batch(back).unwrap();
    drop(journal);
    let said = bench.ends(&["failures", "last", "--format", "csv"], 2);
    assert!(said.err().contains("is damaged"), "{}", said.err());
    let journal = rusqlite::Connection::open(bench.data_dir().join("journal.db")).unwrap();
    journal.execute_batch("REINDEX").unwrap();
    bench.ends(&["failures", "last", "--format", "csv"], 0);
    journal.execute("DELETE FROM item WHERE seq = 1", []).unwrap();
    for words in [&["failures", "last"][..], &["results", "last"], &["report", "last", "-o", "r.html"]] {
        let said = bench.ends(words, 2);
        assert!(
            said.err().contains("is damaged: the run's counts are not those of its items"),
            "{}",
            said.err()
        );
        assert_eq!(said.out(), "");
    }
    assert!(!bench.folder.path().join("r.html").exists());
}

#[test]
fn a_journal_that_is_made_otherwise_is_none_of_ours() {
    for harm in [
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema
         SET sql = replace(sql, 'coalesce(status, 0)', 'length(zeroblob(200000000))') WHERE name = 'failure'",
        "CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM item; END",
        "ALTER TABLE item RENAME TO it; CREATE VIEW item AS SELECT * FROM it",
        "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_stat9', 'event', 0,
         'CREATE TRIGGER sqlite_stat9 AFTER INSERT ON event BEGIN DELETE FROM item; END')",
        // SQLite reads this one by itself
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE sqlite_stat1(tbl, idx,
         stat AS (instr(zeroblob(4000000), zeroblob(3000000) || x''01'')))' WHERE name = 'sqlite_stat1'",
    ] {
        let bench = Bench::calm();
        bench.file("o.csv", outcomes(["unknown-1".to_owned()]));
        bench.ends(&["outcomes", "o.csv", "--profile", "env"], 1);
        let journal = rusqlite::Connection::open(bench.data_dir().join("journal.db")).unwrap();
        // statistics that somebody has asked SQLite for are no harm
        journal.execute_batch("ANALYZE").unwrap();
        bench.ends(&["runs"], 0);
        journal.execute_batch(harm).unwrap();
        for words in [&["runs"][..], &["failures", "last"], &["retry", "last"]] {
            let said = bench.ends(words, 2);
            assert!(said.err().contains("is damaged: its tables are not as"), "{}", said.err());
        }
        let said = bench.ends(&["doctor", "--offline"], 1).out();
        assert!(said.contains("is damaged: its tables are not as"), "{said}");
    }
}
