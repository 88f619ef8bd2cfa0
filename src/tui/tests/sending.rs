//! One failure that is sent again: what became of it is on the screen for as long as the person stays where they are.

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::fixtures::*;
use super::pictures::{picture, pictures};
use crate::engine::Command;
use crate::journal::FailureRow;
use crate::model::{Phase, RunState};
use crate::tui::app::{App, Carried, Overlay, Pane};
use crate::tui::failures::{Anchor, Page};
use crate::tui::message::{Begun, Effect, Found, Look, More, Request, Tail, What};
use crate::tui::{Keeps, message};

/// The failure as it came back.
fn back() -> FailureRow {
    let was = failure(180);
    FailureRow { last_at: was.last_at + jiff::SignedDuration::from_secs(900), ..was }
}

fn found(app: &mut App, row: Option<FailureRow>) -> Vec<Effect> {
    let detail = row.map(|row| Box::new(detail_of(row, Vec::new())));
    tell(app, What::Found(Found::Failure(180.into(), detail)))
}

/// The run tells that what was sent again has ended.
fn ended(app: &mut App, event: i64) -> Vec<Effect> {
    let row = happening(event, "13:00:00", "act_ended", None, Some("Sent again: 1 was refused again."));
    tell(app, What::Found(Found::Events(vec![row], Tail { last: event, more: More::No })))
}

/// The first failure is sent again, and has come to its end.
fn sent(size: (u16, u16)) -> App {
    let mut app = board((100, 30));
    let effects = press(&mut app, "6r");
    app.size = size;
    assert_eq!(effects, [Effect::Command(Command::Retry { items: vec![180], by: "sam".to_owned() })]);
    assert!(ended(&mut app, 20).contains(&Effect::Look(Look::Failure(180.into()))));
    app
}

fn line(app: &App) -> String {
    let picture = picture(app);
    picture.lines().rev().nth(2).unwrap_or_default().trim_matches(['|', ' ']).to_owned()
}

#[test]
fn one_that_failed_as_before_says_so_until_the_person_goes_elsewhere() {
    assert_snapshot!(pictures(|size| {
        let mut app = sent(size);
        found(&mut app, Some(back()));
        app
    }));
    let mut app = sent((100, 30));
    found(&mut app, Some(back()));
    press(&mut app, "jjk");
    assert!(
        line(&app).starts_with("TXN-90180 was sent again, and failed as before: refused"),
        "{}",
        line(&app)
    );
    press(&mut app, "36");
    assert!(!line(&app).contains("TXN-90180"), "{}", line(&app));
}

#[test]
fn one_that_failed_otherwise_is_told_apart() {
    let mut app = sent((100, 30));
    found(&mut app, Some(FailureRow { status: Some(404), ..back() }));
    assert!(line(&app).contains("failed for another reason: refused: not known there"), "{}", line(&app));
}

#[test]
fn one_that_was_delivered_keeps_its_page_and_its_name_there() {
    let delivered = |size| {
        let mut app = board(size);
        press(&mut app, "6");
        tell(&mut app, key(KeyCode::Enter));
        found(&mut app, Some(failure(180)));
        press(&mut app, "r");
        ended(&mut app, 20);
        // the list has gone on by then
        let rows = failures().split_off(1);
        app.failures.take(Page { anchor: Anchor::Around(180.into()), rows, total: 7, ..Page::default() });
        found(&mut app, None);
        app
    };
    assert_snapshot!(pictures(delivered));
    let mut app = delivered((100, 30));
    let shown = picture(&app);
    assert!(shown.contains("─ Failure TXN-90180 · delivered ─"), "{shown}");
    assert!(line(&app).starts_with("TXN-90180 was sent again, and is delivered."), "{}", line(&app));
    assert!(!shown.lines().rev().nth(1).unwrap().contains("send"), "{shown}");
    press(&mut app, "j");
    let Some(Overlay::Failure(open)) = app.overlays.last() else { panic!("{:?}", app.overlays) };
    assert_eq!(open.id, 181.into(), "the next one, which has the cursor already");
}

#[test]
fn several_are_told_together() {
    let mut app = board((100, 30));
    press(&mut app, "6rjr");
    assert_eq!(app.failures.singles.told(), ["Sent again 2: under way 2."]);
    found(&mut app, None);
    assert!(line(&app).contains("Sent again 2: delivered 1, under way 1."), "{}", line(&app));
}

