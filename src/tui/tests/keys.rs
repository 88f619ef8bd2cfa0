//! What each key does in each phase of a run.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::fixtures::*;
use crate::engine::Command;
use crate::model::{Fault, FaultKind, Phase, RunState};
use crate::tui::app::{App, Carried, Content, Overlay, Pane, Seen, Zoom};
use crate::tui::failures::{Anchor, Page};
use crate::tui::message::{Answer, Effect, Found, Look, Message, More, Request, Tail, What};
use crate::tui::shell::Left;
use crate::tui::{update, words};

fn notice(app: &App) -> String {
    app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
}

fn state(app: &App) -> String {
    words::state(app).1
}

fn fault() -> Phase {
    Phase::Faulted(Fault {
        at: moment().wall,
        kind: FaultKind::Disk,
        message: "the disk is full".to_owned(),
        advice: "make room".to_owned(),
        resumes_at: None,
    })
}

fn command(command: Command) -> Vec<Effect> {
    vec![Effect::Command(command)]
}

#[test]
fn p_asks_for_a_pause_and_shows_it_before_it_is_confirmed() {
    let mut app = board((100, 30));
    assert_eq!(press(&mut app, "p"), command(Command::Pause));
    assert_eq!(state(&app), "pausing… 1:12:41");
    in_phase(&mut app, Phase::Pausing);
    assert_eq!(state(&app), "pausing… 1:12:41");
    in_phase(&mut app, Phase::Paused);
    assert_eq!(state(&app), "paused 1:12:41");
    assert_eq!(press(&mut app, "p"), command(Command::GoOn));
    assert_eq!(state(&app), "going on… 1:12:41");
    in_phase(&mut app, Phase::Running);
    assert_eq!(state(&app), "running 1:12:41");
}

#[test]
fn p_twice_is_as_if_it_had_not_been_pressed() {
    let mut app = board((100, 30));
    assert_eq!(press(&mut app, "pp"), [Effect::Command(Command::Pause), Effect::Command(Command::GoOn)]);
    in_phase(&mut app, Phase::Running);
    assert_eq!(state(&app), "running 1:12:41");
}

#[test]
fn p_tries_again_at_a_fault_and_says_why_it_can_t_elsewhere() {
    let mut app = board((100, 30));
    in_phase(&mut app, fault());
    assert_eq!(press(&mut app, "p"), command(Command::GoOn));
    for (phase, words) in [
        (Phase::Checking { read: 1, of: None }, "still being read"),
        (Phase::Draining, "being left already"),
        (Phase::Ended(RunState::Completed), "has ended"),
    ] {
        let mut app = board((100, 30));
        in_phase(&mut app, phase);
        assert_eq!(press(&mut app, "p"), []);
        assert!(notice(&app).contains(words), "{}", notice(&app));
    }
}

#[test]
fn p_on_a_run_that_stands_still_asks_whether_to_go_on() {
    let mut app = board((100, 30));
    in_phase(&mut app, Phase::Ended(RunState::Paused));
    assert_eq!(press(&mut app, "p"), []);
    drawn(&mut app);
    press(&mut app, "376000");
    let run = app.figures().unwrap().run;
    assert_eq!(tell(&mut app, key(KeyCode::Enter)), [Effect::Ask(Request::Resume(run))]);
    assert_eq!(state(&app), "starting…");
}

#[test]
fn the_ceiling_moves_in_steps_and_the_wish_is_shown_until_it_holds() {
    let mut app = board((100, 30));
    assert_eq!(press(&mut app, "<"), command(Command::SetRate { rate: Some(2.0), by: "sam".to_owned() }));
    assert_eq!(words::ceiling(&app, app.figures().unwrap()), "4.0/s, asked 2.0/s");
    assert_eq!(
        press(&mut app, "["),
        command(Command::SetRate { rate: Some(1.0), by: "sam".to_owned() }),
        "a second step goes on from the first"
    );
    assert_eq!(press(&mut app, ">"), command(Command::SetRate { rate: Some(2.0), by: "sam".to_owned() }));
    let mut given = figures();
    given.pace.ceiling = Some(2.0);
    tell(&mut app, What::Figures(Box::new(given)));
    assert_eq!(words::ceiling(&app, app.figures().unwrap()), "2.0/s");
    assert_eq!(app.asked.ceiling, None);
}

