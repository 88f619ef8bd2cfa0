//! A run, its failures and an interface, as tests need them.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::journal::{EventRow, FailureRow};
use crate::model::{
    Bottleneck, Doing, FailureState, Figures, OperationKind, PaceFigures, Phase, PlatformKind, Seq, Stage,
    Tally, Wait, WaitReason, WindowFigures, WorkerFigures,
};
use crate::tui::app::{App, Carried, LiveRun, Overlay, Shown};
use crate::tui::failures::{Anchor, Page, Split};
use crate::tui::history::History;
use crate::tui::mending::{Detail, Verdict};
use crate::tui::message::{self, Effect, Found, Message, Moment, What};
use crate::tui::theme::Look;
use crate::tui::update;

/// The moment at which all tests play.
pub(in crate::tui) fn moment() -> Moment {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    // so far ahead that everything can lie before it
    let instant = *START.get_or_init(|| Instant::now() + Duration::from_hours(24));
    Moment { instant, wall: "2026-11-21T13:01:48Z".parse().unwrap() }
}

fn ago(time: Duration) -> Instant {
    moment().instant.checked_sub(time).unwrap()
}

pub(in crate::tui) fn failure(item: Seq) -> FailureRow {
    let at: Timestamp = "2026-11-21T12:49:33Z".parse().unwrap();
    FailureRow {
        id: item.into(),
        position: item * 100 + 1,
        count: 1,
        key: format!("TXN-{}", 90_000 + item),
        stage: Stage::Delivery,
        status: Some(422),
        code: Some("SCHEMA_MISMATCH".to_owned()),
        message: "duration_seconds must be an integer".to_owned(),
        violations: Vec::new(),
        attempts: 1,
        unsure: 0,
        doubtful: false,
        correlation_id: Some("4e1c-77".to_owned()),
        remote_id: None,
        first_at: at,
        last_at: at,
        state: FailureState::Failed,
        note: None,
        edited: false,
        record: None,
        original: None,
    }
}

/// Where that run stands: two places with failures, one item under way.
fn map() -> std::sync::Arc<crate::model::ItemMap> {
    use crate::model::{ItemMap, Mark};
    let mut map = ItemMap::over(Some(1_000_000));
    map.mark(Mark::Delivered, 0, 623_113, 623_113);
    for first in [180_000, 420_000] {
        map.unmark(Mark::Delivered, first, 42, 42);
        map.mark(Mark::Failed, first, 42, 42);
    }
    map.mark(Mark::UnderWay, 624_000, 500, 500);
    std::sync::Arc::new(map)
}

