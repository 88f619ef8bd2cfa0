//! Monkeys: a hundred thousand inputs of every kind, one after another, and what must never happen whatever they are.
//!
//! Each episode follows from its number alone. One that fails names its board and number; with these in the variable
//! `TRUNKLINE_MONKEY`, as `live:17`, that episode alone is played again, and each of its inputs is printed.

mod hold;
mod world;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use fastrand::Rng;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::fixtures::*;
use crate::engine::Command;
use crate::model::{Doing, Fault, FaultKind, Figures, PauseFigures, Phase, RunId, RunState, WorkerFigures};
use crate::tui::actions::{Control, TABLE};
use crate::tui::app::{App, Carried, LiveRun, Named, Overlay, Proof, Shown, carried_by, figures_of};
use crate::tui::history::History;
use crate::tui::message::{Effect, Gesture, Message, Moment, What};
use crate::tui::sheets::About;
use crate::tui::{update, view};
use hold::{Before, Screen};
use world::{LARGE, Library, RUN, World, all_profiles};

/// Episodes a board, and inputs in each; there are four boards.
const EPISODES: u64 = 25;
const INPUTS: usize = 1_000;

/// Which board the monkeys sit in front of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A run that this window carries.
    Live,
    /// One that has ended with failures.
    Ended,
    /// One that another process carries.
    Elsewhere,
    /// Nothing is set up yet.
    Empty,
}

/// One that is asked, and not answered yet.
struct Asked {
    effect: Effect,
    /// The run that was on the board then.
    on: Option<RunId>,
}

struct Episode<'l> {
    rng: Rng,
    app: App,
    world: World<'l>,
    now: Moment,
    asked: VecDeque<Asked>,
    /// What is already on its way, after what was asked.
    coming: VecDeque<What>,
    /// Keys that belong together.
    script: VecDeque<KeyEvent>,
    /// The frame that was made and does not stand on the screen yet.
    made: Option<(u64, Screen)>,
    /// What can be answered and has been on the screen.
    read: Vec<Screen>,
    hold: hold::Hold,
    keys: Vec<KeyEvent>,
    last: VecDeque<String>,
    told: bool,
    seen: BTreeSet<&'static str>,
}

fn live(figures: Figures, at: std::time::Instant) -> LiveRun {
    LiveRun { figures, at, history: History::default() }
}

