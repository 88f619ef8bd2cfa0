//! What things are called on the board: sentences for people who know contacts, not HTTP.

mod cause;
mod failure;
mod fault;
mod many;
mod profile;

use super::actions::Action;
use super::app::{App, Busy, Carried, Leaving, Pausing, Shown, Starting};
use super::numbers;
use super::theme::Ink;
use crate::journal::EventRow;
use crate::model::{Bottleneck, Figures, OperationKind, Phase, PlatformKind, RunState, WaitReason};

pub(super) use cause::{cause, cause_in_short, cause_sentence, has_examples};
pub(super) use failure::{advice, best_of, doubt, in_short, sentence_of};
pub(super) use fault::{fault, fault_changes, fault_of, what_came};
pub(super) use many::{
    cause_for_the_vendor, cost, doubts, for_the_vendor, moment, not_sent, on_failures, repeat_until, seldom,
    split,
};
pub(super) use profile::{client, home, may_do, profile_state, refusal, removal, took};

/// What a run is doing: a sign, a word, and how it is meant.
pub(super) fn state(app: &App) -> (&'static str, String, Ink) {
    let Some(run) = &app.run else { return ("·", "no run".to_owned(), Ink::Dim) };
    if let Carried::Elsewhere(_) = run.carried {
        return ("▶", "running elsewhere".to_owned(), Ink::Warn);
    }
    if app.starting == Starting::Yes {
        return ("▶", "starting…".to_owned(), Ink::Warn);
    }
    let clock = numbers::clock(app.elapsed());
    if let Leaving::Draining { since, .. } = app.leaving
        && app.is_live()
    {
        return (
            "‖",
            format!("leaving… {}", numbers::clock(app.now.instant.saturating_duration_since(since))),
            Ink::Warn,
        );
    }
    match (&run.figures.phase, app.asked.pause) {
        (Phase::Running | Phase::Checking { .. }, Some(Pausing::Pause))
        | (Phase::Pausing, None | Some(Pausing::Pause)) => ("‖", format!("pausing… {clock}"), Ink::Warn),
        (Phase::Paused | Phase::Pausing | Phase::Faulted(_), Some(Pausing::GoOn)) => {
            ("▶", format!("going on… {clock}"), Ink::Warn)
        }
        (Phase::Checking { .. }, _) => ("▶", format!("reading {clock}"), Ink::Good),
        (Phase::Running, _) => ("▶", format!("running {clock}"), Ink::Good),
        (Phase::Paused, _) => ("‖", format!("paused {clock}"), Ink::Warn),
        (Phase::Faulted(fault), _) => {
            ("✗", format!("FAULT since {}", numbers::minute_of_day(fault.at, &app.zone)), Ink::Bad)
        }
        (Phase::Draining, _) => ("‖", format!("leaving… {clock}"), Ink::Warn),
        (Phase::Ended(state), _) => ended(app, run, *state),
    }
}

fn ended(app: &App, run: &Shown, state: RunState) -> (&'static str, String, Ink) {
    let took = numbers::clock(app.elapsed());
    let open = run.figures.items.open();
    match state {
        RunState::Completed => ("■", format!("ended {took}, all delivered"), Ink::Good),
        RunState::CompletedWithFailures => {
            ("■", format!("ended {took}, {} open", numbers::count(open)), Ink::Warn)
        }
        RunState::Cancelled => ("■", "cancelled".to_owned(), Ink::Warn),
        RunState::Faulted => ("✗", "FAULT, nobody carries it".to_owned(), Ink::Bad),
        RunState::Paused | RunState::Running => ("‖", "paused, nobody carries it".to_owned(), Ink::Warn),
    }
}

/// The sentence under the gauge: why it is not faster, or why it does not go at all. Of several ways to say it, the
/// longest that fits into the room is taken.
pub(super) fn why(app: &App, room: u16) -> (String, Ink) {
    let (ways, ink) = ways_to_say_why(app);
    let ways = ways.into_iter();
    let mut shortest = String::new();
    for way in ways {
        if super::canvas::width(&way) <= room {
            return (way, ink);
        }
        shortest = way;
    }
    (sentences_within(&shortest, room).to_owned(), ink)
}

