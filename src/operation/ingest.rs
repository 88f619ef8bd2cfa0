//! Chunked dataset ingest (Genesys Cloud): records go as a JSON array in one multipart field, chunk after chunk.
//!
//! The platform builds one set of all chunks with one correlation id, in the order in which they come. So all items of a
//! dataset are one chain, and the correlation id is the dataset's own, for this run and its resumes only.

use bytes::{Bytes, BytesMut};
use reqwest::Method;
use reqwest::header::HeaderValue;

use super::{
    Admitted, Call, Delivered, Draft, Grouping, Item, Operation, Progress, Step, Terms, array, key_of, place,
};
use crate::model::{OperationKind, Reason, RunId};
use crate::plan::{self, Timeout};
use crate::platform::{Answer, Payload, Request};

/// The operation.
#[derive(Debug)]
pub struct Ingest {
    settings: plan::Ingest,
    timeout: Timeout,
}

const BOUNDARY_BEGIN: &str = "trunkline-";
/// Digits of the item's key within the boundary: a body can't hold the hash of itself.
const BOUNDARY_DIGITS: usize = 32;
const HEAD: (&str, &str) =
    ("--", "\r\nContent-Disposition: form-data; name=\"data\"\r\nContent-Type: application/json\r\n\r\n");
const TAIL: (&str, &str) = ("\r\n--", "--\r\n");
const BOUNDARY: usize = BOUNDARY_BEGIN.len() + BOUNDARY_DIGITS;
const HEAD_LENGTH: usize = HEAD.0.len() + BOUNDARY + HEAD.1.len();
const TAIL_LENGTH: usize = TAIL.0.len() + BOUNDARY + TAIL.1.len();

impl Ingest {
    /// With the plan's settings, and how long one attempt may take.
    #[must_use]
    pub fn new(settings: plan::Ingest, timeout: Timeout) -> Self {
        Self { settings, timeout }
    }
}

fn boundary(key: &str) -> String {
    format!("{BOUNDARY_BEGIN}{}", key.get(..BOUNDARY_DIGITS).unwrap_or(key))
}

impl Operation for Ingest {
    fn grouping(&self) -> Grouping {
        Grouping::Chunks {
            records: u64::from(self.settings.chunk_records),
            bytes: self.settings.chunk_bytes,
            frame: (HEAD_LENGTH + TAIL_LENGTH + 2) as u64,
        }
    }

    fn kind(&self) -> OperationKind {
        OperationKind::Ingest
    }

    fn looks_into_records(&self) -> bool {
        false
    }

    fn admit(&self, record: Bytes) -> Result<Admitted, Box<Reason>> {
        Ok(Admitted::plain(record))
    }

    fn build(&self, run: RunId, draft: Draft) -> Item {
        let content: usize = draft.records.iter().map(|one| one.record.len() + 1).sum::<usize>() + 1;
        let mut body = BytesMut::with_capacity(HEAD_LENGTH + content + TAIL_LENGTH);
        // the head names the boundary, which is made of the key, which is made of what follows
        body.resize(HEAD_LENGTH, 0);
        let ends = array(&draft.records, &mut body);
        let extent = draft.extent;
        let places = [extent.dataset.to_string(), place(extent.first), extent.count.to_string()];
        let array = body.get(HEAD_LENGTH..).unwrap_or_default();
        let key = key_of(run, &places.each_ref().map(String::as_str), array);
        let boundary = boundary(&key);
        let head = [HEAD.0, &boundary, HEAD.1].concat();
        if let Some(place) = body.get_mut(..HEAD_LENGTH) {
            place.copy_from_slice(head.as_bytes());
        }
        let end = body.len();
        for part in [TAIL.0, &boundary, TAIL.1] {
            body.extend_from_slice(part.as_bytes());
        }
        let body = body.freeze();
        Item {
            seq: draft.seq,
            extent,
            record: body.slice(HEAD_LENGTH..end),
            body,
            ends,
            key,
            correlation_id: draft.correlation_id,
            name: None,
            chain: u64::from(extent.dataset),
            holes: draft.holes,
        }
    }

    fn keeps_order(&self) -> bool {
        true
    }

    fn next(&self, item: &Item, progress: &mut Progress, _: Option<&Answer>) -> Step {
        if progress.passed.is_some() {
            return Step::Delivered(Delivered::default());
        }
        let content_type = format!("multipart/form-data; boundary={}", boundary(&item.key));
        let content_type =
            HeaderValue::try_from(content_type).unwrap_or(HeaderValue::from_static("multipart/form-data"));
        Step::Call(Call {
            request: Request {
                method: Method::POST,
                path: self.settings.path.clone(),
                body: Some(Payload { content_type, bytes: item.body.clone() }),
                idempotency_key: Some(item.key.clone()),
                correlation_id: Some(item.correlation_id.to_string()),
                timeout: self.timeout.of(item.body.len() as u64),
            },
            terms: Terms::SENDS,
        })
    }
}
