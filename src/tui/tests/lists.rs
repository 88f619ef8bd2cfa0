//! The lists over the board: what can be done, all runs, the log, short lists.

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::fixtures::*;
use super::pictures::{picture, pictures};
use crate::journal::{Carrier, RunRow};
use crate::model::{Phase, PlatformKind, RunState, Tally};
use crate::tui::Places;
use crate::tui::app::{App, Carried, Overlay, Pane};
use crate::tui::files::{FileAnswer, FileErrand};
use crate::tui::layout::{self, Class};
use crate::tui::log::{Cut, Level, Line, Tail};
use crate::tui::message::{Answer, Effect, Found, Look, More, Request, What};
use crate::tui::overlays::menu::{Copied, Menu, MenuAct, MenuRow};

fn enter(app: &mut App) -> Vec<Effect> {
    tell(app, key(KeyCode::Enter))
}

fn esc(app: &mut App) -> Vec<Effect> {
    tell(app, key(KeyCode::Esc))
}

#[test]
fn what_can_be_done_here_says_why_it_cannot() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        press(&mut app, "6.");
        app
    }));
}

#[test]
fn a_command_is_found_by_its_words_and_done() {
    let mut app = board((80, 24));
    press(&mut app, ":lower ceil");
    assert_snapshot!(picture(&app));
    let effects = enter(&mut app);
    assert!(app.overlays.is_empty());
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Command(_))), "{effects:?}");
}

#[test]
fn letters_in_the_search_are_no_keys() {
    let mut app = board((80, 24));
    let effects = press(&mut app, ":qpnz");
    assert!(app.left.is_none() && effects.is_empty());
    assert!(matches!(app.overlays.last(), Some(Overlay::Actions(list)) if list.narrow.text() == "qpnz"));
    assert!(picture(&app).contains("Nothing is called that"));
    esc(&mut app);
    assert!(app.overlays.is_empty());
}

#[test]
fn a_command_that_cannot_be_done_says_why_and_the_list_stays() {
    let mut app = board((80, 24));
    press(&mut app, ":mend the fault");
    enter(&mut app);
    assert!(app.notice.as_ref().unwrap().text.contains("there is no fault"));
    assert!(matches!(app.overlays.last(), Some(Overlay::Actions(_))));
}

#[test]
fn a_command_of_another_pane_gives_that_pane_the_keys() {
    let mut app = board((80, 24));
    press(&mut app, ":get a token");
    assert!(picture(&app).contains("get a token"), "{}", picture(&app));
    app.overlays.clear();
    press(&mut app, ":cancel the run for good");
    enter(&mut app);
    assert_eq!(app.focus, Pane::Run);
    assert!(asks(&app));
}

fn row(id: &str, state: RunState) -> RunRow {
    static ROW: std::sync::OnceLock<RunRow> = std::sync::OnceLock::new();
    let tally = |pending, delivered, failed| Tally {
        total: Some(pending + delivered + failed),
        pending,
        delivered,
        failed,
        ..Tally::default()
    };
    let mut row = ROW.get_or_init(|| crate::report::bench::Bench::new().row()).clone();
    row.id = id.parse().unwrap();
    row.state = state;
    row.carrier = None;
    row.profile = "acme-prod".to_owned();
    row.platform = PlatformKind::Cxone;
    row.production = true;
    row.records = tally(1_000, 190_588, 9_412);
    row.started_at = "2026-11-20T14:01:48Z".parse().unwrap();
    row.datasets[0].path = "/data/dispositions.csv".to_owned();
    row
}

fn runs() -> Vec<RunRow> {
    let mut live = row("0198c2f3-0000-7000-8000-000000000000", RunState::Running);
    live.carrier = Some(Carrier("sam, process 1".to_owned()));
    live.started_at = "2026-11-21T11:49:33Z".parse().unwrap();
    let paused = row("0198c2e0-0000-7000-8000-000000000000", RunState::Paused);
    let mut theirs = row("0198c2d0-0000-7000-8000-000000000000", RunState::Running);
    theirs.carrier = Some(Carrier("maria, process 4121".to_owned()));
    theirs.profile = "a\u{202e}b\u{1b}[31m".to_owned();
    let mut ended = row("0198c2c0-0000-7000-8000-000000000000", RunState::Completed);
    ended.records = Tally { total: Some(5), delivered: 5, ..Tally::default() };
    ended.started_at = "2026-08-01T14:01:48Z".parse().unwrap();
    ended.production = false;
    vec![live, paused, theirs, ended]
}

