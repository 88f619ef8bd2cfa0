//! What the board knows: the whole state of the interface. `update` changes it, `view` draws it, nothing else touches it.

mod over;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::Keeps;
use super::failures::FailureList;
use super::history::History;
use super::layout;
use super::message::Moment;
use super::numbers;
use super::shell::Left;
use super::theme::{Bell, Decoration, Look};
use crate::journal::{EventRow, RunRow};
use crate::model::{Doing, Figures, PaceFigures, Phase, RunState};

pub(super) use over::{Asks, Content, OpenFailure, Overlay, Place, Proof, Question, Seen};

/// The panes. Their numbers are those of the finished board, so that fingers need not learn them twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pane {
    /// How far the run is, and what happened.
    Run,
    /// What each worker does.
    Workers,
    /// How fast calls may go, and what holds them.
    Pace,
    /// What could not be delivered.
    Failures,
}

impl Pane {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Run, Self::Workers, Self::Pace, Self::Failures];

    /// Its number and name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Run => "3 Run",
            Self::Workers => "4 Workers",
            Self::Pace => "5 Pace",
            Self::Failures => "6 Failures",
        }
    }
}

/// Who carries the run on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Carried {
    /// This process: commands reach it.
    Here,
    /// Another process, named for a person to read.
    Elsewhere(String),
    /// Nobody: it stands as the journal has it.
    ByNobody,
}

/// The run on the board.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub figures: Figures,
    /// When the figures were taken.
    pub at: Instant,
    pub carried: Carried,
}

/// A wish of the person that the run has not confirmed yet.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Asked {
    /// Whether a pause, or going on, was asked for.
    pub pause: Option<Pausing>,
    /// The ceiling that was asked for.
    pub ceiling: Option<Ceiling>,
}

/// The most calls a second that a person allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ceiling {
    At(f64),
    None,
}

impl Ceiling {
    pub const fn of(rate: Option<f64>) -> Self {
        match rate {
            Some(rate) => Self::At(rate),
            None => Self::None,
        }
    }

    pub const fn rate(self) -> Option<f64> {
        match self {
            Self::At(rate) => Some(rate),
            Self::None => None,
        }
    }
}

/// One of the two things that `p` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pausing {
    Pause,
    GoOn,
}

/// What the last key, or the world, had to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub text: String,
    pub tone: Tone,
}

/// How it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// For information.
    Says,
    /// Something did not go.
    Warns,
}

/// How far leaving has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Nobody wants to.
    No,
    /// The calls that are out are being finished; then the board closes.
    Draining { since: Instant, why: Why, again_at: Option<Instant> },
}

/// Why the board is being left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// A person, or a signal, wants it.
    Wanted,
    /// The terminal is gone.
    Hangup,
}

/// Whether the process is about to be suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suspending {
    /// It is not.
    No,
    /// The calls that are out are being finished first.
    Draining,
    /// It is, or was just now; whether the run was paused for it.
    Stopped { paused: PausedForIt },
}

/// Whether a run was paused only to suspend the process, and goes on after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PausedForIt {
    Yes,
    No,
}

/// Whether a new carrying-out is being started for failures that are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Starting {
    No,
    Yes,
}

/// Whether the focused pane has the whole board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zoom {
    Off,
    On,
}

/// How many things that happened are kept.
const KEPT_HAPPENINGS: usize = 200;

/// How often the failures are read again while they change.
const REREAD: Duration = Duration::from_millis(500);

/// How often a run that another process carries is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The state of the interface.
pub(super) struct App {
    pub now: Moment,
    pub zone: TimeZone,
    pub size: (u16, u16),
    pub look: Look,
    pub bell: Bell,
    /// Who sits there.
    pub by: String,
    pub keeps: Keeps,
    pub run: Option<Shown>,
    pub focus: Pane,
    /// The pane that had the keys before one was opened over the others.
    pub focus_before: Pane,
    pub zoom: Zoom,
    pub asked: Asked,
    pub failures: FailureList,
    /// When the failures are to be read again, because they have changed.
    pub reread_at: Option<Instant>,
    /// When the failures were last read.
    pub read_at: Option<Instant>,
    /// When to look again at a run that another process carries.
    pub look_at: Option<Instant>,
    /// Newest first.
    pub happenings: VecDeque<EventRow>,
    /// The number of the last event that was read; none before the first were.
    pub last_event: Option<i64>,
    /// Whether events are being read now.
    pub reading_events: Reading,
    pub history: History,
    pub overlays: Vec<Overlay>,
    pub notice: Option<Notice>,
    pub leaving: Leaving,
    pub suspending: Suspending,
    pub starting: Starting,
    /// How the board was left, once it was.
    pub left: Option<Left>,
    /// The number of the frame that is drawn next.
    pub frame: u64,
    /// Whether what is on the screen is out of date.
    pub dirty: bool,
}

/// Whether something is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Nothing,
    Under,
}

impl App {
    pub fn new(now: Moment, zone: TimeZone, size: (u16, u16), look: Look) -> Self {
        Self {
            now,
            zone,
            size,
            look,
            bell: Bell::Rings,
            by: "somebody".to_owned(),
            keeps: Keeps::Journal,
            run: None,
            focus: Pane::Run,
            focus_before: Pane::Run,
            zoom: Zoom::Off,
            asked: Asked::default(),
            failures: FailureList::default(),
            reread_at: None,
            read_at: None,
            look_at: None,
            happenings: VecDeque::new(),
            last_event: None,
            reading_events: Reading::Nothing,
            history: History::default(),
            overlays: Vec::new(),
            notice: None,
            leaving: Leaving::No,
            suspending: Suspending::No,
            starting: Starting::No,
            left: None,
            frame: 1,
            dirty: true,
        }
    }

