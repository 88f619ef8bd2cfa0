//! *2 Datasets*: the files of a folder that can be sent.
//!
//! Rows are known by their names, so that a folder that is read again keeps the cursor and the marks where they were.
//! What was counted is kept for as long as a file stays the same.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use tui_input::Input;

use super::files::{Count, FileKind, Listing, Stamp};
use crate::model::OperationKind;

/// The name of the row that leads to the folder above.
pub(super) const UP: &str = "..";

/// The state of the pane.
#[derive(Debug, Default)]
pub(super) struct Datasets {
    /// Where this process stands: names that are not absolute are taken from here.
    pub start: PathBuf,
    /// The person's own folder.
    pub home: Option<PathBuf>,
    /// The folder that is shown.
    pub folder: PathBuf,
    pub listed: Listed,
    rows: Vec<Row>,
    places: HashMap<OsString, usize>,
    /// The rows that the narrowing leaves, by their places.
    shown: Vec<usize>,
    /// The row under the cursor, by its name.
    pub cursor: Option<OsString>,
    /// Where the cursor was in folders that were left.
    cursors: BTreeMap<PathBuf, OsString>,
    /// The first row to be seen.
    top: usize,
    /// Files that are marked, in the order in which they were.
    pub marks: Vec<PathBuf>,
    pub narrow: Narrow,
    counts: HashMap<PathBuf, Count>,
    pub counting: Option<Counting>,
    pub counts_go: CountsGo,
    /// All rows before this one are counted, or need not be.
    next: usize,
    /// Files that are to be counted first: those of a new run.
    pub wanted: Vec<PathBuf>,
    /// Whether the pane had the keys when it was looked at last.
    pub looked_at: LookedAt,
    /// What the last new run was to be sent, and what it was to do.
    pub last: Vec<PathBuf>,
    pub last_kind: Option<OperationKind>,
}

/// How far the folder is known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Listed {
    /// It is being read.
    #[default]
    Coming,
    /// It is here.
    Here,
    /// It can't be read, with the reason.
    Refused(String),
}

/// A row.
#[derive(Debug)]
pub(super) struct Row {
    pub name: OsString,
    /// For a person to read.
    pub words: String,
    lower: String,
    pub kind: FileKind,
    pub stamp: Stamp,
}

/// The line with which names are narrowed.
#[derive(Debug, Default)]
pub(super) struct Narrow {
    pub text: Input,
    pub line: Line,
}

/// Whether a line of text takes the keys.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    #[default]
    Closed,
    Open,
}

/// Whether records are counted in the background.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum CountsGo {
    #[default]
    On,
    /// The person stopped it, for this folder.
    Stopped,
}

/// Whether the pane has the keys.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookedAt {
    #[default]
    No,
    Yes,
}

/// A count that goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Counting {
    pub path: PathBuf,
    /// Bytes read, of how many.
    pub far: (u64, u64),
}

impl Datasets {
    /// Goes to a folder: it has to be read. The cursor will be where it was there, or on `name`.
    pub fn enter(&mut self, folder: PathBuf, name: Option<OsString>) {
        if let Some(cursor) = self.cursor.take() {
            self.cursors.insert(self.folder.clone(), cursor);
        }
        self.cursor = name.or_else(|| self.cursors.get(&folder).cloned());
        self.folder = folder;
        self.listed = Listed::Coming;
        self.narrow = Narrow::default();
        self.counts_go = CountsGo::On;
        self.rows.clear();
        self.settle_rows();
        self.top = 0;
    }

    /// Takes in what is in the folder.
    pub fn take(&mut self, listed: Result<Vec<Listing>, String>) {
        self.rows.clear();
        if self.folder.parent().is_some() {
            self.rows.push(Row::of(UP.into(), FileKind::Folder, Stamp::default()));
        }
        match listed {
            Ok(listed) => {
                self.listed = Listed::Here;
                self.rows.extend(listed.into_iter().map(|one| Row::of(one.name, one.kind, one.stamp)));
            }
            Err(why) => self.listed = Listed::Refused(why),
        }
        self.settle_rows();
    }

    fn settle_rows(&mut self) {
        self.places = self.rows.iter().enumerate().map(|(place, row)| (row.name.clone(), place)).collect();
        self.next = 0;
        self.narrow();
    }

    /// Leaves only the names that hold the text.
    pub fn narrow(&mut self) {
        let text = self.narrow.text.value().to_lowercase();
        self.shown = (0..self.rows.len())
            .filter(|place| {
                text.is_empty()
                    || self.rows.get(*place).is_some_and(|row| row.lower.contains(&text) && row.name != UP)
            })
            .collect();
        let there = self.cursor.as_ref().is_some_and(|name| self.place_of(name).is_some());
        if !there {
            // the first dataset, or else the first that is not the way back
            let dataset = self.shown().find(|row| row.kind == FileKind::Dataset);
            let first = dataset.or_else(|| self.shown().find(|row| row.name != UP));
            let first = first.or_else(|| self.shown().next()).map(|row| row.name.clone());
            // a folder that is still being read keeps the name that it was entered with
            if first.is_some() || self.listed != Listed::Coming {
                self.cursor = first;
            }
        }
    }

    fn shown(&self) -> impl Iterator<Item = &Row> {
        self.shown.iter().filter_map(|place| self.rows.get(*place))
    }

