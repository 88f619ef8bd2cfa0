//! Datasets to try the sandbox with, made from a fixed seed: the repository stays small, and a sample is the same on
//! every machine.
//!
//! They are not all good: the outcomes have subcategories that do not exist, contacts that are unknown, contacts that
//! come more than once, and ids that must be encoded to stand in a path. A dashboard that shows no failure shows little.

use std::fmt::Write as _;

use super::outcomes::HIERARCHY;

/// A built-in dataset.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What its file would be called.
    pub file_name: &'static str,
    /// The file's content.
    pub bytes: Vec<u8>,
}

const INTERACTIONS: u32 = 5_000;
const OUTCOMES: u32 = 2_000;

/// The sample for an operation, by its name on the command line; none where the sandbox does not serve it.
#[must_use]
pub fn sample(operation: &str) -> Option<Sample> {
    match operation {
        "ingest" => Some(Sample { file_name: "interactions.json", bytes: interactions().into_bytes() }),
        "outcomes" => Some(Sample { file_name: "outcomes.csv", bytes: outcomes().into_bytes() }),
        _ => None,
    }
}

fn pick<'a>(rng: &mut fastrand::Rng, choices: &[&'a str]) -> &'a str {
    rng.choice(choices).copied().unwrap_or_default()
}

/// A JSON array of interactions, about 150 bytes each.
fn interactions() -> String {
    let mut rng = fastrand::Rng::with_seed(20_250_317);
    let mut text = String::from("[\n");
    // 2025-03-17T08:00:00Z
    let mut second = 0_u32;
    for number in 0..INTERACTIONS {
        second += rng.u32(0..12);
        let (hour, minute, rest) = (8 + second / 3600, second / 60 % 60, second % 60);
        let channel = pick(&mut rng, &["voice", "voice", "voice", "chat", "email", "callback"]);
        let segment = pick(&mut rng, &["retail", "retail", "business", "premium", "público"]);
        let duration = rng.u32(4..900);
        let end = if number + 1 == INTERACTIONS { "\n" } else { ",\n" };
        // writing to a string does not fail
        let _ = write!(
            text,
            "  {{\"external_id\":\"int-{number:06}\",\"timestamp\":\"2025-03-17T{hour:02}:{minute:02}:{rest:02}Z\",\
             \"channel\":\"{channel}\",\"duration_seconds\":{duration},\"customer_segment\":\"{segment}\"}}{end}"
        );
    }
    text.push_str("]\n");
    text
}

/// A CSV of contacts and what became of them.
fn outcomes() -> String {
    let mut rng = fastrand::Rng::with_seed(44_722);
    let mut text = String::from("contactId,category,subcategory\n");
    for number in 0..OUTCOMES {
        let id = match number % 100 {
            17 => format!("unknown-{number:05}"),
            41 => format!("müller-{number:05}"),
            63 => format!("東京/{number:05}"),
            88 => format!("ext {number:05}?a=b#c%"),
            // the same contact a few rows later: its rows must keep their order
            99 => format!("c-{:05}", number - 7),
            _ => format!("c-{number:05}"),
        };
        let (_, category, children) = rng.choice(HIERARCHY).unwrap_or_default();
        let subcategory = match number % 250 {
            70 => "Price refusd",
            195 => "Sold",
            _ => rng.choice(children).map_or("", |(_, name)| name),
        };
        let _ = writeln!(text, "{id},{category},{subcategory}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_are_what_the_demo_promises() {
        let ingest = sample("ingest").unwrap();
        let records: Vec<serde_json::Value> = serde_json::from_slice(&ingest.bytes).unwrap();
        assert_eq!(records.len(), 5_000);
        assert!((120..200).contains(&(ingest.bytes.len() / records.len())));

        let outcomes = sample("outcomes").unwrap();
        let rows: Vec<csv::StringRecord> =
            csv::Reader::from_reader(&outcomes.bytes[..]).records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 2_000);
        let known = |row: &csv::StringRecord| {
            HIERARCHY
                .iter()
                .any(|(_, name, below)| *name == &row[1] && below.iter().any(|(_, sub)| *sub == &row[2]))
        };
        let invalid = rows.iter().filter(|row| !known(row)).count();
        assert!((10..30).contains(&invalid), "{invalid}");
        assert_eq!(rows.iter().filter(|row| row[0].starts_with("unknown-")).count(), 20);
        assert!(rows.iter().any(|row| !row[0].is_ascii()));
        assert_eq!(sample("outcomes").unwrap().bytes, outcomes.bytes);
        assert!(sample("execute").is_none());
    }
}
