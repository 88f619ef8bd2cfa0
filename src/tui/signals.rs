//! Signals become messages: to end, to hang up, and to go on after a stop.

use std::io;

use tokio::sync::mpsc;

use super::message::What;

/// Begins to listen. From now on the signals no longer end the process by themselves.
///
/// # Errors
///
/// The operating system refuses it.
#[cfg(unix)]
pub(super) fn listen(told: &mpsc::Sender<What>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let goes_on = SignalKind::from_raw(rustix::process::Signal::CONT.as_raw());
    let heard: [(SignalKind, fn() -> What); 4] = [
        (SignalKind::terminate(), || What::Terminate),
        (SignalKind::interrupt(), || What::Terminate),
        (SignalKind::hangup(), || What::Hangup),
        (goes_on, || What::Continued),
    ];
    for (kind, what) in heard {
        let mut signals = signal(kind)?;
        let told = told.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if told.send(what()).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn listen(_: &mpsc::Sender<What>) -> io::Result<()> {
    Ok(())
}
