use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::journal::{
    Book, End, Extent, Journal, Judgement, NewDataset, NewRun, Origin, Out, Settled, Source, Write,
};
use crate::model::{ItemMap, Mark, OperationKind, PlatformKind, Reason, RunId, Stage};

fn new_run(records: Option<u64>) -> NewRun {
    NewRun {
        id: RunId::begin(),
        operation: OperationKind::Exchange,
        profile: "acme".to_owned(),
        platform: PlatformKind::Genesys,
        api_url: "https://api.example.com/".to_owned(),
        auth_url: "https://api.example.com/".to_owned(),
        client_id: "client".to_owned(),
        production: false,
        plan: String::new(),
        until_error: false,
        datasets: vec![NewDataset {
            path: "/data/a.ndjson".to_owned(),
            format: "NDJSON".to_owned(),
            bytes: 1,
            digest: None,
            records,
            first_position: 0,
            correlation_id: "c".to_owned(),
        }],
    }
}

fn settle(seq: u64, extent: Extent, end: End, origin: Origin) -> Write {
    Write::Settle(Box::new(Settled {
        seq,
        extent,
        end,
        attempts: 1,
        unsure: 0,
        doubtful: false,
        status: None,
        took_ms: Some(5),
        name: None,
        correlation_id: None,
        remote_id: None,
        origin,
    }))
}

fn end(kind: u8) -> End {
    let reason = Reason {
        stage: Stage::Delivery,
        status: Some(422),
        code: None,
        message: "refused".to_owned(),
        violations: Vec::new(),
    };
    let record = Some(Bytes::from_static(b"{}"));
    match kind % 4 {
        0 => End::Failed { reason, record },
        1 => End::Invalid { reason, record },
        _ => End::Delivered { answer: Bytes::new(), source: Source::Platform },
    }
}

/// A course of a run: items as they are planned, settled, taken apart, sent again, given back, closed and reopened.
struct Course {
    journal: Journal,
    book: Arc<Book>,
    items: Vec<(u64, Extent, bool)>,
    next_seq: u64,
    next_record: u64,
}

impl Course {
    fn step(&mut self, (what, which, size): (u8, usize, u64)) {
        let one = (!self.items.is_empty()).then(|| which % self.items.len().max(1));
        let writes = match (what, one) {
            (0 | 1, _) => {
                let span = size % 700 + 1;
                let extent = Extent {
                    dataset: 0,
                    first: self.next_record,
                    span,
                    count: span.saturating_sub(size % 3).max(1),
                };
                self.next_record += span;
                let seq = self.next_seq;
                self.next_seq += 1;
                self.items.push((seq, extent, false));
                self.chunk(seq, extent)
            }
            (2, _) => {
                let count = size % 40 + 1;
                let first_seq = self.next_seq;
                for offset in 0..count {
                    let extent = Extent { dataset: 0, first: self.next_record + offset, span: 1, count: 1 };
                    self.items.push((first_seq + offset, extent, false));
                }
                let first = self.next_record;
                self.next_seq += count;
                self.next_record += count;
                vec![Write::Stretch { first_seq, dataset: 0, first, count, planned: self.next_record }]
            }
            (_, None) => Vec::new(),
            (3..=6, Some(one)) => {
                let (seq, extent, settled) = self.items[one];
                if settled {
                    return;
                }
                self.items[one].2 = true;
                vec![settle(
                    seq,
                    extent,
                    end(what.wrapping_add(u8::try_from(size % 4).unwrap())),
                    Origin::Planned,
                )]
            }
            (7, Some(one)) => {
                let (seq, extent, settled) = self.items[one];
                if settled || extent.count < 2 || extent.span != extent.count {
                    return;
                }
                let half = extent.span / 2;
                let parts = [(extent.first, half), (extent.first + half, extent.span - half)];
                let parts: Vec<_> = parts
                    .into_iter()
                    .zip(self.next_seq..)
                    .map(|((first, span), seq)| (seq, Extent { dataset: 0, first, span, count: span }))
                    .collect();
                self.next_seq += 2;
                self.items.swap_remove(one);
                self.items.extend(parts.iter().map(|(seq, extent)| (*seq, *extent, false)));
                let parts = parts.into_iter().map(|(seq, extent)| (seq, extent, None)).collect();
                vec![Write::Split { seq, extent, parts, unsure: 0, was: Origin::Planned }]
            }
            (8, Some(one)) => {
                let (seq, extent, settled) = self.items[one];
                let out = if size % 2 == 0 { Out::Maybe } else { Out::No };
                if settled {
                    return;
                }
                vec![Write::Sending { seq, extent, attempts: 1, unsure: 0, out }]
            }
            (9..=11, Some(one)) => {
                let (seq, extent, _) = self.items[one];
                let taken = Arc::default();
                self.commit(vec![Write::TakeUp {
                    items: vec![seq],
                    by: "sam".to_owned(),
                    taken: Arc::clone(&taken),
                }]);
                if taken.lock().unwrap().is_empty() {
                    return;
                }
                match size % 4 {
                    0 => vec![Write::GiveBack(vec![seq])],
                    1 => vec![Write::PutBack],
                    _ => vec![settle(seq, extent, end(what), Origin::Failure)],
                }
            }
            (_, Some(one)) => {
                let judgement =
                    if size % 3 == 0 { Judgement::Reopen } else { Judgement::Dismiss("done".to_owned()) };
                let failures = vec![self.items[one].0.into()];
                vec![Write::Judge { failures, judgement, by: "sam".to_owned() }]
            }
        };
        self.commit(writes);
    }

