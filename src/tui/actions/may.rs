//! Whether an action may be done now, and if not, why: the sentence that a key gives which can't act.

use super::Action;
use crate::journal::FailureRow;
use crate::model::{FailureState, Phase, RunState};
use crate::plan::MOST_WORKERS;
use crate::tui::app::{App, Carried, Content, Overlay, Pane, Proof, Starting};
use crate::tui::failures::{Fate, fate};
use crate::tui::files::FileKind;
use crate::tui::numbers;

/// Whether an action may be done now, and if not, why.
pub(in crate::tui) fn may(app: &App, action: Action) -> Result<(), String> {
    match app.overlays.last() {
        None => may_in(app, app.focus, action),
        Some(Overlay::Failure(_)) => in_failures(app, action),
        Some(Overlay::Question(question)) => match action {
            Action::Yes if question.proof != Proof::Button => {
                Err("type the number, then press the button".to_owned())
            }
            _ => Ok(()),
        },
        Some(_) => Ok(()),
    }
}

/// Whether an action may be done on the board, where this pane has the keys.
pub(in crate::tui) fn may_in(app: &App, pane: Pane, action: Action) -> Result<(), String> {
    match action {
        Action::PauseOrGoOn => pausable(app),
        Action::MendFault => match app.phase() {
            Some(Phase::Faulted(_) | Phase::Ended(RunState::Faulted)) => Ok(()),
            _ => Err("there is no fault to be mended".to_owned()),
        },
        Action::Slower => commandable(app),
        Action::Faster => commandable(app).and_then(|()| match ceiling(app) {
            None => Err("there is no ceiling of ours; the platform's answers set the pace".to_owned()),
            Some(_) => Ok(()),
        }),
        Action::MoreWorkers | Action::FewerWorkers => commandable(app).and_then(|()| workers(app, action)),
        Action::Cancel => cancellable(app),
        Action::Report if app.run.is_none() => Err("there is no run on the board".to_owned()),
        Action::BackToLive => match (&app.live, app.figures()) {
            (Some(live), Some(shown)) if live.figures.run != shown.run => Ok(()),
            (None, _) => Err("this window carries no run".to_owned()),
            _ => Err("the run that this window carries is on the board".to_owned()),
        },
        Action::NewRun => startable(app),
        Action::Practise => startable(app).and_then(|()| unhurried(app)),
        _ => match pane {
            Pane::Credentials => in_credentials(app, action),
            Pane::Datasets => in_datasets(app, action),
            Pane::Failures => in_failures(app, action),
            Pane::Run if action == Action::Open => {
                match app.happenings.current().and_then(|event| event.act) {
                    Some(_) => Ok(()),
                    None => Err("what happened there is no act of a person on failures".to_owned()),
                }
            }
            _ => Ok(()),
        },
    }
}

fn pausable(app: &App) -> Result<(), String> {
    match (app.is_live(), app.phase()) {
        (true, Some(Phase::Checking { .. })) => {
            Err("the dataset is still being read; nothing has been sent yet".to_owned())
        }
        (true, Some(Phase::Draining)) => Err("the run is being left already".to_owned()),
        (false, Some(Phase::Ended(RunState::Paused | RunState::Faulted)))
            if app.run.as_ref().is_some_and(|run| !matches!(run.carried, Carried::Elsewhere(_))) =>
        {
            startable(app)
        }
        _ => commandable(app),
    }
}

/// Whether this window may begin to carry a run: it carries one at a time.
pub(in crate::tui) fn startable(app: &App) -> Result<(), String> {
    if app.starting == Starting::Yes {
        return Err("a run is just being started".to_owned());
    }
    match app.carried() {
        Some(live) => Err(format!(
            "this window carries run {} already; wait for its end, or open another window",
            live.figures.run.short()
        )),
        None => Ok(()),
    }
}

fn cancellable(app: &App) -> Result<(), String> {
    let Some(run) = &app.run else { return Err("there is no run on the board".to_owned()) };
    match (&run.carried, &run.figures.phase) {
        (Carried::Elsewhere(who), _) => Err(format!("looking only: carried by {who}")),
        (_, Phase::Ended(state)) if state.is_over() => Err("this run has ended".to_owned()),
        _ => Ok(()),
    }
}

fn in_credentials(app: &App, action: Action) -> Result<(), String> {
    let there = || {
        app.credentials
            .current()
            .ok_or_else(|| format!("there is no profile yet; {} adds one", app.keymap.key(Action::Add)))
    };
    match action {
        Action::Add => match (&app.credentials.known, &app.credentials.trouble) {
            (Some(_), _) => Ok(()),
            (None, Some(_)) => {
                let key = app.keymap.key(Action::Test);
                Err(format!("the configuration can't be read; mend it, then {key} reads it again"))
            }
            (None, None) => Err("the profiles are still being read".to_owned()),
        },
        Action::Test if app.credentials.trouble.is_some() => unhurried(app),
        Action::Test => there().and_then(|_| unhurried(app)),
        Action::Open => there().map(drop),
        Action::Edit | Action::Remove => there().and_then(|row| {
            if row.configured {
                Ok(())
            } else {
                Err(format!("`{}` is made of variables of the environment; change it there", row.name))
            }
        }),
        _ => Ok(()),
    }
}

