//! A fault, from the board to the run that goes on.

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::credentials::{answer, enter, passed, profiles, row};
use super::fixtures::*;
use super::pictures::{picture, pictures};
use crate::config::SecretSource;
use crate::engine::Command;
use crate::model::{Fault, FaultKind, Phase, RunState};
use crate::tui::app::{App, Carried};
use crate::tui::message::{Answer, Effect, Request, What};
use crate::tui::office::{Kept, ProfileRow};

fn fault(kind: FaultKind) -> Fault {
    Fault {
        at: "2026-11-21T12:03:07Z".parse().unwrap(),
        kind,
        message:
            "getting a token: the platform refused the client with status 401 (`invalid_client`): client not \
                  found; check the profile's client id, secret and region"
                .to_owned(),
        advice: "check the profile".to_owned(),
        resumes_at: None,
    }
}

fn faulted(size: (u16, u16), kind: FaultKind, secret: SecretSource) -> App {
    let mut app = board(size);
    let of_run = ProfileRow { production: true, secret, ..row("acme-prod") };
    answer(&mut app, Answer::Profiles(Ok(profiles(vec![row("acme-test"), of_run]))));
    in_phase(&mut app, Phase::Faulted(fault(kind)));
    app
}

fn refused(size: (u16, u16)) -> App {
    faulted(size, FaultKind::ClientRefused, SecretSource::Keyring)
}

#[test]
fn a_refused_secret_on_the_board() {
    assert_snapshot!(pictures(refused));
}

#[test]
fn f_opens_the_secret_at_fault_and_nothing_else() {
    assert_snapshot!(pictures(|size| {
        let mut app = refused(size);
        press(&mut app, "f");
        tell(&mut app, What::Paste("hunter2\n".to_owned()));
        app
    }));
}

