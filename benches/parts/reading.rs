//! Datasets: checked and cut into records, but for the bare `read`.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput};
use trunkline::dataset::{Limits, Reader};

use super::data::{self, Layout};

const RECORDS: u64 = 100_000;

pub fn all(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let array = data::interactions(folder.path(), RECORDS, Layout::Array);
    let lines = data::interactions(folder.path(), RECORDS, Layout::Lines);
    let rows = data::outcomes(folder.path(), RECORDS);
    let mut group = criterion.benchmark_group("reading");
    group.sample_size(20);
    let length = |path: &Path| Throughput::Bytes(path.metadata().unwrap().len());
    group.throughput(length(&array));
    let mut piece = vec![0; 1 << 20];
    group.bench_function("bare read", |bencher| {
        bencher.iter(|| {
            let mut file = File::open(&array).unwrap();
            while file.read(&mut piece).unwrap() > 0 {}
        });
    });
    for (name, path) in [
        ("JSON array", array.clone()),
        (
            "JSON array, gzip",
            packed(&array, "gz", |bytes, out| {
                let mut packer = flate2::write::GzEncoder::new(out, flate2::Compression::default());
                packer.write_all(bytes).unwrap();
                packer.finish().unwrap();
            }),
        ),
        (
            "JSON array, zstd",
            packed(&array, "zst", |bytes, out| zstd::stream::copy_encode(bytes, out, 3).unwrap()),
        ),
        ("NDJSON", lines.clone()),
        ("CSV", rows.clone()),
    ] {
        // bytes as they are unpacked
        group.throughput(length(match name {
            "NDJSON" => &lines,
            "CSV" => &rows,
            _ => &array,
        }));
        group.bench_function(name, |bencher| bencher.iter(|| read(&path)));
    }
    group.finish();
}

fn read(path: &Path) {
    let records = Reader::open(path, Limits::default(), None).unwrap().map(Result::unwrap).count();
    assert_eq!(records as u64, RECORDS);
}

fn packed(path: &Path, end: &str, pack: impl FnOnce(&[u8], File)) -> PathBuf {
    let packed = path.with_extension(end);
    pack(&std::fs::read(path).unwrap(), File::create(&packed).unwrap());
    packed
}
