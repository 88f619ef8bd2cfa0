//! *1 Credentials* and the form of a profile: what they look like, and what their keys do.

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::fixtures::*;
use super::pictures::{picture, pictures};
use crate::config::SecretSource;
use crate::model::{OperationKind, PlatformKind};
use crate::tui::app::{App, Overlay, Pane, Test};
use crate::tui::message::{Answer, Effect, Message, Moment, Request, What};
use crate::tui::office::{Home, ProfileRow, Profiles, Tested};
use crate::tui::theme::{Decoration, GlyphSet};
use crate::tui::update;

pub(super) fn row(name: &str) -> ProfileRow {
    ProfileRow {
        name: name.to_owned(),
        platform: PlatformKind::Genesys,
        host: "api.mypurecloud.ie".to_owned(),
        region: Some("mypurecloud.ie".to_owned()),
        api_url: "https://api.mypurecloud.ie/".to_owned(),
        auth_url: "https://login.mypurecloud.ie/".to_owned(),
        client_id: "3f0c7d12-55aa-4c1e-9b1f-2f7d0a6b8c91".to_owned(),
        production: false,
        read_only: false,
        secret: SecretSource::Keyring,
        configured: true,
        unfinished: Vec::new(),
    }
}

fn cxone(name: &str) -> ProfileRow {
    let url = "https://na1.niceincontact.com/".to_owned();
    ProfileRow {
        platform: PlatformKind::Cxone,
        host: "na1.niceincontact.com".to_owned(),
        region: None,
        api_url: url.clone(),
        auth_url: url,
        secret: SecretSource::Env("CX_SECRET".to_owned()),
        ..row(name)
    }
}

pub(super) fn profiles(all: Vec<ProfileRow>) -> Profiles {
    Profiles {
        all,
        default: Some("acme-test".to_owned()),
        homes: vec![
            (Home::Keyring, Ok(())),
            (Home::File, Ok(())),
            (Home::Env, Ok(())),
            (Home::Command, Ok(())),
        ],
        regions: vec!["mypurecloud.com", "mypurecloud.ie", "mypurecloud.de"],
        said: None,
    }
}

fn all() -> Vec<ProfileRow> {
    vec![
        ProfileRow { production: true, unfinished: vec!["0198c2f3-0000".to_owned()], ..row("acme-prod") },
        row("acme-test"),
        ProfileRow { read_only: true, ..cxone("cx-audit") },
        cxone("cx-sandbox"),
        ProfileRow { configured: false, ..row("env") },
        ProfileRow { configured: false, ..cxone("env") },
    ]
}

pub(super) fn passed() -> Tested {
    Tested {
        left: Some(Duration::from_mins(41)),
        scopes: Some(vec!["analytics:datatransfer:write".to_owned(), "dataaction:execute".to_owned()]),
        operations: vec![
            (OperationKind::Ingest, Vec::new()),
            (OperationKind::Execute, Vec::new()),
            (OperationKind::Exchange, vec!["dataexchange:ingest".to_owned()]),
            (OperationKind::Import, vec!["dataimport:import".to_owned(), "dataimport:read".to_owned()]),
        ],
    }
}

pub(super) fn answer(app: &mut App, answer: Answer) -> Vec<Effect> {
    tell(app, What::Answer(answer))
}

fn with_profiles(size: (u16, u16)) -> App {
    let mut app = board(size);
    answer(&mut app, Answer::Profiles(Ok(profiles(all()))));
    press(&mut app, "1");
    app
}

pub(super) fn enter(app: &mut App) -> Vec<Effect> {
    drawn(app);
    tell(app, key(KeyCode::Enter))
}

fn tab(app: &mut App) {
    tell(app, key(KeyCode::Tab));
}

fn asked(effects: &[Effect]) -> String {
    let asked: Vec<&Effect> = effects.iter().filter(|effect| matches!(effect, Effect::Ask(_))).collect();
    if asked.is_empty() { String::new() } else { format!("{asked:?}") }
}

