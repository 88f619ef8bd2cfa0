//! *New run*: the settings, what would happen, and the start.

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::datasets::{begun, listing, peek};
use super::fixtures::*;
use super::pictures::{picture, pictures};
use crate::config::SecretSource;
use crate::engine::{CheckReport, InvalidCause, InvalidValue, Spot};
use crate::journal::{Journal, NewDataset, NewRun, RunRow};
use crate::model::{OperationKind, PlatformKind, Reason, RunState, Stage, Tally, Violation};
use crate::plan::Plan;
use crate::tui::app::{App, Overlay, Starting, Test};
use crate::tui::files::{Count, FileAnswer, FileErrand, FileKind, Found};
use crate::tui::message::{Answer, Effect, Request, What};
use crate::tui::office::{Earlier, Flight, ProfileRow, Profiles, Tested};

fn profile(name: &str, platform: PlatformKind, production: bool) -> ProfileRow {
    ProfileRow {
        name: name.to_owned(),
        platform,
        host: "na1.niceincontact.com".to_owned(),
        region: None,
        api_url: "https://na1.niceincontact.com".to_owned(),
        auth_url: "https://na1.niceincontact.com".to_owned(),
        client_id: "3f0c91".to_owned(),
        production,
        read_only: false,
        secret: SecretSource::Keyring,
        configured: true,
        unfinished: Vec::new(),
    }
}

fn with_profiles(size: (u16, u16)) -> App {
    let mut app = empty(size);
    app.overlays.clear();
    let all = vec![
        profile("acme-prod", PlatformKind::Cxone, true),
        profile("acme-test", PlatformKind::Cxone, false),
        profile("genesys-dev", PlatformKind::Genesys, false),
    ];
    app.credentials.known =
        Some(Profiles { all, default: Some("acme-prod".to_owned()), ..Profiles::default() });
    let tested = Tested { left: None, scopes: None, operations: Vec::new() };
    let at = app.now.instant.checked_sub(Duration::from_secs(150)).unwrap();
    app.credentials.tests.insert("acme-prod".to_owned(), Test::Passed { tested, at });
    begun(&mut app);
    app
}

fn path() -> PathBuf {
    "/home/sam/exports/dispositions.csv".into()
}

/// The file is found, and its records are counted.
fn found(app: &mut App) {
    let stamp = listing("dispositions.csv", FileKind::Dataset, 18_400_000).stamp;
    let found = Box::new(Found { files: vec![(path(), stamp)], first: peek() });
    tell(app, What::Files(FileAnswer::Found(vec![path().to_str().unwrap().to_owned()], Ok(found))));
    tell(app, What::Files(FileAnswer::Counted(path(), Count { stamp, records: Ok(200_000) })));
}

/// The first page, as it is opened with a file.
fn first_page(size: (u16, u16)) -> App {
    let mut app = with_profiles(size);
    press(&mut app, "2");
    let effects = tell(&mut app, key(KeyCode::Enter));
    let wanted = FileErrand::Find(vec![path().to_str().unwrap().to_owned()]);
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Files(errand) if *errand == wanted)),
        "{effects:?}"
    );
    found(&mut app);
    drawn(&mut app);
    app
}

fn to(app: &mut App, name: &str) {
    for _ in 0..60 {
        if form(app).focus.ends_with(name) {
            return;
        }
        tell(app, key(KeyCode::Tab));
    }
    panic!("there is no `{name}`: {:?}", form(app).stops());
}

fn enter(app: &mut App) -> Vec<Effect> {
    tell(app, key(KeyCode::Enter))
}

fn form(app: &App) -> &crate::tui::form::Form {
    match app.overlays.last() {
        Some(Overlay::Sheet(sheet)) => &sheet.form,
        other => panic!("{other:?}"),
    }
}

fn type_into(app: &mut App, name: &str, text: &str) {
    to(app, name);
    control(app, 'u');
    press(app, text);
}