    /// A chunk; what it leaves out are items of their own.
    fn chunk(&mut self, seq: u64, extent: Extent) -> Vec<Write> {
        let planned = self.next_record;
        let mut writes = vec![Write::Chunk { seq, extent, planned }];
        for first in extent.first + 1..=extent.first + extent.span - extent.count {
            let first_seq = self.next_seq;
            self.next_seq += 1;
            self.items.push((first_seq, Extent { dataset: 0, first, span: 1, count: 1 }, false));
            writes.push(Write::Stretch { first_seq, dataset: 0, first, count: 1, planned });
        }
        writes
    }

    fn commit(&self, writes: Vec<Write>) {
        self.journal.commit_blocking(&self.book, writes);
    }
}

fn settled(mut map: ItemMap) -> ItemMap {
    map.clear(Mark::UnderWay);
    map
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 60,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_map_that_is_kept_is_the_one_that_the_tables_make(
        total in proptest::option::of(45_000_u64..90_000),
        steps in proptest::collection::vec((0_u8..14, any::<usize>(), any::<u64>()), 1..60),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let new = new_run(total);
        let (book, lock) = journal.begin(&new).unwrap();
        let mut course = Course { journal, book, items: Vec::new(), next_seq: 0, next_record: 0 };
        for step in steps {
            course.step(step);
        }
        let reader = course.journal.reader().unwrap();
        let row = reader.run("last").unwrap();
        let kept = course.book.counts();
        let read = settled(reader.item_map(&row).unwrap());
        prop_assert_eq!(&*kept.map, &read);
        // and it agrees with the counts
        let sum = |of: fn(&crate::model::Cell) -> u32| -> u64 { read.cells().iter().map(|cell| u64::from(of(cell))).sum() };
        prop_assert_eq!(sum(|cell| cell.delivered), kept.records.delivered);
        prop_assert_eq!(sum(|cell| cell.failed), kept.records.failed + kept.records.invalid);
        prop_assert_eq!(sum(|cell| cell.dismissed), kept.records.dismissed);
        // whoever takes the run next begins with it, once what was sent again is put back
        drop(lock);
        let (book, _lock) = course.journal.take(&row).unwrap();
        let read = settled(reader.item_map(&row).unwrap());
        prop_assert_eq!(&*book.counts().map, &read);
    }
}
