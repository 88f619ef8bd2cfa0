//! The loop: it draws no more than it must, and nothing holds it up.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tokio::sync::{mpsc, watch};

use super::fixtures::*;
use super::nobody::Nobody;
use crate::engine::Command;
use crate::journal::Journal;
use crate::model::{Figures, Phase, RunState};
use crate::tui::live::Live;
use crate::tui::message::What;
use crate::tui::shell::{Left, Shell};
use crate::tui::terminal::{Screen, Terminal};
use crate::tui::{Board, Keeps, TuiError};

/// A run in a test's hand.
struct Run {
    figures: Mutex<Figures>,
    changes: watch::Sender<u64>,
    commands: mpsc::UnboundedSender<Command>,
    samples: AtomicUsize,
}

impl Run {
    fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Command>) {
        let (commands, given) = mpsc::unbounded_channel();
        let mut figures = figures();
        figures.items = crate::model::Tally::default();
        figures.last_event = 0;
        let run = Self {
            figures: Mutex::new(figures),
            changes: watch::Sender::new(0),
            commands,
            samples: AtomicUsize::new(0),
        };
        (Arc::new(run), given)
    }

    fn change(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.figures.lock().unwrap());
        self.changes.send_modify(|changes| *changes += 1);
    }
}

impl Live for Run {
    fn figures(&self) -> Figures {
        self.samples.fetch_add(1, Ordering::SeqCst);
        self.figures.lock().unwrap().clone()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn command(&self, command: Command) -> bool {
        self.commands.send(command).is_ok()
    }
}

/// Counts frames and keeps what was written; or takes nothing at all.
#[derive(Clone, Default)]
struct Paper {
    frames: Arc<AtomicUsize>,
    text: Arc<Mutex<Vec<u8>>>,
    stuck: bool,
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stuck {
            loop {
                std::thread::park();
            }
        }
        if bytes.starts_with(b"\x1b[?2026h") {
            self.frames.fetch_add(1, Ordering::SeqCst);
        }
        self.text.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Bench {
    keys: mpsc::UnboundedSender<io::Result<Event>>,
    told: mpsc::Sender<What>,
    paper: Paper,
    screen: Arc<Screen>,
    board: tokio::task::JoinHandle<Result<Left, TuiError>>,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn set_up(live: Option<Arc<dyn Live>>, paper: Paper) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let (typed, mut typing) = mpsc::unbounded_channel();
        let events = Box::pin(futures_util::stream::poll_fn(move |context| typing.poll_recv(context)));
        let (told, inbox) = mpsc::channel(64);
        let mut app = empty((100, 30));
        app.now.instant = tokio::time::Instant::now().into_std();
        let screen = Screen::of(Box::new(paper.clone()));
        let terminal = Terminal::on(Arc::clone(&screen));
        let by = "sam".to_owned();
        let board = Board { live, journal, run: None, office: Arc::new(Nobody), by, keeps: Keeps::Journal };
        let shell = Shell::new(app, terminal, events, (told.clone(), inbox), board).unwrap();
        let board = tokio::spawn(shell.run());
        Self { keys: typed, told, paper, screen, board, _folder: folder }
    }

