//! What a person sees of a run while it goes, and the keys with which they steer it.

use crossterm::event::KeyCode;

use super::fixtures::*;
use super::pictures::picture;
use crate::engine::Command;
use crate::model::{ActFigures, Bottleneck, Figures, Phase, RunState, WindowFigures};
use crate::tui::app::App;
use crate::tui::canvas::width;
use crate::tui::message::{Effect, Look, What};
use crate::tui::shell::Left;
use crate::tui::words;

fn with(app: &mut App, change: impl FnOnce(&mut Figures)) {
    let mut given = figures();
    change(&mut given);
    tell(app, What::Figures(Box::new(given)));
}

fn commands(effects: &[Effect]) -> Vec<Command> {
    let command = |effect: &Effect| match effect {
        Effect::Command(command) => Some(command.clone()),
        _ => None,
    };
    effects.iter().filter_map(command).collect()
}

fn workers(workers: u16) -> Vec<Command> {
    vec![Command::SetWorkers { workers, by: "sam".to_owned() }]
}

#[test]
fn workers_are_asked_for_one_by_one_and_both_numbers_are_shown_until_they_agree() {
    let mut app = board((140, 40));
    assert_eq!(commands(&press(&mut app, "+")), workers(5));
    assert_eq!(commands(&press(&mut app, "+")), workers(6));
    assert_eq!(commands(&press(&mut app, "-")), workers(5));
    assert!(picture(&app).contains(" asked for 5 ─"), "{}", picture(&app));
    with(&mut app, |figures| figures.workers_asked = 5);
    assert_eq!(app.asked.workers, None, "confirmed");
    assert!(picture(&app).contains("asked for 5"), "the fifth has not begun");
    tell(&mut app, What::NotTaken(Command::SetWorkers { workers: 9, by: "sam".to_owned() }));
    assert_eq!(app.asked.workers, None);
}

#[test]
fn workers_end_at_one_and_where_a_plan_ends_and_it_says_so() {
    let mut app = board((80, 24));
    with(&mut app, |figures| figures.workers_asked = 1000);
    assert_eq!(commands(&press(&mut app, "+")), []);
    assert!(app.notice.as_ref().unwrap().text.contains("1,000 at a time is the most"));
    with(&mut app, |figures| figures.workers_asked = 1);
    assert_eq!(commands(&press(&mut app, "-")), []);
    assert!(app.notice.as_ref().unwrap().text.contains("one at a time is the least"));
}

#[test]
fn a_ceiling_is_said_to_be_reached_only_beside_a_rate_that_reaches_it() {
    let mut app = board((140, 40));
    let mut told = |rate| {
        with(&mut app, |figures| {
            figures.bottleneck = Some(Bottleneck::Bucket);
            (figures.pace.ceiling, figures.pace.rate, figures.pace.pause) = (Some(45.0), rate, None);
        });
        picture(&app)
    };
    assert!(told(44.0).contains("the ceiling of 45 calls a second is reached (44 now)"));
    let after_a_pause = told(35.0);
    assert!(after_a_pause.contains("calls wait for the ceiling of 45 a second."), "{after_a_pause}");
}

#[test]
fn going_above_what_the_platform_is_known_to_take_asks_first() {
    let mut app = board((80, 24));
    // 300 a minute are 5 a second: up to there it is nobody's business
    assert_eq!(commands(&press(&mut app, ">")).len(), 1);
    with(&mut app, |figures| figures.pace.ceiling = Some(5.0));
    assert_eq!(commands(&press(&mut app, ">")), []);
    assert!(asks(&app));
    let asked = picture(&app);
    assert!(asked.contains("Allow 10 calls a second to PRODUCTION acme-prod?"), "{asked}");
    assert!(asked.contains("▸( Stay at 5.0 )"), "the harmless answer is marked: {asked}");
    drawn(&mut app);
    let effects = press(&mut app, "y");
    assert_eq!(commands(&effects), [Command::SetRate { rate: Some(10.0), by: "sam".to_owned() }]);
    // down never asks
    with(&mut app, |figures| figures.pace.ceiling = Some(50.0));
    assert_eq!(commands(&press(&mut app, "<")).len(), 1);
}

#[test]
fn a_platform_that_tells_no_window_is_no_reason_to_ask() {
    let mut app = board((80, 24));
    with(&mut app, |figures| {
        figures.pace.window = None;
        figures.pace.ceiling = Some(50.0);
    });
    assert_eq!(commands(&press(&mut app, ">")).len(), 1);
}

#[test]
fn a_live_run_is_cancelled_through_its_own_queue_after_the_typed_number() {
    let mut app = board((80, 24));
    press(&mut app, "X");
    drawn(&mut app);
    assert!(asks(&app));
    assert_eq!(commands(&press(&mut app, "y")), [], "y is dead where a number is asked for");
    press(&mut app, "376000");
    let effects = tell(&mut app, key(KeyCode::Enter));
    assert_eq!(commands(&effects), [Command::Cancel { by: "sam".to_owned() }]);
}

