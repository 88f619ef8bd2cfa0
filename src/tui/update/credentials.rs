//! Keys in *1 Credentials*, and what the office answers about profiles.

use super::{question, welcome};
use crate::tui::actions::Action;
use crate::tui::app::{Act, App, Busy, Overlay, Pane, Question, Test};
use crate::tui::form::Form;
use crate::tui::layout;
use crate::tui::message::{Answer, Effect, Request};
use crate::tui::office::{Kept, ProfileRow, Profiles, Tested};
use crate::tui::sheets::profile::{self, AfterSaving};
use crate::tui::sheets::{About, Sheet, Stays};
use crate::tui::theme::Ink;
use crate::tui::words;

pub(super) fn perform(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    match action {
        Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Home | Action::End => {
            move_in_list(app, action);
        }
        Action::Open => choose(app),
        Action::Test => test(app, out),
        Action::Add => add(app, AfterSaving::Nothing),
        Action::Edit => edit(app),
        Action::Remove => ask_to_remove(app),
        _ => {}
    }
}

/// A click on a profile puts the cursor on it; one more chooses it.
pub(super) fn click(app: &mut App, id: String) {
    super::board::to_pane(app, Pane::Credentials);
    if app.credentials.current().is_some_and(|row| row.id() == id) && app.credentials.cursor.is_some() {
        choose(app);
    } else {
        app.credentials.cursor = Some(id);
    }
}

fn move_in_list(app: &mut App, action: Action) {
    let rows = app.credentials.rows();
    let current = app.credentials.current().map(ProfileRow::id);
    let at = rows.iter().position(|row| Some(row.id()) == current).unwrap_or(0);
    let page = usize::from(layout::full_page(app.size).height / 3);
    let at = super::lists::scrolled(at, action, page, rows.len().saturating_sub(1));
    app.credentials.cursor = rows.get(at).map(ProfileRow::id);
}

/// What the next new run begins with, and nothing else.
fn choose(app: &mut App) {
    let Some(row) = app.credentials.current() else { return };
    let (id, name) = (row.id(), row.name.clone());
    let stays = app
        .figures()
        .filter(|figures| figures.profile != name)
        .map_or_else(String::new, |figures| format!(" The run on the board stays with {}.", figures.profile));
    app.credentials.chosen = Some(id);
    app.says(format!("The next new run begins with {name}.{stays}"));
}

fn test(app: &mut App, out: &mut Vec<Effect>) {
    if app.credentials.trouble.is_some() {
        app.says("The configuration is being read again…");
        out.push(Effect::Ask(Request::Profiles));
        return;
    }
    let Some(row) = app.credentials.current() else { return };
    let (id, name, platform) = (row.id(), row.name.clone(), row.platform);
    app.credentials.tests.insert(id, Test::Under);
    app.busy = Some(Busy { what: format!("Testing {name}"), since: app.now.instant, far: None });
    out.push(Effect::Ask(Request::Test(name, platform)));
}

/// The form for a new profile.
pub(super) fn add(app: &mut App, then: AfterSaving) {
    match profile::add(app, then) {
        Some(sheet) => super::sheet::open(app, sheet),
        None => app.warns("Not now: the profiles are not read yet."),
    }
}

fn edit(app: &mut App) {
    let sheet = app.credentials.current().and_then(|row| profile::edit(app, row));
    if let Some(sheet) = sheet {
        super::sheet::open(app, sheet);
    }
}