#[test]
fn from_no_ceiling_the_first_step_lies_below_the_measured_rate() {
    let mut app = board((100, 30));
    app.run.as_mut().unwrap().figures.pace.ceiling = None;
    app.run.as_mut().unwrap().figures.pace.rate = 47.0;
    assert_eq!(press(&mut app, ">"), []);
    assert!(notice(&app).contains("no ceiling of ours"));
    assert_eq!(press(&mut app, "<"), command(Command::SetRate { rate: Some(20.0), by: "sam".to_owned() }));
}

#[test]
fn a_full_queue_takes_the_wish_back_and_says_so() {
    let mut app = board((100, 30));
    press(&mut app, "p");
    tell(&mut app, What::NotTaken(Command::Pause));
    assert_eq!(state(&app), "running 1:12:41");
    assert!(notice(&app).contains("press the key again"));
}

#[test]
fn tab_and_numbers_move_the_focus_and_esc_goes_back() {
    let mut app = board((100, 30));
    tell(&mut app, key(KeyCode::Tab));
    assert_eq!(app.focus, Pane::Workers);
    tell(&mut app, key(KeyCode::Esc));
    assert_eq!(app.focus, Pane::Run, "workers lie over the others at this size");
    tell(&mut app, key(KeyCode::BackTab));
    assert_eq!(app.focus, Pane::Datasets);
    press(&mut app, "6");
    tell(&mut app, What::Key(KeyEvent::new(KeyCode::Tab, KeyModifiers::SHIFT)));
    assert_eq!(app.focus, Pane::Pace);
    press(&mut app, "6z");
    assert_eq!((app.focus, app.zoom), (Pane::Failures, Zoom::On));
    tell(&mut app, key(KeyCode::Esc));
    assert_eq!((app.focus, app.zoom), (Pane::Failures, Zoom::Off));
}

#[test]
fn keys_let_go_and_letters_after_alt_do_nothing() {
    let mut app = board((100, 30));
    let mut up = KeyEvent::new(KeyCode::Char('p'), KeyModifiers::NONE);
    up.kind = KeyEventKind::Release;
    assert_eq!(tell(&mut app, What::Key(up)), []);
    press(&mut app, "?");
    assert_eq!(tell(&mut app, What::Key(KeyEvent::new(KeyCode::Char('p'), KeyModifiers::ALT))), []);
    assert!(app.overlays.is_empty(), "Alt and a letter counts as Esc");
    press(&mut app, "й");
    assert!(notice(&app).contains("Latin"));
}

#[test]
fn r_sends_one_failure_again_and_only_once() {
    let mut app = board((100, 30));
    assert_eq!(press(&mut app, "r"), [], "the key is the failures' own");
    assert_eq!(press(&mut app, "6jr"), command(Command::Retry { items: vec![181], by: "sam".to_owned() }));
    assert_eq!(press(&mut app, "r"), []);
    assert!(notice(&app).contains("already"));
    assert_eq!(press(&mut app, "jjjr"), []);
    assert!(notice(&app).contains("closed by a person"));
}

#[test]
fn r_acts_on_the_failure_that_was_under_the_cursor_whatever_the_list_does() {
    let mut app = board((100, 30));
    press(&mut app, "6j");
    let mut rows = failures();
    rows.insert(0, failure(7));
    rows.insert(1, failure(8));
    app.failures.ask(Anchor::Around(181.into()));
    tell(
        &mut app,
        What::Found(Found::Page(Page {
            anchor: Anchor::Around(181.into()),
            rows,
            before: 0,
            total: 10,
            open: 9,
            ..Page::default()
        })),
    );
    assert_eq!(press(&mut app, "r"), command(Command::Retry { items: vec![181], by: "sam".to_owned() }));
}

#[test]
fn r_after_the_end_begins_a_new_carrying_out_and_no_second_one() {
    let mut app = board((100, 30));
    in_phase(&mut app, Phase::Ended(RunState::CompletedWithFailures));
    assert_eq!(press(&mut app, "6r"), [Effect::Ask(Request::Retry(vec![180]))]);
    assert_eq!(state(&app), "starting…");
    assert_eq!(press(&mut app, "jr"), []);
    assert!(notice(&app).contains("just being started"));
    tell(&mut app, What::Answer(Answer::Started(Err("another process has it".to_owned()))));
    assert!(notice(&app).contains("another process has it"));
    assert_eq!(press(&mut app, "r"), [Effect::Ask(Request::Retry(vec![181]))]);
}