#[test]
fn profiles_in_every_state() {
    assert_snapshot!(pictures(|size| {
        let mut app = with_profiles(size);
        let at = moment().instant;
        let tests = &mut app.credentials.tests;
        tests.insert("acme-prod".to_owned(), Test::Passed { tested: passed(), at });
        let why =
            "the platform refused the client with status 401 (`invalid_client`): client not found".to_owned();
        tests.insert("acme-test".to_owned(), Test::Refused { why, at });
        tests.insert("cx-audit".to_owned(), Test::Under);
        app
    }));
}

#[test]
fn a_refused_profile_tells_why() {
    assert_snapshot!(pictures(|size| {
        let mut app = with_profiles(size);
        press(&mut app, "jt");
        let why = "profile `acme-test`: the platform refused the client with status 401 (`invalid_client`)";
        answer(&mut app, Answer::Tested(Some("acme-test".to_owned()), Err(why.to_owned())));
        app
    }));
}

#[test]
fn an_empty_pane_says_which_key_fills_it() {
    assert_snapshot!(pictures(|size| {
        let mut app = empty(size);
        answer(&mut app, Answer::Profiles(Ok(profiles(Vec::new()))));
        tell(&mut app, key(KeyCode::Esc));
        press(&mut app, "1");
        app
    }));
}

#[test]
fn a_configuration_that_cannot_be_read_is_read_again_when_asked() {
    let mut app = empty((80, 24));
    answer(&mut app, Answer::Profiles(Err("config.toml:3:1: unknown key `profils`".to_owned())));
    assert!(app.overlays.is_empty());
    press(&mut app, "1");
    assert!(picture(&app).contains("unknown key `profils`"));
    assert!(press(&mut app, "a").is_empty());
    assert!(picture(&app).contains("t reads it again"));
    assert!(matches!(press(&mut app, "t")[..], [Effect::Ask(Request::Profiles)]));
    answer(&mut app, Answer::Profiles(Ok(profiles(all()))));
    assert!(picture(&app).contains("acme-prod"));
}

#[test]
fn enter_sets_what_the_next_run_begins_with_and_nothing_else() {
    let mut app = with_profiles((140, 40));
    press(&mut app, "j");
    let before = app.figures().unwrap().profile.clone();
    assert!(tell(&mut app, key(KeyCode::Enter)).is_empty());
    assert_eq!(app.credentials.next().unwrap().name, "acme-test");
    assert_eq!(app.figures().unwrap().profile, before);
    assert!(picture(&app).contains("The run on the board stays with acme-prod"));
}

#[test]
fn both_profiles_of_the_environment_can_be_reached_and_tested() {
    let mut app = with_profiles((80, 24));
    tell(&mut app, key(KeyCode::End));
    assert!(asked(&press(&mut app, "t")).contains("Test(\"env\", Cxone)"));
    answer(&mut app, Answer::Tested(Some("env cxone".to_owned()), Ok(passed())));
    press(&mut app, "k");
    assert!(app.credentials.test_of(app.credentials.current().unwrap()).is_none());
    assert!(asked(&press(&mut app, "t")).contains("Test(\"env\", Genesys)"));
    assert!(press(&mut app, "X").is_empty() && !asks(&app));
}

#[test]
fn a_test_is_stopped_with_esc_and_another_one_waits_for_it() {
    let mut app = with_profiles((80, 24));
    press(&mut app, "t");
    assert!(picture(&app).contains("Testing acme-prod"));
    assert!(app.next_change().is_some());
    assert!(press(&mut app, "jt").is_empty());
    assert!(tell(&mut app, key(KeyCode::Esc)).contains(&Effect::StopAsking));
    assert!(app.busy.is_none() && app.credentials.tests.is_empty());
    assert!(!press(&mut app, "t").is_empty());
}

