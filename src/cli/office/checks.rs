//! Everything but sending, and the run that follows it: what was checked is what is begun, or nothing is.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{Carried, Desk, blocking, lock, profiles};
use crate::cli::exit::Stop;
use crate::cli::send::choose_profile;
use crate::engine::{self, CheckReport, Scanned, Setup, StartError, Wins};
use crate::journal::{JournalError, Reader, RunRow};
use crate::plan::Plan;
use crate::text::one_line;
use crate::tui::{Earlier, Flight, Progress, Started};

/// What was checked last, and may be begun.
pub(super) struct Checked {
    number: u64,
    setup: Setup,
    scanned: Scanned,
}

pub(super) async fn check(desk: &Desk, plan: Plan, progress: Progress) -> Result<Flight, Stop> {
    let begun = Instant::now();
    let number = desk.room.checks.fetch_add(1, Ordering::AcqRel) + 1;
    lock(&desk.room.checked).take();
    let mut plan = from_home(plan)?;
    let config = desk.room.house.config()?;
    let profile = choose_profile(&config, &mut plan, None)?;
    let row = profiles::row_of(&desk.room.house, &profile)?;
    let scanned = engine::scan(&plan, false, move |read, of| progress(read, of)).await;
    let mut flight = Flight {
        number,
        plan: plan.clone(),
        profile: row,
        report: CheckReport::default(),
        bytes: 0,
        broken: None,
        before: Vec::new(),
        took: begun.elapsed(),
    };
    let scanned = match scanned {
        Err(StartError::Broken(place)) => {
            flight.bytes = std::fs::metadata(&place.path).map_or(0, |file| file.len());
            flight.broken = Some(place.to_string());
            return Ok(flight);
        }
        scanned => scanned?,
    };
    let journal = desk.journal()?;
    let setup =
        Setup { journal, plan, profile, until_error: false, store: config.store, wins: Wins::default() };
    flight.bytes = scanned.datasets().iter().map(|dataset| dataset.bytes).sum();
    let (before, quota) = earlier(&setup, &scanned).await?;
    flight.before = before;
    flight.report = engine::check(setup.clone(), scanned.clone()).await?;
    flight.report.quota = flight.report.quota.or(quota);
    flight.took = begun.elapsed();
    let mut checked = lock(&desk.room.checked);
    if checked.as_ref().is_none_or(|kept| kept.number < number) {
        *checked = Some(Checked { number, setup, scanned });
    }
    Ok(flight)
}

/// Runs that have sent the same content, or one of its files, to the same tenant, the newest first; and the calls that
/// the platform's window allows, as it last told a run of the same client.
async fn earlier(setup: &Setup, scanned: &Scanned) -> Result<(Vec<Earlier>, Option<u64>), Stop> {
    let files: Vec<(Option<String>, String)> = scanned
        .datasets()
        .iter()
        .map(|dataset| (dataset.digest(), dataset.path.to_string_lossy().into_owned()))
        .collect();
    let (operation, client_id) = (setup.plan.operation.kind(), setup.profile.client_id.clone());
    let api_url = setup.profile.api_url.to_string();
    let journal = setup.journal.clone();
    blocking(move || {
        let reader = journal.reader()?;
        let (mut before, mut quota) = (Vec::new(), None);
        for run in reader.runs()?.into_iter().filter(|run| run.api_url == api_url) {
            quota = quota.or(run.quota.filter(|_| run.client_id == client_id));
            if run.operation == operation {
                before.extend(same_content(&reader, run, &files)?);
            }
        }
        Ok((before, quota))
    })
    .await
}

/// What a run has sent of these files, by their digests; nothing where none of them was among its datasets.
fn same_content(
    reader: &Reader,
    run: RunRow,
    files: &[(Option<String>, String)],
) -> Result<Option<Earlier>, JournalError> {
    if run.datasets.iter().map(|dataset| &dataset.digest).eq(files.iter().map(|(digest, _)| digest)) {
        return Ok(Some(Earlier { delivered: run.records.delivered, files: Vec::new(), run }));
    }
    let named = |digest: &Option<String>| files.iter().find(|(own, _)| own.is_some() && own == digest);
    let (mut same, mut delivered) = (Vec::new(), 0);
    for (number, dataset) in (0..).zip(&run.datasets) {
        if let Some((_, path)) = named(&dataset.digest) {
            delivered += reader.delivered_of(&run, number)?;
            same.push(path.clone());
        }
    }
    same.dedup();
    Ok((!same.is_empty()).then_some(Earlier { run, delivered, files: same }))
}

pub(super) async fn begin(desk: &Desk, number: u64) -> Result<Started, Stop> {
    let turn = desk.turn().await?;
    // taken out, so that nothing can be begun twice
    let checked = lock(&desk.room.checked).take_if(|checked| checked.number == number);
    let Some(Checked { setup, scanned, .. }) = checked else {
        return Err(Stop::refuse(
            "what is to be begun is not what was checked last\nhint: check it again; nothing was sent",
        ));
    };
    let now = desk.room.house.config()?.profile(Some(&setup.profile.name), setup.profile.platform)?;
    if now != setup.profile {
        return Err(Stop::refuse(format!(
            "profile `{}` has changed since this was checked\nhint: check it again; nothing was sent",
            setup.profile.name
        )));
    }
    match engine::begin(setup.clone(), scanned.clone()).await {
        Ok(handle) => turn.begun(Carried::configured(handle, setup)),
        Err(error) => {
            // nothing was sent: once the reason is mended, the same may be tried again
            lock(&desk.room.checked).get_or_insert(Checked { number, setup, scanned });
            Err(error.into())
        }
    }
}

/// A person's own folder, written as shells know it.
fn home(path: &str) -> Option<PathBuf> {
    Some(std::env::home_dir()?.join(path.strip_prefix("~/")?))
}

/// The plan with its datasets where they are, also those that were written with a `~`.
fn from_home(mut plan: Plan) -> Result<Plan, Stop> {
    if plan.datasets.iter().any(|dataset| dataset == "-") {
        return Err(Stop::refuse(
            "`-`, standard input, is where the keys come from here\nhint: name a file, or leave and pipe it in",
        ));
    }
    for dataset in &mut plan.datasets {
        if let Some(path) = home(dataset) {
            *dataset = path.to_string_lossy().into_owned();
        }
    }
    Ok(plan)
}

pub(super) fn save_plan(plan: Plan, path: &Path) -> Result<PathBuf, Stop> {
    let path = path.to_str().and_then(home).unwrap_or_else(|| path.to_owned());
    let path = std::path::absolute(path)?;
    let shown = one_line(&path.to_string_lossy(), 300);
    let here = std::env::current_dir()?;
    // whoever reads it takes its datasets from where it stands
    let plan = from_home(plan)?.rooted().seen_from(&here)?;
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Stop::refuse(format!("`{shown}` is there already\nhint: choose another name; it is as it was"))
        }
        _ => Stop::refuse(format!("writing `{shown}`: {error}")),
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
    file.write_all(plan.to_toml().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(path)
}
