//! The mouse: what is pressed is what stands there.

use super::fixtures::*;
use crate::engine::Command;
use crate::tui::app::{App, Pane};
use crate::tui::message::{Effect, Gesture, What};
use crate::tui::shell::Left;

/// Where a text first stands on the screen.
fn find(app: &App, text: &str) -> (u16, u16) {
    let picture = super::pictures::picture(app);
    for (y, line) in (0_u16..).zip(picture.lines()) {
        if let Some(at) = line.find(text) {
            let x = unicode_width::UnicodeWidthStr::width(&line[..at]);
            return (u16::try_from(x).unwrap(), y);
        }
    }
    panic!("`{text}` stands nowhere on\n{picture}");
}

fn click(app: &mut App, text: &str) -> Vec<Effect> {
    let (x, y) = find(app, text);
    tell(app, What::Mouse(Gesture::Press(x, y)))
}

#[test]
fn a_click_on_a_tab_or_a_pane_gives_it_the_keys() {
    let mut app = board((100, 30));
    click(&mut app, "6 Failures");
    assert_eq!(app.focus, Pane::Failures);
    click(&mut app, "─ 5 Pace");
    assert_eq!(app.focus, Pane::Pace);
}

#[test]
fn a_click_on_a_hint_does_what_its_key_does() {
    let mut app = board((140, 40));
    assert_eq!(click(&mut app, "p pause"), [Effect::Command(Command::Pause)]);
}

#[test]
fn a_click_answers_a_question_only_when_it_could_be_read_and_nothing_shines_through() {
    let mut app = board((100, 30));
    press(&mut app, "q");
    assert_eq!(click(&mut app, "( Pause and leave )"), []);
    assert!(asks(&app), "it was not on the screen yet");
    drawn(&mut app);
    let (x, y) = find(&app, "A question");
    assert_eq!(tell(&mut app, What::Mouse(Gesture::Press(x, y + 1))), []);
    assert!(asks(&app));
    assert_eq!(click(&mut app, "( Pause and leave )"), [Effect::Command(Command::Drain)]);
}

#[test]
fn the_wheel_scrolls_the_pane_under_it() {
    let mut app = board((100, 30));
    let (x, y) = find(&app, "─ 6 Failures");
    tell(&mut app, What::Mouse(Gesture::Wheel(x + 2, y + 2, 1)));
    assert_eq!((app.focus, app.failures.cursor), (Pane::Failures, Some(183.into())));
}

#[test]
fn a_click_on_leave_leaves_where_nothing_goes_on() {
    let mut app = empty((100, 30));
    click(&mut app, "q close");
    assert_eq!(app.left, Some(Left::Ended));
}

#[test]
fn a_click_anywhere_on_any_size_does_no_harm() {
    for size in [(140, 40), (100, 30), (80, 24), (60, 16), (40, 12), (1, 1), (0, 0)] {
        let mut app = board(size);
        for y in (0..50).step_by(3) {
            for x in (0..150).step_by(7) {
                tell(&mut app, What::Mouse(Gesture::Press(x, y)));
                tell(&mut app, What::Mouse(Gesture::Wheel(x, y, -1)));
                app.overlays.clear();
            }
        }
    }
}
