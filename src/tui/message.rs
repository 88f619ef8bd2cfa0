//! What comes in (messages) and what is to be done about it (effects). All that `update` knows of the world outside.

use std::path::PathBuf;
use std::time::Instant;

use bytes::Bytes;
use crossterm::event::KeyEvent;
use jiff::Timestamp;

use super::Keeps;
use super::app::Mouse;
use super::changing::{Errand, News};
use super::failures::{Causes, MarkSet, Page, Scope, Split, Wanted};
use super::files::{FileAnswer, FileErrand};
pub use super::mending::Detail;
use super::mending::{Editable, Mendings, Tried, Wish};
use super::office::{Flight, Kept, ProfileDraft, Profiles, Tested};
use crate::config::Secret;
use crate::engine::Command;
use crate::journal::{Act, EventRow, Judgement, Query, RunRow};
use crate::model::{FailureId, Figures, ItemMap, OperationKind, PlatformKind, RunId, Seq};
use crate::plan::Plan;
use crate::report::TableFormat;

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
    /// The mouse was used.
    Mouse(Gesture),
    /// The terminal has another size now.
    Resize(u16, u16),
    /// A sample of the live run.
    Figures(Box<Figures>),
    /// The journal answers.
    Found(Found),
    /// The journal answers about this run; where that is not on the board any more, nobody asks.
    FoundOf(RunId, Found),
    /// The journal could not be read.
    JournalTrouble(String),
    /// The office answers.
    Answer(Answer),
    /// The files answer.
    Files(FileAnswer),
    /// The run's queue was full, or it has ended: the command was not taken.
    NotTaken(Command),
    /// A text came back from the person's editor; none where nothing was changed, or why there is none.
    Edited(Result<Option<Vec<u8>>, String>),
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

/// What a mouse does, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    /// The left button was pressed.
    Press(u16, u16),
    /// The wheel was turned: so many rows, downwards.
    Wheel(u16, u16, i8),
}

/// What the journal is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Look {
    /// The run on the board: its row.
    Row,
    /// Its last happenings.
    Happenings,
    /// Its events after this one.
    Events(i64),
    /// A page of its failures.
    Page(Wanted),
    /// The causes of those that the query of this number means.
    Causes(u64, Query),
    /// How many of the marks are not among those that the query of this number means.
    Marks(u64, Query, MarkSet),
    /// The failures of this moment, for an act on many.
    Many(Box<Scope>),
    /// What became of an act.
    Act(i64),
    /// The call that sends a failure, as a command for a shell.
    Call(FailureId),
    /// To write failures into a new file.
    Write(Box<Query>, PathBuf, TableFormat),
    /// One failure with its record.
    Failure(FailureId),
    /// All runs.
    Runs,
    /// Where in its datasets the run on the board stands.
    Map,
    /// One failure with its record, to be edited.
    ToEdit(FailureId),
    /// Whether a record would be sent as a person has edited it.
    Check(Box<Wish>),
    /// What people have edited and not sent, and the last notes with which they closed failures.
    Mendings,
    /// A part of changing one value in many.
    Change(Box<Errand>),
}

/// What the journal answers.
#[derive(Debug)]
pub enum Found {
    /// The run on the board, as the journal has it; for one that another process carries, or nobody.
    Row(Box<RunRow>),
    /// Events, the oldest first.
    Events(Vec<EventRow>, Tail),
    /// A page of failures.
    Page(Page),
    /// One failure; none where it is not there any more.
    Failure(FailureId, Option<Box<Detail>>),
    /// The causes of failures.
    Causes(Causes),
    /// So many of the marks are not among those that the query of this number means.
    Marks(u64, u64),
    /// The failures of the moment in which an act on many was asked for.
    Many(Box<Scope>, Box<Split>),
    /// What became of an act; none where the run has no such act.
    Act(i64, Option<Box<Act>>),
    /// The call that sends a failure, or why there is none.
    Call(FailureId, Result<String, String>),
    /// A file was written, or why not.
    Written(Result<PathBuf, String>),
    /// All runs, the newest first.
    Runs(Vec<RunRow>),
    /// Where in its datasets the run stands.
    Map(Box<ItemMap>),
    /// One failure with its record, or why it can't be edited.
    ToEdit(FailureId, Result<Box<Editable>, String>),
    /// What became of the wish of this number.
    Checked(u64, Box<Tried>),
    /// What people have edited and not sent, and their last notes.
    Mendings(Mendings),
    /// News of the errand of this number.
    Change(u64, Box<News>),
}