fn ways_to_say_why(app: &App) -> (Vec<String>, Ink) {
    let key = |action| app.keymap.key(action);
    let Some(run) = &app.run else {
        return (vec!["Nothing is being sent.".to_owned()], Ink::Dim);
    };
    // a run that is not this window's own says so first
    let aside = app
        .live
        .as_ref()
        .filter(|live| live.figures.run != run.figures.run)
        .map(|live| format!("{} goes back to {}", key(Action::BackToLive), live.figures.run.short()));
    if let Carried::Elsewhere(who) = &run.carried {
        let who = format!("Looking only: carried by {who}");
        let ways = match aside {
            Some(back) => vec![format!("{who}; {back}."), format!("Looking only; {back}.")],
            None => vec![format!("{who}."), who],
        };
        return (ways, Ink::Warn);
    }
    if let Some(back) = aside {
        let short = run.figures.run.short();
        let full =
            format!("Looking at {short}, {} of {}; {back}.", run.figures.operation, datasets(&run.figures));
        return (vec![full, format!("Looking at {short}; {back}.")], Ink::Warn);
    }
    let figures = &run.figures;
    match &figures.phase {
        Phase::Checking { read, of } => {
            let far = of.map_or_else(
                || format!("{} so far", numbers::bytes(*read)),
                |of| {
                    format!(
                        "{} of {}, {}",
                        numbers::bytes(*read),
                        numbers::bytes(of),
                        numbers::percent(*read, of)
                    )
                },
            );
            let ways = vec![
                format!("The dataset is read to its end before the first call: {far}."),
                format!("Reading the dataset first: {far}."),
            ];
            (ways, Ink::Plain)
        }
        Phase::Running | Phase::Pausing
            if app.asked.pause == Some(Pausing::Pause) || figures.phase == Phase::Pausing =>
        {
            let calls = being_finished(app.calls_out());
            (vec![format!("Pausing: {calls}, no new one starts.")], Ink::Warn)
        }
        Phase::Running | Phase::Pausing => bottleneck(app, figures),
        Phase::Paused => {
            let key = key(Action::PauseOrGoOn);
            (vec![format!("Paused. Nothing is in flight, nothing is lost. {key} goes on.")], Ink::Warn)
        }
        Phase::Faulted(fault) => {
            let short = &crate::plain::fault(fault.kind).short;
            let keys = format!("{} mend it   {} try again", key(Action::MendFault), key(Action::PauseOrGoOn));
            let ways =
                vec![fault::why(app, fault), format!("FAULT: {short}.  {keys}"), format!("FAULT: {short}.")];
            (ways, Ink::Bad)
        }
        Phase::Draining => {
            let calls = being_finished(app.calls_out());
            let ways =
                vec![format!("Leaving: {calls}, and all is written down."), format!("Leaving: {calls}.")];
            (ways, Ink::Warn)
        }
        Phase::Ended(state) => (vec![nothing_sent(app, run, *state)], Ink::Plain),
    }
}

fn nothing_sent(app: &App, run: &Shown, state: RunState) -> String {
    let of = datasets(&run.figures);
    let rest = match state {
        RunState::Paused | RunState::Faulted if app.is_for_show() => {
            "It is thrown away when you leave.".to_owned()
        }
        RunState::Paused | RunState::Faulted => {
            format!("{} goes on with it.", app.keymap.key(Action::PauseOrGoOn))
        }
        _ => "Nothing is being sent now.".to_owned(),
    };
    format!("{} of {of}, run {}. {rest}", run.figures.operation, run.figures.run.short())
}

/// The key that helps on where nothing goes on.
pub(super) fn next_step(app: &App) -> String {
    let key = |action| app.keymap.key(action);
    let Some(run) = &app.run else { return format!("{} begins a run.", key(Action::NewRun)) };
    match (&run.carried, &run.figures.phase) {
        (Carried::Elsewhere(_), _) => format!("{} lists all runs.", key(Action::Runs)),
        (_, Phase::Ended(RunState::Paused | RunState::Faulted)) => {
            format!("{} goes on with the run.", key(Action::PauseOrGoOn))
        }
        (_, Phase::Ended(_)) => {
            format!("{} begins another run; {} lists all.", key(Action::NewRun), key(Action::Runs))
        }
        _ => String::new(),
    }
}

/// The profile of a run, with the mark of a production tenant.
pub(super) fn tenant(figures: &Figures) -> String {
    if figures.production { format!("PRODUCTION {}", figures.profile) } else { figures.profile.clone() }
}