/// A board with the list of runs over it.
fn with_runs(size: (u16, u16)) -> App {
    let mut app = board(size);
    let effects = press(&mut app, "h");
    // where nothing can be read, nothing is opened
    let opens = layout::class(size) != Class::TooSmall;
    assert_eq!(effects.iter().any(|effect| matches!(effect, Effect::Look(Look::Runs))), opens);
    tell(&mut app, What::Found(Found::Runs(runs())));
    app
}

#[test]
fn all_runs() {
    assert_snapshot!(pictures(with_runs));
}

#[test]
fn a_run_is_put_on_the_board_and_b_goes_back_to_the_live_one() {
    let mut app = with_runs((80, 24));
    tell(&mut app, key(KeyCode::Down));
    let effects = enter(&mut app);
    let id = runs()[1].id;
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Show(run) if *run == id)), "{effects:?}");
    assert_eq!(app.figures().unwrap().run, id);
    assert!(!app.is_live() && app.carried().is_some(), "the live run goes on");
    assert!(app.happenings.len() == 0, "what happened belongs to the other run");
    assert_snapshot!(picture(&app));
    // a sample of the live run changes nothing on this board
    tell(&mut app, What::Figures(Box::new(figures())));
    assert_eq!(app.figures().unwrap().run, id);
    // and an answer about the other run is nobody's
    let late = happening(99, "13:00:00", "note", None, Some("late"));
    let tail = crate::tui::message::Tail { last: 99, more: More::No };
    tell(&mut app, What::FoundOf(figures().run, Found::Events(vec![late], tail)));
    assert_eq!(app.happenings.len(), 0);
    let effects = press(&mut app, "b");
    assert_eq!(app.figures().unwrap().run, figures().run);
    assert!(app.is_live());
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Show(run) if *run == figures().run)));
    press(&mut app, "b");
    assert!(app.notice.as_ref().unwrap().text.starts_with("Not now"));
}

#[test]
fn a_run_that_another_process_carries_is_only_looked_at() {
    let mut app = with_runs((80, 24));
    press(&mut app, "jj");
    enter(&mut app);
    assert!(matches!(&app.run.as_ref().unwrap().carried, Carried::Elsewhere(who) if who.contains("maria")));
    press(&mut app, "p");
    assert!(app.notice.as_ref().unwrap().text.contains("looking only: carried by maria"));
}

#[test]
fn going_on_with_a_run_of_the_list_asks_first_and_takes_the_number_on_production() {
    let mut app = with_runs((80, 24));
    press(&mut app, "jp");
    assert!(!asks(&app), "this window carries a run");
    assert!(app.notice.as_ref().unwrap().text.contains("this window carries run"));
    in_phase(&mut app, Phase::Ended(RunState::Completed));
    press(&mut app, "p");
    assert!(asks(&app));
    drawn(&mut app);
    press(&mut app, "1000");
    let effects = enter(&mut app);
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Ask(Request::Resume(run)) if *run == runs()[1].id)),
        "{effects:?}"
    );
    let mut app = with_runs((80, 24));
    press(&mut app, "jjjp");
    assert!(app.notice.as_ref().unwrap().text.contains("has ended"), "{:?}", app.notice);
}

fn notice(app: &App) -> String {
    app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
}

#[test]
fn o_writes_a_page_about_the_run_under_the_cursor_and_says_where() {
    let asked = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Ask(Request::Report(run)) => Some(run),
            _ => None,
        })
    };
    let mut app = board((100, 30));
    let shown = app.figures().unwrap().run;
    assert_eq!(asked(press(&mut app, "3o")), Some(shown));
    let mut app = with_runs((100, 30));
    press(&mut app, "j");
    assert_eq!(asked(press(&mut app, "o")), Some(runs()[1].id));
    tell(&mut app, What::Answer(Answer::Reported(Ok("/data/trunkline-0198c2e0.html".into()))));
    assert!(notice(&app).contains("/data/trunkline-0198c2e0.html"));
    tell(&mut app, What::Answer(Answer::Reported(Err("the disk is full".to_owned()))));
    assert!(notice(&app).contains("No report was written: the disk is full"));
}

