//! What `doctor` finds, as a person and a program read it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::bench::{Bench, SECRET, Said, files, interactions, outcomes};
use super::redis::RedisServer;

/// The finding of this area about that.
#[track_caller]
fn found<'a>(findings: &'a Value, area: &str, what: &str) -> &'a Value {
    let all = findings.as_array().unwrap();
    all.iter()
        .find(|finding| finding["area"] == area && finding["what"].as_str().unwrap().starts_with(what))
        .unwrap_or_else(|| panic!("nothing about {what} of {area}: {findings:#}"))
}

#[track_caller]
fn bad(said: &Said) -> Vec<String> {
    let findings = said.json();
    let all = findings.as_array().unwrap().iter();
    all.filter(|finding| finding["state"] == "bad")
        .map(|finding| {
            assert!(finding["advice"].is_string(), "it says what to do: {finding}");
            format!("{} {}", finding["area"].as_str().unwrap(), finding["what"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn an_installation_that_works_is_told_to_and_left_as_it_was() {
    let bench = Bench::calm();
    let said = bench.ends(&["doctor", "--format", "json"], 0);
    assert_eq!(bad(&said), [""; 0]);
    assert!(!bench.data_dir().exists(), "nothing is made by looking");
    bench.file("a.json", interactions(3));
    bench.ends(&["ingest", "a.json", "--profile", "env"], 0);
    let said = bench.ends(&["doctor", "last", "--format", "json"], 0);
    let findings = said.json();
    for (area, what) in [
        ("places", "data folder"),
        ("journal", "file"),
        ("journal", "runs"),
        ("profile", "env: secret"),
        ("profile", "env: token"),
        ("profile", "env: API"),
        ("profile", "env: clock"),
        ("run", "state"),
        ("run", "dataset 1"),
    ] {
        assert_eq!(found(&findings, area, what)["state"], "ok", "{findings:#}");
    }
    bench.assert_clean();
    let out = bench.ends(&["doctor"], 0).out();
    assert!(
        out.contains("\njournal\n  ok          file: ") && out.trim_end().ends_with("not checked"),
        "{out}"
    );
    assert!(!out.contains(SECRET));
    let help = bench.ends(&["doctor", "--help"], 0).out();
    assert!(help.contains("something is bad") && help.contains("--bundle"), "{help}");
}

#[test]
fn a_wrong_secret_is_bad_and_told_of_without_being_told() {
    let bench = Bench::calm();
    let wrong = "not-the-one-4711";
    let words = ["doctor", "--format", "json"];
    let said = Said(bench.command(&words).env("GENESYS_CLIENT_SECRET", wrong).output().unwrap());
    said.assert_code(1, &words);
    assert_eq!(bad(&said), ["profile env: token"]);
    assert!(!said.out().contains(wrong));
    let findings = said.json();
    assert_eq!(found(&findings, "profile", "env: API")["state"], "not_checked");
}

#[test]
fn nobody_is_called_offline() {
    let bench = Bench::calm();
    let findings = bench.ends(&["doctor", "--offline", "--format", "json"], 0).json();
    assert_eq!(found(&findings, "profile", "env: token")["state"], "not_checked");
    assert_eq!(found(&findings, "profile", "env: secret")["state"], "ok");
    let ledger = bench.ledger();
    assert_eq!(ledger["requests"].as_object().map_or(0, serde_json::Map::len), 0, "{ledger}");
}

/// A platform whose clock is so far behind ours.
fn platform_behind(by: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let body = r#"{"access_token":"t","token_type":"bearer","expires_in":3600}"#;
            let date = httpdate::fmt_http_date(SystemTime::now() - by);
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn a_clock_that_is_off_is_told_of() {
    let bench = Bench::calm();
    let words = ["doctor", "--format", "json"];
    for (behind, state) in [(0, "ok"), (3600, "look")] {
        let url = platform_behind(Duration::from_secs(behind));
        let said = bench
            .command(&words)
            .env("GENESYS_BASE_URL", url)
            .env_remove("CXONE_CLIENT_ID")
            .output()
            .map(Said)
            .unwrap();
        said.assert_code(0, &words);
        let findings = said.json();
        let clock = found(&findings, "profile", "env: clock");
        assert_eq!(clock["state"], state, "{clock}");
        let is_ahead = clock["found"].as_str().unwrap().contains("ahead of");
        assert_eq!(is_ahead, behind > 0, "{clock}");
    }
}

#[test]
fn a_damaged_journal_is_bad_and_what_saves_it_is_told() {
    let bench = Bench::calm();
    bench.file("a.json", interactions(500));
    bench.ends(&["ingest", "a.json", "--profile", "env", "--chunk-records", "1"], 0);
    let path = bench.data_dir().join("journal.db");
    // what is in the log goes into the file
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let whole = bytes.clone();
    // every page but the first holds nonsense
    bytes[4096..].iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(&path, &bytes).unwrap();
    let said = bench.ends(&["doctor", "--offline", "--format", "json"], 1);
    assert_eq!(bad(&said), ["journal file"]);
    assert!(found(&said.json(), "journal", "file")["advice"].as_str().unwrap().contains(".recover"));
    std::fs::write(&path, b"this is no journal at all, and never was one").unwrap();
    assert_eq!(bad(&bench.ends(&["doctor", "--offline", "--format", "json"], 1)), ["journal file"]);

    // one that is sound and does not agree with itself
    std::fs::write(&path, whole).unwrap();
    let journal = rusqlite::Connection::open(&path).unwrap();
    journal.execute("UPDATE run SET records_delivered = records_delivered + 1", []).unwrap();
    drop(journal);
    let said = bench.ends(&["doctor", "--offline", "--format", "json"], 1);
    assert_eq!(bad(&said).len(), 1, "{}", said.out());
    assert!(said.out().contains("its counts and its rows do not agree"), "{}", said.out());
}

#[test]
fn a_data_folder_that_cannot_be_is_bad_and_keeps_nothing_else_from_being_looked_at() {
    let bench = Bench::calm();
    bench.file("file", "no folder");
    let said = bench.ends(&["doctor", "--offline", "--data-dir", "file/data", "--format", "json"], 1);
    assert_eq!(bad(&said), ["places data folder"]);
    assert!(said.out().contains("--data-dir"));
    assert_eq!(found(&said.json(), "profile", "env: secret")["state"], "ok");
    // rights are what a person is told of even where they hold nobody up
    bench.file("a.json", interactions(1));
    bench.ends(&["ingest", "a.json", "--profile", "env"], 0);
    std::fs::set_permissions(bench.data_dir(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let findings = bench.ends(&["doctor", "--offline", "--format", "json"], 0).json();
    let rights = found(&findings, "places", "data folder's rights");
    assert!(
        rights["state"] == "look" && rights["advice"].as_str().unwrap().contains("chmod 700"),
        "{rights}"
    );
}

#[test]
fn a_configuration_that_is_wrong_is_bad_with_its_line() {
    let bench = Bench::calm();
    bench.file("config.toml", "[ui]\nthem = \"dark\"\n");
    let said = bench.ends(&["doctor", "--offline", "--format", "json"], 1);
    assert_eq!(bad(&said), ["configuration file"]);
    assert!(said.out().contains("config.toml:2:1"), "{}", said.out());
}

#[test]
fn a_redis_is_told_of_when_it_is_down_and_when_it_keeps_nothing() {
    let bench = Bench::calm();
    let mut redis = RedisServer::start();
    bench.file("config.toml", format!("[store]\nurl = \"{}\"\n", redis.url()));
    let findings = bench.ends(&["doctor", "--format", "json"], 0).json();
    assert_eq!(found(&findings, "store", "Redis")["state"], "ok", "{findings:#}");
    assert_eq!(found(&findings, "store", "eviction")["state"], "ok");
    assert_eq!(found(&findings, "store", "persistence")["state"], "look");
    redis.kill();
    let offline = bench.ends(&["doctor", "--offline", "--format", "json"], 0).json();
    assert_eq!(found(&offline, "store", "Redis")["state"], "not_checked");
    assert_eq!(bad(&bench.ends(&["doctor", "--format", "json"], 1)), ["store place"]);
}

#[test]
fn a_run_is_looked_at_with_its_files() {
    let bench = Bench::calm();
    bench.ends(&["doctor", "ffffffff"], 2);
    bench.file("o.csv", outcomes(["c1", "unknown-77"].map(str::to_owned)));
    bench.ends(&["outcomes", "o.csv", "--profile", "env"], 1);
    bench.ends(&["doctor", "ffffffff"], 2);
    let findings = bench.ends(&["doctor", "last", "--format", "json"], 0).json();
    let state = found(&findings, "run", "state");
    assert!(state["state"] == "look" && state["advice"].as_str().unwrap().contains("--by cause"), "{state}");
    bench.file("o.csv", outcomes(["c2".to_owned()]));
    let findings = bench.ends(&["doctor", "last", "--format", "json"], 0).json();
    assert_eq!(found(&findings, "run", "dataset 1")["state"], "look");
}

#[test]
fn a_bundle_holds_what_helps_and_nothing_of_records_people_or_secrets() {
    let bench = Bench::calm();
    let contacts = ["anna-bell", "unknown-lovelace", "unknown-77", "c4"].map(str::to_owned);
    bench.file("patients of sam.csv", format!("{}c9,Contacted,Hypochondria\n", outcomes(contacts.clone())));
    bench.file(
        "config.toml",
        format!(
            "[ui]\nname = \"Sam Vimes\"\n[profiles.acme]\nplatform = \"cxone\"\napi_url = \"{}\"\n\
             client_id = \"{}\"\nsecret = {{ env = \"CXONE_CLIENT_SECRET\" }}\n\
             [profiles.far]\nplatform = \"cxone\"\napi_url = \"https://tenant-of-acme.example/their-gate\"\nclient_id = \"far-client\"\n\
             secret = {{ env = \"CXONE_CLIENT_SECRET\" }}\n\
             [profiles.own]\nplatform = \"cxone\"\napi_url = \"{0}\"\nclient_id = \"own-client\"\n\
             secret = {{ command = [\"/opt/lady.ramkin/get\", \"of-vetinari\"] }}\n",
            bench.api_url(),
            trunkline::sandbox::CLIENT_ID
        ),
    );
    bench.ends(&["outcomes", "patients of sam.csv", "--profile", "acme"], 1);
    let words = ["doctor", "last", "--offline", "--bundle", "b.json"];
    let said = bench.ends(&words, 0);
    assert!(said.err().contains("`b.json` is written"), "{}", said.err());
    let path = bench.folder.path().join("b.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let bundle: Value = serde_json::from_str(&text).unwrap();
    assert!(bundle["about"][2].as_str().unwrap().starts_with("Not in it: "));
    let run = &bundle["runs"][0];
    assert_eq!((&run["records"]["delivered"], &run["records"]["failed"]), (&2.into(), &2.into()), "{text}");
    assert_eq!(run["causes"][0]["status"], 404, "{text}");
    assert_eq!(run["plan"]["delivery"]["workers"], 10);
    assert!(found(&bundle["findings"], "configuration", "file")["found"].is_string());

    let folder = bench.folder.path().to_string_lossy().into_owned();
    let mut forbidden =
        vec![SECRET, "Bearer", "hunter2", "lovelace", "anna", "Hypochondria", "patients", "Vimes"];
    forbidden.extend([
        "acme",
        "their-gate",
        "far-client",
        "ramkin",
        "vetinari",
        trunkline::sandbox::CLIENT_ID,
        "sam.csv",
        &folder,
    ]);
    for word in forbidden.into_iter().chain(contacts.iter().map(String::as_str).filter(|one| one.len() > 2)) {
        let at = text.find(word).map(|at| &text[at.saturating_sub(80)..at + word.len()]);
        assert_eq!(at, None, "{word}");
    }

    // nothing is written over, whatever it is
    bench.ends(&words, 2);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    bench.file("theirs", "theirs");
    std::os::unix::fs::symlink("theirs", bench.folder.path().join("link.json")).unwrap();
    bench.ends(&["doctor", "--offline", "--bundle", "link.json"], 2);
    assert_eq!(std::fs::read_to_string(bench.folder.path().join("theirs")).unwrap(), "theirs");
    assert!(!files(bench.folder.path()).iter().any(|file| file.to_string_lossy().contains(".trunkline-")));
}

#[test]
fn a_bundle_repeats_nothing_of_a_configuration_that_is_refused() {
    let bench = Bench::calm();
    for (number, config) in [
        format!("[profiles.lady-ramkin]\nplatform = \"cxone\"\nsecret = \"{SECRET}\"\n"),
        format!("[profiles.lady-ramkin]\nplatform = \"{SECRET}\"\n"),
        format!("[ui]\ntheme = \"{SECRET}\"\n[profiles.lady-ramkin]\n"),
        format!("[profiles.lady-ramkin]\n{SECRET} = 1\n"),
        format!("[profiles.lady-ramkin\nclient_id = \"{SECRET}\"\n"),
    ]
    .iter()
    .enumerate()
    {
        bench.file("config.toml", config);
        let name = format!("b{number}.json");
        bench.ends(&["doctor", "--offline", "--bundle", &name], 1);
        let text = std::fs::read_to_string(bench.folder.path().join(name)).unwrap();
        assert!(!text.contains(SECRET) && !text.contains("ramkin"), "{text}");
        let bundle: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(found(&bundle["findings"], "configuration", "file")["state"], "bad");
    }
}

#[test]
fn a_bundle_does_not_tell_where_a_secret_was_looked_for() {
    let bench = Bench::calm();
    bench.file("e.ndjson", "{\"customer\":1}");
    let profile = |secret: &str| {
        format!(
            "[profiles.acme]\nplatform = \"genesys\"\napi_url = \"{}\"\nclient_id = \"{}\"\nsecret = {secret}\n",
            bench.api_url(),
            trunkline::sandbox::CLIENT_ID
        )
    };
    let bundle = |name: &str| {
        // what it finds is another matter
        bench.command(&["doctor", "last", "--bundle", name]).output().unwrap();
        std::fs::read_to_string(bench.folder.path().join(name)).unwrap()
    };
    let words = ["execute", "e.ndjson", "--profile", "acme", "--action", "act", "--headless"];
    for (number, secret) in [
        "{ file = \"/home/vimes/sekret\" }",
        "{ command = [\"/opt/vimes/tell\"] }",
        "{ env = \"VIMES_SEKRET\" }",
    ]
    .iter()
    .enumerate()
    {
        bench.file("config.toml", profile(secret));
        bench.ends(&words, 3);
        // mended since: the run's fault still tells of it
        bench.file("config.toml", profile("{ env = \"GENESYS_CLIENT_SECRET\" }"));
        let text = bundle(&format!("b{number}.json"));
        let told: Value = serde_json::from_str(&text).unwrap();
        assert!(told["runs"][0]["faults"][0]["message"].as_str().unwrap().contains('…'), "{text}");
        assert!(!text.to_lowercase().contains("vimes"), "{secret}: {text}");
    }
    let store = "[store]\nurl = \"redis://127.0.0.1:1/0\"\npassword = { file = \"/home/vimes/sekret\" }\n";
    bench.file("config.toml", format!("{}{store}", profile("{ env = \"GENESYS_CLIENT_SECRET\" }")));
    let text = bundle("store.json");
    assert!(text.contains("<secret file>") && !text.contains("vimes"), "{text}");
}

#[test]
fn a_bundle_names_no_folder_to_which_a_link_leads() {
    let bench = Bench::calm();
    let folder = bench.folder.path().join("vimes").join("dotfiles");
    std::fs::create_dir_all(&folder).unwrap();
    let real = folder.join("trunkline.toml");
    std::fs::write(&real, "").unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    std::fs::remove_file(bench.folder.path().join("config.toml")).ok();
    std::os::unix::fs::symlink(&real, bench.folder.path().join("config.toml")).unwrap();
    bench.command(&["doctor", "--offline", "--bundle", "b.json"]).output().unwrap();
    let text = std::fs::read_to_string(bench.folder.path().join("b.json")).unwrap();
    assert!(text.contains("everybody may put another file"), "{text}");
    assert!(!text.contains("vimes"), "{text}");
}
