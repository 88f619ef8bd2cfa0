//! Reads the end of the log. The log may have any size and hold anything: only its last part is read, and every line is
//! made safe as it comes in.

use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use crate::files::{self, Use};
use crate::text::one_line;

/// The most that is read of it, in bytes.
const MOST: u64 = 256 << 10;

/// The longest line that is kept, in characters.
const LONGEST: usize = 2_000;

/// The end of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The size of all of it.
    pub size: u64,
    /// The oldest first.
    pub lines: Vec<Line>,
    /// Whether there is more before them.
    pub cut: Cut,
}

/// Whether more stands before what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// There does.
    Yes,
    /// It was read from its beginning.
    No,
}

/// A line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it begins: it is known by that, because a log only grows.
    pub at: u64,
    /// How much it matters.
    pub level: Level,
    /// Its text, made safe.
    pub text: String,
}

/// How much a line matters, the least first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Details for who mends the program.
    #[default]
    Debug,
    /// What it does.
    Info,
    /// What may be wrong.
    Warn,
    /// What is.
    Error,
}

impl Level {
    /// The next one up; after the last comes the first.
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Debug => Self::Info,
            Self::Info => Self::Warn,
            Self::Warn => Self::Error,
            Self::Error => Self::Debug,
        }
    }

    /// What is shown from this one on.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Debug => "everything",
            Self::Info => "info and above",
            Self::Warn => "warnings and errors",
            Self::Error => "errors only",
        }
    }

    /// The level that a line of ours names after its time; what has none belongs to the line before it.
    fn of(line: &str) -> Option<Self> {
        let word = line.split_whitespace().nth(1)?;
        match word {
            "ERROR" => Some(Self::Error),
            "WARN" => Some(Self::Warn),
            "INFO" => Some(Self::Info),
            "DEBUG" | "TRACE" => Some(Self::Debug),
            _ => None,
        }
    }
}

/// Reads the end of it; none where it still has the size that is known. A log that is not there is empty: it is made
/// when its first line comes.
pub(super) fn read(path: &Path, known: Option<u64>) -> Result<Option<Tail>, String> {
    let said = |error: std::io::Error| one_line(&format!("`{}`: {error}", path.display()), 300);
    let mut file = match files::open_own(path, Use::Reading) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Some(Tail { size: 0, lines: Vec::new(), cut: Cut::No }));
        }
        Err(error) => return Err(said(error)),
    };
    let size = file.metadata().map_err(said)?.len();
    if known == Some(size) {
        return Ok(None);
    }
    let start = size.saturating_sub(MOST);
    file.seek(SeekFrom::Start(start)).map_err(said)?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).map_err(said)?;
    Ok(Some(tail(&bytes, start, size)))
}

fn tail(bytes: &[u8], start: u64, size: u64) -> Tail {
    let mut at = start;
    let mut lines = Vec::new();
    let mut level = Level::default();
    for (number, raw) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let begins = at;
        at += u64::try_from(raw.len()).unwrap_or(0);
        // the first one was cut in two
        if number == 0 && start > 0 {
            continue;
        }
        let text = one_line(&String::from_utf8_lossy(raw), LONGEST);
        level = Level::of(&text).unwrap_or(level);
        if !text.is_empty() {
            lines.push(Line { at: begins, level, text });
        }
    }
    Tail { size, lines, cut: if start > 0 { Cut::Yes } else { Cut::No } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_read_and_no_more_than_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trunkline.log");
        assert_eq!(read(&path, None).unwrap().unwrap().lines, []);
        let line = format!("2026-11-22T06:04:11Z  INFO trunkline: {}\n", "x".repeat(200));
        std::fs::write(&path, line.repeat(5_000)).unwrap();
        let tail = read(&path, None).unwrap().unwrap();
        assert_eq!(tail.cut, Cut::Yes);
        assert!(tail.lines.len() < 1_200 && tail.lines.len() > 1_000, "{}", tail.lines.len());
        assert!(tail.lines[0].text.starts_with("2026"), "a line that was cut in two is left out");
        assert_eq!(read(&path, Some(tail.size)).unwrap(), None);
    }

    #[test]
    fn lines_are_made_safe_and_what_has_no_level_goes_with_the_line_before() {
        let bytes = b"2026 ERROR trunkline: a\x1b[31m\xff\n  caused by b\n2026  INFO c\n";
        let tail = tail(bytes, 0, 9);
        let shown: Vec<(Level, &str)> =
            tail.lines.iter().map(|line| (line.level, line.text.as_str())).collect();
        let error = Level::Error;
        assert_eq!(
            shown,
            [
                (error, "2026 ERROR trunkline: a [31m\u{fffd}"),
                (error, "caused by b"),
                (Level::Info, "2026 INFO c")
            ]
        );
        assert_eq!(tail.lines[1].at, 30);
    }
}
