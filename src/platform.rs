//! The platforms' wire: one HTTP call at a time, the token that goes with it, and what the answer says.
//!
//! This room knows how to make **one** attempt and tell exactly what became of it. Whether to try again, when, and at
//! what pace is decided above; for that the one question that matters is answered here, by type: a
//! [`CallError::NoConnection`] is known not to have arrived, a [`CallError::NoAnswer`] may have been carried out.
//!
//! ```text
//!  Target ──open──▶ HttpTransport ──call(request, token)──▶ Answer │ CallError
//!                        │                                     │
//!                 token_endpoint                     rate, error_body: what it says
//!                        ▼
//!                     Tokens ──get──▶ Arc<Token>     one for all workers, renewed by one of them
//! ```

mod auth;
mod call;
pub mod error_body;
mod fetch;
mod http;
pub mod rate;
mod target;
mod trouble;

pub(crate) use auth::conceal_in_text;
pub use auth::{ClientAuth, Fetch, Grant, SecretProvider, Token, TokenEndpoint, TokenError, Tokens};
pub use call::{Answer, AnswerLoss, CallError, ConnectStage, Payload, Request, Transport};
pub use error_body::{ErrorEntry, PlatformError};
pub use fetch::{Download, FetchError, Fetched, Site};
pub use http::HttpTransport;
pub use rate::{RateWindow, RetryAfter};
pub use target::{Target, TargetError};

/// Installs ring as the process's TLS provider. May be called any number of times; the first call counts.
///
/// Without it the first client would panic: our TLS is built without a provider of its own, so that the build needs
/// a C compiler and nothing else.
pub fn ensure_crypto() {
    // The error says that one is installed already, which is what was wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests;
