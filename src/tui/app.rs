//! What the board knows: the whole state of the interface. `update` changes it, `view` draws it, nothing else touches it.

mod live;
mod over;
mod profiles;
mod question;

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::Keeps;
use super::actions::Keymap;
use super::datasets::Datasets;
use super::failures::FailureList;
use super::happenings::Happenings;
use super::history::History;
use super::layout;
use super::mending::Mendings;
use super::message::Moment;
use super::numbers;
use super::office::Places;
use super::shell::Left;
use super::theme::{Bell, Decoration, Look};
use crate::journal::{FailureRow, RunRow};
use crate::model::{Doing, FailureId, Figures, PaceFigures, Phase, RunState, Seq};

pub(super) use live::LiveRun;
pub(super) use over::{Content, OpenFailure, Overlay, Page, Seen};
pub(super) use profiles::{Credentials, Test};
pub(super) use question::{Act, Afterwards, Place, Proof, Question};

/// The panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pane {
    /// The profiles, and whether they work.
    Credentials,
    /// The files that can be sent.
    Datasets,
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
    pub const ALL: [Self; 6] =
        [Self::Credentials, Self::Datasets, Self::Run, Self::Workers, Self::Pace, Self::Failures];

    /// Its number and name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Credentials => "1 Credentials",
            Self::Datasets => "2 Datasets",
            Self::Run => "3 Run",
            Self::Workers => "4 Workers",
            Self::Pace => "5 Pace",
            Self::Failures => "6 Failures",
        }
    }

    /// The same, where there is little room.
    pub const fn short_name(self) -> &'static str {
        match self {
            Self::Credentials => "1 Creds",
            Self::Datasets => "2 Data",
            Self::Run => "3 Run",
            Self::Workers => "4 Work",
            Self::Pace => "5 Pace",
            Self::Failures => "6 Fail",
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
    /// The workers that were asked for.
    pub workers: Option<u16>,
}

/// Something that takes its time, and that the person waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Busy {
    /// What, as the beginning of a sentence: `Testing acme-prod`.
    pub what: String,
    pub since: Instant,
    /// How far it is, where that is known: so much of so much.
    pub far: Option<(u64, u64)>,
}

/// Whether the board listens to the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mouse {
    On,
    Off,
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
    Draining { since: Instant, why: Why, then: Then, again_at: Option<Instant> },
}

/// What becomes of a run that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It stays paused.
    Paused,
    /// It goes on without a screen.
    Detached,
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
    pub keymap: Keymap,
    /// Who sits there.
    pub by: String,
    /// Whether the person's name is known, or is only a guess that the first act asks about.
    pub named: Named,
    pub keeps: Keeps,
    pub mouse: Mouse,
    /// The run on the board.
    pub run: Option<Shown>,
    /// The run that this process carries, or carried last; it may be another one than that on the board.
    pub live: Option<LiveRun>,
    pub places: Option<Places>,
    pub credentials: Credentials,
    pub datasets: Datasets,
    /// What the person waits for.
    pub busy: Option<Busy>,
    pub focus: Pane,
    /// The pane that had the keys before one was opened over the others.
    pub focus_before: Pane,
    pub zoom: Zoom,
    pub asked: Asked,
    pub failures: FailureList,
    /// What is edited and not sent, and the last notes.
    pub mendings: Mendings,
    /// What follows when the edits that were asked for are kept, with their items.
    pub after_edit: Option<(Afterwards, Vec<Seq>)>,
    /// The number of the last walk over many records.
    pub errand: u64,
    /// When the failures are to be read again, because they have changed.
    pub reread_at: Option<Instant>,
    /// When the failures were last read.
    pub read_at: Option<Instant>,
    /// When the journal was last asked where the run stands.
    pub map_at: Option<Instant>,
    /// Whether the run has gone on since.
    pub map_is_old: bool,
    /// When to look again at a run that another process carries.
    pub look_at: Option<Instant>,
    pub happenings: Happenings,
    /// The number of the last event that was read; none before the first were.
    pub last_event: Option<i64>,
    /// Whether events are being read now.
    pub reading_events: Reading,
    pub overlays: Vec<Overlay>,
    pub notice: Option<Notice>,
    pub leaving: Leaving,
    pub suspending: Suspending,
    pub starting: Starting,
    /// How the board was left, once it was.
    pub left: Option<Left>,
    /// The number of the frame that is drawn next.
    pub frame: u64,
    /// The first frame that showed anything: a terminal can be too small for that.
    pub shows_from: u64,
    /// Whether what is on the screen is out of date.
    pub dirty: bool,
}

