//! The loop: takes in what comes from the terminal, the run and the journal, has `update` decide, carries out what it
//! says, and hands frames to the painter.
//!
//! No wait in here is longer than a moment. Messages are taken in bounded handfuls, so that a flood of them cannot keep
//! a key waiting; figures are sampled at most 30 times a second, whatever the engine does; a frame is made only when
//! something has changed and the one before stands on the screen.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crossterm::event::{Event, EventStream, MouseButton, MouseEvent, MouseEventKind};
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::{mpsc, watch};

use super::actions::{Keymap, KeysError};
use super::app::{App, Carried, LiveRun, Mouse, Named, Pane, Shown, carried_by, figures_of};
use super::clerks::{Clerks, Note};
use super::errands::Errands;
use super::files::Files;
use super::history::History;
use super::input::Strings;
use super::live::Live;
use super::message::{Answer, Begun, Effect, Gesture, Message, Moment, What};
use super::office::{Office, Started};
use super::painter::{Amount, Frame, Painter, Ring};
use super::terminal::Terminal;
use super::theme::{Bell, Look};
use super::{Board, editor, signals, update, view, words};
use crate::config::Ui;
use crate::engine::Command;
use crate::journal::Journal;
use crate::model::{Phase, RunId, RunState};

/// How the board was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing was being carried out any more, or never was.
    Ended,
    /// A person, or a signal, asked for it: the run was drained and is paused.
    PausedAndLeft,
    /// A person insisted: calls that were out count as unsure.
    LeftAtOnce,
    /// The terminal is gone; the run was drained and is paused.
    Hangup,
    /// The run was drained, and is to go on in a process without a screen.
    Detached,
}

/// Why the board could not be shown, or went away.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// There is no terminal.
    #[error("the dashboard cannot be shown: {0}\nhint: run it in a terminal, or use --headless")]
    Terminal(#[from] io::Error),
    /// A key in the configuration is wrong.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Something panicked while the board was shown; its text has been printed.
    #[error(
        "the dashboard was closed by an internal error; the journal is intact\nhint: `trunkline resume` goes on"
    )]
    Panicked,
}

/// The least time between two frames, and between two samples while somebody is at the keys.
const BEAT: Duration = Duration::from_micros(33_333);

/// The least time between two samples otherwise: nobody reads figures that change more often, and drawing them takes
/// from the run what it needs itself.
const CALM: Duration = Duration::from_millis(100);

/// For how long after a key somebody is at the keys.
const AT_THE_KEYS: Duration = Duration::from_secs(1);

/// The most that is taken in before the next look at the terminal and the screen.
const HANDFUL: usize = 512;
const HANDFUL_TIME: Duration = Duration::from_millis(4);

/// Messages that may wait to be taken in. Who finds it full waits; the engine is not among them.
const INBOX: usize = 1024;

pub(super) async fn watch(board: Board, ui: &Ui) -> Result<Left, TuiError> {
    let keymap = Keymap::of_config(&ui.keys)?;
    let terminal = Terminal::enter()?;
    let size = crossterm::terminal::size()?;
    let asked = terminal.ask();
    let look = Look::resolve(ui, |name| std::env::var(name).ok()).told(ui, &asked);
    let mut app = App::new(now(), TimeZone::system(), size, look);
    app.keymap = keymap;
    app.bell = if ui.bell { Bell::Rings } else { Bell::Silent };
    app.by.clone_from(&board.by);
    app.named = if ui.name.is_some() { Named::Yes } else { Named::No };
    app.keeps = board.keeps;
    app.mouse = if ui.mouse { Mouse::On } else { Mouse::Off };
    app.places = Some(board.office.places());
    terminal.mouse(app.mouse == Mouse::On)?;
    let (told, inbox) = mpsc::channel(INBOX);
    signals::listen(&told)?;
    let events = Box::pin(EventStream::new());
    let mut shell = Shell::new(app, terminal, events, (told, inbox), board)?;
    if asked.open {
        shell.strings = Strings::begun(now().instant);
    }
    shell.typed = asked.typed;
    shell.run().await
}

fn now() -> Moment {
    // the runtime's clock, which tests can hold
    Moment { instant: tokio::time::Instant::now().into_std(), wall: Timestamp::now() }
}

type Events = Pin<Box<dyn Stream<Item = io::Result<Event>> + Send>>;
type Inbox = (mpsc::Sender<What>, mpsc::Receiver<What>);

