//! One failure and its mending: what its pages show, what the forms change, and that nothing is changed that the person
//! did not change.

use bytes::Bytes;
use crossterm::event::KeyCode;
use insta::assert_snapshot;
use proptest::prelude::*;

use super::fixtures::*;
use super::pictures::{picture, pictures};
use crate::dataset::patch;
use crate::engine::Command;
use crate::journal::{ActKind, FailureRow, Filter, Hand, Judgement, Query};
use crate::model::{FailureId, FailureState, OperationKind, Phase, Reason, RunState, Stage, Violation};
use crate::tui::app::{Afterwards, App, Content, OpenFailure, Overlay, Page};
use crate::tui::changing::{Counted, Errand, Fields, News, Old, Outlook, Task};
use crate::tui::mending::{Detail, Editable, FieldLine, Lines, Mark, Mendings, Tried, Verdict, Wish};
use crate::tui::message::{Answer, Effect, Found, Look, Request, What};
use crate::tui::{record, sheets, view};

const RECORD: &[u8] =
    br#"{"category":"Contacted", "subcategory":"No budjet","contactId":"6b02-11c4-9d31","n":1.50}"#;

fn row() -> FailureRow {
    FailureRow {
        state: FailureState::Invalid,
        stage: Stage::Validation,
        status: None,
        code: Some("outcome.unknown".to_owned()),
        attempts: 0,
        key: "6b02-11c4-9d31".to_owned(),
        position: 118_204,
        correlation_id: None,
        message: "\"No budjet\" is not under \"Contacted\"; near: No budget, No interest".to_owned(),
        violations: vec![Violation::at(
            "/subcategory",
            "\"No budjet\" is not under \"Contacted\"; near: No budget, No interest",
        )],
        ..failure(180)
    }
}

fn categories() -> Vec<(String, Vec<String>)> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    vec![
        ("Contacted".to_owned(), names(&["Sale", "No budget", "No interest", "Price refused"])),
        ("Not reached".to_owned(), names(&["Busy", "Voicemail"])),
    ]
}

/// A board of outcomes that nobody carries any more.
fn outcomes(size: (u16, u16)) -> App {
    let mut app = board(size);
    in_phase(&mut app, Phase::Ended(RunState::CompletedWithFailures));
    app.notice = None;
    app.run.as_mut().unwrap().figures.operation = OperationKind::Outcomes;
    app.failures.rows[0] = row();
    press(&mut app, "6");
    app
}

fn detail(edited: bool) -> Detail {
    let now = String::from_utf8(RECORD.to_vec()).unwrap().replace("No budjet", "No budget");
    let line = |name: &str, value: &str, edited: Option<&str>, mark| FieldLine {
        name: name.to_owned(),
        in_file: value.to_owned(),
        edited: edited.map(str::to_owned),
        mark,
    };
    let to = edited.then_some("No budget");
    let at = "2026-11-21T08:12:03Z".parse().unwrap();
    let hand = Hand { act: 3, at, kind: ActKind::Edit, by: "sam".to_owned(), note: None };
    Detail {
        row: FailureRow { edited, ..row() },
        record: record::lines(if edited { now.as_bytes() } else { RECORD }),
        fields: vec![
            line("subcategory", "No budjet", to, if edited { Mark::WasBad } else { Mark::Bad }),
            line("category", "Contacted", None, Mark::Good),
            line("contactId", "6b02-11c4-9d31", None, Mark::Good),
            line("n", "1.50", None, Mark::Good),
        ],
        more_fields: 0,
        verdict: if edited { Verdict::Passes } else { Verdict::Refused(Box::new(refused())) },
        tries: Vec::new(),
        hands: if edited { vec![hand] } else { Vec::new() },
        file: Some(("dispositions.csv".to_owned(), 118_204, Lines::AfterHead)),
    }
}

fn refused() -> Reason {
    Reason {
        stage: Stage::Validation,
        status: None,
        code: Some("outcome.unknown".to_owned()),
        message: row().message,
        violations: row().violations,
    }
}

