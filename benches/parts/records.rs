//! One record: its schema, and the canonical text of which its key is made.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use trunkline::dataset::canonical::canonical;
use trunkline::dataset::schema::Schema;

use super::data;

pub fn all(criterion: &mut Criterion) {
    let record = data::interaction(4711).into_bytes();
    let mut group = criterion.benchmark_group("record");
    group.throughput(Throughput::Bytes(record.len() as u64));
    let schema = Schema::built_in("interaction").unwrap();
    group.bench_function("schema", |bencher| bencher.iter(|| schema.check(black_box(&record)).unwrap()));
    let mut text = Vec::new();
    group.bench_function("canonical text", |bencher| {
        bencher.iter(|| {
            text.clear();
            canonical(black_box(&record), &mut text).unwrap();
        });
    });
    group.bench_function("parsed by serde_json", |bencher| {
        bencher.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&record)).unwrap());
    });
    group.finish();
}
