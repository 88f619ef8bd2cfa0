//! The list of all runs, and which of them is on the board.

use super::office::forget_run;
use super::{begin_run, board, lists, news};
use crate::journal::RunRow;
use crate::model::{Phase, RunId};
use crate::tui::actions::{self, Action};
use crate::tui::app::{App, Asked, Carried, Overlay, Reading, Shown, carried_by, figures_of};
use crate::tui::layout;
use crate::tui::message::{Effect, Look, Request};
use crate::tui::overlays::menu::{Menu, MenuAct, MenuRow};
use crate::tui::overlays::runs::{RunList, RunSort};

pub(super) fn open(app: &mut App, out: &mut Vec<Effect>) {
    let at = app.figures().map(|figures| figures.run);
    app.overlays.push(Overlay::Runs(RunList { at, ..RunList::default() }));
    out.push(Effect::Look(Look::Runs));
}

pub(super) fn take(app: &mut App, rows: Vec<RunRow>) {
    for overlay in &mut app.overlays {
        if let Overlay::Runs(list) = overlay {
            return list.rows = Some(rows);
        }
    }
}

fn list(app: &mut App) -> Option<&mut RunList> {
    match app.overlays.last_mut() {
        Some(Overlay::Runs(list)) => Some(list),
        _ => None,
    }
}

pub(super) fn perform(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    let page = usize::from(layout::body(app.size).height.saturating_sub(3));
    let Some(list) = list(app) else { return };
    match action {
        Action::Back => {
            if !list.narrow.clear() {
                app.overlays.pop();
            }
        }
        Action::Filter => list.narrow.begin(),
        Action::Sort => {
            let now = list.sort;
            let row = |(sort, key, words): (RunSort, char, &str)| {
                let note = if sort == now { "as it is now" } else { "" };
                MenuRow::new(key, words, MenuAct::SortRuns(sort)).note(note)
            };
            lists::open_menu(app, Menu::new("Sort the runs", RunSort::ALL.map(row).into()));
        }
        Action::Open => {
            if let Some(run) = current(list) {
                app.overlays.pop();
                show(app, &run, out);
            }
        }
        Action::Report => {
            if let Some(run) = current(list) {
                out.push(Effect::Ask(Request::Report(run.id)));
            }
        }
        Action::PauseOrGoOn => {
            if let Some(run) = current(list) {
                go_on(app, &run);
            }
        }
        _ => {
            let shown = list.shown();
            let row = lists::scrolled(list.row(&shown), action, page, shown.len().saturating_sub(1));
            list.at = shown.get(row).map(|row| row.id);
        }
    }
}

/// The run under the cursor.
fn current(list: &RunList) -> Option<RunRow> {
    let shown = list.shown();
    shown.get(list.row(&shown)).map(|row| (*row).clone())
}

pub(super) fn sort(app: &mut App, sort: RunSort) {
    if let Some(list) = list(app) {
        list.sort = sort;
    }
}

/// A click puts the cursor on a run; a second one puts the run on the board.
pub(super) fn click(app: &mut App, row: usize, out: &mut Vec<Effect>) {
    let Some(list) = list(app) else { return };
    let shown = list.shown();
    let Some(id) = shown.get(row).map(|row| row.id) else { return };
    if list.row(&shown) == row {
        return perform(app, Action::Open, out);
    }
    list.at = Some(id);
}

/// Asks whether to go on with a run that nobody carries.
fn go_on(app: &mut App, run: &RunRow) {
    let figures = figures_of(run);
    let why = if let Some(carrier) = &run.carrier {
        let here = app.carried().is_some_and(|live| live.figures.run == run.id);
        Some(if here {
            "this window carries it already; Enter shows it".to_owned()
        } else {
            format!("it is carried by {}", carrier.0)
        })
    } else if matches!(figures.phase, Phase::Ended(state) if state.is_over()) {
        Some("this run has ended; Enter shows its failures".to_owned())
    } else {
        actions::startable(app).err()
    };
    match why {
        Some(why) => app.warns(format!("Not now: {why}.")),
        None => board::ask_to_go_on_with(app, &figures),
    }
}

/// Puts a run of the journal on the board. One that another process carries is looked at only.
fn show(app: &mut App, row: &RunRow, out: &mut Vec<Effect>) {
    if app.figures().is_some_and(|shown| shown.run == row.id) {
        return;
    }
    if app.live.as_ref().is_some_and(|live| live.figures.run == row.id) {
        return back_to_live(app, out);
    }
    let shown = Shown { figures: figures_of(row), at: app.now.instant, carried: carried_by(row) };
    put(app, shown, out);
    let word = row.id.short();
    if let Some(live) = app.live.as_ref().map(|live| live.figures.run.short()) {
        let key = app.keymap.key(Action::BackToLive);
        app.says(format!("Looking at {word}; {key} goes back to {live}."));
    }
}

/// The run that this window carries, or carried last, is on the board again.
pub(super) fn back_to_live(app: &mut App, out: &mut Vec<Effect>) {
    let Some(live) = &app.live else { return };
    let shown = Shown { figures: live.figures.clone(), at: live.at, carried: Carried::Here };
    put(app, shown, out);
}

fn put(app: &mut App, shown: Shown, out: &mut Vec<Effect>) {
    let run: RunId = shown.figures.run;
    app.asked = Asked::default();
    forget_run(app);
    app.reading_events = Reading::Nothing;
    app.run = Some(shown);
    out.push(Effect::Show(run));
    begin_run(app, out);
    news::read_events(app, out);
}
