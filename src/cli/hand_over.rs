//! A run goes on without a screen: another process takes it, in a session of its own, so that neither the end of this
//! process nor that of its terminal reaches it.
//!
//! It is the same program with `resume`, and knows of the run what the journal does. What this process had been told
//! beside that, it is told again: places, the profile, keys of `[delivery]`, and the ceiling that a person has set.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::House;
use super::exit::Stop;
use super::office::Carried;
use crate::journal::{Journal, RunRow};
use crate::model::RunId;
use crate::plan::Plan;
use crate::text::{lines, one_line};

/// How long the other process may take to have the run.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(20);

/// What became of a run that was to be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Another process has it.
    Taken,
    /// Nobody has: it is paused.
    Left,
}

/// Hands a run that has been drained to another process, and says where it is now. Where that does not go, it says why.
pub(super) async fn hand_over(house: &House, carried: &Carried) -> Result<Outcome, Stop> {
    let program = std::env::current_exe()?;
    let row = carried.handle.row()?;
    let words = words(house, carried, &row)?;
    let child = start(&program, &words)?;
    let process = child.id();
    let name = row.id.prefix();
    let journal = carried.setup.journal.clone();
    let taken = tokio::task::spawn_blocking(move || wait(child, &journal, row.id)).await;
    let taken = taken.unwrap_or_else(|error| Err(error.to_string()));
    let (said, outcome) = match taken {
        Ok(()) => {
            let folder = one_line(&house.places.data_dir.to_string_lossy(), 300);
            let log = one_line(&house.log.to_string_lossy(), 300);
            let said = format!(
                "run {name} goes on without a screen, in process {process}\n\n\
                 look at it      trunkline           (or: trunkline show {name})\n\
                 stop it         kill {process}          (it is paused then; trunkline resume {name} goes on)\n\
                 its journal     {folder}\n\
                 its log         {log}"
            );
            (said, Outcome::Taken)
        }
        Err(why) => (format!("run {name} could not be handed over: {why}"), Outcome::Left),
    };
    // who closed the output wants to know nothing
    let _ = writeln!(io::stdout(), "{}", lines(&said));
    Ok(outcome)
}

/// What the other process is told.
pub(super) fn words(house: &House, carried: &Carried, row: &RunRow) -> Result<Vec<OsString>, Stop> {
    let setup = &carried.setup;
    let mut words: Vec<OsString> = Vec::new();
    let mut say = |flag: &str, value: Option<&OsString>| {
        words.push(flag.into());
        words.extend(value.cloned());
    };
    let places = &house.places;
    // absolute, and as this process found them: also those that a variable named
    if places.config_file.try_exists().unwrap_or(true) {
        // one that is named has to be there; who goes without one finds none either
        say("--config", Some(&places.config_file.clone().into()));
    }
    say("--data-dir", Some(&places.data_dir.clone().into()));
    say("--log", Some(&house.log.clone().into()));
    for _ in 0..house.global.verbose {
        say("--verbose", None);
    }
    say("resume", Some(&row.id.to_string().into()));
    for flag in ["--headless", "--yes", "--own-session"] {
        say(flag, None);
    }
    say("--profile", Some(&setup.profile.name.clone().into()));
    if setup.until_error && !row.until_error {
        say("--until-error", None);
    }
    let ceiling = carried.handle.figures().pace.ceiling;
    let mut plan = setup.plan.clone();
    if plan.delivery.rate != ceiling {
        plan.set_delivery("rate", &ceiling.map_or_else(|| "0".to_owned(), |rate| rate.to_string()))?;
    }
    for pair in changed(&Plan::from_toml(&row.plan)?, &plan) {
        say("--set", Some(&pair.into()));
    }
    Ok(words)
}

/// The keys of `[delivery]` that are not what the journal has, as `--set` takes them.
fn changed(written: &Plan, now: &Plan) -> Vec<String> {
    let delivery = |plan: &Plan| {
        let table: toml::Table = plan.to_toml().parse().unwrap_or_default();
        let mut keys = Vec::new();
        if let Some(section) = table.get("delivery") {
            flatten("", section, &mut keys);
        }
        keys
    };
    let before = delivery(written);
    let mut keys = delivery(now);
    keys.retain(|key| !before.contains(key));
    keys.into_iter().map(|(key, value)| format!("{key}={value}")).collect()
}

fn flatten(path: &str, value: &toml::Value, keys: &mut Vec<(String, String)>) {
    match value.as_table() {
        Some(table) => {
            for (name, value) in table {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, value, keys);
            }
        }
        None => keys.push((path.to_owned(), value.to_string())),
    }
}

fn start(program: &Path, words: &[OsString]) -> Result<Child, Stop> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|error| {
        let program = one_line(&program.to_string_lossy(), 300);
        Stop::refuse(format!(
            "the run is paused; `{program}` could not be started for it: {error}\n\
             hint: `trunkline resume last --headless` goes on"
        ))
    })
}

/// Waits until the process has the run.
fn wait(mut child: Child, journal: &Journal, run: RunId) -> Result<(), String> {
    let begun = Instant::now();
    let holder = format!("process {}", child.id());
    loop {
        let row = journal.reader().and_then(|reader| reader.run(&run.to_string()));
        let row = row.map_err(|error| error.to_string())?;
        if row.carrier.is_some_and(|carrier| carrier.0.ends_with(&holder)) {
            return Ok(());
        }
        match child.try_wait() {
            // a short rest of a run may be over before anybody has looked
            Ok(Some(status)) if status.success() || row.state.is_over() => return Ok(()),
            Ok(Some(status)) => {
                return Err(format!("the process that was to go on with it ended ({status})"));
            }
            Ok(None) | Err(_) => {}
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("{holder} was started for it, and has not taken it yet"));
        }
        std::thread::sleep(LOOK);
    }
}

/// Makes this process the first of a session of its own, without a terminal.
pub(super) fn own_session() {
    #[cfg(unix)]
    if let Err(error) = rustix::process::setsid() {
        // it is the first of its group, and so of nobody's session that could end under it
        tracing::info!(%error, "no session of its own");
    }
}

#[cfg(test)]
mod tests;
