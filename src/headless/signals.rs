//! What asks the program to leave: Ctrl-C, SIGTERM and a terminal that is gone.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for requests to leave. From its making on they no longer end the process by themselves.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    all: [Signal; 3],
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// The operating system refuses it.
    pub fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            let all = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            let [interrupt, terminate, hangup] = all.map(signal);
            Ok(Self { all: [interrupt?, terminate?, hangup?] })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the next request to leave. Dropping the wait loses none.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate, hangup] = &mut self.all;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
