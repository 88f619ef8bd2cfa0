//! A tenant to run against, and datasets to run: shared by the tests of whole runs.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod fake;
pub mod redis;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use trunkline::config::{Profile, env_profile};
use trunkline::engine::{self, Command, Ending, Handle, Setup, StartError};
use trunkline::journal::{Journal, RunRow};
use trunkline::model::{Fault, OperationKind, Phase};
use trunkline::plan::Plan;
use trunkline::sandbox::{CLIENT_ID, CLIENT_SECRET, Sandbox, Scenario};

/// A sandbox, a folder for datasets and one for the journal.
pub struct Tenant {
    pub sandbox: Sandbox,
    pub folder: TempDir,
    pub journal: Journal,
}

impl Tenant {
    pub async fn start(scenario: &str) -> Self {
        Self::with(Scenario::named(scenario).unwrap()).await
    }

    pub async fn scenario(toml: &str) -> Self {
        Self::with(Scenario::parse("test", toml).unwrap()).await
    }

    async fn with(scenario: Scenario) -> Self {
        let sandbox = Sandbox::start(scenario, Some(7), 0).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("data")).unwrap();
        Self { sandbox, folder, journal }
    }

    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn profile(&self, kind: OperationKind) -> Profile {
        profile(&self.sandbox.url(), kind, self.folder.path())
    }

    pub fn plan(kind: OperationKind, datasets: &[&Path], settings: &[(&str, &str)]) -> Plan {
        let mut plan = Plan::new(kind);
        plan.datasets = datasets.iter().map(|path| path.to_str().unwrap().to_owned()).collect();
        plan.set_all(settings).unwrap();
        plan
    }

    pub fn setup(&self, plan: Plan) -> Setup {
        let profile = self.profile(plan.operation.kind());
        Setup {
            journal: self.journal.clone(),
            plan,
            profile,
            until_error: false,
            store: trunkline::config::StorePlace::Embedded,
            wins: engine::Wins::default(),
        }
    }

    pub async fn begin(
        &self,
        kind: OperationKind,
        datasets: &[&Path],
        settings: &[(&str, &str)],
    ) -> Result<Handle, StartError> {
        let setup = self.setup(Self::plan(kind, datasets, settings));
        let scanned = engine::scan(&setup.plan, false, |_, _| ()).await?;
        engine::begin(setup, scanned).await
    }

    /// Runs to the end and returns the run's row.
    pub async fn run(&self, kind: OperationKind, datasets: &[&PathBuf], settings: &[(&str, &str)]) -> RunRow {
        let datasets: Vec<&Path> = datasets.iter().map(|path| path.as_path()).collect();
        let handle = self.begin(kind, &datasets, settings).await.unwrap();
        let ending: Ending = handle.ended().await;
        let row = handle.row().unwrap();
        assert_eq!(row.state, ending.state, "{ending:?}");
        row
    }

    /// Runs until a fault stands, leaves then, and returns the run's row with the fault.
    pub async fn run_to_fault(
        &self,
        kind: OperationKind,
        datasets: &[&PathBuf],
        settings: &[(&str, &str)],
    ) -> (RunRow, Option<Fault>) {
        let datasets: Vec<&Path> = datasets.iter().map(|path| path.as_path()).collect();
        let handle = self.begin(kind, &datasets, settings).await.unwrap();
        fault_of(&handle).await;
        assert!(handle.command(Command::Drain));
        let ending = handle.ended().await;
        (handle.row().unwrap(), ending.fault)
    }

    pub fn ledger(&self) -> serde_json::Value {
        self.sandbox.ledger()
    }
}

/// Waits until a fault stands.
pub async fn fault_of(handle: &Handle) -> Fault {
    let mut changes = handle.changes();
    loop {
        match handle.figures().phase {
            Phase::Faulted(fault) => return fault,
            Phase::Ended(state) => panic!("it ended as {state}, and there was no fault"),
            _ => changes.changed().await.unwrap(),
        }
    }
}

/// Position and answer of everything that a run delivered.
pub fn collect_results(tenant: &Tenant, run: &RunRow) -> Vec<(u64, Option<Vec<u8>>)> {
    let mut results = Vec::new();
    let reader = tenant.journal.reader().unwrap();
    reader
        .each_result::<trunkline::journal::JournalError>(run, |row| {
            results.push((row.position, row.answer));
            Ok(())
        })
        .unwrap();
    results
}

/// A profile for a sandbox, its secret in a file of the folder.
pub fn profile(url: &str, kind: OperationKind, folder: &Path) -> Profile {
    let prefix = match kind.platform() {
        trunkline::model::PlatformKind::Genesys => "GENESYS",
        trunkline::model::PlatformKind::Cxone => "CXONE",
    };
    let lookup = |name: &str| -> Option<String> {
        let name = name.strip_prefix(prefix)?;
        Some(match name {
            "_BASE_URL" => url.to_owned(),
            "_CLIENT_ID" => CLIENT_ID.to_owned(),
            "_CLIENT_SECRET" => CLIENT_SECRET.to_owned(),
            _ => return None,
        })
    };
    let mut profile = env_profile(kind.platform(), &lookup).unwrap();
    let secret = folder.join("secret");
    std::fs::write(&secret, CLIENT_SECRET).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    profile.secret = trunkline::config::SecretSource::File(secret);
    profile
}

/// Records of about 150 bytes, each its own.
pub struct Records(pub Vec<String>);

pub fn interactions(count: usize) -> Records {
    let channels = ["voice", "chat", "email", "callback"];
    let records = (0..count).map(|number| {
        format!(
            r#"{{"external_id":"TXN-{number:07}","timestamp":"2026-03-0{}T1{}:{:02}:{:02}Z","channel":"{}","duration_seconds":{},"customer_segment":"gold"}}"#,
            number % 9 + 1,
            number % 10,
            number % 60,
            number * 7 % 60,
            channels[number % 4],
            number * 31 % 3600,
        )
    });
    Records(records.collect())
}

impl Records {
    pub fn array(&self) -> Vec<u8> {
        format!("[\n{}\n]\n", self.0.join(",\n")).into_bytes()
    }

    pub fn ndjson(&self) -> Vec<u8> {
        self.0.join("\n").into_bytes()
    }

    /// The sandbox's digest of these records, applied in this order.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for record in &self.0 {
            hash.update(record);
            hash.update(b"\n");
        }
        hash.finalize().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        })
    }
}

/// Contacts with outcomes of the sandbox's hierarchy, as CSV.
pub fn contacts(count: usize) -> Vec<u8> {
    let mut csv = "contactId,category,subcategory\n".to_owned();
    for number in 0..count {
        writeln!(csv, "c-{number:07},Contacted,{}", ["Sale", "No budget", "Callback"][number % 3]).unwrap();
    }
    csv.into_bytes()
}
