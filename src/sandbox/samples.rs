//! Datasets to try the sandbox with, one an operation: small files in `assets/samples`, but for the interactions of an
//! ingest, of which more are wanted than a repository should hold. Those are made from a fixed seed, the same on every
//! machine; the file in `assets` is how they begin.
//!
//! They are not all good: there are subcategories that do not exist, unknown contacts, ids that must be encoded to stand
//! in a path, executions that are refused or mean the same, interactions that are invalid here or refused there,
//! imports that fail. A dashboard that shows no failure shows little.

use std::fmt::Write as _;

/// A built-in dataset.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What its file would be called.
    pub file_name: &'static str,
    /// The file's content.
    pub bytes: Vec<u8>,
    /// The Data Action that it is meant for, where the operation needs one.
    pub action: Option<&'static str>,
}

const INTERACTIONS: u32 = 5_000;
const ACTION: &str = "custom_-_4b1f0c52-7d3e-4a86-9c1d-2e5f8a60b7d4";

/// The sample for an operation, by its name on the command line.
#[must_use]
pub fn sample(operation: &str) -> Option<Sample> {
    let (file_name, file): (_, &[u8]) = match operation {
        "ingest" => {
            let bytes = interactions().into_bytes();
            return Some(Sample { file_name: "interactions.json", bytes, action: None });
        }
        "execute" => ("customers.ndjson", include_bytes!("../../assets/samples/customers.ndjson")),
        "exchange" => ("exchange.json", include_bytes!("../../assets/samples/exchange.json")),
        "import" => ("imports.ndjson", include_bytes!("../../assets/samples/imports.ndjson")),
        "outcomes" => ("outcomes.csv", include_bytes!("../../assets/samples/outcomes.csv")),
        _ => return None,
    };
    Some(Sample { file_name, bytes: file.to_vec(), action: (operation == "execute").then_some(ACTION) })
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::canonical::canonical;
    use super::super::interaction;
    use super::super::outcomes::HIERARCHY;
    use super::*;

    fn lines(operation: &str) -> Vec<Value> {
        let text = String::from_utf8(sample(operation).unwrap().bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn the_interactions_are_many_and_begin_like_the_file_in_assets() {
        let ingest = sample("ingest").unwrap();
        let records: Vec<Value> = serde_json::from_slice(&ingest.bytes).unwrap();
        assert_eq!(records.len(), 5_000);
        assert!((120..200).contains(&(ingest.bytes.len() / records.len())));
        let head = include_bytes!("../../assets/samples/interactions.json");
        assert!(ingest.bytes.starts_with(head.strip_suffix(b"\n]\n").unwrap()));
    }

    #[test]
    fn the_customers_hold_what_makes_executions_differ() {
        let sample = sample("execute").unwrap();
        assert!(sample.action.is_some());
        let text = String::from_utf8(sample.bytes).unwrap();
        let mut forms: Vec<String> = text.lines().map(|line| canonical(line.as_bytes()).unwrap()).collect();
        assert_eq!(forms.len(), 200);
        assert_eq!(forms.iter().filter(|form| form.contains("\"refuse\":true")).count(), 2);
        assert_eq!(forms.iter().filter(|form| form.contains("9007199254740993")).count(), 1);
        forms.sort_unstable();
        forms.dedup();
        assert_eq!(
            forms.len(),
            196,
            "some mean the same, one of them in another order, one with other blanks"
        );
    }

    #[test]
    fn the_batches_have_records_that_only_one_side_refuses() {
        let bytes = sample("exchange").unwrap().bytes;
        let records: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(records.len(), 2_000);
        let (invalid, valid): (Vec<&Value>, Vec<&Value>) =
            records.iter().partition(|record| interaction::wrong(record.as_object().unwrap()).is_some());
        assert_eq!(invalid.len(), 20);
        let refused = |record: &&Value| {
            record["customer_segment"] == "refused"
                || record["external_id"].as_str().unwrap().starts_with("refused-")
        };
        assert_eq!(valid.into_iter().filter(refused).count(), 3);
    }

    #[test]
    fn the_import_requests_meet_all_kinds_of_ends() {
        let requests = lines("import");
        assert_eq!(requests.len(), 12);
        for mark in ["inline", "rows", "fetch", "foreign", "redirect", "late", "fail"] {
            let marked = |request: &Value| request["sourceUrl"].as_str().unwrap().contains(mark);
            assert!(requests.iter().any(marked), "{mark}");
        }
    }

    #[test]
    fn the_outcomes_have_mistakes_and_ids_that_need_encoding() {
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
        assert_eq!(invalid, 16);
        assert_eq!(rows.iter().filter(|row| row[0].starts_with("unknown-")).count(), 20);
        assert!(rows.iter().any(|row| !row[0].is_ascii()));
        assert!(sample("unheard-of").is_none());
    }
}
