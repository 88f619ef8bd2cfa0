//! The first pass over every dataset, before anything is sent: is it sound, how many records, and which file is it?

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use super::{StartError, faults};
use crate::dataset::{self, Compression, Digest, Fingerprint, Format, Limits, Malformed, map::Mapping};
use crate::journal::{DatasetRow, JournalError};
use crate::machine;
use crate::model::Fault;
use crate::operation::{self, Grouping, Operation};
use crate::plan::Plan;

/// What is kept of standard input, in the run's own folder.
pub(super) const SPOOL: &str = "stdin";

/// The datasets of a plan, read to their ends.
#[derive(Debug, Clone)]
pub struct Scanned {
    pub(super) datasets: Vec<ScannedDataset>,
}

/// One dataset, read to its end; or standard input, which is read when the run begins.
#[derive(Debug, Clone)]
pub struct ScannedDataset {
    /// The file, absolute; `-` is standard input.
    pub path: PathBuf,
    /// Its format, for a person to read.
    pub format: String,
    /// Its records, where they are known.
    pub records: Option<u64>,
    /// Its size in bytes.
    pub bytes: u64,
    pub(super) digest: Option<Digest>,
    pub(super) fingerprint: Option<Fingerprint>,
    /// Where it breaks off after its records, if it does.
    pub(super) broken: Option<Malformed>,
}

impl ScannedDataset {
    /// The digest of the file, as the journal keeps it; none for standard input.
    #[must_use]
    pub fn digest(&self) -> Option<String> {
        self.digest.as_ref().map(ToString::to_string)
    }

    /// What is not sent of it, for a person to read; nothing where all of it is.
    pub(super) fn cut_off(&self) -> Option<String> {
        let place = self.broken.as_ref()?.place;
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        Some(format!(
            "`{}`: stopped at line {}, column {}: the rest was not read",
            crate::text::one_line(&name.to_string_lossy(), 200),
            place.line,
            place.column
        ))
    }
}

impl Scanned {
    /// The datasets, in order.
    #[must_use]
    pub fn datasets(&self) -> &[ScannedDataset] {
        &self.datasets
    }

    /// All records, where they are known.
    #[must_use]
    pub fn records(&self) -> Option<u64> {
        self.datasets.iter().map(|dataset| dataset.records).sum()
    }
}

/// Reads every dataset of the plan to its end. `on_progress` is told the bytes read and the bytes there are. Dropped, it
/// stops reading.
///
/// # Errors
///
/// A dataset cannot be used.
pub async fn scan(
    plan: &Plan,
    until_error: bool,
    on_progress: impl FnMut(u64, u64) + Send + 'static,
) -> Result<Scanned, StartError> {
    let plan = plan.clone();
    let wanted = Arc::new(());
    let is_wanted = Arc::downgrade(&wanted);
    let scanned = machine::off_thread(move || scan_all(&plan, until_error, on_progress, &is_wanted)).await;
    drop(wanted);
    scanned.unwrap_or_else(|error| {
        Err(JournalError::Strange(format!("an internal error while reading the dataset: {error}")).into())
    })
}

