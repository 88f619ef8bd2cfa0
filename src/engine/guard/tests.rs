//! What becomes of locks when a run is left.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;
use crate::coordination::{Kept, Purge, Status};
use crate::journal::Extent;
use crate::model::{OperationKind, RunId};
use crate::operation::{self, Draft};
use crate::plan::Plan;

/// A store that grants what it is asked for, and remembers what was freed.
struct Granting {
    taken_over: bool,
    freed: Mutex<Vec<Release>>,
}

impl Store for Granting {
    fn claim<'a>(
        &'a self,
        key: &'a str,
        _: Holder,
        lease: Duration,
        _: Mark,
    ) -> BoxFuture<'a, Result<Claim, StoreError>> {
        let lease = Lease { key: key.to_owned(), fence: 1, until: Expiry::after(lease) };
        async move { Ok(Claim::Granted { lease, taken_over: self.taken_over }) }.boxed()
    }

    fn renew<'a>(
        &'a self,
        leases: &'a [(String, u64)],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Vec<Option<Expiry>>, StoreError>> {
        async move { Ok(leases.iter().map(|_| Some(Expiry::after(lease))).collect()) }.boxed()
    }

    fn keep<'a>(
        &'a self,
        _: &'a str,
        _: u64,
        _: &'a StoredResult,
        _: Duration,
    ) -> BoxFuture<'a, Result<Kept, StoreError>> {
        async { Ok(Kept::Stored) }.boxed()
    }

    fn release<'a>(
        &'a self,
        _: &'a str,
        _: u64,
        how: Release,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.freed.lock().unwrap().push(how);
        async { Ok(()) }.boxed()
    }

    fn status(&self) -> BoxFuture<'_, Result<Status, StoreError>> {
        async { Ok(Status::default()) }.boxed()
    }

    fn purge(&self, _: Purge) -> BoxFuture<'_, Result<u64, StoreError>> {
        async { Ok(0) }.boxed()
    }
}

/// What is freed when a run is left that has claimed a key and made no call.
async fn freed_after_a_claim(taken_over: bool) -> Vec<Release> {
    let mut plan = Plan::new(OperationKind::Execute);
    plan.set("action", "act").unwrap();
    let operation = operation::of(&plan).unwrap();
    let store = Arc::new(Granting { taken_over, freed: Mutex::default() });
    let guard = Guard::new(operation.guard().unwrap(), Arc::clone(&store) as Arc<dyn Store>);
    let run = RunId::begin();
    let draft = Draft {
        seq: 0,
        extent: Extent { dataset: 0, first: 0, span: 1, count: 1 },
        records: vec![operation.admit(Bytes::from_static(b"{\"a\":1}")).unwrap()],
        correlation_id: "".into(),
        holes: Vec::new(),
    };
    let job = Job::new(operation.build(run, draft), 0);
    let admission = guard.admit(Holder { run, item: 0 }, &job).await.unwrap();
    let Admission::Granted(_held, _) = admission else { panic!("it is granted") };
    guard.release_all().await;
    let freed = store.freed.lock().unwrap();
    freed.clone()
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_was_taken_over_is_not_freed_by_one_who_is_left_before_the_call() {
    assert_eq!(freed_after_a_claim(true).await, []);
    assert_eq!(freed_after_a_claim(false).await, [Release::Free]);
}

#[test]
fn no_header_is_kept_that_lets_somebody_in() {
    let mut headers = HeaderMap::new();
    for name in [
        "authentication-info",
        "x-authorization",
        "x-auth",
        "set-cookie",
        "x-api-key",
        "x-api_key",
        "x-apikey",
        "x-amz-security-token",
        "x-session-id",
        "x-jwt-data",
        "x-password",
    ] {
        headers.insert(name, "lets me in".parse().unwrap());
    }
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert("inin-correlation-id", "c-1".parse().unwrap());
    let mut kept = harmless(&headers);
    kept.sort();
    let expected = [("content-type", "application/json"), ("inin-correlation-id", "c-1")];
    assert_eq!(kept, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}