fn opened(app: &mut App, page: Page, detail: Detail) {
    app.overlays.push(Overlay::Failure(OpenFailure {
        id: 180.into(),
        key: detail.row.key.clone(),
        content: Content::Here(Box::new(detail)),
        page,
        scroll: 0,
    }));
}

fn editable(row: FailureRow, record: &[u8]) -> Editable {
    let record = Bytes::copy_from_slice(record);
    Editable {
        row,
        fields: patch::fields(&record).map_err(|error| error.to_string()),
        record,
        original: None,
        in_file: None,
        categories: categories(),
    }
}

/// Opens the form for the first failure with this record; the check is under way.
fn edit(app: &mut App, record: &[u8]) -> Vec<Effect> {
    let mut out = Vec::new();
    sheets::edit::open(app, 180.into(), &mut out);
    assert_eq!(out, [Effect::Look(Look::ToEdit(180.into()))]);
    let mut row = row();
    row.violations = app.failures.rows[0].violations.clone();
    row.count = app.failures.rows[0].count;
    let effects = tell(app, What::Found(Found::ToEdit(180.into(), Ok(Box::new(editable(row, record))))));
    drawn(app);
    effects
}

fn wish(effects: &[Effect]) -> Option<Wish> {
    effects.iter().find_map(|effect| match effect {
        Effect::Look(Look::Check(wish)) => Some((**wish).clone()),
        _ => None,
    })
}

/// The journal's desk answers all that is wished.
fn check(app: &mut App, effects: &[Effect], verdict: &Verdict) -> Vec<Effect> {
    let mut all = Vec::new();
    let mut wished = wish(effects);
    while let Some(wish) = wished {
        let changes: Vec<(&str, &[u8])> =
            wish.changes.iter().map(|(pointer, value)| (pointer.as_str(), value.as_ref())).collect();
        let record = if changes.is_empty() {
            Ok(wish.record.clone())
        } else {
            patch::replace(&wish.record, &changes).map(Bytes::from).map_err(|error| error.to_string())
        };
        let tried = Tried { record, verdict: verdict.clone() };
        let effects = tell(app, What::Found(Found::Checked(wish.number, Box::new(tried))));
        wished = self::wish(&effects);
        all.extend(effects);
    }
    all
}

fn sheet(app: &App) -> &crate::tui::sheets::Sheet {
    match app.overlays.last() {
        Some(Overlay::Sheet(sheet)) => sheet,
        other => panic!("no form, but {other:?}; {:?}", app.notice),
    }
}

/// Gives the keys to a field or button.
fn go(app: &mut App, name: &str) {
    if let Some(Overlay::Sheet(sheet)) = app.overlays.last_mut() {
        name.clone_into(&mut sheet.form.focus);
    }
}

fn push(app: &mut App, button: &str) -> Vec<Effect> {
    go(app, button);
    tell(app, key(KeyCode::Enter))
}

fn kept(effects: &[Effect]) -> Vec<(FailureId, Option<Bytes>)> {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Ask(Request::Edit(records)) | Effect::Command(Command::Edit { records, .. }) => {
                Some(records.clone())
            }
            _ => None,
        })
        .unwrap_or_default()
}

#[test]
fn the_pages_of_a_failure() {
    for (page, name) in Page::ALL.into_iter().zip(["reason", "record", "tries", "hands"]) {
        assert_snapshot!(
            format!("failure_{name}"),
            pictures(|size| {
                let mut app = outcomes(size);
                let mut shown = detail(true);
                if page == Page::Tries {
                    shown = timeline();
                }
                opened(&mut app, page, shown);
                app
            })
        );
    }
}

fn timeline() -> Detail {
    let event = |event, at: &str, kind: &str, attempt, status, delay: Option<u64>| crate::journal::EventRow {
        item: Some(180),
        attempt: Some(attempt),
        status,
        delay_ms: delay,
        took_ms: Some(182),
        ..happening(event, at, kind, None, Some("Rate limit exceeded"))
    };
    let mut shown = detail(false);
    shown.row = FailureRow { attempts: 3, unsure: 1, ..failure(180) };
    shown.tries = vec![
        event(1, "12:40:02", "waiting", 1, Some(429), Some(12_000)),
        event(2, "12:40:15", "waiting", 2, None, Some(1_500)),
        event(3, "12:40:17", "item_failed", 3, Some(422), None),
    ];
    shown.hands = Vec::new();
    shown
}

