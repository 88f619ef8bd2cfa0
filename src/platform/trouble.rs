//! Reads out of the HTTP client's errors what became of a call, in words for a person.
//!
//! The client's own texts name URLs and inner types ("error sending request for url …"), and leave open the one
//! question that counts: can the platform have seen the request? So its chain of causes is walked here, and its texts
//! are shown only where we have no better words.

use std::error::Error;
use std::io;
use std::time::Duration;

use rustls::CertificateError;

use super::call::{AnswerLoss, CallError, ConnectStage};
use super::http::Lost;
use super::target::CONNECT_TIMEOUT;
use crate::machine::Loss;
use crate::text::one_line;

/// Whether any of the request's body was handed to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is a body, and no byte of it has left us: whatever went wrong, the platform cannot have carried it out.
    NotBegun,
    /// Some of it may have left, or there is no body by which to tell.
    MayHaveLeft,
}

/// What an error before the answer's status means.
pub(super) fn before_status(lost: &Lost, host: &str, progress: Progress, timeout: Duration) -> CallError {
    let error = match lost {
        Lost::Told(error) => error,
        Lost::Held(Loss::Late) => return timed_out(host, timeout),
        Lost::Held(Loss::Unreachable) => {
            let message = format!("connecting to `{host}`: nobody took the connection");
            return CallError::NoConnection { message, kind: ConnectStage::Tcp };
        }
        Lost::Held(Loss::Reset) => {
            let message = format!("calling `{host}`: the connection ended before the answer");
            return CallError::NoAnswer { message, kind: AnswerLoss::Reset };
        }
    };
    if error.is_builder() {
        return CallError::Unsendable {
            message: format!("calling `{host}`: the request cannot be written: {}", root_cause(error)),
        };
    }
    if error.is_connect() {
        let (kind, what) = connect_words(error);
        return CallError::NoConnection { message: format!("connecting to `{host}`: {what}"), kind };
    }
    if progress == Progress::NotBegun {
        let what = if error.is_timeout() {
            format!("no connection within {}", seconds(timeout))
        } else {
            root_cause(error)
        };
        return CallError::NoConnection {
            message: format!("connecting to `{host}`: {what}"),
            kind: ConnectStage::Tcp,
        };
    }
    if error.is_timeout() {
        return timed_out(host, timeout);
    }
    let what = root_cause(error);
    if what.starts_with("invalid HTTP") {
        let message = format!("calling `{host}`: what came back is not HTTP ({what})");
        return CallError::NoAnswer { message, kind: AnswerLoss::Truncated };
    }
    let message = format!("calling `{host}`: the connection ended before the answer ({what})");
    CallError::NoAnswer { message, kind: AnswerLoss::Reset }
}

/// What an error inside a success's body means.
pub(super) fn inside_body(error: &reqwest::Error, host: &str, timeout: Duration) -> CallError {
    if error.is_timeout() {
        return timed_out(host, timeout);
    }
    let message = format!("calling `{host}`: the answer broke off ({})", root_cause(error));
    CallError::NoAnswer { message, kind: AnswerLoss::Truncated }
}

/// The innermost cause, as one safe line.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map_or_else(String::new, |cause| one_line(in_our_words(&cause.to_string()), 300))
}

/// Without what the other side of an HTTP/2 connection gives as its reason, which stands as bytes at the end: it may
/// repeat anything that was sent to it.
fn in_our_words(said: &str) -> &str {
    said.split(" (b\"").next().unwrap_or_default()
}

fn timed_out(host: &str, timeout: Duration) -> CallError {
    let message = format!("calling `{host}`: no complete answer within {}", seconds(timeout));
    CallError::NoAnswer { message, kind: AnswerLoss::Timeout }
}

fn seconds(duration: Duration) -> String {
    if duration.subsec_nanos() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// An error and all that caused it. An `io::Error` names as its source the source of what it wraps, not what it
/// wraps; so it is opened by hand.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause: &&'a (dyn Error + 'static)| {
        match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => cause.source(),
        }
    })
}

fn connect_words(error: &reqwest::Error) -> (ConnectStage, String) {
    if error.is_dns() {
        let cause = root_cause(error);
        let what = if cause.contains("emporary failure") {
            "its name could not be looked up just now (no name server answered)".to_owned()
        } else {
            format!("no such host ({cause})")
        };
        return (ConnectStage::Dns, what);
    }
    if let Some(tls) = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        return (ConnectStage::Tls, tls_words(tls));
    }
    let what = root_cause(error);
    if what.contains("tls handshake eof") {
        return (ConnectStage::Tls, "the connection was closed during the TLS handshake".to_owned());
    }
    if let Some(io) = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last() {
        match io.kind() {
            io::ErrorKind::ConnectionRefused => return (ConnectStage::Tcp, "connection refused".to_owned()),
            io::ErrorKind::ConnectionReset => return (ConnectStage::Tcp, "connection reset".to_owned()),
            io::ErrorKind::HostUnreachable => return (ConnectStage::Tcp, "host unreachable".to_owned()),
            io::ErrorKind::NetworkUnreachable => {
                return (ConnectStage::Tcp, "network unreachable".to_owned());
            }
            _ => {}
        }
    }
    if error.is_timeout() {
        return (ConnectStage::Tcp, format!("no connection within {}", seconds(CONNECT_TIMEOUT)));
    }
    if what.contains("proxy authorization required") {
        return (ConnectStage::Tcp, "the proxy wants a user name and password".to_owned());
    }
    if causes(error).any(|cause| cause.to_string().contains("tunnel")) {
        return (ConnectStage::Tcp, format!("the proxy did not let the connection through ({what})"));
    }
    (ConnectStage::Tcp, what)
}

fn tls_words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(why) => {
            let why = match why {
                CertificateError::UnknownIssuer => "this machine does not know its issuer".to_owned(),
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    "it has expired".to_owned()
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    "it is not valid yet".to_owned()
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    "it is for another host".to_owned()
                }
                CertificateError::Revoked => "it was revoked".to_owned(),
                other => one_line(&other.to_string(), 200),
            };
            format!("certificate not trusted: {why}")
        }
        rustls::Error::InvalidMessage(_) => "what answers there does not speak TLS".to_owned(),
        rustls::Error::PeerIncompatible(_) => "it speaks no TLS version or cipher that is safe".to_owned(),
        rustls::Error::AlertReceived(alert) => format!("it refused the TLS handshake ({alert:?})"),
        other => format!("TLS failed: {}", one_line(&other.to_string(), 200)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_the_other_side_gives_is_not_repeated() {
        let said = "connection error received: not a result of an error (b\"Bearer tok-A8f3\\x1b[31m\")";
        let error = io::Error::other(said);
        assert_eq!(root_cause(&error), "connection error received: not a result of an error");
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_no_connection() {
        crate::platform::ensure_crypto();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        // A label may have 63 characters: the resolver refuses this name without asking anybody.
        let host = format!("{}.test", "a".repeat(64));
        let error = client.post(format!("http://{host}/?secret")).body("{}").send().await.unwrap_err();
        let outcome =
            before_status(&Lost::Told(error), "host", Progress::MayHaveLeft, Duration::from_secs(1));
        assert!(matches!(outcome, CallError::NoConnection { kind: ConnectStage::Dns, .. }), "{outcome:?}");
        let said = outcome.to_string();
        assert!(said.starts_with("connecting to `host`: ") && !said.contains("secret"), "{said}");
    }
}
