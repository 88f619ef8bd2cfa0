//! The one table of what a person can do: its name, its key, where it applies, and whether it may be done now.
//!
//! The keys, the hint line and the help are all read from here, so none of them can promise what another does not keep.

mod keymap;
mod may;
mod table;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::app::{App, Overlay, Pane};
use super::layout::{self, Class};
use super::words;
use crate::model::{Phase, RunState};

pub(super) use keymap::Keymap;
pub use keymap::KeysError;
pub(super) use may::{ceiling, may, may_in, mendable, resendable, startable};
pub(super) use table::{Entry, TABLE};

/// Something that a person can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Interrupt,
    Redraw,
    Suspend,
    FocusNext,
    FocusPrevious,
    Focus(Pane),
    Zoom,
    Back,
    PauseOrGoOn,
    MendFault,
    Slower,
    Faster,
    MoreWorkers,
    FewerWorkers,
    NewRun,
    /// A run on a tenant that lives in this window.
    Practise,
    BackToLive,
    Runs,
    Log,
    Mouse,
    Commands,
    Here,
    Help,
    Leave,
    Cancel,
    /// A page about a run, to hand to others.
    Report,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    /// The main, harmless act of what has the keys.
    Open,
    Test,
    Add,
    Edit,
    Remove,
    Parent,
    LookInside,
    Narrow,
    Mark,
    MarkAll,
    ResendOne,
    ResendMany,
    EditOne,
    EditMany,
    CloseOne,
    CloseMany,
    UndoOne,
    UndoMany,
    ByCause,
    Filter,
    View,
    Sort,
    CopyMenu,
    ToFile,
    OpenItFirst,
    NextPage,
    PreviousPage,
    NextFailure,
    PreviousFailure,
    /// A key that a form takes for itself.
    FormKey,
    /// Presses the button that a form is for.
    FormMain,
    Yes,
    No,
    NextPlace,
    PreviousPlace,
    Press,
}

impl Action {
    /// Whether it is written down with the person's name.
    pub const fn is_signed(self) -> bool {
        matches!(
            self,
            Self::ResendOne
                | Self::ResendMany
                | Self::EditOne
                | Self::EditMany
                | Self::CloseOne
                | Self::CloseMany
                | Self::UndoOne
                | Self::UndoMany
                | Self::Cancel
        )
    }
}

/// Where an action applies. What lies over the board takes all keys but those of `Everywhere`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// Over and under everything.
    Everywhere,
    /// On the board, in any pane.
    Board,
    /// In *1 Credentials*.
    Credentials,
    /// In *2 Datasets*.
    Datasets,
    /// In *3 Run*.
    Run,
    /// In *6 Failures*, where it lists rows.
    Failures,
    /// In *6 Failures*, where it lists causes.
    Causes,
    /// In a failure that was opened.
    OpenFailure,
    /// In the line for a filter.
    Filter,
    /// In a form.
    Form,
    /// In a question.
    Question,
    /// In the list of all runs.
    Runs,
    /// In the log.
    Log,
    /// In a list to choose from.
    List,
    /// In a dataset's first records.
    Preview,
    /// In what became of an act.
    Outcome,
    /// In anything that can be scrolled.
    Page,
}

impl Context {
    /// Its name, for the help.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Board => "on the board, in any pane",
            Self::Credentials => "in 1 Credentials",
            Self::Datasets => "in 2 Datasets",
            Self::Run => "in 3 Run",
            Self::Failures => "in 6 Failures, rows",
            Self::Causes => "in 6 Failures, causes",
            Self::OpenFailure => "in a failure",
            Self::Filter => "in the line for a filter",
            Self::Form => "in a form",
            Self::Question => "in a question",
            Self::Runs => "in the list of runs",
            Self::Log => "in the log",
            Self::List => "in a list",
            Self::Preview => "in a dataset's first records",
            Self::Outcome => "in what became of an act",
            Self::Page => "in pages and lists that lie over the board",
        }
    }

    /// The pane whose keys these are.
    pub const fn pane(self) -> Option<Pane> {
        match self {
            Self::Credentials => Some(Pane::Credentials),
            Self::Datasets => Some(Pane::Datasets),
            Self::Run => Some(Pane::Run),
            Self::Failures | Self::Causes => Some(Pane::Failures),
            _ => None,
        }
    }

    /// All of them, in the order of the help.
    pub const ALL: [Self; 17] = [
        Self::Board,
        Self::Credentials,
        Self::Datasets,
        Self::Run,
        Self::Failures,
        Self::Causes,
        Self::Filter,
        Self::OpenFailure,
        Self::Form,
        Self::Question,
        Self::Outcome,
        Self::Preview,
        Self::Runs,
        Self::Log,
        Self::List,
        Self::Page,
        Self::Everywhere,
    ];
}

/// A key, without Shift: a capital is a character of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub code: KeyCode,
    pub control: Control,
}

