//! Where calls go, and which way: never in plain text to another machine, and through a proxy only within TLS.

use std::process::Output;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

use super::bench::{Bench, SECRET};
use super::mirror::{Mirror, answer};

const PROXY_PASSWORD: &str = "pr0xy-passw0rd";

fn refused(bench: &Bench, words: &[&str], variables: &[(&str, &str)]) -> String {
    let output = bench.command(words).envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{words:?} {variables:?}: {said}");
    said
}

#[test]
fn no_secret_goes_to_another_machine_in_plain_text_whoever_names_the_address() {
    let bench = Bench::calm();
    bench.file("a.json", "[{\"n\":1}]");
    let run = ["ingest", "a.json", "--profile"];
    for address in [
        "http://api.mypurecloud.ie",
        "HTTP://API.MYPURECLOUD.IE",
        "http://localhost.evil.test",
        "http://127.0.0.1.evil.test",
        "http://localhost.",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://[::ffff:127.0.0.1]",
        "ftp://127.0.0.1",
        "https://api.mypurecloud.ie@evil.test",
    ] {
        // by a variable, by the file, by a flag, and for the tokens alone
        refused(&bench, &[&run[..], &["env"]].concat(), &[("GENESYS_BASE_URL", address)]);
        refused(&bench, &["profile", "test", "env", "--platform", "cxone"], &[("CXONE_BASE_URL", address)]);
        let profile = "[profiles.p]\nplatform = \"genesys\"\nclient_id = \"i\"\nsecret = { env = \"GENESYS_CLIENT_SECRET\" }\n";
        bench.file("config.toml", format!("{profile}api_url = \"{address}\"\n"));
        let said = refused(&bench, &[&run[..], &["p"]].concat(), &[]);
        assert!(said.contains("`api_url`"), "{said}");
        bench.file(
            "config.toml",
            format!("{profile}api_url = \"https://127.0.0.1\"\nauth_url = \"{address}\"\n"),
        );
        let said = refused(&bench, &[&run[..], &["p"]].concat(), &[]);
        assert!(said.contains("`auth_url`"), "{said}");
        bench.file("config.toml", "");
        let add = [
            "profile",
            "add",
            "p",
            "--platform",
            "genesys",
            "--client-id",
            "i",
            "--secret-env",
            "A",
            "--api-url",
        ];
        refused(&bench, &[&add[..], &[address]].concat(), &[]);
    }
    assert_eq!(bench.sent(), 0);
}

/// What a proxy may see of the program: nothing but where it wants to go, and the proxy's own password.
#[track_caller]
fn assert_blind(proxy: &Mirror) {
    for seen in proxy.seen() {
        assert!(seen.is("CONNECT", "api.example.test:443"), "{}", seen.head);
        for form in [
            SECRET.to_owned(),
            STANDARD.encode(SECRET),
            "authorization: Basic".to_owned(),
            "Bearer".to_owned(),
        ] {
            let head = seen.head.replace("proxy-authorization", "").replace("Proxy-Authorization", "");
            assert!(memmem::find(head.as_bytes(), form.as_bytes()).is_none(), "{form}: {head}");
        }
        assert!(seen.body.is_empty());
    }
}

#[track_caller]
fn assert_no_password(output: &Output) {
    let pair = STANDARD.encode(format!("sam:{PROXY_PASSWORD}"));
    for bytes in [&output.stdout, &output.stderr] {
        let said = String::from_utf8_lossy(bytes);
        assert!(!said.contains(PROXY_PASSWORD) && !said.contains(pair.trim_end_matches('=')), "{said}");
    }
}

