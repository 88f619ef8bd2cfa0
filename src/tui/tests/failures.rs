//! *6 Failures*: causes and rows, marks, filters, acts on many and what becomes of them.

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::fixtures::*;
use super::pictures::{picture, pictures};
use crate::engine::Command;
use crate::journal::{Act, ActKind, Cause, CauseId, Filter, Outcome, Query, Sort, View, What as Kind};
use crate::model::{ActFigures, FailureId, Figures, OperationKind, Phase, RunState, Stage};
use crate::tui::app::{App, Carried, Overlay, Pane};
use crate::tui::failures::{Anchor, Causes, Page, Purpose};
use crate::tui::message::{Effect, Found, Look, Request, What};
use crate::tui::theme::{Decoration, GlyphSet};

fn notice(app: &App) -> String {
    app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
}

fn cause(items: u64, stage: Stage, status: Option<u16>, code: &str, message: &str) -> Cause {
    Cause {
        stage,
        status,
        code: Some(code.to_owned()),
        message: message.to_owned(),
        items,
        records: items,
        sendable: items,
        doubtful: 0,
        edited: 0,
        first_at: "2026-11-21T01:14:00Z".parse().unwrap(),
        last_at: "2026-11-21T02:40:00Z".parse().unwrap(),
        tries: (1, 1),
        examples: ["5d1f-88a0-4c11", "5d1f-88b7-02aa", "5d1f-9c02-71d0"].map(str::to_owned).into(),
        values: Vec::new(),
        different: 0,
    }
}

/// The four of the morning after.
fn four() -> Vec<Cause> {
    vec![
        Cause {
            tries: (2, 4),
            ..cause(4210, Stage::Delivery, Some(404), "contact.not.found", "no contact …")
        },
        cause(2580, Stage::Delivery, Some(409), "contact.in.use", "contact … is in use"),
        Cause {
            values: vec![("Refused - Price".into(), 1904), ("No budjet".into(), 371), ("n/a".into(), 35)],
            different: 3,
            tries: (0, 0),
            ..cause(2310, Stage::Validation, None, "outcome.unknown", "… is not under Contacted")
        },
        Cause {
            tries: (4, 4),
            doubtful: 312,
            first_at: "2026-11-20T13:20:00Z".parse().unwrap(),
            ..cause(312, Stage::Delivery, None, "no.answer", "calling …: no complete answer within … s")
        },
    ]
}

/// A run of outcomes that has ended, the morning after.
fn morning(size: (u16, u16)) -> App {
    let mut app = board(size);
    let run = app.run.as_mut().unwrap();
    run.carried = Carried::ByNobody;
    run.figures.operation = OperationKind::Outcomes;
    run.figures.phase = Phase::Ended(RunState::CompletedWithFailures);
    run.figures.datasets = vec!["/data/dispositions.csv".to_owned()];
    for (tally, pending) in [(&mut run.figures.items, 0), (&mut run.figures.records, 0)] {
        tally.total = Some(200_000);
        tally.pending = pending;
        tally.delivered = 190_588;
        tally.failed = 7102;
        tally.invalid = 2310;
    }
    run.figures.pace = crate::model::PaceFigures::default();
    app.live = None;
    app.failures = crate::tui::failures::FailureList::default();
    app.failures.ask(Anchor::Start);
    let rows: Vec<_> = (1..513).map(failure).collect();
    let page = Page { rows, total: 9412, open: 9412, all: 9412, ..Page::default() };
    let effects = tell(&mut app, What::Found(Found::Page(page)));
    assert!(matches!(effects.as_slice(), [Effect::Look(Look::Causes(..))]), "many are shown by cause");
    tell(&mut app, What::Found(Found::Causes(Causes { edition: 0, list: four(), all: 9412, open: 9412 })));
    press(&mut app, "6");
    app
}

