//! `demo`: a run of a sample dataset on a built-in sandbox, all of it in this process and in a folder that goes with it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use tempfile::TempDir;

use super::args::DemoArgs;
use super::exit::{Exit, Stop};
use super::send::{at_fault, or_interrupted};
use super::{BROKEN, House, board, sandbox};
use crate::config::{Profile, ProfileSettings, SecretSource, StorePlace};
use crate::engine::{self, Setup};
use crate::headless::{Origin, Signals, Told, watch};
use crate::journal::Journal;
use crate::model::OperationKind;
use crate::plan::Plan;
use crate::sandbox::{CLIENT_ID, CLIENT_SECRET, Sample, Sandbox, sample};

pub(super) async fn show(house: &House, args: DemoArgs) -> Result<Exit, Stop> {
    let scenario = sandbox::scenario(&args.scenario)?;
    let mut signals = Signals::listen()?;
    let folder = private_folder()?;
    let sandbox = Sandbox::start(scenario, None, 0).await?;
    let mut plan = Plan::new(args.operation);
    let sample = sample(args.operation.word())
        .ok_or_else(|| Stop::refuse(format!("the sandbox has no sample for `{}`", args.operation)))?;
    plan.datasets = vec![write(&sample, folder.path())?];
    if let Some(action) = sample.action {
        plan.set("action", action)?;
    }
    let profile = profile(args.operation, &sandbox.url(), folder.path())?;
    plan.profile = Some(profile.name.clone());
    let (data_dir, told) = match &house.own_data {
        Some(named) => (named.clone(), Told::Words),
        None => (folder.path().join("data"), Told::Demo),
    };
    let told = if args.watching.events { Told::Events } else { told };

    let scanned = or_interrupted(engine::scan(&plan, false, |_, _| ()), &mut signals).await??;
    let setup = Setup {
        journal: Journal::open(&data_dir)?,
        plan,
        profile,
        until_error: false,
        store: StorePlace::Embedded,
    };
    let handle = or_interrupted(engine::begin(setup.clone(), scanned), &mut signals).await??;
    let exit = if board::is_wanted(args.watching) {
        // without a configuration the board looks as it does by itself
        board::carry(handle, setup, &house.config().unwrap_or_default(), told).await?
    } else {
        let at_fault = at_fault(args.watching);
        Exit::of(&watch(&handle, (Origin::New, 0), told, at_fault, &mut signals, &BROKEN).await?)
    };
    sandbox.stop().await;
    Ok(welcome(exit))
}

/// A first try that ends with an error would be a strange welcome.
fn welcome(exit: Exit) -> Exit {
    if exit != Exit::Failures {
        return exit;
    }
    let _ =
        writeln!(io::stderr(), "\nthe failures are part of the sample: they show what failures look like");
    Exit::Done
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
    fs::write(&path, &sample.bytes)?;
    path.into_os_string().into_string().map_err(|_| {
        Stop::refuse(
            "the folder for temporary files has a name that is not UTF-8\nhint: set TMPDIR to another one",
        )
    })
}

/// A profile for the sandbox. Its secret is in a file because that is one of the homes that a secret can have.
fn profile(operation: OperationKind, url: &str, folder: &Path) -> Result<Profile, Stop> {
    let secret = folder.join("secret");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&secret)?.write_all(CLIENT_SECRET.as_bytes())?;
    let settings = ProfileSettings {
        platform: Some(operation.platform()),
        api_url: Some(url.to_owned()),
        auth_url: Some(url.to_owned()),
        client_id: Some(CLIENT_ID.to_owned()),
        secret: Some(SecretSource::File(secret)),
        ..ProfileSettings::default()
    };
    super::profile::resolve("sandbox", &settings, folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_the_sample_are_no_error_and_anything_else_is() {
        assert_eq!(welcome(Exit::Failures), Exit::Done);
        assert_eq!([Exit::Faulted, Exit::Interrupted].map(welcome), [Exit::Faulted, Exit::Interrupted]);
    }
}
