//! The program pulled out of the middle of its work, in every way that a machine knows: killed, put to sleep, its disk
//! full, read-only, cut off from power or damaged. Nothing is lost, and nothing is done twice.
//!
//! Each test has a few crashes here, and many where `TRUNKLINE_CRASHES=many` is set, as `tests/crashes` does.

#[cfg(test)]
#[path = "../cli/bench.rs"]
#[expect(dead_code, reason = "the tests of the command line use the rest")]
mod bench;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod files;
#[cfg(test)]
mod kills;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod power;
#[cfg(test)]
#[path = "../pty/mod.rs"]
#[expect(dead_code, reason = "the board's tests use the rest")]
mod pty;
#[cfg(test)]
#[path = "../support/redis.rs"]
#[expect(dead_code, reason = "the store's own tests use the rest")]
mod redis;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod refuse;
#[cfg(test)]
mod sleep;
#[cfg(test)]
mod storm;