fn looks(effects: &[Effect]) -> Vec<&Look> {
    effects
        .iter()
        .filter_map(|effect| if let Effect::Look(look) = effect { Some(look) } else { None })
        .collect()
}

fn query_of(effects: &[Effect]) -> Query {
    looks(effects)
        .into_iter()
        .find_map(|look| match look {
            Look::Page(wanted) => Some(wanted.query.clone()),
            Look::Causes(_, query) => Some(query.clone()),
            Look::Many(scope) => Some(scope.query.clone()),
            _ => None,
        })
        .unwrap()
}

#[test]
fn the_causes() {
    assert_snapshot!(pictures(morning));
}

#[test]
fn marked_rows_and_what_the_capitals_would_act_on() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        press(&mut app, "6");
        press(&mut app, "j   ");
        app
    }));
}

#[test]
fn a_filter_that_is_not_understood() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        press(&mut app, "6/what:refused wat:x");
        tell(&mut app, key(KeyCode::Enter));
        app
    }));
}

#[test]
fn the_question_before_sending_a_mixture() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        app.run.as_mut().unwrap().figures.operation = OperationKind::Import;
        press(&mut app, "6");
        press(&mut app, "    ");
        let mut rows = failures();
        rows[0].remote_id = Some("job-1".to_owned());
        let mut row = failure(190);
        row.id = FailureId { item: 190, row: 17 };
        rows.push(row);
        count_many(&mut app, "R", &rows);
        drawn(&mut app);
        app
    }));
}

#[test]
fn the_question_before_sending_a_cause() {
    assert_snapshot!(pictures(|size| {
        let mut app = morning(size);
        let mut row = failure(1);
        row.status = Some(404);
        row.code = Some("contact.not.found".to_owned());
        let rows: Vec<_> =
            (1..=4210).map(|item| crate::journal::FailureRow { id: item.into(), ..row.clone() }).collect();
        count_many(&mut app, "R", &rows);
        drawn(&mut app);
        app
    }));
}

fn act() -> Box<Act> {
    let busy = CauseId {
        stage: Stage::Delivery,
        status: Some(409),
        code: Some("contact.in.use".to_owned()),
        cause: "…".to_owned(),
    };
    let lost = CauseId { status: None, code: Some("no.answer".to_owned()), ..busy.clone() };
    Box::new(Act {
        act: 7,
        kind: ActKind::Send,
        by: "sam".to_owned(),
        at: "2026-11-21T08:31:00Z".parse().unwrap(),
        note: None,
        count: 2580,
        outcome: Outcome {
            delivered: 2471,
            failed: vec![(busy, 90), (lost, 19)],
            last_at: Some("2026-11-21T08:33:00Z".parse().unwrap()),
            ..Outcome::default()
        },
    })
}

fn ended_act(size: (u16, u16)) -> App {
    let mut app = morning(size);
    app.failures.acts.want(7);
    tell(&mut app, What::Found(Found::Act(7, Some(act()))));
    drawn(&mut app);
    app
}

#[test]
fn what_became_of_an_act() {
    assert_snapshot!(pictures(ended_act));
}

#[test]
fn ascii_and_plain_causes_lose_nothing() {
    let mut app = morning((100, 30));
    app.look.glyphs = GlyphSet::Ascii;
    app.look.decoration = Decoration::Plain;
    let picture = picture(&app);
    assert!(picture.lines().filter(|line| !line.starts_with("cursor")).all(str::is_ascii), "{picture}");
    assert_snapshot!(picture);
}

#[test]
fn a_page_of_an_older_query_is_dropped() {
    let mut app = board((100, 30));
    press(&mut app, "6");
    let effects = press(&mut app, "sk");
    assert_eq!(query_of(&effects).sort, Sort::Key);
    assert_eq!(app.failures.edition, 1);
    let old = Page { rows: vec![failure(7)], total: 1, ..Page::default() };
    tell(&mut app, What::Found(Found::Page(old)));
    assert_eq!(app.failures.total, 8, "it answers a query that nobody asks any more");
    assert_eq!(press(&mut app, "r"), [], "what is under the cursor may be something else in a moment");
    assert!(notice(&app).contains("being read"));
}

