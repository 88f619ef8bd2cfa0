//! The real board on a screen that a test can read, in front of the real office, which has a real platform: the sandbox.
//!
//! Waiting is always for something to be seen. A question and a form take only keys that came after they were drawn, and
//! the news that a frame was drawn comes a moment after the frame: `settle` waits for that news.

use std::io::{self, Write};
use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use super::super::fixtures::empty;
use crate::config::{Secret, SecretSource};
use crate::journal::{Journal, RunRow};
use crate::model::{OperationKind, Phase, PlatformKind};
use crate::plan::Plan;
use crate::sandbox::{CLIENT_ID, CLIENT_SECRET, Sandbox, Scenario};
use crate::tui::shell::{Left, Shell, TuiError};
use crate::tui::terminal::{Screen, Terminal};
use crate::tui::{Board, Keeps, Live, Office, ProfileDraft, Started};

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a whole walk may take. It is looked at from outside: a thread that is blocked cannot see its own clock.
const WALK: Duration = Duration::from_mins(2);

type Picture = Arc<Mutex<vt100::Parser>>;

thread_local! {
    /// Where the screen of this thread's walk is hung up, for whoever finds that it stands still.
    static WALL: Arc<Mutex<Option<Picture>>> = Arc::default();
}

/// Plays a story on a thread and a runtime of its own. Neither is waited for where it fails.
pub fn played(story: impl Future<Output = ()> + Send + 'static) {
    let (told, ended) = std::sync::mpsc::channel();
    let (hung, walls) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        hung.send(WALL.with(Arc::clone)).unwrap();
        let runtime = Runtime::new().unwrap();
        let end = catch_unwind(AssertUnwindSafe(|| runtime.block_on(story)));
        runtime.shutdown_background();
        let _ = told.send(end);
    });
    let wall = walls.recv().unwrap();
    match ended.recv_timeout(WALK) {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => {
            let picture = wall.lock().unwrap().clone();
            let text = match picture.as_ref().map(|picture| picture.try_lock()) {
                Some(Ok(picture)) => picture.screen().contents(),
                Some(Err(_)) => "(somebody holds the screen)".to_owned(),
                None => "(there was no screen yet)".to_owned(),
            };
            panic!("it has been standing still for {WALK:?}; the screen shows:\n{text}");
        }
    }
}

/// A platform, and the folder of a person who works with it.
pub struct House {
    pub sandbox: Sandbox,
    pub folder: TempDir,
}

impl House {
    pub async fn like(scenario: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scenario.toml");
        std::fs::write(&path, scenario).unwrap();
        crate::platform::ensure_crypto();
        let sandbox = Sandbox::start(Scenario::load(&path).unwrap(), Some(7), 0).await.unwrap();
        Self { sandbox, folder }
    }

    /// An office of this person: each is as that of a process of its own.
    pub fn office(&self) -> (Arc<dyn Office>, Journal) {
        crate::cli::office_over(self.folder.path())
    }

    /// A profile of this name for the platform is in the configuration.
    pub async fn has_profile(&self, production: bool) {
        let draft = ProfileDraft {
            name: "acme".to_owned(),
            platform: PlatformKind::Cxone,
            region: None,
            api_url: Some(self.sandbox.url()),
            auth_url: None,
            client_id: CLIENT_ID.to_owned(),
            production,
            read_only: false,
            home: SecretSource::File(std::path::PathBuf::new()),
            secret: Some(Secret::new(CLIENT_SECRET.to_owned())),
        };
        self.office().0.save(draft, None).await.unwrap();
    }