#[test]
fn runs_are_narrowed_and_sorted_and_the_cursor_stays_on_its_run() {
    let mut app = with_runs((80, 24));
    press(&mut app, "j/paus");
    assert!(picture(&app).contains("1 of 4"), "{}", picture(&app));
    enter(&mut app);
    let at = |app: &App| match app.overlays.last() {
        Some(Overlay::Runs(list)) => list.shown().get(list.row(&list.shown())).map(|row| row.id),
        _ => None,
    };
    assert_eq!(at(&app), Some(runs()[1].id));
    esc(&mut app);
    press(&mut app, "s");
    assert!(picture(&app).contains("the most open failures first"), "{}", picture(&app));
    press(&mut app, "o");
    assert_eq!(at(&app), Some(runs()[1].id));
    tell(&mut app, What::Found(Found::Runs(runs().into_iter().rev().collect())));
    assert_eq!(at(&app), Some(runs()[1].id), "new rows move no cursor");
}

#[test]
fn without_a_run_the_list_teaches() {
    let mut app = empty((80, 24));
    app.overlays.clear();
    press(&mut app, "h");
    tell(&mut app, What::Found(Found::Runs(Vec::new())));
    assert!(picture(&app).contains("There is no run yet."));
}

fn tail() -> Tail {
    let line = |at: u64, level, text: &str| Line { at, level, text: text.to_owned() };
    let mut lines: Vec<Line> = (0..60)
        .map(|at| line(at, Level::Info, &format!("2026-11-21T12:00:{at:02}Z  INFO trunkline: line {at}")))
        .collect();
    lines[57] = line(
        57,
        Level::Warn,
        "2026-11-21T12:00:57Z  WARN trunkline: the platform said \"slow down\", and this line is so long that it has to be broken where there is little room",
    );
    lines[58] = line(58, Level::Error, "2026-11-21T12:00:58Z ERROR trunkline: hostile \u{1b}[31m\u{202e}");
    Tail { size: 60, lines, cut: Cut::No }
}

fn with_log(size: (u16, u16)) -> App {
    let mut app = board(size);
    app.places = Some(Places {
        config: ("/home/sam/.config/trunkline/config.toml".into(), true),
        data: ("/home/sam/.local/share/trunkline".into(), true),
        log: "/home/sam/.local/share/trunkline/trunkline.log".into(),
        variables: false,
    });
    let effects = press(&mut app, "l");
    let opens = layout::class(size) != Class::TooSmall;
    let read = matches!(effects.as_slice(), [Effect::Files(FileErrand::Log(_, None))]);
    assert_eq!(read, opens, "{effects:?}");
    tell(&mut app, What::Files(FileAnswer::Log(Ok(Some(tail())))));
    app
}

#[test]
fn the_log() {
    assert_snapshot!(pictures(with_log));
}

#[test]
fn the_log_is_followed_until_somebody_scrolls_and_again_after_end() {
    let mut app = with_log((80, 24));
    let grown = |app: &mut App| {
        let mut tail = tail();
        tail.size = 99;
        tail.lines.push(Line { at: 90, level: Level::Info, text: "the newest".to_owned() });
        tell(app, What::Files(FileAnswer::Log(Ok(Some(tail)))));
    };
    grown(&mut app);
    assert!(picture(&app).contains("the newest"));
    let mut app = with_log((80, 24));
    press(&mut app, "k");
    grown(&mut app);
    assert!(!picture(&app).contains("the newest"), "what is being read does not move");
    tell(&mut app, key(KeyCode::End));
    assert!(picture(&app).contains("the newest") && picture(&app).contains("following"));
}

#[test]
fn the_log_is_read_again_while_it_is_open_and_only_then() {
    let mut app = with_log((80, 24));
    let due = match app.overlays.last() {
        Some(Overlay::Log(view)) => view.read_at.unwrap(),
        _ => unreachable!(),
    };
    assert!(app.next_change().is_some_and(|at| at <= due));
    let later = crate::tui::message::Moment { instant: due, ..moment() };
    let effects =
        crate::tui::update::update(&mut app, crate::tui::message::Message { at: later, what: What::Clock });
    let again = |effect: &Effect| matches!(effect, Effect::Files(FileErrand::Log(_, Some(60))));
    assert!(effects.iter().any(again), "{effects:?}");
    esc(&mut app);
    assert!(app.overlays.is_empty());
}