#[test]
fn a_proxy_sees_a_tunnel_and_no_token_and_its_password_is_told_to_nobody_else() {
    let proxy = Mirror::start(|_| answer(407, "proxy-authenticate: Basic\r\n", PROXY_PASSWORD));
    let with_password = proxy.url.replace("http://", &format!("http://sam:{PROXY_PASSWORD}@"));
    let bench = Bench::calm();
    bench.file("a.json", "[{\"n\":1}]");
    let words = ["ingest", "a.json", "--profile", "env", "--events", "-vvv", "--set", "backoff.base=1ms"];
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let before = proxy.seen().len();
        let variables =
            [("GENESYS_BASE_URL", "https://api.example.test"), (variable, with_password.as_str())];
        let output = bench.command(&words).envs(variables).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(proxy.seen().len() > before, "{variable} was not followed");
        assert_no_password(&output);
    }
    assert_blind(&proxy);
    // one that is not there, and one whose address cannot be read
    for address in [
        format!("http://sam:{PROXY_PASSWORD}@127.0.0.1:1"),
        format!("socks5://sam:{PROXY_PASSWORD}@127.0.0.1:1"),
        format!("sam:{PROXY_PASSWORD}@:x"),
    ] {
        let variables =
            [("GENESYS_BASE_URL", "https://127.0.0.1.example.invalid"), ("HTTPS_PROXY", &address)];
        assert_no_password(&bench.command(&words).envs(variables).output().unwrap());
    }
    for path in super::bench::files(bench.folder.path()) {
        let bytes = std::fs::read(&path).unwrap();
        assert!(memmem::find(&bytes, PROXY_PASSWORD.as_bytes()).is_none(), "{}", path.display());
    }
}

#[test]
fn what_goes_to_this_machine_goes_through_no_proxy() {
    let proxy = Mirror::start(|_| answer(200, "", "{}"));
    let bench = Bench::calm();
    bench.file("a.json", "[{\"n\":1}]");
    let mut command = bench.command(&["ingest", "a.json", "--profile", "env"]);
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        command.env(variable, &proxy.url);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(proxy.seen().is_empty());
    bench.assert_clean();
}

#[test]
fn a_redirect_gets_neither_token_nor_secret() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Mirror::start(|_| super::mirror::token("t0ken-of-elsewhere"));
        let location = format!("location: {}/oauth/token\r\n", elsewhere.url);
        let mirror = Mirror::start(move |seen| {
            if seen.is("POST", "/oauth2/token") || seen.is("POST", "/ingest") {
                return answer(status, &location, "");
            }
            super::mirror::token("t0ken-of-here")
        });
        let bench = Bench::calm();
        bench.file("a.json", "[{\"n\":1}]");
        // a call: the item's failure; its own origin is no better
        let words = ["ingest", "a.json", "--profile", "env"];
        let output = bench.command(&words).env("GENESYS_BASE_URL", &mirror.url).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let rows = bench.ends(&["failures", "last", "--format", "json"], 0).json();
        assert_eq!(rows[0]["status"], status, "{rows}");
        // a token: a fault that says so
        let words = ["profile", "test", "env", "--platform", "cxone"];
        let output = bench.command(&words).env("CXONE_BASE_URL", &mirror.url).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("redirects elsewhere"), "{said}");
        assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.seen());
    }
}

#[test]
fn a_schema_fetches_nothing_and_reads_no_other_file() {
    let mirror = Mirror::start(|_| answer(200, "", "{\"type\":\"string\"}"));
    let bench = Bench::calm();
    bench.file("a.json", "[{\"a\":\"x\"}]");
    let outside = bench.file("outside.json", "{\"const\":\"hunter2\"}");
    std::fs::create_dir(bench.folder.path().join("schemas")).unwrap();
    let url = format!("{}/schema.json", mirror.url);
    let file = format!("file://{}", outside.display());
    for reference in
        [&url, &file, "https://example.invalid/x", "file:///etc/passwd", "../outside.json", "/etc/passwd"]
    {
        for id in ["https://here.test/s.json", &url, "file:///schemas/s.json", ""] {
            let id = if id.is_empty() { String::new() } else { format!("\"$id\":\"{id}\",") };
            let schema = format!("{{{id}\"properties\":{{\"a\":{{\"$ref\":\"{reference}\"}}}}}}");
            std::fs::write(bench.folder.path().join("schemas/s.json"), schema).unwrap();
            let words = ["check", "exchange", "a.json", "--schema", "schemas/s.json", "--profile", "env"];
            let output = bench.command(&words).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            // one that names itself is there; of any other the record would be told to be invalid
            let wanted = if id.contains(reference) { 0 } else { 2 };
            assert_eq!(output.status.code(), Some(wanted), "{id} {reference}: {said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
    assert!(mirror.seen().is_empty(), "{:?}", mirror.seen());
}
