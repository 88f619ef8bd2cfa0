//! Nothing that a file, an answer or a terminal can do makes the board panic, or puts its own bytes onto the screen.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::fixtures::*;
use crate::journal::FailureRow;
use crate::model::{Bottleneck, Fault, FaultKind, PauseFigures, Phase, RunState, Violation};
use crate::tui::app::{App, LARGEST};
use crate::tui::failures::{Anchor, Page};
use crate::tui::message::{Answer, Found, What};
use crate::tui::{record, view};

const HOSTILE: &str =
    "\x1b]0;owned\x07\x1b[2J\u{202e}evil\u{200b}\r\n\t\u{9b}31m山\u{301}\u{301}\u{301}\u{301}\u{301}\u{fe0f}";

fn draw(app: &App) -> Buffer {
    let (width, height) = app.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let cursor = view::draw(app, &mut buffer).cursor;
    if let Some((x, y)) = cursor {
        assert!(x < width && y < height, "the cursor stands at {x},{y} on {width}×{height}");
    }
    buffer
}

fn hostile_row() -> FailureRow {
    FailureRow {
        key: HOSTILE.repeat(50),
        message: HOSTILE.repeat(100),
        code: Some(HOSTILE.to_owned()),
        correlation_id: Some(HOSTILE.to_owned()),
        note: Some(HOSTILE.to_owned()),
        violations: vec![Violation::at(HOSTILE.to_owned(), HOSTILE.to_owned())],
        position: u64::MAX,
        count: u64::MAX,
        attempts: u32::MAX,
        unsure: u32::MAX,
        ..failure(180)
    }
}

fn hostile_board(size: (u16, u16)) -> App {
    let mut app = board(size);
    let run = app.run.as_mut().unwrap();
    run.figures.profile = HOSTILE.to_owned();
    run.figures.host = HOSTILE.to_owned();
    run.figures.datasets = vec![HOSTILE.to_owned(), HOSTILE.to_owned()];
    app.happenings.keep(happening(99, "13:00:00", HOSTILE, Some(HOSTILE), Some(HOSTILE)));
    app.failures.ask(Anchor::Start);
    let rows = vec![hostile_row()];
    tell(
        &mut app,
        What::Found(Found::Page(Page {
            anchor: Anchor::Start,
            rows,
            before: u64::MAX - 1,
            total: u64::MAX,
            open: 1,
            ..Page::default()
        })),
    );
    app
}

#[test]
fn no_text_from_outside_reaches_the_screen_as_it_is() {
    for size in [(140, 40), (80, 24), (60, 16), (20, 6)] {
        let mut app = hostile_board(size);
        let look = |app: &App| {
            for cell in &draw(app).content {
                let symbol = cell.symbol();
                assert!(!symbol.chars().any(char::is_control), "{symbol:?}");
                assert!(!symbol.chars().any(crate::text::is_deceptive), "{symbol:?}");
                assert!(symbol.chars().count() <= 6, "{symbol:?}");
            }
        };
        look(&app);
        press(&mut app, "6");
        tell(&mut app, key(KeyCode::Enter));
        let record = record::lines(HOSTILE.as_bytes());
        tell(
            &mut app,
            What::Found(Found::Failure(180.into(), Some(Box::new(detail_of(hostile_row(), record))))),
        );
        look(&app);
        tell(&mut app, What::JournalTrouble(HOSTILE.to_owned()));
        tell(&mut app, What::Answer(Answer::Started(Err(HOSTILE.to_owned()))));
        look(&app);
        assert!(!crate::tui::words::title(&app).chars().any(char::is_control));
    }
}

fn phases() -> impl Strategy<Value = Phase> {
    let fault = |message: String| {
        Phase::Faulted(Fault {
            at: moment().wall,
            kind: FaultKind::Disk,
            message: message.clone(),
            advice: message,
            resumes_at: Some(moment().wall),
        })
    };
    prop_oneof![
        (any::<u64>(), any::<Option<u64>>()).prop_map(|(read, of)| Phase::Checking { read, of }),
        Just(Phase::Running),
        Just(Phase::Pausing),
        Just(Phase::Paused),
        ".{0,300}".prop_map(fault),
        Just(Phase::Draining),
        prop::sample::select(RunState::ALL).prop_map(Phase::Ended),
    ]
}