#[test]
fn capital_r_on_production_wants_the_number_and_takes_the_items_of_the_question() {
    let mut app = board((100, 30));
    ask_to_send(&mut app, &[180, 181, 182]);
    assert!(asks(&app));
    drawn(&mut app);
    assert_eq!(press(&mut app, "y"), []);
    assert!(asks(&app), "y is dead where a number is asked for");
    press(&mut app, "2");
    tell(&mut app, key(KeyCode::Enter));
    assert!(notice(&app).contains("type the number 3"));
    tell(&mut app, key(KeyCode::Backspace));
    press(&mut app, "3");
    let sent = tell(&mut app, key(KeyCode::Enter));
    assert_eq!(sent, command(Command::Retry { items: vec![180, 181, 182], by: "sam".to_owned() }));
    assert!(app.failures.was_asked(180.into()));
}

#[test]
fn capital_r_elsewhere_wants_a_button_and_the_harmless_one_is_marked() {
    let mut app = board((100, 30));
    app.run.as_mut().unwrap().figures.production = false;
    ask_to_send(&mut app, &[180, 181]);
    drawn(&mut app);
    assert_eq!(tell(&mut app, key(KeyCode::Enter)), []);
    assert!(!asks(&app));
    assert_eq!(notice(&app), "Nothing was sent.");
    ask_to_send(&mut app, &[180, 181]);
    drawn(&mut app);
    tell(&mut app, key(KeyCode::Right));
    let sent = tell(&mut app, key(KeyCode::Enter));
    assert_eq!(sent, command(Command::Retry { items: vec![180, 181], by: "sam".to_owned() }));
}

#[test]
fn a_question_takes_only_keys_that_came_after_it_could_be_read() {
    let mut app = board((100, 30));
    app.run.as_mut().unwrap().figures.production = false;
    let late = app.frame - 1;
    ask_to_send(&mut app, &[180]);
    tell(&mut app, What::Drawn(late));
    assert_eq!(press(&mut app, "y"), [], "the frame before it says nothing");
    assert!(asks(&app));
    drawn(&mut app);
    assert_eq!(press(&mut app, "y").len(), 1);
}

#[test]
fn a_paste_fills_a_field_and_never_answers() {
    let mut app = board((100, 30));
    tell(&mut app, What::Paste("y".to_owned()));
    assert!(notice(&app).contains("dropped"));
    ask_to_send(&mut app, &[180, 181, 182]);
    drawn(&mut app);
    assert_eq!(tell(&mut app, What::Paste(" 3\r\n".to_owned())), []);
    assert!(asks(&app));
    tell(&mut app, key(KeyCode::Tab));
    tell(&mut app, key(KeyCode::Tab));
    assert_eq!(tell(&mut app, key(KeyCode::Enter)).len(), 1);
}

#[test]
fn a_question_whose_run_has_changed_sends_nothing() {
    let mut app = board((100, 30));
    app.run.as_mut().unwrap().figures.production = false;
    ask_to_send(&mut app, &[180]);
    drawn(&mut app);
    in_phase(&mut app, Phase::Ended(RunState::Cancelled));
    assert_eq!(press(&mut app, "y"), []);
    assert!(notice(&app).contains("Nothing was sent"));
}

#[test]
fn leaving_a_live_run_asks_then_drains_then_leaves_at_once() {
    let mut app = board((100, 30));
    control(&mut app, 'c');
    assert!(asks(&app));
    assert_eq!(app.left, None);
    assert_eq!(control(&mut app, 'c'), command(Command::Drain));
    assert!(state(&app).starts_with("leaving…"));
    assert_eq!(control(&mut app, 'c'), command(Command::LeaveAtOnce));
    assert_eq!(app.left, Some(Left::LeftAtOnce));
}

#[test]
fn ctrl_c_works_on_a_screen_that_is_stuck() {
    let mut app = board((100, 30));
    control(&mut app, 'c');
    let Some(Overlay::Question(question)) = app.overlays.last() else { panic!("no question") };
    assert_eq!(question.seen, Seen::NotYet);
    assert_eq!(control(&mut app, 'c'), command(Command::Drain));
}

#[test]
fn staying_is_marked_and_pause_and_leave_leaves_when_it_is_confirmed() {
    let mut app = board((100, 30));
    press(&mut app, "q");
    drawn(&mut app);
    assert_eq!(tell(&mut app, key(KeyCode::Enter)), []);
    assert!(!asks(&app));
    press(&mut app, "q");
    drawn(&mut app);
    tell(&mut app, key(KeyCode::Tab));
    assert_eq!(tell(&mut app, key(KeyCode::Enter)), command(Command::Drain));
    in_phase(&mut app, Phase::Draining);
    assert_eq!(app.left, None);
    in_phase(&mut app, Phase::Ended(RunState::Paused));
    assert_eq!(app.left, Some(Left::PausedAndLeft));
}

