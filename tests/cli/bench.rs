//! A sandbox, a folder, and the program with nothing around it.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use trunkline::sandbox::{CLIENT_ID, Sandbox, Scenario};

/// How long anything may take before a test says that it hangs: more than the largest needs beside others on a busy machine.
pub const LIMIT: Duration = Duration::from_mins(5);

/// A secret that can be looked for: nothing else looks like it.
pub const SECRET: &str = "hunter2-correct-horse";

pub struct Bench {
    _runtime: Runtime,
    sandbox: Sandbox,
    pub folder: TempDir,
}

impl Bench {
    /// A platform without faults.
    pub fn calm() -> Self {
        Self::like("")
    }

    /// A platform as the scenario's lines have it.
    pub fn like(scenario: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scenario.toml");
        let token = format!("[token]\nclient_secret = \"{SECRET}\"\n");
        let text = if scenario.contains("[token]\n") {
            scenario.replacen("[token]\n", &token, 1)
        } else {
            // keys of the scenario itself stand before its tables
            let (keys, tables) = scenario.split_at(table_at(scenario));
            format!("{keys}\n{token}\n{tables}")
        };
        std::fs::write(&path, text).unwrap();
        let runtime = Runtime::new().unwrap();
        let scenario = Scenario::load(&path).unwrap();
        let sandbox = runtime.block_on(Sandbox::start(scenario, Some(7), 0)).unwrap();
        Self { _runtime: runtime, sandbox, folder }
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The environment of a run on the sandbox, and nothing else.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let folder = self.folder.path().to_string_lossy().into_owned();
        vec![
            ("HOME", folder),
            ("USER", "sam".to_owned()),
            ("TRUNKLINE_CONFIG", self.folder.path().join("config.toml").to_string_lossy().into_owned()),
            ("TRUNKLINE_DATA_DIR", self.data_dir().to_string_lossy().into_owned()),
            ("GENESYS_BASE_URL", self.sandbox.url()),
            ("GENESYS_CLIENT_ID", CLIENT_ID.to_owned()),
            ("GENESYS_CLIENT_SECRET", SECRET.to_owned()),
            ("CXONE_BASE_URL", self.sandbox.url()),
            ("CXONE_CLIENT_ID", CLIENT_ID.to_owned()),
            ("CXONE_CLIENT_SECRET", SECRET.to_owned()),
        ]
    }

    pub fn command(&self, words: &[&str]) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_trunkline"));
        command.env_clear().envs(self.variables()).current_dir(self.folder.path()).args(words).timeout(LIMIT);
        command
    }

    /// The program as a child that a test holds on to.
    pub fn child(&self, words: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_trunkline"));
        command.env_clear().envs(self.variables()).current_dir(self.folder.path()).args(words);
        command
    }

    /// Runs it to its end; a wrong exit code fails with all that was said.
    #[track_caller]
    pub fn ends(&self, words: &[&str], code: i32) -> Said {
        let said = Said(self.command(words).output().unwrap());
        said.assert_code(code, words);
        said
    }

    pub fn api_url(&self) -> String {
        self.sandbox.url()
    }

    pub fn ledger(&self) -> Value {
        self.sandbox.ledger()
    }

    /// Calls for items that the platform saw: none means that nothing was sent.
    pub fn sent(&self) -> u64 {
        let ledger = self.ledger();
        let count = |pointer: &str| ledger.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        count("/ingest/records_applied") + count("/outcomes/applied") + self.calls()
    }

    /// Calls to the API that the platform has answered or is answering.
    pub fn calls(&self) -> u64 {
        let ledger = self.ledger();
        let families = ledger["requests"].as_object().cloned().unwrap_or_default();
        let of = |family: &Value| {
            family.as_object().map(|counts| counts.values().filter_map(Value::as_u64).sum::<u64>())
        };
        families.iter().filter(|(name, _)| !name.contains("token")).filter_map(|(_, family)| of(family)).sum()
    }

    /// Waits until the ledger looks like that.
    #[track_caller]
    pub fn until(&self, what: &str, mut holds: impl FnMut(&Value) -> bool) {
        let begun = Instant::now();
        while !holds(&self.ledger()) {
            assert!(begun.elapsed() < LIMIT, "the ledger never showed {what}: {}", self.ledger());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Every effect took place once, and nothing that the contract forbids was done.
    #[track_caller]
    pub fn assert_clean(&self) {
        let ledger = self.ledger();
        assert_eq!(ledger["breach_count"], 0, "{ledger}");
    }
}

/// Where the first table of a TOML text begins.
fn table_at(text: &str) -> usize {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with('[') {
            break;
        }
        at += line.len();
    }
    at
}

/// What a run of the program said.
pub struct Said(pub Output);

impl Said {
    pub fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub fn err(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    #[track_caller]
    pub fn assert_code(&self, code: i32, words: &[&str]) {
        assert_eq!(
            self.0.status.code(),
            Some(code),
            "trunkline {}\n--- stdout\n{}\n--- stderr\n{}",
            words.join(" "),
            String::from_utf8_lossy(&self.0.stdout),
            String::from_utf8_lossy(&self.0.stderr)
        );
    }

    /// Its standard output as event lines.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        events(&self.out())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out()).unwrap()
    }
}

#[track_caller]
pub fn events(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// A JSON array of so many interactions.
pub fn interactions(count: usize) -> String {
    let records: Vec<String> =
        (0..count).map(|n| format!("{{\"external_id\":\"TXN-{n}\",\"n\":{n}}}")).collect();
    format!("[{}]", records.join(",\n"))
}

/// Rows of outcomes for these contacts.
pub fn outcomes(contacts: impl IntoIterator<Item = String>) -> String {
    let rows = contacts.into_iter().map(|contact| format!("{contact},Contacted,Sale\n"));
    std::iter::once("contactId,category,subcategory\n".to_owned()).chain(rows).collect()
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
