//! Runs that stand still: going on with one, sending its failures again, and what a person decides of them. Whether
//! somebody carries a run, its lock decides.

use super::{Carried, Desk, Tenant, blocking, lock};
use crate::cli::exit::Stop;
use crate::cli::report;
use crate::cli::send::setup_of;
use crate::cli::taken::Taken;
use crate::engine::{self, Handle, Setup};
use crate::journal::{Journal, Judgement, RunRow};
use crate::model::{FailureId, RunId, Seq};
use crate::tui::Started;
use bytes::Bytes;
use std::path::{Path, PathBuf};

/// What a run that was begun before is gone on with.
struct Means {
    setup: Setup,
    row: RunRow,
    tenant: Tenant,
}

impl Means {
    fn carried(self, handle: Handle) -> Carried {
        Carried { handle, setup: self.setup, tenant: self.tenant }
    }
}

pub(super) async fn resume(desk: &Desk, run: RunId) -> Result<Started, Stop> {
    let turn = desk.turn().await?;
    let means = means(desk, run).await?;
    let handle = engine::resume(means.setup.clone(), &means.row).await?;
    turn.begun(means.carried(handle))
}

pub(super) async fn retry(desk: &Desk, run: RunId, items: Vec<Seq>, by: String) -> Result<Started, Stop> {
    let turn = desk.turn().await?;
    let means = means(desk, run).await?;
    let handle = engine::retry(means.setup.clone(), &means.row, items, by).await?;
    turn.begun(means.carried(handle))
}

pub(super) async fn judge(
    desk: &Desk,
    run: RunId,
    failures: Vec<FailureId>,
    judgement: Judgement,
    by: String,
) -> Result<(), Stop> {
    let taken = take(desk, run).await?;
    taken.judge(failures, judgement, by).await.map(|_| ())
}

pub(super) async fn edit(
    desk: &Desk,
    run: RunId,
    records: Vec<(FailureId, Option<Bytes>)>,
    by: String,
) -> Result<(), Stop> {
    let taken = take(desk, run).await?;
    taken.edit(records, by).await
}

pub(super) async fn cancel(desk: &Desk, run: RunId, by: String) -> Result<(), Stop> {
    let taken = take(desk, run).await?;
    taken.refuse_over()?;
    taken.cancel(&by).await
}

async fn take(desk: &Desk, run: RunId) -> Result<Taken, Stop> {
    let journal = journal_of(desk, run)?;
    blocking(move || {
        let row = journal.reader()?.run(&run.to_string())?;
        Taken::take(journal, &row)
    })
    .await
}

/// Writes the page of a run into a folder.
pub(super) async fn report_into(desk: &Desk, run: RunId, folder: &Path) -> Result<PathBuf, Stop> {
    let journal = journal_of(desk, run)?;
    let folder = folder.to_owned();
    blocking(move || {
        let reader = journal.reader()?;
        let row = reader.run(&run.to_string())?;
        report::into_folder(&folder, &reader, &row)
    })
    .await
}

/// Writes the page of a run into the folder in which this process is.
pub(super) async fn report(desk: &Desk, run: RunId) -> Result<PathBuf, Stop> {
    report_into(desk, run, &std::env::current_dir()?).await
}

/// The journal that a run is written to: that of a sandbox is its own.
fn journal_of(desk: &Desk, run: RunId) -> Result<Journal, Stop> {
    carried(desk, run).map_or_else(|| desk.journal(), |carried| Ok(carried.setup.journal))
}

/// The last carrying-out of a run by this process.
fn carried(desk: &Desk, run: RunId) -> Option<Carried> {
    lock(&desk.room.carried).iter().rev().find(|carried| carried.handle.run() == run).cloned()
}

/// What a run that was carried here was given stays with it, but for its profile, which may have been mended since.
async fn means(desk: &Desk, run: RunId) -> Result<Means, Stop> {
    let desk = desk.clone();
    blocking(move || {
        let carried = carried(&desk, run);
        let journal = journal_of(&desk, run)?;
        let row = journal.reader()?.run(&run.to_string())?;
        if let Some(Carried { setup, tenant: Tenant::Sandbox, .. }) = carried {
            return Ok(Means { setup, row, tenant: Tenant::Sandbox });
        }
        let config = desk.room.house.config()?;
        let named = carried.as_ref().map(|carried| carried.setup.profile.name.as_str());
        let mut setup = setup_of(&config, journal, &row, named)?;
        if let Some(carried) = carried {
            setup.plan = carried.setup.plan;
            setup.until_error = carried.setup.until_error;
        }
        Ok(Means { setup, row, tenant: Tenant::Configured })
    })
    .await
}
