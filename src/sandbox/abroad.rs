//! The other origin: a server beside the platform, where some results of import jobs lie.
//!
//! It asks for no token, and none may come here: whoever follows a link must see where it leads.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::answer::Answer;
use super::course::Origin;
use super::imports::Document;
use super::quota::Family;
use super::reception::Platform;
use super::wire::Line;

/// Receives every request to the other origin.
pub(super) async fn receive(
    State(platform): State<Arc<Platform>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response {
    answer(&platform, &request).into_response(&line)
}

/// Answers a request.
pub(super) fn answer(platform: &Platform, request: &Request) -> Answer {
    let with_token = request.headers().contains_key(AUTHORIZATION);
    platform.imports.knock(with_token);
    if with_token {
        platform.ledger.breach(Family::Foreign, "the bearer token was sent to another origin");
    }
    let answer = if request.method() == Method::GET {
        let document = Document::foreign(request.uri().path());
        let answer =
            platform.imports.document(document, Origin::Foreign, platform.scenario.jobs.result_bytes);
        if let Some(document) = document.filter(|_| answer.status.is_success()) {
            platform.imports.fetched(document);
        }
        answer
    } else {
        platform
            .ledger
            .breach(Family::Foreign, &format!("the method {} on another origin", request.method()));
        let message = "HTTP method not allowed on this resource.";
        Answer::error(StatusCode::METHOD_NOT_ALLOWED, "method.not.allowed", message)
    };
    platform.ledger.ended(Family::Foreign, answer.ending());
    answer
}