impl<'l> Episode<'l> {
    fn begin(kind: Kind, number: u64, library: &'l Library) -> Self {
        let mut rng = Rng::with_seed(number);
        let now = moment();
        let mut app = empty(size(&mut rng));
        app.by = "sam".to_owned();
        app.named = if rng.bool() { Named::Yes } else { Named::No };
        app.places = Some(crate::tui::Places {
            config: ("/home/sam/config.toml".into(), false),
            data: ("/home/sam/data".into(), false),
            log: "/home/sam/log".into(),
            variables: false,
        });
        let mut profiles = all_profiles();
        if kind == Kind::Empty {
            profiles.all.clear();
        }
        let mut world = World::new(library, profiles);
        let row = match kind {
            Kind::Live => Some(library.row(RUN, RunState::Running, Some("sam, process 1"))),
            Kind::Ended => Some(library.row(RUN, RunState::CompletedWithFailures, None)),
            Kind::Elsewhere => Some(library.row(LARGE, RunState::Running, Some("maria, process 4121"))),
            Kind::Empty => None,
        };
        if let Some(row) = row {
            world.rows.insert(row.id, row.clone());
            let figures = figures_of(&row);
            let carried = if kind == Kind::Live { Carried::Here } else { carried_by(&row) };
            if kind == Kind::Live {
                app.live = Some(live(figures.clone(), now.instant));
                world.live = Some(figures.clone());
            }
            app.run = Some(Shown { figures, at: now.instant, carried });
        }
        let keys = TABLE.iter().flat_map(|entry| entry.keys).map(|key| {
            let held = if key.control == Control::Held { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            KeyEvent::new(key.code, held)
        });
        let mut episode = Self {
            rng,
            app,
            world,
            now,
            asked: VecDeque::new(),
            coming: VecDeque::new(),
            script: VecDeque::new(),
            made: None,
            read: Vec::new(),
            hold: hold::Hold::default(),
            keys: keys.collect(),
            last: VecDeque::new(),
            told: false,
            seen: BTreeSet::new(),
        };
        let effects = update::begin(&mut episode.app);
        episode.ask(effects);
        episode
    }

    fn ask(&mut self, effects: Vec<Effect>) {
        let on = self.app.figures().map(|figures| figures.run);
        for effect in effects {
            match effect {
                Effect::Look(_) | Effect::Ask(_) | Effect::Files(_) | Effect::Editor(_) => {
                    self.asked.push_back(Asked { effect, on });
                }
                Effect::StopAsking if self.rng.bool() => {
                    self.asked.retain(|asked| !matches!(asked.effect, Effect::Ask(_)));
                }
                Effect::Command(command) => self.command(command),
                Effect::Suspend => self.coming.push_back(What::Continued),
                _ => {}
            }
        }
    }

    /// What the run does with a command.
    fn command(&mut self, command: Command) {
        if self.rng.u8(..12) == 0 {
            self.coming.push_back(What::NotTaken(command));
            return;
        }
        let Some(live) = &mut self.world.live else { return };
        let ended = matches!(live.phase, Phase::Ended(_));
        live.phase = match command {
            _ if ended => return,
            Command::Pause => Phase::Pausing,
            Command::GoOn => Phase::Running,
            Command::Drain => Phase::Draining,
            Command::Cancel { .. } => Phase::Ended(RunState::Cancelled),
            Command::LeaveAtOnce => Phase::Ended(RunState::Paused),
            _ => return,
        };
    }

    /// Plays until the board is left, or long enough.
    fn play(&mut self, inputs: usize) -> usize {
        for done in 0..inputs {
            self.step();
            if self.app.left.is_some() {
                return done + 1;
            }
        }
        inputs
    }

    fn step(&mut self) {
        self.now.instant += Duration::from_millis(self.rng.u64(..60));
        let what = self.input();
        self.tell(what);
        if self.rng.u8(..14) == 0 {
            self.draw();
        }
        if self.rng.u8(..5) > 0 {
            self.stands();
        }
    }

    /// The frame that was made stands on the screen.
    fn stands(&mut self) {
        if let Some((number, screen)) = self.made.take() {
            self.read.push(screen);
            self.tell(What::Drawn(number));
        }
    }

    fn tell(&mut self, what: What) {
        let text = hold::begin_of(&what);
        if self.told {
            println!("{text}");
        }
        self.last.push_back(text);
        if self.last.len() > 25 {
            self.last.pop_front();
        }
        let before = Before::of(&self.app, &what, &self.read);
        let effects = update::update(&mut self.app, Message { at: self.now, what });
        self.hold.check(&before, &self.app, &effects);
        self.read.retain(|screen| screen.lies(&self.app));
        for overlay in &self.app.overlays {
            self.seen.insert(name_of(overlay));
        }
        self.ask(effects);
    }

    fn draw(&mut self) {
        let (width, height) = self.app.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        if let Some((x, y)) = view::draw(&self.app, &mut buffer).cursor {
            assert!(x < width && y < height, "the cursor stands at {x},{y} on {width}×{height}");
        }
        let _ = crate::tui::words::title(&self.app);
        self.made = Some((self.app.frame, Screen::of(&self.app)));
        self.app.frame += 1;
    }

    /// What comes next.
    fn input(&mut self) -> What {
        if let Some(key) = self.script.pop_front() {
            // whoever is asked sees the question first
            if !self.app.overlays.is_empty() {
                self.draw();
                self.stands();
            }
            return What::Key(key);
        }
        // what comes seldom, and has seldom buttons, is not left to chance
        if self.way_to("see").is_some() && self.rng.u8(..4) == 0 {
            self.begin_script();
            return What::Clock;
        }
        let (width, height) = self.app.size;
        match self.rng.u8(..100) {
            0..56 => What::Key(self.key()),
            56..58 => What::Paste(self.text()),
            58..60 => What::Mouse(Gesture::Press(self.rng.u16(..=width), self.rng.u16(..=height))),
            60..62 => {
                let by = if self.rng.bool() { 1 } else { -1 };
                What::Mouse(Gesture::Wheel(self.rng.u16(..=width), self.rng.u16(..=height), by))
            }
            62..64 => {
                let (width, height) = size(&mut self.rng);
                What::Resize(width, height)
            }
            64..86 => self.answer(),
            86..91 => self.figures(),
            91..95 => {
                let due = self.app.next_change();
                self.now.instant = due.map_or(self.now.instant, |due| due.max(self.now.instant));
                What::Clock
            }
            95..98 => {
                self.begin_script();
                What::Clock
            }
            _ => self.rarity(),
        }
    }

    fn text(&mut self) -> String {
        let texts = [
            "20",
            "acme",
            "line\nbreak\r\n",
            "\x1b[2J\u{202e}山",
            "~/exports/a.csv, b",
            "status:404",
            "3",
            "0",
        ];
        texts[self.rng.usize(..texts.len())].repeat(self.rng.usize(1..3))
    }

    fn key(&mut self) -> KeyEvent {
        let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
        let codes = [
            KeyCode::Tab,
            KeyCode::Tab,
            KeyCode::Enter,
            KeyCode::Enter,
            KeyCode::Enter,
            KeyCode::BackTab,
            KeyCode::Down,
            KeyCode::Up,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::Char(' '),
            KeyCode::Char('y'),
            KeyCode::Char('5'),
            KeyCode::Backspace,
            KeyCode::Esc,
            KeyCode::End,
            KeyCode::PageDown,
        ];
        let in_form = matches!(
            self.app.overlays.last(),
            Some(Overlay::Question(_) | Overlay::Sheet(_) | Overlay::Outcome(_) | Overlay::Welcome { .. })
        );
        if in_form && self.rng.u8(..10) > 0 {
            return plain(codes[self.rng.usize(..codes.len())]);
        }
        if self.rng.u8(..50) == 0 {
            let char = self.rng.char(..);
            return KeyEvent::new(KeyCode::Char(char), KeyModifiers::ALT);
        }
        let key = self.keys[self.rng.usize(..self.keys.len())];
        let leaves = matches!(key.code, KeyCode::Char('q' | 'c' | 'z' | 'C')) && self.rng.u8(..8) > 0;
        if leaves { plain(KeyCode::Down) } else { key }
    }

    /// The keys that press a button of the form, where it has that.
    fn way_to(&self, button: &str) -> Option<String> {
        let Some(Overlay::Sheet(sheet)) = self.app.overlays.last() else { return None };
        let stops = sheet.form.stops();
        let place = |name: &str| stops.iter().position(|stop| *stop == name);
        let (at, to) = (place(&sheet.form.focus)?, place(button)?);
        Some(format!("{}\r", "\t".repeat((to + stops.len() - at) % stops.len())))
    }

    /// Keys that a person would press one after another.
    fn begin_script(&mut self) {
        let wanted = match self.app.overlays.last() {
            Some(Overlay::Question(question)) => match &question.proof {
                Proof::Number { wanted, .. } => Some(wanted.clone()),
                Proof::Button => None,
            },
            Some(Overlay::Sheet(sheet)) if sheet.form.focus == "number" => Some("20".to_owned()),
            _ => None,
        };
        let words = match wanted {
            Some(number) => format!("^{number}\t\t\r"),
            // the last of its buttons checks what would happen
            None if matches!(self.app.overlays.last(), Some(Overlay::Sheet(sheet)) if matches!(sheet.about, About::NewRun(_))) => {
                "⇤\r".to_owned()
            }
            None if matches!(self.app.overlays.last(), Some(Overlay::Sheet(sheet)) if matches!(sheet.about, About::Flight(_))) =>
            {
                let see = self.way_to("see").filter(|_| self.rng.u8(..3) == 0);
                see.unwrap_or_else(|| {
                    (*self.rng.choice(["\t\r", "\t\t\r", "\r", "⇤\r", "⇤⇤\r"].iter()).unwrap()).to_owned()
                })
            }
            None if self.app.overlays.is_empty() => {
                let all = [
                    "6   R",
                    "6*",
                    "6*R",
                    "6  E",
                    "6  D",
                    "6*U",
                    "6gR",
                    "6gE",
                    "6gD",
                    "6g\r",
                    "6\re",
                    "6ce",
                    "6d",
                    "6o",
                    "1a",
                    "1X",
                    "1e",
                    "2jj\r⇤\r",
                    "2jj\r⇤\r",
                    "2jj\r⇤\r",
                    "2jj\r⇤\r",
                    "2jv",
                    "n",
                    "P",
                    "f",
                    "p",
                    "h\r",
                    "l",
                    ":",
                    ".",
                    "?",
                    "3X",
                    "6/404\r",
                    "6/nonsense:3\r",
                    "6vc",
                    "6sl",
                    "b",
                    "z",
                ];
                (*self.rng.choice(all.iter()).unwrap()).to_owned()
            }
            None => "\t\t\r".to_owned(),
        };
        for char in words.chars() {
            let code = match char {
                '\t' => KeyCode::Tab,
                '\r' => KeyCode::Enter,
                '⇤' => KeyCode::BackTab,
                '^' => {
                    self.script.push_back(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
                    continue;
                }
                char => KeyCode::Char(char),
            };
            self.script.push_back(KeyEvent::new(code, KeyModifiers::NONE));
        }
    }

    /// One of the answers that are due, whichever was asked for first; now and then one comes twice.
    fn answer(&mut self) -> What {
        if let Some(what) = self.coming.pop_front() {
            return what;
        }
        if self.asked.is_empty() {
            return What::Clock;
        }
        let place = self.rng.usize(..self.asked.len());
        let again = self.rng.u8(..20) == 0;
        let Asked { effect, on } = if again && let Effect::Look(look) = &self.asked[place].effect {
            Asked { effect: Effect::Look(look.clone()), on: self.asked[place].on }
        } else {
            self.asked.remove(place).unwrap()
        };
        let mut answers = match effect {
            Effect::Look(_) if self.rng.u8(..60) == 0 => {
                vec![What::JournalTrouble("the disk is full".to_owned())]
            }
            Effect::Look(look) => self.world.look(look, on).into_iter().collect(),
            Effect::Ask(request) => self.world.ask(request, on, &mut self.rng),
            Effect::Files(errand) => World::files(errand, &mut self.rng),
            Effect::Editor(text) => vec![What::Edited(match self.rng.u8(..3) {
                0 => Ok(None),
                1 => Err("`vi` was not found".to_owned()),
                _ => Ok(Some(text)),
            })],
            _ => Vec::new(),
        };
        let first = if answers.is_empty() { What::Clock } else { answers.remove(0) };
        self.coming.extend(answers);
        first
    }

    /// The run goes on somehow.
    fn figures(&mut self) -> What {
        let Some(live) = &mut self.world.live else { return What::Clock };
        let rng = &mut self.rng;
        let at = self.now.wall;
        let fault = |kind| {
            let (message, advice) = ("it said \x1b[2J no".to_owned(), "ask who keeps it".to_owned());
            Phase::Faulted(Fault { at, kind, message, advice, resumes_at: None })
        };
        let ended = matches!(live.phase, Phase::Ended(_));
        live.phase = match (&live.phase, rng.u8(..40)) {
            (phase @ Phase::Ended(_), _) => phase.clone(),
            (Phase::Draining, 0..20) => Phase::Ended(RunState::Paused),
            (Phase::Draining, _) => Phase::Draining,
            (Phase::Pausing, _) => Phase::Paused,
            (_, 0) => Phase::Ended(*rng.choice(RunState::ALL.iter()).unwrap()),
            (_, 1..4) => fault(FaultKind::ClientRefused),
            (_, 4) => fault(FaultKind::MissingScope),
            (_, 5) => fault(FaultKind::Disk),
            (_, 6) => Phase::Checking { read: rng.u64(..), of: None },
            (Phase::Faulted(_) | Phase::Checking { .. }, 7..20) => Phase::Running,
            (phase, _) => phase.clone(),
        };
        if !ended {
            let now = self.now.instant;
            live.workers = (0..rng.u64(..12))
                .map(|item| WorkerFigures {
                    doing: match rng.u8(..3) {
                        0 => Doing::Idle,
                        1 => Doing::Held { item, since: now },
                        _ => Doing::Sending { item, attempt: 1, since: now },
                    },
                })
                .collect();
            live.items.failed = live.items.failed.saturating_add(rng.u64(..3));
            live.last_event += rng.i64(0..2);
            live.records_per_second = rng.f64() * 1e4;
            let until = now + Duration::from_secs(rng.u64(..40));
            live.pace.pause = rng.bool().then_some(PauseFigures { since: now, until, probing: rng.bool() });
            live.pace.ceiling = rng.bool().then(|| rng.f64() * 100.0);
        }
        let run = live.run;
        let figures = live.clone();
        if let (Phase::Ended(state), Some(row)) = (&figures.phase, self.world.rows.get_mut(&run)) {
            row.state = *state;
            row.carrier = None;
        }
        What::Figures(Box::new(figures))
    }

    /// What happens once in a while.
    fn rarity(&mut self) -> What {
        match self.rng.u8(..8) {
            0 => What::Continued,
            1 => {
                // what others do to the failures
                self.world.gone =
                    (0..90).filter(|_| self.rng.u8(..6) == 0).map(crate::model::FailureId::from).collect();
                self.app.failures_changed();
                What::Clock
            }
            2 => {
                self.now.instant += Duration::from_hours(2);
                What::Clock
            }
            3 if self.rng.u8(..8) == 0 => What::Terminate,
            4 if self.rng.u8(..8) == 0 => What::Hangup,
            5 => {
                let run = *self.rng.choice(self.world.rows.keys()).unwrap();
                let carrier =
                    self.rng.bool().then(|| crate::journal::Carrier("maria, process 4121".to_owned()));
                if self.world.live.as_ref().is_none_or(|live| live.run != run)
                    && let Some(row) = self.world.rows.get_mut(&run)
                {
                    row.carrier = carrier;
                }
                What::Clock
            }
            _ => self.answer(),
        }
    }
}

/// Sizes as windows have them, and now and then one that none has.
fn size(rng: &mut Rng) -> (u16, u16) {
    match rng.u8(..40) {
        0 => (rng.u16(1..=300), rng.u16(1..=100)),
        1 => (rng.u16(1..=60), rng.u16(1..=16)),
        2 => (300, 100),
        3..10 => (60, 16),
        10..24 => (80, 24),
        24..36 => (100, 30),
        _ => (120, 36),
    }
}

fn name_of(overlay: &Overlay) -> &'static str {
    match overlay {
        Overlay::Welcome { .. } => "welcome",
        Overlay::Failure(_) => "failure",
        Overlay::Menu(_) => "menu",
        Overlay::Copied(_) => "copied",
        Overlay::Outcome(_) => "outcome",
        Overlay::Runs(_) => "runs",
        Overlay::Log(_) => "log",
        Overlay::Actions(_) => "actions",
        Overlay::Preview(_) => "preview",
        Overlay::Text(_) => "text",
        Overlay::Help { .. } => "help",
        Overlay::Question(_) => "question",
        Overlay::Sheet(sheet) => match &sheet.about {
            About::ToFile(_) => "to a file",
            About::Edit(_) => "edit",
            About::Change(_) => "change",
            About::Closing(_) => "closing",
            About::Profile(_) => "profile",
            About::Fault(_) => "fault",
            About::Name(_) => "name",
            About::Practise => "practise",
            About::Folder => "folder",
            About::NewRun(_) => "new run",
            About::Map(_) => "map",
            About::Flight(_) => "flight",
            About::SavePlan(_) => "save plan",
        },
    }
}

/// Plays all episodes of a board, and says what was seen there.
fn play(kind: Kind) -> BTreeMap<&'static str, u64> {
    let only = std::env::var("TRUNKLINE_MONKEY").ok();
    let library = Library::fill();
    let mut seen = BTreeMap::new();
    for number in 0..EPISODES {
        let name = format!("{kind:?}:{number}").to_lowercase();
        let told = only.as_ref() == Some(&name);
        if only.is_some() && !told {
            continue;
        }
        let mut left = INPUTS;
        let mut part = 0;
        while left > 0 {
            // whoever leaves early comes back
            let mut episode = Episode::begin(kind, number * 1_000 + part, &library);
            episode.told = told;
            let played = catch_unwind(AssertUnwindSafe(|| episode.play(left)));
            let Ok(played) = played else {
                panic!(
                    "the monkeys broke the board: TRUNKLINE_MONKEY={name} plays it again; the last of what came in:\n{}",
                    episode.last.make_contiguous().join("\n")
                );
            };
            left -= played;
            part += 1;
            for name in &episode.seen {
                *seen.entry(*name).or_default() += 1;
            }
        }
    }
    seen
}