#[test]
fn a_token_counts_down_in_minutes_and_only_when_they_change() {
    let mut app = with_profiles((80, 24));
    press(&mut app, "t");
    answer(&mut app, Answer::Tested(Some("acme-prod".to_owned()), Ok(passed())));
    tell(&mut app, key(KeyCode::Right));
    app.run = None;
    let mut minutes = Vec::new();
    while let Some(at) = app.next_change() {
        let before = moment();
        let wall = before.wall + jiff::SignedDuration::try_from(at - before.instant).unwrap();
        update::update(&mut app, Message { at: Moment { instant: at, wall }, what: What::Clock });
        let shown = picture(&app);
        let line = shown.lines().find(|line| line.contains("acme-prod  ")).unwrap().to_owned();
        assert_ne!(minutes.last(), Some(&line));
        minutes.push(line);
        assert!(minutes.len() < 200, "it never ends");
    }
    // 40 whole minutes, then the last one by seconds
    assert_eq!(minutes.len(), 40 + 60);
    assert!(minutes.last().unwrap().contains("token ended"));
}

#[test]
fn plain_says_until_when_and_draws_nothing_anew() {
    let mut app = with_profiles((80, 24));
    app.look.decoration = Decoration::Plain;
    app.credentials
        .tests
        .insert("acme-prod".to_owned(), Test::Passed { tested: passed(), at: moment().instant });
    assert_eq!(app.next_change(), None);
    assert!(picture(&app).contains("✓ until 14:42"));
}

#[test]
fn removing_asks_and_names_the_runs_that_are_not_over() {
    let mut app = with_profiles((80, 24));
    press(&mut app, "X");
    let shown = picture(&app);
    assert!(asks(&app) && shown.contains("0198c2f3-0000 is not over"), "{shown}");
    assert_snapshot!(shown);
    drawn(&mut app);
    assert!(enter(&mut app).is_empty(), "the harmless answer is marked first");
    press(&mut app, "X");
    drawn(&mut app);
    assert!(asked(&press(&mut app, "y")).contains("Remove(\"acme-prod\")"));
    let left = all().split_off(1);
    answer(&mut app, Answer::Removed("acme-prod".to_owned(), Ok(profiles(left))));
    assert_eq!(app.credentials.current().unwrap().name, "acme-test");
}

#[test]
fn a_new_profile() {
    assert_snapshot!(pictures(|size| {
        let mut app = with_profiles(size);
        press(&mut app, "a");
        press(&mut app, "acme prod");
        app
    }));
}

#[test]
fn the_form_of_a_profile_with_addresses_and_a_home_that_does_not_work() {
    assert_snapshot!(pictures(|size| {
        let mut app = empty(size);
        let mut known = profiles(Vec::new());
        known.homes[0].1 = Err("no keyring can be used here: the kernel has none".to_owned());
        answer(&mut app, Answer::Profiles(Ok(known)));
        tell(&mut app, key(KeyCode::Esc));
        press(&mut app, "1a");
        press(&mut app, "cx");
        tab(&mut app);
        press(&mut app, "n");
        tab(&mut app);
        tell(&mut app, What::Paste("http://10.0.0.1\n".to_owned()));
        tab(&mut app);
        tab(&mut app);
        tab(&mut app);
        tell(&mut app, key(KeyCode::Enter));
        app
    }));
}

/// Fills the form for a new profile in. The keys stand on the secret afterwards.
fn fill_in(app: &mut App) {
    press(app, "1a");
    press(app, "acme-new");
    for _ in 0..3 {
        tab(app);
    }
    press(app, "client-1");
    tab(app);
    tab(app);
    tell(app, What::Paste("hunter2\r\n".to_owned()));
    drawn(app);
}

#[test]
fn saving_tests_first_and_saves_when_that_passed() {
    let mut app = with_profiles((80, 24));
    fill_in(&mut app);
    // production and read only, then Test, then Save
    for _ in 0..4 {
        tab(&mut app);
    }
    let effects = enter(&mut app);
    let text = asked(&effects);
    assert!(text.contains("TestDraft") && text.contains("acme-new") && !text.contains("hunter2"), "{text}");
    assert!(
        text.contains("production: true") && text.contains("region: Some(\"mypurecloud.com\")"),
        "{text}"
    );
    assert!(picture(&app).contains("Testing acme-new"));
    assert!(enter(&mut app).is_empty(), "one test at a time");
    let text = asked(&answer(&mut app, Answer::Tested(None, Ok(passed()))));
    assert!(text.contains("Save("), "{text}");
    let mut now = all();
    now.push(row("acme-new"));
    answer(&mut app, Answer::Saved("acme-new".to_owned(), Ok(profiles(now))));
    assert!(app.overlays.is_empty() && app.busy.is_none());
    assert_eq!(app.credentials.current().unwrap().name, "acme-new");
    assert!(matches!(app.credentials.tests.get("acme-new"), Some(Test::Passed { .. })));
}