pub(super) struct Shell {
    app: App,
    terminal: Terminal,
    painter: Painter,
    events: Events,
    told: mpsc::Sender<What>,
    inbox: mpsc::Receiver<What>,
    live: Option<Arc<dyn Live>>,
    changes: Option<watch::Receiver<u64>>,
    /// The person's own journal.
    journal: Journal,
    /// The journal of the run that this process carries, and that run.
    carried: Option<(RunId, Journal)>,
    errands: Errands,
    files: Files,
    office: Arc<dyn Office>,
    clerks: Clerks,
    /// The variables that hold secrets, as far as they have been named.
    secrets: BTreeSet<String>,
    notes: mpsc::Receiver<Note>,
    /// Whether the figures have changed since they were sampled, and when that was.
    stale: bool,
    sampled_at: Option<Instant>,
    /// When somebody did something last.
    acted_at: Option<Instant>,
    /// The frame that the painter has not confirmed, and when it was handed in.
    painting: Option<u64>,
    painted_at: Option<Instant>,
    ring: Ring,
    amount: Amount,
    to_suspend: bool,
    to_edit: Option<Vec<u8>>,
    /// Finds out what terminals say between keys.
    strings: Strings,
    /// What was typed before anybody listened.
    typed: Vec<Event>,
}

/// What woke the loop.
enum Woken {
    /// Something panicked, on whichever thread.
    Broke,
    Event(Option<io::Result<Event>>),
    Told(What),
    Note(Note),
    Changed,
    Due,
}

impl Shell {
    pub fn new(
        mut app: App,
        terminal: Terminal,
        events: Events,
        (told, inbox): Inbox,
        board: Board,
    ) -> io::Result<Self> {
        let Board { live, journal, run, office, .. } = board;
        let painter = Painter::start(terminal.screen(), told.clone())?;
        let at = app.now.instant;
        app.run = match (&live, &run) {
            (Some(live), _) => Some(Shown { figures: live.figures(), at, carried: Carried::Here }),
            (None, Some(row)) => Some(Shown { figures: figures_of(row), at, carried: carried_by(row) }),
            (None, None) => None,
        };
        if matches!(app.phase(), Some(Phase::Ended(RunState::CompletedWithFailures))) {
            // what is left of it is why somebody looks
            app.focus = Pane::Failures;
        }
        app.live =
            live.as_ref().map(|live| LiveRun { figures: live.figures(), at, history: History::default() });
        let on_it = app.figures().map(|figures| figures.run);
        let errands = Errands::new(journal.clone(), on_it, told.clone());
        let files = Files::new(told.clone());
        let (clerks, notes) = Clerks::new(Arc::clone(&office), told.clone());
        Ok(Self {
            app,
            terminal,
            painter,
            events,
            inbox,
            told,
            changes: live.as_ref().map(|live| live.changes()),
            live,
            journal,
            carried: None,
            errands,
            files,
            secrets: office.secret_variables().into_iter().collect(),
            office,
            clerks,
            notes,
            stale: true,
            sampled_at: None,
            acted_at: None,
            painting: None,
            painted_at: None,
            ring: Ring::No,
            amount: Amount::Everything,
            to_suspend: false,
            to_edit: None,
            strings: Strings::default(),
            typed: Vec::new(),
        })
    }

    fn errands_for(&self, run: RunId) -> Errands {
        let own = |run| Errands::new(self.journal.clone(), run, self.told.clone());
        match &self.carried {
            Some((carried, journal)) if *carried == run => {
                Errands::new(journal.clone(), Some(run), self.told.clone()).and(self.journal.clone())
            }
            Some((_, journal)) => own(Some(run)).and(journal.clone()),
            None => own(Some(run)),
        }
    }

    pub async fn run(mut self) -> Result<Left, TuiError> {
        let effects = update::begin(&mut self.app);
        self.carry_out(effects);
        for event in std::mem::take(&mut self.typed) {
            self.take_typed(event);
        }
        loop {
            self.paint();
            let woken = self.wait().await;
            if matches!(woken, Woken::Broke) {
                return Err(TuiError::Panicked);
            }
            self.take_in(woken);
            self.take_a_handful().await;
            self.sample();
            if self.app.next_change().is_some_and(|at| at <= now().instant) {
                self.take(What::Clock);
            }
            if std::mem::take(&mut self.to_suspend) {
                self.suspend().await;
            }
            if let Some(text) = self.to_edit.take() {
                self.edit(text).await;
            }
            if let Some(left) = self.app.left {
                return Ok(left);
            }
        }
    }

