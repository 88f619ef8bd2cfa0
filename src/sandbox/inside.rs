//! A platform without a listener: calls are handed to it one by one, by whoever simulates what lies in between.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use serde_json::Value;

use super::answer::{Answer, Delivery};
use super::imports::Origins;
use super::reception::{Platform, Receipt};
use super::{Scenario, abroad};

/// A platform that is called without a network.
#[derive(Debug)]
pub struct Inside {
    platform: Arc<Platform>,
    foreign: String,
}

/// What comes of a call.
#[derive(Debug)]
pub enum Told {
    /// An answer.
    Whole(Response<Bytes>),
    /// One that breaks off after these bytes of its body.
    Cut(Response<Bytes>),
    /// Nothing: the connection is reset.
    Reset,
}

/// An answer on its way back. Dropped, it has not arrived.
#[derive(Debug)]
#[must_use = "an answer that is dropped has not arrived"]
pub struct Reply(Receipt);

impl Reply {
    /// It has arrived, now.
    pub fn arrived(self) {
        self.0.arrived();
    }
}

impl Inside {
    /// A platform at this address, its other origin at that one; `seed` replaces the scenario's.
    #[must_use]
    pub fn new(scenario: Scenario, seed: Option<u64>, own: String, foreign: String) -> Self {
        let origins = Origins { own, foreign: foreign.clone() };
        Self { platform: Arc::new(Platform::new(scenario, seed, origins)), foreign }
    }

    /// Calls it. A caller who goes away leaves what was begun to the platform; and an answer that gets lost tells nobody
    /// anything, so that it is to be said when it has [arrived](Reply::arrived).
    pub async fn call(&self, request: Request<Bytes>) -> (Told, Reply) {
        let abroad = request.uri().to_string().starts_with(&self.foreign);
        let request = request.map(Body::from);
        let (answer, receipt) = if abroad {
            (abroad::answer(&self.platform, &request), Receipt::none())
        } else {
            self.platform.answer(request).await
        };
        (answer.into_told(), Reply(receipt))
    }

    /// What was done and what was done wrong.
    #[must_use]
    pub fn ledger(&self) -> Value {
        self.platform.ledger_json()
    }
}

impl Answer {
    fn into_told(self) -> Told {
        let delivery = self.delivery;
        let response = self.into_bytes();
        match delivery {
            Delivery::Whole => Told::Whole(response),
            Delivery::Cut => Told::Cut(response.map(|body| body.slice(..body.len() / 2))),
            Delivery::Reset(_) => Told::Reset,
        }
    }
}