/// One thing at a time is waited for, so that Esc has one meaning.
fn unhurried(app: &App) -> Result<(), String> {
    match &app.busy {
        Some(busy) => {
            Err(format!("{} goes on still; Esc stops that", crate::tui::words::after_colon(&busy.what)))
        }
        None => Ok(()),
    }
}

fn in_datasets(app: &App, action: Action) -> Result<(), String> {
    let nothing = "there is no file under the cursor";
    match (action, app.datasets.current().map(|row| row.kind)) {
        (Action::Open | Action::Mark | Action::LookInside, None) => Err(nothing.to_owned()),
        (Action::Open | Action::Mark | Action::LookInside, Some(FileKind::Strange)) => {
            Err("this is no file that can be read, but a pipe, a device or a link to nothing".to_owned())
        }
        (Action::Open, Some(FileKind::Dataset | FileKind::Other)) => startable(app),
        (Action::Mark | Action::LookInside, Some(FileKind::Folder)) => {
            Err("this is a folder; Enter opens it".to_owned())
        }
        (Action::Parent, _) if app.datasets.folder.parent().is_none() => {
            Err("there is no folder above this one".to_owned())
        }
        _ => Ok(()),
    }
}

fn in_failures(app: &App, action: Action) -> Result<(), String> {
    let moves = app.overlays.is_empty() && app.failures.is_moving();
    match action {
        Action::ResendOne | Action::EditOne | Action::CloseOne | Action::UndoOne | Action::Open if moves => {
            Err("the failures there are still being read".to_owned())
        }
        Action::ResendOne => {
            let row = meant(app).ok_or("there is no failure under the cursor")?;
            if app.failures.was_asked(row.id) {
                return Err(format!("{} is being sent again already", row.key));
            }
            if !row.id.is_item() {
                return Err("a row of a delivered import cannot be sent again by itself: mend it at its source, and import that anew".to_owned());
            }
            match fate(row) {
                Fate::Closed => Err(closed(app, row)),
                Fate::Delivered => Err(format!("{} was delivered since", row.key)),
                Fate::ChangeFirst => Err(format!(
                    "our own check refuses {} as it is: change it first ({}), then send it",
                    row.key,
                    app.keymap.key(Action::EditOne)
                )),
                Fate::Again | Fate::AskPlatform | Fate::Row => resendable(app),
            }
        }
        Action::EditOne => open_one(app).and_then(|row| match fate(row) {
            Fate::Row => {
                Err("a row of a delivered import is changed in its file, which is imported anew".to_owned())
            }
            _ => mendable(app),
        }),
        Action::CloseOne => open_one(app).and_then(|_| mendable(app)),
        Action::UndoOne => {
            let row = meant(app).ok_or("there is no failure under the cursor")?;
            match row.state {
                FailureState::Delivered => Err(format!("{} was delivered since", row.key)),
                FailureState::Dismissed => mendable(app),
                FailureState::Failed | FailureState::Invalid if row.edited => mendable(app),
                FailureState::Failed | FailureState::Invalid => {
                    Err(format!("{} is neither closed nor edited: there is nothing to take back", row.key))
                }
            }
        }
        Action::ResendMany => resendable(app).and_then(|()| many(app)),
        Action::EditMany | Action::CloseMany | Action::UndoMany => mendable(app).and_then(|()| many(app)),
        Action::Open if app.failures.shows_causes() => some_cause(app),
        Action::Open => {
            app.failures.current().map(|_| ()).ok_or_else(|| "there is no failure to open".to_owned())
        }
        Action::Mark => {
            app.failures.current().map(|_| ()).ok_or_else(|| "there is no failure to mark".to_owned())
        }
        Action::CopyMenu if app.overlays.is_empty() && app.failures.shows_causes() => some_cause(app),
        Action::CopyMenu => meant(app).map(|_| ()).ok_or_else(|| "there is no failure to copy".to_owned()),
        Action::ToFile | Action::View | Action::ByCause | Action::Filter | Action::MarkAll
            if app.run.is_none() =>
        {
            Err("there is no run on the board".to_owned())
        }
        _ => Ok(()),
    }
}

/// The failure that is opened, else the one under the cursor.
fn meant(app: &App) -> Option<&FailureRow> {
    match app.overlays.last() {
        Some(Overlay::Failure(open)) => match &open.content {
            Content::Here(detail) => Some(&detail.row),
            Content::Coming | Content::Gone => app.failures.rows.iter().find(|row| row.id == open.id),
        },
        _ => app.failures.current(),
    }
}

