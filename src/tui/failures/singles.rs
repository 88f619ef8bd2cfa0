//! Failures that were sent again one by one: what became of them is told for as long as the person stays where they are.
//!
//! A refusal that comes back looks exactly like the one before, and a delivered failure is simply gone from the list:
//! both would leave the person with the doubt whether the key did anything.

use jiff::Timestamp;

use crate::journal::{FailureRow, mask};
use crate::model::{FailureId, OperationKind, Stage};
use crate::tui::words;

/// A failure that was sent again from its row or its page.
#[derive(Debug, Clone)]
struct Single {
    id: FailureId,
    key: String,
    before: Before,
    came: Came,
}

/// What it was before.
#[derive(Debug, Clone)]
struct Before {
    last_at: Timestamp,
    cause: (Stage, Option<u16>, Option<String>, String),
}

/// What has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// It is under way.
    NotYet,
    Delivered,
    /// It failed for the same reason, which is this in few words.
    AsBefore(&'static str),
    /// It failed for another one.
    Otherwise(&'static str),
    /// Nothing was sent of it.
    NotSent,
}

/// Whether there is still something that could send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Sender {
    /// The run goes on.
    Goes,
    /// Nobody carries it any more.
    Gone,
}

/// What was sent again one by one since the person came.
#[derive(Debug, Default)]
pub(in crate::tui) struct Singles(Vec<Single>);

fn cause(row: &FailureRow) -> (Stage, Option<u16>, Option<String>, String) {
    (row.stage, row.status, row.code.clone(), mask(&row.message))
}

impl Singles {
    /// One is sent again. Those of before are told of no more, unless they are still under way.
    pub fn begin(&mut self, row: &FailureRow) {
        if self.waiting().is_empty() {
            self.0.clear();
        }
        self.0.retain(|one| one.id != row.id);
        let before = Before { last_at: row.last_at, cause: cause(row) };
        self.0.push(Single { id: row.id, key: row.key.clone(), before, came: Came::NotYet });
    }

    /// Those of which nobody knows yet what became of them.
    pub fn waiting(&self) -> Vec<FailureId> {
        self.0.iter().filter(|one| one.came == Came::NotYet).map(|one| one.id).collect()
    }

    /// The command for these was not taken.
    pub fn forget(&mut self, is: impl Fn(FailureId) -> bool) {
        self.0.retain(|one| one.came != Came::NotYet || !is(one.id));
    }

    /// The person has gone elsewhere: only what is not known yet is still to be told.
    pub fn leave(&mut self) {
        self.0.retain(|one| one.came == Came::NotYet);
    }

    /// A failure as it is now; none where it was delivered. Says whether that is news.
    pub fn found(
        &mut self,
        id: FailureId,
        row: Option<&FailureRow>,
        operation: Option<OperationKind>,
        sender: Sender,
    ) -> bool {
        let Some(one) = self.0.iter_mut().find(|one| one.id == id && one.came == Came::NotYet) else {
            return false;
        };
        one.came = match row {
            None => Came::Delivered,
            Some(row) if row.last_at == one.before.last_at && sender == Sender::Gone => Came::NotSent,
            Some(row) if row.last_at == one.before.last_at => return false,
            Some(row) if cause(row) == one.before.cause => Came::AsBefore(words::in_short(row, operation)),
            Some(row) => Came::Otherwise(words::in_short(row, operation)),
        };
        true
    }

    /// What became of one, for its own page; nothing where it was not sent, or is gone.
    pub fn of(&self, id: FailureId) -> Option<&'static str> {
        Some(match self.0.iter().find(|one| one.id == id)?.came {
            Came::AsBefore(_) => "It was sent again just now, and failed as before.",
            Came::Otherwise(_) => "It was sent again just now, and failed for another reason.",
            Came::NotSent => "It was to be sent again, but was not sent.",
            Came::NotYet | Came::Delivered => return None,
        })
    }

    /// What became of them in a line: several ways to say it, the longest first.
    pub fn told(&self) -> Vec<String> {
        match self.0.as_slice() {
            [] => Vec::new(),
            [one] => one.told(),
            many => vec![summary(many)],
        }
    }
}

impl Single {
    fn told(&self) -> Vec<String> {
        let key = &self.key;
        match self.came {
            Came::NotYet => vec![format!("{key} is being sent again.")],
            Came::Delivered => {
                vec![format!("{key} was sent again, and is delivered."), format!("{key} is delivered.")]
            }
            Came::AsBefore(short) => vec![
                format!("{key} was sent again, and failed as before: {short}."),
                format!("{key} failed as before: {short}."),
                format!("{key} failed again as before."),
                "It failed again as before.".to_owned(),
            ],
            Came::Otherwise(short) => vec![
                format!("{key} was sent again, and failed for another reason: {short}."),
                format!("{key} failed for another reason: {short}."),
                format!("Now it failed otherwise: {short}."),
            ],
            Came::NotSent => vec![format!("{key} was not sent, and is as it was.")],
        }
    }
}

fn summary(many: &[Single]) -> String {
    let count = |is: fn(Came) -> bool| many.iter().filter(|one| is(one.came)).count();
    let parts = [
        ("delivered", count(|came| came == Came::Delivered)),
        ("failed as before", count(|came| matches!(came, Came::AsBefore(_)))),
        ("failed otherwise", count(|came| matches!(came, Came::Otherwise(_)))),
        ("not sent", count(|came| came == Came::NotSent)),
        ("under way", count(|came| came == Came::NotYet)),
    ];
    let parts = parts.into_iter().filter(|(_, count)| *count > 0);
    let parts: Vec<String> = parts.map(|(words, count)| format!("{words} {count}")).collect();
    format!("Sent again {}: {}.", many.len(), parts.join(", "))
}
