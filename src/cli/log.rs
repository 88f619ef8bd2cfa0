//! The log: for the person who has to find out why something went wrong here.
//!
//! It goes to a file and never to the terminal, which belongs to the board or the bar. Only lines of our own are
//! written: those of libraries may hold headers, and a header may hold a secret. As with every file that is written, no link
//! is followed, and nothing is written that is no regular file.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use super::exit::Stop;
use crate::files::{self, Use};
use crate::text::one_line;

/// The most characters of a line.
const LONGEST: usize = 16 * 1024;

/// Begins to log into that file, the more the more often that was asked for.
pub(super) fn begin(verbose: u8, path: PathBuf) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let begun = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("trunkline={level}")))
        .with_ansi(false)
        // a log that has no room is nothing to write across the board
        .log_internal_errors(false)
        .with_writer(Mutex::new(LazyFile { path, file: None }))
        .try_init();
    // a second one in a process says nothing new
    drop(begun);
}

/// Holds what stands where the log goes to a file that can be one, or is one: later there is nobody to be told.
pub(super) fn need(path: &Path) -> Result<(), Stop> {
    let Some(what) = files::in_the_way_of_log(path) else { return Ok(()) };
    let path = one_line(&path.to_string_lossy(), 512);
    Err(Stop::refuse(format!(
        "the log cannot be written to `{path}`: {what}\n\
         hint: name another one, or one that is not there yet, with --log"
    )))
}

/// A file that is made when its first line comes: most commands have nothing to log.
struct LazyFile {
    path: PathBuf,
    file: Option<File>,
}

impl LazyFile {
    fn open(&self) -> io::Result<File> {
        if let Some(what) = files::in_the_way_of_log(&self.path) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder)?;
        }
        files::open_own(&self.path, Use::Adding)
    }
}

impl Write for LazyFile {
    /// Takes a whole event, which comes in one piece, and writes it as one line that no terminal obeys: paths, and what
    /// others said, stand in it as they are.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let mut line = one_line(String::from_utf8_lossy(event).trim_end_matches('\n'), LONGEST);
        line.push('\n');
        if self.file.is_none() {
            self.file = Some(self.open()?);
        }
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(line.as_bytes()))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), File::flush)
    }
}
