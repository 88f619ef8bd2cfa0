//! Group commits of the journal, each with its sync, and those of a bare SQLite table.

use std::ops::Range;

use criterion::{BatchSize, Criterion, Throughput};
use rusqlite::{Connection, params};
use trunkline::journal::Journal;

use super::runs;

/// Rows of one commit.
const GROUPS: [u64; 3] = [1, 256, 1000];

pub fn all(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    // more than any sample settles
    let (new, planned) = runs::of_outcomes(1 << 40);
    let (book, _lock) = journal.begin(&new).unwrap();
    journal.commit_blocking(&book, planned);
    let bare = Connection::open(folder.path().join("bare.db")).unwrap();
    bare.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE item (run INTEGER, seq INTEGER, state TEXT, name TEXT, answer BLOB, PRIMARY KEY (run, seq)) WITHOUT ROWID;",
    )
    .unwrap();
    let mut group = criterion.benchmark_group("journal");
    group.sample_size(20);
    let (mut next, mut next_bare) = (0, 0);
    for rows in GROUPS {
        group.throughput(Throughput::Elements(rows));
        group.bench_function(format!("commits of {rows}"), |bencher| {
            bencher.iter_batched(
                || taken(&mut next, rows).map(runs::delivered).collect(),
                |writes| journal.commit_blocking(&book, writes),
                BatchSize::PerIteration,
            );
        });
        group.bench_function(format!("bare SQLite, commits of {rows}"), |bencher| {
            bencher.iter_batched(
                || taken(&mut next_bare, rows),
                |seqs| insert(&bare, seqs),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn taken(next: &mut u64, rows: u64) -> Range<u64> {
    let from = *next;
    *next += rows;
    from..*next
}

fn insert(bare: &Connection, seqs: Range<u64>) {
    let tx = bare.unchecked_transaction().unwrap();
    let mut statement = tx.prepare_cached("INSERT INTO item VALUES (1, ?1, 'delivered', ?2, ?3)").unwrap();
    for seq in seqs {
        let seq = i64::try_from(seq).unwrap();
        statement.execute(params![seq, "contact-00000001", &b"{\"status\":\"accepted\"}"[..]]).unwrap();
    }
    drop(statement);
    tx.commit().unwrap();
}
