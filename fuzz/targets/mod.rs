//! What must hold of all that is read from outside, whatever stands in it. Each target takes bytes, makes of them what it
//! is about, and panics where a promise is broken; what it cannot make anything of it lets pass.
//!
//! The fuzzer (`fuzz/`) and the normal tests (`tests/fuzzing/`) run these same functions, so that neither can rot.
//!
//! ```text
//! datasets   files: their records, whichever way they are read; chunks
//! records    what is made of a record: schema, map, patch, canonical text, keys
//! json       a second reader of JSON, and a second writer of canonical text
//! answers    what platforms say: refusals, headers, tokens, imports
//! settings   what people write: plans, configuration, keys, scenarios, ids
//! shown      what people see: lines, cells, reports, filters
//! journal    one small run to look into
//! ```

mod answers;
mod datasets;
mod journal;
mod json;
mod records;
mod settings;
mod shown;

#[expect(dead_code, reason = "the program's own tests use the rest")]
#[path = "../../tests/support/hostile.rs"]
pub mod hostile;

/// Calls a macro with the name of each target.
macro_rules! for_each_target {
    ($($then:tt)+) => {
        $($then)+! {
            datasets::dataset, datasets::chunks,
            records::schema, records::map, records::patch, records::canonical, records::key,
            answers::refusal, answers::headers, answers::token, answers::import, answers::outcomes,
            settings::plan, settings::config, settings::keymap, settings::scenario, settings::ids,
            shown::text, shown::cells, shown::reports, shown::filter,
        }
    };
}

macro_rules! list {
    ($($room:ident::$name:ident),+ $(,)?) => {
        /// Each target by its name.
        pub const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $room::$name)),+];
    };
}
for_each_target!(list);

/// The input up to the first line of `%%`, and what follows it: inputs of several parts stay readable so.
fn parts(input: &[u8]) -> (&[u8], &[u8]) {
    const LINE: &[u8] = b"\n%%\n";
    match input.windows(LINE.len()).position(|window| window == LINE) {
        Some(at) => (&input[..at], &input[at + LINE.len()..]),
        None => (input, b""),
    }
}

/// The first byte, as a number that steers, and what follows it.
fn steered(input: &[u8]) -> (u8, &[u8]) {
    input.split_first().map_or((0, input), |(first, rest)| (*first, rest))
}

/// A folder for this thread's files, in memory where the machine has that.
fn folder() -> std::path::PathBuf {
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    }
    FOLDER.with(|folder| folder.path().to_owned())
}
