//! The log: for the person who has to find out why something went wrong here.
//!
//! It goes to a file and never to the terminal, which belongs to the board or the bar. Only lines of our own are
//! written: those of libraries may hold headers, and a header may hold a secret.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

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

/// A file that is made when its first line comes: most commands have nothing to log.
struct LazyFile {
    path: PathBuf,
    file: Option<File>,
}

impl LazyFile {
    fn open(&self) -> io::Result<File> {
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder)?;
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }
}

impl Write for LazyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() {
            self.file = Some(self.open()?);
        }
        self.file.as_mut().map_or(Ok(bytes.len()), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), File::flush)
    }
}