#[test]
fn the_cursor_stays_on_its_failure_in_every_order() {
    let mut app = board((100, 30));
    press(&mut app, "6jj");
    let at = app.failures.cursor;
    press(&mut app, "sl");
    let mut rows = failures();
    rows.reverse();
    let page = Page {
        edition: 1,
        anchor: Anchor::Around(at.unwrap()),
        rows,
        at: 5,
        total: 8,
        open: 7,
        ..Page::default()
    };
    tell(&mut app, What::Found(Found::Page(page)));
    assert_eq!((app.failures.cursor, app.failures.rank()), (at, Some(5)));
    // and where it is gone, the next one of those that stood below takes it
    let mut rows = failures();
    rows.reverse();
    rows.retain(|row| Some(row.id) != at);
    let page = Page {
        edition: 1,
        anchor: Anchor::Around(at.unwrap()),
        rows,
        at: 5,
        total: 7,
        open: 6,
        ..Page::default()
    };
    app.failures.ask_again();
    tell(&mut app, What::Found(Found::Page(page)));
    assert_eq!(app.failures.cursor, Some(181.into()));
}

#[test]
fn marks_outlive_filters_orders_esc_and_resizes_and_the_title_tells_what_is_out_of_view() {
    let mut app = board((100, 30));
    press(&mut app, "6  ");
    assert!(picture(&app).contains("marked 2, all in view"));
    press(&mut app, "/zzz");
    let effects = tell(&mut app, key(KeyCode::Enter));
    assert_eq!(query_of(&effects).filter.words, ["zzz"]);
    let marks =
        looks(&effects).into_iter().any(|look| matches!(look, Look::Marks(1, _, marks) if marks.len() == 2));
    assert!(marks, "{effects:?}");
    tell(&mut app, What::Found(Found::Marks(1, 2)));
    assert!(picture(&app).contains("marked 2, 2 out of view"), "{}", picture(&app));
    tell(&mut app, What::Resize(80, 24));
    tell(&mut app, key(KeyCode::Esc));
    assert_eq!(app.failures.filter, "");
    assert_eq!(app.failures.marks.len(), 2);
    tell(&mut app, key(KeyCode::Esc));
    assert_eq!(app.failures.marks.len(), 2);
}

#[test]
fn a_filter_that_is_not_understood_leaves_the_list_as_it_was() {
    let mut app = board((100, 30));
    press(&mut app, "6/wat:x");
    assert_eq!(tell(&mut app, key(KeyCode::Enter)), []);
    assert!(notice(&app).contains("`what:` is near"), "{}", notice(&app));
    assert_eq!(app.failures.query.filter, Filter::default());
    assert!(app.failures.line.is_some());
    control(&mut app, 'u');
    press(&mut app, "wha");
    tell(&mut app, key(KeyCode::Tab));
    press(&mut app, "ref");
    tell(&mut app, key(KeyCode::Tab));
    assert_eq!(app.failures.line.as_ref().unwrap().text(), "what:refused ");
    let effects = tell(&mut app, key(KeyCode::Enter));
    assert_eq!(query_of(&effects).filter.what, [Kind::Refused]);
    assert!(app.failures.line.is_none());
    // letters are the board's again
    press(&mut app, "/r");
    assert_eq!(app.failures.line.as_ref().unwrap().text(), "what:refusedr");
    let effects = tell(&mut app, key(KeyCode::Esc));
    assert_eq!(query_of(&effects).filter, Filter::default());
}

#[test]
fn star_marks_all_that_is_listed_and_unmarks_it_again() {
    let mut app = morning((80, 24));
    press(&mut app, "g");
    let all: Vec<_> = (0..9412).map(failure).collect();
    count_many(&mut app, "*", &all);
    assert_eq!((notice(&app).as_str(), app.failures.marks.len()), ("Marked all 9,412.", 9412));
    count_many(&mut app, "*", &all);
    assert_eq!((notice(&app).as_str(), app.failures.marks.len()), ("Unmarked 9,412.", 0));
}

