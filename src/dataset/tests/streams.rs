//! Streams and compression.

use std::io::{self, Read, Write};
use std::sync::mpsc;

use flate2::write::GzEncoder;

use super::*;

const LINES: &str = "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n";

pub(super) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn sample(records: usize) -> String {
    let mut seed = 7_u64;
    let mut record = |index| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{{\"id\":{index},\"noise\":\"{seed:x}\"}}\n")
    };
    (0..records).map(&mut record).collect()
}

#[test]
fn compressed_datasets_are_read_like_plain_ones() {
    let text = sample(20_000);
    let plain = read(text.as_bytes()).records();
    let (first, second) = text.split_at(text.len() / 2);
    let joined = [gzip(first.as_bytes()), gzip(second.as_bytes())].concat();
    let frames =
        [zstd::encode_all(first.as_bytes(), 3).unwrap(), zstd::encode_all(second.as_bytes(), 3).unwrap()]
            .concat();
    let directory = tempfile::tempdir().unwrap();
    for (packed, compression) in [(joined, Compression::Gzip), (frames, Compression::Zstd)] {
        let path = written(directory.path(), "packed", &packed);
        let scan = scan_file(&path).unwrap();
        assert_eq!((scan.compression, scan.records, scan.bytes), (compression, 20_000, packed.len() as u64));
        assert_eq!(scan.digest.to_string(), blake3::hash(&packed).to_hex().to_string());
        assert_eq!(read(&packed).records(), plain);
    }
}

#[test]
fn compressed_data_that_is_cut_off_says_so_and_keeps_what_came_before() {
    let text = sample(20_000);
    let whole = read(text.as_bytes()).records();
    for packed in [gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 3).unwrap()] {
        for cut in [5, 17, packed.len() / 2, packed.len() - 5, packed.len() - 1] {
            let told = read(&packed[..cut]);
            let malformed = told.malformed();
            assert!(malformed.what.contains("cut off"), "{malformed}");
            assert_eq!(told.records(), whole[..told.entries.len()]);
            assert!(malformed.place.byte <= text.len() as u64);
            if cut == packed.len() / 2 {
                assert!(told.entries.len() > 1000);
                assert!(malformed.place.byte > 30_000, "{malformed}");
            }
        }
    }
}

#[test]
fn damaged_compressed_data_is_refused() {
    let text = sample(20_000);
    let packed = gzip(text.as_bytes());
    let mut damaged = packed.clone();
    let at = damaged.len() - 6;
    damaged[at] ^= 0xff;
    let told = read(&damaged);
    assert!(told.malformed().what.contains("the gzip data is damaged"), "{}", told.malformed());
    let trailing = [packed, b"not gzip".to_vec()].concat();
    assert!(read(&trailing).malformed().what.contains("gzip"), "{:?}", read(&trailing).error);
}

/// A writer that waits to be told before each part.
struct Slow {
    parts: mpsc::Receiver<Vec<u8>>,
    present: Cursor<Vec<u8>>,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.present.read(buffer)?;
        if length > 0 {
            return Ok(length);
        }
        let Ok(part) = self.parts.recv() else { return Ok(0) };
        self.present = Cursor::new(part);
        self.present.read(buffer)
    }
}

#[test]
fn a_record_of_a_stream_is_in_the_spool_before_it_is_handed_out_and_does_not_wait_for_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let spool = directory.path().join("spool");
    let (write, parts) = mpsc::channel();
    write.send(b"{\"i".to_vec()).unwrap();
    write.send(b"d\":1}\n{\"id\"".to_vec()).unwrap();
    let file = std::fs::File::create(&spool).unwrap();
    let mut reader = Reader::from_stream(
        Box::new(Slow { parts, present: Cursor::default() }),
        Some(file),
        Limits::default(),
    )
    .unwrap();
    assert!(matches!(reader.next(), Some(Ok(Entry::Record(record))) if record.bytes == "{\"id\":1}"));
    assert_eq!(std::fs::read(&spool).unwrap(), b"{\"id\":1}\n{\"id\"");
    assert_eq!(reader.raw_bytes_read(), 14);
    write.send(b":2}\n".to_vec()).unwrap();
    assert!(matches!(reader.next(), Some(Ok(Entry::Record(record))) if record.bytes == "{\"id\":2}"));
    drop(write);
    assert!(reader.next().is_none());
    let again = collect(Reader::open(&spool, Limits::default(), None));
    assert_eq!(again.records(), ["{\"id\":1}", "{\"id\":2}"]);
}

#[test]
fn a_spool_that_cannot_be_written_ends_the_reading() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), "spool", b"");
    let read_only = std::fs::File::open(path).unwrap();
    let reader = Reader::from_stream(Box::new(Cursor::new(LINES)), Some(read_only), Limits::default());
    assert!(matches!(reader.err(), Some(DatasetError::Spool { .. })));
}

#[test]
fn a_reader_can_move_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    let reader = Reader::from_stream(Box::new(Cursor::new(LINES)), None, Limits::default()).unwrap();
    is_send(&reader);
    assert_eq!(std::thread::spawn(move || reader.count()).join().unwrap(), 3);
}

#[test]
fn records_that_are_kept_do_not_change_when_buffers_are_used_again() {
    let text = sample(200_000);
    let told = collect({
        let text = Text::with_buffer(raw(text.as_bytes()), 4096).unwrap();
        Opened::with_format(text, Format::Ndjson, &Limits::default())
            .map(|opened| Reader::of(opened, Limits::default()))
    });
    assert_eq!(told.records().join("\n"), text.trim_end());
}