/// A throttled run, as in the middle of the day.
pub(in crate::tui) fn figures() -> Figures {
    let now = moment().instant;
    let seconds = Duration::from_secs;
    let tally = |total, pending, delivered, failed, invalid| Tally {
        total: Some(total),
        pending,
        delivered,
        failed,
        invalid,
        dismissed: 0,
    };
    let wait = |item, status, attempts, left, whole| Wait {
        item,
        since: ago(Duration::from_millis(whole - left)),
        until: now + Duration::from_millis(left),
        attempts,
        status: Some(status),
        reason: if status == 429 { WaitReason::RateLimited } else { WaitReason::ServerError },
    };
    Figures {
        run: "0198c2f3-0000-7000-8000-000000000000".parse().unwrap(),
        operation: OperationKind::Ingest,
        profile: "acme-prod".to_owned(),
        platform: PlatformKind::Genesys,
        host: "api.mypurecloud.ie".to_owned(),
        production: true,
        datasets: vec!["/data/interactions.ndjson".to_owned()],
        started_at: "2026-11-21T11:49:33Z".parse().unwrap(),
        elapsed: seconds(4361),
        phase: Phase::Running,
        items: tally(2000, 752, 1240, 5, 3),
        records: tally(1_000_000, 376_000, 623_113, 42, 845),
        requests: 1700,
        retries: 420,
        throttled: 412,
        troubles: 4,
        records_per_second: 150.0,
        latency_p50: Some(Duration::from_millis(182)),
        latency_p99: Some(Duration::from_millis(1200)),
        workers: vec![
            WorkerFigures {
                doing: Doing::Sending { item: 1249, attempt: 1, since: ago(Duration::from_millis(300)) },
            },
            WorkerFigures { doing: Doing::Sending { item: 1250, attempt: 3, since: ago(seconds(4)) } },
            WorkerFigures { doing: Doing::Held { item: 1251, since: ago(seconds(11)) } },
            WorkerFigures { doing: Doing::Idle },
        ],
        workers_asked: 4,
        map: map(),
        act: None,
        waiting: 3,
        waits: vec![
            wait(1244, 429, 3, 9_200, 12_000),
            wait(1246, 429, 2, 6_000, 12_000),
            wait(1247, 503, 1, 1_100, 8_000),
        ],
        jobs: 0,
        watched: Vec::new(),
        from_store: 0,
        rows_failed: 0,
        pace: PaceFigures {
            rate: 0.3,
            ceiling: Some(4.0),
            ceiling_by: None,
            learnt: Some(0.3),
            bucket: Some((0, 20)),
            window: Some(WindowFigures { used: 300, allowed: 300, resets_at: now + seconds(12), ours: 18 }),
            pause: None,
        },
        bottleneck: Some(Bottleneck::Platform),
        eta: Some(seconds(2520)),
        token_left: Some(seconds(2460)),
        last_event: 7,
    }
}

pub(in crate::tui) fn happening(
    event: i64,
    at: &str,
    kind: &str,
    reason: Option<&str>,
    text: Option<&str>,
) -> EventRow {
    EventRow {
        event,
        at: format!("2026-11-21T{at}Z").parse().unwrap(),
        kind: kind.to_owned(),
        item: None,
        attempt: None,
        status: None,
        delay_ms: (kind == "pool_paused").then_some(12_000),
        reason: reason.map(str::to_owned),
        text: text.map(str::to_owned),
        took_ms: None,
        was: None,
        act: None,
    }
}

/// An interface without a run.
pub(in crate::tui) fn empty(size: (u16, u16)) -> App {
    App::new(moment(), TimeZone::fixed(jiff::tz::offset(1)), size, Look::MONO)
}

/// An interface with a live run, failures, happenings and some past.
pub(in crate::tui) fn board(size: (u16, u16)) -> App {
    let mut app = empty(size);
    let now = moment().instant;
    app.by = "sam".to_owned();
    let mut history = History::default();
    for step in 0_u32..120 {
        let at = ago(Duration::from_secs(u64::from(120 - step) * 30));
        let rate = if step < 60 { 700.0 } else { 150.0 - f64::from(step % 3) * 40.0 };
        let throttled = u64::from(step.saturating_sub(60)) * 7;
        history.add(at, rate, u64::from(step) * 20, throttled);
    }
    let mut given = figures();
    given.requests = 2400;
    given.throttled = 412;
    app.live = Some(LiveRun { figures: given.clone(), at: now, history });
    app.run = Some(Shown { figures: given, at: now, carried: Carried::Here });
    for event in [
        happening(1, "11:49:33", "state", Some("running"), None),
        happening(3, "12:02:11", "pool_paused", Some("two_in_a_row"), None),
        happening(4, "12:02:23", "pool_resumed", None, None),
        happening(6, "12:40:02", "ceiling", None, Some("sam: at most 4.0 calls a second")),
    ] {
        app.happenings.keep(event);
    }
    app.last_event = Some(7);
    app.failures.ask(Anchor::Start);
    app.failures.take(Page {
        anchor: Anchor::Start,
        rows: failures(),
        before: 0,
        total: 8,
        open: 7,
        ..Page::default()
    });
    app.failures.settle(crate::tui::layout::failure_rows(&app));
    app
}

