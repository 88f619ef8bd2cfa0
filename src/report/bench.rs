//! A run in a journal of its own, for the tests of whatever tells of runs.

use std::sync::Arc;

use bytes::Bytes;

use crate::journal::{Book, End, Extent, Journal, NewDataset, NewRun, RunRow, Settled, Write as Change};
use crate::model::{OperationKind, PlatformKind, Reason, RunId, Stage, Violation};

/// A run in a journal of its own, with what a test settles in it.
pub(crate) struct Bench {
    _folder: tempfile::TempDir,
    pub(crate) journal: Journal,
    pub(crate) book: Arc<Book>,
    pub(crate) id: RunId,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::like(|_| ())
    }

    /// With a run that is begun in another way.
    pub(crate) fn like(change: impl FnOnce(&mut NewRun)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let id = RunId::begin();
        let mut new = NewRun {
            id,
            operation: OperationKind::Outcomes,
            profile: "acme".to_owned(),
            platform: PlatformKind::Cxone,
            api_url: "https://na1.example/".to_owned(),
            auth_url: "https://na1.example/".to_owned(),
            client_id: "id".to_owned(),
            production: false,
            plan: "dataset = \"a.csv\"\n[operation]\nkind = \"outcomes\"\n".to_owned(),
            until_error: false,
            datasets: vec![NewDataset {
                path: "/data/a.csv".to_owned(),
                format: "CSV".to_owned(),
                bytes: 10,
                digest: None,
                records: Some(100),
                first_position: 0,
                correlation_id: "c".to_owned(),
            }],
        };
        change(&mut new);
        let (book, _lock) = journal.begin(&new).unwrap();
        Self { _folder: folder, journal, book, id }
    }

    pub(crate) fn settle(&self, seq: u64, name: &str, end: End) {
        let settled = Settled {
            seq,
            extent: Extent { dataset: 0, first: seq, span: 1, count: 1 },
            end,
            attempts: 2,
            unsure: 1,
            status: Some(200),
            took_ms: None,
            name: Some(name.to_owned()),
            correlation_id: Some("corr".to_owned()),
            remote_id: None,
            origin: crate::journal::Origin::Planned,
            doubtful: false,
        };
        self.journal.commit_blocking(&self.book, vec![Change::Settle(Box::new(settled))]);
    }

    pub(crate) fn fail(&self, seq: u64, name: &str, message: &str, record: &[u8]) {
        let reason = Reason {
            stage: Stage::Delivery,
            status: Some(404),
            code: Some("contact.not.found".to_owned()),
            message: message.to_owned(),
            violations: vec![Violation::at("/a".to_owned(), "is wrong".to_owned())],
        };
        self.settle(seq, name, End::Failed { reason, record: Some(Bytes::copy_from_slice(record)) });
    }

    pub(crate) fn row(&self) -> RunRow {
        self.journal.reader().unwrap().run(&self.id.to_string()).unwrap()
    }
}