fn assert_seen(seen: &BTreeMap<&'static str, u64>, names: &[&str]) {
    if std::env::var_os("TRUNKLINE_MONKEY").is_none() {
        let missing: Vec<_> = names.iter().filter(|name| !seen.contains_key(**name)).collect();
        assert!(missing.is_empty(), "never seen: {missing:?}, of {seen:?}");
    }
}

/// What can be opened over every board.
const ANYWHERE: &[&str] = &[
    "runs",
    "log",
    "actions",
    "help",
    "question",
    "profile",
    "practise",
    "new run",
    "preview",
    "flight",
    "text",
    "map",
    "save plan",
];

/// What takes failures.
const WITH_FAILURES: &[&str] = &["failure", "menu", "copied", "to a file"];

/// What takes failures that can be acted on.
const MENDING: &[&str] = &["edit", "change", "closing", "name"];

#[test]
fn nothing_that_comes_in_breaks_a_board_over_a_run_that_goes_on() {
    let seen = play(Kind::Live);
    assert_seen(&seen, WITH_FAILURES);
    assert_seen(&seen, MENDING);
    assert_seen(&seen, &["fault", "question", "runs", "log", "actions", "help"]);
}

#[test]
fn nothing_that_comes_in_breaks_a_board_over_a_run_that_has_ended() {
    let seen = play(Kind::Ended);
    assert_seen(&seen, ANYWHERE);
    assert_seen(&seen, WITH_FAILURES);
    assert_seen(&seen, MENDING);
}

#[test]
fn nothing_that_comes_in_breaks_a_board_that_only_looks() {
    let seen = play(Kind::Elsewhere);
    assert_seen(&seen, WITH_FAILURES);
    assert_seen(&seen, ANYWHERE);
}

#[test]
fn nothing_that_comes_in_breaks_an_empty_board() {
    let seen = play(Kind::Empty);
    assert_seen(&seen, &["welcome", "profile", "practise", "folder", "question", "help"]);
}