/// Failures of every kind.
pub(in crate::tui) fn failures() -> Vec<FailureRow> {
    let mut rows: Vec<FailureRow> = (180..188).map(failure).collect();
    rows[1].message = "customer_segment is not one of A, B, C".to_owned();
    rows[2] = FailureRow {
        state: FailureState::Invalid,
        stage: Stage::Validation,
        status: None,
        attempts: 0,
        message: "external_id is empty".to_owned(),
        correlation_id: None,
        ..failure(182)
    };
    rows[3].status = Some(404);
    rows[4] = FailureRow { state: FailureState::Dismissed, note: Some("known".to_owned()), ..failure(184) };
    rows[5] = FailureRow {
        key: "山田花子-4471".to_owned(),
        status: None,
        code: None,
        attempts: 6,
        unsure: 2,
        doubtful: true,
        message: "connection was reset".to_owned(),
        ..failure(185)
    };
    rows[6] = FailureRow {
        count: 500,
        status: Some(503),
        message: "Service Unavailable".to_owned(),
        ..failure(186)
    };
    rows
}

pub(in crate::tui) fn tell(app: &mut App, what: What) -> Vec<Effect> {
    update::update(app, Message { at: moment(), what })
}

pub(in crate::tui) fn key(code: KeyCode) -> What {
    What::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

pub(in crate::tui) fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    keys.chars().flat_map(|char| tell(app, key(KeyCode::Char(char)))).collect()
}

pub(in crate::tui) fn control(app: &mut App, char: char) -> Vec<Effect> {
    tell(app, What::Key(KeyEvent::new(KeyCode::Char(char), KeyModifiers::CONTROL)))
}

/// The frame that is out of date is drawn and stands on the screen.
pub(in crate::tui) fn drawn(app: &mut App) {
    let number = app.frame;
    app.frame += 1;
    tell(app, What::Drawn(number));
}

/// The same run in another phase.
pub(in crate::tui) fn in_phase(app: &mut App, phase: Phase) -> Vec<Effect> {
    let mut given = app.figures().cloned().unwrap_or_else(figures);
    given.phase = phase;
    tell(app, What::Figures(Box::new(given)))
}

pub(in crate::tui) fn asks(app: &App) -> bool {
    matches!(app.overlays.last(), Some(Overlay::Question(_)))
}

/// Effects are the same if they say the same: a secret, which says nothing, is in none that tests compare.
impl PartialEq for Effect {
    fn eq(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

/// Presses the keys with which many are counted, and answers with what the journal would: these rows, split.
pub(in crate::tui) fn count_many(app: &mut App, keys: &str, rows: &[FailureRow]) -> Vec<Effect> {
    let asked = press(app, keys);
    let scope = asked.into_iter().find_map(|effect| match effect {
        Effect::Look(message::Look::Many(scope)) => Some(scope),
        _ => None,
    });
    let Some(scope) = scope else { return Vec::new() };
    let mut split = Split { rate: Some(45.0), stops_after: 20, ..Split::default() };
    for row in rows {
        split.add(row, app.figures().map_or(OperationKind::Ingest, |figures| figures.operation));
    }
    tell(app, What::Found(Found::Many(scope, Box::new(split))))
}

/// Marks failures, and presses what sends the marked ones again.
pub(in crate::tui) fn ask_to_send(app: &mut App, items: &[Seq]) -> Vec<Effect> {
    press(app, "6");
    for item in items {
        if !app.failures.marks.has((*item).into()) {
            app.failures.marks.turn((*item).into());
        }
    }
    let rows: Vec<FailureRow> = items.iter().map(|item| failure(*item)).collect();
    count_many(app, "R", &rows)
}

/// A failure of which nothing more is known than its row and its record.
pub(in crate::tui) fn detail_of(row: FailureRow, record: Vec<String>) -> Detail {
    Detail {
        row,
        record,
        fields: Vec::new(),
        more_fields: 0,
        verdict: Verdict::Unknown("there is no check here".to_owned()),
        tries: Vec::new(),
        hands: Vec::new(),
        file: None,
    }
}