/// What is waited for: what, how far it is, and how to stop it.
pub(super) fn busy(app: &App, busy: &Busy) -> String {
    let far = match busy.far {
        Some((part, whole)) if whole > 0 => format!(" {}", numbers::percent(part, whole)),
        _ => String::new(),
    };
    let since = app.now.instant.saturating_duration_since(busy.since);
    format!("{}…{far} {}   Esc stops it.", busy.what, numbers::clock(since))
}

/// What a person is told of a run that is for show.
pub(super) const FOR_SHOW: &str = "This is practice: the run is thrown away when you leave";

/// The datasets of a run, by the names of their files.
pub(super) fn datasets(figures: &Figures) -> String {
    names_of(&figures.datasets)
}

/// Files by their names.
pub(super) fn names_of(paths: &[String]) -> String {
    let name = |path: &String| path.rsplit('/').next().unwrap_or(path).to_owned();
    match paths {
        [] => "nothing".to_owned(),
        [one] if one == "-" => "standard input".to_owned(),
        [one] => name(one),
        [first, rest @ ..] => format!("{} and {} more", name(first), rest.len()),
    }
}

/// The most calls a second that the platform is known to take from everybody together, where it tells a window.
pub(super) fn known_limit(figures: &Figures) -> Option<f64> {
    // Genesys counts by the minute; how long CXone's windows are is not told
    let window = figures.pace.window.filter(|_| figures.platform == PlatformKind::Genesys)?;
    let allowed = u32::try_from(window.allowed).ok().filter(|allowed| *allowed > 0)?;
    Some(f64::from(allowed) / 60.0)
}

/// What of a run goes on side by side, so many at a time.
pub(super) fn worker_noun(figures: &Figures) -> &'static str {
    if figures.operation == OperationKind::Ingest { "dataset" } else { "call" }
}

/// Why it is not faster, in a long way and in a short one.
fn bottleneck(app: &App, figures: &Figures) -> (Vec<String>, Ink) {
    let Some(bound) = figures.bottleneck else {
        let rate = numbers::rate(figures.pace.rate);
        let words = if figures.requests == 0 {
            "The first calls are going out.".to_owned()
        } else {
            format!("Nothing holds it up: {rate} calls a second.")
        };
        return (vec![words], Ink::Plain);
    };
    let (long, short) = because(app, figures, bound);
    let ink = match bound {
        Bottleneck::Platform | Bottleneck::Pause | Bottleneck::Backoffs | Bottleneck::Disk => Ink::Warn,
        _ => Ink::Plain,
    };
    let (full, brief) = (format!("Why not faster: {long}"), format!("Why: {long}"));
    // the first sentence says why; what follows is worth a shorter beginning, but not shorter words
    let first = |text: &str| text.split_inclusive(". ").next().unwrap_or(text).trim_end().to_owned();
    let (less, least) = (first(&full), first(&brief));
    (vec![full, brief, less, least, format!("Why: {short}")], ink)
}

