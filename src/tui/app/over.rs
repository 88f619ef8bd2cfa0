//! What can lie over the board: one failure, the help, a question.

use crate::model::{FailureId, Seq};
use crate::tui::message::Detail;

/// Something that lies over the board and takes all keys.
#[derive(Debug, Clone)]
pub(in crate::tui) enum Overlay {
    /// One failure.
    Failure(OpenFailure),
    /// The keys.
    Help { scroll: usize },
    /// A question.
    Question(Question),
}

/// A failure that was opened.
#[derive(Debug, Clone)]
pub(in crate::tui) struct OpenFailure {
    pub id: FailureId,
    pub content: Content,
    pub scroll: usize,
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

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum Asks {
    /// Whether to leave a run that goes on.
    Leave,
    /// Whether to send these failures again.
    Resend(Vec<Seq>),
}

/// A question. The harmless answer is marked first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) struct Question {
    pub asks: Asks,
    pub proof: Proof,
    pub marked: Place,
    /// The frame in which it was first to be seen: keys that came before that frame stood on the screen are not for it.
    pub frame: u64,
    pub seen: Seen,
}

/// Whether something stands on the screen yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Seen {
    NotYet,
    Yes,
}

/// What a person must give to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum Proof {
    /// A button.
    Button,
    /// The number of what it is about, typed; this much of it is there.
    Number(String),
}

/// A place in a question that can be marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Place {
    /// The field for the number.
    Field,
    /// The harmless answer.
    Dont,
    /// The other one.
    Do,
}