#[test]
fn a_failure_that_the_platform_refused_and_nobody_touched() {
    let mut app = board((80, 24));
    let mut shown = timeline();
    shown.row.violations = vec![Violation::at("/duration_seconds", "must be an integer")];
    shown.verdict = Verdict::Passes;
    shown.fields[0].mark = Mark::Bad;
    press(&mut app, "6");
    opened(&mut app, Page::Reason, shown);
    assert_snapshot!(picture(&app));
}

#[test]
fn the_arrows_turn_the_pages_and_each_key_acts_on_the_failure_that_is_shown() {
    let mut app = outcomes((100, 30));
    opened(&mut app, Page::Reason, detail(true));
    tell(&mut app, key(KeyCode::Right));
    assert!(picture(&app).contains("[Record]"));
    tell(&mut app, key(KeyCode::Left));
    tell(&mut app, key(KeyCode::Left));
    assert!(picture(&app).contains("[Hands 1]"));
    assert_eq!(press(&mut app, "e"), [Effect::Look(Look::ToEdit(180.into()))]);
    tell(&mut app, key(KeyCode::Esc));
    let back = press(&mut app, "u");
    assert_eq!(kept(&back), [(180.into(), None)]);
}

#[test]
fn the_form_for_an_outcome() {
    assert_snapshot!(pictures(|size| {
        let mut app = outcomes(size);
        let effects = edit(&mut app, RECORD);
        check(&mut app, &effects, &Verdict::Refused(Box::new(refused())));
        app
    }));
}

#[test]
fn a_subcategory_is_chosen_from_those_under_its_category() {
    let mut app = outcomes((80, 24));
    let effects = edit(&mut app, RECORD);
    check(&mut app, &effects, &Verdict::Refused(Box::new(refused())));
    assert_eq!(sheet(&app).form.focus, "field:/subcategory", "the refused one comes first");
    tell(&mut app, key(KeyCode::Enter));
    assert_snapshot!("the_open_list", picture(&app));
    press(&mut app, "n");
    let effects = tell(&mut app, key(KeyCode::Enter));
    check(&mut app, &effects, &Verdict::Passes);
    assert_snapshot!("chosen", picture(&app));
    let effects = push(&mut app, "keep");
    let new = String::from_utf8(RECORD.to_vec()).unwrap().replace("No budjet", "No budget");
    assert_eq!(kept(&effects), [(180.into(), Some(Bytes::from(new)))]);
    assert!(app.overlays.is_empty());
}

#[test]
fn what_was_typed_is_checked_once_at_a_time_and_only_the_last_answer_counts() {
    let mut app = outcomes((80, 24));
    let first = edit(&mut app, RECORD);
    go(&mut app, "field:/contactId");
    assert_eq!(wish(&press(&mut app, "ab")), None, "one is under way");
    go(&mut app, "keep");
    assert_eq!(tell(&mut app, key(KeyCode::Enter)), [], "it is kept when it was checked");
    let effects = check(&mut app, &first, &Verdict::Passes);
    let (id, new) = kept(&effects).pop().unwrap();
    assert_eq!(id, 180.into());
    assert!(String::from_utf8(new.unwrap().to_vec()).unwrap().contains("\"6b02-11c4-9d31ab\""));
}

#[test]
fn keeping_and_sending_sends_after_the_edit_was_kept() {
    let mut app = outcomes((80, 24));
    let effects = edit(&mut app, RECORD);
    check(&mut app, &effects, &Verdict::Passes);
    go(&mut app, "field:/contactId");
    let effects = press(&mut app, "x");
    check(&mut app, &effects, &Verdict::Passes);
    let effects = push(&mut app, "send");
    assert_eq!(kept(&effects).len(), 1);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Ask(Request::Retry(_)))));
    let effects = tell(&mut app, What::Answer(Answer::Edited(Ok(()))));
    assert!(effects.contains(&Effect::Ask(Request::Retry(vec![180]))), "{effects:?}");
}

