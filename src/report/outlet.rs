//! Where a report goes: standard output, or a file that is there whole or not at all.
//!
//! A file is written beside its place and then renamed onto it, so that a crash leaves no half of one; it is made for
//! its owner only. A rename replaces a link instead of following it, and what is no regular file is never replaced.

use std::fs;
use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::ReportError;

/// The open end that a report is written to.
#[derive(Debug)]
pub struct Outlet(Kind);

#[derive(Debug)]
enum Kind {
    Stdout(BufWriter<Stdout>),
    File { to: PathBuf, written: BufWriter<NamedTempFile>, over: Over },
}

/// Whether a file that is there already is written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It is: somebody asked for that.
    Yes,
    /// It stays as it is.
    No,
}

impl Outlet {
    /// Standard output, or the file at `path`.
    ///
    /// # Errors
    ///
    /// The place holds something else than a regular file, or nothing can be written beside it.
    pub fn open(path: Option<&Path>) -> Result<Self, ReportError> {
        let Some(path) = path else { return Ok(Self::stdout()) };
        let failed = |source| ReportError::Write { to: Some(path.to_owned()), source };
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_file() || found.is_symlink() && is_of_a_file(path) => {}
            Ok(_) => return Err(ReportError::NotAFile(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(failed(source)),
        }
        if path.file_name().is_none() {
            return Err(ReportError::NotAFile(path.to_owned()));
        }
        Self::beside(path, Over::Yes)
    }

    /// A file that is not there yet. One that comes there meanwhile is not written over.
    ///
    /// # Errors
    ///
    /// There is something already, or nothing can be written beside it.
    pub fn fresh(path: &Path) -> Result<Self, ReportError> {
        if path.file_name().is_none() {
            return Err(ReportError::NotAFile(path.to_owned()));
        }
        match fs::symlink_metadata(path) {
            Ok(_) => Err(ReportError::There(path.to_owned())),
            Err(_) => Self::beside(path, Over::No),
        }
    }

    fn beside(path: &Path, over: Over) -> Result<Self, ReportError> {
        let failed = |source| ReportError::Write { to: Some(path.to_owned()), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // made 0600 from the start
        let file = tempfile::Builder::new().prefix(".trunkline-").tempfile_in(folder).map_err(failed)?;
        Ok(Self(Kind::File { to: path.to_owned(), written: BufWriter::with_capacity(64 * 1024, file), over }))
    }

    /// Standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self(Kind::Stdout(BufWriter::with_capacity(64 * 1024, io::stdout())))
    }

    /// The file that is being written, beside the place where it is to be.
    #[must_use]
    pub fn half(&self) -> Option<PathBuf> {
        match &self.0 {
            Kind::Stdout(_) => None,
            Kind::File { written, .. } => Some(written.get_ref().path().to_owned()),
        }
    }

    /// Ends the report: what was written is now where it should be.
    ///
    /// # Errors
    ///
    /// It could not be written.
    pub fn finish(self) -> Result<(), ReportError> {
        match self.0 {
            Kind::Stdout(mut stdout) => Ok(stdout.flush()?),
            Kind::File { to, written, over } => {
                let failed = |source| ReportError::Write { to: Some(to.clone()), source };
                let file = written.into_inner().map_err(|error| failed(error.into_error()))?;
                file.as_file().sync_all().map_err(failed)?;
                match over {
                    Over::Yes => file.persist(&to),
                    Over::No => file.persist_noclobber(&to),
                }
                .map_err(|error| match error.error.kind() {
                    io::ErrorKind::AlreadyExists => ReportError::There(to.clone()),
                    _ => failed(error.error),
                })?;
                Ok(())
            }
        }
    }
}

/// Whether a link leads to a regular file, or nowhere, and is not one by which the system names what is open.
fn is_of_a_file(link: &Path) -> bool {
    let folder = link.parent().and_then(|folder| folder.canonicalize().ok());
    let is_systems = folder.is_some_and(|folder| folder == Path::new("/dev") || folder.starts_with("/proc"));
    !is_systems && fs::metadata(link).map_or(true, |found| found.is_file())
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Stdout(stdout) => stdout.write(bytes),
            Kind::File { written, .. } => written.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Kind::Stdout(stdout) => stdout.flush(),
            Kind::File { written, .. } => written.flush(),
        }
    }
}
