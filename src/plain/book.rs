//! The words as they stand in their file, read once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::condition::Condition;
use super::{About, Best, Doubt, Kind};
use crate::model::{FaultKind, OperationKind};

/// The file.
pub(super) const TEXT: &str = include_str!("../../assets/words.toml");

/// What a person is told of a failure. In sentences `{thing}`, `{things}` and `{count}` stand for what it is about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureWords {
    pub(super) when: Vec<Condition>,
    /// A few words for the list: at most 27 columns.
    pub short: String,
    /// What happened, of one.
    pub one: String,
    /// What happened, of several.
    pub many: String,
    /// The best thing to do.
    pub advice: Best,
    /// The same in at most 18 columns.
    pub best: String,
    /// The same as a sentence, of one or of several.
    pub todo: String,
}

impl FailureWords {
    /// What happened, as a sentence about as many as the failure holds.
    #[must_use]
    pub fn sentence(&self, kind: &Kind<'_>) -> String {
        kind.fill(of(&self.one, &self.many, kind.count))
    }

    /// What a person can do, as a sentence.
    #[must_use]
    pub fn todo(&self, kind: &Kind<'_>) -> String {
        kind.fill(&self.todo)
    }

    /// How much the most telling of its conditions tells of a failure; nothing where none holds.
    pub(super) fn tells(&self, kind: &Kind<'_>) -> Option<u16> {
        self.when.iter().filter_map(|condition| condition.tells(kind)).max()
    }
}

/// What a person is told of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultWords {
    /// A few words for a line: at most 28 columns.
    pub short: String,
    /// What it means, as a sentence.
    pub means: String,
    /// What a person can do, as a sentence.
    pub todo: String,
}

/// Why nobody knows whether something was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoubtWords {
    /// The words by which our own messages tell it.
    #[serde(default)]
    pub(super) said: Vec<String>,
    /// As a sentence about one.
    pub one: String,
    /// As a sentence about several.
    pub many: String,
}

impl DoubtWords {
    /// The sentence about so many.
    #[must_use]
    pub fn of(&self, count: u64) -> &str {
        of(&self.one, &self.many, count)
    }
}

fn of<'a>(one: &'a str, many: &'a str, count: u64) -> &'a str {
    if count == 1 { one } else { many }
}

/// What a run carries, in the singular and in the plural.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Things {
    pub(super) one: String,
    pub(super) many: String,
}

/// What a repeat would do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RepeatWords {
    pub(super) harmless: String,
    pub(super) harmless_until: String,
    pub(super) twice: String,
}

/// All words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Book {
    things: BTreeMap<String, Things>,
    pub(super) failure: Vec<FailureWords>,
    pub(super) doubt: BTreeMap<Doubt, DoubtWords>,
    repeat: RepeatWords,
    pub(super) fault: BTreeMap<FaultKind, FaultWords>,
    #[serde(skip, default = "General::new")]
    general: General,
}

/// What is said where the file has no words.
#[derive(Debug)]
struct General {
    failure: FailureWords,
    fault: FaultWords,
    doubt: DoubtWords,
    things: Things,
}

/// The words; where the file cannot be read, the general ones.
pub(super) fn book() -> &'static Book {
    static BOOK: LazyLock<Book> = LazyLock::new(|| {
        Book::read(TEXT).unwrap_or_else(|error| {
            tracing::error!(%error, "reading the words for failures");
            Book::general()
        })
    });
    &BOOK
}

impl Book {
    pub(super) fn read(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// A book with nothing in it: the general sentences stand for all.
    pub(super) fn general() -> Self {
        let repeat = "Nobody knows whether a repeat is harmless.";
        Self {
            things: BTreeMap::new(),
            failure: Vec::new(),
            doubt: BTreeMap::new(),
            repeat: RepeatWords {
                harmless: repeat.to_owned(),
                harmless_until: repeat.to_owned(),
                twice: repeat.to_owned(),
            },
            fault: BTreeMap::new(),
            general: General::new(),
        }
    }

    pub(super) fn failure(&self, kind: &Kind<'_>) -> &FailureWords {
        let mut best: Option<(u16, &FailureWords)> = None;
        for words in &self.failure {
            if let Some(told) = words.tells(kind)
                && best.is_none_or(|(most, _)| told > most)
            {
                best = Some((told, words));
            }
        }
        best.map_or(&self.general.failure, |(_, words)| words)
    }

    /// Whether it has no words for a failure but the general ones.
    #[cfg(test)]
    pub(super) fn is_at_a_loss(&self, kind: &Kind<'_>) -> bool {
        std::ptr::eq(self.failure(kind), &raw const self.general.failure)
    }

    pub(super) fn fault(&self, kind: FaultKind) -> &FaultWords {
        self.fault.get(&kind).unwrap_or(&self.general.fault)
    }

    pub(super) fn doubt(&self, doubt: Doubt) -> &DoubtWords {
        self.doubt.get(&doubt).unwrap_or(&self.general.doubt)
    }

    pub(super) fn repeat(&self) -> &RepeatWords {
        &self.repeat
    }

    /// The doubt of which a message of ours tells.
    pub(super) fn told_by(&self, message: &str) -> Option<Doubt> {
        let told = |words: &DoubtWords| words.said.iter().any(|said| message.contains(said.as_str()));
        self.doubt.iter().find(|(_, words)| told(words)).map(|(doubt, _)| *doubt)
    }

    pub(super) fn things(&self, operation: Option<OperationKind>, about: About) -> &Things {
        let name = match (about, operation) {
            (About::Row, _) => "row",
            (_, Some(operation)) => operation.word(),
            (_, None) => OperationKind::Ingest.word(),
        };
        self.things.get(name).unwrap_or(&self.general.things)
    }
}

impl General {
    fn new() -> Self {
        let failed = "It could not be delivered; what was said stands beside this.";
        Self {
            failure: FailureWords {
                when: Vec::new(),
                short: "could not be delivered".to_owned(),
                one: failed.to_owned(),
                many: failed.to_owned(),
                advice: Best::AskEngineer,
                best: "ask an engineer".to_owned(),
                todo: "Show it to an engineer.".to_owned(),
            },
            fault: FaultWords {
                short: "the run stands still".to_owned(),
                means: "The run stands still; what was said stands beside this.".to_owned(),
                todo: "Show it to an engineer, then go on.".to_owned(),
            },
            doubt: DoubtWords {
                said: Vec::new(),
                one: "It may have been done, or not.".to_owned(),
                many: "They may have been done, or not.".to_owned(),
            },
            things: Things { one: "record".to_owned(), many: "records".to_owned() },
        }
    }
}
