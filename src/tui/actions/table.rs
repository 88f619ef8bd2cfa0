//! The table itself, a row an action.

use crossterm::event::KeyCode;

use super::{Action, Context, Control, Key};
use crate::tui::app::Pane;

/// A row of the table.
#[derive(Debug)]
pub(in crate::tui) struct Entry {
    pub context: Context,
    pub action: Action,
    /// What it is called in `[ui.keys]`; empty where its keys are fixed.
    pub name: &'static str,
    /// Its keys, if the configuration names no others.
    pub keys: &'static [Key],
    /// For the hint line; empty where it stands only in the help.
    pub hint: &'static str,
    /// For the help.
    pub words: &'static str,
}

const fn plain(char: char) -> Key {
    Key { code: KeyCode::Char(char), control: Control::Free }
}

const fn ctrl(char: char) -> Key {
    Key { code: KeyCode::Char(char), control: Control::Held }
}

const fn named(code: KeyCode) -> Key {
    Key { code, control: Control::Free }
}

const fn entry(
    context: Context,
    action: Action,
    name: &'static str,
    keys: &'static [Key],
    hint: &'static str,
    words: &'static str,
) -> Entry {
    Entry { context, action, name, keys, hint, words }
}

const ENTER: &[Key] = &[named(KeyCode::Enter)];
const ESC: &[Key] = &[named(KeyCode::Esc)];
const ESC_Q: &[Key] = &[named(KeyCode::Esc), plain('q')];
const SPACE: &[Key] = &[plain(' ')];
const UP: &[Key] = &[named(KeyCode::Up), plain('k')];
const DOWN: &[Key] = &[named(KeyCode::Down), plain('j')];
const ARROW_UP: &[Key] = &[named(KeyCode::Up)];
const ARROW_DOWN: &[Key] = &[named(KeyCode::Down)];
const PAGE_UP: &[Key] = &[named(KeyCode::PageUp)];
const PAGE_DOWN: &[Key] = &[named(KeyCode::PageDown)];
const HOME: &[Key] = &[named(KeyCode::Home)];
const END: &[Key] = &[named(KeyCode::End)];

use Action as A;
use Context as C;

