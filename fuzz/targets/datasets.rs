//! Datasets: whichever way one is read, it has the same records, and they are the bytes that stand in it.

use std::io::{self, Cursor, Write};
use std::ops::ControlFlow;

use bytes::Bytes;
use trunkline::dataset::{Compression, DatasetError, Entry, Format, Limits, Reader, scan};
use trunkline::journal::Extent;
use trunkline::model::{OperationKind, RunId};
use trunkline::operation::{self, Draft, Operation};
use trunkline::plan::Plan;

use super::{folder, hostile, steered};

/// Hands out a few bytes at a time, as a slow pipe does.
struct Dribble(Cursor<Vec<u8>>, usize);

impl io::Read for Dribble {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(self.1);
        self.0.read(&mut into[..most])
    }
}

fn packed(text: &[u8], how: u8) -> Vec<u8> {
    match how {
        1 => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text).unwrap();
            gzip.finish().unwrap()
        }
        2 => zstd::encode_all(text, 1).unwrap(),
        _ => text.to_vec(),
    }
}

/// What was read: format, packing and header, the entries up to the error that ends them, and that error's words.
struct Read {
    form: Option<(Format, Compression, Option<Vec<String>>)>,
    entries: Vec<Entry>,
    error: Option<String>,
}

fn read(reader: Result<Reader, DatasetError>) -> Read {
    let mut read = Read { form: None, entries: Vec::new(), error: None };
    match reader {
        Ok(reader) => {
            let columns = reader.columns().map(<[String]>::to_vec);
            read.form = Some((reader.format(), reader.compression(), columns));
            for entry in reader {
                match entry {
                    Ok(entry) => read.entries.push(entry),
                    Err(error) => read.error = Some(error.to_string()),
                }
            }
        }
        Err(error) => read.error = Some(error.to_string()),
    }
    read
}

/// Bits of the first byte: how it is packed (2), how deep and how large a record may be (2 each), how it dribbles (2).
pub fn dataset(input: &[u8]) {
    let (steer, text) = steered(input);
    let raw = packed(text, steer & 3);
    let limits = Limits {
        depth: [1, 3, 64, 128][usize::from(steer >> 2 & 3)],
        record_bytes: [8, 64, 4096, 10_000_000][usize::from(steer >> 4 & 3)],
    };
    let step = [1, 3, 17, 8192][usize::from(steer >> 6)];
    let stream =
        |step| read(Reader::from_stream(Box::new(Dribble(Cursor::new(raw.clone()), step)), None, limits));
    let path = folder().join("dataset");
    std::fs::write(&path, &raw).unwrap();
    let whole = stream(usize::MAX);
    if let Some(error) = &whole.error {
        hostile::assert_inert("malformed", error);
    }
    for other in [stream(step), read(Reader::open(&path, limits, None))] {
        assert_eq!(whole.error.is_some(), other.error.is_some(), "{:?} {:?}", whole.error, other.error);
        let both = whole.entries.len().min(other.entries.len());
        assert_eq!(whole.entries[..both], other.entries[..both], "however it comes, it is the same");
        if whole.error.is_none() {
            assert_eq!((&whole.form, &whole.entries), (&other.form, &other.entries));
        } else if whole.form.as_ref().is_some_and(|form| form.1 == Compression::None) {
            // how much of damaged data is unpacked before that shows hangs on how it comes
            assert_eq!(whole.entries, other.entries);
        }
    }
    let file = read(Reader::open(&path, limits, None));
    match scan(&path, &limits, &mut |_| ControlFlow::Continue(())) {
        Ok(scan) => {
            let (format, _, columns) = file.form.as_ref().expect("what was scanned can be read");
            assert_eq!((scan.records, scan.format), (file.entries.len() as u64, *format), "{:?}", file.error);
            assert_eq!((scan.bytes, &scan.columns), (raw.len() as u64, columns));
            assert_eq!(scan.broken.is_some(), file.error.is_some(), "{:?}", file.error);
            let again = read(Reader::open(&path, limits, Some(&scan.fingerprint)));
            assert_eq!(again.entries, file.entries, "it is the file that was scanned");
        }
        Err(refused) => {
            assert!(file.error.is_some() && file.entries.is_empty(), "{refused} {:?}", file.error);
        }
    }
    let Read { form: Some((format, compression, columns)), entries: read, error } = whole else { return };

    // what is compressed within the input itself is not ours to compare with
    let plain = matches!(steer & 3, 1 | 2) || compression == Compression::None;
    for (position, entry) in read.iter().enumerate() {
        let (at, place) = match entry {
            Entry::Record(record) => (record.position, record.place),
            Entry::Unusable(unusable) => (unusable.position, unusable.place),
        };
        assert_eq!(at, position as u64);
        match entry {
            Entry::Record(record) => {
                assert!(record.bytes.len() <= limits.record_bytes, "{} bytes are held", record.bytes.len());
                assert!(record.bytes.starts_with(b"{"));
                serde_json::from_slice::<serde::de::IgnoredAny>(&record.bytes).expect("a record is JSON");
                if plain && !matches!(format, Format::Csv { .. }) {
                    let from = usize::try_from(place.byte).unwrap();
                    assert_eq!(text[from..from + record.bytes.len()], record.bytes, "byte for byte");
                }
            }
            Entry::Unusable(unusable) => {
                hostile::assert_inert("unusable", &unusable.reason);
                if let Some(content) = &unusable.content {
                    serde_json::from_slice::<serde::de::IgnoredAny>(content).unwrap();
                }
            }
        }
    }
    if let (true, Format::Csv { delimiter }, None) = (plain, format, &error) {
        rows_are_those_of_another_reader(text, delimiter, columns.as_deref(), &read);
    }
}