fn ask_to_remove(app: &mut App) {
    let Some(row) = app.credentials.current() else { return };
    let mut unfinished = row.unfinished.clone();
    // what the list was read with may be a while ago
    for live in app.carried().iter().filter(|live| live.figures.profile == row.name) {
        let run = live.figures.run.prefix();
        if !unfinished.contains(&run) {
            unfinished.push(run);
        }
    }
    let production = if row.production { "PRODUCTION " } else { "" };
    let mut lines = vec![
        (format!("Remove the profile {production}{}?", row.name), Ink::Bad),
        (String::new(), Ink::Plain),
        (format!("{}, client {}.", row.host, words::client(&row.client_id)), Ink::Plain),
    ];
    if !unfinished.is_empty() {
        let (runs, they) = match unfinished.as_slice() {
            [one] => (format!("Run {one} is"), "It"),
            many => (format!("{} runs are ({})", many.len(), many.join(", ")), "They"),
        };
        lines.push((format!("{runs} not over. {they} can't go on without this profile."), Ink::Warn));
    }
    lines.push((words::removal(&row.name, &row.secret), Ink::Plain));
    let act = Act::Remove(row.name.clone());
    question::ask(app, Question::new(lines, "Keep it", "Remove it", act));
}

/// The person does not wait any longer: nothing is under test.
pub(super) fn stopped(app: &mut App) {
    app.credentials.tests.retain(|_, test| *test != Test::Under);
    for overlay in &mut app.overlays {
        if let Overlay::Sheet(sheet) = overlay {
            match &mut sheet.about {
                About::Profile(about) => about.stopped(&mut sheet.form),
                About::Fault(about) => about.stopped(&mut sheet.form),
                _ => {}
            }
        }
    }
}

/// What the office answers.
pub(super) fn answer(app: &mut App, answer: Answer, out: &mut Vec<Effect>) {
    match answer {
        Answer::Profiles(Ok(profiles)) => known(app, profiles),
        Answer::Profiles(Err(why)) => {
            app.warns(format!("The configuration can't be read: {why}"));
            app.credentials.trouble = Some(why);
        }
        Answer::Tested(Some(id), result) => tested(app, &id, result, out),
        Answer::Tested(None, result) => draft_tested(app, result, out),
        Answer::Saved(name, saved) => self::saved(app, name, saved),
        Answer::Removed(name, Ok(profiles)) => removed(app, &name, profiles),
        Answer::Removed(name, Err(why)) => app.warns(format!("{name} was not removed: {why}")),
        Answer::SecretReplaced(name, result) => replaced(app, &name, result),
        _ => {}
    }
}

/// The profiles as they are now. Where there are none at the start, and no run, the ways to begin are shown.
fn known(app: &mut App, profiles: Profiles) {
    let first = app.credentials.known.is_none() && app.credentials.trouble.is_none();
    app.credentials.trouble = None;
    keep(app, profiles);
    if first && app.credentials.rows().is_empty() && app.run.is_none() && app.overlays.is_empty() {
        welcome::open(app);
    }
}

/// Keeps the profiles, and forgets what is known of those that are gone.
fn keep(app: &mut App, profiles: Profiles) {
    let ids: Vec<String> = profiles.all.iter().map(ProfileRow::id).collect();
    let credentials = &mut app.credentials;
    credentials.tests.retain(|id, _| ids.contains(id));
    credentials.chosen = credentials.chosen.take().filter(|id| ids.contains(id));
    credentials.cursor = credentials.cursor.take().filter(|id| ids.contains(id));
    let said = profiles.said.clone();
    credentials.known = Some(profiles);
    if let Some(said) = said {
        app.warns(format!("But {said}."));
    }
}

fn removed(app: &mut App, name: &str, profiles: Profiles) {
    let at = app.credentials.rows().iter().position(|row| row.name == name);
    app.says(format!("{name} was removed."));
    keep(app, profiles);
    if app.credentials.cursor.is_none() {
        // the next one comes into its place
        let last = app.credentials.rows().len().saturating_sub(1);
        let row = at.and_then(|at| app.credentials.rows().get(at.min(last)));
        app.credentials.cursor = row.map(ProfileRow::id);
    }
}

