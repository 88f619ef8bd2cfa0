//! What can lie over the board. Esc takes the uppermost away.

use crate::model::FailureId;
use crate::tui::app::Question;
use crate::tui::message::Detail;
use crate::tui::overlays::{
    actions::ActionList, log::LogView, menu::Copied, menu::Menu, outcome::Outcome, preview::Preview,
    runs::RunList, text::TextPage,
};
use crate::tui::sheets::Sheet;

/// Something that lies over the board and takes all keys.
#[derive(Debug)]
pub(in crate::tui) enum Overlay {
    /// Nothing is set up yet: the ways to begin.
    Welcome { at: usize },
    /// One failure.
    Failure(OpenFailure),
    /// A form.
    Sheet(Box<Sheet>),
    /// A short list to choose from.
    Menu(Menu),
    /// What was copied.
    Copied(Copied),
    /// What became of an act on many.
    Outcome(Outcome),
    /// All runs.
    Runs(RunList),
    /// The log.
    Log(LogView),
    /// What can be done, to be searched.
    Actions(ActionList),
    /// A dataset's first records.
    Preview(Preview),
    /// A text to be read.
    Text(TextPage),
    /// The keys.
    Help { scroll: usize },
    /// A question.
    Question(Question),
}

impl Overlay {
    /// Whether it is about what lies under it, which is to be seen beside it.
    pub const fn is_short(&self) -> bool {
        matches!(self, Self::Question(_) | Self::Menu(_) | Self::Copied(_))
    }
}

/// A failure that was opened.
#[derive(Debug, Clone)]
pub(in crate::tui) struct OpenFailure {
    pub id: FailureId,
    /// What a person knows it by.
    pub key: String,
    pub content: Content,
    pub page: Page,
    pub scroll: usize,
}

/// A page of an opened failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Page {
    /// What happened, and what can be done.
    Reason,
    /// The record.
    Record,
    /// Every try.
    Tries,
    /// Who did what.
    Hands,
}

impl Page {
    pub const ALL: [Self; 4] = [Self::Reason, Self::Record, Self::Tries, Self::Hands];
}

/// What is known of an opened failure.
#[derive(Debug, Clone)]
pub(in crate::tui) enum Content {
    /// It is being read.
    Coming,
    /// It is here.
    Here(Box<Detail>),
    /// It is no failure any more.
    Gone,
}

/// Whether something stands on the screen yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Seen {
    NotYet,
    Yes,
}
