//! The decompressed text, in buffers of whole characters.
//!
//! UTF-8 is checked here, a whole buffer at a time, because that costs next to nothing there and makes everything above
//! simpler: no buffer begins or ends within a character, so the grammar looks at single bytes and a column is a count.
//! A buffer whose records are all gone is filled again; one that a record still points into is left to that record. Buffers
//! are small enough for the processor's own memory: what was just copied there is checked and read from there.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use bytes::{Buf, Bytes, BytesMut};

use super::filling::{Broken, Filled, Filling, State};
use super::place::count;
use super::raw::Raw;
use super::unpacked::Unpacked;
use super::{Compression, DatasetError, Place};

/// How much text is looked at at once.
pub(super) const BUFFER: usize = 256 << 10;
/// The same for a stream, whose writer may be slow: what a pipe can hold, twice.
const STREAM_BUFFER: usize = 128 << 10;
/// Buffers that are kept until all their records are gone.
const MOST_USED: usize = 4;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Some text, of whole characters.
#[derive(Debug, Clone, Default)]
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    is_ascii: bool,
    /// Whether a line ends in it: in many an array none does.
    pub(super) has_lines: bool,
}

impl Chunk {
    fn new(bytes: Bytes, is_ascii: bool) -> Self {
        Self { is_ascii, has_lines: memchr::memchr(b'\n', &bytes).is_some(), bytes }
    }

    fn of(bytes: BytesMut) -> Self {
        let is_ascii = bytes.is_ascii();
        Self::new(bytes.freeze(), is_ascii)
    }

    /// How many characters some part of this chunk has.
    pub(super) fn characters(&self, part: &[u8]) -> u64 {
        const CONTINUES: u8 = 0b1000_0000;
        if self.is_ascii {
            return count(part.len());
        }
        count(part.iter().filter(|&&byte| byte & 0b1100_0000 != CONTINUES).count())
    }
}

/// The text of a dataset, from its beginning to its end.
pub(super) struct Text {
    path: PathBuf,
    compression: Compression,
    filling: Filling,
    /// Looked at, and not yet handed out.
    ahead: Option<Chunk>,
    used: VecDeque<Bytes>,
    /// The bytes of the byte order mark, once the beginning was seen.
    skipped: Option<u64>,
    state: State,
    read: u64,
}

impl Text {
    /// The text of a file or stream, decompressed if it begins like something compressed.
    pub(super) fn new(raw: Raw) -> Result<Self, DatasetError> {
        let size = if raw.is_stream() { STREAM_BUFFER } else { BUFFER };
        Self::with_buffer(raw, size)
    }

    /// The same in buffers of some other size.
    pub(super) fn with_buffer(raw: Raw, size: usize) -> Result<Self, DatasetError> {
        let path = raw.path().to_owned();
        let source = Unpacked::new(raw)?;
        Ok(Self {
            path,
            compression: source.compression(),
            filling: Filling::new(source, size),
            ahead: None,
            used: VecDeque::new(),
            skipped: None,
            state: State::Going,
            read: 0,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn compression(&self) -> Compression {
        self.compression
    }

    /// The bytes of the file or stream that were read for the text so far.
    pub(super) const fn read(&self) -> u64 {
        self.read
    }

    /// The file or stream below, to read on in it whatever became of its text.
    pub(super) fn into_raw(self) -> Result<Raw, DatasetError> {
        self.filling.into_raw()
    }

    /// The bytes of the byte order mark. Known once something was read.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped.unwrap_or_default()
    }

    /// More text; `None` is its end. The text before a break comes first, then the break.
    pub(super) fn next(&mut self) -> Result<Option<Chunk>, Broken> {
        if let Some(chunk) = self.ahead.take() {
            return Ok(Some(chunk));
        }
        loop {
            match std::mem::replace(&mut self.state, State::End) {
                State::End => return Ok(None),
                State::Broken(broken) => return Err(broken),
                State::Going => {
                    let spare = self.spare();
                    let Filled { mut bytes, is_ascii, then, read } = self.filling.next(spare);
                    self.state = then;
                    self.read = self.read.max(read);
                    if bytes.is_empty() {
                        continue;
                    }
                    if self.skipped.is_none() {
                        let mark = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
                        bytes.advance(mark);
                        self.skipped = Some(count(mark));
                    }
                    if !bytes.is_empty() {
                        return Ok(Some(Chunk::new(bytes, is_ascii)));
                    }
                }
            }
        }
    }

    /// Looks ahead until there is enough, or no more.
    pub(super) fn look(&mut self, enough: impl Fn(&[u8]) -> bool) -> Result<Look<'_>, Broken> {
        let mut seen = BytesMut::new();
        let mut end = None;
        let ahead = loop {
            match self.next() {
                Ok(Some(chunk)) if seen.is_empty() && enough(&chunk.bytes) => break chunk,
                Ok(Some(chunk)) => {
                    seen.extend_from_slice(&chunk.bytes);
                    if enough(&seen) {
                        break Chunk::of(seen);
                    }
                }
                Ok(None) => {
                    end = Some(Ends::Whole);
                    break Chunk::of(seen);
                }
                Err(Broken::Input(error)) => return Err(Broken::Input(error)),
                Err(broken) => {
                    end = Some(match broken {
                        Broken::NotUtf8(byte) => Ends::NotUtf8(byte),
                        _ => Ends::Broken,
                    });
                    self.state = State::Broken(broken);
                    break Chunk::of(seen);
                }
            }
        };
        if !ahead.bytes.is_empty() {
            self.ahead = Some(ahead);
        }
        let skipped = self.skipped();
        Ok(Look { bytes: self.ahead.as_ref().map_or(&[], |chunk| &chunk.bytes), skipped, end })
    }

    /// Takes a chunk back whose text is no longer needed.
    pub(super) fn recycle(&mut self, chunk: Chunk) {
        if self.used.len() == MOST_USED {
            self.used.pop_front();
        }
        self.used.push_back(chunk.bytes);
    }

    /// A buffer whose records are gone, or a new one.
    fn spare(&mut self) -> BytesMut {
        for _ in 0..self.used.len() {
            match self.used.pop_front().map(Bytes::try_into_mut) {
                Some(Ok(buffer)) => return buffer,
                Some(Err(bytes)) => self.used.push_back(bytes),
                None => break,
            }
        }
        BytesMut::new()
    }
}

/// What lies ahead in the text.
pub(super) struct Look<'a> {
    pub(super) bytes: &'a [u8],
    /// Bytes of the file before these.
    skipped: u64,
    /// How the text ends, if it ends right after these bytes.
    pub(super) end: Option<Ends>,
}

impl Look<'_> {
    /// Where one of its bytes stands.
    pub(super) fn place_of(&self, at: usize) -> Place {
        let before = String::from_utf8_lossy(self.bytes.get(..at).unwrap_or_default());
        let line = before.rsplit('\n').next().unwrap_or_default();
        Place {
            line: 1 + count(before.matches('\n').count()),
            column: 1 + count(line.chars().count()),
            byte: self.skipped + count(at),
        }
    }
}

/// How a text ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// As it should.
    Whole,
    /// It breaks off.
    Broken,
    /// With a byte that stands in no UTF-8 text.
    NotUtf8(u8),
}
