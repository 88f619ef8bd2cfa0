//! Whoever gets hold of all that the program wrote, on disks, screens and pipes, gets no secret and no token.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use portable_pty::CommandBuilder;
use trunkline::sandbox::CLIENT_ID;

use super::bench::{Bench, SECRET, Said, files, outcomes};
use super::mirror::{Mirror, answer, token};
use super::pty::Session;
use super::redis::RedisServer;

const STORE_PASSWORD: &str = "tr0ub4dor-and-3";

/// Secrets in every form in which they are sent.
fn forms() -> Vec<Vec<u8>> {
    let mut forms: Vec<String> = [SECRET, STORE_PASSWORD].map(str::to_owned).into();
    for secret in [SECRET, STORE_PASSWORD] {
        forms.push(STANDARD.encode(secret));
    }
    // the end of a base64 text hangs on what comes before it
    let pair = STANDARD.encode(format!("{CLIENT_ID}:{SECRET}"));
    forms.push(pair.trim_end_matches('=').to_owned());
    forms.into_iter().map(String::into_bytes).collect()
}

/// Whether there is a token of the sandbox's in it: `sb` and 32 digits.
fn holds_token(bytes: &[u8]) -> bool {
    memmem::find_iter(bytes, "sb").any(|at| {
        let digits = bytes[at + 2..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        digits >= 32
    })
}

#[track_caller]
fn assert_clean(what: &str, bytes: &[u8]) {
    for form in forms() {
        assert!(memmem::find(bytes, &form).is_none(), "{what} holds `{}`", String::from_utf8_lossy(&form));
    }
    assert!(!holds_token(bytes), "{what} holds a token");
}

#[track_caller]
fn assert_said_clean(words: &[&str], output: &Output) {
    assert_clean(&format!("standard output of {words:?}"), &output.stdout);
    assert_clean(&format!("standard error of {words:?}"), &output.stderr);
}

/// Every byte of every file, but for those that the test itself put the secret into.
#[track_caller]
fn assert_files_clean(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for path in files(folder) {
        let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        if !["scenario.toml", "secret.txt"].contains(&name.as_str()) {
            assert_clean(&name, &std::fs::read(&path).unwrap());
            names.push(name);
        }
    }
    names
}

/// Runs the program to its end, whatever that is.
#[track_caller]
fn said(bench: &Bench, words: &[&str], code: i32) -> Said {
    let words: Vec<&str> = words.iter().copied().chain(["-vvv", "--log", "trunkline.log"]).collect();
    let said = Said(bench.command(&words).env("STORE_PASSWORD", STORE_PASSWORD).output().unwrap());
    said.assert_code(code, &words);
    assert_said_clean(&words, &said.0);
    said
}

#[test]
fn nothing_that_runs_leave_behind_holds_a_secret_or_a_token() {
    let redis = RedisServer::start_with_password(STORE_PASSWORD);
    let bench = Bench::like("[jobs]\nresult_url = 1.0\n");
    bench.file(
        "config.toml",
        format!("[store]\nurl = \"{}\"\npassword = {{ env = \"STORE_PASSWORD\" }}\n", redis.url()),
    );
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples");
    for name in ["imports.ndjson", "exchange.json", "customers.ndjson"] {
        bench.file(name, std::fs::read(samples.join(name)).unwrap());
    }
    bench.file("o.csv", outcomes(["c1", "unknown-1", "c2"].map(str::to_owned)));
    bench.file("a.json", "[{\"n\":1},{\"n\":2}]");
    bench.file("secret.txt", SECRET);

    let run = |words: &[&str], code| said(&bench, &[words, &["--profile", "env", "--events"]].concat(), code);
    run(&["ingest", "a.json"], 0);
    run(&["execute", "customers.ndjson", "--action", "a"], 1);
    run(&["exchange", "exchange.json"], 1);
    run(&["import", "imports.ndjson"], 1);
    run(&["outcomes", "o.csv"], 1);
    let look: [&[&str]; 14] = [
        &["failures", "last"],
        &["failures", "last", "--format", "csv", "-o", "failures.csv"],
        &["failures", "last", "--format", "json", "-o", "failures.json"],
        &["failures", "last", "--by", "cause"],
        &["results", "last", "-o", "results.csv"],
        &["results", "last", "--format", "json"],
        &["report", "last", "--examples", "-o", "report.html"],
        &["show", "last"],
        &["show", "last", "--format", "json"],
        &["runs"],
        &["profile", "list"],
        &["profile", "test", "env", "--platform", "genesys"],
        &["store", "status"],
        &["check", "ingest", "a.json", "--profile", "env"],
    ];
    for words in look {
        said(&bench, words, 0);
    }
    said(&bench, &["retry", "last", "--yes"], 1);

    // a secret that is refused, in each of the ways in which it can be
    let words = ["ingest", "a.json", "--profile", "env", "-vvv"];
    for (variable, value) in [
        ("GENESYS_CLIENT_SECRET", format!("{SECRET}-and-more")),
        ("GENESYS_CLIENT_SECRET", format!("{SECRET}\n\u{1b}[2J")),
        ("GENESYS_BASE_URL", format!("https://sam:{SECRET}@127.0.0.1")),
        ("GENESYS_BASE_URL", format!("https://127.0.0.1/?{SECRET}")),
        ("STORE_PASSWORD", format!("{STORE_PASSWORD}-and-more")),
    ] {
        let mut words = words.to_vec();
        if variable == "STORE_PASSWORD" {
            words.splice(0..2, ["execute", "customers.ndjson", "--action", "b"]);
        }
        let output = bench
            .command(&words)
            .env("STORE_PASSWORD", STORE_PASSWORD)
            .env(variable, value)
            .output()
            .unwrap();
        assert!(matches!(output.status.code(), Some(2 | 3)), "{variable}: {output:?}");
        assert_said_clean(&words, &output);
    }
    for home in [["--secret-file", "secret.txt"], ["--secret-env", SECRET]] {
        let words = [
            "profile",
            "add",
            "p",
            "--platform",
            "genesys",
            "--region",
            "mypurecloud.ie",
            "--client-id",
            "i",
        ];
        let output = bench.command(&[&words[..], &home].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert_said_clean(&words, &output);
    }

    let names = assert_files_clean(bench.folder.path());
    for name in ["data/journal.db", "trunkline.log", "report.html", "results.csv", "failures.json"] {
        assert!(names.iter().any(|found| found == name), "{name} is not among {names:?}");
    }
    assert!(names.iter().any(|name| name.contains("data/runs/")), "{names:?}");
}

#[test]
fn a_killed_run_leaves_no_secret_in_what_was_not_tidied_up() {
    let bench = Bench::like("[latency]\nmin = \"20ms\"\nmax = \"20ms\"\n");
    bench.file("o.csv", outcomes((0..500).map(|number| format!("c{number}"))));
    let words = ["outcomes", "-", "--profile", "env", "--events", "-vvv"];
    let input = std::fs::File::open(bench.folder.path().join("o.csv")).unwrap();
    let mut child = bench.child(&words).stdin(input).stdout(Stdio::null()).spawn().unwrap();
    bench.until("some contacts", |ledger| ledger["outcomes"]["applied"].as_u64() >= Some(20));
    // what others may read of a process: its words
    #[cfg(target_os = "linux")]
    {
        let words = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
        assert!(!words.is_empty());
        assert_clean("the command line", &words);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let names = assert_files_clean(bench.folder.path());
    assert!(names.iter().any(|name| name == "data/journal.db-wal"), "{names:?}");
}

#[test]
fn a_platform_that_repeats_what_it_was_sent_brings_it_nowhere() {
    const TOKEN: &str = "sb0123456789abcdef0123456789abcdef";
    let mirror = Mirror::start(|seen| {
        if seen.is("POST", "/token") {
            return token(TOKEN);
        }
        // who takes tokens may be who hands them out, and know the client's secret
        let pair = STANDARD.encode(format!("{CLIENT_ID}:{SECRET}"));
        let sent = format!("{SECRET} {pair} {}{}", seen.head, String::from_utf8_lossy(&seen.body));
        let body = serde_json::json!({ "code": SECRET, "message": sent, "errors": [{ "message": sent }] });
        let status = if seen.is("POST", "/execute") { 200 } else { 422 };
        answer(
            status,
            &format!("inin-correlation-id: {SECRET}\r\nx-echo: Bearer {TOKEN}\r\n"),
            body.to_string(),
        )
    });
    let bench = Bench::calm();
    bench.file("a.json", "[{\"n\":1}]");
    for (words, code) in [
        (&["ingest", "a.json", "--profile", "env", "--events", "-vvv"][..], 1),
        (&["execute", "a.json", "--action", "a", "--profile", "env", "-vvv"], 0),
        (&["results", "last", "--format", "json"], 0),
        (&["report", "last", "--examples", "-o", "r.html"], 0),
    ] {
        let said = Said(bench.command(words).env("GENESYS_BASE_URL", &mirror.url).output().unwrap());
        said.assert_code(code, words);
        assert_said_clean(words, &said.0);
    }
    assert!(mirror.seen().iter().any(|seen| seen.head.contains(TOKEN)), "the token was never sent");
    assert_files_clean(bench.folder.path());

    // the token's own endpoint
    let mirror = Mirror::start(|seen| {
        let sent = format!("{}{}", seen.head, String::from_utf8_lossy(&seen.body));
        answer(
            401,
            "",
            serde_json::json!({ "error": "invalid_client", "error_description": sent }).to_string(),
        )
    });
    let words = ["profile", "test", "env", "--platform"];
    for (platform, variable) in [("genesys", "GENESYS_BASE_URL"), ("cxone", "CXONE_BASE_URL")] {
        let words = [&words[..], &[platform]].concat();
        let output = bench.command(&words).env(variable, &mirror.url).output().unwrap();
        assert!(!output.status.success(), "{output:?}");
        assert_said_clean(&words, &output);
    }
    let sent: Vec<u8> =
        mirror.seen().into_iter().flat_map(|seen| [seen.head.into_bytes(), seen.body].concat()).collect();
    assert!(forms().iter().any(|form| memmem::find(&sent, form).is_some()), "the secret was never sent");
}

#[test]
fn a_gateway_that_repeats_a_token_in_an_escaped_form_brings_it_nowhere() {
    const TOKEN: &str = "tok-AAAA/bbbb+SECRETTOKEN/zz99";
    // as PHP writes JSON, as .NET does, and each character on its own; a page; a URL; and JSON within JSON
    let forms = [
        TOKEN.replace('/', "\\/").replace('+', "\\u002B"),
        TOKEN.bytes().map(|byte| format!("\\u{byte:04x}")).collect::<Vec<_>>().concat(),
        TOKEN.replace('/', "&#x2F;").replace('+', "&#43;"),
        TOKEN.replace('/', "%2F").replace('+', "%2B"),
        TOKEN.replace('/', "\\\\\\/").replace('+', "\\\\u002b"),
    ];
    let sent = forms.clone();
    let mirror = Mirror::start(move |seen| {
        if seen.is("POST", "/token") {
            return token(TOKEN);
        }
        let number = String::from_utf8_lossy(&seen.body).bytes().find(u8::is_ascii_digit).unwrap_or(b'0');
        let form = &sent[usize::from(number - b'0') % sent.len()];
        let status = if seen.is("POST", "/dataactions/keep") { 200 } else { 404 };
        let body = format!(
            r#"{{"message":"no route; got Authorization: Bearer {form}","code":"gw {form}","errors":[{{"message":"{form}"}}]}}"#
        );
        answer(status, &format!("x-request-id: {form}\r\n"), body)
    });
    let bench = Bench::calm();
    let records: Vec<String> = (0..forms.len()).map(|number| format!("{{\"n\":{number}}}")).collect();
    bench.file("a.json", format!("[{}]", records.join(",")));
    for (words, code) in [
        (&["execute", "a.json", "--action", "keep", "--profile", "env", "--events", "-vvv"][..], 0),
        (&["results", "last", "--format", "json"], 0),
        (&["execute", "a.json", "--action", "lost", "--profile", "env", "--events", "-vvv"], 1),
        (&["failures", "last", "--format", "csv"], 0),
        (&["failures", "last", "--by", "cause"], 0),
        (&["report", "last", "--examples", "-o", "r.html"], 0),
        (&["doctor", "last", "--offline", "--bundle", "b.json"], 0),
    ] {
        let said = Said(bench.command(words).env("GENESYS_BASE_URL", &mirror.url).output().unwrap());
        said.assert_code(code, words);
        for bytes in [&said.0.stdout, &said.0.stderr] {
            assert_no_piece(&format!("{words:?}"), bytes);
        }
    }
    assert_eq!(mirror.seen().iter().filter(|seen| seen.is("POST", "/dataactions/")).count(), 2 * forms.len());
    for path in files(bench.folder.path()) {
        assert_no_piece(&path.display().to_string(), &std::fs::read(&path).unwrap());
    }
}

/// No piece of that token stands there, of those that no escaping changes.
#[track_caller]
fn assert_no_piece(what: &str, bytes: &[u8]) {
    for piece in ["tok-AAAA", "SECRETTOKEN", "u0053\\u0045\\u0043"] {
        let at = memmem::find(bytes, piece.as_bytes());
        let around =
            at.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(60)..bytes.len().min(at + 60)]));
        assert!(around.is_none(), "{what} holds `{piece}`: {around:?}");
    }
}

