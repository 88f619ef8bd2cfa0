//! What is known of the profiles.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::model::PlatformKind;
use crate::tui::numbers;
use crate::tui::office::{ProfileRow, Profiles, Tested};

/// *1 Credentials*: the profiles, and what their tests showed.
#[derive(Debug, Default)]
pub(in crate::tui) struct Credentials {
    /// None until they have been read.
    pub known: Option<Profiles>,
    /// Why they could not be read.
    pub trouble: Option<String>,
    /// The profile under the cursor, by its id.
    pub cursor: Option<String>,
    /// The id of what the next new run begins with, where a person has chosen.
    pub chosen: Option<String>,
    /// What became of the tests, by the profile's id.
    pub tests: BTreeMap<String, Test>,
}

/// What became of a profile's test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum Test {
    /// It goes on.
    Under,
    /// A token was had, then.
    Passed { tested: Tested, at: Instant },
    /// None was, with the reason.
    Refused { why: String, at: Instant },
}

impl Test {
    /// When the token ends that it had, where that is known.
    pub fn ends(&self) -> Option<Instant> {
        match self {
            Self::Passed { tested, at } => at.checked_add(tested.left?),
            Self::Under | Self::Refused { .. } => None,
        }
    }
}

impl Credentials {
    pub fn rows(&self) -> &[ProfileRow] {
        self.known.as_ref().map_or(&[], |known| &known.all)
    }

    /// The profile of this id.
    pub fn row(&self, name: &str) -> Option<&ProfileRow> {
        self.rows().iter().find(|row| row.id() == name)
    }

    /// The profile of a run.
    pub fn row_of(&self, name: &str, platform: PlatformKind) -> Option<&ProfileRow> {
        self.rows().iter().find(|row| row.name == name && row.platform == platform)
    }

    /// What became of its test.
    pub fn test_of(&self, row: &ProfileRow) -> Option<&Test> {
        self.tests.get(&row.id())
    }

    /// The next moment at which what is said of a token changes by itself.
    pub fn next_change(&self, now: Instant) -> Option<Instant> {
        let ends = self.tests.values().filter_map(Test::ends);
        ends.filter_map(|ends| numbers::next_of_token(now, ends)).min()
    }

    /// The profile under the cursor.
    pub fn current(&self) -> Option<&ProfileRow> {
        self.cursor.as_deref().and_then(|name| self.row(name)).or_else(|| self.rows().first())
    }

    /// The profile that the next new run begins with.
    pub fn next(&self) -> Option<&ProfileRow> {
        let default = self.known.as_ref().and_then(|known| known.default.as_deref());
        self.chosen
            .as_deref()
            .or(default)
            .and_then(|name| self.row(name))
            .or_else(|| if let [one] = self.rows() { Some(one) } else { None })
    }
}
