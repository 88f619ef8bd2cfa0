//! The first start, practising, and the person's name.

use std::path::PathBuf;

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::credentials::{answer, enter, passed, profiles, row};
use super::fixtures::*;
use super::pictures::{picture, pictures};
use crate::model::Phase;
use crate::model::RunState;
use crate::tui::Places;
use crate::tui::app::{App, Named, Overlay, Pane};
use crate::tui::message::{Answer, Effect, Gesture, Request, What};

fn nothing(size: (u16, u16)) -> App {
    let mut app = empty(size);
    app.places = Some(Places {
        config: (PathBuf::from("/home/sam/.config/trunkline/config.toml"), false),
        data: (PathBuf::from("/home/sam/.local/share/trunkline"), false),
        log: PathBuf::from("/home/sam/.local/share/trunkline/log"),
        variables: false,
    });
    answer(&mut app, Answer::Profiles(Ok(profiles(Vec::new()))));
    app
}

fn welcomes(app: &App) -> bool {
    matches!(app.overlays.last(), Some(Overlay::Welcome { .. }))
}

#[test]
fn the_welcome() {
    assert_snapshot!(pictures(nothing));
}

#[test]
fn only_where_there_is_nothing_at_all_is_a_person_welcomed() {
    assert!(welcomes(&nothing((80, 24))));
    let mut app = board((80, 24));
    answer(&mut app, Answer::Profiles(Ok(profiles(Vec::new()))));
    assert!(!welcomes(&app));
    let mut app = empty((80, 24));
    answer(&mut app, Answer::Profiles(Ok(profiles(vec![row("acme-test")]))));
    assert!(!welcomes(&app));
    // the last one was removed: that is no first start
    answer(&mut app, Answer::Profiles(Ok(profiles(Vec::new()))));
    assert!(!welcomes(&app));
}

#[test]
fn practising_takes_two_keys_and_says_that_it_begins() {
    let mut app = nothing((80, 24));
    enter(&mut app);
    assert_snapshot!(picture(&app));
    let effects = enter(&mut app);
    assert!(format!("{effects:?}").contains("Practise(Outcomes)"), "{effects:?}");
    assert!(picture(&app).contains("Starting a run for practice"));
    // one is enough
    enter(&mut app);
    assert!(welcomes(&app));
    assert!(tell(&mut app, key(KeyCode::Esc)).contains(&Effect::StopAsking));
    assert!(welcomes(&app) && app.busy.is_none());
}

#[test]
fn practising_can_be_begun_later_but_not_while_a_run_is_carried() {
    let mut app = board((80, 24));
    assert!(press(&mut app, "P").is_empty() && app.overlays.is_empty());
    in_phase(&mut app, Phase::Ended(RunState::Completed));
    press(&mut app, "P");
    assert!(picture(&app).contains("Practise"));
    tell(&mut app, key(KeyCode::Up));
    press(&mut app, "e");
    tell(&mut app, key(KeyCode::Tab));
    let effects = enter(&mut app);
    assert!(matches!(effects[..], [Effect::Ask(Request::Practise(crate::model::OperationKind::Exchange))]));
}

#[test]
fn setting_up_leads_to_the_datasets() {
    let mut app = nothing((80, 24));
    press(&mut app, "j");
    enter(&mut app);
    press(&mut app, "acme-test");
    for _ in 0..3 {
        tell(&mut app, key(KeyCode::Tab));
    }
    press(&mut app, "client");
    for _ in 0..2 {
        tell(&mut app, key(KeyCode::Tab));
    }
    press(&mut app, "hunter2");
    for _ in 0..4 {
        tell(&mut app, key(KeyCode::Tab));
    }
    assert!(!enter(&mut app).is_empty());
    answer(&mut app, Answer::Tested(None, Ok(passed())));
    answer(&mut app, Answer::Saved("acme-test".to_owned(), Ok(profiles(vec![row("acme-test")]))));
    assert!(app.overlays.is_empty());
    assert_eq!(app.focus, Pane::Datasets);
    assert_eq!(app.credentials.next().unwrap().name, "acme-test");
}

#[test]
fn another_folder_is_opened_by_a_command_that_can_be_copied() {
    let mut app = nothing((80, 24));
    press(&mut app, "jj");
    enter(&mut app);
    press(&mut app, "/srv/maria's runs");
    let shown = picture(&app);
    assert!(shown.contains(r"trunkline --data-dir '/srv/maria'\''s runs'"), "{shown}");
    assert_snapshot!(shown);
    tell(&mut app, key(KeyCode::Tab));
    assert!(
        matches!(&enter(&mut app)[..], [Effect::Copy(text)] if text.starts_with("trunkline --data-dir '/srv"))
    );
}

#[test]
fn esc_leaves_an_empty_board_and_a_click_takes_a_way() {
    let mut app = nothing((80, 24));
    tell(&mut app, What::Mouse(Gesture::Press(6, 12)));
    assert!(matches!(app.overlays.last(), Some(Overlay::Sheet(_))), "{}", picture(&app));
    tell(&mut app, key(KeyCode::Esc));
    assert!(welcomes(&app));
    tell(&mut app, key(KeyCode::Esc));
    assert!(app.overlays.is_empty());
    assert!(picture(&app).contains("P practises, a in 1 adds a profile"));
}

#[test]
fn the_first_act_asks_for_a_name_and_then_goes_on() {
    let mut app = board((80, 24));
    app.named = Named::No;
    app.by = "root".to_owned();
    assert!(press(&mut app, "6r").is_empty());
    assert_snapshot!(picture(&app));
    tell(&mut app, key(KeyCode::End));
    for _ in 0..4 {
        tell(&mut app, key(KeyCode::Backspace));
    }
    assert!(picture(&app).contains("✗"), "an empty name is none");
    press(&mut app, "maria");
    enter(&mut app);
    let effects = enter(&mut app);
    assert!(format!("{effects:?}").contains("by: \"maria\""), "{effects:?}");
    assert!(app.overlays.is_empty() && app.named == Named::Yes);
    press(&mut app, "jr");
    assert!(app.overlays.is_empty(), "once is enough");
}

#[test]
fn without_a_name_nothing_is_done() {
    let mut app = board((80, 24));
    app.named = Named::No;
    press(&mut app, "6R");
    assert!(tell(&mut app, key(KeyCode::Esc)).is_empty());
    assert!(app.overlays.is_empty() && app.named == Named::No);
}

#[test]
fn looking_asks_for_no_name() {
    let mut app = board((80, 24));
    app.named = Named::No;
    tell(&mut app, key(KeyCode::Char('6')));
    tell(&mut app, key(KeyCode::Enter));
    assert!(matches!(app.overlays.last(), Some(Overlay::Failure(_))));
}