fn tested(app: &mut App, id: &str, result: Result<Tested, String>, out: &mut Vec<Effect>) {
    let at = app.now.instant;
    if app.credentials.tests.get(id) == Some(&Test::Under) {
        app.busy = None;
    }
    let name = app.credentials.row(id).map_or_else(|| id.to_owned(), |row| row.name.clone());
    let test = match &result {
        Ok(tested) => {
            let all: Vec<String> = words::may_do(tested).into_iter().map(|(text, _)| text).collect();
            app.says(format!("{name}: {}. {}", words::took(tested), all.join("  ")));
            Test::Passed { tested: tested.clone(), at }
        }
        Err(why) => {
            app.warns(format!("{name} was refused: {}", words::refusal(why)));
            Test::Refused { why: why.clone(), at }
        }
    };
    app.credentials.tests.insert(id.to_owned(), test);
    let waits =
        |about: &About| matches!(about, About::Fault(about) if about.waits_for().as_deref() == Some(id));
    with(app, waits, |app, about, form| match about {
        About::Fault(about) => about.tested(app, form, result, out),
        _ => Stays::Open,
    });
}

/// A test of what stands in a form.
fn draft_tested(app: &mut App, result: Result<Tested, String>, out: &mut Vec<Effect>) {
    let waits = |about: &About| match about {
        About::Profile(about) => about.is_testing(),
        About::Fault(about) => about.waits_for().is_some(),
        _ => false,
    };
    with(app, waits, |app, about, form| match about {
        About::Profile(about) => {
            about.tested(app, form, result, out);
            Stays::Open
        }
        About::Fault(about) => about.tested(app, form, result, out),
        _ => Stays::Open,
    });
}

fn saved(app: &mut App, name: String, saved: Result<Profiles, String>) {
    let mut saved = Some((name, saved));
    let mut then = None;
    with(
        app,
        |about| matches!(about, About::Profile(_)),
        |app, about, form| match (about, saved.take()) {
            (About::Profile(about), Some((name, saved))) => {
                let stays = about.saved(app, form, name, saved);
                then = (stays == Stays::Closed).then(|| about.then());
                stays
            }
            _ => Stays::Open,
        },
    );
    // the form was left meanwhile
    match saved {
        Some((name, Ok(profiles))) => {
            app.says(format!("Saved {name}."));
            keep(app, profiles);
        }
        Some((name, Err(why))) => app.warns(format!("{name} was not saved: {why}")),
        None => {}
    }
    if let Some(then) = then {
        app.overlays.retain(|overlay| !matches!(overlay, Overlay::Welcome { .. }));
        if then == AfterSaving::Datasets {
            super::board::to_pane(app, Pane::Datasets);
        }
    }
}

fn replaced(app: &mut App, name: &str, result: Result<Kept, String>) {
    let mut result = Some(result);
    with(
        app,
        |about| matches!(about, About::Fault(_)),
        |app, about, form| match (about, result.take()) {
            (About::Fault(about), Some(result)) => about.replaced(app, form, result),
            _ => Stays::Open,
        },
    );
    // the form was left meanwhile
    match result {
        Some(Ok(_)) => app.says(format!("The new secret of {name} is kept.")),
        Some(Err(why)) => app.warns(format!("The new secret of {name} could not be kept: {why}")),
        None => {}
    }
}

/// Lends out the form that something is for, wherever it lies.
fn with(
    app: &mut App,
    is: impl Fn(&About) -> bool,
    change: impl FnOnce(&mut App, &mut About, &mut Form) -> Stays,
) {
    let found = |overlay: &Overlay| matches!(overlay, Overlay::Sheet(sheet) if is(&sheet.about));
    let Some(place) = app.overlays.iter().rposition(found) else { return };
    let Overlay::Sheet(mut sheet) = app.overlays.remove(place) else { return };
    let Sheet { form, about } = sheet.as_mut();
    if change(app, about, form) == Stays::Open {
        app.overlays.insert(place.min(app.overlays.len()), Overlay::Sheet(sheet));
    } else {
        // a question whether to leave the form has nothing left to ask about
        app.overlays.retain(|overlay| {
            !matches!(overlay, Overlay::Question(question) if question.answers.iter().any(|answer| answer.act == Some(Act::DropForm)))
        });
    }
}