/// The program in a terminal.
fn session(bench: &Bench, words: &[&str]) -> Session {
    let child = bench.child(words);
    let mut command = CommandBuilder::new(child.get_program());
    command.args(child.get_args());
    command.env_clear();
    for (name, value) in child.get_envs() {
        command.env(name, value.unwrap());
    }
    command.env("PATH", "/usr/bin:/bin");
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command.env("STORE_PASSWORD", STORE_PASSWORD);
    // of no profile, since others are set
    command.env("GENESYSCLOUD_OAUTHCLIENT_SECRET", SECRET);
    let bus = format!("unix:path={}", bench.folder.path().join("bus").display());
    command.env("DBUS_SESSION_BUS_ADDRESS", bus);
    // an editor that tells what it was given
    command.env("EDITOR", bench.folder.path().join("editor").to_str().unwrap());
    command.cwd(bench.folder.path());
    Session::start(command, (100, 30))
}

#[test]
fn the_board_shows_no_secret_and_gives_none_to_what_it_starts() {
    use std::os::unix::fs::PermissionsExt;

    let bench = Bench::calm();
    bench.file("o.csv", outcomes(["c1", "unknown-1"].map(str::to_owned)));
    bench.file("config.toml", "[ui]\nname = \"sam\"\n");
    let editor = bench.file("editor", "#!/bin/sh\nenv > given\necho done > done\nmv done edited\n");
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o700)).unwrap();
    bench.ends(&["outcomes", "o.csv", "--profile", "env", "--headless"], 1);
    // it is asked by executions alone
    let store = "[store]\nurl = \"redis://127.0.0.1:1\"\npassword = { env = \"STORE_PASSWORD\" }\n";
    bench.file("config.toml", format!("[ui]\nname = \"sam\"\n{store}"));
    // keeps secrets, and never answers: it is still waited for when the editor starts
    let _bus = std::os::unix::net::UnixListener::bind(bench.folder.path().join("bus")).unwrap();
    let mut session = session(&bench, &["-vvv"]);
    session.wait_for("[6 Failures");
    session.wait_for("unknown-1");
    session.type_in("e");
    session.wait_for("Keep and send");
    for _ in 0..20 {
        session.settle();
        if session.text().contains("▸( JSON )") {
            break;
        }
        session.type_in("\t");
    }
    session.type_in("\r");
    let edited = bench.folder.path().join("edited");
    session.wait_until("the editor's end", |_| edited.exists());
    let given = std::fs::read_to_string(bench.folder.path().join("given")).unwrap();
    assert!(given.contains("GENESYS_CLIENT_ID="), "{given}");
    assert_clean("the editor's environment", given.as_bytes());
    session.signal(rustix::process::Signal::TERM);
    session.wait_for_end();
    assert_clean("the screen", &session.written());
    std::fs::remove_file(bench.folder.path().join("bus")).unwrap();
    assert_files_clean(bench.folder.path());
}

#[test]
fn a_crash_leaves_no_picture_of_the_memory() {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;

    let bench = Bench::calm();
    let real = bench.child(&["sandbox"]);
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -c unlimited 2>/dev/null || true; exec \"$0\" \"$@\""])
        .arg(real.get_program());
    command.args(real.get_args()).env_clear().current_dir(bench.folder.path());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    // it is up and running
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("http://"), "{line}");
    #[cfg(target_os = "linux")]
    {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    }
    let process = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::ABORT).unwrap();
    let ended = child.wait().unwrap();
    assert_eq!((ended.signal(), ended.core_dumped()), (Some(6), false));
}
