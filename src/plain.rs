//! What went wrong, in words for people who know contacts and not HTTP.
//!
//! Whoever mends failures reads no status and no code: each kind of failure, each doubt and each fault has sentences
//! and one best thing to do. They are data (`assets/words.toml`), so that they can be bettered without touching the
//! program, and so that one place is held to its promises: everything that can go wrong has words, they fit their
//! columns, and none of them is in the language of machines. The file is a part of the program; should it ever not
//! be readable, a general sentence stands for all of them, and the tests say so before anybody meets it.

mod book;
mod condition;

use crate::model::{FailureState, FaultKind, OperationKind, Stage, words};
use crate::text::grouped;
use book::{Things, book};

pub use book::{DoubtWords, FailureWords, FaultWords};

words! {
    /// The best thing that a person can do about a failure.
    Best, "a best thing to do", {
        /// Send it as it is.
        SendAgain = "send_again",
        /// Send it as it is, when the platform is better.
        SendLater = "send_later",
        /// Change it, then send it.
        Change = "change",
        /// Close it with a note, or ask somebody.
        Close = "close",
        /// Show it to an engineer before anything else.
        AskEngineer = "ask_engineer",
        /// Ask the platform what became of a job, without starting it again.
        AskPlatform = "ask_platform",
        /// It is dealt with.
        Nothing = "nothing",
    }
}

words! {
    /// What a failure is about.
    About, "what a failure is about", {
        /// What was, or should have been, sent.
        Item = "item",
        /// A job that the platform has started, and told its id.
        Job = "job",
        /// A row that the result of a job refuses.
        Row = "row",
    }
}

words! {
    /// Why nobody knows whether something was carried out.
    Doubt, "a doubt", {
        /// No complete answer within the time of an attempt.
        Timeout = "timeout",
        /// The connection ended before the answer.
        Reset = "reset",
        /// An answer that broke off, or was none.
        CutAnswer = "cut_answer",
        /// 502.
        BadGateway = "bad_gateway",
        /// 504.
        GatewayTimeout = "gateway_timeout",
        /// A 409 "in progress" for longer than the patience with it.
        InProgress = "in_progress",
        /// The lease of whoever executed the same had ended.
        LeaseTaken = "lease_taken",
        /// The same was handed to a person before.
        HandedOver = "handed_over",
        /// The call was out when the process ended.
        Crash = "crash",
        /// A success other than those that are known.
        OddAnswer = "odd_answer",
        /// No answer, for a reason that is not told.
        NoAnswer = "no_answer",
        /// This time there was an answer; a call before it had none.
        Earlier = "earlier",
    }
}

/// What a repeat of something doubtful does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat<'a> {
    /// The platform knows it as the same, for as long as it keeps what it has done.
    Harmless,
    /// The same until this moment, as the person who looks reads it.
    HarmlessUntil(&'a str),
    /// It may be done twice.
    MayBeTwice,
}

/// All by which the words for a failure, or for many of one cause, are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind<'a> {
    /// What its run does, where that is known.
    pub operation: Option<OperationKind>,
    /// What it is about.
    pub about: About,
    /// Where it stands with the people who mend it.
    pub state: FailureState,
    /// Where on its way it failed.
    pub stage: Stage,
    /// The HTTP status, where there was a complete answer.
    pub status: Option<u16>,
    /// The platform's code, or ours.
    pub code: Option<&'a str>,
    /// What the platform said, or what we found. Only our own messages are looked into, for the kind of doubt.
    pub message: &'a str,
    /// Whether a call of it may have been carried out without our knowing.
    pub doubtful: bool,
    /// Whether a person has edited it since it was sent.
    pub edited: bool,
    /// How many records, contacts, imports or rows the sentence speaks of.
    pub count: u64,
}

impl<'a> Kind<'a> {
    /// One that failed at this stage, with this status, code and message; nothing else is known of it.
    #[must_use]
    pub fn at(
        operation: Option<OperationKind>,
        stage: Stage,
        (status, code, message): (Option<u16>, Option<&'a str>, &'a str),
    ) -> Self {
        let about = match stage {
            Stage::Polling => About::Job,
            Stage::Result => About::Row,
            Stage::Validation | Stage::Preflight | Stage::Delivery => About::Item,
        };
        let stands = if stage == Stage::Validation { FailureState::Invalid } else { FailureState::Failed };
        Self {
            operation,
            about,
            state: stands,
            stage,
            status,
            code,
            message,
            doubtful: false,
            edited: false,
            count: 1,
        }
    }
}

impl Kind<'_> {
    /// Why nobody knows whether it was carried out; nothing where that is known.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        if !self.doubtful {
            return None;
        }
        if self.stage != Stage::Delivery {
            return Some(Doubt::Earlier);
        }
        Some(match (self.status, self.code) {
            (Some(502), _) => Doubt::BadGateway,
            (Some(504), _) => Doubt::GatewayTimeout,
            (Some(409), Some("idempotency.in_progress")) => Doubt::InProgress,
            (Some(200..=299), _) => Doubt::OddAnswer,
            (None, Some("no.answer")) => book().told_by(self.message).unwrap_or(Doubt::NoAnswer),
            (None, None) => Doubt::NoAnswer,
            (Some(_), _) | (None, Some(_)) => Doubt::Earlier,
        })
    }

    /// The doubt about it as a sentence; nothing where there is none.
    #[must_use]
    pub fn doubt_in_words(&self) -> Option<String> {
        Some(self.fill(doubt(self.doubt()?).of(self.count)))
    }

    /// Where it failed. What our own check refuses was never on its way.
    const fn stage(&self) -> Stage {
        match self.state {
            FailureState::Invalid => Stage::Validation,
            FailureState::Failed | FailureState::Dismissed | FailureState::Delivered => self.stage,
        }
    }

    fn things(&self) -> &'static Things {
        book().things(self.operation, self.about)
    }

    /// A sentence with its words put in.
    fn fill(&self, sentence: &str) -> String {
        let things = self.things();
        let filled = sentence.replace("{thing}", &things.one).replace("{things}", &things.many);
        filled.replace("{count}", &grouped(self.count))
    }
}

/// The words for a failure: those of the most telling condition that it meets.
#[must_use]
pub fn failure(kind: &Kind<'_>) -> &'static FailureWords {
    book().failure(kind)
}

/// Whether a code is one that has words: it is somebody's constant, and no data.
#[must_use]
pub fn knows_code(code: &str) -> bool {
    let mut conditions = book().failure.iter().flat_map(|words| &words.when);
    conditions.any(|condition| condition.codes().iter().any(|known| known == code))
}

/// The words for a fault. The engine's own message stands beside them and has the details.
#[must_use]
pub fn fault(kind: FaultKind) -> &'static FaultWords {
    book().fault(kind)
}

/// The words for a doubt.
#[must_use]
pub fn doubt(doubt: Doubt) -> &'static DoubtWords {
    book().doubt(doubt)
}

/// What a repeat does, as a sentence.
#[must_use]
pub fn repeat(repeat: Repeat<'_>) -> String {
    let words = book().repeat();
    match repeat {
        Repeat::Harmless => words.harmless.clone(),
        Repeat::HarmlessUntil(time) => words.harmless_until.replace("{time}", time),
        Repeat::MayBeTwice => words.twice.clone(),
    }
}

#[cfg(test)]
mod tests;
