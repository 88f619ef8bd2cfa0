//! What an act on many is about: the failures of the moment in which it is asked, split by what can be done with each.

use jiff::Timestamp;

use super::marks::MarkSet;
use crate::journal::{FailureRow, Query};
use crate::model::{FailureId, FailureState, OperationKind, Seq};
use crate::plain::Best;
use crate::tui::words;

/// What sending a failure again would mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Fate {
    /// It is sent again.
    Again,
    /// The platform has a job of it, which is looked at again and never started twice.
    AskPlatform,
    /// Our own check has refused it, and it is as it was.
    ChangeFirst,
    /// It is a row of an import that was delivered.
    Row,
    /// A person has closed it.
    Closed,
    /// It was delivered since.
    Delivered,
}

/// What sending this failure again would mean.
pub(in crate::tui) fn fate(row: &FailureRow) -> Fate {
    match row.state {
        FailureState::Dismissed => Fate::Closed,
        FailureState::Delivered => Fate::Delivered,
        _ if !row.id.is_item() => Fate::Row,
        FailureState::Failed | FailureState::Invalid if row.remote_id.is_some() => Fate::AskPlatform,
        FailureState::Invalid if !row.edited => Fate::ChangeFirst,
        FailureState::Failed | FailureState::Invalid => Fate::Again,
    }
}

/// What is asked about many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To send them again.
    Resend,
    /// To change a value in all of them.
    Change,
    /// To close them.
    Close,
    /// To open them again, and to take edits back.
    Undo,
    /// To mark them.
    Mark,
}

/// Which failures are meant: those of a query; where marks are given, those of them that are marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The query.
    pub query: Query,
    /// Only these.
    pub marked: Option<MarkSet>,
    /// What is to be done with them.
    pub purpose: Purpose,
    /// The number of the look: an answer to an older one is dropped.
    pub number: u64,
}

/// What is being counted for a question.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Wanting {
    last: u64,
    /// The number of the look, and how much lay over the board when it began.
    open: Option<(u64, usize)>,
}

impl Wanting {
    /// A new look begins while so much lies over the board; the number is its own.
    pub const fn begin(&mut self, under: usize) -> u64 {
        self.last += 1;
        self.open = Some((self.last, under));
        self.last
    }

    /// Whether this is what is waited for; from now on, nothing is. Returns how much lay over the board then.
    pub fn takes(&mut self, number: u64) -> Option<usize> {
        self.open.take_if(|(open, _)| *open == number).map(|(_, under)| under)
    }

    /// Nothing is waited for any more.
    pub const fn give_up(&mut self) {
        self.open = None;
    }
}

/// The failures that are meant, split by what can be done with them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Split {
    /// All of them, in their order.
    pub ids: Vec<FailureId>,
    /// Those that are sent again.
    pub again: Vec<Seq>,
    /// Those whose job the platform is asked about again.
    pub jobs: Vec<Seq>,
    /// Those that can be changed.
    pub changeable: Vec<FailureId>,
    /// Those that are open, and can be closed.
    pub open: Vec<FailureId>,
    /// Those that are closed, and can be opened.
    pub closed: Vec<FailureId>,
    /// Those with an edit that can be taken back.
    pub edited: Vec<FailureId>,
    /// Rows of delivered imports among the open ones.
    pub rows: u64,
    /// Those that have to be changed first.
    pub invalid: u64,
    /// Of those that are sent again, the ones that may have been carried out.
    pub unsure: u64,
    /// When the first of these first failed.
    pub unsure_since: Option<Timestamp>,
    /// Of these, the ones that a person has edited: the platform doesn't know them as the same.
    pub unsure_edited: u64,
    /// Of those that are sent again, the ones for which that seldom helps.
    pub seldom: u64,
    /// What happened to those, where it was the same to all that are sent again.
    pub all_were: Option<&'static str>,
    /// Calls a second, where the plan has a ceiling.
    pub rate: Option<f64>,
    /// After so many equal refusals it stops by itself; 0 is never.
    pub stops_after: u32,
}

impl Split {
    /// Takes a failure in.
    pub fn add(&mut self, row: &FailureRow, operation: OperationKind) {
        self.ids.push(row.id);
        let fate = fate(row);
        match fate {
            Fate::Closed => self.closed.push(row.id),
            Fate::Delivered => {}
            _ => self.open.push(row.id),
        }
        if row.edited && matches!(row.state, FailureState::Failed | FailureState::Invalid) {
            self.edited.push(row.id);
        }
        if matches!(fate, Fate::Again | Fate::AskPlatform | Fate::ChangeFirst) {
            self.changeable.push(row.id);
        }
        match fate {
            Fate::Again => self.send(row, operation),
            Fate::AskPlatform => self.jobs.push(row.id.item),
            Fate::ChangeFirst => self.invalid += 1,
            Fate::Row => self.rows += 1,
            Fate::Closed | Fate::Delivered => {}
        }
    }

    fn send(&mut self, row: &FailureRow, operation: OperationKind) {
        let short = words::in_short(row, Some(operation));
        self.all_were = match self.all_were {
            Some(all) if all == short => Some(all),
            None if self.again.is_empty() => Some(short),
            _ => None,
        };
        self.again.push(row.id.item);
        if row.doubtful {
            self.unsure += 1;
            self.unsure_edited += u64::from(row.edited);
            self.unsure_since = Some(self.unsure_since.map_or(row.first_at, |first| first.min(row.first_at)));
        }
        if matches!(words::best_of(row, Some(operation)), Best::Change | Best::Close) {
            self.seldom += 1;
        }
    }

    /// The items for which calls are made.
    pub fn sent(&self) -> Vec<Seq> {
        let mut items: Vec<Seq> = self.again.iter().chain(&self.jobs).copied().collect();
        items.sort_unstable();
        items
    }
}