/// Fills the form in, passes by *Production*, *Read only* and *Test*, and presses *Save*, which tests first.
fn test_it(app: &mut App) {
    fill_in(app);
    for _ in 0..4 {
        tab(app);
    }
    enter(app);
}

#[test]
fn what_was_saved_is_known_also_where_its_form_was_left_meanwhile() {
    let mut app = with_profiles((80, 24));
    test_it(&mut app);
    answer(&mut app, Answer::Tested(None, Ok(passed())));
    tell(&mut app, key(KeyCode::Esc));
    answer(&mut app, Answer::Saved("acme-new".to_owned(), Ok(profiles(vec![row("acme-new")]))));
    assert!(app.overlays.is_empty(), "the question whether to leave the form goes with it");
    assert_eq!(app.credentials.rows().len(), 1);
    answer(&mut app, Answer::Saved("other".to_owned(), Ok(profiles(vec![row("acme-new"), row("other")]))));
    assert_eq!(app.credentials.rows().len(), 2);
    assert!(picture(&app).contains("Saved other."));
}

#[test]
fn why_a_profile_was_not_saved_is_read_to_its_end() {
    let mut app = with_profiles((80, 24));
    test_it(&mut app);
    answer(&mut app, Answer::Tested(None, Ok(passed())));
    let why = "profile `acme-new`: no keyring can be used: the desktop's secret service: no such bus; \
               the kernel's key store: not linked";
    answer(&mut app, Answer::Saved("acme-new".to_owned(), Err(why.to_owned())));
    let shown = picture(&app);
    assert!(
        shown.contains("It was not saved: profile `acme-new`") && shown.contains("not linked"),
        "{shown}"
    );
}

#[test]
fn a_secret_is_nowhere_to_be_seen() {
    let mut app = with_profiles((140, 40));
    fill_in(&mut app);
    let shown = picture(&app);
    assert!(shown.contains("[ *******") && !shown.contains("hunter2"), "{shown}");
    assert!(!format!("{:?}", app.overlays).contains("hunter2"));
}

#[test]
fn a_refused_test_tells_why_and_saves_only_if_that_is_wanted() {
    assert_snapshot!(pictures(|size| {
        let mut app = with_profiles(size);
        test_it(&mut app);
        let why = "profile `acme-new` at https://login.mypurecloud.com/: getting a token: the platform refused the \
                   client with status 401 (`invalid_client`): client not found";
        assert!(asked(&answer(&mut app, Answer::Tested(None, Err(why.to_owned())))).is_empty());
        app
    }));
    let mut app = with_profiles((80, 24));
    test_it(&mut app);
    answer(&mut app, Answer::Tested(None, Err("refused".to_owned())));
    tab(&mut app);
    assert!(asked(&enter(&mut app)).contains("Save("));
}

#[test]
fn what_was_changed_while_it_was_tested_is_not_saved() {
    let mut app = with_profiles((80, 24));
    test_it(&mut app);
    for _ in 0..4 {
        tell(&mut app, key(KeyCode::BackTab));
    }
    press(&mut app, "3");
    assert!(asked(&answer(&mut app, Answer::Tested(None, Ok(passed())))).is_empty());
    assert!(picture(&app).contains("test it once more"));
}

#[test]
fn what_is_wrong_is_said_at_its_field_and_no_button_can_be_pressed() {
    let mut app = with_profiles((80, 24));
    press(&mut app, "a");
    press(&mut app, "acme-test");
    let shown = picture(&app);
    assert!(shown.contains("✗ is another profile's") && shown.contains("1 to be mended: Name"), "{shown}");
    for _ in 0..8 {
        tab(&mut app);
    }
    assert!(enter(&mut app).is_empty());
    assert!(picture(&app).contains("Not yet: name: is another profile's"), "{}", picture(&app));
}