/// What the office is asked.
#[derive(Debug)]
pub enum Request {
    /// The profiles.
    Profiles,
    /// To test one.
    Test(String, PlatformKind),
    /// To test one that is not saved yet, over that of the name.
    TestDraft(Box<ProfileDraft>, Option<String>),
    /// To save one, over that of the name.
    Save(Box<ProfileDraft>, Option<String>),
    /// To remove one.
    Remove(String),
    /// To keep a new secret of a profile.
    ReplaceSecret(String, Secret),
    /// To do everything but sending.
    Check(Box<Plan>),
    /// To begin what was checked under this number.
    Begin(u64),
    /// To write a plan down.
    SavePlan(Box<Plan>, PathBuf),
    /// To go on with a run.
    Resume(RunId),
    /// To send failures of the run on the board again.
    Retry(Vec<Seq>),
    /// To close or reopen failures of the run on the board.
    Judge(Vec<FailureId>, Judgement),
    /// To keep edited records of the run on the board.
    Edit(Vec<(FailureId, Option<Bytes>)>),
    /// To cancel the run on the board.
    Cancel,
    /// To write a page about a run.
    Report(RunId),
    /// To begin a run for practice.
    Practise(OperationKind),
}

/// What the office answers.
#[derive(Debug)]
pub enum Answer {
    /// The profiles as they are now.
    Profiles(Result<Profiles, String>),
    /// What a test showed, by the profile's id; of a draft where there is none.
    Tested(Option<String>, Result<Tested, String>),
    /// A profile was saved.
    Saved(String, Result<Profiles, String>),
    /// A profile was removed.
    Removed(String, Result<Profiles, String>),
    /// A secret was put in the place of the old one.
    SecretReplaced(String, Result<Kept, String>),
    /// How far a check is: bytes read, of how many.
    CheckGoes(u64, u64),
    /// A check is done.
    Checked(Result<Box<Flight>, String>),
    /// A plan was written down.
    PlanSaved(Result<PathBuf, String>),
    /// A run is being carried out by this process from now on; it is on the board.
    Started(Result<Begun, String>),
    /// Failures were closed or reopened.
    Judged(Result<(), String>),
    /// Edited records were kept.
    Edited(Result<(), String>),
    /// The run was cancelled.
    Cancelled(Result<(), String>),
    /// A page about a run was written.
    Reported(Result<PathBuf, String>),
}

/// What is known of a run that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Its first figures.
    pub figures: Box<Figures>,
    /// What is left of it.
    pub keeps: Keeps,
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

/// What the shell is to do.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a key has a handful of them, which live for a moment")]
pub enum Effect {
    /// Give the run that this process carries a command.
    Command(Command),
    /// Ask the journal about the run on the board.
    Look(Look),
    /// Ask the office.
    Ask(Request),
    /// Stop waiting for what the office was asked.
    StopAsking,
    /// Ask the files.
    Files(FileErrand),
    /// Put this run on the board.
    Show(RunId),
    /// Take the live run's figures again: some of them change with the time alone.
    Sample,
    /// Have the terminal keep a text for pasting.
    Copy(String),
    /// Have the person's editor open a text.
    Editor(Vec<u8>),
    /// Listen to the mouse, or leave it to the terminal.
    Mouse(Mouse),
    /// Ring the terminal's bell.
    Ring,
    /// Draw every cell anew.
    Redraw,
    /// Give the terminal back and stop the process until it is told to go on.
    Suspend,
}
