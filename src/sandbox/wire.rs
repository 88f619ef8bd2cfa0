//! The listener, and connections that can be cut for real.
//!
//! A reset that a client sees must be one: a socket closed with unsent and unread data thrown away (RST), without a
//! byte of an answer. So each connection carries a switch that the work on a call can pull; the next write then fails,
//! the server drops the connection, and the socket is closed with a zero linger time.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Serves until it is aborted; `stopping` also ends the connections that are open then.
pub(super) async fn serve(listener: TcpListener, desk: Router, stopping: CancellationToken) {
    let service = desk.into_make_service_with_connect_info::<Line>();
    // never returns: each failed accept is tried again below
    drop(axum::serve(Door { listener, stopping }, service).await);
}

/// The switch of one connection.
#[derive(Debug, Default, Clone)]
pub(super) struct Line(Arc<AtomicBool>);

impl Line {
    /// Makes the connection end in a reset instead of the next byte written.
    pub(super) fn reset(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_reset(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Connected<IncomingStream<'_, Door>> for Line {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().line.clone()
    }
}

pub(super) struct Door {
    listener: TcpListener,
    stopping: CancellationToken,
}

impl Listener for Door {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // a connection that delays small answers is slow, not wrong
                    drop(stream.set_nodelay(true));
                    let stopped = Box::pin(self.stopping.clone().cancelled_owned());
                    return (Wire { stream, line: Line(Arc::default()), stopped }, address);
                }
                // out of file descriptors, or a caller gone before it was let in: others may do better
                Err(error) => {
                    tracing::debug!(%error, "sandbox: a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection.
pub(super) struct Wire {
    stream: TcpStream,
    line: Line,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Wire {
    fn intact(&self) -> io::Result<()> {
        if self.line.is_reset() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.line.is_reset() {
            // where the system refuses, the caller sees a plain end of the connection, still without an answer
            drop(self.stream.set_zero_linger());
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stopped.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        self.intact()?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.intact()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.intact()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.intact()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.line.is_reset() {
            // a polite end would be an empty answer; this one is to be rude
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
