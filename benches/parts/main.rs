//! The parts that every record goes through, each beside what the machine can do.
//!
//! `cargo bench --bench parts` measures them; `-- --test` goes through each once, so that none can rot.
//!
//! ```text
//! reading    datasets of each form, beside a bare `read`
//! records    the checks and the key of one record
//! journal    group commits, beside bare SQLite
//! pacing     leave for one call, and its answer
//! ```
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a benchmark")]
#![allow(missing_docs, reason = "criterion's own functions")]

#[path = "../support/data.rs"]
mod data;
mod journal;
mod pacing;
mod reading;
mod records;
#[path = "../support/runs.rs"]
mod runs;

criterion::criterion_group!(parts, reading::all, records::all, journal::all, pacing::all);
criterion::criterion_main!(parts);
