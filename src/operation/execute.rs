//! Idempotent Data Action execution (Genesys Cloud): each record runs one action, once.
//!
//! The key is made of what is sent, in RFC 8785's canonical form, so that the same record means the same execution in
//! every run and on every machine. The store behind the key is the engine's matter; here it is only declared.

use bytes::{BufMut, Bytes, BytesMut};
use reqwest::Method;
use sha2::{Digest, Sha256};

use super::{
    Admitted, Call, Delivered, Draft, Grouping, Guard, Item, Operation, Progress, Step, Terms, hex, invalid,
    place, segment,
};
use crate::dataset::canonical::canonical;
use crate::model::{OperationKind, Reason, RunId};
use crate::plan::{self, KeyScope, Timeout, Wrap};
use crate::platform::{Answer, Payload, Request};

/// The operation.
#[derive(Debug)]
pub struct Execute {
    settings: plan::Execute,
    timeout: Timeout,
    path: String,
}

const INPUTS: &[u8] = b"{\"inputs\":";

impl Execute {
    /// With the plan's settings, and how long one attempt may take.
    #[must_use]
    pub fn new(settings: plan::Execute, timeout: Timeout) -> Self {
        let path = settings.path.replace("{actionId}", &segment(&settings.action));
        Self { settings, timeout, path }
    }

    /// A record, or its canonical form, as the body that is made of it.
    fn wrapped(&self, record: &Bytes) -> Bytes {
        match self.settings.wrap {
            Wrap::None => record.clone(),
            Wrap::Inputs => {
                let mut body = BytesMut::with_capacity(INPUTS.len() + record.len() + 1);
                body.put(INPUTS);
                body.put(record.as_ref());
                body.put_u8(b'}');
                body.freeze()
            }
        }
    }
}

impl Operation for Execute {
    fn grouping(&self) -> Grouping {
        Grouping::Single
    }

    fn kind(&self) -> OperationKind {
        OperationKind::Execute
    }

    fn admit(&self, record: Bytes) -> Result<Admitted, Box<Reason>> {
        let mut text = Vec::with_capacity(record.len());
        if let Err(none) = canonical(&record, &mut text) {
            let violation = none.violation();
            let message = format!("it has no canonical form, which its key is made of: {}", violation.reason);
            return Err(Box::new(invalid("record.no_canonical_form", message, vec![violation])));
        }
        let identity = Some(self.wrapped(&text.into()));
        // the copy keeps no reader's buffer alive while the item waits
        Ok(Admitted { identity, ..Admitted::plain(Bytes::copy_from_slice(&record)) })
    }

    fn build(&self, run: RunId, mut draft: Draft) -> Item {
        let one = draft.records.pop().unwrap_or(Admitted::plain(Bytes::new()));
        let mut hash = Sha256::new();
        if self.settings.key_scope == KeyScope::Run {
            hash.update(run.to_string());
            hash.update(b":");
            hash.update(place(draft.extent.first));
            hash.update(b":");
        }
        hash.update(&self.settings.action);
        hash.update(b":");
        hash.update(one.identity.as_deref().unwrap_or_default());
        let key = hex(hash);
        Item {
            seq: draft.seq,
            extent: draft.extent,
            body: self.wrapped(&one.record),
            record: one.record,
            ends: Vec::new(),
            // records of one key go one after the other: the second finds the result of the first
            chain: u64::from_str_radix(key.get(..16).unwrap_or_default(), 16).unwrap_or(draft.seq),
            key,
            correlation_id: draft.correlation_id,
            name: None,
            holes: Vec::new(),
        }
    }

    fn guard(&self) -> Option<Guard> {
        // what a trial at another path has brought is no result of the action
        let elsewhere = self.settings.path != plan::Execute::default().path;
        Some(Guard {
            lease: self.settings.lock_lease,
            result_ttl: self.settings.result_ttl,
            elsewhere: elsewhere.then(|| self.path.clone()),
        })
    }