#[test]
fn the_log_is_narrowed_by_level_and_words_and_its_path_is_copied() {
    let mut app = with_log((80, 24));
    press(&mut app, "vv");
    let shown = picture(&app);
    assert!(shown.contains("warnings and errors") && !shown.contains("line 56"), "{shown}");
    press(&mut app, "/hostile");
    assert!(!picture(&app).contains("slow down"));
    enter(&mut app);
    let effects = press(&mut app, "c");
    assert!(
        matches!(effects.as_slice(), [Effect::Copy(path)] if path.ends_with("trunkline.log")),
        "{effects:?}"
    );
    assert_snapshot!(picture(&app));
    esc(&mut app);
    esc(&mut app);
    assert!(matches!(app.overlays.last(), Some(Overlay::Log(_))), "Esc first clears the words");
}

#[test]
fn a_log_that_is_not_there_teaches() {
    let mut app = with_log((60, 16));
    let none = Tail { size: 0, lines: Vec::new(), cut: Cut::No };
    tell(&mut app, What::Files(FileAnswer::Log(Ok(Some(none)))));
    assert!(picture(&app).contains("Nothing was logged yet"));
    tell(&mut app, What::Files(FileAnswer::Log(Err("`/x`: permission denied".to_owned()))));
    assert!(picture(&app).contains("permission denied"));
}

fn menu() -> Menu {
    let copied = |what: &str, text: &str| {
        MenuAct::Copy(Copied {
            what: what.to_owned(),
            text: text.to_owned(),
            holds: Some("the key".to_owned()),
        })
    };
    Menu::new(
        "Copy",
        vec![
            MenuRow::new('i', "the correlation id", copied("the correlation id", "4e1c-77")).note("4e1c-77"),
            MenuRow::new('k', "the key", copied("the key", "TXN-90180\nsecond line")),
        ],
    )
}

#[test]
fn a_short_list() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        app.overlays.push(Overlay::Menu(menu()));
        app
    }));
}

#[test]
fn a_rows_letter_takes_it_and_what_was_copied_is_shown() {
    let mut app = board((80, 24));
    app.overlays.push(Overlay::Menu(menu()));
    let effects = press(&mut app, "k");
    assert!(matches!(effects.as_slice(), [Effect::Copy(text)] if text.starts_with("TXN")), "{effects:?}");
    assert_snapshot!(picture(&app));
    esc(&mut app);
    assert!(app.overlays.is_empty());
    app.overlays.push(Overlay::Menu(menu()));
    tell(&mut app, key(KeyCode::Down));
    assert!(matches!(enter(&mut app).as_slice(), [Effect::Copy(text)] if text.starts_with("TXN")));
}

#[test]
fn the_help_begins_with_where_it_was_asked_for() {
    let mut app = with_runs((80, 24));
    press(&mut app, "?");
    let shown = picture(&app);
    assert!(shown.contains("in the list of runs, where you are"), "{shown}");
}

#[test]
fn a_persons_own_keys_are_those_of_hints_help_and_commands() {
    let mut app = board((140, 40));
    let binding = crate::config::KeyBinding {
        action: "pause".to_owned(),
        keys: vec!["F5".to_owned()],
        place: String::new(),
    };
    let keys = crate::config::KeyBindings(vec![binding]);
    app.keymap = crate::tui::actions::Keymap::of_config(&keys).unwrap();
    assert!(picture(&app).contains("F5 pause"));
    press(&mut app, "?");
    assert!(picture(&app).contains("F5 "), "{}", picture(&app));
    esc(&mut app);
    press(&mut app, ":pause");
    assert!(picture(&app).contains("F5 "));
    esc(&mut app);
    press(&mut app, "p");
    assert!(app.asked.pause.is_none());
    let effects = tell(&mut app, key(KeyCode::F(5)));
    assert!(matches!(effects.as_slice(), [Effect::Command(_)]), "{effects:?}");
}