fn because(app: &App, figures: &Figures, bound: Bottleneck) -> (String, String) {
    let now = app.now.instant;
    let pace = &figures.pace;
    let rate = numbers::rate(pace.rate);
    let call = figures.latency_p50.map_or_else(|| "a while".to_owned(), numbers::span);
    let both = |words: String| (words.clone(), words);
    match bound {
        Bottleneck::Bucket => match pace.ceiling {
            Some(ceiling) => {
                // the rate lags behind: a pause, or the first seconds, are in it for a while
                let is_reached = pace.rate >= ceiling * 0.9;
                let (ceiling, key) = (numbers::rate(ceiling), app.keymap.key(Action::Faster));
                if is_reached {
                    (
                        format!(
                            "the ceiling of {ceiling} calls a second is reached ({rate} now). {key} raises it."
                        ),
                        format!("the ceiling of {ceiling} calls/s is reached; {key} raises it."),
                    )
                } else {
                    (
                        format!("calls wait for the ceiling of {ceiling} a second. {key} raises it."),
                        format!("calls wait for the ceiling of {ceiling}/s; {key} raises it."),
                    )
                }
            }
            None => both(format!("the token bucket is empty ({rate} calls a second now).")),
        },
        Bottleneck::Platform => platform(app, figures),
        Bottleneck::Pause => match pace.pause {
            Some(pause) if pause.probing => (
                "the platform said \"slow down\"; one call is out to see if it takes calls again.".to_owned(),
                "after \"slow down\", one call is out to try.".to_owned(),
            ),
            Some(_) if window_is_used_up(figures) => platform(app, figures),
            Some(pause) => {
                let left = pause.until.saturating_duration_since(now);
                let until = if left > std::time::Duration::from_mins(2) {
                    let until = jiff::SignedDuration::try_from(left).ok();
                    let until = until.and_then(|left| app.now.wall.checked_add(left).ok());
                    until.map(|until| format!("until {}", numbers::minute_of_day(until, &app.zone)))
                } else {
                    None
                };
                let until = until.unwrap_or_else(|| format!("for {}", numbers::left(left)));
                (
                    format!("the platform said \"slow down\"; nothing is sent {until}."),
                    format!("\"slow down\"; nothing is sent {until}."),
                )
            }
            None => (
                "the platform said \"slow down\"; nothing is sent for a moment.".to_owned(),
                "\"slow down\"; nothing is sent for a moment.".to_owned(),
            ),
        },
        Bottleneck::Backoffs => {
            let longest = figures.waits.first().map_or_else(String::new, |wait| {
                format!(", the longest {}", numbers::left(wait.until.saturating_duration_since(now)))
            });
            let who = match figures.waiting {
                1 => format!("1 {} waits", figures.operation.one_item()),
                many => format!("{} {} wait", numbers::count(many), items(figures)),
            };
            (format!("{who} before another try{longest}."), format!("{who} to be tried again."))
        }
        Bottleneck::Latency => {
            let key = app.keymap.key(Action::MoreWorkers);
            let most = numbers::count_of(figures.workers.len());
            let more = if figures.workers_asked < crate::plan::MOST_WORKERS {
                format!(" {key} sends more at a time.")
            } else {
                String::new()
            };
            (
                format!(
                    "the workers wait for answers most of the time; half of the calls take {call} or more.{more}"
                ),
                format!("{most} at a time, and a call takes {call}.{more}"),
            )
        }
        Bottleneck::Order => (
            format!("the {} of one file go one after another; a call takes {call}.", items(figures)),
            format!("one after another in each file; a call takes {call}."),
        ),
        Bottleneck::Disk => (
            "the disk is slow; what was done is written down before more is done.".to_owned(),
            "the disk is slow to write down what was done.".to_owned(),
        ),
        Bottleneck::Jobs => {
            let jobs = some(figures.jobs, "job");
            (
                format!("the platform is at work on {jobs}; each is looked at from time to time."),
                format!("the platform is at work on {jobs}."),
            )
        }
        Bottleneck::Reading => both("the dataset is read no faster.".to_owned()),
    }
}

fn window_is_used_up(figures: &Figures) -> bool {
    figures.pace.window.is_some_and(|window| window.used >= window.allowed)
}

/// What the platform itself allows: its window, once that is used up; before, what was learnt from its answers.
fn platform(app: &App, figures: &Figures) -> (String, String) {
    let pace = &figures.pace;
    let Some(window) = pace.window.filter(|_| window_is_used_up(figures)) else {
        let takes = numbers::rate(pace.learnt.unwrap_or(pace.rate));
        return (
            format!("the platform said \"slow down\"; {takes} calls a second is what it takes now."),
            format!("\"slow down\"; it takes {takes} calls a second now."),
        );
    };
    let left = numbers::left(window.resets_at.saturating_duration_since(app.now.instant));
    let allowed = numbers::count(window.allowed);
    let used = match window.used.saturating_sub(window.ours) {
        0 => "all are used".to_owned(),
        others => format!("others use {} of them", numbers::count(others)),
    };
    (
        format!("{} allows {allowed} calls a window; {used}. New ones in {left}.", figures.profile),
        format!("{allowed} a window, {}; new ones in {left}.", used.trim_end_matches(" of them")),
    )
}

/// `1 call`, `4,210 calls`.
pub(super) fn calls(number: u64) -> String {
    some(number, "call")
}

/// What becomes of the calls that are out: `2 calls are being finished`.
pub(super) fn being_finished(number: u64) -> String {
    match number {
        0 => "no call is out any more".to_owned(),
        1 => "1 call is being finished".to_owned(),
        _ => format!("{} are being finished", calls(number)),
    }
}

/// `1 failure`, `2 failures`.
pub(super) fn some(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", numbers::count(number), if number == 1 { "" } else { "s" })
}

/// What the items of a run are called.
pub(super) fn items(figures: &Figures) -> &'static str {
    figures.operation.item_noun()
}

