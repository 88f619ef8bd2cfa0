//! What the board looks like, at every size, with a clock that stands still.

use std::fmt::Write as _;
use std::time::Duration;

use crossterm::event::KeyCode;
use insta::assert_snapshot;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::fixtures::*;
use crate::model::{Fault, FaultKind, PauseFigures, Phase, RunState, Violation};
use crate::tui::Keeps;
use crate::tui::app::{App, Carried};
use crate::tui::message::{Found, What};
use crate::tui::theme::{Decoration, GlyphSet};
use crate::tui::{record, view};

const SIZES: [(u16, u16); 6] = [(140, 40), (100, 30), (80, 24), (60, 16), (40, 12), (1, 1)];

/// The board as text, with the real cursor's place below.
pub(super) fn picture(app: &App) -> String {
    let (width, height) = app.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let cursor = view::draw(app, &mut buffer).cursor;
    let mut text = String::new();
    for y in 0..height {
        let mut skip = 0;
        for x in 0..width {
            let symbol = buffer[(x, y)].symbol();
            if skip == 0 {
                text.push_str(symbol);
                skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            } else {
                skip -= 1;
            }
        }
        text.push_str("|\n");
    }
    let _ = write!(text, "cursor {cursor:?}");
    text
}

/// The same board at every size.
pub(super) fn pictures(make: impl Fn((u16, u16)) -> App) -> String {
    let mut all = String::new();
    for size in SIZES {
        let _ = writeln!(all, "{}×{}\n{}\n", size.0, size.1, picture(&make(size)));
    }
    all
}

fn fault() -> Fault {
    Fault {
        at: "2026-11-21T12:31:07Z".parse().unwrap(),
        kind: FaultKind::ClientRefused,
        message: "the platform no longer accepts this profile's secret".to_owned(),
        advice: "get the new secret of client 3f0c…91 from who keeps it".to_owned(),
        resumes_at: None,
    }
}

#[test]
fn a_throttled_run_with_the_run_pane_in_focus() {
    assert_snapshot!(pictures(board));
}

#[test]
fn the_failures_in_focus() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        press(&mut app, "6jj");
        app
    }));
}

#[test]
fn the_workers_in_focus() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        press(&mut app, "4");
        app
    }));
}

#[test]
fn the_pace_in_focus_while_the_lane_is_paused() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        press(&mut app, "5");
        let now = app.now.instant;
        let mut given = figures();
        given.pace.pause = Some(PauseFigures {
            since: now.checked_sub(Duration::from_secs(20)).unwrap(),
            until: now + Duration::from_secs(40),
            probing: false,
        });
        given.bottleneck = Some(crate::model::Bottleneck::Pause);
        tell(&mut app, What::Figures(Box::new(given)));
        app
    }));
}

#[test]
fn a_fault() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        in_phase(&mut app, Phase::Faulted(fault()));
        app
    }));
}

#[test]
fn an_ended_run() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        in_phase(&mut app, Phase::Ended(RunState::CompletedWithFailures));
        app
    }));
}

#[test]
fn an_empty_board() {
    assert_snapshot!(pictures(empty));
}

#[test]
fn a_run_that_somebody_else_carries() {
    let mut app = board((80, 24));
    app.run.as_mut().unwrap().carried = Carried::Elsewhere("maria, process 4121".to_owned());
    press(&mut app, "p");
    assert_snapshot!(picture(&app));
}

#[test]
fn one_failure() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        press(&mut app, "6");
        tell(&mut app, key(KeyCode::Enter));
        let mut row = failure(180);
        row.violations = vec![Violation::at("/duration_seconds", "must be an integer")];
        row.unsure = 1;
        row.attempts = 3;
        let record =
            record::lines(br#"{"external_id":"TXN-90180","duration_seconds":"12","channel":"voice"}"#);
        tell(&mut app, What::Found(Found::Failure(180.into(), Some(Box::new(detail_of(row, record))))));
        app
    }));
}

#[test]
fn the_question_before_sending_many_on_production() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        ask_to_send(&mut app, &(0..4210).collect::<Vec<_>>());
        drawn(&mut app);
        press(&mut app, "42");
        app
    }));
}

#[test]
fn the_question_before_leaving() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        press(&mut app, "q");
        app
    }));
}

#[test]
fn a_demo_promises_nothing_that_is_gone_when_it_is_left() {
    let mut app = board((100, 30));
    app.keeps = Keeps::Nothing;
    assert!(picture(&app).contains("This is practice: the run is thrown away when you leave"));
    press(&mut app, "q");
    let asked = picture(&app);
    assert!(asked.contains("│ This is practice") && !asked.contains("resume"), "{asked}");
    in_phase(&mut app, Phase::Ended(RunState::Paused));
    press(&mut app, "p");
    assert!(!picture(&app).contains("resume"), "{}", picture(&app));
}

#[test]
fn the_help() {
    assert_snapshot!(pictures(|size| {
        let mut app = board(size);
        press(&mut app, "?");
        app
    }));
}

#[test]
fn ascii_draws_nothing_else() {
    let mut app = board((140, 40));
    app.look.glyphs = GlyphSet::Ascii;
    press(&mut app, "6");
    let picture = picture(&app);
    assert!(picture.is_ascii(), "{picture}");
    assert_snapshot!(picture);
}

#[test]
fn plain_has_no_frames_and_nothing_that_moves_by_itself() {
    let mut app = board((100, 30));
    app.look.decoration = Decoration::Plain;
    assert_eq!(app.next_change(), None);
    let picture = picture(&app);
    assert!(!picture.contains(['│', '┌', '█', '░', '▓', '▁']), "{picture}");
    assert_snapshot!(picture);
}