    /// Waits for whatever comes first.
    async fn wait(&mut self) -> Woken {
        let due = self.due();
        let Self { terminal, events, inbox, changes, stale, notes, .. } = self;
        tokio::select! {
            biased;
            () = terminal.broke() => Woken::Broke,
            event = events.next() => Woken::Event(event),
            Some(what) = inbox.recv() => Woken::Told(what),
            Some(note) = notes.recv() => Woken::Note(note),
            // once it is known that there is something new, more of it tells nothing
            () = changed(changes), if !*stale => Woken::Changed,
            () = sleep_until(due) => Woken::Due,
        }
    }

    /// The next moment at which there is something to do even if nothing comes.
    fn due(&self) -> Option<Instant> {
        let after =
            |moment: Option<Instant>, beat| moment.map_or_else(|| self.app.now.instant, |at| at + beat);
        let sample = (self.stale && self.live.is_some()).then(|| after(self.sampled_at, self.beat()));
        let frame = (self.app.dirty && self.painting.is_none()).then(|| after(self.painted_at, BEAT));
        [sample, frame, self.app.next_change()].into_iter().flatten().min()
    }

    /// The least time between two samples.
    fn beat(&self) -> Duration {
        let is_at_the_keys =
            self.acted_at.is_some_and(|at| now().instant.saturating_duration_since(at) < AT_THE_KEYS);
        if is_at_the_keys { BEAT } else { CALM }
    }

    fn take_in(&mut self, woken: Woken) {
        match woken {
            Woken::Event(Some(Ok(event))) => self.take_event(event),
            // the terminal's end, or an error of it: nobody is there any more
            Woken::Event(Some(Err(_)) | None) => {
                self.events = Box::pin(futures_util::stream::pending());
                self.take(What::Hangup);
            }
            Woken::Told(what) => self.take(what),
            Woken::Note(note) => self.take_note(note),
            Woken::Changed => self.stale = true,
            Woken::Broke | Woken::Due => {}
        }
    }

    fn take_event(&mut self, event: Event) {
        if self.strings.takes(&event, now().instant) {
            return;
        }
        self.take_typed(event);
    }

    fn take_typed(&mut self, event: Event) {
        self.acted_at = Some(now().instant);
        match event {
            Event::Key(key) => self.take(What::Key(key)),
            Event::Paste(text) => self.take(What::Paste(text)),
            Event::Resize(width, height) => self.take(What::Resize(width, height)),
            Event::Mouse(event) => self.take_mouse(event),
            Event::FocusGained | Event::FocusLost => {}
        }
    }

    /// What else is there already, up to a bound: keys and messages in turn.
    async fn take_a_handful(&mut self) {
        let begun = Instant::now();
        for _ in 0..HANDFUL {
            if begun.elapsed() > HANDFUL_TIME || self.app.left.is_some() {
                return;
            }
            // with this task's own waker: the stream keeps the one that it saw first, and wakes no other
            let event = poll_fn(|context| Poll::Ready(self.events.poll_next_unpin(context))).await;
            let told = self.inbox.try_recv().ok();
            if event.is_pending() && told.is_none() {
                return;
            }
            if let Poll::Ready(event) = event {
                self.take_in(Woken::Event(event));
            }
            if let Some(what) = told {
                self.take(what);
            }
        }
    }

    fn take(&mut self, what: What) {
        match what {
            What::Drawn(number) if self.painting == Some(number) => self.painting = None,
            What::Continued => {
                self.amount = Amount::Everything;
                if self.terminal.enter_again().is_err() {
                    return self.take(What::Hangup);
                }
            }
            _ => {}
        }
        let effects = update::update(&mut self.app, Message { at: now(), what });
        self.carry_out(effects);
    }

    fn sample(&mut self) {
        let Some(live) = &self.live else { return };
        let at = now().instant;
        let due = self.sampled_at.is_none_or(|last| at.saturating_duration_since(last) >= self.beat());
        if self.stale && due {
            self.stale = false;
            self.sampled_at = Some(at);
            let figures = Box::new(live.figures());
            self.take(What::Figures(figures));
        }
    }