/// Every bottleneck in every circumstance that changes its words.
fn circumstances() -> Vec<Figures> {
    let all = [
        Bottleneck::Bucket,
        Bottleneck::Platform,
        Bottleneck::Pause,
        Bottleneck::Backoffs,
        Bottleneck::Latency,
        Bottleneck::Order,
        Bottleneck::Disk,
        Bottleneck::Jobs,
        Bottleneck::Reading,
    ];
    let mut given = Vec::new();
    for bound in all.into_iter().map(Some).chain([None]) {
        for window in [
            None,
            figures().pace.window,
            figures().pace.window.map(|window| WindowFigures { used: 12, ..window }),
        ] {
            for ceiling in [None, Some(4.0)] {
                let mut one = figures();
                (one.bottleneck, one.pace.window, one.pace.ceiling) = (bound, window, ceiling);
                one.jobs = 1_234;
                one.waiting = 12_345;
                "a-profile-with-a-name-that-is-as-long-as-it-may-be".clone_into(&mut one.profile);
                given.push(one);
            }
        }
    }
    given
}

#[test]
fn why_it_is_not_faster_is_never_cut() {
    for room in [58, 78, 98, 138] {
        for given in circumstances() {
            let mut app = board((80, 24));
            tell(&mut app, What::Figures(Box::new(given)));
            let (why, _) = words::why(&app, room);
            assert!(width(&why) <= room, "{room}: {why}");
            assert!(why.ends_with('.'), "a whole sentence: {why}");
        }
    }
}

#[test]
fn why_it_is_not_faster_says_what_was_measured() {
    let why = |change: &dyn Fn(&mut Figures)| {
        let mut app = board((140, 40));
        with(&mut app, |figures| change(figures));
        words::why(&app, 138).0
    };
    let used_up = why(&|_| {});
    assert_eq!(
        used_up,
        "Why not faster: acme-prod allows 300 calls a window; others use 282 of them. New ones in 12 s."
    );
    let ours = why(&|figures| figures.pace.window.as_mut().unwrap().ours = 300);
    assert!(ours.contains("all are used"), "nobody else is blamed: {ours}");
    let learnt = why(&|figures| figures.pace.window.as_mut().unwrap().used = 12);
    assert!(
        learnt.contains("0.3 calls a second is what it takes now"),
        "a window with room does not bind: {learnt}"
    );
    let one = why(&|figures| {
        figures.bottleneck = Some(Bottleneck::Backoffs);
        figures.waiting = 1;
    });
    assert!(one.contains("1 chunk waits"), "{one}");
    let latency = why(&|figures| figures.bottleneck = Some(Bottleneck::Latency));
    assert!(latency.contains("half of the calls take 182 ms or more. + sends more at a time."), "{latency}");
}

#[test]
fn a_run_that_does_not_go_on_tells_no_time_left() {
    for phase in [Phase::Paused, Phase::Pausing, Phase::Draining, Phase::Ended(RunState::Paused)] {
        let mut app = board((80, 24));
        in_phase(&mut app, phase.clone());
        assert!(!picture(&app).contains("left "), "{phase:?}: {}", picture(&app));
    }
}

#[test]
fn failures_that_are_sent_again_are_counted_while_that_goes_on() {
    let mut app = board((80, 24));
    with(&mut app, |figures| {
        figures.act =
            Some(ActFigures { asked: 2580, delivered: 2471, failed: 100, left: 9, by: "sam".to_owned() });
    });
    let shown = picture(&app);
    assert!(shown.contains("you send 2,580 again: delivered 2,471, refused again 100, to go 9"), "{shown}");
}

#[test]
fn what_happened_is_looked_through_and_stays_where_it_was() {
    let mut app = board((80, 24));
    for event in 10..60 {
        app.happenings.keep(happening(event, "13:00:00", "note", None, Some(&format!("thing {event}"))));
    }
    assert!(picture(&app).contains("thing 59"));
    for _ in 0..30 {
        tell(&mut app, key(KeyCode::Down));
    }
    assert!(picture(&app).contains("▸14:00:00  thing 29"), "{}", picture(&app));
    app.happenings.keep(happening(60, "13:00:00", "note", None, Some("newer")));
    assert!(picture(&app).contains("▸14:00:00  thing 29"));
    tell(&mut app, key(KeyCode::Home));
    assert!(picture(&app).contains("newer"));
}

#[test]
fn leaving_shows_calls_and_seconds_and_hands_the_run_over_when_that_was_chosen() {
    let mut app = board((100, 30));
    press(&mut app, "q");
    drawn(&mut app);
    // Stay is marked, then Pause and leave, then without a screen
    tell(&mut app, key(KeyCode::Tab));
    tell(&mut app, key(KeyCode::Tab));
    let effects = tell(&mut app, key(KeyCode::Enter));
    assert_eq!(commands(&effects), [Command::Drain]);
    let shown = picture(&app);
    assert!(shown.contains("leaving… 00:00") && shown.contains("2 calls are being finished"), "{shown}");
    assert!(app.next_change().is_some(), "the seconds are counted");
    in_phase(&mut app, Phase::Ended(RunState::Paused));
    assert_eq!(app.left, Some(Left::Detached));
}

#[test]
fn enter_on_an_act_shows_what_became_of_it_and_on_anything_else_says_why_not() {
    let mut app = board((80, 24));
    let mut act = happening(20, "13:00:00", "act", None, Some("sam: sends 2 failures again"));
    act.act = Some(7);
    app.happenings.keep(act);
    let effects = tell(&mut app, key(KeyCode::Enter));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Look(Look::Act(7)))), "{effects:?}");
    tell(&mut app, key(KeyCode::Down));
    tell(&mut app, key(KeyCode::Enter));
    assert!(app.notice.as_ref().unwrap().text.contains("no act of a person"));
}