#[test]
fn a_live_run_that_is_too_busy_for_an_edit_sends_nothing() {
    let mut app = board((80, 24));
    app.failures.rows[0] = row();
    let effects = edit(&mut app, RECORD);
    check(&mut app, &effects, &Verdict::Passes);
    go(&mut app, "field:/contactId");
    let effects = press(&mut app, "x");
    check(&mut app, &effects, &Verdict::Passes);
    let effects = push(&mut app, "send");
    let records = kept(&effects);
    tell(&mut app, What::NotTaken(Command::Edit { records, by: "sam".to_owned() }));
    assert!(app.notice.as_ref().unwrap().text.contains("nothing was changed"));
    let effects = tell(&mut app, What::Found(Found::Mendings(Mendings::default())));
    assert_eq!(effects, []);
}

#[test]
fn an_edit_that_a_live_run_took_is_sent_after_it() {
    let mut app = board((80, 24));
    app.failures.rows[0] = row();
    let effects = edit(&mut app, RECORD);
    check(&mut app, &effects, &Verdict::Passes);
    go(&mut app, "field:/contactId");
    let effects = press(&mut app, "x");
    check(&mut app, &effects, &Verdict::Passes);
    push(&mut app, "send");
    let effects = tell(&mut app, What::Found(Found::Mendings(Mendings::default())));
    assert_eq!(effects, [Effect::Command(Command::Retry { items: vec![180], by: "sam".to_owned() })]);
}

