//! `report`: a run as a page with pictures. The board writes the same page, under a name of its own. And how whatever is
//! written into a file is written.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::House;
use super::args::ReportArgs;
use super::exit::{Exit, Stop};
use crate::files::links;
use crate::headless::Signals;
use crate::journal::{Reader, RunRow};
use crate::report::{Examples, Outlet, Over, ReportError, Stance, write_html};
use crate::text::one_line;

/// The most names that are tried beside each other.
const NAMES: u32 = 1000;

pub(super) async fn report(house: &House, args: &ReportArgs) -> Result<Exit, Stop> {
    let reader = house.reader_of(&args.run)?;
    let run = reader.run(&args.run)?;
    let examples = if args.examples { Examples::Shown } else { Examples::Hidden };
    let over = if args.force { Over::Yes } else { Over::No };
    reader.vouch(&run)?;
    keep_what_is_read(house, &run, Some(&args.output))?;
    write_to(Some(&args.output), over, move |outlet| {
        write_html(outlet, &reader, &run, &Stance::here(examples))
    })
    .await
}

/// Refuses to write over what a run is made of: its datasets, the configuration, and what the data folder holds.
pub(super) fn keep_what_is_read(house: &House, run: &RunRow, to: Option<&Path>) -> Result<(), Stop> {
    let Some(to) = to.and_then(in_its_folder) else { return Ok(()) };
    // its name, each link that leads from there to it, and its own name
    let is = |kept: &Path| {
        let links = links(kept).into_iter();
        links.chain(in_its_folder(kept)).chain(kept.canonicalize().ok()).any(|kept| kept == to)
    };
    let data = house.places.data_dir.canonicalize().ok();
    let is_ours = data.and_then(|data| to.strip_prefix(data).ok()).is_some_and(|within| {
        let first = within.iter().next().unwrap_or_default().to_string_lossy();
        OURS.iter().any(|ours| first.starts_with(ours))
    });
    let what = match () {
        () if is_ours => "part of the data folder",
        () if is(&house.places.config_file) => "the configuration",
        () if run.datasets.iter().any(|dataset| is(Path::new(&dataset.path))) => "a dataset of the run",
        () => return Ok(()),
    };
    Err(Stop::refuse(format!(
        "`{}` is {what} and is not written over\nhint: name another file with --output",
        one_line(&to.to_string_lossy(), 512)
    )))
}

/// How what is ours begins, in the data folder.
const OURS: [&str; 5] = ["journal.db", "coordination.db", "runs", "pace", "trunkline.log"];

/// A path with all links in its folder followed: what stands there is what a file is renamed onto.
fn in_its_folder(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(folder.canonicalize().ok()?.join(path.file_name()?))
}

/// Writes into a file, or, where none or `-` is named, to standard output. Who leaves meanwhile leaves no half behind.
pub(super) async fn write_to(
    path: Option<&Path>,
    over: Over,
    write: impl FnOnce(&mut Outlet) -> Result<(), ReportError> + Send + 'static,
) -> Result<Exit, Stop> {
    let mut signals = Signals::listen()?;
    let is_stdout = |path: &&Path| [Path::new("-"), Path::new("/dev/stdout")].contains(path);
    let outlet = match (path.filter(|path| !is_stdout(path)), over) {
        (None, _) => Ok(Outlet::stdout()),
        (path, Over::Yes) => Outlet::open(path),
        (Some(path), Over::No) => Outlet::fresh(path),
    };
    let half = outlet.as_ref().ok().and_then(Outlet::half);
    let written = tokio::task::spawn_blocking(move || {
        let mut outlet = outlet?;
        write(&mut outlet)?;
        outlet.finish()
    });
    let written = tokio::select! {
        written = written => written.map_err(io::Error::other)?,
        () = signals.next() => {
            // what writes to it still goes nowhere, and ends with the process
            if let Some(half) = half {
                let _ = std::fs::remove_file(half);
            }
            return Err(Stop::interrupted());
        }
    };
    match written {
        Err(ReportError::There(path)) => Err(Stop::refuse(format!(
            "there is a file `{}` already\nhint: name one that is not there yet, or write over it with --force",
            one_line(&path.to_string_lossy(), 512)
        ))),
        written => Ok(written.map(|()| Exit::Done)?),
    }
}

/// Writes the page of a run into a folder: as `trunkline-RUN.html`, and with a number where that is there already.
/// The answer is where it is now.
pub(super) fn into_folder(folder: &Path, reader: &Reader, run: &RunRow) -> Result<PathBuf, Stop> {
    let mut page = Vec::new();
    write_html(&mut page, reader, run, &Stance::here(Examples::Hidden))?;
    let name = run.id.prefix();
    let mut path = folder.join(format!("trunkline-{name}.html"));
    for number in 2..=NAMES {
        let written = Outlet::fresh(&path).and_then(|mut outlet| {
            outlet.write_all(&page)?;
            outlet.finish()
        });
        match written {
            Err(ReportError::There(_)) => path = folder.join(format!("trunkline-{name}-{number}.html")),
            written => return Ok(written.map(|()| path)?),
        }
    }
    Err(ReportError::There(path).into())
}