    /// Where a row stands among those that are shown.
    fn place_of(&self, name: &OsStr) -> Option<usize> {
        self.places.get(name).and_then(|place| self.shown.binary_search(place).ok())
    }

    /// How many rows are shown, the way to the folder above left out.
    pub fn count(&self) -> usize {
        self.shown.len() - usize::from(self.shown().next().is_some_and(|row| row.name == UP))
    }

    /// The place of the cursor among the rows that are shown.
    pub fn at(&self) -> Option<usize> {
        self.cursor.as_deref().and_then(|name| self.place_of(name))
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&Row> {
        self.at().and_then(|at| self.shown.get(at)).and_then(|place| self.rows.get(*place))
    }

    /// Moves the cursor to a place, or as near as there is one.
    pub fn go(&mut self, place: usize) {
        let place = place.min(self.shown.len().saturating_sub(1));
        if let Some(row) = self.shown.get(place).and_then(|place| self.rows.get(*place)) {
            self.cursor = Some(row.name.clone());
        }
    }

    /// The first row to be seen, so that the cursor is among so many.
    pub fn settle(&mut self, height: usize) {
        let at = self.at().unwrap_or(0);
        let last = self.shown.len().saturating_sub(height);
        self.top = self.top.min(at).max((at + 1).saturating_sub(height)).min(last);
    }

    /// The rows that are to be seen.
    pub fn visible(&self, height: usize) -> impl Iterator<Item = &Row> {
        self.shown.iter().skip(self.top).take(height).filter_map(|place| self.rows.get(*place))
    }

    /// Where a row of the folder is.
    pub fn path_of(&self, name: &OsStr) -> PathBuf {
        if name == UP {
            return self.folder.parent().unwrap_or(&self.folder).to_owned();
        }
        self.folder.join(name)
    }

    /// What was counted in a file, if it is still as it was then.
    pub fn counted(&self, path: &Path, stamp: Stamp) -> Option<&Result<u64, String>> {
        self.counts.get(path).filter(|count| count.stamp == stamp).map(|count| &count.records)
    }

    /// Keeps what was counted.
    pub fn keep_count(&mut self, path: PathBuf, count: Count) {
        self.wanted.retain(|wanted| *wanted != path);
        if self.counting.as_ref().is_some_and(|counting| counting.path == path) {
            self.counting = None;
        }
        // a file that changed while the folder was shown is shown as it is now
        if path.parent() == Some(&*self.folder)
            && let Some(row) = path.file_name().and_then(|name| self.places.get(name)).copied()
            && let Some(row) = self.rows.get_mut(row)
        {
            row.stamp = count.stamp;
        }
        self.counts.insert(path, count);
    }

    /// The file that is to be counted next: what a new run waits for, the one under the cursor, then one after another.
    pub fn next_to_count(&mut self) -> Option<PathBuf> {
        if let Some(wanted) = self.wanted.first() {
            return Some(wanted.clone());
        }
        if self.counts_go == CountsGo::Stopped || self.looked_at == LookedAt::No {
            return None;
        }
        if let Some(row) = self.current().filter(|row| row.kind == FileKind::Dataset) {
            let path = self.folder.join(&row.name);
            if self.counted(&path, row.stamp).is_none() {
                return Some(path);
            }
        }
        while let Some(row) = self.rows.get(self.next) {
            let path = self.folder.join(&row.name);
            if row.kind == FileKind::Dataset && self.counted(&path, row.stamp).is_none() {
                return Some(path);
            }
            self.next += 1;
        }
        None
    }

    /// Marks a file, or unmarks it.
    pub fn mark(&mut self, path: PathBuf) {
        if let Some(place) = self.marks.iter().position(|marked| *marked == path) {
            self.marks.remove(place);
        } else {
            self.marks.push(path);
        }
    }

    /// A path for a person to read: what is below their own folder begins with `~`.
    pub fn words_of(&self, path: &Path) -> String {
        match self.home.as_deref().and_then(|home| path.strip_prefix(home).ok()) {
            Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
            Some(rest) => format!("~/{}", rest.to_string_lossy()),
            None => path.to_string_lossy().into_owned(),
        }
    }

    /// The absolute name, or pattern, that a person means.
    pub fn absolute(&self, typed: &str) -> String {
        let home = self.home.as_deref().and_then(Path::to_str);
        match (home, typed.strip_prefix('~')) {
            (Some(home), Some("")) => return home.to_owned(),
            (Some(home), Some(rest)) if rest.starts_with('/') => {
                return format!("{}{rest}", below(home, rest));
            }
            _ => {}
        }
        if Path::new(typed).is_absolute() {
            return typed.to_owned();
        }
        let start = self.start.to_string_lossy();
        let start = below(&start, typed);
        Path::new(&start).join(typed).to_string_lossy().into_owned()
    }
}

/// A folder before a name that may be a pattern: only the person's own part is one.
fn below(folder: &str, name: &str) -> String {
    if name.contains(['*', '?', '[']) { glob::Pattern::escape(folder) } else { folder.to_owned() }
}

impl Row {
    fn of(name: OsString, kind: FileKind, stamp: Stamp) -> Self {
        let words = name.to_string_lossy().into_owned();
        Self { lower: words.to_lowercase(), words, name, kind, stamp }
    }
}
