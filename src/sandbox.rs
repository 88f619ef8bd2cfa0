//! The simulated platforms: an HTTP server on loopback that holds its callers to the platforms' contract.
//!
//! It serves two masters. A person tries Trunkline on it, with nothing set up and no network (`trunkline demo`); and
//! the tests drive the whole program against it. For the second it must be strict: whatever the contract demands of
//! a client is checked here, and each breach is written down in plain words in a *ledger*, beside every effect that
//! a call had. A run is right when the ledger shows each record's effect once, in order, and no breach.
//!
//! It shares no code with the client: not the multipart writer, not the percent-encoding, not even the shared words.
//! A misreading of the contract that both sides had in common would never be seen.
//!
//! ```text
//! wire        the listeners, and connections that can be reset for real
//! inside      the same without a listener, for simulations
//! reception   one call: token, rate window, form, fate                    route  body
//! form        manners, keys, paths, bodies
//! conduct     what a caller must keep from one call to the next
//! work        one call carried out: its fate, its key, its effect         answer
//! token       who may call; both token endpoints and access keys
//! quota       rate windows, Retry-After kept or not, the token bucket check
//! dice        what goes wrong with a call, by seed
//! keys        idempotency keys: first answer again, reuse, in progress
//! ingest      the JSON array, the chunks of a set                         multipart  records
//! execute     Data Actions: each body's effect                            canonical
//! exchange    batches that are taken or refused as a whole                interaction  records
//! imports     jobs that move by time, and their results                   course  patience
//! abroad      the other origin, where some results lie
//! outcomes    the hierarchy, contacts and what became of them
//! flights     calls that overlap where they must not
//! ledger      breaches and effects, as JSON                               effects
//! scenario    what a tenant is like, from a TOML file
//! samples     datasets to try it with
//! ```

mod abroad;
mod answer;
mod body;
mod canonical;
mod conduct;
mod course;
mod dice;
mod duration;
mod effects;
mod exchange;
mod execute;
mod flights;
mod form;
mod hash;
mod imports;
mod ingest;
mod inside;
mod interaction;
mod keys;
mod ledger;
mod multipart;
mod outcomes;
mod patience;
mod quota;
mod reception;
mod records;
mod route;
mod samples;
mod scenario;
mod token;
mod wire;
mod work;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use imports::Origins;
pub use inside::{Inside, Reply, Told};
use reception::Platform;
pub use samples::{Sample, sample};
pub use scenario::Scenario;

/// The client id that the sandbox knows, unless its scenario names another. Also the id of its access key.
pub const CLIENT_ID: &str = "sandbox";
/// The secret that belongs to [`CLIENT_ID`].
pub const CLIENT_SECRET: &str = "sandbox-secret";

/// Why a sandbox could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The port is taken or may not be used.
    #[error(
        "sandbox: cannot listen on 127.0.0.1:{port}: {source}; another port, or 0 for any free one, may do"
    )]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// No built-in scenario has this name.
    #[error("scenario `{name}` is not built in; there are {known}, or give a TOML file")]
    NoSuchScenario {
        /// The name asked for, made safe to show.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The scenario file could not be read.
    #[error("scenario `{}`: cannot be read: {source}", crate::text::path(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The scenario is no TOML, has an unknown key, or a value that makes no sense.
    #[error("scenario `{name}`, line {line}: {message}")]
    BadScenario {
        /// The scenario's name or file.
        name: String,
        /// Counted from 1; 0 where it is about the file as a whole.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

/// A running sandbox on 127.0.0.1. It stops, and all its connections end, when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    platform: Arc<Platform>,
    stopping: CancellationToken,
    servers: [JoinHandle<()>; 2],
}

impl Sandbox {
    /// Starts a sandbox on the runtime it is called in. Port 0 takes any free one; `seed` replaces the scenario's.
    ///
    /// # Errors
    /// [`SandboxError::Listen`] where the port can't be had.
    pub async fn start(scenario: Scenario, seed: Option<u64>, port: u16) -> Result<Self, SandboxError> {
        let (here, address) = listen(port).await?;
        let (there, foreign) = listen(0).await?;
        let origins = Origins { own: format!("http://{address}"), foreign: format!("http://{foreign}") };
        let platform = Arc::new(Platform::new(scenario, seed, origins));
        let stopping = CancellationToken::new();
        let desk = Router::new().fallback(reception::receive).with_state(Arc::clone(&platform));
        let abroad = Router::new().fallback(abroad::receive).with_state(Arc::clone(&platform));
        let serve = |listener, desk| tokio::spawn(wire::serve(listener, desk, stopping.clone()));
        let servers = [serve(here, desk), serve(there, abroad)];
        Ok(Self { address, platform, stopping, servers })
    }

    /// `http://127.0.0.1:PORT`; both `api_url` and `auth_url` of a profile.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was done and what was done wrong; the same as `GET /sandbox/ledger`.
    #[must_use]
    pub fn ledger(&self) -> serde_json::Value {
        self.platform.ledger_json()
    }

    /// Stops listening, ends all connections, and returns when the port is free again.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        for server in &mut self.servers {
            server.abort();
            // an aborted task's error says nothing but that it was aborted
            drop(server.await);
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stopping.cancel();
        self.servers.iter().for_each(JoinHandle::abort);
    }
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), SandboxError> {
    let failed = |source| SandboxError::Listen { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}