    fn next(&self, item: &Item, progress: &mut Progress, _: Option<&Answer>) -> Step {
        if progress.passed.is_some() {
            return Step::Delivered(Delivered::default());
        }
        let key = if self.settings.quote_keys { format!("\"{}\"", item.key) } else { item.key.clone() };
        Step::Call(Call {
            request: Request {
                method: Method::POST,
                path: self.path.clone(),
                body: Some(Payload::json(item.body.clone())),
                idempotency_key: Some(key),
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

    fn execute(change: impl FnOnce(&mut plan::Execute)) -> Execute {
        let mut settings = plan::Execute { action: "a/b c".to_owned(), ..plan::Execute::default() };
        change(&mut settings);
        Execute::new(settings, Timeout::from(std::time::Duration::from_secs(30)))
    }

    fn item(operation: &Execute, record: &'static str, first: u64) -> Item {
        let records = vec![operation.admit(Bytes::from_static(record.as_bytes())).unwrap()];
        let extent = crate::journal::Extent { dataset: 0, first, span: 1, count: 1 };
        let run = "018f0000-0000-7000-8000-000000000000".parse().unwrap();
        operation.build(run, Draft { seq: 7, extent, records, correlation_id: "".into(), holes: Vec::new() })
    }

    fn sha(text: &str) -> String {
        hex(Sha256::new_with_prefix(text))
    }

    #[test]
    fn the_key_is_of_the_action_and_the_canonical_body_and_the_body_goes_out_as_it_stands() {
        let made = item(&execute(|_| ()), r#"{ "b": 1.0, "a": 9007199254740993 }"#, 3);
        assert_eq!(made.key, sha(r#"a/b c:{"a":9007199254740993,"b":1}"#));
        assert_eq!(made.body, r#"{ "b": 1.0, "a": 9007199254740993 }"#);
        let wrapped = item(&execute(|settings| settings.wrap = Wrap::Inputs), r#"{ "a": 1 }"#, 3);
        assert_eq!(wrapped.body, r#"{"inputs":{ "a": 1 }}"#);
        assert_eq!(wrapped.key, sha(r#"a/b c:{"inputs":{"a":1}}"#));
    }

    #[test]
    fn the_same_content_is_the_same_execution_unless_the_plan_says_otherwise() {
        let content = execute(|_| ());
        assert_eq!(item(&content, r#"{"a":1,"b":2}"#, 3).key, item(&content, r#"{"b":2, "a":1}"#, 4).key);
        assert_eq!(item(&content, r#"{"a":1}"#, 3).chain, item(&content, r#"{"a":1.0}"#, 4).chain);
        let run = execute(|settings| settings.key_scope = KeyScope::Run);
        assert_eq!(
            item(&run, r#"{"a":1}"#, 3).key,
            sha(r#"018f0000-0000-7000-8000-000000000000:3:a/b c:{"a":1}"#)
        );
    }

    #[test]
    fn what_was_executed_at_another_path_is_no_result_of_this_one() {
        let usual = execute(|_| ()).guard().unwrap();
        let trial = |path: &str| execute(|settings| settings.path = path.to_owned()).guard().unwrap();
        let names: std::collections::BTreeSet<_> = [&usual, &trial("/a/{actionId}/test"), &trial("/b")]
            .map(|guard| guard.name("k").into_owned())
            .into();
        assert_eq!(usual.name("k"), "k", "a person looks for the key as it went out");
        assert_eq!(names.len(), 3);
    }

    #[test]
    fn the_action_is_one_segment_and_the_key_is_quoted_where_the_plan_says_so() {
        let operation = execute(|settings| settings.quote_keys = true);
        let made = item(&operation, r#"{"a":1}"#, 0);
        let Step::Call(call) = operation.next(&made, &mut Progress::default(), None) else {
            panic!("a call")
        };
        assert_eq!(call.request.path, "/api/v2/integrations/dataactions/a%2Fb%20c/execute");
        assert_eq!(call.request.idempotency_key, Some(format!("\"{}\"", made.key)));
    }

    #[test]
    fn a_record_without_canonical_form_is_invalid_and_says_why() {
        let refused = execute(|_| ()).admit(Bytes::from_static(br#"{"a":1,"x":{"b":1,"b":2}}"#)).unwrap_err();
        assert_eq!(refused.code.as_deref(), Some("record.no_canonical_form"));
        assert!(refused.message.contains('b'), "{}", refused.message);
    }
}
