//! The bytes of a file or a stream as they come in: counted, hashed, kept in a spool, and watched for a change.
//!
//! All of this stands below the decompression, because it is about the file and not about its text: a digest covers
//! every byte of it, also those after a place where the text breaks.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use super::DatasetError;
use super::place::count;

/// The BLAKE3 digest of a file's raw bytes. Its text form is lower-case hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(blake3::Hash);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a dataset's digest is 64 hexadecimal digits")]
pub struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        blake3::Hash::from_hex(text).map(Self).map_err(|_| NotADigest)
    }
}

/// What tells a file that changed without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Its size in bytes.
    pub len: u64,
    /// When it was last written, where the file system knows.
    pub modified: Option<SystemTime>,
    /// Its inode, where there are inodes.
    pub inode: Option<u64>,
    /// When it was last changed in any way, in seconds and nanoseconds since 1970: nobody can set that back.
    pub changed: Option<(i64, i64)>,
}

impl Fingerprint {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let (inode, changed) = {
            use std::os::unix::fs::MetadataExt;
            (Some(metadata.ino()), Some((metadata.ctime(), metadata.ctime_nsec())))
        };
        #[cfg(not(unix))]
        let (inode, changed) = (None, None);
        Self { len: metadata.len(), modified: metadata.modified().ok(), inode, changed }
    }

    /// What differs in a later look at the same path, if anything does.
    fn difference(&self, later: &Self) -> Option<&'static str> {
        if self.inode != later.inode {
            Some("it was replaced by another file")
        } else if self.len != later.len {
            Some("its size changed")
        } else if self.modified != later.modified {
            Some("it was written to")
        } else if self.changed != later.changed {
            Some("it was written to, or its name, owner or rights changed")
        } else {
            None
        }
    }
}

/// How many bytes a decompressor's magic number has at most.
const MAGIC: usize = 4;

/// A file or a stream, read once from its beginning to its end.
pub(super) struct Raw {
    path: PathBuf,
    input: Input,
    read: u64,
    /// Read ahead to be looked at, and not yet handed on.
    ahead: io::Cursor<Vec<u8>>,
    hasher: Option<Box<blake3::Hasher>>,
}

enum Input {
    File { file: File, watched: Option<Fingerprint> },
    Stream { input: Box<dyn Read + Send>, spool: Option<File> },
}

impl Raw {
    /// Opens a regular file. With an expectation it must be that file, and stay it for as long as it is read.
    pub(super) fn open(path: &Path, expected: Option<&Fingerprint>) -> Result<Self, DatasetError> {
        let kind = std::fs::metadata(path).map_err(|source| DatasetError::of_io(path, source))?.file_type();
        if kind.is_dir() {
            return Err(DatasetError::Directory { path: path.to_owned() });
        }
        // before it is opened: opening a pipe would wait for its writer
        if !kind.is_file() {
            return Err(DatasetError::NotAFile { path: path.to_owned() });
        }
        let file = crate::files::open(path).map_err(|source| DatasetError::of_io(path, source))?;
        let mut raw = Self::new(path.to_owned(), Input::File { file, watched: expected.copied() });
        raw.check_unchanged()?;
        raw.fill_ahead()?;
        Ok(raw)
    }

    /// Opens a regular file for its first reading: it is hashed, and must stay as it is now.
    pub(super) fn open_hashing(path: &Path) -> Result<(Self, Fingerprint), DatasetError> {
        let look = std::fs::metadata(path).map_err(|source| DatasetError::of_io(path, source))?;
        let mut raw = Self::open(path, Some(&Fingerprint::of(&look)).filter(|_| look.is_file()))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(raw.ahead.get_ref());
        raw.hasher = Some(Box::new(hasher));
        Ok((raw, Fingerprint::of(&look)))
    }

    /// Takes a stream. Every byte of it is in the spool before it is handed on.
    pub(super) fn stream(input: Box<dyn Read + Send>, spool: Option<File>) -> Result<Self, DatasetError> {
        let mut raw = Self::new(PathBuf::from("-"), Input::Stream { input, spool });
        raw.fill_ahead()?;
        Ok(raw)
    }

    fn new(path: PathBuf, input: Input) -> Self {
        Self { path, input, read: 0, ahead: io::Cursor::default(), hasher: None }
    }

    /// The first bytes, as many as a decompressor's magic number has, or all there are.
    pub(super) fn magic(&self) -> &[u8] {
        self.ahead.get_ref()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes read so far.
    pub(super) const fn count(&self) -> u64 {
        self.read
    }

    /// How long the file is, where it is one.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.input {
            Input::File { file, .. } => file.metadata().ok().map(|metadata| metadata.len()),
            Input::Stream { .. } => None,
        }
    }

    pub(super) const fn is_stream(&self) -> bool {
        matches!(self.input, Input::Stream { .. })
    }

    /// The digest of what was read so far, where it was asked for.
    pub(super) fn digest(&self) -> Option<Digest> {
        self.hasher.as_ref().map(|hasher| Digest(hasher.finalize()))
    }

    fn fill_ahead(&mut self) -> Result<(), DatasetError> {
        let mut head = [0; MAGIC];
        let mut filled = 0;
        while let Some(rest) = head.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_on(rest)? {
                0 => break,
                more => filled += more,
            }
        }
        self.ahead = io::Cursor::new(head.get(..filled).unwrap_or_default().to_vec());
        Ok(())
    }

    fn read_on(&mut self, buffer: &mut [u8]) -> Result<usize, DatasetError> {
        let length = loop {
            let result = match &mut self.input {
                Input::File { file, .. } => file.read(buffer),
                Input::Stream { input, .. } => input.read(buffer),
            };
            match result {
                Ok(length) => break length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(DatasetError::Read { path: self.path.clone(), source }),
            }
        };
        let read = buffer.get(..length).unwrap_or_default();
        if let Input::Stream { spool: Some(spool), .. } = &mut self.input {
            // what is sent of it must be there after a power cut: an item that is sent again has the same records
            let kept = spool.write_all(read).and_then(|()| spool.sync_data());
            kept.map_err(|source| DatasetError::Spool { source })?;
        }
        // after the reading: what was read of a file that changed in between is not handed on
        self.check_unchanged()?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(read);
        }
        self.read += count(length);
        Ok(length)
    }

    /// Both the open file and what stands at its path now must be what was expected.
    fn check_unchanged(&self) -> Result<(), DatasetError> {
        let Input::File { file, watched: Some(expected) } = &self.input else { return Ok(()) };
        let changed = |what| DatasetError::Changed { path: self.path.clone(), what };
        let of_io = |source| DatasetError::Read { path: self.path.clone(), source };
        let there = std::fs::metadata(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => changed("it was removed or renamed"),
            _ => of_io(error),
        })?;
        for look in [there, file.metadata().map_err(of_io)?] {
            if let Some(what) = expected.difference(&Fingerprint::of(&look)) {
                return Err(changed(what));
            }
        }
        Ok(())
    }
}

/// Every error of it carries a [`DatasetError`], so that a decompressor's own complaints can be told from it.
impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.ahead.read(buffer)? {
            0 => self.read_on(buffer).map_err(io::Error::other),
            ahead => Ok(ahead),
        }
    }
}