#[test]
fn a_run_that_ends_while_it_is_left_was_not_paused() {
    let mut app = board((100, 30));
    control(&mut app, 'c');
    control(&mut app, 'c');
    in_phase(&mut app, Phase::Ended(RunState::Completed));
    assert_eq!(app.left, Some(Left::Ended));
}

#[test]
fn a_full_queue_does_not_keep_the_board_open() {
    let mut app = board((100, 30));
    control(&mut app, 'c');
    control(&mut app, 'c');
    tell(&mut app, What::NotTaken(Command::Drain));
    let due = app.next_change().unwrap();
    let mut later = moment();
    later.instant = due.max(moment().instant + Duration::from_millis(100));
    assert_eq!(
        update::update(&mut app, Message { at: later, what: What::Clock }),
        [Effect::Command(Command::Drain), Effect::Sample]
    );
}

#[test]
fn without_a_live_run_q_and_ctrl_c_close_at_once() {
    for phase in [Phase::Ended(RunState::Completed), Phase::Ended(RunState::CompletedWithFailures)] {
        let mut app = board((100, 30));
        in_phase(&mut app, phase);
        press(&mut app, "q");
        assert_eq!(app.left, Some(Left::Ended));
    }
    let mut app = empty((100, 30));
    control(&mut app, 'c');
    assert_eq!(app.left, Some(Left::Ended));
}

#[test]
fn signals_drain_and_a_second_one_leaves_at_once() {
    let mut app = board((100, 30));
    assert_eq!(tell(&mut app, What::Terminate), command(Command::Drain));
    assert_eq!(tell(&mut app, What::Terminate), command(Command::LeaveAtOnce));
    let mut app = board((100, 30));
    assert_eq!(tell(&mut app, What::Hangup), command(Command::Drain));
    assert_eq!(tell(&mut app, What::Hangup), [], "a terminal that is gone is told of more than once");
    in_phase(&mut app, Phase::Ended(RunState::Paused));
    assert_eq!(app.left, Some(Left::Hangup));
}

#[test]
fn ctrl_z_finishes_the_calls_suspends_and_goes_on_after() {
    let mut app = board((100, 30));
    assert_eq!(control(&mut app, 'z'), command(Command::Pause));
    in_phase(&mut app, Phase::Pausing);
    assert_eq!(in_phase(&mut app, Phase::Paused), [Effect::Suspend]);
    assert_eq!(tell(&mut app, What::Continued), command(Command::GoOn));
}

#[test]
fn ctrl_z_on_a_paused_run_leaves_it_paused() {
    let mut app = board((100, 30));
    in_phase(&mut app, Phase::Paused);
    assert_eq!(control(&mut app, 'z'), [Effect::Suspend]);
    assert_eq!(tell(&mut app, What::Continued), []);
}

#[test]
fn a_small_window_takes_only_what_can_do_no_harm() {
    let mut app = board((40, 10));
    assert_eq!(press(&mut app, "6rRz<>"), []);
    assert_eq!(app.focus, Pane::Run);
    assert_eq!(press(&mut app, "p"), command(Command::Pause));
    control(&mut app, 'c');
    drawn(&mut app);
    assert_eq!(press(&mut app, "y"), [], "a question that cannot be read is not answered");
    assert_eq!(control(&mut app, 'c'), command(Command::Drain));
}

#[test]
fn the_bell_rings_once_at_a_fault_and_once_at_the_end() {
    let mut app = board((100, 30));
    assert_eq!(in_phase(&mut app, fault()), [Effect::Ring]);
    assert_eq!(in_phase(&mut app, fault()), []);
    in_phase(&mut app, Phase::Running);
    assert!(in_phase(&mut app, Phase::Ended(RunState::Completed)).contains(&Effect::Ring));
    let mut silent = board((100, 30));
    silent.bell = crate::tui::theme::Bell::Silent;
    assert_eq!(in_phase(&mut silent, fault()), []);
}

