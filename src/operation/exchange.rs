//! Validated batch ingestion (Genesys Data Exchange): records that pass a JSON Schema go as JSON arrays.
//!
//! Batches know nothing of each other, so several go at once. One that the platform refuses is taken apart until the
//! refused records stand alone.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use reqwest::Method;
use serde::Deserialize;

use super::{
    Admitted, Call, Delivered, Draft, Grouping, Item, Operation, Progress, Step, Terms, array, invalid,
    key_of, place,
};
use crate::dataset::schema::{Schema, SchemaError};
use crate::model::{OperationKind, Reason, RunId};
use crate::pacing::BatchKind;
use crate::plan::{self, Timeout};
use crate::platform::{Answer, Payload, Request};
use crate::text::one_line;

/// The operation.
#[derive(Debug)]
pub struct Exchange {
    settings: plan::Exchange,
    timeout: Timeout,
    schema: Schema,
}

impl Exchange {
    /// With the plan's settings, and how long one attempt may take.
    ///
    /// # Errors
    ///
    /// The plan's schema cannot be used.
    pub fn new(settings: plan::Exchange, timeout: Timeout) -> Result<Self, SchemaError> {
        let schema = Schema::named_or_file(&settings.schema, Path::new(""))?;
        Ok(Self { settings, timeout, schema })
    }
}

/// `[` and `]`.
const FRAME: u64 = 2;

impl Operation for Exchange {
    fn grouping(&self) -> Grouping {
        Grouping::Chunks {
            records: u64::from(self.settings.chunk_records),
            bytes: self.settings.chunk_bytes,
            frame: FRAME,
        }
    }

    fn kind(&self) -> OperationKind {
        OperationKind::Exchange
    }

    fn admit(&self, record: Bytes) -> Result<Admitted, Box<Reason>> {
        let Err(violations) = self.schema.check(&record) else { return Ok(Admitted::plain(record)) };
        let message = violations.iter().map(|one| one.reason.as_str()).collect::<Vec<_>>().join("; ");
        Err(Box::new(invalid("schema.violated", one_line(&message, 500), violations)))
    }

    fn name(&self, record: &[u8]) -> Option<String> {
        #[derive(Deserialize)]
        struct Named {
            external_id: String,
        }
        let named: Named = serde_json::from_slice(record).ok()?;
        let name = one_line(&named.external_id, 200);
        (!name.is_empty()).then_some(name)
    }

    fn build(&self, run: RunId, draft: Draft) -> Item {
        let content: usize = draft.records.iter().map(|one| one.record.len() + 1).sum::<usize>() + 1;
        let mut body = BytesMut::with_capacity(content);
        let ends = array(&draft.records, &mut body);
        let body = body.freeze();
        let extent = draft.extent;
        let places = [extent.dataset.to_string(), place(extent.first), extent.count.to_string()];
        let name = match draft.records.as_slice() {
            [one] => self.name(&one.record),
            _ => None,
        };
        Item {
            seq: draft.seq,
            extent,
            key: key_of(run, &places.each_ref().map(String::as_str), &body),
            record: body.clone(),
            body,
            ends,
            correlation_id: draft.correlation_id,
            name,
            chain: draft.seq,
            holes: draft.holes,
        }
    }

    fn batch(&self) -> BatchKind {
        if self.settings.isolate { BatchKind::Batch } else { BatchKind::Single }
    }

    fn next(&self, item: &Item, progress: &mut Progress, _: Option<&Answer>) -> Step {
        if progress.passed.is_some() {
            return Step::Delivered(Delivered::default());
        }
        Step::Call(Call {
            request: Request {
                method: Method::POST,
                path: self.settings.path.clone(),
                body: Some(Payload::json(item.body.clone())),
                idempotency_key: Some(item.key.clone()),
                correlation_id: None,
                timeout: self.timeout.of(item.body.len() as u64),
            },
            terms: Terms::SENDS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Stage;

    const GOOD: &str = r#"{"external_id":"a","timestamp":"2026-01-02T03:04:05Z","channel":"voice","duration_seconds":1,"customer_segment":"x"}"#;

    fn exchange(change: impl FnOnce(&mut plan::Exchange)) -> Exchange {
        let mut settings = plan::Exchange::default();
        change(&mut settings);
        Exchange::new(settings, Timeout::from(std::time::Duration::from_secs(30))).unwrap()
    }

    fn item(records: &[&str], first: u64) -> Item {
        let operation = exchange(|_| ());
        let count = records.len() as u64;
        let records =
            records.iter().map(|one| Admitted::plain(Bytes::copy_from_slice(one.as_bytes()))).collect();
        let extent = crate::journal::Extent { dataset: 0, first, span: count, count };
        let run = "018f0000-0000-7000-8000-000000000000".parse().unwrap();
        operation.build(run, Draft { seq: 7, extent, records, correlation_id: "".into(), holes: Vec::new() })
    }

    #[test]
    fn a_record_that_breaks_the_schema_is_invalid_with_all_that_is_wrong() {
        let operation = exchange(|_| ());
        assert!(operation.admit(Bytes::from_static(GOOD.as_bytes())).is_ok());
        let bad = GOOD.replace("\"voice\"", "\"\"").replace(":1,", ":\"12\",");
        let refused = operation.admit(Bytes::from(bad)).unwrap_err();
        assert_eq!((refused.stage, refused.code.as_deref()), (Stage::Validation, Some("schema.violated")));
        let places: Vec<_> = refused.violations.iter().map(|one| one.place.to_string()).collect();
        assert!(
            places.contains(&"/channel".to_owned()) && places.contains(&"/duration_seconds".to_owned()),
            "{places:?}"
        );
    }

    #[test]
    fn a_batch_is_the_array_of_its_records_byte_for_byte_and_one_alone_is_known_by_its_id() {
        let two = item(&[GOOD, "{ \"b\" : 1.0 }"], 3);
        assert_eq!(two.body, format!("[{GOOD},{{ \"b\" : 1.0 }}]"));
        assert_eq!((two.content(), two.name.as_deref()), (two.body.clone(), None));
        let one = item(&[GOOD], 3);
        assert_eq!((one.content(), one.name.as_deref()), (Bytes::from_static(GOOD.as_bytes()), Some("a")));
        assert_ne!(one.key, item(&[GOOD], 4).key, "the same record elsewhere is another one");
    }

    #[test]
    fn a_refused_batch_is_taken_apart_unless_the_plan_says_otherwise() {
        assert_eq!(exchange(|_| ()).batch(), BatchKind::Batch);
        assert_eq!(exchange(|settings| settings.isolate = false).batch(), BatchKind::Single);
    }
}
