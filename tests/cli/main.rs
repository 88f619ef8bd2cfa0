//! The program from outside: what is typed, what comes out, how it ends, and what the platform saw of it.

#[cfg(test)]
mod asking;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod board;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod events;
#[cfg(test)]
mod input;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod looking;
#[cfg(test)]
mod mending;
#[cfg(test)]
#[path = "../pty/mod.rs"]
#[expect(dead_code, reason = "the board's tests use the rest")]
mod pty;
#[cfg(test)]
#[path = "../support/redis.rs"]
#[expect(dead_code, reason = "the store's tests use the rest")]
mod redis;