/// Whether Ctrl is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    Free,
    Held,
}

impl Key {
    /// The key of an event; none with Alt and the like, which mean nothing here.
    pub fn of(event: &KeyEvent) -> Option<Self> {
        let others = KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::HYPER | KeyModifiers::META;
        if event.modifiers.intersects(others) {
            return None;
        }
        let control =
            if event.modifiers.contains(KeyModifiers::CONTROL) { Control::Held } else { Control::Free };
        let code = match event.code {
            // with Shift, some terminals say Tab and some say BackTab
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        Some(Self { code, control })
    }

    /// How it is written for a person.
    pub fn name(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(char) if self.control == Control::Held => char.to_uppercase().collect(),
            KeyCode::Char(char) => char.to_string(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::F(number) => format!("F{number}"),
            code => format!("{code:?}"),
        };
        if self.control == Control::Held { format!("Ctrl-{name}") } else { name }
    }
}

/// The contexts whose keys are live now, the nearest first.
pub(super) fn contexts(app: &App) -> &'static [Context] {
    contexts_under(app, app.overlays.last())
}

/// The contexts that the help was asked for in, the nearest first.
pub(super) fn contexts_of_help(app: &App) -> &'static [Context] {
    contexts_under(app, app.overlays.iter().rev().find(|overlay| !matches!(overlay, Overlay::Help { .. })))
}

/// The contexts that are live while this lies uppermost; on the board, where nothing does.
pub(super) fn contexts_under(app: &App, overlay: Option<&Overlay>) -> &'static [Context] {
    match overlay {
        Some(Overlay::Failure(_)) => &[Context::OpenFailure, Context::Everywhere],
        Some(Overlay::Sheet(_)) => &[Context::Form, Context::Everywhere],
        Some(Overlay::Question(_)) => &[Context::Question, Context::Everywhere],
        Some(Overlay::Runs(_)) => &[Context::Runs, Context::Page, Context::Everywhere],
        Some(Overlay::Log(_)) => &[Context::Log, Context::Page, Context::Everywhere],
        Some(Overlay::Welcome { .. } | Overlay::Menu(_) | Overlay::Actions(_)) => {
            &[Context::List, Context::Page, Context::Everywhere]
        }
        Some(Overlay::Outcome(_)) => &[Context::Outcome, Context::Page, Context::Everywhere],
        Some(Overlay::Preview(_)) => &[Context::Preview, Context::Page, Context::Everywhere],
        Some(Overlay::Help { .. } | Overlay::Text(_) | Overlay::Copied(_)) => {
            &[Context::Page, Context::Everywhere]
        }
        None => match app.focus {
            Pane::Credentials => &[Context::Credentials, Context::Board, Context::Everywhere],
            Pane::Datasets => &[Context::Datasets, Context::Board, Context::Everywhere],
            Pane::Run => &[Context::Run, Context::Board, Context::Everywhere],
            Pane::Failures if app.failures.line.is_some() => &[Context::Filter, Context::Everywhere],
            Pane::Failures if app.failures.shows_causes() => {
                &[Context::Causes, Context::Board, Context::Everywhere]
            }
            Pane::Failures => &[Context::Failures, Context::Board, Context::Everywhere],
            Pane::Workers | Pane::Pace => &[Context::Board, Context::Everywhere],
        },
    }
}

/// The contexts whose keys live at the same time: in each of these sets a key means one thing.
pub(super) const LIVE_TOGETHER: [&[Context]; 14] = [
    &[Context::Credentials, Context::Board, Context::Everywhere],
    &[Context::Datasets, Context::Board, Context::Everywhere],
    &[Context::Run, Context::Board, Context::Everywhere],
    &[Context::Failures, Context::Board, Context::Everywhere],
    &[Context::Causes, Context::Board, Context::Everywhere],
    &[Context::OpenFailure, Context::Everywhere],
    &[Context::Filter, Context::Everywhere],
    &[Context::Form, Context::Everywhere],
    &[Context::Question, Context::Everywhere],
    &[Context::Runs, Context::Page, Context::Everywhere],
    &[Context::Log, Context::Page, Context::Everywhere],
    &[Context::List, Context::Page, Context::Everywhere],
    &[Context::Outcome, Context::Page, Context::Everywhere],
    &[Context::Preview, Context::Page, Context::Everywhere],
];

/// What a key does now.
pub(super) fn find(app: &App, key: Key) -> Option<Action> {
    let found = contexts(app).iter().find_map(|context| {
        TABLE.iter().find(|entry| entry.context == *context && app.keymap.of(entry).contains(&key))
    })?;
    // where nothing can be read, only what can do no harm unseen lives
    let blind = layout::class(app.size) == Class::TooSmall;
    let harmless = matches!(found.action, Action::Interrupt | Action::Redraw | Action::Suspend);
    let lives =
        harmless || (app.overlays.is_empty() && matches!(found.action, Action::PauseOrGoOn | Action::Leave));
    (!blind || lives).then_some(found.action)
}

