//! Files, and nothing that only looks like one.
//!
//! A name may stand for a pipe that nobody writes to, a socket, a device without an end, or a link to somewhere else.
//! Opening a pipe waits for its other end, out of reach of every signal that this program hears; and what is written
//! through a link is written over a file that nobody meant. So whatever is read whole, and whatever of ours is
//! written, is opened here, and one rule holds everywhere: regular files only.
//!
//! What a person names may be reached through links: people keep their things where they want. What lies in the data
//! folder is ours and nobody's to put elsewhere, and the folder may come from somebody else; there no link is followed.
//!
//! One device is a file to everybody: `/dev/null`, for no configuration or no log.

pub(crate) mod owner;

use std::ffi::OsString;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// No system follows more links than that to one file.
const MOST_LINKS: usize = 40;

/// What a file of ours is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Looking at what is in it.
    Reading,
    /// Reading and writing any place of it; made for its owner only where it is not there, and never cut.
    Writing,
    /// Writing at its end; made as for writing.
    Adding,
}

/// What stands where a regular file should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Strange {
    #[error("it is no regular file but a folder: name a file")]
    Folder,
    #[error("it is no regular file but {0}: save what comes from it in a file, and name that")]
    Named(&'static str),
    #[error("it is no regular file but {0}: take it away")]
    Ours(&'static str),
    #[error("it is no folder but {0}: put the folder itself there, or take it away")]
    NoFolder(&'static str),
}

impl From<Strange> for io::Error {
    fn from(strange: Strange) -> Self {
        let kind = match strange {
            Strange::Folder => io::ErrorKind::IsADirectory,
            Strange::Named(_) | Strange::Ours(_) | Strange::NoFolder(_) => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, strange)
    }
}

/// Where nothing stands, and what is written is gone.
const NOTHING: &str = "/dev/null";

fn is_nothing(path: &Path) -> bool {
    path == Path::new(NOTHING)
}

/// Opens a file that somebody named, for reading. It returns at once, whatever stands there.
///
/// # Errors
///
/// It cannot be opened, or is no regular file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let hold = |found: FileType| match kind(found) {
        None => Ok(()),
        Some(_) if is_nothing(path) => Ok(()),
        Some(FOLDER) => Err(Strange::Folder),
        Some(what) => Err(Strange::Named(what)),
    };
    // before it is opened: that alone makes some devices do something
    hold(fs::metadata(path)?.file_type())?;
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(flags(OFlags::empty())).open(path)?;
    hold(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reads a file that somebody named.
///
/// # Errors
///
/// As [`open`]; [`io::ErrorKind::FileTooLarge`] where it has more than `most` bytes; and it cannot be read.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    whole(&open(path)?, most)
}

/// Reads an open file to its end.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn whole(file: &File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file.take(most.saturating_add(1)).read_to_end(&mut bytes)? as u64 > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Each link on the way to what the path names, in the order in which the system follows them: of the file, and of folders.
pub(crate) fn links(path: &Path) -> Vec<PathBuf> {
    let steps = |path: &Path| -> Vec<OsString> {
        path.components().rev().map(|step| step.as_os_str().to_owned()).collect()
    };
    let mut links = Vec::new();
    let mut at = PathBuf::new();
    // the next step is the last
    let mut ahead = std::path::absolute(path).map(|path| steps(&path)).unwrap_or_default();
    while let Some(step) = ahead.pop() {
        if step == ".." {
            at.pop();
            continue;
        }
        let next = at.join(step);
        match fs::read_link(&next) {
            Ok(target) if links.len() < MOST_LINKS => {
                ahead.extend(steps(&target));
                links.push(next);
            }
            _ => at = next,
        }
    }
    links
}

/// Opens a file of ours. It returns at once, whatever stands there, and what stands there stays as it is.
///
/// # Errors
///
/// It cannot be opened, or is no regular file; a link is none, wherever it leads.
pub(crate) fn open_own(path: &Path, to: Use) -> io::Result<File> {
    if to == Use::Adding && is_nothing(path) {
        return OpenOptions::new().append(true).open(path);
    }
    hold_to_own(path)?;
    let mut options = OpenOptions::new();
    match to {
        Use::Reading => options.read(true),
        Use::Writing => options.read(true).write(true).create(true).truncate(false),
        Use::Adding => options.append(true).create(true),
    };
    // what was put there since it was looked at is found by these, and by the second look
    options.mode(0o600).custom_flags(flags(OFlags::NOFOLLOW));
    let file = options.open(path).map_err(|error| match rustix::io::Errno::from_io_error(&error) {
        Some(rustix::io::Errno::LOOP) => Strange::Ours(LINK).into(),
        _ => error,
    })?;
    match kind(file.metadata()?.file_type()) {
        None => Ok(file),
        Some(what) => Err(Strange::Ours(what).into()),
    }
}

/// Holds what stands at the place of a file of ours to what [`open_own`] would open. Nothing may stand there, too.
///
/// # Errors
///
/// Something else stands there, or nobody can tell.
pub(crate) fn hold_to_own(path: &Path) -> io::Result<()> {
    match standing(path)?.and_then(kind) {
        None => Ok(()),
        Some(what) => Err(Strange::Ours(what).into()),
    }
}

/// What stands where a log is to be added to, in words; nothing where that can be. Lines are added to nobody's file: neither
/// to a dataset nor to a configuration, nor to any other that was named by mistake.
pub(crate) fn in_the_way_of_log(path: &Path) -> Option<String> {
    if is_nothing(path) {
        return None;
    }
    let found = standing(path).ok().flatten()?;
    if let Some(what) = kind(found) {
        return Some(format!("it is no regular file but {what}"));
    }
    let Ok(mut file) = open_own(path, Use::Reading) else { return Some("it cannot be read".to_owned()) };
    is_of_another(&mut file).then(|| "it holds something else than a log of trunkline".to_owned())
}

/// Whether a file has something in it, and that does not begin as a log's first line: `2026-11-22T10:00:00Z WARN trunkline`.
fn is_of_another(file: &mut File) -> bool {
    let mut head = Vec::new();
    if file.by_ref().take(200).read_to_end(&mut head).is_err() {
        return true;
    }
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_dated = line.first().is_some_and(u8::is_ascii_digit) && line.get(10) == Some(&b'T');
    let is_ours = line.windows(11).any(|window| window == b" trunkline:" || window == b" trunkline\t");
    !(head.is_empty() || is_dated && is_ours)
}

/// Holds what stands at the place of a folder within ours to a folder that is no link. Nothing may stand there, too.
///
/// # Errors
///
/// Something else stands there, or nobody can tell.
pub(crate) fn hold_to_own_folder(path: &Path) -> io::Result<()> {
    match standing(path)? {
        None => Ok(()),
        Some(found) if found.is_dir() => Ok(()),
        Some(found) => Err(Strange::NoFolder(kind(found).unwrap_or("a file")).into()),
    }
}

const FOLDER: &str = "a folder";
const LINK: &str = "a link";

/// What it is in words, where it is no regular file.
fn kind(found: FileType) -> Option<&'static str> {
    Some(match found {
        _ if found.is_file() => return None,
        _ if found.is_dir() => FOLDER,
        _ if found.is_symlink() => LINK,
        _ if found.is_fifo() => "a pipe",
        _ if found.is_socket() => "a socket",
        _ => "a device",
    })
}

fn standing(path: &Path) -> io::Result<Option<FileType>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first two mean nothing to a regular file: they keep what is none from holding us, and from becoming our terminal.
const fn flags(more: OFlags) -> i32 {
    OFlags::NONBLOCK.union(OFlags::NOCTTY).union(more).bits().cast_signed()
}

#[cfg(test)]
mod tests;
