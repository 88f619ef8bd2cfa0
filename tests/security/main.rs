//! What somebody would gain who reads what the program leaves behind, names its files, answers its calls, or feeds it.

#[cfg(test)]
#[path = "../cli/bench.rs"]
#[expect(dead_code, reason = "the program's tests use the rest")]
mod bench;
#[cfg(test)]
mod bombs;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod files;
#[cfg(test)]
#[path = "../support/hostile.rs"]
mod hostile;
#[cfg(test)]
mod mirror;
#[cfg(test)]
mod names;
#[cfg(test)]
#[path = "../pty/mod.rs"]
#[expect(dead_code, reason = "the board's tests use the rest")]
mod pty;
#[cfg(test)]
#[path = "../support/redis.rs"]
#[expect(dead_code, reason = "the stores' tests use the rest")]
mod redis;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod words;