/// The hints of the pane, or of what lies over it: what can be done now, the most useful first. They are dropped from
/// the right where there is no room; the last one stays.
pub(super) fn hints(app: &App) -> Vec<Hint> {
    let mut hints: Vec<_> = live(app)
        .filter(|entry| entry.context != Context::Everywhere && may(app, entry.action).is_ok())
        // while a run goes, the room is for what steers it
        .filter(|entry| entry.action != Action::Report || entry.context == Context::Runs || is_told(app))
        .filter_map(|entry| {
            let words = Some(hint(app, entry)).filter(|words| !words.is_empty())?;
            Some((rank(app, entry), app.keymap.of(entry).first()?.name(), words, entry.action))
        })
        .collect();
    hints.sort_by_key(|(rank, ..)| *rank);
    hints.into_iter().map(|(_, key, words, action)| Hint { key, words, action }).collect()
}

/// A key and its word, for the lowest line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hint {
    pub key: String,
    pub words: String,
    pub action: Action,
}

/// Where a hint stands: what a run waits for first, what ends something last. Else the table's order holds.
fn rank(app: &App, entry: &Entry) -> u8 {
    let stands = matches!(
        app.phase(),
        Some(Phase::Paused | Phase::Faulted(_) | Phase::Ended(RunState::Paused | RunState::Faulted))
    );
    match entry.action {
        Action::MendFault => 0,
        Action::PauseOrGoOn if stands && entry.context == Context::Board => 0,
        Action::Cancel => 2,
        Action::Zoom | Action::Leave | Action::Back => 3,
        Action::Here | Action::Help => 4,
        _ => 1,
    }
}

/// The rows of the table that hold now, those of the nearest context first.
pub(super) fn live(app: &App) -> impl Iterator<Item = &'static Entry> {
    let contexts = contexts(app);
    contexts.iter().flat_map(|context| TABLE.iter().filter(move |entry| entry.context == *context))
}

/// Whether the run has come to rest, so that there is something to be told of it.
fn is_told(app: &App) -> bool {
    matches!(app.phase(), Some(Phase::Ended(_))) && !is_faulted(app)
}

fn is_faulted(app: &App) -> bool {
    matches!(app.phase(), Some(Phase::Faulted(_) | Phase::Ended(RunState::Faulted)))
}

/// The word for an action in the hint line, as things stand; nothing where there is none.
fn hint(app: &App, entry: &Entry) -> String {
    if let (Action::FormMain, Some(Overlay::Sheet(sheet))) = (entry.action, app.overlays.last()) {
        // of what it does, the last is what it is pressed for
        let last = |words: &str| words::after_colon(words.rsplit(", and ").next().unwrap_or(words));
        return sheet.form.main_button().map_or_else(String::new, |button| last(&button.words));
    }
    match (entry.action, app.phase()) {
        (Action::Down, _) if entry.context == Context::Page => match app.overlays.last() {
            Some(Overlay::Welcome { .. } | Overlay::Menu(_) | Overlay::Actions(_) | Overlay::Runs(_)) => {
                "move"
            }
            // its buttons stand beside one another
            Some(Overlay::Outcome(_)) => "",
            _ => entry.hint,
        },
        (Action::UndoOne, _) => may::word_of_undoing(app).unwrap_or(entry.hint),
        (Action::PauseOrGoOn, Some(Phase::Paused | Phase::Pausing | Phase::Ended(RunState::Paused))) => {
            "go on"
        }
        (Action::PauseOrGoOn, Some(Phase::Faulted(_) | Phase::Ended(RunState::Faulted))) => "try again",
        (Action::Leave, _) if app.carried().is_none() => "close",
        (Action::ResendOne, _) => may::word_of_sending(app).unwrap_or(entry.hint),
        _ => entry.hint,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_at_once() {
        for together in LIVE_TOGETHER {
            let mut seen = Vec::new();
            for entry in TABLE.iter().filter(|entry| together.contains(&entry.context)) {
                for key in entry.keys {
                    assert!(!seen.contains(key), "{} stands twice in {together:?}", key.name());
                    seen.push(*key);
                }
            }
        }
    }

    #[test]
    fn every_action_has_a_key_and_words() {
        for entry in TABLE {
            assert!(!entry.keys.is_empty() && !entry.words.is_empty(), "{:?}", entry.action);
        }
    }

    #[test]
    fn a_capital_letter_always_says_that_it_asks() {
        for entry in TABLE {
            for key in entry.keys {
                if matches!(key.code, KeyCode::Char(char) if char.is_ascii_uppercase()) {
                    assert!(entry.words.contains("asks"), "{:?}", entry.action);
                }
            }
        }
    }
}
