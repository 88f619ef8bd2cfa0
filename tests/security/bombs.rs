//! Small things that would become large: memory stays flat, and each of them comes to an end that says why.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::bench::{Bench, LIMIT};
use super::mirror::{Mirror, Reply, answer, token};

/// More than the program needs for anything here, and less than a bomb, unpacked.
pub const MOST_MEMORY: u64 = 80 << 20;
/// One piece of a bomb, unpacked, and how many there are: 96 MB in all.
const PIECE: usize = 4 << 20;
const PIECES: usize = 24;

/// How a program ended, what it said, and the most memory that it had.
pub struct Ended {
    pub code: Option<i32>,
    pub said: String,
    pub memory: u64,
}

/// Runs the program to its end, and looks at its memory all the while.
pub fn watched(bench: &Bench, words: &[&str], variables: &[(&str, &str)]) -> Ended {
    let out = std::fs::File::create(bench.folder.path().join("said")).unwrap();
    let mut command = bench.child(words);
    command.envs(variables.iter().copied()).stdin(Stdio::null());
    let mut child = command.stdout(out.try_clone().unwrap()).stderr(out).spawn().unwrap();
    let (begun, mut memory) = (Instant::now(), 0);
    let code = loop {
        // gone in the moment in which it ends: the mark before that stands
        memory = peak(child.id()).unwrap_or(memory);
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if begun.elapsed() > LIMIT {
            child.kill().unwrap();
            panic!("it never ended: {words:?}");
        }
        std::thread::park_timeout(Duration::from_millis(2));
    };
    Ended { code, said: std::fs::read_to_string(bench.folder.path().join("said")).unwrap(), memory }
}

/// The most memory that a process has had so far, in bytes.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

impl Ended {
    /// It was refused before anything was sent, in few words.
    #[track_caller]
    fn assert_refused(&self, what: &str) {
        assert_eq!(self.code, Some(2), "{what}: {}", self.said);
        self.assert_flat(what);
    }