fn checked_plan(app: &mut App) -> Plan {
    to(app, "check");
    assert_eq!(form(app).foot, "");
    match enter(app).pop() {
        Some(Effect::Ask(Request::Check(plan))) => *plan,
        other => panic!("{other:?}, {:?}", app.notice),
    }
}

fn notice(app: &App) -> String {
    app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
}

fn invalid(records: u64, message: &str) -> InvalidCause {
    let reason = Reason {
        stage: Stage::Validation,
        status: None,
        code: Some("outcome.unknown".to_owned()),
        message: message.to_owned(),
        violations: vec![Violation::at("/subcategory", "no such name")],
    };
    let value = InvalidValue {
        records,
        message: message.to_owned(),
        fields: vec![("/subcategory".to_owned(), Some("\"No budjet\"".to_owned()))],
        spots: vec![Spot { file: path(), line: 118_205, position: 118_203 }],
    };
    InvalidCause { records, position: 118_203, reason, values: vec![value] }
}

fn flight(kind: OperationKind) -> Flight {
    let mut plan = Plan::new(kind);
    plan.datasets = vec![path().to_str().unwrap().to_owned()];
    let profile = match kind.platform() {
        PlatformKind::Cxone => profile("acme-prod", PlatformKind::Cxone, true),
        PlatformKind::Genesys => profile("genesys-dev", PlatformKind::Genesys, false),
    };
    let scopes: Vec<String> = kind.scopes().iter().map(|scope| (*scope).to_owned()).collect();
    Flight {
        number: 7,
        plan,
        profile,
        report: CheckReport {
            records: 200_000,
            invalid: 2310,
            causes: vec![
                invalid(2200, "`No budjet` is not under `Contacted`; near it: `No budget`, `No interest`"),
                invalid(110, "`\u{202e}n/a` is not under `Contacted`"),
            ],
            items: 197_690,
            calls: 197_691,
            largest_body: 96,
            at_plans_rate: (kind == OperationKind::Outcomes).then(|| Duration::from_secs(4393)),
            scopes: Some(scopes.clone()),
            needed: scopes,
            quota: None,
        },
        bytes: 18_400_000,
        broken: None,
        before: Vec::new(),
        took: Duration::from_millis(3200),
    }
}

fn earlier(state: RunState) -> RunRow {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let new = NewRun {
        id: "0198c2f3-7a10-7000-8000-000000000000".parse().unwrap(),
        operation: OperationKind::Outcomes,
        profile: "acme-prod".to_owned(),
        platform: PlatformKind::Cxone,
        api_url: "https://na1.niceincontact.com/".to_owned(),
        auth_url: "https://na1.niceincontact.com/".to_owned(),
        client_id: "3f0c91".to_owned(),
        production: true,
        plan: String::new(),
        until_error: false,
        datasets: Vec::<NewDataset>::new(),
    };
    drop(journal.begin(&new).unwrap());
    let mut row = journal.reader().unwrap().run(&new.id.to_string()).unwrap();
    row.state = state;
    row.carrier = None;
    row.started_at = "2026-11-20T08:00:00Z".parse().unwrap();
    row.ended_at = Some("2026-11-20T09:10:00Z".parse().unwrap());
    row.took = Duration::from_mins(70);
    row.records = Tally {
        total: Some(200_000),
        pending: 9412,
        delivered: 190_588,
        failed: 0,
        invalid: 0,
        dismissed: 0,
    };
    row
}

/// A run of all the content and no more.
fn whole(run: RunRow) -> Earlier {
    Earlier { delivered: run.records.delivered, files: Vec::new(), run }
}

fn second_page(size: (u16, u16), flight: Flight) -> App {
    let mut app = first_page(size);
    checked_plan(&mut app);
    tell(&mut app, What::Answer(Answer::Checked(Ok(Box::new(flight)))));
    drawn(&mut app);
    app
}