#[test]
fn small_letters_say_open_it_first_among_causes() {
    let mut app = morning((80, 24));
    for letter in ["r", "e", "d", "u", " "] {
        assert_eq!(press(&mut app, letter), []);
        assert!(notice(&app).contains("open it first"), "{letter}");
    }
}

#[test]
fn capitals_without_marks_say_what_to_do() {
    let mut app = board((80, 24));
    for letter in ["R", "E", "D", "U"] {
        assert_eq!(press(&mut app, &format!("6{letter}")), []);
        assert!(notice(&app).contains("nothing is marked"), "{letter}: {}", notice(&app));
    }
}

#[test]
fn a_cause_opens_as_its_rows_and_esc_goes_back() {
    let mut app = morning((80, 24));
    press(&mut app, "j");
    let effects = tell(&mut app, key(KeyCode::Enter));
    assert_eq!(query_of(&effects).cause, Some(four()[1].id()));
    assert!(!app.failures.shows_causes());
    let effects = tell(&mut app, key(KeyCode::Esc));
    assert_eq!(query_of(&effects).cause, None);
    assert!(app.failures.shows_causes());
    assert_eq!(app.failures.causes.cursor, Some(four()[1].id()), "where it was left");
}

#[test]
fn the_cursor_stays_on_its_cause_whatever_the_counts_do() {
    let mut app = morning((60, 16));
    press(&mut app, "jj");
    let mut list = four();
    list.swap(0, 2);
    tell(&mut app, What::Found(Found::Causes(Causes { edition: 0, list, all: 9412, open: 9412 })));
    assert_eq!(app.failures.causes.place(), Some(0));
}

#[test]
fn an_act_takes_the_failures_of_its_question_and_their_marks_go() {
    let mut app = board((100, 30));
    app.run.as_mut().unwrap().figures.production = false;
    ask_to_send(&mut app, &[180, 181]);
    app.failures.marks.turn(182.into());
    drawn(&mut app);
    let sent = press(&mut app, "y");
    assert_eq!(sent, [Effect::Command(Command::Retry { items: vec![180, 181], by: "sam".to_owned() })]);
    assert!(app.failures.marks.has(182.into()) && app.failures.marks.len() == 1);
}

#[test]
fn a_mixture_sends_only_what_may_be_sent() {
    let mut app = board((100, 30));
    press(&mut app, "6 ");
    let mut rows = failures();
    rows[7].id = FailureId { item: 187, row: 3 };
    count_many(&mut app, "R", &rows);
    let shown = picture(&app);
    assert!(
        shown.contains("1 must be changed first") && shown.contains("1 row of a delivered import"),
        "{shown}"
    );
    drawn(&mut app);
    press(&mut app, "5");
    let sent = tell(&mut app, key(KeyCode::Enter));
    let items = vec![180, 181, 183, 185, 186];
    assert_eq!(sent, [Effect::Command(Command::Retry { items, by: "sam".to_owned() })]);
}

#[test]
fn counting_can_be_left_and_what_comes_late_asks_nothing() {
    let mut app = board((100, 30));
    press(&mut app, "6 ");
    let asked = press(&mut app, "R");
    let [Effect::Look(Look::Many(scope))] = asked.as_slice() else { panic!("{asked:?}") };
    tell(&mut app, key(KeyCode::Esc));
    assert_eq!(app.failures.marks.len(), 1);
    tell(&mut app, What::Found(Found::Many(scope.clone(), Box::default())));
    assert!(!asks(&app) && notice(&app).starts_with("Stopped"));
}