    #[track_caller]
    pub fn assert_flat(&self, what: &str) {
        assert!(self.said.len() < 4096, "{what}: {} bytes were said", self.said.len());
        assert!(self.memory < MOST_MEMORY, "{what}: {} MB", self.memory >> 20);
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// `head`, a piece again and again, and `tail`, in as few bytes as possible; each a member or frame of its own.
fn packed(pack: fn(&[u8]) -> Vec<u8>, head: &str, piece: u8, tail: &str) -> Vec<u8> {
    let middle = pack(&vec![piece; PIECE]).repeat(PIECES);
    [pack(head.as_bytes()), middle, pack(tail.as_bytes())].concat()
}

/// The same as one member: what is decoded for HTTP has no second one.
fn one_member(head: &str, piece: u8, tail: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(head.as_bytes()).unwrap();
    let piece = vec![piece; PIECE];
    for _ in 0..PIECES {
        packed.write_all(&piece).unwrap();
    }
    packed.write_all(tail.as_bytes()).unwrap();
    packed.finish().unwrap()
}

fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

const CHECK: [&str; 5] = ["check", "ingest", "bomb", "--profile", "env"];

#[test]
fn a_packed_dataset_is_as_small_in_memory_as_a_plain_one() {
    let bench = Bench::calm();
    for (name, pack) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("zstd", zstd_of)] {
        // what is no text is refused at its first byte
        bench.file("bomb", packed(pack, "", 0, ""));
        watched(&bench, &CHECK, &[]).assert_refused(&format!("{name} of zeros"));
        bench.file("bomb", packed(pack, "[{\"a\":\"", 0, "\"}]"));
        watched(&bench, &CHECK, &[]).assert_refused(&format!("{name} of zeros in a string"));
        // one value without end is one invalid record
        bench.file("bomb", packed(pack, "[{\"a\":\"", b'x', "\"},{\"b\":1}]"));
        let ended = watched(&bench, &CHECK, &[]);
        ended.assert_flat(name);
        assert_eq!(ended.code, Some(1), "{}", ended.said);
        assert!(ended.said.contains("is the most"), "{}", ended.said);
    }
    assert_eq!(bench.sent(), 0);
}

/// The program ends like this over a text of these three parts.
#[track_caller]
fn check(what: &str, (head, piece, tail): (&str, u8, &str), code: i32) {
    let bench = Bench::calm();
    bench.file("bomb", packed(zstd_of, head, piece, tail));
    let ended = watched(&bench, &CHECK, &[]);
    ended.assert_flat(what);
    assert_eq!(ended.code, Some(code), "{what}: {}", ended.said);
    assert_eq!(bench.sent(), 0);
}

#[test]
fn a_line_without_end_is_one_invalid_record() {
    check("one line", ("{\"a\":\"", b'x', "\"}"), 1);
    check("one cell", ("a,b\n1,", b'x', "\n"), 1);
}

#[test]
fn white_space_without_end_is_nothing_and_a_header_without_end_is_refused() {
    check("spaces", ("[{\"a\":1},", b' ', "{\"a\":2}]"), 0);
    check("one header", ("a,", b'x', "\n1,2\n"), 2);
}

#[test]
fn what_claims_to_be_large_or_is_something_else_gets_no_memory_for_it() {
    let bench = Bench::calm();
    // a window of 2 GB, which a decoder would have to hold
    let mut far = zstd::Encoder::new(Vec::new(), 1).unwrap();
    far.set_parameter(zstd::zstd_safe::CParameter::WindowLog(31)).unwrap();
    far.write_all(b"[{\"a\":1}]").unwrap();
    let far = far.finish().unwrap();
    let zip = [b"PK\x03\x04\x14\0\0\0\x08\0".as_slice(), &[0xff; 64]].concat();
    for (what, bytes) in [
        ("zstd with a far window", far),
        ("half a gzip header", b"\x1f\x8b\x08\x1f".to_vec()),
        ("half a zstd header", b"\x28\xb5\x2f\xfd\xff".to_vec()),
        ("zip", zip),
        ("gzip in gzip", gzip(&gzip(b"[{\"a\":1}]"))),
        ("xz", b"\xfd7zXZ\0\0\x04".to_vec()),
    ] {
        bench.file("bomb", bytes);
        watched(&bench, &["check", "ingest", "bomb", "--profile", "env"], &[]).assert_refused(what);
    }
}

#[test]
fn no_nesting_reaches_the_end_of_the_stack() {
    const DEEP: usize = 1_000_000;
    // a document has at most a megabyte
    const DEEP_TOML: usize = 200_000;
    let bench = Bench::calm();
    bench.file("a.json", "[{\"a\":1}]");
    let (open, close) = ("[".repeat(DEEP), "]".repeat(DEEP));
    let objects = format!("{}1{}", "{\"a\":".repeat(DEEP), "}".repeat(DEEP));
    let tables = format!("{}1{}", "{a=".repeat(DEEP_TOML), "}".repeat(DEEP_TOML));
    let (lists, ends) = ("[".repeat(DEEP_TOML), "]".repeat(DEEP_TOML));
    for text in
        [format!("[{open}{close}]"), format!("[{objects}]"), objects.clone(), format!("[{{\"a\":{open}")]
    {
        bench.file("deep", text);
        watched(&bench, &["check", "ingest", "deep", "--profile", "env"], &[]).assert_refused("dataset");
    }
    for text in [
        format!("a = {lists}{ends}"),
        format!("a = {tables}"),
        format!("{}a = 1", "a.".repeat(DEEP_TOML)),
        format!("[{}a]", "a.".repeat(DEEP_TOML)),
    ] {
        bench.file("deep.toml", text);
        for words in [
            &["--config", "deep.toml", "profile", "list"][..],
            &["check", "deep.toml", "--profile", "env"],
            &["sandbox", "--scenario", "deep.toml"],
        ] {
            watched(&bench, words, &[]).assert_refused(&format!("{words:?}"));
        }
    }
    // a device that never ends is no document either
    for words in [
        &["--config", "/dev/zero", "profile", "list"][..],
        &["check", "/dev/zero", "--profile", "env"],
        &["sandbox", "--scenario", "/dev/zero"],
        &["check", "exchange", "a.json", "--schema", "/dev/zero", "--profile", "env"],
    ] {
        watched(&bench, words, &[]).assert_refused(&format!("{words:?}"));
    }
    for depth in [200, 50_000] {
        let (open, close) = ("{\"not\":".repeat(depth), "}".repeat(depth));
        bench.file("deep.schema", format!("{open}{{}}{close}"));
        let words = ["check", "exchange", "a.json", "--schema", "deep.schema", "--profile", "env"];
        watched(&bench, &words, &[]).assert_refused("schema");
    }
}

#[test]
fn no_answer_is_too_deep_or_too_large() {
    const DEEP: usize = 500_000;
    let (open, close) = ("[".repeat(DEEP), "]".repeat(DEEP));
    let deep = [
        format!("{{\"message\":{open}{close}}}"),
        format!("{open}{close}"),
        format!("{}1{}", "{\"errors\":[".repeat(DEEP), "]}".repeat(DEEP)),
    ];
    let zeros = one_member("", 0, "");
    let mirror = Mirror::start(move |seen| {
        if seen.is("POST", "/token") {
            return token("t0ken");
        }
        let body = String::from_utf8_lossy(&seen.body).into_owned();
        let number: usize = body.find("\"n\":").map_or(0, |at| body[at + 4..=at + 4].parse().unwrap());
        let endless = |head: &str| Reply(head.as_bytes().to_vec(), vec![b'x'; 65_536], 4_000);
        match number {
            0..=2 => answer(if number == 2 { 200 } else { 422 }, "", &deep[number]),
            3 => answer(400, "content-encoding: gzip\r\n", &zeros),
            4 => answer(200, "content-encoding: gzip\r\n", &zeros),
            5 => endless("HTTP/1.1 422 X\r\n\r\n"),
            6 => endless("HTTP/1.1 200 X\r\n\r\n"),
            7 => Reply(b"HTTP/1.1 400 X\r\n".to_vec(), b"x: y\r\n".repeat(1000), 2_000),
            _ => Reply(b"HTTP/1.1 400 ".to_vec(), vec![b'x'; 65_536], 4_000),
        }
    });
    let bench = Bench::calm();
    let records: Vec<String> = (0..9).map(|number| format!("{{\"n\":{number}}}")).collect();
    bench.file("a.json", format!("[{}]", records.join(",")));
    let words = [
        "ingest",
        "a.json",
        "--profile",
        "env",
        "--headless",
        "--chunk-records",
        "1",
        "--set",
        "backoff.base=1ms",
        "--set",
        "max_attempts=1",
        "--set",
        "fault_after=0",
    ];
    let ended = watched(&bench, &words, &[("GENESYS_BASE_URL", &mirror.url)]);
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    assert!(ended.memory < 2 * MOST_MEMORY, "answers: {} MB", ended.memory >> 20);
    let run = bench.ends(&["show", "last", "--format", "json"], 0).json();
    let rows = bench.ends(&["failures", "last"], 0).out();
    assert_eq!((&run["records"]["delivered"], &run["records"]["failed"]), (&3.into(), &6.into()), "{rows}");
    assert!(rows.contains("is over 10 MB"), "{rows}");
    // what was kept of them is looked at, too
    for format in ["csv", "json"] {
        bench.ends(&["results", "last", "--format", format, "-o", format], 0);
        bench.ends(&["failures", "last", "--format", format], 0);
    }
    let kept = std::fs::metadata(bench.data_dir().join("journal.db")).unwrap().len();
    assert!(kept < 64 << 20, "{kept}");
}

#[test]
fn what_looks_like_a_secret_again_and_again_takes_no_longer_than_other_texts() {
    let mirror = Mirror::start(|seen| {
        if seen.is("POST", "/token") {
            return token("t0ken-0123456789-0123456789");
        }
        let body = String::from_utf8_lossy(&seen.body).into_owned();
        let number: usize = body.find("\"n\":").map_or(0, |at| body[at + 4..=at + 4].parse().unwrap());
        let unit =
            ["Bearer+", "basic%20", "t0ken-0123456789-01", "&#0", "\\u{0", "t0ken-0 ", "\\", "&"][number];
        answer(404, "content-type: text/plain\r\n", unit.repeat(1_000_000 / unit.len()))
    });
    let bench = Bench::calm();
    bench.file("a.json", r#"[{"n":0},{"n":1},{"n":2},{"n":3},{"n":4},{"n":5},{"n":6},{"n":7}]"#);
    let words = ["execute", "a.json", "--action", "a", "--profile", "env", "--headless", "--workers", "1"];
    let ended = watched(&bench, &words, &[("GENESYS_BASE_URL", &mirror.url)]);
    assert_eq!(ended.code, Some(1), "{}", ended.said);
}

#[test]
fn answers_that_are_escaped_again_and_again_are_looked_through_one_at_a_time() {
    const BYTES: usize = 3_000_000;
    const WORKERS: u64 = 8;
    let mirror = Mirror::start(|seen| {
        if seen.is("POST", "/token") {
            return token("t0ken-0123456789-0123456789");
        }
        // each round of looking has nearly all of it anew
        answer(404, "content-type: text/plain\r\n", format!("{}%25252541", "&".repeat(BYTES)))
    });
    let bench = Bench::calm();
    bench.file("a.json", r#"[{"n":0},{"n":1},{"n":2},{"n":3},{"n":4},{"n":5},{"n":6},{"n":7}]"#);
    let ended = watched(
        &bench,
        &["execute", "a.json", "--action", "a", "--profile", "env", "--headless"],
        &[("GENESYS_BASE_URL", &mirror.url)],
    );
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    assert!(ended.memory < MOST_MEMORY + WORKERS * BYTES as u64, "{} MB", ended.memory >> 20);
}

/// An import, told from others by where its data is.
fn import_from(host: &str) -> String {
    format!(
        r#"{{"entity":"Contact","operation":"UPSERT","sourceUrl":"https://{host}.example.com/a.csv","targetUrl":"https://crm.example.com/","keyFields":["email"]}}"#
    )
}

#[test]
fn a_result_of_an_import_is_no_bomb() {
    // nobody wants to know of it, and who passes over it would remember each level
    let deep = one_member("{\"imported\":1,\"x\":", b'[', "");
    let long = one_member("{\"errors\":[{\"message\":\"", b'x', "\"}]}");
    let mirror = Mirror::start(move |seen| {
        if seen.is("POST", "/token") {
            return token("t0ken");
        }
        if seen.is("POST", "/imports") {
            let which = if String::from_utf8_lossy(&seen.body).contains("deep") { "deep" } else { "long" };
            return answer(
                202,
                "",
                format!(r#"{{"id":"{which}","status":"completed","resultUrl":"/{which}"}}"#),
            );
        }
        if seen.is("GET", "/imports/") {
            let which = if seen.head.contains("/imports/deep") { "deep" } else { "long" };
            return answer(
                200,
                "",
                format!(r#"{{"id":"{which}","status":"completed","resultUrl":"/{which}"}}"#),
            );
        }
        if seen.is("GET", "/deep") {
            answer(200, "content-encoding: gzip\r\n", &deep)
        } else {
            answer(200, "content-encoding: gzip\r\n", &long)
        }
    });
    let bench = Bench::calm();
    bench.file("i.json", [import_from("deep"), import_from("long")].join("\n"));
    let words = ["import", "i.json", "--profile", "env", "--headless"];
    let ended = watched(&bench, &words, &[("GENESYS_BASE_URL", &mirror.url)]);
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    ended.assert_flat("results");
    let failures = bench.ends(&["failures", "last", "--format", "csv"], 0).out();
    assert_eq!(failures.matches("result.unreadable").count(), 2, "nobody knows what they refuse: {failures}");
    assert!(mirror.seen().iter().any(|seen| seen.is("GET", "/long")), "{}", ended.said);
    bench.ends(&["results", "last", "--format", "json"], 0);
}

#[test]
fn an_answer_that_was_cut_says_so_wherever_it_is_kept() {
    let mirror = Mirror::start(|seen| {
        if seen.is("POST", "/token") {
            return token("t0ken");
        }
        let long = String::from_utf8_lossy(&seen.body).contains("long");
        answer(200, "", format!("{{\"a\":\"{}\"}}", "x".repeat(if long { 12_000_000 } else { 100_000 })))
    });
    let bench = Bench::calm();
    bench.file("a.ndjson", "{\"n\":\"long\"}\n{\"n\":\"short\"}\n");
    let words =
        ["execute", "a.ndjson", "--action", "act", "--profile", "env", "--headless", "--workers", "1"];
    let answers = |expected: [&str; 2]| {
        let ended = watched(&bench, &words, &[("GENESYS_BASE_URL", &mirror.url)]);
        assert_eq!(ended.code, Some(0), "{}", ended.said);
        let results = bench.ends(&["results", "last", "--format", "json"], 0).json();
        for (number, expected) in expected.into_iter().enumerate() {
            let kept = results[number]["answer"].as_str().unwrap();
            assert!(kept.len() < 70_000 && kept.ends_with(expected), "{}", &kept[kept.len() - 80..]);
        }
    };
    let expected = ["65536 of 10000040 bytes are kept]", "65536 of 100008 bytes are kept]"];
    answers(expected);
    // what the store had of it
    answers(expected);
    let store = rusqlite::Connection::open(bench.data_dir().join("coordination.db")).unwrap();
    let sql = "SELECT substr(CAST(body AS TEXT), -40) FROM record WHERE length(body) > 1000000";
    let stored: String = store.query_row(sql, [], |row| row.get(0)).unwrap();
    assert!(stored.ends_with("… [cut off: the answer is over 10 MB]"), "{stored}");
}

#[test]
fn what_is_said_of_a_job_says_where_its_answer_was_cut() {
    let long = format!("\"status\":\"queued\",\"a\":\"{}\"}}", "x".repeat(12_000_000));
    let mirror = Mirror::start(move |seen| match () {
        () if seen.is("POST", "/token") => token("t0ken"),
        () if String::from_utf8_lossy(&seen.body).contains("//submitted.") => {
            answer(202, "", format!("{{\"id\":\"j1\",{long}"))
        }
        () if seen.is("POST", "/imports") => answer(202, "", r#"{"id":"j2","status":"queued"}"#),
        () => answer(200, "", format!("{{\"id\":\"j2\",{long}")),
    });
    let bench = Bench::calm();
    bench.file("i.json", [import_from("submitted"), import_from("looked")].join("\n"));
    let words = ["import", "i.json", "--profile", "env", "--headless"];
    let ended = watched(&bench, &words, &[("GENESYS_BASE_URL", &mirror.url)]);
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    let failures = bench.ends(&["failures", "last", "--format", "csv"], 0).out();
    assert_eq!(failures.matches("it is over 10 MB, and is not read further").count(), 2, "{failures}");
}

/// As many of the smallest value as an answer or a record may hold: each takes a hundred times its bytes where it is read
/// into a tree.
fn smallest(head: &str, value: &str, tail: &str) -> String {
    let count = 9_000_000 / value.len();
    format!("{head}{}{}", value.repeat(count - 1), &value[..value.len() - 1]) + tail
}

#[test]
fn an_answer_of_many_small_values_takes_no_more_memory_than_its_bytes() {
    let errors = one_packed(&smallest("{\"errors\":[", "{\"\":0},", "]}"));
    let words = one_packed(&smallest("{\"errors\":[", "\"\",", "]}"));
    let other = one_packed(&smallest("{\"other\":[", "{\"\":0},", "]}"));
    let failed = smallest("{\"id\":\"1\",\"status\":\"failed\",\"errors\":[", "{\"\":0},", "]}");
    let strange = smallest("{\"id\":\"1\",\"status\":[", "{\"\":0},", "]}");
    let rows = smallest("{\"id\":\"1\",\"status\":\"completed\",\"result\":{\"errors\":[", "{},", "]}}");
    let jobs = [one_packed(&failed), one_packed(&strange), one_packed(&rows)];
    let mirror = Mirror::start(move |seen| {
        let packed = |status: u16, body: &[u8]| answer(status, "content-encoding: gzip\r\n", body);
        let body = String::from_utf8_lossy(&seen.body);
        match () {
            () if seen.is("POST", "/token") => token("t0ken"),
            () if seen.is("POST", "/imports") => {
                let which = (0..3).find(|which| body.contains(&format!("//{which}."))).unwrap();
                answer(202, "", format!("{{\"id\":\"job-{which}\"}}"))
            }
            () if seen.is("GET", "/imports/") => {
                packed(200, &jobs[(0..3).find(|which| seen.is("GET", &format!("/job-{which}"))).unwrap()])
            }
            () if body.contains("\"n\":0") => packed(422, &errors),
            () if body.contains("\"n\":1") => packed(400, &words),
            () => packed(400, &other),
        }
    });
    let bench = Bench::calm();
    bench.file("a.json", "[{\"n\":0},{\"n\":1},{\"n\":2}]");
    let request = |which: u8| {
        format!(
            r#"{{"entity":"Contact","operation":"UPSERT","sourceUrl":"https://{which}.example.com/a.csv","targetUrl":"https://crm.example.com/","keyFields":["email"]}}"#
        )
    };
    bench.file("i.json", (0..3).map(request).collect::<Vec<_>>().join("\n"));
    let at = [("GENESYS_BASE_URL", mirror.url.as_str())];
    let one_by_one = ["--headless", "--workers", "1", "--set", "fault_after=0"];
    let sent = [&["execute", "a.json", "--action", "a", "--profile", "env"][..], &one_by_one].concat();
    let ended = watched(&bench, &sent, &at);
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    assert!(ended.memory < MOST_MEMORY, "errors: {} MB", ended.memory >> 20);
    let asked =
        [&["import", "i.json", "--profile", "env", "--set", "poll_timeout=1s"][..], &one_by_one].concat();
    let ended = watched(&bench, &asked, &at);
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    assert!(ended.memory < 2 * MOST_MEMORY, "jobs: {} MB", ended.memory >> 20);
    let run = bench.ends(&["show", "last", "--format", "json"], 0).json();
    assert_eq!(run["records"]["rows_failed"].as_u64().or_else(|| run["rows_failed"].as_u64()), Some(100_001));
}

/// One gzip member of a text.
fn one_packed(text: &str) -> Vec<u8> {
    gzip(text.as_bytes())
}

#[test]
fn records_of_many_small_values_or_under_long_names_take_a_few_times_their_bytes() {
    let bench = Bench::calm();
    // a name that each of a million records would have
    bench.file("name.csv", format!("\"{}\"\n{}", "h".repeat(9_000_000), "1\n".repeat(2_000)));
    for words in [
        &["check", "exchange", "name.csv", "--profile", "env"][..],
        &["check", "execute", "name.csv", "--action", "a", "--profile", "env"],
        &["exchange", "name.csv", "--profile", "env", "--headless"],
    ] {
        watched(&bench, words, &[]).assert_refused("a long name");
    }
    bench.file("small.json", smallest("[{\"a\":[", "{\"\":0},", "]}]"));
    bench.file("numbers.json", smallest("[{\"a\":[", "0,", "]}]"));
    for file in ["small.json", "numbers.json"] {
        for (words, code) in [
            (&["check", "exchange", file, "--profile", "env"][..], 1),
            (&["check", "execute", file, "--action", "a", "--profile", "env"], 0),
        ] {
            let ended = watched(&bench, words, &[]);
            assert_eq!(ended.code, Some(code), "{words:?}: {}", ended.said);
            assert!(ended.memory < 2 * MOST_MEMORY, "{words:?}: {} MB", ended.memory >> 20);
        }
    }
    // many large ones that are refused are not held together
    let large = format!("{{\"external_id\":7,\"x\":\"{}\"}}\n", "x".repeat(4_000_000));
    bench.file("large.json", large.repeat(60));
    let words = ["exchange", "large.json", "--profile", "env", "--headless"];
    let ended = watched(&bench, &words, &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    assert!(ended.memory < 2 * MOST_MEMORY, "{} MB", ended.memory >> 20);
}

#[test]
fn a_journal_that_somebody_else_wrote_into_is_read_with_care() {
    let bench = Bench::calm();
    bench.file("two.csv", super::bench::outcomes(["c1", "unknown-1"].map(str::to_owned)));
    bench.ends(&["outcomes", "two.csv", "--profile", "env"], 1);
    let path = bench.data_dir().join("journal.db");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let (before, mut changed) = (whole(&path), 0);
    for (table, column) in columns(&path) {
        {
            let journal = rusqlite::Connection::open(&path).unwrap();
            // a column may refuse what it is not made for
            changed += journal.execute(&format!("UPDATE {table} SET {column} = ?1"), [&deep]).unwrap_or(0);
        }
        for words in [&["failures", "last", "--format", "json", "-o", "out"][..], &["show", "last"]] {
            let ended = watched(&bench, words, &[]);
            assert!(
                matches!(ended.code, Some(0 | 2)),
                "{table}.{column}, {words:?}: {:?} {:.2000}",
                ended.code,
                ended.said
            );
        }
        for side in ["journal.db-wal", "journal.db-shm"] {
            let _ = std::fs::remove_file(bench.data_dir().join(side));
        }
        std::fs::write(&path, &before).unwrap();
    }
    assert!(changed > 20, "{changed}");
}

/// A journal's file with all in it that stands in its log.
pub fn whole(path: &Path) -> Vec<u8> {
    let journal = rusqlite::Connection::open(path).unwrap();
    journal.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(journal);
    std::fs::read(path).unwrap()
}

/// The text and byte columns of a journal.
pub fn columns(path: &Path) -> Vec<(String, String)> {
    let journal = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND c.type IN ('TEXT', 'BLOB')";
    let mut statement = journal.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn what_an_answer_says_of_one_record_again_and_again_is_kept_once() {
    let said = format!(r#"{{"errors":[{}]}}"#, vec![r#"{"index":0}"#; 10_000].join(","));
    let mirror =
        Mirror::start(
            move |seen| if seen.is("POST", "/token") { token("t0ken") } else { answer(422, "", &said) },
        );
    let bench = Bench::calm();
    bench.file("e.json", exchange(4));
    let words =
        ["exchange", "e.json", "--profile", "env", "--set", "chunk_records=2", "--set", "fault_after=0"];
    let ended = watched(&bench, &words, &[("GENESYS_BASE_URL", &mirror.url)]);
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    ended.assert_flat("answers");
    let kept = std::fs::metadata(bench.data_dir().join("journal.db")).unwrap().len();
    assert!(kept < 1 << 20, "{kept}");
}

/// So many records that the built-in schema takes.
fn exchange(count: u32) -> String {
    let record = |number: u32| {
        format!(
            r#"{{"external_id":"e{number}","timestamp":"2026-11-21T12:31:07Z","channel":"voice","duration_seconds":5,"customer_segment":"x"}}"#
        )
    };
    format!("[{}]", (0..count).map(record).collect::<Vec<_>>().join(","))
}
