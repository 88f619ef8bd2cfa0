//! The table itself, a row an action.

use crossterm::event::KeyCode;

use super::{Action, Context, Control, Key};
use crate::tui::app::Pane;

/// A row of the table.
#[derive(Debug)]
pub(in crate::tui) struct Entry {
    pub context: Context,
    pub action: Action,
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
    keys: &'static [Key],
    hint: &'static str,
    words: &'static str,
) -> Entry {
    Entry { context, action, keys, hint, words }
}

/// The table. Within a context, hints are shown in this order.
pub(in crate::tui) const TABLE: &[Entry] = &[
    entry(
        Context::Failures,
        Action::Open,
        &[named(KeyCode::Enter)],
        "open",
        "open the failure under the cursor",
    ),
    entry(
        Context::Failures,
        Action::ResendOne,
        &[plain('r')],
        "send again",
        "send the failure under the cursor again",
    ),
    entry(
        Context::Failures,
        Action::ResendAll,
        &[plain('R')],
        "send all again",
        "send all open failures again; asks first",
    ),
    entry(Context::Failures, Action::Down, &[named(KeyCode::Down), plain('j')], "", "one down"),
    entry(Context::Failures, Action::Up, &[named(KeyCode::Up), plain('k')], "", "one up"),
    entry(Context::Failures, Action::PageDown, &[named(KeyCode::PageDown)], "", "a screen down"),
    entry(Context::Failures, Action::PageUp, &[named(KeyCode::PageUp)], "", "a screen up"),
    entry(Context::Failures, Action::Home, &[named(KeyCode::Home)], "", "to the first"),
    entry(Context::Failures, Action::End, &[named(KeyCode::End)], "", "to the last"),
    entry(
        Context::Board,
        Action::FocusNext,
        &[named(KeyCode::Tab)],
        "pane",
        "give the keys to the next pane",
    ),
    entry(
        Context::Board,
        Action::FocusPrevious,
        &[named(KeyCode::BackTab)],
        "",
        "give the keys to the pane before",
    ),
    entry(Context::Board, Action::Focus(Pane::Run), &[plain('3')], "", "to 3 Run"),
    entry(Context::Board, Action::Focus(Pane::Workers), &[plain('4')], "", "to 4 Workers"),
    entry(Context::Board, Action::Focus(Pane::Pace), &[plain('5')], "", "to 5 Pace"),
    entry(Context::Board, Action::Focus(Pane::Failures), &[plain('6')], "", "to 6 Failures"),
    entry(
        Context::Board,
        Action::PauseOrGoOn,
        &[plain('p')],
        "pause",
        "pause, or go on; at a fault: try again",
    ),
    entry(
        Context::Board,
        Action::Slower,
        &[plain('<'), plain('[')],
        "slower",
        "lower the ceiling: calls a second in steps of 1, 2, 5",
    ),
    entry(Context::Board, Action::Faster, &[plain('>'), plain(']')], "faster", "raise the ceiling"),
    entry(Context::Board, Action::Zoom, &[plain('z')], "zoom", "give the pane the whole board, and back"),
    entry(Context::Board, Action::Back, &[named(KeyCode::Esc)], "", "one step back"),
    entry(Context::Board, Action::Leave, &[plain('q')], "leave", "leave; asks while a run goes on"),
    entry(Context::Board, Action::Help, &[plain('?')], "help", "this help"),
    entry(Context::OpenFailure, Action::ResendOne, &[plain('r')], "send again", "send it again"),
    entry(Context::OpenFailure, Action::NextFailure, &[plain('j')], "next", "the next failure"),
    entry(Context::OpenFailure, Action::PreviousFailure, &[plain('k')], "previous", "the one before"),
    entry(Context::OpenFailure, Action::Down, &[named(KeyCode::Down)], "scroll", "a line down"),
    entry(Context::OpenFailure, Action::Up, &[named(KeyCode::Up)], "", "a line up"),
    entry(Context::OpenFailure, Action::PageDown, &[named(KeyCode::PageDown)], "", "a page down"),
    entry(Context::OpenFailure, Action::PageUp, &[named(KeyCode::PageUp)], "", "a page up"),
    entry(Context::OpenFailure, Action::Home, &[named(KeyCode::Home)], "", "to its beginning"),
    entry(Context::OpenFailure, Action::End, &[named(KeyCode::End)], "", "to its end"),
    entry(Context::OpenFailure, Action::Back, &[named(KeyCode::Esc), plain('q')], "back", "back to the list"),
    entry(Context::OpenFailure, Action::Help, &[plain('?')], "help", "this help"),
    entry(Context::Question, Action::Yes, &[plain('y')], "", "do it, where no number is asked for"),
    entry(
        Context::Question,
        Action::NextPlace,
        &[named(KeyCode::Tab), named(KeyCode::Right)],
        "next",
        "the next button",
    ),
    entry(
        Context::Question,
        Action::PreviousPlace,
        &[named(KeyCode::BackTab), named(KeyCode::Left)],
        "",
        "the button before",
    ),
    entry(Context::Question, Action::Press, &[named(KeyCode::Enter)], "press", "press the marked button"),
    entry(Context::Question, Action::No, &[named(KeyCode::Esc)], "don't", "don't"),
    entry(Context::Help, Action::Down, &[named(KeyCode::Down), plain('j')], "scroll", "a line down"),
    entry(Context::Help, Action::Up, &[named(KeyCode::Up), plain('k')], "", "a line up"),
    entry(Context::Help, Action::PageDown, &[named(KeyCode::PageDown)], "", "a page down"),
    entry(Context::Help, Action::PageUp, &[named(KeyCode::PageUp)], "", "a page up"),
    entry(Context::Help, Action::Home, &[named(KeyCode::Home)], "", "to the beginning"),
    entry(Context::Help, Action::End, &[named(KeyCode::End)], "", "to the end"),
    entry(Context::Help, Action::Back, &[named(KeyCode::Esc), plain('q'), plain('?')], "back", "back"),
    entry(
        Context::Everywhere,
        Action::Interrupt,
        &[ctrl('c')],
        "",
        "ask to leave; again: finish the calls, pause and leave; again: leave at once",
    ),
    entry(Context::Everywhere, Action::Redraw, &[ctrl('l')], "", "draw the screen anew"),
    entry(
        Context::Everywhere,
        Action::Suspend,
        &[ctrl('z')],
        "",
        "finish the calls that are out, then suspend",
    ),
];