#[test]
fn the_first_page() {
    assert_snapshot!(pictures(|size| {
        let mut app = first_page(if size.0 < 60 { (80, 24) } else { size });
        type_into(&mut app, "/rate", "4x");
        app.size = size;
        app
    }));
}

#[test]
fn the_first_page_with_all_its_settings() {
    let mut app = first_page((140, 60));
    to(&mut app, "more");
    enter(&mut app);
    assert_snapshot!(picture(&app));
}

#[test]
fn n_opens_an_empty_form_that_says_what_is_missing() {
    let mut app = empty((80, 24));
    app.overlays.clear();
    begun(&mut app);
    app.credentials.known = Some(Profiles::default());
    press(&mut app, "n");
    drawn(&mut app);
    assert_snapshot!(picture(&app));
    to(&mut app, "check");
    assert!(enter(&mut app).is_empty());
    assert!(notice(&app).starts_with("Not yet:"), "{}", notice(&app));
}

#[test]
fn only_profiles_of_the_platform_are_offered_and_the_default_is_taken() {
    let mut app = first_page((80, 24));
    assert_eq!(form(&app).value("profile/cxone"), "acme-prod");
    to(&mut app, "what");
    press(&mut app, "e");
    assert_eq!(form(&app).value("what"), "execute");
    assert_eq!(form(&app).value("profile/genesys"), "genesys-dev");
    assert!(form(&app).field("profile/cxone").is_none());
    assert!(form(&app).foot.contains("Data Action"), "{}", form(&app).foot);
    type_into(&mut app, "/action", "12345");
    let plan = checked_plan(&mut app);
    assert_eq!(plan.profile.as_deref(), Some("genesys-dev"));
    assert!(matches!(plan.operation, crate::plan::Operation::Execute(execute) if execute.action == "12345"));
}

#[test]
fn the_plan_is_what_stands_in_the_fields() {
    let mut app = first_page((80, 24));
    type_into(&mut app, "/workers", "12");
    type_into(&mut app, "/rate", "0");
    to(&mut app, "more");
    enter(&mut app);
    // right only together
    type_into(&mut app, "/backoff.base", "50s");
    type_into(&mut app, "/backoff.cap", "90s");
    type_into(&mut app, "/outcome_map", "{ A1 = [\"Contacted\", \"No budget\"] }");
    to(&mut app, "/check_contacts");
    press(&mut app, " ");
    let plan = checked_plan(&mut app);
    assert_eq!((plan.delivery.workers, plan.delivery.rate), (12, None));
    assert_eq!(plan.delivery.backoff.base, Duration::from_secs(50));
    assert_eq!(plan.profile.as_deref(), Some("acme-prod"));
    assert_eq!(plan.datasets, ["/home/sam/exports/dispositions.csv"]);
    let crate::plan::Operation::Outcomes(outcomes) = &plan.operation else { panic!() };
    assert!(outcomes.check_contacts && outcomes.outcome_map.len() == 1);
    plan.validate().unwrap();
}

#[test]
fn a_wrong_field_is_named_and_nothing_is_checked_until_it_is_mended() {
    let mut app = first_page((80, 24));
    type_into(&mut app, "/rate", "4x");
    assert_eq!(form(&app).foot, "1 to be mended: Ceiling");
    type_into(&mut app, "/workers", "1001");
    assert_eq!(form(&app).foot, "2 to be mended: Workers, Ceiling");
    assert!(picture(&app).contains("✗ must be from 1 to 1000"));
    to(&mut app, "check");
    assert!(enter(&mut app).is_empty());
    assert!(notice(&app).contains("mended first"), "{}", notice(&app));
    type_into(&mut app, "/rate", "4");
    type_into(&mut app, "/workers", "1");
    assert_eq!(form(&app).foot, "");
}