#[test]
fn r_on_an_unsure_one_past_its_window_asks_first() {
    let mut app = board((100, 30));
    app.run.as_mut().unwrap().figures.operation = OperationKind::Outcomes;
    press(&mut app, "6jjjjj");
    assert_eq!(press(&mut app, "r").len(), 1, "within the window the platform does it once");
    let mut app = board((100, 30));
    app.run.as_mut().unwrap().figures.operation = OperationKind::Outcomes;
    app.failures.rows[5].first_at = "2026-11-19T12:00:00Z".parse().unwrap();
    assert_eq!(press(&mut app, "6jjjjjr"), []);
    assert!(picture(&app).contains("may be done twice"), "{}", picture(&app));
    drawn(&mut app);
    assert_eq!(press(&mut app, "y").len(), 1);
}

#[test]
fn the_key_s_word_follows_the_row() {
    let mut app = board((140, 40));
    press(&mut app, "6");
    assert!(picture(&app).contains("r send again"));
    app.failures.rows[0].remote_id = Some("job".to_owned());
    assert!(picture(&app).contains("r ask the platform again"));
    press(&mut app, "jj");
    assert!(!picture(&app).contains("r send again") && picture(&app).contains("e edit"));
    assert_eq!(press(&mut app, "r"), []);
    assert!(notice(&app).contains("change it first"));
    app.failures.rows[2].edited = true;
    assert!(picture(&app).contains("r send again"));
    assert!(picture(&app).contains("edited, not sent yet"));
}

#[test]
fn u_opens_a_closed_one_again_and_takes_an_edit_back() {
    let mut app = board((100, 30));
    in_phase(&mut app, Phase::Ended(RunState::CompletedWithFailures));
    app.run.as_mut().unwrap().carried = Carried::ByNobody;
    press(&mut app, "6");
    assert_eq!(press(&mut app, "u"), []);
    assert!(notice(&app).contains("nothing to take back"));
    let undone = press(&mut app, "jjjju");
    assert!(
        matches!(&undone[..], [Effect::Ask(Request::Judge(ids, _))] if *ids == [FailureId::from(184)]),
        "{undone:?}"
    );
    press(&mut app, "j");
    app.failures.rows[5].edited = true;
    let undone = press(&mut app, "u");
    assert!(matches!(&undone[..], [Effect::Ask(Request::Edit(records))] if records.len() == 1), "{undone:?}");
}

#[test]
fn the_result_of_an_act_is_shown_when_it_ends_and_leads_to_what_is_left() {
    let mut app = morning((80, 24));
    let happen = |app: &mut App, event: i64, kind: &str, text: &str, act: Option<i64>| {
        let mut row = happening(event, "13:00:00", kind, None, Some(text));
        row.act = act;
        let tail = crate::tui::message::Tail { last: event, more: crate::tui::message::More::No };
        tell(app, What::Found(Found::Events(vec![row], tail)))
    };
    app.failures.acts.asked();
    let asks = |effects: Vec<Effect>| effects.contains(&Effect::Look(Look::Act(7)));
    assert!(!asks(happen(&mut app, 20, "act", "maria: sends 4 failures again", Some(6))));
    assert!(!asks(happen(&mut app, 21, "act", "sam: sends 2580 failures again", Some(7))));
    assert!(asks(happen(&mut app, 22, "act_ended", "2,471 were delivered.", None)));
    tell(&mut app, What::Found(Found::Act(7, Some(act()))));
    assert!(matches!(app.overlays.last(), Some(Overlay::Outcome(_))));
    tell(&mut app, key(KeyCode::Enter));
    assert_eq!(app.overlays.len(), 1, "a key that came before it could be read presses nothing");
    drawn(&mut app);
    tell(&mut app, key(KeyCode::Tab));
    let shown = query_of(&tell(&mut app, key(KeyCode::Enter)));
    assert_eq!((shown.act, shown.view), (Some(7), View::Open));
    assert_eq!((app.overlays.len(), app.focus), (0, Pane::Failures));
}

