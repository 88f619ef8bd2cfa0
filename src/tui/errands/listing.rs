//! Looks at many failures: pages, causes, and those that an act is about.

use std::path::{Path, PathBuf};

use crate::journal::{Contents, FailureRow, JournalError, Query, Reader, RunRow, View};
use crate::model::{FailureId, FailureState};
use crate::plan::Plan;
use crate::report::{Outlet, ReportError, TableFormat, write_failures};
use crate::tui::failures::{Anchor, Causes, MarkSet, Page, SIDE, Scope, Split, Wanted};

/// Failures that are looked at in one go.
const MANY: u32 = 2_000;

const ALL_STATES: [FailureState; 4] =
    [FailureState::Failed, FailureState::Invalid, FailureState::Dismissed, FailureState::Delivered];

fn long(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

pub(super) fn page(reader: &Reader, run: &RunRow, wanted: &Wanted) -> Result<Page, JournalError> {
    let query = &wanted.query;
    let without = Contents::Without;
    let (rows, at, before) = match wanted.anchor {
        Anchor::Start => (reader.failures(run, query, None, SIDE * 2, without)?, 0, Some(0)),
        Anchor::End => (reader.failures_before(run, query, None, SIDE * 2, without)?, 0, None),
        Anchor::Around(id) => around(reader, run, query, id)?,
    };
    let (total, open) = reader.count_failures(run, query)?;
    let before = before.unwrap_or_else(|| total.saturating_sub(long(rows.len())));
    let total = total.max(before + long(rows.len()));
    let (all, _) = of_the_run(reader, run)?;
    Ok(Page { edition: wanted.edition, anchor: wanted.anchor, rows, at, before, total, open, all })
}

/// All failures of the run, and those of them that are open.
fn of_the_run(reader: &Reader, run: &RunRow) -> Result<(u64, u64), JournalError> {
    reader.count_failures(run, &Query { view: View::All, ..Query::default() })
}

/// Rows, how many of them stand before the failure, and how many stand before the first of them.
type Rows = (Vec<FailureRow>, usize, Option<u64>);

fn around(reader: &Reader, run: &RunRow, query: &Query, id: FailureId) -> Result<Rows, JournalError> {
    let mut rows = reader.failures_before(run, query, Some(id), SIDE, Contents::Without)?;
    let at = rows.len();
    let before = reader.count_failures_before(run, query, id)?.saturating_sub(long(at));
    rows.extend(reader.failures_from(run, query, id, SIDE, Contents::Without)?);
    Ok((rows, at, Some(before)))
}

pub(super) fn causes(
    reader: &Reader,
    run: &RunRow,
    edition: u64,
    query: &Query,
) -> Result<Causes, JournalError> {
    let list = reader.causes(run, query)?;
    let (all, open) = of_the_run(reader, run)?;
    Ok(Causes { edition, list, all, open })
}

/// How many of the marks are not among those that the query means.
pub(super) fn marks_out(
    reader: &Reader,
    run: &RunRow,
    query: &Query,
    marks: &MarkSet,
) -> Result<u64, JournalError> {
    let seen = reader.failures_in(run, query, &ALL_STATES)?;
    let seen = seen.iter().filter(|id| marks.contains(id)).count();
    Ok(long(marks.len().saturating_sub(seen)))
}

/// The failures of this moment, split by what can be done with them.
pub(super) fn many(reader: &Reader, run: &RunRow, scope: &Scope) -> Result<Split, JournalError> {
    let mut split = Split::default();
    if scope.purpose == crate::tui::failures::Purpose::Mark {
        split.ids = reader.failures_in(run, &scope.query, &ALL_STATES)?;
        return Ok(split);
    }
    if let Ok(plan) = Plan::from_toml(&run.plan) {
        split.rate = plan.delivery.rate;
        split.stops_after = plan.delivery.fault_after;
    }
    let mut after = None;
    loop {
        let rows = reader.failures(run, &scope.query, after, MANY, Contents::Without)?;
        let Some(last) = rows.last() else { return Ok(split) };
        after = Some(last.id);
        let meant = |row: &&FailureRow| scope.marked.as_ref().is_none_or(|marks| marks.contains(&row.id));
        for row in rows.iter().filter(meant) {
            split.add(row, run.operation);
        }
    }
}

/// Writes failures into a file that is not there yet; `stopped` says whether nobody wants it any more.
pub(super) fn write(
    reader: &Reader,
    run: &RunRow,
    query: &Query,
    to: (&Path, TableFormat),
    stopped: &dyn Fn() -> bool,
) -> Result<PathBuf, String> {
    let (path, format) = to;
    let path = at_home(path);
    let said = |error: &ReportError| error.to_string().lines().next().unwrap_or_default().to_owned();
    let outlet = Outlet::fresh(&path).map_err(|error| said(&error))?;
    let mut out = Stoppable { outlet, stopped };
    write_failures(&mut out, reader, run, query, format)
        .map_err(|error| if stopped() { "it was stopped".to_owned() } else { said(&error) })?;
    out.outlet.finish().map_err(|error| said(&error))?;
    Ok(path)
}

/// `~/…` is in the person's home.
fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// A report that ends early where nobody wants it any more.
struct Stoppable<'a> {
    outlet: Outlet,
    stopped: &'a dyn Fn() -> bool,
}

impl std::io::Write for Stoppable<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if (self.stopped)() {
            return Err(std::io::Error::other("it was stopped"));
        }
        self.outlet.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.outlet.flush()
    }
}
