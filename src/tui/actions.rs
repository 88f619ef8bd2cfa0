//! The one table of what a person can do: its name, its key, where it applies, and whether it may be done now.
//!
//! The keys, the hint line and the help are all read from here, so none of them can promise what another does not keep.

mod table;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::app::{App, Carried, Overlay, Pane, Proof, Starting};
use super::layout::{self, Class};
use super::words;
use crate::model::{FailureState, Phase, RunState};

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
    Slower,
    Faster,
    Help,
    Leave,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Open,
    ResendOne,
    ResendAll,
    NextFailure,
    PreviousFailure,
    Yes,
    No,
    NextPlace,
    PreviousPlace,
    Press,
}

/// Where an action applies. What lies over the board takes all keys but those of `Everywhere`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// Over and under everything.
    Everywhere,
    /// On the board, in any pane.
    Board,
    /// In *6 Failures*.
    Failures,
    /// In a failure that was opened.
    OpenFailure,
    /// In the help.
    Help,
    /// In a question.
    Question,
}

impl Context {
    /// Its name, for the help.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Board => "on the board, in any pane",
            Self::Failures => "in 6 Failures",
            Self::OpenFailure => "in a failure",
            Self::Help => "in this help",
            Self::Question => "in a question",
        }
    }

    /// All of them, in the order of the help.
    pub const ALL: [Self; 6] =
        [Self::Board, Self::Failures, Self::OpenFailure, Self::Question, Self::Help, Self::Everywhere];
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
            code => format!("{code:?}"),
        };
        if self.control == Control::Held { format!("Ctrl-{name}") } else { name }
    }
}

/// The contexts whose keys are live now, the nearest first.
pub(super) fn contexts(app: &App) -> &'static [Context] {
    match app.overlays.last() {
        Some(Overlay::Failure(_)) => &[Context::OpenFailure, Context::Everywhere],
        Some(Overlay::Help { .. }) => &[Context::Help, Context::Everywhere],
        Some(Overlay::Question(_)) => &[Context::Question, Context::Everywhere],
        None if app.focus == Pane::Failures => &[Context::Failures, Context::Board, Context::Everywhere],
        None => &[Context::Board, Context::Everywhere],
    }
}

/// What a key does now.
pub(super) fn find(app: &App, key: Key) -> Option<Action> {
    let found = contexts(app).iter().find_map(|context| {
        TABLE.iter().find(|entry| entry.context == *context && entry.keys.contains(&key))
    })?;
    // where nothing can be read, only what can do no harm unseen lives
    let blind = layout::class(app.size) == Class::TooSmall;
    let harmless = matches!(found.action, Action::Interrupt | Action::Redraw | Action::Suspend);
    let lives =
        harmless || (app.overlays.is_empty() && matches!(found.action, Action::PauseOrGoOn | Action::Leave));
    (!blind || lives).then_some(found.action)
}

