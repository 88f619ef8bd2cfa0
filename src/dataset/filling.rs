//! Fills buffers with text, on a thread of its own for a large file: what comes next is read, unpacked, hashed and checked
//! while what came before is looked at.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::JoinHandle;

use bytes::{Bytes, BytesMut};

use super::DatasetError;
use super::raw::Raw;
use super::unpacked::Unpacked;
use crate::machine;

/// A file of so many bytes is read on a thread of its own.
const LARGE: u64 = 4 << 20;
/// Buffers that are filled and not yet asked for.
const MOST_AHEAD: usize = 1;

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

/// How the text goes on.
#[derive(Debug)]
pub(super) enum State {
    Going,
    End,
    Broken(Broken),
}

/// A buffer of text, of whole characters.
pub(super) struct Filled {
    pub(super) bytes: Bytes,
    pub(super) is_ascii: bool,
    /// How it goes on behind these.
    pub(super) then: State,
    /// Bytes of the file that were read so far.
    pub(super) read: u64,
}

/// Who fills the buffers.
pub(super) enum Filling {
    Here(Box<Filler>),
    Ahead(Ahead),
}

impl Filling {
    pub(super) fn new(source: Unpacked, size: usize) -> Self {
        let is_large = source.raw().length().is_some_and(|length| length >= LARGE);
        let filler = Box::new(Filler { source, size, partial: Vec::new() });
        if is_large && !machine::is_held() { Ahead::begin(filler) } else { Self::Here(filler) }
    }

    /// The next buffer, in the place of one whose records are gone.
    pub(super) fn next(&mut self, spare: BytesMut) -> Filled {
        match self {
            Self::Here(filler) => filler.fill(spare),
            Self::Ahead(ahead) => ahead.next(spare),
        }
    }

    /// The file or stream below, to read on in it whatever became of its text.
    pub(super) fn into_raw(self) -> Result<Raw, DatasetError> {
        let filler = match self {
            Self::Here(filler) => filler,
            Self::Ahead(ahead) => ahead.end()?,
        };
        Ok(filler.source.into_raw())
    }
}

/// Fills one buffer after the other.
pub(super) struct Filler {
    source: Unpacked,
    size: usize,
    /// The beginning of a character whose end is not read yet.
    partial: Vec<u8>,
}

impl Filler {
    /// Fills a buffer as far as the source goes; one of a stream with what there is.
    fn fill(&mut self, mut buffer: BytesMut) -> Filled {
        let mut filled = self.partial.len();
        // kept as long as it was: only what is new to the buffer is written over with zeros
        buffer.resize(filled + self.size, 0);
        if let Some(front) = buffer.get_mut(..filled) {
            front.copy_from_slice(&self.partial);
        }
        self.partial.clear();
        let mut then = State::Going;
        let at_once = self.source.raw().is_stream();
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.source.read(rest) {
                Ok(0) => {
                    then = State::End;
                    break;
                }
                Ok(length) => filled += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    then = State::Broken(self.source.explain(error));
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
            then = self.keep_whole_characters(&mut buffer, then);
        }
        Filled { bytes: buffer.freeze(), is_ascii, then, read: self.source.raw().count() }
    }

    fn keep_whole_characters(&mut self, buffer: &mut BytesMut, then: State) -> State {
        let Err(error) = std::str::from_utf8(buffer) else { return then };
        let rest = buffer.get(error.valid_up_to()..).unwrap_or_default();
        let then = match (error.error_len(), then) {
            (Some(_), _) => State::Broken(Broken::NotUtf8(rest.first().copied().unwrap_or_default())),
            (None, State::End) => State::Broken(Broken::Text(
                "the text ends in the middle of a character: it is cut off".to_owned(),
            )),
            (None, then) => {
                self.partial.extend_from_slice(rest);
                then
            }
        };
        buffer.truncate(error.valid_up_to());
        then
    }
}

/// A filler at work on a thread of its own. It ends with the text, or soon after nobody asks any more.
pub(super) struct Ahead {
    path: PathBuf,
    filled: Receiver<Filled>,
    spare: Sender<BytesMut>,
    thread: JoinHandle<Option<Box<Filler>>>,
}

impl Ahead {
    /// Has the filler work ahead; here, where the system gives no thread.
    fn begin(filler: Box<Filler>) -> Filling {
        let path = filler.source.raw().path().to_owned();
        let (hand_over, begin) = sync_channel::<Box<Filler>>(1);
        let (put, taken) = sync_channel(MOST_AHEAD);
        let (spare, spares) = channel();
        let work = move || {
            let mut filler = begin.recv().ok()?;
            loop {
                let next = filler.fill(spares.try_recv().unwrap_or_default());
                let is_over = !matches!(next.then, State::Going);
                if put.send(next).is_err() || is_over {
                    return Some(filler);
                }
            }
        };
        let Ok(thread) = std::thread::Builder::new().name("reading".to_owned()).spawn(work) else {
            return Filling::Here(filler);
        };
        match hand_over.send(filler) {
            Ok(()) => Filling::Ahead(Self { path, filled: taken, spare, thread }),
            Err(refused) => Filling::Here(refused.0),
        }
    }

    fn next(&mut self, spare: BytesMut) -> Filled {
        // nobody takes it any more once the last buffer is filled
        drop(self.spare.send(spare));
        self.filled.recv().unwrap_or_else(|_| Filled {
            bytes: Bytes::new(),
            is_ascii: true,
            then: State::Broken(Broken::Input(self.lost())),
            read: 0,
        })
    }

    fn end(self) -> Result<Box<Filler>, DatasetError> {
        let lost = self.lost();
        drop(self.filled);
        self.thread.join().ok().flatten().ok_or(lost)
    }

    fn lost(&self) -> DatasetError {
        let source = io::Error::other("the thread that reads it has failed");
        DatasetError::Read { path: self.path.clone(), source }
    }
}
