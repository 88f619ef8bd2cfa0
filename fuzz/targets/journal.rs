//! One small run with one failure and one delivered item, made once a thread. Its texts can be set to any.

use bytes::Bytes;
use trunkline::journal::{
    End, Extent, Journal, NewDataset, NewRun, Origin, Reader, RunRow, Settled, Source, Write,
};
use trunkline::model::{OperationKind, PlatformKind, Reason, RunId, Stage};

use super::folder;

/// A run to look into.
pub struct Looked {
    pub reader: Reader,
    pub run: RunRow,
    texts: rusqlite::Connection,
    _journal: Journal,
}

/// Lends this thread's.
pub fn with<T>(look: impl FnOnce(&Looked) -> T) -> T {
    thread_local! {
        static LOOKED: Looked = Looked::new();
    }
    LOOKED.with(look)
}

impl Looked {
    fn new() -> Self {
        let data = folder().join("data");
        let journal = Journal::open(&data).unwrap();
        let new = NewRun {
            id: RunId::begin(),
            operation: OperationKind::Outcomes,
            profile: "acme".to_owned(),
            platform: PlatformKind::Cxone,
            api_url: "https://api.example.com/".to_owned(),
            auth_url: "https://api.example.com/".to_owned(),
            client_id: "client".to_owned(),
            production: false,
            plan: String::new(),
            until_error: false,
            datasets: vec![NewDataset {
                path: "/data/outcomes.csv".to_owned(),
                format: "CSV (,)".to_owned(),
                bytes: 1,
                digest: Some("00".to_owned()),
                records: Some(2),
                first_position: 0,
                correlation_id: "c".to_owned(),
            }],
        };
        let reason = Reason {
            stage: Stage::Delivery,
            status: Some(404),
            code: Some("x".to_owned()),
            message: "x".to_owned(),
            violations: Vec::new(),
        };
        let (book, lock) = journal.begin(&new).unwrap();
        let writes = vec![
            Write::Stretch { first_seq: 0, dataset: 0, first: 0, count: 2, planned: 2 },
            Write::PlannedAll { records: 2 },
            settle(0, End::Failed { reason, record: Some(Bytes::from_static(b"{}")) }),
            settle(1, End::Delivered { answer: Bytes::from_static(b"{}"), source: Source::Platform }),
        ];
        journal.commit_blocking(&book, writes);
        drop(lock);
        let reader = journal.reader().unwrap();
        let run = reader.run("last").unwrap();
        let file = std::fs::read_dir(&data)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3")))
            .unwrap();
        let texts = rusqlite::Connection::open(file).unwrap();
        texts.execute_batch("PRAGMA synchronous=OFF").unwrap();
        Self { reader, run, texts, _journal: journal }
    }

    /// Gives the failure these texts, as if a platform had sent them.
    pub fn tell(&self, key: &str, code: &str, message: &str, record: &[u8]) {
        let set = "UPDATE failure SET key = ?, code = ?, message = ?, cause = ?3";
        assert_eq!(self.texts.execute(set, [key, code, message]).unwrap(), 1);
        assert_eq!(
            self.texts.execute("UPDATE failure_record SET record = ?, seal = NULL", [record]).unwrap(),
            1
        );
    }

    /// How many failures there are, whatever a filter has asked.
    pub fn count(&self) -> i64 {
        self.texts.query_row("SELECT count(*) FROM failure", [], |row| row.get(0)).unwrap()
    }
}

fn settle(seq: u64, end: End) -> Write {
    Write::Settle(Box::new(Settled {
        seq,
        extent: Extent { dataset: 0, first: seq, span: 1, count: 1 },
        end,
        attempts: 1,
        unsure: 0,
        doubtful: false,
        status: Some(404),
        took_ms: None,
        name: Some("x".to_owned()),
        correlation_id: None,
        remote_id: None,
        origin: Origin::Planned,
    }))
}
