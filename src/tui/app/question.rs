//! A question: what is asked, what proof it takes, and what each answer does.

use super::over::Seen;
use crate::journal::Judgement;
use crate::model::{FailureId, RunId, Seq};
use crate::tui::theme::Ink;

/// A question. The first answer is the harmless one, and is marked at first.
#[derive(Debug, Clone)]
pub(in crate::tui) struct Question {
    /// What is asked, and what the person should know; the first line is the question itself.
    pub words: Vec<(String, Ink)>,
    pub proof: Proof,
    pub answers: Vec<Answer>,
    pub marked: Place,
    /// The frame in which it was first to be seen: keys that came before that frame stood on the screen are not for it.
    pub frame: u64,
    pub seen: Seen,
}

/// An answer to a question.
#[derive(Debug, Clone)]
pub(in crate::tui) struct Answer {
    pub words: String,
    /// What it does; nothing for the harmless one.
    pub act: Option<Act>,
}

/// What an answer does. It brings all that it takes with it: it acts on what stood there when it was asked.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tui) enum Act {
    /// Finish the calls, pause the run and leave.
    Leave,
    /// Finish the calls, and hand the run over to a process without a screen.
    Detach,
    /// Send these failures again.
    Resend(Vec<Seq>),
    /// Close or reopen these failures.
    Judge(Vec<FailureId>, Judgement),
    /// Open the first ones, which are closed, again; take the edits of the others back.
    Undo(Vec<FailureId>, Vec<FailureId>),
    /// Open the form for a record of which nobody knows whether it was carried out.
    OpenEdit(FailureId),
    /// Set this ceiling; none is no limit of ours.
    Ceiling(Option<f64>),
    /// Cancel the run on the board for good.
    Cancel,
    /// Go on with a run of the journal.
    Resume(RunId),
    /// Go on with a run whose fault was mended, whoever carried it.
    GoOn(RunId),
    /// Remove a profile.
    Remove(String),
    /// Close the form under the question, with what was typed into it.
    DropForm,
}

impl Act {
    /// Whether it is written down with the person's name.
    pub const fn is_signed(&self) -> bool {
        matches!(self, Self::Resend(_) | Self::Judge(..) | Self::Undo(..) | Self::Cancel)
    }
}

/// What follows when edited records have been kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Afterwards {
    /// Nothing.
    Nothing,
    /// The question whether to send them.
    AskToSend,
    /// It is sent.
    Send,
}

/// What a person must give to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum Proof {
    /// A button.
    Button,
    /// A number that has to be typed, and as much of it as is there.
    Number { wanted: String, typed: String },
}

impl Proof {
    /// A number that has to be typed.
    pub fn number(wanted: u64) -> Self {
        Self::Number { wanted: wanted.to_string(), typed: String::new() }
    }

    /// Whether it was given.
    pub fn is_given(&self) -> bool {
        match self {
            Self::Button => true,
            Self::Number { wanted, typed } => wanted == typed,
        }
    }
}

/// A place in a question that can be marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Place {
    /// The field for the number.
    Field,
    /// An answer, by its number.
    Answer(usize),
}

impl Question {
    /// A question with its harmless answer, and one that acts.
    pub fn new(words: Vec<(String, Ink)>, harmless: &str, answer: &str, act: Act) -> Self {
        Self {
            words,
            proof: Proof::Button,
            answers: vec![
                Answer { words: harmless.to_owned(), act: None },
                Answer { words: answer.to_owned(), act: Some(act) },
            ],
            marked: Place::Answer(0),
            frame: 0,
            seen: Seen::NotYet,
        }
    }

    /// One more answer that acts.
    pub fn or(mut self, words: &str, act: Act) -> Self {
        self.answers.push(Answer { words: words.to_owned(), act: Some(act) });
        self
    }

    /// The number has to be typed before it is believed.
    pub fn with_number(mut self, wanted: u64) -> Self {
        self.proof = Proof::number(wanted);
        self.marked = Place::Field;
        self
    }

    /// Whether it asks to leave.
    pub fn is_leaving(&self) -> bool {
        self.answers.iter().any(|answer| answer.act == Some(Act::Leave))
    }
}