#[test]
fn enter_opens_the_failure_and_j_shows_the_next() {
    let mut app = board((100, 30));
    press(&mut app, "6");
    assert_eq!(tell(&mut app, key(KeyCode::Enter)), [Effect::Look(Look::Failure(180.into()))]);
    assert_eq!(press(&mut app, "j"), [Effect::Look(Look::Failure(181.into()))]);
    let late = detail_of(failure(180), Vec::new());
    tell(&mut app, What::Found(Found::Failure(180.into(), Some(Box::new(late)))));
    let Some(Overlay::Failure(open)) = app.overlays.last() else { panic!("nothing is open") };
    assert!(
        matches!(open.content, Content::Coming),
        "an answer that comes late is not shown as another failure"
    );
    assert_eq!(press(&mut app, "r"), command(Command::Retry { items: vec![181], by: "sam".to_owned() }));
    tell(&mut app, key(KeyCode::Esc));
    assert!(app.overlays.is_empty());
    assert_eq!(app.failures.cursor, Some(181.into()));
}

#[test]
fn a_run_of_another_process_can_only_be_looked_at() {
    let mut app = board((100, 30));
    app.run.as_mut().unwrap().carried = Carried::Elsewhere("maria, process 4121".to_owned());
    app.live = None;
    for keys in ["p", "<", ">", "6r", "R"] {
        assert_eq!(press(&mut app, keys), [], "{keys}");
        assert!(notice(&app).contains("carried by maria, process 4121"), "{}", notice(&app));
    }
    press(&mut app, "q");
    assert_eq!(app.left, Some(Left::Ended), "and left without a question");
}

#[test]
fn failures_are_read_again_when_they_change_but_not_all_the_time() {
    let mut app = board((100, 30));
    app.read_at = Some(moment().instant);
    let mut given = figures();
    given.items.failed += 1;
    tell(&mut app, What::Figures(Box::new(given)));
    let due = app.next_change().unwrap();
    assert!(due > moment().instant);
    assert_eq!(tell(&mut app, What::Clock), [Effect::Sample]);
    let mut later = moment();
    later.instant += Duration::from_secs(1);
    let effects = update::update(&mut app, Message { at: later, what: What::Clock });
    let page = Look::Page(app.failures.wanted(Anchor::Around(180.into())));
    assert_eq!(effects, [Effect::Look(page), Effect::Sample]);
}

#[test]
fn events_are_read_from_where_the_last_look_ended_and_never_in_a_circle() {
    let mut app = board((100, 30));
    let mut given = figures();
    given.last_event = 20;
    assert_eq!(tell(&mut app, What::Figures(Box::new(given))), [Effect::Look(Look::Events(7))]);
    let found = happening(12, "13:00:00", "note", None, Some("hello"));
    let again = tell(&mut app, What::Found(Found::Events(vec![found], Tail { last: 15, more: More::No })));
    assert_eq!(again, [Effect::Look(Look::Events(15))], "the figures know of more");
    assert_eq!(app.happenings.rows().next().unwrap().event.event, 12);
    let none = tell(&mut app, What::Found(Found::Events(Vec::new(), Tail { last: 15, more: More::No })));
    assert_eq!(none, [], "a look that found nothing is not repeated at once");
    assert_eq!(app.happenings.len(), 5);
}

#[test]
fn an_idle_board_asks_for_no_clock() {
    let mut app = board((140, 40));
    in_phase(&mut app, Phase::Ended(RunState::Completed));
    app.reread_at = None;
    assert_eq!(app.next_change(), None);
    assert_eq!(empty((80, 24)).next_change(), None);
}

#[test]
fn a_running_board_wakes_for_its_next_visible_change() {
    let app = board((140, 40));
    let next = app.next_change().unwrap() - moment().instant;
    assert!(next > Duration::ZERO && next <= Duration::from_secs(1), "{next:?}");
}

#[test]
fn a_question_that_a_terminal_was_too_small_for_is_answered_by_nobody() {
    let mut app = board((32, 10));
    tell(&mut app, What::Resize(100, 30));
    press(&mut app, "q");
    tell(&mut app, What::Resize(32, 10));
    drawn(&mut app);
    tell(&mut app, What::Resize(100, 30));
    let late = app.frame - 1;
    tell(&mut app, What::Drawn(late));
    tell(&mut app, key(KeyCode::Tab));
    assert_eq!(tell(&mut app, key(KeyCode::Enter)), []);
    assert!(matches!(app.overlays.last(), Some(Overlay::Question(_))));
    drawn(&mut app);
    tell(&mut app, key(KeyCode::Tab));
    assert_ne!(tell(&mut app, key(KeyCode::Enter)), []);
}
