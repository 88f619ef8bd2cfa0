//! What the tests of this room share: datasets in memory, in buffers of any size.

mod csv;
mod files;
mod json;
mod streams;

use std::io::Cursor;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::reader::Opened;
use super::text::Text;
use proptest::test_runner::{Config, RngSeed};

use super::*;

/// What became of a text: its entries, and the error that ended it, if one did.
#[derive(Debug)]
struct Told {
    entries: Vec<Entry>,
    error: Option<DatasetError>,
}

impl Told {
    fn records(&self) -> Vec<String> {
        let record = |entry: &Entry| match entry {
            Entry::Record(record) => String::from_utf8(record.bytes.to_vec()).unwrap(),
            Entry::Unusable(unusable) => {
                let content = unusable.content.as_deref().unwrap_or_default();
                format!("{}: {}", unusable.code, String::from_utf8_lossy(content))
            }
        };
        self.entries.iter().map(record).collect()
    }

    fn malformed(&self) -> &Malformed {
        match &self.error {
            Some(DatasetError::Malformed(malformed)) => malformed,
            other => panic!("not malformed: {other:?}"),
        }
    }
}

fn raw(bytes: &[u8]) -> raw::Raw {
    raw::Raw::stream(Box::new(Cursor::new(bytes.to_vec())), None).unwrap()
}

/// Reads a text of a known format in buffers of one size.
fn read_as(format: Format, text: &[u8], buffer: usize, limits: Limits) -> Told {
    let text = Text::with_buffer(raw(text), buffer).unwrap();
    collect(Opened::with_format(text, format, &limits).map(|opened| Reader::of(opened, limits)))
}

/// Reads a text whose format is to be found.
fn read(text: &[u8]) -> Told {
    collect(Reader::from_stream(Box::new(Cursor::new(text.to_vec())), None, Limits::default()))
}

fn collect(reader: Result<Reader, DatasetError>) -> Told {
    let mut told = Told { entries: Vec::new(), error: None };
    match reader {
        Err(error) => told.error = Some(error),
        Ok(reader) => {
            for entry in reader {
                match entry {
                    Ok(entry) => told.entries.push(entry),
                    Err(error) => told.error = Some(error),
                }
            }
        }
    }
    told
}

fn scan_file(path: &Path) -> Result<Scan, DatasetError> {
    scan(path, &Limits::default(), &mut |_| ControlFlow::Continue(()))
}

fn place(line: u64, column: u64, byte: u64) -> Place {
    Place { line, column, byte }
}

const BUFFERS: [usize; 7] = [1, 2, 3, 7, 64, 1000, 1 << 20];

fn written(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The same cases in every run; `PROPTEST_CASES` asks for more of them.
pub(super) fn seeded() -> Config {
    Config { rng_seed: RngSeed::Fixed(0x7472_756e), failure_persistence: None, ..Config::default() }
}