#[test]
fn what_is_listed_is_read_again_while_failures_are_sent_again_and_when_that_has_come_to_its_end() {
    let mut app = morning((80, 24));
    for left in [Some(3), Some(2), Some(1), None] {
        app.reread_at = None;
        let act = |left| ActFigures { asked: 3, delivered: 3 - left, failed: 0, left, by: "sam".to_owned() };
        let given = Figures { act: left.map(act), ..app.figures().unwrap().clone() };
        tell(&mut app, What::Figures(Box::new(given)));
        assert!(app.reread_at.is_some(), "{left:?}");
    }
    app.reread_at = None;
    let row = happening(22, "13:00:00", "act_ended", None, Some("Sent again: 3; delivered 3."));
    let tail = crate::tui::message::Tail { last: 22, more: crate::tui::message::More::No };
    tell(&mut app, What::Found(Found::Events(vec![row], tail)));
    assert!(app.reread_at.is_some());
}

#[test]
fn a_file_is_asked_for_by_its_name_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.csv");
    std::fs::write(&path, "mine").unwrap();
    let refused = crate::report::Outlet::fresh(&path).unwrap_err().to_string();
    assert!(refused.contains("already"), "{refused}");
    let other = folder.path().join("g.csv");
    let outlet = crate::report::Outlet::fresh(&other).unwrap();
    std::fs::write(&other, "mine").unwrap();
    assert!(outlet.finish().is_err(), "it came there meanwhile");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "mine");
    let mut app = board((80, 24));
    press(&mut app, "6o");
    drawn(&mut app);
    for _ in 0..3 {
        tell(&mut app, key(KeyCode::Tab));
    }
    let effects = tell(&mut app, key(KeyCode::Enter));
    assert!(
        matches!(&effects[..], [Effect::Look(Look::Write(query, path, _))]
        if query.view == View::Open && path.ends_with("failures-0198c2f3.csv")),
        "{effects:?}"
    );
}

#[test]
fn what_is_copied_for_the_vendor_holds_no_value_of_the_record() {
    let mut app = board((80, 24));
    app.failures.rows[0].message = "contact \"Jane Doe\" has 3 items".to_owned();
    press(&mut app, "6c");
    let copied = press(&mut app, "v");
    let [Effect::Copy(text)] = &copied[..] else { panic!("{copied:?}") };
    assert!(text.contains("4e1c-77") && text.contains("422") && !text.contains("Jane"), "{text}");
}

#[test]
fn a_key_is_copied_without_what_a_terminal_obeys_where_it_is_pasted() {
    let mut app = board((80, 24));
    app.failures.rows[0].key = "c1\r\nrm -rf x\u{1b}[201~\u{9b}\u{7f}".to_owned();
    press(&mut app, "6c");
    let copied = press(&mut app, "k");
    let [Effect::Copy(text)] = &copied[..] else { panic!("{copied:?}") };
    assert!(text.starts_with("c1 rm") && !text.chars().any(char::is_control), "{text:?}");
}

#[test]
fn the_ids_are_read_at_the_moment_of_the_question() {
    let mut app = morning((80, 24));
    press(&mut app, "jj");
    let asked = press(&mut app, "D");
    let [Effect::Look(Look::Many(scope))] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((scope.purpose, scope.query.view), (Purpose::Close, View::Open));
    assert_eq!(scope.query.cause, Some(four()[2].id()));
    assert_eq!(scope.marked, None);
}

#[test]
fn edits_that_wait_are_told_with_their_cause_and_in_the_title() {
    let mut app = morning((100, 30));
    let mut list = four();
    list[2].edited = 40;
    tell(&mut app, What::Found(Found::Causes(Causes { edition: 0, list, all: 9412, open: 9412 })));
    app.mendings.edited = 40;
    let shown = picture(&app);
    assert!(shown.contains("40 edited, not sent yet") && shown.contains("9,412 open · 40 edited"), "{shown}");
}
