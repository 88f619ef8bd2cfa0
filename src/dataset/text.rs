//! The decompressed text, in buffers of whole characters.
//!
//! UTF-8 is checked here, a whole buffer at a time, because that costs next to nothing there and makes everything above
//! simpler: no buffer begins or ends within a character, so the grammar looks at single bytes and a column is a count.
//! A buffer whose records are all gone is filled again; one that a record still points into is left to that record. Buffers
//! are small enough for the processor's own memory: what was just copied there is checked and read from there.

use std::collections::VecDeque;
use std::io::{self, BufReader, Read};

use bytes::{Buf, Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;

use super::place::count;
use super::raw::Raw;
use super::{Compression, DatasetError};

/// How much text is looked at at once.
pub(super) const BUFFER: usize = 256 << 10;
/// The same for a stream, whose writer may be slow: what a pipe can hold, twice.
const STREAM_BUFFER: usize = 128 << 10;
/// Buffers that are kept until all their records are gone.
const MOST_USED: usize = 4;
/// How much compressed data is read at once.
const PACKED_BUFFER: usize = 256 << 10;

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

/// What keeps the text from going on.
#[derive(Debug)]
pub(super) enum Broken {
    /// The file could not be read, or changed.
    Input(DatasetError),
    /// The text itself breaks off here, and why.
    Text(String),
    /// A byte that stands in no UTF-8 text.
    NotUtf8(u8),
}

/// The text of a dataset, from its beginning to its end.
pub(super) struct Text {
    source: Unpacked,
    size: usize,
    /// Looked at, and not yet handed out.
    ahead: Option<Chunk>,
    /// The beginning of a character whose end is not read yet.
    partial: Vec<u8>,
    used: VecDeque<Bytes>,
    /// The bytes of the byte order mark, once the beginning was seen.
    skipped: Option<u64>,
    state: State,
}

enum State {
    Going,
    End,
    Broken(Broken),
}

impl Text {
    /// The text of a file or stream, decompressed if it begins like something compressed.
    pub(super) fn new(raw: Raw) -> Result<Self, DatasetError> {
        let size = if raw.is_stream() { STREAM_BUFFER } else { BUFFER };
        Self::with_buffer(raw, size)
    }

    /// The same in buffers of some other size.
    pub(super) fn with_buffer(raw: Raw, size: usize) -> Result<Self, DatasetError> {
        Ok(Self {
            source: Unpacked::new(raw)?,
            size,
            ahead: None,
            partial: Vec::new(),
            used: VecDeque::new(),
            skipped: None,
            state: State::Going,
        })
    }

    pub(super) const fn compression(&self) -> Compression {
        match self.source {
            Unpacked::Plain(_) => Compression::None,
            Unpacked::Gzip(_) => Compression::Gzip,
            Unpacked::Zstd(_) => Compression::Zstd,
        }
    }

    /// The file or stream below.
    pub(super) fn raw(&self) -> &Raw {
        match &self.source {
            Unpacked::Plain(raw) => raw,
            Unpacked::Gzip(decoder) => decoder.get_ref().get_ref(),
            Unpacked::Zstd(decoder) => decoder.get_ref().get_ref(),
        }
    }

    /// The same, to read on in it whatever became of its text.
    pub(super) fn raw_mut(&mut self) -> &mut Raw {
        match &mut self.source {
            Unpacked::Plain(raw) => raw,
            Unpacked::Gzip(decoder) => decoder.get_mut().get_mut(),
            Unpacked::Zstd(decoder) => decoder.get_mut().get_mut(),
        }
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
                    let (mut bytes, is_ascii) = self.fill();
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
        Ok(Look { bytes: self.ahead.as_ref().map_or(&[], |chunk| &chunk.bytes), end })
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

    /// Fills one buffer as far as the source goes, and says in `state` how it goes on. Tells whether all of it is ASCII, too.
    fn fill(&mut self) -> (Bytes, bool) {
        let mut buffer = self.spare();
        let mut filled = self.partial.len();
        // kept as long as it was: only what is new to the buffer is written over with zeros
        buffer.resize(filled + self.size, 0);
        if let Some(front) = buffer.get_mut(..filled) {
            front.copy_from_slice(&self.partial);
        }
        self.partial.clear();
        self.state = State::Going;
        let at_once = self.raw().is_stream();
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.source.read(rest) {
                Ok(0) => {
                    self.state = State::End;
                    break;
                }
                Ok(length) => filled += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.state = State::Broken(self.source.explain(error));
                    break;
                }
            }
            if at_once {
                break;
            }
        }
        buffer.truncate(filled);
        let is_ascii = buffer.is_ascii();
        if !is_ascii {
            self.keep_whole_characters(&mut buffer);
        }
        (buffer.freeze(), is_ascii)
    }

    fn keep_whole_characters(&mut self, buffer: &mut BytesMut) {
        let Err(error) = std::str::from_utf8(buffer) else { return };
        let rest = buffer.get(error.valid_up_to()..).unwrap_or_default();
        match (error.error_len(), &self.state) {
            (Some(_), _) => {
                self.state = State::Broken(Broken::NotUtf8(rest.first().copied().unwrap_or_default()));
            }
            (None, State::End) => {
                self.state = State::Broken(Broken::Text(
                    "the text ends in the middle of a character: it is cut off".to_owned(),
                ));
            }
            (None, _) => self.partial.extend_from_slice(rest),
        }
        buffer.truncate(error.valid_up_to());
    }
}

/// What lies ahead in the text.
pub(super) struct Look<'a> {
    pub(super) bytes: &'a [u8],
    /// How the text ends, if it ends right after these bytes.
    pub(super) end: Option<Ends>,
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

/// What is above the file and below the text.
enum Unpacked {
    Plain(Raw),
    Gzip(Box<MultiGzDecoder<BufReader<Raw>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Raw>>>),
}

impl Unpacked {
    fn new(raw: Raw) -> Result<Self, DatasetError> {
        let compression = compression(raw.magic());
        if compression == Compression::None {
            return Ok(Self::Plain(raw));
        }
        let path = raw.path().to_owned();
        let packed = BufReader::with_capacity(PACKED_BUFFER, raw);
        if compression == Compression::Gzip {
            return Ok(Self::Gzip(Box::new(MultiGzDecoder::new(packed))));
        }
        zstd::stream::read::Decoder::with_buffer(packed)
            .map(|decoder| Self::Zstd(Box::new(decoder)))
            .map_err(|source| DatasetError::Read { path, source })
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(raw) => raw.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }

    fn explain(&self, error: io::Error) -> Broken {
        let name = match self {
            Self::Plain(_) => "file's",
            Self::Gzip(_) => "gzip",
            Self::Zstd(_) => "zstd",
        };
        match error.downcast::<DatasetError>() {
            Ok(error) => Broken::Input(error),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Broken::Text(format!(
                "the {name} data is cut off here: the file was not written or copied to its end"
            )),
            Err(error) => {
                Broken::Text(format!("the {name} data is damaged here ({error}): get the file anew"))
            }
        }
    }
}

/// What compressed data begins with: RFC 1952 §2.3.1, RFC 8878 §3.1.1 and §3.1.2 (a skippable frame).
fn compression(magic: &[u8]) -> Compression {
    match magic {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Compression::Zstd,
        _ => Compression::None,
    }
}
