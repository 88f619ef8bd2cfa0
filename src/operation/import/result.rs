//! What an import's result says: how many rows went in, and which did not.
//!
//! A result may be a document of a gigabyte with millions of rows, so it is read as it stands in its file and each row
//! is handed over by itself. It is read twice: first to its end, to know that it is whole and where in it the result
//! stands, and then for its rows. So nobody is handed the first half of something that turns out to be none.
//!
//! It is read leniently, as it comes from many tools: a number may stand in quotes, and what is missing is not there.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::files::{self, Use};
use crate::text::one_line;

mod pass;
#[cfg(test)]
mod tests;

use pass::{Pass, Section};

/// The most characters of a code.
const CODE_LENGTH: usize = 200;
/// The most characters of a row's message: there may be millions.
const MESSAGE_LENGTH: usize = 512;
/// The most bytes of one row. Beyond it the document is nothing that we know.
const ROW_BYTES: u64 = 1 << 20;
/// How deep a document may be nested, also where it is passed over: whoever reads it remembers each level.
const LEVELS: u32 = 128;

/// Where a result is read from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A document that was fetched: the result itself, or one that has it under `result`.
    File(PathBuf),
    /// A job's own answer, which has its result under `result`.
    Answer(bytes::Bytes),
}

/// What a source holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A result.
    Result(Summary),
    /// Something else, in which nothing is counted. A file of it is kept as it is.
    Other {
        /// Why it is none, safe to be shown.
        reason: String,
        /// Whether it begins as a result does, and cannot be read to its end: what it would have said is known to nobody.
        broken: bool,
    },
}

/// A result's numbers. What the platform did not say is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows that went in.
    pub imported: Option<u64>,
    /// Rows that did not.
    pub failed: Option<u64>,
    /// Rows that were there already.
    pub duplicate: Option<u64>,
    /// Entries of the result's `errors`: as many as [`Source::rows`] hands over.
    pub rows: u64,
}

/// One entry of a result's `errors`. All texts are single lines, safe to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The platform's code for it.
    pub code: Option<String>,
    /// What the platform said; the code where it said nothing else.
    pub message: String,
    /// The row in the imported file, as the platform counts.
    pub row: Option<u64>,
}

/// Why a source cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("reading the result in `{path}`: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is not what it was when it was counted.
    #[error("reading the result in `{path}`: it changed while it was read")]
    Changed {
        /// The file.
        path: String,
    },
}

impl Source {
    /// Reads it to its end and says what it holds. Takes constant memory; blocks while it reads.
    ///
    /// # Errors
    ///
    /// Only where the file cannot be read. What is no result is [`Content::Other`].
    pub fn content(&self) -> Result<Content, ReadError> {
        match self.pass(&mut |_, _| Ok::<_, ReadError>(()))? {
            Ok(pass) => Ok(match self.section(&pass) {
                Some(section) => Content::Result(pass.summary(section)),
                None => Content::Other {
                    reason: "it holds no numbers of rows and no `errors`".to_owned(),
                    broken: false,
                },
            }),
            Err(reason) => Ok(Content::Other { reason, broken: self.is_begun() }),
        }
    }

    /// Whether it begins as a JSON object.
    fn is_begun(&self) -> bool {
        let mut head = Vec::new();
        let read = match self {
            Self::File(path) => {
                files::open_own(path, Use::Reading).and_then(|file| file.take(1024).read_to_end(&mut head))
            }
            Self::Answer(bytes) => bytes.as_ref().take(1024).read_to_end(&mut head),
        };
        let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
        read.is_ok() && first == Some(&b'{')
    }

    /// Hands over each entry of the result's `errors`, in their order, until the taker refuses one. Nothing is handed
    /// over of what is no result.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, or with the taker's own error.
    pub fn rows<E: From<ReadError>>(&self, mut take: impl FnMut(RowError) -> Result<(), E>) -> Result<(), E> {
        let Ok(first) = self.pass(&mut |_, _| Ok::<_, ReadError>(()))? else { return Ok(()) };
        let Some(section) = self.section(&first) else { return Ok(()) };
        let again = self.pass(&mut |place, row| if place == section { take(row) } else { Ok(()) })?;
        match again {
            Ok(again) if again == first => Ok(()),
            _ => Err(ReadError::Changed { path: self.shown() }.into()),
        }
    }

