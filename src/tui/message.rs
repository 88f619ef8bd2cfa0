//! What comes in (messages) and what is to be done about it (effects). All that `update` knows of the world outside.

use std::time::Instant;

use crossterm::event::KeyEvent;
use jiff::Timestamp;

use super::failures::{Anchor, Page};
use crate::engine::Command;
use crate::journal::{EventRow, FailureRow, RunRow};
use crate::model::{FailureId, Figures, Seq};

/// One moment on both clocks: the steady one measures, the other one is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The steady clock.
    pub instant: Instant,
    /// The clock on the wall.
    pub wall: Timestamp,
}

/// Something that came in, and when.
#[derive(Debug)]
pub struct Message {
    /// When.
    pub at: Moment,
    /// What.
    pub what: What,
}

/// What came in.
#[derive(Debug)]
pub enum What {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size now.
    Resize(u16, u16),
    /// A sample of the live run.
    Figures(Box<Figures>),
    /// The run on the board, as the journal has it; for one that another process carries, or nobody.
    Row(Box<RunRow>),
    /// Events of the journal, the oldest first.
    Events(Vec<EventRow>, Tail),
    /// A page of failures.
    Page(Page),
    /// One failure; none where it is not there any more.
    Failure(FailureId, Option<Box<Detail>>),
    /// All open failures, for the question that asks whether to send them again.
    Open(Vec<Seq>),
    /// The journal could not be read.
    JournalTrouble(String),
    /// The run's queue was full, or it has ended: the command was not taken.
    NotTaken(Command),
    /// A new carrying-out has begun, or could not.
    Resent(Result<(), String>),
    /// The frame with this number stands on the screen.
    Drawn(u64),
    /// The process was stopped and goes on.
    Continued,
    /// The process is asked to end.
    Terminate,
    /// The terminal is gone.
    Hangup,
    /// A moment that `App::next_change` named has come.
    Clock,
}

/// How far the journal's events have been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// The number of the last one.
    pub last: i64,
    /// Whether more may stand behind it.
    pub more: More,
}

/// Whether there is more to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// There may be.
    Maybe,
    /// There was not.
    No,
}

/// One failure with its record made ready to be shown.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The failure; its record has been taken out.
    pub row: FailureRow,
    /// The record, a line a line.
    pub record: Vec<String>,
}

/// What the shell is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Give the run a command.
    Command(Command),
    /// Read a page of failures.
    ReadPage(Anchor),
    /// Read the last happenings of the run.
    ReadHappenings,
    /// Read the events after this one.
    ReadEvents(i64),
    /// Read one failure with its record.
    ReadFailure(FailureId),
    /// List all open failures.
    ListOpen,
    /// Take the live run's figures again: some of them change with the time alone.
    Sample,
    /// Read the run's row again.
    ReadRow,
    /// Start a new carrying-out that sends these failures again.
    Resend(Vec<Seq>),
    /// Ring the terminal's bell.
    Ring,
    /// Draw every cell anew.
    Redraw,
    /// Give the terminal back and stop the process until it is told to go on.
    Suspend,
}