    /// A file of these contacts, each with its subcategory.
    pub fn contacts(&self, rows: &[(&str, &str)]) -> String {
        let rows: Vec<String> = rows.iter().map(|(id, sub)| format!("{id},Contacted,{sub}\n")).collect();
        let path = self.folder.path().join("contacts.csv");
        std::fs::write(&path, format!("contactId,category,subcategory\n{}", rows.concat())).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Begins a run of this file, without a board.
    pub async fn begins(office: &dyn Office, file: &str, settings: &[(&str, &str)]) -> Started {
        let mut plan = Plan::new(OperationKind::Outcomes);
        plan.profile = Some("acme".to_owned());
        plan.datasets = vec![file.to_owned()];
        plan.set_all(settings).unwrap();
        let flight = office.check(plan, Arc::new(|_, _| ())).await.unwrap();
        office.begin(flight.number).await.unwrap()
    }

    pub fn applied(&self) -> u64 {
        self.ledger()["outcomes"]["applied"].as_u64().unwrap_or(0)
    }

    pub fn ledger(&self) -> Value {
        self.sandbox.ledger()
    }

    /// The board over a run of the journal, or over none.
    pub fn board(&self, run: Option<RunRow>) -> Seat {
        let (office, journal) = self.office();
        Seat::take(office, journal, run)
    }
}

/// Waits until a run is like that.
pub async fn until(live: &Arc<dyn Live>, what: &str, is: impl Fn(&crate::model::Figures) -> bool) {
    let mut changes = live.changes();
    let waited = async {
        while !is(&live.figures()) {
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("{what} never came"));
}

/// Waits until nobody carries the only run any more.
pub async fn let_go(journal: &Journal) -> RunRow {
    let reader = journal.reader().unwrap();
    let begun = Instant::now();
    loop {
        let run = reader.runs().unwrap().remove(0);
        if run.carrier.is_none() {
            return run;
        }
        assert!(begun.elapsed() < PATIENCE, "it was never let go: {run:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A run is over.
pub fn has_ended(figures: &crate::model::Figures) -> bool {
    matches!(figures.phase, Phase::Ended(_))
}

/// A screen that is only looked at.
#[derive(Clone)]
struct Glass {
    screen: Picture,
    frames: watch::Sender<u64>,
    /// Frames that were drawn from nothing.
    whole: Arc<AtomicUsize>,
}

impl Write for Glass {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.screen.lock().unwrap().process(bytes);
        if bytes.windows(4).any(|four| four == b"\x1b[2J") {
            self.whole.fetch_add(1, Ordering::SeqCst);
        }
        self.frames.send_modify(|frames| *frames += 1);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A person in front of the board.
pub struct Seat {
    keys: mpsc::UnboundedSender<io::Result<Event>>,
    glass: Glass,
    board: tokio::task::JoinHandle<Result<Left, TuiError>>,
    /// Keys that were pressed so far.
    pub pressed: usize,
}

impl Seat {
    /// In front of a run of the journal, or of none.
    pub fn take(office: Arc<dyn Office>, journal: Journal, run: Option<RunRow>) -> Self {
        let by = "sam".to_owned();
        Self::before(Board { live: None, journal, run, office, by, keeps: Keeps::Journal })
    }

    pub fn before(board: Board) -> Self {
        let (width, height) = (120_u16, 36_u16);
        let some = |number| NonZeroU16::new(number).unwrap();
        let glass = Glass {
            screen: Arc::new(Mutex::new(vt100::Parser::new(some(height), some(width), 0))),
            frames: watch::Sender::new(0),
            whole: Arc::default(),
        };
        WALL.with(|wall| *wall.lock().unwrap() = Some(Arc::clone(&glass.screen)));
        let (keys, mut typing) = mpsc::unbounded_channel();
        let events = Box::pin(futures_util::stream::poll_fn(move |context| typing.poll_recv(context)));
        let (told, inbox) = mpsc::channel(64);
        let mut app = empty((width, height));
        app.now.instant = tokio::time::Instant::now().into_std();
        app.now.wall = jiff::Timestamp::now();
        app.by.clone_from(&board.by);
        app.places = Some(board.office.places());
        let terminal = Terminal::on(Screen::of(Box::new(glass.clone())));
        let shell = Shell::new(app, terminal, events, (told, inbox), board).unwrap();
        Self { keys, glass, board: tokio::spawn(shell.run()), pressed: 0 }
    }

    /// Presses a key.
    pub fn key(&mut self, code: KeyCode) {
        self.pressed += 1;
        self.event(code, KeyModifiers::NONE);
    }

    fn event(&self, code: KeyCode, modifiers: KeyModifiers) {
        self.keys.send(Ok(Event::Key(KeyEvent::new(code, modifiers)))).unwrap();
    }

    /// Presses these letters, one after another.
    pub fn press(&mut self, letters: &str) {
        for char in letters.chars() {
            self.key(KeyCode::Char(char));
        }
    }

    /// Puts something into the field that has the keys, in the place of what stands there.
    pub fn fill(&mut self, text: &str) {
        self.event(KeyCode::Char('u'), KeyModifiers::CONTROL);
        self.keys.send(Ok(Event::Paste(text.to_owned()))).unwrap();
    }

    /// What is on the screen.
    pub fn text(&self) -> String {
        self.glass.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is like that.
    pub async fn until(&self, what: &str, is: impl Fn(&str) -> bool) {
        let mut frames = self.glass.frames.subscribe();
        let waited = async {
            while !is(&self.text()) {
                frames.changed().await.unwrap();
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, waited).await.is_ok();
        assert!(in_time, "{what} never came; the screen shows:\n{}", self.text());
    }

    /// Waits until the screen shows the text.
    pub async fn sees(&self, text: &str) {
        self.until(&format!("`{text}`"), |screen| screen.contains(text)).await;
    }

    /// Waits until what is on the screen is known to be there: a frame is made only after the one before.
    pub async fn settle(&self) {
        let before = self.glass.whole.load(Ordering::SeqCst);
        self.event(KeyCode::Char('l'), KeyModifiers::CONTROL);
        let whole = &self.glass.whole;
        self.until("a frame", |_| whole.load(Ordering::SeqCst) > before).await;
    }

    /// Answers a question or presses a button, once that could be read.
    pub async fn answers(&mut self, code: KeyCode) {
        self.settle().await;
        self.key(code);
    }

    /// Goes on with Tab until the field or the button of this name has the keys.
    pub async fn goes_to(&mut self, name: &str) {
        let (field, button) = (format!("▸{name}"), format!("▸( {name}"));
        let there = |screen: &str| screen.contains(&field) || screen.contains(&button);
        for _ in 0..60 {
            self.settle().await;
            if there(&self.text()) {
                return;
            }
            self.key(KeyCode::Tab);
        }
        panic!("`{name}` never had the keys; the screen shows:\n{}", self.text());
    }

    /// Chooses with → until the field shows this.
    pub async fn chooses(&mut self, field: &str, words: &str) {
        self.goes_to(field).await;
        let is = |screen: &str| {
            screen
                .lines()
                .any(|line| line.contains(&format!("▸{field}")) && line.contains(&format!("< {words}")))
        };
        for _ in 0..30 {
            self.settle().await;
            if is(&self.text()) {
                return;
            }
            self.key(KeyCode::Right);
        }
        panic!("`{field}` never was `{words}`; the screen shows:\n{}", self.text());
    }

    /// Presses a button.
    pub async fn presses(&mut self, button: &str) {
        self.goes_to(button).await;
        self.key(KeyCode::Enter);
    }

    /// How the board was left.
    pub async fn left(self) -> Left {
        self.ended().await.unwrap().unwrap()
    }

    /// How the board's task ended; an error is a panic in it.
    pub async fn ended(self) -> Result<Result<Left, TuiError>, tokio::task::JoinError> {
        let Self { glass, board, .. } = self;
        let ended = tokio::time::timeout(PATIENCE, board).await;
        let text = glass.screen.lock().unwrap().screen().contents();
        ended.unwrap_or_else(|_| panic!("it was never left; the screen shows:\n{text}"))
    }
}