/// The ceiling and who set it, and what was asked for and is not confirmed.
pub(super) fn ceiling(app: &App, figures: &Figures) -> String {
    let named = |rate: Option<f64>| {
        rate.map_or_else(|| "none".to_owned(), |rate| format!("{}/s", numbers::rate(rate)))
    };
    let now = named(figures.pace.ceiling);
    match (app.asked.ceiling, &figures.pace.ceiling_by) {
        (Some(wish), _) if wish.rate() != figures.pace.ceiling => {
            format!("{now}, asked {}", named(wish.rate()))
        }
        (_, Some(by)) if *by == app.by => format!("{now} (you)"),
        (_, Some(by)) => format!("{now} ({by})"),
        _ => now,
    }
}

/// Why an item waits, in few words.
pub(super) fn wait(reason: WaitReason, status: Option<u16>) -> String {
    match (reason, status) {
        (_, Some(status)) => status.to_string(),
        (WaitReason::RateLimited, None) => "429".to_owned(),
        (WaitReason::ServerError, None) => "5xx".to_owned(),
        (WaitReason::Network, None) => "no answer".to_owned(),
        (WaitReason::InProgress, None) => "in use".to_owned(),
    }
}

/// A text as a sentence: with a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// A text as a sentence of its own: with a capital, too.
fn whole_sentence(text: &str) -> String {
    capital(&sentence(text))
}

/// A text with a capital at its beginning.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A sentence that goes on after a colon, or within another one.
pub(super) fn after_colon(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// As many of a text's sentences as fit; at least the first.
pub(super) fn sentences_within(text: &str, room: u16) -> &str {
    let mut text = text;
    while super::canvas::width(text) > room {
        let Some(end) = text.trim_end_matches('.').rfind(". ") else { break };
        text = text.get(..=end).unwrap_or(text);
    }
    text
}

/// Something that happened, as one line.
pub(super) fn happening(event: &EventRow) -> (String, Ink) {
    let text = event.text.as_deref().unwrap_or_default();
    match event.kind.as_str() {
        "state" => (run_state(event.reason.as_deref().unwrap_or(text)), Ink::Plain),
        "fault" => {
            let what = event.fault().map_or_else(|| text.to_owned(), |fault| fault.message);
            (format!("FAULT: {what}"), Ink::Bad)
        }
        "pool_paused" => {
            let long = event.delay_ms.map_or_else(String::new, |ms| {
                format!("; wait {}", numbers::span(std::time::Duration::from_millis(ms)))
            });
            let why = crate::report::pause_words(event.reason.as_deref());
            (format!("{why}{long}"), Ink::Warn)
        }
        "pool_resumed" => ("the platform takes calls again".to_owned(), Ink::Good),
        _ if text.is_empty() => (event.kind.replace('_', " "), Ink::Plain),
        _ => (text.to_owned(), Ink::Plain),
    }
}

fn run_state(word: &str) -> String {
    match word.parse::<RunState>() {
        Ok(RunState::Running) => "sending",
        Ok(RunState::Paused) => "paused",
        Ok(RunState::Faulted) => "stopped by a fault",
        Ok(RunState::Completed) => "ended: all was delivered or closed",
        Ok(RunState::CompletedWithFailures) => "ended, with failures left",
        Ok(RunState::Cancelled) => "cancelled; what was not sent stays so",
        Err(_) => word,
    }
    .to_owned()
}

/// The terminal's title: state and per cent.
pub(super) fn title(app: &App) -> String {
    let Some(figures) = app.figures() else { return "trunkline".to_owned() };
    let word = match &figures.phase {
        Phase::Checking { .. } => "reading",
        Phase::Running => "running",
        Phase::Pausing => "pausing",
        Phase::Paused => "paused",
        Phase::Faulted(_) => "FAULT",
        Phase::Draining => "leaving",
        Phase::Ended(RunState::Completed) => "completed",
        Phase::Ended(RunState::CompletedWithFailures) => "ended with failures",
        Phase::Ended(RunState::Cancelled) => "cancelled",
        Phase::Ended(_) => "stopped",
    };
    let part = figures.records.total.map_or_else(
        || some(figures.records.settled(), "record"),
        |total| numbers::percent(figures.records.settled(), total),
    );
    crate::text::one_line(&format!("{part} {word} · {} · trunkline", figures.profile), 120)
}