/// The table. Within a context, hints are shown in this order.
#[rustfmt::skip]
pub(in crate::tui) const TABLE: &[Entry] = &[
    entry(C::Credentials, A::Open, "", ENTER, "choose", "choose the profile for the next new run"),
    entry(C::Credentials, A::Test, "credentials.test", &[plain('t')], "test", "get a token, and show what it allows"),
    entry(C::Credentials, A::Add, "credentials.add", &[plain('a')], "add", "add a profile"),
    entry(C::Credentials, A::Edit, "credentials.edit", &[plain('e')], "edit", "change the profile"),
    entry(C::Credentials, A::Remove, "credentials.remove", &[plain('X')], "remove", "remove the profile; asks first"),

    entry(C::Datasets, A::Open, "", ENTER, "open or choose", "open the folder, or choose the file for a new run"),
    entry(C::Datasets, A::Parent, "", &[named(KeyCode::Backspace)], "up", "to the folder above"),
    entry(C::Datasets, A::Mark, "", SPACE, "mark", "mark the file: an ingest takes several"),
    entry(C::Datasets, A::LookInside, "datasets.look", &[plain('v')], "look inside", "the first records, the fields and the format"),
    entry(C::Datasets, A::Narrow, "datasets.narrow", &[plain('/')], "narrow", "show only names that hold a text"),

    entry(C::Run, A::Open, "", ENTER, "", "what became of the act under the cursor"),
    entry(C::Run, A::Report, "run.report", &[plain('o')], "report", "write a page with pictures about the run, to hand to others"),
    entry(C::Run, A::Cancel, "run.cancel", &[plain('X')], "cancel", "cancel the run for good; asks first"),

    entry(C::Failures, A::Open, "", ENTER, "open", "open the failure under the cursor"),
    entry(C::Failures, A::Mark, "", SPACE, "mark", "mark the failure, or unmark it"),
    entry(C::Failures, A::ResendOne, "failures.send", &[plain('r')], "send again", "send the failure under the cursor again"),
    entry(C::Failures, A::ResendMany, "failures.send_marked", &[plain('R')], "send marked", "send the marked failures again; asks first"),
    entry(C::Failures, A::EditOne, "failures.edit", &[plain('e')], "edit", "change the record of the failure"),
    entry(C::Failures, A::EditMany, "failures.edit_marked", &[plain('E')], "", "change a value in all marked ones; asks first"),
    entry(C::Failures, A::CloseOne, "failures.close", &[plain('d')], "close", "close the failure with a note"),
    entry(C::Failures, A::CloseMany, "failures.close_marked", &[plain('D')], "", "close the marked failures with a note; asks first"),
    entry(C::Failures, A::UndoOne, "failures.undo", &[plain('u')], "take back", "take back an edit, or reopen what was closed"),
    entry(C::Failures, A::UndoMany, "failures.undo_marked", &[plain('U')], "", "the same for the marked ones; asks first"),
    entry(C::Failures, A::ByCause, "failures.causes", &[plain('g')], "causes", "the failures by cause"),
    entry(C::Failures, A::Filter, "failures.filter", &[plain('/')], "filter", "show only some of them"),
    entry(C::Failures, A::View, "failures.view", &[plain('v')], "view", "open, closed or all of them"),
    entry(C::Failures, A::Sort, "failures.sort", &[plain('s')], "", "sort them"),
    entry(C::Failures, A::MarkAll, "failures.mark_all", &[plain('*')], "", "mark all that the filter shows; again: unmark them"),
    entry(C::Failures, A::CopyMenu, "failures.copy", &[plain('c')], "", "copy an id, the key, a call, or words for the vendor"),
    entry(C::Failures, A::ToFile, "failures.to_file", &[plain('o')], "", "write them into a file"),

    entry(C::Causes, A::Open, "", ENTER, "list", "the failures of the cause, a row each"),
    entry(C::Causes, A::ResendMany, "causes.send", &[plain('R')], "send all", "send all of the cause again; asks first"),
    entry(C::Causes, A::EditMany, "causes.edit", &[plain('E')], "change in all", "change a value in all of the cause; asks first"),
    entry(C::Causes, A::CloseMany, "causes.close", &[plain('D')], "close all", "close all of the cause with a note; asks first"),
    entry(C::Causes, A::UndoMany, "causes.undo", &[plain('U')], "", "take back edits, or reopen, in all of the cause; asks first"),
    entry(C::Causes, A::ByCause, "failures.causes", &[plain('g')], "rows", "a row a failure"),
    entry(C::Causes, A::CopyMenu, "failures.copy", &[plain('c')], "copy", "copy words about the cause"),
    entry(C::Causes, A::Filter, "failures.filter", &[plain('/')], "", "show only some of them"),
    entry(C::Causes, A::View, "failures.view", &[plain('v')], "", "open, closed or all of them"),
    entry(C::Causes, A::Sort, "failures.sort", &[plain('s')], "", "sort them"),
    entry(C::Causes, A::ToFile, "failures.to_file", &[plain('o')], "", "write them into a file"),
    entry(C::Causes, A::OpenItFirst, "failures.send", &[plain('r')], "", "to send one of it, open it first; a capital letter acts on all of it"),
    entry(C::Causes, A::OpenItFirst, "failures.edit", &[plain('e')], "", "to change one of it, open it first"),
    entry(C::Causes, A::OpenItFirst, "failures.close", &[plain('d')], "", "to close one of it, open it first"),
    entry(C::Causes, A::OpenItFirst, "failures.undo", &[plain('u')], "", "to take back what was done to one of it, open it first"),
    entry(C::Causes, A::OpenItFirst, "", SPACE, "", "to mark one of it, open it first"),

    entry(C::Board, A::Down, "", DOWN, "", "one down"),
    entry(C::Board, A::Up, "", UP, "", "one up"),
    entry(C::Board, A::PageDown, "", PAGE_DOWN, "", "a screen down"),
    entry(C::Board, A::PageUp, "", PAGE_UP, "", "a screen up"),
    entry(C::Board, A::Home, "", HOME, "", "to the first"),
    entry(C::Board, A::End, "", END, "", "to the last"),
    entry(C::Board, A::FocusNext, "", &[named(KeyCode::Tab)], "pane", "give the keys to the next pane"),
    entry(C::Board, A::FocusPrevious, "", &[named(KeyCode::BackTab)], "", "give the keys to the pane before"),
    entry(C::Board, A::Focus(Pane::Credentials), "", &[plain('1')], "", "to 1 Credentials"),
    entry(C::Board, A::Focus(Pane::Datasets), "", &[plain('2')], "", "to 2 Datasets"),
    entry(C::Board, A::Focus(Pane::Run), "", &[plain('3')], "", "to 3 Run"),
    entry(C::Board, A::Focus(Pane::Workers), "", &[plain('4')], "", "to 4 Workers"),
    entry(C::Board, A::Focus(Pane::Pace), "", &[plain('5')], "", "to 5 Pace"),
    entry(C::Board, A::Focus(Pane::Failures), "", &[plain('6')], "", "to 6 Failures"),
    entry(C::Board, A::MendFault, "fault", &[plain('f')], "mend the fault", "open what is at fault, and mend it"),
    entry(C::Board, A::PauseOrGoOn, "pause", &[plain('p')], "pause", "pause, or go on; at a fault: try again"),
    entry(C::Board, A::Slower, "slower", &[plain('<'), plain('[')], "slower", "lower the ceiling: calls a second in steps of 1, 2, 5"),
    entry(C::Board, A::Faster, "faster", &[plain('>'), plain(']')], "faster", "raise the ceiling"),
    entry(C::Board, A::MoreWorkers, "more_workers", &[plain('+'), plain('=')], "workers", "one worker more"),
    entry(C::Board, A::FewerWorkers, "fewer_workers", &[plain('-')], "", "one worker fewer"),
    entry(C::Board, A::NewRun, "new", &[plain('n')], "new", "a new run"),
    entry(C::Board, A::Practise, "practise", &[plain('P')], "", "practise on a tenant that lives in this window; asks first"),
    entry(C::Board, A::BackToLive, "live", &[plain('b')], "", "back to the run that this window carries"),
    entry(C::Board, A::Runs, "history", &[plain('h')], "", "all runs"),
    entry(C::Board, A::Log, "log", &[plain('l')], "", "the log"),
    entry(C::Board, A::Zoom, "zoom", &[plain('z')], "zoom", "give the pane the whole board, and back"),
    entry(C::Board, A::Mouse, "mouse", &[plain('m')], "", "leave the mouse to the terminal, or take it"),
    entry(C::Board, A::Commands, "commands", &[plain(':')], "", "all commands, to be searched"),
    entry(C::Board, A::Back, "", ESC, "", "one step back"),
    entry(C::Board, A::Leave, "leave", &[plain('q')], "leave", "leave; asks while a run goes on"),
    entry(C::Board, A::Here, "here", &[plain('.')], "more", "what can be done here"),
    entry(C::Board, A::Help, "help", &[plain('?')], "help", "this help"),

    entry(C::OpenFailure, A::NextPage, "", &[named(KeyCode::Right)], "page", "the next page"),
    entry(C::OpenFailure, A::PreviousPage, "", &[named(KeyCode::Left)], "", "the page before"),
    entry(C::OpenFailure, A::ResendOne, "failures.send", &[plain('r')], "send again", "send it again"),
    entry(C::OpenFailure, A::EditOne, "failures.edit", &[plain('e')], "edit", "change its record"),
    entry(C::OpenFailure, A::CloseOne, "failures.close", &[plain('d')], "close", "close it with a note"),
    entry(C::OpenFailure, A::UndoOne, "failures.undo", &[plain('u')], "take back", "take back an edit, or reopen it"),
    entry(C::OpenFailure, A::CopyMenu, "failures.copy", &[plain('c')], "copy", "copy an id, the key, a call, or words for the vendor"),
    entry(C::OpenFailure, A::NextFailure, "", &[plain('j')], "next", "the next failure"),
    entry(C::OpenFailure, A::PreviousFailure, "", &[plain('k')], "previous", "the one before"),
    entry(C::OpenFailure, A::Down, "", ARROW_DOWN, "", "a line down"),
    entry(C::OpenFailure, A::Up, "", ARROW_UP, "", "a line up"),
    entry(C::OpenFailure, A::PageDown, "", PAGE_DOWN, "", "a screen down"),
    entry(C::OpenFailure, A::PageUp, "", PAGE_UP, "", "a screen up"),
    entry(C::OpenFailure, A::Home, "", HOME, "", "to its beginning"),
    entry(C::OpenFailure, A::End, "", END, "", "to its end"),
    entry(C::OpenFailure, A::Back, "", ESC_Q, "back", "back to the list"),
    entry(C::OpenFailure, A::Help, "help", &[plain('?')], "help", "this help"),

    entry(C::Filter, A::FormKey, "", &[named(KeyCode::Tab)], "complete", "complete the word that is being typed"),
    entry(C::Filter, A::FormKey, "", ENTER, "filter", "show only what the filter lets through"),
    entry(C::Filter, A::Down, "", ARROW_DOWN, "", "one down, while the text stays"),
    entry(C::Filter, A::Up, "", ARROW_UP, "", "one up"),
    entry(C::Filter, A::FormKey, "", ESC, "no filter", "take the filter away"),

    entry(C::Form, A::FormKey, "", &[named(KeyCode::Tab)], "next", "the next field or button; Shift-Tab: the one before"),
    entry(C::Form, A::FormMain, "", &[ctrl('s')], "", "press the button that the form is for, from anywhere in it"),
    entry(C::Form, A::FormKey, "", ENTER, "list, press", "the next field, open a list, press a button"),
    entry(C::Form, A::FormKey, "", SPACE, "", "tick, press"),
    entry(C::Form, A::FormKey, "", &[ctrl('u')], "clear", "clear the field; Ctrl-W: delete a word"),
    entry(C::Form, A::FormKey, "", &[named(KeyCode::PageUp), named(KeyCode::PageDown)], "", "what there is no room for"),
    entry(C::Form, A::FormKey, "", ESC, "leave", "leave; asks if something was typed"),

    entry(C::Question, A::Yes, "", &[plain('y')], "", "do it, where no number is asked for"),
    entry(C::Question, A::NextPlace, "", &[named(KeyCode::Tab), named(KeyCode::Right)], "next", "the next button"),
    entry(C::Question, A::PreviousPlace, "", &[named(KeyCode::BackTab), named(KeyCode::Left)], "", "the button before"),
    entry(C::Question, A::Press, "", ENTER, "press", "press the marked button"),
    entry(C::Question, A::No, "", ESC, "don't", "don't"),

    entry(C::Runs, A::Open, "", ENTER, "look", "put the run on the board"),
    entry(C::Runs, A::PauseOrGoOn, "", &[plain('p')], "go on", "go on with the run; asks first"),
    entry(C::Runs, A::Filter, "", &[plain('/')], "narrow", "show only some of them"),
    entry(C::Runs, A::Sort, "", &[plain('s')], "sort", "sort them"),
    entry(C::Runs, A::Report, "", &[plain('o')], "report", "write a page with pictures about the run, to hand to others"),

    entry(C::Runs, A::Help, "help", &[plain('?')], "help", "this help"),

    entry(C::Log, A::View, "", &[plain('v')], "level", "how much is shown"),
    entry(C::Log, A::Filter, "", &[plain('/')], "narrow", "show only lines that hold a text"),
    entry(C::Log, A::CopyMenu, "", &[plain('c')], "copy its path", "copy the path of the log"),
    entry(C::Log, A::Help, "help", &[plain('?')], "help", "this help"),

    entry(C::List, A::Open, "", ENTER, "choose", "choose it"),

    entry(C::Outcome, A::Open, "", ENTER, "press", "press the marked button"),
    entry(C::Outcome, A::NextPlace, "", &[named(KeyCode::Tab), named(KeyCode::Right)], "next", "the next button"),
    entry(C::Outcome, A::PreviousPlace, "", &[named(KeyCode::BackTab), named(KeyCode::Left)], "", "the button before"),

    entry(C::Preview, A::Open, "", ENTER, "new run with it", "choose the file for a new run"),
    entry(C::Preview, A::NextPage, "", &[named(KeyCode::Right)], "fields", "the fields further right"),
    entry(C::Preview, A::PreviousPage, "", &[named(KeyCode::Left)], "", "the fields further left"),

    entry(C::Page, A::Down, "", DOWN, "scroll", "one down"),
    entry(C::Page, A::Up, "", UP, "", "one up"),
    entry(C::Page, A::PageDown, "", PAGE_DOWN, "", "a screen down"),
    entry(C::Page, A::PageUp, "", PAGE_UP, "", "a screen up"),
    entry(C::Page, A::Home, "", HOME, "", "to the beginning"),
    entry(C::Page, A::End, "", END, "", "to the end"),
    entry(C::Page, A::Back, "", ESC_Q, "back", "back"),

    entry(C::Everywhere, A::Interrupt, "", &[ctrl('c')], "", "ask to leave; again: finish the calls, pause and leave; again: leave at once"),
    entry(C::Everywhere, A::Redraw, "", &[ctrl('l')], "", "draw the screen anew"),
    entry(C::Everywhere, A::Suspend, "", &[ctrl('z')], "", "finish the calls that are out, then suspend"),
];