    pub fn figures(&self) -> Option<&Figures> {
        self.run.as_ref().map(|run| &run.figures)
    }

    pub fn phase(&self) -> Option<&Phase> {
        self.figures().map(|figures| &figures.phase)
    }

    /// Whether commands reach the run: this process carries it, and it has not ended.
    pub fn is_live(&self) -> bool {
        self.run
            .as_ref()
            .is_some_and(|run| run.carried == Carried::Here && !matches!(run.figures.phase, Phase::Ended(_)))
    }

    /// How long the run has been carried, by now.
    pub fn elapsed(&self) -> Duration {
        let Some(run) = &self.run else { return Duration::ZERO };
        let since = if self.clock_runs() {
            self.now.instant.saturating_duration_since(run.at)
        } else {
            Duration::ZERO
        };
        run.figures.elapsed + since
    }

    fn clock_runs(&self) -> bool {
        self.is_live()
            && matches!(
                self.phase(),
                Some(Phase::Checking { .. } | Phase::Running | Phase::Pausing | Phase::Draining)
            )
    }

    /// Calls that are out now.
    pub fn calls_out(&self) -> u64 {
        self.figures().map_or(0, |figures| {
            let sending =
                figures.workers.iter().filter(|worker| matches!(worker.doing, Doing::Sending { .. })).count();
            u64::try_from(sending).unwrap_or(u64::MAX)
        })
    }

    pub fn says(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), tone: Tone::Says });
    }

    pub fn warns(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), tone: Tone::Warns });
    }

    /// Keeps what happened, the newest first.
    pub fn keep_happening(&mut self, event: EventRow) {
        self.happenings.push_front(event);
        self.happenings.truncate(KEPT_HAPPENINGS);
    }

    /// The failures have changed: they are read again, now or a little later.
    pub fn failures_changed(&mut self) {
        let soonest = self.read_at.and_then(|at| at.checked_add(REREAD)).unwrap_or(self.now.instant);
        self.reread_at.get_or_insert(soonest.max(self.now.instant));
    }

    /// A run that another process carries is looked at again in a while.
    pub fn look_again(&mut self) {
        let elsewhere = self.run.as_ref().is_some_and(|run| matches!(run.carried, Carried::Elsewhere(_)));
        self.look_at = if elsewhere { self.now.instant.checked_add(LOOK) } else { None };
    }

    /// The next moment at which something shown changes by itself, or something is due. Nothing else needs a clock:
    /// there are no ticks.
    pub fn next_change(&self) -> Option<Instant> {
        let now = self.now.instant;
        let mut next: Option<Instant> = None;
        let mut at = |moment: Option<Instant>| next = [next, moment].into_iter().flatten().min();
        at(self.reread_at);
        at(self.look_at);
        if let Leaving::Draining { since, again_at, .. } = self.leaving {
            at(again_at);
            at(numbers::next_of_clock(now, now.saturating_duration_since(since)));
        }
        let still = self.look.decoration == Decoration::Plain;
        if let Some(run) = self.run.as_ref().filter(|_| !still) {
            let figures = &run.figures;
            if self.clock_runs() {
                at(numbers::next_of_clock(now, self.elapsed()));
            }
            if !matches!(figures.phase, Phase::Ended(_)) {
                at(figures.pace.pause.and_then(|pause| numbers::next_of_left(now, pause.until)));
                at(figures.pace.window.and_then(|window| numbers::next_of_left(now, window.resets_at)));
                if layout::shows(self, Pane::Pace) {
                    at(figures.waits.iter().filter_map(|wait| numbers::next_of_left(now, wait.until)).min());
                }
                at(figures
                    .token_left
                    .and_then(|left| run.at.checked_add(left))
                    .and_then(|ends| numbers::next_of_left(now, ends)));
            }
        }
        next
    }
}

/// A run that nobody carries here, in the shape in which live ones are drawn.
pub(super) fn figures_of(row: &RunRow) -> Figures {
    let phase = match row.state {
        RunState::Running => Phase::Running,
        state => Phase::Ended(state),
    };
    let host = row.api_url.split_once("://").map_or(row.api_url.as_str(), |(_, rest)| rest);
    Figures {
        run: row.id,
        operation: row.operation,
        profile: row.profile.clone(),
        platform: row.platform,
        host: host.split('/').next().unwrap_or(host).to_owned(),
        production: row.production,
        datasets: row.datasets.iter().map(|dataset| dataset.path.clone()).collect(),
        started_at: row.started_at,
        elapsed: row
            .ended_at
            .and_then(|ended| Duration::try_from(ended.duration_since(row.started_at)).ok())
            .unwrap_or_default(),
        phase,
        items: row.items,
        records: row.records,
        requests: row.requests,
        retries: row.retries,
        throttled: row.throttled,
        troubles: 0,
        records_per_second: 0.0,
        latency_p50: None,
        latency_p99: None,
        workers: Vec::new(),
        waiting: 0,
        waits: Vec::new(),
        jobs: 0,
        watched: Vec::new(),
        from_store: row.from_store,
        rows_failed: row.rows_failed,
        pace: PaceFigures::default(),
        bottleneck: None,
        eta: None,
        token_left: None,
        last_event: 0,
    }
}

/// Who carries a run of the journal that this process does not.
pub(super) fn carried_by(row: &RunRow) -> Carried {
    row.carrier.as_ref().map_or(Carried::ByNobody, |carrier| Carried::Elsewhere(carrier.0.clone()))
}
