//! Putting a document on the disk: beside its place as it comes in, and into the place when it is whole and safe.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Response;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Download, FetchError, refused, still};
use crate::machine;
use crate::platform::call::{AnswerLoss, CallError};
use crate::platform::http::packed;
use crate::platform::trouble;
use crate::text::one_line;

/// A document that comes more slowly, on the average, is given up: one that drips for ever would never end. In bytes a
/// second; a gigabyte may so take a day and a half.
const SLOWEST: u64 = 8 << 10;
/// So much is gathered for one write.
const WRITE_SIZE: usize = 256 << 10;

/// Writes the document to its file, and returns its size.
pub(super) async fn save(
    response: &mut Response,
    download: &Download<'_>,
    host: &str,
) -> Result<u64, FetchError> {
    let Download { into, most, patience, .. } = *download;
    let too_large =
        || refused(format!("the result at `{host}` is larger than {most} bytes; it was not kept"));
    let unwritable = |error: io::Error| FetchError::File {
        path: one_line(&into.to_string_lossy(), 255),
        reason: error.to_string(),
    };
    if response.content_length().is_some_and(|announced| announced > most) {
        return Err(too_large());
    }
    if let Some(how) = packed(response.headers()) {
        return Err(refused(format!("the result at `{host}` is {how}; it was not kept")));
    }
    let (part, file) = Part::create(into).map_err(unwritable)?;
    let (file, mut held) = (Arc::new(file), Vec::new());
    let (begun, mut bytes) = (Instant::now(), 0);
    loop {
        let due = begun + 2 * patience + Duration::from_secs(bytes / SLOWEST);
        let piece = timeout(patience, timeout_at(due, response.chunk())).await;
        let piece = piece.map_err(|_| still(host, patience))?.map_err(|_| dripping(host))?;
        let Some(piece) = piece.map_err(|error| trouble::inside_body(&error, host, patience))? else { break };
        bytes += piece.len() as u64;
        if bytes > most {
            return Err(too_large());
        }
        held.extend_from_slice(&piece);
        if held.len() >= WRITE_SIZE {
            held = append(&file, held).await.map_err(unwritable)?;
        }
    }
    append(&file, held).await.map_err(unwritable)?;
    let into = into.to_owned();
    let kept = machine::off_thread(move || {
        file.sync_all()?;
        part.keep(&into)
    });
    kept.await.map_err(io::Error::from).and_then(|kept| kept).map_err(unwritable)?;
    Ok(bytes)
}

fn dripping(host: &str) -> CallError {
    let message =
        format!("getting the result from `{host}`: it comes at less than {} KiB a second", SLOWEST >> 10);
    CallError::NoAnswer { message, kind: AnswerLoss::Timeout }
}

/// Writes a piece, and gives its memory back.
async fn append(file: &Arc<File>, mut piece: Vec<u8>) -> io::Result<Vec<u8>> {
    let file = Arc::clone(file);
    let written = machine::off_thread(move || {
        file.as_ref().write_all(&piece)?;
        piece.clear();
        Ok(piece)
    });
    written.await?
}

/// A file that is not whole yet. It goes away with this, unless it is kept.
struct Part {
    path: PathBuf,
}

impl Part {
    /// A new file beside the one that it is to become, for its owner only. One that a killed process left there goes.
    fn create(into: &Path) -> io::Result<(Self, File)> {
        let mut path = into.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        Ok((Self { path }, file))
    }

    /// Gives the file its place, for good: also after a power loss it is there.
    fn keep(self, into: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, into)?;
        #[cfg(unix)]
        {
            let folder = into.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Gone where it was kept. Where it cannot be removed the next attempt tries again, and says why.
        let _ = std::fs::remove_file(&self.path);
    }
}