#[test]
fn a_platform_on_this_machine_is_no_production_unless_a_person_says_so() {
    let mut app = with_profiles((80, 24));
    press(&mut app, "a");
    tab(&mut app);
    press(&mut app, "n");
    tab(&mut app);
    let ticked = |app: &App| match app.overlays.last() {
        Some(Overlay::Sheet(sheet)) => sheet.form.is_ticked("production"),
        _ => panic!("no form"),
    };
    assert!(ticked(&app));
    press(&mut app, "http://127.0.0.1:8080");
    assert!(!ticked(&app));
    tell(&mut app, What::Paste("/x".to_owned()));
    for _ in 0..5 {
        tab(&mut app);
    }
    press(&mut app, " ");
    assert!(ticked(&app));
}

#[test]
fn editing_keeps_the_old_secret_where_none_is_typed() {
    let mut app = with_profiles((80, 24));
    press(&mut app, "e");
    assert_snapshot!(picture(&app));
    tell(&mut app, key(KeyCode::End));
    press(&mut app, "2");
    for _ in 0..8 {
        tab(&mut app);
    }
    let text = asked(&enter(&mut app));
    assert!(text.contains("name: \"acme-prod2\"") && text.contains("secret: None"), "{text}");
    assert!(text.contains("Some(\"acme-prod\")"), "{text}");
}

#[test]
fn every_home_of_a_secret_has_its_own_field() {
    let mut app = with_profiles((80, 24));
    press(&mut app, "a");
    for _ in 0..4 {
        tab(&mut app);
    }
    let has = |app: &App, id: &str| match app.overlays.last() {
        Some(Overlay::Sheet(sheet)) => sheet.form.field(id).is_some(),
        _ => panic!("no form"),
    };
    for (ids, gone) in
        [(&["path", "secret"][..], "variable"), (&["variable"], "secret"), (&["command"], "variable")]
    {
        tell(&mut app, key(KeyCode::Right));
        assert!(ids.iter().all(|id| has(&app, id)) && !has(&app, gone), "{ids:?}");
    }
    tab(&mut app);
    press(&mut app, "pass show \"acme prod\"");
    let text = format!("{:?}", app.overlays);
    assert!(text.contains("acme prod"));
}

#[test]
fn hostile_profiles_keep_their_place() {
    let mut app = empty((80, 24));
    let evil = "a\u{202e}b\x1b[2J山田花子".to_owned();
    let bad = ProfileRow {
        name: "x".repeat(64),
        host: evil.clone(),
        region: None,
        client_id: evil.clone(),
        secret: SecretSource::File(PathBuf::from(&evil)),
        unfinished: vec![evil.clone(); 30],
        production: true,
        ..row("x")
    };
    answer(&mut app, Answer::Profiles(Ok(profiles(vec![bad; 40]))));
    app.credentials
        .tests
        .insert("x".repeat(64), Test::Refused { why: evil.repeat(50), at: moment().instant });
    for size in [(140, 40), (100, 30), (80, 24), (60, 16)] {
        app.size = size;
        app.focus = Pane::Credentials;
        let shown = picture(&app);
        assert!(!shown.contains('\x1b') && !shown.contains('\u{202e}'), "{shown}");
    }
    app.look.glyphs = GlyphSet::Ascii;
    assert!(picture(&app).is_ascii(), "{}", picture(&app));
}

#[test]
fn a_click_puts_the_cursor_on_a_profile_and_one_more_chooses_it() {
    use crate::tui::message::Gesture;
    let mut app = with_profiles((80, 24));
    tell(&mut app, What::Mouse(Gesture::Press(10, 7)));
    assert_eq!(app.credentials.current().unwrap().name, "acme-test");
    assert_eq!(app.credentials.chosen, None);
    tell(&mut app, What::Mouse(Gesture::Press(10, 7)));
    assert_eq!(app.credentials.chosen.as_deref(), Some("acme-test"));
}