#[test]
fn a_number_stays_a_number_and_a_text_becomes_one_only_where_it_is_ticked() {
    let mut app = outcomes((80, 24));
    app.failures.rows[0].violations =
        vec![Violation::at("/seconds", "`seconds` must be an integer, and is the text \"12\"")];
    let effects = edit(&mut app, br#"{"seconds":"12","n":1e400}"#);
    check(&mut app, &effects, &Verdict::Passes);
    go(&mut app, "field:/n");
    press(&mut app, "x");
    assert_snapshot!("no_number", picture(&app));
    go(&mut app, "keep");
    assert_eq!(tell(&mut app, key(KeyCode::Enter)), []);
    assert!(app.notice.as_ref().unwrap().text.contains("a number goes here"));
    go(&mut app, "field:/n");
    let effects = tell(&mut app, key(KeyCode::Backspace));
    check(&mut app, &effects, &Verdict::Passes);
    go(&mut app, "number:/seconds");
    let effects = press(&mut app, " ");
    check(&mut app, &effects, &Verdict::Passes);
    let effects = push(&mut app, "keep");
    assert_eq!(kept(&effects), [(180.into(), Some(Bytes::from_static(br#"{"seconds":12,"n":1e400}"#)))]);
}

#[test]
fn the_records_of_a_batch_are_a_list_and_the_refused_ones_come_first() {
    let mut app = outcomes((80, 24));
    app.run.as_mut().unwrap().figures.operation = OperationKind::Ingest;
    app.failures.rows[0].count = 3;
    app.failures.rows[0].violations = vec![Violation::at("/2/a", "`a` must be a text, and is the number 3")];
    let effects = edit(&mut app, br#"[{"a":"1"},{"a":"2"},{"a":3,"b":{"c":true}}]"#);
    check(&mut app, &effects, &Verdict::Passes);
    assert_snapshot!("a_batch", picture(&app));
    go(&mut app, "record");
    tell(&mut app, key(KeyCode::Right));
    go(&mut app, "field:/0/a");
    let effects = press(&mut app, "x");
    check(&mut app, &effects, &Verdict::Passes);
    let effects = push(&mut app, "keep");
    let new = Bytes::from_static(br#"[{"a":"1x"},{"a":"2"},{"a":3,"b":{"c":true}}]"#);
    assert_eq!(kept(&effects), [(180.into(), Some(new))]);
}

#[test]
fn an_unsure_failure_asks_before_it_is_edited() {
    let mut app = board((80, 24));
    press(&mut app, "6");
    let mut out = Vec::new();
    sheets::edit::open(&mut app, 185.into(), &mut out);
    assert_eq!(out, []);
    assert!(asks(&app));
    assert_snapshot!(picture(&app));
    drawn(&mut app);
    assert_eq!(press(&mut app, "y"), [Effect::Look(Look::ToEdit(185.into()))]);
}

#[test]
fn what_can_t_be_edited_says_why() {
    let mut app = board((80, 24));
    let mut out = Vec::new();
    sheets::edit::open(&mut app, 184.into(), &mut out);
    assert!(app.notice.as_ref().unwrap().text.contains("was closed by a person"));
    sheets::edit::open(&mut app, 181.into(), &mut out);
    tell(&mut app, What::Found(Found::ToEdit(181.into(), Err("it was delivered since".to_owned()))));
    assert!(app.notice.as_ref().unwrap().text.contains("delivered since"));
    assert!(app.overlays.is_empty());
}

#[test]
fn the_editor_s_text_changes_the_bytes_of_its_values_only_and_no_json_is_not_lost() {
    let mut app = outcomes((80, 24));
    let effects = edit(&mut app, RECORD);
    check(&mut app, &effects, &Verdict::Passes);
    let effects = push(&mut app, "json");
    let [Effect::Editor(text)] = effects.as_slice() else { panic!("{effects:?}") };
    let text = String::from_utf8(text.clone()).unwrap();
    tell(&mut app, What::Edited(Ok(Some(text.replace("1.50", "oops").into_bytes()))));
    assert!(app.notice.as_ref().unwrap().text.contains("no JSON"), "{:?}", app.notice);
    let again = push(&mut app, "json");
    let [Effect::Editor(draft)] = again.as_slice() else { panic!("{again:?}") };
    assert!(String::from_utf8_lossy(draft).contains("oops"));
    let effects = tell(&mut app, What::Edited(Ok(Some(text.replace("1.50", "2.50").into_bytes()))));
    check(&mut app, &effects, &Verdict::Passes);
    let effects = push(&mut app, "keep");
    let new = String::from_utf8(RECORD.to_vec()).unwrap().replace("1.50", "2.50");
    assert_eq!(kept(&effects), [(180.into(), Some(Bytes::from(new)))], "the space in it stays, too");
}

fn change(app: &mut App) -> Vec<Effect> {
    let mut out = Vec::new();
    sheets::change::open(app, Query::from(Filter::default()), 2310, &mut out);
    let told = Fields {
        fields: vec![
            ("/subcategory".to_owned(), 500),
            ("/category".to_owned(), 0),
            ("/contactId".to_owned(), 0),
        ],
        categories: categories(),
    };
    let effects = tell(app, What::Found(Found::Change(errand(&out).number, Box::new(News::Fields(told)))));
    let old = |value: &str| Old {
        beside: Some(b"\"Contacted\"".to_vec()),
        value: Some(format!("\"{value}\"").into_bytes()),
    };
    let counted = Counted {
        values: vec![(old("Refused - Price"), 1904), (old("No budjet"), 371), (old("n/a"), 35)],
        more: 0,
        unreadable: 0,
    };
    let effects =
        tell(app, What::Found(Found::Change(errand(&effects).number, Box::new(News::Values(counted)))));
    drawn(app);
    effects
}

fn errand(effects: &[Effect]) -> Errand {
    effects
        .iter()
        .rev()
        .find_map(|effect| match effect {
            Effect::Look(Look::Change(errand)) => Some((**errand).clone()),
            _ => None,
        })
        .unwrap_or_else(|| panic!("{effects:?}"))
}

/// Chooses *No budget* for *No budjet*, and what would come of it is known.
fn tried(app: &mut App) {
    change(app);
    go(app, "value:1");
    press(app, " ");
    let effects = press(app, " ");
    let errand = errand(&effects);
    assert!(matches!(errand.task, Task::Try(..)), "{errand:?}");
    let example =
        |key: &str| (key.to_owned(), "Contacted / No budjet".to_owned(), "Contacted / No budget".to_owned());
    let outlook = Outlook {
        passing: (0..2275).map(FailureId::from).collect(),
        stays: 35,
        examples: vec![example("5d1f-88a0"), example("5d1f-88b7")],
        ..Outlook::default()
    };
    tell(app, What::Found(Found::Change(errand.number, Box::new(News::Tried(outlook)))));
}

#[test]
fn a_value_is_changed_in_all_of_a_cause() {
    assert_snapshot!(pictures(|size| {
        let mut app = outcomes((80, 24));
        tried(&mut app);
        app.size = size;
        app
    }));
}

#[test]
fn a_change_in_many_is_kept_in_groups_and_exactly_those_that_were_counted() {
    let mut app = outcomes((80, 24));
    tried(&mut app);
    let mut effects = push(&mut app, "keep");
    let mut groups = Vec::new();
    loop {
        let errand = errand(&effects);
        let Task::Make(ids, from, ..) = &errand.task else { panic!("{errand:?}") };
        let records: Vec<_> =
            ids.iter().skip(*from).take(1000).map(|id| (*id, Some(Bytes::from_static(b"{}")))).collect();
        groups.push(records.len());
        let reaches = from + records.len();
        let asked =
            tell(&mut app, What::Found(Found::Change(errand.number, Box::new(News::Made(records, reaches)))));
        assert_eq!(kept(&asked).len(), groups.last().copied().unwrap());
        effects = tell(&mut app, What::Answer(Answer::Edited(Ok(()))));
        if app.overlays.is_empty() {
            break;
        }
        assert!(app.busy.as_ref().unwrap().far.is_some());
    }
    assert_eq!(groups, [1000, 1000, 275]);
    assert_eq!(app.busy, None);
    assert!(app.notice.as_ref().unwrap().text.contains("2,275 failures are changed and kept"));
}

#[test]
fn esc_stops_a_walk_and_leaves_the_form() {
    let mut app = outcomes((80, 24));
    change(&mut app);
    go(&mut app, "value:1");
    let effects = press(&mut app, " ");
    assert!(app.busy.is_some());
    let number = errand(&effects).number;
    let effects = tell(&mut app, key(KeyCode::Esc));
    assert_eq!(errand(&effects).task, Task::Stop);
    assert_eq!(app.busy, None);
    // what the old walk still has to tell is not heard
    tell(&mut app, What::Found(Found::Change(number, Box::new(News::Tried(Outlook::default())))));
    go(&mut app, "keep");
    tell(&mut app, key(KeyCode::Enter));
    assert!(app.notice.as_ref().unwrap().text.contains("Not yet"), "{:?}", app.notice);
}

#[test]
fn a_live_run_that_is_busy_stops_the_keeping_with_what_was_kept() {
    let mut app = board((80, 24));
    app.run.as_mut().unwrap().figures.operation = OperationKind::Outcomes;
    tried(&mut app);
    let effects = push(&mut app, "keep");
    let made = errand(&effects);
    let records: Vec<(FailureId, Option<Bytes>)> =
        (0..1000).map(|item| (FailureId::from(item), Some(Bytes::from_static(b"{}")))).collect();
    let news = News::Made(records.clone(), 1000);
    let effects = tell(&mut app, What::Found(Found::Change(made.number, Box::new(news))));
    assert_eq!(kept(&effects).len(), 1000);
    let by = "sam".to_owned();
    let effects = tell(&mut app, What::NotTaken(Command::Edit { records, by }));
    assert!(app.notice.as_ref().unwrap().text.contains("0 failures are changed"), "{:?}", app.notice);
    assert!(matches!(errand(&effects).task, Task::Try(..)));
}

#[test]
fn closing_needs_a_note_and_offers_the_last_ones() {
    assert_snapshot!(pictures(|size| {
        let mut app = outcomes(size);
        app.mendings.notes = vec!["known to the customer".to_owned(), "test data".to_owned()];
        sheets::note::open(&mut app, vec![180.into()], true);
        app
    }));
    let mut app = outcomes((80, 24));
    app.mendings.notes = vec!["known to the customer".to_owned()];
    sheets::note::open(&mut app, vec![180.into()], true);
    drawn(&mut app);
    assert_eq!(push(&mut app, "close"), []);
    assert!(app.notice.as_ref().unwrap().text.contains("needs a note"));
    go(&mut app, "earlier");
    press(&mut app, " ");
    let closed = push(&mut app, "close");
    let judgement = Judgement::Dismiss("known to the customer".to_owned());
    assert_eq!(closed, [Effect::Ask(Request::Judge(vec![180.into()], judgement))]);
    assert!(app.overlays.is_empty());
}

#[test]
fn closing_many_on_production_takes_the_number_and_elsewhere_the_button() {
    for production in [true, false] {
        let mut app = outcomes((80, 24));
        app.run.as_mut().unwrap().figures.production = production;
        let ids: Vec<FailureId> = (0..4210).map(FailureId::from).collect();
        sheets::note::open(&mut app, ids.clone(), false);
        drawn(&mut app);
        press(&mut app, "gone");
        let mut effects = push(&mut app, "close");
        assert_eq!(asks(&app), production);
        if production {
            assert_snapshot!("closing_many", picture(&app));
            drawn(&mut app);
            press(&mut app, "4210");
            effects = tell(&mut app, key(KeyCode::Enter));
            if asks(&app) {
                effects = tell(&mut app, key(KeyCode::Enter));
            }
        }
        assert_eq!(effects, [Effect::Ask(Request::Judge(ids, Judgement::Dismiss("gone".to_owned())))]);
        assert!(app.overlays.is_empty());
    }
}

#[test]
fn what_is_edited_and_not_sent_is_named_when_the_board_is_left() {
    let mut app = outcomes((80, 24));
    let keys = ["TXN-1", "TXN-2", "TXN-3"].map(str::to_owned).to_vec();
    tell(&mut app, What::Found(Found::Mendings(Mendings { edited: 12, keys, notes: Vec::new() })));
    press(&mut app, "q");
    assert!(asks(&app));
    assert_snapshot!(picture(&app));
    drawn(&mut app);
    press(&mut app, "y");
    assert!(app.left.is_some());
}

#[test]
fn hostile_records_open_and_nothing_of_them_is_lost() {
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let long = format!("{{\"t\":\"{}\"}}", "y".repeat(10_000_000));
    let fields = |count: u32| {
        let members: Vec<String> = (0..count).map(|number| format!("\"f{number}\":{number}")).collect();
        format!("{{{}}}", members.join(","))
    };
    let (wide, many) = (fields(10_001), fields(9_000));
    let records: [&[u8]; 10] = [
        "{\"a\u{202e}\":\"x\u{202e}y\u{9b}2J\"}".as_bytes(),
        br#"{"a":"\u0000\ud800","b":1e400,"c":-0}"#,
        br#"{"a":1,"a":2}"#,
        b"\xff\xfe{",
        b"",
        br#"{"":""}"#,
        deep.as_bytes(),
        long.as_bytes(),
        wide.as_bytes(),
        many.as_bytes(),
    ];
    for record in records {
        let mut app = outcomes((60, 16));
        let effects = edit(&mut app, record);
        check(&mut app, &effects, &Verdict::Unknown("\u{1b}[2J".to_owned()));
        let shown = picture(&app);
        assert!(!shown.contains(['\u{202e}', '\u{9b}', '\u{1b}']));
        let json = push(&mut app, "json");
        assert!(matches!(json.as_slice(), [Effect::Editor(_)]));
        assert_eq!(kept(&push(&mut app, "keep")), [], "nothing was changed");
        assert!(app.overlays.is_empty(), "{:?}", app.notice);
    }
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?",
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("{ }".to_owned()),
        Just("\"\u{202e}\\ud800\\n\"".to_owned()),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let names = prop::collection::btree_map("[a-c/~ é]{0,3}", inner.clone(), 0..5);
        prop_oneof![
            names.prop_map(|names| {
                let members: Vec<String> = names
                    .into_iter()
                    .map(|(name, value)| format!(" {} :{value}", serde_json::Value::from(name)))
                    .collect();
                format!("{{{} }}", members.join(","))
            }),
            prop::collection::vec(inner, 0..4).prop_map(|values| format!("[{}]", values.join(" ,"))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn keeping_without_a_change_is_no_edit(record in json(), typed in "[a-z0-9\\\\\"]{0,6}", field in 0_usize..8) {
        let mut app = outcomes((80, 24));
        let effects = edit(&mut app, record.as_bytes());
        check(&mut app, &effects, &Verdict::Passes);
        // typed, and taken away again
        let stops: Vec<String> = sheet(&app).form.stops().iter().map(|stop| (*stop).to_owned()).collect();
        let stop = stops.get(field).filter(|stop| stop.starts_with("field:")).cloned();
        if let Some(stop) = stop.filter(|stop| !sheet(&app).form.field(stop).is_some_and(|field| matches!(field.kind, crate::tui::form::Kind::Choice(_)))) {
            go(&mut app, &stop);
            let mut effects = press(&mut app, &typed);
            for _ in typed.chars() {
                effects.extend(tell(&mut app, key(KeyCode::Backspace)));
            }
            check(&mut app, &effects, &Verdict::Passes);
        }
        prop_assert_eq!(kept(&push(&mut app, "keep")), vec![]);
        prop_assert!(app.overlays.is_empty(), "{:?}", app.notice);
    }

    #[test]
    fn a_change_of_one_field_touches_no_other_byte(record in json(), field in 0_usize..8) {
        let mut app = outcomes((80, 24));
        let effects = edit(&mut app, record.as_bytes());
        check(&mut app, &effects, &Verdict::Passes);
        let stops: Vec<String> = sheet(&app).form.stops().iter().map(|stop| (*stop).to_owned()).collect();
        if let Some(pointer) = stops.get(field).and_then(|stop| stop.strip_prefix("field:")) {
            go(&mut app, &format!("field:{pointer}"));
            tell(&mut app, key(KeyCode::End));
            let effects = press(&mut app, "1");
            check(&mut app, &effects, &Verdict::Passes);
            let records = kept(&push(&mut app, "keep"));
            if let [(_, Some(new))] = records.as_slice() {
                let (old, new) = (record.as_bytes(), new.as_ref());
                let same = old.iter().zip(new).take_while(|(one, other)| one == other).count();
                let rest = old.iter().rev().zip(new.iter().rev()).take_while(|(one, other)| one == other).count();
                let at = patch::fields(old).unwrap().into_iter().find(|one| one.pointer == pointer).unwrap().raw;
                prop_assert!(same >= at.start, "before it");
                prop_assert!(rest >= old.len() - at.end, "after it");
            }
        }
    }
}

#[test]
fn a_click_presses_the_pages() {
    let mut app = outcomes((80, 24));
    opened(&mut app, Page::Reason, detail(false));
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
    let spots = view::draw(&app, &mut buffer).spots;
    assert!((0..80).any(|x| (0..24).any(|y| spots.at(x, y) == Some(&crate::tui::spots::Spot::Page(2)))));
}

#[test]
fn what_is_sent_again_from_its_page_is_told_there_to_be_delivered() {
    let mut app = outcomes((100, 30));
    opened(&mut app, Page::Reason, detail(true));
    in_phase(&mut app, Phase::Running);
    let effects = in_phase(&mut app, Phase::Ended(RunState::CompletedWithFailures));
    assert!(effects.contains(&Effect::Look(Look::Failure(180.into()))), "{effects:?}");
    tell(&mut app, What::Found(Found::Failure(180.into(), None)));
    let shown = picture(&app);
    assert!(shown.contains("Failure 6b02-11c4-9d31 · delivered"), "{shown}");
    assert!(shown.contains("the platform has taken it since"), "{shown}");
}

#[test]
fn one_key_keeps_and_sends_from_anywhere_in_the_form() {
    let mut app = outcomes((80, 24));
    let effects = edit(&mut app, RECORD);
    check(&mut app, &effects, &Verdict::Passes);
    go(&mut app, "field:/contactId");
    let effects = press(&mut app, "x");
    check(&mut app, &effects, &Verdict::Passes);
    assert!(picture(&app).contains("Ctrl-S keep and send"), "{}", picture(&app));
    let effects = control(&mut app, 's');
    assert!(matches!(effects[..], [Effect::Ask(Request::Edit(_))]), "{effects:?}");
    assert_eq!(app.after_edit.as_ref().map(|(then, _)| *then), Some(Afterwards::Send));
    assert!(app.overlays.is_empty());
}