#[test]
fn what_an_ended_run_did_not_send_is_as_it_was() {
    let mut app = board((100, 30));
    in_phase(&mut app, Phase::Ended(RunState::CompletedWithFailures));
    let effects = press(&mut app, "6r");
    assert!(matches!(effects[..], [Effect::Ask(Request::Retry(_))]), "{effects:?}");
    found(&mut app, Some(failure(180)));
    assert_eq!(app.failures.singles.waiting(), [180.into()], "it is only about to be sent");
    let figures = Box::new(crate::model::Figures { phase: Phase::Running, ..figures() });
    let begun = Begun { figures, keeps: Keeps::Journal };
    tell(&mut app, What::Answer(message::Answer::Started(Ok(begun))));
    let effects = in_phase(&mut app, Phase::Ended(RunState::CompletedWithFailures));
    assert!(effects.contains(&Effect::Look(Look::Failure(180.into()))), "{effects:?}");
    found(&mut app, Some(failure(180)));
    assert!(line(&app).starts_with("TXN-90180 was not sent"), "{}", line(&app));
    assert!(!app.failures.was_asked(180.into()));
}

#[test]
fn hints_are_of_what_can_be_done_and_what_ends_something_comes_last() {
    let hints = |app: &App| picture(app).lines().rev().nth(1).unwrap_or_default().to_owned();
    let mut app = board((140, 40));
    let shown = hints(&app);
    assert!(shown.find("p pause") < shown.find("X cancel"), "{shown}");
    in_phase(&mut app, Phase::Ended(RunState::CompletedWithFailures));
    assert!(!hints(&app).contains("cancel"), "{}", hints(&app));
    let mut app = board((140, 40));
    app.run.as_mut().unwrap().carried = Carried::Elsewhere("maria, process 4121".to_owned());
    for gone in ["cancel", "pause", "slower"] {
        assert!(!hints(&app).contains(gone), "{}", hints(&app));
    }
}

#[test]
fn all_panes_have_their_tab_at_every_size() {
    for size in [(140, 40), (100, 30), (80, 24), (60, 16)] {
        let mut app = board(size);
        let items = &mut app.run.as_mut().unwrap().figures.items;
        items.failed = 887_123;
        let tabs = picture(&app).lines().nth(1).unwrap_or_default().to_owned();
        assert!(tabs.contains("1 Cred") && tabs.contains("887,12") && !tabs.contains('…'), "{tabs}");
    }
}

#[test]
fn the_newest_happening_is_whole_at_every_size() {
    for size in [(140, 40), (100, 30), (80, 24), (60, 16)] {
        let mut app = board(size);
        let text = "maria: closes 2,310 failures with the note: the tenant has no such subcategory any more";
        app.happenings.keep(happening(30, "13:00:00", "act", None, Some(text)));
        let shown = picture(&app);
        let words = text.split(' ').all(|word| shown.contains(word));
        assert!(words && app.focus == Pane::Run, "{shown}");
    }
}

#[test]
fn a_key_that_was_given_away_is_the_same_wherever_its_action_lives() {
    use crate::config::{KeyBinding, KeyBindings};
    let binding = |action: &str, key: &str| KeyBinding {
        action: action.to_owned(),
        keys: vec![key.to_owned()],
        place: String::new(),
    };
    let bindings = KeyBindings(vec![binding("failures.send", "F8"), binding("failures.undo", "t")]);
    let keymap = || crate::tui::actions::Keymap::of_config(&bindings).unwrap();
    let mut app = board((100, 30));
    app.keymap = keymap();
    press(&mut app, "6");
    tell(&mut app, key(KeyCode::Enter));
    found(&mut app, Some(failure(180)));
    assert!(picture(&app).contains("F8 sends it again"), "{}", picture(&app));
    assert_eq!(press(&mut app, "r"), [], "the old key is free");
    assert_eq!(tell(&mut app, key(KeyCode::F(8))).len(), 1);
    let mut app = board((100, 30));
    app.keymap = keymap();
    press(&mut app, "6jjjj");
    press(&mut app, "d");
    let told = app.notice.as_ref().unwrap().text.clone();
    assert!(told.contains("t opens it again"), "{told}");
}