#[test]
fn settings_that_both_operations_have_stay_when_the_operation_changes() {
    let mut app = first_page((80, 24));
    type_into(&mut app, "/workers", "33");
    to(&mut app, "what");
    press(&mut app, "i");
    assert_eq!(form(&app).value("what"), "ingest");
    assert_eq!(form(&app).value("ingest/workers"), "33");
    assert_eq!(form(&app).value("ingest/rate"), "0", "a default is the operation's own");
}

#[test]
fn a_check_shows_how_far_it_is_and_esc_stops_it() {
    let mut app = first_page((80, 24));
    checked_plan(&mut app);
    tell(&mut app, What::Answer(Answer::CheckGoes(1, 4)));
    assert!(picture(&app).contains("Checking dispositions.csv… 25.0 %"), "{}", picture(&app));
    let effects = tell(&mut app, key(KeyCode::Esc));
    assert!(matches!(effects.as_slice(), [Effect::StopAsking]));
    assert!(app.busy.is_none());
    // an answer that was under way already
    tell(&mut app, What::Answer(Answer::Checked(Ok(Box::new(flight(OperationKind::Outcomes))))));
    assert_eq!(app.overlays.len(), 1);
    // and a check that was stopped can be had again
    checked_plan(&mut app);
}

#[test]
fn a_setting_that_changes_stops_the_check() {
    let mut app = first_page((80, 24));
    checked_plan(&mut app);
    to(&mut app, "/workers");
    let effects = press(&mut app, "1");
    assert!(matches!(effects.as_slice(), [Effect::StopAsking]), "{effects:?}");
}

#[test]
fn a_check_that_fails_says_why_and_changes_nothing() {
    let mut app = first_page((80, 24));
    type_into(&mut app, "/workers", "7");
    checked_plan(&mut app);
    tell(&mut app, What::Answer(Answer::Checked(Err("the platform refused the secret".to_owned()))));
    assert!(picture(&app).contains("✗ the platform refused the secret"));
    assert_eq!(form(&app).value("outcomes/workers"), "7");
}

#[test]
fn a_dataset_that_is_not_there_is_told_in_full() {
    let mut app = first_page((80, 24));
    type_into(&mut app, "dataset", "~/x*.csv");
    let patterns = vec!["/home/sam/x*.csv".to_owned()];
    tell(&mut app, What::Files(FileAnswer::Found(patterns, Err("no file matches `x*.csv`".to_owned()))));
    assert!(picture(&app).contains("no file matches `x*.csv`"));
    assert_eq!(form(&app).foot, "1 to be mended: Dataset");
    type_into(&mut app, "dataset", "b.csv");
    assert!(picture(&app).contains("being looked for…"));
}

#[test]
fn marked_files_go_into_one_ingest() {
    let mut app = with_profiles((80, 24));
    press(&mut app, "2 j ");
    let effects = enter(&mut app);
    assert_eq!(form(&app).value("what"), "ingest");
    let wanted = ["/home/sam/exports/dispositions.csv", "/home/sam/exports/山田花子-\u{202e}vsc.json"];
    assert!(
        effects.iter().any(|effect| matches!(
            effect,
            Effect::Files(FileErrand::Find(patterns)) if *patterns == wanted
        )),
        "{effects:?}"
    );
}

#[test]
fn a_map_is_made_of_the_columns_that_are_there() {
    let mut app = first_page((80, 24));
    to(&mut app, "map");
    enter(&mut app);
    drawn(&mut app);
    assert_snapshot!(picture(&app));
    to(&mut app, "from/category");
    press(&mut app, "a");
    to(&mut app, "as/contactId");
    tell(&mut app, key(KeyCode::Left));
    to(&mut app, "keep");
    enter(&mut app);
    let plan = checked_plan(&mut app);
    let map = plan.map.unwrap();
    assert_eq!(map["category"].as_str(), Some("agent"));
    assert_eq!(map["contactId"]["as"].as_str(), Some("string"));
    assert!(picture(&app).contains("found, for the map"), "{}", picture(&app));
}