fn rows_are_those_of_another_reader(text: &[u8], delimiter: u8, columns: Option<&[String]>, read: &[Entry]) {
    let mut csv =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(true).from_reader(text);
    let header: Vec<String> = csv.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(Some(header.as_slice()), columns);
    let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), read.len());
    for (row, entry) in rows.iter().zip(read) {
        if let Entry::Record(record) = entry {
            let object: serde_json::Value = serde_json::from_slice(&record.bytes).unwrap();
            let expected: serde_json::Map<String, serde_json::Value> =
                header.iter().cloned().zip(row.iter().map(Into::into)).collect();
            assert_eq!(object, serde_json::Value::Object(expected));
        } else if let Entry::Unusable(unusable) = entry {
            assert!(unusable.code == "record.too_large" || row.len() != header.len(), "{unusable:?} {row:?}");
        }
    }
}

/// Whichever way a dataset is cut into chunks, they hold its records byte for byte, each once and in order. The first
/// byte is the largest chunk's records, less one.
pub fn chunks(input: &[u8]) {
    thread_local! {
        static OPERATIONS: [std::sync::Arc<dyn Operation>; 2] =
            [OperationKind::Ingest, OperationKind::Exchange].map(|kind| operation::of(&Plan::new(kind)).unwrap());
    }
    let (most, text) = steered(input);
    let reader = Reader::from_stream(Box::new(Cursor::new(text.to_vec())), None, Limits::default());
    let records: Vec<(u64, Bytes)> = read(reader)
        .entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Record(record) => Some((record.position, record.bytes)),
            Entry::Unusable(_) => None,
        })
        .collect();
    let run: RunId = "018f0000-0000-7000-8000-000000000000".parse().unwrap();
    for operation in &OPERATIONS.with(Clone::clone) {
        let mut joined = Vec::new();
        for (seq, chunk) in (0..).zip(records.chunks(usize::from(most) + 1)) {
            let draft = || Draft {
                seq,
                extent: Extent { dataset: 0, first: chunk[0].0, span: 1, count: chunk.len() as u64 },
                records: chunk.iter().map(|(_, bytes)| operation::Admitted::plain(bytes.clone())).collect(),
                correlation_id: "c".into(),
                holes: Vec::new(),
            };
            let item = operation.build(run, draft());
            let again = operation.build(run, draft());
            assert_eq!(
                (&item.body, &item.key),
                (&again.body, &again.key),
                "the same draft makes the same item"
            );
            let around = [
                b"[".to_vec(),
                chunk.iter().map(|(_, one)| one.as_ref()).collect::<Vec<_>>().join(&b","[..]),
                b"]".to_vec(),
            ];
            assert_eq!(item.record, around.concat(), "a chunk's content is the array of its records");
            if operation.kind() == OperationKind::Ingest {
                let line = item.body.split(|byte| *byte == b'\r').next().unwrap();
                let end = [b"\r\n", line, b"--\r\n"].concat();
                assert!(item.body.ends_with(&end));
                let found = item.body.windows(line.len()).filter(|window| *window == line).count();
                assert_eq!(found, 2, "the boundary stands in no record");
            }
            joined.extend(item.records());
        }
        assert!(joined.iter().eq(records.iter().map(|(_, bytes)| bytes)), "joined again it is the dataset");
    }
}
