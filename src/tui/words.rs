//! What things are called on the board: sentences for people who know contacts, not HTTP.

mod failure;

use super::Keeps;
use super::app::{App, Asked, Carried, Leaving, Pausing, Shown, Starting};
use super::numbers;
use super::theme::Ink;
use crate::journal::EventRow;
use crate::model::{Bottleneck, Fault, Figures, Phase, RunState, WaitReason};

pub(super) use failure::{advice, in_short, sentence_of, violation};

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

/// The sentence under the gauge: why it is not faster, or why it does not go at all.
pub(super) fn why(app: &App) -> (String, Ink) {
    let Some(run) = &app.run else {
        return ("Nothing is being sent.".to_owned(), Ink::Dim);
    };
    if let Carried::Elsewhere(who) = &run.carried {
        return (format!("looking only: carried by {who}"), Ink::Warn);
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
            (format!("The dataset is read to its end before the first call: {far}."), Ink::Plain)
        }
        Phase::Running | Phase::Pausing
            if app.asked.pause == Some(Pausing::Pause) || figures.phase == Phase::Pausing =>
        {
            (format!("Pausing: {} being finished, no new one starts.", calls_are(app.calls_out())), Ink::Warn)
        }
        Phase::Running | Phase::Pausing => bottleneck(app, figures),
        Phase::Paused => ("Paused. Nothing is in flight, nothing is lost. p goes on.".to_owned(), Ink::Warn),
        Phase::Faulted(fault) => (format!("FAULT: {} p tries again.", sentence(&fault.message)), Ink::Bad),
        Phase::Draining => {
            (format!("Leaving: {} being finished and written down.", calls_are(app.calls_out())), Ink::Warn)
        }
        Phase::Ended(state) => (nothing_sent(app, run, *state), Ink::Plain),
    }
}

fn nothing_sent(app: &App, run: &Shown, state: RunState) -> String {
    let of = datasets(&run.figures);
    let rest = match state {
        RunState::Paused | RunState::Faulted => {
            format!("{}.", going_on(app).as_deref().unwrap_or(FOR_SHOW))
        }
        _ => "Nothing is being sent now.".to_owned(),
    };
    format!("{} of {of}, run {}. {rest}", run.figures.operation, run.figures.run.short())
}

/// How a run that was left is gone on with; nothing where there will be nothing left of it.
pub(super) fn going_on(app: &App) -> Option<String> {
    let run = app.figures()?.run;
    (app.keeps == Keeps::Journal).then(|| format!("`trunkline resume {}` goes on", run.prefix()))
}

/// What a person is told of a run that is for show.
pub(super) const FOR_SHOW: &str = "This is the demo: its run is thrown away when you leave";

/// The datasets of a run, by the names of their files.
pub(super) fn datasets(figures: &Figures) -> String {
    let name = |path: &String| path.rsplit('/').next().unwrap_or(path).to_owned();
    match figures.datasets.as_slice() {
        [] => "nothing".to_owned(),
        [one] if one == "-" => "standard input".to_owned(),
        [one] => name(one),
        [first, rest @ ..] => format!("{} and {} more", name(first), rest.len()),
    }
}

/// What a sentence about the pace begins with.
const WHY_NOT_FASTER: &str = "Why not faster: ";