    fn take_mouse(&mut self, event: MouseEvent) {
        let (x, y) = (event.column, event.row);
        let gesture = match event.kind {
            MouseEventKind::Down(MouseButton::Left) => Gesture::Press(x, y),
            MouseEventKind::ScrollUp => Gesture::Wheel(x, y, -1),
            MouseEventKind::ScrollDown => Gesture::Wheel(x, y, 1),
            _ => return,
        };
        self.take(What::Mouse(gesture));
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Command(command) => self.command(command),
                Effect::Look(look) => self.errands.run(look),
                Effect::Ask(request) => {
                    let run = self.app.figures().map(|figures| figures.run);
                    self.clerks.ask(request, run, &self.app.by);
                }
                Effect::StopAsking => {
                    self.clerks.stop();
                    self.errands.stop();
                }
                Effect::Files(errand) => self.files.run(errand),
                // another run of the journal is on the board from now on
                Effect::Show(run) => self.errands = self.errands_for(run),
                Effect::Sample => self.stale = true,
                Effect::Copy(text) => self.terminal.copy(&text),
                Effect::Editor(text) => self.to_edit = Some(text),
                Effect::Mouse(mouse) => {
                    // a terminal that is gone is told of by its input
                    let _ = self.terminal.mouse(mouse == Mouse::On);
                }
                Effect::Ring => self.ring = Ring::Once,
                Effect::Redraw => self.amount = Amount::Everything,
                Effect::Suspend => self.to_suspend = true,
            }
        }
    }

    fn command(&mut self, command: Command) {
        let taken = self.live.as_ref().is_some_and(|live| live.command(command.clone()));
        if !taken {
            let effects = update::update(&mut self.app, Message { at: now(), what: What::NotTaken(command) });
            // the answer to a full queue is words, or another try later: never a command at once
            self.carry_out(effects);
        }
    }

    fn take_note(&mut self, note: Note) {
        match note {
            Note::Answer(answer) => self.take(What::Answer(answer)),
            Note::Started(started) => {
                let Started { live, journal, row, keeps } = *started;
                self.changes = Some(live.changes());
                let figures = Box::new(live.figures());
                self.live = Some(live);
                self.stale = true;
                self.sampled_at = None;
                self.carried = Some((row.id, journal));
                self.errands = self.errands_for(row.id);
                let begun = Begun { figures, keeps };
                self.take(What::Answer(Answer::Started(Ok(begun))));
            }
        }
    }

    async fn suspend(&mut self) {
        self.amount = Amount::Everything;
        let gone = self.terminal.suspend().await.is_err();
        if let Ok((width, height)) = crossterm::terminal::size() {
            self.take(What::Resize(width, height));
        }
        let effects = update::update(&mut self.app, Message { at: now(), what: What::Continued });
        self.carry_out(effects);
        if gone {
            self.take(What::Hangup);
        }
    }

    /// Lends the terminal to the person's editor. The input is dropped meanwhile, so that the editor gets all of it.
    async fn edit(&mut self, text: Vec<u8>) {
        self.events = Box::pin(futures_util::stream::pending());
        // what was named before counts, too, also where the configuration cannot be read by now
        self.secrets.extend(self.office.secret_variables());
        let edited = self.terminal.lend(editor::edit(text, &self.secrets)).await;
        if edited.is_ok() {
            self.events = Box::pin(EventStream::new());
        } else {
            // not listened to any more: of a terminal that is gone, its end would be read for ever
            self.take(What::Hangup);
        }
        self.amount = Amount::Everything;
        self.app.dirty = true;
        let edited = edited.unwrap_or_else(|error| Err(format!("the terminal could not be lent: {error}")));
        self.take(What::Edited(edited));
    }

    /// Makes a frame, where there is something new, the one before stands, and a beat has passed since.
    fn paint(&mut self) {
        let at = now().instant;
        let beat = self.painted_at.is_none_or(|last| at.saturating_duration_since(last) >= BEAT);
        if !self.app.dirty || self.painting.is_some() || !beat {
            return;
        }
        self.app.dirty = false;
        let number = self.app.frame;
        self.app.frame += 1;
        let (width, height) = self.app.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let cursor = view::draw(&self.app, &mut buffer).cursor;
        let bell = std::mem::replace(&mut self.ring, Ring::No);
        let amount = std::mem::replace(&mut self.amount, Amount::Changes);
        let title = words::title(&self.app);
        self.painter.paint(Frame { number, buffer, cursor, title, bell, amount });
        self.painting = Some(number);
        self.painted_at = Some(at);
    }
}

/// Waits until the figures have changed; for ever, where there are none.
async fn changed(changes: &mut Option<watch::Receiver<u64>>) {
    match changes {
        Some(receiver) => {
            if receiver.changed().await.is_err() {
                // the run is over: one last sample, and no more
                *changes = None;
            }
        }
        None => std::future::pending().await,
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