    /// Where in the document the result stands. One under `result` goes before the document itself: a job's answer has
    /// `errors` of its own beside it.
    fn section(&self, pass: &Pass) -> Option<Section> {
        let places = match self {
            Self::File(_) => &[Section::UnderResult, Section::Top][..],
            Self::Answer(_) => &[Section::UnderResult],
        };
        places.iter().copied().find(|&place| pass.holds(place))
    }

    /// Reads it once. The inner error says why it is no document that could hold a result.
    fn pass<E: From<ReadError>>(
        &self,
        take: &mut dyn FnMut(Section, RowError) -> Result<(), E>,
    ) -> Result<Result<Pass, String>, E> {
        let refuse = |source| ReadError::File { path: self.shown(), source };
        let ended = match self {
            Self::File(path) => {
                let file = files::open_own(path, Use::Reading).map_err(refuse)?;
                read(BufReader::with_capacity(256 << 10, file), take)
            }
            Self::Answer(bytes) => read(bytes.as_ref(), take),
        };
        match ended {
            Ok(pass) => Ok(Ok(pass)),
            Err(Ended::NoResult(reason)) => Ok(Err(reason)),
            Err(Ended::Unread(source)) => Err(refuse(source).into()),
            Err(Ended::Taker(error)) => Err(error),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::File(path) => shown(path),
            Self::Answer(_) => "the job's answer".to_owned(),
        }
    }
}

fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy(), 255)
}

/// What ended a pass before its time.
enum Ended<E> {
    NoResult(String),
    Unread(io::Error),
    Taker(E),
}

fn read<E>(
    mut text: impl BufRead,
    take: &mut dyn FnMut(Section, RowError) -> Result<(), E>,
) -> Result<Pass, Ended<E>> {
    if text.fill_buf().map_err(Ended::Unread)?.starts_with(b"\xef\xbb\xbf") {
        text.consume(3);
    }
    let left = Cell::new(ROW_BYTES);
    let mut refused = None;
    let mut hand_over = |place, row| match take(place, row) {
        Ok(()) => true,
        Err(error) => {
            refused = Some(error);
            false
        }
    };
    let nesting = Nesting::default();
    let ended = pass::run(Measured { text, left: &left, nesting: &nesting }, &left, &mut hand_over);
    ended.map_err(|error| match refused {
        Some(error) => Ended::Taker(error),
        None if left.get() == 0 => {
            Ended::NoResult("a name, a number or a row in it is over 1 MiB".to_owned())
        }
        None if nesting.is_too_deep() => Ended::NoResult(format!("it is nested deeper than {LEVELS} levels")),
        None if error.is_io() => Ended::Unread(error.into()),
        None => Ended::NoResult(one_line(&format!("it is no JSON that can be read: {error}"), 300)),
    })
}

/// Hands out no more bytes than are left, and none of what is nested too deep, so that nothing that must be held at once is
/// larger.
struct Measured<'c, R> {
    text: R,
    left: &'c Cell<u64>,
    nesting: &'c Nesting,
}

impl<R: Read> Read for Measured<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        let most = into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if most == 0 && !into.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.text.read(into.get_mut(..most).unwrap_or_default())?;
        self.left.set(left.saturating_sub(read as u64));
        self.nesting.follow(into.get(..read).unwrap_or_default());
        if self.nesting.is_too_deep() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(read)
    }
}

/// How deep a document is nested at the place up to which it was read.
#[derive(Default)]
struct Nesting {
    levels: Cell<u32>,
    within: Cell<Within>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Within {
    #[default]
    Structure,
    Text,
    /// Behind a `\` of a text.
    Escape,
}

impl Nesting {
    fn follow(&self, bytes: &[u8]) {
        for byte in bytes {
            // whoever is told that reads on a little before it gives up
            if self.is_too_deep() {
                return;
            }
            let (levels, within) = (self.levels.get(), self.within.get());
            let now = match (within, byte) {
                (Within::Text, b'\\') => Within::Escape,
                (Within::Structure, b'"') | (Within::Escape, _) => Within::Text,
                (Within::Text, b'"') => Within::Structure,
                (within, _) => within,
            };
            self.within.set(now);
            self.levels.set(match (within, byte) {
                (Within::Structure, b'[' | b'{') => levels.saturating_add(1),
                (Within::Structure, b']' | b'}') => levels.saturating_sub(1),
                _ => levels,
            });
        }
    }

    const fn is_too_deep(&self) -> bool {
        self.levels.get() > LEVELS
    }
}
