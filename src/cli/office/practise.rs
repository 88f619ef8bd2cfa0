//! A place to practise: a sandbox in this process, a sample dataset and a profile, in a folder that goes with it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::profiles::resolve;
use super::{Carried, Desk};
use crate::cli::exit::Stop;
use crate::config::{Profile, ProfileSettings, SecretSource, StorePlace};
use crate::engine::{self, Setup, Wins};
use crate::files::{Use, open_own};
use crate::journal::Journal;
use crate::model::OperationKind;
use crate::plan::Plan;
use crate::sandbox::{CLIENT_ID, CLIENT_SECRET, Sample, Sandbox, Scenario, sample};
use crate::tui::Started;

/// What the tenant is like that a person practises on. It is the board's own: no command offers it.
const SCENARIO: &str = "practice";

/// Small batches, so that there are enough of them to be watched.
const BATCH: &str = "50";

/// Begins a run of sample data on a sandbox that the office keeps.
pub(super) async fn practise(desk: &Desk, operation: OperationKind) -> Result<Started, Stop> {
    let turn = desk.turn().await?;
    let mut ground = Ground::lay_out(operation, Scenario::named(SCENARIO)?).await?;
    if matches!(operation, OperationKind::Ingest | OperationKind::Exchange) {
        ground.plan.set("chunk_records", BATCH)?;
    }
    let scanned = engine::scan(&ground.plan, false, |_, _| ()).await?;
    let setup = ground.setup(Journal::open(&ground.data_dir())?);
    desk.keep_ground(ground);
    let handle = engine::begin(setup.clone(), scanned).await?;
    turn.begun(Carried::on_a_sandbox(handle, setup))
}

/// A sandbox and what a run on it needs.
pub(in crate::cli) struct Ground {
    /// What is to be done.
    pub plan: Plan,
    profile: Profile,
    // it ends before its folder does
    sandbox: Sandbox,
    folder: TempDir,
}

impl Ground {
    /// Starts a sandbox, and writes the sample of the operation beside it.
    pub(in crate::cli) async fn lay_out(operation: OperationKind, scenario: Scenario) -> Result<Self, Stop> {
        let folder = private_folder()?;
        let sandbox = Sandbox::start(scenario, None, 0).await?;
        let mut plan = Plan::new(operation);
        let sample = sample(operation.word())
            .ok_or_else(|| Stop::refuse(format!("the sandbox has no sample for `{operation}`")))?;
        plan.datasets = vec![write(&sample, folder.path())?];
        if let Some(action) = sample.action {
            plan.set("action", action)?;
        }
        let profile = profile(operation, &sandbox.url(), folder.path())?;
        plan.profile = Some(profile.name.clone());
        Ok(Self { plan, profile, sandbox, folder })
    }

    /// Where its journal is, unless that is to be kept.
    pub(in crate::cli) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What a run on it is begun with.
    pub(in crate::cli) fn setup(&self, journal: Journal) -> Setup {
        Setup {
            journal,
            plan: self.plan.clone(),
            profile: self.profile.clone(),
            until_error: false,
            store: StorePlace::Embedded,
            wins: Wins::default(),
        }
    }

    /// Stops the sandbox, and takes the folder away.
    pub(in crate::cli) async fn clear(self) {
        self.sandbox.stop().await;
    }
}

fn private_folder() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("trunkline-demo-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

fn write(sample: &Sample, folder: &Path) -> Result<String, Stop> {
    let path = folder.join(sample.file_name);
    open_own(&path, Use::Writing)?.write_all(&sample.bytes)?;
    path.into_os_string().into_string().map_err(|_| {
        Stop::refuse(
            "the folder for temporary files has a name that is not UTF-8\nhint: set TMPDIR to another one",
        )
    })
}

/// A profile for the sandbox. Its secret is in a file because that is one of the homes that a secret can have.
fn profile(operation: OperationKind, url: &str, folder: &Path) -> Result<Profile, Stop> {
    let secret = folder.join("secret");
    open_own(&secret, Use::Writing)?.write_all(CLIENT_SECRET.as_bytes())?;
    let settings = ProfileSettings {
        platform: Some(operation.platform()),
        api_url: Some(url.to_owned()),
        auth_url: Some(url.to_owned()),
        client_id: Some(CLIENT_ID.to_owned()),
        secret: Some(SecretSource::File(secret)),
        ..ProfileSettings::default()
    };
    resolve("sandbox", &settings, folder)
}