#[test]
fn a_refused_secret_is_mended_within_six_keys() {
    let mut app = refused((80, 24));
    let mut keys = 0;
    let mut count = |effects: Vec<Effect>| {
        keys += 1;
        effects
    };
    count(press(&mut app, "f"));
    tell(&mut app, What::Paste("hunter2\n".to_owned()));
    count(enter(&mut app));
    let effects = count(enter(&mut app));
    let [Effect::Ask(Request::TestDraft(draft, Some(was)))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(draft.secret.as_ref().unwrap().expose(), "hunter2");
    assert_eq!((was.as_str(), draft.region.as_deref()), ("acme-prod", Some("mypurecloud.ie")));
    let effects = answer(&mut app, Answer::Tested(None, Ok(passed())));
    let [Effect::Ask(Request::ReplaceSecret(name, secret))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((name.as_str(), secret.expose()), ("acme-prod", "hunter2"));
    answer(&mut app, Answer::SecretReplaced("acme-prod".to_owned(), Ok(Kept::ForGood)));
    assert!(asks(&app), "{}", picture(&app));
    assert_snapshot!(picture(&app));
    drawn(&mut app);
    let effects = count(press(&mut app, "y"));
    assert_eq!(effects, [Effect::Command(Command::GoOn)]);
    assert!(keys <= 6, "{keys}");
}

#[test]
fn a_new_secret_that_is_refused_is_not_kept_and_stays_to_be_mended() {
    let mut app = refused((80, 24));
    press(&mut app, "fhunter3");
    enter(&mut app);
    enter(&mut app);
    assert!(
        answer(&mut app, Answer::Tested(None, Err("the platform refused the client".to_owned()))).is_empty()
    );
    let shown = picture(&app);
    assert!(shown.contains("✗ the platform refused the client") && !asks(&app), "{shown}");
    press(&mut app, "x");
    assert!(!picture(&app).contains("✗ the platform"));
}

#[test]
fn a_secret_that_works_and_cannot_be_kept_says_so() {
    let mut app = refused((80, 24));
    press(&mut app, "fhunter3");
    enter(&mut app);
    enter(&mut app);
    answer(&mut app, Answer::Tested(None, Ok(passed())));
    answer(&mut app, Answer::SecretReplaced("acme-prod".to_owned(), Err("the keyring is locked".to_owned())));
    let shown = picture(&app);
    assert!(shown.contains("could not be kept: the keyring is locked") && !asks(&app), "{shown}");
}

#[test]
fn without_a_new_secret_the_old_one_is_read_again() {
    let mut app = refused((80, 24));
    press(&mut app, "f");
    enter(&mut app);
    let effects = enter(&mut app);
    assert!(
        matches!(&effects[..], [Effect::Ask(Request::Test(name, _))] if name == "acme-prod"),
        "{effects:?}"
    );
    assert!(answer(&mut app, Answer::Tested(Some("acme-prod".to_owned()), Ok(passed()))).is_empty());
    assert!(asks(&app));
}

#[test]
fn waiting_for_the_platform_ends_with_esc_and_the_form_stays() {
    let mut app = refused((80, 24));
    press(&mut app, "fhunter3");
    enter(&mut app);
    enter(&mut app);
    assert!(tell(&mut app, key(KeyCode::Esc)).contains(&Effect::StopAsking));
    assert!(answer(&mut app, Answer::Tested(None, Ok(passed()))).is_empty());
    assert!(picture(&app).contains("New secret"));
    assert!(!enter(&mut app).is_empty(), "it can be tested again");
}

#[test]
fn a_secret_outside_is_mended_outside_and_read_again() {
    assert_snapshot!(pictures(|size| {
        let mut app = faulted(size, FaultKind::ClientRefused, SecretSource::Env("ACME_SECRET".to_owned()));
        press(&mut app, "f");
        app
    }));
    let command = vec!["pass".to_owned(), "show".to_owned()];
    let mut app = faulted((80, 24), FaultKind::ClientRefused, SecretSource::Command(command));
    press(&mut app, "f");
    assert!(picture(&app).contains("Read it again"));
    assert!(matches!(enter(&mut app)[..], [Effect::Ask(Request::Test(..))]));
}

#[test]
fn a_scope_that_is_missing_still_does_not_ask_to_go_on() {
    let mut app = faulted((80, 24), FaultKind::MissingScope, SecretSource::Keyring);
    let mut given = app.figures().cloned().unwrap();
    given.operation = crate::model::OperationKind::Exchange;
    tell(&mut app, What::Figures(Box::new(given)));
    press(&mut app, "f");
    enter(&mut app);
    answer(&mut app, Answer::Tested(Some("acme-prod".to_owned()), Ok(passed())));
    assert!(picture(&app).contains("still lacks dataexchange:ingest"), "{}", picture(&app));
    assert!(!asks(&app));
}

#[test]
fn every_other_fault_says_what_to_do_and_tries_again() {
    for kind in FaultKind::ALL
        .iter()
        .filter(|kind| !matches!(kind, FaultKind::ClientRefused | FaultKind::MissingScope))
    {
        let mut app = faulted((80, 24), *kind, SecretSource::Keyring);
        press(&mut app, "f");
        let shown = picture(&app);
        assert!(shown.contains("Fault of run 0198c2f3") && shown.contains("▸( Try again )"), "{shown}");
        assert_eq!(enter(&mut app), [Effect::Command(Command::GoOn)], "{kind}");
        assert!(app.overlays.is_empty());
    }
}

#[test]
fn a_fault_that_the_journal_knows_is_mended_too_and_the_run_gone_on_with() {
    let mut app = refused((80, 24));
    let text = serde_json::to_string(&fault(FaultKind::ClientRefused)).unwrap();
    app.happenings.keep(happening(9, "12:03:07", "fault", None, Some(&text)));
    app.live = None;
    let shown = app.run.as_mut().unwrap();
    shown.carried = Carried::ByNobody;
    shown.figures.phase = Phase::Ended(RunState::Faulted);
    assert!(picture(&app).contains("no longer accepts this profile's secret"));
    press(&mut app, "fhunter2");
    enter(&mut app);
    enter(&mut app);
    answer(&mut app, Answer::Tested(None, Ok(passed())));
    answer(&mut app, Answer::SecretReplaced("acme-prod".to_owned(), Ok(Kept::UntilReboot)));
    drawn(&mut app);
    assert!(picture(&app).contains("kept until this machine starts anew"));
    assert!(matches!(press(&mut app, "y")[..], [Effect::Ask(Request::Resume(_))]));
}

#[test]
fn a_run_that_somebody_else_carries_is_not_gone_on_with_from_here() {
    let mut app = refused((80, 24));
    press(&mut app, "fhunter2");
    enter(&mut app);
    enter(&mut app);
    app.run.as_mut().unwrap().carried = Carried::Elsewhere("maria, process 4121".to_owned());
    answer(&mut app, Answer::Tested(None, Ok(passed())));
    answer(&mut app, Answer::SecretReplaced("acme-prod".to_owned(), Ok(Kept::ForGood)));
    assert!(!asks(&app) && picture(&app).contains("carried by maria"), "{}", picture(&app));
}

#[test]
fn where_there_is_no_fault_f_says_so() {
    let mut app = board((80, 24));
    assert!(press(&mut app, "f").is_empty());
    assert!(picture(&app).contains("there is no fault to be mended"));
}