fn bottleneck(app: &App, figures: &Figures) -> (String, Ink) {
    let now = app.now.instant;
    let pace = &figures.pace;
    let rate = numbers::rate(pace.rate);
    let time_of_call = figures.latency_p50.map_or_else(|| "a while".to_owned(), numbers::span);
    let Some(bound) = figures.bottleneck else {
        return (format!("Nothing holds it up: {rate} calls a second."), Ink::Plain);
    };
    let because = match bound {
        Bottleneck::Bucket => match pace.ceiling {
            Some(ceiling) => {
                format!(
                    "the ceiling of {} calls a second is reached ({rate} now). > raises it.",
                    numbers::rate(ceiling)
                )
            }
            None => format!("the token bucket is empty ({rate} calls a second now)."),
        },
        Bottleneck::Platform => match pace.window {
            Some(window) => {
                let left = numbers::left(window.resets_at.saturating_duration_since(now));
                let others = window.used.saturating_sub(window.ours);
                format!(
                    "{} allows {} calls a window; others use {} of them. New ones in {left}.",
                    figures.profile,
                    numbers::count(window.allowed),
                    numbers::count(others)
                )
            }
            None => match pace.learnt {
                Some(learnt) => format!(
                    "the platform said \"slow down\"; {} calls a second is what it takes now.",
                    numbers::rate(learnt)
                ),
                None => format!("the platform takes {rate} calls a second."),
            },
        },
        Bottleneck::Pause => match pace.pause {
            Some(pause) if pause.probing => {
                "the platform said \"slow down\"; one call is out to see if it takes calls again.".to_owned()
            }
            Some(pause) => {
                let left = numbers::left(pause.until.saturating_duration_since(now));
                match pace.window.filter(|window| window.used >= window.allowed) {
                    Some(window) => format!(
                        "{} allows {} calls a window, and none is left. New ones in {left}.",
                        figures.profile,
                        numbers::count(window.allowed)
                    ),
                    None => format!("the platform said \"slow down\"; nothing is sent for {left}."),
                }
            }
            None => "the platform said \"slow down\"; nothing is sent for a moment.".to_owned(),
        },
        Bottleneck::Backoffs => {
            let longest = figures.waits.first().map_or_else(String::new, |wait| {
                format!(", the longest {}", numbers::left(wait.until.saturating_duration_since(now)))
            });
            format!(
                "{} before another try{longest}.",
                if figures.waiting == 1 {
                    format!("1 {} waits", items(figures).trim_end_matches('s'))
                } else {
                    format!("{} {} wait", numbers::count(figures.waiting), items(figures))
                }
            )
        }
        Bottleneck::Latency => {
            let all = match figures.workers.len() {
                1 => "the only worker is".to_owned(),
                many => format!("all {} workers are", numbers::count_of(many)),
            };
            format!("{all} sending; half of the calls take {time_of_call} or more.")
        }
        Bottleneck::Order => {
            format!("the {} of one file go one after another; a call takes {time_of_call}.", items(figures))
        }
        Bottleneck::Disk => "the disk is slow; what was done is written down before more is done.".to_owned(),
        Bottleneck::Jobs => {
            let jobs = numbers::count(figures.jobs);
            format!("the platform is at work on {jobs} jobs; each is looked at from time to time.")
        }
        Bottleneck::Reading => "the dataset is read no faster.".to_owned(),
    };
    let ink = match bound {
        Bottleneck::Platform | Bottleneck::Pause | Bottleneck::Backoffs | Bottleneck::Disk => Ink::Warn,
        _ => Ink::Plain,
    };
    (format!("{WHY_NOT_FASTER}{because}"), ink)
}

/// `1 call`, `4,210 calls`.
pub(super) fn calls(number: u64) -> String {
    some(number, "call")
}

/// `1 call is`, `2 calls are`.
pub(super) fn calls_are(number: u64) -> String {
    format!("{} {}", calls(number), if number == 1 { "is" } else { "are" })
}

/// `1 failure`, `2 failures`.
pub(super) fn some(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", numbers::count(number), if number == 1 { "" } else { "s" })
}

/// What the items of a run are called.
pub(super) fn items(figures: &Figures) -> &'static str {
    figures.operation.item_noun()
}

/// Who set the ceiling, and what was asked for and is not confirmed.
pub(super) fn ceiling(figures: &Figures, asked: Asked) -> String {
    let named = |rate: Option<f64>| {
        rate.map_or_else(|| "none".to_owned(), |rate| format!("{}/s", numbers::rate(rate)))
    };
    match asked.ceiling {
        Some(wish) if wish.rate() != figures.pace.ceiling => {
            format!("{}, asked {}", named(figures.pace.ceiling), named(wish.rate()))
        }
        _ => named(figures.pace.ceiling),
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
    let text = sentence(text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The sentence under the gauge, where there is so much room: whole sentences, and fewer words before they are cut.
pub(super) fn why_within(why: String, room: u16) -> String {
    let fits = |text: &str| super::canvas::width(sentences_within(text, room)) <= room;
    let why = match why.strip_prefix(WHY_NOT_FASTER) {
        Some(because) if !fits(&why) => format!("Why: {because}"),
        _ => why,
    };
    sentences_within(&why, room).to_owned()
}

/// As many of a text's sentences as fit; at least the first.
fn sentences_within(text: &str, room: u16) -> &str {
    let mut text = text;
    while super::canvas::width(text) > room {
        let Some(end) = text.trim_end_matches('.').rfind(". ") else { break };
        text = text.get(..=end).unwrap_or(text);
    }
    text
}

/// A fault for the *Run* pane: what is wrong, and what to do.
pub(super) fn fault(app: &App, fault: &Fault) -> Vec<(String, Ink)> {
    let mut lines = vec![(whole_sentence(&fault.message), Ink::Bad)];
    let since = numbers::minute_of_day(fault.at, &app.zone);
    if let Some(figures) = app.figures() {
        let records = figures.records;
        lines.push((
            format!(
                "Since {since}. Nothing is lost: {} settled, {} to go.",
                some(records.settled(), "record"),
                numbers::count(records.pending)
            ),
            Ink::Plain,
        ));
    }
    lines.push((format!("What to do: {}", sentence(&fault.advice)), Ink::Strong));
    if let Some(at) = fault.resumes_at {
        lines.push((format!("It goes on by itself at {}.", numbers::time_of_day(at, &app.zone)), Ink::Plain));
    }
    lines
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
                format!("; nothing is sent for {}", numbers::span(std::time::Duration::from_millis(ms)))
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