/// Whether an action may be done now, and if not, why.
pub(super) fn may(app: &App, action: Action) -> Result<(), String> {
    match action {
        Action::PauseOrGoOn => commandable(app).and_then(|()| match app.phase() {
            Some(Phase::Checking { .. }) => {
                Err("the dataset is still being read; nothing has been sent yet".to_owned())
            }
            Some(Phase::Draining) => Err("the run is being left already".to_owned()),
            _ => Ok(()),
        }),
        Action::Slower => commandable(app),
        Action::Faster => commandable(app).and_then(|()| match ceiling(app) {
            None => Err("there is no ceiling of ours; the platform's answers set the pace".to_owned()),
            Some(_) => Ok(()),
        }),
        Action::ResendOne | Action::Open if app.overlays.is_empty() && app.failures.is_moving() => {
            Err("the failures there are still being read".to_owned())
        }
        Action::ResendOne => {
            let row = match app.overlays.last() {
                Some(Overlay::Failure(open)) => app.failures.rows.iter().find(|row| row.id == open.id),
                _ => app.failures.current(),
            };
            let row = row.ok_or("there is no failure under the cursor")?;
            if app.failures.was_asked(row.id) {
                return Err(format!("{} is being sent again already", row.key));
            }
            if !row.id.is_item() {
                return Err("a row of a delivered import cannot be sent again by itself: mend it at its source, and import that anew".to_owned());
            }
            match row.state {
                FailureState::Dismissed => {
                    Err(format!("{} was closed by a person; reopen it first", row.key))
                }
                FailureState::Delivered => Err(format!("{} was delivered since", row.key)),
                FailureState::Failed | FailureState::Invalid => resendable(app),
            }
        }
        Action::ResendAll => {
            if app.failures.open == 0 {
                return Err("there is no open failure to send again".to_owned());
            }
            resendable(app)
        }
        Action::Open => {
            app.failures.current().map(|_| ()).ok_or_else(|| "there is no failure to open".to_owned())
        }
        Action::Yes => match app.overlays.last() {
            Some(Overlay::Question(question)) if question.proof != Proof::Button => {
                Err("type the number, then press the button".to_owned())
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The ceiling that holds, or that was asked for last.
pub(super) fn ceiling(app: &App) -> Option<f64> {
    match app.asked.ceiling {
        Some(wish) => wish.rate(),
        None => app.figures().and_then(|figures| figures.pace.ceiling),
    }
}

fn commandable(app: &App) -> Result<(), String> {
    let Some(run) = &app.run else { return Err("there is no run on the board".to_owned()) };
    match &run.carried {
        Carried::Elsewhere(who) => Err(format!("looking only: carried by {who}")),
        _ if app.is_live() => Ok(()),
        _ => Err(match run.figures.phase {
            Phase::Ended(RunState::Paused | RunState::Faulted) => words::going_on(app).map_or_else(
                || "this run stands still".to_owned(),
                |go_on| format!("this run stands still; {go_on}"),
            ),
            _ => "this run has ended".to_owned(),
        }),
    }
}

fn resendable(app: &App) -> Result<(), String> {
    let Some(run) = &app.run else { return Err("there is no run on the board".to_owned()) };
    if let Carried::Elsewhere(who) = &run.carried {
        return Err(format!("looking only: carried by {who}"));
    }
    if app.starting == Starting::Yes {
        return Err("sending again is just being started".to_owned());
    }
    match run.figures.phase {
        Phase::Checking { .. } => Err("the dataset is still being read".to_owned()),
        Phase::Draining => Err("the run is being left".to_owned()),
        Phase::Faulted(_) => Err("the run is faulted; mend that first, then p goes on".to_owned()),
        Phase::Ended(RunState::Cancelled) => Err("the run was cancelled".to_owned()),
        Phase::Ended(RunState::Paused | RunState::Faulted) => Err(words::going_on(app).map_or_else(
            || "the run has not sent everything yet".to_owned(),
            |go_on| format!("the run has not sent everything yet; {go_on} with it"),
        )),
        _ => Ok(()),
    }
}

/// The hints of the pane, or of what lies over it: the key, the word, and whether it may act now. They are dropped from
/// the right where there is no room; the last one stays.
pub(super) fn hints(app: &App) -> Vec<(String, String, bool)> {
    let contexts = contexts(app).iter().filter(|context| **context != Context::Everywhere);
    let entries = contexts.flat_map(|context| TABLE.iter().filter(move |entry| entry.context == *context));
    entries
        .filter(|entry| !entry.hint.is_empty())
        .filter_map(|entry| {
            Some((entry.keys.first()?.name(), hint(app, entry), may(app, entry.action).is_ok()))
        })
        .collect()
}

/// The word for an action in the hint line, as things stand.
fn hint(app: &App, entry: &Entry) -> String {
    match (entry.action, app.phase()) {
        (Action::PauseOrGoOn, Some(Phase::Paused | Phase::Pausing)) => "go on",
        (Action::PauseOrGoOn, Some(Phase::Faulted(_))) => "try again",
        (Action::Leave, _) if !app.is_live() => "close",
        _ => entry.hint,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_at_once() {
        let live_together = [
            vec![Context::Failures, Context::Board, Context::Everywhere],
            vec![Context::OpenFailure, Context::Everywhere],
            vec![Context::Help, Context::Everywhere],
            vec![Context::Question, Context::Everywhere],
        ];
        for together in live_together {
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