    async fn first_frame(&self) {
        within("the first frame", async {
            while self.paper.frames.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    fn press(&self, char: char) {
        self.key(char, KeyModifiers::NONE);
    }

    fn control(&self, char: char) {
        self.key(char, KeyModifiers::CONTROL);
    }

    fn key(&self, char: char, modifiers: KeyModifiers) {
        self.keys.send(Ok(Event::Key(KeyEvent::new(KeyCode::Char(char), modifiers)))).unwrap();
    }
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

#[tokio::test]
async fn a_stuck_terminal_stops_neither_the_run_nor_the_keys() {
    let (run, mut given) = Run::new();
    let paper = Paper { stuck: true, ..Paper::default() };
    let bench = Bench::set_up(Some(run.clone()), paper);
    bench.press('p');
    assert_eq!(within("the pause", given.recv()).await, Some(Command::Pause));
    // the engine goes on changing its figures, and nobody keeps it from it
    for _ in 0..10_000 {
        run.change(|figures| figures.requests += 1);
    }
    bench.control('c');
    bench.control('c');
    assert_eq!(within("the drain", given.recv()).await, Some(Command::Drain));
    run.change(|figures| figures.phase = Phase::Ended(RunState::Paused));
    assert_eq!(within("the board", bench.board).await.unwrap().unwrap(), Left::PausedAndLeft);
}

#[tokio::test]
async fn a_flood_of_changes_is_sampled_and_drawn_thirty_times_a_second_at_the_most() {
    let (run, _given) = Run::new();
    let bench = Bench::set_up(Some(run.clone()), Paper::default());
    let begun = std::time::Instant::now();
    let changes = Arc::new(AtomicU64::new(0));
    let flood = {
        let (run, changes) = (run.clone(), changes.clone());
        std::thread::spawn(move || {
            while begun.elapsed() < Duration::from_secs(1) {
                run.change(|figures| figures.requests += 1);
                changes.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    within("the flood", tokio::task::spawn_blocking(move || flood.join().unwrap())).await.unwrap();
    let beats = usize::try_from(begun.elapsed().as_millis()).unwrap() * 30 / 1000 + 3;
    let (samples, frames) = (run.samples.load(Ordering::SeqCst), bench.paper.frames.load(Ordering::SeqCst));
    assert!(samples <= beats + 1, "{samples} samples in {:?}", begun.elapsed());
    assert!(frames <= beats, "{frames} frames in {:?}", begun.elapsed());
    assert!(changes.load(Ordering::SeqCst) > 300);
    bench.board.abort();
}

#[tokio::test]
async fn an_idle_board_draws_nothing() {
    let bench = Bench::set_up(None, Paper::default());
    bench.first_frame().await;
    // what is known of the profiles has come by then, too
    tokio::time::sleep(Duration::from_millis(200)).await;
    let settled = bench.paper.frames.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(bench.paper.frames.load(Ordering::SeqCst), settled);
    bench.press('q');
    assert_eq!(within("the board", bench.board).await.unwrap().unwrap(), Left::Ended);
}

#[tokio::test]
async fn a_panic_elsewhere_ends_a_board_that_nothing_else_wakes() {
    let bench = Bench::set_up(None, Paper::default());
    bench.first_frame().await;
    bench.screen.take_down();
    bench.screen.told_of_a_panic();
    let ended = within("the board", bench.board).await.unwrap();
    assert!(matches!(ended, Err(TuiError::Panicked)), "{ended:?}");
}

#[tokio::test]
async fn a_flood_of_messages_does_not_keep_a_key_waiting() {
    let (run, mut given) = Run::new();
    let bench = Bench::set_up(Some(run), Paper::default());
    let told = bench.told.clone();
    let flood = tokio::spawn(async move { while told.send(What::Clock).await.is_ok() {} });
    bench.press('p');
    assert_eq!(within("the pause", given.recv()).await, Some(Command::Pause));
    flood.abort();
    bench.board.abort();
}

#[tokio::test]
async fn the_end_of_the_input_is_the_end_of_the_terminal() {
    let (run, mut given) = Run::new();
    let Bench { keys, board, .. } = Bench::set_up(Some(run.clone()), Paper::default());
    keys.send(Err(io::Error::other("gone"))).unwrap();
    assert_eq!(within("the drain", given.recv()).await, Some(Command::Drain));
    run.change(|figures| figures.phase = Phase::Ended(RunState::Paused));
    assert_eq!(within("the board", board).await.unwrap().unwrap(), Left::Hangup);
}

#[tokio::test]
async fn the_board_ends_as_the_run_does_and_the_screen_is_put_back() {
    let (run, _given) = Run::new();
    let bench = Bench::set_up(Some(run.clone()), Paper::default());
    run.change(|figures| figures.phase = Phase::Ended(RunState::Completed));
    let text = bench.paper.text.clone();
    within("the news of the end", async {
        while !String::from_utf8_lossy(&text.lock().unwrap()).contains('\x07') {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    bench.press('q');
    assert_eq!(within("the board", bench.board).await.unwrap().unwrap(), Left::Ended);
    let written = text.lock().unwrap().clone();
    let written = String::from_utf8_lossy(&written);
    assert_eq!(written.matches("\x1b[?1049l").count(), 1);
    assert!(written.ends_with("\x1b[23;0t"), "nothing is drawn after");
}