#[test]
fn a_plan_is_saved_where_the_person_says() {
    let mut app = first_page((80, 24));
    to(&mut app, "save");
    enter(&mut app);
    drawn(&mut app);
    assert_snapshot!(picture(&app));
    type_into(&mut app, "path", "~/p.toml");
    to(&mut app, "save");
    let effects = enter(&mut app);
    let [Effect::Ask(Request::SavePlan(_, at))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(at, &PathBuf::from("/home/sam/p.toml"));
    tell(&mut app, What::Answer(Answer::PlanSaved(Err("it is there already".to_owned()))));
    assert!(notice(&app).contains("it is there already"));
    tell(&mut app, What::Answer(Answer::PlanSaved(Ok("/home/sam/p.toml".into()))));
    assert_eq!(notice(&app), "Saved as ~/p.toml.");
    assert_eq!(app.overlays.len(), 1, "the first page is there again");
}

#[test]
fn the_second_page() {
    assert_snapshot!(pictures(|size| {
        let mut flight = flight(OperationKind::Outcomes);
        flight.before = vec![whole(earlier(RunState::CompletedWithFailures))];
        let mut app = second_page(if size.0 < 60 { (80, 24) } else { size }, flight);
        app.size = size;
        app
    }));
}

#[test]
fn the_second_page_of_an_execute_elsewhere_than_on_production() {
    let app = second_page((80, 24), flight(OperationKind::Execute));
    assert_eq!(form(&app).focus, "back");
    assert_snapshot!(picture(&app));
}

#[test]
fn on_production_the_start_takes_the_typed_number() {
    let mut app = second_page((80, 24), flight(OperationKind::Outcomes));
    assert_eq!(form(&app).focus, "number");
    to(&mut app, "start");
    assert!(enter(&mut app).is_empty());
    assert!(notice(&app).contains("type the number 197690 first"), "{}", notice(&app));
    type_into(&mut app, "number", "197690");
    to(&mut app, "start");
    let effects = enter(&mut app);
    assert!(matches!(effects.as_slice(), [Effect::Ask(Request::Begin(7))]), "{effects:?}");
    assert_eq!(app.starting, Starting::Yes);
    assert!(enter(&mut app).is_empty(), "it is begun once");
}

#[test]
fn a_start_that_is_refused_says_why_on_the_page() {
    let mut app = second_page((80, 24), flight(OperationKind::Execute));
    to(&mut app, "start");
    enter(&mut app);
    let why = "the dataset changed since it was checked".to_owned();
    tell(&mut app, What::Answer(Answer::Started(Err(why))));
    let shown = picture(&app);
    assert!(shown.contains("✗ not begun        the dataset changed since it was checked"), "{shown}");
    assert_eq!(app.starting, Starting::No);
    assert_eq!(form(&app).focus, "back");
}

#[test]
fn back_finds_the_settings_as_they_were() {
    let mut app = first_page((80, 24));
    type_into(&mut app, "/workers", "7");
    checked_plan(&mut app);
    tell(&mut app, What::Answer(Answer::Checked(Ok(Box::new(flight(OperationKind::Outcomes))))));
    drawn(&mut app);
    to(&mut app, "back");
    enter(&mut app);
    assert_eq!(form(&app).value("outcomes/workers"), "7");
    checked_plan(&mut app);
    tell(&mut app, What::Answer(Answer::Checked(Ok(Box::new(flight(OperationKind::Outcomes))))));
    press(&mut app, "12");
    tell(&mut app, key(KeyCode::Esc));
    assert_eq!(form(&app).value("outcomes/workers"), "7", "Esc is one step back, too");
}

#[test]
fn an_unfinished_run_of_the_same_content_is_the_first_button() {
    let mut given = flight(OperationKind::Outcomes);
    given.before = vec![whole(earlier(RunState::Paused))];
    let run = given.before[0].run.id;
    let mut app = second_page((80, 24), given);
    assert_snapshot!(picture(&app));
    to(&mut app, "go_on");
    enter(&mut app);
    assert!(asks(&app));
    drawn(&mut app);
    press(&mut app, "9412");
    tell(&mut app, key(KeyCode::Tab));
    tell(&mut app, key(KeyCode::Tab));
    let effects = enter(&mut app);
    assert!(
        matches!(effects.as_slice(), [Effect::Ask(Request::Resume(gone_on))] if *gone_on == run),
        "{effects:?}"
    );
}

#[test]
fn what_can_t_be_sent_can_t_be_started() {
    type Spoil = fn(&mut Flight);
    let cases: [(&str, Spoil); 4] = [
        ("malformed", |flight| flight.broken = Some("`x` is malformed at line 2".to_owned())),
        ("no scope contact:update", |flight| flight.report.scopes = Some(vec!["contact:read".to_owned()])),
        ("no valid record", |flight| flight.report.invalid = 200_000),
        ("read-only", |flight| flight.profile.read_only = true),
    ];
    for (why, spoil) in cases {
        let mut given = flight(OperationKind::Outcomes);
        spoil(&mut given);
        let mut app = second_page((80, 24), given);
        assert_eq!(form(&app).focus, "back", "{why}");
        to(&mut app, "start");
        assert!(enter(&mut app).is_empty());
        assert!(notice(&app).contains(why), "{why}: {}", notice(&app));
    }
}

#[test]
fn the_records_that_are_not_valid_are_told_by_cause() {
    let mut app = second_page((80, 24), flight(OperationKind::Outcomes));
    to(&mut app, "see");
    enter(&mut app);
    assert_snapshot!(picture(&app));
    press(&mut app, "q");
    assert!(matches!(app.overlays.last(), Some(Overlay::Sheet(_))));
}

#[test]
fn every_setting_of_every_operation_has_words() {
    for kind in OperationKind::ALL {
        let mut app = first_page((140, 60));
        to(&mut app, "what");
        while form(&app).value("what") != kind.word() {
            tell(&mut app, key(KeyCode::Right));
        }
        to(&mut app, "more");
        enter(&mut app);
        for setting in Plan::new(*kind).settings() {
            let field = form(&app).field(&format!("{kind}/{}", setting.key)).unwrap();
            assert_ne!(field.label, setting.key, "{kind}");
            assert!(field.label.chars().count() <= 16, "{}", field.label);
            assert!(
                matches!(&field.note, crate::tui::form::Note::Says(says) if says.len() < 40),
                "{field:?}"
            );
        }
        assert!(form(&app).wrong().is_empty());
    }
}

#[test]
fn what_the_platform_allows_is_told_with_the_time_that_it_takes_where_it_was_told() {
    let shown = |kind, quota| {
        let mut flight = flight(kind);
        flight.report.quota = quota;
        picture(&second_page((140, 40), flight))
    };
    assert!(!shown(OperationKind::Execute, None).contains("quota"));
    let genesys = shown(OperationKind::Execute, Some(300));
    assert!(genesys.contains("10 h 58 min at 300 calls a minute, as the platform told"), "{genesys}");
    let cxone = shown(OperationKind::Outcomes, Some(300));
    assert!(cxone.contains("300 calls a window, as the platform told"), "{cxone}");
}

#[test]
fn a_run_that_sent_one_of_the_files_is_named_with_it_and_not_offered_to_be_gone_on_with() {
    let mut given = flight(OperationKind::Ingest);
    given.before = vec![Earlier {
        files: vec!["/data/old.json".to_owned()],
        delivered: 12,
        ..whole(earlier(RunState::Paused))
    }];
    let shown = picture(&second_page((140, 40), given));
    assert!(shown.contains("12 of old.json went out with run 0198c2f3"), "{shown}");
    assert!(!shown.contains("Go on with"), "{shown}");
}