fn scan_all(
    plan: &Plan,
    until_error: bool,
    mut on_progress: impl FnMut(u64, u64),
    is_wanted: &Weak<()>,
) -> Result<Scanned, StartError> {
    if let Some(said) = plan.missing() {
        return Err(StartError::Incomplete(said));
    }
    if plan.datasets.is_empty() {
        return Err(StartError::NoDataset);
    }
    let here = std::env::current_dir().unwrap_or_default();
    let paths = dataset::expand(&plan.datasets, &here)?;
    let streams = paths.iter().filter(|path| path.as_os_str() == "-").count();
    if streams > 0 && paths.len() > 1 {
        return Err(StartError::StreamAmongOthers);
    }
    let operation = operation::of(plan)?;
    let mapping = super::mapping(plan)?;
    let limits = limits(operation.grouping());
    let of: u64 = paths.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|found| found.len()).sum();
    let mut before = 0;
    let mut datasets = Vec::with_capacity(paths.len());
    for path in paths {
        if path.as_os_str() == "-" {
            datasets.push(ScannedDataset {
                path,
                format: "standard input".to_owned(),
                records: None,
                bytes: 0,
                digest: None,
                fingerprint: None,
                broken: None,
            });
            continue;
        }
        let path = std::path::absolute(&path).unwrap_or(path);
        let scan = dataset::scan(&path, &limits, &mut |read| {
            on_progress(before + read, of);
            if is_wanted.strong_count() > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if let Some(place) = &scan.broken
            && !(until_error && scan.records > 0)
        {
            return Err(StartError::Broken(place.clone()));
        }
        if let Some(columns) = &scan.columns {
            need_columns(&path, columns, mapping.as_deref(), operation.as_ref())?;
        }
        before += scan.bytes;
        datasets.push(ScannedDataset {
            format: format_words(scan.format, scan.compression),
            records: Some(scan.records),
            bytes: scan.bytes,
            digest: Some(scan.digest),
            fingerprint: Some(scan.fingerprint),
            broken: scan.broken,
            path,
        });
    }
    Ok(Scanned { datasets })
}

pub(super) fn limits(grouping: Grouping) -> Limits {
    match grouping {
        Grouping::Single => Limits::default(),
        Grouping::Chunks { bytes, .. } => {
            Limits { record_bytes: usize::try_from(bytes).unwrap_or(usize::MAX), ..Limits::default() }
        }
    }
}

/// A CSV without a needed column is refused as a whole: each of its rows would be.
fn need_columns(
    path: &Path,
    columns: &[String],
    mapping: Option<&Mapping>,
    operation: &dyn Operation,
) -> Result<(), StartError> {
    let of_operation = operation.columns();
    let missing = match mapping {
        Some(mapping) => {
            mapping.columns_needed().iter().find(|name| !columns.contains(name)).map(|name| vec![name])
        }
        None => of_operation
            .iter()
            .find(|group| !group.iter().any(|name| columns.contains(name)))
            .map(|group| group.iter().collect()),
    };
    let Some(missing) = missing else { return Ok(()) };
    let words = |names: &mut dyn Iterator<Item = &String>, between: &str| {
        names.map(|name| format!("`{}`", crate::text::one_line(name, 60))).collect::<Vec<_>>().join(between)
    };
    Err(StartError::Column {
        operation: operation.kind(),
        dataset: path.display().to_string(),
        wanted: words(&mut missing.into_iter(), " or "),
        found: words(&mut columns.iter().take(20), ", "),
    })
}

fn format_words(format: Format, compression: Compression) -> String {
    let format = match format {
        Format::JsonArray => "JSON array".to_owned(),
        Format::Ndjson => "NDJSON".to_owned(),
        Format::Csv { delimiter: b'\t' } => "CSV (tabs)".to_owned(),
        Format::Csv { delimiter } => format!("CSV ({})", char::from(delimiter)),
    };
    match compression {
        Compression::None => format,
        Compression::Gzip => format!("{format}, gzip"),
        Compression::Zstd => format!("{format}, zstd"),
    }
}

/// Makes the file that keeps standard input.
pub(super) fn spool(folder: &Path) -> Result<File, StartError> {
    let path = folder.join(SPOOL);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let made = options.open(&path).and_then(|file| crate::database::sync_folder(folder).map(|()| file));
    Ok(made.map_err(|source| JournalError::Folder { path, source })?)
}

/// What tells whether a spooled stream changes while it is read again.
pub(super) async fn fingerprint(path: &Path) -> Result<Fingerprint, Fault> {
    read_again(path).await.map(|scan| scan.fingerprint)
}

/// Reads a dataset of a run that goes on to its end: it must be the one with which the run began.
pub(crate) async fn same_as_before(path: &Path, before: &DatasetRow) -> Result<Fingerprint, Fault> {
    let scan = read_again(path).await?;
    let same = scan.bytes == before.bytes && Some(scan.digest.to_string()) == before.digest;
    if same {
        return Ok(scan.fingerprint);
    }
    let path = crate::text::one_line(&path.display().to_string(), 300);
    let what = if scan.bytes == before.bytes {
        "its content is another".to_owned()
    } else {
        format!("it had {} bytes and has {}", before.bytes, scan.bytes)
    };
    Err(faults::dataset_changed(format!("`{path}` is not the file with which the run began: {what}")))
}

async fn read_again(path: &Path) -> Result<dataset::Scan, Fault> {
    let path = path.to_owned();
    let scan = machine::off_thread(move || {
        dataset::scan(&path, &Limits::default(), &mut |_| ControlFlow::Continue(()))
    });
    match scan.await {
        Ok(Ok(scan)) => Ok(scan),
        Ok(Err(error)) => Err(faults::dataset_changed(error.to_string())),
        Err(error) => Err(faults::dataset_broken(format!("an internal error while reading: {error}"))),
    }
}
