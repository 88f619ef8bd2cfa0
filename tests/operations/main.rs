//! `execute`, `exchange` and `import` from end to end against the sandbox: its ledger says what really happened. What the
//! sandbox never does, a platform of the test's own does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod exchange;
mod execute;
mod import;
#[path = "../support/mod.rs"]
mod support;
mod trouble;
