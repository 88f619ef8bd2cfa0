//! Runs in a journal that nobody has carried out.

use bytes::Bytes;
use trunkline::journal::{End, Extent, NewDataset, NewRun, Origin, Settled, Source, Write};
use trunkline::model::{OperationKind, PlatformKind, RunId};

use super::data;

/// A run of so many outcomes, and that all of them are planned.
pub fn of_outcomes(items: u64) -> (NewRun, Vec<Write>) {
    let run = NewRun {
        id: RunId::begin(),
        operation: OperationKind::Outcomes,
        profile: "bench".to_owned(),
        platform: PlatformKind::Cxone,
        api_url: "http://127.0.0.1:9".to_owned(),
        auth_url: "http://127.0.0.1:9".to_owned(),
        client_id: "bench".to_owned(),
        production: false,
        plan: String::new(),
        until_error: false,
        datasets: vec![NewDataset {
            path: "/data/outcomes.csv".to_owned(),
            format: "CSV".to_owned(),
            bytes: 1,
            digest: None,
            records: Some(items),
            first_position: 0,
            correlation_id: "bench".to_owned(),
        }],
    };
    let planned = Write::Stretch { first_seq: 0, dataset: 0, first: 0, count: items, planned: items };
    (run, vec![planned, Write::PlannedAll { records: items }])
}

/// One of them delivered.
pub fn delivered(seq: u64) -> Write {
    Write::Settle(Box::new(Settled {
        seq,
        extent: Extent { dataset: 0, first: seq, span: 1, count: 1 },
        end: End::Delivered {
            answer: Bytes::from_static(b"{\"status\":\"accepted\"}"),
            source: Source::Platform,
        },
        attempts: 1,
        unsure: 0,
        doubtful: false,
        status: Some(200),
        took_ms: Some(2),
        name: Some(data::contact(seq)),
        correlation_id: None,
        remote_id: None,
        origin: Origin::Planned,
    }))
}
