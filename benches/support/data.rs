//! What is sent: records as the platforms take them, of some 150 bytes, the same ones each time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// How records stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One JSON array.
    Array,
    /// One record a line.
    Lines,
}

/// A record that the built-in schema takes.
pub fn interaction(number: u64) -> String {
    let channel = ["voice", "chat", "email", "message"][(number % 4) as usize];
    format!(
        r#"{{"external_id":"{number:016x}","timestamp":"2026-11-{:02}T{:02}:{:02}:07Z","channel":"{channel}","duration_seconds":{},"customer_segment":"gold"}}"#,
        1 + number % 28,
        number % 24,
        number % 60,
        number % 3600,
    )
}

/// Writes so many interactions, unless a file of that name is there.
pub fn interactions(folder: &Path, count: u64, layout: Layout) -> PathBuf {
    let (end, before, between, after) = match layout {
        Layout::Array => ("json", "[", ",", "]"),
        Layout::Lines => ("ndjson", "", "\n", "\n"),
    };
    let path = folder.join(format!("interactions-{count}.{end}"));
    if !path.exists() {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&path).unwrap());
        file.write_all(before.as_bytes()).unwrap();
        for number in 0..count {
            if number > 0 {
                file.write_all(between.as_bytes()).unwrap();
            }
            file.write_all(interaction(number).as_bytes()).unwrap();
        }
        file.write_all(after.as_bytes()).unwrap();
        file.flush().unwrap();
    }
    path
}

/// Writes outcomes of so many contacts.
pub fn outcomes(folder: &Path, count: u64) -> PathBuf {
    let path = folder.join(format!("outcomes-{count}.csv"));
    if !path.exists() {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&path).unwrap());
        writeln!(file, "contactId,category,subcategory").unwrap();
        for number in 0..count {
            writeln!(file, "{}", row(number)).unwrap();
        }
        file.flush().unwrap();
    }
    path
}

fn row(number: u64) -> String {
    format!("{},Contacted,Sale", contact(number))
}

/// A contact's id.
pub fn contact(number: u64) -> String {
    format!("contact-{number:08}")
}