/// Whether the person's name is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Yes,
    No,
}

/// Whether something is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Nothing,
    Under,
}

/// The most columns and rows that are drawn on: a terminal that says it has more would take gigabytes.
pub(super) const LARGEST: (u16, u16) = (1500, 700);

/// How much of a terminal of this size is drawn on.
pub(super) fn fitting((width, height): (u16, u16)) -> (u16, u16) {
    (width.min(LARGEST.0), height.min(LARGEST.1))
}

impl App {
    pub fn new(now: Moment, zone: TimeZone, size: (u16, u16), look: Look) -> Self {
        Self {
            now,
            zone,
            size: fitting(size),
            look,
            bell: Bell::Rings,
            keymap: Keymap::default(),
            by: "somebody".to_owned(),
            named: Named::Yes,
            keeps: Keeps::Journal,
            mouse: Mouse::On,
            run: None,
            live: None,
            places: None,
            credentials: Credentials::default(),
            datasets: Datasets::default(),
            busy: None,
            focus: Pane::Run,
            focus_before: Pane::Run,
            zoom: Zoom::Off,
            asked: Asked::default(),
            failures: FailureList::default(),
            mendings: Mendings::default(),
            after_edit: None,
            errand: 0,
            reread_at: None,
            read_at: None,
            map_at: None,
            map_is_old: false,
            look_at: None,
            happenings: Happenings::default(),
            last_event: None,
            reading_events: Reading::Nothing,
            overlays: Vec::new(),
            notice: None,
            leaving: Leaving::No,
            suspending: Suspending::No,
            starting: Starting::No,
            left: None,
            frame: 1,
            shows_from: 0,
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

    /// The run that this process carries and that has not ended, whichever is on the board.
    pub fn carried(&self) -> Option<&LiveRun> {
        self.live.as_ref().filter(|live| !matches!(live.figures.phase, Phase::Ended(_)))
    }

    /// Whether the run on the board is thrown away when the board is left.
    pub fn is_for_show(&self) -> bool {
        let own = match (self.figures(), &self.live) {
            (Some(shown), Some(live)) => shown.run == live.figures.run,
            _ => true,
        };
        own && self.keeps == Keeps::Nothing
    }

    /// The samples of the run on the board, where there are any.
    pub fn history(&self) -> Option<&History> {
        let run = self.figures()?.run;
        self.live.as_ref().filter(|live| live.figures.run == run).map(|live| &live.history)
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
        self.carried().map_or(0, |live| {
            let figures = &live.figures;
            let sending =
                figures.workers.iter().filter(|worker| matches!(worker.doing, Doing::Sending { .. })).count();
            u64::try_from(sending).unwrap_or(u64::MAX)
        })
    }

    /// The failure, where the board holds its row: as it was opened, else as it is listed.
    pub fn failure_row(&self, id: FailureId) -> Option<&FailureRow> {
        let opened = self.overlays.iter().rev().find_map(|overlay| match overlay {
            Overlay::Failure(OpenFailure { id: of, content: Content::Here(detail), .. }) if *of == id => {
                Some(&detail.row)
            }
            _ => None,
        });
        opened.or_else(|| self.failures.rows.iter().find(|row| row.id == id))
    }

    pub fn says(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), tone: Tone::Says });
    }

    pub fn warns(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), tone: Tone::Warns });
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
        at(self.overlays.iter().find_map(|overlay| match overlay {
            Overlay::Log(view) => view.read_at,
            _ => None,
        }));
        if let Leaving::Draining { since, again_at, .. } = self.leaving {
            at(again_at);
            at(numbers::next_of_clock(now, now.saturating_duration_since(since)));
        }
        let still = self.look.decoration == Decoration::Plain;
        if !still {
            at(self
                .busy
                .as_ref()
                .and_then(|busy| numbers::next_of_clock(now, now.saturating_duration_since(busy.since))));
            if layout::shows(self, Pane::Credentials) {
                at(self.credentials.next_change(now));
            }
            at(super::words::fault_changes(self));
        }
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
        elapsed: row.took,
        phase,
        items: row.items,
        records: row.records,
        requests: row.requests,
        retries: row.retries,
        throttled: row.throttled,
        troubles: row.troubles,
        records_per_second: 0.0,
        latency_p50: None,
        latency_p99: None,
        workers: Vec::new(),
        workers_asked: 0,
        // the journal is asked for it, and nothing is drawn before
        map: std::sync::Arc::default(),
        act: None,
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
