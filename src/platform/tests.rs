//! The client against real sockets: what it sends, and what it makes of every way in which a call can end.

pub(super) mod server;
mod wire;