fn bottlenecks() -> impl Strategy<Value = Option<Bottleneck>> {
    prop::option::of(prop::sample::select(vec![
        Bottleneck::Bucket,
        Bottleneck::Platform,
        Bottleneck::Pause,
        Bottleneck::Backoffs,
        Bottleneck::Latency,
        Bottleneck::Order,
        Bottleneck::Disk,
        Bottleneck::Reading,
    ]))
}

/// Anything a person can type, the dangerous keys more often.
fn keys() -> impl Strategy<Value = Vec<(KeyCode, KeyModifiers)>> {
    let plain = |code: KeyCode| (code, KeyModifiers::NONE);
    let key = prop_oneof![
        prop::sample::select("3456pqrRz<>[]?yjkx0123456789й山".chars().collect::<Vec<_>>())
            .prop_map(move |char| plain(KeyCode::Char(char))),
        prop::sample::select(vec![
            KeyCode::Tab,
            KeyCode::BackTab,
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::PageUp,
            KeyCode::PageDown,
            KeyCode::Home,
            KeyCode::End,
            KeyCode::Backspace,
        ])
        .prop_map(plain),
        prop::sample::select(vec!['c', 'z', 'l', 'u'])
            .prop_map(|char| (KeyCode::Char(char), KeyModifiers::CONTROL)),
        any::<char>().prop_map(|char| (KeyCode::Char(char), KeyModifiers::ALT)),
    ];
    prop::collection::vec(key, 0..40)
}

#[test]
fn of_a_terminal_that_is_too_large_for_any_memory_a_part_is_drawn_on() {
    let mut app = board((u16::MAX, u16::MAX));
    assert_eq!(app.size, LARGEST);
    tell(&mut app, What::Resize(u16::MAX, 20));
    assert_eq!(app.size, (LARGEST.0, 20));
    draw(&app);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_size_state_or_key_makes_it_panic(
        size in (0_u16..=200, 0_u16..=60),
        other in (0_u16..=200, 0_u16..=60),
        phase in phases(),
        bottleneck in bottlenecks(),
        numbers in (any::<u64>(), any::<u64>(), any::<u64>(), any::<f64>(), any::<Option<f64>>()),
        pause in any::<bool>(),
        typed in keys(),
        message in ".{0,80}",
    ) {
        let mut app = if numbers.0 % 7 == 0 { empty(size) } else { board(size) };
        let mut given = figures();
        given.phase = phase;
        given.bottleneck = bottleneck;
        given.records.total = (numbers.0 % 3 != 0).then_some(numbers.1);
        given.records.pending = numbers.0 / 8;
        given.records.delivered = numbers.1 / 8;
        given.waiting = numbers.2;
        given.requests = numbers.0;
        given.throttled = numbers.2;
        given.records_per_second = numbers.3;
        given.pace.rate = numbers.3;
        given.pace.ceiling = numbers.4;
        given.pace.learnt = numbers.4;
        given.pace.window = given.pace.window.map(|mut window| { window.used = numbers.0; window.ours = numbers.1; window });
        if pause {
            let now = moment().instant;
            given.pace.pause = Some(PauseFigures { since: now, until: now + Duration::from_millis(numbers.0 % 100_000), probing: numbers.1 % 2 == 0 });
        }
        tell(&mut app, What::Figures(Box::new(given)));
        draw(&app);
        for (code, modifiers) in typed {
            tell(&mut app, What::Key(KeyEvent::new(code, modifiers)));
            draw(&app);
            drawn(&mut app);
        }
        app.overlays.clear();
        ask_to_send(&mut app, &[1, 2, 3]);
        tell(&mut app, What::Paste(message.clone()));
        tell(&mut app, What::JournalTrouble(message));
        tell(&mut app, What::Resize(other.0, other.1));
        tell(&mut app, What::Clock);
        draw(&app);
        let _ = app.next_change();
    }
}