fn closed(app: &App, row: &FailureRow) -> String {
    format!("{} was closed by a person; {} opens it again", row.key, app.keymap.key(Action::UndoOne))
}

/// The failure that is meant, where it waits for somebody and is not under way.
fn open_one(app: &App) -> Result<&FailureRow, String> {
    let row = meant(app).ok_or("there is no failure under the cursor")?;
    match fate(row) {
        _ if app.failures.was_asked(row.id) => {
            Err(format!("{} is being sent again; wait for its end", row.key))
        }
        Fate::Closed => Err(closed(app, row)),
        Fate::Delivered => Err(format!("{} was delivered since", row.key)),
        _ => Ok(row),
    }
}

/// Whether there is something for a capital letter to act on.
fn many(app: &App) -> Result<(), String> {
    if app.failures.shows_causes() {
        return some_cause(app);
    }
    if app.failures.marks.is_empty() {
        return Err(format!(
            "nothing is marked: Space marks one, {} marks all; a small letter acts on this one",
            app.keymap.key(Action::MarkAll)
        ));
    }
    Ok(())
}

fn some_cause(app: &App) -> Result<(), String> {
    app.failures.causes.current().map(|_| ()).ok_or_else(|| "there is no cause under the cursor".to_owned())
}

/// The ceiling that holds, or that was asked for last.
pub(in crate::tui) fn ceiling(app: &App) -> Option<f64> {
    match app.asked.ceiling {
        Some(wish) => wish.rate(),
        None => app.figures().and_then(|figures| figures.pace.ceiling),
    }
}

/// Whether there may be a worker more, or one fewer.
fn workers(app: &App, action: Action) -> Result<(), String> {
    let now = app.asked.workers.or_else(|| app.figures().map(|figures| figures.workers_asked));
    match (action, now) {
        (Action::MoreWorkers, Some(now)) if now >= MOST_WORKERS => {
            Err(format!("{} at a time is the most, as in a plan", numbers::count(MOST_WORKERS.into())))
        }
        (Action::FewerWorkers, Some(now)) if now <= 1 => {
            Err(format!("one at a time is the least; {} pauses the run", app.keymap.key(Action::PauseOrGoOn)))
        }
        _ => Ok(()),
    }
}

fn commandable(app: &App) -> Result<(), String> {
    let Some(run) = &app.run else { return Err("there is no run on the board".to_owned()) };
    match &run.carried {
        Carried::Elsewhere(who) => Err(format!("looking only: carried by {who}")),
        _ if app.is_live() => Ok(()),
        _ => Err(match run.figures.phase {
            Phase::Ended(RunState::Paused | RunState::Faulted) => {
                format!("this run stands still; {} goes on with it", app.keymap.key(Action::PauseOrGoOn))
            }
            _ => "this run has ended".to_owned(),
        }),
    }
}

/// Whether failures of the run on the board may be sent again.
pub(in crate::tui) fn resendable(app: &App) -> Result<(), String> {
    let Some(run) = &app.run else { return Err("there is no run on the board".to_owned()) };
    if let Carried::Elsewhere(who) = &run.carried {
        return Err(format!("looking only: carried by {who}"));
    }
    if !app.is_live() {
        startable(app)?;
    }
    match run.figures.phase {
        Phase::Checking { .. } => Err("the dataset is still being read".to_owned()),
        Phase::Draining => Err("the run is being left".to_owned()),
        Phase::Faulted(_) => {
            let key = app.keymap.key(Action::PauseOrGoOn);
            Err(format!("the run is faulted; mend that first, then {key} goes on"))
        }
        Phase::Ended(RunState::Cancelled) => Err("the run was cancelled".to_owned()),
        _ => Ok(()),
    }
}

/// Whether failures of the run on the board may be changed or closed.
pub(in crate::tui) fn mendable(app: &App) -> Result<(), String> {
    let Some(run) = &app.run else { return Err("there is no run on the board".to_owned()) };
    match &run.carried {
        Carried::Elsewhere(who) => Err(format!("looking only: carried by {who}")),
        _ => Ok(()),
    }
}

/// What sending the failure again means, in the word of its key.
pub(super) fn word_of_sending(app: &App) -> Option<&'static str> {
    Some(match fate(meant(app)?) {
        Fate::Again => "send again",
        Fate::AskPlatform => "ask the platform again",
        Fate::ChangeFirst | Fate::Row | Fate::Closed | Fate::Delivered => return None,
    })
}

/// What taking back means for the failure, in the word of its key.
pub(super) fn word_of_undoing(app: &App) -> Option<&'static str> {
    Some(if meant(app)?.state == FailureState::Dismissed { "open again" } else { "take the edit back" })
}
